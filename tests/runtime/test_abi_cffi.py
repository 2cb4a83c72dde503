"""Plugins spoken to without the C++ core: cffi reads the header, Python is the host."""

from __future__ import annotations

import ctypes
import json
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pytest

import accelerx
from tests.csrc import build

cffi = pytest.importorskip("cffi")
PLUGINS = Path(accelerx.__file__).parent / "_plugins"
if not PLUGINS.is_dir() or not build.compiler():
    pytest.skip("needs the built plugins and a C compiler", allow_module_level=True)

OK, INVALID, OUT_OF_MEMORY, UNSUPPORTED, NOT_READY, STOPPED = 0, 1, 2, 3, 5, 8
TO_DEVICE, TO_HOST, ON_DEVICE = 0, 1, 2
ADDRESS = 3
FOR_EVER = -1


@cache
def ffi() -> Any:
    made = cffi.FFI()
    made.cdef(build.preprocessed_header())
    return made


@cache
def kernels() -> Any:
    target = Path(mkdtemp()) / "kernels.so"
    return ctypes.CDLL(str(build.shared_library(build.FOLDER / "host_kernels.c", target)))


class Host:
    """The least a host has to be."""

    def __init__(self, name: str) -> None:
        self.library = ffi().dlopen(str(PLUGINS / f"{name}.so"))
        self.table = self.library.ax_backend_v1()
        self.poll = ffi().new("int32_t *")
        self.reports: list[Any] = []
        self.stop = False

        @ffi().callback("ax_hook")
        def hook(ctx: Any, site: int, block: Any, thread: Any, values: Any, count: int) -> int:
            if site >= 0:
                self.reports.append((site, list(block[0:3]), list(values[0:count])))
            return int(self.stop)

        self.hook = hook

    def error(self) -> tuple[int, str, str]:
        out = ffi().new("ax_error *")
        out.struct_size = ffi().sizeof("ax_error")
        self.table.last_error(out)
        return out.code, ffi().string(out.message).decode(), ffi().string(out.hint).decode()

    def ask(self, slot: str, *args: Any, result: str) -> Any:
        """Calls a slot whose last parameter is an out parameter of the given type."""
        out = ffi().new(f"{result} *")
        status = getattr(self.table, slot)(*args, out)
        assert status == OK, self.error()
        return out[0]

    def do(self, slot: str, *args: Any) -> None:
        status = getattr(self.table, slot)(0, *args)
        assert status == OK, self.error()

    def upload(self, values: Any) -> Any:
        memory = self.ask("alloc", 0, values.nbytes, result="void *")
        self.do("copy", memory, ffi().from_buffer(values), values.nbytes, TO_DEVICE, ffi().NULL)
        self.do("stream_synchronize", ffi().NULL, FOR_EVER)
        return memory

    def download(self, memory: Any, values: Any) -> Any:
        self.do("copy", ffi().from_buffer(values), memory, values.nbytes, TO_HOST, ffi().NULL)
        self.do("stream_synchronize", ffi().NULL, FOR_EVER)
        return values

    def program(self, name: str, kinds: str) -> Any:
        self.params = ffi().new("ax_param[]", max(len(kinds), 1))
        for i, kind in enumerate(kinds):
            self.params[i] = (int(kind == "s"), 8, 8, 8 * i)
        self.entry = ffi().new("char[]", name.encode())
        program = ffi().new("ax_program *")
        program.struct_size = ffi().sizeof("ax_program")
        program.format = ADDRESS
        code = ctypes.cast(getattr(kernels(), name), ctypes.c_void_p).value
        program.code = ffi().cast("void *", code)
        program.entry = program.options = self.entry
        program.params = self.params
        program.param_count = len(kinds)
        program.packed_bytes = 8 * len(kinds)
        program.block = [32, 1, 1]
        return program

    def load(self, name: str, kinds: str) -> Any:
        return self.ask("load", self.program(name, kinds), result="ax_kernel")

    def launch(self, kernel: Any, *values: Any, blocks: int = 1, stream: Any = None) -> int:
        numbers = [int(ffi().cast("uintptr_t", v)) if not isinstance(v, int) else v for v in values]
        packed = ffi().new("int64_t[]", numbers or [0])
        launch = ffi().new("ax_launch *")
        launch.struct_size = ffi().sizeof("ax_launch")
        launch.kernel = kernel
        launch.args = packed
        launch.args_bytes = 8 * len(numbers)
        launch.grid = [blocks, 1, 1]
        launch.block = [32, 1, 1]
        launch.stream = stream or ffi().NULL
        launch.poll = self.poll
        launch.hook = self.hook
        launch.hook_ctx = ffi().NULL
        return int(self.table.launch(launch))


@pytest.fixture(params=["cpu", "sim"])
def host(request: pytest.FixtureRequest) -> Host:
    return Host(request.param)


def test_table_says_its_size_and_name(host: Host) -> None:
    assert host.table.struct_size == ffi().sizeof("ax_backend")
    assert ffi().string(host.table.dialect) == b"llvm"


