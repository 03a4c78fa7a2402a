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


def committed(*told: tuple[str, dict[str, object]]) -> str:
    host = MemoryHost(publish=False)
    events = [("contract.approved", APPROVED), *told]
    lines = [orjson.dumps(envelope(kind, data, f"m-{n}", AT)) for n, (kind, data) in enumerate(events)]
    finish(host.take("log", [Record(n, line) for n, line in enumerate(lines)]))
    figure: str = Figures(host.stores).burn("C", 739_800)[0]["committed"]
    return figure


def test_a_commitment_counts_until_it_is_invoiced() -> None:
    invoiced = {**PROMISED, "revision": 2}
    assert committed(("subcontract.committed", PROMISED)) == "3040.00"
    assert committed(("subcontract.committed", PROMISED), ("subcontract.invoiced", invoiced)) == "0.00"


def test_the_invoice_may_come_first() -> None:
    invoiced = {**PROMISED, "revision": 2}
    assert committed(("subcontract.invoiced", invoiced), ("subcontract.committed", PROMISED)) == "0.00"
