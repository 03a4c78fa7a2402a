"""There is a burn and a readiness row for every contract ever named, also an unknown one (events.md, "Payloads")."""

from __future__ import annotations

from typing import Any

import pytest

from agents.effects import BURN, FORECAST, READINESS
from tests.engine.runs import Run, fold, lines
from tests.engine.test_failure_scenarios import APPROVED, DAY, TICK, entry
from tests.engine.test_policy import event

SPAN: dict[str, Any] = {"from": "2026-03-02", "to": "2026-03-13"}
WANTED: dict[str, Any] = {"demand_id": "D", "role": "engineer", "minutes_per_week": 600, **SPAN}
NAMING = {
    "time": entry("E"),
    "an expense": event(
        "expense.approved",
        expense_id="X",
        contract_id="C",
        date="2026-03-02",
        net={"amount": "100.00", "currency": "EUR"},
    ),
    "a booking": event(
        "assignment.booked", assignment_id="A", contract_id="C", resource_id="P", minutes_per_week=600, **SPAN
    ),
    "demand": event("demand.opened", contract_id="C", **WANTED),
    "demand that is over": event("demand.cancelled", contract_id="C", demand_id="D"),
    "an invoice": event("invoice.issued", invoice_id="I", contract_id="C", lines=[]),
    "a hold": event("hold.set", hold_id="H", contract_id="C"),
}


def unknown(run: Run, contract_id: str) -> tuple[str, str, list[str]]:
    """The status and state of a contract, and the codes of its blockers."""
    (burn,) = run.figures.burn(contract_id, DAY)
    readiness = run.figures.readiness(contract_id, DAY)
    return burn["status"], readiness["state"], [blocker["code"] for blocker in readiness["blockers"]]


@pytest.mark.parametrize("partitions", [1, 3])
@pytest.mark.parametrize("what", NAMING)
def test_whoever_names_a_contract_gives_it_its_rows(what: str, partitions: int) -> None:
    run = fold(lines([NAMING[what], TICK]), partitions=partitions, publish=True)
    assert list(run.figures.ids()) == ["C"]
    status, state, found = unknown(run, "C")
    assert (status, state, "CONTRACT_UNKNOWN" in found) == ("unknown", "blocked", True)
    topics = {topic for topic, _ in run.said}
    assert topics >= {BURN, READINESS, FORECAST}


@pytest.mark.parametrize("cut", [1, 50])
def test_demand_that_passes_to_another_contract_has_named_both(cut: int) -> None:
    """D is wanted for C, then for B, then filled: two contracts, whichever message comes first; nothing is parked."""
    told = [
        NAMING["demand"],
        event("demand.changed", contract_id="B", revision=2, **WANTED),
        event("demand.filled", demand_id="D", revision=3),
    ]
    for log in (told, told[::-1], [*told, *told]):
        run = fold(lines([*log, TICK]), partitions=2, cut=cut)
        assert list(run.figures.ids()) == ["B", "C"]
        assert unknown(run, "B") == unknown(run, "C") == ("unknown", "blocked", ["CONTRACT_UNKNOWN"])
        assert run.figures.parked() == 0


def test_a_contract_named_by_demand_is_known_from_the_moment_of_that() -> None:
    """Accepted at 10:00: at 09:59 nobody had named C, at 10:00 it has its row."""
    asked = NAMING["demand"] | {"acceptedtime": "2026-03-02T10:00:00Z"}
    run = fold(lines([asked, TICK]), partitions=2)
    at_ten = 1_772_445_600_000_000
    assert list(run.figures.known_at("C", at_ten - 60_000_000).ids()) == []
    assert list(run.figures.known_at("C", at_ten).ids()) == ["C"]


def test_demand_changes_nothing_of_a_contract_but_that_it_was_spoken_of() -> None:
    """One line, nothing worked: the rows are the same with demand for it and without."""
    alone, asked = fold(lines([APPROVED, TICK])), fold(lines([NAMING["demand"], APPROVED, TICK]), cut=1)
    assert asked.figures.burn("C", DAY) == alone.figures.burn("C", DAY)
    assert asked.figures.readiness("C", DAY) == alone.figures.readiness("C", DAY)
