"""Laws of the trade that hold for every history: parts sum to wholes, and what is undone leaves no trace."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from tests.engine.runs import figures, fold, histories, lines
from tests.model.histories import as_of_days, history, troubled
from tests.model.test_oracle import NOW, contract, line, rate, worked


def amount(text: str) -> Decimal:
    return Decimal(text)


@pytest.mark.parametrize("seed", histories(12))
def test_parts_sum_to_the_whole(seed: int) -> None:
    # Months and roles to a row's approved work, payers to what is ready, kinds to what is ready.
    events = troubled(history(8_000_000 + seed, 100), Random(seed))
    run = fold(lines(events))
    for as_of in as_of_days(events):
        found = figures(run.host.stores, as_of)
        for row in found.burn.values():
            for parts in (row["by_period"], row["by_role"]):
                assert sum(one["minutes"] for one in parts.values()) == row["approved"]["billable_minutes"]
                assert sum(amount(one["amount"]) for one in parts.values()) == amount(row["approved"]["amount"])
        for row in found.readiness.values():
            if row["payers"]:
                assert sum(amount(one["amount"]) for one in row["payers"]) == amount(row["ready_amount"])


_BEFORE = [contract(line(cap={"amount": "500"}, retainage_ratio="0.1"), line("L-2")), rate("90.50")]
_WORK = [worked(60, "2025-03-03", "T-1", line_id="L-1"), worked(125, "2025-03-05", "T-2", line_id="L-1")]


def of(events: list[Any], as_of: date = NOW) -> Any:
    found = figures(fold(lines(events)).host.stores, as_of)
    return found.burn, found.readiness


@pytest.mark.parametrize("change", [{"minutes": 480}, {"day": "2025-04-01"}, {"line_id": "L-2"}, {"billable": False}])
def test_a_correction_and_its_inverse_cancel(change: dict[str, Any]) -> None:
    minutes, day = change.pop("minutes", 125), change.pop("day", "2025-03-05")
    wrong = worked(minutes, day, "T-2", "corrected", 2, **({"line_id": "L-1"} | change))
    right = worked(125, "2025-03-05", "T-2", "corrected", 3, line_id="L-1")
    assert of([*_BEFORE, *_WORK, wrong, right]) == of([*_BEFORE, *_WORK])


def test_an_entry_and_its_reversal_entry_come_to_nothing() -> None:
    # 125 min and −125 min on the same day: the amounts mirror each other, 188.54 and −188.54.
    minus = worked(-125, "2025-03-05", "T-3", line_id="L-1")
    [plain] = of([*_BEFORE, _WORK[0]])[1].values()
    [undone] = of([*_BEFORE, *_WORK, minus])[1].values()
    assert undone["ready_amount"] == plain["ready_amount"]


def test_splitting_an_entry_changes_nothing_where_no_increment_applies() -> None:
    # 120 min at 90.00 are 180.00; so are 40 min (60.00) and 80 min (120.00). No part has a fraction of a cent.
    whole = [contract(), rate("90"), worked(120)]
    parts = [contract(), rate("90"), worked(40, entry_id="T-1"), worked(80, entry_id="T-2")]
    one, other = (of(events)[0]["C-1", None] for events in (whole, parts))
    assert one == other


@pytest.mark.parametrize("policy", ["credit_rebill", "delta_line"])
def test_a_rate_known_late_equals_one_known_from_the_start(policy: str) -> None:
    agreed = contract(line(cap={"minutes": 100, "on_exceed": "split"}), retro_policy=policy)
    assert of([agreed, *_WORK, rate("90.50")]) == of([agreed, rate("90.50"), *_WORK])
