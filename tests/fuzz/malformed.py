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


def text_of(seed: int) -> tuple[CudaSource, str]:
    """A damaged text, and the kernel that is asked for."""
    r = random.Random(seed)
    case = r.choice(CASES)
    tokens = _TOKEN.findall(case.source)
    for _ in range(r.choice((1, 1, 1, 2, 3, 8))):
        r.choice(_DAMAGES)(r, tokens)
    entry = case.entry if r.random() < 0.9 else _damaged_name(r, case.entry)
    return CudaSource("".join(tokens), parse(case.options, None, ()).cuda), entry


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
    start, end = _span(r, tokens)
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
            ("0", "-1", "1000000000", "0x80000000", "1e308", "3", "1ull << 40", "99999999999999999999")
        )


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
    count = r.choice((10, 100, 600, 20_000))
    at = r.randrange(len(tokens) + 1)
    tokens[at:at] = [opening * count, "1", closing * (count - r.randrange(2))]


def _expand(r: random.Random, tokens: list[str]) -> None:
    """Macros and templates that grow or never end."""
    tokens[:0] = [
        r.choice(
            (
                "#define A0 1 +\n" + "".join(f"#define A{i + 1} A{i} A{i}\n" for i in range(14))
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
        )  # fmt: skip
    ]


def _lengthen(r: random.Random, tokens: list[str]) -> None:
    at = r.randrange(len(tokens) + 1)
    tokens.insert(
        at, r.choice((" " * 200_000, "a" * 50_000, '"' + "x" * 50_000 + '"', "1" * 20_000, "\\\n" * 9000))
    )


def _join(r: random.Random, tokens: list[str]) -> None:
    """The text on one line."""
    tokens[:] = [" " if token.isspace() and not token.startswith("#") else token for token in tokens]


def _cut(r: random.Random, tokens: list[str]) -> None:
    del tokens[r.randrange(len(tokens) + 1) :]


_DAMAGES: tuple[Callable[[random.Random, list[str]], None], ...] = (
    _drop, _drop, _drop, _repeat, _swap, _swap, _put, _put, _put, _rename, _rename, _rename, _rename,
    _number, _number, _splice, _splice, _nest, _expand, _lengthen, _join, _cut,
)  # fmt: skip


# -------------------------------------------------------------------------------------- running


def check(source: CudaSource, entry: str) -> tuple[bool, str | None]:
    """Whether a text was lifted, and what is wrong with the way it was refused."""
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
        source, entry = text_of(options.show)
        print(f"// {entry}\n{source.code.encode(errors='replace').decode()}")
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
