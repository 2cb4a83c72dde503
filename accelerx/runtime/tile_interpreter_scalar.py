"""The tile interpreter's scalar expressions: KIR's, evaluated for the one thread that a core is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from accelerx.compiler import ir
from accelerx.runtime import interpreter_math as arithmetic
from accelerx.runtime.interpreter_intrinsics import intrinsic
from accelerx.runtime.interpreter_lanes import Dim3
from accelerx.runtime.interpreter_math import Value
from accelerx.runtime.interpreter_memory import Array
from accelerx.runtime.tile_interpreter_memory import ONE_LANE, Wrong


@dataclass(slots=True)
class Scalars:
    """Scalar variables of a core, and what its expressions see.

    Attributes:
        params: Values of the kernel's scalar, extent and stride parameters.
        arrays: Global and const arrays and tensors, by name.
        block: First block of the tile.
        shapes: The launch's grid and block, as ``grid_dim`` and ``block_dim``.
        locals: Values of the scalars that have one.
    """

    params: Mapping[str, Value]
    arrays: Mapping[str, Array]
    block: Dim3
    shapes: Mapping[str, Dim3]
    locals: dict[str, Value] = field(default_factory=dict)

    def eval(self, e: ir.Expr) -> Value:
        """Value of an expression, a NumPy scalar."""
        return _EXPR[type(e)](self, e)

    def array(self, name: str) -> Array:
        """The array or tensor of a name."""
        if name not in self.arrays:
            raise Wrong(f"{name} is no array that scalars access")
        return self.arrays[name]

    def local(self, e: ir.Local) -> Value:
        if e.name not in self.locals:
            raise Wrong(f"scalar {e.name} is read before it is assigned")
        return self.locals[e.name]

    def special(self, e: ir.Special) -> Value:
        if e.kind == "block":
            return arithmetic.constant(self.block[e.axis], e.type)
        if e.kind not in self.shapes:
            raise Wrong(f"{e.kind} differs between lanes and is no scalar")
        return arithmetic.constant(self.shapes[e.kind][e.axis], e.type)

    def select(self, e: ir.Select) -> Value:
        yes, no = self.eval(e.if_true), self.eval(e.if_false)
        return yes if self.eval(e.condition) else no

    def call(self, e: ir.Call) -> Value:
        arguments = [self.eval(a) for a in e.arguments]
        return intrinsic(e.function, arguments, e.arguments[0].type)

    def load(self, e: ir.Load) -> Value:
        return self.array(e.mem).load([self.eval(i) for i in e.indices], ONE_LANE)


_EXPR: dict[type, Callable[[Scalars, Any], Value]] = {
    ir.Const: lambda self, e: arithmetic.constant(e.value, e.type),
    ir.Local: Scalars.local,
    ir.ParamRef: lambda self, e: self.params[e.name],
    ir.Special: Scalars.special,
    ir.Binary: lambda self, e: arithmetic.binary(
        e.op, self.eval(e.left), self.eval(e.right), e.type
    ),
    ir.Unary: lambda self, e: arithmetic.unary(e.op, self.eval(e.operand)),
    ir.Compare: lambda self, e: arithmetic.COMPARISONS[e.op](self.eval(e.left), self.eval(e.right)),
    ir.Logical: lambda self, e: arithmetic.CONNECTIVES[e.op](self.eval(e.left), self.eval(e.right)),
    ir.Select: Scalars.select,
    ir.Cast: lambda self, e: arithmetic.cast(self.eval(e.operand), e.operand.type, e.type),
    ir.Bitcast: lambda self, e: arithmetic.bitcast(self.eval(e.operand), e.operand.type, e.type),
    ir.Call: Scalars.call,
    ir.Load: Scalars.load,
}
