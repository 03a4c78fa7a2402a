"""Salesforce's change events: the envelope that Salesforce and Certinia share.

One event may be about several records, carries only the fields that changed, and may have no fields at all (a gap).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from app.adapters.adapter import Event, Instance, Received, Unmapped, Want, instant, need

_CHANGED: Final = ("CREATE", "UPDATE", "UNDELETE")


class Change(NamedTuple):
    """One record as it is now. `version` grows with every change: milliseconds of the commit, then its place there."""

    record_id: str
    fields: Mapping[str, Any]
    version: int
    at: int
    deleted: bool


class Object(NamedTuple):
    """How one object is mapped; `fields` are those without which a record says too little."""

    fields: tuple[str, ...]
    map: Callable[[Instance, Change], Iterable[Event]]


def read(objects: Mapping[str, Object], instance: Instance, body: Any) -> Received:
    """A change event, or a record as the REST API gives it (with `attributes`): that is what a snapshot is."""
    if isinstance(body, Mapping) and "attributes" in body:
        return _record(objects, instance, body)
    payload = need(body, "payload") if isinstance(body, Mapping) and "payload" in body else body
    header = need(payload, "ChangeEventHeader")
    entity, kind = need(header, "entityName"), need(header, "changeType")
    known = objects.get(entity)
    if known is None:
        return Received(dropped=[f"{entity} is not mapped"])
    if _ours(instance, header):
        return Received(dropped=[f"{entity}: our own change, by {header.get('changeOrigin')}"])
    ids = tuple(header.get("recordIds") or ())
    if kind.startswith("GAP"):
        told = () if kind == "GAP_OVERFLOW" else ids
        return Received(wants=[Want(entity, told, f"{kind} carries no fields")])
    version, at = _version(need(header, "commitTimestamp"), header.get("sequenceNumber") or 1)
    if kind == "DELETE":
        changes = [Change(one, {}, version, at, True) for one in ids]
        return Received([event for change in changes for event in known.map(instance, change)])
    if kind not in _CHANGED:
        raise Unmapped(f"changeType {kind!r} is none of CREATE, UPDATE, DELETE, UNDELETE, GAP_…", "/ChangeEventHeader")
    fields = {name: value for name, value in payload.items() if name != "ChangeEventHeader"}
    if not set(known.fields) <= set(fields):
        missing = ", ".join(sorted(set(known.fields) - set(fields)))
        return Received(wants=[Want(entity, ids, f"{kind} carries only what changed, not {missing}")])
    changes = [Change(one, fields, version, at, False) for one in ids]
    return Received([event for change in changes for event in known.map(instance, change)])


def _record(objects: Mapping[str, Object], instance: Instance, body: Mapping[str, Any]) -> Received:
    entity = need(body, "attributes", "type")
    known = objects.get(entity)
    if known is None:
        return Received(dropped=[f"{entity} is not mapped"])
    at = instant(need(body, "SystemModstamp"))
    version, _ = _version(at // 1_000, 0)
    change = Change(need(body, "Id"), body, version, at, bool(body.get("IsDeleted")))
    return Received(list(known.map(instance, change)))


def _version(commit: int, sequence: int) -> tuple[int, int]:
    return commit * 100 + min(sequence, 99), commit * 1_000


def _ours(instance: Instance, header: Mapping[str, Any]) -> bool:
    """Whether we made the change: by the client named in its origin, or by the user who committed."""
    client = str(header.get("changeOrigin") or "").rpartition("client=")[2]
    return bool(instance.own & {client, str(header.get("commitUser"))})
