"""The Kafka host: one Faust application that runs every agent on the partitions it is given.

*Slice* p is partition p of every topic: inputs, journals, changelog, what is derived. The group gives a slice to one
worker as a whole, so an agent finds everything it needs in one place. A worker does not survive what it cannot explain:
it ends itself (`app.engine.kafka.ending`), and what it had not acknowledged is read again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, NoReturn

import faust
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from faust.types import TP
from yarl import URL

from agents.effects import DOCUMENTS, Effects
from app.domain.utilization import Window
from app.engine.kafka import hooks, topics
from app.engine.kafka.changelog import Load, read
from app.engine.kafka.checks import check_slice, raise_shorter, raise_unread
from app.engine.kafka.ending import Exit, Unfit, end, say
from app.engine.kafka.folder import claim
from app.engine.kafka.hooks import BatchSchema, RecordBatch
from app.engine.kafka.job import Job
from app.engine.kafka.lane import Lane
from app.engine.kafka.lease import Lease
from app.engine.kafka.pace import Pace
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
from app.engine.kafka.survey import Place, Survey
from app.engine.kafka.values import MemoryValues, RocksValues, SliceTables, Values
from app.engine.kafka.view import View
from app.engine.kafka.watch import STALL_SECONDS, Pulse, Watch
from app.engine.kafka.writer import DELIVERY_ERRORS, Frontier, Writer
from app.engine.topology import addressed
from app.events.posting import Moment
from app.settings import Settings

REBALANCE_SECONDS = 20.0
COMMIT_SECONDS = 0.25
GROWTH = 5
"""While more records come than an agent can take, a step grows to so many batches: what many records touch is written
and stated once."""

LOOK_SECONDS = 0.1
"""So often it is looked whether a document at the gate waits no longer."""

SETTLED_SECONDS = 1.5
"""A partition of which everything was fetched for so long, and nothing handed out, has nothing to hand out."""


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

    `clock` gives the moment (microseconds) that documents at the gate wait for; without one they wait for ever.

    `tables` are those of the slices this worker holds and has loaded; `owners` says who has the others.
    """

    def __init__(self, settings: Settings, job: Job, address: str = "", clock: Callable[[], int] | None = None) -> None:
        self.settings, self.job, self.address = settings, job, address
        self._clock = clock
        self.dues: dict[int, int] = {}  # slice → the moment that its documents wait for
        self._app: Any = None  # the Faust application, once it was started
        self.partitions = settings.kafka_partitions
        self.lease = Lease(settings.kafka_session_seconds, REBALANCE_SECONDS * 0.9)
        self.max_records = GROWTH * settings.batch_size
        self.sources = frozenset(job.prefix + name for seat in job.seats for name in seat.topics)
        self.gapless = job.gapless
        self.listeners: list[Callable[[Effects], None]] = []
        self.processed = 0
        self.stated = 0
        self._arguments = client_arguments(settings)
        self._writer = Writer(self._arguments, self.lease)
        self._slices: dict[int, Slice] = {}
        self.window = Window(settings.weeks_behind, settings.weeks_ahead)
        self.holding = False
        self.turn = 0  # of the group's rebalances, as far as we took part
        self._given: frozenset[int] = frozenset()
        self._loading: set[int] = set()
        self._spare: dict[int, Load] = {}  # values of slices that are on their way in or out
        self._standby = Standby(self._arguments, job.changelog, lambda p: Load(self._values(p)))
        self._moved: dict[Place, tuple[int, float]] = {}  # position, and since when it is there
        self.extents: dict[Place, tuple[int, int]] = {}  # (first offset, end) of sources, as last heard by the survey
        self.outputs: dict[Place, int] = {}  # ends of topics that are only written to, as last heard
        self.stepped = monotonic()  # when the last step was made towards holding slices
        self._survey = Survey(self._arguments, job)
        self._pulse = Pulse()
        self._pace = Pace()
        self._watch = Watch(self, self._survey, self._pulse)
        self._claimed: int | None = None  # holds the folder of tables on disk
        self._tasks: list[asyncio.Task[None]] = []

    # -- life -------------------------------------------------------------------------------------------------------

    async def prepare(self) -> None:
        """Make the topics that do not exist, and check all of them.

        Raises Unfit where somebody must act first, ConnectionError where no broker answers.
        """
        hooks.verify()
        self._pulse.start()
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
        await self._survey.start(self.partitions)
        (self.settings.kafka_data_dir / "faust").mkdir(parents=True, exist_ok=True)
        self._app = self._faust()
        self.stepped = monotonic()
        # First: Faust may wait for a group that goes on without it.
        self._tasks.append(asyncio.create_task(self._watch.run()))
        if self._clock is not None:
            self._tasks.append(asyncio.create_task(self._hand_in(self._clock)))
        await self._app.start()

    async def stop(self) -> None:
        """Finish what has begun, commit, leave the group, so that others take over at once."""
        self._given = frozenset()  # nothing is answered from tables that are being closed
        self._pulse.beat()
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
        await self._survey.stop()

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
            consumer_max_fetch_size=4 << 20,
            consumer_auto_offset_reset="earliest",
            table_standby_replicas=0,
            cython_optimizations=True,
            worker_redirect_stdouts=False,
            ConsumerScheduler=hooks.scheduler(self),
            PartitionAssignor=hooks.Assignor,
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
        self.turn += 1
        self.stepped = monotonic()
        await self._rest()
        self.stepped = monotonic()

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
        except DELIVERY_ERRORS as error:
            end(Exit.BROKER, f"slices {sorted(partitions)} could not be loaded: {error!r}")

    async def _load(self, partitions: set[int]) -> None:
        began, turn = monotonic(), self.turn
        self._given, self._loading, self.stepped = frozenset(partitions), set(partitions), began
        for p in sorted(partitions - self._slices.keys() - self._spare.keys()):
            # Before the ends are asked for: a copy that is still followed would soon be found to go beyond them.
            self._spare[p] = self._standby.take(p) or Load(self._values(p))
        ends = await self._survey.changelog_ends(partitions)
        for p in [p for p, held in self._slices.items() if ends.get(p) != held.frontier.offset]:
            await self._drop(p)
        fresh = {p: ends[p] for p in sorted(partitions) if p not in self._slices}
        committed = await self._survey.committed(partitions)
        extents = await self._survey.extents(partitions)
        records = await self._read(fresh)
        for p in sorted(partitions):
            values = self._spare[p].values if p in fresh else self._slices[p].values
            check_slice(self.job, p, values, committed, extents)
        for p, offset in fresh.items():
            await self._take_over(p, self._spare.pop(p), offset, committed)
        if turn != self.turn:
            return  # the next rebalance has begun meanwhile, and will say what is ours
        self.holding = True
        for held in self._slices.values():
            for lane in held.lanes.values():
                lane.resume()
        self._loading.clear()
        self.extents = extents
        self._moved.clear()
        self._watch.clear()
        if fresh:
            kept = sorted(partitions - fresh.keys())
            seconds = round(monotonic() - began, 3)
            say("info", "slices.loaded", slices=sorted(fresh), kept=kept, records=records, seconds=seconds)
        self._follow()

    async def _drop(self, partition: int) -> None:
        """Let a slice go. Its values stay at hand: they are a copy to follow, or to begin with should it come back."""
        held = self._slices.pop(partition)
        self.dues.pop(partition, None)
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
            self.stepped = monotonic()
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
                    self._pace,
                    last=position - 1,
                    behind=tops.get(seat.number, -1) if len(seat.topics) == 1 else -1,
                    owing=seat.states and seat.number in tops,  # what no record was ever folded into owes nothing
                )
        self._slices[partition] = held

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
        if lane.topic == DOCUMENTS:
            self.dues.pop(lane.partition, None)
            if effects.due is not None:
                self.dues[lane.partition] = effects.due
        for listener in self.listeners:
            listener(effects)

    async def _hand_in(self, clock: Callable[[], int]) -> None:
        """Tell documents that wait for a moment which it is, for as long as the slices are ours."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = clock()
            due = [p for p, moment in self.dues.items() if moment <= now and p in self.tables]
            record = [Wire(journal_key(""), encode_journal(Moment(now, self.partitions)), [])]
            for p in due:
                del self.dues[p]
            try:
                await asyncio.gather(*(self._writer.send(self.job.prefix + DOCUMENTS, p, record) for p in due))
            except DELIVERY_ERRORS as error:
                end(Exit.DELIVERY, f"the moment could not be handed in: {error!r}")

    # -- watching ---------------------------------------------------------------------------------------------------

    def lag(self) -> dict[tuple[str, int], tuple[int, int]]:
        """(position, end) by topic (without prefix) and slice, of what this worker reads."""
        cut = len(self.job.prefix)
        return {(topic[cut:], p): place for (topic, p), place in self.places().items()}

    @property
    def stale(self) -> bool:
        """Whether records wait, or nobody has said yet which are ours and whether any do."""
        if not self.holding or not self._app.consumer.heard():
            return True
        return any(position < end for position, end in self.lag().values())

    def places(self) -> dict[Place, tuple[int, int]]:
        """(next offset to acknowledge, end) of every source of our slices: nothing waits where they are equal.

        The end is what the reader heard of or the survey did: a reader that has come to a stand hears of none.
        """
        if not self.holding:
            return {}
        now, told, places = monotonic(), self._app.consumer.positions(), {}
        for place, lane in self.placed().items():
            expected, fetched, last = told.get(TP(*place), (-1, -1, 0))
            first, end = self.extents.get(place, (0, 0))
            position, last = max(lane.delivered + 1, first), max(last, end)
            if self._moved.get(place, (-1, 0.0))[0] != position:
                self._moved[place] = (position, now)
            if position == expected and fetched >= last and now - self._moved[place][1] > SETTLED_SECONDS:
                position = last  # nothing but marks of transactions comes there
            places[place] = (position, max(last, position))
        return places

    def written(self) -> dict[tuple[str, int], int]:
        """As of the last look, seconds ago at most: where derived topics end only the brokers know."""
        cut = len(self.job.prefix)
        return {(topic[cut:], p): end for (topic, p), end in self.outputs.items() if p in self._slices}

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
        if late := self._watch.late(STALL_SECONDS / 2):
            return False, late
        return True, f"{len(self._slices)} of {self.partitions} slices are held here, all of them loaded"

    def lanes(self) -> Iterator[Lane]:
        for held in self._slices.values():
            yield from held.lanes.values()

    def placed(self) -> dict[Place, Lane]:
        """The lane of every source of our slices."""
        return {(topic, p): lane for p, held in self._slices.items() for topic, lane in held.lanes.items()}

    def frontiers(self) -> dict[int, Frontier]:
        return {p: held.frontier for p, held in self._slices.items()}

    def read(self) -> dict[Place, int]:
        """The next offset to be read, of every source that is."""
        positions: Mapping[TP, tuple[int, int, int]] = self._app.consumer.positions()
        return {(tp.topic, tp.partition): expected for tp, (expected, *_) in positions.items()}

    def crashed(self) -> str:
        """Why Faust has given up; "" while it has not."""
        return repr(self._app.crash_reason) if self._app.crashed else ""

    def outside(self) -> str:
        """Why this worker takes no part in its group any more; "" while it does."""
        return hooks.coordinating(self._app)

    def leave(self) -> None:
        """Leave the group at once, without good order: what comes back is a new member."""
        hooks.leave(self._app)


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
