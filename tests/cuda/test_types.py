from __future__ import annotations

import numpy as np
import pytest

from accelerx import cuda
from accelerx.cuda import types
from accelerx.dtypes import DTYPES
from accelerx.runtime.device import Device


@pytest.mark.parametrize("row", DTYPES, ids=lambda row: row.name)
def test_every_dtype_has_a_name(row: object) -> None:
    name = "boolean" if row.name == "bool" else row.name
    assert getattr(types, name).row is row


def test_names_cast_in_kernels(device: Device) -> None:
    @cuda.jit
    def truncated(x, out):
        i = cuda.grid(1)
        tile = cuda.shared.array(4, types.int32)
        tile[cuda.threadIdx.x] = types.int8(x[i])
        out[i] = types.float64(tile[cuda.threadIdx.x])

    out = np.zeros(4)
    truncated[1, 4](np.array([1.7, -2.7, 3.2, 0]), out)
    np.testing.assert_array_equal(out, [1, -2, 3, 0])
