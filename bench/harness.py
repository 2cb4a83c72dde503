"""Fair races: each contender in a process of its own, timed in turn, round by round.

Processes, because thread pools disturb one another and settings such as thread pinning hold for a
whole process. Interleaved, because the machine's speed drifts: a ratio is taken inside each round
and the median of those is reported; a time is the median of its rounds. A sample waits for a quiet
moment and is repeated when other processes took the cores meanwhile.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).parents[1]
BATCH = 2e-3  # a batch of runs lasts at least this long, unless a single one does
DISTURBED = 0.05  # share of a sample's time that its threads waited for a core


class Unavailable(Exception):
    """A peer cannot run here; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to do the work, inside its process.

    Attributes:
        name: Who does it.
        run: Does it once, result complete when it returns.
        fetch: The result on the host, for the check; None if there is nothing to check.
        reset: Restores what ``run`` changes, before the check.
        settle: Waits, outside the clock, for what ``run`` only began.
        keep: What has to outlive the runs (an OpenCL kernel does not hold its buffers).
    """

    name: str
    run: Callable[[], object]
    fetch: Callable[[], npt.NDArray[Any]] | None = None
    reset: Callable[[], object] | None = None
    settle: Callable[[], object] | None = None
    keep: object = None


def check(
    contender: Contender,
    expected: npt.NDArray[Any],
    agrees: Callable[[npt.NDArray[Any], npt.NDArray[Any]], bool],
) -> None:
    """Runs the contender once and compares.

    Raises:
        AssertionError: naming the contender and the largest difference.
    """
    assert contender.fetch is not None, f"{contender.name} has no result to check"
    if contender.reset:
        contender.reset()
    contender.run()
    if contender.settle:
        contender.settle()
    actual = contender.fetch().reshape(expected.shape)
    if not agrees(actual, expected):
        worst = np.abs(actual.astype(np.float64) - expected).max()
        raise AssertionError(f"{contender.name}: the result is off by up to {worst:g}")


# ----------------------------------------------------------------------------------- sampling


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds of one run, and the share of the time that threads waited for a core."""

    seconds: float
    waited: float


def runs_per_batch(contender: Contender) -> int:
    """How many runs fill a batch; what is only enqueued stays within a queue's length."""
    most = 256 if contender.settle else 1 << 16
    count = 1
    while (seconds := _batch(contender, count)) < BATCH and count < most:
        wanted = int(count * 1.2 * BATCH / max(seconds, 1e-9))
        count = min(2 * count, max(count + 1, wanted), most)
    return count


def sample(contender: Contender, count: int, budget: float) -> Sample:
    """Runs batches for ``budget`` seconds, at least one; the median batch counts."""
    _batch(contender, min(count, 100))
    seconds: list[float] = []
    waited, start = _waited(), time.perf_counter()
    while not seconds or time.perf_counter() < start + budget:
        seconds.append(_batch(contender, count) / count)
    elapsed = time.perf_counter() - start
    return Sample(statistics.median(seconds), (_waited() - waited) / elapsed)


def _batch(contender: Contender, count: int) -> float:
    run = contender.run
    start = time.perf_counter()
    for _ in range(count):
        run()
    seconds = time.perf_counter() - start
    if contender.settle:
        contender.settle()
    return seconds


