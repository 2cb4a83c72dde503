"""Clock statements: the processor's own counter, or the system's monotonic nanoseconds."""

from __future__ import annotations

from accelerx.compiler import ir
from accelerx.compiler.llvm.code import Code
from accelerx.compiler.llvm.values import Value, scalar
from accelerx.dtypes import int64

CLOCK_MONOTONIC = 1  # Linux's number of it
_SECOND = 1_000_000_000  # nanoseconds


def read(code: Code, kind: ir.ClockKind) -> Value:
    """The counter's value, read once for all threads that stand at the statement."""
    return scalar(_cycles(code) if kind == "cycles" else _nanoseconds(code), int64)


def _cycles(code: Code) -> str:
    """The time stamp counter on x86-64, the generic timer on aarch64: both need no privilege."""
    code.b.declare("declare i64 @llvm.readcyclecounter()")
    return code.b.value("call i64 @llvm.readcyclecounter()", pure=False)


def _nanoseconds(code: Code) -> str:
    """``clock_gettime``, which the C library answers without a system call."""
    b = code.b
    time = code.alloca("{ i64, i64 }")
    b.declare("declare i32 @clock_gettime(i32, ptr)")
    b.value(f"call i32 @clock_gettime(i32 {CLOCK_MONOTONIC}, ptr {time})", pure=False)
    seconds = b.value(f"load i64, ptr {time}", pure=False)
    rest = b.value(f"getelementptr i8, ptr {time}, i64 8")
    nanoseconds = b.value(f"load i64, ptr {rest}", pure=False)
    return b.value(f"add i64 {b.value(f'mul i64 {seconds}, {_SECOND}')}, {nanoseconds}")
