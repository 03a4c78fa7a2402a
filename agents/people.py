"""Reading a person from the tables: career and calendar compiled, weeks worked out for a day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from app.domain import alerts, calendar, utilization
from app.domain.availability import Calendar, Career, Holidays, Off, career_of, standing_of
from app.domain.regional import Rules, of_people
from app.domain.resolution import effective
from app.domain.utilization import Booking, Figures, Group, Part, Planned
from app.events.fact import Fact
from tables import Store, schedules, weeks
from tables.entities import Entity
from tables.heads import Latest
from tables.holidays import HOLIDAYS
from tables.people import PEOPLE, Person
from tables.policies import POLICIES
from tables.schedules import SCHEDULES, Schedule
from tables.weeks import WEEKS, Week

Pages = Callable[[str, int], Schedule | None]
Entries = Callable[[str, int], Week | None]


class Told(NamedTuple):
    """What a person's week comes to. `latest` is the latest fact behind it, `touched` the last offset of any, `heard`
    when HR last spoke of the person (microseconds; None: never)."""

    parts: list[Part]
    latest: Latest
    touched: int
    heard: int | None


class _Plan(NamedTuple):
    """All of a person's week but the time entries in it; `latest` and `touched` as in `Told`."""

    planned: Planned
    latest: Latest
    touched: int


class Plans:
    """Weeks of one as-of before anybody's time is in them, of as many people as there is room for.

    Who changes a person, or what the person is booked for or off, says so; so does who changes as-of or a holiday.
    """

    LIMIT = 50_000

    def __init__(self) -> None:
        self._by_person: dict[str, dict[int, _Plan]] = {}
        self._count = 0

    def forget(self, resource_id: str) -> None:
        self._count -= len(self._by_person.pop(resource_id, ()))

    def of(self, resource_id: str) -> Mapping[int, _Plan]:
        return self._by_person.get(resource_id, {})

    def keep(self, resource_id: str, plans: Mapping[int, _Plan]) -> None:
        if self._count >= self.LIMIT:
            self._by_person, self._count = {}, 0
        self._by_person.setdefault(resource_id, {}).update(plans)
        self._count += len(plans)


