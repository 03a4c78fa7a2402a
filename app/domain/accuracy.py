"""How good forecasts were: what a week was promised to be, set against what it became.

Rules (the product's own, after domain.md R41 and R43). A week is *turned* by the first tick in it. What was known when
that tick was accepted is the forecast, as of the Sunday before, of the week itself and of weeks further ahead
(`HORIZONS`); nothing that is learnt later changes it. Once a week is over it is scored, and again whenever time comes
late. Everything is counted exactly, in `UNIT`ths of a minute, and rounded once when it is shown.

Promised are hard, soft and proposed bookings, net of holidays and leave, each times its probability (a hard one is
certain), and unnamed demand. Done is approved time. A person's time on a contract belongs to what the person was booked
for there, the firmest booking first, each up to its minutes; what exceeds them all, or is below 0, goes to the firmest.
Time on contracts for which nobody had named the person is what unnamed demand had foretold, if anything had. So the
kinds add up to all that was promised, and to all that was done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final, NamedTuple

from app.domain import calendar, demand
from app.domain.availability import UNIT, Calendar, Career, Exact, Standing, day_of
from app.domain.demand import Opening
from app.domain.ledger import APPROVED
from app.domain.money import MICRO, show_ratio
from app.domain.utilization import (
    FIRM,
    HARD,
    PROPOSED,
    SOFT,
    Booking,
    Group,
    Window,
    Worked,
    left_of,
    load_of,
    show_minutes,
    week_name,
    weighted,
)

HORIZONS: Final = (1, 2, 4, 8)
"""How many weeks ahead forecasts are kept: 1 is the week that begins when it is turned."""

UNNAMED: Final = "unnamed"
KINDS: Final = (HARD, SOFT, PROPOSED, UNNAMED)
"""Of what is promised, firmest first."""
ALL: Final = "all"

BINS: Final = 10
"""Probabilities from 0 to 0.1, from 0.1 to 0.2, … from 0.9 to 1, the upper end in the last one only."""

# -- turns ---------------------------------------------------------------------------------------------------------


class Turn(NamedTuple):
    """The turn of a week: what was accepted up to `moment` (microseconds) was known; `on` is the day of its tick."""

    moment: int
    on: int


def turns(ticks: Mapping[int, tuple[int, int]]) -> dict[int, Turn]:
    """The weeks that were turned, by Monday. `ticks`: of each week the tick accepted first, as (moment, day).

    A week in which nothing ticked before a later week did was never turned: nobody can say any more what was known.

    By hand: of weeks 7, 14 and 21 the first ticks were accepted at 10, 40 and 30: week 14 was over before it began.

    >>> sorted(turns({7: (10, 7), 14: (40, 15), 21: (30, 21)}))
    [7, 21]
    """
    found: dict[int, Turn] = {}
    earliest: tuple[int, int] | None = None
    for monday in sorted(ticks, reverse=True):
        if earliest is None or ticks[monday] < earliest:
            earliest = ticks[monday]
            found[monday] = Turn(*earliest)
    return found


class Cell(NamedTuple):
    """A week of the ledger: the turns at which it was forecast, by weeks ahead, and whether it is over."""

    forecasts: Mapping[int, Turn]
    over: bool


def mondays(as_of: int, window: Window) -> range:
    """The weeks of the ledger, by Monday: those behind that are told of, and as far ahead as anything is forecast."""
    told = window.mondays(as_of)
    return range(told[0], min(told[-1], calendar.week_start(as_of) + 7 * (HORIZONS[-1] - 1)) + 1, 7)


def cells(weeks: Iterable[int], turned: Mapping[int, Turn], as_of: int) -> dict[int, Cell]:
    """What of these weeks was forecast up to as-of.

    By hand: with today in week 21, week 28 may have been forecast two weeks ahead, by the turn of week 21, at most.

    >>> cells([28], {14: Turn(1, 14), 21: Turn(2, 21), 28: Turn(3, 28)}, 23)
    {28: Cell(forecasts={2: Turn(moment=2, on=21)}, over=False)}
    """
    this = calendar.week_start(as_of)
    found = {}
    for monday in weeks:
        begun = {ahead: monday - 7 * (ahead - 1) for ahead in HORIZONS}
        its = {ahead: turned[week] for ahead, week in begun.items() if week in turned and week <= this}
        found[monday] = Cell(its, monday < this)
    return found


# -- a person's week -----------------------------------------------------------------------------------------------


class Pledge(NamedTuple):
    """What a booking promised for a week: net minutes on each of its days. `kind` is a place in `KINDS`."""

    contract_id: str
    kind: int
    probability: int
    days: tuple[Exact, ...]


def outlook(monday: int, its: Calendar, bookings: Iterable[Booking]) -> list[Pledge]:
    """What bookings promise for a week, net of holidays and leave. A hard one is certain, whatever it says."""
    days = range(monday, monday + 7)
    leave = its.leave(monday, monday + 6)
    held = [(day, its.career.on(day)) for day in days]
    offered = [
        (day, standing, day_of(day, standing, its.holidays, leave))
        for day, standing in held
        if standing is not None and standing.works(day)
    ]
    found = []
    for booking in bookings:
        if booking.first > monday + 6 or booking.last < monday:
            continue
        load = load_of(booking, its)
        minutes: list[Exact] = [0] * 7
        for day, standing, (gross, _, _, net) in offered:
            if net and booking.first <= day <= booking.last:
                per_day = (booking.weekly or 0) * UNIT // standing.working if load is None else load
                minutes[day - monday] = left_of(per_day, net, gross)
        if any(minutes):
            probability = MICRO if booking.kind == HARD else booking.probability
            found.append(Pledge(booking.contract_id, KINDS.index(booking.kind), probability, tuple(minutes)))
    return found


# Places of what a week comes to: for each kind what was booked, that times its probability, and what was done. Behind
# them, for each kind and bin of probabilities, how many bookings there were, how many came true, and sums of p, of p of
# those that came true, and of p², in millionths.
BOOKED: Final = 0
PROMISED: Final = 4
DONE: Final = 8
_BINNED: Final = 12
COUNT, TRUE, SUM, SUM_TRUE, SQUARES = range(5)

Tally = dict[int, Exact]
"""Number by place; places of which there is nothing are left out, and nothing left in is 0."""

Scope = tuple[str | None, str | None, str | None]
"""Role, practice and region that hold on a day."""


def place_of(kind: int, bin_: int, what: int) -> int:
    return _BINNED + (kind * BINS + bin_) * 5 + what


def bin_of(probability: int) -> int:
    """
    >>> bin_of(0), bin_of(99_999), bin_of(100_000), bin_of(1_000_000)
    (0, 0, 1, 9)
    """
    return min(probability * BINS // MICRO, BINS - 1)


def add(tally: Tally, place: int, number: Exact) -> None:
    total = tally.get(place, 0) + number
    if total:
        tally[place] = total
    else:
        tally.pop(place, None)


def include(tally: Tally, other: Tally, times: int = 1) -> None:
    """Add another tally, or take it out again (`times` −1)."""
    for place, number in other.items():
        add(tally, place, number * times)


def judge(tally: Tally, kind: int, probability: int, *, came_true: bool) -> None:
    """Count one booking, or demand, of a week that is over among those of its probability."""
    bin_ = bin_of(probability)
    add(tally, place_of(kind, bin_, COUNT), 1)
    add(tally, place_of(kind, bin_, SUM), probability)
    add(tally, place_of(kind, bin_, SQUARES), probability * probability)
    if came_true:
        add(tally, place_of(kind, bin_, TRUE), 1)
        add(tally, place_of(kind, bin_, SUM_TRUE), probability)


def score(
    monday: int, then: Career, pledges: Sequence[Pledge], now: Career, entries: Iterable[Worked] | None
) -> dict[Scope, Tally]:
    """What a person's week comes to, by where the person was. `entries`: None while the week is not over.

    A promise belongs where the person was then known to be (`then`), what was done where the person is now known to
    have been: a practice is scored by the people it had counted on. A booking came true if any time was approved on its
    contract in its week.
    """
    found: dict[Scope, Tally] = {}
    parts = _parts(then, monday)
    for pledge in pledges:
        for first, last, scope in parts:
            if minutes := sum(pledge.days[first : last + 1]):
                tally = found.setdefault(scope, {})
                add(tally, BOOKED + pledge.kind, minutes)
                add(tally, PROMISED + pledge.kind, weighted(minutes, pledge.probability))
    if entries is None:
        return found
    worked: dict[str, list[Exact]] = {}
    for entry in entries:
        if entry.status == APPROVED:
            days = worked.setdefault(entry.contract_id, [0] * 7)
            days[entry.day - monday] += entry.minutes * UNIT
    for pledge in pledges:
        begun = next(place for place, minutes in enumerate(pledge.days) if minutes)
        scope = next(scope for _, last, scope in parts if begun <= last)
        done = sum(worked.get(pledge.contract_id, ()))
        judge(found.setdefault(scope, {}), pledge.kind, pledge.probability, came_true=done > 0)
    for contract_id, days in worked.items():
        its = sorted((pledge for pledge in pledges if pledge.contract_id == contract_id), key=lambda one: one.kind)
        for first, last, scope in _parts(now, monday):
            if any(days[first : last + 1]):
                _attribute(found.setdefault(scope, {}), its, first, last, sum(days[first : last + 1]))
    return {scope: tally for scope, tally in found.items() if tally}


def _attribute(tally: Tally, pledges: Sequence[Pledge], first: int, last: int, minutes: Exact) -> None:
    """Put a person's time on a contract to what was booked there on these days; `pledges` are the firmest first."""
    if not pledges:
        add(tally, DONE + KINDS.index(UNNAMED), minutes)
        return
    for pledge in pledges:
        taken = min(max(minutes, 0), sum(pledge.days[first : last + 1]))
        add(tally, DONE + pledge.kind, taken)
        minutes -= taken
    add(tally, DONE + pledges[0].kind, minutes)


