"""When a budget may run out: what is planned times what became of plans so far, in 200 futures side by side.

Rules: docs/forecast.md, "By chance"; domain rule R30. Nothing is a float and no dice are the platform's: a future is
drawn by splitmix64 from the ids of contract and booking and the number of the week, so the same facts give the same
days everywhere, and the next day's figure differs because facts do, not because the dice fell otherwise.

All futures stand in one whole number, a lane of bits for each, so a week of all of them is a multiplication.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeVar

from app.domain import calendar
from app.domain.booked import Course, Measure, Schedule
from app.domain.money import MICRO, divide

T = TypeVar("T")

RUNS: Final = 200
CHANCES: Final = (50, 80, 90)
WEEKS_BEHIND: Final = 13
WEEKS_AHEAD: Final = 52
LEAST_WEEKS: Final = 4
"""With fewer weeks to go by nothing is said of how a plan may turn out."""
IDLE_WEEKS: Final = 4
"""After so many without work nothing goes on as before."""
_ORDERS: Final = 1024
_HUNDREDTHS: Final = 100  # minutes are planned to two places
_WORKING_DAYS: Final = 5


class Week(NamedTuple):
    """A week that is over: hundredths of minutes planned, minutes and amount (micro-units) approved and billable."""

    planned: int
    minutes: int
    amount: int


class Question(NamedTuple):
    """What futures are drawn from. `left` is minutes and micro-units still to be used, above 0; None: no budget.

    `weeks` are those before the week that `as_of` is in, the latest last, as many as `history` gives.
    """

    contract_id: str
    as_of: int
    left: tuple[int | None, int | None]
    weeks: tuple[Week, ...]
    schedule: Schedule


class Answer(NamedTuple):
    """`days`: by when so many of a hundred futures have used a budget up, one for each of `CHANCES`; None: not within a
    year. `weeks` is how many are drawn from (0: all goes as planned), `reached` in how many futures a budget ends."""

    method: str
    weeks: int
    seed: int
    reached: int
    days: tuple[int | None, ...]


def history(worked: Iterator[tuple[int, int, int]], schedule: Schedule, as_of: int) -> tuple[Week, ...]:
    """The weeks before the one that `as_of` is in; `worked` are (day, minutes, amount) of their days, in order."""
    first = first_day(as_of)
    used = [[0, 0] for _ in range((calendar.week_start(as_of) - first) // 7)]
    for day, minutes, amount in worked:
        week = used[(day - first) // 7]
        week[0] += minutes
        week[1] += amount
    planned = schedule.weeks(first, len(used), _HUNDREDTHS)
    return tuple([Week(plan, *week) for plan, week in zip(planned, used, strict=True)])


def first_day(as_of: int) -> int:
    """The first Monday of the history."""
    return max(calendar.week_start(as_of) - 7 * WEEKS_BEHIND, calendar.BEGINNING)


def ask(question: Question) -> Answer | None:
    """Draw the futures; None where nothing is planned and too little was worked, or too long ago, to go by."""
    last = question.schedule.last(question.as_of)
    return _by_habit(question) if last is None else _by_plan(question, last)


class _Gauge(NamedTuple):
    """One budget: it is used up when what is planned, times the rate of the week, adds up to `target`.

    `hard` and each of `soft` say what is planned from as-of up to a day.
    """

    target: int
    rates: Sequence[int]
    hard: Callable[[int], int]
    soft: Sequence[Callable[[int], int]]

    def most(self, day: int) -> int:
        """No future has more by the day."""
        return max(self.rates) * (self.hard(day) + sum(plan(day) for plan in self.soft))


def _by_plan(question: Question, last: int) -> Answer:
    """What is booked, times the ratio of actual to planned minutes of a week drawn by what was planned in it."""
    weeks = [week for week in question.weeks if week.planned]
    if len(weeks) < LEAST_WEEKS:
        weeks = []
    ratios = [divide(max(week.minutes, 0) * _HUNDREDTHS * MICRO, week.planned) for week in weeks] or [MICRO]
    schedule, as_of = question.schedule, question.as_of
    gauges = []
    for measure, left, scale in (
        (Measure.MINUTES, question.left[0], _HUNDREDTHS),
        (Measure.AMOUNT, question.left[1], 1),
    ):
        if left is not None:
            soft = [one.minutes if measure is Measure.MINUTES else one.amount for one in schedule.soft]
            plans = [_plan(course, as_of, scale) for course in (schedule.course(measure), *soft)]
            gauges.append(_Gauge(left * scale * MICRO, ratios, plans[0], plans[1:]))
    lands = [(number_of(one.assignment_id), one.probability) for one in schedule.soft]
    dealt = _dealt([week.planned for week in weeks]) if weeks else [0] * RUNS
    return _drawn("booked", question, len(weeks), gauges, dealt, lands, min(last, _last_day(as_of)))


def _by_habit(question: Question) -> Answer | None:
    """What was used in a week drawn from those since the first that was worked, spread over Monday to Friday."""
    worked = [place for place, week in enumerate(question.weeks) if week.minutes or week.amount]
    weeks = question.weeks[worked[0] :] if worked else ()
    if len(weeks) < LEAST_WEEKS or worked[-1] < len(question.weeks) - IDLE_WEEKS:
        return None
    as_of = question.as_of
    gauges = [
        _Gauge(left * _WORKING_DAYS, [max(week[1 + place], 0) for week in weeks], lambda day: _working(as_of, day), [])
        for place, left in enumerate(question.left)
        if left is not None
    ]
    return _drawn("trailing", question, len(weeks), gauges, _dealt([1] * len(weeks)), [], _last_day(as_of))


def _plan(course: Course | None, as_of: int, scale: int) -> Callable[[int], int]:
    return (lambda _: 0) if course is None else (lambda day: course.between(as_of, day, scale))


def _working(after: int, day: int) -> int:
    """How many days from Monday to Friday lie after one day up to another; day 1 was a Monday."""
    (weeks, rest), (before, start) = divmod(day, 7), divmod(after, 7)
    return (weeks - before) * _WORKING_DAYS + min(rest, _WORKING_DAYS) - min(start, _WORKING_DAYS)


def _last_day(as_of: int) -> int:
    return min(calendar.week_start(as_of) + 6 + 7 * WEEKS_AHEAD, calendar.FOREVER // 7 * 7)


def _drawn(
    method: str,
    question: Question,
    weeks: int,
    gauges: Sequence[_Gauge],
    dealt: Sequence[int],
    lands: Sequence[tuple[int, int]],
    last: int,
) -> Answer:
    """Go through the weeks up to the day `last` until as many futures have ended as anybody asks for."""
    seed = number_of(question.contract_id)
    possible = [gauge for gauge in gauges if gauge.most(last) >= gauge.target]
    found: list[int] = []
    ended = 0
    if possible:
        lanes = _Lanes(max(max(gauge.most(last), gauge.target) for gauge in possible), possible, dealt, lands)
        since = question.as_of
        needed = [RUNS * chance // 100 for chance in CHANCES]
        for sunday in range(calendar.week_start(since) + 6, last + 7, 7):
            lanes.turn(seed + sunday // 7, since)
            used = lanes.upto(sunday)
            ended = lanes.ended(used)
            while len(found) < len(needed) and ended >= needed[len(found)]:
                days = range(max([since + 1, *found[-1:]]), sunday + 1)
                found.append(next(day for day in days if lanes.ended(lanes.upto(day)) >= needed[len(found)]))
            if ended == RUNS:
                break
            lanes.close(used)
            since = sunday
    return Answer(method, weeks, seed, ended, (*found, *[None] * (len(CHANCES) - len(found))))


class _Lanes:
    """What every future has used of each gauge, a lane of bits for each; the topmost bit of a lane stays free."""

    def __init__(
        self, most: int, gauges: Sequence[_Gauge], dealt: Sequence[int], lands: Sequence[tuple[int, int]]
    ) -> None:
        self._width = most.bit_length() // 8 + 1
        self._gauges = gauges
        self._ones = self._row([1] * RUNS)
        self._top = self._ones << (8 * self._width - 1)
        self._short = [self._top - self._ones * gauge.target for gauge in gauges]
        self._cells = [self._cells_of(gauge, dealt) for gauge in gauges]
        self._lands = [self._landing(number, probability) for number, probability in lands]
        self._used = [0] * len(gauges)
        self._rates: list[int] = []
        self._planned: list[list[int]] = []

    def _row(self, numbers: Sequence[int]) -> int:
        return int.from_bytes(b"".join(number.to_bytes(self._width, "little") for number in numbers), "little")

    def _cells_of(self, gauge: _Gauge, dealt: Sequence[int]) -> int | list[bytes]:
        """The rate of each place in a week's draw; one number where all are the same."""
        if len(set(gauge.rates)) == 1:
            return self._ones * gauge.rates[0]
        cells = [rate.to_bytes(self._width, "little") for rate in gauge.rates]
        return [cells[week] for week in dealt]

    def _landing(self, number: int, probability: int) -> int:
        """All bits of the futures in which a booking lands."""
        full = (1 << 8 * self._width) - 1
        places = in_order(number, range(RUNS))
        return self._row([full if (2 * place + 1) * MICRO < 2 * RUNS * probability else 0 for place in places])

    def turn(self, number: int, since: int) -> None:
        """Draw the rates of the week after the day `since`."""
        known: dict[int, int] = {}
        self._rates = []
        for cells in self._cells:
            if isinstance(cells, int):
                self._rates.append(cells)
                continue
            if id(cells) not in known:
                known[id(cells)] = int.from_bytes(b"".join(in_order(number, cells)), "little")
            self._rates.append(known[id(cells)])
        self._planned = [[plan(since) for plan in (gauge.hard, *gauge.soft)] for gauge in self._gauges]

    def upto(self, day: int) -> list[int]:
        """What is used of each gauge by a day of the week that was drawn."""
        found = []
        for gauge, used, rates, planned in zip(self._gauges, self._used, self._rates, self._planned, strict=True):
            total = used + rates * (gauge.hard(day) - planned[0])
            for lands, plan, before in zip(self._lands, gauge.soft, planned[1:], strict=True):
                if more := plan(day) - before:
                    total += (rates & lands) * more
            found.append(total)
        return found

    def ended(self, used: Sequence[int]) -> int:
        """In how many futures so much uses some budget up."""
        over = 0
        for one, short in zip(used, self._short, strict=True):
            over |= one + short
        return (over & self._top).bit_count()

    def close(self, used: list[int]) -> None:
        """The week is over."""
        self._used = used


