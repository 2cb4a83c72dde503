"""Programs whose arrays share storage, with what NumPy says of them, for every road to run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.verify import verify
from accelerx.dtypes import DType
from tests.support.kernels import THREAD, const, kernel, load, store

Buffers = dict[str, np.ndarray[Any, Any]]
u8, i16, i32, u32 = dtypes.uint8, dtypes.int16, dtypes.int32, dtypes.uint32
i64, u64, f16, f32, f64 = (
    dtypes.int64, dtypes.uint64, dtypes.float16, dtypes.float32, dtypes.float64,
)  # fmt: skip
BLOCK = 50  # two full vectors and a partial one, whatever their width


@dataclass(frozen=True, slots=True)
class Case:
    """One launch and its outcome.

    Attributes:
        kernel: The kernel.
        buffers: What its buffers hold before.
        expected: What they hold after, for those that it writes.
        block, grid, shared_bytes: The launch.
    """

    kernel: ir.Kernel
    buffers: Buffers
    expected: Buffers
    block: int = BLOCK
    grid: int = 1
    shared_bytes: int = 0

    def check(self, run: Callable[[ir.Kernel, Buffers], object]) -> None:
        """Runs the kernel on fresh buffers and compares them."""
        buffers = {name: a.copy() for name, a in self.buffers.items()}
        run(self.kernel, buffers)
        for name, want in self.expected.items():
            np.testing.assert_array_equal(buffers[name], want, err_msg=name)


def view(
    name: str,
    of: str,
    dtype: DType,
    unit: int | None = None,
    space: ir.Space = "global",
    extent: int | None = None,
) -> ir.Mem:
    """A view's declaration."""
    return ir.Mem(name, dtype, space, (extent,), (1,), of=of, unit=unit)


def viewing(k: ir.Kernel, *mems: ir.Mem) -> ir.Kernel:
    """The kernel with more arrays, checked."""
    k = replace(k, mems={**k.mems, **{m.name: m for m in mems}}, contract=False)
    verify(k)
    return k


def times(a: ir.Expr, by: int) -> ir.Expr:
    return ir.Binary("mul", a, const(by, a.type), a.type, True)


def plus(a: ir.Expr, b: ir.Expr | float) -> ir.Expr:
    b = const(b, a.type) if isinstance(b, int | float) else b
    return ir.Binary("add", a, b, a.type, a.type.is_signed)


def at(stride: int, offset: int = 0, dtype: DType = i32) -> ir.Expr:
    """``thread * stride + offset``."""
    thread = THREAD if dtype is i32 else ir.Cast(THREAD, dtype)
    scaled = thread if stride == 1 else times(thread, stride)
    return plus(scaled, offset) if offset else scaled


def numbers(dtype: DType, count: int, seed: int = 1) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(seed)
    if dtype.is_float:
        return (rng.integers(-400, 400, count) / 8).astype(dtype.numpy)
    return rng.integers(0, 100, count).astype(dtype.numpy)


# --------------------------------------------------------------------------------------- programs

RECORD = np.dtype([("x", "<f4"), ("a", "<i2"), ("b", "u1"), ("pad", "u1"), ("y", "<f4")])


