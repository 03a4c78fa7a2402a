"""Events written to the input topics from outside of a worker, with their delivery waited for."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from types import TracebackType
from typing import NamedTuple, Self
from zlib import crc32

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError
from aiokafka.structs import RecordMetadata

from agents.effects import INPUTS
from app.engine.kafka.log import Place, speaking
from app.engine.kafka.records import EVENT_HEADERS
from app.engine.kafka.security import client_arguments
from app.engine.kafka.topics import admin, check, source
from app.engine.placement import Placement, Taken, placed
from app.engine.topology import partition_of
from app.events.cloudevents import Headers
from app.events.reader import Reader
from app.events.refusal import Refusal
from app.settings import Settings

BATCH_BYTES = 256 << 10
REQUEST_BYTES = 64 << 20
NOWHERE = -1
"""The offset of an event that the brokers would not keep."""


class _Sent(NamedTuple):
    """A batch under way: which of the lines are in it, in order."""

    place: Place
    indexes: list[int]
    delivery: asyncio.Future[RecordMetadata]


class Publisher:
    """Appends events to the topics they belong to; what cannot be read too, so that it ends as a dead letter.

    `reader` says where an event belongs, and what will become of it. An event that is sent twice, because an answer was
    lost, is a duplicate and changes nothing; so this producer need not be idempotent, and one record that is refused
    for its size does not take those behind it along.
    """

    def __init__(self, settings: Settings, reader: Reader) -> None:
        self._settings, self._reader = settings, reader
        self._arguments = client_arguments(settings)
        self._producer: AIOKafkaProducer | None = None
        self._partitions = 0

    async def __aenter__(self) -> Self:
        with speaking(self._settings):
            client = await admin(self._arguments)
            try:
                topics = [source(self._settings.kafka_prefix + name) for name in INPUTS]
                self._partitions = await check(client, topics)
            finally:
                await client.close()
            self._producer = AIOKafkaProducer(
                **self._arguments, acks="all", max_batch_size=BATCH_BYTES, max_request_size=REQUEST_BYTES
            )
            await self._producer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._producer is not None:
            await self._producer.stop()

    async def take(self, lines: Sequence[bytes], headers: Sequence[tuple[str, bytes]] = ()) -> list[Taken]:
        """Append the events and return, in their order, where each stands: the brokers have them all.

        `headers` are those of every line, as an event in binary mode brings them. An event that is larger than its
        topic allows is refused as `too_large` and stands at `NOWHERE`. Raises LogError where a delivery failed: then
        some may have been kept, and all may be sent again.
        """
        found = [placed(self._reader, line, headers) for line in lines]
        by_place: dict[Place, list[int]] = defaultdict(list)
        for index, one in enumerate(found):
            by_place[self._place(one, lines[index])].append(index)
        taken: dict[int, Taken] = {}
        waiting = list(by_place.items())
        with speaking(self._settings):
            while waiting:
                sent = [b for place, own in waiting for b in await self._send(place, own, lines, found, headers)]
                await asyncio.wait([batch.delivery for batch in sent])
                waiting = []
                for batch in sent:
                    if not _too_large(batch):
                        taken.update(_receipts(batch, found))
                    elif len(batch.indexes) == 1:
                        taken.update(_refused(batch, lines, found))
                    else:  # which of them is too large only the broker knows
                        waiting += [(batch.place, [index]) for index in batch.indexes]
        return [taken[index] for index in range(len(lines))]

    def _place(self, one: Placement, line: bytes) -> Place:
        """Records without a key are spread, and a repeat stands where the first one does."""
        topic = self._settings.kafka_prefix + one.topic
        if one.key is None:
            return Place(topic, crc32(line) % self._partitions)
        return Place(topic, partition_of(one.key, self._partitions))

    async def _send(
        self,
        place: Place,
        indexes: Sequence[int],
        lines: Sequence[bytes],
        found: Sequence[Placement],
        given: Sequence[tuple[str, bytes]],
    ) -> list[_Sent]:
        """Hand the lines of one partition to the producer, in as many batches as it takes."""
        assert self._producer is not None
        headers: Headers = list(given) or EVENT_HEADERS
        sent: list[_Sent] = []
        rest = list(indexes)
        while rest:
            batch = self._producer.create_batch()
            count = 0
            for index in rest:
                key = found[index].key
                appended = batch.append(
                    timestamp=None, key=None if key is None else key.encode(), value=lines[index], headers=headers
                )
                if appended is None:
                    break
                count += 1
            batch.close()
            delivery = await self._producer.send_batch(batch, place.topic, partition=place.partition)
            sent.append(_Sent(place, rest[:count], delivery))
            rest = rest[count:]
        return sent


def _too_large(batch: _Sent) -> bool:
    return isinstance(batch.delivery.exception(), MessageSizeTooLargeError | RecordListTooLargeError)


def _receipts(batch: _Sent, found: Sequence[Placement]) -> dict[int, Taken]:
    partition, base = batch.place.partition, batch.delivery.result().offset
    return {
        index: Taken(found[index].topic, partition, base + step, found[index].accepted, found[index].refusal)
        for step, index in enumerate(batch.indexes)
    }


def _refused(batch: _Sent, lines: Sequence[bytes], found: Sequence[Placement]) -> dict[int, Taken]:
    (index,) = batch.indexes
    topic, partition = batch.place
    refusal = Refusal(
        "too_large",
        f"{topic} takes no record of {len(lines[index])} bytes; send less in one event,"
        " or raise the topic's max.message.bytes",
    )
    return {index: Taken(found[index].topic, partition, NOWHERE, None, refusal)}
