"""What ERP is to invoice and to put right: docs/documents.md; design.md section 5, "Documents"; events.md, "Payloads".

A document is of one contract, month and kind of line. Nothing is remembered: each is worked out from what is ready and
from what was invoiced, so it is the same whatever was proposed before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from .amends import amends
from .assessment import Assessment
from .contradictions import payers
from .dossier import Dossier
from .lines import Line, ready_lines
from .numbers import exponent, fixed, number, shortest
from .order_use import drawn, order_on
from .readiness import assess
from .schedules import due_on, is_due, scheduled
from .terms import terms_on
from .vouchers import Item, Voucher

ADJUSTMENT = "adjustment"
_ZERO = Fraction(0)
Row = dict[str, Any]


def document_rows(dossier: Dossier) -> dict[str, Row]:
    """Every live document of the contract by its key, without the revision, which is history."""
    found = assess(dossier)
    rows = [*_proposals(dossier, found), *_adjustments(dossier, found)]
    return {row["document_key"]: row for row in rows}


# -- what is ready --------------------------------------------------------------------------------------------------


def _proposals(dossier: Dossier, found: Assessment) -> Iterator[Row]:
    """One for each month and kind of what is ready; what stops the contract leaves none."""
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in ready_lines(dossier, found) if not found.stopped else ():
        groups.setdefault((line.month, line.kind), []).append(line)
    places = exponent(dossier.currency)
    order = order_on(dossier, dossier.as_of).get("amount")
    left = None if order is None else number(order) - drawn(dossier)
    for (month, kind), lines in sorted(groups.items()):
        total = sum((line.amount for line in lines), _ZERO)
        left = None if left is None else left - number(fixed(total, places))  # what the document says is invoiced
        heading = _heading(dossier, found, month, kind, 1 + len(_takers(dossier, found, month, kind)))
        yield {
            **heading,
            **_due(dossier, month, held=heading["held"]),
            "lines": [_shown(line, places) for line in sorted(lines, key=lambda one: (one.day or "", one.id))],
            "total": fixed(total, places),
            "payers": _payers(dossier, total),
            "purchase_order": dossier.terms.fields.get("purchase_order") if dossier.terms else None,
            "order_remaining_amount": None if left is None else fixed(left, places),
        }


def _due(dossier: Dossier, month: str, *, held: bool) -> Row:
    """From which day on it is to be invoiced, where the terms agree on days, and whether that waits for anything."""
    if not scheduled(dossier.terms):
        return {"held": held}
    day = due_on(dossier.terms, month)
    return {
        "held": held or not is_due(dossier.terms, month, dossier.as_of),
        "due_on": None if day is None else day.isoformat(),
    }


def _payers(dossier: Dossier, total: Fraction) -> list[Row]:
    """What each payer has of the total, with the ratio that the terms say."""
    said = (dossier.terms.fields.get("payers") or []) if dossier.terms else []
    places = exponent(dossier.currency)
    return [
        {**one, "ratio": ratio["ratio"], "amount": fixed(one["amount"], places)}
        for one, ratio in zip(payers(dossier, total), said, strict=False)
    ]


def _fee_takers(dossier: Dossier, found: Assessment, month: str) -> list[Voucher]:
    """The invoices that name the month's fee; those that name a line alone are for its months up to their date."""
    paid_there = {line_id for line_id, months in found.fees_by_month.items() if month in months}
    paid_there |= {one.line_id for one in found.releases if one.month == month}

    def takes(voucher: Voucher, name: str) -> bool:
        _, _, last = name.rpartition("/")
        if _is_month(last):
            return last == month
        mine = any(name == line_id or name.startswith(f"{line_id}/") for line_id in paid_there)
        return mine and (not voucher.on or month <= _month(voucher.on))

    return [one for one in dossier.vouchers if any(takes(one, name) for kind, name in one.named if kind == "fee")]


def _is_month(text: str) -> bool:
    return len(text) == 7 and text[4] == "-" and text.replace("-", "").isdigit()


# -- what was invoiced and changed ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """Something on one invoice: what stands there, and what should. `day` is "" where it left the contract."""

    item: Item
    day: str
    month: str
    stands: Fraction
    should: Fraction


def _adjustments(dossier: Dossier, found: Assessment) -> Iterator[Row]:
    groups: dict[tuple[str, str], list[Change]] = {}
    wanted = [(("time", one.entry_id), one.amount) for one in found.time.adjustments if one.amount != 0]
    wanted += [((one.kind, one.item_id), one.amount) for one in amends(dossier)]
    for item, amount in wanted:
        for voucher, change in _changes(dossier, item, amount):
            groups.setdefault((change.month, voucher.invoice_id), []).append(change)
    for (month, invoice_id), changes in sorted(groups.items()):
        order = [one.invoice_id for one in dossier.vouchers if _names_any(dossier, one, month)]
        # A credit may give back what its invoice never named.
        order += sorted({one for its, one in groups if its == month} - {*order})
        places = exponent(dossier.currency)
        pairs = [_said(dossier, one) for one in changes]
        yield {
            **_heading(dossier, found, month, ADJUSTMENT, 1 + order.index(invoice_id)),
            "adjusts": invoice_id,
            "credit": _changed([(change, amount) for change, amount, _ in pairs], places),
            "rebill": _changed([(change, amount) for change, _, amount in pairs], places),
            "net": fixed(sum((one.should - one.stands for one in changes), _ZERO), places),
        }


