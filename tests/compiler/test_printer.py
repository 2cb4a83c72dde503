"""KIR text: readable, and different for kernels that mean different things."""

from __future__ import annotations

import pytest

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc, SourceFile
from accelerx.compiler.printer import head, print_expr, print_kernel, print_stmt
from tests.fuzz.programs import generate
from tests.support.kernels import const, kernel, load, store

i32, f32, b = dtypes.int32, dtypes.float32, dtypes.bool_
x, y, z = (ir.Local(n, i32) for n in "xyz")


def binary(op: ir.BinaryOp, left: ir.Expr, right: ir.Expr, nowrap: bool = False) -> ir.Binary:
    return ir.Binary(op, left, right, left.type, nowrap)


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (binary("add", x, binary("mul", y, z)), "x + y * z"),
        (binary("mul", binary("add", x, y), z), "(x + y) * z"),
        (binary("sub", x, binary("sub", y, z)), "x - (y - z)"),
        (binary("sub", binary("sub", x, y), z), "x - y - z"),
        (binary("add", x, y, nowrap=True), "x +.nowrap y"),
        (binary("min", x, const(-3)), "min(x, -3i32)"),
        (binary("floordiv", x, y), "x // y"),
        (ir.Unary("neg", ir.Unary("neg", x, i32), i32), "-(-x)"),
        (ir.Unary("invert", binary("add", x, y), i32), "~(x + y)"),
        (ir.Compare("le", binary("or", x, y), z), "x | y <= z"),
        (
            ir.Logical("or", ir.Compare("eq", x, y), ir.Compare("ne", y, z)),
            "x == y or y != z",
        ),
        (ir.Unary("not", ir.Compare("eq", x, y), b), "not (x == y)"),
        (ir.Select(ir.Compare("lt", x, y), x, y, i32), "select(x < y, x, y)"),
        (ir.Cast(x, f32), "f32(x)"),
        (ir.Bitcast(x, f32), "f32.bits(x)"),
        (ir.Call("sqrt", (ir.Cast(x, f32),), f32), "sqrt(f32(x))"),
        (load("a", f32, x), "a[x]"),
        (ir.Load("m", (x, y), f32), "m[x, y]"),
        (ir.ParamRef("a.shape0", dtypes.int64), "$a.shape0"),
        (ir.Special("thread", 1), "thread.y"),
        (ir.Special("lane"), "lane"),
        (const(0.1, f32), "0.1f32"),
        (const(True, b), "true"),
        (const(float("-inf"), f32), "-inf.f32"),
        (const(float("nan"), f32), "+nan.f32"),
    ],
)
def test_expression(expr: ir.Expr, text: str) -> None:
    assert print_expr(expr) == text


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        (store("a", x, y), "a[y] = x"),
        (ir.Barrier(), "barrier sync"),
        (ir.Barrier("count", ir.Compare("lt", x, y), "z"), "z = barrier count x < y"),
        (ir.Fence("system"), "fence system"),
        (ir.Atomic("add", "a", (x,), y, result="z"), "z = atomic add a[x], y"),
        (ir.Atomic("cas", "a", (x,), y, z), "atomic cas a[x], y if z"),
        (
            ir.Warp("shfl_up", (x, const(1)), "z", const(8), y),
            "z = warp shfl_up(x, 1i32) width 8i32 mask y",
        ),
        (ir.Warp("activemask", (), "z"), "z = warp activemask()"),
        (ir.Clock("t", "nanoseconds"), "t = clock nanoseconds"),
        (ir.Print(("n =", x)), "print 'n =', x"),
        (ir.Print((x,), "%d"), "print '%d': x"),
        (ir.Assert(ir.Compare("lt", x, y), "low", (x,), "bounds"), "assert bounds x < y: 'low', x"),
        (ir.For("x", const(0), y, const(1), [], unroll=True), "for x in 0i32 .. y by 1i32 unroll"),
        (ir.Exit("out"), "exit out"),
    ],
)
def test_statement(statement: ir.Stmt, text: str) -> None:
    assert head(statement) == text
    assert print_stmt(statement) == text


def test_nested_statements_are_indented() -> None:
    loop = ir.While(
        ir.Compare("lt", x, y),
        [ir.If(ir.Compare("eq", x, z), [ir.Break()], [ir.Continue()])],
        [ir.Assign("x", binary("add", x, const(1)))],
    )
    assert print_stmt(ir.Scope("s", [loop])) == (
        "scope s\n"
        "  while x < y\n"
        "    if x == z\n"
        "      break\n"
        "    else\n"
        "      continue\n"
        "  post\n"
        "    x = x + 1i32"
    )


def test_a_view_shows_its_root_and_its_unit() -> None:
    k = kernel([store("v", load("w", f32))], {"a": i32})
    k.mems["v"] = ir.Mem("v", f32, "global", (None,), (1,), of="a")
    k.mems["w"] = ir.Mem("w", f32, "global", (12,), (1,), of="a", unit=1)
    assert print_kernel(k).splitlines()[2:5] == [
        "  mem a: i32[?] global strides (1)",
        "  mem v: f32[?] global view of a unit 4",
        "  mem w: f32[12] global view of a unit 1",
    ]


def test_kernel_shows_all_declarations() -> None:
    k = kernel([store("a", load("c", f32))], {"a": f32}, {"x": i32}, {"n": i32})
    k.mems["c"] = ir.Mem("c", f32, "const", (2,), (1,), (0.5, float("inf")))
    k.block = (32, 2, 1)
    assert print_kernel(k) == (
        "kernel k(a: f32* written of 0, n: i32 of 1)\n"
        "  with contract, block 32x2x1\n"
        "  mem a: f32[?] global strides (1)\n"
        "  mem c: f32[2] const strides (1) = {0.5, +inf.}\n"
        "  local x: i32\n"
        "do\n"
        "  a[thread.x] = c[thread.x]\n"
    )


def test_places_are_shown_on_demand() -> None:
    loc = Loc(SourceFile("k.py", "a = 1"), 1, 1, 2)
    k = kernel([ir.Assign("x", const(1), loc)], {}, {"x": i32})
    assert print_kernel(k, places=True).endswith("  x = 1i32  # 1:1\n")
    assert "#" not in print_kernel(k)


def test_a_local_and_a_parameter_of_one_name_differ() -> None:
    assert print_expr(ir.Local("n", i32)) != print_expr(ir.ParamRef("n", i32))


def test_different_programs_have_different_texts() -> None:
    texts = {print_kernel(generate(seed).kernel) for seed in range(50)}
    assert len(texts) == 50
