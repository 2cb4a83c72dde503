"""Wide accesses of strided groups: NumPy's values, and nothing touched that is not named."""

from __future__ import annotations

import ctypes
import mmap
import re
from collections.abc import Iterator

import numpy as np
import pytest

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.dialects.base import EmitOptions
from accelerx.dtypes import DTYPES, DType, bfloat16
from tests.support.host import CONFIGURATIONS, HostKernel
from tests.support.kernels import THREAD, const, kernel, load, store
from tests.support.views import at, numbers, plus, times, view, viewing

f32, i32, u8 = dtypes.float32, dtypes.int32, dtypes.uint8
BLOCK = 50  # full vectors and a partial one
NAMES = "abcdefgh"
_PROT_NONE = 0


def _run(k: ir.Kernel, configuration: str = "auto", block: int = BLOCK, **buffers: object) -> str:
    compiled = HostKernel(k, block, CONFIGURATIONS[configuration])
    compiled.run(1, buffers)
    return compiled.program.text


def _is_wide(text: str, lanes: int, kind: str) -> bool:
    return f"load <{lanes} x {kind}>" in text and f"store <{lanes} x {kind}>" in text


def _transposed(t: DType, factor: int, order: list[int]) -> ir.Kernel:
    """The elements of each thread's record, stored in another order."""
    body: list[ir.Stmt] = [ir.Assign(NAMES[n], load("x", t, at(factor, n))) for n in range(factor)]
    body += [store("y", ir.Local(NAMES[n], t), at(factor, to)) for n, to in enumerate(order)]
    return kernel(body, {"x": t, "y": t}, dict.fromkeys(NAMES[:factor], t))


@pytest.mark.parametrize("factor", [2, 3, 4, 5, 8])
@pytest.mark.parametrize("t", DTYPES, ids=lambda t: t.name)
def test_records_of_every_type(t: DType, factor: int) -> None:
    if t is bfloat16:
        pytest.importorskip("ml_dtypes")
    order = [(n + 1) % factor for n in range(factor)]
    x = numbers(t, BLOCK * factor) if not t.is_bool else numbers(u8, BLOCK * factor) % 3 == 0
    y = np.zeros(BLOCK * factor, t.numpy)
    text = _run(_transposed(t, factor, order), x=x, y=y)
    want = np.roll(x.reshape(BLOCK, factor), 1, axis=1).reshape(-1)
    np.testing.assert_array_equal(y, want)
    assert _is_wide(text, factor * _width(text), "i8" if t.is_bool else t.llvm)


def _width(text: str) -> int:
    """Lanes of a vector: those of the masks of the partial one."""
    found = re.search(r"<(\d+) x i1> <i1", text)
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
@pytest.mark.parametrize("block", [50, 64, 300])
def test_a_sum_of_three_channels(configuration: str, block: int) -> None:
    parts = [
        ir.Binary("mul", load("x", f32, at(3, n)), const(w, f32), f32)
        for n, w in enumerate((0.25, 0.5, 2.0))
    ]
    k = kernel([store("y", plus(plus(parts[0], parts[1]), parts[2]))], {"x": f32, "y": f32})
    k.contract = False
    x, y = numbers(f32, 3 * block), np.zeros(block, np.float32)
    text = _run(k, configuration, block, x=x, y=y)
    rows = x.reshape(block, 3)
    np.testing.assert_array_equal(y, rows[:, 0] / 4 + rows[:, 1] / 2 + rows[:, 2] * 2)
    if configuration != "scalar":
        assert re.search(r"load <(48|24) x float>", text)


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_records_are_scaled_in_place(configuration: str) -> None:
    body = [
        store("x", ir.Binary("mul", load("x", f32, at(4, n)), const(n + 1.0, f32), f32), at(4, n))
        for n in (2, 0, 3, 1)
    ]
    x = numbers(f32, 4 * BLOCK)
    want = (x.reshape(BLOCK, 4) * np.arange(1, 5, dtype=np.float32)).reshape(-1)
    text = _run(kernel(body, {"x": f32}), configuration, x=x)
    np.testing.assert_array_equal(x, want)
    if configuration == "auto":
        assert _is_wide(text, 64, "float")


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_records_under_a_mask_and_in_a_loop(configuration: str) -> None:
    """Some threads move records, at bases that a loop's variable shifts."""
    i = ir.Local("i", i32)
    index = [plus(plus(at(2), ir.Binary("mul", i, const(2 * BLOCK), i32, True)), n) for n in (0, 1)]
    body = [
        ir.For("i", const(0), const(3), const(1), [
            ir.If(ir.Compare("lt", THREAD, const(37)), [
                ir.Assign("a", load("x", f32, index[0])),
                ir.Assign("b", load("x", f32, index[1])),
                store("y", ir.Local("b", f32), index[0]),
                store("y", ir.Local("a", f32), index[1]),
            ])
        ])
    ]  # fmt: skip
    k = kernel(body, {"x": f32, "y": f32}, {"a": f32, "b": f32, "i": i32})
    x, y = numbers(f32, 6 * BLOCK), np.zeros(6 * BLOCK, np.float32)
    _run(k, configuration, x=x, y=y)
    want = np.zeros((3, BLOCK, 2), np.float32)
    want[:, :37] = x.reshape(3, BLOCK, 2)[:, :37, ::-1]
    np.testing.assert_array_equal(y, want.reshape(-1))


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_fields_of_two_types_in_one_storage(configuration: str) -> None:
    """Structs {float x; int n;} in a buffer of bytes: n += 1, x = n."""
    n = plus(load("n", i32, at(8, 4)), 1)
    body = [
        ir.Assign("m", n),
        ir.Assign("a", plus(load("x", f32, at(8)), ir.Cast(ir.Local("m", i32), f32))),
        store("n", ir.Local("m", i32), at(8, 4)),
        store("x", ir.Local("a", f32), at(8)),
    ]
    k = kernel(body, {"p": u8}, {"m": i32, "a": f32})
    k = viewing(k, view("x", "p", f32, 1), view("n", "p", i32, 1))
    records = np.zeros(BLOCK, np.dtype([("x", "<f4"), ("n", "<i4")]))
    records["x"], records["n"] = numbers(f32, BLOCK), numbers(i32, BLOCK)
    want = records.copy()
    want["n"] += 1
    want["x"] += want["n"].astype(np.float32)
    p = records.view("u1").copy()
    text = _run(k, configuration, p=p)
    np.testing.assert_array_equal(p.view(records.dtype), want)
    if configuration == "auto":
        assert re.search(r"load <32 x (float|i32)>", text)
        assert re.search(r"store <32 x (float|i32)>", text)


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_stores_that_later_values_read_keep_their_order(configuration: str) -> None:
    doubled = ir.Binary("mul", load("x", f32, at(2)), const(2.0, f32), f32)
    body = [store("x", const(5.0, f32), at(2)), store("x", doubled, at(2, 1))]
    x = np.zeros(2 * BLOCK, np.float32)
    _run(kernel(body, {"x": f32}), configuration, x=x)
    np.testing.assert_array_equal(x, np.tile(np.float32([5, 10]), BLOCK))


