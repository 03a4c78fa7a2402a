"""Percent complete: how much of a fixed fee is earned, by cost to date against the estimated cost of the whole line.

Sources: design section 5 "Percent complete"; domain rule R15. Cumulative = fee × min(cost to date ÷ estimate, 1),
rounded once; what a period earns is cumulative − cumulative of the period before, as that was published.

*As published* is a matter of facts, not of when somebody asked: at the end of a period count the time and the estimates
recorded by its last day (UTC), of the estimates those in force on it. What is recorded later, even about days before,
changes the period in which it became known and none before: the difference is that period's catch-up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from app.domain import calendar
from app.domain.money import micro, portion
from app.domain.resolution import Message, effective

_DAY: Final = 86_400_000_000  # microseconds
_EPOCH: Final = date(1970, 1, 1).toordinal()


class Estimate(NamedTuple):
    """What a whole line will cost, in micro-units; ordered so that the greatest of those in force wins."""

    effective_from: int
    revision: int
    estimate_id: str
    cost: int
    line_id: str | None


def recorded_on(message: Message) -> int:
    """The day (UTC) on which the source recorded a message."""
    return _EPOCH + message.recorded // _DAY


def estimates(entities: Iterable[Sequence[Message]], known_on: int = calendar.FOREVER) -> list[Estimate]:
    """The estimates as they held at the end of the day `known_on`; `entities` are the messages of each, in any order.

    The highest revision recorded by then counts; an estimate first recorded later is left out.
    """
    found = []
    for messages in entities:
        known = [message for message in messages if recorded_on(message) <= known_on]
        if known:
            message, said = effective(known)
            found.append(_estimate(message.revision, said))
    return found


def _estimate(revision: int, said: dict[str, Any]) -> Estimate:
    return Estimate(
        effective_from=calendar.number(said["effective_from"]),
        revision=revision,
        estimate_id=said["estimate_id"],
        cost=micro(said["cost"]),
        line_id=said.get("line_id"),
    )


def in_force(found: Iterable[Estimate], line: str | None, day: int, *, only_line: str | None = None) -> int | None:
    """The estimated cost of `line` on `day`; None before the first estimate.

    The latest `effective_from` ≤ `day` wins, then the highest revision, then the greatest id. An estimate without a
    line is that of `only_line`, else the contract's (`line` None).
    """
    its = [one for one in found if (one.line_id or only_line) == line and one.effective_from <= day]
    return max(its).cost if its else None


class Progress(NamedTuple):
    """A line at the end of a period, or on as-of within it: micro-units, `cost` to date, `estimate` of the whole.

    `estimate` None, or not above 0: there is nothing to measure by.
    """

    period: str
    fee: int
    cost: int
    estimate: int | None


@dataclass(frozen=True, slots=True)
class Earned:
    """What a line has earned by the end of a period; micro-units, rounded.

    `catch_up` is the part of `amount` that does not come from the period's cost but from another estimate or fee, or
    from cost of before that became known: what the cost of before earns now, less what it had earned. `measured` False:
    without an estimate nothing is added, and that is not a zero but a question to whoever owns the estimate.
    """

    period: str
    cumulative: int
    amount: int
    catch_up: int
    expected_loss: int
    measured: bool


def cumulative(fee: int, cost: int, estimate: int, exponent: int, *, half_even: bool = False) -> int:
    """fee × min(cost ÷ estimate, 1), rounded once; `estimate` > 0. A cost below 0 earns nothing."""
    return portion(fee, max(min(cost, estimate), 0), estimate, exponent, half_even=half_even)


def expected_loss(fee: int, cost: int, estimate: int | None) -> int:
    """By how much the line will cost more than its fee; 0 if it will not. What is spent already is the least it costs.

    A flag, not an entry in the books: whether a loss is recognised before it is made is the accountant's to say.
    """
    return max(0, max(cost, estimate or 0) - fee)


def step(known: Progress, total: int, cost: int, exponent: int, *, half_even: bool = False) -> Earned:
    """What a period earned beyond the `total` of the period before; `cost` is what had been spent by its end, as it is
    known now."""
    now = restated = total
    measured = known.estimate is not None and known.estimate > 0
    if known.estimate is not None and measured:
        now = cumulative(known.fee, known.cost, known.estimate, exponent, half_even=half_even)
        restated = cumulative(known.fee, cost, known.estimate, exponent, half_even=half_even)
    return Earned(
        period=known.period,
        cumulative=now,
        amount=now - total,
        catch_up=restated - total,
        expected_loss=expected_loss(known.fee, known.cost, known.estimate),
        measured=measured,
    )


def earned(steps: Iterable[Progress], exponent: int, *, half_even: bool = False) -> Iterator[Earned]:
    """What each period earned where no cost becomes known late; `steps` in order of periods."""
    total = cost = 0
    for known in steps:
        found = step(known, total, cost, exponent, half_even=half_even)
        yield found
        total, cost = found.cumulative, known.cost
