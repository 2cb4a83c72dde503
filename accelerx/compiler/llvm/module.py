"""Puts a kernel's LLVM module together: the function that runs a range of blocks."""

from __future__ import annotations

from dataclasses import dataclass

from accelerx.compiler import ir
from accelerx.compiler.dialects.base import EmitOptions, Site
from accelerx.compiler.ir import Kernel
from accelerx.compiler.layout import pack_layout
from accelerx.compiler.llvm.blocks import Blocks
from accelerx.compiler.llvm.code import CACHE_LINE, Code
from accelerx.compiler.llvm.expressions import Expressions
from accelerx.compiler.llvm.memory import Memory, memory_type
from accelerx.compiler.llvm.plan import Plan, plan
from accelerx.compiler.llvm.statements import Statements
from accelerx.compiler.llvm.variables import Variables
from accelerx.compiler.passes.regions import Regions, Run, cut

_ATTRIBUTES = (
    'attributes #0 = { nounwind "prefer-vector-width"="512" "min-legal-vector-width"="512" '
    '"no-trapping-math"="true" "denormal-fp-math"="ieee" }'
)


@dataclass(frozen=True, slots=True)
class Module:
    """LLVM text and what its caller must know."""

    text: str
    scratch_bytes: int
    sites: tuple[Site, ...]
    notes: tuple[str, ...]


def emit_module(kernel: Kernel, options: EmitOptions) -> Module:
    """Emits a kernel in normal form (``lower.for_vectors``)."""
    assert kernel.block is not None, "the CPU code is specialised on a block shape"
    decided = plan(kernel, kernel.block, options)
    regions = cut(kernel, decided.geometry, single=decided.single, is_barrier=decided.is_barrier)
    return _Emitter(regions, decided).module()


class _Emitter:
    def __init__(self, regions: Regions, decided: Plan) -> None:
        self.kernel = regions.kernel
        self.plan = decided
        self.code = Code(self.kernel, decided.geometry)
        slots = _most_slots(regions, decided)
        self.memory = Memory(self.code, _lasting(regions), slots)
        variables = Variables(self.code, regions.lanes, regions.context, regions.agreed)
        expressions = Expressions(self.code, variables, self.memory)
        self.statements = Statements(
            self.code, regions.lanes, expressions, specialise=decided.options.specialise
        )
        self.blocks = Blocks(self.code, decided, regions, self.statements)

    def module(self) -> Module:
        self.blocks.emit()
        code = self.code
        size = (code.scratch_bytes + CACHE_LINE - 1) // CACHE_LINE * CACHE_LINE
        lines = [
            *self.memory.globals,
            f'define i32 @"{self.kernel.name}"(ptr %call, ptr %scratch, i64 %first, i64 %last) #0 {{',
            "entry:",
            *code.entry,
            *self.statements.sites.reserve(),
            f"  %dynamic = getelementptr i8, ptr %scratch, i64 {size}",
            *self._parameters(),
            *_COORDINATES,
            *(self._resumed() if code.suspends else _BEGIN),
            *code.b.lines,
            *(_END_ALONE if code.suspends else _END),
            *code.b.declarations,
            _ATTRIBUTES,
        ]
        notes = self.plan.reasons
        if code.suspends:
            notes = (*notes, f"blocks wait for the whole grid; each keeps {size} bytes meanwhile")
        return Module("\n".join(lines) + "\n", size, tuple(code.sites), notes)

    def _resumed(self) -> list[str]:
        """Begins the one block of a call, or goes on where it waited for the grid."""
        labels = enumerate(self.code.resumptions, 1)
        return [
            *(f"  %block.{axis} = add i32 %start.{axis}32, 0" for axis in "xyz"),
            "  %state = load i32, ptr %scratch",
            "  switch i32 %state, label %block [",
            *(f"    i32 {number}, label %{label}" for number, label in labels),
            "  ]",
            "block:",
        ]

    def _parameters(self) -> list[str]:
        """Loads every parameter from the packed argument buffer."""
        out = []
        offsets, _ = pack_layout(self.kernel.params)
        for i, (param, offset) in enumerate(zip(self.kernel.params, offsets, strict=True)):
            kind = "ptr" if param.kind == "buffer" else memory_type(param.dtype).llvm
            name = f'%"p.{param.name}"'
            loaded = f"%arg{i}" if param.dtype.is_bool and kind != "ptr" else name
            out.append(f"  %argp{i} = getelementptr i8, ptr %args, i64 {offset}")
            out.append(f"  {loaded} = load {kind}, ptr %argp{i}")
            if loaded != name:
                out.append(f"  {name} = icmp ne i8 {loaded}, 0")
        return [
            "  %argsp = getelementptr i8, ptr %call, i64 8",
            "  %args = load ptr, ptr %argsp",
            *out,
        ]


