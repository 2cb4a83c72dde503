"""From CUDA C++ text to KIR: a kernel's signature, and the kernel itself."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from ctypes import ArgumentError

from accelerx.compiler import ir
from accelerx.compiler.diagnostics import unsupported
from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.clang import Cursor, Unit, children, evaluate, kind
from accelerx.compiler.frontends.cuda_cpp.expressions import handlers
from accelerx.compiler.frontends.cuda_cpp.functions import body_of, initialiser_of
from accelerx.compiler.frontends.cuda_cpp.globals import (
    Globals,
    initial_bytes,
    is_module_variable,
    root_index,
)
from accelerx.compiler.frontends.cuda_cpp.inlining import Constant
from accelerx.compiler.frontends.cuda_cpp.memory import zero_of
from accelerx.compiler.frontends.cuda_cpp.prelude import keep_in
from accelerx.compiler.frontends.cuda_cpp.signature import (
    Argument,
    CParameter,
    CudaSignature,
    GlobalVariable,
)
from accelerx.compiler.frontends.cuda_cpp.source import CudaSource
from accelerx.compiler.frontends.cuda_cpp.stack import on_large_stack
from accelerx.compiler.frontends.cuda_cpp.state import MAX_PASSES, Again, Frame, cell_type
from accelerx.compiler.frontends.cuda_cpp.statements import statement_handlers
from accelerx.compiler.frontends.cuda_cpp.values import (
    Binding,
    Pointer,
    Root,
    Value,
    const,
)
from accelerx.compiler.verify import verify
from accelerx.dtypes import int64

MAX_PARAMETER_BYTES = 32_764  # of all arguments together, on CUDA devices


@on_large_stack
def signature(source: CudaSource, name: str) -> CudaSignature:
    """The signature of the kernel called ``name``: a function, or a template's name expression.

    Raises:
        CompileError: if the text is not valid, or has no such kernel.
    """
    unit, function = parsed(source, name)
    lifter = Lifter(unit, function)
    with lifter.foreseen():
        return lifter.signature(name)


@on_large_stack
def lift(
    source: CudaSource,
    name: str,
    nulls: frozenset[int] = frozenset(),
    extents: bool = False,
    wide: bool = False,
) -> ir.Kernel:
    """The kernel called ``name`` as KIR.

    Args:
        source: The text.
        name: A function's name, or a template's name expression (``"k<float, 8>"``).
        nulls: Flattened arguments that are null pointers; they get no parameter.
        extents: Whether each buffer gets a parameter with its length, for checks.
        wide: Whether an array or the grid is so large that a 32-bit index may wrap: 2**31 bytes or
            threads. Else unsigned arithmetic on thread coordinates is taken not to.

    Raises:
        CompileError: with a caret, if the text is at fault.
    """
    unit, function = parsed(source, name)
    lifter = Lifter(unit, function, nulls, extents=extents, wide=wide)
    with lifter.foreseen():
        kernel = lifter.run()
        verify(kernel)
    return kernel


@functools.lru_cache(maxsize=8)
def parsed(source: CudaSource, name: str) -> tuple[Unit, Cursor]:
    """The text parsed, and the kernel in it; ``signature`` and ``lift`` share it."""
    simple = name.isidentifier()
    unit = Unit.parse(source, () if simple else (name,))
    return unit, unit.entry(name)


class Lifter(Globals):
    """Lifts one kernel, in as many passes as it takes."""

    def __init__(
        self,
        unit: Unit,
        function: Cursor,
        nulls: frozenset[int] = frozenset(),
        *,
        extents: bool = False,
        wide: bool = False,
    ) -> None:
        super().__init__(unit, wide=wide)
        self.function = function
        self.nulls = nulls
        self.extents = extents
        self.again = Again()
        type(self)._handlers = type(self)._handlers or handlers(type(self))
        type(self)._statements = type(self)._statements or statement_handlers(type(self))
        self.frame = Frame((), function, {})

    def reset(self) -> None:
        super().reset()
        self.used_globals = {}
        self.callers = []

    # ------------------------------------------------------------------------------- signature

    def signature(self, name: str) -> CudaSignature:
        """The kernel's signature; ``name`` is what the user called it."""
        parameters: list[CParameter] = []
        arguments: list[Argument] = []
        for number, parameter in enumerate(self.function.get_arguments()):
            type_ = self._parameter_type(parameter)
            leaves = list(ctypes.leaves(type_))
            first = len(arguments)
            arguments += [self._argument(number, leaf, parameter, type_) for leaf in leaves]
            numbers = tuple(range(first, len(arguments)))
            called = parameter.spelling or f"argument{number}"
            parameters.append(CParameter(called, parameter.type.spelling, type_.size, numbers))
        return CudaSignature(
            self.function.spelling,
            tuple(parameters),
            tuple(arguments),
            tuple(self.module_variables()),
            self.max_threads(),
            self._declaration(name, parameters),
        )

    def _parameter_type(self, parameter: Cursor) -> ctypes.CType:
        type_ = self.parameter_type(parameter)
        if isinstance(type_, ctypes.Reference | ctypes.Void):
            raise self.unsupported(parameter, "a kernel takes its arguments by value")
        if type_.size > MAX_PARAMETER_BYTES:
            raise self.unsupported(
                parameter,
                f"an argument of {type_.size} bytes; a kernel takes at most {MAX_PARAMETER_BYTES}",
                "pass a pointer to it",
            )
        if isinstance(type_, ctypes.Record) and any(part.is_union for part in records_in(type_)):
            raise self.unsupported(parameter, "a kernel argument that is a union")
        return type_

    def _argument(
        self, number: int, leaf: ctypes.Leaf, parameter: Cursor, type_: ctypes.CType
    ) -> Argument:
        if isinstance(leaf.type, ctypes.Scalar):
            spelling = leaf.type.dtype.cuda if leaf.path else parameter.type.spelling
            return Argument(number, leaf.path, "scalar", leaf.type.dtype, leaf.offset, spelling)
        pointee = leaf.type.pointee
        dtype = pointee.dtype if isinstance(pointee, ctypes.Scalar) else None
        return Argument(
            number, leaf.path, "pointer", dtype, leaf.offset, str(leaf.type), pointee.size,
            leaf.type.is_const,
        )  # fmt: skip

    def _declaration(self, name: str, parameters: list[CParameter]) -> str:
        shown = ", ".join(
            f"{p.spelling}{'' if p.spelling.endswith('*') else ' '}{p.name}" for p in parameters
        )
        return f"void {name}({shown})"

    def module_variables(self) -> Iterator[GlobalVariable]:
        """All variables of the unit that live on the device."""
        for c in self._module_cursors():
            type_ = self.type(c)
            unit = ctypes.unit_of(type_)
            dtype = cell_type(Root(c.spelling, "global", unit), type_)
            value = initialiser_of(c)
            initial = None if value is None else initial_bytes(type_, value)
            constant = any(x._kind_id == kind("CUDACONSTANT_ATTR") for x in children(c))
            yield GlobalVariable(c.spelling, dtype, type_.size, constant, initial)

    def _module_cursors(self) -> list[Cursor]:
        return [c for c in self.unit.declarations() if is_module_variable(c)]

    def max_threads(self) -> int | None:
        """The block size that ``__launch_bounds__`` promises not to exceed."""
        for child in children(self.function):
            if child._kind_id == kind("ANNOTATE_ATTR") and child.spelling == "launch_bounds":
                value = evaluate(children(child)[0])
                if isinstance(value, int) and value > 0:
                    return value
        return None

    # ----------------------------------------------------------------------------------- passes

    def run(self) -> ir.Kernel:
        """The kernel, lifted until a pass learns nothing new."""
        for _ in range(MAX_PASSES):
            self.reset()
            try:
                kernel = self._pass()
            except Again:
                continue
            except (RecursionError, ArgumentError) as e:  # ctypes wraps the one in the other
                raise self.internal("the kernel is nested too deeply") from e
            if not self.learnt:
                return kernel
        raise unsupported(
            self.unit.loc(self.function), "what this kernel's pointers point to cannot be found out"
        )

    def _pass(self) -> ir.Kernel:
        function = self.function
        self.frame = Frame((), function, {})
        number = 0
        self.prologue: list[ir.Stmt] = []
        for parameter in function.get_arguments():
            type_ = self._parameter_type(parameter)
            number = self._bind_parameter(parameter, type_, number)
        arguments = number
        body = body_of(function)
        if body is None:
            raise self.unsupported(function, f"'{function.spelling}' has no body")
        with self.collected() as statements:
            self.out += self.prologue
            self.statement(body)
        statements[:0] = self._first_values(statements)
        self._bind_globals(arguments)
        for param in self.params:
            param.written = param.name in self.written
        mems = {m.name: m for m in self.mems.values() if m.of is None}
        mems.update({m.name: self._view(m) for m in self.mems.values() if m.of is not None})
        options = self.unit.source.options
        return ir.Kernel(
            function.spelling, self.params, mems, self.locals, without_last_return(statements),
            source=self.unit.loc(function).source, loc=self.unit.loc(function),
            contract=options.contract, fastmath=options.fast_math, max_threads=self.max_threads(),
        )  # fmt: skip

    def _first_values(self, body: list[ir.Stmt]) -> list[ir.Stmt]:
        """Zeros for locals that nothing assigns: C++ may copy what has no value yet."""
        given = {ir.target(s) for s in ir.statements(body)}
        read = dict.fromkeys(name for s in ir.statements(body) for name in ir.reads(s))
        return [ir.Assign(name, zero_of(self.locals[name])) for name in read if name not in given]

    def _view(self, mem: ir.Mem) -> ir.Mem:
        assert mem.of is not None
        return ir.Mem(
            mem.name, mem.dtype, mem.space, self.mems[mem.of].shape, (1,), loc=mem.loc,
            of=mem.of, unit=mem.unit,
        )  # fmt: skip

    def _bind_parameter(self, parameter: Cursor, type_: ctypes.CType, number: int) -> int:
        """Binds a parameter; the number of the next flattened argument."""
        name = parameter.spelling or f"argument{number}"
        key = (parameter.hash,)
        with self.collected() as emitted:
            binding, number = self._parameter(key, type_, name, number)
        self.prologue += emitted
        self.frame.bindings[parameter.hash] = binding
        return number

    def _parameter(
        self, key: tuple[object, ...], type_: ctypes.CType, name: str, number: int
    ) -> tuple[Binding, int]:
        if isinstance(type_, (ctypes.Scalar, ctypes.Pointer)):
            value = self._leaf_value(type_, name, number)
            if not self.is_mutable(key):
                return Constant(type_, value, key), number + 1
            place = self.declare((*key, "own"), type_, name)
            self.assign(place, value)
            return place, number + 1
        place = self.declare(key, type_, name)
        for leaf in ctypes.leaves(type_):
            leaf_name = ".".join((name, *leaf.path))
            self.assign(self.leaf(place, leaf), self._leaf_value(leaf.type, leaf_name, number))
            number += 1
        return place, number

    def _leaf_value(self, type_: ctypes.Scalar | ctypes.Pointer, name: str, number: int) -> Value:
        """The value of one flattened argument: a parameter of the KIR kernel."""
        name = self.name(("argument", number), name)
        if isinstance(type_, ctypes.Scalar):
            self.params.append(ir.Param(name, "scalar", type_.dtype, number))
            return ir.ParamRef(name, type_.dtype)
        pointee = type_.pointee
        if number in self.nulls:
            return self.null(pointee)
        root = self.roots.setdefault(name, Root(name, "global", ctypes.unit_of(pointee)))
        dtype = cell_type(root, pointee)
        self.params.append(ir.Param(name, "buffer", dtype, number))
        shape: tuple[ir.Expr | None, ...] = (None,)
        if self.extents:
            extent = f"{name}.shape0"
            self.params.append(ir.Param(extent, "extent", int64, number))
            shape = (ir.ParamRef(extent, int64),)
        self.mems[name] = ir.Mem(name, dtype, "global", shape, (1,))
        return Pointer(pointee, (root,), const(0, root_index(root)))

    def _bind_globals(self, arguments: int) -> None:
        """Parameters for the module's variables that the kernel uses."""
        order = (
            {c.hash: i for i, c in enumerate(self._module_cursors())} if self.used_globals else {}
        )
        for name, c in self.used_globals.items():
            number = order.get(c.hash)
            if number is None:
                raise self.unsupported(c, f"'{c.spelling}' is not declared at namespace scope")
            self.params.append(ir.Param(name, "buffer", self.mems[name].dtype, arguments + number))


def without_last_return(body: list[ir.Stmt]) -> list[ir.Stmt]:
    """A kernel's body without a return at its end."""
    return body[:-1] if body and isinstance(body[-1], ir.Return) else body


def records_in(type_: ctypes.CType) -> Iterator[ctypes.Record]:
    """All records that an object of a type consists of."""
    match type_:
        case ctypes.Record():
            yield type_
            for part in type_.fields:
                yield from records_in(part.type)
        case ctypes.Array():
            yield from records_in(type_.element)


__all__ = ["CudaSignature", "Lifter", "Unit", "keep_in", "lift", "parsed", "signature"]
