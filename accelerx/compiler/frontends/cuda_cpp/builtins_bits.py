"""Builtins on the bits of integers: counts, reversals, permutes, shifts over two words, dot products."""

from __future__ import annotations

from collections.abc import Callable

from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.build import (
    Build,
    Handler,
    Lifter,
    kept,
    result_dtype,
    scalars,
)
from accelerx.compiler.frontends.cuda_cpp.clang import Cursor
from accelerx.compiler.frontends.cuda_cpp.values import Object, Value
from accelerx.dtypes import DType, int32, int64, uint32, uint64

# CUDA's name: KIR's, the type it works on.
_INTRINSICS: dict[str, tuple[str, DType]] = {
    "__popc": ("popc", uint32),
    "__popcll": ("popc", uint64),
    "__clz": ("clz", uint32),
    "__clzll": ("clz", uint64),
    "__ffs": ("ffs", uint32),
    "__ffsll": ("ffs", uint64),
    "__brev": ("brev", uint32),
    "__brevll": ("brev", uint64),
    "__mulhi": ("mulhi", int32),
    "__umulhi": ("mulhi", uint32),
    "__mul64hi": ("mulhi", int64),
    "__umul64hi": ("mulhi", uint64),
}


def intrinsic(name: str, dtype: DType) -> Handler:
    """A handler that calls an intrinsic on the arguments as ``dtype``."""

    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        build = Build(lifter, lifter.loc(call))
        values = scalars(lifter, arguments, dtype)
        counts = name in ("popc", "clz", "ffs")
        value = build.call(name, *values, result=int32 if counts else dtype)
        return build.cast(value, result_dtype(lifter, call))

    return handler


def rule(work: Callable[..., ir.Expr], dtype: DType) -> Handler:
    """A handler for a pure function of integers of type ``dtype``."""

    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        build = Build(lifter, lifter.loc(call))
        values = kept(lifter, call, arguments, dtype)
        return build.cast(work(build, *values), result_dtype(lifter, call))

    return handler


def byte_perm(build: Build, x: ir.Expr, y: ir.Expr, selector: ir.Expr) -> ir.Expr:
    """Four of the eight bytes of (x, y), chosen by the low three bits of the selector's digits."""
    words = build.keep(joined(build, x, y))
    total: ir.Expr | None = None
    for i in range(4):
        digit = build.binary("and", build.binary("shr", selector, 4 * i), 7)
        at = build.cast(build.mul(digit, 8), uint64)
        byte = build.binary("and", build.cast(build.binary("shr", words, at), uint32), 0xFF)
        byte = build.binary("shl", byte, 8 * i)
        total = byte if total is None else build.binary("or", total, byte)
    assert total is not None
    return total


def joined(build: Build, low: ir.Expr, high: ir.Expr) -> ir.Expr:
    """A u64 of two u32."""
    upper = build.binary("shl", build.cast(high, uint64), 32)
    return build.binary("or", build.cast(low, uint64), upper)


def funnel(left: bool, clamped: bool) -> Callable[..., ir.Expr]:
    """The high word of (high, low) << n, or the low word of (high, low) >> n."""

    def work(build: Build, low: ir.Expr, high: ir.Expr, count: ir.Expr) -> ir.Expr:
        count = build.binary("min", count, 32) if clamped else build.binary("and", count, 31)
        words, by = joined(build, low, high), build.cast(count, uint64)
        if not left:
            return build.cast(build.binary("shr", words, by), uint32)
        return build.cast(build.binary("shr", build.binary("shl", words, by), 32), uint32)

    return work


def _mul24(build: Build, x: ir.Expr, y: ir.Expr) -> ir.Expr:
    """The product of the low 24 bits, their sign extended if the type has one."""
    low = [build.binary("shr", build.binary("shl", v, 8), 8) for v in (x, y)]
    return build.mul(*low)


def _average(up: bool) -> Callable[..., ir.Expr]:
    """(x + y) / 2 without overflow, rounded down or up."""

    def work(build: Build, x: ir.Expr, y: ir.Expr) -> ir.Expr:
        half = build.binary("shr", build.binary("xor", x, y), 1)
        if up:
            return build.sub(build.binary("or", x, y), half)
        return build.add(build.binary("and", x, y), half)

    return work


