"""Steers the number of time entries, so that a bounded stream ends on the last day and not before or after."""

from __future__ import annotations

from app.simulation.days import Days

USUAL_PIECES = 1.25
"""Entries that a person writes for a day's work on one contract, without a bound."""

MOST_PIECES = 4.0
SURPLUS = 1.015
"""Aim a little too high: the bound cuts the rest off, and a stream that is too short could not be mended."""

LINES_PER_ENTRY = 2


class Quota:
    """How finely people write their time, week by week.

    The lines of a firm are planned evenly over its weeks. Before each week the pieces are chosen that close the gap
    between plan and what is written, with the last week as the measure of what one piece more means.
    """

    def __init__(self, lines: int | None, days: Days) -> None:
        self._lines = lines
        # Of the last week only what is sent before it is over counts: no approvals, and not the days after today.
        last_days = min(5, days.last - days.monday(days.weeks - 1) + 1)
        self._weeks = days.weeks - 1 + 0.5 * last_days / 5
        self._opening: int | None = None
        self._written = 0
        self._units = 0
        self._pieces = USUAL_PIECES

    def pieces(self, week: int, written: int, units: int) -> float:
        """Entries for each booking of a person and a day in the coming week.

        `written` counts the lines on the agenda so far, `units` the bookings of a person and a day written so far.
        """
        if self._lines is None:
            return USUAL_PIECES
        if self._opening is None:
            self._opening = written
        grown, bookings = written - self._written, units - self._units
        self._written, self._units = written, units
        if week and bookings:
            goal = self._opening + (self._lines * SURPLUS - self._opening) * min(1.0, (week + 1) / self._weeks)
            without = grown - LINES_PER_ENTRY * bookings * self._pieces
            self._pieces = min(MOST_PIECES, max(1.0, (goal - written - without) / (LINES_PER_ENTRY * bookings)))
        return self._pieces
