"""Billing documents: what is ready, for ERP to invoice; what changed after the invoice, to credit and bill again.

Sources: design section 5 "Documents", "Invoices"; events catalogue `billing.*`; domain rules R23, R46, R48, R50. There
is one document for each contract, billing period and kind of line, and one adjustment for each invoice and period. The
documents of a contract come to what is ready, neither more nor less, and no entry stands in two of them.

A `Folder` holds what was found of one period and kind. Its document's sequence is 1 more than the invoices that ever
named something in it: what was invoiced keeps its key, and what is left, or comes late, has the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final, NamedTuple

from app.domain import calendar, period
from app.domain.adjustment import EXPENSE, MILESTONE, TIME, Adjustment
from app.domain.billing_schedule import BillingSchedule
from app.domain.burn import Position
from app.domain.fees import PREFIX, open_parts
from app.domain.ledger import (
    APPROVED,
    Claims,
    Row,
    is_unbilled,
)
from app.domain.money import micro, round_to, show
from app.domain.readiness import Assessment, Later, Milestone, Papers
from app.domain.split import split
from app.domain.unbilled import is_open

FEE: Final = "fee"
ADJUSTMENT: Final = "adjustment"

PROPOSED: Final = "billing.proposed.v1"
ADJUSTED: Final = "billing.adjusted.v1"
WITHDRAWN: Final = "billing.withdrawn.v1"

INVOICE: Final = "invoice/"
"""How the paper is named that an invoice is."""

_DATED: Final = itemgetter(0, 1)
_KINDS: Final = (TIME, EXPENSE, MILESTONE)

Place = tuple[str, str]
"""(billing period, kind)."""
PriceOf = Callable[[Row], tuple[str | None, str]]
"""The rate of a row as text, None where it has none, and the unit it is per: `hour` or `day`."""


class Item(NamedTuple):
    """One line of a document; `amount` and `withheld` in micro-units, `day` when it was worked, spent or accepted."""

    kind: str
    id: str
    line_id: str | None
    amount: int
    day: int | None = None
    minutes: int | None = None
    rate: str | None = None
    rate_unit: str | None = None
    rate_id: str | None = None
    withheld: int = 0


@dataclass(slots=True)
class Folder:
    """What belongs to one period and kind: what may be billed now, and every invoice that ever named something here.

    Invoices are (day from which it counts, paper), only those that have begun.
    """

    items: list[Item] = field(default_factory=list)
    invoices: set[tuple[int, str]] = field(default_factory=set)

    @property
    def sequence(self) -> int:
        return len(self.invoices) + 1

    @property
    def total(self) -> int:
        return sum(item.amount for item in self.items)

    def invoice(self, sequence: int) -> str | None:
        """The invoice that took the document of that sequence; None while nothing did."""
        named = sorted(self.invoices)
        return named[sequence - 1][1].removeprefix(INVOICE) if 0 < sequence <= len(named) else None

    def note(self, claims: Claims | None, day: int) -> None:
        for paper, (_, begins) in claims.items() if claims else ():
            if begins <= day and paper.startswith(INVOICE):
                self.invoices.add((begins, paper))


Folders = dict[Place, Folder]
Books = Callable[[str | None, str], str | None]
"""(legal entity, period) → the first day of the period to post in where that one is closed."""


class Posting(NamedTuple):
    """Whether a document is to be invoiced for now, from which day on by the contract's schedule, and where it is
    posted.

    `books`: the first day of the period it is to be posted in, where its own is closed. `due_on` is said where there is
    a schedule, None where no day is agreed.
    """

    held: bool
    books: str | None
    due_on: tuple[int | None, ...] = ()

    def scheduled(self, schedule: BillingSchedule, name: str, day: int) -> Posting:
        """The same of a billing period under a schedule, on a day."""
        due_on = schedule.due_on(name)
        return self._replace(held=self.held or due_on is None or due_on > day, due_on=(due_on,))

    def said(self) -> dict[str, Any]:
        said: dict[str, Any] = {
            "held": self.held,
            "accounting_on": self.books,
            "prior_period": self.books is not None,
        }
        for on in self.due_on:
            said["due_on"] = calendar.text_of(on) if on is not None else None
        return said


class Filed(NamedTuple):
    """What stands now, by `period/kind/sequence`: its type and payload, without key and revision."""

    rows: dict[str, tuple[str, dict[str, Any]]]
    folders: Folders


def file(
    position: Position,
    found: Assessment,
    papers: Papers,
    milestones: Sequence[Milestone],
    changed: Sequence[Adjustment],
    price_of: PriceOf,
    books: Books,
    periods: Collection[str] | None = None,
) -> Filed:
    """Every document of the contract; of time and expenses, only those of `periods`, where they are given.

    `changed`: what was invoiced and no longer holds.
    """
    if periods is None:
        periods = open_periods(position)
    filed = folders(position, found, papers, milestones, price_of, periods)
    entity = position.terms.said.get("legal_entity_id") if position.terms is not None else None
    schedule = position.terms.schedule if position.terms is not None else None
    rows: dict[str, tuple[str, dict[str, Any]]] = {}
    for (name, kind), folder in sorted(filed.items()):
        if folder.items:
            posting = Posting(found.held, books(entity, name))
            if schedule is not None and position.as_of is not None:
                posting = posting.scheduled(schedule, name, position.day)
            payload = proposed(position, (name, kind), folder, posting)
            rows[f"{name}/{kind}/{folder.sequence}"] = PROPOSED, payload
    for name, sequence, wrong in _by_invoice(position, milestones, changed):
        payload = adjusted(position, name, wrong, price_of, Posting(found.held, books(entity, name)))
        rows[f"{name}/{ADJUSTMENT}/{sequence}"] = ADJUSTED, payload
    return Filed(rows, filed)


def open_periods(position: Position, since: int = calendar.BEGINNING) -> set[str]:
    """Every period from the day `since` on in which time or expenses may be billed; the rest is not read."""
    found: set[str] = set()
    for page, lines in position.book.pages.items():
        if page >= calendar.page_of(since) and any(is_open(total, position.day) for total in lines.values()):
            for start, parts in position.book.page(page).items():
                if start >= since and any(is_open(total, position.day) for total in parts.values()):
                    found.add(calendar.period_of(start))
    return found


def later(found: Assessment, papers: Papers, milestones: Iterable[Milestone]) -> list[Later]:
    """What the contract's schedule lets nobody bill yet, by period; nothing without one.

    What stops the contract is not looked at, as that is another matter.
    """
    position = found.time.position
    schedule = position.terms.schedule if position.terms is not None else None
    if schedule is None or position.as_of is None:
        return []
    periods = open_periods(position, schedule.waiting_from(position.day))
    filed = folders(position, found._replace(stops=[]), papers, milestones, lambda row: (None, "hour"), periods)
    parts: dict[str, list[int]] = {}
    for (name, _), folder in filed.items():
        if folder.items and not schedule.due(name, position.day):
            parts.setdefault(name, []).append(folder.total)
    return [Later(name, len(its), sum(its), schedule.due_on(name)) for name, its in sorted(parts.items())]


def folders(
    position: Position,
    found: Assessment,
    papers: Papers,
    milestones: Iterable[Milestone],
    price_of: PriceOf,
    periods: Collection[str],
) -> Folders:
    """Time and expenses of these periods, and every milestone and fee. Nothing may be billed of what is stopped."""
    filed: Folders = {}
    for name in sorted(periods):
        _file_work(filed, name, position, found, price_of)
    _file_milestones(filed, position, found, milestones)
    _file_fees(filed, position, found, papers)
    if found.stops:
        for folder in filed.values():
            folder.items.clear()
    return filed


def _file_work(filed: Folders, name: str, position: Position, found: Assessment, price_of: PriceOf) -> None:
    time, expenses = Folder(), Folder()
    terms, day = position.terms, position.day
    begin, end = (terms.term_from, min(terms.term_to, day)) if terms is not None else (calendar.BEGINNING, day)
    for start in _buckets(position, name):
        bucket = position.book.bucket(start)
        named = bucket.claims
        for key, claims in named.items():
            (time if key.startswith("time/") else expenses).note(claims, day)
        if not any(is_open(total, day) for total in position.book.page(calendar.page_of(start))[start].values()):
            continue  # nothing in it is to be billed
        approved = [(row.day, entry, row) for entry, row in bucket.rows.items() if row.status == APPROVED]
        for _, entry, row in sorted(approved, key=_DATED):
            bill = found.time.bill(entry, row, named.get(f"time/{entry}") if named else None)
            if bill is not None:
                amount, minutes, kept = bill
                rate, unit = price_of(row)
                time.items.append(Item(TIME, entry, row.line, amount, row.day, minutes, rate, unit, row.rate_id, kept))
        for expense, spend in sorted(bucket.spends.items(), key=lambda one: (one[1].day, one[0])):
            if begin <= spend.day <= end and is_unbilled(spend, named.get(f"expense/{expense}"), day):
                expenses.items.append(Item(EXPENSE, expense, spend.line, spend.amount or 0, spend.day))
    filed[name, TIME], filed[name, EXPENSE] = time, expenses


def _buckets(position: Position, name: str) -> Iterator[int]:
    """First days of the period's buckets: none spans two months."""
    low, high = period.first_day(name), period.last_day(name)
    return (start for start in position.book.starts(low, high) if start >= low)


