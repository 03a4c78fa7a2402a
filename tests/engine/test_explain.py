"""Every figure is explained by what adds up to it, and adding that up gives the figure again."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from app.engine.explain import FIGURES, explain, refusal
from app.engine.items import MADE, SUMS
from tests.engine.runs import Run, fold, histories, lines
from tests.model.histories import as_of_days, history, troubled
from tests.model.test_oracle import NOW, contract, invoiced, line, rate, said, worked


def told(run: Run, figure: str, contract_id: str = "C-1", as_of: int = NOW.toordinal()) -> dict[str, Any]:
    contracts, head = run.figures.of(contract_id) or pytest.fail(f"{contract_id} is unknown")
    return explain(contracts, head, contract_id, figure, None, as_of)


@pytest.mark.parametrize("seed", histories(6))
def test_every_figure_of_any_contract_is_the_sum_of_its_steps(seed: int) -> None:
    events = troubled(history(4_500_000 + seed, 110), Random(seed))
    run = fold(lines(events))
    for contract_id in run.figures.ids():
        for day in as_of_days(events):
            wrong = [
                (figure, answer["value"], answer["recomputed"])
                for figure in (*FIGURES, *SUMS, *MADE)
                if not (answer := told(run, figure, contract_id, day.toordinal()))["agrees"]
            ]
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
