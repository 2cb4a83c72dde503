"""numba.cuda's face: ``from accelerx import cuda`` runs numba.cuda programs on any device."""

# ruff: noqa: F401 - this file only hands names on

from accelerx.cuda import args, devicearray, types
from accelerx.cuda.args import In, InOut, Out
from accelerx.cuda.decorators import declare_device, jit
from accelerx.cuda.devices import (
    close,
    cuda_error,
    current_context,
    detect,
    get_current_device,
    gpus,
    is_available,
    is_supported_version,
    list_devices,
    select_device,
    synchronize,
)
from accelerx.cuda.memory import (
    as_cuda_array,
    defer_cleanup,
    device_array,
    device_array_like,
    is_device_array,
    managed_array,
    mapped_array,
    mapped_array_like,
    pinned,
    pinned_array,
    pinned_array_like,
    to_device,
)
from accelerx.cuda.streams import (
    default_stream,
    event,
    event_elapsed_time,
    external_stream,
    legacy_default_stream,
    per_thread_default_stream,
    profile_start,
    profile_stop,
    profiling,
    stream,
)
from accelerx.interop import is_cuda_array
from accelerx.kernel import Kernel as CUDADispatcher
from accelerx.lang import (
    activemask,
    all_sync,
    any_sync,
    atomic,
    ballot_sync,
    blockDim,
    blockIdx,
    brev,
    cbrt,
    cg,
    clz,
    const,
    eq_sync,
    exp10,
    ffs,
    fma,
    grid,
    gridDim,
    gridsize,
    laneid,
    lanemask_lt,
    local,
    match_all_sync,
    match_any_sync,
    mulhi,
    nanosleep,
    popc,
    rsqrt,
    selp,
    shared,
    shfl_down_sync,
    shfl_sync,
    shfl_up_sync,
    shfl_xor_sync,
    syncthreads,
    syncthreads_and,
    syncthreads_count,
    syncthreads_or,
    syncwarp,
    threadfence,
    threadfence_block,
    threadfence_system,
    threadIdx,
    warpsize,
)
from accelerx.ndarray import ndarray as DeviceNDArray
from accelerx.runtime.stream import Event, Stream
