from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import accelerx as ax
from accelerx.errors import ArgumentTypeError
from accelerx.runtime.device import Device

pytest.importorskip("clang.cindex")

HALVES = "#include <cuda_fp16.h>\n"


def launch(parameters: str, body: str, *args: Any, head: str = "") -> None:
    code = f'{head}extern "C" __global__ void k({parameters}) {{ {body} }}'
    ax.RawKernel(code, "k")((1,), (1,), args)


def value_of(type_: str, value: Any, head: str = "", show: str = "x") -> Any:
    """What a kernel sees of a scalar argument, through an array of doubles."""
    out = ax.zeros(1, np.float64)
    launch(f"double *out, {type_} x", f"out[0] = {show};", out, value, head=head)
    return out.get()[0]


# --------------------------------------------------------------------------------- scalars


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("int", 7), ("int", -7), ("int", True), ("unsigned", 2**32 - 1), ("long long", -(2**53)),
        ("float", 0.5), ("float", 3), ("double", 0.1), ("bool", True), ("char", 65),
        ("unsigned char", 255), ("short", -300),
    ],
)  # fmt: skip
def test_python_numbers_take_the_parameters_type(device: Device, type_: str, value: Any) -> None:
    assert value_of(type_, value) == value


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("int", np.int32(-7)), ("unsigned", np.uint32(7)), ("double", np.float64(0.1)),
        ("float", np.float32(0.5)), ("bool", np.bool_(True)), ("long long", np.int64(-1)),
        ("size_t", np.uint64(7)), ("short", np.int16(-7)), ("float", np.array(0.5, np.float32)),
    ],
)  # fmt: skip
def test_numpy_scalars_are_taken_as_they_are(cpu: Device, type_: str, value: Any) -> None:
    assert value_of(type_, value) == value


def test_numpy_integers_of_the_other_sign_keep_their_bits(cpu: Device) -> None:
    assert value_of("unsigned", np.int32(-1)) == 2**32 - 1
    assert value_of("int", np.uint32(2**32 - 1)) == -1


def test_bits_of_the_other_sign_are_kept_at_later_launches(cpu: Device) -> None:
    out = ax.zeros(1, np.float64)
    kernel = ax.RawKernel(
        'extern "C" __global__ void k(double *out, unsigned x) { out[0] = x; }', "k"
    )
    for given, seen in ((1, 1), (-1, 2**32 - 1), (2, 2)):
        kernel((1,), (1,), (out, np.int32(given)))
        assert out.get()[0] == seen


def test_half_scalars_are_numbers_or_their_bits(cpu: Device) -> None:
    bits = np.float16(1.5).view(np.uint16)
    for value in (1.5, np.float16(1.5), bits):
        assert value_of("__half", value, HALVES, "__half2float(x)") == 1.5


@pytest.mark.parametrize(
    ("type_", "value", "words"),
    [
        ("int", 2**31, "= 2147483648 does not fit the parameter, which holds int32"),
        ("unsigned", -1, "= -1 does not fit the parameter, which holds uint32"),
        ("int", 1.5, r"is a Python float \(1.5\); the parameter is 'int'"),
        ("bool", 1.5, "is a Python float"),
        ("float", 1j, "is a Python complex"),
        ("int", np.int64(3), "is a NumPy int64 of 8 bytes; the parameter is 'int' of 4 bytes"),
        ("float", np.float64(3), "is a NumPy float64 of 8 bytes"),
        ("int", np.float32(3), "is a NumPy float32 of 4 bytes"),
        ("float", np.int32(3), r"hint: pass numpy.float32\(x\)"),
        ("int", "three", r"is a Python str \('three'\)"),
        ("int", None, "is a builtins.NoneType"),
        ("int", np.zeros(3), r"is an array of float64 of shape \(3,\)"),
    ],
)
def test_a_scalar_that_does_not_fit_is_refused(
    cpu: Device, type_: str, value: Any, words: str
) -> None:
    with pytest.raises(ArgumentTypeError, match=words):
        value_of(type_, value)


def test_errors_show_the_declaration_and_the_place(cpu: Device) -> None:
    with pytest.raises(ArgumentTypeError) as raised:
        launch("int n, float a, const float *x", "", 1, "no", None)
    lines = str(raised.value).splitlines()
    assert lines[0].startswith("k: argument 2 (a) is a Python str")
    assert lines[1] == "  void k(int n, float a, const float *x)"
    assert lines[2] == "                ^~~~~~~"


def test_a_wrong_number_of_arguments_is_told_with_the_declaration(cpu: Device) -> None:
    said = re.escape("k takes 2 arguments; 1 were given\n  void k(int n, float *x)")
    with pytest.raises(ArgumentTypeError, match=said):
        launch("int n, float *x", "", 1)


# -------------------------------------------------------------------------------- pointers


