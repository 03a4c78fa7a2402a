"""Weeks of people and groups over the tables of all partitions, for any business date and any known-at.

The agents keep sums for today; here everything is worked out from facts, the same way, for whatever day is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from typing import Any, NamedTuple

from agents.effects import FACTS, PRACTICES, RESOURCES
from agents.people import People, week_row
from app.domain import demand, utilization
from app.domain.demand import Opening
from app.domain.utilization import NOTHING, Figures, Group, added, memberships
from app.engine.refold import refold
from app.engine.topology import partition_of
from app.events.fact import Fact
from tables import Store, leaves, openings, shares
from tables.entities import ENTITIES
from tables.heads import Latest
from tables.holidays import HOLIDAYS
from tables.leaves import LEAVES
from tables.openings import OPENINGS
from tables.policies import POLICIES
from tables.schedules import SCHEDULES
from tables.weeks import WEEKS

_UNKNOWN: Latest = (0, "", "", "")


class Row(NamedTuple):
    """A week as it is published, and the latest fact behind it."""

    payload: dict[str, Any]
    latest: Latest


class Total(NamedTuple):
    """What people come to together, week by week: exact, so totals of several partitions add up."""

    figures: list[Figures]
    latest: list[Latest]


Totals = dict[Group, Total]


class Workforce:
    """Reads the tables of every partition; nothing is kept between two questions but compiled careers."""

    def __init__(self, stores: Sequence[Store]) -> None:
        self.stores = stores
        self.people = [People(store) for store in stores]

    def _of(self, resource_id: str) -> People:
        return self.people[partition_of(resource_id, len(self.stores))]

    def resource_ids(self, after: str = "") -> Iterator[str]:
        """Everybody ever named, in order, beginning behind `after`."""
        for resource_id in merge(*(people.ids() for people in self.people)):
            if resource_id > after:
                yield resource_id

    # -- people -----------------------------------------------------------------------------------------------------

    def weeks(self, resource_id: str, as_of: int, mondays: Sequence[int]) -> list[Row]:
        """The weeks of one person, of these Mondays in their order; none of a person nobody named."""
        return [row for row, _ in self._weeks(self._of(resource_id), resource_id, as_of, mondays)]

    def _weeks(
        self, people: People, resource_id: str, as_of: int, mondays: Sequence[int]
    ) -> Iterator[tuple[Row, list[utilization.Part]]]:
        person = people.person(resource_id)
        if person is not None:
            for monday, told in people.weeks(resource_id, person, mondays, as_of):
                yield Row(week_row(resource_id, monday, as_of, told), told.latest), told.parts

    def alerts(self, as_of: int, mondays: Sequence[int]) -> list[Row]:
        """Who will be on the bench and who rolls off, by resource id; `mondays` are those of the window."""
        rows = []
        for resource_id in self.resource_ids():
            people = self._of(resource_id)
            person = people.person(resource_id)
            assert person is not None  # it was listed
            told = list(people.weeks(resource_id, person, mondays, as_of))
            weeks = [(monday, utilization.settled(week.parts)) for monday, week in told]
            latest = max((week.latest for _, week in told), default=_UNKNOWN)
            rows.append(Row(people.alerts(resource_id, person, as_of, weeks), latest))
        return rows

    # -- groups -----------------------------------------------------------------------------------------------------

    def everybody(self, as_of: int, mondays: Sequence[int]) -> tuple[dict[str, list[Row]], Totals]:
        """The weeks of all people by resource id, and what they come to together."""
        rows: dict[str, list[Row]] = {}
        totals: Totals = {}
        for people in self.people:
            for resource_id in people.ids():
                person = people.person(resource_id)
                assert person is not None  # it was listed
                named = [_total(totals, group, len(mondays)) for group in people.named(resource_id, person)]
                its = rows[resource_id] = []
                for place, (row, parts) in enumerate(self._weeks(people, resource_id, as_of, mondays)):
                    its.append(row)
                    for group, figures in memberships(parts).items():
                        total = _total(totals, group, len(mondays))
                        total.figures[place] = added(total.figures[place], figures)
                    for total in named:
                        total.latest[place] = max(total.latest[place], row.latest)
        return rows, totals

    def groups(self, as_of: int, mondays: Sequence[int]) -> Totals:
        return self.everybody(as_of, mondays)[1]

    # -- demand -----------------------------------------------------------------------------------------------------

    def gaps(self, as_of: int, mondays: Sequence[int]) -> list[Row]:
        """Every role, and role within a practice, that any demand ever named: what is wanted, free and missing."""
        mondays = [monday for monday in mondays if monday + 6 >= as_of]
        totals = self.groups(as_of, mondays)
        return list(gap_rows(list(self.openings()), totals, as_of, mondays))

    def openings(self) -> Iterator[tuple[Group, int, openings.Openings]]:
        """Demand by group and year."""
        for store in self.stores:
            for key, value in store.scan(OPENINGS):
                group, year = shares.parse(key)
                yield group, year, value

    # -- behind -----------------------------------------------------------------------------------------------------

    def behind(self, resource_id: str, monday: int) -> dict[str, Any]:
        """The bookings, the leave and the entries that a person's week rests on, by their ids."""
        people = self._of(resource_id)
        person = people.person(resource_id)
        if person is None:
            return {"bookings": {}, "leave": {}, "entries": {}}
        last = monday + 6
        held = people.bookings(resource_id, person, monday, last)
        off = people.leave(resource_id, person, monday, last)
        entries = people.entries(resource_id, monday)
        return {
            "bookings": {name: one for name, one in held.items() if one.first <= last and monday <= one.last},
            "leave": {name: one for name, one in off.items() if one[0] <= last and monday <= one[1]},
            "entries": dict(entries.rows) if entries is not None else {},
        }

    # -- known at ---------------------------------------------------------------------------------------------------

    def known_at(self, resource_id: str, moment: int) -> Workforce:
        """One person from the facts accepted up to `moment` (microseconds), and no others."""
        return people_as_known(self.facts_behind(resource_id), moment)

    def facts_behind(self, resource_id: str) -> Iterator[Fact]:
        """Every message that any figure of the person may rest on, superseded ones included."""
        store = self.stores[partition_of(resource_id, len(self.stores))]
        yield from told(store, resource_id)
        for key in entities_of(store, resource_id):
            entity = self.stores[partition_of(key, len(self.stores))].get(ENTITIES, key)
            if entity is not None:
                yield from entity.facts


