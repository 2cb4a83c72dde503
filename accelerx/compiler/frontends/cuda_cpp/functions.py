"""What libclang says of functions, constructors and initialisers; structured returns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.clang import (
    Cursor,
    children,
    evaluate,
    expressions,
    hides,
    kind,
    members,
)

MAX_BRANCHES = 16  # in each other, that early returns become


def structured(body: list[ir.Stmt], label: str) -> tuple[list[ir.Stmt], bool]:
    """``body`` with exits at the ends of its paths turned into branches; whether others are left."""
    out = _structured(body, label)
    left = any(isinstance(s, ir.Exit) and s.label == label for s in ir.statements(out))
    return out, left


def _structured(body: Sequence[ir.Stmt], label: str, depth: int = 0) -> list[ir.Stmt]:
    """The same for a list ``depth`` branches deep; exits that would nest too deep stay."""
    out: list[ir.Stmt] = []
    if depth > MAX_BRANCHES:
        return list(body)

    def inner(part: Sequence[ir.Stmt]) -> list[ir.Stmt]:
        return _structured(part, label, depth + 1)

    for i, s in enumerate(body):
        rest = body[i + 1 :]
        if isinstance(s, ir.Exit) and s.label == label:
            return out
        if isinstance(s, ir.If):
            if _ends(s.then, label):
                return [*out, ir.If(s.condition, inner(s.then), inner([*s.orelse, *rest]), s.loc)]
            if _ends(s.orelse, label):
                return [*out, ir.If(s.condition, inner([*s.then, *rest]), inner(s.orelse), s.loc)]
            if not rest:
                return [*out, ir.If(s.condition, inner(s.then), inner(s.orelse), s.loc)]
        out.append(s)
    return out


def _ends(body: Sequence[ir.Stmt], label: str) -> bool:
    """Whether every path through ``body`` leaves by the label."""
    if not body:
        return False
    last = body[-1]
    if isinstance(last, ir.Exit):
        return last.label == label
    return isinstance(last, ir.If) and _ends(last.then, label) and _ends(last.orelse, label)


def defined(cursor: Cursor) -> Cursor | None:
    """The definition of a function, if the text has it."""
    if body_of(cursor) is not None:
        return cursor
    definition = cursor.get_definition()
    return definition if definition is not None and body_of(definition) is not None else None


def body_of(function: Cursor) -> Cursor | None:
    wanted = kind("COMPOUND_STMT")
    return next((x for x in children(function) if x._kind_id == wanted), None)


def has_no_body(function: Cursor) -> bool:
    return body_of(function) is None


def is_callee(c: Cursor) -> bool:
    """Whether a call's first child names the member function, and not an object called like one."""
    target = c.referenced if c._kind_id == kind("MEMBER_REF_EXPR") else None
    return target is not None and target._kind_id != kind("FIELD_DECL")


def is_implicit(function: Cursor) -> bool:
    """Whether a member function is the compiler's own, declared or defaulted."""
    if has_no_body(function) or function.is_default_method():
        return True
    return bool(function.location == function.semantic_parent.location)


def designated(c: Cursor) -> tuple[list[Cursor], Cursor] | None:
    """The designators and the value of ``.x = 1`` in a braced list; None if it is another item."""
    if c._kind_id != kind("UNEXPOSED_EXPR") or c.type.kind.name != "VOID":
        return None
    *names, value = children(c) or [None]
    return (names, value) if names else None


def designations(
    type_: ctypes.CType, items: Sequence[Cursor]
) -> Iterator[tuple[tuple[str, ...] | None, Cursor]]:
    """Each item of a braced list with the path to the part that it sets; None if it is unknown."""
    if isinstance(type_, ctypes.Array):
        names = [str(i) for i in range(type_.count)]
    else:
        names = [part.name for part in type_.fields] if isinstance(type_, ctypes.Record) else []
    at = 0
    for item in items:
        found = designated(item)
        if found is None:
            yield (names[at],) if at < len(names) else None, item
        else:
            path = tuple(
                x.spelling if x._kind_id == kind("MEMBER_REF") else str(evaluate(x))
                for x in found[0]
            )
            if path[0] not in names or any(t.spelling == "..." for t in item.get_tokens()):
                yield None, item
                return
            at = names.index(path[0])
            yield path, found[1]
        at += 1


def destructor_of(record: ctypes.Record) -> Cursor | None:
    """A destructor with a body of the program's own.

    Raises:
        UnknownTypeError: if there may be one that libclang does not show.
    """
    if hides(record.cursor, "DESTRUCTOR"):
        raise ctypes.UnknownTypeError(f"{record} (its destructor needs libclang 20 or newer)")
    for member in members(record.cursor):
        if member._kind_id == kind("DESTRUCTOR"):
            definition = defined(member)
            if definition is not None and not definition.is_default_method():
                return definition
    return None


def is_trivial(constructor: Cursor) -> bool:
    """Whether a constructor is the compiler's own."""
    return is_implicit(defined(constructor) or constructor)


def is_value_init(c: Cursor) -> bool:
    """Whether ``T()`` or ``T{}`` was written, which zeroes what has no constructor."""
    text = [token.spelling for token in c.get_tokens()]
    return bool(text) and text[-1] in (")", "}")


def is_closure(record: ctypes.Record) -> bool:
    return "(lambda at " in record.name and record.name.startswith("(lambda")


def is_whole(given: ctypes.CType | None, wanted: ctypes.CType) -> bool:
    """Whether an initialiser is an object of the wanted type, not of its first part's."""
    return given is not None and ctypes.same(given, wanted)


def is_default(c: Cursor) -> bool:
    """Whether a call's argument is the parameter's default, which libclang shows empty."""
    return bool(c._kind_id == kind("UNEXPOSED_EXPR") and not children(c) and evaluate(c) is None)


def default_of(parameter: Cursor) -> Cursor | None:
    """The default argument of a parameter."""
    return last_after_name(parameter)


def last_after_name(variable: Cursor) -> Cursor | None:
    """The last expression in a declaration, if it stands after the name.

    What stands before it belongs to the type: arguments of templates, the operand of ``decltype``.
    """
    found = expressions(variable)
    if not found or found[-1].extent.start.offset < variable.location.offset:
        return None
    return found[-1]


def initialiser_of(variable: Cursor) -> Cursor | None:
    """The initialiser of a variable or member; an array's extents are among its children too."""
    found = last_after_name(variable)
    if found is None or (is_array(variable) and not is_array(found)):
        return None
    return found


def is_array(cursor: Cursor) -> bool:
    return str(cursor.type.get_canonical().kind.name) in ("CONSTANTARRAY", "INCOMPLETEARRAY")


def is_const_type(cursor: Cursor) -> bool:
    """Whether an object, or each element of an array, is const."""
    clang = cursor.type
    return bool(clang.is_const_qualified()) or str(clang.spelling).startswith("const ")


def plain_name(cursor: Cursor) -> str:
    """A name without the arguments of a template."""
    return str(cursor.spelling).partition("<")[0]


def plain(name: str) -> str:
    """A function's name as the stem of a local's."""
    return name if name.isidentifier() else "operator"
