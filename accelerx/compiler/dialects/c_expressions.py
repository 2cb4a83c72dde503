"""Expressions of KIR as C text.

KIR's integers wrap and C's signed ones do not, so a signed sum that may wrap is printed in unsigned
arithmetic and converted back, as careful C programmers write it. Where KIR promises that a sum does
not wrap it is printed as it stands; what is made of thread indices is unsigned in C already.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, assert_never

import numpy as np

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.dialects.c_facts import (
    Facts,
    at_least_32,
    compares_unwidened,
    contiguous,
    is_index,
    is_widening,
    shift_in_range,
    widens,
)
from accelerx.compiler.dialects.c_structure import C_KEYWORDS, Names, identifier
from accelerx.compiler.dialects.c_text import (
    ADD,
    AND,
    ASSIGNMENT,
    CONDITIONAL,
    EQUALITY,
    FLOAT_HELPERS,
    FLOOR,
    INFIX,
    INTEGER_HELPERS,
    LOGICAL,
    MUL,
    OR,
    POSTFIX,
    PRIMARY,
    RELATION,
    SHIFT,
    UNARY,
    Helper,
    Text,
    minus,
)
from accelerx.compiler.intrinsics import INTRINSICS
from accelerx.dtypes import DType, unsigned

_WRAPPING = ("add", "sub", "mul")
_BITWISE = ("and", "or", "xor")
_DIVIDES: Mapping[str, ir.BinaryOp] = {
    "quot": "quot",
    "rem": "rem",
    "floordiv": "quot",
    "mod": "rem",
}


class CExpressions(ABC):
    """Prints the expressions of one kernel; a dialect's tables and methods say how it spells them.

    Args:
        kernel: A verified kernel.
        body: Its statements, in the form in which they are printed.
    """

    types: ClassVar[Mapping[str, str]]  #: spelling of each dtype, by its name
    specials: ClassVar[Mapping[str, str]]  #: ``{axis}`` is x, y or z; all are unsigned
    helper_qualifiers: str  #: what stands before a function of the prelude
    reserved: ClassVar[frozenset[str]] = frozenset()  #: names the language has taken
    integer_min_max: ClassVar[frozenset[str]] = frozenset()  #: dtypes with overloaded min and max
    fast_functions: ClassVar[Mapping[str, str]] = {}  #: float32 functions under fastmath

    def __init__(self, kernel: ir.Kernel, body: list[ir.Stmt]) -> None:
        self.kernel = kernel
        self.names = Names(C_KEYWORDS | self.reserved)
        self.prelude: dict[str, str] = {}
        self._facts = Facts(body)
        self.entry = self.names.fresh(identifier(kernel.name))
        for param in kernel.params:
            self.names.get("param", param.name)
        for mem in kernel.mems.values():
            if mem.space == "global" and mem.of is None:
                self.names.alias("mem", mem.name, "param")

    # ------------------------------------------------------------------- what a language adds

    @abstractmethod
    def integer_call(self, e: ir.Call) -> Text:
        """A call of an intrinsic on integers, ``abs`` aside."""

    @abstractmethod
    def float_to_integer(self, x: Text, source: DType, target: DType) -> Text:
        """Truncating, saturating conversion; NaN gives 0."""

    @abstractmethod
    def narrow_float(self, x: Text, source: DType, target: DType) -> Text:
        """Conversion of a float32 or float64 expression to float16 or bfloat16."""

    def narrow_call(self, name: str, arguments: list[Text], t: DType) -> Text | None:
        """A call of an intrinsic on 16-bit floats that float32's, rounded, does not answer."""
        return None

    @abstractmethod
    def bitcast(self, x: Text, source: DType, target: DType) -> Text: ...

    # -------------------------------------------------------------------------------- helpers

    def helper(self, name: str, helper: Helper, **fields: object) -> str:
        """Makes sure the prelude holds ``helper`` under ``name``, and returns the name."""
        if name not in self.prelude:
            text = helper.text.format(name=name, **fields)
            prefix = "" if text.startswith(("#", "struct", "extern")) else self.helper_qualifiers
            self.prelude[name] = _wrapped(prefix + text)
        return name

    def operation(self, op: str, t: DType) -> str:
        """Name of the helper for an operation on ``t`` that C does not define everywhere."""
        name = f"ax_{op}_{t.short}"
        if t.is_float:
            suffix = "f" if t.bits == 32 else ""
            return self.helper(name, FLOAT_HELPERS[op], T=self.types[t.name], f=suffix)
        key = (op, t.kind) if (op, t.kind) in INTEGER_HELPERS else (op, "any")
        helper = INTEGER_HELPERS[key]
        for need in helper.needs:
            self.operation(need, t)
        u = unsigned(t)
        wide = self.types[u.name] if t.bits >= 32 else self.types["uint32"]
        fields = {"T": self.types[t.name], "U": self.types[u.name], "W": wide}
        return self.helper(name, helper, short=t.short, bits=t.bits, **fields)

    # ---------------------------------------------------------------------------- expressions

    def value(self, e: ir.Expr, relaxed: bool = False) -> Text:
        """C text whose value is ``e``'s and whose C type is ``e``'s (narrow ints may be int).

        ``relaxed`` says that the place converts by itself, so that a constant needs no suffix.
        """
        match e:
            case ir.Const():
                return self.constant(e, relaxed)
            case ir.Local():
                return Text(self.names.get("local", e.name))
            case ir.ParamRef():
                return Text(self.names.get("param", e.name))
            case ir.Special():
                return self.cast("int32", self.special(e))
            case ir.Binary():
                return self._binary(e)
            case ir.Unary():
                return self._unary(e)
            case ir.Compare():
                return self.compare(e)
            case ir.Logical(op, left, right):
                return self.infix(*LOGICAL[op], self.value(left), self.value(right))
            case ir.Select():
                return self._select(e)
            case ir.Cast():
                return self._cast(e)
            case ir.Bitcast(operand, t):
                source = operand.type
                x = self.value(operand)
                return x if source is t else self.bitcast(x, source, t)
            case ir.Call():
                return self._call(e)
            case ir.Load():
                return self.element(e.mem, e.indices)
            case _:
                assert_never(e)

    def assigned(self, e: ir.Expr) -> str:
        """Text of ``e`` where C converts it to its type: an assignment, an initialiser, a return."""
        match e:
            case ir.Special():
                return self.special(e).text
            case ir.Cast(operand, t) if widens(operand.type, t):
                # The bits of a sum that may be negative would be widened with zeros.
                if not self._prints_as_bits(operand) or self._facts.natural(operand):
                    return self.assigned(operand)
            case ir.Binary() if self._prints_as_bits(e):
                return self._bits(e)[0].text
        return self.bare(e).text

    def index(self, e: ir.Expr) -> Text:
        """Text of an index, which is never negative, where C converts it to 64 bits by itself."""
        while isinstance(e, ir.Cast) and e.type.is_integer and widens(e.operand.type, e.type):
            e = e.operand
        return self._bits(e)[0] if self._prints_as_bits(e) else self.bare(e)

    def special(self, e: ir.Special) -> Text:
        """A special value as the language has it: unsigned."""
        return Text(self.specials[e.kind].format(axis="xyz"[e.axis]), POSTFIX)

    def cast(self, dtype_name: str, x: Text) -> Text:
        return Text(f"({self.types[dtype_name]}){x.within(UNARY)}", UNARY)

    def call(self, function: str, *arguments: Text | str) -> Text:
        """A function call."""
        shown = (a if isinstance(a, str) else a.within(ASSIGNMENT) for a in arguments)
        return Text(f"{function}({', '.join(shown)})", POSTFIX)

    def infix(self, symbol: str, precedence: int, left: Text, right: Text) -> Text:
        """``left symbol right`` with the brackets that C, or a reader, needs."""
        floor = FLOOR.get(precedence, precedence)
        chains = left.precedence == precedence and precedence not in (RELATION, EQUALITY)
        left_text = left.text if chains else left.within(floor)
        associates = right.precedence == precedence and precedence in (AND, OR)
        right_text = right.text if associates else right.within(max(floor, precedence + 1))
        return Text(f"{left_text} {symbol} {right_text}", precedence)

    def constant(self, e: ir.Const, relaxed: bool = False) -> Text:
        """A literal of exactly the constant's type (narrow integers are int)."""
        t = e.type
        if t.is_bool:
            return Text("true" if e.value else "false")
        if t.is_float:
            return self.float_constant(float(e.value), t)
        value = int(e.value)
        if value == 2**32 - 1 and t is dtypes.uint32:
            return Text("0xffffffffU")
        suffix = "U" if t.kind == "uint" and t.bits >= 32 else ""
        if t.bits == 64 and not (relaxed and -(2**31) < value < 2**31):
            suffix += "LL"
        if value == -(2 ** (t.bits - 1)) and t.bits >= 32 and t.is_signed:
            return Text(f"{value + 1}{suffix} - 1", ADD)
        return Text(f"{value}{suffix}", UNARY if value < 0 else PRIMARY)

    def float_constant(self, value: float, t: DType) -> Text:
        """A float literal; float16 and bfloat16 values are printed as float32 and converted."""
        if t.bits == 16:
            return self.narrow_float(self.float_constant(value, dtypes.float32), dtypes.float32, t)
        suffix = "f" if t.bits == 32 else ""
        if not math.isfinite(value):
            bits = np.array(value, t.numpy).view(f"u{t.itemsize}")[()]
            word = dtypes.uint32 if t.bits == 32 else dtypes.uint64
            digits = Text(f"0x{int(bits):x}U" + ("LL" if t.bits == 64 else ""))
            return self.bitcast(digits, word, t)
        text = np.format_float_scientific(t.numpy.type(value), trim="-")
        if 1e-5 <= abs(value) < 1e9 or value == 0:
            text = np.format_float_positional(t.numpy.type(value), trim="0")
        return Text(text + suffix, UNARY if text.startswith("-") else PRIMARY)

    def element(self, mem_name: str, indices: tuple[ir.Expr, ...]) -> Text:
        """``mem[...]``: with one bracket an axis if C knows the extents, else flat by strides."""
        mem = self.kernel.mems[mem_name]
        if mem.of is not None:
            return self._seen(mem, mem.of, indices)
        name = self.names.get("mem", mem_name)
        if not self.is_flat(mem) and mem.size is not None and contiguous(mem):
            return Text(name + "".join(f"[{self.index(i).text}]" for i in indices), POSTFIX)
        return Text(f"{name}[{self._flat(mem, indices).text}]", POSTFIX)

    def is_flat(self, mem: ir.Mem) -> bool:
        """Whether C knows an array by a pointer to its first element, not by its extents."""
        return mem.space == "global"

    def address(self, mem_name: str, indices: tuple[ir.Expr, ...]) -> Text:
        """The address of an element."""
        text = self.element(mem_name, indices)
        if text.text.startswith("*"):
            return Text(text.text[1:], POSTFIX)
        return Text(f"&{text.text}", UNARY)

    def _seen(self, view: ir.Mem, of: str, indices: tuple[ir.Expr, ...]) -> Text:
        """An element of a view: its root's address cast, then indexed; or the byte's address cast."""
        name, root = self.names.get("mem", of), self.kernel.mems[of]
        constant = view.space == "global" and not self._is_written(of)
        if view.step == view.dtype.itemsize:
            index = self._flat(view, indices)
            return Text(f"{self.pointer_cast(view, constant, name)}[{index.text}]", POSTFIX)
        index = self._byte_offset(indices[0], view.step)
        bytes_ = name
        if root.dtype is not dtypes.uint8 or len(root.shape) > 1:
            bytes_ = self.pointer_cast(replace(view, dtype=dtypes.uint8), constant, name)
        at = self.infix("+", ADD, Text(bytes_), index)
        return Text(f"*{self.pointer_cast(view, constant, at.text)}", UNARY)

    def _byte_offset(self, index: ir.Expr, unit: int) -> Text:
        """``index * unit`` in 64 bits."""
        if isinstance(index, ir.Const):
            return Text(str(int(index.value) * unit))
        text = self.index(index)
        if unit == 1:
            return text
        is_wide = index.type.bits == 64 and not isinstance(index, ir.Cast)
        text = text if is_wide else self.cast("int64", text)
        return self.infix("*", MUL, text, Text(str(unit)))

    def pointer_cast(self, view: ir.Mem, constant: bool, text: str) -> str:
        """An address as that of elements of ``view``."""
        qualifier = "const " if constant else ""
        return f"reinterpret_cast<{qualifier}{self.types[view.dtype.name]} *>({text})"

    def _is_written(self, buffer: str) -> bool:
        return any(p.name == buffer and p.written for p in self.kernel.params)

    def _flat(self, mem: ir.Mem, indices: tuple[ir.Expr, ...]) -> Text:
        """The offset of an element: the sum of index times stride, in 64 bits."""
        total: Text | None = None
        for i, stride in zip(indices, mem.strides, strict=True):
            if isinstance(i, ir.Const) and i.value == 0 and len(indices) > 1:
                continue
            term = self.index(i)
            if isinstance(stride, int):
                if stride != 1:
                    wide = i.type.bits == 64 and not isinstance(i, ir.Cast)
                    on_chip = mem.space in ("shared", "local")
                    term = term if wide or on_chip else self.cast("int64", term)
                    term = self.infix("*", MUL, term, Text(str(stride)))
            else:
                term = self.infix("*", MUL, term, self.value(stride))
            total = term if total is None else self.infix("+", ADD, total, term)
        return total if total is not None else Text("0")

    def _binary(self, e: ir.Binary) -> Text:
        t, op = e.type, e.op
        if t.is_float:
            return self._float_binary(e)
        if t.is_bool and op in _BITWISE:
            return self.infix(*INFIX[op], self.value(e.left), self.value(e.right))
        if op in _WRAPPING:
            if self._prints_as_bits(e):
                return self.cast(t.name, self._bits(e)[0])
            return self._plain(e)
        if op in _BITWISE:
            return self._plain(e)
        if op in ("shl", "shr"):
            return self._shift(e)
        if op in ("min", "max"):
            return self._integer_min_max(e)
        return self._division(e)

    def _plain(self, e: ir.Binary) -> Text:
        """``left op right`` on values, leaving out what C's conversions do by themselves."""
        op, right = e.op, e.right
        if op == "add" and isinstance(right, ir.Const) and -(2**31) < right.value < 0:
            right = ir.Const(-right.value, right.type, right.loc)
            op = "sub"
        left_text, right_text = self._operands(e.left, right)
        return self.infix(*INFIX[op], left_text, right_text)

    def _operands(self, left: ir.Expr, right: ir.Expr) -> tuple[Text, Text]:
        """Two operands of one type: one of them typed exactly, so that C converts the other."""
        if isinstance(left, ir.Const):
            return self.value(left, not isinstance(right, ir.Const)), self.value(right)
        if isinstance(right, ir.Const):
            return self.value(left), self.value(right, relaxed=True)
        if is_widening(right) and not is_widening(left):
            return self.value(left), self._unwidened(right)
        if is_widening(left) and not is_widening(right):
            return self._unwidened(left), self.value(right)
        if is_widening(left) and is_widening(right):
            return self.value(left), self._unwidened(right)
        return self.value(left), self.value(right)

    def _unwidened(self, e: ir.Expr) -> Text:
        assert isinstance(e, ir.Cast)
        if isinstance(e.operand, ir.Special):
            return self.special(e.operand)
        return self.value(e.operand)

    def _prints_as_bits(self, e: ir.Expr) -> bool:
        """Whether a signed or narrow sum is printed in unsigned arithmetic."""
        if not (isinstance(e, ir.Binary) and e.type.is_integer and e.op in _WRAPPING):
            return False
        if e.type.bits >= 32 and not e.type.is_signed:
            return False
        if e.type.bits < 32 or not e.nowrap:
            return True
        return (
            isinstance(e.left, ir.Special)
            or isinstance(e.right, ir.Special)
            or any(self._prints_as_bits(x) for x in (e.left, e.right))
        )

    def _bits(self, e: ir.Expr) -> tuple[Text, bool]:
        """Text whose low bits are ``e``'s, in arithmetic that wraps; and whether it is unsigned."""
        t = e.type
        match e:
            case ir.Const():
                width = max(32, t.bits)
                text = f"{int(e.value) % 2**width}U" + ("LL" if width == 64 else "")
                return Text(text), True
            case ir.Special():
                return self.special(e), True
            case ir.Binary(op) if op in _WRAPPING or op in _BITWISE:
                return self._bits_of_binary(e), True
            case ir.Unary("neg", operand):
                return minus(self._unsigned(operand)), True
            case ir.Binary("shl", left, ir.Const(count)) if 0 <= count < t.bits:
                return self.infix("<<", SHIFT, self._unsigned(left), Text(str(count))), True
        return self.value(e), t.kind == "uint" and t.bits >= 32

    def _bits_of_binary(self, e: ir.Binary) -> Text:
        op, right_operand = e.op, e.right
        if op == "add" and isinstance(right_operand, ir.Const) and right_operand.value < 0:
            right_operand = ir.Const(-right_operand.value, right_operand.type, right_operand.loc)
            op = "sub"
        left, left_unsigned = self._bits(e.left)
        right, right_unsigned = self._bits(right_operand)
        if not left_unsigned and not right_unsigned:
            left, left_unsigned = self._unsigned(e.left), True
        if _is_small(right_operand) and left_unsigned and not isinstance(e.left, ir.Const):
            right = self.value(right_operand, relaxed=True)
        elif is_widening(right_operand) and left_unsigned:
            right = self._unwidened(right_operand)
        elif is_widening(e.left) and right_unsigned:
            left = self._unwidened(e.left)
        return self.infix(*INFIX[op], left, right)

    def _unsigned(self, e: ir.Expr) -> Text:
        """The low bits of ``e`` as an unsigned value of at least 32 bits."""
        text, is_unsigned = self._bits(e)
        if is_unsigned:
            return text
        target = "uint64" if e.type.bits == 64 else "uint32"
        if is_widening(e):
            return self.cast(target, self._unwidened(e))
        return self.cast(target, text)

    def _shift(self, e: ir.Binary) -> Text:
        t = e.type
        if not shift_in_range(e.right, t.bits):
            return self.call(self.operation(e.op, t), self.value(e.left), self.value(e.right))
        count = Text(str(e.right.value)) if isinstance(e.right, ir.Const) else self.value(e.right)
        if e.op == "shr" or (t.kind == "uint" and t.bits >= 32):
            return self.infix(*INFIX[e.op], self.value(e.left), count)
        return self.cast(t.name, self.infix("<<", SHIFT, self._unsigned(e.left), count))

    def _integer_min_max(self, e: ir.Binary) -> Text:
        function = e.op if e.type.name in self.integer_min_max else self.operation(e.op, e.type)
        return self.call(function, self.value(e.left), self.value(e.right))

    def _division(self, e: ir.Binary) -> Text:
        """Integer division and remainder, guarded unless the divisor is a harmless constant."""
        op, divisor = e.op, e.right
        natural = self._facts.natural(e.left) and self._facts.natural(divisor)
        if natural or not e.type.is_signed:
            op = _DIVIDES[op]
        harmless = isinstance(divisor, ir.Const) and divisor.value not in (0, -1)
        if op in ("quot", "rem") and (harmless or self._facts.positive(divisor)):
            return self.infix(*INFIX[op], *self._operands(e.left, divisor))
        return self.call(self.operation(op, e.type), self.value(e.left), self.value(divisor))

    def _float_binary(self, e: ir.Binary) -> Text:
        t = e.type
        left, right = self._float_operand(e.left), self._float_operand(e.right)
        wide = t if t.bits >= 32 else dtypes.float32
        text = self.float_arithmetic(e.op, left, right, wide)
        return text if wide is t else self.narrow_float(text, wide, t)

    def float_arithmetic(self, op: str, left: Text, right: Text, t: DType) -> Text:
        """An operation on float32 or float64."""
        suffix = "f" if t.bits == 32 else ""
        if op in ("add", "sub", "mul", "div"):
            return self.infix(*INFIX[op], left, right)
        if op in ("min", "max"):
            return self.call(f"f{op}{suffix}", left, right)
        if op == "rem":
            return self.call(f"fmod{suffix}", left, right)
        if op == "quot":
            return self.call(f"trunc{suffix}", self.infix("/", MUL, left, right))
        return self.call(self.operation(op, t), left, right)

    def _float_operand(self, e: ir.Expr) -> Text:
        """A float operand; 16-bit constants are float32 there, as the arithmetic is."""
        if isinstance(e, ir.Const) and e.type.is_float and e.type.bits == 16:
            return self.float_constant(float(e.value), dtypes.float32)
        return self.value(e)

    def _unary(self, e: ir.Unary) -> Text:
        t, op = e.type, e.op
        if op == "not":
            return Text(f"!{self.value(e.operand).within(UNARY)}", UNARY)
        if op == "invert":
            text = Text(f"~{self.value(e.operand).within(UNARY)}", UNARY)
            return text if t.bits >= 32 else self.cast(t.name, text)
        if t.is_float:
            text = minus(self._float_operand(e.operand))
            return text if t.bits >= 32 else self.narrow_float(text, dtypes.float32, t)
        if t.bits >= 32 and not t.is_signed:
            return minus(self.value(e.operand))
        return self.cast(t.name, self._bits(e)[0])

    def compare(self, e: ir.Compare) -> Text:
        left, right = e.left, e.right
        if left.type.is_float:
            return self.infix(*INFIX[e.op], self._float_operand(left), self._float_operand(right))
        if is_index(left) and is_index(right):
            return self.infix(*INFIX[e.op], self.bare(left), self.bare(right))
        if compares_unwidened(left, right):
            return self.infix(*INFIX[e.op], self._unwidened(left), self.value(right, relaxed=True))
        if compares_unwidened(right, left):
            return self.infix(*INFIX[e.op], self.value(left, relaxed=True), self._unwidened(right))
        return self.infix(*INFIX[e.op], *self._operands(left, right))

    def bare(self, e: ir.Expr) -> Text:
        """Text of ``e`` with ``e``'s value, where its C type does not matter."""
        match e:
            case ir.Special():
                return self.special(e)
            case ir.Binary(op, ir.Special() as left, ir.Const(value)) if (
                op in _DIVIDES and value > 0
            ):
                symbol = "/" if _DIVIDES[op] == "quot" else "%"
                return self.infix(symbol, MUL, self.special(left), Text(str(value)))
        return self.value(e, relaxed=True)

    def _select(self, e: ir.Select) -> Text:
        condition = self.value(e.condition).within(EQUALITY)
        then, orelse = self._operands(e.if_true, e.if_false)
        return Text(
            f"{condition} ? {then.within(CONDITIONAL + 1)} : {orelse.within(CONDITIONAL)}",
            CONDITIONAL,
        )

    def _cast(self, e: ir.Cast) -> Text:
        source, target, operand = e.operand.type, e.type, e.operand
        if source is target:
            return self.value(operand)
        if target.is_bool:
            zero = self.constant(ir.Const(0, at_least_32(source)), relaxed=True)
            return self.infix("!=", EQUALITY, self.bare(operand), zero)
        if source.is_float and target.is_integer:
            return self.float_to_integer(self.value(operand), source, target)
        if target.is_float and target.bits == 16:
            x = self.bare(operand)
            if source.is_float and source.bits > 16:
                return self.narrow_float(x, source, target)
            return self.narrow_float(
                x if source.is_float else self.cast("float32", x), dtypes.float32, target
            )
        if isinstance(operand, ir.Const) and operand.type.is_integer and target.is_integer:
            return self.cast(target.name, self.value(operand))
        if (
            widens(source, target)
            and self._facts.natural(operand)
            and self._prints_as_bits(operand)
        ):
            return self.cast(target.name, self._bits(operand)[0])
        return self.cast(target.name, self.bare(operand))

    def _call(self, e: ir.Call) -> Text:
        row = INTRINSICS[e.function]
        argument = e.arguments[0].type
        if argument.is_integer or argument.is_bool:
            return self._abs(e) if row.name == "abs" else self.integer_call(e)
        if argument.bits == 16:
            narrow = self.narrow_call(row.name, [self.value(a) for a in e.arguments], argument)
            if narrow is not None:
                return narrow
        arguments = [
            self._float_operand(a) if a.type.is_float else self.value(a) for a in e.arguments
        ]
        wide = argument if argument.bits >= 32 else dtypes.float32
        text = self.float_call(row.name, row.cuda[wide.bits == 64], arguments, wide)
        if e.type.is_float and e.type.bits == 16:
            return self.narrow_float(text, wide, e.type)
        return text

    def float_call(self, name: str, function: str, arguments: list[Text], t: DType) -> Text:
        """A call of an intrinsic on float32 or float64."""
        if self.kernel.fastmath and t.bits == 32:
            function = self.fast_functions.get(name, function)
        return self.call(function, *arguments)

    def _abs(self, e: ir.Call) -> Text:
        x = self.value(e.arguments[0])
        return self.call(self.operation("abs", e.type), x) if e.type.is_signed else x


def _is_small(e: ir.Expr) -> bool:
    """Whether ``e`` is a constant that C's int holds and converts to what stands beside it."""
    return isinstance(e, ir.Const) and e.type.is_signed and 0 <= e.value < 2**31


def _wrapped(function: str) -> str:
    """A one-line function that is too long for a line, on three."""
    if len(function) <= 100 or "\n" in function:
        return function
    head, _, body = function.partition(" { ")
    return f"{head} {{\n    {body.removesuffix(' }')}\n}}"
