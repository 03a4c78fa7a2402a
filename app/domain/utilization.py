"""Utilization: what a person, or a group of people, can do, is booked for and did in a week.

Rules: design.md section 5 (Planned, Actual, Forecast, Over-allocated), domain.md R35–R45. A week is named by its
Monday. Everything is counted exactly, in `UNIT`ths of a minute, and rounded once when it is shown; a group's figures
are sums of its members', its ratios are ratios of sums. Whoever changes group within a week is with each by the day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from functools import lru_cache
from operator import add
from typing import Any, Final, NamedTuple

import msgspec

from app.domain import calendar
from app.domain.availability import UNIT, Calendar, Exact, Off, Standing, Stretch, day_of, share, working_days
from app.domain.booked import Run
from app.domain.ledger import APPROVED, SUBMITTED
from app.domain.money import MICRO, divide, show_ratio

# What an entry's minutes are, by its own flag and category (domain.md R36).
BILLABLE: Final = 0
CREDITED: Final = 1  # not billable, but good work all the same: training
EXCLUDED: Final = 2  # not billable, and no work: leave
OTHER: Final = 3

HARD: Final = "hard"
SOFT: Final = "soft"
PROPOSED: Final = "proposed"


class Worked(msgspec.Struct, array_like=True, gc=False):
    """A time entry as it concerns its person; `status` is the ledger's, `kind` one of the classes above."""

    status: int
    day: int
    minutes: int
    kind: int
    contract_id: str = ""


class Booking(msgspec.Struct, array_like=True, gc=False):
    """An assignment as it holds: so many minutes `weekly`, or a `total`, from `first` to `last`, both inclusive.

    `probability` is in millionths. `n` numbers the resolutions of the entity.
    """

    n: int
    contract_id: str
    first: int
    last: int
    weekly: int | None
    total: int | None
    kind: str
    probability: int
    billable: bool
    role: str | None = None
    line_id: str | None = None


def class_of(category: str | None, *, billable: bool) -> int:
    if billable:
        return BILLABLE
    return {"training": CREDITED, "leave": EXCLUDED}.get(category or "", OTHER)


# -- the figures of a week -----------------------------------------------------------------------------------------

NAMES: Final = (
    "capacity_minutes",
    "leave_minutes",
    "holiday_minutes",
    "planned_minutes",
    "planned_billable_minutes",
    "planned_net_minutes",
    "planned_net_billable_minutes",
    "soft_minutes",
    "soft_weighted_minutes",
    "proposed_minutes",
    "proposed_weighted_minutes",
    "actual_minutes",
    "actual_billable_minutes",
    "actual_credited_minutes",
    "actual_excluded_minutes",
    "submitted_minutes",
    "submitted_billable_minutes",
    "forecast_minutes",
    "forecast_billable_minutes",
)
(
    CAPACITY,
    LEAVE,
    HOLIDAY,
    PLANNED,
    PLANNED_BILLABLE,
    NET,
    NET_BILLABLE,
    SOFT_MINUTES,
    SOFT_WEIGHTED,
    PROPOSED_MINUTES,
    PROPOSED_WEIGHTED,
    ACTUAL,
    ACTUAL_BILLABLE,
    ACTUAL_CREDITED,
    ACTUAL_EXCLUDED,
    SUBMITTED_MINUTES,
    SUBMITTED_BILLABLE,
    FORECAST,
    FORECAST_BILLABLE,
    BENCH,
    FREE,
    AIMED,
    AIMED_CAPACITY,
) = range(23)
"""Places of a week's figures. Bench is capacity without a forecast, free is capacity after as-of without a plan. Aimed
is capacity × target (in millionths) on the days that have one, and the capacity of those days."""
WIDTH: Final = 23
_CLASSES: Final = {BILLABLE: ACTUAL_BILLABLE, CREDITED: ACTUAL_CREDITED, EXCLUDED: ACTUAL_EXCLUDED}

Figures = tuple[Exact, ...]
"""One number for each place above."""

NOTHING: Final[Figures] = (0,) * WIDTH


