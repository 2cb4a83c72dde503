"""Compilation: from a Python function to code that a device loads, through the disk cache.

The road: source fingerprint → disk cache; else front end → KIR → dialect → compiler → disk cache.
What the cache keeps is plain data and code; the KIR is made again when somebody asks for its text.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from accelerx import config, dtypes
from accelerx.compiler import ir
from accelerx.compiler.devices import DeviceModel
from accelerx.compiler.diagnostics import Loc, type_error
from accelerx.compiler.dialects.base import Dialect, EmitOptions
from accelerx.compiler.dialects.cuda import CudaDialect
from accelerx.compiler.dialects.llvm import LlvmDialect
from accelerx.compiler.frontends.python import lift
from accelerx.compiler.passes.checks import check_bounds
from accelerx.compiler.printer import print_kernel
from accelerx.compiler.types import ArrayType, flatten
from accelerx.errors import ArgumentTypeError, UnsupportedError
from accelerx.fingerprint import fingerprint
from accelerx.runtime import interpreter, jit
from accelerx.runtime.backend import Dim3
from accelerx.runtime.cache import cache, generator_hash
from accelerx.runtime.device import Device
from accelerx.signatures import Type
from accelerx.sites import Site

DIALECTS: dict[str, Dialect] = {row.name: row for row in (LlvmDialect(), CudaDialect())}
DEBUG_CHECKS = frozenset(config.CHECKS)
STAGES = ("kir", "llvm", "asm", "cuda")


@dataclass(frozen=True, slots=True)
class Options:
    """How a kernel is compiled.

    Attributes:
        literals: ``weak`` or ``numba`` typing.
        debug: Bounds and barrier checks, and asserts under numba's typing.
        fastmath: Reassociation and approximate functions are allowed.
        contract: A multiply may fuse with an add.
        max_threads: Threads a block has at most; a promise the compiler may use.
        cache: Whether the disk cache may serve.
    """

    literals: Literal["weak", "numba"] = "weak"
    debug: bool = False
    fastmath: bool = False
    contract: bool = True
    max_threads: int | None = None
    cache: bool = True


@dataclass(frozen=True, slots=True)
class Recipe:
    """What an executable is made of, device aside."""

    function: Callable[..., Any]
    types: tuple[Type, ...]
    options: Options
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.function.__name__

    def lift(self, block: Dim3, model: DeviceModel, checks: frozenset[str]) -> ir.Kernel:
        """The kernel as checked KIR for a device model.

        Raises:
            CompileError: with a caret, if the source is at fault.
        """
        lifted = lift(self.function, self.types, literals=self.options.literals)
        options = self.options
        kernel = dataclasses.replace(
            lifted,
            block=block,
            contract=options.contract,
            fastmath=options.fastmath,
            max_threads=options.max_threads,
        )
        check_dtypes(kernel, model)
        self._check_writes(kernel)
        if options.literals == "numba" and not options.debug:
            kernel = kernel.with_body(_without_asserts(kernel.body))
        wanted = checks | DEBUG_CHECKS if options.debug else checks
        return check_bounds(kernel) if "bounds" in wanted else kernel

    def _check_writes(self, kernel: ir.Kernel) -> None:
        flat = tuple(flatten(self.types))
        for param in kernel.params:
            type_ = flat[param.argument]
            if param.written and isinstance(type_, ArrayType) and not type_.writable:
                raise ArgumentTypeError(
                    f"argument {param.name!r} of {self.name} is read-only, and the kernel writes to "
                    "it; pass a copy"
                )

    def describe(self) -> str:
        return f"{self.name}({', '.join(map(str, self.types))})"


@dataclass(frozen=True, slots=True)
class Built:
    """A compiled kernel as the cache keeps it: plain data, and the code."""

    entry: str
    params: tuple[ir.Param, ...]
    scratch_bytes: int
    shared_bytes: int
    sites: tuple[Site, ...]
    notes: tuple[str, ...]
    code: bytes

    def to_bytes(self) -> bytes:
        head = {
            "entry": self.entry,
            "params": [
                [p.name, p.kind, p.dtype.name, p.argument, p.axis, p.written] for p in self.params
            ],
            "scratch": self.scratch_bytes,
            "shared": self.shared_bytes,
            "sites": [site.as_row() for site in self.sites],
            "notes": list(self.notes),
        }
        text = json.dumps(head).encode()
        return struct.pack("<Q", len(text)) + text + self.code

    @staticmethod
    def from_bytes(data: bytes) -> Built:
        (size,) = struct.unpack_from("<Q", data)
        head = json.loads(data[8 : 8 + size])
        params = tuple(
            ir.Param(name, kind, dtypes.from_numpy(dtype), argument, axis, written)
            for name, kind, dtype, argument, axis, written in head["params"]
        )
        return Built(
            head["entry"],
            params,
            head["scratch"],
            head["shared"],
            tuple(Site.from_row(row) for row in head["sites"]),
            tuple(head["notes"]),
            data[8 + size :],
        )


@dataclass(frozen=True, slots=True)
class Loadable:
    """A compiled kernel in the form that ``load`` takes."""

    built: Built
    format: Literal["address", "text", "kir"]
    code: Any
    keep_alive: object


class Compiler:
    """One compilation, from the recipe to something loadable."""

    def __init__(self, recipe: Recipe, block: Dim3, device: Device, checks: frozenset[str]) -> None:
        self.recipe = recipe
        self.block = block
        self.device = device
        self.model = device.model
        self.checks = checks

    def run(self) -> Loadable:
        if self.device.dialect == "kir":
            return self._interpreted()
        key = self._source_key()
        if key is None:
            return self._compiled(None, self._lift())
        built = self._cached(key)
        return built if built is not None else self._compiled(key, self._lift())

    def _lift(self) -> ir.Kernel:
        kernel = self.recipe.lift(self.block, self.model, self.checks)
        dump(kernel, "kir", print_kernel(kernel))
        return kernel

    def _interpreted(self) -> Loadable:
        kernel = self._lift()
        sites = tuple(Site.of(s, kernel.loc) for s in interpreter.sites(kernel))
        built = Built(
            kernel.name, tuple(kernel.params), 0, kernel.static_shared_bytes, sites, (), b""
        )
        return Loadable(built, "kir", kernel, None)

    def _key(self, what: str) -> str:
        parts = (self.block, self.device.dialect, self.model, self.checks, self.recipe.options)
        text = f"{what};{parts!r};{generator_hash()}"
        return hashlib.sha256(text.encode()).hexdigest()

    def _source_key(self) -> str | None:
        if not self.recipe.options.cache:
            return None
        source = fingerprint(self.recipe.function, self.recipe.types)
        return None if source is None else self._key(source)

    def _cached(self, key: str) -> Loadable | None:
        data = cache().load(key)
        if data is None:
            return None
        return self._loadable(Built.from_bytes(data))

    def _compiled(self, key: str | None, kernel: ir.Kernel) -> Loadable:
        """Compiles lifted KIR; without a source key the KIR's text is the key."""
        if key is None and self.recipe.options.cache:
            key = self._key(print_kernel(kernel))
            found = self._cached(key)
            if found is not None:
                return found
        built = self._generate(kernel)
        if key is not None:
            cache().store(key, built.to_bytes())
        return self._loadable(built)

    def _generate(self, kernel: ir.Kernel) -> Built:
        dialect = dialect_named(self.device.dialect)
        program = dialect.emit(dialect.lower(kernel), EmitOptions())
        dump(kernel, dialect.name, program.text)
        code = program.text.encode()
        if dialect.name == "llvm":
            code = jit.compile_llvm(program.text).object_bytes
        return Built(
            program.entry,
            tuple(program.params),
            program.scratch_bytes,
            program.shared_bytes,
            tuple(Site.of(s.statement, kernel.loc) for s in program.sites),
            tuple(map(str, program.notes)),
            code,
        )

    def _loadable(self, built: Built) -> Loadable:
        if self.device.dialect != "llvm":
            return Loadable(built, "text", built.code, None)
        code = jit.load_object(built.code, built.entry)
        return Loadable(built, "address", code.address, code)


