"""Topics read outside of a worker: what a stretch of them holds, each partition in its order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from types import TracebackType
from typing import NamedTuple, Self

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as Place
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    KafkaError,
    NotCoordinatorForGroupError,
    OffsetOutOfRangeError,
)
from aiokafka.structs import ConsumerRecord, OffsetAndMetadata

from app.engine.kafka.ending import Unfit
from app.engine.kafka.security import client_arguments
from app.engine.kafka.topics import admin
from app.misuse import Misuse
from app.settings import Settings

__all__ = ["Log", "LogError", "Place", "Stretch", "speaking"]

CHUNK = 10_000
_FETCH_BYTES = 4 << 20
_STUCK_SECONDS = 30


class LogError(Misuse):
    """A broker or a topic cannot be used as asked; says what is wrong and what to do."""


class Stretch(NamedTuple):
    """Offsets from `first` up to, and without, `end`."""

    first: int
    end: int


@contextmanager
def speaking(settings: Settings) -> Iterator[None]:
    """What goes wrong between a client and its brokers is a LogError."""
    # The client says on its own account what the sentence below says better, a line for each attempt.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        yield
    except Unfit as error:
        raise LogError(str(error)) from error
    except ConnectionError as error:
        # Whoever speaks the wrong protocol, or has the wrong certificate, is cut off without a reason.
        raise LogError(
            f"{error}; see that one runs there, and that HEADRACE_KAFKA_SECURITY_PROTOCOL and what belongs to it fit"
        ) from error
    except (KafkaError, TimeoutError) as error:
        said = str(error) or type(error).__name__
        raise LogError(
            f"the brokers at {settings.kafka_bootstrap} could not be used: {said};"
            " see that they run and that the settings HEADRACE_KAFKA_* fit them, then try again"
        ) from error


class Log:
    """A connection that only looks: it joins no group and commits nothing. One read at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._arguments = client_arguments(settings)
        self._admin: AIOKafkaAdminClient | None = None
        self._consumer: AIOKafkaConsumer | None = None

    async def __aenter__(self) -> Self:
        with speaking(self._settings):
            self._admin = await admin(self._arguments)
            self._consumer = AIOKafkaConsumer(
                **self._arguments,
                enable_auto_commit=False,
                auto_offset_reset="none",
                max_partition_fetch_bytes=_FETCH_BYTES,
                fetch_max_wait_ms=50,
            )
            await self._consumer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.sleep(0)  # aiokafka 0.14: stop() right after assign() raises CancelledError
        if self._consumer is not None:
            await self._consumer.stop()
        if self._admin is not None:
            await self._admin.close()

    async def places(self, topics: Iterable[str] | None = None) -> list[Place]:
        """Every partition of these topics, by their full names; without, of every topic of the group's.

        Raises LogError for a topic that does not exist.
        """
        assert self._admin is not None
        with speaking(self._settings):
            described = {one["topic"]: len(one["partitions"]) for one in await self._admin.describe_topics()}
        if topics is None:
            prefix, own = self._settings.kafka_prefix, f"{self._settings.kafka_group}-"
            topics = sorted(name for name in described if name.startswith((prefix, own)))
        found = []
        for topic in topics:
            if not described.get(topic):
                raise LogError(
                    f"there is no topic {topic} at {self._settings.kafka_bootstrap};"
                    " make the topics with `headrace topics --create`, or name another group with --group"
                )
            found += [Place(topic, partition) for partition in range(described[topic])]
        return found

    async def stretches(self, places: Sequence[Place]) -> dict[Place, Stretch]:
        """What each partition holds at this moment."""
        assert self._consumer is not None
        with speaking(self._settings):
            firsts = await self._consumer.beginning_offsets(places)
            ends = await self._consumer.end_offsets(places)
        return {place: Stretch(firsts[place], ends[place]) for place in places}

    async def committed(self) -> dict[Place, int]:
        """Per partition the offset that the group goes on from; none for what it has not committed yet."""
        with speaking(self._settings):
            found = await self._group_offsets(self._settings.kafka_group)
        return {place: known.offset for place, known in found.items() if known.offset >= 0}

    async def _group_offsets(self, group: str) -> dict[Place, OffsetAndMetadata]:
        """A broker that was never asked for a group makes the topic that keeps them first."""
        assert self._admin is not None
        asked = monotonic()
        while True:
            try:
                found: dict[Place, OffsetAndMetadata] = await self._admin.list_consumer_group_offsets(group)
            except (GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError):
                if monotonic() - asked > _STUCK_SECONDS:
                    raise
                await asyncio.sleep(0.2)
            else:
                return found

    async def read(self, stretches: Mapping[Place, Stretch]) -> AsyncIterator[tuple[Place, list[ConsumerRecord]]]:
        """Every record of the stretches: each partition in order, partitions as their records come.

        It follows positions, not records, as compaction leaves offsets out. Raises LogError where records were deleted
        before they were read, or nothing comes for half a minute.
        """
        assert self._consumer is not None
        consumer = self._consumer
        wanted = {place: stretch for place, stretch in stretches.items() if stretch.first < stretch.end}
        if not wanted:
            return
        consumer.assign(list(wanted))
        for place, stretch in wanted.items():
            consumer.seek(place, stretch.first)
        heard = monotonic()
        while wanted:
            with speaking(self._settings):
                fetched = await self._fetch(consumer, wanted)
            for place, records in fetched.items():
                heard = monotonic()
                end = wanted[place].end
                yield place, records if records[-1].offset < end else [one for one in records if one.offset < end]
            if monotonic() - heard > _STUCK_SECONDS:
                raise self._stuck(wanted)
            for place in list(wanted):
                if await consumer.position(place) >= wanted[place].end:
                    consumer.pause(place)
                    del wanted[place]

    async def _fetch(
        self, consumer: AIOKafkaConsumer, wanted: Mapping[Place, Stretch]
    ) -> dict[Place, list[ConsumerRecord]]:
        try:
            fetched: dict[Place, list[ConsumerRecord]] = await consumer.getmany(
                *wanted, timeout_ms=200, max_records=CHUNK
            )
        except OffsetOutOfRangeError as error:
            raise LogError(
                f"records were deleted before they could be read ({error});"
                " give the topic a longer retention, or begin again"
            ) from error
        return fetched

    def _stuck(self, wanted: Mapping[Place, Stretch]) -> LogError:
        place = min(wanted)
        return LogError(
            f"nothing came from {place.topic} partition {place.partition} for {_STUCK_SECONDS} s,"
            f" before its end at {wanted[place].end}; see that its brokers run, then try again"
        )
