"""What `headrace replay` writes: six files, rows with the names of the published payloads, counts that add up."""

from __future__ import annotations

from base64 import b64decode
from collections import Counter
from pathlib import Path

import orjson
import pytest

from app.events.derived import DERIVED
from app.events.refusal import REFUSALS
from tests.replay.runs import AS_OF, Replayed, command, replay, written

FILES = {
    "burn.jsonl",
    "utilization.jsonl",
    "accuracy.jsonl",
    "readiness.jsonl",
    "forecast.jsonl",
    "revenue.jsonl",
    "documents.jsonl",
    "dead_letters.jsonl",
    "summary.json",
}
DISPOSITIONS = ("applied", "duplicate", "stale", "parked", "dead_lettered")
NOT_AN_EVENT = b"\xff\xfe\x00 not even text"


def test_there_are_nine_files(replayed: Replayed) -> None:
    assert {path.name for path in replayed.out.iterdir()} == FILES


@pytest.mark.parametrize(
    ("file", "type_"),
    [
        ("burn.jsonl", "burn.updated.v1"),
        ("readiness.jsonl", "readiness.updated.v1"),
        ("forecast.jsonl", "burn.forecast_updated.v1"),
        ("revenue.jsonl", "revenue.hinted.v1"),
    ],
)
def test_a_row_carries_the_fields_of_the_published_payload(replayed: Replayed, file: str, type_: str) -> None:
    # A replay has no journal, so there is no `state_version`; everything else is as published.
    rows = replayed.rows(file)
    assert rows
    for row in rows:
        DERIVED[type_].model.model_validate_json(orjson.dumps({**row, "state_version": 0}))


def test_every_contract_has_one_row_of_each_kind_and_one_per_line(replayed: Replayed) -> None:
    keys = [(row["contract_id"], row["line_id"]) for row in replayed.rows("burn.jsonl")]
    assert len(keys) == len(set(keys))
    contracts = [contract for contract, line in keys if line is None]
    assert sorted(contracts) == sorted(row["contract_id"] for row in replayed.rows("readiness.jsonl"))
    assert {contract for contract, _ in keys} == set(contracts)


def test_the_figures_are_of_the_day_asked_for(replayed: Replayed) -> None:
    assert replayed.summary["as_of"] == AS_OF
    assert {row["as_of"] for row in replayed.rows("burn.jsonl")} == {AS_OF}


def test_the_counts_add_up_to_the_lines_of_the_file(replayed: Replayed, faulty: Path) -> None:
    records = replayed.summary["records"]
    assert records["read"] == len(faulty.read_bytes().splitlines())
    assert sum(records[name] for name in DISPOSITIONS) == records["read"]
    assert all(records[name] > 0 for name in ("applied", "duplicate", "stale", "dead_lettered"))


def test_the_summary_counts_the_rows_of_the_files(replayed: Replayed) -> None:
    rows = replayed.summary["rows"]
    assert rows["burn"] == len(replayed.rows("burn.jsonl"))
    assert rows["readiness"] == len(replayed.rows("readiness.jsonl"))
    assert replayed.summary["records"]["dead_lettered"] == len(replayed.rows("dead_letters.jsonl"))


def test_a_dead_letter_is_the_line_it_stood_on_byte_for_byte(replayed: Replayed, faulty: Path) -> None:
    lines = faulty.read_bytes().split(b"\n")
    letters = replayed.rows("dead_letters.jsonl")
    for letter in letters:
        assert b64decode(letter["value_base64"]) == lines[letter["line"] - 1]
        assert letter["code"] in REFUSALS
        assert letter["message"]
        assert letter["topic"] == faulty.name
    assert len(Counter(letter["line"] for letter in letters)) == len(letters)


def test_bytes_that_are_no_text_survive_as_bytes(tmp_path: Path) -> None:
    done = replay(tmp_path / "out", written(tmp_path / "log.jsonl", [NOT_AN_EVENT, b"not json but text"]))
    broken, text = done.rows("dead_letters.jsonl")
    assert b64decode(broken["value_base64"]) == NOT_AN_EVENT
    assert (broken["value"], text["value"]) == (None, "not json but text")
    assert done.summary["records"] == {**dict.fromkeys(DISPOSITIONS, 0), "read": 2, "dead_lettered": 2}


def test_the_json_on_standard_output_is_the_summary_and_its_seconds(faulty: Path, tmp_path: Path) -> None:
    done = command("replay", faulty, "--out", tmp_path / "out", "--as-of", AS_OF, "--json")
    assert done.returncode == 0
    said = orjson.loads(done.stdout)
    assert said.pop("seconds") > 0
    assert said == Replayed(tmp_path / "out").summary
