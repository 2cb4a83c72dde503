"""Layer, RMS, batch, group and instance normalisation, forwards and backwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from tests.corpus.cuda_cpp.case import Arguments, Case, Launch, Tolerance, blocks, record

f16, f32, f64, i32 = np.float16, np.float32, np.float64, np.int32
bf16 = ml_dtypes.bfloat16
Make = Callable[[np.random.Generator, Launch], Arguments]


def _normal(rng: np.random.Generator, shape: Any, dtype: Any = f32) -> Any:
    return rng.standard_normal(shape).astype(dtype)


def _normalised(x: Any, axis: Any = -1, eps: float = 1e-5) -> tuple[Any, Any, Any]:
    """x normalised in float64, its mean, and the inverse of its standard deviation."""
    x = x.astype(f64)
    mean = x.mean(axis, keepdims=True)
    rstd = 1 / np.sqrt(x.var(axis, keepdims=True) + eps)
    return (x - mean) * rstd, mean, rstd


# ------------------------------------------------------------------------------------ layer norm


def _make_layernorm(keep_statistics: bool) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        rows, width = launch.size
        x = _normal(rng, launch.size) + f32(0.5)
        statistics = [np.zeros(rows, f32) if keep_statistics else None for _ in range(2)]
        gain, shift = _normal(rng, width), _normal(rng, width)
        return x, gain, shift, np.zeros_like(x), *statistics, i32(rows), i32(width)

    return make


def _layernorm(launch: Launch, x: Any, gain: Any, shift: Any, *rest: Any) -> list[Any]:
    hat, mean, rstd = _normalised(x)
    y = hat * gain + shift
    return [y] if rest[1] is None else [y, mean[:, 0], rstd[:, 0]]


def _make_layernorm_backward(rng: np.random.Generator, launch: Launch) -> Arguments:
    rows, width = launch.size
    x = _normal(rng, launch.size)
    _, mean, rstd = _normalised(x)
    return (
        _normal(rng, launch.size), x, _normal(rng, width), mean[:, 0].astype(f32),
        rstd[:, 0].astype(f32), _normal(rng, launch.size), _normal(rng, width),
        _normal(rng, width), i32(rows), i32(width),
    )  # fmt: skip


def _layernorm_backward(launch: Launch, *a: Any) -> list[Any]:
    dy, x, gain, mean, rstd, dx, dgain, dshift = (v.astype(f64) for v in a[:8])
    hat = (x - mean[:, None]) * rstd[:, None]
    g = dy * gain
    dx += rstd[:, None] * (g - g.mean(-1, keepdims=True) - hat * (g * hat).mean(-1, keepdims=True))
    return [dx, dgain + (dy * hat).sum(0), dshift + dy.sum(0)]


def _make_x4(rng: np.random.Generator, launch: Launch) -> Arguments:
    x = _normal(rng, launch.size)
    return x, np.zeros_like(x), f32(1.5), f32(-0.25)


def _x4(launch: Launch, x: Any, y: Any, gain: Any, shift: Any) -> list[Any]:
    return [_normalised(x)[0] * gain + shift]


def _make_half2(rng: np.random.Generator, launch: Launch) -> Arguments:
    width = launch.size[1]
    x = _normal(rng, launch.size, f16)
    gain, shift = _normal(rng, width, f16), _normal(rng, width, f16)
    return x, np.zeros_like(x), gain, shift, i32(width // 2)


def _half2(launch: Launch, x: Any, y: Any, gamma: Any, beta: Any, pairs: Any) -> list[Any]:
    return [_normalised(x)[0] * gamma.astype(f64) + beta]


def _make_welford(dtype: Any) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        rows, cols = launch.size
        x = _normal(rng, launch.size, dtype) + dtype(3)
        return (
            x,
            np.zeros_like(x),
            np.zeros(rows, dtype),
            np.zeros(rows, dtype),
            i32(cols),
            dtype(1e-5),
        )

    return make


def _welford(launch: Launch, x: Any, *_: Any) -> list[Any]:
    hat, mean, rstd = _normalised(x)
    return [hat, mean[:, 0], rstd[:, 0]]


# -------------------------------------------------------------------------------------- RMS norm


def _rms(x: Any, eps: float) -> Any:
    return 1 / np.sqrt((x.astype(f64) ** 2).mean(-1, keepdims=True) + eps)


def _make_rms_h8(rng: np.random.Generator, launch: Launch) -> Arguments:
    x = _normal(rng, launch.size, f16)
    return x, np.zeros_like(x), f32(1.25), i32(launch.size[1])


def _rms_h8(launch: Launch, x: Any, y: Any, gain: Any, columns: Any) -> list[Any]:
    return [x.astype(f64) * _rms(x, 1e-5) * gain]


def _make_rms(dtype: Any) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        x = _normal(rng, launch.size, dtype)
        weight = _normal(rng, launch.size[1], dtype)
        return x, weight, np.zeros_like(x), f32(1e-6), i32(launch.size[1])

    return make


def _rms_norm(launch: Launch, x: Any, weight: Any, out: Any, eps: Any, hidden: Any) -> list[Any]:
    return [x.astype(f64) * _rms(x, eps) * weight.astype(f64)]


def _make_add_rms(dtype: Any) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        x, residual = _normal(rng, launch.size, dtype), _normal(rng, launch.size, dtype)
        return x, residual, _normal(rng, launch.size[1], dtype), f32(1e-6), i32(launch.size[1])

    return make


def _add_rms(launch: Launch, x: Any, residual: Any, weight: Any, eps: Any, n: Any) -> list[Any]:
    total = x.astype(f64) + residual.astype(f64)
    return [total * _rms(total, eps) * weight.astype(f64), total]


def _make_rms_backward(rng: np.random.Generator, launch: Launch) -> Arguments:
    n = launch.size[1]
    x, grad = _normal(rng, launch.size), _normal(rng, launch.size)
    weight, dweight = _normal(rng, n), np.zeros(n, f32)
    return grad, x, weight, np.zeros_like(x), dweight, i32(n), f32(1e-5)


def _rms_backward(launch: Launch, *a: Any) -> list[Any]:
    grad, x, weight = (v.astype(f64) for v in a[:3])
    r = _rms(x, 1e-5)
    g = grad * weight
    dx = r * (g - x * r**2 * (g * x).mean(-1, keepdims=True))
    return [dx, (grad * x * r).sum(0)]


# ----------------------------------------------------------------------------- batch and groups


def _parameters(launch: Launch) -> np.void:
    n, c, hw = launch.size
    return record(N=i32(n), C=i32(c), HW=i32(hw), eps=f32(1e-5), momentum=f32(0.1))


def _make_batch(rng: np.random.Generator, launch: Launch) -> Arguments:
    c = launch.size[1]
    x = _normal(rng, launch.size) + f32(0.25)
    gamma, beta, mean = (_normal(rng, c) for _ in range(3))
    zeros = [np.zeros(c, f32) for _ in range(2)]
    variance = rng.uniform(0.5, 2, c).astype(f32)
    return x, gamma, beta, np.zeros_like(x), *zeros, mean, variance, _parameters(launch)


def _batch(launch: Launch, *a: Any) -> list[Any]:
    x, gamma, beta, _, _, _, running_mean, running_var = (v.astype(f64) for v in a[:8])
    hat, mean, rstd = _normalised(x, (0, 2))
    unbiased = x.var((0, 2), ddof=1)
    return [
        hat * gamma[:, None] + beta[:, None], mean.ravel(), rstd.ravel(),
        0.9 * running_mean + 0.1 * mean.ravel(), 0.9 * running_var + 0.1 * unbiased,
    ]  # fmt: skip


def _make_inference(rng: np.random.Generator, launch: Launch) -> Arguments:
    n, c, hw = launch.size
    mean, gamma, beta = (_normal(rng, c) for _ in range(3))
    variance = rng.uniform(0.5, 2, c).astype(f32)
    x = _normal(rng, launch.size)
    return x, mean, variance, gamma, beta, i32(n * c * hw), i32(c), i32(hw), f32(1e-5)


def _inference(launch: Launch, *a: Any) -> list[Any]:
    x, mean, var, gamma, beta = (v.astype(f64) for v in a[:5])
    scale = gamma / np.sqrt(var + 1e-5)
    return [(x - mean[:, None]) * scale[:, None] + beta[:, None]]


def _make_batch_backward(rng: np.random.Generator, launch: Launch) -> Arguments:
    c = launch.size[1]
    x = _normal(rng, launch.size)
    _, mean, rstd = _normalised(x, (0, 2))
    outputs = np.zeros_like(x), np.zeros(c, f32), np.zeros(c, f32)
    saved = mean.ravel().astype(f32), rstd.ravel().astype(f32)
    return _normal(rng, launch.size), x, *saved, _normal(rng, c), *outputs, _parameters(launch)


def _batch_backward(launch: Launch, *a: Any) -> list[Any]:
    dy, x, mean, rstd, gamma = (v.astype(f64) for v in a[:5])
    mean, rstd, gamma = mean[:, None], rstd[:, None], gamma[:, None]
    hat = (x - mean) * rstd
    means = [v.mean((0, 2))[:, None] for v in (dy, dy * hat)]
    dx = gamma * rstd * (dy - means[0] - hat * means[1])
    return [dx, (dy * hat).sum((0, 2)), dy.sum((0, 2))]


def _make_group(dtype: Any) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        n, c, hw, groups = launch.size
        x = _normal(rng, (n, c, hw), dtype)
        gamma, beta = _normal(rng, c), _normal(rng, c)
        return x, np.zeros_like(x), gamma, beta, i32(c), i32(hw), i32(groups), f32(1e-5)

    return make


def _group(affine: bool) -> Callable[..., list[Any]]:
    def reference(launch: Launch, x: Any, y: Any, gamma: Any, beta: Any, *_: Any) -> list[Any]:
        n, c, hw, groups = launch.size
        hat = _normalised(x.reshape(n, groups, -1))[0].reshape(n, c, hw)
        return [hat * gamma[:, None] + beta[:, None] if affine else hat]

    return reference


def _make_l2(rng: np.random.Generator, launch: Launch) -> Arguments:
    x = rng.standard_normal(launch.size)
    x[0] = 0
    return x, i32(launch.size[1]), f64(1e-12)


def _l2(launch: Launch, x: Any, n: Any, eps: Any) -> list[Any]:
    return [x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), eps)]


TILES = tuple(Launch(blocks(n, t // 32), t, size=(n, c)) for n, c, t in ((7, 70, 64), (5, 31, 96)))
IMAGES = (Launch(3, 128, size=(4, 3, 50)), Launch(5, 128, size=(2, 5, 9)))
HALF2 = Tolerance(4e-3, 8e-3, "each of the four half2 operations rounds to 11 bits")
SQUARES = Tolerance(5e-5, 5e-5, "the variance is a difference of sums of squares")

CASES = (
    Case(
        "layernorm_naive", "normalisation/layernorm.cu", "layernorm_naive", _make_layernorm(True),
        (Launch(2, 32, size=(40, 24)), Launch(1, 96, size=(7, 65))), _layernorm, (3, 4, 5),
    ),
    Case(
        "layernorm_tile", "normalisation/layernorm.cu", "layernorm_tile", _make_layernorm(True),
        TILES, _layernorm, (3, 4, 5),
    ),
    Case(
        "layernorm_tile_without_statistics", "normalisation/layernorm.cu", "layernorm_tile",
        _make_layernorm(False), TILES, _layernorm, (3,),
    ),
    Case(
        "layernorm_backward", "normalisation/layernorm.cu", "layernorm_backward",
        _make_layernorm_backward,
        tuple(Launch(blocks(n, t // 32), t, 8 * c, (n, c)) for n, c, t in ((9, 40, 128), (3, 70,
        64))),
        _layernorm_backward, (5, 6, 7),
    ),
    Case(
        "layernorm_float4", "normalisation/vectorised.cu", "layer_norm_x4<64>", _make_x4,
        (Launch(3, 64, size=(3, 256)),), _x4, (1,),
    ),
    Case(
        "layernorm_float4_small", "normalisation/vectorised.cu", "layer_norm_x4<32>", _make_x4,
        (Launch(5, 32, size=(5, 128)), Launch((2,), (32, 1), size=(2, 128))), _x4, (1,),
    ),
    Case(
        "layernorm_half2", "normalisation/vectorised.cu", "layer_norm_half2", _make_half2,
        (Launch(3, 32, size=(3, 128)), Launch(4, 32, size=(4, 50))), _half2, (1,),
        tolerances={"float16": HALF2},
    ),
    Case(
        "layernorm_welford_float", "normalisation/welford.cu", "welford_layer_norm<float, 3>",
        _make_welford(f32), (Launch(3, 96, size=(3, 200)), Launch(2, 96, size=(2, 11))),
        _welford, (1, 2, 3), tolerances={"float32": SQUARES},
    ),
    Case(
        "layernorm_welford_double", "normalisation/welford.cu", "welford_layer_norm<double, 1>",
        _make_welford(f64), (Launch(3, 32, size=(3, 65)),), _welford, (1, 2, 3),
    ),
    Case(
        "rms_norm_half8", "normalisation/vectorised.cu", "rms_norm_h8<64>", _make_rms_h8,
        (Launch(3, 64, size=(3, 512)), Launch(2, 64, size=(2, 200))), _rms_h8, (1,),
    ),
    *(
        Case(
            f"rms_norm_{name}", "normalisation/rmsnorm.cu", f"rms_norm<{spelling}>",
            _make_rms(dtype), (Launch(3, 64, size=(3, 100)), Launch(2, 48, size=(2, 31))),
            _rms_norm, (2,),
        )
        for name, spelling, dtype in (
            ("float", "float", f32), ("half", "__half", f16), ("bfloat16", "__nv_bfloat16", bf16),
        )
    ),
    Case(
        "add_rms_norm_float", "normalisation/rmsnorm.cu", "add_rms_norm<float>",
        _make_add_rms(f32), (Launch(3, 64, 520, (3, 130)), Launch(2, 32, 36, (2, 9))),
        _add_rms, (0, 1),
    ),
    Case(
        "add_rms_norm_bfloat16", "normalisation/rmsnorm.cu", "add_rms_norm<__nv_bfloat16>",
        _make_add_rms(bf16), (Launch(3, 96, 400, (3, 100)),), _add_rms, (0, 1),
    ),
    Case(
        "rms_norm_backward", "normalisation/rmsnorm.cu", "rms_norm_backward", _make_rms_backward,
        (Launch(6, 64, size=(6, 90)), Launch(3, 32, size=(3, 20))), _rms_backward, (3, 4),
    ),
    Case(
        "batch_norm_train", "normalisation/batch_group.cu", "batch_norm_train", _make_batch, IMAGES,
        _batch, (3, 4, 5, 6, 7), tolerances={"float32": SQUARES},
    ),
    Case(
        "batch_norm_inference", "normalisation/batch_group.cu", "batch_norm_inference",
        _make_inference, (Launch(3, 64, size=(2, 3, 50)), Launch(9, 32, size=(1, 4, 63))),
        _inference,
    ),
    Case(
        "batch_norm_backward", "normalisation/batch_group.cu", "batch_norm_backward",
        _make_batch_backward, IMAGES, _batch_backward, (5, 6, 7),
    ),
    Case(
        "group_norm_float", "normalisation/batch_group.cu", "group_norm<float, true>",
        _make_group(f32), (Launch((2, 3), 64, size=(3, 6, 20, 2)), Launch((3, 2), 64, size=(2, 3,
        65, 3))),
        _group(True), (1,),
    ),
    Case(
        "instance_norm_double", "normalisation/batch_group.cu", "group_norm<double, false>",
        _make_group(f64), (Launch((4, 2), 64, size=(2, 4, 30, 4)),), _group(False), (1,),
        tolerances={"float64": Tolerance(2e-5, 1e-5, "the statistics are float")},
    ),
    Case(
        "l2_normalise", "normalisation/batch_group.cu", "l2_normalize", _make_l2,
        (Launch(4, 32, size=(4, 50)), Launch(3, 32, size=(3, 7))), _l2,
    ),
)  # fmt: skip
