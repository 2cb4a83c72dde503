"""Times the first launch of each benchmark kernel in this process; prints them as JSON.

llvmlite is imported and its code generator started before, with a kernel that is not counted.
Whether the kernels come out of the disk cache is decided by ACCELERX_CACHE_DIR.
"""

from __future__ import annotations

import json
import time

from bench.peers import ours
from bench.workloads import WORKLOADS


def main() -> None:
    seconds = {}
    for name, row in WORKLOADS.items():
        launcher, arguments, _, _ = ours.KERNELS[name](row.make(next(iter(row.sizes.values()))))
        start = time.perf_counter()
        launcher(*arguments)
        ours.cuda.synchronize()
        seconds[name] = time.perf_counter() - start
    del seconds["empty32"]  # the first one pays for llvmlite
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
