from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import accelerx as ax
from accelerx.raw import RawKernel
from accelerx.raw.unit import Unit
from accelerx.runtime.device import Device

pytest.importorskip("clang.cindex")

CODE = '#include "n.h"\nextern "C" __global__ void k(int *y) { y[0] = N; }'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ACCELERX_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path


def entries(folder: Path) -> set[str]:
    return {path.name for path in (folder / "cache").glob("*.axk")}


def value(folder: Path, code: str = CODE, *options: str) -> int:
    y = ax.zeros(1, np.int32)
    RawKernel(code, "k", options, include_dirs=(str(folder),))((1,), (1,), (y,))
    return int(y.get()[0])


def test_a_changed_header_is_noticed(device: Device, folder: Path) -> None:
    header = folder / "n.h"
    for n in (1, 2, 1):
        header.write_text(f"#define N {n}\n")
        assert value(folder) == n


@pytest.mark.filterwarnings("ignore:compiled kernels are not kept")
def test_a_changed_header_is_noticed_without_a_disk_cache(
    cpu: Device, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCELERX_CACHE_DIR", "/proc/nowhere")
    header = folder / "n.h"
    for n in (1, 2):
        header.write_text(f"#define N {n}\n")
        assert value(folder) == n


def test_a_header_of_a_header_is_noticed(cpu: Device, folder: Path) -> None:
    (folder / "n.h").write_text('#include "m.h"\n#define N (M + 1)\n')
    for m in (1, 2):
        (folder / "m.h").write_text(f"#define M {m}\n")
        assert value(folder) == m + 1


def test_a_header_that_is_gone_is_an_error(cpu: Device, folder: Path) -> None:
    header = folder / "n.h"
    header.write_text("#define N 1\n")
    assert value(folder) == 1
    header.unlink()
    with pytest.raises(ax.CompileError, match=r"'n.h' file not found"):
        value(folder)


def test_options_make_another_kernel(cpu: Device, folder: Path) -> None:
    code = 'extern "C" __global__ void k(int *y) { y[0] = N; }'
    assert value(folder, code, "-DN=1") == 1
    assert value(folder, code, "-DN=2") == 2


def test_a_kernel_is_stored_with_its_description(cpu: Device, folder: Path) -> None:
    (folder / "n.h").write_text("#define N 1\n")
    value(folder)
    stored = entries(folder)
    assert len(stored) == 2
    value(folder)
    assert entries(folder) == stored


def test_kernels_of_one_unit_are_described_once(cpu: Device) -> None:
    unit = Unit.of('extern "C" __global__ void k(int *y) {}', (), "nvrtc", None, ())
    assert unit.entry("k") is unit.entry("k")


PROGRAM = """
import sys
import numpy as np
import accelerx as ax
y = ax.zeros(1, np.int32)
kernel = ax.RawKernel('extern "C" __global__ void k(int *y, int n) { y[0] = n; }', "k")
kernel((1,), (1,), (y, 7))
assert y.get()[0] == 7
parts = ("clang", "accelerx.compiler.llvm", "accelerx.compiler.driver", "accelerx.compiler.ir")
print([name for name in parts if name in sys.modules])
"""


def test_a_cached_kernel_needs_neither_libclang_nor_the_compiler(cpu: Device, folder: Path) -> None:
    if cpu.dialect != "llvm":
        pytest.skip("interpreted kernels are lifted in every process")
    command = [sys.executable, "-c", PROGRAM]
    runs = [
        subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        for _ in range(2)
    ]
    assert "clang" in runs[0]
    assert runs[1] == "[]"
