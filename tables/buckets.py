"""Ledger buckets: a contract's entries of one ISO week cut at the month, by `contract|first day`."""

from __future__ import annotations

from app.domain.ledger import Bucket
from tables.table import Table

BUCKETS: Table[Bucket] = Table("buckets", 3, Bucket)


def key(contract_id: str, start: int) -> str:
    return f"{contract_id}|{start}"