class Part(NamedTuple):
    """Days of a week on which a person is one and the same. Bench and free may be below 0 here (see `settled`)."""

    standing: Standing | None
    figures: Figures


class Planned(NamedTuple):
    """A week before anybody's time is in it: the stretches it is cut into, and the figures of each."""

    stretches: list[Stretch]
    tables: list[list[Exact]]


def week(monday: int, as_of: int, its: Calendar, bookings: Iterable[Booking], entries: Iterable[Worked]) -> list[Part]:
    """What a person's week comes to on `as_of`, cut where the person changes. The days are in order."""
    return worked(planned(monday, as_of, its, bookings), as_of, entries)


def planned(monday: int, as_of: int, its: Calendar, bookings: Iterable[Booking]) -> Planned:
    """What calendar and bookings make of a week: the same until one of them changes, whoever works."""
    held = [booking for booking in bookings if booking.first <= monday + 6 and monday <= booking.last]
    loads = [load_of(booking, its) for booking in held]
    stretches = list(its.career.stretches(monday, monday + 6))
    leave = [off for off in its.leave(monday, monday + 6) if off[0] <= monday + 6 and monday <= off[1]]
    return Planned(stretches, [_planned(stretch, as_of, its, leave, held, loads) for stretch in stretches])


def worked(plan: Planned, as_of: int, entries: Iterable[Worked]) -> list[Part]:
    """What a week comes to with the time that was worked in it."""
    stretches, tables = plan.stretches, [list(table) for table in plan.tables]
    for entry in entries:
        if entry.day <= as_of and entry.status <= SUBMITTED:
            place = next(i for i, stretch in enumerate(stretches) if entry.day <= stretch.last)
            _add_entry(tables[place], entry)
    for figures in tables:
        figures[FORECAST] += figures[ACTUAL]
        figures[FORECAST_BILLABLE] += figures[ACTUAL_BILLABLE]
        figures[BENCH] = figures[CAPACITY] - figures[FORECAST]
    return [Part(stretch.standing, tuple(table)) for stretch, table in zip(stretches, tables, strict=True)]


def load_of(booking: Booking, its: Calendar) -> Exact | None:
    """What a booking in total minutes puts on each day that has capacity; None for one per week."""
    if booking.weekly is not None or booking.total is None:
        return None
    days = its.days_with_capacity(booking.first, booking.last)
    return share(booking.total * UNIT, days) if days else 0


def _planned(
    stretch: Stretch,
    as_of: int,
    its: Calendar,
    leave: Sequence[Off],
    bookings: Sequence[Booking],
    loads: Sequence[Exact | None],
) -> list[Exact]:
    figures: list[Exact] = [0] * WIDTH
    standing = stretch.standing
    if standing is None:
        return figures
    if standing.unit and not leave and not its.holidays.any_in(calendar.week_start(stretch.first), standing.region):
        return _even(figures, stretch, standing, as_of, bookings, loads)
    days = [
        (day, day_of(day, standing, its.holidays, leave))
        for day in range(stretch.first, stretch.last + 1)
        if standing.works(day)
    ]
    capacity = after = 0
    for day, (_, holiday, taken, net) in days:
        capacity += net
        figures[HOLIDAY] += holiday
        figures[LEAVE] += taken
        if day > as_of:
            after += net
    figures[CAPACITY] = capacity
    figures[FREE] = after
    if standing.target is not None:
        figures[AIMED] = capacity * standing.target
        figures[AIMED_CAPACITY] = capacity
    for booking, load in zip(bookings, loads, strict=True):
        per_day = (booking.weekly or 0) * UNIT // standing.working if load is None else load
        gross: Exact = 0
        net_load: Exact = 0
        later: Exact = 0
        for day, (offered, _, _, net) in days:
            if not booking.first <= day <= booking.last or (load is not None and not net):
                continue
            gross += per_day
            kept = per_day if net == offered and net else left_of(per_day, net, offered)
            net_load += kept
            if day > as_of:
                later += kept
        _add_booking(figures, booking, gross, net_load, later)
    return figures


