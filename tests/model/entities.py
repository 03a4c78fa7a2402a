"""Which message speaks for an entity: design.md, section 5, "Entity resolution".

An entity is everything said under one kind and id. What lives with a contract (rates with a contract, milestones,
invoices …) is an entity of that contract, and leave one of its person, as their journals are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Event = Mapping[str, Any]
Fields = dict[str, Any]

# The field that identifies an entity, by kind. Kinds the model does not know are left alone.
_ID_FIELDS = {
    "acknowledgement": "document_key",
    "assignment": "assignment_id",
    "client": "client_id",
    "contract": "contract_id",
    "credit": "credit_id",
    "demand": "demand_id",
    "dispute": "dispute_id",
    "estimate": "estimate_id",
    "expense": "expense_id",
    "fx": "on",
    "hold": "hold_id",
    "holiday": "holiday_id",
    "invoice": "invoice_id",
    "leave": "leave_id",
    "legal_entity": "legal_entity_id",
    "milestone": "milestone_id",
    "period": "period",
    "policy": "policy_id",
    "rate": "rate_id",
    "resource": "resource_id",
    "retainage": "release_id",
    "subcontract": "commitment_id",
    "time": "entry_id",
    "writeoff": "writeoff_id",
}
_KNOWN_BY = {
    "acknowledgement": ("document_key", "target"),
    "fx": ("from_currency", "to_currency", "on"),
    "period": ("legal_entity_id", "period"),
}
# These may move between contracts, so their messages are gathered whatever contract they name.
_MOVING = {"assignment", "demand", "expense", "time"}
# What does not live with a contract, and does not move either.
_HOMES = {"leave": "resource_id"}
# Who withdraws one of these need not say whose it is: that ends it in every contract that has it.
_ENDED_ANYWHERE = {"rate", "policy"}
# What these leave out is taken from the next lower revision (events.md, "Envelope").
_CANCELLING = {
    "assignment": {"cancelled"},
    "demand": {"filled", "cancelled"},
    "time": {"rejected", "reversed"},
    "expense": {"rejected"},
    "leave": {"cancelled"},
    "rate": {"withdrawn"},
    "policy": {"withdrawn"},
    "invoice": {"voided", "paid"},
}
# Types whose first word is not what they are about.
_KINDS = {
    ("invoice", "credited"): "credit",
    ("erp", "acknowledged"): "acknowledgement",
    ("erp", "window"): "window",
}


def kind_of(event: Event) -> str:
    """The entity's kind; a credit is an entity of its own although its type says `invoice`, and so on."""
    entity, happened = event["type"].split(".")[:2]
    return _KINDS.get((entity, happened), str(entity))


def happened(event: Event) -> str:
    """The past participle of the type: `approved`, `withdrawn` …"""
    return str(event["type"].split(".")[1])


def instant(text: str) -> datetime:
    """An RFC 3339 moment, comparable whatever its offset."""
    return datetime.fromisoformat(text)


def known_since(event: Event) -> datetime:
    """When the message counts as known: accepted, else recorded, else happened."""
    return instant(event.get("acceptedtime") or event.get("recordedtime") or event["time"])


def content_hash(event: Event) -> str:
    """SHA-256 over type and data in canonical JSON: what makes two copies the same."""
    content = {"type": event["type"], "data": event["data"]}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Entity:
    """All that is known of one entity. `revisions` holds the deciding message of each revision, lowest first."""

    kind: str
    id: str
    messages: tuple[Event, ...]
    revisions: tuple[Event, ...]

    @property
    def current(self) -> Event:
        return self.revisions[-1]

    @property
    def state(self) -> str:
        return happened(self.current)

    def fields(self) -> Fields:
        """The fields that hold now, those a cancelling message left out included."""
        return _resolved(self.kind, self.revisions)

    def folded(self) -> Fields:
        """The fields of every revision laid over each other in revision order (milestones)."""
        merged: Fields = {}
        for message in self.revisions:
            merged.update(message["data"])
        return merged


def gather(events: Iterable[Event]) -> list[Entity]:
    """The entities behind `events`, in order of kind and id."""
    messages: dict[tuple[str, str, str], list[Event]] = {}
    for event in events:
        kind = kind_of(event)
        if kind not in _ID_FIELDS:
            continue
        home = "" if kind in _MOVING else event["data"].get(_HOMES.get(kind, "contract_id")) or ""
        messages.setdefault((kind, _name(kind, event["data"]), home), []).append(event)
    for (kind, name, home), said in messages.items():
        if home and kind in _ENDED_ANYWHERE:
            said += [one for one in messages.get((kind, name, ""), ()) if happened(one) == "withdrawn"]
    return [
        Entity(kind, entity_id, tuple(said), tuple(_decide(said)))
        for (kind, entity_id, _), said in sorted(messages.items(), key=lambda item: item[0])
    ]


def _name(kind: str, data: Fields) -> str:
    """The id of the entity; some are known by several fields together."""
    return "/".join(str(data[name]) for name in _KNOWN_BY.get(kind, (_ID_FIELDS[kind],)))


def _decide(messages: Sequence[Event]) -> list[Event]:
    """One message per revision: of copies the smallest (time, content), of rivals the greatest (time, source, id)."""
    copies: dict[tuple[str, str], Event] = {}
    for message in sorted(messages, key=lambda one: (instant(one["time"]), content_hash(one))):
        copies.setdefault((message["source"], message["id"]), message)
    winners: dict[int, Event] = {}
    for message in sorted(copies.values(), key=lambda one: (instant(one["time"]), one["source"], one["id"])):
        winners[revision_of(message)] = message
    return [winners[revision] for revision in sorted(winners)]


def revision_of(event: Event) -> int:
    """The entity's revision; contracts call it `version`."""
    return int(event["data"]["version" if kind_of(event) == "contract" else "revision"])


def _resolved(kind: str, revisions: Sequence[Event]) -> Fields:
    *lower, last = revisions
    if happened(last) not in _CANCELLING.get(kind, set()) or not lower:
        return dict(last["data"])
    return _resolved(kind, lower) | dict(last["data"])
