"""Unbilled time: what of it may be billed now, once what was given up is gone, under the caps, less what is held back.

Sources: design section 5 "Readiness", "Cap", "Conservation"; domain rules R19, R24, R26. What is written off uses no
cap; of what a cap refuses nothing is held back. Sums answer where they can; entries are opened only where an amount
written off ends, and on a line whose cap its work could exceed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from app.domain import calendar
from app.domain.burn import Position
from app.domain.ledger import (
    APPROVED,
    CLAIMED_AMOUNT,
    CLAIMED_MINUTES,
    EVIDENCE_LIMIT,
    FLAT_ENTRIES,
    FLAT_MINUTES,
    FLAT_WITHHELD,
    KEPT_AMOUNT,
    READY_AMOUNT,
    READY_ENTRIES,
    READY_EXPENSES,
    READY_MINUTES,
    READY_WITHHELD,
    ROOM_AMOUNT,
    ROOM_MINUTES,
    UNDERBILLED,
    Claims,
    Issue,
    Row,
    Sum,
    claimed,
    merged,
    missing,
    settled,
    written_off,
)
from app.domain.money import divide
from app.domain.retainage import withheld
from app.domain.terms import Cap
from app.domain.writeoff import Taken, take

NONE = Issue(0, 0, 0, [])
_BEHIND = "\U0010ffff" * 2  # behind every id


class Edge(NamedTuple):
    """Where an amount written off ends: earlier work is given up whole, and `part` of the entry itself.

    By (work date, entry id); `total` is all that was given up, which is never more than there is.
    """

    day: int = 0
    entry_id: str = ""
    part: int = 0
    total: int = 0

    def of(self, day: int, entry_id: str, amount: int) -> int:
        """What is given up of an amount to be billed for an entry; of 0 or less, nothing."""
        if amount <= 0 or (day, entry_id) > (self.day, self.entry_id):
            return 0
        return self.part if (day, entry_id) == (self.day, self.entry_id) else amount


class Bill(NamedTuple):
    """What of one entry may be billed: `amount` is what is left after `withheld` is held back."""

    amount: int
    minutes: int
    withheld: int


class Passed(NamedTuple):
    """What may be billed of a line's time: `amount` is what is left of it after `withheld` is held back.

    `over` exceeds the cap, and is refused unless the cap only warns. `by_day` is what is held back by work date where
    the cap was walked, from `room` (amount, minutes) on, and `quarter` says what passes of one, by entry; None where
    sums say it.
    """

    amount: int
    minutes: int
    entries: int
    withheld: int
    over: Issue
    warns: bool
    by_day: list[tuple[int, int]] | None = None
    quarter: Callable[[int], Mapping[str, Bill]] | None = None
    room: tuple[int | None, int | None] = (None, None)

    @property
    def refused(self) -> int:
        return 0 if self.warns else self.over.amount


class _Cut(NamedTuple):
    """What an amount written off takes out of a line's sums."""

    amount: int = 0
    minutes: int = 0
    entries: int = 0
    withheld: int = 0

    def more(self, other: _Cut) -> _Cut:
        return _Cut(*map(sum, zip(self, other, strict=True)))


def is_ready(row: Row, claims: Claims | None, day: int) -> bool:
    """Whether an entry may be invoiced as time, wherever its work date lies and whatever a cap leaves of it."""
    return (
        row.status == APPROVED
        and row.amount is not None
        and row.by_time
        and claimed(claims, day) == 0
        and not settled(row.amount - row.drawn_amount, claims, day)
        and not written_off(claims)
    )


def is_open(total: Sum, day: int) -> bool:
    """Whether any of it may be to be billed as of a day, as time or as an expense."""
    totals = total.totals
    return bool(totals[READY_ENTRIES] or totals[READY_EXPENSES] or total.ready_spends or total.horizon > day)


