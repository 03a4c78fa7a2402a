"""Tables of one partition over stored bytes: what every host that writes its tables down has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from tables import Table
from tables.buckets import BUCKETS
from tables.controls import CONTROLS
from tables.dossiers import DOSSIERS
from tables.heads import HEADS
from tables.pages import PAGES

V = TypeVar("V")

# Tables whose values are read again and again: decoding them once more costs more than folding into them.
_KEPT = (HEADS, PAGES, BUCKETS, DOSSIERS, CONTROLS)
_KEPT_LIMIT = 10_000

Writes = Iterable[tuple[Table[Any], str, Any]]
"""(table, key, value); the value None deletes the key."""


class KeptTables(ABC):
    """The tables of one partition (see `tables.Store`), hot values kept decoded.

    Only agents change them, and what an agent changed is written before anyone asks again. A write that fails ends the
    process, so nothing that was not written is ever read here.
    """

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, Any]] = {table.name: {} for table in _KEPT}

    @abstractmethod
    def _read(self, table: str, key: str) -> bytes | memoryview | None:
        """The JSON of a value."""

    @abstractmethod
    def keys(self, table: Table[Any]) -> Iterable[str]:
        """Every key, in order."""

    @abstractmethod
    def scan(self, table: Table[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
        """Every (key, value) whose key begins with `prefix`, in key order."""

    def get(self, table: Table[V], key: str) -> V | None:
        kept = self._kept.get(table.name)
        if kept is not None and (known := kept.get(key)) is not None:
            value: V = known
            return value
        found = self._read(table.name, key)
        if found is None:
            return None
        decoded = table.decode(found)
        if kept is not None:
            _keep(kept, key, decoded)
        return decoded

    def remember(self, writes: Writes) -> None:
        """Keep what was written decoded, where the table is hot."""
        for table, key, value in writes:
            kept = self._kept.get(table.name)
            if kept is None:
                continue
            if value is None:
                kept.pop(key, None)
            else:
                _keep(kept, key, value)

    def forget(self, writes: Writes) -> None:
        """Let go of what was written: the next who asks reads it anew."""
        for table, key, _ in writes:
            if table.name in self._kept:
                self._kept[table.name].pop(key, None)


def _keep(kept: dict[str, Any], key: str, value: Any) -> None:
    """Oldest out first: a dict remembers the order in which its keys came."""
    if len(kept) >= _KEPT_LIMIT and key not in kept:
        del kept[next(iter(kept))]
    kept[key] = value
