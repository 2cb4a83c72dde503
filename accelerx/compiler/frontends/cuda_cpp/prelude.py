"""The prelude, parsed once and kept: reading it back takes a quarter of the time.

libclang writes what it has parsed as a precompiled header. One is kept for each language standard in
the folder that ``keep_in`` names; without a folder the prelude is parsed with every text.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

INCLUDE = Path(__file__).parent / "include"
PRELUDE = INCLUDE / "accelerx_cuda.h"  # what nvcc includes before every text
SUFFIX = ".pch"

logger = logging.getLogger("accelerx")
_folder: list[Path] = []
_failed: set[Path] = set()


def keep_in(folder: Path) -> None:
    """Names the folder, private to its owner, in which parsed preludes are kept."""
    _folder[:] = [folder]


def forget() -> None:
    """Removes the kept preludes; the next text makes one anew."""
    for path in _folder[0].glob(f"prelude-*{SUFFIX}") if _folder else ():
        path.unlink(missing_ok=True)


def flags(module: Any, version: str, base: Sequence[str], *, plain: bool) -> list[str]:
    """The arguments that include the prelude.

    Args:
        module: ``clang.cindex``.
        version: libclang's version.
        base: The arguments that decide what the prelude means.
        plain: Whether the text's own macros may change the prelude.
    """
    if _folder and not plain:
        path = _folder[0] / f"prelude-{_digest(version, *base)}{SUFFIX}"
        if path.exists() or _made(module, path, base):
            return ["-include-pch", str(path)]
    return [f"-include{PRELUDE}"]


@functools.cache
def files() -> frozenset[str]:
    """The prelude's files as libclang names them; "" is where the compiler's own names are from."""
    parts = re.findall(r'#include "(.+)"', PRELUDE.read_text())
    return frozenset({"", str(PRELUDE), *(str(INCLUDE / part) for part in parts)})


def _made(module: Any, path: Path, base: Sequence[str]) -> bool:
    """Parses the prelude and keeps it; False if that cannot be."""
    if path in _failed:
        return False
    new = path.with_name(f".new-{os.getpid()}-{threading.get_ident()}{SUFFIX}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for_prefix = module.TranslationUnit.PARSE_INCOMPLETE
        tu = module.Index.create().parse(str(PRELUDE), args=list(base), options=for_prefix)
        tu.save(str(new))
        os.replace(new, path)
    except (OSError, module.TranslationUnitSaveError, module.TranslationUnitLoadError) as e:
        logger.info("the prelude is not kept in %s: %s", path.parent, e)
        _failed.add(path)
        return False
    return True


@functools.cache
def _digest(*parts: str) -> str:
    """Stands for everything a precompiled prelude depends on; clang refuses one with newer files."""
    digest = hashlib.sha256(repr(parts).encode())
    for path in sorted(INCLUDE.rglob("*")):
        status = path.stat()
        digest.update(f"{path};{status.st_mtime_ns};{status.st_size}".encode())
    return digest.hexdigest()[:32]
