"""What the ERP says: invoices that name entries, what becomes of them, closed periods and closed windows.

Finance here is another system than the one under observation: it works out what to invoice from what was approved and
agreed on the day of the invoice, by itself. What changes later (corrections, prices agreed late) it mostly leaves
alone, so there is something to adjust.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from app.simulation import wire
from app.simulation.agenda import Agenda, Desk
from app.simulation.dice import Dice
from app.simulation.portfolio import LEGAL_ENTITIES, Contract, Item, Unbilled, rate_of
from app.simulation.rates import decimal, price, units
from app.simulation.terms import RateCards

MOST_LINES = 200
"""Lines of one invoice: a large contract gets several a month."""

INVOICE_DAY, CLOSING_DAY = 4, 9
"""Days after the first of a month on which invoices are written, and on which the books of the month before close."""

NOT_THIS_MONTH = 0.10
"""The share of contracts for which nobody gets round to the invoice."""

SEEN_TO = 0.8
"""The share of corrected entries that finance notices when it writes the next invoice."""

Paper = list[tuple[str, str, int]]
"""The lines of an invoice: kind, id and amount in minor units."""


class Finance:
    """Invoices every contract once a month, and tells what becomes of the invoices."""

    def __init__(self, agenda: Agenda, desk: Desk, contracts: list[Contract], cards: RateCards, dice: Dice) -> None:
        self.agenda = agenda
        self.desk = desk
        self.days = agenda.days
        self.contracts = contracts
        self.cards = cards
        self.dice = dice
        self.invoices = 0
        self.credits = 0
        self.windows = 0

    def open(self) -> None:
        """Plan the months; each is done when it comes."""
        for first in self.days.month_starts():
            self.agenda.plan(self.days.workday(first + INVOICE_DAY), partial(self._month, first))
            self.agenda.plan(self.days.workday(first + CLOSING_DAY), partial(self._close, first))

    def _month(self, first: int, day: int) -> None:
        for contract in self.contracts:
            if contract.internal or contract.version == 0 or not may_invoice(contract, day):
                continue
            if not self.dice.chance(NOT_THIS_MONTH):
                self._invoice(contract, first, day)

    def _invoice(self, contract: Contract, first: int, day: int) -> None:
        """What was approved before `day` of the work of the months before `first`, in invoices of a bearable length."""
        lines: Paper = []
        names: list[Unbilled] = []
        self._corrections(contract, day, lines)
        self._time(contract, first, day, lines, names)
        due = [item for item in contract.items if item.since < day]
        contract.items = [item for item in contract.items if item.since >= day]
        lines += [(item.kind, item.id, item.amount) for item in due]
        lines += self._fees(contract, first)
        for begin in range(0, len(lines), MOST_LINES):
            self._issue(contract, lines[begin : begin + MOST_LINES], names[begin : begin + MOST_LINES], first, day)

    def _time(self, contract: Contract, first: int, day: int, lines: Paper, names: list[Unbilled]) -> None:
        """Entries in the order of work date and id, each line up to its cap; what has no price waits."""
        terms = {line["line_id"]: line for line in contract.terms["lines"]}
        half_even = contract.terms.get("rounding", {}).get("mode") == "half_even"
        waiting = []
        for entry in sorted(contract.unbilled, key=lambda entry: (entry.day, entry.entry_id)):
            line = terms.get(entry.line_id)
            if line is None or line["billing_method"] != "time_and_materials" or not _still(entry, day):
                continue
            if entry.since >= day or entry.day >= first or entry.entry_id in contract.billed:
                waiting.append(entry)
                continue
            if not entry.minutes:
                continue
            hourly = rate_of(contract, entry.resource_id, entry.role, entry.day, self.cards.firm)
            if hourly is None:
                waiting.append(entry)
                continue
            amount = price(entry.minutes, hourly, discount=line.get("discount_ratio"), half_even=half_even)
            total = contract.invoiced.get(entry.line_id, 0) + amount
            if "cap" in line and total > units(line["cap"]["amount"], contract.currency):
                continue  # over the cap: nobody will pay it
            contract.invoiced[entry.line_id] = total
            lines.append(("time", entry.entry_id, amount))
            names.append(entry)
        contract.unbilled = waiting

    def _corrections(self, contract: Contract, day: int, lines: Paper) -> None:
        """Entries that were corrected after their invoice: four in five are credited now and invoiced afresh."""
        for entry in contract.unbilled:
            if (
                entry.since < day
                and _still(entry, day)
                and entry.entry_id in contract.billed
                and self.dice.chance(SEEN_TO)
            ):
                invoice_id, amount = contract.billed.pop(entry.entry_id)
                self._credit(contract, invoice_id, [("time", entry.entry_id, amount)], day)

    def _fees(self, contract: Contract, first: int) -> Paper:
        """The monthly fee of a retainer, in advance of nothing: for the month that is over."""
        line = contract.terms["lines"][0]
        period = self.days.month(first - 1)
        if line["billing_method"] != "retainer" or self.days.month(contract.first) > period:
            return []
        return [("fee", f"L1/{period}", units(line["retainer"]["fee"], contract.currency))]

    def _issue(self, contract: Contract, lines: Paper, names: list[Unbilled], first: int, day: int) -> None:
        self.invoices += 1
        entity, number = f"INV-{self.invoices:05d}", self.invoices
        period = self.days.month(first - 1)
        self._acknowledge(contract, f"{contract.contract_id}/{period}/billing/{number}", number, day)
        said = {
            "invoice_id": entity,
            "contract_id": contract.contract_id,
            "lines": _written(lines, contract.currency),
            "invoiced_on": self.days.name(day),
            "period": period,
        }
        self._say(contract, "invoice.issued", entity, 1, said, day)
        for entry, (_, entry_id, amount) in zip(names, lines, strict=False):
            if entry.until is not None:
                contract.billed[entry_id] = (entity, amount)
        if number % 31 == 7:
            self.agenda.plan(day + 12, partial(self._void, contract, entity, lines, names))
        elif number % 19 == 5:
            self.agenda.plan(day + 16, partial(self._some_back, contract, entity, lines, names))
        elif number % 8:
            self.agenda.plan(day + self.dice.between(25, 45), partial(self._end, contract, "paid", entity))

    def _say(
        self,
        contract: Contract,
        what: str,
        entity: str,
        revision: int,
        said: dict[str, Any],
        day: int,
        causation: str | None = None,
    ) -> None:
        self.desk.say(
            day, wire.ERP, what, entity, said, revision=revision, correlation=contract.contract_id, causation=causation
        )

    def _acknowledge(self, contract: Contract, key: str, number: int, day: int) -> None:
        """The ERP takes the document that led to the invoice; one in twenty-five only after it was put right."""
        said: dict[str, Any] = {
            "document_key": key,
            "contract_id": contract.contract_id,
            "target": "erp-emea" if contract.client.region == "emea" else "erp-amer",
        }
        entity = f"{key}/{said['target']}"
        accepted = {
            **said,
            "status": "accepted",
            "erp_id": f"{500_000 + number}",
            "contract_version": contract.version,
        }
        refused = number % 25 == 3
        if refused:
            said |= {"status": "rejected", "reason": "cost centre unknown"}
            self._say(contract, "erp.acknowledged", entity, 1, said, day)
        self._say(contract, "erp.acknowledged", entity, 2 if refused else 1, accepted, day + refused)

    def _end(self, contract: Contract, what: str, entity: str, day: int) -> None:
        said = {"invoice_id": entity, "contract_id": contract.contract_id}
        self._say(contract, f"invoice.{what}", entity, 2, said, day, f"{entity}.1")

    def _void(self, contract: Contract, entity: str, lines: Paper, names: list[Unbilled], day: int) -> None:
        """The invoice never was: everything on it is open again."""
        self._end(contract, "voided", entity, day)
        self._reopen(contract, lines, names, day)

    def _some_back(self, contract: Contract, entity: str, lines: Paper, names: list[Unbilled], day: int) -> None:
        """The client does not agree with the first lines; they are credited, and invoiced again later."""
        back = [line for line in lines[:3] if line[2] > 0]
        if back:
            self._credit(contract, entity, back, day)
            self._reopen(contract, back, names[: len(back)], day)

    def _credit(self, contract: Contract, invoice_id: str, lines: Paper, day: int) -> None:
        self.credits += 1
        entity = f"CN-{self.credits:05d}"
        said = {
            "credit_id": entity,
            "invoice_id": invoice_id,
            "contract_id": contract.contract_id,
            "lines": _written(lines, contract.currency),
            "credited_on": self.days.name(day),
        }
        self._say(contract, "invoice.credited", entity, 1, said, day, f"{invoice_id}.1")

    def _reopen(self, contract: Contract, lines: Paper, names: list[Unbilled], day: int) -> None:
        known = {entry.entry_id: entry for entry in names}
        for kind, entity, amount in lines:
            if kind in ("expense", "milestone"):
                contract.items.append(Item(day, kind, entity, amount))
            elif entity in known:
                entry = known[entity]
                contract.billed.pop(entity, None)
                contract.invoiced[entry.line_id] -= amount
                if _still(entry, day):
                    contract.unbilled.append(entry)

    def release(self, contract: Contract, day: int) -> None:
        """What was held back of the milestones becomes due."""
        by_line: dict[str, int] = {}
        for line_id, milestone, amount in contract.retained:
            by_line[line_id] = by_line.get(line_id, 0) + amount
            contract.items.append(Item(day, "milestone", milestone, amount))
        contract.retained = []
        for line_id, amount in by_line.items():
            entity = f"RR-{contract.contract_id}-{line_id}"
            said = {
                "release_id": entity,
                "contract_id": contract.contract_id,
                "line_id": line_id,
                "amount": decimal(amount, contract.currency),
                "on": self.days.name(day),
            }
            self.desk.say(day, wire.CLM, "retainage.released", entity, said, correlation=contract.contract_id)

    def _close(self, first: int, day: int) -> None:
        """The books of the month before close in every company; one is opened again for a few days."""
        period = self.days.month(first - 1)
        for place, company in enumerate(LEGAL_ENTITIES.values()):
            said = {"legal_entity_id": company, "period": period}
            entity = f"{company}/{period}"
            self.desk.say(day, wire.ERP, "period.closed", entity, said)
            if (first // 28 + place) % 8 == 2:
                self.agenda.plan(day + 2, partial(self._period, "opened", entity, said, 2))
                self.agenda.plan(day + 6, partial(self._period, "closed", entity, said, 3))
        self._window(day, "erp-emea" if self.windows % 2 else "erp-amer")

    def _period(self, what: str, entity: str, said: dict[str, Any], revision: int, day: int) -> None:
        self.desk.say(day, wire.ERP, f"period.{what}", entity, said, revision=revision)

    def _window(self, day: int, target: str) -> None:
        """While the books close, one ERP takes no documents for two days."""
        self.windows += 1
        entity = f"W-{self.windows:03d}"
        said = {"window_id": entity, "target": target}
        closed = {**said, "until": self.days.instant(day + 2, wire.clock_of(6 * 3_600))}
        self.desk.say(day, wire.ERP, "erp.window.closed", entity, closed)

        def reopen(day: int) -> None:
            self.desk.say(day, wire.ERP, "erp.window.opened", entity, said, revision=2, second=6 * 3_600)

        self.agenda.plan(day + 2, reopen)


def may_invoice(contract: Contract, day: int) -> bool:
    """Whether finance sends an invoice: not without a required purchase order, and not while work is suspended."""
    order = contract.terms.get("purchase_order", {})
    if order.get("required") and "number" not in order:
        return False
    return contract.open_on(day)


def _still(entry: Unbilled, day: int) -> bool:
    return entry.until is None or day < entry.until


def _written(lines: Paper, currency: str) -> list[dict[str, str]]:
    return [{"kind": kind, "id": entity, "amount": decimal(amount, currency)} for kind, entity, amount in lines]
