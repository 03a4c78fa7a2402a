"""What the engagement agent of one partition tells of a business SLA: what its contracts add to it, as of a day."""

from __future__ import annotations

import msgspec


class Measure(msgspec.Struct, array_like=True, gc=False, tag_field="shape", tag="measure"):
    """The sums over a partition's contracts; what comes last from a sender stands, and replaces.

    `number` is the offset of the sender's journal that the sums include. `closed` are durations in minutes
    (`app.domain.sla.coarse`) with their counts, `all` of them or those whose counts are others than the sender told
    last; of what is `open` so much is `late`; `oldest` is (since, subject).
    """

    sla: str
    sender: int
    number: int
    as_of: int
    closed: list[tuple[int, int]]
    open: int
    late: int
    oldest: tuple[int, str] | None
    part: int
    whole: int
    all: bool = True
