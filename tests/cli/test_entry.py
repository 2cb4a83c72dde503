from __future__ import annotations

from pathlib import Path

import pytest

from accelerx.cli import main

KERNELS = """
from accelerx import cuda


@cuda.jit
def first(x, n):
    x[cuda.grid(1)] += n


@cuda.jit("void(float32[::1])")
def second(x):
    x[0] = 1
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some_kernels.py"
    path.write_text(KERNELS)
    return path


def test_devices_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices"]) == 0
    assert "numpy" in capsys.readouterr().out


def test_doctor_tries_them(capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor"])
    out = capsys.readouterr().out
    assert "numpy: copies there and back are right" in out
    assert "NumPy" in out


@pytest.mark.parametrize("stage", ["kir", "cuda", "llvm", "asm"])
def test_compile_prints_a_stage(file: Path, stage: str, capsys: pytest.CaptureFixture[str]) -> None:
    if stage == "asm":
        pytest.importorskip("llvmlite")
    arguments = ["compile", f"{file}:first", "--emit", stage, "--types", "float32[::1], int32"]
    assert main(arguments) == 0
    assert "first" in capsys.readouterr().out


def test_compile_takes_types_from_a_signature(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", f"{file}:second", "--block", "32,2"]) == 0
    assert "block 32x2x1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([":first"], "has no signature"),
        ([""], "kernels: first, second"),
        ([":third"], "kernels: first, second"),
        ([":first", "--types", "float31"], "float31"),
        ([":second", "--model", "h10"], "h100"),
    ],
)
def test_compile_explains_what_is_missing(
    file: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", f"{file}{arguments[0]}", *arguments[1:]]) == 1
    assert words in capsys.readouterr().err


def test_compile_of_no_file_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "/nowhere.py"]) == 1
    assert "not a Python file" in capsys.readouterr().err


CUDA = """
extern "C" __global__ void one(float *x) { x[threadIdx.x] += N; }
"""


@pytest.fixture
def cuda_file(tmp_path: Path) -> Path:
    pytest.importorskip("clang.cindex")
    path = tmp_path / "some.cu"
    path.write_text(CUDA)
    return path


@pytest.mark.parametrize("stage", ["kir", "cuda"])
def test_compile_takes_cuda_cpp(
    cuda_file: Path, stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", str(cuda_file), "--options=-DN=4", "--emit", stage]) == 0
    assert "4.0" in capsys.readouterr().out


def test_compile_names_a_template_instance(
    cuda_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cuda_file.write_text("namespace a { template <int M> __global__ void k(int *x) { x[0] = M; } }")
    assert main(["compile", f"{cuda_file}:a::k<7>"]) == 0
    assert "7i32" in capsys.readouterr().out
    assert main(["compile", str(cuda_file)]) == 1
    assert "kernels: none but templates" in capsys.readouterr().err


def test_compile_shows_the_place_of_an_error(
    cuda_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", str(cuda_file)]) == 1
    assert f"{cuda_file}:2:62: error: use of undeclared identifier 'N'" in capsys.readouterr().err


def test_compile_of_no_cuda_file_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "/nowhere.cu"]) == 1
    assert "there is no file /nowhere.cu" in capsys.readouterr().err


def test_cache_is_shown_and_cleared(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache"]) == 0
    assert "entries" in capsys.readouterr().out
    assert main(["cache", "--clear"]) == 0
    assert "removed" in capsys.readouterr().out
