"""Launchers: one CUDA C++ kernel under one launch configuration, from arguments to the dispatcher.

The dispatcher is given leaves: the arguments themselves where each parameter is one leaf, else what the
binder made of them. It is given the text's variables behind them, as arrays like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from accelerx import config
from accelerx.arguments import Configuration, device_of
from accelerx.errors import ArgumentTypeError, OutOfResourcesError
from accelerx.interop import lend
from accelerx.ndarray import WIDE_ELEMENTS, ArrayKey, ndarray
from accelerx.raw.arguments import Bound
from accelerx.raw.unit import Entry
from accelerx.runtime.arraybase import Dispatcher
from accelerx.runtime.device import Device, current_device
from accelerx.runtime.plugin_backend import translated

if TYPE_CHECKING:
    from accelerx.executable import Executable

_HOT_SCALARS = (int, float, bool)


class Launcher:
    """A kernel under one configuration.

    Attributes:
        call: Launches, given the arguments and then ``variables``.
        variables: The text's variables on the device of the first launch.
    """

    def __init__(
        self,
        entry: Entry,
        configuration: Configuration,
        dynamic_limit: Callable[[Executable], int],
        arguments: Sequence[Any],
    ) -> None:
        """``arguments`` are the first launch's; they tell the device."""
        self._entry = entry
        self._configuration = configuration
        self._dynamic_limit = dynamic_limit
        self._dispatcher = Dispatcher(self._miss, self._failed)
        plain = entry.binder.plain
        self.call: Callable[..., None] = self._dispatcher if plain else self._flattened
        self.variables = entry.unit.variables(entry, self._device(entry.binder.bind(arguments)))

    def _flattened(self, *arguments: Any) -> None:
        """A launch whose parameters are more than leaves."""
        own = len(arguments) - len(self.variables)
        bound = self._entry.binder.bind(arguments[:own])
        self._dispatcher(*bound.values, *self.variables)

    def _miss(self, *given: Any) -> None:
        """A launch that the dispatcher does not know yet."""
        values = given[: len(given) - len(self.variables)]
        if np.ndarray in map(type, values) and self._launch_lent(values):
            return
        bound = self._bound(values)
        executable = self._launch(bound)
        keys = _keys(values, bound)
        if keys is not None and not executable.checked and not config.LAUNCH_BLOCKING.get():
            self._remember(executable, keys)

    def _failed(self, error: Exception, *given: Any) -> None:
        """A remembered launch failed: an integer outgrew its type, or the device refused."""
        if not isinstance(error, OverflowError):
            with translated():
                raise error
        self._launch(self._bound(given[: len(given) - len(self.variables)]))

    def _bound(self, values: tuple[Any, ...]) -> Bound:
        binder = self._entry.binder
        return binder.bind(values) if binder.plain else binder.of_leaves(values)

    def _device(self, bound: Bound) -> Device:
        entry, stream = self._entry, self._configuration.stream
        return device_of(entry.name, entry.binder.names, bound.values, stream)

    def _launch(self, bound: Bound) -> Executable:
        entry, configuration = self._entry, self._configuration
        device = self._device(bound)
        executable = entry.unit.specialise(
            entry, bound.nulls, configuration.block, device, self._wide(bound)
        )
        self._check(executable, bound)
        stream = None if configuration.stream is None else configuration.stream.raw
        values = (*bound.values, *entry.unit.variables(entry, device))
        executable.run(values, configuration.grid, configuration.shared_bytes, stream)
        if config.LAUNCH_BLOCKING.get():
            device.synchronize()
        return executable

    def _wide(self, bound: Bound) -> bool:
        """Whether there are so many elements or threads that 32-bit indices may wrap."""
        configuration = self._configuration
        threads = prod(configuration.grid) * prod(configuration.block)
        return threads >= WIDE_ELEMENTS or any(
            cast(ArrayKey, value.key).wide
            if isinstance(value, ndarray)
            else isinstance(value, np.ndarray) and value.size >= WIDE_ELEMENTS
            for value in bound.values
        )

    def _launch_lent(self, values: tuple[Any, ...]) -> bool:
        """Launches NumPy arrays in place, as the device's own arrays; False if that cannot be."""
        device = self._configuration.stream.device if self._configuration.stream else None
        for value in values:
            if isinstance(value, ndarray):
                device = value.device
        device = device or current_device()
        lent = [_lent(v, device) if type(v) is np.ndarray else v for v in values]
        if any(new is None and old is not None for new, old in zip(lent, values, strict=True)):
            return False
        self._dispatcher(*lent, *self.variables)
        stream = self._configuration.stream
        with translated():
            (device.handle.current_stream() if stream is None else stream.raw).synchronize()
        return True

    def _remember(self, executable: Executable, keys: tuple[object, ...]) -> None:
        """Lets the dispatcher launch the next call with such arguments without asking."""
        configuration = self._configuration
        if not executable.device.backend.dispatchable:
            return
        self._dispatcher.add(
            (*keys, *(variable.key for variable in self.variables)),
            executable.function,
            executable.packing.plan,
            configuration.grid,
            configuration.shared_bytes,
            None if configuration.stream is None else configuration.stream.raw,
        )

    def _check(self, executable: Executable, bound: Bound) -> None:
        name, names = self._entry.name, self._entry.binder.names
        for leaf in sorted(bound.protected & executable.written):
            raise ArgumentTypeError(
                f"{name}: argument {names[leaf]!r} is read-only, and the kernel writes to it; pass "
                "a copy"
            )
        wanted, limit = self._configuration.shared_bytes, self._dynamic_limit(executable)
        if wanted > limit:
            raise OutOfResourcesError(
                f"{name}: {wanted} bytes of dynamic shared memory; the kernel is set to take at "
                f"most {limit}; set max_dynamic_shared_size_bytes first"
            )
        executable.check_launch(self._configuration.grid, wanted)


def _lent(array: np.ndarray[Any, Any], device: Device) -> ndarray | None:
    """An array in its own memory; None also for what the binder looks at: strides, numbers."""
    flags = array.flags
    plain = array.ndim > 0 and (flags.c_contiguous or flags.f_contiguous)
    return lend(array, device) if plain else None


def _keys(values: Sequence[Any], bound: Bound) -> tuple[object, ...] | None:
    """What the dispatcher compares, or None if it must not take such arguments."""
    if not bound.repeats:
        return None
    keys: list[object] = []
    arrays = False
    for value in values:
        if type(value) is ndarray:
            keys.append(value.key)
            arrays = True
        elif value is None or type(value) in _HOT_SCALARS or isinstance(value, np.generic):
            keys.append(type(value))
        else:
            return None
    return tuple(keys) if arrays else None
