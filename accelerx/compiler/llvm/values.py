"""A value of one vector of threads, as emitted code holds it."""

from __future__ import annotations

from dataclasses import dataclass

from accelerx.compiler.llvm import builder
from accelerx.compiler.passes.lanes import SAME, VARYING, Lane, constant_lane
from accelerx.dtypes import DType


@dataclass(frozen=True, slots=True)
class Value:
    """What a register holds for a vector's threads.

    Attributes:
        text: The register: a vector if ``lane.stride`` is None, else the scalar base.
        type: Element type.
        lane: How the value runs through the vector.
        const: The base's value, if known.
    """

    text: str
    type: DType
    lane: Lane = SAME
    const: int | float | bool | None = None

    @property
    def same(self) -> bool:
        """Whether all lanes hold the same value, in a scalar register."""
        return self.lane.stride == 0


Values = tuple[Value, ...]  # one for each active vector, or a single one for all of them


def constant(value: int | float | bool, dtype: DType) -> Value:
    return Value(builder.constant(value, dtype), dtype, constant_lane(value), value)


def scalar(text: str, dtype: DType) -> Value:
    return Value(text, dtype)


def vector(text: str, dtype: DType) -> Value:
    return Value(text, dtype, VARYING)
