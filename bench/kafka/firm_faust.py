"""The real job as a Faust application is usually written: an agent per stream, an event at a time, Faust's tables.

Every rule is headrace's own: intake reads with the same reader, and each journal record goes through the same fold as
in the product, alone. What differs is who carries: Faust's streams, tables, changelogs and sends, tuned as in
`sum_faust`. The counts that let headrace's host prove that nothing was lost are kept in memory only, which spares
Faust a table write for each record. Run by `bench.kafka.firm`.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import faust
import uvloop
from faust.worker import Worker

from agents.effects import (
    DEAD_LETTERS,
    DERIVED,
    ENGAGEMENTS,
    FACTS,
    INPUTS,
    JOURNALS,
    RESOURCES,
    Batch,
    DeadLetter,
    Effects,
    Record,
)
from app.engine.kafka.records import dead_letter_record, decode_journal, encode_journal, statement_record
from app.engine.runner import Runner
from app.engine.topology import READERS, partition_of
from app.events.reader import Reader
from app.events.refusal import Refusal
from bench.kafka.task import Task
from tables import TABLES, Table
from tables.controls import CONTROLS

V = TypeVar("V")

task = Task.given()
session_seconds = float(os.environ.get("BENCH_SESSION_SECONDS", "60"))

app = faust.App(
    task.name,
    broker=f"kafka://{task.bootstrap}",
    store="memory://",
    datadir=str(task.folder),
    topic_partitions=task.partitions,
    topic_replication_factor=1,
    table_standby_replicas=0,
    web_enabled=False,
    producer_linger=0.02,
    producer_max_batch_size=256 * 1024,
    broker_session_timeout=session_seconds,
    broker_heartbeat_interval=min(3.0, session_seconds / 10),
    cython_optimizations=True,
    worker_redirect_stdouts=False,
)


class Written(faust.Schema[str, Any]):
    """Values as the product writes them; in memory Faust keeps the values themselves."""

    def __init__(self, encode: Callable[[Any], bytes], decode: Callable[[bytes], Any]) -> None:
        super().__init__(key_type=str)
        self._encode, self._decode = encode, decode

    def loads_value(self, app: Any, message: Any, **_: Any) -> Any:
        return None if message.value is None else self._decode(message.value)

    def dumps_value(self, app: Any, value: Any, *, headers: Any, **_: Any) -> tuple[bytes | None, Any]:
        return None if value is None else self._encode(value), headers


def _table(table: Table[Any]) -> Any:
    return app.Table(table.name, key_type=str, schema=Written(table.encode, table.decode), partitions=task.partitions)


def _topic(name: str, **types: Any) -> Any:
    return app.topic(f"{task.name}.{name}", partitions=task.partitions, **types)


RAW: dict[str, Any] = {"key_type": bytes, "key_serializer": "raw", "value_type": bytes, "value_serializer": "raw"}
inputs = {name: _topic(name, **RAW) for name in INPUTS}
dead_letters = {name: _topic(name + DEAD_LETTERS, **RAW) for name in INPUTS}
derived = {name: _topic(name, **RAW) for name in DERIVED}
journals = {name: _topic(name, schema=Written(encode_journal, decode_journal)) for name in JOURNALS}
tables = {table.name: _table(table) for table in TABLES if table is not CONTROLS}
reader = Reader()


class PartitionStore:
    """Faust's tables as one partition's agents see them: Faust keeps all partitions of a table in one mapping."""

    def __init__(self, partition: int) -> None:
        self._prefix = f"{partition}|"
        self._controls: dict[str, Any] = {}

    def get(self, table: Table[V], key: str) -> V | None:
        if table is CONTROLS:
            return self._controls.get(key)
        value: V | None = tables[table.name].get(self._prefix + key)
        return value

    def keys(self, table: Table[Any]) -> Iterable[str]:
        held = self._controls if table is CONTROLS else tables[table.name]
        skipped = 0 if table is CONTROLS else len(self._prefix)
        return sorted(key[skipped:] for key in list(held.keys()) if not skipped or key.startswith(self._prefix))

    def scan(self, table: Table[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
        for key in self.keys(table):
            if key.startswith(prefix) and (value := self.get(table, key)) is not None:
                yield key, value

    def put(self, table: Table[Any], key: str, value: Any) -> None:
        """Only within an agent, for a key of the event's own partition."""
        if table is CONTROLS:
            self._controls[key] = value
        elif value is None:
            tables[table.name].pop(self._prefix + key, None)
        else:
            tables[table.name][self._prefix + key] = value


class Folds:
    """The product's fold of one journal, per partition."""

    def __init__(self, journal: str) -> None:
        self._journal = journal
        self._readers: dict[int, tuple[PartitionStore, Runner]] = {}

    async def take(self, event: Any) -> None:
        """One record: fold it, write the tables, send what follows."""
        partition = event.message.partition
        if partition not in self._readers:
            store = PartitionStore(partition)
            self._readers[partition] = store, READERS[self._journal](store)
        store, fold = self._readers[partition]
        effects = await fold.step(Batch(self._journal, partition, [Record(event.message.offset, event.value)]))
        for table, key, value in effects.writes:
            store.put(table, key, value)
        await _send(effects)


async def _send(effects: Effects) -> None:
    for send in effects.sends:
        await journals[send.topic].send(key=send.key, value=send.value, partition=_place(send.key))
    for statement in effects.statements:
        wire = statement_record(statement)
        await derived[statement.topic].send(key=wire.key, value=wire.value, headers=wire.headers)


def _place(key: str) -> int:
    return partition_of(key, task.partitions)


def _accepting(name: str) -> Any:
    """The agent of one input stream."""

    async def accept(stream: Any) -> None:
        journal_of = {"facts": FACTS, "engagements": ENGAGEMENTS, "resources": RESOURCES}
        async for event in stream.events():
            message = event.message
            origin = (name, message.partition, message.offset)
            try:
                taken = reader.read(event.value, accepted=int(message.timestamp * 1_000_000), origin=origin)
            except Refusal as refusal:
                await _refuse(name, message, refusal)
                continue
            if taken.journal == "every":
                for partition in range(task.partitions):
                    await journals[ENGAGEMENTS].send(key=taken.key, value=taken.fact, partition=partition)
            else:
                await journals[journal_of[taken.journal]].send(
                    key=taken.key, value=taken.fact, partition=_place(taken.key)
                )

    return accept


async def _refuse(name: str, message: Any, refusal: Refusal) -> None:
    place = (name, message.partition, message.offset)
    letter = DeadLetter(*place, message.value, (), refusal.code, refusal.message, refusal.pointer)
    wire = dead_letter_record(letter, message.key)
    await dead_letters[name].send(key=wire.key, value=wire.value, headers=wire.headers)


def _folding(journal: str) -> Any:
    """The agent of one journal."""

    async def fold(stream: Any) -> None:
        folds = Folds(journal)
        async for event in stream.events():
            await folds.take(event)

    return fold


for name, topic in inputs.items():
    app.agent(topic, name=f"accept-{name}")(_accepting(name))
for name, topic in journals.items():
    app.agent(topic, name=f"fold-{name}")(_folding(name))


@app.task  # type: ignore[untyped-decorator]
async def quiet() -> None:
    # The worker turned the root logger up for its spinner, which costs a sixth of the CPU.
    logging.disable(logging.WARNING)


if __name__ == "__main__":
    uvloop.install()
    Worker(app, loglevel="WARN", loop=asyncio.new_event_loop(), quiet=True).execute_from_commandline()
