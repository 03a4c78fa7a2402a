"""When a contract is billed: the day from which the documents of a billing period are due.

Source: domain 2.8 (BILLING_SCHEDULE_NOT_DUE), requirement 16. A month or quarter is billed on a day of the month after
it; with dates of its own, a month is billed on the first of them that does not lie before its end. Days of grace are
waited on top, for facts that come late. A later period is never due before an earlier one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from app.domain import calendar, period

Every = Literal["month", "quarter", "on_dates"]


class BillingSchedule(NamedTuple):
    """`day` is of the month after the period, in a shorter month its last; `dates` are rising day numbers."""

    every: Every
    day: int = 1
    dates: tuple[int, ...] = ()
    grace_days: int = 0

    def due_on(self, name: str) -> int | None:
        """The first day on which the documents of a period may be billed; None while no date for it is agreed.

        >>> monthly = BillingSchedule("month", day=31, grace_days=2)
        >>> calendar.text_of(monthly.due_on("2026-01"))
        '2026-03-02'
        >>> calendar.text_of(BillingSchedule("quarter", day=15).due_on("2026-04"))
        '2026-07-15'
        >>> BillingSchedule("on_dates", dates=(calendar.number("2026-03-31"),)).due_on("2026-04") is None
        True
        """
        if self.every == "on_dates":
            end = period.last_day(name)
            on = next((one for one in self.dates if one >= end), None)
        else:
            on = _day_of(_after(name, quarter=self.every == "quarter"), self.day)
        return None if on is None else min(on + self.grace_days, calendar.FOREVER)

    def due(self, name: str, day: int) -> bool:
        on = self.due_on(name)
        return on is not None and on <= day

    def waiting_from(self, day: int) -> int:
        """The first day of the first period that is not due on `day`: nor is any after it."""
        if self.every == "on_dates":
            past = [one for one in self.dates if one + self.grace_days <= day]
            if not past:
                return calendar.BEGINNING
            name = calendar.period_of(past[-1])
            return period.first_day(name if past[-1] < period.last_day(name) else period.following(name))
        name = calendar.period_of(day)
        while not self.due(name, day):
            first = period.first_day(name)
            if first == calendar.BEGINNING:
                return first
            name = calendar.period_of(first - 1)
        return period.first_day(period.following(name))


def schedule_of(said: Mapping[str, Any] | None) -> BillingSchedule | None:
    """The schedule that terms agree on; None where they agree on none: everything is due as soon as it is ready."""
    if not said:
        return None
    dates = tuple(sorted(calendar.number(one) for one in said.get("dates") or ()))
    every: Every = said.get("every") or ("on_dates" if dates else "month")
    return BillingSchedule(every, said.get("day") or 1, dates, said.get("grace_days") or 0)


def _after(name: str, *, quarter: bool) -> str:
    """The month after the period, or after its quarter."""
    name = period.following(name)
    while quarter and int(name[-2:]) % 3 != 1:
        name = period.following(name)
    return name


def _day_of(name: str, day: int) -> int:
    if len(name) > len("YYYY-MM"):  # behind the last month there is
        return calendar.FOREVER
    return min(period.first_day(name) + day - 1, period.last_day(name))
