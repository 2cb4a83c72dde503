"""What the front end says about kernels it cannot lift: the words, and the place they point at."""

from __future__ import annotations

import re

import numpy as np
import pytest

from accelerx import dtypes
from accelerx import lang as cuda
from accelerx.compiler import ir
from accelerx.compiler.frontends.python import lift
from accelerx.compiler.types import ArrayType, ScalarType, TupleType
from accelerx.errors import CompileError, KernelTypeError, UnsupportedKernelError

VECTOR = ArrayType(dtypes.float32, 1)
INTS = ArrayType(dtypes.int32, 1)
MATRIX = ArrayType(dtypes.float32, 2)
NAMES = ["a", "b"]


def message(function, *types, error=KernelTypeError):
    """The message of the error that lifting raises, and the text its caret underlines."""
    with pytest.raises(error) as caught:
        lift(function, types)
    text = str(caught.value)
    head, line, caret, *_ = text.splitlines()
    place = re.match(rf"{re.escape(__file__)}:(\d+):(\d+): error: (.*)", head)
    assert place, head
    start, end = caret.index("^"), len(caret)
    assert int(place[2]) == start - 4 + 1
    return place[3], line[start:end], text


def refused(function, *types):
    return message(function, *types, error=UnsupportedKernelError)


def test_undefined_name():
    def kernel(out):
        out[0] = cuda.grid(1) + offfset  # noqa: F821

    said, marked, text = message(kernel, VECTOR)
    assert said == "name 'offfset' is not defined"
    assert marked == "offfset"
    assert "hint" not in text


def test_undefined_name_suggests_a_close_one():
    def kernel(out):
        offset = 1
        out[0] = offset + offse  # noqa: F821

    assert "did you mean 'offset'?" in message(kernel, VECTOR)[2]


def test_variable_before_its_assignment():
    def kernel(out):
        out[0] = late  # noqa: F821
        late = 1  # noqa: F841

    assert message(kernel, VECTOR)[:2] == ("variable 'late' is used before it is assigned", "late")


def test_statements_that_are_not_supported():
    def with_try(out):
        try:
            out[0] = 1
        except ValueError:
            out[0] = 2

    def with_with(out):
        with out:
            out[0] = 1

    def with_list(out):
        values = [1, 2]
        out[0] = values[0]

    def with_lambda(out):
        f = lambda x: x  # noqa: E731
        out[0] = f(1)

    def with_comprehension(out):
        out[0] = sum(i for i in range(3))

    def with_global(out):
        global NAMES
        NAMES = 1

    def with_def(out):
        def f():
            return 1

        out[0] = f()

    for kernel, what in (
        (with_try, "try is not supported in kernels"),
        (with_with, "with is not supported in kernels"),
        (with_list, "lists are not supported in kernels"),
        (with_lambda, "lambda is not supported in kernels"),
        (with_comprehension, "generators are not supported in kernels"),
        (with_global, "global is not supported in kernels"),
        (with_def, "a function cannot be defined inside a kernel"),
    ):
        assert refused(kernel, VECTOR)[0] == what
    assert refused(with_list, VECTOR)[1] == "[1, 2]"
    assert "use a tuple" in refused(with_list, VECTOR)[2]


def add(x, y=1):
    return x + y


def test_wrong_arguments_of_a_device_function():
    def none(out):
        out[0] = add()

    def three(out):
        out[0] = add(1, 2, 3)

    def unknown(out):
        out[0] = add(1, z=2)

    def twice(out):
        out[0] = add(1, x=2)

    said, marked, text = message(three, VECTOR)
    assert said == "add() takes 2 arguments, 3 given"
    assert marked == "add(1, 2, 3)"
    assert f"defined at {__file__}:{add.__code__.co_firstlineno}" in text
    assert message(none, VECTOR)[0] == "add() takes 2 arguments, 0 given; missing 'x'"
    assert message(unknown, VECTOR)[0] == "add() has no parameter 'z'"
    assert message(twice, VECTOR)[0] == "add() got argument 'x' twice"


