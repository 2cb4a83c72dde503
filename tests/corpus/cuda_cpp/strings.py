"""Text and bytes: searching, ciphers, checksums, coding, edit distances, digests."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from itertools import pairwise
from typing import Any

import numpy as np

from tests.corpus.cuda_cpp.case import Case, Launch

i8, i32, u8, u32 = np.int8, np.int32, np.uint8, np.uint32
Generator = np.random.Generator


def _text(rng: Generator, n: int, alphabet: bytes = b"ab") -> Any:
    return rng.choice(np.frombuffer(alphabet, i8), n)


def _signed(text: bytes) -> Any:
    return np.frombuffer(text, i8).copy()


def _occurrences(text: Any, pattern: Any) -> Any:
    """Where the pattern starts, overlapping ones too."""
    escaped = re.escape(pattern.tobytes())
    return [match.start() for match in re.finditer(b"(?=" + escaped + b")", text.tobytes())]


def _make_count(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return _text(rng, n), i32(n), _signed(b"abba"), i32(4), np.zeros(1, i32)


def _make_matches(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n, stretch = launch.size
    text, pattern = _text(rng, n).view(u8), _signed(b"abaab").view(u8)
    failure = np.array([0, 0, 1, 1, 2], i32)
    return text, i32(n), pattern, failure, i32(5), np.zeros(n, u8), i32(stretch)


def _matches(launch: Launch, text: Any, n: Any, pattern: Any, *rest: Any) -> list[Any]:
    found = rest[2]
    found[_occurrences(text, pattern)] = 1
    return [found]


def _make_caesar(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return rng.integers(-128, 128, n).astype(i8), i32(n), i32(13)


def _caesar(launch: Launch, text: Any, n: Any, shift: Any) -> list[Any]:
    upper, lower = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz"
    table = bytes.maketrans(upper + lower, upper[13:] + upper[:13] + lower[13:] + lower[:13])
    return [_signed(text.tobytes().translate(table))]


def _make_crc(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (messages,) = launch.size
    offsets = np.concatenate([[0], rng.integers(0, 30, messages).cumsum()]).astype(i32)
    return (
        rng.integers(0, 256, offsets[-1]).astype(u8),
        offsets,
        np.zeros(messages, u32),
        i32(messages),
    )


def _crc(launch: Launch, data: Any, offsets: Any, *_: Any) -> list[Any]:
    return [[zlib.crc32(data[a:b]) for a, b in pairwise(offsets)]]


def _make_base64(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return rng.integers(0, 256, n).astype(u8), i32(n), np.zeros(-(-n // 3) * 4, i8)


def _make_levenshtein(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    words, lengths = _text(rng, 12 * n, b"abc").reshape(n, 12), rng.integers(0, 13, n)
    word = _text(rng, 9, b"abc")
    return word, i32(9), words, lengths.astype(i32), i32(12), i32(n), np.zeros(n, i32)


def _distance(a: Any, b: Any) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + int(x != y))
    return row[-1]


def _levenshtein(launch: Launch, word: Any, n: Any, words: Any, lengths: Any, *_: Any) -> list[Any]:
    return [[_distance(w[:k], word) for w, k in zip(words, lengths, strict=True)]]


def _make_words(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    (n,) = launch.size
    return _text(rng, n, b"aZqM .,3"), i32(n), np.zeros(1, i32), np.zeros(1, i32)


def _words(launch: Launch, text: Any, *_: Any) -> list[Any]:
    words = re.findall(rb"[A-Za-z]+", text.tobytes())
    return [[len(words)], [max(map(len, words))]]


def _make_sha(rng: Generator, launch: Launch) -> tuple[Any, ...]:
    n, length = launch.size
    messages = rng.integers(0, 256, (n, length)).astype(u8)
    return messages, i32(length), np.zeros((n, 8), u32), i32(n)


def _sha(launch: Launch, messages: Any, *_: Any) -> list[Any]:
    digests = [hashlib.sha256(message.tobytes()).digest() for message in messages]
    return [np.frombuffer(b"".join(digests), ">u4").reshape(-1, 8).astype(u32)]


CASES = (
    Case("count_substring", "strings/bytes.cu", "count_substring", _make_count,
         (Launch(4, 64, size=(250,)), Launch(1, 32, size=(3,))),
         lambda launch, text, n, pattern, *_: [[len(_occurrences(text, pattern))]], (4,)),
    Case("find_matches", "strings/bytes.cu", "find_matches", _make_matches,
         (Launch(2, 32, size=(301, 5)),), _matches, (5,)),
    Case("caesar", "strings/bytes.cu", "caesar", _make_caesar,
         (Launch(4, 64, size=(250,)),), _caesar),
    Case("crc32", "strings/bytes.cu", "crc32", _make_crc,
         (Launch(2, 32, size=(45,)),), _crc, (2,)),
    Case("base64", "strings/bytes.cu", "base64_encode", _make_base64,
         (Launch(2, 32, size=(100,)), Launch(1, 32, size=(30,)), Launch(1, 32, size=(47,))),
         lambda launch, data, *_: [_signed(base64.b64encode(data))], (2,)),
    Case("levenshtein", "strings/bytes.cu", "levenshtein<16>", _make_levenshtein,
         (Launch(2, 32, size=(50,)),), _levenshtein, (6,)),
    Case("count_words", "strings/bytes.cu", "count_words", _make_words,
         (Launch(3, 96, size=(270,)),), _words, (2, 3)),
    Case("sha256", "strings/bytes.cu", "sha256", _make_sha,
         (Launch(1, 32, size=(20, 37)), Launch(1, 32, size=(3, 55))), _sha, (2,)),
)  # fmt: skip
