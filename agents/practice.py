"""Practice: what the people of a role, a practice, a region or the firm come to together, and the work nobody has; and
how well the firm keeps what it promised itself, as the contracts of all partitions show."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, cast

from agents.custody import Register
from agents.effects import ACCURACY, DEMAND, SLAS, UTILIZATION, Batch, Effects, Statement, key_of
from agents.promised import renewed, summary
from agents.scoring import Ticks, exact, promised
from app.domain import accuracy, calendar, demand, sla, utilization
from app.domain.accuracy import Cell, Tally
from app.domain.resolution import is_news
from app.domain.sla import NO_TARGETS, Name, Promise
from app.domain.utilization import NOTHING, WINDOW, Figures, Group, Window, added
from app.events.fact import Fact
from app.events.measure import Measure
from app.events.share import Share
from app.events.wanted import Wanted
from tables import Store, measures, openings, shares
from tables.heads import Latest
from tables.measures import MEASURES, Measures
from tables.openings import OPENINGS, Openings
from tables.shares import SHARES, Given, Shares
from tables.turns import GROUP_TURNS


async def practice(
    batches: AsyncIterator[Batch], store: Store, window: Window = WINDOW, targets: Mapping[str, int] = NO_TARGETS
) -> AsyncIterator[Effects]:
    """Keep what every partition's people, contracts and every demand come to, add it up, publish what came to be
    another. `targets`: the firm's own of business SLAs (`app.domain.sla.targets`)."""
    agent: _Practice | None = None
    async for batch in batches:
        agent = agent or _Practice(store, batch.partition, window, sla.promises(targets))
        yield _Work(agent, batch).fold()


class _Practice:
    """The agent's memory of one partition: which groups there are, and what was told of them since the last tick."""

    def __init__(self, store: Store, partition: int, window: Window, promises: Mapping[Name, Promise]) -> None:
        self.store, self.partition, self.window, self.promises = store, partition, window, promises
        self.measured: dict[str, set[int]] = {}  # SLA → partitions that told of it
        for key in store.keys(MEASURES):
            name, sender = measures.parse(key)
            self.measured.setdefault(name, set()).add(sender)
        self.unstated: set[str] = set()  # SLAs
        self.weeks: dict[Group, set[int]] = {}  # Mondays of which there are shares
        self.years: dict[Group, set[int]] = {}  # of which there is demand
        for key in store.keys(SHARES):
            group, monday = shares.parse(key)
            self.weeks.setdefault(group, set()).add(monday)
        for key in store.keys(OPENINGS):
            group, year = shares.parse(key)
            self.years.setdefault(group, set()).add(year)
        self.restate = True
        self.due: dict[Group, set[int] | None] = {}
        self.told: dict[str, tuple[Any, ...]] = {}
        self.ticks = Ticks(store, GROUP_TURNS)
        self.cells: dict[int, Cell] = {}

    def note(self, group: Group, mondays: Iterable[int] | None) -> None:
        if self.restate:
            return
        if mondays is None:
            self.due[group] = None
        elif (due := self.due.setdefault(group, set())) is not None:
            due.update(mondays)


