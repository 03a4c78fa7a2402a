"""Dynamics 365 Project Operations: Dataverse messages about time entries and milestones; business events of Finance.

Dataverse sends the context of an operation as JSON, without a signature: the key is one that was agreed on. Finance's
business events say that something happened and carry little more; they are asked for, never taken as data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.adapters.adapter import (
    Adapter,
    Body,
    Event,
    Instance,
    Received,
    Request,
    Unmapped,
    Want,
    amount,
    by_key,
    mark,
    millis,
    need,
    say,
    text,
)
from app.events.cloudevents import timestamp

NAME: Final = "dynamics365"
_STATUS: Final = {
    192350000: "time.submitted",  # draft: planned work that nobody approved
    192350001: "time.rejected",  # returned
    192350002: "time.approved",
    192350003: "time.submitted",
    192350004: "time.submitted",  # a recall was requested
}
_MILESTONES: Final = {192350000: "planned", 192350001: "accepted", 192350002: "accepted"}
_TIME: Final = ("msdyn_date", "msdyn_duration", "msdyn_bookableresource", "msdyn_project", "msdyn_entrystatus")
_MILESTONE: Final = ("msdyn_amount", "msdyn_invoicestatus", "msdyn_contractline")


def _read(instance: Instance, body: Any) -> Received:
    if isinstance(body, Mapping) and "BusinessEventId" in body:
        return _business_event(body)
    entity, message = need(body, "PrimaryEntityName"), need(body, "MessageName")
    record = text(need(body, "PrimaryEntityId"))
    if text(body.get("InitiatingUserId")) in instance.own:
        return Received(dropped=[f"{entity} {record}: our own change"])
    mapped = {"msdyn_timeentry": (_TIME, _time), "msdyn_contractlinescheduleofvalue": (_MILESTONE, _milestone)}
    if entity not in mapped:
        return Received(dropped=[f"{entity} is not mapped"])
    wanted, make = mapped[entity]
    at = _operation(need(body, "OperationCreatedOn"))
    if message == "Delete":
        return Received([make(instance, record, at, None)])
    values = _attributes(body)
    missing = [name for name in wanted if values.get(name) is None]
    if missing:
        return Received(wants=[Want(entity, (record,), f"{message} carries no {', '.join(missing)}")])
    return Received([make(instance, record, at, values)])


def _business_event(body: Mapping[str, Any]) -> Received:
    known = text(need(body, "BusinessEventId"))
    keys = tuple(text(value) for name, value in sorted(body.items()) if name.endswith(("Id", "Number")) and value)
    return Received(wants=[Want(known, keys, "a business event is a notification, not the data")])


def _attributes(body: Any) -> dict[str, Any]:
    """The record after the operation: its image, and over it what the request set."""
    values: dict[str, Any] = {}
    for image in body.get("PostEntityImages") or ():
        values |= _pairs(need(image, "value"))
    for given in body.get("InputParameters") or ():
        if given.get("key") == "Target":
            values |= _pairs(need(given, "value"))
    return values


def _pairs(record: Any) -> dict[str, Any]:
    found = {}
    for pair in record.get("Attributes") or ():
        value = pair.get("value")
        if isinstance(value, Mapping):  # a reference has an id, an option and money a value
            value = value.get("Id", value.get("Value"))
        found[need(pair, "key")] = value
    return found


def _operation(said: Any) -> int:
    """Microseconds of `/Date(milliseconds)/`, as Dataverse writes instants."""
    digits = str(said).removeprefix("/Date(").removesuffix(")/").partition("+")[0]
    if not digits.isdigit():
        raise Unmapped(f"OperationCreatedOn is {said!r}, not /Date(milliseconds)/", "/OperationCreatedOn")
    return int(digits) * 1_000


def _day(value: Any) -> str:
    """A business date, whichever way Dataverse wrote it."""
    said = str(value)
    if not said.startswith("/Date("):
        return said[:10]
    return timestamp(_operation(said))[:10]


def _time(instance: Instance, record: str, at: int, values: Mapping[str, Any] | None) -> Event:
    data: dict[str, Any] = {"entry_id": record, "revision": millis(at)}
    if values is None:
        return say(NAME, instance, "time.reversed", record, millis(at), at, data)
    status = values["msdyn_entrystatus"]
    if status not in _STATUS:
        raise Unmapped(f"msdyn_entrystatus is {status!r}, none of {', '.join(map(str, _STATUS))}")
    data |= {
        "contract_id": instance.contract(text(values["msdyn_project"])),
        "resource_id": text(values["msdyn_bookableresource"]),
        "work_date": _day(values["msdyn_date"]),
        "minutes": int(values["msdyn_duration"]),
        "role": values.get("msdyn_resourcecategory"),
        "narrative": values.get("msdyn_externaldescription"),
    }
    return say(NAME, instance, _STATUS[status], record, millis(at), at, data)


def _milestone(instance: Instance, record: str, at: int, values: Mapping[str, Any] | None) -> Event:
    if values is None:
        data = {"milestone_id": record, "revision": millis(at), "contract_id": instance.contract(record)}
        return say(NAME, instance, "milestone.cancelled", record, millis(at), at, data)
    status = _MILESTONES.get(values["msdyn_invoicestatus"], "planned")
    data = {
        "milestone_id": record,
        "revision": millis(at),
        "contract_id": instance.contract(text(values["msdyn_contractline"])),
        "amount": amount(values["msdyn_amount"]),
        "name": values.get("msdyn_name"),
        "due_on": _day(values["msdyn_invoicedate"]) if values.get("msdyn_invoicedate") else None,
    }
    return say(NAME, instance, f"milestone.{status}", record, millis(at), at, data)


def _write(instance: Instance, document: Body) -> Request | None:
    """An invoice proposal, upserted by an alternate key that holds our mark."""
    if not document.get("type", "").startswith("billing.proposed"):
        return None
    body = {
        "name": document["document_key"],
        "totalamount": document["total"],
        "transactioncurrencycode": document["currency"],
        "msdyn_customerreference": (document.get("purchase_order") or {}).get("number"),
        "hr_lines": [
            {"hr_ref": f"{line['kind']}:{line['id']}", "priceperunit": line["amount"]} for line in document["lines"]
        ],
    }
    key = mark(document).replace("'", "''")
    return Request("PATCH", f"/api/data/v9.2/invoices(hr_key='{key}')", {"If-None-Match": "null"}, body)


ADAPTER: Final = Adapter(NAME, by_key, _read, _write)
