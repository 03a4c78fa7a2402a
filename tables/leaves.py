"""Leave as it came, message by message, by resource and leave id."""

from __future__ import annotations

from tables.entities import Entity
from tables.table import Table

LEAVES: Table[Entity] = Table("leaves", 1, Entity)


def key(resource_id: str, leave_id: str) -> str:
    return f"{resource_id}\x1f{leave_id}"  # no id holds a control character
