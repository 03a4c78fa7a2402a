"""What a policy demands of work before it is billed: a narrative of time, a receipt of an expense.

Source: domain 2.8 (NARRATIVE_MISSING, RECEIPT_MISSING). Where the policy blocks, work that lacks it is taken out, and
the rest is assessed as if it were not to be billed; so caps, retainage and documents know nothing of it either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from msgspec import structs

from app.domain import calendar
from app.domain.book import Book, Lines
from app.domain.burn import Position
from app.domain.ledger import Bucket, Issue, Spend, by_line, is_unbilled, tally
from app.domain.money import MICRO, micro
from app.domain.policy import Code, Ruling
from app.domain.unbilled import NONE, is_open, is_ready, joined

NARRATIVE: Final[Code] = "NARRATIVE_MISSING"
RECEIPT: Final[Code] = "RECEIPT_MISSING"

Where = tuple[str, str]
"""(line or "", billing period or ""): "" is not known, or all of them."""


class Asked(NamedTuple):
    """What is asked for: narratives, and receipts above a limit (micro-units; None: of nothing)."""

    narrative: bool
    limit: int | None


class Lack(NamedTuple):
    """An entry or expense that could be billed if it said what is demanded. `start` is the first day of its bucket."""

    code: Code
    start: int
    day: int
    id: str
    line: str | None
    issue: Issue


Lacking = Mapping[Code, Mapping[Where, Issue]]


class Rest(NamedTuple):
    """A contract without what lacks something, and that, by code, line and month of the work."""

    position: Position
    lacking: Lacking

    def issues(self) -> Iterator[tuple[Code, Issue]]:
        for code, parts in sorted(self.lacking.items()):
            whole = NONE
            for issue in parts.values():
                whole = joined(whole, issue)
            yield code, whole


def asked_by(rulings: Mapping[Code, Ruling], action: str) -> Asked:
    """What the rulings with an action ask for."""
    narrative, receipt = rulings.get(NARRATIVE), rulings.get(RECEIPT)
    return Asked(
        narrative is not None and narrative.action == action,
        receipt.limit if receipt is not None and receipt.action == action else None,
    )


def without(position: Position, rulings: Mapping[Code, Ruling]) -> Rest:
    """The contract without the work that may not be billed for want of what is demanded."""
    asked = asked_by(rulings, "blocking")
    if not asked.narrative and asked.limit is None:
        return Rest(position, {})
    found: dict[Code, dict[Where, Issue]] = {}
    starts: dict[int, set[str]] = {}
    for lack in lacking(position, asked):
        parts = found.setdefault(lack.code, {})
        where = (lack.line or "", calendar.period_of(lack.start))
        parts[where] = joined(parts.get(where, NONE), lack.issue)
        starts.setdefault(lack.start, set()).add(f"{lack.code}/{lack.id}")
    if not found:
        return Rest(position, {})
    rest = replace(position, book=_taken_out(position.book, starts), walks=position.walks.apart(asked))
    return Rest(rest, found)


def lacking(position: Position, asked: Asked) -> Iterator[Lack]:
    """Work inside the term that could be billed but for what it does not say; only open months are read."""
    book, day, terms = position.book, position.day, position.terms
    low, high = (terms.term_from, min(terms.term_to, day)) if terms is not None else (calendar.BEGINNING, day)
    for number in sorted(book.pages):
        if not any(is_open(total, day) for total in book.pages[number].values()):
            continue
        for start, lines in sorted(book.page(number).items()):
            if start <= day and any(is_open(total, day) for total in lines.values()):
                its = _in_bucket(start, book.bucket(start), day, asked)
                yield from (lack for lack in its if low <= lack.day <= high)


def _in_bucket(start: int, bucket: Bucket, day: int, asked: Asked) -> Iterator[Lack]:
    for entry, row in bucket.rows.items() if asked.narrative else ():
        if row.lacks and is_ready(row, bucket.claims.get(f"time/{entry}"), day):
            amount = (row.amount or 0) - row.drawn_amount
            issue = Issue(1, amount, row.time, [(row.day, entry, row.id)])
            yield Lack(NARRATIVE, start, row.day, entry, row.line, issue)
    for expense, spend in bucket.spends.items() if asked.limit is not None else ():
        claims = bucket.claims.get(f"expense/{expense}")
        asked_for = spend.lacks and _spent(spend) > (asked.limit or 0) * MICRO
        if asked_for and is_unbilled(spend, claims, day):
            issue = Issue(1, spend.amount or 0, spend.time, [(spend.day, expense, spend.id)])
            yield Lack(RECEIPT, start, spend.day, expense, spend.line, issue)


def _spent(spend: Spend) -> int:
    """What was spent, in the contract's currency, before any mark-up; in millionths of a micro-unit."""
    return micro(spend.net) * (spend.fx_rate or MICRO)


def _taken_out(book: Book, named: Mapping[int, set[str]]) -> Book:
    """The book in which what is `named` (by bucket, `code/id`) is not to be billed."""
    buckets: dict[int, Bucket] = {}
    pages: dict[int, dict[int, Lines]] = {}
    for start, its in named.items():
        old = book.bucket(start)
        new = Bucket(old.fence, dict(old.rows), dict(old.spends), old.gone, old.claims)
        for entry, row in old.rows.items():
            if f"{NARRATIVE}/{entry}" in its:
                new.rows[entry] = structs.replace(row, by_time=False)
        for expense, spend in old.spends.items():
            if f"{RECEIPT}/{expense}" in its:
                new.spends[expense] = structs.replace(spend, billable=False)
        number = calendar.page_of(start)
        page = pages.setdefault(number, dict(book.page(number)))
        page[start] = tally(new, start, calendar.BEGINNING, calendar.FOREVER, calendar.FOREVER)
        buckets[start] = new
    heads = {**book.pages, **{number: by_line(page.values()) for number, page in pages.items()}}
    return Book(
        heads,
        lambda number: pages[number] if number in pages else book.page(number),
        lambda start: buckets[start] if start in buckets else book.bucket(start),
    )
