"""Cases that other products got wrong or wrote down, by their names; engine and model answer each alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from tests.engine.runs import differences, figures, fold, lines
from tests.model.oracle import recompute
from tests.model.test_forecast import assigned, in_dollars_from, person
from tests.model.test_oracle import NOW, amended, contract, credited, invoiced, line, rate, said, worked

HOURLY = "100"


def readiness(events: Sequence[Any], as_of: date = NOW) -> dict[str, Any]:
    """C-1's readiness, in the order given and backwards, and from the model."""
    rows = [figures(fold(lines(order)).host.stores, as_of).readiness["C-1"] for order in (events, events[::-1])]
    expected = recompute(events, as_of).readiness["C-1"]
    assert rows == [expected, expected]
    return expected


def billed(*entries: tuple[str, float], number: str = "I-1", hourly: int = 100) -> Any:
    return invoiced(*[("time", entry, f"{hours * hourly:.2f}") for entry, hours in entries], number=number)


def back(*entries: tuple[str, float], number: str = "I-1", credit: str = "K-1") -> Any:
    return credited(
        *[("time", entry, f"{hours * 100:.2f}") for entry, hours in entries], number=number, credit_id=credit
    )


def hours(row: dict[str, Any]) -> float:
    return float(row["ready_minutes"]) / 60


# -- R48: credits that clear more than they name ------------------------------------------------------------------


def test_odoo_280536_a_credit_reopens_only_what_it_names() -> None:
    # A: 4.5 h and 3.5 h invoiced, the 3.5 h credited, 1 h more: 3.5 + 1 = 4.5 h, not 9.
    entries = [worked(270, "2025-06-15"), worked(210, "2025-07-23", "T-2"), worked(60, "2025-07-31", "T-3")]
    row = readiness([contract(), rate(HOURLY), *entries, billed(("T-1", 4.5), ("T-2", 3.5)), back(("T-2", 3.5))])
    assert hours(row) == 4.5


def test_odoo_278800_what_was_credited_is_billed_once_more_and_no_further() -> None:
    # B: 20 h invoiced, 11 credited, 5 more: 16 h. Those invoiced, then 3 h more: 3 h, and no credit of 6.
    entries = [worked(540), worked(660, "2025-03-04", "T-2")]
    first = [contract(), rate(HOURLY), *entries, billed(("T-1", 9), ("T-2", 11)), back(("T-2", 11))]
    more = [*first, worked(300, "2025-03-05", "T-3")]
    assert hours(readiness(more)) == 16
    again = [*more, billed(("T-2", 11), ("T-3", 5), number="I-2"), worked(180, "2025-03-06", "T-4")]
    row = readiness(again)
    assert (hours(row), row["adjustment_amount"]) == (3, "0.00")


def test_odoo_277727_a_later_period_has_its_own_hours() -> None:
    # C: 10 h invoiced, 4 credited, 15 h of a later period: 15 there, 4 before it, 19 in all.
    early = [worked(360), worked(240, "2025-03-04", "T-2")]
    events = [contract(), rate(HOURLY), *early, billed(("T-1", 6), ("T-2", 4)), back(("T-2", 4))]
    events.append(worked(900, "2025-04-01", "T-3"))
    assert hours(readiness(events, date(2025, 3, 31))) == 4
    assert hours(readiness(events)) == 19
    assert hours(readiness(events)) - hours(readiness(events, date(2025, 3, 31))) == 15


def test_odoo_284470_an_invoice_raised_by_hand_takes_no_other_hour() -> None:
    # D: 1 h of June invoiced as 3 h; the hour of July stays billable, the 2 h too many are to be given back.
    entries = [worked(60, "2025-06-15"), worked(60, "2025-07-15", "T-2")]
    row = readiness([contract(), rate(HOURLY), *entries, billed(("T-1", 3))])
    assert (hours(row), row["adjustment_amount"]) == (1, "-200.00")


def test_odoo_254332_a_credit_of_no_time_reopens_none() -> None:
    # E
    row = readiness([contract(), rate(HOURLY), worked(60), billed(("T-1", 1)), back(("T-1", 0))])
    assert (hours(row), row["ready_entries"]) == (0, 0)


