"""libclang, as far as the front end needs it: one parsed text, cursors, places, constants.

The package is optional (``pip install accelerx[cxx]``). Both ``libclang-ng`` and ``libclang`` 18 or
newer offer the module ``clang.cindex``; what it does not wrap is called through ctypes here.
"""

from __future__ import annotations

import atexit
import bisect
import ctypes
import functools
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from accelerx.compiler.diagnostics import Loc, SourceFile, compile_error, render
from accelerx.compiler.frontends.cuda_cpp import prelude
from accelerx.compiler.frontends.cuda_cpp.headers import explained
from accelerx.compiler.frontends.cuda_cpp.prelude import INCLUDE
from accelerx.compiler.frontends.cuda_cpp.source import CudaSource
from accelerx.compiler.frontends.cuda_cpp.stack import on_large_stack
from accelerx.errors import CompileError, UnsupportedError

Cursor = Any  # clang.cindex is untyped
ClangType = Any

_PROBE = "__accelerx_entry"
_UNREADABLE = re.compile("[\0\ud800-\udfff]")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_NO_EXPRESSION = re.compile(r"[;\n\r\\#\"]|//|/\*")
_FLAGS = (
    "-x", "cuda", "--cuda-device-only", "--cuda-gpu-arch=sm_70", "-nocudainc", "-nocudalib",
    "-nostdinc", "-nostdinc++", "-fno-exceptions", "-Wno-everything", "-ferror-limit=20",
    "-ftemplate-depth=256", "-fconstexpr-steps=100000", "-fbracket-depth=512",
    # __fp16 computes as itself; libclang 18 has no other half on this target
    "-Xclang", "-fnative-half-type", "-Xclang", "-fnative-half-arguments-and-returns",
    "-isystem", str(INCLUDE),
)  # fmt: skip

BINARY = (
    "", "", "", "*", "/", "%", "+", "-", "<<", ">>", "<=>", "<", ">", "<=", ">=", "==", "!=", "&",
    "^", "|", "&&", "||", "=", "*=", "/=", "%=", "+=", "-=", "<<=", ">>=", "&=", "^=", "|=", ",",
)  # fmt: skip
UNARY = ("", "x++", "x--", "++x", "--x", "&", "*", "+", "-", "~", "!", "real", "imag", "ext", "co")


@functools.cache
def cindex() -> Any:
    """The module ``clang.cindex``.

    Raises:
        UnsupportedError: if no libclang, or one that is too old, is installed.
    """
    hint = "pip install 'accelerx[cxx]' brings it"
    try:
        import clang.cindex as module
    except ImportError as e:
        raise UnsupportedError(f"CUDA C++ needs the package libclang-ng; {hint}") from e
    try:
        library = module.conf.lib
        library.clang_getCursorUnaryOperatorKind.argtypes = [module.Cursor]
        library.clang_getCursorUnaryOperatorKind.restype = ctypes.c_int
        library.clang_getCursorBinaryOperatorKind.argtypes = [module.Cursor]
        library.clang_getCursorBinaryOperatorKind.restype = ctypes.c_int
    except (module.LibclangError, AttributeError) as e:
        raise UnsupportedError(f"CUDA C++ needs libclang 18 or newer: {e}; {hint}") from e
    library.clang_Cursor_Evaluate.argtypes = [module.Cursor]
    library.clang_Cursor_Evaluate.restype = ctypes.c_void_p
    for name, result in (
        ("getKind", ctypes.c_int),
        ("isUnsignedInt", ctypes.c_uint),
        ("getAsUnsigned", ctypes.c_ulonglong),
        ("getAsLongLong", ctypes.c_longlong),
        ("getAsDouble", ctypes.c_double),
        ("getAsStr", ctypes.c_char_p),
        ("dispose", None),
    ):
        function = getattr(library, f"clang_EvalResult_{name}")
        function.argtypes = [ctypes.c_void_p]
        function.restype = result
    atexit.register(_leave_to_the_system, module)
    return module


def _leave_to_the_system(module: Any) -> None:
    """What is still parsed when Python ends is not freed: libclang's module goes before it."""
    for owner in (module.TranslationUnit, module.Index):
        owner.__del__ = lambda _: None


@functools.cache
def version() -> str:
    """The version of libclang, for cache keys."""
    library = cindex().conf.lib
    library.clang_getClangVersion.restype = cindex()._CXString
    found = library.clang_getClangVersion()  # owns the bytes that are read next
    return str(library.clang_getCString(found))


@functools.cache
def kind(name: str) -> int:
    """The number of a cursor kind, which is what ``Cursor._kind_id`` holds."""
    return int(getattr(cindex().CursorKind, name).value)


