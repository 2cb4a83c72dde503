"""Random number generators written out, and option pricing."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtr

from tests.corpus.cuda_cpp.case import Case, Launch, Tolerance

f32, f64, i32, u32, u64 = np.float32, np.float64, np.int32, np.uint32, np.uint64
Generator = np.random.Generator

OPTION = np.dtype(
    [("spot", f64), ("strike", f64), ("years", f64), ("rate", f64), ("volatility", f64),
     ("call", "?"), ("american", "?")], align=True,
)  # fmt: skip
SEED = 0x1234_5678_9ABC_DEF0
WORD, LONG = (1 << 32) - 1, (1 << 64) - 1


def _make_xorshift(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n, per_thread = launch.blocks * launch.threads, launch.size[0]
    states = rng.integers(1, 1 << 32, n, u64).astype(u32)
    return states, np.zeros((per_thread, n), u32), i32(per_thread)


def _xorshift(launch: Launch, states: Any, out: Any, per_thread: Any) -> list[Any]:
    for row in out:
        states ^= states << u32(13)
        states ^= states >> u32(17)
        states ^= states << u32(5)
        row[:] = states
    return [states, out]


class _Pcg32:
    """The reference generator in Python's integers."""

    def __init__(self, seed: int, sequence: int) -> None:
        self.increment = (sequence << 1 | 1) & LONG
        self.state = 0
        self.next()
        self.state = (self.state + seed) & LONG
        self.next()

    def next(self) -> int:
        old = self.state
        self.state = (old * 6364136223846793005 + self.increment) & LONG
        word, rotation = ((old >> 18) ^ old) >> 27 & WORD, old >> 59
        return (word >> rotation | word << (32 - rotation)) & WORD


