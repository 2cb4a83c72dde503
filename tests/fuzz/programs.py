"""Random structured kernels, free of races by construction, with everything a launch needs.

A thread writes only its own slots of global memory; shared memory is exchanged between two barriers;
atomics on common elements commute and drop their results; a shuffle's value is used only where the
lane it comes from takes part. Barriers stand where the threads of a block that still live go
together. So every order of threads gives the same bits, and any difference is a bug.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.intrinsics import INTRINSICS
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
    masked,
    random_value,
    u32,
)  # fmt: skip

BLOCKS = (
    (32, 1, 1), (64, 1, 1), (256, 1, 1), (7, 1, 1), (33, 1, 1), (100, 1, 1), (1, 1, 1),
    (16, 16, 1), (8, 4, 2), (5, 3, 2), (48, 2, 1),
)  # fmt: skip
GRIDS = ((1, 1, 1), (3, 1, 1), (2, 2, 1), (1, 2, 2))
INPUT = 64  # elements of a read-only array
SLOTS = 4  # of a thread in an output array that random stores use; locals come after them
COUNTERS = 32  # elements of an array of atomics
APPROXIMATE = tuple(r.name for r in INTRINSICS.values() if r.domain == "float" and max(r.ulp) > 0)
_COMMUTING = ("add", "sub", "min", "max", "and", "or", "xor")
_RETURNING = ("add", "sub", "min", "max", "exch")


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


def generate(seed: int) -> Program:
    """The program of a seed."""
    return _Generator(seed).program()


@dataclass(frozen=True, slots=True)
class _Flow:
    """Where a statement stands.

    Attributes:
        depth: Nesting.
        together: Whether the block's living threads execute it together.
        loop: Whether break and continue may be used: "no", "uniform" (under uniform conditions
            only, because the loop holds barriers) or "any".
        label: A scope that may be left, and whether only under uniform conditions.
        trips: Product of the trip counts around it.
    """

    depth: int = 0
    together: bool = True
    loop: str = "no"
    label: str | None = None
    label_uniform: bool = False
    trips: int = 1


class _Generator:
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
        self.side_by_side: set[str] = set()  # output arrays where a slot's elements are neighbours
        self.budget = rng.choice((4, 6, 8, 10, 12, 15, 20, 30))
        self.shared_bytes = 0

    def _types(self) -> list[DType]:
        rng = self.rng
        types = [i32, b]
        for t in rng.sample(INTEGERS, rng.randint(0, 1)) + rng.sample(FLOATS, rng.randint(0, 1)):
            if t not in types:
                types.append(t)
        if dtypes.float32 not in types and rng.random() < 0.5:
            types.append(dtypes.float32)
        return types

    # ---- the whole

    def program(self) -> Program:
        k = self.kernel
        self._declare()
        prologue = self._prologue()
        body = self._list(_Flow(), 8)
        k.body = prologue + body + self._epilogue()
        for p in k.params:
            if p.kind == "buffer" and p.name not in self.sizes:
                raise AssertionError(f"buffer {p.name} has no size")
        return Program(
            self.seed, k, self.grid, self.block, self.shared_bytes, self.scalars, self.sizes,
            self.ulps,
        )  # fmt: skip

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
        self.kernel.locals |= {"g": i32, "t": i32}
        self.scope.varying |= {"g": i32, "t": i32}

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
        k.params.append(ir.Param(name, "buffer", t, len(k.params), written=True))
        k.mems[name] = ir.Mem(name, t, "global", (None,), (1,))
        self.sizes[name] = self.total * slots
        self.slots[name] = slots
        if self.rng.random() < 0.5:
            self.side_by_side.add(name)

    def _affine_input(self, t: DType) -> None:
        """A read-only array that threads read at steps of their number."""
        k, name = self.kernel, f"a_{t.short}"
        k.params.append(ir.Param(name, "buffer", t, len(k.params)))
        k.mems[name] = ir.Mem(name, t, "global", (None,), (1,))
        self.sizes[name] = 2 * self.total + AFFINE_ROOM
        self.scope.arrays.append(Readable(name, t, (self.total,), affine=True))

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
            else:
                k = self.kernel
                k.params.append(ir.Param(name, "buffer", t, len(k.params), written=True))
                k.mems[name] = ir.Mem(name, t, "global", (None,), (1,))
                self.sizes[name] = COUNTERS
            self.counters.append((name, op, t, COUNTERS))

    def _prologue(self) -> list[ir.Stmt]:
        """Thread numbers, first values of all locals, zeros in shared and local arrays."""
        out: list[ir.Stmt] = [
            ir.Assign("t", _linear("thread", "block_dim")),
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
        zeros: list[ir.Stmt] = [self._zeros_shared(m) for m in self.shared]
        zeros += [
            self._zeros_counters(name, t, size)
            for name, _, t, size in self.counters
            if self.kernel.mems[name].space == "shared"
        ]
        return [*out, *zeros, *([ir.Barrier()] if zeros else [])]

    def _zeros_shared(self, m: ir.Mem) -> ir.Stmt:
        store = ir.Store(m.name, (_local("t"),), const(zero(m.dtype), m.dtype))
        return ir.Scope(f"init.{m.name}", [store])

    def _zeros_counters(self, name: str, t: DType, size: int) -> ir.Stmt:
        """Blocks may be smaller than the array, so one thread goes through all of it."""
        self.kernel.locals["z"] = i32
        store = ir.Store(name, (_local("z"),), const(0, t))
        loop = ir.For("z", const(0, i32), const(size, i32), const(1, i32), [store])
        first = ir.If(ir.Compare("eq", _local("t"), const(0, i32)), [loop])
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
        thread = _local("g")
        if name in self.side_by_side:
            index = _plus(thread, const(slot * self.total, i32))
        else:
            index = _plus(_times(thread, const(self.slots[name], i32)), const(slot, i32))
        return (ir.Cast(index, i64) if self.rng.random() < 0.3 else index,)

    def _slot_store(self, t: DType, slot: int, value: ir.Expr) -> ir.Stmt:
        return ir.Store(f"o_{t.short}", self._slot(f"o_{t.short}", slot), value)

    # ---- statements

    def _list(self, flow: _Flow, most: int) -> list[ir.Stmt]:
        out: list[ir.Stmt] = []
        for _ in range(self.rng.randint(1, most)):
            if self.budget <= 0:
                break
            self.budget -= 1
            out += self._statement(flow)
        return out or [self._assign(flow)]

    def _statement(self, flow: _Flow) -> list[ir.Stmt]:
        deep = flow.depth >= 4
        choices: list[tuple[int, Callable[[_Flow], list[ir.Stmt]]]] = [
            (30, lambda f: [self._assign(f)]),
            (8, self._store),
            (3 if flow.together else 0, self._block_store),
            (4, self._local_store),
            (3, self._approximate),
            (5, self._atomic),
            (3, self._atomic_result),
            (6, self._warp),
            (0 if deep else 16, self._if),
            (0 if deep else 8, self._for),
            (0 if deep else 6, self._while),
            (0 if deep else 4, self._scope),
            (10 if flow.together and self.shared else 0, self._exchange),
            (5 if flow.together and self.counters else 0, self._shared_atomics),
            (4 if flow.together else 0, self._vote),
            (7 if flow.loop != "no" else 0, self._jump),
            (4 if flow.label is not None else 0, self._exit),
            (4 if flow.depth else 1, self._return),
        ]
        weights = [w for w, _ in choices]
        return self.rng.choices([make for _, make in choices], weights)[0](flow)

    def _assign(self, flow: _Flow) -> ir.Stmt:
        scope, rng = self.scope, self.rng
        uniform = [n for n in scope.uniform if n.startswith("u_")]
        if flow.together and uniform and rng.random() < 0.25:
            name = rng.choice(uniform)
            return ir.Assign(name, self.expr.make(scope.uniform[name], 3, uniform=True))
        name = rng.choice([n for t in self.types for n in self.locals_of[t] if n in scope.varying])
        return ir.Assign(name, self.expr.make(scope.varying[name], 3))

    def _store(self, flow: _Flow) -> list[ir.Stmt]:
        t = self.rng.choice(self.types)
        return [self._slot_store(t, self.rng.randrange(SLOTS), self.expr.make(t, 3))]

    def _block_store(self, flow: _Flow) -> list[ir.Stmt]:
        """A store to one element of the block: by one thread, or the same value by all."""
        t = self.rng.choice(self.types)
        name, k = f"q_{t.short}", self.kernel
        blocks = self.total // self.threads
        if name not in k.mems:
            k.params.append(ir.Param(name, "buffer", t, len(k.params), written=True))
            k.mems[name] = ir.Mem(name, t, "global", (None,), (1,))
            self.sizes[name] = 0
        # Each statement has its own elements, so no two of them race.
        start = self.sizes[name]
        self.sizes[name] += blocks
        index = (_plus(_linear("block", "grid_dim"), const(start, i32)),)
        if self.rng.random() < 0.5:
            return [ir.Store(name, index, self.expr.make(t, 2, uniform=True))]
        thread = const(self.rng.choice((0, 0, self.rng.randrange(self.threads))), i32)
        one = ir.Compare("eq", _local("t"), thread)
        return [ir.If(one, [ir.Store(name, index, self.expr.make(t, 3))])]

    def _local_store(self, flow: _Flow) -> list[ir.Stmt]:
        arrays = [a for a in self.scope.arrays if a.per_thread]
        if not arrays:
            return [self._assign(flow)]
        a = self.rng.choice(arrays)
        return [ir.Store(a.mem, self.expr.index(a, 2), self.expr.make(a.dtype, 2))]

    def _approximate(self, flow: _Flow) -> list[ir.Stmt]:
        """A function that is not exact: its value goes to memory and nowhere else."""
        floats = [t for t in self.types if t in (dtypes.float32, dtypes.float64)]
        if not floats:
            return [self._assign(flow)]
        t, rng = self.rng.choice(floats), self.rng
        name = rng.choice(APPROXIMATE)
        row = INTRINSICS[name]
        arguments = tuple(self.expr.make(t, 2) for _ in range(row.arity))
        mem = f"m_{t.short}"
        if mem not in self.kernel.mems:
            self._output(mem, t, SLOTS)
            self.side_by_side.add(mem)
            self.ulps[mem] = []
        if len(self.ulps[mem]) == SLOTS:
            return [self._assign(flow)]
        self.ulps[mem].append(row.ulp[t is dtypes.float64])
        index = self._slot(mem, len(self.ulps[mem]) - 1)
        return [ir.Store(mem, index, ir.Call(name, arguments, t))]

    def _atomic(self, flow: _Flow) -> list[ir.Stmt]:
        counters = [c for c in self.counters if self.kernel.mems[c[0]].space == "global"]
        if not counters:
            return [self._assign(flow)]
        name, op, t, size = self.rng.choice(counters)
        index = masked(self.expr.make(i32, 2), self.rng.choice((1, 4, size)))
        return [ir.Atomic(op, name, (index,), self.expr.make(t, 2))]

    def _atomic_result(self, flow: _Flow) -> list[ir.Stmt]:
        """An atomic on the thread's own slot: no other thread sees it, so its result is known."""
        types = [t for t in self.types if not t.is_bool and t.bits >= 32]
        t = self.rng.choice(types)
        op = self.rng.choice(_RETURNING if not t.is_float else ("add", "exch"))
        if t.kind == "uint":
            op = self.rng.choice((*_RETURNING, "inc", "dec"))
        compare = None
        if not t.is_float and self.rng.random() < 0.2:
            op, compare = "cas", self.expr.make(t, 1)
        result = self.rng.choice([n for n in self.locals_of[t] if n in self.scope.varying])
        index = self._slot(f"o_{t.short}", self.rng.randrange(SLOTS))
        return [ir.Atomic(op, f"o_{t.short}", index, self.expr.make(t, 2), compare, result)]

    # ---- control flow

    def _if(self, flow: _Flow) -> list[ir.Stmt]:
        uniform = flow.together and self.rng.random() < 0.5
        inner = replace(flow, depth=flow.depth + 1, together=uniform)
        if not uniform:
            inner = _diverged(inner)
        orelse = self._list(inner, 3) if self.rng.random() < 0.45 else []
        return [ir.If(self.expr.condition(uniform), self._list(inner, 4), orelse)]

    def _body_flow(self, flow: _Flow, uniform: bool, trips: int) -> _Flow:
        flow = replace(flow, depth=flow.depth + 1, together=uniform, trips=flow.trips * trips)
        if not uniform:
            flow = _diverged(flow)
        return replace(flow, loop="uniform" if uniform else "any")

    def _for(self, flow: _Flow) -> list[ir.Stmt]:
        rng = self.rng
        if flow.trips > 30:
            return [self._assign(flow)]
        uniform = flow.together and rng.random() < 0.6
        t = rng.choice([t for t in self.types if t.is_integer and t.bits >= 32])
        name = self._fresh("n", t)
        stop: ir.Expr = const(rng.randint(1, 6), t)
        start: ir.Expr = const(0, t)
        if rng.random() < 0.5:
            stop = masked(self.expr.make(t, 2, uniform), 8)
        if rng.random() < 0.3:
            start = masked(self.expr.make(t, 1, uniform), 4)
        step: ir.Expr = const(rng.choice((1, 1, 1, 2, 3)), t)
        if t.is_signed and rng.random() < 0.25:
            start, stop, step = stop, start, const(rng.choice((-1, -2)), t)
        elif rng.random() < 0.15:
            step = binary("add", masked(self.expr.make(t, 1, uniform), 2), const(1, t))
        pool = self.scope.uniform if uniform else self.scope.varying
        pool[name] = t
        body = self._list(self._body_flow(flow, uniform, 4), 4)
        del pool[name]
        return [ir.For(name, start, stop, step, body, unroll=rng.random() < 0.2)]

    def _while(self, flow: _Flow) -> list[ir.Stmt]:
        rng = self.rng
        if flow.trips > 30:
            return [self._assign(flow)]
        uniform = flow.together and rng.random() < 0.5
        name = self._fresh("w", i32)
        limit = ir.Compare("lt", ir.Local(name, i32), const(rng.randint(1, 6), i32))
        condition: ir.Expr = limit
        if rng.random() < 0.7:
            condition = ir.Logical("and", limit, self.expr.condition(uniform))
        pool = self.scope.uniform if uniform else self.scope.varying
        pool[name] = i32
        body = self._list(self._body_flow(flow, uniform, 4), 4)
        del pool[name]
        count: ir.Stmt = ir.Assign(name, binary("add", ir.Local(name, i32), const(1, i32)))
        start = ir.Assign(name, const(0, i32))
        if rng.random() < 0.4:  # counted in the body, so that continue needs no post
            return [start, ir.While(condition, [count, *body])]
        return [start, ir.While(condition, body, [count])]

    def _scope(self, flow: _Flow) -> list[ir.Stmt]:
        label = self._name("leave")
        uniform = flow.together and self.rng.random() < 0.5
        inner = replace(
            flow, depth=flow.depth + 1, together=uniform, label=label, label_uniform=uniform
        )
        if not uniform:
            inner = replace(_diverged(inner), label=label, label_uniform=False)
        return [ir.Scope(label, self._list(inner, 4))]

    def _jump(self, flow: _Flow) -> list[ir.Stmt]:
        uniform = flow.loop == "uniform"
        if uniform and not flow.together:
            return [self._assign(flow)]
        jump: ir.Stmt = ir.Break() if self.rng.random() < 0.5 else ir.Continue()
        return [ir.If(self.expr.condition(uniform), [jump])]

    def _exit(self, flow: _Flow) -> list[ir.Stmt]:
        assert flow.label is not None
        if flow.label_uniform and not flow.together:
            return [self._assign(flow)]
        return [ir.If(self.expr.condition(flow.label_uniform), [ir.Exit(flow.label)])]

    def _return(self, flow: _Flow) -> list[ir.Stmt]:
        """Few threads return, or later statements would have none left to run them."""
        thread = ir.Compare("eq", masked(self.expr.make(i32, 2), 16), const(3, i32))
        return [ir.If(thread, [*self._epilogue(), ir.Return()])]

    # ---- threads together

    def _exchange(self, flow: _Flow) -> list[ir.Stmt]:
        """Each thread writes its element of a shared array, then reads any other's."""
        m = self.rng.choice(self.shared)
        t = m.dtype
        size = const(self.threads, i32)
        other = binary("mod", self.expr.make(i32, 2), size)
        if self.rng.random() < 0.6:
            turn = const(self.rng.randint(1, self.threads), i32)
            other = binary("rem", binary("add", _local("t"), turn), size)
        result = self.rng.choice([n for n in self.locals_of[t] if n in self.scope.varying])
        write: ir.Stmt = ir.Store(m.name, (_local("t"),), self.expr.make(t, 3))
        if self.rng.random() < 0.3:
            write = ir.If(self.expr.condition(), [write])
        read: ir.Stmt = ir.Assign(result, ir.Load(m.name, (other,), t))
        if self.rng.random() < 0.3:
            read = ir.If(self.expr.condition(), [read])
        steps = [write, ir.Barrier(), read, ir.Barrier()]
        return [ir.Scope(self._name("exchange"), steps)]

    def _shared_atomics(self, flow: _Flow) -> list[ir.Stmt]:
        counters = [c for c in self.counters if self.kernel.mems[c[0]].space == "shared"]
        if not counters:
            return [self._assign(flow)]
        name, op, t, size = self.rng.choice(counters)
        index = masked(self.expr.make(i32, 2), self.rng.choice((1, 8, size)))
        update: ir.Stmt = ir.Atomic(op, name, (index,), self.expr.make(t, 2))
        if self.rng.random() < 0.5:
            update = ir.If(self.expr.condition(), [update])
        result = self.rng.choice([n for n in self.locals_of[t] if n in self.scope.varying])
        read = ir.Assign(result, ir.Load(name, (masked(self.expr.make(i32, 2), size),), t))
        return [ir.Scope(self._name("exchange"), [update, ir.Barrier(), read, ir.Barrier()])]

    def _vote(self, flow: _Flow) -> list[ir.Stmt]:
        """A combining barrier; its result is the same in all threads of the block."""
        kind: ir.BarrierKind = self.rng.choice(("count", "and", "or"))
        names = [n for n in self.scope.uniform if n == "u_i32"]
        names += [n for n in self.locals_of[i32] if n in self.scope.varying]
        return [ir.Barrier(kind, self.expr.condition(), self.rng.choice(names))]

    def _warp(self, flow: _Flow) -> list[ir.Stmt]:
        return self._shuffle() if self.rng.random() < 0.5 else self._warp_vote()

    def _warp_vote(self) -> list[ir.Stmt]:
        rng = self.rng
        op = rng.choice(("ballot", "any", "all", "uni", "match_any", "activemask", "reduce"))
        if op == "reduce":
            op = "reduce_" + rng.choice(("add", "min", "max", "and", "or", "xor"))
            t = rng.choice([t for t in self.types if t.is_integer])
            result = rng.choice([n for n in self.locals_of[t] if n in self.scope.varying])
            return [ir.Warp(op, (self.expr.make(t, 2),), result)]
        word = self._fresh("v", b if op in ("any", "all", "uni") else u32)
        arguments: tuple[ir.Expr, ...] = ()
        if op == "match_any":
            t = rng.choice([t for t in self.types if t.is_integer and t.bits >= 32])
            arguments = (masked(self.expr.make(t, 2), 4),)
        elif op != "activemask":
            arguments = (self.expr.condition(),)
        word_type = self.kernel.locals[word]
        t = b if word_type is b else i32
        result = rng.choice([n for n in self.locals_of[t] if n in self.scope.varying])
        value = ir.Local(word, word_type)
        return [
            ir.Warp(op, arguments, word),
            ir.Assign(result, value if t is b else ir.Bitcast(value, i32)),
        ]

    def _shuffle(self) -> list[ir.Stmt]:
        """A shuffle whose value is used where its source lane takes part."""
        rng = self.rng
        t = rng.choice(self.types)
        result = rng.choice([n for n in self.locals_of[t] if n in self.scope.varying])
        members, taken = self._fresh("m", u32), self._fresh("x", t)
        width = rng.choice((32, 32, 32, 16, 8, 4, 2, 1))
        lane = ir.Cast(ir.Special("lane"), u32)
        op = rng.choice(("shfl_idx", "shfl_up", "shfl_down", "shfl_xor"))
        by: ir.Expr = const(rng.choice((0, 1, 2, 4, 8, 16, 31)), u32)
        if rng.random() < 0.3:
            by = ir.Cast(masked(self.expr.make(i32, 2), 32), u32)
        source: ir.Expr
        if op == "shfl_idx":
            by = masked(by, width)
            source = binary("or", binary("and", lane, const(32 - width, u32)), by)
        else:
            source = binary({"shfl_up": "sub", "shfl_down": "add"}.get(op, "xor"), lane, by)  # type: ignore[arg-type]
        # A source out of the segment gives the lane's own value, which is always there.
        elsewhere = ir.Compare("ge", binary("xor", source, lane), const(width, u32))
        bit = binary(
            "and", binary("shr", ir.Local(members, u32), masked(source, 32)), const(1, u32)
        )
        defined = ir.Logical("or", elsewhere, ir.Compare("ne", bit, const(0, u32)))
        nothing = const(zero(t), t)
        steps: list[ir.Stmt] = [
            ir.Warp("activemask", (), members),
            ir.Warp(
                op,
                (self.expr.make(t, 2), by),
                taken,
                None if width == 32 and rng.random() < 0.7 else const(width, i32),
                ir.Local(members, u32) if rng.random() < 0.3 else None,
            ),
            ir.Assign(result, ir.Select(defined, ir.Local(taken, t), nothing, t)),
        ]
        return [ir.Scope(self._name("exchange"), steps)]

    # ---- names

    def _name(self, stem: str) -> str:
        self.names += 1
        return f"{stem}.{self.names}"

    def _fresh(self, stem: str, t: DType) -> str:
        name = self._name(stem)
        self.kernel.locals[name] = t
        return name


