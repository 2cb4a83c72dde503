"""The dialect ``ascendc-simt``: KIR as AscendC for Ascend 950, whose vector cores run threads.

A block's body is a function of its own, printed almost as CUDA C: names differ, float64 is missing,
and a warp operation's lanes are those that are active. Around it the kernel walks the grid, because
a launch has at most 65535 blocks and runs best with one a core: hardware block b runs the user's
blocks b, b + hardware blocks, ... Two forms differ in that walk only. In the *hybrid* form a core's
scalar unit calls the body for all threads of a block (``asc_vf_call``); any version of CANN that knows
SIMT launches it like an ordinary kernel. In the *pure* form every thread walks for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import unsupported
from accelerx.compiler.dialects.ascendc_simt_tables import (
    ATOMIC_LOOP,
    BFLOAT16,
    FENCES,
    FLOAT16,
    FMA_TO_ODD,
    MATCH,
    MAX_BLOCKS,
    NARROW_ATOMIC_LOOP,
    NATIVE_ATOMICS,
    REDUCE,
    RESERVED,
    SATURATE,
    SHUFFLES,
    STATIC_SHARED_BYTES,
    SYNC_WARP,
    TO_BFLOAT16,
    TO_FLOAT16,
    UNI,
    VOTES,
)
from accelerx.compiler.dialects.base import EmitOptions, Program
from accelerx.compiler.dialects.c_expressions import CExpressions
from accelerx.compiler.dialects.c_text import EQUALITY, POSTFIX, Text
from accelerx.compiler.dialects.cuda import CudaPrinter
from accelerx.compiler.dialects.cuda_tables import FLOAT_UPDATES, REDUCTIONS, UPDATES
from accelerx.dtypes import DType, float32, int32, unsigned
from accelerx.errors import UnsupportedError

Form = Literal["hybrid", "pure"]
GRID = ("ax_grid_x", "ax_grid_y", "ax_grid_z")
BLOCK = ("ax_block_x", "ax_block_y", "ax_block_z")
DYNAMIC = "ax_dynamic_shared"


class SimtPrinter(CudaPrinter):
    """Prints a kernel as SIMT AscendC; see the module's docstring for the forms."""

    types: ClassVar[Mapping[str, str]] = {
        **CudaPrinter.types, "int64": "int64_t", "uint64": "uint64_t",
    }  # fmt: skip
    specials: ClassVar[Mapping[str, str]] = {
        "thread": "threadIdx.{axis}",
        "block": "ax_block_{axis}",
        "block_dim": "blockDim.{axis}",
        "grid_dim": "ax_grid_{axis}",
    }
    spaces: ClassVar[Mapping[str, str]] = {"shared": "__ubuf__ ", "local": "", "const": "const "}
    reserved = RESERVED
    integer_min_max: ClassVar[frozenset[str]] = frozenset()
    fast_functions: ClassVar[Mapping[str, str]] = {}

    def __init__(self, kernel: ir.Kernel, lines: bool, form: Form) -> None:
        self.form = form
        hybrid = form == "hybrid"
        callee = "__simt_callee__ " if hybrid else "__aicore__ "
        self._function = callee
        self.helper_qualifiers = f"{callee}inline "
        self._spaces = {"global": "__gm__ ", "shared": "__ubuf__ "} if hybrid else {}
        super().__init__(kernel, lines)
        assert kernel.block is not None
        self._threads = kernel.block
        self._shared = [m for m in kernel.mems.values() if m.space == "shared" and m.of is None]
        self.body_name = f"{self.entry}_block"

    # ------------------------------------------------------------------------- the whole program

    def print(self) -> str:
        body = super().print()
        includes = ["simt_api/asc_simt.h"]
        if "ax_f16" in self.prelude:
            includes.append("simt_api/asc_fp16.h")
        if self.form == "hybrid":
            includes.insert(0, "kernel_operator.h")
        head = "".join(f'#include "{name}"\n' for name in includes)
        return f"{head}\n{body}\n" + "\n".join(self._walk()) + "\n"

    def head(self) -> str:
        """The declaration of the function that runs one of the user's blocks."""
        shown = [self._parameter(p) for p in self.kernel.params]
        shown += [f"{self._pointer('shared', m.dtype)}{self._name(m)}" for m in self._static()]
        if self._has_dynamic():
            shown.append(f"{self._spaces.get('shared', '')}unsigned char *{DYNAMIC}")
        shown.append(", ".join(f"uint32_t {name}" for name in BLOCK))
        shown.append(", ".join(f"uint32_t {name}" for name in GRID))
        hybrid = self.form == "hybrid"
        kind = f"__simt_vf__ {self._bounds()}inline" if hybrid else "__aicore__ inline"
        return f"{kind} void {self.body_name}(\n    " + ",\n    ".join(_rows(shown)) + ")"

    def _walk(self) -> list[str]:
        """The kernel: the loop over the user's blocks."""
        parameters = [self._parameter(p) for p in self.kernel.params]
        parameters.append(", ".join(f"uint32_t {name}" for name in GRID))
        hybrid = self.form == "hybrid"
        kind = "__vector__ " if hybrid else self._bounds()
        lines = [f'extern "C" __global__ {kind}void {self.entry}(']
        lines += [f"    {row}," for row in _rows(parameters)]
        lines[-1] = lines[-1].removesuffix(",") + ") {"
        lines += [
            f"    __ubuf__ {self.element_type(m.dtype)} {self._name(m)}[{m.size}];"
            for m in self._static()
        ]
        if self._has_dynamic():
            lines.append(f"    extern __ubuf__ unsigned char {DYNAMIC}[];")
        lines.append("    const uint32_t ax_blocks = ax_grid_x * ax_grid_y * ax_grid_z;")
        first, step = "blockIdx.x", "gridDim.x"
        if hybrid:
            first, step = "AscendC::GetBlockIdx()", "AscendC::GetBlockNum()"
        if self.walks:
            lines.append(
                f"    for (uint32_t ax_block = {first}; ax_block < ax_blocks; ax_block += {step}) {{"
            )
        else:
            lines.append(f"    for (uint32_t ax_block = {first}; ax_block < ax_blocks;) {{")
        lines += [f"        {line}" for line in self._body_call()]
        if not self.walks:
            lines.append(
                "        break;  // a thread that has left a block must not begin the next"
            )
        elif not hybrid and self._shared:
            lines.append(
                "        asc_syncthreads();  // the next block uses the shared arrays anew"
            )
        return [*lines, "    }", "}"]

    @property
    def walks(self) -> bool:
        """Whether a hardware block may run several of the user's.

        In the pure form threads that return before the others' barrier would meet them at the
        wrong one of the next block.
        """
        body = self.kernel.body
        return self.form == "hybrid" or not (
            ir.contains(body, ir.Barrier) and ir.contains(body, ir.Return)
        )

    def _body_call(self) -> list[str]:
        arguments = [self.names.get("param", p.name) for p in self.kernel.params]
        arguments += [self._name(m) for m in self._static()]
        arguments += [DYNAMIC] if self._has_dynamic() else []
        arguments += [
            "ax_block % ax_grid_x",
            "ax_block / ax_grid_x % ax_grid_y",
            "ax_block / (ax_grid_x * ax_grid_y)",
        ]
        arguments += GRID
        call = f"{self.body_name}("
        if self.form == "hybrid":
            x, y, z = self._threads
            call = f"asc_vf_call<{self.body_name}>("
            arguments.insert(0, f"dim3({x}, {y}, {z})")
        rows = _rows(arguments)
        return [call, *(f"    {row}," for row in rows[:-1]), f"    {rows[-1]});"]

    def _bounds(self) -> str:
        x, y, z = self._threads
        return f"__launch_bounds__({x * y * z}) "

    def _static(self) -> list[ir.Mem]:
        return [m for m in self._shared if m.size is not None]

    def _has_dynamic(self) -> bool:
        return any(m.size is None for m in self._shared)

    def _name(self, mem: ir.Mem) -> str:
        return self.names.get("mem", mem.name)

    def _parameter(self, p: ir.Param) -> str:
        name, t = self.names.get("param", p.name), self.element_type(p.dtype)
        if p.kind != "buffer":
            return f"{t} {name}"  # threads take no structs, so a 16-bit float is its bits here too
        return f"{self._spaces.get('global', '')}{'' if p.written else 'const '}{t} *{name}"

    def value(self, e: ir.Expr, relaxed: bool = False) -> Text:
        if isinstance(e, ir.ParamRef | ir.Load) and _is_half(e.type):
            bits = super().value(e, relaxed).text
            return Text(f"{self.types[e.type.name]}{{{bits}}}", POSTFIX)
        return super().value(e, relaxed)

    def _statement(self, s: ir.Stmt) -> None:
        if isinstance(s, ir.Store) and _is_half(s.value.type):
            value = f"{self.value(s.value).within(POSTFIX)}.bits"
            self._line(f"{self.element(s.mem, s.indices).text} = {value};", s.loc)
        else:
            super()._statement(s)

    def _pointer(self, space: str, dtype: DType) -> str:
        return f"{self._spaces.get(space, '')}{self.element_type(dtype)} *"

    # -------------------------------------------------------------------------------- arrays

    def constants(self) -> list[str]:
        return []  # they are declared in the body

    def declare(self, mem: ir.Mem) -> None:
        if mem.space == "const":
            self._line(self.const_array(mem), mem.loc)
        elif mem.space != "shared" or mem.size is None:
            super().declare(mem)  # a static shared one is declared, and its address passed, outside

    def dynamic_shared(self, mem: ir.Mem) -> list[str]:
        t = self._pointer("shared", mem.dtype)
        return [f"{t}const {self._name(mem)} = ({t}){DYNAMIC};"]

    def qualifier(self, mem: ir.Mem) -> str:
        return self.spaces[mem.space]

    def is_flat(self, mem: ir.Mem) -> bool:
        return mem.space in ("global", "shared")

    def pointer_cast(self, view: ir.Mem, constant: bool, text: str) -> str:
        qualifier = "const " if constant else ""
        qualifier = self._spaces.get(view.space, "") + qualifier
        return f"reinterpret_cast<{qualifier}{self.element_type(view.dtype)} *>({text})"

    def element_type(self, dtype: DType) -> str:
        """How an element lies in memory: a 16-bit float as its bits, which any space can hold."""
        return "unsigned short" if _is_half(dtype) else self.types[dtype.name]

    # ------------------------------------------------------------------------ numbers and calls

    def declare_half(self, t: DType) -> None:
        name, helper = ("ax_f16", FLOAT16) if t is dtypes.float16 else ("ax_bf16", BFLOAT16)
        self.helper(name, helper, function=self._function)

    def narrow_float(self, x: Text, source: DType, target: DType) -> Text:
        half = target is dtypes.float16
        name = "ax_to_f16" if half else "ax_to_bf16"
        self.declare_half(target)
        return self.call(self.helper(name, TO_FLOAT16 if half else TO_BFLOAT16), x)

    def narrow_call(self, name: str, arguments: list[Text], t: DType) -> Text | None:
        if name == "fma":
            odd = self.call(self.helper("ax_fma_to_odd", FMA_TO_ODD), *arguments)
            return self.narrow_float(odd, float32, t)
        return super().narrow_call(name, arguments, t)

    def float_arithmetic(self, op: str, left: Text, right: Text, t: DType) -> Text:
        # There is no way to forbid a fused multiply, nor a faster division.
        return CExpressions.float_arithmetic(self, op, left, right, t)

    def float_to_integer(self, x: Text, source: DType, target: DType) -> Text:
        if target is int32:
            return self.call("__float2int_rz", x)
        low = -(2 ** (target.bits - 1)) if target.is_signed else 0
        high = 2 ** (target.bits - target.is_signed)
        fields = {
            "T": self.types[target.name],
            "low": f"{float(low)}f",
            "lowest": self.constant(ir.Const(low, target)).text,
            "high": f"{float(high)}f",
            "highest": self.constant(ir.Const(high - 1, target)).text,
        }
        return self.call(self.helper(f"ax_f32_to_{target.short}", SATURATE, **fields), x)

    def _printed(self, part: str | ir.Expr, in_words: bool) -> str:
        if not isinstance(part, str) and part.type.is_float:
            return self.cast("float32", self.value(part)).text  # there is no double to promote to
        return super()._printed(part, in_words)

    # ------------------------------------------------------------- barriers, atomics and warps

    def barrier(self, s: ir.Barrier) -> Text:
        if s.kind == "warp":
            return self.call(self.helper("ax_syncwarp", SYNC_WARP))
        return self.call("asc_syncthreads")

    def fence(self, s: ir.Fence) -> Text:
        return self.call(FENCES[s.scope])

    def clock(self, s: ir.Clock) -> Text:
        raise AssertionError("lower refuses clocks")

    def atomic(self, s: ir.Atomic) -> Text:
        mem = self.kernel.mems[s.mem]
        t = mem.dtype
        template = NATIVE_ATOMICS.get((s.op, t.name))
        address, value = self.address(s.mem, s.indices), self.value(s.value)
        compare = None if s.compare is None else self.value(s.compare)
        if template is None:
            arguments = [address, value] if compare is None else [address, compare, value]
            return self.call(self._loop(s.op, t, mem.space), *arguments)
        text = template.format(p=address.text, v=value.text, c=compare.text if compare else "")
        return Text(text, POSTFIX)

    def _loop(self, op: str, t: DType, space: str) -> str:
        """Name of the helper that does an atomic with a compare-and-swap loop."""
        template = FLOAT_UPDATES.get(op) if t.is_float else None
        update = UPDATES[op] if template is None else template.format(f="f")
        if t.is_float and t.bits == 16 and op not in ("exch", "cas"):
            update = self.narrow_float(Text(update), float32, t).text
        elif t.is_integer and t.bits < 32:
            update = f"({self.types[t.name]})({update})"
        word = dtypes.uint64 if t.bits == 64 else dtypes.uint32
        narrow = t.bits < 32
        bits = unsigned(t) if not t.is_bool else dtypes.uint8
        seen = "element" if narrow else "assumed"
        types = {"T": self.types[t.name], "U": self.types[bits.name], "W": self.types[word.name]}
        parameters = f"{types['T']} value"
        if op == "cas":
            parameters = f"{types['T']} compare, {parameters}"
        space_name = "_shared" if space == "shared" and self._spaces else ""
        return self.helper(
            f"ax_atomic_{op}_{t.short}{space_name}",
            NARROW_ATOMIC_LOOP if narrow else ATOMIC_LOOP,
            parameters=parameters,
            update=update,
            from_bits=self._reinterpret(Text(seen), bits, t),
            to_bits=self._reinterpret(Text("updated"), t, bits),
            result=self._reinterpret(Text("seen"), bits, t),
            mask=hex(2**t.bits - 1),
            A=self.element_type(t),
            Q=self._spaces.get(space, ""),
            **types,
        )

    def warp(self, s: ir.Warp) -> Text:
        """A warp operation among the lanes that execute it; the user's mask is theirs to get right."""
        values = [self.value(a) for a in s.arguments]
        if s.op == "activemask":
            return self.call("asc_activemask")
        if s.op in SHUFFLES:
            arguments = values if s.width is None else [*values, self.value(s.width)]
            return self._shuffled(SHUFFLES[s.op], [Text(""), *arguments], s.arguments[0].type)
        if s.op in VOTES:
            call = self.call(VOTES[s.op], values[0])
            return call if s.op == "ballot" else self.infix("!=", EQUALITY, call, Text("0"))
        if s.op == "uni":
            return self.call(self.helper("ax_uni", UNI), values[0])
        return self._by_lane(s, values[0])

    def _shuffled(self, function: str, arguments: list[Text], t: DType) -> Text:
        _, value, *rest = arguments
        value = self._lane_value(value, t)
        if t.bits < 32:
            value = self.cast("int32", value)
        elif t.bits == 64:
            value = self.cast(t.name, value)  # the function is chosen by the argument's type
        call = self.call(function, value, *rest)
        if t.is_float and t.bits == 16:
            return Text(f"{self.types[t.name]}{{(unsigned short){call.text}}}", POSTFIX)
        return self.cast(t.name, call) if t.bits < 32 else call

    def _by_lane(self, s: ir.Warp, value: Text) -> Text:
        """A match or a reduction: a loop over the active lanes."""
        t = s.arguments[0].type
        if s.op == "match_any":
            if t.is_float:
                t, value = unsigned(t), self.bitcast(value, t, unsigned(t))
            helper, fields = MATCH, {}
        else:
            op = s.op.removeprefix("reduce_")
            update = REDUCTIONS[op]
            if t.is_float and op in ("min", "max"):
                update = f"f{op}f(value, other)"
            if t.is_float and t.bits == 16:
                update = self.narrow_float(Text(update), float32, t).text
            elif t.bits < 32:
                update = f"({self.types[t.name]})({update})"
            helper, fields = REDUCE, {"update": update}
        shuffled = self._shuffled("asc_shfl", [Text(""), Text("x"), Text("lane")], t).text
        name = f"ax_{s.op}_{t.short}"
        return self.call(
            self.helper(name, helper, T=self.types[t.name], shuffled=shuffled, **fields), value
        )

    def stop(self, format_text: str, values: list[str]) -> list[str]:
        return [
            line.replace("blockIdx.", "ax_block_") for line in super().stop(format_text, values)
        ]


