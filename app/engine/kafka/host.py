"""The Kafka host: one Faust application that runs every agent on the partitions it is given.

*Slice* p is partition p of every topic: inputs, journals, changelog, what is derived. The group gives a slice to one
worker as a whole, so an agent finds everything it needs in one place. A worker does not survive what it cannot explain:
it ends itself (`app.engine.kafka.ending`), and what it had not acknowledged is read again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, NoReturn

import faust
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import OffsetAndMetadata
from faust.types import TP
from yarl import URL

from agents.effects import Effects
from app.engine.kafka import hooks, topics
from app.engine.kafka.changelog import Load, read
from app.engine.kafka.ending import Exit, Unfit, end, say
from app.engine.kafka.folder import claim
from app.engine.kafka.hooks import BatchSchema, RecordBatch
from app.engine.kafka.job import Job
from app.engine.kafka.lane import Lane
from app.engine.kafka.lease import Lease
from app.engine.kafka.records import (
    Wire,
    changelog_record,
    dead_letter_record,
    encode_journal,
    journal_key,
    parse_version,
    statement_record,
    version_of,
)
from app.engine.kafka.security import client_arguments
from app.engine.kafka.standby import Standby, standbys
from app.engine.kafka.values import MemoryValues, RocksValues, SliceTables, Values
from app.engine.kafka.view import View
from app.engine.kafka.writer import Frontier, Writer
from app.engine.topology import addressed
from app.settings import Settings

REBALANCE_SECONDS = 20.0
COMMIT_SECONDS = 0.25
STALL_SECONDS = 45.0
"""A worker on which records wait for so long without anything advancing ends itself."""

SETTLED_SECONDS = 1.5
"""A partition of which everything was fetched for so long, and nothing handed out, has nothing to hand out."""

LOOK_SECONDS = 5.0
"""How often topics and changelog ends are looked at."""


class Slice:
    """What this worker holds of one partition: tables, where their changelog ends, and a lane for each topic."""

    def __init__(self, partition: int, values: Values, frontier: Frontier) -> None:
        self.partition, self.values, self.frontier = partition, values, frontier
        self.tables = SliceTables(values)
        self.shown = View(values)  # what others read
        self.lanes: dict[str, Lane] = {}

    @property
    def whole(self) -> bool:
        """Whether the tables have passed what a crash left in them; before, they are a mixture."""
        return all(lane.whole for lane in self.lanes.values())

    async def close(self) -> None:
        """End its lanes; the values stay open."""
        for lane in self.lanes.values():
            await lane.stop()


class KafkaHost:
    """A worker of `job`. `prepare` looks at what it stands on, `start` joins the group, `stop` leaves it in good order.

    `address` is where other workers reach this one; it must be known before `start`.

    `tables` are those of the slices this worker holds and has loaded; `owners` says who has the others.
    """

    def __init__(self, settings: Settings, job: Job, address: str = "") -> None:
        self.settings, self.job, self.address = settings, job, address
        self._app: Any = None  # the Faust application, once it was started
        self.partitions = settings.kafka_partitions
        self.lease = Lease(settings.kafka_session_seconds, REBALANCE_SECONDS * 0.9)
        self.max_records = settings.batch_size
        self.sources = frozenset(job.prefix + name for seat in job.seats for name in seat.topics)
        self.gapless = job.gapless
        self.listeners: list[Callable[[Effects], None]] = []
        self.processed = 0
        self.stated = 0
        self._arguments = client_arguments(settings)
        self._writer = Writer(self._arguments, self.lease)
        self._slices: dict[int, Slice] = {}
        self.holding = False
        self._turn = 0  # of the group's rebalances, as far as we took part
        self._given: frozenset[int] = frozenset()
        self._loading: set[int] = set()
        self._spare: dict[int, Load] = {}  # values of slices that are on their way in or out
        self._standby = Standby(self._arguments, job.changelog, lambda p: Load(self._values(p)))
        self._moved: dict[TP, tuple[int, float]] = {}  # position, and since when it is there
        self._waits: dict[TP, tuple[int, float]] = {}  # the same, while records wait
        self._ends: AIOKafkaConsumer | None = None
        self._claimed: int | None = None  # holds the folder of tables on disk
        self._tasks: list[asyncio.Task[None]] = []

    # -- life -------------------------------------------------------------------------------------------------------

    async def prepare(self) -> None:
        """Make the topics that do not exist, and check all of them.

        Raises Unfit where somebody must act first, ConnectionError where no broker answers.
        """
        hooks.verify()
        for name in ("faust", "mode", "aiokafka"):  # what matters of theirs ends the worker, with a line of ours
            logging.getLogger(name).setLevel(logging.CRITICAL)
        client = await topics.admin(self._arguments)
        try:
            if not await self._begun(client):
                partitions, replication = self.settings.kafka_partitions, self.settings.kafka_replication
                if made := await topics.create(client, self.job.topics, partitions, replication):
                    say("info", "topics.made", topics=made)
            self.partitions = await topics.check(client, self.job.topics)
        finally:
            await client.close()
        if self.settings.kafka_store == "rocksdb":
            self._claimed = await claim(self.settings.kafka_data_dir / self.job.group)

    async def _begun(self, client: AIOKafkaAdminClient) -> bool:
        """Whether workers have been at it: then a topic that is missing was deleted, and is not quietly made anew."""
        missing = {topic.name for topic in await topics.absent(client, self.job.topics)}
        if not missing or self.job.changelog in missing:
            return False
        consumer = AIOKafkaConsumer(**self._arguments)
        await consumer.start()
        try:
            partitions = await client.describe_topics([self.job.changelog])
            places = [TopicPartition(self.job.changelog, p) for p in range(len(partitions[0]["partitions"]))]
            return any((await consumer.end_offsets(places)).values())
        finally:
            await consumer.stop()

    async def start(self) -> None:
        """Join the group. Raises what `prepare` does."""
        await self._writer.start()
        self._ends = await self._looker()
        (self.settings.kafka_data_dir / "faust").mkdir(parents=True, exist_ok=True)
        self._app = self._faust()
        # First: Faust may wait for a group that goes on without it.
        self._tasks.append(asyncio.create_task(self._watch()))
        await self._app.start()

    async def _looker(self) -> AIOKafkaConsumer:
        """A consumer without a group that only asks where partitions begin and end.

        It is assigned them, paused, as else it would fetch metadata topic by topic.
        """
        consumer = AIOKafkaConsumer(**self._arguments)
        await consumer.start()
        names = sorted({*self.sources, self.job.changelog})
        places = [TopicPartition(name, p) for name in names for p in range(self.partitions)]
        consumer.assign(places)
        consumer.pause(*places)
        return consumer

    async def stop(self) -> None:
        """Finish what has begun, commit, leave the group, so that others take over at once."""
        self._given = frozenset()  # nothing is answered from tables that are being closed
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        hooks.leave_at_stop(self._app)
        await self._rest()
        await self._app.stop()
        for held in self._slices.values():
            await held.close()
            held.values.close()
        self._slices.clear()
        await self._standby.stop()
        await self._writer.stop()
        if self._ends is not None:
            await self._ends.stop()

    def _faust(self) -> faust.App:
        settings, job = self.settings, self.job
        app = faust.App(
            job.group,
            broker=[URL(f"kafka://{place.strip()}") for place in settings.kafka_bootstrap.split(",")],
            broker_credentials=_credentials(self._arguments),
            store="memory://",
            datadir=str(settings.kafka_data_dir / "faust"),
            topic_partitions=self.partitions,
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
            canonical_url=self.address,
            autodiscover=False,
            broker_session_timeout=settings.kafka_session_seconds,
            broker_heartbeat_interval=settings.kafka_session_seconds / 12,
            broker_rebalance_timeout=REBALANCE_SECONDS,
            broker_request_timeout=max(30.0, settings.kafka_session_seconds + 5),
            broker_commit_interval=COMMIT_SECONDS,
            broker_commit_every=None,
            stream_buffer_maxsize=8,
            stream_wait_empty=True,
            consumer_max_fetch_size=1 << 20,
            consumer_auto_offset_reset="earliest",
            table_standby_replicas=0,
            cython_optimizations=True,
            worker_redirect_stdouts=False,
            ConsumerScheduler=hooks.scheduler(self),
            TableManager=hooks.table_manager(self),
            consumer_group_instance_id=settings.kafka_instance or None,
        )
        app.finalize()
        app.transport = hooks.transport(self, _tune)(app.conf.broker_consumer, app)
        app.Table("tables", key_type=bytes, value_type=bytes, partitions=self.partitions)
        for seat in job.seats:
            channel = app.topic(
                *(job.prefix + name for name in seat.topics),
                schema=BatchSchema(),
                value_type=bytes,
                partitions=self.partitions,
            )
            app.agent(channel, name=f"headrace.{seat.name}")(self._agent)
        return app

    async def _agent(self, stream: Any) -> None:
        """What every Faust agent does: hand each record batch to the lane of its partition, which acknowledges it."""
        async for event in stream.noack().events():
            batch: RecordBatch = event.value
            held = self._slices.get(batch.partition)
            if held is None or not self.holding:
                end(Exit.POSITION, f"records came from {batch.topic} partition {batch.partition}, which is not held")
            await held.lanes[batch.topic].put(event)

    # -- slices -----------------------------------------------------------------------------------------------------

    @property
    def tables(self) -> dict[int, View]:
        """Tables by slice. None while somebody else may have newer ones: from the moment a rebalance begins, or the
        lease lapses, until it was seen that nobody wrote to them."""
        if not self.holding or self.lease.overdue():
            return {}
        return {p: held.shown for p, held in sorted(self._slices.items()) if p in self._given and held.whole}

    @property
    def owners(self) -> dict[int, str]:
        """The address of each slice's worker, as of the last assignment."""
        return {} if self._app is None else hooks.owners(self._app, self.job.changelog)

    async def revoked(self) -> None:
        """The group is being rebalanced: nothing is written until slices are given again; they may be the same."""
        self.holding = False
        self._turn += 1
        await self._rest()

    async def _rest(self) -> None:
        """What had begun is delivered, and nothing is stated any more: somebody else may state it next."""
        lanes = [lane for held in self._slices.values() for lane in held.lanes.values()]
        for lane in lanes:
            lane.rest()
        for lane in lanes:
            await lane.idle()

    def unread(self, topic: str, partition: int, position: int, first: int) -> NoReturn:
        raise_unread(topic, partition, position, first)

    async def load(self, partitions: set[int]) -> None:
        """Take over exactly these slices. One that is held already is kept if nobody wrote to it meanwhile."""
        try:
            await self._load(partitions)
        except Unfit as error:
            end(Exit.CONFIGURATION, str(error))

    async def _load(self, partitions: set[int]) -> None:
        began, turn = monotonic(), self._turn
        self._given, self._loading = frozenset(partitions), set(partitions)
        for p in sorted(partitions - self._slices.keys() - self._spare.keys()):
            # Before the ends are asked for: a copy that is still followed would soon be found to go beyond them.
            self._spare[p] = self._standby.take(p) or Load(self._values(p))
        ends = await self._changelog_ends(partitions)
        for p in [p for p, held in self._slices.items() if ends.get(p) != held.frontier.offset]:
            await self._drop(p)
        fresh = {p: ends[p] for p in sorted(partitions) if p not in self._slices}
        committed = await self._committed(partitions)
        extents = await self._extents(partitions)
        records = await self._read(fresh)
        for p in sorted(partitions):
            self._check(p, self._spare[p].values if p in fresh else self._slices[p].values, committed, extents)
        for p, offset in fresh.items():
            await self._take_over(p, self._spare.pop(p), offset, committed)
        if turn != self._turn:
            return  # the next rebalance has begun meanwhile, and will say what is ours
        self.holding = True
        for held in self._slices.values():
            for lane in held.lanes.values():
                lane.resume()
        self._loading.clear()
        self._moved.clear()
        self._waits.clear()
        if fresh:
            kept = sorted(partitions - fresh.keys())
            seconds = round(monotonic() - began, 3)
            say("info", "slices.loaded", slices=sorted(fresh), kept=kept, records=records, seconds=seconds)
        self._follow()

    async def _drop(self, partition: int) -> None:
        """Let a slice go. Its values stay at hand: they are a copy to follow, or to begin with should it come back."""
        held = self._slices.pop(partition)
        await held.close()
        self._spare[partition] = Load(held.values)

    def _follow(self) -> None:
        """Keep copies of other workers' slices."""
        wanted = standbys(self.owners, self.address, self.settings.kafka_standbys) - self._slices.keys()
        for p in [p for p in self._spare if p not in wanted]:
            self._spare.pop(p).values.close()
        self._standby.follow(wanted, self._spare)
        self._spare.clear()

    async def _read(self, wanted: Mapping[int, int]) -> int:
        """Bring the values of slices, which are in `_spare`, up to the ends of their changelogs; how many records that
        took. They stay there until they are taken over, so a rebalance that comes between loses nothing that was read.
        """
        for p, offset in wanted.items():
            if self._spare[p].values.position > offset:
                raise_shorter(self.job.changelog, p, self._spare[p].values.position, offset)
        count = 0
        stretches = {p: (self._spare[p].values.position, offset) for p, offset in wanted.items()}
        async for p, records, position in read(self._arguments, self.job.changelog, stretches):
            self._spare[p].take(records, position)
            count += len(records)
            await asyncio.sleep(0)
        return count

    def _values(self, partition: int) -> Values:
        if self.settings.kafka_store == "rocksdb":
            return RocksValues(self._folder(partition))
        return MemoryValues()

    def _folder(self, partition: int) -> Path:
        return self.settings.kafka_data_dir / self.job.group / f"slice-{partition}"

    async def _take_over(
        self, partition: int, load: Load, offset: int, committed: Mapping[tuple[str, int], int]
    ) -> None:
        frontier = Frontier(self.job.changelog, partition, offset, load.values)
        if repairs := load.repairs():
            say("warning", "changelog.repaired", slice=partition, keys=len(repairs))
            await self._writer.send(self.job.changelog, partition, repairs, frontier)
        held = Slice(partition, load.values, frontier)
        tops = dict(map(parse_version, load.values.tops.values()))
        for seat in self.job.seats:
            for name in seat.topics:
                position = committed.get((self.job.prefix + name, partition), 0)
                held.lanes[self.job.prefix + name] = Lane(
                    seat,
                    name,
                    partition,
                    seat.make(held.tables),
                    self._deliver,
                    last=position - 1,
                    behind=tops.get(seat.number, -1) if len(seat.topics) == 1 else -1,
                    owing=seat.states and seat.number in tops,  # what no record was ever folded into owes nothing
                )
        self._slices[partition] = held

    def _check(
        self,
        partition: int,
        values: Values,
        committed: Mapping[tuple[str, int], int],
        extents: Mapping[tuple[str, int], tuple[int, int]],
    ) -> None:
        """A changelog that ends before what was acknowledged has lost something: refuse it, whatever it still holds.

        So is one that knows of records which their topic does not reach: the group forgets what it acknowledged when a
        topic is deleted, the tables do not.
        """
        others = sorted(
            name.decode() for name in values.tables() if self.job.tables and name.decode() not in self.job.tables
        )
        if others:
            raise Unfit(
                f"{self.job.changelog} partition {partition} holds tables of another release ({', '.join(others)}):"
                " this one keeps them in another shape; replay the journal into a new group (HEADRACE_KAFKA_GROUP)"
            )
        tops = dict(map(parse_version, values.tops.values()))
        tables = SliceTables(values)
        for seat in self.job.seats:
            for name in seat.topics:
                place = self.job.prefix + name, partition
                known = seat.reached(tables, name, partition) if seat.reached else tops.get(seat.number, -1)
                self._check_source(place, known, committed.get(place), *extents[place])

    def _check_source(self, place: tuple[str, int], known: int, committed: int | None, first: int, end: int) -> None:
        """`known` is the last offset that the tables include, `first` and `end` are what the topic holds now."""
        topic, partition = place
        wanted = known + 1
        if committed is not None and committed > end:
            raise_ended(topic, partition, committed, end)
        if wanted > end:
            raise_ended(topic, partition, wanted, end)
        if committed is not None and committed < first:
            raise_unread(topic, partition, committed, first)
        if topic in self.gapless and wanted < first:
            raise_unread(topic, partition, wanted, first)
        # Of an input somebody may have given up what was deleted unread, and moved the group behind it.
        given_up = topic not in self.gapless and committed is not None and committed <= first
        if committed is not None and committed > wanted and not given_up:
            raise_lost(self.job.changelog, partition, topic, committed - 1, known)

    async def _changelog_ends(self, partitions: Iterable[int]) -> dict[int, int]:
        assert self._ends is not None
        places = [TopicPartition(self.job.changelog, p) for p in sorted(partitions)]
        if not places:
            return {}
        first = await self._ends.beginning_offsets(places)
        for place, offset in first.items():
            if offset:
                raise_lost_head(self.job.changelog, place.partition, offset)
        ends = await self._ends.end_offsets(places)
        return {place.partition: offset for place, offset in ends.items()}

    async def _committed(self, partitions: set[int]) -> dict[tuple[str, int], int]:
        """The offset behind what the group has acknowledged of each partition of which it has any."""
        client = await topics.admin(self._arguments)
        try:
            found: Mapping[Any, OffsetAndMetadata] = await client.list_consumer_group_offsets(self.job.group)
        finally:
            await client.close()
        return {
            (place.topic, place.partition): said.offset
            for place, said in found.items()
            if place.partition in partitions and place.topic in self.sources and said.offset >= 0
        }

    async def _extents(self, partitions: Iterable[int]) -> dict[tuple[str, int], tuple[int, int]]:
        """(first offset, end) of every source."""
        assert self._ends is not None
        places = [TopicPartition(topic, p) for topic in sorted(self.sources) for p in partitions]
        if not places:
            return {}
        firsts, ends = await self._ends.beginning_offsets(places), await self._ends.end_offsets(places)
        return {(place.topic, place.partition): (firsts[place], ends[place]) for place in places}

    # -- effects ----------------------------------------------------------------------------------------------------

    async def _deliver(self, lane: Lane, effects: Effects, fetched: Sequence[Any]) -> None:
        """All effects of a batch, all of them delivered. Raises what the writer raises."""
        held = self._slices[lane.partition]
        version = version_of(lane.seat.number, max(lane.last, 0))
        writes = {(table.name, key): (table, key, value) for table, key, value in effects.writes}
        prefix, send = self.job.prefix, self._writer.send
        under_way = []
        if writes:
            wires = [changelog_record(table, key, value, version) for table, key, value in writes.values()]
            held.shown.begin(wire.key for wire in wires if wire.key is not None)
            under_way.append(send(self.job.changelog, lane.partition, wires, held.frontier))
        encoded: dict[int, bytes] = {}  # what goes to many partitions is encoded once
        for (topic, partition), sends in addressed(effects.sends, self.partitions).items():
            wires = []
            for one in sends:
                value = encoded.get(id(one.value))
                if value is None:
                    value = encoded[id(one.value)] = encode_journal(one.value)
                wires.append(Wire(journal_key(one.key), value, []))
            under_way.append(send(prefix + topic, partition, wires))
        said: dict[str, list[Wire]] = {}
        for statement in effects.statements:
            said.setdefault(prefix + statement.topic, []).append(statement_record(statement))
        if effects.dead_letters:
            keys = {record.offset: record.key for record in fetched}
            for letter in effects.dead_letters:
                topic = f"{prefix}{letter.topic}.dead-letters"
                said.setdefault(topic, []).append(dead_letter_record(letter, keys.get(letter.offset)))
        under_way += [send(topic, lane.partition, wires) for topic, wires in said.items()]
        await asyncio.gather(*under_way)
        held.tables.remember(writes.values())
        held.shown.finish(writes.values())
        self.stated += len(effects.statements)
        if lane.seat.number == 0:
            self.processed += len(fetched)
        for listener in self.listeners:
            listener(effects)

    # -- watching ---------------------------------------------------------------------------------------------------

    def lag(self) -> dict[tuple[str, int], tuple[int, int]]:
        """(position, end) by topic (without prefix) and slice, of what this worker reads."""
        cut = len(self.job.prefix)
        return {
            (tp.topic[cut:], tp.partition): place
            for tp, place in self._places().items()
            if tp.partition in self._slices
        }

    @property
    def stale(self) -> bool:
        """Whether records wait, or nobody has said yet which are ours and whether any do."""
        if not self.holding or not self._app.consumer.heard():
            return True
        return any(position < end for position, end in self.lag().values())

    def _places(self) -> dict[TP, tuple[int, int]]:
        """(next offset to acknowledge, end): nothing waits where they are equal."""
        if not self.holding:
            return {}
        consumer: Any = self._app.consumer
        now = monotonic()
        places = {}
        for tp, (expected, fetched, last) in consumer.positions().items():
            held = self._slices.get(tp.partition)
            position = held.lanes[tp.topic].delivered + 1 if held else expected
            if self._moved.get(tp, (-1, 0.0))[0] != position:
                self._moved[tp] = (position, now)
            if position == expected and fetched >= last and now - self._moved[tp][1] > SETTLED_SECONDS:
                position = last  # nothing but marks of transactions comes there
            places[tp] = (position, max(last, position))
        return places

    def written(self) -> dict[tuple[str, int], int]:
        """None: where derived topics end only the brokers know."""
        return {}

    def about(self) -> dict[str, Any]:
        held = self.tables
        return {
            "host": "kafka",
            "address": self.address,
            "slices": sorted(held),
            "loading": sorted(set(self._given) - set(held)),
        }

    def ready(self) -> tuple[bool, str]:
        """Whether every slice that this worker was given answers, and a sentence."""
        if overdue := self.lease.overdue():
            return False, f"the group has not answered for {overdue:.0f} s beyond the session: slices may be elsewhere"
        if self._loading:
            return False, f"slices {sorted(self._loading)} are being loaded"
        if not self.holding:
            return False, "the group has not assigned any slices yet"
        if mixed := sorted(p for p, held in self._slices.items() if not held.whole):
            return False, f"slices {mixed} read again what a crash left half done"
        if late := self._late():
            return False, late
        return True, f"{len(self._slices)} of {self.partitions} slices are held here, all of them loaded"

    def _late(self) -> str:
        """What waits and does not advance, for half of the time after which the worker ends itself."""
        return self._stalled(STALL_SECONDS / 2)

    def _stalled(self, seconds: float) -> str:
        now = monotonic()
        for held in self._slices.values():
            for lane in held.lanes.values():
                if lane.busy_since is not None and now - lane.busy_since > seconds:
                    return f"{lane.seat.name} has waited for a delivery on slice {held.partition} for {seconds:.0f} s"
        if not self.holding:
            return ""
        for tp, (position, last) in self._places().items():
            if position >= last:
                self._waits.pop(tp, None)
            elif self._waits.get(tp, (-1, 0.0))[0] != position:
                self._waits[tp] = (position, now)
            elif now - self._waits[tp][1] > seconds:
                return f"{last - position} records of {tp.topic} partition {tp.partition} wait and none was read"
        return ""

    async def _watch(self) -> None:
        """Ends the process when it is of no use any more."""
        looked = monotonic()
        waiting_since = monotonic()
        while True:
            await asyncio.sleep(1)
            if self._app.crashed:
                end(Exit.AGENT, f"Faust gave up: {self._app.crash_reason!r}")
            if reason := hooks.coordinating(self._app):
                hooks.leave(self._app)
                end(Exit.AGENT, f"the group goes on without this worker: {reason}")
            if self.holding:
                waiting_since = monotonic()
            elif monotonic() - waiting_since > 4 * STALL_SECONDS:
                end(Exit.STALLED, "the group has not assigned anything for minutes")
            if stalled := self._stalled(STALL_SECONDS):
                await self._look()
                end(Exit.STALLED, stalled)
            if monotonic() - looked > LOOK_SECONDS:
                looked = monotonic()
                await self._look()

    async def _look(self) -> None:
        """Topics as they must be, and nobody but us in the changelog of our slices."""
        try:
            client = await topics.admin(self._arguments)
            try:
                await topics.check(client, self.job.topics, self.partitions)
            finally:
                await client.close()
            await self._look_for_others()
            await self._look_at_sources()
        except Unfit as error:
            end(Exit.CONFIGURATION, str(error))
        except (OSError, TimeoutError):
            return  # no broker answers: the lease will tell
        except Exception as error:
            say("warning", "watch.failed", reason=repr(error))

    async def _look_for_others(self) -> None:
        quiet = {p: held.frontier.offset for p, held in self._slices.items() if held.frontier.quiet()}
        if not self.holding or not quiet:
            return
        for p, offset in (await self._changelog_ends(quiet)).items():
            held = self._slices.get(p)
            if held and self.holding and held.frontier.quiet() and held.frontier.offset == quiet[p] != offset:
                held.frontier.foreign(offset)

    async def _look_at_sources(self) -> None:
        """A topic that was deleted and made anew ends before what was read of it."""
        if not self.holding:
            return
        read = {(tp.topic, tp.partition): expected for tp, (expected, *_) in self._app.consumer.positions().items()}
        extents = await self._extents({partition for _, partition in read})
        for place, expected in read.items():
            if extents[place][1] < expected:
                raise_ended(*place, expected, extents[place][1])


