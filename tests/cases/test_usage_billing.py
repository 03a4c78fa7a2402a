"""Lago, OpenMeter, Meteroid: allowances, minimum commitments, tiers, and where a cent is rounded.

A minimum commitment with a true-up is a retainer here: the fee is owed whatever is used, and use beyond its minutes is
overage. Prices are rounded per entry, as a fee is rounded per charge there.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.cases.asked import ask
from tests.model.test_oracle import contract, line, rate, worked


def committed(fee: str, minutes: int, **more: Any) -> Any:
    return line(billing_method="retainer", retainer={"fee": fee, "minutes": minutes, "overage_rate": "60", **more})


@pytest.mark.parametrize(
    ("used", "fee"),
    [(0, "1000.00"), (600, "1000.00"), (1000, "1000.00"), (1030, "1030.00")],
)
def test_a_minimum_commitment_is_owed_whatever_is_used(used: int, fee: str) -> None:
    # 1000.00 cover 1000 min; beyond them a minute is 1.00
    work = [worked(min(used, 1000))] if used else []
    work += [worked(used - 1000, "2025-03-04", "T-2")] if used > 1000 else []
    told = ask([contract(committed("1000", 1000), start="2025-03-01"), *work], "2025-03-31")
    assert told.ready()["ready_fee_amount"] == fee


def test_a_commitment_for_part_of_a_month_covers_its_part_of_the_minutes() -> None:
    # From 16 April: 15 of 30 days. 500.00 cover 500 min; 510 used: 10 × 1.00
    events = [contract(committed("1000", 1000), start="2025-04-16"), worked(510, "2025-04-20")]
    assert ask(events, "2025-04-30").ready()["ready_fee_amount"] == "510.00"


def test_unused_minutes_do_not_roll_over_unless_agreed() -> None:
    # January uses 400 of 1000, February 1100: 100 over without roll-over, none with it.
    work = [worked(400, "2025-01-10"), worked(1100, "2025-02-10", "T-2")]
    for rollover, fee in ((None, "2100.00"), ("none", "2100.00"), ("all", "2000.00")):
        more = {} if rollover is None else {"rollover": rollover}
        told = ask([contract(committed("1000", 1000, **more)), *work], "2025-02-28")
        assert told.ready()["ready_fee_amount"] == fee, rollover


def test_roll_over_expires_after_its_periods() -> None:
    # 500 min of January are left, 300 of them used in February, the oldest first: its own 1000 go on whole, and 200 of
    # January's if they last for two months. March uses 2150 of 2000, or of 2200.
    work = [worked(500, "2025-01-10"), worked(300, "2025-02-10", "T-2")]
    work += [worked(1000, "2025-03-10", "T-3"), worked(1150, "2025-03-11", "T-4")]
    for expiry, fee in ((1, "3150.00"), (2, "3000.00"), (None, "3000.00")):
        more: dict[str, Any] = {"rollover": "all"} | ({} if expiry is None else {"expiry_periods": expiry})
        told = ask([contract(committed("1000", 1000, **more)), *work], "2025-03-31")
        assert told.ready()["ready_fee_amount"] == fee, expiry


@pytest.mark.parametrize(("per", "charged"), [("week", "300.00"), ("month", "700.00"), ("term", "1100.00")])
def test_included_units_renew_with_their_period(per: str, charged: str) -> None:
    # 400 min free per period at 1.00 a minute. 500 min each on 3 and 10 March (two weeks) and 1 April: 1500 in all.
    # by week 3 × 100; by month (1000 − 400) + (500 − 400) = 700; by term 1500 − 400 = 1100
    agreed = contract(line(included={"minutes": 400, "per": per}))
    work = [worked(500, day, f"T-{n}") for n, day in enumerate(("2025-03-03", "2025-03-10", "2025-04-01"))]
    assert ask([agreed, rate("60"), *work]).ready()["ready_amount"] == charged


def test_a_week_that_crosses_the_month_has_one_allowance() -> None:
    # 31 March to 6 April 2025 is one ISO week: 400 free of 600, whatever month they are billed in.
    agreed = contract(line(included={"minutes": 400, "per": "week"}))
    told = ask([agreed, rate("60"), worked(300, "2025-03-31"), worked(300, "2025-04-01", "T-2")])
    assert told.totals() == {"C-1/2025-03/time/1": "0.00", "C-1/2025-04/time/1": "200.00"}


@pytest.mark.parametrize(
    ("currency", "minutes", "amount"),
    [
        ("JPY", 1, "0"),  # 20 ÷ 60 = 0.33…
        ("JPY", 2, "1"),  # 0.67
        ("KWD", 1, "0.333"),
        ("KWD", 7, "2.333"),
        ("CLP", 90, "30"),
        ("EUR", 1, "0.33"),
    ],
)
def test_an_amount_has_the_decimals_of_its_currency(currency: str, minutes: int, amount: str) -> None:
    events = [contract(currency=currency), rate("20", currency=currency), worked(minutes)]
    told = ask(events)
    assert (told.burn()["approved"]["amount"], told.ready()["ready_amount"]) == (amount, amount)


def test_a_price_of_six_decimals_is_multiplied_before_it_is_rounded() -> None:
    # 0.000123 × 20,000 h would be 2.46; 24 h × 0.000123 = 0.002952 is 0.00. 137.335 × 7.5 = 1030.0125: 1030.01
    assert ask([contract(), rate("0.000123"), worked(1440)]).ready()["ready_amount"] == "0.00"
    assert ask([contract(), rate("137.335"), worked(450)]).ready()["ready_amount"] == "1030.01"


@pytest.mark.parametrize(("mode", "amount"), [("half_up", "0.13"), ("half_even", "0.12")])
def test_the_half_cent_goes_as_the_contract_says(mode: str, amount: str) -> None:
    # 60 min at 0.125
    assert ask([contract(rounding={"mode": mode}), rate("0.125"), worked(60)]).ready()["ready_amount"] == amount


def test_a_negative_half_cent_goes_away_from_zero_too() -> None:
    assert ask([contract(), rate("0.125"), worked(-60)]).burn()["approved"]["amount"] == "-0.13"


def test_lines_are_rounded_and_then_added() -> None:
    # 3 × 10 min at 100.10: 16.68333… each, 16.68; together 50.04, where 30 min at once are 50.05
    apart = [worked(10, entry_id=f"T-{n}") for n in range(3)]
    assert ask([contract(), rate("100.10"), *apart]).ready()["ready_amount"] == "50.04"
    assert ask([contract(), rate("100.10"), worked(30)]).ready()["ready_amount"] == "50.05"
