"""Where a contract will end: hours and money at completion, the day its budget runs out, earned value, margin.

Sources: domain rules R21, R28, R29, R30, R32. The names of the figures are those of `burn.forecast_updated` in the
event catalogue. What is *used* is what burns: approved billable minutes and their amount.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final, NamedTuple

from app.domain import calendar, completion, earned, futures
from app.domain.booked import Measure
from app.domain.burn import Commitment, Position
from app.domain.completion import Estimate
from app.domain.earned import Value
from app.domain.futures import Answer, Question
from app.domain.ledger import AMOUNT, BILLABLE, COST, EXPENSES
from app.domain.money import MICRO, portion, show, show_hundredths, show_ratio
from app.domain.terms import Line, Terms

_NO_MEASURE: Final = "nothing is booked, and of a line with a budget nothing says how much is done"


class Stone(NamedTuple):
    """A milestone that stands: done from the day `reached` on; before that, `progress` of it, in millionths.

    `due`: somebody said when it is to be reached.
    """

    line_id: str | None
    amount: int
    reached: int
    progress: int
    due: bool = False

    def share(self, day: int) -> int:
        return MICRO if self.reached <= day else self.progress


class Basis(NamedTuple):
    """What else a forecast rests on.

    `stones`: milestones that are not cancelled. `invoices`: what subcontractors have invoiced. `revenue`: what each
    line has earned. `invoiced`: what live invoices say, net of credits; `written_off`: what was given up. Money in
    micro-units. `mixed`: the terms so far speak of two currencies, so no amount of work is a sum.
    """

    stones: Sequence[Stone] = ()
    estimates: Sequence[Estimate] = ()
    invoices: Sequence[Commitment] = ()
    revenue: Mapping[str | None, int] = {}
    invoiced: int = 0
    written_off: int = 0
    mixed: bool = False

    @property
    def earned(self) -> int:
        """What all lines have earned."""
        return sum(self.revenue.values())


class _Completion(NamedTuple):
    """Minutes exact, money in micro-units; None where there is nothing to go by, and `reason` says why."""

    variant: str | None
    minutes: Fraction | None
    amount: int | None
    reason: str | None = None


class _Worth(NamedTuple):
    """Earned value of a contract; `planned` says whether any line has a plan."""

    value: Value
    planned: bool


_OVER: Final = ("closed", "cancelled")  # nothing more is to be used
_MIXED: Final = "CURRENCY_CHANGED: the terms so far speak of two currencies, and amounts in both are no sum"
_FOREIGN: Final = (
    "CURRENCY_CHANGED: another currency is agreed for days that are booked, and amounts in both are no sum"
)
Ask = Callable[[Question], Answer | None]


def row(position: Position, days: dict[str, Any], basis: Basis, ask: Ask = futures.ask) -> dict[str, Any]:
    """`burn.forecast_updated` of a contract; `days` is the `exhaustion` of its burn, `ask` draws its futures."""
    exponent, totals = position.exponent, position.total(None).totals
    spent = totals[AMOUNT] + _invoiced(position, basis.invoices)
    worth, unmeasured = _worth(position, basis, spent)
    end = _at_completion(position, totals[BILLABLE], spent, worth, mixed=basis.mixed)
    coming = [_to_come(position, days[name]) for name in ("minutes_on", "amount_on", "planned_on")]
    trailing, planned = _first(*coming[:2]), coming[2]
    cost = totals[COST] + _invoiced(position, basis.invoices)
    chances, drawn = _chances(position, days, ask)

    def money(units: int | None) -> str | None:
        return None if units is None else show(units, exponent)

    return {
        "contract_id": position.contract_id,
        "as_of": calendar.text_of(position.as_of) if position.as_of is not None else None,
        "currency": position.terms.currency if position.terms else None,
        "contract_version": position.terms.version if position.terms else None,
        "estimate_at_completion": _estimate(end, end.minutes, money(end.amount)),
        "estimate_to_complete": _estimate(
            end,
            None if end.minutes is None else end.minutes - totals[BILLABLE],
            money(None if end.amount is None else end.amount - spent),
        ),
        "exhaustion": {
            "trailing_on": trailing,
            "planned_on": planned,
            "earliest_on": _first(trailing, planned),
            **chances,
        },
        "earned_value": None if worth is None else _earned_value(worth, exponent),
        "margin": {
            "revenue_amount": show(basis.earned, exponent),
            "cost_amount": show(cost, exponent),
            "ratio": earned.margin(basis.earned, cost).value,
        },
        "unbilled": _unbilled(position, basis),
        "realization": _realization(position, basis),
        "backlog": _backlog(position, basis),
        "basis": {**_booked(position), "unmeasured_lines": unmeasured, "reason": end.reason, "futures": drawn},
    }


def _over(position: Position) -> bool:
    """Whether nothing more is to be used of the contract."""
    return position.terms is not None and position.terms.status_on(position.day) in _OVER


def _to_come(position: Position, day: str | None) -> str | None:
    """The day on which a budget ends; of a contract that is over, only where it has."""
    if day is None or position.as_of is None:
        return None
    return None if _over(position) and calendar.number(day) > position.as_of else day


def _chances(position: Position, days: dict[str, Any], ask: Ask) -> tuple[dict[str, str | None], dict[str, Any] | None]:
    """The days by which so many of a hundred futures have used a budget up, and what the futures were drawn from."""
    names = [f"p{chance}_on" for chance in futures.CHANCES]
    terms, as_of, totals = position.terms, position.as_of, position.total(None).totals
    budget = terms.budget(None) if terms is not None else None
    if as_of is None or budget is None:
        return dict.fromkeys(names), None
    left = [
        limit - used if limit is not None and limit > 0 else None
        for limit, used in ((budget.minutes, totals[BILLABLE]), (budget.amount, totals[AMOUNT]))
    ]
    over = [
        days[name] for name, one in zip(("minutes_on", "amount_on"), left, strict=True) if one is not None and one <= 0
    ]
    if over or left == [None, None] or _over(position):
        return dict.fromkeys(names, _first(*over)), None
    first, last = futures.first_day(as_of), calendar.week_start(as_of) - 1
    weeks = futures.history(position.book.days(None, first, last, as_of), position.schedule, as_of)
    found = ask(Question(position.contract_id, as_of, (left[0], left[1]), weeks, position.schedule))
    if found is None:
        return dict.fromkeys(names), None
    drawn = {
        "method": found.method,
        "runs": futures.RUNS,
        "seed": found.seed,
        "weeks": found.weeks,
        "reached_ratio": show_ratio(found.reached, futures.RUNS),
    }
    shown = [None if day is None else calendar.text_of(day) for day in found.days]
    return dict(zip(names, shown, strict=True)), drawn


def _estimate(end: _Completion, minutes: Fraction | None, amount: str | None) -> dict[str, Any]:
    return {"minutes": None if minutes is None else show_hundredths(minutes), "amount": amount, "variant": end.variant}


def _first(*days: str | None) -> str | None:
    return min((day for day in days if day is not None), default=None)


def _invoiced(position: Position, invoices: Iterable[Commitment]) -> int:
    """What subcontractors have invoiced in the contract's currency."""
    terms = position.terms
    return sum(one.amount for one in invoices if terms is not None and one.currency == terms.currency)


