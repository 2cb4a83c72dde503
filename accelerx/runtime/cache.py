"""The disk cache of compiled kernels: whole files under a digest, in a folder private to its owner.

An entry is its payload's SHA-256 and the payload; whatever does not match (a torn write, a flipped
bit) is removed and compiled again. Entries are written to a temporary name and renamed, so readers
see all or nothing. A folder that cannot be written is worth one warning, never an error.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from accelerx import config

MAGIC = b"accelerx kernel 1\n"
LIMIT_BYTES = 1 << 30
SUFFIX = ".axk"
TRIM_EVERY = 64  # stores between two looks at the folder's size

logger = logging.getLogger("accelerx")


class Cache:
    """A folder of entries."""

    def __init__(self, folder: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._stores = 0
        self._warned = False

    def load(self, key: str) -> bytes | None:
        """The payload stored under ``key``, or None."""
        path = self._path(key)
        try:
            data = path.read_bytes()
        except OSError:
            return None  # not there, or not readable: compiling is the answer to both
        head = len(MAGIC) + 32
        payload = data[head:]
        if (
            data[: len(MAGIC)] == MAGIC
            and hashlib.sha256(payload).digest() == data[head - 32 : head]
        ):
            self._touch(path)
            return payload
        logger.warning("cache entry %s is corrupt; it is removed and compiled again", path)
        self.discard(key)
        return None

    def store(self, key: str, payload: bytes) -> None:
        """Keeps ``payload`` under ``key``; warns once if it cannot."""
        try:
            self._prepare()
            new = self.folder / f".new-{os.getpid()}-{threading.get_ident()}-{key}"
            try:
                new.write_bytes(MAGIC + hashlib.sha256(payload).digest() + payload)
                os.replace(new, self._path(key))
            except BaseException:
                _remove(new)
                raise
        except OSError as e:
            self._warn(e)
            return
        self._count()

    def discard(self, key: str) -> None:
        """Removes an entry if it is there."""
        _remove(self._path(key))

    def clear(self) -> int:
        """Removes every entry; returns how many there were."""
        entries = self._entries()
        for path in entries:
            _remove(path)
        return len(entries)

    def usage(self) -> tuple[int, int]:
        """Number of entries, and their bytes."""
        sized = self._sized()
        return len(sized), sum(size for _, size, _ in sized)

    def trim(self) -> None:
        """Removes the entries not used for longest until the folder fits its limit."""
        sized = self._sized()
        total = sum(size for _, size, _ in sized)
        for _, size, path in sorted(sized):
            if total <= self.limit_bytes:
                return
            _remove(path)
            total -= size

    def _sized(self) -> list[tuple[float, int, Path]]:
        """Age, size and path of each entry."""
        sized = []
        for path in self._entries():
            try:
                status = path.stat()
            except OSError:
                continue  # another process removed it
            sized.append((status.st_mtime, status.st_size, path))
        return sized

    def _entries(self) -> list[Path]:
        return sorted(self.folder.glob(f"*{SUFFIX}")) if self.folder.is_dir() else []

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{SUFFIX}"

    def _prepare(self) -> None:
        """Makes the folder, and refuses one that others may write to: entries are machine code."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = self.folder.stat()
        if status.st_uid != os.getuid() or status.st_mode & 0o022:
            raise PermissionError(
                f"{self.folder} belongs to another user or is writable by others; chmod 700 it"
            )

    def _touch(self, path: Path) -> None:
        try:
            os.utime(path)
        except OSError as e:  # a read-only folder: entries stay usable, only their age is lost
            logger.debug("cache entry %s: %s", path, e)

    def _count(self) -> None:
        with self._lock:
            self._stores += 1
            due = self._stores % TRIM_EVERY == 1
        if due:
            self.trim()

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            config.warn(
                f"compiled kernels are not kept on disk: {error}; every process compiles anew. "
                f"Set {config.CACHE_DIR.variable} to a folder that can be written"
            )


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as e:
        logger.debug("cannot remove %s: %s", path, e)


def default_folder() -> Path:
    """``ACCELERX_CACHE_DIR``, else ``accelerx`` in the user's cache folder."""
    chosen = config.CACHE_DIR.get()
    if chosen is not None:
        return chosen
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path("~/.cache").expanduser()) / "accelerx"


_caches: dict[Path, Cache] = {}


def cache() -> Cache:
    """The cache in force now."""
    folder = default_folder()
    found = _caches.get(folder)
    if found is None:
        found = _caches.setdefault(folder, Cache(folder))
    return found


_generator: list[str] = []


def generator_hash() -> str:
    """Stands for accelerx's own code generator: entries made by another one are not found.

    Sizes and times of our source files serve; reading them all would cost more than a cached launch.
    """
    if not _generator:
        root = os.path.dirname(os.path.dirname(__file__))
        digest = hashlib.sha256()
        for path in sorted(_sources(root)):
            status = os.stat(path)
            digest.update(f"{path}:{status.st_size}:{status.st_mtime_ns};".encode())
        digest.update(_cpu_features())
        _generator.append(digest.hexdigest())
    return _generator[0]


def _sources(root: str) -> Iterator[str]:
    """The files that decide what kernels become: Python, and the headers CUDA C++ includes."""
    for folder, _, names in os.walk(f"{root}/compiler"):
        yield from (f"{folder}/{name}" for name in names if not name.endswith(".pyc"))
    yield from (f"{root}/{name}" for name in os.listdir(root) if name.endswith(".py"))
    yield from (
        f"{root}/runtime/{name}" for name in os.listdir(f"{root}/runtime") if name.startswith("jit")
    )


def _cpu_features() -> bytes:
    """What tells this CPU from others in a home folder shared by several machines."""
    try:
        with open("/proc/cpuinfo", "rb") as file:
            first = file.read(16384).split(b"\n\n")[0]
    except OSError:
        return os.uname().machine.encode()
    return b"\n".join(line for line in first.splitlines() if b"MHz" not in line)
