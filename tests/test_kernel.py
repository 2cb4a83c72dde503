from __future__ import annotations

import enum
import gc
import math
import os
import pickle
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import accelerx as ax
from accelerx import cuda
from accelerx.compiler.recipe import Recipe
from accelerx.errors import (
    ArgumentTypeError,
    CompileError,
    KernelAssertionError,
    LaunchError,
    OutOfResourcesError,
)
from accelerx.kernel import MAX_LAUNCHERS, Kernel, jit
from accelerx.ndarray import read_only
from accelerx.runtime.device import Device
from accelerx.runtime.device import device as device_named
from accelerx.runtime.stream import Stream

SCALE = 3


@jit
def scaled(x, out):
    i = cuda.grid(1)
    if i < out.size:
        out[i] = x[i] * SCALE


@jit
def affine(a, x, b, out):
    i = cuda.grid(1)
    if i < out.size:
        out[i] = a * x[i] + b


@jit
def added_in_place(x, n):
    i = cuda.grid(1)
    if i < x.size:
        x[i] += n


def floats(n: int) -> np.ndarray:
    return np.arange(n, dtype=np.float32)


# ------------------------------------------------------------------------------- arguments


def test_device_arrays_are_written(device: Device) -> None:
    x, out = ax.asarray(floats(100)), ax.zeros(100)
    scaled[4, 32](x, out)
    np.testing.assert_array_equal(out.copy_to_host(), floats(100) * 3)


def test_a_second_launch_takes_other_arrays_of_the_type(device: Device) -> None:
    for n in (10, 20, 30):
        x, out = ax.asarray(floats(n)), ax.zeros(n)
        scaled[1, 32](x, out)
        np.testing.assert_array_equal(out.copy_to_host(), floats(n) * 3)


def test_numpy_arrays_are_written_when_the_launch_returns(device: Device) -> None:
    out = np.zeros(100, np.float32)
    scaled[4, 32](floats(100), out)
    np.testing.assert_array_equal(out, floats(100) * 3)


def test_numpy_and_device_arrays_mix(device: Device) -> None:
    out = np.zeros(100, np.float32)
    scaled[4, 32](ax.asarray(floats(100)), out)
    np.testing.assert_array_equal(out, floats(100) * 3)


@pytest.mark.parametrize("view", [np.s_[::2], np.s_[::-1], np.s_[3:40]], ids=str)
def test_strided_arrays_are_taken(device: Device, view: slice) -> None:
    base = np.zeros(100, np.float32)
    scaled[4, 32](floats(100)[view], base[view])
    expected = np.zeros(100, np.float32)
    expected[view] = floats(100)[view] * 3
    np.testing.assert_array_equal(base, expected)
    x, out = ax.asarray(floats(100)), ax.zeros(100)
    scaled[4, 32](x[view], out[view])
    np.testing.assert_array_equal(out.copy_to_host(), expected)


def test_fortran_arrays_are_taken(device: Device) -> None:
    @jit
    def transposed(x, out):
        i, j = cuda.grid(2)
        if i < x.shape[0] and j < x.shape[1]:
            out[j, i] = x[i, j]

    host = np.asfortranarray(floats(12).reshape(3, 4))
    out = np.zeros((4, 3), np.float32)
    transposed[1, (4, 4)](host, out)
    np.testing.assert_array_equal(out, host.T)


def test_arrays_at_odd_addresses_are_copied(device: Device) -> None:
    record = np.zeros(20, np.dtype([("pad", "i1"), ("x", "f4")]))
    record["x"] = np.arange(20)
    out = np.zeros(20, np.float32)
    scaled[1, 32](record["x"], out)
    np.testing.assert_array_equal(out, floats(20) * 3)


def test_one_array_given_twice_is_one_memory(device: Device) -> None:
    x = floats(20)
    scaled[1, 32](x, x)
    np.testing.assert_array_equal(x, floats(20) * 3)


def test_empty_arrays_are_taken(device: Device) -> None:
    out = np.zeros(0, np.float32)
    scaled[1, 32](floats(0), out)
    scaled[1, 32](ax.zeros(0), ax.zeros(0))


SCALARS = [2, 2.5, True, np.float32(2.5), np.int8(-2), np.uint64(7), np.float64(2.5), 2**31, -5]


@pytest.mark.parametrize("value", SCALARS, ids=repr)
def test_scalars_of_every_kind(device: Device, value: object) -> None:
    out = ax.zeros(8)
    for b in (1, 1.5):
        affine[1, 8](value, ax.asarray(floats(8)), b, out)
        np.testing.assert_allclose(out.copy_to_host(), float(value) * floats(8) + b, rtol=1e-6)


