"""Fuzzes the CUDA C++ front end with broken texts: ``python -m tests.fuzz.malformed --texts 2000``.

A text of the corpus is damaged as typing, merging and bad luck damage texts. Whatever comes out, the
front end must lift it or raise an error of ours that names a place: no other exception, no crash of
libclang, no endless work.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from accelerx.compiler.frontends.cuda_cpp import lifter
from accelerx.compiler.frontends.cuda_cpp.source import CudaSource
from accelerx.errors import CompileError, UnsupportedError
from accelerx.raw.options import parse
from tests.corpus.cuda_cpp import CASES
from tests.fuzz.runner import Child

HANG = 30.0  # seconds after which a text is taken to hang
BATCH = 100  # texts a child process takes
KERNELS = 4  # of a text that are asked for, at most
PLACE = re.compile(r"\S.*:(\d+:\d+:)? (error|fatal error): \S")
FAILS = "the front end fails here"  # what an error of the front end's own begins with

_TOKEN = re.compile(r"\w+|\"(?:\\.|[^\"\\\n])*\"|//[^\n]*|/\*.*?\*/|\s+|<<|>>|->|::|[^\w\s]", re.S)
_WORDS = (
    "const", "volatile", "static", "extern", "inline", "constexpr", "template", "typename", "struct",
    "class", "union", "enum", "namespace", "using", "typedef", "operator", "virtual", "auto",
    "decltype", "sizeof", "this", "new", "delete", "throw", "try", "catch", "goto", "switch", "case",
    "default", "break", "continue", "return", "if", "else", "for", "while", "do", "void", "bool",
    "char", "short", "int", "long", "float", "double", "unsigned", "signed", "nullptr", "true",
    "false", "asm", "__shared__", "__device__", "__global__", "__constant__", "__host__",
    "__restrict__", "__launch_bounds__", "__syncthreads", "threadIdx", "blockIdx", "blockDim",
    "float4", "half", "atomicAdd", "__shfl_down_sync", "printf", "0", "1", "-1", "0x7fffffff",
    "1e400", "1.0f", "0.0", "99999999999999999999", "18446744073709551615u", "'a'", "\"text\"", "(",
    ")", "{", "}", "[", "]", "<", ">", ";", ",", ":", "::", "?", "=", "==", "+", "++", "-", "--", "*",
    "/", "%", "&", "&&", "|", "||", "^", "~", "!", ".", "->", "...", "#", "##", "\\", "@", "`", "$",
    "<<<", ">>>", "%:", "??/", "\n#if 0\n", "\n#else\n", "\n#endif\n", "\n#define X X X\n", "/*", "*/",
    "\"", "'", "é", "\u202e", "\ufeff", "\ud800", "\0", "\r", "\f", "\U0001f600",
)  # fmt: skip


@dataclass(slots=True)
class Report:
    """What a run came to: how many texts were lifted and refused, and what went wrong, by seed."""

    lifted: int = 0
    refused: int = 0
    failures: dict[int, str] = field(default_factory=dict)


def text_of(seed: int) -> tuple[CudaSource, list[str]]:
    """A damaged text, and the kernels that are asked for, one after the other."""
    r = random.Random(seed)
    case = r.choice(CASES)
    tokens = _TOKEN.findall(case.source)
    damages = _GENTLE if r.random() < 0.7 else (*_GENTLE, *_ROUGH)
    for _ in range(r.choice((1, 1, 1, 2, 3, 6))):
        r.choice(damages)(r, tokens)
    source = CudaSource("".join(tokens), parse(case.options, None, ()).cuda)
    if r.random() < 0.05:
        return source, [_damaged_name(r, case.entry)]
    there = [c.entry for c in CASES if (c.file, c.options) == (case.file, case.options)]
    return source, r.sample(there, min(len(there), KERNELS))


def _damaged_name(r: random.Random, name: str) -> str:
    tokens = _TOKEN.findall(name)
    _put(r, tokens)
    return "".join(tokens)


# ---------------------------------------------------------------------------------------- damages


def _span(r: random.Random, tokens: list[str]) -> tuple[int, int]:
    start = r.randrange(len(tokens) + 1)
    return start, min(len(tokens), start + r.choice((1, 1, 1, 2, 5, 40)))


def _drop(r: random.Random, tokens: list[str]) -> None:
    start, end = _span(r, tokens)
    del tokens[start:end]


def _repeat(r: random.Random, tokens: list[str]) -> None:
    start, end = _span(r, tokens)
    tokens[end:end] = tokens[start:end] * r.choice((1, 1, 2, 50))


def _swap(r: random.Random, tokens: list[str]) -> None:
    if len(tokens) > 1:
        i, j = r.randrange(len(tokens)), r.randrange(len(tokens))
        tokens[i], tokens[j] = tokens[j], tokens[i]


def _put(r: random.Random, tokens: list[str]) -> None:
    start, _ = _span(r, tokens)
    tokens[start : start + r.randrange(2)] = [r.choice(_WORDS)]


def _rename(r: random.Random, tokens: list[str]) -> None:
    """One name in place of another of the text's, everywhere or once: types and kinds clash."""
    names = [i for i, token in enumerate(tokens) if token.isidentifier()]
    if not names:
        return
    old, new = r.choice(names), tokens[r.choice(names)]
    spelling = tokens[old]
    for i in names if r.random() < 0.3 else (old,):
        if tokens[i] == spelling:
            tokens[i] = new


