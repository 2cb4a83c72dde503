"""Random kernels as printed CUDA C++, run on the host, against the interpreter bit by bit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accelerx.compiler import ir
from accelerx.compiler.dialects.base import EmitOptions
from accelerx.compiler.dialects.cuda import CudaDialect
from tests.fuzz.compare import difference
from tests.fuzz.programs import SLOTS, Program, generate
from tests.fuzz.roads import interpret
from tests.support import nvrtc
from tests.support.cuda_on_host import COMPILER, HostPrograms
from tests.support.kernels import on_line

DIALECT = CudaDialect(lines=False)
SEEDS = range(5000, 5100)


def _program(seed: int) -> Program:
    """A program; that all of it is on one line lets the printer put together what it can."""
    program = generate(seed)
    body = on_line(1, *map(_of_block, program.kernel.body))
    return replace(program, kernel=replace(program.kernel, contract=False, body=body))


def _of_block(s: ir.Stmt) -> ir.Stmt:
    """Only blocks wait: the host runs one after the other, and NVRTC has no header for the grid's."""
    return replace(s, kind="sync") if isinstance(s, ir.Barrier) and s.kind == "grid" else s


def _text(program: Program) -> str:
    return DIALECT.emit(DIALECT.lower(program.kernel), EmitOptions()).text


@pytest.mark.skipif(COMPILER is None, reason="no C++ compiler on this machine")
def test_random_programs_agree_with_the_interpreter(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    programs = {str(seed): _program(seed) for seed in SEEDS}
    # The host's threads take turns, so which lanes of a warp come together is another matter there.
    programs = {n: p for n, p in programs.items() if not ir.contains(p.kernel.body, ir.Warp)}
    assert len(programs) > len(SEEDS) // 3
    emitted = {n: DIALECT.emit(p.kernel, EmitOptions()) for n, p in programs.items()}
    host = HostPrograms(emitted, tmp_path_factory.mktemp("cuda"))
    for name, program in programs.items():
        expected, actual = program.buffers(), program.buffers()
        interpret(program, expected)
        host.launch(name, program.grid, program.block, {**actual, **program.scalars})
        wrong = difference(expected, actual, program.ulps, SLOTS)
        assert wrong is None, f"seed {name}: {wrong}\n{_text(program)}"


@pytest.mark.skipif(nvrtc.library() is None, reason="needs nvidia-cuda-nvrtc")
@pytest.mark.parametrize("seed", SEEDS[::4])
def test_nvrtc_takes_random_programs(seed: int) -> None:
    assert nvrtc.compile_cuda(_text(_program(seed)), "sm_80")
