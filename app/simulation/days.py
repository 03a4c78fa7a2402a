"""The simulated calendar: days as whole numbers, counted from the opening day.

Day 0 is the Monday before the firm's first week. It is the day of the opening load: who exists, and what is already
agreed.
"""

from __future__ import annotations

from datetime import date, timedelta

from app.simulation.scenario import Size

OPENING_DAYS = 7
BEFORE, AFTER = 800, 1_200
"""How many days before day 0 and after the last day still have a name: terms begin and end outside the simulation."""

HOLIDAYS = {
    "emea": ((1, 1, "New Year's Day"), (5, 1, "Labour Day"), (12, 25, "Christmas Day"), (12, 26, "Boxing Day")),
    "amer": ((1, 1, "New Year's Day"), (7, 4, "Independence Day"), (11, 11, "Veterans Day"), (12, 25, "Christmas Day")),
}


class Days:
    """Names, weekdays and holidays of the days of one simulation. `last` is the day called today."""

    def __init__(self, size: Size) -> None:
        self.opening = size.first - timedelta(days=OPENING_DAYS)
        self.first = OPENING_DAYS
        self.last = (size.last - self.opening).days
        self.weeks = size.weeks
        self._names = [(self.opening + timedelta(days=day)).isoformat() for day in range(-BEFORE, self.last + AFTER)]
        self.holidays = {region: self._holidays(region) for region in HOLIDAYS}

    def name(self, day: int) -> str:
        """The ISO date of a day; negative days lie before the opening."""
        return self._names[day + BEFORE]

    def month(self, day: int) -> str:
        """The billing period of a day, `YYYY-MM`."""
        return self.name(day)[:7]

    def instant(self, day: int, clock: str) -> str:
        """The instant of a day and the end that `wire.clock_of` gives."""
        return self.name(day) + clock

    def monday(self, week: int) -> int:
        """The first day of the simulated week, 0 being the firm's first."""
        return self.first + 7 * week

    def workday(self, day: int) -> int:
        """The day itself, or the Monday after it when it falls on a weekend."""
        weekday = day % 7  # day 0 is a Monday
        return day if weekday < 5 else day + 7 - weekday

    def month_starts(self) -> list[int]:
        """The first of each month that lies inside the simulation, the opening week included."""
        return [day for day in range(self.last + 1) if self.name(day).endswith("-01")]

    def _holidays(self, region: str) -> dict[int, str]:
        """Public holidays of a region, from the opening year to the end of the year after the last day."""
        last = self.opening + timedelta(days=self.last)
        years = range(self.opening.year, last.year + 2)
        found = {}
        for year in years:
            for month, day, title in HOLIDAYS[region]:
                found[(date(year, month, day) - self.opening).days] = title
        return found
