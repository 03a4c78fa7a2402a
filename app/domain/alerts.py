"""Who will soon have nothing to do: the bench, and bookings that roll off.

Rules: domain.md R44. A week is on the bench where less than half of its capacity is planned net of holidays and leave
by hard bookings; the bench is at least two such weeks in a row. A week without capacity is neither. Somebody rolls off
with the last week that has anything planned. Both are told of once they are at most four weeks ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from app.domain import calendar
from app.domain.availability import Exact
from app.domain.utilization import CAPACITY, NET, Figures, show_minutes, week_name

BENCH_WEEKS: Final = 2
HORIZON_WEEKS: Final = 4


class Bench(NamedTuple):
    """Weeks in a row with little to do: the first, how many, and what is free in them."""

    monday: int
    weeks: int
    free: Exact


def bench(weeks: Sequence[tuple[int, Figures]], first: int) -> Bench | None:
    """The bench that begins within the horizon of the week that begins on `first`; `weeks` by Monday, in order.

    By hand: of 2,400 minutes 2,400, 1,199, 0 and 1,200 are planned: the bench is the second and the third week, 3,601.
    """
    found: Bench | None = None
    for monday, figures in weeks:
        if monday < first or not figures[CAPACITY]:
            continue
        if figures[NET] * 2 < figures[CAPACITY]:
            free = figures[CAPACITY] - figures[NET]
            found = Bench(monday, 1, free) if found is None else Bench(found.monday, found.weeks + 1, found.free + free)
        elif found is not None and found.weeks >= BENCH_WEEKS:
            break
        else:
            found = None
    if found is None or found.weeks < BENCH_WEEKS or found.monday > first + 7 * HORIZON_WEEKS:
        return None
    return found


def roll_off(weeks: Sequence[tuple[int, Figures]], first: int) -> int | None:
    """The Monday of the last week with anything planned, if that is within the horizon; None too where `weeks` do not
    reach beyond it, as nobody can say then."""
    if not weeks or weeks[-1][0] <= first + 7 * HORIZON_WEEKS:
        return None
    planned = [monday for monday, figures in weeks if monday >= first and figures[NET]]
    return planned[-1] if planned and planned[-1] <= first + 7 * HORIZON_WEEKS else None


def row(resource_id: str, as_of: int, weeks: Sequence[tuple[int, Figures]]) -> dict[str, Any]:
    """A person's alerts as they are published: null where there is none."""
    first = calendar.week_start(as_of)
    idle, last = bench(weeks, first), roll_off(weeks, first)
    return {
        "resource_id": resource_id,
        "as_of": calendar.text_of(as_of),
        "bench": None
        if idle is None
        else {"from_week": week_name(idle.monday), "weeks": idle.weeks, "free_minutes": show_minutes(idle.free)},
        "roll_off": None if last is None else {"last_week": week_name(last)},
    }