class _Work:
    """One batch."""

    def __init__(self, agent: _Practice, batch: Batch) -> None:
        self.agent, self.store, self.batch = agent, agent.store, batch
        self.last = batch.records[-1].offset if batch.records else -1
        self.effects = Effects(batch)
        self.register = Register(self.store, f"practice/{agent.partition}")
        self.shares: dict[tuple[Group, int], Shares | None] = {}
        self.openings: dict[tuple[Group, int], Openings] = {}
        self.measures: dict[str, Measures] = {}

    def fold(self) -> Effects:
        for record in self.batch.records:
            value = record.value
            if isinstance(value, Share):
                self._share(record.offset, value)
            elif isinstance(value, Wanted):
                self._want(record.offset, value)
            elif isinstance(value, Measure):
                self._measure(record.offset, value)
            elif not self.register.redelivered(record.offset, value) and value.kind == "clock":
                self._tick(record.offset, value)
        if self.batch.publish:
            self._publish()
        self.effects.owing = len(self.agent.due)
        self._write()
        return self.effects

    # -- in ---------------------------------------------------------------------------------------------------------

    def _shares(self, group: Group, monday: int) -> Shares | None:
        key = (group, monday)
        return self.shares[key] if key in self.shares else self.store.get(SHARES, shares.key(group, monday))

    def _openings(self, group: Group, year: int) -> Openings | None:
        return self.openings.get((group, year)) or self.store.get(OPENINGS, openings.key(group, year))

    def _share(self, offset: int, share: Share) -> None:
        """Replace what a partition's people came to."""
        group = (share.kind, share.group)
        for monday, weekly in share.weeks.items():
            kept = self._shares(group, monday) or Shares(-1, {})
            self.shares[group, monday] = kept
            if offset > kept.fence:
                kept.fence = offset
                known = kept.sums.get(share.sender)
                if known is None or share.number >= known.number:
                    kept.sums[share.sender] = Given(
                        share.number, share.as_of, weekly.figures, weekly.latest, weekly.tallies
                    )
        self.agent.weeks.setdefault(group, set()).update(share.weeks)
        self.agent.note(group, share.weeks)

    def _measured(self, key: str) -> Measures | None:
        return self.measures.get(key) or self.store.get(MEASURES, key)

    def _measure(self, offset: int, said: Measure) -> None:
        """Replace what a partition's contracts add to an SLA."""
        key = measures.key(said.sla, said.sender)
        kept = self._measured(key)
        if kept is None:
            kept = Measures(offset, renewed(None, said))
        elif offset > kept.fence:
            newer = said.number >= kept.told.number
            kept = Measures(offset, renewed(kept.told, said) if newer else kept.told)
        self.measures[key] = kept
        self.agent.measured.setdefault(said.sla, set()).add(said.sender)
        self.agent.unstated.add(said.sla)

    def _want(self, offset: int, said: Wanted) -> None:
        """Put a demand into its years, and let the others go of it."""
        group, name, opening = (said.kind, said.group), said.entity, said.opening
        latest = (said.time, said.source, said.id, said.correlation or "")
        known = self.agent.years.setdefault(group, set())
        for year in calendar.years_of_all(said.spans):
            kept = self._openings(group, year) or openings.new()
            self.openings[group, year] = kept
            known.add(year)
            if offset <= kept.fence:
                continue
            kept.fence, kept.latest = offset, max(kept.latest, latest)
            kept.bare = kept.bare or said.bare
            if not is_news(kept.told, name, said.n):
                continue
            if name in kept.gone:
                kept.gone.remove(name)
            if opening is not None and year in calendar.years_of(opening.first, opening.last):
                kept.open[name] = opening
            else:
                kept.open.pop(name, None)
                kept.gone.append(name)
            kept.past[name] = said.past
            if name in kept.filled:
                kept.filled.remove(name)
            if said.filled:
                kept.filled.append(name)
        self.agent.note(group, None)

    def _tick(self, offset: int, fact: Fact) -> None:
        control, today = self.register.control, calendar.number(fact.entity)
        if self.agent.ticks.take(offset, fact):
            self.agent.restate = True
        if today >= control.today:
            self.agent.restate = True
            if today > control.today:
                control.today, control.ticked = today, max(offset, control.ticked)
                self._forget_before(self.agent.window.mondays(today)[0])

    def _forget_before(self, first: int) -> None:
        """Nobody asks for shares of weeks that are over for so long: what any day came to is worked out from facts."""
        for group, mondays in self.agent.weeks.items():
            for monday in [monday for monday in mondays if monday < first]:
                mondays.discard(monday)
                self.shares[group, monday] = None

    # -- out --------------------------------------------------------------------------------------------------------

    def _publish(self) -> None:
        agent, today = self.agent, self.register.control.today
        if not today:
            return
        if agent.restate:
            agent.restate = False
            agent.told.clear()
            agent.due = dict.fromkeys(sorted({*agent.weeks, *agent.years}))
            agent.unstated = set(agent.measured)
            agent.cells = accuracy.cells(accuracy.mondays(today, agent.window), agent.ticks.turns(), today)
        for name in sorted(agent.unstated):
            self._state_promise(name, today)
        agent.unstated.clear()
        mondays = agent.window.mondays(today)
        for group in sorted(agent.due):
            if self.batch.limit is not None and len(self.effects.statements) >= self.batch.limit:
                break
            due = agent.due.pop(group)
            self._state(group, [monday for monday in mondays if due is None or monday in due], today)

    def _state(self, group: Group, mondays: Sequence[int], today: int) -> None:
        kind, name = group
        if kind in ("role", "practice") and (self.agent.weeks.get(group) or self.agent.years.get(group)):
            self._state_accuracy(group, [monday for monday in mondays if monday in self.agent.cells], today)
        demanded = self._demanded(group)
        for monday in mondays:
            kept = self._shares(group, monday)
            if kept is not None and any(one.as_of != today for one in kept.sums.values()):
                continue  # some partition has not come to this day yet, or is ahead: what it sends makes the week due
            figures, latest = _sum(kept)
            touched = max(self.register.control.ticked, kept.fence if kept is not None else -1)
            if kind in ("role", "practice") and kept is not None:
                week = key_of(kind, name, utilization.week_name(monday))
                if self._is_news(UTILIZATION, week, (figures, latest)):
                    payload = utilization.row(kind, name, monday, today, figures)
                    self._say(UTILIZATION, "utilization.week_updated.v1", week, touched, payload, latest)
            if demanded and monday + 6 >= today:
                self._state_gap(group, demanded, monday, today, (figures, latest, touched))

    def _state_promise(self, name: str, today: int) -> None:
        """How well a promise is kept, as of the moment at which the day began: its figures have no other cause."""
        promise = next((one for known, one in self.agent.promises.items() if known == name), None)
        senders = sorted(self.agent.measured[name])
        kept = [one for sender in senders if (one := self._measured(measures.key(name, sender))) is not None]
        if promise is None or any(one.told.as_of != today for one in kept):
            return  # a partition has not come to this day yet, or is ahead: what it sends says the rest
        now = sla.start_of(today)
        found = sla.together([summary(one.told) for one in kept])
        payload = sla.row(cast("Name", name), promise, found, now) | {"as_of": calendar.text_of(today)}
        if self._is_news(SLAS, name, (payload,)):
            touched = max([self.register.control.ticked, *(one.fence for one in kept)])
            self._say(SLAS, "sla.updated.v1", key_of(name), touched, payload, (now, "", "", ""))

    def _demanded(self, group: Group) -> dict[int, Openings]:
        """What is wanted of a group that gaps are told of, by year."""
        years = sorted(self.agent.years.get(group, ()))
        pages = {year: page for year in years if (page := self._openings(group, year))}
        return pages if demand.tells(group[0], bare=any(page.bare for page in pages.values())) else {}

    def _state_gap(
        self, group: Group, pages: dict[int, Openings], monday: int, today: int, known: tuple[Figures, Latest, int]
    ) -> None:
        staff, latest, touched = known
        role, place = utilization.role_and_practice(group)
        near = demand.near(pages, monday)
        its = {name: opening for page in near for name, opening in page.open.items()}
        wants = demand.wanted(monday, today, (one for one in its.values() if place or one.practice is None))
        latest = max([latest, *(page.latest for page in near)])
        touched = max([touched, *(page.fence for page in near)])
        key = key_of(role, place or "", utilization.week_name(monday))
        if self._is_news(DEMAND, key, (wants, staff, latest)):
            payload = demand.gap(role, place, monday, today, wants, staff)
            self._say(DEMAND, "demand.gap_updated.v1", key, touched, payload, latest)

    def _state_accuracy(self, group: Group, mondays: Sequence[int], today: int) -> None:
        """How these weeks were forecast and became; and, if any is over, how good forecasts were in all."""
        kind, name = group
        cells = self.agent.cells
        over = [monday for monday, cell in cells.items() if cell.over]
        wanted = sorted({*mondays, *over}) if over and mondays and mondays[0] <= over[-1] else mondays
        its = {monday: found for monday in wanted if (found := self._tallies(group, monday, today)) is not None}
        for monday in mondays:
            if monday in its:  # else some partition is on another day: what it sends makes the week due
                tallies, latest, touched = its[monday]
                key = key_of(kind, name, utilization.week_name(monday))
                if self._is_news(ACCURACY, key, (cells[monday], tallies, latest)):
                    payload = accuracy.week_row(kind, name, monday, today, cells[monday], tallies)
                    self._say(ACCURACY, "forecast.scored.v1", key, touched, payload, latest)
        if wanted is not mondays and all(monday in its for monday in over):
            weeks = [its[monday] for monday in over]
            scored = [(cells[monday], its[monday][0]) for monday in over]
            latest, touched = max(one[1] for one in weeks), max(one[2] for one in weeks)
            key = key_of(kind, name)
            if self._is_news(ACCURACY, key, (scored, latest)):
                payload = accuracy.record_row(kind, name, today, scored)
                self._say(ACCURACY, "forecast.accuracy_updated.v1", key, touched, payload, latest)

    def _tallies(self, group: Group, monday: int, today: int) -> tuple[dict[int, Tally], Latest, int] | None:
        """What a week of a group comes to by weeks ahead, unnamed demand included, the latest fact behind it and the
        last offset; None while some partition is on another day."""
        kept = self._shares(group, monday)
        if kept is not None and any(one.as_of != today for one in kept.sums.values()):
            return None
        years = self.agent.years.get(group, ())
        pages = {year: page for year in sorted(years) if (page := self._openings(group, year))}
        near = demand.near(pages, monday)
        tallies = promised(near, monday, self.agent.cells[monday])
        given = list(kept.sums.values()) if kept is not None else []
        for one in given:
            for ahead, tally in one.tallies.items():
                accuracy.include(tallies.setdefault(ahead, {}), exact(tally))
        latest = max([(0, "", "", ""), *(one.latest for one in given), *(page.latest for page in near)])
        ticked = max(self.register.control.ticked, self.agent.ticks.touched)
        touched = max([ticked, *(page.fence for page in near)])
        return tallies, latest, max(touched, kept.fence if kept is not None else -1)

    def _is_news(self, topic: str, key: str, now: tuple[Any, ...]) -> bool:
        """Whether what a statement rests on is not what was told last; if so, remember it."""
        told, name = self.agent.told, f"{topic}/{key}"
        if told.get(name) == now:
            return False
        told[name] = now
        return True

    def _say(self, topic: str, type_: str, key: str, version: int, payload: dict[str, Any], latest: Latest) -> None:
        self.effects.statements.append(Statement(topic, type_, key, version, payload, latest))

    def _write(self) -> None:
        writes = self.effects.writes
        writes += self.agent.ticks.writes()
        writes += ((OPENINGS, openings.key(*key), value) for key, value in self.openings.items())
        writes += ((SHARES, shares.key(*key), value) for key, value in self.shares.items())
        writes += ((MEASURES, key, value) for key, value in self.measures.items())
        writes.append(self.register.closing(self.last))


def _sum(kept: Shares | None) -> tuple[Figures, Latest]:
    """What all partitions' people come to, exactly."""
    figures, latest = NOTHING, (0, "", "", "")
    for one in kept.sums.values() if kept is not None else ():
        given = tuple([number if type(number) is int else Fraction(number) for number in one.figures])
        figures = given if figures is NOTHING else added(figures, given)
        latest = max(latest, one.latest)
    return figures, latest
