"""Checks that a kernel obeys KIR's rules; every front end and pass must hand on one that does.

A kernel that breaks a rule is a bug of ours, never the user's: the error names the rule, the node
and the place, so that the pass at fault is found where it erred and not three passes later.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc, render
from accelerx.compiler.intrinsics import ATOMICS, INTRINSICS, WARP_OPS
from accelerx.compiler.printer import head, print_expr
from accelerx.dtypes import DType

_INTEGER_ONLY = frozenset({"quot", "floordiv", "and", "or", "xor", "shl", "shr"})
_BINARY_OPS = frozenset({"add", "sub", "mul", "div", "rem", "mod", "min", "max"}) | _INTEGER_ONLY
_COMPARE_OPS = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})
_LOGICAL_OPS = frozenset({"and", "or", "xor"})
_SPECIALS = frozenset({"thread", "block", "block_dim", "grid_dim", "lane", "warp"})
_COMBINING = frozenset({"count", "and", "or"})
_PACK = {"float16": "<e", "float32": "<f", "float64": "<d"}


class VerifyError(AssertionError):
    """A kernel breaks a rule of KIR.

    Attributes:
        rule: The rule, in a few words.
    """

    def __init__(self, message: str, rule: str) -> None:
        super().__init__(message)
        self.rule = rule


def verify(
    kernel: ir.Kernel, *, shared_limit: int | None = None, constant_bounds: bool = True
) -> None:
    """Checks every rule of KIR.

    Args:
        kernel: What to check.
        shared_limit: Bytes of static shared memory the target has, if that is to be checked.
        constant_bounds: Whether a constant index must lie inside a static extent. A pass that
            unrolls loops may leave such an index in code that never runs.

    Raises:
        VerifyError: at the first broken rule.
    """
    _Verifier(kernel, constant_bounds).run(shared_limit)


def representable(value: object, dtype: DType) -> bool:
    """Whether a Python value is exactly a value of ``dtype``, of the Python type KIR wants."""
    if dtype.is_bool:
        return isinstance(value, bool)
    if dtype.is_float:
        return isinstance(value, float) and _float_fits(value, dtype)
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    low = -(1 << (dtype.bits - 1)) if dtype.is_signed else 0
    return low <= value < low + (1 << dtype.bits)


def _float_fits(value: float, dtype: DType) -> bool:
    if not math.isfinite(value) or dtype is dtypes.float64:
        return True
    try:
        packed = struct.pack(_PACK.get(dtype.name, "<f"), value)
    except OverflowError:
        return False
    if dtype is dtypes.bfloat16:
        packed = b"\0\0" + packed[2:]
    return bool(struct.unpack(_PACK.get(dtype.name, "<f"), packed)[0] == value)


class _Verifier:
    def __init__(self, kernel: ir.Kernel, constant_bounds: bool) -> None:
        self.kernel = kernel
        self.constant_bounds = constant_bounds
        self.params = {p.name: p for p in kernel.params}
        self.where: Loc | None = kernel.loc
        self.statement: ir.Stmt | None = None
        self.loops = 0  # loops around the statement, inside which break and continue are legal
        self.labels: list[str] = []
        self.counters: set[str] = set()
        self.assigned: set[str] = set()
        self.read: dict[str, tuple[Loc | None, ir.Stmt | None]] = {}

    def run(self, shared_limit: int | None) -> None:
        k = self.kernel
        self._params()
        for name, mem in k.mems.items():
            self._mem(name, mem)
        if k.block is not None:
            good = len(k.block) == 3 and all(isinstance(n, int) and n > 0 for n in k.block)
            self.need(good, "block shape", f"block is {k.block}, not three positive integers")
        if shared_limit is not None:
            used = k.static_shared_bytes
            message = f"static shared arrays take {used} bytes, the target has {shared_limit}"
            self.need(used <= shared_limit, "shared memory limit", message)
        self._list(k.body)
        for name, (loc, statement) in self.read.items():
            if name not in self.assigned:
                self.where, self.statement = loc, statement
                self.fail("locals are assigned", f"local {name} is read but never assigned")

    # ---- reporting

    def fail(self, rule: str, message: str, loc: Loc | None = None) -> NoReturn:
        context = "" if self.statement is None else f" in '{_safe_head(self.statement)}'"
        text = f"kernel {self.kernel.name} breaks a rule of KIR ({rule}): {message}{context}"
        raise VerifyError(render(loc or self.where, text, severity="internal error"), rule)

    def need(self, condition: bool, rule: str, message: str, loc: Loc | None = None) -> None:
        if not condition:
            self.fail(rule, message, loc)

    def same(self, actual: DType, wanted: DType, what: str, loc: Loc | None = None) -> None:
        if actual is not wanted:
            self.fail("types match", f"{what} is {actual!r}, must be {wanted!r}", loc)

    # ---- declarations

    def _params(self) -> None:
        self.need(len(self.params) == len(self.kernel.params), "names", "two parameters share one")
        for p in self.kernel.params:
            if p.kind not in ("buffer", "scalar"):
                self.same(p.dtype, dtypes.int64, f"{p.kind} parameter {p.name}")

    def _mem(self, name: str, m: ir.Mem) -> None:
        self.where = m.loc or self.kernel.loc
        self.need(m.name == name, "names", f"mem {m.name} is filed under {name}")
        count = f"{name} has {len(m.shape)} extents and {len(m.strides)} strides"
        self.need(len(m.shape) == len(m.strides) > 0, "mem axes", count)
        known = m.space in ("global", "shared", "local", "const")
        self.need(known, "mem space", f"{name} lies in {m.space!r}")
        if m.of is not None:
            self._view(m, m.of)
        elif m.space == "global":
            p = self.params.get(name)
            if p is None or p.kind != "buffer":
                self.fail("global mems", f"{name} is global but no buffer parameter has its name")
            self.same(m.dtype, p.dtype, f"mem {name}")
        for axis, extent in enumerate(m.shape):
            self._extent(m, axis, extent)
        for stride in m.strides:
            if not isinstance(stride, int):
                self._launch_constant(m, stride)
        self.need(m.of is not None or m.unit is None, "views", f"{name} is no view but has a unit")
        self._mem_data(m)

    def _view(self, m: ir.Mem, of: str) -> None:
        root = self.kernel.mems.get(of)
        if root is None:
            self.fail("views", f"{m.name} is a view of {of}, which is not declared")
        self.need(root.of is None, "views", f"{m.name} is a view of {of}, itself a view")
        self.need(m.space in ("global", "shared"), "views", f"{m.name} is a view in {m.space}")
        places = f"{m.name} lies in {m.space}, its root {of} in {root.space}"
        self.need(m.space == root.space, "views", places)
        axes = f"{m.name} is a view with strides {m.strides}: it must have one axis of stride 1"
        self.need(m.strides == (1,), "views", axes)
        size, unit = m.dtype.itemsize, m.step
        steps = f"{m.name} has {size}-byte elements at steps of {unit} bytes"
        self.need(unit >= 1 and (size % unit == 0 or unit % size == 0), "views", steps)

    def _extent(self, m: ir.Mem, axis: int, extent: int | ir.Expr | None) -> None:
        if extent is None:
            first = m.space == "shared" and axis == 0
            legal = first or (m.space == "global" and len(m.shape) == 1)
            self.need(legal, "mem extents", f"extent {axis} of {m.space} mem {m.name} is unknown")
        elif isinstance(extent, int):
            self.need(extent >= 0, "mem extents", f"extent {axis} of {m.name} is {extent}")
        else:
            message = f"extent {axis} of {m.space} mem {m.name} is not a constant"
            self.need(m.space == "global", "mem extents", message)
            self._launch_constant(m, extent)

    def _launch_constant(self, m: ir.Mem, e: ir.Expr) -> None:
        self.same(e.type, dtypes.int64, f"extent or stride '{print_expr(e)}' of {m.name}")
        for x in ir.walk(e):
            legal = not isinstance(x, (ir.Local, ir.Load, ir.Special))
            message = f"'{print_expr(e)}' of {m.name} is not an expression of parameters"
            self.need(legal, "mem extents", message)
        self.expr(e)

    def _mem_data(self, m: ir.Mem) -> None:
        if m.space != "const":
            self.need(m.data is None, "mem data", f"{m.space} mem {m.name} has initial values")
            return
        if m.data is None or len(m.data) != m.size:
            count = "no" if m.data is None else len(m.data)
            self.fail("mem data", f"const mem {m.name} of size {m.size} has {count} values")
        for value in m.data:
            message = f"{value!r} in const mem {m.name} is not a value of {m.dtype!r}"
            self.need(representable(value, m.dtype), "constants", message)

    # ---- expressions

    def expr(self, e: ir.Expr) -> DType:
        """Checks a tree and returns its type."""
        check = _EXPR.get(type(e))
        if check is None:
            self.fail("node classes", f"{type(e).__name__} is not an expression")
        check(self, e)
        return e.type

    def const(self, e: ir.Const) -> None:
        if not representable(e.value, e.type):
            self.fail("constants", f"{e.value!r} is not a value of {e.type!r}", e.loc)

    def local(self, e: ir.Local) -> None:
        declared = self.kernel.locals.get(e.name)
        if declared is None:
            self.fail("locals are declared", f"local {e.name} is not declared", e.loc)
        if e.type is not declared:
            self.same(e.type, declared, f"read of local {e.name}", e.loc)
        if e.name not in self.read:
            self.read[e.name] = (e.loc or self.where, self.statement)

    def param(self, e: ir.ParamRef) -> None:
        p = self.params.get(e.name)
        if p is None or p.kind == "buffer":
            self.fail("parameters exist", f"no scalar, extent or stride parameter {e.name}", e.loc)
        self.same(e.type, p.dtype, f"read of parameter {e.name}", e.loc)

    def special(self, e: ir.Special) -> None:
        legal = e.kind in _SPECIALS and e.axis in (0, 1, 2)
        self.need(legal, "specials", f"no special {e.kind}, axis {e.axis}", e.loc)

    def binary(self, e: ir.Binary) -> None:
        t = e.type
        if self.expr(e.left) is not t:
            self.same(e.left.type, t, f"left operand of {e.op}", e.loc)
        if self.expr(e.right) is not t:
            self.same(e.right.type, t, f"right operand of {e.op}", e.loc)
        if e.op not in _BINARY_OPS:
            self.fail("operators", f"no binary operator {e.op!r}", e.loc)
        if (
            t.is_bool
            or (t.is_float and e.op in _INTEGER_ONLY)
            or (e.op == "div" and not t.is_float)
        ):
            self.fail("operator domains", f"{e.op} is not defined on {t!r}", e.loc)
        if e.nowrap and not t.is_signed:
            self.fail("nowrap", f"nowrap on {t!r}: only a signed operation may have it", e.loc)

    def unary(self, e: ir.Unary) -> None:
        t = self.expr(e.operand)
        self.same(t, e.type, f"operand of {e.op}", e.loc)
        if e.op == "not":
            self.same(t, dtypes.bool_, "operand of not", e.loc)
        elif e.op == "invert":
            self.need(t.is_integer, "operator domains", f"invert is not defined on {t!r}", e.loc)
        else:
            self.need(e.op == "neg", "operators", f"no unary operator {e.op!r}", e.loc)
            self.need(not t.is_bool, "operator domains", "neg is not defined on b", e.loc)

    def compare(self, e: ir.Compare) -> None:
        t = self.expr(e.left)
        self.same(self.expr(e.right), t, f"right operand of {e.op} (as its left)", e.loc)
        self.need(e.op in _COMPARE_OPS, "operators", f"no comparison {e.op!r}", e.loc)
        if t.is_bool and e.op not in ("eq", "ne"):
            self.fail("operator domains", f"{e.op} is not defined on b", e.loc)

    def logical(self, e: ir.Logical) -> None:
        self.same(self.expr(e.left), dtypes.bool_, f"left operand of {e.op}", e.loc)
        self.same(self.expr(e.right), dtypes.bool_, f"right operand of {e.op}", e.loc)
        self.need(e.op in _LOGICAL_OPS, "operators", f"no connective {e.op!r}", e.loc)

    def select(self, e: ir.Select) -> None:
        self.same(self.expr(e.condition), dtypes.bool_, "condition of select", e.loc)
        self.same(self.expr(e.if_true), e.type, "first value of select", e.loc)
        self.same(self.expr(e.if_false), e.type, "second value of select", e.loc)

    def cast(self, e: ir.Cast) -> None:
        self.expr(e.operand)

    def bitcast(self, e: ir.Bitcast) -> None:
        t = self.expr(e.operand)
        legal = t.bits == e.type.bits and not t.is_bool and not e.type.is_bool
        self.need(legal, "bitcast widths", f"bitcast from {t!r} to {e.type!r}", e.loc)

    def call(self, e: ir.Call) -> None:
        row = INTRINSICS.get(e.function)
        if row is None:
            self.fail("intrinsics", f"no intrinsic {e.function!r}", e.loc)
        count = f"{e.function} takes {row.arity} arguments, has {len(e.arguments)}"
        self.need(len(e.arguments) == row.arity, "intrinsics", count, e.loc)
        t = self.expr(e.arguments[0])
        legal = not t.is_bool and (row.domain == "number" or t.is_float == (row.domain == "float"))
        self.need(legal, "operator domains", f"{e.function} is not defined on {t!r}", e.loc)
        for n, argument in enumerate(e.arguments[1:], 2):
            wanted = dtypes.int32 if e.function == "ldexp" else t
            self.same(self.expr(argument), wanted, f"argument {n} of {e.function}", e.loc)
        self.same(e.type, row.result_type(t), f"value of {e.function}", e.loc)

    def load(self, e: ir.Load) -> None:
        m = self.element(e.mem, e.indices, e.loc)
        self.same(e.type, m.dtype, f"load of {e.mem}", e.loc)

    def element(self, name: str, indices: Sequence[ir.Expr], loc: Loc | None) -> ir.Mem:
        """Checks an access to one element and returns its mem."""
        m = self.kernel.mems.get(name)
        if m is None:
            self.fail("mems are declared", f"mem {name} is not declared", loc)
        if len(indices) != len(m.shape):
            self.fail("indices", f"{name} has {len(m.shape)} axes, got {len(indices)} indices", loc)
        for i, extent in zip(indices, m.shape, strict=True):
            if not self.expr(i).is_integer:
                self.fail("indices", f"index '{print_expr(i)}' of {name} is {i.type!r}", loc)
            if self.constant_bounds and isinstance(i, ir.Const) and isinstance(extent, int):
                message = f"constant index {i.value} of {name} is outside its extent {extent}"
                inside = 0 <= i.value < extent - m.overhang
                self.need(inside, "constant indices", message, loc)
        return m

    # ---- statements

    def _list(self, body: Sequence[ir.Stmt]) -> None:
        for s in body:
            check = _STMT.get(type(s))
            self.statement, self.where = s, s.loc or self.kernel.loc
            if check is None:
                self.fail("node classes", f"{type(s).__name__} is not a statement")
            check(self, s)

    def _condition(self, e: ir.Expr, what: str) -> None:
        t = self.expr(e)
        if not t.is_bool:
            self.same(t, dtypes.bool_, what)

    def _result(self, name: str | None, dtype: DType) -> None:
        """Checks that a statement may leave a value of ``dtype`` in local ``name``."""
        if name is None:
            return
        declared = self.kernel.locals.get(name)
        if declared is None:
            self.fail("locals are declared", f"local {name} is not declared")
        if declared is not dtype:
            self.same(dtype, declared, f"value for local {name}")
        if name in self.counters:
            self.fail("for targets", f"{name} is assigned inside the for loop that counts with it")
        self.assigned.add(name)

    def assign(self, s: ir.Assign) -> None:
        self._result(s.target, self.expr(s.value))

    def store(self, s: ir.Store) -> None:
        m = self.element(s.mem, s.indices, s.loc)
        self._writable(m)
        self.same(self.expr(s.value), m.dtype, f"value stored to {s.mem}")

    def _writable(self, m: ir.Mem) -> None:
        self.need(m.space != "const", "writes", f"write to const mem {m.name}")
        if m.space == "global" and not self.params[m.storage].written:
            self.fail("writes", f"write to buffer {m.storage}, whose parameter is not 'written'")

    def if_(self, s: ir.If) -> None:
        self._condition(s.condition, "condition of if")
        self._list(s.then)
        self._list(s.orelse)

    def for_(self, s: ir.For) -> None:
        t = self.kernel.locals.get(s.target)
        if t is None:
            self.fail("locals are declared", f"local {s.target} is not declared")
        self.need(t.is_integer, "for targets", f"for counts with {s.target}, a {t!r}")
        for what, e in (("start", s.start), ("stop", s.stop), ("step", s.step)):
            self.same(self.expr(e), t, f"{what} of for")
        if isinstance(s.step, ir.Const):
            self.need(s.step.value != 0, "for steps", "step of for is 0")
        self._result(s.target, t)
        self.counters.add(s.target)
        self._loop(s.body)
        self.counters.remove(s.target)

    def while_(self, s: ir.While) -> None:
        self._condition(s.condition, "condition of while")
        self._loop(s.body)
        # ``post`` is the loop's own continuation: break or continue have no meaning there.
        loops, self.loops = self.loops, 0
        self._list(s.post)
        self.loops = loops

    def _loop(self, body: Sequence[ir.Stmt]) -> None:
        self.loops += 1
        self._list(body)
        self.loops -= 1

    def jump(self, s: ir.Break | ir.Continue) -> None:
        self.need(self.loops > 0, "jumps", f"{head(s)} outside of a loop's body")

    def leaf(self, s: ir.Return) -> None:
        """A statement without anything to check."""

    def scope(self, s: ir.Scope) -> None:
        self.need(s.label not in self.labels, "labels", f"scope {s.label} inside its own name")
        self.labels.append(s.label)
        self._list(s.body)
        self.labels.pop()

    def exit(self, s: ir.Exit) -> None:
        self.need(s.label in self.labels, "labels", f"no scope {s.label} encloses its exit")

    def barrier(self, s: ir.Barrier) -> None:
        combines = s.kind in _COMBINING
        known = combines or s.kind in ("sync", "warp", "grid")
        self.need(known, "barriers", f"no barrier kind {s.kind!r}")
        if combines != (s.predicate is not None):
            state = "needs a" if combines else "takes no"
            self.fail("barriers", f"barrier {s.kind} {state} predicate")
        if s.predicate is not None:
            self._condition(s.predicate, "predicate of barrier")
        elif s.result is not None:
            self.fail("barriers", f"barrier {s.kind} has no result")
        self._result(s.result, dtypes.int32)

    def fence(self, s: ir.Fence) -> None:
        legal = s.scope in ("block", "device", "system")
        self.need(legal, "fences", f"no fence scope {s.scope!r}")

    def atomic(self, s: ir.Atomic) -> None:
        row = ATOMICS.get(s.op)
        if row is None:
            self.fail("atomics", f"no atomic {s.op!r}")
        m = self.element(s.mem, s.indices, s.loc)
        self._writable(m)
        t = m.dtype
        self.need(m.space != "local", "atomics", f"atomic on local mem {s.mem}")
        legal = not t.is_bool and (
            row.domain in ("number", "any")
            or (row.domain == "int" and t.is_integer)
            or (row.domain == "uint" and t.kind == "uint")
        )
        self.need(legal, "operator domains", f"atomic {s.op} is not defined on {t!r}")
        self.same(self.expr(s.value), t, f"operand of atomic {s.op}")
        if (s.op == "cas") != (s.compare is not None):
            state = "needs" if s.op == "cas" else "takes no"
            self.fail("atomics", f"atomic {s.op} {state} compare")
        if s.compare is not None:
            self.same(self.expr(s.compare), t, "compare of atomic cas")
        self._result(s.result, t)

    def warp(self, s: ir.Warp) -> None:
        row = WARP_OPS.get(s.op)
        if row is None:
            self.fail("warp operations", f"no warp operation {s.op!r}")
        count = f"{s.op} takes {row.arity} arguments, has {len(s.arguments)}"
        self.need(len(s.arguments) == row.arity, "warp operations", count)
        types = [self.expr(a) for a in s.arguments]
        if s.op in ("ballot", "any", "all", "uni"):
            self.same(types[0], dtypes.bool_, f"predicate of {s.op}")
        elif s.op.startswith("reduce"):
            legal = types[0].is_integer
            self.need(legal, "operator domains", f"{s.op} is not defined on {types[0]!r}")
        for e in (*s.arguments[1:], *(x for x in (s.width, s.mask) if x is not None)):
            t = self.expr(e)
            legal = t.is_integer and t.bits == 32
            self.need(legal, "warp operations", f"'{print_expr(e)}' is {t!r}, must be i32 or u32")
        if s.width is not None:
            self.need(s.op.startswith("shfl"), "warp operations", f"{s.op} takes no width")
        result = {"same": types[0] if types else dtypes.uint32, "bool": dtypes.bool_}
        self._result(s.result, result.get(row.result, dtypes.uint32))

    def clock(self, s: ir.Clock) -> None:
        self.need(s.kind in ("cycles", "nanoseconds"), "clocks", f"no clock {s.kind!r}")
        self._result(s.result, dtypes.int64)

    def print_(self, s: ir.Print) -> None:
        for part in s.parts:
            if not isinstance(part, str):
                self.expr(part)
            elif s.format is not None:
                self.fail("prints", f"a print with a format has the text part {part!r}")

    def assert_(self, s: ir.Assert) -> None:
        self._condition(s.condition, "condition of assert")
        for value in s.values:
            t = self.expr(value)
            self.need(not t.is_bool, "asserts", f"shown value '{print_expr(value)}' is a bool")


def _safe_head(s: ir.Stmt) -> str:
    """The statement's first line, or its class if it is too broken to be printed."""
    try:
        return head(s)
    except (LookupError, AttributeError, TypeError):
        return type(s).__name__


