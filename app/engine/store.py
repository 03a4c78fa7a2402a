"""One SQLite file (WAL) that holds topics, tables and positions of the embedded host.

Topics are logs of segments, a blob for each append, as a row a record costs four times as much. One process writes; any
number may read a consistent snapshot meanwhile. Every refusal to open is one sentence (`StoreError`).
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from agents.effects import JOURNALS, Record
from app.engine.kept import KeptTables
from app.events.journalled import Journalled
from app.misuse import Misuse
from tables import TABLES, Table

FORMAT = 5
_APPLICATION_ID = 0x68656164  # "head": how `file` and we tell our stores from other databases

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS segments(topic TEXT, part INTEGER, base INTEGER, count INTEGER, taken INTEGER, value BLOB,
    PRIMARY KEY(topic, part, base));
CREATE TABLE IF NOT EXISTS positions(topic TEXT, part INTEGER, next INTEGER, PRIMARY KEY(topic, part));
CREATE TABLE IF NOT EXISTS latest(topic TEXT, key TEXT, position INTEGER, type TEXT, value BLOB,
    PRIMARY KEY(topic, key));
"""


class StoreError(Misuse):
    """The store cannot be used; says what is wrong, with which file, and what to do."""


class Letter(msgspec.Struct, array_like=True, gc=False):
    """A raw record as it is kept in a topic that carries bytes."""

    value: bytes
    headers: list[tuple[str, bytes]]
    key: str = ""


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[Letter]).decode
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Journalled]).decode


