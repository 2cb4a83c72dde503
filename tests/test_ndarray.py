from __future__ import annotations

import pickle

import numpy as np
import pytest

import accelerx as ax
from accelerx.dtypes import DTYPES
from accelerx.errors import HostAccessError, UnsupportedError
from accelerx.ndarray import ReadOnlyError, read_only
from accelerx.runtime.device import Device


def counted(*shape: int, dtype: str = "float32", order: str = "C") -> np.ndarray:
    return np.asarray(np.arange(np.prod(shape)).reshape(shape), dtype, order=order)


@pytest.mark.parametrize("row", DTYPES, ids=lambda row: row.name)
def test_round_trip_keeps_every_dtype(device: Device, row: object) -> None:
    host = np.array([0, 1, 2, 3]).astype(row.numpy)
    back = ax.asarray(host).copy_to_host()
    assert back.dtype == host.dtype
    np.testing.assert_array_equal(back, host)


@pytest.mark.parametrize("order", ["C", "F"])
def test_round_trip_keeps_layout(device: Device, order: str) -> None:
    host = counted(3, 4, order=order)
    array = ax.asarray(host)
    assert array.layout == order
    np.testing.assert_array_equal(array.copy_to_host(), host)


def test_properties_are_numpys(device: Device) -> None:
    host = counted(3, 4, dtype="int16")
    array = ax.asarray(host)
    for name in ("shape", "strides", "dtype", "ndim", "size", "nbytes", "itemsize"):
        assert getattr(array, name) == getattr(host, name), name
    assert array.alloc_size == host.nbytes
    assert array.device is device
    assert len(array) == 3


INDICES = [
    np.s_[1],
    np.s_[-1],
    np.s_[1:],
    np.s_[::2],
    np.s_[::-1],
    np.s_[:, 1],
    np.s_[1, :],
    np.s_[..., 0],
    np.s_[:, ::-2],
    np.s_[None, 1, ..., 2:],
    np.s_[2:2],
    np.s_[...],
    np.s_[np.int64(1), 1:3],
]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_views_are_numpys(device: Device, index: object) -> None:
    host = counted(4, 5, 6)
    view = ax.asarray(host)[index]
    assert view.shape == host[index].shape
    np.testing.assert_array_equal(view.copy_to_host(), host[index])


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_assignment_writes_the_chosen_elements_only(device: Device, index: object) -> None:
    host = counted(4, 5, 6)
    array = ax.asarray(host)
    array[index] = 100
    host[index] = 100
    np.testing.assert_array_equal(array.copy_to_host(), host)


@pytest.mark.parametrize("view", [np.s_[:, ::2], np.s_[::-1, 1::3], np.s_[:, 0]], ids=str)
def test_many_short_runs_leave_what_lies_between(device: Device, view: object) -> None:
    host = counted(100, 7)
    array = ax.asarray(host)
    array[view] = -host[view]
    host[view] = -host[view]
    np.testing.assert_array_equal(array.copy_to_host(), host)


def test_assignment_broadcasts_and_casts(device: Device) -> None:
    host = counted(3, 4)
    array = ax.asarray(host)
    array[1:] = np.array([1, 2, 3, 4])
    host[1:] = np.array([1, 2, 3, 4])
    np.testing.assert_array_equal(array.copy_to_host(), host)


def test_assignment_takes_another_devices_array(device: Device) -> None:
    array = ax.zeros((2, 3))
    array[0] = ax.asarray(np.ones(3, np.float32), "numpy")
    np.testing.assert_array_equal(array.copy_to_host(), [[1, 1, 1], [0, 0, 0]])


def test_all_integers_read_an_element(device: Device) -> None:
    array = ax.asarray(counted(3, 4))
    assert array[1, 2] == 6
    assert isinstance(array[1, 2], np.float32)


def test_an_index_outside_raises(device: Device) -> None:
    with pytest.raises(IndexError):
        ax.asarray(counted(3))[3]


@pytest.mark.parametrize("index", [[0, 1], np.array([0]), True, "a"], ids=repr)
def test_other_indices_are_refused_with_a_way_out(device: Device, index: object) -> None:
    with pytest.raises(UnsupportedError, match="copy_to_host"):
        ax.asarray(counted(3))[index]


def test_views_share_memory(device: Device) -> None:
    array = ax.asarray(counted(4))
    array[1:3][:] = 9
    np.testing.assert_array_equal(array.copy_to_host(), [0, 9, 9, 3])


@pytest.mark.parametrize("shape", [(12,), (4, 3), (2, -1), (-1,), (1, 12)], ids=str)
def test_reshape_is_numpys(device: Device, shape: tuple[int, ...]) -> None:
    host = counted(3, 4)
    for given in (host, host.T, host[:, ::2]):
        if given.size != 12:
            continue
        array = ax.asarray(host)
        array = array if given is host else array.T
        np.testing.assert_array_equal(array.reshape(shape).copy_to_host(), given.reshape(shape))


def test_reshape_to_another_size_says_both(device: Device) -> None:
    with pytest.raises(ValueError, match=r"12 elements.*\(5,\)"):
        ax.asarray(counted(3, 4)).reshape(5)


