"""What a random program stands in: its launch, arrays, locals, first values and last stores."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.dtypes import DType
from tests.fuzz.expressions import (
    AFFINE_ROOM,
    FLOATS,
    INTEGERS,
    Expressions,
    Readable,
    Scope,
    b,
    binary,
    const,
    i32,
    i64,
    random_value,
)
from tests.fuzz.views import ARENA, Views

BLOCKS = (
    (32, 1, 1), (64, 1, 1), (256, 1, 1), (7, 1, 1), (33, 1, 1), (100, 1, 1), (1, 1, 1),
    (16, 16, 1), (8, 4, 2), (5, 3, 2), (48, 2, 1),
)  # fmt: skip
GRIDS = ((1, 1, 1), (3, 1, 1), (2, 2, 1), (1, 2, 2))
INPUT = 64  # elements of a read-only array
SLOTS = 4  # of a thread in an output array that random stores use; locals come after them
COUNTERS = 32  # elements of an array of atomics
_COMMUTING = ("add", "sub", "min", "max", "and", "or", "xor")


@dataclass(slots=True)
class Program:
    """A kernel and one launch of it.

    Attributes:
        seed: What it was made from.
        kernel: The kernel.
        grid, block: Launch shape.
        shared_bytes: Dynamic shared memory.
        scalars: Values of scalar, extent and stride parameters.
        sizes: For each buffer its elements.
        ulps: For a buffer of approximate results, what each slot of a thread may be off by.
    """

    seed: int
    kernel: ir.Kernel
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    shared_bytes: int
    scalars: dict[str, int | float | bool]
    sizes: dict[str, int]
    ulps: dict[str, list[int]] = field(default_factory=dict)

    def buffers(self) -> dict[str, np.ndarray[Any, Any]]:
        """New buffers with the launch's contents."""
        made = {}
        for p in self.kernel.params:
            if p.kind == "buffer":
                # One generator each, so that a shrunk program's other buffers stay what they were.
                rng = random.Random(f"{self.seed} {p.name}")
                made[p.name] = _array(rng, p, self.sizes[p.name])
        return made

    def with_body(self, body: list[ir.Stmt]) -> Program:
        """The same launch of a kernel with another body."""
        return replace(self, kernel=self.kernel.with_body(body))


def _array(rng: random.Random, p: ir.Param, size: int) -> np.ndarray[Any, Any]:
    if p.written:
        return np.zeros(size, p.dtype.numpy)
    return np.array([random_value(rng, p.dtype) for _ in range(size)], p.dtype.numpy)


