"""Writes a tile program as text: one statement a line, for people, tests and bug reports.

Scalar statements look as in ``accelerx.compiler.printer``. Vector statements look like assignments to
slices: ``y[i..] = fma(x[0..], $a, y[i..])  # 256 lanes``. Names of masks are followed by ``?``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from accelerx.compiler import ir
from accelerx.compiler.printer import head as scalar_head
from accelerx.compiler.printer import print_expr
from accelerx.compiler.tile import ir as tile

_COMPARE = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_MASK = {"and": "and", "or": "or", "xor": "xor", "andnot": "and not"}


def print_program(program: tile.Program, *, places: bool = False) -> str:
    """The program as text.

    Args:
        program: What to print.
        places: Whether to end statements with ``line:column`` of the user's source.
    """
    flags = ", cooperative" if program.cooperative else ""
    out = [
        f"program {program.kernel.name}: tiles of {program.blocks} blocks "
        f"of {program.threads} threads{flags}"
    ]
    out += [f"  {_tensor(t)}" for t in program.tensors.values()]
    out += [f"  scalar {name}: {dtype.short}" for name, dtype in program.scalars.items()]
    out.append("do")
    _list(program.body, 1, out, places)
    return "\n".join(out) + "\n"


def head(s: tile.Stmt) -> str:
    """The first line of a statement, for messages."""
    vector = _HEAD.get(type(s))
    return scalar_head(s) if vector is None else vector(s)  # type: ignore[arg-type]


# -------------------------------------------------------------------------------- declarations


def _tensor(t: tile.Tensor) -> str:
    kind = f"mask {t.name}?" if t.mask else f"tensor {t.name}"
    text = f"{kind}: {'' if t.mask else t.dtype.short}[{t.size}] {t.role}"
    if t.shown and t.shown != t.name:
        text += f" of {t.shown}"
    if t.phase:
        text += f" phase {t.phase}"
    if t.copies != 1:
        text += f" x{t.copies}"
    return text if t.address is None else f"{text} at {t.address}"


# ------------------------------------------------------------------------------------ operands


def _slice(s: tile.Slice) -> str:
    text = f"{s.tensor}[{print_expr(s.start)}..]"
    return text if s.dtype is None else f"{s.dtype.short}.bits({text})"


def _operand(x: tile.Operand) -> str:
    return _slice(x) if isinstance(x, tile.Slice) else print_expr(x)


def _call(name: str, operands: Sequence[tile.Operand]) -> str:
    return f"{name}({', '.join(map(_operand, operands))})"


def _lanes(count: ir.Expr) -> str:
    return f"  # {print_expr(count)} lanes"


def _global(s: tile.Load | tile.Store) -> str:
    return f"{s.mem}[{print_expr(s.start)}..]"


def _rows(s: tile.Load | tile.Store, inside: ir.Expr | None) -> str:
    if s.rows is None:
        return ""
    strides = (print_expr(x) if x is not None else "?" for x in (s.row_stride, inside))
    return f", {print_expr(s.rows)} rows {' to '.join(strides)} apart"


# ---------------------------------------------------------------------------------- statements


def _elementwise(s: tile.Elementwise) -> str:
    value = _operand(s.operands[0]) if s.op == "copy" else _call(s.op, s.operands)
    return f"{_slice(s.target)} = {value}{_lanes(s.count)}"


def _iota(s: tile.Iota) -> str:
    start, step = print_expr(s.start), print_expr(s.step)
    return f"{_slice(s.target)} = iota({start} by {step}){_lanes(s.count)}"


def _compare(s: tile.Compare) -> str:
    left, right = _operand(s.left), _operand(s.right)
    return f"{s.mask}? = {left} {_COMPARE[s.op]} {right}{_lanes(s.count)}"


def _mask_range(s: tile.MaskRange) -> str:
    start, stop = print_expr(s.start), print_expr(s.stop)
    return f"{s.mask}? = lanes {start} .. {stop}{_lanes(s.count)}"


def _mask_logic(s: tile.MaskLogic) -> str:
    names = [f"{name}?" for name in s.operands]
    text = names[0] if s.op == "copy" else f"not {names[0]}" if s.op == "not" else ""
    return f"{s.target}? = {text or f' {_MASK[s.op]} '.join(names)}{_lanes(s.count)}"


def _select(s: tile.Select) -> str:
    yes, no = _operand(s.if_true), _operand(s.if_false)
    return f"{_slice(s.target)} = select({s.mask}?, {yes}, {no}){_lanes(s.count)}"


def _store(s: tile.Store) -> str:
    how = "=" if s.atomic is None else f"= atomic {s.atomic}"
    rows = _rows(s, s.source_stride)
    return f"{_global(s)} {how} {_slice(s.source)}{_lanes(s.count)}{rows}"


def _contract(s: tile.Contract) -> str:
    left = f"{_slice(s.left)} by {s.left_stride}"
    right = f"{_slice(s.right)} by {s.right_stride}"
    shape = f"  # {s.m} x {s.n} x {s.k}"
    return f"{_slice(s.target)} by {s.target_stride} += {left} @ {right}{shape}"


def _lane_loop(s: tile.LaneLoop) -> str:
    mask = "" if s.mask is None else f" where {s.mask}?"
    return f"lanes {s.lane} in 0 .. {print_expr(s.count)}{mask}  # {s.reason}"


_HEAD: dict[type, Callable[[Any], str]] = {
    tile.Elementwise: _elementwise,
    tile.Fill: lambda s: f"{_slice(s.target)} = {print_expr(s.value)}{_lanes(s.count)}",
    tile.Iota: _iota,
    tile.Convert: lambda s: f"{_slice(s.target)} = convert({_slice(s.source)}){_lanes(s.count)}",
    tile.Compare: _compare,
    tile.MaskRange: _mask_range,
    tile.MaskLogic: _mask_logic,
    tile.FromMask: lambda s: f"{_slice(s.target)} = {s.mask}?{_lanes(s.count)}",
    tile.Select: _select,
    tile.Gather: lambda s: (
        f"{_slice(s.target)} = {_slice(s.table)}[{_slice(s.index)}]{_lanes(s.count)}"
    ),
    tile.Scatter: lambda s: (
        f"{_slice(s.table)}[{_slice(s.index)}] = {_slice(s.source)}{_lanes(s.count)}"
    ),
    tile.Reduce: lambda s: f"{s.result} = reduce {s.op} {_slice(s.source)}{_lanes(s.count)}",
    tile.CountMask: lambda s: f"{s.result} = count {s.mask}?{_lanes(s.count)}",
    tile.Load: lambda s: (
        f"{_slice(s.target)} = load {_global(s)}{_lanes(s.count)}{_rows(s, s.target_stride)}"
    ),
    tile.Store: _store,
    tile.Contract: _contract,
    tile.LaneLoop: _lane_loop,
    tile.GridSync: lambda s: "grid sync",
}


def _list(body: Sequence[tile.Stmt], depth: int, out: list[str], places: bool) -> None:
    for s in body:
        _stmt(s, depth, out, places)


def _stmt(s: tile.Stmt, depth: int, out: list[str], places: bool) -> None:
    pad = "  " * depth
    place = f"  @ {s.loc.line}:{s.loc.column}" if places and s.loc is not None else ""
    out.append(pad + head(s) + place)
    names = ("else",) if isinstance(s, ir.If) else ("post",)
    for n, block in enumerate(tile.blocks(s)):
        if n and block:
            out.append(pad + names[0])
        _list(block, depth + 1, out, places)
