"""Business SLAs: how long the firm takes for what it promises itself, from event times alone.

Source: domain 1C. A measure closes when what it waits for came; until then it is open, and grows old. Durations are
microseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from app.domain.money import divide, micro

HOUR: Final = 3_600_000_000
DAY: Final = 24 * HOUR
WINDOW_DAYS: Final = 90
_PLAIN: Final = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")
EPOCH_DAY: Final = 719_163  # 1970-01-01

Name = Literal[
    "project_activation_time",
    "staffing_update_latency",
    "invoice_readiness_lag",
    "amendment_sync_latency",
    "approved_time_to_acknowledged",
    "invoice_exception_rate",
    "dispute_rate",
]


class Promise(NamedTuple):
    """What is measured; `target` in microseconds, or of a rate in micro (20,000 is 2 %)."""

    target: int
    rate: bool
    meaning: str


PROMISES: Final[Mapping[Name, Promise]] = {
    "project_activation_time": Promise(
        5 * DAY, False, "from a contract's approval to the first event about work in its first week of work"
    ),
    "staffing_update_latency": Promise(
        HOUR, False, "from when a person, leave, booking or demand changed to when the engine had accepted it"
    ),
    "invoice_readiness_lag": Promise(
        3 * DAY, False, "from the end of the work date to the approval of a billable entry"
    ),
    "amendment_sync_latency": Promise(
        DAY, False, "from an amendment to the first acknowledgement of a document under its version or a higher one"
    ),
    "approved_time_to_acknowledged": Promise(
        30 * DAY, False, "from the approval of a billable, priced entry to the first event of an invoice that names it"
    ),
    "invoice_exception_rate": Promise(
        20_000, True, "documents rejected, invoices voided or credited, of all that were answered or issued"
    ),
    "dispute_rate": Promise(10_000, True, "disputes opened, of the invoices issued"),
}


NO_TARGETS: Final[Mapping[str, int]] = {}
"""Of a firm that sets none of its own."""


class Open(NamedTuple):
    """What waits since a moment."""

    since: int
    subject: str


def coarse(minutes: int) -> int:
    """A duration as it is counted: up to an hour in minutes, up to a day in quarters of an hour, beyond in hours,
    rounded up. So a measure stays small however much is measured.

    >>> coarse(59), coarse(61), coarse(24 * 60), coarse(24 * 60 + 1)
    (59, 75, 1440, 1500)
    """
    step = 1 if minutes <= 60 else 15 if minutes <= 1_440 else 60
    return -(-minutes // step) * step


def start_of(day: int) -> int:
    """The moment at which a day begins (UTC), microseconds."""
    return max(0, day - EPOCH_DAY) * DAY


def window(day: int | None) -> int:
    """The moment from which on what closed is counted, as of a day, microseconds."""
    return 0 if day is None else start_of(day - WINDOW_DAYS)


@dataclass(slots=True)
class Measured:
    """Closed durations in minutes (`coarse`) with their counts; open ones; of a rate, how many of how many."""

    closed: dict[int, int] = field(default_factory=dict)
    opened: list[Open] = field(default_factory=list)
    part: int = 0
    whole: int = 0

    def close(self, begun: int, ended: int) -> None:
        """What ended before it began (an approval told late of an earlier moment) took no time."""
        minutes = coarse(max(0, ended - begun) // 60_000_000)
        self.closed[minutes] = self.closed.get(minutes, 0) + 1

    def add(self, other: Measured) -> None:
        for minutes, count in other.closed.items():
            self.closed[minutes] = self.closed.get(minutes, 0) + count
        self.opened += other.opened
        self.part += other.part
        self.whole += other.whole


Measures = dict[Name, Measured]


def fresh() -> Measures:
    return {name: Measured() for name in PROMISES}


def total(parts: Iterable[Measures]) -> Measures:
    """Measures of different contracts or workers as one."""
    whole = fresh()
    for part in parts:
        for name, measured in part.items():
            whole[name].add(measured)
    return whole


def percentile(closed: Mapping[int, int], share: int) -> int | None:
    """The smallest duration that `share` per cent of all do not exceed; None of none.

    >>> percentile({1: 1, 2: 1, 3: 1, 10: 1}, 50), percentile({1: 99, 10: 1}, 95), percentile({}, 50)
    (2, 1, None)
    """
    rank = -(-sum(closed.values()) * share // 100)
    for minutes in sorted(closed):
        rank -= closed[minutes]
        if rank <= 0:
            return minutes
    return None


def targets(given: Mapping[str, str]) -> dict[str, int]:
    """A firm's own targets as `Promise` has them, from hours for a duration and a ratio for a rate.

    Raises ValueError, with a sentence, for a name that is none and a value that is no plain decimal.

    >>> targets({"dispute_rate": "0.02", "project_activation_time": "72"})
    {'dispute_rate': 20000, 'project_activation_time': 259200000000}
    """
    found = {}
    for name, value in given.items():
        promise = next((promise for known, promise in PROMISES.items() if known == name), None)
        if promise is None:
            raise ValueError(f"{name!r} is no business SLA; there are {', '.join(PROMISES)}")
        if not _PLAIN.fullmatch(value):
            wanted = "a ratio such as 0.02" if promise.rate else "a number of hours such as 72"
            raise ValueError(f"{name} is {value!r}; give {wanted}")
        found[name] = micro(value) if promise.rate else divide(micro(value) * HOUR, 1_000_000)
    return found


def promises(own: Mapping[str, int] | None = None) -> dict[Name, Promise]:
    """What is promised, by the firm's `own` targets."""
    return {name: promise._replace(target=(own or {}).get(name, promise.target)) for name, promise in PROMISES.items()}


