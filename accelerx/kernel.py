"""Kernel: a Python function that is compiled for each kind of launch and run on a device.

``kernel[grid, block, stream, shared](...)`` picks a specialisation by device, argument types and
block shape, compiles it once, and launches. What was launched before goes straight to the core's
dispatcher; this file is only asked when something is new, or when NumPy arrays have to be copied.
"""

from __future__ import annotations

import functools
import importlib
import inspect as python_inspect
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from accelerx import config
from accelerx.arguments import (
    Configuration,
    configured,
    converted,
    device_of,
    leaves,
    normalise,
    type_of,
)
from accelerx.compiler.recipe import Options, Recipe
from accelerx.errors import ArgumentTypeError, LaunchError
from accelerx.interop import lend
from accelerx.ndarray import ndarray
from accelerx.pickling import (
    FunctionData,
    dump_function,
    importable,
    keep_source,
    load_function,
)
from accelerx.recipes import PythonRecipe
from accelerx.runtime.arraybase import Dispatcher
from accelerx.runtime.backend import Dim3
from accelerx.runtime.device import Device, current_device
from accelerx.runtime.plugin_backend import translated
from accelerx.signatures import Signature, Type, resolve

if TYPE_CHECKING:
    from accelerx.executable import Executable

MAX_LAUNCHERS = 1024  # configurations a kernel remembers before it forgets all of them
_HOT_SCALARS = (int, float, bool)


