"""Live burn: hours and money used against budget, the rate of use, and the day it runs out.

Sources: design section 5 "Burn", "Burn rate"; domain rules R27, R30, R31. The names of the figures are those of
`burn.updated` in the event catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from app.domain import calendar
from app.domain.book import Book
from app.domain.booked import Measure, Schedule
from app.domain.ledger import (
    AMOUNT,
    BILLABLE,
    COST,
    EXPENSES,
    NONBILLABLE,
    PENDING_AMOUNT,
    PENDING_MINUTES,
    UNPRICED,
    Sum,
    empty,
    merged,
)
from app.domain.money import divide, show, show_quarter, show_ratio
from app.domain.terms import Agreement, Amount, Terms
from app.domain.walks import Walks

THRESHOLDS: Final = (50, 75, 90, 100)
DIMENSIONS: Final = ("minutes", "amount")
WINDOW_DAYS: Final = 28
WINDOW_WORKING_DAYS: Final = 20
HORIZON_DAYS: Final = 36_499

Reached = Callable[[str | None, int, int, int], int | None]
Crossing = tuple[int, int, int, int]
"""(dimension, use that reaches the threshold, day it was reached or 0, contract version)."""


class Commitment(NamedTuple):
    """What a subcontractor was promised, or has invoiced; `amount` in micro-units of `currency`.

    `time` and `id` are those of the message that decides, for evidence.
    """

    line_id: str | None
    amount: int
    currency: str
    commitment_id: str = ""
    time: int = 0
    id: str = ""


class Roleless(NamedTuple):
    """A booking without a role, until a day; `time` and `id` are those of the message that decides, for evidence."""

    last: int
    assignment_id: str
    time: int
    id: str


@dataclass(frozen=True, slots=True)
class Position:
    """Where a contract stands on a day: what every view of it is computed from.

    `as_of` None: no clock has ticked yet; everything counts and what needs a today is null. `reached` may answer from
    what is already known instead of walking the book (same contract as `Book.reached`), `walks` may remember others.
    """

    contract_id: str
    agreement: Agreement
    book: Book
    as_of: int | None
    holidays: Collection[int] = ()
    reached: Reached | None = None
    commitments: Sequence[Commitment] = ()
    schedule: Schedule = field(default_factory=Schedule)
    walks: Walks = field(default_factory=Walks)
    roleless: Sequence[Roleless] = ()
    sums: dict[str, Sum] = field(init=False)
    terms: Terms | None = field(init=False)
    exponent: int = field(init=False)
    whole: Sum = field(init=False)

    def __post_init__(self) -> None:
        day = self.day
        terms = self.agreement.on(day)
        object.__setattr__(self, "terms", terms)
        object.__setattr__(self, "exponent", terms.exponent if terms else 2)
        sums = self.book.between(calendar.BEGINNING, day, day)
        object.__setattr__(self, "sums", sums)
        object.__setattr__(self, "whole", next(iter(sums.values())) if len(sums) == 1 else merged(sums.values()))

    @property
    def day(self) -> int:
        return calendar.FOREVER if self.as_of is None else self.as_of

    def total(self, line: str | None) -> Sum:
        if line is not None:
            return self.sums.get(line) or empty()
        return self.whole

    def committed(self, line: str | None) -> int:
        """Commitments in the contract's currency; one without a line belongs to the only line, else to the contract."""
        terms = self.terms
        if terms is None:
            return 0
        return sum(
            one.amount
            for one in self.commitments
            if one.currency == terms.currency and (line is None or line == (one.line_id or terms.only_line))
        )

    def invoiced(self) -> dict[str, Sum]:
        """Sums of all work, later than as-of too: an invoice may name it."""
        if all(total.last <= self.day for lines in self.book.pages.values() for total in lines.values()):
            return self.sums
        return self.book.between(calendar.BEGINNING, calendar.FOREVER, self.day)

    def when_reached(self, line: str | None, dimension: int, target: int) -> int | None:
        walk = self.reached or self.book.reached
        return walk(line, dimension, target, self.day)

    def lines(self) -> list[str]:
        """Every line of any version of the contract and every line ever named by its work."""
        return sorted({*self.agreement.line_ids, *(line for line in self.book.line_ids() if line)})


