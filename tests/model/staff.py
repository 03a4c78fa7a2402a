"""People, their calendars and what was planned for them, day by day: design.md, section 5, "Capacity" and "Planned".

Minutes are fractions: nothing is rounded before a figure is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from fractions import Fraction

from .entities import Entity, Event, Fields, instant
from .numbers import number
from .regional import Regions
from .work import status_of

HARD, SOFT, PROPOSED = "hard", "soft", "proposed"
_WORKING_DAYS = [1, 2, 3, 4, 5]
# Whoever is named by one of these is a person of the firm, known or not.
_NAMING = ("resource", "leave", "time", "assignment")


@dataclass(frozen=True)
class Span:
    """Business dates, both ends included; an open end is None."""

    first: date | None
    last: date | None

    def __contains__(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    def days(self) -> list[date]:
        """Every day of a span that has both ends."""
        assert self.first is not None
        assert self.last is not None
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]


@dataclass(frozen=True)
class Day:
    """What a day gives: `gross` by the calendar, what a holiday and leave take of it, and who the person is then.

    `role`, `practice`, `region` and `target` are what the person held that day; None where nothing was said.
    """

    gross: Fraction
    holiday: Fraction
    leave: Fraction
    working_days: int
    role: str | None = None
    practice: str | None = None
    region: str | None = None
    target: Fraction | None = None

    @property
    def capacity(self) -> Fraction:
        return self.gross - self.holiday - self.leave


@dataclass(frozen=True)
class Booking:
    """Work that was planned for a person, as it stands now. Minutes are a week's, or those of the whole span."""

    span: Span
    kind: str
    per_week: Fraction | None
    total: Fraction | None
    probability: Fraction
    billable: bool
    contract_id: str | None = None


@dataclass(frozen=True)
class Entry:
    """Time of a person as it stands now: `approved`, or submitted. The class is that of the minutes."""

    day: date
    minutes: Fraction
    approved: bool
    billable: bool
    category: str
    contract_id: str | None = None


class Person:
    """One person: calendars by revision, leave, bookings and time. `holidays` are (day, region), None everywhere;
    `heard` is the day on which HR last said anything of the person."""

    def __init__(
        self,
        resource_id: str,
        revisions: Sequence[Fields],
        leave: Sequence[Fields],
        holidays: Sequence[tuple[date, str | None]],
        bookings: Sequence[Booking],
        entries: Sequence[Entry],
        regions: Regions,
        heard: date | None,
    ) -> None:
        self.resource_id = resource_id
        self.bookings, self.entries = bookings, entries
        self._regions, self._heard = regions, heard
        self._revisions, self._leave, self._holidays = revisions, leave, holidays
        self._days: dict[date, Day] = {}
        self._shares: dict[Booking, Fraction] = {}

    def day(self, day: date) -> Day:
        """The person's day; worked out once."""
        if day not in self._days:
            self._days[day] = self._worked_out(day)
        return self._days[day]

    def _worked_out(self, day: date) -> Day:
        """A holiday takes the whole day, leave takes its minutes of what is left."""
        held = self._held(day)
        if held is None:
            return Day(Fraction(0), Fraction(0), Fraction(0), 0)
        working_days = held.get("working_days") or _WORKING_DAYS
        employed = day in Span(_day(held.get("employed_from")), _day(held.get("employed_to")))
        works = employed and day.isoweekday() in working_days
        gross = number(held.get("weekly_minutes")) / len(working_days) if works else Fraction(0)
        holiday = gross if self._is_holiday(day, held.get("region")) else Fraction(0)
        leave = min(gross - holiday, sum((_taken(one, gross) for one in self._away(day)), Fraction(0)))
        target = held.get("target_ratio")
        return Day(
            gross=gross,
            holiday=holiday,
            leave=leave,
            working_days=len(working_days) if works else 0,
            role=held.get("role"),
            practice=held.get("practice"),
            region=held.get("region"),
            target=None if target is None else number(target),
        )

    def _held(self, day: date) -> Fields | None:
        """The highest revision in effect: a later one wins even if it took effect earlier.

        Where its region's rule refuses its hours, they are those of the highest that is not refused, else none.
        """
        in_effect = sorted(
            (one for one in self._revisions if date.fromisoformat(one["effective_from"]) <= day),
            key=lambda one: int(one["revision"]),
        )
        if not in_effect or not self._regions.refuses(in_effect[-1]):
            return in_effect[-1] if in_effect else None
        held = in_effect[-1]
        kept = [one for one in in_effect if not self._regions.refuses(one)]
        hours = kept[-1] if kept else {"weekly_minutes": 0, "working_days": held.get("working_days")}
        return {**held, **{name: hours.get(name) for name in ("weekly_minutes", "working_days")}}

    def age(self, as_of: date) -> int | None:
        """Days since HR last spoke of the person."""
        return None if self._heard is None else max(0, (as_of - self._heard).days)

    def limit(self, as_of: date) -> int | None:
        """The age beyond which that is too old, where the person is then."""
        return self._regions.limit(self.day(as_of).region)

    def _is_holiday(self, day: date, region: str | None) -> bool:
        return any(day == holiday and where in {None, region} for holiday, where in self._holidays)

    def _away(self, day: date) -> list[Fields]:
        return [one for one in self._leave if day in Span(_day(one["from"]), _day(one["to"]))]

    def gross(self, booking: Booking, day: date) -> Fraction:
        """What a booking plans for a day: a week's minutes over its working days, a total over days with capacity."""
        if day not in booking.span:
            return Fraction(0)
        if booking.per_week is not None:
            working_days = self.day(day).working_days
            return booking.per_week / working_days if working_days else Fraction(0)
        if self.day(day).capacity <= 0:
            return Fraction(0)
        return self._share(booking)

    def _share(self, booking: Booking) -> Fraction:
        """A total by the days that have capacity; worked out once. There is at least one."""
        if booking not in self._shares:
            able = [day for day in booking.span.days() if self.day(day).capacity > 0]
            self._shares[booking] = number(booking.total) / len(able)
        return self._shares[booking]

    def net(self, booking: Booking, day: date) -> Fraction:
        """What of it can be done: the part of the day that holiday and leave left; none where there was no day."""
        calendar = self.day(day)
        if calendar.gross == 0:
            return Fraction(0)
        return self.gross(booking, day) * calendar.capacity / calendar.gross


