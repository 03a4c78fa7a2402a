"""`headrace gate` on a store: what waits for ERP, for what, and until when."""

from __future__ import annotations

from pathlib import Path

from tests.engine.runs import lines
from tests.engine.test_desk import LOG, RATE
from tests.engine.test_policy import event
from tests.host.runs import headrace, said


def test_what_waits_is_told_as_json_and_as_a_table(tmp_path: Path) -> None:
    """One hour of March is proposed; ERP has closed until the evening."""
    log, store = tmp_path / "log.jsonl", tmp_path / "s.sqlite"
    closed = event("erp.window.closed", window_id="W", target="sap", until="2099-03-31T20:00:00Z")
    log.write_bytes(b"\n".join([*lines([closed]), RATE, *LOG]) + b"\n")
    assert headrace("publish", log, "--store", store).returncode == 0
    items = said("gate", "--store", store)["items"]
    [waiting] = [row for row in items if row["waiting"]]
    assert (waiting["open"], waiting["opens_at"], waiting["why"]) == (False, "2099-03-31T20:00:00Z", {"window": 1})
    assert waiting["next_release_at"] == "2099-03-31T20:00:00Z"
    shown = headrace("gate", "--store", store).stdout.decode()
    assert "What waits for ERP: 1" in shown
    assert "window 1" in shown


def test_where_nothing_waits_the_table_is_empty(tmp_path: Path) -> None:
    log, store = tmp_path / "log.jsonl", tmp_path / "s.sqlite"
    log.write_bytes(b"\n".join([RATE, *LOG]) + b"\n")
    assert headrace("publish", log, "--store", store).returncode == 0
    assert said("gate", "--store", store) == {"items": []}