class Kernel:
    """A kernel made by ``accelerx.jit`` or ``accelerx.cuda.jit``.

    Attributes:
        py_func: The Python function.
        options: How it is compiled.
        extensions: numba's: objects whose ``prepare_args`` may replace an argument.
    """

    __name__: str
    __qualname__: str

    def __init__(
        self,
        function: Callable[..., Any],
        options: Options,
        signatures: Sequence[Signature] = (),
        target_options: dict[str, Any] | None = None,
    ) -> None:
        functools.update_wrapper(self, function)
        keep_source(function)
        self.py_func = function
        self.options = options
        self.targetoptions = dict(target_options or {})
        self.signatures = tuple(signatures)
        self.extensions: list[Any] = list((target_options or {}).get("extensions") or ())
        self._launchers: dict[Any, Dispatcher] = {}
        self._lock = threading.RLock()
        self._memo: OrderedDict[tuple[Any, ...], Executable] = OrderedDict()
        parameters = python_inspect.signature(function).parameters.values()
        self._names = tuple(p.name for p in parameters)
        self._defaults: tuple[Any, ...] = function.__defaults__ or ()

    # --------------------------------------------------------------------------- launching

    def __getitem__(self, configuration: Any) -> Dispatcher:
        """The kernel with a launch configuration: ``[grid, block, stream=0, shared=0]``."""
        try:
            return self._launchers[configuration]
        except KeyError:
            return self._launcher(configuration)
        except TypeError:  # a grid written as a list
            return self._launcher(_hashable(configuration))

    def configure(
        self, griddim: Any, blockdim: Any, stream: Any = 0, sharedmem: int = 0
    ) -> Dispatcher:
        """``kernel[griddim, blockdim, stream, sharedmem]``."""
        return self[griddim, blockdim, stream, sharedmem]

    def forall(
        self, ntasks: int, tpb: int = 0, stream: Any = 0, sharedmem: int = 0
    ) -> Callable[..., None]:
        """The kernel over at least ``ntasks`` threads along x; with none, calls do nothing."""
        if ntasks < 0:
            raise LaunchError(f"{self.__name__}.forall({ntasks}): the number of tasks is negative")
        if ntasks == 0:
            return lambda *arguments: None
        block = tpb or min(256, self.options.max_threads or 256)
        return self[-(-ntasks // block), block, stream, sharedmem]

    def __call__(self, *arguments: Any, **_: Any) -> None:
        raise LaunchError(
            f"{self.__name__}: the launch configuration was not specified; write "
            f"{self.__name__}[blocks, threads](...)"
        )

    def _launcher(self, configuration: Any) -> Dispatcher:
        checked = configured(self.__name__, configuration)
        launcher: Dispatcher

        def miss(*arguments: Any) -> None:
            self._launch(checked, launcher, arguments)

        def failed(error: Exception, *arguments: Any) -> None:
            """A remembered launch failed: an integer outgrew its type, or the device refused."""
            if not isinstance(error, OverflowError):
                with translated():
                    raise error
            self._launch(checked, None, arguments)

        launcher = Dispatcher(miss, failed)
        if len(self._launchers) >= MAX_LAUNCHERS:
            self._launchers.clear()
        return self._launchers.setdefault(configuration, launcher)

    def _launch(
        self, configuration: Configuration, launcher: Dispatcher | None, arguments: tuple[Any, ...]
    ) -> None:
        """A launch that the dispatcher does not know yet; it is told of it if it is given."""
        given = self._complete(arguments)
        if self.extensions:
            given = self._extended(given, configuration)
        elif launcher is not None and self._launch_lent(configuration, launcher, given):
            return
        values = tuple(normalise(v, n) for v, n in zip(given, self._names, strict=True))
        device = self._device(values, configuration)
        types = self._types(values)
        if self.signatures:
            values = converted(values, types)
        executable = self.specialise(types, configuration.block, device)
        executable.check_launch(configuration.grid, configuration.shared_bytes)
        stream = None if configuration.stream is None else configuration.stream.raw
        executable.run(
            tuple(leaves(values)), configuration.grid, configuration.shared_bytes, stream
        )
        if config.LAUNCH_BLOCKING.get():
            device.synchronize()
        elif launcher is not None and device.backend.dispatchable and given is arguments:
            self._remember(launcher, configuration, executable, values, stream)

    def _extended(self, given: tuple[Any, ...], configuration: Configuration) -> tuple[Any, ...]:
        """The arguments after numba's extensions, the last one first."""
        values = list(given)
        for extension in reversed(self.extensions):
            for i, value in enumerate(values):
                _, values[i] = extension.prepare_args(
                    None, value, stream=configuration.stream, retr=[]
                )
        return tuple(values)

    def _launch_lent(
        self, configuration: Configuration, launcher: Dispatcher, arguments: tuple[Any, ...]
    ) -> bool:
        """Launches NumPy arguments in place, as the device's own arrays; False if that cannot be."""
        if np.ndarray not in map(type, arguments):
            return False
        device = self._device(arguments, configuration)
        lent = [lend(a, device) if type(a) is np.ndarray else a for a in arguments]
        if any(a is None for a in lent):
            return False
        launcher(*lent)
        stream = configuration.stream
        with translated():
            (device.handle.current_stream() if stream is None else stream.raw).synchronize()
        return True

    def _remember(
        self,
        launcher: Dispatcher,
        configuration: Configuration,
        executable: Executable,
        values: tuple[Any, ...],
        stream: Any | None,
    ) -> None:
        """Lets the dispatcher launch the next call with such arguments without asking."""
        keys = _hot_keys(values)
        if keys is not None:
            launcher.add(
                keys,
                executable.function,
                executable.packing.plan,
                configuration.grid,
                configuration.shared_bytes,
                stream,
            )

    def _complete(self, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments with defaults filled in."""
        missing = len(self._names) - len(arguments)
        if missing == 0:
            return arguments
        if 0 < missing <= len(self._defaults):
            return arguments + self._defaults[len(self._defaults) - missing :]
        raise ArgumentTypeError(
            f"{self.__name__}{self._signature_text()} takes {len(self._names)} arguments; "
            f"{len(arguments)} were given"
        )

    def _signature_text(self) -> str:
        return f"({', '.join(self._names)})"

    def _device(self, values: Sequence[Any], configuration: Configuration) -> Device:
        return device_of(self.__name__, self._names, values, configuration.stream)

    def _types(self, values: tuple[Any, ...]) -> tuple[Type, ...]:
        weak = self.options.literals == "weak"
        types = tuple(type_of(v, n, weak) for v, n in zip(values, self._names, strict=True))
        if not self.signatures:
            return types
        return resolve(self.__name__, self.signatures, types)

    # ------------------------------------------------------------------------- specialising

    def specialise(
        self, types: tuple[Type, ...], block: Dim3, device: Device | None = None
    ) -> Executable:
        """The kernel compiled for argument types, a block shape and a device."""
        device = current_device() if device is None else device
        checks = config.CHECK.get()
        key = (device, types, block, checks)
        found = self._memo.get(key)
        if found is None:
            with self._lock:
                found = self._memo.get(key)
                if found is None:
                    recipe = PythonRecipe(self.py_func, types, self.options, self._names)
                    found = build(recipe, block, device, checks)
                    self._memo[key] = found
        return found

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The names of its arguments."""
        return self._names

    @property
    def executables(self) -> tuple[Executable, ...]:
        """Everything compiled so far, oldest first."""
        return tuple(self._memo.values())

    def inspect(self, stage: str = "kir") -> str:
        """The text of a stage of what was compiled last: ``kir``, ``llvm``, ``asm`` or ``cuda``.

        Raises:
            LaunchError: if the kernel was never compiled.
        """
        return self._latest().text(stage)

    def explain(self) -> str:
        """How each specialisation runs: device, lanes, notes with source lines."""
        self._latest()
        return "\n\n".join(executable.explain() for executable in self.executables)

    def _latest(self) -> Executable:
        if not self._memo:
            raise LaunchError(
                f"{self.__name__} was not compiled yet; launch it, or call "
                f"{self.__name__}.specialise(types, block)"
            )
        return next(reversed(self._memo.values()))

    # ------------------------------------------------------------------------------ protocol

    def __repr__(self) -> str:
        return f"<kernel {self.__qualname__}{self._signature_text()}>"

    def __get__(self, instance: Any, owner: type | None = None) -> Kernel:
        return self  # a kernel in a class body is not a method

    def __reduce__(self) -> Any:
        if importable(self):
            return self.__qualname__
        return _restore_kernel, (
            dump_function(self.py_func),
            self.options,
            self.signatures,
            self.targetoptions,
        )


def _restore_kernel(
    data: FunctionData,
    options: Options,
    signatures: tuple[Signature, ...],
    target_options: dict[str, Any],
) -> Kernel:
    return Kernel(load_function(data), options, signatures, target_options)


def build(recipe: Recipe, block: Dim3, device: Device, checks: frozenset[str]) -> Executable:
    """Compiles and loads; what does that is imported with the first kernel, for it is large."""
    module = importlib.import_module("accelerx.executable")
    built: Executable = module.Executable.build(recipe, block, device, checks)
    return built


def _hashable(configuration: Any) -> Any:
    parts = configuration if isinstance(configuration, tuple) else (configuration,)
    return tuple(tuple(p) if isinstance(p, (list, np.ndarray)) else p for p in parts)


def _hot_keys(values: tuple[Any, ...]) -> tuple[object, ...] | None:
    """What the dispatcher compares, or None if it must not take such arguments."""
    keys: list[object] = []
    arrays = False
    for value in values:
        if type(value) is ndarray:
            keys.append(value.key)
            arrays = True
        elif type(value) in _HOT_SCALARS or isinstance(value, np.generic):
            keys.append(type(value))
        else:
            return None
    return tuple(keys) if arrays else None


class DeviceFunction:
    """A function for use inside kernels; on the host it is the Python function."""

    __name__: str
    __qualname__: str

    def __init__(self, function: Callable[..., Any], signatures: Sequence[Signature] = ()) -> None:
        functools.update_wrapper(self, function)
        keep_source(function)
        self.py_func = function
        self.signatures = tuple(signatures)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self.py_func(*arguments, **keywords)

    def __repr__(self) -> str:
        return f"<device function {self.__qualname__}>"

    def __reduce__(self) -> Any:
        if importable(self):
            return self.__qualname__
        return _restore_device_function, (dump_function(self.py_func), self.signatures)


def _restore_device_function(
    data: FunctionData, signatures: tuple[Signature, ...]
) -> DeviceFunction:
    return DeviceFunction(load_function(data), signatures)


def jit(
    function: Callable[..., Any] | None = None,
    *,
    device: bool = False,
    debug: bool = False,
    fastmath: bool = False,
    launch_bounds: int | tuple[int, ...] | None = None,
    cache: bool = True,
) -> Any:
    """Makes a Python function a kernel with weak literals: ``2.0 * x[i]`` keeps ``x``'s dtype.

    Args:
        function: The function; without it, a decorator with the options is returned.
        device: A function for use inside kernels instead.
        debug: Checks bounds and barriers while the kernel runs.
        fastmath: Allows reassociation and approximate functions.
        launch_bounds: Threads a block has at most.
        cache: Whether compiled code is kept on disk.
    """
    options = Options(
        literals="weak",
        debug=debug,
        fastmath=fastmath,
        max_threads=max_threads(launch_bounds),
        cache=cache,
    )

    def decorate(target: Callable[..., Any]) -> Kernel | DeviceFunction:
        return DeviceFunction(target) if device else Kernel(target, options)

    return decorate if function is None else decorate(function)


def max_threads(launch_bounds: int | tuple[int, ...] | None) -> int | None:
    """The threads that CUDA's launch bounds promise at most."""
    if launch_bounds is None:
        return None
    return int(launch_bounds[0] if isinstance(launch_bounds, (tuple, list)) else launch_bounds)
