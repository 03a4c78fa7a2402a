"""What happens to contracts after they are signed: amendments of every kind, late prices, disputes, ends.

Which story a contract lives is dealt out by its number, so that every kind occurs in any firm of some size, and is
spread over its term.
"""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from typing import Any

from app.simulation import portfolio, rates, terms, wire
from app.simulation.agenda import Agenda, Desk
from app.simulation.dice import Dice
from app.simulation.finance import Finance
from app.simulation.portfolio import Contract
from app.simulation.rates import decimal
from app.simulation.terms import RateCards

LONGER_DAYS = 28
"""How much an extension adds to a term."""

RETROACTIVE_DAYS = 45
"""How far back a late price reaches: over an invoice or two."""


def fate(contract: Contract, days_last: int) -> None:
    """Settle, before anybody plans, when work on a contract pauses or ends early."""
    number, length = contract.number, min(contract.last, days_last) - contract.first
    if contract.internal:
        return
    if number % 23 == 12:
        contract.stops = contract.first  # cancelled before it began
    elif number % 19 == 8:
        contract.stops = contract.first + length * 7 // 10
    elif number % 12 == 10 and length > 80:
        begin = contract.first + length * 4 // 10
        contract.pause = (begin, begin + 24)


class Stories:
    """Tells the contract events and prices that come after the signature."""

    def __init__(self, agenda: Agenda, desk: Desk, cards: RateCards, finance: Finance, dice: Dice) -> None:
        self.agenda = agenda
        self.desk = desk
        self.days = agenda.days
        self.cards = cards
        self.finance = finance
        self.dice = dice
        self.amendments = 0

    def sign(self, contract: Contract, day: int) -> None:
        """Say the approval, and plan the story."""
        self._contract(contract, "approved", contract.terms, day)
        self.cards.agree(contract, day)
        if not contract.internal:
            for after, step in self._steps(contract):
                self.agenda.plan(max(day + 1, after), step)

    def _steps(self, contract: Contract) -> list[tuple[int, Any]]:
        """(day, step) of everything that is to happen, in no particular order of days."""
        number = contract.number
        length = min(contract.last, self.days.last) - contract.first

        def at(per_cent: int) -> int:
            return self.days.workday(contract.first + length * per_cent // 100)

        steps: list[tuple[bool, int, Any]] = [
            (number % 4 == 1, at(55), self._more_budget),
            (number % 6 == 2, at(45), self._longer),
            (terms.lacks_purchase_order(contract) and number % 2 == 1, at(60), self._purchase_order),
            (number % 11 == 4, at(50), self._discount_from_the_start),
            (number % 10 in (5, 7), at(65), self._late_prices),
            (number % 8 in (2, 6), at(40), self._price_rise),
            (number % 16 == 11, at(30), self._mistaken_price),
            (number % 9 == 3, at(10), self._person_price),
            (number % 5 == 0 or contract.currency in ("GBP", "JPY"), at(1), self._cost_prices),
            (number % 17 == 9, at(50), self._forgotten_prices),
            (number % 14 == 9, at(60), partial(self._told, "dispute", "opened", "resolved", 30)),
            (number % 13 == 2, at(70), partial(self._told, "hold", "set", "cleared", 25)),
            (number % 9 == 8, at(70), self._write_off),
            (contract.shape == "percent complete", at(1), self._estimate),
        ]
        return [(day, partial(step, contract)) for applies, day, step in steps if applies] + self._ends(contract)

    def _ends(self, contract: Contract) -> list[tuple[int, Any]]:
        if contract.number % 23 == 12:
            return [(contract.first - 1, partial(self._moved, contract, "cancelled", "client withdrew"))]
        if contract.stops is not None:
            return [(contract.stops - 5, partial(self._cancellation, contract))]
        steps: list[tuple[int, Any]] = []
        if contract.pause is not None:
            begin, end = contract.pause
            steps.append((begin, partial(self._moved, contract, "suspended", "client reorganises")))
            steps.append((end + 1, partial(self._moved, contract, "resumed", None)))
        if contract.number % 5 != 4:
            steps.append((contract.last + 21, partial(self._closed, contract)))
        return steps

    # Contract events

    def _contract(self, contract: Contract, what: str, said: dict[str, Any], day: int) -> None:
        contract.version += 1
        self.desk.say(
            day,
            wire.CLM,
            f"contract.{what}",
            contract.contract_id,
            said,
            revision=contract.version,
            correlation=contract.contract_id,
            causation=said.get("amendment_id"),
        )

    def _moved(self, contract: Contract, what: str, reason: str | None, day: int) -> None:
        said = {"contract_id": contract.contract_id, "effective_from": self.days.name(day)}
        self._contract(contract, what, said if reason is None else {**said, "reason": reason}, day)

    def _closed(self, contract: Contract, day: int) -> None:
        if self.days.name(day - 21) < contract.terms["term"]["to"]:
            return  # extended since
        self.finance.release(contract, day)
        self._moved(contract, "closed", "work done", day)

    def _amend(self, contract: Contract, kind: str, day: int, effective: int, **changed: Any) -> None:
        self.amendments += 1
        said = {
            "contract_id": contract.contract_id,
            "amendment_id": f"AM-{self.amendments:04d}",
            "kind": kind,
            "effective_from": self.days.name(effective),
            "approved_by": "commercial",
            **changed,
        }
        self._contract(contract, "amended", said, day)

    def _more_budget(self, contract: Contract, day: int) -> None:
        """A quarter more, or for one in eight a tenth less, of the first line's budget and cap."""
        line = contract.terms["lines"][0]
        per_cent = -10 if contract.number % 8 == 5 else 25
        changed: dict[str, Any] = {"line_id": "L1"}
        budget = line.get("budget", {})
        if "minutes" in budget:
            changed["budget"] = {"minutes": budget["minutes"] * per_cent // 100}
        if "amount" in budget:
            changed["budget"]["amount"] = self._share(contract, budget["amount"], per_cent)
        if "cap" in line:
            changed["cap"] = {"amount": self._share(contract, line["cap"]["amount"], per_cent)}
            raised = rates.units(line["cap"]["amount"], contract.currency) * (100 + per_cent) // 100
            line["cap"] = {**line["cap"], "amount": decimal(raised, contract.currency)}
        self._amend(contract, "additive", day, day, lines=[changed])

    def _share(self, contract: Contract, amount: str, per_cent: int) -> str:
        return decimal(rates.units(amount, contract.currency) * per_cent // 100, contract.currency)

    def _longer(self, contract: Contract, day: int) -> None:
        """The term is extended, and every other time a line for training is added."""
        begin, until = contract.terms["term"]["from"], self.days.name(contract.last + LONGER_DAYS)
        contract.terms["term"] = {"from": begin, "to": until}
        changed: dict[str, Any] = {"term": {"to": until}}
        if contract.number % 4 == 0:
            line = {
                "line_id": "L3",
                "title": "Training",
                "billing_method": "time_and_materials",
                "budget": {"minutes": 2_400},
            }
            contract.terms["lines"].append(deepcopy(line))
            changed["lines"] = [line]
        self._amend(contract, "replacement", day, day, **changed)

    def _purchase_order(self, contract: Contract, day: int) -> None:
        """The number that was missing arrives."""
        number = f"PO-{40_000 + contract.number}"
        contract.terms["purchase_order"]["number"] = number
        self._amend(contract, "replacement", day, contract.first, purchase_order={"number": number})

    def _discount_from_the_start(self, contract: Contract, day: int) -> None:
        """Agreed today, valid from the first day: what is invoiced already needs an adjustment."""
        line = contract.terms["lines"][0]
        if line["billing_method"] != "time_and_materials":
            self._amend(contract, "retroactive", day, contract.first, retro_policy="delta_line")
            return
        line["discount_ratio"] = "0.03"
        changed = {"line_id": "L1", "discount_ratio": "0.03"}
        self._amend(contract, "retroactive", day, contract.first, lines=[changed])

    def _cancellation(self, contract: Contract, day: int) -> None:
        assert contract.stops is not None
        self._amend(contract, "cancellation", day, contract.stops)

    # Prices

    def _raised(self, contract: Contract, day: int, since: int, per_cent: int) -> None:
        for scope, cards in list(contract.cards.items()):
            if scope[0] != "person":
                self.cards.for_contract(contract, scope, day, since, cards[-1].amount * (100 + per_cent) // 100)

    def _price_rise(self, contract: Contract, day: int) -> None:
        """Announced three weeks ahead; the cards before it end the day before."""
        since = day + 21
        for cards in contract.cards.values():
            if cards[-1].since < since:
                self.cards.limit(cards[-1], day, since - 1)
        self._raised(contract, day, since, 4)

    def _late_prices(self, contract: Contract, day: int) -> None:
        """A rate card that should have been there long ago; one in two lowers the prices."""
        per_cent = 6 if contract.number % 10 == 7 else -5
        self._raised(contract, day, max(contract.first, day - RETROACTIVE_DAYS), per_cent)

    def _mistaken_price(self, contract: Contract, day: int) -> None:
        """A price for one person that is withdrawn a week later."""
        if not contract.people:
            return
        named = {"contract_id": contract.contract_id, "resource_id": contract.people[0]}
        said = self.cards.set(day, named, rates.in_currency(9_900, contract.currency), contract.currency, day)
        key = {name: said[name] for name in ("rate_id", "contract_id")}
        self.agenda.plan(day + 7, lambda later: self.cards.say(later, "withdrawn", key, 2))

    def _person_price(self, contract: Contract, day: int) -> None:
        if contract.people:
            amount = portfolio.agreed(rates.roles()[0], contract.currency, self.dice)
            self.cards.for_contract(contract, ("person", contract.people[-1]), day, day, amount)

    def _cost_prices(self, contract: Contract, day: int) -> None:
        """What an hour costs the company that signed, in the contract's currency."""
        for role in contract.roles:
            amount = rates.in_currency(role.list_price * 48 // 100, contract.currency)
            named = {"kind": "cost", "contract_id": contract.contract_id, "role": role.name}
            self.cards.set(day, named, amount, contract.currency, contract.first)

    def _forgotten_prices(self, contract: Contract, day: int) -> None:
        """The card nobody thought of, from the first day on."""
        for role in contract.roles:
            if self.cards.forgotten(contract, role):
                amount = portfolio.agreed(role, contract.currency, self.dice)
                self.cards.for_contract(contract, ("role", role.name), day, contract.first, amount)

    # Everything else

    def _told(self, kind: str, begins: str, ends: str, after: int, contract: Contract, day: int) -> None:
        """A dispute or a hold; one in three is still there."""
        entity = f"{kind[:2].upper()}-{contract.contract_id}"
        said = {
            f"{kind}_id": entity,
            "contract_id": contract.contract_id,
            "reason": "hours not agreed" if kind == "dispute" else "client asked to wait",
            "owner": "account",
        }

        def say(what: str, revision: int, day: int) -> None:
            self.desk.say(
                day, wire.ERP, f"{kind}.{what}", entity, said, revision=revision, correlation=contract.contract_id
            )

        say(begins, 1, day)
        if contract.number % 3:
            self.agenda.plan(day + after, partial(say, ends, 2))

    def _write_off(self, contract: Contract, day: int) -> None:
        """Two approved entries that nobody will pay for; without any, a round amount."""
        given = [entry for entry in contract.unbilled if entry.since < day and entry.until is None][:2]
        entity = f"WO-{contract.contract_id}"
        said: dict[str, Any] = {
            "writeoff_id": entity,
            "contract_id": contract.contract_id,
            "reason": "rework",
            "approved_by": "commercial",
        }
        if given:
            said["entry_ids"] = [entry.entry_id for entry in given]
            contract.unbilled = [entry for entry in contract.unbilled if entry not in given]
        else:
            said["amount"] = decimal(rates.in_currency(50_000, contract.currency), contract.currency)
        self.desk.say(day, wire.ERP, "writeoff.recorded", entity, said, correlation=contract.contract_id)

    def _estimate(self, contract: Contract, day: int, revision: int = 1) -> None:
        """The whole line's cost as seen now; it grows a little with every month."""
        minutes = contract.planned.get("L1", 4_800)
        cost = rates.price(minutes, terms.blended(contract)) * (48 + revision) // 100
        entity = f"ES-{contract.contract_id}"
        said = {
            "estimate_id": entity,
            "contract_id": contract.contract_id,
            "line_id": "L1",
            "cost": decimal(cost, contract.currency),
            "effective_from": self.days.name(day),
        }
        self.desk.say(day, wire.CLM, "estimate.set", entity, said, revision=revision, correlation=contract.contract_id)
        if day + 30 <= contract.last:
            self.agenda.plan(day + 30, partial(self._estimate, contract, revision=revision + 1))
