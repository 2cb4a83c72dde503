"""A value of one vector of threads, as emitted code holds it."""

from __future__ import annotations

from dataclasses import dataclass

from accelerx.compiler.llvm import builder
from accelerx.compiler.passes.lanes import AGREED, SAME, VARYING, Lane, constant_lane
from accelerx.dtypes import DType


@dataclass(frozen=True, slots=True)
class Value:
    """What a register holds for a vector's threads.

    Attributes:
        text: The register: a vector if ``lane.stride`` is None, else a scalar. The base of the lanes
            is that scalar plus ``offset``; vectors of a chunk share it where they follow each other.
        type: Element type.
        lane: How the value runs through the vector.
        const: The scalar's value, if known.
        offset: See ``text``.
        prefix: Of a bool vector, (distance, offset) if lane n holds ``n + offset < distance``;
            distance is an i64 register.
    """

    text: str
    type: DType
    lane: Lane = SAME
    const: int | float | bool | None = None
    offset: int = 0
    prefix: tuple[str, int] | None = None

    @property
    def same(self) -> bool:
        """Whether all lanes hold the same value, in a scalar register."""
        return self.lane.stride == 0

    @property
    def known(self) -> int | float | bool | None:
        """The base's value, if known."""
        return self.const if self.const is None or not self.offset else self.const + self.offset


Values = tuple[Value, ...]  # one for each active vector, or a single one for all of them


def constant(value: int | float | bool, dtype: DType) -> Value:
    return Value(builder.constant(value, dtype), dtype, constant_lane(value), value)


def scalar(text: str, dtype: DType) -> Value:
    """A scalar that the lanes of a vector, but maybe not all vectors, share."""
    return Value(text, dtype)


def uniform(text: str, dtype: DType) -> Value:
    """A scalar that the whole block shares."""
    return Value(text, dtype, AGREED)


def vector(text: str, dtype: DType) -> Value:
    return Value(text, dtype, VARYING)
