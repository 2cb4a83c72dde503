"""What docs/cuda-cpp.md shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import accelerx as ax
from accelerx.raw.options import OPTIONS, parse
from accelerx.runtime.device import Device

pytest.importorskip("clang.cindex")

GUIDE = (Path(__file__).parents[1] / "docs" / "cuda-cpp.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


def test_the_programs_run_and_print_what_they_say(
    cpu: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, object] = {}
    for program in blocks("python"):
        exec(program, names)
    said = re.search(r"print\(.*# (.*)$", blocks("python")[0], re.MULTILINE)
    assert said is not None
    assert capsys.readouterr().out.strip() == said[1]
    module, x = names["module"], ax.ones(3)
    assert isinstance(module, ax.RawModule)
    module.get_function("weigh")((1,), (3,), (x,))
    np.testing.assert_array_equal(x.get(), [1, 10, 100])


def test_the_error_looks_as_shown(cpu: Device) -> None:
    names: dict[str, object] = {}
    exec(blocks("python")[0], names)
    saxpy = names["saxpy"]
    assert isinstance(saxpy, ax.RawKernel)
    shown = next(b for b in blocks("") if b.startswith("ArgumentTypeError"))
    with pytest.raises(ax.ArgumentTypeError) as raised:
        saxpy((1,), (1,), (3, 2.0, ax.zeros(3), np.zeros(3)))
    assert f"ArgumentTypeError: {raised.value}" == shown.rstrip("\n")


def test_every_named_option_is_known() -> None:
    (row,) = re.findall(r"^\| of no effect \|(.*)\|$", GUIDE, re.MULTILINE)
    for option in re.findall(r"`(-[^`]+)`", row):
        taken = next(o for o in OPTIONS if option.lstrip("-") in o.names).takes
        assert parse((option, "4") if taken == "value" else (option,)) == parse(())
