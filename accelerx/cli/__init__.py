"""The ``accelerx`` command."""

from accelerx.cli.entry import main

__all__ = ["main"]
