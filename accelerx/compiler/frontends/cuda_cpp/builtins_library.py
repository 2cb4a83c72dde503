"""Builtins of the C++ library's headers: atomic objects, and clang's own bit functions."""

from __future__ import annotations

from accelerx.compiler.frontends.cuda_cpp.build import UNSIGNED, Build, Handler, Lifter, scalars
from accelerx.compiler.frontends.cuda_cpp.builtins_atomics import atomic
from accelerx.compiler.frontends.cuda_cpp.clang import Cursor
from accelerx.compiler.frontends.cuda_cpp.values import Value
from accelerx.dtypes import int32, uint32, uint64

_ATOMICS = ("add", "sub", "min", "max", "and", "or", "xor", "exch", "cas")


def _same_bits(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    """Whether two numbers of one type have the same bits; -0 and 0 differ, not a number may agree."""
    build = Build(lifter, lifter.loc(call))
    a, b = scalars(lifter, arguments)
    if a.type.is_float:
        bits = UNSIGNED[a.type.bits]
        a, b = build.bits(a, bits), build.bits(b, bits)
    return build.compare("eq", a, b)


def _counted(function: str, bits: int) -> Handler:
    """Zeros before or after the one bits, or the one bits, of an unsigned number."""
    dtype = uint32 if bits == 32 else uint64

    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        build = Build(lifter, lifter.loc(call))
        (e,) = scalars(lifter, arguments, dtype)
        if function == "ctz":
            return build.sub(build.call("ffs", e, result=int32), 1)
        return build.call(function, e, result=int32)

    return handler


LIBRARY: dict[str, Handler] = {
    **{f"__ax_atomic_{op}": atomic(op) for op in _ATOMICS},
    "__ax_same_bits": _same_bits,
    **{
        f"__builtin_{name}{suffix}": _counted(function, bits)
        for name, function in (("popcount", "popc"), ("clz", "clz"), ("ctz", "ctz"))
        for suffix, bits in (("", 32), ("l", 64), ("ll", 64))
    },
}
