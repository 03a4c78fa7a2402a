"""The model's forecast and revenue against the numbers of the rules, worked out by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from .oracle import recompute
from .test_commerce import by_cost, cost_of
from .test_oracle import amended, contract, invoiced, line, rate, said, worked

Row = dict[str, Any]


def forecast(events: list[Any], as_of: str) -> Row:
    return recompute(events, date.fromisoformat(as_of)).forecast["C-1"]


def revenue(events: list[Any], as_of: str, line_id: str | None = "L-1") -> dict[str, Row]:
    """The line's hints by period."""
    rows = recompute(events, date.fromisoformat(as_of)).revenue
    return {period: row for (_, line, period), row in rows.items() if line == line_id}


def person(minutes: int = 2400) -> Any:
    return said("resource.upserted", resource_id="P-1", revision=1, effective_from="2020-01-01", weekly_minutes=minutes)


def assigned(first: str, last: str, minutes: int, **more: Any) -> Any:
    data = {"assignment_id": "A-1", "revision": 1, "resource_id": "P-1", "contract_id": "C-1"}
    return said("assignment.booked", **{**data, "from": first, "to": last, "minutes_per_week": minutes, **more})


def test_r30_forty_hours_a_week_are_booked_until_the_24th_working_day() -> None:
    # 500 h agreed, 312.5 used, 187.5 left; booked 40 h a week: 24th working day after 7 March is 10 April.
    events = [contract(line(budget={"minutes": 30_000})), person(), assigned("2025-01-01", "2025-12-31", 2400)]
    events += [worked(1440, "2025-03-07", f"T-{n}") for n in range(13)] + [worked(30, "2025-03-07", "T-x")]
    days = forecast(events, "2025-03-07")["exhaustion"]
    assert days["planned_on"] == "2025-04-10"
    # Four weeks of 18,750 minutes: ⌈11,250 × 28 ÷ 18,750⌉ = 17 days, 24 March, which is the earlier.
    assert (days["trailing_on"], days["earliest_on"]) == ("2025-03-24", "2025-03-24")


def test_r28_what_is_booked_is_worth_the_rate_of_its_day() -> None:
    # 10 h used at 100.00; two weeks of 40 h booked from 10 March, of which 14 March is leave: 72 h, 7,200.00.
    leave: Row = {"leave_id": "V-1", "revision": 1, "resource_id": "P-1", "from": "2025-03-14", "to": "2025-03-14"}
    events = [contract(line()), rate("100"), worked(600, "2025-03-03"), person(), said("leave.approved", **leave)]
    row = forecast([*events, assigned("2025-03-10", "2025-03-21", 2400)], "2025-03-07")
    assert row["estimate_at_completion"] == {"minutes": "4920", "amount": "8200.00", "variant": "booked"}
    assert row["estimate_to_complete"] == {"minutes": "4320", "amount": "7200.00", "variant": "booked"}


def test_r41_a_soft_booking_stands_apart() -> None:
    # 8 h a week soft at 60 %: 480 minutes, 288 expected; nothing is booked hard, so there is no estimate.
    soft = assigned("2025-03-10", "2025-03-14", 480, booking="soft", probability_ratio="0.6")
    row = forecast([contract(line()), rate("100"), person(), soft], "2025-03-07")
    assert (row["basis"]["soft_minutes"], row["basis"]["soft_weighted_minutes"]) == ("480", "288")
    assert row["estimate_at_completion"]["variant"] is None


def test_r21_a_promise_counts_until_it_is_invoiced_and_as_cost_from_then_on() -> None:
    # 40 h booked at 100.00 = 4,000.00, and 3,040.00 promised: 7,040.00 before and after the supplier's invoice.
    promise: Row = {"commitment_id": "S-1", "contract_id": "C-1", "net": {"amount": "3040", "currency": "EUR"}}
    events = [contract(line()), rate("100"), person(), assigned("2025-03-10", "2025-03-14", 2400)]
    for kind, left in (("committed", "7040.00"), ("invoiced", "4000.00")):
        row = forecast([*events, said(f"subcontract.{kind}", revision=1, **promise)], "2025-03-07")
        assert row["estimate_at_completion"]["amount"] == "7040.00"
        assert row["estimate_to_complete"]["amount"] == left


