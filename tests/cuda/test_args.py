from __future__ import annotations

import numpy as np

from accelerx import cuda
from accelerx.cuda.args import wrap_arg
from accelerx.runtime.device import Device


@cuda.jit
def set_to_three(x):
    x[0] = 3


def test_in_drops_what_the_kernel_writes(device: Device) -> None:
    x = np.zeros(1)
    set_to_three[1, 1](cuda.In(x))
    assert x[0] == 0


def test_out_and_inout_bring_it_back(device: Device) -> None:
    for hint in (cuda.Out, cuda.InOut):
        x = np.zeros(1)
        set_to_three[1, 1](hint(x))
        assert x[0] == 3


def test_hints_of_device_arrays_change_nothing(device: Device) -> None:
    x = cuda.to_device(np.zeros(1))
    set_to_three[1, 1](cuda.In(x))
    assert x[0] == 3


class DefaultIn:
    """An extension that makes In the default."""

    def prepare_args(self, type_: object, value: object, **_: object) -> tuple[object, object]:
        return type_, wrap_arg(value, default=cuda.In)


def test_extensions_may_replace_arguments(device: Device) -> None:
    kernel = cuda.jit(set_to_three.py_func, extensions=[DefaultIn()])
    x = np.zeros(1)
    kernel[1, 1](x)
    assert x[0] == 0
    kernel[1, 1](cuda.InOut(x))
    assert x[0] == 3
