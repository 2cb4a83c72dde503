"""Records, complex elements and named tuples in Python kernels, on every device, against NumPy."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from accelerx import cuda
from accelerx.errors import KernelAssertionError, KernelTypeError, UnsupportedKernelError
from accelerx.runtime.device import Device

SEED = 20_251
PLAIN = [("x", "f4"), ("n", "i4"), ("w", "f8"), ("c", "u1"), ("m", "f4", (2, 3))]
POINT = np.dtype([("x", "f4"), ("y", "f4")])
NESTED = np.dtype([("tag", "i2"), ("p", POINT), ("z", "c8"), ("q", POINT, (2,))])
PACKED = pytest.mark.parametrize("align", [True, False], ids=["aligned", "packed"])
N = 77


def records(dtype: np.dtype, n: int = N) -> np.ndarray:
    """Records of random bytes that are finite numbers."""
    rng = np.random.default_rng(SEED)
    array = np.zeros(n, dtype)
    for name in dtype.names or ():
        field = array[name]
        if field.dtype.names:
            array[name] = records(field.dtype, field.size).reshape(field.shape)
        elif field.dtype.kind == "c":
            array[name] = rng.normal(size=field.shape) + 1j * rng.normal(size=field.shape)
        else:
            array[name] = rng.uniform(0, 100, field.shape).astype(field.dtype)
    return array


def launched(kernel: Callable[..., None], *arguments: Any, n: int = N) -> list[np.ndarray]:
    """The arrays after a launch with enough threads for n elements."""
    given = [cuda.to_device(a) if isinstance(a, np.ndarray) else a for a in arguments]
    cuda.jit(kernel)[-(-n // 32), 32](*given)
    return [a.copy_to_host() for a in given if hasattr(a, "copy_to_host")]


def fields(r, out):
    i = cuda.grid(1)
    if i < r.size:
        out[i] = r[i].x + r["n"][i] * r.w[i] + r[i]["c"] + r[i].m[1, 2]
        r[i].x = i
        r["n"][i] += 3
        r[i].m[0, 1] = r[i].w


@PACKED
def test_fields_are_read_and_written(device: Device, align: bool) -> None:
    r = records(np.dtype(PLAIN, align=align))
    after, out = launched(fields, r, np.zeros(N))
    np.testing.assert_allclose(
        out, r["x"] + r["n"] * r["w"] + r["c"] + r["m"][:, 1, 2], err_msg=f"seed {SEED}"
    )
    expected = r.copy()
    expected["x"], expected["n"] = np.arange(N), r["n"] + 3
    expected["m"][:, 0, 1] = r["w"]
    np.testing.assert_array_equal(after, expected, err_msg=f"seed {SEED}")


def nested(r, out):
    i = cuda.grid(1)
    if i < r.size:
        out[i] = r[i].p.x + r[i].q[1].y + r[i].z.imag
        r[i].p = r[i].q[0]
        r[i].z = r[r.size - 1 - i].p.x


def test_nested_records_are_copied_field_by_field(device: Device) -> None:
    r = records(NESTED)
    source = r.copy()
    source["p"]["x"] = 4.0
    after, out = launched(nested, source, np.zeros(N))
    np.testing.assert_allclose(
        out, source["p"]["x"] + source["q"][:, 1]["y"] + source["z"].imag, rtol=1e-6
    )
    np.testing.assert_array_equal(after["p"], source["q"][:, 0])
    assert after["z"].imag.tolist() == [0.0] * N


def whole(a, b, rows):
    i = cuda.grid(1)
    if i < a.size:
        b[i] = a[a.size - 1 - i]
        rows[i % 3, i // 3].n = a[i].n


def test_whole_records_and_two_axes(device: Device) -> None:
    a = records(np.dtype(PLAIN, align=True), 12)
    _, b, rows = launched(whole, a, np.zeros_like(a), np.zeros((3, 4), a.dtype, "F"), n=12)
    for name in a.dtype.names or ():
        np.testing.assert_array_equal(b[name], a[name][::-1], err_msg=f"{name}, seed {SEED}")
    np.testing.assert_array_equal(rows["n"], a["n"].reshape(4, 3).T)


def staged(r, out):
    tile = cuda.shared.array(32, POINT)
    mine = cuda.local.array(2, np.complex64)
    t = cuda.threadIdx.x
    tile[t] = r[t]
    mine[1] = tile[t].y
    cuda.syncthreads()
    out[t] = tile[31 - t].x + mine[1].real


def test_shared_records_and_local_complex_arrays(device: Device) -> None:
    r = records(POINT, 32)
    _, out = launched(staged, r, np.zeros(32), n=32)
    np.testing.assert_allclose(out, r["x"][::-1] + r["y"], rtol=1e-6, err_msg=f"seed {SEED}")


def counted(r, at):
    i = cuda.grid(1)
    if i < at.size:
        cuda.atomic.add(r["n"], at[i], 1)


def test_atomics_on_fields(device: Device) -> None:
    at = np.random.default_rng(SEED).integers(0, 5, N)
    r = np.zeros(5, np.dtype(PLAIN, align=True))
    after, _ = launched(counted, r, at)
    np.testing.assert_array_equal(after["n"], np.bincount(at, minlength=5))


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_complex_elements_and_parts(device: Device, dtype: type) -> None:
    def swap(z, out):
        i = cuda.grid(1)
        if i < z.size:
            v = z[i]
            out[i] = z[z.size - 1 - i]
            z.real[i] = v.imag
            z.imag[i] = v.real

    rng = np.random.default_rng(SEED)
    z = (rng.normal(size=N) + 1j * rng.normal(size=N)).astype(dtype)
    flipped, _ = launched(swap, z, np.zeros_like(z), n=N)
    np.testing.assert_array_equal(flipped, z.imag + 1j * z.real, err_msg=f"seed {SEED}")


def test_constant_records(device: Device) -> None:
    table = records(POINT, 4)

    def look(out):
        i = cuda.grid(1)
        if i < out.size:
            out[i] = cuda.const.array_like(table)[i % 4].y

    (out,) = launched(look, np.zeros(N, "f4"))
    np.testing.assert_array_equal(out, np.resize(table["y"], N))


Window = namedtuple("Window", ["low", "high"])


def test_named_tuples_keep_their_names(device: Device) -> None:
    def clipped(x, window):
        i = cuda.grid(1)
        if i < x.size:
            x[i] = min(max(x[i], window.low), window.high[0])

    x = np.random.default_rng(SEED).normal(size=N)
    (after,) = launched(clipped, x, Window(-0.5, (0.25, 9)))
    np.testing.assert_array_equal(after, np.clip(x, -0.5, 0.25), err_msg=f"seed {SEED}")


def test_a_field_outside_its_records_is_found(device: Device) -> None:
    @cuda.jit(debug=True)
    def beyond(r):
        r[cuda.grid(1) + 1].x = 0.0

    with pytest.raises(KernelAssertionError, match=r"index 4 is out of bounds: r.x has extent 4"):
        beyond[1, 4](np.zeros(4, POINT))


def test_an_unknown_field_lists_the_known_ones() -> None:
    def wrong(r):
        r[0].z = 1.0

    with pytest.raises(UnsupportedKernelError, match="no field 'z'") as e:
        launched(wrong, np.zeros(4, POINT))
    assert "known: x, y" in str(e.value)
    assert "r[0].z = 1.0" in str(e.value)


def test_complex_numbers_are_not_stored_as_real_ones() -> None:
    def lost(z, x):
        x[0] = z[0]

    with pytest.raises(KernelTypeError, match="a complex128 cannot be stored as a float64"):
        launched(lost, np.zeros(1, complex), np.zeros(1))


def test_records_at_an_odd_address_are_copied(cpu: Device) -> None:
    dtype = np.dtype(PLAIN)
    raw = np.zeros(1 + N * dtype.itemsize, np.uint8)
    r = raw[1:].view(dtype)
    r[:] = records(dtype)
    before, out = r.copy(), np.zeros(N)
    cuda.jit(fields)[-(-N // 32), 32](r, out)
    np.testing.assert_allclose(
        out, before["x"] + before["n"] * before["w"] + before["c"] + before["m"][:, 1, 2]
    )
    np.testing.assert_array_equal(r["n"], before["n"] + 3)


def test_a_record_is_an_argument_that_kernels_write_to(device: Device) -> None:
    def move(p, by):
        p.x += by
        p["y"] = p.x

    points = records(POINT, 3)
    before = points.copy()
    cuda.jit(move)[1, 1](points[1], np.float32(0.5))
    assert points[1]["x"] == points[1]["y"] == before[1]["x"] + np.float32(0.5)
    np.testing.assert_array_equal(points[::2], before[::2], err_msg=f"seed {SEED}")
