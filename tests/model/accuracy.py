"""How forecasts of weeks turned out: docs/accuracy.md, read slowly.

What was forecast is what the whole model says of the facts that were known when the week was turned; it is asked anew
for every turn. What was done is what it says now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from .demand import Demand, demand_of
from .entities import Entity, Event, gather, known_since
from .numbers import fixed, shortest
from .staff import HARD, PROPOSED, SOFT, Day, Person, people, places
from .weeks import Week, weeks_around

AHEAD = (1, 2, 4, 8)
UNNAMED, ALL = "unnamed", "all"
KINDS = (HARD, SOFT, PROPOSED, UNNAMED)

Subject = tuple[str, str]


@dataclass
class Sums:
    """One forecast of a week of a subject: minutes by kind, and each (kind, probability, whether it came true)."""

    booked: dict[str, Fraction] = field(default_factory=dict)
    promised: dict[str, Fraction] = field(default_factory=dict)
    done: dict[str, Fraction] = field(default_factory=dict)
    outcomes: list[tuple[str, Fraction, bool]] = field(default_factory=list)


@dataclass(frozen=True)
class Known:
    """What a turn knew."""

    on: date
    entities: list[Entity]
    staff: list[Person]


def turn(monday: date, events: Sequence[Event]) -> tuple[datetime, date] | None:
    """The moment at which a week was turned, and the day of the tick; None if the week after was there first."""
    ticks = [(known_since(one), date.fromisoformat(one["data"]["on"])) for one in events if "clock" in one["type"]]
    came = min((tick for tick in ticks if tick[1] >= monday), default=None)
    return came if came is not None and (came[1] - monday).days < 7 else None


def accuracy_rows(
    events: Sequence[Event], as_of: date, known: Callable[[datetime], list[Event]]
) -> tuple[dict[tuple[str, str, str], dict[str, Any]], dict[Subject, dict[str, Any]]]:
    """The payloads of `forecast.scored` and `forecast.accuracy_updated`; `known` gives what was known at a moment."""
    entities = gather(events)
    staff = people(entities)
    this = as_of - timedelta(days=as_of.weekday())
    weeks = [week for week in weeks_around(as_of) if week.monday.toordinal() <= this.toordinal() + 49]
    turns: dict[int, Known] = {}
    for begun in {_begun(week, ahead) for week in weeks for ahead in AHEAD}:
        if 1 <= begun <= this.toordinal() and (came := turn(date.fromordinal(begun), events)) is not None:
            then = gather(known(came[0]))
            turns[begun] = Known(came[1], then, people(then))
    scored: dict[tuple[str, str, str], dict[str, Any]] = {}
    records: dict[Subject, dict[str, Any]] = {}
    for subject in _subjects(entities):
        over: dict[int, list[Sums]] = {ahead: [] for ahead in AHEAD}
        for week in weeks:
            forecasts = []
            for ahead in AHEAD:
                then_known = turns.get(_begun(week, ahead))
                if then_known is None:
                    continue
                sums = _sums(subject, week, then_known, staff, entities, over=week.monday < this)
                if week.monday < this:
                    over[ahead].append(sums)
                kinds = [_shown(kind, sums, over=week.monday < this) for kind in (*KINDS, ALL)]
                forecasts.append({"weeks_ahead": ahead, "frozen_on": then_known.on.isoformat(), "kinds": kinds})
            scored[(*subject, week.name)] = {
                "subject": {"kind": subject[0], "id": subject[1]},
                "week": week.name,
                "as_of": as_of.isoformat(),
                "over": week.monday < this,
                "forecasts": forecasts,
            }
        records[subject] = {
            "subject": {"kind": subject[0], "id": subject[1]},
            "as_of": as_of.isoformat(),
            "forecasts": [
                {
                    "weeks_ahead": ahead,
                    "weeks": len(over[ahead]),
                    "kinds": [_record(kind, over[ahead]) for kind in (*KINDS, ALL)],
                }
                for ahead in AHEAD
            ],
        }
    return scored, records


def _begun(week: Week, ahead: int) -> int:
    """The Monday of the week whose turn froze this forecast."""
    return week.monday.toordinal() - 7 * (ahead - 1)


def _subjects(entities: Sequence[Entity]) -> set[Subject]:
    """Every role, practice and region that anybody was ever said to be in or that demand looked in, and the firm."""
    found: set[Subject] = set()
    for said in places(entities):
        found |= {(kind, said[kind]) for kind in ("role", "practice", "region") if said.get(kind) is not None}
    for entity in entities:
        if entity.kind == "demand" and any(
            one["data"].get("from") and one["data"].get("to") for one in entity.messages
        ):
            for message in entity.messages:
                found |= {(kind, message["data"][kind]) for kind in ("role", "practice") if message["data"].get(kind)}
    return found | ({("firm", "")} if people(entities) or any(kind == "role" for kind, _ in found) else set())


def _within(subject: Subject, day: Day) -> bool:
    return subject[0] == "firm" or getattr(day, subject[0]) == subject[1]


def _sums(
    subject: Subject, week: Week, then: Known, staff: Sequence[Person], entities: Sequence[Entity], *, over: bool
) -> Sums:
    sums = Sums()
    before = {person.resource_id: person for person in then.staff}
    for person in then.staff:
        for booking in person.bookings:
            likely = Fraction(1) if booking.kind == HARD else booking.probability
            for day in week.days:
                if _within(subject, person.day(day)):
                    _add(sums.booked, booking.kind, person.net(booking, day))
                    _add(sums.promised, booking.kind, person.net(booking, day) * likely)
    for demand in _looking(subject, then.entities).values():
        asked = sum((demand.on(day) for day in week.days), Fraction(0))
        _add(sums.booked, UNNAMED, asked)
        _add(sums.promised, UNNAMED, asked * demand.probability)
    if not over:
        return sums
    now = {person.resource_id: person for person in staff}
    for name, person in before.items():
        for booking in person.bookings:
            planned = [day for day in week.days if person.net(booking, day)]
            if planned and _within(subject, person.day(planned[0])):
                worked = sum((one.minutes for one in _approved(now.get(name), week, booking.contract_id)), Fraction(0))
                likely = Fraction(1) if booking.kind == HARD else booking.probability
                sums.outcomes.append((booking.kind, likely, worked > 0))
    filled = {entity.id for entity in entities if entity.kind == "demand" and entity.state == "filled"}
    for name, demand in _looking(subject, then.entities).items():
        if any(demand.on(day) for day in week.days):
            sums.outcomes.append((UNNAMED, demand.probability, name in filled))
    for person in staff:
        for contract_id in {one.contract_id for one in _approved(person, week)}:
            for run in _runs(person, week):
                if _within(subject, person.day(run[0])):
                    minutes = [one.minutes for one in _approved(person, week, contract_id) if one.day in run]
                    if minutes:
                        _split(sums, sum(minutes, Fraction(0)), before.get(person.resource_id), contract_id, week, run)
    return sums


def _split(
    sums: Sums, minutes: Fraction, before: Person | None, contract_id: str | None, week: Week, run: Sequence[date]
) -> None:
    """Give a person's time on a contract to what was booked there, firmest first; the rest to the firmest of all."""
    booked = {
        kind: [one for one in (before.bookings if before else []) if (one.contract_id, one.kind) == (contract_id, kind)]
        for kind in (HARD, SOFT, PROPOSED)
    }
    held = [
        kind for kind in booked if before and any(before.net(one, day) for one in booked[kind] for day in week.days)
    ]
    if not held:
        _add(sums.done, UNNAMED, minutes)
        return
    left = minutes
    for kind in held:
        room = (
            sum((before.net(one, day) for one in booked[kind] for day in run), Fraction(0)) if before else Fraction(0)
        )
        taken = min(max(left, Fraction(0)), room)
        _add(sums.done, kind, taken)
        left -= taken
    _add(sums.done, held[0], left)


