"""A second, naive meaning of KIR: one thread after another, in Python's integers and fractions.

It shares no code with the interpreter and has no masks: a thread is a generator that runs until a
barrier or a warp operation. What the interpreter does to masks and arrays is checked against it.
Approximate functions give 0 here; nothing of a random program depends on them.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from accelerx import dtypes
from accelerx.compiler import ir
from accelerx.dtypes import DType

Number = Any  # int, float or bool
Path = tuple[int, ...]
_FORMATS = {  # significant bits, exponent of the smallest subnormal, largest exponent
    "float16": (11, -24, 16),
    "bfloat16": (8, -133, 128),
    "float32": (24, -149, 128),
    "float64": (53, -1074, 1024),
}


# ------------------------------------------------------------------------------------- numbers


def wrap(value: int, t: DType) -> int:
    """The low bits of an integer, as a value of ``t``."""
    value &= (1 << t.bits) - 1
    return value - (1 << t.bits) if t.is_signed and value >> (t.bits - 1) else value


def to_float(exact: Fraction, t: DType, zero: float = 0.0) -> float:
    """A rational number rounded to nearest even; ``zero`` is what an exact zero gives."""
    if exact == 0:
        return zero
    precision, smallest, largest = _FORMATS[t.name]
    size = abs(exact)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    if size < Fraction(2) ** exponent:
        exponent -= 1
    unit = max(exponent - precision + 1, smallest)
    rounded = round(size / Fraction(2) ** unit) * Fraction(2) ** unit
    sign = 1.0 if exact > 0 else -1.0
    if rounded >= Fraction(2) ** largest:
        return sign * math.inf
    return sign * float(rounded)


def round_to(value: float, t: DType) -> float:
    """A double rounded to ``t``."""
    if not math.isfinite(value) or value == 0:
        return value
    return to_float(Fraction(value), t)


def float_binary(op: str, x: float, y: float, t: DType) -> float:
    """IEEE arithmetic in format ``t``."""
    finite = math.isfinite(x) and math.isfinite(y)
    match op:
        case "add" | "sub":
            y = -y if op == "sub" else y
            return to_float(Fraction(x) + Fraction(y), t, x + y) if finite else x + y
        case "mul":
            return to_float(Fraction(x) * Fraction(y), t, x * y) if finite else x * y
        case "div":
            if y == 0:
                sign = math.copysign(1.0, x) * math.copysign(1.0, y)
                return math.nan if x == 0 or x != x else math.copysign(math.inf, sign)
            if not finite:
                return x / y
            sign = math.copysign(1.0, x) * math.copysign(1.0, y)
            return to_float(Fraction(x) / Fraction(y), t, math.copysign(0.0, sign))
        case "min" | "max":
            if x != x or y != y:
                return y if x != x else x
            return min(x, y) if op == "min" else max(x, y)
        case "rem" | "mod":
            return _remainder(op, x, y, t)
    raise AssertionError(op)


def _remainder(op: str, x: float, y: float, t: DType) -> float:
    if x != x or y != y or math.isinf(x) or y == 0:
        return math.nan
    r = math.fmod(x, y)
    if op == "rem":
        return r
    if r == 0:
        return math.copysign(0.0, y)
    return float_binary("add", r, y, t) if (r < 0) != (y < 0) else r


def int_binary(op: str, x: int, y: int, t: DType) -> int:
    """KIR's integer arithmetic."""
    match op:
        case "add":
            return wrap(x + y, t)
        case "sub":
            return wrap(x - y, t)
        case "mul":
            return wrap(x * y, t)
        case "quot" | "rem":
            if y == 0:
                return 0
            q = abs(x) // abs(y)
            q = -q if (x < 0) != (y < 0) else q
            return wrap(q if op == "quot" else x - q * y, t)
        case "floordiv":
            return wrap(x // y, t) if y else 0
        case "mod":
            return wrap(x % y, t) if y else 0
        case "and":
            return x & y
        case "or":
            return x | y
        case "xor":
            return x ^ y
        case "min":
            return min(x, y)
        case "max":
            return max(x, y)
        case "shl" | "shr":
            count = y % (1 << t.bits)
            if count >= t.bits:
                return -1 if op == "shr" and x < 0 else 0
            return wrap(x << count, t) if op == "shl" else x >> count
    raise AssertionError(op)


def cast(x: Number, source: DType, t: DType) -> Number:
    """KIR's Cast."""
    if t.is_bool:
        return bool(x != 0)
    if not source.is_float:
        return wrap(int(x), t) if t.is_integer else to_float(Fraction(int(x)), t)
    if t.is_float:
        return round_to(x, t)
    if x != x:
        return 0
    low = -(1 << (t.bits - 1)) if t.is_signed else 0
    high = low + (1 << t.bits) - 1
    if math.isinf(x):
        return high if x > 0 else low
    return min(max(math.trunc(x), low), high)


def bitcast(x: Number, source: DType, t: DType) -> Number:
    """KIR's Bitcast."""
    array = np.array([x], source.numpy).view(t.numpy)
    return array.astype(np.float64)[0].item() if t is dtypes.bfloat16 else array[0].item()


def compare(op: str, x: Number, y: Number) -> bool:
    """IEEE and integer comparison."""
    results: dict[str, bool] = {
        "eq": x == y, "ne": x != y, "lt": x < y, "le": x <= y, "gt": x > y, "ge": x >= y,
    }  # fmt: skip
    return results[op]


def int_call(name: str, arguments: Sequence[int], t: DType) -> int:
    """The integer intrinsics, on binary digits."""
    x = arguments[0]
    digits = format(x & ((1 << t.bits) - 1), f"0{t.bits}b")
    match name:
        case "abs":
            return wrap(abs(x), t)
        case "popc":
            return digits.count("1")
        case "clz":
            return t.bits - len(digits.lstrip("0"))
        case "ffs":
            return t.bits - digits.rindex("1") if "1" in digits else 0
        case "brev":
            return wrap(int(digits[::-1], 2), t)
        case "mulhi":
            return wrap((x * arguments[1]) >> t.bits, t)
    raise AssertionError(name)


def float_call(name: str, arguments: Sequence[Number], t: DType) -> Number:
    """The exact float intrinsics; 0 for the others."""
    x = arguments[0]
    finite = math.isfinite(x)
    match name:
        case "isnan":
            return x != x
        case "isinf":
            return math.isinf(x)
        case "isfinite":
            return finite
        case "abs":
            return abs(x)
        case "copysign":
            return math.copysign(x, arguments[1])
        case "sqrt":
            return math.nan if x < 0 else round_to(math.sqrt(x), t)
        case "floor" | "ceil" | "trunc" if finite:
            return math.copysign(float(getattr(math, name)(x)), x)
        case "rint" if finite:
            return math.copysign(float(round(x)), x)
        case "round" if finite:
            return math.copysign(float(math.floor(abs(Fraction(x)) + Fraction(1, 2))), x)
        case "floor" | "ceil" | "trunc" | "rint" | "round":
            return x
        case "ldexp":
            exact = finite and x != 0
            return to_float(Fraction(x) * Fraction(2) ** arguments[1], t) if exact else x
        case "nextafter":
            return _nextafter(x, arguments[1], t)
        case "fma":
            return _fma(x, arguments[1], arguments[2], t)
    return 0.0


def _fma(x: float, y: float, z: float, t: DType) -> float:
    if not all(map(math.isfinite, (x, y, z))):
        return x * y + z if not (math.isfinite(x) and math.isfinite(y)) else z
    product = Fraction(x) * Fraction(y)
    if product == 0:
        return x * y + z
    return to_float(product + Fraction(z), t)


def _nextafter(x: float, y: float, t: DType) -> float:
    if x != x or y != y:
        return math.nan
    if x == y:
        return y
    precision, smallest, largest = _FORMATS[t.name]
    if x == 0:
        return math.copysign(2.0**smallest, y)
    top = Fraction(2) ** largest - Fraction(2) ** (largest - precision)
    if math.isinf(x):
        return math.copysign(float(top), x)
    up = (y > x) == (x > 0)
    mantissa, exponent = math.frexp(abs(x))
    unit = max(exponent - precision, smallest)
    if not up and mantissa == 0.5 and unit > smallest:
        unit -= 1
    size = Fraction(abs(x)) + (1 if up else -1) * Fraction(2) ** unit
    return math.copysign(math.inf if size > top else float(size), x)


# ------------------------------------------------------------------------------------- storage


class _Bytes:
    """Bytes that several Mems share, as the elements of one of them."""

    def __init__(self, data: bytearray, m: ir.Mem) -> None:
        self.data, self.dtype, self.step = data, m.dtype, m.step

    def __len__(self) -> int:
        return max(0, len(self.data) - self.dtype.itemsize) // self.step + 1

    def __getitem__(self, at: int) -> Number:
        start = at * self.step
        raw = np.frombuffer(self.data, np.uint8, self.dtype.itemsize, start)
        return bool(raw[0]) if self.dtype.is_bool else _numbers(raw.view(self.dtype.numpy))[0]

    def __setitem__(self, at: int, value: Number) -> None:
        start = at * self.step
        raw = np.array([value], self.dtype.numpy).tobytes()
        self.data[start : start + len(raw)] = raw


Memory = dict[str, list[Number] | _Bytes]


def _share(kernel: ir.Kernel, root: str, data: bytearray) -> Memory:
    """The Mems that lie in the bytes of ``root``, itself among them."""
    return {m.name: _Bytes(data, m) for m in kernel.mems.values() if m.storage == root}


def _roots(kernel: ir.Kernel) -> set[str]:
    """The Mems that have views."""
    return {m.of for m in kernel.mems.values() if m.of is not None}


# ------------------------------------------------------------------------------------- threads


@dataclass(slots=True)
class _Event:
    """A thread that waits at a barrier or warp operation, at a point of its dynamic path."""

    path: Path
    statement: ir.Barrier | ir.Warp
    arguments: tuple[Number, ...] = ()
    width: int = 32


@dataclass(slots=True)
class _Block:
    kernel: ir.Kernel
    grid: tuple[int, ...]
    block: tuple[int, ...]
    index: tuple[int, ...]
    params: Mapping[str, Number]
    memory: Memory


@dataclass(slots=True)
class _Thread:
    block: _Block
    linear: int
    locals: dict[str, Number] = field(default_factory=dict)
    own: dict[str, list[Number]] = field(default_factory=dict)

    # ---- expressions

    def eval(self, e: ir.Expr) -> Number:
        match e:
            case ir.Const():
                return e.value
            case ir.Local():
                return self.locals.get(e.name, 0)
            case ir.ParamRef():
                return self.block.params[e.name]
            case ir.Special():
                return self._special(e)
            case ir.Binary():
                x, y = self.eval(e.left), self.eval(e.right)
                return (float_binary if e.type.is_float else int_binary)(e.op, x, y, e.type)
            case ir.Unary():
                x = self.eval(e.operand)
                if e.op == "not":
                    return not x
                return wrap(-x if e.op == "neg" else ~x, e.type) if e.type.is_integer else -x
            case ir.Compare():
                return compare(e.op, self.eval(e.left), self.eval(e.right))
            case ir.Logical():
                x, y = self.eval(e.left), self.eval(e.right)
                return {"and": x and y, "or": x or y, "xor": x != y}[e.op]
            case ir.Select():
                parts = [self.eval(x) for x in ir.operands(e)]
                return parts[1] if parts[0] else parts[2]
            case ir.Cast():
                return cast(self.eval(e.operand), e.operand.type, e.type)
            case ir.Bitcast():
                return bitcast(self.eval(e.operand), e.operand.type, e.type)
            case ir.Call():
                t = e.arguments[0].type
                call = float_call if t.is_float else int_call
                return call(e.function, [self.eval(a) for a in e.arguments], t)
            case ir.Load():
                array, at = self.place(e.mem, e.indices)
                return array[at]
        raise AssertionError(e)

    def _special(self, e: ir.Special) -> int:
        bx, by, _ = self.block.block
        match e.kind:
            case "thread":
                here = (self.linear % bx, self.linear // bx % by, self.linear // (bx * by))
                return here[e.axis]
            case "block":
                return self.block.index[e.axis]
            case "block_dim":
                return self.block.block[e.axis]
            case "grid_dim":
                return self.block.grid[e.axis]
            case "lane":
                return self.linear % 32
            case _:
                return self.linear // 32

    def place(self, name: str, indices: Sequence[ir.Expr]) -> tuple[list[Number] | _Bytes, int]:
        """The elements of a Mem and the position of an element in it."""
        mem = self.block.kernel.mems[name]
        strides = [s if isinstance(s, int) else self.eval(s) for s in mem.strides]
        at = sum(self.eval(i) * s for i, s in zip(indices, strides, strict=True))
        array = self.own[name] if mem.space == "local" else self.block.memory[name]
        assert 0 <= at < len(array), f"{name}[{at}]"
        return array, at

    # ---- statements

    def run(self, body: Sequence[ir.Stmt], path: Path) -> Generator[_Event, Number, str]:
        """Runs a list; returns how it was left: "" at its end, or the jump."""
        for n, s in enumerate(body):
            left = yield from self.step(s, (*path, n))
            if left:
                return left
        return ""

    def step(self, s: ir.Stmt, path: Path) -> Generator[_Event, Number, str]:
        match s:
            case ir.Assign():
                self.locals[s.target] = self.eval(s.value)
            case ir.Store():
                array, at = self.place(s.mem, s.indices)
                array[at] = self.eval(s.value)
            case ir.If():
                taken = self.eval(s.condition)
                body = s.then if taken else s.orelse
                return (yield from self.run(body, (*path, 0 if taken else 1)))
            case ir.For():
                return (yield from self.count(s, path))
            case ir.While():
                return (yield from self.repeat(s, path))
            case ir.Break():
                return "break"
            case ir.Continue():
                return "continue"
            case ir.Return():
                return "return"
            case ir.Scope():
                left = yield from self.run(s.body, path)
                return "" if left == f"exit {s.label}" else left
            case ir.Exit():
                return f"exit {s.label}"
            case ir.Barrier():
                arguments = () if s.predicate is None else (self.eval(s.predicate),)
                result = yield _Event(path, s, arguments)
                if s.result is not None:
                    self.locals[s.result] = result
            case ir.Atomic():
                self.atomic(s)
            case ir.Warp():
                arguments = tuple(self.eval(a) for a in s.arguments)
                width = 32 if s.width is None else self.eval(s.width)
                self.locals[s.result] = yield _Event(path, s, arguments, width)
            case _:
                raise AssertionError(s)
        return ""

    def count(self, s: ir.For, path: Path) -> Generator[_Event, Number, str]:
        start, stop, step = self.eval(s.start), self.eval(s.stop), self.eval(s.step)
        for turn, value in enumerate(range(start, stop, step)):
            self.locals[s.target] = value
            left = yield from self.run(s.body, (*path, turn))
            if left == "break":
                return ""
            if left not in ("", "continue"):
                return left
        return ""

    def repeat(self, s: ir.While, path: Path) -> Generator[_Event, Number, str]:
        turn = 0
        while self.eval(s.condition):
            left = yield from self.run(s.body, (*path, turn, 0))
            if left == "break":
                return ""
            if left not in ("", "continue"):
                return left
            left = yield from self.run(s.post, (*path, turn, 1))
            if left:
                return left
            turn += 1
        return ""

    def atomic(self, s: ir.Atomic) -> None:
        array, at = self.place(s.mem, s.indices)
        old, value, t = array[at], self.eval(s.value), s.value.type
        match s.op:
            case "exch":
                new = value
            case "cas":
                assert s.compare is not None
                new = value if old == self.eval(s.compare) else old
            case "inc":
                new = 0 if old >= value else old + 1
            case "dec":
                new = value if old == 0 or old > value else old - 1
            case _:
                new = (float_binary if t.is_float else int_binary)(s.op, old, value, t)
        array[at] = new
        if s.result is not None:
            self.locals[s.result] = old


def run(
    kernel: ir.Kernel,
    grid: tuple[int, int, int],
    block: tuple[int, int, int],
    shared_bytes: int,
    scalars: Mapping[str, Number],
    buffers: Mapping[str, np.ndarray[Any, Any]],
) -> None:
    """Runs a kernel, block after block, and writes the buffers."""
    roots = _roots(kernel)
    bytes_of = {n: bytearray(a.tobytes()) for n, a in buffers.items() if n in roots}
    memory: Memory = {n: _numbers(array) for n, array in buffers.items() if n not in roots}
    for name, data in bytes_of.items():
        memory |= _share(kernel, name, data)
    threads = block[0] * block[1] * block[2]
    for z in range(grid[2]):
        for y in range(grid[1]):
            for x in range(grid[0]):
                here = _Block(kernel, grid, block, (x, y, z), scalars, dict(memory))
                _declare(here, shared_bytes)
                _run_block(here, threads)
    for name, array in buffers.items():
        if not array.flags.writeable:
            continue
        if name in roots:
            array[:] = np.frombuffer(bytes_of[name], array.dtype)
        else:
            array[:] = np.array(memory[name], array.dtype)


def _numbers(array: np.ndarray[Any, Any]) -> list[Number]:
    with np.errstate(invalid="ignore"):  # any bytes may be read as floats, signalling NaNs too
        plain = array.astype(np.float64) if array.dtype.name == "bfloat16" else array
    return list(plain.tolist())


def _declare(block: _Block, shared_bytes: int) -> None:
    roots = _roots(block.kernel)
    for m in block.kernel.mems.values():
        if m.of is not None:
            continue
        if m.space == "shared" and m.name in roots:
            size = shared_bytes if m.size is None else m.size * m.dtype.itemsize
            block.memory |= _share(block.kernel, m.name, bytearray(size))
        elif m.space == "shared":
            size = shared_bytes // m.dtype.itemsize if m.size is None else m.size
            block.memory[m.name] = [0] * size
        elif m.space == "const":
            block.memory[m.name] = list(m.data or ())


def _run_block(block: _Block, count: int) -> None:
    running: dict[int, Generator[_Event, Number, str]] = {}
    waiting: dict[int, _Event] = {}
    answers: dict[int, Number] = {}
    for n in range(count):
        thread = _Thread(block, n)
        for m in block.kernel.mems.values():
            if m.space == "local":
                thread.own[m.name] = [0] * (m.size or 0)
        running[n] = thread.run(block.kernel.body, ())
        answers[n] = None
    while answers:
        for n, answer in answers.items():
            try:
                waiting[n] = running[n].send(answer)
            except StopIteration:
                del running[n]
        answers = _serve(waiting, len(running))
        for n in answers:
            del waiting[n]


def _serve(waiting: dict[int, _Event], alive: int) -> dict[int, Number]:
    """Lets the threads go that wait at the earliest point of the program."""
    if not waiting:
        return {}
    first = min(event.path for event in waiting.values())
    group = {n: event for n, event in waiting.items() if event.path == first}
    s = next(iter(group.values())).statement
    if isinstance(s, ir.Barrier):
        assert len(group) == alive, f"{len(group)} of {alive} threads at a barrier"
        votes = [event.arguments[0] for event in group.values() if event.arguments]
        result = {"count": sum(votes), "and": int(all(votes)), "or": int(any(votes))}.get(s.kind)
        return dict.fromkeys(group, result)
    answers: dict[int, Number] = {}
    for warp in {n // 32 for n in group}:
        lanes = {n % 32: event for n, event in group.items() if n // 32 == warp}
        for lane in lanes:
            answers[warp * 32 + lane] = _warp(s, lane, lanes)
    return answers


def _warp(s: ir.Warp, lane: int, lanes: dict[int, _Event]) -> Number:
    """What one lane gets; ``lanes`` are those that take part."""
    if s.op == "activemask":
        return sum(1 << n for n in lanes)
    values = {n: event.arguments[0] for n, event in sorted(lanes.items())}
    own = values[lane]
    if s.op.startswith("shfl"):
        by, width = lanes[lane].arguments[1], lanes[lane].width
        base = lane // width * width
        source = {
            "shfl_idx": base + by % width,
            "shfl_up": lane - by,
            "shfl_down": lane + by,
            "shfl_xor": lane ^ by,
        }[s.op]
        first = 0 if s.op == "shfl_xor" else base
        return values.get(source, own) if first <= source < base + width else own
    if s.op == "match_any":
        return sum(1 << n for n, v in values.items() if v == own)
    if s.op.startswith("reduce"):
        t = s.arguments[0].type
        total, *rest = values.values()
        for value in rest:
            total = int_binary(s.op.removeprefix("reduce_"), total, value, t)
        return total
    votes = list(values.values())
    return {
        "ballot": sum(1 << n for n, v in values.items() if v),
        "any": any(votes),
        "all": all(votes),
        "uni": len(set(votes)) == 1,
    }[s.op]
