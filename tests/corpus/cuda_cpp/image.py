"""Image processing: colour, convolution, rank filters, resampling, statistics, fractals."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.corpus.cuda_cpp.case import Case, Launch, Tolerance

f32, i32, u8, u32, u64 = np.float32, np.int32, np.uint8, np.uint32, np.uint64
Generator = np.random.Generator

AFFINE = np.dtype([("m", f32, (2, 3))], align=True)
SIZES = (
    Launch((3, 3), (16, 8), size=(20, 37)),  # height, width
    Launch((1, 4), (16, 8), size=(31, 16)),
)


def _bytes(rng: Generator, *shape: int) -> Any:
    return rng.integers(0, 256, shape).astype(u8)


def _image(rng: Generator, *shape: int) -> Any:
    return rng.random(shape, f32)


def _extents(launch: Launch) -> tuple[Any, Any]:
    height, width = launch.size
    return i32(width), i32(height)


def _windows(image: Any, radius: int, mode: str = "edge", **keywords: Any) -> Any:
    """All (2r+1)^2 windows, one a pixel, beyond the border as ``np.pad`` says."""
    side = 2 * radius + 1
    padded = np.pad(image, radius, mode, **keywords)
    return np.lib.stride_tricks.sliding_window_view(padded, (side, side))


# ------------------------------------------------------------------------------------- colour


def _make_grey(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    height, width = launch.size
    return _bytes(rng, height, width, 4), np.zeros(launch.size, u8), i32(height), i32(width)


def _grey(launch: Launch, rgba: Any, grey: Any, rows: Any, cols: Any) -> list[Any]:
    return [(rgba[..., :3].astype(i32) @ [77, 150, 29] + 128) >> 8]


def _make_nv12(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    height, width = launch.size
    chroma = _bytes(rng, height // 2, width // 2, 2)
    return _bytes(rng, height, width), chroma, np.zeros((height, width, 4), u8), *_extents(launch)


def _nv12(launch: Launch, luma: Any, chroma: Any, out: Any, w: Any, h: Any) -> list[Any]:
    y = luma.astype(np.int64) - 16
    u, v = np.moveaxis(chroma.astype(np.int64).repeat(2, 0).repeat(2, 1) - 128, 2, 0)
    red, green, blue = 298 * y + 409 * v, 298 * y - 100 * u - 208 * v, 298 * y + 516 * u
    rgb = np.clip((np.stack([red, green, blue], -1) + 128) >> 8, 0, 255)
    return [np.concatenate([rgb, np.full((*rgb.shape[:2], 1), 255)], -1)]


def _make_hsv(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    rgb = _image(rng, n, 3)
    rgb[::7] = rgb[::7, :1]  # greys have no hue
    rgb[::11] = 0
    return rgb, np.zeros(n, f32), np.zeros(n, f32), np.zeros(n, f32), i32(n)


def _hsv(launch: Launch, rgb: Any, *_: Any) -> list[Any]:
    r, g, b = rgb.astype(np.float64).T
    value = rgb.max(1).astype(np.float64)
    chroma = value - rgb.min(1)
    with np.errstate(all="ignore"):
        sectors = [(g - b) / chroma % 6, (b - r) / chroma + 2, (r - g) / chroma + 4]
        hue = np.select([chroma == 0, value == r, value == g], [0, *sectors[:2]], sectors[2])
        return [hue * 60, np.where(value > 0, chroma / value, 0), value]


def _make_blend(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return (
        _bytes(rng, n, 4).view(u32)[:, 0].copy(),
        _bytes(rng, n, 4).view(u32)[:, 0].copy(),
        u64(n),
    )


def _blend(launch: Launch, src: Any, dst: Any, n: Any) -> list[Any]:
    s, d = (a.view(u8).reshape(-1, 4).astype(i32) for a in (src, dst))
    t = d * (255 - s[:, 3:]) + 128
    return [np.minimum(255, s + ((t + (t >> 8)) >> 8)).astype(u8).view(u32)]


# ------------------------------------------------------------------------------------ filters

GAUSS = np.array([1, 4, 6, 4, 1]) / 16


def _make_filter(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    return _image(rng, *launch.size), np.zeros(launch.size, f32), *_extents(launch)


def _make_bytes(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    return _bytes(rng, *launch.size), np.zeros(launch.size, u8), *_extents(launch)


def _gauss_rows(launch: Launch, src: Any, *_: Any) -> list[Any]:
    return [_windows(src.astype(np.float64), 2)[..., 2, :] @ GAUSS]


def _gauss_fused(launch: Launch, src: Any, *_: Any) -> list[Any]:
    return [np.einsum("yxij,i,j->yx", _windows(src.astype(np.float64), 2), GAUSS, GAUSS)]


def _sobel(launch: Launch, src: Any, *_: Any) -> list[Any]:
    windows = _windows(src.astype(i32), 1, "constant")
    mask = np.outer([1, 2, 1], [-1, 0, 1])
    gx, gy = (np.einsum("yxij,ij->yx", windows, m) for m in (mask, mask.T))
    return [np.minimum(abs(gx) + abs(gy), 255)]


def _make_bilateral(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    return *_make_filter(rng, launch), i32(2), f32(1.5), f32(0.2)


def _bilateral(
    launch: Launch, src: Any, out: Any, w: Any, h: Any, radius: Any, space: Any, spread: Any
) -> list[Any]:
    windows = _windows(src.astype(np.float64), radius, "constant", constant_values=np.inf)
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    distance = (x * x + y * y) / np.float64(space) ** 2
    weights = np.exp(
        -0.5 * (distance + ((windows - src[..., None, None]) / np.float64(spread)) ** 2)
    )
    inside = np.where(np.isinf(windows), 0, windows)
    return [(weights * inside).sum((2, 3)) / weights.sum((2, 3))]


def _median3(launch: Launch, src: Any, *_: Any) -> list[Any]:
    return [np.median(_windows(src, 1), (2, 3))]


def _median5(launch: Launch, src: Any, *_: Any) -> list[Any]:
    return [np.median(_windows(src, 2), (2, 3))]


# --------------------------------------------------------------------------------- morphology


def _erode(launch: Launch, src: Any, *_: Any) -> list[Any]:
    return [_windows(src, 1, "constant", constant_values=255).min((2, 3))]


def _dilate(launch: Launch, src: Any, *_: Any) -> list[Any]:
    return [_windows(src, 2, "constant").max((2, 3))]


def _make_bits(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    rows, words = launch.size
    bits = rng.random((rows, 32 * words)) < 0.05
    packed = np.packbits(bits, 1, bitorder="little").view(u32)
    return packed, np.zeros((rows, words), u32), i32(words), i32(rows)


def _dilate_bits(launch: Launch, src: Any, *_: Any) -> list[Any]:
    bits = np.unpackbits(src.view(u8), axis=1, bitorder="little")
    wide = _windows(bits, 1, "constant").max((2, 3))
    return [np.packbits(wide, 1, bitorder="little").view(u32)]


# ----------------------------------------------------------------------------------- geometry


def _sample(image: Any, u: Any, v: Any) -> Any:
    """Bilinear, coordinates clamped to the image."""
    height, width = image.shape
    x, y = np.floor(u).astype(int), np.floor(v).astype(int)
    total = 0.0
    for dy in (0, 1):
        for dx in (0, 1):
            weight = abs(1 - dx - (u - x)) * abs(1 - dy - (v - y))
            rows, cols = np.clip(y + dy, 0, height - 1), np.clip(x + dx, 0, width - 1)
            total = total + weight * image[rows, cols]
    return total


def _make_resize(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    sh, sw, dh, dw = launch.size
    return _image(rng, sh, sw), i32(sw), i32(sh), np.zeros((dh, dw), f32), i32(dw), i32(dh)


def _resize(launch: Launch, src: Any, *_: Any) -> list[Any]:
    sh, sw, dh, dw = launch.size
    v, u = (np.mgrid[:dh, :dw] + 0.5) * np.reshape([sh / dh, sw / dw], (2, 1, 1)) - 0.5
    return [_sample(src.astype(np.float64), u, v)]


def _make_nearest(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    sh, sw, dh, dw = launch.size
    return _bytes(rng, sh, sw, 3), i32(sw), i32(sh), np.zeros((dh, dw, 3), u8), i32(dw), i32(dh)


def _nearest(launch: Launch, src: Any, *_: Any) -> list[Any]:
    sh, sw, dh, dw = launch.size
    return [src[(np.arange(dh) * sh // dh)[:, None], np.arange(dw) * sw // dw]]


def _make_affine(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    # Dyadic, so that float coordinates are exact and no pixel falls on the other side.
    matrix = np.array([[0.8125, -0.5625, 6.25], [0.5, 0.875, -3.3125]], f32)
    return *_make_filter(rng, launch), np.array((matrix,), AFFINE)[()], f32(-1)


def _affine(
    launch: Launch, src: Any, dst: Any, width: Any, height: Any, affine: Any, border: Any
) -> list[Any]:
    y, x = np.mgrid[: int(height), : int(width)].astype(np.float64)
    u, v = (row[0] * x + row[1] * y + row[2] for row in affine["m"].astype(np.float64))
    inside = (u >= 0) & (v >= 0) & (u <= width - 1) & (v <= height - 1)
    return [np.where(inside, _sample(src.astype(np.float64), u, v), border)]


# --------------------------------------------------------------------------------- statistics


def _make_equalise(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return np.clip(rng.normal(100, 20, n), 0, 255).astype(u8), np.zeros(n, u8), i32(n)


def _equalise(launch: Launch, src: Any, dst: Any, n: Any) -> list[Any]:
    cdf = np.bincount(src, minlength=256).cumsum()
    first = cdf[src.min()]
    span = int(n) - first
    table = ((cdf - first) * 255 + span // 2) // span if span else np.arange(256)
    return [table[src]]


def _make_integral(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    return _bytes(rng, *launch.size), np.zeros(launch.size, u32), *_extents(launch)


def _make_columns(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    return rng.integers(0, 1 << 31, launch.size).astype(u32), *_extents(launch)


def _make_box(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    sums = _bytes(rng, *launch.size).astype(u32).cumsum(0).cumsum(1).astype(u32)
    return sums, np.zeros(launch.size, f32), *_extents(launch), i32(3)


def _box(launch: Launch, sums: Any, mean: Any, w: Any, h: Any, radius: Any) -> list[Any]:
    image = np.diff(np.diff(sums.astype(np.int64), axis=0, prepend=0), axis=1, prepend=0)
    windows = _windows(image.astype(np.float64), int(radius), "constant", constant_values=np.nan)
    return [np.nanmean(windows, (2, 3))]


# -------------------------------------------------------------------- non-maximum suppression


def _make_nms(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    # Whole coordinates: no ratio of areas comes so near the threshold that rounding decides.
    corner = rng.integers(0, 40, (n, 2))
    boxes = np.hstack([corner, corner + rng.integers(4, 24, (n, 2))]).astype(f32)
    return i32(n), f32(0.3), boxes, np.zeros((n, -(-n // 64)), u64)


def _nms(launch: Launch, n: Any, threshold: Any, boxes: Any, mask: Any) -> list[Any]:
    low, high = boxes[:, :2].astype(np.float64), boxes[:, 2:].astype(np.float64)
    sides = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    inter = np.maximum(sides, 0).prod(-1)
    area = (high - low).prod(-1)
    hits = np.triu(inter / (area[:, None] + area - inter) > threshold, 1)
    bits = np.pad(hits, ((0, 0), (0, -len(hits) % 64)))
    return [np.packbits(bits, 1, bitorder="little").view(u64)]


def _make_thin(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    gradients = [rng.integers(-1000, 1000, launch.size).astype(i32) for _ in range(2)]
    return *gradients, np.full(launch.size, -1, i32), *_extents(launch)


def _thin(launch: Launch, gx: Any, gy: Any, thin: Any, w: Any, h: Any) -> list[Any]:
    norm = gx * gx + gy * gy
    angle = np.rad2deg(np.arctan2(gy, gx)) % 180
    flat = np.rad2deg(np.arctan(2 / 5))
    sector = np.select([(angle < flat) | (angle > 180 - flat), abs(angle - 90) < flat, angle < 90],
                       [0, 1, 2], 3)  # fmt: skip
    steps = [(0, 1), (1, 0), (1, 1), (1, -1)]
    before = np.choose(sector, [np.roll(norm, s, (0, 1)) for s in steps])
    after = np.choose(sector, [np.roll(norm, (-s[0], -s[1]), (0, 1)) for s in steps])
    kept = np.where((norm >= before) & (norm > after), norm, 0)
    thin[:] = 0
    thin[1:-1, 1:-1] = kept[1:-1, 1:-1]
    return [thin]


# ----------------------------------------------------------------------------------- fractals


def _make_mandelbrot(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    scale = np.float64(3 / launch.size[1])
    corner = (np.float64(-2.1), np.float64(-1.3))
    return np.zeros(launch.size, i32), *_extents(launch), *corner, scale, i32(60)


def _mandelbrot(
    launch: Launch, out: Any, w: Any, h: Any, x0: Any, y0: Any, scale: Any, limit: Any
) -> list[Any]:
    y, x = np.mgrid[: int(h), : int(w)]
    c = (x0 + x * scale) + 1j * (y0 + y * scale)
    z = np.zeros_like(c)
    for _ in range(int(limit)):
        live = z.real**2 + z.imag**2 <= 4
        out += live
        z = np.where(live, z * z + c, z)
    return [out]


def _make_julia(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    return np.zeros((*launch.size, 2), f32), *_extents(launch), f32(-0.4), f32(0.6), i32(6)


def _julia(launch: Launch, values: Any, w: Any, h: Any, cr: Any, ci: Any, steps: Any) -> list[Any]:
    y, x = np.mgrid[: int(h), : int(w)]
    z = 3 * x / w - 1.5 + 1j * (3 * y / h - 1.5)
    inside = np.ones(z.shape, bool)
    for _ in range(int(steps)):
        z = np.where(inside, z * z + (np.float64(cr) + 1j * np.float64(ci)), z)
        inside &= abs(z) ** 2 < 100
    z = np.where(inside, z, 0)
    return [np.stack([z.real, z.imag], -1)]


CASES = (
    Case("rgba_to_grey", "image/colour.cu", "rgba_to_grey", _make_grey, SIZES, _grey, (1,)),
    Case("nv12_to_rgba", "image/colour.cu", "nv12_to_rgba", _make_nv12,
         (Launch((2, 2), (16, 8), size=(14, 22)), Launch((1, 1), (8, 4), size=(4, 8))),
         _nv12, (2,)),
    Case("rgb_to_hsv", "image/colour.cu", "rgb_to_hsv_planar", _make_hsv,
         (Launch(2, 64, size=(300,)), Launch(3, 32, size=(50,))), _hsv, (1, 2, 3)),
    Case("blend_over", "image/colour.cu", "blend_over", _make_blend,
         (Launch(3, 96, size=(259,)),), _blend, (1,)),
    Case("gauss_rows", "image/filters.cu", "gauss_rows", _make_filter, SIZES, _gauss_rows, (1,)),
    Case("gauss_fused", "image/filters.cu", "gauss_fused", _make_filter, SIZES, _gauss_fused, (1,)),
    Case("sobel", "image/filters.cu", "sobel", _make_bytes, SIZES, _sobel, (1,)),
    Case("bilateral", "image/filters.cu", "bilateral", _make_bilateral, SIZES, _bilateral, (1,)),
    Case("median3x3", "image/filters.cu", "median3x3", _make_filter, SIZES, _median3, (1,)),
    Case("median_window", "image/filters.cu", "median<5>", _make_bytes, SIZES[:1], _median5, (1,)),
    Case("erode", "image/morphology.cu", "morphology<Erode, 1, 8>", _make_bytes,
         (Launch((3, 2), (8, 8), size=(13, 21)),), _erode, (1,)),
    Case("dilate", "image/morphology.cu", "morphology<Dilate, 2, 8>", _make_bytes,
         (Launch((3, 2), (8, 8), size=(13, 21)), Launch((1, 1), (8, 8), size=(3, 5))),
         _dilate, (1,)),
    Case("dilate_bits", "image/morphology.cu", "dilate_bits", _make_bits,
         (Launch((1, 9), 32, size=(9, 5)), Launch((2, 4), 3, size=(4, 6))), _dilate_bits, (1,)),
    Case("resize_bilinear", "image/geometry.cu", "resize_bilinear", _make_resize,
         (Launch((2, 3), (16, 8), size=(12, 17, 19, 31)), Launch((1, 1), (8, 8), size=(20, 9, 7, 5))),
         _resize, (3,)),
    Case("resize_nearest", "image/geometry.cu", "resize_nearest", _make_nearest,
         (Launch((2, 3), (16, 8), size=(12, 17, 19, 31)), Launch((1, 1), (8, 8), size=(20, 9, 7, 5))),
         _nearest, (3,)),
    Case("warp_affine", "image/geometry.cu", "warp_affine", _make_affine, SIZES, _affine, (1,)),
    Case("equalise", "image/statistics.cu", "equalise", _make_equalise,
         (Launch(1, 256, size=(1000,)), Launch(1, 256, size=(77,))), _equalise, (1,)),
    Case("integral_rows", "image/statistics.cu", "integral_rows", _make_integral,
         (Launch(3, 64, size=(5, 75)), Launch(2, 32, size=(2, 20))),
         lambda launch, src, *_: [src.astype(u32).cumsum(1)], (1,)),
    Case("integral_columns", "image/statistics.cu", "integral_columns", _make_columns,
         (Launch(2, 32, size=(9, 50)),),
         lambda launch, sums, *_: [sums.cumsum(0, dtype=u32)]),
    Case("box_mean", "image/statistics.cu", "box_mean", _make_box, SIZES, _box, (1,)),
    Case("nms_mask", "image/nms.cu", "nms_mask", _make_nms,
         (Launch((2, 2), 64, size=(100,)), Launch((1, 1), 64, size=(9,))), _nms, (3,)),
    Case("thin_edges", "image/nms.cu", "thin_edges", _make_thin, SIZES, _thin, (2,)),
    Case("mandelbrot", "image/fractals.cu", "mandelbrot<double>", _make_mandelbrot,
         SIZES, _mandelbrot),
    Case("julia", "image/fractals.cu", "julia", _make_julia, SIZES, _julia,
         tolerances={"float32": Tolerance(1e-3, 1e-3, "six squarings double a relative error each")}),
)  # fmt: skip
