"""The compiled core from Python: plugins, memory, streams, launches, callbacks, interrupts."""

from __future__ import annotations

import gc
import os
import struct
import threading
import time
from collections.abc import Callable
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from tests.csrc import build
from tests.runtime.core_support import (
    KEYS,
    PLUGINS,
    Array,
    address,
    core,
    device,
    download,
    kernels,
    load,
    pack,
    run,
    script,
    upload,
)

Make = Callable[[str], Path]
launch_numbers = count(1)


@pytest.fixture(params=["cpu", "sim"])
def dev(request: pytest.FixtureRequest) -> Any:
    return device(request.param)


@pytest.fixture
def forge(tmp_path: Path) -> Make:
    """Makes a plugin that is wrong in one way."""

    def make(way: str) -> Path:
        target = tmp_path / f"{way.lower()}.so"
        return build.shared_library(build.FOLDER / "forged_plugin.c", target, f"-DFORGE_{way}")

    return make


def refusal(path: Path) -> str:
    with pytest.raises(core.CoreError) as caught:
        core.Plugin.open(str(path))
    return str(caught.value.args[0]) + " | " + str(caught.value.args[4])


# ---- plugins ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cpu", "sim"])
def test_plugin_says_what_it_is(name: str) -> None:
    plugin = core.Plugin.open(str(PLUGINS / f"{name}.so"))
    assert (plugin.name, plugin.dialect, plugin.abi_minor) == (name, "llvm", core.ABI_MINOR)
    assert plugin.host_memory is (name == "cpu")
    assert plugin.device_count() == 1


def test_second_open_gives_the_same_plugin(tmp_path: Path) -> None:
    link = tmp_path / "another_name.so"
    link.symlink_to(PLUGINS / "sim.so")
    assert core.Plugin.open(str(link)) is core.Plugin.open(str(PLUGINS / "sim.so"))


def test_missing_file_is_refused(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "none.so")


def test_file_that_is_no_library_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.so"
    path.write_text("hello")
    assert "cannot load" in refusal(path)


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("NO_SYMBOL", ["is no accelerx backend", "ax_backend_v1"]),
        ("OTHER_MAJOR", ["speaks version 2", "speaks version 1", "pip install -U accelerx"]),
        ("NULL", ["returned NULL"]),
        ("ZERO_SIZE", ["struct_size is 0 bytes", "at least 200"]),
        ("SHORT", ["struct_size is 192 bytes", "at least 200", "sizeof(ax_backend)"]),
        ("MISSING_SLOTS", ["NULL: alloc, launch"]),
        ("HALF_PAIR", ["host_alloc and host_free go together"]),
        ("BAD_NAME", ["'My Device'", "lower-case"]),
        ("NO_DIALECT", ["names no dialect"]),
    ],
)
def test_wrong_plugin_is_refused_with_its_reason(way: str, words: list[str], forge: Make) -> None:
    message = refusal(forge(way))
    for word in words:
        assert word in message


@pytest.mark.parametrize("way", ["OLDER", "NEWER"])
def test_other_minor_version_is_accepted(way: str, forge: Make) -> None:
    assert core.Plugin.open(str(forge(way))).device_count() == 0


def test_plugins_error_arrives_whole(forge: Make) -> None:
    plugin = core.Plugin.open(str(forge("NO_DRIVER")))
    with pytest.raises(core.CoreError) as caught:
        plugin.device_count()
    assert caught.value.args == ("no driver", 4, 100, "vendorInit", "install one")


def test_unknown_device_index_is_refused(dev: Any) -> None:
    with pytest.raises(core.CoreError, match=r":7 does not exist; this backend has 1 device"):
        dev.plugin.device(7)


# ---- ArrayBase -------------------------------------------------------------------------------


def test_array_gives_back_its_parts() -> None:
    key, owner = object(), object()
    array = core.ArrayBase(key, 4096, (2, 3), (3, 1), owner)
    assert (array.key, array.ptr, array.shape, array.strides) == (key, 4096, (2, 3), (3, 1))
    assert array.owner is owner


def test_subclass_of_array_has_its_own_attributes() -> None:
    array = Array(object(), 0, (), (), None)
    array.name = "x"
    assert array.name == "x"


def test_array_takes_keywords() -> None:
    assert core.ArrayBase(key=1, ptr=2, shape=(3,), strides=(1,), owner=None).shape == (3,)


