"""Statements and control flow of Python kernels, run in the interpreter against NumPy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from accelerx import lang as cuda
from accelerx.compiler import ir
from accelerx.errors import KernelAssertionError
from tests.support.lifted import lifted, run

MODES = ("weak", "numba")
SCALE = 3
TABLE = (2, 3, 5, 7)
DEBUG = False


@pytest.fixture(params=MODES)
def mode(request):
    return request.param


def ints(n=16):
    return np.zeros(n, np.int32)


def test_if_elif_else(mode):
    def kernel(out):
        i = cuda.grid(1)
        if i < 4:
            out[i] = 1
        elif i < 8:
            out[i] = 2
        else:
            out[i] = 3

    out = ints()
    run(kernel, 1, 16, out, literals=mode)
    np.testing.assert_array_equal(out, [1] * 4 + [2] * 4 + [3] * 8)


def test_early_return(mode):
    def kernel(out, n):
        i = cuda.grid(1)
        if i >= n:
            return
        out[i] = i * SCALE

    out = ints()
    run(kernel, 2, 16, out, 10, literals=mode)
    np.testing.assert_array_equal(out[:10], np.arange(10) * 3)
    assert not out[10:].any()


def test_while_break_continue(mode):
    def kernel(out):
        i = cuda.grid(1)
        n = 0
        total = 0
        while True:
            n += 1
            if n % 2 == 0:
                continue
            if n > i:
                break
            total += n
        out[i] = total

    out = ints()
    run(kernel, 1, 16, out, literals=mode)
    np.testing.assert_array_equal(
        out, [sum(n for n in range(1, i + 1) if n % 2) for i in range(16)]
    )


def test_while_else(mode):
    def kernel(out):
        i = cuda.grid(1)
        n = 0
        while n < 8:
            if n == i:
                out[i] = 100 + n
                break
            n += 1
        else:
            out[i] = n
        out[i] += 1

    out = ints()
    run(kernel, 1, 16, out, literals=mode)
    np.testing.assert_array_equal(out, [101 + i if i < 8 else 9 for i in range(16)])


def test_for_else(mode):
    def kernel(out):
        i = cuda.grid(1)
        for n in range(8):
            if n == i:
                break
        else:
            out[i] = -1
            return
        out[i] = n

    out = ints()
    run(kernel, 1, 16, out, literals=mode)
    np.testing.assert_array_equal(out, [i if i < 8 else -1 for i in range(16)])


@pytest.mark.parametrize(
    "bounds", [(7, 0, 1), (2, 9, 3), (9, 2, -1), (9, 1, -3), (3, 3, 1), (5, 2, 1)]
)
def test_range_with_any_bounds(mode, bounds):
    start, stop, step = bounds

    def kernel(out):
        k = 0
        for i in range(start, stop, step):
            out[k] = i
            k += 1
        out[15] = k

    out = ints()
    run(kernel, 1, 1, out, literals=mode)
    expected = list(range(start, stop, step))
    np.testing.assert_array_equal(out[: len(expected)], expected)
    assert out[15] == len(expected)


def test_range_with_steps_of_unknown_sign(mode):
    def kernel(out, start, stop, step):
        k = 0
        for i in range(start, stop, step):
            out[k] = i
            k += 1  # noqa: SIM113

    out = ints(4)
    run(kernel, 1, 1, out, 9, 1, -2, literals=mode)
    np.testing.assert_array_equal(out, [9, 7, 5, 3])
    run(kernel, 1, 1, out, 1, 9, 2, literals=mode)
    np.testing.assert_array_equal(out, [1, 3, 5, 7])


def test_plain_loop_variable_is_the_counter(mode):
    def kernel(out):
        for i in range(4):
            out[i] = i

    kernel = lifted(kernel, ints(), literals=mode)
    (loop,) = [s for s in kernel.body if isinstance(s, ir.For)]
    assert loop.target == "i"
    assert len(loop.body) == 1


def test_loop_variable_assigned_in_the_body(mode):
    def kernel(out):
        for i in range(4):
            i = i * 2
            out[i] = i + 1

    out = ints(8)
    run(kernel, 1, 1, out, literals=mode)
    np.testing.assert_array_equal(out, [1, 0, 3, 0, 5, 0, 7, 0])


def test_loop_variable_read_after_the_loop(mode):
    def kernel(out, n):
        i = 100
        for i in range(n):
            if i == 5:
                break
        out[0] = i

    out = ints(1)
    for n, expected in ((10, 5), (3, 2), (0, 100)):
        run(kernel, 1, 1, out, n, literals=mode)
        assert out[0] == expected


def test_loop_variable_reused_by_nested_loops(mode):
    def kernel(out):
        total = 0
        for i in range(3):
            for i in range(4):
                total += i
            total += 10 * i
        out[0] = total

    out = ints(1)
    run(kernel, 1, 1, out, literals=mode)
    assert out[0] == 3 * (6 + 30)


def test_reversed_range(mode):
    def kernel(out, n):
        k = 0
        for i in reversed(range(1, n, 3)):
            out[k] = i
            k += 1  # noqa: SIM113

    out = ints(4)
    run(kernel, 1, 1, out, 11, literals=mode)
    np.testing.assert_array_equal(out, [10, 7, 4, 1])


def test_enumerate_and_zip_over_arrays(mode):
    def kernel(x, y, out):
        for k, v in enumerate(x):
            out[k] = v
        for k, (a, b) in enumerate(zip(x, y), 8):  # noqa: B905
            out[k] = a * b
        for a, k in zip(y, range(12, 16)):  # noqa: B905
            out[k] = a

    x, y, out = np.arange(1, 6, dtype=np.int32), np.arange(3, 7, dtype=np.int32), ints()
    run(kernel, 1, 1, x, y, out, literals=mode)
    np.testing.assert_array_equal(out[:5], x)
    np.testing.assert_array_equal(out[8:12], x[:4] * y)
    np.testing.assert_array_equal(out[12:], y)


def test_for_over_a_tuple_with_break_and_continue(mode):
    def kernel(out):
        i = cuda.grid(1)
        total = 0
        for p in TABLE:
            if p == 3:
                continue
            if p > i:
                break
            total += p
        else:
            total += 100
        out[i] = total

    out = ints()
    run(kernel, 1, 16, out, literals=mode)
    expected = []
    for i in range(16):
        total = 0
        for p in TABLE:
            if p == 3:
                continue
            if p > i:
                break
            total += p
        else:
            total += 100
        expected.append(total)
    np.testing.assert_array_equal(out, expected)


def test_for_over_the_rows_of_an_array(mode):
    def kernel(a, out):
        for k, row in enumerate(a):
            for v in row:
                out[k] += v

    a, out = np.arange(12, dtype=np.float32).reshape(3, 4), np.zeros(3, np.float32)
    run(kernel, 1, 1, a, out, literals=mode)
    np.testing.assert_array_equal(out, a.sum(1))


def test_tuples_are_built_unpacked_indexed_and_swapped(mode):
    def kernel(out):
        a, b = 1, 2
        a, b = b, a
        t = (a, b, a + b)
        t = (*t, 7)
        (p, q), r = t[:2], t[-1]
        out[0], out[1] = p, q
        out[2] = t[2] + r
        out[0], out[1] = out[1], out[0]
        out[3] = len(t)

    out = ints(4)
    run(kernel, 1, 1, out, literals=mode)
    np.testing.assert_array_equal(out, [1, 2, 10, 4])


def test_tuple_variables_change_in_loops(mode):
    def kernel(out, n):
        f = (0, 1)
        for _ in range(n):
            f = (f[1], f[0] + f[1])
        out[0] = f[0]

    out = ints(1)
    run(kernel, 1, 1, out, 20, literals=mode)
    assert out[0] == 6765


def test_tuple_indexed_by_a_variable(mode):
    def kernel(out):
        i = cuda.grid(1)
        out[i] = TABLE[i % 4]
        out[i] += TABLE[-1 - i % 4]

    out = ints()
    run(kernel, 1, 16, out, literals=mode)
    np.testing.assert_array_equal(out, [TABLE[i % 4] + TABLE[-1 - i % 4] for i in range(16)])


def test_tuple_argument(mode):
    def kernel(pair, out):
        (x, y), k = pair
        out[0] = x[0] + y[1] * k

    x = np.array([3, 4], np.int32)
    out = ints(1)
    run(kernel, 1, 1, ((x, x + 1), 2), out, literals=mode)
    assert out[0] == 3 + 5 * 2


def test_variable_carried_from_the_trip_before(mode):
    def kernel(x, out):
        for i in range(8):
            if i > 0:
                out[i] = x[i] - last  # noqa: F821
            last = x[i]
        out[0] = last

    x, out = np.arange(8, dtype=np.float32) ** 2, np.zeros(8, np.float32)
    run(kernel, 1, 1, x, out, literals=mode)
    np.testing.assert_array_equal(out[1:], np.diff(x))
    assert out[0] == x[-1]


def test_variable_first_assigned_in_a_loop_is_read_after_it(mode):
    def kernel(x, out):
        i = 0
        while i < 8:
            last = x[i]
            i += 1
        out[0] = last

    x, out = np.arange(8, dtype=np.float32), np.zeros(1, np.float32)
    run(kernel, 1, 1, x, out, literals=mode)
    assert out[0] == 7


def test_chained_comparison_reads_the_middle_once(mode):
    def kernel(x, out):
        i = cuda.grid(1)
        if 2 <= x[i] < 5 <= i:
            out[i] = 1

    x, out = np.arange(16, dtype=np.int32) % 8, ints()
    run(kernel, 1, 16, x, out, literals=mode)
    i = np.arange(16)
    np.testing.assert_array_equal(out, (x >= 2) & (x < 5) & (i >= 5))


def test_and_guards_the_load_behind_it(mode):
    def kernel(x, out):
        i = cuda.grid(1)
        if i < x.shape[0] and x[i] > 2:
            out[i] = 1
        out[i] += 1 if i >= x.size or x[i] == 0 else 0

    x, out = np.arange(10, dtype=np.int32) % 5, ints()
    kernel = run(kernel, 1, 16, x, out, literals=mode)
    expected = ints()
    expected[:10] = x > 2
    expected[10:] += 1
    expected[:10] += x == 0
    np.testing.assert_array_equal(out, expected)
    assert not any(
        isinstance(e, ir.Logical | ir.Select) and any(isinstance(o, ir.Load) for o in ir.walk(e))
        for s in ir.statements(kernel.body)
        for e in ir.expressions(s)
    )


def test_and_or_give_their_operands(mode):
    def kernel(out):
        i = cuda.grid(1)
        out[i] = (i % 4 or 9) + (i and 100)
        out[i] += 1000 * (not i)

    out = ints()
    run(kernel, 1, 16, out, literals=mode)
    np.testing.assert_array_equal(
        out, [(i % 4 or 9) + (i and 100) + 1000 * (not i) for i in range(16)]
    )


def test_conditional_expression_guards_its_loads(mode):
    def kernel(x, out):
        i = cuda.grid(1)
        out[i] = x[i] if i < x.size else -1

    x, out = np.arange(10, dtype=np.int32), ints()
    run(kernel, 1, 16, x, out, literals=mode)
    np.testing.assert_array_equal(out, [*range(10), *[-1] * 6])


def test_while_condition_with_a_guarded_load(mode):
    def kernel(x, out):
        i = 0
        while i < x.size and x[i] < 5:
            i += 1
        out[0] = i

    out = ints(1)
    run(kernel, 1, 1, np.arange(8, dtype=np.int32), out, literals=mode)
    assert out[0] == 5
    run(kernel, 1, 1, np.zeros(8, np.int32), out, literals=mode)
    assert out[0] == 8


def test_augmented_assignment_of_every_operator(mode):
    def kernel(out):
        out[0] += 5
        out[1] -= 5
        out[2] *= 5
        out[3] //= 3
        out[4] %= 3
        out[5] **= 2
        out[6] &= 3
        out[7] |= 3
        out[8] ^= 3
        out[9] <<= 2
        out[10] >>= 1

    out = np.full(11, -7, np.int32)
    run(kernel, 1, 1, out, literals=mode)
    v = -7
    np.testing.assert_array_equal(
        out, [v + 5, v - 5, v * 5, v // 3, v % 3, v**2, v & 3, v | 3, v ^ 3, v << 2, v >> 1]
    )


def test_constant_condition_lifts_one_branch_only(mode):
    def kernel(out, mask):
        if DEBUG:
            out[0] = undefined_name  # noqa: F821
        if mask is not None:
            out[0] = 1

    kernel = lifted(kernel, ints(), ints(), literals=mode)
    assert not ir.contains(kernel.body, ir.If)


def test_chained_assignment_and_annotation(mode):
    def kernel(out):
        a: int = 3
        b = c = a + cuda.threadIdx.x
        out[0] = b
        out[1] = c

    out = ints(2)
    run(kernel, 1, 1, out, literals=mode)
    np.testing.assert_array_equal(out, [3, 3])


def test_types_change_per_assignment(mode):
    def kernel(x, out):
        i = cuda.grid(1)
        v = x[i]
        out[i] = v
        v = i
        out[v] += v

    x, out = np.arange(16, dtype=np.float32) / 4, np.zeros(16, np.float32)
    run(kernel, 1, 16, x, out, literals=mode)
    np.testing.assert_array_equal(out, x + np.arange(16))


def test_paths_of_different_types_join(mode):
    def kernel(out):
        i = cuda.grid(1)
        if i % 2:
            v = i
        else:
            v = 0.5
        out[i] = v

    out = np.zeros(8, np.float32)
    run(kernel, 1, 8, out, literals=mode)
    np.testing.assert_array_equal(out, [i if i % 2 else 0.5 for i in range(8)])


def test_integer_accumulator_becomes_float(mode):
    def kernel(x, out):
        acc = 0
        for v in x:
            acc += v
        out[0] = acc

    x, out = np.full(8, 0.25, np.float32), np.zeros(1, np.float32)
    run(kernel, 1, 1, x, out, literals=mode)
    assert out[0] == 2


def test_unread_variables_leave_no_code(mode):
    def kernel(out):
        n = 16
        unused = n * cuda.threadIdx.x
        del_me = unused + 1  # noqa: F841
        out[0] = n

    kernel = lifted(kernel, ints(), literals=mode)
    assert [type(s) for s in kernel.body] == [ir.Store]
    assert not kernel.locals


def test_code_behind_a_return_is_not_lifted(mode):
    def kernel(out):
        out[0] = 1
        return
        out[0] = nonsense  # noqa: F821

    assert len(lifted(kernel, ints(), literals=mode).body) == 1


def test_raise_and_assert_become_checks(mode):
    def kernel(x, out):
        i = cuda.grid(1)
        assert i < 16, "too many threads"
        if x[i] < 0:
            raise ValueError("negative input")
        out[i] = x[i]

    kernel = lifted(kernel, ints(), ints(), literals=mode)
    checks = [s for s in ir.statements(kernel.body) if isinstance(s, ir.Assert)]
    assert [c.message for c in checks] == ["too many threads", "ValueError: negative input"]


def test_print_takes_strings_and_numbers(mode):
    def kernel(x):
        print("x is", x[0], "here", cuda.threadIdx.x)

    (line,) = lifted(kernel, ints(), literals=mode).body
    assert isinstance(line, ir.Print)
    assert line.parts[0] == "x is"
    assert line.parts[2] == "here"


def test_places_are_those_in_the_file(mode):
    def kernel(out):
        out[0] = 1 + cuda.threadIdx.x

    kernel_ir = lifted(kernel, ints(), literals=mode)
    (store,) = kernel_ir.body
    assert store.loc is not None
    assert store.loc.line == kernel.__code__.co_firstlineno + 1
    assert store.loc.column == 9
    assert store.loc.source.name == __file__


class Point(NamedTuple):
    x: float
    y: float


ORIGIN = Point(3, 4)


def test_named_tuples(mode):
    def kernel(out, p):
        i = cuda.grid(1)
        q = Point(y=p.x, x=i)
        out[i] = q.x + 10 * q.y + 100 * ORIGIN.y
        x, y = q
        out[i] += x - y

    out = ints(4)
    run(kernel, 1, 4, out, Point(7, 8), literals=mode)
    i = np.arange(4)
    np.testing.assert_array_equal(out, i + 70 + 400 + i - 7)


def test_strict_zip_checks_the_lengths(mode):
    def kernel(x, y, out):
        for k, (a, b) in enumerate(zip(x, y, strict=True)):
            out[k] = a + b

    x, out = np.arange(4, dtype=np.int32), ints(4)
    run(kernel, 1, 1, x, x, out, literals=mode)
    np.testing.assert_array_equal(out, 2 * x)
    with pytest.raises(KernelAssertionError, match=r"zip\(strict=True\) of 4 and 3 items"):
        run(kernel, 1, 1, x, x[:3], out, literals=mode)