def test_a_scalar_may_outgrow_the_first_ones_type(device: Device) -> None:
    out = ax.zeros(1, np.int64)
    for n in (1, 2**20, 2**40, 3):
        added_in_place[1, 1](out, n)
    assert out[0] == 1 + 2**20 + 2**40 + 3


def test_tuples_are_opened(device: Device) -> None:
    @jit
    def summed(pair, out):
        x, (a, b) = pair
        i = cuda.grid(1)
        if i < out.size:
            out[i] = x[i] * a + b

    out = np.zeros(8, np.float32)
    summed[1, 8]((floats(8), (2, 0.5)), out)
    np.testing.assert_array_equal(out, floats(8) * 2 + 0.5)


def test_enum_members_are_their_values(device: Device) -> None:
    class Colour(enum.Enum):
        RED = 3

    x = ax.zeros(2)
    added_in_place[1, 2](x, Colour.RED)
    np.testing.assert_array_equal(x.copy_to_host(), [3, 3])


def test_defaults_fill_in(device: Device) -> None:
    @jit
    def shifted(x, by=4):
        x[cuda.grid(1)] += by

    x = ax.zeros(4)
    shifted[1, 4](x)
    shifted[1, 4](x, 1)
    np.testing.assert_array_equal(x.copy_to_host(), [5] * 4)


def test_keeps_closures_and_globals_of_its_own(device: Device) -> None:
    def made(factor: int) -> Kernel:
        @jit
        def times(x):
            x[cuda.grid(1)] *= factor

        return times

    x = ax.asarray(floats(4))
    made(2)[1, 4](x)
    made(5)[1, 4](x)
    np.testing.assert_array_equal(x.copy_to_host(), floats(4) * 10)


# ----------------------------------------------------------------------------- bad arguments


def test_wrong_number_of_arguments_prints_the_signature(device: Device) -> None:
    with pytest.raises(ArgumentTypeError, match=r"scaled\(x, out\) takes 2 arguments; 1 were"):
        scaled[1, 32](ax.zeros(4))


def test_an_unknown_argument_is_named(device: Device) -> None:
    with pytest.raises(ArgumentTypeError, match=r"argument 'out' is a builtins.list"):
        scaled[1, 32](ax.zeros(4), [1.0])


@pytest.mark.parametrize("dtype", ["M8[D]", ">f4", "U3"])
def test_dtypes_no_kernel_has_are_named(device: Device, dtype: str) -> None:
    with pytest.raises(ArgumentTypeError, match="argument 'x'"):
        scaled[1, 32](np.zeros(4, dtype), ax.zeros(4))


def test_read_only_arrays_written_to_are_named(device: Device) -> None:
    host = np.zeros(4, np.float32)
    host.flags.writeable = False
    for array in (host, read_only(ax.zeros(4))):
        with pytest.raises((ArgumentTypeError, CompileError), match="out"):
            scaled[1, 32](ax.zeros(4), array)
    scaled[1, 32](host, ax.zeros(4))


def test_arrays_of_two_devices_are_named(cpu: Device) -> None:
    with pytest.raises(LaunchError, match=r"x is on cpu, out on numpy; move one with out.to"):
        scaled[1, 32](ax.zeros(4), ax.zeros(4, device="numpy"))


def test_a_call_without_configuration_says_how(device: Device) -> None:
    with pytest.raises(LaunchError, match=re.escape("scaled[blocks, threads]")):
        scaled(1, 2)


@pytest.mark.parametrize(
    ("configuration", "words"),
    [
        ((0, 32), "grid 0 must be at least 1"),
        ((1, 0), "block 0 must be at least 1"),
        (((1, 0), 32), r"grid \(1, 0\) must be at least 1"),
        ((-1, 32), "at least 1"),
        ((1.5, 32), "must be a sequence of integers"),
        (((1, 1, 1, 1), 32), "must be a sequence of 1, 2 or 3 integers"),
        (((), 32), "must be a sequence of 1, 2 or 3 integers"),
        (7, "takes grid, block"),
        ((1,), "takes grid, block"),
        ((1, 2, 3, 4, 5), "takes grid, block"),
        ((1, 32, "s"), "is not a stream"),
        ((1, 32, 0, -4), "shared bytes"),
    ],
)
def test_bad_configurations_are_explained(configuration: object, words: str) -> None:
    with pytest.raises(LaunchError, match=words):
        scaled[configuration]


