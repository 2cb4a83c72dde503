"""Evaluates CUDA C++ expressions for many arguments at once, in the interpreter and on the host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from accelerx import dtypes
from tests.support.cuda_cpp_host import Array, both

BLOCK = 64


def text_of(
    expressions: Sequence[str], result: Any, columns: Sequence[Array], head: str = ""
) -> str:
    """A kernel that evaluates ``expressions`` of a, b, c, ... for each row of the columns."""
    names = "abcdefgh"[: len(columns)]
    types = [dtypes.from_numpy(column.dtype).cuda for column in columns]
    given = ", ".join(f"const {t}* p{n}" for t, n in zip(types, names, strict=True))
    loads = " ".join(f"const {t} {n} = p{n}[i];" for t, n in zip(types, names, strict=True))
    out = dtypes.from_numpy(np.dtype(result)).cuda
    stores = "\n".join(f"    o[{k} * n + i] = {e};" for k, e in enumerate(expressions))
    return (
        f"{head}\n__global__ void k({given}, {out}* o, int n) {{\n"
        f"  int i = blockIdx.x * blockDim.x + threadIdx.x;\n"
        f"  if (i < n) {{ {loads}\n{stores}\n  }}\n}}\n"
    )


def evaluate(
    expressions: Sequence[str], result: Any, *columns: Array, head: str = ""
) -> tuple[Array, Array]:
    """The expressions' values, one row each: from the interpreter, and from the host."""
    size = len(columns[0])
    text = text_of(expressions, result, columns, head)
    out = np.zeros((len(expressions), size), result)
    grid = -(-size // BLOCK)
    interpreted, compiled = both(text, "k", grid, BLOCK, *columns, out, np.int32(size))
    return interpreted[-1], compiled[-1]


def ulps(got: Array, want: Array) -> Array:
    """Distances from float64 references in units of the last place; 0 where both are special."""
    info = np.finfo(got.dtype)
    with np.errstate(all="ignore"):
        rounded = want.astype(got.dtype)
        unit = np.spacing(np.abs(rounded)).astype(np.float64)
        distance = np.abs(got.astype(np.float64) - want) / np.maximum(unit, info.smallest_subnormal)
    same = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
    return np.where(same, 0.0, np.where(np.isfinite(distance), distance, np.inf))
