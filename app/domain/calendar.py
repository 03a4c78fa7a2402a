"""Business dates as day numbers (`date.toordinal`), and the two cuts of time that the ledger stands on.

A *bucket* is an ISO week cut at the month, so that weeks and months both add up exactly; it is named by its first
day. A *page* is a calendar quarter, named `year × 4 + quarter` (quarter 0 … 3): whole months, about 13 weeks.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

FOREVER: Final = date.max.toordinal()
BEGINNING: Final = 1
LONG: Final = 0
"""The year that stands for whatever touches more than three."""

_numbers: dict[str, int] = {}
_texts: dict[int, str] = {}
_buckets: dict[int, int] = {}
_pages: dict[int, int] = {}
_months: dict[int, int] = {}
_MEMO_LIMIT: Final = 200_000
_EPOCH: Final = date(1970, 1, 1).toordinal()


def number(text: str) -> int:
    """The day number of `YYYY-MM-DD`. Raises ValueError for anything else.

    Memoised: a stream names few distinct days, and parsing would cost more than the fold.
    """
    day = _numbers.get(text)
    if day is None:
        if len(_numbers) > _MEMO_LIMIT:
            _numbers.clear()
        day = _numbers[text] = date.fromisoformat(text).toordinal()
    return day


def text_of(day: int) -> str:
    """`YYYY-MM-DD` of a day number."""
    text = _texts.get(day)
    if text is None:
        if len(_texts) > _MEMO_LIMIT:
            _texts.clear()
        text = _texts[day] = date.fromordinal(day).isoformat()
    return text


def bucket_of(day: int) -> int:
    """First day of the bucket that holds `day`.

    >>> text_of(bucket_of(number("2026-03-01"))), text_of(bucket_of(number("2026-03-05")))
    ('2026-03-01', '2026-03-02')
    """
    start = _buckets.get(day)
    if start is None:
        on = date.fromordinal(day)
        start = _buckets[day] = max(day - on.weekday(), day - on.day + 1)
    return start


def week_start(day: int) -> int:
    """Monday of the ISO week that holds `day`.

    >>> text_of(week_start(number("2026-03-01")))
    '2026-02-23'
    """
    return day - _weekday(day)


def year_of(day: int) -> int:
    """The calendar year that holds `day`."""
    return date.fromordinal(day).year


def years_of(first: int, last: int) -> list[int]:
    """The years that hold what lasts from one day to another: up to three, or `LONG`.

    >>> years_of(number("2026-03-01"), number("2027-01-01")), years_of(number("2026-01-01"), number("2030-12-31"))
    ([2026, 2027], [0])
    """
    begun, ended = year_of(first), year_of(last)
    return list(range(begun, ended + 1)) if ended - begun < 3 else [LONG]


def years_of_all(spans: Iterable[tuple[int, int]]) -> list[int]:
    """The years that hold any of what lasts from one day to another, in order (see `years_of`)."""
    return sorted({year for first, last in spans for year in years_of(first, last)})


def month_start(day: int) -> int:
    """First day of the month that holds `day`."""
    start = _months.get(day)
    if start is None:
        start = _months[day] = date.fromordinal(day).replace(day=1).toordinal()
    return start


def month_end(day: int) -> int:
    """Last day of the month that holds `day`.

    >>> text_of(month_end(number("2028-02-10")))
    '2028-02-29'
    """
    on = date.fromordinal(day)
    return (date(on.year + on.month // 12, on.month % 12 + 1, 1).toordinal()) - 1 if day <= FOREVER - 31 else FOREVER


def page_of(day: int) -> int:
    """The quarter that holds `day`."""
    page = _pages.get(day)
    if page is None:
        on = date.fromordinal(day)
        page = _pages[day] = on.year * 4 + (on.month - 1) // 3
    return page


def page_start(page: int) -> int:
    """First day of a quarter."""
    return date(page // 4, page % 4 * 3 + 1, 1).toordinal()


def page_end(page: int) -> int:
    """Last day of a quarter."""
    return page_start(page + 1) - 1 if page < page_of(FOREVER) else FOREVER


def period_of(day: int) -> str:
    """The billing period `YYYY-MM` of a day."""
    return text_of(day)[:7]


def day_of(moment: int) -> int:
    """The day (UTC) of a moment in microseconds since 1970.

    >>> text_of(day_of(1_773_075_600_000_000))
    '2026-03-09'
    """
    return _EPOCH + moment // 86_400_000_000


def working_day_after(day: int, count: int, holidays: Iterable[int] = ()) -> int:
    """The `count`-th working day (Monday to Friday, no holiday) after `day`; `count` >= 1.

    >>> text_of(working_day_after(number("2025-03-07"), 24))
    '2025-04-10'
    >>> text_of(working_day_after(number("2025-03-07"), 24, {number("2025-03-17")}))
    '2025-04-11'
    """
    off = {h for h in holidays if h > day and _weekday(h) < 5}
    # Whole weeks first: five working days each. Then walk, as holidays push the end out.
    weeks, rest = divmod(count, 5)
    end = day + weeks * 7
    passed = weeks * 5 if _weekday(day) < 5 else _working_days(day, end)
    while passed < weeks * 5 + rest:
        end += 1
        passed += _weekday(end) < 5
    while _weekday(end) >= 5:
        end -= 1
    counted: set[int] = set()
    while new := {h for h in off if h <= end} - counted:
        counted |= new
        for _ in new:
            end += 1
            while _weekday(end) >= 5:
                end += 1
    return end


def _weekday(day: int) -> int:
    return (day - 1) % 7  # day 1 was a Monday


def _working_days(after: int, to: int) -> int:
    return sum(_weekday(day) < 5 for day in range(after + 1, to + 1))
