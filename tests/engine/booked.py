"""What a resource agent would tell contracts of bookings, made by hand from the model's reading of the same events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from random import Random
from typing import Any

from agents.effects import ENGAGEMENTS
from app.domain.booked import Run
from app.engine.memory import MemoryHost
from app.engine.runner import finish
from app.engine.topology import partition_of
from app.events.plan import Plan
from tests.model.booked import Booking, bookings
from tests.model.entities import gather

Event = dict[str, Any]

_PEOPLE = ("P-1", "P-2", "P-3")
_LINES = (None, "L-1", "L-2", "L-9")


def plan(booking: Booking, number: int, runs: Sequence[Run] | None = None, contract_id: str | None = None) -> Plan:
    """The booking as it is told to its contract, or to another that it left (`runs` empty then)."""
    return Plan(
        assignment_id=booking.assignment_id,
        resource_id=booking.resource_id,
        contract_id=contract_id or booking.contract_id,
        number=number,
        role=booking.role,
        line_id=booking.line_id,
        billable=booking.billable,
        booking=booking.booking,
        probability=int(booking.probability * 1_000_000),
        runs=list(runs_of(booking.net) if runs is None else runs),
        time=1_700_000_000_000_000 + number,
        source="/psa",
        id=f"{booking.assignment_id}-{number}",
        correlation=None,
    )


def runs_of(net: dict[date, Fraction]) -> list[Run]:
    """Days of the same length in a row are one run, and so are weeks that go on in the same way."""
    runs: list[Run] = []
    for day, minutes in sorted(net.items()):
        number, bit = day.toordinal(), 1 << day.weekday()
        amount = (minutes.numerator, minutes.denominator)
        last = runs[-1] if runs else None
        if last is not None and (last.minutes, last.per) == amount:
            within = number == last.last + 1 and number - last.first < 7
            again = last.first + 7 <= number and last.weekdays & bit and _follows(last, number)
            if within or again:
                runs[-1] = Run(last.first, number, last.weekdays | bit, *amount)
                continue
        runs.append(Run(number, number, bit, *amount))
    return runs


def _follows(run: Run, day: int) -> bool:
    """Whether no day that the run plans lies between its end and `day`."""
    return all(not run.weekdays >> ((one - 1) % 7) & 1 for one in range(run.last + 1, day))


def staffing(rng: Random, days: Sequence[date], contracts: Sequence[str], size: int) -> list[Event]:
    """People with calendars that change, leave, holidays and bookings that move, in the order things would happen."""
    events: list[Event] = []
    revisions: dict[str, int] = {}

    def say(kind: str, entity: str, data: dict[str, Any]) -> None:
        revisions[entity] = revisions.get(entity, 0) + 1
        at = f"2026-01-{len(events) // 1440 + 1:02}T{len(events) // 60 % 24:02}:{len(events) % 60:02}:00Z"
        data = {**data, "revision": revisions[entity]}
        events.append(
            {
                "specversion": "1.0",
                "source": "/psa",
                "id": f"s-{len(events)}",
                "type": f"{kind}.v1",
                "time": at,
                "data": data,
            }
        )

    def span() -> dict[str, str]:
        first, second = sorted((rng.choice(days), rng.choice(days)))
        return {"from": first.isoformat(), "to": second.isoformat()}

    def person() -> None:
        who = rng.choice(_PEOPLE)
        data: dict[str, Any] = {
            "resource_id": who,
            "effective_from": rng.choice((days[0] - timedelta(days=99), rng.choice(days))).isoformat(),
            "weekly_minutes": rng.choice((2400, 2000, 1000, 2400, 0)),
        }
        if rng.random() < 0.4:
            data["working_days"] = rng.choice(([1, 2, 3], [1, 2, 3, 4, 5], [2, 4, 6, 7], [1, 2, 3, 4, 5, 6, 7]))
        if rng.random() < 0.3:
            data["region"] = rng.choice(("north", "south"))
        if rng.random() < 0.2:
            data["employed_to"] = rng.choice(days).isoformat()
        say("resource.upserted", who, data)

    def leave() -> None:
        name = f"V-{rng.randint(1, 6)}"
        data: dict[str, Any] = {"leave_id": name, "resource_id": _PEOPLE[int(name[-1]) % 3], **span()}
        if rng.random() < 0.5:
            data["minutes_per_day"] = rng.choice((60, 240, 480))
        say(rng.choice(("leave.approved", "leave.approved", "leave.cancelled")), name, data)

    def holiday() -> None:
        name = f"H-{rng.randint(1, 4)}"
        data: dict[str, Any] = {"holiday_id": name, "date": rng.choice(days).isoformat()}
        if rng.random() < 0.5:
            data["region"] = rng.choice(("north", "south"))
        say(rng.choice(("holiday.set", "holiday.set", "holiday.removed")), name, data)

    def assignment() -> None:
        name = f"A-{rng.randint(1, 8)}"
        data: dict[str, Any] = {
            "assignment_id": name,
            "resource_id": rng.choice(_PEOPLE),
            "contract_id": rng.choice(contracts),
            **span(),
        }
        data[rng.choice(("minutes_per_week", "minutes_per_week", "minutes_total"))] = rng.choice(
            (2400, 1000, 700, 5000)
        )
        data["line_id"] = rng.choice(_LINES)
        data["role"] = rng.choice((None, "engineer", "architect"))
        data["booking"] = rng.choice(("hard", "hard", "hard", "soft", "proposed", None))
        if rng.random() < 0.3:
            data["probability_ratio"] = "0.333333"
        if rng.random() < 0.2:
            data["billable"] = False
        say(
            rng.choice(("assignment.booked", "assignment.changed", "assignment.changed", "assignment.cancelled")),
            name,
            {key: value for key, value in data.items() if value is not None},
        )

    for who in _PEOPLE:
        revisions[who] = 1
        opening = {"resource_id": who, "effective_from": "2019-01-01", "weekly_minutes": 2400, "revision": 1}
        events.append(
            {
                "specversion": "1.0",
                "source": "/hr",
                "id": f"open-{who}",
                "type": "resource.upserted.v1",
                "data": opening,
                "time": "2025-01-01T00:00:00Z",
            }
        )
    while len(events) < size:
        rng.choice((assignment, assignment, assignment, person, leave, leave, holiday))()
    return events


def told(rng: Random, people: Sequence[Event], events: Sequence[Event]) -> list[Plan]:
    """What contracts are told of the bookings in `people`: all that ever held, in any order, and some of it twice.

    `events` are all there are: others may know of holidays, too.
    """
    entities = gather([*people, *events])
    standing = {(one.assignment_id, one.contract_id, one.resource_id): one for one in bookings(entities)}
    plans: list[Plan] = []
    for entity in entities:
        if entity.kind != "assignment":
            continue
        for contract_id in sorted({one["data"]["contract_id"] for one in entity.messages}):
            for resource_id in sorted({one["data"]["resource_id"] for one in entity.messages}):
                held = standing.get((entity.id, contract_id, resource_id))
                gone = Booking(entity.id, resource_id, contract_id, None, None, True, "hard", Fraction(1), {})
                plans.append(plan(held or gone, 100))
                for number in range(rng.randint(0, 3)):
                    old = rng.choice((gone, *standing.values()))
                    runs = runs_of(old.net)
                    plans.append(plan(gone, number, runs))
    plans += rng.sample(plans, len(plans) // 3)
    rng.shuffle(plans)
    return plans


def tell(host: MemoryHost, plans: Sequence[Plan]) -> None:
    """Append to the journals of the contracts, and let the agents work it off."""
    for one in plans:
        host.receive(ENGAGEMENTS, partition_of(one.contract_id, host.partitions), [one])
    finish(host.drain())