@pytest.mark.parametrize(
    ("shape", "strides", "error"),
    [((1, 2), (1,), ValueError), ([1], [1], TypeError), (("a",), (1,), TypeError)],
)
def test_array_refuses_wrong_shapes(shape: Any, strides: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        core.ArrayBase(None, 0, shape, strides, None)


def test_cycle_through_an_array_is_collected() -> None:
    class Node(core.ArrayBase):  # type: ignore[misc]
        pass

    died = threading.Event()

    class Owner:
        def __del__(self) -> None:
            died.set()

    owner: Any = Owner()
    owner.array = Node(None, 0, (), (), owner)
    del owner
    gc.collect()
    assert died.is_set()


# ---- memory ----------------------------------------------------------------------------------


def test_copies_go_there_and_back(dev: Any) -> None:
    values = np.arange(1000, dtype=np.float64)
    np.testing.assert_array_equal(download(dev, upload(dev, values), np.float64), values)


def test_copy_on_device_and_fill(dev: Any) -> None:
    a = upload(dev, np.arange(64, dtype=np.uint8))
    b = dev.alloc(64)
    dev.fill(b.ptr, 7, 64, None)
    dev.copy_on_device(b.ptr, a.ptr, 32, None)
    back = np.empty(64, np.uint8)
    dev.copy_to_host(back, b.ptr, None)
    np.testing.assert_array_equal(back, [*range(32), *[7] * 32])


def test_copy_into_read_only_memory_is_refused(dev: Any) -> None:
    a = upload(dev, np.zeros(4))
    with pytest.raises(BufferError):
        dev.copy_to_host(b"0" * 32, a.ptr, None)


def test_fill_takes_a_byte(dev: Any) -> None:
    with pytest.raises(ValueError, match="not 256"):
        dev.fill(dev.alloc(8).ptr, 256, 8, None)


def test_empty_memory_has_no_address(dev: Any) -> None:
    memory = dev.alloc(0)
    assert (memory.ptr, memory.nbytes) == (0, 0)


def test_freed_block_is_used_again(dev: Any) -> None:
    memory = dev.alloc(5000)
    before, hits = memory.ptr, dev.memory_stats()["hits"]
    del memory
    memory = dev.alloc(5001)
    assert memory.ptr == before
    assert dev.memory_stats()["hits"] == hits + 1


def test_statistics_follow_allocations(dev: Any) -> None:
    start = dev.memory_stats()["allocated"]
    dev.reset_peak_memory()
    a = dev.alloc(3 << 20)
    stats = dev.memory_stats()
    assert stats["allocated"] - start == 3 << 20
    assert stats["peak"] - start == 3 << 20
    assert stats["reserved"] >= stats["allocated"]
    del a
    assert dev.memory_stats()["allocated"] == start
    assert dev.memory_stats()["peak"] - start == 3 << 20


def test_trim_gives_everything_free_back(dev: Any) -> None:
    memory = dev.alloc(64 << 20)
    del memory
    dev.trim()
    assert dev.memory_stats()["reserved"] < 64 << 20


@pytest.mark.parametrize("size", [1, 100, 4096, 300_000, 1 << 20, 5_000_000])
def test_addresses_are_aligned(dev: Any, size: int) -> None:
    alignment = 2 << 20 if size >= 4 << 20 else 256
    blocks = [dev.alloc(size) for _ in range(5)]
    assert all(block.ptr % alignment == 0 for block in blocks)


def test_blocks_do_not_overlap(dev: Any) -> None:
    rng = np.random.default_rng(1)
    sizes = [int(2 ** rng.uniform(0, 22)) for _ in range(200)]
    blocks = [dev.alloc(size) for size in sizes]
    for i in rng.permutation(200)[:100]:
        blocks[i] = dev.alloc(sizes[i] // 2 + 1)
    spans = sorted((b.ptr, b.ptr + b.nbytes) for b in blocks)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


def test_limit_trims_the_cache_before_it_refuses(dev: Any) -> None:
    dev.trim()
    room = dev.memory_stats()["reserved"] + (64 << 20)
    cached = dev.alloc(48 << 20)
    del cached
    dev.set_memory_limit(room)
    try:
        assert dev.alloc(60 << 20).nbytes == 60 << 20
    finally:
        dev.set_memory_limit(0)


def test_exhausted_memory_tells_the_state_of_the_pool(dev: Any) -> None:
    dev.trim()
    dev.set_memory_limit(dev.memory_stats()["reserved"] + (8 << 20))
    try:
        with pytest.raises(core.CoreError) as caught:
            dev.alloc(16 << 20)
    finally:
        dev.set_memory_limit(0)
    message, code, _, _, hint = caught.value.args
    assert code == 2
    for word in ["16.0 MB", "live blocks", "cached", "reserved", "limit"]:
        assert word in message
    assert "raise the memory limit" in hint


def test_memory_the_device_does_not_have_is_refused(dev: Any) -> None:
    with pytest.raises(core.CoreError, match="out of memory") as caught:
        dev.alloc(1 << 50)
    assert caught.value.args[1] == 2
    assert dev.alloc(1000).nbytes == 1000


def test_many_sizes_do_not_pile_up(dev: Any) -> None:
    dev.trim()
    for megabytes in range(20, 120):
        dev.alloc(megabytes << 20)
    assert dev.memory_stats()["cached"] <= max(256 << 20, dev.memory_stats()["peak"])
    dev.trim()


def test_block_used_elsewhere_waits_for_that_stream(dev: Any) -> None:
    stream = dev.create_stream()
    out = upload(dev, np.zeros(1, np.int64))
    victim = dev.alloc(1 << 20)
    before = victim.ptr
    run(load(dev, "slow_add", "bss"), out.ptr, 1, 100_000_000, stream=stream)
    dev.copy_on_device(victim.ptr, victim.ptr, 8, stream)
    del victim
    other = dev.alloc(1 << 20)
    assert other.ptr != before
    stream.synchronize()
    assert dev.alloc(1 << 20).ptr == before


# ---- launches --------------------------------------------------------------------------------

ADD_PLAN = [(0, 0, 0, 0, 0), (0, 1, 0, 0, 8), (0, 2, 0, 0, 16), (2, 0, 0, 0, 24)]


def test_launch_with_packed_bytes(dev: Any) -> None:
    a, b = (upload(dev, np.arange(100, dtype=np.float32) * i) for i in (1, 2))
    out = upload(dev, np.zeros(100, np.float32))
    run(load(dev, "add", "bbbs"), out.ptr, a.ptr, b.ptr, 100, blocks=4)
    np.testing.assert_array_equal(download(dev, out, np.float32), np.arange(100) * 3.0)


def test_dispatcher_misses_once_and_then_hits(dev: Any) -> None:
    function = load(dev, "add", "bbbs")
    key = KEYS[np.float32]
    misses = []

    def miss(*args: Any) -> None:
        misses.append(args)
        dispatcher.add((key, key, key), function, ADD_PLAN, (4, 1, 1), 0, None)
        dispatcher(*args)

    dispatcher = core.Dispatcher(miss)
    a, out = (upload(dev, np.arange(100, dtype=np.float32)) for _ in range(2))
    for _ in range(3):
        dispatcher(out, a, a)
    assert misses == [(out, a, a)]
    np.testing.assert_array_equal(download(dev, out, np.float32), np.arange(100) * 2.0)


def test_dispatcher_tells_arrays_of_other_keys_apart(dev: Any) -> None:
    missed: list[Any] = []
    dispatcher = core.Dispatcher(lambda *args: missed.append(args))
    key = KEYS[np.float32]
    dispatcher.add((key,), load(dev, "add", "bbbs"), [], (1, 1, 1), 0, None)
    other = upload(dev, np.zeros(3, np.int32))
    dispatcher(other)
    dispatcher(1.0)
    dispatcher()
    assert missed == [(other,), (1.0,), ()]


def test_specialisation_with_known_keys_takes_the_place(dev: Any) -> None:
    seen: list[int] = []
    dispatcher = core.Dispatcher(print)
    for number in (1, 2):
        function = load(dev, "report", "ss")
        function.on_site = lambda *args, number=number: seen.append(number) or False
        plan = [(1, 0, 0, 64, 0), (1, 1, 0, 64, 8)]
        dispatcher.add((int, int), function, plan, (1, 1, 1), 0, None)
    dispatcher(0, 0)
    dev.synchronize()
    assert seen == [2]


def test_what_miss_raises_is_raised() -> None:
    def miss() -> None:
        raise KeyError("no")

    with pytest.raises(KeyError, match="no"):
        core.Dispatcher(miss)()


def test_dispatcher_refuses_keywords() -> None:
    with pytest.raises(TypeError, match="no keyword"):
        core.Dispatcher(print)(end="")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ((0, 5, 0, 0, 0), "argument 5 of 1"),
        ((0, 0, 0, 0, 4096), "offset 4096 lies outside"),
        ((1, 0, 0, 99, 0), "dtype code 99"),
    ],
)
def test_plan_that_does_not_fit_is_refused(dev: Any, row: Any, words: str) -> None:
    function = load(dev, "add", "bbbs")
    with pytest.raises(core.CoreError, match=words):
        core.Dispatcher(print).add((object(),), function, [row], (1, 1, 1), 0, None)


