"""What people are booked for on a contract, day by day, and what it comes to in hours and money.

Sources: design section 5 "Planned", "Exhaustion" (`planned_on`); domain rules R27, R28, R30.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from fractions import Fraction
from math import lcm
from typing import Final, NamedTuple

import msgspec

from app.domain import calendar
from app.domain.money import MICRO
from app.domain.rates import Rates, Scope
from app.domain.terms import Agreement, Terms


class Run(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """A stretch of days, both ends inclusive, with the same net minutes planned on each of some weekdays.

    `weekdays` has a bit for each, Monday 1, Tuesday 2 … Sunday 64; on such a day `minutes` ÷ `per` are planned,
    exactly: 2,400 minutes in a week of five days are 480 ÷ 1, 1,000 in a week of three 1000 ÷ 3.
    """

    first: int
    last: int
    weekdays: int
    minutes: int
    per: int = 1


class Booking(NamedTuple):
    """One person's booking on a contract; `probability` in millionths, `runs` net of holidays and leave."""

    resource_id: str
    role: str | None
    line_id: str | None
    billable: bool
    kind: str
    probability: int
    runs: Sequence[Run]
    assignment_id: str = ""


class Piece(NamedTuple):
    """`value` on each of some weekdays (see `Run`) from `first` to `last`."""

    first: int
    last: int
    weekdays: int
    value: Fraction


