"""Machine learning: softmax, normalisation, attention, clustering."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from accelerx import cuda
from tests.corpus.python.case import Arguments, Case, Launch, grids

f16, f32, i32 = np.float16, np.float32, np.int32
THREADS = 64


def softmax_rows(out, x):
    """One block a row: maximum, sum and scale through one shared array."""
    shared = cuda.shared.array(THREADS, np.float32)
    row, tid = cuda.blockIdx.x, cuda.threadIdx.x
    columns = x.shape[1]
    largest = np.float32(-math.inf)
    for c in range(tid, columns, THREADS):
        largest = max(largest, x[row, c])
    shared[tid] = largest
    cuda.syncthreads()
    s = THREADS // 2
    while s > 0:
        if tid < s:
            shared[tid] = max(shared[tid], shared[tid + s])
        cuda.syncthreads()
        s //= 2
    largest = shared[0]
    cuda.syncthreads()
    total = np.float32(0)
    for c in range(tid, columns, THREADS):
        e = math.exp(x[row, c] - largest)
        out[row, c] = e
        total += e
    shared[tid] = total
    cuda.syncthreads()
    s = THREADS // 2
    while s > 0:
        if tid < s:
            shared[tid] += shared[tid + s]
        cuda.syncthreads()
        s //= 2
    for c in range(tid, columns, THREADS):
        out[row, c] /= shared[0]


def layer_norm(out, x, gain, bias, epsilon):
    """Mean and variance of a row by warp shuffles, one warp a row."""
    row, lane = cuda.blockIdx.x, cuda.threadIdx.x
    n = x.shape[1]
    total = np.float32(0)
    square = np.float32(0)
    for c in range(lane, n, 32):
        v = x[row, c]
        total += v
        square += v * v
    offset = 16
    while offset:
        total += cuda.shfl_xor_sync(0xFFFFFFFF, total, offset)
        square += cuda.shfl_xor_sync(0xFFFFFFFF, square, offset)
        offset >>= 1
    mean = total / n
    scale = 1.0 / math.sqrt(square / n - mean * mean + epsilon)
    for c in range(lane, n, 32):
        out[row, c] = (x[row, c] - mean) * scale * gain[c] + bias[c]


def k_means_assign(labels, sums, counts, points, centres):
    """Nearest centre, and the new centres' sums by atomics."""
    i = cuda.grid(1)
    if i >= points.shape[0]:
        return
    best, nearest = math.inf, -1
    for k in range(centres.shape[0]):
        d = 0.0
        for c in range(points.shape[1]):
            difference = points[i, c] - centres[k, c]
            d += difference * difference
        if d < best:
            best = d
            nearest = k
    labels[i] = nearest
    cuda.atomic.add(counts, nearest, 1)
    for c in range(points.shape[1]):
        cuda.atomic.add(sums, (nearest, c), points[i, c])


def gelu(out, x):
    i = cuda.grid(1)
    if i < x.size:
        v = x[i]
        out[i] = 0.5 * v * (1.0 + math.erf(v / math.sqrt(2.0)))


def relu_half(out, x, slope):
    """Leaky ReLU on half precision."""
    i = cuda.grid(1)
    if i < x.size:
        v = x[i]
        out[i] = v if v > np.float16(0) else v * slope


def attention_row(out, q, k, v):
    """One query a thread, a running softmax, the head's channels in a local array."""
    i = cuda.grid(1)
    n, channels = k.shape
    if i >= q.shape[0]:
        return
    acc = cuda.local.array(8, np.float32)
    for c in range(channels):
        acc[c] = 0.0
    largest = np.float32(-1e30)
    total = np.float32(0)
    for j in range(n):
        score = np.float32(0)
        for c in range(channels):
            score += q[i, c] * k[j, c]
        new_largest = max(largest, score)
        correction = math.exp(largest - new_largest)
        p = math.exp(score - new_largest)
        total = total * correction + p
        for c in range(channels):
            acc[c] = acc[c] * correction + p * v[j, c]
        largest = new_largest
    for c in range(channels):
        out[i, c] = acc[c] / total


def adam(parameter, gradient, m, v, rate, step):
    """An optimiser step with many scalars that are literals."""
    i = cuda.grid(1)
    if i < parameter.size:
        g = gradient[i]
        m[i] = 0.9 * m[i] + 0.1 * g
        v[i] = 0.999 * v[i] + 0.001 * g * g
        m_hat = m[i] / (1.0 - 0.9**step)
        v_hat = v[i] / (1.0 - 0.999**step)
        parameter[i] -= rate * m_hat / (math.sqrt(v_hat) + 1e-8)


