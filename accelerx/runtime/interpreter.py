"""The interpreter: KIR run in NumPy, the definition of what a kernel means.

All threads of a chunk of blocks go through the kernel in lock-step, under masks where they diverge.
It is the fallback where nothing else runs, and the oracle that every code generator is tested
against, so it checks what others may not: every access, every barrier, every member mask, and
waits that can never end.

Its parts: ``interpreter_lockstep`` (statements and expressions), ``interpreter_math`` and
``interpreter_intrinsics`` (arithmetic), ``interpreter_memory``, ``interpreter_atomic``,
``interpreter_warp``, ``interpreter_lanes`` (masks), ``interpreter_waits``, ``interpreter_output``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from accelerx.compiler import ir
from accelerx.compiler.diagnostics import render
from accelerx.errors import ArgumentTypeError, KernelAssertionError, LaunchError
from accelerx.runtime import interpreter_math as arithmetic
from accelerx.runtime import interpreter_waits as waits
from accelerx.runtime.interpreter_lanes import Dim3, Lanes
from accelerx.runtime.interpreter_lockstep import Chunk, Lockstep, Visit
from accelerx.runtime.interpreter_memory import Array, View
from accelerx.runtime.interpreter_output import encode, message_text, print_text, value_types

LANES = 1 << 16  # of a chunk: enough to hide NumPy's overhead, few enough to stay in caches
CHUNK_BYTES = 1 << 28  # of shared and local arrays of a chunk

SiteCallback = Callable[[int, Dim3, Dim3, tuple[int, ...]], bool]


def sites(kernel: ir.Kernel) -> list[ir.Print | ir.Assert]:
    """The statements that call a site hook; a site's number is its index here."""
    return [s for s in ir.statements(kernel.body) if isinstance(s, (ir.Print, ir.Assert))]


class _Stopped(Exception):
    """A site hook asked to stop the launch."""


