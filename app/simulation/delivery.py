"""What projects deliver besides hours: milestones, expenses, subcontracted work."""

from __future__ import annotations

from functools import partial
from typing import Any

from app.simulation import rates, wire
from app.simulation.agenda import Agenda, Desk
from app.simulation.dice import Dice
from app.simulation.portfolio import Contract, Item
from app.simulation.rates import decimal, units

RETAINED_PER_CENT = 10
CATEGORIES = ("travel", "lodging", "software", "printing")


class Delivery:
    """Tells a contract's milestones, expenses and subcontracts, and hands finance what may be invoiced of them."""

    def __init__(self, agenda: Agenda, desk: Desk, dice: Dice) -> None:
        self.agenda = agenda
        self.desk = desk
        self.days = agenda.days
        self.dice = dice
        self.milestones = 0
        self.expenses = 0
        self.commitments = 0

    def sign(self, contract: Contract, day: int) -> None:
        """Plan what comes with a contract that was signed on `day`."""
        for line in contract.terms["lines"]:
            if line["billing_method"] == "milestone":
                self._milestones(contract, line, day)
        if contract.internal:
            return
        if contract.number % 8 == 3:
            self.agenda.plan(contract.first + 20, partial(self._subcontract, contract))
        self.agenda.plan(
            max(contract.first, self.days.first) + self.dice.between(8, 20), partial(self._expense, contract)
        )

    def _milestones(self, contract: Contract, line: dict[str, Any], day: int) -> None:
        count = 5 if contract.shape == "milestones" else 3
        fee = units(line["fee"], contract.currency)
        step = (contract.last - contract.first) // count
        for place in range(1, count + 1):
            self.milestones += 1
            amount = fee // count if place < count else fee - fee // count * (count - 1)
            _Milestone(self, f"MS-{self.milestones:04d}", contract, line, amount, contract.first + place * step).plan(
                day, place
            )

    def _expense(self, contract: Contract, day: int) -> None:
        """One expense, and the next some weeks later while the contract runs."""
        if not contract.first <= day <= contract.last or not contract.open_on(day) or not contract.people:
            return
        self.agenda.plan(day + self.dice.between(12, 34), partial(self._expense, contract))
        self.expenses += 1
        number, entity = self.expenses, f"EX-{self.expenses:05d}"
        currency = "USD" if number % 41 == 17 else contract.currency
        amount = rates.in_currency(self.dice.between(2_000, 90_000), currency)
        said: dict[str, Any] = {
            "expense_id": entity,
            "contract_id": contract.contract_id,
            "date": self.days.name(day - self.dice.between(1, 6)),
            "net": {"amount": decimal(amount, currency), "currency": currency},
            "category": CATEGORIES[number % 4],
            "billable": number % 7 != 3,
            "resource_id": contract.people[number % len(contract.people)],
            "line_id": "L1",
        }
        if number % 11 != 5:
            said["receipt_ref"] = f"receipts/{entity}"
        if number % 3 == 1:
            said["markup_ratio"] = "0.05"
            amount = (amount * 105 + 50) // 100
        self._tell(contract, "approved", entity, 1, said, day)
        if number % 13 == 6:
            self.agenda.plan(day + 9, partial(self._tell, contract, "rejected", entity, 2, {"expense_id": entity}))
            return
        if number % 12 == 4:
            # Put right within days, and before anybody invoices it.
            amount = amount // 2
            half = {**said, "net": {"amount": decimal(amount, currency), "currency": currency}}
            half.pop("markup_ratio", None)
            self.agenda.plan(day + 3, partial(self._tell, contract, "corrected", entity, 2, half))
        if said["billable"] and currency == contract.currency:
            contract.items.append(Item(day + 4, "expense", entity, amount))

    def _tell(self, contract: Contract, what: str, entity: str, revision: int, said: dict[str, Any], day: int) -> None:
        self.desk.say(
            day, contract.source, f"expense.{what}", entity, said, revision=revision, correlation=contract.contract_id
        )

    def _subcontract(self, contract: Contract, day: int) -> None:
        self.commitments += 1
        entity = f"SC-{self.commitments:04d}"
        amount = rates.in_currency(self.dice.between(5, 40) * 100_000, contract.currency)
        said = {
            "commitment_id": entity,
            "contract_id": contract.contract_id,
            "net": {"amount": decimal(amount, contract.currency), "currency": contract.currency},
            "supplier_id": f"S-{1 + self.commitments % 9:03d}",
            "line_id": "L1",
        }

        def say(what: str, revision: int, day: int) -> None:
            self.desk.say(
                day, wire.ERP, f"subcontract.{what}", entity, said, revision=revision, correlation=contract.contract_id
            )

        say("committed", 1, day)
        self.agenda.plan(day + 45, partial(say, "invoiced", 2))


class _Milestone:
    """One milestone on its way from the plan to the invoice."""

    def __init__(
        self, delivery: Delivery, entity: str, contract: Contract, line: dict[str, Any], amount: int, due: int
    ) -> None:
        self.delivery = delivery
        self.entity = entity
        self.contract = contract
        self.amount = amount
        self.due = due
        self.line_id = line["line_id"]
        self.retained = amount * RETAINED_PER_CENT // 100 if "retainage_ratio" in line else 0
        self.revision = 0

    def plan(self, day: int, place: int) -> None:
        delivery, days, dice = self.delivery, self.delivery.days, self.delivery.dice
        planned = {
            "amount": decimal(self.amount, self.contract.currency),
            "line_id": self.line_id,
            "name": f"Work package {place}",
            "due_on": days.name(self.due),
        }
        self._say("planned", planned, day)
        number = int(self.entity[3:])
        if number % 11 == 6:
            delivery.agenda.plan(self.due - 20, partial(self._say, "cancelled", {}))
            return
        if number % 3 == 0:
            later = {"due_on": days.name(self.due + 10), "progress_ratio": "0.40"}
            delivery.agenda.plan(max(day, self.due - 15), partial(self._say, "changed", later))
        delivery.agenda.plan(max(day + 1, days.workday(self.due + dice.between(-4, 9))), self._complete)

    def _say(self, what: str, said: dict[str, Any], day: int) -> None:
        contract = self.contract
        if contract.stops is not None and day >= contract.stops:
            return
        self.revision += 1
        self.delivery.desk.say(
            day,
            contract.source,
            f"milestone.{what}",
            self.entity,
            {"milestone_id": self.entity, "contract_id": contract.contract_id, **said},
            revision=self.revision,
            correlation=contract.contract_id,
        )

    def _complete(self, day: int) -> None:
        days, dice, agenda = self.delivery.days, self.delivery.dice, self.delivery.agenda
        said = {"completed_on": days.name(day), "progress_ratio": "1", "evidence_ref": f"evidence/{self.entity}"}
        self._say("completed", said, day)
        looked_at = days.workday(day + dice.between(2, 14))
        again = self.revision > 3
        number = int(self.entity[3:])
        if number % 8 == 2 and not again:
            agenda.plan(looked_at, partial(self._say, "rejected", {}))
            agenda.plan(days.workday(looked_at + 12), self._complete)
        elif number % 9 != 7:
            agenda.plan(looked_at, self._accept)

    def _accept(self, day: int) -> None:
        contract = self.contract
        if contract.stops is not None and day >= contract.stops:
            return
        self._say(
            "accepted", {"accepted_on": self.delivery.days.name(day), "accepted_by": contract.client.client_id}, day
        )
        contract.items.append(Item(day, "milestone", self.entity, self.amount - self.retained))
        if self.retained:
            contract.retained.append((self.line_id, self.entity, self.retained))
