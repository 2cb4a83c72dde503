"""Lambdas: their captures, copies of them, and their calls."""

from __future__ import annotations

import re
from dataclasses import dataclass

from accelerx.compiler.frontends.cuda_cpp import types as ctypes
from accelerx.compiler.frontends.cuda_cpp.clang import (
    Cursor,
    children,
    kind,
)
from accelerx.compiler.frontends.cuda_cpp.functions import (
    body_of,
    defined,
    initialiser_of,
)
from accelerx.compiler.frontends.cuda_cpp.inlining import Inlining
from accelerx.compiler.frontends.cuda_cpp.memory import type_of
from accelerx.compiler.frontends.cuda_cpp.state import Key
from accelerx.compiler.frontends.cuda_cpp.values import (
    Binding,
    Closure,
    Function,
    Memory,
    Place,
    Root,
    Temporary,
    Value,
)


class Lambdas(Inlining):
    """Closures as values."""

    def _lambda(self, c: Cursor) -> Place | Value:
        """A lambda's captures: the variables themselves, or copies of them."""
        captures = Captures.of(self.unit.written(c))
        bindings = dict(self.frame.bindings)
        copies: dict[int, str] = {}
        for target in self._captured_variables(c, captures):
            known = bindings.get(target.hash)
            if known is None:
                value = initialiser_of(target)  # a capture with an initialiser of its own
                if value is not None:
                    bindings[target.hash] = self._init_captured(c, target, value)
                    copies[target.hash] = target.spelling
            elif captures.copies(target.spelling) and not self.is_static(target):
                key = (*self.frame.chain, c.hash, "capture", target.hash)
                bindings[target.hash] = self.duplicate(known, key, target.spelling, c)
                copies[target.hash] = target.spelling
        this = self.frame.this
        if captures.copies_object and this is not None:
            copy = self.duplicate(this, (*self.frame.chain, c.hash, "object"), "object", c)
            assert not isinstance(copy, Function)
            this = copy
        return Closure(c, bindings, this, copies if captures.is_mutable else {})

    def _captured_variables(self, c: Cursor, captures: Captures) -> list[Cursor]:
        """The variables that a lambda names as captures, or that ``[=]`` makes it capture."""
        found: dict[int, Cursor] = {}
        for child in children(c):
            if child._kind_id in (kind("VARIABLE_REF"), kind("DECL_REF_EXPR")):
                target = child.referenced
                if target is not None and target._kind_id in (kind("VAR_DECL"), kind("PARM_DECL")):
                    found[target.hash] = target
        waiting = children(c) if captures.default == "=" else []
        while waiting:
            x, *waiting = waiting
            target = x.referenced if x._kind_id == kind("DECL_REF_EXPR") else None
            if target is not None and target.hash in self.frame.bindings:
                found[target.hash] = target
            waiting = [*children(x), *waiting]
        return list(found.values())

    def _init_captured(self, c: Cursor, variable: Cursor, value: Cursor) -> Binding:
        type_ = self.type(variable)
        if isinstance(type_, ctypes.Reference):
            return self.bound(value, type_.referee)
        key = (*self.frame.chain, c.hash, variable.hash)
        return self.copied(key, type_, variable.spelling, self.expression(value), value)

    def duplicate(self, binding: Binding, key: Key, stem: str, c: Cursor) -> Binding:
        """A copy of an object; what cannot change stays itself."""
        if isinstance(binding, Closure):
            return self.closure_copy(binding, key, c)
        if isinstance(binding, (Function, Temporary)):
            return binding
        if isinstance(binding, Memory) and all(
            isinstance(t, Root) and t.space == "const" for t in binding.pointer.targets
        ):
            return binding
        return self.copied(key, type_of(binding), stem, binding, c)

    def closure_copy(self, closure: Closure, key: Key, c: Cursor) -> Closure:
        """A copy of a lambda: what it changes is then its own."""
        if not closure.changing:
            return closure
        bindings = dict(closure.bindings)
        for number, stem in closure.changing.items():
            bindings[number] = self.duplicate(bindings[number], (*key, number), stem, c)
        return Closure(closure.cursor, bindings, closure.this, closure.changing)

    def _lambda_call(
        self, c: Cursor, closure: Closure, target: Cursor, arguments: list[Cursor]
    ) -> Place | Value:
        definition = defined(target)
        function = target if definition is None else definition
        return self._lambda_body(c, closure, function, list(function.get_arguments()), arguments)

    def _lambda_body(
        self,
        c: Cursor,
        closure: Closure,
        function: Cursor,
        parameters: list[Cursor],
        arguments: list[Cursor],
    ) -> Place | Value:
        """A lambda's body; ``function`` is its call operator, or the lambda itself."""
        self._check_depth(c, function)
        chain = (*self.frame.chain, c.hash)
        passed = self._passed(c, parameters, arguments, chain)
        bindings = dict(closure.bindings)
        written = [x for x in children(closure.cursor) if x._kind_id == kind("PARM_DECL")]
        for i, (parameter, binding) in enumerate(zip(parameters, passed, strict=True)):
            bindings[parameter.hash] = binding
            if i < len(written):
                bindings[written[i].hash] = binding
        frame = self._frame(c, function, chain, bindings)
        frame.this = closure.this
        frame.name = "a lambda"
        return self._run(c, frame, function, body_of(function) or body_of(closure.cursor))


@dataclass(frozen=True, slots=True)
class Captures:
    """What stands before a lambda's body.

    Attributes:
        default: ``"&"``, ``"="`` or nothing.
        by_reference, by_copy: Names.
        copies_object: Whether ``*this`` is captured.
        is_mutable: Whether it changes its copies.
    """

    default: str
    by_reference: frozenset[str]
    by_copy: frozenset[str]
    copies_object: bool
    is_mutable: bool

    @staticmethod
    def of(text: str) -> Captures:
        """Those of a text that begins with a lambda."""
        items, end = _bracketed(text)
        names = [re.match(r"\s*(&|\*)?\s*(?:\.\.\.)?\s*(\w+|=)?", item) for item in items]
        found = [(m[1] or "", m[2] or "") for m in names if m is not None]
        default = "&" if ("&", "") in found else "=" if ("", "=") in found else ""
        head = text[end:].partition("{")[0]
        return Captures(
            default,
            frozenset(name for sign, name in found if sign == "&" and name),
            frozenset(name for sign, name in found if not sign),
            ("*", "this") in found,
            re.search(r"\bmutable\b", head) is not None,
        )

    def copies(self, name: str) -> bool:
        """Whether a variable is captured by copy."""
        return name not in self.by_reference and (self.default != "&" or name in self.by_copy)


def _bracketed(text: str) -> tuple[list[str], int]:
    """The items between the brackets that a text begins with, and where those end."""
    items, depth = [""], 0
    for i, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0:
            return items, i + 1
        if character == "," and depth == 1:
            items.append("")
        elif depth > 1 or character != "[":
            items[-1] += character
    return items, len(text)
