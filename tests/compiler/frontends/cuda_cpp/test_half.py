"""cuda_fp16.h, cuda_bf16.h and cuda_fp8.h: every function against exact arithmetic."""

from __future__ import annotations

import functools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

pytest.importorskip("clang.cindex")
pytest.importorskip("ml_dtypes")

import ml_dtypes

from tests.support.cuda_cpp import run
from tests.support.cuda_cpp_host import both

pytestmark = pytest.mark.slow

everywhere = functools.partial(both, is_for_nvrtc=True)

Array = np.ndarray[Any, Any]
Wide = np.longdouble  # holds sums and products of 16-bit floats exactly

BITS = np.arange(65536, dtype=np.uint16)
BLOCK = 256


class Format:
    """A 16-bit float of CUDA's, with what its functions are called.

    Attributes:
        name: As the names of conversions have it.
        type, pair: CUDA's types of one and of two.
        dtype: NumPy's.
    """

    def __init__(self, name: str, header: str, type_: str, pair: str, dtype: Any) -> None:
        self.name, self.type, self.pair, self.dtype = name, type_, pair, np.dtype(dtype)
        self.include = f"#include <{header}>\n"
        self.all = BITS.view(self.dtype)
        with np.errstate(invalid="ignore"):
            finite = np.isfinite(self.all.astype(np.float64)) & (BITS < 0x8000)
        self.sizes = self.all[finite].astype(Wide)  # in order, as their bits are

    def nearest(self, v: Array, mode: str = "rn") -> Array:
        """Exact numbers rounded: to nearest even, toward zero, down or up."""
        size = np.abs(v)
        below = np.searchsorted(self.sizes, size, "right") - 1
        above = np.where(self.sizes[below] == size, below, below + 1)
        top = len(self.sizes) - 1
        gap = self.sizes[top] - self.sizes[top - 1]
        ends = np.append(self.sizes, self.sizes[top] + gap)
        to_zero = np.minimum(below, top)
        match mode:
            case "rn":
                twice = size + size
                middle = ends[below] + ends[np.minimum(above, top + 1)]
                up = (twice > middle) | ((twice == middle) & (below % 2 == 1))
                chosen = np.where(up, above, below)
            case "rz":
                chosen = to_zero
            case "rd":
                chosen = np.where(v < 0, above, to_zero)
            case _:
                chosen = np.where(v > 0, above, to_zero)
        bits = np.minimum(chosen, top + 1).astype(np.uint16)  # one past the top is infinity
        bits = np.where(np.isinf(v), top + 1, bits).astype(np.uint16)
        bits |= np.where(np.signbit(v), 0x8000, 0).astype(np.uint16)
        result = bits.view(self.dtype)
        return np.where(np.isnan(v), np.array(np.nan, self.dtype), result)


FORMATS = (
    Format("half", "cuda_fp16.h", "half", "half2", np.float16),
    Format("bfloat16", "cuda_bf16.h", "nv_bfloat16", "nv_bfloat162", ml_dtypes.bfloat16),
)
formats = pytest.mark.parametrize("f", FORMATS, ids=lambda f: f.name)


def same(found: Array, wanted: Array) -> None:
    """Bits agree; any not-a-number is as good as any other."""
    nan = np.isnan(wanted.astype(np.float64))
    a, b = (x.view(np.uint16 if x.itemsize == 2 else np.uint8) for x in (found, wanted))
    wrong = np.flatnonzero((a != b) & ~(nan & np.isnan(found.astype(np.float64))))
    assert not wrong.size, (
        f"{wrong.size} wrong, first [{wrong[0]}]: {found[wrong[0]]!r}, {wanted[wrong[0]]!r}"
    )


def near(found: Array, wanted: Array, ulps: int) -> None:
    """Bits agree but for some steps between neighbours."""
    nan = np.isnan(wanted.astype(np.float64))
    assert (np.isnan(found.astype(np.float64)) == nan).all()
    a, b = (x.view(np.int16).astype(np.int32) for x in (found, wanted))
    a, b = (np.where(x < 0, -(x & 0x7FFF), x) for x in (a, b))
    assert np.abs(a - b)[~nan].max() <= ulps


# ------------------------------------------------------------------------------ one operand

EXACT: dict[str, Any] = {
    "hsqrt": np.sqrt, "hfloor": np.floor, "hceil": np.ceil, "htrunc": np.trunc, "hrint": np.rint,
    "hrcp": lambda x: 1 / x, "__hneg": np.negative, "__habs": np.abs,
}  # fmt: skip
CLOSE: dict[str, Any] = {
    "hrsqrt": lambda x: 1 / np.sqrt(x), "hexp": np.exp, "hexp2": np.exp2,
    "hexp10": lambda x: np.power(10.0, x), "hlog": np.log, "hlog2": np.log2, "hlog10": np.log10,
    "hsin": np.sin, "hcos": np.cos, "htanh": np.tanh, "htanh_approx": np.tanh,
}  # fmt: skip