def test_plan_cannot_read_an_array_from_a_number(dev: Any) -> None:
    with pytest.raises(core.CoreError, match="no array"):
        core.Dispatcher(print).add(
            (float,), load(dev, "add", "bbbs"), [(0, 0, 0, 0, 0)], (1, 1, 1), 0, None
        )


def test_grid_without_blocks_is_refused(dev: Any) -> None:
    function = load(dev, "add", "bbbs")
    with pytest.raises(core.CoreError, match=r"kernel add: grid \(4, 0, 1\) has no blocks"):
        function.launch((4, 0, 1), 0, pack(0, 0, 0, 0), None, None)


def test_packed_arguments_of_a_wrong_size_are_refused(dev: Any) -> None:
    with pytest.raises(ValueError, match="takes 32 bytes of arguments, not 8"):
        load(dev, "add", "bbbs").launch((1, 1, 1), 0, pack(1), None, None)


def pack_scalar(value: Any, dtype: Any, as_type: type | None = None) -> bytes:
    """What a dispatcher packs for one scalar argument."""
    cpu = device("cpu")
    dtype = np.dtype(dtype)
    codes = {"b": 6, "i": 0, "u": 1, "f": 2}
    code = 4 if dtype.name == "bfloat16" else codes[dtype.kind]
    params = [(0, 8, 8, 0), (1, 8, 8, 8), (1, 8, 8, 16)]
    function = cpu.load(
        "address", address("copy_args"), "copy_args", params, 24, (1, 1, 1), 0, 0, kernels()
    )
    plan = [(0, 0, 0, 0, 0), (1, 1, 0, 64, 8), (1, 2, 0, code * 256 + dtype.itemsize * 8, 16)]
    out = upload(cpu, np.zeros(dtype.itemsize, np.uint8))
    dispatcher = core.Dispatcher(lambda *a: pytest.fail("no specialisation matched"))
    keys = (KEYS[np.uint8], int, as_type or type(value))
    dispatcher.add(keys, function, plan, (1, 1, 1), 0, None)
    dispatcher(out, dtype.itemsize, value)
    return bytes(download(cpu, out, np.uint8))


NUMBERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
REALS = ["float16", "float32", "float64", ml_dtypes.bfloat16]


@pytest.mark.parametrize("dtype", NUMBERS)
def test_integers_pack_as_numpy_does(dtype: str) -> None:
    info = np.iinfo(dtype)
    for value in [info.min, info.max, 0, 1]:
        expected = np.array(value, dtype).tobytes()
        assert pack_scalar(int(value), dtype) == expected
        assert pack_scalar(np.dtype(dtype).type(value), dtype) == expected


@pytest.mark.parametrize("dtype", NUMBERS)
def test_integers_out_of_range_are_refused(dtype: str) -> None:
    info = np.iinfo(dtype)
    for value in [info.min - 1, info.max + 1, 1 << 70, -(1 << 70)]:
        with pytest.raises(OverflowError, match=f"argument 3: {value} does not fit {dtype}"):
            pack_scalar(int(value), dtype)


