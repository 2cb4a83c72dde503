"""RawKernel: a kernel of a CUDA C++ text, launched as CuPy launches it.

``kernel(grid, block, args)`` binds the arguments to the C++ declaration at the first launch of its kind
and goes straight to the core's dispatcher afterwards, as Python kernels do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, TextIO

from accelerx.arguments import configured, dim3
from accelerx.compiler.frontends.cuda_cpp.signature import CudaSignature
from accelerx.errors import CompileError, LaunchError, OutOfResourcesError
from accelerx.kernel import MAX_LAUNCHERS
from accelerx.ndarray import ndarray
from accelerx.raw.launch import Launcher
from accelerx.raw.unit import Entry, Unit
from accelerx.runtime.backend import Dim3
from accelerx.runtime.device import Device, current_device

if TYPE_CHECKING:
    from accelerx.executable import Executable

USUAL_THREADS = 256  # of a block, where a kernel is compiled before anybody launched it

Launch = tuple[Callable[..., None], tuple[ndarray, ...]]


class RawKernel:
    """A kernel written in CUDA C++.

    Args:
        code: The text.
        name: The kernel's name, or an expression that names a template's instance.
        options: Compiler options as nvcc or NVRTC take them.
        backend: ``nvrtc`` or ``nvcc``; which one makes no difference.
        translate_cucomplex: Makes no difference: ``cuComplex.h`` is understood as it is.
        enable_cooperative_groups: Makes no difference: kernels that wait for the whole grid are found.
        jitify: Makes no difference: the standard headers are there.
        headers: Texts of headers by the name they are included by.
        include_dirs: Folders in which headers are looked for.

    Attributes:
        name: As given.
        code: The text.
        options: As given.
        backend: As given.
        file_path: None: there is no file of compiled code.
        enable_cooperative_groups: As given.
    """

    file_path = None

    def __init__(
        self,
        code: str,
        name: str,
        options: Sequence[str] = (),
        backend: str = "nvrtc",
        translate_cucomplex: bool = False,
        *,
        enable_cooperative_groups: bool = False,
        jitify: bool = False,
        headers: Mapping[str, str] | None = None,
        include_dirs: Sequence[str] = (),
    ) -> None:
        unit = Unit.of(code, options, backend, headers, include_dirs)
        self._set_up(unit, name, tuple(options), backend, enable_cooperative_groups)

    @classmethod
    def of_unit(
        cls, unit: Unit, name: str, options: tuple[str, ...], backend: str, cooperative: bool
    ) -> RawKernel:
        """A kernel of a text that others share."""
        kernel = cls.__new__(cls)
        kernel._set_up(unit, name, options, backend, cooperative)
        return kernel

    def _set_up(
        self, unit: Unit, name: str, options: tuple[str, ...], backend: str, cooperative: bool
    ) -> None:
        self.name = name
        self.code = unit.source.code
        self.options = options
        self.backend = backend
        self.enable_cooperative_groups = cooperative
        self.preferred_shared_memory_carveout = -1
        self._unit = unit
        self._launches: dict[Any, Launch] = {}
        self._lock = threading.Lock()
        self._max_dynamic: int | None = None

    # --------------------------------------------------------------------------- launching

    def __call__(
        self,
        grid: Any,
        block: Any,
        args: Sequence[Any],
        *,
        shared_mem: int = 0,
        stream: Any = None,
    ) -> None:
        """Launches the kernel.

        Args:
            grid: Blocks: one to three numbers.
            block: Threads of a block: one to three numbers.
            args: The kernel's arguments, in order.
            shared_mem: Bytes of dynamic shared memory of a block.
            stream: A Stream; the current one if None.
        """
        if type(args) is not tuple:
            args = self._as_tuple(args)
        try:
            found = self._launches.get((grid, block, shared_mem, stream))
        except TypeError:  # a grid written as a list
            found = None
        if found is None:
            found = self._launcher(grid, block, shared_mem, stream, args)
        call, variables = found
        call(*args, *variables)

    def _as_tuple(self, args: Any) -> tuple[Any, ...]:
        if isinstance(args, list):
            return tuple(args)
        raise LaunchError(
            f"{self.name}: arguments are a tuple, not {type(args).__qualname__}; write "
            f"{self.name}(grid, block, (x, ...))"
        )

    def _launcher(
        self, grid: Any, block: Any, shared_mem: int, stream: Any, args: tuple[Any, ...]
    ) -> Launch:
        """What to call with a configuration's arguments, and the variables behind them."""
        checked = configured(self.name, (grid, block, 0 if stream is None else stream, shared_mem))
        launcher = Launcher(self._entry(), checked, self._dynamic_limit, args)
        made = launcher.call, launcher.variables
        try:
            with self._lock:
                if len(self._launches) >= MAX_LAUNCHERS:
                    self._launches.clear()
                return self._launches.setdefault((grid, block, shared_mem, stream), made)
        except TypeError:  # a grid written as a list
            return made

    def _dynamic_limit(self, executable: Executable) -> int:
        if self._max_dynamic is not None:
            return self._max_dynamic
        return max(executable.model.max_shared_bytes - executable.shared_bytes, 0)

    # --------------------------------------------------------------------------- compiling

    def compile(self, log_stream: TextIO | None = None, *, block: Any = None) -> None:
        """Compiles now what the first launch would compile.

        Args:
            log_stream: Where the compiler's messages are written, too, if the text is at fault.
            block: The block shape of the launches to come; 256 threads, or as many as the kernel
                allows, if None. Other shapes are compiled when they are first launched.

        Raises:
            CompileError: if the text is at fault.
        """
        try:
            entry, device = self._entry(), current_device()
            shape = self._usual_block(entry, device)
            if block is not None:
                shape = dim3(self.name, "block", block)
            self._unit.specialise(entry, frozenset(), shape, device)
        except CompileError as e:
            if log_stream is not None:
                log_stream.write(f"{e}\n")
            raise

    def _entry(self) -> Entry:
        return self._unit.entry(self.name)

    def _usual_block(self, entry: Entry, device: Device) -> Dim3:
        limit = entry.signature.max_threads or device.model.max_threads_per_block
        return min(USUAL_THREADS, limit), 1, 1

    def _latest(self) -> Executable:
        """What was compiled last; if nothing was, the kernel for a block of usual size."""
        compiled = self._unit.executables(self.name)
        if compiled:
            return compiled[-1]
        entry, device = self._entry(), current_device()
        block = self._usual_block(entry, device)
        return self._unit.specialise(entry, frozenset(), block, device)

    @property
    def signature(self) -> CudaSignature:
        """Its C++ declaration, taken apart."""
        return self._entry().signature

    def inspect(self, stage: str = "kir") -> str:
        """The text of a stage of what was compiled last: ``kir``, ``llvm``, ``asm`` or ``cuda``."""
        return self._latest().text(stage)

    def explain(self) -> str:
        """How each specialisation runs: device, lanes, notes with source lines."""
        self._latest()
        return "\n\n".join(e.explain() for e in self._unit.executables(self.name))

    # ------------------------------------------------------------------------------ attributes

    @property
    def attributes(self) -> dict[str, int]:
        """What CUDA tells of a function; ``docs/cuda-cpp.md`` says what each number means here."""
        executable, entry = self._latest(), self._entry()
        model = executable.model
        major, minor = model.compute_capability
        rows = entry.signature.globals
        return {
            "max_threads_per_block": min(
                entry.signature.max_threads or model.max_threads_per_block,
                model.max_threads_per_block,
            ),
            "shared_size_bytes": executable.shared_bytes,
            "const_size_bytes": sum(row.size for row in rows if row.constant),
            "local_size_bytes": -(-executable.scratch_bytes // prod(executable.block)),
            "num_regs": 0,
            "ptx_version": major * 10 + minor,
            "binary_version": major * 10 + minor,
            "cache_mode_ca": 0,
            "max_dynamic_shared_size_bytes": self._dynamic_limit(executable),
            "preferred_shared_memory_carveout": self.preferred_shared_memory_carveout,
        }

    @property
    def max_threads_per_block(self) -> int:
        return self.attributes["max_threads_per_block"]

    @property
    def shared_size_bytes(self) -> int:
        """Static shared memory of a block."""
        return self.attributes["shared_size_bytes"]

    @property
    def const_size_bytes(self) -> int:
        return self.attributes["const_size_bytes"]

    @property
    def local_size_bytes(self) -> int:
        return self.attributes["local_size_bytes"]

    @property
    def num_regs(self) -> int:
        return self.attributes["num_regs"]

    @property
    def ptx_version(self) -> int:
        return self.attributes["ptx_version"]

    @property
    def binary_version(self) -> int:
        return self.attributes["binary_version"]

    @property
    def cache_mode_ca(self) -> int:
        return self.attributes["cache_mode_ca"]

    @property
    def max_dynamic_shared_size_bytes(self) -> int:
        """The dynamic shared memory that a launch may ask for; launches that ask for more fail."""
        return self._dynamic_limit(self._latest())

    @max_dynamic_shared_size_bytes.setter
    def max_dynamic_shared_size_bytes(self, nbytes: int) -> None:
        executable = self._latest()
        most = executable.model.max_dynamic_shared_bytes - executable.shared_bytes
        if not 0 <= nbytes <= most:
            raise OutOfResourcesError(
                f"{self.name}: max_dynamic_shared_size_bytes = {nbytes}; {executable.model.name} "
                f"has at most {most} beside {executable.shared_bytes} static bytes"
            )
        with self._lock:
            self._max_dynamic = int(nbytes)
            self._launches.clear()

    # ------------------------------------------------------------------------------ protocol

    def __repr__(self) -> str:
        return f"<RawKernel {self.name!r} of {self._unit.source.filename}>"

    def __reduce__(self) -> Any:
        return _restored, (
            self._unit, self.name, self.options, self.backend, self.enable_cooperative_groups,
            self._max_dynamic,
        )  # fmt: skip


def _restored(
    unit: Unit,
    name: str,
    options: tuple[str, ...],
    backend: str,
    cooperative: bool,
    max_dynamic: int | None,
) -> RawKernel:
    kernel = RawKernel.of_unit(unit, name, options, backend, cooperative)
    kernel._max_dynamic = max_dynamic
    return kernel
