"""Random kernels, lifted and run in the interpreter, against Python running the same text.

With int64 and float64 (numba's typing) a kernel of one thread must do what Python does: control flow,
variables that change their type, short circuits, early returns of inlined functions, indices.
"""

from __future__ import annotations

import linecache
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.support.lifted import run

PROGRAMS = 150
LENGTH = 6
NAMES = "abcde"


class Program:
    """Writes one random kernel and the functions it calls."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.functions = 0
        self.loops = 0

    def text(self) -> str:
        functions = "".join(self.function(k) for k in range(self.random.randint(0, 2)))
        self.lines = []
        self.emit(1, "a, b, c = 1, 2.5, x[0]")
        self.emit(1, "d = e = 3")
        self.emit(1, "t = (a, b)")
        self.emit(1, "i0 = i1 = i2 = i3 = 0")
        self.block(1, 3, self.random.randint(3, 7), in_loop=False)
        for k, name in enumerate(NAMES):
            self.emit(1, f"out[{k}] = {name}")
        self.emit(1, "out[5] = t[0] + t[1] + i0 + i1")
        return functions + "def kernel(x, out):\n" + "".join(self.lines)

    def function(self, k: int) -> str:
        self.lines = []
        saved, self.loops = self.loops, 7  # loop variables of its own
        self.emit(1, "a, b, c, d, e, i0, i1 = p, q, p, 1, 2.0, 0, 0")
        self.emit(1, "t = (p, q)")
        self.block(1, 1, 2, in_loop=False, returns=True)
        self.emit(1, f"return {self.number(1)}")
        self.loops = saved
        self.functions = k + 1
        return f"def f{k}(x, p, q=2):\n" + "".join(self.lines)

    def emit(self, depth: int, line: str) -> None:
        self.lines.append("    " * depth + line + "\n")

    def block(self, depth: int, nest: int, size: int, in_loop: bool, returns: bool = False) -> None:
        for _ in range(self.random.randint(1, size)):
            self.statement(depth, nest, in_loop, returns)

    def statement(self, depth: int, nest: int, in_loop: bool, returns: bool) -> None:
        kinds = ["assign", "assign", "augment", "swap", "tuple", "store"]
        if nest:
            kinds += ["if", "if", "for", "while", "items"]
        if in_loop:
            kinds += ["leave"]
        if returns:
            kinds += ["return"]
        getattr(self, self.random.choice(kinds))(depth, nest, in_loop, returns)

    def assign(self, depth: int, *_: Any) -> None:
        self.emit(depth, f"{self.random.choice(NAMES)} = {self.number(2)}")

    def augment(self, depth: int, *_: Any) -> None:
        op = self.random.choice("+-*")
        name = self.random.choice(NAMES)
        self.emit(depth, f"{name} {op}= {self.number(1)}")
        self.emit(depth, f"{name} = max(-99, min({name}, 99))")

    def swap(self, depth: int, *_: Any) -> None:
        a, b = self.random.sample(NAMES, 2)
        self.emit(depth, f"{a}, {b} = {b}, {a}")

    def tuple(self, depth: int, *_: Any) -> None:
        self.emit(depth, f"t = ({self.number(1)}, t[{self.random.randint(0, 1)}])")

    def store(self, depth: int, *_: Any) -> None:
        op = self.random.choice(["=", "=", "+="])
        self.emit(depth, f"x[{self.index()}] {op} {self.number(1)}")
        self.emit(depth, "x[0] = max(-99, min(x[0], 99))")

    def leave(self, depth: int, nest: int, in_loop: bool, returns: bool) -> None:
        self.emit(depth, f"if {self.condition(1)}:")
        self.emit(depth + 1, self.random.choice(["break", "continue"]))

    def __getattr__(self, name: str) -> Any:
        if name == "if":
            return self.branch
        if name == "for":
            return self.for_loop
        if name == "while":
            return self.while_loop
        if name == "return":
            return self.give_back
        raise AttributeError(name)

    def branch(self, depth: int, nest: int, in_loop: bool, returns: bool) -> None:
        self.emit(depth, f"if {self.condition(2)}:")
        self.block(depth + 1, nest - 1, 3, in_loop, returns)
        if self.random.random() < 0.3:
            self.emit(depth, f"elif {self.condition(1)}:")
            self.block(depth + 1, nest - 1, 2, in_loop, returns)
        if self.random.random() < 0.6:
            self.emit(depth, "else:")
            self.block(depth + 1, nest - 1, 3, in_loop, returns)

    def for_loop(self, depth: int, nest: int, in_loop: bool, returns: bool) -> None:
        bounds = self.random.choice(
            ["3", "1, 4", "4, 0, -1", "0, 5, 2", "len(x)", "int(x[1]) % 4", "2, 2"]
        )
        name = self.random.choice(["i0", "i1", "a"])
        self.emit(depth, f"for {name} in range({bounds}):")
        self.block(depth + 1, nest - 1, 3, True, returns)
        self.otherwise(depth, nest, in_loop, returns)

    def items(self, depth: int, nest: int, in_loop: bool, returns: bool) -> None:
        source = self.random.choice(
            ["b in (1, 2.5, a)", "i0, b in enumerate(x)", "a, c in zip(t, x)", "c in x[1:4]"]
        )
        self.emit(depth, f"for {source}:")
        self.block(depth + 1, nest - 1, 2, True, returns)
        self.otherwise(depth, nest, in_loop, returns)

    def while_loop(self, depth: int, nest: int, in_loop: bool, returns: bool) -> None:
        counter = f"w{self.loops}"
        self.loops += 1
        self.emit(depth, f"{counter} = {self.random.randint(0, 4)}")
        self.emit(depth, f"while {counter} > 0 and ({self.condition(1)}):")
        self.emit(depth + 1, f"{counter} -= 1")
        self.block(depth + 1, nest - 1, 3, True, returns)
        self.otherwise(depth, nest, in_loop, returns)

    def otherwise(self, depth: int, nest: int, in_loop: bool, returns: bool) -> None:
        if self.random.random() < 0.25:
            self.emit(depth, "else:")
            self.block(depth + 1, 0, 2, in_loop, returns)

    def give_back(self, depth: int, nest: int, in_loop: bool, returns: bool) -> None:
        self.emit(depth, f"if {self.condition(1)}:")
        self.emit(depth + 1, f"return {self.number(1)}")

    # ------------------------------------------------------------------------- expressions

    def number(self, depth: int) -> str:
        r = self.random
        if depth == 0 or r.random() < 0.3:
            return r.choice(
                [*NAMES, "i0", "1", "3", "-2", "0.5", "x[1]", "t[1]", f"x[{r.randint(-6, 5)}]"]
            )
        sub = self.number(depth - 1), self.number(depth - 1)
        pick = r.randint(0, 9)
        if pick <= 3:
            return f"({sub[0]} {r.choice('+-')} {sub[1]})"
        if pick == 4:
            return f"({sub[0]} * {r.choice(['2', '0.5', '-1'])})"
        if pick == 5:
            return f"({sub[0]} {r.choice(['//', '%'])} {r.choice(['3', '-4', '2'])})"
        if pick == 6:
            return f"({sub[0]} if {self.condition(1)} else {sub[1]})"
        if pick == 7:
            return f"{r.choice(['min', 'max'])}({sub[0]}, {sub[1]})"
        if pick == 8 and self.functions:
            return f"f{r.randrange(self.functions)}(x, {sub[0]})"
        return f"x[{self.index()}]"

    def index(self) -> str:
        r = self.random
        base = r.choice(["i0", "i1", "d", "a", "c"])
        return r.choice(
            [
                f"int({base}) % {LENGTH}",
                f"-1 - int({base}) % {LENGTH}",
                "-2",
                "3",
                f"(int({base}) & 3) + 1",
            ]
        )

    def condition(self, depth: int) -> str:
        r = self.random
        simple = f"{self.number(0)} {r.choice(['<', '<=', '>', '>=', '==', '!='])} {self.number(1)}"
        if depth == 0 or r.random() < 0.4:
            return simple
        pick = r.randint(0, 4)
        if pick <= 1:
            return f"({simple}) {r.choice(['and', 'or'])} ({self.condition(depth - 1)})"
        if pick == 2:
            return f"not ({self.condition(depth - 1)})"
        if pick == 3:
            return f"{self.number(0)} < {self.number(1)} <= {self.number(0)}"
        return f"x[{self.index()}] > 0 {r.choice(['and', 'or'])} ({self.condition(depth - 1)})"


def compiled(seed: int) -> Callable[..., None]:
    """The kernel of a seed, with its text where the front end looks for it."""
    name, text = f"<fuzz-{seed}>", Program(seed).text()
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    namespace: dict[str, Any] = {}
    exec(compile(text, name, "exec"), namespace)
    kernel: Callable[..., None] = namespace["kernel"]
    return kernel


def check(seed: int) -> None:
    """Compares Python's results with the interpreter's."""
    kernel = compiled(seed)
    start = np.array([1.5, -2, 3, 0, 7.25, -4])
    x, expected = start.copy(), np.zeros(6)
    kernel(x, expected)
    y, actual = start.copy(), np.zeros(6)
    run(kernel, 1, 1, y, actual, literals="numba")
    np.testing.assert_array_equal(actual, expected)
    np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("first", range(0, PROGRAMS, 10))
def test_random_kernels_do_what_python_does(first):
    for seed in range(first, first + 10):
        try:
            check(seed)
        except Exception as e:
            e.add_note(f"seed {seed}:\n{Program(seed).text()}")
            raise
