"""The dialect ``cuda``: KIR as CUDA C++ for NVRTC, self-contained (it includes no CUDA header).

Mostly tables: how CUDA spells special values, memory spaces, atomics, warp operations and 16-bit
floats. What CUDA lacks for a type (a float minimum, a 16-bit add) is a compare-and-swap loop in the
program's prelude, printed only if the kernel uses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import unsupported
from accelerx.compiler.dialects.base import EmitOptions, Program
from accelerx.compiler.dialects.c_family import CPrinter
from accelerx.compiler.dialects.c_text import (
    EQUALITY,
    MUL,
    POSTFIX,
    UNARY,
    Helper,
    Text,
    c_string,
)
from accelerx.compiler.dialects.cuda_tables import (
    ATOMIC_LOOP,
    BARRIERS,
    BFLOAT16,
    BITCASTS,
    CONSTANT_BYTES,
    DOUBLE_TO_BFLOAT16,
    DOUBLE_TO_FLOAT16,
    FENCES,
    FLOAT16,
    FLOAT_TO_INTEGER,
    FLOAT_UPDATES,
    FULL_MASK,
    GLOBAL_TIMER,
    INTEGER_CALLS,
    LINEAR_THREAD,
    NAN_TO_ZERO,
    NARROW_ATOMIC_LOOP,
    NARROW_CALLS,
    NARROW_INTEGER,
    NARROW_NEXTAFTER,
    NARROW_UNSIGNED_MULHI,
    NATIVE_ATOMICS,
    REDUCE,
    REDUCTIONS,
    RESERVED,
    STATIC_SHARED_BYTES,
    TO_BFLOAT16,
    TO_FLOAT16,
    UNI,
    UPDATES,
)
from accelerx.compiler.intrinsics import ATOMICS, INTRINSICS, WARP_OPS
from accelerx.compiler.passes import flow
from accelerx.dtypes import DType, unsigned


class CudaPrinter(CPrinter):
    """Prints a kernel as CUDA C++."""

    types: ClassVar[Mapping[str, str]] = {t.name: t.cuda for t in dtypes.DTYPES} | {
        "float16": "ax_f16",
        "bfloat16": "ax_bf16",
    }
    specials: ClassVar[Mapping[str, str]] = {
        "thread": "threadIdx.{axis}",
        "block": "blockIdx.{axis}",
        "block_dim": "blockDim.{axis}",
        "grid_dim": "gridDim.{axis}",
    }
    spaces: ClassVar[Mapping[str, str]] = {
        "shared": "__shared__ ",
        "local": "",
        "const": "__constant__ const ",
    }
    helper_qualifiers: str = "static __device__ __forceinline__ "
    reserved = RESERVED | frozenset(row.cuda for row in ATOMICS.values())
    integer_min_max = frozenset({"int32", "uint32", "int64", "uint64"})
    fast_functions: ClassVar[Mapping[str, str]] = {
        "sin": "__sinf", "cos": "__cosf", "tan": "__tanf", "exp": "__expf", "exp10": "__exp10f",
        "log": "__logf", "log2": "__log2f", "log10": "__log10f", "pow": "__powf",
    }  # fmt: skip

    def __init__(self, kernel: ir.Kernel, lines: bool = True) -> None:
        super().__init__(kernel, lines)
        self._declare_half_types()

    def head(self) -> str:
        shown = [self._parameter(p) for p in self.kernel.params]
        block, most = self.kernel.block, self.kernel.max_threads
        threads = most if block is None else block[0] * block[1] * block[2]
        bounds = "" if threads is None else f"__launch_bounds__({threads}) "
        head = f'extern "C" __global__ void {bounds}{self.entry}('
        if len(head) + len(", ".join(shown)) <= 97:
            return f"{head}{', '.join(shown)})"
        rows: dict[int, list[str]] = {}
        for p, text in zip(self.kernel.params, shown, strict=True):
            rows.setdefault(p.argument, []).append(text)
        return (
            head + "\n    " + ",\n    ".join(_filled([", ".join(r) for r in rows.values()])) + ")"
        )

    def _parameter(self, p: ir.Param) -> str:
        name, t = self.names.get("param", p.name), self.types[p.dtype.name]
        if p.kind != "buffer":
            return f"{t} {name}"
        return f"{t} *{name}" if p.written else f"const {t} *{name}"

    def special(self, e: ir.Special) -> Text:
        if e.kind not in ("lane", "warp"):
            return super().special(e)
        linear = self.call(self.helper("ax_linear_thread", LINEAR_THREAD))
        return self.infix("%" if e.kind == "lane" else "/", MUL, linear, Text("32"))

    # --------------------------------------------------------------------------- 16-bit floats

    def _declare_half_types(self) -> None:
        """Puts the 16-bit types a kernel mentions at the head of the prelude."""
        used = {p.dtype.name for p in self.kernel.params}
        used |= {m.dtype.name for m in self.kernel.mems.values()}
        used |= {t.name for t in self.kernel.locals.values()}
        for s in ir.statements(self.body):
            used |= {x.type.name for e in ir.expressions(s) for x in ir.walk(e)}
        for t in (dtypes.float16, dtypes.bfloat16):
            if t.name in used:
                self.declare_half(t)

    def declare_half(self, t: DType) -> None:
        """Declares a 16-bit float type."""
        if t is dtypes.float16:
            self.helper("ax_f16", FLOAT16)
        else:
            self.helper("ax_bf16", BFLOAT16)

    def narrow_float(self, x: Text, source: DType, target: DType) -> Text:
        half = target is dtypes.float16
        function = "ax_to_f16" if half else "ax_to_bf16"
        self.helper(function, TO_FLOAT16 if half else TO_BFLOAT16)
        if source.bits == 64:
            function = f"ax_f64_{function[3:]}"
            self.helper(function, DOUBLE_TO_FLOAT16 if half else DOUBLE_TO_BFLOAT16)
        return self.call(function, x)

    def array_value(self, value: float | bool, t: DType) -> str:
        if not (t.is_float and t.bits == 16):
            return super().array_value(value, t)
        return f"{{0x{int(np.array(value, t.numpy).view(np.uint16)[()]):04x}}}"

    # ---------------------------------------------------------------------- values and functions

    def float_arithmetic(self, op: str, left: Text, right: Text, t: DType) -> Text:
        if op == "mul" and not self.kernel.contract:
            return self.call("__fmul_rn" if t.bits == 32 else "__dmul_rn", left, right)
        if op == "div" and self.kernel.fastmath and t.bits == 32:
            return self.call("__fdividef", left, right)
        return super().float_arithmetic(op, left, right, t)

    def narrow_call(self, name: str, arguments: list[Text], t: DType) -> Text | None:
        if name == "nextafter":
            function = f"ax_nextafter_{t.short}"
            quiet = self.narrow_float(Text("x + y"), dtypes.float32, t).text
            fields = {"T": self.types[t.name], "quiet": quiet}
            return self.call(self.helper(function, NARROW_NEXTAFTER, **fields), *arguments)
        if name == "fma":
            # In float64 the product is exact and so, but for a sum of far ends, is the sum.
            return self.narrow_float(self.call("fma", *arguments), dtypes.float64, t)
        return None

    def float_to_integer(self, x: Text, source: DType, target: DType) -> Text:
        wide = dtypes.float64 if source.bits == 64 else dtypes.float32
        if target.bits < 32:
            convert = FLOAT_TO_INTEGER[wide.bits, "int32"]
            low = -(2 ** (target.bits - 1)) if target.is_signed else 0
            high = 2 ** (target.bits - target.is_signed) - 1
            helper, fields = NARROW_INTEGER, {"low": low, "high": high}
        else:
            convert = FLOAT_TO_INTEGER[wide.bits, target.name]
            if wide.bits == 32 and target.bits == 32:
                return self.call(convert, x)
            helper, fields = NAN_TO_ZERO, {}
        name = f"ax_{wide.short}_to_{target.short}"
        types = {"T": self.types[target.name], "F": self.types[wide.name]}
        return self.call(self.helper(name, helper, convert=convert, **types, **fields), x)

    def bitcast(self, x: Text, source: DType, target: DType) -> Text:
        template = BITCASTS.get((source.name, target.name))
        if template is None:
            return self.cast(target.name, x)
        bare = template.endswith("({0})") and not template.startswith("(")
        text = template.format(x.text if bare else x.within(POSTFIX))
        return Text(text, UNARY if template.startswith("(") else POSTFIX)

    def integer_call(self, e: ir.Call) -> Text:
        t, name = e.arguments[0].type, e.function
        values = [self.value(a) for a in e.arguments]
        if t.bits >= 32:
            template = INTEGER_CALLS.get((name, t.name))
            if template is None:
                return self.call(INTRINSICS[name].cuda[t.bits == 64], *values)
            text = template.format(*(v.text for v in values))
            return Text(text, UNARY if template.startswith("(") else POSTFIX)
        template, precedence = NARROW_CALLS[name]
        if name == "mulhi" and not t.is_signed:
            template = NARROW_UNSIGNED_MULHI
        text = template.format(
            *(v.within(UNARY) for v in values),
            U0=self.cast(unsigned(t).name, values[0]).text,
            T=self.types[t.name],
            bits=t.bits,
            spare=32 - t.bits,
        )
        return Text(text, precedence)

    # ------------------------------------------------------------- memory, barriers and atomics

    def dynamic_shared(self, mem: ir.Mem) -> list[str]:
        storage = "extern __shared__ __align__(16) unsigned char ax_dynamic_shared[];"
        self.helper("ax_dynamic_shared", Helper(storage))
        t = self.types[mem.dtype.name]
        return [f"{t} *const {self.names.get('mem', mem.name)} = ({t} *)ax_dynamic_shared;"]

    def qualifier(self, mem: ir.Mem) -> str:
        constants = [m for m in self.kernel.mems.values() if m.space == "const"]
        total = sum((m.size or 0) * m.dtype.itemsize for m in constants)
        if mem.space == "const" and total > CONSTANT_BYTES:
            return "__device__ const "
        if mem.space == "shared" and self._holds_larger(mem):
            return f"{super().qualifier(mem)}__align__(16) "
        return super().qualifier(mem)

    def _holds_larger(self, mem: ir.Mem) -> bool:
        """Whether an array is also seen as elements that need more alignment than its own."""
        views = (m for m in self.kernel.mems.values() if m.of == mem.name)
        return any(m.dtype.itemsize > mem.dtype.itemsize for m in views)

    def barrier(self, s: ir.Barrier) -> Text:
        if s.kind == "grid":
            self.helper("cooperative_groups", Helper("#include <cooperative_groups.h>"))
            self.notes.append(
                "waits for the whole grid: needs a cooperative launch, and CUDA's headers"
            )
        predicate = "" if s.predicate is None else self.value(s.predicate).text
        return Text(BARRIERS[s.kind].format(predicate), POSTFIX)

    def fence(self, s: ir.Fence) -> Text:
        return self.call(FENCES[s.scope])

    def atomic(self, s: ir.Atomic) -> Text:
        t = self.kernel.mems[s.mem].dtype
        address = self.address(s.mem, s.indices)
        value = self.value(s.value)
        compare = None if s.compare is None else self.value(s.compare)
        template = NATIVE_ATOMICS.get((s.op, t.name))
        if template is None:
            arguments = [address, value] if compare is None else [address, compare, value]
            return self.call(self._atomic_loop(s.op, t), *arguments)
        tight = "(unsigned" in template or "- {v}" in template or "-{v}" in template
        text = template.format(
            p=address.text,
            v=value.within(POSTFIX) if tight else value.text,
            c="" if compare is None else compare.within(POSTFIX) if tight else compare.text,
        )
        return Text(text, UNARY if template.startswith("(") else POSTFIX)

    def _atomic_loop(self, op: str, t: DType) -> str:
        """Name of the helper that does an atomic with a compare-and-swap loop."""
        template = FLOAT_UPDATES.get(op) if t.is_float else None
        update = UPDATES[op] if template is None else template.format(f="" if t.bits == 64 else "f")
        float_result = t.is_float and t.bits == 16 and op not in ("exch", "cas")
        if float_result:
            update = self.narrow_float(Text(update), dtypes.float32, t).text
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
        return self.helper(
            f"ax_atomic_{op}_{t.short}",
            NARROW_ATOMIC_LOOP if narrow else ATOMIC_LOOP,
            parameters=parameters,
            update=update,
            from_bits=self._reinterpret(Text(seen), bits, t),
            to_bits=self._reinterpret(Text("updated"), t, bits),
            result=self._reinterpret(Text("seen"), bits, t),
            mask=hex(2**t.bits - 1),
            **types,
        )

    def _reinterpret(self, x: Text, source: DType, target: DType) -> str:
        if source is target:
            return x.text
        if target.is_bool:
            return self.infix("!=", EQUALITY, x, Text("0")).text
        return self.bitcast(x, source, target).text

    # ----------------------------------------------------------------------------- warps

    def warp(self, s: ir.Warp) -> Text:
        mask = self._members(s) if s.mask is None else self.value(s.mask)
        values = [self.value(a) for a in s.arguments]
        row = WARP_OPS[s.op]
        if s.op == "activemask":
            return self.call(row.cuda)
        if s.op.startswith("shfl"):
            return self._shuffle(s, mask, values)
        if s.op in ("any", "all"):
            call = self.call(row.cuda, mask, values[0])
            return self.infix("!=", EQUALITY, call, Text("0"))
        if s.op == "uni":
            return self.call(self.helper("ax_uni_sync", UNI), mask, values[0])
        if s.op.startswith("reduce_"):
            return self._reduce(s, mask, values[0])
        return self.call(row.cuda, mask, self._lane_value(values[0], s.arguments[0].type))

    def _members(self, s: ir.Warp) -> Text:
        """The member mask of an operation without one: the lanes that execute it."""
        together = any(s is x for x in self.body)  # but for lanes that have ended, which is allowed
        return Text(FULL_MASK) if together else self.call("__activemask")

    def _lane_value(self, x: Text, t: DType) -> Text:
        """A value as the warp functions take it: 16-bit floats as their bits."""
        return Text(f"{x.within(POSTFIX)}.bits", POSTFIX) if t.is_float and t.bits == 16 else x

    def _shuffle(self, s: ir.Warp, mask: Text, values: list[Text]) -> Text:
        arguments = [mask, *values] if s.width is None else [mask, *values, self.value(s.width)]
        return self._shuffled(WARP_OPS[s.op].cuda, arguments, s.arguments[0].type)

    def _shuffled(self, function: str, arguments: list[Text], t: DType) -> Text:
        """A shuffle of the second argument, which is of type ``t``; narrow types travel as int."""
        mask, value, *rest = arguments
        value = self._lane_value(value, t)
        if t.bits < 32:
            value = self.cast("int32", value)
        call = self.call(function, mask, value, *rest)
        if t.is_float and t.bits == 16:
            return Text(f"{self.types[t.name]}{{(unsigned short){call.text}}}", POSTFIX)
        return self.cast(t.name, call) if t.bits < 32 else call

    def _reduce(self, s: ir.Warp, mask: Text, value: Text) -> Text:
        t, op = s.arguments[0].type, s.op.removeprefix("reduce_")
        update = REDUCTIONS[op]
        if t.is_float and op in ("min", "max"):
            update = f"f{op}{'' if t.bits == 64 else 'f'}(value, other)"
        if t.is_float and t.bits == 16:
            update = self.narrow_float(Text(update), dtypes.float32, t).text
        elif t.bits < 32:
            update = f"({self.types[t.name]})({update})"
        shuffled = self._shuffled("__shfl_sync", [Text("mask"), Text("x"), Text("lane")], t).text
        native = ""
        if t.bits == 32 and t.is_integer:
            native = (
                f"#if __CUDA_ARCH__ >= 800\n    return {WARP_OPS[s.op].cuda}(mask, x);\n#endif\n"
            )
        name = f"ax_{s.op}_{t.short}"
        fields = {"update": update, "shuffled": shuffled, "native": native}
        helper = self.helper(name, REDUCE, T=self.types[t.name], **fields)
        return self.call(helper, mask, value)

    def clock(self, s: ir.Clock) -> Text:
        if s.kind == "cycles":
            return self.call("clock64")
        return self.call(self.helper("ax_globaltimer", GLOBAL_TIMER))

    def stop(self, format_text: str, values: list[str]) -> list[str]:
        text = c_string(format_text + "\n  in block (%u, %u, %u), thread (%u, %u, %u)\n")
        places = [f"{place}.{axis}" for place in ("blockIdx", "threadIdx") for axis in "xyz"]
        return [f"printf({', '.join([text, *values, *places])});", "__trap();"]


def _filled(groups: list[str]) -> list[str]:
    """Rows of parameters: as many arguments a row as fit, an argument's parameters together."""
    rows: list[str] = []
    for group in groups:
        if rows and len(rows[-1]) + len(group) < 92:
            rows[-1] += f", {group}"
        else:
            rows.append(group)
    return rows


