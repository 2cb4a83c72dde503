"""Bytes and texts."""

from __future__ import annotations

from typing import Any

import numpy as np

from accelerx import cuda
from tests.corpus.python.case import Arguments, Case, Launch, grids

i32, u8, u32 = np.int32, np.uint8, np.uint32


def count_byte(count, text, wanted):
    """Blocks count in a register, then in shared memory, then once globally."""
    here = cuda.shared.array(1, np.int32)
    if cuda.threadIdx.x == 0:
        here[0] = 0
    cuda.syncthreads()
    n = 0
    for i in range(cuda.grid(1), text.size, cuda.gridsize(1)):
        if text[i] == wanted:
            n += 1
    if n:
        cuda.atomic.add(here, 0, n)
    cuda.syncthreads()
    if cuda.threadIdx.x == 0:
        cuda.atomic.add(count, 0, here[0])


def find(matches, text, pattern):
    """All places of a pattern: a loop with else."""
    i = cuda.grid(1)
    m = pattern.shape[0]
    if i + m > text.shape[0]:
        return
    for k in range(m):
        if text[i + k] != pattern[k]:
            break
    else:
        matches[i] = 1


def upper(text):
    i = cuda.grid(1)
    if i < text.size:
        c = text[i]
        if 97 <= c <= 122:
            text[i] = c - 32


def fnv_hash(hashes, words):
    """A 32-bit hash of each row: multiplication that wraps."""
    row = cuda.grid(1)
    if row >= words.shape[0]:
        return
    h = np.uint32(2166136261)
    for k in range(words.shape[1]):
        c = words[row, k]
        if c == 0:
            break
        h = np.uint32(h ^ np.uint32(c))
        h = np.uint32(h * np.uint32(16777619))
    hashes[row] = h


def edit_distance(table, a, b):
    """Levenshtein's table by anti-diagonals, one block, a barrier each."""
    tid = cuda.threadIdx.x
    n, m = a.size, b.size
    for i in range(tid, n + 1, cuda.blockDim.x):
        table[i, 0] = i
    for j in range(tid, m + 1, cuda.blockDim.x):
        table[0, j] = j
    cuda.syncthreads()
    for diagonal in range(2, n + m + 1):
        for i in range(1 + tid, min(n, diagonal - 1) + 1, cuda.blockDim.x):
            j = diagonal - i
            if j <= m:
                change = table[i - 1, j - 1] + (0 if a[i - 1] == b[j - 1] else 1)
                table[i, j] = min(change, table[i - 1, j] + 1, table[i, j - 1] + 1)
        cuda.syncthreads()


def word_starts(starts, text):
    """A state machine a thread: marks where words begin."""
    i = cuda.grid(1)
    if i < text.size:
        letter = 97 <= text[i] <= 122
        before = i > 0 and 97 <= text[max(i - 1, 0)] <= 122
        starts[i] = letter and not before


def _letters(rng: np.random.Generator, n: int, kinds: int = 26) -> Any:
    return rng.integers(97, 97 + kinds, n).astype(u8)


def _words(rng: np.random.Generator, launch: Launch) -> Arguments:
    words = _letters(rng, 80 * 12).reshape(80, 12)
    words[np.arange(12)[None] >= rng.integers(0, 13, 80)[:, None]] = 0
    return np.zeros(80, u32), words


def _hash_reference(launch: Launch, hashes: Any, words: Any) -> list[Any]:
    out = []
    for word in words:
        h = 2166136261
        for c in bytes(word).split(b"\0")[0]:
            h = (h ^ c) * 16777619 % 2**32
        out.append(h)
    return [np.array(out)]


def _find_reference(launch: Launch, matches: Any, text: Any, pattern: Any) -> list[Any]:
    t, p = bytes(text), bytes(pattern)
    return [np.array([t.startswith(p, i) for i in range(len(t))])]


def _edit_reference(launch: Launch, table: Any, a: Any, b: Any) -> list[Any]:
    table[:, 0], table[0] = np.arange(len(a) + 1), np.arange(len(b) + 1)
    for i, j in np.ndindex(len(a), len(b)):
        options = (table[i, j] + (a[i] != b[j]), table[i, j + 1] + 1, table[i + 1, j] + 1)
        table[i + 1, j + 1] = min(options)
    return [table]


def _starts_reference(launch: Launch, starts: Any, text: Any) -> list[Any]:
    letter = (text >= 97) & (text <= 122)
    return [letter & ~np.append(False, letter[:-1])]


def _mixed(rng: np.random.Generator, n: int) -> Any:
    return rng.integers(32, 127, n).astype(u8)


CASES = (
    Case("count_byte", count_byte,
         lambda rng, launch: (np.zeros(1, i32), _letters(rng, 2000), u8(ord("e"))),
         grids((2, 64), (4, 32)), lambda launch, count, text, w: [[(text == w).sum()]], rtol=0),
    Case("find", find,
         lambda rng, launch: (np.zeros(600, np.int8), _letters(rng, 600, 2), np.frombuffer(b"abba", u8).copy()),
         grids((5, 128)), _find_reference, rtol=0),
    Case("upper", upper, lambda rng, launch: (_mixed(rng, 400),), grids((4, 128)),
         lambda launch, text: [np.frombuffer(bytes(text).upper(), u8)], rtol=0),
    Case("fnv_hash", fnv_hash, _words, grids((3, 32)), _hash_reference, rtol=0),
    Case("edit_distance", edit_distance,
         lambda rng, launch: (np.zeros((26, 19), i32), _letters(rng, 25, 4), _letters(rng, 18, 4)),
         grids((1, 32), (1, 8)), _edit_reference, rtol=0),
    Case("word_starts", word_starts, lambda rng, launch: (np.zeros(500, np.bool_), _mixed(rng, 500)),
         grids((4, 128)), _starts_reference, rtol=0),
)  # fmt: skip
