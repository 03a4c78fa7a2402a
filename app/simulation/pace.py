"""Hands simulated lines out in real time, as a live firm would send them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import datetime

MOST_LINES = 500
"""Lines of one chunk: a consumer that has fallen behind still gets its turn between two chunks."""

_RECORDED = b'"recordedtime":"'
_INSTANT_BYTES = len("2026-03-09T17:00:04Z")


async def paced(
    lines: Iterable[bytes], speed: float, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
) -> AsyncIterator[list[bytes]]:
    """Chunks of lines, such that simulated time runs `speed` times as fast as `clock`, which counts seconds.

    The first line is due at once, every other at the instant it was recorded. A line that is recorded before one that
    was already handed out, or that tells no instant (a malformed one), goes with the line before it. A consumer that
    takes longer than the simulated firm gets what is due at once and misses nothing.
    """
    if speed <= 0:
        raise ValueError(f"speed is {speed}: give more than 0; 60 makes a minute of a simulated hour")
    start: float | None = None

    def due(line: bytes, number: int) -> float:
        nonlocal start
        recorded = recorded_at(line)
        if recorded is None:
            return 0.0
        if start is None:
            start = recorded
        return (recorded - start) / speed

    async for chunk in _chunks(lines, due, clock, sleep):
        yield chunk


async def metered(
    lines: Iterable[bytes], per_second: float, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
) -> AsyncIterator[list[bytes]]:
    """Chunks of lines, `per_second` lines in every second of `clock`, whatever the simulated time."""
    if per_second <= 0:
        raise ValueError(f"per_second is {per_second}: give more than 0 lines a second")
    async for chunk in _chunks(lines, lambda line, number: number / per_second, clock, sleep):
        yield chunk


async def _chunks(
    lines: Iterable[bytes],
    due: Callable[[bytes, int], float],
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]],
) -> AsyncIterator[list[bytes]]:
    """Gather lines while they are due; before one that is not, hand out what there is and wait for it."""
    start = clock()
    chunk: list[bytes] = []
    for number, line in enumerate(lines):
        wait = start + due(line, number) - clock()
        if chunk and (wait > 0 or len(chunk) == MOST_LINES):
            yield chunk
            chunk = []
            wait = start + due(line, number) - clock()
        if wait > 0:
            await sleep(wait)
        chunk.append(line)
    if chunk:
        yield chunk


def recorded_at(line: bytes) -> float | None:
    """The instant a line was recorded, in seconds since 1970; None for a line that does not tell.

    >>> recorded_at(b'{"recordedtime":"1970-01-02T00:00:00Z"}')
    86400.0
    """
    begin = line.find(_RECORDED)
    if begin < 0:
        return None
    begin += len(_RECORDED)
    text = line[begin : begin + _INSTANT_BYTES].decode(errors="replace")
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
