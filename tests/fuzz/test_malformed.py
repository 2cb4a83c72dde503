"""A few damaged CUDA C++ texts on each run of the suite; the command checks more of them."""

from __future__ import annotations

import os
import time

import pytest

pytest.importorskip("clang.cindex")

from accelerx.compiler.frontends.cuda_cpp.lifter import Lifter
from accelerx.compiler.frontends.cuda_cpp.source import CudaSource
from tests.fuzz import malformed
from tests.fuzz.malformed import check, main, run, text_of

pytestmark = pytest.mark.slow


def test_damaged_texts_are_lifted_or_refused() -> None:
    report = run(range(120))
    assert report.failures == {}
    assert report.lifted > 10
    assert report.refused > 10


def test_a_seed_always_gives_the_same_text() -> None:
    assert text_of(7) == text_of(7)
    assert text_of(7) != text_of(8)


def test_what_is_wrong_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    source = CudaSource("__global__ void k(int* x) { x[0] = x[1] + 1; }")
    assert check(source, ["k"]) == (True, None)
    assert check(source, ["m"]) == (False, None)

    def fail(*_: object) -> None:
        raise KeyError("lost")

    monkeypatch.setattr(Lifter, "computed", fail)
    lifted, wrong = check(source, ["k"])
    assert not lifted
    assert wrong is not None
    assert "the front end fails here (KeyError: 'lost')" in wrong
    monkeypatch.setattr(Lifter, "computed", lambda *_: os._exit(3))
    monkeypatch.setattr(malformed, "text_of", lambda seed: (source, ["k"]))
    assert run([1, 2]).failures == dict.fromkeys((1, 2), "the process ended with code 3")


def test_a_text_without_end_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(malformed, "HANG", 0.2)
    monkeypatch.setattr(malformed, "check", lambda *_: time.sleep(10))
    assert list(run([3]).failures) == [3]


def test_the_command_counts_and_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--texts", "3", "--seed", "0"]) == 0
    assert capsys.readouterr().out.endswith("refused, 0 wrong\n")
    assert main(["--show", "0"]) == 0
    assert "__global__" in capsys.readouterr().out
