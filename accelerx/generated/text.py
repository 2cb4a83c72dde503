"""The CUDA C++ text of generated kernels: types, parameters, and how an element is reached.

A pattern says how the array arguments of a call lie in memory, as far as the text depends on it;
extents and strides themselves are arguments. So one text serves all sizes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from accelerx import dtypes
from accelerx.generated.parameters import Parameter
from accelerx.ndarray import ndarray

Kind = Literal["number", "dense", "strided", "raw", "pointer"]

_COMPLEX = {"complex64": "complex<float>", "complex128": "complex<double>"}
_HEADERS = {
    "float16": "#include <cuda_fp16.h>\ntypedef __half float16;",
    "bfloat16": "#include <cuda_bf16.h>\ntypedef __nv_bfloat16 bfloat16;",
    "complex64": "#include <thrust/complex.h>\nusing thrust::complex;",
    "complex128": "#include <thrust/complex.h>\nusing thrust::complex;",
}

RAW_ARRAY = """\
template <typename T, int N, bool dense>
struct CArray {
  static const int ndim = N;
  T *data_;
  ptrdiff_t size_, shape_[N ? N : 1], steps_[N ? N : 1];
  __device__ ptrdiff_t size() const { return size_; }
  __device__ const ptrdiff_t *shape() const { return shape_; }
  __device__ T &operator[](ptrdiff_t index) const {
    ptrdiff_t offset = index;
    if (!dense) {
      offset = 0;
      for (int axis = N - 1; axis > 0; --axis) {
        offset += index % shape_[axis] * steps_[axis];
        index /= shape_[axis];
      }
      offset += index * steps_[0];
    }
    return data_[offset];
  }
  template <typename I>
  __device__ T &operator[](const I *index) const {
    ptrdiff_t offset = 0;
    for (int axis = 0; axis < N; ++axis) offset += index[axis] * steps_[axis];
    return data_[offset];
  }
};
"""

INDEXER = """\
template <int N>
struct CIndexer {
  static const int ndim = N;
  ptrdiff_t size_, shape_[N ? N : 1], index_[N ? N : 1];
  __device__ ptrdiff_t size() const { return size_; }
  __device__ const ptrdiff_t *shape() const { return shape_; }
  __device__ const ptrdiff_t *get() const { return index_; }
};
"""


@dataclass(frozen=True, slots=True)
class Pattern:
    """How one argument is reached.

    Attributes:
        kind: ``number``: it is a number; ``dense``: element i is at i; ``strided``: along axes;
            ``raw`` and ``pointer``: the kernel indexes it.
        steps: Of a strided one, the stride along each axis where it is 0 or 1; -1: an argument.
        ndim: Axes of a raw one.
        dense: Whether a raw one has no gaps.
    """

    kind: Kind
    steps: tuple[int, ...] = ()
    ndim: int = 0
    dense: bool = True

    def strides(self, name: str) -> list[str]:
        """The kernel's parameters that hold the strides of a strided one."""
        return [f"_{name}_s{axis}" for axis, step in enumerate(self.steps) if step < 0]

    def index(self, name: str, stems: Sequence[str]) -> str:
        """Where its element lies, as an expression of the indices along the axes."""
        terms = [
            stem if step > 0 else f"{stem} * _{name}_s{axis}"
            for axis, (stem, step) in enumerate(zip(stems, self.steps, strict=True))
            if step
        ]
        return " + ".join(terms) or "0"


def strided(strides: Sequence[int]) -> Pattern:
    """The pattern of an array that is reached along axes."""
    return Pattern("strided", tuple(s if s in (0, 1) else -1 for s in strides))


def passed(pattern: Pattern, strides: Sequence[int]) -> list[int]:
    """The strides that a strided pattern takes as arguments."""
    return [s for s, step in zip(strides, pattern.steps, strict=True) if step < 0]


def type_name(dtype: np.dtype[Any]) -> str:
    """A dtype in C++."""
    if dtype.name in _COMPLEX:
        return _COMPLEX[dtype.name]
    return dtypes.from_numpy(dtype).cuda


def headers(types: Iterable[np.dtype[Any]]) -> list[str]:
    """What a text with these types includes."""
    return list(dict.fromkeys(_HEADERS[t.name] for t in types if t.name in _HEADERS))


def typedefs(letters: dict[str, np.dtype[Any]]) -> list[str]:
    """The placeholders as types."""
    return [f"typedef {type_name(dtype)} {letter};" for letter, dtype in sorted(letters.items())]


