"""How fast are the five kernels beside Intel's OpenCL runtime, numba's loops and C++?"""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench import lineup
from bench.harness import Race, Worker
from bench.peers import ours
from bench.workloads import WORKLOADS

CASES = [(name, size) for name, row in WORKLOADS.items() if name != "empty32" for size in row.sizes]


@pytest.mark.parametrize(("workload", "size"), CASES)
def bench_kernel(
    benchmark: BenchmarkFixture,
    races: list[Race],
    workers: list[Worker],
    request: pytest.FixtureRequest,
    workload: str,
    size: str,
) -> None:
    option = request.config.getoption
    race = lineup.run(
        workers, workload, size, rounds=option("--race-rounds"), budget=option("--race-budget")
    )
    races.append(race)
    for name in race.samples:
        benchmark.extra_info[name] = race.median(name)
        benchmark.extra_info[f"{name} / {race.base}"] = race.ratio(name)
    row = WORKLOADS[workload]
    amount, unit = row.work(row.sizes[size])
    benchmark.extra_info[f"{unit}/s"] = amount / race.median(race.base)
    contender = ours.prepare(workload, row.make(row.sizes[size]))
    benchmark.pedantic(contender.run, rounds=20, warmup_rounds=2)
