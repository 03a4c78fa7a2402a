"""Second copies: slices of other workers, kept current from their changelog, for when they have to move."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from app.engine.kafka.changelog import Load
from app.engine.kafka.ending import say

_PAUSE_SECONDS = 1.0
_FETCH_BYTES = 4 << 20


def standbys(owners: Mapping[int, str], address: str, copies: int) -> set[int]:
    """The slices that the worker at `address` keeps a copy of: those of the `copies` workers before it in the order of
    their addresses, so that every worker comes to the same answer without asking.

    >>> standbys({0: "http://a", 1: "http://b", 2: "http://c"}, "http://b", 1)
    {0}
    >>> standbys({0: "http://a"}, "http://a", 1)
    set()
    """
    ring = sorted({address, *owners.values()})
    own = ring.index(address)
    before = {ring[own - step] for step in range(1, min(copies, len(ring) - 1) + 1)}
    return {p for p, owner in owners.items() if owner in before}


class Standby:
    """Follows the changelog of some slices. Whoever takes one over reads only what came after its last record here."""

    def __init__(self, arguments: Mapping[str, Any], changelog: str, make: Callable[[int], Load]) -> None:
        """`make` begins a slice's copy where none was handed in."""
        self._arguments, self._changelog, self._make = arguments, changelog, make
        self._followed: dict[int, Load] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def follow(self, partitions: Iterable[int], known: Mapping[int, Load]) -> None:
        """Keep copies of exactly these slices, beginning with those of `known`."""
        wanted = set(partitions)
        for p in [p for p in self._followed if p not in wanted]:
            self._followed.pop(p).values.close()
        for p in sorted(wanted - self._followed.keys()):
            self._followed[p] = known.get(p) or self._make(p)
        self._changed.set()
        if self._followed and self._task is None:
            self._task = asyncio.create_task(self._run())

    def take(self, partition: int) -> Load | None:
        """Hand the copy of a slice over; None where there is none."""
        load = self._followed.pop(partition, None)
        if load is not None:
            self._changed.set()
        return load

    def positions(self) -> dict[int, int]:
        """Up to which offset of the changelog each copy is whole."""
        return {p: load.values.position for p, load in self._followed.items()}

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        for load in self._followed.values():
            load.values.close()
        self._followed.clear()

    async def _run(self) -> None:
        while True:
            try:
                await self._read()
            except (KafkaError, OSError) as error:
                say("warning", "standby.failed", reason=repr(error))
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(
            **self._arguments,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=_FETCH_BYTES,
        )
        await consumer.start()
        try:
            while True:
                if self._changed.is_set():
                    self._changed.clear()
                    self._seek(consumer)
                if not self._followed:
                    await self._changed.wait()
                    continue
                for place, records in (await consumer.getmany(timeout_ms=500)).items():
                    load = self._followed.get(place.partition)
                    if load is not None:
                        new = [record for record in records if record.offset >= load.values.position]
                        load.take(new, records[-1].offset + 1)
                        await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0)  # aiokafka 0.14: stop() right after assign() raises CancelledError
            await consumer.stop()

    def _seek(self, consumer: AIOKafkaConsumer) -> None:
        places = {TopicPartition(self._changelog, p): load for p, load in self._followed.items()}
        consumer.assign(list(places))
        for place, load in places.items():
            consumer.seek(place, load.values.position)
