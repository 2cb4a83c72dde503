"""A photograph through CUDA kernels: grayscale, blur, Sobel, histogram, equalisation.

This is a numba.cuda program. Only its import line is accelerx's: write ``from numba import cuda``
there and the same file runs on an NVIDIA GPU through numba. Every result is checked against NumPy
or SciPy, the time of each kernel is printed, and the pictures are written as PNG.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage
from sklearn.datasets import load_sample_image

from accelerx import cuda

TILE = 16  # a block is TILE x TILE threads
RADIUS = 3  # of the Gaussian, in pixels
SIDE = TILE + 2 * RADIUS  # a tile with its halo
TAPS = 2 * RADIUS + 1
BINS = 256
LEVELS = 8  # of the scan: 2**LEVELS bins
PIXELS_PER_BLOCK = 4096  # of the histogram


def gaussian(sigma=1.4):
    """The blur's weights, normalised."""
    x = np.arange(-RADIUS, RADIUS + 1)
    row = np.exp(-(x**2) / (2 * sigma**2))
    return (np.outer(row, row) / np.outer(row, row).sum()).astype(np.float32)


WEIGHTS = gaussian()


@cuda.jit(device=True)
def clamp(i, n):
    return min(max(i, 0), n - 1)


@cuda.jit
def grayscale(rgb, gray):
    """Luma as ITU-R BT.601 weighs it, rounded to 8 bits."""
    x, y = cuda.grid(2)
    if x < gray.shape[1] and y < gray.shape[0]:
        red, green, blue = rgb[y, x, 0], rgb[y, x, 1], rgb[y, x, 2]
        gray[y, x] = np.uint8(0.299 * red + 0.587 * green + 0.114 * blue + 0.5)


@cuda.jit
def blur(image, out):
    """A Gaussian: each block loads its tile with a halo into shared memory once."""
    tile = cuda.shared.array((SIDE, SIDE), dtype=np.float32)
    weights = cuda.const.array_like(WEIGHTS)
    height, width = image.shape
    tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
    left = cuda.blockIdx.x * TILE - RADIUS
    top = cuda.blockIdx.y * TILE - RADIUS
    for i in range(ty * TILE + tx, SIDE * SIDE, TILE * TILE):
        row, column = i // SIDE, i % SIDE
        tile[row, column] = image[clamp(top + row, height), clamp(left + column, width)]
    cuda.syncthreads()

    x, y = cuda.grid(2)
    if x < width and y < height:
        total = np.float32(0)
        for dy in range(TAPS):
            for dx in range(TAPS):
                total += weights[dy, dx] * tile[ty + dy, tx + dx]
        out[y, x] = total


@cuda.jit
def sobel(image, edges):
    """The gradient's length."""
    x, y = cuda.grid(2)
    height, width = image.shape
    if x >= width or y >= height:
        return
    up, down = clamp(y - 1, height), clamp(y + 1, height)
    left, right = clamp(x - 1, width), clamp(x + 1, width)
    gx = image[up, right] - image[up, left]
    gx += np.float32(2) * (image[y, right] - image[y, left])
    gx += image[down, right] - image[down, left]
    gy = image[down, left] - image[up, left]
    gy += np.float32(2) * (image[down, x] - image[up, x])
    gy += image[down, right] - image[up, right]
    edges[y, x] = math.sqrt(gx * gx + gy * gy)


@cuda.jit
def histogram(gray, bins):
    """Counts in shared memory first, so that the global atomics are few."""
    local = cuda.shared.array(BINS, dtype=np.int32)
    t = cuda.threadIdx.x
    local[t] = 0
    cuda.syncthreads()
    first = cuda.blockIdx.x * PIXELS_PER_BLOCK
    last = min(first + PIXELS_PER_BLOCK, gray.size)
    for i in range(first + t, last, cuda.blockDim.x):
        cuda.atomic.add(local, gray[i], 1)
    cuda.syncthreads()
    cuda.atomic.add(bins, t, local[t])


@cuda.jit
def equalisation_table(bins, pixels, table):
    """One block scans the histogram (Hillis and Steele) and makes the lookup table of it."""
    cdf = cuda.shared.array(BINS, dtype=np.int32)
    darkest = cuda.shared.array(1, dtype=np.int32)
    t = cuda.threadIdx.x
    cdf[t] = bins[t]
    if t == 0:
        darkest[0] = BINS
    cuda.syncthreads()
    if bins[t] > 0:
        cuda.atomic.min(darkest, 0, t)
    for level in range(LEVELS):
        step = 1 << level
        value = cdf[t]
        if t >= step:
            value += cdf[t - step]
        cuda.syncthreads()
        cdf[t] = value
        cuda.syncthreads()
    below = bins[darkest[0]]
    spread = max(pixels - below, 1)
    table[t] = np.uint8(255.0 * max(cdf[t] - below, 0) / spread + 0.5)


@cuda.jit
def equalise(gray, table, out):
    x, y = cuda.grid(2)
    if x < gray.shape[1] and y < gray.shape[0]:
        out[y, x] = table[gray[y, x]]


