"""When a budget may run out, future by future: docs/forecast.md, "By chance"."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from typing import Any

from .burn import Gauge
from .dossier import Dossier, Planned
from .numbers import fixed, half_away

_FUTURES = 200
_BEHIND = 13
_AHEAD = 52
_LEAST = 4
_KINDS = ("minutes", "amount")


@dataclass(frozen=True)
class Past:
    """A week that is over: minutes planned (to hundredths, rounded down), and what was used of each dimension."""

    planned: Fraction
    used: dict[str, Fraction]


def futures(dossier: Dossier) -> tuple[dict[str, str | None], dict[str, Any] | None]:
    """`p50_on`, `p80_on` and `p90_on`, and what the basis says of them."""
    names = ("p50_on", "p80_on", "p90_on")
    billable = [entry for entry in dossier.entries if entry.approved and entry.billable]
    gauges = {kind: Gauge(dossier, None, kind, billable) for kind in _KINDS}
    gauges = {kind: gauge for kind, gauge in gauges.items() if gauge.measurable}
    ended = [gauge.exhausted_on() for gauge in gauges.values() if (gauge.remaining or 0) <= 0]
    if ended or not gauges or dossier.status in {"closed", "cancelled"}:
        day = min((one for one in ended if one is not None), default=None)
        return dict.fromkeys(names, day.isoformat() if day else None), None
    left = {kind: gauge.remaining or Fraction(0) for kind, gauge in gauges.items()}
    booked = [one for one in dossier.planned if one.charged and one.kind in ("hard", "soft") and one.minutes > 0]
    if any(one.day > dossier.as_of for one in booked):
        method, weeks, ends = _by_plan(dossier, left, booked)
    else:
        method, weeks, ends = _by_habit(dossier, left)
        if weeks < _LEAST:
            return dict.fromkeys(names), None
    ends = sorted(ends, key=lambda end: end or math.inf)
    found = [ends[math.ceil(_FUTURES * chance / 100) - 1] for chance in (50, 80, 90)]
    days = [None if day is None else date.fromordinal(day).isoformat() for day in found]
    basis = {
        "method": method,
        "runs": _FUTURES,
        "seed": number_of(dossier.contract_id),
        "weeks": weeks,
        "reached_ratio": fixed(Fraction(sum(end is not None for end in ends), _FUTURES), 4),
    }
    return dict(zip(names, days, strict=True)), basis


def _by_plan(
    dossier: Dossier, left: dict[str, Fraction], booked: Sequence[Planned]
) -> tuple[str, int, list[int | None]]:
    """Each week what is booked for it times what became of a plan once."""
    past = [week for week in _past(dossier) if week.planned > 0]
    if len(past) < _LEAST:
        past = []
    ratios = [half_away(max(week.used["minutes"], Fraction(0)) / week.planned, 6) for week in past]
    places = _places([week.planned for week in past])
    ahead = [one for one in booked if one.day > dossier.as_of]
    seed = number_of(dossier.contract_id)
    chances = {one.assignment_id: one.probability for one in ahead if one.kind == "soft"}
    plans: dict[frozenset[str], dict[int, list[Due]]] = {}
    ends = []
    for future in range(_FUTURES):
        landed = frozenset(
            name for name, chance in chances.items() if Fraction(2 * _order(number_of(name))[future] + 1, 400) < chance
        )
        if landed not in plans:
            mine = [one for one in ahead if one.kind == "hard" or one.assignment_id in landed]
            plans[landed] = _weekly(mine, left, _last(dossier.as_of))
        rates = {week: ratios[places[_order(seed + week)[future]]] if ratios else Fraction(1) for week in plans[landed]}
        drawn = {week: dict.fromkeys(left, rate) for week, rate in rates.items()}
        ends.append(_end(left, plans[landed], drawn))
    return "booked", len(past), ends


Due = tuple[int, dict[str, Fraction]]
"""A day, and what is planned of each dimension from its week's beginning up to it."""


def _end(left: dict[str, Fraction], weeks: dict[int, list[Due]], drawn: dict[int, dict[str, Fraction]]) -> int | None:
    """The first day by which a dimension is used up, with a rate for each week and dimension."""
    used = dict.fromkeys(left, Fraction(0))
    for week in sorted(weeks):
        rates = drawn[week]
        whole = {kind: used[kind] + weeks[week][-1][1][kind] * rates[kind] for kind in left}
        if any(whole[kind] >= left[kind] for kind in left):
            for day, planned in weeks[week]:
                if any(used[kind] + planned[kind] * rates[kind] >= left[kind] for kind in left):
                    return day
        used = whole
    return None