def _number(r: random.Random, tokens: list[str]) -> None:
    numbers = [i for i, token in enumerate(tokens) if token[:1].isdigit()]
    if numbers:
        tokens[r.choice(numbers)] = r.choice(
            (
                "0",
                "-1",
                "1000000000",
                "0x80000000",
                "1e308",
                "3",
                "1ull << 40",
                "99999999999999999999",
            )
        )


_TYPES = (
    "bool", "char", "unsigned char", "short", "int", "unsigned", "long", "long long", "float",
    "double", "half", "size_t", "float4", "int2", "dim3", "auto", "void", "int*", "float&", "int[3]",
    "long double", "__int128", "struct { int a; float b[2]; }", "union { int a; float b; }", "wchar_t",
    "float (*)(float)", "const char*", "decltype(nullptr)", "volatile float", "int S::*", "int**",
)  # fmt: skip
_OPERATORS = (
    "+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "<", ">", "<=", ">=", "==", "!=", "&&", "||",
    ",", "=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", "?", ":",
)  # fmt: skip


_SCALARS = (*_TYPES[:9], "double", "size_t", "half", "__nv_bfloat16", "unsigned short")
_STATEMENTS = (
    "static int s0; s0++;", "goto e0; e0:;", "struct { int a; float b[3]; } q0 = {}; q0.b[q0.a] = 1;",
    "int* n0 = nullptr; *n0 = 1;", "float a0[4]; float* p0 = a0; p0 += 9; *p0 = 1;",
    "union { float f; unsigned u; } u0; u0.f = 1; u0.u++;", "auto l0 = [](auto v) { return v; }; l0(3);",
    "int (*f0)(int) = nullptr; f0(1);", 'printf("%d %s %p", 1, "a", nullptr);', "asm(\"bar.sync 0;\");",
    "__shared__ float s1[3]; s1[9] = 1; float* q1 = s1 + 1; q1[-1]++;", "return;", "break;", "continue;",
    "const int t0[3] = {1, 2}; int t1 = t0[threadIdx.x]; t1 += t0[1];", "for (int c0 : {1, 2, 3}) c0++;",
    "char c1[8] = \"abc\"; int w0 = *(int*)c1; w0 += *(short*)(c1 + 1); *(double*)c1 = w0;",
    "void* v0 = threadIdx.x ? (void*)&threadIdx : (void*)0; (void)v0;", "int* z0; z0[3] = 1;",
    "float4 g0; (&g0.x)[threadIdx.x] = 1; ((int*)&g0)[2]++; g0 = *(float4*)&g0;", "if (0) ; else ;",
    "switch (threadIdx.x) { default: break; case 1: case 2: { break; } case 3: ; }", "__syncthreads();",
    "int m0[2][3] = {{1}, {2, 3}}; int (*r0)[3] = m0; r0[1][2] = r0++[0][0]; (*r0)[0] += m0[1][5];",
    "struct N0 { N0* next; int v; } n1 = {nullptr, 3}; n1.next = &n1; n1.next->next->v++;",
    "int y0 = ({ int y1 = 3; y1; }); y0 += sizeof(y0) ? y0-- : y0++;", "char* d0 = (char*)malloc(4);",
    "auto [i0, i1] = make_int2(1, 2); i0 += i1;", "while (int k0 = threadIdx.x) { if (k0) break; }",
    "do { continue; } while (threadIdx.x > 99);", "long x0 = (long)&threadIdx; x0 += 0x7fffffffffffffff;",
    "atomicAdd((int*)0, 1);", "int e1[3] = {}; atomicAdd(&e1[1], 2);", "int h0[1 << 20]; h0[3] = 1;",
    "float o0 = 1.0f / 0; int o1 = 1 / (threadIdx.x * 0); o0 += o1 % 0 + (1 << 40) + (1 >> -1);",
    "bool b0 = 3; b0++; b0 |= 4; b0 = !b0 + ~b0; b0 = b0 < b0 > b0;", "throw 1;", "new int;",
    "struct V0 { virtual void f() {} }; V0 v1; v1.f();", "delete (int*)0;", "int i2 = i2 + 1;",
    "struct B0 { int x : 3; } b1; b1.x = 1;", "double _Complex c2; c2 = 1;", "int v2[threadIdx.x];",
    "int S0::* mp; struct M0 { int a; }; int M0::* m1 = &M0::a;", "extern __shared__ char dy[]; dy[1] = 2;",
)  # fmt: skip


