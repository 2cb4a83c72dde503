"""A pretty-printer of KIR for languages of the C family: one statement for one statement.

What C fixes is here: precedence, integer arithmetic, declarations, control flow. What a language
adds (spellings of special values, barriers, atomics, warp operations, 16-bit floats) are the tables
and the few methods that a dialect's subclass of CPrinter gives.

KIR's integers wrap and C's signed ones do not, so a signed sum that may wrap is printed in unsigned
arithmetic and converted back, as careful C programmers write it. Where KIR promises that a sum does
not wrap, or the value is made of thread indices, it is printed as it stands.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple

import numpy as np

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc, unsupported
from accelerx.compiler.dialects.c_structure import (
    C_KEYWORDS,
    Names,
    declarations,
    identifier,
    without_exits,
)
from accelerx.compiler.intrinsics import INTRINSICS
from accelerx.dtypes import DType, unsigned

PRIMARY, POSTFIX, UNARY, MUL, ADD, SHIFT, RELATION, EQUALITY = 17, 16, 15, 13, 12, 11, 10, 9
BIT_AND, BIT_XOR, BIT_OR, AND, OR, CONDITIONAL, ASSIGNMENT = 8, 7, 6, 5, 4, 3, 2

INFIX: Mapping[str, tuple[str, int]] = {
    "add": ("+", ADD), "sub": ("-", ADD), "mul": ("*", MUL), "div": ("/", MUL),
    "quot": ("/", MUL), "rem": ("%", MUL), "shl": ("<<", SHIFT), "shr": (">>", SHIFT),
    "and": ("&", BIT_AND), "xor": ("^", BIT_XOR), "or": ("|", BIT_OR),
    "lt": ("<", RELATION), "le": ("<=", RELATION), "gt": (">", RELATION), "ge": (">=", RELATION),
    "eq": ("==", EQUALITY), "ne": ("!=", EQUALITY),
}  # fmt: skip
LOGICAL: Mapping[str, tuple[str, int]] = {
    "and": ("&&", AND), "or": ("||", OR), "xor": ("!=", EQUALITY),
}  # fmt: skip

#: Operators whose place in C's precedence few readers know: how tightly their operands must bind to
#: go without brackets.
_FLOOR: Mapping[int, int] = {
    SHIFT: UNARY, BIT_AND: UNARY, BIT_XOR: UNARY, BIT_OR: UNARY,
    RELATION: SHIFT, EQUALITY: SHIFT, OR: BIT_OR,
}  # fmt: skip

_WRAPPING = ("add", "sub", "mul")
_BITWISE = ("and", "or", "xor")
_DIVIDES: Mapping[str, ir.BinaryOp] = {
    "quot": "quot",
    "rem": "rem",
    "floordiv": "quot",
    "mod": "rem",
}


class Text(NamedTuple):
    """C text of an expression and how tightly its outermost operator binds."""

    text: str
    precedence: int = PRIMARY

    def within(self, precedence: int) -> str:
        """The text as an operand of an operator of that precedence."""
        return self.text if self.precedence >= precedence else f"({self.text})"


class Helper(NamedTuple):
    """A function (or type) of the prelude, printed if a kernel uses it, after those it needs.

    ``{name}`` is its name, ``{T}`` and ``{U}`` the type and its unsigned twin, ``{bits}`` its width.
    """

    text: str
    needs: tuple[str, ...] = ()


#: Integer operations that C leaves undefined somewhere, as KIR defines them.
INTEGER_HELPERS: Mapping[tuple[str, str], Helper] = {
    ("quot", "uint"): Helper("{T} {name}({T} a, {T} b) {{ return b == 0 ? 0 : a / b; }}"),
    ("rem", "uint"): Helper("{T} {name}({T} a, {T} b) {{ return b == 0 ? 0 : a % b; }}"),
    ("quot", "int"): Helper(
        "{T} {name}({T} a, {T} b) {{\n"
        "    return b == 0 ? 0 : b == -1 ? ({T})(0 - ({U})a) : ({T})(a / b);\n}}"
    ),
    ("rem", "int"): Helper(
        "{T} {name}({T} a, {T} b) {{ return b == 0 || b == -1 ? 0 : ({T})(a % b); }}"
    ),
    ("floordiv", "int"): Helper(
        "{T} {name}({T} a, {T} b) {{\n"
        "    const {T} r = ax_rem_{short}(a, b);\n"
        "    return ({T})(ax_quot_{short}(a, b) - (r != 0 && (r < 0) != (b < 0)));\n}}",
        ("quot", "rem"),
    ),
    ("mod", "int"): Helper(
        "{T} {name}({T} a, {T} b) {{\n"
        "    const {T} r = ax_rem_{short}(a, b);\n"
        "    return ({T})(r != 0 && (r < 0) != (b < 0) ? r + b : r);\n}}",
        ("rem",),
    ),
    ("shl", "any"): Helper(
        "{T} {name}({T} a, {T} n) {{\n"
        "    return ({U})n < {bits}u ? ({T})(({W})a << n) : ({T})0;\n}}"
    ),
    ("shr", "uint"): Helper(
        "{T} {name}({T} a, {T} n) {{ return n < {bits}u ? ({T})(a >> n) : ({T})0; }}"
    ),
    ("shr", "int"): Helper(
        "{T} {name}({T} a, {T} n) {{ return ({T})(a >> (({U})n < {bits}u ? n : {bits} - 1)); }}"
    ),
    ("min", "any"): Helper("{T} {name}({T} a, {T} b) {{ return b < a ? b : a; }}"),
    ("max", "any"): Helper("{T} {name}({T} a, {T} b) {{ return a < b ? b : a; }}"),
    ("abs", "int"): Helper("{T} {name}({T} a) {{ return a < 0 ? ({T})(0 - ({U})a) : a; }}"),
}

#: The same for floats; ``{f}`` is C's suffix of the type's functions.
FLOAT_HELPERS: Mapping[str, Helper] = {
    "mod": Helper(
        "{T} {name}({T} a, {T} b) {{\n"
        "    const {T} r = fmod{f}(a, b);\n"
        "    if (b == 0) return r;\n"
        "    if (r == 0) return copysign{f}(r, b);\n"
        "    return (r < 0) != (b < 0) ? r + b : r;\n}}"
    ),
    "floordiv": Helper(
        "{T} {name}({T} a, {T} b) {{\n"
        "    if (b == 0) return a / b;\n"
        "    const {T} r = fmod{f}(a, b);\n"
        "    {T} q = (a - r) / b;\n"
        "    if (r != 0 && (r < 0) != (b < 0)) q -= 1;\n"
        "    if (q == 0) return copysign{f}(q, a / b);\n"
        "    const {T} whole = floor{f}(q);\n"
        "    return q - whole > ({T})0.5 ? whole + 1 : whole;\n}}"
    ),
}


class CPrinter(ABC):
    """Prints one kernel; make one per kernel.

    Args:
        kernel: A verified kernel.
        lines: Whether ``#line`` directives lead compilers and debuggers to the user's source.
    """

    types: ClassVar[Mapping[str, str]]  #: spelling of each dtype, by its name
    specials: ClassVar[Mapping[str, str]]  #: ``{axis}`` is x, y or z; all are unsigned
    spaces: ClassVar[Mapping[str, str]]  #: qualifiers of shared, local and const arrays
    helper_qualifiers: ClassVar[str]
    reserved: ClassVar[frozenset[str]] = frozenset()
    integer_min_max: ClassVar[frozenset[str]] = frozenset()  #: dtypes with overloaded min and max
    fast_functions: ClassVar[Mapping[str, str]] = {}  #: float32 functions under fastmath
    format_codes: ClassVar[Mapping[str, str]] = {
        "bool": "d", "int8": "d", "int16": "d", "int32": "d", "int64": "lld",
        "uint8": "u", "uint16": "u", "uint32": "u", "uint64": "llu",
        "float16": "f", "bfloat16": "f", "float32": "f", "float64": "f",
    }  # fmt: skip

    def __init__(self, kernel: ir.Kernel, lines: bool = True) -> None:
        self.kernel = kernel
        self.names = Names(C_KEYWORDS | self.reserved)
        self.body = without_exits(kernel.body)
        self.declared = declarations(self.body)
        self.notes: list[str] = []
        self._lines = lines
        self._prelude: dict[str, str] = {}
        self._out: list[str] = []
        self._depth = 0
        self._place: tuple[str, int] | None = None
        self._continues: list[str | None] = []
        self._labels: dict[str, str] = {}
        self._facts = _Facts(self.body)
        self.entry = self.names.fresh(identifier(kernel.name))
        for param in kernel.params:
            self.names.get("param", param.name)
        for mem in kernel.mems.values():
            if mem.space == "global":
                self.names.alias("mem", mem.name, "param")

    # ------------------------------------------------------------------- what a language adds

    @abstractmethod
    def head(self) -> str:
        """The kernel's declaration, up to the opening brace."""

    @abstractmethod
    def barrier(self, s: ir.Barrier) -> Text:
        """Expression that waits (and whose value is the result, if the kind has one)."""

    @abstractmethod
    def fence(self, s: ir.Fence) -> Text: ...

    @abstractmethod
    def atomic(self, s: ir.Atomic) -> Text:
        """Expression that does the atomic and whose value is the old element."""

    @abstractmethod
    def warp(self, s: ir.Warp) -> Text: ...

    @abstractmethod
    def integer_call(self, e: ir.Call) -> Text:
        """A call of an intrinsic on integers, ``abs`` aside."""

    @abstractmethod
    def float_to_integer(self, x: Text, source: DType, target: DType) -> Text:
        """Truncating, saturating conversion; NaN gives 0."""

    @abstractmethod
    def narrow_float(self, x: Text, source: DType, target: DType) -> Text:
        """Conversion of a float32 or float64 expression to float16 or bfloat16."""

    @abstractmethod
    def bitcast(self, x: Text, source: DType, target: DType) -> Text: ...

    @abstractmethod
    def stop(self, format_text: str, values: list[str]) -> list[str]:
        """Statements that print a message and stop the launch."""

    @abstractmethod
    def dynamic_shared(self, mem: ir.Mem) -> list[str]:
        """Declaration of an array in the launch's dynamic shared memory."""

    # -------------------------------------------------------------------------------- helpers

    def helper(self, name: str, helper: Helper, **fields: object) -> str:
        """Makes sure the prelude holds ``helper`` under ``name``, and returns the name."""
        if name not in self._prelude:
            text = helper.text.format(name=name, **fields)
            prefix = "" if text.startswith(("#", "struct", "extern")) else self.helper_qualifiers
            self._prelude[name] = prefix + text
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
                return self._compare(e)
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

    def assigned(self, e: ir.Expr) -> str:
        """Text of ``e`` where C converts it to its type: an assignment, an initialiser, a return."""
        match e:
            case ir.Special():
                return self.special(e).text
            case ir.Cast(operand, t) if t.is_integer and _widens(operand.type, t):
                if not isinstance(operand, ir.Binary):
                    return self.assigned(operand)
            case ir.Binary() if self._prints_as_bits(e):
                return self._bits(e)[0].text
        return self._bare(e).text

    def index(self, e: ir.Expr) -> Text:
        """Text of an index, which is never negative, where C converts it to 64 bits by itself."""
        while isinstance(e, ir.Cast) and e.type.is_integer and _widens(e.operand.type, e.type):
            e = e.operand
        return self._bits(e)[0] if self._prints_as_bits(e) else self._bare(e)

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
        floor = _FLOOR.get(precedence, precedence)
        chains = left.precedence == precedence and precedence not in (RELATION, EQUALITY)
        left_text = left.text if chains else left.within(floor)
        right_text = right.within(max(floor, precedence + 1))
        return Text(f"{left_text} {symbol} {right_text}", precedence)

    def constant(self, e: ir.Const, relaxed: bool = False) -> Text:
        """A literal of exactly the constant's type (narrow integers are int)."""
        t = e.type
        if t.is_bool:
            return Text("true" if e.value else "false")
        if t.is_float:
            return self.float_constant(float(e.value), t)
        value = int(e.value)
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
        name = self.names.get("mem", mem_name)
        if mem.space != "global" and mem.size is not None and _contiguous(mem):
            return Text(name + "".join(f"[{self.index(i).text}]" for i in indices), POSTFIX)
        return Text(f"{name}[{self._flat(mem, indices).text}]", POSTFIX)

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
                    term = term if wide else self.cast("int64", term)
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
        if _is_widening(right) and not _is_widening(left):
            return self.value(left), self._unwidened(right)
        if _is_widening(left) and not _is_widening(right):
            return self._unwidened(left), self.value(right)
        if _is_widening(left) and _is_widening(right):
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
                return Text("-" + self._unsigned(operand).within(UNARY), UNARY), True
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
            left = self._unsigned(e.left)
        return self.infix(*INFIX[op], left, right)

    def _unsigned(self, e: ir.Expr) -> Text:
        """The low bits of ``e`` as an unsigned value of at least 32 bits."""
        text, is_unsigned = self._bits(e)
        if is_unsigned:
            return text
        target = "uint64" if e.type.bits == 64 else "uint32"
        if _is_widening(e):
            return self.cast(target, self._unwidened(e))
        return self.cast(target, text)

    def _shift(self, e: ir.Binary) -> Text:
        t = e.type
        if not _shift_in_range(e.right, t.bits):
            return self.call(self.operation(e.op, t), self.value(e.left), self.value(e.right))
        count = self.value(e.right, relaxed=True)
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
            text = _minus(self._float_operand(e.operand))
            return text if t.bits >= 32 else self.narrow_float(text, dtypes.float32, t)
        if t.bits >= 32 and not t.is_signed:
            return _minus(self.value(e.operand))
        return self.cast(t.name, self._bits(e)[0])

    def _compare(self, e: ir.Compare) -> Text:
        left, right = e.left, e.right
        if left.type.is_float:
            return self.infix(*INFIX[e.op], self._float_operand(left), self._float_operand(right))
        if _is_index(left) and _is_index(right):
            return self.infix(*INFIX[e.op], self._bare(left), self._bare(right))
        return self.infix(*INFIX[e.op], *self._operands(left, right))

    def _bare(self, e: ir.Expr) -> Text:
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
        condition = self.value(e.condition).within(OR)
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
            zero = self.constant(ir.Const(0, _at_least_32(source)), relaxed=True)
            return self.infix("!=", EQUALITY, self._bare(operand), zero)
        if source.is_float and target.is_integer:
            return self.float_to_integer(self.value(operand), source, target)
        if target.is_float and target.bits == 16:
            x = self._bare(operand)
            if source.is_float and source.bits > 16:
                return self.narrow_float(x, source, target)
            return self.narrow_float(
                x if source.is_float else self.cast("float32", x), dtypes.float32, target
            )
        if isinstance(operand, ir.Const) and operand.type.is_integer and target.is_integer:
            return self.cast(target.name, self.value(operand))
        if _widens(source, target) and self._facts.natural(operand) and _widening_bits(operand):
            return self.cast(target.name, self._bits(operand)[0])
        return self.cast(target.name, self._bare(operand))

    def _call(self, e: ir.Call) -> Text:
        row = INTRINSICS[e.function]
        argument = e.arguments[0].type
        if argument.is_integer or argument.is_bool:
            return self._abs(e) if row.name == "abs" else self.integer_call(e)
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

    # ----------------------------------------------------------------------------- statements

    def print(self) -> str:
        """The program's text."""
        self._depth = 1
        for mem in self.kernel.mems.values():
            self._mem(mem)
        for name in self.declared.top:
            self._line(f"{self._declared_type(name)} {self.names.get('local', name)};")
        self._statements(self.body)
        constants = [self._const_array(m) for m in self.kernel.mems.values() if m.space == "const"]
        prelude = sorted(self._prelude.values(), key=lambda text: not text.startswith("#include"))
        parts = [text + "\n" for text in [*prelude, *constants]]
        parts.append("\n".join([self.head() + " {", *self._out, "}"]))
        return "\n".join(parts) + "\n"

    def _line(self, text: str, loc: Loc | None = None) -> None:
        if self._lines and loc is not None:
            here = (loc.source.name, loc.line)
            if here != self._place:
                self._out.append(f"#line {loc.line} {c_string(loc.source.name)}")
                self._place = here
        self._out.append("    " * self._depth + text if text else "")
        if self._place is not None:
            self._place = (self._place[0], self._place[1] + 1)

    def _declared_type(self, local: str) -> str:
        return self.types[self.kernel.locals[local].name]

    def _mem(self, mem: ir.Mem) -> None:
        """Declares a shared or local array at the head of the kernel."""
        if mem.space == "shared" and mem.size is None:
            for line in self.dynamic_shared(mem):
                self._line(line, mem.loc)
        elif mem.space in ("shared", "local"):
            if mem.size is None:
                raise unsupported(mem.loc, f"{mem.space} array {mem.name} has no constant shape")
            self._line(f"{self._array(mem)};", mem.loc)

    def _array(self, mem: ir.Mem) -> str:
        extents = [*mem.shape] if _contiguous(mem) else [mem.size]
        axes = "".join(f"[{extent}]" for extent in extents)
        name = self.names.get("mem", mem.name)
        return f"{self.spaces[mem.space]}{self.types[mem.dtype.name]} {name}{axes or '[1]'}"

    def _const_array(self, mem: ir.Mem) -> str:
        values = [self.array_value(v, mem.dtype) for v in mem.data or ()]
        rows = [", ".join(values[i : i + 8]) for i in range(0, len(values), 8)]
        body = f"{rows[0]}" if len(rows) == 1 else "\n    " + ",\n    ".join(rows) + ",\n"
        return f"{self._array(mem)} = {{{body}}};"

    def array_value(self, value: float | bool, t: DType) -> str:
        """An element of a constant array."""
        return self.constant(ir.Const(value, t)).text

    def _statements(self, body: list[ir.Stmt]) -> None:
        for s in body:
            self._statement(s)

    def _block(self, body: list[ir.Stmt]) -> None:
        self._depth += 1
        self._statements(body)
        self._depth -= 1

    def _statement(self, s: ir.Stmt) -> None:
        match s:
            case ir.Assign():
                self._line(self._simple(s) + ";", s.loc)
            case ir.Store():
                self._line(
                    f"{self.element(s.mem, s.indices).text} = {self.assigned(s.value)};", s.loc
                )
            case ir.If():
                self._if(s)
            case ir.For():
                self._for(s)
            case ir.While():
                self._while(s)
            case ir.Break():
                self._line("break;", s.loc)
            case ir.Continue():
                label = self._continues[-1] if self._continues else None
                self._line("continue;" if label is None else f"goto {label};", s.loc)
            case ir.Return():
                self._line("return;", s.loc)
            case ir.Scope():
                self._scope(s)
            case ir.Exit():
                self._line(f"goto {self._labels[s.label]};", s.loc)
            case ir.Barrier():
                self._effect(s, s.result, self.barrier(s))
            case ir.Fence():
                self._line(self.fence(s).text + ";", s.loc)
            case ir.Atomic():
                self._effect(s, s.result, self.atomic(s))
            case ir.Warp():
                self._effect(s, s.result, self.warp(s))
            case ir.Print():
                self._print(s)
            case ir.Assert():
                self._assert(s)

    def _target(self, s: ir.Stmt, name: str) -> str:
        """The left side of an assignment: with the type if this is the declaration."""
        c_name = self.names.get("local", name)
        return f"{self._declared_type(name)} {c_name}" if id(s) in self.declared.at else c_name

    def _simple(self, s: ir.Assign) -> str:
        return f"{self._target(s, s.target)} = {self.assigned(s.value)}"

    def _effect(self, s: ir.Stmt, result: str | None, text: Text) -> None:
        if result is None:
            self._line(f"{text.text};", s.loc)
        else:
            self._line(f"{self._target(s, result)} = {text.text};", s.loc)

    def _if(self, s: ir.If, lead: str = "") -> None:
        self._line(f"{lead}if ({self.value(s.condition).text}) {{", s.loc)
        self._block(s.then)
        if len(s.orelse) == 1 and isinstance(s.orelse[0], ir.If):
            self._if(s.orelse[0], "} else ")
            return
        if s.orelse:
            self._line("} else {")
            self._block(s.orelse)
        self._line("}")

    def _for(self, s: ir.For) -> None:
        stop = self._invariant(s, s.stop, "stop")
        step = self._invariant(s, s.step, "step")
        name, t = self.names.get("local", s.target), self.kernel.locals[s.target]
        declared = f"{self.types[t.name]} " if s.target in self.declared.loops else ""
        variable = ir.Local(s.target, t)
        up = self._compare(ir.Compare("lt", variable, stop)).text
        down = self._compare(ir.Compare("gt", variable, stop)).text
        advance = f"{name} += {self.assigned(step)}"
        if isinstance(step, ir.Const):
            size = abs(int(step.value))
            sign = "+" if step.value > 0 else "-"
            condition = up if step.value > 0 else down
            advance = f"{sign}{sign}{name}" if size == 1 else f"{name} {sign}= {size}"
        elif not t.is_signed or self._facts.positive(step):
            condition = up
        else:
            condition = f"{self.value(step).within(RELATION)} > 0 ? {up} : {down}"
        if s.unroll:
            self._line("#pragma unroll", s.loc)
        start = self.assigned(s.start)
        self._line(f"for ({declared}{name} = {start}; {condition}; {advance}) {{", s.loc)
        self._continues.append(None)
        self._block(s.body)
        self._continues.pop()
        self._line("}")

    def _invariant(self, s: ir.For, e: ir.Expr, word: str) -> ir.Expr:
        """``e``, or a new constant with its value if the loop's body could change it."""
        changed = {ir.target(x) for x in ir.statements(s.body)} | {s.target}
        nodes = list(ir.walk(e))
        loads = any(isinstance(x, ir.Load) for x in nodes)
        if not loads and not any(isinstance(x, ir.Local) and x.name in changed for x in nodes):
            return e
        local = f"{s.target}_{word}"
        local = self.kernel.fresh(local, e.type)
        name = self.names.get("local", local)
        self._line(f"const {self.types[e.type.name]} {name} = {self.assigned(e)};", s.loc)
        return ir.Local(local, e.type, e.loc)

    def _while(self, s: ir.While) -> None:
        condition = self.value(s.condition).text
        simple = all(isinstance(p, ir.Assign) and id(p) not in self.declared.at for p in s.post)
        if not s.post:
            self._line(f"while ({condition}) {{", s.loc)
        elif simple:
            post = ", ".join(self._simple(p) for p in s.post if isinstance(p, ir.Assign))
            self._line(f"for (; {condition}; {post}) {{", s.loc)
        else:
            self._while_with_post(s, condition)
            return
        self._continues.append(None)
        self._block(s.body)
        self._continues.pop()
        self._line("}")

    def _while_with_post(self, s: ir.While, condition: str) -> None:
        """A loop whose post statements are more than C's for takes: continue becomes a goto."""
        label = self.names.fresh("next") if _continues(s.body) else None
        self._line(f"while ({condition}) {{", s.loc)
        self._depth += 1
        if label is None:
            self._continues.append(None)
            self._statements(s.body)
        else:
            self._continues.append(label)
            self._line("{")
            self._block(s.body)
            self._line("}")
            self._line(f"{label}:;")
        self._continues.pop()
        self._statements(s.post)
        self._depth -= 1
        self._line("}")

    def _scope(self, s: ir.Scope) -> None:
        """A scope: braces and, if something still leaves it, a label after them."""
        left = any(isinstance(x, ir.Exit) and x.label == s.label for x in ir.statements(s.body))
        if not left:
            self._statements(s.body)
            return
        label = self.names.fresh(f"{s.label}_end")
        self._labels[s.label] = label
        self._line("{", s.loc)
        self._block(s.body)
        self._line("}")
        self._line(f"{label}:;")

    def _print(self, s: ir.Print) -> None:
        if s.format is not None:
            text = c_string(s.format)
        else:
            text = c_string(" ".join(self._format_code(p) for p in s.parts) + "\n")
        values = [self._printed(p, s.format is None) for p in s.parts]
        self._line(f"printf({', '.join([text, *(v for v in values if v)])});", s.loc)

    def _format_code(self, part: str | ir.Expr) -> str:
        if isinstance(part, str):
            return part.replace("%", "%%")
        return "%s" if part.type.is_bool else "%" + self.format_codes[part.type.name]

    def _printed(self, part: str | ir.Expr, in_words: bool) -> str:
        """A value as printf's variadic part takes it."""
        if isinstance(part, str):
            return "" if in_words else c_string(part)
        text = self.value(part)
        if part.type.is_bool and in_words:
            return f'{text.within(OR)} ? "True" : "False"'
        if part.type.is_float:
            return text.text if part.type.bits == 64 else self.cast("float64", text).text
        return text.text

    def _assert(self, s: ir.Assert) -> None:
        message = s.message.replace("%", "%%")
        shown: list[str] = []
        for n, v in enumerate(s.values):
            if f"{{{n}}}" in message:
                message = message.replace(f"{{{n}}}", self._format_code(v), 1)
                shown.append(self._printed(v, in_words=True))
        where = "" if s.loc is None else f"{s.loc}: "
        self._line(f"if ({Text('!' + self.value(s.condition).within(UNARY)).text}) {{", s.loc)
        self._depth += 1
        for line in self.stop(where.replace("%", "%%") + message, shown):
            self._line(line)
        self._depth -= 1
        self._line("}")


