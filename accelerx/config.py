"""The settings table: every ``ACCELERX_*`` environment variable, one row each.

A setting is read when it is needed, never at import, so a program may set ``os.environ`` first. Bad
values raise SettingError, and a variable that no row knows is reported by ``unknown_variables``:
a misspelt switch must not be obeyed in silence.
"""

from __future__ import annotations

import difflib
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from accelerx.errors import SettingError

T = TypeVar("T")

PREFIX = "ACCELERX_"
CHECKS = ("bounds", "barriers")


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """One environment variable.

    Attributes:
        name: The variable's name without ``ACCELERX_``.
        parse: Turns its text into a value; raises ValueError with a sentence for a bad one.
        default: The value when the variable is unset or empty.
        values: What may be written there, for messages and documentation.
        doc: One sentence.
        reserved: Whether the name is taken but this version does nothing with it.
    """

    name: str
    parse: Callable[[str], T]
    default: T
    values: str
    doc: str
    reserved: bool = False

    @property
    def variable(self) -> str:
        return PREFIX + self.name

    def get(self) -> T:
        """The value in force now.

        Raises:
            SettingError: if the variable holds something it may not.
        """
        text = os.environ.get(self.variable, "").strip()
        if not text:
            return self.default
        try:
            return self.parse(text)
        except ValueError as e:
            raise SettingError(
                f"{self.variable}={text!r}: {e}; it takes {self.values} ({self.doc})"
            ) from e


def _text(text: str) -> str:
    return text


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _paths(text: str) -> tuple[Path, ...]:
    return tuple(Path(part).expanduser() for part in text.split(os.pathsep) if part)


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _flag(text: str) -> bool:
    match text.lower():
        case "1" | "true" | "on" | "yes":
            return True
        case "0" | "false" | "off" | "no":
            return False
    raise ValueError("not a switch")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError("not a positive integer")
    return int(text)


def _choice(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError("no such choice")
        return text.lower()

    return parse


def _checks(text: str) -> frozenset[str]:
    names = frozenset(_names(text.lower()))
    for name in sorted(names - set(CHECKS)):
        raise ValueError(f"there is no check called {name!r}")
    return names


DEVICE = Setting("DEVICE", _text, "", "a device's name, e.g. cpu or sim:0", "the default device")
BACKENDS: Setting[tuple[str, ...]] = Setting(
    "BACKENDS", _names, (), "names separated by commas", "the only backends that may be used"
)
PLUGIN_PATH: Setting[tuple[Path, ...]] = Setting(
    "PLUGIN_PATH",
    _paths,
    (),
    f"shared libraries or folders separated by {os.pathsep!r}",
    "where more backend plugins lie",
)
SIM = Setting(
    "SIM", _text, "", "a device model's name", "puts our CPU code under that model's limits"
)
EMULATE: Setting[tuple[str, ...]] = Setting(
    "EMULATE",
    _names,
    (),
    "backend names separated by commas",
    "backends that use their emulator",
    reserved=True,
)
CHECK = Setting(
    "CHECK",
    _checks,
    frozenset[str](),
    f"names out of {', '.join(CHECKS)}, separated by commas",
    "checks compiled into every kernel",
)
LAYERS: Setting[tuple[str, ...]] = Setting(
    "LAYERS",
    _names,
    (),
    "layer names separated by commas",
    "tools put between us and a backend",
    reserved=True,
)
FALLBACK = Setting(
    "FALLBACK",
    _choice("error", "warn", "allow"),
    "warn",
    "error, warn or allow",
    "what happens when only a slow road is left",
)
DETERMINISTIC = Setting(
    "DETERMINISTIC",
    _flag,
    False,
    "0 or 1",
    "orders floating-point atomics and reductions",
    reserved=True,
)
CACHE_DIR: Setting[Path | None] = Setting(
    "CACHE_DIR", _path, None, "a folder", "where compiled kernels are kept"
)
LAUNCH_BLOCKING = Setting(
    "LAUNCH_BLOCKING", _flag, False, "0 or 1", "makes every launch wait for its end"
)
NUM_THREADS: Setting[int | None] = Setting(
    "NUM_THREADS", _count, None, "a positive integer", "threads the CPU backend uses"
)
LOG = Setting(
    "LOG",
    _choice("debug", "info", "warning", "error"),
    "warning",
    "debug, info, warning or error",
    "how much accelerx's logger says",
)
DUMP: Setting[Path | None] = Setting(
    "DUMP", _path, None, "a folder", "where every compiled kernel's stages are written"
)

SETTINGS: dict[str, Setting[object]] = {
    row.name: row  # type: ignore[misc]
    for row in (
        DEVICE, BACKENDS, PLUGIN_PATH, SIM, EMULATE, CHECK, LAYERS, FALLBACK, DETERMINISTIC,
        CACHE_DIR, LAUNCH_BLOCKING, NUM_THREADS, LOG, DUMP,
    )
}  # fmt: skip


def unknown_variables(environment: Mapping[str, str] | None = None) -> list[str]:
    """A sentence for every ``ACCELERX_*`` variable that has no effect."""
    names = sorted(os.environ if environment is None else environment)
    sentences = [_ineffective(name) for name in names if name.startswith(PREFIX)]
    return [sentence for sentence in sentences if sentence]


def _ineffective(variable: str) -> str:
    name = variable.removeprefix(PREFIX)
    row = SETTINGS.get(name)
    if row is not None:
        return f"{variable} has no effect in this version" if row.reserved else ""
    close = difflib.get_close_matches(name, SETTINGS, 1)
    hint = f"did you mean {PREFIX}{close[0]}?" if close else f"known: {', '.join(SETTINGS)}"
    return f"{variable} is not a setting of accelerx and has no effect; {hint}"


def warn(text: str, category: type[Warning] = UserWarning) -> None:
    """Warns at the line of the user's program that led here, not at one of ours."""
    package = os.path.dirname(__file__) + os.sep
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(package):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, category, stacklevel=level)
