"""``import accelerx`` is quick and does nothing but define names."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PROBE = """
import json, sys, time
import numpy
before = set(sys.modules)
start = time.process_time()
import {module}
seconds = time.process_time() - start
print(json.dumps([seconds, sorted(set(sys.modules) - before)]))
"""
LIMIT = 0.060  # seconds beyond NumPy's own


def probe(module: str) -> tuple[float, set[str]]:
    """CPU seconds and new modules of an import in a fresh process."""
    command = [sys.executable, "-c", PROBE.format(module=module)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, names = json.loads(done.stdout)
    return seconds, set(names)


@pytest.mark.parametrize("module", ["accelerx", "accelerx.cuda"])
def test_import_is_quick(module: str) -> None:
    """The best of several: other processes only ever add to it."""
    assert min(probe(module)[0] for _ in range(7)) < LIMIT


@pytest.mark.parametrize("heavy", ["numba", "llvmlite", "scipy", "torch", "clang", "ml_dtypes"])
def test_import_leaves_heavy_packages_alone(heavy: str) -> None:
    _, names = probe("accelerx.cuda")
    assert heavy not in {name.partition(".")[0] for name in names}


def test_import_starts_no_threads() -> None:
    """Counted by the kernel; NumPy's linear algebra has threads of its own."""
    count = "len(os.listdir('/proc/self/task'))"
    program = f"import numpy, os; n = {count}; import accelerx.cuda; print({count} - n)"
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("0\n", "")
