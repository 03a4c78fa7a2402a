"""What entries share: increments over a day, included minutes, prepaid blocks.

Sources: events catalogue `contract.approved` (rounding scope, included, prepaid); domain rules R8, R17, R18. What is
shared is given out over approved, chargeable entries in the order of (work date, entry id), so that replay gives the
same answer, and an entry carries what it got, so that every total stays a sum of entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from app.domain import calendar
from app.domain.ledger import APPROVED, Row, billable_minutes, chargeable, line_of, set_amount
from app.domain.prepaid import Block
from app.domain.rates import Rates
from app.domain.terms import Terms

TermsOn = Callable[[int], Terms | None]
Span = tuple[str, int, int, str]
"""(line id, first day, last day, kind of allowance) over which one allowance is shared. A block and minutes included in
a term last equally long, and neither draws on the other."""


def round_day(rows: Iterable[tuple[str, Row]], terms: Terms) -> None:
    """Give the entries of one work date their billable minutes where the increment is of the day.

    The day's running total is rounded after each entry, in the order of entry ids, and an entry gets what the rounded
    total grew by: parts add up to the rounded day. Four calls of 3 minutes, increment 6, nearest, ties down: running
    totals 3, 6, 9, 12 round to 0, 6, 6, 12, so the calls get 0, 6, 0, 6 minutes, 12 in all (R8).
    """
    running: dict[str, tuple[int, int]] = {}  # person, or everybody → (worked, rounded) so far
    for _, row in sorted(rows):
        if row.status != APPROVED or not chargeable(row, line_of(row, terms)):
            continue
        whose = row.resource_id if terms.rounding.together == "person" else ""
        worked, rounded = running.get(whose, (0, 0))
        worked += row.minutes
        now = billable_minutes(worked, terms.rounding)
        row.billable_minutes = now - rounded
        running[whose] = (worked, now)


def span_of(line_id: str, day: int, terms: Terms) -> Span | None:
    """Over which days work of the line on `day` shares an allowance; None where there is none."""
    line = terms.lines.get(line_id)
    if line is None or not line.allots:
        return None
    kind = "block" if line.billing_method == "prepaid" or line.included is None else line.included.per
    if kind == "week":
        monday = calendar.week_start(day)
        return line_id, monday, monday + 6, kind
    if kind == "month":
        return line_id, calendar.month_start(day), calendar.month_end(day), kind
    return line_id, calendar.BEGINNING, calendar.FOREVER, kind


def allow(rows: Sequence[tuple[str, Row]], before: tuple[int, int], terms_on: TermsOn) -> None:
    """Give the entries of one span, which come in order, their part of the allowance.

    `before`: the minutes given to entries before them, and those charged beyond the allowance. An entry of less than 0
    minutes first takes back what was charged, then what was given, so that what is charged in all is what is worked in
    all beyond the allowance, whatever the order of signs. A lowered allowance takes nothing back.
    """
    given, charged = before
    for _, row in rows:
        row.free = row.drawn = row.drawn_amount = row.beyond = 0
        terms = terms_on(row.day)
        line = line_of(row, terms) if terms is not None else None
        if terms is None or line is None or row.status != APPROVED or not chargeable(row, line) or not line.allots:
            continue
        minutes, limit = row.billable_minutes, line.allowance
        got = min(minutes, max(limit - given, 0)) if minutes >= 0 else min(minutes + charged, 0)
        if line.billing_method == "prepaid" and line.prepaid is not None:
            block = Block(limit, line.prepaid.fee or 0, terms.exponent, terms.rounding.half_even)
            row.drawn, row.drawn_amount = got, block.worth(given + got) - block.worth(given)
        else:
            row.free = got
        row.beyond = minutes - got
        given, charged = given + got, charged + row.beyond


def settle(row: Row, terms: Terms | None, rates: Rates) -> None:
    """Price an entry again with the minutes it was given."""
    if terms is not None and chargeable(row, line_of(row, terms)):
        set_amount(row, terms, rates)


def given(row: Row) -> tuple[object, ...]:
    """What an allotment may change of an entry."""
    return row.billable_minutes, row.free, row.drawn, row.beyond, row.drawn_amount
