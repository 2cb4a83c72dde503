"""What the README shows is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()

SINC = """
import numpy as np
from accelerx import cuda

@cuda.jit
def wave(x, y):
    i = cuda.grid(1)
    if i < x.size:
        y[i] = np.sinc(x[i])

wave[4, 64](np.ones(256, np.float32), np.ones(256, np.float32))
"""
SHIFT = """
import numpy as np
from accelerx import cuda

@cuda.jit(debug=True)
def shift(x, y):
    i = cuda.grid(1)
    y[i] = x[i + 1]

shift[1, 64](np.ones(64, np.float32), np.ones(64, np.float32))
"""


def run(folder: Path, name: str, program: str) -> subprocess.CompletedProcess[str]:
    (folder / name).write_text(program.lstrip("\n"))
    command = [sys.executable, name]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_first_program_prints_what_it_says(tmp_path: Path) -> None:
    program = blocks("python")[0]
    said = re.search(r"print\(.*# (.*)$", program, re.MULTILINE)
    assert said is not None
    done = run(tmp_path, "first.py", program)
    assert (done.stdout.strip(), done.stderr) == (said[1], "")


@pytest.mark.parametrize(("name", "program"), [("wave.py", SINC), ("shift.py", SHIFT)])
def test_errors_look_as_shown(tmp_path: Path, name: str, program: str) -> None:
    (shown,) = (b for b in blocks("") if f" {name}:" in b)
    said = run(tmp_path, name, program).stderr
    kind, _, message = shown.partition(": ")
    # a traceback names the exception's module and the file's folder
    assert f"accelerx.errors.{kind}: {tmp_path}/{message}" in said