@dataclass(frozen=True, slots=True)
class Unbilled:
    """A contract's time by line ("" is the contract itself): `lines` may be billed, `edge` is what was given up.

    `days` are the first and last on which work may be billed.
    """

    position: Position
    edge: Edge
    lines: dict[str, Passed]
    days: tuple[int, int]

    def bill(self, entry: str, row: Row, claims: Claims | None) -> Bill | None:
        """What of one entry may be billed; None where it may not be, or nothing of it is left."""
        position, passed = self.position, self.lines.get(row.line or "")
        low, high = self.days
        if passed is None or not low <= row.day <= high or not is_ready(row, claims, position.day):
            return None
        if passed.quarter is not None:
            return passed.quarter(calendar.page_of(row.day)).get(entry)
        amount = (row.amount or 0) - row.drawn_amount
        given_up = self.edge.of(row.day, entry, amount)
        if not given_up:
            return Bill(amount - row.withheld, row.billable_minutes - row.drawn, row.withheld)
        if given_up == amount:
            return None
        held = _share(position, row, amount - given_up)
        return Bill(amount - given_up - held, row.billable_minutes - row.drawn, held)

    @property
    def basis(self) -> tuple[object, ...]:
        """What the bill of an entry depends on beside it and earlier work; empty where it depends on nothing."""
        edge = (self.edge.day, self.edge.entry_id, self.edge.part) if self.edge.total else ()
        walked = [(line, *passed.room) for line, passed in sorted(self.lines.items()) if passed.quarter is not None]
        return (*edge, *walked)

    def held_before(self, line: str, day: int) -> int:
        """What is held back of a line's work before a day, on invoices too."""
        position, until = self.position, min(day - 1, self.position.day)
        kept = position.book.between(calendar.BEGINNING, until, position.day).get(line)
        held = kept.totals[KEPT_AMOUNT] if kept is not None else 0
        passed = self.lines.get(line)
        if passed is not None and passed.by_day is not None:
            return held + sum(amount for worked, amount in passed.by_day if worked < day)
        low, high = self.days
        total = position.book.between(low, min(high, until), position.day).get(line)
        if total is None:
            return held
        return held + total.totals[READY_WITHHELD] - _cuts(position, self.edge, until).get(line, _Cut()).withheld

    def held(self) -> int:
        """All that is held back of work."""
        kept = sum(total.totals[KEPT_AMOUNT] for total in self.position.sums.values())
        return kept + sum(passed.withheld for passed in self.lines.values())

    def underbilled(self) -> Issue:
        """What is still missing on invoices of approved work after what was given up."""
        position, edge = self.position, self.edge
        if not edge.total:
            return position.whole.issues.get(UNDERBILLED, NONE)
        later = position.book.between(edge.day + 1, position.day, position.day)
        rest = merged(later.values()).issues.get(UNDERBILLED, NONE)
        for entry, row, claims in position.book.rows(edge.day, edge.day):
            amount = _missing(row, claims, position.day)
            left = amount - edge.of(row.day, entry, amount)
            if left > 0:
                rest = joined(rest, Issue(1, left, row.time, [(row.day, entry, row.id)]))
        return rest


def unbilled(position: Position, inside: dict[str, Sum], given_up: int) -> Unbilled:
    """What may be billed of a contract's time.

    `inside`: what each line comes to within the term; `given_up`: the amount written off, taken from what is to be
    billed, the oldest work first.
    """
    edge = edge_of(position, given_up)
    cuts = _cuts(position, edge, position.day)
    lines = {line: _passed(position, line, total, edge, cuts.get(line, _Cut())) for line, total in inside.items()}
    return Unbilled(position, edge, lines, _term(position))


def joined(one: Issue, other: Issue) -> Issue:
    """Both; one that counts nothing says nothing."""
    if not one.count or not other.count:
        return one if one.count else other
    evidence = sorted(one.evidence + other.evidence)[:EVIDENCE_LIMIT]
    return Issue(one.count + other.count, one.amount + other.amount, min(one.since, other.since), evidence)


def _term(position: Position) -> tuple[int, int]:
    terms = position.terms
    if terms is None:
        return calendar.BEGINNING, position.day
    return terms.term_from, min(terms.term_to, position.day)


# -- what was given up ------------------------------------------------------------------------------------------------


