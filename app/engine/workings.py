"""Figures that are no sum: which other figures and events make each, and the arithmetic, done once more from them.

A working asks for other figures by name (`On.ask`), uses items of its own (`On.use`), and says what comes of both,
exactly: money in micro-units, minutes, ratios as fractions, days as numbers. It never looks at the figure itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from app.domain import calendar
from app.domain.booked import Course, Measure, Piece, charged
from app.domain.burn import HORIZON_DAYS, THRESHOLDS, WINDOW_DAYS, WINDOW_WORKING_DAYS, target
from app.domain.money import MICRO, decimal, portion
from app.domain.resolution import effective
from app.engine.items import Asked, Item
from app.events.plan import Plan
from tables.reference import REFERENCE

Exact = Any
"""An `int`, a `Fraction`, a list of per cents, or None where there is no base."""


class On(Protocol):
    """One figure of a contract, or of a line, while it is worked out."""

    asked: Asked
    line_id: str | None
    formula: str

    def ask(self, name: str, line_id: str | None = ...) -> Exact:
        """Another figure, of the same line unless another is named, from what that one is made of."""

    def items(self, name: str) -> Sequence[Item]:
        """What another figure adds up from."""

    def entries(self, name: str, first: int) -> list[Item]:
        """Of the entries that another figure adds up from, those from a day on."""

    def use(self, items: Iterable[Item]) -> list[Item]:
        """Items of the figure's own."""


class Working(NamedTuple):
    """How a figure is made. `kind` is how it is shown (see `explain.SHOWN`), `of_lines`: each line has one, too."""

    kind: str
    formula: str
    work: Callable[[On], Exact]
    of_lines: bool = False
    rules: tuple[str, ...] = ()


USED: Final = {"minutes": "approved.billable_minutes", "amount": "approved.amount"}
_KINDS: Final = {"minutes": "minutes", "amount": "money"}
DIMENSIONS: Final = tuple(USED)
_MEASURES: Final = {"minutes": Measure.MINUTES, "amount": Measure.AMOUNT}


# -- budget and use ---------------------------------------------------------------------------------------------------


def _budget(dimension: str) -> Callable[[On], Exact]:
    """What each version of the contract in force on as-of changed of it; None where no line has one in the end."""

    def work(on: On) -> Exact:
        held: dict[str, int] = {}
        total = 0
        agreement = on.asked.contract.agreement
        for message, terms in agreement.history(on.asked.position.day):
            now = {
                line.line_id: limit
                for line in terms.lines.values()
                if on.line_id in (None, line.line_id) and (limit := getattr(line.budget, dimension)) is not None
            }
            changes = [name for name in sorted({*held, *now}) if held.get(name) != now.get(name)]
            for one in on.use(_changes(on, dimension, message, held, now, changes)):
                total += one.amount  # type: ignore[assignment]  # a budget is whole
            held = now
        return total if held else None

    return work


def _changes(
    on: On, dimension: str, message: Any, held: Mapping[str, int], now: Mapping[str, int], changed: Sequence[str]
) -> Iterator[Item]:
    def text(units: int | None) -> str:
        if units is None:
            return "none"
        return on.asked.exactly(units) if dimension == "amount" else str(units)

    day = calendar.number(msgspec.json.decode(message.data)["effective_from"])
    for name in changed:
        before, after = held.get(name), now.get(name)
        said = f"{text(before)} → {text(after)} by {message.type.split('.')[1]}, version {message.revision}"
        amount = (after or 0) - (before or 0)
        yield Item(f"contract/{message.revision}", amount, said, name, day, message)


def _remaining(dimension: str) -> Callable[[On], Exact]:
    def work(on: On) -> Exact:
        budget, used = on.ask(f"budget.{dimension}"), on.ask(USED[dimension])
        return None if budget is None else budget - used

    return work


def _ratio(dimension: str) -> Callable[[On], Exact]:
    def work(on: On) -> Exact:
        return over(on.ask(USED[dimension]), on.ask(f"budget.{dimension}"))

    return work


