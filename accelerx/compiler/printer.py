"""Writes a kernel as KIR text: canonical (equal text means equal meaning) and made to be read.

Types are written where they cannot be derived: on constants (``2i32``), casts (``f32(x)``) and
declarations. Parameters print as ``$n``, so that they never look like a local.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from accelerx.compiler import ir

# Binding strength of infix operators, loosest first; operands that bind less get parentheses.
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("or",),
    ("xor",),
    ("and",),
    ("==", "!=", "<", "<=", ">", ">="),
    ("|",),
    ("^",),
    ("&",),
    ("<<", ">>"),
    ("+", "-"),
    ("*", "/", "quot", "rem", "//", "mod"),
)
_LEVEL = {op: level for level, ops in enumerate(_LEVELS) for op in ops}
_PREFIX, _ATOM = len(_LEVELS), len(_LEVELS) + 1
_BINARY = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "quot": "quot", "rem": "rem",
    "floordiv": "//", "mod": "mod", "and": "&", "or": "|", "xor": "^", "shl": "<<", "shr": ">>",
}  # fmt: skip
_COMPARE = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_UNARY = {"neg": "-", "not": "not ", "invert": "~"}


def print_kernel(kernel: ir.Kernel, *, places: bool = False) -> str:
    """The kernel as text.

    Args:
        kernel: What to print.
        places: Whether to end statements with ``# line:column`` of the user's source.
    """
    out = [f"kernel {kernel.name}({', '.join(map(_param, kernel.params))})"]
    flags = [name for name in ("contract", "fastmath") if getattr(kernel, name)]
    if kernel.block is not None:
        flags.append("block " + "x".join(map(str, kernel.block)))
    if kernel.max_threads is not None:
        flags.append(f"max_threads {kernel.max_threads}")
    if flags:
        out.append("  with " + ", ".join(flags))
    out += [f"  mem {_mem(mem)}" for mem in kernel.mems.values()]
    out += [f"  local {name}: {dtype.short}" for name, dtype in kernel.locals.items()]
    out.append("do")
    _list(kernel.body, 1, out, places)
    return "\n".join(out) + "\n"


def print_expr(e: ir.Expr) -> str:
    """One expression as text."""
    return _EXPR[type(e)](e)[0]


def print_stmt(s: ir.Stmt) -> str:
    """One statement, with what is nested in it, as text."""
    out: list[str] = []
    _stmt(s, 0, out, False)
    return "\n".join(out)


def head(s: ir.Stmt) -> str:
    """The first line of a statement, for messages."""
    return _HEAD[type(s)](s)


# -------------------------------------------------------------------------------- declarations


def _param(p: ir.Param) -> str:
    if p.kind == "buffer":
        text = f"{p.name}: {p.dtype.short}*" + (" written" if p.written else "")
    elif p.kind == "scalar":
        text = f"{p.name}: {p.dtype.short}"
    else:
        text = f"{p.name}: {p.dtype.short} {p.kind} {p.axis}"
    return f"{text} of {p.argument}"


def _mem(m: ir.Mem) -> str:
    shape = ", ".join(map(_extent, m.shape))
    strides = ", ".join(map(_extent, m.strides))
    text = f"{m.name}: {m.dtype.short}[{shape}] {m.space}"
    if m.of is not None:
        return f"{text} view of {m.of} unit {m.step}"
    text += f" strides ({strides})"
    if m.data is not None:
        text += " = {" + ", ".join(map(_literal, m.data)) + "}"
    return text


def _extent(x: int | ir.Expr | None) -> str:
    return "?" if x is None else str(x) if isinstance(x, int) else print_expr(x)


# --------------------------------------------------------------------------------- expressions


def _literal(value: float | bool) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return "+nan." if math.isnan(value) else "+inf." if value > 0 else "-inf."
    return repr(value)


def _const(e: ir.Const) -> tuple[str, int]:
    if e.type.is_bool:
        return _literal(bool(e.value)), _ATOM
    text = _literal(e.value) + e.type.short
    return text, _PREFIX if text.startswith("-") else _ATOM


def _special(e: ir.Special) -> tuple[str, int]:
    return (e.kind if e.kind in ("lane", "warp") else f"{e.kind}.{'xyz'[e.axis]}"), _ATOM


def _infix(op: str, left: ir.Expr, right: ir.Expr, suffix: str = "") -> tuple[str, int]:
    level = _LEVEL[op]
    # Comparisons do not chain, so both their sides need to bind tighter.
    left_level = level + 1 if op in _LEVELS[3] else level
    return f"{_at(left, left_level)} {op}{suffix} {_at(right, level + 1)}", level


def _binary(e: ir.Binary) -> tuple[str, int]:
    if e.op in ("min", "max"):
        return f"{e.op}({print_expr(e.left)}, {print_expr(e.right)})", _ATOM
    return _infix(_BINARY[e.op], e.left, e.right, ".nowrap" if e.nowrap else "")


def _unary(e: ir.Unary) -> tuple[str, int]:
    return _UNARY[e.op] + _at(e.operand, _ATOM), _PREFIX


def _select(e: ir.Select) -> tuple[str, int]:
    parts = map(print_expr, (e.condition, e.if_true, e.if_false))
    return f"select({', '.join(parts)})", _ATOM


def _at(e: ir.Expr, level: int) -> str:
    text, own = _EXPR[type(e)](e)
    return text if own >= level else f"({text})"


def _element(mem: str, indices: Sequence[ir.Expr]) -> str:
    return f"{mem}[{', '.join(map(print_expr, indices))}]"


_EXPR: dict[type, Callable[[Any], tuple[str, int]]] = {
    ir.Const: _const,
    ir.Local: lambda e: (e.name, _ATOM),
    ir.ParamRef: lambda e: (f"${e.name}", _ATOM),
    ir.Special: _special,
    ir.Binary: _binary,
    ir.Unary: _unary,
    ir.Compare: lambda e: _infix(_COMPARE[e.op], e.left, e.right),
    ir.Logical: lambda e: _infix(e.op, e.left, e.right),
    ir.Select: _select,
    ir.Cast: lambda e: (f"{e.type.short}({print_expr(e.operand)})", _ATOM),
    ir.Bitcast: lambda e: (f"{e.type.short}.bits({print_expr(e.operand)})", _ATOM),
    ir.Call: lambda e: (f"{e.function}({', '.join(map(print_expr, e.arguments))})", _ATOM),
    ir.Load: lambda e: (_element(e.mem, e.indices), _ATOM),
}

# ---------------------------------------------------------------------------------- statements


def _into(result: str | None) -> str:
    return "" if result is None else f"{result} = "


def _barrier(s: ir.Barrier) -> str:
    predicate = "" if s.predicate is None else f" {print_expr(s.predicate)}"
    return f"{_into(s.result)}barrier {s.kind}{predicate}"


def _atomic(s: ir.Atomic) -> str:
    compare = "" if s.compare is None else f" if {print_expr(s.compare)}"
    element = _element(s.mem, s.indices)
    return f"{_into(s.result)}atomic {s.op} {element}, {print_expr(s.value)}{compare}"


def _warp(s: ir.Warp) -> str:
    text = f"{s.result} = warp {s.op}({', '.join(map(print_expr, s.arguments))})"
    if s.width is not None:
        text += f" width {print_expr(s.width)}"
    return text if s.mask is None else f"{text} mask {print_expr(s.mask)}"


def _clock(s: ir.Clock) -> str:
    return f"{s.result} = clock {s.kind}"


def _print(s: ir.Print) -> str:
    parts = [repr(p) if isinstance(p, str) else print_expr(p) for p in s.parts]
    return " ".join(["print" if s.format is None else f"print {s.format!r}:", ", ".join(parts)])


def _assert(s: ir.Assert) -> str:
    values = "".join(f", {print_expr(v)}" for v in s.values)
    kind = "" if s.kind == "assert" else f" {s.kind}"
    return f"assert{kind} {print_expr(s.condition)}: {s.message!r}{values}"


def _for(s: ir.For) -> str:
    start, stop, step = map(print_expr, (s.start, s.stop, s.step))
    return f"for {s.target} in {start} .. {stop} by {step}" + (" unroll" if s.unroll else "")


_HEAD: dict[type, Callable[[Any], str]] = {
    ir.Assign: lambda s: f"{s.target} = {print_expr(s.value)}",
    ir.Store: lambda s: f"{_element(s.mem, s.indices)} = {print_expr(s.value)}",
    ir.If: lambda s: f"if {print_expr(s.condition)}",
    ir.For: _for,
    ir.While: lambda s: f"while {print_expr(s.condition)}",
    ir.Break: lambda s: "break",
    ir.Continue: lambda s: "continue",
    ir.Return: lambda s: "return",
    ir.Scope: lambda s: f"scope {s.label}",
    ir.Exit: lambda s: f"exit {s.label}",
    ir.Barrier: _barrier,
    ir.Fence: lambda s: f"fence {s.scope}",
    ir.Atomic: _atomic,
    ir.Warp: _warp,
    ir.Clock: _clock,
    ir.Print: _print,
    ir.Assert: _assert,
}


def _list(body: Sequence[ir.Stmt], depth: int, out: list[str], places: bool) -> None:
    for s in body:
        _stmt(s, depth, out, places)


def _stmt(s: ir.Stmt, depth: int, out: list[str], places: bool) -> None:
    pad = "  " * depth
    line = pad + _HEAD[type(s)](s)
    if places and s.loc is not None:
        line += f"  # {s.loc.line}:{s.loc.column}"
    out.append(line)
    match s:
        case ir.If():
            _list(s.then, depth + 1, out, places)
            if s.orelse:
                out.append(pad + "else")
                _list(s.orelse, depth + 1, out, places)
        case ir.While():
            _list(s.body, depth + 1, out, places)
            if s.post:
                out.append(pad + "post")
                _list(s.post, depth + 1, out, places)
        case ir.For() | ir.Scope():
            _list(s.body, depth + 1, out, places)
        case _:
            pass
