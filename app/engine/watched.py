"""What is asked for again and again of tables that are far too large to be looked through each time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final

from app.domain import sla
from app.domain.casework import state
from app.engine.shapes import Answer
from tables import Store, Table
from tables.entities import ENTITIES
from tables.leaves import LEAVES
from tables.people import PEOPLE

_CASE: Final = "case/"
_STAFFING: Final = ("assignment/", "demand/")
_PEOPLE: Final[tuple[Table[Any], ...]] = (PEOPLE, LEAVES)
_Key = tuple[str, str]


class Watched:
    """Cases, and how long staffing changes were on their way, of one slice.

    Nothing is kept until somebody asks; then it is learnt in one pass over the tables and kept up from what is written.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cases: dict[str, Answer] | None = None
        self._staffing: dict[_Key, list[tuple[int, int]]] | None = None

    def note(self, table: Table[Any], key: str, value: Any) -> None:
        """A value was written. Entities come and stay."""
        if value is None:
            return
        if table is ENTITIES:
            if self._cases is not None and key.startswith(_CASE):
                self._cases[key.removeprefix(_CASE)] = state(value.facts)
            elif self._staffing is not None and key.startswith(_STAFFING):
                self._staffing[table.name, key] = _ways(value)
        elif self._staffing is not None and table in _PEOPLE:
            self._staffing[table.name, key] = _ways(value)

    def cases(self) -> Mapping[str, Answer]:
        """What was done about exceptions, by their ids."""
        if self._cases is None:
            found = self._store.scan(ENTITIES, _CASE)
            self._cases = {key.removeprefix(_CASE): state(entity.facts) for key, entity in found}
        return self._cases

    def staffing(self, since: int) -> sla.Measures:
        """How long changes of people, leave, bookings and demand took that were accepted from `since` on."""
        if self._staffing is None:
            self._staffing = {(table, key): _ways(value) for table, key, value in self._kept()}
        found = sla.fresh()
        latency = found["staffing_update_latency"]
        for begun, ended in chain.from_iterable(self._staffing.values()):
            if ended >= since:
                latency.close(begun, ended)
        return found

    def _kept(self) -> Iterator[tuple[str, str, Any]]:
        for prefix in _STAFFING:
            yield from ((ENTITIES.name, key, value) for key, value in self._store.scan(ENTITIES, prefix))
        for table in _PEOPLE:
            yield from ((table.name, key, value) for key, value in self._store.scan(table))


def _ways(value: Any) -> list[tuple[int, int]]:
    """(when it happened, when it was accepted) of every message of a value that keeps them."""
    return [(fact.time, fact.accepted) for fact in value.facts]