def test_asking_for_the_table_gives_the_same_one(host: Host) -> None:
    assert host.library.ax_backend_v1() == host.table


def test_library_exports_nothing_else(host: Host) -> None:
    elffile = pytest.importorskip("elftools.elf.elffile")
    name = ffi().string(host.table.name).decode()
    with open(PLUGINS / f"{name}.so", "rb") as file:
        symbols = elffile.ELFFile(file).get_section_by_name(".dynsym").iter_symbols()
        exported = {
            s.name
            for s in symbols
            if s["st_shndx"] != "SHN_UNDEF" and s["st_info"]["bind"] == "STB_GLOBAL"
        }
    assert {s for s in exported if not s.startswith("_")} == {"ax_backend_v1"}


def test_device_model_is_json_with_the_limits(host: Host) -> None:
    model = json.loads(ffi().string(host.ask("device_model", 0, result="const char *")))
    for key in ["name", "dialect", "warp_size", "max_threads_per_block", "max_block", "max_grid",
                "max_shared_bytes", "memory_bytes", "multiprocessors", "dtypes"]:  # fmt: skip
        assert key in model


def test_memory_goes_there_and_back(host: Host) -> None:
    values = np.arange(1000, dtype=np.float64)
    memory = host.upload(values)
    np.testing.assert_array_equal(host.download(memory, np.zeros(1000)), values)
    host.do("free", memory)


def test_set_fills_bytes(host: Host) -> None:
    memory = host.upload(np.zeros(10, np.uint8))
    host.do("set", memory, 0xAB, 5, ffi().NULL)
    assert list(host.download(memory, np.ones(10, np.uint8))) == [0xAB] * 5 + [0] * 5


def test_too_much_memory_is_refused_with_words(host: Host) -> None:
    out = ffi().new("void **")
    assert host.table.alloc(0, 1 << 60, out) == OUT_OF_MEMORY
    code, message, _ = host.error()
    assert code == OUT_OF_MEMORY
    assert str(1 << 60) in message


def test_launch_adds_vectors(host: Host) -> None:
    values = np.arange(100, dtype=np.float32)
    a, out = host.upload(values), host.upload(np.zeros(100, np.float32))
    assert host.launch(host.load("add", "bbbs"), out, a, a, 100, blocks=4) == OK
    result = host.download(out, np.zeros(100, np.float32))
    np.testing.assert_array_equal(result, values * 2)


def test_format_that_it_does_not_take_is_unsupported(host: Host) -> None:
    program = host.program("add", "")
    program.format = 0
    assert host.table.load(program, ffi().new("ax_kernel *")) == UNSUPPORTED
    assert "format" in host.error()[1]


def test_wait_gives_up_when_its_time_is_over(host: Host) -> None:
    stream = host.ask("stream_create", 0, result="ax_stream")
    assert host.launch(host.load("endless", ""), stream=stream) == OK
    assert host.table.stream_query(0, stream) == NOT_READY
    assert host.table.stream_synchronize(0, stream, 0) == NOT_READY
    assert host.table.stream_synchronize(0, stream, 1_000_000) == NOT_READY
    host.stop, host.poll[0] = True, 1
    assert host.table.stream_synchronize(0, stream, FOR_EVER) == STOPPED
    assert "endless" in host.error()[1]
    assert host.table.stream_synchronize(0, stream, FOR_EVER) == OK
    host.do("stream_destroy", stream)


def test_hook_sees_blocks_and_values(host: Host) -> None:
    assert host.launch(host.load("report", "ss"), 6, 0, blocks=3) == OK
    host.do("stream_synchronize", ffi().NULL, FOR_EVER)
    assert sorted((site, block, values[0]) for site, block, values in host.reports) == [
        (6, [i, 0, 0], i) for i in range(3)
    ]


def test_event_orders_two_streams(host: Host) -> None:
    first, second = (host.ask("stream_create", 0, result="ax_stream") for _ in range(2))
    event = host.ask("event_create", 0, 1, result="ax_event")
    out = host.upload(np.zeros(1, np.int64))
    kernel = host.load("slow_add", "bss")
    assert host.launch(kernel, out, 1, 10_000_000, stream=first) == OK
    host.do("event_record", event, first)
    host.do("stream_wait", second, event)
    assert host.launch(kernel, out, 2, 0, stream=second) == OK
    host.do("stream_synchronize", second, FOR_EVER)
    assert host.download(out, np.zeros(1, np.int64))[0] == 12
    host.do("event_destroy", event)


def test_freeing_what_was_not_allocated_is_refused() -> None:
    sim = Host("sim")
    assert sim.table.free(0, ffi().cast("void *", 4096)) == INVALID
    assert "was not allocated here" in sim.error()[1]


def test_slots_it_does_not_have_are_null(host: Host) -> None:
    for slot in ["compile", "op_query", "op_run", "graph_begin", "get_extension"]:
        assert getattr(host.table, slot) == ffi().NULL