@pytest.mark.parametrize("dtype", REALS)
def test_reals_pack_as_numpy_does(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    values = [0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, 1e-7, 6e-8, 3e-8, 65504.0, 65519.99, 65520.0]
    values += [1e-40, 1e-45, 3.4e38, 3.5e38, 1e300, 2.0**-25, 2.0**-24 * 1.5]
    values += list(rng.standard_normal(100) * 10.0 ** rng.integers(-10, 10, 100))
    with np.errstate(all="ignore"):
        for value in values:
            expected = np.array([value], np.float64).astype(dtype).tobytes()
            assert pack_scalar(float(value), dtype) == expected, value


@pytest.mark.parametrize("dtype", REALS)
def test_nan_packs_as_nan(dtype: Any) -> None:
    packed = np.frombuffer(pack_scalar(float("nan"), dtype), dtype)
    assert np.isnan(packed.astype(np.float64)[0])


@pytest.mark.parametrize("value", [np.float16(1.5), np.float32(0.1), np.float64(0.1), 3, True])
def test_numbers_of_other_types_pack_into_reals(value: Any) -> None:
    assert pack_scalar(value, "float32") == np.float32(value).tobytes()


def test_bfloat16_scalars_pack() -> None:
    assert pack_scalar(ml_dtypes.bfloat16(1.5), ml_dtypes.bfloat16) == b"\xc0\x3f"


@pytest.mark.parametrize("value", [True, False, np.True_, np.False_, 1, 0])
def test_booleans_pack(value: Any) -> None:
    assert pack_scalar(value, "bool") == bytes([bool(value)])


def test_integer_too_large_for_a_double_is_refused() -> None:
    with pytest.raises(OverflowError, match="does not fit float64"):
        pack_scalar(10**400, "float64")


@pytest.mark.parametrize("value", ["text", 1.5, None])
def test_value_that_is_no_integer_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="argument 3: cannot pass"):
        pack_scalar(value, "int32")


def test_extents_and_strides_are_packed(dev: Any) -> None:
    function = load(dev, "copy_args", "bssssssss")
    plan = [(0, 0, 0, 0, 0), (1, 1, 0, 64, 8)]
    plan += [(2, 2, i, 0, 16 + 8 * i) for i in range(3)] + [
        (3, 2, i, 0, 40 + 8 * i) for i in range(3)
    ]
    out = upload(dev, np.zeros(6, np.int64))
    shaped = Array(KEYS["f4"], 0, (2, 3, 4), (1, 2, 6), None)
    dispatcher = core.Dispatcher(print)
    dispatcher.add((KEYS["i8"], int, KEYS["f4"]), function, plan, (1, 1, 1), 0, None)
    dispatcher(out, 48, shaped)
    np.testing.assert_array_equal(download(dev, out, np.int64), [2, 3, 4, 1, 2, 6])


def test_arrays_of_many_axes_are_packed() -> None:
    dev = device("cpu")
    function = load(dev, "copy_args", "b" + "s" * 13)
    plan = [(0, 0, 0, 0, 0), (1, 1, 0, 64, 8)] + [(2, 2, i, 0, 16 + 8 * i) for i in range(6)]
    plan += [(3, 2, i, 0, 64 + 8 * i) for i in range(6)]
    out = upload(dev, np.zeros(12, np.int64))
    shaped = Array(KEYS["f4"], 0, (1, 2, 3, 4, 5, 6), (720, 360, 120, 30, 6, 1), None)
    dispatcher = core.Dispatcher(print)
    dispatcher.add((KEYS["i8"], int, KEYS["f4"]), function, plan, (1, 1, 1), 0, None)
    dispatcher(out, 96, shaped)
    np.testing.assert_array_equal(download(dev, out, np.int64), [*shaped.shape, *shaped.strides])


def test_axis_that_the_array_lacks_is_refused() -> None:
    dev = device("cpu")
    dispatcher = core.Dispatcher(print)
    key = object()
    dispatcher.add((key,), load(dev, "copy_args", "bs"), [(2, 0, 2, 0, 0)], (1, 1, 1), 0, None)
    with pytest.raises(ValueError, match="has 1 axes, the kernel reads axis 2"):
        dispatcher(Array(key, 0, (3,), (1,), None))


def test_kernel_with_a_hundred_arguments(dev: Any) -> None:
    function = load(dev, "copy_args", "bs" + "s" * 100)
    plan = [(0, 0, 0, 0, 0), (1, 1, 0, 64, 8)]
    plan += [(1, 2 + i, 0, 64, 16 + 8 * i) for i in range(100)]
    dispatcher = core.Dispatcher(print)
    dispatcher.add((KEYS["i8"], *[int] * 101), function, plan, (1, 1, 1), 0, None)
    out = upload(dev, np.zeros(100, np.int64))
    dispatcher(out, 800, *range(100))
    np.testing.assert_array_equal(download(dev, out, np.int64), range(100))


def test_kernel_without_arguments_launches(dev: Any) -> None:
    function = load(dev, "report", "ss")
    seen: list[Any] = []
    function.on_site = lambda *a: seen.append(a) or False
    dispatcher = core.Dispatcher(print)
    dispatcher.add((int, int), function, [(1, 0, 0, 64, 0), (1, 1, 0, 64, 8)], (1, 1, 1), 0, None)
    dispatcher(3, 0)
    dev.synchronize()
    assert len(seen) == 1


