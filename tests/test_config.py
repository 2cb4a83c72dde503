from __future__ import annotations

from pathlib import Path

import pytest

from accelerx import config
from accelerx.errors import SettingError


def test_unset_variable_gives_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACCELERX_FALLBACK", raising=False)
    assert config.FALLBACK.get() == "warn"


def test_empty_variable_gives_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERX_NUM_THREADS", " ")
    assert config.NUM_THREADS.get() is None


@pytest.mark.parametrize(
    ("setting", "text", "value"),
    [
        (config.DEVICE, "sim:0", "sim:0"),
        (config.BACKENDS, "cpu, sim", ("cpu", "sim")),
        (config.PLUGIN_PATH, "/a:/b", (Path("/a"), Path("/b"))),
        (config.CHECK, "bounds,barriers", frozenset({"bounds", "barriers"})),
        (config.FALLBACK, "ERROR", "error"),
        (config.LAUNCH_BLOCKING, "1", True),
        (config.LAUNCH_BLOCKING, "off", False),
        (config.NUM_THREADS, "4", 4),
        (config.CACHE_DIR, "/tmp/x", Path("/tmp/x")),
    ],
)
def test_values_are_parsed(
    monkeypatch: pytest.MonkeyPatch, setting: config.Setting[object], text: str, value: object
) -> None:
    monkeypatch.setenv(setting.variable, text)
    assert setting.get() == value


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        (config.FALLBACK, "maybe"),
        (config.LAUNCH_BLOCKING, "2"),
        (config.NUM_THREADS, "0"),
        (config.NUM_THREADS, "many"),
        (config.CHECK, "boundz"),
    ],
)
def test_bad_value_names_variable_value_and_choices(
    monkeypatch: pytest.MonkeyPatch, setting: config.Setting[object], text: str
) -> None:
    monkeypatch.setenv(setting.variable, text)
    with pytest.raises(SettingError) as caught:
        setting.get()
    message = str(caught.value)
    assert setting.variable in message
    assert repr(text) in message
    assert setting.values in message


def test_unknown_variable_is_reported_with_the_nearest_setting() -> None:
    (sentence,) = config.unknown_variables({"ACCELERX_DEVISE": "cpu", "PATH": "/bin"})
    assert "ACCELERX_DEVISE" in sentence
    assert "ACCELERX_DEVICE?" in sentence


def test_known_variables_are_not_reported() -> None:
    effective = [s for s in config.SETTINGS.values() if not s.reserved]
    assert config.unknown_variables({s.variable: "" for s in effective}) == []


def test_reserved_variables_say_that_they_do_nothing() -> None:
    (sentence,) = config.unknown_variables({"ACCELERX_LAYERS": "profile"})
    assert "no effect in this version" in sentence


def test_every_setting_has_a_sentence() -> None:
    assert all(setting.doc and setting.values for setting in config.SETTINGS.values())


def test_warnings_point_at_the_users_line() -> None:
    with pytest.warns(UserWarning, match="look here") as caught:
        config.warn("look here")
    assert caught[0].filename == __file__
