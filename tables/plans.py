"""What people are booked for on a contract, by contract, assignment and person (owned by the engagement agent)."""

from __future__ import annotations

import msgspec

from app.events.plan import Plan
from tables.table import Table


class Booked(msgspec.Struct, array_like=True, gc=False):
    """The plan with the highest number that was told; the name of each stands in the contract's head."""

    fence: int
    plan: Plan


PLANS: Table[Booked] = Table("plans", 1, Booked)


SEPARATOR = "\x1f"  # no id holds a control character


def name(plan: Plan) -> str:
    return f"{plan.assignment_id}{SEPARATOR}{plan.resource_id}"


def key(contract_id: str, booking: str) -> str:
    """`booking` is a `name`."""
    return f"{contract_id}{SEPARATOR}{booking}"