def _booked(position: Position) -> dict[str, Any]:
    def ahead(measure: Measure) -> Fraction:
        return Fraction(0) if position.as_of is None else position.schedule.after(None, measure, position.as_of)

    return {
        "booked_minutes": show_hundredths(ahead(Measure.MINUTES)),
        "booked_amount": show(_whole(ahead(Measure.AMOUNT), position.exponent), position.exponent),
        "unpriced_minutes": show_hundredths(ahead(Measure.UNPRICED)),
        "foreign_minutes": show_hundredths(ahead(Measure.FOREIGN)),
        "soft_minutes": show_hundredths(ahead(Measure.SOFT)),
        "soft_weighted_minutes": show_hundredths(ahead(Measure.SOFT_WEIGHTED)),
        "committed": show(position.committed(None), position.exponent),
    }


def _whole(amount: Fraction, exponent: int) -> int:
    """An exact amount in micro-units, rounded once to the currency."""
    return portion(amount.numerator, 1, amount.denominator, exponent)


def _at_completion(position: Position, minutes: int, spent: int, worth: _Worth | None, *, mixed: bool) -> _Completion:
    """What was used, once the contract is over; else what is booked, where anything is; else as so far, where enough is
    done to say so; else the rest as budgeted. Where amounts would be of two currencies there is none (`mixed`: so far).
    """
    terms, as_of, exponent = position.terms, position.as_of, position.exponent
    if terms is None or as_of is None:
        return _Completion(None, None, None, "the contract is unknown" if terms is None else "no day is known")
    spent_or_promised = spent + position.committed(None)
    if _over(position):
        return _Completion("actual", Fraction(minutes), None if mixed else spent_or_promised, _MIXED if mixed else None)
    booked = position.schedule.after(None, Measure.MINUTES, as_of)
    if booked:
        if mixed or position.schedule.after(None, Measure.FOREIGN, as_of):
            return _Completion("booked", minutes + booked, None, _MIXED if mixed else _FOREIGN)
        worth_ahead = _whole(position.schedule.after(None, Measure.AMOUNT, as_of), exponent)
        return _Completion("booked", minutes + booked, spent_or_promised + worth_ahead)
    if mixed or worth is None:
        return _Completion(None, None, None, _MIXED if mixed else _NO_MEASURE)
    value = worth.value
    found = earned.best(value, exponent)
    if found.variant == "performance":
        return _Completion(found.variant, Fraction(minutes * value.budget, value.earned), found.amount)
    budget = terms.budget(None).minutes
    left = None if budget is None else minutes + Fraction(budget * (value.budget - value.earned), value.budget)
    return _Completion(found.variant, left, found.amount)


