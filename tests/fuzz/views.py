"""Arrays of random programs that share storage: typed views of buffers and of arenas of bytes."""

from __future__ import annotations

import random

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.dtypes import DType
from tests.fuzz.expressions import binary, const, scaled

RECORD = 32  # bytes of a thread's own record
ARENA = 8  # bytes of a thread in the shared arena


class Views:
    """Declares views, and knows what their indices count.

    Whether and how is drawn from a generator of its own, which leaves all other draws alone.
    """

    def __init__(self, seed: int, kernel: ir.Kernel, sizes: dict[str, int]) -> None:
        self._draw = random.Random(f"{seed} views")
        self._kernel, self._sizes = kernel, sizes
        self._steps: dict[str, tuple[int, int]] = {}  # indices an element, index of the first
        self.arena: list[ir.Mem] = []
        self.records: list[ir.Mem] = []

    def wanted(self, chance: float) -> bool:
        return self._draw.random() < chance

    def width(self) -> int:
        """Elements of a small struct."""
        return self._draw.choice((2, 2, 3, 3, 4, 4, 5, 8, 9))

    def buffer(self, name: str, t: DType, count: int, *, written: bool = False) -> int:
        """Declares ``name`` as a view of a buffer of bytes; returns its indices an element."""
        self._bytes(f"{name}.bytes", count * t.itemsize, written=written)
        self._view(name, t, f"{name}.bytes", "global")
        return self._steps[name][0]

    def at(self, name: str, index: ir.Expr) -> ir.Expr:
        """The index of element number ``index``."""
        scale, start = self._steps.get(name, (1, 0))
        return shifted(scaled(index, scale), start)

    def declare_records(self, types: list[DType], threads: int) -> None:
        """Bytes of every thread of the launch that it alone stores to and loads from."""
        self._bytes("r.bytes", RECORD * threads, written=True)
        self.records = [self._view(f"r_{t.short}", t, "r.bytes", "global") for t in _numbers(types)]

    def field(self, m: ir.Mem, thread: ir.Expr) -> ir.Expr:
        """Index of a random field of a thread's record."""
        byte = self._draw.randrange(RECORD // m.dtype.itemsize) * m.dtype.itemsize
        return shifted(scaled(thread, RECORD // m.step), byte // m.step)

    def declare_arena(self, types: list[DType], threads: int, *, dynamic: bool) -> None:
        """Shared bytes, and views of all types that lie over each other there."""
        size = None if dynamic else ARENA * threads
        self._kernel.mems["arena"] = ir.Mem("arena", dtypes.uint8, "shared", (size,), (1,))
        for t in _numbers(types):
            spare = (ARENA - t.itemsize) * threads // t.itemsize
            start = self._draw.choice((0, self._draw.randint(0, spare))) * t.itemsize
            self.arena.append(self._view(f"v_{t.short}", t, "arena", "shared", start))
        words = ir.Mem(
            "arena.words", dtypes.uint64, "shared", (None,), (1,), of="arena", unit=ARENA
        )
        self._kernel.mems["arena.words"] = words

    def zero_arena(self, thread: ir.Expr) -> list[ir.Stmt]:
        """Gives the arena its first value."""
        if not self.arena:
            return []
        store = ir.Store("arena.words", (thread,), const(0, dtypes.uint64))
        return [ir.Scope("init.arena", [store])]

    def _bytes(self, name: str, size: int, *, written: bool) -> None:
        k = self._kernel
        k.params.append(ir.Param(name, "buffer", dtypes.uint8, len(k.params), written=written))
        k.mems[name] = ir.Mem(name, dtypes.uint8, "global", (None,), (1,))
        self._sizes[name] = size

    def _view(self, name: str, t: DType, root: str, space: ir.Space, start: int = 0) -> ir.Mem:
        unit = self._draw.choice([n for n in (1, 2, 4, 8) if n <= t.itemsize])
        mem = ir.Mem(name, t, space, (None,), (1,), of=root, unit=unit)
        self._kernel.mems[name] = mem
        self._steps[name] = (t.itemsize // unit, start // unit)
        return mem


def shifted(index: ir.Expr, by: int) -> ir.Expr:
    if by == 0:
        return index
    return binary("add", index, const(by, index.type), nowrap=index.type.is_signed)


def _numbers(types: list[DType]) -> list[DType]:
    """The types of which any bytes are a value."""
    return [t for t in types if not t.is_bool]
