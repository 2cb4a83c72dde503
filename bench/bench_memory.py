"""Does the process grow over a hundred thousand launches?"""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.peers import ours
from bench.workloads import WORKLOADS

LAUNCHES = 100_000
ALLOWED = 256 * 1024  # bytes: what the allocator's own bookkeeping may move


def resident() -> int:
    """Bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("variant", ["device arrays", "NumPy arguments", "enqueue"])
def bench_growth(benchmark: BenchmarkFixture, variant: str) -> None:
    contender = ours.prepare("empty32", WORKLOADS["empty32"].make(32), variant=variant)

    def launch(count: int) -> None:
        for number in range(count):
            contender.run()
            if contender.settle and number % 256 == 0:
                contender.settle()

    launch(LAUNCHES // 10)
    gc.collect()
    before = resident()
    benchmark.pedantic(lambda: launch(LAUNCHES), rounds=1)
    gc.collect()
    grown = resident() - before
    benchmark.extra_info["bytes grown"] = grown
    assert grown <= ALLOWED, f"{LAUNCHES} launches ({variant}) left {grown} more bytes in memory"
