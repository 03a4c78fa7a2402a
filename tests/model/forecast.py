"""Where a contract will end, what it has earned and what that cost: domain.md R21, R28, R29, R30, R32.

The estimate at completion is what is booked, where anything is; else it goes on as so far; else the rest as budgeted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from .burn import booked_ahead, burn_row
from .contradictions import contradictions
from .dossier import Dossier, Planned, WorkingDays
from .fees import PERCENT_COMPLETE, estimate_in_force
from .futures import futures
from .numbers import exponent, fixed, half_away, number, shortest
from .settlement import settle
from .terms import Terms

_ZERO = Fraction(0)
_STEADY = Fraction(1, 5)
_OVER = {"closed", "cancelled"}


@dataclass(frozen=True)
class Worth:
    """Earned value of a contract: at completion, by plan, as earned. `plan` is None where no line has one."""

    budget: Fraction
    plan: Fraction | None
    earned: Fraction


def forecast_row(dossier: Dossier, working_days: WorkingDays, earned: dict[str | None, Fraction]) -> dict[str, Any]:
    """The payload of `burn.forecast_updated`; `earned` is what each line has earned."""
    places, revenue = exponent(dossier.currency), sum(earned.values(), _ZERO)
    burn = burn_row(dossier, None, working_days)
    ahead = booked_ahead(dossier, None)
    soft = [one for one in dossier.planned if one.day > dossier.as_of and one.kind == "soft" and one.charged]
    billable = [entry for entry in dossier.entries if entry.approved and entry.billable]
    used_minutes = Fraction(sum(entry.billable_minutes for entry in billable))
    used = sum((entry.amount or _ZERO for entry in billable), _ZERO)
    spent = used + dossier.subcontracted()
    worth, unmeasured = _worth(dossier)
    variant, minutes, amount = _completion(dossier, ahead, used_minutes, spent, worth)
    days = {name: _still_to_come(dossier, day) for name, day in burn["exhaustion"].items()}
    trailing, planned = _first(days["minutes_on"], days["amount_on"]), days["planned_on"]
    cost = sum((entry.cost for entry in dossier.entries if entry.approved), _ZERO) + dossier.subcontracted()
    chances, drawn = futures(dossier)

    def money(value: Fraction | None) -> str | None:
        return None if value is None else fixed(value, places)

    def minute(value: Fraction | None) -> str | None:
        return None if value is None else shortest(value, 2)

    return {
        "contract_id": dossier.contract_id,
        "as_of": dossier.as_of.isoformat(),
        "currency": dossier.currency,
        "contract_version": dossier.terms.version if dossier.terms else None,
        "estimate_at_completion": {"minutes": minute(minutes), "amount": money(amount), "variant": variant},
        "estimate_to_complete": {
            "minutes": minute(None if minutes is None else minutes - used_minutes),
            "amount": money(None if amount is None else amount - spent),
            "variant": variant,
        },
        "exhaustion": {
            "trailing_on": trailing,
            "planned_on": planned,
            "earliest_on": _first(trailing, planned),
            **chances,
        },
        "earned_value": None if worth is None else _earned_value(worth, spent, places),
        "margin": {
            "revenue_amount": fixed(revenue, places),
            "cost_amount": fixed(cost, places),
            "ratio": fixed((revenue - cost) / revenue, 4) if revenue > 0 else None,
        },
        "unbilled": _unbilled(dossier, revenue, places),
        "realization": _realization(dossier, used, places),
        "backlog": _backlog(dossier, earned, places),
        "basis": {
            "booked_minutes": shortest(sum((one.minutes for one in ahead), _ZERO), 2),
            "booked_amount": fixed(sum((one.amount or _ZERO for one in ahead), _ZERO), places),
            "unpriced_minutes": shortest(
                sum((one.minutes for one in ahead if one.amount is None and not one.foreign), _ZERO), 2
            ),
            "foreign_minutes": shortest(sum((one.minutes for one in ahead if one.foreign), _ZERO), 2),
            "soft_minutes": shortest(sum((one.minutes for one in soft), _ZERO), 2),
            "soft_weighted_minutes": shortest(sum((one.minutes * one.probability for one in soft), _ZERO), 2),
            "committed": fixed(dossier.committed(), places),
            "unmeasured_lines": unmeasured,
            "futures": drawn,
        },
    }


def _still_to_come(dossier: Dossier, day: str | None) -> str | None:
    """The day a budget ends; once nothing more is to be used of the contract, only a day on which it did."""
    if day is not None and dossier.status in _OVER and day > dossier.as_of.isoformat():
        return None
    return day


def _unbilled(dossier: Dossier, revenue: Fraction, places: int) -> dict[str, Any]:
    """Earned with what expenses are to be billed, less what is invoiced and what was given up."""
    earned = revenue + sum((one.amount for one in dossier.expenses if one.billable), _ZERO)
    written = settle(dossier).written_off
    return {
        "earned_amount": fixed(earned, places),
        "invoiced_amount": fixed(dossier.invoiced_total, places),
        "written_off_amount": fixed(written, places),
        "amount": fixed(earned - dossier.invoiced_total - written, places),
    }


def _realization(dossier: Dossier, used: Fraction, places: int) -> dict[str, Any]:
    """What of the price of approved work was not written off: R26."""
    billed = used - settle(dossier).written_off
    return {
        "standard_amount": fixed(used, places),
        "billed_amount": fixed(billed, places),
        "ratio": fixed(billed / used, 4) if used > 0 else None,
    }


def _backlog(dossier: Dossier, earned: dict[str | None, Fraction], places: int) -> dict[str, Any] | None:
    """Agreed and not earned, by lines that have a budget: R32. People booked and dated milestones schedule it."""
    terms = dossier.terms
    lines = [line_id for line_id in terms.lines if _budget(terms, line_id) > 0] if terms else []
    if terms is None or not lines:
        return None
    whole = dated = _ZERO
    for line_id in lines:
        left = max(_ZERO, _budget(terms, line_id) - earned.get(line_id, _ZERO))
        booked = [one.amount or _ZERO for one in booked_ahead(dossier, line_id)]
        stones = [one for one in dossier.milestones if one.line_id == line_id and one.due and one.status != "cancelled"]
        to_come = [one.amount for one in stones if not one.reached(dossier.as_of)]
        whole += left
        dated += min(left, max(_ZERO, half_away(sum(booked, _ZERO), places) + sum(to_come, _ZERO)))
    return {
        "amount": fixed(whole, places),
        "scheduled_amount": fixed(dated, places),
        "unscheduled_amount": fixed(whole - dated, places),
    }


def _completion(
    dossier: Dossier, ahead: list[Planned], used_minutes: Fraction, spent: Fraction, worth: Worth | None
) -> tuple[str | None, Fraction | None, Fraction | None]:
    """Variant, minutes and amount of the estimate at completion; nothing where there is nothing to go by.

    Two currencies are never added: with another one so far, or for days that are booked, there is no amount.
    """
    if dossier.terms is None:
        return None, None, None
    mixed = any(code == "CURRENCY_CHANGED" for code, *_ in contradictions(dossier))
    if dossier.status in _OVER:
        return "actual", used_minutes, None if mixed else spent + dossier.committed()
    if ahead:
        whole = used_minutes + sum(one.minutes for one in ahead)
        more = sum((one.amount or _ZERO for one in ahead), _ZERO) + dossier.committed()
        return "booked", whole, None if mixed or any(one.foreign for one in ahead) else spent + more
    if worth is None or mixed:
        return None, None, None
    share = worth.earned / worth.budget
    if share >= _STEADY and spent > 0:
        return "performance", used_minutes / share, spent / share
    budget = dossier.terms.budget(None, "minutes")
    minutes = None if budget is None else used_minutes + budget * (1 - share)
    return "plan", minutes, spent + worth.budget - worth.earned


def _earned_value(worth: Worth, spent: Fraction, places: int) -> dict[str, Any]:
    left = worth.budget - spent
    return {
        "budget_amount": fixed(worth.budget, places),
        "planned_amount": None if worth.plan is None else fixed(worth.plan, places),
        "earned_amount": fixed(worth.earned, places),
        "actual_amount": fixed(spent, places),
        "cost_variance": fixed(worth.earned - spent, places),
        "schedule_variance": None if worth.plan is None else fixed(worth.earned - worth.plan, places),
        "cost_index": fixed(worth.earned / spent, 4) if spent > 0 else None,
        "schedule_index": fixed(worth.earned / worth.plan, 4) if worth.plan is not None and worth.plan > 0 else None,
        "to_complete_index": fixed((worth.budget - worth.earned) / left, 4) if left > 0 else None,
    }


def _worth(dossier: Dossier) -> tuple[Worth | None, list[str]]:
    """Earned value, and the lines with a budget of which nothing says how much is done: with one there is none."""
    terms = dossier.terms
    if terms is None:
        return None, []
    budgets = {line_id: budget for line_id in terms.lines if (budget := _budget(terms, line_id)) > 0}
    shares = {line_id: _done(dossier, terms, line_id) for line_id in budgets}
    unmeasured = sorted(line_id for line_id, share in shares.items() if share is None)
    if unmeasured or not budgets:
        return None, unmeasured
    places = exponent(terms.currency)
    earned = [half_away(budgets[line_id] * (shares[line_id] or 0), places) for line_id in budgets]
    steps = [step for line_id in budgets for step in terms.line(line_id).get("plan") or []]
    due = [number(step.get("amount")) for step in steps if date.fromisoformat(step["on"]) <= dossier.as_of]
    return Worth(sum(budgets.values(), _ZERO), sum(due, _ZERO) if steps else None, sum(earned, _ZERO)), []


def _budget(terms: Terms, line_id: str) -> Fraction:
    """What a line is worth when it is done: its budget, else what its plan comes to, else its fee."""
    line = terms.line(line_id)
    budget = terms.budget(line_id, "amount")
    if budget is not None:
        return budget
    if line.get("plan"):
        return sum((number(step.get("amount")) for step in line["plan"]), _ZERO)
    return number(line.get("fee"))


def _done(dossier: Dossier, terms: Terms, line_id: str) -> Fraction | None:
    """How much of a line is done: by its milestones, else by cost where it is billed so; else nobody knows."""
    stones = [
        one for one in dossier.milestones if one.line_id == line_id and one.status != "cancelled" and one.amount > 0
    ]
    if stones:
        done = sum((one.amount * one.done(dossier.as_of) for one in stones), _ZERO)
        return done / sum((one.amount for one in stones), _ZERO)
    if terms.method(line_id) != PERCENT_COMPLETE:
        return None
    current = estimate_in_force(dossier, terms, line_id)
    if current is None or number(current["cost"]) <= 0:
        return None
    cost = sum((entry.cost for entry in dossier.entries if entry.approved and entry.line_id == line_id), _ZERO)
    return max(_ZERO, min(cost / number(current["cost"]), Fraction(1)))


def _first(*days: str | None) -> str | None:
    return min(_named(days), default=None)


def _named(days: Iterable[str | None]) -> list[str]:
    return [day for day in days if day is not None]
