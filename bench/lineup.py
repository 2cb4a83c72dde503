"""Who races: the peers, their settings, and the command that prints ratios without pytest.

``python -m bench.lineup saxpy:mid softmax --only accelerx,C++``
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.harness import Race, Worker, race, save
from bench.tables import RESULTS, machine, table
from bench.workloads import WORKLOADS

CORES = str(len(os.sched_getaffinity(0)))
OPENMP = {"OMP_NUM_THREADS": CORES, "OMP_PROC_BIND": "true"}

# name: (module of bench/peers, environment); the first is what the others are compared with
PEERS = {
    "accelerx": ("ours", {}),
    "C++": ("native", OPENMP),
    "Intel OpenCL": ("opencl", {}),
    "numba parallel": ("numba_loops", OPENMP | {"NUMBA_THREADING_LAYER": "omp"}),
}


@contextmanager
def field(names: Iterable[str] = PEERS, reference: Path | None = None) -> Iterator[list[Worker]]:
    """The peers' processes.

    Args:
        names: Keys of PEERS.
        reference: Another C++ file with the functions of ``native/kernels.cpp``, raced as well.
    """
    with ExitStack() as stack:
        workers = []
        for name in names:
            module, environment = PEERS[name]
            workers.append(Worker(name, f"bench.peers.{module}", environment))
        if reference is not None:
            source = {"BENCH_NATIVE_SOURCE": str(reference.resolve())}
            workers.append(Worker("other C++", "bench.peers.native", OPENMP | source))
        yield [stack.enter_context(worker) for worker in workers]


def run(
    workers: list[Worker], workload: str, size: str, *, rounds: int = 7, budget: float = 0.03
) -> Race:
    """Races one kernel at one size."""
    question = {"workload": workload, "size": size}
    return race(f"{workload} {size}", "kernels", workers, question, rounds=rounds, budget=budget)


def _selection(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        name, _, size = word.partition(":")
        for one in [size] if size else WORKLOADS[name].sizes:
            yield name, one


def main() -> None:
    parser = argparse.ArgumentParser(description="Races kernels and prints the ratios.")
    parser.add_argument("kernels", nargs="*", help="name or name:size (default: the five, all)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--budget", type=float, default=0.03, help="seconds a sample")
    parser.add_argument("--reference", type=Path, help="another C++ file to measure beside ours")
    parser.add_argument("--only", help="peers, separated by commas (default: all)")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else PEERS
    kernels = options.kernels or [name for name in WORKLOADS if name != "empty32"]
    races = []
    with field(names, options.reference) as workers:
        for name, size in _selection(kernels):
            one = run(workers, name, size, rounds=options.rounds, budget=options.budget)
            races.append(one)
            print(f"{one.title}: " + ", ".join(f"{n} {one.ratio(n):.2f}" for n in one.samples))
    save(RESULTS, races)
    print(f"\n{machine()}\n\n{table(races)}")


if __name__ == "__main__":
    main()