def children(cursor: Cursor) -> list[Cursor]:
    """The direct children of a cursor; the same objects whenever it is asked."""
    try:
        return cast("list[Cursor]", cursor._accelerx_children)
    except AttributeError:
        found: list[Cursor] = []
        _visited.append((found, cursor._tu))
        try:
            _visit()(cursor, _visitor(), None)
        finally:
            _visited.pop()
        cursor._accelerx_children = found
        return found


_visited: list[tuple[list[Cursor], Any]] = []  # whose children are being collected


@functools.cache
def _visit() -> Any:
    """``clang_visitChildren`` from a handle of our own, whose types cindex does not share."""
    library = ctypes.CDLL(cindex().conf.lib._name)
    library.clang_visitChildren.argtypes = [cindex().Cursor, _callback(), ctypes.c_void_p]
    library.clang_visitChildren.restype = ctypes.c_uint
    return library.clang_visitChildren


@functools.cache
def _callback() -> Any:
    cursor = cindex().Cursor
    return ctypes.CFUNCTYPE(ctypes.c_int, cursor, cursor, ctypes.c_void_p)


@functools.cache
def _visitor() -> Any:
    def visit(child: Cursor, parent: Cursor, data: Any) -> int:
        found, child._tu = _visited[-1]
        found.append(child)
        return 1  # go on without descending

    return _callback()(visit)


def members(cursor: Cursor) -> list[Cursor]:
    """The members of a record's definition.

    Those of a class template's instantiation, which libclang does not visit, are asked for one kind
    after the other; before version 20, its fields are all there is.
    """
    try:
        return cast("list[Cursor]", cursor._accelerx_members)
    except AttributeError:
        definition = cursor.get_definition() or cursor
        own = definition.type
        if pattern_of(definition) is None:
            found = children(definition)
        elif hasattr(own, "get_methods"):
            explicit = [m for m in own.get_methods() if m.location != definition.location]
            found = [*own.get_fields(), *explicit]
        else:
            found = list(own.get_fields())
        cursor._accelerx_members = found
        return found


def bases(cursor: Cursor) -> list[Cursor]:
    """The base classes of a record's definition, as CXX_BASE_SPECIFIER cursors."""
    definition = cursor.get_definition() or cursor
    if pattern_of(definition) is not None and hasattr(definition.type, "get_bases"):
        return list(definition.type.get_bases())
    return [x for x in children(definition) if x._kind_id == kind("CXX_BASE_SPECIFIER")]


def pattern_of(definition: Cursor) -> Cursor | None:
    """The class template that a record is an instantiation of; None if it was written itself."""
    try:
        return definition._accelerx_pattern
    except AttributeError:
        if hasattr(definition, "specialized_template"):
            pattern = definition.specialized_template
        else:
            pattern = cindex().conf.lib.clang_getSpecializedCursorTemplate(definition)
        if pattern is not None and pattern.location != definition.location:
            pattern = None
        definition._accelerx_pattern = pattern
        return cast("Cursor | None", pattern)


def hides(definition: Cursor, *kinds: str) -> bool:
    """Whether an instantiation has members or bases of these kinds that libclang does not show."""
    pattern = pattern_of(definition)
    if pattern is None or hasattr(definition.type, "get_methods"):
        return False
    wanted = set(map(kind, kinds))
    return any(x._kind_id in wanted and not x.is_default_method() for x in children(pattern))


def is_expression(cursor: Cursor) -> bool:
    """Whether a cursor is an expression (libclang numbers them from 100)."""
    return bool(100 <= cursor._kind_id < 200)


def is_statement(cursor: Cursor) -> bool:
    """Whether a cursor is a statement (libclang numbers them from 200)."""
    return bool(200 <= cursor._kind_id < 300)


def is_declaration(cursor: Cursor) -> bool:
    """Whether a cursor is a declaration (libclang numbers them from 1)."""
    return bool(1 <= cursor._kind_id < 40)


def expressions(cursor: Cursor) -> list[Cursor]:
    """The children of a cursor that are expressions."""
    return [x for x in children(cursor) if 100 <= x._kind_id < 200]


def unary_operator(cursor: Cursor) -> str:
    """The operator of a UNARY_OPERATOR; ``x++`` and ``++x`` tell the two forms apart."""
    return UNARY[cindex().conf.lib.clang_getCursorUnaryOperatorKind(cursor)]


def binary_operator(cursor: Cursor) -> str:
    """The operator of a BINARY_OPERATOR or COMPOUND_ASSIGNMENT_OPERATOR."""
    number = cindex().conf.lib.clang_getCursorBinaryOperatorKind(cursor)
    return BINARY[number] if 0 <= number < len(BINARY) else "?"


