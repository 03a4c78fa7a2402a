"""Engine and model read independently how forecasts were and what became of them; on every figure they agree."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.effects import ACCURACY
from agents.scoring import stored_ticks
from app.domain import accuracy
from app.domain.accuracy import Cell
from app.domain.utilization import WINDOW
from app.engine.accuracy import Ledger, cells_of, kept, ledger_of, received, record_rows, score_rows, sent
from app.engine.roster import KINDS, Roster
from app.engine.workforce import people_as_known
from tables.turns import TURNS
from tests.engine.runs import Row, Run, differing, examples, fold, histories, lines
from tests.engine.test_agrees_about_people import staffed
from tests.model.entities import known_since
from tests.model.features import STAFFING
from tests.model.histories import Event, as_of_days, as_ofs, disorder, event_sets, troubled, unstamped
from tests.model.numbers import shortest
from tests.model.oracle import Honesty, recompute_accuracy

_CUTS = (1, 2, 7, 30, 1000)


def ticked(day: date, after: timedelta = timedelta(0)) -> Event:
    """The tick of a day, accepted so long after its midnight."""
    moment = f"{(day + timedelta(days=after.days)).isoformat()}T{after.seconds // 3600:02}:00:00Z"
    return {
        "specversion": "1.0",
        "id": f"tick/{day}/{after}",
        "source": "/clock",
        "type": "clock.ticked.v1",
        "time": moment,
        "data": {"on": day.isoformat()},
    }


def with_ticks(events: list[Event], around: date, rng: Random) -> list[Event]:
    """Ticks of some days around a day, in order mostly, some accepted late, mixed in anywhere."""
    result = list(events)
    for offset in range(-70, 50):
        if rng.random() < 0.25:
            late = timedelta(hours=rng.choice((0, 0, 0, 0, 9, 200)))
            result.insert(rng.randint(0, len(result)), ticked(around + timedelta(days=offset), late))
    return result


def with_work(events: list[Event], around: date, rng: Random) -> list[Event]:
    """Time of the people who were booked on what they were booked for, and demand that found somebody."""
    result = list(events)
    for number, event in enumerate(events):
        data = event["data"]
        said = {"specversion": "1.0", "id": f"more-{number}", "source": "/more", "time": event["time"]}
        if event["type"].startswith("demand.") and rng.random() < 0.4:
            found = {"demand_id": data["demand_id"], "revision": data["revision"] + 1}
            since = (around - timedelta(days=rng.randint(0, 40))).isoformat() + "T12:00:00Z"
            result.append({**said, "type": "demand.filled.v1", "data": found, "acceptedtime": since})
        if not event["type"].startswith("assignment.") or "from" not in data:
            continue
        first, last = date.fromisoformat(data["from"]), date.fromisoformat(data["to"])
        first, last = max(first, around - timedelta(days=60)), min(last, around + timedelta(days=5))
        for day in range((last - first).days + 1):
            if rng.random() < 0.1:
                entry = {
                    "entry_id": f"more-{number}-{day}",
                    "revision": 1,
                    "resource_id": data["resource_id"],
                    "contract_id": rng.choice((data["contract_id"], data["contract_id"], "C-9")),
                    "work_date": (first + timedelta(days=day)).isoformat(),
                    "minutes": rng.choice((480, 480, 1000, -60)),
                }
                type_ = rng.choice(("time.approved.v1", "time.approved.v1", "time.submitted.v1"))
                result.append({**said, "id": f"more-{number}-{day}", "type": type_, "data": entry})
    return result


def modelled(value: Any) -> Any:
    """A row as the model has it: minutes all as the shortest decimal."""
    if isinstance(value, list):
        return [modelled(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: shortest(Fraction(str(one)), 2) if name.endswith("_minutes") and one is not None else modelled(one)
        for name, one in value.items()
    }


def figures(run: Run, as_of: date) -> Honesty:
    """Every row of the engine, in the model's form."""
    stores, day = run.host.stores, as_of.toordinal()
    cells = cells_of(stores, day)
    return rows_of(ledger_of(stores, cells), cells, day)


def rows_of(ledger: Ledger, cells: dict[int, Cell], day: int) -> Honesty:
    scored = {
        (*group, payload["week"]): modelled(payload) for group, _, payload in score_rows(ledger, cells, day, KINDS)
    }
    return Honesty(scored, {group: modelled(row) for group, row in record_rows(ledger, cells, day, KINDS)})


