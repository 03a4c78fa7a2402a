"""Explaining a figure: the events, rates and rules behind it, and the same figure computed from them once more.

Some figures are sums of entries (`FIGURES`) or of other items (`items.SUMS`); the rest are made of others and of events
(`WORKINGS`, of burn and of forecasts), and their answers explain these, too, down to the events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec

from agents.contracts import Contract, Contracts
from app.domain import calendar
from app.domain.burn import Position
from app.domain.ledger import APPROVED, SUBMITTED, Row, claimed
from app.domain.money import decimal, portion, show, show_hundredths, show_quarter, show_ratio
from app.engine import outlooks, workings
from app.engine.items import SUMS, Asked, Item, value_of
from app.engine.shapes import Answer, price_card
from app.engine.workings import Exact, Working, of_group
from app.events.cloudevents import timestamp
from tables.heads import Head

STEPS_SHOWN: Final = 500


class Figure(NamedTuple):
    """A figure that entries add up to: which of them, and what each gives."""

    unit: str
    formula: str
    rules: tuple[str, ...]
    counts: Callable[[Row], bool]
    gives: Callable[[Row], int]


_PRICE = "amount = billable minutes × rate, rounded once per entry to the currency"
_RATE = (
    "rate: override, else the most specific of person+contract, role+contract, contract, person+client, role+client,"
    " client, person, role, firm valid on the work date"
)
_AS_OF = "work date ≤ as-of"

FIGURES: Final[Mapping[str, Figure]] = {
    "approved.billable_minutes": Figure(
        "minutes",
        "Σ billable minutes of approved billable entries",
        (_AS_OF,),
        lambda r: _billable(r, APPROVED),
        lambda r: r.billable_minutes,
    ),
    "approved.nonbillable_minutes": Figure(
        "minutes",
        "Σ minutes of approved entries that are not billable",
        (_AS_OF,),
        lambda r: r.status == APPROVED and not _billable(r, APPROVED),
        lambda r: r.minutes,
    ),
    "approved.amount": Figure(
        "money",
        "Σ amounts of approved, billable, priced entries",
        (_AS_OF, _PRICE, _RATE),
        lambda r: _billable(r, APPROVED),
        lambda r: r.amount or 0,
    ),
    "approved.cost": Figure(
        "money",
        "Σ worked minutes × cost rate, rounded once per entry",
        (_AS_OF,),
        lambda r: r.status == APPROVED,
        lambda r: r.cost,
    ),
    "pending.minutes": Figure(
        "minutes", "Σ minutes of submitted entries", (_AS_OF,), lambda r: r.status == SUBMITTED, lambda r: r.minutes
    ),
    "pending.amount": Figure(
        "money",
        "Σ amounts of submitted, billable, priced entries",
        (_AS_OF, _PRICE, _RATE),
        lambda r: _billable(r, SUBMITTED),
        lambda r: r.amount or 0,
    ),
    "unpriced_minutes": Figure(
        "minutes",
        "Σ billable minutes of approved entries without a price",
        (_AS_OF, _RATE),
        lambda r: r.status == APPROVED and r.problem > 0,
        lambda r: r.billable_minutes,
    ),
}


def _billable(row: Row, status: int) -> bool:
    return row.status == status and (row.amount is not None or row.problem > 0)


def explain(
    contracts: Contracts, head: Head, contract_id: str, figure: str, line_id: str | None, as_of: int | None
) -> Answer:
    """The figure, the steps that make it, and whether they give it again.

    Raises ValueError for a figure that there is none of, or that is of the whole contract only.
    """
    refused = refusal(figure, line_id)
    if refused is not None:
        raise refused
    return taken_apart(Asked(contracts, head, contract_id, as_of), figure, line_id)


def taken_apart(asked: Asked, figure: str, line_id: str | None) -> Answer:
    """The figure, which `refusal` has nothing against, its steps, and as `parts` the other figures that it rests on,
    directly or not, each with its own steps, each once."""
    desk = _Desk(asked)
    answer = desk.answer(desk.work(figure, line_id))
    parts = [desk.answer(part) for part in desk.below(figure, line_id)]
    return {**answer, "agrees": answer["agrees"] and all(part["agrees"] for part in parts), "parts": parts}


def refusal(figure: str, line_id: str | None) -> ValueError | None:
    """Why a figure cannot be explained, if it cannot: there is none of that name, or lines have none."""
    known = SUMS.get(figure) or working_of(figure)
    if figure not in FIGURES and known is None:
        names = (*FIGURES, *SUMS, *WORKINGS, *(f"{one}.….{two}" for one in _GROUPS for two in ("minutes", "amount")))
        return ValueError(f"figure is {figure!r}: ask for one of {', '.join(names)}")
    if line_id is not None and known is not None and not known.of_lines:
        return ValueError(f"figure is {figure!r}, which is of the whole contract: leave out the line")
    return None


WORKINGS: Final[Mapping[str, Working]] = {**workings.WORKINGS, **outlooks.WORKINGS}


def working_of(figure: str) -> Working | None:
    """How a figure is made that is no sum."""
    return WORKINGS.get(figure) or of_group(figure)


_GROUPS: Final = ("by_period", "by_role")
Key = tuple[str, str | None]
"""A figure's name, and its line."""


