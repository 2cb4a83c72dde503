"""One CUDA C++ text with its options: signatures, variables on devices, and compiled kernels.

What the front end says about a text is kept on disk, too, so that a kernel found in the cache needs no
libclang. Such an entry names every header that the text included and its content's hash; it counts
while the headers are as they were.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import pickle
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from accelerx import config
from accelerx.compiler.frontends.cuda_cpp.signature import CudaSignature, GlobalVariable
from accelerx.compiler.frontends.cuda_cpp.source import CudaSource
from accelerx.compiler.recipe import Options
from accelerx.errors import CompileError
from accelerx.kernel import build
from accelerx.ndarray import empty, ndarray
from accelerx.raw.arguments import Binder
from accelerx.raw.options import parse
from accelerx.recipes import CudaRecipe
from accelerx.runtime.backend import Dim3
from accelerx.runtime.cache import cache, generator_hash
from accelerx.runtime.device import Device

if TYPE_CHECKING:
    from accelerx.executable import Executable


BACKENDS = ("nvrtc", "nvcc")  # which one makes no difference


class Unit:
    """A text, parsed when a kernel of it is first asked for; all its kernels share its variables.

    Attributes:
        source: The text and how it is read.
        debug: Whether checks are compiled in.
    """

    def __init__(self, source: CudaSource, debug: bool = False) -> None:
        self.source = source
        self.debug = debug
        self._lock = threading.RLock()
        self._entries: dict[str, Entry] = {}
        self._variables: dict[tuple[Device, str], ndarray] = {}
        self._memo: dict[tuple[Any, ...], Executable] = {}

    @staticmethod
    def of(
        code: str,
        options: Sequence[str],
        backend: str,
        headers: Mapping[str, str] | None,
        include_dirs: Sequence[str],
    ) -> Unit:
        """The unit of a text with compiler options as nvcc or NVRTC take them.

        Raises:
            UnsupportedError: if an option is not known.
        """
        if not isinstance(code, str):
            raise TypeError(f"CUDA C++ code is a string, not {type(code).__qualname__}")
        if backend not in BACKENDS:
            raise ValueError(f"backend is one of {', '.join(BACKENDS)}, not {backend!r}")
        parsed = parse(options, headers, include_dirs)
        return Unit(CudaSource(code, parsed.cuda), parsed.debug)

    def __reduce__(self) -> Any:
        return Unit, (self.source, self.debug)

    def entry(self, name: str) -> Entry:
        """What is known of the kernel of a name, or of a name expression.

        Raises:
            CompileError: if the text is at fault, or has no such kernel.
        """
        found = self._entries.get(name)
        if found is None:
            with self._lock:
                found = self._entries.get(name)
                if found is None:
                    signature, digest = described(self.source, name)
                    found = self._entries[name] = Entry(self, name, signature, digest)
        return found

    def global_variable(self, name: str, device: Device) -> ndarray:
        """The variable of a name on a device.

        Raises:
            CompileError: if the text has none of that name, or no kernel that it could serve.
        """
        names = list(self._entries) or list(kernel_names(self.source))
        if not names:
            raise CompileError(
                f"{self.source.filename}: it has no kernel but templates; get a function by its "
                "name expression first"
            )
        rows = {row.name: row for row in self.entry(names[0]).signature.globals}
        if name not in rows:
            there = ", ".join(rows) or "none"
            raise CompileError(
                f"{self.source.filename}: there is no variable {name!r}; it has {there}"
            )
        return self.variable(rows[name], device)

    def variables(self, entry: Entry, device: Device) -> tuple[ndarray, ...]:
        """The text's ``__device__`` and ``__constant__`` variables on a device."""
        return tuple(self.variable(row, device) for row in entry.signature.globals)

    def variable(self, row: GlobalVariable, device: Device) -> ndarray:
        """A variable's memory on a device; it holds its initial value at first."""
        key = (device, row.name)
        found = self._variables.get(key)
        if found is None:
            with self._lock:
                found = self._variables.get(key)
                if found is None:
                    found = self._variables[key] = _initialised(row, device)
        return found

    def specialise(
        self,
        entry: Entry,
        nulls: frozenset[int],
        block: Dim3,
        device: Device,
        wide: bool = False,
    ) -> Executable:
        """A kernel compiled for a block shape and a device.

        ``nulls`` are the pointers that are null; ``wide`` says that 32-bit indices may wrap.
        """
        checks = config.CHECK.get()
        key = (entry.name, nulls, block, device, checks, wide)
        found = self._memo.get(key)
        if found is None:
            with self._lock:
                found = self._memo.get(key)
                if found is None:
                    recipe = entry.recipe(nulls, wide)
                    found = self._memo[key] = build(recipe, block, device, checks)
        return found

    def executables(self, name: str) -> list[Executable]:
        """What was compiled of one kernel, oldest first."""
        with self._lock:
            return [found for key, found in self._memo.items() if key[0] == name]