def _retype(r: random.Random, tokens: list[str]) -> None:
    types = [i for i, token in enumerate(tokens) if token in _TYPES]
    if types:
        tokens[r.choice(types)] = r.choice(_SCALARS if r.random() < 0.7 else _TYPES)


def _operate(r: random.Random, tokens: list[str]) -> None:
    operators = [i for i, token in enumerate(tokens) if token in _OPERATORS]
    if operators:
        i = r.choice(operators)
        kinds = (_OPERATORS[:10], _OPERATORS[10:18], _OPERATORS[19:30])
        like = next((kind for kind in kinds if tokens[i] in kind), _OPERATORS)
        tokens[i] = r.choice(like if r.random() < 0.8 else _OPERATORS)


def _ends(tokens: list[str]) -> list[int]:
    """Where statements may end, inside of bodies."""
    depth, found = 0, []
    for i, token in enumerate(tokens):
        depth += (token == "{") - (token == "}")
        if token == ";" and depth > 0:
            found.append(i)
    return found


def _insert_statement(r: random.Random, tokens: list[str]) -> None:
    ends = _ends(tokens)
    if ends:
        tokens.insert(r.choice(ends) + 1, r.choice(_STATEMENTS))


def _wrap_statement(r: random.Random, tokens: list[str]) -> None:
    ends = _ends(tokens)
    if len(ends) > 1:
        n = r.randrange(len(ends) - 1)
        before, after = r.choice(
            (("if (threadIdx.x) {", "}"), ("do {", "} while (0);"), ("[&] {", "}();"),
             ("for (int w1 = 0; w1 < 3; ++w1) {", "}"), ("for (;;) {", "break; }"),
             ("while (threadIdx.x < 3) {", "return; }"), ("switch (blockIdx.x) { case 3:", "}"),
             ("({", "});"), ("[=]() mutable {", "}();"), ("if (int i3 = threadIdx.x) {", "} else i3++;"),
             ("switch (3) {", "}"), ("for (auto w2 = 0u; ; w2 += 3) { if (w2) continue;", "}"))
        )  # fmt: skip
        tokens[ends[n + 1] + 1 : ends[n + 1] + 1] = [after]
        tokens.insert(ends[n] + 1, before)


