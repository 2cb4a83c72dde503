"""The bricks of C text: precedence, operators, and the functions C's undefined corners need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

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
FLOOR: Mapping[int, int] = {
    SHIFT: UNARY, BIT_AND: UNARY, BIT_XOR: UNARY, BIT_OR: UNARY,
    RELATION: SHIFT, EQUALITY: SHIFT, OR: BIT_OR,
}  # fmt: skip


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


def minus(x: Text) -> Text:
    return Text("-" + x.within(POSTFIX), UNARY)