def rows(position: Position) -> Iterator[dict[str, Any]]:
    """`burn.updated` for the whole contract (line_id None), then for each line."""
    yield row(position, None)
    for line in position.lines():
        yield row(position, line)


def row(position: Position, line: str | None) -> dict[str, Any]:
    terms, exponent = position.terms, position.exponent
    total = position.total(line)
    totals = total.totals
    budget = terms.budget(line) if terms else Amount()
    window = _window(position, line)
    used = (totals[BILLABLE], totals[AMOUNT])
    return {
        "contract_id": position.contract_id,
        "line_id": line,
        "status": terms.status_on(position.day) if terms else "unknown",
        "currency": terms.currency if terms else None,
        "contract_version": terms.version if terms else None,
        "as_of": _date(position.as_of),
        "approved": {
            "billable_minutes": totals[BILLABLE],
            "nonbillable_minutes": totals[NONBILLABLE],
            "amount": show(totals[AMOUNT], exponent),
            "cost": show(totals[COST], exponent),
        },
        "pending": {"minutes": totals[PENDING_MINUTES], "amount": show(totals[PENDING_AMOUNT], exponent)},
        "unpriced_minutes": totals[UNPRICED],
        "expenses": show(totals[EXPENSES], exponent),
        "committed": show(position.committed(line), exponent),
        "budget": {"minutes": budget.minutes, "amount": _money(budget.amount, exponent)},
        "remaining": _remaining(budget, used, exponent),
        "ratio": {"minutes": ratio(used[0], budget.minutes), "amount": ratio(used[1], budget.amount)},
        "thresholds": {"minutes": crossed(used[0], budget.minutes), "amount": crossed(used[1], budget.amount)},
        "per_week": _per_week(position, window),
        "exhaustion": _exhaustion(position, line, budget, used, window),
        "by_period": _pairs(total.periods, exponent),
        "by_role": _pairs(total.roles, exponent),
    }


def _money(units: int | None, exponent: int) -> str | None:
    return None if units is None else show(units, exponent)


def _pairs(pairs: dict[str, list[int]], exponent: int) -> dict[str, dict[str, Any]]:
    return {name: {"minutes": pairs[name][0], "amount": show(pairs[name][1], exponent)} for name in sorted(pairs)}


def _remaining(budget: Amount, used: tuple[int, int], exponent: int) -> dict[str, Any]:
    return {
        "minutes": None if budget.minutes is None else budget.minutes - used[0],
        "amount": None if budget.amount is None else show(budget.amount - used[1], exponent),
    }


def ratio(used: int, budget: int | None) -> str | None:
    """Used ÷ budget with four places; None without a budget above 0."""
    return show_ratio(used, budget) if budget is not None and budget > 0 else None


def crossed(used: int, budget: int | None) -> list[int]:
    """The thresholds in per cent that `used` has reached, exactly, at ≥."""
    if budget is None or budget <= 0:
        return []
    return [percent for percent in THRESHOLDS if used * 100 >= percent * budget]


