"""Billing periods: calendar months, named `YYYY-MM`. Days are day numbers, intervals inclusive at both ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from app.domain import calendar


@lru_cache(4_096)
def first_day(period: str) -> int:
    """The first day of a period. Raises ValueError for anything but `YYYY-MM`."""
    return calendar.number(f"{period}-01")


@lru_cache(4_096)
def last_day(period: str) -> int:
    """The last day of a period.

    >>> calendar.text_of(last_day("2024-02")), calendar.text_of(last_day("2026-12"))
    ('2024-02-29', '2026-12-31')
    """
    year, month = int(period[:4]), int(period[5:])
    if (year, month) == (date.max.year, 12):
        return calendar.FOREVER
    return date(year + month // 12, month % 12 + 1, 1).toordinal() - 1


def following(period: str) -> str:
    """The next period.

    >>> following("2025-12")
    '2026-01'
    """
    year, month = int(period[:4]), int(period[5:])
    return f"{year + month // 12:04d}-{month % 12 + 1:02d}"


def days_in(period: str) -> int:
    """How many days the month has."""
    return last_day(period) - first_day(period) + 1


def covered_days(period: str, low: int, high: int) -> int:
    """How many days of the period lie in [low, high]; 0 where none does.

    >>> covered_days("2026-01", calendar.number("2026-01-15"), calendar.FOREVER)
    17
    """
    return max(0, min(high, last_day(period)) - max(low, first_day(period)) + 1)


def periods(low: int, high: int) -> Iterator[str]:
    """Every period with a day in [low, high], in order; none where `high` is before `low`.

    >>> list(periods(calendar.number("2025-12-31"), calendar.number("2026-02-01")))
    ['2025-12', '2026-01', '2026-02']
    """
    while low <= high:
        period = calendar.period_of(low)
        yield period
        low = last_day(period) + 1


def index(period: str) -> int:
    """A number for a period, so that differences are numbers of months."""
    return int(period[:4]) * 12 + int(period[5:])
