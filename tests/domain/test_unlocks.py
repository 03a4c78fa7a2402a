"""What each fix is worth: domain moonshot 4, over the blockers of design.md section 5, "Readiness"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from app.domain.documents import later
from app.domain.ledger import APPROVED, SUBMITTED, Row
from app.domain.masters import Masters
from app.domain.policy import Ruling, ruling_of
from app.domain.readiness import Milestone, Papers, assess, row
from app.domain.terms import Agreement
from app.domain.unlocks import owners, unlocks
from tests.domain.ledgers import amended, approved, card, day, fact, line, position, rates, worked

Found = list[dict[str, Any]]


def found(agreement: Agreement, rows: Mapping[str, Row], milestones: Sequence[Milestone] = (), **given: Any) -> Found:
    """The unlocks of C-1 as of the end of March."""
    stands = position(agreement, rows, "2026-03-31", **given)
    return unlocks(stands, row(stands, milestones, []), milestones)


def test_entries_that_wait_for_approval_are_told_by_line_and_month() -> None:
    """60.00 an hour: L-1 has 2 h in February and 3 + 1 h in March, L-2 has 4 h in March."""
    agreement = Agreement([approved(lines=[line("L-1"), line("L-2")])])
    rows = {
        "E-1": worked("2026-02-10", 120, status=SUBMITTED, line_id="L-1"),
        "E-2": worked("2026-03-10", 180, status=SUBMITTED, line_id="L-1"),
        "E-3": worked("2026-03-31", 60, status=SUBMITTED, line_id="L-1"),
        "E-4": worked("2026-03-02", 240, status=SUBMITTED, line_id="L-2"),
        "E-5": worked("2026-03-02", 60, status=APPROVED, line_id="L-2"),
    }
    assert [(one["line_id"], one["period"], one["count"], one["says"]) for one in found(agreement, rows)] == [
        ("L-1", "2026-02", 1, "approve this entry → 120.00 EUR"),
        ("L-1", "2026-03", 2, "approve these 2 entries → 240.00 EUR"),
        ("L-2", "2026-03", 1, "approve this entry → 240.00 EUR"),
    ]


def test_the_parts_of_a_blocker_add_up_to_it() -> None:
    agreement = Agreement([approved(lines=[line("L-1"), line("L-2")])])
    rows = {
        f"E-{n}": worked(f"2026-0{1 + n % 3}-0{1 + n % 9}", 30 * n, status=SUBMITTED, line_id=f"L-{1 + n % 2}")
        for n in range(1, 15)
    }
    stands = position(agreement, rows, "2026-03-31")
    [blocker] = row(stands, [], [])["blockers"]
    parts = unlocks(stands, row(stands, [], []), [])
    assert sum(part["count"] for part in parts) == blocker["count"] == 14
    # 30 × (1 + … + 14) minutes at 1.00 a minute = 30 × 105
    assert sum(Decimal(part["amount"]) for part in parts) == Decimal(blocker["amount"]) == Decimal("3150.00")


def test_a_contract_that_does_not_bill_is_worth_all_of_it_and_stands_before_every_other_fix() -> None:
    """One hour ready, one not approved. The order is missing: what is ready waits for it, and so would the other."""
    agreement = Agreement([approved(purchase_order={"required": True}, lines=[line()])])
    rows = {"E-1": worked("2026-03-02", 60), "E-2": worked("2026-03-03", 60, status=SUBMITTED)}
    told = {one["code"]: (one["amount"], one["behind"]) for one in found(agreement, rows)}
    assert told == {"PO_MISSING": ("60.00", []), "TIME_NOT_APPROVED": ("60.00", ["PO_MISSING"])}


def test_a_fix_without_a_price_says_no_amount() -> None:
    agreement = Agreement([approved()])
    [one] = found(agreement, {"E-1": worked("2026-03-02", 60)}, by=rates(card("R-1", "60", role="architect")))
    assert (one["code"], one["amount"], one["says"]) == ("RATE_UNRESOLVED", "0.00", "set a rate for this entry")


def test_work_outside_the_term_is_told_by_month() -> None:
    agreement = Agreement([approved(term={"from": "2026-03-01"})])
    rows = {"E-1": worked("2026-01-30", 60), "E-2": worked("2026-02-27", 90), "E-3": worked("2026-03-02", 60)}
    assert [(one["period"], one["amount"], one["evidence"]) for one in found(agreement, rows)] == [
        ("2026-01", "60.00", ["m-2026-01-30-60"]),
        ("2026-02", "90.00", ["m-2026-02-27-90"]),
    ]


def test_milestones_that_wait_for_acceptance_are_told_by_line() -> None:
    waiting = [
        Milestone(f"M-{n}", "completed", n * 1_000_000_000, f"L-{1 + n % 2}", None, f"m-{n}", n, None)
        for n in (1, 2, 3)
    ]
    agreement = Agreement([approved(lines=[line("L-1"), line("L-2")])])
    assert [(one["line_id"], one["says"]) for one in found(agreement, {}, waiting)] == [
        ("L-1", "obtain acceptance of this milestone → 2,000.00 EUR"),
        ("L-2", "obtain acceptance of these 2 milestones → 4,000.00 EUR"),
    ]


def test_a_contract_bills_on_the_day_on_which_its_term_begins() -> None:
    agreement = Agreement([approved(term={"from": "2026-04-15"})])
    [stopped] = [one for one in found(agreement, {}) if one["code"] == "CONTRACT_NOT_ACTIVE"]
    assert stopped["ready_on"] == "2026-04-15"


def test_a_contract_bills_again_on_the_day_for_which_it_was_resumed() -> None:
    moved: dict[str, Any] = {"contract_id": "C-1", "version": 2, "effective_from": "2026-03-01"}
    suspended = fact("contract.suspended", "s-2", **moved)
    resumed = fact("contract.resumed", "s-3", **(moved | {"version": 3, "effective_from": "2026-05-04"}))
    [stopped] = found(Agreement([approved(), suspended, resumed]), {})
    assert stopped["ready_on"] == "2026-05-04"
    [for_ever] = found(Agreement([approved(), suspended]), {})
    assert for_ever["ready_on"] is None


def test_what_waits_for_an_owner_counts_the_cash_of_a_contract_once() -> None:
    """Two blockers hold the same 60.00; on another contract 40.00 wait, in another currency 5.00."""

    def fix(contract: str, scope: str, currency: str, amount: str) -> dict[str, Any]:
        return {"owner": "legal", "contract_id": contract, "scope": scope, "currency": currency, "amount": amount}

    rows = [
        fix("C-1", "contract", "EUR", "60.00"),
        fix("C-1", "contract", "EUR", "60.00"),
        fix("C-2", "entry", "EUR", "40.00"),
        fix("C-3", "entry", "USD", "5.00"),
    ]
    assert owners(rows) == [
        {"owner": "legal", "currency": "EUR", "fixes": 3, "amount": 100_000_000},
        {"owner": "legal", "currency": "USD", "fixes": 1, "amount": 5_000_000},
    ]


def test_entries_are_expected_to_be_approved_as_fast_as_half_of_the_contract_s_were() -> None:
    """Told 1, 2, 3, 4 and 30 days after the work: half take at most 3. The last that waits is of 30 March: 2 April."""
    told = [
        worked(f"2026-03-0{n}", 60, time=((day(f"2026-03-0{n}") - day("1970-01-01") + taken) * 86_400_000_000))
        for n, taken in enumerate((1, 2, 3, 4, 30), 1)
    ]
    waiting = {"E-8": worked("2026-03-20", 60, status=SUBMITTED), "E-9": worked("2026-03-30", 60, status=SUBMITTED)}
    rows = {f"E-{n}": row for n, row in enumerate(told)} | waiting
    agreement = Agreement([approved()])
    [fix] = found(agreement, rows)
    assert (fix["ready_on"], fix["expected_on"]) == (None, "2026-04-02")
    del rows["E-4"]
    [fix] = found(agreement, rows)
    assert fix["expected_on"] is None  # four say too little


def test_an_order_that_expired_bills_again_on_the_day_of_the_next() -> None:
    agreement = Agreement(
        [
            approved(purchase_order={"number": "PO-1", "expires_on": "2026-03-01"}),
            amended(2, "2026-04-10", purchase_order={"expires_on": "2026-12-31"}),
        ]
    )
    stands = position(agreement, {"E-1": worked("2026-02-02", 60)}, "2026-03-31")
    stopped = row(stands, [], [], papers=Papers(rulings=asked("PO_EXPIRED")))
    [fix] = unlocks(stands, stopped, [])
    assert (fix["code"], fix["ready_on"], fix["expected_on"]) == ("PO_EXPIRED", "2026-04-10", "2026-04-10")


def asked(code: str) -> dict[str, Ruling]:
    said = fact("policy.set", policy_id="P", revision=1, code=code, action="blocking")
    ruling = ruling_of([said])
    assert ruling is not None
    return {"policy/P": ruling}


@pytest.mark.parametrize(
    ("schedule", "ready_on"), [({"day": 5}, "2026-04-05"), ({"every": "on_dates", "dates": ["2026-03-30"]}, None)]
)
def test_what_is_not_due_is_told_by_period_with_its_day(schedule: dict[str, Any], ready_on: str | None) -> None:
    """One hour in February, which is due, two in March: they are on 5 April, or while no date is agreed never."""
    dates = {"dates": ["2026-02-28", *schedule.get("dates", [])]}
    agreement = Agreement([approved(billing_schedule=schedule | (dates if "every" in schedule else {}))])
    rows = {"E-1": worked("2026-02-10", 60), "E-2": worked("2026-03-10", 120)}
    whole = assess(position(agreement, rows, "2026-03-31"), [], [], Papers())
    whole = whole._replace(later=later(whole, Papers(), []))
    [fix] = unlocks(whole.time.position, row(whole.time.position, [], [], found=whole), [], whole)
    assert (fix["period"], fix["count"], fix["amount"]) == ("2026-03", 1, "120.00")
    assert (fix["ready_on"], fix["expected_on"]) == (ready_on, ready_on)


def test_work_of_a_closed_period_is_ready_when_the_books_of_the_next_are_open() -> None:
    stands = position(Agreement([approved(legal_entity_id="LE-1")]), {"E-1": worked("2026-03-02", 60)}, "2026-03-31")
    closed = Masters()
    closed.take("period", "", [fact("period.closed", legal_entity_id="LE-1", period="2026-03", revision=1)])
    papers = Papers(masters=closed, rulings=asked("PERIOD_CLOSED"))
    [fix] = unlocks(stands, row(stands, [], [], papers=papers), [], opens_on="2026-04-01")
    assert (fix["code"], fix["amount"], fix["ready_on"]) == ("PERIOD_CLOSED", "60.00", "2026-04-01")


def test_a_missing_order_is_there_on_the_day_it_is_agreed_from() -> None:
    agreement = Agreement(
        [approved(purchase_order={"required": True}), amended(2, "2026-04-10", purchase_order={"number": "PO-1"})]
    )
    [fix] = found(agreement, {"E-1": worked("2026-03-02", 60)})
    assert (fix["code"], fix["ready_on"]) == ("PO_MISSING", "2026-04-10")


def test_work_after_the_term_is_told_as_work_before_it_is() -> None:
    """The term is February: 90 minutes before it, 60 and 30 after it, at 60.00 an hour."""
    agreement = Agreement([approved(term={"from": "2026-02-01", "to": "2026-02-28"})])
    rows = {
        "E-1": worked("2026-01-31", 90),
        "E-2": worked("2026-02-28", 60),
        "E-3": worked("2026-03-01", 60),
        "E-4": worked("2026-03-02", 30),
    }
    assert [(one["period"], one["count"], one["amount"]) for one in found(agreement, rows)] == [
        ("2026-01", 1, "90.00"),
        ("2026-03", 2, "90.00"),
    ]


def test_what_lacks_a_narrative_is_told_by_line_and_month() -> None:
    agreement = Agreement([approved(lines=[line("L-1"), line("L-2")])])
    rows = {
        "E-1": worked("2026-02-10", 120, line_id="L-1", lacks=1),
        "E-2": worked("2026-03-10", 60, line_id="L-1", lacks=1),
        "E-3": worked("2026-03-11", 60, line_id="L-1", lacks=1),
        "E-4": worked("2026-03-12", 60, line_id="L-2"),
    }
    stands = position(agreement, rows, "2026-03-31")
    papers = Papers(rulings=asked("NARRATIVE_MISSING"))
    whole = assess(stands, [], [], papers)
    told = unlocks(whole.time.position, row(stands, [], [], papers=papers), [], whole)
    assert [(one["line_id"], one["period"], one["says"]) for one in told] == [
        ("L-1", "2026-02", "say in this entry what was done → 120.00 EUR"),
        ("L-1", "2026-03", "say in these 2 entries what was done → 120.00 EUR"),
    ]
