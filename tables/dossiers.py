"""What a contract is told directly: its versions, rates, milestones and the like, by contract id."""

from __future__ import annotations

import msgspec

from app.events.fact import Fact
from tables.table import Table


class Dossier(msgspec.Struct, array_like=True, gc=False):
    """Every distinct message, by `kind/id` of its entity; all versions of the contract itself under `contract`.

    `resent`, of an ERP's answers about a document: the refusals (`source#id`) after which somebody had it sent again.
    """

    fence: int
    facts: dict[str, list[Fact]]
    resent: dict[str, list[str]] = {}


CONTRACT = "contract"
DOSSIERS: Table[Dossier] = Table("dossiers", 1, Dossier)