def _parts(career: Career, monday: int) -> list[tuple[int, int, Scope]]:
    """The days of a week, 0 to 6, cut where the person's place becomes another."""
    parts: list[tuple[int, int, Scope]] = []
    for stretch in career.stretches(monday, monday + 6):
        scope = _scope(stretch.standing)
        first, last = stretch.first - monday, stretch.last - monday
        if parts and parts[-1][2] == scope:
            first = parts.pop()[0]
        parts.append((first, last, scope))
    return parts


def _scope(standing: Standing | None) -> Scope:
    return (None, None, None) if standing is None else (standing.role, standing.practice, standing.region)


def groups_of(scope: Scope) -> list[Group]:
    """The groups that are told of what happens in a scope."""
    role, practice, region = scope
    named = (("role", role), ("practice", practice), ("region", region))
    return [FIRM, *((kind, name) for kind, name in named if name is not None)]


# -- unnamed demand ------------------------------------------------------------------------------------------------


def demand_tally(monday: int, openings: Mapping[str, Opening], filled: Iterable[str] | None) -> Tally:
    """What unnamed demand promised for a week. `filled`: demands that found somebody; None while it is not over.

    By hand: 600 minutes from Monday to Friday at 30 % promise 180.
    """
    tally: Tally = {}
    kind = KINDS.index(UNNAMED)
    plain, likely = demand.wanted(monday, monday - 1, openings.values())
    add(tally, BOOKED + kind, plain)
    add(tally, PROMISED + kind, likely)
    if filled is not None:
        found = set(filled)
        for name, opening in openings.items():
            if demand.wanted(monday, monday - 1, [opening])[0]:
                judge(tally, kind, opening.probability, came_true=name in found)
    return tally


