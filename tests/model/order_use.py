"""How far a purchase order is used up: docs/readiness.md."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

from .dossier import Dossier
from .entities import Fields
from .numbers import fixed, number
from .terms import terms_on


def order_of(dossier: Dossier, proposed: Fraction, places: int) -> dict[str, Any] | None:
    """What readiness says of it; nothing where the terms name neither a number nor an amount."""
    order = order_on(dossier, dossier.as_of)
    if order.get("number") is None and order.get("amount") is None:
        return None
    invoiced = drawn(dossier)
    whole = number(order["amount"]) if order.get("amount") is not None else None
    return {
        "number": order.get("number"),
        "expires_on": order.get("expires_on"),
        "amount": None if whole is None else fixed(whole, places),
        "invoiced_amount": fixed(invoiced, places),
        "proposed_amount": fixed(proposed, places),
        "remaining_amount": None if whole is None else fixed(whole - invoiced - proposed, places),
    }


def drawn(dossier: Dossier) -> Fraction:
    """What is invoiced on the order of as-of."""
    mine = order_on(dossier, dossier.as_of).get("number")
    its = [one for one in dossier.bills if one.on is None or order_on(dossier, one.on).get("number") == mine]
    return sum((one.amount for one in its), Fraction(0))


def order_on(dossier: Dossier, day: date) -> Fields:
    """What the terms of a day say of the purchase order."""
    terms = terms_on(dossier.versions, day)
    return (terms.fields.get("purchase_order") if terms else None) or {}
