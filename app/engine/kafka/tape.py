"""Statements of all workers, as one stream that any worker can tell from any position."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord

from agents.effects import DERIVED
from app.engine.feed import Heard
from app.engine.host import PREFIX, Unavailable
from app.engine.kafka.ending import say
from app.engine.kafka.log import Log, LogError, Place, Stretch
from app.engine.kafka.position import unword, word
from app.engine.kafka.records import structured_statement
from app.engine.kafka.security import client_arguments
from app.settings import Settings

KEPT: Final = 5_000
"""Statements at hand for readers that follow; who is further behind reads from the brokers until it has caught up."""

CATCH_UP: Final = 200_000
"""Statements a reader may be behind; beyond, reading the tables again is quicker."""

LINGER_SECONDS: Final = 30.0
"""How long the tape runs on without readers: whoever lost the connection comes back within seconds."""


class Reel:
    """The latest statements of all partitions in the order in which they were read, and up to where each was read."""

    def __init__(self, firsts: Sequence[int], kept: int) -> None:
        self._kept = kept
        self.firsts = list(firsts)  # per partition, from which offset on everything is here
        self.ends = list(firsts)
        self.base = 0  # the number of the oldest statement that is here
        self._frames: list[tuple[int, ConsumerRecord]] = []
        self.grown = asyncio.Event()

    @property
    def end(self) -> int:
        return self.base + len(self._frames)

    def __getitem__(self, number: int) -> tuple[int, ConsumerRecord]:
        """(partition, record) of a statement from `base` up to, and without, `end`."""
        return self._frames[number - self.base]

    def add(self, number: int, records: Sequence[ConsumerRecord], end: int) -> None:
        """Records of one partition, which is read up to `end` with them."""
        self._frames += [(number, record) for record in records]
        self.ends[number] = max(end, records[-1].offset + 1)
        grown, self.grown = self.grown, asyncio.Event()
        grown.set()
        if len(self._frames) > 2 * self._kept:  # rarely, as it costs as much as what is kept
            gone = len(self._frames) - self._kept
            for partition, record in self._frames[:gone]:
                self.firsts[partition] = record.offset + 1
            del self._frames[:gone]
            self.base += gone

    def holds(self, offsets: Sequence[int]) -> bool:
        """Whether everything beyond these offsets is here, as far as it was read."""
        return all(first <= offset for first, offset in zip(self.firsts, offsets, strict=True))


class Subscription:
    """One reader's statements; `aclose` when it leaves."""

    def __init__(self, tape: Tape, told: AsyncGenerator[Heard, None]) -> None:
        self._tape, self._told = tape, told
        self._open = True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Heard:
        return await anext(self._told)

    async def aclose(self) -> None:
        await self._told.aclose()
        if self._open:
            self._open = False
            self._tape.leave()


