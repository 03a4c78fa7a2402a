"""The real job's input and its truth: a simulated firm's events by topic, and the statements they come to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from agents.effects import BURN, READINESS, THRESHOLDS, Record, Statement
from app.engine.memory import MemoryHost
from app.engine.placement import placed
from app.engine.runner import finish
from app.engine.statements import attributed
from app.events.reader import Reader
from app.simulation.firm import simulate
from app.simulation.scenario import DEFAULT_END, Scenario
from bench.kafka.cluster import Pair

STATED: Final = (BURN, THRESHOLDS, READINESS)
CHUNK: Final = 100_000

Said = dict[tuple[str, bytes], bytes]
"""(topic, key) → the latest statement, as `canonical` writes it."""


def lines(events: int) -> list[bytes]:
    """One tick, so that there is a today, and then a calm firm's events. No other tick: each restates everything."""
    return [_tick(), *simulate(Scenario(events=events - 1))]


def _tick() -> bytes:
    event = {
        "specversion": "1.0",
        "id": "bench-today",
        "source": "/clock",
        "type": "clock.ticked.v1",
        "time": f"{DEFAULT_END}T00:00:00Z",
        "data": {"on": str(DEFAULT_END)},
    }
    return orjson.dumps(event)


def by_topic(events: Sequence[bytes]) -> dict[str, list[Pair]]:
    """Key and value for each input topic; a producer's key, not the journal's."""
    topics: dict[str, list[Pair]] = {}
    reader = Reader()
    for line in events:
        place = placed(reader, line)
        topics.setdefault(place.topic, []).append(((place.key or "").encode(), line))
    return topics


def truth(events: Sequence[bytes]) -> Said:
    """The latest statements, from the host in memory over one partition."""
    said: Said = {}

    def hear(statement: Statement) -> None:
        if statement.topic in STATED:
            value = attributed(statement.payload, statement.latest)
            said[statement.topic, statement.key.encode()] = canonical(statement.topic, value)

    host = MemoryHost(on_statement=hear)
    for start in range(0, len(events), CHUNK):
        records = [Record(start + place, line) for place, line in enumerate(events[start : start + CHUNK])]
        finish(host.take("story", records))
    return said


def canonical(topic: str, payload: Mapping[str, Any]) -> bytes:
    """What a statement says, but for what depends on the cut of batches.

    That is the offset it goes back to and, as a threshold is stated when it changes, the latest fact at that time.
    """
    cut = ("state_version", "causationid", "correlationid") if topic == THRESHOLDS else ("state_version",)
    kept = {name: value for name, value in payload.items() if name not in cut}
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)


def wrong(said: Mapping[tuple[str, bytes], bytes], wanted: Said) -> Iterator[tuple[str, bytes]]:
    """(topic, key) of every statement that is missing, odd or says something else."""
    for place in sorted(said.keys() | wanted.keys()):
        value = said.get(place)
        if value is None or place not in wanted or canonical(place[0], orjson.loads(value)) != wanted[place]:
            yield place