def target(percent: int, budget: int) -> int:
    """The least use that reaches `percent` of `budget`."""
    return -(-percent * budget // 100)


def _window(position: Position, line: str | None) -> tuple[int, int]:
    """Minutes and amount of the last 28 days up to as-of."""
    if position.as_of is None:
        return 0, 0
    minutes = amount = 0
    for _, of_day, amount_of_day in position.book.days(line, position.as_of - WINDOW_DAYS + 1, position.as_of):
        minutes += of_day
        amount += amount_of_day
    return minutes, amount


def _per_week(position: Position, window: tuple[int, int]) -> dict[str, Any]:
    if position.as_of is None:
        return {"minutes": None, "amount": None}
    step = 10 ** (6 - position.exponent)
    return {"minutes": show_quarter(window[0]), "amount": show(divide(window[1], 4 * step) * step, position.exponent)}


def _exhaustion(
    position: Position, line: str | None, budget: Amount, used: tuple[int, int], window: tuple[int, int]
) -> dict[str, Any]:
    days = []
    working = []
    planned = []
    for dimension, limit in enumerate((budget.minutes, budget.amount)):
        day, working_day = _runs_out(position, line, dimension, limit, used[dimension], window[dimension])
        days.append(day)
        working.append(working_day)
        planned.append(_booked_out(position, line, dimension, limit, used[dimension], day))
    return {
        "minutes_on": _date(days[0]),
        "amount_on": _date(days[1]),
        "planned_on": _date(earliest(planned)),
        "working_on": _date(earliest(working)),
    }


def earliest(days: Iterable[int | None]) -> int | None:
    return min((day for day in days if day is not None), default=None)


def _date(day: int | None) -> str | None:
    return None if day is None else calendar.text_of(day)


def _runs_out(
    position: Position, line: str | None, dimension: int, budget: int | None, used: int, window: int
) -> tuple[int | None, int | None]:
    """The day one dimension is used up: in calendar days and in working days."""
    as_of = position.as_of
    if as_of is None or budget is None or budget <= 0:
        return None, None
    left = budget - used
    if left <= 0:
        day = position.when_reached(line, dimension, budget)
        return day, day
    if window <= 0:
        return None, None
    return (
        _after(as_of, -(-left * WINDOW_DAYS // window)),
        _working(as_of, -(-left * WINDOW_WORKING_DAYS // window), position.holidays),
    )


def _booked_out(
    position: Position, line: str | None, dimension: int, budget: int | None, used: int, reached: int | None
) -> int | None:
    """The day by which what is booked will have used one dimension up; `reached`: when it was, if nothing is left."""
    as_of = position.as_of
    if as_of is None or budget is None or budget <= 0:
        return None
    if used >= budget:
        return reached
    day = position.schedule.reached(line, Measure(dimension), as_of, budget - used)
    return day if day is not None and day - as_of <= HORIZON_DAYS else None


def _after(as_of: int, days: int) -> int | None:
    return as_of + days if days <= HORIZON_DAYS and as_of + days <= calendar.FOREVER else None


def _working(as_of: int, days: int, holidays: Collection[int]) -> int | None:
    return calendar.working_day_after(as_of, days, holidays) if days <= HORIZON_DAYS else None


def crossings(position: Position, line: str | None) -> list[Crossing]:
    """Where each threshold of each dimension stands: minutes first, thresholds rising."""
    terms = position.terms
    totals = position.total(line).totals
    budget = terms.budget(line) if terms else Amount()
    version = terms.version if terms else 0
    found = []
    for dimension, limit in enumerate((budget.minutes, budget.amount)):
        reached = crossed((totals[BILLABLE], totals[AMOUNT])[dimension], limit)
        for percent in THRESHOLDS:
            least = target(percent, limit or 0)
            on = position.when_reached(line, dimension, least) if percent in reached else None
            found.append((dimension, least, on or 0, version))
    return found


def threshold_rows(position: Position, line: str | None, found: Sequence[Crossing]) -> Iterator[dict[str, Any]]:
    """`burn.threshold_updated` for every crossing that `crossings` found, reached or not."""
    for (dimension, _, on, version), percent in zip(found, THRESHOLDS * len(DIMENSIONS), strict=True):
        yield {
            "contract_id": position.contract_id,
            "line_id": line,
            "dimension": DIMENSIONS[dimension],
            "threshold": percent,
            "crossed": on > 0,
            "crossed_on": _date(on or None),
            "contract_version": version or None,
            "as_of": _date(position.as_of),
        }
