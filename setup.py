"""Builds the compiled parts: the core ``accelerx._core`` and one shared library per backend.

Everything else is in pyproject.toml. Environment:
``ACCELERX_NO_CORE=1`` leaves the compiled parts out on purpose; without a working C++ compiler they
are left out with a message, and accelerx runs on its NumPy fallback.
``ACCELERX_SANITIZE=address,undefined`` builds them for these sanitizers.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.errors import BaseError, CCompilerError

ROOT = Path(__file__).resolve().parent
INCLUDE = "csrc/include"
PLUGINS = "accelerx/_plugins"
HEADER = "accelerx/backend.h"
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic"]
LINK = ["-ldl", "-pthread"]
SOURCES = {".c": ["-std=gnu99"], ".cpp": ["-std=c++17"]}

PROBE = """
#include <Python.h>
#include <optional>
int probe() { return *std::optional(1); }
"""

NO_COMPILER = """
accelerx: the compiled parts (accelerx._core and the backends) are NOT built:
accelerx: {reason}
accelerx: the package works without them on its slow NumPy fallback. For full speed install a
accelerx: C++17 compiler and Python's headers (Debian, Ubuntu: apt install g++ python3-dev; Fedora:
accelerx: dnf install gcc-c++ python3-devel) and install accelerx again.
"""


def sources_under(folder: Path) -> list[str]:
    """The C and C++ files of a folder and its subfolders, relative to the root and sorted."""
    found = (path for path in folder.rglob("*") if path.suffix in SOURCES)
    return sorted(str(path.relative_to(ROOT)) for path in found)


def headers_under(*folders: str) -> list[str]:
    """What a compiled file depends on besides itself."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.h*"))
    return sorted(str(path.relative_to(ROOT)) for path in found)


def backend_folders() -> list[Path]:
    """Folders of backends/ that hold a plugin's sources."""
    return [path for path in sorted((ROOT / "backends").iterdir()) if sources_under(path)]


def sanitizers() -> list[str]:
    """Flags for ACCELERX_SANITIZE."""
    names = os.environ.get("ACCELERX_SANITIZE", "")
    return [f"-fsanitize={names}", "-fno-omit-frame-pointer"] if names else []


def core() -> list[Extension]:
    """The core as an extension; none if ACCELERX_NO_CORE is set."""
    if os.environ.get("ACCELERX_NO_CORE", "0") not in ("", "0"):
        return []
    sources = sources_under(ROOT / "csrc" / "src")
    return [Extension("accelerx._core", sources, depends=headers_under("csrc"), language="c++")]


class BuildCompiled(build_ext):
    """Builds the core and, beside it, each backend as a plain shared library."""

    _in_place = False

    def run(self) -> None:
        """Builds all, or says why the package goes without."""
        if not self.extensions:
            print("accelerx: ACCELERX_NO_CORE is set: the compiled parts are left out")
            return
        self._in_place = bool(self.inplace)  # setuptools resets `inplace` while it builds
        super().run()

    def build_extensions(self) -> None:
        reason = self._compiler_fails()
        if reason:
            print(NO_COMPILER.format(reason=reason), file=sys.stderr)
            self.extensions = []  # nothing to copy into the tree for an editable install
            return
        self._extend_core()
        super().build_extensions()
        for folder in backend_folders():
            self._build_backend(folder)

    def get_outputs(self) -> list[str]:
        if not self.extensions:
            return []
        return [*super().get_outputs(), *(str(self._plugin(path)) for path in backend_folders())]

    def _compiler_fails(self) -> str:
        """Why C++17 cannot be compiled and linked here; "" if it can."""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "probe.cpp")
            source.write_text(PROBE)
            try:
                objects = self.compiler.compile(
                    [str(source)], output_dir=folder, extra_postargs=["-std=c++17", "-fPIC"]
                )
                target = str(Path(folder, "probe.so"))
                self.compiler.link_shared_object(objects, target, target_lang="c++")
            except (BaseError, CCompilerError, OSError) as e:
                return f"no working C++17 compiler with Python's headers: {e}"
        return ""

    def _flags(self) -> list[str]:
        # -g0: debug tables would be most of the wheel.
        return ["-O3", "-g0", "-fPIC", "-fvisibility=hidden", *WARNINGS, *sanitizers()]

    def _extend_core(self) -> None:
        import pybind11

        for extension in self.extensions:
            extension.include_dirs.append(str(ROOT / INCLUDE))
            system = ["-isystem", pybind11.get_include()]
            extension.extra_compile_args += ["-std=c++17", *self._flags(), *system]
            extension.extra_link_args += [*sanitizers(), *LINK]

    def _plugin(self, folder: Path) -> Path:
        base = ROOT if self._in_place else Path(self.build_lib)
        return base / PLUGINS / f"{folder.name}.so"

    def _build_backend(self, folder: Path) -> None:
        target = self._plugin(folder)
        objects: list[str] = []
        sources = sources_under(folder)
        depends = headers_under(INCLUDE, str(folder.relative_to(ROOT)))
        for source in sources:
            objects += self.compiler.compile(
                [source],
                output_dir=self.build_temp,
                include_dirs=[INCLUDE, str(folder)],
                extra_postargs=[*SOURCES[Path(source).suffix], *self._flags()],
                depends=depends,
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        language = "c++" if any(s.endswith(".cpp") for s in sources) else "c"
        self.compiler.link_shared_object(
            objects,
            str(target),
            extra_postargs=[*sanitizers(), *LINK],
            target_lang=language,
        )


class BuildPython(build_py):
    """Puts the ABI header into the package, where ``accelerx.get_include()`` finds it."""

    def run(self) -> None:
        super().run()
        base = ROOT if self.editable_mode else Path(self.build_lib)
        target = base / "accelerx" / "include" / HEADER
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / INCLUDE / HEADER, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        header = Path(self.build_lib) / "accelerx" / "include" / HEADER
        return [*super().get_outputs(include_bytecode), str(header)]


setup(
    ext_modules=core(),
    cmdclass={"build_ext": BuildCompiled, "build_py": BuildPython},
)
