"""numba's type names, for signatures and for casts in kernels: ``float32[:, ::1]``, ``int64(x)``."""

from __future__ import annotations

from accelerx import dtypes
from accelerx.signatures import NamedType, void

boolean = NamedType(dtypes.bool_)
int8 = NamedType(dtypes.int8)
int16 = NamedType(dtypes.int16)
int32 = NamedType(dtypes.int32)
int64 = NamedType(dtypes.int64)
uint8 = NamedType(dtypes.uint8)
uint16 = NamedType(dtypes.uint16)
uint32 = NamedType(dtypes.uint32)
uint64 = NamedType(dtypes.uint64)
float16 = NamedType(dtypes.float16)
bfloat16 = NamedType(dtypes.bfloat16)
float32 = NamedType(dtypes.float32)
float64 = NamedType(dtypes.float64)

intp, uintp, intc, uintc, byte, double = int64, uint64, int32, uint32, uint8, float64
b1, i1, i2, i4, i8, u1, u2, u4, u8 = (
    boolean, int8, int16, int32, int64, uint8, uint16, uint32, uint64,
)  # fmt: skip
f2, f4, f8 = float16, float32, float64
none = void

__all__ = [
    "b1",
    "bfloat16",
    "boolean",
    "byte",
    "double",
    "f2",
    "f4",
    "f8",
    "float16",
    "float32",
    "float64",
    "i1",
    "i2",
    "i4",
    "i8",
    "int8",
    "int16",
    "int32",
    "int64",
    "intc",
    "intp",
    "none",
    "u1",
    "u2",
    "u4",
    "u8",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "uintc",
    "uintp",
    "void",
]  # fmt: skip
