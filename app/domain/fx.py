"""Rates of exchange: what a unit of one currency is worth in another on a day.

Sources: domain rule R25; events catalogue, `fx.rate.set`. The rate of a day is the latest one set on or before it. A
rate the other way round, or through a third currency, exists only if somebody set it: 1 ÷ a rounded rate is not a
rate. No rate is None, which is a blocker and not 1. What is converted by it is converted by line, each once: see
`ledger.price_spend`.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from app.domain import calendar
from app.domain.money import MICRO, micro
from app.domain.resolution import Message, effective


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