class Entry:
    """One kernel of a unit.

    Attributes:
        name: As it was asked for.
        signature: Its C++ declaration.
        binder: Binds launch arguments to it.
    """

    def __init__(self, unit: Unit, name: str, signature: CudaSignature, digest: str) -> None:
        self.unit = unit
        self.name = name
        self.signature = signature
        self.binder = Binder(signature)
        self._digest = digest

    def recipe(self, nulls: frozenset[int] = frozenset(), wide: bool = False) -> CudaRecipe:
        """What it is compiled from."""
        options = self.unit.source.options
        return CudaRecipe(
            self.unit.source,
            self.name,
            self._digest,
            self.signature.text,
            (*self.binder.names, *(row.name for row in self.signature.globals)),
            nulls,
            wide,
            Options(
                debug=self.unit.debug,
                fastmath=options.fast_math,
                contract=options.contract,
                max_threads=self.signature.max_threads,
            ),
        )


def _initialised(row: GlobalVariable, device: Device) -> ndarray:
    made = empty(max(row.size // row.dtype.itemsize, 1), row.dtype, device)
    if row.initial is None:
        made.buffer.fill(made.ptr, 0, made.nbytes)
    else:
        made.buffer.write(made.ptr, np.frombuffer(row.initial, np.uint8))
    return made


# -------------------------------------------------------------------------- what a text says


def described(source: CudaSource, name: str) -> tuple[CudaSignature, str]:
    """A kernel's signature, and a digest of the text with all that it includes.

    Raises:
        CompileError: if the text is at fault, or has no such kernel.
    """
    return _remembered(source, name, lambda front_end, unit: front_end.signature(source, name))


def kernel_names(source: CudaSource) -> tuple[str, ...]:
    """The kernels of a text that are no templates.

    Raises:
        CompileError: if the text is at fault.
    """

    def names(front_end: Any, unit: Any) -> tuple[str, ...]:
        return tuple(cursor.spelling for cursor in unit.kernels())

    found: tuple[str, ...] = _remembered(source, "", names)[0]
    return found


def _remembered(source: CudaSource, name: str, ask: Callable[[Any, Any], Any]) -> tuple[Any, str]:
    """What the front end says of a text, asked once as long as its headers stay as they are.

    Returns:
        The answer, and a digest of the text with its headers.
    """
    text = _digest(
        source.code, repr(source.options), source.filename, _libclang(), generator_hash()
    )
    key = _digest("description", text, name)
    stored = cache().load(key)
    if stored is not None:
        headers, answer = pickle.loads(stored)  # as private to us as the code beside it
        if headers == _hashes(headers):
            return answer, _digest(text, repr(headers))
    front_end = importlib.import_module("accelerx.compiler.frontends.cuda_cpp.lifter")
    front_end.keep_in(cache().folder)
    if stored is not None or "#include" in source.code:
        front_end.parsed.cache_clear()  # it may know the text with its headers as they were
    unit = front_end.parsed(source, name)[0] if name else front_end.Unit.parse(source)
    answer = ask(front_end, unit)
    headers = _hashes(_included(unit))
    cache().store(key, pickle.dumps((headers, answer)))
    return answer, _digest(text, repr(headers))


def _included(unit: Any) -> Iterable[str]:
    """The files that a parsed text includes, our own headers and those given as text aside."""
    own = importlib.import_module("accelerx.compiler.frontends.cuda_cpp.clang").INCLUDE
    names = {str(inclusion.include.name) for inclusion in unit.tu.get_includes()}
    return sorted(n for n in names if not n.startswith((str(own), "/accelerx-headers/")))


def _hashes(paths: Iterable[str]) -> dict[str, str]:
    """The contents of files, as hashes; of one that cannot be read, nothing."""
    return {path: _hash_of(Path(path)) for path in paths}


def _hash_of(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""  # it is gone: another content than it had


def _digest(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{len(part)}:".encode())
        digest.update(part.encode(errors="surrogatepass"))
    return digest.hexdigest()


_stamp: list[str] = []


def _libclang() -> str:
    """Stands for the libclang that would parse, without loading it: its library's size and time."""
    if not _stamp:
        spec = importlib.util.find_spec("clang")
        folders = [] if spec is None else list(spec.submodule_search_locations or ())
        files = sorted(path for folder in folders for path in Path(folder, "native").glob("*.so*"))
        status = [(str(path), os.stat(path)) for path in files]
        _stamp.append(repr([(path, s.st_size, s.st_mtime_ns) for path, s in status]))
    return _stamp[0]