class _Facts:
    """What is known of the sign of integer expressions, from the kernel's text alone."""

    def __init__(self, body: list[ir.Stmt]) -> None:
        self._single: dict[str, ir.Expr | None] = {}
        for s in ir.statements(body):
            name = ir.target(s)
            if name is not None:
                first = name not in self._single and isinstance(s, ir.Assign)
                self._single[name] = s.value if first and isinstance(s, ir.Assign) else None
        self._known: dict[tuple[str, int], bool] = {}

    def natural(self, e: ir.Expr) -> bool:
        """Whether ``e`` is surely not negative."""
        return self._holds("natural", e, 0)

    def positive(self, e: ir.Expr) -> bool:
        """Whether ``e`` is surely greater than zero."""
        return self._holds("positive", e, 1)

    def _holds(self, fact: str, e: ir.Expr, least: int) -> bool:
        again: Callable[[ir.Expr], bool] = lambda x: self._holds(fact, x, least)  # noqa: E731
        match e:
            case ir.Const(value):
                return value >= least
            case ir.Special(kind):
                return least == 0 or kind in ("block_dim", "grid_dim")
            case ir.Cast(operand, t) if _widens(operand.type, t):
                return again(operand)
            case ir.Binary("mul", left, right, nowrap=True):
                return again(left) and again(right)
            case ir.Binary("add", left, right, nowrap=True):
                others = self.natural(left) and self.natural(right)
                return others and (least == 0 or again(left) or again(right))
            case ir.Binary("quot" | "rem" | "floordiv" | "mod", left, right) if least == 0:
                return self.natural(left) and self.natural(right)
            case ir.Local(name):
                value_of = self._single.get(name)
                if value_of is None:
                    return False
                key = (fact, id(value_of))
                if key not in self._known:
                    self._known[key] = False  # a value that depends on itself proves nothing
                    self._known[key] = again(value_of)
                return self._known[key]
        return e.type.kind == "uint" and least == 0