def _names_any(dossier: Dossier, voucher: Voucher, month: str) -> bool:
    return any(
        _is_of(dossier, item, month, kind) for item in voucher.named for kind in ("time", "expense", "milestone")
    )


def _changes(dossier: Dossier, item: Item, amount: Fraction) -> Iterator[tuple[Voucher, Change]]:
    """The invoices on which something is to be put right: the earlier stay as far as what holds reaches."""
    on = [voucher for voucher in dossier.vouchers if voucher.claims.get(item)]
    on.sort(key=lambda voucher: (voucher.said, voucher.invoice_id))
    left = sum((voucher.claims[item] for voucher in on), _ZERO) + amount
    day = _day_of(dossier, item)
    month = _month_of(dossier, item, day)
    for voucher in on:
        stands = voucher.claims[item]
        reaches = max(_ZERO, min(stands, left)) if stands > 0 else min(_ZERO, max(stands, left))
        should = left if voucher is on[-1] else reaches
        left -= should
        if should != stands:
            yield voucher, Change(item, day, month, stands, should)


def _day_of(dossier: Dossier, item: Item) -> str:
    kind, item_id = item
    if kind == "milestone":
        [stone] = [one for one in dossier.milestones if one.milestone_id == item_id]
        return (stone.accepted_on or stone.said_on).isoformat()
    return (dossier.worked_on if kind == "time" else dossier.spent_on).get(item_id, "")


def _month_of(dossier: Dossier, item: Item, day: str) -> str:
    """That of its day; of what left the contract the first in which it ever was here, of a milestone that is accepted
    no more the last in which it ever was."""
    if item[0] == "milestone":
        accepted = any(one.milestone_id == item[1] and one.status == "accepted" for one in dossier.milestones)
        return _month(day) if accepted else max(dossier.placed[item], default=_month(day))
    return _month(day) or min(dossier.placed[item])


def _said(dossier: Dossier, one: Change) -> tuple[Change, Fraction, Fraction]:
    """What is credited and what is billed anew: the pair, or under `delta_line` what they differ by.

    A milestone is always credited whole (R49).
    """
    terms = terms_on(dossier.versions, date.fromisoformat(one.day)) if one.day else dossier.terms
    if one.item[0] != "milestone" and terms is not None and terms.fields.get("retro_policy") == "delta_line":
        return one, _ZERO, one.should - one.stands
    return one, -one.stands, one.should


# -- what both have -------------------------------------------------------------------------------------------------


def _takers(dossier: Dossier, found: Assessment, month: str, kind: str) -> list[Voucher]:
    """The invoices, by date and id, that ever named something of the month and kind; what is void now included."""
    if kind == "fee":
        return _fee_takers(dossier, found, month)
    return [one for one in dossier.vouchers if any(_is_of(dossier, item, month, kind) for item in one.named)]


def _is_of(dossier: Dossier, item: Item, month: str, kind: str) -> bool:
    return item[0] == kind and month in dossier.placed.get(item, ())


def _heading(dossier: Dossier, found: Assessment, month: str, kind: str, sequence: int) -> Row:
    terms = dossier.terms
    fields = terms.fields if terms else {}
    accounting_on = dossier.masters.accounting_day(fields.get("legal_entity_id"), month)
    key = "/".join((dossier.contract_id.replace("/", "%2F"), month, kind, str(sequence)))
    return {
        "document_key": key,
        "contract_id": dossier.contract_id,
        "kind": kind,
        "period": month,
        "client_id": fields.get("client_id"),
        "legal_entity_id": fields.get("legal_entity_id"),
        "currency": dossier.currency,
        "tax": fields.get("tax"),
        "terms": {"contract_version": terms.version if terms else 0},
        "held": found.held,
        "accounting_on": accounting_on,
        "prior_period": accounting_on is not None,
        "acknowledged": _acknowledged(dossier, key),
    }


def _acknowledged(dossier: Dossier, key: str) -> list[Row]:
    """What each ERP said last of the document."""
    said = [one for one in dossier.acknowledgements if one["document_key"] == key]
    names = ("target", "revision", "status", "erp_id", "reason")
    return [{name: one.get(name) for name in names} for one in sorted(said, key=lambda one: one["target"])]


def _shown(line: Line, places: int) -> Row:
    price = line.entry.price if line.entry else None
    return {
        "kind": line.kind,
        "id": line.id,
        "line_id": line.line_id,
        "quantity_minutes": line.minutes,
        "rate": shortest(price.rate, 6) if price and price.rate is not None else None,
        "rate_unit": price.unit if price else None,
        "rate_id": price.rate_id if price else None,
        "amount": fixed(line.amount, places),
        "withheld": shortest(line.withheld, places),
        "work_date": line.day,
    }


def _changed(amounts: Sequence[tuple[Change, Fraction]], places: int) -> list[Row]:
    return [
        {"kind": change.item[0], "id": change.item[1], "amount": fixed(amount, places)}
        for change, amount in sorted(amounts, key=lambda one: one[0].item)
        if amount
    ]


def _month(day: str) -> str:
    return day[:7]
