"""Weeks of people, and of the roles, practices and regions they are in: events.md, `utilization.week_updated`.

A week is summed day by day. A day belongs to the role, practice and region that the person held on it, so a change in
the middle of a week divides the week. What divides a group is a ratio of its sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from .entities import Fields
from .numbers import fixed, shortest
from .staff import HARD, PROPOSED, SOFT, Booking, Day, Entry, Person
from .weeks import Week, weeks_around

FIRM = "firm"
# To what a person's day belongs, by kind of subject.
_GROUPS: dict[str, Callable[[Person, Day], str | None]] = {
    "resource": lambda person, day: person.resource_id,
    "role": lambda person, day: day.role,
    "practice": lambda person, day: day.practice,
    "region": lambda person, day: day.region,
    "firm": lambda person, day: FIRM,
}
_SHOWN = (
    "capacity",
    "leave",
    "holiday",
    "planned",
    "planned_billable",
    "planned_net",
    "planned_net_billable",
    "soft",
    "soft_weighted",
    "proposed",
    "proposed_weighted",
    "actual",
    "actual_billable",
    "actual_credited",
    "actual_excluded",
    "submitted",
    "submitted_billable",
    "forecast",
    "forecast_billable",
    "bench",
)

Sums = dict[str, Fraction]
Key = tuple[str, str, str]
"""Kind of subject, its id, the name of the week."""


@dataclass(frozen=True)
class Cell:
    """A person's days of one week in one group: what they add up to, and the target held on the last that has one."""

    sums: Sums
    target: Fraction | None


def utilization_rows(staff: Sequence[Person], places: Sequence[Fields], as_of: date) -> dict[Key, dict[str, Any]]:
    """The payload of `utilization.week_updated` for everybody and every group, in every week around `as_of`.

    A group is there if anything ever said of a person's place (`places`) named it.
    """
    weeks = weeks_around(as_of)
    # Each day is summed once, whatever groups it belongs to.
    sums = {
        (person.resource_id, day): _day_sums(person, day, as_of)
        for person in staff
        for week in weeks
        for day in week.days
    }
    named = {
        "resource": {person.resource_id for person in staff},
        "firm": {FIRM} if staff else set(),
        **{kind: {one[kind] for one in places if one.get(kind)} for kind in ("role", "practice", "region")},
    }
    rows = {}
    for kind, group_of in _GROUPS.items():
        cells: dict[tuple[str, str], list[Cell]] = {}
        for person in staff:
            for week in weeks:
                for group, days in _divided(person, week, group_of).items():
                    cells.setdefault((group, week.name), []).append(_cell(person, days, sums))
        for group in sorted(named[kind]):
            for week in weeks:
                rows[kind, group, week.name] = _row(kind, group, week, cells.get((group, week.name), []), as_of)
    for person in staff:
        for week in weeks:
            rows["resource", person.resource_id, week.name]["data_age_days"] = person.age(as_of)
    return rows


def _divided(person: Person, week: Week, group_of: Callable[[Person, Day], str | None]) -> Mapping[str, Sequence[date]]:
    """The days of a week by the group the person was in."""
    divided: dict[str, list[date]] = {}
    for day in week.days:
        group = group_of(person, person.day(day))
        if group is not None:
            divided.setdefault(group, []).append(day)
    return divided


def _cell(person: Person, days: Sequence[date], day_sums: Mapping[tuple[str, date], Sums]) -> Cell:
    sums = _added(day_sums[person.resource_id, day] for day in days)
    # What is not booked of each one's capacity: that somebody else has too much makes nobody busy.
    sums["bench"] = max(Fraction(0), sums.get("capacity", Fraction(0)) - sums.get("forecast", Fraction(0)))
    targets = [person.day(day).target for day in days if person.day(day).target is not None]
    return Cell(sums, targets[-1] if targets else None)


def _day_sums(person: Person, day: date, as_of: date) -> Sums:
    """Everything that one day adds to its week."""
    calendar = person.day(day)
    sums = {"capacity": calendar.capacity, "leave": calendar.leave, "holiday": calendar.holiday}
    if calendar.target is not None:
        sums |= {"with_target": calendar.capacity, "targeted": calendar.capacity * calendar.target}
    booked = _added(_booked(person, booking, day) for booking in person.bookings)
    worked = _added(_worked(entry) for entry in person.entries if entry.day == day <= as_of)
    done, suffix = (worked, "actual") if day <= as_of else (booked, "planned_net")
    ahead = {
        "forecast": done.get(suffix, Fraction(0)),
        "forecast_billable": done.get(f"{suffix}_billable", Fraction(0)),
    }
    return _added([sums, booked, worked, ahead])


def _booked(person: Person, booking: Booking, day: date) -> Sums:
    """Hard bookings are planned, soft and proposed ones are shown apart, whole and weighted by their probability."""
    gross, net = person.gross(booking, day), person.net(booking, day)
    if booking.kind == HARD:
        sums = {"planned": gross, "planned_net": net}
        return sums | {f"{name}_billable": value for name, value in sums.items()} if booking.billable else sums
    assert booking.kind in {SOFT, PROPOSED}
    return {booking.kind: gross, f"{booking.kind}_weighted": gross * booking.probability}


def _worked(entry: Entry) -> Sums:
    """The classes of approved time: billable by its own flag, else credited for training, excluded for leave."""
    status = "actual" if entry.approved else "submitted"
    sums = {status: entry.minutes}
    if entry.billable:
        return sums | {f"{status}_billable": entry.minutes}
    classes = {"training": "credited", "leave": "excluded"}
    if entry.approved and entry.category in classes:
        sums[f"{status}_{classes[entry.category]}"] = entry.minutes
    return sums


def _added(parts: Iterable[Mapping[str, Fraction]]) -> Sums:
    total: Sums = {}
    for part in parts:
        for name, value in part.items():
            total[name] = total.get(name, Fraction(0)) + value
    return total


def _row(kind: str, group: str, week: Week, cells: Sequence[Cell], as_of: date) -> dict[str, Any]:
    sums = _added(cell.sums for cell in cells)

    def total(name: str) -> Fraction:
        return sums.get(name, Fraction(0))

    capacity = total("capacity")
    return {
        "subject": {"kind": kind, "id": group},
        "week": week.name,
        "as_of": as_of.isoformat(),
        **{f"{name}_minutes": shortest(total(name), 2) for name in _SHOWN},
        "utilization_ratio": _ratio(total("forecast_billable"), capacity),
        "allocation_ratio": _ratio(total("planned"), capacity),
        "expected_ratio": _ratio(total("planned") + total("soft_weighted") + total("proposed_weighted"), capacity),
        "maximum_ratio": _ratio(total("planned") + total("soft") + total("proposed"), capacity),
        "target_ratio": _target(kind, cells, total("targeted"), total("with_target")),
        "overallocated": total("planned") > capacity,
    }


def _ratio(part: Fraction, whole: Fraction) -> str | None:
    return None if whole == 0 else fixed(part / whole, 4)


def _target(kind: str, cells: Sequence[Cell], targeted: Fraction, with_target: Fraction) -> str | None:
    """Weighted by capacity. A person away all week has a target still; a group of nobody has none."""
    if with_target:
        return fixed(targeted / with_target, 4)
    if kind != "resource" or not cells or cells[0].target is None:
        return None
    return fixed(cells[0].target, 4)
