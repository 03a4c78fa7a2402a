"""A wrong setting is one sentence: which, with which value, what it must be, where it is set."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.settings import Settings, SettingsError


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("HEADRACE_PORT", "abc", "setting port is 'abc': input should be a valid integer"),
        ("HEADRACE_ZONE", "Mars/Base", "setting zone is 'Mars/Base': must be a time zone of the tz database"),
        ("HEADRACE_AUTHORITY", "every source", "setting authority is not JSON"),
        ("HEADRACE_AUTHORITY", '{"time": 3}', "setting authority is 3"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=said) as raised:
        Settings.load()
    assert f"set {variable}" in str(raised.value)


@pytest.mark.parametrize("tokens", ['{"hunter2": "read"}', '{"hunter2-hunter2-hunter2": "admin"}'])
def test_a_wrong_token_is_not_repeated(monkeypatch: pytest.MonkeyPatch, tokens: str) -> None:
    monkeypatch.setenv("HEADRACE_TOKENS", tokens)
    with pytest.raises(SettingsError, match="set HEADRACE_TOKENS") as raised:
        Settings.load()
    assert "hunter2" not in str(raised.value)


def test_the_command_line_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_PORT", "1")
    assert (Settings.load(port=None).port, Settings.load(port=2).port) == (1, 2)


def test_a_secret_may_be_a_file_and_the_environment_comes_before_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "HEADRACE_TOKENS").write_text('{"0123456789abcdef": "read"}\n')
    (tmp_path / "HEADRACE_KAFKA_SASL_PASSWORD").write_text("from a file\n")
    monkeypatch.setenv("HEADRACE_SETTINGS_DIR", str(tmp_path))
    assert Settings.load().tokens == {"0123456789abcdef": "read"}
    assert Settings.load().kafka_sasl_password == "from a file"
    monkeypatch.setenv("HEADRACE_KAFKA_SASL_PASSWORD", "from the environment")
    assert Settings.load().kafka_sasl_password == "from the environment"


def test_a_folder_of_settings_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_SETTINGS_DIR", "/no/such/folder")
    with pytest.raises(SettingsError, match="HEADRACE_SETTINGS_DIR is '/no/such/folder', which is no folder"):
        Settings.load()


def test_a_wrong_token_in_a_file_is_not_repeated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "headrace_tokens").write_text('{"hunter2": "read"}')
    monkeypatch.setenv("HEADRACE_SETTINGS_DIR", str(tmp_path))
    with pytest.raises(SettingsError, match="set HEADRACE_TOKENS") as raised:
        Settings.load()
    assert "hunter2" not in str(raised.value)
