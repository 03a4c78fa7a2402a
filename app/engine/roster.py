"""People, and the groups they are in, as they are shown: what one slice can say of them.

A person's weeks are worked out from the facts when somebody asks, for any day. Groups have sums that are kept up to
date for today's weeks where the group's own key leads; for other days they are worked out from their members.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

import msgspec

from agents.people import People, week_row
from agents.scoring import stored_ticks
from app.domain import accuracy, calendar, utilization
from app.domain.availability import Calendar, Career, Standing, day_of
from app.domain.ledger import APPROVED, STATUS_NAMES
from app.domain.money import MICRO, show_ratio
from app.domain.resolution import effective
from app.domain.utilization import (
    HARD,
    NET,
    NOTHING,
    PLANNED,
    WINDOW,
    Booking,
    Figures,
    Group,
    Window,
    Worked,
    added,
    settled,
)
from app.engine.accuracy import kept, of_demand, of_people, sent
from app.engine.accuracy import together as together_scored
from app.engine.parts import Behind, Scored
from app.engine.shapes import Answer
from app.engine.workforce import Total, Totals, entities_of, gap_rows, group_rows, told
from app.events.fact import Fact
from app.events.share import Number
from tables import Store, Table, shares
from tables.controls import CONTROLS
from tables.entities import ENTITIES
from tables.holidays import HOLIDAYS
from tables.leaves import LEAVES
from tables.openings import OPENINGS, Openings
from tables.people import PEOPLE, Person
from tables.policies import POLICIES
from tables.schedules import SCHEDULES
from tables.shares import SHARES, Shares
from tables.turns import TURNS

CLASSES: Final = {
    utilization.BILLABLE: "billable",
    utilization.CREDITED: "credited",
    utilization.EXCLUDED: "excluded",
    utilization.OTHER: "non_billable",
}
KINDS: Final = ("role", "practice", "region", "firm")
"""Groups that are shown."""
ALERTS: Final = ("bench", "roll_off", "stale")
"""What people are told of."""
STAFFED: Final = ("role", "staff")
"""Groups that demand may look in."""
_UNKNOWN: Final = (0, "", "", "")

Span = tuple[int | None, int | None]
"""The Monday of the first week that is asked for, and how many weeks; None: those that statements tell of."""
Sums = list[tuple[str, str, list[list[Number]]]]
"""Kind and id of a group, with the figures of each week, exact: (kind, id, figures by week)."""
Wanted = tuple[Group, int, Openings]
"""Demand of a group that touches a year."""


class Roster:
    """Answers from the tables of one partition. `mondays` are day numbers in order, `day` is as-of.

    What is compiled here is forgotten when a batch writes what it stands on (`note`).
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._opened: People | None = None
        self._told: tuple[str, dict[str, Mapping[str, Any]]] = ("", {})  # alerts as they were stated, of the latest day
        self._alerts: tuple[int | None, dict[str, Answer]] = (None, {})  # worked out here, of the day last asked for

    @property
    def _people(self) -> People:
        if self._opened is None:
            self._opened = People(self.store)
        return self._opened

    def note(self, table: Table[Any], key: str) -> None:
        """Forget what this write changed."""
        if table is HOLIDAYS or table is POLICIES:
            self._opened = None
            self._told = ("", {})
            self._alerts = (None, {})
        elif table is PEOPLE:
            self._forget(key)
            if self._opened is not None:
                self._opened.forget(key)
        elif table is SCHEDULES:
            self._forget(key.rpartition("|")[0])

    def _forget(self, resource_id: str) -> None:
        self._told[1].pop(resource_id, None)
        self._alerts[1].pop(resource_id, None)

    def hear(self, told: Iterable[Mapping[str, Any]]) -> None:
        """Keep alerts that are being stated, so that nobody works them out again who asks for today's."""
        for row in told:
            if row["as_of"] != self._told[0]:
                self._told = (row["as_of"], {})
            self._told[1][row["resource_id"]] = row

    def ids(self) -> Iterable[str]:
        """Everybody who was ever named, in order."""
        return self._people.ids()

    # -- people -----------------------------------------------------------------------------------------------------

    def rows(
        self, after: str, mondays: Sequence[int], day: int | None, role: str | None, practice: str | None
    ) -> Iterator[Answer]:
        """People behind `after`, by id; those of another role or practice on `day` are left out."""
        for resource_id in self.ids():
            if resource_id > after:
                row = self.row(resource_id, mondays, day, role, practice)
                if row is not None:
                    yield row

    def alerts(
        self, after: str, window: Window, day: int | None, kind: str | None, role: str | None, practice: str | None
    ) -> Iterator[Answer]:
        """Who behind `after` will soon have nothing to do, or has a forecast that rests on old word, by id."""
        if day is None:
            return
        if self._alerts[0] != day:
            self._alerts = (day, {})
        mondays = [monday for monday in window.mondays(day) if monday >= calendar.week_start(day)]
        kinds = ALERTS if kind is None else (kind,)
        for resource_id in self.ids():
            if resource_id <= after:
                continue
            row = self._known_alert(resource_id, day)
            if row is not None and not any(row[name] for name in kinds):
                continue
            person = self._people.person(resource_id)
            assert person is not None  # it was listed
            standing = self._people.career(resource_id, person).on(day)
            held = {name: getattr(standing, name, None) for name in ("role", "practice", "region")}
            if role not in (None, held["role"]) or practice not in (None, held["practice"]):
                continue
            if row is None:
                row = self._alerts[1][resource_id] = self._alert(resource_id, person, mondays, day)
            if any(row[name] for name in kinds):
                yield {**row, **held}

    def _known_alert(self, resource_id: str, day: int) -> Mapping[str, Any] | None:
        """As it was stated, else as it was worked out here; None where neither was done."""
        stated = self._told[1].get(resource_id) if self._told[0] == calendar.text_of(day) else None
        return stated if stated is not None else self._alerts[1].get(resource_id)

    def _alert(self, resource_id: str, person: Person, mondays: Sequence[int], day: int) -> Answer:
        told = self._people.weeks(resource_id, person, mondays, day)
        weeks = [(monday, settled(its.parts)) for monday, its in told]
        return self._people.alerts(resource_id, person, day, weeks)

    # -- a person ---------------------------------------------------------------------------------------------------

    def row(
        self,
        resource_id: str,
        mondays: Sequence[int],
        day: int | None,
        role: str | None = None,
        practice: str | None = None,
    ) -> Answer | None:
        """What the person is on `day`, and what the weeks come to; None for whoever was never named, or is of another
        role or practice on that day."""
        person = self._people.person(resource_id)
        if person is None:
            return None
        standing = self._people.career(resource_id, person).on(day) if day is not None else None
        held = (standing.role, standing.practice) if standing is not None else (None, None)
        if any(asked is not None and asked != its for asked, its in zip((role, practice), held, strict=True)):
            return None
        return {
            "resource_id": resource_id,
            **_place(standing),
            "weeks": list(self._weeks(resource_id, person, mondays, day)),
        }

    def _weeks(self, resource_id: str, person: Person, mondays: Sequence[int], day: int | None) -> Iterator[Answer]:
        """As they are published; `state_version` is that of the statement while `day` is today."""
        if day is None:
            return
        ticked = max((control.ticked for _, control in self.store.scan(CONTROLS, "resource/")), default=-1)
        for monday, its in self._people.weeks(resource_id, person, mondays, day):
            yield {**week_row(resource_id, monday, day, its), "state_version": max(its.touched, ticked)}

    def person(self, resource_id: str, mondays: Sequence[int], day: int | None) -> Answer | None:
        """The row, with every place the person was ever in, and all that is booked or off."""
        found = self.row(resource_id, mondays, day)
        person = self._people.person(resource_id)
        if found is None or person is None:
            return None
        bookings, leave = self._held(resource_id, person, calendar.BEGINNING, calendar.FOREVER)
        return {
            **found,
            "places": [
                {"effective_from": calendar.text_of(start), **_place(standing)}
                for start, standing in _changes(self._people.career(resource_id, person))
            ],
            "bookings": [_booking(name, booking) for name, booking in bookings],
            "leave": leave,
        }

    def _held(
        self, resource_id: str, person: Person, first: int, last: int
    ) -> tuple[list[tuple[str, Booking]], list[Answer]]:
        """Bookings and leave that touch these days, by their first day."""
        bookings = self._people.bookings(resource_id, person, first, last)
        held = [(name, one) for name, one in bookings.items() if one.first <= last and first <= one.last]
        off = self._people.leave(resource_id, person, first, last)
        away = [(begun, name, ended, minutes) for name, (begun, ended, minutes) in off.items()]
        return sorted(held, key=lambda one: (one[1].first, one[0])), [
            {
                "leave_id": name,
                "from": calendar.text_of(begun),
                "to": calendar.text_of(ended),
                "minutes_per_day": minutes,
            }
            for begun, name, ended, minutes in sorted(away)
            if begun <= last and first <= ended
        ]

    def cell(self, resource_id: str, monday: int, day: int | None) -> Answer | None:
        """What one week of a person is made of: its days, the bookings and the leave that touch it, and its entries.

        Without a day nothing has been done yet.
        """
        person = self._people.person(resource_id)
        if person is None:
            return None
        day = calendar.BEGINNING if day is None else day
        its = self._people.calendar(resource_id, person)
        [(_, known)] = self._people.weeks(resource_id, person, [monday], day)
        bookings, leave = self._held(resource_id, person, monday, monday + 6)
        kept = self._people.entries(resource_id, monday)
        entries = sorted(kept.rows.items() if kept is not None else (), key=lambda one: (one[1].day, one[0]))

        def alone(booking: Booking) -> Figures:
            hard = msgspec.structs.replace(booking, kind=HARD)
            return settled(utilization.week(monday, day, its, [hard], []))

        days = []
        for on in range(monday, monday + 7):
            worked = [one.minutes for _, one in entries if one.day == on <= day and one.status == APPROVED]
            days.append(
                {"on": calendar.text_of(on), **_hours(its.career.on(on), on, its), "actual_minutes": sum(worked)}
            )
        return {
            "resource_id": resource_id,
            **week_row(resource_id, monday, day, known),
            "days": days,
            "bookings": [
                {
                    **_booking(name, booking),
                    "gross_minutes": utilization.show_minutes(figures[PLANNED]),
                    "net_minutes": utilization.show_minutes(figures[NET]),
                }
                for name, booking, figures in ((name, booking, alone(booking)) for name, booking in bookings)
            ],
            "leave": leave,
            "entries": [_entry(name, worked, day) for name, worked in entries],
        }

    # -- groups -----------------------------------------------------------------------------------------------------

    def shared(self, kinds: Sequence[str], mondays: Sequence[int], group_id: str | None) -> Sums:
        """Today's sums of the groups of these kinds that live in this slice, as their members were told."""
        names = {
            group
            for kind in kinds
            for key, _ in self.store.scan(SHARES, f"{kind}/{group_id or ''}")
            for group in (shares.parse(key)[0],)
            if group_id in (None, group[1])
        }
        return [
            (*group, [_numbers(_summed(self.store.get(SHARES, shares.key(group, monday)))) for monday in mondays])
            for group in sorted(names)
        ]

    def sums(self, kinds: Sequence[str], mondays: Sequence[int], day: int, group_id: str | None) -> Sums:
        """What the people of this slice come to on any day, for every group of these kinds."""
        totals: dict[Group, list[Figures]] = {}
        for resource_id in self.ids():
            person = self._people.person(resource_id)
            assert person is not None  # it was listed
            named = self._people.named(resource_id, person)
            mine = [group for group in named if group[0] in kinds and group_id in (None, group[1])]
            for group in mine:
                totals.setdefault(group, [NOTHING] * len(mondays))
            if mine:
                for place, (_, known) in enumerate(self._people.weeks(resource_id, person, mondays, day)):
                    for group, figures in utilization.memberships(known.parts).items():
                        if group in mine:
                            totals[group][place] = added(totals[group][place], figures)
        return [(*group, [_numbers(figures) for figures in weeks]) for group, weeks in sorted(totals.items())]

    def scores(self, kinds: Sequence[str], mondays: Sequence[int], day: int, *, today: bool) -> Scored:
        """How forecasts of these weeks were as of a day, and what became of them: today's are kept up to date."""
        ticks = stored_ticks(self.store, TURNS)
        cells = accuracy.cells(mondays, accuracy.turns(ticks), day)
        ledger = (
            kept(self.store, cells, kinds)
            if today
            else together_scored((of_people(self._people, cells), of_demand(self.store, cells)))
        )
        return Scored(ticks, sent(ledger, kinds))

    def wanted(self) -> list[Wanted]:
        """Demand that lives in this slice, by role and practice, and by year."""
        return [(*shares.parse(key), page) for key, page in self.store.scan(OPENINGS)]

    # -- behind the figures -----------------------------------------------------------------------------------------

    def behind(self, resource_id: str) -> Behind:
        """What a person's weeks rest on, or would; messages about time and bookings are kept where their own keys
        lead."""
        named = self._people.person(resource_id) is not None
        return Behind(named, list(told(self.store, resource_id)), entities_of(self.store, resource_id))

    def everything(self) -> list[Fact]:
        """Every message of this slice that any figure of people, or of demand, may rest on."""
        facts = [fact for _, person in self.store.scan(PEOPLE) for fact in person.facts]
        for table, prefix in (
            (HOLIDAYS, ""),
            (POLICIES, ""),
            (LEAVES, ""),
            (ENTITIES, "assignment/"),
            (ENTITIES, "demand/"),
            (ENTITIES, "time/"),
        ):
            for _, entity in self.store.scan(table, prefix):
                facts += entity.facts
        return facts


