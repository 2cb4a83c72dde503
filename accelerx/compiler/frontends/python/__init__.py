"""The Python front end: a Python function, specialised on argument types, becomes KIR."""

import importlib
from typing import TYPE_CHECKING, Any

from accelerx.compiler.frontends.python.markers import Marker

if TYPE_CHECKING:
    from accelerx.compiler.frontends.python.lifter import lift

__all__ = ["Marker", "lift"]


def __getattr__(name: str) -> Any:
    """``lift``, imported when first asked for: ``import accelerx`` needs only the markers."""
    if name != "lift":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.lifter").lift
