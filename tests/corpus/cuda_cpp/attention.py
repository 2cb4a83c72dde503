"""Attention: naive, in tiles, paged; positions, masks, caches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from tests.corpus.cuda_cpp.case import EXACT, Arguments, Case, Launch, Tolerance, blocks, record

f16, f32, f64, i32, i64 = np.float16, np.float32, np.float64, np.int32, np.int64
Make = Callable[[np.random.Generator, Launch], Arguments]


def _normal(rng: np.random.Generator, shape: Any, dtype: Any = f32) -> Any:
    return rng.standard_normal(shape).astype(dtype)


def _lines(count: Callable[..., int], *sizes: tuple[int, ...]) -> tuple[Launch, ...]:
    """A thread for each of ``count(size)``."""
    return tuple(Launch(blocks(count(*s), 64), 64, size=s) for s in sizes)


# ------------------------------------------------------------------------------------- positions


def _make_rope(rng: np.random.Generator, launch: Launch) -> Arguments:
    tokens, heads, dim = launch.size
    p = record(n_heads=i32(heads), head_dim=i32(dim), base=f32(10000), freq_scale=f32(0.5))
    return _normal(rng, launch.size), rng.integers(0, 50, tokens).astype(i32), p, i32(tokens)


def _rope(launch: Launch, x: Any, positions: Any, p: Any, tokens: Any) -> list[Any]:
    dim = launch.size[2]
    theta = positions[:, None, None] * 0.5 * 10000.0 ** (-np.arange(0, dim, 2) / dim)
    x = x.astype(f64).view(np.complex128)
    return [(x * np.exp(1j * theta)).view(f64)]


def _make_rope_table(dtype: Any) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        tokens, q_heads, k_heads, size, rotary = launch.size
        angle = rng.uniform(0, 6, (20, rotary // 2))
        table = np.concatenate([np.cos(angle), np.sin(angle)], 1).astype(dtype)
        q, k = (
            _normal(rng, (tokens, q_heads, size), dtype),
            _normal(rng, (tokens, k_heads, size), dtype),
        )
        scalars = i32(rotary), i32(q_heads), i32(k_heads), i32(size)
        return rng.integers(0, 20, tokens), q, k, table, *scalars

    return make


def _rope_table(neox: bool) -> Callable[..., list[Any]]:
    def reference(
        launch: Launch, positions: Any, q: Any, k: Any, table: Any, rotary: Any, *_: Any
    ) -> list[Any]:
        half = rotary // 2
        rows = table.astype(f64)[positions][:, None]
        c, s = rows[..., :half], rows[..., half:]
        results = []
        for x in (q.astype(f64), k.astype(f64)):
            first, second = (slice(0, half), slice(half, rotary)) if neox else (
                slice(0, rotary, 2), slice(1, rotary, 2)
            )  # fmt: skip
            a, b = x[..., first].copy(), x[..., second].copy()
            x[..., first], x[..., second] = a * c - b * s, b * c + a * s
            results.append(x)
        return results

    return reference


def _make_alibi(rng: np.random.Generator, launch: Launch) -> Arguments:
    heads, t = launch.size
    return _normal(rng, (heads, t, t)), i32(heads), i32(t)


def _alibi(launch: Launch, scores: Any, heads: Any, t: Any) -> list[Any]:
    distance = np.arange(t)[:, None] - np.arange(t)
    slope = 2.0 ** (-8 * np.arange(1, heads + 1) / heads)
    biased = scores - slope[:, None, None] * distance
    return [np.where(distance < 0, f64(np.finfo(f32).min), biased)]


# ----------------------------------------------------------------------------------- in launches


def _qkv(rng: np.random.Generator, launch: Launch) -> Any:
    b, t, heads, width = launch.size
    return _normal(rng, (b, t, 3, heads, width))


def _shape(launch: Launch) -> tuple[Any, ...]:
    b, t, heads, width = launch.size
    return i32(b), i32(t), i32(heads * width), i32(heads)


def _heads_first(qkv: Any) -> Any:
    """(B, T, 3, NH, HS) as (3, B, NH, T, HS), in float64."""
    return qkv.astype(f64).transpose(2, 0, 3, 1, 4)


def _make_scores(rng: np.random.Generator, launch: Launch) -> Arguments:
    b, t, heads, _ = launch.size
    return _qkv(rng, launch), np.zeros((b, heads, t, t), f32), *_shape(launch)


def _scores(launch: Launch, qkv: Any, *_: Any) -> list[Any]:
    q, k, _ = _heads_first(qkv)
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(launch.size[3])
    return [np.where(np.tri(launch.size[1], dtype=bool), scores, -np.inf)]


def _make_softmax(rng: np.random.Generator, launch: Launch) -> Arguments:
    b, t, heads, _ = launch.size
    scores = _normal(rng, (b, heads, t, t))
    return scores, np.zeros_like(scores), i32(b), i32(t), i32(heads)


def _causal(scores: Any, scale: float = 1) -> Any:
    visible = np.tri(scores.shape[-1], dtype=bool)
    return special.softmax(np.where(visible, scale * scores.astype(f64), -np.inf), -1)


def _softmax(launch: Launch, scores: Any, *_: Any) -> list[Any]:
    return [_causal(scores)]


def _make_values(rng: np.random.Generator, launch: Launch) -> Arguments:
    b, t, heads, width = launch.size
    weights = _causal(_normal(rng, (b, heads, t, t))).astype(f32)
    out = np.zeros((b, t, heads, width), f32)
    return weights, _qkv(rng, launch), out, *_shape(launch)


def _values(launch: Launch, weights: Any, qkv: Any, *_: Any) -> list[Any]:
    return [(weights.astype(f64) @ _heads_first(qkv)[2]).swapaxes(1, 2)]


def _make_permute(rng: np.random.Generator, launch: Launch) -> Arguments:
    b, t, heads, width = launch.size
    zeros = [np.zeros((b, heads, t, width), f32) for _ in range(3)]
    return *zeros, _qkv(rng, launch), i32(b), i32(t), i32(heads), i32(width)


def _permute(launch: Launch, q: Any, k: Any, v: Any, qkv: Any, *_: Any) -> list[Any]:
    return list(_heads_first(qkv))


def _make_merge(rng: np.random.Generator, launch: Launch) -> Arguments:
    b, t, heads, width = launch.size
    x = _normal(rng, (b, heads, t, width))
    return x, np.zeros((b, t, heads, width), f32), i32(b), i32(t), i32(heads), i32(width)


def _merge(launch: Launch, x: Any, *_: Any) -> list[Any]:
    return [x.swapaxes(1, 2)]


# ------------------------------------------------------------------------------- autoregressive


def _make_online(rng: np.random.Generator, launch: Launch) -> Arguments:
    n, t = launch.size
    scores = _normal(rng, (n, t, t)) * f32(3)
    return scores, np.zeros_like(scores), f32(0.25), i32(n), i32(t)


def _online(launch: Launch, scores: Any, out: Any, scale: Any, *_: Any) -> list[Any]:
    return [_causal(scores, scale)]  # beyond the diagonal the zeros stay


def _make_causal_backward(rng: np.random.Generator, launch: Launch) -> Arguments:
    n, t = launch.size
    out = _causal(_normal(rng, (n, t, t))).astype(f32)
    return _normal(rng, out.shape), out, np.full_like(out, 7), i32(t), f32(0.5)


def _causal_backward(launch: Launch, dout: Any, out: Any, d: Any, t: Any, scale: Any) -> list[Any]:
    p = out.astype(f64)
    return [scale * p * (dout - (p * dout).sum(-1, keepdims=True))]


# ----------------------------------------------------------------------------------- in tiles


def _attention(q: Any, k: Any, v: Any, scale: float, visible: Any = True) -> tuple[Any, Any]:
    """The output and the logarithm of the rows' sums of exponentials."""
    scores = q.astype(f64) @ k.astype(f64).swapaxes(-1, -2) * scale
    scores = np.where(visible, scores, -np.inf)
    return special.softmax(scores, -1) @ v.astype(f64), special.logsumexp(scores, -1)


