"""What was invoiced and no longer holds: by invoice and entry, with the amendment, rate or correction behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from random import Random
from typing import Any

import pytest

from app.domain.adjustment import Adjustment
from app.domain.money import micro, show
from tests.engine.runs import fold, histories, lines
from tests.model.histories import as_of_days, history, troubled
from tests.model.test_oracle import amended, contract, credited, invoiced, line, rate, said, worked

_NOW = date(2025, 12, 31)


def adjusted(events: Sequence[Any], as_of: date = _NOW, contract_id: str = "C-1") -> list[Adjustment]:
    found = fold(lines(at(events))).figures.of(contract_id)
    assert found is not None
    contracts, head = found
    return contracts.adjustments(contracts.position(contract_id, head, as_of.toordinal()), head)


def at(events: Sequence[Any]) -> list[Any]:
    """The events, each said an hour after the one before: a cause is what was said after the invoice."""
    return [
        {**one, "id": f"e-{n}", "time": f"2025-06-{1 + n // 24:02}T{n % 24:02}:00:00Z"} for n, one in enumerate(events)
    ]


def told(found: Sequence[Adjustment]) -> list[tuple[str, str, str, str, str, str | None]]:
    return [
        (one.invoice_id, one.entry_id, show(one.invoiced, 2), show(one.holds, 2), one.reason, one.amendment_id)
        for one in found
    ]


_BILLED = [contract(), rate("150"), worked(600), invoiced(("time", "T-1", "1500"))]


def test_nothing_is_adjusted_while_what_was_invoiced_holds() -> None:
    assert adjusted(_BILLED) == []


@pytest.mark.parametrize(("now", "holds"), [("165", "1650.00"), ("140", "1400.00")])
def test_a_late_rate_is_credited_and_billed_again(now: str, holds: str) -> None:
    # R46, one of the three entries: 10 h at 150 = 1500 invoiced; at 165 they are 1650, at 140 they are 1400.
    found = adjusted([*_BILLED, rate(now, "2025-02-01", "R-2")])
    assert told(found) == [("I-1", "T-1", "1500.00", holds, "rate", None)]
    assert found[0].policy == "credit_rebill"


def test_an_amendment_that_changed_the_price_is_named() -> None:
    # 10 % off: 1350. The later amendment, of the budget alone, caused nothing.
    discount = amended("retroactive", "2025-01-01", 2, lines=[{"line_id": "L-1", "discount_ratio": "0.1"}])
    budget = amended("additive", "2025-01-01", 3, lines=[{"line_id": "L-1", "budget": {"minutes": 60}}])
    found = adjusted([*_BILLED, discount, budget])
    assert told(found) == [("I-1", "T-1", "1500.00", "1350.00", "amendment", discount["data"]["amendment_id"])]


def test_an_amendment_from_before_the_invoice_caused_nothing() -> None:
    discount = amended("retroactive", "2025-01-01", 2, lines=[{"line_id": "L-1", "discount_ratio": "0.1"}])
    found = adjusted([contract(), rate("150"), worked(600), discount, invoiced(("time", "T-1", "1350")), rate("140")])
    assert [one.reason for one in found] == ["rate"]


@pytest.mark.parametrize("change", [{"kind": "rejected"}, {"contract_id": "C-2"}, {"billable": False}])
def test_lost_work_is_given_back_by_its_own_doing(change: dict[str, Any]) -> None:
    found = adjusted([*_BILLED, worked(600, revision=2, **change)])
    assert told(found) == [("I-1", "T-1", "1500.00", "0.00", "entry", None)]
    assert found[0].line_id == "L-1"


def test_work_that_left_is_given_back_on_the_line_it_named() -> None:
    two = [contract(line(), line("L-2")), rate("150"), worked(600, line_id="L-2"), invoiced(("time", "T-1", "1500"))]
    [lost] = adjusted([*two, worked(600, revision=2, contract_id="C-2", line_id="L-2")])
    assert (lost.row, lost.line_id) == (None, "L-2")


def test_a_write_off_takes_nothing_of_what_void_work_is_owed() -> None:
    # 1500 invoiced, 1600 credited: 100 too much were given back for T-1, which is rejected. 50 are written off, of T-2.
    events = [*_BILLED, credited(("time", "T-1", "1600")), worked(600, revision=2, kind="rejected")]
    events += [worked(60, "2025-12-01", "T-2"), said("writeoff.recorded", **_FIFTY)]
    assert told(adjusted(events)) == [("I-1", "T-1", "-100.00", "0.00", "entry", None)]


def test_a_write_off_takes_work_of_the_last_day_of_the_term_and_none_after_it() -> None:
    # T-1 of 12 March, 150.00, is the last of the term; T-2 of the 13th lies outside. 50.00 are written off, of T-1.
    ends = contract(term={"from": "2025-01-01", "to": "2025-03-12"})
    work = [worked(60, "2025-03-12"), worked(60, "2025-03-13", "T-2")]
    run = fold(lines(at([ends, rate("150"), *work, said("writeoff.recorded", **_FIFTY)])))
    row = run.figures.readiness("C-1", _NOW.toordinal())
    assert (row["ready_amount"], row["written_off_amount"], row["blocked_amount"]) == ("100.00", "50.00", "150.00")


_FIFTY: dict[str, Any] = {"writeoff_id": "W-1", "revision": 1, "contract_id": "C-1", "amount": "50"}


def test_of_two_invoices_the_earlier_stays_as_far_as_what_holds_reaches() -> None:
    # 1000 and 500 were invoiced for 10 h; 8 h at 150 are 1200: I-1 stays, I-2 keeps 200.
    # 4 h are 600: I-1 keeps those, I-2 nothing.
    two = [
        contract(),
        rate("150"),
        worked(600),
        invoiced(("time", "T-1", "1000")),
        invoiced(("time", "T-1", "500"), number="I-2"),
    ]
    assert told(adjusted([*two, worked(480, revision=2)])) == [("I-2", "T-1", "500.00", "200.00", "entry", None)]
    assert told(adjusted([*two, worked(240, revision=2)])) == [
        ("I-1", "T-1", "1000.00", "600.00", "entry", None),
        ("I-2", "T-1", "500.00", "0.00", "entry", None),
    ]


def test_a_credit_is_taken_off_the_invoice_it_names() -> None:
    # 1500 less 400 credited: 1100 stand on I-1, 1500 hold.
    found = adjusted([*_BILLED, credited(("time", "T-1", "400"))])
    assert told(found) == [("I-1", "T-1", "1100.00", "1500.00", "invoice", None)]


def test_what_was_written_off_or_is_held_back_is_not_billed_again() -> None:
    # 1500 less 10 % held back = 1350 to be invoiced; 1000 were, 200 of the missing 350 are written off: 1150 stand.
    held = [contract(line(retainage_ratio="0.1")), rate("150"), worked(600), invoiced(("time", "T-1", "1000"))]
    off = said("writeoff.recorded", writeoff_id="W-1", revision=1, contract_id="C-1", amount="200")
    assert told(adjusted([*held, off])) == [("I-1", "T-1", "1000.00", "1150.00", "invoice", None)]


def test_prospective_only_never_touches_approved_work_on_an_invoice() -> None:
    firm = [contract(retro_policy="prospective_only"), *_BILLED[1:]]
    discount = amended("retroactive", "2025-01-01", 2, lines=[{"line_id": "L-1", "discount_ratio": "0.1"}])
    assert adjusted([*firm, discount, rate("140")]) == []
    [lost] = adjusted([*firm, worked(600, revision=2, kind="reversed")])
    assert (lost.policy, show(lost.difference, 2)) == ("prospective_only", "-1500.00")


def test_a_delta_line_is_the_difference() -> None:
    [one] = adjusted([contract(retro_policy="delta_line"), *_BILLED[1:], rate("165")])
    assert (one.policy, show(one.difference, 2)) == ("delta_line", "150.00")


def spent(amount: str, revision: int = 1, kind: str = "approved", **more: Any) -> Any:
    net = {"amount": amount, "currency": "EUR"}
    data = {"expense_id": "E-1", "revision": revision, "contract_id": "C-1", "date": "2025-03-04", "net": net}
    return said(f"expense.{kind}", **{**data, **more})


def stone(kind: str, revision: int, **more: Any) -> Any:
    return said(f"milestone.{kind}", milestone_id="M-1", revision=revision, contract_id="C-1", **more)


def test_an_expense_that_changed_is_credited_and_billed_again() -> None:
    billed = [contract(), spent("100"), invoiced(("expense", "E-1", "100"))]
    assert adjusted(billed) == []
    assert told(adjusted([*billed, spent("130", 2, "corrected")])) == [
        ("I-1", "E-1", "100.00", "130.00", "expense", None)
    ]
    [gone] = adjusted([*billed, spent("100", 2, "corrected", contract_id="C-2")])
    assert (gone.kind, gone.line_id, gone.holds, gone.reason) == ("expense", "L-1", 0, "expense")
    [wrong] = adjusted([contract(), spent("100"), invoiced(("expense", "E-1", "80"))])
    assert (wrong.reason, show(wrong.difference, 2)) == ("invoice", "20.00")


def test_a_milestone_is_credited_whole_whatever_the_policy() -> None:
    # R49: milestone corrections are always full credits.
    planned = stone("planned", 1, amount="5000", line_id="L-1")
    reached = [planned, stone("accepted", 2, accepted_on="2025-03-10"), invoiced(("milestone", "M-1", "5000"))]
    firm = contract(retro_policy="delta_line")
    assert adjusted([firm, *reached]) == []
    [changed] = adjusted([firm, *reached, stone("changed", 3, amount="5500")])
    assert (changed.policy, changed.period, show(changed.holds, 2)) == ("credit_rebill", "2025-03", "5500.00")
    [lost] = adjusted([firm, *reached, stone("rejected", 3)])
    assert (lost.kind, lost.reason, show(lost.difference, 2)) == ("milestone", "milestone", "-5000.00")


def test_one_document_puts_right_what_one_invoice_says_of_a_period() -> None:
    # Time 1500 → 1650, the expense 100 → 0, of one invoice and month: −1600 + 1650 = 50.
    events = [contract(), rate("150"), worked(600), spent("100")]
    events += [invoiced(("time", "T-1", "1500"), ("expense", "E-1", "100"))]
    events += [rate("165", "2025-02-01", "R-2"), spent("100", 2, "rejected")]
    run = fold(lines(at(events)))
    [document] = run.figures.documents("C-1", _NOW.toordinal())
    assert (document["document_key"], document["net"], document["reason"]) == (
        "C-1/2025-03/adjustment/1",
        "50.00",
        "several",
    )
    assert [(one["kind"], one["amount"]) for one in document["credit"]] == [
        ("time", "-1500.00"),
        ("expense", "-100.00"),
    ]
    assert [(one["kind"], one["amount"]) for one in document["rebill"]] == [("time", "1650.00")]


@pytest.mark.parametrize("seed", histories(12))
def test_the_differences_add_up_to_the_adjustment_of_every_contract(seed: int) -> None:
    rng = Random(seed)
    events = troubled(history(7_000_000 + seed, 110), rng)
    run = fold(lines(events), cut=rng.choice((7, 1000)))
    for as_of in as_of_days(events):
        for contract_id in run.figures.ids():
            contracts, head = run.figures.of(contract_id) or pytest.fail(contract_id)
            position = contracts.position(contract_id, head, as_of.toordinal())
            shown = contracts.readiness(position, head)["adjustment_amount"]
            assert sum(one.difference for one in contracts.adjustments(position, head)) == micro(shown), (
                f"{contract_id} {as_of}"
            )