def _is_half(t: DType) -> bool:
    return t.is_float and t.bits == 16


def _rows(parts: list[str]) -> list[str]:
    """Parts joined by commas, as many in a row as fit."""
    rows: list[str] = []
    for part in parts:
        if rows and len(rows[-1]) + len(part) < 92:
            rows[-1] += f", {part}"
        else:
            rows.append(part)
    return rows


@dataclass(frozen=True, slots=True)
class AscendcSimtDialect:
    """SIMT AscendC, for Ascend 950 (dav-3510).

    Attributes:
        form: ``hybrid`` is launched like any kernel; ``pure`` is compiled with ``--enable-simt``.
        lines: Whether ``#line`` directives lead compilers and debuggers to the user's source.
    """

    form: Form = "hybrid"
    lines: bool = True
    name: ClassVar[str] = "ascendc-simt"

    def lower(self, kernel: ir.Kernel) -> ir.Kernel:
        """The kernel with barriers that count or combine spelled out.

        Raises:
            UnsupportedError: if the kernel has no block shape; for what the device has not: a
                barrier of the grid, a clock, 64-bit atomics on shared arrays, more shared memory
                than there is.
        """
        if kernel.block is None:
            raise UnsupportedError(
                f"kernel {kernel.name} has no block shape; code for {self.name} is made for one "
                "(Kernel.block)"
            )
        _check(kernel)
        return _without_votes(kernel)

    def emit(self, kernel: ir.Kernel, options: EmitOptions) -> Program:
        """Prints ``kernel``; its checks and prints are the device's own printf: it has no sites."""
        printer = SimtPrinter(kernel.with_body(kernel.body), self.lines, self.form)
        text = printer.print()
        notes = list(printer.notes)
        if not printer.walks:
            notes.append(
                f"threads return before a barrier: a launch takes at most {MAX_BLOCKS} blocks in "
                "the pure form"
            )
        return Program(
            text=text,
            entry=printer.entry,
            params=tuple(kernel.params),
            scratch_bytes=0,
            shared_bytes=kernel.static_shared_bytes,
            sites=(),
            notes=tuple(notes),
        )


