"""When a person can work: employment, working days, holidays and leave, day by day.

Rules: design.md section 5 (Capacity), domain.md R35, R39, R42. What a person is on a day is said by the highest
revision whose `effective_from` is not after it; nothing that comes later rewrites a day before. Capacity is counted in
`UNIT`ths of a minute, as a week's minutes are divided by 1 to 7 working days.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final, NamedTuple

import msgspec

from app.domain import calendar
from app.domain.money import micro
from app.domain.regional import Broken, Rules, Update, broken
from app.domain.resolution import M, Message, counting

UNIT: Final = 420
"""Parts of a minute that 1, 2, 3, 4, 5, 6 and 7 all divide."""

_WEEKDAYS: Final = (1, 2, 3, 4, 5)

Off = tuple[int, int, int | None]
"""Leave: (first day, last day, minutes on each day; None: the whole day)."""


class Standing(NamedTuple):
    """What a person is from a day on, as one revision says it. `weekdays` has a bit for each working day, Monday 1.

    `target` is in millionths; `first` to `last` is employment. What a revision leaves out is not taken from another
    one: without `weekly_minutes` there is no capacity.
    """

    weekly: int
    weekdays: int
    working: int  # how many days that is
    role: str | None
    practice: str | None
    region: str | None
    target: int | None
    first: int
    last: int

    @property
    def unit(self) -> int:
        """Capacity of a working day before holidays and leave, in `UNIT`ths of a minute."""
        return self.weekly * UNIT // self.working

    def with_hours_of(self, before: Standing | None) -> Standing:
        """The same but for weekly minutes and working days; None: no minutes."""
        if before is None:
            return self._replace(weekly=0)
        return self._replace(weekly=before.weekly, weekdays=before.weekdays, working=before.working)

    def works(self, day: int) -> bool:
        """Whether it is one of the person's working days, inside employment."""
        return self.weekdays >> (day - 1) % 7 & 1 == 1 and self.first <= day <= self.last


def standing_of(said: Mapping[str, Any]) -> Standing:
    """The standing that the fields of a `resource.upserted` describe."""
    days = said.get("working_days") or _WEEKDAYS
    target = said.get("target_ratio")
    begun, ended = said.get("employed_from"), said.get("employed_to")
    return Standing(
        said.get("weekly_minutes") or 0,
        sum(1 << day - 1 for day in days),
        len(days),
        said.get("role"),
        said.get("practice"),
        said.get("region"),
        micro(target) if target is not None else None,
        calendar.number(begun) if begun else calendar.BEGINNING,
        calendar.number(ended) if ended else calendar.FOREVER,
    )


class Stretch(NamedTuple):
    """Days, both ends inclusive, on which a person is one and the same; None: nothing is known of them."""

    first: int
    last: int
    standing: Standing | None


class Career:
    """What a person is on every day: the standings of all counting revisions, in the order of days."""

    def __init__(
        self, standings: Iterable[tuple[int, int, Standing]] = (), refused: Container[int] = frozenset()
    ) -> None:
        """`standings` are (effective from, revision, standing); the hours of `refused` revisions are not taken."""
        its = sorted(standings, key=lambda one: one[1])
        self._starts: list[int] = []
        self._held: list[Standing] = []
        for start in sorted({first for first, _, _ in its}):
            begun = [one for one in reversed(its) if one[0] <= start]
            held = begun[0][2]
            if refused and begun[0][1] in refused:
                held = held.with_hours_of(next((one[2] for one in begun if one[1] not in refused), None))
            if not self._held or held != self._held[-1]:
                self._starts.append(start)
                self._held.append(held)

    def on(self, day: int) -> Standing | None:
        place = bisect_right(self._starts, day)
        return self._held[place - 1] if place else None

    def stretches(self, first: int, last: int) -> Iterator[Stretch]:
        """The days from `first` to `last`, cut where the person becomes another."""
        place = bisect_right(self._starts, first)
        while first <= last:
            until = self._starts[place] - 1 if place < len(self._starts) else calendar.FOREVER
            yield Stretch(first, min(until, last), self._held[place - 1] if place else None)
            first, place = until + 1, place + 1


def career_of(messages: Sequence[M], rules: Rules | None = None) -> Career:
    """The career that a person's `resource.upserted` messages tell; every revision counts in its own right.

    The hours of one that breaks a rule of its region are not taken where the rule blocks.
    """
    refused = (
        {message.revision for message in counting(messages) if rules.refuses(update_of(message))}
        if rules and messages
        else frozenset()
    )
    return Career(_standings(messages), refused)


def _standings(messages: Sequence[M]) -> Iterator[tuple[int, int, Standing]]:
    for message in counting(messages) if messages else ():
        said = msgspec.json.decode(message.data)
        yield calendar.number(said["effective_from"]), message.revision, standing_of(said)


def update_of(message: Message) -> Update:
    """What a `resource.upserted` message says of a calendar, as regional rules look at it."""
    said = msgspec.json.decode(message.data)
    standing = standing_of(said)
    return Update(calendar.number(said["effective_from"]), standing.region, standing.weekly, standing.weekdays)


