"""NVRTC takes every golden file, for every architecture."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import nvrtc
from tests.support.golden import FOLDER

pytestmark = pytest.mark.skipif(nvrtc.library() is None, reason="needs nvidia-cuda-nvrtc")

FILES = sorted((FOLDER / "cuda").glob("*.cu"))


@pytest.mark.parametrize("architecture", nvrtc.ARCHITECTURES)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_golden_file_compiles(path: Path, architecture: str) -> None:
    assert nvrtc.compile_cuda(path.read_text(), architecture)
