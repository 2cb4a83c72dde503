"""LLVM text to functions: objects for the cache, assembly, and text that LLVM refuses."""

from __future__ import annotations

import ctypes
import gc

import pytest

from accelerx.errors import CompileError, UnsupportedError
from accelerx.runtime.jit import compile_llvm, load_object

pytest.importorskip("llvmlite", reason="compiling for the CPU needs llvmlite")

TEXT = """\
define i32 @"seven"(ptr %call, ptr %scratch, i64 %first, i64 %last) {
  %sum = add i64 %first, %last
  %small = trunc i64 %sum to i32
  ret i32 %small
}
"""
FUNCTION = ctypes.CFUNCTYPE(
    ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64
)


def call(address: int) -> int:
    return int(FUNCTION(address)(None, None, 3, 4))


def test_compiled_code_runs() -> None:
    code = compile_llvm(TEXT)
    assert code.entry == "seven"
    assert call(code.address) == 7


def test_an_object_is_loaded_without_compiling() -> None:
    code = load_object(compile_llvm(TEXT).object_bytes, "seven")
    assert call(code.address) == 7


def test_code_of_the_same_name_stays_apart() -> None:
    other = compile_llvm(TEXT.replace("add i64", "mul i64"))
    code = compile_llvm(TEXT)
    assert (call(code.address), call(other.address)) == (7, 12)


def test_code_dies_with_its_object_only() -> None:
    code = compile_llvm(TEXT)
    address = code.address
    for _ in range(20):
        assert compile_llvm(TEXT).address
    gc.collect()
    assert call(address) == 7


def test_asm_shows_the_function() -> None:
    assert "seven:" in compile_llvm(TEXT).asm()


def test_a_loaded_object_has_no_asm() -> None:
    code = load_object(compile_llvm(TEXT).object_bytes, "seven")
    with pytest.raises(UnsupportedError, match="loaded as an object"):
        code.asm()


@pytest.mark.parametrize("opt", [0, 1, 2])
def test_levels(opt: int) -> None:
    assert call(compile_llvm(TEXT, opt=opt).address) == 7


def test_refused_text_says_why() -> None:
    with pytest.raises(CompileError, match="use of undefined value"):
        compile_llvm(TEXT.replace("%sum to", "%nothing to"))


def test_text_without_a_kernel() -> None:
    with pytest.raises(CompileError, match="defines no kernel"):
        compile_llvm("; empty\n")


def test_broken_object() -> None:
    with pytest.raises(CompileError):
        load_object(b"not an object", "seven")


def test_object_without_the_function() -> None:
    with pytest.raises(CompileError):
        load_object(compile_llvm(TEXT).object_bytes, "eight")