def edge_of(position: Position, amount: int) -> Edge:
    """Where the amount is used up, walking from the oldest work on; behind everything where there is not as much."""
    if amount <= 0 or position.terms is None:
        return Edge()
    (low, high), day = _term(position), position.day

    def worth(total: Sum) -> int | None:
        """The positive amounts of a sum that are to be billed; None where its entries must be asked."""
        if total.last > day or total.horizon > day:
            return None
        missing = total.issues.get(UNDERBILLED, NONE).amount
        if low <= total.first and total.last <= high:
            return missing + total.totals[ROOM_AMOUNT]
        return missing if total.last < low or total.first > high else None

    def billable(row: Row, claims: Claims | None) -> int:
        if low <= row.day <= high and is_ready(row, claims, day):
            return (row.amount or 0) - row.drawn_amount
        return _missing(row, claims, day)

    taken, rows = position.book.used_up(amount, day, worth, billable)
    for one in take(amount - taken, rows):
        if one.left > 0:
            return Edge(*_place(rows, one), one.written_off, amount)
        taken += one.written_off
    return Edge(calendar.FOREVER, _BEHIND, 0, taken)


def _place(rows: Iterable[tuple[int, str, int]], taken: Taken) -> tuple[int, str]:
    return next((day, entry) for day, entry, _ in rows if entry == taken.entry_id)


def _missing(row: Row, claims: Claims | None, day: int) -> int:
    """What is missing on the invoices of approved work; 0 where nothing is, or something is to be given back."""
    invoiced = claimed(claims, day)
    if not invoiced or row.status != APPROVED or row.amount is None:
        return 0
    found = missing(row, invoiced)
    return max(found[0], 0) if found is not None else 0


def _cuts(position: Position, edge: Edge, until: int) -> dict[str, _Cut]:
    """What was given up of ready work inside the term up to a day, by line."""
    if not edge.total:
        return {}
    low, high = _term(position)
    high = min(high, until)
    cuts = {
        line: _Cut(
            total.totals[ROOM_AMOUNT],
            total.totals[READY_MINUTES] - total.totals[FLAT_MINUTES],
            total.totals[READY_ENTRIES] - total.totals[FLAT_ENTRIES],
            total.totals[READY_WITHHELD] - total.totals[FLAT_WITHHELD],
        )
        for line, total in position.book.between(low, min(high, edge.day - 1), position.day).items()
    }
    if not low <= edge.day <= high:
        return cuts
    for entry, row, claims in position.book.rows(edge.day, edge.day):
        if not is_ready(row, claims, position.day):
            continue
        amount = (row.amount or 0) - row.drawn_amount
        taken = edge.of(row.day, entry, amount)
        if taken:
            whole = taken == amount
            minutes = row.billable_minutes - row.drawn if whole else 0
            held = row.withheld - _share(position, row, amount - taken)
            line = row.line or ""
            cuts[line] = cuts.get(line, _Cut()).more(_Cut(taken, minutes, int(whole), held))
    return cuts


def _share(position: Position, row: Row, amount: int) -> int:
    """What is held back of an amount of an entry, by the terms of its work date."""
    terms = position.agreement.on(row.day) if row.withheld else None
    line = terms.lines.get(row.line or "") if terms is not None else None
    if terms is None or line is None:
        return 0
    return withheld(amount, line.retainage, terms.exponent, half_even=terms.rounding.half_even)


# -- caps -------------------------------------------------------------------------------------------------------------


def _passed(position: Position, line: str, total: Sum, edge: Edge, cut: _Cut) -> Passed:
    """What the line's cap lets pass; opened row by row only when the positive work could exceed it."""
    totals = total.totals
    amount = totals[READY_AMOUNT] - cut.amount
    held = totals[READY_WITHHELD] - cut.withheld
    minutes, entries = totals[READY_MINUTES] - cut.minutes, totals[READY_ENTRIES] - cut.entries
    whole = Passed(amount - held, minutes, entries, held, NONE, False)
    its = position.terms.lines.get(line) if position.terms else None
    if its is None or its.cap is None:
        return whole
    claims = position.sums[line].totals if line in position.sums else totals
    amount_room = None if its.cap.amount is None else its.cap.amount - claims[CLAIMED_AMOUNT]
    minutes_room = None if its.cap.minutes is None else its.cap.minutes - claims[CLAIMED_MINUTES]
    fits = (amount_room is None or totals[ROOM_AMOUNT] - cut.amount <= amount_room) and (
        minutes_room is None or totals[ROOM_MINUTES] - cut.minutes <= minutes_room
    )
    return whole if fits else _walk_cap(position, line, its.cap, amount_room, minutes_room, edge)


