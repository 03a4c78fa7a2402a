"""What a deployment runs: which agents read which topics, and what records look like to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from agents.effects import DOCUMENTS, ENGAGEMENTS, FACTS, INPUTS, JOURNALS, PRACTICES, RESOURCES, Record
from agents.intake import intake, reached
from app.domain.gate import OPEN, Rules
from app.domain.sla import NO_TARGETS
from app.domain.utilization import WINDOW, Window
from app.engine.kafka.topics import Topic, changelog_name, product
from app.engine.runner import Runner
from app.engine.topology import readers
from app.events.journalled import Journalled
from app.events.reader import Reader
from tables import TABLES, Store

Read = Callable[[Sequence[Any]], list[Record]]


class Seat(NamedTuple):
    """An agent of the job. `number` stands in the version of all it writes: never give it to another one.

    An agent that states things does so at intervals (`app.engine.kafka.lane`); others leave nothing to be said later.
    `reached` tells from the tables which offset of a topic (with its slice) they include; where it is left out that is
    the offset in the greatest version, as for an agent of one topic.
    """

    number: int
    name: str
    topics: tuple[str, ...]  # without the group's prefix
    make: Callable[[Store], Runner]
    read: Read
    states: bool = False
    reached: Callable[[Store, str, int], int] | None = None


class Job(NamedTuple):
    """Agents under a group's name, and every topic they need."""

    group: str
    seats: tuple[Seat, ...]
    topics: tuple[Topic, ...]
    gapless: frozenset[str]  # source topics in which every offset holds a record: ours alone, and not compacted
    tables: frozenset[str] = frozenset()  # names of the tables that agents keep; none: whatever they like

    @property
    def prefix(self) -> str:
        return f"{self.group}."

    @property
    def changelog(self) -> str:
        return changelog_name(self.group)


def firm(
    group: str,
    reader: Reader,
    window: Window = WINDOW,
    rules: Rules = OPEN,
    targets: Mapping[str, int] = NO_TARGETS,
) -> Job:
    """The product's own job."""
    agents = readers(window, rules, targets)

    def taking(store: Store) -> Runner:
        return Runner(lambda batches: intake(batches, store, reader))

    seats = (
        Seat(0, "intake", INPUTS, taking, raw, reached=reached),
        Seat(1, "facts", (FACTS,), agents[FACTS], journal),
        Seat(2, "engagement", (ENGAGEMENTS,), agents[ENGAGEMENTS], journal, states=True),
        Seat(3, "resource", (RESOURCES,), agents[RESOURCES], journal, states=True),
        Seat(4, "practice", (PRACTICES,), agents[PRACTICES], journal, states=True),
        Seat(5, "gate", (DOCUMENTS,), agents[DOCUMENTS], journal, states=True),
    )
    journals = frozenset(f"{group}.{name}" for name in JOURNALS)
    return Job(group, seats, tuple(product(group)), journals, frozenset(table.name for table in TABLES))


def raw(records: Sequence[Any]) -> list[Record]:
    """Records as producers sent them, accepted when the broker took them in (milliseconds there)."""
    return [
        Record(record.offset, record.value or b"", record.headers, max(record.timestamp, 0) * 1_000)
        for record in records
    ]


_decode = msgspec.json.Decoder(list[Journalled]).decode


def journal(records: Sequence[Any]) -> list[Record]:
    """Records of a journal; all of a batch are decoded at once."""
    values = _decode(b"[" + b",".join([record.value for record in records]) + b"]")
    return [Record(record.offset, value) for record, value in zip(records, values, strict=True)]