def evaluate(cursor: Cursor) -> int | float | str | None:
    """The value of a constant expression, or of a constant variable's initialiser."""
    library = cindex().conf.lib
    result = library.clang_Cursor_Evaluate(cursor)
    if not result:
        return None
    try:
        match library.clang_EvalResult_getKind(result):
            case 1:
                if library.clang_EvalResult_isUnsignedInt(result):
                    return int(library.clang_EvalResult_getAsUnsigned(result))
                return int(library.clang_EvalResult_getAsLongLong(result))
            case 2:
                return float(library.clang_EvalResult_getAsDouble(result))
            case 3 | 4 | 5:
                return str(library.clang_EvalResult_getAsStr(result).decode(errors="replace"))
            case _:
                return None
    finally:
        library.clang_EvalResult_dispose(result)


def arguments(options: Any, *, plain: bool = False) -> list[str]:
    """Libclang's arguments for CudaOptions; ``plain`` ones parse the prelude anew."""
    base = [*_FLAGS, f"-std={options.standard}"]
    if options.fast_math:
        base.append("-D__USE_FAST_MATH__=1")
    own = plain or any(name == "NDEBUG" or name.startswith("_") for name, _ in options.defines)
    flags = [*base, *prelude.flags(cindex(), version(), base, plain=own or bool(options.undefines))]
    flags += [f"-D{name}={value}" for name, value in options.defines]
    flags += [f"-U{name}" for name in options.undefines]
    flags += [f"-I{folder}" for folder in options.include_dirs]
    return [*flags, "-I/accelerx-headers"] if options.headers else flags


def _translation_unit(
    source: CudaSource, files: list[tuple[str, str]], flags: list[str]
) -> Any | None:
    module = cindex()
    try:
        return module.Index.create(excludeDecls=True).parse(
            source.filename, args=flags, unsaved_files=files
        )
    except module.TranslationUnitLoadError:
        return None


def _is_stale(tu: Any) -> bool:
    """Whether libclang refused the kept prelude."""
    return any(
        d.severity >= 3 and ("precompiled" in d.spelling or "PCH" in d.spelling)
        for d in tu.diagnostics
    )