def _even(
    figures: list[Exact],
    stretch: Stretch,
    standing: Standing,
    as_of: int,
    bookings: Sequence[Booking],
    loads: Sequence[Exact | None],
) -> list[Exact]:
    """The same of days that nothing was taken of, as of nearly all: one is like the other, and nobody looks at each."""
    days = [day for day in range(stretch.first, stretch.last + 1) if standing.works(day)]
    ahead = [day for day in days if day > as_of]
    figures[CAPACITY], figures[FREE] = capacity, _ = len(days) * standing.unit, len(ahead) * standing.unit
    if standing.target is not None:
        figures[AIMED] = capacity * standing.target
        figures[AIMED_CAPACITY] = capacity
    for booking, load in zip(bookings, loads, strict=True):
        per_day = (booking.weekly or 0) * UNIT // standing.working if load is None else load
        first, last = booking.first, booking.last
        whole = first <= stretch.first and stretch.last <= last
        inside = len(days) if whole else sum(first <= day <= last for day in days)
        later = len(ahead) if whole else sum(first <= day <= last for day in ahead)
        _add_booking(figures, booking, per_day * inside, per_day * inside, per_day * later)
    return figures


def left_of(load: Exact, net: int, gross: int) -> Exact:
    """What is left of a day's load where `net` of `gross` capacity is left."""
    if not net:
        return 0
    if isinstance(load, int):
        return share(load * net, gross)
    return load * Fraction(net, gross)


def _add_booking(figures: list[Exact], booking: Booking, gross: Exact, net: Exact, later: Exact) -> None:
    """`later` is what of `net` lies after as-of."""
    if booking.kind == HARD:
        figures[PLANNED] += gross
        figures[NET] += net
        figures[FORECAST] += later
        figures[FREE] -= later
        if booking.billable:
            figures[PLANNED_BILLABLE] += gross
            figures[NET_BILLABLE] += net
            figures[FORECAST_BILLABLE] += later
        return
    plain = SOFT_MINUTES if booking.kind == SOFT else PROPOSED_MINUTES
    figures[plain] += gross
    figures[plain + 1] += weighted(gross, booking.probability)


def weighted(minutes: Exact, probability: int) -> Exact:
    """`minutes` times a probability in millionths."""
    if probability == MICRO:
        return minutes
    if isinstance(minutes, int):
        return share(minutes * probability, MICRO)
    return minutes * Fraction(probability, MICRO)


def _add_entry(figures: list[Exact], entry: Worked) -> None:
    minutes = entry.minutes * UNIT
    if entry.status == APPROVED:
        figures[ACTUAL] += minutes
        place = _CLASSES.get(entry.kind)
        if place is not None:
            figures[place] += minutes
    else:
        figures[SUBMITTED_MINUTES] += minutes
        if entry.kind == BILLABLE:
            figures[SUBMITTED_BILLABLE] += minutes


def runs(booking: Booking, its: Calendar) -> list[Run]:
    """What a booking comes to net of holidays and leave, over all of its days, in their order.

    By hand: 2,400 a week with a holiday on the Wednesday are 480 on Monday and Tuesday, 480 on Thursday and Friday.
    """
    load = load_of(booking, its)
    found: list[Run] = []
    for stretch in its.career.stretches(booking.first, booking.last):
        standing = stretch.standing
        if standing is None or not standing.weekly:
            continue
        per_day = Fraction((booking.weekly or 0) if load is None else load, standing.working if load is None else UNIT)
        first, last = max(stretch.first, standing.first), min(stretch.last, standing.last)
        leave = its.leave(first, last) if first <= last else []
        for day in its.exceptions(stretch):
            offered = day_of(day, standing, its.holidays, leave)
            if offered.net == offered.gross:
                continue
            _add_run(found, Stretch(first, day - 1, standing), per_day)
            if offered.net:
                _add_run(found, Stretch(day, day, standing), per_day * Fraction(offered.net, offered.gross))
            first = day + 1
        _add_run(found, Stretch(first, last, standing), per_day)
    return found


