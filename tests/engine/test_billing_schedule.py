"""Billing schedules and purchase orders: what is ready and not due is held, and an order is used up, in any order of
events (domain 2.8)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import permutations
from random import Random
from typing import Any

import pytest

from app.domain.billing_schedule import schedule_of
from tests.engine.noise import noisy, tick
from tests.engine.runs import Run, fold, histories, lines
from tests.engine.test_documents import live, lost, told
from tests.engine.test_failure_scenarios import APPROVED, RATE, entry
from tests.engine.test_policy import event
from tests.model.features import ALL
from tests.model.histories import as_of_days, history, troubled

NOT_DUE = "BILLING_SCHEDULE_NOT_DUE"
SCHEDULED = event("contract.approved", **{**APPROVED["data"], "billing_schedule": {"every": "month", "day": 5}})
MARCH, APRIL = entry("M"), entry("A", work_date="2026-04-01", minutes=30)


def said(run: Run, on: str) -> tuple[str, str, list[tuple[str, str, int, str]]]:
    """State, ready amount, and what waits (scope, tier, documents, amount) as of a day."""
    row = run.figures.readiness("C", date.fromisoformat(on).toordinal())
    its = [
        (one["scope"], one["tier"], one["count"], one["amount"]) for one in row["blockers"] if one["code"] == NOT_DUE
    ]
    return row["state"], row["ready_amount"], its


def test_a_contract_is_held_until_anything_is_due() -> None:
    """60.00 of March are due on 5 April, 30.00 of April on 5 May."""
    run = fold(lines([SCHEDULED, RATE, MARCH, APRIL]))
    assert said(run, "2026-04-04") == ("held", "90.00", [("contract", "held", 2, "90.00")])
    assert said(run, "2026-04-05") == ("ready", "90.00", [("entry", "held", 1, "30.00")])
    assert said(run, "2026-05-05") == ("ready", "90.00", [])


def test_without_a_schedule_everything_is_due_and_documents_say_nothing_of_it() -> None:
    run = fold(lines([APPROVED, RATE, MARCH, APRIL, tick(date(2026, 4, 4))]), publish=True)
    assert said(run, "2026-04-04") == ("ready", "90.00", [])
    assert [(one["held"], "due_on" in one) for one in told(run).values()] == [(False, False)] * 2


def test_documents_are_held_until_their_day_comes_whatever_comes_first() -> None:
    expected = {"C/2026-03/time/1": (False, "2026-04-05"), "C/2026-04/time/1": (True, "2026-05-05")}
    log = [SCHEDULED, RATE, MARCH, APRIL, tick(date(2026, 4, 3)), tick(date(2026, 4, 5))]
    for order in permutations(log):
        run = fold(lines(order), cut=1, publish=True)
        assert {key: (one["held"], one["due_on"]) for key, one in told(run).items()} == expected
        assert told(run) == live(run.figures, date(2026, 4, 5))


def test_grace_waits_for_facts_that_come_late() -> None:
    """Closed on 1 April, three days of grace: what is told meanwhile is in the same document."""
    contract = event("contract.approved", **{**APPROVED["data"], "billing_schedule": {"grace_days": 3}})
    late = entry("L", work_date="2026-03-31")
    run = fold(lines([contract, RATE, MARCH, tick(date(2026, 4, 1)), late]), cut=1, publish=True)
    [document] = told(run).values()
    assert (document["total"], document["held"], document["due_on"]) == ("120.00", True, "2026-04-04")
    [document] = told(fold(lines([contract, RATE, MARCH, late, tick(date(2026, 4, 4))]), publish=True)).values()
    assert document["held"] is False


def amended(**schedule: Any) -> dict[str, Any]:
    return event(
        "contract.amended",
        contract_id="C",
        version=2,
        amendment_id="A",
        kind="replacement",
        effective_from="2026-04-03",
        billing_schedule=schedule,
    )


def test_an_amended_schedule_holds_or_frees_from_its_day() -> None:
    """From 3 April on a quarter is billed on the 2nd, so March is due at once."""
    run = fold(lines([SCHEDULED, RATE, MARCH, amended(every="quarter", day=2)]))
    assert said(run, "2026-04-02")[0] == "held"
    assert said(run, "2026-04-03") == ("ready", "60.00", [])
    log = [SCHEDULED, RATE, MARCH, tick(date(2026, 4, 3)), amended(every="quarter", day=2)]
    run = fold(lines(log), cut=1, publish=True)
    assert [one["held"] for one in told(run).values()] == [False]


def test_dates_that_are_used_up_leave_the_rest_waiting_and_say_so() -> None:
    run = fold(lines([SCHEDULED, RATE, MARCH, amended(every="on_dates", dates=["2026-03-30"]), tick(date(2026, 6, 1))]))
    assert said(run, "2026-06-01") == ("held", "60.00", [("contract", "held", 1, "60.00")])
    [row] = run.figures.documents("C", date(2026, 6, 1).toordinal())
    assert (row["held"], row["due_on"]) == (True, None)


def test_what_stops_a_contract_comes_before_what_is_not_due() -> None:
    dispute = event("dispute.opened", dispute_id="D", contract_id="C")
    run = fold(lines([SCHEDULED, RATE, MARCH, dispute]))
    assert said(run, "2026-04-04") == ("blocked", "0.00", [("contract", "held", 1, "60.00")])


def test_an_adjustment_waits_for_no_day() -> None:
    """Invoiced at 60.00 before its day, then priced at 90.00: 30.00 to be put right."""
    billed = [{"kind": "time", "id": "M", "amount": "60.00"}]
    invoice = event("invoice.issued", invoice_id="I", contract_id="C", invoiced_on="2026-03-31", lines=billed)
    more = event("rate.set", rate_id="R2", amount="90.00", currency="EUR", effective_from="2026-03-01")
    run = fold(lines([SCHEDULED, RATE, MARCH, invoice, more]))
    [row] = run.figures.documents("C", date(2026, 4, 1).toordinal())
    assert (row["kind"], row["net"], row["held"], "due_on" in row) == ("adjustment", "30.00", False, False)


SCHEDULES: tuple[dict[str, Any], ...] = (
    {"every": "month"},
    {"every": "month", "day": 20, "grace_days": 4},
    {"every": "quarter", "day": 3},
    {"every": "on_dates", "dates": ["2025-02-28", "2025-03-15", "2025-05-31"]},
)


@pytest.mark.parametrize("seed", histories(12))
def test_what_is_not_due_is_ready_held_and_told_of_any_contract(seed: int) -> None:
    """Documents come to what is ready; those held for their day are what the blocker says; stated is recomputed."""
    rng = Random(seed)
    events = troubled(history(15_000_000 + seed, 110, features=ALL), rng)
    for one in events:
        if one["type"] in ("contract.approved.v1", "contract.amended.v1") and rng.random() < 0.7:
            one["data"]["billing_schedule"] = rng.choice(SCHEDULES)
    today = rng.choice(as_of_days(events))
    log = noisy(lines(events), rng, [tick(today)])
    rng.shuffle(log)
    run = fold(log, partitions=rng.randint(1, 3), cut=rng.choice((1, 7, 1000)), publish=True)
    assert told(run) == live(run.figures, today)
    for as_of in as_of_days(events):
        assert lost(run.figures, as_of) == []
        for contract_id in run.figures.ids():
            check(run, contract_id, as_of)


def check(run: Run, contract_id: str, as_of: date) -> None:
    day = as_of.toordinal()
    contracts, head = run.figures.of(contract_id) or pytest.fail(f"{contract_id} is unknown")
    terms = contracts.position(contract_id, head, day).terms
    schedule = schedule_of(terms.said.get("billing_schedule")) if terms is not None else None
    row = run.figures.readiness(contract_id, day)
    waits = [one for one in row["blockers"] if one["code"] == NOT_DUE]
    if schedule is None:
        assert waits == []
        return
    its = [one for one in run.figures.documents(contract_id, day) if one["kind"] != "adjustment"]
    waiting = [one for one in its if not schedule.due(one["period"], day)]
    assert all(one["held"] for one in waiting)
    if row["state"] != "blocked":
        assert sum(one["count"] for one in waits) == len(waiting)
        assert sum(Decimal(one["amount"]) for one in waits) == sum(Decimal(one["total"]) for one in waiting)
        if not any(one["tier"] == "held" and one["code"] != NOT_DUE for one in row["blockers"]):
            due = sum(Decimal(one["total"]) for one in its) - sum(Decimal(one["total"]) for one in waiting)
            assert (row["state"] == "held") == (bool(waiting) and due <= 0)
            assert all(one["held"] == (one in waiting) for one in its)


# -- purchase orders ------------------------------------------------------------------------------------------------


def test_a_purchase_order_is_used_up_by_what_is_invoiced_on_it_and_by_what_is_ready() -> None:
    """200.00 on PO-1: 60.00 invoiced, 20.00 of it credited, 60.00 and 30.00 ready: 200 − 40 − 90 = 70.00 remain, 100.00
    after the document of March."""
    contract = event("contract.approved", **{**APPROVED["data"], "purchase_order": {"number": "PO-1", "amount": "200"}})
    billed = [{"kind": "time", "id": "B", "amount": "60.00"}]
    invoice = event("invoice.issued", invoice_id="I", contract_id="C", invoiced_on="2026-03-05", lines=billed)
    given = [{"kind": "time", "id": "B", "amount": "20.00"}]
    credit = event(
        "invoice.credited", credit_id="K", invoice_id="I", contract_id="C", credited_on="2026-04-01", lines=given
    )
    log = [contract, RATE, entry("B", work_date="2026-02-02"), MARCH, APRIL, invoice, credit]
    day = date(2026, 4, 10).toordinal()
    for order in (log, log[::-1]):
        run = fold(lines(order), cut=1)
        assert run.figures.readiness("C", day)["purchase_order"] == {
            "number": "PO-1",
            "expires_on": None,
            "amount": "200.00",
            "invoiced_amount": "40.00",
            "proposed_amount": "90.00",
            "remaining_amount": "70.00",
        }
        left = {one["period"]: one.get("order_remaining_amount") for one in run.figures.documents("C", day)}
        assert left == {"2026-02": None, "2026-03": "100.00", "2026-04": "70.00"}


def test_a_new_order_is_whole_and_a_credit_is_given_back_to_the_order_of_its_invoice() -> None:
    """PO-2 from April on: what was invoiced on PO-1 in March, and credited in April, is no matter of it."""
    contract = event("contract.approved", **{**APPROVED["data"], "purchase_order": {"number": "PO-1", "amount": "60"}})
    renewed = event(
        "contract.amended",
        contract_id="C",
        version=2,
        amendment_id="A",
        kind="replacement",
        effective_from="2026-04-01",
        purchase_order={"number": "PO-2", "amount": "100"},
    )
    billed = [{"kind": "time", "id": "M", "amount": "60.00"}]
    invoice = event("invoice.issued", invoice_id="I", contract_id="C", invoiced_on="2026-03-05", lines=billed)
    credit = event(
        "invoice.credited", credit_id="K", invoice_id="I", contract_id="C", credited_on="2026-04-02", lines=billed
    )
    log = [contract, renewed, RATE, MARCH, invoice, credit]
    for order in permutations(log):
        run = fold(lines(order))
        used = {
            on: run.figures.readiness("C", date.fromisoformat(on).toordinal())["purchase_order"]
            for on in ("2026-03-31", "2026-04-01", "2026-04-02")
        }
        assert {on: (one["number"], one["invoiced_amount"], one["remaining_amount"]) for on, one in used.items()} == {
            "2026-03-31": ("PO-1", "60.00", "0.00"),
            "2026-04-01": ("PO-2", "0.00", "100.00"),
            "2026-04-02": ("PO-2", "0.00", "40.00"),
        }
