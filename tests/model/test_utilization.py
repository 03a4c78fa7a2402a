"""The slow model of people's weeks against figures worked out by hand; R35 to R45 of the rules of the trade.

2025-03-03 is a Monday, its week 2025-W10. Unless a test says otherwise somebody works 40 h a week: 2400 min, 480 a
day.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from .histories import Event
from .oracle import Staffing, recompute_staffing
from .test_oracle import said, worked
from .weeks import weeks_around

Data = dict[str, Any]

BEFORE, AFTER = date(2025, 2, 28), date(2025, 3, 31)
WEEK = "2025-W10"


def hired(resource_id: str = "P-1", revision: int = 1, start: str = "2025-01-01", **more: Any) -> Event:
    """On 40 h a week from `start` on, unless told otherwise."""
    data: Data = {"resource_id": resource_id, "revision": revision, "effective_from": start, "weekly_minutes": 2400}
    return said("resource.upserted", **(data | more))


def away(first: str, last: str, leave_id: str = "V-1", **more: Any) -> Event:
    data: Data = {"leave_id": leave_id, "revision": 1, "resource_id": "P-1", "from": first, "to": last}
    return said("leave.approved", **(data | more))


def holiday(day: str, holiday_id: str = "H-1", **more: Any) -> Event:
    data: Data = {"holiday_id": holiday_id, "revision": 1, "date": day}
    return said("holiday.set", **(data | more))


def booked(
    minutes: int,
    assignment_id: str = "A-1",
    kind: str = "booked",
    revision: int = 1,
    first: str = "2025-03-01",
    last: str = "2025-03-31",
    **more: Any,
) -> Event:
    """`minutes` a week of P-1 on C-1, all March unless told otherwise."""
    data: Data = {"assignment_id": assignment_id, "revision": revision, "resource_id": "P-1", "contract_id": "C-1"}
    span: Data = {"from": first, "to": last, "minutes_per_week": minutes}
    return said(f"assignment.{kind}", **(data | span | more))


def booked_whole(minutes: int, first: str, last: str) -> Event:
    """`minutes` in all."""
    return booked(0, first=first, last=last, minutes_per_week=None, minutes_total=minutes)


def asked(
    minutes: int,
    kind: str = "opened",
    revision: int = 1,
    first: str = "2025-03-01",
    last: str = "2025-03-31",
    **more: Any,
) -> Event:
    """`minutes` a week of an engineer, all March unless told otherwise."""
    data: Data = {"demand_id": "D-1", "revision": revision, "role": "engineer"}
    span: Data = {"from": first, "to": last, "minutes_per_week": minutes}
    return said(f"demand.{kind}", **(data | span | more))


def staffing(*events: Event, as_of: date = BEFORE) -> Staffing:
    return recompute_staffing(events, as_of)


def week(
    *events: Event, of: tuple[str, str] = ("resource", "P-1"), name: str = WEEK, as_of: date = BEFORE
) -> dict[str, Any]:
    return staffing(*events, as_of=as_of).weeks[(*of, name)]


def minutes(row: Data, *names: str) -> list[str]:
    return [row[f"{name}_minutes"] for name in names]


# -- bench and roll-off (R44) -------------------------------------------------------------------------------------


def test_the_bench_begins_where_bookings_end() -> None:
    # Booked whole until Friday 14 March (W11): that is the last week with anything planned. W12 to W35 (Monday
    # 25 August, the 26th after the week of 1 March) are 24 weeks of 2,400 minutes.
    events = [hired(), booked(2400, first="2025-01-01", last="2025-03-14")]
    assert staffing(*events, as_of=date(2025, 3, 1)).alerts["P-1"] == {
        "resource_id": "P-1",
        "as_of": "2025-03-01",
        "bench": {"from_week": "2025-W12", "weeks": 24, "free_minutes": "57600"},
        "roll_off": {"last_week": "2025-W11"},
        "stale": None,
    }
    # In W07 the roll-off is four weeks ahead and the bench five, in W06 neither is near.
    row = staffing(*events, as_of=date(2025, 2, 16)).alerts["P-1"]
    assert (row["bench"], row["roll_off"]) == (None, {"last_week": "2025-W11"})
    assert staffing(*events, as_of=date(2025, 2, 9)).alerts["P-1"]["roll_off"] is None


# -- capacity (R35, R36) ------------------------------------------------------------------------------------------


def test_capacity_is_the_calendar_without_holidays_and_leave() -> None:
    # R36: 40 h − 8 h holiday − 4 h leave = 28 h = 1680 min; billable 21 h of them are 75.00 %.
    row = week(
        hired(),
        holiday("2025-03-03"),
        away("2025-03-04", "2025-03-04", minutes_per_day=240),
        worked(1260, "2025-03-05"),
        as_of=AFTER,
    )
    assert minutes(row, "capacity", "holiday", "leave") == ["1680", "480", "240"]
    assert row["utilization_ratio"] == "0.7500"


def test_the_classes_of_time() -> None:
    # R36: 21 h billable, 4 h credited (training), 2 h excluded, all of 28 h. (21 + 4) ÷ 28 = 89.29 %,
    # 21 ÷ (28 − 2) = 80.77 %, (21 + 4) ÷ (28 − 2) = 96.15 %: whoever wants those ratios finds their parts here.
    row = week(
        hired(weekly_minutes=1680),
        worked(1260, "2025-03-03"),
        worked(240, "2025-03-04", "T-2", billable=False, category="training"),
        worked(120, "2025-03-05", "T-3", billable=False, category="leave"),
        worked(60, "2025-03-05", "T-4", billable=False),
        worked(30, "2025-03-05", "T-5", kind="submitted"),
        worked(15, "2025-03-05", "T-6", kind="submitted", billable=False, category="training"),
        as_of=AFTER,
    )
    billable, credited, excluded, capacity = (
        int(value) for value in minutes(row, "actual_billable", "actual_credited", "actual_excluded", "capacity")
    )
    assert (billable, credited, excluded, capacity) == (1260, 240, 120, 1680)
    assert round((billable + credited) / capacity, 4) == 0.8929
    assert round(billable / (capacity - excluded), 4) == 0.8077
    assert round((billable + credited) / (capacity - excluded), 4) == 0.9615
    assert row["actual_minutes"] == "1680"  # 1260 + 240 + 120 + 60; what is only submitted is not in it
    assert minutes(row, "submitted", "submitted_billable") == ["45", "30"]
    assert row["utilization_ratio"] == "0.7500"  # 1260 ÷ 1680


def test_an_entry_of_training_that_is_billable_is_billable() -> None:
    row = week(hired(), worked(60, "2025-03-03", category="training"), as_of=AFTER)
    assert minutes(row, "actual_billable", "actual_credited") == ["60", "0"]


def test_working_days_share_the_week() -> None:
    # 2000 min over Monday, Wednesday, Saturday: 666.67 each; the Saturday is leave, half the Monday too: 2000 − 666.67
    # − 200 = 1133.33.
    row = week(
        hired(weekly_minutes=2000, working_days=[1, 3, 6]),
        away("2025-03-08", "2025-03-09"),
        away("2025-03-03", "2025-03-04", "V-2", minutes_per_day=200),
    )
    assert minutes(row, "capacity", "leave") == ["1133.33", "866.67"]


def test_a_holiday_takes_the_day_before_leave_does() -> None:
    # Monday is a holiday in the middle of leave: it counts once. 480 holiday, 480 leave on Tuesday, 1440 left.
    row = week(hired(), holiday("2025-03-03"), away("2025-03-01", "2025-03-04"))
    assert minutes(row, "capacity", "holiday", "leave") == ["1440", "480", "480"]


def test_leave_never_takes_more_than_the_day() -> None:
    # 300 + 300 on a day of 480 take 480; the part of a day on Sunday takes nothing.
    row = week(
        hired(),
        away("2025-03-03", "2025-03-03", minutes_per_day=300),
        away("2025-03-03", "2025-03-03", "V-2", minutes_per_day=300),
        away("2025-03-09", "2025-03-09", "V-3", minutes_per_day=300),
    )
    assert minutes(row, "capacity", "leave") == ["1920", "480"]


def test_leave_that_was_cancelled_is_none() -> None:
    cancelled = said("leave.cancelled", leave_id="V-1", revision=2, resource_id="P-1")
    assert minutes(week(hired(), away("2025-03-03", "2025-03-07"), cancelled), "capacity", "leave") == ["2400", "0"]


def test_leave_of_one_name_is_each_persons_own() -> None:
    rows = staffing(
        hired(),
        hired("P-2"),
        away("2025-03-03", "2025-03-03"),
        away("2025-03-04", "2025-03-05", resource_id="P-2", revision=2),
    ).weeks
    assert rows["resource", "P-1", WEEK]["leave_minutes"] == "480"
    assert rows["resource", "P-2", WEEK]["leave_minutes"] == "960"


@pytest.mark.parametrize(("region", "capacity"), [("north", "1920"), ("south", "2400"), (None, "2400")])
def test_a_holiday_of_a_region_is_for_who_is_there(region: str | None, capacity: str) -> None:
    assert week(hired(region=region), holiday("2025-03-03", region="north"))["capacity_minutes"] == capacity


def test_a_move_to_another_region_brings_its_holidays() -> None:
    # North until Wednesday, where Monday is off; south from Thursday, where Friday is: 480 × 3.
    row = week(
        hired(region="north"),
        hired(revision=2, start="2025-03-06", region="south"),
        holiday("2025-03-03", region="north"),
        holiday("2025-03-07", "H-2", region="south"),
        holiday("2025-03-04", "H-3", region="south"),
    )
    assert row["capacity_minutes"] == "1440"


def test_holidays_of_one_day_count_once_and_none_when_removed() -> None:
    removed = said("holiday.removed", holiday_id="H-2", revision=2)
    events = [hired(), holiday("2025-03-03"), holiday("2025-03-03", "H-3"), holiday("2025-03-04", "H-2"), removed]
    assert minutes(week(*events), "capacity", "holiday") == ["1920", "480"]


def test_employment_begins_and_ends_within_a_week() -> None:
    # Tuesday to Thursday, both included: 3 × 480.
    row = week(hired(employed_from="2025-03-04", employed_to="2025-03-06"), booked(2400))
    assert minutes(row, "capacity", "planned") == ["1440", "1440"]


def test_before_the_first_effective_date_there_is_no_capacity() -> None:
    # From Wednesday on: 3 × 480.
    assert week(hired(start="2025-03-05"))["capacity_minutes"] == "1440"


def test_a_higher_revision_wins_though_it_took_effect_earlier() -> None:
    late = hired(revision=2, start="2025-01-01", weekly_minutes=1200)
    assert week(hired(start="2025-02-01"), late)["capacity_minutes"] == "1200"


def test_a_revision_stands_alone() -> None:
    # It says no minutes, so there are none: 2 × 480 up to Tuesday.
    silent = said("resource.upserted", resource_id="P-1", revision=2, effective_from="2025-03-05", role="engineer")
    assert week(hired(), silent)["capacity_minutes"] == "960"


def test_capacity_0_has_no_ratio() -> None:
    row = week(hired(weekly_minutes=0, target_ratio="0.8"), booked(600), worked(60, "2025-03-03"), as_of=AFTER)
    assert minutes(row, "capacity", "planned", "planned_net", "forecast", "bench") == ["0", "600", "0", "60", "0"]
    assert (row["utilization_ratio"], row["allocation_ratio"], row["target_ratio"]) == (None, None, "0.8000")
    assert row["overallocated"] is True


def test_who_is_only_named_has_rows_without_capacity() -> None:
    rows = staffing(worked(60, "2025-03-03", resource_id="P-9"), as_of=AFTER).weeks
    assert minutes(rows["resource", "P-9", WEEK], "capacity", "actual", "bench") == ["0", "60", "0"]
    assert len([key for key in rows if key[:2] == ("resource", "P-9")]) == 35


# -- planned (R40, R42) -------------------------------------------------------------------------------------------


def test_r42_forty_hours_over_a_week_with_a_holiday_are_ten_on_each_of_four_days() -> None:
    # Friday is a holiday: 2400 ÷ 4 = 600 each; to Wednesday 3 × 600. Odoo once put all 2400 on the first day.
    events = [hired(), holiday("2025-03-07"), booked_whole(2400, "2025-03-03", "2025-03-07")]
    row = week(*events, as_of=date(2025, 3, 5))
    assert minutes(row, "planned", "planned_net") == ["2400", "2400"]
    assert row["forecast_minutes"] == "600"  # Thursday alone is ahead and worked


def test_r42_forty_hours_over_a_week_are_eight_a_day() -> None:
    events = [hired(), booked_whole(2400, "2025-03-01", "2025-03-09")]
    for passed in range(5):
        row = week(*events, as_of=date(2025, 3, 3 + passed))
        assert row["forecast_minutes"] == str(480 * (4 - passed))


def test_a_total_over_weeks_goes_where_there_is_capacity() -> None:
    # 6 working days from Thursday to Thursday, one of them leave: 3000 ÷ 5 = 600; two this week, three the next.
    events = [hired(), away("2025-03-10", "2025-03-10"), booked_whole(3000, "2025-03-06", "2025-03-13")]
    rows = staffing(*events).weeks
    assert [rows["resource", "P-1", name]["planned_minutes"] for name in (WEEK, "2025-W11")] == ["1200", "1800"]


def test_a_total_on_a_day_of_half_leave_is_planned_whole_and_done_by_half() -> None:
    # 960 over two days: 480 each; of the one with 240 of 480 left, 240.
    events = [hired(), away("2025-03-03", "2025-03-03", minutes_per_day=240)]
    row = week(*events, booked_whole(960, "2025-03-03", "2025-03-04"))
    assert minutes(row, "planned", "planned_net") == ["960", "720"]


def test_a_total_without_a_day_to_do_it_is_not_planned() -> None:
    assert week(hired(), booked_whole(960, "2025-03-08", "2025-03-09"))["planned_minutes"] == "0"


def test_a_week_of_minutes_is_never_spread_again() -> None:
    # 2400 a week with Monday off: gross 2400, over-booked; net 4 × 480. From Thursday on: gross 960.
    row = week(hired(), holiday("2025-03-03"), booked(2400))
    assert minutes(row, "planned", "planned_net", "capacity") == ["2400", "1920", "1920"]
    assert (row["allocation_ratio"], row["overallocated"]) == ("1.2500", True)  # 2400 ÷ 1920
    assert week(hired(), booked(2400, first="2025-03-06"))["planned_minutes"] == "960"


def test_net_is_the_part_of_the_day_that_is_left() -> None:
    # 1200 a week = 240 a day; Monday has 120 of 480 left: 60. 60 + 4 × 240 = 1020.
    row = week(hired(), away("2025-03-03", "2025-03-03", minutes_per_day=360), booked(1200, billable=False))
    assert minutes(row, "planned", "planned_net", "planned_billable", "planned_net_billable") == [
        "1200",
        "1020",
        "0",
        "0",
    ]


def test_a_change_of_working_days_within_the_week_changes_the_share_of_a_day() -> None:
    # Monday, Tuesday at 1200 ÷ 5 = 240; from Wednesday on of 4 days (Wed to Sat) 300 each: 480 + 1200.
    row = week(hired(), hired(revision=2, start="2025-03-05", working_days=[3, 4, 5, 6]), booked(1200))
    assert row["planned_minutes"] == "1680"


def test_r41_committed_expected_and_maximum() -> None:
    # Capacity 32 h, hard 16, soft 8 at 60 %, pipeline 10 at 30 %: committed 50.00 %, expected 16 + 4.8 + 3 = 23.8 h,
    # maximum 16 + 8 + 10 = 34 h = 106.25 %, bench 16 h.
    result = staffing(
        hired(weekly_minutes=1920, role="engineer"),
        booked(960),
        booked(480, "A-2", booking="soft", probability_ratio="0.6"),
        asked(600, probability_ratio="0.3"),
    )
    row, gap = result.weeks["role", "engineer", WEEK], result.gaps["engineer", None, WEEK]
    assert (row["allocation_ratio"], row["bench_minutes"]) == ("0.5000", "960")
    assert minutes(row, "soft", "soft_weighted") == ["480", "288"]
    assert minutes(gap, "demand", "demand_weighted", "free") == ["600", "180", "960"]
    assert (row["expected_ratio"], row["maximum_ratio"]) == ("0.6500", "0.7500")  # 20.8 and 24 h of 32
    assert (gap["expected_ratio"], gap["maximum_ratio"]) == ("0.7438", "1.0625")  # 23.8 and 34 h of 32
    assert gap["gap_minutes"] == "-780"  # 180 − 960: people to spare


def test_soft_and_proposed_bookings_commit_nobody() -> None:
    row = week(
        hired(),
        booked(600, booking="soft"),
        booked(1000, "A-2", booking="proposed", probability_ratio="0.25"),
        booked(333, "A-3", booking="hard", probability_ratio="0.5"),
    )
    assert minutes(row, "planned", "forecast", "bench") == ["333", "333", "2067"]
    assert minutes(row, "soft", "soft_weighted", "proposed", "proposed_weighted") == ["600", "600", "1000", "250"]


def test_a_cancelled_booking_frees_the_person() -> None:
    cancelled = said("assignment.cancelled", assignment_id="A-1", revision=2)
    assert minutes(week(hired(), booked(600), cancelled), "planned", "bench") == ["0", "2400"]


def test_a_booking_that_moves_leaves_the_person_before() -> None:
    moved = booked(600, kind="changed", revision=2, resource_id="P-2")
    rows = staffing(hired(), hired("P-2"), booked(600), moved).weeks
    assert [rows["resource", who, WEEK]["planned_minutes"] for who in ("P-1", "P-2")] == ["0", "600"]


# -- actual and forecast (R43) ------------------------------------------------------------------------------------


def test_a_week_is_actual_up_to_as_of_and_planned_after() -> None:
    # Wednesday evening: 400 + 300 of three days are done (Thursday's 100 is not yet), 2 × 480 are planned.
    events = [
        hired(),
        booked(2400),
        worked(400, "2025-03-03"),
        worked(300, "2025-03-05", "T-2", billable=False),
        worked(100, "2025-03-06", "T-3"),
    ]
    row = week(*events, as_of=date(2025, 3, 5))
    assert minutes(row, "actual", "actual_billable") == ["700", "400"]
    assert minutes(row, "forecast", "forecast_billable", "bench") == ["1660", "1360", "740"]
    assert row["utilization_ratio"] == "0.5667"  # 1360 ÷ 2400 = 0.56666…


def test_past_weeks_are_what_was_done() -> None:
    row = week(hired(), booked(2400), worked(100, "2025-03-03"), as_of=AFTER)
    assert minutes(row, "forecast", "planned", "bench") == ["100", "2400", "2300"]


def test_what_is_taken_back_counts_no_more() -> None:
    events = [worked(100, "2025-03-03"), worked(0, "2025-03-03", kind="reversed", revision=2)]
    assert week(hired(), *events, as_of=AFTER)["actual_minutes"] == "0"
    assert week(hired(), worked(-30, "2025-03-03"), as_of=AFTER)["actual_minutes"] == "-30"


def test_an_entry_that_moves_to_another_person_leaves_the_first() -> None:
    moved = worked(100, "2025-03-11", kind="corrected", revision=2, resource_id="P-2")
    rows = staffing(hired(), worked(100, "2025-03-03"), moved, as_of=AFTER).weeks
    assert rows["resource", "P-1", WEEK]["actual_minutes"] == "0"
    assert rows["resource", "P-2", "2025-W11"]["actual_minutes"] == "100"


# -- roll-ups (R37, R39) ------------------------------------------------------------------------------------------


def test_r37_a_roll_up_is_a_ratio_of_sums() -> None:
    # 20 of 20 h and 30 of 40 h: 50 ÷ 60 = 83.33 %, not the mean of 100 % and 75 %.
    events = [
        hired(weekly_minutes=1200, role="engineer"),
        hired("P-2", role="engineer"),
        worked(1200, "2025-03-03"),
        worked(1200, "2025-03-04", "T-2", resource_id="P-2"),
        worked(600, "2025-03-05", "T-3", resource_id="P-2"),
    ]
    assert week(*events, of=("role", "engineer"), as_of=AFTER)["utilization_ratio"] == "0.8333"
    assert week(*events, of=("firm", "firm"), as_of=AFTER)["utilization_ratio"] == "0.8333"


def test_r39_a_day_belongs_to_the_role_held_on_it() -> None:
    # Engineer on Monday and Tuesday, architect after: 960 and 1440; time stays where it was worked.
    events = [
        hired(role="engineer", practice="data"),
        hired(revision=2, start="2025-03-05", role="architect", practice="data"),
        worked(100, "2025-03-04", role="architect"),
        worked(200, "2025-03-05", "T-2", role="engineer"),
    ]
    rows = staffing(*events, as_of=AFTER).weeks
    assert minutes(rows["role", "engineer", WEEK], "capacity", "actual") == ["960", "100"]
    assert minutes(rows["role", "architect", WEEK], "capacity", "actual") == ["1440", "200"]
    assert minutes(rows["practice", "data", WEEK], "capacity", "actual") == ["2400", "300"]
    assert rows["role", "architect", "2025-W09"]["capacity_minutes"] == "0"
    assert rows["role", "engineer", "2025-W11"]["capacity_minutes"] == "0"


def test_a_role_nobody_holds_any_more_keeps_its_rows() -> None:
    # What was published of it must come down to nothing, and stay so.
    renamed = hired(revision=2, start="2025-01-01", role="architect")
    rows = staffing(hired(role="engineer"), renamed).weeks
    assert rows["role", "engineer", WEEK]["capacity_minutes"] == "0"
    assert rows["role", "architect", WEEK]["capacity_minutes"] == "2400"


def test_nobody_is_busy_because_somebody_else_has_too_much() -> None:
    # P-1 has 3000 of 2400, P-2 none: 3000 ÷ 4800 allocated, and P-2's 2400 are free.
    events = [hired(practice="data"), hired("P-2", practice="data"), booked(3000)]
    row = week(*events, of=("practice", "data"))
    assert (row["allocation_ratio"], row["bench_minutes"], row["overallocated"]) == ("0.6250", "2400", False)


def test_a_group_has_the_target_of_its_capacity() -> None:
    # (1200 × 0.5 + 2400 × 0.8) ÷ 3600 = 0.7; who has no target is not asked.
    events = [
        hired(weekly_minutes=1200, practice="data", target_ratio="0.5"),
        hired("P-2", practice="data", target_ratio="0.8"),
        hired("P-3", practice="data"),
    ]
    assert week(*events, of=("practice", "data"))["target_ratio"] == "0.7000"
    assert week(*events)["target_ratio"] == "0.5000"
    assert week(*events, of=("resource", "P-3"))["target_ratio"] is None


def test_sums_are_rounded_once() -> None:
    # 1000 ÷ 3 = 333.33… each for Monday to Wednesday; three people who end on Monday: 1000, not 999.99.
    events = [
        hired(f"P-{n}", weekly_minutes=1000, working_days=[1, 2, 3], practice="data", employed_to="2025-03-03")
        for n in (1, 2, 3)
    ]
    assert week(*events)["capacity_minutes"] == "333.33"
    assert week(*events, of=("practice", "data"))["capacity_minutes"] == "1000"


# -- demand (R41, R44) --------------------------------------------------------------------------------------------


def gap(*events: Event, practice: str | None = None, as_of: date = BEFORE, name: str = WEEK) -> list[str]:
    row = staffing(*events, as_of=as_of).gaps["engineer", practice, name]
    return minutes(row, "demand", "demand_weighted", "free", "gap")


def test_r44_a_gap_is_demand_less_what_is_free_of_that_role() -> None:
    # P-1 has 2400 − 1800 = 600 left, P-2 is an architect: 1000 − 600.
    events = [hired(role="engineer"), hired("P-2", role="architect"), booked(1800), asked(1000)]
    assert gap(*events) == ["1000", "1000", "600", "400"]


def test_demand_is_spread_over_monday_to_friday() -> None:
    # 1000 ÷ 5 = 200 a day; from Thursday to Saturday two of them. A holiday takes of who is free, not of what is asked.
    events = [hired(role="engineer"), holiday("2025-03-06"), asked(1000, first="2025-03-06", last="2025-03-08")]
    assert gap(*events) == ["400", "400", "1920", "-1520"]


def test_what_lies_behind_can_be_staffed_no_more() -> None:
    # Thursday and Friday are left: 2 × 200 asked for, 2 × 480 − 2 × 120 free.
    events = [hired(role="engineer"), booked(600), asked(1000)]
    assert gap(*events, as_of=date(2025, 3, 5)) == ["400", "400", "720", "-320"]
    assert "2025-W09" not in {key[2] for key in staffing(*events, as_of=date(2025, 3, 5)).gaps}


def test_demand_of_a_practice_looks_there() -> None:
    people = [hired(role="engineer", practice="data"), hired("P-2", role="engineer", practice="cloud")]
    assert gap(*people, asked(1000, practice="data"), practice="data") == ["1000", "1000", "2400", "-1400"]
    assert gap(*people, asked(1000)) == ["1000", "1000", "4800", "-3800"]


def test_demand_that_is_filled_or_cancelled_is_none() -> None:
    for ended in ("filled", "cancelled"):
        assert gap(asked(1000), said(f"demand.{ended}", demand_id="D-1", revision=2)) == ["0", "0", "0", "0"]
    changed = asked(500, kind="changed", revision=2)
    assert gap(asked(1000), changed) == ["500", "500", "0", "500"]


def test_demand_shows_in_this_week_and_26_ahead_wherever_there_ever_was_any() -> None:
    rows = staffing(asked(1000), asked(1000, kind="changed", revision=2, practice="data")).gaps
    assert len(rows) == 2 * 27
    assert rows["engineer", "data", WEEK]["demand_minutes"] == "1000"
    assert rows["engineer", "data", "2025-W20"]["demand_minutes"] == "0"
    assert rows["engineer", None, WEEK]["demand_minutes"] == "0"


# -- calendars ----------------------------------------------------------------------------------------------------


def test_a_year_of_53_weeks_has_its_53rd() -> None:
    names = [one.name for one in weeks_around(date(2026, 12, 31))]
    assert names[0] == "2026-W45"
    assert names[8:10] == ["2026-W53", "2027-W01"]
    assert len(names) == 35


def test_the_week_of_new_year_is_one() -> None:
    # 2026-W53 is 28 December to 3 January: five working days, of which Friday is New Year's Day.
    row = week(
        hired(), holiday("2027-01-01"), worked(60, "2026-12-31"), worked(30, "2027-01-02", "T-2"), name="2026-W53",
        as_of=date(2027, 1, 4),
    )  # fmt: skip
    assert minutes(row, "capacity", "actual") == ["1920", "90"]


def test_a_leap_day_is_a_day() -> None:
    # 29 February 2028 is a Tuesday.
    row = week(hired(), holiday("2028-02-29"), name="2028-W09", as_of=date(2028, 2, 28))
    assert row["capacity_minutes"] == "1920"


def test_the_clock_change_moves_no_minutes() -> None:
    # The last Sunday of March has 23 hours where the clocks change; a day of work is as long as any.
    row = week(hired(working_days=[6, 7], weekly_minutes=960, time_zone="Europe/Berlin"), name="2025-W13")
    assert row["capacity_minutes"] == "960"


@pytest.mark.parametrize(
    ("as_of", "count"), [(date(1, 1, 1), 27), (date(1, 2, 1), 31), (date.max, 8), (date(2025, 3, 3), 35)]
)
def test_the_calendar_has_a_beginning_and_an_end(as_of: date, count: int) -> None:
    assert len(weeks_around(as_of)) == count
    assert len(staffing(hired(), as_of=as_of).weeks) == 2 * count  # the person's and the firm's
