"""The CPU's code is compiled by llvmlite, which the package can do without."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _compiler() -> None:
    pytest.importorskip("llvmlite", reason="compiling for the CPU needs llvmlite")
