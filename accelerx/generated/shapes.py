"""Shapes of generated kernels: broadcasting, and merging axes that lie one behind the other."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from accelerx.errors import LaunchError

Shape = tuple[int, ...]


def broadcast(kernel: str, shapes: Sequence[Shape]) -> Shape:
    """The shape that all of ``shapes`` broadcast to.

    Raises:
        LaunchError: if there is none.
    """
    result: list[int] = [1] * max(map(len, shapes), default=0)
    for shape in shapes:
        for axis in range(1, len(shape) + 1):
            if result[-axis] == 1:
                result[-axis] = shape[-axis]
            elif shape[-axis] not in (1, result[-axis]):
                listed = ", ".join(map(str, shapes))
                raise LaunchError(f"{kernel}: the shapes {listed} do not broadcast together")
    return tuple(result)


def stretched(shape: Shape, strides: Shape, target: Shape) -> Shape:
    """An array's strides under a shape it broadcasts to: 0 where it is repeated."""
    missing = len(target) - len(shape)
    kept = (0 if n == 1 else s for n, s in zip(shape, strides, strict=True))
    return (0,) * missing + tuple(kept)


def merged(shape: Shape, strides: Sequence[Shape]) -> tuple[Shape, list[Shape]]:
    """The fewest axes that reach the same elements in the same order, and the strides along them."""
    extents: list[int] = []
    steps: list[list[int]] = [[] for _ in strides]
    for axis, extent in enumerate(shape):
        if extent == 1:
            continue
        if extents and all(
            own[-1] == extent * given[axis] for own, given in zip(steps, strides, strict=True)
        ):
            extents[-1] *= extent
            for own, given in zip(steps, strides, strict=True):
                own[-1] = given[axis]
            continue
        extents.append(extent)
        for own, given in zip(steps, strides, strict=True):
            own.append(given[axis])
    return tuple(extents), [tuple(own) for own in steps]


def dense(shape: Shape) -> Shape:
    """Strides of row-major elements without gaps."""
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))
