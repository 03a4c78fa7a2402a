"""Working a figure out from what its explanation says, and from nothing else: as a reader with a calendar would."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from fractions import Fraction
from itertools import accumulate
from typing import Any

from tests.model.numbers import exponent, fixed, half_away, shortest

Row = dict[str, Any]
Exact = Any
_DAY = timedelta(days=1)
_FARTHEST = 36_499
_USED = {"minutes": "approved.billable_minutes", "amount": "approved.amount"}


def reworked(answer: Row) -> Any:
    """The figure of an answer, as the answer shows it."""
    return Reworking(answer).shown(answer)


class Reworking:
    """An answer and its parts; each figure is worked out from its own steps and the figures that those name."""

    def __init__(self, answer: Row) -> None:
        self._said = {(one["figure"], one["line_id"]): one for one in [*answer["parts"], answer]}
        self._places = 2
        for one in self._said.values():
            if one["unit"] is not None and one["unit"].isupper():
                self._places = exponent(one["unit"])
        self._as_of = date.fromisoformat(answer["as_of"])

    def shown(self, one: Row) -> Any:
        exact = self.exact(one["figure"], one["line_id"])
        if exact is None or isinstance(exact, list):
            return exact
        if isinstance(exact, date):
            return exact.isoformat()
        if one["unit"] == "ratio":
            return fixed(exact, 4)
        if one["unit"] in ("minutes", "entries"):
            return int(exact) if isinstance(one["value"], int) else shortest(exact, 2)
        return fixed(exact, self._places)

    def exact(self, figure: str, line_id: str | None) -> Exact:
        one = self._said[figure, line_id]
        group, _, name = figure.partition(".")
        work = _WORKS.get(figure) or _WORKS.get(group)
        return self._sum(one) if work is None else work(self, one, name)

    def ask(self, one: Row, figure: str) -> Exact:
        """A figure that a step names, of the same line."""
        assert any(step["entry_id"] == figure for step in references(one)), f"{one['figure']} does not name {figure}"
        return self.exact(figure, one["line_id"])

    def of_lines(self, one: Row) -> list[Exact]:
        """The figure itself, of each line that a step names."""
        its = [step for step in references(one) if step["entry_id"] == one["figure"]]
        return [self.exact(one["figure"], step["line_id"]) for step in its]

    def _sum(self, one: Row) -> Fraction:
        return sum((given(step) for step in own(one)), Fraction(0))

    def group(self, one: Row, _: str) -> Exact:
        return self._sum(one) if own(one) else None

    # -- budget and use --

    def budget(self, one: Row, _: str) -> Exact:
        """None where the last that is said of every line is that it has none."""
        last = {step["line_id"]: step["arithmetic"].partition(" → ")[2].partition(" by ")[0] for step in own(one)}
        return self._sum(one) if any(said != "none" for said in last.values()) else None

    def remaining(self, one: Row, dimension: str) -> Exact:
        budget, used = self.ask(one, f"budget.{dimension}"), self.ask(one, _USED[dimension])
        return None if budget is None else budget - used

    def ratio(self, one: Row, dimension: str) -> Exact:
        return over(self.ask(one, _USED[dimension]), self.ask(one, f"budget.{dimension}"))

    def thresholds(self, one: Row, dimension: str) -> Exact:
        share = self.ratio(one, dimension)
        reached = [] if share is None else [mark for mark in (50, 75, 90, 100) if share * 100 >= mark]
        assert [step["entry_id"] for step in own(one)] == [f"{mark} %" for mark in reached]
        return reached

    def per_week(self, one: Row, dimension: str) -> Exact:
        week = self.ask(one, f"window.{dimension}") / 4
        return week if dimension == "minutes" else half_away(week, self._places)

    def window(self, one: Row, _: str) -> Exact:
        days = [date.fromisoformat(step["work_date"]) for step in own(one)]
        assert all(self._as_of - 27 * _DAY <= day <= self._as_of for day in days)
        return self._sum(one)

    # -- the day a budget ends --

    def left(self, one: Row, dimension: str) -> tuple[Fraction, date | None] | None:
        """What remains, and the day on which nothing did any more."""
        budget, used = self.ask(one, f"budget.{dimension}"), self.ask(one, _USED[dimension])
        if budget is None or budget <= 0:
            return None
        steps = sorted(own(self._said[_USED[dimension], one["line_id"]]), key=lambda step: str(step["work_date"]))
        days = sorted({step["work_date"] for step in steps})
        totals = accumulate(sum(given(step) for step in steps if step["work_date"] == day) for day in days)
        reached = [day for day, total in zip(days, totals, strict=True) if total >= budget]
        return budget - used, date.fromisoformat(reached[0]) if used >= budget else None

    def runs_out(self, one: Row, name: str) -> Exact:
        dimension = name.removesuffix("_on")
        left = self.left(one, dimension)
        if left is None or left[0] <= 0:
            return left and left[1]
        window = self.ask(one, f"window.{dimension}")
        days = math.ceil(left[0] * 28 / window) if window > 0 else _FARTHEST + 1
        return self._as_of + days * _DAY if days <= _FARTHEST else None

    def working_on(self, one: Row, _: str) -> Exact:
        off = {date.fromisoformat(step["work_date"]) for step in own(one)}
        found = []
        for dimension in _USED:
            left = self.left(one, dimension)
            if left is None or left[0] <= 0:
                found.append(left and left[1])
                continue
            window = self.ask(one, f"window.{dimension}")
            count = math.ceil(left[0] * 20 / window) if window > 0 else _FARTHEST + 1
            day = self._as_of
            while count <= _FARTHEST and count:
                day += _DAY
                count -= day.isoweekday() <= 5 and day not in off
            found.append(None if count else day)
        return first(found)

    def planned_on(self, one: Row, _: str) -> Exact:
        found = []
        for dimension in _USED:
            left = self.left(one, dimension)
            if left is None or left[0] <= 0:
                found.append(left and left[1])
                continue
            by_day: dict[date, Fraction] = {}
            for step in own(one):
                if step["measure"] == dimension:
                    for day in booked_days(step):
                        by_day[day] = by_day.get(day, Fraction(0)) + Fraction(step["each"])
            days = sorted(by_day)
            totals = accumulate(by_day[day] for day in days)
            reached = [day for day, total in zip(days, totals, strict=True) if total >= left[0]]
            found.append(next((day for day in reached if (day - self._as_of).days <= _FARTHEST), None))
        return first(found)

    def earliest(self, one: Row, _: str) -> Exact:
        """Whether days that are still to come count is said by the value itself: only the status tells."""
        days = [self.exact(step["entry_id"], step["line_id"]) for step in references(one)]
        return first(days) if one["value"] is not None else first(d for d in days if d is not None and d <= self._as_of)

    # -- estimates --

    def completion(self, one: Row, dimension: str) -> Exact:
        variant = one["formula"].partition(":")[0]
        if variant == "none" or (dimension == "amount" and one["value"] is None):
            return None
        used = self.ask(one, "approved.billable_minutes") if dimension == "minutes" else None
        if variant == "actual":
            return used if used is not None else self._spent(one) + self.ask(one, "committed")
        if variant == "booked":
            booked = self.ask(one, f"basis.booked_{dimension}")
            if used is not None:
                return used + booked
            return self._spent(one) + half_away(booked, self._places) + self.ask(one, "committed")
        agreed, earned = self.ask(one, "earned_value.budget_amount"), self.ask(one, "earned_value.earned_amount")
        if variant == "performance":
            if used is not None:
                return used * agreed / earned
            return half_away(self.ask(one, "earned_value.actual_amount") * agreed / earned, self._places)
        if used is None:
            return self.ask(one, "earned_value.actual_amount") + agreed - earned
        budget = self.ask(one, "budget.minutes")
        return None if budget is None else used + budget * (1 - earned / agreed)

    def _spent(self, one: Row) -> Fraction:
        spent: Fraction = self.ask(one, "approved.amount") + self.ask(one, "subcontracted")
        return spent

    # -- earned value, backlog --

    def agreed(self, one: Row, _: str) -> Exact:
        if one["line_id"] is not None:
            budgets = [self.exact(step["entry_id"], one["line_id"]) for step in references(one)]
            return budgets[0] if budgets else self._sum(one)
        return sum(agreed for agreed in self.of_lines(one) if agreed > 0) if self._measured(one) else None

    def _measured(self, one: Row) -> bool:
        shares = [
            self.exact("earned_value.earned_amount", step["line_id"])
            for step in references(one)
            if step["entry_id"] == "earned_value.earned_amount"
        ]
        return bool(shares) and None not in shares

    def earned(self, one: Row, _: str) -> Exact:
        if one["line_id"] is None:
            return sum(self.of_lines(one)) if self._measured(one) else None
        if not one["steps"]:
            return None  # a line that the terms of the day do not have
        agreed = self.ask(one, "earned_value.budget_amount")
        stones = [step for step in own(one) if "of_amount" in step]
        if stones:
            # What is done of a milestone is shown rounded; what it is done of, and the share, are exact.
            done = sum(Fraction(step["of_amount"]) * Fraction(step["arithmetic"].split(" × ")[1]) for step in stones)
            return half_away(agreed * done / sum(Fraction(step["of_amount"]) for step in stones), self._places)
        if not own(one) or given(own(one)[0]) <= 0:
            return None
        whole = given(own(one)[0])
        return half_away(
            agreed * max(Fraction(0), min(self.ask(one, "approved.cost") / whole, Fraction(1))), self._places
        )

    def planned_value(self, one: Row, _: str) -> Exact:
        return None if one["value"] is None else self._sum(one)

    def backlog(self, one: Row, name: str) -> Exact:
        if one["line_id"] is None:
            its = self.of_lines(one)
            return sum(its) if its else None
        agreed, earned = self.ask(one, "earned_value.budget_amount"), self.ask(one, "margin.revenue_amount")
        left = max(agreed - earned, Fraction(0))
        if name == "amount":
            return left
        if name == "unscheduled_amount":
            return left - self.ask(one, "backlog.scheduled_amount")
        booked = half_away(self.ask(one, "basis.booked_amount"), self._places)
        return min(max(booked + self._sum(one), Fraction(0)), left)

    def basis(self, one: Row, _: str) -> Exact:
        return sum((Fraction(step["each"]) * len(list(booked_days(step))) for step in own(one)), Fraction(0))

    def linear(self, one: Row, _: str) -> Exact:
        """A figure whose formula is others with + and − between them."""
        total, sign = Fraction(0), 1
        for word in one["formula"].split():
            if word in "+−":
                sign = 1 if word == "+" else -1
                continue
            part = self.ask(one, word)
            if part is None:
                return None
            total += sign * part
        return total

    def quotient(self, one: Row, _: str) -> Exact:
        part, whole = (self.ask(one, name) for name in one["formula"].split(" ÷ "))
        return over(part, whole)

    def to_complete(self, one: Row, _: str) -> Exact:
        if self.ask(one, "earned_value.earned_amount") is None:
            return None
        agreed, earned = self.ask(one, "earned_value.budget_amount"), self.ask(one, "earned_value.earned_amount")
        return over(agreed - earned, agreed - self.ask(one, "earned_value.actual_amount"))

    def actual(self, one: Row, _: str) -> Exact:
        return None if self.ask(one, "earned_value.earned_amount") is None else self._spent(one)

    def margin(self, one: Row, _: str) -> Exact:
        revenue, cost = self.ask(one, "margin.revenue_amount"), self.ask(one, "margin.cost_amount")
        return over(revenue - cost, revenue)


_WORKS: dict[str, Callable[[Reworking, Row, str], Exact]] = {
    "budget": Reworking.budget,
    "remaining": Reworking.remaining,
    "ratio": Reworking.ratio,
    "thresholds": Reworking.thresholds,
    "window": Reworking.window,
    "per_week": Reworking.per_week,
    "by_period": Reworking.group,
    "by_role": Reworking.group,
    "exhaustion.minutes_on": Reworking.runs_out,
    "exhaustion.amount_on": Reworking.runs_out,
    "exhaustion.working_on": Reworking.working_on,
    "exhaustion.planned_on": Reworking.planned_on,
    "exhaustion.trailing_on": Reworking.earliest,
    "exhaustion.earliest_on": Reworking.earliest,
    "estimate_at_completion": Reworking.completion,
    "estimate_to_complete": Reworking.linear,
    "earned_value.budget_amount": Reworking.agreed,
    "earned_value.earned_amount": Reworking.earned,
    "earned_value.planned_amount": Reworking.planned_value,
    "earned_value.actual_amount": Reworking.actual,
    "earned_value.cost_variance": Reworking.linear,
    "earned_value.schedule_variance": Reworking.linear,
    "earned_value.cost_index": Reworking.quotient,
    "earned_value.schedule_index": Reworking.quotient,
    "earned_value.to_complete_index": Reworking.to_complete,
    "margin.cost_amount": Reworking.linear,
    "margin.ratio": Reworking.margin,
    "unbilled": Reworking.linear,
    "realization.standard_amount": Reworking.linear,
    "realization.billed_amount": Reworking.linear,
    "realization.ratio": Reworking.quotient,
    "backlog": Reworking.backlog,
    "basis.committed": Reworking.linear,
    "basis": Reworking.basis,
}


def references(one: Row) -> list[Row]:
    """Steps that name another figure."""
    return [step for step in one["steps"] if "unit" in step]


def own(one: Row) -> list[Row]:
    """Steps that are events, or items of a document."""
    return [step for step in one["steps"] if "unit" not in step]


def given(step: Row) -> Fraction:
    return Fraction(step["amount"])


def booked_days(step: Row) -> Iterator[date]:
    day, last = date.fromisoformat(step["from"]), date.fromisoformat(step["to"])
    while day <= last:
        if day.isoweekday() in step["weekdays"]:
            yield day
        day += _DAY


def first(days: Iterable[date | None]) -> date | None:
    return min((day for day in days if day is not None), default=None)


def over(part: Fraction | None, whole: Fraction | None) -> Fraction | None:
    return Fraction(part) / whole if part is not None and whole is not None and whole > 0 else None