@pytest.mark.parametrize(
    ("configuration", "words"),
    [
        ((1, 1025), "has 1025 threads"),
        ((1, (32, 33)), "has 1056 threads"),
        ((1, (1, 1, 65)), "65 threads along z"),
        (((1, 65536), 32), "65536 blocks along y"),
        ((1, 32, 0, 1 << 24), "16777216 dynamic"),
    ],
)
def test_launches_beyond_the_device_are_refused(
    device: Device, configuration: object, words: str
) -> None:
    with pytest.raises(OutOfResourcesError, match=words):
        scaled[configuration](ax.zeros(4), ax.zeros(4))


def test_launch_bounds_are_kept(device: Device) -> None:
    @jit(launch_bounds=64)
    def bounded(x):
        x[0] = 1

    bounded[1, 64](ax.zeros(1))
    with pytest.raises(LaunchError, match="launch_bounds promise at most 64"):
        bounded[1, 65](ax.zeros(1))


def test_a_models_missing_dtype_is_an_error_at_its_place(
    cpu: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    @cuda.jit
    def doubled(x):
        x[0] = x[0] * 2.0

    monkeypatch.setenv("ACCELERX_SIM", "ascend910b")
    with pytest.raises(CompileError, match=r"(?s)float64.*\^.*literals='weak'"):
        doubled[1, 1](ax.zeros(1))

    @jit
    def doubled_weak(x):
        x[0] = x[0] * 2.0

    doubled_weak[1, 1](ax.zeros(1))


def test_a_compile_error_is_raised_at_every_launch(device: Device) -> None:
    @jit
    def bad(x):
        x[0] = undefined_name  # noqa: F821

    for _ in range(2):
        with pytest.raises(CompileError, match="undefined_name"):
            bad[1, 1](ax.zeros(1))


# ---------------------------------------------------------------------------- streams, waiting


def test_launches_in_a_stream_are_ordered(device: Device) -> None:
    stream = Stream(device)
    x = ax.zeros(1000)
    for _ in range(20):
        added_in_place[8, 128, stream](x, 1)
    stream.synchronize()
    np.testing.assert_array_equal(x.copy_to_host(), [20] * 1000)


def test_the_current_stream_is_used(device: Device) -> None:
    x = ax.zeros(1000)
    stream = Stream(device)
    with stream:
        added_in_place[8, 128](x, 1)
    stream.synchronize()
    assert x[999] == 1


def test_numpy_arguments_in_a_stream_are_waited_for(device: Device) -> None:
    out = np.zeros(1000, np.float32)
    added_in_place[8, 128, Stream(device)](out, 2)
    np.testing.assert_array_equal(out, [2] * 1000)


def test_a_stream_of_another_device_is_refused(cpu: Device) -> None:
    with pytest.raises(LaunchError, match="stream belongs to numpy"):
        added_in_place[1, 1, Stream(device_named("numpy"))](ax.zeros(1), 1)


def test_arrays_may_die_before_an_asynchronous_launch_ends(device: Device) -> None:
    stream = Stream(device)
    out = ax.zeros(1 << 16)
    for _ in range(10):
        x = ax.asarray(np.ones(1 << 16, np.float32))
        scaled[256, 256, stream](x, out)
        del x
    stream.synchronize()
    assert (out.copy_to_host() == 3).all()


def test_blocking_launches_wait(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERX_LAUNCH_BLOCKING", "1")
    x = ax.zeros(4)
    jit(added_in_place.py_func)[1, 4, Stream(device)](x, 1)
    np.testing.assert_array_equal(x.copy_to_host(), [1] * 4)


# ------------------------------------------------------------------------- prints and checks


@jit
def talkative(x):
    i = cuda.grid(1)
    if i == 2:
        print("x[", i, "] =", x[i])


def test_prints_come_out_as_pythons(device: Device, capsys: pytest.CaptureFixture[str]) -> None:
    talkative[1, 8](ax.asarray(floats(8)))
    device.synchronize()
    assert capsys.readouterr().out.split() == ["x[", "2", "]", "=", "2.000000"]


@jit
def picky(x):
    i = cuda.grid(1)
    assert x[i] < 5, "too big"


def test_failed_asserts_name_place_block_and_thread(device: Device) -> None:
    with pytest.raises(KernelAssertionError) as caught:
        picky[2, 4](ax.asarray(floats(8)))
        device.synchronize()
    message = str(caught.value)
    assert "too big" in message
    assert "test_kernel.py:" in message
    assert "block (1, 0, 0), thread (1, 0, 0)" in message


def test_launches_go_on_after_a_failed_assert(device: Device) -> None:
    with pytest.raises(KernelAssertionError):
        picky[2, 4](ax.asarray(floats(8)))
        device.synchronize()
    picky[1, 4](ax.asarray(floats(8)))
    device.synchronize()
    out = ax.zeros(8)
    scaled[1, 8](ax.asarray(floats(8)), out)
    np.testing.assert_array_equal(out.copy_to_host(), floats(8) * 3)


def beyond(x):
    x[cuda.grid(1) + 1] = 1


@pytest.mark.parametrize("asked", ["debug", "environment"])
def test_bounds_are_checked_when_asked(
    device: Device, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if asked == "environment":
        monkeypatch.setenv("ACCELERX_CHECK", "bounds")
    kernel = jit(beyond, debug=asked == "debug")
    with pytest.raises(KernelAssertionError, match=r"index 4 is out of bounds.*extent 4"):
        kernel[1, 4](ax.zeros(4))
        device.synchronize()


def test_barriers_in_divergent_flow_are_found(device: Device) -> None:
    @jit(debug=True)
    def diverging(x):
        if x[cuda.threadIdx.x] > 1:
            cuda.syncthreads()
        x[cuda.threadIdx.x] = 1

    with pytest.raises(KernelAssertionError, match="barrier"):
        diverging[1, 4](ax.asarray(floats(4)))
        device.synchronize()


# ------------------------------------------------------------------------------- inspection


@pytest.mark.parametrize(
    ("stage", "words"), [("kir", "kernel scaled("), ("cuda", "__global__"), ("llvm", "define")]
)
def test_stages_can_be_read(device: Device, stage: str, words: str) -> None:
    scaled[1, 32](ax.zeros(4), ax.zeros(4))
    assert words in scaled.inspect(stage)


def test_assembly_can_be_read(cpu: Device) -> None:
    scaled[1, 32](ax.zeros(4), ax.zeros(4))
    assert "ret" in scaled.inspect("asm")


def test_explain_names_device_block_and_types(device: Device) -> None:
    kernel = jit(scaled.py_func)
    kernel[1, 48](ax.zeros(4), ax.zeros(4))
    text = kernel.explain()
    assert f"on {device}, block (48, 1, 1)" in text
    assert "array(float32, 1d, C)" in text


def test_inspecting_what_was_never_compiled_says_so() -> None:
    with pytest.raises(LaunchError, match="was not compiled yet"):
        jit(scaled.py_func).inspect("kir")


def test_dump_writes_the_stages(
    device: Device, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ACCELERX_DUMP", str(tmp_path))
    jit(scaled.py_func, cache=False)[1, 7](ax.zeros(4), ax.zeros(4))
    assert list(tmp_path.glob("scaled-*.kir"))


# -------------------------------------------------------------------------------- the cache


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.axk"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ACCELERX_CACHE_DIR", str(tmp_path))
    return tmp_path


def compile_counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the kernels that are lifted from now on."""
    from accelerx import compilation

    lifted: list[str] = []
    original = compilation.lift

    def counting(recipe: Recipe, *rest: object) -> object:
        lifted.append(recipe.name)
        return original(recipe, *rest)

    monkeypatch.setattr(compilation, "lift", counting)
    return lifted


def run_scaled(device: Device) -> None:
    out = ax.zeros(20)
    jit(scaled.py_func)[1, 20](ax.asarray(floats(20)), out)
    np.testing.assert_array_equal(out.copy_to_host(), floats(20) * 3)


def test_a_cached_kernel_is_not_lifted(
    cpu: Device, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_scaled(cpu)
    assert len(entries(folder)) == 1
    lifted = compile_counted(monkeypatch)
    run_scaled(cpu)
    assert lifted == []


def test_a_corrupt_entry_is_compiled_again(cpu: Device, folder: Path) -> None:
    run_scaled(cpu)
    (entry,) = entries(folder)
    entry.write_bytes(entry.read_bytes()[:-100])
    run_scaled(cpu)
    assert len(entries(folder)) == 1


def test_a_changed_global_is_another_entry(
    cpu: Device, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_scaled(cpu)
    monkeypatch.setitem(globals(), "SCALE", 4)
    out = ax.zeros(4)
    jit(scaled.py_func)[1, 20](ax.asarray(floats(4)), out)
    np.testing.assert_array_equal(out.copy_to_host(), floats(4) * 4)
    assert len(entries(folder)) == 2


def test_a_global_that_cannot_be_told_is_keyed_by_kir(
    cpu: Device, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Odd:
        """Its content cannot be told."""

    monkeypatch.setitem(globals(), "ODD", Odd())

    @jit
    def harmless(x):
        x[0] = 1
        if False:
            x[0] = ODD  # noqa: F821

    def run() -> None:
        x = ax.zeros(1)
        jit(harmless.py_func)[1, 1](x)
        assert x[0] == 1

    run()
    assert len(entries(folder)) == 1
    run()
    assert len(entries(folder)) == 1


def test_cache_can_be_switched_off(cpu: Device, folder: Path) -> None:
    jit(scaled.py_func, cache=False)[1, 20](ax.zeros(20), ax.zeros(20))
    assert entries(folder) == []


def test_prints_and_asserts_survive_the_cache(
    cpu: Device, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        jit(talkative.py_func)[1, 8](ax.asarray(floats(8)))
        assert capsys.readouterr().out.split() == ["x[", "2", "]", "=", "2.000000"]
        with pytest.raises(KernelAssertionError, match="too big"):
            jit(picky.py_func)[2, 4](ax.asarray(floats(8)))


# ----------------------------------------------------------------------- pickles, threads, fork


def test_importable_kernels_are_pickled_by_name() -> None:
    assert pickle.loads(pickle.dumps(scaled)) is scaled


@jit(device=True)
def squared(x):
    return x * x


def nested() -> Kernel:
    offset = np.float32(2)

    @jit
    def inner(x):
        i = cuda.grid(1)
        x[i] = math.sqrt(squared(x[i])) + offset

    return inner


def test_other_kernels_are_pickled_as_source(device: Device) -> None:
    kernel = pickle.loads(pickle.dumps(nested()))
    x = ax.asarray(floats(4))
    kernel[1, 4](x)
    np.testing.assert_array_equal(x.copy_to_host(), floats(4) + 2)
    assert pickle.loads(pickle.dumps(kernel)).__name__ == "inner"


def test_many_threads_compile_and_launch(device: Device) -> None:
    kernel = jit(affine.py_func)
    errors: list[BaseException] = []

    def work(n: int) -> None:
        try:
            with device:
                for _ in range(10):
                    out = ax.zeros(64)
                    kernel[1, 64](n, ax.asarray(floats(64)), 1, out)
                    np.testing.assert_array_equal(out.copy_to_host(), n * floats(64) + 1)
        except BaseException as e:
            errors.append(e)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_forked_child_launches(device: Device) -> None:
    run_scaled(device)
    child = os.fork()
    if child == 0:
        try:
            run_scaled(device)
            jit(affine.py_func)[1, 64](2, ax.asarray(floats(64)), 1, ax.zeros(64))
            device.synchronize()
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def test_a_kernel_from_standard_input_or_exec_works_if_its_source_is_known(device: Device) -> None:
    import linecache

    source = (
        "from accelerx import cuda\nfrom accelerx.kernel import jit\n"
        "@jit\ndef cell(x):\n    x[cuda.grid(1)] = 7\n"
    )
    name = "<ipython-input-1-abc>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    space: dict[str, object] = {}
    exec(compile(source, name, "exec"), space)
    x = ax.zeros(4)
    space["cell"][1, 4](x)
    np.testing.assert_array_equal(x.copy_to_host(), [7] * 4)


# --------------------------------------------------------------------------------- resources


def test_many_configurations_do_not_grow_without_bound(cpu: Device) -> None:
    kernel = jit(added_in_place.py_func)
    x = ax.zeros(4)
    for grid in range(1, MAX_LAUNCHERS + 50):
        kernel[grid, 4](x, 1)
    assert len(kernel._launchers) <= MAX_LAUNCHERS
    assert len(kernel.executables) == 1


@pytest.mark.slow
def test_launches_do_not_leak(cpu: Device) -> None:
    resource = pytest.importorskip("resource")
    x, out, host = ax.zeros(32), ax.zeros(32), floats(32)

    def launch(times: int) -> None:
        for _ in range(times):
            affine[1, 32](2.0, x, 1, out)
            cuda.synchronize()

    launch(1000)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    launch(100_000)
    for _ in range(5_000):
        affine[1, 32](2.0, host, 1, out)
    gc.collect()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2048  # KiB


LONG = """
import os, signal, threading
import numpy as np
from accelerx import cuda
from accelerx.kernel import jit

@jit
def endless(x):
    i = 0
    while x[0] == 0:
        i += 1
    x[1] = i

threading.Timer(0.7, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    endless[1, 32](cuda.to_device(np.zeros(2, np.float32)))
except KeyboardInterrupt:
    print("interrupted")
"""


def test_ctrl_c_stops_a_long_launch(cpu: Device, tmp_path: Path) -> None:
    script = tmp_path / "long.py"
    script.write_text(LONG)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=20, check=False
    )
    assert "interrupted" in done.stdout, done.stderr
