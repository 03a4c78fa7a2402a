"""A foreign client understands what headrace writes, and headrace what the foreign client writes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import orjson
import pytest
from cloudevents.core.bindings import http, kafka
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from app.events.cloudevents import STRUCTURED, binary, exported, structured, timestamp
from app.events.instant import micros
from app.events.reader import Reader
from tests.events.golden_files import events, line

FORMAT = JSONFormat()
ATTRIBUTES = {
    "id": "9f0c",
    "source": "/psa/emea",
    "type": "time.approved.v1",
    "time": "2026-03-09T17:00:00Z",
    "recordedtime": "2026-03-09T17:00:04Z",
    "correlationid": "SOW-88",
    "causationid": None,
}
DATA = orjson.dumps(orjson.loads(line("time.approved.v1.json"))["data"])


def test_a_foreign_client_reads_our_binary_mode() -> None:
    headers, value = binary(ATTRIBUTES, DATA)
    event = kafka.from_binary(kafka.KafkaMessage(headers=dict(headers), key=None, value=value), FORMAT)
    assert (event.get_id(), event.get_source(), event.get_type()) == ("9f0c", "/psa/emea", "time.approved.v1")
    assert event.get_time() == datetime(2026, 3, 9, 17, tzinfo=UTC)
    assert event.get_extension("correlationid") == "SOW-88"
    assert event.get_data() == orjson.loads(DATA)


def test_a_foreign_client_reads_our_structured_mode() -> None:
    value = structured(ATTRIBUTES, DATA)
    message = http.HTTPMessage(headers={"content-type": STRUCTURED.decode()}, body=value)
    event = http.from_structured(message, FORMAT)
    assert (event.get_id(), event.get_source(), event.get_type()) == ("9f0c", "/psa/emea", "time.approved.v1")
    assert event.get_extension("recordedtime") == "2026-03-09T17:00:04Z"
    assert event.get_data() == orjson.loads(DATA)


@pytest.mark.parametrize("write", [kafka.to_binary, kafka.to_structured])
def test_we_read_both_modes_of_a_foreign_client(write: object) -> None:
    headers, value = binary(ATTRIBUTES, DATA)
    event = kafka.from_binary(kafka.KafkaMessage(headers=dict(headers), key=None, value=value), FORMAT)
    assert callable(write)
    message = write(event, FORMAT)
    read = Reader().read(message.value, list(message.headers.items()))
    assert read.fact.id == "9f0c"
    assert read.fact.time == micros("2026-03-09T17:00:00Z")
    assert read.fact.recorded == micros("2026-03-09T17:00:04Z")
    assert orjson.loads(bytes(read.fact.data)) == orjson.loads(DATA)


def test_both_modes_are_the_same_fact() -> None:
    headers, value = binary(ATTRIBUTES, DATA)
    assert facts_equal(Reader().read(value, headers), Reader().read(structured(ATTRIBUTES, DATA)))
    declared = [("Content-Type", b"Application/CloudEvents+JSON; charset=utf-8")]
    assert facts_equal(Reader().read(structured(ATTRIBUTES, DATA), declared), Reader().read(value, headers))


@pytest.mark.parametrize("path", events(), ids=lambda path: path.stem)
def test_an_exported_fact_is_read_back_as_it_was(path: Path) -> None:
    first = Reader().read(path.read_bytes())
    assert facts_equal(Reader().read(exported(first.fact)), first)


@given(st.integers(micros("0001-01-01T00:00:00Z"), micros("9999-12-31T23:59:59.999999Z")))
@settings(deadline=None)
def test_a_timestamp_is_the_instant_it_was_written_from(moment: int) -> None:
    assert micros(timestamp(moment)) == moment


def facts_equal(one: object, other: object) -> bool:
    return msgspec.json.encode(one) == msgspec.json.encode(other)
