"""What the cuda dialect prints: read as text here, run on the host where control flow is at stake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc, SourceFile
from accelerx.compiler.dialects.base import EmitOptions, Program
from accelerx.compiler.dialects.cuda import CudaDialect
from accelerx.dtypes import DType, float32, float64, int32, int64, uint32
from accelerx.errors import UnsupportedKernelError
from tests.corpus.python.lifting import IDS, PAIRS, lifted
from tests.support.cuda_on_host import COMPILER, HostPrograms
from tests.support.golden import Golden, golden  # noqa: F401
from tests.support.kernels import THREAD, const, kernel, load, store

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler on this machine")


def emit(k: ir.Kernel, lines: bool = False) -> Program:
    dialect = CudaDialect(lines=lines)
    return dialect.emit(dialect.lower(k), EmitOptions())


def body(k: ir.Kernel) -> list[str]:
    """The kernel's lines, without its head and its last brace."""
    lines = emit(k).text.splitlines()
    first = next(i for i, line in enumerate(lines) if "__global__" in line)
    while not lines[first].endswith("{"):
        first += 1
    return [line[4:] for line in lines[first + 1 : -1]]


def printed(value: ir.Expr, **inputs: DType) -> str:
    """How an expression prints as the value of a store."""
    k = kernel([store("out", value, 0)], {"out": value.type, **inputs})
    (line,) = body(k)
    return line.removeprefix("out[0] = ").removesuffix(";")


def local(name: str, t: DType = int32) -> ir.Local:
    return ir.Local(name, t)


def assign(name: str, value: ir.Expr) -> ir.Assign:
    return ir.Assign(name, value)


def add(a: ir.Expr, b: ir.Expr, nowrap: bool = True) -> ir.Binary:
    return ir.Binary("add", a, b, a.type, nowrap and a.type.is_signed)


def mul(a: ir.Expr, b: ir.Expr) -> ir.Binary:
    return ir.Binary("mul", a, b, a.type, a.type.is_signed)


def less(a: ir.Expr, b: ir.Expr) -> ir.Compare:
    return ir.Compare("lt", a, b)


GLOBAL_INDEX = add(mul(ir.Special("block"), ir.Special("block_dim")), ir.Special("thread"))
X, Y = load("x", float32, 0), load("x", float32, 1)
P, Q = load("i", int32, 0), load("i", int32, 1)

# --------------------------------------------------------------------------------- expressions


def test_the_global_index_prints_as_everybody_writes_it() -> None:
    assert printed(GLOBAL_INDEX) == "blockIdx.x * blockDim.x + threadIdx.x"


def test_the_global_index_in_64_bits_needs_one_cast() -> None:
    wide = [ir.Cast(ir.Special(kind), int64) for kind in ("block", "block_dim", "thread")]
    text = printed(add(mul(wide[0], wide[1]), wide[2]))
    assert text == "(long long)blockIdx.x * blockDim.x + threadIdx.x"


def test_brackets_stand_only_where_c_or_a_reader_needs_them() -> None:
    total = ir.Binary("add", X, Y, float32)
    assert printed(ir.Binary("mul", total, X, float32), x=float32) == "(x[0] + x[1]) * x[0]"
    assert printed(ir.Binary("sub", X, total, float32), x=float32) == "x[0] - (x[0] + x[1])"
    assert printed(ir.Binary("add", total, X, float32), x=float32) == "x[0] + x[1] + x[0]"
    masked = ir.Binary("and", add(P, Q), const(7), int32)
    assert printed(masked, i=int32) == "(i[0] + i[1]) & 7"


def test_a_signed_sum_that_may_wrap_is_done_unsigned() -> None:
    assert printed(add(P, Q, nowrap=False), i=int32) == "(unsigned int)i[0] + i[1]"
    hashed = add(ir.Binary("mul", P, const(31), int32), const(-7), nowrap=False)
    assert printed(hashed, i=int32) == "i[0] * 31U - 7"


