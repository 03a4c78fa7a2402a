"""Work that looks for a person against the people who are free: events.md, `demand.gap_updated`; domain.md R41, R44.

Nobody knows yet who will do it, so it is spread over Monday to Friday, whoever has a holiday then. What lies behind
as-of can be staffed no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from .entities import Entity
from .numbers import fixed, number, shortest
from .staff import HARD, Person, Span
from .weeks import Week, weeks_around

_OPEN = {"opened", "changed"}
_WORKING_DAYS = 5

Key = tuple[str, str | None, str]
"""Role, practice (None for any), the name of the week."""


@dataclass(frozen=True)
class Demand:
    """Unnamed work as it stands now."""

    role: str
    practice: str | None
    span: Span
    per_week: Fraction
    probability: Fraction

    def on(self, day: date) -> Fraction:
        works = day in self.span and day.isoweekday() <= _WORKING_DAYS
        return self.per_week / _WORKING_DAYS if works else Fraction(0)


def demand_rows(entities: Sequence[Entity], staff: Sequence[Person], as_of: date) -> dict[Key, dict[str, Any]]:
    """The payload of `demand.gap_updated` for this week and those ahead, wherever anything was ever asked for."""
    mine = [entity for entity in entities if entity.kind == "demand"]
    said = [message["data"] for entity in mine for message in entity.messages]
    asked = {(data["role"], data.get("practice")) for data in said if data.get("role")}
    demands = [demand_of(entity) for entity in mine if entity.state in _OPEN]
    return {
        (role, practice, week.name): _row(role, practice, week, demands, staff, as_of)
        for role, practice in asked
        for week in weeks_around(as_of, behind=0)
    }


def _row(
    role: str, practice: str | None, week: Week, demands: Sequence[Demand], staff: Sequence[Person], as_of: date
) -> dict[str, Any]:
    days = [day for day in week.days if day > as_of]
    here = [one for one in demands if (one.role, one.practice) == (role, practice)]
    asked = sum((one.on(day) for one in here for day in days), Fraction(0))
    weighted = sum((one.on(day) * one.probability for one in here for day in days), Fraction(0))
    free = sum((_free(person, role, practice, days) for person in staff), Fraction(0))
    capacity, expected, maximum = _booked(week, role, practice, staff)
    return {
        "role": role,
        "practice": practice,
        "week": week.name,
        "as_of": as_of.isoformat(),
        "demand_minutes": shortest(asked, 2),
        "demand_weighted_minutes": shortest(weighted, 2),
        "free_minutes": shortest(free, 2),
        "gap_minutes": shortest(weighted - free, 2),
        "expected_ratio": fixed((expected + weighted) / capacity, 4) if capacity else None,
        "maximum_ratio": fixed((maximum + asked) / capacity, 4) if capacity else None,
    }


def _booked(
    week: Week, role: str, practice: str | None, staff: Sequence[Person]
) -> tuple[Fraction, Fraction, Fraction]:
    """Capacity of those in the role and practice over the whole week, and what they are booked for gross: by
    probability, hard bookings whole, and all of it."""
    capacity = expected = maximum = Fraction(0)
    for person in staff:
        for day in week.days:
            held = person.day(day)
            if held.role == role and practice in {None, held.practice}:
                capacity += held.capacity
                for booking in person.bookings:
                    gross = person.gross(booking, day)
                    expected += gross if booking.kind == HARD else gross * booking.probability
                    maximum += gross
    return capacity, expected, maximum


def _free(person: Person, role: str, practice: str | None, days: Sequence[date]) -> Fraction:
    """What hard bookings leave of a person's capacity on the days in that role and practice; over-booked is not less
    than none."""
    held = [(day, person.day(day)) for day in days]
    mine = [day for day, is_ in held if is_.role == role and practice in {None, is_.practice}]
    hard = [booking for booking in person.bookings if booking.kind == HARD]
    capacity = sum((person.day(day).capacity for day in mine), Fraction(0))
    planned = sum((person.net(booking, day) for booking in hard for day in mine), Fraction(0))
    return max(Fraction(0), capacity - planned)


def demand_of(entity: Entity) -> Demand:
    """The demand as it stands now."""
    fields = entity.fields()
    probability = fields.get("probability_ratio")
    return Demand(
        role=fields["role"],
        practice=fields.get("practice"),
        span=Span(date.fromisoformat(fields["from"]), date.fromisoformat(fields["to"])),
        per_week=number(fields["minutes_per_week"]),
        probability=Fraction(1) if probability is None else number(probability),
    )
