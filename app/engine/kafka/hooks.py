"""Every place where Faust, or aiokafka under it, is told to do otherwise. Nothing else leans on their insides.

Stock Faust 0.15.3 pays for each record what a whole batch costs, acknowledges what an agent failed on, commits past
records in flight, and recovers tables one record at a time (`docs/decisions/0009`). Here one *record batch of one
partition* is one Faust event, an offset is committed only behind everything before it, and tables are filled by our own
loader before agents start. `PINNED` names the versions all this was read in and tested with; `verify` refuses others,
and `tests/engine_kafka/test_hooks.py` fails when a name leaned on here changes.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from time import monotonic
from typing import Any, NamedTuple, NoReturn, Protocol

import faust.transport.drivers.aiokafka as driver
from aiokafka.consumer import fetcher
from aiokafka.errors import (
    ConsumerStoppedError,
    GroupCoordinatorNotAvailableError,
    IllegalStateError,
    KafkaError,
    LeaderNotAvailableError,
    NotCoordinatorForGroupError,
    for_code,
)
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.structs import TopicPartition
from faust.assignor.partition_assignor import PartitionAssignor
from faust.serializers.schemas import Schema
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.types import TP

from app.engine.kafka.ending import Exit, Unfit, end
from app.engine.kafka.lease import Lease

PINNED = {"faust-streaming": "0.15.3", "mode-streaming": "0.7.1", "aiokafka": "0.14.0"}
_RETRIES = 3
"""How often a gap in the offsets is read again before it is taken for what it seems."""

_AGAIN_SECONDS = 0.05
"""Until a rebalance that took our partitions has given them out again."""


def verify() -> None:
    """Raises Unfit where a library is not the version whose insides this module knows."""
    for name, wanted in PINNED.items():
        found = version(name)
        if found != wanted:
            raise Unfit(f"{name} is {found}, but the Kafka host knows the insides of {wanted} only; install {wanted}")


class Steering(Protocol):
    """What the hooks ask of the host."""

    lease: Lease
    sources: frozenset[str]  # every topic that an agent reads, by its full name
    gapless: frozenset[str]  # those of them in which every offset holds a record
    max_records: int
    holding: bool  # the slices are loaded: their records may be read

    async def load(self, partitions: set[int]) -> None:
        """Hold exactly these slices, complete, before any of their records is read."""
        ...

    async def revoked(self) -> None:
        """No slice is ours until `load`; everything that had begun is delivered, so the group may give them away."""
        ...

    def unread(self, topic: str, partition: int, position: int, first: int) -> NoReturn:
        """End the process: a partition begins at `first`, but was read up to `position` only."""
        ...


class Fetched(NamedTuple):
    """A record as it was fetched; what aiokafka makes of one takes three times as long to make."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class _Records(fetcher.PartitionRecords):  # type: ignore[misc]
    def _consumer_record(self, tp: Any, record: Any) -> Fetched:
        headers = record.headers
        return _fetched(
            Fetched,
            (
                tp.topic,
                tp.partition,
                record.offset,
                record.timestamp,
                record.timestamp_type,
                record.key,
                record.value,
                tuple(headers) if headers else (),
            ),
        )


_fetched = tuple.__new__
fetcher.PartitionRecords = _Records  # for every consumer of this process; none of ours has deserializers


class RecordBatch:
    """Consecutive records of one partition. To Faust it looks like one record, and it is its own value."""

    __slots__ = ("first", "offset", "partition", "records", "timestamp", "timestamp_type", "topic")
    headers: Sequence[tuple[str, bytes]] = ()
    key = None
    checksum = None
    serialized_key_size = 0
    serialized_value_size = 0

    def __init__(self, topic: str, partition: int, records: list[Any]) -> None:
        last = records[-1]
        self.topic, self.partition, self.records = topic, partition, records
        self.first, self.offset = records[0].offset, last.offset
        self.timestamp, self.timestamp_type = last.timestamp, last.timestamp_type

    @property
    def value(self) -> RecordBatch:
        return self

    def hole(self, expected: int) -> tuple[int, int] | None:
        """The first offsets (from, up to) that hold no record, from `expected` to the batch's last."""
        if self.offset - expected + 1 == len(self.records):
            return None
        for record in self.records:
            if record.offset != expected:
                return expected, record.offset
            expected += 1
        return None


