"""What cannot be done as asked is said in one sentence on standard error, with exit code 2 and no traceback."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.host.runs import headrace, refused


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("HEADRACE_PORT", "abc", "setting port is 'abc': "),
        ("HEADRACE_PORT", "65536", "setting port is '65536': "),
        ("HEADRACE_ZONE", "Mars/Base", "setting zone is 'Mars/Base': must be a time zone of the tz database"),
        ("HEADRACE_ZONE", "../../etc/passwd", "setting zone is '../../etc/passwd': must be a time zone"),
        ("HEADRACE_PARTITIONS", "0", "setting partitions is '0': "),
        ("HEADRACE_BATCH_SIZE", "-1", "setting batch_size is '-1': "),
    ],
)
def test_a_setting_that_is_wrong_is_named_with_its_value(tmp_path: Path, name: str, value: str, sentence: str) -> None:
    done = headrace("worker", "--store", tmp_path / "store.sqlite", environment={name: value})
    said = refused(done)
    assert sentence in said
    assert f"set {name}" in said
    assert list(tmp_path.iterdir()) == []


def test_a_token_that_is_too_short_is_not_repeated(tmp_path: Path) -> None:
    environment = {"HEADRACE_TOKENS": '{"secret": "read"}'}
    said = refused(headrace("worker", "--store", tmp_path / "store.sqlite", environment=environment))
    assert "setting tokens " in said
    assert "secret" not in said


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = refused(headrace("worker", "--store", tmp_path / "store.sqlite", "--port", port))
    assert f"cannot listen on 127.0.0.1:{port}: " in said
    assert "choose another with --port" in said


def test_an_address_that_is_not_here_is_named(tmp_path: Path) -> None:
    words = ("worker", "--store", tmp_path / "store.sqlite", "--host", "192.0.2.1", "--port", "0")
    assert "cannot listen on 192.0.2.1:0: " in refused(headrace(*words))


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("verify", "--bogus"), "unrecognized arguments: --bogus"),
        (("juggle",), "invalid choice: 'juggle'"),
        ((), "the following arguments are required: COMMAND"),
        (("publish",), "the following arguments are required: FILE"),
        (("worker", "--port", "abc"), "argument --port: invalid int value: 'abc'"),
        (("publish", "-", "--url", "localhost"), "--url 'localhost' is not an address"),
        (("publish", "-", "--url", "http://127.0.0.1:9"), "cannot reach http://127.0.0.1:9/v1/events: "),
        (("publish", "/absent.jsonl"), "cannot read /absent.jsonl"),
        (("simulate", "--events", "0"), "events is 0: give 1 or more"),
        (("simulate", "--late", "2"), "late_ratio is 2.0: give a ratio from 0 to 1"),
        (("simulate", "--out", "/absent/log.jsonl"), "cannot write /absent/log.jsonl: No such file or directory"),
        (("demo", "--end", "soon"), "'soon' is not a date"),
    ],
)
def test_a_command_that_cannot_be_done(tmp_path: Path, words: tuple[str, ...], part: str) -> None:
    done = headrace(*words, environment={"HEADRACE_STORE": str(tmp_path / "store.sqlite")}, stdin=b"{}\n")
    text = done.stderr.decode()
    assert done.returncode == 2, text
    assert done.stdout == b""
    assert "Traceback" not in text
    assert text.splitlines()[-1].startswith("headrace")
    assert part in text
