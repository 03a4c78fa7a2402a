"""Posted bodies taken apart into the bytes of single events. What an event means is the intake's business."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

import msgspec

from app.web.problems import MALFORMED, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, Problem

EVENT = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
LINES = "application/x-ndjson"
JSON = "application/json"
ACCEPTED = (EVENT, BATCH, LINES, JSON)

_CE = "ce-"
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Submission:
    """`lines` are the events' own bytes; `headers` those of the one event in binary mode; `alone` when the sender sent
    one event as such, and so wants one answer."""

    lines: list[bytes]
    headers: list[tuple[str, bytes]]
    alone: bool


def unpack(media_type: str, headers: Iterable[tuple[str, str]], body: bytes, max_events: int) -> Submission:
    """The events of a body of `media_type` (lower case, no parameters).

    Raises Problem: 415 for another media type, 400 for a body that is empty or no array of JSON values, 413 for more
    than `max_events`. A single event is passed on as it is, however broken: the intake keeps what it refuses.
    """
    if media_type not in ACCEPTED:
        given = media_type or "no content type"
        raise Problem(
            UNSUPPORTED_MEDIA_TYPE,
            f"{given}: events are taken as {', '.join(ACCEPTED)}, in UTF-8.",
            headers={"Accept-Post": ", ".join(ACCEPTED)},
        )
    if not body.strip():
        raise Problem(MALFORMED, "The body is empty: there is no event in it.", code="empty_body")
    attributes = _attributes(headers)
    if media_type == JSON and attributes:
        return Submission([body], [*attributes, ("content-type", JSON.encode())], alone=True)
    if media_type == EVENT or (media_type == JSON and not body.lstrip().startswith(b"[")):
        return Submission([body], [], alone=True)
    lines = _lines(body) if media_type == LINES else _items(body)
    if not lines:
        raise Problem(MALFORMED, "The batch holds no event.", code="empty_batch")
    if len(lines) > max_events:
        detail = f"{len(lines)} events: this server takes {max_events} at once. Send them in parts."
        raise Problem(TOO_LARGE, detail, code="too_many_events")
    return Submission(lines, [], alone=False)


def _attributes(headers: Iterable[tuple[str, str]]) -> list[tuple[str, bytes]]:
    """CloudEvents attributes of binary mode under the names they have on Kafka. Over HTTP their values are
    percent-encoded (HTTP protocol binding, 3.1.3.2)."""
    return [
        ("ce_" + name[len(_CE) :].lower(), unquote_to_bytes(value.encode("utf-8", "surrogateescape")))
        for name, value in headers
        if name.lower().startswith(_CE)
    ]


def _lines(body: bytes) -> list[bytes]:
    """JSON Lines: blank lines are no events, and a line may end as Windows writes it."""
    return [line for line in (part.strip(b" \t\r") for part in body.split(b"\n")) if line]


def _items(body: bytes) -> list[bytes]:
    """The bytes of each member of a JSON array, as they came: numbers keep their digits."""
    try:
        return [bytes(item) for item in _ARRAY.decode(body)]
    except (msgspec.DecodeError, RecursionError) as error:
        detail = f"The body is not a JSON array of events: {error}. Nothing of it was accepted."
        raise Problem(MALFORMED, detail, code="malformed_json") from error
