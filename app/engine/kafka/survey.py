"""What the brokers say of topics and of the group, asked over connections of its own: no reader, no writer and no group
is in its way, so it hears the truth even where one of those has come to a stand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from app.engine.kafka import hooks, topics
from app.engine.kafka.checks import raise_lost_head
from app.engine.kafka.job import Job

Place = tuple[str, int]
"""A topic by its full name, and a partition of it."""

_AGAIN_SECONDS = 0.2
_LOADING_SECONDS = 30.0
"""A coordinator that has just started reads up on its groups; it says so for so long at most."""


class Survey:
    """`start` before anything is asked. Everything raises KafkaError, OSError or TimeoutError where no answer comes."""

    def __init__(self, arguments: Mapping[str, Any], job: Job) -> None:
        self._arguments, self._job = arguments, job
        self._sources = sorted(job.prefix + name for seat in job.seats for name in seat.topics)
        self._written = sorted({topic.name for topic in job.topics} - {*self._sources, job.changelog})
        self._ends: AIOKafkaConsumer | None = None
        self._client: AIOKafkaAdminClient | None = None

    async def start(self, partitions: int) -> None:
        # A consumer without a group: it is assigned what it asks about, paused, as else it would fetch metadata topic
        # by topic. What a producer has not decided upon is nobody's to wait for: ends are of settled transactions.
        self._ends = AIOKafkaConsumer(**self._arguments, isolation_level="read_committed")
        await self._ends.start()
        names = sorted({*self._sources, *self._written, self._job.changelog})
        places = [TopicPartition(name, p) for name in names for p in range(partitions)]
        self._ends.assign(places)
        self._ends.pause(*places)

    async def stop(self) -> None:
        if self._ends is not None:
            await self._ends.stop()
        await self._close()

    async def changelog_ends(self, partitions: Iterable[int]) -> dict[int, int]:
        """Where the changelog of each slice ends; ends the process where it does not begin at 0."""
        assert self._ends is not None
        places = [TopicPartition(self._job.changelog, p) for p in sorted(partitions)]
        if not places:
            return {}
        for place, offset in (await self._ends.beginning_offsets(places)).items():
            if offset:
                raise_lost_head(self._job.changelog, place.partition, offset)
        ends = await self._ends.end_offsets(places)
        return {place.partition: offset for place, offset in ends.items()}

    async def extents(self, partitions: Iterable[int]) -> dict[Place, tuple[int, int]]:
        """(first offset, end) of every source."""
        assert self._ends is not None
        places = [TopicPartition(topic, p) for topic in self._sources for p in sorted(partitions)]
        if not places:
            return {}
        firsts, ends = await self._ends.beginning_offsets(places), await self._ends.end_offsets(places)
        return {(place.topic, place.partition): (firsts[place], ends[place]) for place in places}

    async def written(self, partitions: Iterable[int]) -> dict[Place, int]:
        """Where the topics end that are only written to."""
        assert self._ends is not None
        places = [TopicPartition(topic, p) for topic in self._written for p in sorted(partitions)]
        ends = await self._ends.end_offsets(places) if places else {}
        return {(place.topic, place.partition): offset for place, offset in ends.items()}

    async def committed(self, partitions: Iterable[int]) -> dict[Place, int]:
        """The offset behind what the group has acknowledged of each partition of which it has any."""
        wanted, until = set(partitions), asyncio.get_running_loop().time() + _LOADING_SECONDS
        while True:
            try:
                found = await hooks.committed(await self._admin(), self._job.group)
                break
            except KafkaError as error:
                await self._close()
                if not error.retriable or asyncio.get_running_loop().time() > until:
                    raise
                await asyncio.sleep(_AGAIN_SECONDS)
        return {
            (place.topic, place.partition): offset
            for place, offset in found.items()
            if place.partition in wanted and place.topic in self._sources
        }

    async def check_topics(self, partitions: int) -> None:
        """Raises Unfit where a topic is not as it must be."""
        try:
            await topics.check(await self._admin(), self._job.topics, partitions)
        except (KafkaError, OSError):
            await self._close()
            raise

    async def _admin(self) -> AIOKafkaAdminClient:
        if self._client is None:
            self._client = await topics.admin(self._arguments)
        return self._client

    async def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()
