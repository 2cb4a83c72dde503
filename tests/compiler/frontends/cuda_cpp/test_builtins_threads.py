"""What threads do together: barriers, votes, shuffles, matches, reductions, clocks, traps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("clang.cindex")

from accelerx.errors import KernelAssertionError
from tests.support.cuda_cpp import run
from tests.support.cuda_cpp_host import both

Array = np.ndarray[Any, Any]
LANES = np.arange(32)


def per_lane(body: str, out: str = "int", dtype: Any = np.int32, head: str = "") -> list[Array]:
    """What each lane of a warp writes to o[lane], on both engines."""
    text = f"{head}\n__global__ void k({out}* o) {{ int lane = threadIdx.x; {body} }}"
    return [arrays[0] for arrays in both(text, "k", 1, 32, np.zeros(32, dtype))]


def segment(lane: Array, width: int) -> Array:
    return lane // width * width


SHUFFLES: dict[str, tuple[str, Array]] = {
    "idx": ("__shfl_sync(~0u, v, 5)", np.full(32, 5)),
    "idx, of a segment": ("__shfl_sync(~0u, v, 11, 8)", segment(LANES, 8) + 3),
    "idx, varying": ("__shfl_sync(~0u, v, 31 - lane)", 31 - LANES),
    "up": ("__shfl_up_sync(~0u, v, 3)", np.where(LANES >= 3, LANES - 3, LANES)),
    "up, of a segment": (
        "__shfl_up_sync(~0u, v, 1, 4)",
        np.where(LANES % 4 >= 1, LANES - 1, LANES),
    ),
    "down": ("__shfl_down_sync(~0u, v, 16)", np.where(LANES < 16, LANES + 16, LANES)),
    "down, of a segment": (
        "__shfl_down_sync(~0u, v, 2, 8)",
        np.where(LANES % 8 < 6, LANES + 2, LANES),
    ),
    "xor": ("__shfl_xor_sync(~0u, v, 5)", LANES ^ 5),
    "xor, of a segment": ("__shfl_xor_sync(~0u, v, 1, 16)", LANES ^ 1),
    "old idx": ("__shfl(v, 7)", np.full(32, 7)),
    "old up": ("__shfl_up(v, 1)", np.maximum(LANES - 1, 0)),
    "old down": ("__shfl_down(v, 1)", np.minimum(LANES + 1, 31)),
    "old xor": ("__shfl_xor(v, 16)", LANES ^ 16),
}
TYPES = {
    "int": 1,
    "unsigned": 1,
    "long": 2**33,
    "unsigned long long": 2**40,
    "float": 0.5,
    "double": 1e-9,
}


@pytest.mark.parametrize("name", SHUFFLES)
def test_shuffles(name: str) -> None:
    call, source = SHUFFLES[name]
    stores = "".join(
        f"{{ {t} v = ({t})lane * ({t}){factor!r}; o[lane + 32 * {i}] = (double){call}; }}"
        for i, (t, factor) in enumerate(TYPES.items())
    )
    text = f"__global__ void k(double* o) {{ int lane = threadIdx.x; {stores} }}"
    for arrays in both(text, "k", 1, 32, np.zeros(32 * len(TYPES))):
        for row, factor in zip(arrays[0].reshape(-1, 32), TYPES.values(), strict=True):
            np.testing.assert_allclose(row, source * factor, rtol=1e-7)


def test_a_text_may_define_the_old_names() -> None:
    head = (
        "__device__ double __shfl_down(double v, unsigned d, int w = 32) {"
        " return __shfl_down_sync(~0u, v, d, w) * 10; }"
    )
    for o in per_lane("o[lane] = (int)__shfl_down((double)lane, 1);", head=head):
        assert o.tolist() == [10 * min(i + 1, 31) for i in range(32)]


VOTES = {
    "__any_sync(~0u, lane == 3)": 1,
    "__any_sync(~0u, lane > 40)": 0,
    "__all_sync(~0u, lane < 32)": 1,
    "__all_sync(~0u, lane & 1)": 0,
    "__uni_sync(~0u, lane < 0)": 1,
    "__any(lane == 3)": 1,
    "__all(lane != 3)": 0,
    "(int)__ballot_sync(~0u, lane & 1)": -0x55555556,
    "(int)__ballot(lane < 4)": 15,
    "(int)__activemask()": -1,
    "__syncthreads_count(lane & 1)": 16,
    "__syncthreads_and(lane < 32) != 0": 1,
    "__syncthreads_or(lane == 40) != 0": 0,
    "__reduce_add_sync(~0u, lane - 20)": 496 - 640,
    "__reduce_min_sync(~0u, lane - 20)": -20,
    "__reduce_max_sync(~0u, lane - 20)": 11,
    "(int)__reduce_max_sync(~0u, (unsigned)lane - 20u)": -1,
    "(int)__reduce_and_sync(~0u, lane | 6u)": 6,
    "(int)__reduce_or_sync(~0u, 1u << (lane & 3))": 15,
    "(int)__reduce_xor_sync(~0u, lane == 7 ? 5u : 0u)": 5,
}


@pytest.mark.parametrize("call", VOTES)
def test_votes(call: str) -> None:
    for o in per_lane(f"o[lane] = {call};"):
        assert o.tolist() == [VOTES[call]] * 32


def test_votes_of_some_lanes() -> None:
    body = "o[lane] = -1; if (lane % 3 == 0) { o[lane] = __popc(__ballot_sync(0x49249249, lane > 9)); }"
    for o in per_lane(body):
        assert o[::3].tolist() == [7] * 11
        assert o[1] == -1


def test_matches() -> None:
    body = (
        "int all; double d = lane % 4 ? 1.5 : 2.5; unsigned m = __match_any_sync(~0u, d);"
        "unsigned n = __match_all_sync(~0u, lane / 40, &all); int none = 7;"
        "unsigned z = __match_all_sync(~0u, lane, &none);"
        "o[lane] = __popc(m) + 100 * (n == ~0u) + 1000 * all + 10000 * (z != 0 || none);"
    )
    for o in per_lane(body):
        assert o.tolist() == [1108 if i % 4 == 0 else 1124 for i in range(32)]


def test_barriers_and_fences_order_memory() -> None:
    text = (
        "__global__ void k(int* o) { __shared__ int s[96]; int i = threadIdx.x; s[i] = i;"
        "__threadfence_block(); __syncthreads(); o[i] = s[95 - i]; __threadfence(); __syncwarp();"
        "__syncwarp(0xffffffff); __threadfence_system(); __nanosleep(20); }"
    )
    for arrays in both(text, "k", 1, 96, np.zeros(96, np.int32)):
        assert arrays[0].tolist() == list(range(95, -1, -1))


def test_clocks_go_on() -> None:
    text = (
        "__global__ void k(long long* o) { clock_t a = clock(); long long b = clock64();"
        "long long c = clock64(); o[0] = c - b; o[1] = b; o[2] = (int)a != 0; }"
    )
    for arrays in both(text, "k", 1, 1, np.zeros(3, np.int64)):
        assert arrays[0][0] >= 0
        assert arrays[0][1] > 0


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("__trap();", r"__trap\(\)"),
        ("__brkpt();", r"__brkpt\(\)"),
        ('assert(o[0] == 1 && "one");', r"assertion `o\[0\] == 1 && \"one\"` failed"),
        ("assert(o[0] % 3 > {0});", r"kernel\.cu:1"),
    ],
)
def test_a_kernel_stops_with_the_reason(statement: str, message: str) -> None:
    text = f"__global__ void k(int* o) {{ {statement.replace('{0}', '5')} }}"
    with pytest.raises(KernelAssertionError, match=message):
        run(text, "k", 1, 1, np.zeros(1, np.int32))


def test_no_assertions_in_release_builds() -> None:
    for text in ("#define NDEBUG\n#include <assert.h>\n", "#define NDEBUG\n#include <cassert>\n"):
        run(text + "__global__ void k(int* o) { assert(o[0]); }", "k", 1, 1, np.zeros(1, np.int32))
