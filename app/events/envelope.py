"""The CloudEvents 1.0 attributes that headrace reads, checked and with instants as integers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from app.events.instant import micros
from app.events.refusal import Refusal, shown

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_STRUCTURED: Final = b"application/cloudevents"


class Envelope(NamedTuple):
    """Who said it, what it is, and when: microseconds since 1970-01-01T00:00:00Z.

    `accepted` is there when the record comes from an export of headrace, which keeps that moment.
    """

    type: str
    source: str
    id: str
    time: int
    recorded: int
    accepted: int | None
    correlation: str | None
    causation: str | None


def envelope(attributes: Mapping[str, object]) -> Envelope:
    """Check the attributes, by their names in structured JSON; null is absent. `Refusal` is `not_an_event`.

    `subject` and every other attribute is ignored: what an event is about stands in its data.
    """
    version = _required(attributes, "specversion")
    if version != "1.0":
        raise Refusal("not_an_event", f"specversion must be 1.0, not {shown(version)}", "/specversion")
    event_id = _required(attributes, "id")
    source = _required(attributes, "source")
    kind = _required(attributes, "type")
    time = _moment("time", _required(attributes, "time"))
    recorded = _optional(attributes, "recordedtime")
    accepted = _optional(attributes, "acceptedtime")
    return Envelope(
        kind,
        source,
        event_id,
        time,
        time if recorded is None else _moment("recordedtime", recorded),
        None if accepted is None else _moment("acceptedtime", accepted),
        _optional(attributes, "correlationid"),
        _optional(attributes, "causationid"),
    )


def binary_attributes(headers: Iterable[tuple[str, bytes]]) -> dict[str, object] | None:
    """The attributes in the headers of a binary-mode record; None if the record is in structured mode.

    Binary mode is `ce_` headers with a content type that is not CloudEvents' own. Of headers with one name the last
    counts; one without a value is absent. Text that is not UTF-8 is `not_an_event`.
    """
    attributes: dict[str, object] = {}
    name, value = "", b""
    try:
        for name, value in headers:
            if name[:3] == "ce_":
                if value is not None:
                    attributes[name[3:]] = value.decode()
            elif _declares_structured(name, value):
                return None
    except UnicodeDecodeError:
        raise Refusal("not_an_event", f"header {name} must be UTF-8, not {shown(value)}", f"/{name[3:]}") from None
    return attributes or None


def _declares_structured(name: str, value: bytes | None) -> bool:
    return name.lower() == "content-type" and value is not None and value.strip().lower().startswith(_STRUCTURED)


def _required(attributes: Mapping[str, object], name: str) -> str:
    value = _optional(attributes, name)
    if not value:
        problem = f"the CloudEvents attribute {name} is required; send a non-empty string"
        raise Refusal("not_an_event", problem, f"/{name}")
    return value


def _optional(attributes: Mapping[str, object], name: str) -> str | None:
    value = attributes.get(name)
    if value is None:
        return None
    if type(value) is str and (value.isprintable() or _CONTROL.search(value) is None):
        return value
    problem = f"{name} must be a string without control characters, not {shown(value)}"
    raise Refusal("not_an_event", problem, f"/{name}")


def _moment(name: str, text: str) -> int:
    try:
        return micros(text)
    except ValueError as error:
        raise Refusal("not_an_event", f"{name} is {shown(text)}: {error}", f"/{name}") from None