def unary_text(f: Format) -> str:
    lines = [f"y[{k}].z[i] = {name}(a);" for k, name in enumerate((*EXACT, *CLOSE))]
    return (
        f"{f.include}struct Row {{ {f.type} z[65536]; }};\n"
        f"__global__ void k(const {f.type}* x, Row* y) {{\n"
        "  int i = blockIdx.x * blockDim.x + threadIdx.x;\n"
        f"  {f.type} a = x[i];\n  {' '.join(lines)}\n}}\n"
    )


@formats
def test_functions_of_all_numbers(f: Format) -> None:
    names = (*EXACT, *CLOSE)
    runs = everywhere(
        unary_text(f), "k", 65536 // BLOCK, BLOCK, f.all, np.zeros((len(names), 65536), f.dtype)
    )
    with np.errstate(all="ignore"):
        wide = f.all.astype(np.float64)
        for _, y in runs:
            for row, (name, function) in zip(y, (EXACT | CLOSE).items(), strict=True):
                wanted = f.nearest(function(wide).astype(Wide))
                if name in EXACT:
                    same(row, wanted)
                else:
                    near(row, wanted, 1)


@formats
def test_pairs_are_two_numbers(f: Format) -> None:
    names = [n.replace("h", "h2", 1) for n in (*EXACT, *CLOSE) if n[0] == "h"] + [
        "__hneg2",
        "__habs2",
    ]
    one = [n.replace("h2", "h", 1) if n[0] == "h" else n[:-1] for n in names]
    body = "".join(
        f"a = {two}(x[i]); r = __halves2{f.name}2({single}(x[i].x), {single}(x[i].y));"
        f"o[{k}] |= __{f.name}_as_ushort(a.x) ^ __{f.name}_as_ushort(r.x) |"
        f" __{f.name}_as_ushort(a.y) ^ __{f.name}_as_ushort(r.y);\n"
        for k, (two, single) in enumerate(zip(names, one, strict=True))
    )
    text = (
        f"{f.include}__global__ void k(const {f.pair}* x, unsigned* o) {{\n"
        f"{f.pair} a, r; for (int i = 0; i < 64; ++i) {{ {body} }} }}"
    )
    pairs = f.all[::512].copy()
    for _, o in everywhere(text, "k", 1, 1, pairs, np.zeros(len(names), np.uint32)):
        assert not o.any(), [n for n, bad in zip(names, o, strict=True) if bad]


# ------------------------------------------------------------------------------ conversions

INTEGERS = {
    "short": ("short", np.int16), "ushort": ("unsigned short", np.uint16), "int": ("int", np.int32),
    "uint": ("unsigned", np.uint32), "ll": ("long long", np.int64),
    "ull": ("unsigned long long", np.uint64),
}  # fmt: skip
MODES = ("rn", "rz", "rd", "ru")
WHOLE = {"rn": np.rint, "rz": np.trunc, "rd": np.floor, "ru": np.ceil}


def saturated(v: Array, dtype: Any) -> Array:
    """Whole doubles as integers, the nearest one that there is; not a number gives 0."""
    info = np.iinfo(dtype)
    inside = np.where((v > float(info.min)) & (v < float(info.max)), v, 0.0).astype(dtype)
    inside = np.where(v >= float(info.max), dtype(info.max), inside)
    return np.where(v <= float(info.min), dtype(info.min), inside)


