"""Faust with our hooks in it, over a log in memory in the place of a broker: the real consumer, the real recovery."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, cast

import faust
import faust.transport.drivers.aiokafka as driver
from aiokafka.structs import TopicPartition
from faust.types import TP
from mode import Service
from yarl import URL

from app.engine.kafka import hooks
from app.engine.kafka.ending import Exit, end
from app.engine.kafka.lease import Lease

SOURCE = "firm.contracts"
GAPLESS = "firm.journal.facts"
CHANGELOG = "firm-tables-changelog"


class Raw(NamedTuple):
    """A record as aiokafka hands it over."""

    offset: int
    value: bytes = b"{}"
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp: int = 1_773_075_600_000
    timestamp_type: int = 1


class Steered:
    """What the hooks ask of a host, and what they told it."""

    def __init__(self) -> None:
        self.lease = Lease(10.0, 18.0)
        self.sources = frozenset({SOURCE, GAPLESS})
        self.gapless = frozenset({GAPLESS})
        self.max_records = 3
        self.holding = True
        self.told: list[Any] = []

    async def load(self, partitions: set[int]) -> None:
        self.told.append(("load", partitions))
        self.holding = True

    async def revoked(self) -> None:
        self.told.append("revoked")
        self.holding = False

    def unread(self, topic: str, partition: int, position: int, first: int) -> NoReturn:
        end(Exit.CONFIGURATION, f"{topic} partition {partition} begins at {first}, but was read up to {position} only")


class LogThread(Service):
    """In the place of Faust's thread around aiokafka: what is `held` by partition, and what the group committed."""

    def __init__(self, held: Mapping[TP, list[int]], assigned: Iterable[TP], **options: Any) -> None:
        super().__init__(**options)
        self.held, self.assigned = dict(held), set(assigned)
        self.positions: dict[TP, int] = {}
        self.committed: dict[TP, int] = {}
        self.fetched: list[TP] = []

    async def getmany(self, active: Iterable[TP], timeout: float) -> dict[TP, list[Raw]]:  # noqa: ASYNC109
        """Everything from each position on, like a fetch that brings all there is."""
        found = {}
        for tp in sorted(active):
            offsets = [offset for offset in self.held.get(tp, []) if offset >= self.positions.get(tp, 0)]
            if offsets:
                found[tp] = [Raw(offset) for offset in offsets]
                self.positions[tp] = offsets[-1] + 1
                self.fetched.append(tp)
        if not found:
            await asyncio.sleep(0.01)
        return found

    def assignment(self) -> set[TP]:
        return self.assigned

    def seek(self, tp: TP, offset: int) -> None:
        self.positions[tp] = offset

    async def seek_wait(self, offsets: Mapping[TP, int]) -> None:
        self.positions.update(offsets)

    async def seek_to_committed(self) -> dict[TP, int | None]:
        """Like aiokafka's: no entry moves where nothing is committed."""
        self.positions.update(self.committed)
        return {cast("TP", TopicPartition(*tp)): self.committed.get(tp) for tp in self.assigned}

    async def earliest_offsets(self, *tps: TP) -> dict[TP, int]:
        return {tp: min(self.held.get(tp) or [0]) for tp in tps}

    async def highwaters(self, *tps: TP) -> dict[TP, int]:
        return {tp: self.highwater(tp) for tp in tps}

    def highwater(self, tp: TP) -> int:
        return max(self.held.get(tp) or [-1]) + 1

    async def commit(self, offsets: Mapping[TP, int]) -> bool:
        self.committed.update({TP(*tp): offset for tp, offset in offsets.items()})
        return True


def application(steered: Steered, folder: Path) -> Any:
    """A Faust application with all hooks in it, not started."""
    app = faust.App(
        "firm",
        broker=[URL("kafka://127.0.0.1:1")],
        store="memory://",
        datadir=str(folder),
        topic_partitions=2,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        autodiscover=False,
        table_standby_replicas=0,
        broker_commit_every=None,
        ConsumerScheduler=hooks.scheduler(steered),
        TableManager=hooks.table_manager(steered),
    )
    app.finalize()
    app.transport = hooks.transport(steered, lambda consumer: None)(app.conf.broker_consumer, app)
    app.Table("tables", key_type=bytes, value_type=bytes, partitions=2)
    topics: Any = app.topics
    topics._acking_topics.update(steered.sources)  # what Faust does once an agent has subscribed
    return app


def consumer_of(app: Any, log: Mapping[TP, list[int]]) -> Any:
    """The application's consumer over `log`, every partition of it assigned and being read."""

    class Consumer(app.transport.Consumer):  # type: ignore[misc]
        def _new_consumer_thread(self) -> Any:
            return LogThread(log, log, loop=self.loop, beacon=self.beacon)

    app.transport.Consumer = Consumer
    consumer: Any = app.consumer
    assert isinstance(consumer, driver.Consumer)
    consumer.resume_partitions(set(log))
    return consumer


async def fetch(consumer: Any) -> list[Any]:
    """The messages of one fetch."""
    return [message async for _, message in consumer.getmany(timeout=0.1)]


def offsets(messages: Iterable[Any]) -> list[list[int]]:
    """The offsets in each message's record batch."""
    return [[record.offset for record in message.value.records] for message in messages]
