"""Documents: all that is ready stands in exactly one, and what is stated of them is what the facts say."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.effects import BILLING
from app.engine.figures import Figures
from tests.engine.noise import noisy, tick
from tests.engine.runs import Run, examples, fold, histories, lines
from tests.model.features import ALL
from tests.model.histories import Event, as_of_days, as_ofs, event_sets, history, troubled

Row = dict[str, Any]
_CUTS = (1, 3, 20, 1000)
_ASKED_ONLY = ("revision", "type", "acknowledged", "order_remaining_amount")
"""What is not a figure, or is said only where it is asked for."""
_KINDS = ("time", "expense", "milestone", "fee")


def lost(figures: Figures, as_of: date | None) -> list[str]:
    """Where documents and readiness of a day do not come to the same; empty where the law holds."""
    day = as_of.toordinal() if as_of is not None else None
    found = []
    for contract_id in figures.ids():
        rows = figures.documents(contract_id, day)
        ready = figures.readiness(contract_id, day)
        proposed = [row for row in rows if "total" in row]
        adjusted = [row for row in rows if "net" in row]
        lines = [line for row in proposed for line in row["lines"]]
        sums = {
            "ready_amount": _sum(row["total"] for row in proposed),
            "adjustment_amount": _sum(row["net"] for row in adjusted),
            "ready_minutes": sum(line["quantity_minutes"] or 0 for line in lines),
            "ready_entries": sum(line["kind"] == "time" for line in lines),
            **{f"ready_{kind}_amount": _sum(one["amount"] for one in lines if one["kind"] == kind) for kind in _KINDS},
        }
        for name, value in sums.items():
            expected = ready[name] if isinstance(value, int) else Decimal(ready[name])
            if value != expected:
                found.append(f"{contract_id} {name}: {value} in documents, {ready[name]} ready")
        twice = [item for item, count in Counter((one["kind"], one["id"]) for one in lines).items() if count > 1]
        if twice:
            found.append(f"{contract_id}: {twice} in two documents")
        if len({row["document_key"] for row in rows}) < len(rows):
            found.append(f"{contract_id}: one key of two documents")
        found += [f"{row['document_key']}: lines are not its total" for row in proposed if not _adds_up(row)]
    return found


def _sum(amounts: Any) -> Decimal:
    return sum((Decimal(amount) for amount in amounts), Decimal(0))


def _adds_up(row: Row) -> bool:
    payers = row["payers"]
    whole = Decimal(row["total"])
    return _sum(line["amount"] for line in row["lines"]) == whole and (
        not payers or _sum(payer["amount"] for payer in payers) == whole
    )


@pytest.mark.parametrize("seed", histories(25))
def test_documents_come_to_what_is_ready(seed: int) -> None:
    rng = Random(seed)
    events = troubled(history(11_000_000 + seed, 120, features=ALL), rng)
    figures = fold(lines(events), partitions=rng.randint(1, 3), cut=rng.choice(_CUTS)).figures
    for as_of in (*as_of_days(events), None):
        assert lost(figures, as_of) == []


@examples(60)
@given(event_sets(features=ALL), as_ofs())
def test_documents_come_to_what_is_ready_for_any_events(events: list[Event], as_of: date) -> None:
    assert lost(fold(lines(events)).figures, as_of) == []


def told(run: Run) -> dict[str, Row]:
    """What a consumer of the topic that keeps the latest for each key takes for live, without revisions."""
    return {key: payload for (topic, key), (_, payload, _) in run.said.items() if topic == BILLING}


def live(figures: Figures, today: date) -> dict[str, Row]:
    """What the tables say is live."""
    return {
        row["document_key"]: {name: row[name] for name in row if name not in _ASKED_ONLY}
        for contract_id in figures.ids()
        for row in figures.documents(contract_id, today.toordinal())
    }


@pytest.mark.parametrize("seed", histories(25))
def test_what_is_stated_is_what_the_facts_say(seed: int) -> None:
    rng = Random(seed)
    events = troubled(history(12_000_000 + seed, 100, features=ALL), rng)
    today = rng.choice(as_of_days(events))
    log = noisy(lines(events), rng, [tick(today - timedelta(days=days)) for days in (0, 0, 1, 40)])
    first = live(fold(log, cut=1000).figures, today)
    for _ in range(3):
        rng.shuffle(log)
        run = fold(log, partitions=rng.randint(1, 3), cut=rng.choice(_CUTS), publish=True)
        assert told(run) == live(run.figures, today) == first


@examples(40)
@given(event_sets(max_size=8, features=ALL), st.randoms(use_true_random=False))
def test_what_is_stated_of_any_events_is_what_they_say(events: list[Event], rng: Random) -> None:
    today = date(2026, 4, 1)
    log = lines([*events, tick(today)])
    rng.shuffle(log)
    run = fold(log, cut=rng.choice(_CUTS), publish=True)
    assert told(run) == live(run.figures, today)
