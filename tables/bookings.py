"""Facts about people and bookings, kept as they came, by `kind/id` (owned by the resource agent)."""

from __future__ import annotations

from tables.entities import Entity
from tables.table import Table

BOOKINGS: Table[Entity] = Table("bookings", 1, Entity)
