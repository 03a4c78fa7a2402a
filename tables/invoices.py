"""Invoices and the credits on them, by contract and invoice id: apart from the dossier, as they name many entries."""

from __future__ import annotations

import msgspec

from app.events.fact import Fact
from tables.table import Table


class Invoice(msgspec.Struct, array_like=True, gc=False):
    fence: int
    facts: list[Fact]
    credits: dict[str, list[Fact]]


INVOICES: Table[Invoice] = Table("invoices", 1, Invoice)


def key(contract_id: str, invoice_id: str) -> str:
    return f"{contract_id}\x1f{invoice_id}"  # no id holds a control character
