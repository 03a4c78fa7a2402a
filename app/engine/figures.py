"""Figures of all contracts over the tables of all partitions, for any business date and any known-at.

What was known later than an instant is left out by folding the facts behind a contract once more, without it: the same
agents over fewer facts, so the answer cannot follow other rules than the live one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from typing import Any

from agents.contracts import Contracts, Reference
from agents.effects import ENGAGEMENTS, FACTS, Record
from app.engine.memory import MemoryHost
from app.engine.runner import finish
from app.engine.topology import partition_of
from app.events.fact import Fact
from tables import Store
from tables.buckets import BUCKETS
from tables.controls import CONTROLS
from tables.dossiers import DOSSIERS
from tables.entities import ENTITIES
from tables.heads import Head, new
from tables.invoices import INVOICES
from tables.reference import REFERENCE


class Figures:
    """Reads the tables of every partition; nothing is kept between two questions but compiled contracts."""

    def __init__(self, stores: Sequence[Store]) -> None:
        self.stores = stores
        self._contracts = [Contracts(store, Reference(store)) for store in stores]

    def ids(self, after: str = "") -> Iterator[str]:
        """Every contract ever named, in order, beginning behind `after`."""
        for key in merge(*(contracts.ids() for contracts in self._contracts)):
            if key > after:
                yield key

    def forget(self, partition: int, contract_id: str) -> None:
        """The contract's dossier changed."""
        self._contracts[partition].forget(contract_id)

    def of(self, contract_id: str) -> tuple[Contracts, Head] | None:
        contracts = self._contracts[partition_of(contract_id, len(self.stores))]
        head = contracts.head(contract_id)
        return None if head is None else (contracts, head)

    def burn(self, contract_id: str, as_of: int | None) -> list[dict[str, Any]]:
        """The contract's row, then its lines'; of a contract nobody named, the row of one of which nothing is known."""
        contracts, head = self.of(contract_id) or self._unnamed(contract_id)
        return contracts.burn(contracts.position(contract_id, head, as_of))

    def readiness(self, contract_id: str, as_of: int | None) -> dict[str, Any]:
        contracts, head = self.of(contract_id) or self._unnamed(contract_id)
        return contracts.readiness(contracts.position(contract_id, head, as_of), head)

    def forecast(self, contract_id: str, as_of: int | None) -> dict[str, Any]:
        contracts, head = self.of(contract_id) or self._unnamed(contract_id)
        position = contracts.position(contract_id, head, as_of)
        return contracts.forecast(position, contracts.burn(position)[0], contracts.readiness(position, head))

    def revenue(self, contract_id: str, as_of: int | None) -> list[dict[str, Any]]:
        """What the contract's lines have earned, by period, where that is anything."""
        contracts, head = self.of(contract_id) or self._unnamed(contract_id)
        return contracts.revenue(contracts.position(contract_id, head, as_of))

    def _unnamed(self, contract_id: str) -> tuple[Contracts, Head]:
        return self._contracts[partition_of(contract_id, len(self.stores))], new()

    def parked(self) -> int:
        """Entities kept for contracts without an approval."""
        controls = (control for store in self.stores for _, control in store.scan(CONTROLS, "engagement/"))
        return sum(sum(control.waiting.values()) for control in controls)

    # -- known at ---------------------------------------------------------------------------------------------------

    def known_at(self, contract_id: str, moment: int) -> Figures:
        """The figures of one contract from the facts accepted up to `moment` (microseconds), and no others."""
        return as_known(self.facts_behind(contract_id), moment)

    def facts_behind(self, contract_id: str) -> Iterator[Fact]:
        """Every message that any figure of the contract may rest on, superseded ones included."""
        store = self.stores[partition_of(contract_id, len(self.stores))]
        yield from told(store, contract_id)
        for key in entities_of(store, contract_id):
            entity = self.stores[partition_of(key, len(self.stores))].get(ENTITIES, key)
            if entity is not None:
                yield from entity.facts


def as_known(facts: Iterable[Fact], moment: int) -> Figures:
    """Figures from those of `facts` that were accepted up to `moment` (microseconds)."""
    host = MemoryHost(publish=False)
    known = [fact for fact in facts if fact.accepted <= moment]
    for topic, share in (
        (FACTS, [fact for fact in known if _moves(fact)]),
        (ENGAGEMENTS, [fact for fact in known if not _moves(fact)]),
    ):
        records = [Record(offset, unplaced(fact, offset)) for offset, fact in enumerate(share)]
        if records:
            host.advance(topic, len(records))
            finish(host.step(topic, 0, records))
    finish(host.drain())
    return Figures(host.stores)


def told(store: Store, contract_id: str) -> Iterator[Fact]:
    """Every message behind a contract that is kept in its own slice: what it was told, its invoices, reference data."""
    for _, entity in store.scan(REFERENCE):
        yield from entity.facts
    dossier = store.get(DOSSIERS, contract_id)
    for facts in dossier.facts.values() if dossier else ():
        yield from facts
    for _, invoice in store.scan(INVOICES, f"{contract_id}\x1f"):
        yield from invoice.facts
        for facts in invoice.credits.values():
            yield from facts


def entities_of(store: Store, contract_id: str) -> list[str]:
    """`kind/id` of every entity that ever was with the contract; each is kept where its own key leads."""
    keys: set[str] = set()
    for name, bucket in store.scan(BUCKETS, f"{contract_id}|"):
        if name.rpartition("|")[0] != contract_id:
            continue
        keys.update(f"time/{entry}" for entry in bucket.rows)
        keys.update(f"expense/{expense}" for expense in bucket.spends)
        keys.update(bucket.gone)
    return sorted(keys)


def _moves(fact: Fact) -> bool:
    return fact.kind in ("time", "expense")


def unplaced(fact: Fact, offset: int) -> Fact:
    """The fact as if read from a log of its own."""
    return Fact(
        fact.type,
        fact.entity,
        fact.revision,
        fact.source,
        fact.id,
        fact.time,
        fact.recorded,
        fact.accepted,
        fact.correlation,
        fact.causation,
        "known",
        0,
        offset,
        fact.data,
    )
