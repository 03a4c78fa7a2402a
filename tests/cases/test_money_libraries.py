"""Money libraries (moneyphp, dinero, Moneta): a total split among payers by the largest remainder.

Ours gives the cents that are left to the largest remainders, the earlier payer first among equals; moneyphp gives them
to the first ones in order. Where these differ the case says so.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.cases.asked import ask
from tests.model.histories import Event
from tests.model.test_oracle import contract, line, said


def milestone(amount: str) -> list[Event]:
    return [
        said("milestone.planned", milestone_id="M-1", revision=1, contract_id="C-1", amount=amount),
        said("milestone.accepted", milestone_id="M-1", revision=2, contract_id="C-1", accepted_on="2025-03-03"),
    ]


@pytest.mark.parametrize(
    ("currency", "total", "ratios", "parts"),
    [
        ("EUR", "0.05", ["0.7", "0.3"], ["0.04", "0.01"]),  # 3.5 and 1.5: equal remainders, the first gets it
        ("EUR", "0.05", ["0.3", "0.7"], ["0.02", "0.03"]),  # 1.5 and 3.5
        ("EUR", "8.00", ["0.333333"] * 3, ["2.67", "2.67", "2.66"]),  # 266.66… each, two cents left
        ("EUR", "10.03", ["0.5", "0.5"], ["5.02", "5.01"]),
        ("EUR", "1.00", ["0.25", "0.75"], ["0.25", "0.75"]),
        ("EUR", "1.00", ["0", "0.5", "0.5"], ["0.00", "0.50", "0.50"]),
        ("EUR", "0.01", ["0", "0.5", "0.5"], ["0.00", "0.01", "0.00"]),  # nothing for nothing
        ("EUR", "100.00", ["0.360784", "0.364706", "0.27451"], ["36.08", "36.47", "27.45"]),
        ("EUR", "1.00", ["0.360784", "0.364706", "0.27451"], ["0.36", "0.37", "0.27"]),  # .0784 .4706 .4510
        ("JPY", "100", ["0.333333"] * 3, ["34", "33", "33"]),
        ("KWD", "1.000", ["0.333333"] * 3, ["0.334", "0.333", "0.333"]),
        ("EUR", "1000.01", ["0.6", "0.4"], ["600.01", "400.00"]),
    ],
)
def test_parts_come_to_the_whole(currency: str, total: str, ratios: list[str], parts: list[str]) -> None:
    payers = [{"client_id": f"CL-{n}", "ratio": ratio} for n, ratio in enumerate(ratios)]
    agreed = contract(line(billing_method="milestone"), currency=currency, payers=payers)
    told = ask([agreed, *milestone(total)])
    assert [one["amount"] for one in told.ready()["payers"]] == parts
    assert [one["amount"] for one in told.figures.documents["C-1/2025-03/milestone/1"]["payers"]] == parts


def test_one_payer_pays_everything() -> None:
    agreed = contract(line(billing_method="milestone"), payers=[{"client_id": "CL-1", "ratio": "1"}])
    told = ask([agreed, *milestone("99.99")])
    assert [one["amount"] for one in told.ready()["payers"]] == ["99.99"]


def test_what_is_shown_adds_up_to_the_total_that_is_shown() -> None:
    # Two milestones of 344.5 yen are 345 each, and 690 together: each is rounded once, before it is added.
    def accepted(number: int, day: str) -> Event:
        data: dict[str, Any] = {"milestone_id": f"M-{number}", "revision": 1, "contract_id": "C-1", "amount": "344.5"}
        return said("milestone.accepted", **data, accepted_on=day)

    agreed = contract(line(billing_method="milestone"), currency="JPY")
    told = ask([agreed, accepted(1, "2025-03-03"), accepted(2, "2025-03-04")])
    [document] = told.figures.documents.values()
    assert ([one["amount"] for one in document["lines"]], document["total"]) == (["345", "345"], "690")
    assert (told.ready()["ready_amount"], told.earned()["2025-03"]) == ("690", "690")
