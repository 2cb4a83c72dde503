"""The Python corpus against NumPy: in the interpreter, and on every device through ``cuda.jit``."""

from __future__ import annotations

import copy
from collections import Counter

import numpy as np
import pytest

from accelerx import cuda
from accelerx.runtime.device import Device
from tests.corpus.python import CASES
from tests.corpus.python.case import Case, Typing
from tests.corpus.python.lifting import IDS, PAIRS, interpret, lifted


def test_names_are_unique() -> None:
    counts = Counter(case.name for case in CASES)
    assert [name for name, n in counts.items() if n > 1] == []


@pytest.mark.parametrize(("case", "typing"), PAIRS, ids=IDS)
def test_interpreter_agrees_with_numpy(case: Case, typing: Typing) -> None:
    kernel = lifted(case, typing)
    for launch in case.launches:
        arguments = case.arguments(launch)
        working = copy.deepcopy(arguments)
        interpret(kernel, launch, working)
        case.check(launch, arguments, [working[i] for i in case.outputs])


@pytest.mark.parametrize(("case", "typing"), PAIRS, ids=IDS)
def test_devices_agree_with_numpy(device: Device, case: Case, typing: Typing) -> None:
    kernel = cuda.jit(case.kernel, literals=typing)
    for launch in case.launches:
        arguments = case.arguments(launch)
        working = [cuda.to_device(a) if isinstance(a, np.ndarray) else a for a in arguments]
        kernel[launch.grid, launch.block, 0, launch.shared_bytes](*working)
        case.check(launch, arguments, [working[i].copy_to_host() for i in case.outputs])
