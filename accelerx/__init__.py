"""accelerx: kernels and arrays for any accelerator.

The names of CUDA C++ kernels are imported when first asked for, which keeps the import short for those
who write kernels in Python.
"""

import importlib
from typing import TYPE_CHECKING, Any

from accelerx import cuda
from accelerx.cuda.types import (
    bfloat16,
    boolean,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
    void,
)
from accelerx.errors import (
    AccelerxError,
    ArgumentTypeError,
    CompileError,
    DeviceError,
    FallbackError,
    FallbackWarning,
    HostAccessError,
    KernelAssertionError,
    KernelTypeError,
    LaunchError,
    OutOfMemoryError,
    OutOfResourcesError,
    PluginError,
    SettingError,
    UnsupportedError,
    UnsupportedKernelError,
)
from accelerx.interop import from_dlpack, get_array_module
from accelerx.kernel import Kernel, jit
from accelerx.ndarray import (
    arange,
    array,
    asarray,
    asnumpy,
    empty,
    empty_like,
    full,
    ndarray,
    ones,
    zeros,
    zeros_like,
)
from accelerx.runtime.device import (
    Device,
    all_devices,
    current_device,
    device,
    memory_stats,
    set_device,
)
from accelerx.runtime.plugin_backend import get_include
from accelerx.runtime.stream import Event, Stream, current_stream, default_stream, synchronize

if TYPE_CHECKING:
    from accelerx.generated import ElementwiseKernel, ReductionKernel, fuse
    from accelerx.raw import RawKernel, RawModule

__version__ = "0.1.0"

__all__ = [
    "AccelerxError",
    "ArgumentTypeError",
    "CompileError",
    "Device",
    "DeviceError",
    "ElementwiseKernel",
    "Event",
    "FallbackError",
    "FallbackWarning",
    "HostAccessError",
    "Kernel",
    "KernelAssertionError",
    "KernelTypeError",
    "LaunchError",
    "OutOfMemoryError",
    "OutOfResourcesError",
    "PluginError",
    "RawKernel",
    "RawModule",
    "ReductionKernel",
    "SettingError",
    "Stream",
    "UnsupportedError",
    "UnsupportedKernelError",
    "__version__",
    "all_devices",
    "arange",
    "array",
    "asarray",
    "asnumpy",
    "bfloat16",
    "boolean",
    "cuda",
    "current_device",
    "current_stream",
    "default_stream",
    "device",
    "empty",
    "empty_like",
    "float16",
    "float32",
    "float64",
    "from_dlpack",
    "full",
    "fuse",
    "get_array_module",
    "get_include",
    "int8",
    "int16",
    "int32",
    "int64",
    "jit",
    "memory_stats",
    "ndarray",
    "ones",
    "set_device",
    "synchronize",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "void",
    "zeros",
    "zeros_like",
]

_LATE = {
    "ElementwiseKernel": "accelerx.generated",
    "RawKernel": "accelerx.raw",
    "RawModule": "accelerx.raw",
    "ReductionKernel": "accelerx.generated",
    "fuse": "accelerx.generated",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LATE[name]), name)
