"""Another currency: amounts converted by line, each once, with the rate, its date and what it was converted from.

Sources: domain rule R25; events catalogue, `fx.rate.set`. The rate of a day is the latest one set on or before it. A
rate the other way round, or through a third currency, exists only if somebody set it: 1 ÷ a rounded rate is not a
rate. No rate is None, which is a blocker and not 1.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from app.domain import calendar
from app.domain.money import MICRO, micro, portion
from app.domain.resolution import Message, effective

Rule = Literal["by_line", "on_total"]
"""How a total comes about: as the sum of rounded lines, or as the rounded sum of exact ones. It must be declared."""


class Quote(NamedTuple):
    """How many units of `to_currency` one unit of `from_currency` is worth from day `on`; `rate` in millionths."""

    from_currency: str
    to_currency: str
    on: int
    rate: int


def quote_of(messages: Sequence[Message]) -> Quote:
    """The quote that the messages of one exchange rate come to."""
    _, said = effective(messages)
    return Quote(said["from_currency"], said["to_currency"], calendar.number(said["on"]), micro(said["rate"]))


class Quotes:
    """Rates by pair of currencies and day."""

    def __init__(self, quotes: Iterable[Quote] = ()) -> None:
        """Of several quotes for one pair and day the last one counts: the caller has resolved revisions."""
        self._by_pair: dict[tuple[str, str], dict[int, Quote]] = {}
        self._days: dict[tuple[str, str], list[int]] = {}
        for quote in quotes:
            self.set(quote)

    def set(self, quote: Quote) -> None:
        pair = quote.from_currency, quote.to_currency
        known = self._by_pair.setdefault(pair, {})
        if quote.on not in known:
            insort(self._days.setdefault(pair, []), quote.on)
        known[quote.on] = quote

    def at(self, from_currency: str, to_currency: str, day: int) -> Quote | None:
        """The quote that holds on `day`; 1 within one currency, None if none was set by then."""
        if from_currency == to_currency:
            return Quote(from_currency, to_currency, day, MICRO)
        pair = from_currency, to_currency
        days = self._days.get(pair, [])
        place = bisect_right(days, day)
        return self._by_pair[pair][days[place - 1]] if place else None


@dataclass(frozen=True, slots=True)
class Converted:
    """An amount in another currency, and all it takes to do it again: `origin` and `amount` in micro-units."""

    origin: int
    amount: int
    quote: Quote


def convert(origin: int, quote: Quote, exponent: int, *, half_even: bool = False) -> Converted:
    """Convert micro-units by one quote, rounded once to `exponent`, that of the target currency."""
    return Converted(origin, portion(origin, quote.rate, MICRO, exponent, half_even=half_even), quote)


@dataclass(frozen=True, slots=True)
class Total:
    """Converted lines and their total: lines + `difference` = `amount`. Under `by_line` there is no difference."""

    lines: Sequence[Converted]
    amount: int
    difference: int


def total(lines: Iterable[tuple[int, Quote]], rule: Rule, exponent: int, *, half_even: bool = False) -> Total:
    """Convert (micro-units, quote) lines into one currency and add them up by the declared rule.

    `on_total` rounds once over all lines, also where their quotes differ. What that differs from the lines is
    kept apart: a line is never changed to make a sum look right.
    """
    converted = [convert(origin, quote, exponent, half_even=half_even) for origin, quote in lines]
    by_line = sum(line.amount for line in converted)
    if rule == "by_line":
        return Total(converted, by_line, 0)
    exact = sum(line.origin * line.quote.rate for line in converted)
    amount = portion(exact, 1, MICRO, exponent, half_even=half_even)
    return Total(converted, amount, amount - by_line)