def _waited() -> float:
    """Seconds that this process's threads stood in the kernel's run queues so far."""
    total = 0
    for task in Path("/proc/self/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[1])
        except OSError:  # the thread has just ended, or the kernel keeps no such account
            continue
    return total / 1e9


def wait_for_quiet(seconds: float) -> None:
    """Until no other process runs for a few looks in a row, at most ``seconds``."""
    end = time.perf_counter() + seconds
    calm = 0
    while calm < 5 and time.perf_counter() < end:
        running = int(Path("/proc/loadavg").read_text().split()[3].partition("/")[0])
        calm = calm + 1 if running <= 1 else 0
        time.sleep(0.002)


# -------------------------------------------------------------------------------------- races


class Worker:
    """A peer's process; see ``worker.py`` for what it answers."""

    def __init__(self, name: str, module: str, environment: Mapping[str, str]) -> None:
        self.name = name
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.worker", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **environment},
        )
        assert process.stdin
        assert process.stdout
        self._process, self._questions, self._answers = process, process.stdin, process.stdout

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._questions.close()
        self._answers.close()
        self._process.wait(30)

    def ask(self, **question: object) -> Any:
        """Sends a question and waits for its answer.

        Raises:
            Unavailable: if the peer is not installed.
            RuntimeError: with what went wrong in the worker.
        """
        self._questions.write(json.dumps(question) + "\n")
        self._questions.flush()
        line = self._answers.readline()
        if not line:
            raise RuntimeError(f"{self.name}: the worker ended with {self._process.wait()}")
        answer = json.loads(line)
        if "unavailable" in answer:
            raise Unavailable(answer["unavailable"])
        if "error" in answer:
            raise RuntimeError(f"{self.name}: {answer['error']}")
        return answer["result"]


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % confidence interval of a median, from order statistics; needs 6 values or more."""
    ordered = sorted(values)
    n = len(ordered)
    tail, below = 0, 0.0
    while tail < n // 2 and (below := below + math.comb(n, tail) / 2**n) <= 0.025:
        tail += 1
    return ordered[max(tail - 1, 0)], ordered[n - max(tail, 1)]


@dataclass(slots=True)
class Race:
    """Seconds of one run by contender, one entry a round.

    Attributes:
        title: What was raced.
        group: Races of one group share a table.
        samples: The first contender is the one that the others are compared with.
        waited: The largest share of a sample that threads waited for a core, by contender.
        missing: Why a peer did not take part.
    """

    title: str
    group: str = "kernels"
    samples: dict[str, list[float]] = field(default_factory=dict)
    waited: dict[str, float] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return next(iter(self.samples))

    def median(self, name: str) -> float:
        return statistics.median(self.samples[name])

    def ratio(self, name: str) -> float:
        """How many times as long ``name`` takes as the base: the median over the rounds."""
        return statistics.median(self.ratios(name))

    def ratios(self, name: str) -> list[float]:
        """How many times as long ``name`` takes as the base, round by round."""
        pairs = zip(self.samples[name], self.samples[self.base], strict=True)
        return [a / b for a, b in pairs]

    def interval(self, name: str) -> tuple[float, float]:
        """The 95 % confidence interval of ``ratio``."""
        return median_interval(self.ratios(name))


def race(
    title: str,
    group: str,
    workers: Sequence[Worker],
    question: Mapping[str, object],
    *,
    rounds: int,
    budget: float,
    patience: float = 1.0,
    tries: int = 4,
) -> Race:
    """Prepares and checks the same work in all workers, then times them in turn.

    Args:
        title: What is raced.
        group: The table it belongs to.
        workers: The first is the base of the ratios.
        question: What each worker is asked to prepare.
        rounds: Samples of each; the starting order turns from round to round.
        budget: Seconds a sample takes.
        patience: Seconds to wait for a quiet moment before each sample.
        tries: Samples taken when the earlier ones were disturbed; the calmest counts.
    """
    result = Race(title, group)
    ready = []
    for worker in workers:
        try:
            worker.ask(do="prepare", **question)
        except Unavailable as e:
            result.missing[worker.name] = str(e)
            continue
        ready.append(worker)
        result.samples[worker.name] = []
        result.waited[worker.name] = 0.0
    for number in range(rounds):
        turn = number % len(ready)
        for worker in (*ready[turn:], *ready[:turn]):
            calmest = _calm_sample(worker, budget, patience, tries)
            result.samples[worker.name].append(calmest.seconds)
            result.waited[worker.name] = max(result.waited[worker.name], calmest.waited)
    return result


def _calm_sample(worker: Worker, budget: float, patience: float, tries: int) -> Sample:
    taken: list[Sample] = []
    while len(taken) < tries and not (taken and taken[-1].waited < DISTURBED):
        wait_for_quiet(patience)
        taken.append(Sample(**worker.ask(do="sample", budget=budget)))
    return min(taken, key=lambda s: s.waited)


def save(path: Path, races: Sequence[Race]) -> None:
    """Adds the races to a JSON file, replacing those of the same group and title."""
    path.parent.mkdir(parents=True, exist_ok=True)
    known = {(row.group, row.title): row for row in read(path)} if path.exists() else {}
    known.update({(row.group, row.title): row for row in races})
    path.write_text(json.dumps([asdict(row) for row in known.values()], indent=1))


def read(path: Path) -> list[Race]:
    """The races of a file that ``save`` wrote."""
    return [Race(**row) for row in json.loads(path.read_text())]
