"""Policies in settings reach readiness as the events they stand for, at every start and to no further effect."""

from __future__ import annotations

from pathlib import Path
from time import monotonic

import orjson

from app.engine.embedded import EmbeddedHost
from app.engine.figures import Figures
from app.engine.queries import Queries
from app.engine.store import Store
from app.main import policies
from app.settings import Settings
from tests.host.runs import firm


def test_the_same_settings_are_the_same_events() -> None:
    settings = Settings(policy=[{"code": "TAX_ID_MISSING", "action": "warning", "client_id": "K"}])
    [event] = map(orjson.loads, policies(settings))
    assert event["data"]["policy_id"] == "settings/K/TAX_ID_MISSING"
    assert policies(settings) == policies(settings)


async def test_a_policy_of_the_settings_counts_once_however_often_a_worker_starts(tmp_path: Path) -> None:
    """The margin of no contract is above all it is worth: every contract with work of any value is pointed out."""
    settings = Settings(policy=[{"code": "MARGIN_BELOW_FLOOR", "action": "warning", "floor_ratio": "1"}])
    with EmbeddedHost(Store(tmp_path / "store.sqlite"), lambda: 0) as host:
        host.append(firm(300))
        await host.drain()
        before = Queries(host, monotonic).counts()
        for _ in range(3):
            host.take(policies(settings))
        await host.drain()
        after = Queries(host, monotonic).counts()
        assert {name: after[name] - before[name] for name in ("applied", "duplicate")} == {
            "applied": 1,
            "duplicate": 2,
        }
        figures = Figures(list(host.tables.values()))
        codes = [one["code"] for name in figures.ids() for one in figures.readiness(name, 739_800)["blockers"]]
        assert "MARGIN_BELOW_FLOOR" in codes