def test_wrong_arguments_of_builtins():
    def kernel(out):
        out[0] = abs(1, 2)

    def grid(out):
        out[0] = cuda.grid(4)

    def keyword(out):
        out[0] = abs(x=1)

    assert message(kernel, VECTOR)[0] == "abs() takes 1 argument, 2 given"
    assert message(grid, VECTOR)[0] == "cuda.grid() takes the constant 1, 2 or 3, not 4"
    assert message(keyword, VECTOR)[0] == "abs() takes no keyword argument 'x' in kernels"


def test_unknown_attributes():
    def of_module(out):
        out[0] = np.sqrtt(2.0)

    def of_cuda(out):
        out[0] = cuda.threadIdx.w

    def of_array(out):
        out[0] = out.mean()

    said, marked, text = message(of_module, VECTOR)
    assert said == "module 'numpy' has no attribute 'sqrtt'"
    assert marked == "np.sqrtt"
    assert "did you mean 'sqrt'?" in text
    assert message(of_cuda, VECTOR)[0] == "the kernel language has no threadIdx.w"
    assert refused(of_array, VECTOR)[0] == "arrays have no attribute 'mean' in kernels"


def test_variable_that_is_an_array_and_a_number():
    def kernel(a, out):
        if cuda.grid(1) > 2:
            x = a
        else:
            x = 1.0
        out[0] = x

    said, marked, _ = message(kernel, VECTOR, VECTOR)
    assert said == "variable 'x' is a 1-d array of float32 and a float32 on different paths"
    assert marked == "x"


def test_variable_that_changes_between_trips():
    def kernel(a, b, out):
        x = a
        for i in range(4):
            out[i] = x[i]
            x = b

    said = message(kernel, VECTOR, MATRIX, VECTOR)[0]
    assert said == (
        "variable 'x' is a 1-d array of float32 when the loop begins "
        "and a 2-d array of float32 on its next trip"
    )


def test_shared_shape_must_be_constant():
    def kernel(n, out):
        sm = cuda.shared.array(n, np.float32)
        out[0] = sm[0]

    said, marked, text = message(kernel, ScalarType(dtypes.int32), VECTOR)
    assert said == "the shape of cuda.shared.array() must be made of integer constants"
    assert marked == "cuda.shared.array(n, np.float32)"
    assert "dynamic shared memory" in text


def test_array_needs_a_dtype():
    def without(out):
        out[0] = cuda.local.array(4)[0]

    def wrong(out):
        out[0] = cuda.local.array(4, "str")[0]

    assert message(without, VECTOR)[0] == "cuda.local.array() takes a shape and a dtype"
    assert message(wrong, VECTOR)[0] == "cuda.local.array(): 'str' is not an element type"


def even(n):
    return True if n == 0 else odd(n - 1)


def odd(n):
    return False if n == 0 else even(n - 1)


def test_recursion_shows_the_chain():
    def kernel(n, out):
        out[0] = even(n)

    said, marked, text = refused(kernel, ScalarType(dtypes.int32), VECTOR)
    assert said == "recursion is not supported in kernels: even -> odd -> even"
    assert marked == "even(n - 1)"
    assert f"in odd, called from {__file__}" in text
    assert f"in even, called from {__file__}" in text


def test_python_functions_that_kernels_cannot_call():
    def kernel(out):
        out[0] = len(sorted((2, 1)))

    def external(out):
        out[0] = re.compile("x")

    def fft(out):
        out[0] = np.linspace(0, 1)

    assert refused(kernel, VECTOR)[0] == "function sorted cannot be called in kernels"
    assert refused(fft, VECTOR)[0] == "function numpy.linspace cannot be called in kernels"
    with pytest.raises(CompileError):
        lift(external, [VECTOR])


def test_strings_are_not_values():
    def assigned(out):
        s = "text"
        out[0] = s

    def stored(out):
        out[0] = "text"

    assert refused(assigned, VECTOR)[0] == "strings are not values in kernels: 'text'"
    assert refused(stored, VECTOR)[0] == "strings are not values in kernels: 'text'"


