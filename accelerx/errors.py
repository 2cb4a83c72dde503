"""Every exception accelerx raises.

A message has three parts: what happened (with the values), where, and what to do. A user's mistake
also derives from the built-in exception a Python programmer would expect.
"""

from __future__ import annotations


class AccelerxError(Exception):
    """Base of all accelerx errors."""


class SettingError(AccelerxError, ValueError):
    """An ``ACCELERX_*`` environment variable holds something it may not."""


class FallbackWarning(UserWarning):
    """A slow road is taken because a fast one is missing; the message says why."""


class CompileError(AccelerxError):
    """A kernel's source is at fault; the message holds file, line, column and a caret."""


class KernelTypeError(CompileError, TypeError):
    """An expression in a kernel is ill-typed."""


class UnsupportedError(AccelerxError, NotImplementedError):
    """A construct, dtype or feature that accelerx, or the chosen device, does not have."""


class UnsupportedKernelError(UnsupportedError, CompileError):
    """A kernel uses a construct that is not supported; the message points at it."""


class LaunchError(AccelerxError, ValueError):
    """A launch has a wrong grid, block, shared size or argument."""


class ArgumentTypeError(LaunchError, TypeError):
    """A launch argument has a type or dtype that a kernel cannot take."""


class KernelAssertionError(AccelerxError, AssertionError):
    """A check inside a running kernel failed: an assert, a bound, a barrier in divergent flow."""


class OutOfResourcesError(LaunchError):
    """A kernel needs more than the device has: threads, shared memory, on-chip buffers."""


class OutOfMemoryError(AccelerxError, MemoryError):
    """Device memory is exhausted; the message holds the pool's state."""


class DeviceError(AccelerxError, RuntimeError):
    """A backend reported a failure.

    Attributes:
        code: accelerx's stable code (an ``AX_ERROR_*`` value), or None.
        vendor_code: The vendor's own code, or None.
        api: Name of the vendor's function that failed, or "".
        hint: What to do, or "".
    """

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        vendor_code: int | None = None,
        api: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.vendor_code = vendor_code
        self.api = api
        self.hint = hint


class HostAccessError(DeviceError, TypeError):
    """Host code tried to read memory that lives on a device."""


class PluginError(AccelerxError, ImportError):
    """A backend plugin could not be opened or speaks another ABI."""


class FallbackError(AccelerxError, RuntimeError):
    """A slow road would have been taken while ``ACCELERX_FALLBACK=error``."""
