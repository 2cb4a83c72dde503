"""``accelerx devices``: what can be used here, and what cannot and why."""

from __future__ import annotations

from accelerx.runtime.device import Device, all_devices, current_device
from accelerx.runtime.registry import registry


def show_devices() -> int:
    """Prints every device (the default is starred) and every refused backend."""
    default = current_device()
    for one in all_devices():
        print(f"{'*' if one is default else ' '} {one.name:<8} {_described(one)}")
    for refusal in registry().refused:
        print(f"- {refusal.source}: {refusal.reason}")
    return 0


def _described(device: Device) -> str:
    model = device.model
    parts = [model.name, f"dialect {device.dialect}"]
    if model.multiprocessors:
        parts.append(f"{model.multiprocessors} cores")
    if model.memory_bytes:
        parts.append(f"{model.memory_bytes / 2**30:.1f} GiB")
    parts.append(f"{model.max_shared_bytes // 1024} KiB shared")
    return ", ".join(parts)
