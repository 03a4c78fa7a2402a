"""The first tick of each week, by the number of its Monday: what frozen forecasts know.

There is a copy with the people and one with the groups of every partition, as each has a journal of its own.
"""

from __future__ import annotations

import msgspec

from tables.table import Table


class FirstTick(msgspec.Struct, array_like=True, gc=False):
    """Of all ticks on days of the week the one accepted first: when (microseconds), and its day."""

    fence: int
    accepted: int
    on: int


TURNS: Table[FirstTick] = Table("turns", 1, FirstTick)
GROUP_TURNS: Table[FirstTick] = Table("group_turns", 1, FirstTick)
