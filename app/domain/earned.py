"""Earned value, what a contract will have cost in the end, unbilled work, realization and margin.

Sources: domain rules R4, R21, R26, R28, R29, R32. Money is in micro-units of one currency; indices are ratios with
four places, or None with the reason why there is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from app.domain.money import divide, portion, show_ratio

STEADY_PERCENT: Final = 20
"""Below this share of the budget earned, past performance says little about the rest."""

Variant = Literal["performance", "plan", "performance_and_schedule", "booked"]
"""How the rest is estimated: as efficiently as so far (budget ÷ CPI); as was planned (what went wrong happens once); by
CPI and SPI together; as it is booked (actual + booked plan + what subcontractors are promised)."""


class Index(NamedTuple):
    """A ratio with four places; None, and why, where it would mean nothing."""

    value: str | None
    reason: str | None


class Estimate(NamedTuple):
    """What the whole will have cost, by which variant; None, and why, where the variant has no base."""

    variant: Variant
    amount: int | None
    reason: str | None


def _index(part: int, whole: int, reason: str) -> Index:
    return Index(show_ratio(part, whole), None) if whole > 0 else Index(None, reason)


def planned_value(plan: Iterable[tuple[int, int]], day: int) -> int:
    """What was to be done by the end of `day`; `plan` are (day number, micro-units) that add up."""
    return sum(amount for on, amount in plan if on <= day)


@dataclass(frozen=True, slots=True)
class Value:
    """Where work stands on a day: micro-units.

    `budget` at completion, `planned` by the day, `earned` (budgeted value of what is done), `actual` cost.
    """

    budget: int
    planned: int
    earned: int
    actual: int

    @property
    def cost_variance(self) -> int:
        """Below 0: over cost."""
        return self.earned - self.actual

    @property
    def schedule_variance(self) -> int:
        """Below 0: late."""
        return self.earned - self.planned

    @property
    def cost_index(self) -> Index:
        """CPI, what a unit of cost has earned; None without cost."""
        return _index(self.earned, self.actual, "no cost yet")

    @property
    def schedule_index(self) -> Index:
        """SPI, what a unit of plan has earned; None without a plan up to the day."""
        return _index(self.earned, self.planned, "nothing planned yet")

    @property
    def steady(self) -> bool:
        """Whether enough is earned for an index to say something about the rest."""
        return self.budget > 0 and self.earned * 100 >= self.budget * STEADY_PERCENT

    def to_complete(self, total: int) -> Index:
        """TCPI: what a unit of the cost that is left of `total` must earn, so that `total` is met."""
        return _index(self.budget - self.earned, total - self.actual, "nothing is left to spend")


def at_completion(value: Value, variant: Variant, exponent: int, *, booked: int = 0, committed: int = 0) -> Estimate:
    """The estimate at completion by one variant, rounded once, half away from zero.

    `booked` is the plan's value after the day, `committed` what subcontractors were promised and have not invoiced.
    Only the variant "booked" adds them: the others estimate all that is left.
    """
    if variant == "booked":
        return Estimate(variant, value.actual + booked + committed, None)
    if variant == "plan":
        return Estimate(variant, value.actual + value.budget - value.earned, None)
    if value.actual <= 0 or value.earned <= 0:
        return Estimate(variant, None, "no cost, or nothing earned yet")
    if not value.steady:
        return Estimate(variant, None, f"less than {STEADY_PERCENT} % complete")
    if variant == "performance":
        return Estimate(variant, portion(value.budget, value.actual, value.earned, exponent), None)
    if value.planned <= 0:
        return Estimate(variant, None, "nothing planned yet")
    left, squared = value.budget - value.earned, value.earned * value.earned
    rest = portion(left, value.actual * value.planned, squared, exponent)
    return Estimate(variant, value.actual + rest, None)


def best(value: Value, exponent: int, *, booked: int | None = None, committed: int = 0) -> Estimate:
    """The estimate to publish: booked work where there is a plan of it, else performance, else the plan.

    The variant goes with it, so that nobody compares figures that were made in different ways.
    """
    if booked is not None:
        return at_completion(value, "booked", exponent, booked=booked, committed=committed)
    by_performance = at_completion(value, "performance", exponent)
    return by_performance if by_performance.amount is not None else at_completion(value, "plan", exponent)


class Outlook(NamedTuple):
    """What follows from an estimate at completion: micro-units, `consumed` the share of it that is spent."""

    to_complete: int
    variance: int
    consumed: Index


def outlook(value: Value, at_end: int) -> Outlook:
    """Estimate to complete (at completion − actual, not − earned), budget − estimate, actual ÷ estimate."""
    return Outlook(
        to_complete=at_end - value.actual,
        variance=value.budget - at_end,
        consumed=_index(value.actual, at_end, "nothing is estimated"),
    )


def unbilled(earned: int, invoiced: int, written_off: int = 0) -> int:
    """Work in progress: earned, not invoiced, not given up. Below 0 it is owed to the client: a contract liability."""
    return earned - invoiced - written_off


class Backlog(NamedTuple):
    """What is agreed and not earned: with people or dates on it, and without; micro-units."""

    scheduled: int
    unscheduled: int


def backlog(agreed: int, earned: int, scheduled: int) -> Backlog:
    """Split what is left of `agreed`; work scheduled beyond it is not backlog, for nobody ordered it."""
    left = max(agreed - earned, 0)
    within = min(max(scheduled, 0), left)
    return Backlog(within, left - within)


def realization(billed: int, standard: int) -> Index:
    """What was billed of what the work is worth at standard rates; the rest was discounted or written off."""
    return _index(billed, standard, "no work at standard rates")


def margin(billed: int, cost: int) -> Index:
    """(billed − cost) ÷ billed; None where nothing is billed."""
    return _index(billed - cost, billed, "nothing billed")


def blended_rate(parts: Iterable[tuple[int, int]]) -> int | None:
    """The mean price of an hour over (minutes, micro-units an hour), by minutes; None without minutes.

    For estimates only, so it keeps all six places: what a contract calls a blended rate is a rate like any other.
    """
    known = list(parts)
    minutes = sum(part for part, _ in known)
    if minutes <= 0:
        return None
    return divide(sum(part * rate for part, rate in known), minutes)
