"""Minutes that entries share: steps of a whole day, included minutes, prepaid blocks.

What an entry gets depends on those before it, in the order of work date and entry id. Only approved, billable entries
take part; a submitted one is taken alone, for now.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

from .terms import TIME_AND_MATERIALS
from .work import Work

PREPAID = "prepaid"


def billable_minutes(works: Sequence[Work]) -> dict[str, int]:
    """Each entry's minutes after the increment of its contract, by entry id.

    Steps over a day bring the day's running total to the increment, so an entry gets what it adds to that.
    """
    minutes = {work.entry_id: _stepped(work, work.worked) if work.billable else 0 for work in works}
    for group in _grouped(works, _shared_day):
        total = 0
        for work in group:
            before, total = total, total + work.worked
            minutes[work.entry_id] = _stepped(work, total) - _stepped(work, before)
    return minutes


@dataclass(frozen=True)
class Given:
    """Minutes an entry has from an allotment, and those its like were given before it."""

    minutes: int = 0
    before: int = 0


def given_minutes(works: Sequence[Work], minutes: dict[str, int]) -> dict[str, Given]:
    """What of each entry's billable minutes is included in its line or drawn from its block, by entry id."""
    given = dict.fromkeys(minutes, Given())
    for group in _grouped(works, _counter):
        allowance = Allowance()
        for work in group:
            before = allowance.given
            given[work.entry_id] = Given(allowance.take(minutes[work.entry_id], _allotted(work)), before)
    return given


@dataclass
class Allowance:
    """Minutes given so far, and those charged beyond them."""

    given: int = 0
    charged: int = 0

    def take(self, minutes: int, allowed: int) -> int:
        """The part of `minutes` that is given while `allowed` are in all. Negative ones first undo what was charged.

        While `allowed` stays the same, charged is what the total exceeds it by, whatever the order of signs.
        """
        if minutes >= 0:
            part = min(minutes, max(0, allowed - self.given))
        else:
            part = minutes + min(-minutes, self.charged)
        self.given += part
        self.charged += minutes - part
        return part


def _grouped(works: Iterable[Work], key: Callable[[Work], Hashable]) -> Iterable[list[Work]]:
    """Approved billable entries that share a key, in order; those whose key is None share nothing."""
    groups: dict[Hashable, list[Work]] = {}
    for work in sorted(works, key=lambda one: (one.day, one.entry_id)):
        if work.approved and work.billable and key(work) is not None:
            groups.setdefault(key(work), []).append(work)
    return groups.values()


def _shared_day(work: Work) -> Hashable:
    scope = work.rounding.get("scope")
    if not work.rounding.get("increment_minutes") or scope not in {"person_day", "client_day"}:
        return None
    return (work.day, work.person if scope == "person_day" else "")


def _stepped(work: Work, minutes: int) -> int:
    """Minutes brought to the contract's increment, by magnitude, so that a reversal mirrors its entry."""
    step = work.rounding.get("increment_minutes")
    if not step:
        return minutes
    below, rest = divmod(abs(minutes), step)
    direction, tie = work.rounding.get("direction") or "nearest", work.rounding.get("tie") or "down"
    up = {
        "up": rest > 0,
        "down": False,
        "nearest": 2 * rest > step or (2 * rest == step and tie == "up"),
    }[direction]
    magnitude = int(below + up) * int(step)
    return magnitude if minutes >= 0 else -magnitude


def _allotted(work: Work) -> int:
    """The minutes of the whole period or block, by the terms of the work date."""
    if work.method == PREPAID:
        return int((work.line.get("prepaid") or {}).get("minutes") or 0)
    if work.method == TIME_AND_MATERIALS:
        return int((work.line.get("included") or {}).get("minutes") or 0)
    return 0


def _counter(work: Work) -> Hashable:
    """What the entry draws on: a block, or the week, month or term of its line. None without an allotment."""
    if _allotted(work) == 0:
        return None
    if work.method == PREPAID:
        return (work.line_id, PREPAID, "")
    per = (work.line.get("included") or {}).get("per") or "term"
    year, week, _ = work.day.isocalendar()
    period = {"week": f"{year}-W{week:02}", "month": work.day.isoformat()[:7], "term": ""}[per]
    return (work.line_id, per, period)
