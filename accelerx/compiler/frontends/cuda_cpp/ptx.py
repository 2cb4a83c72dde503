"""Inline PTX: reads the text and the operands of an asm statement, and runs its instructions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.build import Build, Lifter
from accelerx.compiler.frontends.cuda_cpp.clang import Cursor, children
from accelerx.compiler.frontends.cuda_cpp.ptx_assembly import TYPES, Assembly, Instruction, Refusal
from accelerx.compiler.frontends.cuda_cpp.ptx_instructions import INSTRUCTIONS
from accelerx.compiler.frontends.cuda_cpp.values import Pointer
from accelerx.dtypes import DType, bool_

_CONSTRAINTS: dict[str, DType] = {
    "h": dtypes.uint16,
    "r": dtypes.uint32,
    "l": dtypes.uint64,
    "f": dtypes.float32,
    "d": dtypes.float64,
}
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
_REGISTERS = re.compile(r"\.reg\s+\.(\w+)\s+(.+)", re.S)
_NUMBERED = re.compile(r"(\S+?)<(\d+)>")
_INSTRUCTION = re.compile(
    r"(?:@(?P<predicate>!?\s*[\w%$]+)\s+)?(?P<name>[a-z]\w*)(?P<modifiers>(?:(?:\.|::)\w+)*)\s*(?P<operands>.*)",
    re.S,
)
_OPERAND = re.compile(r"(?:[^,{\[]|\{[^}]*\}|\[[^\]]*\])+")


@dataclass(slots=True)
class Operand:
    """An operand of an asm statement.

    Attributes:
        constraint: Its letters, ``=r`` and the like.
        name: What ``%[name]`` calls it, "" if nothing.
    """

    constraint: str
    name: str

    @property
    def is_output(self) -> bool:
        return self.constraint[0] in "=+"


def inline_ptx(lifter: Lifter, cursor: Cursor) -> None:
    """Lifts an asm statement.

    Raises:
        UnsupportedKernelError: for an instruction that only CUDA devices run.
    """
    text, operands = _read(lifter, cursor)
    assembly = Assembly(lifter, cursor, Build(lifter, lifter.loc(cursor)))
    expressions = [c for c in children(cursor) if c.kind.is_expression()]
    if len(expressions) != len(operands):
        raise _unreadable(lifter, cursor)
    for number, (operand, expression) in enumerate(zip(operands, expressions, strict=True)):
        _enter(assembly, f"%{number}", operand, expression)
    for number, operand in enumerate(operands):
        if operand.name:
            text = text.replace(f"%[{operand.name}]", f"%{number}")
    for statement in _statements(text):
        _run(assembly, statement)
    for number, (operand, expression) in enumerate(zip(operands, expressions, strict=True)):
        if operand.is_output:
            _leave(assembly, f"%{number}", expression)


def _enter(assembly: Assembly, name: str, operand: Operand, expression: Cursor) -> None:
    """Makes an operand a register, with its value if the text reads it."""
    lifter, build = assembly.lifter, assembly.build
    letter = operand.constraint.lstrip("=+&")[:1]
    if letter == "n":
        constant = lifter.constant(expression)
        if not isinstance(constant, int):
            raise lifter.error(expression, "an operand with the constraint 'n' is a constant")
        assembly.registers[name] = build.const(constant % (1 << 64), dtypes.uint64)
        return
    dtype = _CONSTRAINTS.get(letter)
    if dtype is None:
        raise lifter.unsupported(expression, f"the asm constraint '{operand.constraint}'")
    if not operand.is_output and isinstance(lifter.type(expression), ctypes.Pointer):
        assembly.registers[name] = lifter.kept_pointer(lifter.pointer(expression))
        return
    if not operand.is_output:
        known = assembly.converted(lifter.scalar(expression), dtype)
        if isinstance(known, ir.Const):  # an instruction may need to know it
            assembly.registers[name] = known
            return
    register = assembly.declare(name, dtype)
    if operand.constraint[0] != "=":
        value = assembly.converted(lifter.scalar(expression), dtype)
        lifter.emit(ir.Assign(register.name, value, build.loc))


def _leave(assembly: Assembly, name: str, expression: Cursor) -> None:
    """Gives an output's register to its variable."""
    lifter = assembly.lifter
    register = assembly.registers[name]
    if isinstance(register, Pointer):
        lifter.assign(lifter.place(expression), register, assembly.build.loc)
        return
    type_ = lifter.type(expression)
    if not isinstance(type_, ctypes.Scalar):
        raise lifter.unsupported(expression, f"an asm result in a '{type_}'")
    value = assembly.converted(register, type_.dtype)
    lifter.assign(lifter.place(expression), value, assembly.build.loc)


