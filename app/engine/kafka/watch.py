"""Whether a worker gets on. One that does not says so and ends: its supervisor starts it anew, others go on meanwhile.

Faust and aiokafka have many ways to come to a stand without a word (a coordinator that waits for somebody to take note
of its error, a fetch that nobody asks for, an offset that is asked for and never told). So it is not asked whether they
are well: what counts is whether records that wait, as the brokers tell on other connections, are worked off.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING

from app.engine.kafka.checks import raise_ended
from app.engine.kafka.ending import Exit, Unfit, end, say
from app.engine.kafka.survey import Place, Survey

if TYPE_CHECKING:
    from app.engine.kafka.host import KafkaHost

STALL_SECONDS = 45.0
"""A worker on which something waits for so long without anything advancing ends itself."""

START_SECONDS = 150
"""How long a worker may take until it is a member that is looked after: brokers are slow to answer at times."""

LOOK_SECONDS = 5.0
"""How often topics, their ends and the group's offsets are looked at."""

_ANSWER_SECONDS = 30.0


class Pulse(threading.Thread):
    """Ends the process when `beat` is not called in time. A thread: whatever the event loop waits for cannot stop it.

    It counts its own seconds, as those in which the whole process was stopped (SIGSTOP, a paused machine) are nobody's
    fault.
    """

    def __init__(self, allowed: float = START_SECONDS, second: float = 1.0) -> None:
        super().__init__(name="pulse", daemon=True)
        self._allowed, self._second = allowed, second
        self._missed = 0

    def beat(self, allowed: float = STALL_SECONDS) -> None:
        """All is well; the next beat is due within `allowed` seconds."""
        self._missed, self._allowed = 0, allowed

    def run(self) -> None:
        while self._missed * self._second <= self._allowed:
            time.sleep(self._second)
            self._missed += 1
        end(Exit.STALLED, f"nothing was done for {self._allowed:.0f} s: something waits for what does not come")


class Waits:
    """Since when each place is where it is, while something waits there."""

    def __init__(self) -> None:
        self._since: dict[Place, tuple[int, float]] = {}

    def clear(self) -> None:
        self._since.clear()

    def longest(self, places: Mapping[Place, tuple[int, int]], now: float) -> tuple[Place, float] | None:
        """Which of {place: (position, end)} has not moved for the longest time though its end is beyond, and for how
        many seconds; None where nothing waits."""
        before, self._since = self._since, {}
        for place, (position, last) in places.items():
            if position < last:
                known = before.get(place)
                self._since[place] = known if known is not None and known[0] == position else (position, now)
        if not self._since:
            return None
        place = min(self._since, key=lambda one: self._since[one][1])
        return place, now - self._since[place][1]


