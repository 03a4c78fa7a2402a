"""A subcontract counts as committed from its commitment until the supplier's invoice takes its place."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from agents.effects import Record
from app.engine.figures import Figures
from app.engine.memory import MemoryHost
from app.engine.runner import finish
from tests.model.histories import envelope

AT = datetime(2026, 3, 9, 17, tzinfo=UTC)
APPROVED = {
    "contract_id": "C",
    "version": 1,
    "client_id": "K",
    "currency": "EUR",
    "effective_from": "2026-01-01",
    "term": {"from": "2026-01-01"},
    "lines": [{"line_id": "L1", "billing_method": "time_and_materials"}],
}
PROMISED = {"commitment_id": "S", "revision": 1, "contract_id": "C", "net": {"amount": "3040.00", "currency": "EUR"}}


def told(*said: tuple[str, dict[str, object]]) -> Figures:
    host = MemoryHost(publish=False)
    events = [("contract.approved", APPROVED), *said]
    lines = [orjson.dumps(envelope(kind, data, f"m-{n}", AT)) for n, (kind, data) in enumerate(events)]
    finish(host.take("log", [Record(n, line) for n, line in enumerate(lines)]))
    return Figures(host.stores)


def committed(*said: tuple[str, dict[str, object]]) -> str:
    figure: str = told(*said).burn("C", 739_800)[0]["committed"]
    return figure


def flags(*said: tuple[str, dict[str, object]]) -> list[tuple[str, int, str, list[str]]]:
    row = told(*said).readiness("C", 739_800) or {}
    return [(one["code"], one["count"], one["owner"], one["evidence"]) for one in row["blockers"]]


def test_a_commitment_counts_until_it_is_invoiced() -> None:
    invoiced = {**PROMISED, "revision": 2}
    assert committed(("subcontract.committed", PROMISED)) == "3040.00"
    assert committed(("subcontract.committed", PROMISED), ("subcontract.invoiced", invoiced)) == "0.00"


def test_the_invoice_may_come_first() -> None:
    invoiced = {**PROMISED, "revision": 2}
    assert committed(("subcontract.invoiced", invoiced), ("subcontract.committed", PROMISED)) == "0.00"


def test_one_in_another_currency_counts_nowhere_and_says_so() -> None:
    # 3,040.00 EUR and 500.00 USD: 3,040.00, and the second message is named. The contract's own approval is m-0.
    dollars = {**PROMISED, "commitment_id": "S-2", "net": {"amount": "500.00", "currency": "USD"}}
    both = [("subcontract.committed", PROMISED), ("subcontract.committed", dollars)]
    assert committed(*both) == "3040.00"
    assert flags(*both) == [("CURRENCY_MISMATCH", 1, "commercial", ["m-2"])]
    # Invoiced, it is still flagged; stated in euros, it counts.
    assert flags(*both, ("subcontract.invoiced", {**dollars, "revision": 2})) == [
        ("CURRENCY_MISMATCH", 1, "commercial", ["m-3"])
    ]
    corrected = {**dollars, "revision": 2, "net": {"amount": "460.00", "currency": "EUR"}}
    assert committed(*both, ("subcontract.committed", corrected)) == "3500.00"
    assert flags(*both, ("subcontract.committed", corrected)) == []