class Setting:
    """Declares what a program has; the statements come from who derives from it."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rng = rng = random.Random(seed)
        self.block = rng.choice(BLOCKS)
        self.grid = rng.choice(GRIDS)
        self.threads = self.block[0] * self.block[1] * self.block[2]
        self.types = self._types()
        self.scope = Scope()
        self.expr = Expressions(rng, self.scope, self.types)
        self.kernel = ir.Kernel(f"fuzz{seed}", [], {}, {}, [], contract=False)
        self.scalars: dict[str, int | float | bool] = {}
        self.sizes: dict[str, int] = {}
        self.ulps: dict[str, list[int]] = {}
        self.approximate: dict[DType, list[str]] = {}
        self.shared: list[ir.Mem] = []
        self.counters: list[tuple[str, str, DType, int]] = []  # mem, op, dtype, size
        self.names = 0
        self.total = self.grid[0] * self.grid[1] * self.grid[2] * self.threads
        self.slots: dict[str, int] = {}  # of each output array
        self.packed: dict[DType, int] = {}  # elements of a thread's struct, where there is one
        self.side_by_side: set[str] = set()  # output arrays where a slot's elements are neighbours
        self.budget = rng.choice((4, 6, 8, 10, 12, 15, 20, 30))
        self.shared_bytes = 0
        self.views = Views(seed, self.kernel, self.sizes)

    def _types(self) -> list[DType]:
        rng = self.rng
        types = [i32, b]
        for t in rng.sample(INTEGERS, rng.randint(0, 1)) + rng.sample(FLOATS, rng.randint(0, 1)):
            if t not in types:
                types.append(t)
        if dtypes.float32 not in types and rng.random() < 0.5:
            types.append(dtypes.float32)
        return types

    def _declare(self) -> None:
        rng = self.rng
        for t in self.types:
            self._param(f"p_{t.short}", t)
            if t is not b or rng.random() < 0.5:
                self._input(t)
            if rng.random() < 0.5:
                self._affine_input(t)
            for n in range(rng.randint(1, 2)):
                self._local(f"{t.short}{n}", t, self.scope.varying)
            if rng.random() < 0.5:
                self._local(f"u_{t.short}", t, self.scope.uniform)
            if rng.random() < 0.3:
                size = rng.choice((4, 8))
                self._mem(f"l_{t.short}", t, "local", (size,))
                self.scope.arrays.append(Readable(f"l_{t.short}", t, (size,), per_thread=True))
            if rng.random() < 0.3:
                self._mem(f"c_{t.short}", t, "const", (8,))
                self.scope.arrays.append(Readable(f"c_{t.short}", t, (8,)))
            if rng.random() < 0.4:
                self._shared(t)
        for t in [t for t in self.types if t.is_integer and t.bits >= 32]:
            self._counters(t)
        self.locals_of = {
            t: [n for n, d in self.kernel.locals.items() if d is t] for t in self.types
        }
        for t in self.types:
            # A slot for each local's last value lets the epilogue show all of them.
            self._output(f"o_{t.short}", t, SLOTS + len(self.locals_of[t]))
        self._declare_views()
        self.kernel.locals |= {"g": i32, "t": i32}
        self.scope.varying |= {"g": i32, "t": i32}

    def _declare_views(self) -> None:
        for t in self.types:
            if self.views.wanted(0.25):
                self._packed_array(t)
        if self.views.wanted(0.3):
            self.views.declare_records(self.types, self.total)
        if self.views.wanted(0.3):
            dynamic = not self.shared_bytes and self.views.wanted(0.5)
            self.views.declare_arena(self.types, self.threads, dynamic=dynamic)
            self.shared += self.views.arena
            if dynamic:
                self.shared_bytes = ARENA * self.threads

    def _param(self, name: str, t: DType) -> None:
        self.kernel.params.append(ir.Param(name, "scalar", t, len(self.kernel.params)))
        self.scope.params[name] = t
        self.scalars[name] = random_value(self.rng, t)

    def _local(self, name: str, t: DType, where: dict[str, DType]) -> None:
        self.kernel.locals[name] = t
        where[name] = t

    def _mem(self, name: str, t: DType, space: ir.Space, shape: tuple[int | None, ...]) -> ir.Mem:
        data = None
        if space == "const":
            data = tuple(random_value(self.rng, t) for _ in range(shape[0] or 0))
        mem = ir.Mem(name, t, space, shape, _row_major(shape), data)
        self.kernel.mems[name] = mem
        return mem

    def _input(self, t: DType) -> None:
        """A read-only array; some are matrices whose extents and strides are parameters."""
        name, k = f"i_{t.short}", self.kernel
        if not t.is_bool and self.views.wanted(0.2):
            scale = self.views.buffer(name, t, INPUT)
            self.scope.arrays.append(Readable(name, t, (INPUT,), scale=scale))
            return
        argument = len(k.params)
        k.params.append(ir.Param(name, "buffer", t, argument))
        self.sizes[name] = INPUT
        if self.rng.random() < 0.6:
            k.mems[name] = ir.Mem(name, t, "global", (INPUT,), (1,))
            self.scope.arrays.append(Readable(name, t, (INPUT,)))
            return
        shape, strides = [], []
        for axis, (extent, stride) in enumerate(((8, 8), (8, 1))):
            k.params.append(ir.Param(f"{name}.shape{axis}", "extent", i64, argument, axis))
            self.scalars[f"{name}.shape{axis}"] = extent
            shape.append(ir.ParamRef(f"{name}.shape{axis}", i64))
            if axis == 0:
                k.params.append(ir.Param(f"{name}.stride{axis}", "stride", i64, argument, axis))
                self.scalars[f"{name}.stride{axis}"] = stride
                strides.append(ir.ParamRef(f"{name}.stride{axis}", i64))
        k.mems[name] = ir.Mem(name, t, "global", tuple(shape), (*strides, 1))
        self.scope.arrays.append(Readable(name, t, (8, 8)))

    def _output(self, name: str, t: DType, slots: int) -> None:
        """A written array with ``slots`` elements for each thread of the launch."""
        k = self.kernel
        # Floats are compared as floats, because the bits of a NaN are open.
        if t.is_integer and self.views.wanted(0.2):
            self.views.buffer(name, t, self.total * slots, written=True)
        else:
            k.params.append(ir.Param(name, "buffer", t, len(k.params), written=True))
            k.mems[name] = ir.Mem(name, t, "global", (None,), (1,))
            self.sizes[name] = self.total * slots
        self.slots[name] = slots
        if self.rng.random() < 0.5:
            self.side_by_side.add(name)

    def _packed_array(self, t: DType) -> None:
        """An array of small structs, one of each thread, which it alone loads and stores."""
        name, width, k = f"k_{t.short}", self.views.width(), self.kernel
        if t.is_integer and self.views.wanted(0.4):
            self.views.buffer(name, t, self.total * width, written=True)
        else:
            k.params.append(ir.Param(name, "buffer", t, len(k.params), written=True))
            k.mems[name] = ir.Mem(name, t, "global", (None,), (1,))
            self.sizes[name] = self.total * width
        self.packed[t] = width

    def _affine_input(self, t: DType) -> None:
        """A read-only array that threads read at steps of their number."""
        k, name = self.kernel, f"a_{t.short}"
        count, scale = 2 * self.total + AFFINE_ROOM, 1
        if not t.is_bool and self.views.wanted(0.3):
            scale = self.views.buffer(name, t, count)
        else:
            k.params.append(ir.Param(name, "buffer", t, len(k.params)))
            k.mems[name] = ir.Mem(name, t, "global", (None,), (1,))
            self.sizes[name] = count
        self.scope.arrays.append(Readable(name, t, (self.total,), affine=True, scale=scale))

    def _shared(self, t: DType) -> None:
        dynamic = self.rng.random() < 0.3 and not self.shared_bytes
        name = f"s_{t.short}"
        self.shared.append(self._mem(name, t, "shared", (None if dynamic else self.threads,)))
        if dynamic:
            self.shared_bytes = self.threads * t.itemsize

    def _counters(self, t: DType) -> None:
        rng = self.rng
        for space in ("global", "shared"):
            if rng.random() < 0.5:
                continue
            name, op = f"{space[0]}c_{t.short}", rng.choice(_COMMUTING)
            if space == "shared":
                self._mem(name, t, "shared", (COUNTERS,))
            elif self.views.wanted(0.3):
                self.views.buffer(name, t, COUNTERS, written=True)
            else:
                k = self.kernel
                k.params.append(ir.Param(name, "buffer", t, len(k.params), written=True))
                k.mems[name] = ir.Mem(name, t, "global", (None,), (1,))
                self.sizes[name] = COUNTERS
            self.counters.append((name, op, t, COUNTERS))

    def _prologue(self) -> list[ir.Stmt]:
        """Thread numbers, first values of all locals, zeros in shared and local arrays."""
        out: list[ir.Stmt] = [
            ir.Assign("t", linear("thread", "block_dim")),
            ir.Assign("g", _global_thread()),
        ]
        later = {n: self.scope.varying.pop(n) for n in list(self.scope.varying) if n not in "gt"}
        later |= {n: self.scope.uniform.pop(n) for n in list(self.scope.uniform)}
        arrays, self.scope.arrays = (
            self.scope.arrays,
            [a for a in self.scope.arrays if not a.per_thread],
        )
        for name, t in later.items():
            uniform = name.startswith("u_")
            out.append(ir.Assign(name, self.expr.make(t, 2, uniform)))
            (self.scope.uniform if uniform else self.scope.varying)[name] = t
        for a in arrays:
            if a.per_thread:
                first = [self.expr.make(a.dtype, 1) for _ in range(a.extents[0])]
                stores = [ir.Store(a.mem, (const(n, i32),), e) for n, e in enumerate(first)]
                out.append(ir.Scope(f"init.{a.mem}", list(stores)))
        self.scope.arrays = arrays
        zeros: list[ir.Stmt] = [self._zeros_shared(m) for m in self.shared if m.of is None]
        zeros += self.views.zero_arena(local("t"))
        zeros += [
            self._zeros_counters(name, t, size)
            for name, _, t, size in self.counters
            if self.kernel.mems[name].space == "shared"
        ]
        return [*out, *zeros, *([ir.Barrier()] if zeros else [])]

    def _zeros_shared(self, m: ir.Mem) -> ir.Stmt:
        store = ir.Store(m.name, (local("t"),), const(zero(m.dtype), m.dtype))
        return ir.Scope(f"init.{m.name}", [store])

    def _zeros_counters(self, name: str, t: DType, size: int) -> ir.Stmt:
        """Blocks may be smaller than the array, so one thread goes through all of it."""
        self.kernel.locals["z"] = i32
        store = ir.Store(name, (local("z"),), const(0, t))
        loop = ir.For("z", const(0, i32), const(size, i32), const(1, i32), [store])
        first = ir.If(ir.Compare("eq", local("t"), const(0, i32)), [loop])
        return ir.Scope(f"init.{name}", [first])

    def _epilogue(self) -> list[ir.Stmt]:
        """Every local's last value goes to the thread's slots, shared counters to global ones."""
        out: list[ir.Stmt] = []
        for t, names in self.locals_of.items():
            for n, name in enumerate(names):
                out.append(self._slot_store(t, SLOTS + n, ir.Local(name, t)))
        return out

    # ---- slots

    def _slot(self, name: str, slot: int) -> tuple[ir.Expr, ...]:
        """Index of the thread's own element of an output array."""
        thread = local("g")
        if name in self.side_by_side:
            index = plus(thread, const(slot * self.total, i32))
        else:
            index = plus(times(thread, const(self.slots[name], i32)), const(slot, i32))
        index = self.views.at(name, index)
        return (ir.Cast(index, i64) if self.rng.random() < 0.3 else index,)

    def _slot_store(self, t: DType, slot: int, value: ir.Expr) -> ir.Stmt:
        return ir.Store(f"o_{t.short}", self._slot(f"o_{t.short}", slot), value)

    # ---- names

    def _name(self, stem: str) -> str:
        self.names += 1
        return f"{stem}.{self.names}"

    def _fresh(self, stem: str, t: DType) -> str:
        name = self._name(stem)
        self.kernel.locals[name] = t
        return name