class BatchSchema(Schema[Any, Any]):
    """Hands the batch through: agents decode, so that one bad record costs no other."""

    def loads_key(self, app: Any, message: Any, **options: Any) -> None:
        return None

    def loads_value(self, app: Any, message: Any, **options: Any) -> Any:
        return message.value


def scheduler(steering: Steering) -> type[Any]:
    """The `ConsumerScheduler` setting: cuts what was fetched into batches, taking turns between partitions."""

    class Scheduler:
        def iterate(self, fetched: Mapping[TP, Iterable[Any]]) -> Iterator[tuple[TP, RecordBatch]]:
            turns = [_cut(tp, list(records), steering.max_records) for tp, records in fetched.items()]
            while turns:
                left = []
                for turn in turns:
                    batch = next(turn, None)
                    if batch is not None:
                        yield batch
                        left.append(turn)
                turns = left

    return Scheduler


def _cut(tp: TP, records: list[Any], size: int) -> Iterator[tuple[TP, RecordBatch]]:
    for start in range(0, len(records), size):
        yield tp, RecordBatch(tp.topic, tp.partition, records[start : start + size])


def transport(steering: Steering, tune: Callable[[Any], None]) -> type[driver.Transport]:
    """Faust's transport with a consumer that commits only along the chain of delivered batches.

    `tune` is given aiokafka's consumer before it connects.
    """

    class Listener(driver.ConsumerRebalanceListener):
        async def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
            coordinator = self._thread._ensure_consumer()._coordinator
            _hear_heartbeats(coordinator, steering.lease)
            _hear_refusals(coordinator)
            steering.lease.renew(monotonic(), rejoining=False)
            await super().on_partitions_assigned(assigned)

    class Thread(driver.AIOKafkaConsumerThread):
        def _create_worker_consumer(self, transport: Any) -> Any:
            consumer = super()._create_worker_consumer(transport)
            tune(consumer)
            return consumer

    class Consumer(_ChainedConsumer):
        RebalanceListener = Listener

        def _new_consumer_thread(self) -> Thread:
            return Thread(self, loop=self.loop, beacon=self.beacon)

    Consumer.steering = steering

    class Transport(driver.Transport):
        pass

    Transport.Consumer = Consumer
    return Transport


def _hear_heartbeats(coordinator: Any, lease: Lease) -> None:
    """Renew the lease with every heartbeat that is answered well; once per coordinator."""
    if hasattr(coordinator, "heard"):
        return
    beat: Callable[[], Awaitable[bool]] = coordinator._do_heartbeat
    coordinator.heard = True

    async def heard() -> bool:
        since = monotonic()
        answered = await beat()
        if answered:
            lease.renew(since, rejoining=coordinator._rejoin_needed_fut.done())
        return answered

    coordinator._do_heartbeat = heard


def _hear_refusals(coordinator: Any) -> None:
    """Take an answer about offsets that is an error as a whole for one; once per coordinator.

    aiokafka looks at its partitions only, of which there are none then: it would say that nothing was ever committed,
    and everything would be read from the beginning. A coordinator that reads up on its groups answers so.
    """
    if hasattr(coordinator, "refusing"):
        return
    send: Callable[[Any], Awaitable[Any]] = coordinator._send_req
    coordinator.refusing = True

    async def answered(request: Any) -> Any:
        answer = await send(request)
        if isinstance(request, OffsetFetchRequest):
            error = _refusal(answer)
            if isinstance(error, NotCoordinatorForGroupError | GroupCoordinatorNotAvailableError):
                coordinator.coordinator_dead()
            if error is not None:
                raise error  # aiokafka asks again
        return answer

    coordinator._send_req = answered


def _refusal(answer: Any) -> KafkaError | None:
    code = getattr(answer, "error_code", 0)
    return for_code(code)() if code else None


