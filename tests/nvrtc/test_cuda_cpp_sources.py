"""NVRTC takes every snippet that tests the CUDA C++ front end: what we test is CUDA."""

from __future__ import annotations

import pytest

pytest.importorskip("clang.cindex")

from tests.compiler.frontends.cuda_cpp.test_language import SNIPPETS, snippet
from tests.support import nvrtc

pytestmark = pytest.mark.skipif(nvrtc.library() is None, reason="needs nvidia-cuda-nvrtc")


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_snippet_compiles(name: str) -> None:
    assert nvrtc.compile_cuda(snippet(name), "sm_80", ("--std=c++17",))