def mentions(name: str, *texts: str) -> bool:
    """Whether a text uses a name."""
    return any(re.search(rf"\b{name}\b", text) for text in texts)


def only_indexed(name: str, *texts: str) -> bool:
    """Whether each use of a raw array is ``name[...]``, so that a pointer may stand for it."""
    uses = [u for text in texts for u in re.finditer(rf"\b{name}\b\s*(.)?", text, re.DOTALL)]
    return all(use[1] == "[" for use in uses) and not any("_ind" in text for text in texts)


def declared(parameter: Parameter, dtype: np.dtype[Any], pattern: Pattern) -> list[str]:
    """The parameters of the kernel that stand for one argument."""
    name, type_ = parameter.name, type_name(dtype)
    if pattern.kind == "number":
        return [f"{type_} {name}"]
    const = "const " if parameter.const else ""
    parts = [f"{const}{type_} *_raw_{name}"]
    parts += [f"ptrdiff_t {stride}" for stride in pattern.strides(name)]
    if pattern.kind == "raw":
        parts += [f"ptrdiff_t _{name}_n{axis}" for axis in range(pattern.ndim)]
        if not pattern.dense:
            parts += [f"ptrdiff_t _{name}_s{axis}" for axis in range(pattern.ndim)]
    return parts


def raw_declaration(parameter: Parameter, dtype: np.dtype[Any], pattern: Pattern) -> str:
    """The line that makes a raw array's name mean something; empty for what is no raw array."""
    name, const = parameter.name, "const " if parameter.const else ""
    if pattern.kind == "pointer":
        return f"{const}{type_name(dtype)} *const {name} = _raw_{name};"
    if pattern.kind != "raw":
        return ""
    shape = [f"_{name}_n{axis}" for axis in range(pattern.ndim)]
    if pattern.dense:
        steps = [" * ".join(shape[axis + 1 :]) or "1" for axis in range(pattern.ndim)]
    else:
        steps = [f"_{name}_s{axis}" for axis in range(pattern.ndim)]
    type_ = f"CArray<{const}{type_name(dtype)}, {pattern.ndim}, {str(pattern.dense).lower()}>"
    size = " * ".join(shape) or "1"
    return (
        f"const {type_} {name} = {{_raw_{name}, {size}, {{{', '.join(shape) or '1'}}}, "
        f"{{{', '.join(steps) or '1'}}}}};"
    )


def element(
    parameter: Parameter, dtype: np.dtype[Any], pattern: Pattern, flat: str, stems: Sequence[str]
) -> str:
    """The line that names the element of one turn; empty for what has none."""
    if pattern.kind not in ("dense", "strided"):
        return ""
    index = flat if pattern.kind == "dense" else pattern.index(parameter.name, stems)
    mark = "const " if parameter.const else ""
    reference = "" if parameter.const else "&"
    return f"{mark}{type_name(dtype)} {reference}{parameter.name} = _raw_{parameter.name}[{index}];"


def coordinates(stems: Sequence[str], extents: Sequence[str], flat: str, type_: str) -> list[str]:
    """The lines that take a flat index apart into one along each axis."""
    lines = []
    rest = flat
    for axis in range(len(stems) - 1, 0, -1):
        own = f"_rest_{stems[axis]}" if axis > 1 else stems[0]
        lines.append(f"const {type_} {stems[axis]} = {rest} % {extents[axis]};")
        lines.append(f"const {type_} {own} = {rest} / {extents[axis]};")
        rest = own
    if len(stems) == 1:
        lines.append(f"const {type_} {stems[0]} = {flat};")
    return lines


def raw_pattern(parameter: Parameter, value: ndarray, texts: Sequence[str]) -> Pattern:
    """How a kernel's text indexes a raw array: as a pointer if that is all it needs.

    Of several axes the index may be a place, an array; a pointer takes none.
    """
    is_dense = value.layout == "C"
    if is_dense and value.ndim == 1 and only_indexed(parameter.name, *texts):
        return Pattern("pointer")
    return Pattern("raw", ndim=value.ndim, dense=is_dense)


def raw_arguments(pattern: Pattern, value: ndarray) -> list[int]:
    """What a kernel gets for a raw array behind its address."""
    if pattern.kind == "pointer":
        return []
    return [*value.shape, *(() if pattern.dense else value.element_strides)]
