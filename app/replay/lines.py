"""Reading recorded logs: JSON Lines files, as records with their place in the file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.effects import Record
from app.misuse import Misuse


class ReplayError(Misuse):
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


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes [start, end) of the file with that number; a line belongs to the span that holds its first byte."""

    path: Path
    number: int
    start: int
    end: int


def spans(paths: Sequence[Path], size: int) -> list[Span]:
    """All bytes of all files, in spans of at most `size`."""
    return [
        Span(path, number, start, min(start + size, end))
        for number, path in enumerate(paths)
        for end in (path.stat().st_size,)
        for start in range(0, end, size)
    ]


def chunks(span: Span, size: int, progress: Callable[[int], None] = lambda read: None) -> Iterator[list[Record]]:
    """Records of one span, about `size` at a time; the offset is that of the line's first byte in the file.

    Empty lines are skipped. `progress` is told the bytes read since it was told last.
    """
    records: list[Record] = []
    with span.path.open("rb") as file:
        place = span.start
        if place:
            file.seek(place - 1)
            place += len(file.readline()) - 1  # the rest of a line that began before
        told = place
        for line in file:
            if place >= span.end:
                break
            text = line.rstrip(b"\r\n")
            if text:
                records.append(Record(place, text))
            place += len(line)
            if len(records) >= size:
                progress(place - told)
                told = place
                yield records
                records = []
    progress(place - told)
    if records:
        yield records


def line_numbers(path: Path, offsets: Collection[int]) -> dict[int, int]:
    """The line, counted from 0, that begins at each of the byte offsets."""
    wanted = sorted(offsets)
    found: dict[int, int] = {}
    if not wanted:
        return found
    with path.open("rb") as file:
        passed = lines = 0
        for offset in wanted:
            while passed < offset:
                block = file.read(min(1 << 20, offset - passed))
                lines += block.count(b"\n")
                passed += len(block)
            found[offset] = lines
    return found
