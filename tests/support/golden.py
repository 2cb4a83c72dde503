"""Golden files: a text that a test compares whole, and rewrites when asked to.

``pytest -p tests.support.golden --update-golden`` writes what the tests produce; the diff is then
read like any other change.
"""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files")


class Golden:
    """Compares texts with the files of ``tests/golden``."""

    def __init__(self, update: bool) -> None:
        self._update = update

    def check(self, name: str, text: str) -> None:
        """Asserts that ``text`` is what the file ``name`` holds."""
        path = FOLDER / name
        if self._update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        assert path.exists(), f"no golden file {name}; write it with --update-golden and read it"
        assert text == path.read_text(), f"{name} differs; see it with --update-golden and git diff"


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """The golden files."""
    return Golden(bool(request.config.getoption("--update-golden", default=False)))