def in_dollars_from(day: str) -> list[Any]:
    """40 h a week of P-1 from 10 March to 11 April at 100.00 EUR; from `day` on C-1 is in dollars, at 110.00."""
    dollars = [amended("replacement", day, currency="USD"), rate("110", day, "R-2", currency="USD")]
    return [contract(line()), rate("100"), person(), assigned("2025-03-10", "2025-04-11", 2400), *dollars]


def test_what_is_booked_in_another_currency_is_in_no_amount() -> None:
    # 25 days of 8 h: 16 in March at 100.00, 12,800.00 EUR; 9 from 1 April on, 4,320 min, in dollars: no sum of both.
    row = forecast(in_dollars_from("2025-04-01"), "2025-03-07")
    assert row["estimate_at_completion"] == {"minutes": "12000", "amount": None, "variant": "booked"}
    assert row["estimate_to_complete"]["amount"] is None
    basis = {name: row["basis"][name] for name in ("booked_amount", "foreign_minutes", "unpriced_minutes")}
    assert basis == {"booked_amount": "12800.00", "foreign_minutes": "4320", "unpriced_minutes": "0"}


def test_a_budget_in_money_is_used_up_by_what_is_booked_in_its_currency() -> None:
    # 12,800.00 EUR come in by 31 March; of 12,800.01 something is left, and what follows is in dollars.
    for budget, day in (("12800", "2025-03-31"), ("12800.01", None)):
        events = [contract(line(budget={"amount": budget})), *in_dollars_from("2025-04-01")[1:]]
        assert forecast(events, "2025-03-07")["exhaustion"]["planned_on"] == day


def test_once_both_currencies_were_worked_in_there_is_no_estimate() -> None:
    # In April the terms so far speak of two: minutes are added, money is not.
    events = [*in_dollars_from("2025-04-01"), worked(60, "2025-03-10"), worked(60, "2025-04-01", "T-2")]
    row = forecast(events, "2025-04-04")["estimate_at_completion"]
    assert row == {"minutes": "2520", "amount": None, "variant": "booked"}  # 5 days × 480 + 120


@pytest.mark.parametrize("ended", ["closed", "cancelled"])
def test_f13_of_a_contract_that_is_over_nothing_more_is_to_be_used(ended: str) -> None:
    # 10 h of 20 used at 100.00, 40 h a week still booked, 500.00 promised to a subcontractor: 10 h and 1,500.00.
    promise: Row = {"commitment_id": "S-1", "contract_id": "C-1", "net": {"amount": "500", "currency": "EUR"}}
    events = [contract(line(budget={"minutes": 1200})), rate("100"), worked(600, "2025-03-03"), person()]
    events += [assigned("2025-03-10", "2025-04-11", 2400), said("subcontract.committed", revision=1, **promise)]
    assert forecast(events, "2025-03-07")["exhaustion"]["planned_on"] == "2025-03-11"
    over = said(f"contract.{ended}", contract_id="C-1", version=2, effective_from="2025-03-06")
    row = forecast([*events, over], "2025-03-07")
    assert row["estimate_at_completion"] == {"minutes": "600", "amount": "1500.00", "variant": "actual"}
    assert row["estimate_to_complete"] == {"minutes": "0", "amount": "500.00", "variant": "actual"}
    assert set(row["exhaustion"].values()) == {None}


def test_f13_a_budget_that_was_used_up_before_the_end_keeps_its_day() -> None:
    events = [contract(line(budget={"minutes": 600})), worked(600, "2025-03-03")]
    events.append(said("contract.closed", contract_id="C-1", version=2, effective_from="2025-03-06"))
    days = forecast(events, "2025-03-07")["exhaustion"]
    assert (days["trailing_on"], days["planned_on"], days["earliest_on"]) == ("2025-03-03",) * 3


def of_r29(earned: str, minutes: int) -> list[Any]:
    """A line of 100,000 of which 50,000 were planned by now; milestones of `earned`, work at 3,000 an hour."""
    plan = [{"on": "2025-02-28", "amount": "50000"}, {"on": "2025-09-30", "amount": "50000"}]
    agreed = contract(line(billing_method="milestone", budget={"amount": "100000"}, plan=plan))
    done = {"milestone_id": "M-1", "contract_id": "C-1", "amount": earned, "accepted_on": "2025-03-03"}
    rest = {"milestone_id": "M-2", "contract_id": "C-1", "amount": str(100_000 - int(earned))}
    stones = [said("milestone.accepted", revision=1, **done), said("milestone.planned", revision=1, **rest)]
    return [agreed, rate("3000"), worked(minutes, "2025-03-03"), *stones]


