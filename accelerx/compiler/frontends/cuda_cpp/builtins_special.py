"""Builtins of the special functions."""

from __future__ import annotations

from accelerx.compiler.frontends.cuda_cpp.build import Handler

SPECIAL: dict[str, Handler] = {}
