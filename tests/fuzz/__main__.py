"""Fuzzes: ``python -m tests.fuzz --seconds 60``; failing programs are shrunk and shown as KIR."""

from __future__ import annotations

import argparse
import itertools
import re
import subprocess
import sys
import time

from accelerx.compiler.printer import print_kernel
from tests.fuzz.programs import generate
from tests.fuzz.runner import Failure, Report, messages, run, still_fails
from tests.fuzz.setting import Program
from tests.fuzz.shrink import shrink

SHOWN = 3
APART = 100_000_000  # first seeds of two jobs


def main(arguments: list[str]) -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, help="how long (default 60, or as programs need)")
    parser.add_argument("--programs", type=int, help="how many programs")
    parser.add_argument("--seed", type=int, help="first seed (default: from the clock)")
    parser.add_argument("--failures", type=int, default=10, help="stop after so many")
    parser.add_argument("--shrink", type=float, default=60, help="seconds to shrink each failure")
    parser.add_argument("--jobs", type=int, default=1, help="how many processes share the work")
    options = parser.parse_args(arguments)
    if options.seconds is None and options.programs is None:
        options.seconds = 60.0
    first = int(time.time()) % 1_000_000 * 1000 if options.seed is None else options.seed
    if options.jobs > 1:
        return _side_by_side(options, first)
    print(f"first seed {first}", flush=True)
    start = time.monotonic()

    def until(report: Report) -> bool:
        late = options.seconds is not None and time.monotonic() - start > options.seconds
        return bool(late) or len(report.failures) >= int(options.failures)

    seeds = itertools.count(first)
    report = run(itertools.islice(seeds, options.programs) if options.programs else seeds, until)
    seconds = time.monotonic() - start
    for failure in report.failures[:SHOWN]:
        _show(failure, options.shrink)
    for failure in report.failures[SHOWN:]:
        print(f"seed {failure.seed} on {failure.road}: {failure.message.splitlines()[-1]}")
    for reason, count in report.skipped.most_common(10):
        print(f"{count} programs not taken by {reason}")
    failed = len({f.seed for f in report.failures})
    print(f"{(report.passed + failed) / seconds:.1f} programs/s")
    print(f"{report.passed} passed, {failed} failed")
    return 1 if failed else 0


def _side_by_side(options: argparse.Namespace, first: int) -> int:
    """Runs this command in several processes, each with seeds of its own, and adds up."""
    common = ["--failures", str(options.failures), "--shrink", str(options.shrink)]
    if options.seconds is not None:
        common += ["--seconds", str(options.seconds)]
    if options.programs is not None:
        common += ["--programs", str(-(-options.programs // options.jobs))]
    jobs = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz", *common, "--seed", str(first + i * APART)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for i in range(options.jobs)
    ]
    totals, status = [0, 0], 0
    for job in jobs:
        text, _ = job.communicate()
        print(text, flush=True)
        status = status or job.returncode
        counts = re.search(r"(\d+) passed, (\d+) failed\s*$", text)
        if counts is None:
            print(f"a job ended with status {job.returncode} and no result")
            return status or 1
        totals = [total + int(n) for total, n in zip(totals, counts.groups(), strict=True)]
    print(f"{totals[0]} passed, {totals[1]} failed")
    return status


def _show(failure: Failure, seconds: float) -> None:
    print(f"\nseed {failure.seed} on {failure.road}: {failure.message}", flush=True)
    if failure.road == "generator":
        return
    program, fails = generate(failure.seed), still_fails(failure)
    if not fails(program):
        print("it does not fail again; the program as it was:")
    else:
        program = shrink(program, fails, seconds)
        for message in messages(program, failure.road):
            print(f"smaller: {message}")
    print(_text(program), flush=True)


def _text(program: Program) -> str:
    text = print_kernel(program.kernel)
    words = set(re.findall(r"[\w.]+", text))
    scalars = {name: value for name, value in program.scalars.items() if name in words}
    return (
        f"grid {program.grid}, block {program.block}, dynamic shared {program.shared_bytes} bytes, "
        f"scalars {scalars}\n{text}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
