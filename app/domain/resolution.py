"""Which of the messages about one entity counts: order, repetition and lateness must not matter.

Rules (the product's own): a *copy* is a message with a (source, id) already seen; of copies that differ the one with
the smaller (time, content hash) counts. Of several messages for one revision the greatest (time, source, id) counts.
The highest revision decides. Nobody is dropped: a late message may bring a loser back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec


class Message(Protocol):
    """What resolution needs to know of a message; instants in microseconds."""

    type: str
    revision: int
    source: str
    id: str
    time: int
    recorded: int
    accepted: int
    correlation: str | None
    causation: str | None
    data: Any


M = TypeVar("M", bound=Message)


def name_of(message: Message) -> str:
    """A message as evidence names it."""
    return f"{message.source}#{message.id}"


# These say only that something ended; what they leave out is taken from the next lower revision.
CANCELLING = frozenset(
    {
        "time.rejected.v1",
        "time.reversed.v1",
        "expense.rejected.v1",
        "leave.cancelled.v1",
        "assignment.cancelled.v1",
        "demand.filled.v1",
        "demand.cancelled.v1",
        "rate.withdrawn.v1",
        "holiday.removed.v1",
        "invoice.voided.v1",
        "invoice.paid.v1",
        "hold.cleared.v1",
        "dispute.resolved.v1",
    }
)


def is_news(told: dict[str, int], name: str, n: int) -> bool:
    """Whether the `n`th resolution of an entity is none that a later one replaced; it is remembered in `told` then.

    A worker that is stopped while it sends is heard after its successor, who has resolved more by then. The same
    resolution may come again and again.

    >>> told = {}
    >>> is_news(told, "TE-1", 2), is_news(told, "TE-1", 1), is_news(told, "TE-1", 2), told
    (True, False, True, {'TE-1': 2})
    """
    if n < told.get(name, 0):
        return False
    told[name] = n
    return True


class Conflict(NamedTuple):
    """Two messages that cannot both be true: same copy or same revision, other content."""

    revision: int
    messages: tuple[Message, ...]


def content(message: Message) -> bytes:
    """The canonical form of what a message says: type and data, members sorted."""
    said = {"type": message.type, "data": json.loads(bytes(message.data))}
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _same(one: Message, other: Message) -> bool:
    if one.type != other.type:
        return False
    return bytes(one.data) == bytes(other.data) or content(one) == content(other)


def insert(messages: list[M], new: M) -> bool:
    """Keep `new` among the `messages` of its entity; False if it says nothing that was not there.

    A repetition may differ in form and in what a courier wrote on it. What is kept then is the same whichever came
    first: the earliest moments, the smaller bytes, the greater correlation and causation ids.
    """
    for known in messages:
        if known.id == new.id and known.source == new.source and known.time == new.time and _same(known, new):
            known.accepted = min(known.accepted, new.accepted)
            known.recorded = min(known.recorded, new.recorded)
            known.data = min(known.data, new.data, key=bytes)
            known.correlation = max(known.correlation or "", new.correlation or "") or None
            known.causation = max(known.causation or "", new.causation or "") or None
            return False
    messages.append(new)
    messages.sort(key=_order)
    return True


def _order(message: Message) -> tuple[int, int, str, str, bytes]:
    return message.revision, message.time, message.source, message.id, bytes(message.data)


def counting(messages: Sequence[M]) -> list[M]:
    """One message for each revision, lowest revision first: the ones that count."""
    if len(messages) == 1:
        return list(messages)
    copies: dict[tuple[str, str], M] = {}
    for message in messages:
        known = copies.setdefault((message.source, message.id), message)
        if known is not message and _before(message, known):
            copies[message.source, message.id] = message
    best: dict[int, M] = {}
    for message in copies.values():
        known = best.setdefault(message.revision, message)
        if (message.time, message.source, message.id) > (known.time, known.source, known.id):
            best[message.revision] = message
    return [best[revision] for revision in sorted(best)]


def _before(one: Message, other: Message) -> bool:
    if one.time != other.time:
        return one.time < other.time
    return hashlib.sha256(content(one)).digest() < hashlib.sha256(content(other)).digest()


def current(messages: Sequence[M]) -> M:
    """The message that decides."""
    return counting(messages)[-1]


def effective(messages: Sequence[M]) -> tuple[M, dict[str, Any]]:
    """The deciding message and what it says, with what a cancelling one leaves out taken from below."""
    chain = counting(messages)
    said: dict[str, Any] = msgspec.json.decode(chain[-1].data)
    for upper, lower in zip(reversed(chain), reversed(chain[:-1]), strict=False):
        if upper.type not in CANCELLING:
            break
        for name, value in msgspec.json.decode(lower.data).items():
            if said.get(name) is None:
                said[name] = value
    return chain[-1], said


def folded(messages: Sequence[M]) -> tuple[M, dict[str, Any]]:
    """The deciding message and every field, later revisions over earlier ones (milestones carry only what changes)."""
    chain = counting(messages)
    said: dict[str, Any] = {}
    for message in chain:
        said.update({k: v for k, v in msgspec.json.decode(message.data).items() if v is not None})
    return chain[-1], said


def conflicts(messages: Sequence[M]) -> list[Conflict]:
    """Copies or revisions whose contents differ, lowest revision first."""
    if len(messages) < 2:
        return []
    found: dict[int, list[Message]] = {}
    for place, one in enumerate(messages):
        for other in messages[place + 1 :]:
            copy = one.source == other.source and one.id == other.id
            if (copy or one.revision == other.revision) and not _same(one, other):
                found.setdefault(min(one.revision, other.revision), []).extend((one, other))
    return [Conflict(revision, tuple(_distinct(found[revision]))) for revision in sorted(found)]


def _distinct(messages: Iterable[Message]) -> list[Message]:
    once = {id(message): message for message in messages}
    return sorted(once.values(), key=_order)