def _total(totals: Totals, group: Group, count: int) -> Total:
    total = totals.get(group)
    if total is None:
        total = totals[group] = Total([NOTHING] * count, [_UNKNOWN] * count)
    return total


def together(parts: Iterable[Totals]) -> Totals:
    """What several partitions' people come to."""
    totals: Totals = {}
    for part in parts:
        for group, its in part.items():
            total = _total(totals, group, len(its.figures))
            total.figures[:] = [added(a, b) for a, b in zip(total.figures, its.figures, strict=True)]
            total.latest[:] = [max(a, b) for a, b in zip(total.latest, its.latest, strict=True)]
    return totals


def group_rows(totals: Totals, as_of: int, mondays: Sequence[int], kinds: Sequence[str]) -> Iterator[tuple[Group, Row]]:
    """The weeks of all groups of these kinds, in the order of kinds, ids and weeks."""
    for kind in kinds:
        for group in sorted(group for group in totals if group[0] == kind):
            total = totals[group]
            for place, monday in enumerate(mondays):
                payload = utilization.row(*group, monday, as_of, total.figures[place])
                yield group, Row(payload, total.latest[place])


def gap_rows(
    wanted: Sequence[tuple[Group, int, openings.Openings]], totals: Totals, as_of: int, mondays: Sequence[int]
) -> Iterator[Row]:
    """Demand less what is free, for every role and practice that `wanted` names, in order."""
    pages: dict[Group, dict[int, openings.Openings]] = {}
    for group, year, page in wanted:
        pages.setdefault(group, {})[year] = page
    for group in sorted(pages):
        its = pages[group]
        if not demand.tells(group[0], bare=any(page.bare for page in its.values())):
            continue
        role, place = utilization.role_and_practice(group)
        total = totals.get(group)
        for number, monday in enumerate(mondays):
            near = demand.near(its, monday)
            open_: dict[str, Opening] = {name: one for page in near for name, one in page.open.items()}
            wants = demand.wanted(monday, as_of, (one for one in open_.values() if place or one.practice is None))
            staff = total.figures[number] if total is not None else NOTHING
            latest = max([total.latest[number] if total is not None else _UNKNOWN, *(page.latest for page in near)])
            yield Row(demand.gap(role, place, monday, as_of, wants, staff), latest)


def people_as_known(facts: Iterable[Fact], moment: int) -> Workforce:
    """Weeks from those of `facts` that were accepted up to `moment` (microseconds)."""
    known = [fact for fact in facts if fact.accepted <= moment]
    moving = ("time", "assignment", "demand")
    shares = (
        (RESOURCES, [fact for fact in known if fact.kind not in moving]),
        (FACTS, [fact for fact in known if fact.kind in moving]),
    )
    return Workforce(refold(shares, (RESOURCES, PRACTICES)).stores)


def told(store: Store, resource_id: str) -> Iterator[Fact]:
    """Every message behind a person that is kept in the person's own slice: career, leave, holidays, policies."""
    for table in (HOLIDAYS, POLICIES):
        for _, entity in store.scan(table):
            yield from entity.facts
    people = People(store)
    person = people.person(resource_id)
    yield from person.facts if person is not None else ()
    for _, entity in store.scan(LEAVES, leaves.key(resource_id, "")):
        yield from entity.facts


def entities_of(store: Store, resource_id: str) -> list[str]:
    """`kind/id` of every entity that ever was with the person; each is kept where its own key leads."""
    keys: set[str] = set()
    for name, week in store.scan(WEEKS, f"{resource_id}|"):
        if name.rpartition("|")[0] == resource_id:
            keys.update(f"time/{entry}" for entry in (*week.rows, *week.gone))
    for name, schedule in store.scan(SCHEDULES, f"{resource_id}|"):
        if name.rpartition("|")[0] == resource_id:
            keys.update(f"assignment/{one}" for one in (*schedule.bookings, *schedule.gone))
    return sorted(keys)
