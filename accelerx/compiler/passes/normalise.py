"""Rewrites that give the CPU code generator fewer forms to know: each keeps a kernel's meaning.

* ``block_dim`` becomes constants, coordinates along axes of extent 1 become 0;
* ``if c: return`` followed by barrier-free code becomes ``if not c: ...``;
* a For's stop and step are expressions that its body cannot change;
* a barrier's result is a local of its own, copied to the user's local after it;
* every array has one axis: an index is one i64 (i32 for on-chip arrays) element offset.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.ir import Const, Expr, Kernel, Mem, Stmt
from accelerx.compiler.passes import flow
from accelerx.compiler.passes.fold import fold

_OPPOSITE: dict[ir.CompareOp, ir.CompareOp] = {
    "eq": "ne",
    "ne": "eq",
    "lt": "ge",
    "ge": "lt",
    "le": "gt",
    "gt": "le",
}


def normalise(kernel: Kernel, block: tuple[int, int, int]) -> Kernel:
    """``kernel`` specialised on a block shape, in the forms listed above."""
    kernel = replace(kernel.with_body(kernel.body), block=block)
    kernel.body = _map_expressions(kernel.body, lambda e: _specialise(e, block))
    kernel.body = _guards(kernel.body)
    kernel.body = _canonical(kernel, kernel.body)
    return _flatten(kernel)


def negate(e: Expr) -> Expr:
    """The opposite of a bool expression, without a ``not`` where that is exact."""
    match e:
        case ir.Compare() if not e.left.type.is_float:
            return ir.Compare(_OPPOSITE[e.op], e.left, e.right, e.loc)
        case ir.Logical("and" | "or"):
            op: ir.CompareOp | str = "or" if e.op == "and" else "and"
            return ir.Logical(op, negate(e.left), negate(e.right), e.loc)  # type: ignore[arg-type]
        case ir.Unary("not"):
            return e.operand
        case _:
            return fold(ir.Unary("not", e, dtypes.bool_, e.loc))


def _map_expressions(body: Sequence[Stmt], f: Callable[[Expr], Expr]) -> list[Stmt]:
    return [
        ir.map_blocks(ir.map_expressions(s, f), lambda block: _map_expressions(block, f))
        for s in body
    ]


def _specialise(e: Expr, block: tuple[int, int, int]) -> Expr:
    if isinstance(e, ir.Special):
        if e.kind == "block_dim":
            return Const(block[e.axis], dtypes.int32, e.loc)
        if e.kind == "thread" and block[e.axis] == 1:
            return Const(0, dtypes.int32, e.loc)
        return e
    return ir.map_operands(e, lambda x: _specialise(x, block))


# ------------------------------------------------------------------------------------ early return


def _guards(body: Sequence[Stmt]) -> list[Stmt]:
    """Rewrites early returns in a list after which the thread ends."""
    out: list[Stmt] = []
    for i, s in enumerate(body):
        rest = body[i + 1 :]
        match s:
            case ir.If(condition, [ir.Return()], []) if rest and not flow.has_block_barrier(rest):
                return [*out, ir.If(negate(condition), _guards(rest), [], s.loc)]
            case ir.If() if not rest:
                out.append(replace(s, then=_guards(s.then), orelse=_guards(s.orelse)))
            case ir.Return() if not rest:
                pass
            case _:
                out.append(s)
    return out


# ------------------------------------------------------------------------- canonical for, barriers


def _canonical(kernel: Kernel, body: Sequence[Stmt]) -> list[Stmt]:
    out: list[Stmt] = []
    for s in body:
        s = ir.map_blocks(s, lambda block: _canonical(kernel, block))
        match s:
            case ir.For():
                changed = {s.target, *(t for x in ir.statements(s.body) if (t := ir.target(x)))}
                stop = _stable(kernel, s, s.stop, changed, out)
                step = _stable(kernel, s, s.step, changed, out)
                out.append(replace(s, stop=stop, step=step))
            case ir.Barrier(result=str(result)):
                seen = kernel.fresh("barrier", dtypes.int32)
                out += [
                    replace(s, result=seen),
                    ir.Assign(result, ir.Local(seen, dtypes.int32), s.loc),
                ]
            case _:
                out.append(s)
    return out


def _stable(kernel: Kernel, s: ir.For, e: Expr, changed: set[str], out: list[Stmt]) -> Expr:
    """``e``, or a new local that holds its value at the loop's start if the body may change it."""
    for x in ir.walk(e):
        if isinstance(x, ir.Load) or (isinstance(x, ir.Local) and x.name in changed):
            name = kernel.fresh(f"{s.target}.bound", e.type)
            out.append(ir.Assign(name, e, s.loc))
            return ir.Local(name, e.type, e.loc)
    return e


# ------------------------------------------------------------------------------------------ arrays


def _flatten(kernel: Kernel) -> Kernel:
    body = _map_expressions(kernel.body, lambda e: _flatten_loads(kernel, e))
    kernel.body = _flatten_statements(kernel, body)
    kernel.mems = {name: _flat_mem(mem) for name, mem in kernel.mems.items()}
    return kernel


def _flat_mem(mem: Mem) -> Mem:
    return replace(mem, shape=(mem.size,), strides=(1,))


def _flatten_loads(kernel: Kernel, e: Expr) -> Expr:
    e = ir.map_operands(e, lambda x: _flatten_loads(kernel, x))
    if isinstance(e, ir.Load):
        return replace(e, indices=(_offset(kernel.mems[e.mem], e.indices),))
    return e


def _flatten_statements(kernel: Kernel, body: Sequence[Stmt]) -> list[Stmt]:
    out: list[Stmt] = []
    for s in body:
        if isinstance(s, ir.Store | ir.Atomic):
            s = replace(s, indices=(_offset(kernel.mems[s.mem], s.indices),))
        out.append(ir.map_blocks(s, lambda block: _flatten_statements(kernel, block)))
    return out


def _offset(mem: Mem, indices: Sequence[Expr]) -> Expr:
    """The element offset; on-chip arrays are small, so their offsets fit 32 bits."""
    dtype = dtypes.int64 if mem.space == "global" else dtypes.int32
    if len(indices) == 1 and mem.strides == (1,) and indices[0].type.is_signed:
        return indices[0]
    total: Expr | None = None
    for index, stride in zip(indices, mem.strides, strict=True):
        term = _scaled(index, stride, dtype)
        total = term if total is None else ir.Binary("add", total, term, dtype, True, index.loc)
    assert total is not None, f"{mem.name} is accessed without an index"
    return fold(total)


def _scaled(index: Expr, stride: int | Expr, dtype: dtypes.DType) -> Expr:
    wide = fold(ir.Cast(index, dtype, index.loc))
    by = Const(stride, dtype) if isinstance(stride, int) else fold(ir.Cast(stride, dtype))
    return fold(ir.Binary("mul", wide, by, dtype, True, index.loc))
