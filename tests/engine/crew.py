"""People, leave, holidays, bookings and demand at random: what weeks rest on, besides the time of a history."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

from tests.engine.noise import said
from tests.model.histories import Event

PEOPLE = ("P-1", "P-2", "P-3")
CONTRACTS = ("C-1", "C-2")
ROLES = ("engineer", "analyst", None)
PRACTICES = ("Data", "Cloud", None)
REGIONS = ("emea", "amer", None)


def crew(rng: Random, around: date, size: int = 30) -> list[Event]:
    """`size` events about a few people in the year around a day: contradictions, moves and cancellations included."""
    makers = (_person, _person, _leave, _holiday, _assignment, _assignment, _assignment, _demand, _regional)
    return [rng.choice(makers)(rng, around, number) for number in range(size)]


def _day(rng: Random, around: date, reach: int = 120) -> date:
    return around + timedelta(days=rng.randint(-reach, reach))


def _span(rng: Random, around: date) -> dict[str, str]:
    first = _day(rng, around)
    length = rng.choice((0, 1, 4, 20, 90, 400, 1_500))
    return {"from": first.isoformat(), "to": (first + timedelta(days=length)).isoformat()}


def _some(rng: Random, **fields: Any) -> dict[str, Any]:
    """Fields, of which some are left out."""
    return {name: value for name, value in fields.items() if value is not None and rng.random() < 0.8}


def _person(rng: Random, around: date, number: int) -> Event:
    first = _day(rng, around, 60)
    return said(
        "resource.upserted",
        f"crew-{number}",
        resource_id=rng.choice(PEOPLE),
        revision=rng.randint(1, 3),
        effective_from=first.isoformat(),
        weekly_minutes=rng.choice((0, 1_000, 1_200, 2_400, 2_400, 2_250)),
        **_some(
            rng,
            working_days=rng.choice(([1, 2, 3], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6, 7], [6, 7])),
            role=rng.choice(ROLES),
            practice=rng.choice(PRACTICES),
            region=rng.choice(REGIONS),
            target_ratio=rng.choice(("0.75", "0.8", None)),
        ),
        **({"employed_from": first.isoformat()} if rng.random() < 0.3 else {}),
        **({"employed_to": (first + timedelta(days=50)).isoformat()} if rng.random() < 0.2 else {}),
    )


def _leave(rng: Random, around: date, number: int) -> Event:
    names = {"leave_id": f"V-{rng.randint(1, 3)}", "resource_id": rng.choice(PEOPLE), "revision": rng.randint(1, 3)}
    if rng.random() < 0.2:
        return said("leave.cancelled", f"crew-{number}", **names)
    minutes = rng.choice((None, None, 100, 240, 1_440))
    more = {} if minutes is None else {"minutes_per_day": minutes}
    return said("leave.approved", f"crew-{number}", **names, **_span(rng, around), **more)


def _holiday(rng: Random, around: date, number: int) -> Event:
    names = {"holiday_id": f"H-{rng.randint(1, 3)}", "revision": rng.randint(1, 3)}
    if rng.random() < 0.2:
        return said("holiday.removed", f"crew-{number}", **names)
    region = rng.choice(REGIONS)
    on = _day(rng, around).isoformat()
    return said("holiday.set", f"crew-{number}", **names, date=on, **({"region": region} if region else {}))


def _regional(rng: Random, around: date, number: int) -> Event:
    names = {"policy_id": f"W-{rng.randint(1, 2)}", "revision": rng.randint(1, 3)}
    if rng.random() < 0.2:
        return said("policy.withdrawn", f"crew-{number}", **names)
    if rng.random() < 0.2:
        return said("policy.set", f"crew-{number}", **names, code="FORECAST_STALE", action="warning", days=30)
    return said(
        "policy.set",
        f"crew-{number}",
        **names,
        code="REGIONAL_RULE_BROKEN",
        action=rng.choice(("blocking", "blocking", "warning", "off")),
        weekly_minutes=rng.choice((1_000, 2_250)),
        **_some(rng, region=rng.choice(REGIONS), working_days=rng.choice(([1, 2, 3, 4, 5], None))),
    )


def _assignment(rng: Random, around: date, number: int) -> Event:
    name, revision = f"A-{rng.randint(1, 4)}", rng.randint(1, 4)
    if rng.random() < 0.15:
        return said("assignment.cancelled", f"crew-{number}", assignment_id=name, revision=revision)
    return said(
        rng.choice(("assignment.booked", "assignment.changed")),
        f"crew-{number}",
        assignment_id=name,
        revision=revision,
        resource_id=rng.choice(PEOPLE),
        contract_id=rng.choice(CONTRACTS),
        **_span(rng, around),
        **rng.choice(({"minutes_per_week": 1_200}, {"minutes_per_week": 1_000}, {"minutes_total": 4_801})),
        **_some(
            rng,
            booking=rng.choice(("hard", "soft", "proposed")),
            probability_ratio=rng.choice(("0.6", "0.333333", None)),
            billable=rng.choice((True, False)),
        ),
    )


def _demand(rng: Random, around: date, number: int) -> Event:
    name, revision = f"D-{rng.randint(1, 3)}", rng.randint(1, 4)
    if rng.random() < 0.3:
        kind = rng.choice(("demand.filled", "demand.cancelled"))
        return said(kind, f"crew-{number}", demand_id=name, revision=revision)
    return said(
        rng.choice(("demand.opened", "demand.changed")),
        f"crew-{number}",
        demand_id=name,
        revision=revision,
        role=rng.choice(ROLES[:2]),
        minutes_per_week=rng.choice((960, 1_001)),
        **_span(rng, around),
        **_some(rng, practice=rng.choice(PRACTICES), probability_ratio=rng.choice(("0.3", "0.25"))),
    )