def differences(expected: Honesty, found: Honesty) -> list[str]:
    return [
        *differing("week", expected.scored, found.scored),
        *differing("record", expected.records, found.records),
    ]


def drawn(events: list[Event], rng: Random) -> Run:
    return fold(lines(events), partitions=rng.randint(1, 4), cut=rng.choice(_CUTS))


@pytest.mark.parametrize("seed", histories(12))
def test_a_history_with_a_clock(seed: int) -> None:
    rng = Random(seed)
    events = staffed(7_000_000 + seed, 90)
    as_of = rng.choice(as_of_days(events))
    events = unstamped(troubled(events, rng), rng)
    events = disorder(with_ticks(with_work(events, as_of, rng), as_of, rng), rng)
    assert differences(recompute_accuracy(events, as_of), figures(drawn(events, rng), as_of)) == []


@pytest.mark.parametrize("seed", histories(4))
def test_what_was_known_at_an_instant(seed: int) -> None:
    rng = Random(seed)
    events = staffed(9_000_000 + seed, 70)
    as_of = rng.choice(as_of_days(events))
    events = with_ticks(unstamped(with_work(troubled(events, rng), as_of, rng), rng), as_of, rng)
    known_at = known_since(rng.choice(events))
    moment, run = round(known_at.timestamp()) * 1_000_000, drawn(events, rng)
    then = people_as_known([fact for store in run.host.stores for fact in Roster(store).everything()], moment).stores
    ticks = {monday: tick for monday, tick in stored_ticks(run.host.stores[0], TURNS).items() if tick[0] <= moment}
    day = as_of.toordinal()
    cells = accuracy.cells(accuracy.mondays(day, WINDOW), accuracy.turns(ticks), day)
    found = rows_of(ledger_of(then, cells), cells, day)
    assert differences(recompute_accuracy(events, as_of, known_at.isoformat()), found) == []


@examples(15)
@given(event_sets(features=STAFFING), as_ofs(), st.integers(0, 1_000_000))
def test_any_set_of_events(events: list[Event], as_of: date, seed: int) -> None:
    rng = Random(seed)
    if date(1, 6, 1) < as_of < date(9999, 6, 1):
        events = with_ticks(with_work(events, as_of, rng), as_of, rng)
    assert differences(recompute_accuracy(events, as_of), figures(drawn(events, rng), as_of)) == []


@pytest.mark.parametrize("seed", histories(8))
def test_the_latest_statements_are_the_figures_of_the_last_tick(seed: int) -> None:
    # Sums are maintained there and recomputed here; whatever the order, the latest of each key is right.
    rng = Random(seed)
    events = staffed(8_000_000 + seed, 80)
    around = rng.choice(as_of_days(events))
    events = disorder(with_ticks(with_work(troubled(events, rng), around, rng), around, rng), rng)
    today = max(date.fromisoformat(one["data"]["on"]) for one in events if one["type"] == "clock.ticked.v1")
    run = fold(lines(events), partitions=rng.randint(1, 4), cut=rng.choice(_CUTS), publish=True)
    expected = recompute_accuracy(events, today)
    published = {key: row for key, row in expected.scored.items() if key[0] in ("role", "practice")}
    records = {key: row for key, row in expected.records.items() if key[0] in ("role", "practice")}
    assert differences(Honesty(published, records), told(run, today)) == []
    # What is answered from the sums that were kept, from all partitions at once, as one worker would hold them.
    stores, day = run.host.stores, today.toordinal()
    cells = cells_of(stores, day)
    at_once = received([row for store in stores for row in sent(kept(store, cells, KINDS), KINDS)])
    assert differences(expected, rows_of(at_once, cells, day)) == []


def told(run: Run, today: date) -> Honesty:
    """What stands in the topic as of a day."""
    scored: dict[tuple[str, str, str], Row] = {}
    records: dict[tuple[str, str], Row] = {}
    for (topic, _), (_, payload, _) in run.said.items():
        if topic == ACCURACY and payload["as_of"] == today.isoformat():
            subject = payload["subject"]["kind"], payload["subject"]["id"]
            if "week" in payload:
                scored[(*subject, payload["week"])] = modelled(payload)
            else:
                records[subject] = modelled(payload)
    return Honesty(scored, records)
