"""The bench and roll-offs (domain.md R44) against cases worked out by hand. Weeks are named by their number."""

from __future__ import annotations

import pytest

from app.domain.alerts import Bench, bench, roll_off, row, stale
from app.domain.availability import UNIT
from app.domain.utilization import CAPACITY, NET, NOTHING, Figures

FIRST = 739_677  # Monday, 2 March 2026


def weeks(*planned: int | None) -> list[tuple[int, Figures]]:
    """Weeks of 2,400 minutes of which so many are planned; None: a week without capacity."""
    found = []
    for number, minutes in enumerate(planned):
        figures = list(NOTHING)
        figures[CAPACITY] = 0 if minutes is None else 2_400 * UNIT
        figures[NET] = (minutes or 0) * UNIT
        found.append((FIRST + 7 * number, tuple(figures)))
    return found


def monday(number: int) -> int:
    return FIRST + 7 * number


@pytest.mark.parametrize(
    ("planned", "expected"),
    [
        ((2_400, 1_199, 0, 1_200), Bench(monday(1), 2, 3_601 * UNIT)),  # 1,201 + 2,400
        ((2_400, 1_199, 1_200, 0), None),  # two weeks, but not in a row
        ((0, None, 0), Bench(monday(0), 2, 4_800 * UNIT)),  # a week away is neither
        ((0, None, 2_400), None),
        ((2_400,) * 4 + (0, 0), Bench(monday(4), 2, 4_800 * UNIT)),
        ((2_400,) * 5 + (0, 0), None),  # begins in the fifth week ahead
        ((0, 2_400, 0, 0), Bench(monday(2), 2, 4_800 * UNIT)),
        ((), None),
    ],
)
def test_the_bench_is_two_weeks_in_a_row_with_less_than_half_planned(
    planned: tuple[int | None, ...], expected: Bench | None
) -> None:
    assert bench(weeks(*planned), FIRST) == expected


@pytest.mark.parametrize(
    ("planned", "expected"),
    [
        ((2_400, 100, 0, 0, 0, 0), monday(1)),
        ((2_400, 0, 0, 0, 2_400, 0), monday(4)),
        ((2_400, 0, 0, 0, 0, 1), None),  # the fifth week ahead has something
        ((0, 0, 0, 0, 0, 0), None),  # nothing rolls off who has nothing
        ((2_400, 0, 0, 0, 0), None),  # what comes later is not known
    ],
)
def test_a_roll_off_is_the_last_planned_week_within_four(planned: tuple[int, ...], expected: int | None) -> None:
    assert roll_off(weeks(*planned), FIRST) == expected


def test_weeks_behind_alert_nobody() -> None:
    told = row("P-1", FIRST + 7 * 3, weeks(0, 0, 2_400, 2_400, 2_400, 2_400, 2_400, 2_400, 2_400))
    assert (told["bench"], told["roll_off"]) == (None, None)


def test_a_row_says_from_when_and_how_much() -> None:
    told = row("P-1", FIRST, weeks(2_400, 0, 0, 0, 0, 0))
    assert told == {
        "resource_id": "P-1",
        "as_of": "2026-03-02",
        "bench": {"from_week": "2026-W11", "weeks": 5, "free_minutes": 12_000},
        "roll_off": {"last_week": "2026-W10"},
        "stale": None,
    }


def test_what_hr_said_is_old_after_more_days_than_are_allowed() -> None:
    """HR spoke on 31 January 2026, the 30th day before 2 March."""
    heard = 1_769_817_600_000_000  # 2026-01-31T00:00:00Z
    assert stale(weeks(2_400), FIRST, heard, 30) is None
    assert stale(weeks(2_400), FIRST, heard, 29) == {"data_age_days": 30, "limit_days": 29}
    assert stale(weeks(None), FIRST, heard, 29) is None  # nothing can be done, and nothing is planned