class Watch:
    """Looks at `host` every second, and at what `survey` tells every few."""

    def __init__(self, host: KafkaHost, survey: Survey, pulse: Pulse) -> None:
        self._host, self._survey, self._pulse = host, survey, pulse
        self._unread = Waits()
        self._unacknowledged = Waits()
        self._answered = monotonic()  # when the brokers last told all that was asked
        self._left_out: float | None = None  # since when a slice is nobody's

    def clear(self) -> None:
        """The group gave slices out anew."""
        self._unread.clear()
        self._unacknowledged.clear()

    async def run(self) -> None:
        """Until the process ends, or the task is cancelled."""
        looked, look = monotonic(), None
        while True:
            await asyncio.sleep(1)
            self._pulse.beat()
            self._check()
            if monotonic() - looked > LOOK_SECONDS and (look is None or look.done()):
                looked, look = monotonic(), asyncio.create_task(self._look())

    def late(self, seconds: float) -> str:
        """What has waited for longer than `seconds` without advancing, as a sentence; "" where nothing has."""
        host, now = self._host, monotonic()
        for lane in host.lanes():
            if lane.busy_since is not None and now - lane.busy_since > seconds:
                return f"{lane.seat.name} has waited for a delivery on slice {lane.partition} for {seconds:.0f} s"
        places = host.places()
        waits = self._unread.longest(places, now)
        if waits is not None and waits[1] > seconds:
            (topic, partition), _ = waits
            position, last = places[topic, partition]
            return f"{last - position} records of {topic} partition {partition} wait and none was read"
        return ""

    def _check(self) -> None:
        host, now = self._host, monotonic()
        if crash := host.crashed():
            end(Exit.AGENT, f"Faust gave up: {crash}")
        if reason := host.outside():
            host.leave()
            end(Exit.AGENT, f"the group goes on without this worker: {reason}")
        if (overdue := host.lease.overdue()) > STALL_SECONDS:
            end(Exit.LEASE, f"no heartbeat was answered for {overdue:.0f} s beyond the session")
        if not host.holding and now - host.stepped > STALL_SECONDS:
            host.leave()
            end(Exit.STALLED, f"the group has assigned nothing, or it was not loaded, for {now - host.stepped:.0f} s")
        if late := self.late(STALL_SECONDS):
            end(Exit.STALLED, late)
        self._check_owners(now)
        if now - self._answered > 3 * STALL_SECONDS:
            end(Exit.BROKER, f"the brokers have told nothing of the topics for {now - self._answered:.0f} s")

    def _check_owners(self, now: float) -> None:
        """A slice that was given to nobody is read by nobody, and nobody's records wait."""
        host = self._host
        left_out = sorted(set(range(host.partitions)) - host.owners.keys()) if host.holding else []
        if not left_out:
            self._left_out = None
        elif self._left_out is None:
            self._left_out = now
        elif now - self._left_out > STALL_SECONDS:
            host.leave()
            end(
                Exit.AGENT, f"the group has given slices {left_out} to nobody: it is asked to give out all of them anew"
            )

    # -- what the brokers say -----------------------------------------------------------------------------------------

    async def _look(self) -> None:
        """Topics as they must be, and nobody but us in the changelog of our slices."""
        host, survey = self._host, self._survey
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await survey.check_topics(host.partitions)
                await self._look_for_others()
                await self._look_at_sources()
            self._answered = monotonic()
        except Unfit as error:
            end(Exit.CONFIGURATION, str(error))
        except (OSError, TimeoutError):
            return  # no broker answers: the lease will tell
        except Exception as error:
            say("warning", "watch.failed", reason=repr(error))

    async def _look_for_others(self) -> None:
        frontiers = self._host.frontiers()
        quiet = {p: frontier.offset for p, frontier in frontiers.items() if frontier.quiet()}
        if not self._host.holding or not quiet:
            return
        for p, offset in (await self._survey.changelog_ends(quiet)).items():
            frontier = self._host.frontiers().get(p)
            if frontier and self._host.holding and frontier.quiet() and frontier.offset == quiet[p] != offset:
                frontier.foreign(offset)

    async def _look_at_sources(self) -> None:
        """A topic that was deleted and made anew ends before what was read of it; and what is delivered must be
        acknowledged, as only the group's offset tells the next owner."""
        host, turn = self._host, self._host.turn
        if not host.holding:
            return
        read, delivered = host.read(), {place: lane.delivered + 1 for place, lane in host.placed().items()}
        extents = await self._survey.extents({partition for _, partition in delivered})
        committed = await self._survey.committed({partition for _, partition in delivered})
        if turn != host.turn:
            return  # what was read may be somebody else's by now
        for place, expected in read.items():
            if place in extents and extents[place][1] < expected:
                raise_ended(*place, expected, extents[place][1])
        host.extents.update(extents)
        host.outputs = await self._survey.written({partition for _, partition in delivered})
        places = {place: (committed.get(place, 0), offset) for place, offset in delivered.items()}
        waits = self._unacknowledged.longest(places, monotonic())
        if waits is not None and waits[1] > STALL_SECONDS:
            (topic, partition), seconds = waits
            position, offset = places[topic, partition]
            end(
                Exit.STALLED,
                f"{topic} partition {partition} is delivered up to {offset}, but the group has not taken note of more"
                f" than {position} for {seconds:.0f} s",
            )
