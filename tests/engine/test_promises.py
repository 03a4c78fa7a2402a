"""Business SLAs from the tables: the same on any number of partitions, from the events a firm sends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.engine.embedded import EmbeddedHost
from app.engine.gather import Gather
from app.engine.letters import StoredLetters
from app.engine.store import Store
from app.main import tick
from tests.engine.runs import lines
from tests.engine.test_desk import CONTRACT
from tests.model.histories import envelope


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def event(kind: str, when: datetime, **data: Any) -> dict[str, Any]:
    said = envelope(kind, {"revision": 1} | data, f"{kind}/{sorted(map(str, data.values()))}", when)
    later = (when + timedelta(minutes=30)).isoformat()
    return said | {"recordedtime": later, "acceptedtime": later}


def entry(name: str, when: datetime, kind: str = "time.approved") -> dict[str, Any]:
    return event(kind, when, entry_id=name, contract_id="C", resource_id="P", work_date="2026-03-02", minutes=60)


LINES = [{"kind": "time", "id": "E-1", "amount": "60.00"}]
LOG = [
    *lines(
        [
            event("contract.approved", at(1), **CONTRACT),
            event("rate.set", at(1), rate_id="R", amount="60.00", currency="EUR", effective_from="2026-01-01"),
            entry("E-1", at(4)),
            entry("E-2", at(5)),
            entry("E-3", at(3), "time.submitted"),
            event("invoice.issued", at(14), invoice_id="I-1", contract_id="C", invoiced_on="2026-03-14", lines=LINES),
            event("dispute.opened", at(15), dispute_id="D-1", contract_id="C"),
            event(
                "assignment.booked",
                at(2),
                assignment_id="A",
                resource_id="P",
                contract_id="C",
                minutes_per_week=60,
                **{"from": "2026-03-02", "to": "2026-03-31"},
            ),
        ]
    ),
    tick("2026-03-31", "UTC"),
]


@pytest.mark.parametrize("partitions", [1, 4])
async def test_promises_are_measured_from_what_was_said(tmp_path: Path, partitions: int) -> None:
    """Approved on the 1st, work first told on the 3rd: 2 days. E-1: over on the 3rd at 0:00, approved on the 4th (1
    day), invoiced on the 14th (10 days). E-2: approved on the 5th (2 days), waits 26 days. E-3 waits 28 days."""
    with EmbeddedHost(Store(tmp_path / "s.sqlite", partitions=partitions), lambda: None) as host:
        host.take(LOG)
        await host.drain()
        rows, meta = await Gather(host, lambda: 0.0, StoredLetters(host.store)).promises()
    found = {row["sla"]: row for row in rows}
    day = 86_400
    assert meta["as_of"] == "2026-03-31"
    assert found["project_activation_time"]["p50_seconds"] == 2 * day
    lag = found["invoice_readiness_lag"]
    assert (lag["p50_seconds"], lag["p95_seconds"]) == (1 * day, 2 * day)
    assert lag["oldest_open"] == {"subject": "time/E-3", "age_seconds": 28 * day}
    answered = found["approved_time_to_acknowledged"]
    assert (answered["p50_seconds"], answered["open"]) == (10 * day, 1)
    assert answered["oldest_open"] == {"subject": "time/E-2", "age_seconds": 26 * day}
    assert found["staffing_update_latency"]["p50_seconds"] == 30 * 60
    assert found["dispute_rate"]["ratio"] == "1.0000"
