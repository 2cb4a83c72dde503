"""How kernels are laid onto vectors: widths, jams, and loops that only scalar code can run."""

from __future__ import annotations

import numpy as np
import pytest

from accelerx import cuda, dtypes
from accelerx.compiler import ir
from accelerx.compiler.dialects.base import EmitOptions
from accelerx.compiler.llvm.plan import plan, spinning
from tests.support.kernels import THREAD, const, kernel, load, store
from tests.support.lifted import lifted

F32, F64 = dtypes.float32, dtypes.float64
Shape = tuple[int, int, int]


def copying(dtype: dtypes.DType) -> ir.Kernel:
    value = ir.Binary("add", load("x", dtype), load("x", dtype), dtype)
    return kernel([store("x", value)], {"x": dtype})


@pytest.mark.parametrize(
    ("dtype", "block", "lanes"),
    [
        (F32, (256, 1, 1), 16),
        (F64, (256, 1, 1), 8),
        (F32, (7, 1, 1), 8),
        (F32, (1, 1, 1), 1),
        (F32, (8, 8, 1), 8),
        (F32, (4, 64, 1), 4),
        (F32, (33, 1, 1), 16),
    ],
)
def test_width(dtype: dtypes.DType, block: Shape, lanes: int) -> None:
    assert plan(copying(dtype), block, EmitOptions()).geometry.width == lanes


def test_options_win() -> None:
    assert plan(copying(F32), (64, 1, 1), EmitOptions(lanes=4)).geometry.width == 4


def test_lockstep_takes_all_vectors() -> None:
    k = copying(F32)
    assert plan(k, (256, 1, 1), EmitOptions(mode="lockstep")).jam(k.body) == 16


def test_warp_operations_need_whole_warps() -> None:
    shuffle = ir.Warp("shfl_xor", (load("x", F32), const(1)), "v")
    k = kernel([shuffle, store("x", ir.Local("v", F32))], {"x": F32}, {"v": F32})
    decided = plan(k, (256, 1, 1), EmitOptions(lanes=8, jam=1, mode="regions"))
    assert decided.jam(k.body) * 8 == 32


def test_a_lock_is_seen() -> None:
    def locked(lock):
        while cuda.atomic.cas(lock, 0, 0, 1) != 0:
            pass
        cuda.atomic.exch(lock, 0, 0)

    k = lifted(locked, np.zeros(1, np.int32))
    assert isinstance(spinning(k.body), ir.While)
    assert plan(k, (64, 1, 1), EmitOptions()).geometry.width == 1


def test_a_retry_is_none() -> None:
    def retry(cell):
        old = cell[0]
        while True:
            seen = cuda.atomic.cas(cell, 0, old, old + 1)
            if seen == old:
                break
            old = seen

    assert spinning(lifted(retry, np.zeros(1, np.int32)).body) is None


def test_a_plain_loop_is_none() -> None:
    k = kernel([ir.While(ir.Compare("lt", THREAD, const(3)), [])], {"x": F32})
    assert spinning(k.body) is None
