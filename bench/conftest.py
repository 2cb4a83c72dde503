"""Options of the benchmark suite, the peers' processes, and the ratio tables at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import lineup
from bench.harness import Race, Worker, save
from bench.tables import RESULTS, machine, table

RACES = pytest.StashKey[list[Race]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("bench")
    group.addoption("--race-rounds", type=int, default=7, help="rounds of a race")
    group.addoption("--race-budget", type=float, default=0.03, help="seconds of a sample")
    group.addoption("--reference", type=Path, help="another C++ file to measure beside ours")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RACES] = []


@pytest.fixture(scope="session")
def workers(request: pytest.FixtureRequest) -> Iterator[list[Worker]]:
    with lineup.field(reference=request.config.getoption("--reference")) as all_of_them:
        yield all_of_them


@pytest.fixture
def races(request: pytest.FixtureRequest) -> list[Race]:
    """Races put in here are printed at the end and saved."""
    return request.config.stash[RACES]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    races = terminalreporter.config.stash[RACES]
    if races:
        save(RESULTS, races)
        terminalreporter.section("ratios")
        terminalreporter.write_line(f"{machine()}\n\n{table(races)}")
