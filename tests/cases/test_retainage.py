"""Construction billing (AIA G702 and G703): what is completed, held back, paid, and released at the end."""

from __future__ import annotations

from tests.cases.asked import ask
from tests.model.histories import Event
from tests.model.test_oracle import amended, contract, invoiced, line, rate, said, worked


def work(number: int, amount: str, day: str, line_id: str = "L-1") -> Event:
    """Work of a schedule of values that was accepted, worth `amount`."""
    return said(
        "milestone.accepted",
        milestone_id=f"M-{number}",
        revision=1,
        contract_id="C-1",
        amount=amount,
        line_id=line_id,
        accepted_on=day,
    )


def released(day: str, release_id: str = "X-1", **more: str) -> Event:
    return said("retainage.released", release_id=release_id, revision=1, contract_id="C-1", on=day, **more)


def held(ratio: str, line_id: str = "L-1") -> dict[str, object]:
    return line(line_id, billing_method="milestone", retainage_ratio=ratio)


def test_a_quarter_of_ten_thousand_is_billed_less_a_tenth() -> None:
    # 2,500.00 completed, 250.00 held, 2,250.00 to be paid
    told = ask([contract(held("0.1")), work(1, "2500", "2025-03-03")])
    row = told.ready()
    assert (row["ready_amount"], row["retained_amount"]) == ("2250.00", "250.00")
    assert told.totals() == {"C-1/2025-03/milestone/1": "2250.00"}


def test_applications_add_up_and_the_last_one_is_the_retainage_alone() -> None:
    # 10,000 in four applications of 2,500 less 10 %, each invoiced as it is to be paid; then 1,000 released.
    events = [contract(held("0.1"))]
    for number, month in enumerate(("01", "02", "03", "04"), 1):
        events.append(work(number, "2500", f"2025-{month}-10"))
        events.append(
            invoiced(("milestone", f"M-{number}", "2250.00"), number=f"I-{number}", invoiced_on=f"2025-{month}-28")
        )
    told = ask(events)
    assert (told.ready()["ready_amount"], told.ready()["retained_amount"], told.totals()) == ("0.00", "1000.00", {})
    told = ask([*events, released("2025-06-01", ratio="1")])
    assert (told.ready()["ready_amount"], told.ready()["retained_amount"]) == ("1000.00", "0.00")
    assert told.totals() == {"C-1/2025-06/fee/1": "1000.00"}
    paid = [
        *events,
        released("2025-06-01", ratio="1"),
        invoiced(("fee", "L-1", "1000.00"), number="I-9", invoiced_on="2025-06-05"),
    ]
    assert ask(paid).totals() == {}
    assert ask(paid).ready()["invoiced_amount"] == "10000.00"


def test_mobilization_of_fifteen_thousand_at_eighty_per_cent() -> None:
    # 12,000 completed this period less 5 % = 600: 11,400 to be paid
    told = ask([contract(held("0.05")), work(1, "12000", "2025-03-03")])
    assert (told.ready()["ready_amount"], told.ready()["retained_amount"]) == ("11400.00", "600.00")


def test_ten_per_cent_until_half_is_done_and_five_after() -> None:
    # 5,000 at 10 % held = 500; the terms change on 1 April; 5,000 at 5 % = 250
    events = [
        contract(held("0.1")),
        amended("replacement", "2025-04-01", lines=[{"line_id": "L-1", "retainage_ratio": "0.05"}]),
        work(1, "5000", "2025-03-31"),
        work(2, "5000", "2025-04-01"),
    ]
    told = ask(events)
    assert (told.ready()["retained_amount"], told.ready()["ready_amount"]) == ("750.00", "9250.00")


def test_labour_is_held_back_and_expenses_are_paid_whole() -> None:
    net = {"amount": "300.00", "currency": "EUR"}
    events = [
        contract(line(retainage_ratio="0.1")),
        rate("100"),
        worked(600),
        said("expense.approved", expense_id="E-1", revision=1, contract_id="C-1", date="2025-03-03", net=net),
    ]
    row = ask(events).ready()
    assert (row["ready_time_amount"], row["ready_expense_amount"], row["retained_amount"]) == (
        "900.00",
        "300.00",
        "100.00",
    )


def test_lines_of_a_schedule_are_held_back_each_by_its_own_share() -> None:
    # 1,000 at 10 %, 1,000 at 5 %, 1,000 at nothing
    events = [contract(held("0.1", "A"), held("0.05", "B"), held("0", "C"))]
    events += [work(n, "1000", "2025-03-03", name) for n, name in enumerate("ABC")]
    told = ask(events)
    assert (told.ready()["retained_amount"], told.ready()["ready_amount"]) == ("150.00", "2850.00")


def test_a_release_in_two_steps_is_of_what_is_held_before_each() -> None:
    # 1,000 held: half on 1 May is 500, half of what is left on 1 June 250
    events = [contract(held("0.1")), work(1, "10000", "2025-03-03")]
    events += [released("2025-05-01", ratio="0.5"), released("2025-06-01", "X-2", ratio="0.5")]
    told = ask(events)
    assert (told.ready()["retained_amount"], told.ready()["ready_fee_amount"]) == ("250.00", "750.00")


def test_nobody_releases_more_than_is_held() -> None:
    events = [contract(held("0.1")), work(1, "1000", "2025-03-03"), released("2025-05-01", amount="5000")]
    told = ask(events)
    assert (told.ready()["retained_amount"], told.ready()["ready_amount"]) == ("0.00", "1000.00")


def test_a_third_of_a_cent_is_held_back_once_per_amount() -> None:
    # 3 × 0.05 at 10 %: 0.005 each, rounded to 0.01: 0.03 held, 0.12 to be paid
    events = [contract(held("0.1")), *[work(n, "0.05", "2025-03-03") for n in range(3)]]
    told = ask(events)
    assert (told.ready()["retained_amount"], told.ready()["ready_amount"]) == ("0.03", "0.12")
