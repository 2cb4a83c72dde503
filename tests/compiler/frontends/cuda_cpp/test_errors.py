"""What the front end refuses: the whole message, with the place, a caret and what to do."""

from __future__ import annotations

from textwrap import dedent

import pytest

pytest.importorskip("clang.cindex")

from accelerx.compiler.frontends.cuda_cpp.lifter import Lifter, lift, signature
from accelerx.compiler.frontends.cuda_cpp.source import CudaOptions, CudaSource
from accelerx.errors import CompileError, UnsupportedKernelError


def refused(text: str, name: str = "k", **options: object) -> str:
    """The message with which a kernel is refused; its text is one statement or a whole unit."""
    if "__global__" not in text:
        text = f"__global__ void k(float* x, int n) {{ {text} }}"
    source = CudaSource(text, CudaOptions(**options))  # type: ignore[arg-type]
    with pytest.raises(CompileError) as raised:
        signature(source, name)
        lift(source, name)
    return str(raised.value)


# name: (text, message)
WHOLE: dict[str, tuple[str, str]] = {
    "a texture reference": (
        "texture<float, 1> t;\n__global__ void k(float* x) { x[0] = tex1Dfetch(t, 0); }",
        """
        kernel.cu:1:1: error: texture references, which CUDA 12 removed too, run on CUDA devices only
            texture<float, 1> t;
            ^
          hint: pass the array and index it
        """,
    ),
    "a texture object": (
        "__global__ void k(float* x, cudaTextureObject_t t) {\n  x[0] = tex2D<float>(t, 0, 0);\n}",
        """
        kernel.cu:2:10: error: 'tex2D': textures run on CUDA devices only
              x[0] = tex2D<float>(t, 0, 0);
                     ^~~~~~~~~~~~~~~~~~~~~
          hint: pass the array and index it
        """,
    ),
    "tensor cores": (
        "#include <mma.h>\n__global__ void k() {}",
        """
        kernel.cu:1:10: error: 'mma.h': tensor core operations (wmma) run on CUDA devices only
            #include <mma.h>
                     ^~~~~~~
          hint: on other devices write it out: shared memory and warp shuffles are available
        """,
    ),
    "CUB": (
        "#include <cub/cub.cuh>\n__global__ void k() {}",
        """
        kernel.cu:1:10: error: 'cub/cub.cuh': CUB runs on CUDA devices only
            #include <cub/cub.cuh>
                     ^~~~~~~~~~~~~
          hint: on other devices write it out: shared memory and warp shuffles are available
        """,
    ),
    "Thrust without its header": (
        "__global__ void k(float* x) { thrust::sort(x, x + 1); }",
        """
        kernel.cu:1:31: error: use of undeclared identifier 'thrust'
            __global__ void k(float* x) { thrust::sort(x, x + 1); }
                                          ^
          hint: a kernel that uses CUB or Thrust runs on CUDA devices only
        """,
    ),
    "a missing header": (
        '#include "lost.cuh"\n__global__ void k() {}',
        """
        kernel.cu:1:10: error: 'lost.cuh' file not found
            #include "lost.cuh"
                     ^~~~~~~~~~
          hint: -I names a folder of headers; headers may also be passed as text
        """,
    ),
    "a virtual function": (
        "struct A { __device__ virtual int f() { return 1; } };\n"
        "__global__ void k(int* x) { A a; x[0] = a.f(); }",
        """
        kernel.cu:2:41: error: kernels have no virtual functions
            __global__ void k(int* x) { A a; x[0] = a.f(); }
                                                    ^~~~~
        """,
    ),
    "recursion": (
        "__device__ int f(int n) { return n ? n * f(n - 1) : 1; }\n"
        "__device__ int g(int n) {\n  return f(n);\n}\n__global__ void k(int* x) { x[0] = g(x[1]); }",
        """
        kernel.cu:1:42: error: 'f' calls itself; kernels have no recursion
            __device__ int f(int n) { return n ? n * f(n - 1) : 1; }
                                                     ^~~~~~~~
          in f, called from kernel.cu:3:10
          in g, called from kernel.cu:5:36
          hint: write it as a loop, or with the depth as a template argument
        """,
    ),
    "a host's variable": (
        "int limit = 3;\n__global__ void k(int* x) { x[0] = limit; }",
        """
        kernel.cu:2:36: error: 'limit' is a variable of the host
            __global__ void k(int* x) { x[0] = limit; }
                                               ^
          hint: declare it __device__, or pass it as an argument
        kernel.cu:1:5: note: host variable declared here
            int limit = 3;
                ^
        """,
    ),
    "a reference as a parameter": (
        "__global__ void k(float& x) { x = 1; }",
        """
        kernel.cu:1:26: error: a kernel takes its arguments by value
            __global__ void k(float& x) { x = 1; }
                                     ^
        """,
    ),
    "an argument that is too large": (
        "struct Table { float a[10000]; };\n__global__ void k(Table t, float* x) { x[0] = t.a[3]; }",
        """
        kernel.cu:2:25: error: an argument of 40000 bytes; a kernel takes at most 32764
            __global__ void k(Table t, float* x) { x[0] = t.a[3]; }
                                    ^
          hint: pass a pointer to it
        """,
    ),
    "a pointer read from memory": (
        "__global__ void k(float** rows) { rows[1][2] = 0; }",
        """
        kernel.cu:1:35: error: a pointer is read from memory; kernels follow pointers that are arguments, members of arguments, or locals
            __global__ void k(float** rows) { rows[1][2] = 0; }
                                              ^~~~~~~
        """,
    ),
    "a pointer stored in memory": (
        "__global__ void k(float** rows, float* x) { rows[1] = x + 3; }",
        """
        kernel.cu:1:45: error: a pointer is stored in memory; kernels keep pointers in locals and arguments only
            __global__ void k(float** rows, float* x) { rows[1] = x + 3; }
                                                        ^~~~~~~~~~~~~~~
          hint: store an index instead
        """,
    ),
    "a linked list": (
        "struct Node { Node* next; int v; };\n__global__ void k(Node* n) { n->next->v = 1; }",
        """
        kernel.cu:2:33: error: a pointer is read from memory; kernels follow pointers that are arguments, members of arguments, or locals
            __global__ void k(Node* n) { n->next->v = 1; }
                                            ^~~~
        """,
    ),
    "a function that is only declared": (
        "__device__ float f(float);\n__global__ void k(float* x) { x[0] = f(1); }",
        """
        kernel.cu:2:38: error: 'f' has no definition that a kernel could call
            __global__ void k(float* x) { x[0] = f(1); }
                                                 ^~~~
          hint: a device function must be defined in the same text
        """,
    ),
    "a function nobody knows": (
        "__global__ void k(int* x, int (*f)(int)) { x[0] = f(1); }",
        """
        kernel.cu:1:51: error: which function is called here cannot be found out
            __global__ void k(int* x, int (*f)(int)) { x[0] = f(1); }
                                                              ^~~~
          hint: assign functions of this text to the pointer, or make it a template's argument
        """,
    ),
    "a syntax error": (
        "__global__ void k(float* x) {\n  x[0] = 1\n  x[1] = 2;\n}",
        """
        kernel.cu:2:11: error: expected ';' after expression
              x[0] = 1
                      ^
        """,
    ),
    "a bracket left open": (
        "__global__ void k(float* x {}",
        """
        kernel.cu:1:28: error: expected ')'
            __global__ void k(float* x {}
                                       ^
        kernel.cu:1:18: note: to match this '('
            __global__ void k(float* x {}
                             ^
        kernel.cu:1:30: error: expected function body after function declarator
            __global__ void k(float* x {}
                                         ^
        """,
    ),
    "an error in an inlined function": (
        "struct Acc {\n  __device__ void add(int v) { goto end; end: sum += v; }\n  int sum;\n};\n"
        "__device__ void twice(Acc& a) {\n  a.add(2);\n}\n"
        "__global__ void k(int* x) { Acc a; twice(a); x[0] = a.sum; }",
        """
        kernel.cu:2:32: error: kernels have no goto
              __device__ void add(int v) { goto end; end: sum += v; }
                                           ^~~~~~~~
          in add, called from kernel.cu:6:3
          in twice, called from kernel.cu:8:36
          hint: write a loop with break or continue
        """,
    ),
    "a union as a parameter": (
        "union U { int a; float b; };\n__global__ void k(U u) {}",
        """
        kernel.cu:2:21: error: a kernel argument that is a union
            __global__ void k(U u) {}
                                ^
        """,
    ),
    "an int for the pointer": (
        "__global__ void k(size_t address) { *(float*)address = 1; }",
        """
        kernel.cu:1:38: error: a number becomes a pointer here; kernels follow pointers to known arrays only
            __global__ void k(size_t address) { *(float*)address = 1; }
                                                 ^~~~~~~~~~~~~~~
        """,
    ),
}

