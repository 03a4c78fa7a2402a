"""The tables of a deployment, read from their changelog from outside of any worker."""

from __future__ import annotations

from typing import Any

from app.engine.kafka.log import Log, LogError
from app.engine.kafka.records import changelog_json, changelog_version, parse_changelog_key
from app.engine.kafka.topics import changelog_name
from app.engine.memory import MemoryStore
from app.settings import Settings
from tables import TABLES, Table

_BY_NAME: dict[str, Table[Any]] = {table.name: table for table in TABLES}


async def tables(log: Log, settings: Settings) -> list[MemoryStore]:
    """The tables of each slice as the changelog has them now: of each key the value of the greatest version.

    Raises LogError where the changelog has lost its beginning, or holds what is not a table's.
    """
    topic = changelog_name(settings.kafka_group)
    stretches = await log.stretches(await log.places([topic]))
    latest: dict[int, dict[bytes, tuple[bytes, bytes | None]]] = {place.partition: {} for place in stretches}
    for place, stretch in stretches.items():
        if stretch.first:
            raise LogError(
                f"{topic} partition {place.partition} begins at {stretch.first}, the values before it are lost;"
                " set its cleanup.policy to compact, and replay the journals into a new group"
            )
    async for place, records in log.read(stretches):
        known = latest[place.partition]
        for record in records:
            try:
                version = changelog_version(record.value, record.headers)
            except ValueError as error:
                raise LogError(f"{topic} partition {place.partition} offset {record.offset}: {error}") from error
            if record.key not in known or known[record.key][0] <= version:
                known[record.key] = (version, record.value)
    return [_store(latest[partition]) for partition in sorted(latest)]


def _store(latest: dict[bytes, tuple[bytes, bytes | None]]) -> MemoryStore:
    """The values decoded; tables of another release than this one are left out."""
    store = MemoryStore()
    for name, (_, value) in latest.items():
        table, key = parse_changelog_key(name)
        if value is not None and table in _BY_NAME:
            store.write([(_BY_NAME[table], key, _BY_NAME[table].decode(changelog_json(value)))])
    return store
