"""The journals a host keeps, wherever it keeps them: what a replay, an export and a verification start from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from typing import Protocol

from agents.effects import ENGAGEMENTS, FACTS, RESOURCES, Record
from app.engine.memory import MemoryHost
from app.engine.store import Store
from app.engine.topology import users_of
from app.events.fact import Fact

CHUNK = 20_000

READ_IN_ORDER = (FACTS, ENGAGEMENTS, RESOURCES)
"""The journals that hold what came in. Facts first, so that what they tell the homes is there when the homes' own
records come."""

_OF_PEOPLE = ("resource", "leave")

Progress = Callable[[int], None]


class Journals(Protocol):
    """Journals as they stood at one moment."""

    @property
    def partitions(self) -> int: ...

    def end(self, topic: str, partition: int) -> int:
        """The offset behind the last record."""
        ...

    def records(self, topic: str, partition: int, first: int = 0) -> AsyncIterator[list[Record]]:
        """What a partition holds from offset `first` on, in order; values are what `Journalled` says."""
        ...


class StoredJournals:
    """Those of an embedded host's store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def partitions(self) -> int:
        return self._store.partitions

    def end(self, topic: str, partition: int) -> int:
        return self._store.end(topic, partition)

    async def records(self, topic: str, partition: int, first: int = 0) -> AsyncIterator[list[Record]]:
        while found := self._store.read(topic, partition, first, CHUNK):
            first = found[-1].offset + 1
            yield found


def total(journals: Journals) -> int:
    """Records in all journals, what agents told each other included."""
    return sum(journals.end(topic, partition) for topic in READ_IN_ORDER for partition in range(journals.partitions))


async def accepted(
    journals: Journals, topic: str, progress: Progress = lambda records: None
) -> AsyncIterator[list[Fact]]:
    """What intake wrote into a journal, each input record once; `progress` is told records read.

    Left out are the copies: reference data stands in every partition and counts in the first, and what intake sent
    again after a crash is known by its origin.
    """
    for partition in range(journals.partitions):
        seen: dict[tuple[str, int], int] = {}
        async for records in journals.records(topic, partition):
            facts = [record.value for record in records if isinstance(record.value, Fact)]
            if topic == RESOURCES:
                facts = [fact for fact in facts if fact.kind in _OF_PEOPLE]
            if topic == ENGAGEMENTS and partition > 0:
                facts = [fact for fact in facts if has_home(fact)]
            if once := list(_once(facts, seen)):
                yield once
            progress(len(records))


def has_home(fact: Fact) -> bool:
    """Whether the fact names a contract; reference data does not, and is copied to every partition."""
    return b'"contract_id"' in bytes(fact.data)


def _once(facts: list[Fact], seen: dict[tuple[str, int], int]) -> Iterator[Fact]:
    """One journal partition has the records of one input partition in their order."""
    for fact in facts:
        origin = (fact.topic, fact.partition)
        if fact.offset > seen.get(origin, -1):
            seen[origin] = fact.offset
            yield fact


async def fold_accepted(
    host: MemoryHost,
    journals: Journals,
    progress: Progress = lambda records: None,
    wanted: Callable[[list[Fact]], list[Fact]] = lambda facts: facts,
) -> int:
    """Carry what intake accepted through the agents of a host of one partition; how many facts there were.

    Of each lot that is read only what `wanted` returns is folded.
    """
    found = 0
    numbers = count()
    for topic in READ_IN_ORDER:
        async for facts in accepted(journals, topic, progress):
            found += len(facts)
            _receive(host, topic, _numbered(wanted(facts), numbers))
    await host.drain()
    return found


def _receive(host: MemoryHost, topic: str, facts: list[Fact]) -> None:
    """Reference data stands among the engagements' records; the other journals that use it get their copies."""
    host.receive(topic, 0, facts)
    if topic != ENGAGEMENTS:
        return
    copies: dict[str, list[Fact]] = {}
    for fact in facts:
        for user in () if has_home(fact) else users_of(fact.kind):
            copies.setdefault(user, []).append(fact)
    for user, its in copies.items():
        if user != topic:
            host.receive(user, 0, its)


def _numbered(facts: list[Fact], numbers: count[int]) -> list[Fact]:
    """The facts with an origin of their own: a replay reads all partitions of a journal as one."""
    for fact in facts:
        fact.topic, fact.partition, fact.offset = "journal", -1, next(numbers)
    return facts
