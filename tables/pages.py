"""A quarter of a contract: the sums of its buckets, by `contract|quarter`."""

from __future__ import annotations

import msgspec

from app.domain.ledger import Sum, by_line
from tables.table import Table
from tables.written import replaced, written

_LOOSE = 4
"""Buckets, the last ones, that are not added up beforehand, at most: it is those that change."""


class Page(msgspec.Struct, array_like=True, dict=True):
    """`buckets`: first day → line → sum. A bucket that only remembers departed entries has no sums but is listed.

    Sums are put in, never changed within: besides the fields a page remembers what its earlier buckets come to
    together, and how sums were written.
    """

    fence: int
    buckets: dict[int, dict[str, Sum]]

    def put(self, start: int, lines: dict[str, Sum]) -> None:
        """Replace the sums of a bucket."""
        self.buckets[start] = lines
        replaced(self, start)
        early = self.__dict__.get("early")
        if early is not None and start <= early[0]:
            del self.__dict__["early"]

    def total(self) -> dict[str, Sum]:
        """What the buckets come to together, by line."""
        starts = sorted(self.buckets)
        last, added = self.__dict__.get("early") or (0, {})
        loose = [start for start in starts if start > last]
        if len(loose) > _LOOSE:
            settled = loose[: -_LOOSE // 2]
            added = by_line([added, *(self.buckets[start] for start in settled)])
            self.__dict__["early"] = settled[-1], added
            loose = loose[-_LOOSE // 2 :]
        return by_line([added, *(self.buckets[start] for start in loose)])


def _encode(page: Page) -> bytes:
    return msgspec.json.encode((page.fence, written(page, page.buckets)))


PAGES: Table[Page] = Table("pages", 3, Page, encode=_encode)


def key(contract_id: str, page: int) -> str:
    return f"{contract_id}|{page}"
