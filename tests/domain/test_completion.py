"""Percent complete earns by cost, and what a period earned stays when a later estimate knows better."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import calendar
from app.domain.calendar import number
from app.domain.completion import (
    Earned,
    Estimate,
    Progress,
    cumulative,
    earned,
    estimates,
    expected_loss,
    in_force,
    recorded_on,
)
from app.domain.money import micro
from app.domain.period import last_day
from app.events.fact import Fact
from tests.domain.ledgers import fact

DAY = 86_400_000_000
FEE = micro("120000")


def estimate(
    cost: str, effective_from: str, recorded: str, *, revision: int = 1, name: str = "S-1", line_id: str | None = None
) -> Fact:
    """`estimate.set` as its source recorded it at noon of a day."""
    told = fact(
        "estimate.set",
        f"{name}-{revision}",
        at=0,
        estimate_id=name,
        contract_id="C-1",
        revision=revision,
        cost=cost,
        effective_from=effective_from,
        line_id=line_id,
    )
    told.recorded = (number(recorded) - number("1970-01-01")) * DAY + DAY // 2
    return told


def periods(entities: Sequence[Sequence[Fact]], costs: dict[str, str]) -> list[Earned]:
    """What each period of `costs` (cost to date at its end) earned of a fee of 120,000.00."""
    steps = []
    for period, cost in costs.items():
        end = last_day(period)
        steps.append(Progress(period, FEE, micro(cost), in_force(estimates(entities, end), None, end)))
    return list(earned(steps, 2))


def test_revenue_follows_cost_and_a_new_estimate_catches_up_in_its_own_period() -> None:
    # Fee 120,000. January: 30,000 of 80,000 = 37.5 % → 45,000.00. February: 60,000 of 100,000 = 60 % → 72,000.00, so
    # 27,000.00; the old 30,000 would have been 30 % = 36,000, which is 9,000 less than was published for them.
    first = estimate("80000", "2026-01-01", "2026-01-05")
    second = estimate("100000", "2026-02-01", "2026-02-10", revision=2)
    january, february = periods([[first, second]], {"2026-01": "30000", "2026-02": "60000"})
    assert (january.cumulative, january.amount, january.catch_up) == (micro("45000"), micro("45000"), 0)
    assert (february.cumulative, february.amount) == (micro("72000"), micro("27000"))
    assert february.catch_up == micro("-9000")
    assert not january.expected_loss
    assert not february.expected_loss


def test_an_estimate_that_reaches_back_changes_no_earlier_period() -> None:
    # The same, but the second estimate says it held from January on. It was recorded in February: January stays.
    first = estimate("80000", "2026-01-01", "2026-01-05")
    back = estimate("100000", "2026-01-01", "2026-02-10", revision=2)
    apart = estimate("100000", "2026-01-02", "2026-02-10", name="S-2")
    costs = {"2026-01": "30000", "2026-02": "60000"}
    for entities in ([[first, back]], [[first], [apart]]):
        january, february = periods(entities, costs)
        assert (january.amount, february.amount, february.catch_up) == (micro("45000"), micro("27000"), micro("-9000"))


def test_an_estimate_recorded_on_the_last_day_counts_in_its_period_and_one_of_the_next_day_does_not() -> None:
    for day, amount in (("2026-01-31", "36000"), ("2026-02-01", "45000")):
        told = [estimate("80000", "2026-01-01", "2026-01-05"), estimate("100000", "2026-01-01", day, revision=2)]
        assert periods([told], {"2026-01": "30000"})[0].amount == micro(amount), day


def test_an_estimate_announced_early_waits_for_its_day() -> None:
    told = [estimate("80000", "2026-01-01", "2026-01-05")], [estimate("100000", "2026-02-01", "2026-01-06", name="S-2")]
    january, february = periods(told, {"2026-01": "30000", "2026-02": "60000"})
    assert (january.amount, february.amount) == (micro("45000"), micro("27000"))


def test_work_before_any_estimate_is_earned_when_there_is_one() -> None:
    # January's 30,000 had nothing to be measured by. February: 60,000 of 80,000 = 75 % → 90,000.00, of which
    # 30,000 ÷ 80,000 × 120,000 = 45,000.00 are January's.
    january, february = periods(
        [[estimate("80000", "2026-01-01", "2026-02-05")]], {"2026-01": "30000", "2026-02": "60000"}
    )
    assert (january.amount, january.measured) == (0, False)
    assert (february.amount, february.catch_up, february.measured) == (micro("90000"), micro("45000"), True)


def test_an_estimate_of_nothing_measures_nothing() -> None:
    assert list(earned([Progress("2026-01", FEE, 0, 0)], 2)) == [Earned("2026-01", 0, 0, 0, 0, False)]
    assert list(earned([Progress("2026-01", FEE, 0, 1)], 2)) == [Earned("2026-01", 0, 0, 0, 0, True)]


def test_more_cost_than_estimated_earns_the_fee_and_no_more() -> None:
    assert cumulative(FEE, micro("80000"), micro("80000"), 2) == FEE
    assert cumulative(FEE, micro("80001"), micro("80000"), 2) == FEE
    assert [cumulative(FEE, cost, 1, 2) for cost in (-1, 0, 1, 2)] == [0, 0, FEE, FEE]


def test_a_cumulative_figure_is_rounded_once_as_the_contract_says() -> None:
    # 0.05 × 1 ÷ 2 = 0.025: 0.03 away from zero, 0.02 to the even neighbour.
    assert cumulative(micro("0.05"), 1, 2, 2) == micro("0.03")
    assert cumulative(micro("0.05"), 1, 2, 2, half_even=True) == micro("0.02")
    # January is that tie. February's fee is 0.10 and its estimate 4: January's cost of 1 alone is the tie again, so
    # nothing is caught up, in either mode; with its own cost it is 0.10 × 2 ÷ 4 = 0.05.
    steps = [Progress("2026-01", micro("0.05"), 1, 2), Progress("2026-02", micro("0.10"), 2, 4)]
    for even, amounts_earned in ((False, ["0.03", "0.02"]), (True, ["0.02", "0.03"])):
        found = list(earned(steps, 2, half_even=even))
        assert [step.amount for step in found] == [micro(amount) for amount in amounts_earned]
        assert [step.catch_up for step in found] == [0, 0]


def test_a_line_that_will_cost_more_than_its_fee_expects_a_loss() -> None:
    # 130,000 of cost for a fee of 120,000: 10,000.
    assert expected_loss(FEE, micro("60000"), micro("130000")) == micro("10000")
    assert expected_loss(FEE, micro("60000"), micro("120000")) == 0
    assert expected_loss(0, 0, None) == 0
    # What is spent is the least it costs, whatever the estimate still says.
    assert (
        expected_loss(FEE, micro("125000"), micro("80000"))
        == expected_loss(FEE, micro("125000"), None)
        == micro("5000")
    )


def test_a_changed_fee_catches_up_as_a_changed_estimate_does() -> None:
    # 30,000 of 80,000 is 37.5 %: 45,000.00 of 120,000, 60,000.00 of 160,000.
    steps = [Progress("2026-01", FEE, micro("30000"), micro("80000"))]
    _, raised = earned([*steps, Progress("2026-02", micro("160000"), micro("30000"), micro("80000"))], 2)
    assert (raised.amount, raised.catch_up) == (micro("15000"), micro("15000"))


def test_the_latest_estimate_in_force_wins_then_the_revision_then_the_id() -> None:
    early, late = Estimate(10, 9, "Z", 1, None), Estimate(20, 1, "A", 2, None)
    assert [in_force([early, late], None, day) for day in (9, 10, 19, 20)] == [None, 1, 1, 2]
    assert in_force([late, Estimate(20, 2, "A", 3, None)], None, 20) == 3
    assert in_force([late, Estimate(20, 1, "B", 4, None)], None, 20) == 4


def test_an_estimate_without_a_line_is_that_of_the_only_line_else_of_the_contract() -> None:
    found = [Estimate(1, 1, "A", 5, None), Estimate(1, 1, "B", 6, "L2")]
    assert in_force(found[:1], "L1", 1, only_line="L1") == 5
    assert in_force(found, "L1", 1) is None
    assert (in_force(found, None, 1), in_force(found, "L2", 1)) == (5, 6)


def test_estimates_are_read_from_whatever_order_they_came_in() -> None:
    told = [
        estimate("1", "2026-01-01", "2026-01-05"),
        estimate("2.5", "2026-03-01", "2026-03-05", revision=2, line_id="L1"),
    ]
    for order in permutations(told):
        assert estimates([order]) == [Estimate(number("2026-03-01"), 2, "S-1", micro("2.5"), "L1")]
        assert estimates([order], number("2026-03-04")) == [Estimate(number("2026-01-01"), 1, "S-1", micro("1"), None)]
        assert estimates([order], number("2026-01-04")) == []


@pytest.mark.parametrize(
    ("micros", "day"), [(0, "1970-01-01"), (DAY - 1, "1970-01-01"), (DAY, "1970-01-02"), (-1, "1969-12-31")]
)
def test_a_moment_belongs_to_its_utc_day(micros: int, day: str) -> None:
    told = estimate("1", "2026-01-01", "2026-01-05")
    told.recorded = micros
    assert calendar.text_of(recorded_on(told)) == day


amounts = st.integers(0, 10**7).map(lambda cents: cents * 10_000)
steps = st.lists(st.tuples(amounts, amounts, st.none() | amounts), max_size=8)


@given(steps, st.booleans())
def test_periods_sum_to_what_was_earned_in_all(told: list[tuple[int, int, int | None]], even: bool) -> None:
    found = list(earned([Progress(str(at), *step) for at, step in enumerate(told)], 2, half_even=even))
    assert list(accumulate(step.amount for step in found)) == [step.cumulative for step in found]
    for (fee, cost, whole), step in zip(told, found, strict=True):
        if step.measured:
            assert 0 <= step.cumulative <= fee
            assert step.cumulative == cumulative(fee, cost, whole or 0, 2, half_even=even)


@given(steps, st.integers(0, 8))
def test_what_comes_later_changes_nothing_before(told: list[tuple[int, int, int | None]], cut: int) -> None:
    all_steps = [Progress(str(at), *step) for at, step in enumerate(told)]
    assert list(earned(all_steps, 2))[:cut] == list(earned(all_steps[:cut], 2))


@given(amounts, st.lists(amounts, min_size=2, max_size=2), st.lists(amounts.filter(bool), min_size=2, max_size=2))
def test_more_cost_earns_no_less_and_a_higher_estimate_no_more(fee: int, costs: list[int], wholes: list[int]) -> None:
    (low, high), (small, large) = sorted(costs), sorted(wholes)
    assert cumulative(fee, low, small, 2) <= cumulative(fee, high, small, 2)
    assert cumulative(fee, low, large, 2) <= cumulative(fee, low, small, 2)


recorded = st.integers(number("2026-01-01"), number("2026-04-30")).map(calendar.text_of)
histories = st.lists(st.tuples(st.integers(1, 10**6).map(str), recorded, recorded), min_size=1, max_size=5)


@given(histories, st.tuples(st.integers(1, 10**6).map(str), recorded))
def test_a_message_recorded_later_leaves_what_was_known_before(
    told: list[tuple[str, str, str]], late: tuple[str, str]
) -> None:
    known = [estimate(cost, since, on, revision=at) for at, (cost, since, on) in enumerate(told, 1)]
    after = estimate(*late, "2026-05-01", revision=len(known) + 1)
    for period in ("2026-01", "2026-02", "2026-03", "2026-04"):
        assert estimates([[*known, after]], last_day(period)) == estimates([known], last_day(period))
    assert estimates([[*known, after]])[0].revision == after.revision
