from __future__ import annotations

import importlib
import io
import pickle
import re
import threading

import numpy as np
import pytest

import accelerx as ax
from accelerx.errors import (
    ArgumentTypeError,
    CompileError,
    KernelAssertionError,
    LaunchError,
    OutOfResourcesError,
    UnsupportedError,
)
from accelerx.raw import RawKernel
from accelerx.runtime.device import Device
from accelerx.runtime.stream import Stream

pytest.importorskip("clang.cindex")

SAXPY = r"""
extern "C" __global__ void saxpy(int n, float a, const float *x, float *y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = a * x[i] + y[i];
}
"""
TEMPLATE = r"""
template <typename T, int N>
__global__ void scale(T *x) { x[threadIdx.x] *= N; }
"""
DYNAMIC = r"""
extern "C" __global__ void reversed(const int *x, int *y) {
  extern __shared__ int held[];
  held[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = held[blockDim.x - 1 - threadIdx.x];
}
"""


def floats(n: int) -> np.ndarray:
    return np.arange(n, dtype=np.float32)


# ------------------------------------------------------------------------------- launching


@pytest.mark.parametrize(
    ("grid", "block"), [((4,), (32,)), (4, 32), ((4, 1, 1), (32, 1)), ([4], [32])], ids=str
)
def test_it_is_launched_as_cupys(device: Device, grid: object, block: object) -> None:
    x, y = ax.asarray(floats(100)), ax.ones(100)
    kernel = RawKernel(SAXPY, "saxpy")
    for turn in (1, 2):
        kernel(grid, block, (100, 2.0, x, y))
        np.testing.assert_array_equal(y.get(), 1 + 2 * turn * floats(100))


def test_arguments_of_other_types_and_sizes_follow(device: Device) -> None:
    kernel = RawKernel(SAXPY, "saxpy")
    for n in (5, 50, 7):
        y = ax.zeros(n)
        kernel((2,), (32,), (np.int32(n), np.float32(3), ax.asarray(floats(n)), y))
        np.testing.assert_array_equal(y.get(), 3 * floats(n))


def test_arguments_may_be_a_list(cpu: Device) -> None:
    y = ax.zeros(5)
    RawKernel(SAXPY, "saxpy")((1,), (32,), [5, 1.0, ax.asarray(floats(5)), y])
    np.testing.assert_array_equal(y.get(), floats(5))


def test_an_array_alone_is_no_tuple_of_arguments(cpu: Device) -> None:
    with pytest.raises(LaunchError, match="arguments are a tuple, not ndarray"):
        RawKernel(SAXPY, "saxpy")((1,), (32,), ax.zeros(4))


def test_a_stream_is_launched_on(device: Device) -> None:
    stream, y = Stream(), ax.zeros(5)
    x = ax.asarray(floats(5))
    kernel = RawKernel(SAXPY, "saxpy")
    for _ in range(3):
        kernel((1,), (32,), (5, 1.0, x, y), stream=stream)
    stream.synchronize()
    np.testing.assert_array_equal(y.get(), 3 * floats(5))


def test_dynamic_shared_memory_is_the_launchs(device: Device) -> None:
    x, y = ax.arange(32, dtype=np.int32), ax.zeros(32, np.int32)
    RawKernel(DYNAMIC, "reversed")((1,), (32,), (x, y), shared_mem=32 * 4)
    np.testing.assert_array_equal(y.get(), np.arange(32)[::-1])


def test_a_name_expression_names_an_instance(device: Device) -> None:
    for dtype, type_ in (("float32", "float"), ("int64", "long long")):
        x = ax.arange(8, dtype=dtype)
        RawKernel(TEMPLATE, f"scale<{type_}, 3>")((1,), (8,), (x,))
        np.testing.assert_array_equal(x.get(), 3 * np.arange(8))


def test_launches_follow_the_arrays_to_their_device(cpu: Device, sim: Device) -> None:
    kernel = RawKernel(SAXPY, "saxpy")
    for device in (cpu, sim, cpu, sim):
        x, y = ax.asarray(floats(9), device), ax.zeros(9, device=device)
        kernel((1,), (32,), (9, 2.0, x, y))
        np.testing.assert_array_equal(y.get(), 2 * floats(9))