class Summary(NamedTuple):
    """A measure added up: of what is open, how much, how much of it longer than the target, and the first."""

    closed: Mapping[int, int]
    open: int
    late: int
    oldest: Open | None
    part: int
    whole: int


def summary(measured: Measured, promise: Promise, now: int) -> Summary:
    """What a measure comes to at a moment."""
    late = sum(now - one.since > promise.target for one in measured.opened)
    oldest = min(measured.opened, default=None)
    return Summary(measured.closed, len(measured.opened), late, oldest, measured.part, measured.whole)


def together(parts: Sequence[Summary]) -> Summary:
    """Summaries of different contracts as one."""
    closed: dict[int, int] = {}
    for minutes, count in (pair for part in parts for pair in part.closed.items()):
        closed[minutes] = closed.get(minutes, 0) + count
    oldest = min((part.oldest for part in parts if part.oldest is not None), default=None)
    return Summary(
        closed,
        sum(part.open for part in parts),
        sum(part.late for part in parts),
        oldest,
        sum(part.part for part in parts),
        sum(part.whole for part in parts),
    )


def rows(measures: Measures, now: int, own: Mapping[str, int] | None = None) -> list[dict[str, Any]]:
    """One row for each promise, as of `now` (the latest event, 0 before any), measured by the firm's `own` targets."""
    its = promises(own)
    return [row(name, its[name], summary(measured, its[name], now), now) for name, measured in measures.items()]


def row(name: Name, promise: Promise, found: Summary, now: int) -> dict[str, Any]:
    """One promise as it is shown."""
    shown: dict[str, Any] = {"sla": name, "meaning": promise.meaning}
    if promise.rate:
        ratio = divide(found.part * 1_000_000, found.whole) if found.whole else None
        return {
            **shown,
            "target_ratio": ratio_text(promise.target),
            "ratio": None if ratio is None else ratio_text(ratio),
            "part": found.part,
            "whole": found.whole,
            "met": None if ratio is None else ratio <= promise.target,
        }
    limit = coarse(promise.target // 60_000_000)
    slow = sum(count for minutes, count in found.closed.items() if minutes > limit)
    p95 = percentile(found.closed, 95)
    oldest = found.oldest
    return {
        **shown,
        "target_seconds": promise.target // 1_000_000,
        "p50_seconds": _seconds(percentile(found.closed, 50)),
        "p95_seconds": _seconds(p95),
        "closed": sum(found.closed.values()),
        "open": found.open,
        "breaches": slow + found.late,
        "oldest_open": {"subject": oldest.subject, "age_seconds": max(0, now - oldest.since) // 1_000_000}
        if oldest
        else None,
        "met": None if p95 is None else p95 <= limit,
    }


def _seconds(minutes: int | None) -> int | None:
    return None if minutes is None else minutes * 60


def ratio_text(micro: int) -> str:
    """Four places.

    >>> ratio_text(20_000)
    '0.0200'
    """
    units = divide(micro, 100)
    return f"{units // 10_000}.{units % 10_000:04d}"


class Work(NamedTuple):
    """A billable entry; `invoiced` is the moment of the first event of an invoice that names it."""

    entry_id: str
    approved: bool
    priced: bool
    day: int
    told: int
    invoiced: int | None


class Told(NamedTuple):
    """What a contract was told, as far as promises are about it. Moments in microseconds.

    `approved`: the first approval. `amendments`: (version, moment). `answers`: (moment, accepted, contract version or
    0). `invoices`: (moment, whether voided or credited). `disputes`: moments at which one was opened. `first_work`: the
    earliest event about work of the contract's first week with any.
    """

    contract_id: str
    approved: int | None
    amendments: Sequence[tuple[int, int]]
    answers: Sequence[tuple[int, bool, int]]
    invoices: Sequence[tuple[int, bool]]
    disputes: Sequence[int]
    first_work: int | None


def of_contract(told: Told, work: Iterable[Work], since: int) -> Measures:
    """What one contract adds to each measure; what closed before `since` is left out, what is open is not."""
    found = fresh()
    subject = f"contract/{told.contract_id}"
    if told.approved is not None:
        _take(found["project_activation_time"], told.approved, told.first_work, subject, since)
    for version, moment in told.amendments:
        heard = [at for at, accepted, known in told.answers if accepted and known >= version and at >= moment]
        _take(found["amendment_sync_latency"], moment, min(heard, default=None), f"{subject}/{version}", since)
    exceptions = found["invoice_exception_rate"]
    recent = [(at, wrong) for at, wrong in told.invoices if at >= since]
    answered = [accepted for at, accepted, _ in told.answers if at >= since]
    exceptions.part = sum(wrong for _, wrong in recent) + answered.count(False)
    exceptions.whole = len(recent) + len(answered)
    disputes = found["dispute_rate"]
    disputes.part, disputes.whole = sum(at >= since for at in told.disputes), len(recent)
    return total([found, of_work(work, since)])


def of_work(work: Iterable[Work], since: int) -> Measures:
    """What entries add; as for `of_contract`."""
    found = fresh()
    for one in work:
        entry = f"time/{one.entry_id}"
        ended = (one.day + 1 - EPOCH_DAY) * DAY
        _take(found["invoice_readiness_lag"], ended, one.told if one.approved else None, entry, since)
        if one.approved and one.priced:
            _take(found["approved_time_to_acknowledged"], one.told, one.invoiced, entry, since)
    return found


def _take(measured: Measured, begun: int, ended: int | None, subject: str, since: int) -> None:
    if ended is None:
        measured.opened.append(Open(begun, subject))
    elif ended >= since:
        measured.close(begun, ended)
