"""Both corpora as SIMT AscendC: NVRTC takes the mapped text, and the host runs it as NumPy says."""

from __future__ import annotations

import copy
import os
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from accelerx.compiler import ir
from accelerx.compiler.devices import model
from accelerx.compiler.dialects.ascendc_simt import AscendcSimtDialect, Form
from accelerx.compiler.dialects.base import EmitOptions, Program
from accelerx.compiler.driver import check_dtypes
from accelerx.errors import AccelerxError, KernelTypeError
from tests.corpus.cuda_cpp import CASES as CUDA_CASES
from tests.corpus.cuda_cpp.case import Case as CudaCase
from tests.corpus.python import CASES as PYTHON_CASES
from tests.corpus.python.case import Case as PythonCase
from tests.corpus.python.lifting import lifted
from tests.support import nvrtc
from tests.support.ascend_simt import SimtPrograms, for_nvrtc
from tests.support.cuda_on_host import COMPILER

SEED = int(os.environ.get("CORPUS_SEED") or secrets.randbits(32))
MODEL = model("ascend950")
PYTHON = [case for case in PYTHON_CASES if "weak" in case.typings]
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler on this machine")
needs_nvrtc = pytest.mark.skipif(nvrtc.library() is None, reason="needs nvidia-cuda-nvrtc")

#: What Ascend 950 lacks, as the error says it.
REFUSALS = (
    "which ascend950 does not have",
    "barrier of the whole grid",
    "a clock,",
    "64-bit atomics",
)
#: The stand-in takes the lanes of both branches of an if for active, where each executes a warp operation.
NOT_ON_HOST = frozenset({"warp_partial_masks"})


def emit(kernel: ir.Kernel, block: Any, form: Form = "hybrid") -> Program:
    kernel = replace(kernel, block=(*((block,) if isinstance(block, int) else block), 1, 1)[:3])
    check_dtypes(kernel, MODEL)
    dialect = AscendcSimtDialect(form, lines=False)
    return dialect.emit(dialect.lower(kernel), EmitOptions())


def expected_refusal(error: AccelerxError) -> None:
    """Asserts that a kernel was refused for what the device lacks."""
    assert any(reason in str(error) for reason in REFUSALS), error


def python_programs(form: Form) -> dict[str, Program]:
    """Those of the Python corpus that the device can run, by case and block."""
    programs = {}
    for case in PYTHON:
        for launch in case.launches:
            try:
                programs[f"{case.name} {launch.block}"] = emit(
                    lifted(case, "weak"), launch.block, form
                )
            except AccelerxError as e:
                expected_refusal(e)
    return programs


def run_python(programs: SimtPrograms, known: dict[str, Program], case: PythonCase) -> None:
    for launch in case.launches:
        name = f"{case.name} {launch.block}"
        if name not in known:
            pytest.skip("uses what Ascend 950 does not have")
        arguments = case.arguments(launch)
        working = copy.deepcopy(arguments)
        programs.run(name, launch.grid, launch.block, working)
        case.check(launch, arguments, [working[i] for i in case.outputs])


@pytest.fixture(scope="module", params=["hybrid", "pure"])
def python_host(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[SimtPrograms, dict[str, Program]]:
    known = python_programs(request.param)
    return SimtPrograms(known, tmp_path_factory.mktemp("simt")), known


@needs_compiler
@pytest.mark.parametrize("case", PYTHON, ids=lambda case: case.name)
def test_python_kernels_agree_with_numpy(
    python_host: tuple[SimtPrograms, dict[str, Program]], case: PythonCase
) -> None:
    run_python(*python_host, case)


@pytest.fixture(scope="module")
def walking(tmp_path_factory: pytest.TempPathFactory) -> tuple[SimtPrograms, dict[str, Program]]:
    """Programs without threads that leave before a barrier, on two hardware blocks."""
    known = {
        name: program
        for name, program in python_programs("pure").items()
        if "break;  // a thread" not in program.text
    }
    return SimtPrograms(known, tmp_path_factory.mktemp("walk"), cores=2), known


@needs_compiler
@pytest.mark.parametrize("case", PYTHON, ids=lambda case: case.name)
def test_two_hardware_blocks_walk_the_grid(
    walking: tuple[SimtPrograms, dict[str, Program]], case: PythonCase
) -> None:
    run_python(*walking, case)


@needs_nvrtc
@pytest.mark.slow
@pytest.mark.parametrize("form", ["hybrid", "pure"])
def test_nvrtc_takes_python_kernels(form: Form) -> None:
    for program in python_programs(form).values():
        assert nvrtc.compile_cuda(for_nvrtc(program.text))


# ------------------------------------------------------------------------------------ CUDA C++


def bound(case: CudaCase, arguments: Any) -> tuple[ir.Kernel, dict[str, Any]]:
    lifting = pytest.importorskip("tests.corpus.cuda_cpp.lifting", reason="needs libclang")
    kernel, values = lifting.bind(case, arguments)
    return kernel, values


@pytest.fixture(scope="module")
def cuda_host(tmp_path_factory: pytest.TempPathFactory) -> tuple[SimtPrograms, dict[str, Program]]:
    pytest.importorskip("clang.cindex", reason="CUDA C++ needs libclang")
    programs = {}
    for case in CUDA_CASES:
        for launch in case.launches:
            kernel, _ = bound(case, case.arguments(launch, SEED))
            try:
                programs[f"{case.name} {launch}"] = emit(kernel, launch.block)
            except AccelerxError as e:
                expected_refusal(e)
    return SimtPrograms(programs, tmp_path_factory.mktemp("cuda_cpp")), programs


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("case", CUDA_CASES, ids=lambda case: case.name)
def test_cuda_cpp_kernels_agree_with_numpy(
    cuda_host: tuple[SimtPrograms, dict[str, Program]], case: CudaCase
) -> None:
    programs, known = cuda_host
    if case.name in NOT_ON_HOST:
        pytest.skip("the stand-in cannot run it")
    for launch in case.launches:
        name = f"{case.name} {launch}"
        if name not in known:
            pytest.skip("uses what Ascend 950 does not have")
        arguments = case.arguments(launch, SEED)
        working = copy.deepcopy(arguments)
        _, values = bound(case, working)
        programs.launch(name, launch.grid, launch.block, values)
        case.check(launch, arguments, [working[i] for i in case.outputs], SEED)


@needs_nvrtc
@pytest.mark.slow
def test_nvrtc_takes_cuda_cpp_kernels(
    cuda_host: tuple[SimtPrograms, dict[str, Program]], tmp_path: Path
) -> None:
    for program in list(cuda_host[1].values())[::10]:
        assert nvrtc.compile_cuda(for_nvrtc(program.text))


def test_float64_is_refused_where_it_is_written() -> None:
    case = next(c for c in PYTHON_CASES if "numba" in c.typings and c.name == "black_scholes")
    with pytest.raises(
        KernelTypeError, match=r"(?s)float64, which ascend950 does not have.*literals='weak'"
    ):
        emit(lifted(case, "numba"), 64)
