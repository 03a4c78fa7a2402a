"""Reading recorded logs: JSON Lines files, as records with their place in the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from agents.effects import Record


class ReplayError(Exception):
    """The replay cannot be done as asked; says what is wrong and what to do."""


def check(paths: Sequence[Path]) -> int:
    """The total size in bytes; raises ReplayError for a file that cannot be read."""
    total = 0
    for path in paths:
        try:
            with path.open("rb") as file:
                total += file.seek(0, 2)
        except OSError as error:
            raise ReplayError(f"cannot read {path}: {error.strerror}; name a JSON Lines file of events") from error
    return total


def chunks(path: Path, size: int, progress: Callable[[int], None] = lambda read: None) -> Iterator[list[Record]]:
    """Records of one file, about `size` at a time; the offset is the line's number, counted from 0.

    Empty lines are skipped. `progress` is told the bytes read since it was told last.
    """
    records: list[Record] = []
    read = 0
    with path.open("rb") as file:
        for number, line in enumerate(file):
            read += len(line)
            line = line.rstrip(b"\r\n")
            if line:
                records.append(Record(number, line))
            if len(records) >= size:
                progress(read)
                read = 0
                yield records
                records = []
    progress(read)
    if records:
        yield records
