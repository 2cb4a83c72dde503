"""The ``accelerx`` command: its subcommands and their arguments."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from accelerx.cli.compile import add_compile
from accelerx.cli.devices import show_devices
from accelerx.cli.doctor import show_doctor
from accelerx.compiler.frontends.cuda_cpp import prelude
from accelerx.errors import AccelerxError
from accelerx.runtime.cache import cache


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except AccelerxError as e:
        print(f"accelerx: {e}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="accelerx", description="Kernels on any accelerator.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    devices = commands.add_parser("devices", help="list devices, and what was refused and why")
    devices.set_defaults(run=lambda options: show_devices())
    doctor = commands.add_parser("doctor", help="look for what is missing or set wrong")
    doctor.set_defaults(run=lambda options: show_doctor())
    add_compile(commands)
    cached = commands.add_parser("cache", help="show or clear the folder of compiled kernels")
    cached.add_argument("--clear", action="store_true", help="remove every entry")
    cached.set_defaults(run=_cache)
    return parser


def _cache(options: argparse.Namespace) -> int:
    found = cache()
    if options.clear:
        prelude.keep_in(found.folder)
        prelude.forget()
        print(f"{found.clear()} entries removed from {found.folder}")
    else:
        entries, size = found.usage()
        print(f"{found.folder}: {entries} entries, {size / 1e6:.1f} MB")
    return 0