def test_a_wrapping_sum_under_a_comparison_is_converted_back() -> None:
    compared = less(add(P, Q, nowrap=False), const(0))
    assert printed(compared, i=int32) == "(int)((unsigned int)i[0] + i[1]) < 0"


@pytest.mark.parametrize(
    ("value", "dtype", "text"),
    [
        (5, int32, "5"),
        (-(2**31), int32, "-2147483647 - 1"),
        (7, uint32, "7U"),
        (2**40, int64, "1099511627776LL"),
        (2**63 + 1, dtypes.uint64, "9223372036854775809ULL"),
        (0.1, float64, "0.1"),
        (float(np.float32(0.1)), float32, "0.1f"),
        (2.0, float32, "2.0f"),
        (1e-30, float64, "1e-30"),
        (float("inf"), float32, "__uint_as_float(0x7f800000U)"),
        (True, dtypes.bool_, "true"),
    ],
)
def test_a_literal_has_exactly_its_type(value: Any, dtype: DType, text: str) -> None:
    assert printed(const(value, dtype)) == text


def test_a_constant_beside_64_bits_needs_no_suffix() -> None:
    wide = load("n", int64, 0)
    assert printed(add(wide, const(1, int64)), n=int64) == "n[0] + 1"
    both = add(const(1, int64), const(2, int64))
    assert printed(both) == "1LL + 2LL"


def test_comparing_a_thread_index_with_a_constant_needs_no_cast() -> None:
    assert printed(less(THREAD, const(16))) == "threadIdx.x < 16"
    assert printed(less(THREAD, P), i=int32) == "(int)threadIdx.x < i[0]"


def test_division_by_a_constant_is_plain_and_by_a_variable_guarded() -> None:
    assert printed(ir.Binary("quot", P, const(3), int32), i=int32) == "i[0] / 3"
    assert printed(ir.Binary("quot", P, Q, int32), i=int32) == "ax_quot_i32(i[0], i[1])"


def test_flooring_a_thread_index_is_plain_division() -> None:
    assert printed(ir.Binary("floordiv", THREAD, const(32), int32)) == "threadIdx.x / 32"
    assert printed(ir.Binary("mod", GLOBAL_INDEX, const(32), int32)).endswith("% 32")
    assert printed(ir.Binary("floordiv", P, const(2), int32), i=int32) == "ax_floordiv_i32(i[0], 2)"


def test_helpers_are_printed_only_when_used_and_before_their_users() -> None:
    text = emit(kernel([store("i", ir.Binary("floordiv", P, Q, int32))], {"i": int32})).text
    order = [text.index(f" ax_{name}_i32(") for name in ("quot", "rem", "floordiv")]
    assert order == sorted(order)
    assert "ax_" not in emit(kernel([store("i", P)], {"i": int32})).text


def test_fast_math_takes_the_fast_functions() -> None:
    k = kernel([store("x", ir.Call("exp", (X,), float32))], {"x": float32})
    assert "expf(x[0])" in emit(k).text
    k.fastmath = True
    assert "__expf(x[0])" in emit(k).text


def test_without_contraction_a_product_is_rounded_for_itself() -> None:
    product = ir.Binary("add", ir.Binary("mul", X, Y, float32), X, float32)
    k = kernel([store("x", product)], {"x": float32})
    assert "x[0] * x[1] + x[0]" in emit(k).text
    k.contract = False
    assert "__fmul_rn(x[0], x[1]) + x[0]" in emit(k).text


def test_half_precision_is_rounded_after_every_operation() -> None:
    x = load("h", dtypes.float16, 0)
    value = ir.Binary("mul", ir.Binary("add", x, const(1.0, dtypes.float16), x.type), x, x.type)
    assert printed(value, h=dtypes.float16) == "ax_to_f16(ax_to_f16(h[0] + 1.0f) * h[0])"


# ---------------------------------------------------------------------------- names and places


def test_names_that_c_or_cuda_has_taken_get_an_underscore() -> None:
    k = kernel(
        [assign("int", const(1)), assign("max", local("int"))],
        {"new": int32},
        {"int": int32, "max": int32},
    )
    assert body(k) == ["int int_ = 1;", "int max_ = int_;"]
    assert "int *new_" in emit(k).text


