"""What does ``import accelerx`` add to NumPy's own import?"""

from __future__ import annotations

import subprocess
import sys

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.harness import ROOT, Race

PROCESSES = 15
PROGRAM = """
import time, numpy
start = time.perf_counter()
import {module}
print(time.perf_counter() - start)
"""
MODULES = {
    "accelerx": "accelerx",
    "accelerx.cuda": "accelerx.cuda",
    "numba": "numba",
    "pyopencl": "pyopencl",
}


def seconds(module: str) -> float:
    """Seconds the import takes in a fresh process that has NumPy."""
    command = [sys.executable, "-c", PROGRAM.format(module=module)]
    return float(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)


def bench_import(benchmark: BenchmarkFixture, races: list[Race]) -> None:
    result = Race("import, beyond NumPy", "import")
    for module in MODULES.values():
        if module in ("numba", "pyopencl"):
            pytest.importorskip(module)
        seconds(module)  # writes the byte code
    for _ in range(PROCESSES):
        for name, module in MODULES.items():
            result.samples.setdefault(name, []).append(seconds(module))
    races.append(result)
    benchmark.extra_info.update({name: result.median(name) for name in MODULES})
    benchmark.pedantic(lambda: seconds("accelerx"), rounds=3)
