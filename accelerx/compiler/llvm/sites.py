"""Calls of the host's hook: prints, failed checks, and the question whether to stop."""

from __future__ import annotations

from collections.abc import Sequence

from accelerx.compiler import ir
from accelerx.compiler.dialects.base import Site
from accelerx.compiler.llvm import floats
from accelerx.compiler.llvm.code import Code
from accelerx.compiler.llvm.expressions import Expressions
from accelerx.compiler.llvm.integers import resize
from accelerx.compiler.llvm.serial import Spilled, each_lane
from accelerx.dtypes import DType, float64, int64

POLL = -1
STOP = "stop"  # label of the code that returns 1
HOOK_OFFSET, CONTEXT_OFFSET = 40, 48  # in ax_host_call


class Sites:
    """Emits prints, checks and polls, and collects the table of sites."""

    def __init__(self, code: Code, expressions: Expressions) -> None:
        self.code = code
        self.expressions = expressions
        self._block = ""
        self._thread = ""
        self._values = ""
        self._room = 1

    def reserve(self) -> list[str]:
        """Lines for the function's entry that make room for the hook's arguments."""
        if not self._block:
            return []
        return [f"  {self._values} = alloca [{self._room} x i64]"]

    # ---- statements

    def print(self, s: ir.Print) -> None:
        parts = [p for p in s.parts if not isinstance(p, str)]
        self._report("print", s, parts, self.code.current())

    def check(self, s: ir.Assert) -> None:
        """Reports every executing thread in which the condition is false."""
        condition = self.code.mask_of(self.expressions.evaluate(s.condition))
        failed = self.code.both(self.code.current(), self.code.opposite(condition))
        if all(m == self.code.false for m in failed):
            return
        with self.code.branch_around(self.code.any(failed), "failed"):
            self._report(s.kind, s, s.values, failed)

    def _report(
        self, kind: str, s: ir.Stmt, parts: Sequence[ir.Expr], masks: Sequence[str]
    ) -> None:
        code = self.code
        number = self.add(kind, s, tuple(p.type for p in parts))
        values = [self.expressions.evaluate(p) for p in parts]
        for i, slot in enumerate(code.slots):
            if masks[i] == code.false:
                continue
            spilled = [Spilled(code, v[i] if len(v) > 1 else v[0]) for v in values]
            linear = self.expressions.linear(slot)
            with each_lane(code, masks[i]) as lane:
                texts = [self._as_i64(x.pick(lane), x.value.type) for x in spilled]
                thread = Spilled(code, linear).pick(lane)
                self.call(number, thread, texts)

    def add(self, kind: str, s: ir.Stmt, types: tuple[DType, ...] = ()) -> int:
        """A new site's number."""
        self.code.sites.append(Site(kind, s, types))
        return len(self.code.sites) - 1

    def _as_i64(self, text: str, dtype: DType) -> str:
        if not dtype.is_float:
            return resize(self.code.b, text, dtype, int64, 1)
        double = floats.convert(self.code.b, text, dtype, float64, 1)
        return self.code.b.bitcast(double, float64, int64, 1)

    # ---- the call

    def call(self, site: int, linear: str, values: Sequence[str] = ()) -> None:
        """Calls the hook for thread number ``linear``; returns from the kernel if it says so."""
        code, b = self.code, self.code.b
        if not self._block:
            self._block, self._thread = code.alloca("[3 x i32]"), code.alloca("[3 x i32]")
            self._values = "%hook.values"
        self._room = max(self._room, len(values))
        x, y, _ = code.geometry.block
        row = b.value(f"udiv i32 {linear}, {x}")
        thread = (b.value(f"urem i32 {linear}, {x}"), b.value(f"urem i32 {row}, {y}"),
                  b.value(f"udiv i32 {row}, {y}"))  # fmt: skip
        for axis in range(3):
            self._put(self._block, "i32", axis, f"%block.{'xyz'[axis]}")
            self._put(self._thread, "i32", axis, thread[axis])
        for i, value in enumerate(values):
            self._put(self._values, "i64", i, value)
        hook = b.value(f"load ptr, ptr {self._field(HOOK_OFFSET)}", pure=False)
        context = b.value(f"load ptr, ptr {self._field(CONTEXT_OFFSET)}", pure=False)
        answer = b.value(
            f"call i32 {hook}(ptr {context}, i32 {site}, ptr {self._block}, ptr {self._thread}, "
            f"ptr {self._values}, i32 {len(values)})",
            pure=False,
        )
        go_on = b.label("goon")
        b.branch_if(b.value(f"icmp ne i32 {answer}, 0"), STOP, go_on)
        code.place(go_on)

    def _put(self, array: str, kind: str, i: int, text: str) -> None:
        at = self.code.b.value(f"getelementptr {kind}, ptr {array}, i32 {i}")
        self.code.b.effect(f"store {kind} {text}, ptr {at}")

    def _field(self, offset: int) -> str:
        return self.code.b.value(f"getelementptr i8, ptr %call, i64 {offset}")

    def poll(self) -> None:
        """Asks the host, if it has set the poll word, whether to stop."""
        b = self.code.b
        word = b.value("load volatile i32, ptr %poll", pure=False)
        wanted = b.value(f"icmp ne i32 {word}, 0")
        b.declare("declare i1 @llvm.expect.i1(i1, i1)")
        unlikely = b.value(f"call i1 @llvm.expect.i1(i1 {wanted}, i1 false)")
        with self.code.branch_around(unlikely, "poll"):
            self.call(POLL, "0")
