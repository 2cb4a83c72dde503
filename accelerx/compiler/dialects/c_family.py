"""A pretty-printer of KIR for languages of the C family: one statement for one statement.

What C fixes is here: declarations, control flow, printing. What a language adds (barriers, atomics,
warp operations, memory spaces) are the tables and the few methods of a dialect's subclass.
"""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, assert_never

from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc, unsupported
from accelerx.compiler.dialects.c_expressions import CExpressions
from accelerx.compiler.dialects.c_facts import contiguous
from accelerx.compiler.dialects.c_idioms import with_idioms
from accelerx.compiler.dialects.c_structure import declarations, without_exits
from accelerx.compiler.dialects.c_text import OR, RELATION, UNARY, Text, c_string
from accelerx.dtypes import DType

#: What follows the variable in ``x = x + y``, which prints as ``x += y``.
_UPDATE = re.compile(r" ([-+*/%&|^]|<<|>>) (.*)")


class CPrinter(CExpressions):
    """Prints one kernel; make one per kernel.

    Args:
        kernel: A verified kernel.
        lines: Whether ``#line`` directives lead compilers and debuggers to the user's source.
    """

    spaces: ClassVar[Mapping[str, str]]  #: qualifiers of shared, local and const arrays
    format_codes: ClassVar[Mapping[str, str]] = {
        "bool": "d", "int8": "d", "int16": "d", "int32": "d", "int64": "lld",
        "uint8": "u", "uint16": "u", "uint32": "u", "uint64": "llu",
        "float16": "f", "bfloat16": "f", "float32": "f", "float64": "f",
    }  # fmt: skip

    def __init__(self, kernel: ir.Kernel, lines: bool = True) -> None:
        self.body = with_idioms(without_exits(kernel.body))
        super().__init__(kernel, self.body)
        self.declared = declarations(self.body)
        self.notes: list[str] = []
        self._lines = lines
        self._out: list[str] = []
        self._depth = 0
        self._place: tuple[str, int] | None = None
        self._continues: list[str | None] = []
        self._labels: dict[str, str] = {}

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
    def clock(self, s: ir.Clock) -> Text:
        """Expression whose value is the counter's, as a 64-bit integer."""

    @abstractmethod
    def stop(self, format_text: str, values: list[str]) -> list[str]:
        """Statements that print a message and stop the launch."""

    @abstractmethod
    def dynamic_shared(self, mem: ir.Mem) -> list[str]:
        """Declaration of an array in the launch's dynamic shared memory."""

    # ----------------------------------------------------------------------------- statements

    def print(self) -> str:
        """The program's text."""
        self._depth = 1
        for mem in self.kernel.mems.values():
            self.declare(mem)
        for name in self.declared.top:
            self._line(f"{self._declared_type(name)} {self.names.get('local', name)};")
        self._statements(self.body)
        constants = self.constants()
        prelude = sorted(self.prelude.values(), key=lambda text: not text.startswith("#include"))
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

    def constants(self) -> list[str]:
        """Declarations of the constant arrays that stand before the kernel."""
        return [self.const_array(m) for m in self.kernel.mems.values() if m.space == "const"]

    def declare(self, mem: ir.Mem) -> None:
        """Declares a shared or local array at the head of the kernel."""
        if mem.of is not None:
            return
        if mem.space == "shared" and mem.size is None:
            for line in self.dynamic_shared(mem):
                self._line(line, mem.loc)
        elif mem.space in ("shared", "local"):
            if mem.size is None:
                raise unsupported(mem.loc, f"{mem.space} array {mem.name} has no constant shape")
            self._line(f"{self._array(mem)};", mem.loc)

    def _array(self, mem: ir.Mem) -> str:
        extents = [*mem.shape] if contiguous(mem) else [mem.size]
        axes = "".join(f"[{extent}]" for extent in extents)
        name = self.names.get("mem", mem.name)
        return f"{self.qualifier(mem)}{self.element_type(mem.dtype)} {name}{axes or '[1]'}"

    def element_type(self, dtype: DType) -> str:
        """The C type of an array's elements."""
        return self.types[dtype.name]

    def const_array(self, mem: ir.Mem) -> str:
        values = [self.array_value(v, mem.dtype) for v in mem.data or ()]
        rows = [", ".join(values[i : i + 8]) for i in range(0, len(values), 8)]
        body = f"{rows[0]}" if len(rows) == 1 else "\n    " + ",\n    ".join(rows) + ",\n"
        return f"{self._array(mem)} = {{{body}}};"

    def qualifier(self, mem: ir.Mem) -> str:
        """What stands before an array's declaration."""
        return self.spaces[mem.space]

    def array_value(self, value: float | bool, t: DType) -> str:
        """An element of a constant array: a constant expression, which a reinterpretation is not."""
        if t.is_float and not math.isfinite(value):
            suffix = "f" if t.bits == 32 else ""
            over = "0.0" if math.isnan(value) else "1.0" if value > 0 else "-1.0"
            return f"{over}{suffix} / 0.0{suffix}"
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
            case ir.Clock():
                self._effect(s, s.result, self.clock(s))
            case ir.Print():
                self._print(s)
            case ir.Assert():
                self._assert(s)
            case _:
                assert_never(s)

    def _target(self, s: ir.Stmt, name: str) -> str:
        """The left side of an assignment: with the type if this is the declaration."""
        c_name = self.names.get("local", name)
        return f"{self._declared_type(name)} {c_name}" if id(s) in self.declared.at else c_name

    def _simple(self, s: ir.Assign) -> str:
        text = self.assigned(s.value)
        if isinstance(s.value, ir.Binary) and s.value.type.bits >= 32:
            name, left = self.names.get("local", s.target), s.value.left
            updates = isinstance(left, ir.Local) and left.name == s.target
            match = _UPDATE.match(text.removeprefix(name)) if updates else None
            if match is not None and text.startswith(name):
                return f"{name} {match[1]}= {_unbracketed(match[2])}"
        return f"{self._target(s, s.target)} = {text}"

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
        up = self.compare(ir.Compare("lt", variable, stop)).text
        down = self.compare(ir.Compare("gt", variable, stop)).text
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
        label = self.names.fresh(s.label if s.label.endswith("end") else f"{s.label}_end")
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


def _continues(body: list[ir.Stmt]) -> bool:
    """Whether a loop's body holds a continue of that loop."""
    for s in body:
        if isinstance(s, ir.Continue):
            return True
        if not isinstance(s, (ir.For, ir.While)) and any(_continues(b) for b in ir.blocks(s)):
            return True
    return False


def _unbracketed(text: str) -> str:
    """``text`` without a pair of brackets around all of it."""
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depth = 0
    for n, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if depth == 0:
            return text[1:-1] if n == len(text) - 1 else text
    return text