def _runs(person: Person, week: Week) -> list[list[date]]:
    """The days of a week, cut where the person's place changes."""
    runs: list[list[date]] = []
    for day in week.days:
        here, last = person.day(day), person.day(runs[-1][-1]) if runs else None
        if last is not None and (here.role, here.practice, here.region) == (last.role, last.practice, last.region):
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs


def _approved(person: Person | None, week: Week, contract_id: str | None = "*") -> list[Any]:
    entries = [one for one in (person.entries if person else []) if one.approved and one.day in week.days]
    return [one for one in entries if contract_id in ("*", one.contract_id)]


def _looking(subject: Subject, entities: Sequence[Entity]) -> dict[str, Demand]:
    """Open demand that looks in a role or a practice; in the firm, all of it; nobody looks in a region."""
    open_ = {
        entity.id: demand_of(entity)
        for entity in entities
        if entity.kind == "demand" and entity.state in {"opened", "changed"}
    }
    kind, name = subject
    if kind == "firm":
        return open_
    return {} if kind == "region" else {id_: one for id_, one in open_.items() if getattr(one, kind) == name}


def _add(into: dict[str, Fraction], kind: str, minutes: Fraction) -> None:
    into[kind] = into.get(kind, Fraction(0)) + minutes


def _of(sums: dict[str, Fraction], kind: str) -> Fraction:
    return sum(sums.values(), Fraction(0)) if kind == ALL else sums.get(kind, Fraction(0))