# -- R2, R6: prices by date ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "price"),
    [("2025-03-14", "100.00"), ("2025-03-15", "110.00"), ("2025-03-31", "110.00"), ("2025-04-01", "120.00")],
)
def test_dynamics_365_an_override_holds_until_the_next_begins(day: str, price: str) -> None:
    # The 31 March is priced too: the rule says so, whatever the page's table leaves out.
    cards = [rate("100"), rate("110", "2025-03-15", "R-2"), rate("120", "2025-04-01", "R-3")]
    assert readiness([contract(), *cards, worked(60, day)])["ready_amount"] == price


def test_dynamics_365_an_override_of_one_contract_is_its_own() -> None:
    cards = [rate("100"), rate("120", "2025-03-15", "R-2"), rate("110", "2025-03-15", "R-3", contract_id="C-1")]
    assert readiness([contract(), *cards, worked(60, "2025-03-20")])["ready_amount"] == "110.00"


def test_kill_bill_2291_of_two_changes_in_one_period_the_later_in_effect_wins() -> None:
    cards = [rate("100"), rate("130", "2025-03-20", "R-3"), rate("110", "2025-03-10", "R-2")]
    work = [worked(60, "2025-03-09"), worked(60, "2025-03-12", "T-2"), worked(60, "2025-03-25", "T-3")]
    assert readiness([contract(), *cards, *work])["ready_amount"] == "340.00"  # 100 + 110 + 130


# -- R19: what a cap may never refuse -----------------------------------------------------------------------------


def test_kimai_6015_what_consumes_nothing_passes_a_cap_that_is_used_up() -> None:
    full = [contract(line(cap={"amount": "100"})), rate(HOURLY), worked(60), worked(60, "2025-03-04", "T-2")]
    row = readiness([*full, worked(0, "2025-03-05", "T-3")])
    assert (row["ready_amount"], row["ready_entries"], row["over_cap_amount"]) == ("100.00", 2, "100.00")


def test_kimai_6067_a_reduction_passes_and_gives_room() -> None:
    # 100 fill the cap, 100 are refused; −60 passes and makes room for the 60 that come after it.
    full = [contract(line(cap={"amount": "100"})), rate(HOURLY), worked(60), worked(60, "2025-03-04", "T-2")]
    row = readiness([*full, worked(-36, "2025-03-05", "T-3"), worked(36, "2025-03-06", "T-4")])
    assert (row["ready_amount"], row["over_cap_amount"]) == ("100.00", "100.00")


# -- R31, R46 -----------------------------------------------------------------------------------------------------


def test_a_raised_budget_takes_a_threshold_back_and_arms_it_again() -> None:
    # 60 of 60 min are 100 %; of 120 they are 50 %, and 48 more bring it to 90 % again.
    events = [contract(line(budget={"minutes": 60})), rate(HOURLY), worked(60)]
    raised = [*events, amended("additive", "2025-01-01", lines=[{"line_id": "L-1", "budget": {"minutes": 60}}])]
    again = [*raised, worked(48, "2025-03-04", "T-2")]
    assert [crossed(story) for story in (events, raised, again)] == [[50, 75, 90, 100], [50], [50, 75, 90]]


def crossed(events: Sequence[Any]) -> list[int]:
    """The thresholds of the contract's minutes that the latest statements say are reached."""
    run = fold(lines([*events, said("clock.ticked", on="2025-12-31")]), publish=True)
    stated = [payload for (topic, _), (_, payload, _) in run.said.items() if topic.endswith("burn.thresholds")]
    of_minutes = [one for one in stated if one["line_id"] is None and one["dimension"] == "minutes"]
    return sorted(one["threshold"] for one in of_minutes if one["crossed"])


@pytest.mark.parametrize(("now", "net", "unbilled"), [("165", "450.00", "6600.00"), ("140", "-300.00", "5600.00")])
def test_r46_a_retroactive_price(now: str, net: str, unbilled: str) -> None:
    # 30 h invoiced at 150 = 4500; at 165 they are 4950. 40 h unbilled re-rate from 6000 to 6600.
    work = [worked(600, entry_id=f"T-1{n}") for n in range(3)] + [worked(600, entry_id=f"T-2{n}") for n in range(4)]
    paper = billed(*[(f"T-1{n}", 10) for n in range(3)], hourly=150)
    row = readiness([contract(), rate("150"), *work, paper, rate(now, "2025-02-01", "R-2")])
    assert (row["adjustment_amount"], row["ready_amount"]) == (net, unbilled)


# -- R14: fees by progress ----------------------------------------------------------------------------------------


