"""The readers that follow the stream now: how many, and how they are told that the server stops."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from app.web.ports import Metric
from app.web.problems import BUSY, Problem


class Streams:
    """Counts open streams, at most `limit`; `closing` is set once, when the server goes down."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open = 0
        self._sent = 0
        self._dropped = 0
        self.closing = asyncio.Event()

    @contextmanager
    def admit(self) -> Iterator[None]:
        """A place for one reader while it reads. Raises Problem (503) when there is none, or no more."""
        if self._open >= self._limit or self.closing.is_set():
            detail = f"{self._open} readers follow the stream; this server allows {self._limit}."
            raise Problem(BUSY, detail, headers={"Retry-After": "5"}, retry_after_seconds=5)
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    def sent(self, statements: int) -> None:
        self._sent += statements

    def dropped(self) -> None:
        """A reader was disconnected because it did not keep up."""
        self._dropped += 1

    def metrics(self) -> list[Metric]:
        return [
            Metric("http_streams", "gauge", "Readers that follow the stream.", [({}, self._open)]),
            Metric("http_statements_sent_total", "counter", "Statements sent to readers.", [({}, self._sent)]),
            Metric("http_readers_dropped_total", "counter", "Readers that did not keep up.", [({}, self._dropped)]),
        ]
