"""From a recipe to text: the front end, the checks of KIR, and the dialects, by name.

It imports all of the compiler, so whoever finds a kernel in the cache does without it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.devices import DeviceModel
from accelerx.compiler.diagnostics import Loc, type_error
from accelerx.compiler.dialects.ascendc_simt import AscendcSimtDialect
from accelerx.compiler.dialects.base import Dialect, EmitOptions, Program
from accelerx.compiler.dialects.cuda import CudaDialect
from accelerx.compiler.dialects.llvm import LlvmDialect
from accelerx.compiler.passes.checks import check_bounds
from accelerx.compiler.printer import print_kernel
from accelerx.compiler.recipe import Recipe
from accelerx.errors import ArgumentTypeError, UnsupportedError

_ROWS: tuple[Dialect, ...] = (LlvmDialect(), CudaDialect(), AscendcSimtDialect())
DIALECTS = {row.name: row for row in _ROWS}
KIR = "kir"


def lift(
    recipe: Recipe, block: tuple[int, int, int], model: DeviceModel, checks: frozenset[str]
) -> ir.Kernel:
    """The kernel as checked KIR for a block shape and a device model.

    Args:
        recipe: What to compile.
        block: The block shape to specialise on.
        model: The device's limits.
        checks: Names of the checks to compile in: ``bounds`` (``barriers`` are always checked).

    Raises:
        CompileError: with a caret, if the source is at fault.
        ArgumentTypeError: if a read-only argument is written to.
    """
    options = recipe.options
    bounds = options.debug or "bounds" in checks
    kernel = dataclasses.replace(
        recipe.lift(bounds),
        block=block,
        contract=options.contract,
        fastmath=options.fastmath,
        max_threads=options.max_threads,
    )
    check_dtypes(kernel, model)
    _check_writes(kernel, recipe)
    if options.literals == "numba" and not options.debug:
        kernel = kernel.with_body(_without_asserts(kernel.body))
    return check_bounds(kernel) if bounds else kernel


def emit(kernel: ir.Kernel, dialect: str) -> Program:
    """The kernel in a dialect.

    Raises:
        UnsupportedError: if there is no code generator for it.
    """
    found = DIALECTS.get(dialect)
    if found is None:
        known = ", ".join([KIR, *DIALECTS])
        raise UnsupportedError(f"no code generator writes {dialect!r}; there are {known}")
    return found.emit(found.lower(kernel), EmitOptions())


def text(kernel: ir.Kernel, stage: str) -> str:
    """The kernel's text: ``kir``, or a dialect's.

    Raises:
        UnsupportedError: if there is no such stage.
    """
    return print_kernel(kernel) if stage == KIR else emit(kernel, stage).text


# -------------------------------------------------------------------------------- checks of KIR


def check_dtypes(kernel: ir.Kernel, model: DeviceModel) -> None:
    """Refuses a kernel that uses an element type its device does not have.

    Raises:
        KernelTypeError: pointing at the first expression of that type.
    """
    for mem in kernel.mems.values():
        _check_dtype(mem.dtype, mem.loc or kernel.loc, f"array {mem.name!r}", model)
    for param in kernel.params:
        _check_dtype(param.dtype, kernel.loc, f"argument {param.name!r}", model)
    for statement in ir.statements(kernel.body):
        for expression in ir.expressions(statement):
            for e in _inside_out(expression):
                _check_dtype(e.type, e.loc or statement.loc, "this expression", model)


def _check_dtype(dtype: dtypes.DType, loc: Loc | None, what: str, model: DeviceModel) -> None:
    if model.supports(dtype.name):
        return
    hint = (
        "plain cuda.jit follows numba, whose literals are float64; write "
        "cuda.jit(literals='weak'), or convert with float32(...)"
        if dtype is dtypes.float64
        else f"{model.name} has {', '.join(model.dtypes)}"
    )
    raise type_error(loc, f"{what} is {dtype.name}, which {model.name} does not have", hint)


def _inside_out(e: ir.Expr) -> Iterator[ir.Expr]:
    """An expression's nodes, operands first: the first bad one is where the bad type begins."""
    for operand in ir.operands(e):
        yield from _inside_out(operand)
    yield e


def _without_asserts(body: list[ir.Stmt]) -> list[ir.Stmt]:
    """The statements without the user's asserts, which numba checks under ``debug`` only."""
    return [
        ir.map_blocks(s, _without_asserts)
        for s in body
        if not (isinstance(s, ir.Assert) and s.kind == "assert")
    ]


def _check_writes(kernel: ir.Kernel, recipe: Recipe) -> None:
    for param in kernel.params:
        if param.written and param.argument in recipe.read_only:
            raise ArgumentTypeError(
                f"argument {param.name!r} of {recipe.name} is read-only, and the kernel writes to "
                "it; pass a copy"
            )
