"""The standard library on the device: sizes, limits, traits, containers, algorithms."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.corpus.cuda_cpp.case import EXACT, Case, Launch
from tests.corpus.cuda_cpp.language.inputs import (
    LINES,
    Generator,
    count,
    eighths,
    f32,
    f64,
    i8,
    i32,
    i64,
    ints,
    u8,
    u32,
    u64,
)

FILE = "language/standard.cu"


def _make_fixed(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return ints(rng, n), np.zeros(n, u8), np.zeros(n, i64), u64(n)


def _fixed(launch: Launch, x: Any, *_: Any) -> list[Any]:
    return [(x * 3).astype(u8), x.astype(i64) * (2**31 - 1) + 255]


def _limits(dtype: Any) -> Any:
    def reference(launch: Launch, out: Any) -> list[Any]:
        if np.dtype(dtype).kind == "f":
            info = np.finfo(dtype)
            return [np.array([info.max, info.min, info.tiny, 1, info.eps, np.inf, np.nan], dtype)]
        whole = np.iinfo(dtype)
        signed = whole.min < 0
        digits = whole.bits - signed
        return [
            np.array([whole.max, whole.min, whole.min, 1 if signed else 2, digits, 0, 0], dtype)
        ]

    return reference


def _limits_case(name: str, cpp: str, dtype: Any) -> Case:
    return Case(f"std_limits_{name}", FILE, f"limits<{cpp}>",
                lambda rng, launch: (np.zeros(7, dtype),), (Launch(1, 32),), _limits(dtype),
                tolerances={"float32": EXACT, "float64": EXACT})  # fmt: skip


def _make_traits(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    x = rng.integers(-(2**31), 2**31, n).astype(i32)
    return x, rng.integers(0, 256, n).astype(u8), np.zeros((n, 4), i32), i32(n)


def _traits(launch: Launch, x: Any, y: Any, *_: Any) -> list[Any]:
    doubled = np.clip(2 * x.astype(i64), -(2**31), 2**31 - 1)
    rows = [doubled, np.minimum(y.astype(i32) + 100, 255), np.full(len(x), 12)]
    return [np.stack([*rows, np.full(len(x), 1 + 2 + 16)], 1)]


def _make_containers(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return ints(rng, n), np.zeros((n, 5), i32), np.zeros(n, f32), i32(n)


def _containers(launch: Launch, x: Any, out: Any, real: Any, n: Any) -> list[Any]:
    for i, v in enumerate(x.tolist()):
        a = [1, 2, 3, v]
        a[i % 4] += 100
        out[i] = [sum(a) + 4000, v + i, 2 * v + ord("z"), v * 10 + 1, a[3] - a[0] + a[1]]
    return [out, x * 0.5 + 3.25]


def _make_algorithms(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return ints(rng, n), eighths(rng, n), np.zeros(n, i32), np.zeros(n, f32), i32(n)


def _algorithms(launch: Launch, x: Any, f: Any, *_: Any) -> list[Any]:
    whole = np.minimum(x, 10) + np.maximum(x, -10) * 100 + 1
    return [whole, np.maximum(f, 0.25) + np.minimum(f, 0.75)]


def _make_host(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n = count(launch)
    return ints(rng, n), np.zeros((n, 4), i32), np.zeros(n, f32), i32(n)


def _host(launch: Launch, x: Any, *_: Any) -> list[Any]:
    i = np.arange(len(x))
    whole = [np.minimum(x, i) * 1000 + np.maximum(x, i), 7 + x, np.full(len(x), 32767 + 8)]
    # One float below 1 lies half an epsilon away.
    steps = (f32(1) + x * np.finfo(f32).eps).astype(f64) - 1
    return [np.stack([*whole, np.ones(len(x))], 1), steps / np.finfo(f32).eps + 0.5]


CASES = (
    Case("std_fixed_width", FILE, "fixed_width", _make_fixed, LINES, _fixed, (1, 2)),
    _limits_case("int", "int", i32),
    _limits_case("unsigned", "unsigned int", u32),
    _limits_case("long_long", "long long", i64),
    _limits_case("signed_char", "signed char", i8),
    _limits_case("float", "float", f32),
    _limits_case("double", "double", f64),
    Case("std_type_traits", FILE, "type_traits", _make_traits, LINES, _traits, (2,)),
    Case("std_containers", FILE, "containers", _make_containers, LINES, _containers, (1, 2)),
    Case("std_algorithms", FILE, "algorithms", _make_algorithms, LINES, _algorithms, (2, 3)),
    Case("std_host", "language/standard_host.cu", "host_standard", _make_host, LINES, _host, (1, 2)),
)  # fmt: skip