def test_r14_the_next_invoice_is_progress_to_date_less_what_was_invoiced() -> None:
    # 120,000.00 by cost to cost. 30,000 of 80,000 spent: 37.5 %, 45,000.00. Of 30,000.00 invoiced 15,000.00 are next;
    # of 50,000.00 nothing is, and 5,000.00 are owed to the client (R15). A later 60,000 of 80,000: 90,000 − 50,000.
    agreed = contract(line(billing_method="percent_complete", fee="120000"))
    estimate = said(
        "estimate.set", estimate_id="S-1", revision=1, contract_id="C-1", cost="80000", effective_from="2025-01-01"
    )
    cost = rate("3000", rate_id="K-1", kind="cost")
    begun = [agreed, estimate, cost, worked(600)]

    def fee(amount: str) -> Any:
        return invoiced(("fee", "L-1", amount))

    assert readiness(begun)["ready_fee_amount"] == "45000.00"
    assert readiness([*begun, fee("30000")])["ready_fee_amount"] == "15000.00"
    row = readiness([*begun, fee("50000")])
    assert (row["ready_fee_amount"], row["adjustment_amount"], row["state"]) == ("0.00", "0.00", "nothing_to_bill")
    assert forecast([*begun, fee("50000")])["unbilled"]["amount"] == "-5000.00"
    assert readiness([*begun, fee("50000"), worked(600, entry_id="T-2")])["ready_fee_amount"] == "40000.00"


def forecast(events: Sequence[Any]) -> dict[str, Any]:
    return figures(fold(lines(events)).host.stores, NOW).forecast["C-1"]


def test_payers_share_a_total_of_more_decimals_than_the_currency_has() -> None:
    # A milestone of 344.5 yen is shown as 345; 60 % and 40 % of that are 207 and 138.
    events = [
        contract(
            line(billing_method="milestone"),
            currency="JPY",
            payers=[{"client_id": "CL-1", "ratio": "0.6"}, {"client_id": "CL-2", "ratio": "0.4"}],
        ),
        said("milestone.planned", milestone_id="M-1", revision=1, contract_id="C-1", amount="344.5"),
        said("milestone.accepted", milestone_id="M-1", revision=2, contract_id="C-1", accepted_on="2025-03-03"),
    ]
    as_of = date(2025, 3, 31)
    found = figures(fold(lines(events)).host.stores, as_of)
    assert differences(recompute(events, as_of), found) == []
    document = found.documents["C-1/2025-03/milestone/1"]
    assert (document["total"], [one["amount"] for one in document["payers"]]) == ("345", ["207", "138"])


def test_what_a_block_paid_for_uses_no_cap_once_the_rest_of_the_entry_is_invoiced() -> None:
    # 5 h: one from the block, four invoiced at 100.00. Of a cap of 8 h four are left: of 8 h more, 400.00 pass.
    block = line(
        billing_method="prepaid",
        prepaid={"minutes": 60, "fee": "90"},
        cap={"minutes": 480, "on_exceed": "split"},
    )
    events = [contract(block), rate(HOURLY), worked(300), billed(("T-1", 4)), worked(480, "2025-03-04", "T-2")]
    row = readiness(events)
    assert (row["ready_time_amount"], row["over_cap_amount"], row["ready_minutes"]) == ("400.00", "400.00", 240)


# -- what is over, and what will be in another currency -----------------------------------------------------------


@pytest.mark.parametrize("as_of", [date(2025, 3, 7), date(2025, 3, 31), date(2025, 4, 4)])
def test_a_currency_that_will_change_and_has_changed(as_of: date) -> None:
    events = [*in_dollars_from("2025-04-01"), worked(60, "2025-03-10"), worked(60, "2025-04-01", "T-2")]
    for order in (events, events[::-1]):
        assert differences(recompute(events, as_of), figures(fold(lines(order), cut=1).host.stores, as_of)) == []


@pytest.mark.parametrize("ended", ["closed", "cancelled"])
def test_a_contract_that_is_over_while_people_are_booked_on_it(ended: str) -> None:
    events = [contract(line(budget={"minutes": 1200})), rate("100"), worked(600), person()]
    events += [assigned("2025-03-10", "2025-04-11", 2400)]
    events.append(said(f"contract.{ended}", contract_id="C-1", version=2, effective_from="2025-03-06"))
    for order, as_of in ((events, date(2025, 3, 5)), (events[::-1], date(2025, 3, 7))):
        assert differences(recompute(events, as_of), figures(fold(lines(order), cut=1).host.stores, as_of)) == []
