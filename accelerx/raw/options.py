"""Compiler options as nvcc and NVRTC take them: what they mean here, one row each.

What only concerns a GPU's own compiler is taken and has no effect, so that programs run unchanged; an
option that no row knows is refused, because what it asks for would not happen.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

from accelerx.compiler.frontends.cuda_cpp.source import CudaOptions, Standard
from accelerx.errors import UnsupportedError

Takes = Literal["nothing", "value", "optional"]
Effect = Literal["define", "undefine", "include", "standard", "fast_math", "contract", "debug", ""]


@dataclass(frozen=True, slots=True)
class Option:
    """One option.

    Attributes:
        names: Its spellings without dashes; nvcc takes one dash or two before any of them.
        takes: Whether a value follows; an optional one only behind ``=``.
        effect: What it decides; empty if nothing here.
    """

    names: tuple[str, ...]
    takes: Takes = "nothing"
    effect: Effect = ""


def _without_effect(takes: Takes, *names: str) -> tuple[Option, ...]:
    return tuple(Option((name,), takes) for name in names)


OPTIONS: tuple[Option, ...] = (
    Option(("D", "define-macro"), "value", "define"),
    Option(("U", "undefine-macro"), "value", "undefine"),
    Option(("I", "include-path"), "value", "include"),
    Option(("std",), "value", "standard"),
    Option(("use_fast_math",), "optional", "fast_math"),
    Option(("fmad",), "value", "contract"),
    Option(("G", "device-debug"), "nothing", "debug"),
    *_without_effect(
        "value", "arch", "gpu-architecture", "gencode", "generate-code", "code", "gpu-code",
        "maxrregcount", "ftz", "prec-div", "prec-sqrt", "dopt", "rdc", "relocatable-device-code",
        "Xptxas", "ptxas-options", "Xcompiler", "compiler-options", "Xcicc", "t", "threads",
        "split-compile", "diag-suppress", "diag-warn", "time", "O",
    ),
    *_without_effect(
        "optional", "extra-device-vectorization", "modify-stack-limit", "dlink-time-opt", "dlto",
        "builtin-move-forward", "builtin-initializer-list", "restrict", "pch", "res-usage",
        "resource-usage", "ewp", "extensible-whole-program", "err-no", "display-error-number",
        "no-display-error-number",
    ),
    *_without_effect(
        "nothing", "lineinfo", "generate-line-info", "w", "disable-warnings", "g", "debug", "m64",
        "expt-relaxed-constexpr", "expt-extended-lambda", "extended-lambda", "O0", "O1", "O2",
        "O3", "no-cache", "minimal", "no-source-include", "keep-device-functions",
    ),
)  # fmt: skip

_BY_NAME = {name: option for option in OPTIONS for name in option.names}
_JOINED = ("D", "U", "I")  # a value may follow without a space


@dataclass(frozen=True, slots=True)
class Parsed:
    """Options understood: what decides the text's meaning, and whether checks are compiled in."""

    cuda: CudaOptions
    debug: bool = False


def parse(
    options: Sequence[str],
    headers: Mapping[str, str] | None = None,
    include_dirs: Sequence[str] = (),
) -> Parsed:
    """Compiler options as a list of strings, in nvcc's or NVRTC's spelling.

    Raises:
        UnsupportedError: naming an option that is not known, or a value that it does not take.
    """
    if isinstance(options, str):
        raise TypeError(f"options are a tuple of strings; write ({options!r},)")
    state = Parsed(
        CudaOptions(
            include_dirs=tuple(map(os.path.abspath, include_dirs)),
            headers=tuple((headers or {}).items()),
        )
    )
    for option, value, text in _pairs(options):
        state = _applied(state, option.effect, value, text)
    return state


def _pairs(options: Sequence[str]) -> Iterator[tuple[Option, str, str]]:
    """Each option with its value and how it was written."""
    rest = iter(options)
    for text in rest:
        option, value = _split(text.strip())
        if value is None and option.takes == "value":
            value = next(rest, None)
            if value is None:
                raise UnsupportedError(f"compiler option {text!r} is followed by no value")
        yield option, (value or "").strip(), text


def _split(text: str) -> tuple[Option, str | None]:
    """An option and the value written with it."""
    name = text.removeprefix("-").removeprefix("-")
    if text.startswith("-") and not text.startswith("--") and name[:1] in _JOINED:
        return _BY_NAME[name[0]], name[1:] or None
    key, mark, value = name.partition("=")
    key, space, word = key.partition(" ")
    option = _BY_NAME.get(key) if text.startswith("-") else None
    valued = mark or space
    if option is None or (valued and option.takes == "nothing"):
        close = difflib.get_close_matches(key, _BY_NAME, 1)
        hint = f"; did you mean {_dashed(close[0])}?" if close and close[0] != key else ""
        raise UnsupportedError(f"compiler option {text!r} is not known{hint}")
    return option, (word + mark + value if space else value) if valued else None


def _dashed(name: str) -> str:
    return "-" + name if len(name) == 1 else "--" + name


def _applied(state: Parsed, effect: Effect, value: str, text: str) -> Parsed:
    cuda = state.cuda
    match effect:
        case "define":
            name, mark, meaning = value.partition("=")
            pair = (name, meaning if mark else "1")
            return replace(state, cuda=replace(cuda, defines=(*cuda.defines, pair)))
        case "undefine":
            return replace(state, cuda=replace(cuda, undefines=(*cuda.undefines, value)))
        case "include":
            folders = (*cuda.include_dirs, os.path.abspath(value))
            return replace(state, cuda=replace(cuda, include_dirs=folders))
        case "standard":
            return replace(state, cuda=replace(cuda, standard=_standard(value, text)))
        case "fast_math":
            return replace(state, cuda=replace(cuda, fast_math=_switch(value or "true", text)))
        case "contract":
            return replace(state, cuda=replace(cuda, contract=_switch(value, text)))
        case "debug":
            return replace(state, debug=True)
        case _:
            return state


def _switch(value: str, text: str) -> bool:
    if value not in ("true", "false"):
        raise UnsupportedError(f"compiler option {text!r} takes true or false, not {value!r}")
    return value == "true"


def _standard(value: str, text: str) -> Standard:
    known = get_args(Standard)
    if value not in known:
        raise UnsupportedError(f"compiler option {text!r}: there are {', '.join(known)}")
    return cast(Standard, value)
