"""What the facts agent tells a role or a practice of a demand: this is it now, or: it is not yours, or not open."""

from __future__ import annotations

import msgspec

from app.domain.demand import Opening


class Wanted(msgspec.Struct, array_like=True, gc=False, tag_field="shape", tag="wanted"):
    """One demand as it concerns one group (`agents.practice`); repeated safely, the highest `n` stands.

    `opening` is None while the demand is not open or not this group's. `spans` are the first and last days that any
    message about it ever named. `bare`: some message named the role and no practice. `time` to `correlation` are those
    of the latest message. `past`: from each moment (microseconds) at which anything about it was accepted, the demand
    as it was known then. `filled`: somebody was found for it.
    """

    entity: str
    n: int
    kind: str
    group: str
    spans: list[tuple[int, int]]
    bare: bool
    opening: Opening | None
    time: int
    source: str
    id: str
    correlation: str | None
    past: list[tuple[int, Opening | None]] = []
    filled: bool = False
