"""When work is due, what it must show before it is billed, and what an order has left, worked out by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from .oracle import recompute
from .test_oracle import (
    amended,
    blockers,
    contract,
    credited,
    invoiced,
    line,
    rate,
    readiness,
    said,
    spent,
    worked,
)

Data = dict[str, Any]
NOW = date(2025, 4, 30)


def asked(code: str, action: str = "blocking", **more: Any) -> Any:
    return said("policy.set", policy_id=code, revision=1, code=code, action=action, **more)


def documents(events: list[Any], as_of: date = NOW) -> dict[str, Data]:
    return recompute(events, as_of).documents


# -- billing schedules --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "due_on"),
    [
        ({"every": "month"}, "2025-04-01"),
        ({"every": "month", "day": 31}, "2025-04-30"),  # April is a shorter month
        ({"day": 5, "grace_days": 30}, "2025-05-05"),  # 5 April and 30 days
        ({"every": "quarter", "day": 15}, "2025-04-15"),  # March is the last month of its quarter
        ({"every": "on_dates", "dates": ["2025-06-30", "2025-03-30", "2025-03-31"]}, "2025-03-31"),
        ({"dates": ["2025-03-30"]}, None),
    ],
)
def test_work_of_march_is_due_by_the_terms(schedule: Data, due_on: str | None) -> None:
    log = [contract(billing_schedule=schedule), rate("60"), worked(60)]
    assert documents(log)["C-1/2025-03/time/1"].get("due_on") == due_on


def test_the_first_month_of_a_quarter_is_due_after_its_last() -> None:
    # 15 July is the 15th of the month after the second quarter.
    log = [contract(billing_schedule={"every": "quarter", "day": 15}), rate("60"), worked(60, "2025-04-01")]
    assert documents(log)["C-1/2025-04/time/1"]["due_on"] == "2025-07-15"


def test_what_is_not_due_is_ready_and_held() -> None:
    # 1 h in March and 2 h in April at 60: on 4 April nothing is due, on the 5th March is, 120 wait.
    log = [contract(billing_schedule={"day": 5}), rate("60"), worked(60), worked(120, "2025-04-02", "T-2")]
    before, then = readiness(log, date(2025, 4, 4)), readiness(log, date(2025, 4, 5))
    assert [(one["state"], one["ready_amount"]) for one in (before, then)] == [("held", "180.00"), ("ready", "180.00")]
    assert [(one["count"], one["amount"], one["scope"]) for row in (before, then) for one in row["blockers"]] == [
        (2, "180.00", "contract"),
        (1, "120.00", "entry"),
    ]
    held = {key: one["held"] for key, one in documents(log, date(2025, 4, 5)).items()}
    assert held == {"C-1/2025-03/time/1": False, "C-1/2025-04/time/1": True}


def test_a_schedule_that_is_amended_holds_from_its_day_on() -> None:
    # Due on the 5th; from 4 April on, on the first: March is.
    log = [contract(billing_schedule={"day": 5}), rate("60"), worked(60)]
    log.append(amended("replacement", "2025-04-04", billing_schedule={"day": 1}))
    assert [readiness(log, date(2025, 4, day))["state"] for day in (3, 4)] == ["held", "ready"]


def test_a_wrong_invoice_is_put_right_at_once() -> None:
    # Invoiced at 60, worth 90 since: 30 more, though March is not due before May.
    log = [contract(billing_schedule={"day": 1, "grace_days": 30}), rate("90"), worked(60)]
    log.append(invoiced(("time", "T-1", "60")))
    one = documents(log)["C-1/2025-03/adjustment/1"]
    assert (one["net"], one["held"], one.get("due_on")) == ("30.00", False, None)


# -- narratives and receipts --------------------------------------------------------------------------------------


def test_time_that_says_nothing_waits_and_uses_no_cap() -> None:
    # Three hours at 60 under a cap of 60: one says what was done, one nothing, one only a blank. 2 × 60 wait.
    log = [contract(line(cap={"amount": "60"})), rate("60"), worked(60), worked(60, entry_id="T-2", narrative=" ")]
    log += [worked(60, entry_id="T-3", narrative="Workshop"), asked("NARRATIVE_MISSING")]
    row = readiness(log)
    assert (row["ready_amount"], row["blocked_amount"], row["over_cap_amount"]) == ("60.00", "120.00", "0.00")
    assert blockers(log) == {("NARRATIVE_MISSING", "blocking"): (2, "120.00")}


def test_a_warning_points_out_what_is_ready_and_says_nothing() -> None:
    # Two hours at 60 under a cap of 60 that splits: of the first 60 are ready, of the second nothing is.
    log = [contract(line(cap={"amount": "60", "on_exceed": "split"})), rate("60"), worked(60)]
    log += [worked(60, entry_id="T-2"), asked("NARRATIVE_MISSING", "warning")]
    assert blockers(log)["NARRATIVE_MISSING", "warning"] == (1, "60.00")
    assert readiness(log)["ready_amount"] == "60.00"


def test_work_outside_the_term_is_not_asked_what_it_was() -> None:
    # 1 h before the term: it is not ready for another reason.
    log = [contract(), rate("60", start="2024-01-01"), worked(60, "2024-12-31"), asked("NARRATIVE_MISSING")]
    assert blockers(log) == {("OUTSIDE_TERM", "blocking"): (1, "60.00")}


def test_work_that_was_given_up_or_invoiced_is_not_asked_either() -> None:
    log = [contract(), rate("60"), worked(60), worked(60, entry_id="T-2"), asked("NARRATIVE_MISSING")]
    log += [said("writeoff.recorded", writeoff_id="W-1", revision=1, contract_id="C-1", entry_ids=["T-1"])]
    log += [invoiced(("time", "T-2", "60"))]
    assert blockers(log) == {}


@pytest.mark.parametrize(
    ("limit", "net", "missing"),
    [("25", "25", False), ("25", "25.01", True), (None, "0.01", True), (None, "-80", False)],
)
def test_what_was_spent_above_the_limit_needs_a_receipt(limit: str | None, net: str, missing: bool) -> None:
    # Before a mark-up of a tenth: 25.00 is within a limit of 25.00, though 27.50 are billed.
    log = [contract(), spent(net, "0.1"), asked("RECEIPT_MISSING", **({"limit": limit} if limit else {}))]
    assert (("RECEIPT_MISSING", "blocking") in blockers(log)) == missing
    assert (readiness(log)["ready_expense_amount"] == "0.00") == missing


def test_with_a_receipt_or_a_warning_an_expense_is_billed() -> None:
    # 100 and a tenth.
    log = [contract(), spent("100", "0.1"), asked("RECEIPT_MISSING", "warning")]
    assert readiness(log)["ready_expense_amount"] == "110.00"
    assert blockers(log) == {("RECEIPT_MISSING", "warning"): (1, "110.00")}
    log = [contract(), spent("100", "0.1", receipt_ref="scan"), asked("RECEIPT_MISSING")]
    assert (readiness(log)["ready_expense_amount"], blockers(log)) == ("110.00", {})


def test_more_billed_than_worked_is_pointed_out() -> None:
    # R11: 50 min up to 15 are 60, at 60 an hour; an exact hour is an hour.
    log = [contract(rounding={"increment_minutes": 15, "direction": "up"}), rate("60"), worked(50)]
    log += [worked(60, entry_id="T-2"), asked("BILLED_EXCEEDS_WORKED", "warning")]
    assert blockers(log) == {("BILLED_EXCEEDS_WORKED", "warning"): (1, "60.00")}


# -- purchase orders ----------------------------------------------------------------------------------------------


def test_documents_draw_on_an_order_in_the_order_of_their_keys() -> None:
    # 200, of which 60 − 20 are invoiced: 160. An expense of 50 leaves 110, an hour 50, one of April −10.
    log = [contract(purchase_order={"number": "PO-1", "amount": "200"}), rate("60"), spent("50", "0")]
    log += [worked(60, entry_id="T-0"), worked(60), worked(60, "2025-04-02", "T-2")]
    log += [invoiced(("time", "T-0", "60")), credited(("time", "T-0", "20"))]
    left = {key: one.get("order_remaining_amount") for key, one in documents(log).items()}
    assert left == {
        "C-1/2025-03/adjustment/1": None,
        "C-1/2025-03/expense/1": "110.00",
        "C-1/2025-03/time/2": "50.00",
        "C-1/2025-04/time/1": "-10.00",
    }
    assert readiness(log)["purchase_order"]["remaining_amount"] == "-10.00"