def _make_pi(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    return u64(rng.integers(0, 1 << 63)), i32(launch.size[0]), np.zeros(1, u64)


def _pi(launch: Launch, seed: Any, per_thread: Any, inside: Any) -> list[Any]:
    hits = 0
    for thread in range(launch.blocks * launch.threads):
        generator = _Pcg32(int(seed), thread)
        draws = [generator.next() >> 16 for _ in range(2 * int(per_thread))]
        hits += sum(x * x + y * y < 1 << 32 for x, y in zip(draws[::2], draws[1::2], strict=True))
    return [[hits]]


def _make_philox(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return np.zeros((n, 4), u32), i32(n), u64(SEED), u64((1 << 32) - 20)


def _philox(launch: Launch, out: Any, n: Any, seed: Any, offset: Any) -> list[Any]:
    counter = u64(offset) + np.arange(int(n), dtype=u64)
    c = [counter & u64(WORD), counter >> u64(32), np.zeros_like(counter), np.zeros_like(counter)]
    k = [int(seed) & WORD, int(seed) >> 32]
    for _ in range(10):
        p0, p1 = c[0] * u64(0xD2511F53), c[2] * u64(0xCD9E8D57)
        c = [p1 >> u64(32) ^ c[1] ^ u64(k[0]), p1 & u64(WORD),
             p0 >> u64(32) ^ c[3] ^ u64(k[1]), p0 & u64(WORD)]  # fmt: skip
        k = [(k[0] + 0x9E3779B9) & WORD, (k[1] + 0xBB67AE85) & WORD]
    return [np.stack(c, 1)]


def _splitmix(x: int) -> int:
    z = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & LONG
    z = (z ^ z >> 27) * 0x94D049BB133111EB & LONG
    return z ^ z >> 31


def _rotl(x: int, k: int) -> int:
    return (x << k | x >> (64 - k)) & LONG


def _make_xoroshiro(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n, per_thread = launch.size
    return np.zeros((n, per_thread)), i32(n), i32(per_thread), u64(SEED)


def _xoroshiro(launch: Launch, out: Any, n: Any, per_thread: Any, seed: Any) -> list[Any]:
    for i, row in enumerate(out):
        s0, s1 = (_splitmix((int(seed) + i + k * 0x9E3779B97F4A7C15) & LONG) for k in (1, 2))
        for k in range(len(row)):
            row[k] = ((s0 + s1 & LONG) >> 11) / 2**53
            s1 ^= s0
            s0, s1 = _rotl(s0, 24) ^ s1 ^ (s1 << 16 & LONG), _rotl(s1, 37)
    return [out]


def _make_normal(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return (1 - rng.random((n, 2), f32)).astype(f32), np.zeros((n, 2), f32), i32(n)


def _normal(launch: Launch, uniform: Any, *_: Any) -> list[Any]:
    u, v = uniform.astype(f64).T
    radius, angle = np.sqrt(-2 * np.log(u)), 2 * np.pi * v
    return [np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)]


def _make_black_scholes(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    ranges = ((5, 30), (1, 100), (0.25, 10))
    inputs = (rng.uniform(*r, n).astype(f32) for r in ranges)
    return np.zeros(n, f32), np.zeros(n, f32), *inputs, f32(0.02), f32(0.30), i32(n)


def _black_scholes(launch: Launch, call: Any, put: Any, *inputs: Any) -> list[Any]:
    spot, strike, years, rate, volatility, _ = (np.asarray(x, f64) for x in inputs)
    spread = volatility * np.sqrt(years)
    d1 = (np.log(spot / strike) + (rate + volatility**2 / 2) * years) / spread
    d2 = d1 - spread
    discounted = strike * np.exp(-rate * years)
    return [spot * ndtr(d1) - discounted * ndtr(d2), discounted * ndtr(-d2) - spot * ndtr(-d1)]


STEPS = 48


def _make_tree(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    options = np.zeros(launch.blocks, OPTION)
    options["spot"], options["strike"] = rng.uniform(80, 120, (2, launch.blocks))
    options["years"], options["rate"] = rng.uniform(0.2, 2, launch.blocks), 0.04
    options["volatility"] = rng.uniform(0.1, 0.5, launch.blocks)
    options["call"] = np.arange(launch.blocks) % 2
    options["american"] = np.arange(launch.blocks) % 3 == 0
    return options, np.zeros(launch.blocks)


def _tree(launch: Launch, options: Any, prices: Any) -> list[Any]:
    for b, o in enumerate(options):
        dt = o["years"] / STEPS
        up, discount = np.exp(o["volatility"] * np.sqrt(dt)), np.exp(-o["rate"] * dt)
        p = (1 / discount - 1 / up) / (up - 1 / up)
        sign = 1 if o["call"] else -1
        level = None
        for step in range(STEPS, -1, -1):
            spots = o["spot"] * up ** (2.0 * np.arange(step + 1) - step)
            exercise = np.maximum(0, sign * (spots - o["strike"]))
            if level is None:
                level = exercise
            else:
                level = discount * (p * level[1:] + (1 - p) * level[:-1])
                level = np.maximum(level, exercise) if o["american"] else level
        prices[b] = level[0]
    return [prices]


def _make_asian(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    paths, steps = launch.size
    normals = rng.standard_normal((steps, paths), f32)
    scalars = (f32(100), f32(101), f32(0.002), f32(0.05))
    return normals, i32(paths), i32(steps), *scalars, np.zeros((launch.blocks, 2))


def _asian(launch: Launch, normals: Any, paths: Any, steps: Any, *rest: Any) -> list[Any]:
    spot, strike, drift, diffusion = (f64(x) for x in rest[:4])
    average = (spot * np.exp((drift + diffusion * normals.astype(f64)).cumsum(0))).mean(0)
    payoff = np.maximum(average - strike, 0)
    block = np.arange(int(paths)) // launch.threads % launch.blocks
    return [np.stack([np.bincount(block, w, launch.blocks) for w in (payoff, payoff**2)], 1)]


CASES = (
    Case("xorshift_fill", "monte_carlo/generators.cu", "xorshift_fill", _make_xorshift,
         (Launch(2, 32, size=(5,)), Launch(3, 20, size=(3,))), _xorshift, (0, 1)),
    Case("estimate_pi", "monte_carlo/generators.cu", "estimate_pi", _make_pi,
         (Launch(2, 64, size=(10,)),), _pi, (2,)),
    Case("philox_fill", "monte_carlo/generators.cu", "philox_fill", _make_philox,
         (Launch(2, 32, size=(50,)),), _philox),
    Case("xoroshiro_uniform", "monte_carlo/generators.cu", "xoroshiro_uniform", _make_xoroshiro,
         (Launch(2, 32, size=(40, 4)),), _xoroshiro),
    Case("box_muller", "monte_carlo/generators.cu", "box_muller", _make_normal,
         (Launch(3, 64, size=(150,)),), _normal, (1,)),
    Case("black_scholes_sdk", "monte_carlo/finance.cu", "black_scholes", _make_black_scholes,
         (Launch(2, 128, size=(400,)),), _black_scholes, (0, 1),
         tolerances={"float32": Tolerance(1e-4, 1e-4, "fast-math functions, a polynomial normal")}),
    Case("binomial_tree", "monte_carlo/finance.cu", f"binomial_tree<{STEPS}>", _make_tree,
         (Launch(6, 64),), _tree, (1,)),
    Case("asian_paths", "monte_carlo/finance.cu", "asian_paths", _make_asian,
         (Launch(2, 64, size=(200, 12)),), _asian, (7,),
         tolerances={"float64": Tolerance(2e-5, 1e-3, "payoffs are computed in float")}),
)  # fmt: skip
