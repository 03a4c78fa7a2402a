"""What was delivered, and where in the changelog it stands: values change in its order, and nobody else may write."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.producer.message_accumulator import BatchBuilder

from app.engine.kafka.ending import Exit, Unfit
from app.engine.kafka.lease import Lease
from app.engine.kafka.records import VERSION_HEADER, Wire, version_of
from app.engine.kafka.values import MemoryValues
from app.engine.kafka.writer import Frontier, Writer, _guard
from tests.engine_kafka.endings import ended


class Partition(Writer):
    """A writer over one partition in memory, whose deliveries are confirmed when the test says so."""

    def __init__(self, end: int = 0) -> None:
        self.end = end
        self.waiting: list[tuple[asyncio.Future[Any], int, int]] = []  # (delivery, offset, records)
        self.in_a_batch = 100

    def _batch(self, wires: Sequence[Wire], begun: int) -> tuple[BatchBuilder, int]:
        count = min(self.in_a_batch, len(wires) - begun)
        return cast("BatchBuilder", SimpleNamespace(count=count)), count

    async def submit(self, batch: Any, topic: str, partition: int) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.waiting.append((future, self.end, batch.count))
        self.end += batch.count
        return future

    def confirm(self, index: int = 0) -> None:
        future, offset, _ = self.waiting.pop(index)
        future.set_result(SimpleNamespace(offset=offset))

    def refuse(self, error: KafkaError) -> None:
        self.waiting.pop(0)[0].set_exception(error)


def wires(*offsets: int, agent: int = 2) -> list[Wire]:
    return [Wire(b"t/k%d" % offset, version_of(agent, offset) + b"{}", []) for offset in offsets]


def sending(writer: Partition, frontier: Frontier, *offsets: int, agent: int = 2) -> asyncio.Task[None]:
    return asyncio.create_task(writer.send("changelog", 0, wires(*offsets, agent=agent), frontier))


async def test_values_change_once_the_changelog_has_them() -> None:
    writer, values = Partition(7), MemoryValues()
    frontier = Frontier("changelog", 0, 7, values)
    sent = sending(writer, frontier, 1, 2)
    await asyncio.sleep(0)
    assert not frontier.quiet()
    assert values.keys(b"t") == []
    writer.confirm()
    await sent
    assert values.keys(b"t") == [b"k1", b"k2"]
    assert (frontier.offset, values.position, values.tops) == (9, 9, {b"02": version_of(2, 2)})
    assert frontier.quiet()


async def test_values_change_in_the_order_of_the_changelog_whichever_is_confirmed_first() -> None:
    writer, values = Partition(), MemoryValues()
    frontier = Frontier("changelog", 0, 0, values)
    first, second = sending(writer, frontier, 1), sending(writer, frontier, 5, agent=1)
    await asyncio.sleep(0)
    writer.confirm(1)
    await asyncio.sleep(0)
    assert values.keys(b"t") == []
    writer.confirm(0)
    await asyncio.gather(first, second)
    assert (values.keys(b"t"), frontier.offset) == ([b"k1", b"k5"], 2)


async def test_a_second_batch_leaves_once_the_first_is_delivered() -> None:
    writer, values = Partition(), MemoryValues()
    writer.in_a_batch = 2
    sent = sending(writer, Frontier("changelog", 0, 0, values), 1, 2, 3)
    await asyncio.sleep(0.01)
    assert len(writer.waiting) == 1
    writer.confirm()
    await asyncio.sleep(0.01)
    writer.confirm()
    await sent
    assert values.position == 3


async def test_what_was_refused_changes_nothing_and_neither_does_what_comes_after_it() -> None:
    writer, values = Partition(), MemoryValues()
    frontier = Frontier("changelog", 0, 0, values)
    first, second = sending(writer, frontier, 1), sending(writer, frontier, 2)
    await asyncio.sleep(0)
    writer.refuse(KafkaError("no"))
    with pytest.raises(KafkaError):
        await first
    writer.confirm()
    await asyncio.sleep(0)
    assert (values.keys(b"t"), values.position) == ([], 0)
    second.cancel()


async def test_a_record_that_is_too_large_is_named_with_its_key_and_size() -> None:
    writer = Partition()
    sent = asyncio.create_task(writer.send("headrace.journal.facts", 0, wires(1, 2)))
    await asyncio.sleep(0)
    writer.refuse(MessageSizeTooLargeError())
    with pytest.raises(Unfit, match=r"key 't/k1' of headrace.journal.facts has 18 bytes.*raise max.message.bytes"):
        await sent


async def test_a_deletion_leaves_its_version_behind() -> None:
    writer, values = Partition(), MemoryValues()
    gone = [Wire(b"t/a", None, [(VERSION_HEADER, version_of(2, 8))])]
    sent = asyncio.create_task(writer.send("changelog", 0, gone, Frontier("changelog", 0, 0, values)))
    await asyncio.sleep(0)
    writer.confirm()
    await sent
    assert (values.get(b"t/a"), values.keys(b"t"), values.tops) == (version_of(2, 8), [], {b"02": version_of(2, 8)})


def test_an_offset_that_is_not_ours_ends_the_process() -> None:
    async def scenario() -> None:
        writer = Partition(12)  # somebody else wrote two records: ours ended at 10
        sent = sending(writer, Frontier("changelog", 3, 10, MemoryValues()), 1)
        await asyncio.sleep(0)
        writer.confirm()
        await sent

    found = ended(scenario)
    assert found.code == Exit.FOREIGN
    assert found.said["reason"].startswith("changelog partition 3 goes on at 12 where ours ended at 10")


def test_nothing_is_sent_once_the_lease_has_lapsed() -> None:
    async def scenario() -> None:
        lease = Lease(0.01, 18.0)
        sent: list[str] = []

        async def send(request: str) -> None:
            sent.append(request)

        producer: Any = SimpleNamespace(client=SimpleNamespace(send=send))
        _guard(producer, lease)
        await producer.client.send("before any assignment")
        assert sent == ["before any assignment"]
        lease.renew(0.0, rejoining=False)
        await producer.client.send("too late")

    found = ended(scenario)
    assert found.code == Exit.LEASE
    assert "nothing more is written" in found.said["reason"]
