"""The histories are what they promise: repeatable, in order, of every kind, and hard on whoever reads them."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.events.reader import Reader

from .bodies import CHECKS
from .entities import instant, kind_of
from .features import STAFFING, enabled
from .histories import (
    Event,
    as_of_days,
    as_ofs,
    contradicted,
    disorder,
    event_sets,
    gapped,
    history,
    known_ats,
    repeated,
    rivalled,
    troubled,
    unstamped,
)
from .oracle import recompute, recompute_staffing

_SEEDS = range(30)
_KINDS = {
    "contract.approved",
    "contract.amended",
    "contract.suspended",
    "contract.resumed",
    "contract.closed",
    "contract.cancelled",
    "rate.set",
    "rate.withdrawn",
    "estimate.set",
    "writeoff.recorded",
    "fx.rate.set",
    "subcontract.committed",
    "subcontract.invoiced",
    "retainage.released",
    "hold.set",
    "hold.cleared",
    "dispute.opened",
    "dispute.resolved",
    "time.submitted",
    "time.approved",
    "time.rejected",
    "time.corrected",
    "time.reversed",
    "expense.approved",
    "expense.rejected",
    "expense.corrected",
    "milestone.planned",
    "milestone.changed",
    "milestone.completed",
    "milestone.accepted",
    "milestone.rejected",
    "milestone.cancelled",
    "invoice.issued",
    "invoice.voided",
    "invoice.credited",
    "invoice.paid",
    "policy.set",
    "policy.withdrawn",
    "client.upserted",
    "legal_entity.upserted",
    "period.closed",
    "period.opened",
    "erp.acknowledged",
    "holiday.set",
    "holiday.removed",
}


_STAFFED = _KINDS | {
    "resource.upserted",
    "leave.approved",
    "leave.cancelled",
    "assignment.booked",
    "assignment.changed",
    "assignment.cancelled",
    "demand.opened",
    "demand.changed",
    "demand.filled",
    "demand.cancelled",
}


def staffed(seed: int, size: int) -> list[Event]:
    """A history of people: nothing of contracts but that they are there, and much time."""
    return history(seed, size, features=STAFFING, expenses=False, milestones=False, invoices=False)


def identities(events: list[Event]) -> list[tuple[str, str]]:
    return [(event["source"], event["id"]) for event in events]


def test_a_seed_determines_a_history() -> None:
    assert history(3, 120) == history(3, 120)
    assert history(3, 120)[:60] == history(3, 60)
    assert history(3, 120) != history(4, 120)


def test_a_natural_order_never_goes_back_and_repeats_nobody() -> None:
    events = history(5, 200)
    moments = [instant(event["time"]) for event in events]
    assert moments == sorted(moments)
    assert len(set(identities(events))) == 200


def test_every_kind_occurs_and_options_leave_kinds_out() -> None:
    seen = {event["type"].removesuffix(".v1") for seed in _SEEDS for event in history(seed, 200)}
    assert seen == _KINDS
    plain = history(1, 200, expenses=False, milestones=False, invoices=False, holidays=False)
    commerce = {"dispute", "estimate", "fx", "hold", "retainage", "subcontract", "writeoff"}
    checks = {"acknowledgement", "client", "legal_entity", "period", "policy"}
    assert {kind_of(event) for event in plain} == {"contract", "rate", "time", *commerce, *checks}


def test_every_kind_of_staffing_occurs_where_it_is_asked_for() -> None:
    features = enabled() | STAFFING
    seen = {event["type"].removesuffix(".v1") for seed in range(60) for event in history(seed, 200, features=features)}
    assert seen == _STAFFED


def test_disorder_keeps_every_event() -> None:
    events = history(6, 100)
    mixed = disorder(events, Random(6))
    assert mixed != events
    assert sorted(identities(mixed)) == sorted(identities(events))


def test_trouble_is_of_the_kind_its_name_says() -> None:
    events = history(8, 200)
    names = Counter(identities(events))
    again = repeated(events, Random(1))
    assert len(again) > 200
    assert set(identities(again)) == set(names)
    assert all(any(one["data"] == event["data"] for event in events) for one in again)
    against = Counter(identities(contradicted(events, Random(1))))
    assert set(against) == set(names)
    assert max(against.values()) == 2
    assert len(set(identities(rivalled(events, Random(1))))) > 200
    assert len(gapped(events, Random(1))) < 200
    assert any("acceptedtime" not in event for event in unstamped(events, Random(1)))


@pytest.mark.parametrize("seed", range(6))
def test_every_event_is_valid_by_the_catalogue(seed: int) -> None:
    for event in unstamped(troubled(history(seed, 200), Random(seed)), Random(seed)):
        Reader().read(json.dumps(event).encode())  # raises Refusal with the field and its value


@pytest.mark.parametrize("seed", range(6))
def test_every_event_of_people_is_valid_by_the_catalogue(seed: int) -> None:
    for event in troubled(staffed(seed, 200), Random(seed)):
        Reader().read(json.dumps(event).encode())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(event_sets() | event_sets(features=STAFFING))
def test_every_drawn_event_is_valid_by_the_catalogue(events: list[Event]) -> None:
    for event in events:
        Reader().read(json.dumps(event).encode())


@pytest.mark.parametrize("seed", range(12))
def test_order_and_repetition_do_not_matter_to_the_model(seed: int) -> None:
    events = troubled(history(seed, 120), Random(seed))
    for as_of in as_of_days(events):
        figures = recompute(events, as_of)
        mixed = repeated(disorder(events, Random(seed + 1)), Random(seed))
        assert recompute(mixed, as_of) == figures
    known_at = events[0]["acceptedtime"]
    assert recompute(disorder(events, Random(9)), as_of_days(events)[-1], known_at) == recompute(
        events, as_of_days(events)[-1], known_at
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(event_sets(), as_ofs(), st.none() | known_ats(), st.randoms(use_true_random=False))
def test_sets_of_events_have_no_order(events: list[Event], as_of: date, known_at: str | None, random: Random) -> None:
    figures = recompute(events, as_of, known_at)
    assert recompute(disorder(events, random), as_of, known_at) == figures
    assert set(figures.readiness) == {contract_id for contract_id, _ in figures.burn}


@pytest.mark.parametrize("seed", range(4))
def test_order_and_repetition_do_not_matter_to_peoples_weeks(seed: int) -> None:
    events = troubled(staffed(seed, 100), Random(seed))
    as_of = as_of_days(events)[1]
    mixed = repeated(disorder(events, Random(seed + 1)), Random(seed))
    assert recompute_staffing(mixed, as_of) == recompute_staffing(events, as_of)


def test_everything_a_week_can_say_is_said() -> None:
    figures = [
        recompute_staffing(troubled(staffed(seed, 160), Random(seed)), as_of)
        for seed in range(8)
        for as_of in as_of_days(staffed(seed, 160))[-2:-1]
    ]
    rows = [row for one in figures for row in one.weeks.values()]
    for name in (name for name in rows[0] if name.endswith("_minutes")):
        assert any(row[name] != "0" for row in rows), name
    assert any("." in row["forecast_minutes"] for row in rows)
    for name in ("utilization_ratio", "allocation_ratio", "target_ratio"):
        assert any(row[name] is None for row in rows), name
    assert {row["overallocated"] for row in rows} == {True, False}
    gaps = [row for one in figures for row in one.gaps.values()]
    assert {row["practice"] for row in gaps} == {None, "data", "cloud"}
    assert any(row["gap_minutes"].startswith("-") for row in gaps)
    assert any(row["gap_minutes"] > "0" and row["free_minutes"] > "0" for row in gaps)


def test_every_state_and_blocker_is_reached() -> None:
    # A history that never gets there proves nothing of the rule.
    states, codes = set(), set()
    for seed in _SEEDS:
        events = history(seed, 200, features=enabled() - {"checks", "documents"})
        for as_of in as_of_days(events):
            for row in recompute(events, as_of).readiness.values():
                states.add(row["state"])
                codes |= {(one["code"], one["tier"]) for one in row["blockers"]}
    assert states == {"blocked", "held", "nothing_to_bill", "ready_with_warnings", "ready"}
    assert codes == {
        ("ADJUSTMENT_NEEDED", "warning"),
        ("BILLING_SCHEDULE_NOT_DUE", "held"),
        ("NARRATIVE_MISSING", "blocking"),
        ("NARRATIVE_MISSING", "warning"),
        ("RECEIPT_MISSING", "blocking"),
        ("RECEIPT_MISSING", "warning"),
        ("AMENDMENT_AFTER_END", "info"),
        ("BUDGET_BELOW_ZERO", "info"),
        ("CAP_BELOW_ZERO", "warning"),
        ("CURRENCY_CHANGED", "blocking"),
        ("FEE_MISSING", "blocking"),
        ("MILESTONES_NOT_FEE", "warning"),
        ("PAYERS_INCOMPLETE", "warning"),
        ("TERM_REVERSED", "warning"),
        ("BUDGET_EXCEEDED", "warning"),
        ("BUDGET_NEARLY_EXHAUSTED", "warning"),
        ("CAP_EXCEEDED", "blocking"),
        ("CAP_EXCEEDED", "warning"),
        ("CLIENT_HOLD", "held"),
        ("CONTRACT_NOT_ACTIVE", "blocking"),
        ("CONTRACT_UNKNOWN", "blocking"),
        ("CURRENCY_MISMATCH", "blocking"),
        ("DISPUTE_OPEN", "blocking"),
        ("ESTIMATE_MISSING", "blocking"),
        ("MILESTONE_NOT_ACCEPTED", "blocking"),
        ("OUTSIDE_TERM", "blocking"),
        ("PO_MISSING", "blocking"),
        ("RATE_UNRESOLVED", "blocking"),
        ("TIME_NOT_APPROVED", "blocking"),
    }


def test_most_checks_fail_somewhere() -> None:
    found = set()
    for seed in range(80):
        events = history(seed, 150, features=frozenset({"checks", "subcontracts", "percent_complete"}))
        for row in recompute(events, as_of_days(events)[-1]).readiness.values():
            found |= {(one["code"], one["tier"]) for one in row["blockers"] if one["code"] in CHECKS}
    assert {tier for _, tier in found} >= {"critical", "blocking", "warning"}
    assert len({code for code, _ in found}) > len(CHECKS) // 2
