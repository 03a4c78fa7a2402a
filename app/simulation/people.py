"""Who works in the firm."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.simulation import wire
from app.simulation.days import Days
from app.simulation.dice import Dice
from app.simulation.rates import Role, roles

if TYPE_CHECKING:
    from app.simulation.staffing import Stint

FULL_WEEK = 2_400
"""Minutes of a full working week: five days of eight hours."""

BEFORE_DAYS = 700
"""How long before the opening somebody was hired at most."""

FEW = 8
"""A firm of this many or fewer keeps everybody: one leaver would be most of it."""

SOURCES = {"emea": wire.PSA_EMEA, "amer": wire.PSA_AMER}
ENTITIES = {"emea": "LE-DE", "amer": "LE-US"}
TIME_ZONES = {"emea": "Europe/Berlin", "amer": "America/New_York"}
EVENING = {"emea": 15 * 3_600, "amer": 21 * 3_600}
"""The second of the UTC day at which people of a region write their time: 16:00 in either place, in winter."""


@dataclass(slots=True, eq=False)
class Person:
    """A person. `day_minutes` is the capacity of a working day; `workdays` counts them from Monday."""

    number: int
    resource_id: str
    region: str
    role: Role
    weekly_minutes: int
    workdays: int
    weekly: bool
    employed_from: int
    employed_to: int | None = None
    away: set[int] = field(default_factory=set)
    stints: list[Stint] = field(default_factory=list)

    @property
    def day_minutes(self) -> int:
        return self.weekly_minutes // self.workdays

    @property
    def source(self) -> str:
        return SOURCES[self.region]


def hire(count: int, days: Days, dice: Dice) -> list[Person]:
    """The people of the firm: two regions, every role in turn, one in five with a shorter week."""
    order = dice.shuffled(roles())
    people = []
    for number in range(count):
        part_time = number % 5 == 3
        person = Person(
            number=number,
            resource_id=f"R-{number + 1:04d}",
            region=("emea", "amer", "emea", "amer", "emea")[number % 5],
            role=order[number % len(order)],
            weekly_minutes=1_920 if part_time else FULL_WEEK,
            workdays=4 if part_time else 5,
            weekly=number % 3 != 1,
            employed_from=-dice.between(30, BEFORE_DAYS),
        )
        if count > FEW and number % 12 == 7:
            # Some join and some leave while we watch.
            if number % 24 == 7:
                person.employed_from = days.monday(dice.between(2, max(2, days.weeks // 2)))
            else:
                person.employed_to = days.monday(dice.between(days.weeks // 2, days.weeks)) + 4
        people.append(person)
    return people