async def committed(client: Any, group: str) -> dict[Any, int]:
    """What the group has committed, by topic and partition.

    Raises KafkaError where the coordinator does not tell; aiokafka's own admin client takes that for nothing.
    """
    answer = await client._send_request(OffsetFetchRequest(group, None), await client.find_coordinator(group))
    if (error := _refusal(answer)) is not None:
        raise error
    told = {}
    for topic, partitions in answer.topics:
        for partition, offset, _, code in partitions:
            if code:
                raise for_code(code)(f"{topic} partition {partition}")
            if offset >= 0:
                told[TopicPartition(topic, partition)] = offset
    return told


class Assignor(PartitionAssignor):
    """Gives out every partition of every topic, or none.

    What a broker does not know of yet that has just started, stock Faust leaves out: nobody would read it, and nobody
    would ask again before metadata grows old, which takes minutes.
    """

    def _perform_assignment(self, cluster: Any, member_metadata: Any) -> Any:
        topics = {topic for metadata in member_metadata.values() for topic in metadata.subscription}
        wanted = self.app.conf.topic_partitions
        known = {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in topics}
        if unlike := sorted(topic for topic, count in known.items() if count != wanted):
            raise LeaderNotAvailableError(f"of {unlike[0]} {known[unlike[0]]} of {wanted} partitions are known")
        return super()._perform_assignment(cluster, member_metadata)


