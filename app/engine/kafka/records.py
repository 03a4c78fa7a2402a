"""What the records of each topic look like on the wire, and back. Nothing here connects to anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from agents.effects import DeadLetter, Statement
from app.engine.statements import ATTRIBUTES, SOURCE, dead_letter_headers, said
from app.events.cloudevents import JSON, STRUCTURED, Headers, structured, timestamp
from app.events.journalled import Journalled
from tables import Table

VERSION_BYTES: Final = 16
"""Hex digits before a stored value: 2 for the agent that wrote it, 14 for the last offset of the batch it wrote in."""

VERSION_HEADER: Final = "v"
"""Where a deletion says its version, as it has no value to say it in."""

EVENT_HEADERS: Final[Headers] = [("content-type", STRUCTURED)]
"""The headers of an event as files hold it: one JSON object with attributes and data."""


class Wire(NamedTuple):
    """A record as a producer is given it. A value of None deletes the key from a compacted topic."""

    key: bytes | None
    value: bytes | None
    headers: Headers


# -- journals -----------------------------------------------------------------------------------------------------


def journal_key(key: str) -> bytes:
    """The key of a journal's record: an entity for `journal.facts`, a contract or a person for the others."""
    return key.encode()


encode_journal = msgspec.json.Encoder().encode
"""A record as it stands in a journal."""

_journal: Final[msgspec.json.Decoder[Journalled]] = msgspec.json.Decoder(Journalled)


def decode_journal(value: bytes) -> Journalled:
    """What `encode_journal` wrote, also by an earlier release; raises `msgspec.MsgspecError` for anything else."""
    return _journal.decode(value)


# -- what leaves --------------------------------------------------------------------------------------------------


_SPECVERSION: Final = ("ce_specversion", b"1.0")
_SOURCE: Final = ("ce_source", SOURCE.encode())
_JSON: Final = ("content-type", JSON)


def statement_record(statement: Statement) -> Wire:
    """A statement in CloudEvents' binary mode: attributes as `ce_` headers, the value is the data alone.

    Id and data are those of the structured event that the embedded host keeps (`app.engine.statements.event_of`).
    """
    name, value = said(statement)
    time, _, cause, correlation = statement.latest
    key = statement.key.encode()
    headers = [  # what `binary` makes of `event_of`, without a dictionary between: a worker makes nothing as often
        _SPECVERSION,
        ("ce_id", name.encode()),
        _SOURCE,
        ("ce_type", statement.type.encode()),
        ("ce_subject", key),
        ("ce_time", timestamp(time).encode()),
    ]
    if correlation:
        headers.append(("ce_correlationid", correlation.encode()))
    if cause:
        headers.append(("ce_causationid", cause.encode()))
    headers.append(_JSON)
    return Wire(key, value, headers)


def structured_statement(value: bytes, headers: Iterable[tuple[str, bytes]]) -> bytes:
    """The record of a statement as a structured event: byte for byte what the embedded host keeps of it."""
    said = {name.removeprefix("ce_"): text.decode() for name, text in headers}
    said["datacontenttype"] = said["content-type"]
    return structured({name: said.get(name) for name in ATTRIBUTES}, value)


def dead_letter_record(letter: DeadLetter, key: bytes | None) -> Wire:
    """The original key and bytes, with the original's headers and those that say why it is here."""
    return Wire(key, letter.value, dead_letter_headers(letter))


def letter_of(value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> DeadLetter:
    """What `dead_letter_record` wrote; its headers are all that the record has.

    Raises ValueError for a record that does not say where it stood and why it was refused.
    """
    said = {name: text.decode(errors="replace") for name, text in headers if text is not None}
    try:
        return DeadLetter(
            said["__connect.errors.topic"],
            int(said["__connect.errors.partition"]),
            int(said["__connect.errors.offset"]),
            value or b"",
            tuple(headers),
            said["x-dlq-code"],
            said["__connect.errors.exception.message"],
            said["x-dlq-pointer"],
        )
    except KeyError as error:
        raise ValueError(f"a dead letter without the header {error}: it was not written by headrace") from None


# -- tables -------------------------------------------------------------------------------------------------------


def changelog_key(table: str, key: str) -> bytes:
    """`table` is a table's name, version included (`heads-v1`); names hold no slash, keys may.

    >>> changelog_key("buckets-v1", "SOW-1/A|738000")
    b'buckets-v1/SOW-1/A|738000'
    """
    return f"{table}/{key}".encode()


def parse_changelog_key(key: bytes) -> tuple[str, str]:
    """(table name, key) of what `changelog_key` made.

    >>> parse_changelog_key(b"buckets-v1/SOW-1/A|738000")
    ('buckets-v1', 'SOW-1/A|738000')
    """
    table, _, own = key.decode().partition("/")
    return table, own


def version_of(agent: int, offset: int) -> bytes:
    """The version of a value: of two records for one key, the one with the greater version counts.

    `agent` is 0 to 255 and the same for every value of a key, `offset` is the last one of the batch that wrote it.

    >>> version_of(2, 255)
    b'02000000000000ff'
    """
    return b"%02x%014x" % (agent, offset)


def parse_version(version: bytes) -> tuple[int, int]:
    """(agent, offset) of a version.

    >>> parse_version(b"02000000000000ff")
    (2, 255)
    """
    return int(version[:2], 16), int(version[2:VERSION_BYTES], 16)


def changelog_record(table: Table[Any], key: str, value: Any, version: bytes) -> Wire:
    """A value of a table under its version; `value` None deletes the key."""
    if value is None:
        return Wire(changelog_key(table.name, key), None, [(VERSION_HEADER, version)])
    return Wire(changelog_key(table.name, key), version + table.encode(value), [])


def stored_record(key: bytes, stored: bytes) -> Wire:
    """The changelog record of what is held for a key: version and JSON, or the version alone of a deletion."""
    if len(stored) == VERSION_BYTES:
        return Wire(key, None, [(VERSION_HEADER, stored)])
    return Wire(key, stored, [])


def changelog_version(value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> bytes:
    """The version of a changelog record, also of a deletion. Raises ValueError for a record that carries none."""
    version = value[:VERSION_BYTES] if value is not None else dict(headers).get(VERSION_HEADER, b"")
    if len(version) != VERSION_BYTES:
        raise ValueError(f"the record carries no version but {version!r}: it was not written by headrace")
    return version


def changelog_json(value: bytes) -> bytes:
    """The table's JSON behind the version."""
    return value[VERSION_BYTES:]
