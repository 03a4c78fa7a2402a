"""Holidays, copied to every partition of people, by holiday id."""

from __future__ import annotations

from tables.entities import Entity
from tables.table import Table

HOLIDAYS: Table[Entity] = Table("holidays", 1, Entity)
