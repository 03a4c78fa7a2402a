"""Every figure is explained by what adds up to it, and adding that up gives the figure again."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from app.engine.explain import FIGURES, WORKINGS, explain, refusal, taken_apart
from app.engine.items import SUMS, Asked
from tests.engine.reworked import reworked
from tests.engine.runs import Run, fold, histories, lines
from tests.engine.test_booked_plan import booked_history
from tests.model.histories import as_of_days, history, troubled
from tests.model.test_oracle import NOW, amended, contract, invoiced, line, rate, said, worked


def told(run: Run, figure: str) -> dict[str, Any]:
    contracts, head = run.figures.of("C-1") or pytest.fail("C-1 is unknown")
    return explain(contracts, head, "C-1", figure, None, NOW.toordinal())


def asked(whole: Asked) -> list[tuple[str, str | None]]:
    """Every figure of a contract, and of each of its lines those that lines have."""
    groups = [(group, name) for group in ("by_period", "by_role") for name in whole.burn[None][group]]
    names = [*FIGURES, *SUMS, *WORKINGS, *(f"{group}.{name}.{one}" for group, name in groups for one in _BOTH)]
    return [(name, line_id) for line_id in whole.burn for name in names if refusal(name, line_id) is None]


_BOTH = ("minutes", "amount")
_BY_CHANCE = {"exhaustion.p50_on", "exhaustion.p80_on", "exhaustion.p90_on"}


@pytest.mark.parametrize("seed", histories(6))
def test_every_figure_of_any_contract_is_made_of_its_steps(seed: int) -> None:
    # Twice: by the engine from the events, and by a reader who has the answer alone.
    if seed % 2:
        events, people = booked_history(3_000 + seed)
        run = fold(lines([*people, *events]))
    else:
        events = troubled(history(4_500_000 + seed, 110), Random(seed))
        run = fold(lines(events))
    for contract_id in run.figures.ids():
        for day in as_of_days(events):
            wrong = []
            contracts, head = run.figures.of(contract_id) or pytest.fail(contract_id)
            whole = Asked(contracts, head, contract_id, day.toordinal())
            for figure, line_id in asked(whole):
                answer = taken_apart(whole, figure, line_id)
                again = answer["value"] if figure in _BY_CHANCE else reworked(answer)
                if not answer["agrees"] or again != answer["value"]:
                    wrong.append((figure, line_id, answer["value"], answer["recomputed"], again))
            assert wrong == [], f"{contract_id} as of {day}"


def test_what_is_ready_is_the_lines_of_the_documents_with_their_events() -> None:
    # 10 h at 100.00, a tenth held back: 900.00; an expense of 50.00.
    net = {"amount": "50", "currency": "EUR"}
    spend = said("expense.approved", expense_id="E-1", revision=1, contract_id="C-1", date="2025-03-04", net=net)
    run = fold(lines([contract(line(retainage_ratio="0.1")), rate("100"), worked(600), spend]))
    answer = told(run, "ready_amount")
    steps = answer["steps"]
    assert [(step["entry_id"], step["amount"]) for step in steps] == [("expense/E-1", "50.00"), ("time/T-1", "900.00")]
    assert steps[1]["arithmetic"] == "600 min × 100.00 per hour − 100.00 held back"
    assert all(step["event_id"] for step in steps)
    assert (answer["value"], answer["recomputed"], answer["unit"]) == ("950.00", "950.00", "EUR")


def test_under_a_cap_what_passes_of_each_entry_adds_up() -> None:
    # 100.00 and 200.00 under a cap of 250.00 that splits: 100.00 and 150.00.
    capped = contract(line(cap={"amount": "250", "on_exceed": "split"}))
    run = fold(lines([capped, rate("100"), worked(60), worked(120, "2025-03-05", "T-2")]))
    answer = told(run, "ready_amount")
    assert [step["amount"] for step in answer["steps"]] == ["100.00", "150.00"]
    assert answer["agrees"]


def test_what_is_stopped_is_blocked_and_says_by_what() -> None:
    run = fold(lines([contract(purchase_order={"required": True}), rate("100"), worked(600)]))
    assert told(run, "ready_amount")["steps"] == []
    [step] = told(run, "blocked_amount")["steps"]
    assert (step["amount"], step["arithmetic"]) == ("1000.00", "stopped by PO_MISSING")


def test_an_adjustment_says_what_holds_what_was_invoiced_and_why() -> None:
    run = fold(lines([contract(), rate("100"), worked(600), invoiced(("time", "T-1", "900"))]))
    [step] = told(run, "adjustment_amount")["steps"]
    assert (step["amount"], step["arithmetic"]) == ("100.00", "1000.00 − 900.00 on I-1: invoice")


def test_a_figure_that_others_make_names_them() -> None:
    run = fold(lines([contract(line(budget={"minutes": 900})), rate("100"), worked(600)]))
    answer = told(run, "remaining.minutes")
    assert (answer["value"], answer["formula"]) == (300, "budget.minutes − approved.billable_minutes")
    assert told(run, "remaining.amount")["recomputed"] is None


def test_what_cannot_be_explained_is_refused_with_what_can() -> None:
    assert "ready_amount" in str(refusal("profit", None))
    assert "whole contract" in str(refusal("ready_amount", "L-1"))
    assert refusal("remaining.minutes", "L-1") is None


def test_the_day_a_budget_ends_is_explained_down_to_the_events() -> None:
    # 10 of 20 h used, all in the last 28 days: ⌈600 × 28 ÷ 600⌉ = 28 days after 31 December.
    run = fold(lines([contract(line(budget={"minutes": 1200})), worked(600, "2025-12-15")]))
    answer = told(run, "exhaustion.minutes_on")
    assert (answer["value"], answer["unit"]) == ("2026-01-28", "date")
    assert answer["formula"] == "as-of + ⌈(budget.minutes − approved.billable_minutes) × 28 ÷ window.minutes⌉ days"
    named = [(step["entry_id"], step["amount"]) for step in answer["steps"]]
    assert named == [("budget.minutes", 1200), ("approved.billable_minutes", 600), ("window.minutes", 600)]
    events = {part["figure"]: [step["event_id"] for step in part["steps"]] for part in answer["parts"]}
    time, terms = ["time.approved/T-1/1"], ["contract.approved/C-1/1"]
    assert events == {"budget.minutes": terms, "approved.billable_minutes": time, "window.minutes": time}


def test_a_budget_says_which_version_of_the_contract_changed_it() -> None:
    # 20 h, 5 more by an additive amendment: 1,200 + 300 = 1,500; one that takes effect in 2026 does not count yet.
    more = amended("additive", "2025-06-01", lines=[{"line_id": "L-1", "budget": {"minutes": 300}}])
    later = amended("additive", "2026-06-01", 3, lines=[{"line_id": "L-1", "budget": {"minutes": 300}}])
    answer = told(fold(lines([contract(line(budget={"minutes": 1200})), more, later])), "budget.minutes")
    said_so = [(step["amount"], step["arithmetic"], step["revision"]) for step in answer["steps"]]
    assert said_so == [(1200, "none → 1200 by approved, version 1", 1), (300, "1200 → 1500 by amended, version 2", 2)]
    assert answer["recomputed"] == 1500


def test_an_estimate_names_its_variant_and_what_is_booked() -> None:
    # 10 h used at 100.00; Thursday 1 and Friday 2 January 2026 are booked, 16 h: 960 min and 1,600.00 more.
    person = said("resource.upserted", resource_id="P-1", revision=1, effective_from="2020-01-01", weekly_minutes=2400)
    data: dict[str, Any] = {"assignment_id": "A-1", "revision": 1, "resource_id": "P-1", "contract_id": "C-1"}
    days: dict[str, Any] = {"from": "2026-01-01", "to": "2026-01-04", "minutes_per_week": 2400}
    run = fold(lines([contract(), rate("100"), worked(600), person, said("assignment.booked", **data, **days)]))
    answer = told(run, "estimate_at_completion.amount")
    assert (answer["value"], answer["recomputed"]) == ("2600.00", "2600.00")
    assert answer["formula"].startswith("booked: ")
    [booked] = [part for part in answer["parts"] if part["figure"] == "basis.booked_amount"]
    [step] = booked["steps"]
    assert (step["amount"], step["arithmetic"], step["event_id"]) == (
        "1600.00",
        "2 days × 800",
        "assignment.booked/A-1/1",
    )


def test_where_there_is_no_estimate_its_explanation_says_why() -> None:
    answer = told(
        fold(lines([contract(line(budget={"minutes": 1200})), worked(600)])), "estimate_at_completion.minutes"
    )
    assert (answer["value"], answer["recomputed"], answer["agrees"]) == (None, None, True)
    assert answer["formula"].startswith("none: nothing is booked")