class _Under:
    """What a cap let pass so far, and the room that is left. `by_day`: what is held back, where anything is."""

    __slots__ = ("amount", "amount_room", "by_day", "entries", "minutes", "minutes_room", "over")

    def __init__(self, amount_room: int | None, minutes_room: int | None) -> None:
        self.amount_room, self.minutes_room = amount_room, minutes_room
        self.amount = self.minutes = self.entries = 0
        self.by_day: list[tuple[int, int]] = []
        self.over = NONE

    def copy(self) -> _Under:
        other = _Under(self.amount_room, self.minutes_room)
        other.amount, other.minutes, other.entries = self.amount, self.minutes, self.entries
        other.by_day, other.over = list(self.by_day), self.over
        return other


def _walk_cap(
    position: Position, line: str, cap: Cap, amount_room: int | None, minutes_room: int | None, edge: Edge
) -> Passed:
    """Work eats the cap by (work date, entry id); an entry of 0 or less always passes and gives room to later ones.

    Room is below 0 where more was invoiced than the cap: what an entry gives back makes up for that first.
    """
    terms = position.terms
    assert terms is not None  # a cap comes from terms
    exponent = terms.exponent
    warns = cap.on_exceed == "warn"

    def step(under: _Under, entry: str, row: Row, claims: Claims | None) -> Bill | None:
        if row.line != (line or None) or not is_ready(row, claims, position.day):
            return None
        amount, minutes = (row.amount or 0) - row.drawn_amount, row.billable_minutes - row.drawn
        given_up = edge.of(row.day, entry, amount)
        if given_up and given_up == amount:
            return None
        amount -= given_up
        fit = _fitting(amount, minutes, cap, under.amount_room, under.minutes_room, exponent)
        if under.amount_room is not None:
            under.amount_room -= fit[0]
        if under.minutes_room is not None:
            under.minutes_room -= fit[1]
        let = (amount, minutes) if warns else fit
        if fit != (amount, minutes):
            under.over = joined(under.over, Issue(1, amount - fit[0], row.time, [(row.day, entry, row.id)]))
        if let != (amount, minutes) and let == (0, 0):
            return None
        held = _share(position, row, let[0])
        if held:
            under.by_day.append((row.day, held))
        under.amount += let[0] - held
        under.minutes += let[1]
        under.entries += 1
        return Bill(let[0] - held, let[1], held)

    def quarter(page: int) -> Mapping[str, Bill]:
        """What passes of the work of one quarter: walked once more, from what the earlier ones left."""
        if page not in bills:
            under = walks.before(name, page) or begun.copy()
            low, high = max(span[0], calendar.page_start(page)), min(span[1], calendar.page_end(page))
            found = ((entry, step(under, entry, row, claims)) for entry, row, claims in position.book.rows(low, high))
            bills[page] = {entry: bill for entry, bill in found if bill is not None}
        return bills[page]

    bills: dict[int, Mapping[str, Bill]] = {}
    name, span, walks = f"cap/{line}", _term(position), position.walks
    rests_on = (position.agreement, position.day, cap, exponent, amount_room, minutes_room, edge)
    begun = _Under(amount_room, minutes_room)
    under = walks.over(position.book, name, rests_on, span, begun.copy(), step)
    held = sum(amount for _, amount in under.by_day)
    room = amount_room, minutes_room
    return Passed(under.amount, under.minutes, under.entries, held, under.over, warns, under.by_day, quarter, room)


def _fitting(
    amount: int, minutes: int, cap: Cap, amount_room: int | None, minutes_room: int | None, exponent: int
) -> tuple[int, int]:
    """How much of one entry fits under what is left; the rest of it is over the cap."""
    if amount <= 0 and minutes <= 0:
        return amount, minutes
    fits_amount = amount_room is None or amount <= max(amount_room, 0)
    fits_minutes = minutes_room is None or minutes <= max(minutes_room, 0)
    if fits_amount and fits_minutes:
        return amount, minutes
    if cap.on_exceed == "block":
        return 0, 0
    step = 10 ** (6 - exponent)
    let_amount, let_minutes = amount, minutes
    if minutes_room is not None and minutes > max(minutes_room, 0):
        let_minutes = max(minutes_room, 0)
        let_amount = divide(amount * let_minutes, minutes * step) * step if minutes > 0 else 0
    if amount_room is not None and let_amount > max(amount_room, 0):
        let_amount = max(amount_room, 0)
    return (0, 0) if let_amount <= 0 < amount else (let_amount, let_minutes)
