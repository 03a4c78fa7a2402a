"""Figures of all contracts over the tables of all partitions, for any business date and any known-at.

What was known later than an instant is left out by folding the facts behind a contract once more, without it: the same
agents over fewer facts, so the answer cannot follow other rules than the live one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from typing import Any

from agents import proposals
from agents.contracts import Contracts, Reference
from agents.effects import ENGAGEMENTS, FACTS, RESOURCES
from app.engine.refold import refold
from app.engine.topology import partition_of
from app.engine.workforce import told as told_of_person
from app.events.fact import Fact
from tables import Store
from tables.buckets import BUCKETS
from tables.controls import CONTROLS
from tables.dossiers import DOSSIERS
from tables.entities import ENTITIES
from tables.heads import HEADS, Head, new
from tables.invoices import INVOICES
from tables.plans import SEPARATOR
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

    def documents(self, contract_id: str, as_of: int | None) -> list[dict[str, Any]]:
        """The contract's live documents, by key; none of a contract nobody named."""
        contracts, head = self.of(contract_id) or self._unnamed(contract_id)
        return documents(contracts, head, contract_id, as_of)

    def forecast(self, contract_id: str, as_of: int | None) -> dict[str, Any]:
        contracts, head = self.of(contract_id) or self._unnamed(contract_id)
        position = contracts.position(contract_id, head, as_of)
        return contracts.forecast(position, contracts.burn(position)[0], contracts.assess(position, head))

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
        for resource_id in people_of(store, contract_id):
            yield from told_of_person(self.stores[partition_of(resource_id, len(self.stores))], resource_id)


_MOVING = ("time", "expense", "assignment", "demand")
_PERSONAL = ("resource", "leave")


def documents(contracts: Contracts, head: Head, contract_id: str, as_of: int | None) -> list[dict[str, Any]]:
    """The live documents of a contract, by key, with the revisions they were stated with."""
    position = contracts.position(contract_id, head, as_of)
    return proposals.rows(contracts, position, head)


def as_known(facts: Iterable[Fact], moment: int) -> Figures:
    """Figures from those of `facts` that were accepted up to `moment` (microseconds)."""
    known = [fact for fact in facts if fact.accepted <= moment]
    shares = (
        (RESOURCES, [fact for fact in known if fact.kind in (*_PERSONAL, "holiday", "policy")]),
        (ENGAGEMENTS, [fact for fact in known if fact.kind not in (*_PERSONAL, *_MOVING)]),
        (FACTS, [fact for fact in known if fact.kind in _MOVING]),
    )
    return Figures(refold(shares, (RESOURCES, ENGAGEMENTS)).stores)


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
    keys.update(f"assignment/{booking.split(SEPARATOR)[0]}" for booking in _bookings(store, contract_id))
    head = store.get(HEADS, contract_id)
    keys.update(f"demand/{demand}" for demand in (head.demands if head is not None else ()))
    return sorted(keys)


def people_of(store: Store, contract_id: str) -> list[str]:
    """Everybody who was ever booked on the contract: their calendars say what a booking comes to."""
    return sorted({booking.split(SEPARATOR)[1] for booking in _bookings(store, contract_id)})


def _bookings(store: Store, contract_id: str) -> list[str]:
    head = store.get(HEADS, contract_id)
    return head.bookings if head is not None else []
