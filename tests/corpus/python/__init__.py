"""The corpus of Python kernels: written as numba.cuda programs are, each with a NumPy reference."""

from __future__ import annotations

from tests.corpus.python import (
    elementwise,
    finance,
    graph,
    idioms,
    image,
    linalg,
    ml,
    physics,
    reduction,
    scan_sort,
    strings,
    warp,
)
from tests.corpus.python.case import Case, Launch

__all__ = ["CASES", "Case", "Launch"]

CASES: tuple[Case, ...] = (
    *elementwise.CASES,
    *reduction.CASES,
    *linalg.CASES,
    *image.CASES,
    *scan_sort.CASES,
    *physics.CASES,
    *finance.CASES,
    *graph.CASES,
    *idioms.CASES,
    *warp.CASES,
    *strings.CASES,
    *ml.CASES,
)
