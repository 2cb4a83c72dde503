"""The CUDA C++ text of an elementwise kernel: a thread for each element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from accelerx.generated import text
from accelerx.generated.parameters import Parameter
from accelerx.generated.text import Pattern


@dataclass(frozen=True, slots=True)
class Spec:
    """An elementwise kernel as its author writes it; see ElementwiseKernel."""

    name: str
    in_params: tuple[Parameter, ...]
    out_params: tuple[Parameter, ...]
    operation: str
    reduce_dims: bool
    preamble: str
    loop_prep: str
    after_loop: str

    @property
    def params(self) -> tuple[Parameter, ...]:
        return self.in_params + self.out_params

    @property
    def texts(self) -> tuple[str, ...]:
        """All C++ that is given."""
        return (self.operation, self.loop_prep, self.after_loop, self.preamble)


@dataclass(frozen=True, slots=True)
class Form:
    """What a kernel's text depends on.

    Attributes:
        types: A dtype for each parameter.
        patterns: How each argument is reached.
        axes: Axes that strided arguments are taken along.
        letters: What the placeholders stand for.
        wide: Whether a flat index needs 64 bits.
    """

    types: tuple[np.dtype[Any], ...]
    patterns: tuple[Pattern, ...]
    axes: int
    letters: tuple[tuple[str, np.dtype[Any]], ...]
    wide: bool


def written(spec: Spec, form: Form) -> str:
    """The CUDA C++ text."""
    rows = [*zip(spec.params, form.types, form.patterns, strict=True)]
    index = "ptrdiff_t" if form.wide else "int"
    extents = [f"_n{axis}" for axis in range(form.axes)]
    stems = [f"_i{axis}" for axis in range(form.axes)]
    by_axes = text.mentions("_ind", *spec.texts)
    has_raw = any(p.kind == "raw" for p in form.patterns)
    parameters = [part for row in rows for part in text.declared(*row)]
    parameters += ["ptrdiff_t n", *(f"{index} {extent}" for extent in extents)]
    turn = text.coordinates(stems, extents, "i" if form.wide else "(int)i", index)
    if by_axes:
        places = ", ".join(stems) or "0"
        shape = ", ".join(extents) or "1"
        turn.append(f"const CIndexer<{form.axes}> _ind = {{n, {{{shape}}}, {{{places}}}}};")
    lines = [
        *text.headers(form.types),
        *([text.RAW_ARRAY] if has_raw else []),
        *([text.INDEXER] if by_axes else []),
        *text.typedefs(dict(form.letters)),
        *([spec.preamble] if spec.preamble else []),
        f'extern "C" __global__ void {spec.name}({", ".join(parameters)}) {{',
        *(f"  {line}" for line in (text.raw_declaration(*row) for row in rows) if line),
        *([f"  {spec.loop_prep};"] if spec.loop_prep else []),
        "  const ptrdiff_t i = (ptrdiff_t)blockIdx.x * blockDim.x + threadIdx.x;",
        "  if (i < n) {",
        *(f"    {line}" for line in turn),
        *(f"    {line}" for line in (text.element(*row, "i", stems) for row in rows) if line),
        *(f"    {line}" for line in f"{spec.operation.strip()};".splitlines()),
        "  }",
        *([f"  {spec.after_loop};"] if spec.after_loop else []),
        "}",
    ]
    return "\n".join(lines) + "\n"
