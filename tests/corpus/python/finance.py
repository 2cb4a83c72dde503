"""Options, random walks and generators of random numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from accelerx import cuda
from tests.corpus.python.case import Arguments, Case, Launch, grids

f32, f64, u32, u64 = np.float32, np.float64, np.uint32, np.uint64

RATE, VOLATILITY = 0.02, 0.30


@cuda.jit(device=True)
def cumulative_normal(d):
    return 0.5 * (1.0 + math.erf(d / math.sqrt(2.0)))


def black_scholes(call, put, stock, strike, years):
    i = cuda.grid(1)
    if i >= stock.shape[0]:
        return
    s, x, t = stock[i], strike[i], years[i]
    root = math.sqrt(t)
    d1 = (math.log(s / x) + (RATE + 0.5 * VOLATILITY * VOLATILITY) * t) / (VOLATILITY * root)
    d2 = d1 - VOLATILITY * root
    discounted = x * math.exp(-RATE * t)
    call[i] = s * cumulative_normal(d1) - discounted * cumulative_normal(d2)
    put[i] = discounted * (1.0 - cumulative_normal(d2)) - s * (1.0 - cumulative_normal(d1))


def polynomial_normal(out, x):
    """The Abramowitz-Stegun polynomial that CUDA's samples use."""
    a1, a2, a3, a4, a5 = 0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429
    i = cuda.grid(1)
    if i < x.size:
        d = x[i]
        k = 1.0 / (1.0 + 0.2316419 * math.fabs(d))
        tail = 0.39894228040143267793994605993438 * math.exp(-0.5 * d * d)
        value = tail * (k * (a1 + k * (a2 + k * (a3 + k * (a4 + k * a5)))))
        if d > 0:
            value = 1.0 - value
        out[i] = value


def monte_carlo_pi(hits, seeds, tries):
    """xorshift in 32-bit integers; how many of ``tries`` points fall into the quarter circle."""
    i = cuda.grid(1)
    if i >= seeds.size:
        return
    state = seeds[i]
    inside = 0
    for _ in range(tries):
        state ^= np.uint32(state << np.uint32(13))
        state ^= np.uint32(state >> np.uint32(17))
        state ^= np.uint32(state << np.uint32(5))
        x = state & np.uint32(0xFFFF)
        y = state >> np.uint32(16)
        if (
            x * x + y * y < np.uint32(0xFFFF) * np.uint32(0xFFFF)
            and x < np.uint32(40000)
            and y < np.uint32(40000)
        ):
            inside += 1
    seeds[i] = state
    hits[i] = inside


def splitmix(out, seed):
    """64-bit arithmetic that wraps."""
    i = cuda.grid(1)
    if i < out.size:
        z = seed + np.uint64(i + 1) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        out[i] = z ^ (z >> np.uint64(31))


def binomial_option(value, stock, strike, steps, up, down, probability, discount):
    """A binomial tree in shared memory, one block an option, walked back with barriers."""
    tree = cuda.shared.array(65, np.float32)
    option = cuda.blockIdx.x
    tid = cuda.threadIdx.x
    price = stock[option] * math.pow(up, np.float32(tid)) * math.pow(down, np.float32(steps - tid))
    if tid <= steps:
        tree[tid] = max(price - strike[option], np.float32(0))
    cuda.syncthreads()
    for step in range(steps - 1, -1, -1):
        if tid <= step:
            mixed = probability * tree[tid + 1] + (np.float32(1) - probability) * tree[tid]
        cuda.syncthreads()
        if tid <= step:
            tree[tid] = discount * mixed
        cuda.syncthreads()
    if tid == 0:
        value[option] = tree[0]


def _option_inputs(rng: np.random.Generator, launch: Launch) -> Arguments:
    n = 300
    stock, strike, years = rng.uniform(5, 30, n), rng.uniform(1, 100, n), rng.uniform(0.25, 10, n)
    return np.zeros(n), np.zeros(n), stock, strike, years


