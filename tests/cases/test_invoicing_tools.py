"""Invoice Ninja, SolidInvoice and their like: where floats lose a cent, fees on account, discounts."""

from __future__ import annotations

import pytest

from tests.cases.asked import ask
from tests.model.test_oracle import contract, credited, invoiced, line, rate, said, worked


@pytest.mark.parametrize(
    ("price", "amount"),
    [
        ("123.456", "123.46"),
        ("123.454", "123.45"),
        ("123.455", "123.46"),
        ("1.005", "1.01"),  # 1.005 × 100 is 100.49999… in floats
        ("2.675", "2.68"),
        ("8.345", "8.35"),
        ("9.995", "10.00"),
        ("0.004999", "0.00"),
    ],
)
def test_a_half_cent_goes_up_whatever_floats_make_of_it(price: str, amount: str) -> None:
    assert ask([contract(), rate(price), worked(60)]).totals() == {"C-1/2025-03/time/1": amount}


def test_ten_dimes_are_a_euro() -> None:
    # 0.1 + 0.2 is 0.30000000000000004 in floats; 10 × 0.10 are 1.00
    work = [worked(60, entry_id=f"T-{n}") for n in range(10)]
    assert ask([contract(), rate("0.1"), *work]).ready()["ready_amount"] == "1.00"


def test_a_discount_is_taken_before_the_one_rounding() -> None:
    # 7 min × 99.99 ÷ 60 = 11.6655; less 15 %: 9.915675, so 9.92. Rounded first it would be 11.67 × 0.85 = 9.9195.
    assert ask([contract(line(discount_ratio="0.15")), rate("99.99"), worked(7)]).ready()["ready_amount"] == "9.92"
    # 3 min × 0.33: 0.0165, less a third 0.011
    assert ask([contract(line(discount_ratio="0.333333")), rate("0.33"), worked(3)]).ready()["ready_amount"] == "0.01"


def test_a_whole_discount_leaves_nothing_to_pay_and_is_a_price_all_the_same() -> None:
    told = ask([contract(line(discount_ratio="1")), rate("100"), worked(60)])
    assert (told.ready()["ready_amount"], told.ready()["ready_entries"], told.blockers()) == ("0.00", 1, {})


def test_an_invoice_of_a_month_pays_that_month_and_one_of_the_line_the_oldest() -> None:
    # January to March: 3 × 1000. February is invoiced by name, 1500 by the line: January whole, and 500 of March.
    events = [
        contract(line(billing_method="retainer", retainer={"fee": "1000", "minutes": 600})),
        invoiced(("fee", "L-1/2025-02", "1000.00"), invoiced_on="2025-02-28"),
        invoiced(("fee", "L-1", "1500.00"), number="I-2", invoiced_on="2025-03-31"),
    ]
    told = ask(events, "2025-03-31")
    assert told.totals() == {"C-1/2025-03/fee/2": "500.00"}
    assert (told.ready()["ready_fee_amount"], told.ready()["invoiced_amount"]) == ("500.00", "2500.00")


def test_a_fee_that_is_credited_is_due_again() -> None:
    events = [
        contract(line(billing_method="retainer", retainer={"fee": "1000", "minutes": 600})),
        invoiced(("fee", "L-1/2025-01", "1000.00"), invoiced_on="2025-01-31"),
        credited(("fee", "L-1/2025-01", "400.00"), credited_on="2025-02-10"),
    ]
    assert ask(events, "2025-01-31").totals() == {}
    assert ask(events, "2025-02-28").totals() == {"C-1/2025-01/fee/2": "400.00", "C-1/2025-02/fee/1": "1000.00"}


def test_a_draft_that_was_paid_without_ever_being_issued_names_nothing() -> None:
    paid = said("invoice.paid", invoice_id="I-1", revision=2, contract_id="C-1")
    told = ask([contract(), rate("100"), worked(60), paid])
    assert (told.ready()["ready_amount"], told.ready()["invoiced_amount"]) == ("100.00", "0.00")


def test_an_invoice_issued_anew_with_other_lines_lets_go_of_the_first() -> None:
    events = [
        contract(),
        rate("100"),
        worked(60),
        worked(30, "2025-03-04", "T-2"),
        invoiced(("time", "T-1", "100.00")),
        invoiced(("time", "T-2", "50.00"), revision=2),
    ]
    told = ask(events)
    assert (told.ready()["ready_amount"], told.ready()["invoiced_amount"]) == ("100.00", "50.00")
