"""Billing periods are calendar months, whole and without gaps."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import calendar
from app.domain.calendar import number, period_of
from app.domain.period import covered_days, days_in, first_day, following, index, last_day, periods

days = st.dates(date(1970, 1, 1), date(2100, 12, 31)).map(date.toordinal)


@given(days)
def test_a_period_holds_its_days_and_its_neighbours_begin_where_it_ends(day: int) -> None:
    period = period_of(day)
    assert first_day(period) <= day <= last_day(period)
    assert period_of(last_day(period) + 1) != period == period_of(last_day(period))
    assert index(period_of(last_day(period) + 1)) == index(period) + 1


@given(days, st.integers(0, 2000))
def test_the_periods_of_a_stretch_cover_each_of_its_days_once(low: int, length: int) -> None:
    found = list(periods(low, low + length))
    assert sum(covered_days(period, low, low + length) for period in found) == length + 1
    assert all(covered_days(period, low, low + length) > 0 for period in found)


@pytest.mark.parametrize(("period", "days"), [("2024-02", 29), ("2026-02", 28), ("2026-04", 30), ("2026-12", 31)])
def test_a_month_has_the_days_of_the_calendar(period: str, days: int) -> None:
    assert days_in(period) == covered_days(period, calendar.BEGINNING, calendar.FOREVER) == days


def test_a_term_from_the_15th_covers_17_of_31_days() -> None:
    # 15 … 31 January, both included: 31 − 15 + 1 = 17.
    assert covered_days("2026-01", number("2026-01-15"), calendar.FOREVER) == 17
    assert covered_days("2026-02", number("2026-01-15"), number("2026-02-01")) == 1
    assert covered_days("2026-03", number("2026-01-15"), number("2026-02-01")) == 0


def test_nothing_lies_between_an_end_and_a_later_beginning() -> None:
    assert list(periods(number("2026-02-01"), number("2026-01-31"))) == []


def test_the_last_period_of_the_calendar_ends_with_it() -> None:
    assert last_day("9999-12") == calendar.FOREVER
    assert list(periods(calendar.FOREVER, calendar.FOREVER)) == ["9999-12"]


def test_what_is_no_period_is_refused() -> None:
    with pytest.raises(ValueError):
        first_day("2026-13")


@given(days)
def test_the_following_period_begins_the_day_after_the_end(day: int) -> None:
    period = period_of(day)
    assert first_day(following(period)) == last_day(period) + 1
