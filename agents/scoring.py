"""Scoring forecasts: what people had promised of weeks when those were turned, and what became of it.

Only facts are stored, each with the moment at which it was accepted. What was known at a turn is worked out from them,
so it is the same whenever it is asked for, also after a fact has come in late; and what a person's week comes to is
replaced in the sums of its groups, never added to them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final, TypeVar

import msgspec

from agents.people import People
from app.domain import accuracy, calendar
from app.domain.accuracy import Cell, Pledge, Scope, Tally, Turn
from app.domain.availability import Calendar, Career, Exact, Off
from app.domain.utilization import Booking, Group
from app.events.fact import Fact
from app.events.share import Number
from tables import Store, Table
from tables.openings import Openings
from tables.people import Person
from tables.schedules import Schedule
from tables.turns import FirstTick

V = TypeVar("V")

Scores = dict[Scope, dict[int, Tally]]
"""What a person's week comes to, by where the person was and by weeks ahead."""


# -- turns ---------------------------------------------------------------------------------------------------------


class Ticks:
    """The first tick of each week, as one of the agents of a partition keeps them in `table`."""

    def __init__(self, store: Store, table: Table[FirstTick]) -> None:
        """`touched`: the journal offset of the last tick that was the first of its week."""
        self.table = table
        self._by_week = {int(key): tick for key, tick in store.scan(table)}
        self.touched = max((tick.fence for tick in self._by_week.values()), default=-1)
        self.written: dict[str, FirstTick] = {}

    def take(self, offset: int, fact: Fact) -> bool:
        """Keep a tick if it is the first of its week; whether it is."""
        day = calendar.number(fact.entity)
        monday = calendar.week_start(day)
        known = self._by_week.get(monday)
        if known is not None and (known.accepted, known.on) < (fact.accepted, day):
            return False
        changed = known is None or (known.accepted, known.on) != (fact.accepted, day)
        fence = offset if known is None else max(offset, known.fence)
        self.touched = max(self.touched, fence)
        self._by_week[monday] = self.written[str(monday)] = FirstTick(fence, fact.accepted, day)
        return changed

    def turns(self) -> dict[int, Turn]:
        return accuracy.turns({monday: (tick.accepted, tick.on) for monday, tick in self._by_week.items()})

    def writes(self) -> Iterator[tuple[Table[Any], str, Any]]:
        """What was kept since the last time."""
        yield from ((self.table, key, tick) for key, tick in self.written.items())
        self.written = {}


def stored_ticks(store: Store, table: Table[FirstTick]) -> dict[int, tuple[int, int]]:
    """The first tick of each week that one of the agents of a partition knows of, as `accuracy.turns` takes them."""
    return {int(key): (tick.accepted, tick.on) for key, tick in store.scan(table)}


# -- a person's week -----------------------------------------------------------------------------------------------


def known_at(steps: Sequence[tuple[int, V | None]], moment: int) -> V | None:
    """What was known at a moment; `steps` are (from when, what), in order."""
    place = bisect_right(steps, moment, key=lambda step: step[0])
    return steps[place - 1][1] if place else None


class Foresight:
    """People as they were known to be at some moment, over the tables as they are now: for one question."""

    def __init__(self, people: People, resource_id: str, person: Person) -> None:
        self._people, self._id, self._person = people, resource_id, person
        self._pages: dict[tuple[int, int], list[Schedule]] = {}

    def scores(self, monday: int, cell: Cell) -> Scores:
        """What the person's week comes to for each of its forecasts; whatever knew the same promised the same."""
        if not cell.forecasts:
            return {}
        now = self._people.career(self._id, self._person)
        entries = self._people.entries(self._id, monday) if cell.over else None
        worked = None if not cell.over else list(entries.rows.values()) if entries is not None else []
        same: dict[tuple[int, int], dict[Scope, Tally]] = {}
        moments, common = self._moments(monday), self._people.common_moments()
        found: Scores = {}
        for ahead, turn in cell.forecasts.items():
            place = bisect_right(moments, turn.moment), bisect_right(common, turn.moment)
            its = same.get(place)
            if its is None:
                career, pledges = self.outlook(monday, turn.moment)
                its = same[place] = accuracy.score(monday, career, pledges, now, worked)
            for scope, tally in its.items():
                found.setdefault(scope, {})[ahead] = tally
        return found

    def outlook(self, monday: int, moment: int) -> tuple[Career, list[Pledge]]:
        """Where the person was known to be at a moment, and what was promised of a week."""
        career = self._people.career_at(self._id, self._person, moment)
        bookings: dict[str, Booking] = {}
        for page in self._opened(monday, monday + 6):
            for name, steps in page.past.items():
                booking = known_at(steps, moment)
                if booking is not None and booking.first <= monday + 6 and monday <= booking.last:
                    bookings[name] = booking
        its = Calendar(career, self._people.holidays_at(moment), lambda first, last: self._leave(first, last, moment))
        return career, accuracy.outlook(monday, its, bookings.values())

    def _leave(self, first: int, last: int, moment: int) -> Sequence[Off]:
        found = {
            leave_id: known_at(steps, moment)
            for page in self._opened(first, last)
            for leave_id, steps in page.away.items()
        }
        return [off for off in found.values() if off is not None]

    def _opened(self, first: int, last: int) -> list[Schedule]:
        years = calendar.year_of(first), calendar.year_of(last)
        pages = self._pages.get(years)
        if pages is None:
            pages = self._pages[years] = list(self._people.schedules(self._id, self._person, *years))
        return pages

    def _moments(self, monday: int) -> list[int]:
        """When anything was accepted that the person's week may rest on, holidays and rules apart, in order."""
        moments = {fact.accepted for fact in self._person.facts}
        near = self._opened(monday, monday + 6)
        bookings = [one for page in near for steps in page.past.values() for _, one in steps if one is not None]
        # Leave on any day of a booking in total minutes changes what falls on the others.
        spread = [one for one in bookings if one.total is not None and one.first <= monday + 6 and monday <= one.last]
        first = min((one.first for one in spread), default=monday)
        last = max((one.last for one in spread), default=monday + 6)
        for page in near:
            moments.update(moment for steps in page.past.values() for moment, _ in steps)
        for page in self._opened(min(first, monday), max(last, monday + 6)):
            moments.update(moment for steps in page.away.values() for moment, _ in steps)
        return sorted(moments)


