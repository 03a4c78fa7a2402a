"""The simulated firm: from a scenario to the lines its systems send, day by day."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from app.simulation import wire
from app.simulation.agenda import Agenda, Desk
from app.simulation.days import Days
from app.simulation.dice import Dice
from app.simulation.people import hire
from app.simulation.portfolio import Contract, portfolio
from app.simulation.quota import Quota
from app.simulation.scenario import Scenario
from app.simulation.staffing import allocate
from app.simulation.terms import RateCards, approved
from app.simulation.timesheets import Timesheets


def simulate(scenario: Scenario) -> Iterator[bytes]:
    """The lines of a scenario in the order of their arrival, without line ends, made while they are asked for.

    >>> lines = list(simulate(Scenario(events=500)))
    >>> len(lines), lines == list(simulate(Scenario(events=500)))
    (500, True)
    """
    return islice(Firm(scenario).lines(), scenario.events)


class Firm:
    """Everything that exists in one simulation."""

    def __init__(self, scenario: Scenario) -> None:
        size = scenario.size()
        seed = scenario.seed
        self.scenario = scenario
        self.days = Days(size)
        self.agenda = Agenda(self.days, Dice(seed, "late"), scenario.late_ratio, scenario.late_days)
        self.desk = Desk(self.agenda, Dice(seed, "desk"))
        self.people = hire(size.people, self.days, Dice(seed, "people"))
        self.contracts = portfolio(size.contracts, self.days, Dice(seed, "portfolio"))
        self.stints = allocate(self.people, self.contracts, self.days, Dice(seed, "staffing"))
        self.cards = RateCards(self.desk, self.days, Dice(seed, "rates"))
        self.terms_dice = Dice(seed, "terms")
        self.timesheets = Timesheets(
            self.agenda, self.desk, self.people, self.contracts, Dice(seed, "time"), Dice(seed, "trouble")
        )
        self.quota = Quota(scenario.own_lines, self.days)

    def lines(self) -> Iterator[bytes]:
        """Run the firm from its opening day to the last, and hand out each day's lines once the day is complete."""
        self.agenda.plan(0, self.cards.price_list)
        for contract in self.contracts:
            self.agenda.plan(contract.signed, lambda day, contract=contract: self._sign(contract, day))
        for day in range(self.days.last + 1):
            if day >= self.days.first and day % 7 == 0:
                pieces = self.quota.pieces((day - self.days.first) // 7, self.agenda.written, self.timesheets.units)
                self.timesheets.week(day, pieces)
            self.agenda.run(day)
            yield from self.agenda.take(day)

    def _sign(self, contract: Contract, day: int) -> None:
        contract.version = 1
        contract.terms = approved(contract, self.days, self.terms_dice)
        self.desk.say(
            day,
            wire.CLM,
            "contract.approved",
            contract.contract_id,
            contract.terms,
            correlation=contract.contract_id,
        )
        self.cards.agree(contract, day)
