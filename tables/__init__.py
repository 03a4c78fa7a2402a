"""What each table stores: shape, version, codec. One module per table; `TABLES` lists them all."""

from typing import Any

from tables.buckets import BUCKETS
from tables.controls import CONTROLS
from tables.dossiers import DOSSIERS
from tables.entities import ENTITIES
from tables.exceptions import EXCEPTIONS
from tables.extracts import EXTRACTS
from tables.heads import HEADS
from tables.holidays import HOLIDAYS
from tables.invoices import INVOICES
from tables.leaves import LEAVES
from tables.measures import MEASURES
from tables.openings import OPENINGS
from tables.outbox import ALARMS, HALTS, MOMENTS, OUTBOX, QUOTAS, WINDOWS
from tables.pages import PAGES
from tables.people import PEOPLE
from tables.plans import PLANS
from tables.policies import POLICIES
from tables.proposals import PROPOSALS, STANDINGS
from tables.reference import REFERENCE
from tables.schedules import SCHEDULES
from tables.shares import SHARES
from tables.table import Store, Table
from tables.turns import GROUP_TURNS, TURNS
from tables.weeks import WEEKS

TABLES: tuple[Table[Any], ...] = (
    ENTITIES,
    DOSSIERS,
    INVOICES,
    EXTRACTS,
    BUCKETS,
    PAGES,
    PLANS,
    HEADS,
    STANDINGS,
    PROPOSALS,
    PEOPLE,
    LEAVES,
    SCHEDULES,
    WEEKS,
    HOLIDAYS,
    POLICIES,
    TURNS,
    OPENINGS,
    SHARES,
    GROUP_TURNS,
    MEASURES,
    OUTBOX,
    HALTS,
    WINDOWS,
    QUOTAS,
    MOMENTS,
    ALARMS,
    REFERENCE,
    EXCEPTIONS,
    CONTROLS,
)

__all__ = ["TABLES", "Store", "Table"]