def test_device_arrays_are_read_and_written(device: Device) -> None:
    x, y = ax.asarray(np.arange(4, dtype=np.int32)), ax.zeros(4, np.int32)
    launch("const int *x, int *y", "for (int i = 0; i < 4; ++i) y[i] = x[i] + 1;", x, y)
    np.testing.assert_array_equal(y.get(), [1, 2, 3, 4])


def test_numpy_arrays_are_copied_back(device: Device) -> None:
    x, y = np.arange(4, dtype=np.int32), np.zeros(4, np.int32)
    launch("const int *x, int *y", "for (int i = 0; i < 4; ++i) y[i] = x[i] + 1;", x, y)
    np.testing.assert_array_equal(y, [1, 2, 3, 4])


def test_one_numpy_array_given_twice_is_one_memory(device: Device) -> None:
    x = np.arange(4, dtype=np.int32)
    launch("const int *x, int *y", "y[0] = 9; y[1] = x[0];", x, x)
    np.testing.assert_array_equal(x, [9, 9, 2, 3])


@pytest.mark.parametrize("null", [None, 0, np.intp(0)], ids=repr)
def test_null_pointers_compare_equal_to_null(device: Device, null: Any) -> None:
    y = ax.zeros(1, np.int32)
    launch("const int *x, int *y", "y[0] = x ? x[0] : 42;", null, y)
    assert y.get()[0] == 42


def test_a_pointer_is_null_at_some_launches_only(device: Device) -> None:
    code = 'extern "C" __global__ void k(const int *x, int *y) { y[0] = x ? x[0] : 42; }'
    kernel = ax.RawKernel(code, "k")
    x, y = ax.full(1, 7, np.int32), ax.zeros(1, np.int32)
    for given, seen in ((x, 7), (None, 42), (x, 7), (None, 42)):
        kernel((1,), (1,), (given, y))
        assert y.get()[0] == seen


def test_addresses_are_numbers_or_memory_pointers(device: Device) -> None:
    x, y = ax.asarray(np.arange(4, dtype=np.int32)), ax.zeros(1, np.int32)
    for given in (x.ptr, x.data, x.data.ptr):
        launch("const int *x, int *y", "y[0] = x[3];", given, y)
        assert y.get()[0] == 3


@pytest.mark.parametrize(
    ("pointee", "dtype"),
    [
        ("unsigned", "int32"), ("int", "uint32"), ("void", "float64"), ("char", "float32"),
        ("unsigned char", "complex64"), ("float4", "float32"), ("float4", "uint8"),
        ("int", "uint8"), ("bool", "int8"), ("float2", "complex64"), ("long long", "uint64"),
    ],
)  # fmt: skip
def test_these_elements_may_lie_behind_these_pointers(
    cpu: Device, pointee: str, dtype: str
) -> None:
    launch(f"const {pointee} *x", "", ax.zeros(16, dtype))
    launch(f"const {pointee} *x", "", np.zeros(16, dtype))


@pytest.mark.parametrize("dtype", ["float16", "uint16", "int16"])
def test_halves_are_16_bit_storage(cpu: Device, dtype: str) -> None:
    x = np.array([1.5, 2.5], np.float16).view(dtype)
    y = ax.zeros(2, np.float32)
    body = "for (int i = 0; i < 2; ++i) y[i] = __half2float(x[i]);"
    launch("const __half *x, float *y", body, ax.asarray(x), y, head=HALVES)
    np.testing.assert_array_equal(y.get(), [1.5, 2.5])


@pytest.mark.parametrize(
    ("pointee", "array", "words"),
    [
        ("float", np.zeros(4), "is an array of float64; the parameter is 'float \\*'"),
        ("float", np.zeros(4), r"convert it with x.astype\('float32'\)"),
        ("int", np.zeros(4, "f4"), r"pass the same bits with x.view\('int32'\)"),
        ("double", np.zeros(4, "i8"), "is an array of int64"),
        ("float4", np.zeros(4, "f8,f8,f8"), r"is an array of structured \(24 bytes\)"),
        ("float", np.zeros((4, 4), "f4")[:, ::2], "is a NumPy array with strides"),
        ("float", np.zeros(4, ">f4"), "has byte order"),
        ("float", 1.5, r"is a Python float \(1.5\); the parameter is 'float \*'"),
        ("float", "text", "is a Python str"),
        ("float", [1.0], "is a builtins.list"),
        ("float", np.float32(1), "is a numpy.float32"),
        ("float", True, "is a bool; the parameter is a pointer"),
        ("float", -1, "= -1, which is no address"),
    ],
)
def test_what_does_not_fit_a_pointer_is_refused(
    cpu: Device, pointee: str, array: Any, words: str
) -> None:
    with pytest.raises(ArgumentTypeError, match=words):
        launch(f"{pointee} *x", "", array)


