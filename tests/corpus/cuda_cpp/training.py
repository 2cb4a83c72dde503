"""Losses, optimisers, gradient norms and embeddings: what a training step launches."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import ml_dtypes
import numpy as np
from scipy import special

from tests.corpus.cuda_cpp.case import Arguments, Case, Launch, Tolerance, blocks, record

f32, f64, i32, i64, u64 = np.float32, np.float64, np.int32, np.int64, np.uint64
bf16 = ml_dtypes.bfloat16
Make = Callable[[np.random.Generator, Launch], Arguments]
LINES = tuple(Launch(blocks(n, t), t, size=(n,)) for n, t in ((500, 128), (77, 32)))
STRIDED = tuple(Launch(g, t, size=(n,)) for n, g, t in ((1000, 3, 64), (77, 5, 32)))


def _normal(rng: np.random.Generator, shape: Any, dtype: Any = f32) -> Any:
    return rng.standard_normal(shape).astype(dtype)


def _targets(rng: np.random.Generator, rows: int, classes: int) -> Any:
    return rng.integers(0, classes, rows).astype(i32)


# ---------------------------------------------------------------------------------------- losses


def _make_nll(rng: np.random.Generator, launch: Launch) -> Arguments:
    rows, v = launch.size
    probs = special.softmax(_normal(rng, launch.size), -1).astype(f32)
    return np.zeros(rows, f32), probs, _targets(rng, rows, v), i32(rows), i32(v)


def _nll(launch: Launch, losses: Any, probs: Any, targets: Any, *_: Any) -> list[Any]:
    return [-np.log(np.take_along_axis(probs.astype(f64), targets[:, None], 1)[:, 0])]


def _make_entropy_backward(rng: np.random.Generator, launch: Launch) -> Arguments:
    rows, v = launch.size
    probs = special.softmax(_normal(rng, launch.size), -1).astype(f32)
    dlogits, dlosses = _normal(rng, launch.size), _normal(rng, rows)
    return dlogits, dlosses, probs, _targets(rng, rows, v), i32(rows), i32(v)


def _entropy_backward(
    launch: Launch, d: Any, upstream: Any, probs: Any, targets: Any, *_: Any
) -> list[Any]:
    one_hot = np.arange(launch.size[1]) == targets[:, None]
    return [d + (probs.astype(f64) - one_hot) * upstream[:, None]]


def _make_classify(upstream: bool) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        rows, v, p = launch.size
        logits = _normal(rng, (rows, p)) * f32(2)
        dlosses = _normal(rng, rows) if upstream else None
        zeros = np.zeros(rows, f32), np.zeros_like(logits)
        return logits, *zeros, dlosses, _targets(rng, rows, v), i32(rows), i32(v), i32(p)

    return make


def _classify(gradient: bool) -> Callable[..., list[Any]]:
    def reference(
        launch: Launch, logits: Any, losses: Any, probs: Any, d: Any, targets: Any, *_: Any
    ) -> list[Any]:
        rows, v, _ = launch.size
        p = special.softmax(logits[:, :v].astype(f64), -1)
        loss = -np.log(p[np.arange(rows), targets])
        if not gradient:
            probs[:, :v] = p
            return [logits, loss, probs]
        upstream = np.full(rows, 1 / rows) if d is None else d
        result = logits.astype(f64)
        result[:, :v] = (p - (np.arange(v) == targets[:, None])) * upstream[:, None]
        return [result, loss, probs]

    return reference


def _make_smooth(rng: np.random.Generator, launch: Launch) -> Arguments:
    pred, target = _normal(rng, launch.size), _normal(rng, launch.size)
    return pred, target, np.zeros(1, f32), np.zeros_like(pred), i32(pred.size), f32(0.7)


def _smooth(
    launch: Launch, pred: Any, target: Any, loss: Any, grad: Any, n: Any, beta: Any
) -> list[Any]:
    diff, beta = (pred - target).astype(f64), f64(beta)
    inner = np.abs(diff) < beta
    losses = np.where(inner, 0.5 * diff**2 / beta, np.abs(diff) - 0.5 * beta)
    return [losses.sum(), np.where(inner, diff / beta, np.sign(diff))]


def _make_bce(weighted: bool) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        x = 20 * _normal(rng, launch.size, f64)
        z = rng.integers(0, 2, launch.size).astype(f64)
        weight = rng.uniform(0.5, 3, launch.size) if weighted else None
        return x, z, weight, np.zeros_like(x), i32(x.size)

    return make


def _bce(launch: Launch, x: Any, z: Any, weight: Any, *_: Any) -> list[Any]:
    positive = z * (1 if weight is None else weight)
    return [positive * np.logaddexp(0, -x) + (1 - z) * np.logaddexp(0, x)]


# ------------------------------------------------------------------------------------ optimisers


def _make_adamw(dtype: Any, master: bool) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        (n,) = launch.size
        weights = _normal(rng, n)
        hyper = record(
            lr=f32(1e-2), beta1=f32(0.9), beta2=f32(0.95), correction1=f32(0.271),
            correction2=f32(0.142625), eps=f32(1e-8), decay=f32(0.1), grad_scale=f32(0.5),
        )  # fmt: skip
        m, v = _normal(rng, n), rng.uniform(0.1, 1, n).astype(f32)
        exact = weights.copy() if master else None
        return weights.astype(dtype), exact, _normal(rng, n, dtype), m, v, u64(n), hyper

    return make


def _adamw(
    launch: Launch, params: Any, master: Any, grads: Any, m: Any, v: Any, n: Any, h: Any
) -> list[Any]:
    h = {name: f64(h[name]) for name in h.dtype.names}
    g = h["grad_scale"] * grads.astype(f64)
    m = h["beta1"] * m + (1 - h["beta1"]) * g
    v = h["beta2"] * v + (1 - h["beta2"]) * g**2
    old = (params if master is None else master).astype(f64)
    step = m / h["correction1"] / (np.sqrt(v / h["correction2"]) + h["eps"])
    new = old - h["lr"] * (step + h["decay"] * old)
    return [new, m, v] if master is None else [new, new, m, v]


def _make_sgd(step: int, decay: float, nesterov: bool, maximise: bool) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        (n,) = launch.size
        options = record(
            lr=f32(0.1), momentum=f32(0.9), dampening=f32(0.2), weight_decay=f32(decay),
            nesterov=np.bool_(nesterov), maximize=np.bool_(maximise),
        )  # fmt: skip
        arrays = (_normal(rng, n) for _ in range(3))
        return *arrays, i64(n), options, i32(step)

    return make


def _sgd(launch: Launch, p: Any, g: Any, buffer: Any, n: Any, o: Any, step: Any) -> list[Any]:
    p, d = p.astype(f64), g.astype(f64) * (-1 if o["maximize"] else 1)
    d = d + f64(o["weight_decay"]) * p
    momentum = f64(o["momentum"])
    buffer = d if step == 0 else momentum * buffer + (1 - f64(o["dampening"])) * d
    return [p - f64(o["lr"]) * (d + momentum * buffer if o["nesterov"] else buffer), buffer]


def _make_rule(rule: np.void) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        (n,) = launch.size
        state = rng.uniform(0.1, 2, n).astype(f32)
        return _normal(rng, n), _normal(rng, n), state, i32(n), rule

    return make


def _adagrad(launch: Launch, w: Any, g: Any, h: Any, n: Any, r: Any) -> list[Any]:
    h = h.astype(f64) + g.astype(f64) ** 2
    return [w - f64(r["lr"]) * g / (np.sqrt(h) + r["eps"]), h]


def _rmsprop(launch: Launch, w: Any, g: Any, h: Any, n: Any, r: Any) -> list[Any]:
    h = f64(r["alpha"]) * h + (1 - f64(r["alpha"])) * g.astype(f64) ** 2
    return [w - f64(r["lr"]) * g / np.sqrt(h + f64(r["eps"])), h]


def _lion(launch: Launch, w: Any, g: Any, h: Any, n: Any, r: Any) -> list[Any]:
    r = {name: f64(r[name]) for name in r.dtype.names}
    u = r["beta1"] * h + (1 - r["beta1"]) * g
    moved = w * (1 - r["lr"] * r["decay"]) - r["lr"] * np.sign(u)
    return [moved, r["beta2"] * h + (1 - r["beta2"]) * g]


def _make_norm(dtype: Any) -> Make:
    def make(rng: np.random.Generator, launch: Launch) -> Arguments:
        (n,) = launch.size
        return np.zeros(1, f32), _normal(rng, n, dtype), u64(n)

    return make


def _norm(launch: Launch, out: Any, values: Any, n: Any) -> list[Any]:
    return [(values.astype(f64) ** 2).sum()]


def _make_clip(rng: np.random.Generator, launch: Launch) -> Arguments:
    (n,) = launch.size
    grads = _normal(rng, n)
    limit = f32(rng.choice([1.0, 1e6]))
    return grads, np.array([(grads.astype(f64) ** 2).sum()], f32), limit, i32(n)


def _clip(launch: Launch, grads: Any, squared: Any, limit: Any, n: Any) -> list[Any]:
    return [grads * min(f64(limit) / (np.sqrt(f64(squared[0])) + 1e-6), 1)]


def _make_ema(rng: np.random.Generator, launch: Launch) -> Arguments:
    (n,) = launch.size
    updates = i32(rng.integers(0, 100))
    return _normal(rng, n, f64), _normal(rng, n), i32(n), f64(0.9), updates


def _ema(launch: Launch, shadow: Any, weights: Any, n: Any, decay: Any, updates: Any) -> list[Any]:
    d = min(decay, (1 + updates) / (10 + updates))
    return [d * shadow + (1 - d) * weights]


# ------------------------------------------------------------------------------------ embeddings


def _make_embed(rng: np.random.Generator, launch: Launch) -> Arguments:
    b, t, c, vocabulary = launch.size
    tokens = rng.integers(0, vocabulary, (b, t)).astype(i32)
    tables = _normal(rng, (vocabulary, c)), _normal(rng, (t, c))
    return np.zeros((b, t, c), f32), tokens, *tables, i32(b), i32(t), i32(c)


def _embed(launch: Launch, out: Any, tokens: Any, words: Any, positions: Any, *_: Any) -> list[Any]:
    return [words[tokens].astype(f64) + positions]


def _make_embed_backward(rng: np.random.Generator, launch: Launch) -> Arguments:
    b, t, c, vocabulary = launch.size
    tokens = rng.integers(0, vocabulary, (b, t)).astype(i32)
    sums = _normal(rng, (vocabulary, c)), np.zeros((t, c), f32)
    return *sums, _normal(rng, (b, t, c)), tokens, i32(b), i32(t), i32(c)


def _embed_backward(
    launch: Launch, words: Any, positions: Any, dout: Any, tokens: Any, *_: Any
) -> list[Any]:
    words, dout = words.astype(f64), dout.astype(f64)
    np.add.at(words, tokens, dout)
    return [words, positions + dout.sum(0)]


def _make_bias(rng: np.random.Generator, launch: Launch) -> Arguments:
    rows, cols = launch.size
    return _normal(rng, cols), _normal(rng, (rows, cols)), i32(rows), i32(cols)


def _bias(launch: Launch, dbias: Any, dout: Any, *_: Any) -> list[Any]:
    return [dbias + dout.astype(f64).sum(0)]


def _make_bag(rng: np.random.Generator, launch: Launch) -> Arguments:
    bags, dim = launch.size
    table = _normal(rng, (20, dim))
    lengths = rng.integers(0, 6, bags)
    offsets = np.concatenate([[0], lengths.cumsum()]).astype(i32)
    indices = rng.integers(-1, 20, max(1, offsets[-1]))
    return table, indices, offsets, np.zeros((bags, dim), f32), i32(dim)


def _bag(mode: str) -> Callable[..., list[Any]]:
    def reference(launch: Launch, table: Any, indices: Any, offsets: Any, *_: Any) -> list[Any]:
        result = np.zeros(launch.size)
        for bag, (begin, end) in enumerate(pairwise(offsets)):
            used = indices[begin:end][indices[begin:end] >= 0]
            if used.size:
                result[bag] = getattr(np, mode)(table[used].astype(f64), axis=0)
        return [result]

    return reference


CLASSES = (Launch(5, 64, size=(5, 100, 104)), Launch(3, 96, size=(3, 33, 36)))
BAGS = (Launch(6, 32, size=(6, 40)), Launch(9, 64, size=(9, 7)))
LOSSES, OPTIMISERS, EMBEDDING = (
    f"training/{name}.cu" for name in ("losses", "optimisers", "embedding")
)
MOMENTS = Tolerance(2e-5, 1e-6, "a handful of float operations")

CASES = (
    Case(
        "nll_forward", LOSSES, "nll_forward", _make_nll,
        (Launch(2, 32, size=(50, 17)), Launch(1, 64, size=(9, 3))), _nll,
    ),
    Case(
        "cross_entropy_backward", LOSSES, "cross_entropy_backward", _make_entropy_backward,
        (Launch(5, 64, size=(12, 25)), Launch(1, 128, size=(9, 7))), _entropy_backward,
    ),
    Case(
        "fused_classifier", LOSSES, "classify<true, false>", _make_classify(True), CLASSES,
        _classify(True), (0, 1, 2),
    ),
    Case(
        "fused_classifier_mean", LOSSES, "classify<true, false>", _make_classify(False), CLASSES,
        _classify(True), (0, 1, 2),
    ),
    Case(
        "fused_classifier_probabilities", LOSSES, "classify<false, true>", _make_classify(False),
        CLASSES, _classify(False), (0, 1, 2),
    ),
    Case("smooth_l1", LOSSES, "smooth_l1", _make_smooth, STRIDED, _smooth, (2, 3)),
    Case("bce_with_logits", LOSSES, "bce_with_logits", _make_bce(True), LINES, _bce, (3,)),
    Case("bce_unweighted", LOSSES, "bce_with_logits", _make_bce(False), LINES, _bce, (3,)),
    Case(
        "adamw_float", OPTIMISERS, "adamw<float, float>", _make_adamw(f32, False), LINES, _adamw,
        (0, 3, 4), tolerances={"float32": MOMENTS},
    ),
    Case(
        "adamw_master_weights", OPTIMISERS, "adamw<__nv_bfloat16, __nv_bfloat16>",
        _make_adamw(bf16, True), LINES, _adamw, (0, 1, 3, 4), tolerances={"float32": MOMENTS},
    ),
    Case(
        "sgd_first_step", OPTIMISERS, "sgd_momentum", _make_sgd(0, 0.01, False, False), STRIDED,
        _sgd, (0, 2),
    ),
    Case(
        "sgd_nesterov", OPTIMISERS, "sgd_momentum", _make_sgd(3, 0.0, True, True), STRIDED, _sgd,
        (0, 2),
    ),
    Case(
        "adagrad", OPTIMISERS, "optimiser_step<Adagrad>",
        _make_rule(record(lr=f32(0.1), eps=f32(1e-10))), STRIDED, _adagrad, (0, 2),
    ),
    Case(
        "rmsprop", OPTIMISERS, "optimiser_step<RMSProp>",
        _make_rule(record(lr=f32(0.1), eps=f32(1e-8), alpha=f32(0.99))), STRIDED, _rmsprop, (0, 2),
    ),
    Case(
        "lion", OPTIMISERS, "optimiser_step<Lion>",
        _make_rule(record(lr=f32(1e-3), beta1=f32(0.9), beta2=f32(0.99), decay=f32(0.1))), STRIDED,
        _lion, (0, 2),
    ),
    Case("gradient_norm_float", OPTIMISERS, "squared_norm<float>", _make_norm(f32), STRIDED, _norm),
    Case(
        "gradient_norm_bfloat16", OPTIMISERS, "squared_norm<__nv_bfloat16>", _make_norm(bf16),
        STRIDED, _norm,
    ),
    Case("clip_gradients", OPTIMISERS, "clip_gradients", _make_clip, LINES, _clip),
    Case("ema_update", OPTIMISERS, "ema_update", _make_ema, LINES, _ema),
    Case(
        "embedding_forward", EMBEDDING, "embed_forward", _make_embed,
        (Launch(3, 32, size=(2, 5, 24, 11)), Launch(1, 64, size=(1, 3, 8, 4))), _embed,
    ),
    Case(
        "embedding_backward", EMBEDDING, "embed_backward", _make_embed_backward,
        (Launch(5, 64, size=(3, 7, 12, 5)), Launch(1, 32, size=(2, 2, 8, 2))), _embed_backward,
        (0, 1),
    ),
    Case(
        "bias_backward", EMBEDDING, "bias_backward", _make_bias,
        (Launch(2, 128, 512, (40, 64)), Launch(2, 64, 256, (7, 50))), _bias,
    ),
    *(
        Case(f"embedding_bag_{mode}", EMBEDDING, f"embedding_bag<{k}>", _make_bag, BAGS,
        _bag(mode), (3,))
        for k, mode in enumerate(("sum", "mean", "max"))
    ),
)  # fmt: skip
