"""The language itself: small kernels that use every construct, with exact results where there are."""

from __future__ import annotations

from tests.corpus.cuda_cpp.case import Case
from tests.corpus.cuda_cpp.language import (
    arithmetic,
    atomics,
    classes,
    control,
    groups,
    intrinsics,
    memory,
    pointers,
    ptx,
    standard,
    templates,
    translation_unit,
    vectors,
    warp,
)

CASES: tuple[Case, ...] = (
    *templates.CASES,
    *classes.CASES,
    *pointers.CASES,
    *memory.CASES,
    *control.CASES,
    *arithmetic.CASES,
    *vectors.CASES,
    *intrinsics.CASES,
    *atomics.CASES,
    *warp.CASES,
    *groups.CASES,
    *standard.CASES,
    *ptx.CASES,
    *translation_unit.CASES,
)
