"""Wide accesses of strided groups: one load and a shuffle a member, or a shuffle and one store.

The shuffles are the forms in which LLVM knows interleaved accesses: two-source permutes on x86-64,
``ld4`` and ``st4`` on aarch64. Where a group has holes, or not all lanes run, the wide access is
masked, so that nothing is touched that the group does not name.
"""

from __future__ import annotations

from collections.abc import Sequence

from accelerx.compiler.llvm import masked
from accelerx.compiler.llvm.builder import type_name
from accelerx.compiler.llvm.code import Code
from accelerx.compiler.llvm.memory import Memory, memory_type
from accelerx.compiler.llvm.values import Value, Values, vector
from accelerx.compiler.passes.strided import Group, Member
from accelerx.dtypes import DType

REGISTER = 512  # bits


class Strided:
    """Emits the accesses of groups for the active slots, under the mask of the moment."""

    def __init__(self, code: Code, memory: Memory) -> None:
        self.code = code
        self.memory = memory

    def fits(self, group: Group, index: Values) -> bool:
        """Whether a wide access is right (the lowest member's index is as analysed) and pays."""
        first = group.members[0]
        if not all(self.memory.strides(first.mem, v, group.factor) for v in index):
            return False
        return self.code.mask is None or group.dense

    def load(self, group: Group, index: Values) -> dict[int, Values]:
        """The values of the group's Loads, by the Loads' ids, given the lowest member's index."""
        masks = self.code.current()
        each = zip(self._each_slot(index), masks, strict=True)
        loaded = [(self._wide_load(group, v, mask), self._lanes(group, mask)) for v, mask in each]
        taken: dict[tuple[int, str], Values] = {}
        out: dict[int, Values] = {}
        for m in group.members:
            key = (m.position, m.mem.dtype.name)
            if key not in taken:
                taken[key] = tuple(self._taken(group, m, *wide) for wide in loaded)
            out[id(m.access)] = taken[key]
        return out

    def store(self, group: Group, index: Values, values: Sequence[Values]) -> None:
        """Stores the members' values, in the order of ``group.members``."""
        masks = self.code.current()
        for i, at in enumerate(self._each_slot(index)):
            if masks[i] == self.code.false:
                continue
            texts = {
                m.position: self._as_words(group, m, v[i] if len(v) > 1 else v[0])
                for m, v in zip(group.members, values, strict=True)
            }
            self._wide_store(group, at, texts, masks[i])

    def _each_slot(self, index: Values) -> Values:
        return index if len(index) > 1 else index * len(self.code.slots)

    # ---- one vector

    def _wide_load(self, group: Group, index: Value, mask: str) -> str:
        """The records, filled up to a power of two of lanes if they come in parts."""
        b, kind, lanes = self.code.b, _words(group), group.factor * self.code.width
        pointer = self.memory.pointer(group.members[0].mem, index)
        if group.whole and mask == self.code.true:
            wide = type_name(kind, lanes)
            return b.value(f"load {wide}, ptr {pointer}, align {kind.itemsize}", pure=False)
        size = _register(kind, lanes)
        parts = [
            masked.load(
                b, kind, size, self._at(pointer, kind, i), self._flags(group, mask, i, size)
            )
            for i in range(0, lanes, size)
        ]
        return self._joined(parts, kind, size)

    def _wide_store(self, group: Group, index: Value, texts: dict[int, str], mask: str) -> None:
        b, kind, width = self.code.b, _words(group), self.code.width
        lanes = group.factor * width
        vectors = [texts.get(n, "poison") for n in range(group.factor)]
        text = self._joined(vectors, kind, width)
        order = [i % group.factor * width + i // group.factor for i in range(lanes)]
        pointer = self.memory.pointer(group.members[0].mem, index)
        if group.whole and mask == self.code.true:
            text = self._shuffled(text, kind, _power(group.factor) * width, order)
            wide = type_name(kind, lanes)
            b.effect(f"store {wide} {text}, ptr {pointer}, align {kind.itemsize}")
            return
        size = _register(kind, lanes)
        for i in range(0, lanes, size):
            part = self._shuffled(text, kind, _power(group.factor) * width, order[i : i + size])
            flags = self._flags(group, mask, i, size)
            masked.store(b, kind, size, part, self._at(pointer, kind, i), flags)

    def _lanes(self, group: Group, mask: str) -> int:
        """Lanes of what ``_wide_load`` gives."""
        lanes = group.factor * self.code.width
        return lanes if group.whole and mask == self.code.true else _power(lanes)

    def _at(self, pointer: str, kind: DType, element: int) -> str:
        return self.code.b.value(f"getelementptr {kind.llvm}, ptr {pointer}, i64 {element}")

    def _joined(self, parts: list[str], kind: DType, lanes: int) -> str:
        """Vectors end to end, filled up to a power of two of them."""
        texts = parts + ["poison"] * (_power(len(parts)) - len(parts))
        while len(texts) > 1:
            part, order = type_name(kind, lanes), _indices(range(2 * lanes))
            texts = [
                self.code.b.value(f"shufflevector {part} {x}, {part} {y}, {order}")
                for x, y in zip(texts[::2], texts[1::2], strict=True)
            ]
            lanes *= 2
        return texts[0]

    def _shuffled(self, text: str, kind: DType, lanes: int, order: Sequence[int]) -> str:
        source = type_name(kind, lanes)
        return self.code.b.value(
            f"shufflevector {source} {text}, {source} poison, {_indices(order)}"
        )

    def _taken(self, group: Group, m: Member, text: str, lanes: int) -> Value:
        """A member's lanes of what was loaded, a vector of ``lanes``."""
        kind, width = _words(group), self.code.width
        order = range(m.position, group.factor * width, group.factor)
        text = self._shuffled(text, kind, lanes, order)
        text = self.code.b.bitcast(text, kind, memory_type(m.mem.dtype), width)
        return vector(self.memory.from_memory(text, m.mem.dtype, width), m.mem.dtype)

    def _as_words(self, group: Group, m: Member, value: Value) -> str:
        text = self.code.math.vector(value)
        text = self.memory.to_memory(text, m.mem.dtype, self.code.width)
        return self.code.b.bitcast(text, memory_type(m.mem.dtype), _words(group), self.code.width)

    def _flags(self, group: Group, mask: str, first: int, count: int) -> str:
        """Which elements of a part of the records are accessed."""
        elements = range(first, first + count)
        there = ["true" if i % group.factor in group.positions else "false" for i in elements]
        named = f"<{', '.join(f'i1 {flag}' for flag in there)}>"
        if mask == self.code.true:
            return named
        order, flag = _indices([i // group.factor for i in elements]), self.code.flag
        running = self.code.b.value(f"shufflevector {flag} {mask}, {flag} poison, {order}")
        if group.whole:
            return running
        return self.code.b.value(f"and <{count} x i1> {running}, {named}")


def _words(group: Group) -> DType:
    """The type as which a group's elements are moved; members may see them as others."""
    return memory_type(group.members[0].mem.dtype)


def _indices(order: Sequence[int]) -> str:
    return f"<{len(order)} x i32> <{', '.join(f'i32 {i}' for i in order)}>"


def _power(n: int) -> int:
    """The smallest power of two that is not below ``n``."""
    return 1 << (n - 1).bit_length()


def _register(kind: DType, lanes: int) -> int:
    """Lanes of the parts into which a masked access is cut; masks of odd sizes are slow."""
    size = lanes & -lanes
    while size * kind.bits > REGISTER:
        size //= 2
    return size
