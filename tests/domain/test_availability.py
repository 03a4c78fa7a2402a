"""Capacity (domain.md R35, R39) against numbers worked out by hand, and whole weeks counted at once against days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import calendar
from app.domain.availability import UNIT, Calendar, Career, Day, Holidays, Off, Standing, Stretch, day_of, standing_of

MONDAY = calendar.number("2025-03-03")


def standing(**said: object) -> Standing:
    return standing_of({"weekly_minutes": 2_400, **said})


def minutes(day: Day) -> tuple[int, ...]:
    return tuple(part // UNIT for part in day)


def test_capacity_is_the_calendar_without_holidays_and_leave() -> None:
    # R36: 40 h − a holiday of 8 h − leave of 4 h = 28 h.
    holidays = Holidays()
    holidays.put("H", MONDAY, None)
    leave: list[Off] = [(MONDAY + 1, MONDAY + 1, 240)]
    days = [day_of(MONDAY + place, standing(), holidays, leave) for place in range(5)]
    assert [minutes(day) for day in days[:2]] == [(480, 480, 0, 0), (480, 0, 240, 240)]
    assert sum(day.net for day in days) == 28 * 60 * UNIT


def test_a_holiday_comes_first_and_leave_takes_no_more_than_is_left() -> None:
    holidays = Holidays()
    holidays.put("H", MONDAY, None)
    leave: list[Off] = [(MONDAY, MONDAY + 1, 300), (MONDAY, MONDAY + 1, 300)]
    # By hand: 2 × 300 = 600 of 480.
    assert minutes(day_of(MONDAY, standing(), holidays, leave)) == (480, 480, 0, 0)
    assert minutes(day_of(MONDAY + 1, standing(), holidays, leave)) == (480, 0, 480, 0)


@pytest.mark.parametrize("days", [[1], [2, 4], [1, 2, 3], [1, 2, 3, 4], [1, 3, 5, 6, 7], [1, 2, 3, 4, 5, 6], None])
def test_the_days_of_a_week_add_up_to_it_exactly(days: list[int] | None) -> None:
    held = standing(weekly_minutes=2_251, **({"working_days": days} if days else {}))
    whole = [day_of(MONDAY + place, held, Holidays(), ()) for place in range(7) if held.works(MONDAY + place)]
    assert sum(day.net for day in whole) == 2_251 * UNIT


def test_the_highest_revision_that_has_begun_says_what_a_person_is() -> None:
    # Revision 3 begins before revision 2 and rules from there on; revision 2 never does.
    one, two, three = (standing(role=role) for role in ("one", "two", "three"))
    career = Career([(100, 1, one), (120, 2, two), (110, 3, three)])
    assert [career.on(day) for day in (99, 100, 109, 110, 120, 10_000)] == [None, one, one, three, three, three]
    assert list(career.stretches(95, 125)) == [
        Stretch(95, 99, None),
        Stretch(100, 109, one),
        Stretch(110, 125, three),
    ]


def test_a_holiday_that_moves_leaves_its_day() -> None:
    holidays = Holidays()
    holidays.put("H", MONDAY, "emea")
    holidays.put("H", MONDAY + 1, None)
    holidays.put("I", MONDAY + 1, "emea")
    assert [holidays.off(MONDAY, "emea"), holidays.off(MONDAY + 1, None)] == [False, True]
    holidays.put("H", None, None)
    assert [holidays.off(MONDAY + 1, None), holidays.off(MONDAY + 1, "emea")] == [False, True]


spans = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: (MONDAY + min(pair), MONDAY + max(pair)))
standings = st.builds(
    lambda weekly, days, first, last: standing_of(
        {
            "weekly_minutes": weekly,
            "working_days": sorted(days),
            "employed_from": calendar.text_of(MONDAY + first),
            "employed_to": calendar.text_of(MONDAY + first + last),
        }
    ),
    st.sampled_from((0, 1_000, 2_400)),
    st.sets(st.integers(1, 7), min_size=1),
    st.integers(-10, 20),
    st.integers(0, 60),
)


@given(
    st.lists(st.tuples(st.integers(-5, 50).map(lambda n: MONDAY + n), st.integers(1, 9), standings), max_size=4),
    st.sets(st.integers(0, 60)),
    st.lists(st.tuples(spans, st.sampled_from((None, 0, 100, 480))), max_size=3),
    spans,
)
def test_days_with_capacity_are_counted_as_if_one_by_one(
    held: list[tuple[int, int, Standing]],
    off: set[int],
    leave: list[tuple[tuple[int, int], int | None]],
    span: tuple[int, int],
) -> None:
    holidays = Holidays()
    for day in off:
        holidays.put(f"H-{day}", MONDAY + day, None)
    away: list[Off] = [(first, last, minutes) for (first, last), minutes in leave]
    its = Calendar(Career(held), holidays, lambda first, last: away)
    one_by_one = 0
    for day in range(span[0], span[1] + 1):
        now = its.career.on(day)
        one_by_one += now is not None and now.works(day) and day_of(day, now, holidays, away).net > 0
    assert its.days_with_capacity(*span) == one_by_one


def test_a_leap_day_and_the_days_around_the_clock_change_are_days_like_others() -> None:
    # 29 February 2028 is a Tuesday; on Monday 30 March 2026 clocks in Europe have just gone forward.
    for text in ("2028-02-29", "2026-03-30", "2026-10-26"):
        assert minutes(day_of(calendar.number(text), standing(), Holidays(), ())) == (480, 0, 0, 480)


def test_employment_ends_within_a_week() -> None:
    last = (date(2025, 3, 3) + timedelta(days=2)).isoformat()
    held = standing(employed_to=last)
    assert [held.works(MONDAY + place) for place in range(5)] == [True, True, True, False, False]