class Store:
    """An open store file. `partitions` is fixed when the file is made."""

    def __init__(self, path: Path, *, partitions: int = 1, read_only: bool = False, address: str = "") -> None:
        self.path = path
        self._lock: int | None = None
        if path.is_dir():
            raise StoreError(f"{path} is a folder; name a file with --store")
        if not read_only:
            self._lock = _lock(path, address)
        elif not path.exists():
            raise StoreError(
                f"there is no store at {path}; run `headrace demo` or `headrace worker` to make one,"
                " or name another with --store"
            )
        try:
            self._db = self._open(path, read_only)
            self._check(read_only)
            self.partitions = self._partitions(partitions, read_only)
        except sqlite3.Error as error:
            self.close()
            raise StoreError(_sentence(path, error)) from error
        except StoreError:
            self.close()
            raise
        self._ends: dict[tuple[str, int], int] = {}

    def _open(self, path: Path, read_only: bool) -> sqlite3.Connection:
        target = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
        db = sqlite3.connect(target, uri=True, isolation_level=None, check_same_thread=False)
        self._db = db
        db.execute("PRAGMA busy_timeout=5000")
        db.execute("PRAGMA cache_size=-65536")
        if read_only:
            db.execute("BEGIN")  # one snapshot for as long as the file is open
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return db

    def _check(self, read_only: bool) -> None:
        db = self._db
        fresh = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        version, application = (
            db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "application_id")
        )
        if not fresh and application != _APPLICATION_ID:
            raise StoreError(f"{self.path} is a database of another program; name another file with --store")
        if version > FORMAT:
            raise StoreError(
                f"{self.path} was written by a newer headrace (store format {version}, this one reads {FORMAT});"
                " upgrade headrace"
            )
        if read_only:
            if fresh:
                raise StoreError(f"{self.path} is empty; publish events into it first")
            return
        if not fresh and version < FORMAT:
            raise StoreError(
                f"{self.path} was written by an earlier headrace (store format {version}, this one writes {FORMAT});"
                " `headrace export` its journal and publish that into a new store"
            )
        if fresh:
            db.execute("PRAGMA page_size=16384")
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA wal_autocheckpoint=4000")
        with self.transaction():
            for statement in filter(str.strip, _SCHEMA.split(";")):
                db.execute(statement)
            for table in TABLES:
                columns = "part INTEGER, key TEXT, value BLOB, PRIMARY KEY(part, key)"
                db.execute(f'CREATE TABLE IF NOT EXISTS "{table.name}"({columns})')
            db.execute(f"PRAGMA user_version={FORMAT}")
            db.execute(f"PRAGMA application_id={_APPLICATION_ID}")

    def _partitions(self, wanted: int, read_only: bool) -> int:
        found = self._db.execute("SELECT value FROM meta WHERE name='partitions'").fetchone()
        if found is not None:
            return int(found[0])
        if not read_only:
            self._db.execute("INSERT INTO meta VALUES('partitions', ?)", (str(wanted),))
        return wanted

    # -- life -------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        if hasattr(self, "_db"):
            self._db.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. A disk that is full or fails is a StoreError, and nothing of the transaction remains."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            self._ends = {}
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise StoreError(_sentence(self.path, error)) from error
            raise

    # -- topics -----------------------------------------------------------------------------------------------------

    def end(self, topic: str, partition: int) -> int:
        """The offset that the next record will have."""
        place = (topic, partition)
        if place not in self._ends:
            query = "SELECT base + count FROM segments WHERE topic=? AND part=? ORDER BY base DESC LIMIT 1"
            found = self._db.execute(query, place).fetchone()
            self._ends[place] = found[0] if found else 0
        return self._ends[place]

    def start(self, topic: str, partition: int) -> int:
        """The first offset still held."""
        query = "SELECT base FROM segments WHERE topic=? AND part=? ORDER BY base LIMIT 1"
        found = self._db.execute(query, (topic, partition)).fetchone()
        return found[0] if found else 0

    def _append(self, topic: str, partition: int, count: int, blob: bytes, taken: int | None) -> int:
        base = self.end(topic, partition)
        self._db.execute("INSERT INTO segments VALUES(?,?,?,?,?,?)", (topic, partition, base, count, taken, blob))
        self._ends[topic, partition] = base + count
        return base

    def append_raw(self, topic: str, partition: int, letters: Sequence[Letter], taken: int | None) -> int:
        """Append bytes as they came; the offset of the first.

        `taken` is the moment in microseconds, None: the records say so.
        """
        return self._append(topic, partition, len(letters), _pack(letters), taken)

    def append_journal(self, topic: str, partition: int, values: Sequence[Journalled]) -> int:
        return self._append(topic, partition, len(values), _encode(values), 0)

    def read(self, topic: str, partition: int, offset: int, limit: int) -> list[Record]:
        """About `limit` records from `offset` on, whole segments where that is cheaper."""
        records: list[Record] = []
        decode: Callable[[int, int | None, bytes], Iterable[Record]] = (
            _journal_records if topic in JOURNALS else _raw_records
        )
        query = (
            "SELECT base, taken, value FROM segments"
            " WHERE topic=? AND part=? AND base + count > ? AND base >= ? ORDER BY base"
        )
        first = self._db.execute(
            "SELECT base FROM segments WHERE topic=? AND part=? AND base <= ? ORDER BY base DESC LIMIT 1",
            (topic, partition, offset),
        ).fetchone()
        for base, taken, value in self._db.execute(query, (topic, partition, offset, first[0] if first else 0)):
            records.extend(record for record in decode(base, taken, value) if record.offset >= offset)
            if len(records) >= limit:
                break
        return records[:limit]

    def letters(self, topic: str, partition: int, offset: int = 0) -> Iterator[tuple[int, Letter]]:
        """(offset, letter) of a topic that carries bytes, from `offset` on."""
        query = "SELECT base, value FROM segments WHERE topic=? AND part=? AND base + count > ? ORDER BY base"
        for base, value in self._db.execute(query, (topic, partition, offset)):
            for place, letter in enumerate(_unpack(value)):
                if base + place >= offset:
                    yield base + place, letter

    def topics(self) -> list[tuple[str, int, int]]:
        """(topic, partition, end) of every topic that holds anything."""
        query = "SELECT topic, part, max(base + count) FROM segments GROUP BY topic, part ORDER BY topic, part"
        return [(topic, part, end) for topic, part, end in self._db.execute(query)]

    def position(self, topic: str, partition: int) -> int:
        found = self._db.execute("SELECT next FROM positions WHERE topic=? AND part=?", (topic, partition)).fetchone()
        return found[0] if found else 0

    def advance(self, topic: str, partition: int, offset: int) -> None:
        self._db.execute("INSERT OR REPLACE INTO positions VALUES(?,?,?)", (topic, partition, offset))

    # -- statements -------------------------------------------------------------------------------------------------

    def put_latest(self, rows: Iterable[tuple[str, str, int, str, bytes]]) -> None:
        """(topic, key, position, type, value): the latest statement for its key."""
        self._db.executemany("INSERT OR REPLACE INTO latest VALUES(?,?,?,?,?)", rows)

    def latest(self, topic: str) -> Iterator[tuple[str, bytes]]:
        """(key, statement) of a compacted topic, in key order."""
        yield from self._db.execute("SELECT key, value FROM latest WHERE topic=? ORDER BY key", (topic,))

    def trim(self, topic: str, keep: int) -> None:
        """Forget the segments before the last `keep` records of a log whose latest values are kept elsewhere."""
        for partition in range(self.partitions):
            bound = self.end(topic, partition) - keep
            self._db.execute(
                "DELETE FROM segments WHERE topic=? AND part=? AND base + count <= ?", (topic, partition, bound)
            )

    # -- tables -----------------------------------------------------------------------------------------------------

    def tables(self, partition: int) -> Tables:
        return Tables(self._db, partition)


