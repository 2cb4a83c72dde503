"""Finds the backends of this process and ranks them; what is refused is kept with its reason.

Backends come from the built-in folder ``accelerx/_plugins``, from the entry-point group
``accelerx.backends`` of installed packages (an object that is a path or returns one), and from
``ACCELERX_PLUGIN_PATH``. The NumPy fallback is always the last. A plugin that fails never breaks
another one, nor the import.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import logging
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accelerx import config
from accelerx.compiler.devices import DeviceModel
from accelerx.errors import (
    AccelerxError,
    DeviceError,
    FallbackError,
    FallbackWarning,
    PluginError,
)
from accelerx.runtime import plugin_backend
from accelerx.runtime.backend import Backend
from accelerx.runtime.numpy_backend import NumpyBackend

GROUP = "accelerx.backends"
SUFFIXES = (".so", ".dylib")
FALLBACK = "numpy"

# A device's own compiler is asked for when a kernel is compiled; this one decides at once whether
# the backend can run any kernel at all.
COMPILED_HERE = "llvm"
COMPILERS = {COMPILED_HERE: "llvmlite"}
RANK = {"accelerator": 0, "cpu": 1, "interpreter": 2, "simulated": 3}

logger = logging.getLogger("accelerx")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A backend that cannot be used: where it lies and why."""

    source: str
    reason: str


@dataclass
class Registry:
    """All backends by name, best first, and the refused ones."""

    backends: dict[str, Backend] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    _warned: bool = False

    def refuse(self, source: str, reason: str) -> None:
        """Keeps a sentence about a backend that is not used."""
        logger.info("backend %s: %s", source, reason)
        self.refused.append(Refusal(source, reason))

    def add(self, backend: Backend) -> None:
        """Takes a backend in, or refuses it."""
        reason = self._objection(backend)
        if reason:
            self.refuse(f"{backend.name} ({backend.source})", reason)
        else:
            self.backends[backend.name] = backend

    def _objection(self, backend: Backend) -> str:
        wanted = config.BACKENDS.get()
        if wanted and backend.name not in wanted and backend.name != FALLBACK:
            return f"not among {config.BACKENDS.variable}={','.join(wanted)}"
        if backend.name in self.backends:
            return f"a backend of that name came from {self.backends[backend.name].source}"
        package = COMPILERS.get(backend.dialect)
        if package and importlib.util.find_spec(package) is None:
            return f"compiling kernels for it needs {package}; pip install {package}"
        try:
            if backend.device_count() < 1:
                return "finds no device"
            model_of(backend)
        except AccelerxError as e:
            return str(e)
        return ""

    def get(self, name: str) -> Backend:
        """The backend called ``name``.

        Raises:
            DeviceError: with the reason if it is refused or unknown.
        """
        if name in self.backends:
            return self.backends[name]
        reasons = [r for r in self.refused if r.source.split(" ")[0] == name or name in r.source]
        if reasons:
            said = "; ".join(f"{r.source}: {r.reason}" for r in reasons)
            raise DeviceError(f"backend {name!r} cannot be used: {said}")
        close = difflib.get_close_matches(name, self.backends, 1, 0.7)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise DeviceError(
            f"there is no device called {name!r}; {hint}usable here: {', '.join(self.backends)}; "
            "`accelerx devices` tells what was looked at"
        )

    def best(self) -> Backend:
        """The backend of the default device: a real accelerator, else the CPU, else NumPy."""
        ranked = sorted(self.backends.values(), key=_rank)
        best = ranked[0]
        if best.name == FALLBACK and FALLBACK not in config.BACKENDS.get():
            self._announce_fallback()
        return best

    def _announce_fallback(self) -> None:
        reasons = "; ".join(f"{r.source}: {r.reason}" for r in self.refused)
        text = (
            "no compiled backend is usable, so kernels run in the NumPy interpreter, thousands of "
            f"times slower ({reasons or plugin_backend.MISSING or 'no plugins were found'})"
        )
        policy = config.FALLBACK.get()
        if policy == "error":
            raise FallbackError(f"{text}; {config.FALLBACK.variable}=error forbids it")
        if policy == "warn" and not self._warned:
            self._warned = True
            config.warn(f"{text}; ACCELERX_FALLBACK=allow silences this", FallbackWarning)


def _rank(backend: Backend) -> int:
    return RANK[model_of(backend).kind]


def model_of(backend: Backend, index: int = 0) -> DeviceModel:
    """The model of a backend's device.

    A device that takes ``llvm`` runs our CPU code in this process: with the host's memory it is the
    CPU, with its own it is a simulated one.
    """
    ours = backend.dialect == COMPILED_HERE
    kind = "accelerator" if not ours else "cpu" if backend.host_memory else "simulated"
    text = backend.device(index).model()
    return DeviceModel.from_json(text, kind=kind, dialect=backend.dialect)


_lock = threading.RLock()
_registry: list[Registry] = []


def registry() -> Registry:
    """The process's registry, discovered on first use."""
    if not _registry:
        with _lock:
            if not _registry:
                _registry.append(discover())
    return _registry[0]


def discover() -> Registry:
    """Looks for backends everywhere they may be."""
    logger.setLevel(config.LOG.get().upper())
    for sentence in config.unknown_variables():
        config.warn(sentence)
    found = Registry()
    if config.BACKENDS.get() != (FALLBACK,):
        for source, reason in _open_all(found):
            found.refuse(source, reason)
    found.add(NumpyBackend())
    return found


def _open_all(found: Registry) -> Iterator[tuple[str, str]]:
    """Opens every plugin; yields (source, reason) for those that fail."""
    built_in = Path(plugin_backend.__file__).parents[1] / "_plugins"
    if plugin_backend.MISSING:
        yield "accelerx._core", f"the compiled core is missing: {plugin_backend.MISSING}"
        return
    paths = [*_libraries(built_in), *_entry_points(found)]
    for path in config.PLUGIN_PATH.get():
        if path.is_dir():
            paths += _libraries(path)
        elif path.is_file():
            paths.append(path)
        else:
            yield str(path), f"named by {config.PLUGIN_PATH.variable}, but not there"
    for path in paths:
        try:
            found.add(plugin_backend.open_plugin(str(path)))
        except PluginError as e:
            yield str(path), str(e)


def _libraries(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.suffix in SUFFIXES)


def entry_points(group: str) -> Iterable[Any]:
    """``importlib.metadata.entry_points``; the module is slow to import and needed once."""
    points: Iterable[Any] = importlib.import_module("importlib.metadata").entry_points(group=group)
    return points


def _entry_points(found: Registry) -> list[Path]:
    paths: list[Path] = []
    for point in entry_points(group=GROUP):
        try:
            named = point.load()
            paths.append(Path(os.fspath(named() if callable(named) else named)))
        except Exception as e:  # another package's code: its failure is its reason
            found.refuse(f"{point.name} ({point.value})", f"{type(e).__name__}: {e}")
    return paths
