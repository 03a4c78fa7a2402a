"""What figures of readiness, of expenses and of revenue add up from, item by item.

An item is a line of a document that is ready, of an invoice, of what is to be adjusted, held back or refused, with the
event behind it where there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from functools import cached_property
from typing import Any, Final, NamedTuple, Protocol

from agents.contracts import Contract, Contracts
from app.domain import calendar
from app.domain.adjustment import EXPENSE, MILESTONE, TIME
from app.domain.burn import Position
from app.domain.documents import FEE
from app.domain.ledger import APPROVED, SUBMITTED, WRITTEN_AMOUNT, Claims, Row, Spend
from app.domain.money import decimal, micro, show
from app.domain.readiness import Assessment, held_of_fee
from app.domain.unbilled import is_ready
from tables.heads import Head


class Told(Protocol):
    """The message that decides about something."""

    @property
    def id(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def time(self) -> int: ...
    @property
    def revision(self) -> int | None: ...


class Item(NamedTuple):
    """`amount` in micro-units, or minutes or entries, exactly; `behind` is what decides about it, where there is that.

    `more` is said of it besides. `claims`: of an entry that itself adds up, what invoices say of it. `kind`: how it is
    shown, where not as its figure is.
    """

    id: str
    amount: int | Fraction
    arithmetic: str = ""
    line_id: str | None = None
    day: int | None = None
    behind: Told | None = None
    more: Mapping[str, Any] = {}
    claims: Claims | None = None
    kind: str | None = None


class Asked:
    """A contract on a day, taken apart as far as a figure needs."""

    def __init__(self, contracts: Contracts, head: Head, contract_id: str, as_of: int | None) -> None:
        self.contracts, self.head = contracts, head
        self.position: Position = contracts.position(contract_id, head, as_of)
        self.contract: Contract = contracts.compiled(contract_id)

    @cached_property
    def found(self) -> Assessment:
        return self.contracts.assess(self.position, self.head)

    @cached_property
    def burn(self) -> dict[str | None, dict[str, Any]]:
        """Rows of burn by line; None is the contract."""
        return {row["line_id"]: row for row in self.contracts.burn(self.position)}

    @cached_property
    def readiness(self) -> dict[str, Any]:
        return self.contracts.readiness(self.position, self.head, self.found)

    @cached_property
    def forecast(self) -> dict[str, Any]:
        return self.contracts.forecast(self.position, self.burn[None], self.found)

    def money(self, units: int) -> str:
        return show(units, self.position.exponent)

    def exactly(self, units: int) -> str:
        """An amount with the decimals of the currency, or with those it came with, where they are more."""
        exponent = self.position.exponent
        return show(units, exponent) if units % 10 ** (6 - exponent) == 0 else decimal(units)


class Sums(NamedTuple):
    """A figure that items add up to. `of_lines`: those of a line are a figure of it."""

    unit: str
    formula: str
    items: Callable[[Asked], Iterable[Item]]
    of_lines: bool = False


def ready(kind: str | None, measure: str = "amount") -> Callable[[Asked], Iterator[Item]]:
    """The lines of documents that may be billed now: of a kind, or of all; by amount, minutes or entries."""

    def items(asked: Asked) -> Iterator[Item]:
        filed = asked.contracts.documents(asked.position, asked.head, asked.found, changed=())
        for (_, its), folder in sorted(filed.folders.items()):
            for one in folder.items if kind in (None, its) else ():
                amount = {"amount": one.amount, "minutes": one.minutes or 0, "entries": 1}[measure]
                behind = _behind(asked, one.kind, one.id, one.day)
                said = f"{one.minutes} min × {one.rate} per {one.rate_unit}" if one.rate else ""
                if one.withheld:
                    said += f" − {asked.money(one.withheld)} held back"
                yield Item(f"{one.kind}/{one.id}", amount, said, one.line_id, one.day, behind)

    return items


def _behind(asked: Asked, kind: str, name: str, day: int | None) -> Row | Spend | None:
    if day is None or kind not in (TIME, EXPENSE):
        return None
    bucket = asked.position.book.bucket(calendar.bucket_of(day))
    return bucket.rows.get(name) if kind == TIME else bucket.spends.get(name)


def _invoiced(asked: Asked) -> Iterator[Item]:
    for paper, claim in sorted(asked.head.documents.items()):
        if claim[1] <= asked.position.day:
            yield Item(
                paper,
                claim[0],
                "credited" if paper.startswith("credit/") else "invoiced",
                None,
                claim[1] if claim[1] > calendar.BEGINNING else None,
            )


def _adjusted(asked: Asked) -> Iterator[Item]:
    for one in asked.contracts.adjustments(asked.position, asked.head):
        said = f"{asked.money(one.holds)} − {asked.money(one.invoiced)} on {one.invoice_id}: {one.reason}"
        behind = one.row or _behind(asked, one.kind, one.entry_id, one.on)
        yield Item(f"{one.kind}/{one.entry_id}", one.difference, said, one.line_id, one.on, behind)


def _over_cap(asked: Asked) -> Iterator[Item]:
    for line, passed in sorted(asked.found.time.lines.items()):
        if passed.refused:
            yield Item(line or "contract", passed.refused, f"{passed.over.count} entries exceed the cap", line or None)


def _written_off(asked: Asked) -> Iterator[Item]:
    for line, total in sorted(asked.position.sums.items()):
        if total.totals[WRITTEN_AMOUNT]:
            yield Item(line or "contract", total.totals[WRITTEN_AMOUNT], "entries that were given up", line or None)
    if asked.found.time.edge.total:
        yield Item("writeoff", asked.found.time.edge.total, "amounts, taken from the oldest work on")


def _retained(asked: Asked) -> Iterator[Item]:
    found = asked.found
    if found.time.held():
        yield Item("time", found.time.held(), "held back of work, on invoices too")
    for line, on, amount in found.milestones.withheld:
        if amount:
            yield Item("milestone", amount, "held back of a milestone", line or None, on or None)
    for fee in found.earned:
        held = held_of_fee(found, fee)
        if held:
            yield Item(f"fee/{fee.line_id}", held, "held back of fees", fee.line_id)
    for one in found.freed:
        if one.amount:
            yield Item(one.line_id, -one.amount, "released", one.line_id, one.on)


def _blocked(asked: Asked) -> Iterator[Item]:
    found, position = asked.found, asked.found.time.position
    if found.stops:
        said = f"stopped by {', '.join(found.stops)}"
        parts = (TIME, found.worked), (EXPENSE, found.expenses), (MILESTONE, found.milestones.ready)
        for kind, amount in (*parts, (FEE, sum(found.fees.values()))):
            if amount:
                yield Item(kind, amount, said)
    terms = position.terms
    for entry, row, claims in position.book.rows(calendar.BEGINNING, position.day):
        if row.status == SUBMITTED and row.amount is not None:
            yield Item(f"time/{entry}", row.amount, "waits for approval", row.line, row.day, row)
            continue
        outside = terms is not None and not terms.term_from <= row.day <= terms.term_to
        if outside and is_ready(row, claims, position.day):
            amount = (row.amount or 0) - row.drawn_amount
            yield Item(f"time/{entry}", amount, "outside the term", row.line, row.day, row)
    for expense, spend in position.book.unbilled_spends(calendar.BEGINNING, position.day, position.day):
        if terms is not None and not terms.term_from <= spend.day <= terms.term_to:
            yield Item(f"expense/{expense}", spend.amount or 0, "outside the term", spend.line, spend.day, spend)
    if found.milestones.waiting.amount:
        yield Item("milestone", found.milestones.waiting.amount, "completed, not accepted")
    if found.kept_back:
        yield Item("lacking", found.kept_back, "lacks what a policy asks for")


def _expenses(asked: Asked) -> Iterator[Item]:
    position = asked.position
    for start in position.book.starts(calendar.BEGINNING, position.day):
        for name, spend in sorted(position.book.bucket(start).spends.items()):
            if spend.status == APPROVED and spend.amount is not None and spend.day <= position.day:
                said = f"{spend.net} {spend.currency}" + (
                    f" × (1 + {spend.markup_ratio})" if spend.markup_ratio else ""
                )
                yield Item(f"expense/{name}", spend.amount, said, spend.line, spend.day, spend)


def _committed(asked: Asked) -> Iterator[Item]:
    return subcontracts(asked, "subcontract.committed.v1", "promised, not invoiced")


def subcontracts(asked: Asked, type_: str, said: str) -> Iterator[Item]:
    """What a message of one type about a subcontract says, in the contract's currency."""
    terms = asked.position.terms
    for key, message, body in asked.contract.papers_of("subcontract"):
        if terms is not None and message.type == type_ and body["net"]["currency"] == terms.currency:
            line_id = body.get("line_id") or terms.only_line
            yield Item(key, micro(body["net"]["amount"]), said, line_id, None, message)


