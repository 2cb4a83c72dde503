"""Device models as rows: the limits of each target, checked before a kernel is compiled or launched.

A real device describes itself with the same fields, as JSON (``DeviceModel.from_json``), so that
one set of checks serves real devices and our CPU code held to a model by ``ACCELERX_SIM``.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
from dataclasses import dataclass
from typing import Any, Literal

from accelerx.errors import PluginError, UnsupportedError

Kind = Literal["accelerator", "cpu", "simulated", "interpreter"]
KIB = 1024

_ALL = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "bfloat16", "float32", "float64",
)  # fmt: skip
_NO_F64 = tuple(name for name in _ALL if name != "float64")


@dataclass(frozen=True, slots=True)
class DeviceModel:
    """What a device can do; the defaults are CUDA's limits.

    Attributes:
        name: The row's name, or a real device's own.
        kind: How a default device is chosen: accelerators first, simulated ones never by default.
        dialect: The kernel language it takes.
        threads: Whether it runs threads; tile machines do not.
        max_threads_per_block: Threads a block may have.
        max_block: Threads a block may have along x, y and z.
        max_grid: Blocks a grid may have along x, y and z.
        max_shared_bytes: Static shared memory of one block (of a tile machine: on-chip memory of one
            core).
        max_shared_bytes_optin: Static and dynamic shared memory together; 0: the same.
        warp_size: Lanes of a warp; 32 wherever kernels say so.
        multiprocessors: Cores that run blocks, 0 if unknown.
        memory_bytes: Size of device memory, 0 if unknown.
        dtypes: Names of the element types kernels may use.
        alignment: Alignment in bytes that its vector accesses need; 0 for none.
        compute_capability: CUDA's pair; of other devices the one whose features we offer.
    """

    name: str
    kind: Kind = "accelerator"
    dialect: str = "cuda"
    threads: bool = True
    max_threads_per_block: int = 1024
    max_block: tuple[int, int, int] = (1024, 1024, 64)
    max_grid: tuple[int, int, int] = (2**31 - 1, 65535, 65535)
    max_shared_bytes: int = 48 * KIB
    max_shared_bytes_optin: int = 0
    warp_size: int = 32
    multiprocessors: int = 0
    memory_bytes: int = 0
    dtypes: tuple[str, ...] = _ALL
    alignment: int = 0
    compute_capability: tuple[int, int] = (8, 0)

    @property
    def max_dynamic_shared_bytes(self) -> int:
        """Shared memory a block may have when some of it is dynamic."""
        return max(self.max_shared_bytes, self.max_shared_bytes_optin)

    def supports(self, dtype_name: str) -> bool:
        """Whether kernels on this device may use the dtype of that name."""
        return dtype_name in self.dtypes

    @staticmethod
    def from_json(text: str, **defaults: Any) -> DeviceModel:
        """The model a plugin's device hands out.

        Fields it leaves out take ``defaults``, else the class's; fields we do not know are newer
        than us and ignored.

        Raises:
            PluginError: if the text is not a JSON object with a name, or a field has a wrong type.
        """
        try:
            fields = json.loads(text)
            known = {f.name for f in dataclasses.fields(DeviceModel)}
            values = {key: _tupled(value) for key, value in fields.items() if key in known}
            return DeviceModel(**{**defaults, **values})
        except (ValueError, TypeError, AttributeError) as e:
            raise PluginError(f"the device model {text[:200]!r} is not usable: {e}") from e


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


_ROWS = (
    DeviceModel("cpu", "cpu", "llvm"),
    DeviceModel("sim", "simulated", "llvm", memory_bytes=4 << 30),
    DeviceModel("numpy", "interpreter", "kir"),
    DeviceModel(
        "sm_75", max_shared_bytes_optin=64 * KIB, multiprocessors=40, memory_bytes=16 << 30,
        compute_capability=(7, 5),
    ),
    DeviceModel(
        "a100", max_shared_bytes_optin=163 * KIB, multiprocessors=108, memory_bytes=80 << 30,
        compute_capability=(8, 0),
    ),
    DeviceModel(
        "h100", max_shared_bytes_optin=227 * KIB, multiprocessors=132, memory_bytes=80 << 30,
        compute_capability=(9, 0),
    ),
    # 192 KiB of unified buffer, less 256 bytes and the 8 KiB that some vector instructions reserve.
    DeviceModel(
        "ascend910b", dialect="ascendc", threads=False, max_shared_bytes=192 * KIB - 256 - 8 * KIB,
        multiprocessors=48, dtypes=_NO_F64, alignment=32,
        max_grid=(65535, 65535, 65535),
    ),
    # 256 KiB, less 8 KiB reserved and the smallest data cache of 32 KiB; up to 2048 threads a block.
    DeviceModel(
        "ascend950", dialect="ascendc-simt", max_threads_per_block=2048, max_block=(2048, 2048, 2048),
        max_grid=(65535, 65535, 65535), max_shared_bytes=216 * KIB, multiprocessors=72,
        dtypes=_NO_F64,
    ),
    # NRAM of a core, less the 128 KiB that the compiler's stack takes.
    DeviceModel(
        "mlu370", dialect="bangc", threads=False, max_shared_bytes=(768 - 128) * KIB,
        dtypes=_NO_F64, max_grid=(65535, 65535, 65535),
    ),
    DeviceModel(
        "mlu590", dialect="bangc", threads=False, max_shared_bytes=(512 - 128) * KIB,
        dtypes=_NO_F64, max_grid=(65535, 65535, 65535),
    ),
)  # fmt: skip

MODELS: dict[str, DeviceModel] = {row.name: row for row in _ROWS}
_ALIASES = {"sm_80": "a100", "sm_90": "h100"}


def model(name: str) -> DeviceModel:
    """The row called ``name`` (or its alias, e.g. ``sm_90``).

    Raises:
        UnsupportedError: if there is none; the message names the nearest.
    """
    row = MODELS.get(_ALIASES.get(name.lower(), name.lower()))
    if row is None:
        names = [*MODELS, *_ALIASES]
        close = difflib.get_close_matches(name.lower(), names, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names)}"
        raise UnsupportedError(f"there is no device model called {name!r}; {hint}")
    return row


def constrained(device: DeviceModel, limits: DeviceModel) -> DeviceModel:
    """``device`` held to another model's limits, for running that model's kernels on our CPU code."""
    return dataclasses.replace(
        limits, kind=device.kind, dialect=device.dialect, name=f"{device.name} as {limits.name}"
    )
