"""A few random programs on every road, on each run of the suite; the command runs more of them."""

from __future__ import annotations

import os

import pytest

from accelerx.compiler import ir
from accelerx.compiler.printer import print_kernel
from accelerx.compiler.verify import verify
from accelerx.errors import UnsupportedError
from tests.fuzz import runner
from tests.fuzz.__main__ import main
from tests.fuzz.programs import generate
from tests.fuzz.roads import REFERENCE, Buffers, Road, compiled, interpret
from tests.fuzz.runner import Failure, check, run_seed, still_fails
from tests.fuzz.setting import Program
from tests.fuzz.shrink import shrink

COMPILED = compiled()
SEEDS = range(100)


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_interpreter_agrees_with_one_thread_at_a_time(first: int) -> None:
    for seed in range(first, first + 20):
        program = generate(seed)
        verify(program.kernel)
        if REFERENCE.takes(program):
            assert check(program, REFERENCE) is None, f"seed {seed}"


@pytest.mark.parametrize("road", COMPILED, ids=lambda road: road.name)
@pytest.mark.parametrize("seed", SEEDS[::10])
def test_compiled_code_agrees_with_the_interpreter(road: Road, seed: int) -> None:
    for n in range(seed, seed + 10):
        # Each program takes one of the roads, so that all of them are seen in little time.
        if n % len(COMPILED) != COMPILED.index(road):
            continue
        try:
            assert check(generate(n), road) is None, f"seed {n}"
        except UnsupportedError:
            continue


def test_a_seed_always_gives_the_same_program() -> None:
    assert print_kernel(generate(11).kernel) == print_kernel(generate(11).kernel)


def _forgets_masks(program: Program, buffers: Buffers) -> None:
    """A road with a bug: every If takes both its branches."""

    def both(body: list[ir.Stmt]) -> list[ir.Stmt]:
        out: list[ir.Stmt] = []
        for s in body:
            s = ir.map_blocks(s, both)
            jumps = ir.contains([s], ir.Return, ir.Break, ir.Continue, ir.Exit)
            out += [s] if jumps or not isinstance(s, ir.If) else [*s.then, *s.orelse]
        return out

    interpret(program.with_body(both(program.kernel.body)), buffers)


def test_programs_share_storage_between_types() -> None:
    programs = [generate(seed) for seed in range(60)]
    views = [[m for m in p.kernel.mems.values() if m.of is not None] for p in programs]
    assert sum(map(bool, views)) > 30
    for space in ("global", "shared"):
        found = [m for mems in views for m in mems if m.space == space]
        assert {m.step < m.dtype.itemsize for m in found} == {True, False}
        assert any(m.step == 1 for m in found)
    arenas = [m for p in programs for n, m in p.kernel.mems.items() if n == "arena"]
    assert {m.size is None for m in arenas} == {True, False}


def test_a_wrong_road_is_found() -> None:
    road = Road("forgetful", _forgets_masks)
    failures = [f for seed in range(10) for f in run_seed(seed, [road])[0]]
    assert failures
    assert "must be" in failures[0].message


def test_a_failing_program_becomes_small() -> None:
    road = Road("forgetful", _forgets_masks)

    def fails(program: Program) -> bool:
        try:
            return check(program, road) is not None
        except AssertionError:
            return False

    seed = next(seed for seed in range(20) if fails(generate(seed)))
    program = generate(seed)
    small = shrink(program, fails, seconds=10)
    assert fails(small)
    count = sum(1 for _ in ir.statements(small.kernel.body))
    assert count < 12 < sum(1 for _ in ir.statements(program.kernel.body))


def test_the_shrinker_leaves_good_programs_alone() -> None:
    assert not still_fails(Failure(2, "reference", "x is 1, must be 2"))(generate(2))


def test_crashes_and_hangs_are_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(program: Program, buffers: Buffers) -> None:
        if program.seed == 1:
            os.abort()
        interpret(program, buffers)

    monkeypatch.setattr(runner, "compiled", lambda: [Road("crashing", crash)])
    report = runner.run(iter(range(4)), lambda report: False)
    assert report.passed == 3
    assert [(f.seed, f.message) for f in report.failures] == [(1, "killed by SIGABRT")]


def test_the_command_counts_and_ends(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "compiled", list)
    assert main(["--programs", "5", "--seed", "0"]) == 0
    assert capsys.readouterr().out.endswith("5 passed, 0 failed\n")
