"""Any order, any repetition, any cut, any number of partitions: the same facts, figures and latest statements."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from datetime import date, timedelta
from itertools import permutations
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.effects import BILLING, BURN, EXCEPTIONS, FORECAST, READINESS, REVENUE, THRESHOLDS, key_of
from app.domain import burn
from app.engine.figures import Figures
from app.engine.slices import Slice
from app.events.cloudevents import timestamp
from tables import Store
from tests.engine.crew import crew
from tests.engine.noise import UNREADABLE, bystanders, noisy, said, tick
from tests.engine.runs import (
    Run,
    Said,
    counts,
    digest,
    examples,
    facts,
    fold,
    histories,
    let_through,
    lines,
    promises_told,
    silent,
    standing,
    weeks_told,
)
from tests.model.histories import Event, as_of_days, disorder, event_sets, history, repeated, troubled

_CUTS = (1, 3, 20, 1000)
_OF_A_ROW = ("revision", "type", "acknowledged", "order_remaining_amount")
_RAISED = ("code", "tier", "owner", "subject", "message", "evidence", "since")


def other_ways(log: list[bytes], rng: Random, publish: bool, ways: int = 3) -> list[Run]:
    """The same lines in other orders, some of them more than once, dealt out and cut in other ways."""
    runs = []
    for _ in range(ways):
        again = [*log, *rng.sample(log, len(log) // 5)]
        rng.shuffle(again)
        runs.append(
            fold(
                again,
                partitions=rng.randint(1, 4),
                inputs=rng.randint(1, 3),
                cut=rng.choice(_CUTS),
                publish=publish,
            )
        )
    return runs


# -- facts and figures --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", histories(15))
def test_the_same_events_give_the_same_facts_and_figures(seed: int) -> None:
    rng = Random(seed)
    events = troubled(history(5_000_000 + seed, 60), rng)
    days = as_of_days(events)
    log = noisy(lines(events), rng, crew(rng, rng.choice(days)))
    first = fold(log, cut=1000)
    for run in other_ways(log, rng, publish=False):
        assert facts(run.host.stores) == facts(first.host.stores)
        assert [digest(run.host.stores, day) for day in days] == [digest(first.host.stores, day) for day in days]


@examples(40)
@given(event_sets(max_size=7), st.randoms(use_true_random=False))
def test_any_set_of_events_gives_the_same_facts_and_figures(events: list[Event], rng: Random) -> None:
    log = lines(events)
    first = fold(log, cut=1000)
    for run in other_ways(log, rng, publish=False, ways=2):
        assert facts(run.host.stores) == facts(first.host.stores)
        for day in (date(2026, 3, 31), date(2027, 1, 4)):
            assert digest(run.host.stores, day) == digest(first.host.stores, day)


# -- statements ---------------------------------------------------------------------------------------------------


def stated(said: Said) -> dict[tuple[str, str], object]:
    """The payloads of the latest statements."""
    return {place: payload for place, (_, payload, _) in said.items()}


def expected(figures: Figures, today: date) -> dict[tuple[str, str], object]:
    """Every statement that must stand once today is `today`, from the tables alone."""
    as_of = today.toordinal()
    wanted: dict[tuple[str, str], object] = {
        place: payload for place, (payload, _) in weeks_told(figures.stores, today).items()
    }
    wanted.update(promises_told(figures.stores, today))
    for contract_id in figures.ids():
        for row in figures.burn(contract_id, as_of):
            place = (contract_id,) if row["line_id"] is None else (contract_id, row["line_id"])
            wanted[BURN, key_of(*place)] = row
        wanted[READINESS, key_of(contract_id)] = figures.readiness(contract_id, as_of)
        wanted[FORECAST, key_of(contract_id)] = figures.forecast(contract_id, as_of)
        for row in figures.revenue(contract_id, as_of):
            wanted[REVENUE, key_of(contract_id, row["line_id"] or "", row["period"])] = row
        for row in figures.documents(contract_id, as_of):
            wanted[BILLING, row["document_key"]] = {name: row[name] for name in row if name not in _OF_A_ROW}
        wanted.update(_thresholds(figures, contract_id, as_of))
    return wanted


def _thresholds(figures: Figures, contract_id: str, as_of: int) -> dict[tuple[str, str], object]:
    found = figures.of(contract_id)
    assert found is not None
    contracts, head = found
    position = contracts.position(contract_id, head, as_of)
    rows = [
        row
        for line in (None, *position.lines())
        for row in burn.threshold_rows(position, line, burn.crossings(position, line))
    ]
    return {
        (THRESHOLDS, key_of(contract_id, row["line_id"] or "", row["dimension"], str(row["threshold"]))): row
        for row in rows
    }


def without_exceptions(said: dict[tuple[str, str], Any]) -> dict[tuple[str, str], object]:
    """What figures are: nothing of exceptions, nor of a period in which a line had earned nothing yet."""
    return {place: payload for place, payload in said.items() if place[0] != EXCEPTIONS and not silent(place, payload)}


def spoken(said: Said, wanted: Container[tuple[str, str]]) -> Said:
    return {place: one for place, one in said.items() if place in wanted or place[0] == EXCEPTIONS}


def through(run: Run, today: date) -> Said:
    """What is true of today, of documents once the gate lets everything through."""
    return standing(let_through(run.said, run.host.stores), today)


@pytest.mark.parametrize("seed", histories(12))
def test_the_latest_statements_are_the_figures_of_today(seed: int) -> None:
    rng = Random(seed)
    events = troubled(history(6_000_000 + seed, 60), rng)
    today = rng.choice(as_of_days(events))
    ticks = [tick(today - timedelta(days=days)) for days in (0, 0, 1, 30)]
    log = noisy(lines(events), rng, [*ticks, *crew(rng, today)])
    first = fold(log, cut=1000, publish=True)
    said = through(first, today)
    assert without_exceptions(stated(said)) == expected(first.figures, today)
    for run in other_ways(log, rng, publish=True):
        again = through(run, today)
        assert again == said
        assert without_exceptions(stated(again)) == expected(run.figures, today)


@pytest.mark.parametrize("seed", histories(12))
def test_a_week_is_caused_by_the_latest_fact_behind_it(seed: int) -> None:
    rng = Random(seed)
    events = troubled(history(6_100_000 + seed, 40), rng)
    today = rng.choice(as_of_days(events))
    log = noisy(lines(events), rng, [tick(today), *crew(rng, today)])
    first = fold(log, cut=1000, publish=True)
    told = weeks_told(first.host.stores, today)
    assert told
    for run in (first, *other_ways(log, rng, publish=True)):
        for place, (payload, latest) in told.items():
            assert run.said[place][1:] == (payload, latest)


@examples(30)
@given(event_sets(max_size=6), st.randoms(use_true_random=False))
def test_any_set_of_events_gives_the_same_latest_statements(events: list[Event], rng: Random) -> None:
    today = date(2026, 4, 1)
    log = lines([*events, tick(today)])
    first = fold(log, cut=1000, publish=True)
    wanted = expected(first.figures, today)
    said = let_through(first.said, first.host.stores)
    assert without_exceptions(stated(said)) == wanted
    for run in other_ways(log, rng, publish=True, ways=2):
        # A rejection may name a contract of its own and inherit a line from elsewhere. Superseded, it leaves a row of
        # zeros for that line behind, which no statement mentions any more: only what stands is compared.
        assert spoken(let_through(run.said, run.host.stores), wanted) == spoken(said, wanted)


@pytest.mark.parametrize("seed", histories(6))
def test_every_exception_in_the_table_was_stated_as_it_stands(seed: int) -> None:
    rng = Random(seed)
    run = fold(noisy(lines(troubled(history(7_000_000 + seed, 80), rng)), rng), partitions=3, cut=7, publish=True)
    raised = {key: orjson.loads(value) for key, value in facts(run.host.stores)["exceptions"]}
    said = {key: one for (topic, key), one in run.said.items() if topic == EXCEPTIONS}
    assert raised
    conflicts = {key: one[1] for key, one in said.items() if one[1]["code"] == "REVISION_CONFLICT"}
    assert {key: [payload[name] for name in _RAISED] for key, payload in conflicts.items()} == {
        key: [*fields, timestamp(since)] for key, (*fields, since) in raised.items()
    }
    # What ERPs refused stands in no table of its own: it follows from their answers.
    refused = {key for key, one in said.items() if key not in conflicts and one[0] == "exception.raised.v1"}
    assert refused == {row["exception_id"] for row in refusals(run.host.stores)}


def refusals(stores: Sequence[Store]) -> Iterator[dict[str, Any]]:
    for number, store in enumerate(stores):
        yield from (row for row in Slice(number, store).standing(None) if row["code"] == "DOCUMENT_REJECTED")


def test_two_people_s_leave_of_one_id_are_two_exceptions() -> None:
    """Both use V-1, and of both revision 1 was said in two ways; whoever is told first, each has its own evidence."""
    log = [
        said("leave.approved", f"{person}-{minutes}", **leave, resource_id=person, minutes_per_day=minutes)
        for leave in [{"leave_id": "V-1", "revision": 1, "from": "2026-03-02", "to": "2026-03-06"}]
        for person in ("P-1", "P/2")
        for minutes in (60, 120)
    ]
    for order in permutations(log):
        run = fold(lines(order), partitions=2, cut=1, publish=True)
        raised = {key: one[1]["evidence"] for (topic, key), one in run.said.items() if topic == EXCEPTIONS}
        assert raised == {
            "REVISION_CONFLICT/leave/P-1/V-1/1": ["/desk#P-1-120", "/desk#P-1-60"],
            "REVISION_CONFLICT/leave/P%2F2/V-1/1": ["/desk#P/2-120", "/desk#P/2-60"],
        }


# -- dispositions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", histories(12))
def test_what_became_of_the_records_adds_up_to_the_records_read(seed: int) -> None:
    rng = Random(seed)
    events = troubled(history(8_000_000 + seed, 60), rng)
    log = noisy(lines(events), rng, [tick(date(2026, 3, 1)), tick(date(2026, 3, 2)), tick(date(2026, 3, 1))])
    for run in other_ways(log, rng, publish=False):
        found = counts(run.host.stores)
        assert sum(found.values()) == run.host.read == len(log) + len(log) // 5
        assert found["dead_lettered"] == len(run.letters) >= len(UNREADABLE)


def test_a_record_is_counted_once_wherever_its_copies_go() -> None:
    # By hand: 8 bystanders, of which b-3 rivals b-2 (same time and source, greater id: it counts, so both were
    # applied); reference data goes to all 4 partitions and is counted on the first; again all 8: 8 duplicates.
    log = lines(bystanders())
    run = fold([*log, *log, b"{"], partitions=4)
    assert counts(run.host.stores) == {"applied": 8, "duplicate": 8, "stale": 0, "dead_lettered": 1}


def test_parked_entities_are_among_the_applied() -> None:
    events = [event for event in history(3, 60, unknown=False) if event["type"].startswith("time.")]
    run = fold(lines(events))
    entries = {event["data"]["entry_id"] for event in events}
    assert run.figures.parked() == len(entries)
    assert counts(run.host.stores)["applied"] == len(events) >= len(entries)


def test_disorder_and_repetition_of_a_natural_history_end_in_its_figures() -> None:
    events = history(11, 120)
    rng = Random(11)
    natural = fold(lines(events), cut=1)
    mixed = fold(lines(repeated(disorder(events, rng), rng, percent=60)), partitions=4, inputs=3, cut=5)
    for day in as_of_days(events):
        assert digest(mixed.host.stores, day) == digest(natural.host.stores, day)
