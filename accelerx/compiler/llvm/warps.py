"""Operations between the 32 lanes of a warp, as permutations and masks of its vectors.

A chunk that reaches a warp operation holds whole warps: the vectors of one warp are joined, permuted
and taken apart again. Threads that the block does not have never take part.
"""

from __future__ import annotations

from collections.abc import Sequence

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.llvm import values
from accelerx.compiler.llvm.builder import suffix, type_name
from accelerx.compiler.llvm.code import CACHE_LINE, Code
from accelerx.compiler.llvm.expressions import Expressions
from accelerx.compiler.llvm.integers import resize
from accelerx.compiler.llvm.memory import bits_type
from accelerx.compiler.llvm.values import Value, Values, scalar, vector
from accelerx.compiler.passes.lanes import WARP
from accelerx.dtypes import DType, bool_, int32, uint32


class Warps:
    """Emits warp statements."""

    def __init__(self, code: Code, expressions: Expressions) -> None:
        self.code = code
        self.expressions = expressions

    def emit(self, s: ir.Warp) -> Values:
        """The operation's result for each slot."""
        args = [self._spread(self.expressions.evaluate(a)) for a in s.arguments]
        width = None if s.width is None else self._spread(self.expressions.evaluate(s.width))
        masks = self.code.current()
        per_warp = WARP // self.code.width
        out: list[Value] = []
        for first in range(0, len(self.code.slots), per_warp):
            part = slice(first, first + per_warp)
            warp = _Warp(self.code, masks[part], [a[part] for a in args])
            out += self._one(s, warp, None if width is None else width[part])
        return tuple(out)

    def _spread(self, v: Values) -> Values:
        return v if len(v) == len(self.code.slots) else v * len(self.code.slots)

    def _one(self, s: ir.Warp, warp: _Warp, width: Values | None) -> list[Value]:
        if s.op.startswith("shfl"):
            return warp.shuffle(s.op.removeprefix("shfl_"), width)
        if s.op.startswith("reduce"):
            return warp.everywhere(warp.reduce(s.op.removeprefix("reduce_")))
        if s.op == "match_any":
            return warp.match()
        return warp.everywhere(warp.vote(s.op))


