"""Lines in real time, on a clock that is moved by whoever sleeps on it."""

from collections.abc import Sequence

import pytest

from app.simulation.pace import MOST_LINES, metered, paced


class Clock:
    """Seconds that pass only while somebody sleeps, and then exactly as long as asked for."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def recorded(clock: str) -> bytes:
    return f'{{"recordedtime":"2026-03-09T{clock}Z"}}'.encode()


async def test_simulated_time_runs_so_many_times_as_fast_as_the_clock() -> None:
    clock = Clock()
    lines = [recorded("09:00:00"), recorded("09:00:00"), recorded("10:00:00"), recorded("10:30:00")]
    chunks = [chunk async for chunk in paced(lines, 60, clock, clock.sleep)]
    assert chunks == [lines[:2], lines[2:3], lines[3:]]
    assert clock.slept == pytest.approx([60, 30])  # an hour, then half an hour, sixty times as fast


async def test_a_slow_consumer_gets_what_is_due_at_once() -> None:
    clock = Clock()
    lines = [recorded("09:00:00"), recorded("09:00:10"), recorded("09:00:20"), recorded("09:01:00")]
    chunks: list[Sequence[bytes]] = []
    async for chunk in paced(lines, 1, clock, clock.sleep):
        chunks.append(chunk)
        if len(chunks) == 1:
            clock.now += 30  # longer than the next two lines are apart
    assert chunks == [lines[:1], lines[1:3], lines[3:]]
    assert clock.slept == pytest.approx([30])  # of the minute, 30 seconds were left


async def test_lines_without_an_instant_and_late_ones_go_with_those_before() -> None:
    clock = Clock()
    lines = [recorded("09:00:00"), b"{", recorded("09:00:10"), recorded("08:00:00"), b'{"recordedtime":"soon"}']
    chunks = [chunk async for chunk in paced(lines, 1, clock, clock.sleep)]
    assert chunks == [lines[:2], lines[2:]]


async def test_a_rate_in_lines_a_second_ignores_the_simulated_time() -> None:
    clock = Clock()
    lines = [recorded("09:00:00")] * 8
    chunks = [chunk async for chunk in metered(lines, 2, clock, clock.sleep)]
    assert [line for chunk in chunks for line in chunk] == lines
    assert clock.now == pytest.approx(1_003.5)  # the eighth line is due seven half-seconds after the first


async def test_a_chunk_is_never_longer_than_its_bound() -> None:
    clock = Clock()
    lines = [recorded("09:00:00")] * (2 * MOST_LINES + 1)
    sizes = [len(chunk) async for chunk in paced(lines, 1, clock, clock.sleep)]
    assert sizes == [MOST_LINES, MOST_LINES, 1]


@pytest.mark.parametrize("speed", [0, -1])
async def test_a_pace_that_never_gets_there_is_refused(speed: float) -> None:
    clock = Clock()
    with pytest.raises(ValueError, match="give more than 0"):
        [chunk async for chunk in paced([b"{}"], speed, clock, clock.sleep)]
    with pytest.raises(ValueError, match="give more than 0"):
        [chunk async for chunk in metered([b"{}"], speed, clock, clock.sleep)]
