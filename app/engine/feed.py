"""Statements as they are published: a bounded memory of the latest, and a queue for everyone who listens."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.engine.host import PREFIX
from app.engine.store import Store


@dataclass(frozen=True, slots=True)
class Published:
    """A statement at its place in the log of everything derived."""

    position: int
    topic: str
    key: str
    type: str
    value: bytes


class Heard(NamedTuple):
    """A statement as a reader hears it.

    `position` is a token to resume after it, of visible ASCII characters and opaque to all but the feed (empty: from
    here nobody can resume); `topic` is the full name (`headrace.burn`), `value` the whole event as JSON.
    """

    position: str
    topic: str
    key: str
    type: str
    value: bytes


_POSITION = re.compile("[0-9]{1,18}")


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

    async def subscribe(self, after: str | None, topics: frozenset[str] | None) -> AsyncIterator[Heard]:
        """Statements beyond position `after` (None: from now on), then live ones, without end.

        Raises LookupError where `after` is no longer held, was never reached, or is no position.
        """
        return self._follow(self._end if after is None else self._after(after), topics)

    async def _follow(self, place: int, topics: frozenset[str] | None) -> AsyncIterator[Heard]:
        waiter = asyncio.Event()
        self._waiters.add(waiter)
        try:
            while True:
                waiter.clear()
                for position, letter in list(self._store.letters("statements", 0, place)):
                    place = position + 1
                    said = dict(letter.headers)
                    topic = PREFIX + said["topic"].decode()
                    if topics is None or topic in topics:
                        yield Heard(str(position), topic, letter.key, said["type"].decode(), letter.value)
                if place >= self._end:
                    await waiter.wait()
        finally:
            self._waiters.discard(waiter)

    def _after(self, token: str) -> int:
        place = int(token) + 1 if _POSITION.fullmatch(token) else -1
        if not self._store.start("statements", 0) <= place <= self._end:
            raise LookupError(f"position {token[:40]!r} is not held any more; read the tables again")
        return place
