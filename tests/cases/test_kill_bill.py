"""Kill Bill: parts of periods, prices that change inside one, what is put right after it was invoiced.

Its subscriptions are retainers here. Its own proration counts days of the month like ours; where it repairs an
invoice in place, we state an adjustment beside it, and where it credits an account, a credit names its entries.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.cases.asked import ask
from tests.model.test_oracle import amended, contract, credited, invoiced, line, rate, said, worked


def monthly(fee: str, **more: Any) -> Any:
    return line(billing_method="retainer", retainer={"fee": fee, "minutes": 0, **more})


@pytest.mark.parametrize(
    ("start", "fee"),
    [
        ("2025-01-01", "100.00"),  # 31 of 31
        ("2025-01-31", "3.23"),  # 1 of 31: 3.2258…
        ("2025-01-15", "54.84"),  # 17 of 31: 54.8387…
    ],
)
def test_a_leading_part_of_a_month_is_days_covered_of_days_it_has(start: str, fee: str) -> None:
    told = ask([contract(monthly("100"), start=start)], "2025-01-31")
    assert told.ready()["ready_fee_amount"] == fee
    assert told.totals() == {"C-1/2025-01/fee/1": fee}


@pytest.mark.parametrize(
    ("end", "fee"),
    [
        ("2024-02-29", "290.00"),  # a leap year's February whole
        ("2024-02-28", "280.00"),  # 28 of 29 × 290
        ("2024-02-01", "10.00"),  # 1 of 29 × 290
    ],
)
def test_a_trailing_part_of_february_knows_the_leap_day(end: str, fee: str) -> None:
    told = ask([contract(monthly("290"), start="2024-02-01", term={"from": "2024-02-01", "to": end})], "2024-03-31")
    assert told.totals() == {"C-1/2024-02/fee/1": fee}


def test_a_contract_of_one_day_earns_one_day() -> None:
    # 1 of 30 × 100.00 = 3.33
    events = [contract(monthly("100"), start="2025-04-30", term={"from": "2025-04-30", "to": "2025-04-30"})]
    assert ask(events).totals() == {"C-1/2025-04/fee/1": "3.33"}


def test_both_ends_of_a_term_cut_their_months() -> None:
    # 16 of 31 × 310 = 160, February whole, 10 of 31 × 310 = 100
    events = [contract(monthly("310"), start="2025-01-16", term={"from": "2025-01-16", "to": "2025-03-10"})]
    assert ask(events).totals() == {
        "C-1/2025-01/fee/1": "160.00",
        "C-1/2025-02/fee/1": "310.00",
        "C-1/2025-03/fee/1": "100.00",
    }


def test_a_cancellation_in_the_middle_of_an_invoiced_month_is_a_liability_and_no_adjustment() -> None:
    # 300.00 of June invoiced in advance; cancelled from the 16th on it earned 15 of 30 = 150.00. Fees are on account.
    events = [
        contract(monthly("300"), start="2025-06-01"),
        invoiced(("fee", "L-1/2025-06", "300.00"), invoiced_on="2025-06-01"),
        amended("replacement", "2025-06-15", term={"to": "2025-06-15"}),
    ]
    told = ask(events, "2025-07-31")
    assert (told.ready()["ready_amount"], told.ready()["adjustment_amount"], told.totals()) == ("0.00", "0.00", {})
    assert told.forecast()["unbilled"] == {
        "earned_amount": "150.00",
        "invoiced_amount": "300.00",
        "written_off_amount": "0.00",
        "amount": "-150.00",
    }


def test_three_prices_in_one_month_each_hold_on_their_days() -> None:
    # 1 h each on the 1st, 10th, 11th, 20th, 21st and 31st: 100 + 100 + 110 + 110 + 120 + 120
    cards = [rate("100"), rate("110", "2025-03-11", "R-2"), rate("120", "2025-03-21", "R-3")]
    days = (1, 10, 11, 20, 21, 31)
    work = [worked(60, f"2025-03-{day:02}", f"T-{day:02}") for day in days]
    told = ask([contract(), *cards, *work])
    assert told.totals() == {"C-1/2025-03/time/1": "660.00"}
    assert told.burn()["by_period"]["2025-03"]["amount"] == "660.00"


def test_two_changes_of_one_day_the_later_revision_wins_then_the_greater_id() -> None:
    # Both cards from 11 March: revision 2 beats revision 1 whatever the ids; among equals R-3 > R-2.
    first = rate("110", "2025-03-11", "R-3")
    assert ask(
        [contract(), first, rate("130", "2025-03-11", "R-2", revision=2), worked(60, "2025-03-11")]
    ).totals() == {"C-1/2025-03/time/1": "130.00"}
    assert ask([contract(), first, rate("130", "2025-03-11", "R-2"), worked(60, "2025-03-11")]).totals() == {
        "C-1/2025-03/time/1": "110.00"
    }


def test_a_price_taken_back_repairs_what_was_invoiced_and_re_prices_the_rest() -> None:
    # 2 h at 120 invoiced = 240; the card of 120 is withdrawn, 100 holds: −240 + 200 = −40, and 1 h more at 100.
    events = [
        contract(),
        rate("100"),
        rate("120", "2025-03-01", "R-2"),
        worked(120, "2025-03-03"),
        worked(60, "2025-03-04", "T-2"),
        invoiced(("time", "T-1", "240.00"), invoiced_on="2025-03-31"),
        said("rate.withdrawn", at="2025-04-02T00:00:00Z", rate_id="R-2", revision=2),
    ]
    told = ask(events, "2025-04-30")
    assert told.totals() == {"C-1/2025-03/adjustment/1": "-40.00", "C-1/2025-03/time/2": "100.00"}


def test_an_item_is_adjusted_once_however_often_it_is_asked_for() -> None:
    # 100 invoiced, worth 60 now: −40. The invoice that says −40 settles it, and nothing is left.
    events = [
        contract(),
        rate("100"),
        worked(60),
        invoiced(("time", "T-1", "100.00"), invoiced_on="2025-03-31"),
        worked(36, kind="corrected", revision=2),
    ]
    assert ask(events).ready()["adjustment_amount"] == "-40.00"
    settled = [*events, invoiced(("time", "T-1", "-40.00"), number="I-2", invoiced_on="2025-04-30")]
    told = ask(settled)
    assert (told.ready()["adjustment_amount"], told.ready()["invoiced_amount"], told.totals()) == ("0.00", "60.00", {})


def test_a_credit_of_part_of_an_item_opens_no_work_again() -> None:
    # 100 invoiced, 30 given back: 70 stand on the invoice and 100 hold, so 30 are to be adjusted, none are ready.
    events = [
        contract(),
        rate("100"),
        worked(60),
        invoiced(("time", "T-1", "100.00")),
        credited(("time", "T-1", "30.00")),
    ]
    row = ask(events).ready()
    assert (row["ready_amount"], row["invoiced_amount"], row["adjustment_amount"]) == ("0.00", "70.00", "30.00")


def test_credits_in_parts_that_come_to_the_whole_open_it() -> None:
    # 100 = 30 + 70 given back: the entry is ready again, and its document has the next sequence.
    events = [
        contract(),
        rate("100"),
        worked(60),
        invoiced(("time", "T-1", "100.00"), invoiced_on="2025-03-31"),
        credited(("time", "T-1", "30.00"), credit_id="K-1", credited_on="2025-04-10"),
        credited(("time", "T-1", "70.00"), credit_id="K-2", credited_on="2025-04-20"),
    ]
    assert ask(events, "2025-04-19").ready()["ready_amount"] == "0.00"
    told = ask(events, "2025-04-20")
    assert (told.ready()["ready_amount"], told.totals()) == ("100.00", {"C-1/2025-03/time/2": "100.00"})


def test_an_invoice_that_is_voided_never_was() -> None:
    events = [
        contract(),
        rate("100"),
        worked(60),
        invoiced(("time", "T-1", "100.00"), invoiced_on="2025-03-31"),
        said("invoice.voided", invoice_id="I-1", revision=2, contract_id="C-1"),
    ]
    told = ask(events)
    assert (told.ready()["ready_amount"], told.ready()["invoiced_amount"]) == ("100.00", "0.00")
    assert told.totals() == {"C-1/2025-03/time/2": "100.00"}  # the key of a voided invoice's document is not used again
    again = [*events, invoiced(("time", "T-1", "100.00"), number="I-2", invoiced_on="2025-04-02")]
    assert (ask(again).ready()["invoiced_amount"], ask(again).totals()) == ("100.00", {})


def test_an_item_of_zero_is_billed_and_is_no_free_lunch() -> None:
    # A price of 0 is a price: the entry is ready at 0.00 beside one of 100.00. Without a price it would block.
    events = [contract(), rate("100"), worked(60), worked(60, "2025-03-04", "T-2", rate_override="0")]
    row = ask(events).ready()
    assert (row["ready_amount"], row["ready_entries"], row["ready_minutes"]) == ("100.00", 2, 120)


def test_a_fee_that_changes_from_the_next_month_on() -> None:
    # 100 for January, 200 from February on; the month's fee is that of its first covered day.
    events = [
        contract(monthly("100")),
        amended("replacement", "2025-02-01", lines=[{"line_id": "L-1", "retainer": {"fee": "200"}}]),
    ]
    assert ask(events, "2025-03-01").totals() == {
        "C-1/2025-01/fee/1": "100.00",
        "C-1/2025-02/fee/1": "200.00",
        "C-1/2025-03/fee/1": "200.00",
    }


def test_a_suspension_bills_nothing_and_a_resumption_brings_everything_back() -> None:
    events = [
        contract(),
        rate("100"),
        worked(60),
        said("contract.suspended", contract_id="C-1", version=2, effective_from="2025-04-01"),
        said("contract.resumed", contract_id="C-1", version=3, effective_from="2025-05-01"),
    ]
    before, between, after = (ask(events, day).ready() for day in ("2025-03-31", "2025-04-30", "2025-05-01"))
    assert [row["ready_amount"] for row in (before, between, after)] == ["100.00", "0.00", "100.00"]
    assert (between["state"], between["blocked_amount"]) == ("blocked", "100.00")
