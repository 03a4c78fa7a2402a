"""Odoo, `sale_timesheet` and its threads: what is delivered, invoiced, credited, and moved between lines."""

from __future__ import annotations

from tests.cases.asked import ask
from tests.model.histories import Event
from tests.model.test_oracle import amended, contract, credited, invoiced, line, rate, said, worked


def test_delivered_hours_are_invoiced_as_they_are_and_the_next_invoice_has_the_rest() -> None:
    # 10.5 h × 90 = 945; invoiced; 39.5 h more × 90 = 3555
    events = [contract(), rate("90"), worked(630)]
    assert ask(events).totals() == {"C-1/2025-03/time/1": "945.00"}
    more = [
        *events,
        invoiced(("time", "T-1", "945.00")),
        worked(1200, "2025-03-04", "T-2"),
        worked(1170, "2025-03-05", "T-3"),
    ]
    assert ask(more).totals() == {"C-1/2025-03/time/2": "3555.00"}


def test_ordered_hours_are_a_fee_and_hours_beyond_them_are_upsold() -> None:
    # 50 h ordered for 4500; 10.5 + 39.5 = 50 h use it up and are not billed again; 5 h more × 90 = 450
    block = contract(line(billing_method="prepaid", prepaid={"minutes": 3000, "fee": "4500"}))
    used = [worked(630), *[worked(790, f"2025-03-0{n}", f"T-{n}") for n in (4, 5, 6)]]
    told = ask([block, rate("90"), *used])
    assert (told.ready()["ready_fee_amount"], told.ready()["ready_time_amount"]) == ("4500.00", "0.00")
    told = ask([block, rate("90"), *used, worked(300, "2025-03-07", "T-7")])
    assert told.ready()["ready_time_amount"] == "450.00"


def test_an_entry_changed_after_its_invoice_is_adjusted_where_odoo_forbids_the_change() -> None:
    # 10.5 h invoiced at 90; put right to 12 h: 1080 − 945
    events = [
        contract(),
        rate("90"),
        worked(630),
        invoiced(("time", "T-1", "945.00")),
        worked(720, kind="corrected", revision=2),
    ]
    assert ask(events).ready()["adjustment_amount"] == "135.00"


def test_an_entry_moved_to_another_line_takes_its_new_price() -> None:
    # L-1 charges consultants only; the line of the entry decides the discount: 60 min × 100 less 50 %
    lines = [line(), line("L-2", discount_ratio="0.5")]
    events = [
        contract(*lines),
        rate("100"),
        worked(60, line_id="L-1"),
        worked(60, kind="corrected", revision=2, line_id="L-2"),
    ]
    told = ask(events)
    assert (told.burn("L-1")["approved"]["amount"], told.burn("L-2")["approved"]["amount"]) == ("0.00", "50.00")


def test_an_invoiced_entry_moved_to_another_contract_is_given_back_here_and_ready_there() -> None:
    events = [
        contract(),
        contract(contract_id="C-2"),
        rate("100"),
        worked(60),
        invoiced(("time", "T-1", "100.00"), invoiced_on="2025-03-31"),
        worked(60, kind="corrected", revision=2, contract_id="C-2"),
    ]
    told = ask(events)
    assert told.totals() == {"C-1/2025-03/adjustment/1": "-100.00", "C-2/2025-03/time/1": "100.00"}
    assert (told.ready("C-1")["adjustment_amount"], told.ready("C-2")["ready_amount"]) == ("-100.00", "100.00")


def test_a_cancelled_invoice_releases_the_entries_and_the_next_takes_them() -> None:
    void = said("invoice.voided", invoice_id="I-1", revision=2, contract_id="C-1")
    events = [contract(), rate("90"), worked(630), invoiced(("time", "T-1", "945.00")), void]
    assert ask(events).ready()["ready_amount"] == "945.00"
    assert ask([*events, invoiced(("time", "T-1", "945.00"), number="I-2")]).ready()["ready_amount"] == "0.00"