def _prefix(r: random.Random, tokens: list[str]) -> None:
    """An operator, cast or the like before a name."""
    names = [i for i, token in enumerate(tokens) if token.isidentifier()]
    if names:
        i = r.choice(names)
        before, after = r.choice(
            (("&", ""), ("*", ""), ("-", ""), ("!", ""), ("~", ""), ("++", ""), ("", "--"), ("(int)", ""),
             ("(float4&)", ""), ("(char*)&", ""), ("*(short*)&", ""), ("(void)", ""), ("", "[1]"),
             ("", ".x"), ("", "->y"), ("", "()"), ("", "{}"), ("[&] { return ", "; }()"), ("+", ""),
             ("sizeof ", ""), ("reinterpret_cast<long&>(", ")"), ("({ ", "; })"), ("(", ", 1)"),
             ("static_cast<double>(", ")"), ("1 ? 0 : ", ""), ("", " ? 1 : 0"), ("new ", ""))
        )  # fmt: skip
        tokens[i] = before + tokens[i] + after


def _lose_statement(r: random.Random, tokens: list[str]) -> None:
    ends = [i for i, token in enumerate(tokens) if token in (";", "{", "}")]
    if len(ends) > 1:
        n = r.randrange(len(ends) - 1)
        del tokens[ends[n] + 1 : ends[n + 1] + 1]


def _move_statement(r: random.Random, tokens: list[str]) -> None:
    ends = [i for i, token in enumerate(tokens) if token == ";"]
    if len(ends) > 2:
        n = r.randrange(len(ends) - 1)
        moved = tokens[ends[n] + 1 : ends[n + 1] + 1]
        at = r.choice(ends) + 1
        tokens[at:at] = moved


def _splice(r: random.Random, tokens: list[str]) -> None:
    other = _TOKEN.findall(r.choice(CASES).source)
    start, end = _span(r, other)
    at = r.randrange(len(tokens) + 1)
    tokens[at:at] = other[start : end + r.choice((0, 10, 200))]


def _nest(r: random.Random, tokens: list[str]) -> None:
    opening, closing = r.choice(
        (("(", ")"), ("{", "}"), ("[", "]"), ("-", ""), ("*", ""), ("!", ""), ("(int)", ""),
         ("if (1) ", ";"), ("for (;;) {", "}"), ("x(", ")"), ("A<", ">"), ("1 ? 2 : ", ""),
         ("x[", "]"), ("0 + ", ""), ("struct S {", "};"), ("namespace n {", "}"))
    )  # fmt: skip
    count = r.choice((10, 100, 600, 5_000))
    at = r.randrange(len(tokens) + 1)
    tokens[at:at] = [opening * count, "1", closing * (count - r.randrange(2))]


def _expand(r: random.Random, tokens: list[str]) -> None:
    """Macros and templates that grow or never end."""
    tokens[:0] = [
        r.choice(
            (
                "#define A0 1 +\n"
                + "".join(f"#define A{i + 1} A{i} A{i}\n" for i in range(14))
                + "__device__ int grown = A14 0;\n",
                "#define F(x) F(F(x)) G(x)\n#define G(x) F(x)\n__device__ int f() { return F(1); }\n",
                "template <int N> struct T { enum { v = T<N + 1>::v }; };\n"
                "__device__ int t = T<0>::v;\n",
                "template <class T> __device__ int f(T x) { return f(&x); }\n"
                "__device__ int g() { return f(0); }\n",
                "constexpr int c(int n) { return n ? c(n) : 0; }\nstatic_assert(c(1) == 0);\n",
                "constexpr long f(int n) { long s = 0; for (;;) s += n; return s; }\n"
                "__device__ long v = f(3);\n",
                "#include __FILE__\n",
                "__device__ int r(int n) { return r(n - 1) + r(n - 2); }\n#define blockIdx r(3), blockIdx\n",
                "".join(
                    f"__device__ int d{i}(int n) {{ return {f'd{i - 1}(n) + d{i - 1}(n + 1)' if i else 'n'}; }}\n"
                    for i in range(30)
                )
                + "#define threadIdx d29(1), threadIdx\n",
            )
        )
    ]


