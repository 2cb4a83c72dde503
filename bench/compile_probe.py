"""Times the first launch of each benchmark kernel in this process; prints them as JSON.

llvmlite is imported and its code generator started before, with a kernel that is not counted.
Whether the kernels come out of the disk cache is decided by ACCELERX_CACHE_DIR.
"""

from __future__ import annotations

import json
import time

from bench.peers import ours
from bench.workloads import COLUMNS, RUN, WORKLOADS

# The least that a kernel takes, so that running it takes no time; empty32 pays for llvmlite's import.
SIZES = {
    "empty32": 32,
    "saxpy": 256,
    "mandelbrot": 16,
    "reduce": RUN,
    "matmul": 16,
    "softmax": COLUMNS,
}


def main() -> None:
    seconds = {}
    for name, size in SIZES.items():
        launcher, arguments, _, _ = ours.KERNELS[name](WORKLOADS[name].make(size))
        start = time.perf_counter()
        launcher(*arguments)
        ours.cuda.synchronize()
        seconds[name] = time.perf_counter() - start
    del seconds["empty32"]
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
