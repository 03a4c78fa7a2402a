"""Fees of lines that bill by one: retainer, prepaid block, percent complete (design.md section 5, "Readiness")."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from .allotments import PREPAID
from .dossier import Dossier
from .numbers import number
from .retainer import retained_months
from .terms import Terms

PERCENT_COMPLETE = "percent_complete"
_NOTHING = Fraction(0)


def fees_by_month(dossier: Dossier) -> dict[str, dict[str, Fraction]]:
    """What was earned by fee up to as-of, whatever was invoiced, by line and the month it belongs to: a retainer's own,
    that in which the term begins for a block, and that of as-of for progress, which is measured anew every day."""
    if dossier.terms is None:
        return {}
    fees = {
        line_id: {_month(number): fee for number, fee in months.items()}
        for line_id, months in retained_months(dossier).items()
    }
    for line_id in dossier.terms.lines:
        method = dossier.terms.method(line_id)
        if method == PREPAID:
            start = (dossier.terms.fields.get("term") or {}).get("from") or ""
            _add(fees, line_id, start[:7], _of_block(dossier, dossier.terms, line_id))
        elif method == PERCENT_COMPLETE:
            _add(fees, line_id, dossier.as_of.isoformat()[:7], _by_cost(dossier, dossier.terms, line_id))
    return {line_id: {month: fee for month, fee in months.items() if fee} for line_id, months in fees.items()}


def _add(fees: dict[str, dict[str, Fraction]], line_id: str, month: str, fee: Fraction) -> None:
    months = fees.setdefault(line_id, {})
    months[month] = months.get(month, _NOTHING) + fee


def _month(number: int) -> str:
    """The name of a month from year × 12 + month."""
    year, month = divmod(number - 1, 12)
    return f"{year:04}-{month + 1:02}"


def invoiced_fees(dossier: Dossier, line_id: str) -> Fraction:
    """Live claims on the line's fee: those that name the line, and those that name one of its periods."""
    claims = [
        amount
        for (kind, item), amount in dossier.invoiced.items()
        if kind == "fee" and (item == line_id or item.startswith(f"{line_id}/"))
    ]
    return sum(claims, _NOTHING)


def _of_block(dossier: Dossier, terms: Terms, line_id: str) -> Fraction:
    """The whole fee once the term has begun."""
    start = (terms.fields.get("term") or {}).get("from")
    if not start or start > dossier.as_of.isoformat():
        return _NOTHING
    return terms.rounded(number((terms.line(line_id).get("prepaid") or {}).get("fee")))


def unmeasured(dossier: Dossier) -> int:
    """Lines by percent complete of which nothing can be said, as nobody estimated their cost."""
    terms = dossier.terms
    lines = [one for one in terms.lines if terms.method(one) == PERCENT_COMPLETE] if terms else []
    return sum(
        1
        for one in lines
        if terms is not None
        and terms.line(one).get("fee") is not None
        and ((current := estimate_in_force(dossier, terms, one)) is None or number(current["cost"]) == 0)
    )


def estimate_in_force(dossier: Dossier, terms: Terms, line_id: str) -> dict[str, Any] | None:
    """The estimate of a line in force on as-of."""
    estimates = [one for one in dossier.estimates if terms.line_of(one.get("line_id")) == line_id]
    return max(
        (one for one in estimates if one["effective_from"] <= dossier.as_of.isoformat()),
        key=lambda one: (one["effective_from"], one["revision"], one["estimate_id"]),
        default=None,
    )


def _by_cost(dossier: Dossier, terms: Terms, line_id: str) -> Fraction:
    """Cost to cost: fee × cost to date ÷ estimate, from nothing to all of it. Without an estimate nothing is earned."""
    current = estimate_in_force(dossier, terms, line_id)
    if current is None or number(current["cost"]) == 0:
        return _NOTHING
    cost = sum((entry.cost for entry in dossier.entries if entry.approved and entry.line_id == line_id), _NOTHING)
    share = max(_NOTHING, min(cost / number(current["cost"]), Fraction(1)))
    return terms.rounded(number(terms.line(line_id).get("fee")) * share)
