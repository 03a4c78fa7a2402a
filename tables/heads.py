"""The head of a contract: one sum per quarter and line, and what its statements need besides, by contract id."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import astuple

from app.domain.burn import Crossing
from app.domain.ledger import Claims, Sum
from tables.table import Table
from tables.written import replaced, written

Latest = tuple[int, str, str, str]
"""(time, source, id, correlation id or "") of a fact; the greatest is the one a statement was last caused by."""


class Head(msgspec.Struct, array_like=True, dict=True):
    """`touched` is the journal offset of the last record that changed the contract: its `state_version`.

    Sums of pages are put in, never changed within: besides the fields a head remembers how they were written.
    """

    fence: int
    touched: int
    latest: Latest
    pages: dict[int, dict[str, Sum]]
    roles: list[str]  # every role and every person its work ever named: what a rate of such scope may touch
    people: list[str]
    unplaced: dict[str, Claims]  # claims on entities that were not here when the invoice came, by `kind/id`
    documents: dict[str, tuple[int, int]]  # invoices and credits: (amount while live, day from which it counts)
    crossings: dict[str, list[Crossing]]  # by line ("" = the contract): what its threshold statements said last
    since: int = 0  # the earliest time of anything it was told, microseconds; 0 before
    bookings: list[str] = []  # names of its plans, in order; those that are its no more included
    currencies: list[str] = []  # of its expenses: what an exchange rate may touch
    credited: dict[str, int] = {}  # credits that count later than their invoice: the day from which that does
    demands: list[str] = []  # of work for it that looks for a person, in order; those that are its no more included

    def put(self, page: int, lines: dict[str, Sum]) -> None:
        """Replace the sums of a quarter."""
        self.pages[page] = lines
        replaced(self, page)


_PAGES = Head.__struct_fields__.index("pages")


def _encode(head: Head) -> bytes:
    fields: list[Any] = list(astuple(head))
    fields[_PAGES] = written(head, head.pages)
    return msgspec.json.encode(fields)


HEADS: Table[Head] = Table("heads", 3, Head, encode=_encode)


def new() -> Head:
    return Head(-1, -1, (0, "", "", ""), {}, [], [], {}, {}, {})
