"""The dtype table: every element type accelerx knows, one row each.

Each row carries all spellings of a type (KIR, NumPy, DLPack, CUDA C, LLVM), so that no other file
keeps a second list. Rows are singletons: compare them with ``is``.

Arrays may also hold elements that KIR has in parts only: complex numbers and records. Such
an element is so many bytes here, an ``opaque`` row made when it is first met.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np

from accelerx.errors import UnsupportedError

Kind = Literal["bool", "int", "uint", "float", "opaque"]


@dataclass(frozen=True, slots=True, eq=False)
class DType:
    """One element type.

    Attributes:
        name: NumPy's name, e.g. ``"float32"``.
        short: The name KIR prints, e.g. ``"f32"``.
        kind: ``"bool"``, ``"int"``, ``"uint"``, ``"float"`` or ``"opaque"``.
        bits: Width of a value in memory, in bits (a bool occupies 8).
        dlpack: DLPack's (type code, bits).
        cuda: Spelling in CUDA C.
        llvm: Spelling of a *register* in LLVM IR (a bool is ``i1`` there, ``i8`` in memory; a
            bfloat16 is its bits, because moving an LLVM ``bfloat`` may flush subnormal numbers).
    """

    name: str
    short: str
    kind: Kind
    bits: int
    dlpack: tuple[int, int]
    cuda: str
    llvm: str

    @property
    def itemsize(self) -> int:
        """Bytes of one element in memory."""
        return self.bits // 8

    @property
    def is_float(self) -> bool:
        return self.kind == "float"

    @property
    def is_integer(self) -> bool:
        """True for signed and unsigned integers, not for bool."""
        return self.kind in ("int", "uint")

    @property
    def is_signed(self) -> bool:
        return self.kind == "int"

    @property
    def is_bool(self) -> bool:
        return self.kind == "bool"

    @property
    def numpy(self) -> np.dtype[Any]:
        """The NumPy dtype.

        Raises:
            UnsupportedError: for bfloat16 when the package ml_dtypes is not installed.
        """
        return _numpy_dtype(self.name)

    @property
    def is_opaque(self) -> bool:
        """True for elements that arrays hold and KIR does not have: complex numbers and records."""
        return self.kind == "opaque"

    def __repr__(self) -> str:
        return self.short

    def __reduce__(self) -> tuple[Any, ...]:
        return (of_array, (self.numpy,)) if self.is_opaque else (_by_name, (self.name,))


bool_ = DType("bool", "b", "bool", 8, (6, 8), "bool", "i1")
int8 = DType("int8", "i8", "int", 8, (0, 8), "signed char", "i8")
int16 = DType("int16", "i16", "int", 16, (0, 16), "short", "i16")
int32 = DType("int32", "i32", "int", 32, (0, 32), "int", "i32")
int64 = DType("int64", "i64", "int", 64, (0, 64), "long long", "i64")
uint8 = DType("uint8", "u8", "uint", 8, (1, 8), "unsigned char", "i8")
uint16 = DType("uint16", "u16", "uint", 16, (1, 16), "unsigned short", "i16")
uint32 = DType("uint32", "u32", "uint", 32, (1, 32), "unsigned int", "i32")
uint64 = DType("uint64", "u64", "uint", 64, (1, 64), "unsigned long long", "i64")
float16 = DType("float16", "f16", "float", 16, (2, 16), "__half", "half")
bfloat16 = DType("bfloat16", "bf16", "float", 16, (4, 16), "__nv_bfloat16", "i16")
float32 = DType("float32", "f32", "float", 32, (2, 32), "float", "float")
float64 = DType("float64", "f64", "float", 64, (2, 64), "double", "double")

DTYPES: tuple[DType, ...] = (
    bool_,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
    float16,
    bfloat16,
    float32,
    float64,
)

_BY_NAME = {row.name: row for row in DTYPES}
BY_SHORT = {row.short: row for row in DTYPES}


def _by_name(name: str) -> DType:
    return _BY_NAME[name]


_opaque: dict[str, tuple[DType, np.dtype[Any]]] = {}


def of_array(dtype: Any) -> DType:
    """The row of an array's elements: ``from_numpy``'s, or an opaque one.

    Raises:
        UnsupportedError: if the elements are not plain bytes in this machine's order.
    """
    if isinstance(dtype, DType) or (isinstance(dtype, str) and dtype in _BY_NAME):
        return from_numpy(dtype)
    known = np.dtype(dtype)
    if known.kind not in "cV" or known.hasobject or not known.isnative or known.itemsize == 0:
        return from_numpy(known)
    row = _BY_NAME.get(known.name)
    if row is not None:
        return row
    name = str(known)
    if name not in _opaque:
        made = DType(name, name, "opaque", known.itemsize * 8, (5, known.itemsize * 8), "", "")
        _opaque.setdefault(name, (made, known))
    return _opaque[name][0]


@cache
def _numpy_dtype(name: str) -> np.dtype[Any]:
    if name in _opaque:
        return _opaque[name][1]
    if name != "bfloat16":
        return np.dtype(name)
    try:
        import ml_dtypes
    except ImportError as e:
        raise UnsupportedError(
            "bfloat16 arrays on the host need the package ml_dtypes; pip install ml_dtypes"
        ) from e
    bfloat16_type: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
    return bfloat16_type


def from_numpy(dtype: Any) -> DType:
    """The row for a NumPy dtype (or anything ``np.dtype`` accepts, or a row's name).

    Raises:
        UnsupportedError: if accelerx has no such element type.
    """
    if isinstance(dtype, DType):
        return dtype
    if isinstance(dtype, str) and dtype in _BY_NAME:
        return _BY_NAME[dtype]
    row = _BY_NAME.get(np.dtype(dtype).name)
    if row is None:
        known = ", ".join(_BY_NAME)
        raise UnsupportedError(f"no element type for NumPy dtype {np.dtype(dtype)}; known: {known}")
    return row


def unsigned(dtype: DType) -> DType:
    """The unsigned integer of the same width."""
    return _BY_NAME[f"uint{dtype.bits}"]


def signed(dtype: DType) -> DType:
    """The signed integer of the same width."""
    return _BY_NAME[f"int{dtype.bits}"]