def _records(unit: int) -> Case:
    """An array of structs: ``y += x * a + b``, with fields of four types."""
    records = np.zeros(BLOCK, RECORD)
    records["x"], records["y"] = numbers(f32, BLOCK), numbers(f32, BLOCK, 2)
    records["a"], records["b"] = numbers(i16, BLOCK, 3) - 50, numbers(u8, BLOCK, 4)
    k = kernel([], {"p": u8})
    x, y = (load("pf", f32, at(12 // unit, n // unit)) for n in (0, 8))
    a = ir.Cast(load("ps", i16, at(6, 2)), f32)
    b = ir.Cast(load("p", u8, at(12, 6)), f32)
    total = plus(y, plus(ir.Binary("mul", x, a, f32), b))
    k.body = [store("pf", total, at(12 // unit, 8 // unit))]
    after = records.copy()
    after["y"] = records["y"] + (records["x"] * records["a"].astype("f4") + records["b"])
    return Case(
        viewing(k, view("pf", "p", f32, unit), view("ps", "p", i16, 2)),
        {"p": records.view("u1")},
        {"p": after.view("u1")},
    )


def _cast(source: DType, target: DType, unit: int | None, index: DType) -> Case:
    """``out[t] = reinterpret_cast<target *>(p)[t]``, and the same backwards as a store."""
    count = BLOCK * 8 // source.itemsize
    data = numbers(source, count)
    scale = 1 if unit is None else target.itemsize // unit
    thread = at(scale, 0, index)
    back = plus(times(ir.Unary("neg", THREAD, i32), scale), (BLOCK - 1) * scale)
    back = ir.Cast(back, index) if index is not i32 else back
    k = kernel(
        [store("out", load("v", target, thread)), store("w", load("v", target, thread), back)],
        {"p": source, "out": target, "q": source},
    )
    seen = data.view(target.numpy)[:BLOCK]
    q = np.zeros(count, source.numpy)
    q.view(target.numpy)[:BLOCK] = seen[::-1]
    return Case(
        viewing(k, view("v", "p", target, unit), view("w", "q", target, unit)),
        {"p": data, "out": np.zeros(BLOCK, target.numpy), "q": np.zeros(count, source.numpy)},
        {"out": seen, "q": q},
    )


def _wide_step() -> Case:
    """Bytes at steps of an int: the low byte of each is read, the next one set."""
    data = numbers(i32, BLOCK) * 7001
    low, high = view("low", "p", u8, 4), view("second", "s", u8, 1)
    k = kernel(
        [store("out", load("low", u8)), store("second", load("low", u8), at(4, 1))],
        {"p": i32, "out": u8, "s": i32},
    )
    second = np.zeros(BLOCK, np.int32)
    second.view("u1")[1::4] = data.view("u1")[::4]
    return Case(
        viewing(k, low, high),
        {"p": data, "out": np.zeros(BLOCK, np.uint8), "s": np.zeros(BLOCK, np.int32)},
        {"out": data.view("u1")[::4].copy(), "s": second},
    )


def _arena(*, dynamic: bool, unit: int) -> Case:
    """Shared bytes carved into floats and, behind them, ints; threads read each other's."""
    bytes_ = BLOCK * 8 + 8
    arena = ir.Mem("arena", u8, "shared", (None if dynamic else bytes_,), (1,))
    scale, start = 4 // unit, (BLOCK * 4 + 8) // unit
    other = ir.Binary("sub", const(BLOCK - 1), THREAD, i32, True)
    k = kernel(
        [
            store("f", load("x", f32), at(scale)),
            store("n", times(THREAD, 3), at(scale, start)),
            ir.Barrier(),
            store("out", load("f", f32, times(other, scale))),
            store("found", load("n", i32, plus(times(other, scale), start))),
        ],
        {"x": f32, "out": f32, "found": i32},
    )
    x = numbers(f32, BLOCK)
    return Case(
        viewing(
            k,
            arena,
            view("f", "arena", f32, unit, "shared"),
            view("n", "arena", i32, unit, "shared"),
        ),
        {"x": x, "out": np.zeros(BLOCK, np.float32), "found": np.zeros(BLOCK, np.int32)},
        {"out": x[::-1], "found": np.arange(BLOCK, dtype=np.int32)[::-1] * 3},
        grid=2,
        shared_bytes=bytes_ if dynamic else 0,
    )


def _guarded() -> Case:
    """Loads, stores and scattered stores under a mask."""
    k = kernel(
        [
            ir.If(
                ir.Compare("lt", THREAD, const(37)),
                [
                    store("v", plus(load("v", f32, at(4)), const(1.0, f32)), at(4)),
                    store("w", load("p", u8, at(4)), at(8, 4)),
                ],
            )
        ],
        {"p": u8, "q": u8},
    )
    p, q = numbers(f32, BLOCK), np.zeros(BLOCK * 2, np.uint32)
    after, scattered = p.copy(), q.copy()
    after[:37] += np.float32(1)
    scattered.view("u1")[4:][: 37 * 8 : 8] = after.view("u1")[: 37 * 4 : 4]
    return Case(
        viewing(k, view("v", "p", f32, 1), view("w", "q", u8, 1)),
        {"p": p.view("u1"), "q": q.view("u1")},
        {"p": after.view("u1"), "q": scattered.view("u1")},
    )


def _atomics(space: ir.Space) -> Case:
    """Integer and float adds, an exchange by compare and swap, and 16-bit maxima in one storage."""
    # bytes: 16 ints, 2 longs, one float, one word, 8 shorts
    size = 64 + 16 + 4 + 4 + 16
    where, suffix = ("cells", "") if space == "global" else ("arena", "s")
    bin_ = ir.Binary("and", load("x", i32), const(15), i32)
    half = ir.Binary("and", THREAD, const(7), i32)
    short = ir.Cast(load("x", i32), i16)
    body: list[ir.Stmt] = [
        ir.Atomic("add", f"n{suffix}", (times(bin_, 4),), const(1)),
        ir.Atomic("add", f"l{suffix}", (const(9),), ir.Cast(load("x", i32), i64)),
        ir.Atomic("add", f"f{suffix}", (const(80),), ir.Cast(load("x", i32), f32)),
        ir.Atomic("cas", f"c{suffix}", (const(21),), const(7, u32), const(0, u32), "old"),
        store("won", ir.Local("old", u32)),
        ir.Atomic("max", f"h{suffix}", (plus(half, 44),), short),
    ]
    mems = [
        view(f"n{suffix}", where, i32, 1, space), view(f"l{suffix}", where, i64, 8, space),
        view(f"f{suffix}", where, f32, 1, space), view(f"c{suffix}", where, u32, None, space),
        view(f"h{suffix}", where, i16, 2, space),
    ]  # fmt: skip
    if space == "shared":
        mems = [ir.Mem("arena", u8, "shared", (size,), (1,)), *mems]
        first = [store("arena", const(0, u8), plus(THREAD, n * BLOCK)) for n in range(2)]
        zeros = [*first, ir.If(ir.Compare("lt", THREAD, const(size - 2 * BLOCK)),
                               [store("arena", const(0, u8), plus(THREAD, 2 * BLOCK))])]  # fmt: skip
        copies = [store("cells", load("arena", u8, s.indices[0]), s.indices[0]) for s in first]
        last = ir.If(ir.Compare("lt", THREAD, const(size - 2 * BLOCK)),
                     [store("cells", load("arena", u8, plus(THREAD, 2 * BLOCK)), plus(THREAD, 2 * BLOCK))])  # fmt: skip
        body = [*zeros, ir.Barrier(), *body, ir.Barrier(), *copies, last]
    k = kernel(body, {"x": i32, "cells": u8, "won": u32}, {"old": u32})
    x = numbers(i32, BLOCK)
    cells = np.zeros(size, np.uint8)
    cells[:64].view("i4")[:] = np.bincount(x & 15, minlength=16)
    cells[72:80].view("i8")[:] = x.sum()
    cells[80:84].view("f4")[:] = x.sum()
    cells[84:88].view("u4")[:] = 7
    for thread, value in enumerate(x):
        shorts = cells[88:].view("i2")
        shorts[thread % 8] = max(shorts[thread % 8], value)
    won = np.full(BLOCK, 7, np.uint32)
    won[0] = 0
    return Case(
        viewing(k, *mems),
        {"x": x, "cells": np.zeros(size, np.uint8), "won": np.ones(BLOCK, np.uint32)},
        {"cells": cells, "won": won},
    )


def _aliases() -> Case:
    """What is stored through one type is seen through another, in the order of the program."""
    bits = load("p", u32)
    k = kernel(
        [
            ir.Assign("before", load("v", f32)),
            store("p", ir.Binary("xor", bits, const(1 << 31, u32), u32)),
            ir.Assign("after", load("v", f32)),
            store("b", const(0x40, u8), at(4, 3)),
            store("out", ir.Local("before", f32), at(3)),
            store("out", ir.Local("after", f32), at(3, 1)),
            store("out", load("v", f32), at(3, 2)),
        ],
        {"p": u32, "out": f32},
        {"before": f32, "after": f32},
    )
    data = np.arange(1, BLOCK + 1, dtype=np.float32) / 4
    final = (-data).copy()
    final.view("u1")[3::4] = 0x40
    out = np.stack([data, -data, final], axis=1).reshape(-1)
    return Case(
        viewing(k, view("v", "p", f32), view("b", "p", u8, 1)),
        {"p": data.view("u4"), "out": np.zeros(3 * BLOCK, np.float32)},
        {"p": final.view("u4"), "out": out},
    )


def _one_place() -> Case:
    """All threads store to one element: the last one wins; a uniform load sees it."""
    k = kernel(
        [
            store("v", ir.Cast(THREAD, f32), 2),
            ir.Barrier(),
            store("out", load("v", f32, 2)),
        ],
        {"p": u8, "out": f32},
    )
    p = np.zeros(8, np.float32)
    p[1] = BLOCK - 1
    return Case(
        viewing(k, view("v", "p", f32, 2)),
        {"p": np.zeros(32, np.uint8), "out": np.zeros(BLOCK, np.float32)},
        {"p": p.view("u1"), "out": np.full(BLOCK, BLOCK - 1, np.float32)},
    )


def _flags() -> Case:
    """Bools in a buffer of bytes."""
    positive = ir.Compare("gt", load("x", f32), const(0.0, f32))
    k = kernel(
        [
            store("b", positive, at(2)),
            store("b", load("b", dtypes.bool_, at(2)), at(2, 1)),
        ],
        {"x": f32, "p": u8},
    )
    x = numbers(f32, BLOCK)
    return Case(
        viewing(k, view("b", "p", dtypes.bool_)),
        {"x": x, "p": np.full(2 * BLOCK, 9, np.uint8)},
        {"p": np.repeat(x > 0, 2).astype(np.uint8)},
    )


CASES: Mapping[str, Case] = {
    "records by bytes": _records(1),
    "records by words": _records(4),
    "floats as ints": _cast(f32, i32, None, i32),
    "floats as ints, wide index": _cast(f32, i32, 4, i64),
    "bytes as floats": _cast(u8, f32, 1, i32),
    "bytes as floats, wide index": _cast(u8, f32, 1, i64),
    "bytes as floats by halves": _cast(u8, f32, 2, i32),
    "bytes as doubles": _cast(u8, f64, 1, i32),
    "words as halves": _cast(u32, f16, 2, i32),
    "halves as longs": _cast(f16, u64, 2, i32),
    "doubles as bytes": _cast(f64, u8, 1, i32),
    "bytes at steps of words": _wide_step(),
    "static arena": _arena(dynamic=False, unit=1),
    "dynamic arena": _arena(dynamic=True, unit=1),
    "dynamic arena by words": _arena(dynamic=True, unit=4),
    "guarded": _guarded(),
    "atomics on a buffer": _atomics("global"),
    "atomics on a shared arena": _atomics("shared"),
    "aliases": _aliases(),
    "one place": _one_place(),
    "flags": _flags(),
}
