from __future__ import annotations

import numpy as np
import pytest

from accelerx.errors import LaunchError
from accelerx.generated.shapes import broadcast, dense, merged, stretched


@pytest.mark.parametrize(
    "shapes", [[(3, 1), (4,)], [(), (2,)], [(1, 1), (5, 1, 7)], [(0, 3), (1,)], [()]], ids=str
)
def test_broadcast_is_numpys(shapes: list[tuple[int, ...]]) -> None:
    assert broadcast("k", shapes) == np.broadcast_shapes(*shapes)


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(LaunchError, match=r"k: the shapes \(3,\), \(4,\) do not broadcast"):
        broadcast("k", [(3,), (4,)])


def test_repeated_axes_have_stride_0() -> None:
    assert stretched((3, 1), (1, 1), (5, 3, 4)) == (0, 1, 0)


def test_dense_strides_are_row_major() -> None:
    assert dense((2, 3, 4)) == (12, 4, 1)


@pytest.mark.parametrize(
    ("shape", "strides", "expected"),
    [
        ((2, 3, 4), [(12, 4, 1)], ((24,), [(1,)])),
        ((2, 3, 4), [(12, 4, 1), (0, 4, 1)], ((2, 12), [(12, 1), (0, 1)])),
        ((2, 1, 4), [(4, 99, 1)], ((8,), [(1,)])),
        ((2, 3), [(1, 2)], ((2, 3), [(1, 2)])),
        ((1, 1), [(7, 7)], ((), [()])),
        ((5, 4), [(0, 0)], ((20,), [(0,)])),
    ],
)
def test_axes_one_behind_the_other_are_merged(
    shape: tuple[int, ...],
    strides: list[tuple[int, ...]],
    expected: tuple[tuple[int, ...], list[tuple[int, ...]]],
) -> None:
    assert merged(shape, strides) == expected
