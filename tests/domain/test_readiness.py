"""What can be invoiced now, what cannot, and why not."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.ledger import REJECTED, SUBMITTED, Claims, Row
from app.domain.money import micro
from app.domain.readiness import Milestone, row
from app.domain.terms import Agreement
from tests.domain.ledgers import approved, card, day, line, position, rates, worked

_ALL = "2026-12-31"


def ready(
    agreement: Agreement, rows: dict[str, Row], as_of: str = _ALL, milestones: tuple[Milestone, ...] = (), **given: Any
) -> dict[str, Any]:
    return row(position(agreement, rows, as_of, **given), milestones, given.get("documents", ()))


def capped(cap: dict[str, Any]) -> Agreement:
    return Agreement([approved(lines=[line(cap=cap)])])


def codes(found: dict[str, Any]) -> dict[str, tuple[int, str]]:
    return {one["code"]: (one["count"], one["amount"]) for one in found["blockers"]}


_PLAIN = Agreement([approved()])


def amounts(found: dict[str, Any]) -> tuple[str, int, int, str]:
    return found["ready_amount"], found["ready_minutes"], found["ready_entries"], found["over_cap_amount"]


# -- caps (rule R19); at 60.00 an hour a minute is 1.00 ---------------------------------------------------------------


def test_worked_example_nte() -> None:
    # Limit 10,000; 9,500 used before; 800 more would be 10,300. `block` refuses the entry, `split` takes 500 of it.
    rows = {"A": worked("2026-03-02", 9500), "B": worked("2026-03-03", 800)}
    refused = ready(capped({"amount": "10000", "on_exceed": "block"}), rows)
    split = ready(capped({"amount": "10000", "on_exceed": "split"}), rows)
    assert amounts(refused) == ("9500.00", 9500, 1, "800.00")
    assert amounts(split) == ("10000.00", 10_300, 2, "300.00")
    assert codes(refused)["CAP_EXCEEDED"] == (1, "800.00")
    assert codes(split)["CAP_EXCEEDED"] == (1, "300.00")


def test_a_cap_that_only_warns_lets_everything_pass() -> None:
    found = ready(capped({"amount": "100", "on_exceed": "warn"}), {"A": worked("2026-03-02", 150)})
    assert amounts(found) == ("150.00", 150, 1, "0.00")
    assert codes(found)["CAP_EXCEEDED"] == (1, "50.00")
    assert found["state"] == "ready_with_warnings"


def test_block_refuses_a_whole_entry_and_goes_on() -> None:
    # 60 fits in 100, 80 does not, 40 does: 60 + 40 = 100.
    rows = {"A": worked("2026-03-02", 60), "B": worked("2026-03-03", 80), "C": worked("2026-03-04", 40)}
    assert amounts(ready(capped({"amount": "100"}), rows)) == ("100.00", 100, 2, "80.00")


def test_work_eats_a_cap_by_work_date_then_entry_id() -> None:
    rows = {"B": worked("2026-03-02", 60), "A": worked("2026-03-02", 70), "C": worked("2026-03-01", 20)}
    # 20 of the 1st, then A's 70 before B's 60: 90, and B does not fit.
    assert amounts(ready(capped({"amount": "100"}), rows)) == ("90.00", 90, 2, "60.00")


@pytest.mark.parametrize("minutes", [0, -30])
def test_an_entry_of_nothing_or_less_always_passes_and_gives_room(minutes: int) -> None:
    # 100 fill the cap; the correction passes; of 30 as much fits as the correction gave back.
    rows = {"A": worked("2026-03-02", 100), "B": worked("2026-03-03", minutes), "C": worked("2026-03-04", 30)}
    found = ready(capped({"amount": "100", "on_exceed": "split"}), rows)
    assert found["ready_amount"] == "100.00"
    assert found["over_cap_amount"] == f"{30 + minutes}.00"


def test_a_split_by_minutes_takes_the_price_pro_rata() -> None:
    # 100 of 150 minutes at 90.00 an hour: 225.00 × 100 ÷ 150 = 150.00; 75.00 is over.
    rows = {"A": worked("2026-03-02", 150)}
    found = ready(capped({"minutes": 100, "on_exceed": "split"}), rows, by=rates(card("R-1", "90")))
    assert amounts(found) == ("150.00", 100, 1, "75.00")


def test_a_cap_is_less_what_was_invoiced() -> None:
    # 60.00 of 100.00 invoiced: 40.00 are left for B's 50.00.
    claims: dict[str, Claims] = {"time/A": {"invoice/I": (micro("60"), day("2026-03-05"))}}
    rows = {"A": worked("2026-03-02", 60), "B": worked("2026-03-03", 50)}
    agreement = capped({"amount": "100", "on_exceed": "split"})
    assert ready(agreement, rows, claims=claims)["ready_amount"] == "40.00"
    # Before the invoice counts both are ready, up to the cap.
    assert ready(agreement, rows, as_of="2026-03-04", claims=claims)["ready_amount"] == "100.00"


def test_a_cap_of_one_line_does_not_touch_another() -> None:
    agreement = Agreement([approved(lines=[line(cap={"amount": "10"}), line("L-2")])])
    rows = {"A": worked("2026-03-02", 60, line_id="L-1"), "B": worked("2026-03-02", 60, line_id="L-2")}
    assert amounts(ready(agreement, rows)) == ("60.00", 60, 1, "60.00")


# -- blockers ---------------------------------------------------------------------------------------------------------


def test_what_blocks_an_entry_leaves_the_rest_ready() -> None:
    rows = {
        "A": worked("2026-03-02", 60),
        "B": worked("2026-03-03", 30, status=SUBMITTED),
        "C": worked("2026-03-04", 15, resource_id="P-2"),
        "D": worked("2026-03-05", 45, status=REJECTED),
    }
    found = ready(_PLAIN, rows, by=rates(card("R-1", "60", resource_id="P-1")))
    assert found["ready_amount"] == "60.00"
    assert found["blocked_amount"] == "30.00"
    assert codes(found) == {"TIME_NOT_APPROVED": (1, "30.00"), "RATE_UNRESOLVED": (1, "0.00")}


def test_work_outside_the_term_is_held_back() -> None:
    agreement = Agreement([approved(term={"from": "2026-03-02", "to": "2026-03-03"})])
    rows = {f"T-{n}": worked(f"2026-03-0{n}", 10 * n) for n in (1, 2, 3, 4)}
    found = ready(agreement, rows)
    assert (found["ready_amount"], found["blocked_amount"]) == ("50.00", "50.00")  # 20 + 30; 10 + 40
    assert codes(found)["OUTSIDE_TERM"] == (2, "50.00")


@pytest.mark.parametrize(
    ("contract", "code"),
    [
        ({"purchase_order": {"required": True}}, "PO_MISSING"),
        ({"term": {"from": "2027-01-01"}}, "CONTRACT_NOT_ACTIVE"),
    ],
)
def test_what_blocks_the_contract_leaves_nothing_ready(contract: dict[str, Any], code: str) -> None:
    found = ready(Agreement([approved(**contract)]), {"A": worked("2026-03-02", 60)})
    assert (found["state"], found["ready_amount"], found["ready_entries"]) == ("blocked", "0.00", 0)
    assert found["blocked_amount"] == "60.00"
    assert code in codes(found)


def test_an_unknown_contract_is_blocked_by_that_alone() -> None:
    found = ready(Agreement([]), {"A": worked("2026-03-02", 60)})
    assert found["state"] == "blocked"
    assert codes(found) == {"RATE_UNRESOLVED": (1, "0.00"), "CONTRACT_UNKNOWN": (1, "0.00")}


def test_a_budget_is_warned_of_at_nine_tenths_and_beyond_the_whole() -> None:
    agreement = Agreement([approved(lines=[line(budget={"minutes": 100})])])
    found = [codes(ready(agreement, {"A": worked("2026-03-02", minutes)})) for minutes in (89, 90, 100, 101)]
    assert [list(one) for one in found] == [
        [],
        ["BUDGET_NEARLY_EXHAUSTED"],
        ["BUDGET_NEARLY_EXHAUSTED"],
        ["BUDGET_EXCEEDED"],
    ]


# -- invoices ---------------------------------------------------------------------------------------------------------


def test_an_invoiced_entry_is_ready_again_when_it_was_credited_whole() -> None:
    invoice, part = (micro("60"), day("2026-03-05")), (-micro("20"), day("2026-03-06"))
    rest = (-micro("40"), day("2026-03-07"))
    claims: dict[str, Claims] = {"time/A": {"invoice/I": invoice, "credit/K": part, "credit/L": rest}}
    rows = {"A": worked("2026-03-02", 60)}
    found = [
        ready(_PLAIN, rows, as_of=on, claims=claims)["ready_amount"]
        for on in ("2026-03-04", "2026-03-05", "2026-03-06", "2026-03-07")
    ]
    assert found == ["60.00", "0.00", "0.00", "60.00"]


def test_an_adjustment_is_what_holds_less_what_was_invoiced() -> None:
    # 60.00 hold; 90.00 were invoiced: −30.00. Rejected since, nothing holds: −90.00. Submitted again: not settled.
    claims: dict[str, Claims] = {"time/A": {"invoice/I": (micro("90"), 1)}}
    states = {"approved": {}, "rejected": {"status": REJECTED}, "submitted": {"status": SUBMITTED}}
    found = {
        name: ready(_PLAIN, {"A": worked("2026-03-02", 60, **fields)}, claims=claims)["adjustment_amount"]
        for name, fields in states.items()
    }
    assert found == {"approved": "-30.00", "rejected": "-90.00", "submitted": "0.00"}


def test_an_invoice_counts_from_its_day() -> None:
    documents = [(micro("100"), day("2026-03-05")), (-micro("30"), day("2026-03-08"))]
    where = [position(_PLAIN, {}, on) for on in ("2026-03-04", "2026-03-05", "2026-03-08")]
    assert [row(one, (), documents)["invoiced_amount"] for one in where] == ["0.00", "100.00", "70.00"]


# -- milestones -------------------------------------------------------------------------------------------------------


def milestone(status: str, **fields: Any) -> Milestone:
    whole: dict[str, Any] = {"milestone_id": "M-1", "status": status, "amount": micro("500"), "line_id": None}
    return Milestone(**(whole | {"accepted_on": None, "id": "m-1", "time": 1, "claims": None} | fields))


@pytest.mark.parametrize(
    ("one", "ready_amount", "blocked"),
    [
        (milestone("planned"), "0.00", "0.00"),
        (milestone("completed"), "0.00", "500.00"),
        (milestone("accepted"), "500.00", "0.00"),
        (milestone("accepted", accepted_on=day("2027-01-01")), "0.00", "0.00"),
        (milestone("accepted", claims={"invoice/I": (micro("500"), 1)}), "0.00", "0.00"),
        (milestone("rejected"), "0.00", "0.00"),
    ],
)
def test_a_milestone_is_ready_once_it_is_accepted_and_not_invoiced(
    one: Milestone, ready_amount: str, blocked: str
) -> None:
    found = ready(_PLAIN, {}, milestones=(one,))
    assert (found["ready_milestone_amount"], found["blocked_amount"]) == (ready_amount, blocked)


def test_a_milestone_on_a_line_that_is_not_billable_is_never_ready() -> None:
    agreement = Agreement([approved(lines=[{"line_id": "L-1", "billing_method": "non_billable"}])])
    assert ready(agreement, {}, milestones=(milestone("accepted"),))["ready_amount"] == "0.00"