def test_lists_from_outside():
    def kernel(out):
        out[0] = NAMES[0]

    said, _, text = refused(kernel, VECTOR)
    assert said == "a list from outside the kernel cannot be used in it"
    assert "make it a tuple or a NumPy array" in text


def test_indexing():
    def too_many(out):
        out[0, 1] = 1

    def real(out):
        out[1.5] = 1

    def whole(a, out):
        out[0] = a

    def number(n, out):
        out[0] = n[0]

    def beyond(out):
        sm = cuda.shared.array(4, np.float32)
        sm[4] = 1

    def item(out):
        out[0] = (1, 2)[2]

    said, marked, _ = message(too_many, VECTOR)
    assert said == "too many indices: array 'out' has 1 axis here, 2 indices given"
    assert marked == "out[0, 1]"
    assert message(real, VECTOR)[0] == "array index must be an integer, not float32"
    assert message(whole, VECTOR, VECTOR)[0] == "an element cannot be set to a 1-d array of float32"
    assert message(number, ScalarType(dtypes.int32), VECTOR)[0] == "a int32 cannot be indexed"
    said = message(beyond, VECTOR)[0]
    assert said == "index 4 is out of range for axis 0 of array 'sm', which has 4 elements"
    assert message(item, VECTOR)[0] == "index 2 is out of range for a tuple of 2"


def test_arrays_are_not_numbers():
    def added(a, out):
        out[0] = a + 1

    def tested(a, out):
        if a:
            out[0] = 1

    said, marked, _ = message(added, VECTOR, VECTOR)
    assert said == "an operand of + must be a number, not a 1-d array of float32; index it first"
    assert marked == "a"
    assert "has no truth value" in message(tested, VECTOR, VECTOR)[0]


def test_read_only_arrays_cannot_be_written():
    readonly = ArrayType(dtypes.float32, 1, "C", writable=False)
    table = np.zeros(4, np.float32)

    def stored(x):
        x[0] = 1

    def added(x):
        cuda.atomic.add(x, 0, 1)

    def constant(x):
        table[0] = x[0]

    said, marked, text = message(stored, readonly)
    assert said == "array 'x' is read-only and cannot be written to"
    assert marked == "x[0]"
    assert "pass a writable array" in text
    assert message(added, readonly)[1] == "cuda.atomic.add(x, 0, 1)"
    assert message(constant, readonly)[0] == "constant array 'table' cannot be written to"


def test_operators_on_wrong_types():
    def bits(x, out):
        out[0] = x[0] & 3

    def matmul(x, out):
        out[0] = x @ x

    assert message(bits, VECTOR, VECTOR)[0] == "operator & needs integers, not float32 and int32"
    assert refused(matmul, VECTOR, VECTOR)[0] == "operator @ is not supported in kernels"


def test_atomics_on_wrong_types():
    def kernel(x):
        cuda.atomic.and_(x, 0, 1)

    def unsigned(x):
        cuda.atomic.inc(x, 0, 1)

    def part(x):
        cuda.atomic.add(x, 0, 1)

    assert message(kernel, VECTOR)[0] == "cuda.atomic.and_() does not work on float32"
    assert message(unsigned, INTS)[0] == "cuda.atomic.inc() does not work on int32"
    assert message(part, MATRIX)[0] == "cuda.atomic.add() needs 2 indices, in a tuple, 1 given"


def test_kernels_return_nothing():
    def kernel(x):
        return x[0]

    said, marked, text = message(kernel, VECTOR)
    assert said == "a kernel cannot return a value"
    assert marked == "return x[0]"
    assert "write the result to an array" in text


def test_unpacking():
    def short(out):
        a, b = cuda.grid(3)
        out[0] = a + b

    def number(out):
        a, b = cuda.grid(1)
        out[0] = a + b

    assert message(short, VECTOR)[0] == "cannot unpack a tuple of 3 into 2 variables"
    assert message(number, VECTOR)[0] == "cannot unpack a int32 into 2 variables"


