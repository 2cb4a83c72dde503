"""PTX instructions on the bits of integers."""

from __future__ import annotations

from accelerx.compiler import ir
from accelerx.compiler.frontends.cuda_cpp.builtins_bits import funnel
from accelerx.compiler.frontends.cuda_cpp.ptx_assembly import Assembly, Instruction, Refusal, Rule
from accelerx.dtypes import DType, int32, uint32, uint64


def _count(name: str) -> Rule:
    def rule(a: Assembly, i: Instruction) -> None:
        x = a.value(i.operands[1], i.dtype())
        a.assign(i.operands[0], a.build.call(name, x, result=int32))

    return rule


def _field_extract(a: Assembly, i: Instruction) -> None:
    """Field extraction: len bits from bit pos on; beyond the top come zeros, or copies of the sign."""
    build, dtype = a.build, i.dtype()
    x = build.keep(a.value(i.operands[1], dtype))
    start, length = (build.keep(_byte(a, name, dtype)) for name in i.operands[2:4])
    # Up until the field's highest bit is the word's, then down again, which extends its sign.
    end = build.binary("min", build.add(start, length), dtype.bits)
    up = build.keep(build.sub(dtype.bits, end))
    field = build.binary("shr", build.binary("shl", x, up), build.add(start, up))
    a.assign(i.operands[0], build.select(build.compare("eq", length, 0), 0, field))


def _byte(a: Assembly, name: str, dtype: DType) -> ir.Expr:
    return a.build.cast(a.build.binary("and", a.value(name, uint32), 0xFF), dtype)


def _field_insert(a: Assembly, i: Instruction) -> None:
    """Field insertion: the low len bits of the first operand, put into the second one at bit pos."""
    build, dtype = a.build, i.dtype()
    x, y = (build.keep(a.value(name, dtype)) for name in i.operands[1:3])
    start, length = (build.keep(_byte(a, name, dtype)) for name in i.operands[3:5])
    ones = build.binary("shl", build.const((1 << dtype.bits) - 1, dtype), length)
    mask = build.keep(build.binary("shl", build.invert(ones), start))
    field = build.binary("and", build.binary("shl", x, start), mask)
    a.assign(i.operands[0], build.binary("or", field, build.binary("and", y, build.invert(mask))))


def _permute(a: Assembly, i: Instruction) -> None:
    """Permute: four of eight bytes, a selector's top bit replicating the byte's sign."""
    build = a.build
    if i.dtype() is not uint32 or len(i.modifiers) != 1:
        raise Refusal("its mode")
    x, y, selector = (build.keep(a.value(name, uint32)) for name in i.operands[1:4])
    high = build.binary("shl", build.cast(y, uint64), 32)
    words = build.keep(build.binary("or", build.cast(x, uint64), high))
    total: ir.Expr = build.const(0, uint32)
    for n in range(4):
        digit = build.keep(build.binary("and", build.binary("shr", selector, 4 * n), 15))
        at = build.cast(build.mul(build.binary("and", digit, 7), 8), uint64)
        byte = build.keep(
            build.binary("and", build.cast(build.binary("shr", words, at), uint32), 255)
        )
        sign = build.mul(build.binary("shr", byte, 7), 255)
        replicates = build.compare("ge", digit, 8)
        byte = build.select(replicates, sign, byte)
        total = build.binary("or", total, build.binary("shl", byte, 8 * n))
    a.assign(i.operands[0], total)


def _lop3(a: Assembly, i: Instruction) -> None:
    """Any function of three bits, by its table of eight."""
    build = a.build
    values = [build.keep(a.value(name, uint32)) for name in i.operands[1:4]]
    table = a.value(i.operands[4], uint32)
    if not isinstance(table, ir.Const):
        raise Refusal("a table that is no constant")
    total: ir.Expr = build.const(0, uint32)
    for row in range(8):
        if int(table.value) >> row & 1:
            term: ir.Expr = build.const(0xFFFFFFFF, uint32)
            for bit, value in zip((4, 2, 1), values, strict=True):
                term = build.binary("and", term, value if row & bit else build.invert(value))
            total = build.binary("or", total, term)
    a.assign(i.operands[0], total)


def _funnel_shift(a: Assembly, i: Instruction) -> None:
    low, high, by = (a.build.keep(a.value(name, uint32)) for name in i.operands[1:4])
    work = funnel(i.has("l"), i.has("clamp"))
    a.assign(i.operands[0], work(a.build, low, high, by))


BITS: dict[str, Rule] = {
    "popc": _count("popc"),
    "clz": _count("clz"),
    "bfe": _field_extract,
    "bfi": _field_insert,
    "prmt": _permute,
    "lop3": _lop3,
    "shf": _funnel_shift,
}
