"""What staffing says: assignments, and demand that looks for somebody."""

from __future__ import annotations

from functools import partial
from typing import Any

from app.simulation.agenda import Agenda, Desk
from app.simulation.dice import Dice
from app.simulation.people import Person
from app.simulation.portfolio import Contract
from app.simulation.rates import roles
from app.simulation.staffing import Stint

PIPELINE_WEEKS = 3
"""Every so many weeks, sales sees one more piece of work for each thirty people."""

PEOPLE_PER_OPPORTUNITY = 30


class Bookings:
    """Tells the stints as assignments, and what is sold or hoped for as demand."""

    def __init__(
        self,
        agenda: Agenda,
        desk: Desk,
        stints: list[Stint],
        contracts: list[Contract],
        people: list[Person],
        dice: Dice,
    ) -> None:
        self.agenda = agenda
        self.desk = desk
        self.days = agenda.days
        self.stints = stints
        self.contracts = contracts
        self.people = people
        self.dice = dice
        self.extra = len(stints)
        self.demands = 0

    def open(self) -> None:
        """Plan everything this part ever says."""
        for number, stint in enumerate(self.stints):
            self._book(number, stint)
        for contract in self.contracts:
            if contract.number % 4 == 0 and contract.roles:
                self.agenda.plan(max(1, contract.first - 35), partial(self._ask, contract))
        for week in range(0, self.days.weeks, PIPELINE_WEEKS):
            self.agenda.plan(self.days.monday(week) + 1, self._pipeline)

    def _said(self, stint: Stint, **changed: Any) -> dict[str, Any]:
        return {
            "assignment_id": stint.assignment_id,
            "resource_id": stint.person.resource_id,
            "contract_id": stint.contract.contract_id,
            "from": self.days.name(stint.first),
            "to": self.days.name(stint.last),
            "minutes_per_week": stint.week_minutes,
            "role": stint.person.role.name,
            "line_id": stint.line_id,
            "booking": "hard",
            **changed,
        }

    def _say(self, stint: Stint, what: str, revision: int, said: dict[str, Any], day: int) -> None:
        self.desk.say(
            day,
            stint.contract.source,
            f"assignment.{what}",
            stint.assignment_id,
            said,
            revision=revision,
            correlation=stint.contract.contract_id,
        )

    def _book(self, number: int, stint: Stint) -> None:
        """Booked some weeks before; every fifth one softly at first. What ends early is cancelled or shortened."""
        booked = max(2, stint.first - self.dice.between(10, 28))
        revision = 1
        if number % 5 == 2:
            probability = self.dice.one_of(("0.50", "0.60", "0.75", "0.90"))
            booking = "proposed" if number % 15 == 2 else "soft"
            said = self._said(stint, booking=booking, probability_ratio=probability)
            self.agenda.plan(booked, partial(self._say, stint, "booked", 1, said))
            self.agenda.plan(max(booked, stint.first - 3), partial(self._confirm, stint))
            revision = 2
        else:
            self.agenda.plan(booked, partial(self._say, stint, "booked", 1, self._said(stint)))
        stops = stint.contract.stops
        if stops is not None and stops <= stint.last:
            self._end(stint, revision + 1, max(stops, booked + 1))
        elif number % 9 == 4 and stint.person.number % 15 != 3:
            self.agenda.plan(stint.first + 14, partial(self._stretch, stint, revision + 1))
        if stint.person.number % 15 == 3 and stint.contract.stops is None:
            more = self.days.monday(self.days.weeks // 2)
            if stint.first < more <= stint.last:
                self.agenda.plan(more, partial(self._stretch, stint, revision + 1))
        if number % 26 == 11:
            self._by_mistake(stint, booked)

    def _confirm(self, stint: Stint, day: int) -> None:
        self._say(stint, "changed", 2, self._said(stint), day)

    def _stretch(self, stint: Stint, revision: int, day: int) -> None:
        """Booked a week longer than people stay, or with the hours of a longer week."""
        self._say(stint, "changed", revision, self._said(stint, to=self.days.name(stint.last + 7)), day)

    def _end(self, stint: Stint, revision: int, stops: int) -> None:
        if stops <= stint.first:
            said: dict[str, Any] = {"assignment_id": stint.assignment_id}
            self.agenda.plan(stops, partial(self._say, stint, "cancelled", revision, said))
        else:
            said = self._said(stint, to=self.days.name(stops))
            self.agenda.plan(stops, partial(self._say, stint, "changed", revision, said))

    def _by_mistake(self, stint: Stint, day: int) -> None:
        """The same person is booked once more, in total minutes, and that is taken back a week later."""
        self.extra += 1
        twice = Stint(
            f"A-{self.extra:05d}",
            stint.person,
            stint.contract,
            stint.line_id,
            stint.day_minutes,
            stint.first,
            stint.last,
        )
        said = self._said(twice, booking="hard", minutes_total=twice.minutes_until(twice.last))
        del said["minutes_per_week"]
        self.agenda.plan(day, partial(self._say, twice, "booked", 1, said))
        self.agenda.plan(day + 7, partial(self._say, twice, "cancelled", 2, {"assignment_id": twice.assignment_id}))

    def _demand(self, day: int, source: str, said: dict[str, Any], ways: tuple[tuple[str, int], ...]) -> None:
        """Demand opened on `day`, and what becomes of it so many days later."""
        self.demands += 1
        entity = f"D-{self.demands:04d}"
        said = {"demand_id": entity, **said}
        correlation = said.get("contract_id")

        def say(what: str, revision: int, day: int) -> None:
            body = said if what == "opened" else {"demand_id": entity}
            if what == "changed":
                body = {**said, "probability_ratio": "0.90"}
            self.desk.say(day, source, f"demand.{what}", entity, body, revision=revision, correlation=correlation)

        say("opened", 1, day)
        for number, (what, after) in enumerate(ways):
            self.agenda.plan(day + after, partial(say, what, number + 2))

    def _ask(self, contract: Contract, day: int) -> None:
        """A signed contract looks for its team."""
        role = contract.roles[0]
        said = {
            "role": role.name,
            "from": self.days.name(contract.first),
            "to": self.days.name(contract.last),
            "minutes_per_week": 2_400,
            "practice": role.practice,
            "probability_ratio": "1",
            "contract_id": contract.contract_id,
        }
        self._demand(day, contract.source, said, (("filled", 12),))

    def _pipeline(self, day: int) -> None:
        """Work that is hoped for: some of it comes, some does not, some is still open."""
        for _ in range(1 + len(self.people) // PEOPLE_PER_OPPORTUNITY):
            role = self.dice.one_of(roles())
            begins = self.days.workday(day + self.dice.between(35, 80))
            said = {
                "role": role.name,
                "from": self.days.name(begins),
                "to": self.days.name(begins + 7 * self.dice.between(6, 20) - 3),
                "minutes_per_week": self.dice.one_of((960, 1_200, 2_400, 4_800)),
                "practice": role.practice,
                "probability_ratio": self.dice.one_of(("0.20", "0.40", "0.50", "0.70")),
                "opportunity_id": f"OP-{self.demands + 1:04d}",
            }
            source = ("/psa/emea", "/psa/amer")[self.demands % 2]
            fate = self.demands % 4
            ways = ((("changed", 10), ("filled", 30)), (("cancelled", 25),), (("changed", 21),), ())[fate]
            self._demand(day, source, said, ways)