def c_string(text: str) -> str:
    """A C string literal."""
    out = []
    for byte in text.encode():
        c = chr(byte)
        if c in '"\\':
            out.append("\\" + c)
        elif c == "\n":
            out.append("\\n")
        else:
            out.append(c if 32 <= byte < 127 else f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


def _minus(x: Text) -> Text:
    return Text("-" + x.within(POSTFIX), UNARY)


def _continues(body: list[ir.Stmt]) -> bool:
    """Whether a loop's body holds a continue of that loop."""
    for s in body:
        if isinstance(s, ir.Continue):
            return True
        if not isinstance(s, (ir.For, ir.While)) and any(_continues(b) for b in ir.blocks(s)):
            return True
    return False


def _widens(source: DType, target: DType) -> bool:
    """Whether every value of an integer (or bool) type ``source`` is one of ``target``."""
    if not target.is_integer or source.is_float:
        return False
    if source.is_bool:
        return True
    if source.is_signed == target.is_signed:
        return source.bits <= target.bits
    return target.is_signed and source.bits < target.bits


def _is_widening(e: ir.Expr) -> bool:
    """Whether ``e`` is a cast to 64 bits that C does by itself beside a 64-bit operand."""
    return (
        isinstance(e, ir.Cast)
        and e.type.bits == 64
        and e.type.is_integer
        and (_widens(e.operand.type, e.type) and e.operand.type.bits <= 32)
    )


def _widening_bits(e: ir.Expr) -> bool:
    return isinstance(e, ir.Binary) and e.op in _WRAPPING and e.nowrap and e.type.bits == 32


def _is_index(e: ir.Expr) -> bool:
    """Whether ``e`` compares the same signed and unsigned: a special value or a natural constant."""
    return isinstance(e, ir.Special) or (isinstance(e, ir.Const) and e.value >= 0)


def _at_least_32(t: DType) -> DType:
    if t.bits >= 32:
        return t
    return dtypes.float32 if t.is_float else dtypes.int32


def _shift_in_range(count: ir.Expr, bits: int) -> bool:
    match count:
        case ir.Const(value):
            return 0 <= value < bits
        case ir.Binary("and", _, ir.Const(value)) | ir.Binary("and", ir.Const(value), _):
            return 0 <= value < bits
    return False


def _contiguous(mem: ir.Mem) -> bool:
    """Whether the strides are those of a C array of the same shape."""
    expected = 1
    for extent, stride in zip(reversed(mem.shape), reversed(mem.strides), strict=True):
        if stride != expected:
            return False
        expected *= extent if isinstance(extent, int) else 0
    return True