def dialect_named(name: str) -> Dialect:
    """The kernel language of a backend.

    Raises:
        UnsupportedError: if there is no code generator for it.
    """
    if name not in DIALECTS:
        raise UnsupportedError(
            f"no code generator writes the dialect {name!r}; there are {', '.join(DIALECTS)}"
        )
    return DIALECTS[name]


def stage_text(kernel: ir.Kernel, stage: str) -> str:
    """A kernel's text: KIR, or a dialect's.

    Raises:
        UnsupportedError: if there is no such stage.
    """
    if stage == "kir":
        return print_kernel(kernel)
    if stage not in DIALECTS:
        raise UnsupportedError(f"there is no stage {stage!r}; there are {', '.join(STAGES)}")
    dialect = DIALECTS[stage]
    return dialect.emit(dialect.lower(kernel), EmitOptions()).text


def assembly(kernel: ir.Kernel) -> str:
    """A kernel's machine code for this host, as assembly text."""
    return jit.compile_llvm(stage_text(kernel, "llvm")).asm()


def dump(kernel: ir.Kernel, stage: str, text: str) -> None:
    """Writes a stage's text where ``ACCELERX_DUMP`` says."""
    folder = config.DUMP.get()
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    (folder / f"{kernel.name}-{digest}.{stage}").write_text(text)


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
