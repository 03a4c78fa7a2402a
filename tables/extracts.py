"""What other systems said they have, by contract, system and part (owned by the engagement agent).

Only the latest is kept: an extract says what there is, and the one before it is in the journal.
"""

from __future__ import annotations

import msgspec

from app.events.fact import Fact
from tables.table import Table


class Listed(msgspec.Struct, array_like=True, gc=False):
    """The message with the highest number; within one, the greatest (time, source, id)."""

    fence: int
    fact: Fact


EXTRACTS: Table[Listed] = Table("extracts", 1, Listed)


def key(contract_id: str, entity: str) -> str:
    """`entity` is the message's: system/contract/part. Without it, what the keys of a contract begin with."""
    return f"{contract_id}\x1f{entity}"  # no id holds a control character
