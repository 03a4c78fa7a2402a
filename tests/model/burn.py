"""Burn of a contract or one of its lines: design.md section 5, "Burn", "Burn rate", "Exhaustion"."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from .dossier import Dossier, Planned, WorkingDays
from .numbers import exponent, fixed, half_away, shortest
from .pricing import Entry

THRESHOLDS = (50, 75, 90, 100)
_WINDOW_DAYS = 28
_WINDOW_WEEKS = 4
_WINDOW_WORKING_DAYS = 20
_FARTHEST_DAYS = 36_499

_MEASURES: dict[str, Callable[[Entry], Fraction]] = {
    "minutes": lambda entry: Fraction(entry.billable_minutes),
    "amount": lambda entry: entry.amount or Fraction(0),
}


def burn_row(dossier: Dossier, line_id: str | None, working_days: WorkingDays) -> dict[str, Any]:
    """The payload of `burn.updated` for the line, or for the whole contract (`line_id` None)."""
    places = exponent(dossier.currency)
    mine = [entry for entry in dossier.entries if line_id is None or entry.line_id == line_id]
    approved = [entry for entry in mine if entry.approved]
    submitted = [entry for entry in mine if entry.submitted]
    billable = [entry for entry in approved if entry.billable]
    spent = [expense.amount for expense in dossier.expenses if line_id is None or expense.line_id == line_id]
    gauges = {dimension: Gauge(dossier, line_id, dimension, billable) for dimension in _MEASURES}
    return {
        "contract_id": dossier.contract_id,
        "line_id": line_id,
        "status": dossier.status,
        "currency": dossier.currency,
        "contract_version": dossier.terms.version if dossier.terms else None,
        "as_of": dossier.as_of.isoformat(),
        "approved": {
            "billable_minutes": sum(entry.billable_minutes for entry in billable),
            "nonbillable_minutes": sum(entry.worked for entry in approved if not entry.billable),
            "amount": fixed(_total("amount", billable), places),
            "cost": fixed(sum((entry.cost for entry in approved), Fraction(0)), places),
        },
        "pending": {
            "minutes": sum(entry.worked for entry in submitted),
            "amount": fixed(_total("amount", [entry for entry in submitted if entry.billable]), places),
        },
        "unpriced_minutes": sum(entry.billable_minutes for entry in billable if entry.amount is None),
        "expenses": fixed(sum(spent, Fraction(0)), places),
        "committed": fixed(dossier.committed(line_id), places),
        "budget": {name: _shown(name, gauge.budget, places) for name, gauge in gauges.items()},
        "remaining": {name: _shown(name, gauge.remaining, places) for name, gauge in gauges.items()},
        "ratio": {name: gauge.ratio() for name, gauge in gauges.items()},
        "thresholds": {name: gauge.thresholds() for name, gauge in gauges.items()},
        "per_week": {
            "minutes": shortest(gauges["minutes"].window / _WINDOW_WEEKS, 2),
            "amount": fixed(gauges["amount"].window / _WINDOW_WEEKS, places),
        },
        "exhaustion": {
            "minutes_on": _iso(gauges["minutes"].exhausted_on()),
            "amount_on": _iso(gauges["amount"].exhausted_on()),
            "planned_on": _iso(planned_on(dossier, line_id)),
            "working_on": _iso(_earliest(gauge.exhausted_working_on(working_days) for gauge in gauges.values())),
        },
        "by_period": _grouped(billable, lambda entry: entry.day.isoformat()[:7], places),
        "by_role": _grouped(billable, lambda entry: entry.role, places),
    }


_PLANNED: dict[str, Callable[[Planned], Fraction]] = {
    "minutes": lambda one: one.minutes,
    "amount": lambda one: one.amount or Fraction(0),
}


def booked_ahead(dossier: Dossier, line_id: str | None) -> list[Planned]:
    """What is booked hard, and burns the budget, on days after as-of, in order of days."""
    ahead = [one for one in dossier.planned if one.day > dossier.as_of and one.kind == "hard" and one.charged]
    return sorted((one for one in ahead if line_id is None or one.line_id == line_id), key=lambda one: one.day)


def planned_on(dossier: Dossier, line_id: str | None) -> date | None:
    """The day on which the work that is booked will have used the first budget up; null if it will not."""
    billable = [
        entry
        for entry in dossier.entries
        if entry.approved and entry.billable and (line_id is None or entry.line_id == line_id)
    ]
    gauges = [Gauge(dossier, line_id, dimension, billable) for dimension in _MEASURES]
    return _earliest(gauge.planned_on(booked_ahead(dossier, line_id)) for gauge in gauges)


class Gauge:
    """Approved billable use of one dimension against its budget. Minutes and money follow the same rules."""

    def __init__(self, dossier: Dossier, line_id: str | None, dimension: str, billable: Sequence[Entry]) -> None:
        self.as_of = dossier.as_of
        self.budget = dossier.terms.budget(line_id, dimension) if dossier.terms else None
        self.used = _total(dimension, billable)
        first = self.as_of - timedelta(days=_WINDOW_DAYS - 1)
        self.window = _total(dimension, [entry for entry in billable if first <= entry.day])
        self._dimension, self._billable = dimension, billable

    @property
    def remaining(self) -> Fraction | None:
        return None if self.budget is None else self.budget - self.used

    @property
    def measurable(self) -> bool:
        """A budget of 0 or less, or none, has no ratio, no thresholds and no end."""
        return self.budget is not None and self.budget > 0

    def share(self) -> Fraction | None:
        """Used ÷ budget, exact."""
        return self.used / self.budget if self.budget is not None and self.budget > 0 else None

    def ratio(self) -> str | None:
        share = self.share()
        return None if share is None else fixed(share, 4)

    def thresholds(self) -> list[int]:
        share = self.share()
        return [] if share is None else [mark for mark in THRESHOLDS if share * 100 >= mark]

    def exhausted_on(self) -> date | None:
        """The day the budget was reached, or will be in calendar days at the pace of the window."""
        return self._end(_WINDOW_DAYS, lambda days: self.as_of + timedelta(days=days))

    def exhausted_working_on(self, working_days: WorkingDays) -> date | None:
        """The same in working days, of which the window counts twenty."""
        return self._end(_WINDOW_WORKING_DAYS, working_days.nth)

    def _end(self, window_days: int, after: Callable[[int], date]) -> date | None:
        if not self.measurable or self.remaining is None:
            return None
        if self.remaining <= 0:
            return self._reached_on()
        if self.window <= 0:
            return None
        days = math.ceil(self.remaining / (self.window / window_days))
        return after(days) if days <= _FARTHEST_DAYS else None

    def planned_on(self, ahead: Sequence[Planned]) -> date | None:
        """The day the budget was reached, or will be by what is booked."""
        if not self.measurable or self.remaining is None:
            return None
        if self.remaining <= 0:
            return self._reached_on()
        left = self.remaining
        for one in ahead:
            left -= _PLANNED[self._dimension](one)
            if left <= 0:
                return one.day if (one.day - self.as_of).days <= _FARTHEST_DAYS else None
        return None

    def _reached_on(self) -> date:
        """The first work date at whose end the running total had reached the budget."""
        assert self.budget is not None
        for day in sorted({entry.day for entry in self._billable}):
            if _total(self._dimension, [entry for entry in self._billable if entry.day <= day]) >= self.budget:
                return day
        raise AssertionError(f"{self._dimension}: used {self.used} of {self.budget}, yet no day reached it")


def contract_shares(dossier: Dossier) -> list[Fraction]:
    """Used ÷ budget of the whole contract, for each dimension that has a budget above 0."""
    billable = [entry for entry in dossier.entries if entry.approved and entry.billable]
    shares = [Gauge(dossier, None, dimension, billable).share() for dimension in _MEASURES]
    return [share for share in shares if share is not None]


def _total(dimension: str, entries: Iterable[Entry]) -> Fraction:
    return sum((_MEASURES[dimension](entry) for entry in entries), Fraction(0))


def _shown(dimension: str, value: Fraction | None, places: int) -> int | str | None:
    if value is None:
        return None
    return int(half_away(value, 0)) if dimension == "minutes" else fixed(value, places)


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _earliest(days: Iterable[date | None]) -> date | None:
    return min((day for day in days if day is not None), default=None)


def _grouped(entries: Sequence[Entry], key: Callable[[Entry], str], places: int) -> dict[str, dict[str, Any]]:
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(key(entry), []).append(entry)
    return {
        name: {
            "minutes": sum(entry.billable_minutes for entry in group),
            "amount": fixed(_total("amount", group), places),
        }
        for name, group in sorted(groups.items())
    }