def zero(t: DType) -> int | float | bool:
    return False if t.is_bool else 0.0 if t.is_float else 0


def local(name: str) -> ir.Expr:
    return ir.Local(name, i32)


def _row_major(shape: tuple[int | None, ...]) -> tuple[int, ...]:
    strides, step = [], 1
    for extent in reversed(shape):
        strides.append(step)
        step *= extent or 1
    return tuple(reversed(strides))


def linear(kind: ir.SpecialKind, shape: ir.SpecialKind) -> ir.Expr:
    """x + extent_x * (y + extent_y * z)."""
    inner = plus(ir.Special(kind, 1), times(ir.Special(shape, 1), ir.Special(kind, 2)))
    return plus(ir.Special(kind, 0), times(ir.Special(shape, 0), inner))


def _global_thread() -> ir.Expr:
    size = times(
        times(ir.Special("block_dim", 0), ir.Special("block_dim", 1)), ir.Special("block_dim", 2)
    )
    return plus(times(linear("block", "grid_dim"), size), local("t"))


def plus(left: ir.Expr, right: ir.Expr) -> ir.Expr:
    return binary("add", left, right, nowrap=True)


def times(left: ir.Expr, right: ir.Expr) -> ir.Expr:
    return binary("mul", left, right, nowrap=True)
