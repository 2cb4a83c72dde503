"""Loads and stores: contiguous, strided, gathered, guarded, of every dtype and layout."""

from __future__ import annotations

import numpy as np
import pytest

from accelerx import cuda, dtypes
from accelerx.compiler import ir
from accelerx.dtypes import DTYPES, DType, bfloat16, uint8
from tests.support.host import CONFIGURATIONS, HostKernel, agree, bind, launch
from tests.support.kernels import kernel, load, store
from tests.support.lifted import lifted
from tests.support.views import CASES, Buffers, Case, at, view, viewing

int32, float32 = np.int32, np.float32
TABLE = np.arange(10, dtype=int32) * 3


def copies(x, y):
    i = cuda.grid(1)
    if i < x.shape[0]:
        y[i] = x[i]


def strided(x, y):
    i = cuda.grid(1)
    if 3 * i + 2 < x.shape[0]:
        y[i] = x[3 * i + 2] + x[i]


def backwards(x, y):
    i = cuda.grid(1)
    n = x.shape[0]
    if i < n:
        y[n - 1 - i] = x[i]


def indirect(p, x, y):
    i = cuda.grid(1)
    if i < p.shape[0]:
        y[p[i]] = x[p[p.shape[0] - 1 - i]]


def guarded_neighbours(x, y):
    i = cuda.grid(1)
    total = x[i]
    if i > 0:
        total += x[i - 1]
    if i < x.shape[0] - 1:
        total += x[i + 1]
    y[i] = total


def rows(x, y):
    i, j = cuda.grid(2)
    if i < x.shape[0] and j < x.shape[1]:
        y[j, i] = 2 * x[i, j]


def one_cell(x, y):
    """Many threads store to one place under a guard: the last one wins."""
    i = cuda.grid(1)
    if x[i] > 50:
        y[0] = i


def table(x, y):
    t = cuda.const.array_like(TABLE)
    i = cuda.grid(1)
    y[i] = t[x[i] % 10] + t[3]


def never(x, y):
    """A uniform load under a guard that no thread passes is not executed."""
    i = cuda.grid(1)
    if x[i] > 1000:
        y[i] = x[123456789]


def cut(dtype: DType, n: int = 100) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2 if dtype.is_bool else 100, n).astype(dtype.numpy)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_dtype(dtype: DType) -> None:
    x = cut(dtype)
    agree(copies, 2, 64, x, np.zeros_like(x), configurations=["auto", "scalar"])


@pytest.mark.parametrize("kernel", [strided, backwards, guarded_neighbours, one_cell, table])
def test_access_patterns(kernel) -> None:
    x = np.random.default_rng(0).integers(0, 100, 192).astype(int32)
    agree(kernel, 3, 64, x, np.zeros(192, int32))


def test_gather_and_scatter() -> None:
    p = np.random.default_rng(0).permutation(150).astype(int32)
    x = np.arange(150, dtype=float32)
    agree(indirect, 3, 64, p, x, np.zeros(150, float32))


@pytest.mark.parametrize("order", ["C", "F", "A"])
@pytest.mark.parametrize("block", [(16, 16), (32, 4), (5, 7)])
def test_layouts(order: str, block: tuple[int, int]) -> None:
    base = np.random.default_rng(0).random((40, 50)).astype(float32)
    x = base[::2, ::-1] if order == "A" else np.asarray(base, order=order)
    y = np.zeros((x.shape[1], x.shape[0]), float32)
    grid = (-(-x.shape[0] // block[0]), -(-x.shape[1] // block[1]))
    launch(lifted(rows, x, y), grid, block, [x, y])
    np.testing.assert_array_equal(y, 2 * x.T)


def test_an_unreached_load_is_not_executed() -> None:
    x = np.zeros(64, int32)
    y = np.zeros(64, int32)
    launch(lifted(never, x, y), 1, 64, [x, y])
    assert not y.any()


def test_a_subnormal_bfloat16_survives_being_moved() -> None:
    """A value that is only copied keeps its bits, whatever the host's bfloat instructions do."""
    k = kernel([store("x", ir.ParamRef("a", bfloat16))], {"x": bfloat16}, scalars={"a": bfloat16})
    x = np.zeros(40, bfloat16.numpy)
    tiny = 2.0**-133
    HostKernel(k, 40).run(1, {"x": x, "a": tiny})
    np.testing.assert_array_equal(x.view(np.uint16), 1)


def test_blocks_are_taken_from_a_range() -> None:
    """A worker runs the blocks it is given, at the right coordinates."""

    def where(y):
        i = cuda.blockIdx.x + cuda.gridDim.x * (cuda.blockIdx.y + cuda.gridDim.y * cuda.blockIdx.z)
        y[i] = cuda.blockIdx.x + 10 * cuda.blockIdx.y + 100 * cuda.blockIdx.z

    y = np.zeros(24, int32)
    k = lifted(where, y)
    HostKernel(k, 1).run((4, 3, 2), bind(k, [y]))
    expected = [x + 10 * b + 100 * c for c in range(2) for b in range(3) for x in range(4)]
    np.testing.assert_array_equal(y, expected)


# -------------------------------------------------------------------------------------------- views


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_view_is_its_roots_memory(case: Case, configuration: str) -> None:
    def run(k: ir.Kernel, buffers: Buffers) -> None:
        compiled = HostKernel(k, case.block, CONFIGURATIONS[configuration])
        compiled.run(case.grid, buffers, shared_bytes=case.shared_bytes)

    case.check(run)


@pytest.mark.parametrize("unit", [1, 2, 4, None])
def test_neighbours_in_bytes_are_loaded_and_stored_together(unit: int | None) -> None:
    """Floats at byte offsets of 4 are as contiguous as floats at indices of 1."""
    t = dtypes.float32
    scale = 1 if unit is None else 4 // unit
    k = kernel(
        [store("w", load("v", t, at(scale, 4 * scale)), at(scale))], {"p": uint8, "q": uint8}
    )
    k = viewing(k, view("v", "p", t, unit), view("w", "q", t, unit))
    text = HostKernel(k, 64).program.text
    assert "load <16 x float>" in text
    assert "store <16 x float>" in text
    assert "gather" not in text
    assert "scatter" not in text


def test_bytes_at_steps_of_words_are_gathered() -> None:
    k = viewing(kernel([store("q", load("v", uint8))], {"p": uint8, "q": uint8}),
                view("v", "p", uint8, 4))  # fmt: skip
    assert "getelementptr [4 x i8]" in HostKernel(k, 64).program.text