class _ChainedConsumer(driver.Consumer):
    """A consumer whose offsets follow a chain per partition: handed out in order, committed in order.

    Every restart of the flow (`resume_flow`) begins an epoch: streams were emptied, so whatever had been fetched is
    void, and reading begins again at what was committed.
    """

    steering: Steering

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._chain: defaultdict[TP, deque[int]] = defaultdict(deque)  # last offsets of the batches handed out
        self._expected: dict[TP, int] = {}  # the next offset to hand out
        self._gaps: dict[TP, tuple[int, int]] = {}  # gaps seen: (where it ends, how often)
        self._flowing: set[TP] = set()  # a batch was handed out since reading last began anew
        self._epoch = 0
        self._seek_first = False
        super().__init__(*arguments, **options)

    def resume_flow(self) -> None:
        super().resume_flow()
        self._epoch += 1
        self._seek_first = True

    async def _drain_messages(self, fetcher: Any) -> None:
        """Hand out what each fetch brought: all partitions at once, each in its order.

        Stock Faust hands out one batch after the other and waits some turns of the event loop for each, in which agents
        work: with many partitions that is most of an event's way.
        """
        try:
            while not (self.should_stop or fetcher.should_stop):
                await asyncio.sleep(0)
                epoch, turns = self._epoch, defaultdict[TP, list[Any]](list)
                async for tp, message in self.getmany(timeout=1.0):
                    turns[tp].append(message)
                if turns and epoch == self._epoch and not self._seek_first:
                    handing = asyncio.gather(*(self._in_turn(messages) for messages in turns.values()))
                    await self.wait_first(handing, self.suspend_flow.wait())
        except (ConsumerStoppedError, asyncio.CancelledError):
            if not self.app.should_stop:
                raise

    async def _in_turn(self, messages: Iterable[Any]) -> None:
        for message in messages:
            await self.callback(message)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109 - Faust's signature
        if self._seek_first and not self.app.in_recovery:
            self._seek_first = False
            try:
                await self.perform_seek()  # there is one loop that fetches, so nothing older is under way after this
            except (IllegalStateError, AssertionError):  # aiokafka's two ways to say that a partition is not ours
                self._seek_first = True  # the group is rebalancing: it took them while we asked for their offsets
                await asyncio.sleep(_AGAIN_SECONDS)
                return
        epoch = self._epoch
        async for tp, message in super().getmany(timeout):
            if epoch != self._epoch or self._seek_first:
                return
            if tp.topic not in self.steering.sources or not self.steering.holding:
                continue
            batch: Any = message.value
            expected = self._expected.get(tp)
            if expected is not None and batch.first > expected:
                first = (await self.earliest_offsets(tp))[tp]
                if epoch != self._epoch or self._seek_first:
                    return
                if first > expected:  # what a full disk or a short retention took is no gap
                    self.steering.unread(tp.topic, tp.partition, expected, first)
            if self._hand_out(tp, batch):
                self._read_offset[tp] = None  # else Faust would look for gaps of its own
                yield tp, message

    def _hand_out(self, tp: TP, batch: RecordBatch) -> bool:
        expected = self._expected.get(tp)
        if expected is None:
            end(Exit.POSITION, "a record came from a partition whose position is not known", partition=str(tp))
        if batch.offset < expected:
            return False  # fetched before the position was set
        if batch.first < expected:
            batch.records = [record for record in batch.records if record.offset >= expected]
            batch.first = batch.records[0].offset
        if (gap := self._gap_before(tp, expected, batch)) and not self._real_gap(tp, *gap):
            self._seek_first = True
            return False
        self._gaps.pop(tp, None)
        self._flowing.add(tp)
        self._expected[tp] = batch.offset + 1
        self._chain[tp].append(batch.offset)
        return True

    def _gap_before(self, tp: TP, expected: int, batch: RecordBatch) -> tuple[int, int] | None:
        """Offsets (from, up to) that are to be read again, as records of them may have been lost on their way here.

        Nothing is lost while reading flows, so a gap is one then: transactions and compaction leave them.
        """
        if tp.topic in self.steering.gapless:
            return batch.hole(expected)
        return (expected, batch.first) if batch.first > expected and tp not in self._flowing else None

    def _real_gap(self, tp: TP, expected: int, first: int) -> bool:
        """Whether the offsets between hold no record. What was lost on its way here is there when read again."""
        seen, times = self._gaps.get(tp, (first, 0))
        times = times + 1 if seen == first else 1
        self._gaps[tp] = (first, times)
        if times <= _RETRIES:
            return False
        if tp.topic in self.steering.gapless:
            end(
                Exit.CONFIGURATION,
                f"{tp.topic} partition {tp.partition} holds no records from {expected} to {first - 1}, which were not"
                " read yet: they were deleted or compacted away; restore them, or replay what is left into a new group",
            )
        return True

    async def perform_seek(self) -> None:
        """Begin again at what is committed, at the start where nothing is."""
        self._chain.clear()
        self._expected.clear()
        self._flowing.clear()
        sources = self.steering.sources
        for kept in (self._acked, self._acked_index):
            for tp in [tp for tp in kept if tp.topic in sources]:
                kept.pop(tp, None)
        await super().perform_seek()
        mine = [tp for tp in self.assignment() if tp.topic in sources]
        fresh = [tp for tp in mine if not self._committed_offset.get(tp)]
        if fresh:  # aiokafka leaves the position of a partition that was never committed where it is
            for tp, first in (await self.earliest_offsets(*fresh)).items():
                await self.seek(tp, first or 0)
                self._expected[TP(tp.topic, tp.partition)] = first or 0
        for tp in mine:
            if self._committed_offset.get(tp):
                self._expected[tp] = self._committed_offset[tp]  # type: ignore[assignment]

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        await super().on_partitions_revoked(revoked)  # waits until what had begun is delivered, and commits it
        for tp in revoked:
            self._chain.pop(tp, None)
            self._expected.pop(tp, None)
        await self.steering.revoked()

    def _new_offset(self, tp: TP) -> int | None:
        """What may be committed: the end of the last batch before which every batch is acknowledged."""
        if tp.topic not in self.steering.sources:
            offset: int | None = super()._new_offset(tp)
            return offset
        acked, chain, last = self._acked_index[tp], self._chain[tp], None
        while chain and chain[0] in acked:
            last = chain.popleft()
            acked.discard(last)
        if last is None:
            return None
        self._acked[tp][:] = [offset for offset in self._acked[tp] if offset > last]
        return last + 1

    def heard(self) -> bool:
        """Whether every partition that is ours to read has a position, and a fetch has told where it ends."""
        consumer: Any = self._thread._consumer
        if self._seek_first or consumer is None or consumer._subscription.subscription is None:
            return False
        assignment = consumer._subscription.subscription.assignment
        mine = [tp for tp in self.assignment() if tp.topic in self.steering.sources]
        states = [assignment.state_value(tp) if assignment is not None else None for tp in mine]
        known = all(state is not None and state.lso is not None for state in states)
        return known and all(tp in self._expected for tp in mine)

    def positions(self) -> dict[TP, tuple[int, int, int]]:
        """(next offset to hand out, next to fetch, end) of every partition that is read, as last heard.

        The end is that of settled transactions: what a producer has not decided upon is nobody's to wait for. The marks
        that transactions leave are fetched, but never handed out.
        """
        consumer: Any = self._thread._consumer
        told: dict[TP, tuple[int, int, int]] = {}
        for tp, expected in self._expected.items() if consumer is not None else ():
            state = consumer._subscription.subscription.assignment.state_value(tp)
            fetched = state.position if state is not None and state.has_valid_position else expected
            end = state.lso if state is not None and state.lso is not None else expected
            told[tp] = (expected, fetched, max(end, expected))
        return told


