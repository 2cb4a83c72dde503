"""Hash tables: insertion by compare-and-swap, look-up, 64-bit keys, Bloom filters."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.corpus.cuda_cpp.case import Case, Launch

i32, u32, u64 = np.int32, np.uint32, np.uint64
Generator = np.random.Generator

EMPTY = 0xFFFFFFFF


def _hash(key: int, capacity: int) -> int:
    for multiplier, shift in ((0x85EBCA6B, 16), (0xC2B2AE35, 13)):
        key = (key ^ key >> shift) * multiplier & EMPTY
    return (key ^ key >> 16) & (capacity - 1)


def _make_insert(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n, capacity = launch.size
    table = np.zeros((capacity, 2), u32)
    table[:, 0] = EMPTY
    pairs = np.stack([rng.integers(0, n, n), rng.integers(1, 1000, n)], 1).astype(u32)
    return table, u32(capacity), pairs, u32(n)


def _insert(launch: Launch, table: Any, capacity: Any, pairs: Any, n: Any) -> list[Any]:
    keys = np.unique(pairs[:, 0])
    rows = [[key, pairs[pairs[:, 0] == key, 1].max()] for key in keys]
    return [np.array(rows + [[EMPTY, 0]] * (int(capacity) - len(rows)), u32)]


def _by_key(results: list[Any]) -> list[Any]:
    """Where a key landed depends on who came first; what is in the table does not."""
    (table,) = results
    return [table[table[:, 0].argsort(kind="stable")]]


def _make_lookup(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n, capacity = launch.size
    table = np.full((capacity, 2), EMPTY, u32)
    for key in rng.choice(1000, n, replace=False):
        slot = _hash(int(key), capacity)
        while table[slot, 0] != EMPTY:
            slot = (slot + 1) % capacity
        table[slot] = key, key * 3 + 1
    wanted = np.concatenate([rng.permutation(table[:, 0][table[:, 0] != EMPTY])[: n // 2],
                             rng.integers(0, 1000, n - n // 2)]).astype(u32)  # fmt: skip
    return table, u32(capacity), wanted, np.zeros(n, u32), u32(n)


def _lookup(launch: Launch, table: Any, capacity: Any, keys: Any, *_: Any) -> list[Any]:
    return [np.where(np.isin(keys, table[:, 0]), keys * 3 + 1, EMPTY)]


def _make_count(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n, capacity = launch.size
    keys = rng.choice(rng.integers(0, 1 << 63, n // 3, u64), n)
    slots = np.full(capacity, ~u64(0))
    return keys, i32(n), slots, np.zeros(capacity, u32), u64(capacity - 1), np.zeros(1, i32)


def _count(launch: Launch, keys: Any, n: Any, slots: Any, counts: Any, *_: Any) -> list[Any]:
    found, repeats = np.unique(keys, return_counts=True)
    slots[: len(found)], counts[: len(found)] = found, repeats
    return [slots, counts, [0]]


def _counts_by_key(results: list[Any]) -> list[Any]:
    slots, counts, overflow = results
    order = np.argsort(slots, kind="stable")
    return [slots[order], counts[order], overflow]


def _make_bloom(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n, bits = launch.size
    return (
        rng.integers(0, 1 << 32, n, u64).astype(u32),
        i32(n),
        np.zeros(-(-bits // 32), u32),
        u32(bits),
    )


def _bloom(launch: Launch, keys: Any, n: Any, words: Any, bits: Any) -> list[Any]:
    for key in keys.tolist():
        h = key * 2654435761 & EMPTY
        step = h >> 16 | 1
        for k in range(3):
            bit = ((h + k * step) & EMPTY) % int(bits)
            words[bit // 32] |= u32(1 << bit % 32)
    return [words]


CASES = (
    Case("hash_insert", "hash_table/open_addressing.cu", "table_insert", _make_insert,
         (Launch(3, 64, size=(170, 256)), Launch(1, 32, size=(20, 32))), _insert,
         normalise=_by_key),
    Case("hash_lookup", "hash_table/open_addressing.cu", "table_lookup", _make_lookup,
         (Launch(3, 64, size=(170, 256)), Launch(1, 32, size=(20, 32))), _lookup, (3,)),
    Case("hash_count_keys", "hash_table/open_addressing.cu", "count_keys", _make_count,
         (Launch(2, 64, size=(300, 128)),), _count, (2, 3, 5), normalise=_counts_by_key),
    Case("bloom_insert", "hash_table/open_addressing.cu", "bloom_insert", _make_bloom,
         (Launch(2, 64, size=(100, 1021)),), _bloom, (2,)),
)  # fmt: skip