def test_ravel_transpose_squeeze_view(device: Device) -> None:
    host = counted(1, 3, 4)
    array = ax.asarray(host)
    np.testing.assert_array_equal(array.ravel().copy_to_host(), host.ravel())
    np.testing.assert_array_equal(array.T.copy_to_host(), host.T)
    np.testing.assert_array_equal(array.transpose(2, 0, 1).copy_to_host(), host.transpose(2, 0, 1))
    np.testing.assert_array_equal(array.squeeze().copy_to_host(), host.squeeze())
    np.testing.assert_array_equal(array.view(np.int32).copy_to_host(), host.view(np.int32))


@pytest.mark.parametrize("order", ["C", "F", "A"])
def test_ravel_takes_every_order(device: Device, order: str) -> None:
    host = counted(3, 4)
    for given, array in ((host, ax.asarray(host)), (host.T, ax.asarray(host).T)):
        flat = array.ravel(order=order).copy_to_host()
        np.testing.assert_array_equal(flat, given.ravel(order=order))


def test_flags_are_numpys(device: Device) -> None:
    host = counted(3, 4)
    array = ax.asarray(host)
    for name in ("C_CONTIGUOUS", "F_CONTIGUOUS"):
        assert array.flags[name] == host.flags[name]
        assert array.T.flags[name] == host.T.flags[name]
        assert array[:, 1].flags[name] == host[:, 1].flags[name]