def table_manager(steering: Steering) -> type[TableManager]:
    """The `TableManager` setting: recovery is ours, Faust finds nothing left to recover."""

    class Loading(Recovery):
        async def _build_offsets(self, consumer: Any, tps: set[TP], destination: Any, title: str) -> None:
            for tp in tps:
                destination[tp] = self.active_highwaters[tp] if title == "active" else -1

        async def on_recovery_completed(self, generation_id: int = 0) -> None:
            await steering.load({tp.partition for tp in self.active_tps})
            await super().on_recovery_completed(generation_id)

    class Manager(TableManager):
        @property
        def recovery(self) -> Recovery:
            if self._recovery is None:
                self._recovery = Loading(self.app, self, beacon=self.beacon, loop=self.loop)
            return self._recovery

    return Manager


def owners(app: Any, changelog: str) -> dict[int, str]:
    """Which worker holds which slice, by the address it told the group, as of the last assignment."""
    told: Mapping[str, Mapping[str, Iterable[int]]] = app.assignor.changelog_distribution
    return {p: address for address, topics in told.items() for p in topics.get(changelog, ())}


def coordinating(app: Any) -> str:
    """Why the consumer takes no part in its group any more, or reads nothing; "" while all is well.

    Faust does not notice: the worker would idle for ever. A coordinator that met an error waits for somebody who reads
    to be told of it; who is being given partitions does not read.
    """
    consumer = getattr(getattr(app._consumer, "_thread", None), "_consumer", None)
    coordinator = getattr(consumer, "_coordinator", None)
    if (met := getattr(coordinator, "_pending_exception", None)) is not None:
        return repr(met)
    for owner, name in ((coordinator, "_coordination_task"), (getattr(consumer, "_fetcher", None), "_fetch_task")):
        task = getattr(owner, name, None)
        if task is not None and task.done() and not task.cancelled():
            return repr(task.exception() or f"{name} ended")
    return ""


def leave(app: Any) -> None:
    """Leave the group now, from outside of the thread that the consumer runs in, and wait for it a moment.

    A static member that comes back is given the assignment it had, with the address it had; who cannot go on with it
    must come back as a new one.
    """
    leave_at_stop(app)
    thread = app.consumer._thread
    leaving = asyncio.run_coroutine_threadsafe(thread._consumer._coordinator._maybe_leave_group(), thread.thread_loop)
    with suppress(Exception):  # the session's end does the same, later
        leaving.result(2)


def leave_at_stop(app: Any) -> None:
    """Have a worker that stops in good order leave the group, though its membership outlives a crash.

    aiokafka lets a static member keep its partitions until the session ends; who stops for good hands them over.
    """
    consumer = app.consumer._thread._consumer
    if consumer is not None and consumer._coordinator is not None:
        consumer._coordinator._group_instance_id = None
