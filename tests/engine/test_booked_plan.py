"""What is booked on a contract moves its figures, whoever says it in which order; engine and model agree on each."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from tests.engine.booked import staffing, tell, told
from tests.engine.runs import carry, differences, figures, histories, lines, started
from tests.model.entities import known_since
from tests.model.features import enabled
from tests.model.histories import Event, as_of_days, disorder, history
from tests.model.oracle import recompute

_CONTRACTS = ("C-1", "C-2", "C-3", "C-9")


def booked_history(seed: int) -> tuple[list[Event], list[Event]]:
    """Events of commerce, and those of staffing over the same days and half a year more."""
    events = history(9_000_000 + seed, 60, features=enabled() - {"checks", "documents"})
    days = as_of_days(events)
    span = [days[0] + timedelta(days=n) for n in range((days[-1] - days[0]).days + 180)]
    return events, staffing(Random(seed), span, _CONTRACTS, 60)


@pytest.mark.parametrize("seed", histories(60))
def test_a_contract_is_told_of_its_bookings(seed: int) -> None:
    rng = Random(seed)
    events, people = booked_history(seed)
    holidays = [event for event in people if event["type"].startswith("holiday")]
    log = lines(disorder([*events, *holidays], rng))
    plans = told(rng, people, events)
    half = rng.randint(0, len(plans))
    run = started(partitions=rng.randint(1, 3))
    tell(run.host, plans[:half])
    carry(run, log, cut=rng.choice((1, 7, 200)))
    tell(run.host, plans[half:])
    for as_of in rng.sample(as_of_days(events), 2):
        found = figures(run.host.stores, as_of)
        assert differences(recompute([*events, *people], as_of), found) == [], f"as of {as_of}"


@pytest.mark.parametrize("seed", histories(40))
def test_bookings_move_the_figures_of_their_contracts(seed: int) -> None:
    # The same, told by the agents themselves, whatever comes first.
    rng = Random(seed)
    events, people = booked_history(1_000 + seed)
    run = started(partitions=rng.randint(1, 3))
    carry(run, lines(disorder([*events, *people], rng)), cut=rng.choice((1, 7, 200)))
    for as_of in rng.sample(as_of_days(events), 2):
        found = figures(run.host.stores, as_of)
        assert differences(recompute([*events, *people], as_of), found) == [], f"as of {as_of}"


@pytest.mark.parametrize("seed", histories(12))
def test_what_was_booked_as_known_at_an_instant(seed: int) -> None:
    rng = Random(seed)
    events, people = booked_history(2_000 + seed)
    everything = [*events, *people]
    run = started(partitions=rng.randint(1, 3))
    carry(run, lines(disorder(everything, rng)))
    as_of, moment = rng.choice(as_of_days(events)), known_since(rng.choice(everything))
    expected = recompute(everything, as_of, moment.isoformat())
    for contract_id in run.figures.ids():
        then = figures(run.figures.known_at(contract_id, round(moment.timestamp() * 1_000_000)).stores, as_of)
        assert then.forecast.get(contract_id) == expected.forecast.get(contract_id)


def test_bookings_are_planned_in_half_of_the_histories() -> None:
    # Where nothing is ever used up by plan, the agreement above says nothing.
    seen = 0
    for seed in range(30):
        events, people = booked_history(seed)
        rows = recompute([*events, *people], as_of_days(events)[1]).burn.values()
        seen += any(row["exhaustion"]["planned_on"] not in {None, row["exhaustion"]["minutes_on"]} for row in rows)
    assert seen >= 15