def test_r29_earned_value() -> None:
    # Earned 40,000 of 100,000 for 45,000 (15 h): CPI 0.8889, SPI 0.8, TCPI 60,000 ÷ 55,000; 100,000 ÷ CPI = 112,500.
    row = forecast(of_r29("40000", 900), "2025-03-31")
    assert row["earned_value"] == {
        "budget_amount": "100000.00",
        "planned_amount": "50000.00",
        "earned_amount": "40000.00",
        "actual_amount": "45000.00",
        "cost_variance": "-5000.00",
        "schedule_variance": "-10000.00",
        "cost_index": "0.8889",
        "schedule_index": "0.8000",
        "to_complete_index": "1.0909",
    }
    assert row["estimate_at_completion"] == {"minutes": "2250", "amount": "112500.00", "variant": "performance"}
    assert row["estimate_to_complete"]["amount"] == "67500.00"


def test_r29_below_a_fifth_an_index_says_nothing_about_the_rest() -> None:
    # 10,000 earned for 12,000 (4 h): 12,000 + 90,000 = 102,000 by the plan.
    row = forecast(of_r29("10000", 240), "2025-03-31")
    assert (row["estimate_at_completion"]["variant"], row["estimate_at_completion"]["amount"]) == ("plan", "102000.00")


def test_r15_a_later_estimate_changes_its_own_period_and_none_before() -> None:
    # 30,000 of 80,000: 45,000.00. In April 60,000 of 100,000: 72,000.00, so 27,000.00: −9,000.00 catch up.
    later = {"estimate_id": "S-2", "contract_id": "C-1", "cost": "100000", "effective_from": "2025-04-01"}
    events = by_cost(*cost_of(30_000, "2025-03-03", "T"), *cost_of(30_000, "2025-04-03", "U"))
    hints = revenue([*events, said("estimate.set", revision=1, **later)], "2025-04-30")
    assert [hints[period]["period_amount"] for period in ("2025-03", "2025-04")] == ["45000.00", "27000.00"]
    assert (hints["2025-04"]["cumulative_amount"], hints["2025-04"]["catch_up_amount"]) == ("72000.00", "-9000.00")


def test_r15_time_recorded_late_changes_the_month_it_is_recorded_in_and_none_before() -> None:
    # 30,000 of 80,000: 45,000.00 of March. 30,000 more of March are recorded in April: 90,000.00, 45,000.00 of April.
    # In May they are taken back: 45,000.00 again, −45,000.00 of May.
    late = [{**one, "time": "2025-04-10T08:00:00Z"} for one in cost_of(30_000, "2025-03-20", "U")]
    events = [*by_cost(*cost_of(30_000, "2025-03-03", "T")), *late]
    back = [
        {
            **one,
            "id": f"{one['id']}-2",
            "type": "time.reversed.v1",
            "time": "2025-05-02T08:00:00Z",
            "data": {**one["data"], "revision": 2},
        }
        for one in late
    ]
    hints = revenue([*back, *events], "2025-05-31")
    assert {period: hint["period_amount"] for period, hint in hints.items()} == {
        "2025-03": "45000.00",
        "2025-04": "45000.00",
        "2025-05": "-45000.00",
    }
    assert [hints[period]["catch_up_amount"] for period in ("2025-04", "2025-05")] == ["45000.00", "-45000.00"]
    assert revenue(events, "2025-03-31")["2025-03"]["period_amount"] == "90000.00"  # while it runs, all that is known


def test_r15_a_loss_is_expected_where_the_cost_will_exceed_the_fee() -> None:
    # Fee 120,000, estimate 130,000: 10,000.
    later = {"estimate_id": "S-2", "contract_id": "C-1", "cost": "130000", "effective_from": "2025-04-01"}
    events = by_cost(said("estimate.set", revision=1, **later), *cost_of(30_000, "2025-03-03", "T"))
    assert revenue(events, "2025-04-30")["2025-04"]["expected_loss_amount"] == "10000.00"