def _lengthen(r: random.Random, tokens: list[str]) -> None:
    at = r.randrange(len(tokens) + 1)
    tokens.insert(
        at,
        r.choice(
            (" " * 200_000, "a" * 50_000, '"' + "x" * 50_000 + '"', "1" * 20_000, "\\\n" * 9000)
        ),
    )


def _join(r: random.Random, tokens: list[str]) -> None:
    """The text on one line."""
    tokens[:] = [
        " " if token.isspace() and not token.startswith("#") else token for token in tokens
    ]


def _cut(r: random.Random, tokens: list[str]) -> None:
    del tokens[r.randrange(len(tokens) + 1) :]


_GENTLE: tuple[Callable[[random.Random, list[str]], None], ...] = (
    _rename, _rename, _number, _number, _retype, _retype, _operate, _operate, _prefix, _prefix,
    _lose_statement, _move_statement, _insert_statement, _insert_statement, _insert_statement,
    _insert_statement, _wrap_statement, _wrap_statement,
)  # fmt: skip
_ROUGH: tuple[Callable[[random.Random, list[str]], None], ...] = (
    _drop, _repeat, _swap, _put, _put, _splice, _nest, _expand, _lengthen, _join, _cut,
)  # fmt: skip


# -------------------------------------------------------------------------------------- running


def check(source: CudaSource, entries: Iterable[str]) -> tuple[bool, str | None]:
    """Whether all kernels were lifted, and what is wrong with the way one was refused."""
    lifted = True
    for entry in entries:
        was_lifted, wrong = _check_one(source, entry)
        if wrong is not None:
            return False, f"{entry}: {wrong}"
        lifted = lifted and was_lifted
    return lifted, None


def _check_one(source: CudaSource, entry: str) -> tuple[bool, str | None]:
    try:
        lifter.signature(source, entry)
        lifter.lift(source, entry)
    except (CompileError, UnsupportedError) as e:
        message = str(e)
        if FAILS in message:
            return False, f"{message.splitlines()[0]} ({e.__cause__!r})"
        return False, None if PLACE.match(message) else f"no place: {message}"
    except Exception as e:
        return False, f"{type(e).__name__}: {e}"
    return True, None


def run(seeds: Iterable[int], until: Callable[[Report], bool] = lambda report: False) -> Report:
    """Checks the texts of seeds, in child processes that may crash."""
    report, waiting = Report(), iter(seeds)
    while not until(report):
        batch = list(itertools.islice(waiting, BATCH))
        if not batch:
            break
        while batch and not until(report):
            batch = batch[_run_batch(batch, report) :]
    return report


def _run_batch(batch: list[int], report: Report) -> int:
    """Checks texts in one child; how many are settled."""

    def answers() -> Iterator[str]:
        for seed in batch:
            yield json.dumps(check(*text_of(seed)))

    with Child(answers, quiet=True) as child:
        for n, seed in enumerate(batch):
            line = child.line(HANG)
            if line is None:
                report.failures[seed] = child.death()
                return n + 1
            lifted, wrong = json.loads(line)
            report.lifted += lifted
            report.refused += not lifted
            if wrong is not None:
                report.failures[seed] = wrong
    return len(batch)


def main(arguments: list[str]) -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.malformed", description=__doc__)
    parser.add_argument("--texts", type=int, default=1000, help="how many texts")
    parser.add_argument("--seed", type=int, help="first seed (default: from the clock)")
    parser.add_argument("--show", type=int, help="print the text of this seed, and do no more")
    options = parser.parse_args(arguments)
    if options.show is not None:
        source, entries = text_of(options.show)
        print(f"// {', '.join(entries)}\n{source.code.encode(errors='replace').decode()}")
        return 0
    first = int(time.time()) % 1_000_000 * 1000 if options.seed is None else options.seed
    print(f"first seed {first}", flush=True)
    report = run(range(first, first + options.texts))
    for seed, wrong in report.failures.items():
        print(f"seed {seed}: {wrong.encode(errors='replace').decode()}")
    kinds = Counter(wrong[:40] for wrong in report.failures.values())
    print(f"{report.lifted} lifted, {report.refused} refused, {sum(kinds.values())} wrong")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