def max_pool(out, where, image):
    """2 by 2 pooling with the winner's index, over channels in the grid's third axis."""
    x, y = cuda.grid(2)
    channel = cuda.blockIdx.z
    if x < out.shape[2] and y < out.shape[1]:
        best = image[channel, 2 * y, 2 * x]
        index = 0
        for k in range(1, 4):
            value = image[channel, 2 * y + k // 2, 2 * x + k % 2]
            if value > best:
                best, index = value, k
        out[channel, y, x] = best
        where[channel, y, x] = index


def _norm_inputs(rng: np.random.Generator, launch: Launch) -> Arguments:
    n = 75
    return (np.zeros((launch.blocks, n), f32), rng.standard_normal((launch.blocks, n)).astype(f32),
            rng.random(n, f32), rng.random(n, f32), f32(1e-5))  # fmt: skip


def _norm_reference(
    launch: Launch, out: Any, x: Any, gain: Any, bias: Any, epsilon: Any
) -> list[Any]:
    x = x.astype(np.float64)
    return [
        (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + epsilon) * gain + bias
    ]


def _k_means_inputs(rng: np.random.Generator, launch: Launch) -> Arguments:
    points, centres = rng.random((200, 3), f32), rng.random((5, 3), f32)
    return np.zeros(200, i32), np.zeros((5, 3), f32), np.zeros(5, i32), points, centres


def _k_means_reference(
    launch: Launch, labels: Any, sums: Any, counts: Any, points: Any, centres: Any
) -> list[Any]:
    labels = ((points[:, None].astype(np.float64) - centres) ** 2).sum(2).argmin(1)
    sums = sums.astype(np.float64)
    np.add.at(sums, labels, points)
    return [labels, sums, np.bincount(labels, minlength=5)]


def _attention_inputs(rng: np.random.Generator, launch: Launch) -> Arguments:
    q, k, v = (rng.standard_normal((40, 8)).astype(f32) for _ in range(3))
    return np.zeros((40, 8), f32), q, k, v


def _attention_reference(launch: Launch, out: Any, q: Any, k: Any, v: Any) -> list[Any]:
    return [special.softmax(q.astype(np.float64) @ k.T, axis=1) @ v]


def _adam_inputs(rng: np.random.Generator, launch: Launch) -> Arguments:
    p, g, m = rng.standard_normal((3, 150)).astype(f32)
    return p, g, m, rng.random(150, f32), f32(0.01), 3


def _adam_reference(
    launch: Launch, p: Any, g: Any, m: Any, v: Any, rate: Any, step: int
) -> list[Any]:
    p, g, m, v = (a.astype(np.float64) for a in (p, g, m, v))
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    update = rate * m / (1 - 0.9**step) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    return [p - update, m, v]


def _pool_reference(launch: Launch, out: Any, where: Any, image: Any) -> list[Any]:
    c, h, w = out.shape
    windows = image.reshape(c, h, 2, w, 2).transpose(0, 1, 3, 2, 4).reshape(c, h, w, 4)
    return [windows.max(3), windows.argmax(3)]


CASES = (
    Case("softmax_rows", softmax_rows,
         lambda rng, launch: (np.zeros((launch.blocks, 150), f32), 3 * rng.standard_normal((launch.blocks, 150)).astype(f32)),
         grids((4, THREADS)), lambda launch, out, x: [special.softmax(x, axis=1)]),
    Case("layer_norm", layer_norm, _norm_inputs, grids((6, 32)), _norm_reference, rtol=1e-4, atol=1e-5),
    Case("k_means_assign", k_means_assign, _k_means_inputs, grids((2, 128), (7, 32)), _k_means_reference,
         outputs=(0, 1, 2), rtol=1e-4, atol=1e-4),
    Case("gelu", gelu, lambda rng, launch: (np.zeros(300, f32), rng.standard_normal(300).astype(f32)),
         grids((3, 128)), lambda launch, out, x: [x * special.ndtr(x)], atol=1e-5),
    Case("relu_half", relu_half,
         lambda rng, launch: (np.zeros(260, f16), rng.standard_normal(260).astype(f16), f16(0.125)),
         grids((3, 96)), lambda launch, out, x, slope: [np.where(x > 0, x, x * slope)], rtol=1e-3, atol=1e-6),
    Case("attention_row", attention_row, _attention_inputs, grids((2, 32), (5, 8)), _attention_reference,
         rtol=1e-4, atol=1e-5),
    Case("adam", adam, _adam_inputs, grids((2, 96)), _adam_reference, outputs=(0, 2, 3), rtol=1e-4, atol=1e-5),
    Case("max_pool", max_pool,
         lambda rng, launch: (np.zeros((3, 9, 12), f32), np.zeros((3, 9, 12), i32), rng.random((3, 18, 24), f32)),
         grids(((2, 2, 3), (8, 8))), _pool_reference, outputs=(0, 1), rtol=0),
)  # fmt: skip