def test_milestones_of_a_fixed_price_are_billed_when_they_are_reached() -> None:
    # 1000 in three parts: 20 %, 30 %, 50 %. Completed is not accepted.
    def milestone(number: int, amount: str, kind: str = "planned", revision: int = 1, **more: str) -> Event:
        return said(
            f"milestone.{kind}", milestone_id=f"M-{number}", revision=revision, contract_id="C-1", amount=amount, **more
        )

    events = [
        contract(line(billing_method="milestone", fee="1000")),
        milestone(1, "200"),
        milestone(2, "300"),
        milestone(3, "500"),
        milestone(1, "200", "accepted", 2, accepted_on="2025-03-15"),
        milestone(2, "300", "completed", 2, completed_on="2025-04-15"),
    ]
    told = ask(events)
    assert (told.ready()["ready_amount"], told.ready()["blocked_amount"]) == ("200.00", "300.00")
    assert told.blockers() == {"MILESTONE_NOT_ACCEPTED": (1, "300.00")}
    assert told.totals() == {"C-1/2025-03/milestone/1": "200.00"}
    paid = [
        *events,
        invoiced(("milestone", "M-1", "200.00")),
        milestone(2, "300", "accepted", 3, accepted_on="2025-05-02"),
    ]
    assert ask(paid).totals() == {"C-1/2025-05/milestone/1": "300.00"}


def test_a_down_payment_is_a_fee_on_account() -> None:
    # Half of a block of 1000 is invoiced in advance, the other half is due.
    block = contract(line(billing_method="prepaid", prepaid={"minutes": 600, "fee": "1000"}))
    told = ask([block, invoiced(("fee", "L-1", "500.00"), invoiced_on="2025-01-05")])
    assert told.ready()["ready_fee_amount"] == "500.00"


def test_a_credit_note_for_the_whole_invoice_opens_every_entry_of_it() -> None:
    events = [
        contract(),
        rate("90"),
        worked(60),
        worked(120, "2025-03-04", "T-2"),
        invoiced(("time", "T-1", "90.00"), ("time", "T-2", "180.00"), invoiced_on="2025-03-31"),
        credited(("time", "T-1", "90.00"), ("time", "T-2", "180.00"), credited_on="2025-04-01"),
    ]
    told = ask(events)
    assert (told.ready()["ready_amount"], told.ready()["invoiced_amount"]) == ("270.00", "0.00")


def test_a_credit_before_the_invoice_date_counts_from_its_own() -> None:
    # Credited "on" the day before the invoice: as of that day −90 stand against an entry that is worth 90 and ready.
    events = [
        contract(),
        rate("90"),
        worked(60),
        invoiced(("time", "T-1", "90.00"), invoiced_on="2025-04-10"),
        credited(("time", "T-1", "90.00"), credited_on="2025-04-20"),
    ]
    days = ("2025-04-09", "2025-04-10", "2025-04-19", "2025-04-20")
    assert [ask(events, day).ready()["ready_amount"] for day in days] == ["90.00", "0.00", "0.00", "90.00"]


def test_a_line_sold_under_another_price_keeps_its_list_price_visible_in_what_is_billed() -> None:
    # #276228: 200 h × 64.00 less 20 % = 10,240.00, of which each hour is worth 51.20
    work = [worked(1200, f"2025-03-{n:02}", f"T-{n:02}") for n in range(3, 13)]
    events = [contract(line(discount_ratio="0.2")), rate("64"), *work]
    told = ask(events)
    assert told.ready()["ready_amount"] == "10240.00"


def test_prices_by_person_on_one_project_and_a_fallback() -> None:
    # #277416: P-1 at 150 here, P-2 by the contract's 100: 1 h each
    cards = [rate("100", contract_id="C-1"), rate("150", rate_id="R-2", contract_id="C-1", resource_id="P-1")]
    events = [contract(), *cards, worked(60), worked(60, entry_id="T-2", resource_id="P-2")]
    assert ask(events).ready()["ready_amount"] == "250.00"


def test_an_amended_order_keeps_what_was_delivered_before() -> None:
    # 10 h budget, 8 used; an order of 5 h more: 15, of which 7 are left
    events = [
        contract(line(budget={"minutes": 600})),
        worked(480),
        amended("additive", "2025-04-01", lines=[{"line_id": "L-1", "budget": {"minutes": 300}}]),
    ]
    assert ask(events, "2025-03-31").burn()["remaining"]["minutes"] == 120
    assert ask(events, "2025-04-01").burn()["remaining"]["minutes"] == 420
