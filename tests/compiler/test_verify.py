"""The verifier accepts what KIR allows and names the rule that anything else breaks."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc, SourceFile
from accelerx.compiler.verify import VerifyError, representable, verify
from accelerx.dtypes import DType
from tests.fuzz.programs import generate
from tests.support.kernels import const, kernel, load, store

i32, i64, u32, f32, f64, b = (
    dtypes.int32, dtypes.int64, dtypes.uint32, dtypes.float32, dtypes.float64, dtypes.bool_,
)  # fmt: skip
LOCALS = {"x": i32, "y": i32, "u": u32, "f": f32, "p": b}
x, y, f, p = ir.Local("x", i32), ir.Local("y", i32), ir.Local("f", f32), ir.Local("p", b)
START: list[ir.Stmt] = [
    ir.Assign("x", const(1)), ir.Assign("y", const(2)), ir.Assign("f", const(1.0, f32)),
    ir.Assign("p", const(True, b)),
]  # fmt: skip


def make(*body: ir.Stmt) -> ir.Kernel:
    return kernel([*START, *body], {"a": f32, "n": i32}, LOCALS, {"s": i32})


def assign(e: ir.Expr) -> ir.Kernel:
    k = make()
    k.locals["v"] = e.type
    k.body.append(ir.Assign("v", e))
    return k


def broken(k: ir.Kernel, **options: object) -> VerifyError:
    with pytest.raises(VerifyError) as caught:
        verify(k, **options)  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize("seed", range(20))
def test_random_programs_are_accepted(seed: int) -> None:
    verify(generate(seed).kernel)


BAD_EXPRESSIONS: list[tuple[str, ir.Expr]] = [
    ("types match", ir.Binary("add", x, f, i32)),
    ("types match", ir.Binary("add", x, y, i64)),
    ("types match", ir.Compare("lt", x, f)),
    ("types match", ir.Logical("and", p, x)),
    ("types match", ir.Select(x, x, y, i32)),
    ("types match", ir.Select(p, x, f, i32)),
    ("types match", ir.Local("x", i64)),
    ("types match", ir.Unary("not", x, b)),
    ("types match", ir.Call("pow", (f, const(1.0, f64)), f32)),
    ("types match", ir.Call("sqrt", (f,), f64)),
    ("types match", load("a", f64)),
    ("operators", ir.Binary("plus", x, y, i32)),  # type: ignore[arg-type]
    ("operator domains", ir.Binary("div", x, y, i32)),
    ("operator domains", ir.Binary("floordiv", f, f, f32)),
    ("operator domains", ir.Binary("xor", p, p, b)),
    ("operator domains", ir.Unary("invert", f, f32)),
    ("operator domains", ir.Unary("neg", p, b)),
    ("operator domains", ir.Compare("lt", p, p)),
    ("operator domains", ir.Call("sqrt", (x,), i32)),
    ("operator domains", ir.Call("popc", (f,), i32)),
    ("nowrap", ir.Binary("add", ir.Cast(x, u32), ir.Cast(y, u32), u32, nowrap=True)),
    ("bitcast widths", ir.Bitcast(x, f64)),
    ("bitcast widths", ir.Bitcast(p, dtypes.int8)),
    ("intrinsics", ir.Call("sine", (f,), f32)),
    ("intrinsics", ir.Call("pow", (f,), f32)),
    ("constants", const(1 << 31)),
    ("constants", const(1.5)),
    ("constants", const(0.1, f32)),
    ("constants", const(1, f32)),
    ("constants", const(1, b)),
    ("locals are declared", ir.Local("nobody", i32)),
    ("parameters exist", ir.ParamRef("a", f32)),
    ("parameters exist", ir.ParamRef("q", i32)),
    ("mems are declared", load("b", f32)),
    ("indices", ir.Load("a", (x, y), f32)),
    ("indices", load("a", f32, f)),
    ("specials", ir.Special("thread", 3)),
]


@pytest.mark.parametrize(("rule", "expr"), BAD_EXPRESSIONS)
def test_bad_expression(rule: str, expr: ir.Expr) -> None:
    assert broken(assign(expr)).rule == rule


GOOD_EXPRESSIONS: list[ir.Expr] = [
    ir.Binary("rem", f, f, f32),
    ir.Binary("shl", x, y, i32),
    ir.Compare("eq", p, p),
    ir.Cast(p, f64),
    ir.Bitcast(f, u32),
    ir.Call("ldexp", (f, x), f32),
    ir.Call("clz", (ir.Cast(x, i64),), i32),
    ir.Call("isnan", (f,), b),
    const(0.5, dtypes.bfloat16),
    const(float("nan"), f32),
    load("a", f32, ir.Cast(x, dtypes.uint64)),
]


@pytest.mark.parametrize("expr", GOOD_EXPRESSIONS)
def test_good_expression(expr: ir.Expr) -> None:
    verify(assign(expr))


BAD_STATEMENTS: list[tuple[str, ir.Stmt]] = [
    ("types match", ir.Assign("x", f)),
    ("types match", ir.If(x, [])),
    ("types match", store("a", x)),
    ("types match", ir.For("x", const(0), ir.Cast(y, i64), const(1), [])),
    ("types match", ir.Barrier("count", p, "f")),
    ("types match", ir.Atomic("add", "n", (x,), f)),
    ("types match", ir.Warp("ballot", (p,), "x")),
    ("types match", ir.Warp("ballot", (x,), "u")),
    ("locals are declared", ir.Assign("nobody", x)),
    ("for targets", ir.For("x", const(0), y, const(1), [ir.Assign("x", y)])),
    ("for targets", ir.For("x", const(0), y, const(1), [ir.For("x", y, y, y, [])])),
    ("for targets", ir.For("f", f, f, f, [])),
    ("for steps", ir.For("x", const(0), y, const(0), [])),
    ("jumps", ir.Break()),
    ("jumps", ir.If(p, [ir.Continue()])),
    ("jumps", ir.While(p, [], [ir.Break()])),
    ("labels", ir.Exit("out")),
    ("labels", ir.Scope("out", [ir.Scope("out", [])])),
    ("barriers", ir.Barrier("count", None, "x")),
    ("barriers", ir.Barrier("sync", p)),
    ("barriers", ir.Barrier("sync", None, "x")),
    ("fences", ir.Fence("warp")),  # type: ignore[arg-type]
    ("atomics", ir.Atomic("swap", "n", (x,), x)),
    ("atomics", ir.Atomic("add", "n", (x,), x, y)),
    ("atomics", ir.Atomic("cas", "n", (x,), x)),
    ("operator domains", ir.Atomic("xor", "a", (x,), f)),
    ("operator domains", ir.Atomic("inc", "n", (x,), x)),
    ("operator domains", ir.Warp("reduce_add", (f,), "f")),
    ("warp operations", ir.Warp("shuffle", (x, y), "x")),
    ("warp operations", ir.Warp("shfl_up", (x,), "x")),
    ("warp operations", ir.Warp("shfl_up", (x, ir.Cast(y, i64)), "x")),
    ("warp operations", ir.Warp("any", (p,), "p", const(8))),
    ("prints", ir.Print(("text",), "%d")),
    ("asserts", ir.Assert(p, "{0}", (p,))),
]


@pytest.mark.parametrize(("rule", "statement"), BAD_STATEMENTS)
def test_bad_statement(rule: str, statement: ir.Stmt) -> None:
    assert broken(make(statement)).rule == rule


GOOD_STATEMENTS: list[ir.Stmt] = [
    ir.While(p, [ir.Scope("s", [ir.If(p, [ir.Break()], [ir.Exit("s")])])], [ir.Return()]),
    ir.Scope("s", [ir.For("x", const(3), y, const(-1), [ir.Exit("s")])]),
    ir.Barrier("or", p),
    ir.Atomic("max", "a", (x,), f, result="f"),
    ir.Atomic("exch", "a", (x,), f),
    ir.Warp("match_any", (f,), "u"),
    ir.Warp("shfl_xor", (p, const(1, u32)), "p", const(16), const(15)),
    ir.Print(("x =", x, p)),
    ir.Assert(p, "{0}", (f,)),
]


@pytest.mark.parametrize("statement", GOOD_STATEMENTS)
def test_good_statement(statement: ir.Stmt) -> None:
    verify(make(statement))


def test_a_local_never_assigned_is_found() -> None:
    error = broken(make(ir.Assign("x", ir.Cast(ir.Local("u", u32), i32))))
    assert error.rule == "locals are assigned"
    assert "local u is read but never assigned in 'x = i32(u)'" in str(error)


def test_a_local_assigned_on_one_path_only_is_allowed() -> None:
    use = ir.Assign("x", ir.Cast(ir.Local("u", u32), i32))
    verify(make(ir.If(p, [ir.Assign("u", const(0, u32))]), use))


def mem(space: str, shape: tuple, strides: tuple, data: tuple | None = None) -> ir.Mem:  # type: ignore[type-arg]
    return ir.Mem("m", f32, space, shape, strides, data)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "m"),
    [
        ("mem axes", mem("local", (4, 4), (1,))),
        ("mem axes", mem("local", (), ())),
        ("mem space", mem("texture", (4,), (1,))),
        ("global mems", mem("global", (4,), (1,))),
        ("mem extents", mem("local", (None,), (1,))),
        ("mem extents", mem("shared", (4, None), (4, 1))),
        ("mem extents", mem("local", (-1,), (1,))),
        ("mem extents", mem("shared", (ir.ParamRef("s", i32),), (1,))),
        ("types match", mem("local", (4,), (ir.ParamRef("s", i32),))),
        ("mem extents", mem("local", (4,), (ir.Cast(x, i64),))),
        ("mem data", mem("const", (4,), (1,), (1.0,))),
        ("mem data", mem("const", (4,), (1,))),
        ("mem data", mem("local", (1,), (1,), (1.0,))),
        ("constants", mem("const", (1,), (1,), (0.1,))),
    ],
)
def test_bad_mem(rule: str, m: ir.Mem) -> None:
    k = make()
    k.mems["m"] = m
    assert broken(k).rule == rule


def test_writes_need_writable_memory() -> None:
    k = make(store("a", f))
    k.params[0] = replace(k.params[0], written=False)
    assert broken(k).rule == "writes"
    k = make(store("c", f))
    k.mems["c"] = ir.Mem("c", f32, "const", (1,), (1,), (1.0,))
    assert broken(k).rule == "writes"


def test_atomics_on_local_memory_are_refused() -> None:
    k = make(ir.Atomic("add", "l", (x,), f))
    k.mems["l"] = ir.Mem("l", f32, "local", (4,), (1,))
    assert broken(k).rule == "atomics"


@pytest.mark.parametrize("index", [-1, 4])
def test_constant_indices_lie_inside_static_extents(index: int) -> None:
    k = make(ir.Assign("f", load("l", f32, index)))
    k.mems["l"] = ir.Mem("l", f32, "local", (4,), (1,))
    assert broken(k).rule == "constant indices"
    verify(k, constant_bounds=False)


def view(**fields: object) -> ir.Mem:
    """A view of the f32 buffer ``a``, made wrong by ``fields``."""
    good = ir.Mem("v", u32, "global", (None,), (1,), of="a", unit=1)
    return replace(good, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "m"),
    [
        ("views", view(of="nothing")),
        ("views", view(of="v")),
        ("views", view(space="shared")),
        ("views", view(space="local", shape=(4,))),
        ("views", view(strides=(2,))),
        ("views", view(shape=(4, 4), strides=(4, 1))),
        ("views", view(unit=0)),
        ("views", view(unit=3)),
        ("views", view(unit=6)),
        ("views", view(of=None, space="local", shape=(4,))),
        ("mem data", view(data=(1,))),
        ("mem extents", view(shape=(ir.Cast(x, i64),))),
    ],
)
def test_bad_view(rule: str, m: ir.Mem) -> None:
    k = make()
    k.mems["v"] = m
    assert broken(k).rule == rule


def test_a_view_of_a_view_is_refused() -> None:
    k = make()
    k.mems |= {"v": view(), "w": view(name="w", of="v")}
    assert broken(k).rule == "views"


@pytest.mark.parametrize("unit", [1, 2, 4, 8, 12])
def test_a_view_needs_no_parameter_and_may_step_by_parts_or_multiples(unit: int) -> None:
    k = make(ir.Assign("f", ir.Bitcast(load("v", u32), f32)))
    k.mems["v"] = view(unit=unit)
    verify(k)


def test_a_write_through_a_view_is_a_write_to_its_root() -> None:
    k = make(store("v", const(0, u32)))
    k.mems["v"] = view()
    verify(k)
    k.params[0] = replace(k.params[0], written=False)
    assert "write to buffer a, whose parameter" in str(broken(k))


@pytest.mark.parametrize(("unit", "last"), [(1, 12), (2, 14), (4, 15), (8, 15)])
def test_an_element_ends_inside_a_views_extent(unit: int, last: int) -> None:
    for index in (0, last):
        k = make(ir.Assign("f", ir.Bitcast(load("v", u32, index), f32)))
        k.mems["v"] = view(unit=unit, shape=(16,))
        verify(k)
    for index in (-1, last + 1):
        k = make(ir.Assign("f", ir.Bitcast(load("v", u32, index), f32)))
        k.mems["v"] = view(unit=unit, shape=(16,))
        assert broken(k).rule == "constant indices"


def test_views_take_no_shared_memory() -> None:
    k = make()
    k.mems["s"] = ir.Mem("s", f32, "shared", (100,), (1,))
    k.mems["v"] = ir.Mem("v", u32, "shared", (100,), (1,), of="s")
    assert k.static_shared_bytes == 400
    verify(k, shared_limit=400)


def test_clocks_give_an_i64() -> None:
    k = make(ir.Clock("t"))
    k.locals["t"] = i64
    verify(k)
    assert broken(make(ir.Clock("x"))).rule == "types match"
    k.body = [ir.Clock("t", "months")]  # type: ignore[arg-type]
    assert broken(k).rule == "clocks"


def test_static_shared_memory_is_limited_on_demand() -> None:
    k = make()
    k.mems["s"] = ir.Mem("s", f32, "shared", (100,), (1,))
    verify(k)
    verify(k, shared_limit=400)
    assert "take 400 bytes, the target has 399" in str(broken(k, shared_limit=399))


def test_parameter_names_are_unique() -> None:
    k = make()
    k.params.append(k.params[0])
    assert broken(k).rule == "names"


@pytest.mark.parametrize("block", [(0, 1, 1), (32,), (1.0, 1, 1)])
def test_block_shape(block: tuple[int, int, int]) -> None:
    assert broken(replace(make(), block=block)).rule == "block shape"


def test_the_error_points_at_the_place() -> None:
    source = SourceFile("k.py", "def k():\n    x = f + y\n")
    loc = Loc(source, 2, 9, 14)
    bad = ir.Binary("add", x, f, i32, loc=loc)
    assert str(broken(make(ir.Assign("x", bad, loc)))) == (
        "k.py:2:9: internal error: kernel k breaks a rule of KIR (types match): "
        "right operand of add is f32, must be i32 in 'x = x + f'\n"
        "        x = f + y\n"
        "            ^~~~~"
    )


@pytest.mark.parametrize(
    ("value", "dtype", "fits"),
    [
        (255, dtypes.uint8, True),
        (256, dtypes.uint8, False),
        (-1, dtypes.uint64, False),
        (-(1 << 63), i64, True),
        (True, i32, False),
        (0.1, f64, True),
        (0.1, f32, False),
        (1e39, f32, False),
        (float("inf"), dtypes.float16, True),
        (65504.0, dtypes.float16, True),
        (65520.0, dtypes.float16, False),
        (1.0078125, dtypes.bfloat16, True),
        (1.00390625, dtypes.bfloat16, False),
        (2.0**-149, f32, True),
        (2.0**-150, f32, False),
    ],
)
def test_representable(value: object, dtype: DType, fits: bool) -> None:
    assert representable(value, dtype) is fits


def test_it_is_fast() -> None:
    k = generate(7).kernel
    best = min(_seconds(k) for _ in range(5))
    assert best < 0.02  # about 0.5 ms on an idle machine


def _seconds(k: ir.Kernel) -> float:
    start = time.perf_counter()
    verify(k)
    return time.perf_counter() - start
