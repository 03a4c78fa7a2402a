"""Who works on what, and when: stints, and the bookings and demand that other systems hear of."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from app.simulation.days import Days
from app.simulation.dice import Dice
from app.simulation.people import Person
from app.simulation.portfolio import Contract

WANTED = 1.3
"""What contracts ask for, as a share of the firm's capacity: more than there is, so a few stay short of people."""

AHEAD_WEEKS = 16
"""How far beyond the last day people are booked."""


@dataclass(slots=True, eq=False)
class Stint:
    """A person on a contract line from `first` to `last`, so many minutes on each of its working days."""

    assignment_id: str
    person: Person
    contract: Contract
    line_id: str
    day_minutes: int
    first: int
    last: int

    @property
    def week_minutes(self) -> int:
        return self.day_minutes * self.person.workdays

    def minutes_until(self, last: int) -> int:
        """Minutes planned from the first day to `last`, weekends left out; holidays and leave are not known yet."""
        until = min(last, self.last)
        if until < self.first:
            return 0
        weeks, rest = divmod(until - self.first + 1, 7)
        return weeks * self.week_minutes + min(rest, self.person.workdays) * self.day_minutes


def allocate(people: list[Person], contracts: list[Contract], days: Days, dice: Dice) -> list[Stint]:
    """Give every contract a team, in the order they begin, from those who are free first.

    Half of the people work on one contract at a time, the others on two. A contract takes people of its region
    while there are some.
    """
    free = _free(people, days)
    slots = sum(len(heap) for heap in free.values())
    chargeable = [contract for contract in contracts if not contract.internal]
    asked = sum(_weeks(contract, days)[1] - _weeks(contract, days)[0] + 1 for contract in chargeable)
    density = WANTED * slots * (days.weeks + AHEAD_WEEKS // 2) / max(1, asked)
    stints: list[Stint] = []
    for contract in chargeable:
        for place in range(max(1, round(density * (0.5 + dice.random())))):
            # The first of a team stays to the end or nearly, the others come and go.
            stay = min(1.0, density) * (0.7 + 0.3 * dice.random() if place == 0 else 0.3 + 0.5 * dice.random())
            heap = free[contract.client.region] or free["emea"] or free["amer"]
            stint = _stint(contract, heap, days, dice, stay, len(stints))
            if stint is None:
                break
            stints.append(stint)
    return stints


def _free(people: list[Person], days: Days) -> dict[str, list[tuple[int, int, int, Person]]]:
    """Heaps by region of (free from week, person number, minutes a day, person)."""
    free: dict[str, list[tuple[int, int, int, Person]]] = {"emea": [], "amer": []}
    for person in people:
        week = max(0, -(-(person.employed_from - days.first) // 7))
        shares = (person.day_minutes,) if person.number % 2 == 0 else (person.day_minutes // 2,) * 2
        for part, minutes in enumerate(shares):
            heapq.heappush(free[person.region], (week, 2 * person.number + part, minutes, person))
    return free


def _weeks(contract: Contract, days: Days) -> tuple[int, int]:
    """The simulated weeks a contract's term covers, up to as far as people are booked."""
    first = max(0, (contract.first - days.first) // 7)
    return first, max(first, min(days.weeks + AHEAD_WEEKS, (contract.last - days.first) // 7))


def _stint(
    contract: Contract,
    heap: list[tuple[int, int, int, Person]],
    days: Days,
    dice: Dice,
    stay: float,
    number: int,
) -> Stint | None:
    """The next free person joins a contract; None when nobody is free before it ends."""
    begin, end = _weeks(contract, days)
    week, order, minutes, person = heap[0]
    begin = max(begin, week)
    if begin > end:
        return None
    length = max(1, int((end - begin + 1) * stay))
    until = min(end, begin + length - 1)
    heapq.heapreplace(heap, (until + 1 + (dice.random() < 0.2), order, minutes, person))
    stint = Stint(
        assignment_id=f"A-{number + 1:05d}",
        person=person,
        contract=contract,
        line_id="L2" if contract.shape == "two lines" and number % 2 else "L1",
        day_minutes=minutes,
        first=max(contract.first, days.monday(begin)),
        last=min(contract.last, days.monday(until) + 4),
    )
    person.stints.append(stint)
    if person.role not in contract.roles:
        contract.roles.append(person.role)
    contract.people.append(person.resource_id)
    contract.planned[stint.line_id] = contract.planned.get(stint.line_id, 0) + stint.minutes_until(contract.last)
    contract.used[stint.line_id] = contract.used.get(stint.line_id, 0) + stint.minutes_until(days.last)
    return stint
