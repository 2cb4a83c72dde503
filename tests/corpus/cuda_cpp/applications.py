"""Whole programs' kernels: in the manner of benchmark suites, toolkit samples and small projects."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import fft

from tests.corpus.cuda_cpp.case import Case, Launch, Tolerance

f32, f64, i32, i64, u32 = np.float32, np.float64, np.int32, np.int64, np.uint32
Generator = np.random.Generator

BENCHMARKS, SAMPLES = "applications/benchmarks.cu", "applications/samples.cu"


def _padded_sum(u: Any) -> Any:
    """Sums of the neighbours above and below, and of those beside, borders repeated."""
    p = np.pad(u, 1, "edge")
    return p[:-2, 1:-1] + p[2:, 1:-1], p[1:-1, :-2] + p[1:-1, 2:]


# ------------------------------------------------------------------------------ benchmarks


def _make_hotspot(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    rows, cols, steps = launch.size
    power, temperature = rng.random((rows, cols), f32), 60 + 40 * rng.random((rows, cols), f32)
    constants = (f32(v) for v in (0.5, 2, 3, 80, 0.05))
    return (i32(steps), power, temperature, np.zeros((rows, cols), f32), i32(cols), i32(rows),
            i32(steps), i32(steps), *constants)  # fmt: skip


def _hotspot(launch: Launch, steps: Any, power: Any, source: Any, *rest: Any) -> list[Any]:
    capacity, rx, ry, rz, step = (f64(v) for v in rest[-5:])
    t = source.astype(f64)
    for _ in range(int(steps)):
        vertical, horizontal = _padded_sum(t)
        flow = (vertical - 2 * t) / ry + (horizontal - 2 * t) / rx + (80 - t) / rz
        t = t + step / capacity * (power + flow)
    return [t]


PATH_BLOCK = 64


def _make_path(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    rows, cols, steps = launch.size
    wall = rng.integers(0, 10, (rows, cols)).astype(i32)
    source = rng.integers(0, 30, cols).astype(i32)
    return i32(steps), wall, source, np.zeros(cols, i32), i32(cols), i32(1), i32(steps)


def _path(launch: Launch, steps: Any, wall: Any, source: Any, *_: Any) -> list[Any]:
    for row in wall[1 : 1 + int(steps)]:
        p = np.pad(source, 1, "edge")
        source = np.minimum(np.minimum(p[:-2], p[1:-1]), p[2:]) + row
    return [source]


def _make_srad(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    rows, cols = launch.size
    image = np.exp(rng.random((rows, cols), f32))
    planes = (np.zeros((rows, cols), f32) for _ in range(4))
    return *planes, image, np.zeros((rows, cols), f32), i32(cols), i32(rows), f32(0.05)


def _srad(launch: Launch, *arguments: Any) -> list[Any]:
    j, q0 = arguments[4].astype(f64), f64(arguments[-1])
    p = np.pad(j, 1, "edge")
    e, w, n, s = (p[1:-1, 2:] - j, p[1:-1, :-2] - j, p[:-2, 1:-1] - j, p[2:, 1:-1] - j)
    g2, laplace = (e**2 + w**2 + n**2 + s**2) / j**2, (e + w + n + s) / j
    q = (g2 / 2 - laplace**2 / 16) / (1 + laplace / 4) ** 2
    return [e, w, n, s, np.clip(1 / (1 + (q - q0) / (q0 * (1 + q0))), 0, 1)]


def _make_kmeans(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    points, features, clusters = launch.size
    # Small integers: distances are exact, and the first of equally near centres wins.
    x, c = (rng.integers(0, 20, shape).astype(f32)
            for shape in ((features, points), (clusters, features)))  # fmt: skip
    return (x, i32(features), i32(points), i32(clusters), np.zeros(points, i32), c,
            np.zeros_like(c), np.zeros(clusters, i32))  # fmt: skip


def _kmeans(launch: Launch, x: Any, *rest: Any) -> list[Any]:
    centres, sums = rest[4], rest[5]
    nearest = ((x.T[:, None] - centres) ** 2).sum(-1).argmin(1)
    np.add.at(sums, nearest, x.T)
    return [nearest, sums, np.bincount(nearest, minlength=len(centres))]


def _make_lud(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n, offset = launch.size
    return rng.random((n, n), f32) + n * np.eye(n, dtype=f32), i32(n), i32(offset)


def _lud(launch: Launch, m: Any, n: Any, offset: Any) -> list[Any]:
    """Gaussian elimination of the 8x8 block, multipliers below the diagonal."""
    a = m.astype(f64)
    block = a[offset : offset + 8, offset : offset + 8]
    for k in range(7):
        block[k + 1 :, k] /= block[k, k]
        block[k + 1 :, k + 1 :] -= np.outer(block[k + 1 :, k], block[k, k + 1 :])
    return [a]


def _make_layer(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    blocks = launch.blocks
    inputs, weights = rng.random(16 * blocks + 1, f32), rng.random((16 * blocks + 1, 17), f32)
    return inputs, weights, np.zeros((blocks, 16), f32), i32(16)


def _layer(launch: Launch, inputs: Any, weights: Any, *_: Any) -> list[Any]:
    products = (inputs[1:, None] * weights[1:, 1:].astype(f64)).reshape(-1, 16, 16)
    return [products.sum(1)]


KNODE = np.dtype(
    [
        ("location", i32),
        ("indices", i32, 17),
        ("keys", i32, 17),
        ("is_leaf", "?"),
        ("num_keys", i32),
    ],
    align=True,
)


def _make_tree(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    """Two levels of 16 children: a leaf holds 16 keys and, as indices, their values."""
    nodes = np.zeros(17, KNODE)
    keys = np.sort(rng.choice(5000, 256, replace=False)).reshape(16, 16)
    nodes["keys"] = 1 << 30
    nodes["keys"][0, :16], nodes["keys"][1:, :16] = keys[:, 0], keys
    nodes["keys"][0, 0] = -1
    nodes["indices"][0, :16] = np.arange(1, 17)
    nodes["indices"][1:, :16] = 10 * keys + 1
    nodes["is_leaf"][1:] = True
    n = launch.blocks
    wanted = np.where(rng.random(n) < 0.7, rng.choice(keys.ravel(), n), rng.integers(0, 5000, n))
    state = (np.zeros(n, i32), np.zeros(n, i32), wanted.astype(i32), np.full(n, -1, i32))
    return i64(1), nodes, *state


def _tree(
    launch: Launch, height: Any, nodes: Any, current: Any, offset: Any, *rest: Any
) -> list[Any]:
    wanted, _ = rest
    there = np.isin(wanted, nodes["keys"][1:, :16])
    return [np.where(there, 10 * wanted + 1, -1)]


# --------------------------------------------------------------------------------- samples


def _make_transpose(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    height, width = launch.size
    return np.zeros((width, height), f32), rng.random((height, width), f32), i32(width), i32(height)


def _make_dct(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    width, height = (8 * extent for extent in launch.grid)
    return rng.random((height, width), f32), np.zeros((height, width), f32), i32(width)


def _dct(launch: Launch, src: Any, *_: Any) -> list[Any]:
    columns, rows = launch.grid
    blocks = src.astype(f64).reshape(rows, 8, columns, 8)
    return [fft.dctn(blocks, axes=(1, 3), norm="ortho").reshape(src.shape)]


SPHERE = np.dtype([("centre", f32, 3), ("radius", f32), ("material", i32)], align=True)
SPHERES = np.array(
    [((0, -16, 0), 16, 0), ((0, 1, 1), 1, 1), ((-1.75, 0.75, 0.5), 0.75, 2),
     ((1.5, 0.5, -0.25), 0.5, 1)], SPHERE,
)  # fmt: skip
COLOURS = np.array([[0.75, 0.75, 0.75], [0.875, 0.25, 0.25], [0.25, 0.5, 1.0]], f32)


def _make_trace(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    height, width = launch.size
    image = np.zeros((height, width, 3), f32)
    return SPHERES.copy(), i32(len(SPHERES)), COLOURS.copy(), image, i32(width), i32(height), i32(2)


def _nearest(origin: Any, direction: Any) -> tuple[float, int]:
    """Distance to, and number of, the first sphere along a ray; -1 if there is none."""
    best = (1e20, -1)
    for k, sphere in enumerate(SPHERES):
        to = sphere["centre"].astype(f64) - origin
        b = to @ direction
        det = b * b - to @ to + f64(sphere["radius"]) ** 2
        if det < 0:
            continue
        ahead = [t for t in (b - np.sqrt(det), b + np.sqrt(det)) if t >= 1e-3]
        if ahead and ahead[0] < best[0]:
            best = (ahead[0], k)
    return best


def _unit(v: Any) -> Any:
    return v / np.sqrt(v @ v)


def _trace(launch: Launch, *arguments: Any) -> list[Any]:
    image, bounces = arguments[3].astype(f64), int(arguments[-1])
    height, width = launch.size
    light = _unit(np.array([1.0, 2, -1]))
    for y in range(height):
        for x in range(width):
            origin = np.array([0.0, 1, -4])
            toward = _unit(np.array([(x + 0.5) / width - 0.5, 0.5 - (y + 0.5) / height, 1]))
            weight = 1.0
            for _ in range(bounces + 1):
                t, k = _nearest(origin, toward)
                if k < 0:
                    sky = np.array([0.5, 0.7, 1.0]) * (0.5 + 0.5 * toward[1])
                    image[y, x] += weight * sky
                    break
                origin = origin + t * toward
                normal = _unit(origin - SPHERES[k]["centre"])
                lit = _nearest(origin, light)[1] < 0
                diffuse = max(normal @ light, 0) if lit else 0
                image[y, x] += weight * COLOURS[SPHERES[k]["material"]] * (0.1 + 0.6 * diffuse)
                weight *= 0.3
                toward = toward - normal * 2 * (toward @ normal)
    return [image]


def _placements(n: int, rows: int) -> list[tuple[int, int, int]]:
    """Ways to fill the first rows: attacked columns and diagonals of the row that follows."""
    states = [(0, 0, 0)]
    for _ in range(rows):
        states = [((c | bit), (d | bit) << 1, (a | bit) >> 1) for c, d, a in states
                  for bit in (1 << k for k in range(n)) if not (c | d | a) & bit]  # fmt: skip
    return states


def _make_queens(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n, given = launch.size
    starts = np.array(_placements(n, given), u32)
    return starts, i32(given), i32(n), i32(len(starts)), np.zeros(1, i32)


def _queens(launch: Launch, *_: Any) -> list[Any]:
    return [[{6: 4, 7: 40, 8: 92}[launch.size[0]]]]


HASHES = np.array([14, 3, 9, 11, 0, 7, 5, 12, 1, 15, 8, 2, 13, 6, 10, 4])


def _noise(x: Any, y: Any) -> Any:
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    u, v = x - left, y - top
    total = 0
    for dy in (0, 1):
        for dx in (0, 1):
            corner = HASHES[(HASHES[(left + dx) % 16] + top % 16 + dy) % 16]
            sx, sy = np.where(corner & 1, -1, 1), np.where(corner & 2, -1, 1)
            smooth = [t**3 * (t * (6 * t - 15) + 10) for t in (u, v)]
            weight = np.choose(dx, [1 - smooth[0], smooth[0]]) * np.choose(
                dy, [1 - smooth[1], smooth[1]]
            )
            total = total + weight * (sx * (u - dx) + sy * (v - dy))
    return total


def _make_noise(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    height, width = launch.size
    return np.zeros(launch.size, f32), i32(width), i32(height), f32(0.15625), i32(4)


def _fractal(launch: Launch, out: Any, *_: Any) -> list[Any]:
    y, x = np.indices(launch.size)
    return [sum(_noise(x * 0.15625 * 2**o, y * 0.15625 * 2**o) / 2**o for o in range(4))]


def _make_twister(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    seeds = rng.integers(0, 1 << 31, launch.blocks)
    states = [np.random.MT19937(int(seed)).state["state"]["key"] for seed in seeds]
    return np.array(states, u32), np.zeros((launch.blocks, n), u32), i32(n)


def _twister(launch: Launch, states: Any, out: Any, n: Any) -> list[Any]:
    """NumPy's own generator, set to the states."""
    after = np.zeros_like(states)
    for row, state in enumerate(states):
        generator = np.random.MT19937()
        generator.state = {"bit_generator": "MT19937", "state": {"key": state, "pos": 624}}
        out[row] = generator.random_raw(int(n))
        after[row] = generator.state["state"]["key"]
    return [after, out]


