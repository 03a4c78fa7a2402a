"""A deployment on Kafka, seen from outside: its tables against a replay of its journals, while it may be at work."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import NamedTuple

from agents.effects import INPUTS, JOURNALS
from app.engine.kafka.journals import KafkaJournals
from app.engine.kafka.log import Log, LogError, Place
from app.engine.kafka.snapshot import tables
from app.engine.memory import MemoryStore
from app.replay.journals import Progress
from app.replay.verify import Verdict, caught_up, compare
from app.settings import Settings

LOOK_SECONDS = 0.5


async def verify(
    log: Log, settings: Settings, progress: Progress = lambda records: None, wait_seconds: float = 60.0
) -> Verdict:
    """Compare what the changelog holds with a replay of the journals; `progress` is told journal records read.

    Workers may be at work meanwhile, as what the tables lack is folded in memory first. Only an intake batch that is
    half written can then show as a difference, so a difference counts once everything that came in was worked off.
    Raises LogError if that does not come about within `wait_seconds`.
    """
    deadline = monotonic() + wait_seconds
    while True:
        before = await _progress(log, settings)
        verdict = await _look(log, settings, progress)
        if verdict.agrees or (not before.waiting and before == await _progress(log, settings)):
            return verdict
        await _settled(log, settings, deadline)


async def _settled(log: Log, settings: Settings, deadline: float) -> None:
    """Return once the group has acknowledged every record; at the `deadline`, a monotonic instant, raise LogError."""
    while True:
        if monotonic() > deadline:
            waiting = (await _progress(log, settings)).waiting
            raise LogError(
                f"tables and journals of {settings.kafka_group} differ, but that says nothing while records come in"
                f" ({waiting:,} are not worked off); see that workers run, or try again when less comes in"
            )
        if not (await _progress(log, settings)).waiting:
            return
        await asyncio.sleep(LOOK_SECONDS)


async def _look(log: Log, settings: Settings, progress: Progress) -> Verdict:
    """One comparison. The order matters.

    What was acknowledged is asked first: all that followed from it stands in changelog and journals by now, and what
    was not is folded again. The tables come before the ends of the journals: they hold nothing from behind them.
    """
    live, journals = await _now(log, settings)
    return await compare(live, journals, progress)


async def tables_now(log: Log, settings: Settings) -> Sequence[MemoryStore]:
    """The tables of every partition as they come to be once what waits in the journals is worked off.

    Raises LogError.
    """
    live, _ = await _now(log, settings)
    return live


async def _now(log: Log, settings: Settings) -> tuple[Sequence[MemoryStore], KafkaJournals]:
    positions = await log.committed()
    live = await tables(log, settings)
    journals = await KafkaJournals.at(log, settings)
    if len(live) != journals.partitions:
        raise LogError(
            f"the changelog has {len(live)} partitions and the journals {journals.partitions};"
            " all topics of a deployment have the same number, make them anew"
        )

    def position(topic: str, partition: int) -> int:
        return positions.get(Place(settings.kafka_prefix + topic, partition), 0)

    return await caught_up(journals, live, position), journals


class _Progress(NamedTuple):
    ended: int  # records ever written to inputs and journals
    waiting: int  # those that the group has not acknowledged


async def _progress(log: Log, settings: Settings) -> _Progress:
    places = await log.places([settings.kafka_prefix + name for name in (*INPUTS, *JOURNALS)])
    stretches, committed = await log.stretches(places), await log.committed()
    return _Progress(
        sum(stretch.end for stretch in stretches.values()),
        sum(stretch.end - committed.get(place, stretch.first) for place, stretch in stretches.items()),
    )
