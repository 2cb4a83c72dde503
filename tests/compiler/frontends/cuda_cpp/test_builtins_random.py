"""curand_kernel.h: the streams bit by bit, against the published algorithms written anew here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("clang.cindex")

from tests.support.cuda_cpp_host import both

pytestmark = pytest.mark.slow

Array = np.ndarray[Any, Any]
MASK = 0xFFFFFFFF
HEAD = "#include <curand_kernel.h>\ntypedef curandStatePhilox4_32_10_t Philox;\n"


# ------------------------------------------------------------------------------------ references


def philox(counter: int, key: int) -> list[int]:
    """Ten rounds of Philox 4x32 on a 128-bit counter."""
    c = [counter >> 32 * i & MASK for i in range(4)]
    k = [key & MASK, key >> 32]
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [b >> 32 ^ c[1] ^ k[0], b & MASK, a >> 32 ^ c[3] ^ k[1], a & MASK]
        k = [k[0] + 0x9E3779B9 & MASK, k[1] + 0xBB67AE85 & MASK]
    return c


def philox_stream(seed: int, subsequence: int, offset: int) -> Iterator[int]:
    position = offset
    while True:
        yield philox(subsequence << 64 | position >> 2, seed)[position & 3]
        position += 1


def step(v: int) -> int:
    """One step of xorwow's shift register, its five words in one number."""
    words = [v >> 32 * i & MASK for i in range(5)]
    t = words[0] ^ words[0] >> 2
    words.append(words[4] ^ words[4] << 4 & MASK ^ t ^ t << 1 & MASK)
    return sum(w << 32 * i for i, w in enumerate(words[1:]))


def applied(matrix: list[int], v: int) -> int:
    out = 0
    for bit, column in enumerate(matrix):
        out ^= column if v >> bit & 1 else 0
    return out


def xorwow_stream(seed: int, subsequence: int, offset: int) -> Iterator[int]:
    """Jumps by matrices over GF(2): 2**67 numbers for each subsequence, one for each of the offset."""
    low = 1099087573 * (seed & MASK ^ 0xAAD26B49) & MASK
    high = 2591861531 * (seed >> 32 ^ 0xF7DCEFDD) & MASK
    words = [123456789 + low, 362436069 ^ low, 521288629 + high, 88675123 ^ high, 5783321 + low]
    v = sum((w & MASK) << 32 * i for i, w in enumerate(words))
    matrix = [step(1 << bit) for bit in range(160)]
    for power in range(67 + subsequence.bit_length()):
        if (power < 67 and offset >> power & 1) or (
            power >= 67 and subsequence >> (power - 67) & 1
        ):
            v = applied(matrix, v)
        matrix = [applied(matrix, column) for column in matrix]
    d = 6615241 + high + low + 362437 * offset
    while True:
        v, d = step(v), d + 362437
        yield (v >> 128) + d & MASK


def uniform(x: int) -> float:
    return float(np.float32(np.float32(x) * 2.0**-32 + 2.0**-33))


def fine(x: int, y: int) -> float:
    return (x ^ y << 21) * 2.0**-53 + 2.0**-54


def normals(x: int, y: int) -> list[float]:
    radius = np.sqrt(-2 * np.log(uniform(x)))
    angle = (y + 0.5) * 2.0**-32 * 2 * np.pi
    return [float(np.sin(angle) * radius), float(np.cos(angle) * radius)]


STREAMS = {"Philox": philox_stream, "curandState": xorwow_stream}
STARTS = [(0, 0, 0), (1234, 0, 0), (1234, 1, 0), (2**40 + 7, 5, 3), (99, 2**33 + 1, 2**35 + 6)]


def taken(state: str, start: tuple[int, int, int], count: int) -> list[int]:
    stream = STREAMS[state](*start)
    return [next(stream) for _ in range(count)]


# ------------------------------------------------------------------------------------- the tests


@pytest.mark.parametrize("state", STREAMS)
def test_streams(state: str) -> None:
    """Seeds, subsequences and offsets of all sizes; the state goes on from where it lies in memory."""
    text = (
        f"{HEAD}__global__ void k(const unsigned long long* a, {state}* states, unsigned* o) {{"
        f" int i = threadIdx.x; curand_init(a[3 * i], a[3 * i + 1], a[3 * i + 2], states + i);"
        f" {state} s = states[i]; for (int n = 0; n < 4; ++n) o[6 * i + n] = curand(&s); states[i] = s;"
        f" o[6 * i + 4] = curand(states + i); o[6 * i + 5] = curand(&states[i]); }}"
    )
    starts = np.array(STARTS, np.uint64)
    states = np.zeros(64 * len(STARTS), np.uint8)
    want = [taken(state, start, 6) for start in STARTS]
    for _, _, o in both(
        text, "k", 1, len(STARTS), starts, states, np.zeros((len(STARTS), 6), np.uint32)
    ):
        assert o.tolist() == want


