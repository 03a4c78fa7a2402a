"""Working days, holidays and weeks (workalendar, business-duration): where calendars count wrong by one."""

from __future__ import annotations

import pytest

from tests.cases.asked import ask
from tests.model.test_oracle import contract, line, rate, said, worked
from tests.model.test_utilization import away, booked, booked_whole, hired, holiday


def capacity(told: object, week: str, person: str = "P-1") -> str:
    capacity: str = told.weeks["resource", person, week]["capacity_minutes"]  # type: ignore[attr-defined]
    return capacity


@pytest.mark.parametrize(
    ("day", "week"),
    [
        ("2020-12-31", "2020-W53"),
        ("2021-01-03", "2020-W53"),  # a Sunday
        ("2021-01-04", "2021-W01"),
        ("2024-12-30", "2025-W01"),
        ("2026-12-31", "2026-W53"),
        ("2027-01-01", "2026-W53"),
        ("2027-01-03", "2026-W53"),
        ("2023-01-01", "2022-W52"),
    ],
)
def test_the_days_around_new_year_are_in_their_iso_week(day: str, week: str) -> None:
    year = int(day[:4]) + (day[5:7] == "12")
    told = ask([hired(start="2020-01-01"), worked(60, day)], f"{year}-01-20")
    assert told.weeks["resource", "P-1", week]["actual_minutes"] == "60"


def test_the_window_is_8_weeks_back_and_26_ahead() -> None:
    told = ask([hired()], "2025-01-01")
    weeks = sorted(week for kind, _, week in told.weeks if kind == "resource")
    assert (weeks[0], weeks[-1], len(weeks)) == ("2024-W45", "2025-W27", 35)


def test_leap_day_is_worked_and_counted() -> None:
    # 26 February to 1 March 2024, Monday to Friday; the 29th is a Thursday of February.
    events = [
        hired(start="2024-01-01"),
        contract(start="2024-01-01"),
        rate("60", "2024-01-01"),
        worked(60, "2024-02-29"),
    ]
    told = ask(events, "2024-03-31")
    assert capacity(told, "2024-W09") == "2400"
    assert told.burn()["by_period"] == {"2024-02": {"minutes": 60, "amount": "60.00"}}


def test_no_clock_change_makes_a_day_of_23_hours() -> None:
    # Europe changes its clocks on 30 March and 26 October 2025: both are Sundays, and 24 h are 1440 min on each.
    events = [hired(working_days=[7], weekly_minutes=480, time_zone="Europe/Berlin"), worked(1440, "2025-03-30")]
    told = ask(events, "2025-04-01")
    week = told.weeks["resource", "P-1", "2025-W13"]
    assert (week["capacity_minutes"], week["actual_minutes"]) == ("480", "1440")


def test_a_holiday_on_a_free_day_takes_nothing() -> None:
    told = ask([hired(), holiday("2025-03-08")], "2025-03-03")  # a Saturday
    week = told.weeks["resource", "P-1", "2025-W10"]
    assert (week["capacity_minutes"], week["holiday_minutes"]) == ("2400", "0")


def test_a_week_from_sunday_to_thursday() -> None:
    # 2400 ÷ 5 = 480 on Sunday the 9th, too; Friday the 7th is free whatever holiday it is.
    told = ask([hired(working_days=[7, 1, 2, 3, 4]), holiday("2025-03-07"), holiday("2025-03-09", "H-2")], "2025-03-03")
    assert capacity(told, "2025-W10") == "1920"


def test_a_week_of_seven_days_is_fractions_that_add_up() -> None:
    # 2400 ÷ 7 = 342.857…; a holiday leaves 6 × that = 2057.142…, said once with two places
    told = ask([hired(working_days=[1, 2, 3, 4, 5, 6, 7]), holiday("2025-03-05")], "2025-03-03")
    assert capacity(told, "2025-W10") == "2057.14"


def test_leave_that_spans_a_weekend_takes_working_days_only() -> None:
    told = ask([hired(), away("2025-03-07", "2025-03-10")], "2025-03-03")
    assert [capacity(told, week) for week in ("2025-W10", "2025-W11")] == ["1920", "1920"]


def test_half_days_of_leave_and_two_leaves_of_one_day() -> None:
    # 240 + 300 of 480: the day is gone, not more
    events = [hired(), away("2025-03-03", "2025-03-03", minutes_per_day=240)]
    events.append(away("2025-03-03", "2025-03-03", "V-2", minutes_per_day=300))
    told = ask(events, "2025-03-03")
    week = told.weeks["resource", "P-1", "2025-W10"]
    assert (week["capacity_minutes"], week["leave_minutes"]) == ("1920", "480")


