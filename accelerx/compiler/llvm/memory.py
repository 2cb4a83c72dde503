"""Loads and stores: scalar, contiguous, or gathered, under the mask of the moment."""

from __future__ import annotations

from accelerx.compiler.ir import Kernel, Mem
from accelerx.compiler.llvm import builder, masked
from accelerx.compiler.llvm.builder import suffix, type_name
from accelerx.compiler.llvm.code import CACHE_LINE, Code
from accelerx.compiler.llvm.integers import resize
from accelerx.compiler.llvm.values import Value, Values, vector
from accelerx.compiler.passes.lanes import PROMISED, SAME, WRAPS, Lane
from accelerx.dtypes import DType, int32, int64, uint8

SHARED_ON_STACK = 32 * 1024
LOCAL_ON_STACK = 64 * 1024


class Memory:
    """The kernel's arrays.

    Args:
        code: The code being emitted.
        lasting: Local arrays that outlive a run: they are kept for every vector of the block.
        slots: The most slots that code is emitted for at once.
    """

    def __init__(self, code: Code, lasting: set[str], slots: int) -> None:
        self.code = code
        self.lasting = lasting
        self.bases: dict[str, str] = {}
        self.globals: list[str] = []
        self._dummy = ""
        kernel = code.kernel
        small = _shared_bytes(kernel) <= SHARED_ON_STACK
        views = [mem for mem in kernel.mems.values() if mem.of is not None]
        for mem in kernel.mems.values():
            if mem.of is None:
                self.bases[mem.name] = self._base(mem, slots, small=small)
        for mem in views:
            self.bases[mem.name] = self.bases[mem.storage]

    def _base(self, mem: Mem, slots: int, *, small: bool) -> str:
        match mem.space:
            case "global":
                return f'%"p.{mem.name}"'
            case "const":
                return self._constant(mem)
            case "shared" if mem.size is None:
                return "%dynamic"
            case "shared":
                return self._room(mem, mem.size or 0, on_stack=small)
            case _:
                count = self.code.geometry.vectors if mem.name in self.lasting else slots
                elements = (mem.size or 0) * count * self.code.width
                size = elements * mem.dtype.itemsize
                return self._room(mem, elements, on_stack=size <= LOCAL_ON_STACK)

    def _room(self, mem: Mem, elements: int, *, on_stack: bool) -> str:
        kind = f"[{elements} x {memory_type(mem.dtype).llvm}]"
        return self.code.kept(kind, elements * mem.dtype.itemsize, on_stack=on_stack)

    def _constant(self, mem: Mem) -> str:
        kind = memory_type(mem.dtype)
        data = mem.data or ()
        items = ", ".join(f"{kind.llvm} {builder.constant(x, kind)}" for x in data)
        name = f'@"{self.code.kernel.name}.{mem.name}"'
        text = f"[{items}]" if data else "zeroinitializer"
        self.globals.append(
            f"{name} = private unnamed_addr constant [{len(data)} x {kind.llvm}] {text}, "
            f"align {CACHE_LINE}"
        )
        return name

    # ---- addresses

    def _index(self, mem: Mem, index: Values) -> Values:
        if mem.space != "local":
            return index
        every = index if len(index) == len(self.code.slots) else index * len(self.code.slots)
        return tuple(self.place(mem, v, i) for i, v in enumerate(every))

    def place(self, mem: Mem, index: Value, i: int) -> Value:
        """An index from the array's base: of local arrays, with the vector and the lane in it."""
        if mem.space != "local":
            return index
        code, slot = self.code, self.code.slots[i]
        number = code.vector_number(slot) if mem.name in self.lasting else code.literal(slot, int64)
        row = code.math.binary("mul", number, code.literal(mem.size or 0, int64), int64, True)
        row = code.math.binary("add", row, code.math.cast(index, int64), int64, True)
        at = code.math.binary("mul", row, code.literal(code.width, int64), int64, True)
        return code.math.binary("add", at, self._lanes(), int64, True)

    def _lanes(self) -> Value:
        if self.code.width == 1:
            return self.code.literal(0, int64)
        return Value("0", int64, Lane(1), 0)

    def pointer(self, mem: Mem, index: Value) -> str:
        """Address of the element at a scalar index, or at the base of an affine one."""
        kind = _step(mem)
        whole = bool(index.offset) and index.lane.exact != PROMISED and index.type.bits < 64
        text = self.code.math.base(index) if whole else index.text
        if index.const is None:
            text = resize(self.code.b, text, index.type, int64, 1)
        base = self.code.b.value(f"getelementptr {kind}, ptr {self.bases[mem.name]}, i64 {text}")
        if whole or not index.offset:
            return base
        return self.code.b.value(f"getelementptr {kind}, ptr {base}, i64 {index.offset}")

    def _pointers(self, mem: Mem, index: Value) -> str:
        kind = _step(mem)
        text, dtype = self.code.math.vector(index), index.type
        if not dtype.is_signed or dtype.bits < 32:
            text = resize(self.code.b, text, dtype, int64, self.code.width)
            dtype = int64
        at = type_name(dtype, self.code.width)
        return self.code.b.value(f"getelementptr {kind}, ptr {self.bases[mem.name]}, {at} {text}")

    def strides(self, mem: Mem, index: Value, elements: int = 1) -> bool:
        """Whether the address surely goes on by so many elements from lane to lane."""
        if (
            index.lane.stride is None
            or index.lane.stride * mem.step != elements * mem.dtype.itemsize
        ):
            return False
        return index.lane.exact != WRAPS or index.type.bits == 64

    # ---- loads

    def load(self, mem: Mem, index: Values) -> Values:
        index = self._index(mem, index)
        if len(index) == 1 and len(self.code.slots) > 1:
            return (self._scalar_load(mem, index[0], self._guard_all()),)
        return tuple(self._load(mem, v, i) for i, v in enumerate(index))

    def _guard_all(self) -> str | None:
        """A condition for touching memory that all slots agree on; None if it surely holds."""
        if self.code.mask is None or self.code.occupied:
            return None
        return self.code.any(self.code.mask)

    def _guard(self, i: int) -> str | None:
        if self.code.mask is None or self.code.mask[i] == self.code.true:
            return None
        if len(self.code.slots) == 1:
            return self._guard_all()
        return self.code.any([self.code.mask[i]])

    def _scalar_load(self, mem: Mem, index: Value, guard: str | None) -> Value:
        pointer = self.pointer(mem, index)
        if guard is not None:
            pointer = self.code.b.value(
                f"select i1 {guard}, ptr {pointer}, ptr {self._dummy_pointer()}"
            )
        kind = memory_type(mem.dtype)
        text = self.code.b.value(
            f"load {kind.llvm}, ptr {pointer}, align {kind.itemsize}", pure=False
        )
        lane = SAME._replace(even=index.lane.even)
        return Value(self.from_memory(text, mem.dtype, 1), mem.dtype, lane)

    def _dummy_pointer(self) -> str:
        """Something readable for code whose lanes are all inactive."""
        if not self._dummy:
            self._dummy = self.code.alloca("i64", CACHE_LINE)
            self.code.entry.append(f"  store i64 0, ptr {self._dummy}")
        return self._dummy

    def _load(self, mem: Mem, index: Value, i: int) -> Value:
        if index.same:
            return self._scalar_load(mem, index, self._guard(i))
        mask = self.code.current()[i]
        kind = memory_type(mem.dtype)
        width, flag = self.code.width, self.code.flag
        wide, align = type_name(kind, width), f"align {kind.itemsize}"
        if self.strides(mem, index):
            pointer = self.pointer(mem, index)
            if mask == self.code.true or _own(mem, index):
                text = self.code.b.value(f"load {wide}, ptr {pointer}, {align}", pure=False)
            else:
                text = masked.load(self.code.b, kind, width, pointer, mask)
        else:
            name = f"@llvm.masked.gather.{suffix(kind, width)}.v{width}p0"
            at = f"<{width} x ptr>"
            self.code.b.declare(f"declare {wide} {name}({at}, {flag}, {wide})")
            text = self.code.b.value(
                f"call {wide} {name}({at} {align} {self._pointers(mem, index)}, {flag} {mask}, "
                f"{wide} zeroinitializer)",
                pure=False,
            )
        return vector(self.from_memory(text, mem.dtype, width), mem.dtype)

    def from_memory(self, text: str, dtype: DType, lanes: int) -> str:
        if not dtype.is_bool:
            return text
        zero = self.code.b.constant(0, uint8, lanes)
        return self.code.b.value(f"icmp ne {type_name(uint8, lanes)} {text}, {zero}")

    def to_memory(self, text: str, dtype: DType, lanes: int) -> str:
        return resize(self.code.b, text, dtype, uint8, lanes) if dtype.is_bool else text

    # ---- stores

    def store(self, mem: Mem, index: Values, value: Values) -> None:
        index = self._index(mem, index)
        n = len(self.code.slots)
        if len(index) == 1 and len(value) == 1 and n > 1:
            self._scalar_store(mem, index[0], value[0].text, self._guard_all())
            return
        for i in range(n):
            at, v = (x[i] if len(x) > 1 else x[0] for x in (index, value))
            self._store(mem, at, v, i)

    def _scalar_store(self, mem: Mem, index: Value, text: str, guard: str | None) -> None:
        def write() -> None:
            kind = memory_type(mem.dtype)
            stored = self.to_memory(text, mem.dtype, 1)
            pointer = self.pointer(mem, index)
            self.code.b.effect(f"store {kind.llvm} {stored}, ptr {pointer}, align {kind.itemsize}")

        if guard is None:
            write()
            return
        with self.code.branch_around(guard, "store"):
            write()

    def _store(self, mem: Mem, index: Value, value: Value, i: int) -> None:
        mask = self.code.current()[i]
        if mask == self.code.false:
            return
        if index.same:
            self._one_lane(mem, index, value, i)
            return
        kind = memory_type(mem.dtype)
        width, flag = self.code.width, self.code.flag
        wide, align = type_name(kind, width), f"align {kind.itemsize}"
        text = self.to_memory(self.code.math.vector(value), mem.dtype, width)
        if self.strides(mem, index):
            pointer = self.pointer(mem, index)
            if mask != self.code.true and _own(mem, index):
                old = self.code.b.value(f"load {wide}, ptr {pointer}, {align}", pure=False)
                text = masked.blend(self.code.b, kind, width, mask, text, old)
                mask = self.code.true
            if mask == self.code.true:
                self.code.b.effect(f"store {wide} {text}, ptr {pointer}, {align}")
                return
            masked.store(self.code.b, kind, width, text, pointer, mask)
            return
        name, at = f"@llvm.masked.scatter.{suffix(kind, width)}.v{width}p0", f"<{width} x ptr>"
        self.code.b.declare(f"declare void {name}({wide}, {at}, {flag})")
        self.code.b.effect(
            f"call void {name}({wide} {text}, {at} {align} {self._pointers(mem, index)}, "
            f"{flag} {mask})"
        )

    def _one_lane(self, mem: Mem, index: Value, value: Value, i: int) -> None:
        """All lanes store to one place: the last active one wins, as in a scatter."""
        guard = self._guard(i)
        if value.same or self.code.width == 1:
            self._scalar_store(mem, index, self.code.math.base(value), guard)
            return
        mask, b, width = self.code.current()[i], self.code.b, self.code.width

        def last() -> str:
            if mask == self.code.true:
                lane = str(width - 1)
            else:
                name = f"@llvm.ctlz.i{width}"
                b.declare(f"declare i{width} {name}(i{width}, i1)")
                zeros = b.value(f"call i{width} {name}(i{width} {self.code.bits(mask)}, i1 true)")
                zeros = resize(b, zeros, bits_type(width), int32, 1)
                lane = b.value(f"sub i32 {width - 1}, {zeros}")
            wide = type_name(value.type, width)
            return b.value(f"extractelement {wide} {self.code.math.vector(value)}, i32 {lane}")

        if guard is None:
            self._scalar_store(mem, index, last(), None)
            return
        with self.code.branch_around(guard, "store"):
            self._scalar_store(mem, index, last(), None)


def _own(mem: Mem, index: Value) -> bool:
    """Whether inactive lanes may be touched: a thread's own array at a known place.

    Whole-vector accesses let LLVM keep such arrays in registers; masked ones do not.
    """
    return mem.space == "local" and index.known is not None


def _step(mem: Mem) -> str:
    """An LLVM type as large as the distance between index i and i + 1."""
    if mem.step == mem.dtype.itemsize:
        return memory_type(mem.dtype).llvm
    return "i8" if mem.step == 1 else f"[{mem.step} x i8]"


def bits_type(width: int) -> DType:
    """A stand-in for the integer type of ``width`` bits (which may be narrower than any dtype)."""
    return DType(f"bits{width}", f"u{width}", "uint", width, (1, width), "", f"i{width}")


def memory_type(dtype: DType) -> DType:
    """How an element lies in memory: a bool takes a byte."""
    return uint8 if dtype.is_bool else dtype


def _shared_bytes(kernel: Kernel) -> int:
    return sum(
        mem.size * mem.dtype.itemsize + CACHE_LINE
        for mem in kernel.mems.values()
        if mem.space == "shared" and mem.of is None and mem.size is not None
    )