def _option_inputs_f32(rng: np.random.Generator, launch: Launch) -> Arguments:
    return tuple(a.astype(f32) for a in _option_inputs(rng, launch))


def _black_scholes_reference(
    launch: Launch, call: Any, put: Any, s: Any, x: Any, t: Any
) -> list[Any]:
    s, x, t = (a.astype(f64) for a in (s, x, t))
    d1 = (np.log(s / x) + (RATE + VOLATILITY**2 / 2) * t) / (VOLATILITY * np.sqrt(t))
    d2 = d1 - VOLATILITY * np.sqrt(t)
    discounted = x * np.exp(-RATE * t)
    return [
        s * special.ndtr(d1) - discounted * special.ndtr(d2),
        discounted * special.ndtr(-d2) - s * special.ndtr(-d1),
    ]


def _pi_reference(launch: Launch, hits: Any, seeds: Any, tries: int) -> list[Any]:
    state = seeds.astype(u32)
    inside = np.zeros(len(seeds), int)
    for _ in range(tries):
        state ^= state << u32(13)
        state ^= state >> u32(17)
        state ^= state << u32(5)
        x, y = state & u32(0xFFFF), state >> u32(16)
        inside += (x * x + y * y < 0xFFFF**2) & (x < 40000) & (y < 40000)
    return [inside, state]


def _splitmix_reference(launch: Launch, out: Any, seed: Any) -> list[Any]:
    values = []
    for i in range(len(out)):
        z = (int(seed) + (i + 1) * 0x9E3779B97F4A7C15) % 2**64
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        values.append(z ^ (z >> 31))
    return [np.array(values, u64)]


def _binomial_reference(
    launch: Launch,
    value: Any,
    stock: Any,
    strike: Any,
    n: int,
    up: Any,
    down: Any,
    p: Any,
    discount: Any,
) -> list[Any]:
    k = np.arange(n + 1)
    payoff = np.maximum(
        stock[:, None].astype(f64) * f64(up) ** k * f64(down) ** (n - k) - strike[:, None], 0
    )
    ways = special.comb(n, k) * f64(p) ** k * (1 - f64(p)) ** (n - k)
    return [f64(discount) ** n * (payoff * ways).sum(1)]


CASES = (
    Case("black_scholes", black_scholes, _option_inputs, grids((3, 128), (10, 30)),
         _black_scholes_reference, outputs=(0, 1), rtol=1e-10, atol=1e-10, typings=("numba",)),
    Case("black_scholes_f32", black_scholes, _option_inputs_f32, grids((3, 128)),
         _black_scholes_reference, outputs=(0, 1), rtol=1e-4, atol=1e-4),
    Case("polynomial_normal", polynomial_normal,
         lambda rng, launch: (np.zeros(200, f32), rng.standard_normal(200).astype(f32)),
         grids((2, 128)), lambda launch, out, x: [special.ndtr(x)], rtol=1e-4, atol=1e-5),
    Case("monte_carlo_pi", monte_carlo_pi,
         lambda rng, launch: (np.zeros(100, np.int32), rng.integers(1, 2**32, 100, u32), 20),
         grids((2, 64)), _pi_reference, outputs=(0, 1), rtol=0),
    Case("splitmix", splitmix, lambda rng, launch: (np.zeros(150, u64), u64(2**63 + 12345)),
         grids((2, 96)), _splitmix_reference, rtol=0),
    Case("binomial_option", binomial_option,
         lambda rng, launch: (np.zeros(launch.blocks, f32), rng.uniform(5, 30, launch.blocks).astype(f32),
                              rng.uniform(5, 30, launch.blocks).astype(f32), 30, f32(1.02), f32(1 / 1.02),
                              f32(0.52), f32(0.999)),
         grids((4, 64), (3, 32)), _binomial_reference, rtol=1e-4, atol=1e-4),
)  # fmt: skip
