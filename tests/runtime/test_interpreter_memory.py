"""The interpreter's memories: views of other arrays, their bounds and their alignment."""

from __future__ import annotations

import numpy as np
import pytest

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.errors import KernelAssertionError
from accelerx.runtime.interpreter import Interpreter
from tests.support.kernels import THREAD, const, kernel, load, store
from tests.support.views import CASES, Buffers, Case, at, view, viewing

u8, f32, f64, i32 = dtypes.uint8, dtypes.float32, dtypes.float64, dtypes.int32


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_view_is_its_roots_memory(case: Case) -> None:
    def run(k: ir.Kernel, buffers: Buffers) -> None:
        arguments = {name: (a, 0) for name, a in buffers.items()}
        Interpreter(k).run((case.grid,), (case.block,), case.shared_bytes, arguments)

    case.check(run)


def _run(k: ir.Kernel, threads: int, **buffers: object) -> None:
    Interpreter(k).run((1,), (threads,), 0, buffers)


def test_element_zero_of_a_view_is_the_buffers() -> None:
    data = np.arange(8, dtype=np.float32)
    k = viewing(kernel([store("out", load("v", f32, at(4, -4)))], {"p": u8, "out": f32}),
                view("v", "p", f32, 1))  # fmt: skip
    out = np.zeros(3, np.float32)
    _run(k, 3, p=(data.view("u1"), 16), out=(out, 0))
    assert out.tolist() == [3.0, 4.0, 5.0]


def test_blocks_have_their_own_copy_of_an_odd_sized_arena() -> None:
    arena = ir.Mem("arena", u8, "shared", (13,), (1,))
    block = ir.Special("block")
    k = kernel(
        [
            store("v", ir.Cast(block, f64), 0),
            store("out", load("v", f64, 0), block),
        ],
        {"out": f64},
    )
    k = viewing(k, arena, view("v", "arena", f64, 1, "shared"))
    out = np.full(5, -1.0)
    Interpreter(k).run((5,), (1,), 0, {"out": (out, 0)})
    assert out.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("index", [-1, 5, 6])
def test_an_element_that_reaches_out_of_the_memory_is_refused(index: int) -> None:
    k = viewing(kernel([store("out", load("v", f32, index), 0)], {"p": u8, "out": f32}),
                view("v", "p", f32, 1))  # fmt: skip
    with pytest.raises(KernelAssertionError, match=rf"v\[{index}\] is out of bounds.* elements 0 "):
        _run(k, 1, p=(np.zeros(8, np.uint8), 0), out=(np.zeros(1, np.float32), 0))


def test_a_misaligned_access_is_refused_with_its_thread() -> None:
    k = viewing(kernel([store("v", const(1.0, f32), at(5, 8))], {"p": u8}),
                view("v", "p", f32, 1))  # fmt: skip
    message = r"v\[13\] is misaligned: .* 4 bytes of a float32 .*thread \(1, 0, 0\)"
    with pytest.raises(KernelAssertionError, match=message):
        _run(k, 4, p=(np.zeros(64, np.uint8), 0))


def test_a_buffer_that_begins_at_an_odd_address_has_no_aligned_floats() -> None:
    bytes_ = np.zeros(64, np.uint8)[1:]
    k = viewing(kernel([store("v", const(1.0, f32), 2)], {"p": u8}), view("v", "p", f32))
    with pytest.raises(KernelAssertionError, match=r"v\[2\] is misaligned"):
        _run(k, 4, p=(bytes_, 0))


def test_a_wait_sees_what_another_thread_stores_through_a_view() -> None:
    """A store that only a view makes is progress, or the wait would be taken to be endless."""
    seen = ir.Compare("lt", load("p", i32, 0), const(1000))
    counted = ir.Atomic("add", "v", (const(0),), const(1, dtypes.uint32))
    k = kernel([ir.While(seen, [counted])], {"p": i32})
    k = viewing(k, view("v", "p", dtypes.uint32))
    p = np.zeros(1, np.int32)
    Interpreter(k).run((1,), (1,), 0, {"p": (p, 0)})
    assert p[0] == 1000


def test_blocks_that_wait_on_a_view_run_one_after_the_other() -> None:
    """The flag is an int in a buffer of bytes; block 1 waits until block 0 has set it."""
    waits = ir.Compare("eq", load("flag", i32, 0), ir.Special("block"))
    block = ir.Special("block")
    k = kernel(
        [
            ir.Assign("go", ir.Unary("not", waits, dtypes.bool_)),
            ir.While(
                ir.Local("go", dtypes.bool_),
                [ir.Assign("go", ir.Unary("not", waits, dtypes.bool_))],
            ),
            store("flag", ir.Binary("add", block, const(1), i32), 0),
            store("out", THREAD, block),
        ],
        {"p": u8, "out": i32},
        {"go": dtypes.bool_},
    )
    k = viewing(k, view("flag", "p", i32, 1))
    p, out = np.zeros(4, np.uint8), np.full(3, -1, np.int32)
    Interpreter(k).run((3,), (1,), 0, {"p": (p, 0), "out": (out, 0)})
    assert p.view("i4")[0] == 3
    assert out.tolist() == [0, 0, 0]
