"""The stored values of one slice: versioned bytes by table and key, in memory or in RocksDB, and tables over them."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from rocksdict import Options, Rdict, WriteBatch

from app.engine.kafka.ending import Unfit
from app.engine.kafka.records import VERSION_BYTES
from app.engine.kept import KeptTables
from tables import Table

Row = tuple[bytes, bytes]
"""(changelog key, version and JSON); of a deleted key the version alone, so that nothing older brings it back."""


class Values(Protocol):
    """Versioned bytes by changelog key (`table/key`).

    `position` is the changelog offset up to which they are whole, `tops` the greatest version of each agent (by the
    two digits that name it). `doubtful` are keys whose last record before `position` is not the one held here.
    """

    position: int
    tops: dict[bytes, bytes]
    doubtful: set[bytes]

    def get(self, key: bytes) -> bytes | None:
        """Version and JSON, or the version alone of what was deleted."""
        ...

    def put(
        self, rows: Iterable[Row], position: int, tops: Mapping[bytes, bytes], doubtful: Collection[bytes] = ()
    ) -> None:
        """All of it, or nothing where a crash comes between.

        `tops` are those that became greater. A row settles a doubt about its key; `doubtful` are those that remain.
        """
        ...

    def keys(self, table: bytes, prefix: bytes = b"") -> list[bytes]:
        """Keys of a table that begin with `prefix`, without the table's name, in order."""
        ...

    def tables(self) -> set[bytes]:
        """Names of the tables that hold anything."""
        ...

    def count(self) -> int: ...

    def close(self) -> None: ...


class MemoryValues:
    """Lost with the process; the changelog is read from its start."""

    def __init__(self) -> None:
        self.position = 0
        self.tops: dict[bytes, bytes] = {}
        self.doubtful: set[bytes] = set()
        self._tables: defaultdict[bytes, dict[bytes, bytes]] = defaultdict(dict)

    def get(self, key: bytes) -> bytes | None:
        return self._tables[key.partition(b"/")[0]].get(key)

    def put(
        self, rows: Iterable[Row], position: int, tops: Mapping[bytes, bytes], doubtful: Collection[bytes] = ()
    ) -> None:
        tables, doubts = self._tables, self.doubtful
        for key, stored in rows:
            tables[key.partition(b"/")[0]][key] = stored
            if doubts:
                doubts.discard(key)
        doubts.update(doubtful)
        self.position = position
        self.tops.update(tops)

    def keys(self, table: bytes, prefix: bytes = b"") -> list[bytes]:
        held, skip = self._tables[table], len(table) + 1
        wanted = table + b"/" + prefix
        return sorted(k[skip:] for k, stored in held.items() if k.startswith(wanted) and len(stored) > VERSION_BYTES)

    def tables(self) -> set[bytes]:
        return {name for name, held in self._tables.items() if held}

    def count(self) -> int:
        return sum(len(stored) > VERSION_BYTES for table in self._tables.values() for stored in table.values())

    def close(self) -> None:
        self._tables.clear()


_POSITION = b"\x00position"  # what is not a table's comes before any table's name
_TOP = b"\x00top/"
_DOUBT = b"\x00doubt/"
_TABLES = b"\x01"


class RocksValues:
    """On disk, one database a slice: after a start only the end of the changelog is read.

    A write is flushed to the operating system, not to the disk: a process may be killed at any moment. What a machine's
    crash takes is in the changelog, as `position` is written with the rows.
    """

    def __init__(self, path: Path) -> None:
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_write_buffer_size(32 << 20)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            db: Any = Rdict(str(path), options)
        except Exception as error:  # the library raises plain Exception
            raise Unfit(
                f"the tables in {path} cannot be opened ({error}); stop what uses them, or remove the folder:"
                " it is filled again from the changelog"
            ) from None
        self._db = db
        found = db.get(_POSITION)
        self.position = int(found) if found is not None else 0
        self.tops = {key[len(_TOP) :]: version for key, version in self._from(_TOP)}
        self.doubtful = {key[len(_DOUBT) :] for key, _ in self._from(_DOUBT)}

    def get(self, key: bytes) -> bytes | None:
        found: bytes | None = self._db.get(key)
        return found

    def put(
        self, rows: Iterable[Row], position: int, tops: Mapping[bytes, bytes], doubtful: Collection[bytes] = ()
    ) -> None:
        batch = WriteBatch(raw_mode=True)
        settled = set()
        for key, stored in rows:
            batch.put(key, stored)
            if key in self.doubtful:
                settled.add(key)
                batch.delete(_DOUBT + key)
        for key in doubtful:
            batch.put(_DOUBT + key, b"")
        for agent, version in tops.items():
            batch.put(_TOP + agent, version)
        batch.put(_POSITION, b"%d" % position)
        self._db.write(batch)
        self.doubtful = (self.doubtful - settled).union(doubtful)
        self.position = position
        self.tops.update(tops)

    def keys(self, table: bytes, prefix: bytes = b"") -> list[bytes]:
        skip = len(table) + 1
        return [key[skip:] for key, stored in self._from(table + b"/" + prefix) if len(stored) > VERSION_BYTES]

    def _from(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        for key, value in self._db.items(from_key=prefix):
            if not key.startswith(prefix):
                return
            yield key, value

    def tables(self) -> set[bytes]:
        found: set[bytes] = set()
        after = _TABLES
        while (key := next(iter(self._db.keys(from_key=after)), None)) is not None:
            name = bytes(key).partition(b"/")[0]
            found.add(name)
            after = name + b"0"  # the byte behind the slash: past every key of this table
        return found

    def count(self) -> int:
        return sum(len(stored) > VERSION_BYTES for _, stored in self._db.items(from_key=_TABLES))

    def close(self) -> None:
        self._db.close()


def stored_json(stored: bytes | None) -> memoryview | None:
    """The table's JSON of what `Values` hold for a key; None for nothing, and for what was deleted."""
    return None if stored is None or len(stored) <= VERSION_BYTES else memoryview(stored)[VERSION_BYTES:]


def forget(path: Path) -> None:
    """Remove the tables of a slice from disk."""
    shutil.rmtree(path, ignore_errors=True)


class SliceTables(KeptTables):
    """The tables of one slice, as agents and queries see them. Stored values change once the changelog has them."""

    def __init__(self, values: Values) -> None:
        super().__init__()
        self._values = values

    def _read(self, table: str, key: str) -> memoryview | None:
        return stored_json(self._values.get(f"{table}/{key}".encode()))

    def keys(self, table: Table[Any]) -> Iterable[str]:
        return [key.decode() for key in self._values.keys(table.name.encode())]

    def scan(self, table: Table[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
        name = table.name.encode()
        for key in self._values.keys(name, prefix.encode()):
            found = stored_json(self._values.get(name + b"/" + key))
            if found is not None:
                yield key.decode(), table.decode(found)
