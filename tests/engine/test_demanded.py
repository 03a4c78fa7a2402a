"""What a policy demands of work before it is billed: narratives and receipts (domain 2.8), and what is kept back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import permutations
from random import Random
from typing import Any

import pytest

from tests.engine.noise import noisy, tick
from tests.engine.runs import Run, fold, histories, lines
from tests.engine.test_documents import live, lost, told
from tests.engine.test_failure_scenarios import APPROVED, DAY, RATE, TICK, codes, entry, readiness
from tests.engine.test_laws import days_around, gap
from tests.engine.test_policy import event
from tests.model.dossier import Archive
from tests.model.features import ALL
from tests.model.histories import as_of_days, history, troubled
from tests.model.oracle import recompute


def asked(code: str, action: str = "blocking", **data: Any) -> dict[str, Any]:
    return event("policy.set", policy_id=code, code=code, action=action, **data)


def expense(name: str, amount: str, currency: str = "EUR", **data: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {"expense_id": name, "contract_id": "C", "date": "2026-03-02"}
    return event("expense.approved", **(whole | {"net": {"amount": amount, "currency": currency}} | data))


def amended(**line: Any) -> dict[str, Any]:
    """The contract's line, changed from its first day."""
    its = {"amendment_id": "A", "kind": "replacement", "effective_from": "2026-01-01"}
    return event("contract.amended", contract_id="C", version=2, lines=[{"line_id": "L", **line}], **its)


def told_of(run: Run) -> tuple[str, str, str, list[tuple[str, str, int, str]]]:
    row = readiness(run)
    its = [(one["code"], one["tier"], one["count"], one["amount"]) for one in row["blockers"]]
    return row["state"], row["ready_amount"], row["blocked_amount"], its


def test_time_without_a_narrative_waits_and_the_rest_is_ready_whatever_comes_first() -> None:
    """60.00 an hour: one hour says what was done, one says nothing, one only a blank."""
    log = [APPROVED, RATE, entry("A", narrative="Workshop"), entry("B"), entry("C", narrative=" ")]
    missing = ("NARRATIVE_MISSING", "blocking", 2, "120.00")
    for order in permutations([*log, asked("NARRATIVE_MISSING")]):
        run = fold(lines([*order, TICK]), cut=2, publish=True)
        assert told_of(run) == ("ready", "60.00", "120.00", [missing])
        assert {key: one["total"] for key, one in told(run).items()} == {"C/2026-03/time/1": "60.00"}


def test_with_a_warning_it_is_only_pointed_out() -> None:
    run = fold(lines([APPROVED, RATE, entry("B"), asked("NARRATIVE_MISSING", "warning"), TICK]))
    missing = ("NARRATIVE_MISSING", "warning", 1, "60.00")
    assert told_of(run) == ("ready_with_warnings", "60.00", "0.00", [missing])


def test_a_warning_is_about_what_is_ready_no_more() -> None:
    """Two hours at 60.00 say nothing; a cap of 60.00 lets one of them pass, so it is one, worth 60.00."""
    capped = amended(cap={"amount": "60.00"})
    late = entry("B", work_date="2026-03-04")
    run = fold(lines([APPROVED, RATE, capped, entry("A"), late, asked("NARRATIVE_MISSING", "warning"), TICK]))
    assert ("NARRATIVE_MISSING", "warning", 1, "60.00") in told_of(run)[3]


def test_what_is_outside_the_term_is_not_asked() -> None:
    """An hour at 60.00 and 100.00 before the contract began: both wait for the term, and for nothing else."""
    day = "2025-12-31"
    rate = event("rate.set", **{**RATE["data"], "effective_from": "2025-01-01"})
    log = [APPROVED, rate, entry("A", work_date=day), expense("X", "100", date=day)]
    for action in ("blocking", "warning"):
        demands = [asked("NARRATIVE_MISSING", action), asked("RECEIPT_MISSING", action)]
        outside = ("OUTSIDE_TERM", "blocking", 2, "160.00")
        assert told_of(fold(lines([*log, *demands, TICK]))) == ("nothing_to_bill", "0.00", "160.00", [outside])


def test_a_narrative_that_comes_later_lets_the_entry_go() -> None:
    said = entry("B", "time.corrected", narrative="Workshop", revision=2)
    run = fold(lines([APPROVED, RATE, entry("B"), asked("NARRATIVE_MISSING"), said, TICK]), cut=1)
    assert told_of(run) == ("ready", "60.00", "0.00", [])


