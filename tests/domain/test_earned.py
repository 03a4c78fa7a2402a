"""Earned value, estimates at completion with their variant, unbilled work, realization and margin."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.earned import (
    Backlog,
    Estimate,
    Index,
    Value,
    at_completion,
    backlog,
    best,
    blended_rate,
    margin,
    outlook,
    planned_value,
    realization,
    unbilled,
)
from app.domain.money import MICRO, micro

VALUE = Value(budget=micro("100000"), planned=micro("50000"), earned=micro("40000"), actual=micro("45000"))


def test_variances_and_indices() -> None:
    # 40,000 − 45,000; 40,000 − 50,000; 40 ÷ 45 = 0.8889; 40 ÷ 50 = 0.8.
    assert (VALUE.cost_variance, VALUE.schedule_variance) == (micro("-5000"), micro("-10000"))
    assert (VALUE.cost_index, VALUE.schedule_index) == (Index("0.8889", None), Index("0.8000", None))


def test_each_variant_of_the_estimate_at_completion() -> None:
    # 100,000 × 45 ÷ 40 = 112,500; 45,000 + 60,000 = 105,000; 45,000 + 60,000 ÷ (40⁄45 × 40⁄50) = 45,000 + 84,375.
    assert at_completion(VALUE, "performance", 2).amount == micro("112500")
    assert at_completion(VALUE, "plan", 2).amount == micro("105000")
    assert at_completion(VALUE, "performance_and_schedule", 2).amount == micro("129375")
    # 45,000 + 52,000 booked + 3,040 promised to a subcontractor.
    booked = at_completion(VALUE, "booked", 2, booked=micro("52000"), committed=micro("3040"))
    assert booked == Estimate("booked", micro("100040"), None)
    # Nothing booked and nothing promised: what is spent is all.
    assert at_completion(VALUE, "booked", 2).amount == best(VALUE, 2, booked=0).amount == micro("45000")


def test_what_follows_from_an_estimate() -> None:
    # 112,500 − 45,000 = 67,500 (not − 40,000); 100,000 − 112,500; 60 ÷ 55 = 1.0909; 60 ÷ 67.5 = 0.8889; 45 ÷ 112.5.
    ahead = outlook(VALUE, micro("112500"))
    assert (ahead.to_complete, ahead.variance) == (micro("67500"), micro("-12500"))
    assert ahead.consumed.value == "0.4000"
    assert VALUE.to_complete(VALUE.budget).value == "1.0909"
    assert VALUE.to_complete(micro("112500")).value == "0.8889"


def test_without_cost_there_is_no_index_and_a_reason() -> None:
    fresh = replace(VALUE, actual=0, earned=0, planned=0)
    assert fresh.cost_index == Index(None, "no cost yet")
    assert fresh.schedule_index == Index(None, "nothing planned yet")
    assert at_completion(fresh, "performance", 2) == Estimate("performance", None, "no cost, or nothing earned yet")
    for nothing in (replace(VALUE, earned=0), replace(VALUE, actual=0)):
        assert at_completion(nothing, "performance", 2).reason == "no cost, or nothing earned yet"


def test_below_20_percent_performance_says_nothing_about_the_rest() -> None:
    early = replace(VALUE, earned=micro("19999.99"))
    assert at_completion(early, "performance", 2) == Estimate("performance", None, "less than 20 % complete")
    assert at_completion(early, "performance_and_schedule", 2).amount is None
    # 100,000 × 45,000 ÷ 20,000 = 225,000 at exactly 20 %.
    assert at_completion(replace(VALUE, earned=micro("20000")), "performance", 2).amount == micro("225000")


def test_without_a_budget_nothing_is_steady() -> None:
    assert not replace(VALUE, budget=0).steady
    assert not replace(VALUE, budget=-1).steady


def test_without_a_plan_the_schedule_says_nothing() -> None:
    unplanned = replace(VALUE, planned=0)
    assert at_completion(unplanned, "performance_and_schedule", 2).reason == "nothing planned yet"
    assert at_completion(unplanned, "performance", 2).amount == micro("112500")
    assert at_completion(replace(VALUE, planned=1), "performance_and_schedule", 2).reason is None


def test_the_best_estimate_names_its_variant() -> None:
    assert best(VALUE, 2, booked=0, committed=micro("10")) == Estimate("booked", micro("45010"), None)
    assert best(VALUE, 2) == Estimate("performance", micro("112500"), None)
    # 45,000 + 100,000 − 10,000.
    assert best(replace(VALUE, earned=micro("10000")), 2) == Estimate("plan", micro("135000"), None)


def test_when_all_is_spent_no_index_can_bring_it_back() -> None:
    assert VALUE.to_complete(VALUE.actual) == Index(None, "nothing is left to spend")
    assert outlook(VALUE, 0).consumed == Index(None, "nothing is estimated")


def test_planned_value_is_what_was_due_by_the_day() -> None:
    plan = [(10, micro("1")), (20, micro("2")), (30, micro("4"))]
    assert [planned_value(plan, day) for day in (9, 10, 20, 99)] == [0, micro("1"), micro("3"), micro("7")]


def test_unbilled_work_is_what_was_earned_not_invoiced_and_not_given_up() -> None:
    # 60,000 − 42,000 = 18,000; 500 written off: 17,500.
    assert unbilled(micro("60000"), micro("42000")) == micro("18000")
    assert unbilled(micro("60000"), micro("42000"), micro("500")) == micro("17500")
    # 45,000 earned and 50,000 invoiced: 5,000 are owed.
    assert unbilled(micro("45000"), micro("50000")) == micro("-5000")


def test_backlog_is_scheduled_or_not() -> None:
    # 100 agreed, 60 earned: 40 left. 25 scheduled; 70 scheduled are 40 of backlog and 30 nobody ordered.
    assert backlog(100, 60, 25) == Backlog(25, 15)
    assert backlog(100, 60, 70) == Backlog(40, 0)
    assert backlog(100, 120, 5) == Backlog(0, 0)
    assert backlog(100, 60, -5) == Backlog(0, 40)


def test_realization_is_billed_of_standard() -> None:
    # 17,600 ÷ 20,000 = 88 %; the other 2,400 are written off.
    assert realization(micro("17600"), micro("20000")) == Index("0.8800", None)
    assert micro("20000") - micro("17600") == micro("2400")
    assert realization(1, 0) == Index(None, "no work at standard rates")


def test_margin_of_a_subcontractor() -> None:
    # 32 h: cost 95.00 → 3,040, bill 150.00 → 4,800; 1,760 ÷ 4,800 = 36.67 %.
    assert margin(32 * micro("150"), 32 * micro("95")) == Index("0.3667", None)
    assert margin(0, 5) == Index(None, "nothing billed")
    assert margin(1, 0) == Index("1.0000", None)


def test_a_blended_rate_is_weighted_by_time() -> None:
    # (10 h × 250 + 30 h × 150) ÷ 40 h = 175.00.
    assert blended_rate([(600, micro("250")), (1800, micro("150"))]) == micro("175")
    assert blended_rate([]) is None
    assert blended_rate([(1, MICRO)]) == MICRO
    # 1 min × 1 + 2 min × 0 = 0.333333…
    assert blended_rate([(1, MICRO), (2, 0)]) == 333_333


cents = st.integers(0, 10**9).map(lambda amount: amount * 10_000)
values = st.builds(Value, cents, cents, cents, cents)


@given(values)
def test_an_estimate_is_rounded_once_from_what_it_means(value: Value) -> None:
    found = at_completion(value, "performance", 2).amount
    if found is not None:
        assert abs(found - Fraction(value.budget) / Fraction(value.earned, value.actual)) <= 5_000
    found = at_completion(value, "performance_and_schedule", 2).amount
    if found is not None:
        indices = Fraction(value.earned, value.actual) * Fraction(value.earned, value.planned)
        assert abs(found - value.actual - (value.budget - value.earned) / indices) <= 5_000


@given(values)
def test_every_estimate_has_an_amount_or_a_reason(value: Value) -> None:
    for variant in ("performance", "plan", "performance_and_schedule", "booked"):
        found = at_completion(value, variant, 2)
        assert (found.amount is None) != (found.reason is None)
    assert best(value, 2).amount is not None


@given(values)
def test_on_cost_and_on_schedule_all_variants_agree(value: Value) -> None:
    even = replace(value, planned=value.earned, actual=value.earned)
    for variant in ("performance", "plan", "performance_and_schedule"):
        assert at_completion(even, variant, 2).amount in (None, even.budget)


@given(cents, cents, st.integers(-(10**12), 10**12))
def test_backlog_is_all_that_is_left(agreed: int, done: int, scheduled: int) -> None:
    found = backlog(agreed, done, scheduled)
    assert sum(found) == max(agreed - done, 0)
    assert min(found) >= 0


@pytest.mark.parametrize("step", [1, 60])
def test_the_same_work_in_more_pieces_has_the_same_mean_rate(step: int) -> None:
    assert blended_rate([(step, micro("99.99"))] * 7) == micro("99.99")
