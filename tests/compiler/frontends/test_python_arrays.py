"""Arrays in Python kernels: indexing, views, slices, negative indices, constants, on-chip memory."""

from __future__ import annotations

import numpy as np
import pytest

from accelerx import dtypes
from accelerx import lang as cuda
from accelerx.compiler import ir
from tests.support.lifted import lifted, run

MODES = ("weak", "numba")
TILE = 8
WEIGHTS = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32) / 16
COUNTS = np.array([3, 1, 2])


@pytest.fixture(params=MODES)
def mode(request):
    return request.param


def selects(kernel: ir.Kernel) -> int:
    """How many Selects a kernel has: those that wrap negative indices, where nothing else makes any."""
    return sum(
        isinstance(x, ir.Select)
        for s in ir.statements(kernel.body)
        for e in ir.expressions(s)
        for x in ir.walk(e)
    )


@pytest.mark.parametrize("order", ["C", "F", "A"])
def test_layouts(mode, order):
    def kernel(a, b):
        i, j = cuda.grid(2)
        if i < a.shape[0] and j < a.shape[1]:
            b[i, j] = a[i][j] + 10 * a[i, j]

    a = np.arange(48, dtype=np.float32).reshape(6, 8)
    a = {"C": a, "F": np.asfortranarray(a), "A": np.repeat(a, 2, 1)[:, ::2]}[order]
    b = np.zeros_like(a)
    run(kernel, (2, 2), (4, 4), a, b, literals=mode)
    np.testing.assert_array_equal(b, 11 * a)


def test_shape_size_ndim_len_dtype_strides(mode):
    def kernel(a, out):
        m, n = a.shape
        out[0], out[1], out[2] = m, n, a.ndim
        out[3] = a.size
        out[4] = len(a)
        out[5] = len(a[0])
        out[6] = a.T.shape[0]
        out[7] = a.strides[0]
        out[8] = a.itemsize
        out[9] = a.nbytes
        out[10] = a.dtype == np.float32

    a, out = np.zeros((3, 5), np.float32), np.zeros(11, np.int64)
    run(kernel, 1, 1, a, out, literals=mode)
    np.testing.assert_array_equal(out, [3, 5, 2, 15, 3, 5, 5, 20, 4, 60, 1])


def test_views_of_rows_columns_and_parts(mode):
    def kernel(a, out):
        i = cuda.threadIdx.x
        row = a[i]
        column = a[:, i]
        inner = a[1:-1, 2:5]
        out[i] = row[2] + column[3] + inner[1, 1] + inner.shape[0] * inner.shape[1]
        i += 1
        out[4] = row[0]

    a = np.arange(30, dtype=np.float32).reshape(5, 6)
    out = np.zeros(5, np.float32)
    run(kernel, 1, 4, a, out, literals=mode)
    expected = [a[i, 2] + a[3, i] + a[2, 3] + 9 for i in range(4)]
    np.testing.assert_array_equal(out[:4], expected)
    assert out[4] == a[3, 0]


@pytest.mark.parametrize(
    "bounds",
    [(1, 7, 2), (None, None, 3), (-5, -1, 1), (8, 2, -2), (None, None, -1), (2, 100, 1), (6, 2, 1)],
)
def test_slices_match_numpy(mode, bounds):
    start, stop, step = bounds

    def kernel(x, out):
        part = x[start:stop:step]
        out[0] = len(part)
        for k, v in enumerate(part):
            out[k + 1] = v

    x, out = np.arange(10, dtype=np.int32), np.zeros(12, np.int32)
    run(kernel, 1, 1, x, out, literals=mode)
    expected = x[start:stop:step]
    assert out[0] == len(expected)
    np.testing.assert_array_equal(out[1 : 1 + len(expected)], expected)


@pytest.mark.parametrize("bounds", [(1, 7), (-3, 100), (-100, 4), (7, 3)])
def test_slices_with_bounds_known_at_launch(mode, bounds):
    def kernel(x, out, start, stop):
        part = x[start:stop]
        out[0] = part.size
        if part.size > 1:
            out[1] = part[1]

    x, out = np.arange(10, dtype=np.int32), np.zeros(2, np.int32)
    run(kernel, 1, 1, x, out, *bounds, literals=mode)
    expected = x[slice(*bounds)]
    assert out[0] == expected.size
    assert out[1] == (expected[1] if expected.size > 1 else 0)


def test_slice_of_a_slice(mode):
    def kernel(a, out):
        block = a[2:8, 1::2][1:, ::-1]
        for i in range(block.shape[0]):
            for j in range(block.shape[1]):
                out[i, j] = block[i, j]

    a = np.arange(80, dtype=np.int32).reshape(10, 8)
    expected = a[2:8, 1::2][1:, ::-1]
    out = np.zeros(expected.shape, np.int32)
    run(kernel, 1, 1, a, out, literals=mode)
    np.testing.assert_array_equal(out, expected)