def test_signatures():
    def one(x):
        x[0] = 1

    def star(*x):
        x[0][0] = 1

    with pytest.raises(KernelTypeError, match=r"kernel one\(\) takes 1 argument, 2 given"):
        lift(one, [VECTOR, VECTOR])
    with pytest.raises(UnsupportedKernelError, match=r"a kernel cannot take \*x"):
        lift(star, [VECTOR])
    with pytest.raises(CompileError, match="must be a Python function, not int"):
        lift(3, [])
    with pytest.raises(ValueError, match="literals must be 'weak' or 'numba', not 'strong'"):
        lift(one, [VECTOR], literals="strong")  # type: ignore[arg-type]


def test_ranges():
    def real(out):
        for i in range(2.5):
            out[i] = 1

    def zero(out):
        for i in range(1, 5, 0):
            out[i] = 1

    def number(out):
        for i in cuda.grid(1):
            out[i] = 1

    assert message(real, VECTOR)[:2] == ("range() takes integers, not float32", "2.5")
    assert message(zero, VECTOR)[0] == "range() step must not be zero"
    assert message(number, VECTOR)[0] == "cannot loop over a int32"


def test_function_that_returns_different_kinds():
    def mixed(x):
        if x > 1:
            return (x, x)
        return x

    def kernel(out):
        out[0] = mixed(out[1])

    said = message(kernel, VECTOR)[0]
    assert said == "mixed() returns values of different kinds: a tuple of 2 and a float32"


def test_source_that_cannot_be_read():
    namespace: dict = {}
    exec("def kernel(x):\n    x[0] = 1\n", namespace)
    with pytest.raises(CompileError, match=r"cannot read the source of kernel 'kernel'.*notebook"):
        lift(namespace["kernel"], [VECTOR])


def test_errors_in_inlined_code_show_the_call():
    def broken(x):
        return x + undefined_thing  # noqa: F821

    def kernel(out):
        out[0] = broken(1)

    _, marked, text = message(kernel, VECTOR)
    assert marked == "undefined_thing"
    line = kernel.__code__.co_firstlineno + 1
    assert f"in broken, called from {__file__}:{line}:" in text


def test_tuple_types():
    def kernel(t, out):
        out[0] = t[0] + t[1]

    lift(kernel, [TupleType((ScalarType(dtypes.int32), ScalarType(dtypes.float32))), VECTOR])


def test_variables_without_a_value_fail_when_run_in_numbas_mode():
    def kernel(x, out):
        if x[0] > 0:
            out[0] = late  # noqa: F821
            late = 1  # noqa: F841

    with pytest.raises(KernelTypeError):
        lift(kernel, [VECTOR, VECTOR])
    found = lift(kernel, [VECTOR, VECTOR], literals="numba")
    messages = [s.message for s in ir.statements(found.body) if isinstance(s, ir.Assert)]
    assert messages == ["variable 'late' is used before it is assigned"]


def test_slices_of_dynamic_shared_memory_cannot_count_from_the_end():
    def kernel(out):
        sm = cuda.shared.array(0, np.float32)
        out[0] = sm[-2:][0]

    said = message(kernel, VECTOR)[0]
    assert said.startswith("array 'sm' is dynamic shared memory, whose length is not known here")


def test_ufuncs_of_arrays_need_an_output():
    def kernel(x, out):
        out[0] = np.sin(x)

    assert refused(kernel, VECTOR, VECTOR)[0] == (
        "sin() of an array needs an array for its result in kernels"
    )


def test_function_that_returns_one_of_several_arrays():
    def pick(x, y, n):
        if n > 1:
            return x
        return y

    def kernel(x, out):
        out[0] = pick(x, out, x[0])[0]

    said = message(kernel, VECTOR, VECTOR)[0]
    assert said == "pick() returns values of different kinds: a 1-d array of float32 and another"