def timed(repeat, kernel, *arguments):
    """Milliseconds of one launch: the best of ``repeat`` after a first one that compiles."""
    kernel(*arguments)
    cuda.synchronize()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        kernel(*arguments)
        cuda.synchronize()
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


def process(rgb, repeat):
    """Runs every kernel.

    Returns:
        The pictures (and the histogram and table) by name, and the milliseconds by kernel.
    """
    height, width, _ = rgb.shape
    pixels = height * width
    threads = (TILE, TILE)
    blocks = (-(-width // TILE), -(-height // TILE))
    d_rgb = cuda.to_device(rgb)
    d_gray = cuda.device_array((height, width), np.uint8)
    d_blurred = cuda.device_array((height, width), np.float32)
    d_edges = cuda.device_array((height, width), np.float32)
    d_table = cuda.device_array(BINS, np.uint8)
    d_equal = cuda.device_array((height, width), np.uint8)

    ms = {}
    ms["grayscale"] = timed(repeat, grayscale[blocks, threads], d_rgb, d_gray)
    ms["blur"] = timed(repeat, blur[blocks, threads], d_gray, d_blurred)
    ms["sobel"] = timed(repeat, sobel[blocks, threads], d_blurred, d_edges)

    flat = d_gray.reshape(pixels)
    count = histogram[-(-pixels // PIXELS_PER_BLOCK), BINS]
    ms["histogram"] = timed(repeat, count, flat, cuda.to_device(np.zeros(BINS, np.int32)))
    d_bins = cuda.to_device(np.zeros(BINS, np.int32))  # the timed launches added to another one
    count(flat, d_bins)
    ms["table"] = timed(repeat, equalisation_table[1, BINS], d_bins, pixels, d_table)
    ms["equalise"] = timed(repeat, equalise[blocks, threads], d_gray, d_table, d_equal)

    results = {
        "gray": d_gray.copy_to_host(),
        "blurred": d_blurred.copy_to_host(),
        "edges": d_edges.copy_to_host(),
        "bins": d_bins.copy_to_host(),
        "table": d_table.copy_to_host(),
        "equalised": d_equal.copy_to_host(),
    }
    return results, ms


def check(rgb, results):
    """Compares with NumPy and SciPy.

    Returns:
        What was compared, with the largest difference found.

    Raises:
        AssertionError: naming the result that differs.
    """
    gray = (rgb @ np.array([0.299, 0.587, 0.114]) + 0.5).astype(np.uint8)
    blurred = ndimage.correlate(results["gray"].astype(np.float64), WEIGHTS, mode="nearest")
    steps = [
        ndimage.sobel(results["blurred"].astype(np.float64), a, mode="nearest") for a in (0, 1)
    ]
    bins = np.bincount(results["gray"].ravel(), minlength=BINS)
    below = bins[bins > 0][0]
    cdf = np.maximum(bins.cumsum() - below, 0)
    table = (255.0 * cdf / max(gray.size - below, 1) + 0.5).astype(np.uint8)
    rows = [
        ("gray", gray, 1),  # a sum in another order may round to the neighbour
        ("blurred", blurred, 1e-3),
        ("edges", np.hypot(*steps), 1e-2),
        ("bins", bins, 0),
        ("table", table, 0),
        ("equalised", table[results["gray"]], 0),
    ]
    found = []
    for name, expected, tolerance in rows:
        difference = np.abs(results[name].astype(np.float64) - expected).max()
        if not difference <= tolerance:
            raise AssertionError(f"{name} differs from the reference by {difference:g}")
        found.append((name, difference))
    return found


def save(folder, name, rgb, results):
    """Writes the photograph and what became of it."""
    folder.mkdir(parents=True, exist_ok=True)
    edges = results["edges"]
    pictures = {
        "original": rgb,
        "gray": results["gray"],
        "blurred": results["blurred"],
        "edges": 255 * edges / max(float(edges.max()), 1.0),
        "equalised": results["equalised"],
    }
    for part, picture in pictures.items():
        Image.fromarray(picture.astype(np.uint8)).save(folder / f"{name}-{part}.png")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("build/demo"), help="folder for the PNGs")
    parser.add_argument("--repeat", type=int, default=20, help="timed launches of each kernel")
    parser.add_argument("--crop", type=int, default=0, help="use only the middle N x N pixels")
    options = parser.parse_args()

    device = cuda.get_current_device().name
    print(f"device: {device.decode() if isinstance(device, bytes) else device}")
    for name in ("china", "flower"):
        rgb = load_sample_image(f"{name}.jpg")
        if options.crop:
            y, x = ((n - options.crop) // 2 for n in rgb.shape[:2])
            rgb = np.ascontiguousarray(rgb[y : y + options.crop, x : x + options.crop])
        results, ms = process(rgb, options.repeat)
        print(f"\n{name}.jpg, {rgb.shape[1]} x {rgb.shape[0]} pixels")
        for kernel, milliseconds in ms.items():
            print(f"  {kernel:<12}{milliseconds:9.3f} ms")
        for part, difference in check(rgb, results):
            print(f"  {part:<12}agrees with the reference (largest difference {difference:.2g})")
        save(options.out, name, rgb, results)
    print(f"\npictures: {options.out}/*.png")


if __name__ == "__main__":
    main()
