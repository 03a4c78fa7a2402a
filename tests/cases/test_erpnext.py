"""ERPNext: time sheets billed in part, returned, costed by worked hours; purchase orders; percent complete."""

from __future__ import annotations

from tests.cases.asked import ask
from tests.model.histories import Event
from tests.model.test_oracle import amended, contract, credited, invoiced, line, rate, said, worked


def test_billing_and_costing_have_their_own_rates() -> None:
    # 2 h: 2 × 50 billed, 2 × 20 cost
    events = [contract(), rate("50"), rate("20", rate_id="K-1", kind="cost"), worked(120)]
    approved = ask(events).burn()["approved"]
    assert approved == {"billable_minutes": 120, "nonbillable_minutes": 0, "amount": "100.00", "cost": "40.00"}


def test_what_is_not_billable_costs_all_the_same() -> None:
    events = [contract(), rate("50"), rate("20", rate_id="K-1", kind="cost"), worked(120, billable=False)]
    approved = ask(events).burn()["approved"]
    assert approved == {"billable_minutes": 0, "nonbillable_minutes": 120, "amount": "0.00", "cost": "40.00"}
    assert ask(events).ready()["ready_entries"] == 0


def test_cost_is_of_worked_hours_where_erpnext_costs_billed_ones() -> None:
    # 50 min billed as 60: 1 × 60 billed, 50 ÷ 60 × 30 = 25 cost
    up = contract(rounding={"increment_minutes": 60, "direction": "up"})
    approved = ask([up, rate("60"), rate("30", rate_id="K-1", kind="cost"), worked(50)]).burn()["approved"]
    assert (approved["billable_minutes"], approved["amount"], approved["cost"]) == (60, "60.00", "25.00")


def test_partial_billing_and_return() -> None:
    # Two logs of 2 h at 50: one invoiced, then the other, which is returned, and invoiced once more.
    first = [contract(), rate("50"), worked(120), worked(120, "2025-03-04", "T-2")]
    partly = [*first, invoiced(("time", "T-1", "100.00"))]
    billed = [*partly, invoiced(("time", "T-2", "100.00"), number="I-2")]
    returned = [*billed, credited(("time", "T-2", "100.00"), number="I-2")]
    again = [*returned, invoiced(("time", "T-2", "100.00"), number="I-3")]
    rows = [ask(events).ready() for events in (first, partly, billed, returned, again)]
    assert [row["ready_amount"] for row in rows] == ["200.00", "100.00", "0.00", "100.00", "0.00"]
    assert [row["invoiced_amount"] for row in rows] == ["0.00", "100.00", "200.00", "100.00", "200.00"]


def test_an_entry_on_two_invoices_is_given_back_once() -> None:
    # ERPNext refuses the second invoice. We were told it happened: 100 hold, 200 stand, −100; the earlier stays.
    events = [
        contract(),
        rate("50"),
        worked(120),
        invoiced(("time", "T-1", "100.00"), invoiced_on="2025-03-31"),
        invoiced(("time", "T-1", "100.00"), number="I-2", invoiced_on="2025-04-30") | {"time": "2025-04-30T00:00:00Z"},
    ]
    told = ask(events)
    assert told.ready()["adjustment_amount"] == "-100.00"
    [document] = told.figures.documents.values()
    assert (document["adjusts"], document["net"]) == ("I-2", "-100.00")


def test_an_entry_that_was_not_approved_and_is_invoiced_blocks_and_credits_nothing() -> None:
    events = [contract(), rate("50"), worked(120, kind="submitted"), invoiced(("time", "T-1", "100.00"))]
    told = ask(events)
    assert (told.ready()["adjustment_amount"], told.ready()["ready_amount"]) == ("0.00", "0.00")
    assert told.blockers()["TIME_NOT_APPROVED"][0] == 1


def order(**more: object) -> Event:
    return contract(purchase_order={"number": "PO-1", "required": True, "amount": "1000", **more})


def test_a_purchase_order_that_is_required_and_missing_stops_everything() -> None:
    events = [order(number=None), rate("50"), worked(120)]
    row = ask(events).ready()
    assert (row["state"], row["ready_amount"], row["blocked_amount"]) == ("blocked", "0.00", "100.00")
    assert ask(events).blockers()["PO_MISSING"] == (1, "100.00")
    later = [*events, amended("replacement", "2025-06-01", purchase_order={"number": "PO-9"})]
    assert ask(later, "2025-05-31").ready()["state"] == "blocked"
    assert ask(later, "2025-06-01").ready()["ready_amount"] == "100.00"


def test_a_purchase_order_is_drawn_on_by_invoices_net_of_credits() -> None:
    # 1000 − 100 invoiced + 100 credited − 300 proposed
    events = [
        order(),
        rate("50"),
        worked(120),
        worked(240, "2025-03-04", "T-2"),
        invoiced(("time", "T-1", "100.00")),
        credited(("time", "T-1", "100.00")),
    ]
    drawn = ask(events).ready()["purchase_order"]
    assert (drawn["invoiced_amount"], drawn["proposed_amount"], drawn["remaining_amount"]) == (
        "0.00",
        "300.00",
        "700.00",
    )


def test_percent_complete_by_cost_and_a_project_that_costs_more_than_was_thought() -> None:
    # Cost 900 of 800: no more than the fee of 1000, and a loss is expected only where cost exceeds the fee.
    events = [
        contract(line(billing_method="percent_complete", fee="1000")),
        said("estimate.set", estimate_id="S-1", revision=1, contract_id="C-1", cost="800", effective_from="2025-01-01"),
        rate("900", rate_id="K-1", kind="cost"),
        worked(60),
    ]
    told = ask(events)
    assert told.ready()["ready_fee_amount"] == "1000.00"
    assert {row["expected_loss_amount"] for row in told.figures.revenue.values()} == {"0.00"}


def test_an_expense_on_the_way_there_lies_before_the_term_and_is_not_forgotten() -> None:
    # A flight on 28 February for a contract from 1 March, a taxi on 1 April after its end, a hotel within: 300 are
    # spent, 100 ready, and 50 + 150 wait for the term to be amended.
    def spent(number: int, day: str, amount: str) -> Event:
        net = {"amount": amount, "currency": "EUR"}
        return said("expense.approved", expense_id=f"E-{number}", revision=1, contract_id="C-1", date=day, net=net)

    march = contract(start="2025-03-01", term={"from": "2025-03-01", "to": "2025-03-31"})
    events = [march, spent(1, "2025-02-28", "50"), spent(2, "2025-03-10", "100"), spent(3, "2025-04-01", "150")]
    told = ask(events)
    assert (told.ready()["ready_expense_amount"], told.ready()["blocked_amount"]) == ("100.00", "200.00")
    assert told.blockers() == {"OUTSIDE_TERM": (2, "200.00")}
    longer = amended("replacement", "2025-02-01", term={"from": "2025-02-01", "to": None})
    told = ask([*events, longer])
    assert (told.ready()["ready_expense_amount"], told.blockers()) == ("300.00", {})
