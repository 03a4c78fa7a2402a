"""Hours and money used against budget, the rate of use, and the day it runs out."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from app.domain.burn import Position, crossings, row, threshold_rows
from app.domain.ledger import Row
from app.domain.terms import Agreement
from tests.domain.ledgers import amended, approved, card, line, position, rates, worked


def budgeted(**budget: Any) -> Agreement:
    return Agreement([approved(effective_from="2024-01-01", term={"from": "2024-01-01"}, lines=[line(budget=budget)])])


def weeks(first: str, *hours: int) -> dict[str, Row]:
    """That many hours in each week, on its first five days; `first` is a Monday."""
    start = date.fromisoformat(first)
    return {
        f"T-{number}-{place}": worked(str(start + timedelta(days=7 * number + place)), one * 12)
        for number, one in enumerate(hours)
        for place in range(5)
    }


def dates(where: Position) -> dict[str, str | None]:
    found: dict[str, str | None] = row(where, None)["exhaustion"]
    return found


# -- rule R30, the worked example -------------------------------------------------------------------------------------


def example(*holidays: str) -> Position:
    # 500 h of budget; 152.5 h long ago, then 40, 44, 36 and 40 h in the four weeks up to Friday 7 March 2025: 312.5 h.
    by = rates(card("R-1", "0", effective_from="2024-01-01"))
    rows = {"T-0": worked("2024-06-03", 9150), **weeks("2025-02-10", 40, 44, 36, 40)}
    return position(budgeted(minutes=30_000), rows, "2025-03-07", by=by, holidays=holidays)


def test_worked_example_burn() -> None:
    found = row(example(), None)
    assert found["approved"]["billable_minutes"] == 312.5 * 60
    assert found["ratio"]["minutes"] == "0.6250"
    assert found["remaining"]["minutes"] == 187.5 * 60
    assert found["per_week"]["minutes"] == str(40 * 60)
    assert found["thresholds"]["minutes"] == [50]


def test_worked_example_burn_exhaust_no_holiday() -> None:
    # 187.5 ÷ 40 = 4.6875 weeks = 23.4375 working days: the 24th working day after Friday 7 March is 10 April.
    assert dates(example())["working_on"] == "2025-04-10"
    # In calendar days: ⌈187.5 ÷ (160 ÷ 28)⌉ = ⌈32.8125⌉ = 33 days after 7 March.
    assert dates(example())["minutes_on"] == "2025-04-09"


def test_worked_example_burn_exhaust() -> None:
    assert dates(example("2025-03-17"))["working_on"] == "2025-04-11"
    # A holiday on a Saturday, or past already, takes no working day away.
    assert dates(example("2025-03-15", "2025-03-06"))["working_on"] == "2025-04-10"


# -- the window -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "per_week"), [("2026-03-03", "0"), ("2026-03-04", "15")])
def test_the_window_is_28_days_up_to_as_of(first: str, per_week: str) -> None:
    # As of 31 March the window begins on 4 March; 60 minutes in it are 15 a week.
    where = position(budgeted(minutes=600), {"A": worked(first, 60)}, "2026-03-31")
    assert row(where, None)["per_week"]["minutes"] == per_week


def test_money_per_week_is_rounded_once_to_the_currency() -> None:
    # In four weeks 61 min at 60.00 an hour are 61.00: 15.25 a week; 1 min 1.00: 0.25; 60 min at 3.33: 0.8325 → 0.83.
    found = [
        row(position(budgeted(), {"A": worked("2026-03-02", m)}, "2026-03-02", by=rates(card("R", a))), None)
        for m, a in ((61, "60"), (1, "60"), (60, "3.33"))
    ]
    assert [one["per_week"]["amount"] for one in found] == ["15.25", "0.25", "0.83"]


# -- budget -----------------------------------------------------------------------------------------------------------


def test_without_a_budget_there_is_no_base() -> None:
    found = row(position(budgeted(), {"A": worked("2026-03-02", 60)}, "2026-03-02"), None)
    nothing = {"minutes": None, "amount": None}
    assert (found["budget"], found["remaining"], found["ratio"]) == (nothing, nothing, nothing)
    assert found["thresholds"] == {"minutes": [], "amount": []}
    assert found["exhaustion"] == {"minutes_on": None, "amount_on": None, "planned_on": None, "working_on": None}


@pytest.mark.parametrize(("minutes", "amount"), [(0, "0"), (-60, "-10")])
def test_a_budget_of_nothing_or_less_has_no_ratio_and_no_end(minutes: int, amount: str) -> None:
    delta = line(budget={"minutes": minutes, "amount": amount})
    events = [approved(), amended(2, "2026-01-01", "additive", lines=[delta])]
    found = row(position(Agreement(events), {"A": worked("2026-03-02", 60)}, "2026-03-02"), None)
    assert found["ratio"] == {"minutes": None, "amount": None}
    assert found["remaining"]["minutes"] == minutes - 60
    assert found["thresholds"]["minutes"] == []
    assert found["exhaustion"]["minutes_on"] is None


def test_remaining_may_be_negative() -> None:
    found = row(position(budgeted(minutes=60, amount="50"), {"A": worked("2026-03-02", 90)}, "2026-03-02"), None)
    # 90 min at 60.00 = 90.00: 30 minutes and 40.00 too much; 90 ÷ 60 = 1.5, 90 ÷ 50 = 1.8.
    assert found["remaining"] == {"minutes": -30, "amount": "-40.00"}
    assert found["ratio"] == {"minutes": "1.5000", "amount": "1.8000"}


@pytest.mark.parametrize(
    ("minutes", "crossed"),
    [(299, []), (300, [50]), (449, [50]), (450, [50, 75]), (540, [50, 75, 90]), (600, [50, 75, 90, 100])],
)
def test_rule_r31_a_threshold_is_crossed_exactly_at_it(minutes: int, crossed: list[int]) -> None:
    where = position(budgeted(minutes=600), {"A": worked("2026-03-02", minutes)}, "2026-03-02")
    assert row(where, None)["thresholds"]["minutes"] == crossed


def test_a_ratio_just_below_a_threshold_is_not_rounded_onto_it() -> None:
    # 499,999 of 1,000,000 shows as 0.5000, and 50 % is not reached.
    where = position(budgeted(minutes=1_000_000), {"A": worked("2026-03-02", 499_999)}, "2026-03-02")
    found = row(where, None)
    assert (found["ratio"]["minutes"], found["thresholds"]["minutes"]) == ("0.5000", [])


# -- the day it ran out -----------------------------------------------------------------------------------------------


def test_a_budget_used_up_ended_on_the_first_day_that_reached_it() -> None:
    # 300 + 300 = 600 on the 4th; a reversal on the 5th takes 60 back, and the 9th brings 100 more.
    rows = {
        "A": worked("2026-03-02", 300),
        "B": worked("2026-03-04", 300),
        "C": worked("2026-03-05", -60),
        "D": worked("2026-03-09", 100),
    }
    where = position(budgeted(minutes=600), rows, "2026-03-31")
    assert dates(where)["minutes_on"] == dates(where)["working_on"] == "2026-03-04"
    # As of the 5th, 540 minutes are used and 60 left: at 540 in 28 days, ⌈60 ÷ (540 ÷ 28)⌉ = ⌈3.11⌉ = 4 days.
    assert dates(position(budgeted(minutes=600), rows, "2026-03-05"))["minutes_on"] == "2026-03-09"


def test_what_never_ends_has_no_day() -> None:
    # Nothing in the window; less than nothing in it.
    calm = position(budgeted(minutes=600), {"A": worked("2026-01-02", 60)}, "2026-03-31")
    back = position(budgeted(minutes=600), {"A": worked("2026-03-30", -60)}, "2026-03-31")
    assert dates(calm)["minutes_on"] is None
    assert dates(back)["minutes_on"] is None


@pytest.mark.parametrize(("budget", "on"), [(36_499 + 28, "2126-03-03"), (36_500 + 28, None)])
def test_the_horizon_is_36_499_days(budget: int, on: str | None) -> None:
    # 28 minutes in the window are one a day: the budget less those 28 is the number of days.
    where = position(budgeted(minutes=budget), {"A": worked("2026-03-31", 28)}, "2026-03-31")
    assert dates(where)["minutes_on"] == (on and str(date(2026, 3, 31) + timedelta(days=36_499)))


def test_as_of_decides_what_counts() -> None:
    rows = {"A": worked("2026-03-02", 60), "B": worked("2026-03-03", 30)}
    found = [
        row(position(budgeted(minutes=600), rows, on), None)["approved"]["billable_minutes"]
        for on in ("2026-03-01", "2026-03-02", "2026-03-03")
    ]
    assert found == [0, 60, 90]


def test_periods_and_roles_add_up_to_the_whole() -> None:
    rows = {"A": worked("2026-03-31", 60, role="engineer"), "B": worked("2026-04-01", 30)}
    found = row(position(budgeted(), rows, "2026-04-30"), None)
    assert found["by_period"] == {
        "2026-03": {"minutes": 60, "amount": "60.00"},
        "2026-04": {"minutes": 30, "amount": "30.00"},
    }
    assert found["by_role"] == {
        "": {"minutes": 30, "amount": "30.00"},
        "engineer": {"minutes": 60, "amount": "60.00"},
    }


def test_every_threshold_says_whether_and_when_it_was_crossed() -> None:
    rows = {"A": worked("2026-03-02", 300), "B": worked("2026-03-04", 150)}
    where = position(budgeted(minutes=600), rows, "2026-03-31")
    stated = [one for one in threshold_rows(where, None, crossings(where, None)) if one["dimension"] == "minutes"]
    assert [(one["threshold"], one["crossed"], one["crossed_on"]) for one in stated] == [
        (50, True, "2026-03-02"),
        (75, True, "2026-03-04"),
        (90, False, None),
        (100, False, None),
    ]


def test_before_any_clock_everything_counts_and_what_needs_a_today_is_null() -> None:
    where = position(budgeted(minutes=600), {"A": worked("2026-03-02", 60)}, "2026-03-02")
    timeless = Position("C-1", where.agreement, where.book, None)
    found = row(timeless, None)
    assert (found["as_of"], found["approved"]["billable_minutes"]) == (None, 60)
    assert found["per_week"] == {"minutes": None, "amount": None}
    assert found["exhaustion"]["minutes_on"] is None
