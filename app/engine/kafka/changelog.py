"""Reading the changelog: the tables of a slice are the value of the greatest version for each key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import ConsumerRecord

from app.engine.kafka.ending import Exit, end
from app.engine.kafka.records import VERSION_BYTES, Wire, changelog_version, stored_record
from app.engine.kafka.values import Values

_STUCK_SECONDS = 60
_FETCH_BYTES = 8 << 20


class Load:
    """Brings the values of one slice up to a place in its changelog.

    A key is in doubt where its last record is not the one of the greatest version, because a worker that was no longer
    the owner wrote it: compaction would keep the wrong one, so the right one must be written again.
    """

    def __init__(self, values: Values) -> None:
        self.values = values

    def take(self, records: Iterable[Any], position: int) -> None:
        """Records of the slice in their order, up to `position`."""
        get, doubtful = self.values.get, set[bytes]()
        rows: dict[bytes, bytes] = {}
        tops = dict(self.values.tops)
        for record in records:
            key, stored = record.key, record.value
            if stored is None:
                stored = changelog_version(None, record.headers)
            version = stored[:VERSION_BYTES]
            old = rows[key] if key in rows else get(key)
            if version > tops.get(version[:2], b""):
                tops[version[:2]] = version
            if old is not None and old[:VERSION_BYTES] > version:
                doubtful.add(key)
            else:
                rows[key] = stored
                doubtful.discard(key)
        self.values.put(rows.items(), position, tops, doubtful)

    def repairs(self) -> list[Wire]:
        """What is to be written to the changelog again."""
        stored = [(key, self.values.get(key)) for key in sorted(self.values.doubtful)]
        return [stored_record(key, value) for key, value in stored if value is not None]


async def read(
    arguments: Mapping[str, Any], topic: str, stretches: Mapping[int, tuple[int, int]]
) -> AsyncIterator[tuple[int, list[ConsumerRecord], int]]:
    """Yield (partition, records, next position) until each of `stretches` ({partition: (first, end)}) is read.

    It follows positions, not records: compaction leaves offsets out. A partition from which nothing comes for a minute
    ends the process.
    """
    wanted = {TopicPartition(topic, p): stretch for p, stretch in stretches.items() if stretch[0] < stretch[1]}
    if not wanted:
        return
    consumer = AIOKafkaConsumer(
        **arguments,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=_FETCH_BYTES,
        fetch_max_wait_ms=50,
    )
    await consumer.start()
    try:
        consumer.assign(list(wanted))
        for place, (first, _) in wanted.items():
            consumer.seek(place, first)
        heard = monotonic()
        while wanted:
            fetched = await consumer.getmany(*wanted, timeout_ms=200)
            if fetched:
                heard = monotonic()
            elif monotonic() - heard > _STUCK_SECONDS:
                waiting = sorted(place.partition for place in wanted)
                end(Exit.LOAD, f"nothing came from {topic} for {_STUCK_SECONDS} s", partitions=waiting)
            for place, records in fetched.items():
                last = wanted[place][1]
                inside = records if records[-1].offset < last else [r for r in records if r.offset < last]
                yield place.partition, inside, min(records[-1].offset + 1, last)
            for place in list(wanted):
                if await consumer.position(place) >= wanted[place][1]:
                    del wanted[place]
    finally:
        await asyncio.sleep(0)  # aiokafka 0.14: stop() right after assign() raises CancelledError
        await consumer.stop()
