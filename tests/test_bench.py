"""The benchmarks' own arithmetic: ratios inside rounds, tables, and a race with a real worker."""

from __future__ import annotations

import pytest

from bench.harness import Contender, Race, runs_per_batch, sample
from bench.tables import duration, table


def race() -> Race:
    samples = {"we": [1e-3, 2e-3, 1e-3], "they": [2e-3, 4e-3, 4e-3]}
    return Race(
        "saxpy mid", "kernels", samples, {"we": 0.0, "they": 0.2}, {"others": "not installed"}
    )


def test_a_ratio_is_taken_inside_each_round() -> None:
    assert race().ratio("they") == 2.0  # of 2, 2 and 4; the medians' ratio would be 4


def test_a_table_has_times_ratios_and_what_is_missing() -> None:
    text = table([race()])
    assert "| saxpy mid | 1 ms | 2.00 (4 ms) |" in text
    assert "Not measured: others (not installed)." in text


def test_a_table_names_what_was_disturbed() -> None:
    assert "Other processes held the cores during: saxpy mid/they." in table([race()])


@pytest.mark.parametrize(
    ("seconds", "text"), [(2.0, "2 s"), (1.5e-3, "1.5 ms"), (2.5e-6, "2.5 µs"), (3e-8, "30 ns")]
)
def test_durations_have_fitting_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_sample_waits_outside_the_clock() -> None:
    waits = []
    contender = Contender("x", lambda: None, settle=lambda: waits.append(1))
    count = runs_per_batch(contender)
    assert count <= 256
    assert sample(contender, count, 0.001).seconds < 1e-4
    assert waits