class Tape:
    """Reads every derived topic, without a group, while anybody listens; all readers of a worker share what is read.

    A position is the offsets of all partitions, so a reader may go on at any worker. Statements are full and topics
    compacted: of one key in one partition they come in order, of different ones in any; what was said again meanwhile
    may be left out.
    """

    def __init__(
        self,
        settings: Settings,
        partitions: int,
        *,
        kept: int = KEPT,
        catch_up: int = CATCH_UP,
        linger: float = LINGER_SECONDS,
    ) -> None:
        self._settings, self._kept, self._catch_up, self._linger = settings, kept, catch_up, linger
        self._places = [Place(settings.kafka_prefix + topic, p) for topic in DERIVED for p in range(partitions)]
        self._topics = [PREFIX + topic for topic in DERIVED for _ in range(partitions)]
        self._numbers = {place: number for number, place in enumerate(self._places)}
        self._consumer: AIOKafkaConsumer | None = None
        self._reel: Reel | None = None
        self._reading: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._readers = 0
        self._closed = False
        self._stopping: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether it reads now."""
        return self._reading is not None

    async def subscribe(self, after: str | None, topics: frozenset[str] | None) -> Subscription:
        """Statements of `topics` (full names; None: all) beyond the position `after`, None: from now on.

        Raises LookupError where `after` is no position, was never reached, or is too far back; Unavailable where no
        broker answers.
        """
        asked = None if after is None else unword(after, len(self._places))
        self._readers += 1
        try:
            reel = await self._running()
            offsets = list(reel.ends) if asked is None else asked
            if asked is not None:
                await self._check(offsets, reel)
        except BaseException:
            self.leave()
            raise
        return Subscription(self, self._tell(offsets, topics))

    def leave(self) -> None:
        """A reader has left; with the last one the tape stops, a little later."""
        self._readers -= 1
        if not self._readers and self._stopping is None:
            self._stopping = asyncio.create_task(self._stop_unless_read())

    async def _stop_unless_read(self) -> None:
        await asyncio.sleep(self._linger)
        self._stopping = None
        if not self._readers:
            async with self._starting:
                await self._stop()

    async def close(self) -> None:
        """Readers still there are told nothing more."""
        self._closed = True
        if self._stopping is not None:
            self._stopping.cancel()
        await self._stop()

    # -- reading ----------------------------------------------------------------------------------------------------

    async def _running(self) -> Reel:
        async with self._starting:
            if self._closed:
                raise Unavailable("this worker stops; go on at another one")
            if self._reel is None or self._reading is None or self._reading.done():
                await self._stop()
                self._reel = await self._start()
            return self._reel

    async def _start(self) -> Reel:
        """Begin at the ends of all partitions."""
        consumer = AIOKafkaConsumer(
            **client_arguments(self._settings),
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=500,
        )
        try:
            await consumer.start()
            consumer.assign(self._places)
            ends: Mapping[Place, int] = await consumer.end_offsets(self._places)
        except (KafkaError, OSError, TimeoutError) as error:
            await consumer.stop()
            raise Unavailable(f"statements cannot be read: {error}") from error
        for place, end in ends.items():
            consumer.seek(place, end)
        reel = Reel([ends[place] for place in self._places], self._kept)
        self._consumer = consumer
        self._reading = asyncio.create_task(self._read(consumer, reel))
        return reel

    async def _stop(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._consumer is not None:
            await asyncio.sleep(0)  # aiokafka 0.14: stop() right after assign() raises CancelledError
            await self._consumer.stop()
        self._consumer = self._reading = self._reel = None

    async def _read(self, consumer: AIOKafkaConsumer, reel: Reel) -> None:
        """Fill the reel until stopped. A failure ends it; who reads then starts another one."""
        try:
            while True:
                fetched = await consumer.getmany(timeout_ms=1_000, max_records=1_000)
                for place, records in fetched.items():
                    reel.add(self._numbers[place], records, await consumer.position(place))
        except Exception as error:
            say("warning", "tape.broke", reason=repr(error))
        finally:
            reel.grown.set()

    async def _check(self, offsets: Sequence[int], reel: Reel) -> None:
        """Raises LookupError for a position beyond the ends, or too far before them."""
        assert self._consumer is not None
        ends = reel.ends
        if any(offset > end for offset, end in zip(offsets, ends, strict=True)):
            try:  # another worker may have read further than this one
                found = await self._consumer.end_offsets(self._places)
            except (KafkaError, TimeoutError) as error:
                raise Unavailable(f"positions cannot be looked up: {error}") from error
            ends = [found[place] for place in self._places]
        if any(offset > end for offset, end in zip(offsets, ends, strict=True)):
            raise LookupError("this position was never reached; read the tables again")
        behind = sum(end - offset for offset, end in zip(offsets, ends, strict=True))
        if behind > self._catch_up:
            raise LookupError(f"this position is {behind:,} statements back; read the tables again")

    # -- telling ----------------------------------------------------------------------------------------------------

    async def _tell(self, offsets: list[int], topics: frozenset[str] | None) -> AsyncGenerator[Heard, None]:
        """Everything beyond `offsets`, without end; they move along with what was told or left out."""
        while True:
            reel = await self._running()
            steps = self._follow(reel, offsets) if reel.holds(offsets) else self._catch_up_with(reel, offsets)
            async with aclosing(steps):
                async for number, record in steps:
                    if record.offset < offsets[number]:
                        continue
                    offsets[number] = record.offset + 1
                    if record.value is not None and (topics is None or self._topics[number] in topics):
                        yield self._heard(number, record, offsets)

    async def _follow(self, reel: Reel, offsets: Sequence[int]) -> AsyncGenerator[tuple[int, ConsumerRecord], None]:
        """What is on the reel, then what comes, until the reader has fallen behind it or it is filled no more."""
        number = reel.base
        while True:
            grown = reel.grown
            while reel.base <= number < reel.end:
                frame = reel[number]
                number += 1
                yield frame
            if number < reel.base:
                return
            if self._reading is None or self._reading.done():
                return
            await grown.wait()

    async def _catch_up_with(self, reel: Reel, offsets: list[int]) -> AsyncGenerator[tuple[int, ConsumerRecord], None]:
        """What the brokers hold from `offsets` up to where the reel was read when this began."""
        stretches = {
            place: Stretch(first, end)
            for place, first, end in zip(self._places, offsets, list(reel.ends), strict=True)
            if first < end
        }
        try:
            async with Log(self._settings) as brokers:
                async for place, records in brokers.read(stretches):
                    for record in records:
                        yield self._numbers[place], record
        except LogError as error:
            raise Unavailable(str(error)) from error
        for place, stretch in stretches.items():
            offsets[self._numbers[place]] = max(stretch.end, offsets[self._numbers[place]])

    def _heard(self, number: int, record: ConsumerRecord, offsets: Sequence[int]) -> Heard:
        said: dict[str, Any] = dict(record.headers)
        key = (record.key or b"").decode()
        value = structured_statement(record.value, record.headers)
        return Heard(word(offsets), self._topics[number], key, said["ce_type"].decode(), value)
