"""RawModule: a CUDA C++ text with several kernels that share its variables, as CuPy's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from accelerx.errors import UnsupportedError
from accelerx.ndarray import ndarray
from accelerx.raw.kernel import RawKernel
from accelerx.raw.unit import Unit, kernel_names
from accelerx.runtime.device import current_device


class RawModule:
    """A text of CUDA C++.

    Args:
        code: The text.
        path: Of a file of compiled GPU code: refused, because only a GPU runs it.
        options: Compiler options as nvcc or NVRTC take them.
        backend: ``nvrtc`` or ``nvcc``; which one makes no difference.
        translate_cucomplex: Makes no difference: ``cuComplex.h`` is understood as it is.
        enable_cooperative_groups: Makes no difference: kernels that wait for the whole grid are found.
        name_expressions: Template instances that ``get_function`` will be asked for; it can be asked
            for others, too.
        jitify: Makes no difference: the standard headers are there.
        headers: Texts of headers by the name they are included by.
        include_dirs: Folders in which headers are looked for.
    """

    file_path = None

    def __init__(
        self,
        *,
        code: str | None = None,
        path: str | None = None,
        options: Sequence[str] = (),
        backend: str = "nvrtc",
        translate_cucomplex: bool = False,
        enable_cooperative_groups: bool = False,
        name_expressions: Sequence[str] | None = None,
        jitify: bool = False,
        headers: Mapping[str, str] | None = None,
        include_dirs: Sequence[str] = (),
    ) -> None:
        if (code is None) == (path is None):
            raise TypeError("a RawModule is made of code, or of a path; give one of the two")
        if code is None:
            raise UnsupportedError(
                f"RawModule(path={path!r}): compiled GPU code (cubin, PTX, fatbin) runs on CUDA "
                "devices only; give the source instead: RawModule(code=open(file).read())"
            )
        self.code = code
        self.options = tuple(options)
        self.backend = backend
        self.enable_cooperative_groups = enable_cooperative_groups
        self.name_expressions = None if name_expressions is None else tuple(name_expressions)
        self._unit = Unit.of(code, options, backend, headers, include_dirs)
        self._kernels: dict[str, RawKernel] = {}

    def get_function(self, name: str) -> RawKernel:
        """The kernel of a name, or of a name expression such as ``"scale<float, 4>"``.

        Raises:
            CompileError: if the text is at fault, or has no such kernel.
        """
        self._unit.entry(name)
        kernel = RawKernel.of_unit(
            self._unit, name, self.options, self.backend, self.enable_cooperative_groups
        )
        return self._kernels.setdefault(name, kernel)

    def get_global(self, name: str) -> ndarray:
        """A ``__device__`` or ``__constant__`` variable on the current device, as an array over it.

        The array has one axis. Its dtype is the variable's where that is a number or made of numbers
        of one type, else an unsigned integer; ``view`` and ``reshape`` give it another form. Writing
        to it (``set``, ``copy_to_device``, assignment) changes the variable for all kernels of the
        module.

        Raises:
            CompileError: if there is no such variable.
        """
        return self._unit.global_variable(name, current_device())

    def compile(self, log_stream: TextIO | None = None) -> None:
        """Compiles now all kernels that have names, and the name expressions.

        Args:
            log_stream: Where the compiler's messages are written, too, if the text is at fault.

        Raises:
            CompileError: if the text is at fault.
        """
        names = self.name_expressions or kernel_names(self._unit.source)
        for name in names:
            self.get_function(name).compile(log_stream)

    def __repr__(self) -> str:
        return f"<RawModule of {self._unit.source.filename}>"

    def __reduce__(self) -> Any:
        return _restored, (
            self._unit, self.options, self.backend, self.enable_cooperative_groups,
            self.name_expressions,
        )  # fmt: skip


def _restored(
    unit: Unit,
    options: tuple[str, ...],
    backend: str,
    cooperative: bool,
    name_expressions: tuple[str, ...] | None,
) -> RawModule:
    module = RawModule(
        code=unit.source.code,
        options=options,
        backend=backend,
        enable_cooperative_groups=cooperative,
        name_expressions=name_expressions,
    )
    module._unit = unit  # it also knows headers, and may be shared with kernels
    return module
