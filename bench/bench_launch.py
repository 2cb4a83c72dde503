"""What does a warm launch of a tiny kernel cost: one block of 32 threads, three arguments?"""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.harness import Race, Worker, race
from bench.peers import cuda_text, ours
from bench.workloads import WORKLOADS

# variant: (title, who takes part besides us)
VARIANTS = {
    "": ("launch + synchronize", ("C++", "Intel OpenCL", "numba parallel")),
    "NumPy arguments": ("launch with NumPy arguments", ()),
    "enqueue": ("enqueue alone", ("Intel OpenCL",)),
}


@pytest.mark.parametrize("variant", VARIANTS)
def bench_launch(
    benchmark: BenchmarkFixture,
    races: list[Race],
    workers: list[Worker],
    request: pytest.FixtureRequest,
    variant: str,
) -> None:
    title, others = VARIANTS[variant]
    option = request.config.getoption
    field = [w for w in workers if w.name == ours.NAME or w.name in others]
    question = {"workload": "empty32", "size": "one", "variant": variant}
    result = race(
        title,
        "launch",
        field,
        question,
        rounds=option("--race-rounds"),
        budget=option("--race-budget"),
    )
    races.append(result)
    benchmark.extra_info.update({name: result.median(name) for name in result.samples})
    inputs = WORKLOADS["empty32"].make(32)
    contender = ours.prepare("empty32", inputs, **({"variant": variant} if variant else {}))
    benchmark.pedantic(contender.run, rounds=50, iterations=200, warmup_rounds=5)


def bench_launch_text(
    benchmark: BenchmarkFixture, races: list[Race], request: pytest.FixtureRequest
) -> None:
    """The same of a RawKernel, whose grid and block come with each call."""
    option = request.config.getoption
    question = {"workload": "empty32", "size": "one"}
    with (
        Worker(ours.NAME, "bench.peers.ours", {}) as kernel,
        Worker(cuda_text.NAME, "bench.peers.cuda_text", {}) as text,
    ):
        result = race(
            "launch of a RawKernel + synchronize",
            "launch",
            [kernel, text],
            question,
            rounds=option("--race-rounds"),
            budget=option("--race-budget"),
        )
    races.append(result)
    contender = cuda_text.prepare("empty32", WORKLOADS["empty32"].make(32))
    benchmark.pedantic(contender.run, rounds=50, iterations=200, warmup_rounds=5)
