"""Exceptions that stand: what contradicts itself, by exception id."""

from __future__ import annotations

import msgspec

from tables.table import Table


class Raised(msgspec.Struct, array_like=True, gc=False):
    """`since`: the earliest time of the events in `evidence`, microseconds."""

    fence: int
    code: str
    tier: str
    owner: str
    subject: str
    message: str
    evidence: list[str]
    since: int


EXCEPTIONS: Table[Raised] = Table("exceptions", 1, Raised)