def test_stores_that_another_argument_may_alias_keep_their_order() -> None:
    body = [store("x", const(5.0, f32), at(2)), store("x", load("y", f32, at(2)), at(2, 1))]
    x = np.zeros(2 * BLOCK, np.float32)
    _run(kernel(body, {"x": f32, "y": f32}), x=x, y=x)
    np.testing.assert_array_equal(x, np.full(2 * BLOCK, 5, np.float32))


def test_indices_that_may_wrap_are_no_group() -> None:
    u32 = dtypes.uint32
    thread = ir.Binary("add", ir.Cast(THREAD, u32), ir.ParamRef("n", u32), u32)
    index = [plus(ir.Binary("mul", thread, const(2, u32), u32), n) for n in (0, 1)]
    k = kernel(
        [store("y", plus(load("x", f32, index[0]), load("x", f32, index[1])))],
        {"x": f32, "y": f32},
        scalars={"n": u32},
    )
    x, y = numbers(f32, 2 * BLOCK), np.zeros(BLOCK, np.float32)
    text = _run(k, x=x, y=y, n=0)
    np.testing.assert_array_equal(y, x[::2] + x[1::2])
    assert "load <32 x float>" not in text


# ------------------------------------------------------------------- nothing else is touched


@pytest.fixture
def fenced() -> Iterator[np.ndarray]:
    """A page of bytes between two that must not be touched."""
    page = mmap.PAGESIZE
    memory = mmap.mmap(-1, 3 * page)
    whole = np.frombuffer(memory, np.uint8)
    start = whole.ctypes.data
    protect = ctypes.CDLL(None).mprotect
    protect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for at_page in (0, 2):
        assert protect(start + at_page * page, page, _PROT_NONE) == 0
    yield whole[page : 2 * page]
    for at_page in (0, 2):
        protect(start + at_page * page, page, mmap.PROT_READ | mmap.PROT_WRITE)


@pytest.mark.parametrize("present", [(0, 1, 2, 3), (0, 1), (1, 2), (0, 3), (1, 2, 3), (0, 2), (1,)])
def test_nothing_outside_a_group_is_touched(fenced: np.ndarray, present: tuple[int, ...]) -> None:
    """Records whose first and last elements lie at the edges of a page, and holes hold marks."""
    lanes = 16
    first, last = present[0], present[-1]
    span = 4 * (lanes - 1) + last - first + 1
    body: list[ir.Stmt] = [
        ir.Assign(NAMES[n], plus(load("x", f32, at(4, n - first)), 1.0)) for n in present
    ]
    body += [store("x", ir.Local(NAMES[n], f32), at(4, n - first)) for n in present]
    k = kernel(body, {"x": f32}, dict.fromkeys(NAMES, f32))
    compiled = HostKernel(k, lanes, EmitOptions(lanes=lanes))
    assert "gather" not in compiled.program.text
    assert ("scatter" in compiled.program.text) == (len(present) == 1)
    for x in (fenced.view(np.float32)[:span], fenced.view(np.float32)[-span:]):
        x[:] = np.arange(span)
        want = x.copy()
        for n in present:
            want[n - first :: 4] += 1
        compiled.run(1, {"x": x})
        np.testing.assert_array_equal(x, want)


def test_a_hole_of_another_thread_is_not_written() -> None:
    """Threads of other blocks own what lies between: it must not even be written back."""
    text = HostKernel(
        kernel([store("x", const(1.0, f32), times(THREAD, 4)), store("x", const(2.0, f32), at(4, 2))],
               {"x": f32}), 64
    ).program.text  # fmt: skip
    assert re.search(
        r"call void @llvm.masked.store.v16f32.*<i1 true, i1 false, i1 true, i1 false", text
    )
