"""``cuda.jit`` under numba.cuda's rules: signatures, device functions, options."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from accelerx.compiler.recipe import Options
from accelerx.errors import UnsupportedError
from accelerx.kernel import DeviceFunction, Kernel, max_threads
from accelerx.signatures import Signature, signatures


@dataclass(frozen=True, slots=True)
class JitOption:
    """One keyword of ``cuda.jit`` beside those that ``jit`` names.

    ``refused`` says why a true value cannot be obeyed; without it the option is accepted and
    ``doc`` says what it does.
    """

    name: str
    doc: str
    refused: str = ""


OPTIONS: dict[str, JitOption] = {
    row.name: row
    for row in (
        JitOption("inline", "Of no effect: device functions are always inlined."),
        JitOption("forceinline", "Of no effect: device functions are always inlined."),
        JitOption("opt", "Of no effect: code is always optimised."),
        JitOption("lineinfo", "Of no effect: source lines are always known."),
        JitOption("max_registers", "Of no effect: registers are given out by the compiler."),
        JitOption("lto", "Of no effect: a kernel is always compiled as a whole."),
        JitOption("extensions", "Of no effect: arguments are taken as they are."),
        JitOption("boundscheck", "The same as debug."),
        JitOption("nopython", "Of no effect: there is no other mode."),
        JitOption("fast_compile", "Of no effect."),
        JitOption("link", "CUDA files to link.", "files in CUDA C++ or PTX are not linked"),
        JitOption("chip", "Of no effect: code is made for the device that runs it."),
        JitOption("cooperative", "Of no effect: kernels that use grid.sync() are found."),
    )
}


def jit(
    func_or_sig: Any = None,
    device: bool = False,
    debug: bool | None = None,
    fastmath: bool = False,
    cache: bool = True,
    launch_bounds: int | tuple[int, ...] | None = None,
    literals: Literal["numba", "weak"] = "numba",
    **options: Any,
) -> Any:
    """Makes a Python function a kernel, as ``numba.cuda.jit`` does.

    Args:
        func_or_sig: The function, or its signature(s) (see ``accelerx.signatures``).
        device: A function for use inside kernels instead.
        debug: Checks bounds, barriers and asserts while the kernel runs.
        fastmath: Allows reassociation and approximate functions.
        cache: Whether compiled code is kept on disk.
        launch_bounds: Threads a block has at most.
        literals: ``"numba"``: Python numbers are int64 and float64, as numba has it; ``"weak"``:
            they take the dtype of what they meet.
        options: numba's other options, see ``OPTIONS``.

    Raises:
        UnsupportedError: for an option that cannot be obeyed.
        TypeError: for an option that neither numba nor accelerx has.
    """
    _check(options)
    compiled = Options(
        literals=literals,
        debug=bool(debug) or bool(options.get("boundscheck")),
        fastmath=bool(fastmath),
        max_threads=max_threads(launch_bounds),
        cache=cache,
    )
    targets = {"debug": bool(debug), "fastmath": fastmath, "device": device, **options}

    def made(function: Callable[..., Any], declared: tuple[Signature, ...]) -> Any:
        function = getattr(function, "py_func", function)
        if device:
            return DeviceFunction(function, declared)
        return Kernel(function, compiled, declared, targets)

    if func_or_sig is None:
        return lambda function: made(function, ())
    if callable(func_or_sig) and not hasattr(func_or_sig, "args"):
        return made(func_or_sig, ())
    declared = signatures(func_or_sig)
    return lambda function: made(function, declared)


def declare_device(name: str, sig: Any) -> Any:
    """Refused: there is no foreign code to declare.

    Raises:
        UnsupportedError: always.
    """
    raise UnsupportedError(
        f"declare_device({name!r}): functions in CUDA C++ or PTX are not linked; write the function "
        "in Python with cuda.jit(device=True)"
    )


def _check(options: dict[str, Any]) -> None:
    for name, value in options.items():
        row = OPTIONS.get(name)
        if row is None:
            known = ["device", "debug", "fastmath", "cache", "launch_bounds", "literals", *OPTIONS]
            close = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
            raise TypeError(f"cuda.jit has no option {name!r}{hint}")
        if row.refused and value:
            raise UnsupportedError(f"cuda.jit({name}={value!r}): {row.refused}")