# ------------------------------------------------------------------------------ the statement


def _unreadable(lifter: Lifter, cursor: Cursor) -> Exception:
    return lifter.unsupported(
        cursor,
        "the text of this asm statement cannot be read",
        "write its string literals and operands in one place, without macros in them",
    )


def _read(lifter: Lifter, cursor: Cursor) -> tuple[str, list[Operand]]:
    """The text of an asm statement, and its operands' constraints."""
    sections: list[list[str]] = [[]]
    for token in _inside(cursor):
        if token in (":", "::"):
            sections += [[] for _ in token]
        else:
            sections[-1].append(token)
    if not sections[0] or any(token[-1] != '"' for token in sections[0]):
        raise _unreadable(lifter, cursor)
    text = "".join(_literal(token) for token in sections[0])
    operands: list[Operand] = []
    for section in sections[1:3]:
        operands += _operands(section)
    return (text.replace("%%", "%") if len(sections) > 1 else text), operands


def _inside(cursor: Cursor) -> Iterator[str]:
    """The tokens between the parentheses; of operands' expressions, the parentheses alone."""
    depth = 0
    for token in cursor.get_tokens():
        text = token.spelling
        if text == ")":
            depth -= 1
            if depth == 0:
                return
        if depth == 1 or (depth == 2 and text == "("):
            yield text
        if text == "(":
            depth += 1


def _literal(token: str) -> str:
    if token.startswith(("R", "u8R", "LR")):
        return token[token.index("(") + 1 : token.rindex(")")]
    return str(ast.literal_eval(token))


def _operands(tokens: list[str]) -> Iterator[Operand]:
    name = ""
    for number, token in enumerate(tokens):
        if token == "[":
            name = tokens[number + 1]
        elif token.endswith('"'):
            yield Operand(_literal(token), name)
            name = ""


# ----------------------------------------------------------------------------- instructions


def _statements(text: str) -> Iterator[str]:
    """The instructions of a text, without the braces of its blocks."""
    text = _COMMENT.sub(" ", text)
    for statement in text.split(";"):
        statement = statement.strip()
        while statement.startswith(("{", "}")):
            statement = statement[1:].strip()
        if statement.endswith("}") and statement.count("}") > statement.count("{"):
            statement = statement[:-1].strip()
        if statement:
            yield statement


def _run(assembly: Assembly, statement: str) -> None:
    declared = _REGISTERS.fullmatch(statement)
    if declared:
        _declare(assembly, declared[1], declared[2])
        return
    lifter = assembly.lifter
    match = _INSTRUCTION.fullmatch(statement)
    try:
        if match is None:
            raise Refusal("its form")
        instruction = Instruction(
            statement,
            match["name"],
            [m for m in re.split(r"\.|::", match["modifiers"]) if m],
            [o.strip() for o in _OPERAND.findall(match["operands"])],
        )
        rule = INSTRUCTIONS.get(instruction.opcode)
        if rule is None:
            raise Refusal("")
        if match["predicate"] is None:
            rule(assembly, instruction)
            return
        condition = assembly.value(match["predicate"].replace(" ", ""), bool_)
        body = lifter.collect(lambda: rule(assembly, instruction))
        lifter.emit(ir.If(condition, body, [], assembly.build.loc))
    except (Refusal, ValueError, IndexError, KeyError) as e:
        why = f" (because of {e})" if isinstance(e, Refusal) and str(e) else ""
        raise lifter.unsupported(
            assembly.cursor,
            f"inline PTX '{statement}' runs on CUDA devices only{why}",
            "other devices run PTX that has a plain meaning: arithmetic, bits, moves, memory, "
            "shuffles, barriers; put it between #ifndef __ACCELERX__ and #endif",
        ) from e


def _declare(assembly: Assembly, type_: str, names: str) -> None:
    dtype = TYPES.get(type_)
    if dtype is None:
        raise assembly.lifter.unsupported(assembly.cursor, f"PTX registers of type '.{type_}'")
    for name in names.split(","):
        numbered = _NUMBERED.fullmatch(name.strip())
        if numbered is None:
            assembly.declare(name.strip(), dtype)
            continue
        for number in range(int(numbered[2])):
            assembly.declare(f"{numbered[1]}{number}", dtype)
