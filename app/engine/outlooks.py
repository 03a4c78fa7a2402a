"""Figures of a contract's forecast: which other figures and events make each (see `workings`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

import msgspec

from app.domain import calendar, futures
from app.domain.booked import Course, Measure, Piece, Schedule, Soft
from app.domain.futures import Question, Week
from app.domain.money import MICRO, decimal, micro, portion
from app.domain.terms import Line, Terms
from app.engine.items import Item
from app.engine.workings import DIMENSIONS, USED, Exact, On, Working, left_of, over, stretches

# -- the day a budget ends --------------------------------------------------------------------------------------------


def _first(*names: str) -> Callable[[On], Exact]:
    """The earliest of days of burn; of a contract that is closed or cancelled only of those that have come."""

    def work(on: On) -> Exact:
        position, terms = on.asked.position, on.asked.position.terms
        days = [day for name in names if (day := on.ask(f"exhaustion.{name}")) is not None]
        if terms is not None and terms.status_on(position.day) in ("closed", "cancelled"):
            days = [day for day in days if day <= position.day]
        return min(days, default=None)

    return work


def _ahead(measure: Measure, formula: str) -> Working:
    """What is booked after as-of, exactly."""

    def work(on: On) -> Exact:
        return sum((one.amount for one in on.use(item for item, _ in stretches(on, measure))), Fraction(0))

    return Working("money" if measure is Measure.AMOUNT else "hundredths", formula, work, True)


# -- earned value -----------------------------------------------------------------------------------------------------


def _lines(on: On) -> list[str]:
    """Lines with a budget, a plan or a fee above 0."""
    terms = on.asked.position.terms
    return [name for name in (terms.lines if terms is not None else ()) if on.ask(_AGREED, name) > 0]


_AGREED: Final = "earned_value.budget_amount"
_EARNED: Final = "earned_value.earned_amount"
_ACTUAL: Final = "earned_value.actual_amount"
_PLANNED: Final = "earned_value.planned_amount"


def _agreed(on: On) -> Exact:
    """What a line is worth when it is done: its budget, else what its plan comes to, else its fee."""
    terms = on.asked.position.terms
    if on.line_id is None:
        lines = _lines(on)
        return sum(on.ask(_AGREED, name) for name in lines) if _measured(on, lines) else None
    line = terms.lines.get(on.line_id) if terms is not None else None
    if line is None:
        return 0
    if line.budget.amount is not None:
        return on.ask("budget.amount")
    if line.plan:
        return sum(int(one.amount) for one in on.use(_plan(on, line)))
    return sum(int(one.amount) for one in on.use(_fee(on, line)))


def _plan(on: On, line: Line) -> Iterator[Item]:
    message = _last_said(on, line.line_id, "plan")
    for step, (day, _, amount) in enumerate(line.plan, 1):
        yield Item(f"plan/{line.line_id}/{step}", amount or 0, "planned", line.line_id, day, message)


def _fee(on: On, line: Line) -> Iterator[Item]:
    if line.fee is not None:
        yield Item(f"fee/{line.line_id}", line.fee, "agreed", line.line_id, None, _last_said(on, line.line_id, "fee"))


def _last_said(on: On, line_id: str, field: str) -> Any:
    """The last message in force that says a field of a line."""
    found = None
    for message, _ in on.asked.contract.agreement.history(on.asked.position.day):
        lines = msgspec.json.decode(message.data).get("lines") or ()
        if any(line["line_id"] == line_id and field in line for line in lines):
            found = message
    return found


def _measured(on: On, lines: Sequence[str]) -> bool:
    """Whether something says of every line with a budget how much of it is done, and there is such a line."""
    return bool(lines) and all(on.ask(_EARNED, name) is not None for name in lines)


def _earned(on: On) -> Exact:
    position, terms = on.asked.position, on.asked.position.terms
    if on.line_id is None:
        lines = _lines(on)
        return sum(on.ask(_EARNED, name) for name in lines) if _measured(on, lines) else None
    if terms is None or on.line_id not in terms.lines:
        return None
    budget = on.ask(_AGREED)
    stones = list(_stones(on, terms))
    if stones:
        done = sum(int(one.amount * MICRO) for one in on.use(item for item, _ in stones))
        return portion(budget, done, sum(whole for _, whole in stones) * MICRO, terms.exponent)
    if terms.lines[on.line_id].billing_method != "percent_complete":
        return None
    on.formula = "budget × min(cost to date ÷ estimated cost, 1), rounded once"
    estimate = on.use(_estimate(on, terms, position.day))
    if not estimate or estimate[0].amount <= 0:
        return None
    whole = int(estimate[0].amount)
    return portion(budget, max(0, min(on.ask("approved.cost"), whole)), whole, terms.exponent)


def _stones(on: On, terms: Terms) -> Iterator[tuple[Item, int]]:
    """What is done of each milestone of a line, exactly, and its amount."""
    for name, message, stone in on.asked.contract.stones():
        if (stone.line_id or terms.only_line) == on.line_id and stone.amount > 0:
            share = Fraction(stone.share(on.asked.position.day), MICRO)
            whole = on.asked.exactly(stone.amount)
            said = f"{whole} × {decimal(int(share * MICRO))}"
            more = {"of_amount": whole}
            yield Item(f"milestone/{name}", stone.amount * share, said, on.line_id, None, message, more), stone.amount


def _estimate(on: On, terms: Terms, day: int) -> Iterator[Item]:
    """The estimate in force of a line: the latest, then of the highest revision, then the greatest id."""
    found = []
    for key, message, said in on.asked.contract.papers_of("estimate"):
        begins = calendar.number(said["effective_from"])
        if (said.get("line_id") or terms.only_line) == on.line_id and begins <= day:
            item = Item(key, micro(said["cost"]), "estimated cost of the line", on.line_id, begins, message)
            found.append(((begins, message.revision, said["estimate_id"]), item))
    yield from [max(found, key=lambda one: one[0])[1]] if found else ()


def _planned_value(on: On) -> Exact:
    terms, day = on.asked.position.terms, on.asked.position.day
    lines = [terms.lines[name] for name in _lines(on)] if terms is not None else []
    steps = [step for line in lines for step in _plan(on, line)]
    if not steps or on.ask(_EARNED) is None:
        return None
    return sum(int(one.amount) for one in on.use(one for one in steps if one.day is not None and one.day <= day))


def _actual(on: On) -> Exact:
    return on.ask("approved.amount") + on.ask("subcontracted") if on.ask(_EARNED) is not None else None


def _less(one: str, *others: str) -> Callable[[On], Exact]:
    """A figure less others; None where one of them is."""

    def work(on: On) -> Exact:
        first, *rest = [on.ask(name) for name in (one, *others)]
        return None if first is None or None in rest else first - sum(rest)

    return work


def _plus(*names: str) -> Callable[[On], Exact]:
    def work(on: On) -> Exact:
        parts = [on.ask(name) for name in names]
        return None if None in parts else sum(parts)

    return work


def _same(name: str) -> Callable[[On], Exact]:
    return lambda on: on.ask(name)


def _index(part: str, whole: str) -> Callable[[On], Exact]:
    return lambda on: over(on.ask(part), on.ask(whole))


def _to_complete_index(on: On) -> Exact:
    budget, earned, actual = on.ask(_AGREED), on.ask(_EARNED), on.ask(_ACTUAL)
    return None if earned is None else over(budget - earned, budget - actual)


def _margin(on: On) -> Exact:
    revenue, cost = on.ask("margin.revenue_amount"), on.ask("margin.cost_amount")
    return over(revenue - cost, revenue)


# -- estimates --------------------------------------------------------------------------------------------------------

_VARIANTS: Final = (
    "variant: `actual` once the contract is closed or cancelled; `booked` where people are booked hard after as-of;",
    "`performance` where at least 20 % of the budget is earned for an actual above 0; else `plan`",
    "no amount where it would be of two currencies (CURRENCY_CHANGED)",
)


def _completion(dimension: str) -> Callable[[On], Exact]:
    def work(on: On) -> Exact:
        variant = on.asked.forecast["estimate_at_completion"]["variant"]
        if variant is None:
            reason = on.asked.forecast["basis"]["reason"]
            on.formula = f"none: {reason}"
            return None
        on.formula = f"{variant}: {_FORMULAS[variant][dimension]}"
        if dimension == "amount" and variant in ("actual", "booked") and _mixed(on):
            return None
        return _BY_VARIANT[variant, dimension](on)

    return work


def _mixed(on: On) -> bool:
    """Whether an amount would be of two currencies: of work so far, or of what is booked."""
    so_far = any(flaw.code == "CURRENCY_CHANGED" for flaw in on.asked.found.papers.flaws)
    return so_far or (on.asked.forecast["estimate_at_completion"]["variant"] == "booked" and on.ask(_FOREIGN) > 0)


_FOREIGN: Final = "basis.foreign_minutes"
_FORMULAS: Final = {
    "actual": {
        "minutes": "approved.billable_minutes",
        "amount": "approved.amount + subcontracted + committed",
    },
    "booked": {
        "minutes": "approved.billable_minutes + basis.booked_minutes",
        "amount": "approved.amount + subcontracted + basis.booked_amount + committed",
    },
    "performance": {
        "minutes": "approved.billable_minutes × earned_value.budget_amount ÷ earned_value.earned_amount",
        "amount": "earned_value.budget_amount × earned_value.actual_amount ÷ earned_value.earned_amount, rounded once",
    },
    "plan": {
        "minutes": "approved.billable_minutes + budget.minutes ×"
        " (earned_value.budget_amount − earned_value.earned_amount) ÷ earned_value.budget_amount",
        "amount": "earned_value.actual_amount + earned_value.budget_amount − earned_value.earned_amount",
    },
}


def _by_booking(on: On) -> Exact:
    """Booked amounts are added up exactly and rounded once."""
    ahead = on.ask("basis.booked_amount")
    whole = portion(ahead.numerator, 1, ahead.denominator, on.asked.position.exponent)
    return on.ask("approved.amount") + on.ask("subcontracted") + whole + on.ask("committed")


def _minutes_by_plan(on: On) -> Exact:
    budget, agreed, earned = on.ask("budget.minutes"), on.ask(_AGREED), on.ask(_EARNED)
    used = on.ask("approved.billable_minutes")
    return None if budget is None else used + Fraction(budget * (agreed - earned), agreed)


_BY_VARIANT: Final[Mapping[tuple[str, str], Callable[[On], Exact]]] = {
    ("actual", "minutes"): _same("approved.billable_minutes"),
    ("actual", "amount"): _plus("approved.amount", "subcontracted", "committed"),
    ("booked", "minutes"): _plus("approved.billable_minutes", "basis.booked_minutes"),
    ("booked", "amount"): _by_booking,
    ("performance", "minutes"): lambda on: Fraction(
        on.ask("approved.billable_minutes") * on.ask(_AGREED), on.ask(_EARNED)
    ),
    ("performance", "amount"): lambda on: portion(
        on.ask(_AGREED), on.ask(_ACTUAL), on.ask(_EARNED), on.asked.position.exponent
    ),
    ("plan", "minutes"): _minutes_by_plan,
    ("plan", "amount"): lambda on: on.ask(_ACTUAL) + on.ask(_AGREED) - on.ask(_EARNED),
}


# -- backlog ----------------------------------------------------------------------------------------------------------


_LEFT: Final = "backlog.amount"
_SCHEDULED: Final = "backlog.scheduled_amount"
_UNSCHEDULED: Final = "backlog.unscheduled_amount"


def _backlog(name: str) -> Callable[[On], Exact]:
    """Of a line what is agreed and not earned, and what of it somebody or a day is set for; of a contract, of all."""

    def work(on: On) -> Exact:
        if on.line_id is None:
            lines = _lines(on) if on.asked.position.as_of is not None else []
            return sum(on.ask(name, line) for line in lines) if lines else None
        left = max(on.ask(_AGREED) - on.ask("margin.revenue_amount"), 0)
        if name == _LEFT:
            return left
        if name == _UNSCHEDULED:
            return left - on.ask(_SCHEDULED)
        ahead = on.ask("basis.booked_amount")
        booked = portion(ahead.numerator, 1, ahead.denominator, on.asked.position.exponent)
        dated = sum(int(one.amount) for one in on.use(_dated(on)))
        return min(max(booked + dated, 0), left)

    return work


def _dated(on: On) -> Iterator[Item]:
    """Milestones of a line with a day on them that are still to come."""
    position, terms = on.asked.position, on.asked.position.terms
    for name, message, stone in on.asked.contract.stones():
        mine = terms is not None and (stone.line_id or terms.only_line) == on.line_id
        if mine and stone.due and stone.reached > position.day:
            yield Item(f"milestone/{name}", stone.amount, "dated, and to come", on.line_id, None, message)


# -- by chance --------------------------------------------------------------------------------------------------------


def _chance(place: int) -> Callable[[On], Exact]:
    """Draw the futures once more, from what remains, the weeks behind and what is booked, all of them items."""

    def work(on: On) -> Exact:
        position, terms = on.asked.position, on.asked.position.terms
        as_of = position.as_of
        left = [left_of(on, dimension) for dimension in DIMENSIONS]
        its = [one for one in left if one is not None]
        over = [one.reached for one in its if one.amount <= 0]
        if over:
            return min((day for day in over if day is not None), default=None)
        if not its or as_of is None or terms is None or terms.status_on(as_of) in ("closed", "cancelled"):
            return None
        question = Question(
            position.contract_id,
            as_of,
            (left[0].amount if left[0] else None, left[1].amount if left[1] else None),
            tuple(_weeks(on, as_of)),
            _schedule(on),
        )
        found = futures.ask(question)
        return None if found is None else found.days[place]

    return work


def _weeks(on: On, as_of: int) -> Iterator[Week]:
    """The weeks before the one as-of is in: what was booked hard in each, in hundredths, and what was used."""
    first = futures.first_day(as_of)
    starts = range(first, calendar.week_start(as_of), 7)
    planned = on.asked.position.schedule.weeks(first, len(starts), 100)
    used = {name: _by_week(on.items(USED[name])) for name in DIMENSIONS}
    for start, plan in zip(starts, planned, strict=True):
        minutes, amount = used["minutes"].get(start, 0), used["amount"].get(start, 0)
        said = f"{decimal(plan * (MICRO // 100))} min booked, {minutes} min and {on.asked.money(amount)} used"
        on.use([Item(f"week/{calendar.text_of(start)}", minutes, said, None, start)])
        yield Week(plan, minutes, amount)


def _by_week(items: Iterable[Item]) -> dict[int, int]:
    found: dict[int, int] = {}
    for one in items:
        assert one.day is not None
        start = calendar.week_start(one.day)
        found[start] = found.get(start, 0) + int(one.amount)
    return found


def _schedule(on: On) -> Schedule:
    """What is booked after as-of, from its items."""
    pieces: dict[tuple[str | None, Measure], list[Piece]] = {}
    for measure in (Measure.MINUTES, Measure.AMOUNT):
        booked = list(stretches(on, measure))
        on.use(item for item, _ in booked)
        if booked:
            pieces[None, measure] = [piece for _, piece in booked]
    alone: dict[tuple[str, str], dict[Measure, list[Piece]]] = {}
    chances: dict[tuple[str, str], int] = {}
    for measure in (Measure.SOFT, Measure.SOFT_AMOUNT):
        for item, piece in stretches(on, measure):
            key = item.id.partition("/")[2], item.more["resource_id"]
            chances[key] = micro(item.more["probability_ratio"])
            alone.setdefault(key, {}).setdefault(measure, []).append(piece)
            on.use([item])
            if measure is Measure.SOFT:
                pieces.setdefault((None, measure), []).append(piece)
    soft = []
    for (name, person), its in alone.items():
        worth = [Course(its[one]) if one in its else None for one in (Measure.SOFT, Measure.SOFT_AMOUNT)]
        soft.append(Soft(name, chances[name, person], *worth))
    return Schedule(pieces, soft)


# -- every figure of a forecast ---------------------------------------------------------------------------------------

_OF_OVER: Final = ("of a contract that is closed or cancelled, only days that have come",)
_DRAWN: Final = ("drawn anew from what remains, the weeks behind and what is booked: docs/forecast.md, By chance",)
_DONE: Final = ("done: all of a milestone that is completed or accepted, before that its progress_ratio",)
_INVOICED: Final = "unbilled.invoiced_amount"
_GIVEN_UP: Final = "unbilled.written_off_amount"
_ALL_EARNED: Final = "unbilled.earned_amount"
_STANDARD: Final = "realization.standard_amount"
_BILLED: Final = "realization.billed_amount"
_REVENUE: Final = "margin.revenue_amount"
_COST: Final = "margin.cost_amount"


def _plain(name: str, *others: str, sign: str = "+") -> Working:
    """Money that is a figure with others added, or taken away; null where one of them is."""
    work = _plus(name, *others) if sign == "+" else _less(name, *others)
    return Working("money", f" {sign} ".join((name, *others)), work)


def _estimates(dimension: str, kind: str, *used: str) -> Mapping[str, Working]:
    whole = f"estimate_at_completion.{dimension}"
    return {
        whole: Working(kind, "", _completion(dimension), rules=_VARIANTS),
        f"estimate_to_complete.{dimension}": Working(kind, " − ".join((whole, *used)), _less(whole, *used)),
    }


def _by_chance(place: int, chance: int) -> Working:
    said = f"the first day by which, in {chance} % of {futures.RUNS} futures, a budget is used up"
    return Working("date", said, _chance(place), rules=_DRAWN)


WORKINGS: Final[Mapping[str, Working]] = {
    "exhaustion.trailing_on": Working(
        "date", "the earlier of exhaustion.minutes_on and .amount_on", _first("minutes_on", "amount_on"), rules=_OF_OVER
    ),
    "exhaustion.earliest_on": Working(
        "date",
        "the earliest of exhaustion.minutes_on, .amount_on and .planned_on",
        _first("minutes_on", "amount_on", "planned_on"),
        rules=_OF_OVER,
    ),
    **{f"exhaustion.p{chance}_on": _by_chance(place, chance) for place, chance in enumerate(futures.CHANCES)},
    **_estimates("minutes", "hundredths", "approved.billable_minutes"),
    **_estimates("amount", "money", "approved.amount", "subcontracted"),
    _AGREED: Working("money", "Σ budget, else plan, else fee, of the lines that have one", _agreed, True),
    _EARNED: Working(
        "money",
        "of each line: budget × what is done of its milestones ÷ their amounts, rounded once; Σ of lines",
        _earned,
        True,
        _DONE,
    ),
    _PLANNED: Working("money", "Σ steps of the lines' plans up to as-of", _planned_value),
    _ACTUAL: Working("money", "approved.amount + subcontracted", _actual),
    "earned_value.cost_variance": _plain(_EARNED, _ACTUAL, sign="−"),
    "earned_value.schedule_variance": _plain(_EARNED, _PLANNED, sign="−"),
    "earned_value.cost_index": Working("ratio", f"{_EARNED} ÷ {_ACTUAL}", _index(_EARNED, _ACTUAL)),
    "earned_value.schedule_index": Working("ratio", f"{_EARNED} ÷ {_PLANNED}", _index(_EARNED, _PLANNED)),
    "earned_value.to_complete_index": Working(
        "ratio", f"({_AGREED} − {_EARNED}) ÷ ({_AGREED} − {_ACTUAL})", _to_complete_index
    ),
    _COST: _plain("approved.cost", "subcontracted"),
    "margin.ratio": Working("ratio", f"({_REVENUE} − {_COST}) ÷ {_REVENUE}", _margin),
    _ALL_EARNED: _plain(_REVENUE, "billable_expenses"),
    _INVOICED: _plain("invoiced_amount"),
    _GIVEN_UP: _plain("written_off_amount"),
    "unbilled.amount": _plain(_ALL_EARNED, _INVOICED, _GIVEN_UP, sign="−"),
    _STANDARD: _plain("approved.amount"),
    _BILLED: _plain(_STANDARD, _GIVEN_UP, sign="−"),
    "realization.ratio": Working("ratio", f"{_BILLED} ÷ {_STANDARD}", _index(_BILLED, _STANDARD)),
    _LEFT: Working("money", "of each line with a budget: max(budget − earned, 0); Σ of lines", _backlog(_LEFT), True),
    _SCHEDULED: Working(
        "money",
        "of each line: what is booked, rounded once, + milestones that have a day, up to what is left; Σ of lines",
        _backlog(_SCHEDULED),
        True,
    ),
    _UNSCHEDULED: Working("money", f"of each line: {_LEFT} − {_SCHEDULED}; Σ of lines", _backlog(_UNSCHEDULED), True),
    "basis.booked_minutes": _ahead(Measure.MINUTES, "Σ minutes booked hard after as-of"),
    "basis.booked_amount": _ahead(Measure.AMOUNT, "Σ what they are worth at the rate of their day, rounded once"),
    "basis.unpriced_minutes": _ahead(Measure.UNPRICED, "Σ minutes booked hard after as-of that have no rate"),
    _FOREIGN: _ahead(Measure.FOREIGN, "Σ minutes booked hard on days for which another currency is agreed"),
    "basis.soft_minutes": _ahead(Measure.SOFT, "Σ minutes booked softly after as-of"),
    "basis.soft_weighted_minutes": _ahead(Measure.SOFT_WEIGHTED, "Σ minutes booked softly after as-of × probability"),
    "basis.committed": _plain("committed"),
}
"""By the names in a contract's forecast."""
