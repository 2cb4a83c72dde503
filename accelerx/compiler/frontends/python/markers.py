"""Names that mean something only inside a kernel: the front end reads them, calling them raises."""

from __future__ import annotations

from typing import Any, NoReturn

from accelerx.errors import UnsupportedError


class Marker:
    """A name of the kernel language, such as ``threadIdx.x`` or ``atomic.add``.

    Parts of a dotted name are attributes: ``Marker("atomic", "add", "sub")`` has ``.add`` and
    ``.sub``. The front end goes by ``name``, so that copies made by pickling mean the same.
    """

    def __init__(self, name: str, *parts: str, doc: str = "") -> None:
        self.name = name
        self.__doc__ = doc or f"``{name}``, for use inside kernels."
        for part in parts:
            setattr(self, part, Marker(f"{name}.{part}"))

    def __getattr__(self, part: str) -> Marker:
        raise AttributeError(f"the kernel language has no {self.__dict__.get('name')}.{part}")

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        raise UnsupportedError(
            f"{self.name} was called outside a kernel; it has a meaning only inside functions "
            "decorated with accelerx.jit or accelerx.cuda.jit"
        )

    def __repr__(self) -> str:
        return f"<kernel name {self.name}>"