@dataclass(eq=False)
class Unit:
    """A parsed translation unit.

    Attributes:
        source: What was parsed.
        tu: libclang's translation unit.
    """

    source: CudaSource
    tu: Any
    _files: dict[str, SourceFile] = field(default_factory=dict)
    _entries: dict[str, Cursor] = field(default_factory=dict)
    _names: dict[int, str] = field(default_factory=dict)
    _declarations: list[Cursor] | None = None

    @staticmethod
    @on_large_stack
    def parse(source: CudaSource, expressions: tuple[str, ...] = ()) -> Unit:
        """Parses a text and instantiates kernels named by template expressions.

        Raises:
            CompileError: with clang's messages, if the text is not valid.
        """
        _check_characters(source.filename, source.code)
        for name in expressions:
            _check_expression(name)
        probes = "".join(
            f"__attribute__((device)) void* {_PROBE}{n} = (void*)&{name};\n"
            for n, name in enumerate(expressions)
        )
        text = without_c_linkage(source.code) + ("\n" + probes if probes else "")
        files = [(source.filename, text)]
        files += [(f"/accelerx-headers/{name}", body) for name, body in source.options.headers]
        tu = _translation_unit(source, files, arguments(source.options))
        if tu is None or _is_stale(tu):  # the kept prelude is unusable, or the text is
            prelude.forget()
            tu = _translation_unit(source, files, arguments(source.options, plain=True))
        if tu is None:
            raise CompileError(f"{source.filename}: error: libclang cannot read the text")
        unit = Unit(source, tu)
        unit._raise_errors(expressions)
        for n, name in enumerate(expressions):
            unit._entries[name] = unit._probed(n, name)
        return unit

    # ------------------------------------------------------------------------------ diagnostics

    def _raise_errors(self, expressions: tuple[str, ...]) -> None:
        errors = [d for d in self.tu.diagnostics if d.severity >= 3]
        if not errors:
            return
        raise CompileError("\n".join(self._message(d, expressions) for d in errors))

    def _message(self, diagnostic: Any, expressions: tuple[str, ...]) -> str:
        place = diagnostic.location
        first_probe = self.source.code.count("\n") + 2
        is_own = place.file is not None and place.file.name == self.source.filename
        if is_own and place.line >= first_probe and expressions:
            name = expressions[min(place.line - first_probe, len(expressions) - 1)]
            lines = [render(_whole(name), *explained(diagnostic.spelling))]
        else:
            lines = [render(self._place(place, diagnostic.ranges), *explained(diagnostic.spelling))]
        for note in diagnostic.children:
            loc = self._place(note.location, ())
            if loc is not None and (
                loc.line < first_probe or loc.source.name != self.source.filename
            ):
                lines.append(render(loc, note.spelling, severity="note"))
        return "\n".join(lines)

    def _place(self, place: Any, ranges: Any) -> Loc | None:
        if place.file is None:
            return None
        end = 0
        for part in ranges:
            if part.start.line == part.end.line == place.line and part.start.column >= place.column:
                end = max(end, part.end.column)
        return Loc(self._file(place.file.name), place.line, place.column, end)

    def _file(self, name: str) -> SourceFile:
        found = self._files.get(name)
        if found is None:
            found = self._files[name] = SourceFile(self._shown(name), self._text(name))
        return found

    def _shown(self, name: str) -> str:
        if name.startswith("/accelerx-headers/"):
            return name.removeprefix("/accelerx-headers/")
        if name.startswith(str(INCLUDE)):
            return f"<{Path(name).relative_to(INCLUDE)}>"
        return name

    def _text(self, name: str) -> str:
        if name == self.source.filename:
            return self.source.code
        for header, text in self.source.options.headers:
            if name == f"/accelerx-headers/{header}":
                return text
        path = Path(name)
        return path.read_text(errors="replace") if path.is_file() else ""

    def between(self, a: Cursor, b: Cursor) -> str:
        """The text between two cursors of one file, without comments; "" if a macro wrote it."""
        return self._text_from(a.extent.end, b.extent.start)

    def before(self, inner: Cursor, outer: Cursor) -> str:
        """The text of ``outer`` before a cursor inside of it; "" if a macro wrote it."""
        return self._text_from(outer.extent.start, inner.extent.start)

    def _text_from(self, start: Any, end: Any) -> str:
        if start.file is None or end.file is None or start.file.name != end.file.name:
            return ""
        raw = self._file(start.file.name).text.encode(errors="replace")
        return _COMMENT.sub(" ", raw[start.offset : end.offset].decode(errors="replace"))

    def written(self, cursor: Cursor) -> str:
        """The text from where a cursor is written on, which may be in a macro; without comments."""
        library = cindex().conf.lib
        start = library.clang_getRangeStart(library.clang_getCursorExtent(cursor))
        file, offset = cindex().c_object_p(), ctypes.c_uint()
        library.clang_getSpellingLocation(
            start, ctypes.byref(file), None, None, ctypes.byref(offset)
        )
        if not file:
            return ""
        name = str(cindex().File(file).name)
        raw = self._file(name).text.encode(errors="replace")
        return _COMMENT.sub(" ", raw[offset.value :].decode(errors="replace"))

    def loc(self, cursor: Cursor, parent: Loc | None = None, function: str = "") -> Loc:
        """The place of a cursor; ``parent`` and ``function`` as in Loc."""
        try:
            name, line, column, end = cursor._accelerx_place
        except AttributeError:
            name, line, column, end = cursor._accelerx_place = self._place_of(cursor)
        return Loc(self._file(name), line, column, end, parent, function)

    def _place_of(self, cursor: Cursor) -> tuple[str, int, int, int]:
        """File, line, column and end column of a cursor."""
        library = cindex().conf.lib
        extent = library.clang_getCursorExtent(cursor)
        name, line, column = self._expanded(library.clang_getCursorLocation(cursor))
        if not name:
            name, line, column = self._expanded(library.clang_getRangeStart(extent))
        _, last, end = self._expanded(library.clang_getRangeEnd(extent))
        return (
            name or self.source.filename, line, column, end if last == line and end > column else 0
        )  # fmt: skip

    def _expanded(self, location: Any) -> tuple[str, int, int]:
        file, line, column = cindex().c_object_p(), ctypes.c_uint(), ctypes.c_uint()
        cindex().conf.lib.clang_getInstantiationLocation(
            location, ctypes.byref(file), ctypes.byref(line), ctypes.byref(column), None
        )
        address = ctypes.cast(file, ctypes.c_void_p).value
        if address is None:
            return "", 0, 0
        name = self._names.get(address)
        if name is None:
            name = self._names[address] = str(location.file.name)
        return name, line.value, column.value

    # ---------------------------------------------------------------------------------- entries

    def entry(self, name: str) -> Cursor:
        """The definition of the kernel called ``name``, or of an instantiated name expression.

        Raises:
            CompileError: if there is none.
        """
        found = self._entries.get(name)
        if found is None:
            found = next((c for c in self.kernels() if name in (c.spelling, c.mangled_name)), None)
        if found is None:
            names = ", ".join(dict.fromkeys(c.spelling for c in self.kernels())) or "none"
            raise CompileError(
                f"{self.source.filename}: error: there is no __global__ function {name!r}; it has "
                f"{names}"
            )
        return found

    def kernels(self) -> list[Cursor]:
        """All ``__global__`` functions that are not templates."""
        return [c for c in self.declarations() if is_kernel(c) and c.is_definition()]

    def declarations(self) -> list[Cursor]:
        """What the user's files declare at namespace scope, namespaces opened."""
        if self._declarations is None:
            self._declarations = self._find_declarations()
        return self._declarations

    def _find_declarations(self) -> list[Cursor]:
        found: list[Cursor] = []
        wanted = {kind("LINKAGE_SPEC"), kind("UNEXPOSED_DECL"), kind("NAMESPACE")}
        own = str(INCLUDE)

        def file_of(c: Cursor) -> str:
            return self._expanded(cindex().conf.lib.clang_getCursorLocation(c))[0]

        def visit(cursors: list[Cursor]) -> None:
            for cursor in cursors:
                if file_of(cursor).startswith(own) or cursor.spelling.startswith(_PROBE):
                    continue
                if cursor._kind_id in wanted:
                    visit(children(cursor))
                else:
                    found.append(cursor)

        # The prelude comes first; what the text itself includes may come anywhere.
        top, first = children(self.tu.cursor), prelude.files()
        visit(top[bisect.bisect_left(top, True, key=lambda c: file_of(c) not in first) :])
        return found

    def _probed(self, number: int, name: str) -> Cursor:
        """The kernel that a name expression names."""
        spelling = f"{_PROBE}{number}"
        probe = next(c for c in reversed(children(self.tu.cursor)) if c.spelling == spelling)
        stack = [probe]
        while stack:
            cursor = stack.pop()
            target = cursor.referenced if cursor._kind_id == kind("DECL_REF_EXPR") else None
            if target is not None and target._kind_id in map(kind, ("FUNCTION_DECL", "CXX_METHOD")):
                definition = target if target.is_definition() else target.get_definition()
                if definition is None:
                    raise compile_error(self.loc(target), f"'{target.spelling}' has no body")
                if not is_kernel(definition):
                    raise compile_error(self.loc(target), f"'{target.spelling}' is no kernel")
                return definition
            stack += children(cursor)
        raise compile_error(_whole(name), "this names no kernel")