def _make_flash_v1(rng: np.random.Generator, launch: Launch) -> Arguments:
    *_, tokens, width = launch.size
    q, k, v = (_normal(rng, launch.size) for _ in range(3))
    state = np.zeros(launch.size[:3], f32), np.full(launch.size[:3], -np.inf, f32)
    return q, k, v, np.zeros_like(q), *state, i32(tokens), i32(width), f32(width**-0.5)


def _flash_v1(launch: Launch, q: Any, k: Any, v: Any, *rest: Any) -> list[Any]:
    return [_attention(q, k, v, rest[-1])[0]]


def _make_flash(rng: np.random.Generator, launch: Launch) -> Arguments:
    heads, kv_heads, seq_q, seq_k, d = launch.size
    q, k, v = (
        _normal(rng, s) for s in ((heads, seq_q, d), (kv_heads, seq_k, d), (kv_heads, seq_k, d))
    )
    shape = record(
        seq_q=i32(seq_q), seq_k=i32(seq_k), heads=i32(heads), kv_heads=i32(kv_heads), scale=f32(0.5)
    )
    return q, k, v, np.zeros_like(q), np.zeros((heads, seq_q), f32), shape


def _flash(causal: bool) -> Callable[..., list[Any]]:
    def reference(launch: Launch, q: Any, k: Any, v: Any, *_: Any) -> list[Any]:
        heads, kv_heads, seq_q, seq_k, _ = launch.size
        k, v = (np.repeat(x, heads // kv_heads, 0) for x in (k, v))
        visible = np.tri(seq_q, seq_k, seq_k - seq_q, dtype=bool) if causal else True
        return list(_attention(q, k, v, 0.5, visible))

    return reference


def _make_staged(rng: np.random.Generator, launch: Launch) -> Arguments:
    q, k, v = (_normal(rng, launch.size) for _ in range(3))
    return q, k, v, np.zeros_like(q), i32(launch.size[1]), f32(0.35)


def _staged(launch: Launch, q: Any, k: Any, v: Any, out: Any, seq: Any, scale: Any) -> list[Any]:
    return [_attention(q, k, v, scale, np.tri(seq, dtype=bool))[0]]


def _make_paged(dtype: Any) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        sequences, heads, width, page, table_width = launch.size
        pages = sequences * table_width
        caches = [_normal(rng, (pages, page, heads, width), dtype) for _ in range(2)]
        table = rng.permutation(pages).astype(i32).reshape(sequences, table_width)
        lengths = rng.integers(1, page * table_width + 1, sequences).astype(i32)
        q = _normal(rng, (sequences, heads, width), dtype)
        scalars = f32(width**-0.5), i32(table_width), i32(heads)
        return np.zeros_like(q), q, *caches, table, lengths, *scalars

    return make


def _paged(launch: Launch, out: Any, q: Any, *rest: Any) -> list[Any]:
    k_cache, v_cache, table, lengths, scale = rest[:5]
    result = np.zeros(q.shape)
    for s, length in enumerate(lengths):
        k, v = (
            c[table[s]].reshape(-1, *q.shape[1:])[:length].swapaxes(0, 1)
            for c in (k_cache, v_cache)
        )
        result[s] = _attention(q[s][:, None], k, v, scale)[0][:, 0]
    return [result]


def _make_append(dtype: Any) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        tokens, heads, size, page, x = launch.size
        pages, stride = 4, heads * size + 3
        slots = rng.permutation(pages * page)[:tokens]
        slots[rng.integers(tokens)] = -1
        key, value = _normal(rng, (tokens, stride), dtype), _normal(rng, (tokens, stride), dtype)
        key_cache = np.zeros((pages, heads, size // x, page, x), dtype)
        value_cache = np.zeros((pages, heads, size, page), dtype)
        layout = record(heads=i32(heads), head_size=i32(size), page=i32(page), x=i32(x))
        return key, value, key_cache, value_cache, slots.astype(i64), i32(stride), layout

    return make


def _append(
    launch: Launch, key: Any, value: Any, keys: Any, values: Any, slots: Any, *_: Any
) -> list[Any]:
    _, heads, size, page, x = launch.size
    for token, slot in enumerate(slots):
        if slot >= 0:
            at, where = divmod(int(slot), page)
            keys[at, :, :, where] = key[token, : heads * size].reshape(heads, size // x, x)
            values[at, :, :, where] = value[token, : heads * size].reshape(heads, size)
    return [keys.astype(f64), values.astype(f64)]


SIZES = ((2, 9, 2, 8), (1, 16, 3, 5))
NAIVE = "attention/naive.cu"
TWICE = Tolerance(5e-5, 2e-5, "two products, exponentials between them, rescaled per tile")
POSITION = Tolerance(5e-5, 5e-5, "an angle of up to 25 has an error of 25 units in the last place")

CASES = (
    Case(
        "rope_interleaved", "attention/rope.cu", "rope_interleaved", _make_rope,
        _lines(lambda t, h, d: t * h * d // 2, (5, 3, 16), (9, 1, 6)), _rope,
        tolerances={"float32": POSITION},
    ),
    Case(
        "rope_table_neox", "attention/rope.cu", "rope_from_table<float, true>",
        _make_rope_table(f32),
        (Launch(5, 32, size=(5, 4, 2, 16, 16)), Launch(3, 64, size=(3, 2, 2, 12, 8))),
        _rope_table(True), (1, 2),
    ),
    Case(
        "rope_table_pairs_double", "attention/rope.cu", "rope_from_table<double, false>",
        _make_rope_table(f64), (Launch(4, 32, size=(4, 3, 1, 10, 6)),), _rope_table(False), (1, 2),
    ),
    Case(
        "alibi_causal_bias", "attention/rope.cu", "alibi_causal_bias", _make_alibi,
        (Launch((2, 3, 4), (16, 8), size=(4, 20)), Launch((1, 1, 2), (32, 4), size=(2, 4))), _alibi,
    ),
    Case(
        "attention_scores", NAIVE, "attention_scores", _make_scores,
        _lines(lambda b, t, h, d: b * h * t * t, *SIZES), _scores, (1,),
    ),
    Case(
        "attention_softmax", NAIVE, "attention_softmax", _make_softmax,
        _lines(lambda b, t, h, d: b * h * t, *SIZES), _softmax, (1,),
    ),
    Case(
        "attention_values", NAIVE, "attention_values", _make_values,
        _lines(lambda b, t, h, d: b * h * t, *SIZES), _values, (2,),
    ),
    Case(
        "attention_permute_qkv", NAIVE, "permute_qkv", _make_permute,
        _lines(lambda b, t, h, d: b * h * t * d, *SIZES), _permute, (0, 1, 2),
        tolerances={"float32": EXACT},
    ),
    Case(
        "attention_merge_heads", NAIVE, "merge_heads", _make_merge,
        _lines(lambda b, t, h, d: b * h * t * d, *SIZES), _merge, (1,),
        tolerances={"float32": EXACT},
    ),
    Case(
        "causal_softmax_online", "attention/autoregressive.cu", "causal_softmax_online",
        _make_online, (Launch(20, 64, size=(2, 20)), Launch(12, 96, size=(1, 36))), _online, (1,),
    ),
    Case(
        "causal_softmax_backward", "attention/autoregressive.cu", "causal_softmax_backward<64>",
        _make_causal_backward, (Launch((20, 2), 64, size=(2, 20)), Launch((70, 1), 64, size=(1,
        70))),
        _causal_backward, (2,),
    ),
    Case(
        "flash_attention_v1", "attention/flash.cu", "flash_v1", _make_flash_v1,
        (
            Launch((2, 2), 8, 4 * (3 * 8 * 6 + 64), (2, 2, 24, 6)),
            Launch((1, 3), 16, 4 * (3 * 16 * 8 + 256), (1, 3, 32, 8)),
        ),
        _flash_v1, (3,), tolerances={"float32": TWICE},
    ),
    Case(
        "flash_attention_gqa", "attention/flash.cu", "flash_attention<32, 8, 16, false>",
        _make_flash,
        (Launch((2, 4), 32, size=(4, 2, 40, 21, 16)), Launch((1, 2), 32, size=(2, 2, 9, 33, 16))),
        _flash(False), (3, 4), tolerances={"float32": TWICE},
    ),
    Case(
        "flash_attention_causal", "attention/flash.cu", "flash_attention<16, 8, 8, true>",
        _make_flash,
        (Launch((3, 2), 16, size=(2, 1, 40, 40, 8)), Launch((1, 2), 16, size=(2, 1, 13, 30, 8))),
        _flash(True), (3, 4), tolerances={"float32": TWICE},
    ),
    Case(
        "flash_attention_staged", "attention/flash.cu", "flash_attention_staged<32, 16, 8, true>",
        _make_staged,
        (
            Launch((2, 3), 32, 4 * 2 * 16 * 8, (3, 50, 8)),
            Launch((1, 1), 32, 4 * 2 * 16 * 8, (1, 16, 8)),
        ),
        _staged, (3,), tolerances={"float32": TWICE},
    ),
    Case(
        "paged_attention_float", "attention/flash.cu", "paged_attention<float, 32, 8>",
        _make_paged(f32), (Launch((2, 3), 64, 4 * 32, (3, 2, 32, 8, 4)),), _paged,
        tolerances={"float32": TWICE},
    ),
    Case(
        "paged_attention_half", "attention/flash.cu", "paged_attention<__half, 64, 4>",
        _make_paged(f16), (Launch((3, 2), 128, 4 * 12, (2, 3, 64, 4, 3)),), _paged,
    ),
    Case(
        "kv_cache_append_float", "attention/cache.cu", "append_to_cache<float>", _make_append(f32),
        (Launch(7, 32, size=(7, 2, 12, 4, 4)), Launch(3, 64, size=(3, 3, 16, 2, 8))), _append, (2,
        3),
        tolerances={"float32": EXACT},
    ),
    Case(
        "kv_cache_append_bytes", "attention/cache.cu", "append_to_cache<unsigned short>",
        _make_append(np.uint16), (Launch(5, 32, size=(5, 2, 8, 4, 8)),), _append, (2, 3),
    ),
)  # fmt: skip
