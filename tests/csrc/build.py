"""Compiles the C files of this folder with the system's compiler, for tests."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "csrc"
INCLUDE = ROOT / "csrc" / "include"
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def compiler(language: str = "c") -> str:
    """The C or C++ compiler's name, "" if there is none."""
    variable, usual = ("CC", "cc") if language == "c" else ("CXX", "c++")
    configured = (sysconfig.get_config_var(variable) or usual).split()[0]
    return configured if shutil.which(configured) else (usual if shutil.which(usual) else "")


def compile_file(
    source: Path, target: Path, *options: str, language: str = "c", standard: str = "c99"
) -> subprocess.CompletedProcess[str]:
    """Compiles one file as the given standard with all warnings as errors."""
    command = [compiler(language), f"-std={standard}", *STRICT, f"-I{INCLUDE}", *options]
    command += ["-x", "c" if language == "c" else "c++", str(source), "-o", str(target)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def shared_library(source: Path, target: Path, *options: str) -> Path:
    """A shared library made from one C file."""
    done = compile_file(source, target, "-O2", "-shared", "-fPIC", *options)
    assert done.returncode == 0, done.stderr
    return target


def preprocessed_header() -> str:
    """backend.h as cffi reads it: preprocessed, without the system's headers and attributes."""
    command = [compiler(), "-E", "-P", "-std=c99", f"-I{INCLUDE}", "-D__attribute__(x)=", "-"]
    text = "#include <stddef.h>\n#include <stdint.h>\nint ax_cut_here;\n"
    text += "#include <accelerx/backend.h>\n"
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return done.stdout.split("int ax_cut_here;", 1)[1]
