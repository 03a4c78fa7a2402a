"""Salesforce: accounts, contracts and opportunities, as change events; burn and readiness written back to the account.

An opportunity is demand for people before there is a contract. Fields that end in `__c` are custom: a firm has them
under these names, or names them so in its flow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from app.adapters import cdc
from app.adapters.adapter import Adapter, Body, Event, Instance, Received, Request, by_key, minutes_of_hours, say
from app.adapters.cdc import Change, Object

NAME: Final = "salesforce"
_ENDED: Final = {"Closed Lost": "demand.cancelled", "Closed Won": "demand.filled"}


def _account(instance: Instance, change: Change) -> Iterable[Event]:
    """A deleted account stays a client: invoices may name it."""
    if not change.deleted:
        fields = change.fields
        data = {
            "client_id": change.record_id,
            "revision": change.version,
            "name": fields["Name"],
            "tax_id": fields.get("Tax_Id__c"),
            "erp_customer_id": fields.get("ERP_Customer_Id__c"),
        }
        yield say(NAME, instance, "client.upserted", change.record_id, change.version, change.at, data)


def _opportunity(instance: Instance, change: Change) -> Iterable[Event]:
    fields = change.fields
    kind = "demand.cancelled" if change.deleted else _ENDED.get(fields["StageName"], "demand.opened")
    data: dict[str, Any] = {"demand_id": change.record_id, "revision": change.version}
    if not change.deleted:
        data |= {
            "role": fields["Role__c"],
            "from": fields["Start_Date__c"],
            "to": fields["End_Date__c"],
            "minutes_per_week": minutes_of_hours(fields["Hours_per_Week__c"]),
            "practice": fields.get("Practice__c"),
            "probability_ratio": _ratio(fields.get("Probability")),
            "opportunity_id": change.record_id,
        }
    yield say(NAME, instance, kind, change.record_id, change.version, change.at, data)


def _ratio(percent: Any) -> str | None:
    """0 to 100 as 0 to 1, exact.

    >>> _ratio(75)
    '0.75'
    """
    return None if percent is None else format(Decimal(str(percent)) / 100, "f")


def _contract(instance: Instance, change: Change) -> Iterable[Event]:
    """Only an activated contract is one; its version is the firm's, counted by each approval."""
    fields = change.fields
    if change.deleted or fields["Status"] != "Activated":
        return
    line = {"line_id": "1", "billing_method": fields.get("Billing_Method__c") or "time_and_materials"}
    data = {
        "contract_id": instance.contract(change.record_id),
        "version": int(fields["Version__c"]),
        "client_id": fields["AccountId"],
        "currency": fields["CurrencyIsoCode"],
        "effective_from": fields["StartDate"],
        "term": {"from": fields["StartDate"], **({"to": fields["EndDate"]} if fields.get("EndDate") else {})},
        "name": fields.get("ContractNumber"),
        "lines": [line],
    }
    yield say(NAME, instance, "contract.approved", change.record_id, change.version, change.at, data)


OBJECTS: Final[Mapping[str, Object]] = {
    "Account": Object(("Name",), _account),
    "Opportunity": Object(
        ("StageName", "Role__c", "Start_Date__c", "End_Date__c", "Hours_per_Week__c", "Probability"), _opportunity
    ),
    "Contract": Object(("Status", "AccountId", "StartDate", "CurrencyIsoCode", "Version__c"), _contract),
}


def _read(instance: Instance, body: Any) -> Received:
    return cdc.read(OBJECTS, instance, body)


def _write(instance: Instance, document: Body) -> Request | None:
    """Readiness and burn as fields of the contract's record; documents are not Salesforce's."""
    kind = document.get("type", "")
    if not kind.startswith(("readiness.updated", "burn.updated")) or document.get("line_id") is not None:
        return None
    if kind.startswith("readiness"):
        fields = {name: document[part] for name, part in _READINESS.items()}
    else:
        fields = {"Burn_Ratio__c": document["ratio"]["amount"], "Burn_As_Of__c": document["as_of"]}
    path = f"/services/data/v61.0/sobjects/Contract/Headrace_Contract_Id__c/{document['contract_id']}"
    return Request("PATCH", path, {"Sforce-Call-Options": "client=headrace"}, fields)


_READINESS: Final = {
    "Readiness__c": "state",
    "Ready_Amount__c": "ready_amount",
    "Blocked_Amount__c": "blocked_amount",
    "Readiness_As_Of__c": "as_of",
}

ADAPTER: Final = Adapter(NAME, by_key, _read, _write)