def test_names_python_allows_and_c_does_not_are_spelled_out() -> None:
    k = kernel([assign("α.1", const(1))], {}, {"α.1": int32}, name="<lambda>")
    assert body(k) == ["int u3b1_1 = 1;"]
    assert emit(k).entry == "_lambda_"


def test_a_kernel_named_like_a_function_of_cuda_is_renamed() -> None:
    assert emit(kernel([], {}, name="exp")).entry == "exp_"


def test_locals_and_parameters_of_one_name_stay_apart() -> None:
    k = kernel([assign("n", ir.ParamRef("n", int32))], {}, {"n": int32}, {"n": int32})
    assert body(k) == ["int n_1 = n;"]


def test_buffers_that_are_only_read_are_const() -> None:
    k = kernel([store("out", X)], {"out": float32, "x": float32})
    k.params[1].written = False
    assert "k(float *out, const float *x)" in emit(k).text


def test_a_local_is_declared_where_it_is_first_assigned() -> None:
    k = kernel([assign("a", const(1)), assign("a", add(local("a"), const(2)))], {}, {"a": int32})
    assert body(k) == ["int a = 1;", "a += 2;"]


def test_a_local_assigned_on_two_paths_is_declared_at_the_head() -> None:
    branch = ir.If(less(THREAD, const(3)), [assign("a", const(1))], [assign("a", const(2))])
    k = kernel([branch, store("out", local("a"))], {"out": int32}, {"a": int32})
    assert body(k)[0] == "int a;"


def test_a_local_of_one_branch_is_declared_there() -> None:
    branch = ir.If(less(THREAD, const(3)), [assign("a", const(1)), store("out", local("a"))])
    assert body(kernel([branch], {"out": int32}, {"a": int32}))[1] == "    int a = 1;"


def test_a_launch_bound_comes_from_the_block_or_the_users_word() -> None:
    k = kernel([], {})
    assert "__launch_bounds__" not in emit(k).text
    k.max_threads = 256
    assert "__launch_bounds__(256) k()" in emit(k).text
    k.block = (32, 4, 1)
    assert "__launch_bounds__(128) k()" in emit(k).text


def test_line_directives_follow_the_users_source() -> None:
    source = SourceFile('dir/my "kernel".py', "")
    k = kernel(
        [assign("a", const(1)), assign("b", const(2)), assign("c", const(3))],
        {},
        dict.fromkeys("abc", int32),
    )
    for s, line in zip(k.body, (10, 11, 20), strict=True):
        s.loc = Loc(source, line, 1)
    text = emit(k, lines=True).text.splitlines()[1:-1]
    name = '"dir/my \\"kernel\\".py"'
    assert text == [
        f"#line 10 {name}",
        "    int a = 1;",
        "    int b = 2;",
        f"#line 20 {name}",
        "    int c = 3;",
    ]


# ------------------------------------------------------------------------------------- memory


def test_global_arrays_are_flat_and_indexed_in_64_bits() -> None:
    stride = ir.ParamRef("x.stride0", int64)
    mem = ir.Mem("x", float32, "global", (ir.ParamRef("x.shape0", int64), 3), (stride, 1))
    k = kernel([ir.Store("x", (THREAD, const(2)), const(0.0, float32))], {"x": float32})
    k.mems["x"] = mem
    assert body(k) == ["x[threadIdx.x * x_stride0 + 2] = 0.0f;"]


def test_a_constant_stride_does_not_overflow_32_bits() -> None:
    mem = ir.Mem("x", float32, "global", (None,), (3,))
    k = kernel([store("x", const(0.0, float32), P)], {"x": float32, "i": int32})
    k.mems["x"] = mem
    assert body(k) == ["x[(long long)i[0] * 3] = 0.0f;"]


