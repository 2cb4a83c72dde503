"""Programs that use accelerx pass a strict type checker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy", reason="the check is mypy's")

PROGRAM = """
import numpy as np
import accelerx as ax
from accelerx import cuda

@cuda.jit
def k(a):  # type: ignore[no-untyped-def]
    a[cuda.grid(1)] = 1

k[1, 32](np.zeros(32))
cuda.synchronize()
x = cuda.to_device(np.zeros(3)).copy_to_host()
y = ax.asnumpy(ax.asarray(np.zeros(3)))
"""


@pytest.mark.slow
def test_the_public_names_are_exported_to_type_checkers(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(program)],
        env={"MYPYPATH": str(root), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
