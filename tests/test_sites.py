from __future__ import annotations

import json
import struct

import pytest

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.compiler.diagnostics import Loc, SourceFile
from accelerx.errors import KernelAssertionError
from accelerx.sites import Site, SiteReporter

LOC = Loc(SourceFile("k.py", "assert x < {n}\n"), 1, 1, 7)


def word(value: float) -> int:
    return struct.unpack("<q", struct.pack("<d", value))[0]


def local(name: str, dtype: dtypes.DType) -> ir.Local:
    return ir.Local(name, dtype)


def printed() -> ir.Print:
    return ir.Print(("i =", local("i", dtypes.int32), local("x", dtypes.float32)), None, LOC)


def test_prints_are_written_as_python_does(capsys: pytest.CaptureFixture[str]) -> None:
    report = SiteReporter("k", [Site.of(printed(), None)])
    assert report(0, (0, 0, 0), (1, 0, 0), (-3, word(1.5))) is False
    assert capsys.readouterr().out == "i = -3 1.500000\n"


def test_prints_with_a_c_format_follow_it(capsys: pytest.CaptureFixture[str]) -> None:
    statement = ir.Print((local("u", dtypes.uint64), local("x", dtypes.float64)), "%u|%.2f", LOC)
    SiteReporter("k", [Site.of(statement, None)])(0, (0, 0, 0), (0, 0, 0), (-1, word(0.125)))
    assert capsys.readouterr().out == "18446744073709551615|0.12"


def test_failed_checks_raise_with_place_block_and_thread() -> None:
    condition = ir.Const(False, dtypes.bool_)
    statement = ir.Assert(condition, "x is {0}", (local("x", dtypes.int32),), "assert", LOC)
    report = SiteReporter("k", [Site.of(statement, None)])
    with pytest.raises(KernelAssertionError) as caught:
        report(0, (1, 2, 3), (4, 5, 6), (7,))
    message = str(caught.value)
    assert "k.py:1:1" in message
    assert "x is 7" in message
    assert "block (1, 2, 3), thread (4, 5, 6)" in message
    assert "assert x < {n}" in message


def test_sites_survive_json() -> None:
    site = Site.of(printed(), None)
    assert Site.from_row(json.loads(json.dumps(site.as_row()))) == site
