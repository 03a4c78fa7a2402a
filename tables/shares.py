"""What each partition's people come to for a group in a week, by `kind/group|Monday`."""

from __future__ import annotations

import msgspec

from app.events.share import Number
from tables.heads import Latest
from tables.table import Table


class Given(msgspec.Struct, array_like=True, gc=False):
    """What one partition of people sent last; `tallies` are those of `app.domain.accuracy`, by weeks ahead."""

    number: int
    as_of: int
    figures: list[Number]
    latest: Latest
    tallies: dict[int, dict[int, Number]] = {}


class Shares(msgspec.Struct, array_like=True, gc=False):
    """`sums` by the number of the partition."""

    fence: int
    sums: dict[int, Given]


SHARES: Table[Shares] = Table("shares", 1, Shares)


def key(group: tuple[str, str], monday: int) -> str:
    return f"{group[0]}/{group[1]}|{monday}"


def parse(key: str) -> tuple[tuple[str, str], int]:
    """Group and Monday (or year, in `openings`) of a key."""
    group, _, number = key.rpartition("|")
    kind, _, name = group.partition("/")
    return (kind, name), int(number)