# name: (a statement, what its message begins with after the place)
STATEMENTS: dict[str, tuple[str, str]] = {
    "goto": ("goto end; end: ;", "kernels have no goto"),
    "an exception": ("throw 1;", "cannot use 'throw' in __global__ function"),
    "a try block": ("try { x[0] = 1; } catch (...) {}", "cannot use 'try' in __global__ function"),
    "new": ("int* p = new int[n];", "allocations in kernels run on CUDA devices only"),
    "malloc": ("void* p = malloc(4);", "'malloc': allocations in kernels run on CUDA devices only"),
    "a name that is not declared": ("x[0] = fo(1);", "use of undeclared identifier 'fo'"),
    "wmma": ("wmma::fragment<int> f;", "'wmma': tensor core operations run on CUDA devices only"),
    "cp.async": (
        'asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" :: "r"(0), "l"(x));',
        "inline PTX 'cp.async.ca.shared.global [%0], [%1], 4' runs on CUDA devices only",
    ),
    "long double": ("long double d = n;", "kernels cannot hold a value of type 'long double'"),
    "__int128": ("__int128 d = n;", "kernels cannot hold a value of type '__int128'"),
    "a pointer to a huge integer": (
        "__int128* p = (__int128*)x; *p = 1;",
        "kernels cannot hold a value of type '__int128'",
    ),
    "a bit-field": (
        "struct S { int a : 3; } s; s.a = n;",
        "kernels cannot hold a value of type 'S (its member a is a bit-field)'",
    ),
    "a variable-length array": ("float a[n];", "cannot use variable-length arrays in __global__"),
    "a static variable": ("static int s; s++;", "kernels have no static variables"),
    "a pointer to a member": (
        "struct S { int a; }; int S::* p = &S::a;",
        "kernels cannot hold a value of type 'int S::*'",
    ),
    "an object larger than a thread's memory": (
        "float a[200000]; a[n] = 1;",
        "an object of 800000 bytes; a thread has at most 524288 of its own",
    ),
    "an initialised shared array": (
        "__shared__ int s[2] = {1, 2};",
        "initialization is not supported for __shared__ variables",
    ),
    "a case inside of a loop": (
        "switch (n) { case 0: do { x[0] = 1; case 1: x[1] = 1; } while (0); }",
        "kernels have no such statement (case_stmt)",
    ),
    "a switch that begins with a statement": (
        "int k; switch (k = n; k) { case 1: x[0] = 1; }",
        "a statement inside of the parentheses",
    ),
    "pointers into different arrays": (
        "float a[2], b[2]; x[0] = a - b;",
        "the difference of pointers into different arrays",
    ),
    "an integer that is too large": (
        "x[0] = 99999999999999999999;",
        "integer literal is too large to be represented in any integer type",
    ),
    "blocks in blocks": (
        "if (n) " * 101 + "x[0] = 1;",
        "more than 100 ifs, loops and switches in each other",
    ),
    "a sum without end": (
        "x[0] = " + "n + " * 3_000 + "1;",
        "more than 1500 expressions and statements in each other",
    ),
    "casts without end": (
        "x[0] = " + "(int)" * 10_000 + "1.0f;",
        "more than 1500 expressions and statements in each other",
    ),
    "brackets without end": (
        "x[0] = " + "(" * 20_000 + "1" + ")" * 20_000 + ";",
        "bracket nesting level exceeded maximum of 512",
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_the_message_points_at_the_place(name: str) -> None:
    text, message = WHOLE[name]
    assert refused(text) == dedent(message).strip("\n")


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_is_refused(name: str) -> None:
    text, message = STATEMENTS[name]
    first, source, caret, *_ = refused(text).splitlines()
    place, _, said = first.partition(": error: ")
    assert said.startswith(message)
    line, column = place.removeprefix("kernel.cu:").split(":")
    assert line == "1"
    assert source == f"    __global__ void k(float* x, int n) {{ {text} }}"
    assert caret.lstrip().startswith("^")
    assert len(caret) - len(caret.lstrip()) == 3 + int(column)


def test_errors_in_headers_name_them() -> None:
    header = ("inner.cuh", "#pragma once\n__device__ int f(int n) {\n  return n + m;\n}\n")
    text = '#include "inner.cuh"\n__global__ void k(int* x) { x[0] = f(1); }'
    assert refused(text, headers=(header,)).startswith(
        "inner.cuh:3:14: error: use of undeclared identifier 'm'\n      return n + m;\n"
    )
    header = ("inner.cuh", "__device__ int f(int n) { return n ? f(n - 1) : 0; }\n")
    text = text.replace("f(1)", "f(x[1])")
    assert refused(text, headers=(header,)).startswith(
        "inner.cuh:1:38: error: 'f' calls itself; kernels have no recursion\n"
    )


def test_launches_from_kernels() -> None:
    text = "__global__ void child() {}\n__global__ void k() { child<<<1, 1>>>(); }"
    first, *others = refused(text).splitlines()
    assert first.startswith(
        "kernel.cu:2:2"
    )  # the kernel's name or the brackets, as libclang has it
    assert first.endswith("error: launches from kernels run on CUDA devices only")
    assert "  hint: launch the kernel from the host" in others


TEMPLATE = "template <int N, class T> __global__ void fill(T* x) { x[0] = N; }"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fil", "kernel.cu: error: there is no __global__ function 'fil'; it has none"),
        ("fil<1, int>", "name expression:1:1: error: use of undeclared identifier 'fil'"),
        (
            "fill<int, 3>",
            "name expression:1:1: error: no instantiation of 'fill' takes these template arguments\n"
            "    fill<int, 3>\n    ^~~~~~~~~~~~\nkernel.cu:1:43: note: candidate function template",
        ),
        ("fill<1, int", "name expression:1:1: error: expected '>'"),
        ("fill<1, int>; int y", "name expression:1:13: error: this is no part of a kernel's name"),
        ("fill<1,\nint>", "name expression:1:8: error: this is no part of a kernel's name"),
        ("", "name expression: error: it is empty; it names a kernel, as 'scale<float>'"),
        ("fill<1, \0>", "name expression:1:9: error: a NUL character cannot be part of a text"),
        ("1 + 1", "name expression:1:1: error: "),
    ],
)
def test_names_of_kernels(name: str, message: str) -> None:
    assert refused(TEMPLATE, name).startswith(message)


