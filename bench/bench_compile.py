"""How long does a first launch take: compiled anew, and from the disk cache?"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.harness import ROOT, Race

PROCESSES = 5


def probe(cache: Path, language: str) -> dict[str, float]:
    """Seconds of each kernel's first launch in a fresh process."""
    environment = {**os.environ, "ACCELERX_CACHE_DIR": str(cache)}
    command = [sys.executable, "-m", "bench.compile_probe", language]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.parametrize("language", ["python", "text"])
@pytest.mark.parametrize("kind", ["compiled anew", "from the disk cache"])
def bench_first_launch(
    benchmark: BenchmarkFixture, races: list[Race], tmp_path: Path, kind: str, language: str
) -> None:
    warm = kind == "from the disk cache"
    if warm:
        probe(tmp_path / "0", language)
    runs = [probe(tmp_path / ("0" if warm else str(n)), language) for n in range(1, PROCESSES + 1)]
    if language == "text":
        kind = f"CUDA C++ {kind}"
    for kernel in runs[0]:
        races.append(
            Race(f"{kind}: {kernel}", "first launch", {"accelerx": [run[kernel] for run in runs]})
        )
    medians = [statistics.median(run.values()) for run in runs]
    races.append(Race(f"{kind}: median of the kernels", "first launch", {"accelerx": medians}))
    benchmark.extra_info["median over the kernels"] = statistics.median(medians)
    benchmark.pedantic(lambda: probe(tmp_path / "0", language), rounds=1)  # a whole process
