"""Any message that was ever kept, found by its source and id."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final

from app.events.fact import Fact
from tables import Store, Table
from tables.dossiers import DOSSIERS
from tables.entities import ENTITIES
from tables.invoices import INVOICES
from tables.leaves import LEAVES
from tables.people import PEOPLE
from tables.reference import REFERENCE

_FACTS: Final[Mapping[Table[Any], Callable[[Any], Iterable[Fact]]]] = {
    ENTITIES: lambda entity: entity.facts,
    DOSSIERS: lambda dossier: chain.from_iterable(dossier.facts.values()),
    INVOICES: lambda invoice: chain(invoice.facts, *invoice.credits.values()),
    REFERENCE: lambda entity: entity.facts,
    PEOPLE: lambda person: person.facts,
    LEAVES: lambda entity: entity.facts,
}
"""The tables that keep messages as they came, and where. Only ticks are kept nowhere: they move today, and are gone."""

_TURN: Final = 200
"""Values read before others get their turn of the event loop."""


class Messages:
    """The messages of one slice.

    Nothing is kept until somebody asks; then every message's place is learnt in one pass over the tables, a few values
    at a time, and kept up from then on: 90 bytes a message where the store holds its keys in memory, 150 where it reads
    them, and 1 µs of the pass besides decoding.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._places: dict[Table[Any], dict[int, str]] = {}
        self._learning = asyncio.Lock()
        self._learnt = False

    def note(self, table: Table[Any], key: str, value: Any) -> None:
        """A value was written. Messages come and stay: nothing here is ever forgotten."""
        if table in self._places and value is not None:
            self._learn(table, key, value)

    async def find(self, source: str, event_id: str) -> Fact | None:
        """The message; of copies that differ the one accepted first."""
        async with self._learning:
            if not self._learnt:
                await self._learn_all()
        found = list(self._candidates(source, event_id))
        return min(found, key=lambda fact: (fact.accepted, fact.time)) if found else None

    def _candidates(self, source: str, event_id: str) -> Iterator[Fact]:
        for table, facts in _FACTS.items():
            key = self._places[table].get(hash((source, event_id)))
            value = self._store.get(table, key) if key is not None else None
            if value is not None:
                yield from (fact for fact in facts(value) if fact.source == source and fact.id == event_id)

    async def _learn_all(self) -> None:
        self._places = {table: {} for table in _FACTS}  # from here on `note` adds what is written meanwhile
        for table in _FACTS:
            for number, key in enumerate(list(self._store.keys(table)), 1):
                value = self._store.get(table, key)
                if value is not None:
                    self._learn(table, key, value)
                if number % _TURN == 0:
                    await asyncio.sleep(0)
        self._learnt = True

    def _learn(self, table: Table[Any], key: str, value: Any) -> None:
        known = self._places[table]
        for fact in _FACTS[table](value):
            known[hash((fact.source, fact.id))] = key
