"""Policies, copied to every partition of people, by policy id: of those about people, what holds there."""

from __future__ import annotations

from tables.entities import Entity
from tables.table import Table

POLICIES: Table[Entity] = Table("policies", 1, Entity)
