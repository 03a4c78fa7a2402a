"""Live tables against a replay of their journal, key by key: the fourth guarantee, on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from agents.effects import ENGAGEMENTS, FACTS, RESOURCES, Record
from app.engine.figures import Figures
from app.engine.memory import MemoryHost, MemoryStore, Overlay
from app.engine.store import Store
from app.events.fact import Fact
from app.replay.digest import (
    FACT_TABLES,
    LEDGER_TABLES,
    Digest,
    fact_pairs,
    figure_pairs,
    ledger_pairs,
    replicas_agree,
)
from tables.controls import CONTROLS

CHUNK = 20_000
SHOWN = 20


@dataclass(slots=True)
class Verdict:
    """What was compared, and every difference found: (table, key, what)."""

    records: int = 0
    digests: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    differences: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        return not self.differences

    def answer(self) -> dict[str, Any]:
        return {
            "agrees": self.agrees,
            "records": self.records,
            "rows": self.rows,
            "digests": self.digests,
            "differences": [{"table": t, "key": k, "what": w} for t, k, w in self.differences[:SHOWN]],
            "differences_total": len(self.differences),
        }


async def verify(store: Store, progress: Callable[[int], None] = lambda records: None) -> Verdict:
    """Replay the journal and compare every fact, every priced entry, every sum and every figure.

    A running store's tables may be behind its journal: what they lack is folded in memory first, over a snapshot.
    """
    verdict = Verdict()
    live = await _caught_up(store)
    host = MemoryHost(1, batch_size=CHUNK, publish=False)
    for topic in (FACTS, ENGAGEMENTS, RESOURCES):
        for records in _recorded(store, topic):
            host.advance(topic, len(records))
            await host.step(topic, 0, records)
            await host.drain()
            verdict.records += len(records)
            progress(len(records))
    for table in FACT_TABLES:
        _compare(verdict, table, dict(fact_pairs(live, table)), dict(fact_pairs(host.stores, table)))
    for table in LEDGER_TABLES:
        _compare(verdict, table, dict(ledger_pairs(live, table)), dict(ledger_pairs(host.stores, table)))
    if not replicas_agree(live):
        verdict.differences.append(("reference", "", "partitions hold different reference data"))
    today = max((control.today for tables in live for _, control in tables.scan(CONTROLS, "engagement/")), default=0)
    for name in ("burn", "readiness"):
        sides = [
            {key: value for kind, (key, value) in figure_pairs(Figures(stores), today or None) if kind == name}
            for stores in (live, host.stores)
        ]
        _compare(verdict, name, sides[0], sides[1])
    return verdict


async def _caught_up(store: Store) -> list[MemoryStore]:
    overlays: list[MemoryStore] = [Overlay(store.tables(p)) for p in range(store.partitions)]
    host = MemoryHost(store.partitions, batch_size=CHUNK, publish=False, stores=overlays)
    topics = (FACTS, ENGAGEMENTS, RESOURCES)
    for topic in topics:  # all before the first step: what agents tell each other comes behind what is stored
        for partition in range(store.partitions):
            host.advance(topic, store.end(topic, partition), partition)
    for topic in topics:
        for partition in range(store.partitions):
            place = store.position(topic, partition)
            while records := store.read(topic, partition, place, CHUNK):
                await host.step(topic, partition, records)
                place = records[-1].offset + 1
    await host.drain()
    return overlays


def _recorded(store: Store, topic: str) -> Iterator[list[Record]]:
    """What intake wrote into a journal; reference data once, from the first partition."""
    offset = 0
    for partition in range(store.partitions):
        facts = facts_of(store, topic, partition)
        kept = (fact for fact in facts if partition == 0 or topic != ENGAGEMENTS or has_home(fact))
        while chunk := list(islice(kept, CHUNK)):
            yield [Record(offset + i, _numbered(fact, offset + i)) for i, fact in enumerate(chunk)]
            offset += len(chunk)


def facts_of(store: Store, topic: str, partition: int) -> Iterator[Fact]:
    """What intake wrote into one partition of a journal, without what agents told each other."""
    place = 0
    while records := store.read(topic, partition, place, CHUNK):
        place = records[-1].offset + 1
        yield from (record.value for record in records if isinstance(record.value, Fact))


def has_home(fact: Fact) -> bool:
    """Whether the fact names a contract; reference data does not, and is copied to every partition."""
    return b'"contract_id"' in bytes(fact.data)


def _numbered(fact: Fact, offset: int) -> Fact:
    """The fact as a record of this replay: its origin is its place here."""
    fact.topic, fact.partition, fact.offset = "journal", 0, offset
    return fact


def _compare(verdict: Verdict, table: str, live: dict[str, bytes], replayed: dict[str, bytes]) -> None:
    digest = Digest()
    for key in sorted(live.keys() | replayed.keys()):
        if key in live:
            digest.add(key, live[key])
        if live.get(key) != replayed.get(key):
            what = (
                "only in the replay" if key not in live else "only in the store" if key not in replayed else "differs"
            )
            verdict.differences.append((table, key, what))
    verdict.digests[table] = digest.hex()
    verdict.rows[table] = digest.rows
