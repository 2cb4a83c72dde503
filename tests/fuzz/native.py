"""The CPU code generator's configurations as roads."""

from __future__ import annotations

from tests.fuzz.roads import Road


def roads() -> list[Road]:
    return []
