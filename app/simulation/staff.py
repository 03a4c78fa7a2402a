"""What HR says: who is employed on which terms, who is away, and what an hour of somebody costs."""

from __future__ import annotations

from functools import partial
from typing import Any

from app.simulation import rates, wire
from app.simulation.agenda import Agenda, Desk
from app.simulation.dice import Dice
from app.simulation.people import ENTITIES, FULL_WEEK, TIME_ZONES, Person
from app.simulation.terms import RateCards

COST_CURRENCIES = {"emea": "EUR", "amer": "USD"}
NOTICE_DAYS = 28
"""How long before their last day those who leave say so."""

WEEKS_PER_LEAVE = 16
TARGETS = {"Delivery": "0.65", "Advisory": "0.75"}


class Staff:
    """Tells the firm's people, their leave and their costs."""

    def __init__(self, agenda: Agenda, desk: Desk, people: list[Person], cards: RateCards, dice: Dice) -> None:
        self.agenda = agenda
        self.desk = desk
        self.days = agenda.days
        self.people = people
        self.cards = cards
        self.dice = dice
        self.leaves = 0

    def open(self) -> None:
        """Plan everything this part ever says."""
        for person in self.people:
            self.agenda.plan(max(1, person.employed_from - 14), partial(self._hired, person))
            self.agenda.plan(max(1, person.employed_from - 7), partial(self._costs, person))
            if person.employed_to is not None:
                self.agenda.plan(person.employed_to - NOTICE_DAYS, partial(self._leaves, person))
            elif person.number % 15 == 3:
                self.agenda.plan(self.days.monday(self.days.weeks // 2) - 3, partial(self._full_time, person))
            for block in range(0, self.days.weeks, WEEKS_PER_LEAVE):
                self._away(person, block)

    def _said(self, person: Person, since: int) -> dict[str, Any]:
        return {
            "resource_id": person.resource_id,
            "effective_from": self.days.name(since),
            "weekly_minutes": person.weekly_minutes,
            "working_days": list(range(1, person.workdays + 1)),
            "role": person.role.name,
            "practice": person.role.practice,
            "region": person.region,
            "legal_entity_id": ENTITIES[person.region],
            "cost_centre": f"CC-{person.role.practice}",
            "target_ratio": TARGETS.get(person.role.practice, "0.80"),
            "employed_from": self.days.name(person.employed_from),
            "time_zone": TIME_ZONES[person.region],
        }

    def _hired(self, person: Person, day: int) -> None:
        self.desk.say(day, wire.HR, "resource.upserted", person.resource_id, self._said(person, person.employed_from))

    def _leaves(self, person: Person, day: int) -> None:
        assert person.employed_to is not None
        said = {**self._said(person, person.employed_from), "employed_to": self.days.name(person.employed_to)}
        self.desk.say(day, wire.HR, "resource.upserted", person.resource_id, said, revision=2)

    def _full_time(self, person: Person, day: int) -> None:
        """Somebody with a short week works the whole week from next Monday on."""
        person.weekly_minutes, person.workdays = FULL_WEEK, 5
        said = self._said(person, day + 3)
        self.desk.say(day, wire.HR, "resource.upserted", person.resource_id, said, revision=2)

    def _costs(self, person: Person, day: int) -> None:
        """About half of what the firm asks for the role, in the currency of the person's region."""
        currency = COST_CURRENCIES[person.region]
        amount = rates.in_currency(person.role.list_price * self.dice.between(42, 58) // 100, currency)
        since = min(person.employed_from, 0)
        self.cards.set(day, {"kind": "cost", "resource_id": person.resource_id}, amount, currency, since)

    def _away(self, person: Person, block: int) -> None:
        """One spell of leave in every sixteen weeks: days to two weeks, asked for three to six weeks before."""
        first = self.days.monday(block + self.dice.between(2, WEEKS_PER_LEAVE - 2)) + self.dice.between(0, 4)
        last = first + self.dice.one_of((0, 1, 3, 4, 6, 11))
        asked = first - self.dice.between(20, 40)
        self.leaves += 1
        entity = f"LV-{self.leaves:05d}"
        said: dict[str, Any] = {
            "leave_id": entity,
            "resource_id": person.resource_id,
            "from": self.days.name(first),
            "to": self.days.name(last),
        }
        if self.leaves % 10 == 4:
            said["minutes_per_day"] = person.day_minutes // 2
        elif self.leaves % 12 == 5:
            self.agenda.plan(max(2, asked) + 9, partial(self._stays, entity, person.resource_id))
        else:
            person.away.update(range(first, last + 1))
        self.agenda.plan(max(1, asked), partial(self._grant, entity, said))

    def _grant(self, entity: str, said: dict[str, Any], day: int) -> None:
        self.desk.say(day, wire.HR, "leave.approved", entity, said)

    def _stays(self, entity: str, resource_id: str, day: int) -> None:
        self.desk.say(
            day, wire.HR, "leave.cancelled", entity, {"leave_id": entity, "resource_id": resource_id}, revision=2
        )
