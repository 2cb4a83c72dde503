"""Races as Markdown tables, and the README's figures renewed from the last run.

``python -m bench.tables`` writes what build/bench/races.json holds into bench/README.md, with the
date, the machine and the commit.
"""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.harness import DISTURBED, ROOT, Race, read

RESULTS = ROOT / "build" / "bench" / "races.json"
README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


def duration(seconds: float) -> str:
    """Three significant digits with a fitting unit."""
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def table(races: Sequence[Race]) -> str:
    """A table for each group: the base's time, then how many times as long each other takes."""
    kinds = dict.fromkeys((row.group, row.base) for row in races)
    tables = [
        _table([row for row in races if (row.group, row.base) == kind], *kind) for kind in kinds
    ]
    return "\n\n".join(tables + _notes(races))


def _table(races: Sequence[Race], group: str, base: str) -> str:
    others = list(dict.fromkeys(name for row in races for name in row.samples if name != base))
    head = [f"time of {base}", *(f"{name} ÷ {base}" for name in others)]
    lines = [f"| {group} | {' | '.join(head)} |", "|---" * (len(others) + 2) + "|"]
    for row in races:
        cells = [duration(row.median(base)), *(_cell(row, name) for name in others)]
        lines.append(f"| {row.title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(row: Race, name: str) -> str:
    if name not in row.samples:
        return "–"
    return f"{row.ratio(name):.2f} ({duration(row.median(name))})"


def _notes(races: Sequence[Race]) -> list[str]:
    missing = {name: reason for row in races for name, reason in row.missing.items()}
    notes = [f"Not measured: {name} ({reason})." for name, reason in sorted(missing.items())]
    disturbed = [
        f"{row.title}/{name}" for row in races for name, w in row.waited.items() if w > DISTURBED
    ]
    if disturbed:
        notes.append("Other processes held the cores during: " + ", ".join(disturbed) + ".")
    return notes


def machine() -> str:
    """The machine in words, for the head of a table."""
    model = platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [x.partition(":")[2] for x in info.read_text().splitlines() if "model name" in x]
        model = names[0].strip() if names else model
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores of {model}, Python {platform.python_version()}"


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "no commit"


def main() -> None:
    head, _, rest = README.read_text().partition(BEGIN)
    _, _, tail = rest.partition(END)
    races = read(RESULTS)
    measured = datetime.datetime.fromtimestamp(RESULTS.stat().st_mtime, datetime.UTC)
    title = f"Measured {measured:%Y-%m-%d %H:%M} UTC at {_commit()} on {machine()}."
    README.write_text(f"{head}{BEGIN}\n{title}\n\n{table(races)}\n{END}{tail}")


if __name__ == "__main__":
    main()
