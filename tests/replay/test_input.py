"""What a recorded log may look like, and what is said where it cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.replay.digest import FACT_TABLES
from app.replay.part import FIGURES
from tests.replay.runs import Replayed, command, replay, written


def test_carriage_returns_and_blank_lines_are_no_part_of_an_event(
    faulty: Path, replayed: Replayed, tmp_path: Path
) -> None:
    lines = faulty.read_bytes().splitlines()
    spaced = [line for pair in zip(lines, [b""] * len(lines), strict=True) for line in pair]
    other = replay(tmp_path / "out", written(tmp_path / "dos.jsonl", [b"", *spaced], end=b"\r\n"))
    assert other.summary["digests"] == replayed.summary["digests"]
    assert other.summary["records"] == replayed.summary["records"]


def test_the_last_line_needs_no_end(faulty: Path, replayed: Replayed, tmp_path: Path) -> None:
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(faulty.read_bytes().removesuffix(b"\n"))
    assert replay(tmp_path / "out", cut).summary["records"] == replayed.summary["records"]


@pytest.mark.parametrize("content", [b"", b"\n\r\n\n"])
def test_an_empty_file_is_a_replay_of_nothing(tmp_path: Path, content: bytes) -> None:
    log = tmp_path / "empty.jsonl"
    log.write_bytes(content)
    done = replay(tmp_path / "out", log)
    assert done.summary["records"]["read"] == 0
    assert done.summary["rows"] == dict.fromkeys((*FIGURES, *FACT_TABLES), 0)
    assert done.rows("burn.jsonl") == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("{tmp}/absent.jsonl",), "cannot read {tmp}/absent.jsonl: No such file or directory; name a JSON Lines file"),
        (("{tmp}",), "cannot read {tmp}: Is a directory; name a JSON Lines file"),
        (("{log}", "{tmp}/absent.jsonl"), "cannot read {tmp}/absent.jsonl: No such file or directory"),
        (("{log}", "--what-if", "{tmp}/absent.jsonl"), "cannot read {tmp}/absent.jsonl: No such file or directory"),
        (("{log}", "--partitions", "0"), "--partitions is 0; give 1 or more"),
        (("{log}", "--as-of", "31.3.2026"), "'31.3.2026' is not a date; write it like 2026-03-31"),
        (("{log}", "--as-of", "0001-01-01"), "'0001-01-01' is not a date; write it like 2026-03-31, in a year from"),
        (("{log}", "--known-at", "2026-03-31"), "'2026-03-31' is not an instant with a zone"),
    ],
)
def test_what_cannot_be_replayed_is_said_in_a_sentence(tmp_path: Path, words: tuple[str, ...], sentence: str) -> None:
    log = written(tmp_path / "log.jsonl", [])
    named = [word.format(tmp=tmp_path, log=log) for word in words]
    done = command("replay", *named, "--out", tmp_path / "out")
    assert done.returncode == 2
    said = done.stderr.decode()
    assert sentence.format(tmp=tmp_path) in said
    assert "Traceback" not in said


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    log = written(tmp_path / "log.jsonl", [])
    done = command("replay", log, "--out", log / "inside")
    assert done.returncode == 2
    assert f"cannot write to {log}/inside: " in done.stderr.decode()
    assert "name another folder with --out" in done.stderr.decode()