def over(part: int | None, whole: int | None) -> Fraction | None:
    """part ÷ whole; None without a whole above 0."""
    return Fraction(part, whole) if part is not None and whole is not None and whole > 0 else None


def _thresholds(dimension: str) -> Callable[[On], Exact]:
    def work(on: On) -> Exact:
        used, budget = on.ask(USED[dimension]), on.ask(f"budget.{dimension}")
        if budget is None or budget <= 0:
            return []
        reached = [percent for percent in THRESHOLDS if used * 100 >= percent * budget]
        days = [_reached(on, dimension, target(percent, budget)) for percent in reached]
        on.use(
            Item(f"{percent} %", target(percent, budget), "reached", on.line_id, day, kind=_KINDS[dimension])
            for percent, day in zip(reached, days, strict=True)
        )
        return reached

    return work


def _window(dimension: str) -> Callable[[On], Exact]:
    def work(on: On) -> Exact:
        as_of = on.asked.position.as_of
        if as_of is None:
            return None
        return sum(one.amount for one in on.use(on.entries(USED[dimension], as_of - WINDOW_DAYS + 1)))

    return work


def _per_week(dimension: str) -> Callable[[On], Exact]:
    def work(on: On) -> Exact:
        window = on.ask(f"window.{dimension}")
        if window is None:
            return None
        return Fraction(window, 4) if dimension == "minutes" else portion(window, 1, 4, on.asked.position.exponent)

    return work


# -- the day a budget ends --------------------------------------------------------------------------------------------


def _reached(on: On, dimension: str, least: int) -> int | None:
    """The first work date on which what was used by then comes to so much; within a day no order is known."""
    by_day: dict[int, int] = {}
    for one in on.items(USED[dimension]):
        assert one.day is not None
        by_day[one.day] = by_day.get(one.day, 0) + int(one.amount)
    total = 0
    for day in sorted(by_day):
        total += by_day[day]
        if total >= least:
            return day
    return None


class _Left(NamedTuple):
    """What remains of a budget above 0, and, once nothing does, the day on which it was reached."""

    dimension: str
    amount: int
    reached: int | None


def left_of(on: On, dimension: str) -> _Left | None:
    budget, used = on.ask(f"budget.{dimension}"), on.ask(USED[dimension])
    if budget is None or budget <= 0 or on.asked.position.as_of is None:
        return None
    return _Left(dimension, budget - used, _reached(on, dimension, budget) if used >= budget else None)