def test_arrays_of_two_devices_are_refused(cpu: Device, sim: Device) -> None:
    x, y = ax.zeros(4, device=cpu), ax.zeros(4, device=sim)
    with pytest.raises(LaunchError, match="x is on cpu, y on sim:0"):
        RawKernel(SAXPY, "saxpy")((1,), (32,), (4, 1.0, x, y))


def test_a_remembered_integer_may_outgrow_its_type(cpu: Device) -> None:
    kernel = RawKernel(SAXPY, "saxpy")
    x, y = ax.asarray(floats(4)), ax.zeros(4)
    kernel((1,), (32,), (4, 1.0, x, y))
    with pytest.raises(ArgumentTypeError, match="= 4294967296 does not fit the parameter"):
        kernel((1,), (32,), (2**32, 1.0, x, y))


def test_threads_launch_one_kernel(device: Device) -> None:
    kernel = RawKernel(SAXPY, "saxpy")
    results: list[np.ndarray] = []

    def work() -> None:
        with device:
            x, y = ax.asarray(floats(100)), ax.zeros(100)
            for _ in range(5):
                kernel((4,), (32,), (100, 1.0, x, y))
            results.append(y.get())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    for result in results:
        np.testing.assert_array_equal(result, 5 * floats(100))


# ------------------------------------------------------------------------------- construction


def test_it_tells_what_it_was_made_of() -> None:
    kernel = RawKernel(SAXPY, "saxpy", ("-DN=1",), "nvcc", enable_cooperative_groups=True)
    assert (kernel.name, kernel.code, kernel.options) == ("saxpy", SAXPY, ("-DN=1",))
    assert (kernel.backend, kernel.file_path) == ("nvcc", None)
    assert kernel.enable_cooperative_groups
    assert repr(kernel) == "<RawKernel 'saxpy' of kernel.cu>"


def test_what_cupy_takes_is_taken(cpu: Device) -> None:
    x, y = ax.asarray(floats(4)), ax.zeros(4)
    kernel = RawKernel(SAXPY, "saxpy", (), "nvrtc", True, jitify=True)
    kernel((1,), (32,), (4, 1.0, x, y))
    np.testing.assert_array_equal(y.get(), floats(4))


def test_what_cannot_be_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="backend is one of nvrtc, nvcc, not 'hipcc'"):
        RawKernel(SAXPY, "saxpy", backend="hipcc")
    with pytest.raises(TypeError, match="code is a string, not bytes"):
        RawKernel(SAXPY.encode(), "saxpy")  # type: ignore[arg-type]
    with pytest.raises(UnsupportedError, match="'-frobnicate' is not known"):
        RawKernel(SAXPY, "saxpy", ("-frobnicate",))


def test_macros_and_headers_reach_the_text(cpu: Device) -> None:
    code = '#include "own.h"\nextern "C" __global__ void k(int *y) { y[0] = N + M; }'
    y = ax.zeros(1, np.int32)
    RawKernel(code, "k", ("-DN=40",), headers={"own.h": "#define M 2\n"})((1,), (1,), (y,))
    assert y.get()[0] == 42


def test_a_faulty_text_is_shown_with_a_caret(cpu: Device) -> None:
    kernel = RawKernel('extern "C" __global__ void k(int *y) { y[0] = nothing; }', "k")
    log = io.StringIO()
    with pytest.raises(CompileError, match=r"kernel.cu:1:47: error: .*'nothing'") as raised:
        kernel.compile(log)
    assert log.getvalue() == f"{raised.value}\n"
    with pytest.raises(CompileError):
        kernel((1,), (1,), (ax.zeros(1, np.int32),))


def test_a_name_that_is_not_there_is_told_with_those_that_are(cpu: Device) -> None:
    with pytest.raises(CompileError, match=r"there is no __global__ function 'axpy'; it has saxpy"):
        RawKernel(SAXPY, "axpy").compile()