def test_philox_as_pytorch_draws_it() -> None:
    """The first numbers of torch.rand on CUDA after torch.cuda.manual_seed(0), thread by thread."""
    text = (
        f"{HEAD}__global__ void k(float* o) {{ Philox s; curand_init(0, threadIdx.x, 0, &s);"
        " o[threadIdx.x] = curand_uniform4(&s).x; }"
    )
    for (o,) in both(text, "k", 1, 10, np.zeros(10, np.float32)):
        known = [0.3990, 0.5167, 0.0249, 0.9401, 0.9459, 0.7967, 0.4150, 0.8203, 0.2290, 0.9096]
        np.testing.assert_allclose(o, known, atol=5e-5)


def test_four_at_once_from_any_place() -> None:
    text = (
        f"{HEAD}__global__ void k(uint4* o) {{ int i = threadIdx.x; Philox s; curand_init(7, 2, i, &s);"
        " o[2 * i] = curand4(&s); skipahead(5, &s); o[2 * i + 1] = curand4(&s); }"
    )
    for (o,) in both(text, "k", 1, 6, np.zeros((6, 8), np.uint32)):
        for i, row in enumerate(o):
            stream = taken("Philox", (7, 2, i), 13)
            assert row.tolist() == stream[:4] + stream[9:13]


@pytest.mark.parametrize("state", STREAMS)
def test_skipping(state: str) -> None:
    text = (
        f"{HEAD}__global__ void k(unsigned* o) {{ {state} s; curand_init(5, 1, 2, &s); skipahead(1000, &s);"
        " o[0] = curand(&s); skipahead_sequence(3, &s); o[1] = curand(&s); }"
    )
    for (o,) in both(text, "k", 1, 1, np.zeros(2, np.uint32)):
        assert o[0] == taken(state, (5, 1, 1002), 1)[0]
        assert o[1] == taken(state, (5, 4, 1003), 1)[0]


@pytest.mark.parametrize("state", STREAMS)
def test_distributions(state: str) -> None:
    """Which bits each one takes, what it makes of them, and that the second of a pair waits."""
    text = (
        f"{HEAD}__global__ void k(double* o) {{ {state} s; curand_init(42, 3, 0, &s); o[0] = curand_uniform(&s);"
        " o[1] = curand_normal(&s); o[2] = curand_normal(&s); float2 n = curand_normal2(&s); o[3] = n.x;"
        " o[4] = n.y; o[5] = curand_uniform_double(&s); o[6] = curand_log_normal(&s, 1.f, 0.5f);"
        " o[7] = curand_log_normal(&s, 1.f, 0.5f); o[8] = curand_normal_double(&s);"
        " o[9] = curand_normal_double(&s); double2 m = curand_normal2_double(&s); o[10] = m.x; }"
    )
    bits = iter(taken(state, (42, 3, 0), 30))
    want = [uniform(next(bits))]
    want += normals(next(bits), next(bits)) + normals(next(bits), next(bits))
    first = next(bits)
    want.append((first + 1) * 2.0**-32 if state == "Philox" else fine(first, next(bits)))
    want += [float(np.exp(1 + 0.5 * n)) for n in normals(next(bits), next(bits))]
    for _ in range(2):
        x = [next(bits) for _ in range(4)]
        radius = np.sqrt(-2 * np.log(fine(x[0], x[1])))
        angle = fine(x[2], x[3]) * 2 * np.pi
        want += [float(np.sin(angle) * radius), float(np.cos(angle) * radius)]
    for (o,) in both(text, "k", 1, 1, np.zeros(11)):
        np.testing.assert_allclose(o, want[:11], rtol=3e-6)


def test_vectors_of_philox() -> None:
    text = (
        f"{HEAD}__global__ void k(double* o) {{ Philox s; curand_init(8, 0, 0, &s); float4 u = curand_uniform4(&s);"
        " o[0] = u.y; o[1] = u.w; double2 d = curand_uniform2_double(&s); o[2] = d.x; o[3] = d.y;"
        " float4 n = curand_normal4(&s); o[4] = n.x; o[5] = n.y; o[6] = n.z; o[7] = n.w;"
        " o[8] = curand_log_normal4(&s, 0.f, 1.f).z; }"
    )
    x = taken("Philox", (8, 0, 0), 16)
    want = [uniform(x[1]), uniform(x[3]), fine(x[4], x[5]), fine(x[6], x[7])]
    want += normals(x[8], x[9]) + normals(x[10], x[11]) + [float(np.exp(normals(x[14], x[15])[0]))]
    for (o,) in both(text, "k", 1, 1, np.zeros(9)):
        np.testing.assert_allclose(o, want, rtol=3e-6)


def test_states_are_as_large_as_on_cuda() -> None:
    text = (
        f"{HEAD}__global__ void k(int* o) {{ o[0] = sizeof(curandState); o[1] = sizeof(Philox); }}"
    )
    for (o,) in both(text, "k", 1, 1, np.zeros(2, np.int32)):
        assert o.tolist() == [48, 64]
