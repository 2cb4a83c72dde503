"""Random structured kernels, free of races by construction, with everything a launch needs.

A thread writes only its own slots of global memory; shared memory is exchanged between two barriers;
atomics on common elements commute and drop their results; a shuffle's value is used only where the
lane it comes from takes part. Barriers stand where the threads of a block that still live go
together. So every order of threads gives the same bits, and any difference is a bug.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.intrinsics import INTRINSICS
from accelerx.dtypes import DType
from tests.fuzz.expressions import b, binary, const, i32, i64, masked, u32
from tests.fuzz.setting import SLOTS, Program, Setting, linear, local, plus, times, zero

APPROXIMATE = tuple(r.name for r in INTRINSICS.values() if r.domain == "float" and max(r.ulp) > 0)
_RETURNING = ("add", "sub", "min", "max", "exch")
GRID_EVERY = 7  # programs


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


class _Generator(Setting):
    # ---- the whole

    def program(self) -> Program:
        k = self.kernel
        self._declare()
        prologue = self._prologue()
        body = self._list(_Flow(), 8)
        k.body = self._over_grid(prologue + body + self._epilogue())
        for p in k.params:
            if p.kind == "buffer" and p.name not in self.sizes:
                raise AssertionError(f"buffer {p.name} has no size")
        return Program(
            self.seed, k, self.grid, self.block, self.shared_bytes, self.scalars, self.sizes,
            self.ulps,
        )  # fmt: skip

    def _over_grid(self, body: list[ir.Stmt]) -> list[ir.Stmt]:
        """In some programs, the barriers that every block comes to are the whole grid's."""
        if self.seed % GRID_EVERY or ir.contains(body, ir.Return):
            return body
        return [
            replace(s, kind="grid") if isinstance(s, ir.Barrier) and s.kind == "sync" else s
            for s in body
        ]

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
            (8 if self.views.records else 0, self._record),
            (8 if self.packed else 0, self._fields),
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
        index = (plus(linear("block", "grid_dim"), const(start, i32)),)
        if self.rng.random() < 0.5:
            return [ir.Store(name, index, self.expr.make(t, 2, uniform=True))]
        thread = const(self.rng.choice((0, 0, self.rng.randrange(self.threads))), i32)
        one = ir.Compare("eq", local("t"), thread)
        return [ir.If(one, [ir.Store(name, index, self.expr.make(t, 3))])]

    def _local_store(self, flow: _Flow) -> list[ir.Stmt]:
        arrays = [a for a in self.scope.arrays if a.per_thread]
        if not arrays:
            return [self._assign(flow)]
        a = self.rng.choice(arrays)
        return [ir.Store(a.mem, self.expr.index(a, 2), self.expr.make(a.dtype, 2))]

    def _record(self, flow: _Flow) -> list[ir.Stmt]:
        """Loads or stores of the thread's own bytes, as different types over each other."""
        out: list[ir.Stmt] = []
        for _ in range(self.rng.randint(1, 3)):
            m = self.rng.choice(self.views.records)
            index = (self.views.field(m, local("g")),)
            if self.rng.random() < 0.5:
                out.append(ir.Store(m.name, index, self._bytes_of(m.dtype)))
            else:
                names = [n for n in self.locals_of[m.dtype] if n in self.scope.varying]
                load = ir.Load(m.name, index, m.dtype)
                out.append(ir.Assign(self.rng.choice(names), load))
        return out

    def _fields(self, flow: _Flow) -> list[ir.Stmt]:
        """Loads, then stores, of some fields of the thread's own struct."""
        rng = self.rng
        t, width = rng.choice(list(self.packed.items()))
        mem, wide = f"k_{t.short}", rng.random() < 0.3

        def field(n: int) -> tuple[ir.Expr, ...]:
            thread = plus(times(local("g"), const(width, i32)), const(n, i32))
            index = self.views.at(mem, thread if n else times(local("g"), const(width, i32)))
            return (ir.Cast(index, i64) if wide else index,)

        def some() -> list[int]:
            return rng.sample(range(width), rng.choice((0, 1, width, rng.randint(1, width))))

        names = [n for n in self.locals_of[t] if n in self.scope.varying]
        out: list[ir.Stmt] = []
        for n in some():
            value: ir.Expr = ir.Load(mem, field(n), t)
            if rng.random() < 0.3:
                value = ir.Select(self.expr.condition(), value, self.expr.make(t, 1), t)
            out.append(ir.Assign(rng.choice(names), value))
        for n in some():
            value = self.expr.make(t, 2)
            if rng.random() < 0.3:
                value = ir.Select(
                    self.expr.condition(), value, ir.Load(mem, field(rng.randrange(width)), t), t
                )
            out.append(ir.Store(mem, field(n), value))
        return out

    def _bytes_of(self, t: DType) -> ir.Expr:
        """A value whose bytes KIR defines."""
        value = self.expr.make(t, 3)
        return self.expr.number(value) if t.is_float else value

    def _approximate(self, flow: _Flow) -> list[ir.Stmt]:
        """A function that is not exact: its value goes to memory and nowhere else."""
        floats = [t for t in self.types if t in (dtypes.float32, dtypes.float64)]
        if not floats:
            return [self._assign(flow)]
        t, rng = self.rng.choice(floats), self.rng
        name = rng.choice(APPROXIMATE)
        row = INTRINSICS[name]
        arguments = tuple(self.expr.make(t, 2) for _ in range(row.arity))
        if name == "lgamma":  # its bound does not hold between its negative zeros
            arguments = (ir.Call("abs", arguments, t),)
        mem = f"m_{t.short}"
        if mem not in self.kernel.mems:
            self._output(mem, t, SLOTS)
            self.side_by_side.add(mem)
            self.ulps[mem] = []
        if len(self.ulps[mem]) == SLOTS:
            return [self._assign(flow)]
        ulp = row.ulp[t is dtypes.float64]
        if name == "lgamma" and t is dtypes.float64:
            ulp = 32  # the oracle, CPython's, is itself off by 15 near 1.5
        self.ulps[mem].append(ulp)
        index = self._slot(mem, len(self.ulps[mem]) - 1)
        return [ir.Store(mem, index, ir.Call(name, arguments, t))]

    def _atomic(self, flow: _Flow) -> list[ir.Stmt]:
        counters = [c for c in self.counters if self.kernel.mems[c[0]].space == "global"]
        if not counters:
            return [self._assign(flow)]
        name, op, t, size = self.rng.choice(counters)
        index = masked(self.expr.make(i32, 2), self.rng.choice((1, 4, size)))
        index = self.views.at(name, index)
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
            other = binary("rem", binary("add", local("t"), turn), size)
        result = self.rng.choice([n for n in self.locals_of[t] if n in self.scope.varying])
        value = self.expr.make(t, 3) if m.of is None else self._bytes_of(t)
        write: ir.Stmt = ir.Store(m.name, (self.views.at(m.name, local("t")),), value)
        if self.rng.random() < 0.3:
            write = ir.If(self.expr.condition(), [write])
        other = self.views.at(m.name, other)
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
        last = binary("or", lane, const(width - 1, u32))
        elsewhere = (
            ir.Compare("gt", source, last)  # an earlier segment can be read
            if op == "shfl_xor"
            else ir.Compare("ge", binary("xor", source, lane), const(width, u32))
        )
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


def _diverged(flow: _Flow) -> _Flow:
    """Flow in a part of the threads: what others wait for must not be left from here."""
    return replace(
        flow,
        loop="no" if flow.loop == "uniform" else flow.loop,
        label=None if flow.label_uniform else flow.label,
    )