def test_shared_local_and_constant_arrays_keep_their_axes() -> None:
    k = kernel(
        [ir.Store("tile", (THREAD, const(1)), ir.Load("w", (const(0), const(1)), float32))],
        {"x": float32},
    )
    k.mems["tile"] = ir.Mem("tile", float32, "shared", (16, 17), (17, 1))
    k.mems["acc"] = ir.Mem("acc", int32, "local", (4,), (1,))
    k.mems["w"] = ir.Mem("w", float32, "const", (1, 2), (2, 1), (0.5, 1.5))
    assert body(k) == [
        "__shared__ float tile[16][17];",
        "int acc[4];",
        "tile[threadIdx.x][1] = w[0][1];",
    ]
    assert "__constant__ const float w[1][2] = {0.5f, 1.5f};" in emit(k).text
    assert emit(k).shared_bytes == 16 * 17 * 4


def test_large_constant_tables_go_to_global_memory() -> None:
    k = kernel([store("x", ir.Load("w", (THREAD,), float32))], {"x": float32})
    k.mems["w"] = ir.Mem("w", float32, "const", (20000,), (1,), (0.5,) * 20000)
    assert "\n__device__ const float w[20000] = {" in "\n" + emit(k).text


def test_too_much_static_shared_memory_is_refused_with_the_array_to_blame() -> None:
    k = kernel([], {})
    k.mems["a"] = ir.Mem("a", float32, "shared", (64,), (1,))
    loc = Loc(SourceFile("k.py", "tile = cuda.shared.array(...)"), 1, 8)
    k.mems["tile"] = ir.Mem("tile", float32, "shared", (128, 100), (100, 1), loc=loc)
    with pytest.raises(UnsupportedKernelError, match=r"k.py:1:8: .* take 51456 bytes; .* tile is"):
        emit(k)


def test_dynamic_shared_arrays_share_the_launchs_memory() -> None:
    k = kernel([store("a", const(1.0, float32)), store("b", const(2))], {})
    k.mems["a"] = ir.Mem("a", float32, "shared", (None,), (1,))
    k.mems["b"] = ir.Mem("b", int32, "shared", (None,), (1,))
    text = emit(k).text
    assert text.count("extern __shared__") == 1
    assert body(k)[0] == "float *const a = (float *)ax_dynamic_shared;"


def test_atomics_whose_result_nobody_wants_are_statements() -> None:
    k = kernel([ir.Atomic("add", "n", (const(0),), const(1))], {"n": int32})
    assert body(k) == ["atomicAdd(&n[0], 1);"]


def test_barriers_and_fences_have_cudas_names() -> None:
    k = kernel(
        [
            ir.Barrier(),
            ir.Barrier("count", less(THREAD, const(9)), "n"),
            ir.Barrier("warp"),
            ir.Fence("block"),
            ir.Fence("device"),
            ir.Fence("system"),
        ],
        {},
        {"n": int32},
    )
    assert body(k) == [
        "__syncthreads();",
        "int n = __syncthreads_count(threadIdx.x < 9);",
        "__syncwarp();",
        "__threadfence_block();",
        "__threadfence();",
        "__threadfence_system();",
    ]


def test_a_grid_barrier_says_what_it_needs() -> None:
    program = emit(kernel([ir.Barrier("grid")], {}))
    assert program.text.startswith("#include <cooperative_groups.h>\n")
    assert program.cooperative
    assert program.notes == (
        "waits for the whole grid: needs a cooperative launch, and CUDA's headers",
    )


def test_prints_become_printf() -> None:
    k = kernel([ir.Print(("100%", THREAD, const(1.5, float32), less(P, Q)))], {"i": int32})
    (line,) = body(k)
    assert line == (
        'printf("100%% %d %f %s\\n", (int)threadIdx.x, (double)1.5f, i[0] < i[1] ? "True" : "False");'
    )


def test_a_format_of_the_users_own_is_kept() -> None:
    k = kernel([ir.Print((const(3), "text"), format="%d of %s\n")], {})
    assert body(k) == ['printf("%d of %s\\n", 3, "text");']