def _runs_out(dimension: str) -> Callable[[On], Exact]:
    def work(on: On) -> Exact:
        left, as_of = left_of(on, dimension), on.asked.position.as_of
        if left is None or as_of is None:
            return None
        if left.amount <= 0:
            return left.reached
        window = on.ask(f"window.{dimension}")
        days = -(-left.amount * WINDOW_DAYS // window) if window > 0 else HORIZON_DAYS + 1
        return as_of + days if days <= HORIZON_DAYS and as_of + days <= calendar.FOREVER else None

    return work


def _working_on(on: On) -> Exact:
    as_of = on.asked.position.as_of
    days = []
    for left in filter(None, [left_of(on, dimension) for dimension in DIMENSIONS]):
        window = on.ask(f"window.{left.dimension}") if left.amount > 0 else 0
        count = -(-left.amount * WINDOW_WORKING_DAYS // window) if window > 0 else HORIZON_DAYS + 1
        if left.amount <= 0:
            days.append(left.reached)
        elif as_of is not None and count <= HORIZON_DAYS:
            days.append(_after_holidays(on, as_of, count))
    return min((day for day in days if day is not None), default=None)


def _after_holidays(on: On, as_of: int, count: int) -> int:
    """The `count`-th working day after as-of; holidays up to it are items."""
    holidays = list(_holidays(on.asked, as_of))
    end = calendar.working_day_after(as_of, count, {one.day for one in holidays if one.day is not None})
    on.use(one for one in holidays if one.day is not None and one.day <= end)
    return end


def _holidays(asked: Asked, after: int) -> Iterator[Item]:
    """The firm's holidays after a day, from Monday to Friday."""
    for key, entity in asked.contracts.store.scan(REFERENCE, "holiday/"):
        message, said = effective(entity.facts)
        day = calendar.number(said["date"])
        if message.type == "holiday.set.v1" and not said.get("region") and day > after and (day - 1) % 7 < 5:
            yield Item(key, 0, "a holiday", None, day, message)


def _planned_on(on: On) -> Exact:
    as_of = on.asked.position.as_of
    days: list[int | None] = []
    for left in filter(None, [left_of(on, dimension) for dimension in DIMENSIONS]):
        if left.amount <= 0:
            days.append(left.reached)
        elif as_of is not None:
            booked = list(stretches(on, _MEASURES[left.dimension]))
            on.use(item for item, _ in booked)
            day = Course([piece for _, piece in booked]).reached(as_of, left.amount) if booked else None
            days.append(day if day is not None and day - as_of <= HORIZON_DAYS else None)
    return min((day for day in days if day is not None), default=None)


# -- what is booked ---------------------------------------------------------------------------------------------------


def stretches(on: On, measure: Measure) -> Iterator[tuple[Item, Piece]]:
    """What is booked after as-of, stretch by stretch: exactly as much on each day of it that is one of the weekdays."""
    asked, position = on.asked, on.asked.position
    as_of, terms = position.as_of, position.terms
    if as_of is None:
        return
    contract, currency = asked.contract, terms.currency if terms is not None else None
    for plan, booking in asked.contracts.bookings(position.contract_id, asked.head):
        for line, its, piece in charged(booking, contract.agreement, contract.rates, currency):
            piece = piece._replace(first=max(piece.first, as_of + 1))
            days = _days(piece)
            if its is measure and days and (on.line_id is None or line == on.line_id):
                yield _stretch(on, measure, plan, line, piece, days), piece


def _days(piece: Piece) -> int:
    """How many days of a stretch are one of its weekdays; day 1 was a Monday."""
    weeks, rest = divmod(max(piece.last - piece.first + 1, 0), 7)
    return weeks * piece.weekdays.bit_count() + sum(
        piece.weekdays >> (piece.first + place - 1) % 7 & 1 for place in range(rest)
    )


def _stretch(on: On, measure: Measure, plan: Plan, line: str | None, piece: Piece, days: int) -> Item:
    money = measure in (Measure.AMOUNT, Measure.SOFT_AMOUNT)
    each = piece.value / MICRO if money else piece.value
    weekdays = [weekday + 1 for weekday in range(7) if piece.weekdays >> weekday & 1]
    more: dict[str, Any] = {
        "resource_id": plan.resource_id,
        "from": calendar.text_of(piece.first),
        "to": calendar.text_of(piece.last),
        "weekdays": weekdays,
        "each": _plainly(each),
        "measure": measure.name.lower(),
        "probability_ratio": decimal(plan.probability),
    }
    terms = on.asked.contract.agreement.on(piece.first)
    if money and terms is not None:
        card = on.asked.contract.rates.find("bill", terms.client_id, plan.resource_id, plan.role, piece.first)
        more |= {"rate_id": card.rate_id, "rate_scope": card.scope} if card is not None else {}
    said = f"{days} days × {_plainly(each)}{'' if money else ' min'}"
    told, kind = _Told(plan.id, plan.source, plan.time), "money" if money else "hundredths"
    name = f"assignment/{plan.assignment_id}"
    return Item(name, piece.value * days, said, line, piece.first, told, more, kind=kind)


def _plainly(number: Fraction) -> str:
    """As a decimal where six places hold it, else as a fraction."""
    millionths = number * MICRO
    return decimal(int(millionths)).removesuffix(".00") if millionths.denominator == 1 else str(number)


class _Told(NamedTuple):
    """The latest message about a booking, whose revision the contract is not told."""

    id: str
    source: str
    time: int
    revision: int | None = None


# -- every figure of burn ---------------------------------------------------------------------------------------------

_VERSIONS: Final = ("versions in order, those with effective_from ≤ as-of; additive ones add, others overwrite",)
_LAST_DAYS: Final = (f"as-of − {WINDOW_DAYS - 1} days ≤ work date ≤ as-of",)
_AT: Final = ("reached at ≥, exactly", "none without a budget above 0")
_END: Final = (
    "once nothing remains: the first work date on which what was used by then reached the budget",
    f"null without a budget above 0, without use, or beyond {HORIZON_DAYS} days",
)
_WORKING_DAYS: Final = ("a working day is one from Monday to Friday that is no holiday of the firm", *_END)
_BOOKED: Final = (
    "booked hard, billable, in a role that the line charges, net of holidays and leave",
    "amount: at the rate of the day less the line's discount, not rounded",
    *_END,
)


def _of(dimension: str, kind: str, used: str) -> Mapping[str, Working]:
    """The figures of burn that are of minutes, or of the amount."""
    budget, window = f"budget.{dimension}", f"window.{dimension}"
    steps = ", ".join(map(str, THRESHOLDS))
    ends = f"as-of + ⌈({budget} − {used}) × {WINDOW_DAYS} ÷ {window}⌉ days"
    weekly = "quarters" if dimension == "minutes" else kind
    return {
        budget: Working(kind, "Σ changes of it by versions of the contract", _budget(dimension), True, _VERSIONS),
        f"remaining.{dimension}": Working(
            kind, f"{budget} − {used}", _remaining(dimension), True, ("may be negative",)
        ),
        f"ratio.{dimension}": Working("ratio", f"{used} ÷ {budget}", _ratio(dimension), True, _AT[1:]),
        f"thresholds.{dimension}": Working(
            "percents", f"those of {steps} % of {budget} that {used} has reached", _thresholds(dimension), True, _AT
        ),
        window: Working(kind, f"{used} of the last {WINDOW_DAYS} days", _window(dimension), True, _LAST_DAYS),
        f"per_week.{dimension}": Working(weekly, f"{window} ÷ 4", _per_week(dimension), True),
        f"exhaustion.{dimension}_on": Working("date", ends, _runs_out(dimension), True, _END),
    }


WORKINGS: Final[Mapping[str, Working]] = {
    **_of("minutes", "minutes", USED["minutes"]),
    **_of("amount", "money", USED["amount"]),
    "exhaustion.working_on": Working(
        "date",
        "the earlier, of minutes and amount, of as-of"
        f" + ⌈(budget − used) × {WINDOW_WORKING_DAYS} ÷ window⌉ working days",
        _working_on,
        True,
        _WORKING_DAYS,
    ),
    "exhaustion.planned_on": Working(
        "date",
        "the earlier, of minutes and amount, of the days by which what is booked after as-of comes to budget − used",
        _planned_on,
        True,
        _BOOKED,
    ),
}
"""By the names in a contract's rows; `window.minutes` and `window.amount` only others are made of."""


def of_group(name: str) -> Working | None:
    """The working of `by_period.2026-03.minutes`, `by_role.engineer.amount` and the like; None for another name."""
    group, _, rest = name.partition(".")
    label, _, dimension = rest.rpartition(".")
    if group not in ("by_period", "by_role") or dimension not in DIMENSIONS:
        return None

    def work(on: On) -> Exact:
        its = on.use(one for one in on.entries(USED[dimension], calendar.BEGINNING) if _grouped(one) == label)
        return sum(one.amount for one in its) if its else None

    def _grouped(one: Item) -> str:
        assert one.day is not None
        return calendar.period_of(one.day) if group == "by_period" else getattr(one.behind, "role", None) or ""

    said = "with a work date in" if group == "by_period" else "in the role"
    return Working(_KINDS[dimension], f"{USED[dimension]} {said} {label!r}", work, True)
