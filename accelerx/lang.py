"""The names a kernel may use: thread indices, on-chip arrays, barriers, atomics, warp operations.

They mean something only inside a kernel; ``accelerx.cuda`` hands them on under numba.cuda's names.
"""

from __future__ import annotations

from accelerx.compiler.frontends.python.markers import Marker
from accelerx.compiler.intrinsics import ATOMICS

__all__ = [
    "activemask",
    "all_sync",
    "any_sync",
    "atomic",
    "ballot_sync",
    "blockDim",
    "blockIdx",
    "brev",
    "cbrt",
    "cg",
    "clz",
    "const",
    "eq_sync",
    "exp10",
    "ffs",
    "fma",
    "grid",
    "gridDim",
    "gridsize",
    "laneid",
    "lanemask_lt",
    "local",
    "match_all_sync",
    "match_any_sync",
    "mulhi",
    "nanosleep",
    "popc",
    "rsqrt",
    "selp",
    "shared",
    "shfl_down_sync",
    "shfl_sync",
    "shfl_up_sync",
    "shfl_xor_sync",
    "syncthreads",
    "syncthreads_and",
    "syncthreads_count",
    "syncthreads_or",
    "syncwarp",
    "threadIdx",
    "threadfence",
    "threadfence_block",
    "threadfence_system",
    "warpsize",
]

threadIdx = Marker("threadIdx", "x", "y", "z", doc="The thread's place in its block, int32.")
blockIdx = Marker("blockIdx", "x", "y", "z", doc="The block's place in the grid, int32.")
blockDim = Marker("blockDim", "x", "y", "z", doc="Threads of a block along each axis, int32.")
gridDim = Marker("gridDim", "x", "y", "z", doc="Blocks of the grid along each axis, int32.")
laneid = Marker("laneid", doc="The thread's place in its warp, 0 to 31.")
warpsize = Marker("warpsize", doc="Threads of a warp: 32.")
grid = Marker(
    "grid", doc="``grid(ndim)``: the thread's place in the grid, a tuple if ndim is 2 or 3."
)
gridsize = Marker(
    "gridsize", doc="``gridsize(ndim)``: threads of the grid, a tuple if ndim is 2 or 3."
)

shared = Marker("shared", "array", doc="``shared.array(shape, dtype)``: memory of the block.")
local = Marker("local", "array", doc="``local.array(shape, dtype)``: memory of the thread.")
const = Marker("const", "array_like", doc="``const.array_like(array)``: a constant NumPy array.")

syncthreads = Marker("syncthreads", doc="Waits for all threads of the block.")
syncthreads_count = Marker("syncthreads_count", doc="Waits; how many threads gave a true value.")
syncthreads_and = Marker("syncthreads_and", doc="Waits; whether all threads gave a true value.")
syncthreads_or = Marker("syncthreads_or", doc="Waits; whether a thread gave a true value.")
syncwarp = Marker("syncwarp", doc="Orders memory between the lanes of a warp.")
threadfence = Marker("threadfence", doc="Orders memory within the device.")
threadfence_block = Marker("threadfence_block", doc="Orders memory within the block.")
threadfence_system = Marker("threadfence_system", doc="Orders memory for device and host.")
cg = Marker("cg", "this_grid", doc="``cg.this_grid().sync()`` waits for the whole grid.")
nanosleep = Marker("nanosleep", doc="A hint to wait; without effect here.")

atomic = Marker(
    "atomic",
    *(name for row in ATOMICS.values() for name in row.python),
    doc="``atomic.op(array, index, value)``: reads, changes and writes an element; the old value.",
)

shfl_sync = Marker("shfl_sync", doc="``(mask, value, lane)``: the value of a lane.")
shfl_up_sync = Marker("shfl_up_sync", doc="``(mask, value, delta)``: of the lane ``delta`` before.")
shfl_down_sync = Marker("shfl_down_sync", doc="``(mask, value, delta)``: of the lane ``delta`` on.")
shfl_xor_sync = Marker(
    "shfl_xor_sync", doc="``(mask, value, bits)``: of the lane ``laneid ^ bits``."
)
ballot_sync = Marker(
    "ballot_sync", doc="``(mask, predicate)``: a bit for each lane where it holds."
)
any_sync = Marker("any_sync", doc="``(mask, predicate)``: whether it holds in a lane.")
all_sync = Marker("all_sync", doc="``(mask, predicate)``: whether it holds in all lanes.")
eq_sync = Marker("eq_sync", doc="``(mask, predicate)``: whether all lanes agree on it.")
match_any_sync = Marker("match_any_sync", doc="``(mask, value)``: the lanes with the same value.")
match_all_sync = Marker("match_all_sync", doc="``(mask, value)``: (mask, True) if all are equal.")
activemask = Marker("activemask", doc="The lanes that execute this.")
lanemask_lt = Marker("lanemask_lt", doc="The lanes before this one.")

popc = Marker("popc", doc="The number of one bits.")
clz = Marker("clz", doc="The number of leading zero bits.")
ffs = Marker("ffs", doc="One more than the place of the lowest one bit; 0 for 0.")
brev = Marker("brev", doc="The bits in reverse order.")
mulhi = Marker("mulhi", doc="The high half of the product of two integers.")
fma = Marker("fma", doc="``a * b + c``, rounded once.")
cbrt = Marker("cbrt", doc="The cube root.")
rsqrt = Marker("rsqrt", doc="One over the square root.")
exp10 = Marker("exp10", doc="Ten to a power.")
selp = Marker("selp", doc="``selp(condition, a, b)``: a if the condition holds, else b.")
