"""The house's floors and nevers, read from the sources: see docs/architecture.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "accelerx"

# From the ground up; a room imports only from itself and from rooms before it.
FLOORS = (
    "errors",
    "config",
    "dtypes",
    "compiler",
    "runtime",
    "lang",
    "fingerprint",
    "pickling",
    "recipes",
    "ndarray",
    "interop",
    "signatures",
    "arguments",
    "sites",
    "compilation",
    "executable",
    "kernel",
    "raw",
    "generated",
    "ops",
    "cuda",
    "tools",
    "testing",
    "",  # accelerx/__init__.py
    "cli",
    "__main__",
)
OPTIONAL = {
    "clang",
    "llvmlite",
    "ml_dtypes",
    "scipy",
    "torch",
    "IPython",
}  # may be imported in a function
NEVER = {"numba", "pybind11"}
CORE = "accelerx._core"
# Large parts that are imported when the first kernel needs them, by importlib and downward too.
LATE = {
    "accelerx.compiler.driver",
    "accelerx.compiler.frontends.cuda_cpp.clang",
    "accelerx.compiler.frontends.cuda_cpp.lifter",
    "accelerx.compiler.ir",
    "accelerx.executable",
    "accelerx.runtime.interpreter",
    "accelerx.runtime.interpreter_output",
}


@cache
def modules() -> dict[str, Path]:
    """Every module of the package by dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room(module: str) -> str:
    """The room a module is in: the first name below ``accelerx``."""
    return module.split(".")[1] if "." in module else ""


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(modules()[module].read_text())


def imports(module: str, nodes: Iterator[ast.AST] | None = None) -> list[tuple[str, int]]:
    """What a module imports, with the line; type-checking blocks count too."""
    found = []
    for node in nodes or ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: relative import"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                known = name in modules() or name == CORE
                found.append((name if known else str(node.module), node.lineno))
    return found


def late_imports(module: str) -> list[tuple[str, int]]:
    """What a module imports by ``importlib.import_module("accelerx...")``."""
    found = []
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "importlib.import_module":
            name = node.args[0]
            if isinstance(name, ast.Constant) and str(name.value).startswith("accelerx"):
                found.append((name.value, node.lineno))
    return found


def test_every_room_has_a_floor() -> None:
    assert {room(m) for m in modules()} <= set(FLOORS)


@pytest.mark.parametrize("module", modules())
def test_imports_go_downward(module: str) -> None:
    floor = FLOORS.index(room(module))
    for name, line in imports(module) + late_imports(module):
        if name.partition(".")[0] != "accelerx" or name.startswith(CORE):
            continue
        upward = FLOORS.index(room(name)) > floor
        assert not upward, f"{module}:{line} imports {name}, which lies on a higher floor"


def test_no_import_circles() -> None:
    below = {
        module: {
            name
            for name, _ in imports(module) + late_imports(module)
            if name in modules() and name != module
        }
        for module in modules()
    }
    while leaves := [module for module, names in below.items() if not names]:
        for leaf in leaves:
            del below[leaf]
        below = {module: names - set(leaves) for module, names in below.items()}
    assert not below, f"modules that import one another: {sorted(below)}"


@pytest.mark.parametrize("module", modules())
def test_functions_import_only_optional_packages(module: str) -> None:
    for function in ast.walk(tree(module)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for name, line in imports(module, ast.walk(function)):
                optional = name.partition(".")[0] in OPTIONAL
                assert optional, f"{module}:{line} imports {name} inside {function.name}"


def test_only_large_parts_are_imported_late() -> None:
    assert {name for module in modules() for name, _ in late_imports(module)} == LATE


@pytest.mark.parametrize("module", modules())
def test_never_imported(module: str) -> None:
    names = {name.partition(".")[0] for name, _ in imports(module)}
    assert not names & NEVER


def test_only_one_file_imports_the_core() -> None:
    importers = {m for m in modules() if any(n.startswith(CORE) for n, _ in imports(m))}
    assert importers == {"accelerx.runtime.plugin_backend"}


def test_the_runtime_knows_no_front_end() -> None:
    for module in modules():
        if room(module) == "runtime":
            assert not [
                n for n, _ in imports(module) if n.startswith("accelerx.compiler.frontends")
            ]


# ---------------------------------------------------------------------------------- C and C++


def sources(*folders: str) -> list[Path]:
    suffixes = {".c", ".h", ".cpp", ".hpp"}
    return [p for f in folders for p in sorted((ROOT / f).rglob("*")) if p.suffix in suffixes]


def included(path: Path) -> list[str]:
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)', path.read_text(), re.MULTILINE)


def test_pybind11_stays_in_the_bindings() -> None:
    users = [p for p in sources("csrc", "backends") if any("pybind11" in i for i in included(p))]
    assert [p.name for p in users] == ["bindings.cpp"]


@pytest.mark.parametrize("path", sources("backends"), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_backend_sees_only_the_public_headers(path: Path) -> None:
    ours = {p.name for p in sources("csrc")}
    public = {p.name for p in sources("csrc/include")}
    for name in included(path):
        assert ".." not in name, f"{path.name} includes {name}"
        local = (path.parent / name).exists()
        assert local or Path(name).name not in ours - public, f"{path.name} includes {name}"


def test_vendors_have_no_branches_in_shared_code() -> None:
    """A vendor is never an ``if`` outside its own folder, dialect file and table rows."""
    vendors = r"(ascend|cambricon|npu|mlu|bangc|aclrt|cnrt)"
    branch = re.compile(rf'^\s*(if|elif|while|case)\b.*["\']{vendors}', re.IGNORECASE)
    for module, path in modules().items():
        if module.startswith("accelerx.compiler.dialects"):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            assert not branch.match(line), f"{path.name}:{number}: {line.strip()}"
