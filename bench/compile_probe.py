"""Times the first launch of each benchmark kernel in this process; prints them as JSON.

``python -m bench.compile_probe [python | text]``: the Python kernels, or the same in CUDA C++. The
libraries are imported and started before, with a kernel that is not counted. Whether the kernels
come out of the disk cache is decided by ACCELERX_CACHE_DIR.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

from bench.peers import cuda_text, ours
from bench.workloads import COLUMNS, RUN, WORKLOADS

# The least that a kernel takes, so that running it takes no time; empty32 pays for the imports.
SIZES = {
    "empty32": 32,
    "saxpy": 256,
    "mandelbrot": 16,
    "reduce": RUN,
    "matmul": 16,
    "softmax": COLUMNS,
}


def python_launch(name: str) -> Callable[[], object]:
    launcher, arguments, _, _ = ours.KERNELS[name](WORKLOADS[name].make(SIZES[name]))
    return lambda: launcher(*arguments)


def text_launch(name: str) -> Callable[[], object]:
    """One kernel in a module of its own, as an application's first use of a text would be."""
    return cuda_text.prepare(name, WORKLOADS[name].make(SIZES[name])).run


def main() -> None:
    launch = text_launch if sys.argv[1:] == ["text"] else python_launch
    seconds = {}
    for name in SIZES:
        run = launch(name)
        cuda_text.module.cache_clear()
        start = time.perf_counter()
        run()
        ours.cuda.synchronize()
        seconds[name] = time.perf_counter() - start
    del seconds["empty32"]
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
