"""What an agent is given and what it yields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from tables import Table

# Topics between agents, and those that leave; a host puts its prefix (`headrace.`) before them.
FACTS = "journal.facts"
ENGAGEMENTS = "journal.engagements"
RESOURCES = "journal.resources"
PRACTICES = "journal.practices"
DOCUMENTS = "journal.documents"
JOURNALS = (FACTS, ENGAGEMENTS, RESOURCES, PRACTICES, DOCUMENTS)
INPUTS = ("contracts", "timesheets", "staffing", "milestones", "erp-feedback", "reference")
EVERY = "every"

BURN = "burn"
THRESHOLDS = "burn.thresholds"
READINESS = "readiness"
FORECAST = "forecast.burn"
REVENUE = "erp.revenue"
BILLING = "erp.billing"
SHADOW = "erp.shadow"
EXCEPTIONS = "exceptions"
UTILIZATION = "forecast.utilization"
DEMAND = "forecast.demand"
ALERTS = "forecast.alerts"
ACCURACY = "forecast.accuracy"
SLAS = "slas"
DERIVED = (
    BURN,
    THRESHOLDS,
    READINESS,
    BILLING,
    SHADOW,
    FORECAST,
    REVENUE,
    UTILIZATION,
    DEMAND,
    ALERTS,
    ACCURACY,
    SLAS,
    EXCEPTIONS,
)
DEAD_LETTERS = ".dead-letters"


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record of a topic. At intake `value` is the bytes as they came; in a journal it is a `Journalled`."""

    offset: int
    value: Any
    headers: tuple[tuple[str, bytes], ...] = ()
    accepted: int | None = None  # when the host took it in, microseconds; None: the event says so itself


@dataclass(slots=True)
class Batch:
    """Records of one partition in the order of their offsets.

    With `publish` False (while a host catches up) what was touched is stated with the next batch that may; `limit` is
    how many contracts, or weeks of people or groups, at most are stated now, the rest wait for the next batch (which
    may be empty).
    """

    topic: str
    partition: int
    records: list[Record]
    publish: bool = True
    limit: int | None = None


class Send(msgspec.Struct, frozen=True, gc=False):
    """A record for a journal; `topic` EVERY means every partition of every journal that uses such reference data."""

    topic: str
    key: str
    value: Any


class Statement(NamedTuple):
    """The full current statement for its key. `latest`, the fact behind: (time, source, id, correlation id or "")."""

    topic: str
    type: str
    key: str
    version: int
    payload: Mapping[str, Any]
    latest: tuple[int, str, str, str]


class DeadLetter(NamedTuple):
    """A record that cannot be read, byte for byte, and why."""

    topic: str
    partition: int
    offset: int
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    code: str
    message: str
    pointer: str


@dataclass(slots=True)
class Effects:
    """All that follows from one batch: the host delivers everything, then acknowledges the batch.

    Writes are (table, key, value), None to delete the key; they are in an order in which any prefix may survive a
    crash. `owing` counts what is still to be stated; `patient` of it may wait until nothing else is to do, and a moment
    longer. `due` is the moment (microseconds) that the agent wants to be told has come; None: nothing waits for one.
    """

    batch: Batch
    writes: list[tuple[Table[Any], str, Any]] = field(default_factory=list)
    sends: list[Send] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    owing: int = 0
    patient: int = 0
    due: int | None = None


def key_of(*parts: str) -> str:
    """The key of a statement: its parts joined by `/`, which inside an id is written `%2F`."""
    key = "/".join(parts)
    if "%" not in key and key.count("/") < len(parts):
        return key
    return "/".join(part.replace("%", "%25").replace("/", "%2F") for part in parts)


def contract_of(key: str) -> str:
    """The contract's id in the key of a document, `contract/period/kind/sequence`.

    >>> contract_of("A%2FB/2026-03/time/1")
    'A/B'
    """
    return key.split("/", 1)[0].replace("%2F", "/").replace("%25", "%")
