"""What each partition's contracts add to a business SLA, by its name and the partition."""

from __future__ import annotations

import msgspec

from app.events.measure import Measure
from tables.table import Table


class Measures(msgspec.Struct, array_like=True, gc=False):
    """`told`: what the partition told last, with all durations."""

    fence: int
    told: Measure


MEASURES: Table[Measures] = Table("measures", 1, Measures)


def key(sla: str, sender: int) -> str:
    return f"{sla}|{sender}"


def parse(key: str) -> tuple[str, int]:
    """The SLA and the partition of a key."""
    sla, _, sender = key.rpartition("|")
    return sla, int(sender)
