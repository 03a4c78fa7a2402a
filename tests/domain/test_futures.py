"""Futures of a contract: each number worked by hand, and laws over drawn histories."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.booked import Booking, Run, Schedule
from app.domain.calendar import number
from app.domain.futures import RUNS, Answer, Question, Week, _dealt, ask, history, in_order, splitmix
from app.domain.money import micro
from tests.domain.test_booked import agreed, hourly, priced, work

FRIDAY = number("2025-03-07")
NOTHING = Schedule()
HOURS = 60


def soft(*runs: Run, probability: int = 600_000, name: str = "A") -> Booking:
    return Booking("P-2", None, None, True, "soft", probability, runs, name)


def hard(*runs: Run) -> Booking:
    return Booking("P-1", None, None, True, "hard", 1_000_000, runs, "H")


def asked(schedule: Schedule, minutes: int | None, *weeks: Week, amount: int | None = None) -> Answer | None:
    return ask(Question("C-1", FRIDAY, (minutes, amount), weeks, schedule))


def days(answer: Answer | None) -> list[int | None]:
    assert answer is not None
    return list(answer.days)


def test_where_nothing_is_known_of_former_plans_all_goes_as_booked() -> None:
    # 187.5 h at 8 a day: the 24th working day after Friday 7 March, as `planned_on` says.
    plan = priced(agreed(), hard(work("2025-01-01", "2025-12-31")))
    answer = asked(plan, 11_250)
    assert days(answer) == [number("2025-04-10")] * 3
    assert answer is not None
    assert (answer.method, answer.weeks, answer.reached) == ("booked", 0, RUNS)


def test_a_plan_that_was_always_half_done_takes_twice_as_long() -> None:
    # Planned 40 h and done 20 in each of four weeks: 80 h are 4 weeks, until Friday 4 April.
    plan = priced(agreed(), hard(work("2025-01-01", "2025-12-31")))
    assert days(asked(plan, 80 * HOURS, *[Week(240_000, 1_200, 0)] * 4)) == [number("2025-04-04")] * 3


def test_three_weeks_are_too_few_to_go_by() -> None:
    plan = priced(agreed(), hard(work("2025-01-01", "2025-12-31")))
    assert days(asked(plan, 80 * HOURS, *[Week(240_000, 1_200, 0)] * 3)) == [number("2025-03-21")] * 3


def test_a_soft_booking_lands_in_as_many_futures_as_is_likely() -> None:
    # 20 h a week hard and 20 h soft at 60 %: 40 h last until Friday 14 March where it lands, in 120 of 200, else a week
    # longer.
    plan = priced(agreed(), hard(work("2025-03-10", "2025-12-31", 240)), soft(work("2025-03-10", "2025-12-31", 240)))
    week, later = number("2025-03-14"), number("2025-03-21")
    assert days(asked(plan, 40 * HOURS)) == [week, later, later]


def test_what_only_a_soft_booking_would_use_up_ends_in_no_more_futures() -> None:
    # 30 h of 40 are booked hard, 10 soft at 60 %.
    plan = priced(agreed(), hard(work("2025-03-10", "2025-03-14", 360)), soft(work("2025-03-10", "2025-03-14", 120)))
    answer = asked(plan, 40 * HOURS)
    assert answer == Answer("booked", 0, answer.seed if answer else 0, 120, (number("2025-03-14"), None, None))


def test_several_soft_bookings_land_each_for_itself() -> None:
    # Two at 50 %, either of which is enough: about three quarters of all futures, where they fell together or never
    # together it would be a half or all.
    its = [soft(work("2025-03-10", "2025-03-14"), probability=500_000, name=name) for name in ("A", "B")]
    answer = asked(priced(agreed(), *its), 40 * HOURS)
    assert answer is not None
    assert 120 < answer.reached < 180


def test_money_runs_out_by_the_rate_of_each_booking() -> None:
    # 8 h a day at 100.00 and 2,400.00 left: three working days, Wednesday 12 March; minutes have no budget.
    plan = priced(agreed(), hard(work("2025-01-01", "2025-12-31")), cards=(hourly("100"),))
    assert days(asked(plan, None, amount=micro("2400"))) == [number("2025-03-12")] * 3


def test_what_ends_first_is_the_end() -> None:
    plan = priced(agreed(), hard(work("2025-01-01", "2025-12-31")), cards=(hourly("100"),))
    assert days(asked(plan, 8 * HOURS, amount=micro("2400"))) == [number("2025-03-10")] * 3


def test_without_bookings_it_goes_on_as_before() -> None:
    # R30: 40 h a week, 187.5 left: 4.6875 weeks = 23.4375 working days, the 24th after Friday 7 March is 10 April.
    answer = asked(NOTHING, 11_250, *[Week(0, 2_400, 0)] * 4)
    assert days(answer) == [number("2025-04-10")] * 3
    assert answer is not None
    assert (answer.method, answer.weeks) == ("trailing", 4)


def test_weeks_before_anything_was_worked_do_not_count_and_idle_ones_after_do() -> None:
    # 13 weeks of which the first nine were before the work: 40, 0, 0, 40 h, a mean of 20. 20 h left: the half of all
    # weeks that are worked bring it by Wednesday of the first one.
    weeks = [*[Week(0, 0, 0)] * 9, Week(0, 2_400, 0), *[Week(0, 0, 0)] * 2, Week(0, 2_400, 0)]
    answer = asked(NOTHING, 20 * HOURS, *weeks)
    assert answer is not None
    assert (answer.weeks, answer.days[0]) == (4, number("2025-03-12"))
    assert asked(NOTHING, 20 * HOURS, *weeks[:-1]) is None  # three weeks are too few


def test_what_has_stopped_does_not_go_on() -> None:
    # 40 h in each of nine weeks, then three idle ones, then a fourth.
    weeks = [Week(0, 2_400, 0)] * 9
    assert asked(NOTHING, 20 * HOURS, *weeks, *[Week(0, 0, 0)] * 3) is not None
    assert asked(NOTHING, 20 * HOURS, *weeks, *[Week(0, 0, 0)] * 4) is None


def test_nothing_ends_later_than_in_a_year() -> None:
    # 1 h a week: 53 h would be used up in the 53rd week, which is not looked at; 52 h are.
    weeks = [Week(0, HOURS, 0)] * 4
    assert days(asked(NOTHING, 53 * HOURS, *weeks)) == [None] * 3
    assert days(asked(NOTHING, 52 * HOURS, *weeks)) == [FRIDAY + 52 * 7] * 3


def test_a_corrected_week_uses_nothing_rather_than_less() -> None:
    weeks = [Week(0, 2_400, 0), *[Week(0, -600, 0)] * 3]
    answer = asked(NOTHING, 40 * HOURS, *weeks)
    assert answer is not None
    assert answer.reached == RUNS


def test_the_mean_of_what_is_drawn_is_the_ratio_of_sums() -> None:
    # Planned 10 and 30 h: the second week has 150 of 200 places, whatever the ratios.
    places = _dealt([1_000, 3_000])
    assert [places.count(week) for week in (0, 1)] == [50, 150]


def test_the_history_is_thirteen_iso_weeks_before_this_one() -> None:
    # As of Friday 7 March (week 10): from Monday 2 December to Sunday 2 March.
    plan = priced(agreed(), hard(work("2025-01-01", "2025-12-31", 480)))
    worked = [(number("2024-12-02"), 60, 1), (number("2025-03-02"), 30, 2)]
    weeks = history(iter(worked), plan, FRIDAY)
    assert len(weeks) == 13
    # The contract is there from January on: 2 to 3 January are two days of 480 minutes.
    assert weeks[0] == Week(0, 60, 1)
    assert weeks[4] == Week(3 * 48_000, 0, 0)
    assert weeks[-1] == Week(240_000, 30, 2)


def test_draws_are_those_of_splitmix64() -> None:
    # The reference implementation from seed 0.
    known = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert list(islice(splitmix(0), 3)) == known


@given(st.integers(0, 2**40))
def test_an_order_holds_every_place_once(seed: int) -> None:
    assert sorted(in_order(seed, range(RUNS))) == list(range(RUNS))


WEEKS = st.lists(
    st.builds(Week, st.integers(0, 500_000), st.integers(-600, 9_000), st.integers(-(10**9), 10**10)),
    min_size=13,
    max_size=13,
)


@pytest.mark.parametrize("booked", [False, True])
@given(weeks=WEEKS, left=st.integers(1, 30_000), more=st.integers(0, 30_000))
def test_days_rise_with_the_chance_and_with_the_budget(booked: bool, weeks: list[Week], left: int, more: int) -> None:
    plan = priced(agreed(), hard(work("2025-03-10", "2025-06-30"))) if booked else NOTHING
    little, much = asked(plan, left, *weeks), asked(plan, left + more, *weeks)
    if little is None or much is None:
        assert little is much
        return
    far = FRIDAY + 1_000
    assert [day or far for day in little.days] == sorted(day or far for day in little.days)
    assert all((a or far) <= (b or far) for a, b in zip(little.days, much.days, strict=True))
    assert little.reached >= much.reached