def _worth(position: Position, basis: Basis, spent: int) -> tuple[_Worth | None, list[str]]:
    """Earned value, and the lines with a budget of which nothing says how much is done: with one there is none."""
    terms = position.terms
    if terms is None:
        return None, []
    budgets = {line_id: _budget(line) for line_id, line in terms.lines.items()}
    budgets = {line_id: budget for line_id, budget in budgets.items() if budget > 0}
    shares = {line_id: _done(position, terms, terms.lines[line_id], basis) for line_id in budgets}
    unmeasured = sorted(line_id for line_id, share in shares.items() if share is None)
    if unmeasured or not budgets:
        return None, unmeasured
    done = sum(portion(budgets[line_id], *(shares[line_id] or (0, 1)), terms.exponent) for line_id in budgets)
    steps = [step for line_id in budgets for step in terms.lines[line_id].plan]
    due = earned.planned_value(((on, amount or 0) for on, _, amount in steps), position.day)
    return _Worth(Value(sum(budgets.values()), due, done, spent), bool(steps)), []


def _budget(line: Line) -> int:
    """What a line is worth when it is done: its budget, else what its plan comes to, else its fee."""
    if line.budget.amount is not None:
        return line.budget.amount
    return sum(amount or 0 for _, _, amount in line.plan) if line.plan else line.fee or 0


def _done(position: Position, terms: Terms, line: Line, basis: Basis) -> tuple[int, int] | None:
    """How much of a line is done, as part and whole: by milestones, else by cost; None where nothing says so."""
    stones = [one for one in basis.stones if (one.line_id or terms.only_line) == line.line_id and one.amount > 0]
    if stones:
        return sum(one.amount * one.share(position.day) for one in stones), sum(one.amount for one in stones) * MICRO
    if line.billing_method != "percent_complete":
        return None
    estimate = completion.in_force(basis.estimates, line.line_id, position.day, only_line=terms.only_line)
    if estimate is None or estimate <= 0:
        return None
    return max(0, min(position.total(line.line_id).totals[COST], estimate)), estimate


def _earned_value(worth: _Worth, exponent: int) -> dict[str, Any]:
    value, planned = worth
    return {
        "budget_amount": show(value.budget, exponent),
        "planned_amount": show(value.planned, exponent) if planned else None,
        "earned_amount": show(value.earned, exponent),
        "actual_amount": show(value.actual, exponent),
        "cost_variance": show(value.cost_variance, exponent),
        "schedule_variance": show(value.schedule_variance, exponent) if planned else None,
        "cost_index": value.cost_index.value,
        "schedule_index": value.schedule_index.value if planned else None,
        "to_complete_index": value.to_complete(value.budget).value,
    }


def _unbilled(position: Position, basis: Basis) -> dict[str, Any]:
    """Earned, billable expenses included, not invoiced, not given up; below 0 it is owed to the client."""
    exponent, total = position.exponent, position.total(None)
    all_earned = basis.earned + total.totals[EXPENSES] - total.unbillable
    return {
        "earned_amount": show(all_earned, exponent),
        "invoiced_amount": show(basis.invoiced, exponent),
        "written_off_amount": show(basis.written_off, exponent),
        "amount": show(earned.unbilled(all_earned, basis.invoiced, basis.written_off), exponent),
    }


def _realization(position: Position, basis: Basis) -> dict[str, Any]:
    """What is billed, or can be, of what approved work is worth at its price; the rest was written off."""
    exponent, standard = position.exponent, position.total(None).totals[AMOUNT]
    billed = standard - basis.written_off
    return {
        "standard_amount": show(standard, exponent),
        "billed_amount": show(billed, exponent),
        "ratio": earned.realization(billed, standard).value,
    }


def _backlog(position: Position, basis: Basis) -> dict[str, Any] | None:
    """What is agreed on lines with a budget and not earned; None where no line has one.

    Scheduled is what is booked on a line after as-of, at its price, and what milestones with a date are to bring.
    """
    terms, exponent = position.terms, position.exponent
    lines = [line for line in terms.lines.values() if _budget(line) > 0] if terms is not None else []
    if terms is None or position.as_of is None or not lines:
        return None
    scheduled = unscheduled = 0
    for line in lines:
        name = line.line_id
        ahead = _whole(position.schedule.after(name, Measure.AMOUNT, position.as_of), exponent)
        stones = [one for one in basis.stones if one.due and (one.line_id or terms.only_line) == name]
        ahead += sum(one.amount for one in stones if one.reached > position.as_of)
        left = earned.backlog(_budget(line), basis.revenue.get(name, 0), ahead)
        scheduled, unscheduled = scheduled + left.scheduled, unscheduled + left.unscheduled
    return {
        "amount": show(scheduled + unscheduled, exponent),
        "scheduled_amount": show(scheduled, exponent),
        "unscheduled_amount": show(unscheduled, exponent),
    }
