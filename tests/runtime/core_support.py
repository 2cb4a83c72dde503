"""What the tests of the compiled core share: host kernels, plugins, arrays, and subprocesses."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pytest

from tests.csrc import build

core = pytest.importorskip("accelerx._core", reason="the compiled core is not built")
if not build.compiler():
    pytest.skip("needs a C compiler for the host kernels", allow_module_level=True)

PLUGINS = Path(core.__file__).parent / "_plugins"
BUFFER, SCALAR = 0, 1


@cache
def kernels() -> ctypes.CDLL:
    """The host kernels of tests/csrc/host_kernels.c."""
    target = Path(mkdtemp()) / "host_kernels.so"
    return ctypes.CDLL(str(build.shared_library(build.FOLDER / "host_kernels.c", target)))


def address(name: str) -> int:
    """Where a host kernel starts."""
    found = ctypes.cast(getattr(kernels(), name), ctypes.c_void_p).value
    assert found is not None
    return found


def device(name: str) -> Any:
    """The first device of a plugin."""
    return core.Plugin.open(str(PLUGINS / f"{name}.so")).device(0)


def load(device: Any, name: str, kinds: str, scratch: int = 0, *, cooperative: bool = False) -> Any:
    """A host kernel whose parameters are 8 bytes each: b for buffer, s for scalar."""
    params = [(BUFFER if k == "b" else SCALAR, 8, 8, 8 * i) for i, k in enumerate(kinds)]
    size = 8 * len(kinds)
    return device.load(
        "address", address(name), name, params, size, (32, 1, 1), 0, scratch, kernels(),
        cooperative=cooperative,
    )  # fmt: skip


def pack(*values: int) -> bytes:
    """Packed arguments of 8 bytes each."""
    return np.array(values, dtype=np.int64).tobytes()


def run(function: Any, *values: int, blocks: int = 1, stream: Any = None, shared: int = 0) -> None:
    """Launches a kernel of 8-byte parameters."""
    function.launch((blocks, 1, 1), shared, pack(*values), None, stream)


class Array(core.ArrayBase):  # type: ignore[misc]
    """An array as ndarray makes them: a subclass of ArrayBase."""

    __slots__ = ("name",)


@dataclass
class Keys:
    """Array keys, one object for each dtype, as ndarray interns them."""

    known: dict[Any, object] = field(default_factory=dict)

    def __getitem__(self, dtype: Any) -> object:
        return self.known.setdefault(np.dtype(dtype), object())


KEYS = Keys()


def upload(device: Any, values: Any) -> Any:
    """An Array on the device with NumPy values."""
    host = np.ascontiguousarray(values)
    memory = device.alloc(host.nbytes)
    if host.nbytes:
        device.copy_from_host(memory.ptr, host, None)
    strides = tuple(s // host.itemsize for s in host.strides)
    return Array(KEYS[host.dtype], memory.ptr, host.shape, strides, memory)


def download(device: Any, array: Any, dtype: Any) -> Any:
    """The array's values on the host."""
    host = np.empty(array.shape, dtype)
    if host.nbytes:
        device.copy_to_host(host, array.ptr, None)
    return host


def script(text: str, timeout: float = 30, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs Python text in a new process, with this module's names."""
    head = "from tests.runtime.core_support import *\nimport numpy as np\nimport os, signal, threading, time\n"
    return subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(text)],
        cwd=build.ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