class _Warp:
    """The active slots of one warp (fewer than 32 lanes at the end of a block)."""

    def __init__(self, code: Code, masks: Sequence[str], args: list[Values]) -> None:
        self.code, self.b, self.width = code, code.b, code.width
        self.masks, self.args = masks, args
        self.count = len(masks)

    def everywhere(self, v: Value) -> list[Value]:
        return [v] * self.count

    # ---- shuffles

    def shuffle(self, op: str, width: Values | None) -> list[Value]:
        segment = WARP if width is None else _known(width)
        selector = _known(self.args[1])
        if segment is not None and selector is not None:
            return self._permuted([source(op, i, selector, segment) for i in range(WARP)])
        return self._indexed(op, width)

    def _permuted(self, sources: Sequence[int]) -> list[Value]:
        """A shuffle known at compile time."""
        dtype = self.args[0][0].type
        joined, total = self._joined([self.code.math.vector(v) for v in self.args[0]], dtype)
        if len(set(sources)) == 1:
            kind = type_name(dtype, total)
            text = self.b.value(f"extractelement {kind} {joined}, i32 {min(sources[0], total - 1)}")
            return self.everywhere(scalar(text, dtype))
        out = []
        for slot in range(self.count):
            lanes = sources[slot * self.width : (slot + 1) * self.width]
            # lanes that the block does not have: any value will do
            lanes = [x if x < total else slot * self.width + i for i, x in enumerate(lanes)]
            out.append(vector(self._take(joined, total, lanes, dtype), dtype))
        return out

    def _joined(self, texts: Sequence[str], dtype: DType) -> tuple[str, int]:
        """Vectors of a warp as one, and its length (a power of two times the width)."""
        parts, length = list(texts), self.width
        while len(parts) & (len(parts) - 1):
            parts.append("poison")
        while len(parts) > 1:
            kind = type_name(dtype, length)
            order = ", ".join(f"i32 {i}" for i in range(2 * length))
            parts = [
                self.b.value(
                    f"shufflevector {kind} {a}, {kind} {c}, <{2 * length} x i32> <{order}>"
                )
                for a, c in zip(parts[::2], parts[1::2], strict=True)
            ]
            length *= 2
        return parts[0], length

    def _take(self, joined: str, total: int, lanes: Sequence[int], dtype: DType) -> str:
        kind, order = type_name(dtype, total), ", ".join(f"i32 {x}" for x in lanes)
        return self.b.value(
            f"shufflevector {kind} {joined}, {kind} poison, <{len(lanes)} x i32> <{order}>"
        )

    def _indexed(self, op: str, width: Values | None) -> list[Value]:
        """A shuffle whose sources are known at run time: through memory."""
        dtype = self.args[0][0].type
        held = dtypes.uint8 if dtype.is_bool else dtype
        kind = type_name(held, self.width)
        room = self.code.alloca(f"[{WARP} x {held.llvm}]", CACHE_LINE)
        for slot, v in enumerate(self.args[0]):
            text = (
                resize(self.b, self.code.math.vector(v), dtype, held, self.width)
                if dtype.is_bool
                else self.code.math.vector(v)
            )
            at = self.b.value(f"getelementptr {held.llvm}, ptr {room}, i32 {slot * self.width}")
            self.b.effect(f"store {kind} {text}, ptr {at}, align {held.itemsize}")
        out = []
        for slot in range(self.count):
            index = self._source(op, slot, width)
            text = self._gather(room, held, index)
            if dtype.is_bool:
                text = self.b.value(f"icmp ne {kind} {text}, zeroinitializer")
            out.append(vector(text, dtype))
        return out

    def _gather(self, room: str, held: DType, index: str) -> str:
        kind, at = type_name(held, self.width), f"<{self.width} x ptr>"
        pointers = self.b.value(
            f"getelementptr {held.llvm}, ptr {room}, {type_name(int32, self.width)} {index}"
        )
        name = f"@llvm.masked.gather.{suffix(held, self.width)}.v{self.width}p0"
        flag = self.code.flag
        self.b.declare(f"declare {kind} {name}({at}, {flag}, {kind})")
        return self.b.value(
            f"call {kind} {name}({at} align {held.itemsize} {pointers}, {flag} {self.code.true}, "
            f"{kind} zeroinitializer)",
            pure=False,
        )

    def _source(self, op: str, slot: int, width: Values | None) -> str:
        """Source lanes (i32, within 0..31) of a slot's lanes."""
        math, code = self.code.math, self.code
        items = ", ".join(f"i32 {slot * self.width + i}" for i in range(self.width))
        own = vector(f"<{items}>", int32)
        segment = code.literal(WARP) if width is None else math.cast(width[slot], int32)
        selector = math.cast(self.args[1][slot], int32)
        low = math.binary("sub", segment, code.literal(1), int32)
        within = math.binary("and", own, low, int32)
        start = math.binary("sub", own, within, int32)
        match op:
            case "idx":
                wanted = math.binary("add", start, math.binary("and", selector, low, int32), int32)
            case "up":
                wanted = math.binary("sub", own, selector, int32)
            case "down":
                wanted = math.binary("add", own, selector, int32)
            case _:
                wanted = math.binary("xor", own, selector, int32)
        end = math.binary("add", start, segment, int32)
        first = code.literal(0) if op == "xor" else start  # xor may read earlier segments
        inside = math.logical(
            "and", math.compare("ge", wanted, first), math.compare("lt", wanted, end)
        )
        chosen = math.select(inside, wanted, own, int32)
        return math.vector(math.binary("and", chosen, code.literal(WARP - 1), int32))

    # ---- votes

    def ballot(self, masks: Sequence[str]) -> str:
        """A u32 with a bit for each lane of the masks."""
        total = "0"
        for slot, mask in enumerate(masks):
            bits = resize(self.b, self.code.bits(mask), bits_type(self.width), uint32, 1)
            if slot:
                bits = self.b.value(f"shl i32 {bits}, {slot * self.width}")
            total = bits if total == "0" else self.b.value(f"or i32 {total}, {bits}")
        return total

    def vote(self, op: str) -> Value:
        running = self.ballot(self.masks)
        if op == "activemask":
            return scalar(running, uint32)
        votes = self.code.mask_of(self.args[0]) if len(self.args[0]) == len(self.code.slots) else (
            tuple(self.code.math.vector(v) for v in self.args[0])
        )  # fmt: skip
        yes = self.ballot(
            [self.code.mask_and(m, v) for m, v in zip(self.masks, votes, strict=True)]
        )
        match op:
            case "ballot":
                return scalar(yes, uint32)
            case "any":
                return scalar(self.b.value(f"icmp ne i32 {yes}, 0"), bool_)
            case "all":
                return scalar(self.b.value(f"icmp eq i32 {yes}, {running}"), bool_)
            case _:
                every = self.b.value(f"icmp eq i32 {yes}, {running}")
                none = self.b.value(f"icmp eq i32 {yes}, 0")
                return scalar(self.b.value(f"or i1 {every}, {none}"), bool_)

    def match(self) -> list[Value]:
        """For each lane, the running lanes that hold the same value."""
        math, dtype = self.code.math, self.args[0][0].type
        running = scalar(self.ballot(self.masks), uint32)
        texts = [math.vector(v) for v in self.args[0]]
        if dtype.is_float:
            texts = [self.b.bitcast(t, dtype, dtypes.unsigned(dtype), self.width) for t in texts]
            dtype = dtypes.unsigned(dtype)
        found = [values.constant(0, uint32)] * self.count
        for lane in range(self.count * self.width):
            kind, home = type_name(dtype, self.width), lane // self.width
            other = self.b.value(f"extractelement {kind} {texts[home]}, i32 {lane % self.width}")
            for slot in range(self.count):
                same = math.compare("eq", vector(texts[slot], dtype), scalar(other, dtype))
                bit = values.constant(1 << lane, uint32)
                bit = math.select(same, bit, values.constant(0, uint32), uint32)
                found[slot] = math.binary("or", found[slot], bit, uint32)
        return [math.binary("and", f, running, uint32) for f in found]

    # ---- reductions

    def reduce(self, op: str) -> Value:
        """Combines the running lanes' values; floats in the order of a tree."""
        math, dtype = self.code.math, self.args[0][0].type
        total: Value | None = None
        for mask, v in zip(self.masks, self.args[0], strict=True):
            kind = type_name(dtype, self.width)
            nothing = self.b.constant(neutral(op, dtype), dtype, self.width)
            text = self.b.value(
                f"select {self.code.flag} {mask}, {kind} {math.vector(v)}, {kind} {nothing}"
            )
            part = vector(text, dtype)
            total = part if total is None else math.binary(op, total, part, dtype)
        assert total is not None
        return self._folded(op, total, dtype)

    def _folded(self, op: str, total: Value, dtype: DType) -> Value:
        """Halves a vector until one lane is left."""
        width, text = self.width, total.text
        while width > 2:
            half = width // 2
            low = self._take(text, width, range(half), dtype)
            high = self._take(text, width, range(half, width), dtype)
            text = self.code.math.on_lanes(op, low, high, dtype, half)
            width = half
        kind = type_name(dtype, width)
        low, high = (self.b.value(f"extractelement {kind} {text}, i32 {i}") for i in range(2))
        return scalar(self.code.math.on_lanes(op, low, high, dtype, 1), dtype)


def source(op: str, lane: int, selector: int, segment: int) -> int:
    """The lane that ``lane`` reads from; itself if that is outside what it may read."""
    start = first = lane - lane % segment
    match op:
        case "idx":
            wanted = start + selector % segment
        case "up":
            wanted = lane - selector
        case "down":
            wanted = lane + selector
        case _:
            wanted, first = lane ^ selector, 0  # xor may read earlier segments
    return wanted if first <= wanted < start + segment else lane


def _known(v: Values) -> int | None:
    """The constant that all lanes hold, if they do."""
    first = v[0].const
    if first is None or any(x.const != first or not x.same for x in v):
        return None
    return int(first)


def neutral(op: str, dtype: DType) -> int | float:
    """What changes nothing under a reduction."""
    if dtype.is_float:
        return {"add": -0.0, "min": float("nan"), "max": float("nan")}[op]
    low = -(1 << (dtype.bits - 1)) if dtype.is_signed else 0
    return {"and": -1, "min": low + (1 << dtype.bits) - 1, "max": low}.get(op, 0)
