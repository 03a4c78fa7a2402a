"""The producer: what it delivered, and where in the changelog that stands."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordTooLargeError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata

from app.engine.kafka.ending import Exit, Unfit, end
from app.engine.kafka.lease import Lease
from app.engine.kafka.records import Wire, changelog_version
from app.engine.kafka.values import Row, Values

MAX_RECORD: Final = 8 << 20
"""Bytes of the largest record that topics of ours take."""

_BATCH: Final = 768 << 10
"""Bytes of a batch; only a single record may be larger."""


class Writer:
    """Sends record batches, idempotent and acknowledged by all replicas, while the lease holds.

    `lease` None: nobody else may own what is written here (events that come in from outside).
    """

    def __init__(self, arguments: Mapping[str, Any], lease: Lease | None) -> None:
        self._arguments, self._lease = arguments, lease
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        producer = AIOKafkaProducer(
            **self._arguments,
            enable_idempotence=True,
            acks="all",
            linger_ms=0,
            max_batch_size=_BATCH,
            max_request_size=MAX_RECORD + (1 << 20),
            request_timeout_ms=30_000,
        )
        await producer.start()
        if self._lease is not None:
            _guard(producer, self._lease)
        self._producer = producer

    async def stop(self) -> None:
        if self._producer is not None:
            await self._producer.stop()

    async def send(self, topic: str, partition: int, wires: Sequence[Wire], frontier: Frontier | None = None) -> None:
        """Deliver records to one partition, in order; `frontier` is told of those of a changelog.

        A second batch is sent once the first is delivered, so what is lost by a failure is always an end, never a
        middle. Raises KafkaError, and Unfit for a record that its topic does not take.
        """
        begun = 0
        while begun < len(wires):
            batch, count = self._batch(wires, begun)
            sent = wires[begun : begun + count]
            try:
                if frontier is None:
                    await (await self.submit(batch, topic, partition))
                else:
                    await frontier.submit(self, batch, sent)
            except (MessageSizeTooLargeError, RecordTooLargeError):
                raise _too_large(topic, sent) from None
            begun += count

    async def submit(self, batch: BatchBuilder, topic: str, partition: int) -> asyncio.Future[RecordMetadata]:
        assert self._producer is not None
        future: asyncio.Future[RecordMetadata] = await self._producer.send_batch(batch, topic, partition=partition)
        return future

    def _batch(self, wires: Sequence[Wire], begun: int) -> tuple[BatchBuilder, int]:
        """As many of the records as one batch holds; at least one."""
        assert self._producer is not None
        batch = self._producer.create_batch()
        count = 0
        for key, value, headers in wires[begun:] if begun else wires:
            if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
                break
            count += 1
        batch.close()
        return batch, count


def _guard(producer: AIOKafkaProducer, lease: Lease) -> None:
    """No request leaves once the lease has lapsed."""
    send = producer.client.send

    async def guarded(*arguments: Any, **options: Any) -> Any:
        if overdue := lease.overdue():
            end(Exit.LEASE, f"no heartbeat was answered in time, {overdue:.1f} s too long: nothing more is written")
        return await send(*arguments, **options)

    producer.client.send = guarded


def _too_large(topic: str, wires: Sequence[Wire]) -> Unfit:
    key, value, _ = max(wires, key=lambda wire: len(wire.value or b""))
    return Unfit(
        f"the record for key {(key or b'').decode(errors='replace')!r} of {topic} has {len(value or b''):,} bytes,"
        " which the broker does not take; raise max.message.bytes of the topic (and message.max.bytes and"
        " replica.fetch.max.bytes of the brokers), then start again: nothing behind it was acknowledged"
    )


class Frontier:
    """Where the changelog partition of a slice ends if nobody but us writes to it, and the values it holds up to there.

    Several agents write to one slice; values change in the order of the changelog, once they stand in it.
    """

    def __init__(self, topic: str, partition: int, offset: int, values: Values) -> None:
        self._topic, self._partition, self._values = topic, partition, values
        self.offset = offset
        self._order = asyncio.Lock()  # batches are noted in the order in which they are sent
        self._sent: deque[tuple[Sequence[Wire], asyncio.Future[RecordMetadata]]] = deque()

    def quiet(self) -> bool:
        """Nothing of ours is under way."""
        return not self._sent and not self._order.locked()

    async def submit(self, writer: Writer, batch: BatchBuilder, wires: Sequence[Wire]) -> None:
        async with self._order:
            future = await writer.submit(batch, self._topic, self._partition)
            self._sent.append((wires, future))
        try:
            await future
        finally:
            self._settle()

    def _settle(self) -> None:
        while self._sent and self._sent[0][1].done():
            wires, future = self._sent[0]
            if future.cancelled() or future.exception() is not None:
                return  # whoever waits for it ends the process; it stays, so nothing behind it counts
            self._sent.popleft()
            base = future.result().offset
            if base != self.offset:
                self.foreign(base)
            self.offset = base + len(wires)
            version = changelog_version(wires[-1].value, wires[-1].headers)  # one batch, one version; repairs are older
            top = {version[:2]: version} if version > self._values.tops.get(version[:2], b"") else {}
            self._values.put(_rows(wires), self.offset, top)

    def foreign(self, found: int) -> NoReturn:
        """Another worker wrote to our slice. The next start reads what it wrote, keeps the greatest versions and
        writes again what it covered."""
        end(
            Exit.FOREIGN,
            f"{self._topic} partition {self._partition} goes on at {found} where ours ended at {self.offset}:"
            " another worker wrote to it",
        )


def _rows(wires: Sequence[Wire]) -> Iterator[Row]:
    for key, value, headers in wires:
        if key is not None:
            yield key, changelog_version(None, headers) if value is None else value


DELIVERY_ERRORS = (KafkaError, OSError, asyncio.TimeoutError)
