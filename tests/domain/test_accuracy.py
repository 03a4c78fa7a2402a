"""Frozen forecasts and what became of them, against cases worked out by hand.

The week begins on Monday, 2 March 2026. Unless a test says otherwise a person works 2,400 minutes a week, 480 a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import accuracy, calendar
from app.domain.accuracy import (
    BOOKED,
    COUNT,
    DONE,
    KINDS,
    PROMISED,
    TRUE,
    Cell,
    Scope,
    Tally,
    Turn,
    add,
    cells,
    demand_tally,
    include,
    judge,
    mondays,
    outlook,
    place_of,
    record_row,
    score,
    turns,
    week_row,
)
from app.domain.availability import UNIT, Calendar, Career, Exact, Holidays, Off, standing_of
from app.domain.demand import Opening
from app.domain.ledger import APPROVED, SUBMITTED
from app.domain.money import MICRO
from app.domain.utilization import Booking, Window, Worked

MONDAY = 739_677
HARD, SOFT, PROPOSED, UNNAMED = range(4)


def career(*places: tuple[int, str]) -> Career:
    """Somebody who is in each of these practices from a day of the week on (0 is the Monday)."""
    its = places or ((0, "data"),)
    return Career(
        (MONDAY + day if day else 1, revision, standing_of({"weekly_minutes": 2_400, "practice": name}))
        for revision, (day, name) in enumerate(its, 1)
    )


def its_calendar(leave: Sequence[Off] = (), held: Career | None = None) -> Calendar:
    return Calendar(held or career(), Holidays(), lambda first, last: leave)


def booking(minutes: int, contract: str = "C-1", kind: str = "hard", probability: int = MICRO) -> Booking:
    """So many minutes a week, all of March."""
    return Booking(1, contract, MONDAY - 7, MONDAY + 30, minutes, None, kind, probability, billable=True)


def worked(minutes: int, contract: str = "C-1", day: int = 0, status: int = APPROVED) -> Worked:
    return Worked(status, MONDAY + day, minutes, 0, contract)


def scored(bookings: Sequence[Booking], entries: Sequence[Worked] | None, now: Career | None = None) -> Tally:
    """What the week of one person comes to, wherever the person was."""
    pledges = outlook(MONDAY, its_calendar(), bookings)
    total: Tally = {}
    for tally in score(MONDAY, career(), pledges, now or career(), entries).values():
        include(total, tally)
    return total


def minutes(tally: Tally, of: int) -> list[Exact]:
    """Of each kind, in minutes."""
    return [Fraction(tally.get(of + kind, 0)) / UNIT for kind in range(len(KINDS))]


# -- turns --------------------------------------------------------------------------------------------------------


def test_a_week_is_turned_by_the_tick_in_it_that_was_accepted_first() -> None:
    assert turns({7: (100, 9), 14: (200, 14)}) == {7: Turn(100, 9), 14: Turn(200, 14)}


def test_a_week_that_was_over_before_anything_ticked_in_it_was_never_turned() -> None:
    # The tick of week 21 was accepted at 150, the first one in week 14 at 200: what was known before is lost.
    assert turns({14: (200, 14), 21: (150, 21)}) == {21: Turn(150, 21)}


def test_of_two_ticks_accepted_at_once_the_lower_day_came_first() -> None:
    assert turns({7: (100, 7), 14: (100, 14)}) == {7: Turn(100, 7), 14: Turn(100, 14)}


def test_a_week_is_forecast_one_two_four_and_eight_weeks_ahead() -> None:
    # Week 70 is its own first week ahead, the second of week 63, the fourth of week 49, the eighth of week 21.
    turned = {monday: Turn(monday, monday) for monday in range(7, 140, 7)}
    [cell] = cells([70], turned, 100).values()
    assert {ahead: turn.on for ahead, turn in cell.forecasts.items()} == {1: 70, 2: 63, 4: 49, 8: 21}
    assert cell.over


def test_a_week_is_over_when_the_next_one_has_begun() -> None:
    turned = {MONDAY: Turn(1, MONDAY)}
    assert [cells([MONDAY], turned, MONDAY + day)[MONDAY].over for day in (0, 6, 7)] == [False, False, True]


def test_as_of_a_day_later_turns_have_not_happened() -> None:
    turned = {MONDAY: Turn(1, MONDAY), MONDAY + 7: Turn(2, MONDAY + 7)}
    assert cells([MONDAY + 7], turned, MONDAY + 3) == {MONDAY + 7: Cell({2: Turn(1, MONDAY)}, over=False)}


@pytest.mark.parametrize(
    ("window", "behind", "ahead"), [(Window(8, 26), 8, 7), (Window(0, 26), 0, 7), (Window(3, 2), 3, 2)]
)
def test_the_ledger_reaches_as_far_as_weeks_are_told_of_and_forecast(window: Window, behind: int, ahead: int) -> None:
    weeks = mondays(MONDAY + 2, window)
    assert (weeks[0], weeks[-1]) == (MONDAY - 7 * behind, MONDAY + 7 * ahead)


def test_the_ledger_ends_with_the_calendar() -> None:
    assert mondays(calendar.FOREVER, Window())[-1] <= calendar.FOREVER - 6


# -- what was promised --------------------------------------------------------------------------------------------


def test_promised_is_net_of_leave_times_the_probability() -> None:
    # 1,200 a week are 240 a day. 3.5 days are left: 840; of the soft 600, 420 at 60 % are 252.
    leave = [(MONDAY, MONDAY, None), (MONDAY + 1, MONDAY + 1, 240)]
    bookings = [booking(1_200), booking(600, "C-2", "soft", 600_000)]
    pledges = outlook(MONDAY, its_calendar(leave), bookings)
    [tally] = score(MONDAY, career(), pledges, career(), None).values()
    assert minutes(tally, BOOKED) == [840, 420, 0, 0]
    assert minutes(tally, PROMISED) == [840, 252, 0, 0]


def test_a_hard_booking_is_certain_whatever_probability_it_says() -> None:
    assert minutes(scored([booking(1_000, probability=100_000)], None), PROMISED) == [1_000, 0, 0, 0]


def test_a_total_falls_on_the_days_that_have_capacity_left() -> None:
    # 1,000 minutes from Thursday to the Monday after, the Friday off: Thursday and Monday, 500 each.
    total = Booking(1, "C-1", MONDAY + 3, MONDAY + 7, None, 1_000, "hard", MICRO, billable=True)
    [pledge] = outlook(MONDAY, its_calendar([(MONDAY + 4, MONDAY + 4, None)]), [total])
    assert pledge.days == (0, 0, 0, 500 * UNIT, 0, 0, 0)


def test_unnamed_demand_promises_its_week_times_its_probability() -> None:
    # 600 a week at 30 % are 180; of 500 that end on Tuesday, 200 at 50 % are 100.
    openings = {
        "D-1": Opening(0, MONDAY - 7, MONDAY + 30, 600, None, 300_000),
        "D-2": Opening(0, MONDAY - 7, MONDAY + 1, 500, "data", 500_000),
        "D-3": Opening(0, MONDAY + 5, MONDAY + 30, 600, None, MICRO),  # begins on the Saturday
    }
    tally = demand_tally(MONDAY, openings, ["D-2"])
    assert minutes(tally, BOOKED) == [0, 0, 0, 800]
    assert minutes(tally, PROMISED) == [0, 0, 0, 280]
    counted = {place: number for place, number in tally.items() if place not in (BOOKED + UNNAMED, PROMISED + UNNAMED)}
    expected: Tally = {}
    judge(expected, UNNAMED, 300_000, came_true=False)
    judge(expected, UNNAMED, 500_000, came_true=True)
    assert counted == expected


# -- what was done ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bookings", "entries", "done"),
    [
        # Time on a contract that nobody was booked on.
        ([booking(1_200)], [worked(900), worked(300, "C-9")], [900, 0, 0, 300]),
        # The firmest first, each up to its minutes: 1,200, 600, and of 300 proposed 100.
        (
            [booking(300, kind="proposed"), booking(600, kind="soft"), booking(1_200)],
            [worked(1_900)],
            [1_200, 600, 100, 0],
        ),
        # What exceeds them all goes to the firmest: 1,200 + 300, 600.
        ([booking(600, kind="soft"), booking(1_200)], [worked(2_100)], [1_500, 600, 0, 0]),
        ([booking(600, kind="soft")], [worked(700)], [0, 700, 0, 0]),
        # So does what is below 0.
        ([booking(600, kind="soft"), booking(1_200)], [worked(-60)], [-60, 0, 0, 0]),
        # A correction in the same week: 480 − 120.
        ([booking(600, kind="soft")], [worked(480), worked(-120, day=1)], [0, 360, 0, 0]),
        # Submitted is not done.
        ([booking(600)], [worked(480, status=SUBMITTED)], [0, 0, 0, 0]),
        ([], [worked(480)], [0, 0, 0, 480]),
    ],
)
def test_time_belongs_to_what_was_booked(bookings: list[Booking], entries: list[Worked], done: list[int]) -> None:
    assert minutes(scored(bookings, entries), DONE) == done


def test_nothing_is_done_before_the_week_is_over() -> None:
    assert minutes(scored([booking(600)], None), DONE) == [0, 0, 0, 0]


def test_a_booking_came_true_if_any_time_was_approved_on_its_contract() -> None:
    bookings = [booking(600, "C-1"), booking(600, "C-2", "soft", 650_000), booking(600, "C-3", "soft", 680_000)]
    tally = scored(bookings, [worked(15, "C-1"), worked(15, "C-2"), worked(30, "C-3"), worked(-30, "C-3", 4)])
    assert (tally[place_of(HARD, 9, COUNT)], tally[place_of(HARD, 9, TRUE)]) == (1, 1)
    assert (tally[place_of(SOFT, 6, COUNT)], tally[place_of(SOFT, 6, TRUE)]) == (2, 1)  # 30 − 30 is nothing


def test_a_promise_stays_where_it_was_made_and_time_counts_where_it_was_done() -> None:
    # Known then: in data all week. Known now: in cloud from Wednesday on. 500 were done in data, 700 in cloud.
    pledges = outlook(MONDAY, its_calendar(), [booking(2_000)])
    entries = [worked(500, day=1), worked(700, day=3)]
    found = score(MONDAY, career(), pledges, career((0, "data"), (2, "cloud")), entries)
    assert {practice: minutes(tally, PROMISED) for (_, practice, _), tally in found.items()} == {
        "data": [2_000, 0, 0, 0],
        "cloud": [0, 0, 0, 0],
    }
    assert {practice: minutes(tally, DONE) for (_, practice, _), tally in found.items()} == {
        "data": [500, 0, 0, 0],
        "cloud": [700, 0, 0, 0],
    }


def test_a_week_between_two_practices_is_promised_by_the_day() -> None:
    # 2,000 a week are 400 a day: two days in data, three in cloud.
    then = career((0, "data"), (2, "cloud"))
    found = score(MONDAY, then, outlook(MONDAY, its_calendar(held=then), [booking(2_000)]), then, None)
    assert {practice: minutes(tally, PROMISED)[HARD] for (_, practice, _), tally in found.items()} == {
        "data": 800,
        "cloud": 1_200,
    }


_bookings = st.lists(
    st.builds(
        booking,
        st.integers(0, 3_000),
        st.sampled_from(("C-1", "C-2")),
        st.sampled_from(("hard", "soft", "proposed")),
        st.integers(0, MICRO),
    ),
    max_size=4,
)
_entries = st.lists(
    st.builds(worked, st.integers(-600, 1_440), st.sampled_from(("C-1", "C-2", "C-3")), st.integers(0, 6)), max_size=6
)
_careers = st.sampled_from((career(), career((0, "data"), (2, "cloud")), career((0, "a"), (1, "b"), (4, "a"))))


@given(_bookings, _entries, _careers, _careers)
def test_kinds_add_up_to_all_that_was_done(
    bookings: list[Booking], entries: list[Worked], then: Career, now: Career
) -> None:
    pledges = outlook(MONDAY, its_calendar(held=then), bookings)
    found = score(MONDAY, then, pledges, now, entries)
    done = sum((sum(minutes(tally, DONE)) for tally in found.values()), Fraction(0))
    assert done == sum(entry.minutes for entry in entries)


@given(_bookings, _entries, _careers)
def test_what_was_put_into_a_sum_can_be_taken_out_to_the_last_bit(
    bookings: list[Booking], entries: list[Worked], then: Career
) -> None:
    pledges = outlook(MONDAY, its_calendar(held=then), bookings)
    tallies: list[Tally] = [*score(MONDAY, then, pledges, then, entries).values(), {BOOKED: Fraction(1, 3)}]
    total: Tally = {}
    for tally in tallies:
        include(total, tally)
    for tally in tallies[:-1]:
        include(total, tally, -1)
    assert total == tallies[-1]


# -- what is shown ------------------------------------------------------------------------------------------------


def tally_of(promised: int, done: int, kind: int = HARD) -> Tally:
    tally: Tally = {}
    add(tally, BOOKED + kind, promised * UNIT)
    add(tally, PROMISED + kind, promised * UNIT)
    add(tally, DONE + kind, done * UNIT)
    return tally


def cell(*, over: bool, ahead: int = 1) -> Cell:
    return Cell({ahead: Turn(1, MONDAY)}, over)


def test_a_row_says_nothing_of_what_was_done_before_the_week_is_over() -> None:
    row = week_row("practice", "data", MONDAY, MONDAY, cell(over=False), {1: tally_of(2_400, 0)})
    [forecast] = row["forecasts"]
    assert (row["week"], row["over"], forecast["weeks_ahead"], forecast["frozen_on"]) == (
        "2026-W10",
        False,
        1,
        "2026-03-02",
    )
    assert forecast["kinds"][0] == {
        "booking": "hard",
        "booked_minutes": 2_400,
        "forecast_minutes": 2_400,
        "actual_minutes": None,
        "error_minutes": None,
    }


def test_the_error_is_what_was_done_less_what_was_promised() -> None:
    row = week_row("practice", "data", MONDAY, MONDAY + 7, cell(over=True), {1: tally_of(2_400, 2_160)})
    [forecast] = row["forecasts"]
    assert [(one["booking"], one["error_minutes"]) for one in forecast["kinds"]] == [
        ("hard", -240),
        ("soft", 0),
        ("proposed", 0),
        ("unnamed", 0),
        ("all", -240),
    ]


def test_bias_and_absolute_error_are_ratios_of_sums() -> None:
    # Errors −240 and 120: −120 of 4,800 promised are −0.0250; 360 of 4,680 done are 0.0769. The mean of −0.1 and 0.05
    # would be −0.0250 too, so the third week breaks the tie: 600 promised, 1,200 done: 480 of 5,400, 960 of 5,880.
    weeks = [(cell(over=True), {1: tally_of(2_400, 2_160)}), (cell(over=True), {1: tally_of(2_400, 2_520)})]
    [hard, *_] = record_row("role", "engineer", MONDAY, weeks)["forecasts"][0]["kinds"]
    assert (hard["error_minutes"], hard["absolute_error_minutes"]) == (-120, 360)
    assert (hard["bias_ratio"], hard["absolute_error_ratio"]) == ("-0.0250", "0.0769")
    weeks.append((cell(over=True), {1: tally_of(600, 1_200)}))
    [hard, *_] = record_row("role", "engineer", MONDAY, weeks)["forecasts"][0]["kinds"]
    assert (hard["bias_ratio"], hard["absolute_error_ratio"]) == ("0.0889", "0.1633")


def test_errors_of_kinds_may_cancel_in_the_whole() -> None:
    # Hard 100 too little, soft 100 too much: the whole was right.
    tally = tally_of(1_000, 900)
    include(tally, tally_of(500, 600, SOFT))
    kinds = record_row("role", "engineer", MONDAY, [(cell(over=True), {1: tally})])["forecasts"][0]["kinds"]
    assert [one["absolute_error_minutes"] for one in kinds] == [100, 100, 0, 0, 0]


def test_a_record_counts_only_weeks_that_are_over_and_were_forecast_so_far_ahead() -> None:
    weeks = [
        (cell(over=True), {1: tally_of(10, 10)}),
        (cell(over=False), {1: tally_of(10, 0)}),
        (cell(over=True, ahead=2), {2: tally_of(10, 10)}),
        (Cell({}, over=True), {}),
    ]
    row = record_row("role", "engineer", MONDAY, weeks)
    assert [(one["weeks_ahead"], one["weeks"]) for one in row["forecasts"]] == [(1, 1), (2, 1), (4, 0), (8, 0)]


def test_without_a_base_there_is_no_ratio() -> None:
    [hard, *_] = record_row("role", "engineer", MONDAY, [(cell(over=True), {})])["forecasts"][0]["kinds"]
    assert (hard["bias_ratio"], hard["absolute_error_ratio"], hard["brier_score"]) == (None, None, None)


def test_calibration_counts_by_probability_and_the_brier_score_is_exact() -> None:
    # 0.6 and 0.65 came true, 0.6 and 0.3 did not: (0.16 + 0.1225 + 0.36 + 0.09) ÷ 4 = 0.7325 ÷ 4 = 0.183125.
    tally: Tally = {}
    for probability, came_true in ((600_000, True), (650_000, True), (600_000, False), (300_000, False)):
        judge(tally, SOFT, probability, came_true=came_true)
    soft = record_row("role", "engineer", MONDAY, [(cell(over=True), {1: tally})])["forecasts"][0]["kinds"][1]
    assert (soft["count"], soft["came_true"], soft["brier_score"]) == (4, 2, "0.1831")
    assert soft["calibration"] == [
        {
            "from_ratio": "0.3000",
            "to_ratio": "0.4000",
            "count": 1,
            "came_true": 0,
            "expected_ratio": "0.3000",
            "came_true_ratio": "0.0000",
        },
        {
            "from_ratio": "0.6000",
            "to_ratio": "0.7000",
            "count": 3,
            "came_true": 2,
            "expected_ratio": "0.6167",  # 1.85 ÷ 3
            "came_true_ratio": "0.6667",
        },
    ]


@pytest.mark.parametrize(
    ("probability", "bin_"), [(0, 0), (99_999, 0), (100_000, 1), (899_999, 8), (900_000, 9), (MICRO, 9)]
)
def test_only_the_last_bin_holds_its_upper_end(probability: int, bin_: int) -> None:
    assert accuracy.bin_of(probability) == bin_


def test_a_scope_is_told_to_the_firm_and_to_every_group_it_names() -> None:
    scope: Scope = ("engineer", None, "emea")
    assert accuracy.groups_of(scope) == [("firm", ""), ("role", "engineer"), ("region", "emea")]
