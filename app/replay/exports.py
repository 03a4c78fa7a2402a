"""Facts written for others to read: JSON Lines that every host reads again, and Parquet for analysis."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

from app.events.cloudevents import exported
from app.events.fact import Fact
from app.misuse import Misuse

ROWS: Final = 50_000
"""Rows of a Parquet row group: about 25 MB in memory."""


class Export(Protocol):
    def write(self, facts: list[Fact]) -> None: ...

    def close(self) -> None:
        """Write what is left; the file is whole then."""
        ...


class JsonLines:
    """Structured CloudEvents, one a line, each with the moment it was accepted."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def write(self, facts: list[Fact]) -> None:
        self._out.writelines(exported(fact) + b"\n" for fact in facts)

    def close(self) -> None:
        self._out.flush()


class Parquet:
    """One row an event: attributes as columns, instants as UTC timestamps in microseconds, data as JSON text.

    `topic`, `partition` and `offset` say where intake read the event. Raises Misuse without the library, and for a
    file that cannot be written.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._arrow: Any = import_module("pyarrow")
            parquet: Any = import_module("pyarrow.parquet")
        except ImportError:
            raise Misuse("Parquet needs a library that is not here; install headrace[parquet]") from None
        self._schema = _schema(self._arrow)
        try:
            self._file = parquet.ParquetWriter(path, self._schema, compression="zstd")
        except OSError as error:
            raise Misuse(f"cannot write {path}: {error.strerror or error}; name another file with --out") from error
        self._facts: list[Fact] = []

    def write(self, facts: list[Fact]) -> None:
        self._facts += facts
        while len(self._facts) >= ROWS:
            self._group(self._facts[:ROWS])
            del self._facts[:ROWS]

    def close(self) -> None:
        if self._facts:
            self._group(self._facts)
        self._file.close()

    def _group(self, facts: list[Fact]) -> None:
        rows = [_row(fact) for fact in facts]
        columns = [
            self._arrow.array(column, field.type)
            for column, field in zip(zip(*rows, strict=True), self._schema, strict=True)
        ]
        self._file.write_table(self._arrow.Table.from_arrays(columns, schema=self._schema))


def _row(fact: Fact) -> tuple[Any, ...]:
    return (
        fact.source,
        fact.id,
        fact.type,
        f"{fact.kind}/{fact.entity}",
        fact.time,
        fact.recorded,
        fact.accepted,
        fact.correlation,
        fact.causation,
        bytes(fact.data).decode(),
        fact.topic,
        fact.partition,
        fact.offset,
    )


def _schema(arrow: Any) -> Any:
    """Attributes by the names they have in an event, then where it stood."""
    instant = arrow.timestamp("us", tz="UTC")
    must = {"nullable": False}
    return arrow.schema(
        [
            arrow.field("source", arrow.string(), **must),
            arrow.field("id", arrow.string(), **must),
            arrow.field("type", arrow.string(), **must),
            arrow.field("subject", arrow.string(), **must),
            arrow.field("time", instant, **must),
            arrow.field("recordedtime", instant, **must),
            arrow.field("acceptedtime", instant, **must),
            arrow.field("correlationid", arrow.string()),
            arrow.field("causationid", arrow.string()),
            arrow.field("data", arrow.string(), **must),
            arrow.field("topic", arrow.string(), **must),
            arrow.field("partition", arrow.int32(), **must),
            arrow.field("offset", arrow.int64(), **must),
        ]
    )