def test_a_contract_that_demands_narratives_is_apart_from_those_that_do_not() -> None:
    other = event("contract.approved", **{**APPROVED["data"], "contract_id": "D"})
    policy = asked("NARRATIVE_MISSING", contract_id="D")
    run = fold(lines([APPROVED, other, RATE, entry("A"), entry("B", contract_id="D"), policy, TICK]), partitions=3)
    assert told_of(run)[:2] == ("ready", "60.00")
    assert run.figures.readiness("D", DAY)["ready_amount"] == "0.00"


def test_what_was_invoiced_needs_no_narrative_any_more() -> None:
    billed = [{"kind": "time", "id": "A", "amount": "60.00"}]
    invoice = event("invoice.issued", invoice_id="I", contract_id="C", invoiced_on="2026-03-05", lines=billed)
    run = fold(lines([APPROVED, RATE, entry("A"), invoice, asked("NARRATIVE_MISSING"), TICK]))
    assert told_of(run) == ("nothing_to_bill", "0.00", "0.00", [])


def test_kept_back_work_uses_no_cap() -> None:
    """A cap of 60.00: the earlier hour says nothing, so the later one has the room."""
    capped = amended(cap={"amount": "60.00", "on_exceed": "block"})
    log = [APPROVED, capped, RATE, entry("A"), entry("B", work_date="2026-03-03", narrative="x")]
    assert told_of(fold(lines([*log, TICK])))[1:] == ("60.00", "0.00", [("CAP_EXCEEDED", "blocking", 1, "60.00")])
    run = fold(lines([*log, asked("NARRATIVE_MISSING"), TICK]), cut=1, publish=True)
    assert told_of(run)[1:] == ("60.00", "60.00", [("NARRATIVE_MISSING", "blocking", 1, "60.00")])
    assert [line["id"] for one in told(run).values() for line in one["lines"]] == ["B"]


@pytest.mark.parametrize(("amount", "ready"), [("25.00", "25.00"), ("25.01", "0.00"), ("-40.00", "-40.00")])
def test_a_receipt_is_asked_for_above_the_limit_and_never_of_a_refund(amount: str, ready: str) -> None:
    run = fold(lines([APPROVED, expense("X", amount), asked("RECEIPT_MISSING", limit="25.00"), TICK]))
    assert readiness(run)["ready_expense_amount"] == ready


def test_the_limit_is_in_the_contract_s_currency_and_before_the_mark_up() -> None:
    """20.00 USD at 1.20 are 24.00 EUR, billed with 50 % on top at 36.00: the limit is 25.00, so no receipt is needed.
    At 1.30 they are 26.00 EUR."""
    for rate, ready in (("1.20", "36.00"), ("1.30", "0.00")):
        fx = event("fx.rate.set", from_currency="USD", to_currency="EUR", on="2026-03-01", rate=rate)
        log = [APPROVED, fx, expense("X", "20.00", "USD", markup_ratio="0.5"), asked("RECEIPT_MISSING", limit="25.00")]
        assert readiness(fold(lines([*log, TICK])))["ready_expense_amount"] == ready


def test_an_expense_with_its_receipt_is_ready() -> None:
    log = [APPROVED, expense("X", "90.00", receipt_ref="R-1"), expense("Y", "90.00"), asked("RECEIPT_MISSING")]
    run = fold(lines([*log, TICK]), publish=True)
    assert told_of(run) == ("ready", "90.00", "90.00", [("RECEIPT_MISSING", "blocking", 1, "90.00")])
    assert {key: one["total"] for key, one in told(run).items()} == {"C/2026-03/expense/1": "90.00"}


def test_f08_a_booking_without_a_role_informs_and_stops_nothing() -> None:
    """An optional attribute of a forecast: a booking that is over, and one that names its role, are not counted."""
    plan = {"contract_id": "C", "resource_id": "P", "minutes_per_week": 60, "from": "2026-03-02"}
    booked = [
        event("assignment.booked", assignment_id="A", to="2026-05-29", **plan),
        event("assignment.booked", assignment_id="B", to="2026-03-06", **plan),
        event("assignment.booked", assignment_id="D", to="2026-05-29", role="r", **plan),
    ]
    person = event("resource.upserted", resource_id="P", effective_from="2026-01-01", weekly_minutes=2400)
    log = [APPROVED, RATE, entry("E"), person, *booked, asked("ROLE_OPTIONAL_ATTR_MISSING", "warning")]
    run = fold(lines([*log, TICK]))
    assert told_of(run) == ("ready", "60.00", "0.00", [("ROLE_OPTIONAL_ATTR_MISSING", "info", 1, "0.00")])
    assert readiness(run)["blockers"][0]["evidence"] == [booked[0]["id"]]


