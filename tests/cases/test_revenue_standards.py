"""Cost-to-cost revenue as accounting texts work it (ASC 606, IFRS 15), with estimates and prices that change.

Hours stand for cost: one hour costs 1,000.00 by the cost rate, and each message is recorded in the year it tells of.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.cases.asked import Answer, ask
from tests.model.histories import Event
from tests.model.test_oracle import amended, contract, invoiced, line, rate, said, worked


def recorded(event: Event, day: str) -> Event:
    return {**event, "time": f"{day}T12:00:00Z", "id": f"{event['id']}/{day}"}


def estimate(cost: str, day: str, revision: int) -> Event:
    data: dict[str, Any] = {"estimate_id": "S-1", "revision": revision, "contract_id": "C-1", "cost": cost}
    return recorded(said("estimate.set", **data, effective_from=day), day)


def spent(thousands: int, day: str) -> list[Event]:
    """Cost in thousands, as entries of a day at most."""
    parts = [min(24, thousands - done) for done in range(0, thousands, 24)]
    return [recorded(worked(60 * part, day, f"T-{day}-{n:03}"), day) for n, part in enumerate(parts)]


def built(fee: str, start: str = "2023-01-01") -> list[Event]:
    agreed = contract(line(billing_method="percent_complete", fee=fee), start=start)
    return [recorded(agreed, start), recorded(rate("1000", start, rate_id="K-1", kind="cost"), start)]


def by_year(told: Answer) -> dict[str, str]:
    years: dict[str, Decimal] = {}
    for period, amount in told.earned().items():
        years[period[:4]] = years.get(period[:4], Decimal(0)) + Decimal(amount)
    return {year: str(amount) for year, amount in years.items()}


def test_a_price_lowered_in_the_second_year_catches_up_there() -> None:
    # A bid of 7,000; costs 2,500 of 6,000 in the first year: 7,000 × 2,500 ÷ 6,000 = 2,916.666…
    # The price becomes 6,700 and costs 5,800 of 6,200: 6,700 × 5,800 ÷ 6,200 = 6,267.741…; the third year has the rest.
    # In thousands there, in units of 1.00 here: an hour costs 1.00.
    events = [
        *built("7000"),
        estimate("6000", "2023-12-01", 1),
        recorded(worked(1250, "2023-12-01", "T-1"), "2023-12-01"),
        recorded(worked(1250, "2023-12-02", "T-2"), "2023-12-02"),
        recorded(amended("replacement", "2024-01-01", lines=[{"line_id": "L-1", "fee": "6700"}]), "2024-01-01"),
        estimate("6200", "2024-12-01", 2),
        *[recorded(worked(1100, f"2024-12-0{n}", f"T-1{n}"), f"2024-12-0{n}") for n in (1, 2, 3)],
        estimate("6210", "2025-12-01", 3),
        recorded(worked(410, "2025-12-01", "T-20"), "2025-12-01"),
        recorded(rate("60", "2023-01-01", rate_id="K-2", kind="cost", contract_id="C-1"), "2023-01-01"),
    ]
    told = ask(events)
    assert by_year(told) == {"2023": "2916.67", "2024": "3351.07", "2025": "432.26"}
    assert told.ready()["ready_fee_amount"] == "6700.00"


def test_a_lower_estimate_makes_the_same_cost_more_of_the_whole() -> None:
    # 1,000,000: 465,000 of 930,000 are half. At 800,000 they are 58.125 %: 581,250, of which 81,250 are not invoiced.
    events = [
        *built("1000000"),
        estimate("930000", "2023-02-01", 1),
        *spent(465, "2023-02-10"),
        recorded(invoiced(("fee", "L-1", "500000.00"), invoiced_on="2023-02-28"), "2023-02-28"),
        estimate("800000", "2023-03-15", 2),
    ]
    assert ask(events, "2023-02-28").ready()["ready_fee_amount"] == "0.00"
    told = ask(events, "2023-03-31")
    assert told.earned() == {"2023-02": "500000.00", "2023-03": "81250.00"}
    assert told.ready()["ready_fee_amount"] == "81250.00"


def test_three_years_of_a_contract_that_turns_onerous_and_ends_above_its_price() -> None:
    # 4,000: 1,500 of 3,000 → 2,000; 2,640 of 4,400 → 60 % of 4,000 = 2,400, and 400 more than the fee will be lost;
    # 4,400 of 4,400 → the whole 4,000.
    events = [
        *built("4000000"),
        estimate("3000000", "2023-06-01", 1),
        *spent(1500, "2023-06-10"),
        estimate("4400000", "2024-06-01", 2),
        *spent(1140, "2024-06-10"),
        *spent(1760, "2025-06-10"),
    ]
    told = ask(events, "2024-12-31")
    assert by_year(told) == {"2023": "2000000.00", "2024": "400000.00"}
    assert told.figures.revenue["C-1", "L-1", "2024-12"]["expected_loss_amount"] == "400000.00"
    assert by_year(ask(events)) == {"2023": "2000000.00", "2024": "400000.00", "2025": "1600000.00"}


def test_earlier_months_never_change_whatever_is_learnt_later() -> None:
    events = [*built("120000"), estimate("80000", "2023-01-05", 1), *spent(30, "2023-01-10")]
    before = ask(events, "2023-01-31").earned()
    later = [*events, estimate("100000", "2023-02-05", 2), *spent(30, "2023-02-10")]
    after = ask(later, "2023-02-28").earned()
    assert before == {"2023-01": "45000.00"}
    assert after == {"2023-01": "45000.00", "2023-02": "27000.00"}


def test_without_an_estimate_nothing_is_measured_and_somebody_is_asked() -> None:
    told = ask([*built("1000"), *spent(1, "2023-01-10")], "2023-01-31")
    assert told.ready()["ready_fee_amount"] == "0.00"
    assert "ESTIMATE_MISSING" in told.blockers()