_EXPR: dict[type, Callable[[_Verifier, Any], None]] = {
    ir.Const: _Verifier.const,
    ir.Local: _Verifier.local,
    ir.ParamRef: _Verifier.param,
    ir.Special: _Verifier.special,
    ir.Binary: _Verifier.binary,
    ir.Unary: _Verifier.unary,
    ir.Compare: _Verifier.compare,
    ir.Logical: _Verifier.logical,
    ir.Select: _Verifier.select,
    ir.Cast: _Verifier.cast,
    ir.Bitcast: _Verifier.bitcast,
    ir.Call: _Verifier.call,
    ir.Load: _Verifier.load,
}

_STMT: dict[type, Callable[[_Verifier, Any], None]] = {
    ir.Assign: _Verifier.assign,
    ir.Store: _Verifier.store,
    ir.If: _Verifier.if_,
    ir.For: _Verifier.for_,
    ir.While: _Verifier.while_,
    ir.Break: _Verifier.jump,
    ir.Continue: _Verifier.jump,
    ir.Return: _Verifier.leaf,
    ir.Scope: _Verifier.scope,
    ir.Exit: _Verifier.exit,
    ir.Barrier: _Verifier.barrier,
    ir.Fence: _Verifier.fence,
    ir.Atomic: _Verifier.atomic,
    ir.Warp: _Verifier.warp,
    ir.Clock: _Verifier.clock,
    ir.Print: _Verifier.print_,
    ir.Assert: _Verifier.assert_,
}