def test_a_failed_assertion_names_its_place_and_traps() -> None:
    loc = Loc(SourceFile("k.py", ""), 7, 3)
    k = kernel([ir.Assert(less(P, const(5)), "i is {0}", (P,), loc=loc)], {"i": int32})
    lines = body(k)
    assert lines[0] == "if (!(i[0] < 5)) {"
    assert lines[1].startswith('    printf("k.py:7:3: i is %d\\n  in block (%u, %u, %u), thread')
    assert lines[2] == "    __trap();"


# -------------------------------------------------------------------------------- control flow


def test_an_exit_in_tail_position_leaves_no_trace() -> None:
    scope = ir.Scope("f", [assign("r", const(1)), ir.Exit("f")])
    assert body(kernel([scope], {}, {"r": int32})) == ["int r = 1;"]


def test_an_early_exit_becomes_an_else() -> None:
    early = ir.If(less(THREAD, const(3)), [assign("r", const(1)), ir.Exit("f")])
    scope = ir.Scope("f", [early, assign("r", const(2)), ir.Exit("f")])
    k = kernel([scope, store("out", local("r"))], {"out": int32}, {"r": int32})
    assert body(k) == [
        "int r;",
        "if (threadIdx.x < 3) {",
        "    r = 1;",
        "} else {",
        "    r = 2;",
        "}",
        "out[threadIdx.x] = r;",
    ]


def test_an_exit_out_of_a_loop_is_a_goto_past_the_scopes_brace() -> None:
    loop = ir.While(less(P, Q), [ir.Exit("f")])
    lines = body(kernel([ir.Scope("f", [loop, assign("r", const(1))])], {"i": int32}, {"r": int32}))
    assert "        goto f_end;" in lines
    assert lines[-2:] == ["}", "f_end:;"]


def test_a_counted_loop_prints_as_one() -> None:
    loop = ir.For(
        "i", const(0), ir.ParamRef("n", int32), const(1), [store("out", local("i"), local("i"))]
    )
    k = kernel([loop], {"out": int32}, {"i": int32}, {"n": int32})
    assert body(k)[0] == "for (int i = 0; i < n; ++i) {"


def test_a_grid_stride_loop_needs_no_test_of_the_sign() -> None:
    stride = mul(ir.Special("block_dim"), ir.Special("grid_dim"))
    loop = ir.For(
        "i", GLOBAL_INDEX, ir.ParamRef("n", int32), stride, [store("out", const(1), local("i"))]
    )
    k = kernel([loop], {"out": int32}, {"i": int32}, {"n": int32})
    assert body(k)[0] == (
        "for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += blockDim.x * gridDim.x) {"
    )


def _loops() -> dict[str, ir.Kernel]:
    """Kernels whose control flow C does not have as it is; each writes what it saw to ``out``."""
    n, i, s = local("n"), local("i"), local("s")
    count = assign("n", add(n, const(1)))
    record = store("out", i, n)
    start, stop, step = (load("p", int32, k) for k in range(3))
    every = {"n": int32, "i": int32, "s": int32}
    buffers = {"out": int32, "p": int32}
    any_step = [assign("n", const(0)), ir.For("i", start, stop, step, [record, count])]
    changing = [
        assign("n", const(0)),
        assign("s", const(5)),
        ir.For("i", const(0), s, const(1), [record, count, assign("s", add(s, const(1)))]),
    ]
    odd = ir.Compare("eq", ir.Binary("rem", i, const(2), int32), const(1))
    many_post: list[ir.Stmt] = [ir.If(less(i, const(100)), [assign("i", add(i, const(1)))])]
    post = [
        assign("n", const(0)),
        assign("i", const(0)),
        ir.While(less(i, const(9)), [ir.If(odd, [ir.Continue()]), record, count], many_post),
    ]
    simple_post = [
        assign("n", const(0)),
        assign("i", const(0)),
        ir.While(
            less(i, const(9)),
            [ir.If(odd, [ir.Continue()]), record, count],
            [assign("i", add(i, const(1)))],
        ),
    ]
    inner = ir.For("i", const(0), const(10), const(1), [
        ir.If(ir.Compare("eq", i, const(4)), [ir.Exit("found")]), record, count,
    ])  # fmt: skip
    leave = [assign("n", const(0)), ir.Scope("found", [inner, store("out", const(99), const(15))])]
    kept = [
        assign("n", const(0)),
        ir.For("i", const(0), const(6), const(1), [
            ir.If(ir.Compare("eq", i, const(2)), [assign("s", const(50))]),
            ir.If(ir.Compare("ge", i, const(2)), [store("out", add(s, i), n), count]),
        ]),
    ]  # fmt: skip
    bodies = {
        "any_step": any_step,
        "changing": changing,
        "post": post,
        "simple_post": simple_post,
        "leave": leave,
        "kept": kept,
    }
    return {name: kernel(stmts, buffers, every, name=name) for name, stmts in bodies.items()}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> HostPrograms:
    programs = {name: emit(k) for name, k in _loops().items()}
    return HostPrograms(programs, tmp_path_factory.mktemp("cuda"))


