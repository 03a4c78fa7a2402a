"""Who will soon have nothing to do, the bench and bookings that roll off; and whose forecast rests on old word.

Rules: domain.md R44. A week is on the bench where less than half of its capacity is planned net of holidays and leave
by hard bookings; the bench is at least two such weeks in a row. A week without capacity is neither. Somebody rolls off
with the last week that has anything planned. Both are told of once they are at most four weeks ahead. Where a policy
says after how many days that is too old (domain F20), whoever has anything ahead and was not heard of by HR since is
stale.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from app.domain import calendar
from app.domain.availability import Exact
from app.domain.utilization import CAPACITY, NET, PLANNED, Figures, show_minutes, week_name

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


def age(heard: int | None, as_of: int) -> int | None:
    """Days from a moment (microseconds) to a day, never below 0; None: there was none.

    >>> age(0, calendar.number("1970-03-01")), age(86_400_000_000, calendar.number("1970-01-01")), age(None, 1)
    (59, 0, None)
    """
    return None if heard is None else max(0, as_of - calendar.day_of(heard))


def stale(
    weeks: Sequence[tuple[int, Figures]], as_of: int, heard: int | None, limit: int | None
) -> dict[str, Any] | None:
    """How old what HR last said is, where that is more than `limit` days (None: no limit) or HR never spoke, and there
    is a week from as-of on in which anything can be done or is planned."""
    days = age(heard, as_of)
    if limit is None or (days is not None and days <= limit):
        return None
    if not any(monday + 6 >= as_of and (figures[CAPACITY] or figures[PLANNED]) for monday, figures in weeks):
        return None
    return {"data_age_days": days, "limit_days": limit}


def row(
    resource_id: str,
    as_of: int,
    weeks: Sequence[tuple[int, Figures]],
    heard: int | None = None,
    limit: int | None = None,
) -> dict[str, Any]:
    """A person's alerts as they are published: null where there is none. `heard`, `limit` as for `stale`."""
    first = calendar.week_start(as_of)
    idle, last = bench(weeks, first), roll_off(weeks, first)
    return {
        "resource_id": resource_id,
        "as_of": calendar.text_of(as_of),
        "bench": None
        if idle is None
        else {"from_week": week_name(idle.monday), "weeks": idle.weeks, "free_minutes": show_minutes(idle.free)},
        "roll_off": None if last is None else {"last_week": week_name(last)},
        "stale": stale(weeks, as_of, heard, limit),
    }
