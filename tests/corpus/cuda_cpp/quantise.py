"""Quantising and back: int8 by row, channel, tensor, group; 4-bit groups and NormalFloat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.corpus.cuda_cpp.case import EXACT, Arguments, Case, Launch, Tolerance, blocks

f16, f32, f64, i8, i32, u8 = np.float16, np.float32, np.float64, np.int8, np.int32, np.uint8
LINES = tuple(Launch(blocks(n, t), t, size=(n,)) for n, t in ((500, 128), (77, 32)))
CHANNELS = (Launch(3, 64, size=(2, 4, 20)), Launch(1, 128, size=(1, 3, 37)))


def _normal(rng: np.random.Generator, shape: Any) -> Any:
    return rng.standard_normal(shape).astype(f32)


# ------------------------------------------------------------------------------------ eight bits


def _make_rows(rng: np.random.Generator, launch: Launch) -> Arguments:
    x = _normal(rng, launch.size)
    x[-1] = 0
    return x, np.zeros(x.shape, i8), np.zeros(len(x), f32), i32(x.shape[1])


def _rows(launch: Launch, x: Any, *_: Any) -> list[Any]:
    largest = np.abs(x).max(1, keepdims=True)
    inverse = np.divide(f32(127), largest, out=np.zeros_like(largest), where=largest != 0)
    return [np.rint(x * inverse), largest[:, 0] / f32(127)]


def _make_absmax(rng: np.random.Generator, launch: Launch) -> Arguments:
    (n,) = launch.size
    return _normal(rng, n), np.zeros(1, f32), i32(n)


def _absmax(launch: Launch, x: Any, *_: Any) -> list[Any]:
    return [np.abs(x).max()]


def _channel_parameters(rng: np.random.Generator, launch: Launch) -> tuple[Any, ...]:
    _, channels, inner = launch.size
    scale = rng.uniform(0.01, 0.02, channels).astype(f32)
    zero = rng.integers(100, 156, channels).astype(i32)
    return scale, zero, i32(channels), i32(inner), i32(np.prod(launch.size))


def _make_quantise(rng: np.random.Generator, launch: Launch) -> Arguments:
    x = _normal(rng, launch.size)
    return x, np.zeros(x.shape, u8), *_channel_parameters(rng, launch)


def _quantise(launch: Launch, x: Any, q: Any, scale: Any, zero: Any, *_: Any) -> list[Any]:
    return [np.clip(np.rint(x / scale[:, None]) + zero[:, None], 0, 255)]


def _make_dequantise(rng: np.random.Generator, launch: Launch) -> Arguments:
    q = rng.integers(0, 256, launch.size).astype(u8)
    return q, np.zeros(q.shape, f32), *_channel_parameters(rng, launch)


def _dequantise(launch: Launch, q: Any, x: Any, scale: Any, zero: Any, *_: Any) -> list[Any]:
    return [(q.astype(i32) - zero[:, None]) * scale[:, None].astype(f64)]


def _make_fake(rng: np.random.Generator, launch: Launch) -> Arguments:
    x = 2 * _normal(rng, launch.size)
    limits = i32(3), i32(-128), i32(127)
    return x, np.zeros_like(x), np.zeros(x.shape, np.bool_), f32(0.02), *limits, i32(x.size)


def _fake(
    launch: Launch, x: Any, y: Any, mask: Any, scale: Any, zero: Any, low: Any, high: Any, n: Any
) -> list[Any]:
    q = np.rint(x * (f32(1) / scale)) + zero
    return [(np.clip(q, low, high) - zero) * f64(scale), (q >= low) & (q <= high)]


def _make_fours(rng: np.random.Generator, launch: Launch) -> Arguments:
    (n,) = launch.size
    return 2 * _normal(rng, (n, 4)), np.zeros((n, 4), i8), f32(50), i32(n)


def _fours(launch: Launch, x: Any, q: Any, inverse: Any, n: Any) -> list[Any]:
    return [np.clip(np.rint(x * inverse), -128, 127)]


# ------------------------------------------------------------------------- groups, as structs

GROUP8 = np.dtype([("scale", f16), ("q", i8, 32)])
GROUP4 = np.dtype([("scale", f16), ("q", u8, 16)])


def _as_bytes(groups: Any) -> Any:
    return groups.view(u8)


def _make_group8(rng: np.random.Generator, launch: Launch) -> Arguments:
    (n,) = launch.size
    x = _normal(rng, n)
    x[:32] = 0
    return x, _as_bytes(np.zeros(n // 32, GROUP8)), i32(n)


def _group8(launch: Launch, x: Any, *_: Any) -> list[Any]:
    x = x.reshape(-1, 32)
    scale = np.abs(x).max(1, keepdims=True) / f32(127)
    ratio = np.divide(x, scale, out=np.zeros_like(x), where=scale != 0)
    groups = np.zeros(len(x), GROUP8)
    groups["scale"] = scale[:, 0]
    groups["q"] = np.sign(ratio) * np.floor(np.abs(ratio) + f32(0.5))  # halves away from zero
    return [_as_bytes(groups)]


def _groups(rng: np.random.Generator, n: int, dtype: Any) -> Any:
    groups = np.zeros(n, dtype)
    groups["scale"] = rng.uniform(0.01, 0.1, n)
    kind = dtype["q"].base
    groups["q"] = rng.integers(0, 256, groups["q"].shape).astype(u8).view(kind)
    return groups


def _make_unpack(dtype: Any) -> Callable[[np.random.Generator, Launch], Arguments]:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        (n,) = launch.size
        return _as_bytes(_groups(rng, n // 32, dtype)), np.zeros(n, f32), np.int64(n)

    return make


def _unpacked8(data: Any) -> Any:
    groups = data.view(GROUP8)
    return groups["scale"][:, None].astype(f64) * groups["q"]


def _unpack8(launch: Launch, data: Any, *_: Any) -> list[Any]:
    return [_unpacked8(data)]


def _unpack4(launch: Launch, data: Any, *_: Any) -> list[Any]:
    groups = data.view(GROUP4)
    q = np.concatenate([groups["q"] & 15, groups["q"] >> 4], 1).astype(f64) - 8
    return [groups["scale"][:, None].astype(f64) * q]


def _make_gemv8(rng: np.random.Generator, launch: Launch) -> Arguments:
    rows, count = launch.size
    data = _as_bytes(_groups(rng, rows * count, GROUP8))
    return data, _normal(rng, 32 * count), np.zeros(rows, f32), i32(count)


def _gemv8(factor: float) -> Callable[..., list[Any]]:
    def reference(launch: Launch, data: Any, x: Any, *_: Any) -> list[Any]:
        return [factor * (_unpacked8(data).reshape(launch.size[0], -1) @ x)]

    return reference


# -------------------------------------------------------------------------------------- four bits


def _make_gemv4(group: int) -> Callable[[np.random.Generator, Launch], Arguments]:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        oc, ic = launch.size
        words = rng.integers(0, 1 << 32, (oc, ic // 8), np.uint64).astype(np.uint32)
        scales = rng.uniform(0.01, 0.05, (oc, ic // group)).astype(f16)
        zeros = rng.integers(0, 16, scales.shape).astype(u8)
        x = rng.standard_normal(ic).astype(f16)
        return x, words, scales, zeros, np.zeros(oc, f16), i32(ic), i32(oc)

    return make


def _gemv4(launch: Launch, x: Any, words: Any, scales: Any, zeros: Any, *_: Any) -> list[Any]:
    oc, ic = launch.size
    q = (words[..., None] >> np.arange(0, 32, 4, dtype=np.uint32)) & np.uint32(15)
    q = q.reshape(oc, scales.shape[1], -1).astype(f64)
    w = scales[..., None].astype(f64) * (q - zeros[..., None])
    return [w.reshape(oc, ic) @ x.astype(f64)]


NF4 = np.array(
    [
        -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453,
        -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0,
        0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
        0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
    ],
    f32,
)  # fmt: skip


def _make_to_nf4(rng: np.random.Generator, launch: Launch) -> Arguments:
    n, size = launch.size
    outputs = np.zeros(blocks(n, 2), u8), np.zeros(blocks(n, size), f32)
    return _normal(rng, n), *outputs, i32(n), i32(size)


def _to_nf4(launch: Launch, x: Any, *_: Any) -> list[Any]:
    n, size = launch.size
    padded = np.zeros(blocks(n, size) * size, f32)
    padded[:n] = x
    rows = padded.reshape(-1, size)
    largest = np.abs(rows).max(1)
    scaled = (rows * (f32(1) / largest)[:, None]).ravel()
    codes = np.abs(scaled[:, None] - NF4).argmin(1).astype(u8)
    codes[n:] = 0
    return [(codes[::2] << 4 | codes[1::2])[: blocks(n, 2)], largest]


def _make_from_nf4(rng: np.random.Generator, launch: Launch) -> Arguments:
    n, size = launch.size
    codes = rng.integers(0, 256, blocks(n, 2)).astype(u8)
    largest = rng.uniform(0.5, 2, blocks(n, size)).astype(f32)
    return codes, largest, np.zeros(n, f32), i32(n), i32(size)


def _from_nf4(launch: Launch, codes: Any, largest: Any, *_: Any) -> list[Any]:
    n, size = launch.size
    values = NF4[np.stack([codes >> 4, codes & 15], 1).ravel()[:n]]
    return [values.astype(f64) * np.repeat(largest, size)[:n]]


INT8, BLOCKS, INT4 = "quantise/int8.cu", "quantise/blocks.cu", "quantise/int4_gemv.cu"
SUMS = Tolerance(2e-5, 2e-4, "sums of a hundred terms that cancel")

CASES = (
    Case(
        "quantise_rows", INT8, "quantize_rows<64>", _make_rows,
        (Launch(4, 64, size=(4, 150)), Launch(2, 64, size=(2, 9))), _rows, (1, 2),
        tolerances={"float32": EXACT},
    ),
    Case(
        "absmax_tensor", INT8, "absmax_tensor", _make_absmax,
        (Launch(3, 64, size=(1000,)), Launch(2, 32, size=(40,))), _absmax, (1,),
        tolerances={"float32": EXACT},
    ),
    Case("quantise_per_channel", INT8, "quantize_per_channel", _make_quantise, CHANNELS, _quantise,
    (1,)),
    Case(
        "dequantise_per_channel", INT8, "dequantize_per_channel", _make_dequantise, CHANNELS,
        _dequantise, (1,),
    ),
    Case("fake_quantise", INT8, "fake_quantise", _make_fake, LINES, _fake, (1, 2)),
    Case("quantise_float4", INT8, "quantize_x4", _make_fours, LINES, _fours, (1,)),
    Case(
        "quantise_groups_int8", BLOCKS, "quantise_group8", _make_group8,
        (Launch(3, 64, size=(160,)), Launch(1, 128, size=(96,))), _group8, (1,),
    ),
    Case(
        "dequantise_groups_int8", BLOCKS, "dequantise_groups<Unpack8>", _make_unpack(GROUP8),
        (Launch(2, 64, size=(224,)), Launch(1, 32, size=(32,))), _unpack8, (1,),
    ),
    Case(
        "dequantise_groups_int4", BLOCKS, "dequantise_groups<Unpack4>", _make_unpack(GROUP4),
        (Launch(2, 64, size=(224,)), Launch(1, 32, size=(32,))), _unpack4, (1,),
    ),
    *(
        Case(
            f"gemv_groups_{function}", BLOCKS, f"gemv_group8<{function}>", _make_gemv8,
            (Launch(5, 32, size=(5, 3)), Launch(2, 32, size=(2, 1))), _gemv8(factor), (2,),
            tolerances={"float32": SUMS},
        )
        for function, factor in (("plain", 1), ("halved", 0.5))
    ),
    *(
        Case(
            f"gemv_int4_group_{group}", INT4, "gemv_int4", _make_gemv4(group),
            (Launch(2, (32, 4), size=(7, 512)), Launch(3, (32, 1), size=(3, 128))), _gemv4, (4,),
            options=options,
        )
        for group, options in ((64, ()), (128, ("-DGROUP_SIZE=128",)))
    ),
    Case(
        "quantise_nf4", INT4, "quantize_nf4", _make_to_nf4,
        (Launch(3, 32, 128, (190, 64)), Launch(2, 64, 256, (127, 64))), _to_nf4, (1, 2),
        tolerances={"float32": EXACT},
    ),
    Case(
        "dequantise_nf4", INT4, "dequantize_nf4", _make_from_nf4,
        (Launch(2, 64, size=(201, 64)), Launch(1, 32, size=(64, 32))), _from_nf4, (2,),
    ),
)  # fmt: skip
