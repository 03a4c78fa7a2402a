"""What leaves: statements as CloudEvents, dead letters with the headers that say why."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson

from agents.effects import DeadLetter, Statement
from app.events.cloudevents import Headers, structured, timestamp

ENGINE_VERSION = "0.1.0"
SOURCE = "/headrace"
ATTRIBUTES = ("id", "source", "type", "subject", "time", "datacontenttype", "correlationid", "causationid")
"""What a statement says about itself, in the order in which it is written."""


def attributed(payload: Mapping[str, Any], latest: tuple[int, str, str, str]) -> dict[str, Any]:
    """A payload with what every statement carries: who computed it, and the latest fact behind it."""
    _, _, cause, correlation = latest
    return {
        **payload,
        "engine_version": ENGINE_VERSION,
        "correlationid": correlation or None,
        "causationid": cause or None,
    }


def said(statement: Statement) -> tuple[str, bytes]:
    """The statement's id and its data. The id is a hash of what it says, so the same id is the same payload."""
    _, _, cause, correlation = statement.latest
    data = orjson.dumps(
        {
            **statement.payload,
            "engine_version": ENGINE_VERSION,
            "correlationid": correlation or None,
            "causationid": cause or None,
            "state_version": statement.version,
        }
    )
    name = f"{statement.type}\n{statement.key}\n".encode("utf-8", "surrogatepass")
    return blake2b(name + data, digest_size=16).hexdigest(), data


def event_of(statement: Statement) -> tuple[dict[str, str | None], bytes]:
    """The statement's CloudEvents attributes and data, whatever mode it leaves in."""
    name, data = said(statement)
    time, _, cause, correlation = statement.latest
    values = (
        name,
        SOURCE,
        statement.type,
        statement.key,
        timestamp(time),
        "application/json",
        correlation or None,
        cause or None,
    )
    return dict(zip(ATTRIBUTES, values, strict=True)), data


def encode(statement: Statement) -> bytes:
    """The statement as a structured event (see `event_of`)."""
    return structured(*event_of(statement))


def dead_letter_headers(letter: DeadLetter) -> Headers:
    """The original's headers, then where it stood and why it is here; no value of the record is repeated."""
    fingerprint = blake2b(f"{letter.topic}\n{letter.code}\n{letter.pointer}".encode(), digest_size=8).hexdigest()
    context = {
        "__connect.errors.topic": letter.topic,
        "__connect.errors.partition": str(letter.partition),
        "__connect.errors.offset": str(letter.offset),
        "__connect.errors.stage": "VALUE_CONVERTER",
        "__connect.errors.class.name": "headrace.intake",
        "__connect.errors.exception.message": letter.message,
        "x-dlq-code": letter.code,
        "x-dlq-tier": "blocking",
        "x-dlq-pointer": letter.pointer,
        "x-dlq-attempts": "1",
        "x-dlq-fingerprint": fingerprint,
    }
    present = {name for name, _ in letter.headers}
    return [*letter.headers, *((name, text.encode()) for name, text in context.items() if name not in present)]