# -- which weeks ------------------------------------------------------------------------------------------------------


def mondays_of(span: Span, day: int | None, window: Window) -> list[int]:
    """The weeks that are asked for, as far as the calendar goes; none without a day."""
    if day is None:
        return []
    first, count = span
    start = max(calendar.week_start(day) - 7 * window.behind, calendar.BEGINNING) if first is None else first
    if count is None:
        count = len(window.mondays(day)) if first is None else window.behind + 1 + window.ahead
    return [start + 7 * n for n in range(count) if start + 7 * n <= calendar.FOREVER - 6]


def ahead_of(span: Span, day: int, window: Window) -> list[int]:
    """The same for demand: what lies behind as-of can be staffed no more, so the first week is the one it is in."""
    first, count = span
    if first is None:
        first, count = calendar.week_start(day), count if count is not None else window.ahead + 1
    return [monday for monday in mondays_of((first, count), day, window) if monday + 6 >= day]


def scored_of(span: Span, day: int, window: Window) -> Sequence[int]:
    """The same for forecasts: those of the ledger where no week is asked for."""
    return accuracy.mondays(day, window) if tuple(span) == (None, None) else mondays_of(span, day, window)


def near(day: int) -> list[int]:
    """The week of a day and the next four."""
    return mondays_of((calendar.week_start(day), 5), day, WINDOW)


