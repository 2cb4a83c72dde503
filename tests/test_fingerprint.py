from __future__ import annotations

import math
import textwrap
import types
from collections.abc import Callable

import numpy as np

from accelerx.fingerprint import fingerprint


def function(body: str, **names: object) -> Callable[..., object]:
    """A function from source, with globals of its own."""
    namespace: dict[str, object] = {"__name__": "here", **names}
    source = textwrap.dedent(body)
    exec(compile(source, "same_file.py", "exec"), namespace)
    return namespace["f"]


SOURCE = "def f(x):\n    return x * SCALE\n"


def test_equal_functions_have_equal_fingerprints() -> None:
    assert fingerprint(function(SOURCE, SCALE=2)) == fingerprint(function(SOURCE, SCALE=2))


def test_a_globals_value_counts() -> None:
    prints = {
        fingerprint(function(SOURCE, SCALE=value))
        for value in (2, 2.0, True, 3, np.float32(2), np.int32(2), np.array([1.0, 2.0]))
    }
    assert len(prints) == 7
    assert None not in prints


def test_an_array_counts_by_content() -> None:
    first, second = np.arange(4.0), np.arange(4.0)
    same = fingerprint(function(SOURCE, SCALE=first))
    assert fingerprint(function(SOURCE, SCALE=second)) == same
    second[0] = 9
    assert fingerprint(function(SOURCE, SCALE=second)) != same


def test_an_unused_global_does_not_count() -> None:
    assert fingerprint(function(SOURCE, SCALE=2, OTHER=1)) == fingerprint(
        function(SOURCE, SCALE=2, OTHER=5)
    )


def test_code_counts() -> None:
    other = SOURCE.replace("*", "+")
    assert fingerprint(function(SOURCE, SCALE=2)) != fingerprint(function(other, SCALE=2))


def test_called_functions_count_with_what_they_reach() -> None:
    helper = "def f(x):\n    return x + DEPTH\n"
    outer = "def f(x):\n    return helper(x)\n"
    shallow = function(outer, helper=function(helper, DEPTH=1))
    deep = function(outer, helper=function(helper, DEPTH=2))
    assert fingerprint(shallow) != fingerprint(deep)


def test_recursion_ends() -> None:
    assert fingerprint(function("def f(x):\n    return f(x)\n")) is not None


def closed(value: object) -> Callable[..., object]:
    def inner(x: float) -> object:
        return x * value

    return inner


def test_closures_count() -> None:
    assert fingerprint(closed(1)) != fingerprint(closed(2))
    assert fingerprint(closed(1)) == fingerprint(closed(1))


def test_defaults_count() -> None:
    assert fingerprint(function("def f(x=1): pass\n")) != fingerprint(
        function("def f(x=2): pass\n")
    )


def test_library_functions_count_by_name() -> None:
    body = "def f(x):\n    return G(x)\n"
    assert fingerprint(function(body, G=math.sin)) != fingerprint(function(body, G=math.cos))
    assert fingerprint(function(body, G=np.sin)) is not None


def test_constants_of_user_modules_count() -> None:
    module = types.ModuleType("settings")
    module.SIZE = 1
    body = "def f(x):\n    return x + settings.SIZE\n"
    before = fingerprint(function(body, settings=module))
    module.SIZE = 2
    assert fingerprint(function(body, settings=module)) != before


def test_extra_parts_count() -> None:
    f = function(SOURCE, SCALE=2)
    assert fingerprint(f, "a") != fingerprint(f, "b")


def test_a_value_that_cannot_be_told_gives_none() -> None:
    assert fingerprint(function(SOURCE, SCALE=object())) is None
