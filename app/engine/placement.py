"""Where an event that comes in belongs: which input topic, which partition, with which key. The same for every host."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.events.catalogue import TYPES
from app.events.reader import Accepted, Reader
from app.events.refusal import Refusal

_TYPE_SAID = re.compile(rb'"type"\s*:\s*"(\w+)\.')
_TOPIC_OF_KIND = {known.kind.encode(): known.topic for known in TYPES.values()}


class Placement(NamedTuple):
    """`key` decides the partition; None for a record that cannot be read. Either `accepted` or `refusal` is there."""

    topic: str
    key: str | None
    accepted: Accepted | None
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one event on its way in, and where it stands now."""

    topic: str
    partition: int
    offset: int
    accepted: Accepted | None
    refusal: Refusal | None


def placed(reader: Reader, line: bytes, headers: Sequence[tuple[str, bytes]] = ()) -> Placement:
    """Read the event to know where it belongs; what cannot be read has a topic all the same, and ends in its dead
    letters."""
    try:
        accepted = reader.read(line, headers)
    except Refusal as refusal:
        return Placement(likely_topic(line, headers), None, None, refusal)
    fact = accepted.fact
    return Placement(TYPES[fact.type].topic, accepted.key or fact.entity, accepted, None)


def likely_topic(line: bytes, headers: Sequence[tuple[str, bytes]] = ()) -> str:
    """The input topic that a record is probably meant for, read or not: agents take every type from every topic."""
    named = dict(headers).get("ce_type")
    found = _TYPE_SAID.search(line) if named is None else None
    kind = found[1] if found else (named or b"").partition(b".")[0]
    return _TOPIC_OF_KIND.get(kind, "reference")