def _most_slots(regions: Regions, decided: Plan) -> int:
    """The most vectors that one chunk of any run takes together."""
    most = 1
    stack = [regions.kernel.body]
    while stack:
        for part in regions.parts(stack.pop()):
            if isinstance(part, Run):
                most = max(most, 2 * decided.jam(part.body))
            else:
                stack += ir.blocks(part)
    return most


def _lasting(regions: Regions) -> set[str]:
    """Local arrays that more than one run, or a run that is repeated, may touch."""
    if not regions.block_level:
        return set()
    return {mem.name for mem in regions.kernel.mems.values() if mem.space == "local"}


_COORDINATES = """\
  %gridp = getelementptr i8, ptr %call, i64 16
  %grid.x = load i32, ptr %gridp
  %gridp.y = getelementptr i8, ptr %call, i64 20
  %grid.y = load i32, ptr %gridp.y
  %gridp.z = getelementptr i8, ptr %call, i64 24
  %grid.z = load i32, ptr %gridp.z
  %pollp = getelementptr i8, ptr %call, i64 32
  %poll = load ptr, ptr %pollp
  %grid.wide = zext i32 %grid.x to i64
  %grid.tall = zext i32 %grid.y to i64
  %start.x = urem i64 %first, %grid.wide
  %start.row = udiv i64 %first, %grid.wide
  %start.y = urem i64 %start.row, %grid.tall
  %start.z = udiv i64 %start.row, %grid.tall
  %start.x32 = trunc i64 %start.x to i32
  %start.y32 = trunc i64 %start.y to i32
  %start.z32 = trunc i64 %start.z to i32""".splitlines()

# The loop over blocks. Block coordinates are counted on, not divided for each block.
_BEGIN = """\
  %some = icmp slt i64 %first, %last
  br i1 %some, label %block, label %finished
block:
  %number = phi i64 [ %first, %entry ], [ %number.next, %next ]
  %block.x = phi i32 [ %start.x32, %entry ], [ %x.next, %next ]
  %block.y = phi i32 [ %start.y32, %entry ], [ %y.next, %next ]
  %block.z = phi i32 [ %start.z32, %entry ], [ %z.next, %next ]""".splitlines()

_END = """\
  br label %next
next:
  %number.next = add i64 %number, 1
  %x.more = add i32 %block.x, 1
  %x.ends = icmp eq i32 %x.more, %grid.x
  %x.next = select i1 %x.ends, i32 0, i32 %x.more
  %y.step = zext i1 %x.ends to i32
  %y.more = add i32 %block.y, %y.step
  %y.ends = icmp eq i32 %y.more, %grid.y
  %y.next = select i1 %y.ends, i32 0, i32 %y.more
  %z.step = zext i1 %y.ends to i32
  %z.next = add i32 %block.z, %z.step
  %more = icmp slt i64 %number.next, %last
  br i1 %more, label %block, label %finished
finished:
  ret i32 0
stop:
  ret i32 1
}""".splitlines()

_END_ALONE = """\
  ret i32 0
stop:
  ret i32 1
}""".splitlines()
