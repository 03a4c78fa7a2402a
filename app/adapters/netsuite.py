"""NetSuite: time bills and invoices as records that a script pushes; documents go in as invoices, upserted by external
id.

The record API's idempotency header counts for asynchronous requests only, so the external id is what makes a repeat
harmless.
"""

from __future__ import annotations

from typing import Any, Final

from app.adapters.adapter import (
    Adapter,
    Body,
    Event,
    Instance,
    Received,
    Request,
    Unmapped,
    acknowledged,
    amount,
    by_key,
    instant,
    mark,
    marked,
    millis,
    minutes_of_hours,
    need,
    say,
    text,
)

NAME: Final = "netsuite"
_APPROVAL: Final = {"1": "time.submitted", "2": "time.submitted", "3": "time.approved", "4": "time.rejected"}
"""Approval status of a time bill: open, pending, approved, rejected."""


def _read(instance: Instance, body: Any) -> Received:
    kind = need(body, "recordType")
    if str(body.get("lastModifiedBy", {}).get("id")) in instance.own and kind != "invoice":
        return Received(dropped=[f"{kind} {body.get('id')}: our own change"])
    if kind == "timeBill":
        return Received([_time(instance, body)])
    if kind == "invoice":
        return _invoice(instance, body)
    return Received(dropped=[f"{kind} is not mapped"])


def _time(instance: Instance, body: Any) -> Event:
    at = instant(need(body, "lastModifiedDate"))
    native = text(need(body, "id"))
    status = text((body.get("approvalStatus") or {}).get("id", "1"))
    data: dict[str, Any] = {"entry_id": native, "revision": millis(at)}
    deleted = bool(body.get("deleted"))
    if not deleted:
        data |= {
            "contract_id": instance.contract(text(need(body, "customer", "id"))),
            "resource_id": text(need(body, "employee", "id")),
            "work_date": need(body, "tranDate"),
            "minutes": minutes_of_hours(need(body, "hours")),
            "billable": bool(body.get("isBillable", True)),
            "narrative": body.get("memo"),
        }
    if status not in _APPROVAL:
        raise Unmapped(f"approvalStatus is {status!r}, none of {', '.join(_APPROVAL)}", "/approvalStatus/id")
    event = "time.reversed" if deleted else _APPROVAL[status]
    return say(NAME, instance, event, native, millis(at), at, data)


def _invoice(instance: Instance, body: Any) -> Received:
    """An invoice of ours is an acknowledgement and the invoice itself; one that somebody else made is not about us."""
    document = marked(body.get("externalId"))
    if document is None:
        return Received(dropped=[f"invoice {body.get('id')} has no external id of ours"])
    at = instant(need(body, "lastModifiedDate"))
    native = text(need(body, "id"))
    told = acknowledged(NAME, instance, document, at, target=NAME, erp_id=native, reason=None)
    lines = [_line(line) for line in need(body, "item", "items")]
    kind = {"VOID": "invoice.voided", "PAID": "invoice.paid"}.get(str(body.get("status", {}).get("id")).upper())
    data = {
        "invoice_id": native,
        "revision": millis(at),
        "contract_id": told["data"]["contract_id"],
        "lines": lines,
        "invoiced_on": body.get("tranDate"),
    }
    return Received([told, say(NAME, instance, kind or "invoice.issued", native, millis(at), at, data)])


def _line(line: Any) -> Event:
    kind, _, name = str(need(line, "custcol_headrace_ref")).partition(":")
    return {"kind": kind, "id": name, "amount": amount(need(line, "amount"))}


def _write(instance: Instance, document: Body) -> Request | None:
    if not document.get("type", "").startswith("billing.proposed"):
        return None
    items = [
        {
            "amount": line["amount"],
            "description": f"{line['kind']} {line['id']}",
            "custcol_headrace_ref": f"{line['kind']}:{line['id']}",
        }
        for line in document["lines"]
    ]
    body = {
        "externalId": mark(document),
        "entity": {"id": document["client_id"]},
        "subsidiary": {"id": document.get("legal_entity_id")},
        "currency": {"refName": document["currency"]},
        "otherRefNum": (document.get("purchase_order") or {}).get("number"),
        "item": {"items": items},
    }
    return Request("PUT", f"/services/rest/record/v1/invoice/eid:{mark(document)}", {"Prefer": "respond-sync"}, body)


ADAPTER: Final = Adapter(NAME, by_key, _read, _write)