def broken_by(messages: Sequence[M], rules: Rules) -> list[Broken]:
    """The updates of one person that break a rule of their region and are held on some day, highest revision first."""
    return list(broken([(message, update_of(message)) for message in counting(messages)], rules)) if messages else []


class Holidays:
    """Days off, of everybody or of a region; a holiday is known by its id, as its date and region may change."""

    def __init__(self) -> None:
        self._by_id: dict[str, tuple[int, str | None]] = {}
        self._sorted: dict[str | None, set[int]] | None = {}  # None: a holiday changed since
        self._weeks: dict[str | None, set[int]] = {}

    def put(self, holiday_id: str, day: int | None, region: str | None) -> None:
        """The holiday is on `day` (None: it is none) in `region` (None: everywhere)."""
        self._by_id.pop(holiday_id, None)
        if day is not None:
            self._by_id[holiday_id] = day, region
        self._sorted = None

    @property
    def _days(self) -> dict[str | None, set[int]]:
        """Days by region; None: everywhere."""
        if self._sorted is None:
            self._sorted = {}
            self._weeks = {}
            for on, where in self._by_id.values():
                self._sorted.setdefault(where, set()).add(on)
                self._weeks.setdefault(where, set()).add(calendar.week_start(on))
        return self._sorted

    def on(self, holiday_id: str) -> int | None:
        found = self._by_id.get(holiday_id)
        return None if found is None else found[0]

    def off(self, day: int, region: str | None) -> bool:
        days = self._days
        return day in days.get(None, ()) or (region is not None and day in days.get(region, ()))

    def any_in(self, monday: int, region: str | None) -> bool:
        """Whether a week has any holiday of a region."""
        if not self._days:
            return False
        return monday in self._weeks.get(None, ()) or monday in self._weeks.get(region, ())

    def within(self, first: int, last: int, region: str | None) -> set[int]:
        """The holidays of a region from `first` to `last`."""
        days = self._days
        its = [*days.get(None, ()), *(days.get(region, ()) if region is not None else ())]
        return {day for day in its if first <= day <= last}


class Day(NamedTuple):
    """A working day, in `UNIT`ths of a minute: what it offers, what a holiday and leave take, what is left."""

    gross: int
    holiday: int
    leave: int
    net: int


def day_of(day: int, standing: Standing, holidays: Holidays, leave: Iterable[Off]) -> Day:
    """Capacity of one of the working days of `standing`: a holiday takes it whole, leave what is left at most.

    By hand: 480 minutes less 180 and 240 of two leaves are 60; on a holiday nothing is left to take.
    """
    gross = standing.unit
    if holidays.off(day, standing.region):
        return Day(gross, gross, 0, 0)
    taken = 0
    for first, last, minutes in leave:
        if first <= day <= last:
            taken += gross if minutes is None else minutes * UNIT
    taken = min(taken, gross)
    return Day(gross, 0, taken, gross - taken)


class Calendar:
    """One person's calendar. `leave` gives whatever leave touches the days from one to another, and perhaps more."""

    def __init__(self, career: Career, holidays: Holidays, leave: Callable[[int, int], Sequence[Off]]) -> None:
        self.career, self.holidays, self.leave = career, holidays, leave
        self._counted: dict[tuple[int, int], int] = {}

    def exceptions(self, stretch: Stretch) -> list[int]:
        """The working days of a stretch that a holiday or leave touches, in order."""
        standing = stretch.standing
        if standing is None:
            return []
        first, last = max(stretch.first, standing.first), min(stretch.last, standing.last)
        days = self.holidays.within(first, last, standing.region)
        for begins, ends, _ in self.leave(first, last):
            days.update(range(max(begins, first), min(ends, last) + 1))
        return sorted(day for day in days if standing.works(day))

    def days_with_capacity(self, first: int, last: int) -> int:
        """How many days from `first` to `last` have any capacity left."""
        found = self._counted.get((first, last))
        if found is None:
            stretches = self.career.stretches(first, last)
            found = self._counted[first, last] = sum(self._count(stretch) for stretch in stretches)
        return found

    def _count(self, stretch: Stretch) -> int:
        standing = stretch.standing
        if standing is None or not standing.weekly:
            return 0
        leave = self.leave(stretch.first, stretch.last)
        touched = self.exceptions(stretch)
        return working_days(stretch, standing) - sum(
            day_of(day, standing, self.holidays, leave).net == 0 for day in touched
        )


def working_days(stretch: Stretch, standing: Standing) -> int:
    """How many working days of the standing a stretch has, whole weeks at once."""
    first, last = max(stretch.first, standing.first), min(stretch.last, standing.last)
    if last < first:
        return 0
    weeks, rest = divmod(last - first + 1, 7)
    return weeks * standing.working + sum(standing.works(day) for day in range(last - rest + 1, last + 1))


Exact = int | Fraction
"""A number that no rounding has touched."""


def share(part: int, whole: int) -> Exact:
    """`part ÷ whole`, an int where it is one."""
    quotient, rest = divmod(part, whole)
    return Fraction(part, whole) if rest else quotient
