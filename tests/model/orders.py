"""What is invoiced, bill by bill: docs/readiness.md, "How far a purchase order is used up"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from .entities import Entity
from .numbers import number


@dataclass(frozen=True)
class Bill:
    """A live invoice and what it comes to, less what was credited on it; `on` is None where it has no date."""

    on: date | None
    amount: Fraction


def bills_of(invoices: Sequence[Entity], credits_: Sequence[Entity], as_of: date) -> tuple[Bill, ...]:
    """Those up to as-of, each credit from its own date on."""
    found = []
    for one in invoices:
        on = _day(one, "invoiced_on")
        said = one.state != "voided" and one.fields().get("lines") is not None
        if said and (on is None or on <= as_of):
            mine = [credit for credit in credits_ if credit.fields()["invoice_id"] == one.id]
            given = [credit for credit in mine if (_day(credit, "credited_on") or as_of) <= as_of]
            found.append(Bill(on, _total(one) - sum(map(_total, given), Fraction(0))))
    return tuple(found)


def _day(entity: Entity, name: str) -> date | None:
    said = entity.fields().get(name)
    return date.fromisoformat(said) if said else None


def _total(entity: Entity) -> Fraction:
    return sum((number(line["amount"]) for line in entity.fields().get("lines") or []), Fraction(0))
