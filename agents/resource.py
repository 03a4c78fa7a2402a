"""Resource: everybody's calendar, bookings and time, week by week, published and shared with their groups."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from agents.alarms import STAFFING, kept, raised, resolved
from agents.custody import Register, cause_of, merge, merge_version, raise_conflicts, recalled
from agents.effects import ALERTS, ENGAGEMENTS, PRACTICES, UTILIZATION, Batch, Effects, Send, Statement, key_of
from agents.people import People, Plans, Told, week_row
from agents.scoring import Board, Ticks
from app.domain import accuracy, calendar, utilization
from app.domain.availability import Exact, Off, broken_by, update_of
from app.domain.regional import RULE, Broken
from app.domain.resolution import effective, is_news, name_of
from app.domain.utilization import NOTHING, WINDOW, Booking, Given, Group, Part, Window, added, given, runs, settled
from app.events.fact import Fact
from app.events.plan import Plan
from app.events.share import Number, Share, Weekly
from app.events.stint import Assigned, Stint
from tables import Store, Table, leaves, people, schedules, weeks
from tables.entities import Entity
from tables.exceptions import EXCEPTIONS as RAISED
from tables.exceptions import Raised
from tables.heads import Latest
from tables.holidays import HOLIDAYS
from tables.leaves import LEAVES
from tables.people import PEOPLE, Person
from tables.policies import POLICIES
from tables.schedules import SCHEDULES, Held, Schedule
from tables.turns import TURNS
from tables.weeks import WEEKS, Week

Weeks = Sequence[tuple[int, utilization.Figures]]
_UNKNOWN: Final[Latest] = (0, "", "", "")


async def resource(batches: AsyncIterator[Batch], store: Store, window: Window = WINDOW) -> AsyncIterator[Effects]:
    """Fold each batch of a partition's journal into its people and publish the weeks that came to be others."""
    agent: _Resource | None = None
    async for batch in batches:
        agent = agent or _Resource(store, batch.partition, window)
        yield _Work(agent, batch).fold()


class _Resource:
    """The agent's memory of one partition. What was told last is worked out anew after every start and tick, so nothing
    but facts has to be stored."""

    def __init__(self, store: Store, partition: int, window: Window) -> None:
        self.store, self.partition, self.window = store, partition, window
        self.weeks: dict[tuple[str, int], Week] = {}  # not written yet: values of the batch at hand
        self.schedules: dict[tuple[str, int], Schedule] = {}
        self.readers = People(store, self.schedule, self.week)
        self.known = set(store.keys(PEOPLE))
        # Everybody is due: after a tick, and at the start, when nobody knows what was said last.
        self.restate = True
        self.due: dict[str, set[int] | None] = {}  # person → weeks that may have changed; None: any
        self.queue: deque[str] = deque()  # everybody who is due, and some who were
        self.untold: set[str] = set()
        self.plans = Plans()
        self.ledger = Ledger()
        self.ticks = Ticks(store, TURNS)
        self.board = Board()

    def week(self, person: str, monday: int) -> Week | None:
        return self.weeks.get((person, monday)) or self.store.get(WEEKS, weeks.key(person, monday))

    def schedule(self, person: str, year: int) -> Schedule | None:
        return self.schedules.get((person, year)) or self.store.get(SCHEDULES, schedules.key(person, year))

    def note(self, person: str, monday: int | None) -> None:
        """A week of the person, or any of them, may come to something else; without a Monday, by more than time."""
        self.board.note(person, monday)
        if monday is None:
            self.plans.forget(person)
        if self.restate:
            return
        if person not in self.due:
            self.queue.append(person)
        if monday is None:
            self.due[person] = None
        elif (due := self.due.setdefault(person, set())) is not None:
            due.add(monday)