def _check(kernel: ir.Kernel) -> None:
    for s in ir.statements(kernel.body):
        match s:
            case ir.Barrier("grid"):
                raise unsupported(
                    s.loc or kernel.loc,
                    "a barrier of the whole grid; Ascend 950 has none between SIMT blocks",
                    "split the kernel in two at this place; the cpu, sim and cuda devices run it",
                )
            case ir.Clock():
                raise unsupported(
                    s.loc or kernel.loc,
                    "a clock, which kernels for Ascend 950 cannot read here",
                    "time the launch with events; the cpu, sim and cuda devices run it",
                )
            case ir.Atomic():
                _check_atomic(kernel, s, kernel.mems[s.mem])
    if kernel.static_shared_bytes > STATIC_SHARED_BYTES:
        raise unsupported(
            kernel.loc,
            f"the kernel's shared arrays take {kernel.static_shared_bytes} bytes; a block of Ascend "
            f"950 has {STATIC_SHARED_BYTES}",
        )


def _check_atomic(kernel: ir.Kernel, s: ir.Atomic, mem: ir.Mem) -> None:
    if mem.space == "shared" and mem.dtype.bits == 64:
        raise unsupported(
            s.loc or kernel.loc,
            f"an atomic on the shared array {mem.name} of {mem.dtype.name}; Ascend 950 has 64-bit "
            "atomics in global memory only",
            "use 32 bits, or an array in global memory",
        )


