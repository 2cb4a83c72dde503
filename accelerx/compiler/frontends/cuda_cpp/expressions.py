"""C++ expressions: each becomes a value or a place, and the statements of its effects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accelerx.compiler.frontends.cuda_cpp.casts import Casts
from accelerx.compiler.frontends.cuda_cpp.clang import (
    Cursor,
    kind,
)
from accelerx.compiler.frontends.cuda_cpp.operators import Operators
from accelerx.compiler.frontends.cuda_cpp.values import (
    Place,
    Value,
)


class Expressions(Operators, Casts):
    """The part of the lifter that evaluates expressions."""


def handlers(cls: type[Expressions]) -> dict[int, Callable[[Any, Cursor], Place | Value]]:
    """The methods of ``cls`` for each kind of expression."""
    methods: dict[str, Callable[[Any, Cursor], Place | Value]] = {
        "INTEGER_LITERAL": cls._literal,
        "FLOATING_LITERAL": cls._literal,
        "CHARACTER_LITERAL": cls._literal,
        "CXX_BOOL_LITERAL_EXPR": cls._literal,
        "STRING_LITERAL": cls._text,
        "CXX_NULL_PTR_LITERAL_EXPR": cls._null_pointer,
        "GNU_NULL_EXPR": cls._null_pointer,
        "PAREN_EXPR": cls._parenthesised,
        "DECL_REF_EXPR": cls._name,
        "MEMBER_REF_EXPR": cls._member,
        "CXX_THIS_EXPR": cls._this,
        "ARRAY_SUBSCRIPT_EXPR": cls._subscript,
        "UNARY_OPERATOR": cls._unary,
        "BINARY_OPERATOR": cls._binary,
        "COMPOUND_ASSIGNMENT_OPERATOR": cls._compound,
        "CONDITIONAL_OPERATOR": cls._conditional,
        "UNEXPOSED_EXPR": cls._cast_expression,
        "CSTYLE_CAST_EXPR": cls._cast_expression,
        "CXX_STATIC_CAST_EXPR": cls._cast_expression,
        "CXX_REINTERPRET_CAST_EXPR": cls._cast_expression,
        "CXX_CONST_CAST_EXPR": cls._cast_expression,
        "CXX_FUNCTIONAL_CAST_EXPR": cls._cast_expression,
        "CXX_UNARY_EXPR": cls._size_of,
        "CALL_EXPR": cls._call,
        "INIT_LIST_EXPR": cls._init_list,
        "LAMBDA_EXPR": cls._lambda,
        "StmtExpr": cls._statement_expression,
        "CXX_NEW_EXPR": cls._new,
    }
    return {kind(name): method for name, method in methods.items()}