def _file_milestones(filed: Folders, position: Position, found: Assessment, milestones: Iterable[Milestone]) -> None:
    for milestone in milestones:
        for name in milestone.periods:
            filed.setdefault((name, MILESTONE), Folder()).note(milestone.claims, position.day)
    for milestone, amount in sorted(found.milestones.accepted, key=lambda one: (one[0].billed_on, one[0].milestone_id)):
        if amount:
            line = milestone.line_id or (position.terms.only_line if position.terms is not None else None)
            item = Item(MILESTONE, milestone.milestone_id, line, amount, milestone.billed_on)
            item = item._replace(withheld=milestone.amount - amount)
            filed.setdefault((calendar.period_of(milestone.billed_on), MILESTONE), Folder()).items.append(item)


def _file_fees(filed: Folders, position: Position, found: Assessment, papers: Papers) -> None:
    lines: dict[str, set[str]] = {line: set() for line in found.fees}
    for fee in found.earned:
        lines.setdefault(fee.line_id, set()).update(part.period for part in fee.parts)
    for one in found.freed:
        if one.amount:
            lines.setdefault(one.line_id, set()).add(calendar.period_of(one.on))
    for key, claims in papers.fee_claims.items():
        for paper, (_, begins) in claims.items():
            for name in _periods_of(key.removeprefix(PREFIX), begins, lines):
                filed.setdefault((name, FEE), Folder()).note({paper: claims[paper]}, position.day)
    earned = {fee.line_id: fee.parts for fee in found.earned}
    for line in sorted(found.fees):
        freed = [one for one in found.freed if one.line_id == line]
        for part in open_parts(line, earned.get(line, ()), freed, papers.fee_claims, position.day):
            item = Item(FEE, f"{line}/{part.period}", line, part.amount, withheld=part.withheld)
            filed.setdefault((part.period, FEE), Folder()).items.append(item)


