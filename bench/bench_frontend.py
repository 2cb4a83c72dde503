"""How long does the CUDA C++ front end take: a new text to verified KIR, only our prelude kept?"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from pytest_benchmark.fixture import BenchmarkFixture

from accelerx.compiler.frontends.cuda_cpp import lifter, prelude
from accelerx.compiler.frontends.cuda_cpp.source import CudaSource
from bench.harness import Race
from bench.peers.cuda_text import KERNELS, SOURCE

ROUNDS = 15


def lift_anew(name: str, number: int) -> float:
    """Seconds to lift one kernel from a text that nobody has seen."""
    source = CudaSource(SOURCE.read_text() + f"\n// {name} {number}\n")
    start = time.perf_counter()
    lifter.signature(source, name)
    lifter.lift(source, name)
    return time.perf_counter() - start


def bench_front_end(benchmark: BenchmarkFixture, races: list[Race], tmp_path: Path) -> None:
    prelude.keep_in(tmp_path)
    lift_anew("empty32", -1)  # imports and starts libclang
    medians = []
    for name in KERNELS:
        seconds = [lift_anew(name, n) for n in range(ROUNDS)]
        races.append(Race(f"front end: {name}", "front end", {"accelerx": seconds}))
        medians.append(statistics.median(seconds))
    benchmark.extra_info["median over the kernels"] = statistics.median(medians)
    numbers = iter(range(ROUNDS, 1 << 30))
    benchmark.pedantic(lambda: lift_anew("softmax", next(numbers)), rounds=5)