# -- what is shown -------------------------------------------------------------------------------------------------


def week_row(
    kind: str, subject: str, monday: int, as_of: int, cell: Cell, tallies: Mapping[int, Tally]
) -> dict[str, Any]:
    """A week of a group as it is published: its forecasts by weeks ahead, and what became of them."""
    return {
        "subject": {"kind": kind, "id": subject},
        "week": week_name(monday),
        "as_of": calendar.text_of(as_of),
        "over": cell.over,
        "forecasts": [
            {
                "weeks_ahead": ahead,
                "frozen_on": calendar.text_of(turn.on),
                "kinds": [_minutes(name, tallies.get(ahead, {}), cell.over) for name in (*KINDS, ALL)],
            }
            for ahead, turn in cell.forecasts.items()
        ],
    }


def _sum(tally: Tally, of: int, kind: str) -> Exact:
    if kind == ALL:
        return sum((tally.get(of + place, 0) for place in range(len(KINDS))), 0)
    return tally.get(of + KINDS.index(kind), 0)


def _minutes(kind: str, tally: Tally, over: bool) -> dict[str, Any]:
    promised, done = _sum(tally, PROMISED, kind), _sum(tally, DONE, kind)
    return {
        "booking": kind,
        "booked_minutes": show_minutes(_sum(tally, BOOKED, kind)),
        "forecast_minutes": show_minutes(promised),
        "actual_minutes": show_minutes(done) if over else None,
        "error_minutes": show_minutes(done - promised) if over else None,
    }