def test_the_24th_working_day_and_a_holiday_in_between() -> None:
    # 30,000 min budget, 18,750 used, 2,400 a week: 23.4375 working days after Friday 7 March are the 24th: 10 April,
    # with a holiday on Monday 17 March 11 April. By the calendar ⌈11,250 ÷ (9,600 ÷ 28)⌉ = 33 days: 9 April.
    used = [worked(1440, "2025-01-13", f"E-{n}", resource_id=f"P-{n}") for n in range(6)]
    used.append(worked(510, "2025-01-13", "E-6", resource_id="P-6"))
    for number, (day, minutes) in enumerate(
        (("2025-02-14", 1200), ("2025-02-21", 1320), ("2025-02-28", 1080), ("2025-03-07", 1200))
    ):
        used += [worked(minutes, day, f"E-1{number}{n}", resource_id=f"P-{n}") for n in (0, 1)]
    agreed = [contract(line(budget={"minutes": 30000})), *used]
    plain = ask(agreed, "2025-03-07").burn()
    assert (plain["ratio"]["minutes"], plain["per_week"]["minutes"]) == ("0.6250", "2400")
    assert (plain["exhaustion"]["minutes_on"], plain["exhaustion"]["working_on"]) == ("2025-04-09", "2025-04-10")
    with_holiday = ask([*agreed, holiday("2025-03-17")], "2025-03-07").burn()
    assert with_holiday["exhaustion"]["working_on"] == "2025-04-11"


def test_the_window_of_use_is_28_days_with_both_ends() -> None:
    # As of 28 March the window begins on 1 March: 60 min there count, 60 min on 28 February do not. 60 ÷ 4 = 15 a week.
    agreed = [contract(line(budget={"minutes": 600})), worked(60, "2025-02-28"), worked(60, "2025-03-01", "T-2")]
    row = ask(agreed, "2025-03-28").burn()
    assert row["per_week"]["minutes"] == "15"
    # remaining 480 ÷ (60 ÷ 28) = 224 days
    assert row["exhaustion"]["minutes_on"] == "2025-11-07"


def test_use_that_would_last_for_more_than_a_lifetime_has_no_end() -> None:
    # 28 min in the window are 1 a day: 36,499 min end on the last day that is said, 36,500 never.
    for budget, ends in ((36_499 + 28, True), (36_500 + 28, False)):
        agreed = [contract(line(budget={"minutes": budget})), worked(28, "2025-03-28")]
        assert (ask(agreed, "2025-03-28").burn()["exhaustion"]["minutes_on"] is not None) is ends


def test_an_assignment_ends_on_its_last_day() -> None:
    # 3 to 5 March inclusive: three of five days of 1200 = 720
    told = ask([hired(), booked(1200, first="2025-03-03", last="2025-03-05")], "2025-02-28")
    assert told.weeks["resource", "P-1", "2025-W10"]["planned_minutes"] == "720"


def test_forty_hours_spread_over_days_with_capacity() -> None:
    # Odoo #22617 put all on the first day. Here 8 h on each; as of Wednesday two days are still to come.
    told = ask([hired(), booked_whole(2400, "2025-03-03", "2025-03-07")], "2025-03-05")
    week = told.weeks["resource", "P-1", "2025-W10"]
    assert (week["planned_minutes"], week["forecast_minutes"]) == ("2400", "960")


def test_employment_that_ends_takes_the_plan_with_it() -> None:
    told = ask([hired(employed_to="2025-03-04"), booked(2400)], "2025-02-28")
    week = told.weeks["resource", "P-1", "2025-W10"]
    assert (week["capacity_minutes"], week["planned_minutes"]) == ("960", "960")


def test_soft_bookings_are_weighted_and_shown_apart() -> None:
    # Forecast: 20 h hard, 10 h tentative at 50 %: 5 h weighted; utilization is that of hard ones: 1200 ÷ 2400
    events = [hired(), booked(1200), booked(600, "A-2", booking="soft", probability_ratio="0.5")]
    week = ask(events, "2025-02-28").weeks["resource", "P-1", "2025-W10"]
    assert (week["planned_minutes"], week["soft_minutes"], week["soft_weighted_minutes"]) == ("1200", "600", "300")
    assert week["utilization_ratio"] == "0.5000"


def test_a_roll_up_is_never_a_mean_of_ratios() -> None:
    # 20 of 20 h and 30 of 40 h: 50 of 60 = 0.8333
    people = [hired(role="dev", weekly_minutes=1200), hired("P-2", role="dev")]
    plans = [booked(1200), booked(1800, "A-2", resource_id="P-2")]
    assert ask([*people, *plans], "2025-02-28").weeks["role", "dev", "2025-W10"]["utilization_ratio"] == "0.8333"


def test_time_for_a_contract_nobody_approved_is_worked_all_the_same() -> None:
    told = ask([hired(), worked(480, contract_id="C-9")], "2025-03-31")
    assert told.weeks["resource", "P-1", "2025-W10"]["actual_minutes"] == "480"
    assert told.ready("C-9")["state"] == "blocked"
    assert told.summary["records"]["parked"] == 1


def test_a_week_told_on_another_day_of_it_is_the_same_plan() -> None:
    events = [hired(), booked(2400), said("clock.ticked", on="2025-03-05")]
    weeks = [
        ask(events, day).weeks["resource", "P-1", "2025-W11"]["planned_minutes"] for day in ("2025-03-03", "2025-03-09")
    ]
    assert weeks == ["2400", "2400"]
