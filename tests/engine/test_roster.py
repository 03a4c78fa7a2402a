"""Which weeks an answer about people tells of."""

from __future__ import annotations

from datetime import date

import pytest

from app.domain.utilization import WINDOW, Window
from app.engine.roster import Span, ahead_of, mondays_of, near

TODAY = date(2026, 12, 31).toordinal()  # a Thursday of 2026-W53
W53 = date(2026, 12, 28).toordinal()


@pytest.mark.parametrize(
    ("span", "first", "count"),
    [
        ((None, None), W53 - 8 * 7, 35),
        ((None, 3), W53 - 8 * 7, 3),
        ((W53, None), W53, 35),
        ((W53 + 7, 2), W53 + 7, 2),
    ],
)
def test_weeks_begin_8_before_as_of_unless_another_one_is_asked_for(span: Span, first: int, count: int) -> None:
    assert mondays_of(span, TODAY, WINDOW) == [first + 7 * n for n in range(count)]


def test_what_is_told_of_can_be_set() -> None:
    assert mondays_of((None, None), TODAY, Window(1, 2)) == [W53 - 7, W53, W53 + 7, W53 + 14]
    assert ahead_of((None, None), TODAY, Window(1, 2)) == [W53, W53 + 7, W53 + 14]


def test_without_a_day_there_are_no_weeks() -> None:
    assert mondays_of((W53, 4), None, WINDOW) == []


def test_demand_has_no_weeks_behind() -> None:
    assert len(ahead_of((None, None), TODAY, WINDOW)) == 27
    assert ahead_of((W53 - 14, 4), TODAY, WINDOW) == [W53, W53 + 7]


def test_weeks_end_with_the_calendar() -> None:
    last = date(9999, 12, 20).toordinal()  # the last Monday whose Sunday there is
    assert mondays_of((None, None), date.max.toordinal(), WINDOW)[-1] == last
    assert mondays_of((date(1, 1, 1).toordinal(), 1), date(1, 1, 3).toordinal(), WINDOW) == [1]
    assert near(last) == [last]