def test_compile_needs_no_launch(device: Device) -> None:
    kernel = RawKernel(SAXPY, "saxpy")
    kernel.compile(block=(64,))
    assert "block 64x1x1" in kernel.inspect()


# ------------------------------------------------------------------------------- limits


def test_launch_bounds_are_a_promise(device: Device) -> None:
    code = 'extern "C" __global__ void __launch_bounds__(64) k(int *y) { y[0] = 1; }'
    kernel, y = RawKernel(code, "k"), ax.zeros(1, np.int32)
    assert kernel.max_threads_per_block == 64
    with pytest.raises(LaunchError, match="promise at most 64"):
        kernel((1,), (65,), (y,))


def test_dynamic_shared_memory_beyond_the_limit_needs_the_attribute(
    monkeypatch: pytest.MonkeyPatch, cpu: Device
) -> None:
    monkeypatch.setenv("ACCELERX_SIM", "a100")
    x, y = ax.arange(32, dtype=np.int32), ax.zeros(32, np.int32)
    kernel = RawKernel(DYNAMIC, "reversed")
    assert kernel.max_dynamic_shared_size_bytes == 48 * 1024
    with pytest.raises(OutOfResourcesError, match="set max_dynamic_shared_size_bytes first"):
        kernel((1,), (32,), (x, y), shared_mem=100 * 1024)
    kernel.max_dynamic_shared_size_bytes = 100 * 1024
    kernel((1,), (32,), (x, y), shared_mem=100 * 1024)
    np.testing.assert_array_equal(y.get(), np.arange(32)[::-1])
    with pytest.raises(OutOfResourcesError, match="a100 has at most 166912"):
        kernel.max_dynamic_shared_size_bytes = 164 * 1024


def test_a_lowered_limit_holds_for_remembered_launches(cpu: Device) -> None:
    x, y = ax.arange(32, dtype=np.int32), ax.zeros(32, np.int32)
    kernel = RawKernel(DYNAMIC, "reversed")
    kernel((1,), (32,), (x, y), shared_mem=128)
    kernel.max_dynamic_shared_size_bytes = 64
    with pytest.raises(OutOfResourcesError, match="set to take at most 64"):
        kernel((1,), (32,), (x, y), shared_mem=128)


def test_attributes_have_cudas_names(device: Device) -> None:
    code = r"""
    __constant__ float table[10];
    extern "C" __global__ void k(float *y) {
      __shared__ float s[32];
      s[threadIdx.x] = table[threadIdx.x % 10];
      __syncthreads();
      y[threadIdx.x] = s[31 - threadIdx.x];
    }
    """
    kernel = RawKernel(code, "k")
    assert kernel.attributes == {
        "max_threads_per_block": 1024,
        "shared_size_bytes": 128,
        "const_size_bytes": 40,
        "local_size_bytes": kernel.local_size_bytes,
        "num_regs": 0,
        "ptx_version": 80,
        "binary_version": 80,
        "cache_mode_ca": 0,
        "max_dynamic_shared_size_bytes": 48 * 1024 - 128,
        "preferred_shared_memory_carveout": -1,
    }
    for name, value in kernel.attributes.items():
        assert getattr(kernel, name) == value


# ------------------------------------------------------------------------------- looking in


def test_stages_are_shown(cpu: Device) -> None:
    kernel = RawKernel(SAXPY, "saxpy")
    assert "kernel saxpy" in kernel.inspect("kir")
    assert "__global__" in kernel.inspect("cuda")
    if cpu.dialect == "llvm":
        assert "define" in kernel.inspect("llvm")


def test_explain_tells_the_declaration_and_the_device(device: Device) -> None:
    kernel = RawKernel(SAXPY, "saxpy")
    kernel.compile(block=32)
    said = f"void saxpy(int n, float a, const float *x, float *y) on {device}, block (32, 1, 1)"
    assert said in kernel.explain()


