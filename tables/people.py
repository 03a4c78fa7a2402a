"""What a person was said to be, message by message, by resource id. Whoever was ever named has a value."""

from __future__ import annotations

import msgspec

from app.events.fact import Fact
from tables.heads import Latest
from tables.table import Table


class Person(msgspec.Struct, array_like=True, gc=False):
    """`facts` are the `resource.upserted` messages, `latest` the latest of them; `years` says which schedules exist."""

    fence: int
    latest: Latest
    facts: list[Fact]
    years: list[int]


PEOPLE: Table[Person] = Table("people", 1, Person)


def new() -> Person:
    return Person(-1, (0, "", "", ""), [], [])
