"""A peer's process: prepares work and times it on request, a JSON line a question and answer.

``prepare`` takes a workload and a size (or a variant), checks the result against NumPy and answers
how many runs make a batch; ``sample`` answers a Sample.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from bench import harness
from bench.harness import Contender, Unavailable
from bench.workloads import WORKLOADS


class Host:
    """The prepared contender of one peer."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._contender: Contender | None = None
        self._count = 1

    def prepare(self, workload: str, size: str, variant: str = "") -> int:
        peer = importlib.import_module(self._module)
        row = WORKLOADS[workload]
        inputs = row.make(row.sizes[size])
        options = {"variant": variant} if variant else {}
        self._contender = contender = peer.prepare(workload, inputs, **options)
        harness.check(contender, row.reference(inputs), row.agrees)
        self._count = harness.runs_per_batch(contender)
        return self._count

    def sample(self, budget: float) -> dict[str, float]:
        assert self._contender is not None, "sample comes after prepare"
        return asdict(harness.sample(self._contender, self._count, budget))


def answer(host: Host, question: dict[str, Any]) -> dict[str, Any]:
    """What goes back for a question; errors are answers too."""
    handlers: dict[str, Callable[..., Any]] = {"prepare": host.prepare, "sample": host.sample}
    try:
        return {"result": handlers[question.pop("do")](**question)}
    except Unavailable as e:
        return {"unavailable": str(e)}
    except Exception:  # told to the parent, which raises it
        return {"error": traceback.format_exc()}


def main() -> None:
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is not an answer
    host = Host(sys.argv[1])
    for line in sys.stdin:
        replies.write(json.dumps(answer(host, json.loads(line))) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
