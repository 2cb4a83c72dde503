"""Builtins of memory: hinted loads and stores, copies, address spaces."""

from __future__ import annotations

import math
from collections.abc import Callable

from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.build import (
    UNSIGNED,
    Build,
    Handler,
    Lifter,
    result_dtype,
)
from accelerx.compiler.frontends.cuda_cpp.clang import Cursor, children, kind
from accelerx.compiler.frontends.cuda_cpp.state import index_type
from accelerx.compiler.frontends.cuda_cpp.values import Nothing, Pointer, Root, Value
from accelerx.dtypes import DType, bool_, int32

UNROLLED = 16  # copies of so many elements are written out
_MOVED = 256  # bytes a memmove may have: it is held in locals


def _hinted_load(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    """__ldg and its kin: a load; a cache hint means nothing here."""
    pointer = lifter.pointer(arguments[0])
    return lifter.load(lifter.dereference(pointer, pointer.pointee), lifter.loc(call))


def _hinted_store(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    pointer, value = lifter.in_order(
        [lambda: lifter.pointer(arguments[0]), lambda: lifter.value(arguments[1])]
    )
    assert isinstance(pointer, Pointer)
    lifter.assign(lifter.dereference(pointer, pointer.pointee), value, lifter.loc(call))
    return Nothing()


# ----------------------------------------------------------------------------------------- copies


def _pointee(lifter: Lifter, argument: Cursor) -> ctypes.CType:
    """What an argument pointed to before it became a void pointer."""
    inner = children(argument)
    while argument._kind_id in _casts() and inner:
        argument = inner[-1]
        inner = children(argument)
    type_ = lifter.type(argument)
    if isinstance(type_, ctypes.Array):
        return type_.element
    return type_.pointee if isinstance(type_, ctypes.Pointer) else ctypes.Void()


def _casts() -> set[int]:
    from_names = ("UNEXPOSED_EXPR", "CSTYLE_CAST_EXPR", "CXX_STATIC_CAST_EXPR")
    names = (*from_names, "CXX_REINTERPRET_CAST_EXPR", "CXX_CONST_CAST_EXPR", "PAREN_EXPR")
    return {kind(name) for name in names}


def is_multiple(e: ir.Expr, size: int) -> bool:
    """Whether a number of bytes is known to be a multiple of ``size``."""
    match e:
        case ir.Const():
            return int(e.value) % size == 0
        case ir.Cast():
            return is_multiple(e.operand, size)
        case ir.Binary(op="mul"):
            return is_multiple(e.left, size) or is_multiple(e.right, size)
        case ir.Binary(op="add" | "sub"):
            return is_multiple(e.left, size) and is_multiple(e.right, size)
        case _:
            return size == 1


def _element(lifter: Lifter, size: ir.Expr, *pointees: ctypes.CType) -> ctypes.CType:
    """In what elements bytes are copied: the pointers' own if it is one type, else words of it."""
    first = pointees[0]
    agree = all(ctypes.same(first, other) for other in pointees)
    if agree and not isinstance(first, ctypes.Void) and is_multiple(size, first.size):
        return first
    width = math.gcd(8, *(ctypes.unit_of(pointee) for pointee in pointees))
    while not is_multiple(size, width):
        width //= 2
    return ctypes.Scalar(UNSIGNED[8 * width])


def _repeated(
    lifter: Lifter, call: Cursor, pointer: Pointer, count: ir.Expr, body: Callable[[ir.Expr], None]
) -> None:
    """Runs ``body`` for the elements 0 .. count - 1."""
    loc = lifter.loc(call)
    if isinstance(count, ir.Const) and int(count.value) <= UNROLLED:
        for i in range(int(count.value)):
            body(ir.Const(i, int32, loc))
        return
    dtype = index_type(pointer.targets)
    count = lifter.spill(lifter.cast(count, dtype), "count", loc)
    counter = lifter.temporary("i", dtype)
    statements = lifter.collect(lambda: body(ir.Local(counter, dtype, loc)))
    bounds = (ir.Const(0, dtype, loc), count, ir.Const(1, dtype, loc))
    lifter.emit(ir.For(counter, *bounds, statements, loc=loc))


def _copy(held: bool) -> Handler:
    """memcpy; memmove, with ``held``: all is read before anything is written."""

    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        loc = lifter.loc(call)
        to, source, size = _operands(lifter, arguments)
        element = _element(lifter, size, *(_pointee(lifter, c) for c in arguments[:2]))
        to, source = lifter.retyped(to, element), lifter.retyped(source, element)
        build = Build(lifter, loc)
        count = build.binary("quot", size, element.size)
        if held:
            _move(lifter, call, to, source, size, element)
            return to

        def one(i: ir.Expr) -> None:
            value = lifter.load(lifter.dereference(lifter.moved(source, i), element), loc)
            lifter.assign(lifter.dereference(lifter.moved(to, i), element), value, loc)

        _repeated(lifter, call, to, count, one)
        return to

    return handler


def _operands(lifter: Lifter, arguments: list[Cursor]) -> tuple[Pointer, Pointer, ir.Expr]:
    to, source, size = lifter.in_order(
        [
            lambda: lifter.pointer(arguments[0]),
            lambda: lifter.pointer(arguments[1]),
            lambda: lifter.scalar(arguments[2]),
        ]
    )
    assert isinstance(to, Pointer)
    assert isinstance(source, Pointer)
    assert isinstance(size, ir.Expr)
    return lifter.kept_pointer(to), lifter.kept_pointer(source), size


def _move(
    lifter: Lifter,
    call: Cursor,
    to: Pointer,
    source: Pointer,
    size: ir.Expr,
    element: ctypes.CType,
) -> None:
    if not isinstance(size, ir.Const) or int(size.value) > _MOVED:
        raise lifter.unsupported(
            call,
            f"memmove takes a constant size of at most {_MOVED} bytes here",
            "use memcpy if the two places do not overlap",
        )
    loc = lifter.loc(call)
    loaded: list[tuple[int, ctypes.Leaf, ir.Expr]] = []
    for i in range(int(size.value) // element.size):
        place = lifter.dereference(lifter.moved(source, ir.Const(i, int32)), element)
        for leaf in ctypes.leaves(element):
            value = lifter.load(lifter.leaf(place, leaf), loc)
            if not isinstance(value, ir.Expr):
                raise lifter.unsupported(call, "pointers in memory are moved")
            loaded.append((i, leaf, lifter.spill(value, "v", loc)))
    for i, leaf, value in loaded:
        place = lifter.dereference(lifter.moved(to, ir.Const(i, int32)), element)
        lifter.assign(lifter.leaf(place, leaf), value, loc)


def _fill(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    """memset: every element gets the byte's repetition as its bits."""
    loc = lifter.loc(call)
    build = Build(lifter, loc)
    to, byte, size = lifter.in_order(
        [
            lambda: lifter.pointer(arguments[0]),
            lambda: lifter.scalar(arguments[1]),
            lambda: lifter.scalar(arguments[2]),
        ]
    )
    assert isinstance(to, Pointer)
    assert isinstance(byte, ir.Expr)
    assert isinstance(size, ir.Expr)
    pointee = _pointee(lifter, arguments[0])
    scalar = ctypes.scalar_in(pointee) or UNSIGNED[8 * math.gcd(8, ctypes.unit_of(pointee))]
    element = _element(lifter, size, ctypes.Scalar(scalar))
    assert isinstance(element, ctypes.Scalar)
    to = lifter.kept_pointer(lifter.retyped(to, element))
    value = lifter.spill(_pattern(build, byte, element.dtype), "fill", loc)

    def one(i: ir.Expr) -> None:
        lifter.assign(lifter.dereference(lifter.moved(to, i), element), value, loc)

    _repeated(lifter, call, to, build.binary("quot", size, element.size), one)
    return to


def _pattern(build: Build, byte: ir.Expr, dtype: DType) -> ir.Expr:
    word = UNSIGNED[dtype.bits]
    if isinstance(byte, ir.Const) and not int(byte.value) & 0xFF:
        return build.const(0, dtype)
    low = build.binary("and", build.cast(byte, word), 0xFF)
    return build.bits(build.mul(low, int("01" * dtype.itemsize, 16)), dtype)


# ------------------------------------------------------------------------------------- addresses


def _in_space(space: ir.Space | None) -> Handler:
    """__isGlobal and its kin."""

    def handler(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
        pointer = lifter.pointer(arguments[0])
        build = Build(lifter, lifter.loc(call))
        holds = [
            (t.space if isinstance(t, Root) else "local") == space and t is not None
            for t in pointer.targets
        ]
        result = result_dtype(lifter, call)
        if pointer.tag is None or len(set(holds)) == 1:
            return build.const(int(holds[0]), result)
        found: ir.Expr = build.const(False, bool_)
        for number, hold in enumerate(holds):
            if hold:
                found = build.either(found, build.compare("eq", pointer.tag, number))
        return build.cast(found, result)

    return handler


MEMORY: dict[str, Handler] = {
    **{f"__ld{hint}": _hinted_load for hint in ("g", "ca", "cg", "cs", "cv", "lu")},
    **{f"__st{hint}": _hinted_store for hint in ("cg", "cs", "wb", "wt")},
    **{name: _copy(False) for name in ("memcpy", "__builtin_memcpy")},
    **{name: _copy(True) for name in ("memmove", "__builtin_memmove")},
    **dict.fromkeys(("memset", "__builtin_memset"), _fill),
    "__isGlobal": _in_space("global"),
    "__isShared": _in_space("shared"),
    "__isConstant": _in_space("const"),
    "__isLocal": _in_space("local"),
    "__isGridConstant": _in_space(None),
}