@pytest.mark.parametrize("axes", [(0, 2), (0, 0), (0,)], ids=str)
def test_transpose_refuses_what_numpy_refuses(device: Device, axes: tuple[int, ...]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - NumPy's own words
        ax.asarray(counted(3, 4)).transpose(axes)


def test_split_yields_sections(device: Device) -> None:
    parts = [p.copy_to_host().tolist() for p in ax.asarray(counted(5)).split(2)]
    assert parts == [[0, 1], [2, 3], [4]]


def test_copy_to_host_fills_a_given_array(device: Device) -> None:
    host = counted(3, 4)
    out = np.zeros((4, 3), np.float32).T
    assert ax.asarray(host).copy_to_host(out) is out
    np.testing.assert_array_equal(out, host)


def test_copy_to_host_checks_shape_dtype_and_writability(device: Device) -> None:
    array = ax.asarray(counted(3))
    with pytest.raises(ValueError, match="shapes differ"):
        array.copy_to_host(np.zeros(4, np.float32))
    with pytest.raises(ValueError, match="dtypes differ"):
        array.copy_to_host(np.zeros(3))
    frozen = np.zeros(3, np.float32)
    frozen.flags.writeable = False
    with pytest.raises(ReadOnlyError):
        array.copy_to_host(frozen)


@pytest.mark.parametrize("view", [np.s_[...], np.s_[::2], np.s_[:, 1:], np.s_[::-1]], ids=str)
def test_copy_to_device_fills_any_view(device: Device, view: object) -> None:
    host = counted(4, 6)
    array = ax.zeros((4, 6))
    array[view].copy_to_device(host[view])
    expected = np.zeros_like(host)
    expected[view] = host[view]
    np.testing.assert_array_equal(array.copy_to_host(), expected)


def test_copy_to_device_takes_device_arrays(device: Device) -> None:
    source = ax.asarray(counted(3, 4))
    target = ax.empty_like(source)
    target.copy_to_device(source)
    np.testing.assert_array_equal(target.copy_to_host(), counted(3, 4))


def test_read_only_arrays_refuse_writes(device: Device) -> None:
    array = read_only(ax.asarray(counted(3)))
    with pytest.raises(ReadOnlyError):
        array[0] = 1
    with pytest.raises(ReadOnlyError):
        array.copy_to_device(counted(3))


@pytest.mark.parametrize("shape", [(0,), (3, 0), ()], ids=str)
def test_empty_and_zero_dimensional_arrays(device: Device, shape: tuple[int, ...]) -> None:
    host = np.zeros(shape, np.float32)
    back = ax.asarray(host).copy_to_host()
    assert back.shape == shape


def test_zeros_are_zero(device: Device) -> None:
    assert not ax.zeros((5, 5), np.float64).copy_to_host().any()


def test_negative_extent_is_refused(device: Device) -> None:
    with pytest.raises(ValueError, match="negative"):
        ax.empty((2, -1))


def test_to_moves_between_devices(device: Device) -> None:
    moved = ax.asarray(counted(3), "numpy").to(device)
    assert moved.device is device
    assert moved.to(device) is moved
    np.testing.assert_array_equal(moved.copy_to_host(), counted(3))


def test_repr_shows_values_dtype_and_device(device: Device) -> None:
    text = repr(ax.asarray(np.array([1.5, 2.5], np.float32)))
    assert text == f"array([1.5, 2.5], dtype=float32, device={device.name!r})"


def test_pickle_keeps_values_and_device(device: Device) -> None:
    array = pickle.loads(pickle.dumps(ax.asarray(counted(3))))
    assert array.device is device
    np.testing.assert_array_equal(array.copy_to_host(), counted(3))


def test_number_protocols(device: Device) -> None:
    one = ax.asarray(np.array(7, np.int32))
    assert (int(one), float(one), bool(one), one.item()) == (7, 7.0, True, 7)
    with pytest.raises(TypeError):
        len(one)


def test_host_memory_is_shared_with_numpy(cpu: Device) -> None:
    array = ax.asarray(counted(3))
    np.asarray(array)[0] = 5
    assert array[0] == 5
    assert array.__dlpack_device__() == (1, 0)
    np.testing.assert_array_equal(np.from_dlpack(array), [5, 1, 2])


def test_host_view_outlives_the_array(cpu: Device) -> None:
    view = np.asarray(ax.asarray(counted(100)))
    np.testing.assert_array_equal(view, counted(100))


def test_read_only_host_view_is_read_only(cpu: Device) -> None:
    assert not np.asarray(read_only(ax.asarray(counted(3)))).flags.writeable


@pytest.mark.parametrize(
    "door",
    [np.asarray, np.from_dlpack, lambda a: a.__buffer__(0)],
    ids=["array", "dlpack", "buffer"],
)
def test_device_memory_is_closed_to_the_host(sim: Device, door: object) -> None:
    with pytest.raises(HostAccessError, match="copy_to_host"):
        door(ax.asarray(counted(3)))


def test_keys_are_one_object_per_type(device: Device) -> None:
    a, b = ax.zeros((2, 3)), ax.zeros((4, 5))
    assert a.key is b.key
    assert a.key is not ax.zeros(3).key
    assert a.key is not a.T.key


# ------------------------------------------------------------------------------ CuPy's names


def test_arrays_are_made_as_numpy_makes_them(device: Device) -> None:
    np.testing.assert_array_equal(ax.arange(2, 9, 3).get(), np.arange(2, 9, 3))
    np.testing.assert_array_equal(ax.arange(4, dtype="float32").get(), np.float32([0, 1, 2, 3]))
    np.testing.assert_array_equal(ax.full((2, 3), 7, np.int8).get(), np.full((2, 3), 7, np.int8))
    np.testing.assert_array_equal(ax.ones(3).get(), np.ones(3, np.float32))
    like = ax.zeros_like(ax.ones((3, 4)).T, dtype="int32")
    assert (like.layout, like.dtype, like.get().any()) == ("F", np.int32, False)


def test_array_copies_what_asarray_does_not(device: Device) -> None:
    x = ax.ones(3)
    assert ax.asarray(x) is x
    assert ax.array(x, copy=False) is x
    ax.array(x)[0] = 5
    assert x.get()[0] == 1


def test_get_and_set_are_cupys(device: Device) -> None:
    x = ax.zeros((2, 3))
    x.set(np.ones((2, 3), np.float32))
    assert x.get(order="F").flags.f_contiguous
    np.testing.assert_array_equal(x.get(), np.ones((2, 3)))


def test_data_tells_the_address(device: Device) -> None:
    x = ax.zeros(10)
    assert x[2:].data.ptr == x.ptr + 8 == x.data.ptr + 8
    assert x.data.mem is x.buffer
    assert x.data.device is device


@pytest.mark.parametrize(
    ("view", "elements"),
    [(np.s_[:], 12), (np.s_[1], 4), (np.s_[:, 1:3], 10), (np.s_[::-1], 4), (np.s_[3:], 0)],
    ids=str,
)
def test_reach_is_from_the_first_element_to_the_highest(view: object, elements: int) -> None:
    assert ax.zeros((3, 4))[view].reach == 4 * elements


@pytest.mark.parametrize(
    "dtype", [np.complex64, np.dtype([("n", "i4"), ("x", "f8")], align=True)], ids=str
)
def test_arrays_hold_complex_numbers_and_records(device: Device, dtype: np.dtype) -> None:
    size = np.dtype(dtype).itemsize
    host = (np.arange(24 * size) % 100).astype(np.uint8).view(dtype).reshape(4, 6)
    x = ax.asarray(host)
    assert x.dtype == np.dtype(dtype)
    for view in (np.s_[:], np.s_[1:, ::2], np.s_[::-1]):
        np.testing.assert_array_equal(x[view].get(), host[view])
    np.testing.assert_array_equal(x.view(np.uint8).get(), host.view(np.uint8))
    x[1] = x[0]
    np.testing.assert_array_equal(x.get()[1], host[0])


def test_python_kernels_take_complex_arrays(device: Device) -> None:
    @ax.jit
    def k(x):
        x[0] = 1
        x.imag[2] = 5

    x = ax.zeros(3, np.complex64)
    k[1, 1](x)
    np.testing.assert_array_equal(x.copy_to_host(), np.array([1, 0, 5j], np.complex64))


def test_a_view_whose_elements_would_lie_between_others_is_refused(device: Device) -> None:
    x = ax.zeros((3, 3))
    with pytest.raises(ax.UnsupportedError, match="not lie whole elements apart"):
        x[:, :2].view(np.float64)
