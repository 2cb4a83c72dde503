from __future__ import annotations

import warnings
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from accelerx.errors import DeviceError, FallbackError, FallbackWarning, PluginError
from accelerx.runtime import plugin_backend, registry
from accelerx.runtime.numpy_backend import NumpyBackend

needs_core = pytest.mark.skipif(bool(plugin_backend.MISSING), reason=plugin_backend.MISSING)
PLUGINS = Path(registry.__file__).parents[1] / "_plugins"


def test_the_fallback_is_always_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERX_BACKENDS", "numpy")
    assert list(registry.discover().backends) == ["numpy"]


@needs_core
def test_backends_setting_leaves_the_named_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERX_BACKENDS", "cpu")
    found = registry.discover()
    assert set(found.backends) == {"cpu", "numpy"}
    assert all("ACCELERX_BACKENDS" in r.reason for r in found.refused)


@needs_core
def test_a_file_that_is_no_plugin_is_refused_with_a_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bad = tmp_path / "broken.so"
    bad.write_bytes(b"not a library")
    monkeypatch.setenv("ACCELERX_PLUGIN_PATH", str(tmp_path))
    found = registry.discover()
    (refusal,) = [r for r in found.refused if r.source == str(bad)]
    assert refusal.reason
    assert "cpu" in found.backends


@needs_core
def test_a_path_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERX_PLUGIN_PATH", "/nowhere/at/all")
    found = registry.discover()
    assert [r for r in found.refused if r.source == "/nowhere/at/all" and "not there" in r.reason]


@needs_core
def test_plugins_of_the_path_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERX_PLUGIN_PATH", str(PLUGINS))
    found = registry.discover()
    assert "cpu" in found.backends
    assert any("of that name" in r.reason for r in found.refused)


def test_an_entry_point_that_raises_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("bad", "no_such_module:plugin", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    found = registry.Registry()
    assert registry._entry_points(found) == []
    assert "no_such_module" in found.refused[0].reason


def test_an_entry_point_names_a_path_or_returns_one(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("cwd", "os:getcwd", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    assert registry._entry_points(registry.Registry()) == [Path.cwd()]


def test_missing_compiler_package_is_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    class Compiled(NumpyBackend):
        name = "other"
        dialect = "llvm"

    monkeypatch.setattr(registry.importlib.util, "find_spec", lambda name: None)
    found = registry.Registry()
    found.add(Compiled())
    assert "pip install llvmlite" in found.refused[0].reason


def test_asking_for_a_refused_backend_gives_the_reason() -> None:
    found = registry.Registry()
    found.refuse("gpu (/x/gpu.so)", "its driver is too old")
    with pytest.raises(DeviceError, match="driver is too old"):
        found.get("gpu")


def test_asking_for_an_unknown_backend_lists_what_there_is() -> None:
    found = registry.Registry()
    found.add(NumpyBackend())
    with pytest.raises(DeviceError, match=r"'tpu'.*numpy"):
        found.get("tpu")


@needs_core
def test_the_cpu_comes_before_the_fallback_and_no_simulated_device_is_chosen() -> None:
    assert registry.discover().best().name == "cpu"


def only_numpy() -> registry.Registry:
    found = registry.Registry()
    found.refuse("cpu (/x/cpu.so)", "llvmlite is missing")
    found.add(NumpyBackend())
    return found


def test_fallback_warns_once_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERX_FALLBACK", "warn")
    found = only_numpy()
    with pytest.warns(FallbackWarning, match="llvmlite is missing") as caught:
        found.best()
        found.best()
    assert len(caught) == 1


def test_fallback_can_be_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERX_FALLBACK", "error")
    with pytest.raises(FallbackError, match="ACCELERX_FALLBACK=error"):
        only_numpy().best()


@pytest.mark.parametrize(
    ("variable", "value"), [("ACCELERX_FALLBACK", "allow"), ("ACCELERX_BACKENDS", "numpy")]
)
def test_fallback_is_silent_when_wanted(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv("ACCELERX_FALLBACK", "warn")
    monkeypatch.setenv(variable, value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert only_numpy().best().name == "numpy"


def test_misspelt_variables_are_warned_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERX_DEVISE", "cpu")
    monkeypatch.setenv("ACCELERX_BACKENDS", "numpy")
    with pytest.warns(UserWarning, match="ACCELERX_DEVISE"):
        registry.discover()


def test_without_the_core_plugins_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin_backend, "MISSING", "no module named _core")
    with pytest.raises(PluginError, match="no module named _core"):
        plugin_backend.open_plugin("/x/cpu.so")
    assert "no module named _core" in registry.discover().refused[0].reason
