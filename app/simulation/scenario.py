"""What kind of firm to simulate, and how badly its messages travel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from app.misuse import Misuse

DEFAULT_SEED = 7
DEFAULT_EVENTS = 20_000
DEFAULT_WEEKS = 40
DEFAULT_END = date(2026, 6, 26)
"""The last day unless the caller says which: fixed, because a simulation that read the clock could not be repeated."""

# What one person and one contract leave behind, in lines. Measured on the default firm, and only a first estimate:
# `app.simulation.quota` steers the number of time entries to the exact count while the firm runs.
LINES_PER_PERSON_WEEK = 14
LINES_PER_CONTRACT, LINES_PER_CONTRACT_WEEK = 10, 0.6
LAST_WEEK_SHORT = 0.5
CONTRACTS_PER_PERSON = 1.85
LINES_OF_A_FULL_SPAN = 4_000


class ScenarioError(Misuse, ValueError):
    """An option that no firm can be made of. The message names the option, its value and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The options of one simulation; equal scenarios give equal bytes.

    `events` bounds the number of lines, whatever else is set. What is left out is derived from it: a firm of as many
    `people` and `contracts` as leave that many lines behind in `weeks`, up to and with the day `end`. When `people`
    or `contracts` is given the firm has that size, and `events` may then cut it short or never be reached;
    `events=None` lets a firm of given size run to its end.

    Ratios are of the lines sent. `late_ratio` of the events are recorded one to `late_days` days late.
    `duplicate_ratio` of the lines are repeats, byte by byte. `disorder` moves each line by up to that many places.
    `malformed_ratio` of the lines cannot be accepted, and `conflict_ratio` contradict another line about the same
    message or revision. Repeats, disorder and malformed lines change nothing in what the firm's events say.
    """

    seed: int = DEFAULT_SEED
    events: int | None = DEFAULT_EVENTS
    contracts: int | None = None
    people: int | None = None
    weeks: int | None = None
    start: date | None = None
    end: date = DEFAULT_END
    late_ratio: float = 0.0
    late_days: int = 5
    duplicate_ratio: float = 0.0
    disorder: int = 0
    malformed_ratio: float = 0.0
    conflict_ratio: float = 0.0
    ticks: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated, before the first line is made."""
        if self.events is None and self.people is None:
            raise ScenarioError("events is None and people is None: give one of them, so that the firm has a size")
        for name in ("events", "contracts", "people", "weeks"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ScenarioError(f"{name} is {value}: give 1 or more")
        for name in ("late_days", "disorder"):
            if getattr(self, name) < 0:
                raise ScenarioError(f"{name} is {getattr(self, name)}: give 0 or more")
        for name in ("late_ratio", "duplicate_ratio", "malformed_ratio", "conflict_ratio"):
            if not 0 <= getattr(self, name) <= 1:
                raise ScenarioError(f"{name} is {getattr(self, name)}: give a ratio from 0 to 1")
        if self.faults >= 1:
            raise ScenarioError(f"the fault ratios add up to {self.faults}: leave room for lines of the firm, below 1")
        if self.start is not None and self.start > self.end:
            raise ScenarioError(f"start {self.start} is after end {self.end}: give an earlier start")

    @property
    def faults(self) -> float:
        """The share of lines that are not the firm's own."""
        return self.duplicate_ratio + self.malformed_ratio + self.conflict_ratio

    @property
    def own_lines(self) -> int | None:
        """How many of the lines are to be the firm's own; None without a bound."""
        return None if self.events is None else max(1, round(self.events * (1 - self.faults)))

    def size(self) -> Size:
        """The calendar and the head count that these options mean."""
        weeks = self._weeks()
        first = self.end - timedelta(days=self.end.weekday()) - timedelta(weeks=weeks - 1)
        people = self.people if self.people is not None else self._people(weeks)
        contracts = self.contracts if self.contracts is not None else max(3, round(people * CONTRACTS_PER_PERSON))
        return Size(first=first, last=self.end, weeks=weeks, people=people, contracts=contracts)

    def _weeks(self) -> int:
        if self.start is not None:
            monday = self.start - timedelta(days=self.start.weekday())
            return (self.end - monday).days // 7 + 1
        if self.weeks is not None:
            return self.weeks
        # A handful of people cannot fill forty weeks with few lines: a very small firm has a shorter history instead.
        lines = self.own_lines if self.people is None and self.own_lines is not None else LINES_OF_A_FULL_SPAN
        return max(6, min(DEFAULT_WEEKS, DEFAULT_WEEKS * lines // LINES_OF_A_FULL_SPAN))

    def _people(self, weeks: int) -> int:
        lines = self.own_lines or 0
        per_person = LINES_PER_PERSON_WEEK * (weeks - LAST_WEEK_SHORT)
        per_contract = LINES_PER_CONTRACT + LINES_PER_CONTRACT_WEEK * weeks
        if self.contracts is not None:
            return max(2, round((lines - self.contracts * per_contract) / per_person))
        return max(2, round(lines / (per_person + CONTRACTS_PER_PERSON * per_contract)))


@dataclass(frozen=True, slots=True)
class Size:
    """A firm's calendar and head count. `first` is a Monday; `last`, in week `weeks - 1`, is the day called today."""

    first: date
    last: date
    weeks: int
    people: int
    contracts: int
