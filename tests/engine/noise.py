"""What else is on the wire: lines that nobody can read, people and their leave, reference data, the clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from random import Random
from typing import Any

import orjson

from tests.model.histories import Event

UNREADABLE = (
    b"",
    b"{",
    b"[1, 2]",
    b'"time.approved.v1"',
    b'{"specversion":"1.0"}',
    b"\xff\xfe",
    b'{"specversion":"1.0","id":"1","source":"/x","type":"time.vanished.v1","time":"2026-03-09T17:00:00Z","data":{}}',
    b'{"specversion":"1.0","id":"1","source":"/x","type":"time.approved.v1","time":"2026-03-09T17:00:00Z","data":{}}',
)


def said(kind: str, message_id: str, /, **data: Any) -> Event:
    """An event of a source of its own, at noon of 1 March 2026."""
    moment = "2026-03-01T12:00:00Z"
    return {
        "specversion": "1.0",
        "id": message_id,
        "source": "/desk",
        "type": f"{kind}.v1",
        "time": moment,
        "recordedtime": moment,
        "acceptedtime": moment,
        "data": data,
    }


def tick(on: date) -> Event:
    """Today is `on`; always the same message."""
    return said("clock.ticked", f"clock/{on}", on=on.isoformat())


def bystanders() -> list[Event]:
    """Events that no contract's figures rest on, two of them about the same revision."""
    return [
        said("resource.upserted", "b-1", resource_id="P-1", revision=1, effective_from="2026-01-01", role="engineer"),
        said("resource.upserted", "b-2", resource_id="P-1", revision=2, effective_from="2026-02-01", role="architect"),
        said("resource.upserted", "b-3", resource_id="P-1", revision=2, effective_from="2026-02-01", role="analyst"),
        said("leave.approved", "b-4", leave_id="V-1", revision=1, resource_id="P-1", **_span()),
        said("client.upserted", "b-5", client_id="CL-1", revision=1, name="Überland AG"),
        said("client.upserted", "b-6", client_id="CL-1", revision=2, name="Oberland AG"),
        said("legal_entity.upserted", "b-7", legal_entity_id="LE-1", revision=1, currency="EUR"),
        said("period.closed", "b-8", legal_entity_id="LE-1", revision=1, period="2026-02"),
    ]


def _span() -> dict[str, str]:
    return {"from": "2026-03-02", "to": "2026-03-06"}


def noisy(log: Sequence[bytes], rng: Random, extra: Sequence[Event] = ()) -> list[bytes]:
    """The log with unreadable lines, bystanders and `extra` strewn in."""
    lines = [*log]
    for line in (*UNREADABLE, *map(orjson.dumps, (*bystanders(), *extra))):
        lines.insert(rng.randint(0, len(lines)), line)
    return lines
