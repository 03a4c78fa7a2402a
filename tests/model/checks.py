"""The checks of readiness that a policy turns on: docs/readiness.md; domain.md 2.8."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from fractions import Fraction

from .caps import Claim
from .dossier import Dossier
from .entities import Fields
from .numbers import number
from .order_use import drawn
from .papers import NARRATIVE_MISSING, lacks_narrative
from .terms import Terms

BLOCKING = "blocking"
_OWN_TIER = {"LEGAL_ENTITY_MISMATCH": "critical", "PERIOD_CLOSED": "held"}
_LATE_DAYS = 7
_JURISDICTION = re.compile(r"[A-Z]{2}(-[A-Z0-9]+)?")


def tier_of(code: str, policy: Fields) -> str:
    """How much a failed check matters: with `blocking` each stops in its own way, with `warning` it points out."""
    return _OWN_TIER.get(code, BLOCKING) if policy["action"] == BLOCKING else "warning"


def failed_of_contract(dossier: Dossier, total: Fraction) -> Iterator[tuple[str, int]]:
    """(code, how many) of every check that fails for the contract as a whole; `total` is what would be ready."""
    if dossier.terms is None:
        return
    found = {
        "PO_EXPIRED": _order_expired(dossier, dossier.terms),
        "PO_EXHAUSTED": _order_exhausted(dossier, dossier.terms, total),
        "AMENDMENT_NOT_SYNCED": _not_synced(dossier, dossier.terms),
        "CUSTOMER_MASTER_MISSING": not dossier.masters.client(dossier.terms.client_id).get("erp_customer_id"),
        "TAX_ID_MISSING": _no_tax_id(dossier, dossier.terms),
        "TAX_CODE_INVALID": not _JURISDICTION.fullmatch(_tax(dossier.terms).get("jurisdiction") or ""),
        "LEGAL_ENTITY_MISMATCH": _company(dossier, dossier.terms) is None,
        "COST_CENTRE_INVALID": _no_cost_centre(dossier, dossier.terms),
        "CURRENCY_RATE_MISSING": _not_quoted(dossier, dossier.terms),
        "PERIOD_CLOSED": (_company_id(dossier.terms), dossier.as_of.isoformat()[:7]) in dossier.masters.closed,
        "MARGIN_BELOW_FLOOR": _below_floor(dossier),
        "SUBCONTRACT_UNMATCHED": dossier.unmatched,
    }
    for code, count in found.items():
        if code in dossier.policies and count:
            yield code, int(count)


def failed_of_entries(dossier: Dossier, ready: Sequence[Claim]) -> Iterator[tuple[str, list[Claim]]]:
    """(code, which) of the checks that look at the entries which would be ready."""
    in_order = sorted(ready, key=lambda claim: (claim.entry.day, claim.entry.entry_id))
    likenesses = [_likeness(claim) for claim in in_order]
    found = {
        NARRATIVE_MISSING: [claim for claim in in_order if lacks_narrative(claim.entry)],
        "BILLED_EXCEEDS_WORKED": [claim for claim in in_order if claim.entry.billable_minutes > claim.entry.worked],
        "TIME_LATE": [claim for claim in in_order if _late(dossier, claim)],
        "DUPLICATE_SUSPECTED": [
            claim for place, claim in enumerate(in_order) if likenesses[place] in likenesses[:place]
        ],
    }
    for code, claims in found.items():
        if code in dossier.policies and claims:
            yield code, claims


def _order(terms: Terms) -> Fields:
    return terms.fields.get("purchase_order") or {}


def _order_expired(dossier: Dossier, terms: Terms) -> bool:
    last = _order(terms).get("expires_on")
    return last is not None and dossier.as_of.isoformat() > last


def _order_exhausted(dossier: Dossier, terms: Terms, total: Fraction) -> bool:
    whole = _order(terms).get("amount")
    return whole is not None and total > max(Fraction(0), number(whole) - drawn(dossier))


def _not_synced(dossier: Dossier, terms: Terms) -> bool:
    """What ERP accepted under a version it has, also when it refuses a later revision of that document."""
    return dossier.accepted_version < terms.version


def _tax(terms: Terms) -> Fields:
    return terms.fields.get("tax") or {}


def _no_tax_id(dossier: Dossier, terms: Terms) -> bool:
    return not (_tax(terms).get("client_tax_id") or dossier.masters.client(terms.client_id).get("tax_id"))


def _company_id(terms: Terms) -> str | None:
    return terms.fields.get("legal_entity_id")


def _company(dossier: Dossier, terms: Terms) -> Fields | None:
    return dossier.masters.companies.get(_company_id(terms) or "")


def _no_cost_centre(dossier: Dossier, terms: Terms) -> bool:
    mine, known = terms.fields.get("cost_centre"), (_company(dossier, terms) or {}).get("cost_centres")
    return not mine or (known is not None and mine not in known)


def _not_quoted(dossier: Dossier, terms: Terms) -> bool:
    ours = (_company(dossier, terms) or {}).get("currency")
    if not ours or not terms.currency or ours == terms.currency:
        return False
    return not dossier.masters.is_quoted(terms.currency, ours, dossier.as_of)


def _below_floor(dossier: Dossier) -> bool:
    """Whether (value − cost) ÷ value of approved work is too little; of no value nothing is a share."""
    floor = number(dossier.policies.get("MARGIN_BELOW_FLOOR", {}).get("floor_ratio"))
    approved = [entry for entry in dossier.entries if entry.approved]
    value = sum((entry.amount or Fraction(0) for entry in approved if entry.billable), Fraction(0))
    cost = sum((entry.cost for entry in approved), Fraction(0))
    return value > 0 and (value - cost) / value < floor


def _late(dossier: Dossier, claim: Claim) -> bool:
    days = dossier.policies.get("TIME_LATE", {}).get("days")
    limit = timedelta(_LATE_DAYS if days is None else days)
    return dossier.told_on[claim.entry.entry_id] - claim.entry.day > limit


def _likeness(claim: Claim) -> tuple[object, ...]:
    entry = claim.entry
    return entry.person, entry.day, entry.line_id, entry.worked