# -- several slices ---------------------------------------------------------------------------------------------------


def together(parts: Iterable[Sums]) -> Totals:
    """What several slices' people come to."""
    totals: Totals = {}
    for kind, name, weeks in (one for part in parts for one in part):
        its = [tuple(map(_exact, figures)) for figures in weeks]
        known = totals.get((kind, name))
        figures = its if known is None else [added(*pair) for pair in zip(known.figures, its, strict=True)]
        totals[kind, name] = Total(figures, [_UNKNOWN] * len(figures))
    return totals


def shown_groups(kind: str, totals: Totals, day: int, mondays: Sequence[int]) -> list[Answer]:
    """Groups of a kind with their weeks, by id; the firm has its name for an id."""
    found: dict[str, list[Answer]] = {group[1]: [] for group in sorted(totals) if group[0] == kind}
    for group, row in group_rows(totals, day, mondays, [kind]):
        found[group[1]].append({**row.payload, "subject": {"kind": kind, "id": group[1] or kind}})
    return [{"id": name or kind, "weeks": weeks} for name, weeks in found.items()]


def shown_use(parts: Iterable[Sums], day: int | None) -> Answer | None:
    """What the firm comes to in the week of a day and the next four; None without a day, or while nobody is known."""
    rows = [] if day is None else shown_groups("firm", together(parts), day, near(day))
    return {"weeks": rows[0]["weeks"]} if rows else None


