"""Feeding a live group at a steady rate, and how long each event takes to show in a statement.

A probe is a time entry of a contract that exists; each carries a later `time` than the one before, and a statement says
the time of the latest fact behind it. So the first statement of the contract that is as late as the probe includes it,
whether or not others came in between. The clock starts with the moment at which the broker appended the probe, and
stops when a reader has the statement.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any, Final, NamedTuple

import orjson
from confluent_kafka import OFFSET_END, TIMESTAMP_LOG_APPEND_TIME

from agents.effects import BURN
from app.engine.topology import partition_of
from app.simulation.scenario import DEFAULT_END
from bench.kafka.cluster import Cluster

PATIENCE_SECONDS: Final = 20
"""How long after the last probe a statement may come."""

_FIRST: Final = datetime(DEFAULT_END.year, DEFAULT_END.month, DEFAULT_END.day, tzinfo=UTC) + timedelta(days=1)
_STEP: Final = timedelta(milliseconds=1)


class Target(NamedTuple):
    """Whose time on which contract."""

    contract_id: str
    resource_id: str
    role: str | None
    line_id: str | None


def targets(lines: Sequence[bytes]) -> list[Target]:
    """One for each contract that somebody's approved time names."""
    found: dict[str, Target] = {}
    for line in lines:
        event = orjson.loads(line)
        if event["type"] == "time.approved.v1":
            said = event["data"]
            its = Target(said["contract_id"], said["resource_id"], said.get("role"), said.get("line_id"))
            found.setdefault(its.contract_id, its)
    return list(found.values())


class Said(NamedTuple):
    """A statement, as far as it matters here."""

    contract_id: str
    time: datetime

    @classmethod
    def of(cls, message: Any) -> Said:
        return cls(message.key().decode(), datetime.fromisoformat(dict(message.headers())["ce_time"].decode()))


class Probes:
    """Sends probes to a group's time sheets and listens to its burn statements. Instants are of the wall clock."""

    def __init__(self, cluster: Cluster, group: str, aims: Sequence[Target]) -> None:
        self.appended: dict[int, float] = {}
        self.heard: dict[int, float] = {}
        self.slices: dict[int, int] = {}  # the partition of the probe's contract
        self._partitions = cluster.partitions
        self._topic = f"{group}.timesheets"
        self._aims = cycle(aims)
        self._open: dict[str, deque[int]] = defaultdict(deque)
        self._producer = cluster.producer(**{"linger.ms": 0})
        self._reader = cluster.reader([f"{group}.{BURN}"], OFFSET_END)
        self._reader.consume(1, 1.0)  # so that it stands at the end before the first probe is sent

    def feed(self, rate: float, seconds: float) -> None:
        """Send `rate` probes a second, evenly, and listen meanwhile."""
        began, first = time.monotonic(), len(self.slices)
        while (elapsed := time.monotonic() - began) < seconds:
            while len(self.slices) - first < rate * elapsed:
                self._send(len(self.slices))
            self._listen(0.002)

    def finish(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Listen until every probe was heard of, but no longer than told."""
        self._producer.flush(seconds)
        deadline = time.monotonic() + seconds
        while len(self.heard) < len(self.slices) and time.monotonic() < deadline:
            self._listen(0.01)
        self._reader.close()

    @property
    def lost(self) -> int:
        """Probes that nothing was heard of."""
        return len(self.slices) - len(self.heard)

    def latencies(self) -> list[float]:
        """Seconds from append to statement, in rising order."""
        return sorted(self.heard[number] - self.appended[number] for number in self.heard)

    def first_after(self, instant: float) -> dict[int, float]:
        """By slice: when a statement was heard of for the first time that includes a probe appended after `instant`."""
        found: dict[int, float] = {}
        for number, heard in self.heard.items():
            if self.appended[number] >= instant:
                place = self.slices[number]
                found[place] = min(heard, found.get(place, heard))
        return found

    def _send(self, number: int) -> None:
        aim = next(self._aims)
        key = f"time/PROBE-{number}"
        self.slices[number] = partition_of(aim.contract_id, self._partitions)
        self._open[aim.contract_id].append(number)

        def appended(error: Any, message: Any) -> None:
            if error:
                raise RuntimeError(f"{key} was not appended: {error}")
            kind, millis = message.timestamp()
            if kind != TIMESTAMP_LOG_APPEND_TIME:
                raise RuntimeError(f"{self._topic} does not say when it appended a record; it was not made by headrace")
            self.appended[number] = millis / 1_000

        place = partition_of(key, self._partitions)
        self._producer.produce(self._topic, _event(number, aim), key, place, on_delivery=appended)

    def _listen(self, seconds: float) -> None:
        self._producer.poll(0)
        messages = self._reader.consume(1_000, seconds)
        now = time.time()
        for message in messages:
            said = Said.of(message)
            waiting = self._open.get(said.contract_id)  # the keys of lines have the contract's before a slash
            if not waiting:
                continue
            latest = (said.time - _FIRST) // _STEP
            while waiting and waiting[0] <= latest:
                self.heard[waiting.popleft()] = now


def _event(number: int, aim: Target) -> bytes:
    data = {
        "entry_id": f"PROBE-{number}",
        "revision": 1,
        "contract_id": aim.contract_id,
        "resource_id": aim.resource_id,
        "work_date": str(DEFAULT_END),
        "minutes": 60,
        "role": aim.role,
        "line_id": aim.line_id,
    }
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": f"PROBE-{number}.1",
            "source": "/bench",
            "type": "time.approved.v1",
            "time": (_FIRST + number * _STEP).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "data": {name: value for name, value in data.items() if value is not None},
        }
    )


def quantile(rising: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed; of none 0."""
    return rising[min(int(len(rising) * share), len(rising) - 1)] if rising else 0.0
