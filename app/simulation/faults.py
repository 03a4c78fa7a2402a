"""Faults of the messages' journey: repeats, disorder, broken records, records that contradict others.

All faults are additions or changes of order: every line of the firm is still there, so what the firm's events say is
the same with and without them. The exception is a conflict, which is meant to be noticed.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from app.simulation.dice import Dice
from app.simulation.scenario import Scenario

Event = dict[str, Any]

LONGEST_DELAY = 500
"""A repeat or a contradiction comes up to so many lines after what it repeats or contradicts."""

TOO_LARGE_BYTES = 1_000_000
LARGE_EVERY = 400
"""One malformed line in so many is a megabyte long: enough to be seen, too few to be most of the stream."""


def troubled(lines: Iterator[bytes], scenario: Scenario) -> Iterator[bytes]:
    """The firm's lines with the faults that a scenario asks for; late messages are the firm's own doing."""
    if scenario.faults:
        lines = _with_extra_lines(lines, scenario)
    if scenario.disorder:
        lines = disordered(lines, scenario.disorder, Dice(scenario.seed, "disorder"))
    return lines


def _with_extra_lines(lines: Iterator[bytes], scenario: Scenario) -> Iterator[bytes]:
    """The lines, each followed by what is due: malformed ones at once, copies and contradictions some lines later."""
    own = 1 - scenario.faults
    sources = (
        Extra(Dice(scenario.seed, "repeats"), scenario.duplicate_ratio / own, lambda line, number: line),
        Extra(Dice(scenario.seed, "conflicts"), scenario.conflict_ratio / own, contradiction),
        Extra(Dice(scenario.seed, "malformed"), scenario.malformed_ratio / own, malformed),
    )
    waiting: list[tuple[int, int, bytes]] = []
    made = 0
    for place, line in enumerate(lines):
        yield line
        for source in sources:
            for delay, extra in source.after(line):
                made += 1
                heapq.heappush(waiting, (place + delay, made, extra))
        while waiting and waiting[0][0] <= place:
            yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]


class Extra:
    """One kind of additional line: how many to each line of the firm, and what they look like."""

    def __init__(self, dice: Dice, per_line: float, make: Callable[[bytes, int], bytes | None]) -> None:
        self._dice = dice
        self._per_line = per_line
        self._make = make
        self._number = 0
        self._owed = 0

    def after(self, line: bytes) -> Iterator[tuple[int, bytes]]:
        """What is added because of a line, with the number of lines to wait.

        What cannot be made of this line is owed until one comes of which it can.
        """
        if not self._per_line:
            return
        whole = int(self._per_line)
        self._owed += whole + self._dice.chance(self._per_line - whole)
        while self._owed:
            extra = self._make(line, self._number)
            if extra is None:
                return
            self._owed -= 1
            self._number += 1
            yield self._dice.between(0, LONGEST_DELAY), extra


def disordered(lines: Iterator[bytes], places: int, dice: Dice) -> Iterator[bytes]:
    """The lines in another order: none is more than `places` places from where it was."""
    waiting: list[tuple[int, int, bytes]] = []
    for place, line in enumerate(lines):
        heapq.heappush(waiting, (place + dice.between(0, places), place, line))
        while waiting and waiting[0][0] <= place:
            yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]


def contradiction(line: bytes, number: int) -> bytes | None:
    """The same message, or another of the same revision, with other minutes; None for what is no whole entry."""
    if b'"type":"time.submitted.v1"' not in line and b'"type":"time.approved.v1"' not in line:
        return None
    event = orjson.loads(line)
    event["data"]["minutes"] = (event["data"]["minutes"] + 15 * (1 + number % 4)) % 1_440
    if number % 2:
        event["id"] += "-again"
    return orjson.dumps(event)


def malformed(line: bytes, number: int) -> bytes | None:
    """The line made unacceptable in one of the ways of `MALFORMED`, in turn; None for what is no whole time entry.

    It gets an id of its own, so that it is refused for what is wrong with it and not taken for a repeat.
    """
    if b'"type":"time.submitted.v1"' not in line and b'"type":"time.approved.v1"' not in line:
        return None
    event = orjson.loads(line)
    event["id"] += f"-{number}"
    if number % LARGE_EVERY == LARGE_EVERY // 2:
        return too_large(event)
    ways = tuple(MALFORMED.values())
    return ways[number % len(ways)](event)


def too_large(event: Event) -> bytes:
    """A narrative that nobody wrote by hand."""
    return _with(event, narrative="x" * TOO_LARGE_BYTES)


def _with(event: Event, **changed: Any) -> bytes:
    event["data"] |= changed
    return orjson.dumps(event)


def _without(event: Event, name: str) -> bytes:
    del event["data"][name]
    return orjson.dumps(event)


def _cut_off(event: Event) -> bytes:
    text = orjson.dumps(event)
    return text[: len(text) * 2 // 3]


def _no_id(event: Event) -> bytes:
    del event["id"]
    return orjson.dumps(event)


def _other_type(event: Event) -> bytes:
    return orjson.dumps(event | {"type": "time.guessed.v1"})


def _backwards(event: Event) -> bytes:
    """A booking whose last day is a year before its first."""
    said = event["data"]
    day = said["work_date"]
    booking = {
        "assignment_id": f"A-{said['entry_id']}",
        "revision": 1,
        "resource_id": said["resource_id"],
        "contract_id": said["contract_id"],
        "from": day,
        "to": f"{int(day[:4]) - 1}-01-31",
        "minutes_per_week": 2_400,
    }
    return orjson.dumps(event | {"type": "assignment.booked.v1", "data": booking})


def _no_currency(event: Event) -> bytes:
    """An expense in a currency that does not exist."""
    said = event["data"]
    expense = {
        "expense_id": f"EX-{said['entry_id']}",
        "revision": 1,
        "contract_id": said["contract_id"],
        "date": said["work_date"],
        "net": {"amount": "12.00", "currency": "EURO"},
    }
    return orjson.dumps(event | {"type": "expense.approved.v1", "data": expense})


MALFORMED: dict[str, Callable[[Event], bytes]] = {
    "not_json": _cut_off,
    "not_an_event": _no_id,
    "unknown_type": _other_type,
    "missing_field": lambda event: _without(event, "minutes"),
    "bad_type": lambda event: _with(event, minutes="480"),
    "bad_decimal": lambda event: _with(event, rate_override="1,50"),
    "bad_date": lambda event: _with(event, work_date="2026-02-30"),
    "bad_currency": _no_currency,
    "bad_interval": _backwards,
    "out_of_range": lambda event: _with(event, minutes=1_441),
    "bad_revision": lambda event: _with(event, revision=0),
}
"""A way to break a time entry for each refusal code that does not depend on a deployment's settings."""
