"""Kernels whose blocks wait for each other, on every device: results, limits, mistakes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import accelerx as ax
from accelerx import cuda
from accelerx.errors import KernelAssertionError, OutOfResourcesError
from accelerx.kernel import jit
from accelerx.runtime.device import Device

GRIDS = [1, 3, 40]


@jit
def total_of(x, partial, out):
    """A reduction in two phases."""
    sm = cuda.shared.array(64, np.float64)
    t = cuda.threadIdx.x
    sm[t] = x[cuda.grid(1)]
    cuda.syncthreads()
    half = 32
    while half > 0:
        if t < half:
            sm[t] += sm[t + half]
        cuda.syncthreads()
        half //= 2
    if t == 0:
        partial[cuda.blockIdx.x] = sm[0]
    cuda.cg.this_grid().sync()
    if cuda.grid(1) == 0:
        total = 0.0
        for b in range(cuda.gridDim.x):
            total += partial[b]
        out[0] = total


@jit
def jacobi(a, b, sweeps):
    """Each sweep reads what all blocks wrote in the last one."""
    grid = cuda.cg.this_grid()
    i = cuda.grid(1)
    inside = i > 0 and i < a.shape[0] - 1
    for sweep in range(sweeps):
        if inside:
            if sweep % 2 == 0:
                b[i] = 0.5 * (a[i - 1] + a[i + 1])
            else:
                a[i] = 0.5 * (b[i - 1] + b[i + 1])
        grid.sync()


@jit
def rotated(x, out):
    """Dynamic shared memory lives through waits."""
    sm = cuda.shared.array(0, np.int32)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    sm[t] = x[i]
    for _ in range(3):
        out[i] = sm[cuda.blockDim.x - 1 - t]
        cuda.cg.this_grid().sync()
        sm[t] = out[(i + cuda.blockDim.x) % out.shape[0]]
        cuda.cg.this_grid().sync()
    out[i] = sm[t]


@jit
def some_blocks_leave(out):
    if cuda.blockIdx.x == 2:
        return
    cuda.cg.this_grid().sync()
    out[cuda.grid(1)] = 1


@jit
def some_threads_wait(out):
    if cuda.threadIdx.x > 3:
        cuda.cg.this_grid().sync()
    out[cuda.grid(1)] = 1


@jit(debug=True)
def checked(x, out):
    i = cuda.grid(1)
    out[i] = x[i]
    cuda.cg.this_grid().sync()
    assert out[(i + 8) % 32] < 20
    print(out[i])


def swept(a: np.ndarray, sweeps: int) -> list[np.ndarray]:
    """What ``jacobi`` leaves in both arrays."""
    arrays = [a.copy(), a.copy()]
    for sweep in range(sweeps):
        source, target = arrays[sweep % 2], arrays[1 - sweep % 2]
        target[1:-1] = 0.5 * (source[:-2] + source[2:])
    return arrays


@pytest.mark.parametrize("grid", GRIDS)
def test_a_reduction_in_two_phases(device: Device, grid: int) -> None:
    x = np.random.default_rng(0).integers(0, 100, 64 * grid).astype(np.float64)
    out = np.zeros(1)
    total_of[grid, 64](x, np.zeros(grid), out)
    assert out[0] == x.sum()


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("block", [1, 50])
@pytest.mark.parametrize("sweeps", [0, 1, 8])
def test_a_stencil_swept_again_and_again(
    device: Device, sweeps: int, block: int, grid: int
) -> None:
    a = np.random.default_rng(0).random(grid * block)
    b = a.copy()
    expected = swept(a, sweeps)
    jacobi[grid, block](a, b, sweeps)
    np.testing.assert_array_equal([a, b], expected)


def test_a_stencil_on_a_stream(device: Device) -> None:
    a = np.random.default_rng(0).random(500)
    stream = cuda.stream()
    x, y = ax.asarray(a), ax.asarray(a)
    jacobi[10, 50, stream](x, y, 6)
    stream.synchronize()
    np.testing.assert_array_equal([x.copy_to_host(), y.copy_to_host()], swept(a, 6))


def test_dynamic_shared_memory_is_kept(device: Device) -> None:
    x = np.arange(5 * 40, dtype=np.int32)
    out = np.zeros_like(x)
    rotated[5, 40, 0, 4 * 40](x, out)
    rows = x.reshape(5, 40)
    np.testing.assert_array_equal(out.reshape(5, 40), np.roll(rows, -3, axis=0)[:, ::-1])


def test_a_block_that_returns_is_missed(device: Device) -> None:
    with pytest.raises(KernelAssertionError, match=r"whole grid.*block \(2, 0, 0\)") as caught:
        some_blocks_leave[4, 8](np.zeros(32))
    assert "cuda.cg.this_grid().sync()" in str(caught.value)


def test_a_block_needs_all_its_threads(device: Device) -> None:
    with pytest.raises(KernelAssertionError, match=r"whole grid.*thread \(0, 0, 0\)"):
        some_threads_wait[4, 8](np.zeros(32))


def test_checks_and_prints_after_a_wait(device: Device, capsys: pytest.CaptureFixture[str]) -> None:
    x = np.arange(32) % 20
    checked[4, 8](x, np.zeros_like(x))
    assert sorted(map(int, capsys.readouterr().out.split())) == sorted(x)
    with pytest.raises(KernelAssertionError, match=r"block \(1, 0, 0\), thread \(4, 0, 0\)"):
        checked[4, 8](np.arange(32), np.zeros_like(x))


def test_an_explanation_says_what_waiting_costs(cpu: Device) -> None:
    total_of[2, 64](np.zeros(128), np.zeros(2), np.zeros(1))
    assert "blocks wait for the whole grid" in total_of.explain()


@pytest.mark.parametrize("name", ["cpu", "sim:0"])
def test_more_blocks_than_can_be_resident(name: str, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("cpu" if name == "cpu" else "sim")
    with pytest.raises(OutOfResourcesError) as caught, ax.device(name):
        total_of[4_000_000, 64](np.zeros(64), np.zeros(1), np.zeros(1))
    assert "4000000 blocks" in str(caught.value)
    assert "keeps at most" in str(caught.value)


STORED = """
import numpy as np
from accelerx import cuda
from accelerx.kernel import jit

@jit
def shifted(x, y):
    i = cuda.grid(1)
    y[i] = x[i] + 1
    cuda.cg.this_grid().sync()
    x[i] = y[(i + 32) % 128]

x = np.arange(128)
shifted[4, 32](x, np.zeros(128, np.int64))
print((x == np.roll(np.arange(128), -32) + 1).all())
"""


def test_the_disk_cache_knows_who_waits(cpu: Device, tmp_path: Path) -> None:
    script = tmp_path / "stored.py"
    script.write_text(STORED)
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.stdout == "True\n", done.stderr


ENDLESS = """
import os, signal, threading
import numpy as np
from accelerx import cuda
from accelerx.kernel import jit

@jit
def endless(x):
    while x[0] == 0:
        cuda.cg.this_grid().sync()

endless[8, 32](np.ones(1, np.float32))
threading.Timer(0.7, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    endless[8, 32](np.zeros(1, np.float32))
except KeyboardInterrupt:
    print("interrupted")
"""


def test_ctrl_c_stops_blocks_that_wait_for_ever(cpu: Device, tmp_path: Path) -> None:
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False
    )
    assert "interrupted" in done.stdout, done.stderr
