"""Where a contract will end, by hand: why there is no estimate, what of a line is done, and left (R28, R29, R32)."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.completion import Estimate
from app.domain.forecast import Basis, Stone, row
from app.domain.money import micro
from app.domain.terms import Agreement
from tests.domain.ledgers import approved, card, day, line, position, rates, worked

TODAY = day("2026-03-31")
NEVER: dict[str, Any] = {"minutes_on": None, "amount_on": None, "planned_on": None}
HOUR = {"E-1": worked("2026-03-02", 60)}


def told(*lines: dict[str, Any], basis: Basis | None = None, **given: Any) -> dict[str, Any]:
    """The forecast of C-1 on 31 March; one hour was worked at 60.00, and costs 45.00."""
    stands = position(
        Agreement([approved(lines=list(lines) or [line()])]),
        given.pop("rows", HOUR),
        "2026-03-31",
        by=rates(card("R-1", "60"), card("R-2", "45", kind="cost")),
    )
    return row(stands, NEVER, basis or Basis(), **given)


def estimate(cost: str) -> Estimate:
    return Estimate(day("2026-01-01"), 1, "S-1", micro(cost), "L-1")


def test_where_nothing_says_how_much_is_done_the_reason_is_told() -> None:
    found = told(line(budget={"amount": "1000"}))
    assert found["earned_value"] is None
    assert found["basis"]["unmeasured_lines"] == ["L-1"]
    assert found["basis"]["reason"].startswith("nothing is booked")


def test_where_two_currencies_were_agreed_that_is_the_reason() -> None:
    half = Stone("L-1", micro("1000"), day("2027-01-01"), 500_000)
    found = told(line(budget={"amount": "1000"}), basis=Basis(stones=[half], mixed=True))
    assert found["estimate_at_completion"] == {"minutes": None, "amount": None, "variant": None}
    assert found["basis"]["reason"].startswith("CURRENCY_CHANGED")


@pytest.mark.parametrize(("cost", "earned"), [("90", "500.00"), ("45", "1000.00"), ("30", "1000.00"), ("0", None)])
def test_by_cost_a_line_is_done_as_far_as_its_cost_and_never_more_than_wholly(cost: str, earned: str | None) -> None:
    """45.00 of 90.00 is a half of 1,000.00; of 30.00 it is all of it, and an estimate of nothing measures nothing."""
    its = line(billing_method="percent_complete", fee="1000")
    found = told(its, basis=Basis(estimates=[estimate(cost)]))["earned_value"]
    assert (found["earned_amount"] if found else None) == earned


def test_milestones_of_another_line_say_nothing_of_this_one() -> None:
    """L-1 is worth 1,000.00 and a quarter done; of L-2, worth 200.00, the only milestone is reached: 250 + 200."""
    stones = [
        Stone("L-1", micro("400"), day("2027-01-01"), 250_000),
        Stone("L-2", micro("50"), day("2026-03-31"), 0),
        Stone("L-2", 0, day("2027-01-01"), 0),
    ]
    two = [line("L-1", budget={"amount": "1000"}), line("L-2", budget={"amount": "200"})]
    assert told(*two, basis=Basis(stones=stones))["earned_value"]["earned_amount"] == "450.00"


def test_a_line_is_worth_its_budget_else_its_plan_else_its_fee() -> None:
    """A plan of 300.00 and of minutes alone; done by a half."""
    half = [Stone("L-1", micro("10"), day("2027-01-01"), 500_000)]
    plan = [{"on": "2026-03-31", "amount": "300"}, {"on": "2026-04-30", "minutes": 60}]
    for its, worth, planned in (
        ({"budget": {"amount": "1000"}, "plan": plan, "fee": "50"}, "1000.00", "300.00"),
        ({"plan": plan, "fee": "50"}, "300.00", "300.00"),
        ({"fee": "50"}, "50.00", None),
    ):
        found = told(line(**its), basis=Basis(stones=half))["earned_value"]
        assert (found["budget_amount"], found["planned_amount"]) == (worth, planned)


def test_of_a_budget_of_nothing_no_future_is_drawn_and_the_other_is_asked() -> None:
    """A budget of 0 minutes ends nowhere; of 500.00 there are 440.00 left."""
    asked = []
    found = told(line(budget={"minutes": 0, "amount": "500"}), ask=lambda question: asked.append(question.left))
    assert asked == [(None, micro("440"))]
    assert found["exhaustion"]["p50_on"] is None


def test_what_is_dated_and_still_to_be_reached_is_scheduled() -> None:
    """Of 1,000.00, of which 100.00 are earned, 300.00 have a date to come; what was reached is not to come."""
    stones = [
        Stone("L-1", micro("300"), day("2026-04-01"), 0, due=True),
        Stone("L-1", micro("200"), TODAY, 0, due=True),
        Stone("L-1", micro("250"), day("2026-05-01"), 0),
    ]
    basis = Basis(stones=stones, revenue={"L-1": micro("100")})
    assert told(line(budget={"amount": "1000"}), basis=basis)["backlog"] == {
        "amount": "900.00",
        "scheduled_amount": "300.00",
        "unscheduled_amount": "600.00",
    }
