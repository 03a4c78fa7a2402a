"""Keyed sums over aiokafka alone: the fold of `bench.kafka.keyed`, a changelog, statements, a commit after delivery.

What headrace's host costs is the difference to this loop, which has no recovery, no guard and no second partition
owner to think of. Run by `bench.kafka.sums`.
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Iterable, Sequence
from time import monotonic
from typing import Any

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.kafka.keyed import Sums, decode_events, decode_sums, encode_sums
from bench.kafka.task import Meter, Task

BATCH = 2_000
COMMIT_SECONDS = 0.5
Pair = tuple[bytes, bytes]


class Loop:
    def __init__(self, task: Task, consumer: Any, producer: Any) -> None:
        self._task, self._consumer, self._producer = task, consumer, producer
        self._meter = Meter()
        self._state: dict[bytes, bytes] = {}
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
        touched = [(key, encode_sums(sums)) for key, sums in self._fold(records).items()]
        self._state.update(touched)
        await self._send(self._task.changelog, partition, touched)
        await self._send(self._task.output, partition, touched)
        self._meter.events += len(records)

    def _fold(self, records: Sequence[Any]) -> dict[bytes, Sums]:
        events = decode_events(b"[" + b",".join([record.value for record in records]) + b"]")
        touched: dict[bytes, Sums] = {}
        for record, event in zip(records, events, strict=True):
            sums = touched.get(record.key)
            if sums is None:
                stored = self._state.get(record.key)
                sums = touched[record.key] = decode_sums(stored) if stored else Sums()
            sums.add(event, record.offset)
        return touched

    async def _send(self, topic: str, partition: int, pairs: Iterable[Pair]) -> None:
        batch = self._producer.create_batch()
        for key, value in pairs:
            if batch.append(key=key, value=value, timestamp=None) is None:
                await self._close(batch, topic, partition)
                batch = self._producer.create_batch()
                batch.append(key=key, value=value, timestamp=None)
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