def test_r33_time_and_materials_earn_what_may_be_invoiced() -> None:
    # 10 h in March, 5 h in April at 100.00; a cap of 1,200.00 leaves 200.00 for April.
    work = [rate("100"), worked(600, "2025-03-03"), worked(300, "2025-04-03", "T-2")]
    free = revenue([contract(line()), *work], "2025-04-30")
    assert [row["period_amount"] for row in free.values()][-2:] == ["1000.00", "500.00"]
    capped = revenue([contract(line(cap={"amount": "1200"})), *work], "2025-04-30")
    assert [row["period_amount"] for row in capped.values()][-2:] == ["1000.00", "200.00"]
    assert {row["method"] for row in capped.values()} == {"right_to_invoice"}


def test_r32_unbilled_work_is_earned_less_invoiced_less_given_up() -> None:
    # 600 h at 100.00 earned, 42,000 invoiced: 18,000; 500 written off: 17,500.
    work = [contract(line()), rate("100"), *[worked(1440, "2025-03-03", f"T-{n}") for n in range(25)]]
    events = [*work, invoiced(*[("time", f"T-{n}", "2400") for n in range(17)], ("time", "T-17", "1200"))]
    given_up = {"writeoff_id": "W-1", "contract_id": "C-1", "amount": "500"}
    row = forecast(events, "2025-03-31")["unbilled"]
    assert (row["earned_amount"], row["invoiced_amount"], row["amount"]) == ("60000.00", "42000.00", "18000.00")
    row = forecast([*events, said("writeoff.recorded", revision=1, **given_up)], "2025-03-31")["unbilled"]
    assert (row["written_off_amount"], row["amount"]) == ("500.00", "17500.00")


def test_r21_margin() -> None:
    # 32 h bought at 95.00 and sold at 150.00: 4,800 − 3,040 = 1,760, 36.67 %.
    cost = rate("95", rate_id="K-1", kind="cost")
    work = [worked(960, "2025-03-03"), worked(960, "2025-03-04", "T-2")]
    row = forecast([contract(line()), rate("150"), cost, *work], "2025-03-31")["margin"]
    assert row == {"revenue_amount": "4800.00", "cost_amount": "3040.00", "ratio": "0.3667"}


def test_r26_realization_is_what_was_not_written_off() -> None:
    # 200 h at 100.00 are 20,000.00; 2,400.00 are written off: 17,600.00, 88 %.
    events = [contract(line()), rate("100"), *[worked(1200, "2025-03-03", f"T-{n}") for n in range(10)]]
    off = {"writeoff_id": "W-1", "contract_id": "C-1", "amount": "2400"}
    row = forecast([*events, said("writeoff.recorded", revision=1, **off)], "2025-03-31")["realization"]
    assert row == {"standard_amount": "20000.00", "billed_amount": "17600.00", "ratio": "0.8800"}
    assert forecast([contract(line())], "2025-03-31")["realization"]["ratio"] is None


def test_r32_backlog_is_scheduled_where_people_or_dates_are_on_it() -> None:
    # 10,000.00 agreed, 1,000.00 earned: 9,000.00 left, of which 40 h at 100.00 are booked: 4,000.00.
    agreed = contract(line(budget={"amount": "10000"}), line("L-2", billing_method="milestone", fee="5000"))
    events = [agreed, rate("100"), worked(600, "2025-03-03", line_id="L-1"), person()]
    booked = assigned("2025-03-10", "2025-03-14", 2400, line_id="L-1")

    def stone(number: int, **more: Any) -> Any:
        data = {"milestone_id": f"M-{number}", "contract_id": "C-1", "amount": "2000", "line_id": "L-2"}
        return said("milestone.planned", revision=1, **data, **more)

    # Of the fee of 5,000.00 nothing is accepted: 2,000.00 have a date, 2,000.00 have none.
    row = forecast([*events, booked, stone(1, due_on="2025-04-01"), stone(2)], "2025-03-07")["backlog"]
    assert row == {"amount": "14000.00", "scheduled_amount": "6000.00", "unscheduled_amount": "8000.00"}
    assert forecast([contract(line())], "2025-03-07")["backlog"] is None
