"""Explaining a figure: the entries, rates and rules behind it, and the same figure computed from them once more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec

from agents.contracts import Contract, Contracts
from app.domain import calendar
from app.domain.burn import Position
from app.domain.ledger import APPROVED, SUBMITTED, Claims, Row, claimed
from app.domain.money import decimal, micro, show
from app.engine.items import MADE, SUMS, Asked, Item, value_of
from app.engine.shapes import Answer, price_card
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
    """The figure, the steps that make it, and whether adding them up gives it again.

    Raises ValueError for a figure that nothing adds up to, or that is of the whole contract only.
    """
    refused = refusal(figure, line_id)
    if refused is not None:
        raise refused
    if figure in SUMS:
        return _summed(contracts, head, contract_id, figure, as_of)
    if figure in MADE:
        return _made(contracts, head, contract_id, figure, line_id, as_of)
    known = FIGURES[figure]
    position = contracts.position(contract_id, head, as_of)
    rows = [row for row in contracts.burn(position) if row["line_id"] == line_id]
    value = _value(rows[0], figure) if rows else None
    behind = list(_behind(position, known, line_id))
    total = sum(known.gives(row) for _, row, _ in behind)
    recomputed = show(total, position.exponent) if known.unit == "money" else total
    contract = contracts.compiled(contract_id)
    steps = [_step(contract, position, known, *one) for one in behind[:STEPS_SHOWN]]
    checksum = sha256(b"\n".join(f"{row.source}#{row.id}={known.gives(row)}".encode() for _, row, _ in behind))
    return {
        "contract_id": contract_id,
        "line_id": line_id,
        "figure": figure,
        "as_of": calendar.text_of(as_of) if as_of is not None else None,
        "value": value,
        "unit": (position.terms.currency if position.terms else None) if known.unit == "money" else "minutes",
        "formula": known.formula,
        "rules": list(known.rules),
        "contract_version": position.terms.version if position.terms else None,
        "steps": steps,
        "steps_total": len(behind),
        "checksum": checksum.hexdigest(),
        "recomputed": recomputed,
        "agrees": recomputed == value,
    }


def refusal(figure: str, line_id: str | None) -> ValueError | None:
    """Why a figure cannot be explained, if it cannot: nothing adds up to it, or it is of the whole contract only."""
    if figure in SUMS or (figure in MADE and not MADE[figure].of_lines):
        whole = f"figure is {figure!r}, which is of the whole contract: leave out the line"
        return ValueError(whole) if line_id is not None else None
    if figure in FIGURES or figure in MADE:
        return None
    return ValueError(f"figure is {figure!r}: ask for one of {', '.join((*FIGURES, *SUMS, *MADE))}")


def _summed(contracts: Contracts, head: Head, contract_id: str, figure: str, as_of: int | None) -> Answer:
    """A figure that items of a contract add up to."""
    known = SUMS[figure]
    position = contracts.position(contract_id, head, as_of)
    asked = Asked(contracts, head, position, contracts.assess(position, head))
    items = list(known.items(asked))
    money = known.unit == "money"
    total = sum(item.amount for item in items)
    value = _shown(contracts, asked, figure)
    return {
        **_heading(position, figure, None, value, known.unit, known.formula),
        "steps": [_item_step(asked, item, money=money) for item in items[:STEPS_SHOWN]],
        "steps_total": len(items),
        "checksum": sha256(b"\n".join(f"{item.id}={item.amount}".encode() for item in items)).hexdigest(),
        "recomputed": (recomputed := show(total, position.exponent) if money else total),
        "agrees": recomputed == value,
    }


def _shown(contracts: Contracts, asked: Asked, figure: str) -> Any:
    """The figure as the contract's rows have it."""
    burned = contracts.burn(asked.position)[0]
    for row in (burned, contracts.readiness(asked.position, asked.head, asked.found)):
        if figure in row:
            return row[figure]
    return value_of(contracts.forecast(asked.position, burned, asked.found), figure)


