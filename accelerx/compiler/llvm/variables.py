"""Where locals live: one scalar a block, one register a slot, or one element a vector in context arrays."""

from __future__ import annotations

from accelerx.compiler.llvm import masked
from accelerx.compiler.llvm.builder import type_name
from accelerx.compiler.llvm.code import Code
from accelerx.compiler.llvm.values import Value, Values
from accelerx.compiler.passes.lanes import Lanes
from accelerx.compiler.passes.regions import Run

CONTEXT_ON_STACK = 64 * 1024


class Variables:
    """Reads and writes the kernel's locals.

    Args:
        code: The code being emitted.
        lanes: Kinds of the locals.
        context: Locals that outlive a run, of which each vector has its own.
        agreed: Uniform locals that outlive a run.
    """

    def __init__(self, code: Code, lanes: Lanes, context: set[str], agreed: set[str]) -> None:
        self.code = code
        self.lanes = lanes
        self.agreed = agreed
        self.context: dict[str, str] = {}
        self._slots: dict[tuple[str, int], str] = {}
        size = sum(self._context_bytes(name) for name in context)
        for name in sorted(context):
            self.context[name] = self._array(name, on_stack=size <= CONTEXT_ON_STACK)

    def _kind(self, name: str) -> str:
        """LLVM type of a local's storage for one vector."""
        varies = self.lanes.kinds[name].lane.stride is None
        return type_name(self.code.kernel.locals[name], self.code.width if varies else 1)

    def _context_bytes(self, name: str) -> int:
        varies = self.lanes.kinds[name].lane.stride is None
        lanes = self.code.width if varies else 1
        return self.code.geometry.vectors * lanes * self.code.kernel.locals[name].itemsize

    def _array(self, name: str, *, on_stack: bool) -> str:
        kind = f"[{self.code.geometry.vectors} x {self._kind(name)}]"
        return self.code.kept(kind, self._context_bytes(name), on_stack=on_stack)

    def _uniform(self, name: str) -> bool:
        return self.lanes.kinds[name].uniform

    def _shared(self, name: str) -> bool:
        """Whether the vectors of a chunk share the scalar that their bases are counted from."""
        lane = self.lanes.kinds[name].lane
        return self._uniform(name) or (lane.even and bool(lane.stride))

    def _slot(self, name: str, slot: int) -> str:
        """Storage of a local for a slot; of a shared one for all of them (slot 0)."""
        key = (name, 0 if self._shared(name) else slot)
        if key not in self._slots:
            self._slots[key] = self._storage(name)
        return self._slots[key]

    def _storage(self, name: str) -> str:
        if self.code.suspends and name in self.agreed:
            size = self.code.kernel.locals[name].itemsize
            return self.code.scratch(size, size)
        return self.code.alloca(self._kind(name))

    def _element(self, name: str, slot: int) -> str:
        number = self.code.vector_number(slot)
        kind = self._kind(name)
        return self.code.b.value(
            f"getelementptr {kind}, ptr {self.context[name]}, i64 {number.text}"
        )

    # ---- access

    def read(self, name: str) -> Values:
        slots = self.code.slots[:1] if self._uniform(name) else self.code.slots
        lane = self.lanes.kinds[name].lane
        dtype = self.code.kernel.locals[name]
        pitch = self.code.width * (lane.stride or 0) if self._shared(name) else 0
        return tuple(
            Value(
                self.code.load(self._kind(name), self._slot(name, s)), dtype, lane, offset=pitch * s
            )
            for s in slots
        )

    def write(self, name: str, values: Values, *, blend: bool) -> None:
        """Assigns a local; with ``blend``, inactive lanes keep their value."""
        kind = self._kind(name)
        if self._shared(name):
            first, lane = values[0], self.lanes.kinds[name].lane
            offset = self.code.slots[0] * self.code.width * (lane.stride or 0)
            found = (first.lane.even, first.lane.stride, first.offset)
            assert found == (True, lane.stride, offset), f"{name} is {found}, analysed as {lane}"
            self.code.store(kind, first.text, self._slot(name, 0))
            return
        varies = self.lanes.kinds[name].lane.stride is None
        differs = varies or self.code.width == 1  # a vector of one thread is scalar and yet masked
        for i, slot in enumerate(self.code.slots):
            value = values[i] if len(values) > 1 else values[0]
            pointer = self._slot(name, slot)
            text = self.code.math.vector(value) if varies else self.code.math.base(value)
            if blend and differs and self.code.mask is not None:
                text = self._blended(name, self.code.mask[i], text, pointer)
            self.code.store(kind, text, pointer)

    def _blended(self, name: str, mask: str, text: str, pointer: str) -> str:
        if mask == self.code.true:
            return text
        dtype, lanes = self.code.kernel.locals[name], self.code.width
        old = self.code.load(self._kind(name), pointer)
        return masked.blend(self.code.b, dtype, lanes, mask, text, old)

    def clear(self, name: str) -> None:
        """Gives a local some value, so that reading it before an assignment is harmless."""
        kind = self._kind(name)
        for slot in self.code.slots[:1] if self._shared(name) else self.code.slots:
            self.code.store(kind, "zeroinitializer", self._slot(name, slot))

    # ---- context

    def enter(self, run: Run, *, partial: bool = False) -> None:
        """Copies what a run may read, or may leave as it was, from the context arrays.

        ``partial`` says that some thread may not take part in the run: it leaves everything.
        """
        for name in sorted(run.touched & self.context.keys()):
            if partial or name in run.exposed or name not in run.settled:
                self._copy(name, inward=True)

    def leave(self, run: Run) -> None:
        """Copies what a run may have written to the context arrays."""
        for name in sorted(run.written & self.context.keys()):
            self._copy(name, inward=False)

    def _copy(self, name: str, *, inward: bool) -> None:
        code, kind = self.code, self._kind(name)
        if self._shared(name):
            self._copy_shared(name, inward=inward)
            return
        for slot in code.slots:
            element, register = self._element(name, slot), self._slot(name, slot)
            source, target = (element, register) if inward else (register, element)
            code.store(kind, code.load(kind, source), target)

    def _copy_shared(self, name: str, *, inward: bool) -> None:
        """A base for each vector outside, one for the chunk inside."""
        code, kind = self.code, self._kind(name)
        register = self._slot(name, 0)
        if inward:
            code.store(kind, code.load(kind, self._element(name, code.slots[0])), register)
            return
        for slot, value in zip(code.slots, self.read(name), strict=True):
            code.store(kind, code.math.base(value), self._element(name, slot))