def test_slices_can_be_stored_to(mode):
    def kernel(a, b):
        i = cuda.threadIdx.x
        a[i, 1:] = i
        a[i, 0] = -1
        b[:, i] = a[i]

    a, b = np.zeros((4, 5), np.int32), np.zeros((5, 4), np.int32)
    run(kernel, 1, 4, a, b, literals=mode)
    expected = np.repeat(np.arange(4), 5).reshape(4, 5)
    expected[:, 0] = -1
    np.testing.assert_array_equal(a, expected)
    np.testing.assert_array_equal(b, expected.T)


def test_negative_constants_count_from_the_end(mode):
    def kernel(a, out):
        out[-1] = a[-1, -2]

    a, out = np.arange(12, dtype=np.int32).reshape(3, 4), np.zeros(3, np.int32)
    run(kernel, 1, 1, a, out, literals=mode)
    np.testing.assert_array_equal(out, [0, 0, 10])


def test_negative_variables_count_from_the_end_as_in_numba():
    def kernel(x, out, shift):
        i = cuda.grid(1)
        out[i] = x[i - shift]

    x, out = np.arange(8, dtype=np.int32), np.zeros(8, np.int32)
    kernel = run(kernel, 1, 8, x, out, 3, literals="numba")
    np.testing.assert_array_equal(out, x[np.arange(8) - 3])
    assert selects(kernel) == 1