def _made(
    contracts: Contracts, head: Head, contract_id: str, figure: str, line_id: str | None, as_of: int | None
) -> Answer:
    """A figure that other figures of its row make; null where one of them is."""
    known = MADE[figure]
    position = contracts.position(contract_id, head, as_of)
    burned = contracts.burn(position)
    if known.of_lines:
        row = next((row for row in burned if row["line_id"] == line_id), None)
    else:
        row = contracts.forecast(position, burned[0], contracts.assess(position, head))
    value = value_of(row, figure)
    parts = [(sign, name, value_of(row, name)) for sign, name in known.parts]
    recomputed: Any = None
    if all(part is not None for _, _, part in parts):
        if known.unit == "money":
            recomputed = show(sum(sign * micro(part) for sign, _, part in parts), position.exponent)
        else:
            recomputed = sum(sign * part for sign, _, part in parts)
    steps = [
        {**_NO_STEP, "entry_id": name, "amount": part, "arithmetic": "subtracted" if sign < 0 else "added"}
        for sign, name, part in parts
    ]
    return {
        **_heading(position, figure, line_id, value, known.unit, known.formula),
        "steps": steps,
        "steps_total": len(steps),
        "checksum": sha256(b"\n".join(f"{name}={part}".encode() for _, name, part in parts)).hexdigest(),
        "recomputed": recomputed,
        "agrees": recomputed == value,
    }


def _heading(position: Position, figure: str, line_id: str | None, value: Any, unit: str, formula: str) -> Answer:
    terms = position.terms
    return {
        "contract_id": position.contract_id,
        "line_id": line_id,
        "figure": figure,
        "as_of": calendar.text_of(position.as_of) if position.as_of is not None else None,
        "value": value,
        "unit": (terms.currency if terms is not None else None) if unit == "money" else unit,
        "formula": formula,
        "rules": [_AS_OF],
        "contract_version": terms.version if terms is not None else None,
    }


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


def _item_step(asked: Asked, item: Item, *, money: bool) -> Answer:
    behind = item.behind
    said = {
        "entry_id": item.id,
        "line_id": item.line_id,
        "work_date": calendar.text_of(item.day) if item.day is not None else None,
        "amount": asked.money(item.amount) if money else item.amount,
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
    return {**_NO_STEP, **said}


def _value(row: Mapping[str, Any], figure: str) -> Any:
    value: Any = row
    for name in figure.split("."):
        value = value[name]
    return value


def _behind(position: Position, figure: Figure, line_id: str | None) -> Iterable[tuple[str, Row, Claims | None]]:
    for entry, said, claims in position.book.rows(calendar.BEGINNING, position.day):
        row = _as_invoiced(said, claimed(claims, position.day))
        if figure.counts(row) and (line_id is None or row.line == line_id):
            yield entry, row, claims


def _as_invoiced(row: Row, invoiced: int) -> Row:
    """The row at what was invoiced for it, where that stands whatever changed since (`prospective_only`)."""
    if not (_stands(row, invoiced) and (row.amount is not None or row.problem)):
        return row
    return msgspec.structs.replace(row, amount=row.drawn_amount + invoiced, problem=0)


def _stands(row: Row, invoiced: int) -> bool:
    return row.keeps and row.status == APPROVED and invoiced != 0


def _step(
    contract: Contract, position: Position, figure: Figure, entry: str, row: Row, claims: Claims | None
) -> Answer:
    exponent = position.exponent
    card = price_card(contract, row)
    rate = row.rate_override if row.rate_override is not None else decimal(card.amount) if card else None
    gives, invoiced = figure.gives(row), claimed(claims, position.day)
    return {
        "entry_id": entry,
        "work_date": calendar.text_of(row.day),
        "resource_id": row.resource_id,
        "line_id": row.line,
        "minutes": row.minutes,
        "billable_minutes": row.billable_minutes,
        "rate": rate,
        "rate_id": row.rate_id,
        "rate_scope": "entry" if row.rate_override is not None else card.scope if card else None,
        "amount": show(gives, exponent) if figure.unit == "money" else gives,
        "arithmetic": f"{show(gives, exponent)} as it was invoiced"
        if _stands(row, invoiced) and figure.unit == "money" and gives == row.amount
        else _arithmetic(contract, row, rate, per_day=card is not None and card.per_day, exponent=exponent)
        if figure.unit == "money" and row.amount is not None and gives == row.amount
        else f"{gives}",
        "invoiced_amount": show(invoiced, exponent),
        "event_id": row.id,
        "source": row.source,
        "event_time": timestamp(row.time),
        "revision": row.revision,
    }


def _arithmetic(contract: Contract, row: Row, rate: str | None, *, per_day: bool, exponent: int) -> str:
    terms = contract.agreement.on(row.day)
    per = terms.day_minutes if terms and per_day else 60
    line = terms.lines.get(row.line) if terms and row.line else None
    discount = f" × (1 − {decimal(line.discount)})" if line and line.discount else ""
    return f"{row.billable_minutes} min × {rate} ÷ {per}{discount} = {show(row.amount or 0, exponent)}"
