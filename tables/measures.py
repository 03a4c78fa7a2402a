"""What each partition's contracts add to a business SLA, by its name."""

from __future__ import annotations

import msgspec

from app.events.measure import Measure
from tables.table import Table


class Measures(msgspec.Struct, array_like=True, gc=False):
    """`parts` by the number of the partition."""

    fence: int
    parts: dict[int, Measure]


MEASURES: Table[Measures] = Table("measures", 1, Measures)
