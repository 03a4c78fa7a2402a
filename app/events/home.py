"""What the facts agent tells a home of one of its entities: this is it now, or: it is not yours."""

from __future__ import annotations

import msgspec

from app.domain.ledger import Row, Spend, Was


class Home(msgspec.Struct, array_like=True, gc=False, tag_field="shape", tag="home"):
    """One entity as it concerns one contract; repeated safely, the highest `n` stands.

    `here` names the bucket (first day) that holds the entity now, None once it is not this contract's. `others` are the
    other buckets of this contract that any message about it ever named, so nobody has to search. `lines` are all the
    lines such messages named. `past` is what a time entry was here after a month was over. `time` to `correlation` are
    those of the latest message, `since` is the time of the earliest. A demand has no place in a ledger: that it named
    the contract is all that is told.
    """

    kind: str
    entity: str
    n: int
    contract_id: str
    here: int | None
    others: list[int]
    lines: list[str]
    time: int
    source: str
    id: str
    correlation: str | None
    row: Row | None = None
    spend: Spend | None = None
    since: int = 0
    past: list[Was] = []