class Interpreter:
    """Runs one kernel.

    Args:
        kernel: A verified kernel.
        on_site: Called as (site, block, thread, values) for each print and each failed assert, in
            the order of blocks and, in a block, of threads; True stops the launch. Values are 64-bit
            words, a float's are the bits of a double. Without it prints go to standard output and a
            failed assert raises.
    """

    def __init__(self, kernel: ir.Kernel, on_site: SiteCallback | None = None) -> None:
        self.kernel = kernel
        self.on_site = on_site
        self._sites = {id(s): n for n, s in enumerate(sites(kernel))}
        self._waits = waits.loops(kernel)
        self._grid_barrier = any(
            isinstance(s, ir.Barrier) and s.kind == "grid" for s in ir.statements(kernel.body)
        )
        self._one_block = waits.may_wait_for_blocks(kernel)

    def run(
        self,
        grid: Sequence[int],
        block: Sequence[int],
        shared_bytes: int,
        arguments: Mapping[str, Any],
    ) -> None:
        """Runs the kernel over a grid; returns when all blocks are done.

        Args:
            grid: Blocks along x, y and z; missing ones count as 1.
            block: Threads of a block along x, y and z.
            shared_bytes: Dynamic shared memory of a block.
            arguments: For each parameter its value; for a buffer (flat array, index of element 0).

        Raises:
            KernelAssertionError: a thread failed an assert, left an array, missed a barrier or waits
                for ever.
            LaunchError: an argument is missing or has a wrong type, or the shape is not positive.
        """
        grid3, block3 = dim3("grid", grid), dim3("block", block)
        if self.kernel.block is not None and self.kernel.block != block3:
            raise LaunchError(
                f"kernel {self.kernel.name} is specialised on blocks of {self.kernel.block}, "
                f"launched with {block3}"
            )
        launch = Launch(self.kernel, shared_bytes, arguments)
        total = grid3[0] * grid3[1] * grid3[2]
        step = self._blocks_at_once(total, block3, shared_bytes)
        with np.errstate(all="ignore"):
            for first in range(0, total, step):
                lanes = Lanes(grid3, block3, first, min(first + step, total))
                try:
                    self._run_chunk(lanes, launch)
                except _Stopped:
                    return

    def _blocks_at_once(self, total: int, block: Dim3, shared_bytes: int) -> int:
        if self._grid_barrier:
            return total
        if self._one_block:
            return 1
        threads = block[0] * block[1] * block[2]
        size = shared_bytes
        for m in self.kernel.mems.values():
            if m.space in ("shared", "local") and m.of is None:
                copies = threads if m.space == "local" else 1
                size += (m.size or 0) * m.dtype.itemsize * copies
        return max(1, min(LANES // threads, CHUNK_BYTES // max(size, 1)))

    def _run_chunk(self, lanes: Lanes, launch: Launch) -> None:
        chunk = Chunk(self.kernel, lanes, launch.params, launch.bind, self._waits, self._on_assert)
        try:
            Lockstep(chunk).run()
        finally:
            # Also what was printed before a failure is shown.
            self._flush(chunk.prints)

    def _flush(self, prints: list[Visit]) -> None:
        prints.sort(key=lambda visit: visit.order)
        if self.on_site is None:
            sys.stdout.write("".join(print_text(_as_print(v), v.values) for v in prints))
            return
        for visit in prints:
            self._report(visit)

    def _report(self, visit: Visit) -> None:
        assert self.on_site is not None
        s = visit.statement
        words = encode(visit.values, value_types(s))
        if self.on_site(self._sites[id(s)], visit.block, visit.thread, words):
            raise _Stopped

    def _on_assert(self, visit: Visit) -> None:
        s = visit.statement
        assert isinstance(s, ir.Assert)
        if self.on_site is not None:
            self._report(visit)
            return
        text = message_text(s.message, visit.values)
        place = f"(kernel {self.kernel.name}, block {visit.block}, thread {visit.thread})"
        raise KernelAssertionError(render(s.loc or self.kernel.loc, f"{text} {place}"))


def _as_print(visit: Visit) -> ir.Print:
    assert isinstance(visit.statement, ir.Print)
    return visit.statement


def dim3(what: str, shape: Sequence[int]) -> Dim3:
    """A launch's grid or block with all three axes; refuses what is no shape."""
    full = (*(int(n) for n in shape), 1, 1)[:3]
    if len(shape) > 3 or min(full) < 1:
        raise LaunchError(f"{what} {tuple(shape)} must be one to three positive integers")
    return full[0], full[1], full[2]


class Launch:
    """Arguments of one launch, checked, and the memories made from them."""

    def __init__(self, kernel: ir.Kernel, shared_bytes: int, arguments: Mapping[str, Any]) -> None:
        self.shared_bytes = int(shared_bytes)
        if self.shared_bytes < 0:
            raise LaunchError(f"dynamic shared memory of {shared_bytes} bytes is negative")
        self.params: dict[str, arithmetic.Value] = {}
        self.buffers: dict[str, tuple[np.ndarray[Any, Any], int]] = {}
        self._dynamic: tuple[Lanes, np.ndarray[Any, Any]] | None = None
        for p in kernel.params:
            if p.name not in arguments:
                raise LaunchError(f"kernel {kernel.name} needs an argument for {p.name}")
            if p.kind == "buffer":
                self.buffers[p.name] = _buffer(p, arguments[p.name])
            else:
                self.params[p.name] = _scalar(p, arguments[p.name])

    def bind(
        self, m: ir.Mem, lanes: Lanes, constant: Callable[[ir.Expr], int], root: Array | None
    ) -> Array:
        """The Array of a Mem for the blocks of ``lanes``; a view takes its root's."""
        strides = tuple(s if isinstance(s, int) else constant(s) for s in m.strides)
        extents = tuple(n if n is None or isinstance(n, int) else constant(n) for n in m.shape)
        if root is not None:
            return View(m, root, extents)
        if m.space == "global":
            flat, offset = self.buffers[m.name]
            high = flat.size - offset
            return Array(
                m.name, m.dtype, flat, strides, extents, base=offset, low=-offset, high=high
            )
        if m.space == "const":
            values = np.array(m.data, arithmetic.register_type(m.dtype))
            data = arithmetic.to_memory(values, m.dtype)
            return Array(m.name, m.dtype, data, strides, extents)
        if m.size is None:
            return self._dynamic_shared(m, lanes, strides, extents)
        owners, count, row = np.arange(lanes.count), lanes.count, m.size
        if m.space == "shared":
            owners, count = lanes.block_in_chunk, lanes.blocks
            # Each copy begins where an element of any type may, for the sake of views.
            row = -(-m.size * m.dtype.itemsize // 16) * 16 // m.dtype.itemsize
        data = np.zeros(count * row, arithmetic.memory_type(m.dtype))
        return Array(m.name, m.dtype, data, strides, extents, base=owners * row, high=m.size)

    def _dynamic_shared(
        self, m: ir.Mem, lanes: Lanes, strides: tuple[int, ...], extents: tuple[int | None, ...]
    ) -> Array:
        """All dynamic shared arrays of a kernel begin at the same address, as CUDA's do."""
        row = -(-self.shared_bytes // 16) * 16
        if self._dynamic is None or self._dynamic[0] is not lanes:
            self._dynamic = lanes, np.zeros(lanes.blocks * row, np.uint8)
        data = self._dynamic[1].view(arithmetic.memory_type(m.dtype))
        base = lanes.block_in_chunk * (row // m.dtype.itemsize)
        high = self.shared_bytes // m.dtype.itemsize
        return Array(m.name, m.dtype, data, strides, extents, base=base, high=high)


def _buffer(p: ir.Param, argument: Any) -> tuple[np.ndarray[Any, Any], int]:
    flat, offset = argument
    if not isinstance(flat, np.ndarray) or flat.ndim != 1:
        raise ArgumentTypeError(f"argument {p.name} must be a flat NumPy array, not {type(flat)}")
    # By name, so that bfloat16 arrays are taken without importing the package that made them.
    if flat.dtype.name != p.dtype.name and flat.dtype != arithmetic.memory_type(p.dtype):
        raise ArgumentTypeError(f"argument {p.name} is {flat.dtype}, must be {p.dtype.name}")
    if p.written and not flat.flags.writeable:
        raise LaunchError(f"argument {p.name} is read-only, but the kernel writes to it")
    return flat, int(offset)


def _scalar(p: ir.Param, argument: Any) -> arithmetic.Value:
    value = np.asarray(argument)
    if value.ndim or not (value.dtype.kind in "biuf" or value.dtype.name == "bfloat16"):
        raise ArgumentTypeError(f"argument {p.name} must be a number, not {argument!r}")
    if p.dtype.is_float:
        return arithmetic.from_double(np.float64(float(argument)), p.dtype)
    if p.dtype.is_bool:
        return np.bool_(argument)
    info = np.iinfo(arithmetic.register_type(p.dtype))
    if int(argument) != argument or not info.min <= int(argument) <= info.max:
        raise ArgumentTypeError(f"argument {p.name} = {argument} does not fit {p.dtype.name}")
    return info.dtype.type(int(argument))