class _Kind(NamedTuple):
    """How a figure is shown: its unit (None: the contract's currency), and its text."""

    unit: str | None
    text: Callable[[Exact, int], Any]


def _money(exact: Exact, exponent: int) -> str:
    return show(
        portion(exact.numerator, 1, exact.denominator, exponent) if isinstance(exact, Fraction) else exact, exponent
    )


SHOWN: Final[Mapping[str, _Kind]] = {
    "money": _Kind(None, _money),
    "minutes": _Kind("minutes", lambda exact, _: exact),
    "hundredths": _Kind("minutes", lambda exact, _: show_hundredths(Fraction(exact))),
    "quarters": _Kind("minutes", lambda exact, _: show_quarter(int(exact * 4))),
    "entries": _Kind("entries", lambda exact, _: exact),
    "ratio": _Kind("ratio", lambda exact, _: show_ratio(exact.numerator, exact.denominator)),
    "date": _Kind("date", lambda exact, _: calendar.text_of(exact)),
    "percents": _Kind("percent", lambda exact, _: exact),
}
"""The kinds of figures; `exact` is micro-units, minutes, a ratio, a day, or a list of per cents."""


class _Worked(NamedTuple):
    """A figure as its parts and items make it; `parts` are those it asked for itself."""

    key: Key
    kind: str
    formula: str
    rules: Sequence[str]
    exact: Exact
    parts: Sequence[Key]
    items: Sequence[Item]


