"""The commercial rules that histories may use, one by one; and people, whose weeks have comparisons of their own.

The model has them all. What the engine has not yet is left out of the histories both are compared on, so that a
difference is a mistake and not work to be done. `HEADRACE_MODEL_FEATURES` overrules the list: names with commas, or
`all`.
"""

from __future__ import annotations

import os

ALL = frozenset(
    {
        "day_increments",  # increments over the day of a person or of all
        "included",  # minutes a week, a month or the term for nothing
        "prospective_only",  # what is invoiced keeps its price
        "prepaid",  # blocks of minutes, and time and materials beyond them
        "retainer",  # monthly fees with roll-over and overage
        "percent_complete",  # fees by cost to cost, with estimates that change
        "writeoffs",  # entries and sums that will not be billed
        "holds",  # holds and disputes
        "retainage",  # parts held back, and their release
        "fx",  # expenses in other currencies, converted by the rate of their day
        "subcontracts",  # what suppliers were promised and have invoiced, in the contract's currency or another
        "checks",  # policies, the master data they ask for, closed periods, what an ERP acknowledged
        "documents",  # invoices said anew and paid, several for one entry, fees billed by the month
        "papers",  # narratives and receipts that a policy demands
        "schedules",  # days from which on billing periods are due
        "contradictions",  # payers, and terms that cannot be meant as they stand
    }
)
STAFFING = frozenset({"staffing"})
"""People with calendars and leave, bookings, demand."""
NONE: frozenset[str] = frozenset()
COMPARED = ALL
"""What engine and model are compared on."""


def enabled() -> frozenset[str]:
    """The features a history uses unless it is told. Raises ValueError for a name that is none."""
    asked = os.environ.get("HEADRACE_MODEL_FEATURES")
    if asked is None:
        return COMPARED
    names = ALL if asked == "all" else frozenset(asked.split(",")) - {""}
    if names - ALL:
        raise ValueError(f"HEADRACE_MODEL_FEATURES names {sorted(names - ALL)}; there are {sorted(ALL)}")
    return names