class Tables(KeptTables):
    """The tables of one partition, each a table of the file."""

    def __init__(self, db: sqlite3.Connection, partition: int) -> None:
        super().__init__()
        self._db, self._partition = db, partition
        self._queries = {t.name: f'SELECT value FROM "{t.name}" WHERE part=? AND key=?' for t in TABLES}

    def _read(self, table: str, key: str) -> bytes | None:
        found = self._db.execute(self._queries[table], (self._partition, key)).fetchone()
        return None if found is None else found[0]

    def keys(self, table: Table[Any]) -> Iterable[str]:
        query = f'SELECT key FROM "{table.name}" WHERE part=? ORDER BY key'
        return [key for (key,) in self._db.execute(query, (self._partition,))]

    def scan(self, table: Table[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
        query = f'SELECT key, value FROM "{table.name}" WHERE part=? AND key>=? AND key<? ORDER BY key'
        for key, value in self._db.execute(query, (self._partition, prefix, prefix + "\U0010ffff")):
            yield key, table.decode(value)

    def write(self, writes: Sequence[tuple[Table[Any], str, Any]]) -> None:
        """Within the transaction of the caller; a later write of the same key stands."""
        rows: dict[str, dict[str, bytes | None]] = {}
        for table, key, value in writes:
            rows.setdefault(table.name, {})[key] = None if value is None else table.encode(value)
        self.remember(writes)
        for name, values in rows.items():
            kept = [(self._partition, key, value) for key, value in values.items() if value is not None]
            gone = [(self._partition, key) for key, value in values.items() if value is None]
            self._db.executemany(f'INSERT OR REPLACE INTO "{name}" VALUES(?,?,?)', kept)
            self._db.executemany(f'DELETE FROM "{name}" WHERE part=? AND key=?', gone)


def _journal_records(base: int, taken: int | None, value: bytes) -> Iterable[Record]:
    return [Record(base + place, fact) for place, fact in enumerate(_decode(value))]


def _raw_records(base: int, taken: int | None, value: bytes) -> Iterable[Record]:
    return [
        Record(base + place, letter.value, tuple(letter.headers), taken) for place, letter in enumerate(_unpack(value))
    ]


def _lock(path: Path, address: str) -> int:
    """Take the file's lock, or say who has it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(f"cannot use {path}: {error.strerror}; name another place with --store") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        owner = owner_of(path)
        os.close(lock)
        at = f" at {owner['address']}" if owner.get("address") else ""
        raise StoreError(
            f"{path} is in use by process {owner.get('pid', '?')}{at};"
            " stop it, publish to its address with --url, or name another file with --store"
        ) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, json.dumps({"pid": os.getpid(), "address": address}).encode(), 0)
    return lock


def owner_of(path: Path) -> dict[str, Any]:
    """Who opened the store last: pid and address; empty if nobody said."""
    try:
        owner: dict[str, Any] = json.loads(Path(f"{path}.lock").read_bytes())
    except (OSError, ValueError):
        return {}
    return owner


def _sentence(path: Path, error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return (
            f"the disk is full: {path} could not be written;"
            " nothing of the last batch was kept, free space and start again"
        )
    if code == sqlite3.SQLITE_NOTADB:
        return f"{path} is not a headrace store; name another file with --store"
    if code == sqlite3.SQLITE_CORRUPT:
        return f"{path} is damaged ({error}); restore it from a copy, or replay its source events into a new one"
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY):
        return f"{path} cannot be opened for use ({error}); check its permissions or name another file with --store"
    return f"{path} could not be used: {error}; nothing of the last batch was kept"
