"""What people are booked for: events.md "staffing"; design.md section 5, "Capacity", "Planned".

A booking is planned net: gross × what the person has of the day after holidays and leave ÷ what the calendar gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from .entities import Entity, Fields
from .numbers import number

_WORKING_DAYS = (1, 2, 3, 4, 5)
_ZERO = Fraction(0)


@dataclass(frozen=True)
class Booking:
    """One assignment as it holds, with what is planned net on each of its days (exact minutes)."""

    assignment_id: str
    resource_id: str
    contract_id: str
    line_id: str | None
    role: str | None
    billable: bool
    booking: str
    probability: Fraction
    net: dict[date, Fraction]


class Calendars:
    """People's working time, from all messages about people, leave and holidays."""

    def __init__(self, entities: Sequence[Entity]) -> None:
        self._people = {entity.id: entity for entity in entities if entity.kind == "resource"}
        self._leave = [entity.fields() for entity in entities if entity.kind == "leave" and entity.state == "approved"]
        self._holidays = [entity.fields() for entity in entities if entity.kind == "holiday" and entity.state == "set"]

    def _person(self, resource_id: str, day: date) -> Fields | None:
        """What holds of the person on the day: the highest revision that has taken effect."""
        known = self._people.get(resource_id)
        begun = [one["data"] for one in known.revisions] if known else []
        begun = [data for data in begun if date.fromisoformat(data["effective_from"]) <= day]
        return begun[-1] if begun else None

    def share_of_week(self, resource_id: str, day: date) -> Fraction:
        """1 ÷ working days of the week on a working day inside employment, else nothing."""
        person = self._person(resource_id, day)
        if person is None or not _within(day, person.get("employed_from"), person.get("employed_to")):
            return _ZERO
        days = person.get("working_days") or _WORKING_DAYS
        return Fraction(1, len(days)) if day.isoweekday() in days else _ZERO

    def gross(self, resource_id: str, day: date) -> Fraction:
        person = self._person(resource_id, day)
        weekly = (person or {}).get("weekly_minutes") or 0
        return weekly * self.share_of_week(resource_id, day)

    def net(self, resource_id: str, day: date) -> Fraction:
        """A holiday takes the day whole, leave its minutes or the whole of it, and no day is below nothing."""
        person = self._person(resource_id, day) or {}
        for holiday in self._holidays:
            if holiday["date"] == day.isoformat() and holiday.get("region") in {None, person.get("region")}:
                return _ZERO
        left = self.gross(resource_id, day)
        for leave in self._leave:
            if leave["resource_id"] == resource_id and _within(day, leave["from"], leave["to"]):
                minutes = leave.get("minutes_per_day")
                left -= left if minutes is None else minutes
        return max(_ZERO, left)


def bookings(entities: Sequence[Entity]) -> Iterator[Booking]:
    """Every assignment that stands."""
    calendars = Calendars(entities)
    for entity in entities:
        if entity.kind == "assignment" and entity.state != "cancelled":
            fields = entity.fields()
            yield Booking(
                assignment_id=entity.id,
                resource_id=fields["resource_id"],
                contract_id=fields["contract_id"],
                line_id=fields.get("line_id"),
                role=fields.get("role"),
                billable=fields.get("billable") is not False,
                booking=fields.get("booking") or "hard",
                probability=number(fields.get("probability_ratio") or 1),
                net={day: minutes for day, minutes in _planned(fields, calendars) if minutes},
            )


def _planned(fields: Fields, calendars: Calendars) -> Iterable[tuple[date, Fraction]]:
    who = fields["resource_id"]
    days = list(_days(date.fromisoformat(fields["from"]), date.fromisoformat(fields["to"])))
    open_days = [day for day in days if calendars.net(who, day) > 0]
    for day in days:
        capacity = calendars.gross(who, day)
        if fields.get("minutes_per_week") is not None:
            gross = fields["minutes_per_week"] * calendars.share_of_week(who, day)
        else:
            gross = Fraction(fields["minutes_total"], len(open_days)) if day in open_days else _ZERO
        yield day, gross * calendars.net(who, day) / capacity if capacity else _ZERO


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += timedelta(days=1)


def _within(day: date, first: str | None, last: str | None) -> bool:
    return (not first or date.fromisoformat(first) <= day) and (not last or day <= date.fromisoformat(last))
