"""Whatever arrives, the reader answers with a fact or with a refusal, and the short way never disagrees."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.events.reader import Accepted, Reader
from app.events.refusal import REFUSALS, Refusal
from app.events.timecard import TimeCard, fact_of_line
from tests.events.golden_files import events, line

READER = Reader(max_bytes=10_000)
GOLDEN = [orjson.loads(path.read_bytes()) for path in events()]
TIME = orjson.loads(line("time.corrected.v1.json"))
HEAD = {name: part for name, part in TIME.items() if name != "data"}
ATTRIBUTES = ["id", "source", "type", "time", "recordedtime", "acceptedtime", "correlationid", "specversion", "subject"]
PIECES = [b"\\", b'"', b"{", b"}", b"1e999", b"\\ud800"]
WORDS = ["", "1.50", "1e3", "-1", "2026-02-30", "2026-02-28", "2026-W10-1", "EUR", "XXX", "2026-03-09T17:00:00Z"]
LIKELY: list[Any] = [
    *WORDS,
    "TE-1",
    "\x7f",
    "a\x85b",
    "standard",
    "approved",
    "é",
    None,
    True,
    False,
    450,
    -1440,
    1441,
    480.0,
    [],
    {},
]
REPEATS = [b"", b'"minutes":1,', b'"minutes":"x",', b'"task":null,', b'"other":1.50,', b'"minutes":1.5,']
ENDINGS = [b"}", b"}\n", b',"partitionkey":"a"}', b',"other":1}', b',"data":{}}']

Headers = list[tuple[str, bytes]]

text = st.text(max_size=8) | st.sampled_from([*WORDS, "\x7f", "\n", "é"])
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.integers(-(2**64), 2**65)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
)
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3), max_leaves=8
)
header_names = st.sampled_from(
    ["ce_id", "ce_type", "ce_source", "ce_time", "ce_specversion", "ce_", "content-type", "x"]
)
members = st.dictionaries(st.sampled_from(TimeCard.__struct_fields__), st.sampled_from(LIKELY) | scalars, max_size=2)


def written(tree: Any) -> bytes:
    """Compact JSON of any tree; integers may have any length."""
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()


def outcome(reader: Reader, value: bytes, headers: Headers | None = None) -> Accepted | Refusal:
    """What the reader makes of a record, after a look at whether it is fit to be passed on."""
    try:
        result: Accepted | Refusal = reader.read(value, headers or [])
    except Refusal as refusal:
        result = refusal
    if isinstance(result, Refusal):
        assert result.code in REFUSALS
        assert result.message
        assert result.pointer == "" or result.pointer.startswith("/")
        return result
    # What enters the journal is one JSON object that every reader of ours can read.
    data = bytes(result.fact.data)
    assert data.decode()
    assert type(orjson.loads(data)) is dict
    assert type(msgspec.json.decode(data)) is dict
    return result


def comparable(result: Accepted | Refusal) -> tuple[Any, ...]:
    if isinstance(result, Refusal):
        return (result.code, result.message, result.pointer)
    fact = result.fact
    return (result.journal, result.key, bytes(fact.data), *msgspec.structs.astuple(fact)[:-1])


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes_are_a_fact_or_a_refusal(value: bytes) -> None:
    outcome(READER, value)


@given(trees)
@settings(deadline=None)
def test_any_json_is_a_fact_or_a_refusal(tree: Any) -> None:
    outcome(READER, written(tree))


@given(st.lists(st.tuples(header_names, st.binary(max_size=12))), st.binary(max_size=40))
@settings(deadline=None)
def test_any_headers_are_a_fact_or_a_refusal(headers: Headers, value: bytes) -> None:
    outcome(READER, value, headers)


@given(st.sampled_from(GOLDEN), st.data())
@settings(max_examples=400, deadline=None)
def test_an_event_with_changed_parts_is_a_fact_or_a_refusal(event: dict[str, Any], data: st.DataObject) -> None:
    changed = orjson.loads(orjson.dumps(event))
    for _ in range(data.draw(st.integers(1, 2))):
        change(changed, data)
    structured = outcome(READER, written(changed))
    # The same event in binary mode is the same fact or the same refusal.
    attributes = {name: part for name, part in changed.items() if name != "data"}
    if isinstance(changed.get("data"), dict) and all(isinstance(part, str) for part in attributes.values()):
        headers = [(f"ce_{name}", part.encode()) for name, part in attributes.items()]
        assert comparable(outcome(READER, written(changed["data"]), headers)) == comparable(structured)


@given(st.sampled_from(GOLDEN), st.data())
@settings(max_examples=200, deadline=None)
def test_what_was_normalised_once_stays_as_it_is(event: dict[str, Any], data: st.DataObject) -> None:
    changed = orjson.loads(orjson.dumps(event))
    change(changed["data"], data)
    first = outcome(READER, json.dumps(changed).encode())
    if isinstance(first, Accepted):
        normal = bytes(first.fact.data)
        again = outcome(READER, written({**changed, "data": 0}).replace(b'"data":0', b'"data":' + normal))
        assert isinstance(again, Accepted)
        assert bytes(again.fact.data) == normal


@given(st.sampled_from(GOLDEN), st.data())
@settings(max_examples=300, deadline=None)
def test_an_event_with_damaged_bytes_is_a_fact_or_a_refusal(event: dict[str, Any], data: st.DataObject) -> None:
    value = bytearray(orjson.dumps(event))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(value) - 1))
        how = data.draw(st.sampled_from(("replace", "insert", "delete", "double")))
        if how == "delete":
            del value[at : at + data.draw(st.integers(1, 20))]
        elif how == "double":
            value[at:at] = value[at : at + data.draw(st.integers(1, 60))]
        else:
            piece = data.draw(st.binary(min_size=1, max_size=3) | st.sampled_from(PIECES))
            value[at : at + (how == "replace")] = piece
    outcome(READER, bytes(value))


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"null",
        b"[" * 500 + b"]" * 500,
        b"[" * 100_000,
        b'{"data":' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}",
        b'{"data":' + b'{"a":' * 300 + b"1" + b"}" * 300 + b"}",
        b'{"data":' + b"[" * 2_000,
        b'{"a":' + b"9" * 5_000 + b"}",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b"{}{}",
        b"{} x",
        "{}".encode("utf-16"),
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_no_parser_should_meet_is_a_refusal(value: bytes) -> None:
    result = outcome(Reader(), value)
    assert isinstance(result, Refusal)
    assert result.code in ("not_json", "not_an_event")


def test_the_short_way_is_taken_by_what_producers_usually_send() -> None:
    for name in ("submitted", "approved", "corrected", "rejected", "reversed"):
        assert fact_of_line(line(f"time.{name}.v1.json"), None, ("", 0, 0)) is not None


@given(members, st.sampled_from(["time.approved.v1", "time.rejected.v1", "time.corrected.v1"]), st.data())
@settings(max_examples=800, deadline=None)
def test_the_short_way_and_the_models_agree_on_the_entry(
    changes: dict[str, Any], kind: str, data: st.DataObject
) -> None:
    body = {**TIME["data"], "narrative": "Plain", **changes}
    body["task"] = data.draw(st.sampled_from(["T-1", "Führung", "a\x85b", "\x7f", "\u2028", '"data":{', None]))
    for name in data.draw(st.lists(st.sampled_from(sorted(body)), max_size=1)):
        del body[name]
    raw = written({name: body[name] for name in data.draw(st.permutations(sorted(body)))})
    raw = b"{" + data.draw(st.sampled_from(REPEATS)) + raw[1:]
    if data.draw(st.booleans()):
        raw = raw.replace(b":", b": ", 1)
    value = written({**HEAD, "type": kind})[:-1] + b',"data":' + raw + data.draw(st.sampled_from(ENDINGS))
    assert comparable(outcome(READER, value)) == comparable(long_way(value))


@given(st.sampled_from(ATTRIBUTES), scalars)
@example("time", "2026-03-09T17:00:00.1234567+23:59")
@example("time", "0001-01-01T00:00:00+23:59")
@example("time", "2026-03-09 17:00:00Z")
@example("id", "")
@example("source", "\x7f")
@settings(max_examples=300, deadline=None)
def test_the_short_way_and_the_models_agree_on_the_envelope(name: str, part: Any) -> None:
    value = written({**TIME, name: part})
    assert comparable(outcome(READER, value)) == comparable(long_way(value))


def long_way(value: bytes) -> Accepted | Refusal:
    """The same record with one escaped letter in its envelope, which the short way leaves alone."""
    assert value.startswith(b'{"specversion"')
    return outcome(READER, b'{"\\u0073pecversion"' + value[len(b'{"specversion"') :])


def change(event: dict[str, Any], data: st.DataObject) -> None:
    """Replace, drop or add one member somewhere in the event."""
    holder = data.draw(st.sampled_from(holders(event)))
    if not holder:
        return
    name = data.draw(st.sampled_from(sorted(holder)))
    how = data.draw(st.sampled_from(("replace", "replace", "drop", "add")))
    if how == "drop":
        del holder[name]
    else:
        holder[name if how == "replace" else data.draw(text)] = data.draw(trees)


def holders(tree: Any) -> list[dict[str, Any]]:
    """Every object in the tree."""
    if isinstance(tree, list):
        return [found for child in tree for found in holders(child)]
    if isinstance(tree, dict):
        return [tree, *(found for child in tree.values() for found in holders(child))]
    return []
