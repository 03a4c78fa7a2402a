"""Nothing an approved hour is worth gets lost between work and money: design.md section 5, "Conservation"."""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.events.reader import Reader

from .features import ALL
from .histories import Event, as_of_days, as_ofs, disorder, event_sets, history, repeated, troubled
from .oracle import Figures, recompute

_SIDES = ("invoiced", "adjustment", "ready", "blocked", "over_cap", "retained", "written_off", "by_fee")


def lost(figures: Figures) -> dict[str, Fraction]:
    """What was earned and is nowhere, by contract; empty where the law holds."""
    gaps = {name: one["earned"] - sum(one[side] for side in _SIDES) for name, one in figures.books.items()}
    return {name: gap for name, gap in gaps.items() if gap != 0}


def unshown(figures: Figures) -> list[tuple[str, dict[str, Any]]]:
    """Contracts whose row says otherwise than their books."""
    return [
        (name, row)
        for name, row in figures.readiness.items()
        if Fraction(row["ready_time_amount"]) != figures.books[name]["ready"]
        or Fraction(row["over_cap_amount"]) != figures.books[name]["over_cap"]
    ]


def eventful(seed: int, size: int) -> list[Event]:
    """A history of commerce; checks stop contracts, and change nothing else."""
    return history(seed, size, features=ALL - {"checks", "documents"})


@pytest.mark.parametrize("seed", range(12))
def test_what_is_earned_is_somewhere(seed: int) -> None:
    events = troubled(eventful(seed, 150), Random(seed))
    for as_of in as_of_days(events):
        figures = recompute(events, as_of)
        assert lost(figures) == {}, f"as of {as_of}"
        assert unshown(figures) == [], f"as of {as_of}"


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(event_sets(features=ALL), as_ofs())
def test_what_is_earned_is_somewhere_for_any_events(events: list[Event], as_of: date) -> None:
    figures = recompute(events, as_of)
    assert lost(figures) == {}
    assert unshown(figures) == []


def test_every_side_of_the_law_is_reached() -> None:
    # A side that is always nothing proves nothing.
    seen = {
        side
        for seed in range(30)
        for events in [eventful(seed, 200)]
        for one in recompute(events, as_of_days(events)[-1]).books.values()
        for side, amount in one.items()
        if amount != 0
    }
    assert seen == {"earned", *_SIDES}


# -- the histories of commerce ------------------------------------------------------------------------------------


def test_every_kind_of_commerce_occurs_and_is_valid_by_the_catalogue() -> None:
    seen = set()
    for seed in range(15):
        for event in troubled(eventful(seed, 200), Random(seed)):
            Reader().read(json.dumps(event).encode())  # raises Refusal with the field and its value
            seen.add(event["type"].removesuffix(".v1"))
    assert seen >= {
        "estimate.set",
        "writeoff.recorded",
        "retainage.released",
        "hold.set",
        "hold.cleared",
        "dispute.opened",
        "dispute.resolved",
    }


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(event_sets(features=ALL))
def test_every_drawn_event_of_commerce_is_valid_by_the_catalogue(events: list[Event]) -> None:
    for event in events:
        Reader().read(json.dumps(event).encode())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(event_sets(features=ALL), as_ofs(), st.randoms(use_true_random=False))
def test_sets_of_commercial_events_have_no_order(events: list[Event], as_of: date, random: Random) -> None:
    assert recompute(disorder(events, random), as_of) == recompute(events, as_of)


@pytest.mark.parametrize("seed", range(5))
def test_order_and_repetition_do_not_matter_to_commerce(seed: int) -> None:
    events = troubled(eventful(seed, 120), Random(seed))
    mixed = repeated(disorder(events, Random(seed + 1)), Random(seed))
    for as_of in as_of_days(events):
        assert recompute(mixed, as_of) == recompute(events, as_of)


def test_a_feature_that_is_off_changes_no_history() -> None:
    # What engine and model were compared on stays what it was, event by event.
    assert history(11, 200, features=frozenset()) == [
        event for event in history(11, 200, features=frozenset()) if event["type"].split(".")[0] not in _COMMERCIAL
    ]
    assert history(11, 200, features=frozenset({"holds"})) != history(11, 200, features=frozenset())


_COMMERCIAL = {"estimate", "writeoff", "retainage", "hold", "dispute"}


def test_what_commerce_brings_is_reached() -> None:
    states, codes, moved = set(), set(), set()
    for seed in range(20):
        events = eventful(seed, 200)
        for as_of in as_of_days(events):
            for row in recompute(events, as_of).readiness.values():
                states.add(row["state"])
                codes |= {(one["code"], one["tier"]) for one in row["blockers"]}
                moved |= {name for name in ("ready_fee_amount", "retained_amount") if Fraction(row[name])}
    assert states == {"blocked", "held", "nothing_to_bill", "ready_with_warnings", "ready"}
    assert codes >= {("CLIENT_HOLD", "held"), ("DISPUTE_OPEN", "blocking")}
    assert moved == {"ready_fee_amount", "retained_amount"}