def _diverged(flow: _Flow) -> _Flow:
    """Flow in a part of the threads: what others wait for must not be left from here."""
    return replace(
        flow,
        loop="no" if flow.loop == "uniform" else flow.loop,
        label=None if flow.label_uniform else flow.label,
    )


def zero(t: DType) -> int | float | bool:
    return False if t.is_bool else 0.0 if t.is_float else 0


def _local(name: str) -> ir.Expr:
    return ir.Local(name, i32)


def _row_major(shape: tuple[int | None, ...]) -> tuple[int, ...]:
    strides, step = [], 1
    for extent in reversed(shape):
        strides.append(step)
        step *= extent or 1
    return tuple(reversed(strides))


def _linear(kind: ir.SpecialKind, shape: ir.SpecialKind) -> ir.Expr:
    """x + extent_x * (y + extent_y * z)."""
    inner = _plus(ir.Special(kind, 1), _times(ir.Special(shape, 1), ir.Special(kind, 2)))
    return _plus(ir.Special(kind, 0), _times(ir.Special(shape, 0), inner))


def _global_thread() -> ir.Expr:
    size = _times(
        _times(ir.Special("block_dim", 0), ir.Special("block_dim", 1)), ir.Special("block_dim", 2)
    )
    return _plus(_times(_linear("block", "grid_dim"), size), _local("t"))


def _plus(left: ir.Expr, right: ir.Expr) -> ir.Expr:
    return binary("add", left, right, nowrap=True)


def _times(left: ir.Expr, right: ir.Expr) -> ir.Expr:
    return binary("mul", left, right, nowrap=True)
