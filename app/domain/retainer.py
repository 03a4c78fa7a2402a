"""A retainer: a fee and minutes for every month, what becomes of unused minutes, and what more than them costs.

Sources: design section 5 "Retainer"; domain rule R16. The period is the calendar month. A month of which the term
covers only some days earns fee × covered days ÷ days of the month, rounded once, and its minutes likewise. Unused
minutes roll over as the terms of the month they come from say; the oldest are used first, before the month's own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, get_args

from app.domain import period as periods
from app.domain.money import divide, micro, portion

Rollover = Literal["none", "all", "capped"]

HOUR: Final = 60
_NEVER: Final = 10**9  # a period that no contract reaches


@dataclass(frozen=True, slots=True)
class Retainer:
    """What was agreed for one month. Money in micro-units, `overage_rate` per hour.

    `fee` None: nobody named one. `expiry_periods` None: what rolls over does not expire; 0: it cannot be used.
    `overage_rate` None: overage has no price, which is not 0. `cap_minutes` limits, under `capped`, all that is carried
    into the next month together: it is the month's own minutes that no longer fit. None: there is no room for any.
    `exponent` and `half_even` are how the month's terms round.
    """

    fee: int | None
    minutes: int
    rollover: Rollover = "none"
    cap_minutes: int | None = None
    expiry_periods: int | None = None
    overage_rate: int | None = None
    half_even: bool = False
    exponent: int = 2

    def __post_init__(self) -> None:
        if self.rollover not in get_args(Rollover):
            raise ValueError(f"rollover {self.rollover!r} is unknown; use one of {', '.join(get_args(Rollover))}")

    def rolls(self, unused: int, carried: int) -> int:
        """How many of the month's own `unused` minutes roll over, where `carried` older ones do."""
        if self.rollover == "none" or self.expiry_periods == 0:
            return 0
        return unused if self.rollover == "all" else min(unused, max((self.cap_minutes or 0) - carried, 0))


def retainer_of(said: Mapping[str, Any]) -> Retainer:
    """Read the `retainer` of a contract's line; absent minutes are 0, an absent roll-over is none."""
    fee = said.get("fee")
    rate = said.get("overage_rate")
    return Retainer(
        fee=micro(fee) if fee is not None else None,
        minutes=said.get("minutes") or 0,
        rollover=said.get("rollover") or "none",
        cap_minutes=said.get("cap_minutes"),
        expiry_periods=said.get("expiry_periods"),
        overage_rate=micro(rate) if rate is not None else None,
    )


class Lot(NamedTuple):
    """Minutes left over from one month; `until` is the index of the last period they can be used in."""

    minutes: int
    until: int


@dataclass(frozen=True, slots=True)
class Month:
    """One month of a retainer. Minutes are whole, money is in micro-units and rounded.

    Of a month that is not over, `rolled_out` and `forfeited` are what they would be if it ended now.
    """

    period: str
    covered_days: int
    fee: int
    granted: int
    rolled_in: int
    used: int
    rolled_out: int
    forfeited: int
    overage_minutes: int
    overage_amount: int | None  # None: there is overage, and no rate for it

    @property
    def available(self) -> int:
        return self.rolled_in + self.granted


def months(
    terms: Callable[[str], Retainer | None],
    used: Mapping[str, int],
    term: tuple[int, int],
    through: int,
) -> Iterator[Month]:
    """Every month of the term that has begun by the day `through`, in order.

    `terms` says what holds in a period, None where no retainer does: such a month grants nothing, and what was rolled
    into it grows older and passes on. `used` are billable minutes by period; below 0 they count as 0. `term` is the
    first and the last day. Minutes are never lost: rolled in + granted = used − overage + rolled out + forfeited.
    """
    lots: deque[Lot] = deque()
    for period in periods.periods(term[0], min(term[1], through)):
        yield _month(period, terms(period), lots, used.get(period, 0), term)


def _month(
    period: str,
    agreed: Retainer | None,
    lots: deque[Lot],
    used: int,
    term: tuple[int, int],
) -> Month:
    """One month; `lots`, oldest first, are left as they roll into the next."""
    days, of = periods.covered_days(period, *term), periods.days_in(period)
    granted = divide(agreed.minutes * days, of, half_even=agreed.half_even) if agreed else 0
    rolled_in = _total(lots)
    used = max(used, 0)
    need = _draw(lots, used)
    unused, overage = max(granted - need, 0), max(need - granted, 0)
    left = _total(lots) + unused
    _roll(lots, unused, periods.index(period), agreed)
    return Month(
        period=period,
        covered_days=days,
        fee=portion(agreed.fee or 0, days, of, agreed.exponent, half_even=agreed.half_even) if agreed else 0,
        granted=granted,
        rolled_in=rolled_in,
        used=used,
        rolled_out=_total(lots),
        forfeited=left - _total(lots),
        overage_minutes=overage,
        overage_amount=_price(overage, agreed),
    )


def _draw(lots: deque[Lot], need: int) -> int:
    """Take `need` minutes from the lots, the oldest first; returns what they do not cover."""
    while lots and need >= lots[0].minutes:
        need -= lots.popleft().minutes
    if lots:
        lots[0] = lots[0]._replace(minutes=lots[0].minutes - need)
        return 0
    return need


def _roll(lots: deque[Lot], unused: int, index: int, agreed: Retainer | None) -> None:
    """Let go what cannot be used in the next period; add what the month's own terms let roll over."""
    kept = [lot for lot in lots if lot.until > index]
    lots.clear()
    lots.extend(kept)
    if agreed and (own := agreed.rolls(unused, _total(lots))):
        lots.append(Lot(own, _NEVER if agreed.expiry_periods is None else index + agreed.expiry_periods))


def _price(overage: int, agreed: Retainer | None) -> int | None:
    if not overage:
        return 0
    if agreed is None or agreed.overage_rate is None:
        return None
    return portion(agreed.overage_rate, overage, HOUR, agreed.exponent, half_even=agreed.half_even)


def _total(lots: Iterable[Lot]) -> int:
    return sum(lot.minutes for lot in lots)
