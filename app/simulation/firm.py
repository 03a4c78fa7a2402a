"""The simulated firm: from a scenario to the lines its systems send, day by day."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice

from app.simulation import wire
from app.simulation.agenda import Agenda, Desk
from app.simulation.bookings import Bookings
from app.simulation.days import Days
from app.simulation.delivery import Delivery
from app.simulation.dice import Dice
from app.simulation.faults import troubled
from app.simulation.finance import Finance
from app.simulation.people import hire
from app.simulation.portfolio import Contract, clients_of, portfolio
from app.simulation.quota import Quota
from app.simulation.reference import Reference
from app.simulation.scenario import Scenario
from app.simulation.staff import Staff
from app.simulation.staffing import allocate
from app.simulation.stories import Stories, fate
from app.simulation.terms import RateCards, approved
from app.simulation.timesheets import Timesheets


def simulate(scenario: Scenario) -> Iterator[bytes]:
    """The lines of a scenario in the order of their arrival, without line ends, made while they are asked for.

    >>> lines = list(simulate(Scenario(events=500)))
    >>> len(lines), lines == list(simulate(Scenario(events=500)))
    (500, True)
    """
    return islice(troubled(Firm(scenario).lines(), scenario), scenario.events)


class Firm:
    """Everything that exists in one simulation."""

    def __init__(self, scenario: Scenario) -> None:
        size = scenario.size()

        def dice(concern: str) -> Dice:
            return Dice(scenario.seed, concern)

        self.scenario = scenario
        self.days = Days(size)
        self.agenda = agenda = Agenda(self.days, dice("late"), scenario.late_ratio, scenario.late_days)
        self.desk = desk = Desk(agenda, dice("desk"))
        self.people = people = hire(size.people, self.days, dice("people"))
        self.contracts = contracts = portfolio(size.contracts, self.days, dice("portfolio"))
        for contract in contracts:
            fate(contract, self.days.last)
        self.stints = stints = allocate(people, contracts, self.days, dice("staffing"))
        self.cards = cards = RateCards(desk, self.days, dice("rates"))
        self.finance = Finance(agenda, desk, contracts, cards, dice("finance"))
        self.stories = Stories(agenda, desk, cards, self.finance, dice("stories"))
        self.delivery = Delivery(agenda, desk, dice("delivery"))
        self.reference = Reference(agenda, desk, clients_of(contracts), dice("reference"))
        self.staff = Staff(agenda, desk, people, cards, dice("staff"))
        self.bookings = Bookings(agenda, desk, stints, contracts, people, dice("bookings"))
        self.timesheets = Timesheets(agenda, desk, people, contracts, dice("time"), dice("trouble"))
        self.quota = Quota(scenario.own_lines, self.days)
        self._terms_dice = dice("terms")

    def lines(self) -> Iterator[bytes]:
        """Run the firm from its opening day to the last, and hand out each day's lines once the day is complete."""
        self._open()
        for day in range(self.days.last + 1):
            if self.scenario.ticks:
                self._tick(day)
            if day >= self.days.first and day % 7 == 0:
                pieces = self.quota.pieces((day - self.days.first) // 7, self.agenda.written, self.timesheets.units)
                self.timesheets.week(day, pieces)
            self.agenda.run(day)
            yield from self.agenda.take(day)

    def _open(self) -> None:
        self.reference.open()
        self.agenda.plan(0, self.cards.price_list)
        self.staff.open()
        for contract in self.contracts:
            self.agenda.plan(contract.signed, partial(self._sign, contract))
        self.bookings.open()
        self.finance.open()

    def _sign(self, contract: Contract, day: int) -> None:
        contract.terms = approved(contract, self.days, self._terms_dice)
        self.stories.sign(contract, day)
        self.delivery.sign(contract, day)

    def _tick(self, day: int) -> None:
        today = self.days.name(day)
        self.desk.say(day, wire.CLOCK, "clock.ticked", today, {"on": today}, revision=None, second=0)
