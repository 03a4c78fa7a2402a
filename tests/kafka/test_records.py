"""What the records of each topic look like: without a broker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from agents.effects import BURN, DeadLetter, Statement
from app.engine.kafka.records import (
    changelog_json,
    changelog_key,
    changelog_record,
    changelog_version,
    dead_letter_record,
    decode_journal,
    encode_journal,
    letter_of,
    parse_changelog_key,
    parse_version,
    statement_record,
    structured_statement,
    version_of,
)
from app.engine.statements import encode
from tables import TABLES
from tables.controls import CONTROLS, new

_GOLDEN = Path(__file__).parents[1] / "tables" / "golden"
STATEMENT = Statement(
    BURN,
    "burn.updated.v1",
    "SOW-88/L%2F1",
    41,
    {"contract_id": "SOW-88", "line_id": "L/1", "status": "active"},
    (1_773_075_600_000_000, "/psa/emea", "9f0c", "SOW-88"),
)


@pytest.mark.parametrize("path", sorted(_GOLDEN.glob("journal.*.json")), ids=lambda path: path.name)
def test_a_journal_record_is_one_golden_value(path: Path) -> None:
    # What was written once is read for ever; fields that were appended since stand at the end of a shape
    # (tests/tables/test_golden.py holds what stands before them).
    value = decode_journal(path.read_bytes())
    assert decode_journal(encode_journal(value)) == value
    assert _grown_from(orjson.loads(path.read_bytes()), orjson.loads(encode_journal(value)))


def _grown_from(old: Any, new: Any) -> bool:
    """Whether every list of `old` stands at the beginning of its counterpart in `new`."""
    if isinstance(old, list) and isinstance(new, list):
        return len(new) >= len(old) and all(map(_grown_from, old, new))
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(_grown_from(value, new[name]) for name, value in old.items())
    return bool(old == new)


def test_a_journal_record_that_is_neither_fact_nor_home_is_refused() -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_journal(b'["contract","SOW-88"]')


def test_binary_mode_says_what_structured_mode_says() -> None:
    said = orjson.loads(encode(STATEMENT))
    data = said.pop("data")
    key, value, headers = statement_record(STATEMENT)
    attributes = {name.removeprefix("ce_"): text.decode() for name, text in headers}
    assert attributes.pop("content-type") == said.pop("datacontenttype") == "application/json"
    assert attributes == said
    assert value is not None
    assert orjson.loads(value) == data
    assert key == b"SOW-88/L%2F1"


@pytest.mark.parametrize("latest", [STATEMENT.latest, (0, "", "", "")])
def test_a_record_gives_back_the_bytes_of_structured_mode(latest: tuple[int, str, str, str]) -> None:
    # The second is a statement behind which there is no fact yet: no cause, no correlation.
    statement = STATEMENT._replace(latest=latest)
    _, value, headers = statement_record(statement)
    assert value is not None
    assert structured_statement(value, headers) == encode(statement)


def test_the_id_of_a_statement_is_that_of_what_it_says() -> None:
    def id_of(statement: Statement) -> bytes:
        return dict(statement_record(statement).headers)["ce_id"]

    assert id_of(STATEMENT) == id_of(STATEMENT._replace(topic="elsewhere"))
    others = [
        STATEMENT._replace(version=42),
        STATEMENT._replace(key="SOW-88"),
        STATEMENT._replace(payload={**STATEMENT.payload, "status": "closed"}),
    ]
    assert len({id_of(one) for one in (STATEMENT, *others)}) == 1 + len(others)


def test_a_dead_letter_keeps_its_bytes_key_and_headers() -> None:
    letter = DeadLetter("timesheets", 3, 17, b"\xff{", (("trace", b"\x00\x01"),), "not_json", "unexpected byte", "")
    key, value, headers = dead_letter_record(letter, b"\xfe")
    assert (key, value, headers[0]) == (b"\xfe", b"\xff{", ("trace", b"\x00\x01"))
    why = dict(headers)
    assert (why["x-dlq-code"], why["__connect.errors.partition"], why["__connect.errors.offset"]) == (
        b"not_json",
        b"3",
        b"17",
    )


def test_a_dead_letter_is_read_back_with_where_it_stood_and_why() -> None:
    letter = DeadLetter("timesheets", 3, 17, b"\xff{", (("trace", b"\x00\x01"),), "not_json", "unexpected byte", "/a")
    _, value, headers = dead_letter_record(letter, None)
    read = letter_of(value, headers)
    assert read._replace(headers=()) == letter._replace(headers=())
    with pytest.raises(ValueError, match="without the header"):
        letter_of(value, [])


def test_a_dead_letter_without_key_stays_without() -> None:
    letter = DeadLetter("timesheets", 0, 0, b"", (), "not_json", "the record is empty", "")
    assert dead_letter_record(letter, None).key is None


def test_versions_are_ordered_as_bytes_like_agent_and_offset() -> None:
    # 14 hex digits hold every offset of a partition: 16**14 is about 7.2e16.
    pairs = [(0, 0), (0, 9), (0, 10), (0, 255), (0, 256), (0, 16**14 - 1), (1, 0), (255, 16**14 - 1)]
    versions = [version_of(*pair) for pair in pairs]
    assert versions == sorted(versions)
    assert [parse_version(version) for version in versions] == pairs
    assert {len(version) for version in versions} == {16}


def test_a_changelog_record_gives_key_version_and_value_back() -> None:
    version = version_of(2, 17)
    key, value, headers = changelog_record(CONTROLS, "intake/timesheets/0", new(), version)
    assert key is not None
    assert value is not None
    assert parse_changelog_key(key) == (CONTROLS.name, "intake/timesheets/0")
    assert changelog_version(value, headers) == version
    assert CONTROLS.decode(changelog_json(value)) == new()


def test_a_deletion_keeps_its_version() -> None:
    version = version_of(2, 18)
    key, value, headers = changelog_record(CONTROLS, "x", None, version)
    assert (key, value) == (changelog_key(CONTROLS.name, "x"), None)
    assert changelog_version(value, headers) == version


@pytest.mark.parametrize("value", [None, b"", b"02"])
def test_a_changelog_record_without_a_version_is_refused(value: bytes | None) -> None:
    with pytest.raises(ValueError, match="carries no version"):
        changelog_version(value, ())


def test_no_table_has_a_slash_in_its_name() -> None:
    # The first slash of a changelog key ends the table's name.
    assert [table.name for table in TABLES if "/" in table.name] == []
