"""Is a CUDA C++ kernel as fast on the CPU as its Python twin?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.harness import Race, Worker, race
from bench.peers import cuda_text
from bench.workloads import WORKLOADS

CASES = [  # what a launch costs is asked in bench_launch.py
    (name, size)
    for name, row in WORKLOADS.items()
    if name != "empty32"
    for size in row.sizes
    if size != "small"
]
ROUNDS = 15
LIMIT = 1.05


@pytest.fixture(scope="module")
def twins() -> Iterator[list[Worker]]:
    with ExitStack() as stack:
        workers = [
            Worker("accelerx", "bench.peers.ours", {}),
            Worker("accelerx, CUDA C++", "bench.peers.cuda_text", {}),
        ]
        yield [stack.enter_context(worker) for worker in workers]


@pytest.mark.parametrize(("workload", "size"), CASES)
def bench_twin(
    benchmark: BenchmarkFixture,
    races: list[Race],
    twins: list[Worker],
    request: pytest.FixtureRequest,
    workload: str,
    size: str,
) -> None:
    question = {"workload": workload, "size": size}
    title = f"{workload} {size}"
    rounds = max(ROUNDS, request.config.getoption("--race-rounds"))
    budget = request.config.getoption("--race-budget")
    result = race(title, "twins", twins, question, rounds=rounds, budget=budget)
    races.append(result)
    name = twins[1].name
    low, high = result.interval(name)
    benchmark.extra_info["CUDA C++ / Python"] = result.ratio(name)
    benchmark.extra_info["95 % interval"] = [low, high]
    row = WORKLOADS[workload]
    contender = cuda_text.prepare(workload, row.make(row.sizes[size]))
    benchmark.pedantic(contender.run, rounds=5, warmup_rounds=1)
    assert low <= LIMIT, f"{title}: the text takes {low:.3f} to {high:.3f} times as long"
