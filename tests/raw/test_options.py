from __future__ import annotations

import os

import pytest

from accelerx.errors import UnsupportedError
from accelerx.raw.options import parse


@pytest.mark.parametrize(
    ("options", "defines"),
    [
        (("-DN=4",), (("N", "4"),)),
        (("-D", "N=4"), (("N", "4"),)),
        (("-D N=4",), (("N", "4"),)),
        (("-DN",), (("N", "1"),)),
        (("-DN=",), (("N", ""),)),
        (("--define-macro=N=4",), (("N", "4"),)),
        (("--define-macro", "N=4"), (("N", "4"),)),
        (("-DA=1", "-DB=x==y"), (("A", "1"), ("B", "x==y"))),
    ],
)
def test_macros_are_taken_in_every_spelling(
    options: tuple[str, ...], defines: tuple[tuple[str, str], ...]
) -> None:
    assert parse(options).cuda.defines == defines


def test_undefined_macros_are_named() -> None:
    assert parse(("-UN", "--undefine-macro=M")).cuda.undefines == ("N", "M")


@pytest.mark.parametrize("options", [("-Isome",), ("-I", "some"), ("--include-path=some",)])
def test_include_folders_are_made_absolute(options: tuple[str, ...]) -> None:
    assert parse(options).cuda.include_dirs == (os.path.abspath("some"),)


def test_include_dirs_come_before_those_of_options() -> None:
    assert parse(("-I/b",), include_dirs=("/a",)).cuda.include_dirs == ("/a", "/b")


@pytest.mark.parametrize("options", [("-std=c++14",), ("--std=c++14",), ("-std", "c++14")])
def test_the_standard_is_taken(options: tuple[str, ...]) -> None:
    assert parse(options).cuda.standard == "c++14"


@pytest.mark.parametrize(
    ("option", "field", "value"),
    [
        ("--use_fast_math", "fast_math", True),
        ("-use_fast_math", "fast_math", True),
        ("--use_fast_math=false", "fast_math", False),
        ("-fmad=false", "contract", False),
        ("--fmad=true", "contract", True),
    ],
)
def test_arithmetic_is_chosen(option: str, field: str, value: bool) -> None:
    assert getattr(parse((option,)).cuda, field) is value


@pytest.mark.parametrize("option", ["-G", "--device-debug"])
def test_device_debug_compiles_checks_in(option: str) -> None:
    assert parse((option,)).debug
    assert not parse(()).debug


@pytest.mark.parametrize(
    "options",
    [
        ("-arch=sm_80",),
        ("-arch", "sm_80"),
        ("--gpu-architecture=compute_90",),
        ("-gencode", "arch=compute_80,code=sm_80"),
        ("-gencode=arch=compute_80,code=sm_80",),
        ("-lineinfo", "-w", "-O3"),
        ("--maxrregcount=32",),
        ("-Xptxas", "-v"),
        ("--extra-device-vectorization",),
        ("--ftz=true", "--prec-div=false", "--prec-sqrt=false"),
    ],
)
def test_what_concerns_a_gpus_compiler_has_no_effect(options: tuple[str, ...]) -> None:
    assert parse(options) == parse(())


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("-frobnicate", "'-frobnicate' is not known"),
        ("--use_fast_mth", "did you mean --use_fast_math?"),
        ("lineinfo", "'lineinfo' is not known"),
        ("-lineinfo=3", "'-lineinfo=3' is not known"),
        ("-std=c++03", r"c\+\+11, c\+\+14"),
        ("-fmad=maybe", "takes true or false, not 'maybe'"),
        ("-D", "followed by no value"),
        ("-lcublas", "'-lcublas' is not known"),
    ],
)
def test_an_option_that_would_not_be_obeyed_is_refused(option: str, words: str) -> None:
    with pytest.raises(UnsupportedError, match=words):
        parse((option,))


def test_options_are_no_string() -> None:
    with pytest.raises(TypeError, match=r"write \('-DN=4',\)"):
        parse("-DN=4")
