"""The names of the kernel language, outside kernels."""

from __future__ import annotations

import copy
import pickle

import pytest

from accelerx import lang
from accelerx.compiler import intrinsics
from accelerx.compiler.frontends.python import Marker
from accelerx.compiler.frontends.python.cuda import marker_names
from accelerx.errors import UnsupportedError


def dotted(name):
    found = lang
    for part in name.split("."):
        found = getattr(found, part)
    return found


def test_every_name_the_front_end_knows_is_here():
    for name in marker_names():
        assert isinstance(dotted(name), Marker), name
        assert dotted(name).name == name


def test_every_name_here_is_known_to_the_front_end():
    assert set(lang.__all__) == {n.split(".")[0] for n in marker_names()}


def test_every_intrinsic_of_cuda_and_accelerx_is_here():
    for name in intrinsics.BY_PYTHON_NAME:
        for prefix in ("numba.cuda.", "accelerx."):
            if name.startswith(prefix):
                assert name.removeprefix(prefix) in lang.__all__


@pytest.mark.parametrize("name", ["grid", "syncthreads", "atomic.add", "shared.array", "popc"])
def test_calling_a_name_outside_a_kernel_says_so(name):
    with pytest.raises(UnsupportedError, match=f"{name} was called outside a kernel"):
        dotted(name)(1)


def test_unknown_parts_are_attribute_errors():
    with pytest.raises(AttributeError, match=r"no threadIdx\.w"):
        _ = lang.threadIdx.w
    assert not hasattr(lang.atomic, "mul")


def test_names_survive_copies_and_pickles():
    for marker in (lang.threadIdx, lang.atomic.add):
        assert pickle.loads(pickle.dumps(marker)).name == marker.name
        assert copy.deepcopy(marker).name == marker.name


def test_names_have_documentation():
    for name in lang.__all__:
        assert dotted(name).__doc__