CASES = (
    Case("hotspot", BENCHMARKS, "calculate_temp", _make_hotspot,
         (Launch((3, 2), (16, 16), size=(21, 30, 2)), Launch((1, 1), (16, 16), size=(9, 14, 1))),
         _hotspot, (3,)),
    Case("pathfinder", BENCHMARKS, f"dynproc_kernel<{PATH_BLOCK}>", _make_path,
         (Launch(3, 64, size=(6, 150, 5)), Launch(1, 64, size=(3, 40, 2))), _path, (3,)),
    Case("srad_coefficient", BENCHMARKS, "srad_coefficient", _make_srad,
         (Launch((2, 3), (16, 8), size=(21, 30)),), _srad, (0, 1, 2, 3, 5),
         tolerances={"float32": Tolerance(1e-4, 1e-4, "a quotient of small differences")}),
    Case("kmeans", BENCHMARKS, "kmeans_point", _make_kmeans,
         (Launch((2, 2), 32, size=(110, 5, 4)),), _kmeans, (4, 6, 7)),
    Case("lud_diagonal", BENCHMARKS, "lud_diagonal", _make_lud,
         (Launch(1, 8, size=(20, 8)), Launch(1, 8, size=(8, 0))), _lud),
    Case("neural_layer", BENCHMARKS, "layerforward", _make_layer,
         (Launch((1, 3), (16, 16)),), _layer, (2,)),
    Case("search_tree", BENCHMARKS, "find_k", _make_tree, (Launch(40, 16),), _tree, (5,)),
    Case("transpose_diagonal", SAMPLES, "transpose_diagonal", _make_transpose,
         (Launch((2, 2), (32, 8), size=(64, 64)), Launch((3, 1), (32, 8), size=(32, 96))),
         lambda launch, out, a, *_: [a.T]),
    Case("dct8x8", SAMPLES, "dct8x8", _make_dct, (Launch((3, 2), 8),), _dct, (1,)),
    Case("ray_tracer", SAMPLES, "trace", _make_trace,
         (Launch((2, 2), (16, 8), size=(15, 21)),), _trace, (3,),
         tolerances={"float32": Tolerance(1e-3, 2e-3, "mirrored rays of float directions")}),
    Case("queens", SAMPLES, "queens", _make_queens,
         (Launch(1, 64, size=(8, 2)), Launch(3, 32, size=(7, 3)), Launch(1, 32, size=(6, 1))),
         _queens, (4,)),
    Case("fractal_noise", SAMPLES, "fractal_noise", _make_noise,
         (Launch((2, 2), (16, 8), size=(13, 27)),), _fractal),
    Case("mersenne_twister", SAMPLES, "mt19937", _make_twister,
         (Launch(2, 64, size=(624,)), Launch(1, 128, size=(100,))), _twister, (0, 1)),
)  # fmt: skip
