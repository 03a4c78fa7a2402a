"""Statements as server-sent events: resumable, with a heartbeat, and safe from readers that do not read."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Self

from aiohttp import hdrs, web

from app.events.derived import DERIVED
from app.web.call import Call
from app.web.parameters import AFTER, choices
from app.web.ports import Feed, Statement, Unavailable
from app.web.streams import Streams

log = logging.getLogger(__name__)

PREFIX = "headrace."
_VERSION = re.compile(r"\.v[0-9]+$")
TOPICS = tuple(dict.fromkeys(derived.topic for derived in DERIVED.values()))
WANTED = choices("topics", TOPICS, "Only statements of these topics, named without the prefix `headrace.`.")

RETRY_MILLISECONDS = 2_000
_HELLO = f"retry: {RETRY_MILLISECONDS}\n\n".encode()
_HEARTBEAT = b": alive\n\n"
# An empty id makes the browser forget the position that is no longer held.
_RESET = b'event: reset\nid:\ndata: {"type":"reset"}\n\n'
_END = b""
_BURST = 200
_FAREWELL_SECONDS = 1.0

_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    # proxies of the nginx family hold answers back unless told not to
    "X-Accel-Buffering": "no",
}


async def stream(call: Call) -> web.StreamResponse:
    """Follow the derived events until the reader leaves, falls behind, or the server stops.

    Whoever was disconnected resumes with Last-Event-ID; when that position is not held any more the first event is
    `reset`, which means: load everything again.
    """
    settings, streams = call.context.settings, call.context.streams
    after, topics = _asked(call)
    with streams.admit():
        # the subscription begins before anything is sent, so that a reader who hears of it misses nothing
        frames = await _frames(call.context.feed, after, topics)
        async with aclosing(frames):
            queue: asyncio.Queue[bytes] = asyncio.Queue(settings.stream_queue)
            response = web.StreamResponse(headers=_HEADERS)
            await response.prepare(call.request)
            filling = asyncio.create_task(_fill(queue, frames, settings.stream_patience_seconds))
            sending = asyncio.create_task(_send(queue, response, settings.heartbeat_seconds, streams))
            try:
                await _until_over(filling, sending, streams.closing)
                await _wind_up(queue, filling, sending)
            finally:
                await _cancel(filling, sending)
            _part(call.request, streams, filling, sending)
            return response


def _asked(call: Call) -> tuple[str | None, frozenset[str] | None]:
    """(position to resume after, topics by their full names).

    The header is passed on whatever it says: refusing a strange id would end a browser's attempts for good, but a
    reset, which the feed's LookupError becomes, puts it right.
    """
    wanted = call.get(WANTED)
    topics = None if wanted is None else frozenset(PREFIX + topic for topic in wanted)
    return call.request.headers.get(hdrs.LAST_EVENT_ID) or call.get(AFTER), topics


class _Frames:
    """What goes out, frame by frame: a reset first where the position asked for is not held. `aclose` leaves."""

    def __init__(self, statements: AsyncIterator[Statement], *, reset: bool) -> None:
        self._statements, self._reset = statements, reset

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._reset:
            self._reset = False
            return _RESET
        return frame(await anext(self._statements))

    async def aclose(self) -> None:
        close = getattr(self._statements, "aclose", None)
        if close is not None:
            await close()


async def _frames(feed: Feed, after: str | None, topics: frozenset[str] | None) -> _Frames:
    if after is None:
        return _Frames(await feed.subscribe(None, topics), reset=False)
    try:
        return _Frames(await feed.subscribe(after, topics), reset=False)
    except LookupError:
        return _Frames(await feed.subscribe(None, topics), reset=True)


def frame(statement: Statement) -> bytes:
    """One server-sent event. Its name is the type without the version, which the data has in full, so that a page need
    not know the version to listen. A value of several lines stays one event; without a position it has an empty id,
    and who loses the connection begins anew."""
    name = _VERSION.sub("", statement.type)
    data = b"\n".join(b"data: " + line for line in statement.value.splitlines())
    return f"event: {name}\nid: {statement.position}\n".encode() + data + b"\n\n"


async def _fill(queue: asyncio.Queue[bytes], frames: _Frames, patience: float) -> None:
    """Queue what the feed says. Raises TimeoutError when the reader made no room for `patience` seconds."""
    async for item in frames:
        async with asyncio.timeout(patience):
            await queue.put(item)
    await queue.put(_END)


async def _send(queue: asyncio.Queue[bytes], response: web.StreamResponse, heartbeat: float, streams: Streams) -> None:
    """Write what is queued, a burst at a time, and a sign of life when there is nothing."""
    await response.write(_HELLO)
    while True:
        try:
            async with asyncio.timeout(heartbeat):
                burst = [await queue.get()]
        except TimeoutError:
            await response.write(_HEARTBEAT)
            continue
        while not queue.empty() and len(burst) < _BURST:
            burst.append(queue.get_nowait())
        await response.write(b"".join(burst))
        streams.sent(sum(item is not _END for item in burst))
        if burst[-1] is _END:
            return


async def _until_over(filling: asyncio.Task[None], sending: asyncio.Task[None], closing: asyncio.Event) -> None:
    """Return when the reader left or fell behind, when the feed failed, or ended and all was sent, or when the server
    stops."""
    stopping = asyncio.create_task(closing.wait())
    try:
        await asyncio.wait({filling, sending, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if filling.done() and filling.exception() is None:
            await asyncio.wait({sending, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _cancel(stopping)


async def _wind_up(queue: asyncio.Queue[bytes], filling: asyncio.Task[None], sending: asyncio.Task[None]) -> None:
    """When the server stops, let what is being written be written; what waits is told after a restart."""
    await _cancel(filling)
    if _failure(filling) is None and not sending.done():
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(_END)
        await asyncio.wait({sending}, timeout=_FAREWELL_SECONDS)


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    """Return when these are over; what they raised stays with them."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _part(request: web.Request, streams: Streams, filling: asyncio.Task[None], sending: asyncio.Task[None]) -> None:
    """Cut the connection unless all that was begun was written, so that no browser takes the answer for a whole one."""
    failure = _failure(filling) or _failure(sending)
    if isinstance(failure, TimeoutError):
        streams.dropped()
        log.info("%s did not keep up with the stream and was disconnected", request.remote)
    elif isinstance(failure, Unavailable):
        log.info("the stream to %s ends: %s", request.remote, failure)
    elif failure is not None and not isinstance(failure, ConnectionError):
        log.error("the stream to %s failed", request.remote, exc_info=failure)
    if (failure is not None or sending.cancelled()) and request.transport is not None:
        request.transport.abort()


def _failure(task: asyncio.Task[None]) -> BaseException | None:
    """What a task that is over has raised; being cancelled is no failure."""
    return None if task.cancelled() else task.exception()
