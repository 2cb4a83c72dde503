"""``accelerx doctor``: looks at the installation, tries each device, and says what to do."""

from __future__ import annotations

import importlib.util
import platform

import numpy as np

from accelerx import config
from accelerx.errors import AccelerxError
from accelerx.ndarray import asarray
from accelerx.runtime import plugin_backend
from accelerx.runtime.cache import cache
from accelerx.runtime.device import Device, all_devices
from accelerx.runtime.registry import registry


def show_doctor() -> int:
    """Prints findings; the status is the number of problems, at most 1."""
    problems = 0
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}")
    if plugin_backend.MISSING:
        problems += 1
        print(f"! the compiled core is missing ({plugin_backend.MISSING}); pip install accelerx")
    if importlib.util.find_spec("llvmlite") is None:
        problems += 1
        print("! llvmlite is missing, so cpu and sim compile nothing; pip install llvmlite")
    for refusal in registry().refused:
        print(f"- {refusal.source}: {refusal.reason}")
    for one in all_devices():
        failure = _try(one)
        problems += bool(failure)
        print(
            f"{'!' if failure else ' '} {one.name}: {failure or 'copies there and back are right'}"
        )
    for sentence in config.unknown_variables():
        problems += 1
        print(f"! {sentence}")
    print(f"  compiled kernels are kept in {cache().folder}")
    print("no problems found" if not problems else f"{problems} to look at")
    return min(problems, 1)


def _try(device: Device) -> str:
    """Copies an array to a device and back; what went wrong, or nothing."""
    sent = np.arange(1000, dtype=np.int32)
    try:
        back = asarray(sent, device).copy_to_host()
    except AccelerxError as e:
        return str(e)
    return "" if np.array_equal(sent, back) else "an array came back changed"
