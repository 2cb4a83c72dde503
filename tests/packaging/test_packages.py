"""Wheel, sdist, ``pip install .`` and ``-e`` work from another folder and carry what they should."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TREE = ("accelerx", "csrc", "backends", "pyproject.toml", "setup.py", "MANIFEST.in")
TEXTS = ("README.md", "LICENSE", "CHANGELOG.md", ".clang-format")
BUILT = shutil.ignore_patterns("*.so", "_plugins", "include", "__pycache__", "*.egg-info", "*.o")
PLUGINS = ("cpu", "sim")
SMOKE = """
import numpy as np
import accelerx
from accelerx import cuda

@cuda.jit
def add_one(a):
    i = cuda.grid(1)
    if i < a.size:
        a[i] += 1

d = cuda.to_device(np.arange(5.0))
add_one[1, 32](d)
assert d.copy_to_host().tolist() == [1, 2, 3, 4, 5]
print(accelerx.__file__, cuda.get_current_device().name)
"""

pytestmark = pytest.mark.packaging


def run(*command: object, cwd: Path, **environment: str) -> str:
    settings = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **environment}
    settings.pop("PYTHONPATH", None)
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=settings, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree as it would be checked out: nothing that was built."""
    copy = tmp_path_factory.mktemp("source")
    for name in (*TREE, *TEXTS):
        if (ROOT / name).is_dir():
            keep_headers = BUILT if name == "accelerx" else shutil.ignore_patterns("*.o", "*.so")
            shutil.copytree(ROOT / name, copy / name, ignore=_only_top(name, keep_headers))
        else:
            shutil.copy(ROOT / name, copy / name)
    return copy


def _only_top(name, ignore):  # type: ignore[no-untyped-def]
    """``include`` is a build result only directly under ``accelerx/``."""

    def ignored(folder: str, names: list[str]) -> set[str]:
        found = set(ignore(folder, names))
        return found if folder == str(ROOT / name) else found - {"include"}

    return ignored


@pytest.fixture(scope="module")
def dist(source: Path) -> Path:
    """The folder with the wheel and the sdist; the wheel is built from the sdist."""
    folder = source.parent / "dist"
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, cwd=source)
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (path,) = dist.glob("*.whl")
    return path


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """The Python of an empty environment that sees this one's packages, but not accelerx.

    The dependencies are taken from here; what is installed is only what the test installs.
    """
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    python = tmp_path / "venv" / "bin" / "python"
    packages = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=ROOT)
    ours = Path(next(p for p in sys.path if p.endswith("site-packages")))
    links = Path(packages.strip())
    for entry in ours.iterdir():
        if "accelerx" not in entry.name and not (links / entry.name).exists():
            (links / entry.name).symlink_to(entry)
    return python


def smoke(python: Path, folder: Path) -> str:
    """Runs a kernel with that Python from another folder; where accelerx was loaded from."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    script = elsewhere / "smoke.py"
    script.write_text(SMOKE)
    return run(python, script, cwd=elsewhere, ACCELERX_CACHE_DIR=str(folder / "cache"))


def pip(python: Path, *arguments: object, cwd: Path) -> None:
    run(python, "-m", "pip", "install", "--no-deps", "--no-build-isolation", *arguments, cwd=cwd)


def test_wheel_holds_what_it_should(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "accelerx/include/accelerx/backend.h" in names
    assert "accelerx/py.typed" in names
    assert "accelerx/_core.pyi" in names
    assert any(n.startswith("accelerx/_core.") and n.endswith(".so") for n in names)
    for plugin in PLUGINS:
        assert f"accelerx/_plugins/{plugin}.so" in names
    assert any(n.endswith("licenses/LICENSE") for n in names)


def test_wheel_holds_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {n.partition("/")[0].partition("-")[0] for n in names} == {"accelerx"}
    ours = "accelerx/compiler/frontends/cuda_cpp/include/"  # answers cuda_fp16.hpp, too
    names = [n for n in names if not n.startswith(ours)]
    assert not [n for n in names if n.endswith((".cpp", ".hpp", ".o", ".pyc"))]


def test_wheel_is_clean_under_auditwheel(wheel: Path) -> None:
    """Only libraries that every Linux of the stated age has; no vendor's library at link time."""
    said = run(sys.executable, "-m", "auditwheel", "show", wheel, cwd=wheel.parent)
    assert "manylinux_2_" in said
    assert platform.machine() in said


def test_sdist_holds_the_sources(dist: Path) -> None:
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {n.partition("/")[2] for n in archive.getnames()}
    assert {"setup.py", "LICENSE", "README.md", "csrc/include/accelerx/backend.h"} <= names
    assert any(n.startswith("backends/sim/") for n in names)
    assert not [n for n in names if n.endswith((".so", ".o", ".pyc"))]


def test_wheel_installs(wheel: Path, fresh: Path, tmp_path: Path) -> None:
    pip(fresh, wheel, cwd=tmp_path)
    assert str(tmp_path) in smoke(fresh, tmp_path)


def test_sdist_installs(dist: Path, fresh: Path, tmp_path: Path) -> None:
    (path,) = dist.glob("*.tar.gz")
    pip(fresh, path, cwd=tmp_path)
    assert str(tmp_path) in smoke(fresh, tmp_path)


def test_folder_installs(source: Path, fresh: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(source, tmp_path / "copy")
    pip(fresh, copy, cwd=tmp_path)
    assert str(tmp_path / "venv") in smoke(fresh, tmp_path)


def test_folder_installs_editable(source: Path, fresh: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(source, tmp_path / "copy")
    pip(fresh, "-e", copy, cwd=tmp_path)
    assert str(copy) in smoke(fresh, tmp_path)


def test_get_include_finds_the_header(wheel: Path, fresh: Path, tmp_path: Path) -> None:
    pip(fresh, wheel, cwd=tmp_path)
    folder = run(fresh, "-c", "import accelerx; print(accelerx.get_include())", cwd=tmp_path)
    header = Path(folder.strip()) / "accelerx" / "backend.h"
    assert header.read_bytes() == (ROOT / "csrc/include/accelerx/backend.h").read_bytes()


def test_installs_without_a_compiler(source: Path, fresh: Path, tmp_path: Path) -> None:
    """The kernel then runs on the fallback, and one line says so."""
    copy = shutil.copytree(source, tmp_path / "copy")
    command = [fresh, "-m", "pip", "install", "--no-deps", "--no-build-isolation", copy]
    run(*command, cwd=tmp_path, CXX="/nonexistent/g++", CC="/nonexistent/gcc")
    assert str(tmp_path / "venv") in smoke(fresh, tmp_path)
