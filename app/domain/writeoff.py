"""Work that is given up: an amount of a contract written off, taken from its oldest entries on.

Sources: domain rule R26; events catalogue, `writeoff.recorded`. A write-off reduces unbilled work and never burn. One
that names entries takes each whole; one that names an amount eats what could be billed in the order in which it was
worked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Taken(NamedTuple):
    """What a write-off takes of an entry and what is left of it to bill; micro-units."""

    entry_id: str
    written_off: int
    left: int


def take(amount: int, entries: Iterable[tuple[int, str, int]]) -> Iterator[Taken]:
    """Take `amount` from (work date, entry id, billable micro-units), the oldest work first, then by id.

    An entry of 0 or less gives nothing and is left as it is. What no entry covers is not taken: a write-off brings
    nothing below 0.
    """
    for _, entry_id, billable in sorted(entries):
        given = min(max(billable, 0), max(amount, 0))
        amount -= given
        yield Taken(entry_id, given, billable - given)
