"""--known-at, --as-of and --what-if: what was known, of which day, and what would be."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from tests.engine.runs import differences
from tests.model.entities import known_since
from tests.model.histories import Event, as_of_days, history, troubled, unstamped
from tests.model.oracle import recompute
from tests.model.test_oracle import contract, rate, worked
from tests.replay.runs import Row, as_lines, day, replay, written


def told(seed: int) -> tuple[list[Event], Random]:
    rng = Random(seed)
    return unstamped(troubled(history(5_000_000 + seed, 80), rng), rng), rng


@pytest.mark.parametrize("seed", range(6))
def test_a_replay_gives_the_figures_of_the_model(tmp_path: Path, seed: int) -> None:
    events, rng = told(seed)
    as_of = rng.choice(as_of_days(events))
    log = written(tmp_path / "log.jsonl", as_lines(events))
    found = replay(tmp_path / "out", log, options=("--as-of", as_of, "--partitions", 1 + seed % 3)).figures()
    assert differences(recompute(events, as_of), found) == []


@pytest.mark.parametrize("seed", range(6, 14))
def test_what_was_accepted_later_is_left_out(tmp_path: Path, seed: int) -> None:
    events, rng = told(seed)
    as_of = rng.choice(as_of_days(events))
    moment = known_since(rng.choice(events))
    log = written(tmp_path / "log.jsonl", as_lines(events))
    done = replay(tmp_path / "out", log, options=("--as-of", as_of, "--known-at", moment.isoformat()))
    assert differences(recompute(events, as_of, moment.isoformat()), done.figures()) == []
    later = sum(1 for event in events if known_since(event) > moment)
    assert done.summary["later"] == later
    assert done.summary["records"]["read"] == len(events) - later


def test_the_instant_itself_counts_and_the_microsecond_before_does_not(tmp_path: Path) -> None:
    events = history(1, 40)
    last = max(known_since(event) for event in events)
    log = written(tmp_path / "log.jsonl", as_lines(events))
    at = replay(tmp_path / "at", log, options=("--known-at", last.isoformat()))
    before = replay(tmp_path / "before", log, options=("--known-at", (last - timedelta(microseconds=1)).isoformat()))
    assert at.summary["later"] == 0
    assert before.summary["later"] == sum(1 for event in events if known_since(event) == last)


def test_without_as_of_the_greatest_tick_is_today(tmp_path: Path) -> None:
    ticks: list[Row] = [_tick("2026-03-31"), _tick("2026-04-02"), _tick("2026-04-01")]
    log = written(tmp_path / "log.jsonl", as_lines([*history(2, 30), *ticks]))
    assert replay(tmp_path / "out", log, options=()).summary["as_of"] == "2026-04-02"


def test_without_tick_or_as_of_there_is_no_today(tmp_path: Path) -> None:
    log = written(tmp_path / "log.jsonl", as_lines(event for event in history(2, 30) if "clock" not in event["type"]))
    done = replay(tmp_path / "out", log, options=())
    assert done.summary["as_of"] is None
    assert {row["as_of"] for row in done.rows("burn.jsonl")} == {None}


def test_a_scenario_is_folded_on_top(tmp_path: Path) -> None:
    log = written(tmp_path / "log.jsonl", as_lines(_ENGAGEMENT))
    scenario = written(tmp_path / "dearer.jsonl", as_lines([_rate("180.00", 2)]))
    options = ("--as-of", "2026-03-31")
    (now, *_) = replay(tmp_path / "now", log, options=options).rows("burn.jsonl")
    dearer = replay(tmp_path / "then", log, options=(*options, "--what-if", scenario))
    (then, *_) = dearer.rows("burn.jsonl")
    # 90 min at 120.00/h = 180.00; at 180.00/h = 270.00
    assert (now["approved"]["amount"], then["approved"]["amount"]) == ("180.00", "270.00")
    assert Decimal(now["remaining"]["amount"]) - Decimal(then["remaining"]["amount"]) == Decimal("90.00")
    assert dearer.summary["what_if"] == "dearer.jsonl"
    both = replay(tmp_path / "both", log, scenario, options=options)
    assert both.summary["digests"] == dearer.summary["digests"]


def _event(type_: str, message_id: str, data: Row) -> Row:
    return {
        "specversion": "1.0",
        "id": message_id,
        "source": "/test",
        "type": f"{type_}.v1",
        "time": "2026-03-02T08:00:00Z",
        "data": data,
    }


def _tick(on: str) -> Row:
    return _event("clock.ticked", f"tick-{on}", {"on": day(on).isoformat()})


def _rate(amount: str, revision: int) -> Row:
    money = {"amount": amount, "currency": "EUR"}
    said = {"rate_id": "RC-1", "revision": revision, "contract_id": "C-1", "effective_from": "2026-01-01", **money}
    return _event("rate.set", f"rate-{revision}", said)


_ENGAGEMENT = [
    _event(
        "contract.approved",
        "c-1",
        {
            "contract_id": "C-1",
            "version": 1,
            "client_id": "ACME",
            "currency": "EUR",
            "effective_from": "2026-01-01",
            "term": {"from": "2026-01-01", "to": "2026-12-31"},
            "lines": [
                {
                    "line_id": "L1",
                    "billing_method": "time_and_materials",
                    "budget": {"amount": "1000.00"},
                }
            ],
        },
    ),
    _rate("120.00", 1),
    _event(
        "time.approved",
        "t-1",
        {
            "entry_id": "TE-1",
            "revision": 1,
            "contract_id": "C-1",
            "resource_id": "R-1",
            "work_date": "2026-03-02",
            "minutes": 90,
            "line_id": "L1",
        },
    ),
]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_scenario_counts_whenever_its_events_say_they_were_recorded(tmp_path: Path, workers: int) -> None:
    # 60 min were known on 1 April, 30 were not; 120 are supposed, whatever day is written on them: 180 min at 100.00.
    def on(event: Event, day: str) -> Event:
        return {**event, "recordedtime": f"{day}T00:00:00Z"}

    terms = [contract(), rate("100")]
    log = [*terms, on(worked(60), "2025-03-31"), on(worked(30, entry_id="T-2"), "2025-05-01")]
    log = [*log, *({**terms[1], "id": f"pad-{n}", "pad": "x" * 900_000} for n in range(20))]  # enough for two workers
    if_ = written(tmp_path / "if.jsonl", as_lines([on(worked(120, entry_id="T-3"), "2025-06-01")]))
    options = ("--as-of", "2025-03-31", "--known-at", "2025-04-01T00:00:00Z", "--what-if", if_, "--workers", workers)
    done = replay(tmp_path / "out", written(tmp_path / "log.jsonl", as_lines(log)), options=options)
    assert done.figures().readiness["C-1"]["ready_amount"] == "300.00"
    assert done.summary["later"] == 1
