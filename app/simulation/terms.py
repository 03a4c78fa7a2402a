"""The commercial terms of each contract: lines, budgets, caps, purchase orders, and the rate cards that price them."""

from __future__ import annotations

from typing import Any

from app.simulation import portfolio, rates, wire
from app.simulation.agenda import Desk
from app.simulation.days import Days
from app.simulation.dice import Dice
from app.simulation.portfolio import LEGAL_ENTITIES, Card, Contract, Scope
from app.simulation.rates import Role, decimal

ATTENDED = 0.9
"""The share of the planned minutes that is worked in the end: holidays, leave and gaps take the rest."""

HEADROOM = 130
"""Per cent of its elapsed time that a contract may have used at most: a new one has not burnt its budget yet."""

ON_EXCEED = ("split", "block", "warn")
RETAINER_MINUTES = 2_400
LONG_AGO = -365
"""The day since when what is valid for the whole firm or a client has been valid."""


def blended(contract: Contract) -> int:
    """The rate a budget is calculated with: the mean list price of the roles on the contract, in its minor units."""
    prices = [role.list_price for role in contract.roles] or [rates.roles()[0].list_price]
    return rates.in_currency(sum(prices) // len(prices), contract.currency)


def rounded(value: int, step: int) -> int:
    """The value at the nearest multiple of a step, at least one step."""
    return max(step, (value + step // 2) // step * step)


def budget_minutes(contract: Contract, line_id: str) -> int:
    """A budget of which the contract has used about `contract.burn` per cent on the last day, in tens of hours."""
    planned, used = contract.planned.get(line_id, 0), contract.used.get(line_id, 0)
    burn = contract.burn
    if planned:
        burn = max(8, min(burn, HEADROOM * used // planned))
    return rounded(int(used * ATTENDED * 100 / burn), 600) if used else 4_800


def money(contract: Contract, minutes: int) -> str:
    """Minutes at the blended rate, as a round amount of the contract's currency."""
    step = 50_000 if rates.EXPONENTS[contract.currency] else 10_000
    return decimal(rounded(rates.price(minutes, blended(contract)), step), contract.currency)


def approved(contract: Contract, days: Days, dice: Dice) -> dict[str, Any]:
    """The first version of a contract's terms, as `contract.approved` carries them."""
    lines = [{"line_id": "L1", "title": "Delivery", **_line(contract, "L1", days)}]
    if contract.shape == "two lines":
        lines.append({"line_id": "L2", "title": "Support", **_hours(contract, "L2", capped=True)})
    if contract.shape == "hours and milestones":
        lines.append({"line_id": "L2", "title": "Work packages", **_package(contract, 4_800)})
    terms: dict[str, Any] = {
        "contract_id": contract.contract_id,
        "client_id": contract.client.client_id,
        "legal_entity_id": LEGAL_ENTITIES[contract.currency],
        "name": f"{contract.roles[0].practice if contract.roles else 'Advisory'} {contract.contract_id}",
        "practice": contract.roles[0].practice if contract.roles else "Advisory",
        "currency": contract.currency,
        "effective_from": days.name(contract.first),
        "term": {"from": days.name(contract.first), "to": days.name(contract.last)},
        "lines": lines,
    }
    if not contract.internal:
        terms |= _formalities(contract, days, dice)
    return terms


def _line(contract: Contract, line_id: str, days: Days) -> dict[str, Any]:
    minutes = budget_minutes(contract, line_id)
    match contract.shape:
        case "milestones":
            return _package(contract, minutes)
        case "retainer":
            monthly = RETAINER_MINUTES * max(1, len(contract.people))
            return {
                "billing_method": "retainer",
                "budget": {"minutes": minutes},
                "retainer": {
                    "fee": money(contract, monthly),
                    "minutes": monthly,
                    "rollover": ("capped", "none", "all")[contract.number % 3],
                    "cap_minutes": monthly // 2,
                    "expiry_periods": 3,
                },
            }
        case "prepaid":
            return {
                "billing_method": "prepaid",
                "budget": {"minutes": minutes},
                "prepaid": {"minutes": minutes, "fee": money(contract, minutes)},
            }
        case "percent complete":
            return {
                "billing_method": "percent_complete",
                "fee": money(contract, minutes),
                "budget": {"minutes": minutes, "amount": money(contract, minutes)},
            }
        case portfolio.INTERNAL:
            return {"billing_method": "non_billable"}
    return _hours(contract, line_id, capped=contract.shape == "capped")


def _hours(contract: Contract, line_id: str, *, capped: bool) -> dict[str, Any]:
    minutes = budget_minutes(contract, line_id)
    line: dict[str, Any] = {
        "billing_method": "time_and_materials",
        "budget": {"minutes": minutes, "amount": money(contract, minutes)},
    }
    if capped:
        line["cap"] = {"amount": money(contract, minutes), "on_exceed": ON_EXCEED[contract.number % 3]}
    if contract.number % 9 == 5:
        line["discount_ratio"] = "0.05"
    return line


def _package(contract: Contract, minutes: int) -> dict[str, Any]:
    line: dict[str, Any] = {
        "billing_method": "milestone",
        "fee": money(contract, minutes),
        "budget": {"minutes": minutes, "amount": money(contract, minutes)},
    }
    if contract.number % 2:
        line["retainage_ratio"] = "0.10"
    return line


def _formalities(contract: Contract, days: Days, dice: Dice) -> dict[str, Any]:
    """Purchase order, tax, rounding, and what happens to invoices when a price changes late."""
    formal: dict[str, Any] = {
        "tax": {"required": contract.currency != "USD", "jurisdiction": portfolio.COUNTRIES[contract.currency]},
        "retro_policy": ("credit_rebill", "credit_rebill", "delta_line", "prospective_only")[contract.number % 4],
    }
    if contract.number % 13 != 6:
        formal["tax"]["client_tax_id"] = f"{portfolio.COUNTRIES[contract.currency]}{900_000_000 + contract.number}"
    if contract.number % 5 < 2:
        order: dict[str, Any] = {"required": True}
        if not lacks_purchase_order(contract):
            order["number"] = f"PO-{40_000 + contract.number}"
            minutes = sum(budget_minutes(contract, line) for line in contract.planned) or 4_800
            order["amount"] = money(contract, minutes * dice.between(9, 13) // 10)
            if contract.number % 3 == 0:
                order["expires_on"] = days.name(contract.last)
        formal["purchase_order"] = order
    if contract.number % 6 == 4:
        formal["rounding"] = {
            "mode": "half_even" if contract.number % 12 == 4 else "half_up",
            "increment_minutes": 15,
            "direction": "up",
            "tie": "up",
            "scope": "entry",
        }
    return formal


def lacks_purchase_order(contract: Contract) -> bool:
    """A purchase order is required, and nobody has sent one when the contract begins."""
    return contract.number % 15 == 5


class RateCards:
    """Sets rates, and keeps the firm's own list."""

    def __init__(self, desk: Desk, days: Days, dice: Dice) -> None:
        self.desk = desk
        self.days = days
        self.dice = dice
        self.number = 0
        self.firm: dict[str, int] = {}

    def set(self, day: int, scope: dict[str, str], amount: int, currency: str, since: int) -> dict[str, Any]:
        """One `rate.set` for an hour, `amount` in minor units; answers what it said, for whoever changes it later."""
        self.number += 1
        said = {
            "rate_id": f"RC-{self.number:05d}",
            "amount": decimal(amount, currency),
            "currency": currency,
            "effective_from": self.days.name(since),
            "kind": "bill",
            "unit": "hour",
            **scope,
        }
        self.say(day, "set", said, 1)
        return said

    def say(self, day: int, what: str, said: dict[str, Any], revision: int) -> None:
        """One event about a rate."""
        self.desk.say(
            day,
            wire.CLM,
            f"rate.{what}",
            said["rate_id"],
            said,
            revision=revision,
            correlation=said.get("contract_id"),
        )

    def for_contract(self, contract: Contract, scope: Scope, day: int, since: int, amount: int) -> None:
        """A price of one contract, which its invoices follow from now on."""
        kind, name = scope
        named = {"contract_id": contract.contract_id}
        if kind != "contract":
            named["role" if kind == "role" else "resource_id"] = name
        said = self.set(day, named, amount, contract.currency, since)
        contract.cards.setdefault(scope, []).append(Card(since, amount, said))

    def limit(self, card: Card, day: int, until: int) -> None:
        """Say of a card that is open that it ends on a day."""
        if card.until is None:
            card.until = until
            self.say(day, "set", {**card.said, "effective_to": self.days.name(until)}, 2)

    def price_list(self, day: int) -> None:
        """The firm's own price for each role, in US dollars: the median offer."""
        for role in rates.roles():
            self.firm[role.name] = role.list_price
            self.set(day, {"role": role.name}, role.list_price, "USD", LONG_AGO)

    def agree(self, contract: Contract, day: int) -> None:
        """The cards a contract begins with: mostly by role, some for the client, some for everybody on it.

        An American client without any pays the firm's own prices.
        """
        if contract.internal:
            return
        if contract.number % 7 == 3 and contract.roles:
            amount = portfolio.agreed(contract.roles[0], contract.currency, self.dice)
            self.for_contract(contract, ("contract", ""), day, contract.first, amount)
            return
        for role in contract.roles:
            if self.forgotten(contract, role):
                continue
            amount = portfolio.agreed(role, contract.currency, self.dice)
            if contract.number % 4 == 2:
                self._for_client(contract, role, day, amount)
            elif contract.currency != "USD" or contract.number % 2:
                self.for_contract(contract, ("role", role.name), day, contract.first, amount)

    def _for_client(self, contract: Contract, role: Role, day: int, amount: int) -> None:
        client = contract.client
        if role.name not in client.cards:
            named = {"client_id": client.client_id, "role": role.name}
            said = self.set(day, named, amount, client.currency, LONG_AGO)
            client.cards[role.name] = [Card(LONG_AGO, amount, said)]

    def forgotten(self, contract: Contract, role: Role) -> bool:
        """The one card that nobody thought of: time in this role has no price until it turns up weeks later."""
        return contract.number % 17 == 9 and role is contract.roles[-1]
