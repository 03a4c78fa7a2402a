"""Earned value as project managers are examined in it (PMI, AACE): indices, and which estimate at completion fits."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cases.asked import ask
from tests.model.histories import Event
from tests.model.test_oracle import contract, line, rate, said, worked


def project(budget: int, planned: int, earned: int, actual: int) -> list[Event]:
    """A line with a budget, a plan up to as-of, milestones accepted, and work burned at 1.00 a minute."""
    plan = [{"on": "2025-03-31", "amount": str(planned)}, {"on": "2025-12-31", "amount": str(budget - planned)}]
    agreed = contract(line(billing_method="milestone", budget={"amount": str(budget)}, plan=plan))

    def milestone(number: int, amount: int, kind: str, **more: str) -> Event:
        data: dict[str, Any] = {"milestone_id": f"M-{number}", "revision": 1, "contract_id": "C-1"}
        return said(f"milestone.{kind}", **data, amount=str(amount), **more)

    parts = [min(1440, actual - done) for done in range(0, actual, 1440)]
    return [
        agreed,
        rate("60"),
        *([milestone(1, earned, "accepted", accepted_on="2025-03-15")] if earned else []),
        milestone(2, budget - earned, "planned"),
        *[worked(part, "2025-03-10", f"T-{n:03}") for n, part in enumerate(parts)],
    ]


@pytest.mark.parametrize(
    ("case", "cv", "sv", "cpi", "spi", "tcpi", "eac", "etc"),
    [
        # budget, planned, earned, actual        EAC = BAC × AC ÷ EV, ETC = EAC − AC, TCPI = (BAC − EV) ÷ (BAC − AC)
        ((10000, 5000, 4000, 6000), "-2000.00", "-1000.00", "0.6667", "0.8000", "1.5000", "15000.00", "9000.00"),
        ((10000, 5000, 5000, 5000), "0.00", "0.00", "1.0000", "1.0000", "1.0000", "10000.00", "5000.00"),
        ((10000, 4000, 6000, 5000), "1000.00", "2000.00", "1.2000", "1.5000", "0.8000", "8333.33", "3333.33"),
        ((9000, 3000, 2700, 3300), "-600.00", "-300.00", "0.8182", "0.9000", "1.1053", "11000.00", "7700.00"),
    ],
)
def test_the_usual_exercise(
    case: tuple[int, int, int, int], cv: str, sv: str, cpi: str, spi: str, tcpi: str, eac: str, etc: str
) -> None:
    row = ask(project(*case), "2025-03-31").forecast()
    value = row["earned_value"]
    assert (value["cost_variance"], value["schedule_variance"]) == (cv, sv)
    assert (value["cost_index"], value["schedule_index"], value["to_complete_index"]) == (cpi, spi, tcpi)
    assert (row["estimate_at_completion"]["amount"], row["estimate_at_completion"]["variant"]) == (eac, "performance")
    assert row["estimate_to_complete"]["amount"] == etc


def test_early_on_the_index_is_not_believed() -> None:
    # 10 % done: AC + BAC − EV = 1,500 + 10,000 − 1,000 = 10,500, named as the plan
    row = ask(project(10000, 2000, 1000, 1500), "2025-03-31").forecast()
    assert (row["estimate_at_completion"]["amount"], row["estimate_at_completion"]["variant"]) == ("10500.00", "plan")


def test_nothing_spent_has_no_cost_index() -> None:
    row = ask(project(10000, 2000, 3000, 0), "2025-03-31").forecast()
    assert (row["earned_value"]["cost_index"], row["earned_value"]["actual_amount"]) == (None, "0.00")


def test_everything_done_leaves_nothing_to_complete() -> None:
    # 10,000 earned for 11,000: EAC 11,000, ETC 0
    row = ask(project(10000, 10000, 10000, 11000), "2025-03-31").forecast()
    assert (row["estimate_at_completion"]["amount"], row["estimate_to_complete"]["amount"]) == ("11000.00", "0.00")
