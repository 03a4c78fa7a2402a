"""A retainer: a fee and minutes for every month, what becomes of unused minutes, and what more than them costs.

Sources: design section 5 "Retainer"; domain rule R16. The period is the calendar month. A month of which the term
covers only some days earns fee × covered days ÷ days of the month, rounded once, and its minutes likewise. Unused
minutes roll over; the oldest leave first: they are used first, expire first, and are the first to go where a cap on
what may be carried is reached.
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

    `expiry_periods` None: what rolls over does not expire. `overage_rate` None: overage has no price, which is not 0.
    `cap_minutes` limits what may be carried into the next month, all of it together, and only under `capped`.
    """

    fee: int
    minutes: int
    rollover: Rollover = "none"
    cap_minutes: int | None = None
    expiry_periods: int | None = None
    overage_rate: int | None = None

    def __post_init__(self) -> None:
        if self.rollover not in get_args(Rollover):
            raise ValueError(f"rollover {self.rollover!r} is unknown; use one of {', '.join(get_args(Rollover))}")

    @property
    def carried(self) -> int | None:
        """The most minutes that may be carried out of the month; None: all."""
        if self.rollover == "none":
            return 0
        return self.cap_minutes if self.rollover == "capped" else None


def retainer_of(said: Mapping[str, Any]) -> Retainer:
    """Read the `retainer` of a contract's line; an absent fee and absent minutes are 0, an absent roll-over is none."""
    rate = said.get("overage_rate")
    return Retainer(
        fee=micro(said.get("fee") or "0"),
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
    *,
    exponent: int,
    half_even: bool = False,
) -> Iterator[Month]:
    """Every month of the term that has begun by the day `through`, in order.

    `terms` says what holds in a period, None where no retainer does: such a month grants nothing, and what was rolled
    into it grows older and passes on. `used` are billable minutes by period. Use below 0 (a correction) adds to
    what is left. `term` is the first and the last day. Minutes are never lost:
    rolled in + granted = used − overage + rolled out + forfeited.
    """
    lots: deque[Lot] = deque()
    for period in periods.periods(term[0], min(term[1], through)):
        yield _month(period, terms(period), lots, used.get(period, 0), term, exponent, half_even)


def _month(
    period: str,
    agreed: Retainer | None,
    lots: deque[Lot],
    used: int,
    term: tuple[int, int],
    exponent: int,
    half_even: bool,
) -> Month:
    """One month; `lots`, oldest first, are left as they roll into the next."""
    days, of = periods.covered_days(period, *term), periods.days_in(period)
    rolled_in = _total(lots)
    granted = divide(agreed.minutes * days, of, half_even=half_even) if agreed else 0
    overage = _draw(lots, granted, used, _last_use(period, agreed))
    left = _total(lots)
    _forfeit(lots, periods.index(period), agreed)
    return Month(
        period=period,
        covered_days=days,
        fee=portion(agreed.fee, days, of, exponent, half_even=half_even) if agreed else 0,
        granted=granted,
        rolled_in=rolled_in,
        used=used,
        rolled_out=_total(lots),
        forfeited=left - _total(lots),
        overage_minutes=overage,
        overage_amount=_price(overage, agreed, exponent, half_even),
    )


def _last_use(period: str, agreed: Retainer | None) -> int:
    if agreed is None or agreed.expiry_periods is None:
        return _NEVER
    return periods.index(period) + agreed.expiry_periods


def _draw(lots: deque[Lot], granted: int, used: int, until: int) -> int:
    """Take `used` from the lots, oldest first, then from what the month grants; returns what neither covers."""
    need = max(used, 0)
    while lots and need >= lots[0].minutes:
        need -= lots.popleft().minutes
    if lots and need:
        lots[0] = lots[0]._replace(minutes=lots[0].minutes - need)
        need = 0
    own = granted - min(need, granted) - min(used, 0)
    if own:
        lots.append(Lot(own, until))
    return max(0, need - granted)


def _forfeit(lots: deque[Lot], index: int, agreed: Retainer | None) -> None:
    """Let go what cannot be used in the next period, then the oldest of what is more than may be carried."""
    kept = [lot for lot in lots if lot.until > index]
    lots.clear()
    lots.extend(kept)
    limit = agreed.carried if agreed else None
    excess = _total(lots) - limit if limit is not None else 0
    while lots and excess >= lots[0].minutes:
        excess -= lots.popleft().minutes
    if lots and excess > 0:
        lots[0] = lots[0]._replace(minutes=lots[0].minutes - excess)


def _price(overage: int, agreed: Retainer | None, exponent: int, half_even: bool) -> int | None:
    if not overage:
        return 0
    if agreed is None or agreed.overage_rate is None:
        return None
    return portion(agreed.overage_rate, overage, HOUR, exponent, half_even=half_even)


def _total(lots: Iterable[Lot]) -> int:
    return sum(lot.minutes for lot in lots)