class Ledger:
    """What each person's weeks were told to come to, and the sums over each group: figures of one as-of."""

    def __init__(self, as_of: int = 0, mondays: Sequence[int] = ()) -> None:
        self.as_of, self.mondays = as_of, mondays
        self._told: dict[str, list[tuple[tuple[Part, ...], Latest, int | None] | None]] = {}
        self._touched: dict[str, int] = {}  # the last offset of anything behind a person's weeks
        self._alerts: dict[str, tuple[dict[str, Any], Latest]] = {}
        self._same: dict[Any, Any] = {}  # most weeks of most people come to what others do
        self._named: dict[str, tuple[Group, ...]] = {}
        self._sums: dict[Group, list[utilization.Figures]] = {}
        self._latest: dict[Group, list[Latest]] = {}
        # By place: what people's weeks came to give since the sums were made, and how often (below 0: no longer), and
        # the latest fact behind those of people who are in the same groups. Most come to what others do.
        self._moved: list[dict[Given, int]] = [{} for _ in mondays]
        self._raised: list[dict[tuple[Group, ...], Latest]] = [{} for _ in mondays]
        self.changed: dict[Group, set[int]] = {}

    def name(self, person: str, named: tuple[Group, ...]) -> None:
        """Take in which groups messages put the person in; all that is behind the person is behind them."""
        if self._named.get(person) == named:
            return
        self._named[person] = named
        for group in named:
            self._of(group)
            for place, known in enumerate(self._told.get(person, ())):
                if known is not None:
                    self._raise_latest(group, place, known[1])

    def tell(self, person: str, monday: int, told: Told) -> bool:
        """Take in what a week comes to; False if that is nothing new."""
        place = (monday - self.mondays[0]) // 7
        its = self._told.get(person)
        if its is None:
            its = self._told[person] = [None] * len(self.mondays)
        parts = tuple(told.parts)
        now = self._same.setdefault(parts, parts), self._same.setdefault(told.latest, told.latest), told.heard
        before = its[place]
        if before == now:
            return False
        its[place] = now
        if before is not None:
            self._move(place, before[0], -1)
        self._move(place, now[0], 1)
        raised, named = self._raised[place], self._named[person]
        if told.latest > raised.get(named, _UNKNOWN):
            raised[named] = told.latest
        return True

    def _move(self, place: int, parts: tuple[Part, ...], by: int) -> None:
        moved = self._moved[place]
        for one in given(parts):
            count = moved.get(one, 0) + by
            if count:
                moved[one] = count
            else:
                del moved[one]

    @property
    def owes(self) -> bool:
        """Whether any group is to be told of anything."""
        return bool(self.changed) or any(self._moved) or any(self._raised)

    def _add_up(self) -> None:
        """Put into the sums of groups what was moved since."""
        for place, monday in enumerate(self.mondays):
            moves: dict[tuple[Group, ...], utilization.Figures] = {}
            for (groups, figures), count in self._moved[place].items():
                more = figures if count == 1 else tuple([count * number for number in figures])
                moves[groups] = added(moves[groups], more) if groups in moves else more
            for groups, figures in moves.items():
                for group in groups if any(figures) else ():
                    sums = self._of(group)
                    sums[place] = added(sums[place], figures)
                    self.changed[group].add(monday)
            for named, latest in self._raised[place].items():
                for group in named:
                    self._raise_latest(group, place, latest)
            self._moved[place].clear()
            self._raised[place].clear()

    def alert(self, person: str, work_out: Callable[[Weeks], dict[str, Any]]) -> tuple[dict[str, Any], Latest] | None:
        """The person's alerts, from what the weeks come to, and the latest fact behind these; None where both were told
        so before."""
        told = [one for one in self._told[person] if one is not None]
        weeks = [(monday, settled(one[0])) for monday, one in zip(self.mondays, told, strict=True)]
        now = work_out(weeks), max(one[1] for one in told)
        if self._alerts.get(person) == now:
            return None
        self._alerts[person] = now
        return now

    def touch(self, person: str, offset: int) -> int:
        """Note the last offset of something behind the person's weeks; the last one of all."""
        self._touched[person] = max(offset, self._touched.get(person, -1))
        return self._touched[person]

    def _raise_latest(self, group: Group, place: int, latest: Latest) -> None:
        self._of(group)
        known = self._latest[group]
        if latest > known[place]:
            known[place] = latest
            self.changed[group].add(self.mondays[place])

    def _of(self, group: Group) -> list[utilization.Figures]:
        sums = self._sums.get(group)
        if sums is None:
            sums = self._sums[group] = [NOTHING] * len(self.mondays)
            self._latest[group] = [_UNKNOWN] * len(self.mondays)
            self.changed[group] = set(self.mondays)
        elif group not in self.changed:
            self.changed[group] = set()
        return sums

    def mark(self, group: Group, monday: int) -> None:
        """What was promised of a group's week, or became of it, is another."""
        self._of(group)
        self.changed[group].add(monday)

    def shares(self, sender: int, number: int, board: Board) -> Iterator[Share]:
        """What has changed since the last time, group by group."""
        self._add_up()
        for group in sorted(self.changed):
            changed = self.changed[group]
            if changed:
                sums, latest = self._sums[group], self._latest[group]
                places = [(monday, (monday - self.mondays[0]) // 7) for monday in sorted(changed)]
                its = {
                    monday: Weekly([_number(n) for n in sums[i]], latest[i], board.tallies(group, monday))
                    for monday, i in places
                }
                yield Share(*group, sender, number, self.as_of, its)
        self.changed = {}


def _number(exact: Exact) -> Number:
    if type(exact) is int:  # nearly always, and asking for a `Fraction` is dear
        return exact
    return int(exact) if exact.denominator == 1 else str(exact)


class _Work:
    """One batch."""

    def __init__(self, agent: _Resource, batch: Batch) -> None:
        self.agent, self.store, self.batch = agent, agent.store, batch
        self.last = batch.records[-1].offset if batch.records else -1
        self.effects = Effects(batch)
        self.register = Register(self.store, f"resource/{agent.partition}")
        agent.weeks, agent.schedules = {}, {}
        self.people: dict[str, Person] = {}
        self.leaves: dict[str, Entity] = {}
        self.holidays: dict[str, Entity] = {}
        self.policies: dict[str, Entity] = {}
        self.booked: dict[tuple[str, str], Assigned] = {}  # assignments that were told, by person
        self.recast: dict[str, list[tuple[int, int]]] = {}  # person → days on which the calendar is another
        self.days_off: set[int] = set()  # on which there was or is a holiday that changed

    def fold(self) -> Effects:
        for record in self.batch.records:
            self._take(record.offset, record.value)
        self._send_plans()
        if self.batch.publish:
            self._publish()
        self.effects.owing = len(self.agent.due) + self.agent.ledger.owes
        self._write()
        return self.effects

    def _take(self, offset: int, value: Any) -> None:
        if isinstance(value, Stint):
            self._settle(offset, value)
        elif isinstance(value, Assigned):
            self._assign(offset, value)
        elif not self.register.redelivered(offset, value):
            kind = value.kind
            if kind == "resource":
                self._describe(offset, value)
            elif kind == "leave":
                self._leave(offset, value)
            elif kind == "holiday":
                self._holiday(offset, value)
            elif kind == "policy":
                self._policy(offset, value)
            elif kind == "clock":
                self._tick(offset, value)

    # -- values -----------------------------------------------------------------------------------------------------

    def _meet(self, resource_id: str) -> None:
        """Whoever is named has a value."""
        if resource_id not in self.agent.known:
            self.agent.known.add(resource_id)
            self.people[resource_id] = people.new()
            self.agent.note(resource_id, None)

    def _person(self, resource_id: str) -> Person:
        self._meet(resource_id)
        person = self.people.get(resource_id) or self.store.get(PEOPLE, resource_id)
        assert person is not None  # it is known
        return person

    def _week(self, resource_id: str, monday: int) -> Week:
        key = (resource_id, monday)
        week = self.agent.weeks.get(key)
        if week is None:
            week = self.store.get(WEEKS, weeks.key(resource_id, monday)) or weeks.new()
            self.agent.weeks[key] = week
        return week

    def _open(
        self, offset: int, resource_id: str, spans: Iterable[tuple[int, int]], latest: Latest
    ) -> Iterator[tuple[int, Schedule]]:
        """The schedules that hold what lasts these days, by year, unless they include the record already.

        The person remembers which there are.
        """
        person = self._person(resource_id)
        for year in calendar.years_of_all(spans):
            if year not in person.years:
                person.years = sorted((*person.years, year))
                self.people[resource_id] = person
            schedule = self._schedule(resource_id, year)
            if offset > schedule.fence:
                schedule.fence, schedule.latest = offset, max(schedule.latest, latest)
                yield year, schedule

    def _schedule(self, resource_id: str, year: int) -> Schedule:
        key = (resource_id, year)
        schedule = self.agent.schedules.get(key)
        if schedule is None:
            stored = self.store.get(SCHEDULES, schedules.key(resource_id, year))
            schedule = self.agent.schedules[key] = stored or schedules.new()
        return schedule

    # -- facts in ---------------------------------------------------------------------------------------------------

    def _settle(self, offset: int, stint: Stint) -> None:
        """Put a time entry into its week, and let the other weeks go of it."""
        person, entry = stint.resource_id, stint.entity
        self._meet(person)
        latest = (stint.time, stint.source, stint.id, stint.correlation or "")
        for monday in stint.others:
            week = self._week(person, monday)
            self.agent.note(person, monday)
            if offset > week.fence:
                week.fence, week.latest = offset, max(week.latest, latest)
                if not is_news(week.told, entry, stint.n):
                    continue
                week.rows.pop(entry, None)
                if entry not in week.gone:
                    week.gone.append(entry)
        if stint.here is not None and stint.worked is not None:
            week = self._week(person, stint.here)
            self.agent.note(person, stint.here)
            if offset > week.fence:
                week.fence = offset
                if latest > week.latest:
                    week.latest = latest
                if is_news(week.told, entry, stint.n):
                    week.rows[entry] = stint.worked
                    if entry in week.gone:
                        week.gone.remove(entry)

    def _assign(self, offset: int, said: Assigned) -> None:
        """Put a booking into the schedules of its years, and let the others go of it."""
        person, name, booking = said.resource_id, said.entity, said.booking
        latest = (said.time, said.source, said.id, said.correlation or "")
        for year, schedule in self._open(offset, person, said.spans, latest):
            if not is_news(schedule.told, name, said.n):
                continue
            here = booking is not None and year in calendar.years_of(booking.first, booking.last)
            if name in schedule.gone:
                schedule.gone.remove(name)
            if booking is not None and here:
                schedule.bookings[name] = Held(booking, latest, said.since)
            else:
                schedule.bookings.pop(name, None)
                schedule.gone.append(name)
            schedule.past[name] = said.past
        years = calendar.years_of_all(said.spans)
        if any(self._schedule(person, year).told.get(name, 0) > said.n for year in years):
            return  # contracts know a later one already
        self.booked[person, name] = said
        self.agent.note(person, None)

    def _describe(self, offset: int, fact: Fact) -> None:
        """What a person is from a day on."""
        person = self._person(fact.entity)
        self.people[fact.entity] = person
        if offset > person.fence:
            person.fence, person.latest = offset, max(person.latest, _latest(fact))
            self.register.count(offset, merge_version(person.facts, fact))
        else:
            self.register.count(offset, recalled(person.facts, fact))
        raise_conflicts(self.effects, f"resource/{fact.entity}", person.facts, person.fence)
        self._judge(fact.entity, person)
        self.agent.readers.forget(fact.entity)
        self._recast(fact.entity, (calendar.BEGINNING, calendar.FOREVER))

    def _leave(self, offset: int, fact: Fact) -> None:
        """Leave belongs to the person that its messages name: to each what they say of that one."""
        resource_id = _names(fact.data).resource_id
        key = leaves.key(resource_id, fact.entity)
        entity = self.leaves.get(key) or self.store.get(LEAVES, key)
        if entity is None:
            entity, disposition = Entity(offset, 1, [fact]), "applied"
        elif offset > entity.fence:
            entity.fence, disposition = offset, merge(entity.facts, fact)
        else:
            disposition = recalled(entity.facts, fact)
        self.leaves[key] = entity
        self.register.count(offset, disposition)
        raise_conflicts(self.effects, key_of("leave", resource_id, fact.entity), entity.facts, entity.fence)
        self._place_leave(offset, resource_id, fact.entity, entity.facts)

    def _place_leave(self, offset: int, resource_id: str, leave_id: str, said: Sequence[Fact]) -> None:
        spans = [span for fact in said if (span := _span(_names(fact.data))) is not None]
        off = _off(said)
        moments = sorted({fact.accepted for fact in said})
        past = [(moment, _off([fact for fact in said if fact.accepted <= moment])) for moment in moments]
        for year, schedule in self._open(offset, resource_id, spans, max(map(_latest, said))):
            if off is not None and year in calendar.years_of(*off[:2]):
                schedule.leave[leave_id] = off
            else:
                schedule.leave.pop(leave_id, None)
            schedule.away[leave_id] = past
        self._meet(resource_id)
        for span in spans:
            self._recast(resource_id, span)

    def _recast(self, resource_id: str, days: tuple[int, int]) -> None:
        self.recast.setdefault(resource_id, []).append(days)
        self.agent.note(resource_id, None)

    # -- what everybody is told -------------------------------------------------------------------------------------

    def _holiday(self, offset: int, fact: Fact) -> None:
        """A copy in every partition, counted where engagements are."""
        holiday_id = fact.entity
        entity = self.holidays.get(holiday_id) or self.store.get(HOLIDAYS, holiday_id)
        if entity is None:
            entity = Entity(offset, 1, [fact])
        elif offset > entity.fence:
            merge(entity.facts, fact)
            entity.fence = offset
        self.holidays[holiday_id] = entity
        self.agent.readers.set_holiday(holiday_id, entity.facts)
        # A crash kept the holiday, perhaps without its consequences: it may have been on any day that was ever said.
        self.days_off.update(calendar.number(day) for said in entity.facts if (day := _names(said.data).date))
        control = self.register.control
        control.ticked = max(offset, control.ticked)

    def _policy(self, offset: int, fact: Fact) -> None:
        """A copy in every partition, counted where engagements are; one about people may touch everybody here."""
        entity = self.policies.get(fact.entity) or self.store.get(POLICIES, fact.entity)
        if entity is None:
            entity = Entity(offset, 1, [fact])
        elif offset > entity.fence:
            merge(entity.facts, fact)
            entity.fence = offset
        self.policies[fact.entity] = entity
        readers = self.agent.readers
        if not readers.set_policy(fact.entity, entity):
            return
        self.agent.restate = True
        control = self.register.control
        control.ticked = max(offset, control.ticked)
        # A crash kept the policy, perhaps without its consequences: whoever it ever concerned is looked at again.
        regions = readers.rules.regions(fact.entity)
        for resource_id in sorted(self.agent.known) if regions else ():
            person = self._person(resource_id)
            if regions & {None, *(update_of(said).region for said in person.facts)}:
                self._judge(resource_id, person)
                self._recast(resource_id, (calendar.BEGINNING, calendar.FOREVER))

    def _judge(self, resource_id: str, person: Person) -> None:
        """Raise what of HR's updates breaks a rule of its region, and take back what broke one and does not now.

        The version is the last record behind it, which after a crash may be later than the one that is read again.
        """
        rules, subject = self.agent.readers.rules, f"resource/{resource_id}"
        ever = {said.revision for said in person.facts if rules.ever_broken(update_of(said))}
        if not ever:
            return
        standing = {one.message.revision: one for one in broken_by(person.facts, rules)}
        cause, version = cause_of(person.facts), max(person.fence, self.agent.readers.ruled)
        for revision in sorted(ever):
            name, found = f"{RULE}/{subject}/{revision}", standing.get(revision)
            said = _raised(found, subject, version) if found is not None else None
            self.effects.writes.append((RAISED, name, said))
            self.effects.statements.append(
                resolved(name, RULE, subject, version, cause)
                if said is None
                else raised(kept(STAFFING, name, said), version, cause)
            )

    def _tick(self, offset: int, fact: Fact) -> None:
        """Today moves, for everybody in the partition; a lower tick only tells when its week was turned."""
        control, today = self.register.control, calendar.number(fact.entity)
        if self.agent.ticks.take(offset, fact):
            self.agent.restate = True
        if today >= control.today:
            self.agent.restate = True
            if today > control.today:
                control.today, control.ticked = today, max(offset, control.ticked)

    # -- plans ------------------------------------------------------------------------------------------------------

    def _send_plans(self) -> None:
        """Tell contracts what bookings come to: those that were told here, and those whose days became others."""
        if self.days_off:
            days = [(day, day) for day in sorted(self.days_off)]
            for resource_id in sorted(self.agent.known):
                self.recast.setdefault(resource_id, []).extend(days)
                self.agent.note(resource_id, None)
        for (resource_id, name), said in self.booked.items():
            for contract_id in said.contracts:
                latest = (said.time, said.source, said.id, said.correlation or "")
                here = said.booking if said.booking is not None and said.booking.contract_id == contract_id else None
                self._send_plan(name, resource_id, contract_id, here, latest, said.since)
        for resource_id, spans in self.recast.items():
            for name, held in self._touched(resource_id, spans).items():
                if (resource_id, name) not in self.booked:
                    booking = held.booking
                    self._send_plan(name, resource_id, booking.contract_id, booking, held.latest, held.since)

    def _touched(self, resource_id: str, spans: Sequence[tuple[int, int]]) -> dict[str, Held]:
        """The bookings that any of these days lie in."""
        person = self._person(resource_id)
        first, last = min(low for low, _ in spans), max(high for _, high in spans)
        years = calendar.year_of(first), calendar.year_of(last)
        return {
            name: held
            for schedule in self.agent.readers.schedules(resource_id, person, *years)
            for name, held in schedule.bookings.items()
            if any(low <= held.booking.last and held.booking.first <= high for low, high in spans)
        }

    def _send_plan(
        self, name: str, resource_id: str, contract_id: str, booking: Booking | None, latest: Latest, since: int
    ) -> None:
        time, source, id_, correlation = latest
        plan = Plan(
            name,
            resource_id,
            contract_id,
            self.last,
            booking.role if booking is not None else None,
            booking.line_id if booking is not None else None,
            booking.billable if booking is not None else True,
            booking.kind if booking is not None else utilization.HARD,
            booking.probability if booking is not None else 0,
            self._runs(resource_id, booking) if booking is not None else [],
            time,
            source,
            id_,
            correlation or None,
            since,
        )
        self.effects.sends.append(Send(ENGAGEMENTS, contract_id, plan))

    def _runs(self, resource_id: str, booking: Booking) -> list[Any]:
        return runs(booking, self.agent.readers.calendar(resource_id, self._person(resource_id)))

    # -- out --------------------------------------------------------------------------------------------------------

    def _publish(self) -> None:
        """State the weeks of those who are due, then what they come to together."""
        agent, today = self.agent, self.register.control.today
        if not today:  # there is no week to tell of; the first tick makes everybody due
            return
        if agent.restate:
            agent.restate = False
            agent.plans = Plans()
            agent.ledger = Ledger(today, agent.window.mondays(today))
            agent.queue = deque(sorted(agent.known))
            agent.due = dict.fromkeys(agent.queue)
            agent.untold = set(agent.known)
            mondays = accuracy.mondays(today, agent.window)
            agent.board.turn(accuracy.cells(mondays, agent.ticks.turns(), today), agent.queue)
        for resource_id in self._due():
            self._state(resource_id, agent.due.pop(resource_id))
            agent.untold.discard(resource_id)
            if self.batch.limit is not None and len(self.effects.statements) >= self.batch.limit:
                break
        if not agent.untold:
            for share in agent.ledger.shares(agent.partition, self._version(), agent.board):
                self.effects.sends.append(Send(PRACTICES, f"{share.kind}/{share.group}", share))

    def _due(self) -> Iterator[str]:
        """Who is to be stated: first those of this batch, so that nobody waits for a whole firm after a tick."""
        agent = self.agent
        here = {*self.people, *(person for person, _ in (*agent.weeks, *agent.schedules))}
        yield from sorted(person for person in here if person in agent.due)
        while agent.queue:
            person = agent.queue.popleft()
            if person in agent.due:
                yield person

    def _version(self) -> int:
        return max(self.last, self.register.control.fence)

    def _state(self, resource_id: str, due: set[int] | None) -> None:
        agent, control = self.agent, self.register.control
        person = self._person(resource_id)
        mondays = agent.ledger.mondays
        if due is not None:
            mondays = [monday for monday in sorted(due) if mondays[0] <= monday <= mondays[-1]]
        agent.ledger.name(resource_id, agent.readers.named(resource_id, person))
        touched = agent.ledger.touch(resource_id, person.fence)
        for monday, told in agent.readers.weeks(resource_id, person, mondays, control.today, agent.plans):
            touched = agent.ledger.touch(resource_id, told.touched)
            if agent.ledger.tell(resource_id, monday, told):
                self.effects.statements.append(
                    Statement(
                        UTILIZATION,
                        "utilization.week_updated.v1",
                        key_of("resource", resource_id, utilization.week_name(monday)),
                        max(told.touched, control.ticked),
                        week_row(resource_id, monday, control.today, told),
                        told.latest,
                    )
                )
        for group, monday in agent.board.settle(agent.readers, resource_id, person):
            agent.ledger.mark(group, monday)
        self._alert(resource_id, person, max(touched, control.ticked))

    def _alert(self, resource_id: str, person: Person, version: int) -> None:
        ledger = self.agent.ledger
        found = ledger.alert(
            resource_id, lambda weeks: self.agent.readers.alerts(resource_id, person, ledger.as_of, weeks)
        )
        if found is not None:
            payload, latest = found
            key = key_of(resource_id)
            say = self.effects.statements.append
            say(Statement(ALERTS, "resource.alert_updated.v1", key, version, payload, latest))

    def _write(self) -> None:
        """In an order of which any prefix may survive: facts before what is made of them."""
        writes: list[tuple[Table[Any], str, Any]] = self.effects.writes
        writes += self.agent.ticks.writes()
        writes += ((HOLIDAYS, key, entity) for key, entity in self.holidays.items())
        writes += ((POLICIES, key, entity) for key, entity in self.policies.items())
        writes += ((LEAVES, key, entity) for key, entity in self.leaves.items())
        writes += ((PEOPLE, key, person) for key, person in self.people.items())
        writes += ((SCHEDULES, schedules.key(*key), value) for key, value in self.agent.schedules.items())
        writes += ((WEEKS, weeks.key(*key), week) for key, week in self.agent.weeks.items())
        writes.append(self.register.closing(self.last))


class _Names(msgspec.Struct, gc=False):
    resource_id: str = ""
    first: str | None = msgspec.field(default=None, name="from")
    last: str | None = msgspec.field(default=None, name="to")
    date: str | None = None


_names = msgspec.json.Decoder(_Names).decode


def _span(said: _Names) -> tuple[int, int] | None:
    return (calendar.number(said.first), calendar.number(said.last)) if said.first and said.last else None


def _off(facts: Sequence[Fact]) -> Off | None:
    """The leave that messages about it come to; None where it was cancelled."""
    message, said = effective(facts)
    if message.type != "leave.approved.v1":
        return None
    return calendar.number(said["from"]), calendar.number(said["to"]), said.get("minutes_per_day")


def _raised(found: Broken, subject: str, offset: int) -> Raised:
    """An update that breaks a rule, as the desk has it: HR's to settle."""
    message, rule, why = found
    if rule.action == "blocking":
        tier, kept = "blocking", "; the hours held before stay until this is settled"
    else:
        tier, kept = "warning", ""
    source, time = rule.behind
    return Raised(
        offset,
        RULE,
        tier,
        "HR",
        subject,
        f"revision {message.revision} of {subject}: {why}{kept}: publish a revision that keeps to policy"
        f" {rule.policy_id}, or change the policy",
        [name_of(message), source],
        max(message.time, time),
    )


def _latest(fact: Fact) -> Latest:
    return fact.time, fact.source, fact.id, fact.correlation or ""
