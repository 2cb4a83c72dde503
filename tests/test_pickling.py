from __future__ import annotations

import os
import pickle
import pty
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import accelerx as ax
from accelerx import cuda
from accelerx.pickling import dump_function, importable, keep_source, load_function

PROGRAM = """
import accelerx as ax
from accelerx import cuda
@ax.jit
def typed(x):
    x[cuda.grid(1)] = 7
x = ax.zeros(2)
typed[1, 2](x)
print('result', x.copy_to_host().sum())
"""


def outer(offset: float) -> object:
    def inner(x: float) -> float:
        return np.sqrt(x) + offset

    return inner


def test_a_nested_function_survives_with_its_closure() -> None:
    function = load_function(pickle.loads(pickle.dumps(dump_function(outer(3.0)))))
    assert function(4.0) == 5.0
    assert function.__qualname__ == "outer.<locals>.inner"


def test_a_loaded_function_can_be_dumped_again() -> None:
    once = load_function(dump_function(outer(3.0)))
    assert load_function(dump_function(once))(4.0) == 5.0


def test_importable_means_found_by_name() -> None:
    assert importable(outer)
    assert not importable(outer(1))


def test_device_functions_survive() -> None:
    @ax.jit(device=True)
    def halved(x):
        return x / 2

    assert pickle.loads(pickle.dumps(halved))(3.0) == 1.5


MAIN = """
import pickle, sys
import accelerx as ax
from accelerx import cuda
SCALE = 3
def helper(x):
    return x * SCALE
@ax.jit(device=True)
def shifted(x):
    return helper(x) + 1
@ax.jit
def kernel(x):
    i = cuda.grid(1)
    x[i] = shifted(x[i])
if __name__ == "__main__":
    pickle.dump(kernel, open(sys.argv[1], "wb"))
"""


def test_kernels_of_the_main_program_reach_other_processes(tmp_path: Path) -> None:
    script, pickled = tmp_path / "program.py", tmp_path / "kernel.pickle"
    script.write_text(MAIN)
    run(str(script), str(pickled))
    kernel = pickle.loads(pickled.read_bytes())
    x = np.array([1, 2], np.float32)
    kernel[1, 2](x)
    np.testing.assert_array_equal(x, [4, 7])


def test_cloudpickle_takes_kernels() -> None:
    cloudpickle = pytest.importorskip("cloudpickle")
    offset = 2

    @ax.jit
    def inner(x):
        x[cuda.grid(1)] += offset

    x = np.zeros(2, np.float32)
    pickle.loads(cloudpickle.dumps(inner))[1, 2](x)
    np.testing.assert_array_equal(x, [2, 2])


def test_functions_of_files_are_left_alone() -> None:
    before = outer.__code__
    keep_source(outer)
    assert outer.__code__ is before


def run(*arguments: str, **options: object) -> str:
    command = [sys.executable, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def test_kernels_of_a_command_line_work() -> None:
    assert "result 14.0" in run("-c", PROGRAM)


def test_kernels_of_a_redirected_script_work(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(PROGRAM)
    with script.open() as file:
        assert "result 14.0" in run("-", stdin=file)


def test_kernels_typed_at_the_prompt_work() -> None:
    pytest.importorskip("readline")
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "dumb"
        os.execv(sys.executable, [sys.executable, "-q"])
    typed = PROGRAM.replace("\nx = ax", "\n\nx = ax") + "exit()\n"
    output = b""
    for line in typed.splitlines(keepends=True):
        os.write(terminal, line.encode())
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            output += os.read(terminal, 4096)
        except OSError:  # the child has closed its side
            break
    os.waitpid(child, 0)
    assert b"result 14.0" in output, output.decode()