def shown_gaps(wanted: Iterable[Wanted], totals: Totals, day: int, mondays: Sequence[int]) -> list[Answer]:
    """Demand by role, then practice, any practice first, each with its weeks and its place in that order (`cursor`)."""
    found: dict[tuple[str, str | None], list[Answer]] = {}
    for row in gap_rows(list(wanted), totals, day, mondays):
        found.setdefault((row.payload["role"], row.payload["practice"]), []).append(row.payload)
    rows = [
        {"role": role, "practice": practice, "cursor": f"{role}\x1f{practice or ''}", "weeks": weeks}
        for (role, practice), weeks in found.items()
    ]
    return sorted(rows, key=lambda row: str(row["cursor"]))


def described(cell: Answer | None, facts: Iterable[Fact]) -> Answer | None:
    """A cell whose entries say what their own messages say of them."""
    if cell is None:
        return None
    said: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.kind == "time":
            said.setdefault(fact.entity, []).append(fact)
    return {**cell, "entries": [{**row, **_said(said.get(row["entry_id"], []))} for row in cell["entries"]]}


# -- shapes -----------------------------------------------------------------------------------------------------------


def _numbers(figures: Figures) -> list[Number]:
    return [number if isinstance(number, int) else str(number) for number in figures]


def _exact(number: Number) -> int | Fraction:
    return number if isinstance(number, int) else Fraction(number)


