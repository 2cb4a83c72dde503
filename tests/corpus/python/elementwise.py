"""One thread, one element: the kernels everybody writes first."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from accelerx import cuda
from tests.corpus.python.case import Arguments, Case, Launch, grids

f32, f64, i32, i64 = np.float32, np.float64, np.int32, np.int64


def vector_add(c, a, b):
    i = cuda.grid(1)
    if i < c.size:
        c[i] = a[i] + b[i]


def saxpy(y, x, a):
    i = cuda.threadIdx.x + cuda.blockIdx.x * cuda.blockDim.x
    if i >= len(y):
        return
    y[i] = a * x[i] + y[i]


def grid_stride(out, x, scale):
    start = cuda.grid(1)
    stride = cuda.gridsize(1)
    for i in range(start, x.shape[0], stride):
        out[i] = x[i] * scale + 1.0


def add_2d(out, a, b):
    row, column = cuda.grid(2)
    if row < out.shape[0] and column < out.shape[1]:
        out[row, column] = a[row, column] - 2 * b[row, column]


def fill_3d(out):
    x, y, z = cuda.grid(3)
    nx, ny, nz = out.shape
    if x < nx and y < ny and z < nz:
        out[x, y, z] = x * 100 + y * 10 + z


def mandelbrot(image, min_x, max_x, min_y, max_y, limit):
    height = image.shape[0]
    width = image.shape[1]
    pixel_x = (max_x - min_x) / width
    pixel_y = (max_y - min_y) / height
    start_x, start_y = cuda.grid(2)
    grid_x = cuda.gridDim.x * cuda.blockDim.x
    grid_y = cuda.gridDim.y * cuda.blockDim.y
    for x in range(start_x, width, grid_x):
        real = min_x + x * pixel_x
        for y in range(start_y, height, grid_y):
            imag = min_y + y * pixel_y
            zr = 0.0
            zi = 0.0
            count = limit
            for i in range(limit):
                zr, zi = zr * zr - zi * zi + real, 2.0 * zr * zi + imag
                if zr * zr + zi * zi >= 4.0:
                    count = i
                    break
            image[y, x] = count


def math_mix(out, x, y):
    i = cuda.grid(1)
    if i < out.shape[0]:
        a, b = x[i], y[i]
        r = math.sqrt(a * a + b * b)
        t = math.atan2(b, a)
        out[i] = (
            math.exp(-r) * math.cos(3 * t) + math.log1p(abs(a)) - math.tanh(b) + math.pow(r, 1.5)
        )


def conditional(out, x):
    i = cuda.grid(1)
    if i < out.size:
        v = x[i]
        sign = 1 if v > 0 else (-1 if v < 0 else 0)
        clamped = min(max(v, -1.0), 1.0)
        if 0.25 < v <= 0.75 or not v > -0.75:
            clamped *= 2
        elif v != v:
            clamped = 0.0
        out[i] = sign * clamped


def integers(quotients, remainders, bits, x, d):
    i = cuda.grid(1)
    if i < x.size:
        quotients[i] = x[i] // d[i]
        remainders[i] = x[i] % d[i]
        v = x[i]
        bits[i] = (v << 3) ^ (v >> 2) & 0xFF | ~v


def popcounts(out, x):
    i = cuda.grid(1)
    if i < x.size:
        out[i, 0] = cuda.popc(x[i])
        out[i, 1] = cuda.clz(x[i])
        out[i, 2] = cuda.ffs(x[i])


def square_root(out, x):
    """Newton's method: a while loop whose length differs from thread to thread."""
    i = cuda.grid(1)
    if i < out.size:
        v = x[i]
        guess = v if v > 1.0 else 1.0
        previous = 0.0
        while abs(guess - previous) > 1e-6 * guess:
            previous = guess
            guess = 0.5 * (guess + v / guess)
        out[i] = guess


def collatz(steps, start):
    i = cuda.grid(1)
    if i < steps.shape[0]:
        n = start[i]
        count = 0
        while True:
            if n == 1:
                break
            if n % 2 == 0:
                n //= 2
                count += 1
                continue
            n = 3 * n + 1
            count += 1
        steps[i] = count


def make_power(cuda, exponent):
    """A factory: the kernel's ``cuda`` and ``exponent`` are free variables."""

    def power(out, x):
        i = cuda.grid(1)
        if i < out.size:
            v = x[i]
            result = v
            for _ in range(exponent - 1):
                result = result * v
            out[i] = result

    return power


def _pair(rng: np.random.Generator, launch: Launch) -> Arguments:
    return np.zeros(1000, f32), rng.random(1000, f32), rng.random(1000, f32)


def _fill_3d_reference(launch: Launch, out: Any) -> list[Any]:
    x, y, z = np.indices(out.shape)
    return [x * 100 + y * 10 + z]


def _mandelbrot_reference(
    launch: Launch, image: Any, x0: Any, x1: Any, y0: Any, y1: Any, n: Any
) -> list[Any]:
    height, width = image.shape
    c = (x0 + np.arange(width) * ((x1 - x0) / width))[None, :] + 1j * (
        y0 + np.arange(height) * ((y1 - y0) / height)
    )[:, None]
    z = np.zeros_like(c)
    count = np.full(c.shape, n)
    for i in range(n):
        alive = count == n
        z[alive] = z[alive] ** 2 + c[alive]
        count[alive & (np.abs(z) >= 2)] = i
    return [count]


