"""The state of code being emitted: active vectors, their mask, storage, and text helpers.

At any time code is emitted for some *slots*: vectors of the current chunk, jammed statement by
statement. ``mask`` is None if all their lanes run, else one i1 vector for each slot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from accelerx.compiler import ir
from accelerx.compiler.dialects.base import Site
from accelerx.compiler.ir import Kernel
from accelerx.compiler.llvm.arithmetic import Arithmetic
from accelerx.compiler.llvm.builder import Builder, type_name
from accelerx.compiler.llvm.values import Value, Values
from accelerx.compiler.passes import flow
from accelerx.compiler.passes.lanes import Geometry, constant_lane
from accelerx.dtypes import DType, bool_, int32, int64

Mask = tuple[str, ...]
CACHE_LINE = 64
BLOCK_STATE = 8  # bytes of ax_block_state, with which a suspended block's scratch begins


@dataclass(slots=True)
class Frame:
    """A loop or scope that exits may leave.

    Unmasked ones are left by a jump (to ``out``; ``again`` for continue). Of masked ones, ``live``
    holds the lanes still in it and ``skipping`` those that wait for the next turn.
    """

    construct: ir.Stmt
    out: str = ""
    again: str = ""
    live: MaskStore | None = None
    skipping: MaskStore | None = None

    @property
    def masked(self) -> bool:
        return self.live is not None


class Code:
    """Everything that the emitters of one kernel share."""

    def __init__(self, kernel: Kernel, geometry: Geometry) -> None:
        self.b = Builder()
        self.kernel = kernel
        self.geometry = geometry
        self.width = geometry.width
        self.math = Arithmetic(self.b, self.width, contract=kernel.contract, fast=kernel.fastmath)
        self.flag = type_name(bool_, self.width)
        self.true = self.b.constant(True, bool_, self.width)
        self.false = self.b.constant(False, bool_, self.width)
        self.slots: tuple[int, ...] = (0,)
        self.mask: Mask | None = None
        self.occupied = True  # whether some lane of the mask is known to run
        self.chunk = self.literal(0, int64)  # number of slot 0's vector in the block
        self.frames: list[Frame] = []
        self.entry: list[str] = []
        self.sites: list[Site] = []
        self.suspends = flow.waits_for_grid(kernel.body)
        self.resumptions: list[str] = []  # labels at which a block goes on that waited for the grid
        self.scratch_bytes = BLOCK_STATE if self.suspends else 0
        self.known_loads: dict[str, str] = {}
        self.region_end = ""
        self.alive: MaskStore | None = None
        self._names = 0
        self._splats: dict[str, str] = {}
        self._prefixes: dict[str, tuple[str, int]] = {}

    # ---- text

    def place(self, label: str) -> None:
        self.b.place(label)
        self.known_loads = {}
        self._splats = {}

    def begin_dead(self) -> None:
        """Begins a block for the unreachable code after a jump."""
        self.place(self.b.label("dead"))

    @contextmanager
    def branch_around(self, condition: str, stem: str) -> Iterator[None]:
        """Emits the body so that it runs only if ``condition``."""
        then, end = self.b.label(stem), self.b.label("end")
        self.b.branch_if(condition, then, end)
        self.place(then)
        yield
        self.b.branch(end)
        self.place(end)

    def alloca(self, kind: str, align: int = 0) -> str:
        name = f"%a{self._names}"
        self._names += 1
        self.entry.append(f"  {name} = alloca {kind}" + (f", align {align}" if align else ""))
        return name

    def kept(self, kind: str, nbytes: int, *, on_stack: bool = True) -> str:
        """Room for what a block keeps from one run to the next: a wait for the grid leaves the stack."""
        if on_stack and not self.suspends:
            return self.alloca(kind, CACHE_LINE)
        return self.scratch(nbytes)

    def scratch(self, nbytes: int, align: int = CACHE_LINE) -> str:
        """A pointer, set at the function's entry, to memory of the worker or of a waiting block."""
        start = (self.scratch_bytes + align - 1) // align * align
        self.scratch_bytes = start + nbytes
        name = f"%a{self._names}"
        self._names += 1
        self.entry.append(f"  {name} = getelementptr i8, ptr %scratch, i64 {start}")
        return name

    def load(self, kind: str, pointer: str) -> str:
        """Loads a local's storage; a store earlier in the basic block is read back directly."""
        known = self.known_loads.get(pointer)
        if known is None:
            known = self.b.value(f"load {kind}, ptr {pointer}", pure=False)
            self.known_loads[pointer] = known
        return known

    def store(self, kind: str, value: str, pointer: str) -> None:
        self.b.effect(f"store {kind} {value}, ptr {pointer}")
        self.known_loads[pointer] = value

    # ---- masks

    def mask_of(self, values: Values) -> Mask:
        """Bool values as one mask for each slot."""
        masks = []
        for v in values:
            text = self.math.vector(v)
            if v.same and self.width > 1:
                self._splats[text] = v.text
            if v.prefix is not None:
                self._prefixes[text] = v.prefix
            masks.append(text)
        return tuple(masks) if len(masks) == len(self.slots) else tuple(masks * len(self.slots))

    def current(self) -> Mask:
        return self.mask if self.mask is not None else (self.true,) * len(self.slots)

    def simplified(self, mask: Mask) -> Mask | None:
        """None if all lanes surely run."""
        return None if all(m == self.true for m in mask) else mask

    def mask_and(self, a: str, b: str) -> str:
        if a == b or b == self.true or a == self.false:
            return a
        if a == self.true or b == self.false:
            return b
        return self.b.value(f"and {self.flag} {a}, {b}")

    def mask_or(self, a: str, b: str) -> str:
        if a == b or b == self.false or a == self.true:
            return a
        if a == self.false or b == self.true:
            return b
        return self.b.value(f"or {self.flag} {a}, {b}")

    def mask_not(self, a: str) -> str:
        if a in (self.true, self.false):
            return self.false if a == self.true else self.true
        return self.b.value(f"xor {self.flag} {a}, {self.true}")

    def both(self, a: Mask, b: Mask) -> Mask:
        return tuple(self.mask_and(x, y) for x, y in zip(a, b, strict=True))

    def opposite(self, a: Mask) -> Mask:
        return tuple(self.mask_not(x) for x in a)

    def bits(self, mask: str) -> str:
        """A mask as an integer of ``width`` bits, lane 0 lowest."""
        return self.b.value(f"bitcast {self.flag} {mask} to i{self.width}")

    def any(self, masks: Sequence[str]) -> str:
        """An i1: whether any lane of the masks runs."""
        run = self._run_of(masks)
        if run is not None:
            distance, first, _ = run
            return self.b.value(f"icmp sgt i64 {distance}, {first}")
        total = self.false
        for m in masks:
            total = self.mask_or(total, m)
        if total == self.true or total == self.false:
            return "true" if total == self.true else "false"
        if self.width == 1:
            return total
        if (same := self._splats.get(total)) is not None:
            return same
        return self.b.value(f"icmp ne i{self.width} {self.bits(total)}, 0")

    def all(self, masks: Sequence[str]) -> str:
        """An i1: whether every lane of the masks runs."""
        run = self._run_of(masks)
        if run is not None:
            distance, _, last = run
            return self.b.value(f"icmp sge i64 {distance}, {last + self.width}")
        total = self.true
        for m in masks:
            total = self.mask_and(total, m)
        if total == self.true or total == self.false:
            return "true" if total == self.true else "false"
        if self.width == 1:
            return total
        if (same := self._splats.get(total)) is not None:
            return same
        return self.b.value(f"icmp eq i{self.width} {self.bits(total)}, -1")

    def _run_of(self, masks: Sequence[str]) -> tuple[str, int, int] | None:
        """If the masks are prefixes up to one distance: that, the first and the last offset."""
        found = [self._prefixes[m] for m in masks if m in self._prefixes]
        if not found or len(found) != len(masks) or any(d != found[0][0] for d, _ in found):
            return None
        offsets = [offset for _, offset in found]
        return found[0][0], min(offsets), max(offsets)

    @contextmanager
    def under(self, mask: Mask | None, *, occupied: bool) -> Iterator[None]:
        """Emits the body under another mask."""
        before = (self.mask, self.occupied)
        self.mask, self.occupied = mask, occupied or mask is None
        yield
        self.mask, self.occupied = before

    @contextmanager
    def on_slots(self, picked: Sequence[int], mask: Mask | None) -> Iterator[None]:
        """Emits the body for some of the slots (given by index into ``slots``)."""
        before = self.slots
        self.slots = tuple(before[i] for i in picked)
        whole = len(self.slots) == len(before)
        with self.under(mask, occupied=whole and self.occupied):
            yield
        self.slots = before

    # ---- slots

    def lift(self, f: Callable[..., Value], *operands: Values) -> Values:
        """Applies ``f`` slot by slot; once if every operand is one value for all slots."""
        if all(len(o) == 1 for o in operands):
            return (f(*(o[0] for o in operands)),)
        n = len(self.slots)
        return tuple(f(*(o[i] if len(o) > 1 else o[0] for o in operands)) for i in range(n))

    def vector_number(self, slot: int) -> Value:
        """Number of a slot's vector in the block."""
        return self.math.binary("add", self.chunk, self.literal(slot, int64), int64)

    def literal(self, value: int, dtype: DType = int32) -> Value:
        return Value(str(value), dtype, constant_lane(value), value)


@dataclass(slots=True)
class MaskStore:
    """Masks kept in memory: one for each slot, or in a context array for each vector of the block."""

    code: Code
    context: str = ""
    slots: dict[int, str] = field(default_factory=dict)

    def pointer(self, slot: int) -> str:
        if self.context:
            number = self.code.vector_number(slot)
            return self.code.b.value(
                f"getelementptr {self.code.flag}, ptr {self.context}, i64 {number.text}"
            )
        if slot not in self.slots:
            self.slots[slot] = self.code.alloca(self.code.flag)
        return self.slots[slot]

    def get(self) -> Mask:
        return tuple(self.code.load(self.code.flag, self.pointer(s)) for s in self.code.slots)

    def set(self, masks: Mask) -> None:
        for slot, mask in zip(self.code.slots, masks, strict=True):
            self.code.store(self.code.flag, mask, self.pointer(slot))

    def remove(self, masks: Mask) -> None:
        """Clears the lanes of ``masks``."""
        self.set(self.code.both(self.get(), self.code.opposite(masks)))