def people(entities: Sequence[Entity]) -> list[Person]:
    """Everybody who was ever named, in order of their ids, with what holds now."""
    holidays = _holidays(entities)
    return [_person(resource_id, entities, holidays) for resource_id in sorted(_named(entities))]


def places(entities: Sequence[Entity]) -> list[Fields]:
    """Everything that was ever said of anybody's place in the firm."""
    return [message["data"] for entity in entities if entity.kind == "resource" for message in entity.messages]


def planned_net(assignment: Entity, entities: Sequence[Entity]) -> dict[date, Fraction]:
    """What can be done of one assignment, by day, days of nothing left out; {} once it is cancelled."""
    resource_id = assignment.fields().get("resource_id")
    if assignment.state == "cancelled" or not resource_id or not _whole(assignment, "from", "to"):
        return {}
    person, booking = _person(resource_id, entities, _holidays(entities)), _booking(assignment)
    return {day: net for day in booking.span.days() if (net := person.net(booking, day))}


def _named(entities: Sequence[Entity]) -> set[str]:
    """Also by messages that did not count, and by what has moved on to somebody else."""
    said = [message for entity in entities if entity.kind in _NAMING for message in entity.messages]
    return {message["data"]["resource_id"] for message in said if message["data"].get("resource_id")}


def _person(resource_id: str, entities: Sequence[Entity], holidays: Sequence[tuple[date, str | None]]) -> Person:
    def mine(kind: str, *out: str) -> list[Entity]:
        theirs = [entity for entity in entities if entity.kind == kind and entity.state not in out]
        return [entity for entity in theirs if entity.fields().get("resource_id") == resource_id]

    said: list[Event] = [message for entity in mine("resource") for message in entity.revisions]
    return Person(
        resource_id,
        revisions=[message["data"] for message in said],
        leave=[entity.fields() for entity in mine("leave", "cancelled") if _whole(entity, "from", "to")],
        holidays=holidays,
        bookings=[_booking(entity) for entity in mine("assignment", "cancelled") if _whole(entity, "from", "to")],
        entries=[_entry(entity) for entity in mine("time") if status_of(entity) != "void"],
        regions=Regions(entities),
        heard=max(
            (instant(one["time"]).astimezone(UTC).date() for entity in mine("resource") for one in entity.messages),
            default=None,
        ),
    )


def _whole(entity: Entity, *names: str) -> bool:
    return all(entity.fields().get(name) is not None for name in names)


def _holidays(entities: Sequence[Entity]) -> list[tuple[date, str | None]]:
    standing = [entity.fields() for entity in entities if entity.kind == "holiday" and entity.state == "set"]
    return [(date.fromisoformat(fields["date"]), fields.get("region")) for fields in standing]


def _booking(entity: Entity) -> Booking:
    fields = entity.fields()
    per_week, total, probability = (
        None if fields.get(name) is None else number(fields[name])
        for name in ("minutes_per_week", "minutes_total", "probability_ratio")
    )
    return Booking(
        span=Span(_day(fields["from"]), _day(fields["to"])),
        kind=fields.get("booking") or HARD,
        per_week=per_week,
        total=total,
        probability=Fraction(1) if probability is None else probability,
        billable=fields.get("billable") is not False,
        contract_id=fields.get("contract_id"),
    )


def _entry(entity: Entity) -> Entry:
    fields = entity.fields()
    return Entry(
        day=date.fromisoformat(fields["work_date"]),
        minutes=number(fields["minutes"]),
        approved=status_of(entity) == "approved",
        billable=fields.get("billable") is not False,
        category=fields.get("category") or "standard",
        contract_id=fields.get("contract_id"),
    )


def _taken(leave: Fields, gross: Fraction) -> Fraction:
    """Without minutes the whole day."""
    minutes = leave.get("minutes_per_day")
    return gross if minutes is None else number(minutes)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
