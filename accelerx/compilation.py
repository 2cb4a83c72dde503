"""Compilation: from a recipe to code that a device loads, through the disk cache.

The road: source fingerprint → disk cache; else front end → KIR → dialect → compiler → disk cache.
What the cache keeps is plain data and code; the KIR is made again when somebody asks for its text.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from accelerx import config, dtypes
from accelerx.arguments import Parameter, parameters
from accelerx.compiler.devices import DeviceModel
from accelerx.compiler.recipe import Recipe
from accelerx.runtime import jit
from accelerx.runtime.backend import Dim3
from accelerx.runtime.cache import cache, generator_hash
from accelerx.runtime.device import Device
from accelerx.runtime.registry import COMPILED_HERE
from accelerx.sites import Site

if TYPE_CHECKING:
    from accelerx.compiler import ir
    from accelerx.compiler.dialects.base import Program

STAGES = ("kir", "llvm", "asm", "cuda", "ascendc-simt")
INTERPRETED = "kir"


@dataclass(frozen=True, slots=True)
class Built:
    """A compiled kernel as the cache keeps it: plain data, and the code."""

    entry: str
    params: tuple[Parameter, ...]
    scratch_bytes: int
    shared_bytes: int
    sites: tuple[Site, ...]
    notes: tuple[str, ...]
    code: bytes
    cooperative: bool = False

    def to_bytes(self) -> bytes:
        head = {
            "entry": self.entry,
            "params": [(p.kind, p.dtype.name, p.argument, p.axis, p.written) for p in self.params],
            "scratch": self.scratch_bytes,
            "shared": self.shared_bytes,
            "sites": [site.as_row() for site in self.sites],
            "notes": list(self.notes),
            "cooperative": self.cooperative,
        }
        text = json.dumps(head).encode()
        return struct.pack("<Q", len(text)) + text + self.code

    @staticmethod
    def from_bytes(data: bytes) -> Built:
        (size,) = struct.unpack_from("<Q", data)
        head = json.loads(data[8 : 8 + size])
        params = tuple(
            Parameter(kind, dtypes.from_numpy(dtype), argument, axis, written)
            for kind, dtype, argument, axis, written in head["params"]
        )
        return Built(
            head["entry"],
            params,
            head["scratch"],
            head["shared"],
            tuple(Site.from_row(row) for row in head["sites"]),
            tuple(head["notes"]),
            data[8 + size :],
            head["cooperative"],
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
        if self.device.dialect == INTERPRETED:
            return self._interpreted()
        # A backend that takes CUDA C++ itself is to be given a CudaRecipe's text here, unlifted.
        key = self._source_key()
        if key is None:
            return self._compiled(None, self._lift())
        built = self._cached(key)
        return built if built is not None else self._compiled(key, self._lift())

    def _lift(self) -> ir.Kernel:
        kernel = lift(self.recipe, self.block, self.model, self.checks)
        dump(kernel.name, "kir", lambda: text(kernel, "kir"))
        return kernel

    def _interpreted(self) -> Loadable:
        kernel = self._lift()
        statements = importlib.import_module("accelerx.runtime.interpreter").sites(kernel)
        sites = tuple(Site.of(s, kernel.loc) for s in statements)
        built = Built(
            kernel.name, parameters(kernel.params), 0, kernel.static_shared_bytes, sites, (), b""
        )
        return Loadable(built, "kir", kernel, None)

    def _key(self, what: str) -> str:
        parts = (self.block, self.device.dialect, self.model, self.checks, self.recipe.options)
        text = f"{what};{parts!r};{generator_hash()}"
        return hashlib.sha256(text.encode()).hexdigest()

    def _source_key(self) -> str | None:
        if not self.recipe.options.cache:
            return None
        source = self.recipe.fingerprint()
        return None if source is None else self._key(source)

    def _cached(self, key: str) -> Loadable | None:
        data = cache().load(key)
        if data is None:
            return None
        return self._loadable(Built.from_bytes(data))

    def _compiled(self, key: str | None, kernel: ir.Kernel) -> Loadable:
        """Compiles lifted KIR; without a source key the KIR's text is the key."""
        if key is None and self.recipe.options.cache:
            key = self._key(text(kernel, "kir"))
            found = self._cached(key)
            if found is not None:
                return found
        built = self._generate(kernel)
        if key is not None:
            cache().store(key, built.to_bytes())
        return self._loadable(built)

    def _generate(self, kernel: ir.Kernel) -> Built:
        program = _driver().emit(kernel, self.device.dialect)
        dump(kernel.name, self.device.dialect, lambda: program.text)
        code = program.text.encode()
        if self.device.dialect == COMPILED_HERE:
            code = jit.compile_llvm(program.text).object_bytes
        return Built(
            program.entry,
            parameters(program.params),
            program.scratch_bytes,
            program.shared_bytes,
            tuple(Site.of(s.statement, kernel.loc) for s in program.sites),
            tuple(map(str, program.notes)),
            code,
            program.cooperative,
        )

    def _loadable(self, built: Built) -> Loadable:
        if self.device.dialect != COMPILED_HERE:
            return Loadable(built, "text", built.code, None)
        code = jit.load_object(built.code, built.entry)
        return Loadable(built, "address", code.address, code)


# ------------------------------------------------------------------------------ the compiler


def _driver() -> Any:
    """The compiler, imported when the first kernel is not found in the cache: it is large."""
    return importlib.import_module("accelerx.compiler.driver")


def lift(recipe: Recipe, block: Dim3, model: DeviceModel, checks: frozenset[str]) -> ir.Kernel:
    """``driver.lift``: the kernel as checked KIR."""
    return cast("ir.Kernel", _driver().lift(recipe, block, model, checks))


def text(kernel: ir.Kernel, stage: str) -> str:
    """A kernel's text at a stage: one of ``STAGES``; ``asm`` is this host's."""
    if stage == "asm":
        program: Program = _driver().emit(kernel, COMPILED_HERE)
        return jit.compile_llvm(program.text).asm()
    return cast(str, _driver().text(kernel, stage))


def dump(name: str, stage: str, text_of: Callable[[], str]) -> None:
    """Writes a stage's text where ``ACCELERX_DUMP`` says."""
    folder = config.DUMP.get()
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    written = text_of()
    digest = hashlib.sha256(written.encode()).hexdigest()[:8]
    (folder / f"{name}-{digest}.{stage}").write_text(written)
