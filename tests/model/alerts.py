"""Who will soon have nothing to do, and of whom HR has not spoken for too long: domain.md R44, F20;
docs/utilization.md, "Bench and roll-off", "How old it is".

Of each week ahead: what the person can do, and what hard bookings plan of it net.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from itertools import takewhile
from typing import Any

from .numbers import shortest
from .staff import HARD, Person
from .weeks import Week, weeks_around

_HORIZON = 4
_LEAST = 2


def alert_rows(staff: Sequence[Person], as_of: date) -> dict[str, dict[str, Any]]:
    """The payload of `resource.alert_updated`, of everybody."""
    return {
        person.resource_id: {
            "resource_id": person.resource_id,
            "as_of": as_of.isoformat(),
            "bench": _bench(person, as_of),
            "roll_off": _roll_off(person, as_of),
            "stale": _stale(person, as_of),
        }
        for person in staff
    }


def _capacity(person: Person, week: Week) -> Fraction:
    return sum((person.day(day).capacity for day in week.days), Fraction(0))


def _planned(person: Person, week: Week) -> Fraction:
    hard = [booking for booking in person.bookings if booking.kind == HARD]
    return sum((person.net(booking, day) for booking in hard for day in week.days), Fraction(0))


def _bench(person: Person, as_of: date) -> dict[str, Any] | None:
    """The first run of at least two weeks with less than half of their capacity planned; weeks without capacity are not
    looked at. Told once it begins this week or in the next four."""
    weeks = [week for week in weeks_around(as_of, behind=0) if _capacity(person, week) > 0]
    idle = [_planned(person, week) / _capacity(person, week) < Fraction(1, 2) for week in weeks]
    for place in range(len(weeks)):
        run = len(list(takewhile(bool, idle[place:])))
        if run >= _LEAST and not (place and idle[place - 1]):
            mine = weeks[place : place + run]
            free = sum((_capacity(person, week) - _planned(person, week) for week in mine), Fraction(0))
            row = {"from_week": mine[0].name, "weeks": run, "free_minutes": shortest(free, 2)}
            return row if mine[0] in _near(as_of) else None
    return None


def _roll_off(person: Person, as_of: date) -> dict[str, Any] | None:
    """The last week in which anything is planned, if it is this one or one of the next four, and weeks after them are
    known to be empty."""
    weeks = weeks_around(as_of, behind=0)
    planned = [week for week in weeks if _planned(person, week) > 0]
    beyond = [week for week in weeks if week not in _near(as_of)]
    if not planned or not beyond or planned[-1] not in _near(as_of):
        return None
    return {"last_week": planned[-1].name}


def _stale(person: Person, as_of: date) -> dict[str, Any] | None:
    """Somebody who can do anything in a week to come, or is booked for it, hard, and of whom HR was last heard too long
    ago, or never."""
    age, limit = person.age(as_of), person.limit(as_of)
    if limit is None or (age is not None and age <= limit):
        return None
    hard = [booking for booking in person.bookings if booking.kind == HARD]
    for week in weeks_around(as_of, behind=0):
        if _capacity(person, week) > 0 or any(person.gross(one, day) > 0 for one in hard for day in week.days):
            return {"data_age_days": age, "limit_days": limit}
    return None


def _near(as_of: date) -> list[Week]:
    return weeks_around(as_of, behind=0, ahead=_HORIZON)
