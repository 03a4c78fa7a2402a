"""One value per agent and partition: what was counted, up to where, and what today is."""

from __future__ import annotations

import msgspec

from tables.table import Table

DISPOSITIONS = ("applied", "duplicate", "stale", "dead_lettered")


class Control(msgspec.Struct, array_like=True, gc=False):
    """`origins`: per input `topic/partition` the highest offset seen, so that a redelivered copy is known."""

    fence: int
    origins: dict[str, int]
    counts: dict[str, int]
    waiting: dict[str, int]  # contracts without an approval → entities kept for them: the parked ones
    today: int  # the greatest tick, a day number; 0 before any
    ticked: int  # the journal offset of that tick
    watermark: int  # the greatest event time, microseconds


CONTROLS: Table[Control] = Table("controls", 1, Control)


def new() -> Control:
    return Control(-1, {}, dict.fromkeys(DISPOSITIONS, 0), {}, 0, -1, 0)
