"""Activations, gates, dropout, residuals and casts: elementwise kernels of networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
from scipy import special

from tests.corpus.cuda_cpp.case import EXACT, Arguments, Case, Launch, Tolerance, blocks, record

f16, f32, f64, i32, u32 = np.float16, np.float32, np.float64, np.int32, np.uint32
bf16 = ml_dtypes.bfloat16
Make = Callable[[np.random.Generator, Launch], Arguments]

LINES = tuple(Launch(blocks(n, t), t, size=(n,)) for n, t in ((1000, 128), (77, 32), (256, 256)))
STRIDED = tuple(Launch(g, t, size=(n,)) for n, g, t in ((1000, 3, 64), (77, 5, 32)))


def _normal(rng: np.random.Generator, shape: Any, dtype: Any = f32, scale: float = 2) -> Any:
    return (scale * rng.standard_normal(shape)).astype(dtype)


# ----------------------------------------------------------------------------------------- GELU


def _make_gelu(rng: np.random.Generator, launch: Launch) -> Arguments:
    x = _normal(rng, launch.size)
    return x, np.zeros_like(x), i32(launch.size[0])


def _inner(x: Any) -> Any:
    return np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)


def _gelu(launch: Launch, x: Any, *_: Any) -> list[Any]:
    x = x.astype(f64)
    return [0.5 * x * (1 + np.tanh(_inner(x)))]


def _make_gelu_backward(rng: np.random.Generator, launch: Launch) -> Arguments:
    x = _normal(rng, launch.size)
    return x, _normal(rng, launch.size), np.zeros_like(x), i32(launch.size[0])


def _gelu_backward(launch: Launch, x: Any, dy: Any, *_: Any) -> list[Any]:
    x = x.astype(f64)
    tanh = np.tanh(_inner(x))
    slope = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x**2)
    return [dy * 0.5 * (1 + tanh + x * (1 - tanh**2) * slope)]


# ------------------------------------------------------------------------------------- functors

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "Relu": lambda x: np.maximum(x, 0),
    "GeluErf": lambda x: 0.5 * x * (1 + special.erf(x / np.sqrt(2))),
    "Sigmoid": special.expit,
    "Swish": lambda x: x * special.expit(x),
}


def _make_bias(dtype: Any) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        rows, cols = launch.size
        x = _normal(rng, launch.size, dtype)
        return np.zeros_like(x), x, _normal(rng, cols, dtype), i32(rows), i32(cols)

    return make


def _bias(function: str) -> Callable[..., list[Any]]:
    return lambda launch, out, x, bias, *_: [FUNCTIONS[function](x.astype(f64) + bias)]


def _make_unary(dtype: Any, functor: np.void) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        x = _normal(rng, launch.size, dtype)
        return np.zeros_like(x), x, np.int64(launch.size[0]), functor

    return make


def _leaky(launch: Launch, out: Any, x: Any, n: Any, f: Any) -> list[Any]:
    return [np.where(x >= 0, x, f["slope"].astype(f64) * x)]


def _clamp(launch: Launch, out: Any, x: Any, n: Any, f: Any) -> list[Any]:
    return [np.clip(x, f["low"], f["high"])]


def _composed(launch: Launch, out: Any, x: Any, n: Any, f: Any) -> list[Any]:
    return [FUNCTIONS["Swish"](np.clip(x, f["low"], f["high"]).astype(f64))]


# ------------------------------------------------------------------------------- gates, dropout


def _make_gate(dtype: Any) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        tokens, d = launch.size
        return _normal(rng, (tokens, 2, d), dtype), np.zeros((tokens, d), dtype), i32(d)

    return make


def _gate(function: str) -> Callable[..., list[Any]]:
    def reference(launch: Launch, x: Any, out: Any, d: Any) -> list[Any]:
        x = x.astype(f64)
        return [FUNCTIONS[function](x[:, 0]) * x[:, 1]]

    return reference


def _make_swiglu_backward(rng: np.random.Generator, launch: Launch) -> Arguments:
    return *(_normal(rng, launch.size) for _ in range(3)), i32(launch.size[0])


def _swiglu_backward(launch: Launch, *a: Any) -> list[Any]:
    d, g, u = (v.astype(f64) for v in a[:3])
    s = special.expit(g)
    return [d * u * (s + g * s * (1 - s)), d * g * s]


def _mix32(counter: Any, seed: Any) -> Any:
    h = (counter.astype(np.uint64) * 0x9E3779B9 + int(seed)).astype(u32)
    h ^= h >> u32(16)
    h *= u32(0x85EBCA6B)
    h ^= h >> u32(13)
    h *= u32(0xC2B2AE35)
    return h ^ h >> u32(16)


def _make_dropout(rng: np.random.Generator, launch: Launch) -> Arguments:
    x = _normal(rng, launch.size)
    seed = u32(rng.integers(1 << 32))
    return np.zeros_like(x), np.full(x.shape, 2, np.uint8), x, i32(x.size), f32(0.3), seed


def _dropout(launch: Launch, out: Any, mask: Any, x: Any, n: Any, p: Any, seed: Any) -> list[Any]:
    keep = (_mix32(np.arange(n), seed) >> u32(8)) / 2.0**24 >= p
    return [np.where(keep, x / (1 - f64(p)), 0), keep]


def _make_bias_dropout(rng: np.random.Generator, launch: Launch) -> Arguments:
    cols = launch.size[1]
    x, residual = _normal(rng, launch.size), _normal(rng, launch.size)
    scalars = i32(x.size // 4), i32(cols), f32(0.25), u32(rng.integers(1 << 32))
    return np.zeros_like(x), x, residual, _normal(rng, cols), *scalars


def _bias_dropout(launch: Launch, *a: Any) -> list[Any]:
    _, x, residual, bias, _, _, p, seed = a
    drop = _mix32(np.arange(x.size), seed).reshape(x.shape) < 2**32 * f64(p)
    return [residual + np.where(drop, 0, (x.astype(f64) + bias) / (1 - f64(p)))]


# ----------------------------------------------------------------------------- packs and casts


def _make_residual(dtype: Any) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        a, b = _normal(rng, launch.size, dtype), _normal(rng, launch.size, dtype)
        return a, b, np.zeros_like(a), i32(a.size)

    return make


def _residual(launch: Launch, a: Any, b: Any, out: Any, n: Any) -> list[Any]:
    return [(a.astype(f32) + b.astype(f32)).astype(out.dtype).astype(f64)]


def _make_haxpy(rng: np.random.Generator, launch: Launch) -> Arguments:
    (n,) = launch.size
    return i32(n), f16(rng.uniform(-2, 2)), _normal(rng, n, f16), _normal(rng, n, f16)


def _haxpy(launch: Launch, n: Any, a: Any, x: Any, y: Any) -> list[Any]:
    # a product of halves is exact in float64, and the sum almost always is: one rounding
    return [np.maximum((f64(a) * x.astype(f64) + y.astype(f64)).astype(f16), f16(0)).astype(f64)]


def _make_cast(source: Any, target: Any, size: Any = np.uint64) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        x = _normal(rng, launch.size, source, 100)
        return np.zeros(launch.size, target), x, size(x.size)

    return make


def _cast(launch: Launch, out: Any, x: Any, n: Any) -> list[Any]:
    return [x.astype(f32).astype(out.dtype).astype(f64)]


def _make_to_bits(rng: np.random.Generator, launch: Launch) -> Arguments:
    x = _normal(rng, launch.size)
    return np.zeros(x.shape, np.uint16), x, i32(x.size)


def _to_bits(launch: Launch, out: Any, x: Any, n: Any) -> list[Any]:
    return [x.astype(bf16).view(np.uint16)]


def _make_from_bits(rng: np.random.Generator, launch: Launch) -> Arguments:
    bits = _normal(rng, launch.size, bf16).view(np.uint16)
    return np.zeros(bits.shape, f32), bits, i32(bits.size)


def _from_bits(launch: Launch, out: Any, bits: Any, n: Any) -> list[Any]:
    return [bits.view(bf16).astype(f64)]


# --------------------------------------------------------------------------------- at run time

SELECTED: tuple[Callable[[Any], Any], ...] = (
    lambda x: x,
    lambda x: np.maximum(x, 0),
    special.expit,
    np.tanh,
    lambda x: np.logaddexp(x, 0),
    lambda x: x * np.tanh(np.logaddexp(x, 0)),
    lambda x: x * np.clip(x + 3, 0, 6) / 6,
)


def _make_select(rng: np.random.Generator, launch: Launch) -> Arguments:
    n, kind = launch.size
    return _normal(rng, n, scale=10), i32(n), i32(kind)


def _select(launch: Launch, x: Any, n: Any, kind: Any) -> list[Any]:
    return [SELECTED[kind](x.astype(f64))]


def _make_prelu(rng: np.random.Generator, launch: Launch) -> Arguments:
    _, channels, inner = launch.size
    x, dy = _normal(rng, launch.size), _normal(rng, launch.size)
    scalars = i32(x.size), i32(channels), i32(inner)
    slope = rng.uniform(0.1, 0.4, channels).astype(f32)
    return x, dy, slope, np.zeros_like(x), np.zeros(channels, f32), *scalars


def _prelu(launch: Launch, x: Any, dy: Any, slope: Any, *_: Any) -> list[Any]:
    x, dy, slope = x.astype(f64), dy.astype(f64), slope.astype(f64)[:, None]
    return [np.where(x > 0, dy, slope * dy), np.where(x > 0, 0, dy * x).sum((0, 2))]


ROWS = (Launch(3, 64, size=(5, 37)), Launch(1, 96, size=(9, 20)))
TOKENS = (Launch(4, 64, size=(4, 100)), Launch(3, 32, size=(3, 9)))
PACKS = (Launch(5, 32, size=(600,)), Launch(2, 64, size=(333,)), Launch(1, 32, size=(5,)))
ROUNDED = Tolerance(4e-3, 2e-3, "the gate is rounded to half before the product is")

CASES = (
    Case("gelu_tanh", "activation/gelu.cu", "gelu_tanh", _make_gelu, LINES, _gelu, (1,)),
    Case(
        "gelu_tanh_backward", "activation/gelu.cu", "gelu_tanh_backward", _make_gelu_backward,
        LINES, _gelu_backward, (2,),
    ),
    *(
        Case(
            f"bias_{function.lower()}_{name}", "activation/functors.cu",
            f"bias_activation<{name}, {function}>", _make_bias(dtype), ROWS, _bias(function),
        )
        for function, name, dtype in (
            ("Relu", "float", f32), ("GeluErf", "float", f32), ("GeluErf", "double", f64),
            ("Swish", "float", f32),
        )
    ),
    Case(
        "functor_leaky_relu", "activation/functors.cu", "unary<float, LeakyRelu<float>>",
        _make_unary(f32, record(slope=f32(0.125))), LINES, _leaky, tolerances={"float32": EXACT},
    ),
    Case(
        "functor_clamp_double", "activation/functors.cu", "unary<double, Clamp<double> >",
        _make_unary(f64, record(low=f64(-1.5), high=f64(0.75))), LINES, _clamp,
        tolerances={"float64": EXACT},
    ),
    Case(
        "functor_composed", "activation/functors.cu",
        "unary<float, Compose<Swish<float>, Clamp<float>>>",
        _make_unary(f32, record(empty=np.uint8(0), low=f32(-1), high=f32(2))), LINES, _composed,
    ),
    Case(
        "silu_and_multiply", "activation/gated.cu", "gate_and_multiply<float, silu<float>>",
        _make_gate(f32), TOKENS, _gate("Swish"), (1,),
    ),
    Case(
        "gelu_and_multiply_half", "activation/gated.cu",
        "gate_and_multiply<__half, gelu_erf<__half>>", _make_gate(f16), TOKENS, _gate("GeluErf"),
        (1,),
        tolerances={"float16": ROUNDED},
    ),
    Case(
        "swiglu_backward", "activation/gated.cu", "swiglu_backward_inplace", _make_swiglu_backward,
        LINES, _swiglu_backward, (1, 2),
    ),
    Case(
        "dropout_hash", "activation/dropout.cu", "dropout_forward", _make_dropout, STRIDED,
        _dropout, (0, 1),
    ),
    Case(
        "bias_dropout_residual", "activation/dropout.cu", "bias_dropout_residual",
        _make_bias_dropout, (Launch(2, 64, size=(6, 44)), Launch(4, 32, size=(5, 100))),
        _bias_dropout,
    ),
    *(
        Case(
            f"residual_packed_{name}", "activation/packed.cu", f"residual_add<{spelling}>",
            _make_residual(dtype), PACKS, _residual, (2,), tolerances={np.dtype(dtype).name: EXACT},
        )
        for name, spelling, dtype in (
            ("float", "float", f32), ("half", "__half", f16), ("bfloat16", "__nv_bfloat16", bf16),
        )
    ),
    Case(
        "haxpy_relu", "activation/packed.cu", "haxpy_relu", _make_haxpy,
        (Launch(2, 64, size=(301,)), Launch(1, 32, size=(64,))), _haxpy, (3,),
        tolerances={"float16": Tolerance(1e-3, 1e-4, "float64 may round a tie twice")},
    ),
    *(
        Case(
            f"cast_{name}", "activation/packed.cu", f"cast_kernel<{to}, {source}>",
            _make_cast(a, b), LINES, _cast, tolerances={np.dtype(b).name: EXACT},
        )
        for name, to, source, a, b in (
            ("half_to_bfloat16", "__nv_bfloat16", "__half", f16, bf16),
            ("bfloat16_to_half", "__half", "__nv_bfloat16", bf16, f16),
            ("float_to_half", "__half", "float", f32, f16),
            ("float_to_bfloat16", "__nv_bfloat16", "float", f32, bf16),
        )
    ),
    Case(
        "bfloat16_bits_to_float", "activation/packed.cu", "bf16_bits_to_float", _make_from_bits,
        LINES, _from_bits, tolerances={"float32": EXACT},
    ),
    Case(
        "float_to_bfloat16_bits", "activation/packed.cu", "float_to_bf16_bits", _make_to_bits,
        LINES, _to_bits,
    ),
    Case(
        "activation_switch", "activation/select.cu", "apply_activation", _make_select,
        tuple(Launch(2, 64, size=(150 + k, k)) for k in range(7)), _select,
    ),
    Case(
        "prelu_backward", "activation/select.cu", "prelu_backward", _make_prelu,
        (Launch(2, 64, size=(3, 4, 17)), Launch(3, 32, size=(2, 2, 10))), _prelu, (3, 4),
    ),
)  # fmt: skip
