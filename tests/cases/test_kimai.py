"""Kimai: which rate wins, how durations are rounded, what a budget counts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cases.asked import ask
from tests.model.test_oracle import amended, contract, line, rate, worked

CUSTOMER: dict[str, Any] = {"client_id": "CL-1"}
PROJECT: dict[str, Any] = {"contract_id": "C-1"}
PERSON: dict[str, Any] = {"resource_id": "P-1"}
ROLE: dict[str, Any] = {"role": "dev"}


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        ([CUSTOMER, PROJECT], "2.00"),  # project before customer
        (
            [PROJECT, CUSTOMER | PERSON],
            "1.00",
        ),  # ours: what this contract agreed goes before a person's rate at the client
        ([CUSTOMER, CUSTOMER | PERSON], "2.00"),
        ([PERSON, CUSTOMER], "2.00"),  # ours: the client's before the person's own
        ([ROLE, PERSON], "2.00"),
        ([{}, ROLE], "2.00"),
        ([PROJECT | ROLE, PROJECT | PERSON], "2.00"),
        ([PROJECT, PROJECT | ROLE], "2.00"),
    ],
)
def test_the_more_specific_of_two_rates(scopes: list[dict[str, Any]], expected: str) -> None:
    # 1.00 and 2.00 an hour, 60 min
    cards = [rate(f"{n}", rate_id=f"R-{n}", **scope) for n, scope in enumerate(scopes, 1)]
    assert ask([contract(), *cards, worked(60, role="dev")]).burn()["approved"]["amount"] == expected


def test_a_rate_for_another_person_or_role_is_no_rate() -> None:
    events = [contract(), rate("5", resource_id="P-2"), rate("6", rate_id="R-2", role="qa"), worked(60, role="dev")]
    told = ask(events)
    assert (told.burn()["approved"]["amount"], told.burn()["unpriced_minutes"]) == ("0.00", 60)
    assert told.blockers() == {"RATE_UNRESOLVED": (1, "0.00")}


def test_an_entry_without_a_role_takes_no_rate_of_a_role() -> None:
    assert (
        ask([contract(), rate("6", role="dev"), rate("5", rate_id="R-2"), worked(60)]).ready()["ready_amount"] == "5.00"
    )


def test_a_price_on_the_entry_goes_before_every_rate() -> None:
    # 30 min at 100 an hour, whatever the contract says
    events = [contract(), rate("99", contract_id="C-1"), worked(30, rate_override="100")]
    assert ask(events).burn()["approved"]["amount"] == "50.00"


def test_31837_seconds_at_75_as_minutes() -> None:
    # Kimai: 31837 s × 75 = 663.2708. In whole minutes 530 × 75 ÷ 60 = 662.50, rounded once.
    events = [contract(), rate("75"), worked(530)]
    assert ask(events).burn()["approved"]["amount"] == "662.50"


@pytest.mark.parametrize(
    ("minutes", "direction", "tie", "billed"),
    [
        (75, "nearest", "down", 75),  # 1:15 is on the grid of 15
        (82, "nearest", "down", 75),  # 7 over
        (83, "nearest", "down", 90),
        (150, "nearest", "down", 150),
        (138, "nearest", "down", 135),
        (1, "up", "down", 15),
        (14, "down", "down", 0),
        (15, "down", "down", 15),
        (-20, "up", "down", -30),  # a reversal takes back what its entry was charged: rounding is symmetric
        (-20, "nearest", "down", -15),
    ],
)
def test_durations_in_steps_of_15(minutes: int, direction: str, tie: str, billed: int) -> None:
    agreed = contract(rounding={"increment_minutes": 15, "direction": direction, "tie": tie})
    assert ask([agreed, rate("60"), worked(minutes)]).burn()["approved"]["billable_minutes"] == billed


@pytest.mark.parametrize(("tie", "billed"), [("down", 60), ("up", 90), (None, 60)])
def test_an_exact_tie_goes_down_unless_agreed_otherwise(tie: str | None, billed: int) -> None:
    # 75 is half way between 60 and 90
    rounding = {"increment_minutes": 30, "direction": "nearest"} | ({"tie": tie} if tie else {})
    assert ask([contract(rounding=rounding), rate("60"), worked(75)]).burn()["approved"]["billable_minutes"] == billed


def test_the_increment_is_that_of_the_work_date() -> None:
    # 5 min on 3 March exact, on 1 April in steps of 6 upwards: 16.67 + 20.00
    change = amended("replacement", "2025-04-01", rounding={"increment_minutes": 6, "direction": "up"})
    events = [contract(), rate("200"), change, worked(5), worked(5, "2025-04-01", "T-2")]
    assert ask(events).burn()["approved"]["amount"] == "36.67"


def test_four_calls_of_three_minutes_by_entry_and_by_the_day() -> None:
    calls = [worked(3, entry_id=f"T-{n}") for n in range(4)]
    for scope, direction, billed in (("entry", "up", 24), ("person_day", "nearest", 12), ("client_day", "nearest", 12)):
        agreed = contract(rounding={"increment_minutes": 6, "direction": direction, "scope": scope})
        assert ask([agreed, rate("60"), *calls]).burn()["approved"]["billable_minutes"] == billed, scope


def test_a_person_s_day_is_not_the_client_s_day() -> None:
    # Two people, 3 min each, in steps of 6 to the nearest, ties down: each 0; together 6 are 6.
    calls = [worked(3), worked(3, entry_id="T-2", resource_id="P-2")]
    for scope, billed in (("person_day", 0), ("client_day", 6)):
        agreed = contract(rounding={"increment_minutes": 6, "direction": "nearest", "scope": scope})
        assert ask([agreed, rate("60"), *calls]).burn()["approved"]["billable_minutes"] == billed, scope


def test_a_budget_counts_billable_time_only_and_may_be_overspent() -> None:
    # 3600 s are 60 min: 80 billable of 60, 20 not billable: −20 left where Kimai says 0
    events = [
        contract(line(budget={"minutes": 60})),
        rate("60"),
        worked(80),
        worked(20, "2025-03-04", "T-2", billable=False),
    ]
    row = ask(events).burn()
    assert (row["remaining"]["minutes"], row["ratio"]["minutes"]) == (-20, "1.3333")
    assert row["approved"]["nonbillable_minutes"] == 20


def test_an_entry_that_moves_out_of_the_month_leaves_its_month() -> None:
    events = [contract(), rate("60"), worked(60, "2025-03-31"), worked(60, "2025-04-01", kind="corrected", revision=2)]
    told = ask(events)
    assert told.burn()["by_period"] == {"2025-04": {"minutes": 60, "amount": "60.00"}}
    assert told.totals() == {"C-1/2025-04/time/1": "60.00"}


def test_a_budget_of_nothing_has_no_ratio() -> None:
    events = [contract(line(budget={"minutes": 0, "amount": "0"})), rate("60"), worked(60)]
    row = ask(events).burn()
    assert row["budget"] == {"minutes": 0, "amount": "0.00"}
    assert row["remaining"] == {"minutes": -60, "amount": "-60.00"}
    assert row["ratio"] == {"minutes": None, "amount": None}
    assert row["thresholds"] == {"minutes": [], "amount": []}
    assert set(row["exhaustion"].values()) == {None}