def record_row(
    kind: str, subject: str, as_of: int, weeks: Sequence[tuple[Cell, Mapping[int, Tally]]]
) -> dict[str, Any]:
    """How good a group's forecasts were over all of `weeks` that are over, by weeks ahead.

    By hand: promised 2,400 and 2,400, done 2,160 and 2,520: errors −240 and 120. Bias = −120 ÷ 4,800 = −0.0250: a
    fortieth of what was promised is missing. Absolute error ratio = (240 + 120) ÷ 4,680 = 0.0769.
    """
    rows = []
    for ahead in HORIZONS:
        its = [tallies.get(ahead, {}) for cell, tallies in weeks if cell.over and ahead in cell.forecasts]
        kinds = [_record(name, its) for name in (*KINDS, ALL)]
        rows.append({"weeks_ahead": ahead, "weeks": len(its), "kinds": kinds})
    return {"subject": {"kind": kind, "id": subject}, "as_of": calendar.text_of(as_of), "forecasts": rows}


def _record(kind: str, weeks: Sequence[Tally]) -> dict[str, Any]:
    promised = sum((_sum(tally, PROMISED, kind) for tally in weeks), 0)
    done = sum((_sum(tally, DONE, kind) for tally in weeks), 0)
    errors = [_sum(tally, DONE, kind) - _sum(tally, PROMISED, kind) for tally in weeks]
    missed = sum((max(error, -error) for error in errors), 0)
    return {
        "booking": kind,
        "forecast_minutes": show_minutes(promised),
        "actual_minutes": show_minutes(done),
        "error_minutes": show_minutes(done - promised),
        "absolute_error_minutes": show_minutes(missed),
        "bias_ratio": _ratio(done - promised, promised),
        "absolute_error_ratio": _ratio(missed, done),
        **_calibration(kind, weeks),
    }


def _calibration(kind: str, weeks: Sequence[Tally]) -> dict[str, Any]:
    """How often what had a probability came true: in all and by bins, and the mean of (p − outcome)².

    By hand: 0.6 that came true and 0.3 that did not: (0.4² + 0.3²) ÷ 2 = 0.1250.
    """
    kinds = list(range(len(KINDS))) if kind == ALL else [KINDS.index(kind)]
    bins = []
    count = true = 0
    squares: Exact = 0
    for bin_ in range(BINS):

        def total(what: int, bin_: int = bin_) -> int:
            return sum(int(tally.get(place_of(one, bin_, what), 0)) for one in kinds for tally in weeks)

        its = total(COUNT)
        if not its:
            continue
        count, true = count + its, true + total(TRUE)
        squares += total(SQUARES) - 2 * total(SUM_TRUE) * MICRO + total(TRUE) * MICRO * MICRO
        bins.append(
            {
                "from_ratio": show_ratio(bin_, BINS),
                "to_ratio": show_ratio(bin_ + 1, BINS),
                "count": its,
                "came_true": total(TRUE),
                "expected_ratio": show_ratio(total(SUM), its * MICRO),
                "came_true_ratio": show_ratio(total(TRUE), its),
            }
        )
    return {
        "count": count,
        "came_true": true,
        "brier_score": _ratio(squares, count * MICRO * MICRO),
        "calibration": bins,
    }


def _ratio(part: Exact, whole: Exact) -> str | None:
    if whole <= 0:
        return None
    above, below = Fraction(part), Fraction(whole)
    return show_ratio(above.numerator * below.denominator, above.denominator * below.numerator)
