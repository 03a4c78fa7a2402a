"""A quarter of a contract: the sums of its buckets, by `contract|quarter`."""

from __future__ import annotations

import msgspec

from app.domain.ledger import Sum
from tables.table import Table


class Page(msgspec.Struct, array_like=True, gc=False):
    """`buckets`: first day → line → sum. A bucket that only remembers departed entries has no sums but is listed."""

    fence: int
    buckets: dict[int, dict[str, Sum]]


PAGES: Table[Page] = Table("pages", 3, Page)


def key(contract_id: str, page: int) -> str:
    return f"{contract_id}|{page}"