def _periods_of(named: str, begins: int, lines: Mapping[str, set[str]]) -> Collection[str]:
    """The billing periods of which an invoice takes the fee: the one it names, else all of the line up to its date."""
    said = named.rpartition("/")[2]
    if _is_period(said):
        return (said,)
    its = {name for line, names in lines.items() if named == line or named.startswith(line + "/") for name in names}
    return its if begins == calendar.BEGINNING else {name for name in its if name <= calendar.period_of(begins)}


def _is_period(text: str) -> bool:
    return len(text) == 7 and text[4] == "-" and text[:4].isdigit() and text[5:].isdigit()


# -- what changed after the invoice -----------------------------------------------------------------------------------


def _by_invoice(
    position: Position, milestones: Sequence[Milestone], changed: Sequence[Adjustment]
) -> Iterator[tuple[str, int, list[Adjustment]]]:
    """(billing period, sequence, what is to be put right) of every invoice and period.

    The sequence is the invoice's place among those that named time, expenses or milestones of the period, by the day
    from which they count.
    """
    parts: dict[str, dict[str, list[Adjustment]]] = {}
    for one in changed:
        parts.setdefault(one.period, {}).setdefault(one.invoice_id, []).append(one)
    for name, its in sorted(parts.items()):
        folder = Folder()
        for start in _buckets(position, name):
            for claims in position.book.bucket(start).claims.values():
                folder.note(claims, position.day)
        for milestone in milestones:
            if name in milestone.periods:
                folder.note(milestone.claims, position.day)
        order = [paper.removeprefix(INVOICE) for _, paper in sorted(folder.invoices)]
        order += sorted(its.keys() - set(order))
        for invoice_id, wrong in its.items():
            wrong.sort(key=lambda one: (_KINDS.index(one.kind), one.on or 0, one.entry_id))
            yield name, order.index(invoice_id) + 1, wrong