def _subcontracted(asked: Asked) -> Iterator[Item]:
    return subcontracts(asked, "subcontract.invoiced.v1", "invoiced")


def _billable_expenses(asked: Asked) -> Iterator[Item]:
    return (one for one in _expenses(asked) if isinstance(one.behind, Spend) and one.behind.billable)


def _earned(asked: Asked) -> Iterator[Item]:
    if asked.position.as_of is not None:
        for hint in asked.contracts.hints(asked.position, asked.position.as_of):
            yield Item(hint.line_id or "contract", hint.cumulative, hint.method, hint.line_id, hint.on)


_READY: Final = "Σ lines of the documents that are proposed"
SUMS: Final[Mapping[str, Sums]] = {
    "ready_amount": Sums("money", _READY, ready(None)),
    "ready_time_amount": Sums("money", f"{_READY}, of time", ready(TIME)),
    "ready_expense_amount": Sums("money", f"{_READY}, of expenses", ready(EXPENSE)),
    "ready_milestone_amount": Sums("money", f"{_READY}, of milestones", ready(MILESTONE)),
    "ready_fee_amount": Sums("money", f"{_READY}, of fees", ready(FEE)),
    "ready_minutes": Sums("minutes", f"{_READY}, their minutes", ready(TIME, "minutes")),
    "ready_entries": Sums("entries", f"{_READY}, how many of time", ready(TIME, "entries")),
    "blocked_amount": Sums("money", "Σ what would be ready if nothing stood in the way", _blocked),
    "over_cap_amount": Sums("money", "Σ what exceeds the cap of a line that refuses it", _over_cap),
    "invoiced_amount": Sums("money", "Σ live invoices − Σ credits on them", _invoiced),
    "adjustment_amount": Sums("money", "Σ what holds now − what was invoiced", _adjusted),
    "retained_amount": Sums("money", "Σ what retainage holds back − what was released", _retained),
    "written_off_amount": Sums("money", "Σ what was given up", _written_off),
    "expenses": Sums(
        "money", "Σ net × (1 + mark-up) × exchange rate of approved expenses, each rounded once", _expenses, True
    ),
    "committed": Sums("money", "Σ what subcontractors were promised and have not invoiced", _committed, True),
    "margin.revenue_amount": Sums("money", "Σ what each line has earned by as-of", _earned, True),
    "subcontracted": Sums("money", "Σ what subcontractors have invoiced", _subcontracted, True),
    "billable_expenses": Sums("money", "Σ expenses that are the client's to pay", _billable_expenses, True),
}
"""Figures by their names in a contract's rows; the last two only others are made of."""


def value_of(row: Mapping[str, Any] | None, name: str) -> Any:
    """A figure of a row by its path; None where a part of the path is."""
    value: Any = row
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
