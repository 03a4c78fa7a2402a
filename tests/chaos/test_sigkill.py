"""SIGKILL at any moment changes nothing: tables, latest statements and counts are those of a run nobody disturbed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.engine.runner import finish
from app.engine.store import Store
from app.replay.verify import verify
from tests.chaos.runs import Outcome, differences, outcome, run_to_the_end, run_with_kills, write_log

SEED = 20_260_626


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose stores are removed at once: they are large."""
    yield tmp_path
    for file in tmp_path.iterdir():
        file.unlink()


def assert_kills_change_nothing(folder: Path, events: int, kills: int) -> None:
    log = write_log(folder / "log.jsonl", events, SEED)
    run_to_the_end(folder / "calm.sqlite", log)
    at_work = run_with_kills(folder / "killed.sqlite", log, kills, SEED)
    assert at_work >= kills * 3 // 4, f"only {at_work} of {kills} kills hit a worker that had something to do"
    assert_same(outcome(folder / "calm.sqlite"), outcome(folder / "killed.sqlite"), log.lines)
    with Store(folder / "killed.sqlite", read_only=True) as store:
        assert finish(verify(store)).differences == []


def assert_same(calm: Outcome, killed: Outcome, lines: int) -> None:
    assert sum(calm.counts[name] for name in ("applied", "duplicate", "stale", "parked", "dead_lettered")) == lines
    assert killed.counts == calm.counts
    assert differences(calm.values, killed.values) == []
    assert differences(calm.latest, killed.latest) == []
    assert {name for name, payloads in killed.payloads_of_id.items() if len(payloads) > 1} == set()


def test_five_kills_over_20_000_events(folder: Path) -> None:
    assert_kills_change_nothing(folder, events=20_000, kills=5)


@pytest.mark.slow
def test_twenty_kills_over_200_000_events(folder: Path) -> None:
    assert_kills_change_nothing(folder, events=200_000, kills=20)