class Course:
    """A quantity that comes in day by day, never below 0: what it adds up to, and when it adds up to enough.

    Kept as stretches of days in which every week is like the next, with what all days before each come to, in whole
    numbers over one denominator.
    """

    def __init__(self, pieces: Iterable[Piece]) -> None:
        its = list(pieces)
        self.per = lcm(*(piece.value.denominator for piece in its))
        weeks = _weeks(its, self.per)
        self._starts = [start for start, _ in weeks]
        self._weeks = [week for _, week in weeks]
        self.last = self._starts[-1] - 1  # nothing comes in after it
        self._before = [0]
        for place in range(len(weeks) - 1):
            stretch = _sum(self._weeks[place], self._starts[place], self._starts[place + 1] - 1)
            self._before.append(self._before[place] + stretch)

    def upto(self, day: int) -> Fraction:
        """What all days up to `day` come to."""
        return Fraction(self._upto(day), self.per)

    def after(self, day: int) -> Fraction:
        """What all days after `day` come to."""
        return Fraction(self._before[-1] - self._upto(day), self.per)

    def between(self, after: int, day: int, scale: int) -> int:
        """`scale` × what the days after `after` up to `day` come to, rounded down."""
        return (self._upto(day) - self._upto(after)) * scale // self.per

    def reached(self, day: int, wanted: int) -> int | None:
        """The first day after `day` by which those after it come to `wanted` (> 0); None if they never do."""
        target = self._upto(day) + wanted * self.per
        if self._before[-1] < target:
            return None
        place = bisect_left(self._before, target) - 1
        week, on = self._weeks[place], self._starts[place]
        left = target - self._before[place]
        full = max(0, (left - 1) // sum(week))
        left -= full * sum(week)
        on += full * 7
        while (left := left - week[(on - 1) % 7]) > 0:
            on += 1
        return on

    def _upto(self, day: int) -> int:
        place = bisect_right(self._starts, day) - 1
        if place < 0:
            return 0
        return self._before[place] + _sum(self._weeks[place], self._starts[place], day)


_WEEKDAYS: Final = [[weekday for weekday in range(7) if bits >> weekday & 1] for bits in range(1 << 7)]
"""The weekdays, Monday 0, that each of the values of `weekdays` has a bit for."""


def _weeks(pieces: Iterable[Piece], per: int) -> list[tuple[int, list[int]]]:
    """(first day, value × `per` of each weekday) of stretches in which all pieces together stay the same; the last is
    empty."""
    changes: dict[int, list[int]] = {}
    for piece in pieces:
        units = piece.value.numerator * (per // piece.value.denominator)
        for day, sign in ((piece.first, units), (piece.last + 1, -units)):
            change = changes.setdefault(day, [0] * 7)
            for weekday in _WEEKDAYS[piece.weekdays]:
                change[weekday] += sign
    now = [0] * 7
    found = []
    for day in sorted(changes):
        now = [value + change for value, change in zip(now, changes[day], strict=True)]
        found.append((day, now))
    return found or [(calendar.BEGINNING, now)]


def _sum(week: Sequence[int], first: int, last: int) -> int:
    """What the days from `first` to `last` come to; `week` begins with Monday, and day 1 was one."""
    full, rest = divmod(last - first + 1, 7)
    return full * sum(week) + sum(week[(first + place - 1) % 7] for place in range(rest))


class Measure(IntEnum):
    """What of a contract's bookings is added up: only what burns a budget, so billable work in a chargeable role.

    The first two are the dimensions of burn, of hard bookings; `UNPRICED` are minutes of those without a rate,
    `FOREIGN` of those on days for which another currency is agreed: they are in no amount. Soft ones stand apart, as
    they are, by probability, and what they are worth.
    """

    MINUTES = 0
    AMOUNT = 1
    UNPRICED = 2
    SOFT = 3
    SOFT_WEIGHTED = 4
    SOFT_AMOUNT = 5
    FOREIGN = 6


class Soft(NamedTuple):
    """What a soft booking comes to if it lands; `probability` in millionths."""

    assignment_id: str
    probability: int
    minutes: Course | None
    amount: Course | None


class Schedule:
    """Everything booked on a contract, by line; amounts in micro-units, exactly. Without arguments that is nothing."""

    def __init__(
        self, pieces: Mapping[tuple[str | None, Measure], Iterable[Piece]] | None = None, soft: Sequence[Soft] = ()
    ) -> None:
        self._courses = {key: Course(its) for key, its in (pieces or {}).items()}
        self.soft = soft
        self._weeks: tuple[tuple[int, int, int], list[int]] = ((0, 0, 0), [])

    def course(self, measure: Measure) -> Course | None:
        """What is booked on the contract; None where that is nothing."""
        return self._courses.get((None, measure))

    def weeks(self, monday: int, count: int, scale: int) -> list[int]:
        """`scale` × the minutes booked hard in each of some weeks, rounded down; what was asked last is remembered."""
        asked = monday, count, scale
        if self._weeks[0] != asked:
            course = self.course(Measure.MINUTES)
            starts = range(monday, monday + 7 * count, 7)
            self._weeks = asked, [0 if course is None else course.between(day - 1, day + 6, scale) for day in starts]
        return self._weeks[1]

    def last(self, day: int) -> int | None:
        """A day by which all that is booked after `day`, hard or soft, has come in; None where that is nothing."""
        its = [course for measure in (Measure.MINUTES, Measure.SOFT) if (course := self.course(measure)) is not None]
        return max((course.last for course in its if course.after(day)), default=None)

    def after(self, line: str | None, measure: Measure, day: int) -> Fraction:
        """What is booked after `day`, for a line or (None) the contract."""
        course = self._courses.get((line, measure))
        return course.after(day) if course is not None else Fraction(0)

    def reached(self, line: str | None, measure: Measure, day: int, wanted: int) -> int | None:
        """The first day by which what is booked after `day` comes to `wanted` (> 0); None if it never does."""
        course = self._courses.get((line, measure))
        return course.reached(day, wanted) if course is not None else None


def schedule(bookings: Iterable[Booking], agreement: Agreement, rates: Rates, currency: str | None = None) -> Schedule:
    """What bookings come to under the terms and rates of each day, amounts in `currency` (None: where there is one).

    A booking without a line belongs to the only line of its day, else to the contract. A day's amount is minutes ×
    rate less the line's discount, not rounded: nobody invoices a plan. What an allowance will cover of it is not known.
    """
    pieces: dict[tuple[str | None, Measure], list[Piece]] = {}
    soft = []
    for booking in bookings:
        alone: dict[Measure, list[Piece]] = {}
        for line, measure, piece in charged(booking, agreement, rates, currency):
            alone.setdefault(measure, []).append(piece)
            for key in {(None, measure), (line, measure)} if measure is not Measure.SOFT_AMOUNT else ():
                pieces.setdefault(key, []).append(piece)
        if Measure.SOFT in alone:
            worth = [Course(alone[one]) if one in alone else None for one in (Measure.SOFT, Measure.SOFT_AMOUNT)]
            soft.append(Soft(booking.assignment_id, booking.probability, *worth))
    return Schedule(pieces, soft)


def charged(
    booking: Booking, agreement: Agreement, rates: Rates, currency: str | None = None
) -> Iterator[tuple[str | None, Measure, Piece]]:
    """(line, measure, piece) of all that one booking comes to, as `schedule` adds it up."""
    for run in booking.runs if booking.billable and booking.kind in ("hard", "soft") else ():
        for first, last in _cut(run.first, run.last, [day for day, _ in agreement.steps()]):
            yield from _charged(booking, run, (first, last), agreement.on(first), rates, currency)


def scopes(bookings: Iterable[Booking], agreement: Agreement, rates: Rates) -> set[Scope]:
    """Of the firm's rates, all that `schedule` may look at: until one of them changes, it says the same."""
    clients = {terms.client_id for terms in agreement.every()}
    asked = {(client, one.resource_id, one.role) for one in bookings for client in clients}
    return {scope for one in asked for scope in rates.scopes("bill", *one)}


def _charged(
    booking: Booking, run: Run, days: tuple[int, int], terms: Terms | None, rates: Rates, currency: str | None
) -> Iterator[tuple[str | None, Measure, Piece]]:
    """What a stretch of days under the same terms adds to the measures of the line it belongs to."""
    line_id = booking.line_id or (terms.only_line if terms is not None else None)
    line = terms.lines.get(line_id) if terms is not None and line_id is not None else None
    if line is not None and line.chargeable_roles is not None and booking.role not in line.chargeable_roles:
        return
    whole = Piece(*days, run.weekdays, Fraction(run.minutes, run.per))
    hard = booking.kind == "hard"
    if hard:
        yield line_id, Measure.MINUTES, whole
    else:
        yield line_id, Measure.SOFT, whole
        yield line_id, Measure.SOFT_WEIGHTED, whole._replace(value=whole.value * Fraction(booking.probability, MICRO))
    if terms is None:
        if hard:
            yield line_id, Measure.UNPRICED, whole
        return
    if currency is not None and terms.currency != currency:
        if hard:
            yield line_id, Measure.FOREIGN, whole
        return
    client, discount = terms.client_id, line.discount if line is not None else 0
    for first, last in _cut(*days, rates.turns("bill", client, booking.resource_id, booking.role)):
        piece = whole._replace(first=first, last=last)
        card = rates.find("bill", client, booking.resource_id, booking.role, first)
        if card is not None and card.currency == terms.currency:
            minute = Fraction(card.amount * (MICRO - discount), (terms.day_minutes if card.per_day else 60) * MICRO)
            yield line_id, Measure.AMOUNT if hard else Measure.SOFT_AMOUNT, piece._replace(value=piece.value * minute)
        elif hard:
            yield line_id, Measure.UNPRICED, piece


def _cut(first: int, last: int, days: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The stretch from `first` to `last`, cut before each of `days` (rising) that lies within."""
    for day in days:
        if first < day <= last:
            yield first, day - 1
            first = day
    yield first, last
