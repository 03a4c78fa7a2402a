"""What the facts agent tells a person of a time entry or an assignment: this is it now, or: it is not yours."""

from __future__ import annotations

import msgspec

from app.domain.utilization import Booking, Worked


class Stint(msgspec.Struct, array_like=True, gc=False, tag_field="shape", tag="stint"):
    """One time entry as it concerns one person; repeated safely, the highest `n` stands.

    `here` is the week (its Monday) that holds the entry now, None once it is not this person's. `others` are the other
    weeks that any message about it ever named. `time` to `correlation` are those of the latest message.
    """

    entity: str
    n: int
    resource_id: str
    here: int | None
    others: list[int]
    time: int
    source: str
    id: str
    correlation: str | None
    worked: Worked | None = None


class Assigned(msgspec.Struct, array_like=True, gc=False, tag_field="shape", tag="assigned"):
    """One assignment as it concerns one person; repeated safely, the highest `n` stands.

    `booking` is None while it is not this person's, or cancelled. `spans` are the first and last days, and `contracts`
    the contracts, that any message about it ever named, so nobody has to search. `time` to `correlation` are those of
    the latest message, `since` is the time of the earliest. `past`: from each moment (microseconds) at which anything
    about it was accepted, the booking as it was known then.
    """

    entity: str
    n: int
    resource_id: str
    spans: list[tuple[int, int]]
    contracts: list[str]
    booking: Booking | None
    time: int
    source: str
    id: str
    correlation: str | None
    since: int
    past: list[tuple[int, Booking | None]] = []
