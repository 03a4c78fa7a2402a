"""What a foreign CloudEvents client posts is read as the same event, whatever mode it chooses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import orjson
import pytest
from cloudevents.core.bindings.http import HTTPMessage, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from app.events.fact import Fact
from app.events.reader import Reader
from tests.events.golden_files import line
from tests.web.conftest import House

DATA = orjson.loads(line("time.approved.v1.json"))["data"]
ATTRIBUTES = {
    "specversion": "1.0",
    "id": "e 1/ü",
    "source": "/psa/emea?part=é",
    "type": "time.approved.v1",
    "time": datetime(2026, 3, 9, 17, tzinfo=UTC),
    "correlationid": "SOW-88 “west”",
}


@pytest.mark.parametrize("write", [to_binary, to_structured])
async def test_a_foreign_clients_event_is_read_as_it_was_meant(
    house: House, write: Callable[[CloudEvent, JSONFormat], HTTPMessage]
) -> None:
    message = write(CloudEvent(ATTRIBUTES, DATA), JSONFormat())
    headers = {**message.headers, "Content-Type": message.headers.get("content-type", "application/json")}
    response = await house.post("/v1/events", data=message.body, headers=headers)
    assert response.status == 202
    ((value, kept),) = house.journal.kept
    fact: Fact = Reader().read(value, kept).fact
    assert (fact.id, fact.source, fact.type) == (ATTRIBUTES["id"], ATTRIBUTES["source"], ATTRIBUTES["type"])
    assert fact.correlation == ATTRIBUTES["correlationid"]
    assert orjson.loads(bytes(fact.data)) == DATA
