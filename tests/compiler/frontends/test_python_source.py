"""How the front end finds a function's source, its names and its places."""

from __future__ import annotations

import functools
import linecache
import textwrap

import numpy as np
import pytest

from accelerx import dtypes
from accelerx.compiler.frontends.python import lift
from accelerx.compiler.frontends.python.source import read
from accelerx.compiler.types import ArrayType
from tests.support.lifted import run

VECTOR = ArrayType(dtypes.float32, 1)


def decorate(function):
    return function


@decorate
@functools.wraps(len)
def decorated(out):
    out[0] = 1


class Holder:
    @staticmethod
    def method(out):
        """In a class, with text at another indentation:
            this
        and that
        """
        out[0] = 7


def test_decorated_functions():
    kernel = lift(decorated, [VECTOR])
    assert kernel.body[0].loc is not None
    assert kernel.body[0].loc.source.line(kernel.body[0].loc.line) == "    out[0] = 1"


def test_functions_in_classes():
    out = np.zeros(1, np.float32)
    run(Holder.method, 1, 1, out)
    assert out[0] == 7


def test_lambdas_side_by_side():
    pair = (lambda x: x + 1, lambda x: x * 10)

    def kernel(out):
        out[0] = pair[0](2) + pair[1](3)

    out = np.zeros(1, np.float32)
    run(kernel, 1, 1, out)
    assert out[0] == 33


def test_lambdas_over_several_lines():
    f = functools.partial(
        lambda x, y: (
            x
            + y * 10
        ),
    ).func  # fmt: skip

    def kernel(out):
        out[0] = f(2, 3)

    out = np.zeros(1, np.float32)
    run(kernel, 1, 1, out)
    assert out[0] == 32


def test_columns_count_characters():
    def kernel(out):
        größe = 1
        out[0] = größe

    store = lift(kernel, [VECTOR]).body[-1]
    assert store.loc is not None
    assert store.loc.column == 9

    source = read(kernel)
    value = source.body[1].value
    loc = source.loc(value, None)
    assert source.lines[loc.line - source.file.first_line][loc.column - 1 : loc.end - 1] == "größe"


def test_functions_from_linecache():
    name = "<accelerx-test-cell>"
    text = textwrap.dedent(
        """\
        def kernel(out):
            out[0] = scale * 2
        """
    )
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    namespace = {"scale": 4}
    exec(compile(text, name, "exec"), namespace)
    out = np.zeros(1, np.float32)
    kernel = run(namespace["kernel"], 1, 1, out)
    assert out[0] == 8
    assert kernel.source is not None
    assert kernel.source.name == name


def test_globals_are_read_when_lifted():
    namespace = {"factor": 2}
    name = "<accelerx-test-globals>"
    text = "def kernel(out):\n    out[0] = factor\n"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    exec(compile(text, name, "exec"), namespace)
    out = np.zeros(1, np.float32)
    for factor in (2, 5):
        namespace["factor"] = factor
        run(namespace["kernel"], 1, 1, out)
        assert out[0] == factor


def test_unset_closure_variables_are_undefined():
    def factory():
        def kernel(out):
            out[0] = later

        if kernel is None:
            later = 1
        return kernel

    with pytest.raises(TypeError, match="name 'later' is not defined"):
        lift(factory(), [VECTOR])


def test_names_given_to_kernels():
    def kernel(out):
        out[0] = 1

    assert lift(kernel, [VECTOR]).name == "kernel"
    assert lift(kernel, [VECTOR], name="fill").name == "fill"
