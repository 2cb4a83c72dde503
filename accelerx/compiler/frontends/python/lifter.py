"""``lift``: from a Python function and its argument types to a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from types import FunctionType
from typing import Any, Literal

from accelerx.compiler import ir
from accelerx.compiler.diagnostics import compile_error, type_error, unsupported
from accelerx.compiler.frontends.python import elements
from accelerx.compiler.frontends.python.calls import function_of
from accelerx.compiler.frontends.python.promotion import Numba, Rules, Weak
from accelerx.compiler.frontends.python.state import Frame
from accelerx.compiler.frontends.python.statements import Statements, count
from accelerx.compiler.frontends.python.values import Index, Scalar, Tuple, Value, View
from accelerx.compiler.types import (
    ArgumentType,
    ArrayType,
    ScalarType,
    TupleType,
    memory,
    parameters,
)
from accelerx.errors import CompileError

_PASSES = 32


def lift(
    function: Any,
    argument_types: Sequence[ArgumentType],
    *,
    literals: Literal["weak", "numba"] = "weak",
    name: str | None = None,
    bounds: bool = False,
) -> ir.Kernel:
    """Lifts a Python function to KIR.

    Args:
        function: A Python function, or an object with one in ``py_func``.
        argument_types: One type per parameter.
        literals: The typing rules: ``"weak"`` lets Python numbers adapt to the other operand,
            ``"numba"`` gives numba.cuda's types and lets negative indices count from the end.
        name: The kernel's name; the function's if None.
        bounds: Whether accesses to fields of records are to be checked; those of other arrays can be
            checked in the kernel.

    Raises:
        CompileError: if the source cannot be read, or does not settle on types.
        KernelTypeError: if an expression is ill-typed.
        UnsupportedKernelError: if the kernel uses what the language does not have.
    """
    python = function_of(function)
    if python is None:
        raise CompileError(f"a kernel must be a Python function, not {type(function).__name__}")
    if literals not in ("weak", "numba"):
        raise ValueError(f"literals must be 'weak' or 'numba', not {literals!r}")
    rules: Rules = Weak() if literals == "weak" else Numba()
    lifter = Lifter(python, argument_types, rules)
    lifter.check_bounds = bounds
    return lifter.kernel(name)


class Lifter(Statements):
    """Lifts one kernel: passes over its source until nothing assumed is contradicted."""

    def __init__(
        self, function: FunctionType, argument_types: Sequence[ArgumentType], rules: Rules
    ) -> None:
        super().__init__(rules)
        self.function = function
        self.types = tuple(argument_types)
        self.source = self.source_of(function)
        self.check_signature()

    def kernel(self, name: str | None) -> ir.Kernel:
        """The kernel."""
        for _ in range(_PASSES):
            try:
                self.run_pass()
            except CompileError:
                if not self.dirty:  # else it may come from an assumption that was just given up
                    raise
            if not self.dirty:
                return self.finish(name)
        raise compile_error(
            self.source.loc(self.source.node, None),
            "the types of this kernel's variables do not settle",
            "give a variable that changes its type in a loop another name",
        )

    def check_signature(self) -> None:
        """Refuses signatures that launch arguments cannot be bound to."""
        node, source = self.source.node, self.source
        spec, loc = node.args, source.loc(node, None)
        for star in (spec.vararg, spec.kwarg):
            if star is not None:
                raise unsupported(
                    source.loc(star, None),
                    f"a kernel cannot take *{star.arg}",
                    "name its parameters; a group of values can be passed as a tuple",
                )
        names = self.parameter_names()
        if len(names) != len(self.types):
            raise type_error(
                loc,
                f"kernel {source.name}() takes {count(len(names))}, {len(self.types)} given",
            )

    def parameter_names(self) -> list[str]:
        spec = self.source.node.args
        return [a.arg for a in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)]

    def run_pass(self) -> None:
        """Lifts the whole kernel once."""
        self.reset()
        self.frame = Frame(self.source, (), "", None)
        argument = 0
        for name, type_ in zip(self.parameter_names(), self.types, strict=True):
            self.frame.env[name], argument = self.argument(name, type_, argument)
        self.block(self.source.body)

    def argument(self, name: str, type_: ArgumentType, argument: int) -> tuple[Value, int]:
        """What a parameter stands for, and the number of the next flattened argument."""
        if isinstance(type_, TupleType):
            items = []
            for k, item in enumerate(type_.items):
                value, argument = self.argument(f"{name}.{k}", item, argument)
                items.append(value)
            return Tuple(tuple(items), type_.names), argument
        self.params += parameters(name, type_, argument)
        self.taken.add(name)
        if isinstance(type_, ArrayType):
            return self.array_argument(name, type_), argument + 1
        return self.scalar_argument(name, type_), argument + 1

    def array_argument(self, name: str, type_: ArrayType) -> View:
        mem = memory(name, type_)
        real, seen = elements.argument(mem, type_.dtype) if type_.dtype.is_opaque else (mem, mem)
        self.mems[name] = real
        return self.whole(seen, type_.writable, type_.ndim)

    def scalar_argument(self, name: str, type_: ScalarType) -> Scalar:
        dtype = type_.dtype
        weak = type_.weak and self.rules.name == "weak"
        expr = ir.ParamRef(name, dtype)
        if not dtype.is_integer:
            return Scalar(expr, dtype, weak)
        form = self.bounds.atom(name, 0 if dtype.kind == "uint" else None)
        return Scalar(expr, dtype, weak, None, form, Index())

    def finish(self, name: str | None) -> ir.Kernel:
        """The kernel of the last pass, without what it does not need."""
        body = self.out
        if body and isinstance(body[-1], ir.Return):
            body = body[:-1]
        body = remove_unread(body)
        used = names_used(body)
        for param in self.params:
            param.written = param.kind == "buffer" and param.name in self.written
        mems = {n: m for n, m in self.mems.items() if m.space in ("global", "shared") or n in used}
        return ir.Kernel(
            name or self.source.name.strip("<>"),
            self.params,
            mems,
            {n: t for n, t in self.locals.items() if n in used},
            body,
            self.source.file,
            self.source.loc(self.source.node, None),
        )


def names_used(body: list[ir.Stmt]) -> set[str]:
    """Locals and arrays that statements mention."""
    used: set[str] = set()
    for s in ir.statements(body):
        target = ir.target(s)
        if target is not None:
            used.add(target)
        if isinstance(s, ir.Store | ir.Atomic):
            used.add(s.mem)
        for e in ir.expressions(s):
            for x in ir.walk(e):
                if isinstance(x, ir.Local):
                    used.add(x.name)
                elif isinstance(x, ir.Load):
                    used.add(x.mem)
    return used


def remove_unread(body: list[ir.Stmt]) -> list[ir.Stmt]:
    """Drops assignments to locals that nothing reads, until none is left."""
    while True:
        read = {name for s in ir.statements(body) for name in ir.reads(s)}
        if not _has_unread(body, read):
            return body
        body = _without(body, read)


def _has_unread(body: list[ir.Stmt], read: set[str]) -> bool:
    for s in ir.statements(body):
        target = ir.target(s)
        if target is None or target in read or isinstance(s, ir.For | ir.Warp):
            continue
        return True
    return False


def _without(body: list[ir.Stmt], read: set[str]) -> list[ir.Stmt]:
    out: list[ir.Stmt] = []
    for s in body:
        match s:
            case ir.Assign() if s.target not in read:
                continue
            case ir.Atomic() | ir.Barrier() if s.result is not None and s.result not in read:
                s.result = None
            case ir.If() | ir.For() | ir.While() | ir.Scope():
                s = ir.map_blocks(s, lambda block: _without(block, read))
                if isinstance(s, ir.If) and not s.then and not s.orelse:
                    continue
        out.append(s)
    return out
