"""Sparse matrices: products in CSR, ELL and coordinate form, with vectors and dense matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from tests.corpus.cuda_cpp.case import Case, Launch

f32, f64, i32, i64 = np.float32, np.float64, np.int32, np.int64
Generator = np.random.Generator

ENTRY = np.dtype([("row", i32), ("col", i32), ("value", f64)], align=True)


def _matrix(rng: Generator, launch: Launch, dtype: Any = f32) -> Any:
    rows, columns = launch.size[:2]
    dense = np.where(rng.random((rows, columns)) < 0.3, rng.standard_normal((rows, columns)), 0)
    dense[rows // 2] = 0  # an empty row
    return sparse.csr_array(dense.astype(dtype))


def _csr(matrix: Any) -> tuple[Any, ...]:
    return matrix.indptr.astype(i32), matrix.indices.astype(i32), matrix.data


def _make_csr(dtype: Any) -> Any:
    def make(rng: Generator, launch: Launch) -> tuple[Any, ...]:
        rows, columns = launch.size
        x, y = rng.random(columns).astype(dtype), np.ones(rows, dtype)
        return i32(rows), *_csr(_matrix(rng, launch, dtype)), x, y

    return make


def _product(row_ptr: Any, cols: Any, values: Any, dense: Any) -> Any:
    shape = (len(row_ptr) - 1, len(dense))
    return sparse.csr_array((values.astype(f64), cols, row_ptr), shape) @ dense.astype(f64)


def _spmv(
    launch: Launch, rows: Any, row_ptr: Any, cols: Any, values: Any, x: Any, y: Any
) -> list[Any]:
    return [_product(row_ptr, cols, values, x)]


def _spmv_add(launch: Launch, *arguments: Any) -> list[Any]:
    return [arguments[-1] + _spmv(launch, *arguments)[0]]


def _make_ell(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    matrix = _matrix(rng, launch)
    rows, columns = launch.size
    width = int(np.diff(matrix.indptr).max())
    cols, values = np.full((width, rows), -1, i32), np.zeros((width, rows), f32)
    for row in range(rows):
        span = slice(matrix.indptr[row], matrix.indptr[row + 1])
        cols[: span.stop - span.start, row] = matrix.indices[span]
        values[: span.stop - span.start, row] = matrix.data[span]
    return i32(rows), i32(width), cols, values, rng.random(columns, f32), np.zeros(rows, f32)


def _ell(
    launch: Launch, rows: Any, width: Any, cols: Any, values: Any, x: Any, y: Any
) -> list[Any]:
    return [np.where(cols >= 0, values.astype(f64) * x[cols], 0).sum(0)]


def _make_coo(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    matrix = sparse.coo_array(_matrix(rng, launch, f64))
    rows, columns = launch.size
    entries = np.zeros(matrix.nnz, ENTRY)
    entries["row"], entries["col"] = matrix.coords
    entries["value"] = matrix.data
    return rng.permutation(entries), i64(len(entries)), rng.random(columns), np.zeros(rows)


def _coo(launch: Launch, entries: Any, n: Any, x: Any, y: Any) -> list[Any]:
    np.add.at(y, entries["row"], entries["value"] * x[entries["col"]])
    return [y]


def _make_spmm(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    rows, inner, columns = launch.size
    b, c = rng.random((inner, columns), f32), np.zeros((rows, columns), f32)
    return i32(rows), i32(columns // 4), *_csr(_matrix(rng, launch)), b, c


def _spmm(launch: Launch, rows: Any, columns4: Any, *matrices: Any) -> list[Any]:
    row_ptr, cols, values, b, _ = matrices
    return [_product(row_ptr, cols, values, b)]


def _make_sddmm(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    rows, columns, depth = launch.size
    pattern = np.argwhere(rng.random((rows, columns)) < 0.2).astype(i32, order="C")
    a, b = rng.standard_normal((rows, depth), f32), rng.standard_normal((columns, depth), f32)
    return pattern, i32(len(pattern)), a, b, np.zeros(len(pattern), f32), i32(depth)


def _sddmm(launch: Launch, pattern: Any, n: Any, a: Any, b: Any, *_: Any) -> list[Any]:
    return [(a.astype(f64)[pattern[:, 0]] * b[pattern[:, 1]]).sum(1)]


CASES = (
    Case("spmv_scalar", "sparse/csr.cu", "spmv_scalar<double>", _make_csr(f64),
         (Launch(2, 32, size=(45, 60)),), _spmv_add, (5,)),
    Case("spmv_vector", "sparse/csr.cu", "spmv_vector", _make_csr(f32),
         (Launch(5, 128, 512, (18, 150)), Launch(2, 32, 128, (2, 40))), _spmv, (5,)),
    Case("spmv_subwarp", "sparse/csr.cu", "spmv_subwarp<8>", _make_csr(f32),
         (Launch(6, 64, size=(45, 60)),), _spmv, (5,)),
    Case("spmv_ell", "sparse/csr.cu", "spmv_ell", _make_ell,
         (Launch(2, 32, size=(45, 30)),), _ell, (5,)),
    Case("spmv_coo", "sparse/csr.cu", "spmv_coo", _make_coo,
         (Launch(7, 64, size=(30, 40)),), _coo, (3,)),
    Case("spmm", "sparse/csr.cu", "spmm", _make_spmm,
         (Launch((2, 4), (4, 8), size=(29, 20, 24)),), _spmm, (6,)),
    Case("sddmm", "sparse/csr.cu", "sddmm", _make_sddmm,
         (Launch(125, 128, size=(20, 25, 50)),), _sddmm, (4,)),
)  # fmt: skip