def _check_characters(filename: str, text: str) -> None:
    """Raises a CompileError at the first character that clang cannot read."""
    found = _UNREADABLE.search(text)
    if found is None:
        return
    before = text[: found.start()]
    column = found.start() - before.rfind("\n")
    shown = SourceFile(filename, _UNREADABLE.sub("\ufffd", text))
    loc = Loc(shown, before.count("\n") + 1, column)
    what = "a NUL character" if found[0] == "\0" else "a half of a surrogate pair"
    raise compile_error(loc, f"{what} cannot be part of a text")


def _check_expression(name: str) -> None:
    """Raises a CompileError if a name expression is more than an expression, or less."""
    _check_characters("name expression", name)
    if not name.strip():
        raise CompileError(
            "name expression: error: it is empty; it names a kernel, as 'scale<float>'"
        )
    found = _NO_EXPRESSION.search(name)
    if found is not None:
        loc = Loc(SourceFile("name expression", name), 1, found.start() + 1)
        raise compile_error(loc, "this is no part of a kernel's name")


def _whole(expression: str) -> Loc:
    """The place of a whole name expression."""
    return Loc(SourceFile("name expression", expression), 1, 1, len(expression) + 1)


def without_c_linkage(text: str) -> str:
    """The text without ``extern "C"``, every character in its place.

    nvcc lets functions of C and of C++ linkage declare one dynamic shared array; clang does not. What
    is compiled here is never linked.
    """

    def blank(match: re.Match[str]) -> str:
        if match[0].endswith("{"):
            return "namespace".ljust(len(match[0]) - 1) + "{" if "\n" not in match[0] else match[0]
        return re.sub(r"\S", " ", match[0])

    return re.sub(r'\bextern\s+"C"(\s*\{)?', blank, text)


def is_kernel(cursor: Cursor) -> bool:
    """Whether a cursor is a ``__global__`` function."""
    if cursor._kind_id not in (kind("FUNCTION_DECL"), kind("CXX_METHOD")):
        return False
    wanted = kind("CUDAGLOBAL_ATTR")
    return any(child._kind_id == wanted for child in children(cursor))