def _ran(host: HostPrograms, name: str, p: tuple[int, int, int] = (0, 0, 0)) -> list[int]:
    out = np.full(16, -1, np.int32)
    host.run(name, 1, 1, (out, np.array(p, np.int32)))
    return [v for v in out.tolist() if v != -1]


@needs_compiler
@pytest.mark.parametrize(
    "p", [(0, 5, 1), (0, 10, 3), (9, 0, -2), (3, 3, 1), (5, 2, 1), (-5, -1, 2)]
)
def test_a_loop_of_unknown_step_runs_as_pythons_range(
    host: HostPrograms, p: tuple[int, int, int]
) -> None:
    out = np.full(16, -77, np.int32)
    host.run("any_step", 1, 1, (out, np.array(p, np.int32)))
    assert [v for v in out.tolist() if v != -77] == list(range(*p))


@needs_compiler
def test_a_loops_bound_is_evaluated_once(host: HostPrograms) -> None:
    assert _ran(host, "changing") == [0, 1, 2, 3, 4]


@needs_compiler
@pytest.mark.parametrize("name", ["post", "simple_post"])
def test_continue_goes_to_the_post_statements(host: HostPrograms, name: str) -> None:
    assert _ran(host, name) == [0, 2, 4, 6, 8]


@needs_compiler
def test_leaving_a_scope_skips_its_rest(host: HostPrograms) -> None:
    assert _ran(host, "leave") == [0, 1, 2, 3]


@needs_compiler
def test_a_local_keeps_its_value_into_the_next_turn(host: HostPrograms) -> None:
    assert _ran(host, "kept") == [52, 53, 54, 55]


def test_the_program_tells_the_runtime_what_it_needs(tmp_path: Path) -> None:
    k = kernel([], {"x": float32}, scalars={"n": int64})
    program = emit(k)
    assert [p.name for p in program.params] == ["x", "n"]
    assert (program.entry, program.scratch_bytes, program.sites) == ("k", 0, ())


# --------------------------------------------------------------------------------- whole kernels

GOLDEN = (
    "vector_add-numba", "grid_stride-weak", "add_2d_strided-weak", "mandelbrot-numba",
    "block_sum-weak", "dot_dynamic-weak", "histogram_shared-weak", "extremes-weak",
    "count_positive-weak", "matmul_tiled_16-numba", "transpose_tiled-weak", "gemv-weak",
    "spmv_csr-weak", "gaussian_tiled-weak", "median_3x3-weak", "bitonic_block-weak", "compact-weak",
    "black_scholes-numba", "splitmix-weak", "bfs_claim-weak", "warp_compact-weak",
    "block_sum_shuffle-weak", "find-weak", "fnv_hash-numba", "softmax_rows-weak",
    "layer_norm-weak", "relu_half-weak", "to_polar-weak", "cube_roots-numba",
)  # fmt: skip


@pytest.mark.parametrize("name", GOLDEN)
def test_a_program_is_the_golden_one(golden: Golden, name: str) -> None:  # noqa: F811
    kernel = lifted(*PAIRS[IDS.index(name)])
    golden.check(f"cuda/{name}.cu", emit(kernel).text)
