"""The composed functions: against values in 40 digits, in the bounds that CUDA documents."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("clang.cindex")

from accelerx.errors import UnsupportedKernelError
from tests.support.cuda_cpp import run
from tests.support.cuda_functions import evaluate, ulps

# Arguments, all of them floats, and values (mpmath, rounded to double).
VALUES: dict[str, tuple[list[float], list[float]]] = {
    "sinpi": (
        [0.25, -0.699999988079071, 3.299999952316284, 1234.5670166015625, 9.999999682655225e-21],
        [
            0.7071067811865476,
            -0.8090170163879177,
            -0.8090169063230551,
            0.9779184413768344,
            3.141592553892992e-20,
        ],
    ),
    "cospi": (
        [0.25, -0.699999988079071, 3.299999952316284, 1234.5670166015625, 0.4999000132083893],
        [
            0.7071067811865476,
            -0.5877852219942177,
            -0.5877853734854867,
            -0.20898689436207007,
            0.0003141177648145792,
        ],
    ),
    "rcbrt": (
        [8.0, -0.30000001192092896, 1.0000000150474662e30, 3.0000000095132306e-30, 7.0],
        [0.5, -1.4938015623996082, 9.99999994984178e-11, 6933612736.1773405, 0.5227579585747102],
    ),
    "erfcx": (
        [-4.0, -0.8999999761581421, 0.30000001192092896, 2.5, 30.0, 10000000000.0],
        [
            17772220.904016286,
            4.039284121779899,
            0.7345993263705912,
            0.2108063640611436,
            0.018795888861416747,
            5.641895835477563e-11,
        ],
    ),
    "erfinv": (
        [
            9.999999960041972e-13,
            0.10000000149011612,
            -0.4000000059604645,
            0.6000000238418579,
            0.949999988079071,
            -0.9998999834060669,
        ],
        [
            8.8622692191157e-13,
            0.08885599182530649,
            -0.3708071646544932,
            0.5951161115589819,
            1.385903752236077,
            -2.7510354379032873,
        ],
    ),
    "erfcinv": (
        [
            1.0000000031710769e-30,
            0.0010000000474974513,
            0.30000001192092896,
            0.8999999761581421,
            1.2000000476837158,
            1.9989999532699585,
        ],
        [
            8.14861622297672,
            2.326753756064405,
            0.7328690598827589,
            0.08885601179103844,
            -0.17914349825805975,
            -2.326744469262684,
        ],
    ),
    "normcdf": (
        [-12.0, -6.5, -1.2000000476837158, 0.10000000149011612, 3.0],
        [
            1.776482112077679e-33,
            4.016000583859118e-11,
            0.11506966096219587,
            0.5398278378685344,
            0.9986501019683699,
        ],
    ),
    "normcdfinv": (
        [
            1.0000000031710769e-30,
            0.009999999776482582,
            0.4000000059604645,
            0.699999988079071,
            0.9990000128746033,
        ],
        [
            -11.464024688169063,
            -2.3263478824273123,
            -0.2533470877078726,
            0.5244004784222137,
            3.0902361298491052,
        ],
    ),
}
BOUNDS = {  # of float and double, in units of the last place
    "sinpi": (1, 2), "cospi": (1, 2), "rcbrt": (1, 1), "erfcx": (4, 4), "erfinv": (2, 5),
    "erfcinv": (4, 6), "normcdf": (5, 5), "normcdfinv": (5, 8),
    "rhypot": (2, 1), "norm3d": (3, 2), "rnorm3d": (2, 1), "norm4d": (3, 2), "rnorm4d": (2, 1),
}  # fmt: skip
PRECISIONS = pytest.mark.parametrize("dtype", [np.float32, np.float64])
rng = np.random.default_rng(7)


def named(name: str, dtype: Any) -> str:
    return f"{name}f" if dtype is np.float32 else name


@PRECISIONS
@pytest.mark.parametrize("name", VALUES)
def test_values(name: str, dtype: Any) -> None:
    x, want = (np.array(v) for v in VALUES[name])
    bound = BOUNDS[name][dtype is np.float64] + 0.5  # the reference is rounded itself
    for out in evaluate([f"{named(name, dtype)}(a)"], dtype, x.astype(dtype)):
        assert ulps(out[0], want).max() <= bound, (name, out[0], want)


SPECIAL: dict[str, tuple[list[float], list[float]]] = {
    "sinpi": (
        [0, -0.0, 1, -1, 0.5, 1.5, 1e30, np.inf, np.nan],
        [0, -0.0, 0, -0.0, 1, -1, 0, np.nan, np.nan],
    ),
    "cospi": (
        [0, -0.0, 1, -1, 0.5, 1.5, 1e30, np.inf, np.nan],
        [1, 1, -1, -1, 0, 0, 1, np.nan, np.nan],
    ),
    "rcbrt": ([0, -0.0, np.inf, -np.inf, np.nan, -8], [np.inf, -np.inf, 0, -0.0, np.nan, -0.5]),
    "erfcx": ([0, np.inf, -np.inf, np.nan, -1e3], [1, 0, np.inf, np.nan, np.inf]),
    "erfinv": ([0, -0.0, 1, -1, 1.5, np.nan], [0, -0.0, np.inf, -np.inf, np.nan, np.nan]),
    "erfcinv": ([0, 1, 2, -1, 2.5, np.nan], [np.inf, 0, -np.inf, np.nan, np.nan, np.nan]),
    "normcdf": ([0, np.inf, -np.inf, np.nan, -100, 100], [0.5, 1, 0, np.nan, 0, 1]),
    "normcdfinv": ([0, 0.5, 1, -1, 2, np.nan], [-np.inf, 0, np.inf, np.nan, np.nan, np.nan]),
}


@PRECISIONS
@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(name: str, dtype: Any) -> None:
    x, want = (np.array(v, dtype) for v in SPECIAL[name])
    for out in evaluate([f"{named(name, dtype)}(a)"], dtype, x):
        np.testing.assert_array_equal(out[0], want)
        if name in ("sinpi", "rcbrt", "erfinv"):
            signs = ~np.isnan(want)
            np.testing.assert_array_equal(np.signbit(out[0][signs]), np.signbit(want[signs]))


def length(*parts: Any) -> Any:
    scale = np.max(np.abs(parts), axis=0)
    scale = np.where((scale == 0) | ~np.isfinite(scale), 1, scale)
    total = sum((np.longdouble(p) / scale) ** 2 for p in parts)
    return np.sqrt(total) * scale


NORMS = {"norm3d": 3, "norm4d": 4, "rhypot": 2, "rnorm3d": 3, "rnorm4d": 4}


@PRECISIONS
@pytest.mark.parametrize("name", NORMS)
def test_norms(name: str, dtype: Any) -> None:
    """As exact at the ends of the range as in its middle."""
    limit = 120 if dtype is np.float32 else 1000
    scale = np.exp2(rng.uniform(-limit, limit, 200))
    parts = [(rng.normal(0, 1, 200) * scale).astype(dtype) for _ in range(NORMS[name])]
    want = length(*parts)
    want = (1 / want if name.startswith("r") else want).astype(np.float64)
    arguments = ", ".join("abcd"[: len(parts)])
    for out in evaluate([f"{named(name, dtype)}({arguments})"], dtype, *parts):
        assert ulps(out[0], want).max() <= BOUNDS[name][dtype is np.float64] + 0.1


def test_special_norms() -> None:
    x = np.array([0, np.inf, -np.inf, np.nan, 3, np.inf], np.float32)
    y = np.array([0, 1, np.nan, 1, 4, -np.inf], np.float32)
    calls = ["norm3df(a, b, 0.f)", "rnorm3df(a, b, 0.f)", "rhypotf(a, b)"]
    plain = np.array([0, np.inf, np.inf, np.nan, 5, np.inf], np.float32)
    inverse = np.array([np.inf, 0, 0, np.nan, 0.2, 0], np.float32)
    for out in evaluate(calls, np.float32, x, y):
        np.testing.assert_array_equal(out, np.stack([plain, inverse, inverse]))


@PRECISIONS
def test_sincospi_gives_both(dtype: Any) -> None:
    x = rng.uniform(-9, 9, 50).astype(dtype)
    t = "float" if dtype is np.float32 else "double"
    function = named("sincospi", dtype)
    head = f"__device__ {t} f({t} x) {{ {t} s, c; {function}(x, &s, &c); return s * 4 + c; }}"
    for out in evaluate(["f(a)", "sinpi(a) * 4 + cospi(a)"], dtype, x, head=head):
        np.testing.assert_allclose(out[0], out[1], rtol=1e-6 if t == "float" else 1e-15)


@pytest.mark.parametrize("call", ["j0(x[0])", "ynf(2, 1.f)", "cyl_bessel_i0(x[0])", "norm(3, x)"])
def test_absent_functions_say_so(call: str) -> None:
    text = f"__global__ void k(double* x) {{ x[0] = {call}; }}"
    name = call.partition("(")[0]
    with pytest.raises(UnsupportedKernelError, match=rf"'{name}'.*CUDA devices only"):
        run(text, "k", 1, 1, np.ones(3))
