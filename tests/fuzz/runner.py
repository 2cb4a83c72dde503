"""Runs programs on roads and keeps what went wrong; a crash or a hang counts, and stops nothing."""

from __future__ import annotations

import itertools
import json
import os
import random
import select
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from accelerx.compiler.verify import verify
from accelerx.errors import UnsupportedError
from tests.fuzz.compare import difference
from tests.fuzz.programs import generate
from tests.fuzz.roads import REFERENCE, Road, compiled, interpret
from tests.fuzz.setting import SLOTS, Program

HANG = 60.0  # seconds after which a program is taken to hang
BATCH = 64  # programs a child process runs
REFERENCE_EVERY = 16


@dataclass(frozen=True, slots=True)
class Failure:
    """One program that went wrong on one road."""

    seed: int
    road: str
    message: str


@dataclass(slots=True)
class Report:
    """What a run came to."""

    passed: int = 0
    failures: list[Failure] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


def choose(seed: int, roads: Sequence[Road]) -> list[Road]:
    """The roads a program takes: two configurations, now and then the reference too."""
    chosen = random.Random(seed).sample(roads, min(2, len(roads)))
    if seed % REFERENCE_EVERY == 0 or not roads:
        chosen.append(REFERENCE)
    return chosen


def check(program: Program, road: Road) -> str | None:
    """What is wrong with a program on a road, or None.

    Raises:
        UnsupportedError: if the road does not take such programs.
    """
    expected, actual = program.buffers(), program.buffers()
    interpret(program, expected)
    road.run(program, actual)
    if not road.approximates:
        expected = {name: a for name, a in expected.items() if name not in program.ulps}
    return difference(expected, actual, program.ulps, SLOTS)


def run_seed(seed: int, roads: Sequence[Road]) -> tuple[list[Failure], list[str]]:
    """Failures of one program, and why roads refused it."""
    failures, skipped = [], []
    road_name = "generator"
    try:
        program = generate(seed)
        verify(program.kernel)
        for road in choose(seed, roads):
            road_name = road.name
            if not road.takes(program):
                continue
            try:
                message = check(program, road)
            except UnsupportedError as e:
                skipped.append(f"{road.name}: {str(e).splitlines()[0]}")
                continue
            if message is not None:
                failures.append(Failure(seed, road.name, message))
    except Exception:
        failures.append(Failure(seed, road_name, traceback.format_exc(limit=-4)))
    return failures, skipped


def run(seeds: Iterator[int], until: Callable[[Report], bool]) -> Report:
    """Runs seeds until ``until`` says so, in child processes that may crash."""
    roads, report = compiled(), Report()
    while not until(report):
        batch = list(itertools.islice(seeds, BATCH))
        if not batch:
            break
        while batch:
            done = _run_batch(batch, roads, report, until)
            batch = batch[done:]
            if until(report):
                break
    return report


def _run_batch(
    batch: Sequence[int], roads: Sequence[Road], report: Report, until: Callable[[Report], bool]
) -> int:
    """Runs seeds in one child; returns how many of them are settled."""
    with Child(lambda: _results(batch, roads)) as child:
        for n, seed in enumerate(batch):
            line = child.line(HANG)
            if line is None:
                report.failures.append(Failure(seed, "any", child.death()))
                return n + 1
            failures, skipped = json.loads(line)
            report.failures += [Failure(*f) for f in failures]
            report.passed += not failures
            report.skipped.update(skipped)
            if until(report):
                return n + 1
    return len(batch)


def _results(batch: Iterable[int], roads: Sequence[Road]) -> Iterator[str]:
    for seed in batch:
        failures, skipped = run_seed(seed, roads)
        yield json.dumps([[[f.seed, f.road, f.message] for f in failures], skipped])


def still_fails(failure: Failure) -> Callable[[Program], bool]:
    """A test for the shrinker: whether a program goes wrong on that road in the same way."""
    wanted = kind(failure.message)
    return lambda program: any(kind(m) == wanted for m in messages(program, failure.road))


def messages(program: Program, road_name: str) -> list[str]:
    """What goes wrong with a program on a road ("any" are all), found out in a child process."""
    roads = [road for road in (*compiled(), REFERENCE) if road_name in (road.name, "any")]

    def answers() -> Iterator[str]:
        try:
            interpret(program, program.buffers())
        except Exception:
            yield json.dumps("invalid")
            return
        yield json.dumps("valid")
        for road in roads:
            try:
                yield json.dumps(check(program, road) if road.takes(program) else None)
            except UnsupportedError:
                yield json.dumps(None)
            except Exception as e:
                yield json.dumps("".join(traceback.format_exception_only(e)))

    found: list[str] = []
    with Child(answers, quiet=True) as child:
        if child.line(HANG) != json.dumps("valid"):
            return found
        for _ in roads:
            line = child.line(HANG)
            if line is None:
                return [*found, child.death()]
            message = json.loads(line)
            if message is not None:
                found.append(message)
    return found


def kind(message: str) -> str:
    """What sort of failure a message tells of; another sort would be another bug."""
    last = message.strip().splitlines()[-1]
    return "different" if "must be" in last else last[:30]


class Child:
    """A forked process that writes lines to us; ``quiet`` drops what it says when it dies."""

    def __init__(self, lines: Callable[[], Iterator[str]], quiet: bool = False) -> None:
        read, write = os.pipe()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                os.close(read)
                if quiet:
                    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
                with os.fdopen(write, "w") as out:
                    for line in lines():
                        out.write(line + "\n")
                        out.flush()
                code = 0
            except Exception:
                traceback.print_exc()
            finally:
                os._exit(code)
        os.close(write)
        self._read = read
        self._text = b""
        self._hangs = False

    def line(self, seconds: float) -> str | None:
        """The next line, or None if the child died or was silent for so long."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._text:
            ready, _, _ = select.select([self._read], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                self._hangs = True
                return None
            more = os.read(self._read, 1 << 16)
            if not more:
                return None
            self._text += more
        line, _, self._text = self._text.partition(b"\n")
        return line.decode()

    def death(self) -> str:
        """What became of a child that did not answer."""
        if self._hangs:
            return f"no result within {HANG:g} seconds"
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        if os.WIFSIGNALED(status):
            return f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
        return f"the process ended with code {os.waitstatus_to_exitcode(status)}"

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self._read)
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