def _add_run(into: list[Run], stretch: Stretch, per_day: Fraction) -> None:
    standing = stretch.standing
    if standing is not None and per_day and working_days(stretch, standing):
        into.append(Run(stretch.first, stretch.last, standing.weekdays, per_day.numerator, per_day.denominator))


# -- groups --------------------------------------------------------------------------------------------------------

Group = tuple[str, str]
"""Kind (`role`, `practice`, `region`, `firm`, `staff`) and id. `staff` is a role within a practice: `role␟practice`."""
KINDS: Final = ("role", "practice", "region", "firm")
"""Groups that weeks are told of."""
FIRM: Final[Group] = ("firm", "")
_UNIT_SEPARATOR: Final = "\x1f"  # no id holds a control character


def staff(role: str, practice: str) -> Group:
    return "staff", f"{role}{_UNIT_SEPARATOR}{practice}"


def role_and_practice(group: Group) -> tuple[str, str | None]:
    """The role that a group is, and within which practice; None: within any."""
    if group[0] != "staff":
        return group[1], None
    role, _, practice = group[1].partition(_UNIT_SEPARATOR)
    return role, practice


def groups_of(standing: Standing) -> list[Group]:
    """The groups that a person of this standing is in, besides the firm."""
    found: list[Group] = []
    if standing.role is not None:
        found.append(("role", standing.role))
    if standing.practice is not None:
        found.append(("practice", standing.practice))
    if standing.region is not None:
        found.append(("region", standing.region))
    if standing.role is not None and standing.practice is not None:
        found.append(staff(standing.role, standing.practice))
    return found


def settled(parts: Sequence[Part]) -> Figures:
    """The sum of some parts of a person's week. Bench and free are never below 0: nobody's overwork frees another."""
    if len(parts) == 1:
        figures = parts[0].figures
        if figures[BENCH] >= 0 and figures[FREE] >= 0:
            return figures
        total = list(figures)
    else:
        total = [sum(numbers) for numbers in zip(*(part.figures for part in parts), strict=True)] or list(NOTHING)
    total[BENCH], total[FREE] = max(0, total[BENCH]), max(0, total[FREE])
    return tuple(total)


Given = tuple[tuple[Group, ...], Figures]
"""Groups, and what each of them is given."""


def given(parts: Sequence[Part]) -> list[Given]:
    """What a person's week gives to the groups it belongs to: those that are given the same stand together."""
    if len(parts) == 1:
        return [(_of_all(parts[0].standing), settled(parts))]
    return [((group,), figures) for group, figures in memberships(parts).items()]


@lru_cache(4_096)
def _of_all(standing: Standing | None) -> tuple[Group, ...]:
    return (FIRM, *(groups_of(standing) if standing is not None else ()))


def memberships(parts: Sequence[Part]) -> dict[Group, Figures]:
    """What a person's week gives to each group it belongs to."""
    if len(parts) == 1:
        standing = parts[0].standing
        figures = settled(parts)
        return dict.fromkeys((FIRM, *(groups_of(standing) if standing is not None else ())), figures)
    members: dict[Group, list[Part]] = {FIRM: list(parts)}
    for part in parts:
        for group in groups_of(part.standing) if part.standing is not None else ():
            members.setdefault(group, []).append(part)
    return {group: settled(its) for group, its in members.items()}


def added(one: Figures, other: Figures) -> Figures:
    return tuple(map(add, one, other))


def last_target(parts: Sequence[Part]) -> int | None:
    """The target of the last days of the week that have one, in millionths."""
    its = [part.standing.target for part in parts if part.standing is not None and part.standing.target is not None]
    return its[-1] if its else None


# -- weeks and what is shown ---------------------------------------------------------------------------------------


