"""The CUDA C++ corpus: NVRTC takes every source, and every road of ours agrees with NumPy."""

from __future__ import annotations

import copy
import os
import re
import secrets
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from accelerx import RawKernel, cuda
from accelerx.compiler.dialects.base import EmitOptions
from accelerx.runtime.device import Device
from tests.corpus.cuda_cpp import CASES
from tests.corpus.cuda_cpp.case import SOURCES, Case, read
from tests.corpus.cuda_cpp.lifting import bind
from tests.support import nvrtc
from tests.support.host import HostKernel

pytest.importorskip("clang.cindex", reason="CUDA C++ needs libclang")

SEED = int(os.environ.get("CORPUS_SEED") or secrets.randbits(32))
"""New in every run, printed when a case fails; CORPUS_SEED repeats one."""

HOST_HEADERS = Path(__file__).parent / "cuda_cpp" / "include"
PROGRAMS = sorted({(case.file, case.options) for case in CASES})
IDS = [case.name for case in CASES]
SAMPLED = [  # `make quick` takes every tenth
    pytest.param(case, id=case.name, marks=() if i % 10 == 0 else pytest.mark.slow)
    for i, case in enumerate(CASES)
]
WIDTHS = {
    "scalar": EmitOptions(lanes=1),
    "regions-4x2": EmitOptions(lanes=4, jam=2, mode="regions", specialise=False),
    "lockstep-16": EmitOptions(lanes=16, mode="lockstep"),
}


def test_names_are_unique() -> None:
    counts = Counter(case.name for case in CASES)
    assert [name for name, n in counts.items() if n > 1] == []


def test_every_source_has_a_case() -> None:
    there = {str(path.relative_to(SOURCES)) for path in SOURCES.rglob("*.cu")}
    assert there == {case.file for case in CASES}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "options"), PROGRAMS, ids=[" ".join((file, *options)) for file, options in PROGRAMS]
)
def test_nvrtc_takes_a_source(file: str, options: tuple[str, ...]) -> None:
    if nvrtc.library() is None:
        pytest.skip("needs nvidia-cuda-nvrtc")
    folders = nvrtc.headers()
    if not folders and _needs_toolkit(read(file)):
        pytest.skip("needs CUDA's headers: nvidia-cuda-runtime, nvidia-cuda-cccl")
    entries = sorted({c.entry for c in CASES if (c.file, c.options) == (file, options)})
    include = [f"--include-path={folder}" for folder in (HOST_HEADERS, *folders)]
    flags = (*include, "--pre-include=nvcc.h", *options)
    assert nvrtc.compile_cuda(read(file), "sm_80", flags, tuple(entries))


def _needs_toolkit(text: str) -> bool:
    """Whether a text includes headers that are not ours, itself or through one of ours."""
    paths = [HOST_HEADERS / name for name in re.findall(r"#include\s*<(.+?)>", text)]
    return any(not path.exists() or _needs_toolkit(path.read_text()) for path in paths)


@pytest.mark.parametrize("case", SAMPLED)
def test_devices_agree_with_numpy(device: Device, case: Case) -> None:
    kernel = RawKernel(
        case.source, case.entry, case.options, enable_cooperative_groups=case.cooperative
    )
    for launch in case.launches:
        arguments = case.arguments(launch, SEED)
        working = [cuda.to_device(a) if isinstance(a, np.ndarray) else a for a in arguments]
        kernel(launch.grid, launch.block, tuple(working), shared_mem=launch.shared_bytes)
        results = [working[i].copy_to_host() for i in case.outputs]
        case.check(launch, arguments, results, SEED)


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_widths_agree_with_numpy(case: Case, width: str) -> None:
    pytest.importorskip("llvmlite", reason="compiling for the CPU needs llvmlite")
    launch = case.launches[0]
    arguments = case.arguments(launch, SEED)
    working = copy.deepcopy(arguments)
    kernel, bound = bind(case, working)
    host = HostKernel(kernel, launch.block, WIDTHS[width])

    def on_site(site: int, *_: object) -> bool:
        """Stops at a failed assertion; what is printed is another test's matter."""
        assert host.program.sites[site].kind == "print"
        return False

    host.run(launch.grid, bound, shared_bytes=launch.shared_bytes, on_site=on_site)
    case.check(launch, arguments, [working[i] for i in case.outputs], SEED)