def _without_votes(kernel: ir.Kernel) -> ir.Kernel:
    """Barriers that count or combine predicates as a counter in shared memory."""
    if not any(
        isinstance(s, ir.Barrier) and s.kind in ("count", "and", "or")
        for s in ir.statements(kernel.body)
    ):
        return kernel
    kernel = kernel.with_body(kernel.body)
    votes = "votes"
    while votes in kernel.mems:
        votes += "_"
    kernel.mems[votes] = ir.Mem(votes, int32, "shared", (1,), (1,), loc=kernel.loc)
    zero = ir.Const(0, int32)

    def rewrite(body: list[ir.Stmt]) -> list[ir.Stmt]:
        out: list[ir.Stmt] = []
        for s in body:
            if isinstance(s, ir.Barrier) and s.kind in ("count", "and", "or"):
                out += spelled(s)
            else:
                out.append(ir.map_blocks(s, rewrite))
        return out

    def spelled(s: ir.Barrier) -> list[ir.Stmt]:
        assert s.predicate is not None
        loc = s.loc
        # Votes against decide "and"; whoever has left the kernel has none.
        counted = (
            ir.Unary("not", s.predicate, dtypes.bool_, loc) if s.kind == "and" else s.predicate
        )
        one = ir.Const(1, int32, loc)
        steps: list[ir.Stmt] = [
            ir.Barrier(loc=loc),
            ir.Store(votes, (zero,), zero, loc),
            ir.Barrier(loc=loc),
            ir.If(counted, [ir.Atomic("add", votes, (zero,), one, loc=loc)], loc=loc),
            ir.Barrier(loc=loc),
        ]
        if s.result is not None:
            total = ir.Load(votes, (zero,), int32, loc)
            value: ir.Expr = total
            if s.kind != "count":
                test = ir.Compare("eq" if s.kind == "and" else "ne", total, zero, loc)
                value = ir.Cast(test, int32, loc)
            steps.append(ir.Assign(s.result, value, loc))
        return [*steps, ir.Barrier(loc=loc)]

    return replace(kernel, body=rewrite(kernel.body))
