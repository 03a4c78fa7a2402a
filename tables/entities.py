"""Every distinct message about an entity that can change its home, by `kind/id` (owned by the facts agent)."""

from __future__ import annotations

import msgspec

from app.events.fact import Fact
from tables.table import Table


class Entity(msgspec.Struct, array_like=True, gc=False):
    """`n` numbers the entity's resolutions: a home keeps what the highest tells it."""

    fence: int
    n: int
    facts: list[Fact]


ENTITIES: Table[Entity] = Table("entities", 1, Entity)