def _fns(build: Build, mask: ir.Expr, base: ir.Expr, offset: ir.Expr) -> ir.Expr:
    """The place of the offset-th one bit of ``mask`` at or after ``base`` (before it, if negative).

    A search by halves: how many of the ones lie below a bit is a population count.
    """
    backward = build.keep(build.compare("lt", build.cast(offset, int32), 0))
    mirrored = build.call("brev", mask)
    bits = build.keep(build.select(backward, mirrored, mask))
    start = build.keep(build.select(backward, build.sub(31, base), base))
    wanted = build.keep(build.call("abs", build.cast(offset, int32)))
    ones = build.const(0xFFFFFFFF, uint32)
    bits = build.keep(build.binary("and", bits, build.binary("shl", ones, start)))
    at: ir.Expr = build.const(0, uint32)
    left = wanted
    for width in (16, 8, 4, 2, 1):
        field = build.binary("and", build.binary("shr", bits, at), (1 << width) - 1)
        count = build.keep(build.call("popc", field, result=int32))
        skips = build.keep(build.compare("gt", left, count))
        left = build.keep(build.select(skips, build.sub(left, count), left))
        at = build.keep(build.select(skips, build.add(at, width), at))
    total = build.call("popc", bits, result=int32)
    at = build.select(backward, build.sub(31, at), at)
    here = build.binary("and", build.binary("shr", mask, base), 1)
    none = build.select(build.compare("ne", here, 0), base, 0xFFFFFFFF)
    found = build.select(build.compare("le", wanted, total), at, 0xFFFFFFFF)
    return build.select(build.compare("eq", wanted, 0), none, found)


# ------------------------------------------------------------------------------------ dot products


def _lanes(
    lifter: Lifter, build: Build, argument: Cursor, bits: int, dtype: DType
) -> list[ir.Expr]:
    """The 8- or 16-bit integers in a word or a vector, as 32-bit ones of ``dtype``."""
    type_ = lifter.type(argument)
    if isinstance(type_, ctypes.Record):
        place = lifter.place(argument)
        parts = [lifter.load(lifter.member(place, part.name)) for part in type_.fields]
        return [build.cast(part, dtype) for part in parts if isinstance(part, ir.Expr)]
    word = build.keep(lifter.scalar(argument, dtype))
    return [lane(build, word, i, bits) for i in range(32 // bits)]


def lane(build: Build, word: ir.Expr, number: int, bits: int) -> ir.Expr:
    """A lane of a packed word as a 32-bit integer, its sign extended if the word's type has one."""
    top = 32 - bits * (number + 1)
    return build.binary("shr", build.binary("shl", word, top), 32 - bits)


def _dot(first_bits: int, start: int) -> Handler:
    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        build = Build(lifter, lifter.loc(call))
        dtype = result_dtype(lifter, call)
        a = [build.keep(v) for v in _lanes(lifter, build, arguments[0], first_bits, dtype)]
        b = [build.keep(v) for v in _lanes(lifter, build, arguments[1], 8, dtype)]
        total = lifter.scalar(arguments[2], dtype)
        for x, y in zip(a, b[start : start + len(a)], strict=True):
            total = build.add(total, build.mul(x, y))
        return total

    return handler


# ----------------------------------------------------------------------------------- vector types


def _make(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Object:
    """make_float4 and its kin."""
    type_ = lifter.type(call)
    assert isinstance(type_, ctypes.Record)
    values = scalars(lifter, arguments)
    parts: dict[str, Value] = dict(zip("xyzw", values, strict=False))
    return lifter.record(type_, parts, lifter.loc(call))


VECTORS = (
    "char", "uchar", "short", "ushort", "int", "uint", "long", "ulong", "longlong", "ulonglong",
    "float", "double",
)  # fmt: skip


def _table() -> dict[str, Handler]:
    rows = {name: intrinsic(*row) for name, row in _INTRINSICS.items()}
    rows |= {f"make_{name}{n}": _make for name in VECTORS for n in (1, 2, 3, 4)}
    rows |= {
        "__byte_perm": rule(byte_perm, uint32),
        "__funnelshift_l": rule(funnel(True, False), uint32),
        "__funnelshift_lc": rule(funnel(True, True), uint32),
        "__funnelshift_r": rule(funnel(False, False), uint32),
        "__funnelshift_rc": rule(funnel(False, True), uint32),
        "__mul24": rule(_mul24, int32),
        "__umul24": rule(_mul24, uint32),
        "__hadd": rule(_average(False), int32),
        "__rhadd": rule(_average(True), int32),
        "__uhadd": rule(_average(False), uint32),
        "__urhadd": rule(_average(True), uint32),
        "__fns": rule(_fns, uint32),
        "__dp4a": _dot(8, 0),
        "__dp2a_lo": _dot(16, 0),
        "__dp2a_hi": _dot(16, 2),
    }
    return rows


BITS: dict[str, Handler] = _table()
