"""What each table stores: shape, version, codec. One module per table; `TABLES` lists them all."""

from typing import Any

from tables.bookings import BOOKINGS
from tables.buckets import BUCKETS
from tables.controls import CONTROLS
from tables.dossiers import DOSSIERS
from tables.entities import ENTITIES
from tables.exceptions import EXCEPTIONS
from tables.heads import HEADS
from tables.invoices import INVOICES
from tables.pages import PAGES
from tables.plans import PLANS
from tables.reference import REFERENCE
from tables.table import Store, Table

TABLES: tuple[Table[Any], ...] = (
    ENTITIES,
    DOSSIERS,
    INVOICES,
    BUCKETS,
    PAGES,
    PLANS,
    HEADS,
    BOOKINGS,
    REFERENCE,
    EXCEPTIONS,
    CONTROLS,
)

__all__ = ["TABLES", "Store", "Table"]
