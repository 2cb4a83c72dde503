"""Pictures: filters, convolutions, cellular automata."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import ndimage

from accelerx import cuda
from tests.corpus.python.case import Arguments, Case, Launch, grids

f32, u8, i32 = np.float32, np.uint8, np.int32

WEIGHTS = np.array([0.0625, 0.25, 0.375, 0.25, 0.0625], np.float32)


def grey(out, rgb):
    x, y = cuda.grid(2)
    if x < rgb.shape[1] and y < rgb.shape[0]:
        r, g, b = rgb[y, x, 0], rgb[y, x, 1], rgb[y, x, 2]
        out[y, x] = np.uint8(0.299 * r + 0.587 * g + 0.114 * b)


def gaussian_tiled(out, image):
    """A 5-tap horizontal blur: tile with halo in shared memory, weights in constant memory."""
    weights = cuda.const.array_like(WEIGHTS)
    tile = cuda.shared.array((8, 36), np.float32)
    tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
    height, width = image.shape
    x = cuda.blockIdx.x * 32 + tx
    y = cuda.blockIdx.y * 8 + ty
    row = min(y, height - 1)
    for i in range(tx, 36, 32):
        column = cuda.blockIdx.x * 32 + i - 2
        tile[ty, i] = image[row, min(max(column, 0), width - 1)]
    cuda.syncthreads()
    if x < width and y < height:
        total = np.float32(0)
        for k in range(5):
            total += weights[k] * tile[ty, tx + k]
        out[y, x] = total


def sobel(out, image):
    x, y = cuda.grid(2)
    height, width = image.shape
    if x <= 0 or y <= 0 or x >= width - 1 or y >= height - 1:
        return
    gx = (
        image[y - 1, x + 1] + 2 * image[y, x + 1] + image[y + 1, x + 1]
        - image[y - 1, x - 1] - 2 * image[y, x - 1] - image[y + 1, x - 1]
    )  # fmt: skip
    gy = (
        image[y + 1, x - 1] + 2 * image[y + 1, x] + image[y + 1, x + 1]
        - image[y - 1, x - 1] - 2 * image[y - 1, x] - image[y - 1, x + 1]
    )  # fmt: skip
    out[y, x] = math.sqrt(gx * gx + gy * gy)


def convolve_1d(out, signal, taps):
    """'same' convolution with zeros outside."""
    i = cuda.grid(1)
    n, m = signal.size, taps.size
    if i < n:
        total = 0.0
        for k in range(m):
            j = i + m // 2 - k
            if j < 0 or j >= n:
                continue
            total += signal[j] * taps[k]
        out[i] = total


def convolve_2d(out, image, mask):
    i, j = cuda.grid(2)
    if i >= image.shape[0] or j >= image.shape[1]:
        return
    delta_rows = mask.shape[0] // 2
    delta_columns = mask.shape[1] // 2
    s = 0.0
    for k in range(mask.shape[0]):
        for m in range(mask.shape[1]):
            row = i - k + delta_rows
            column = j - m + delta_columns
            if 0 <= row < image.shape[0] and 0 <= column < image.shape[1]:
                s += mask[k, m] * image[row, column]
    out[i, j] = s


def life(after, before):
    """Conway's game on a torus."""
    row, column = cuda.grid(2)
    rows, columns = before.shape
    if row < rows and column < columns:
        alive = 0
        for dr in range(-1, 2):
            for dc in range(-1, 2):
                if dr != 0 or dc != 0:
                    alive += before[(row + dr) % rows, (column + dc) % columns]
        cell = before[row, column]
        after[row, column] = 1 if alive == 3 or (cell == 1 and alive == 2) else 0


def median_3x3(out, image):
    """Sorts nine neighbours in a local array."""
    x, y = cuda.grid(2)
    height, width = image.shape
    if not (0 < x < width - 1 and 0 < y < height - 1):
        return
    window = cuda.local.array(9, np.uint8)
    n = 0
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            window[n] = image[y + dy, x + dx]
            n += 1
    for i in range(1, 9):
        v = window[i]
        j = i - 1
        while j >= 0 and window[j] > v:
            window[j + 1] = window[j]
            j -= 1
        window[j + 1] = v
    out[y, x] = window[4]


def _grey_reference(launch: Launch, out: Any, rgb: Any) -> list[Any]:
    return [(rgb.astype(np.float64) @ [0.299, 0.587, 0.114]).astype(u8)]


def _sobel_reference(launch: Launch, out: Any, image: Any) -> list[Any]:
    image = image.astype(np.float64)
    size = np.hypot(ndimage.sobel(image, axis=0), ndimage.sobel(image, axis=1))
    out[1:-1, 1:-1] = size[1:-1, 1:-1]
    return [out]


def _life_reference(launch: Launch, after: Any, before: Any) -> list[Any]:
    shifts = [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if r or c]
    alive = sum(np.roll(before, shift, axis=(0, 1)) for shift in shifts)
    return [(alive == 3) | ((before == 1) & (alive == 2))]


def _median_reference(launch: Launch, out: Any, image: Any) -> list[Any]:
    out[1:-1, 1:-1] = ndimage.median_filter(image, size=3)[1:-1, 1:-1]
    return [out]


def _image(rng: np.random.Generator, launch: Launch) -> Arguments:
    return np.zeros((30, 45), f32), rng.random((30, 45), f32)


CASES = (
    Case("grey", grey,
         lambda rng, launch: (np.zeros((20, 33), u8), rng.integers(0, 256, (20, 33, 3)).astype(u8)),
         grids(((5, 3), (8, 8))), _grey_reference, rtol=1e-9, atol=1),
    Case("gaussian_tiled", gaussian_tiled, _image, grids(((2, 4), (32, 8))),
         lambda launch, out, image: [ndimage.correlate1d(image, WEIGHTS, axis=1, mode="nearest")]),
    Case("sobel", sobel, _image, grids(((6, 4), (8, 8)), ((2, 8), (32, 4))), _sobel_reference, rtol=1e-4),
    Case("convolve_1d", convolve_1d,
         lambda rng, launch: (np.zeros(300, f32), rng.random(300, f32), rng.random(7, f32)),
         grids((3, 128), (10, 32)), lambda launch, out, s, taps: [np.convolve(s, taps, "same")]),
    Case("convolve_2d", convolve_2d,
         lambda rng, launch: (np.zeros((24, 31), f32), rng.random((24, 31), f32), rng.random((3, 5), f32)),
         grids(((3, 4), (8, 8))),
         lambda launch, out, image, mask: [ndimage.convolve(image, mask, mode="constant")]),
    Case("life", life,
         lambda rng, launch: (np.zeros((25, 30), u8), rng.integers(0, 2, (25, 30)).astype(u8)),
         grids(((4, 4), (8, 8))), _life_reference, rtol=0),
    Case("median_3x3", median_3x3,
         lambda rng, launch: (np.zeros((19, 23), u8), rng.integers(0, 256, (19, 23)).astype(u8)),
         grids(((3, 3), (8, 8))), _median_reference, rtol=0),
)  # fmt: skip
