"""Executable: a kernel loaded on a device for argument types and a block shape, ready to launch.

It knows how arguments are packed, what a launch may ask of the device, and what has to be done for
NumPy arrays: they are lent where kernels can use host memory, else copied in and back.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, cast

import numpy as np

from accelerx import compilation
from accelerx.arguments import Packing, View
from accelerx.compilation import Compiler, Loadable
from accelerx.compiler.devices import DeviceModel
from accelerx.compiler.layout import pack_layout
from accelerx.compiler.recipe import Recipe
from accelerx.errors import LaunchError, OutOfResourcesError
from accelerx.interop import lend
from accelerx.ndarray import empty, ndarray
from accelerx.runtime.backend import Dim3, Function, Image
from accelerx.runtime.device import Device
from accelerx.runtime.plugin_backend import translated
from accelerx.runtime.registry import COMPILED_HERE
from accelerx.sites import SiteReporter

RESIDENT_BYTES = 1 << 30  # memory for what waiting blocks keep, in code compiled here


class Executable:
    """A loaded kernel and how its arguments are packed.

    Attributes:
        device: Where it runs.
        block: The block shape it is made for.
        function: The backend's loaded function.
        packing: The layout of its arguments.
    """

    def __init__(
        self, recipe: Recipe, block: Dim3, device: Device, checks: frozenset[str], built: Loadable
    ) -> None:
        self.recipe = recipe
        self.block = block
        self.device = device
        self.checks = checks
        self.model = device.model
        self._built = built.built
        params = built.built.params
        offsets, size = pack_layout(cast(Any, params))
        self.packing = Packing(params, offsets, size, recipe.leaf_names)
        self.written = frozenset(p.argument for p in params if p.written)
        self._units = {
            p.argument: p.dtype.itemsize for p in params if recipe.pointers and p.kind == "buffer"
        }
        image = Image(
            built.format,
            built.code,
            built.built.entry,
            self.packing.table,
            size,
            block,
            built.built.shared_bytes,
            built.built.scratch_bytes,
            built.keep_alive,
            built.built.cooperative,
        )
        self.function: Function = device.handle.load(image)
        if built.built.sites:
            self.function.on_site = SiteReporter(recipe.name, built.built.sites)

    @property
    def shared_bytes(self) -> int:
        """Static shared memory of a block."""
        return self._built.shared_bytes

    @property
    def scratch_bytes(self) -> int:
        """Worker-local memory that the code of a block wants."""
        return self._built.scratch_bytes

    @property
    def checked(self) -> bool:
        """Whether checks are compiled in."""
        return bool(self.checks) or self.recipe.options.debug

    @staticmethod
    def build(recipe: Recipe, block: Dim3, device: Device, checks: frozenset[str]) -> Executable:
        """Compiles and loads, through the disk cache where it may serve.

        Raises:
            CompileError: if the source is at fault.
            OutOfResourcesError: if the device cannot hold such a block.
        """
        check_block(recipe.name, device.model, block, recipe.options.max_threads)
        loadable = Compiler(recipe, block, device, checks).run()
        return Executable(recipe, block, device, checks, loadable)

    def check_launch(self, grid: Dim3, shared_bytes: int) -> None:
        """Raises OutOfResourcesError for a grid or shared memory beyond the device's limits."""
        model, name = self.model, self.recipe.name
        for axis, count, limit in zip("xyz", grid, model.max_grid, strict=True):
            if count > limit:
                raise OutOfResourcesError(
                    f"{name}: grid {grid} has {count} blocks along {axis}; {model.name} takes {limit}"
                )
        static = self._built.shared_bytes
        limit = model.max_dynamic_shared_bytes if shared_bytes else model.max_shared_bytes
        if static + shared_bytes > limit:
            raise OutOfResourcesError(
                f"{name}: a block needs {static + shared_bytes} bytes of shared memory ({static} "
                f"static, {shared_bytes} dynamic); {model.name} has {limit}"
            )
        if self._built.cooperative and prod(grid) > (most := self.resident_blocks(shared_bytes)):
            raise OutOfResourcesError(
                f"{name}: the {prod(grid)} blocks of grid {grid} wait for each other and must all be "
                f"resident; {model.name} keeps at most {most} of this kernel; launch fewer blocks "
                "and let each do more"
            )

    def resident_blocks(self, shared_bytes: int) -> int:
        """How many blocks can be resident at once, so that they may wait for each other."""
        if self.device.dialect != COMPILED_HERE:
            return prod(self.model.max_grid)  # the vendor's launch knows better
        each = -(-self._built.scratch_bytes // 64) * 64 + -(-shared_bytes // 64) * 64
        return RESIDENT_BYTES // max(each, 64)

    def run(self, values: Sequence[Any], grid: Dim3, shared_bytes: int, stream: Any | None) -> None:
        """Launches with flattened arguments; those of NumPy are copied or lent, and waited for."""
        call = _Call(self, values, stream)
        packed = self.packing.pack(call.values)
        self.function.launch(grid, shared_bytes, packed, call.keep_alive, stream)
        call.finish()

    def view(self, argument: int, array: ndarray) -> View:
        """An array as the kernel gets it: as it is, or what is readable behind its first element."""
        if not self.recipe.pointers:
            return View(array.ptr, array.shape, array.element_strides, array.owner)
        units = array.reach // self._units.get(argument, 1)
        return View(array.ptr, (units,), (1,), array.owner)

    # ------------------------------------------------------------------------------ inspection

    def text(self, stage: str) -> str:
        """The kernel's text at a stage: ``kir``, ``llvm``, ``asm`` or ``cuda``."""
        kernel = compilation.lift(self.recipe, self.block, self.model, self.checks)
        return compilation.text(kernel, stage)

    def explain(self) -> str:
        """Where and how it runs, with what the code generator notes by source line."""
        lines = [f"{self.recipe} on {self.device}, block {self.block}"]
        lines += [f"  {note}" for note in self._built.notes]
        if self.device.dialect == "kir":
            lines.append("  interpreted in NumPy, all threads in lock-step (the slow road)")
        shared = self._built.shared_bytes
        if shared:
            lines.append(f"  {shared} bytes of static shared memory")
        if self.checked:
            lines.append("  instrumented with run-time checks")
        return "\n".join(lines)


class _Call:
    """The arguments of one launch as views, with what has to be done when it has ended."""

    def __init__(self, executable: Executable, values: Sequence[Any], stream: Any | None) -> None:
        self._executable = executable
        self._stream = stream
        self._copies: dict[tuple[Any, ...], tuple[np.ndarray[Any, Any], ndarray]] = {}
        self._written: set[tuple[Any, ...]] = set()
        self._waits = False
        self.values = [self._value(i, value) for i, value in enumerate(values)]
        self.keep_alive = (tuple(values), tuple(copy for _, copy in self._copies.values()))

    def _value(self, index: int, value: Any) -> Any:
        if isinstance(value, ndarray):
            return self._executable.view(index, value)
        if not isinstance(value, np.ndarray):
            return value
        self._waits = True
        lent = lend(value, self._executable.device)
        return self._executable.view(index, self._copied(index, value) if lent is None else lent)

    def _copied(self, index: int, array: np.ndarray[Any, Any]) -> ndarray:
        """A copy on the device; one for all arguments that are the same memory."""
        key = (array.__array_interface__["data"][0], array.shape, array.strides, array.dtype)
        if key not in self._copies:
            order = "F" if array.flags.fnc else "C"
            copy = empty(array.shape, array.dtype, self._executable.device, order)
            copy.copy_to_device(array, self._stream)
            self._copies[key] = (array, copy)
        if index in self._executable.written:
            self._written.add(key)
        return self._copies[key][1]

    def finish(self) -> None:
        """Waits, and copies back what the kernel may have written."""
        if not self._waits:
            return
        stream = self._stream or self._executable.device.handle.current_stream()
        with translated():
            stream.synchronize()
        for key in self._written:
            array, copy = self._copies[key]
            copy.copy_to_host(array)


def check_block(name: str, model: DeviceModel, block: Dim3, max_threads: int | None) -> None:
    """Refuses a block that a device, or the kernel's launch bounds, do not allow.

    Raises:
        OutOfResourcesError: with the limit.
    """
    threads = prod(block)
    if threads > model.max_threads_per_block:
        raise OutOfResourcesError(
            f"{name}: a block of {block} has {threads} threads; {model.name} takes "
            f"{model.max_threads_per_block}"
        )
    for axis, count, limit in zip("xyz", block, model.max_block, strict=True):
        if count > limit:
            raise OutOfResourcesError(
                f"{name}: block {block} has {count} threads along {axis}; {model.name} takes {limit}"
            )
    if max_threads is not None and threads > max_threads:
        raise LaunchError(
            f"{name}: a block of {block} has {threads} threads, its launch_bounds promise at most "
            f"{max_threads}"
        )
