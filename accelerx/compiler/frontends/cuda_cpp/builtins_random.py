"""Builtins of curand_kernel.h: how the xorwow generator jumps ahead.

A step of xorwow is linear over GF(2) in its 160 bits of state, so that n steps are a polynomial in
the step: x**n modulo the step's minimal polynomial (Haramoto et al., "Efficient Jump Ahead for
F2-Linear Random Number Generators", 2008). The kernel applies the powers x**(2**k) one after another.
"""

from __future__ import annotations

import functools

from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp.build import Build, Handler, Lifter, scalars
from accelerx.compiler.frontends.cuda_cpp.clang import Cursor
from accelerx.compiler.frontends.cuda_cpp.values import Value
from accelerx.dtypes import int32, uint32

_BITS = 160
_WORDS = _BITS // 32
_POWERS = 67 + 64  # subsequences lie 2**67 numbers apart
_MASK = 0xFFFFFFFF


def _step(v: list[int]) -> list[int]:
    t = v[0] ^ (v[0] >> 2)
    last = v[4] ^ (v[4] << 4 & _MASK) ^ t ^ (t << 1 & _MASK)
    return [*v[1:], last]


def _minimal_polynomial() -> int:
    """The shortest linear recurrence of one bit of the state (Berlekamp and Massey)."""
    state, bits = [1, 0, 0, 0, 0], []
    for _ in range(2 * _BITS):
        bits.append(state[0] & 1)
        state = _step(state)
    connection, previous, length, gap = 1, 1, 0, 1
    for n in range(2 * _BITS):
        taps = range(length + 1)
        if sum(connection >> i & bits[n - i] & 1 for i in taps) % 2 == 0:
            gap += 1
        elif 2 * length <= n:
            connection, previous, length, gap = (
                connection ^ previous << gap,
                connection,
                n + 1 - length,
                1,
            )
        else:
            connection ^= previous << gap
            gap += 1
    assert length == _BITS
    return int(f"{connection:0{_BITS + 1}b}"[::-1], 2)  # the recurrence read backwards


@functools.cache
def powers() -> tuple[int, ...]:
    """x**(2**k) modulo the step's polynomial, _WORDS words each, lowest first."""
    modulus, power, words = _minimal_polynomial(), 2, []
    for _ in range(_POWERS):
        words += [power >> 32 * i & _MASK for i in range(_WORDS)]
        square = sum(1 << 2 * i for i in range(_BITS) if power >> i & 1)
        for i in range(2 * _BITS, _BITS - 1, -1):
            if square >> i & 1:
                square ^= modulus << (i - _BITS)
        power = square
    return tuple(words)


def _power(lifter: Lifter, call: Cursor, arguments: list[Cursor]) -> Value:
    """A word of a power, from a constant array."""
    build = Build(lifter, lifter.loc(call))
    name = lifter.name(("xorwow",), "xorwow_powers")
    if name not in lifter.mems:
        data = powers()
        lifter.mems[name] = ir.Mem(name, uint32, "const", (len(data),), (1,), data)
    power, word = scalars(lifter, arguments, int32)
    index = build.add(build.mul(power, _WORDS), word)
    return ir.Load(name, (index,), uint32, build.loc)


RANDOM: dict[str, Handler] = {"__ax_xorwow_power": _power}
