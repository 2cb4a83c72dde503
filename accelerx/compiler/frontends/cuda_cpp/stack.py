"""Threads with a large stack: libclang and the lifter recurse as deep as a text is nested."""

from __future__ import annotations

import contextvars
import functools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

STACK_BYTES = 256 << 20  # of address space; only what is used takes memory
FRAMES = 20_000  # Python calls that such a stack takes for sure

F = TypeVar("F", bound=Callable[..., Any])
_local = threading.local()
_lock = threading.Lock()
_deep: list[int] = []  # the recursion limits to go back to, one for each deep call under way


def on_large_stack(function: F) -> F:
    """A function as one that runs on a thread with a large stack."""

    @functools.wraps(function)
    def run(*arguments: Any, **named: Any) -> Any:
        if getattr(_local, "is_large", False):
            return function(*arguments, **named)
        context = contextvars.copy_context()
        outcome: list[Any] = []

        def work() -> None:
            _local.is_large = True
            try:
                outcome.append(context.run(function, *arguments, **named))
            except BaseException as e:
                failures.append(e)

        failures: list[BaseException] = []
        with _recursion():
            thread = _started(work)
            thread.join()
        if failures:
            raise failures[0]
        return outcome[0]

    return run  # type: ignore[return-value]


def _started(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, name="accelerx-front-end", daemon=True)
    with _lock:
        # What libclang would do on a thread of its own, whose stack is small, it now does on ours.
        os.environ.setdefault("LIBCLANG_NOTHREADS", "1")
        before = threading.stack_size(STACK_BYTES)
        try:
            thread.start()
        finally:
            threading.stack_size(before)
    return thread


@contextmanager
def _recursion() -> Iterator[None]:
    """Raises Python's recursion limit, which all threads share, until the last such call ends."""
    with _lock:
        _deep.append(sys.getrecursionlimit())
        sys.setrecursionlimit(max(_deep[0], FRAMES))
    try:
        yield
    finally:
        with _lock:
            limit = _deep.pop(0) if len(_deep) == 1 else None
            if limit is None:
                _deep.pop()
            else:
                sys.setrecursionlimit(limit)
