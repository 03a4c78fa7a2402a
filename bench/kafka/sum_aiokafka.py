"""Keyed sums over aiokafka alone: the same agent and the same records as headrace, a commit after delivery.

What headrace's host costs is the difference to this loop, which has no recovery, no guard and no second owner of a
partition to think of. Run by `bench.kafka.sums`.
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Iterable, Sequence
from functools import partial
from time import monotonic
from typing import Any

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from agents.effects import Batch
from app.engine.kafka.records import Wire, changelog_record, statement_record, version_of
from app.engine.memory import MemoryStore
from app.engine.runner import Runner
from bench.kafka.keyed_agent import add_up, read
from bench.kafka.task import Meter, Task

BATCH = 2_000
COMMIT_SECONDS = 0.5


class Loop:
    def __init__(self, task: Task, consumer: Any, producer: Any) -> None:
        self._task, self._consumer, self._producer = task, consumer, producer
        self._meter = Meter()
        self._stores = [MemoryStore() for _ in range(task.partitions)]
        self._agents = [Runner(partial(add_up, store=store)) for store in self._stores]
        self._sent: list[Any] = []

    async def run(self) -> None:
        committed = monotonic()
        while self._meter.events < self._task.events:
            for place, records in (await self._consumer.getmany(timeout_ms=500)).items():
                for start in range(0, len(records), BATCH):
                    await self._take(place.partition, records[start : start + BATCH])
            if monotonic() - committed > COMMIT_SECONDS:
                await self._commit()
                committed = monotonic()
        await self._commit()
        self._meter.answer(self._meter.events)

    async def _take(self, partition: int, records: Sequence[Any]) -> None:
        self._meter.begin()
        effects = await self._agents[partition].step(Batch(self._task.topic, partition, read(records)))
        self._stores[partition].write(effects.writes)
        version = version_of(0, records[-1].offset)
        written = [changelog_record(table, key, value, version) for table, key, value in effects.writes]
        await self._send(self._task.changelog, partition, written)
        await self._send(self._task.output, partition, map(statement_record, effects.statements))
        self._meter.events += len(records)

    async def _send(self, topic: str, partition: int, wires: Iterable[Wire]) -> None:
        batch = self._producer.create_batch()
        for key, value, headers in wires:
            if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                await self._close(batch, topic, partition)
                batch = self._producer.create_batch()
                batch.append(key=key, value=value, timestamp=None, headers=headers)
        await self._close(batch, topic, partition)

    async def _close(self, batch: Any, topic: str, partition: int) -> None:
        batch.close()
        self._sent.append(await self._producer.send_batch(batch, topic, partition=partition))

    async def _commit(self) -> None:
        await asyncio.gather(*self._sent)
        self._sent.clear()
        await self._consumer.commit()


async def main() -> None:
    task = Task.given()
    consumer = AIOKafkaConsumer(
        task.topic,
        bootstrap_servers=task.bootstrap,
        group_id=task.name,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=task.bootstrap, enable_idempotence=True, acks="all", max_batch_size=512 * 1024
    )
    await consumer.start()
    await producer.start()
    gc.freeze()
    await Loop(task, consumer, producer).run()
    os._exit(0)


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(main())
