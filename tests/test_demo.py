"""The demo: one numba.cuda program that runs here and, by another import line, under numba."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="the demo's photographs come with scikit-learn")
Image = pytest.importorskip("PIL.Image", reason="the demo writes PNGs with Pillow")

DEMO = Path(__file__).parents[1] / "examples" / "photo.py"
IMPORT = "from accelerx import cuda\n"
CROP = """
import photo
rgb = photo.load_sample_image("china.jpg")[200:237, 300:340].copy()
results, _ = photo.process(rgb, 1)
photo.check(rgb, results)
print("checked")
"""


def run(*command: object, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_checks_every_result_and_writes_the_pictures(tmp_path: Path) -> None:
    said = run(DEMO, "--out", tmp_path, "--repeat", 1)
    assert said.count("agrees with the reference") == 12
    for name in ("china", "flower"):
        original = Image.open(tmp_path / f"{name}-original.png")
        for part in ("gray", "blurred", "edges", "equalised"):
            picture = Image.open(tmp_path / f"{name}-{part}.png")
            assert picture.size == original.size
            assert picture.getextrema()[1] > 200, f"{name}-{part} is dark"


@pytest.mark.slow
def test_runs_on_the_numpy_fallback(tmp_path: Path) -> None:
    said = run(DEMO, "--out", tmp_path, "--repeat", 1, "--crop", 64, ACCELERX_BACKENDS="numpy")
    assert said.count("agrees with the reference") == 12


@pytest.mark.slow
def test_is_a_numba_program_but_for_its_import(tmp_path: Path) -> None:
    """numba's own simulator runs the same source and passes the same checks."""
    pytest.importorskip("numba", reason="the test runs the program under numba's simulator")
    source = DEMO.read_text()
    assert source.count("accelerx import") == source.count(IMPORT) == 1
    (tmp_path / "photo.py").write_text(source.replace(IMPORT, "from numba import cuda\n"))
    said = run("-c", CROP, NUMBA_ENABLE_CUDASIM="1", PYTHONPATH=str(tmp_path))
    assert said == "checked\n"
