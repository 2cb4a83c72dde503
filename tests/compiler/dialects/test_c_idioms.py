"""Statements a front end took apart are put together again, and only those."""

from __future__ import annotations

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.dialects.base import EmitOptions
from accelerx.compiler.dialects.cuda import CudaDialect
from accelerx.dtypes import int32
from tests.support.kernels import THREAD, const, kernel, load, on_line, store

LOCALS = {"t": int32, "r": int32, "b": dtypes.bool_, "c": dtypes.bool_}


def body(*stmts: ir.Stmt) -> list[str]:
    k = kernel(stmts, {"p": int32, "q": int32}, LOCALS)
    text = CudaDialect(lines=False).emit(k, EmitOptions()).text
    return [line[4:] for line in text.splitlines()[1:-1]]


def local(name: str) -> ir.Local:
    return ir.Local(name, LOCALS[name])


def early() -> ir.Compare:
    return ir.Compare("lt", THREAD, const(3))


def choice() -> ir.If:
    return ir.If(early(), [ir.Assign("r", load("p", int32))], [ir.Assign("r", const(0))])


def test_a_conditional_expression_is_one_again() -> None:
    assert body(*on_line(7, choice())) == ["int r = threadIdx.x < 3 ? p[threadIdx.x] : 0;"]


def test_an_if_over_several_lines_stays_one() -> None:
    assert body(choice())[1] == "if (threadIdx.x < 3) {"


def test_and_still_guards_its_second_half() -> None:
    guarded = ir.Compare("lt", load("p", int32), const(5))
    stmts = on_line(
        7,
        ir.Assign("b", early()),
        ir.If(local("b"), [ir.Assign("c", guarded)], [ir.Assign("c", local("b"))]),
        ir.If(local("c"), [ir.Return()]),
    )
    assert body(*stmts)[0] == "if (threadIdx.x < 3 && p[threadIdx.x] < 5) {"


def test_or_is_told_from_and() -> None:
    guarded = ir.Compare("lt", load("p", int32), const(5))
    stmts = on_line(
        7,
        ir.Assign("b", early()),
        ir.If(local("b"), [ir.Assign("c", local("b"))], [ir.Assign("c", guarded)]),
        ir.If(local("c"), [ir.Return()]),
    )
    assert body(*stmts)[0] == "if (threadIdx.x < 3 || p[threadIdx.x] < 5) {"


def test_a_temporary_goes_where_it_is_used() -> None:
    stmts = on_line(7, ir.Assign("t", load("p", int32)), store("q", local("t")))
    assert body(*stmts) == ["q[threadIdx.x] = p[threadIdx.x];"]


def test_a_temporary_used_twice_stays() -> None:
    total = ir.Binary("xor", local("t"), local("t"), int32)
    stmts = on_line(7, ir.Assign("t", load("p", int32)), store("q", total))
    assert body(*stmts)[0] == "int t = p[threadIdx.x];"


def test_a_variable_with_a_line_of_its_own_stays() -> None:
    stmts = on_line(7, ir.Assign("t", load("p", int32))) + on_line(8, store("q", local("t")))
    assert body(*stmts) == ["int t = p[threadIdx.x];", "q[threadIdx.x] = t;"]


def test_a_load_is_not_moved_past_an_effect() -> None:
    stmts = on_line(
        7, ir.Assign("t", load("p", int32)), store("p", const(1)), store("q", local("t"))
    )
    assert body(*stmts)[0] == "int t = p[threadIdx.x];"


def test_a_loop_bound_is_not_evaluated_again_and_again() -> None:
    loop = ir.For("r", const(0), local("t"), const(1), [store("p", const(0), local("r"))])
    stmts = on_line(7, ir.Assign("t", load("p", int32)), loop)
    assert body(*stmts)[0] == "int t = p[threadIdx.x];"


def test_a_loops_test_is_in_its_head_again() -> None:
    leave = ir.If(ir.Compare("ge", load("p", int32), const(9)), [ir.Break()])
    loop = ir.While(const(True, dtypes.bool_), [leave, store("p", const(9))])
    assert body(*on_line(7, loop))[0] == "while (p[threadIdx.x] < 9) {"
    assert body(loop)[0] == "while (true) {"