class Window(NamedTuple):
    """Which weeks are told of: so many behind the one that as-of is in, and so many ahead."""

    behind: int = 8
    ahead: int = 26

    def mondays(self, as_of: int) -> range:
        """Their Mondays, in order; a week that is not wholly within the calendar is left out."""
        monday = calendar.week_start(as_of)
        first = max(monday - 7 * self.behind, calendar.BEGINNING)
        last = min(monday + 7 * self.ahead, calendar.FOREVER - 6)
        return range(first, last + 1, 7)


WINDOW: Final = Window()
"""What is published where nothing else is set."""

_weeks: dict[int, str] = {}


def week_name(monday: int) -> str:
    """The ISO week of a Monday.

    >>> week_name(calendar.number("2026-12-28")), week_name(calendar.number("2024-12-30"))
    ('2026-W53', '2025-W01')
    """
    name = _weeks.get(monday)
    if name is None:
        year, number, _ = date.fromordinal(monday).isocalendar()
        name = _weeks[monday] = f"{year:04d}-W{number:02d}"
    return name


def show_minutes(units: Exact) -> int | str:
    """`UNIT`ths of a minute as minutes: whole ones as they are, others with two places, ties away from zero.

    >>> show_minutes(480 * UNIT), show_minutes(share(1000 * UNIT, 3)), show_minutes(-UNIT // 2)
    (480, '333.33', '-0.50')
    """
    whole, rest = divmod(units, UNIT)
    if not rest:
        return whole
    cents = divide(units.numerator * 100, units.denominator * UNIT)
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def _ratio(part: Exact, whole: Exact) -> str | None:
    if whole <= 0:
        return None
    if type(part) is int and type(whole) is int:
        return show_ratio(part, whole)
    return show_ratio(part.numerator * whole.denominator, part.denominator * whole.numerator)


def outlook(figures: Figures, likely: Exact = 0, plain: Exact = 0) -> dict[str, str | None]:
    """What share of capacity is asked for: hard bookings with all others, and perhaps more work, by probability
    (`likely`), and if all of it comes (`plain`). Bookings are gross.

    By hand (R41): of 32 hours 16 are hard, 8 soft at 60 % and 10 looked for at 30 %: 23.8 of 32, 34 of 32.
    """
    planned, capacity = figures[PLANNED], figures[CAPACITY]
    soft, proposed = figures[SOFT_MINUTES], figures[PROPOSED_MINUTES]
    if not (soft or proposed or plain):
        ratio = _ratio(planned, capacity)
        return {"expected_ratio": ratio, "maximum_ratio": ratio}
    expected = planned + figures[SOFT_WEIGHTED] + figures[PROPOSED_WEIGHTED] + likely
    return {
        "expected_ratio": _ratio(expected, capacity),
        "maximum_ratio": _ratio(planned + soft + proposed + plain, capacity),
    }


def row(
    kind: str, subject: str, monday: int, as_of: int, figures: Figures, target: int | None = None
) -> dict[str, Any]:
    """A week as it is published. `target` (millionths) stands where there is no capacity to weigh targets by.

    By hand (R37): 20 of 20 hours and 30 of 40 are 50 of 60, 0.8333; the mean of their ratios would be 0.8750.
    """
    week = {"subject": {"kind": kind, "id": subject}, "week": week_name(monday), "as_of": calendar.text_of(as_of)}
    return week | _shown(figures, target)


@lru_cache(4_096)
def _shown(figures: Figures, target: int | None) -> dict[str, Any]:
    """The figures of a week, which are those of many weeks of many people; not to be changed."""
    aimed = _ratio(figures[AIMED], figures[AIMED_CAPACITY] * MICRO)
    if aimed is None and target is not None:
        aimed = show_ratio(target, MICRO)
    return {
        **dict(zip(NAMES, [show_minutes(units) if units else 0 for units in figures], strict=False)),
        "utilization_ratio": _ratio(figures[FORECAST_BILLABLE], figures[CAPACITY]),
        "allocation_ratio": _ratio(figures[PLANNED], figures[CAPACITY]),
        **outlook(figures),
        "target_ratio": aimed,
        "bench_minutes": show_minutes(figures[BENCH]),
        "overallocated": figures[PLANNED] > figures[CAPACITY],
    }
