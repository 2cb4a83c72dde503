"""The Makefile says in one line what is missing, and goes on where it can."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs make with an environment of the test's own."""
    command = ["make", f"VENV={folder}/venv", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("target", ["demo", "test"])
def test_names_what_to_install_when_python_is_missing(tmp_path: Path, target: str) -> None:
    done = make(tmp_path, "PYTHON=no-such-python3", target)
    assert done.returncode != 0
    (line, *_) = done.stderr.splitlines()
    assert line.startswith("python3 is missing; install it, e.g.: sudo apt-get install python3")


@pytest.mark.parametrize("target", ["demo", "test"])
def test_goes_on_without_a_compiler_and_says_so(tmp_path: Path, target: str) -> None:
    done = make(tmp_path, "CXX=no-such-g++", "--dry-run", target)
    assert done.returncode == 0, done.stderr
    assert "going on with the NumPy fallback" in done.stdout
    assert "ACCELERX_NO_CORE=1" in done.stdout


def test_builds_the_core_with_a_compiler(tmp_path: Path) -> None:
    if shutil.which("g++") is None:
        pytest.skip("g++ is not installed")
    done = make(tmp_path, "--dry-run", "test")
    assert done.returncode == 0, done.stderr
    assert "pip install" in done.stdout
    assert "ACCELERX_NO_CORE" not in done.stdout


def test_lists_its_targets(tmp_path: Path) -> None:
    said = make(tmp_path, "help").stdout
    assert {"demo", "test", "quick", "lint", "bench"} <= {
        line.split()[0] for line in said.splitlines()
    }