def _weekly(booked: Sequence[Planned], left: Iterable[str], last: int) -> dict[int, list[Due]]:
    """What is planned up to the day `last`, by week."""
    streams = {kind: _rounded(booked, kind) for kind in left}
    weeks: dict[int, list[Due]] = {}
    for day in sorted({one.day.toordinal() for one in booked}):
        if day <= last:
            before = weeks.setdefault(_week(day), [])
            so_far = before[-1][1] if before else dict.fromkeys(streams, Fraction(0))
            before.append((day, {kind: so_far[kind] + streams[kind].get(day, Fraction(0)) for kind in streams}))
    return weeks


def _rounded(booked: Sequence[Planned], kind: str) -> dict[int, Fraction]:
    """What is planned for each day. Hard bookings together, and each soft one, are rounded down from as-of on: minutes
    to hundredths, amounts to millionths."""
    step = 100 if kind == "minutes" else 1_000_000
    found: dict[int, Fraction] = {}
    for stream in {one.assignment_id if one.kind == "soft" else None for one in booked}:
        mine = [one for one in booked if (one.assignment_id if one.kind == "soft" else None) == stream]
        total = shown = Fraction(0)
        for one in sorted(mine, key=lambda one: one.day):
            total += one.minutes if kind == "minutes" else one.amount or Fraction(0)
            now = Fraction(math.floor(total * step), step)
            found[one.day.toordinal()] = found.get(one.day.toordinal(), Fraction(0)) + now - shown
            shown = now
    return found


def _by_habit(dossier: Dossier, left: dict[str, Fraction]) -> tuple[str, int, list[int | None]]:
    """Each week what was used in one of the last, a fifth a day from Monday to Friday."""
    past = _past(dossier)
    if not any(any(week.used.values()) for week in past[-_LEAST:]):
        return "trailing", 0, []
    while not any(past[0].used.values()):
        past = past[1:]
    if len(past) < _LEAST:
        return "trailing", len(past), []
    places = _places([Fraction(1)] * len(past))
    fifth = [{kind: max(week.used[kind], Fraction(0)) / 5 for kind in left} for week in past]
    seed = number_of(dossier.contract_id)
    weeks: dict[int, list[Due]] = {}
    for day in range(dossier.as_of.toordinal() + 1, _last(dossier.as_of) + 1):
        if (day - 1) % 7 < 5:
            days = weeks.setdefault(_week(day), [])
            days.append((day, dict.fromkeys(left, Fraction(len(days) + 1))))
    ends = []
    for future in range(_FUTURES):
        drawn = {week: fifth[places[_order(seed + week)[future]]] for week in weeks}
        ends.append(_end(left, weeks, drawn))
    return "trailing", len(past), ends


def _past(dossier: Dossier) -> list[Past]:
    """The thirteen weeks before the one that as-of is in."""
    monday = _monday(dossier.as_of)
    weeks = []
    for first in range(monday - 7 * _BEHIND, monday, 7):
        if first < 1:
            continue
        entries = [
            one
            for one in dossier.entries
            if one.approved and one.billable and first <= one.day.toordinal() <= first + 6
        ]
        planned = [
            one
            for one in dossier.planned
            if one.charged and one.kind == "hard" and first <= one.day.toordinal() <= first + 6
        ]
        minutes = sum((one.minutes for one in planned), Fraction(0))
        used = {
            "minutes": sum((Fraction(one.billable_minutes) for one in entries), Fraction(0)),
            "amount": sum((one.amount or Fraction(0) for one in entries), Fraction(0)),
        }
        weeks.append(Past(Fraction(math.floor(minutes * 100), 100), used))
    return weeks


def _monday(day: date) -> int:
    return day.toordinal() - day.weekday()


def _last(as_of: date) -> int:
    return min(_monday(as_of) + 6 + 7 * _AHEAD, date.max.toordinal() // 7 * 7)


def _week(day: int) -> int:
    """Weeks are numbered from the one that begins on 0001-01-01, a Monday."""
    return (day + 6) // 7


def _places(weights: Sequence[Fraction]) -> list[int]:
    """Which week stands at each of 200 places: as many places to each as its share of all weights, by their middles."""
    if not weights:
        return []
    total = sum(weights)
    found = []
    for place in range(_FUTURES):
        middle = Fraction(2 * place + 1, 2 * _FUTURES) * total
        found.append(next(i for i in range(len(weights)) if sum(weights[: i + 1]) > middle))
    return found


def number_of(name: str) -> int:
    """The first four bytes of the SHA-256 of an id."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)


def _order(number: int) -> tuple[int, ...]:
    return _shuffled(number % 1024)


@cache
def _shuffled(number: int) -> tuple[int, ...]:
    """0 to 199, shuffled by Fisher and Yates: from the last place down, swapped with one up to it."""
    places = list(range(_FUTURES))
    dice = _dice(number)
    for last in reversed(range(1, _FUTURES)):
        other = next(dice) % (last + 1)
        places[last], places[other] = places[other], places[last]
    return tuple(places)


def _dice(state: int) -> Iterator[int]:
    """splitmix64."""
    while True:
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        mixed = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % 2**64
        yield mixed ^ mixed >> 31
