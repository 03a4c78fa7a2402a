"""Reference data, copied to every partition that uses it, by `kind/id`."""

from __future__ import annotations

from tables.entities import Entity
from tables.table import Table

REFERENCE: Table[Entity] = Table("reference", 1, Entity)
