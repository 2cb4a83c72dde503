"""The ABI header compiles as every language it promises, and its layout is the pinned one."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.csrc import build

pytestmark = pytest.mark.skipif(not build.compiler(), reason="needs a C compiler")

GOLDEN = build.FOLDER / "abi_v1_layout.json"
STANDARDS = [("c", "c89"), ("c", "c99"), ("c", "c11"), ("c++", "c++17")]


@pytest.mark.parametrize(("language", "standard"), STANDARDS)
def test_header_compiles_and_layout_holds(language: str, standard: str, tmp_path: Path) -> None:
    if not build.compiler(language):
        pytest.skip(f"no compiler for {language}")
    done = build.compile_file(
        build.FOLDER / "abi_layout.c",
        tmp_path / "layout.o",
        "-c",
        language=language,
        standard=standard,
    )
    assert done.returncode == 0, done.stderr


def _members(header: str) -> dict[str, list[str]]:
    """The members of each struct with a body, in order."""
    structs = {}
    for body, name in re.findall(r"typedef struct \w+ \{(.*?)\n\} (\w+);", header, re.DOTALL):
        lines = [" ".join(part.split()) for part in body.split(";") if part.strip()]
        structs[name] = [_member_name(line) for line in lines]
    return structs


def _member_name(declaration: str) -> str:
    slot = re.search(r"\(\*(\w+)\)", declaration)
    if slot:
        return slot.group(1)
    return re.sub(r"\[.*", "", declaration).split()[-1].lstrip("*")


def _layout(tmp_path: Path) -> dict[str, dict[str, int]]:
    """Offsets of all members and the size of every struct, asked of the compiler."""
    structs = _members(build.preprocessed_header())
    lines = ["#include <accelerx/backend.h>", "#include <stdio.h>", "int main(void) {"]
    for struct, members in structs.items():
        lines += [f'printf("{struct} {m} %zu\\n", offsetof({struct}, {m}));' for m in members]
        lines.append(f'printf("{struct} sizeof %zu\\n", sizeof({struct}));')
    source = tmp_path / "layout.c"
    source.write_text("\n".join([*lines, "return 0;", "}"]))
    program = tmp_path / "layout"
    done = build.compile_file(source, program)
    assert done.returncode == 0, done.stderr
    return _parse(subprocess.run([program], capture_output=True, text=True, check=True).stdout)


def _parse(text: str) -> dict[str, dict[str, int]]:
    layout: dict[str, dict[str, int]] = {}
    for line in text.splitlines():
        struct, member, offset = line.split()
        layout.setdefault(struct, {})[member] = int(offset)
    return layout


def test_no_member_of_version_1_has_moved(tmp_path: Path) -> None:
    """A new member goes to a struct's end; to pin it, add its line to the golden file."""
    actual = _layout(tmp_path)
    golden = json.loads(GOLDEN.read_text())
    for struct, members in golden.items():
        for member, offset in members.items():
            if member == "sizeof":
                assert actual[struct]["sizeof"] >= offset, struct
            else:
                assert actual[struct].get(member) == offset, f"{struct}.{member}"


def test_every_member_is_pinned(tmp_path: Path) -> None:
    golden = json.loads(GOLDEN.read_text())
    assert _layout(tmp_path) == golden


def test_header_is_short_enough_to_read() -> None:
    header = build.INCLUDE / "accelerx" / "backend.h"
    assert len(header.read_text().splitlines()) <= 350
