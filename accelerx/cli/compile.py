"""``accelerx compile FILE[:kernel]``: prints a Python or CUDA C++ kernel at a stage of its compilation.

``--target`` names a device model instead: the kernel is printed in that device's language.
"""

from __future__ import annotations

import argparse
import importlib.util
import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from accelerx import compilation, config
from accelerx.arguments import dim3
from accelerx.compiler import devices
from accelerx.compiler.frontends.cuda_cpp.source import CudaSource
from accelerx.compiler.recipe import Recipe
from accelerx.errors import LaunchError
from accelerx.kernel import Kernel
from accelerx.raw.options import parse
from accelerx.raw.unit import Unit, kernel_names
from accelerx.recipes import PythonRecipe
from accelerx.signatures import Type, signatures

CUDA_SUFFIXES = (".cu", ".cuh")


def add_compile(commands: Any) -> None:
    """Adds the subcommand."""
    parser = commands.add_parser(
        "compile", help="print a kernel's KIR, LLVM, assembly, CUDA C or AscendC"
    )
    parser.add_argument("kernel", metavar="FILE[:KERNEL]", help="a .py file, or a .cu file")
    parser.add_argument("--emit", choices=compilation.STAGES, help="stage to print; default: kir")
    parser.add_argument(
        "--target", help="device model to compile for (ascend950, h100, ...): prints its language"
    )
    parser.add_argument("--types", help="argument types, e.g. 'float32[:], float32[::1], int32'")
    parser.add_argument("--block", default="256", help="threads of a block: X[,Y[,Z]]")
    parser.add_argument("--model", default="cpu", help="device model whose limits are checked")
    parser.add_argument(
        "--options", default="", help="CUDA C++ only: compiler options, e.g. '-DN=4 -I.'"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints the text."""
    file, _, name = options.kernel.partition(":")
    make = _cuda_recipe if file.endswith(CUDA_SUFFIXES) else _python_recipe
    recipe = make(file, name, options)
    block = dim3(recipe.name, "block", tuple(int(n) for n in options.block.split(",")))
    model = devices.model(options.target or options.model)
    lifted = compilation.lift(recipe, block, model, config.CHECK.get())
    stage = options.emit or ("kir" if options.target is None else model.dialect)
    print(compilation.text(lifted, stage))
    return 0


def _python_recipe(file: str, name: str, options: argparse.Namespace) -> Recipe:
    kernel = _find(_load(Path(file)), name, file)
    return PythonRecipe(
        kernel.py_func, _types(kernel, options.types), kernel.options, kernel.parameter_names
    )


def _cuda_recipe(file: str, name: str, options: argparse.Namespace) -> Recipe:
    path = Path(file)
    if not path.is_file():
        raise LaunchError(f"there is no file {file}")
    parsed = parse(shlex.split(options.options))
    source = CudaSource(path.read_text(), parsed.cuda, str(path))
    if not name:
        names = kernel_names(source)
        if len(names) != 1:
            there = ", ".join(names) or "none but templates"
            raise LaunchError(f"write {file}:NAME; kernels: {there}")
        (name,) = names
    return Unit(source, parsed.debug).entry(name).recipe()


def _load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise LaunchError(f"{file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return module


def _find(module: ModuleType, name: str, file: str) -> Kernel:
    kernels = {k: v for k, v in vars(module).items() if isinstance(v, Kernel)}
    if not name and len(kernels) == 1:
        return next(iter(kernels.values()))
    if name not in kernels:
        there = ", ".join(kernels) or "none"
        raise LaunchError(f"{file} has no kernel {name!r}; write {file}:NAME; kernels: {there}")
    return kernels[name]


def _types(kernel: Kernel, text: str | None) -> tuple[Type, ...]:
    if text is not None:
        return signatures(f"void({text})")[0].args
    if kernel.signatures:
        return kernel.signatures[0].args
    raise LaunchError(
        f"{kernel.__name__} has no signature; name its argument types, e.g. "
        "--types 'float32[::1], int32'"
    )