def test_bounds_are_checked_on_request(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERX_CHECK", "bounds")
    x, y = ax.asarray(floats(10)), ax.zeros(10)
    kernel = RawKernel(SAXPY, "saxpy")
    kernel((1,), (32,), (10, 1.0, x, y))
    np.testing.assert_array_equal(y.get(), floats(10))
    said = r"kernel.cu:4:\d+: error: index 10 is out of bounds: x has extent 10"
    with pytest.raises(KernelAssertionError, match=said):
        kernel((1,), (32,), (11, 1.0, x, y))
        device.synchronize()


@pytest.mark.parametrize("view", [np.s_[2:6], np.s_[::2], np.s_[::-1]], ids=str)
def test_an_extent_reaches_to_the_end_of_the_view(
    cpu: Device, view: slice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCELERX_CHECK", "bounds")
    part, y = ax.asarray(floats(10))[view], ax.zeros(1)
    code = 'extern "C" __global__ void k(const float *x, int i, float *y) { y[0] = x[i]; }'
    reach = part.reach // 4
    kernel = RawKernel(code, "k")
    kernel((1,), (1,), (part, reach - 1, y))
    with pytest.raises(KernelAssertionError, match=f"index {reach} is out of bounds"):
        kernel((1,), (1,), (part, reach, y))


def test_extents_count_bytes_whatever_the_arrays_dtype(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCELERX_CHECK", "bounds")
    code = 'extern "C" __global__ void k(const float4 *x, int i, float *y) { y[0] = x[i].w; }'
    kernel, x, y = RawKernel(code, "k"), ax.asarray(floats(12).reshape(3, 4)), ax.zeros(1)
    kernel((1,), (1,), (x, 2, y))
    assert y.get()[0] == 11
    with pytest.raises(KernelAssertionError, match="out of bounds"):
        kernel((1,), (1,), (x, 3, y))
        device.synchronize()


def test_device_debug_checks_bounds(cpu: Device) -> None:
    x, y = ax.asarray(floats(10)), ax.zeros(10)
    kernel = RawKernel(SAXPY, "saxpy", ("-G",))
    with pytest.raises(KernelAssertionError, match="index 10 is out of bounds"):
        kernel((1,), (32,), (11, 1.0, x, y))


def test_a_failed_assert_names_the_place(device: Device) -> None:
    code = '#include <assert.h>\nextern "C" __global__ void k(int n) { assert(n < 3); }'
    kernel = RawKernel(code, "k")
    kernel((1,), (1,), (2,))
    with pytest.raises(KernelAssertionError, match=re.escape("kernel.cu:2:")):
        kernel((1,), (1,), (3,))
        device.synchronize()


# ------------------------------------------------------------------------------- pickling


def test_it_is_pickled_as_text(device: Device) -> None:
    kernel = pickle.loads(pickle.dumps(RawKernel(SAXPY, "saxpy", ("-DN=1",))))
    assert (kernel.name, kernel.code, kernel.options) == ("saxpy", SAXPY, ("-DN=1",))
    x, y = ax.asarray(floats(4)), ax.zeros(4)
    kernel((1,), (32,), (4, 1.0, x, y))
    np.testing.assert_array_equal(y.get(), floats(4))


def test_large_arrays_get_code_whose_indices_may_wrap(monkeypatch: pytest.MonkeyPatch) -> None:
    text = """
    extern "C" __global__ void scale(float* x, int n) {
        int i = blockIdx.x * blockDim.x + threadIdx.x;
        if (i < n) x[i] *= 2;
    }"""
    kernel = RawKernel(text, "scale")
    small, large = np.ones(64, np.float32), np.ones(256, np.float32)
    kernel((2,), (32,), (small, 64))
    for module in ("accelerx.interop", "accelerx.ndarray", "accelerx.raw.launch"):
        monkeypatch.setattr(importlib.import_module(module), "WIDE_ELEMENTS", 100)
    kernel((8,), (32,), (large, 256))
    assert (small == 2).all()
    assert (large == 2).all()
    texts = [executable.text("kir") for executable in kernel._unit.executables("scale")]
    assert ["u32" in text for text in texts] == [False, True]
