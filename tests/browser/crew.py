"""The people of the made-up firm: weeks as the API tells them, from a seed, with sums that add up."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

WEEK_MINUTES = 2400
TARGET = "0.7500"
ROLES = ("Partner", "Senior", "Consultant", "Analyst")
PRACTICES = ("Data", "Operations")


def week_name(monday: date) -> str:
    year, number, _ = monday.isocalendar()
    return f"{year}-W{number:02d}"


def mondays(first: str | None, count: int, as_of: date) -> list[date]:
    """The Mondays of the weeks that are asked for; 8 behind as-of and 26 ahead of it by default."""
    now = as_of - timedelta(days=as_of.weekday())
    start = now - timedelta(weeks=8) if first is None else date.fromisocalendar(int(first[:4]), int(first[6:]), 1)
    return [start + timedelta(weeks=n) for n in range(count)]


@dataclass(frozen=True)
class Person:
    """Somebody with a booking; what is not booked of a week is free."""

    resource_id: str
    role: str
    practice: str


class Crew:
    """`people` by id; `rebook` changes what a week comes to, as a new booking would."""

    def __init__(self, as_of: date, people: int = 40, seed: int = 7) -> None:
        self.as_of, self.version = as_of, 900
        self.people = [
            Person(f"R-{number:03d}", ROLES[number % len(ROLES)], PRACTICES[number % len(PRACTICES)])
            for number in range(1, people + 1)
        ]
        self._seed = seed
        self._booked: dict[tuple[str, date], int] = {}

    def rebook(self, resource_id: str, week: str, minutes: int) -> Json:
        """Book `minutes` in this week, and say what it comes to now."""
        self.version += 1
        [monday] = mondays(week, 1, self.as_of)
        self._booked[resource_id, monday] = minutes
        return self.week(next(one for one in self.people if one.resource_id == resource_id), monday)

    def booked(self, person: Person, monday: date) -> int:
        drawn = Random(f"{self._seed}/{person.resource_id}/{monday}").choice(
            (0, 600, 1200, 1800, 1920, 2400, 2400, 2700)
        )
        return self._booked.get((person.resource_id, monday), drawn)

    def week(self, person: Person, monday: date) -> Json:
        """One week. By hand: 1800 of 2400 minutes are 0.7500, 600 are free."""
        booked, soft = self.booked(person, monday), 480 if monday.day % 3 == 0 else 0
        past = monday + timedelta(days=6) <= self.as_of
        capacity = 0 if person.resource_id == "R-005" else WEEK_MINUTES
        return self._row("resource", person.resource_id, monday) | figures(capacity, booked, soft, past, 2400)

    def _row(self, kind: str, name: str, monday: date) -> Json:
        return {
            "subject": {"kind": kind, "id": name},
            "week": week_name(monday),
            "as_of": self.as_of.isoformat(),
            "target_ratio": TARGET if name != "R-002" else None,
            "state_version": self.version,
        }

    def scored(self, kind: str, ahead: int) -> list[Json]:
        """How forecasts of three weeks were: 40 hours promised in each; 36, 42 and 39 done."""
        now = self.as_of - timedelta(days=self.as_of.weekday())
        weeks = []
        for back, done in ((3, 2160), (2, 2520), (1, 2340)):
            kinds = [_scored("hard", 2400, done), _scored("all", 2400, done)]
            forecast = {"weeks_ahead": ahead, "frozen_on": "2026-11-02", "kinds": kinds}
            weeks.append({"week": week_name(now - timedelta(weeks=back)), "over": True, "forecasts": [forecast]})
        record = {
            "forecast_minutes": 7200,
            "actual_minutes": 7020,
            "error_minutes": -180,
            "absolute_error_minutes": 420,
            "bias_ratio": "-0.0250",
            "absolute_error_ratio": "0.0598",
            "count": 3,
            "came_true": 3,
            "brier_score": "0.0000",
            "calibration": [],
        }
        names = {"firm": ["firm"], "role": list(ROLES), "practice": list(PRACTICES)}[kind]
        its = [{"booking": name, **record} for name in ("hard", "all")]
        weeks = weeks if ahead < 8 else []
        return [
            {"id": name, "record": [{"weeks_ahead": ahead, "weeks": len(weeks), "kinds": its}], "weeks": weeks}
            for name in names
        ]

    def row(self, person: Person, weeks: list[date]) -> Json:
        return {
            "resource_id": person.resource_id,
            "role": person.role,
            "practice": person.practice,
            "region": None,
            "weeks": [self.week(person, monday) for monday in weeks],
        }

    def group(self, kind: str, name: str, weeks: list[date]) -> Json:
        """A role or practice: ratios of its people's sums."""
        mine = [one for one in self.people if getattr(one, kind) == name]
        rows = []
        for monday in weeks:
            its = [self.week(one, monday) for one in mine]
            total = {key: sum(row[key] for row in its) for key in its[0] if key.endswith("_minutes")}
            rows.append(
                self._row(kind, name, monday)
                | total
                | ratios(total["forecast_billable_minutes"], total["planned_minutes"], total["capacity_minutes"])
            )
        return {"id": name, "weeks": rows}

    def cell(self, person: Person, monday: date) -> Json:
        """What the week is made of: one booking, and an entry on Monday if it is over."""
        row = self.week(person, monday)
        days = [
            {
                "on": (monday + timedelta(days=n)).isoformat(),
                "gross_minutes": 480 if n < 5 else 0,
                "holiday_minutes": 0,
                "leave_minutes": 0,
                "capacity_minutes": 480 if n < 5 else 0,
                "actual_minutes": row["actual_minutes"] if n == 0 else 0,
            }
            for n in range(7)
        ]
        booking = {
            "assignment_id": "A-1",
            "contract_id": "C-0003",
            "booking": "hard",
            "probability_ratio": "1.0000",
            "billable": True,
            "from": monday.isoformat(),
            "to": (monday + timedelta(days=27)).isoformat(),
            "minutes_per_week": row["planned_minutes"],
            "minutes_total": None,
            "gross_minutes": row["planned_minutes"],
            "net_minutes": row["planned_net_minutes"],
        }
        entry = {
            "entry_id": "C-0003-T-1",
            "work_date": monday.isoformat(),
            "minutes": row["actual_minutes"],
            "status": "approved",
            "class": "billable",
            "counts": True,
            "contract_id": "C-0003",
            "source": "/psa/emea",
            "event_id": "C-0003-T-1",
        }
        return row | {
            "resource_id": person.resource_id,
            "days": days,
            "bookings": [booking],
            "leave": [],
            "entries": [entry] if row["actual_minutes"] else [],
            "known_at": None,
        }