def _shown(kind: str, sums: Sums, *, over: bool) -> dict[str, Any]:
    promised, done = _of(sums.promised, kind), _of(sums.done, kind)
    return {
        "booking": kind,
        "booked_minutes": shortest(_of(sums.booked, kind), 2),
        "forecast_minutes": shortest(promised, 2),
        "actual_minutes": shortest(done, 2) if over else None,
        "error_minutes": shortest(done - promised, 2) if over else None,
    }


def _record(kind: str, weeks: Sequence[Sums]) -> dict[str, Any]:
    promised = sum((_of(one.promised, kind) for one in weeks), Fraction(0))
    done = sum((_of(one.done, kind) for one in weeks), Fraction(0))
    missed = sum((abs(_of(one.done, kind) - _of(one.promised, kind)) for one in weeks), Fraction(0))
    outcomes = [(p, true) for one in weeks for its, p, true in one.outcomes if kind in (its, ALL)]
    return {
        "booking": kind,
        "forecast_minutes": shortest(promised, 2),
        "actual_minutes": shortest(done, 2),
        "error_minutes": shortest(done - promised, 2),
        "absolute_error_minutes": shortest(missed, 2),
        "bias_ratio": _ratio(done - promised, promised),
        "absolute_error_ratio": _ratio(missed, done),
        "count": len(outcomes),
        "came_true": sum(true for _, true in outcomes),
        "brier_score": _ratio(sum(((p - true) ** 2 for p, true in outcomes), Fraction(0)), Fraction(len(outcomes))),
        "calibration": list(_bins(outcomes)),
    }


def _bins(outcomes: Sequence[tuple[Fraction, bool]]) -> Iterable[dict[str, Any]]:
    for low in (Fraction(n, 10) for n in range(10)):
        high = low + Fraction(1, 10)
        its = [(p, true) for p, true in outcomes if low <= p < high or p == high == 1]
        if its:
            yield {
                "from_ratio": fixed(low, 4),
                "to_ratio": fixed(high, 4),
                "count": len(its),
                "came_true": sum(true for _, true in its),
                "expected_ratio": _ratio(sum((p for p, _ in its), Fraction(0)), Fraction(len(its))),
                "came_true_ratio": _ratio(Fraction(sum(true for _, true in its)), Fraction(len(its))),
            }


def _ratio(part: Fraction, whole: Fraction) -> str | None:
    return None if whole <= 0 else fixed(part / whole, 4)
