"""Inputs for the math functions: special and awkward values, random bits, and the useful ranges."""

from __future__ import annotations

from typing import Any

import numpy as np

from accelerx.dtypes import DType
from tests.exhaustive.reference import Array

_LEAST_NORMAL = {"f16": 2.0**-14, "bf16": 2.0**-126, "f32": 2.0**-126, "f64": 2.0**-1022}


def edges(dtype: DType) -> Array:
    """Values at which functions have special cases or algorithms change, and their neighbours."""
    kind: Any = dtype.numpy
    values = [0.0, 0.25, 0.5, 0.625, 0.7071067811865476, 1.0, 1.5, 2.0, 2.5, 3.0, 10.0, 88.7, 100.0]
    values += [np.pi * k / 4 for k in range(1, 9)] + [np.log(2) * k / 2 for k in range(1, 5)]
    values += [2.0**k for k in (-60, -27, -13, 13, 17, 23, 24, 30, 52, 53, 60, 100)]
    values += [2.0**24 - 1, 2.0**53 - 1, 709.78, 745.13, _LEAST_NORMAL[dtype.short], np.inf]
    with np.errstate(all="ignore"):
        base = np.array(values).astype(kind)
        up = np.nextafter(base, np.array(np.inf, kind))
        down = np.nextafter(base, np.array(-np.inf, kind))
        positive = np.concatenate([base, up, down])
    return np.concatenate([positive, -positive, np.array([np.nan], kind)]).astype(kind)


def random_bits(rng: np.random.Generator, dtype: DType, count: int) -> Array:
    """Random bit patterns: every exponent, NaN and subnormal numbers included."""
    raw = np.frombuffer(rng.bytes(count * dtype.itemsize), f"u{dtype.itemsize}")
    return raw.view(dtype.numpy)


def samples(rng: np.random.Generator, dtype: DType, count: int) -> Array:
    """A mixture for functions of one argument: random bits, and numbers of everyday size."""
    part = count // 5
    parts = [
        random_bits(rng, dtype, count - 4 * part),
        rng.normal(0, 1, part),
        rng.normal(0, 40, part),
        1 + rng.normal(0, 1, part) * np.exp(rng.uniform(-30, 0, part)),
        rng.choice([-1.0, 1.0], part) * np.exp(rng.uniform(-40, 40, part)),
    ]
    with np.errstate(all="ignore"):
        return np.concatenate([p.astype(dtype.numpy) for p in parts])


def pairs(rng: np.random.Generator, name: str, dtype: DType, count: int) -> tuple[Array, Array]:
    """The same for functions of two arguments; for pow, exponents that keep the result in range."""
    kind: Any = dtype.numpy
    x = samples(rng, dtype, count)
    with np.errstate(all="ignore"):
        if name == "pow":
            limit = {16: 11.0, 32: 104.0, 64: 745.0}[dtype.bits]
            exponent = rng.uniform(-limit, limit, count) / np.log(np.abs(x.astype(np.float64)))
            whole = (rng.random(count) < 0.5) & (x < 0)
            y = np.where(whole, np.rint(exponent), exponent)
        else:
            ratio = rng.choice([-1.0, 1.0], count) * np.exp(rng.normal(0, 2, count))
            y = x.astype(np.longdouble) * ratio
        near = rng.random(count) < 0.8
        return x, np.where(near, y.astype(kind), samples(rng, dtype, count))
