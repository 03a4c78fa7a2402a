"""The documents, and what their pages are made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), ROOT / "bench" / "README.md"])


class Fence(NamedTuple):
    """A fenced block; `line` is that of its first line of text."""

    language: str
    text: str
    line: int


def fences(page: Path) -> list[Fence]:
    """The fenced blocks of a page, in order."""
    text = page.read_text()
    return [
        Fence(found[1], found[2], text.count("\n", 0, found.start(2)) + 1)
        for found in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]


def rows(page: Path, heading: str) -> list[list[str]]:
    """The cells of every row of the tables whose header begins with `heading`, without their code marks."""
    found: list[list[str]] = []
    inside = False
    for line in page.read_text().splitlines():
        if not line.startswith("|"):
            inside = False
        elif inside:
            found.append(_cells(line))
        elif _cells(line)[0] == heading:
            inside = True
    return [row for row in found if not set(row[0]) <= {"-"}]


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("`", "") for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]


class Example(NamedTuple):
    """Events of a page, and what it says they come to."""

    line: int
    events: list[bytes]
    expected: dict[str, Any]


def examples(page: Path) -> Iterator[Example]:
    """Every example: events as `jsonl`, perhaps a table of more of them, then the figures as `json`.

    A page leaves out what is the same everywhere: the envelope, and a revision of 1.
    """
    said: list[dict[str, Any]] = []
    for part in re.finditer(
        r"^```(jsonl|json)\n(.*?)^```$|^\| (\w+\.\w+\.v\d) (\|.*?)\n\n", page.read_text(), re.M | re.S
    ):
        if part[1] == "jsonl":
            said = [orjson.loads(line) for line in part[2].splitlines()]
        elif part[3]:
            said += _tabled(part[3], part[4])
        elif said:
            line = page.read_text().count("\n", 0, part.start(2)) + 1
            yield Example(line, [_event(number, one) for number, one in enumerate(said, 1)], orjson.loads(part[2]))
            said = []


def _tabled(kind: str, table: str) -> Iterator[dict[str, Any]]:
    """A table of time entries: the first column is the entry, the others are fields of the data."""
    header, _, *lines = table.splitlines()
    names = ["entry_id", *_cells(header)]
    for line in lines:
        data: dict[str, Any] = dict(zip(names, _cells(line), strict=True))
        yield {"type": kind, "data": {**data, "minutes": int(data["minutes"])}}


def _event(number: int, said: dict[str, Any]) -> bytes:
    data = said["data"] if said["type"].startswith("contract.") else {"revision": 1, **said["data"]}
    envelope = {"specversion": "1.0", "id": str(number), "source": "/page", "time": "2026-01-01T00:00:00Z"}
    return orjson.dumps({**envelope, **said, "data": data})
