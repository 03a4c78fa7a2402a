"""Dates cut two ways: weeks at the month, and quarters; working days with holidays."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import calendar
from app.domain.calendar import (
    FOREVER,
    bucket_of,
    month_end,
    number,
    page_end,
    page_of,
    page_start,
    period_of,
    text_of,
    working_day_after,
)

days = st.dates(date(1970, 1, 1), date(2100, 12, 31)).map(date.toordinal)


@given(days)
def test_a_bucket_lies_within_one_week_one_month_and_one_quarter(day: int) -> None:
    start = bucket_of(day)
    inside = [date.fromordinal(one) for one in range(start, start + 7) if bucket_of(one) == start]
    assert date.fromordinal(day) in inside
    assert len({one.isocalendar()[:2] for one in inside}) == 1
    assert len({(one.year, one.month) for one in inside}) == 1
    assert len({page_of(one.toordinal()) for one in inside}) == 1


@given(days)
def test_a_bucket_is_as_long_as_its_week_and_month_let_it_be(day: int) -> None:
    start = date.fromordinal(bucket_of(day))
    assert start.isoweekday() == 1 or start.day == 1


@given(days)
def test_a_page_begins_on_its_first_day(day: int) -> None:
    assert page_of(page_start(page_of(day))) == page_of(day)
    assert page_of(page_start(page_of(day)) - 1) == page_of(day) - 1


def test_week_53_is_cut_at_the_new_year() -> None:
    # ISO week 2026-W53 is Mon 28 December 2026 to Sun 3 January 2027; a Thursday in 2026 makes it the old year's.
    assert date(2027, 1, 3).isocalendar()[:2] == (2026, 53)
    assert text_of(bucket_of(number("2026-12-31"))) == "2026-12-28"
    assert text_of(bucket_of(number("2027-01-01"))) == text_of(bucket_of(number("2027-01-03"))) == "2027-01-01"
    assert text_of(bucket_of(number("2027-01-04"))) == "2027-01-04"
    assert (page_of(number("2026-12-31")), page_of(number("2027-01-01"))) == (2026 * 4 + 3, 2027 * 4)


def test_a_leap_day_belongs_to_february() -> None:
    # 29 February 2024 was a Thursday: its week runs on into March, its bucket does not.
    assert text_of(bucket_of(number("2024-02-29"))) == "2024-02-26"
    assert text_of(bucket_of(number("2024-03-01"))) == "2024-03-01"
    assert (period_of(number("2024-02-29")), period_of(number("2024-03-01"))) == ("2024-02", "2024-03")


def test_the_first_and_the_last_day_have_buckets() -> None:
    assert bucket_of(calendar.BEGINNING) == calendar.BEGINNING
    assert text_of(bucket_of(calendar.FOREVER)) == "9999-12-27"


@pytest.mark.parametrize("text", ["2026-02-29", "2026-13-01", "yesterday", ""])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        number(text)


@given(days, st.integers(1, 80), st.sets(st.integers(-3, 140), max_size=25))
def test_a_working_day_is_found_as_by_walking(day: int, count: int, steps: set[int]) -> None:
    holidays = {day + step for step in steps}
    at, left = date.fromordinal(day), count
    while left:
        at += timedelta(days=1)
        left -= at.isoweekday() <= 5 and at.toordinal() not in holidays
    assert working_day_after(day, count, holidays) == at.toordinal()


def test_a_month_ends_on_its_last_day_at_the_end_of_time_too() -> None:
    ends = {day: text_of(month_end(number(day))) for day in ("9999-11-29", "9999-11-30", "9999-12-01", "9999-12-31")}
    assert ends == {
        "9999-11-29": "9999-11-30",
        "9999-11-30": "9999-11-30",
        "9999-12-01": "9999-12-31",
        "9999-12-31": "9999-12-31",
    }


@given(days)
def test_a_quarter_ends_the_day_before_the_next(day: int) -> None:
    last = page_end(page_of(day))
    assert page_of(last) == page_of(day) == page_of(last + 1) - 1
    assert page_end(page_of(FOREVER)) == FOREVER


@given(days)
def test_a_month_ends_the_day_before_the_next(day: int) -> None:
    last = month_end(day)
    assert period_of(last) == period_of(day)
    assert date.fromordinal(last + 1).day == 1
