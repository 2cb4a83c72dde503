from __future__ import annotations

import numpy as np

from accelerx.generated.parameters import parse


def test_parameters_are_read_as_cupys() -> None:
    x, y, z = parse(" T x, raw S y ,float32 z,", True)
    assert (x.name, x.letter, x.dtype, x.raw, x.const) == ("x", "T", None, False, True)
    assert (y.name, y.letter, y.raw) == ("y", "S", True)
    assert (z.letter, z.dtype, z.raw) == ("", np.float32, False)


def test_inputs_may_be_written_to_on_request() -> None:
    (x,) = parse("raw _non_const T x", True)
    assert (x.raw, x.const) == (True, False)


def test_outputs_are_written_to() -> None:
    assert not parse("T x", False)[0].const


def test_no_text_lists_nothing() -> None:
    assert parse("", True) == ()
