"""The model's reading of contradictory terms and of payers, against cases written down by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from .test_oracle import NOW, amended, blockers, contract, line, rate, readiness, said, worked

Data = dict[str, Any]


def codes(*events: Any, as_of: date = NOW) -> dict[str, int]:
    return {code: count for (code, _), (count, _) in blockers(list(events), as_of).items()}


def milestone(number: int, amount: str, state: str = "planned", revision: int = 1, **more: Any) -> Any:
    data: Data = {"milestone_id": f"M-{number}", "revision": revision, "contract_id": "C-1", "amount": amount}
    return said(f"milestone.{state}", **(data | more))


def test_a_cap_below_zero_is_pointed_out_and_refuses_all() -> None:
    # 100 − 250 = −150: nothing fits, the 100 of T-1 are over it
    events = [
        contract(line(cap={"amount": "100"})),
        rate("100"),
        worked(60),
        amended("additive", "2025-01-01", lines=[{"line_id": "L-1", "cap": {"amount": "-250"}}]),
    ]
    assert codes(*events) == {"CAP_BELOW_ZERO": 1, "CAP_EXCEEDED": 1}
    assert readiness(events)["over_cap_amount"] == "100.00"


def test_a_budget_below_zero_is_information() -> None:
    events = [
        contract(line(budget={"minutes": 60})),
        amended("additive", "2025-01-01", lines=[{"line_id": "L-1", "budget": {"minutes": -61}}]),
    ]
    assert blockers(events) == {("BUDGET_BELOW_ZERO", "info"): (1, "0.00")}


@pytest.mark.parametrize(
    ("terms", "missing"),
    [
        ({"billing_method": "percent_complete"}, True),
        ({"billing_method": "percent_complete", "fee": "0"}, False),
        ({"billing_method": "retainer"}, True),
        ({"billing_method": "retainer", "retainer": {"minutes": 60}}, True),
        ({"billing_method": "retainer", "retainer": {"fee": "100"}}, False),
        ({"billing_method": "prepaid", "prepaid": {"minutes": 60}}, True),
        ({"billing_method": "prepaid", "prepaid": {"fee": "100"}}, True),
        ({"billing_method": "prepaid", "prepaid": {"minutes": 60, "fee": "0"}}, False),
        ({"billing_method": "milestone"}, False),
        ({}, False),
    ],
)
def test_a_method_without_its_fee_bills_nothing_and_says_so(terms: Data, missing: bool) -> None:
    assert ("FEE_MISSING" in codes(contract(line(**terms)))) is missing


def test_milestones_that_do_not_come_to_the_fee_are_pointed_out() -> None:
    # R13: 6000 + 4000 = 10000. A cancelled one does not count, one of another line neither.
    plan = contract(line(billing_method="milestone", fee="10000"), line("L-2"))
    first, second = milestone(1, "6000", line_id="L-1"), milestone(2, "4000", line_id="L-1")
    assert codes(plan, first, second) == {}
    assert codes(plan, first) == {"MILESTONES_NOT_FEE": 1}
    assert codes(plan) == {"MILESTONES_NOT_FEE": 1}
    assert codes(plan, first, second, milestone(2, "4000", "cancelled", 2)) == {"MILESTONES_NOT_FEE": 1}
    assert codes(plan, first, second, milestone(3, "1", line_id="L-2")) == {}
    assert codes(plan, first, second, milestone(3, "0.01", line_id="L-1")) == {"MILESTONES_NOT_FEE": 1}


def test_a_term_that_an_amendment_ends_before_its_beginning_covers_no_day() -> None:
    ended = amended("replacement", "2025-01-01", term={"to": "2024-12-31"})
    assert codes(contract(), rate("100"), worked(60), ended) == {
        "TERM_REVERSED": 1,
        "OUTSIDE_TERM": 1,
        "AMENDMENT_AFTER_END": 1,
    }


def test_a_contract_cancelled_before_it_began_contradicts_nothing() -> None:
    assert codes(contract(), amended("cancellation", "2024-12-01")) == {"CONTRACT_NOT_ACTIVE": 1}


def test_an_amendment_after_the_end_changes_no_work() -> None:
    over = contract(term={"from": "2025-01-01", "to": "2025-06-30"})
    discount: Data = {"lines": [{"line_id": "L-1", "discount_ratio": "0.1"}]}
    assert codes(over, amended("replacement", "2025-07-01", **discount)) == {"AMENDMENT_AFTER_END": 1}
    assert codes(over, amended("replacement", "2025-06-30", **discount)) == {}
    assert codes(over, amended("replacement", "2025-07-01", term={"to": "2025-12-31"})) == {}


@pytest.mark.parametrize(
    ("ratios", "incomplete"),
    [
        ({"CL-1": "1"}, False),
        ({"CL-1": "0.6", "CL-2": "0.4"}, False),
        ({"CL-1": "0.333333", "CL-2": "0.333333", "CL-3": "0.333333"}, False),
        ({"CL-1": "0.6", "CL-2": "0.3"}, True),
        ({"CL-1": "0.6", "CL-2": "0.6"}, True),
        ({"CL-1": "0"}, True),
        ({}, False),
    ],
)
def test_payers_pay_all_of_it_or_are_pointed_out(ratios: dict[str, str], incomplete: bool) -> None:
    payers = [{"client_id": client, "ratio": ratio} for client, ratio in ratios.items()]
    assert ("PAYERS_INCOMPLETE" in codes(contract(payers=payers))) is incomplete


def test_one_payer_is_named_once() -> None:
    twice = [{"client_id": "CL-1", "ratio": "0.5"}, {"client_id": "CL-1", "ratio": "0.5"}]
    assert "PAYERS_INCOMPLETE" in codes(contract(payers=twice))


def test_what_is_ready_is_split_over_payers_without_losing_a_cent() -> None:
    # R23: 100.00 in thirds; 1000.01 at 60 and 40 %: 600.006 and 400.004, the cent goes to the larger remainder
    thirds = [{"client_id": f"CL-{n}", "ratio": "0.333333"} for n in (1, 2, 3)]
    row = readiness([contract(payers=thirds), rate("100"), worked(60)])
    assert [one["amount"] for one in row["payers"]] == ["33.34", "33.33", "33.33"]
    two = [{"client_id": "CL-1", "ratio": "0.6"}, {"client_id": "CL-2", "ratio": "0.4"}]
    row = readiness([contract(payers=two), rate("1000.01"), worked(60)])
    assert row["payers"] == [{"client_id": "CL-1", "amount": "600.01"}, {"client_id": "CL-2", "amount": "400.00"}]


def test_another_currency_stops_the_contract() -> None:
    events = [contract(), rate("100"), worked(60), amended("replacement", "2025-07-01", currency="USD")]
    assert codes(*events, as_of=date(2025, 6, 30)) == {}
    row = readiness(events)
    assert (row["state"], row["ready_amount"], row["blocked_amount"]) == ("blocked", "0.00", "100.00")
    assert blockers(events)["CURRENCY_CHANGED", "blocking"] == (1, "100.00")
    # Put right from the beginning, there is one currency.
    assert "CURRENCY_CHANGED" not in codes(*events[:3], amended("retroactive", "2025-01-01", currency="USD"))


def test_work_before_the_first_day_is_not_added_to_what_another_currency_prices() -> None:
    # T-1 of 31 December is 100 in EUR by what was approved, T-2 of January 100 in USD: never 200 of anything.
    dollars = amended("retroactive", "2025-01-01", currency="USD")
    prices = [rate("100", "2024-01-01"), rate("100", "2025-01-01", "R-2", currency="USD")]
    early, later = worked(60, "2024-12-31", "T-1"), worked(60, "2025-01-02", "T-2")
    assert "CURRENCY_CHANGED" not in codes(contract(), *prices, later, dollars)
    row = readiness([contract(), *prices, early, later, dollars])
    assert (row["state"], row["ready_amount"]) == ("blocked", "0.00")
    assert codes(contract(), *prices, early, later, dollars)["CURRENCY_CHANGED"] == 1
    assert "CURRENCY_CHANGED" not in codes(
        contract(), *prices, worked(60, "2024-12-31", "T-1", "rejected"), later, dollars
    )
    spend = said(
        "expense.approved",
        expense_id="E-1",
        revision=1,
        contract_id="C-1",
        date="2024-12-31",
        net={"amount": "5", "currency": "EUR"},
    )
    assert codes(contract(), *prices, spend, dollars)["CURRENCY_CHANGED"] == 1