def test_a_function_that_is_no_kernel() -> None:
    text = "template <int N> __device__ void f(int* x) {}\n__global__ void k() {}"
    assert refused(text, "f<1>").startswith("kernel.cu:1:34: error: 'f' is no kernel\n")
    text = "template <int N> __global__ void f(int* x);\n__global__ void k() {}"
    assert refused(text, "f<1>").startswith("kernel.cu:1:34: error: 'f' has no body\n")


def test_a_failed_requirement_of_a_template() -> None:
    text = (
        "template <int N> __global__ void k(int* x) {\n"
        '  static_assert(N % 32 == 0, "whole warps");\n}\n'
    )
    assert refused(text, "k<7>").startswith(
        "kernel.cu:2:17: error: static assertion failed due to requirement '7 % 32 == 0': whole warps\n"
        '      static_assert(N % 32 == 0, "whole warps");\n                    ^~~~~~~~~~~'
    )


@pytest.mark.parametrize(
    ("character", "message"),
    [("\0", "a NUL character"), ("\ud83d", "a half of a surrogate pair")],
)
def test_characters_that_no_text_has(character: str, message: str) -> None:
    text = f"__global__ void k() {{}}\n// é {character}"
    said = f"kernel.cu:2:6: error: {message} cannot be part of a text\n    // é \ufffd\n         ^"
    assert refused(text) == said


def test_calls_without_end() -> None:
    functions = "__device__ int d0(int n) { return n; }\n" + "".join(
        f"__device__ int d{i + 1}(int n) {{ return d{i}(n) + d{i}(n + 1); }}\n" for i in range(30)
    )
    said = refused(f"{functions}__global__ void k(int* x) {{ x[0] = d30(1); }}")
    assert said.splitlines()[0].endswith("more than 20000 calls are inlined into this kernel")


def test_what_the_front_end_does_not_foresee_has_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("lost")

    monkeypatch.setattr(Lifter, "computed", fail)
    source = CudaSource(
        "__device__ int f(int n) {\n  return n +\n    1;\n}\n__global__ void k(int* x) { x[0] = f(x[1]); }"
    )
    with pytest.raises(UnsupportedKernelError) as raised:
        lift(source, "k")
    assert str(raised.value) == dedent(
        """\
        kernel.cu:2:10: error: the front end fails here (KeyError: 'lost')
              return n +
                     ^
          in f, called from kernel.cu:5:36
          hint: please report it with the kernel; written in another way it may work"""
    )
    assert isinstance(raised.value.__cause__, KeyError)
