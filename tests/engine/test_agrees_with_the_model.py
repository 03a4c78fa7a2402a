"""Engine and model read the same rules independently; on every figure of every history they agree."""

from __future__ import annotations

from datetime import UTC, date, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.runs import Row, Run, differences, examples, figures, fold, histories, lines, orders
from tests.engine.stories import STORIES
from tests.model.entities import instant, known_since
from tests.model.features import enabled
from tests.model.histories import (
    Event,
    as_of_days,
    as_ofs,
    belated,
    disorder,
    event_sets,
    history,
    known_ats,
    repeated,
    troubled,
    unstamped,
)
from tests.model.oracle import Figures, recompute

_CUTS = (1, 2, 7, 30, 1000)
_STORY_DAYS = [date(2026, 3, 2), date(2026, 4, 2)]
_DOOMSDAY = datetime(9999, 12, 31, tzinfo=UTC)


def drawn(events: list[Event], rng: Random) -> Run:
    """The events through the engine, however the dice partition and cut them."""
    return fold(lines(events), partitions=rng.randint(1, 4), cut=rng.choice(_CUTS))


def assert_agreement(events: list[Event], run: Run, days: list[date]) -> None:
    assert run.letters == []
    for as_of in days:
        assert differences(recompute(events, as_of), figures(run.host.stores, as_of)) == [], f"as of {as_of}"


@pytest.mark.parametrize("seed", histories(12))
def test_a_history_in_its_natural_order(seed: int) -> None:
    events = history(seed, 90)
    assert_agreement(events, drawn(events, Random(seed)), as_of_days(events))


@pytest.mark.parametrize("seed", histories(40))
def test_a_history_in_trouble(seed: int) -> None:
    rng = Random(seed)
    events = troubled(history(1_000_000 + seed, 70), rng)
    assert_agreement(events, drawn(events, rng), rng.sample(as_of_days(events), 2))


@pytest.mark.parametrize("seed", histories(4))
@pytest.mark.parametrize("feature", sorted(enabled()))
def test_a_history_with_one_rule_of_commerce(feature: str, seed: int) -> None:
    # Alone a rule shows more often than where all meet, and a difference says which rule it is about.
    rng = Random(seed)
    events = troubled(history(5_000_000 + seed, 90, features=frozenset({feature})), rng)
    assert_agreement(events, drawn(events, rng), rng.sample(as_of_days(events), 2))


@pytest.mark.parametrize("seed", histories(12))
def test_time_and_estimates_that_are_recorded_late(seed: int) -> None:
    # What a fee had earned by the end of a month stays; what is recorded later belongs to the month it is recorded in.
    rng = Random(seed)
    events = history(6_000_000 + seed, 110, features=frozenset({"percent_complete"}))
    events = belated(troubled(events, rng), rng)
    assert_agreement(events, drawn(events, rng), as_of_days(events))


@pytest.mark.parametrize("seed", histories(6))
def test_days_far_from_all_work(seed: int) -> None:
    events = troubled(history(2_000_000 + seed, 50), Random(seed))
    assert_agreement(events, drawn(events, Random(seed)), [date(1, 2, 1), date(2060, 2, 29)])


@examples(60)
@given(event_sets(), as_ofs(), st.integers(1, 4), st.sampled_from(_CUTS))
def test_any_set_of_events(events: list[Event], as_of: date, partitions: int, cut: int) -> None:
    run = fold(lines(events), partitions=partitions, cut=cut)
    assert_agreement(events, run, [as_of])


@pytest.mark.parametrize("story", STORIES)
def test_a_short_story_in_every_order(story: str) -> None:
    # One event at a time, so that each meets the consequences of all before it.
    events = STORIES[story]
    for order in orders(events, story, 60):
        assert_agreement(order, fold(lines(order), cut=1), _STORY_DAYS)


# -- known at -----------------------------------------------------------------------------------------------------


def known(run: Run, as_of: date, known_at: datetime) -> dict[str, Row]:
    """Every figure of every contract from what was accepted up to an instant."""
    moment = round(known_at.timestamp()) * 1_000_000
    found = {}
    for contract_id in run.figures.ids():
        then = figures(run.figures.known_at(contract_id, moment).stores, as_of)
        if contract_id in then.readiness:
            found[contract_id] = of_contract(then, contract_id)
    return found


def modelled(events: list[Event], as_of: date, known_at: datetime) -> dict[str, Row]:
    """The same from the model."""
    told = recompute(events, as_of, known_at.isoformat())
    return {contract_id: of_contract(told, contract_id) for contract_id in told.readiness}


def of_contract(its: Figures, contract_id: str) -> Row:
    """All that is said of a contract. What is null may as well be left out of a document."""
    return {
        "burn": {line_id: row for (owner, line_id), row in its.burn.items() if owner == contract_id},
        "readiness": its.readiness[contract_id],
        "forecast": its.forecast[contract_id],
        "revenue": {key: row for key, row in its.revenue.items() if key[0] == contract_id},
        "documents": {
            key: {name: value for name, value in row.items() if value is not None}
            for key, row in its.documents.items()
            if row["contract_id"] == contract_id
        },
    }


@pytest.mark.parametrize("seed", histories(16))
def test_what_was_known_at_an_instant(seed: int) -> None:
    rng = Random(seed)
    events = unstamped(troubled(history(3_000_000 + seed, 60), rng), rng)
    run = drawn(events, rng)
    for known_at in rng.sample([known_since(event) for event in events], 2):
        as_of = rng.choice(as_of_days(events))
        assert known(run, as_of, known_at) == modelled(events, as_of, known_at), f"as of {as_of}, known at {known_at}"


@examples(40)
@given(event_sets(max_size=6), as_ofs(), known_ats())
def test_what_was_known_at_an_instant_of_any_set(events: list[Event], as_of: date, known_at: str) -> None:
    run = fold(lines(events))
    assert known(run, as_of, instant(known_at)) == modelled(events, as_of, instant(known_at))


@pytest.mark.parametrize("seed", histories(8))
def test_totals_maintained_equal_totals_recomputed_from_facts(seed: int) -> None:
    # At the end of time everything is known, so the answer from facts must be the one that was kept up to date.
    rng = Random(seed)
    events = repeated(disorder(history(4_000_000 + seed, 60), rng), rng)
    run = drawn(events, rng)
    as_of = rng.choice(as_of_days(events))
    kept = figures(run.host.stores, as_of)
    expected = {contract_id: of_contract(kept, contract_id) for contract_id in kept.readiness}
    assert known(run, as_of, _DOOMSDAY) == expected
