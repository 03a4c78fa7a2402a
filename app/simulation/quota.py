"""Steers the number of time entries, so that a bounded stream ends on the last day and not before or after."""

from __future__ import annotations

from app.simulation.days import Days

USUAL_PIECES = 1.25
"""Entries that a person writes for a day's work on one contract, without a bound."""

MOST_PIECES = 4.0
SURPLUS = 1.005
"""Aim a little too high: the bound cuts the rest off, and a stream that is too short could not be mended."""

LINES_PER_ENTRY = 2
LAST_WEEK = 0.5
"""What a whole last week is worth in weeks: time is handed in, and none of it approved before today."""

QUIET_WEEKS, QUIET = 6, 0.25
"""How many weeks before the end it grows quiet, and how much of everything but time is still written in them: no
contract begins, and what would be corrected, invoiced or paid later is not written any more."""


HORIZON_WEEKS = 4
"""Gaps are closed over so many weeks: a month's end or a holiday week is no reason to write more finely."""


class Quota:
    """How finely people write their time, week by week.

    The lines of a firm are planned evenly over its weeks. Before each week the pieces are chosen that lead from what is
    written to the plan of some weeks later, with the weeks before as the measure of everything else that is written.
    """

    def __init__(self, lines: int | None, days: Days) -> None:
        self._lines = lines
        last_days = min(5, days.last - days.monday(days.weeks - 1) + 1)
        self._weeks = days.weeks - 1 + LAST_WEEK * last_days / 5
        self._opening = 0
        self._units = [0]
        self._pieces = USUAL_PIECES
        self._entries = 0.0

    def pieces(self, week: int, written: int, units: int) -> float:
        """Entries for each booking of a person and a day in the coming week, the simulated week `week`.

        `written` counts the lines on the agenda so far, `units` the bookings of a person and a day written so far.
        """
        if self._lines is None:
            return USUAL_PIECES
        if not week:
            self._opening = written
            return self._pieces
        self._entries += LINES_PER_ENTRY * self._pieces * (units - self._units[-1])
        self._units = [*self._units[-HORIZON_WEEKS:], units]
        recent = (units - self._units[0]) / (len(self._units) - 1)
        if recent:
            ahead = min(HORIZON_WEEKS, self._weeks - week)
            plan = self._lines * SURPLUS - self._opening
            goal = self._opening + plan * (week + ahead) / self._weeks
            others = (written - self._opening - self._entries) / week
            if week > self._weeks - QUIET_WEEKS:
                others *= QUIET
            entries = (goal - written) / ahead - others
            self._pieces = min(MOST_PIECES, max(1.0, entries / (LINES_PER_ENTRY * recent)))
        return self._pieces