@pytest.mark.parametrize("blocks", [1, 2, 3, 7, 64, 1000, 100_003])
@pytest.mark.parametrize("spins", [0, 300])
def test_every_block_runs_once_and_in_order(dev: Any, blocks: int, spins: int) -> None:
    if blocks * spins > 10_000_000:
        blocks //= 10
    counts = upload(dev, np.zeros(blocks, np.int32))
    order = upload(dev, np.zeros(1, np.int64))
    function = load(dev, "count", "bbss")
    for _ in range(3):
        run(function, counts.ptr, order.ptr, spins, next(launch_numbers), blocks=blocks)
    assert (download(dev, counts, np.int32) == 3).all()
    assert download(dev, order, np.int64)[0] == 0


def test_three_dimensional_grids_cover_all_blocks(dev: Any) -> None:
    counts = upload(dev, np.zeros(5 * 6 * 7, np.int32))
    order = upload(dev, np.zeros(1, np.int64))
    function = load(dev, "count", "bbss")
    function.launch((5, 6, 7), 0, pack(counts.ptr, order.ptr, 0, 0), None, None)
    assert (download(dev, counts, np.int32) == 1).all()


@pytest.mark.parametrize(("scratch", "shared"), [(0, 100), (100, 0), (1000, 5000), (300_000, 48)])
def test_workers_have_scratch_of_their_own(dev: Any, scratch: int, shared: int) -> None:
    out = upload(dev, np.zeros(50, np.int32))
    function = load(dev, "fill_scratch", "bs", scratch=scratch)
    whole = (scratch + 63) // 64 * 64 + shared
    run(function, out.ptr, whole, blocks=50, shared=shared)
    assert (download(dev, out, np.int32) == 1).all()


def rounds(dev: Any, blocks: int, waits: int, *, leaver: int = -1, **options: Any) -> Any:
    """The sums of blocks that wait for each other so often."""
    sums = upload(dev, np.zeros(blocks, np.int64))
    written = upload(dev, np.zeros(2 * blocks, np.int64))
    function = load(dev, "rounds", "bbss", scratch=16, cooperative=True)
    function.on_site = options.pop("on_site", None)
    run(function, sums.ptr, written.ptr, waits, leaver, blocks=blocks, **options)
    dev.synchronize()
    return download(dev, sums, np.int64)


@pytest.mark.parametrize("shared", [0, 100])
@pytest.mark.parametrize("blocks", [1, 2, 100])
def test_blocks_wait_for_each_other(dev: Any, blocks: int, shared: int) -> None:
    """Each round sees what all blocks wrote in the one before, more blocks than workers too."""
    for waits in (0, 1, 5):
        wrote = [sum(range(n, n + blocks)) for n in range(waits)]
        assert (rounds(dev, blocks, waits, shared=shared) == sum(wrote)).all()


def test_waiting_blocks_of_a_stream(dev: Any) -> None:
    stream = dev.create_stream()
    assert (rounds(dev, 10, 2, stream=stream) == 45 + 55).all()
    stream.synchronize()


def test_a_block_that_ends_while_others_wait_is_reported(dev: Any) -> None:
    seen: list[Any] = []
    rounds(dev, 9, 3, leaver=5, on_site=lambda *a: seen.append(a) or True)
    assert seen == [(7, (5, 0, 0), (0, 0, 0), ())]


def test_an_older_plugin_gets_no_cooperative_kernel(forge: Make) -> None:
    old = core.Plugin.open(str(forge("FIRST_MINOR"))).device(0)
    with pytest.raises(core.CoreError) as caught:
        load(old, "rounds", "bbss", scratch=16, cooperative=True)
    assert "waits for its whole grid" in caught.value.args[0]
    assert "ABI 1.0" in caught.value.args[0]


def test_many_python_threads_launch_at_once(dev: Any) -> None:
    function = load(dev, "count", "bbss")
    order = upload(dev, np.zeros(1, np.int64))
    arrays = [upload(dev, np.zeros(500, np.int32)) for _ in range(8)]

    def work(counts: Any) -> None:
        for _ in range(50):
            run(function, counts.ptr, order.ptr, 50, 0, blocks=500)

    threads = [threading.Thread(target=work, args=(a,)) for a in arrays]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for counts in arrays:
        assert (download(dev, counts, np.int32) == 50).all()


def test_python_runs_while_a_launch_works() -> None:
    dev = device("cpu")
    out = upload(dev, np.zeros(1, np.int64))
    function = load(dev, "slow_add", "bss")
    thread = threading.Thread(target=run, args=(function, out.ptr, 1, 300_000_000))
    start = time.perf_counter()
    thread.start()
    steps = 0
    while thread.is_alive() and steps < 1000:
        steps += 1
        time.sleep(0.001)
    took = time.perf_counter() - start
    thread.join()
    assert steps > took / 0.001 / 20


# ---- streams and events ----------------------------------------------------------------------


