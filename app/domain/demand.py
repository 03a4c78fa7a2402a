"""Work that looks for a person, and how much of it finds nobody.

Rules: domain.md R41, R44. Nobody's calendar applies to work without a person: its week is spread over Monday to Friday.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from app.domain import calendar
from app.domain.availability import UNIT, Exact
from app.domain.utilization import FREE, Figures, outlook, show_minutes, week_name, weighted


class Opening(msgspec.Struct, array_like=True, gc=False):
    """A demand that is open, both days inclusive; `probability` is in millionths, `n` numbers its resolutions."""

    n: int
    first: int
    last: int
    weekly: int
    practice: str | None
    probability: int


P = TypeVar("P")


def near(years: Mapping[int, P], monday: int) -> list[P]:
    """What is kept for the years that a week lies in, and for what lasts longer."""
    wanted = sorted({calendar.LONG, calendar.year_of(monday), calendar.year_of(monday + 6)})
    return [years[year] for year in wanted if year in years]


def tells(kind: str, *, bare: bool) -> bool:
    """Whether there are gaps of a group of this kind: of a role in a practice, and of a role that demand named alone
    (`bare`)."""
    return kind == "staff" or (kind == "role" and bare)


def wanted(monday: int, as_of: int, openings: Iterable[Opening]) -> tuple[Exact, Exact]:
    """What is wanted in a week on the days after as-of, and the same weighted; in `UNIT`ths of a minute.

    By hand (R41): 10 hours in the pipeline at 30 % are 3.
    """
    plain: Exact = 0
    likely: Exact = 0
    for opening in openings:
        days = min(opening.last, monday + 4) - max(opening.first, monday, as_of + 1) + 1
        if days > 0:
            minutes = opening.weekly * UNIT // 5 * days
            plain += minutes
            likely += weighted(minutes, opening.probability)
    return plain, likely


def gap(
    role: str, practice: str | None, monday: int, as_of: int, wants: tuple[Exact, Exact], staff: Figures
) -> dict[str, Any]:
    """What is wanted of a role less what is free of its people (`staff`); below 0 there are some to spare.

    By hand: 2,400 minutes at 50 % and 960 free are a gap of 1,200 − 960 = 240.
    """
    (plain, likely), free = wants, staff[FREE]
    return {
        "role": role,
        "practice": practice,
        "week": week_name(monday),
        "as_of": calendar.text_of(as_of),
        "demand_minutes": show_minutes(plain),
        "demand_weighted_minutes": show_minutes(likely),
        "free_minutes": show_minutes(free),
        "gap_minutes": show_minutes(likely - free),
        **outlook(staff, likely, plain),
    }