# -- payloads ---------------------------------------------------------------------------------------------------------


def proposed(position: Position, place: Place, folder: Folder, posting: Posting) -> dict[str, Any]:
    """`billing.proposed` without its key and revision."""
    terms = position.terms
    assert terms is not None  # what is unknown is stopped
    payers = terms.said.get("payers") or ()
    return {
        **_heading(position, place[0], place[1]),
        "lines": [line(position, item) for item in folder.items],
        "total": show(folder.total, position.exponent),
        "purchase_order": dict(terms.purchase_order) or None,
        "payers": _payers(position, folder.total, payers),
        **posting.said(),
    }


def adjusted(
    position: Position, name: str, wrong: Sequence[Adjustment], price_of: PriceOf, posting: Posting
) -> dict[str, Any]:
    """`billing.adjusted` of one invoice, without its key and revision.

    The pair of credit and new bill; where the terms of the work date want a delta line, one line of the difference.
    """
    credit, rebill = [], []
    for one in wrong:
        item = _item(position, one, price_of)
        if one.policy == "delta_line":
            rebill.append(line(position, item._replace(amount=one.difference)))
            continue
        credit.append(line(position, item._replace(amount=-one.invoiced, minutes=None, rate=None, rate_id=None)))
        if one.holds:
            rebill.append(line(position, item))
    reasons = sorted({one.reason for one in wrong})
    amendments = sorted({one.amendment_id for one in wrong if one.amendment_id is not None})
    return {
        **_heading(position, name, ADJUSTMENT),
        "adjusts": wrong[0].invoice_id,
        "reason": reasons[0] if len(reasons) == 1 else "several",
        "amendment_id": amendments[-1] if amendments else None,
        "credit": credit,
        "rebill": rebill,
        "net": show(sum(one.difference for one in wrong), position.exponent),
        **posting.said(),
    }


def _item(position: Position, one: Adjustment, price_of: PriceOf) -> Item:
    """Something invoiced as it holds now."""
    row = one.row
    if row is None or row.status != APPROVED or row.day > position.day:
        return Item(one.kind, one.entry_id, one.line_id, one.holds, one.on)
    rate, unit = price_of(row)
    minutes = row.billable_minutes - row.drawn
    return Item(TIME, one.entry_id, one.line_id, one.holds, row.day, minutes, rate, unit, row.rate_id)


def _heading(position: Position, name: str, kind: str) -> dict[str, Any]:
    terms = position.terms
    return {
        "contract_id": position.contract_id,
        "as_of": calendar.text_of(position.as_of) if position.as_of is not None else None,
        "client_id": (terms.client_id or None) if terms is not None else None,
        "legal_entity_id": terms.said.get("legal_entity_id") if terms is not None else None,
        "period": name,
        "kind": kind,
        "currency": terms.currency if terms is not None else None,
        "tax": terms.said.get("tax") if terms is not None else None,
        "terms": {"contract_version": terms.version if terms is not None else 0},
    }


def line(position: Position, item: Item) -> dict[str, Any]:
    """One line as it is published."""
    said: dict[str, Any] = {
        "kind": item.kind,
        "id": item.id,
        "line_id": item.line_id,
        "quantity_minutes": item.minutes,
        "rate": item.rate,
        "amount": show(item.amount, position.exponent),
        "rate_id": item.rate_id,
        "work_date": calendar.text_of(item.day) if item.day is not None else None,
    }
    if item.rate is not None:
        said["rate_unit"] = item.rate_unit
    if item.withheld:
        said["withheld"] = show(item.withheld, position.exponent)
    return said


def _payers(position: Position, total: int, payers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What each payer owes of the total as it is shown: parts that sum to it."""
    ratios = [micro(str(payer["ratio"])) for payer in payers]
    if not ratios or sum(ratios) <= 0:
        return []
    parts = split(round_to(total, position.exponent), ratios, position.exponent)
    return [
        {"client_id": payer["client_id"], "ratio": payer["ratio"], "amount": show(part, position.exponent)}
        for payer, part in zip(payers, parts, strict=True)
    ]
