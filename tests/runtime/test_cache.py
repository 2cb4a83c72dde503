from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest

from accelerx.runtime import cache as caches
from accelerx.runtime.cache import Cache


def test_an_entry_comes_back(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c")
    cache.store("k", b"payload")
    assert cache.load("k") == b"payload"
    assert cache.usage()[0] == 1


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    assert Cache(tmp_path / "c").load("k") is None


def test_the_folder_is_private(tmp_path: Path) -> None:
    Cache(tmp_path / "c").store("k", b"x")
    assert (tmp_path / "c").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "damage",
    [lambda d: d[:-1], lambda d: d[:10], lambda d: b"", lambda d: d[:-1] + bytes([d[-1] ^ 1])],
    ids=["short", "torn", "empty", "flipped"],
)
def test_a_corrupt_entry_is_removed(tmp_path: Path, damage: object) -> None:
    cache = Cache(tmp_path)
    cache.store("k", b"payload")
    (entry,) = tmp_path.glob("*.axk")
    entry.write_bytes(damage(entry.read_bytes()))
    assert cache.load("k") is None
    assert not entry.exists()


def test_a_folder_that_cannot_be_made_warns_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = Cache(tmp_path / "file" / "c")
    with pytest.warns(UserWarning, match="not kept on disk.*ACCELERX_CACHE_DIR") as caught:
        cache.store("a", b"x")
        cache.store("b", b"x")
    assert len(caught) == 1


def test_a_full_disk_warns_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: str, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caches.os, "replace", full)
    with pytest.warns(UserWarning, match="No space left"):
        Cache(tmp_path).store("k", b"x")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_others_may_write_to_is_not_used(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.warns(UserWarning, match="writable by others"):
        Cache(tmp_path).store("k", b"x")
    assert Cache(tmp_path).load("k") is None


def test_the_oldest_entries_go_when_it_is_full(tmp_path: Path) -> None:
    cache = Cache(tmp_path, limit_bytes=3000)
    for age, key in enumerate("abcd"):
        cache.store(key, b"x" * 1000)
        os.utime(tmp_path / f"{key}.axk", (1000 + age, 1000 + age))
    cache.trim()
    assert [cache.load(k) is not None for k in "abcd"] == [False, False, True, True]


def test_clear_removes_all(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.store("a", b"x")
    assert cache.clear() == 1
    assert cache.usage() == (0, 0)


def test_the_setting_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ACCELERX_CACHE_DIR", str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert caches.cache().folder == tmp_path


def test_without_it_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACCELERX_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert caches.default_folder() == Path("/x/accelerx")


def test_the_generator_is_python_and_the_headers_it_brings() -> None:
    root = Path(caches.__file__).parents[1]
    names = {str(Path(path).relative_to(root)) for path in caches._sources(str(root))}
    headers = "compiler/frontends/cuda_cpp/include"
    assert {"compiler/ir.py", "arguments.py", "runtime/jit.py"} <= names
    assert {f"{headers}/accelerx_cuda.h", f"{headers}/accelerx/types.h"} <= names
    assert not [name for name in names if name.endswith(".pyc")]