class _Desk:
    """Works figures of one contract out, each once."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self._worked: dict[Key, _Worked] = {}

    def work(self, figure: str, line_id: str | None) -> _Worked:
        key = figure, line_id
        if key not in self._worked:
            self._worked[key] = self._new(figure, line_id)
        return self._worked[key]

    def _new(self, figure: str, line_id: str | None) -> _Worked:
        if figure in FIGURES:
            entries, sum_of = FIGURES[figure], list(_entries(self.asked.position, FIGURES[figure], line_id))
            total = sum(one.amount for one in sum_of)
            return _Worked((figure, line_id), entries.unit, entries.formula, entries.rules, total, (), sum_of)
        if figure in SUMS:
            sums = SUMS[figure]
            items = [one for one in sums.items(self.asked) if line_id is None or one.line_id == line_id]
            total = sum(one.amount for one in items)
            return _Worked((figure, line_id), sums.unit, sums.formula, (_AS_OF,), total, (), items)
        working = working_of(figure)
        assert working is not None  # `refusal` was asked, and parts are named by workings
        on = _On(self, line_id, working.formula)
        exact = working.work(on)
        return _Worked((figure, line_id), working.kind, on.formula, working.rules, exact, tuple(on.parts), on.used)

    def below(self, figure: str, line_id: str | None) -> list[_Worked]:
        """All that a figure rests on, what it asks for itself first."""
        found: dict[Key, None] = {}
        waiting = list(self.work(figure, line_id).parts)
        while waiting:
            key = waiting.pop(0)
            if key not in found:
                found[key] = None
                waiting += self.work(*key).parts
        return [self.work(*key) for key in found]

    def answer(self, worked: _Worked) -> Answer:
        figure, line_id = worked.key
        position, terms = self.asked.position, self.asked.position.terms
        recomputed = self.shown(worked, worked.exact)
        known, value = self._published(figure, line_id)
        value = value if known else recomputed
        parts = [self.work(*key) for key in worked.parts]
        steps = [self._reference(part) for part in parts]
        steps += [self._step(worked, one) for one in worked.items[: max(STEPS_SHOWN - len(steps), 0)]]
        unit = SHOWN[worked.kind].unit
        return {
            "contract_id": position.contract_id,
            "line_id": line_id,
            "figure": figure,
            "as_of": calendar.text_of(position.as_of) if position.as_of is not None else None,
            "value": value,
            "unit": (terms.currency if terms is not None else None) if unit is None else unit,
            "formula": worked.formula,
            "rules": list(worked.rules),
            "contract_version": terms.version if terms is not None else None,
            "steps": steps,
            "steps_total": len(parts) + len(worked.items),
            "checksum": _checksum([*(f"{one.key[0]}={one.exact}" for one in parts), *map(_mark, worked.items)]),
            "recomputed": recomputed,
            "agrees": recomputed == value,
        }

    def shown(self, worked: _Worked, exact: Exact) -> Any:
        """A figure, or an item of it, as text."""
        return None if exact is None else SHOWN[worked.kind].text(exact, self.asked.position.exponent)

    def _published(self, figure: str, line_id: str | None) -> tuple[bool, Any]:
        """Whether a row of the contract has the figure, and what it says."""
        name, _, rest = figure.partition(".")
        row = self.asked.burn.get(line_id)
        if name in _GROUPS:
            label, _, dimension = rest.rpartition(".")
            return True, value_of((row or {}).get(name, {}).get(label), dimension)
        if line_id is not None or _has(row, figure):
            return _has(self.asked.burn[None], figure), value_of(row, figure)
        for other in (self.asked.readiness, self.asked.forecast):
            if _has(other, figure):
                return True, value_of(other, figure)
        return False, None

    def _reference(self, part: _Worked) -> Answer:
        """A part as a step: its own steps are with the parts."""
        figure, line_id = part.key
        unit = SHOWN[part.kind].unit
        said = {"entry_id": figure, "line_id": line_id, "amount": self.shown(part, part.exact), "unit": unit}
        return {**_NO_STEP, **said, "arithmetic": part.formula}

    def _step(self, worked: _Worked, item: Item) -> Answer:
        position, behind = self.asked.position, item.behind
        said: Answer = {
            "entry_id": item.id,
            "line_id": item.line_id,
            "work_date": calendar.text_of(item.day) if item.day is not None else None,
            "amount": self._amount(item.kind or worked.kind, item.amount),
            "arithmetic": item.arithmetic,
        }
        if behind is not None:
            said |= {
                "event_id": behind.id,
                "source": behind.source,
                "event_time": timestamp(behind.time),
                "revision": behind.revision,
            }
        if isinstance(behind, Row):
            said |= {"resource_id": behind.resource_id, "rate_id": behind.rate_id}
            if item.claims is not None:
                said |= _of_entry(self.asked.contract, position, item, behind, money=worked.kind == "money")
        return {**_NO_STEP, **said, **item.more}

    def _amount(self, kind: str, amount: int | Fraction) -> Any:
        """What an item gives: money exactly, unless it is a fraction of what anybody could pay."""
        if kind == "money":
            return (
                self.asked.exactly(amount) if isinstance(amount, int) else _money(amount, self.asked.position.exponent)
            )
        return int(amount) if amount == int(amount) else show_hundredths(Fraction(amount))


class _On:
    """A figure while it is worked out (see `workings.On`)."""

    def __init__(self, desk: _Desk, line_id: str | None, formula: str) -> None:
        self._desk, self.asked = desk, desk.asked
        self.line_id, self.formula = line_id, formula
        self.parts: dict[Key, None] = {}
        self.used: list[Item] = []

    def ask(self, name: str, line_id: str | None = None) -> Exact:
        key = name, line_id if line_id is not None else self.line_id
        self.parts[key] = None
        return self._desk.work(*key).exact

    def items(self, name: str) -> Sequence[Item]:
        self.ask(name)
        return self._desk.work(name, self.line_id).items

    def entries(self, name: str, first: int) -> list[Item]:
        its = self._desk.work(name, self.line_id).items
        return [one for one in its if one.day is not None and one.day >= first]

    def use(self, items: Iterable[Item]) -> list[Item]:
        its = list(items)
        self.used += its
        return its


def _has(row: Mapping[str, Any] | None, figure: str) -> bool:
    """Whether a row has a figure of that name, be it null."""
    value: Any = row
    for part in figure.split("."):
        if value is None:
            return True  # a part of it is null, and so is the figure
        if not isinstance(value, Mapping) or part not in value:
            return False
        value = value[part]
    return True


def _mark(item: Item) -> str:
    source = f"{item.behind.source}#{item.behind.id}" if isinstance(item.behind, Row) else item.id
    return f"{source}={item.amount}"


def _checksum(marks: Iterable[str]) -> str:
    return sha256(b"\n".join(mark.encode() for mark in marks)).hexdigest()


_NO_STEP: Final[Mapping[str, Any]] = dict.fromkeys(
    (
        "entry_id",
        "work_date",
        "resource_id",
        "line_id",
        "rate_id",
        "rate_scope",
        "amount",
        "arithmetic",
        "event_id",
        "source",
        "event_time",
        "revision",
    )
)


def _entries(position: Position, figure: Figure, line_id: str | None) -> Iterator[Item]:
    """Entries that a figure adds up from, by (work date, entry id)."""
    for entry, said, claims in position.book.rows(calendar.BEGINNING, position.day):
        row = _as_invoiced(said, claimed(claims, position.day))
        if figure.counts(row) and (line_id is None or row.line == line_id):
            yield Item(entry, figure.gives(row), "", row.line, row.day, row, claims=claims or {})


def _as_invoiced(row: Row, invoiced: int) -> Row:
    """The row at what was invoiced for it, where that stands whatever changed since (`prospective_only`)."""
    if not (_stands(row, invoiced) and (row.amount is not None or row.problem)):
        return row
    return msgspec.structs.replace(row, amount=row.drawn_amount + invoiced, problem=0)


def _stands(row: Row, invoiced: int) -> bool:
    return row.keeps and row.status == APPROVED and invoiced != 0


def _of_entry(contract: Contract, position: Position, item: Item, row: Row, *, money: bool) -> Answer:
    """What only an entry has: its minutes, its rate and why that won, what is invoiced for it."""
    exponent = position.exponent
    card = price_card(contract, row)
    rate = row.rate_override if row.rate_override is not None else decimal(card.amount) if card else None
    invoiced = claimed(item.claims, position.day)
    priced = money and row.amount is not None and item.amount == row.amount
    arithmetic = f"{item.amount}"
    if priced and _stands(row, invoiced):
        arithmetic = f"{show(int(item.amount), exponent)} as it was invoiced"
    elif priced:
        arithmetic = _arithmetic(contract, row, rate, per_day=card is not None and card.per_day, exponent=exponent)
    return {
        "minutes": row.minutes,
        "billable_minutes": row.billable_minutes,
        "rate": rate,
        "rate_scope": "entry" if row.rate_override is not None else card.scope if card else None,
        "arithmetic": arithmetic,
        "invoiced_amount": show(invoiced, exponent),
    }


def _arithmetic(contract: Contract, row: Row, rate: str | None, *, per_day: bool, exponent: int) -> str:
    terms = contract.agreement.on(row.day)
    per = terms.day_minutes if terms and per_day else 60
    line = terms.lines.get(row.line) if terms and row.line else None
    discount = f" × (1 − {decimal(line.discount)})" if line and line.discount else ""
    return f"{row.billable_minutes} min × {rate} ÷ {per}{discount} = {show(row.amount or 0, exponent)}"
