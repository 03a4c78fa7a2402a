"""ISO weeks around a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

BEHIND, AHEAD = 8, 26


@dataclass(frozen=True, order=True)
class Week:
    """An ISO week, by its Monday."""

    monday: date

    @property
    def name(self) -> str:
        """`2026-W53`: the year is the one that holds the week's Thursday."""
        year, week, _ = self.monday.isocalendar()
        return f"{year:04}-W{week:02}"

    @property
    def days(self) -> list[date]:
        """Monday to Sunday."""
        return [self.monday + timedelta(days=n) for n in range(7)]


def weeks_around(as_of: date, behind: int = BEHIND, ahead: int = AHEAD) -> list[Week]:
    """The week of `as_of` with those behind and ahead of it, as far as they lie wholly within the calendar."""
    monday = as_of.toordinal() - as_of.weekday()
    starts = (monday + 7 * n for n in range(-behind, ahead + 1))
    return [Week(date.fromordinal(start)) for start in starts if 1 <= start <= date.max.toordinal() - 6]