def _dealt(weights: Sequence[int]) -> list[int]:
    """Which week stands at each of the 200 places of a draw: each at as many as its weight has of all."""
    total = sum(weights)
    found = []
    place, upto = 0, weights[0]
    for number in range(RUNS):
        while (2 * number + 1) * total >= 2 * RUNS * upto:
            place += 1
            upto += weights[place]
        found.append(place)
    return found


def number_of(name: str) -> int:
    """The number that an id stands for in draws."""
    return int.from_bytes(sha256(name.encode()).digest()[:4])


def in_order(number: int, things: Sequence[T]) -> tuple[T, ...]:
    """200 things in the order that a number stands for."""
    found: tuple[T, ...] = _order(number % _ORDERS)(things)
    return found


@lru_cache(_ORDERS)
def _order(number: int) -> Callable[[Sequence[Any]], Any]:
    places = list(range(RUNS))
    draws = splitmix(number)
    for last in range(RUNS - 1, 0, -1):
        other = next(draws) % (last + 1)
        places[last], places[other] = places[other], places[last]
    return itemgetter(*places)


def splitmix(seed: int) -> Iterator[int]:
    """Numbers of 64 bits (splitmix64, Steele, Lea and Flood).

    >>> draws = splitmix(0)
    >>> hex(next(draws)), hex(next(draws))
    ('0xe220a8397b1dcdaf', '0x6e789e6aa1b965f4')
    """
    mask = (1 << 64) - 1
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        z = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        yield z ^ (z >> 31)
