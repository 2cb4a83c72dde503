"""Fourier transforms: the sum itself, Stockham's and Cooley-Tukey's algorithms, modulo a prime."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.corpus.cuda_cpp.case import Case, Launch, Tolerance

f32, f64, i32, u32 = np.float32, np.float64, np.int32, np.uint32
Generator = np.random.Generator

PRIME = 998244353
LOOSE = {"float32": Tolerance(1e-4, 1e-4, "sums of a hundred terms with single-precision angles")}


def _complex(pairs: Any) -> Any:
    return pairs.astype(f64).view(np.complex128)[..., 0]


def _pairs(values: Any) -> Any:
    return np.stack([values.real, values.imag], -1)


def _make_dft(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return rng.standard_normal((n, 2), f32), np.zeros((n, 2), f32), i32(n)


def _make_stockham(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    return (rng.standard_normal((launch.blocks, 2 * launch.threads, 2), f32),)


def _make_bit_reversed(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (log_n,) = launch.size
    n = 1 << log_n
    twiddles = _pairs(np.exp(-2j * np.pi * np.arange(n // 2) / n))
    return rng.standard_normal((n, 2)), np.zeros((n, 2)), twiddles, i32(log_n)


def _make_ntt(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    return rng.integers(0, PRIME, launch.threads).astype(u32), i32(np.log2(launch.threads))


def _ntt(launch: Launch, a: Any, log_n: Any) -> list[Any]:
    n = len(a)
    root = pow(3, (PRIME - 1) // n, PRIME)
    powers = np.array([pow(root, k, PRIME) for k in range(n)])
    matrix = powers[np.outer(np.arange(n), np.arange(n)) % n]
    return [(matrix * a.astype(np.int64) % PRIME).sum(1) % PRIME]


CASES = (
    Case("dft", "fft/fft.cu", "dft", _make_dft,
         (Launch(2, 64, size=(100,)), Launch(1, 32, size=(7,))),
         lambda launch, x, *_: [_pairs(np.fft.fft(_complex(x)))], (1,), tolerances=LOOSE),
    Case("fft_stockham", "fft/fft.cu", "fft_stockham<128>", _make_stockham,
         (Launch(2, 64),), lambda launch, x: [_pairs(np.fft.fft(_complex(x)))],
         tolerances=LOOSE),
    Case("fft_inverse", "fft/fft.cu", "fft_stockham<64, true>", _make_stockham,
         (Launch(3, 32),), lambda launch, x: [_pairs(np.fft.ifft(_complex(x)))],
         tolerances=LOOSE),
    Case("fft_bit_reversed", "fft/fft.cu", "fft_bit_reversed", _make_bit_reversed,
         (Launch(1, 32, 16 * 128, (7,)), Launch(1, 64, 16 * 32, (5,))),
         lambda launch, x, *_: [_pairs(np.fft.fft(_complex(x)))], (1,)),
    Case("ntt", "fft/fft.cu", "ntt", _make_ntt, (Launch(1, 128), Launch(1, 32)), _ntt),
)  # fmt: skip
