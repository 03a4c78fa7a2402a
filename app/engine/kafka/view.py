"""A slice as answers see it: what has been delivered, and nothing that is under way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from app.engine.kafka.records import changelog_key
from app.engine.kafka.values import Values, stored_json
from app.engine.kept import KeptTables
from tables import Table


class View(KeptTables):
    """The tables of a slice as the last delivered batches left them (see `tables.Store`).

    Agents change the objects they hold before anything is delivered, and a large batch comes into the values in pieces.
    So this holds objects of its own, and from `begin` to `finish` of a batch what it writes is shown as it was before.
    """

    def __init__(self, values: Values) -> None:
        super().__init__()
        self._values = values
        self._before: dict[bytes, bytes | None] = {}

    def begin(self, keys: Iterable[bytes]) -> None:
        """These changelog keys are about to be written. Of two batches under way none writes what the other does."""
        for key in keys:
            self._before[key] = self._values.get(key)

    def finish(self, writes: Collection[tuple[Table[Any], str, Any]]) -> None:
        """Everything that follows from these writes is delivered: show them, all at once."""
        for table, key, _ in writes:
            self._before.pop(changelog_key(table.name, key), None)
        self.forget(writes)

    def _read(self, table: str, key: str) -> memoryview | None:
        return self._json(changelog_key(table, key))

    def _json(self, key: bytes) -> memoryview | None:
        return stored_json(self._before[key] if key in self._before else self._values.get(key))

    def keys(self, table: Table[Any]) -> Iterable[str]:
        return [key.decode() for key in self._names(table.name.encode(), b"")]

    def scan(self, table: Table[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
        name = table.name.encode()
        for key in self._names(name, prefix.encode()):
            found = self._json(name + b"/" + key)
            if found is not None:
                yield key.decode(), table.decode(found)

    def _names(self, table: bytes, prefix: bytes) -> Sequence[bytes]:
        """Keys without the table's name, in order: those there were before what is under way."""
        names = self._values.keys(table, prefix)
        start, skip = table + b"/" + prefix, len(table) + 1
        under_way = {key[skip:]: stored for key, stored in self._before.items() if key.startswith(start)}
        if not under_way:
            return names
        there = {key for key, stored in under_way.items() if stored_json(stored) is not None}
        return sorted({*(name for name in names if name not in under_way), *there})
