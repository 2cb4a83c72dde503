"""LLVM text to a function of this process: parse, optimise, emit an object, link it in memory.

llvmlite is imported when first needed. LLVM is used by one thread at a time, in a context of our own,
because other users of llvmlite in the process share the global one.
"""

from __future__ import annotations

import itertools
import re
import threading
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from accelerx.errors import CompileError, UnsupportedError

OPT_LEVEL = 1
# What level 1 runs. Vectors are ours already: locals into registers and tidying up are as fast as
# LLVM's whole pipeline on our code, at less than half the time. Levels 2 and 3 run LLVM's pipeline.
_TIDY = ("sroa", "instruction_combine", "simplify_cfg")

_lock = threading.RLock()
_numbers = itertools.count()
_DEFINITION = re.compile(r'^define i32 @"([^"]+)"', re.MULTILINE)


@dataclass(slots=True, eq=False)
class CompiledCode:
    """A compiled kernel; its function lives as long as this object.

    Attributes:
        entry: The function's name.
        object_bytes: The relocatable object, which ``load_object`` takes in another process.
    """

    entry: str
    object_bytes: bytes
    _text: str = ""
    _opt: int = OPT_LEVEL
    _library: Any = field(default=None, repr=False)

    @property
    def address(self) -> int:
        """Where the function is; linked on first use."""
        with _lock:
            if self._library is None:
                self._library = _link(self.object_bytes, self.entry)
            return int(self._library[self.entry])

    def asm(self) -> str:
        """Assembly text for this host.

        Raises:
            UnsupportedError: if this code was loaded as an object.
        """
        if not self._text:
            raise UnsupportedError(
                f"{self.entry} was loaded as an object; compile it from LLVM text to see its assembly"
            )
        with _lock:
            machine = _machine(self._opt)
            return str(machine.emit_assembly(_optimised(self._text, self._opt)))


def compile_llvm(text: str, *, opt: int = OPT_LEVEL) -> CompiledCode:
    """Compiles a module that defines one kernel.

    Raises:
        CompileError: if LLVM refuses the text; the message holds its reason.
    """
    found = _DEFINITION.search(text)
    if found is None:
        raise CompileError("the LLVM text defines no kernel")
    with _lock:
        module = _optimised(text, opt)
        return CompiledCode(found[1], bytes(_machine(opt).emit_object(module)), text, opt)


def load_object(data: bytes, entry: str) -> CompiledCode:
    """Code from the bytes of an earlier ``CompiledCode``.

    Raises:
        CompileError: if they are not an object with that function.
    """
    code = CompiledCode(entry, data)
    if not code.address:
        raise CompileError(f"the object does not define {entry}")
    return code


# ------------------------------------------------------------------------------------------ LLVM


@cache
def _binding() -> Any:
    """The binding of llvmlite, ready to make code for this host."""
    try:
        import llvmlite.binding as llvm
    except ImportError as e:
        raise UnsupportedError(
            "compiling for the CPU needs the package llvmlite; pip install llvmlite"
        ) from e
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm


@cache
def _machine(opt: int) -> Any:
    llvm = _binding()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=opt,
        reloc="pic",
        jit=True,
    )


@cache
def _linker() -> Any:
    llvm = _binding()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    machine = target.create_target_machine(reloc="pic", jit=True)
    return llvm.create_lljit_compiler(machine, use_jit_link=False, suppress_errors=True)


@cache
def _context() -> Any:
    return _binding().create_context()


def _optimised(text: str, opt: int) -> Any:
    llvm, machine = _binding(), _machine(opt)
    try:
        module = llvm.parse_assembly(text, context=_context())
    except RuntimeError as e:
        raise CompileError(f"LLVM refuses the generated code: {e}") from e
    module.triple = llvm.get_process_triple()
    module.data_layout = str(machine.target_data)
    tuning = llvm.create_pipeline_tuning_options(opt)
    tuning.loop_vectorization = tuning.slp_vectorization = False
    tuning.loop_unrolling = True
    builder = llvm.create_pass_builder(machine, tuning)
    if opt == 1:
        _tidy(module, builder)
    else:
        builder.getModulePassManager().run(module, builder)
    return module


def _tidy(module: Any, builder: Any) -> None:
    passes = _binding().create_new_function_pass_manager()
    for name in _TIDY:
        getattr(passes, f"add_{name}_pass")()
    for function in module.functions:
        if not function.is_declaration:
            passes.run(function, builder)


def _link(data: bytes, entry: str) -> Any:
    llvm = _binding()
    builder = llvm.JITLibraryBuilder()
    builder.add_object_img(data).export_symbol(entry).add_current_process()
    try:
        return builder.link(_linker(), f"accelerx{next(_numbers)}")
    except RuntimeError as e:
        raise CompileError(f"the object with {entry} cannot be linked: {e}") from e
