"""When a billing period is due: domain 2.8 (BILLING_SCHEDULE_NOT_DUE)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import calendar, period
from app.domain.billing_schedule import BillingSchedule, schedule_of

number, text = calendar.number, calendar.text_of


@pytest.mark.parametrize(
    ("said", "name", "due_on"),
    [
        ({"every": "month"}, "2026-03", "2026-04-01"),
        ({"every": "month", "day": 31}, "2026-01", "2026-02-28"),
        ({"every": "month", "day": 31}, "2024-01", "2024-02-29"),
        ({"every": "month", "day": 5, "grace_days": 3}, "2025-12", "2026-01-08"),
        ({"every": "quarter"}, "2026-01", "2026-04-01"),
        ({"every": "quarter", "day": 10}, "2026-03", "2026-04-10"),
        ({"every": "quarter", "day": 10}, "2026-04", "2026-07-10"),
        ({"every": "quarter"}, "2026-12", "2027-01-01"),
        ({"every": "on_dates", "dates": ["2026-06-30", "2026-03-31"]}, "2026-03", "2026-03-31"),
        ({"every": "on_dates", "dates": ["2026-06-30", "2026-03-30"]}, "2026-03", "2026-06-30"),
        ({"dates": ["2026-06-30"], "grace_days": 2}, "2026-06", "2026-07-02"),
        ({}, "2026-03", None),
    ],
)
def test_a_period_is_due_on_its_day(said: dict[str, object], name: str, due_on: str | None) -> None:
    schedule = schedule_of(said)
    assert (text(schedule.due_on(name) or 0) if schedule is not None else None) == due_on


def test_without_a_date_for_it_a_period_is_never_due() -> None:
    schedule = BillingSchedule("on_dates", dates=(number("2026-03-31"),))
    assert schedule.due_on("2026-04") is None
    assert not schedule.due("2026-04", calendar.FOREVER)


def test_the_last_month_there_is_has_a_due_day_too() -> None:
    for every in ("month", "quarter"):
        assert BillingSchedule(every, day=5).due_on("9999-12") == calendar.FOREVER


days = st.integers(number("2020-01-01"), number("2030-12-31"))
schedules = st.builds(
    BillingSchedule,
    st.sampled_from(["month", "quarter", "on_dates"]),
    st.integers(1, 31),
    st.lists(days, max_size=6).map(lambda its: tuple(sorted(its))),
    st.integers(0, 45),
)


@given(schedules, days)
def test_every_period_from_a_day_on_waits_and_every_earlier_one_is_due(schedule: BillingSchedule, day: int) -> None:
    waiting = schedule.waiting_from(day)
    assert waiting == calendar.BEGINNING or waiting == calendar.month_start(waiting)
    for name in period.periods(number("2019-01-01"), day):
        assert schedule.due(name, day) == (period.first_day(name) < waiting)


@given(schedules, days)
def test_a_later_period_is_never_due_before_an_earlier_one(schedule: BillingSchedule, day: int) -> None:
    one = calendar.period_of(day)
    first, then = schedule.due_on(one), schedule.due_on(period.following(one))
    assert then is None or (first is not None and first <= then)
