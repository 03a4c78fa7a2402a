"""What was proposed of each contract's documents, and what was withdrawn again: the history that revisions stand on."""

from __future__ import annotations

import msgspec

from tables.table import Table


class Proposals(msgspec.Struct, array_like=True, gc=False):
    """`over` is by `period/kind/sequence` of every document that is live ("") or whose end is remembered (why).

    Of invoiced documents only those are remembered whose end was stated last. The rest says how the contract stood, as
    a change of it reaches documents of every period: `basis`, what is left under caps and where an amount written off
    ends; `stopped`, nothing could be billed; `held`, nothing was to be; `halted`, the critical blocker that the gate
    was told of.
    """

    fence: int
    over: dict[str, str]
    basis: str = ""
    stopped: bool = False
    held: bool = False
    halted: str = ""


class Standing(msgspec.Struct, array_like=True, gc=False):
    """A document as it was stated last; `content` is a hash of what it said. Revision 0: it is to be stated."""

    fence: int
    revision: int
    content: str


PROPOSALS: Table[Proposals] = Table("proposals", 1, Proposals)
"""By contract id (owned by the engagement agent)."""
STANDINGS: Table[Standing] = Table("standings", 1, Standing)
"""By `key`: one value for each document that `Proposals` names."""


def key(contract_id: str, name: str) -> str:
    return f"{contract_id}\x1f{name}"  # no id holds a control character
