"""What the resource agent tells a contract of one booking: what it comes to, day by day, or: it is not yours."""

from __future__ import annotations

import msgspec

from app.domain.booked import Run


class Plan(msgspec.Struct, array_like=True, gc=False, tag_field="shape", tag="plan"):
    """One assignment as it concerns one contract and one person; repeated safely, the highest `number` stands.

    Whoever owns the person's calendar sends it, to every contract that any message about the assignment ever named:
    when the assignment changes, and when the calendar does. `number` grows with every such message about this
    assignment, person and contract. `runs` are what is planned net of holidays and leave, over the whole assignment,
    past days too, in the order of days and without an overlap; none while it is not this contract's or person's
    (cancelled, moved) or comes to nothing. `booking` is `hard`, `soft` or `proposed`, `probability` in millionths.
    `time` to `correlation` are those of the latest message about the assignment, `since` is the time of its earliest.
    """

    assignment_id: str
    resource_id: str
    contract_id: str
    number: int
    role: str | None
    line_id: str | None
    billable: bool
    booking: str
    probability: int
    runs: list[Run]
    time: int
    source: str
    id: str
    correlation: str | None
    since: int = 0
