"""NVRTC takes the CUDA text of every corpus kernel, in both typing modes."""

from __future__ import annotations

import pytest

from accelerx.compiler.dialects.base import EmitOptions
from accelerx.compiler.dialects.cuda import CudaDialect
from tests.corpus.python.case import Case, Typing
from tests.corpus.python.lifting import IDS, PAIRS, lifted
from tests.support import nvrtc

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(nvrtc.library() is None, reason="needs nvidia-cuda-nvrtc"),
]


@pytest.mark.parametrize(("case", "typing"), PAIRS, ids=IDS)
def test_a_corpus_kernel_compiles(case: Case, typing: Typing) -> None:
    dialect = CudaDialect()
    program = dialect.emit(dialect.lower(lifted(case, typing)), EmitOptions())
    for architecture in nvrtc.ARCHITECTURES:
        assert nvrtc.compile_cuda(program.text, architecture)