@formats
@pytest.mark.parametrize("name", INTEGERS)
def test_all_numbers_to_integers(f: Format, name: str) -> None:
    type_, dtype = INTEGERS[name]
    rows = "".join(
        f"y[{k} * 65536 + i] = __{f.name}2{name}_{mode}(x[i]);" for k, mode in enumerate(MODES)
    )
    text = (
        f"{f.include}__global__ void k(const {f.type}* x, {type_}* y)"
        f"{{ int i = blockIdx.x * blockDim.x + threadIdx.x; {rows} y[4 * 65536 + i] = x[i]; }}"
    )
    for _, y in everywhere(text, "k", 65536 // BLOCK, BLOCK, f.all, np.zeros((5, 65536), dtype)):
        for row, mode in zip(y, (*MODES, "rz"), strict=True):
            with np.errstate(invalid="ignore"):
                wanted = saturated(WHOLE[mode](f.all.astype(np.float64)), dtype)
            assert np.array_equal(row, wanted), mode


def integers(dtype: Any) -> Array:
    """Small numbers, large numbers, and the neighbours of what has few bits."""
    info, g = np.iinfo(dtype), np.random.default_rng(7)
    found = {0, 1, info.min, info.max, info.max - 1}
    for shift in range(info.bits):
        for few in (1, 3, 129, 257, 2049, 4097, 4099):
            for step in (-1, 0, 1):
                found |= {(few << shift) + step, -(few << shift) + step}
    found |= {int(v) for v in g.integers(info.min, info.max, 500, dtype)}
    kept = sorted(v for v in found if info.min <= v <= info.max)
    return np.array(kept[: len(kept) // BLOCK * BLOCK], dtype)


def rounded_integers(f: Format, values: Array, mode: str) -> Array:
    """As Format.nearest, for integers that Wide cannot hold next to a rounding boundary."""
    ends = [int(x) if x == int(x) else Fraction(float(x)) for x in f.sizes]
    exact = [int(v) for v in values]
    lows = f.nearest(values.astype(Wide), "rz")
    out = []
    for v, low in zip(exact, lows, strict=True):
        k = int(low.view(np.uint16)) & 0x7FFF
        while k + 1 < len(ends) and ends[k + 1] <= abs(v):
            k += 1
        while ends[k] > abs(v):
            k -= 1
        top = 2 * ends[-1] - ends[-2]
        above = ends[k + 1] if k + 1 < len(ends) else top
        inexact = abs(v) != ends[k]
        up = {
            "rz": False,
            "rd": v < 0 and inexact,
            "ru": v > 0 and inexact,
            "rn": 2 * abs(v) > ends[k] + above or (2 * abs(v) == ends[k] + above and k % 2 == 1),
        }[mode]
        out.append(min(k + up, len(ends)) | (0x8000 if v < 0 else 0))
    return np.array(out, np.uint16).view(f.dtype)


@formats
@pytest.mark.parametrize("name", INTEGERS)
def test_integers_to_numbers(f: Format, name: str) -> None:
    type_, dtype = INTEGERS[name]
    values = integers(dtype)
    n = len(values)
    rows = "".join(
        f"y[{k} * {n} + i] = __{name}2{f.name}_{mode}(x[i]);" for k, mode in enumerate(MODES)
    )
    text = (
        f"{f.include}__global__ void k(const {type_}* x, {f.type}* y)"
        f"{{ int i = blockIdx.x * blockDim.x + threadIdx.x; {rows} y[4 * {n} + i] = x[i]; }}"
    )
    for _, y in everywhere(text, "k", n // BLOCK, BLOCK, values, np.zeros((5, n), f.dtype)):
        for row, mode in zip(y, (*MODES, "rn"), strict=True):
            same(row, rounded_integers(f, values, mode))


@formats
def test_floats_to_numbers(f: Format) -> None:
    g = np.random.default_rng(3)
    middle = ((f.sizes[:-1] + f.sizes[1:]) / 2).astype(np.float32)
    around = [middle, np.nextafter(middle, np.float32(0)), np.nextafter(middle, np.float32(1e30))]
    x = np.concatenate(
        [
            *around,
            f.sizes.astype(np.float32),
            g.integers(0, 2**32, 9000, np.uint32).view(np.float32),
        ]
    )
    x = np.concatenate([x, -x, np.array([0, np.inf, np.nan, 65519.9, 65520, 1e38], np.float32)])
    x = np.resize(x, len(x) // BLOCK * BLOCK)
    n = len(x)
    rows = "".join(
        f"y[{k} * {n} + i] = __float2{f.name}_{mode}(x[i]);" for k, mode in enumerate(MODES)
    )
    text = (
        f"{f.include}__global__ void k(const float* x, {f.type}* y, float* z)"
        f"{{ int i = blockIdx.x * blockDim.x + threadIdx.x; {rows}"
        f" y[4 * {n} + i] = x[i]; y[5 * {n} + i] = {f.type}(x[i] * 1.0); z[i] = __{f.name}2float(y[i]); }}"
    )
    for _, y, z in everywhere(
        text, "k", n // BLOCK, BLOCK, x, np.zeros((6, n), f.dtype), np.zeros(n, np.float32)
    ):
        with np.errstate(invalid="ignore"):
            exact = x.astype(Wide)
        for row, mode in zip(y, (*MODES, "rn", "rn"), strict=True):
            same(row, f.nearest(exact, mode))
        with np.errstate(invalid="ignore"):
            assert np.array_equal(z, y[0].astype(np.float32), equal_nan=True)


@formats
def test_doubles_are_rounded_once(f: Format) -> None:
    middle = (f.sizes[1000:-1:7] + f.sizes[1001::7]) / 2
    x = np.concatenate([np.nextafter(middle.astype(np.float64), s) for s in (0.0, 1e300)])
    x = np.resize(x, len(x) // BLOCK * BLOCK)
    text = (
        f"{f.include}__global__ void k(const double* x, {f.type}* y)"
        f"{{ int i = blockIdx.x * blockDim.x + threadIdx.x; y[i] = __double2{f.name}(x[i]); }}"
    )
    for _, y in everywhere(text, "k", len(x) // BLOCK, BLOCK, x, np.zeros(len(x), f.dtype)):
        same(y, f.nearest(x.astype(Wide)))


# --------------------------------------------------------------------------- several operands


def operands(f: Format, count: int) -> list[Array]:
    """Random numbers of all sizes, and all pairs of a few special ones."""
    g = np.random.default_rng(11)
    special = np.array([0, 0.5, 1, 1.5, 2, np.inf, np.nan, float(f.sizes[1]), float(f.sizes[-1])])
    special = np.concatenate([special, -special]).astype(f.dtype)
    grid = [a.ravel() for a in np.meshgrid(*[special] * count)]
    n = 16384 - len(grid[0])
    moderate = [g.normal(0, 100, n).astype(f.dtype) for _ in range(count)]
    return [np.concatenate([a, b]) for a, b in zip(grid, moderate, strict=True)]


def clamp(v: Array) -> Array:
    return np.where(np.isnan(v.astype(np.float64)), 0, np.clip(v.astype(np.float64), 0, 1)) + 0.0


BINARY: dict[str, Any] = {
    "__hadd": np.add, "__hsub": np.subtract, "__hmul": np.multiply, "__hdiv": np.divide,
}  # fmt: skip


@formats
def test_arithmetic(f: Format) -> None:
    a, b = operands(f, 2)
    plain = list(BINARY)
    rn = [f"{name}_rn" for name in plain[:3]]
    sat = [f"{name}_sat" for name in plain[:3]]
    operators = [f"[](auto a, auto b) {{ return a {op} b; }}" for op in "+-*/"]
    calls = [*plain, *rn, *sat, *operators]
    rows = "".join(f"y[{k} * 16384 + i] = ({name})(a[i], b[i]);" for k, name in enumerate(calls))
    text = (
        f"{f.include}__global__ void k(const {f.type}* a, const {f.type}* b, {f.type}* y)"
        f"{{ int i = blockIdx.x * blockDim.x + threadIdx.x; {rows} }}"
    )
    with np.errstate(all="ignore"):
        exact = [op(a.astype(Wide), b.astype(Wide)) for op in BINARY.values()]
        results = [f.nearest(v) for v in exact]
        clamped = [clamp(v).astype(f.dtype) for v in results[:3]]
    for *_, y in everywhere(text, "k", 64, BLOCK, a, b, np.zeros((len(calls), 16384), f.dtype)):
        for row, wanted in zip(y, [*results, *results[:3], *clamped, *results], strict=True):
            same(row, wanted)


@formats
def test_fused_arithmetic(f: Format) -> None:
    a, b, c = operands(f, 3)
    names = ("__hfma", "__hfma_sat", "__hfma_relu")
    rows = "".join(
        f"y[{k} * 16384 + i] = {name}(a[i], b[i], c[i]);" for k, name in enumerate(names)
    )
    text = (
        f"{f.include}__global__ void k(const {f.type}* a, const {f.type}* b, const {f.type}* c,"
        f" {f.type}* y) {{ int i = blockIdx.x * blockDim.x + threadIdx.x; {rows} }}"
    )
    with np.errstate(all="ignore"):
        wanted = f.nearest(a.astype(Wide) * b.astype(Wide) + c.astype(Wide))
    positive = np.where(wanted.astype(np.float64) <= 0, np.array(0, f.dtype), wanted)
    for *_, y in everywhere(text, "k", 64, BLOCK, a, b, c, np.zeros((3, 16384), f.dtype)):
        same(y[0], wanted)
        same(y[1], clamp(wanted).astype(f.dtype))
        same(y[2], positive)


COMPARISONS: dict[str, Any] = {
    "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
    "ge": np.greater_equal,
}  # fmt: skip


@formats
def test_comparisons(f: Format) -> None:
    a, b = operands(f, 2)
    lines, wanted = [], []
    x, y = a.astype(np.float32), b.astype(np.float32)
    other = np.roll(y, 1), np.roll(x, 1)  # the second numbers of the pairs
    unordered = np.isnan(x) | np.isnan(y)
    swapped_unordered = np.isnan(other[0]) | np.isnan(other[1])
    for name, function in COMPARISONS.items():
        for suffix, either in (("", False), ("u", True)):
            holds = np.where(unordered, either, function(x, y))
            second = np.where(swapped_unordered, either, function(*other))
            lines += [f"__h{name}{suffix}(a[i], b[i])", f"__hb{name}{suffix}2(p, q)"]
            wanted += [holds, holds & second]
            lines.append(f"__h{name}{suffix}2_mask(p, q)")
            wanted.append(np.where(holds, 0xFFFF, 0) | np.where(second, 0xFFFF0000, 0))
            lines.append(
                f"(int)(float)__h{name}{suffix}2(p, q).x + 2 * (int)(float)__h{name}{suffix}2(p, q).y"
            )
            wanted.append(holds + 2 * second)
    for op, name in zip(("==", "!=", "<", "<=", ">", ">="), COMPARISONS, strict=True):
        lines.append(f"a[i] {op} b[i]")
        wanted.append(COMPARISONS[name](x, y))
    for name in ("__hmax", "__hmin", "__hmax_nan", "__hmin_nan"):
        lines.append(f"__{f.name}_as_ushort({name}(a[i], b[i]))")
    rows = "".join(f"o[{k} * 16384 + i] = {line};" for k, line in enumerate(lines))
    text = (
        f"{f.include}__global__ void k(const {f.type}* a, const {f.type}* b, unsigned* o)"
        "{ int i = blockIdx.x * blockDim.x + threadIdx.x, before = (i + 16383) % 16384;"
        f" {f.pair} p(a[i], b[before]), q(b[i], a[before]); {rows} }}"
    )
    extremes = (np.fmax, np.fmin, np.maximum, np.minimum)
    for *_, o in everywhere(text, "k", 64, BLOCK, a, b, np.zeros((len(lines), 16384), np.uint32)):
        for line, row, expected in zip(lines, o, wanted, strict=False):
            assert np.array_equal(row, expected.astype(np.uint32)), line
        for row, function in zip(o[len(wanted) :], extremes, strict=True):
            found = row.astype(np.uint16).view(f.dtype).astype(np.float32)
            assert np.array_equal(found, function(x, y), equal_nan=True)


@formats
def test_complex_multiplication(f: Format) -> None:
    g = np.random.default_rng(5)
    a, b, c = (g.integers(-9, 9, 2 * BLOCK).astype(f.dtype) for _ in range(3))
    text = (
        f"{f.include}__global__ void k(const {f.pair}* a, const {f.pair}* b, const {f.pair}* c,"
        f" {f.pair}* y) {{ int i = threadIdx.x; y[i] = __hcmadd(a[i], b[i], c[i]); }}"
    )
    x, y, z = (v.astype(np.float32).view(np.complex64) for v in (a, b, c))
    for *_, r in everywhere(text, "k", 1, BLOCK, a, b, c, np.zeros(2 * BLOCK, f.dtype)):
        assert np.array_equal(r.astype(np.float32).view(np.complex64), x * y + z)


# ------------------------------------------------------------------- pairs, lanes and memory

PAIRS: dict[str, list[float]] = {  # of p = (1, 2), q = (3, 4), s = 5; N is half or bfloat16
    "p": [1, 2],
    "__low2N2(p)": [1, 1],
    "__high2N2(p)": [2, 2],
    "__lowhigh2highlow(p)": [2, 1],
    "__lows2N2(p, q)": [1, 3],
    "__highs2N2(p, q)": [2, 4],
    "__halves2N2(s, __low2N(q))": [5, 3],
    "make_N2(__high2N(q), s)": [4, 5],
    "SPLAT(s)": [5, 5],
    "__float2N2_rn(7.0f)": [7, 7],
    "__floats2N2_rn(7.0f, 8.0f)": [7, 8],
    "__float22N2_rn(make_float2(7.0f, 8.0f))": [7, 8],
    "__float22N2_rn(__N22float2(q))": [3, 4],
    "PAIR(__low2float(q), __high2float(q))": [3, 4],
    "p + q * q / p - q": [1 + 9 - 3, 2 + 8 - 4],
    "+p": [1, 2],
    "-p": [-1, -2],
    "p++": [1, 2],
    "--q": [2, 3],
    "q += p": [4, 6],
    "q -= p": [2, 2],
    "q *= p": [3, 8],
    "q /= p": [3, 2],
    "PAIR(s++, s--)": [5, 6],
    "PAIR(++s, 1)": [6, 1],
    "PAIR(--s, 1)": [4, 1],
    "PAIR(s += 2, 1)": [7, 1],
    "PAIR(s -= 2, 1)": [3, 1],
    "PAIR(s *= 2, 1)": [10, 1],
    "PAIR(s /= 4, 1)": [1.25, 1],
    "PAIR(p == q, p != q)": [0, 1],
    "PAIR(p < q, p >= q)": [1, 0],
    "PAIR((int)s, (float)s)": [5, 5],
    "PAIR(!s, s ? 2 : 3)": [0, 2],
    "PAIR((unsigned char)s + 0.5, (long long)s)": [5.5, 5],
    "PAIR(TYPE(__short_as_N(__N_as_short(s))), __hisnan(s))": [5, 0],
    "__hfma2(p, q, __hneg2(q))": [0, 4],
    "__hadd2_sat(p, q)": [1, 1],
    "__hmin2(__hmax2(p, SPLAT(s)), q)": [3, 4],
}


@formats
def test_pairs(f: Format) -> None:
    def spelled(text: str) -> str:
        text = text.replace("N", f.name).replace("TYPE", f.type).replace("PAIR", f.pair)
        return text.replace("SPLAT", f"__{f.name}2{f.name}2")

    lines = "".join(
        f"{{ {f.pair} p(1, 2), q(3, 4); {f.type} s = 5; y[{k}] = {spelled(e)}; }}\n"
        for k, e in enumerate(PAIRS)
    )
    text = f"{f.include}__global__ void k({f.pair}* y) {{\n{lines}}}"
    for (y,) in everywhere(text, "k", 1, 1, np.zeros(2 * len(PAIRS), f.dtype)):
        found = y.astype(np.float32).reshape(-1, 2).tolist()
        assert dict(zip(PAIRS, found, strict=True)) == PAIRS


LANES = """
__global__ void k(const T* x, const T2* p, T* y, T2* q) {
  int i = threadIdx.x;
  y[i] = __shfl_sync(~0u, x[i], 3);
  y[32 + i] = __shfl_up_sync(~0u, x[i], 1);
  y[64 + i] = __shfl_down_sync(~0u, x[i], 2, 16);
  y[96 + i] = __shfl_xor_sync(~0u, x[i], 5);
  q[i] = __shfl_sync(~0u, p[i], i + 1);
  q[32 + i] = __shfl_up_sync(~0u, p[i], 4);
  q[64 + i] = __shfl_down_sync(~0u, p[i], 1);
  q[96 + i] = __shfl_xor_sync(~0u, p[i], 31);
}
"""


@formats
def test_shuffles(f: Format) -> None:
    x, p = np.arange(32).astype(f.dtype), np.arange(64).astype(f.dtype)
    text = f.include + f"typedef {f.type} T;\ntypedef {f.pair} T2;\n" + LANES
    i = np.arange(32)
    lanes = [i * 0 + 3, np.maximum(i - 1, 0), np.where(i % 16 < 14, i + 2, i), i ^ 5]
    pairs = [(i + 1) % 32, np.where(i < 4, i, i - 4), np.minimum(i + 1, 31), i ^ 31]
    for *_, y, q in everywhere(
        text, "k", 1, 32, x, p, np.zeros((4, 32), f.dtype), np.zeros((4, 64), f.dtype)
    ):
        assert np.array_equal(y, x[np.array(lanes)])
        assert np.array_equal(q.reshape(4, 32, 2), p.reshape(32, 2)[np.array(pairs)])


@formats
def test_atomic_additions(f: Format) -> None:
    text = (
        f"{f.include}__global__ void k({f.type}* sum, {f.pair}* sums, const {f.type}* x, {f.pair}* old)"
        f"{{ __shared__ {f.type} s; if (threadIdx.x == 0) s = 0; __syncthreads();"
        f" atomicAdd(&s, {f.type}(1.0f)); __syncthreads();"
        f" if (threadIdx.x == 0) atomicAdd(sum, s);"
        f" old[threadIdx.x] = atomicAdd(sums + 1, {f.pair}(__ldg(x), 2)); }}"
    )
    arrays = [
        np.zeros(1, f.dtype),
        np.zeros(4, f.dtype),
        np.ones(1, f.dtype),
        np.zeros(128, f.dtype),
    ]
    for sum_, sums, _, old in everywhere(text, "k", 1, 64, *arrays):
        assert sum_[0] == 64
        assert sums.tolist() == [0, 0, 64, 128]
        assert sorted(old.reshape(-1, 2).tolist()) == [[i, 2 * i] for i in range(64)]


def test_a_half_and_a_bfloat16_meet() -> None:
    text = (
        "#include <cuda_bf16.h>\n__global__ void k(const half* x, nv_bfloat16* y, half* z)"
        "{ int i = blockIdx.x * blockDim.x + threadIdx.x; y[i] = nv_bfloat16(x[i]); z[i] = half(y[i]); }"
    )
    half, brain = FORMATS
    arrays = [half.all, np.zeros(65536, brain.dtype), np.zeros(65536, half.dtype)]
    for x, y, z in everywhere(text, "k", 65536 // BLOCK, BLOCK, *arrays):
        with np.errstate(invalid="ignore"):
            same(y, brain.nearest(x.astype(Wide)))
            same(z, half.nearest(y.astype(Wide)))


def test_bits() -> None:
    text = (
        "#include <cuda_fp16.h>\n__global__ void k(unsigned short* o) {"
        "__half_raw r; r.x = 0x4000; half h = r; o[0] = (int)(float)h; h = __half_raw{0x4400};"
        "o[1] = (int)h; r = h; o[2] = r.x; half2 p = __half2_raw{0x3C00, 0x4000}; o[3] = (int)p.y;"
        "h = __ushort_as_half(0x7C00); o[4] = __hisinf(h) + 2 * __hisinf(-h) + 5 + __hisinf(p.x);"
        "__half2_raw q = p; o[5] = q.y; }"
    )
    for (o,) in everywhere(text, "k", 1, 1, np.zeros(6, np.uint16)):
        assert o.tolist() == [2, 4, 0x4400, 2, 4, 0x4000]


def test_constants() -> None:
    names = ("INF", "NAN", "MIN_DENORM", "MAX_NORMAL", "NEG_ZERO", "ZERO", "ONE")
    lines = [f"o[{k}] = __half_as_ushort(CUDART_{n}_FP16);" for k, n in enumerate(names)]
    lines += [f"o[{k + 7}] = __bfloat16_as_ushort(CUDART_{n}_BF16);" for k, n in enumerate(names)]
    text = f"#include <cuda_bf16.h>\n__global__ void k(unsigned short* o) {{ {' '.join(lines)} }}"
    o = np.zeros(14, np.uint16)
    run(text, "k", 1, 1, o)  # NVRTC has no such names
    assert o[:7].tolist() == [0x7C00, 0x7FFF, 1, 0x7BFF, 0x8000, 0, 0x3C00]
    assert o[7:].tolist() == [0x7F80, 0x7FFF, 1, 0x7F7F, 0x8000, 0, 0x3F80]


def test_switches_take_conversions_and_operators_away() -> None:
    text = (
        "struct Own {}; #include <cuda_fp16.h>\n__device__ int operator+(half, half) { return 7; }\n"
        "__global__ void k(int* o, const half* x) { o[0] = x[0] + x[1]; }"
    ).replace("; #", ";\n#")
    defines = (("__CUDA_NO_HALF_OPERATORS__", ""), ("__CUDA_NO_HALF_CONVERSIONS__", ""))
    for o, _ in everywhere(
        text, "k", 1, 1, np.zeros(1, np.int32), np.ones(2, np.float16), defines=defines
    ):
        assert o[0] == 7


# ------------------------------------------------------------------- what kernels do with halves

IDIOMS = """#include <cuda_fp16.h>
union Pack { float4 f; half2 h[4]; };
template <class T> __device__ T relu(T v) { return v > T(0) ? v : T(0); }

__global__ void eight_at_once(const half* __restrict__ x, half* y, int n) {
  int i = (blockIdx.x * blockDim.x + threadIdx.x) * 8;
  if (i + 7 >= n) return;
  float4 raw = *reinterpret_cast<const float4*>(x + i);
  const half2* h = reinterpret_cast<const half2*>(&raw);
  half2 out[4];
#pragma unroll
  for (int k = 0; k < 4; ++k) out[k] = __hmul2(h[k], __float2half2_rn(2.0f));
  *reinterpret_cast<float4*>(y + i) = *reinterpret_cast<float4*>(out);
}
__global__ void through_a_union(const float4* x, float4* y) {
  Pack p;
  p.f = x[threadIdx.x];
  for (int k = 0; k < 4; ++k) p.h[k] = __hadd2(p.h[k], p.h[k]);
  y[threadIdx.x] = p.f;
}
__global__ void tree(const half* x, half* y) {
  __shared__ half s[64];
  volatile half* last = s;
  int t = threadIdx.x;
  s[t] = relu(x[t]);
  __syncthreads();
  for (int o = 32; o > 0; o >>= 1) {
    if (t < o) s[t] = __hadd(s[t], s[t + o]);
    __syncthreads();
  }
  if (t == 0) { last[1] = last[0]; y[0] = s[1]; }
}
__device__ void add(half* address, half v) {
  unsigned short* p = (unsigned short*)address;
  unsigned short old = *p, assumed;
  do {
    assumed = old;
    old = atomicCAS(p, assumed, __half_as_ushort(__hadd(__ushort_as_half(assumed), v)));
  } while (assumed != old);
}
__global__ void by_compare_and_swap(half* sum) { add(sum, __float2half(1.0f)); }
__global__ void as_words(const half2* x, half* y) {
  half2 a = x[0];
  unsigned u = *(unsigned*)&a;
  half2 b = *(half2*)&u, c = reinterpret_cast<half2&>(u);
  reinterpret_cast<unsigned&>(a) ^= 0x80008000u;
  y[0] = b.x + c.y;
  y[1] = a.x;
}
"""


def test_idioms() -> None:
    x = np.arange(-64, 192, dtype=np.float16)
    for _, y in everywhere(IDIOMS, "eight_at_once", 1, 32, x, np.zeros(256, np.float16), 256):
        assert np.array_equal(y, 2 * x)
    words = x[:64].view(np.float32)
    for _, y in everywhere(IDIOMS, "through_a_union", 1, 8, words, np.zeros(32, np.float32)):
        assert np.array_equal(y.view(np.float16), 2 * x[:64])
    for _, y in everywhere(IDIOMS, "tree", 1, 64, x[40:104].copy(), np.zeros(1, np.float16)):
        assert y[0] == sum(range(40))
    for (y,) in everywhere(IDIOMS, "by_compare_and_swap", 2, 32, np.zeros(2, np.float16)):
        assert y.tolist() == [64, 0]
    pair = np.array([3, 4], np.float16)
    for _, y in everywhere(IDIOMS, "as_words", 1, 1, pair, np.zeros(2, np.float16)):
        assert y.tolist() == [7, -3]


GENERIC = """
template <class T> __global__ void scale(const T* x, T* y, float alpha) {
  int i = threadIdx.x;
  float a = static_cast<float>(x[i]);
  T b = static_cast<T>(a * alpha), zero = 0;
  y[i] = i % 2 ? b : x[i];
  y[i] += T(1);
  if (y[i] == zero) y[i] = T(5.0);
}
"""


@formats
def test_a_template_for_any_number(f: Format) -> None:
    x = np.arange(-3, 5).astype(f.dtype)
    for _, y in everywhere(
        f.include + GENERIC, f"scale<{f.type}>", 1, 8, x, np.zeros(8, f.dtype), 2.0
    ):
        assert y.tolist() == [-2, -3, 5, 1, 2, 5, 4, 9]


# -------------------------------------------------------------------------------- 8-bit floats

EIGHT = {
    "e4m3": (ml_dtypes.float8_e4m3fn, 448.0, np.nan),
    "e5m2": (ml_dtypes.float8_e5m2, 57344.0, np.inf),
}


@pytest.mark.parametrize("kind", EIGHT)
def test_all_8_bit_floats_are_read(kind: str) -> None:
    dtype = EIGHT[kind][0]
    text = (
        f"#include <cuda_fp8.h>\n__global__ void k(const __nv_fp8_{kind}* x, float* y, half* z)"
        "{ int i = threadIdx.x; y[i] = (float)x[i]; z[i] = (half)x[i]; }"
    )
    arrays = [np.arange(256, dtype=np.uint8), np.zeros(256, np.float32), np.zeros(256, np.float16)]
    for x, y, z in everywhere(text, "k", 1, 256, *arrays):
        wanted = x.view(dtype).astype(np.float32)
        assert np.array_equal(y, wanted, equal_nan=True)
        assert np.array_equal(z.astype(np.float32), wanted, equal_nan=True)


@pytest.mark.parametrize("kind", EIGHT)
def test_numbers_become_8_bit_floats(kind: str) -> None:
    dtype, most, beyond = EIGHT[kind]
    x = np.concatenate(
        [FORMATS[0].all.astype(np.float32), np.float32([1e30, -1e30, 448.1, 464, 464.1])]
    )
    x = np.resize(x, 257 * BLOCK)
    macro = f"__NV_{kind.upper()}"
    text = (
        f"#include <cuda_fp8.h>\n__global__ void k(const float* x, __nv_fp8_{kind}* y, unsigned char* z)"
        f"{{ int i = blockIdx.x * blockDim.x + threadIdx.x; y[i] = __nv_fp8_{kind}(x[i]);"
        f" z[i] = __nv_cvt_float_to_fp8(x[i], __NV_NOSAT, {macro}); }}"
    )
    with np.errstate(all="ignore"):
        plain = x.astype(dtype)
    large = np.abs(x) > most
    over = large & ~(np.abs(plain.astype(np.float32)) <= most)
    clipped = np.where(over, np.copysign(most, x).astype(dtype), plain)
    loose = np.where(over, np.copysign(beyond, x).astype(dtype), plain)
    for _, y, z in everywhere(
        text, "k", 257, BLOCK, x, np.zeros(len(x), np.uint8), np.zeros(len(x), np.uint8)
    ):
        same(y.view(dtype), clipped)
        same(z.view(dtype), loose)


def test_packed_8_bit_floats() -> None:
    text = (
        "#include <cuda_fp8.h>\n__global__ void k(__nv_fp8x4_e4m3* y, float4* z, __nv_fp8x2_e5m2* w)"
        "{ y[0] = __nv_fp8x4_e4m3(make_float4(1, -2, 3, 0.5f)); z[0] = float4(y[0]);"
        " w[0] = __nv_fp8x2_e5m2(half2(4, 5)); float2 f = float2(w[0]); z[1].x = f.x; z[1].y = f.y;"
        " z[1].z = (int)__nv_fp8_e4m3(6); z[1].w = (bool)__nv_fp8_e5m2(0.0); }"
    )
    arrays = [np.zeros(1, np.uint32), np.zeros(8, np.float32), np.zeros(1, np.uint16)]
    for y, z, w in everywhere(text, "k", 1, 1, *arrays):
        assert z.tolist() == [1, -2, 3, 0.5, 4, 5, 6, 0]
        assert y.view(ml_dtypes.float8_e4m3fn).astype(float).tolist() == [1, -2, 3, 0.5]
        assert w.view(ml_dtypes.float8_e5m2).astype(float).tolist() == [4, 5]
