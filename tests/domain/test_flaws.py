"""Contradictions are pointed out with the events behind them; the model has the numbers."""

from __future__ import annotations

from typing import Any

from app.domain.calendar import FOREVER
from app.domain.flaws import Planned, flaws
from app.domain.money import micro
from app.domain.terms import Agreement
from tests.domain.ledgers import amended, approved, day, fact, line


def found(
    agreement: Agreement, *milestones: Planned, on: int = FOREVER, worked_early: bool = False
) -> dict[str, tuple[int, list[str]]]:
    return {
        flaw.code: (flaw.issue.count, [event for _, _, event in flaw.issue.evidence])
        for flaw in flaws(agreement, on, milestones, worked_early=worked_early)
    }


def planned(number: int, amount: str, **more: Any) -> Planned:
    said: dict[str, Any] = {"milestone_id": f"M-{number}", "revision": 1, "contract_id": "C-1", "amount": amount} | more
    return Planned("L-1", micro(amount), "planned", fact("milestone.planned", f"p-{number}", at=number, **said))


def test_sound_terms_have_no_flaw_and_an_unknown_contract_none_either() -> None:
    assert found(Agreement([approved()])) == {}
    assert found(Agreement([amended(2, "2026-01-01", currency="USD")])) == {}


def test_each_flaw_names_the_event_that_said_it_last() -> None:
    below = amended(2, "2026-02-01", "additive", lines=[{"line_id": "L-1", "cap": {"amount": "-20"}}])
    later = amended(3, "2026-03-01", lines=[{"line_id": "L-1", "title": "on"}])
    agreement = Agreement([approved(lines=[line(cap={"amount": "10"})]), below, later])
    assert found(agreement) == {"CAP_BELOW_ZERO": (1, ["a-2"])}
    assert found(agreement, on=day("2026-01-31")) == {}


def test_milestones_stand_as_evidence_beside_the_fee() -> None:
    agreement = Agreement([approved(lines=[line(billing_method="milestone", fee="100")])])
    assert found(agreement, planned(1, "60"), planned(2, "40")) == {}
    assert found(agreement, planned(1, "60"), planned(2, "50")) == {"MILESTONES_NOT_FEE": (1, ["c-1", "p-1", "p-2"])}


def test_a_currency_that_changes_names_every_event_that_spoke_of_one() -> None:
    agreement = Agreement([approved(), amended(2, "2026-02-01", currency="USD")])
    assert found(agreement, on=day("2026-01-31")) == {}
    assert found(agreement) == {"CURRENCY_CHANGED": (1, ["a-2", "c-1"])}


def test_a_currency_that_changes_on_the_first_day_matters_to_work_before_it() -> None:
    agreement = Agreement([approved(), amended(2, "2026-01-01", currency="USD")])
    assert agreement.first_turn == day("2026-01-01")
    assert found(agreement) == {}
    assert found(agreement, worked_early=True) == {"CURRENCY_CHANGED": (1, ["a-2", "c-1"])}
    assert Agreement([approved(), amended(2, "2026-02-01", currency="USD")]).first_turn is None


def test_an_amendment_after_the_end_is_its_own_evidence() -> None:
    agreement = Agreement(
        [approved(term={"from": "2026-01-01", "to": "2026-06-30"}), amended(2, "2026-07-01", name="late")]
    )
    assert found(agreement) == {"AMENDMENT_AFTER_END": (1, ["a-2"])}


def test_a_term_that_ends_before_it_begins_is_reversed_unless_it_was_cancelled() -> None:
    assert found(Agreement([approved(), amended(2, "2025-12-01", term={"to": "2025-12-31"})])).keys() == {
        "TERM_REVERSED"
    }
    assert found(Agreement([approved(), amended(2, "2025-12-01", "cancellation")])) == {}


def test_only_a_line_by_milestones_with_a_fee_has_a_sum_to_meet() -> None:
    other = line(billing_method="percent_complete", fee="100")
    assert found(Agreement([approved(lines=[other])]), planned(1, "60")) == {}
    assert found(Agreement([approved(lines=[line(billing_method="milestone")])]), planned(1, "60")) == {}