def promised(pages: Iterable[Openings], monday: int, cell: Cell) -> dict[int, Tally]:
    """What unnamed demand had promised of a week, by weeks ahead; `pages` are those that touch the week."""
    past = {name: steps for page in pages for name, steps in page.past.items()}
    filled = {name for page in pages for name in page.filled} if cell.over else None
    found: dict[int, Tally] = {}
    for ahead, turn in cell.forecasts.items():
        known = {name: opening for name, steps in past.items() if (opening := known_at(steps, turn.moment)) is not None}
        if tally := accuracy.demand_tally(monday, known, filled):
            found[ahead] = tally
    return found


# -- sums ----------------------------------------------------------------------------------------------------------

_Told = list[tuple[Scope, dict[int, dict[int, Number]]]]
_write = msgspec.json.Encoder().encode
_read: Final = msgspec.json.Decoder(_Told).decode


def plain(tally: Tally) -> dict[int, Number]:
    return {place: _plain(number) for place, number in tally.items()}


def exact(tally: Mapping[int, Number]) -> Tally:
    return {place: number if isinstance(number, int) else Fraction(number) for place, number in tally.items()}


def _plain(number: Exact) -> Number:
    return number if isinstance(number, int) else int(number) if number.denominator == 1 else str(number)


class Board:
    """What each person's weeks of the ledger came to, and the sums over each group, in the memory of one partition.

    Unlike a person's weeks they do not depend on the day: a tick changes only what was turned, or is over, since.
    """

    def __init__(self) -> None:
        self.cells: dict[int, Cell] = {}
        self._told: dict[str, dict[int, bytes]] = {}
        self._sums: dict[Group, dict[int, dict[int, Tally]]] = {}
        self._due: dict[str, set[int] | None] = {}
        self._same: dict[bytes, bytes] = {}  # most weeks of most people come to what others do

    def turn(self, cells: dict[int, Cell], people: Iterable[str]) -> None:
        """Go over to other weeks: what became another is due for everybody, what is there no more is forgotten."""
        changed = {monday for monday, cell in cells.items() if self.cells.get(monday) != cell}
        gone = self.cells.keys() - cells.keys()
        self.cells = cells
        if changed:
            self._same = {}
        for person in people if changed else ():
            due = self._due.setdefault(person, set())
            if due is not None:
                due.update(changed)
        for monday in gone:
            for told in self._told.values():
                told.pop(monday, None)
            for sums in self._sums.values():
                sums.pop(monday, None)

    def note(self, person: str, monday: int | None) -> None:
        """Some time of the person's week, or anything else of the person (None), may be another."""
        if monday is None:
            self._due[person] = None
        elif monday in self.cells and self.cells[monday].over:
            due = self._due.setdefault(person, set())
            if due is not None:
                due.add(monday)

    def settle(self, people: People, resource_id: str, person: Person) -> Iterator[tuple[Group, int]]:
        """Replace what is due of a person; yields the groups and weeks whose sums became others."""
        due = self._due.pop(resource_id, set())
        mondays = [monday for monday in self.cells if due is None or monday in due]
        if not mondays:
            return
        foresight, told = Foresight(people, resource_id, person), self._told.setdefault(resource_id, {})
        for monday in mondays:
            found = foresight.scores(monday, self.cells[monday])
            now = _write([(scope, {ahead: plain(one) for ahead, one in its.items()}) for scope, its in found.items()])
            before = told.get(monday, b"[]")
            if now == before:
                continue
            told[monday] = self._same.setdefault(now, now)
            for scope, its in _read(before):
                yield from self._put(scope, monday, {ahead: exact(one) for ahead, one in its.items()}, -1)
            for scope, tallies in found.items():
                yield from self._put(scope, monday, tallies, 1)

    def _put(self, scope: Scope, monday: int, tallies: Mapping[int, Tally], times: int) -> Iterator[tuple[Group, int]]:
        for group in accuracy.groups_of(scope):
            sums = self._sums.setdefault(group, {}).setdefault(monday, {})
            for ahead, tally in tallies.items():
                accuracy.include(sums.setdefault(ahead, {}), tally, times)
            yield group, monday

    def tallies(self, group: Group, monday: int) -> dict[int, dict[int, Number]]:
        """The sums of a group's week as they travel."""
        sums = self._sums.get(group, {}).get(monday, {})
        return {ahead: plain(tally) for ahead, tally in sums.items() if tally}
