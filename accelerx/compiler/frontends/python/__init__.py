"""The Python front end: a Python function, specialised on argument types, becomes KIR."""

from accelerx.compiler.frontends.python.lifter import lift
from accelerx.compiler.frontends.python.markers import Marker

__all__ = ["Marker", "lift"]