def test_indices_proven_non_negative_are_not_wrapped():
    def kernel(a, x, out, n):
        i, j = cuda.grid(2)
        stride = cuda.gridsize(1)
        if i < 1 or i >= a.shape[0] - 1:
            return
        if 0 < j < a.shape[1] - 1:
            out[i, j] = a[i - 1, j - 1] + a[i + 1, j + 1] + a[i * 2 // 3, (i + j) % 4]
            out[i, j] += x[cuda.threadIdx.x + TILE * cuda.blockIdx.x]
        for k in range(2, n):
            out[i, k] = a[i, k - 2] + a[i, k >> 1] + x[k & 7]
        for k in range(n - 1, -1, -1):
            out[i, k] = a[a.shape[0] - 1 - i, k]
        k = i
        while k < n:
            out[k, 0] = x[min(k, n)] + x[max(k - 1, 0)]
            k += stride
        w = cuda.blockDim.x
        while w > 0:
            out[i, w] = 0
            w //= 2

    a = np.zeros((4, 4), np.float32)
    kernel = lifted(kernel, a, np.zeros(4, np.float32), a, 4, literals="numba")
    assert selects(kernel) == 0


def test_indices_not_proven_non_negative_are_wrapped():
    def kernel(a, x, n):
        i = cuda.grid(1)
        if i > 0:
            x[i - 2] = 1
        j = i - n
        x[j] = 2
        for k in range(n):
            x[k - 1] = 3
        s = i
        while s < n:
            s = s * 1103515245 + 12345
            x[s >> 3] = 4
        x[a[i]] = 5

    kernel = lifted(kernel, np.zeros(4, np.int32), np.zeros(4, np.float32), 4, literals="numba")
    assert selects(kernel) == 5


def test_unsigned_indices_are_not_wrapped():
    def kernel(a, x):
        x[a[cuda.grid(1)]] = 1

    kernel = lifted(kernel, np.zeros(4, np.uint32), np.zeros(4, np.float32), literals="numba")
    assert selects(kernel) == 0


def test_index_read_from_memory_is_read_once():
    def kernel(a, x):
        x[a[cuda.grid(1)]] += 1

    for mode in MODES:
        kernel = lifted(
            kernel_ := kernel, np.zeros(4, np.int32), np.zeros(4, np.float32), literals=mode
        )
        loads = [
            x
            for s in ir.statements(kernel.body)
            for e in ir.expressions(s)
            for x in ir.walk(e)
            if isinstance(x, ir.Load) and x.mem == "a"
        ]
        assert len(loads) == 1
        kernel = kernel_


def test_constant_arrays_from_outside(mode):
    limits = np.array([10, 20, 30, 40], np.int16)

    def kernel(a, out):
        i = cuda.threadIdx.x + 1
        total = 0.0
        for p in range(3):
            for q in range(3):
                total += WEIGHTS[p, q] * a[i + p - 1, q]
        local = cuda.const.array_like(COUNTS)
        out[i] = total + limits[i - 1] + local[-1]

    a, out = np.arange(18, dtype=np.float32).reshape(6, 3), np.zeros(6, np.float32)
    kernel = run(kernel, 1, 4, a, out, literals=mode)
    expected = [(WEIGHTS * a[i - 1 : i + 2]).sum() + limits[i - 1] + 2 for i in range(1, 5)]
    np.testing.assert_allclose(out[1:5], expected, rtol=1e-6)
    assert {m.name for m in kernel.mems.values() if m.space == "const"} == {
        "WEIGHTS",
        "COUNTS",
        "limits",
    }


def test_shared_and_local_arrays(mode):
    def kernel(a, out):
        tile = cuda.shared.array((TILE, TILE + 1), dtype=np.float32)
        mine = cuda.local.array(shape=TILE, dtype="int32")
        x, y = cuda.threadIdx.x, cuda.threadIdx.y
        for k in range(TILE):
            mine[k] = k * x
        tile[y, x] = a[y, x]
        cuda.syncthreads()
        out[x, y] = tile[x, y] + mine[y]

    a, out = np.random.default_rng(0).random((8, 8), np.float32), np.zeros((8, 8), np.float32)
    kernel = run(kernel, 1, (8, 8), a, out, literals=mode)
    np.testing.assert_array_equal(out, a + np.outer(np.arange(8), np.arange(8)).astype(np.float32))
    assert kernel.mems["tile"].shape == (8, 9)
    assert kernel.mems["tile"].space == "shared"
    assert kernel.mems["mine"].dtype is dtypes.int32


def test_dynamic_shared_memory(mode):
    def kernel(x, out):
        sm = cuda.shared.array(0, dtype=dtypes.int32)
        upper = sm[8:16]
        t = cuda.threadIdx.x
        sm[t] = x[t]
        cuda.syncthreads()
        if t < 8:
            out[t] = upper[t]
        else:
            out[t] = sm[t - 8]

    x, out = np.arange(16, dtype=np.int32), np.zeros(16, np.int32)
    kernel = run(kernel, 1, 16, x, out, literals=mode, shared_bytes=64)
    np.testing.assert_array_equal(out, np.roll(x, 8))
    assert kernel.mems["sm"].shape == (None,)


def test_array_of_no_axes(mode):
    def kernel(x, out):
        out[()] = x[()] + 1

    x, out = np.array(3, np.int32), np.array(0, np.int32)
    run(kernel, 1, 1, x, out, literals=mode)
    assert out == 4


def test_transposed_view(mode):
    def kernel(a, out):
        i, j = cuda.grid(2)
        t = a.T
        if i < t.shape[0] and j < t.shape[1]:
            out[i, j] = t[i, j]

    a = np.arange(12, dtype=np.int32).reshape(3, 4)
    out = np.zeros((4, 3), np.int32)
    run(kernel, 1, (4, 4), a, out, literals=mode)
    np.testing.assert_array_equal(out, a.T)


def test_only_written_buffers_are_marked(mode):
    def kernel(x, y, z):
        y[0] = x[0]
        cuda.atomic.add(z, 0, 1)

    kernel = lifted(kernel, *(np.zeros(1, np.int32) for _ in range(3)), literals=mode)
    assert [p.written for p in kernel.params if p.kind == "buffer"] == [False, True, True]


def test_index_arithmetic_cannot_wrap_but_hashes_can(mode):
    def kernel(a, out, n, m):
        i = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
        h = i
        for _ in range(4):
            h = h * 33 + 7
        g = (i * 1103515245 + 12345) & 0x7FFF
        out[i * n + m] = h
        out[i] = g + a[i] * 3

    kernel = lifted(kernel, *(np.zeros(4, np.int32) for _ in range(2)), 3, 1, literals=mode)
    products = {}
    for s in ir.statements(kernel.body):
        for e in ir.expressions(s):
            for x in ir.walk(e):
                if isinstance(x, ir.Binary) and x.op == "mul":
                    other = x.right
                    name = other.value if isinstance(other, ir.Const) else type(other).__name__
                    products[name] = x.nowrap
    assert products[33] is False
    assert products[1103515245] is False
    assert products[3] is False
    assert products["ParamRef"] is True


@pytest.mark.parametrize(
    "bounds", [(1, None, -1), (3, 1, -1), (None, None, 2), (2, None, 1), (0, 4, 3)]
)
def test_slices_of_dynamic_shared_memory(mode, bounds):
    start, stop, step = bounds

    def kernel(out):
        sm = cuda.shared.array(0, dtype=np.int32)
        for k in range(6):
            sm[k] = k
        part = sm[start:stop:step]
        out[0] = part[0]
        out[1] = part[1]

    out = np.zeros(2, np.int32)
    run(kernel, 1, 1, out, literals=mode, shared_bytes=24)
    np.testing.assert_array_equal(out, np.arange(6)[start:stop:step][:2])