def figures(capacity: int, booked: int, soft: int, past: bool, most: int) -> Json:
    """A week with everything booked done once it is over, but for what no week can hold."""
    done = min(booked, most)
    return {
        "capacity_minutes": capacity,
        "leave_minutes": 0,
        "holiday_minutes": 0,
        "planned_minutes": booked,
        "planned_billable_minutes": booked,
        "planned_net_minutes": done,
        "planned_net_billable_minutes": done,
        "soft_minutes": soft,
        "soft_weighted_minutes": soft // 2,
        "proposed_minutes": 0,
        "actual_minutes": done if past else 0,
        "actual_billable_minutes": done if past else 0,
        "submitted_minutes": 0,
        "forecast_minutes": done,
        "forecast_billable_minutes": done,
        "bench_minutes": max(0, capacity - done),
    } | ratios(done, booked, capacity)


def ratios(billable: int, planned: int, capacity: int) -> Json:
    def ratio(part: int) -> str | None:
        return str((Decimal(part) / capacity).quantize(Decimal("0.0001"), ROUND_HALF_UP)) if capacity else None

    return {
        "utilization_ratio": ratio(billable),
        "allocation_ratio": ratio(planned),
        "overallocated": planned > capacity,
    }


def _scored(kind: str, promised: int, done: int) -> Json:
    return {
        "booking": kind,
        "booked_minutes": promised,
        "forecast_minutes": promised,
        "actual_minutes": done,
        "error_minutes": done - promised,
    }
