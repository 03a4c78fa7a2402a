"""The host in memory: the same agents without topics on disk. Replay stands on it, and so do most tests."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar

from agents.effects import DOCUMENTS, ENGAGEMENTS, Batch, DeadLetter, Effects, Record, Statement
from agents.intake import intake
from app.engine.runner import Runner
from app.engine.topology import READERS, WORKED_OFF, addressed
from app.events.reader import Reader
from tables import Store, Table

V = TypeVar("V")

WHOLE: Final = sys.maxsize
"""A batch of whatever waits: who folds for figures at the end alone gives an agent all of its records at once."""


class MemoryStore:
    """The tables of one partition, values as they are: nothing is encoded that nobody else reads."""

    def __init__(self) -> None:
        self._values: dict[str, dict[str, Any]] = {}

    def get(self, table: Table[V], key: str) -> V | None:
        return self._values.get(table.name, {}).get(key)

    def keys(self, table: Table[Any]) -> Iterable[str]:
        return sorted(self._values.get(table.name, {}))

    def scan(self, table: Table[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
        values = self._values.get(table.name, {})
        for key in sorted([key for key in values if key.startswith(prefix)] if prefix else values):
            value = values.get(key)  # may be deleted meanwhile
            if value is not None:
                yield key, value

    def write(self, writes: Iterable[tuple[Table[Any], str, Any]]) -> None:
        for table, key, value in writes:
            values = self._values.setdefault(table.name, {})
            if value is None:
                values.pop(key, None)
            else:
                values[key] = value


class Overlay(MemoryStore):
    """Tables that may be written while those underneath stay as they are."""

    def __init__(self, base: Store) -> None:
        super().__init__()
        self._base = base

    def get(self, table: Table[V], key: str) -> V | None:
        value = super().get(table, key)
        return value if value is not None else self._base.get(table, key)

    def keys(self, table: Table[Any]) -> Iterable[str]:
        return sorted({*super().keys(table), *self._base.keys(table)})

    def scan(self, table: Table[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
        for key in self.keys(table):
            if key.startswith(prefix) and (value := self.get(table, key)) is not None:
                yield key, value


class MemoryHost:
    """Topics, tables and agents of `partitions` partitions in this process.

    `take` accepts raw records and carries them through all agents. Statements go to `on_statement`; with `publish`
    False none are computed, which is what a replay wants: it asks for figures at the end. Facts accepted after
    `until` (microseconds) are left out, and counted in `later`, but for those of the input partitions in `supposed`,
    which nobody accepted. A host that owns only some partitions hands records
    of the others to `on_foreign`, and is given its own by `receive`.
    """

    def __init__(
        self,
        partitions: int = 1,
        *,
        reader: Reader | None = None,
        batch_size: int = 20_000,
        publish: bool = True,
        until: int | None = None,
        supposed: Collection[int] = (),
        on_statement: Callable[[Statement], None] = lambda statement: None,
        on_dead_letter: Callable[[DeadLetter], None] = lambda letter: None,
        stores: Sequence[MemoryStore] = (),
        own: Sequence[int] = (),
        on_foreign: Callable[[str, int, list[Any]], None] = lambda topic, partition, values: None,
    ) -> None:
        self.partitions, self._batch_size, self._publish = partitions, batch_size, publish
        self._on_statement, self._on_dead_letter = on_statement, on_dead_letter
        self.own = list(own) or list(range(partitions))
        self._on_foreign = on_foreign
        self.stores = list(stores) or [MemoryStore() for _ in self.own]
        self._store_of = dict(zip(self.own, self.stores, strict=True))
        self._agents = {
            (topic, p): read(store) for topic, read in READERS.items() for p, store in self._store_of.items()
        }
        self._intake = Runner(lambda batches: intake(batches, self.stores[0], reader or Reader()))
        self._offsets = dict.fromkeys(self._agents, 0)
        self._backlog: dict[tuple[str, int], list[Record]] = {place: [] for place in self._agents}
        self._until, self._supposed = until, supposed
        self.read = 0
        self.later = 0

    async def take(self, topic: str, records: list[Record], partition: int = 0) -> None:
        """Carry raw records of one input partition through intake and everything after it."""
        if records:
            await self.accept(topic, records, partition)
            await self.drain()

    async def accept(self, topic: str, records: list[Record], partition: int = 0) -> None:
        """Carry raw records into the journals, and no further."""
        self.read += len(records)
        effects = await self._intake.step(Batch(topic, partition, records))
        if self._until is not None and partition not in self._supposed:
            self._forget_later(effects, self._until)
        await self._deliver(effects)

    def _forget_later(self, effects: Effects, until: int) -> None:
        known = [send for send in effects.sends if send.value.accepted <= until]
        self.later += len(effects.sends) - len(known)
        self.read -= len(effects.sends) - len(known)
        effects.sends = known

    async def drain(self, topics: Sequence[str] = WORKED_OFF) -> None:
        """Work off journals in an order in which what each tells the next ones is in the same round."""
        for topic in topics:
            for partition in self.own:
                records = self._backlog[topic, partition]
                self._backlog[topic, partition] = []
                for start in range(0, len(records), self._batch_size):
                    await self.step(topic, partition, records[start : start + self._batch_size])

    def receive(self, topic: str, partition: int, values: Sequence[Any]) -> None:
        """Append records to one of the host's own partitions."""
        offset = self._offsets[topic, partition]
        self._offsets[topic, partition] = offset + len(values)
        self._backlog[topic, partition] += [Record(offset + place, value) for place, value in enumerate(values)]

    def advance(self, topic: str, records: int, partition: int = 0) -> None:
        """Count records that are stepped through without having been sent."""
        self._offsets[topic, partition] += records

    async def step(self, topic: str, partition: int, records: list[Record]) -> None:
        effects = await self._agents[topic, partition].step(Batch(topic, partition, records, publish=self._publish))
        await self._deliver(effects)
        while self._publish and effects.owing and topic in (ENGAGEMENTS, DOCUMENTS):
            effects = await self._agents[topic, partition].step(Batch(topic, partition, []))
            await self._deliver(effects)

    async def _deliver(self, effects: Effects) -> None:
        agents = effects.batch.topic in READERS
        (self._store_of[effects.batch.partition] if agents else self.stores[0]).write(effects.writes)
        for (topic, partition), sends in addressed(effects.sends, self.partitions).items():
            values = [send.value for send in sends]
            if partition in self._store_of:
                self.receive(topic, partition, values)
            else:
                self._on_foreign(topic, partition, values)
        for statement in effects.statements:
            self._on_statement(statement)
        for letter in effects.dead_letters:
            self._on_dead_letter(letter)
