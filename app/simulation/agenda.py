"""What is to happen on which day: lines on their way, and steps of the firm's stories."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any

from app.simulation import wire
from app.simulation.days import Days
from app.simulation.dice import Dice

DAY_STARTS, DAY_ENDS = 6 * 3_600, 20 * 3_600
"""Seconds of the day between which people and systems speak."""

LAG_SECONDS = 40
"""A message is recorded from one to this many seconds after it happened, unless it is late."""

_moment = itemgetter(0)


class Agenda:
    """Lines by the day they arrive, and actions by the day they run.

    Holds only what lies ahead: about a fortnight of lines and one pending action for each step of a story, so memory
    depends on the size of the firm and not on the length of its history. What would arrive after the last day is
    dropped: it has not happened yet.
    """

    def __init__(self, days: Days, late: Dice, late_ratio: float, late_days: int) -> None:
        self.days = days
        self.written = 0
        self._today = 0
        self.late_ratio = late_ratio if late_days else 0.0
        self._late_days = late_days
        self.late = late
        self._lines: list[list[tuple[int, bytes]]] = [[] for _ in range(days.last + 1)]
        self._actions: dict[int, list[Callable[[int], None]]] = {}

    def later(self, day: int) -> int:
        """The day on which a late message of `day` is recorded."""
        return day + self.late.between(1, self._late_days)

    def put(self, day: int, second: int, line: bytes) -> None:
        """A line that arrives at a second of a day: today, or later."""
        if day < self._today:
            raise ValueError(f"a line would arrive on day {day}, but it is day {self._today}: say it today or later")
        if day <= self.days.last:
            self._lines[day].append((second, line))
            self.written += 1

    def plan(self, day: int, action: Callable[[int], None]) -> None:
        """Run `action(day)` on a day, before its lines leave: today at the earliest, and never after the last day."""
        if day <= self.days.last:
            self._actions.setdefault(max(day, self._today), []).append(action)

    def run(self, day: int) -> None:
        """The actions of a day in the order they were planned, those included that they plan for the same day."""
        self._today = day
        for action in self._actions.get(day, ()):  # grows while it runs
            action(day)
        self._actions.pop(day, None)

    def take(self, day: int) -> Iterator[bytes]:
        """The lines of a day in the order of their arrival. They are handed out once."""
        lines, self._lines[day] = self._lines[day], []
        lines.sort(key=_moment)
        for _, line in lines:
            yield line


class Desk:
    """Writes the events that are not time entries, and puts them on the agenda."""

    def __init__(self, agenda: Agenda, dice: Dice) -> None:
        self.agenda = agenda
        self._days = agenda.days
        self._dice = dice

    def say(
        self,
        day: int,
        source: str,
        what: str,
        entity: str,
        data: dict[str, Any],
        *,
        revision: int | None = 1,
        second: int | None = None,
        correlation: str | None = None,
        causation: str | None = None,
    ) -> None:
        """One event of type `what` that happens on `day`, at `second` or at some second of the working day.

        The revision is written into the data, as `version` for a contract. `None` is for events that have none.
        """
        if second is None:
            second = self._dice.between(DAY_STARTS, DAY_ENDS)
        arrival, recorded = self._recorded(day, second)
        if revision is not None:
            data = {**data, ("version" if what.startswith("contract.") else "revision"): revision}
        self.agenda.put(
            arrival,
            recorded,
            wire.line(
                source=source,
                what=what,
                entity=entity,
                revision=revision,
                time=self._days.instant(day, wire.clock_of(second)),
                recorded=self._days.instant(arrival, wire.clock_of(recorded)),
                data=data,
                correlation=correlation,
                causation=causation,
            ),
        )

    def _recorded(self, day: int, second: int) -> tuple[int, int]:
        agenda = self.agenda
        if agenda.late_ratio and agenda.late.chance(agenda.late_ratio):
            return agenda.later(day), second
        return day, min(second + self._dice.between(1, LAG_SECONDS), wire.DAY_SECONDS - 1)
