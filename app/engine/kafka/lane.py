"""One agent on one partition: takes what has come, steps the agent, has all effects delivered, acknowledges."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

from agents.effects import Batch, Effects
from app.engine.kafka.ending import Exit, Unfit, end
from app.engine.kafka.hooks import RecordBatch
from app.engine.kafka.job import Seat
from app.engine.kafka.pace import IMPATIENT_SECONDS, PATIENT_SECONDS, RECORDS, Pace
from app.engine.kafka.writer import DELIVERY_ERRORS
from app.engine.runner import Runner

WAITING = 8
"""Batches that wait for a lane, at most, or the records of a step; beyond, its topic is not read."""

STATED = 500
"""Contracts stated in one step, at most, so that nothing else waits long."""

Deliver = Callable[["Lane", Effects, list[Any]], Awaitable[None]]


class Lane:
    """`last` is the offset of the last record taken, `delivered` that of the last one all of whose effects are; -1
    before any.

    `behind` is the greatest offset found in stored values: before it is passed they are a mixture, neither stated nor
    shown; then the lane is `whole`.
    `owing` says that something is to be stated which no record will cause; what of it may wait does so for a while, so
    that much of it is said once. A lane begins at rest: it states nothing of its own accord until `resume`.
    """

    def __init__(
        self,
        seat: Seat,
        topic: str,
        partition: int,
        runner: Runner,
        deliver: Deliver,
        pace: Pace,
        *,
        last: int,
        behind: int,
        owing: bool,
    ) -> None:
        self.seat, self.topic, self.partition = seat, topic, partition
        self._runner, self._deliver, self._pace = runner, deliver, pace
        self._behind = behind
        self._owing = owing
        self.last = last
        self.delivered = last
        self._patient = False  # all that is owed may wait
        self._stated = 0.0
        self._settled = 0.0  # when nothing was left that may wait
        self._held: float | None = None  # since when something waits that may
        self._waiting: deque[Any] = deque()  # Faust's events, each a record batch
        self._count = 0  # their records
        self._more, self._room, self._idle = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._room.set()
        self._idle.set()
        self._resting = True
        self._ended = False
        self.busy_since: float | None = None
        self.records = 0
        self._task = asyncio.create_task(self._run(), name=f"{seat.name} {topic} {partition}")

    @property
    def whole(self) -> bool:
        return self.delivered >= self._behind

    async def put(self, event: Any) -> None:
        """Take an event in; waits while too many wait already.

        One that comes when the lane has ended is dropped: it is not acknowledged, so whoever owns the partition reads
        it. The agent that hands events in serves other lanes, too, and must not wait for this one.
        """
        while (len(self._waiting) >= WAITING or self._count > RECORDS) and not self._ended:
            self._room.clear()
            await self._room.wait()
        if self._ended:
            return
        self._waiting.append(event)
        self._count += len(event.value.records)
        self._more.set()

    def rest(self) -> None:
        """State nothing any more but what records cause: the partition may be somebody else's soon."""
        self._resting = True
        self._more.set()

    def resume(self) -> None:
        """The partition is ours."""
        self._resting = False
        self._more.set()

    async def idle(self) -> None:
        """Return when no step is under way."""
        await self._idle.wait()

    async def stop(self) -> None:
        """End the lane; what waits is not acknowledged."""
        self._ended = True
        self._room.set()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    # -- steps ------------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            if not self._waiting:
                self._more.clear()
                woken = await self._wait()
                if not self._waiting and (woken or self._resting):
                    continue
            if self._waiting and self._starving():
                for _ in range(2):  # what may not wait comes first
                    await self._guarded([])
                self._held = monotonic()
            await self._guarded(self._take())

    async def _wait(self) -> bool:
        """Wait to be woken; False where something is to be stated first."""
        if self._resting or not self._owing or self.last < self._behind:
            await self._more.wait()
            return True
        since = monotonic()
        while (pause := self._due(since) - monotonic()) > 0:
            try:
                async with asyncio.timeout(pause):
                    await self._more.wait()
            except TimeoutError:
                continue
            return True
        return False

    def _due(self, since: float) -> float:
        """When to state what no record causes, of which none came `since`."""
        due = self._pace.due(since, self._stated)
        return max(due, self._settled + PATIENT_SECONDS) if self._patient else due

    def _starving(self) -> bool:
        """Whether what may wait has waited for too long, as records never cease."""
        if self._held is None or self._resting or self._pace.far_behind or self.last < self._behind:
            return False
        return monotonic() - self._held > IMPATIENT_SECONDS

    def _take(self) -> list[Any]:
        events: list[Any] = []
        count = 0
        while self._waiting and (not events or count + len(self._waiting[0].value.records) <= RECORDS):
            events.append(self._waiting.popleft())
            count += len(events[-1].value.records)
        self._count -= count
        self._room.set()
        return events

    async def _guarded(self, events: list[Any]) -> None:
        """A step; whatever fails ends the process, so nothing that was not delivered is ever acknowledged."""
        self.busy_since = monotonic()
        self._idle.clear()
        try:
            await self._step(events)
        except Unfit as error:
            end(Exit.CONFIGURATION, str(error))
        except DELIVERY_ERRORS as error:
            end(Exit.DELIVERY, f"a record of {self.seat.name} could not be delivered: {error!r}")
        except Exception as error:
            where = f"{self.topic} partition {self.partition}"
            end(Exit.AGENT, f"{self.seat.name} failed on {where}: {error!r}", **_at(error))
        self.busy_since = None
        self._idle.set()

    async def _step(self, events: list[Any]) -> None:
        batches: list[RecordBatch] = [event.value for event in events]
        fetched = batches[0].records if len(batches) == 1 else [r for batch in batches for r in batch.records]
        if fetched:
            self.last = fetched[-1].offset
        self._pace.note(len(fetched))
        publish = self._may_state(len(fetched))
        batch = Batch(self.topic, self.partition, self.seat.read(fetched) if fetched else [], publish, STATED)
        effects = await self._runner.step(batch)
        await self._deliver(self, effects, fetched)
        self.delivered = self.last
        self._pace.note(len(fetched))  # again, as a delivery may take long
        if self.seat.states:
            self._owing = not publish or effects.owing > 0
            self._patient = publish and 0 < effects.owing == effects.patient
            if publish:
                self._stated = monotonic()
            self._hold(effects.patient)
        for event in events:
            event.ack()
        self.records += len(fetched)

    def _hold(self, patient: int) -> None:
        """So much is left that may wait."""
        if not patient:
            self._settled, self._held = monotonic(), None
        elif self._held is None:
            self._held = monotonic()

    def _may_state(self, fetched: int) -> bool:
        """Whether a step of so many records states what changed."""
        if not self.seat.states or self.last < self._behind:
            return False
        pause = self._pace.between(waiting=bool(self._waiting))
        return not fetched or monotonic() - self._stated >= pause


def _at(error: BaseException) -> dict[str, object]:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return {} if trace is None else {"at": f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"}