def test_a_read_only_array_is_refused_where_the_kernel_writes(device: Device) -> None:
    x = np.zeros(4, np.float32)
    x.flags.writeable = False
    launch("const float *x", "", x)
    launch("float *x, float *y", "y[0] = x[0];", x, ax.zeros(1))
    with pytest.raises(ArgumentTypeError, match="'x' is read-only, and the kernel writes to it"):
        launch("float *x", "x[0] = 1;", x)


def test_strings_are_bytes(cpu: Device) -> None:
    y = ax.zeros(1, np.int32)
    launch("const char *s, int *y", "y[0] = s[1];", np.array(b"abc"), y)
    assert y.get()[0] == ord("b")


def test_torch_tensors_lie_in_host_memory() -> None:
    torch = pytest.importorskip("torch")
    x = torch.arange(4, dtype=torch.float32)
    launch("float *x", "x[1] = 9;", x)
    assert x.tolist() == [0, 9, 2, 3]


# --------------------------------------------------------------------------------- records

POINT = "struct Point { char tag; int n; double x; float v[2]; };"
POINT_DTYPE = np.dtype([("tag", "i1"), ("n", "i4"), ("x", "f8"), ("v", "f4", 2)], align=True)
SUM = "y[0] = p.tag + p.n + p.x + p.v[0] + p.v[1];"


def test_a_record_is_passed_by_value(device: Device) -> None:
    y = ax.zeros(1, np.float64)
    record = np.array((1, 20, 300.5, (4000, 50000)), POINT_DTYPE)
    for given in (record, record[()], record.tobytes(), (1, 20, 300.5, (4000, 50000.0))):
        y[...] = 0
        launch("Point p, double *y", SUM, given, y, head=POINT)
        assert y.get()[0] == 54321.5


def test_record_members_are_pointers_to_arrays(device: Device) -> None:
    head = "struct View { int n; const float *data; };"
    body = "y[0] = p.data ? p.data[p.n] : -1;"
    x, y = ax.asarray(np.arange(5, dtype=np.float32)), ax.zeros(1)
    as_int = np.dtype([("n", "i4"), ("data", "u8")], align=True)
    as_object = np.dtype([("n", "i4"), ("data", "O")], align=True)
    for given in (
        np.array((3, x.ptr), as_int),
        np.array((3, x), as_object),
        (3, x),
        (np.int32(3), x.data),
    ):
        launch("View p, float *y", body, given, y, head=head)
        assert y.get()[0] == 3
    launch("View p, float *y", body, np.array((3, 0), as_int), y, head=head)
    assert y.get()[0] == -1


def test_arrays_of_records_lie_behind_pointers(device: Device) -> None:
    x = np.zeros(3, POINT_DTYPE)
    x["n"], x["x"] = [1, 2, 3], 0.5
    y = ax.zeros(3, np.float64)
    body = "for (int i = 0; i < 3; ++i) { y[i] = p[i].n + p[i].x; p[i].v[1] = 7; }"
    held = ax.asarray(x)
    launch("Point *p, double *y", body, held, y, head=POINT)
    np.testing.assert_array_equal(y.get(), [1.5, 2.5, 3.5])
    np.testing.assert_array_equal(held.get()["v"], [[0, 7]] * 3)
    launch("Point *p, double *y", body, x, y, head=POINT)
    np.testing.assert_array_equal(x["v"], [[0, 7]] * 3)


def test_complex_numbers_are_two_floats(device: Device) -> None:
    y = ax.zeros(2)
    for given in (1.5 - 2j, np.complex64(1.5 - 2j)):
        launch("float2 z, float *y", "y[0] = z.x; y[1] = z.y;", given, y)
        np.testing.assert_array_equal(y.get(), [1.5, -2])
    z = ax.asarray(np.array([1 + 2j, 3 + 4j], np.complex64))
    launch("float2 *z", "z[1].y = z[0].x;", z)
    np.testing.assert_array_equal(z.get(), [1 + 2j, 3 + 1j])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.zeros((), "i1,i4,f8,2f4"), "has 21 bytes; 'Point' has 24"),
        (b"123", "has 3 bytes; 'Point' has 24"),
        ((1, 2), "has 2 items; 'Point' has 5 members"),
        ((1, 2.5, 3.0, 4.0, 5.0), "is a Python float"),
        (1.5, "pass a NumPy record of a structured dtype"),
        (1j, "'Point' is not complex"),
        (np.float64(1), "is a NumPy float64; the parameter is a struct"),
        (np.zeros(3, POINT_DTYPE), "is an array of"),
    ],
)
def test_what_does_not_fit_a_record_is_refused(cpu: Device, value: Any, words: str) -> None:
    with pytest.raises(ArgumentTypeError, match=words):
        launch("Point p", "", value, head=POINT)


def test_an_empty_record_takes_an_empty_tuple(cpu: Device) -> None:
    y = ax.zeros(1)
    launch("Tag t, float *y", "y[0] = 1;", (), y, head="struct Tag {};")
    assert y.get()[0] == 1