def test_what_only_points_out_cannot_be_asked_to_block() -> None:
    run = fold(lines([asked("ROLE_OPTIONAL_ATTR_MISSING")]))
    assert [(letter.code, letter.pointer) for letter in run.letters] == [("bad_type", "/data")]


DEMANDS = [asked("NARRATIVE_MISSING"), asked("RECEIPT_MISSING", limit="10.00")]


@pytest.mark.parametrize("seed", histories(12))
def test_what_is_kept_back_is_in_no_document_and_nothing_is_lost(seed: int) -> None:
    """With half of the work saying what was done, over any contract: the laws of documents and conservation hold."""
    rng = Random(seed)
    events = troubled(history(14_000_000 + seed, 100, features=ALL), rng)
    for one in events:
        if one["type"].startswith("time.") and "minutes" in one["data"] and rng.random() < 0.5:
            one["data"]["narrative"] = "done"
    today = rng.choice(as_of_days(events))
    log = [*lines(DEMANDS), *noisy(lines(events), rng, [tick(today)])]
    rng.shuffle(log)
    run = fold(log, partitions=rng.randint(1, 3), cut=rng.choice((1, 7, 1000)), publish=True)
    for as_of in as_of_days(events):
        assert lost(run.figures, as_of) == []
    assert told(run) == live(run.figures, today)
    for contract_id in run.figures.ids():
        assert [day for day in days_around(events)[::5] if gap(run, contract_id, day)] == []


def test_a_policy_set_late_asks_of_all_that_is_not_invoiced() -> None:
    log = [APPROVED, RATE, entry("A"), entry("B", work_date="2026-02-02")]
    run = fold(lines([*log, TICK, asked("NARRATIVE_MISSING", contract_id="C")]), cut=1, publish=True)
    assert told(run) == {} == live(run.figures, date.fromordinal(DAY))
    assert Decimal(readiness(run)["blocked_amount"]) == 120
    assert codes(run) == ["NARRATIVE_MISSING"]


_ALONE = frozenset({"retainage", "holds", "fx", "subcontracts"})
"""Features under which no entry's price depends on another's."""
_BILLED = (
    "ready_amount",
    "ready_time_amount",
    "ready_expense_amount",
    "ready_fee_amount",
    "ready_minutes",
    "ready_entries",
    "over_cap_amount",
    "retained_amount",
    "payers",
)


@pytest.mark.parametrize("seed", histories(10))
def test_the_rest_is_billed_as_the_model_bills_a_firm_in_which_the_silent_half_is_not_billable(seed: int) -> None:
    """The slow model without any demand is asked of the same history with every silent entry marked not billable,
    where nothing was invoiced. What is kept back is what it says that those entries would have billed."""
    rng = Random(seed)
    events = history(16_000_000 + seed, 90, features=_ALONE, invoices=False)
    silent = {one["data"]["entry_id"] for one in events if one["type"].startswith("time.") and rng.random() < 0.3}
    asked_of, changed = [DEMANDS[0]], []
    for one in events:
        data = one["data"]
        if one["type"].startswith("time."):
            said = {} if data["entry_id"] in silent else {"narrative": "done"}
            asked_of.append({**one, "data": data | said})
            changed.append({**one, "data": data | ({"billable": False} if data["entry_id"] in silent else {})})
        else:
            asked_of.append(one)
            changed.append(one)
    run = fold(lines(asked_of), cut=rng.choice((1, 9, 1000)))
    for as_of in as_of_days(events):
        expected = recompute(changed, as_of).readiness
        archive = Archive(events)
        for contract_id, row in expected.items():
            found = run.figures.readiness(contract_id, as_of.toordinal())
            assert {name: found[name] for name in _BILLED} == {name: row[name] for name in _BILLED}, contract_id
            dossier = archive.dossier(contract_id, as_of)
            its = [
                one
                for one in dossier.entries
                if one.entry_id in silent and one.approved and one.time_amount is not None
            ]
            terms = dossier.terms
            billed = [one for one in its if terms and terms.covers(one.day) and one.method == "time_and_materials"]
            kept = [one for one in found["blockers"] if one["code"] == "NARRATIVE_MISSING"]
            assert sum(one["count"] for one in kept) == len(billed), contract_id
            assert sum(Decimal(one["amount"]) for one in kept) == sum(one.time_amount or 0 for one in billed)
