"""Certinia PSA: timecards, milestones, assignments and expenses as change events of its `pse__` objects.

A timecard is a week of one person on one assignment; each of its days is an entry of ours, also one of no hours, so
that a day that was emptied is emptied here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Final

from app.adapters import cdc
from app.adapters.adapter import (
    Adapter,
    Body,
    Event,
    Instance,
    Received,
    Request,
    amount,
    by_key,
    mark,
    minutes_of_hours,
    say,
)
from app.adapters.cdc import Change, Object

NAME: Final = "certinia"
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TIMECARD: Final = ("pse__Project__c", "pse__Resource__c", "pse__Start_Date__c", "pse__Status__c")


def _timecard(instance: Instance, change: Change) -> Iterable[Event]:
    """Hours stand under the names of the days, from the card's first day on."""
    fields = change.fields
    if change.deleted:
        for name in _DAYS:  # whichever of them there were
            entry = f"{change.record_id}/{name}"
            gone = {"entry_id": entry, "revision": change.version}
            yield say(NAME, instance, "time.reversed", entry, change.version, change.at, gone)
        return
    kind = _time_kind(fields["pse__Status__c"], approved=bool(fields.get("pse__Approved__c")))
    first = date.fromisoformat(fields["pse__Start_Date__c"])
    for offset in range(7):
        day = first + timedelta(days=offset)
        name = _DAYS[day.weekday()]
        entry = f"{change.record_id}/{name}"
        data = {
            "entry_id": entry,
            "revision": change.version,
            "contract_id": instance.contract(fields["pse__Project__c"]),
            "resource_id": fields["pse__Resource__c"],
            "work_date": day.isoformat(),
            "minutes": minutes_of_hours(fields.get(f"pse__{name}_Hours__c") or 0),
            "billable": bool(fields.get("pse__Billable__c", True)),
            "narrative": fields.get(f"pse__{name}_Notes__c"),
            "role": fields.get("pse__Role__c"),
        }
        yield say(NAME, instance, kind, entry, change.version, change.at, data)


def _time_kind(status: str, *, approved: bool) -> str:
    if approved or status == "Approved":
        return "time.approved"
    return "time.rejected" if status == "Rejected" else "time.submitted"


def _milestone(instance: Instance, change: Change) -> Iterable[Event]:
    fields = change.fields
    status = "cancelled" if change.deleted else _MILESTONES.get(fields["pse__Status__c"], "planned")
    if not change.deleted and fields.get("pse__Approved__c"):
        status = "accepted"
    data: dict[str, Any] = {
        "milestone_id": change.record_id,
        "revision": change.version,
        "contract_id": instance.contract(fields.get("pse__Project__c") or change.record_id),
    }
    if not change.deleted:
        data |= {
            "amount": amount(fields["pse__Milestone_Amount__c"]),
            "name": fields.get("Name"),
            "due_on": fields.get("pse__Target_Date__c"),
            "completed_on": fields.get("pse__Actual_Date__c"),
            "accepted_on": fields.get("pse__Actual_Date__c") if status == "accepted" else None,
        }
    yield say(NAME, instance, f"milestone.{status}", change.record_id, change.version, change.at, data)


_MILESTONES: Final = {"Planned": "planned", "Open": "planned", "Complete": "completed", "Cancelled": "cancelled"}


def _assignment(instance: Instance, change: Change) -> Iterable[Event]:
    fields = change.fields
    data: dict[str, Any] = {"assignment_id": change.record_id, "revision": change.version}
    if not change.deleted:
        data |= {
            "resource_id": fields["pse__Resource__c"],
            "contract_id": instance.contract(fields["pse__Project__c"]),
            "from": fields["pse__Start_Date__c"],
            "to": fields["pse__End_Date__c"],
            "minutes_total": minutes_of_hours(fields["pse__Planned_Hours__c"]),
            "role": fields.get("pse__Role__c"),
            "billable": bool(fields.get("pse__Is_Billable__c", True)),
        }
    kind = "assignment.cancelled" if change.deleted else "assignment.booked"
    yield say(NAME, instance, kind, change.record_id, change.version, change.at, data)


def _expense(instance: Instance, change: Change) -> Iterable[Event]:
    fields = change.fields
    approved = not change.deleted and bool(fields["pse__Approved__c"])
    data: dict[str, Any] = {"expense_id": change.record_id, "revision": change.version}
    if not change.deleted:
        data |= {
            "contract_id": instance.contract(fields["pse__Project__c"]),
            "date": fields["pse__Expense_Date__c"],
            "net": {"amount": amount(fields["pse__Amount__c"]), "currency": fields["CurrencyIsoCode"]},
            "category": fields.get("pse__Type__c"),
            "billable": bool(fields.get("pse__Billable__c", True)),
            "resource_id": fields.get("pse__Resource__c"),
        }
    kind = "expense.approved" if approved else "expense.rejected"
    yield say(NAME, instance, kind, change.record_id, change.version, change.at, data)


OBJECTS: Final[Mapping[str, Object]] = {
    "pse__Timecard_Header__c": Object(_TIMECARD, _timecard),
    "pse__Milestone__c": Object(("pse__Project__c", "pse__Milestone_Amount__c", "pse__Status__c"), _milestone),
    "pse__Assignment__c": Object(
        ("pse__Resource__c", "pse__Project__c", "pse__Start_Date__c", "pse__End_Date__c", "pse__Planned_Hours__c"),
        _assignment,
    ),
    "pse__Expense__c": Object(
        ("pse__Project__c", "pse__Expense_Date__c", "pse__Amount__c", "pse__Approved__c", "CurrencyIsoCode"), _expense
    ),
}


def _read(instance: Instance, body: Any) -> Received:
    return cdc.read(OBJECTS, instance, body)


def _write(instance: Instance, document: Body) -> Request | None:
    """A billing event that waits for its release, upserted by our mark."""
    if not document.get("type", "").startswith("billing.proposed"):
        return None
    body = {
        "pse__Status__c": "Draft",
        "pse__Amount__c": document["total"],
        "CurrencyIsoCode": document["currency"],
        "pse__Customer_Purchase_Order__c": (document.get("purchase_order") or {}).get("number"),
    }
    path = f"/services/data/v61.0/sobjects/pse__Billing_Event__c/Headrace_Key__c/{mark(document)}"
    return Request("PATCH", path, {"Sforce-Call-Options": "client=headrace"}, body)


ADAPTER: Final = Adapter(NAME, by_key, _read, _write)
