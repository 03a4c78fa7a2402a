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
_KEPT_LIMIT = 10_000  # values of one table

Writes = Iterable[tuple[Table[Any], str, Any]]
"""(table, key, value); the value None deletes the key."""


class KeptTables(ABC):
    """The tables of one partition (see `tables.Store`), hot values kept decoded.

    Only agents change them, and what an agent changed is written before anyone asks again. A write that fails ends the
    process, so nothing that was not written is ever read here.
    """

    def __init__(self) -> None:
        self._kept = {table.name: _Kept(_KEPT_LIMIT) for table in _KEPT}

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
            kept.put(key, decoded)
        return decoded

    def remember(self, writes: Writes) -> None:
        """Keep what was written decoded, where the table is hot."""
        for table, key, value in writes:
            kept = self._kept.get(table.name)
            if kept is None:
                continue
            if value is None:
                kept.drop(key)
            else:
                kept.put(key, value)

    def forget(self, writes: Writes) -> None:
        """Let go of what was written: the next who asks reads it anew."""
        for table, key, _ in writes:
            if table.name in self._kept:
                self._kept[table.name].drop(key)


class _Kept:
    """Values by key, about the last `limit` that anybody asked for.

    Two generations: what is asked for moves into the young one, and when that is full the old one goes as a whole. A
    value costs the same however many went before; the first key of a dict that many were taken from costs ever more.
    """

    def __init__(self, limit: int) -> None:
        self._half = max(limit // 2, 1)
        self._young: dict[str, Any] = {}
        self._old: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        """The value, or None."""
        value = self._young.get(key)
        if value is None and (value := self._old.get(key)) is not None:
            self.put(key, value)
        return value

    def put(self, key: str, value: Any) -> None:
        if len(self._young) >= self._half and key not in self._young:
            self._young, self._old = {}, self._young
        self._young[key] = value

    def drop(self, key: str) -> None:
        self._young.pop(key, None)
        self._old.pop(key, None)
