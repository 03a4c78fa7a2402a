"""Live tables against a replay of their journal, key by key: the fourth guarantee, on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.engine.figures import Figures
from app.engine.memory import WHOLE, MemoryHost, MemoryStore, Overlay
from app.engine.store import Store
from app.engine.topology import WORKED_OFF
from app.engine.workforce import Workforce
from app.garbage import uncollected
from app.replay.digest import (
    FACT_TABLES,
    LEDGER_TABLES,
    OF_MOMENTS,
    Digest,
    accuracy_pairs,
    fact_pairs,
    figure_pairs,
    ledger_pairs,
    replicas_agree,
    week_pairs,
)
from app.replay.journals import CHUNK, Journals, Progress, StoredJournals, fold_accepted
from tables import Store as Tables
from tables.controls import CONTROLS

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


async def verify(store: Store, progress: Progress = lambda records: None) -> Verdict:
    """Compare an embedded host's tables with a replay of its journal; `progress` is told journal records read.

    A running store's tables may be behind its journal: what they lack is folded in memory first, over a snapshot.
    """
    journals = StoredJournals(store)
    tables = [Overlay(store.tables(p)) for p in range(store.partitions)]
    live = await caught_up(journals, tables, store.position)
    return await compare(live, journals, progress)


async def caught_up(
    journals: Journals, tables: Sequence[MemoryStore], position: Callable[[str, int], int]
) -> Sequence[MemoryStore]:
    """The tables once their agents have worked off the journals, each from its `position` (topic, partition) on.

    What a value includes already is skipped by its fence, so a position may be too low but never too high.
    """
    host = MemoryHost(journals.partitions, batch_size=CHUNK, publish=False, stores=tables)
    places = [(topic, partition) for topic in WORKED_OFF for partition in range(journals.partitions)]
    for topic, partition in places:  # all before the first step: what agents tell each other comes behind what is there
        host.advance(topic, journals.end(topic, partition), partition)
    for topic, partition in places:
        async for records in journals.records(topic, partition, position(topic, partition)):
            await host.step(topic, partition, records)
    await host.drain()
    return tables


async def compare(live: Sequence[Tables], journals: Journals, progress: Progress = lambda records: None) -> Verdict:
    """Replay the journals and compare every fact, every priced entry, every sum and every figure."""
    verdict = Verdict()
    host = MemoryHost(1, batch_size=WHOLE, publish=False)
    with uncollected():
        verdict.records = await fold_accepted(host, journals, progress)
    for table in FACT_TABLES:
        _compare(verdict, table, dict(fact_pairs(live, table)), dict(fact_pairs(host.stores, table)))
    for table in LEDGER_TABLES:
        _compare(verdict, table, dict(ledger_pairs(live, table)), dict(ledger_pairs(host.stores, table)))
    if not replicas_agree(live):
        verdict.differences.append(("reference", "", "partitions hold different reference data"))
    today = max((control.today for tables in live for _, control in tables.scan(CONTROLS, "engagement/")), default=0)
    for name in ("burn", "readiness", "documents", "forecast", "revenue"):
        sides = [
            {key: value for kind, (key, value) in figure_pairs(Figures(stores), today or None) if kind == name}
            for stores in (live, host.stores)
        ]
        _compare(verdict, name, sides[0], sides[1])
    weeks = [dict(week_pairs(Workforce(stores), today or None)) for stores in (live, host.stores)]
    _compare(verdict, "utilization", *weeks)
    scores = [dict(accuracy_pairs(stores, today or None)) for stores in (live, host.stores)]
    _compare(verdict, "accuracy", *scores)
    return verdict


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
    if table not in OF_MOMENTS:
        verdict.digests[table] = digest.hex()
    verdict.rows[table] = digest.rows