def _tune(consumer: Any) -> None:
    """aiokafka's consumer as Faust makes it reads what producers took back; and waits long for more."""
    consumer._isolation_level = "read_committed"
    consumer._fetch_max_wait_ms = 500


def _credentials(arguments: Mapping[str, Any]) -> Any:
    """The connection arguments as Faust wants them."""
    context = arguments.get("ssl_context")
    if "sasl_mechanism" in arguments:
        return faust.SASLCredentials(
            mechanism=arguments["sasl_mechanism"],
            username=arguments["sasl_plain_username"],
            password=arguments["sasl_plain_password"],
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context=context)


_REBUILD = (
    "stop all workers, delete it and the consumer group, make it anew with `headrace topics --create`, start:"
    " it is rebuilt from the journals"
)


def raise_ended(topic: str, partition: int, known: int, found: int) -> NoReturn:
    end(
        Exit.CONFIGURATION,
        f"{topic} partition {partition} ends at {found}, but {known} was reached before: the topic was deleted or cut;"
        " restore it, or publish an export into a new group (HEADRACE_KAFKA_GROUP)",
    )


def raise_unread(topic: str, partition: int, position: int, first: int) -> NoReturn:
    end(
        Exit.CONFIGURATION,
        f"{topic} partition {partition} begins at {first}, but was read up to {position} only: records were deleted"
        f" unread; publish {first - position} of them again from their source, then set the group's offset to {first}",
    )


def raise_shorter(changelog: str, partition: int, position: int, found: int) -> NoReturn:
    end(
        Exit.CONFIGURATION,
        f"{changelog} partition {partition} ends at {found}, but the tables on disk have followed it to {position}: it"
        f" was deleted or cut, and they may not be its any more; remove their folder, and if it has lost records,"
        f" {_REBUILD}",
    )


def raise_lost(changelog: str, partition: int, topic: str, acknowledged: int, known: int) -> NoReturn:
    held = f"what was made of {topic} up to {known}" if known >= 0 else f"nothing of what was made of {topic}"
    end(
        Exit.CONFIGURATION,
        f"{changelog} partition {partition} holds {held}, but records up to {acknowledged} were acknowledged: it was"
        f" deleted or cut; {_REBUILD}",
    )


def raise_lost_head(changelog: str, partition: int, first: int) -> NoReturn:
    end(
        Exit.CONFIGURATION,
        f"{changelog} partition {partition} begins at {first}, not at 0: records were deleted from it; {_REBUILD}",
    )