def test_stream_runs_in_order(dev: Any) -> None:
    stream = dev.create_stream()
    out = upload(dev, np.zeros(1, np.int64))
    function = load(dev, "slow_add", "bss")
    for digit in range(1, 6):
        run(function, out.ptr, digit, 100_000 // digit, stream=stream)
    stream.synchronize()
    assert download(dev, out, np.int64)[0] == 12345


def test_launch_on_a_stream_returns_before_it_is_done(dev: Any) -> None:
    stream = dev.create_stream()
    out = upload(dev, np.zeros(1, np.int64))
    run(load(dev, "slow_add", "bss"), out.ptr, 1, 200_000_000, stream=stream)
    assert not stream.query()
    stream.synchronize()
    assert stream.query()


def test_stream_waits_for_an_event_of_another(dev: Any) -> None:
    first, second = dev.create_stream(), dev.create_stream()
    event = dev.create_event()
    out = upload(dev, np.zeros(1, np.int64))
    function = load(dev, "slow_add", "bss")
    run(function, out.ptr, 1, 20_000_000, stream=first)
    event.record(first)
    second.wait(event)
    run(function, out.ptr, 2, 0, stream=second)
    second.synchronize()
    assert download(dev, out, np.int64)[0] == 12


def test_default_stream_orders_itself_with_all_others(dev: Any) -> None:
    stream = dev.create_stream()
    out = upload(dev, np.zeros(1, np.int64))
    function = load(dev, "slow_add", "bss")
    run(function, out.ptr, 1, 20_000_000, stream=stream)
    run(function, out.ptr, 2, 10_000_000)
    run(function, out.ptr, 3, 0, stream=stream)
    assert download(dev, out, np.int64)[0] == 123


def test_current_stream_belongs_to_the_thread(dev: Any) -> None:
    stream = dev.create_stream()
    core.set_current_stream(dev, stream)
    try:
        seen: list[Any] = []
        thread = threading.Thread(target=lambda: seen.append(core.current_stream(dev)))
        thread.start()
        thread.join()
        assert seen[0] is not stream
        assert core.current_stream(dev) is stream
    finally:
        core.set_current_stream(dev, None)
    assert core.current_stream(dev).handle == dev.default_stream.handle


def test_stream_of_another_device_is_refused() -> None:
    cpu, sim = device("cpu"), device("sim")
    with pytest.raises(core.CoreError, match="a stream of sim:0 was given to cpu:0"):
        core.set_current_stream(cpu, sim.default_stream)
    with pytest.raises(ValueError, match="kernel add was loaded for cpu:0"):
        run(load(cpu, "add", "bbbs"), 0, 0, 0, 0, stream=sim.create_stream())


def test_event_measures_time(dev: Any) -> None:
    stream = dev.create_stream()
    start, end = dev.create_event(), dev.create_event()
    out = upload(dev, np.zeros(1, np.int64))
    start.record(stream)
    run(load(dev, "slow_add", "bss"), out.ptr, 1, 20_000_000, stream=stream)
    end.record(stream)
    end.synchronize()
    assert end.query()
    assert 1 < start.elapsed(end) < 5000


def test_elapsed_needs_recorded_events(dev: Any) -> None:
    with pytest.raises(core.CoreError, match="two recorded events"):
        dev.create_event().elapsed(dev.create_event())


def test_event_never_recorded_is_complete(dev: Any) -> None:
    event = dev.create_event()
    assert event.query()
    event.synchronize()


def test_stream_that_dies_finishes_its_work(dev: Any) -> None:
    out = upload(dev, np.zeros(1, np.int64))
    stream = dev.create_stream()
    run(load(dev, "slow_add", "bss"), out.ptr, 7, 20_000_000, stream=stream)
    del stream
    assert download(dev, out, np.int64)[0] == 7


def test_event_may_die_while_it_is_pending(dev: Any) -> None:
    stream = dev.create_stream()
    out = upload(dev, np.zeros(1, np.int64))
    run(load(dev, "slow_add", "bss"), out.ptr, 1, 20_000_000, stream=stream)
    event = dev.create_event()
    event.record(stream)
    del event
    stream.synchronize()


def test_memory_and_function_live_until_the_launch_is_done(dev: Any) -> None:
    stream = dev.create_stream()
    out = upload(dev, np.zeros(1, np.int64))
    keep = upload(dev, np.zeros(1, np.int64))
    run(load(dev, "slow_add", "bss"), keep.ptr, 1, 50_000_000, stream=stream)
    function = load(dev, "slow_add", "bss")
    run(function, out.ptr, 5, 0, stream=stream)
    del function, keep
    gc.collect()
    stream.synchronize()
    assert download(dev, out, np.int64)[0] == 5


def test_owner_of_foreign_memory_is_kept_until_the_launch_is_done() -> None:
    cpu = device("cpu")
    stream = cpu.create_stream()
    died = threading.Event()

    class Owner:
        def __init__(self) -> None:
            self.values = np.zeros(1, np.int64)

        def __del__(self) -> None:
            died.set()

    owner = Owner()
    function = load(cpu, "slow_add", "bss")
    packed = pack(owner.values.ctypes.data, 1, 100_000_000)
    function.launch((1, 1, 1), 0, packed, owner, stream)
    del owner
    assert not died.is_set()
    stream.synchronize()
    assert died.wait(5)


def test_blocking_launches_are_done_when_they_return(dev: Any) -> None:
    stream = dev.create_stream()
    out = upload(dev, np.zeros(1, np.int64))
    core.set_launch_blocking(True)
    try:
        run(load(dev, "slow_add", "bss"), out.ptr, 1, 20_000_000, stream=stream)
        assert stream.query()
    finally:
        core.set_launch_blocking(False)


def test_error_on_the_device_comes_at_the_next_synchronisation() -> None:
    sim = device("sim")
    stream = sim.create_stream()
    host = np.zeros(4, np.float32)
    run(load(sim, "add", "bbbs"), host.ctypes.data, 0, 0, 4, stream=stream)
    with pytest.raises(core.CoreError, match="kernel add: parameter 0 is the address") as caught:
        stream.synchronize()
    assert "copy host data to the device" in caught.value.args[4]
    stream.synchronize()


def test_text_is_no_kernel_for_devices_of_this_process(dev: Any) -> None:
    with pytest.raises(core.CoreError, match="format address") as caught:
        dev.load("text", b"__global__ ...", "k", [], 0, (1, 1, 1), 0, 0, None)
    assert caught.value.args[1] == 3


def launch_and_wait(dev: Any, function: Any, *values: int) -> None:
    run(function, *values, blocks=5)
    dev.synchronize()


# ---- callbacks -------------------------------------------------------------------------------


def test_callback_gets_site_places_and_values(dev: Any) -> None:
    function = load(dev, "report", "ss")
    seen: list[Any] = []
    function.on_site = lambda *a: seen.append(a) or False
    run(function, 4, 0, blocks=3)
    dev.synchronize()
    real = struct.unpack("<q", struct.pack("<d", 2.5))[0]
    expected = [(4, (i, 0, 0), (1, 2, 3), (i, real)) for i in range(3)]
    assert sorted(seen) == expected


def test_callback_can_be_taken_off(dev: Any) -> None:
    function = load(dev, "report", "ss")
    function.on_site = lambda *a: pytest.fail("called")
    function.on_site = None
    assert function.on_site is None
    run(function, 0, 0)
    dev.synchronize()


def test_what_a_callback_raises_is_raised_by_the_launch(dev: Any) -> None:
    function = load(dev, "report", "ss")

    def callback(*args: Any) -> bool:
        raise LookupError(f"site {args[0]}")

    function.on_site = callback
    with pytest.raises(LookupError, match="site 9") as caught:
        launch_and_wait(dev, function, 9, 0)
    assert caught.traceback[-1].name == "callback"
    function.on_site = None
    launch_and_wait(dev, function, 9, 0)


def test_what_a_callback_raises_on_a_stream_is_raised_there(dev: Any) -> None:
    function, stream = load(dev, "report", "ss"), dev.create_stream()

    def callback(*args: Any) -> bool:
        raise LookupError("on a stream")

    function.on_site = callback
    run(function, 0, 0, stream=stream)
    with pytest.raises(LookupError, match="on a stream"):
        stream.synchronize()
    stream.synchronize()


def test_callback_stops_the_launch_by_its_answer(dev: Any) -> None:
    function = load(dev, "report", "ss")
    calls: list[int] = []
    function.on_site = lambda *a: calls.append(1) or True
    run(function, 0, 0, blocks=100)
    dev.synchronize()
    assert len(calls) == 1


def test_callbacks_of_one_launch_do_not_overlap() -> None:
    function = load(device("cpu"), "report", "ss")
    inside, worst = [0], [0]

    def callback(*args: Any) -> bool:
        inside[0] += 1
        worst[0] = max(worst[0], inside[0])
        time.sleep(0.0005)
        inside[0] -= 1
        return False

    function.on_site = callback
    run(function, 0, 20_000, blocks=100)
    assert worst[0] == 1


def test_callback_may_launch() -> None:
    cpu = device("cpu")
    outer, inner = load(cpu, "report", "ss"), load(cpu, "fill_scratch", "bs", scratch=256)
    out = upload(cpu, np.zeros(4, np.int32))

    def callback(*args: Any) -> bool:
        run(inner, out.ptr, 256, blocks=4)
        return False

    outer.on_site = callback
    run(outer, 0, 10_000, blocks=20)
    assert (download(cpu, out, np.int32) == 1).all()


# ---- interrupts, fork, exit: in processes of their own ----------------------------------------

INTERRUPT = """
import traceback
def interrupt(after):
    threading.Timer(after, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
def expect(action):
    interrupt(0.3)
    start = time.perf_counter()
    try:
        action()
    except KeyboardInterrupt:
        print("interrupted", time.perf_counter() - start < 1.3)
    else:
        print("not interrupted")
def usable(dev):
    out = upload(dev, np.zeros(1, np.int64))
    run(load(dev, "slow_add", "bss"), out.ptr, 3, 0)
    print("usable", download(dev, out, np.int64)[0] == 3)
"""
INTERRUPTED = "interrupted True\nusable True\n"


@pytest.mark.parametrize("blocks", [1, 64])
def test_interrupt_stops_a_launch(blocks: int) -> None:
    done = script(f"""{INTERRUPT}
cpu = device("cpu")
expect(lambda: run(load(cpu, "endless", ""), blocks={blocks}))
usable(cpu)
""")
    assert (done.stdout, done.returncode) == (INTERRUPTED, 0), done.stderr


@pytest.mark.parametrize("name", ["cpu", "sim"])
@pytest.mark.parametrize("wait", ["stream", "device", "event", "copy", "default_copy"])
def test_interrupt_stops_what_is_waited_for(name: str, wait: str) -> None:
    done = script(f"""{INTERRUPT}
dev = device("{name}")
stream, event = dev.create_stream(), dev.create_event()
out = upload(dev, np.zeros(1, np.int64))
run(load(dev, "endless", ""), stream=stream)
event.record(stream)
waits = dict(stream=stream.synchronize, device=dev.synchronize, event=event.synchronize,
             copy=lambda: dev.copy_to_host(np.empty(1, np.int64), out.ptr, stream),
             default_copy=lambda: dev.copy_to_host(np.empty(1, np.int64), out.ptr, None))
expect(waits["{wait}"])
usable(dev)
""")
    assert (done.stdout, done.returncode) == (INTERRUPTED, 0), done.stderr


def test_interrupt_stops_a_default_launch_that_waits_for_a_stream() -> None:
    done = script(f"""{INTERRUPT}
cpu = device("cpu")
stream = cpu.create_stream()
run(load(cpu, "endless", ""), stream=stream)
expect(lambda: run(load(cpu, "slow_add", "bss"), 0, 0, 0))
expect(lambda: cpu.default_stream.synchronize() or stream.synchronize())
usable(cpu)
""")
    assert done.stdout == "interrupted True\n" + INTERRUPTED, done.stderr


def test_launch_in_another_thread_goes_on_while_the_main_thread_is_interrupted() -> None:
    done = script(f"""{INTERRUPT}
cpu = device("cpu")
out = upload(cpu, np.zeros(1, np.int64))
done = threading.Event()
def work():
    run(load(cpu, "slow_add", "bss"), out.ptr, 4, 1_000_000_000)
    done.set()
threading.Thread(target=work).start()
expect(done.wait)
done.wait()
print(download(cpu, out, np.int64)[0])
""")
    assert done.stdout == "interrupted True\n4\n", done.stderr


@pytest.mark.parametrize("name", ["cpu", "sim"])
def test_child_of_fork_launches(name: str) -> None:
    done = script(f"""
dev = device("{name}")
counts, order = upload(dev, np.zeros(5000, np.int32)), upload(dev, np.zeros(1, np.int64))
function, stream = load(dev, "count", "bbss"), dev.create_stream()
for on in (None, stream):
    run(function, counts.ptr, order.ptr, 300, 0, blocks=5000, stream=on)
dev.synchronize()
child = os.fork()
if child == 0:
    for on in (None, stream, dev.create_stream()):
        run(function, counts.ptr, order.ptr, 300, 0, blocks=5000, stream=on)
    dev.synchronize()
    os._exit(0 if (download(dev, counts, np.int32) == 5).all() else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print((download(dev, counts, np.int32) == 2).all())
""")
    assert done.stdout == "0\nTrue\n", done.stderr


def test_child_forked_while_threads_launch_works() -> None:
    done = script("""
cpu = device("cpu")
counts, order = upload(cpu, np.zeros(2000, np.int32)), upload(cpu, np.zeros(1, np.int64))
function = load(cpu, "count", "bbss")
stop = False
def churn():
    while not stop:
        run(function, counts.ptr, order.ptr, 100, 0, blocks=2000)
        cpu.alloc(100_000)
threads = [threading.Thread(target=churn) for _ in range(3)]
for thread in threads: thread.start()
codes = []
for _ in range(10):
    child = os.fork()
    if child == 0:
        mine = upload(cpu, np.zeros(2000, np.int32))
        run(function, mine.ptr, order.ptr, 100, 0, blocks=2000)
        os._exit(0 if (download(cpu, mine, np.int32) == 1).all() else 1)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
stop = True
for thread in threads: thread.join()
print(set(codes))
""")
    assert done.stdout == "{0}\n", done.stderr


@pytest.mark.parametrize("name", ["cpu", "sim"])
def test_process_ends_with_work_in_flight(name: str) -> None:
    done = script(f"""
dev = device("{name}")
stream = dev.create_stream()
run(load(dev, "endless", ""), stream=stream)
function = load(dev, "report", "ss")
function.on_site = lambda *a: False
run(function, 1, 0, blocks=1000, stream=stream)
print("end")
""")
    assert (done.stdout, done.stderr, done.returncode) == ("end\n", "", 0)


def test_process_ends_while_another_thread_launches() -> None:
    done = script("""
cpu = device("cpu")
threading.Thread(target=lambda: run(load(cpu, "endless", ""), blocks=8), daemon=True).start()
time.sleep(0.3)
print("end")
""")
    assert (done.stdout, done.returncode) == ("end\n", 0), done.stderr


def test_raw_touch_of_device_memory_dies() -> None:
    done = script("""
import ctypes
array = upload(device("sim"), np.zeros(100))
print("before", flush=True)
ctypes.string_at(array.ptr, 8)
print("after", flush=True)
""")
    assert (done.stdout, done.returncode) == ("before\n", -11)


@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_number_of_workers_can_be_set(threads: str) -> None:
    done = script(
        """
import json
cpu = device("cpu")
counts, order = upload(cpu, np.zeros(3000, np.int32)), upload(cpu, np.zeros(1, np.int64))
for _ in range(20):
    run(load(cpu, "count", "bbss"), counts.ptr, order.ptr, 300, 0, blocks=3000)
print(json.loads(cpu.model())["multiprocessors"], (download(cpu, counts, np.int32) == 20).all())
""",
        ACCELERX_NUM_THREADS=threads,
    )
    assert done.stdout == f"{threads} True\n", done.stderr


@pytest.mark.skipif("asan" in os.environ.get("LD_PRELOAD", ""), reason="ASan delays frees")
@pytest.mark.parametrize("name", ["cpu", "sim"])
def test_launches_do_not_grow_the_process(name: str) -> None:
    done = script(f"""
import resource
dev = device("{name}")
a = upload(dev, np.zeros(32, np.float32))
dispatcher = core.Dispatcher(print)
key, plan = KEYS[np.float32], [(0, i, 0, 0, 8 * i) for i in range(3)] + [(2, 0, 0, 0, 24)]
dispatcher.add((key,) * 3, load(dev, "add", "bbbs"), plan, (1, 1, 1), 0, None)
def launches(count):
    for i in range(count):
        dispatcher(a, a, a)
        if i % 100 == 0: dev.synchronize()
    dev.synchronize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = launches(20_000)
print(launches(100_000) - before < 1024)
""")
    assert done.stdout == "True\n", done.stderr
