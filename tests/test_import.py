"""``import accelerx`` does nothing but define names; how long it takes is bench/bench_import.py's."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PROBE = """
import json, sys
import numpy
before = set(sys.modules)
import {module}
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def probe(module: str) -> set[str]:
    """The modules that an import adds in a fresh process, beyond NumPy's."""
    command = [sys.executable, "-c", PROBE.format(module=module)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("heavy", ["numba", "llvmlite", "scipy", "torch", "clang", "ml_dtypes"])
def test_import_leaves_heavy_packages_alone(heavy: str) -> None:
    names = probe("accelerx.cuda")
    assert heavy not in {name.partition(".")[0] for name in names}


def test_import_starts_no_threads() -> None:
    """Counted by the kernel; NumPy's linear algebra has threads of its own."""
    count = "len(os.listdir('/proc/self/task'))"
    program = f"import numpy, os; n = {count}; import accelerx.cuda; print({count} - n)"
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("0\n", "")
