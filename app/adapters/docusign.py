"""DocuSign: a contract is approved or amended when the envelope that holds it is signed by all.

Connect sends one message per event and signs the body with each key in use; a message may come many times. The terms
come in a text field of the envelope, filled when the document is generated; without it the record is to be fetched
from where contracts are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.adapters.adapter import (
    Adapter,
    Body,
    Instance,
    Received,
    Request,
    Unmapped,
    Want,
    by_base64_digest,
    instant,
    millis,
    need,
    parse,
    say,
)

NAME: Final = "docusign"
TERMS: Final = "headrace_contract"
"""The envelope's text field with the terms: the data of contract.approved or contract.amended, as JSON."""


def _read(instance: Instance, body: Any) -> Received:
    event = need(body, "event")
    if event != "envelope-completed":
        return Received(dropped=[f"{event}: only what everybody signed is a contract"])
    envelope = need(body, "data", "envelopeId")
    summary = need(body, "data").get("envelopeSummary") or {}
    fields = {
        field["name"]: field["value"]
        for field in (summary.get("customFields") or {}).get("textCustomFields") or ()
        if field.get("value")
    }
    if TERMS not in fields:
        return Received(wants=[Want("envelope", (envelope,), f"it has no text field {TERMS} with the terms")])
    terms = parse(fields[TERMS].encode())
    if not isinstance(terms, Mapping):
        raise Unmapped(f"the text field {TERMS} must be a JSON object", "/data/envelopeSummary/customFields")
    at = instant(summary.get("completedDateTime") or need(body, "generatedDateTime"))
    kind = "contract.amended" if terms.get("amendment_id") else "contract.approved"
    return Received([say(NAME, instance, kind, envelope, millis(at), at, _plain(terms), cause=envelope)])


def _plain(value: Any) -> Any:
    """The terms with decimals as the strings that our events have."""
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value if isinstance(value, str | int | None) else str(value)


def _write(instance: Instance, document: Body) -> Request | None:
    """Nothing goes to what signs: it has no place for what became of a contract."""
    return None


ADAPTER: Final = Adapter(NAME, by_base64_digest("x-docusign-signature-"), _read, _write)
