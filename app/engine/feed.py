"""Statements as they are published: a bounded memory of the latest, and a queue for everyone who listens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from app.engine.store import Store

PREFIX = "headrace."


@dataclass(frozen=True, slots=True)
class Published:
    """A statement at its place in the log of everything derived."""

    position: int
    topic: str
    key: str
    type: str
    value: bytes

    @property
    def full_topic(self) -> str:
        return PREFIX + self.topic


class Feed:
    """Readers take from the log at their own pace and are only told that there is more: nobody's queue can grow."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._end = store.end("statements", 0)
        self._waiters: set[asyncio.Event] = set()

    def publish(self, published: Sequence[Published]) -> None:
        if published:
            self._end = published[-1].position + 1
            for waiter in self._waiters:
                waiter.set()

    async def read(self, after: int | None, topics: frozenset[str] | None) -> AsyncIterator[Published]:
        """Statements beyond position `after` (None: from now on), then live ones, without end.

        Raises LookupError where `after` is no longer held, or was never reached.
        """
        place = self._end if after is None else after + 1
        if after is not None and not (self._first() <= place <= self._end):
            raise LookupError(f"position {after} is not held any more; read the tables again")
        waiter = asyncio.Event()
        self._waiters.add(waiter)
        try:
            while True:
                waiter.clear()
                for position, letter in list(self._store.letters("statements", 0, place)):
                    place = position + 1
                    said = dict(letter.headers)
                    published = Published(
                        position, said["topic"].decode(), letter.key, said["type"].decode(), letter.value
                    )
                    if topics is None or published.full_topic in topics:
                        yield published
                if place >= self._end:
                    await waiter.wait()
        finally:
            self._waiters.discard(waiter)

    def _first(self) -> int:
        return self._store.start("statements", 0)