def _summed(kept: Shares | None) -> Figures:
    figures = NOTHING
    for one in kept.sums.values() if kept is not None else ():
        figures = added(figures, tuple(map(_exact, one.figures)))
    return figures


def _changes(career: Career) -> Iterator[tuple[int, Standing]]:
    """The days on which the person became another."""
    for stretch in career.stretches(calendar.BEGINNING, calendar.FOREVER):
        if stretch.standing is not None:
            yield stretch.first, stretch.standing


def _place(standing: Standing | None) -> Answer:
    """What a person is from a day on; nulls for whoever is nothing yet."""
    if standing is None:
        names = ("role", "practice", "region", "target_ratio", "employed_from", "employed_to")
        return {**dict.fromkeys(names), "weekly_minutes": None, "working_days": None}
    begun, ended = standing.first, standing.last
    return {
        "role": standing.role,
        "practice": standing.practice,
        "region": standing.region,
        "target_ratio": None if standing.target is None else show_ratio(standing.target, MICRO),
        "employed_from": None if begun == calendar.BEGINNING else calendar.text_of(begun),
        "employed_to": None if ended == calendar.FOREVER else calendar.text_of(ended),
        "weekly_minutes": standing.weekly,
        "working_days": [day for day in range(1, 8) if standing.weekdays >> (day - 1) & 1],
    }


def _hours(standing: Standing | None, on: int, its: Calendar) -> Answer:
    """What the calendar gives on a day, and what is taken of it."""
    gross = holiday = leave = net = 0
    if standing is not None and standing.works(on):
        gross, holiday, leave, net = day_of(on, standing, its.holidays, its.leave(on, on))
    names = ("gross_minutes", "holiday_minutes", "leave_minutes", "capacity_minutes")
    return dict(zip(names, map(utilization.show_minutes, (gross, holiday, leave, net)), strict=True))


def _booking(name: str, booking: Booking) -> Answer:
    return {
        "assignment_id": name,
        "contract_id": booking.contract_id,
        "booking": booking.kind,
        "probability_ratio": show_ratio(booking.probability, MICRO),
        "billable": booking.billable,
        "from": calendar.text_of(booking.first),
        "to": calendar.text_of(booking.last),
        "minutes_per_week": booking.weekly,
        "minutes_total": booking.total if booking.weekly is None else None,
        "role": booking.role,
        "line_id": booking.line_id,
    }


def _entry(name: str, worked: Worked, day: int) -> Answer:
    """`counts`: whether the entry is among the actual minutes as of `day`."""
    return {
        "entry_id": name,
        "work_date": calendar.text_of(worked.day),
        "minutes": worked.minutes,
        "status": STATUS_NAMES[worked.status],
        "class": CLASSES[worked.kind],
        "counts": worked.status == APPROVED and worked.day <= day,
    }


def _said(facts: Sequence[Fact]) -> Answer:
    if not facts:
        return {}
    message, said = effective(facts)
    return {
        **{name: said.get(name) for name in ("contract_id", "line_id", "role", "task", "category")},
        "revision": message.revision,
        "source": message.source,
        "event_id": message.id,
    }
