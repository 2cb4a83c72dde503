"""The CUDA C++ text of a reduction: one kernel, or one for parts and one that combines them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from accelerx.generated import text
from accelerx.generated.parameters import Parameter
from accelerx.generated.text import Pattern

THREADS = 256  # of a block; a power of two, for the tree in shared memory

SIZE = """\
struct CSize {
  ptrdiff_t size_;
  __device__ ptrdiff_t size() const { return size_; }
};
"""


@dataclass(frozen=True, slots=True)
class Spec:
    """A reduction as its author writes it; see ReductionKernel."""

    name: str
    in_params: tuple[Parameter, ...]
    out_params: tuple[Parameter, ...]
    map_setup: str
    map_expr: str
    reduce_expr: str
    post_map_expr: str
    identity: str
    start: str
    reduce_type: str | None
    preamble: str

    @property
    def params(self) -> tuple[Parameter, ...]:
        return self.in_params + self.out_params

    @property
    def texts(self) -> tuple[str, ...]:
        """All C++ that looks at elements."""
        return (self.map_setup, self.map_expr, self.preamble)


@dataclass(frozen=True, slots=True)
class Form:
    """What a reduction's text depends on.

    Attributes:
        types: A dtype for each parameter.
        patterns: How each argument is reached: an input along the kept and then the reduced axes, an
            output along the kept ones.
        kept: Kept axes, merged.
        reduced: Reduced axes, merged.
        rows: Whether a block reduces one output's elements; else a thread does.
        split: Whether outputs are reduced in parts that a second kernel combines.
        letters: What the placeholders stand for.
        wide: Whether indices need 64 bits.
    """

    types: tuple[np.dtype[Any], ...]
    patterns: tuple[Pattern, ...]
    kept: int
    reduced: int
    rows: bool
    split: bool
    letters: tuple[tuple[str, np.dtype[Any]], ...]
    wide: bool


class Writer:
    """Writes the text of one form."""

    def __init__(self, spec: Spec, form: Form) -> None:
        self.spec = spec
        self.form = form
        self.index = "ptrdiff_t" if form.wide else "int"
        self.rows: list[tuple[Parameter, np.dtype[Any], Pattern]] = [
            *zip(spec.params, form.types, form.patterns, strict=True)
        ]
        split = len(spec.in_params)
        self.ins, self.outs = self.rows[:split], self.rows[split:]
        self.kept = [f"_o{axis}" for axis in range(form.kept)]
        self.reduced = [f"_r{axis}" for axis in range(form.reduced)]

    def text(self) -> str:
        """The whole text."""
        spec, form = self.spec, self.form
        reduce_type = spec.reduce_type or text.type_name(form.types[len(spec.in_params)])
        sizes = text.mentions("_in_ind|_out_ind", *spec.texts, spec.post_map_expr)
        lines = [
            *text.headers(form.types),
            *([text.RAW_ARRAY] if any(p.kind == "raw" for p in form.patterns) else []),
            *([SIZE] if sizes else []),
            *text.typedefs(dict(form.letters)),
            *([spec.preamble] if spec.preamble else []),
            f"typedef {reduce_type} _type_reduce;",
            "__device__ _type_reduce _reduce(_type_reduce a, _type_reduce b) {",
            f"  return {spec.reduce_expr};",
            "}",
        ]
        if form.split:
            parts = ["_type_reduce *_parts"]
            lines += self._kernel(f"{spec.name}_parts", parts, self._body("_parts"))
            final = [f"const {parts[0]}", *self._numbers(), *self._declared(self.outs)]
            lines += self._signature(spec.name, [*final, *self._sizes()], self._combined())
        else:
            outs = self._declared(self.outs)
            lines += self._kernel(spec.name, outs, self._body(""))
        return "\n".join(lines) + "\n"

    # --------------------------------------------------------------------------- parameters

    def _declared(self, rows: list[tuple[Parameter, np.dtype[Any], Pattern]]) -> list[str]:
        return [part for row in rows for part in text.declared(*row)]

    def _numbers(self) -> list[str]:
        return self._declared([row for row in self.ins if row[2].kind == "number"])

    def _sizes(self) -> list[str]:
        extents = [f"_n{stem}" for stem in (*self.kept[1:], *self.reduced[1:])]
        return [f"{self.index} {name}" for name in ("_outs", "_count", "_chunk", *extents)]

    def _kernel(self, name: str, results: list[str], body: list[str]) -> list[str]:
        return self._signature(name, [*self._declared(self.ins), *results, *self._sizes()], body)

    def _signature(self, name: str, parameters: list[str], body: list[str]) -> list[str]:
        head = f'extern "C" __global__ void {name}({", ".join(parameters)}) {{'
        inner = [*self._indexers(), *body]
        return [head, *(f"  {line}" for line in inner), "}"]

    def _indexers(self) -> list[str]:
        used = (*self.spec.texts, self.spec.post_map_expr)
        rows = {"_in_ind": "(ptrdiff_t)_outs * _count", "_out_ind": "_outs"}
        return [f"const CSize {n} = {{{v}}};" for n, v in rows.items() if text.mentions(n, *used)]

    # --------------------------------------------------------------------------------- bodies

    def _body(self, parts: str) -> list[str]:
        """A kernel that reads the inputs; ``parts`` is where its results go, the outputs if empty."""
        raws = [line for line in (text.raw_declaration(*row) for row in self.ins) if line]
        first = f"const {self.index} _first = blockIdx.y * _chunk;"
        last = f"const {self.index} _last = min(_first + _chunk, _count);"
        extents = ["", *(f"_n{stem}" for stem in self.kept[1:])]
        place = text.coordinates(self.kept, extents, "_i", self.index)
        start = self.spec.identity or self.spec.start
        begin = [first, last, f"_type_reduce _s = _type_reduce({start});"]
        if self.form.rows:
            return [
                *raws,
                *self._shared(),
                f"const {self.index} _i = blockIdx.x;",
                *place,
                *begin,
                *self._loop("_first + threadIdx.x", f"_J += {THREADS}"),
                "_shared[threadIdx.x] = _s;",
                "__syncthreads();",
                f"for (int _half = {THREADS // 2}; _half > 0; _half /= 2) {{",
                "  if (threadIdx.x < _half) {",
                "    _shared[threadIdx.x] ="
                " _reduce(_shared[threadIdx.x], _shared[threadIdx.x + _half]);",
                "  }",
                "  __syncthreads();",
                "}",
                *_block("if (threadIdx.x == 0)", self._finish(parts, "_shared[0]")),
            ]
        inner = [*place, *begin, *self._loop("_first", "++_J"), *self._finish(parts, "_s")]
        return [
            *raws,
            f"const {self.index} _i = ({self.index})blockIdx.x * {THREADS} + threadIdx.x;",
            *_block("if (_i < _outs)", inner),
        ]

    def _shared(self) -> list[str]:
        """Room for a value of each thread; bytes for a class, whose constructors must not run."""
        if self.spec.reduce_type is None:
            return [f"__shared__ _type_reduce _shared[{THREADS}];"]
        return [
            f"__shared__ __align__(16) char _bytes[{THREADS} * sizeof(_type_reduce)];",
            "_type_reduce *const _shared = reinterpret_cast<_type_reduce *>(_bytes);",
        ]

    def _loop(self, start: str, step: str) -> list[str]:
        extents = ["", *(f"_n{stem}" for stem in self.reduced[1:])]
        stems = [*self.kept, *self.reduced]
        elements = [text.element(*row, "_J", stems) for row in self.ins]
        lines = [
            *text.coordinates(self.reduced, extents, "_J", self.index),
            *(line for line in elements if line),
            *self.spec.map_setup.splitlines(),
            f"_s = _reduce(_s, static_cast<_type_reduce>({self.spec.map_expr}));",
        ]
        return _block(f"for ({self.index} _J = {start}; _J < _last; {step})", lines)

    def _finish(self, parts: str, result: str) -> list[str]:
        """The statements that store a result."""
        if parts:
            return [f"{parts}[({self.index})blockIdx.y * _outs + _i] = {result};"]
        elements = [text.element(*row, "_i", self.kept) for row in self.outs]
        return [f"const _type_reduce a = {result};", *elements, f"{self.spec.post_map_expr};"]

    def _combined(self) -> list[str]:
        """The kernel that combines parts: one thread for each output."""
        extents = ["", *(f"_n{stem}" for stem in self.kept[1:])]
        loop = _block(
            f"for ({self.index} _part = 1; _part < _chunk; ++_part)",
            ["_s = _reduce(_s, _parts[_part * _outs + _i]);"],
        )
        inner = [
            *text.coordinates(self.kept, extents, "_i", self.index),
            "_type_reduce _s = _parts[_i];",
            *loop,
            *self._finish("", "_s"),
        ]
        return [
            f"const {self.index} _i = ({self.index})blockIdx.x * {THREADS} + threadIdx.x;",
            *_block("if (_i < _outs)", inner),
        ]


def _block(head: str, lines: list[str]) -> list[str]:
    return [f"{head} {{", *(f"  {line}" for line in lines), "}"]
