"""SAP S/4HANA Cloud: business events, which are CloudEvents already, and billing documents.

An event names its object by key and carries little else, so the object is to be fetched; the document that comes back,
as the billing API gives it, is what is mapped. A billing request goes in with our mark as its reference.
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
    Want,
    acknowledged,
    amount,
    by_key,
    instant,
    mark,
    marked,
    millis,
    need,
    say,
    text,
)

NAME: Final = "sap"
REFERENCE: Final = "YY1_HeadraceRef"
"""The custom field that holds our mark, in the request and in the document: the standard ones are too short."""
_KEYS: Final = {
    "salescontract": "SalesContract",
    "billingdocument": "BillingDocument",
    "billingdocumentrequest": "BillingDocumentRequest",
    "businesspartner": "BusinessPartner",
}


def _read(instance: Instance, body: Any) -> Received:
    if isinstance(body, Mapping) and "specversion" in body:
        return _event(instance, body)
    if isinstance(body, Mapping) and "BillingDocument" in body:
        return _document(instance, body)
    if isinstance(body, Mapping) and "BusinessPartner" in body:
        return Received([_partner(instance, body)])
    need(body, "specversion")
    return Received()


def _event(instance: Instance, body: Mapping[str, Any]) -> Received:
    kind, source = text(need(body, "type")), text(need(body, "source"))
    if source.startswith("/headrace") or source in instance.own:
        return Received(dropped=[f"{kind} of {source}: our own event"])
    words = kind.removeprefix("sap.s4.beh.").split(".")
    key = _KEYS.get(words[0])
    if key is None:
        return Received(dropped=[f"{kind} is not mapped"])
    return Received(wants=[Want(key, (text(need(body, "data", key)),), f"{words[-2]} carries the key only")])


def _document(instance: Instance, body: Mapping[str, Any]) -> Received:
    """A billing document of ours acknowledges its request; cancelled, it voids the invoice."""
    document = marked(body.get(f"{REFERENCE}_BDH"))
    native = text(need(body, "BillingDocument"))
    if document is None:
        return Received(dropped=[f"billing document {native} has no reference of ours"])
    at = instant(need(body, "LastChangeDateTime"))
    told = acknowledged(NAME, instance, document, at, target=NAME, erp_id=native, reason=None)
    data: Event = {
        "invoice_id": native,
        "revision": millis(at),
        "contract_id": told["data"]["contract_id"],
        "lines": [_line(item) for item in need(body, "to_Item", "results")],
        "invoiced_on": body.get("BillingDocumentDate"),
    }
    kind = "invoice.voided" if body.get("BillingDocumentIsCancelled") else "invoice.issued"
    return Received([told, say(NAME, instance, kind, native, millis(at), at, data)])


def _line(item: Any) -> Event:
    kind, _, name = text(need(item, "BillingDocumentItemText")).partition(":")
    return {"kind": kind, "id": name, "amount": amount(need(item, "NetAmount"))}


def _partner(instance: Instance, body: Mapping[str, Any]) -> Event:
    at = instant(need(body, "LastChangeDateTime"))
    native = text(body["BusinessPartner"])
    data = {
        "client_id": native,
        "revision": millis(at),
        "name": body.get("BusinessPartnerFullName"),
        "tax_id": body.get("BPTaxNumber"),
        "erp_customer_id": body.get("Customer") or None,
    }
    return say(NAME, instance, "client.upserted", native, millis(at), at, data)


def _write(instance: Instance, document: Body) -> Request | None:
    if not document.get("type", "").startswith("billing.proposed"):
        return None
    items = [
        {"BillingDocumentItemText": f"{line['kind']}:{line['id']}", "NetAmount": line["amount"]}
        for line in document["lines"]
    ]
    body = {
        "SoldToParty": document["client_id"],
        "CompanyCode": document.get("legal_entity_id"),
        "TransactionCurrency": document["currency"],
        "PurchaseOrderByCustomer": (document.get("purchase_order") or {}).get("number"),
        f"{REFERENCE}_BDR": mark(document),
        "to_Item": items,
    }
    path = "/sap/opu/odata/sap/API_BILLING_DOCUMENT_REQUEST_SRV/A_BillingDocumentRequest"
    return Request("POST", path, {"RequestID": mark(document)}, body)


ADAPTER: Final = Adapter(NAME, by_key, _read, _write)