class People:
    """Opens the people of one partition. Compiled careers are kept until they change.

    `page` and `entries` read values that are not written yet.
    """

    LIMIT = 100_000
    MOMENTS = 100
    """Moments of which the holidays and rules known then are kept: more than a ledger has turns."""

    def __init__(self, store: Store, page: Pages | None = None, entries: Entries | None = None) -> None:
        self.store = store
        self.holidays = Holidays()
        self._said_of_holidays: dict[str, Sequence[Fact]] = {}
        self._known_holidays: dict[int, Holidays] = {}
        self._moments: list[int] | None = None
        self._careers: dict[str, tuple[Career, tuple[Group, ...]]] = {}
        self.rules = Rules()
        self._said_of_rules: dict[str, Sequence[Fact]] = {}
        self._known_rules: dict[int, Rules] = {}
        for holiday_id, entity in store.scan(HOLIDAYS):
            self.set_holiday(holiday_id, entity.facts)
        self.ruled = -1
        for policy_id, entity in store.scan(POLICIES):
            self.set_policy(policy_id, entity)
        self.page = page or (lambda person, year: store.get(SCHEDULES, schedules.key(person, year)))
        self.entries = entries or (lambda person, monday: store.get(WEEKS, weeks.key(person, monday)))

    # -- holidays ---------------------------------------------------------------------------------------------------

    def set_holiday(self, holiday_id: str, facts: Sequence[Fact]) -> None:
        self.holidays.put(holiday_id, *_day_off(facts))
        self._said_of_holidays[holiday_id] = facts
        self._known_holidays.clear()
        self._moments = None

    def holidays_at(self, moment: int) -> Holidays:
        """The holidays from what had been accepted at a moment (microseconds)."""
        found = self._known_holidays.get(moment)
        if found is None:
            if len(self._known_holidays) >= self.MOMENTS:
                self._known_holidays.clear()
            found = self._known_holidays[moment] = Holidays()
            for holiday_id, facts in self._said_of_holidays.items():
                if known := [fact for fact in facts if fact.accepted <= moment]:
                    found.put(holiday_id, *_day_off(known))
        return found

    def common_moments(self) -> Sequence[int]:
        """The moments at which anything was accepted about holidays and rules, in order."""
        if self._moments is None:
            said = (*self._said_of_holidays.values(), *self._said_of_rules.values())
            self._moments = sorted({fact.accepted for facts in said for fact in facts})
        return self._moments

    # -- rules ------------------------------------------------------------------------------------------------------

    def set_policy(self, policy_id: str, entity: Entity) -> bool:
        """Take a policy in; whether it is, or was, about people. `ruled` is the last record in any that is."""
        facts = entity.facts
        if not of_people(facts):
            return False
        self.ruled = max(self.ruled, entity.fence)
        self.rules.put(policy_id, facts)
        self._said_of_rules[policy_id] = facts
        self._known_rules.clear()
        self._careers.clear()
        self._moments = None
        return True

    def rules_at(self, moment: int) -> Rules:
        """The rules from what had been accepted at a moment (microseconds)."""
        if all(fact.accepted <= moment for facts in self._said_of_rules.values() for fact in facts):
            return self.rules
        found = self._known_rules.get(moment)
        if found is None:
            if len(self._known_rules) >= self.MOMENTS:
                self._known_rules.clear()
            found = self._known_rules[moment] = Rules()
            for policy_id, facts in self._said_of_rules.items():
                if known := [fact for fact in facts if fact.accepted <= moment]:
                    found.put(policy_id, known)
        return found

    # -- people -----------------------------------------------------------------------------------------------------

    def ids(self) -> Iterable[str]:
        """Everybody who was ever named, in order."""
        return self.store.keys(PEOPLE)

    def person(self, resource_id: str) -> Person | None:
        return self.store.get(PEOPLE, resource_id)

    def forget(self, resource_id: str) -> None:
        """Compile the person anew when asked for next."""
        self._careers.pop(resource_id, None)

    def career(self, resource_id: str, person: Person) -> Career:
        return self._compiled(resource_id, person)[0]

    def career_at(self, resource_id: str, person: Person, moment: int) -> Career:
        """The career from what had been accepted at a moment (microseconds)."""
        known = [fact for fact in person.facts if fact.accepted <= moment]
        rules = self.rules_at(moment)
        if rules is self.rules and len(known) == len(person.facts):
            return self.career(resource_id, person)
        return career_of(known, rules)

    def named(self, resource_id: str, person: Person) -> tuple[Group, ...]:
        """Every group that any message put the person in, one that lost included."""
        return self._compiled(resource_id, person)[1]

    def _compiled(self, resource_id: str, person: Person) -> tuple[Career, tuple[Group, ...]]:
        found = self._careers.get(resource_id)
        if found is None:
            if len(self._careers) >= self.LIMIT:
                self._careers.clear()
            named = {group for fact in person.facts for group in _groups(fact)}
            career = career_of(person.facts, self.rules)
            found = self._careers[resource_id] = career, (utilization.FIRM, *sorted(named))
        return found

    def calendar(self, resource_id: str, person: Person) -> Calendar:
        """The person's calendar over the schedules as they are now: for one question, not to be kept."""
        read: dict[tuple[int, int], list[Off]] = {}

        def leave(first: int, last: int) -> Sequence[Off]:
            years = (calendar.year_of(first), calendar.year_of(last))
            if years not in read:
                read[years] = list(self.leave(resource_id, person, first, last).values())
            return read[years]

        return Calendar(self.career(resource_id, person), self.holidays, leave)

    def leave(self, resource_id: str, person: Person, first: int, last: int) -> dict[str, Off]:
        """The leave that touches the days from `first` to `last`, and perhaps more of those years, by id."""
        years = (calendar.year_of(first), calendar.year_of(last))
        return {
            leave_id: off
            for schedule in self.schedules(resource_id, person, *years)
            for leave_id, off in schedule.leave.items()
        }

    def bookings(self, resource_id: str, person: Person, first: int, last: int) -> dict[str, Booking]:
        """The assignments that touch the days from `first` to `last`, and perhaps more of those years, by id."""
        years = (calendar.year_of(first), calendar.year_of(last))
        return {
            assignment: held.booking
            for schedule in self.schedules(resource_id, person, *years)
            for assignment, held in schedule.bookings.items()
        }

    def schedules(self, resource_id: str, person: Person, first: int, last: int) -> Iterable[Schedule]:
        """The schedules of the years from `first` to `last`, and of what lasts longer."""
        for year in person.years:
            if year == calendar.LONG or first <= year <= last:
                schedule = self.page(resource_id, year)
                if schedule is not None:
                    yield schedule

    # -- figures ----------------------------------------------------------------------------------------------------

    def weeks(
        self, resource_id: str, person: Person, mondays: Sequence[int], as_of: int, plans: Plans | None = None
    ) -> Iterable[tuple[int, Told]]:
        """What the weeks of these Mondays (in order) come to on `as_of`; `plans` keeps what does not depend on time."""
        known = plans.of(resource_id) if plans is not None else {}
        found = dict(self._plans(resource_id, person, [one for one in mondays if one not in known], as_of))
        if plans is not None and found:
            plans.keep(resource_id, found)
        heard = _heard(person)
        for monday in mondays:
            plan = found.get(monday) or known[monday]
            entries = self.entries(resource_id, monday)
            if entries is None:
                yield monday, Told(utilization.worked(plan.planned, as_of, ()), plan.latest, plan.touched, heard)
            else:
                parts = utilization.worked(plan.planned, as_of, entries.rows.values())
                yield monday, Told(parts, max(plan.latest, entries.latest), max(plan.touched, entries.fence), heard)

    def alerts(
        self, resource_id: str, person: Person, as_of: int, weeks: Sequence[tuple[int, Figures]]
    ) -> dict[str, Any]:
        """A person's alerts as they are published; `weeks` are those of the window, by Monday."""
        standing = self.career(resource_id, person).on(as_of)
        limit = self.rules.patience(standing.region if standing is not None else None)
        return alerts.row(resource_id, as_of, weeks, _heard(person), limit)

    def _plans(
        self, resource_id: str, person: Person, mondays: Sequence[int], as_of: int
    ) -> Iterable[tuple[int, _Plan]]:
        if not mondays:
            return
        its = self.calendar(resource_id, person)
        held = list(self.bookings(resource_id, person, mondays[0], mondays[-1] + 6).values())
        behind: dict[tuple[int, int], tuple[Latest, int]] = {}
        for monday in mondays:
            years = calendar.year_of(monday), calendar.year_of(monday + 6)
            if years not in behind:
                latest, touched = person.latest, person.fence
                for schedule in self.schedules(resource_id, person, *years):
                    latest, touched = max(latest, schedule.latest), max(touched, schedule.fence)
                behind[years] = latest, touched
            latest, touched = behind[years]
            touched = max(touched, self._touched_far(resource_id, person, held, monday))
            yield monday, _Plan(utilization.planned(monday, as_of, its, held), latest, touched)

    def _touched_far(self, resource_id: str, person: Person, held: Iterable[Booking], monday: int) -> int:
        """Leave on any day of a booking in total minutes changes what falls on the others."""
        spread = [one for one in held if one.total is not None and one.first <= monday + 6 and monday <= one.last]
        if not spread:
            return -1
        first = calendar.year_of(min(one.first for one in spread))
        last = calendar.year_of(max(one.last for one in spread))
        return max((page.fence for page in self.schedules(resource_id, person, first, last)), default=-1)


def week_row(resource_id: str, monday: int, as_of: int, told: Told) -> dict[str, Any]:
    """A person's week as it is published."""
    target = utilization.last_target(told.parts)
    row = utilization.row("resource", resource_id, monday, as_of, utilization.settled(told.parts), target)
    row["data_age_days"] = alerts.age(told.heard, as_of)
    return row


def _heard(person: Person) -> int | None:
    return person.latest[0] if person.facts else None


def _day_off(facts: Sequence[Fact]) -> tuple[int | None, str | None]:
    """The day of a holiday, None where it was removed, and its region."""
    message, said = effective(facts)
    on = calendar.number(said["date"]) if message.type == "holiday.set.v1" and said.get("date") else None
    return on, said.get("region")


def _groups(fact: Fact) -> list[Group]:
    return utilization.groups_of(standing_of(msgspec.json.decode(fact.data)))