@dataclass(frozen=True, slots=True)
class CudaDialect:
    """CUDA C++, for NVRTC and nvcc.

    Attributes:
        lines: Whether ``#line`` directives lead compilers and debuggers to the user's source.
    """

    lines: bool = True
    name: ClassVar[str] = "cuda"

    def lower(self, kernel: ir.Kernel) -> ir.Kernel:
        """The kernel itself: CUDA has threads, barriers and every type KIR has.

        Raises:
            UnsupportedError: if the shared arrays are more than a CUDA program may declare.
        """
        if kernel.static_shared_bytes > STATIC_SHARED_BYTES:
            arrays = [m for m in kernel.mems.values() if m.space == "shared" and m.of is None]
            largest = max(arrays, key=lambda m: (m.size or 0) * m.dtype.itemsize)
            raise unsupported(
                largest.loc or kernel.loc,
                f"the kernel's shared arrays take {kernel.static_shared_bytes} bytes; CUDA allows "
                f"{STATIC_SHARED_BYTES} whose size is fixed in the program, and {largest.name} is "
                "the largest",
                "give it shape 0, which takes the launch's dynamic shared memory",
            )
        return kernel

    def emit(self, kernel: ir.Kernel, options: EmitOptions) -> Program:
        """Prints ``kernel``; its checks and prints are CUDA's own printf, so it has no sites."""
        printer = CudaPrinter(kernel.with_body(kernel.body), lines=self.lines)
        text = printer.print()
        return Program(
            text=text,
            entry=printer.entry,
            params=tuple(kernel.params),
            scratch_bytes=0,
            shared_bytes=kernel.static_shared_bytes,
            sites=(),
            notes=tuple(printer.notes),
            cooperative=flow.waits_for_grid(kernel.body),
        )
