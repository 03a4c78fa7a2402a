"""What a contract is told directly: its versions, rates, milestones and the like, by contract id."""

from __future__ import annotations

import msgspec

from app.events.fact import Fact
from tables.table import Table


class Dossier(msgspec.Struct, array_like=True, gc=False):
    """Every distinct message, by `kind/id` of its entity; all versions of the contract itself under `contract`."""

    fence: int
    facts: dict[str, list[Fact]]


CONTRACT = "contract"
DOSSIERS: Table[Dossier] = Table("dossiers", 1, Dossier)
