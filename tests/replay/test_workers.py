"""A replay on several processes writes what one process writes, and the log tells what day it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from app.events.derived import DERIVED
from app.replay.lines import spans
from app.replay.part import FIGURES
from app.replay.run import write
from app.replay.workers import Job, fold_alone, fold_together
from app.simulation.firm import simulate
from tests.replay.runs import FAULTY, written

WORKERS = 3


def test_several_processes_write_what_one_writes(tmp_path: Path) -> None:
    log = written(tmp_path / "log.jsonl", list(simulate(replace(FAULTY, events=2_500, ticks=True))))
    size = log.stat().st_size
    alone = fold_alone(spans([log], size), Job(), lambda read: None)
    others = fold_together(spans([log], size // 10), Job(), WORKERS, lambda read: None)
    assert len(others) == WORKERS
    one = write([alone], [], tmp_path / "one", {})
    several = write(others, [], tmp_path / "several", {})
    assert {**several, "records": None} == {**one, "records": None}
    assert several["records"]["read"] == one["records"]["read"]  # what is stale is a matter of order, the sum is not
    for name in FIGURES:
        assert (tmp_path / "several" / f"{name}.jsonl").read_bytes() == (
            tmp_path / "one" / f"{name}.jsonl"
        ).read_bytes()
    scored = assert_scored(
        [orjson.loads(line) for line in (tmp_path / "one" / "accuracy.jsonl").read_bytes().splitlines()]
    )
    assert len(scored) > 10


def assert_scored(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every row is one of the catalogue; returns those of weeks that are over and in which something was done."""
    for row in rows:
        model = DERIVED["forecast.scored.v1" if "week" in row else "forecast.accuracy_updated.v1"].model
        model.model_validate_json(orjson.dumps({**row, "state_version": 0}))
    weeks = [row for row in rows if row.get("over") and row["forecasts"]]
    return [row for row in weeks if row["forecasts"][0]["kinds"][-1]["actual_minutes"]]
