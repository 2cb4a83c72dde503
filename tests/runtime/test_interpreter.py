"""The interpreter: what statements mean, and what it refuses."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc, SourceFile
from accelerx.compiler.verify import verify
from accelerx.errors import ArgumentTypeError, KernelAssertionError, LaunchError
from accelerx.runtime import interpreter
from accelerx.runtime.interpreter import Interpreter
from tests.support.kernels import THREAD, const, kernel, load, store

i32, i64, u32, f32, b = (
    dtypes.int32, dtypes.int64, dtypes.uint32, dtypes.float32, dtypes.bool_,
)  # fmt: skip
LOCALS = {"x": i32, "y": i32, "i": i32, "f": f32, "p": b, "m": u32}
x, y, i = (ir.Local(n, i32) for n in "xyi")


def op(name: ir.BinaryOp, left: ir.Expr, right: ir.Expr | int) -> ir.Expr:
    right = const(right, left.type) if isinstance(right, int) else right
    return ir.Binary(name, left, right, left.type)


def compare(name: ir.CompareOp, left: ir.Expr, right: ir.Expr | int) -> ir.Expr:
    return ir.Compare(name, left, const(right, left.type) if isinstance(right, int) else right)


def run(
    body: Sequence[ir.Stmt],
    threads: int | tuple[int, ...] = 4,
    grid: tuple[int, ...] = (1,),
    *,
    mems: Sequence[ir.Mem] = (),
    shared: int = 0,
    size: int | None = None,
    **buffers: np.ndarray[Any, Any],
) -> np.ndarray[Any, Any]:
    """Runs a body over an i32 buffer ``out``, one element a thread, and returns it."""
    block = (threads,) if isinstance(threads, int) else threads
    count = size or int(np.prod(block)) * int(np.prod(grid))
    buffers = {"out": np.zeros(count, np.int32), **buffers}
    k = kernel(body, {n: dtypes.from_numpy(a.dtype) for n, a in buffers.items()}, LOCALS)
    k.mems |= {m.name: m for m in mems}
    verify(k)
    Interpreter(k).run(grid, block, shared, {n: (a, 0) for n, a in buffers.items()})
    return buffers["out"]


def fails(body: Sequence[ir.Stmt], *args: Any, **options: Any) -> str:
    with pytest.raises(KernelAssertionError) as caught:
        run(body, *args, **options)
    return str(caught.value)


def shared_mem(size: int | None, dtype: dtypes.DType = i32, name: str = "s") -> ir.Mem:
    return ir.Mem(name, dtype, "shared", (size,), (1,))


OUT = store("out", x)
GLOBAL = op("add", op("mul", ir.Special("block"), ir.Special("block_dim")), THREAD)

# ------------------------------------------------------------------------------- control flow


def test_branches_take_their_threads() -> None:
    body = [
        ir.Assign("x", const(0)),
        ir.If(compare("lt", THREAD, 2), [ir.Assign("x", const(5))], [ir.Assign("x", const(7))]),
        OUT,
    ]
    assert run(body).tolist() == [5, 5, 7, 7]


def test_a_local_assigned_on_one_path_keeps_its_value_on_the_other() -> None:
    body = [
        ir.Assign("x", THREAD),
        ir.If(compare("eq", THREAD, 1), [ir.Assign("x", const(9))]),
        OUT,
    ]
    assert run(body).tolist() == [0, 9, 2, 3]


@pytest.mark.parametrize(
    ("start", "stop", "step", "expected"),
    [(0, 5, 2, [0, 2, 4]), (5, 0, -2, [5, 3, 1]), (3, 3, 1, []), (0, 3, -1, [])],
)
def test_for_counts(start: int, stop: int, step: int, expected: list[int]) -> None:
    body = [
        ir.Assign("x", const(0)),
        ir.For(
            "i",
            const(start),
            const(stop),
            const(step),
            [ir.Assign("x", op("add", op("mul", x, 10), i))],
        ),
        OUT,
    ]
    number = int("".join(map(str, expected)) or "0")
    assert run(body, 1).tolist() == [number]


def test_for_ends_where_its_variable_would_leave_its_type() -> None:
    top = (1 << 31) - 1
    count = ir.Assign("x", op("add", x, 1))
    body = [
        ir.Assign("x", const(0)),
        ir.For("i", const(top - 5), const(top), const(4), [count]),
        OUT,
    ]
    assert run(body, 1).tolist() == [2]


def test_for_with_bounds_of_each_thread() -> None:
    count = ir.Assign("x", op("add", x, 1))
    body = [ir.Assign("x", const(0)), ir.For("i", const(0), THREAD, const(1), [count]), OUT]
    assert run(body).tolist() == [0, 1, 2, 3]


def test_for_with_step_zero_is_an_error() -> None:
    assert "step of the loop is 0 in 4 threads" in fails(
        [ir.Assign("x", const(0)), ir.For("i", THREAD, x, x, [])]
    )


def test_break_and_continue() -> None:
    body = [
        ir.Assign("x", const(0)),
        ir.For(
            "i", const(0), const(10), const(1),
            [
                ir.If(compare("eq", i, THREAD), [ir.Continue()]),
                ir.If(compare("eq", i, 3), [ir.Break()]),
                ir.Assign("x", op("add", op("mul", x, 10), op("add", i, 1))),
            ],
        ),
        OUT,
    ]  # fmt: skip
    # Thread 3 skips the turn in which it would have broken off.
    assert run(body, 5).tolist() == [23, 13, 12, 12356789 * 10 + 10, 123]


def test_continue_goes_to_post() -> None:
    body = [
        ir.Assign("x", const(0)),
        ir.Assign("y", const(0)),
        ir.While(
            compare("lt", x, 6),
            [
                ir.If(compare("eq", op("rem", x, 2), 0), [ir.Continue()]),
                ir.Assign("y", op("add", y, x)),
            ],
            [ir.Assign("x", op("add", x, 1))],
        ),
        store("out", y),
    ]
    assert run(body, 2).tolist() == [9, 9]


def test_return_ends_only_its_threads() -> None:
    body = [
        store("out", const(1)),
        ir.If(compare("lt", THREAD, 2), [ir.Return()]),
        store("out", const(2)),
    ]
    assert run(body).tolist() == [1, 1, 2, 2]


def test_a_return_in_a_loop_leaves_other_threads_locals_alone() -> None:
    # Two of four threads loop; when one of them returns, the count of living threads changes.
    body = [
        ir.Assign("i", const(7)),
        ir.If(
            compare("lt", THREAD, 3),
            [
                ir.For(
                    "i",
                    const(0),
                    const(2),
                    const(1),
                    [ir.If(compare("eq", THREAD, 0), [ir.Return()])],
                ),
                ir.Assign("i", const(1)),
            ],
        ),
        store("out", i),
    ]
    assert run(body).tolist() == [0, 1, 1, 7]


def test_exit_leaves_its_scope_through_loops() -> None:
    body = [
        ir.Assign("x", const(0)),
        ir.Scope(
            "outer",
            [
                ir.For("i", const(0), const(9), const(1), [
                    ir.Scope("inner", [
                        ir.If(compare("eq", i, THREAD), [ir.Exit("outer")]),
                        ir.If(compare("eq", i, 1), [ir.Exit("inner")]),
                        ir.Assign("x", op("add", x, 1)),
                    ]),
                    ir.Assign("x", op("add", x, 10)),
                ]),
                ir.Assign("x", const(-1)),
            ],
        ),
        OUT,
    ]  # fmt: skip
    assert run(body).tolist() == [0, 11, 21, 32]


# ------------------------------------------------------------------------- coordinates, launches


def test_coordinates_count_x_fastest() -> None:
    block, grid = (2, 3, 2), (2, 1, 3)
    places = [ir.Special(kind, axis) for kind in ("block", "thread") for axis in range(3)]
    code: ir.Expr = const(0)
    for place in places:
        code = op("add", op("mul", code, 10), place)
    t = op("add", ir.Special("lane"), op("mul", ir.Special("warp"), 32))
    linear = op(
        "add",
        op("mul", op("add", ir.Special("block", 0), op("mul", ir.Special("block", 2), 2)), 12),
        t,
    )
    expected = [
        int(f"{bx}{by}{bz}{tx}{ty}{tz}")
        for bz in range(3) for by in range(1) for bx in range(2)
        for tz in range(2) for ty in range(3) for tx in range(2)
    ]  # fmt: skip
    assert run([store("out", code, linear)], block, grid).tolist() == expected


def test_launch_shape_is_known() -> None:
    dims = [ir.Special(kind, axis) for kind in ("block_dim", "grid_dim") for axis in range(3)]
    body = [store("out", d, n) for n, d in enumerate(dims)]
    assert run(body, (4, 2), (3, 1, 5), size=6).tolist() == [4, 2, 1, 3, 1, 5]


def test_large_grids_run_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "LANES", 100)
    got = run([store("out", GLOBAL, GLOBAL)], 32, (11,))
    assert got.tolist() == list(range(352))


def test_local_arrays_belong_to_threads() -> None:
    m = ir.Mem("l", i32, "local", (4,), (1,))
    body = [
        ir.For("i", const(0), const(4), const(1), [store("l", op("mul", THREAD, i), i)]),
        ir.Assign("x", load("l", i32, op("sub", const(3), THREAD))),
        OUT,
    ]
    assert run(body, mems=[m]).tolist() == [0, 2, 2, 0]


def test_shared_arrays_belong_to_blocks() -> None:
    body = [
        store("s", GLOBAL, THREAD),
        ir.Barrier(),
        store("out", load("s", i32, op("sub", const(3), THREAD)), GLOBAL),
    ]
    assert run(body, 4, (2,), mems=[shared_mem(4)]).tolist() == [3, 2, 1, 0, 7, 6, 5, 4]


def test_dynamic_shared_arrays_share_their_bytes() -> None:
    body = [
        store("s", const(1.0, f32), THREAD),
        ir.Barrier(),
        store("out", load("w", i32, THREAD)),
    ]
    mems = [shared_mem(None, f32), shared_mem(None, i32, "w")]
    assert run(body, mems=mems, shared=16).tolist() == [0x3F800000] * 4
    assert "s[3] is out of bounds" in fails(body, mems=mems, shared=15)


def test_const_arrays_hold_their_values() -> None:
    m = ir.Mem("c", i32, "const", (2, 2), (2, 1), (1, 2, 3, 4))
    e = ir.Load("c", (op("and", THREAD, 1), op("shr", THREAD, 1)), i32)
    assert run([store("out", e)], mems=[m]).tolist() == [1, 3, 2, 4]


def test_strided_buffers_begin_at_their_offset() -> None:
    k = kernel([store("a", THREAD)], {"a": i32})
    k.params.append(ir.Param("a.stride0", "stride", i64, 0))
    k.mems["a"] = ir.Mem("a", i32, "global", (3,), (ir.ParamRef("a.stride0", i64),))
    a = np.full(7, -1, np.int32)
    Interpreter(k).run((1,), (3,), 0, {"a": (a, 6), "a.stride0": -2})
    assert a.tolist() == [-1, -1, 2, -1, 1, -1, 0]


def test_the_highest_thread_wins_a_common_element() -> None:
    assert run([store("out", THREAD, 0)]).tolist() == [3, 0, 0, 0]
    assert run([store("out", THREAD, op("rem", THREAD, 2))]).tolist() == [2, 3, 0, 0]
    assert run([ir.If(compare("lt", THREAD, 3), [store("out", THREAD, 0)])])[0] == 2


def test_masked_loads_do_not_touch_memory() -> None:
    far = load("out", i32, op("mul", THREAD, 1000))
    body = [ir.Assign("x", const(1)), ir.If(compare("eq", THREAD, 0), [ir.Assign("x", far)]), OUT]
    assert run(body).tolist() == [0, 1, 1, 1]


@pytest.mark.parametrize("name", ["bool", "bfloat16"])
def test_buffers_of_every_dtype(name: str) -> None:
    t = dtypes.from_numpy(name)
    a = np.array([0, 1, 1, 0], t.numpy)
    flip = ir.Unary("not", load("a", t), t) if t is b else ir.Unary("neg", load("a", t), t)
    k = kernel([store("a", flip)], {"a": t})
    Interpreter(k).run((1,), (4,), 0, {"a": (a, 0)})
    assert a.tolist() == ([True, False, False, True] if t is b else [-0.0, -1.0, -1.0, -0.0])


def test_empty_arrays_are_fine() -> None:
    body = [ir.If(compare("lt", THREAD, 0), [OUT])]
    k = kernel(body, {"out": i32}, LOCALS)
    Interpreter(k).run((3,), (8,), 0, {"out": (np.zeros(0, np.int32), 0)})


def test_scalars_come_as_their_types() -> None:
    body = [store("out", ir.Binary("mul", ir.ParamRef("n", i32), const(2), i32))]
    k = kernel(body, {"out": i32}, scalars={"n": i32})
    out = np.zeros(1, np.int32)
    Interpreter(k).run((1,), (1,), 0, {"out": (out, 0), "n": np.int64(21)})
    assert out[0] == 42


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"n": 1 << 31}, ArgumentTypeError, "n = 2147483648 does not fit int32"),
        ({"n": 1.5}, ArgumentTypeError, "n = 1.5 does not fit int32"),
        ({"n": "5"}, ArgumentTypeError, "n must be a number"),
        ({"n": None}, LaunchError, "needs an argument for n"),
        ({"out": (np.zeros(4), 0)}, ArgumentTypeError, "out is float64, must be int32"),
        ({"out": (np.zeros((2, 2), np.int32), 0)}, ArgumentTypeError, "flat NumPy array"),
    ],
)
def test_wrong_arguments(change: Mapping[str, Any], error: type, text: str) -> None:
    k = kernel([store("out", ir.ParamRef("n", i32))], {"out": i32}, scalars={"n": i32})
    arguments = {"out": (np.zeros(4, np.int32), 0), "n": 5, **change}
    if arguments["n"] is None:
        del arguments["n"]
    with pytest.raises(error, match=text):
        Interpreter(k).run((1,), (4,), 0, arguments)


def test_a_read_only_buffer_is_not_written() -> None:
    a = np.zeros(4, np.int32)
    a.flags.writeable = False
    k = kernel([store("a", THREAD)], {"a": i32})
    with pytest.raises(LaunchError, match="a is read-only"):
        Interpreter(k).run((1,), (4,), 0, {"a": (a, 0)})


@pytest.mark.parametrize(("grid", "block"), [((0,), (1,)), ((1,), (1, -1)), ((1, 1, 1, 1), (1,))])
def test_wrong_shapes(grid: tuple[int, ...], block: tuple[int, ...]) -> None:
    with pytest.raises(LaunchError, match="one to three positive integers"):
        run([], block, grid, size=1)


def test_a_kernel_made_for_another_block() -> None:
    k = kernel([], {})
    k.block = (32, 1, 1)
    with pytest.raises(LaunchError, match=r"specialised on blocks of \(32, 1, 1\)"):
        Interpreter(k).run((1,), (64,), 0, {})


# ------------------------------------------------------------------------------------- checks


def test_an_access_outside_names_everything() -> None:
    source = SourceFile("k.py", "out[i] = x")
    place = Loc(source, 1, 1, 7)
    s = ir.Store("out", (op("add", THREAD, 2),), const(1), place)
    text = fails([s], 4)
    assert text == (
        "k.py:1:1: error: out[4] is out of bounds: out has shape (?); "
        "this would be element 4 of memory that holds elements 0 to 3 "
        "(kernel k, block (0, 0, 0), thread (2, 0, 0))\n"
        "    out[i] = x\n"
        "    ^~~~~~"
    )


@pytest.mark.parametrize(
    "statement",
    [
        ir.Assign("x", load("out", i32, -1)),
        ir.Assign("x", load("l", i32, op("add", THREAD, 1))),
        ir.Atomic("add", "out", (const(99),), const(1)),
        store("out", const(1), ir.Cast(const((1 << 64) - 1, dtypes.uint64), dtypes.uint64)),
    ],
)
def test_every_access_is_checked(statement: ir.Stmt) -> None:
    m = ir.Mem("l", i32, "local", (4,), (1,))
    assert "is out of bounds" in fails([statement], mems=[m])


def test_a_failed_assert_names_thread_and_values() -> None:
    check = ir.Assert(compare("lt", THREAD, 2), "{0} is not below {1}", (THREAD, const(2)))
    run([check], (2, 2))
    assert "2 is not below 2 (kernel k, block (0, 0, 0), thread (2, 0, 0))" in fails([check])


def test_asserts_hold_only_for_threads_that_execute_them() -> None:
    never = ir.Assert(const(False, b), "never")
    run([ir.If(compare("lt", THREAD, 0), [never])])


# ------------------------------------------------------------------------------ threads together


def test_barrier_in_divergent_flow() -> None:
    text = fails([ir.If(compare("lt", THREAD, 3), [ir.Barrier()])])
    assert "barrier in divergent flow: 3 threads of the block arrived" in text
    assert "thread (3, 0, 0)" in text
    assert "hint: all threads of a block" in text


def test_barriers_do_not_wait_for_threads_that_returned() -> None:
    body = [ir.If(compare("eq", THREAD, 1), [ir.Return()]), ir.Barrier(), store("out", const(1))]
    assert run(body).tolist() == [1, 0, 1, 1]


def test_blocks_may_differ_in_their_barriers() -> None:
    body = [
        ir.If(compare("eq", ir.Special("block"), 0), [ir.Barrier()]),
        store("out", const(1), GLOBAL),
    ]
    assert run(body, 4, (2,)).tolist() == [1] * 8


@pytest.mark.parametrize(
    ("kind", "expected"), [("count", [1, 1, 2, 2]), ("and", [0, 0, 1, 1]), ("or", [1, 1, 1, 1])]
)
def test_combining_barriers_count_their_block(kind: ir.BarrierKind, expected: list[int]) -> None:
    votes = ir.Logical("or", compare("eq", ir.Special("block"), 1), compare("eq", THREAD, 1))
    body = [ir.Barrier(kind, votes, "x"), store("out", x, GLOBAL)]
    assert run(body, 2, (2,)).tolist() == expected


def test_a_grid_barrier_waits_for_all_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "LANES", 4)
    last = op("sub", const(7), GLOBAL)
    body = [
        store("out", GLOBAL, GLOBAL),
        ir.Barrier("grid"),
        ir.Assign("x", load("out", i32, last)),
        ir.Barrier("grid"),
        store("out", x, GLOBAL),
    ]
    assert run(body, 4, (2,)).tolist() == list(range(7, -1, -1))


def test_a_grid_barrier_needs_every_block() -> None:
    leaves = ir.If(compare("eq", ir.Special("block"), 2), [ir.Return()])
    with pytest.raises(KernelAssertionError, match=r"whole grid.*block \(2, 0, 0\)"):
        run([leaves, ir.Barrier("grid")], 2, (4,))


def warp(
    name: str, *arguments: ir.Expr, width: int | None = None, mask: int | None = None
) -> ir.Warp:
    return ir.Warp(
        name, arguments, "x",
        None if width is None else const(width), None if mask is None else const(mask, u32),
    )  # fmt: skip


LANES = np.arange(32)


@pytest.mark.parametrize(
    ("operation", "by", "width", "expected"),
    [
        ("shfl_idx", 5, None, np.full(32, 5)),
        ("shfl_idx", 5, 8, LANES // 8 * 8 + 5),
        ("shfl_up", 3, None, np.where(LANES < 3, LANES, LANES - 3)),
        ("shfl_down", 3, 16, np.where(LANES % 16 > 12, LANES, LANES + 3)),
        ("shfl_xor", 9, None, LANES ^ 9),
        ("shfl_xor", 9, 8, np.where(LANES ^ 9 > LANES | 7, LANES, LANES ^ 9)),
        ("shfl_down", 32, None, LANES),
    ],
)
def test_shuffles(operation: str, by: int, width: int | None, expected: np.ndarray) -> None:
    got = run([warp(operation, THREAD, const(by), width=width), OUT], 32)
    np.testing.assert_array_equal(got, expected)


def test_shuffles_stay_in_their_warp() -> None:
    got = run([warp("shfl_down", THREAD, const(1)), OUT], 70)
    expected = np.arange(70) + 1
    expected[[31, 63, 69]] = [31, 63, 69]
    np.testing.assert_array_equal(got, expected)


def votes(name: str, predicate: ir.Expr, result: str = "p") -> list[ir.Stmt]:
    value = ir.Local(result, LOCALS[result])
    return [ir.Warp(name, (predicate,), result), store("out", ir.Cast(value, i32))]


def test_votes_count_only_lanes_that_execute_them() -> None:
    odd = compare("ne", op("and", THREAD, 1), 0)
    upper = compare("ge", THREAD, 2)
    assert run(votes("ballot", odd, "m"), 6).tolist() == [0b101010] * 6
    assert run([ir.If(upper, votes("ballot", odd, "m"))], 5).tolist() == [0, 0, 8, 8, 8]
    assert run([ir.If(odd, votes("all", odd))], 4).tolist() == [0, 1, 0, 1]
    assert run(votes("any", compare("eq", THREAD, 33)), 40).tolist() == [0] * 32 + [1] * 8
    assert run([ir.If(upper, votes("uni", upper))], 4).tolist() == [0, 0, 1, 1]
    assert run(votes("uni", upper), 4).tolist() == [0, 0, 0, 0]


def test_activemask_and_match() -> None:
    active = [ir.Warp("activemask", (), "m"), store("out", ir.Cast(ir.Local("m", u32), i32))]
    assert run([ir.If(compare("lt", THREAD, 3), active)], 5).tolist() == [7, 7, 7, 0, 0]
    parity = op("and", THREAD, 1)
    assert run(votes("match_any", parity, "m"), 5).tolist() == [21, 10, 21, 10, 21]


@pytest.mark.parametrize(
    ("name", "expected"), [("add", 15), ("min", 1), ("max", 5), ("and", 0), ("or", 7), ("xor", 1)]
)
def test_reductions_take_executing_lanes(name: str, expected: int) -> None:
    body = [ir.If(compare("gt", THREAD, 0), [warp(f"reduce_{name}", THREAD), OUT])]
    assert run(body, 6).tolist() == [0] + [expected] * 5


def test_member_masks_are_checked() -> None:
    assert run([warp("shfl_xor", THREAD, const(1), mask=0xFFFFFFFF), OUT], 4).tolist() == [
        1,
        0,
        3,
        2,
    ]
    inside = [ir.If(compare("lt", THREAD, 2), [warp("shfl_xor", THREAD, const(1), mask=15)])]
    text = fails(inside)
    assert "shfl_xor with member mask 0xf" in text
    assert "that execute it are 0x3" in text
    assert "member mask 0x1" in fails([warp("shfl_xor", THREAD, const(1), mask=1)])


def test_lanes_that_returned_may_be_named_by_a_mask() -> None:
    body = [
        ir.If(compare("gt", THREAD, 1), [ir.Return()]),
        warp("shfl_xor", THREAD, const(1), mask=15),
        OUT,
    ]
    assert run(body).tolist() == [1, 0, 0, 0]


# ------------------------------------------------------------------------------------- atomics

ATOMIC_CASES = [
    (name, dtype)
    for name in ("add", "sub", "min", "max", "exch", "xor", "inc", "dec", "and", "or")
    for dtype in (u32, f32)
    if name in ("add", "sub", "min", "max", "exch") or dtype is u32
]


@pytest.mark.parametrize("crowd", [8, 300])
@pytest.mark.parametrize(("name", "dtype"), ATOMIC_CASES)
def test_atomics_serve_lanes_in_order(name: str, dtype: dtypes.DType, crowd: int) -> None:
    rng = np.random.default_rng(3)
    where = rng.integers(0, 3, crowd).astype(np.int32)
    by = rng.integers(0, 9, crowd).astype(dtype.numpy)
    start = np.array([5, 2, 7], dtype.numpy)
    memory, olds = start.copy(), np.zeros(crowd, dtype.numpy)
    body = [
        ir.Atomic(name, "a", (load("where", i32),), load("by", dtype), result="old"),
        store("olds", ir.Local("old", dtype)),
    ]
    buffers = {"a": memory, "where": where, "by": by, "olds": olds}
    k = kernel(body, {n: dtypes.from_numpy(v.dtype) for n, v in buffers.items()}, {"old": dtype})
    verify(k)
    Interpreter(k).run((1,), (crowd,), 0, {n: (v, 0) for n, v in buffers.items()})

    expected, expected_olds = start.copy(), np.zeros_like(olds)
    steps = {
        "add": lambda o, v: o + v, "sub": lambda o, v: o - v, "min": min, "max": max,
        "exch": lambda o, v: v, "xor": lambda o, v: o ^ v, "and": lambda o, v: o & v,
        "or": lambda o, v: o | v, "inc": lambda o, v: 0 if o >= v else o + 1,
        "dec": lambda o, v: v if o == 0 or o > v else o - 1,
    }  # fmt: skip
    with np.errstate(over="ignore"):
        for n, (at, value) in enumerate(zip(where, by, strict=True)):
            expected_olds[n] = expected[at]
            expected[at] = dtype.numpy.type(steps[name](expected[at], value))
    np.testing.assert_array_equal(olds, expected_olds)
    np.testing.assert_array_equal(memory, expected)


def test_compare_and_swap_is_won_once() -> None:
    body = [ir.Atomic("cas", "a", (const(0),), op("add", THREAD, 1), const(0), "x"), OUT]
    a = np.zeros(1, np.int32)
    assert run(body, a=a).tolist() == [0, 1, 1, 1]
    assert a[0] == 1


def test_float_atomics_ignore_nan() -> None:
    a = np.array([1.0, np.nan], np.float32)
    nan = const(float("nan"), f32)
    run(
        [
            ir.Atomic("max", "a", (const(0),), nan),
            ir.Atomic("nanmin", "a", (const(1),), const(2.0, f32)),
        ],
        a=a,
    )
    assert a.tolist() == [1.0, 2.0]


def test_bfloat16_atomics() -> None:
    t = dtypes.bfloat16
    a = np.array([1], t.numpy)
    k = kernel([ir.Atomic("add", "a", (const(0),), const(0.5, t))], {"a": t})
    Interpreter(k).run((1,), (5,), 0, {"a": (a, 0)})
    assert float(a[0]) == 3.5


# --------------------------------------------------------------------------------------- waits


def lock(inside: list[ir.Stmt]) -> list[ir.Stmt]:
    take = ir.Atomic("cas", "lock", (const(0),), const(1), const(0), "y")
    free = ir.Atomic("exch", "lock", (const(0),), const(0))
    return [take, *inside, free]


def test_a_spin_lock_between_threads_of_a_block_is_an_error() -> None:
    take, free = lock([])
    spin = [ir.Assign("y", const(1)), ir.While(compare("ne", y, 0), [take])]
    text = fails([*spin, free], lock=np.zeros(1, np.int32))
    assert "3 threads wait in a loop that can never end" in text
    assert "lock-step" in text


def test_a_lock_whose_work_is_inside_the_loop_is_fine() -> None:
    add = ir.Assign("x", op("add", load("sum", i32, 0), 1))
    work = [add, store("sum", x, 0), *lock([])[1:], ir.Break()]
    body = [ir.While(const(True, b), [lock([])[0], ir.If(compare("eq", y, 0), work)])]
    total = np.zeros(1, np.int32)
    run(body, 40, lock=np.zeros(1, np.int32), sum=total)
    assert total[0] == 40


def test_a_counter_does_not_hide_a_wait_without_end() -> None:
    count = ir.Assign("i", op("add", i, 1))
    body = [ir.Assign("i", const(0)), ir.While(compare("eq", load("flag", i32, 0), 0), [count])]
    assert "can never end" in fails(body, flag=np.zeros(1, np.int32))


def test_long_loops_are_not_mistaken_for_waits() -> None:
    body = [
        ir.Assign("x", const(0)),
        ir.While(compare("lt", x, 5000), [ir.Assign("x", op("add", x, 1))]),
        OUT,
    ]
    assert run(body, 1).tolist() == [5000]


def test_blocks_may_wait_for_earlier_blocks() -> None:
    block = ir.Special("block")
    before = load("flag", i32, block)
    body = [
        ir.While(compare("eq", before, 0), []),
        store("flag", op("add", before, 1), op("add", block, 1)),
    ]
    flag = np.array([1, 0, 0, 0, 0], np.int32)
    run(body, 1, (4,), flag=flag)
    assert flag.tolist() == [1, 2, 3, 4, 5]


def test_a_loop_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accelerx.runtime.interpreter_lockstep.TURNS", 1000)
    body = [
        ir.Assign("x", const(0)),
        ir.While(const(True, b), [ir.Assign("x", op("add", x, 1)), store("out", x)]),
    ]
    assert "has made 1000 turns" in fails(body)


# -------------------------------------------------------------------------------------- prints


def test_prints_come_in_the_order_of_threads(capsys: pytest.CaptureFixture[str]) -> None:
    twice = [
        ir.Print(("first", THREAD)),
        ir.Print(("second", THREAD, const(0.5, f32), const(True, b))),
    ]
    run(twice, 2)
    assert capsys.readouterr().out == (
        "first 0\nsecond 0 0.500000 True\nfirst 1\nsecond 1 0.500000 True\n"
    )


def test_printf_formats(capsys: pytest.CaptureFixture[str]) -> None:
    values = (const(-1), const(7, dtypes.uint64), const(2.5, f32), const(255))
    run([ir.Print(values, "%u %3llu|%-6.2f|%x 100%%\n")], 1)
    assert capsys.readouterr().out == "4294967295   7|2.50  |ff 100%\n"


def test_sites_are_reported_with_encoded_values() -> None:
    calls: list[tuple[Any, ...]] = []

    def on_site(*call: Any) -> bool:
        calls.append(call)
        return False

    check = ir.Assert(compare("eq", THREAD, 0), "bad", (const(-2),))
    k = kernel([ir.Print((const(1.5, f32),)), check], {})
    assert [type(s) for s in interpreter.sites(k)] == [ir.Print, ir.Assert]
    Interpreter(k, on_site).run((1,), (2,), 0, {})
    bits = struct.unpack("<q", struct.pack("<d", 1.5))[0]
    assert sorted(calls) == [
        (0, (0, 0, 0), (0, 0, 0), (bits,)),
        (0, (0, 0, 0), (1, 0, 0), (bits,)),
        (1, (0, 0, 0), (1, 0, 0), (-2,)),
    ]


def test_a_site_hook_stops_the_launch() -> None:
    k = kernel([ir.Assert(const(False, b), "stop"), store("out", const(1))], {"out": i32})
    out = np.zeros(4, np.int32)
    Interpreter(k, lambda *call: True).run((1,), (4,), 0, {"out": (out, 0)})
    assert out.tolist() == [0, 0, 0, 0]


def test_what_was_printed_before_a_failure_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    fails([ir.Print(("here",)), ir.Assert(const(False, b), "stop")], 1)
    assert capsys.readouterr().out == "here\n"


# -------------------------------------------------------------------------------------- clocks


@pytest.mark.parametrize("kind", ["cycles", "nanoseconds"])
def test_a_clock_goes_on_and_only_for_those_who_look(kind: ir.ClockKind) -> None:
    first, last = ir.Local("t0", i64), ir.Local("t1", i64)
    body: list[ir.Stmt] = [
        ir.Clock("t0", kind),
        ir.Clock("t1", kind),
        ir.If(compare("lt", THREAD, 2), [ir.Clock("t0", kind)]),
        store("out", ir.Cast(ir.Compare("le", first, last), i32)),
    ]
    k = kernel(body, {"out": i32}, {"t0": i64, "t1": i64})
    verify(k)
    out = np.zeros(4, np.int32)
    Interpreter(k).run((1,), (4,), 0, {"out": (out, 0)})
    assert out.tolist() == [0, 0, 1, 1]


def test_a_wait_for_time_to_pass_ends() -> None:
    first, last = ir.Local("t0", i64), ir.Local("t1", i64)
    passed = ir.Binary("sub", last, first, i64)
    waits = ir.While(ir.Compare("lt", passed, const(20_000_000, i64)), [ir.Clock("t1")])
    k = kernel([ir.Clock("t0"), ir.Clock("t1"), waits], {}, {"t0": i64, "t1": i64})
    Interpreter(k).run((1,), (4,), 0, {})