def _conditional_reference(launch: Launch, out: Any, x: Any) -> list[Any]:
    clamped = np.clip(x, -1, 1)
    twice = ((x > 0.25) & (x <= 0.75)) | ~(x > -0.75)
    return [np.sign(x) * np.where(twice, 2 * clamped, clamped)]


def _collatz_reference(launch: Launch, steps: Any, start: Any) -> list[Any]:
    def length(n: int) -> int:
        count = 0
        while n != 1:
            n, count = (n // 2 if n % 2 == 0 else 3 * n + 1), count + 1
        return count

    return [np.array([length(int(n)) for n in start])]


def _integer_inputs(rng: np.random.Generator, launch: Launch) -> Arguments:
    d = rng.integers(1, 50, 700) * rng.choice([-1, 1], 700)
    x = rng.integers(-1000, 1000, 700)
    return np.zeros(700, i64), np.zeros(700, i64), np.zeros(700, i64), x.astype(i64), d.astype(i64)


def _bit_reference(launch: Launch, out: Any, x: Any) -> list[Any]:
    words = [f"{v:032b}" for v in x]
    rows = [(w.count("1"), len(w) - len(w.lstrip("0")), w[::-1].find("1") + 1) for w in words]
    return [np.array(rows)]


CASES = (
    Case("vector_add", vector_add, _pair, grids((8, 128), (1, 1000), (32, 33)),
         lambda launch, c, a, b: [a + b]),
    Case("saxpy", saxpy, lambda rng, launch: (rng.random(777, f32), rng.random(777, f32), f32(2.5)),
         grids((4, 256), (25, 32)), lambda launch, y, x, a: [a * x + y]),
    Case("saxpy_f64", saxpy, lambda rng, launch: (rng.random(777), rng.random(777), 2.5),
         grids((4, 256)), lambda launch, y, x, a: [a * x + y], rtol=1e-12, typings=("numba",)),
    Case("grid_stride", grid_stride,
         lambda rng, launch: (np.zeros(5000, f32), rng.random(5000, f32), f32(3)),
         grids((4, 64), (1, 32), (100, 64)), lambda launch, out, x, scale: [x * scale + 1]),
    Case("add_2d", add_2d,
         lambda rng, launch: (np.zeros((37, 53), f32), rng.random((37, 53), f32), rng.random((37, 53), f32)),
         grids(((5, 7), (8, 8)), ((2, 14), (32, 4))), lambda launch, out, a, b: [a - 2 * b]),
    Case("add_2d_strided", add_2d,
         lambda rng, launch: (np.zeros((37, 53), f32, order="F"), rng.random((74, 53), f32)[::2], rng.random((53, 37), f32).T),
         grids(((5, 7), (8, 8))), lambda launch, out, a, b: [a - 2 * b]),
    Case("fill_3d", fill_3d, lambda rng, launch: (np.zeros((5, 6, 7), i32),),
         grids(((3, 2, 2), (2, 4, 4)), ((1, 1, 7), (8, 8, 1))), _fill_3d_reference, rtol=0),
    Case("mandelbrot", mandelbrot,
         lambda rng, launch: (np.zeros((24, 36), np.uint8), -2.0, 1.0, -1.03, 0.97, 20),
         grids(((2, 2), (8, 8)), ((5, 3), (8, 8))), _mandelbrot_reference, rtol=0, typings=("numba",)),
    Case("math_mix", math_mix,
         lambda rng, launch: (np.zeros(500, f32), rng.standard_normal(500).astype(f32), rng.standard_normal(500).astype(f32)),
         grids((4, 128)),
         lambda launch, out, x, y: [np.exp(-np.hypot(x, y)) * np.cos(3 * np.arctan2(y, x)) + np.log1p(np.abs(x)) - np.tanh(y) + np.hypot(x, y) ** 1.5],
         rtol=2e-5, atol=2e-6),
    Case("conditional", conditional,
         lambda rng, launch: (np.zeros(600, f32), rng.uniform(-2, 2, 600).astype(f32)),
         grids((5, 128), (600, 1)), _conditional_reference),
    Case("integers", integers, _integer_inputs, grids((6, 128)),
         lambda launch, q, r, bits, x, d: [x // d, x % d, (x << 3) ^ (x >> 2) & 0xFF | ~x],
         outputs=(0, 1, 2), rtol=0),
    Case("popcounts", popcounts,
         lambda rng, launch: (np.zeros((300, 3), i32), (rng.integers(0, 2**32, 300) >> rng.integers(0, 33, 300)).astype(np.uint32)),
         grids((3, 128)), _bit_reference, rtol=0),
    Case("square_root", square_root,
         lambda rng, launch: (np.zeros(400, f32), rng.uniform(0.01, 1000, 400).astype(f32)),
         grids((4, 100), (2, 256)), lambda launch, out, x: [np.sqrt(x)]),
    Case("collatz", collatz,
         lambda rng, launch: (np.zeros(200, i32), rng.integers(1, 3000, 200).astype(i64)),
         grids((4, 64)), _collatz_reference, rtol=0),
    Case("power_factory", make_power(cuda, 5),
         lambda rng, launch: (np.zeros(300, f32), rng.uniform(-2, 2, 300).astype(f32)),
         grids((5, 64)), lambda launch, out, x: [x**5]),
)  # fmt: skip
