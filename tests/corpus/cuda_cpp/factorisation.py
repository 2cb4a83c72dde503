"""Dense factorisations of small matrices, triangular and tridiagonal solves."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from tests.corpus.cuda_cpp.case import Case, Launch, Tolerance

f32, f64, i32 = np.float32, np.float64, np.int32
Generator = np.random.Generator

ELIMINATION = {"float32": Tolerance(1e-4, 1e-4, "well-conditioned elimination in float")}


def _make_cholesky(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    a = rng.standard_normal((launch.blocks, n, n))
    spd = a @ a.transpose(0, 2, 1) + 0.1 * np.eye(n)
    spd[-1, n // 2, n // 2] = -1  # not positive definite
    return spd, i32(n), np.full(launch.blocks, -1, i32)


def _cholesky(launch: Launch, matrices: Any, n: Any, info: Any) -> list[Any]:
    matrices[:-1] = np.linalg.cholesky(matrices[:-1])
    return [matrices, [*[0] * (launch.blocks - 1), int(n) // 2 + 1]]


def _make_lu(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    matrices = np.stack([rng.permutation(np.eye(n) * n) for _ in range(launch.blocks)])
    matrices = matrices + rng.random((launch.blocks, n, n))
    return matrices.astype(f32), np.zeros((launch.blocks, n), i32), i32(n)


def _lu(launch: Launch, matrices: Any, pivots: Any, n: Any) -> list[Any]:
    factors = [linalg.lu_factor(m.astype(f64)) for m in matrices]
    return [np.stack([lu for lu, _ in factors]), np.stack([p for _, p in factors])]


def _make_qr(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    rows, columns = launch.size
    return rng.standard_normal((rows, columns)), np.zeros((columns, columns))


def _make_fan1(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n, t = launch.size
    return np.zeros((n, n), f32), rng.random((n, n), f32) + n * np.eye(n, dtype=f32), i32(n), i32(t)


def _fan1(launch: Launch, m: Any, a: Any, n: Any, t: Any) -> list[Any]:
    m[t + 1 :, t] = a[t + 1 :, t] / a[t, t]
    return [m]


def _make_fan2(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n, t = launch.size
    m, a, _, _ = _make_fan1(rng, launch)
    m[t + 1 :, t] = rng.random(n - t - 1)
    return m, a, rng.random(n, f32), i32(n), i32(n - t), i32(t)


def _fan2(launch: Launch, m: Any, a: Any, b: Any, n: Any, j1: Any, t: Any) -> list[Any]:
    factors = m[t + 1 :, t].astype(f64)
    a, b = a.astype(f64), b.astype(f64)
    a[t + 1 :, t:] -= np.outer(factors, a[t, t:])
    b[t + 1 :] -= factors * b[t]
    return [a, b]


def _make_triangular(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n, sides = launch.size
    return rng.random((n, n)) / n + np.eye(n), rng.random((sides, n)), i32(n), i32(sides)


def _triangular(lower: bool, unit: bool) -> Any:
    def reference(launch: Launch, a: Any, x: Any, n: Any, sides: Any) -> list[Any]:
        return [linalg.solve_triangular(a, x.T, lower=lower, unit_diagonal=unit).T]

    return reference


def _bands(rng: Generator, *shape: int) -> tuple[Any, ...]:
    lower, upper, rhs = rng.random((3, *shape))
    return lower, 2.5 + rng.random(shape), upper, rhs


def _tridiagonal(lower: Any, diagonal: Any, upper: Any, rhs: Any) -> Any:
    """Solves a system a row."""
    rows = []
    for l, d, u, r in zip(lower, diagonal, upper, rhs, strict=True):  # noqa: E741
        rows.append(np.linalg.solve(np.diag(d) + np.diag(l[1:], -1) + np.diag(u[:-1], 1), r))
    return np.stack(rows)


def _make_thomas(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    bands = (band.astype(f32) for band in _bands(rng, *launch.size))
    return *bands, np.zeros(launch.size, f32), *map(i32, launch.size)


def _thomas(launch: Launch, *arguments: Any) -> list[Any]:
    return [_tridiagonal(*(band.T.astype(f64) for band in arguments[:4])).T]


def _make_cyclic(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    return *_bands(rng, launch.blocks, launch.threads), i32(launch.threads)


CASES = (
    Case("cholesky", "factorisation/dense.cu", "cholesky", _make_cholesky,
         (Launch(3, 32, size=(20,)), Launch(2, 32, size=(32,))), _cholesky, (0, 2)),
    Case("lu_pivot", "factorisation/dense.cu", "lu_pivot", _make_lu,
         (Launch(3, 32, size=(20,)), Launch(1, 32, size=(32,))), _lu, (0, 1),
         tolerances=ELIMINATION),
    Case("householder_qr", "factorisation/dense.cu", "householder_qr<20, 7>", _make_qr,
         (Launch(1, 7, size=(20, 7)),),
         lambda launch, a, r: [np.linalg.qr(a, "r")], (1,)),
    Case("gaussian_fan1", "factorisation/dense.cu", "Fan1", _make_fan1,
         (Launch(2, 16, size=(30, 3)),), _fan1),
    Case("gaussian_fan2", "factorisation/dense.cu", "Fan2", _make_fan2,
         (Launch((4, 4), (8, 8), size=(30, 3)),), _fan2, (1, 2)),
    Case("solve_lower", "factorisation/solve.cu", "triangular_solve<Lower, false>",
         _make_triangular, (Launch(2, 64, size=(40, 3)),), _triangular(True, False), (1,)),
    Case("solve_unit_upper", "factorisation/solve.cu", "triangular_solve<Upper, true>",
         _make_triangular, (Launch(1, 128, size=(37, 4)),), _triangular(False, True), (1,)),
    Case("thomas", "factorisation/solve.cu", "thomas", _make_thomas,
         (Launch(2, 32, size=(20, 45)),), _thomas, (3,)),
    Case("cyclic_reduction", "factorisation/solve.cu", "cyclic_reduction", _make_cyclic,
         (Launch(2, 64, 2048), Launch(1, 37, 37 * 32)),
         lambda launch, *arguments: [_tridiagonal(*arguments[:4])], (3,)),
)  # fmt: skip
