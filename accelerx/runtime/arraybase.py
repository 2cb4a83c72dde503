"""The base class of arrays and the launch dispatcher: the core's, or Python's where there is none.

Both exist twice because they are the hot path of a launch: in the compiled core they are C structs
read without a Python call. The Python ones behave alike, so that nothing above knows the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from accelerx.runtime import plugin_backend
from accelerx.runtime.backend import Dim3, PlanRow


class PythonArrayBase:
    """What a launch needs of an array; see ``_core.ArrayBase``."""

    __slots__ = ("__weakref__", "_key", "_owner", "_ptr", "_shape", "_strides")

    def __init__(
        self, key: object, ptr: int, shape: tuple[int, ...], strides: tuple[int, ...], owner: object
    ) -> None:
        self._key = key
        self._ptr = ptr
        self._shape = shape
        self._strides = strides
        self._owner = owner

    @property
    def key(self) -> object:
        return self._key

    @property
    def ptr(self) -> int:
        return self._ptr

    @property
    def shape(self) -> tuple[int, ...]:
        return self._shape

    @property
    def strides(self) -> tuple[int, ...]:
        return self._strides

    @property
    def owner(self) -> object:
        return self._owner


class PythonDispatcher:
    """``kernel[grid, block, stream, shared]`` without the core: every call is a miss.

    The kernel's own table of specialisations answers it; packing in Python costs a hundred times
    what the interpreter's first NumPy call does not.
    """

    __slots__ = ("_miss",)

    def __init__(
        self, miss: Callable[..., None], failed: Callable[..., None] | None = None
    ) -> None:
        self._miss = miss

    def __call__(self, *args: Any) -> None:
        self._miss(*args)

    def add(
        self,
        keys: tuple[object, ...],
        function: Any,
        plan: Sequence[PlanRow],
        grid: Dim3,
        shared_bytes: int,
        stream: Any | None,
    ) -> None:
        """Does nothing: there is no faster road to remember."""


if TYPE_CHECKING:
    ArrayBase = PythonArrayBase
    Dispatcher = PythonDispatcher
else:
    ArrayBase = plugin_backend.core_attribute("ArrayBase") or PythonArrayBase
    Dispatcher = plugin_backend.core_attribute("Dispatcher") or PythonDispatcher
