"""Weeks of people and groups (domain.md R36–R45) against numbers worked out by hand.

2025-03-03 is a Monday, its week 2025-W10. Unless a test says otherwise somebody works 40 h a week, 480 minutes a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.domain import calendar
from app.domain.availability import UNIT, Calendar, Career, Holidays, Off, Standing, day_of, standing_of
from app.domain.demand import Opening, gap, wanted
from app.domain.ledger import APPROVED, SUBMITTED
from app.domain.utilization import (
    BILLABLE,
    CREDITED,
    EXCLUDED,
    FREE,
    HARD,
    NET,
    OTHER,
    PROPOSED,
    SOFT,
    WIDTH,
    WINDOW,
    Booking,
    Part,
    Window,
    Worked,
    class_of,
    last_target,
    memberships,
    row,
    runs,
    settled,
    show_minutes,
    staff,
    week,
    week_name,
)

MONDAY = calendar.number("2025-03-03")
FRIDAY = MONDAY + 4
BEFORE, AFTER = MONDAY - 1, MONDAY + 30


def standing(**said: object) -> Standing:
    return standing_of({"weekly_minutes": 2_400, "role": "engineer", "practice": "Data", **said})


def person(*holidays: int, leave: Sequence[Off] = (), **said: object) -> Calendar:
    days = Holidays()
    for day in holidays:
        days.put(f"H-{day}", day, None)
    return Calendar(Career([(1, 1, standing(**said))]), days, lambda first, last: leave)


def booked(weekly: int | None = None, *, total: int | None = None, **more: Any) -> Booking:
    its = {"first": MONDAY, "last": FRIDAY, "kind": HARD, "probability": 1_000_000, "billable": True, **more}
    return Booking(1, "C-1", its["first"], its["last"], weekly, total, its["kind"], its["probability"], its["billable"])


def done(minutes: int, day: int = MONDAY, kind: int = BILLABLE, status: int = APPROVED) -> Worked:
    return Worked(status, day, minutes, kind)


def shown(parts: list[Part], as_of: int = AFTER) -> dict[str, Any]:
    return row("resource", "P-1", MONDAY, as_of, settled(parts), last_target(parts))


# -- actual --------------------------------------------------------------------------------------------------------


def test_r36_utilization_is_billable_over_what_the_calendar_leaves() -> None:
    # 40 h − 8 h holiday − 4 h leave = 28 h; 21 h billable are 0.75; 4 h of training and 2 h of leave are told apart.
    its = person(MONDAY, leave=[(MONDAY + 1, MONDAY + 1, 240)])
    entries = [done(21 * 60), done(4 * 60, kind=CREDITED), done(2 * 60, kind=EXCLUDED), done(60, kind=OTHER)]
    told = shown(week(MONDAY, AFTER, its, [], entries))
    assert told["capacity_minutes"] == 28 * 60
    assert told["utilization_ratio"] == "0.7500"
    assert told["actual_minutes"] == 28 * 60
    assert (told["actual_credited_minutes"], told["actual_excluded_minutes"]) == (240, 120)
    # (21 + 4) ÷ 28 = 0.8929 and (21 + 4) ÷ (28 − 2) = 0.9615 can be had from these; the ratio published is the first.


def test_the_flag_decides_before_the_category() -> None:
    assert [class_of(name, billable=True) for name in ("training", "leave", None)] == [BILLABLE] * 3
    assert [class_of(name, billable=False) for name in ("training", "leave", "travel", None)] == [
        CREDITED,
        EXCLUDED,
        OTHER,
        OTHER,
    ]


def test_what_waits_for_approval_stands_apart_and_what_is_refused_nowhere() -> None:
    entries = [done(480), done(60, status=SUBMITTED), done(60, kind=OTHER, status=SUBMITTED), done(60, status=3)]
    told = shown(week(MONDAY, AFTER, person(), [], entries))
    assert (told["actual_minutes"], told["submitted_minutes"], told["submitted_billable_minutes"]) == (480, 120, 60)


def still_to_come(its: Calendar, booking: Booking) -> list[Any]:
    """What is planned after the Sunday before the week, after its Monday, and so on."""
    return [shown(week(MONDAY, as_of, its, [booking], []))["forecast_minutes"] for as_of in range(BEFORE, FRIDAY)]


# -- planned -------------------------------------------------------------------------------------------------------


def test_r42_forty_hours_over_a_week_with_a_holiday_are_ten_on_each_of_four_days() -> None:
    # Odoo once put all of them on the first day. 2,400 ÷ 4 = 600; the holiday has none.
    assert still_to_come(person(MONDAY + 2), booked(total=2_400)) == [2_400, 1_800, 1_200, 1_200, 600]


def test_r42_forty_hours_over_a_week_are_eight_a_day() -> None:
    assert still_to_come(person(), booked(total=2_400)) == [2_400, 1_920, 1_440, 960, 480]


def test_a_week_of_minutes_is_never_spread_again() -> None:
    # 2,000 ÷ 5 = 400 a day, on the holiday too: 2,000 gross, 1,600 net of it.
    told = shown(week(MONDAY, BEFORE, person(MONDAY), [booked(2_000)], []), BEFORE)
    assert (told["planned_minutes"], told["planned_net_minutes"]) == (2_000, 1_600)


def test_over_allocated_is_gross_above_capacity() -> None:
    for holiday, over in ((), False), ((MONDAY,), True):
        assert shown(week(MONDAY, BEFORE, person(*holiday), [booked(2_400)], []))["overallocated"] is over


def test_net_is_the_part_of_the_day_that_leave_leaves() -> None:
    # 2,400 ÷ 5 × 380 ÷ 480 on the day with 100 minutes of leave: 1,920 + 380.
    its = person(leave=[(MONDAY, MONDAY, 100)])
    told = shown(week(MONDAY, BEFORE, its, [booked(2_400)], []))
    assert (told["planned_net_minutes"], told["leave_minutes"], told["capacity_minutes"]) == (2_300, 100, 2_300)


def test_fractions_are_rounded_once() -> None:
    # 1,000 ÷ 3 × 2 days = 666.666…; a person of 3 days a week who is booked for two of them.
    its = person(working_days=[1, 2, 3])
    told = shown(week(MONDAY, BEFORE, its, [booked(1_000, last=MONDAY + 1)], []))
    assert told["planned_minutes"] == "666.67"
    assert told["allocation_ratio"] == "0.2778"  # 666.666… ÷ 2,400


def test_what_rounds_to_nothing_has_no_sign() -> None:
    """A 420th of a minute is 0.0024, three of them are 0.0071."""
    assert [show_minutes(units) for units in (1, -1, 3, -3, 0)] == ["0.00", "0.00", "0.01", "-0.01", 0]


def test_r41_committed_expected_and_maximum() -> None:
    # Capacity 32 h (a holiday), 16 h hard, 8 h soft at 60 %: 4.8 h; 10 h of demand at 30 %: 3 h.
    its = person(FRIDAY)
    days = {"last": MONDAY + 3}
    bookings = [booked(total=16 * 60, **days), booked(total=8 * 60, kind=SOFT, probability=600_000, **days)]
    told = shown(week(MONDAY, BEFORE, its, bookings, []), BEFORE)
    assert told["allocation_ratio"] == "0.5000"
    assert (told["planned_minutes"], told["soft_minutes"], told["soft_weighted_minutes"]) == (960, 480, 288)
    wants = wanted(MONDAY, BEFORE, [Opening(1, MONDAY, FRIDAY, 600, None, 300_000)])
    assert wants == (600 * UNIT, 180 * UNIT)
    # Of what is booked 20.8 of 32 h, at most 24. With the demand 16 + 4.8 + 3 = 23.8 of 32 h = 0.74375; at most
    # 16 + 8 + 10 = 34 h, 1.0625.
    assert (told["expected_ratio"], told["maximum_ratio"]) == ("0.6500", "0.7500")
    figures = settled(week(MONDAY, BEFORE, its, bookings, []))
    row = gap("engineer", None, MONDAY, BEFORE, wants, figures)
    assert (row["expected_ratio"], row["maximum_ratio"]) == ("0.7438", "1.0625")
    assert told["bench_minutes"] == 16 * 60


def test_what_is_proposed_is_in_nothing_else() -> None:
    told = shown(week(MONDAY, BEFORE, person(), [booked(1_000, kind=PROPOSED, probability=250_000)], []), BEFORE)
    assert (told["planned_minutes"], told["soft_minutes"]) == (0, 0)
    assert (told["proposed_minutes"], told["proposed_weighted_minutes"]) == (1_000, 250)


# -- forecast ------------------------------------------------------------------------------------------------------


def test_r43_a_week_is_what_was_done_and_then_what_is_planned() -> None:
    # As of Tuesday: 300 + 400 done, and 480 on each of three days to come.
    entries = [done(300), done(400, MONDAY + 1), done(480, MONDAY + 2)]
    told = shown(week(MONDAY, MONDAY + 1, person(), [booked(2_400)], entries), MONDAY + 1)
    assert (told["actual_minutes"], told["forecast_minutes"], told["bench_minutes"]) == (700, 2_140, 260)


def test_capacity_0_has_no_ratio_and_what_is_planned_is_too_much() -> None:
    told = shown(week(MONDAY, BEFORE, person(weekly_minutes=0, target_ratio="0.8"), [booked(100)], []), BEFORE)
    assert told["utilization_ratio"] is told["allocation_ratio"] is None
    assert told["target_ratio"] == "0.8000"
    assert (told["planned_minutes"], told["planned_net_minutes"], told["overallocated"]) == (100, 0, True)


# -- groups --------------------------------------------------------------------------------------------------------


def test_r37_a_roll_up_is_a_ratio_of_sums() -> None:
    # 20 of 20 h and 30 of 40 h: 50 ÷ 60 = 0.8333. The mean of 1 and 0.75 would be 0.8750.
    half = week(MONDAY, AFTER, person(weekly_minutes=1_200), [], [done(1_200)])
    full = week(MONDAY, AFTER, person(), [], [done(1_800)])
    both = [a + b for a, b in zip(*(memberships(parts)["role", "engineer"] for parts in (half, full)), strict=True)]
    assert row("role", "engineer", MONDAY, AFTER, tuple(both))["utilization_ratio"] == "0.8333"


def test_r39_a_day_belongs_to_the_group_held_on_it() -> None:
    # From Wednesday an analyst of the same practice: 2 days and 3.
    career = Career([(1, 1, standing()), (MONDAY + 2, 2, standing(role="analyst"))])
    parts = week(
        MONDAY, AFTER, Calendar(career, Holidays(), lambda first, last: ()), [], [done(480), done(240, FRIDAY)]
    )
    its = {group: row(*group, MONDAY, AFTER, figures) for group, figures in memberships(parts).items()}
    assert {group: told["capacity_minutes"] for group, told in its.items()} == {
        ("firm", ""): 2_400,
        ("practice", "Data"): 2_400,
        ("role", "engineer"): 960,
        ("role", "analyst"): 1_440,
        staff("engineer", "Data"): 960,
        staff("analyst", "Data"): 1_440,
    }
    assert (its["role", "engineer"]["actual_minutes"], its["role", "analyst"]["actual_minutes"]) == (480, 240)


def test_nobody_is_busy_because_of_what_another_does_too_much() -> None:
    # 600 minutes over on Monday and Tuesday do not fill the other role's three free days.
    career = Career([(1, 1, standing()), (MONDAY + 2, 2, standing(role="analyst"))])
    parts = week(MONDAY, AFTER, Calendar(career, Holidays(), lambda first, last: ()), [], [done(1_560)])
    its = {group: row(*group, MONDAY, AFTER, figures)["bench_minutes"] for group, figures in memberships(parts).items()}
    assert (its["role", "engineer"], its["role", "analyst"], its["practice", "Data"]) == (0, 1_440, 840)


def test_r44_a_gap_is_what_is_wanted_less_what_is_free() -> None:
    # 2,400 a week at 50 %: as of Tuesday 3 of 5 days are left, 1,440 and 720; 960 are free: 240 more than is wanted.
    wants = wanted(MONDAY, MONDAY + 1, [Opening(1, MONDAY, FRIDAY + 30, 2_400, "Data", 500_000)])
    staff = tuple(960 * UNIT if place == FREE else 0 for place in range(WIDTH))
    told = gap("engineer", "Data", MONDAY, MONDAY + 1, wants, staff)
    assert [told[f"{name}_minutes"] for name in ("demand", "demand_weighted", "free", "gap")] == [1_440, 720, 960, -240]


# -- weeks ---------------------------------------------------------------------------------------------------------


def test_a_year_of_53_weeks_has_its_53rd_and_new_year_lies_in_one_week() -> None:
    assert [week_name(calendar.number(day)) for day in ("2026-12-28", "2027-01-04", "2024-12-30", "2020-12-28")] == [
        "2026-W53",
        "2027-W01",
        "2025-W01",
        "2020-W53",
    ]


def test_the_window_is_8_weeks_behind_and_26_ahead_as_far_as_there_are_days() -> None:
    mondays = WINDOW.mondays(calendar.number("2025-03-09"))
    assert (len(mondays), mondays[8], week_name(mondays[0]), week_name(mondays[-1])) == (
        35,
        MONDAY,
        "2025-W02",
        "2025-W36",
    )
    assert list(Window(1, 1).mondays(calendar.BEGINNING)) == [1, 8]
    assert WINDOW.mondays(calendar.FOREVER)[-1] + 6 <= calendar.FOREVER


# -- what a booking comes to ---------------------------------------------------------------------------------------

days = st.integers(0, 40).map(lambda day: MONDAY + day)
spans = st.tuples(days, days).map(lambda pair: (min(pair), max(pair)))
calendars = st.builds(
    lambda held, off, leave: person_of(held, off, [(*span, minutes) for span, minutes in leave]),
    st.lists(
        st.tuples(
            days,
            st.integers(1, 9),
            st.sampled_from((0, 1_000, 2_400)),
            st.sets(st.integers(1, 7), min_size=1),
        ),
        min_size=1,
        max_size=3,
    ),
    st.sets(days),
    st.lists(st.tuples(spans, st.sampled_from((None, 0, 100))), max_size=2),
)


def person_of(held: list[tuple[int, int, int, set[int]]], off: set[int], leave: list[Off]) -> Calendar:
    holidays = Holidays()
    for day in off:
        holidays.put(f"H-{day}", day, None)
    career = Career(
        (first, number, standing(weekly_minutes=weekly, working_days=sorted(weekdays)))
        for first, number, weekly, weekdays in held
    )
    return Calendar(career, holidays, lambda first, last: leave)


@given(calendars, spans, st.sampled_from(((1_000, None), (None, 4_801))))
def test_the_plan_of_a_contract_is_what_the_persons_weeks_say(
    its: Calendar, span: tuple[int, int], amount: tuple[int | None, int | None]
) -> None:
    booking = booked(amount[0], total=amount[1], first=span[0], last=span[1])
    by_day: dict[int, Fraction] = {}
    last = 0
    for run in runs(booking, its):
        assert last < run.first <= run.last
        last = run.last
        for day in range(run.first, run.last + 1):
            if run.weekdays >> (day - 1) % 7 & 1:
                by_day[day] = Fraction(run.minutes, run.per)
    for day in range(MONDAY, MONDAY + 48):
        now = its.career.on(day)
        offered = day_of(day, now, its.holidays, its.leave(day, day)) if now is not None and now.works(day) else None
        assert by_day.get(day, 0) == 0 or (offered is not None and offered.net > 0)
    mondays = range(MONDAY, MONDAY + 48, 7)
    weeks = [settled(week(monday, BEFORE, its, [booking], []))[NET] for monday in mondays]
    assert [Fraction(minutes) for minutes in weeks] == [
        sum((by_day.get(day, Fraction(0)) for day in range(monday, monday + 7)), Fraction(0)) * UNIT
        for monday in mondays
    ]
