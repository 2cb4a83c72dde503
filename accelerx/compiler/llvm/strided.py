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
        words = _words(group).bits * group.factor * self.code.width % 32 == 0
        return self.code.mask is None or (group.dense and words)

    def load(self, group: Group, index: Values) -> dict[int, Values]:
        """The values of the group's Loads, by the Loads' ids, given the lowest member's index."""
        masks = self.code.current()
        each = zip(self._each_slot(index), masks, strict=True)
        loaded = [self._wide_load(group, v, mask) for v, mask in each]
        taken: dict[tuple[int, str], Values] = {}
        out: dict[int, Values] = {}
        for m in group.members:
            key = (m.position, m.mem.dtype.name)
            if key not in taken:
                taken[key] = tuple(self._taken(group, m, text) for text in loaded)
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
        b, kind, lanes = self.code.b, _words(group), group.factor * self.code.width
        pointer = self.memory.pointer(group.members[0].mem, index)
        flags = self._flags(group, mask)
        if flags is not None:
            return masked.load(b, kind, lanes, pointer, flags)
        wide = type_name(kind, lanes)
        return b.value(f"load {wide}, ptr {pointer}, align {kind.itemsize}", pure=False)

    def _wide_store(self, group: Group, index: Value, texts: dict[int, str], mask: str) -> None:
        b, kind, width = self.code.b, _words(group), self.code.width
        lanes = group.factor * width
        parts = [texts.get(n, "poison") for n in range(group.factor)]
        text = self._joined(parts, kind)
        order = [i % group.factor * width + i // group.factor for i in range(lanes)]
        text = self._shuffled(text, kind, len(parts) * width, order)
        pointer = self.memory.pointer(group.members[0].mem, index)
        flags = self._flags(group, mask)
        if flags is not None:
            masked.store(b, kind, lanes, text, pointer, flags)
        else:
            wide = type_name(kind, lanes)
            b.effect(f"store {wide} {text}, ptr {pointer}, align {kind.itemsize}")

    def _joined(self, parts: list[str], kind: DType) -> str:
        """Vectors end to end; ``parts`` is filled up to a power of two."""
        while len(parts) & (len(parts) - 1):
            parts.append("poison")
        lanes, texts = self.code.width, parts
        while len(texts) > 1:
            vector_type = type_name(kind, lanes)
            order = _indices(range(2 * lanes))
            texts = [
                self.code.b.value(f"shufflevector {vector_type} {x}, {vector_type} {y}, {order}")
                for x, y in zip(texts[::2], texts[1::2], strict=True)
            ]
            lanes *= 2
        return texts[0]

    def _shuffled(self, text: str, kind: DType, lanes: int, order: Sequence[int]) -> str:
        source = type_name(kind, lanes)
        return self.code.b.value(
            f"shufflevector {source} {text}, {source} poison, {_indices(order)}"
        )

    def _taken(self, group: Group, m: Member, text: str) -> Value:
        """A member's lanes of what was loaded."""
        kind, width = _words(group), self.code.width
        lanes = group.factor * width
        text = self._shuffled(text, kind, lanes, range(m.position, lanes, group.factor))
        text = self.code.b.bitcast(text, kind, memory_type(m.mem.dtype), width)
        return vector(self.memory.from_memory(text, m.mem.dtype, width), m.mem.dtype)

    def _as_words(self, group: Group, m: Member, value: Value) -> str:
        text = self.code.math.vector(value)
        text = self.memory.to_memory(text, m.mem.dtype, self.code.width)
        return self.code.b.bitcast(text, memory_type(m.mem.dtype), _words(group), self.code.width)

    def _flags(self, group: Group, mask: str) -> str | None:
        """Which elements are accessed; None if all of them."""
        b, factor, lanes = self.code.b, group.factor, group.factor * self.code.width
        there = ["true" if n in group.positions else "false" for n in range(factor)]
        named = f"<{', '.join(f'i1 {flag}' for flag in there * self.code.width)}>"
        if mask == self.code.true:
            return None if group.whole else named
        order, flag = _indices([i // factor for i in range(lanes)]), self.code.flag
        running = b.value(f"shufflevector {flag} {mask}, {flag} poison, {order}")
        return running if group.whole else b.value(f"and <{lanes} x i1> {running}, {named}")


def _words(group: Group) -> DType:
    """The type as which a group's elements are moved; members may see them as others."""
    return memory_type(group.members[0].mem.dtype)


def _indices(order: Sequence[int]) -> str:
    return f"<{len(order)} x i32> <{', '.join(f'i32 {i}' for i in order)}>"
