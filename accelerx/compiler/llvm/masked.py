"""Masked loads and stores of neighbouring elements, spelled so that LLVM gets them right.

Two defects of LLVM 22.1 on AVX-512 hosts write past the lanes that are on:

* A truncation is merged with the masked store of its result (or with a store of a blend with what
  was loaded from the same place); where exactly one lane is on, the element that was not truncated
  is stored (LLVM issue 179489). Integers are fenced off.
* A vector of 8 bytes is widened to 16, and its mask's upper bits are cleared by a move between mask
  registers. When masks are spilled, that move is taken for a copy, and bits that were never set are
  stored under. Such vectors are widened here, under a mask that is compared, not moved.
"""

from __future__ import annotations

from accelerx.compiler.llvm.builder import Builder, suffix, type_name
from accelerx.dtypes import DType, uint8

_BYTES = 8  # lanes of bytes that are less than a register


def load(b: Builder, kind: DType, lanes: int, pointer: str, mask: str) -> str:
    """Loads the elements from ``pointer`` on whose lanes are on; the others are 0."""
    narrow = _narrow(kind, lanes)
    if narrow:
        mask, lanes = _widened_mask(b, mask, lanes), 2 * lanes
    wide, flags = type_name(kind, lanes), f"<{lanes} x i1>"
    name = f"@llvm.masked.load.{suffix(kind, lanes)}.p0"
    b.declare(f"declare {wide} {name}(ptr, {flags}, {wide})")
    align = f"align {kind.itemsize}"
    call = f"call {wide} {name}(ptr {align} {pointer}, {flags} {mask}, {wide} zeroinitializer)"
    text = b.value(call, pure=False)
    if not narrow:
        return text
    first = ", ".join(f"i32 {i}" for i in range(lanes // 2))
    return b.value(f"shufflevector {wide} {text}, {wide} poison, <{lanes // 2} x i32> <{first}>")


def store(b: Builder, kind: DType, lanes: int, text: str, pointer: str, mask: str) -> None:
    """Stores the elements whose lanes are on from ``pointer`` on."""
    if kind.llvm.startswith("i") and kind.bits < 64:
        text = b.opaque(text, kind, lanes)
    if _narrow(kind, lanes):
        text = b.widened(text, kind.llvm, lanes)
        mask, lanes = _widened_mask(b, mask, lanes), 2 * lanes
    wide, flags = type_name(kind, lanes), f"<{lanes} x i1>"
    name = f"@llvm.masked.store.{suffix(kind, lanes)}.p0"
    b.declare(f"declare void {name}({wide}, ptr, {flags})")
    align = f"align {kind.itemsize}"
    b.effect(f"call void {name}({wide} {text}, ptr {align} {pointer}, {flags} {mask})")


def blend(b: Builder, kind: DType, lanes: int, mask: str, text: str, old: str) -> str:
    """``text`` in the lanes that are on, else ``old``; LLVM may make a masked store of it."""
    if lanes > 1 and (kind.llvm in ("i8", "i16") or b.truncates(text)):
        text = b.opaque(text, kind, lanes)
    wide, flags = type_name(kind, lanes), "i1" if lanes == 1 else f"<{lanes} x i1>"
    return b.value(f"select {flags} {mask}, {wide} {text}, {wide} {old}")


def _narrow(kind: DType, lanes: int) -> bool:
    return kind.bits == 8 and lanes == _BYTES


def _widened_mask(b: Builder, mask: str, lanes: int) -> str:
    """The mask with as many lanes more, which are off."""
    if not mask.startswith("%"):
        return b.widened(mask, "i1", lanes, "zeroinitializer")
    kind = type_name(uint8, lanes)
    spread = b.opaque(b.value(f"sext <{lanes} x i1> {mask} to {kind}"), uint8, lanes)
    wide = b.widened(spread, "i8", lanes, "zeroinitializer")
    return b.value(f"icmp ne <{2 * lanes} x i8> {wide}, zeroinitializer")
