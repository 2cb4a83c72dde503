from __future__ import annotations

import pytest

from accelerx import dtypes
from accelerx.compiler.frontends.cuda_cpp.source import CudaOptions, CudaSource
from accelerx.compiler.recipe import Options
from accelerx.compiler.types import ArrayType, ScalarType, TupleType
from accelerx.recipes import CudaRecipe, PythonRecipe

FLOATS = ArrayType(dtypes.float32, 1)
CONSTANT = ArrayType(dtypes.float32, 1, writable=False)
INT = ScalarType(dtypes.int32)
CODE = 'extern "C" __global__ void k(int n, float *x) { if (x) x[0] = n; }'


def kernel(x, y):
    y[0] = x[0]


def cuda(nulls: frozenset[int] = frozenset(), digest: str = "d", name: str = "k") -> CudaRecipe:
    text = "void k(int n, float *x)"
    return CudaRecipe(CudaSource(CODE), name, digest, text, ("n", "x"), nulls, False, Options())


def test_tuples_have_a_name_for_each_leaf() -> None:
    types = (TupleType((INT, TupleType((FLOATS, INT)))), FLOATS)
    recipe = PythonRecipe(kernel, types, Options(), ("x", "y"))
    assert recipe.leaf_names == ("x[0]", "x[1][0]", "x[1][1]", "y")


def test_read_only_leaves_are_counted_flat() -> None:
    types = (TupleType((INT, CONSTANT)), CONSTANT, FLOATS)
    assert PythonRecipe(kernel, types, Options(), ("a", "b", "c")).read_only == {1, 2}


def test_a_recipe_reads_as_its_signature() -> None:
    recipe = PythonRecipe(kernel, (FLOATS, INT), Options(), ("x", "y"))
    assert str(recipe) == "kernel(array(float32, 1d, C), int32)"
    assert str(cuda()) == "void k(int n, float *x)"
    assert str(cuda(frozenset({1}))) == "void k(int n, float *x) with x = nullptr"


def test_a_python_recipe_is_what_function_and_types_are() -> None:
    def made(*types: ArrayType | ScalarType) -> str | None:
        return PythonRecipe(kernel, types, Options(), ("x", "y")).fingerprint()

    assert made(FLOATS, FLOATS) == made(FLOATS, FLOATS)
    assert made(FLOATS, FLOATS) != made(CONSTANT, FLOATS)


def test_a_cuda_recipe_is_what_text_name_and_nulls_are() -> None:
    prints = [
        cuda().fingerprint(),
        cuda(digest="e").fingerprint(),
        cuda(name="l").fingerprint(),
        cuda(frozenset({1})).fingerprint(),
    ]
    assert len(set(prints)) == 4
    assert cuda().fingerprint() == prints[0]


def test_both_languages_become_kir() -> None:
    pytest.importorskip("clang.cindex")
    python = PythonRecipe(kernel, (FLOATS, FLOATS), Options(), ("x", "y")).lift(False)
    assert [p.name for p in python.params if p.kind == "buffer"] == ["x", "y"]
    assert [p.name for p in cuda().lift(False).params] == ["n", "x"]
    assert [p.name for p in cuda().lift(True).params] == ["n", "x", "x.shape0"]
    assert [p.name for p in cuda(frozenset({1})).lift(False).params] == ["n"]


def test_sources_are_values() -> None:
    made = [CudaSource(CODE, CudaOptions(defines=(("N", "1"),))) for _ in range(2)]
    assert made[0] == made[1]
    assert hash(made[0]) == hash(made[1])
