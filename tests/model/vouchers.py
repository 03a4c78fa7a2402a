"""Invoices one by one: what each says of every item, less what was credited on it. design.md section 5, "Invoices"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from .entities import Entity, Fields, instant
from .numbers import number

Item = tuple[str, str]
"""(kind, id) in the words of an invoice's line."""


@dataclass(frozen=True)
class Voucher:
    """One invoice that counts on the day. `on` is its date, "" where none was said: then it counts always.

    `claims` is what it says of each item less what was credited on it, nothing once it is voided; `named` is every item
    that any message about it ever named, whatever holds now. `said` is when it was first spoken of. `for_nothing` is
    what it bills at 0.00 while it is live, unless a credit on it names that.
    """

    invoice_id: str
    on: str
    claims: dict[Item, Fraction]
    named: frozenset[Item]
    said: datetime
    for_nothing: frozenset[Item] = frozenset()


def vouchers(invoices: Sequence[Entity], credits_: Sequence[Entity], as_of: date) -> list[Voucher]:
    """The invoices of one contract up to as-of, by date and id; each credit counts from its own date on, too."""
    counting = [one for one in invoices if _begun(one.fields().get("invoiced_on"), as_of)]
    given = [one for one in credits_ if _begun(one.fields().get("credited_on"), as_of)]
    found = [_voucher(one, [credit for credit in given if credit.fields()["invoice_id"] == one.id]) for one in counting]
    return sorted(found, key=lambda one: (one.on, one.invoice_id))


def invoiced(found: Iterable[Voucher]) -> dict[Item, Fraction]:
    """What is invoiced of each item on all of them together."""
    totals: dict[Item, Fraction] = {}
    for one in found:
        for item, amount in one.claims.items():
            totals[item] = totals.get(item, Fraction(0)) + amount
    return totals


def _voucher(invoice: Entity, its_credits: Sequence[Entity]) -> Voucher:
    claims: dict[Item, Fraction] = {}
    live = invoice.state != "voided" and invoice.fields().get("lines") is not None  # else nobody said what it bills
    for sign, documents in ((1, [invoice]), (-1, its_credits)):
        for document in documents if live else ():
            for line in document.fields().get("lines") or []:
                item = (line["kind"], line["id"])
                claims[item] = claims.get(item, Fraction(0)) + sign * number(line["amount"])
    billed = invoice.fields().get("lines") or [] if live else []
    back = [line for credit in its_credits for line in credit.fields().get("lines") or []]
    paid = [line for line in billed if number(line["amount"]) != 0]
    said = [message["data"].get("lines") or [] for message in invoice.messages]
    return Voucher(
        invoice_id=invoice.id,
        on=invoice.fields().get("invoiced_on") or "",
        claims=claims,
        named=frozenset((line["kind"], line["id"]) for lines in said for line in lines),
        said=min(instant(message["time"]) for message in invoice.messages),
        for_nothing=_items(billed) - _items(paid) - _items(back),
    )


def _items(lines: Iterable[Fields]) -> frozenset[Item]:
    return frozenset((line["kind"], line["id"]) for line in lines)


def _begun(day: str | None, as_of: date) -> bool:
    return day is None or date.fromisoformat(day) <= as_of
