"""What is on its way to ERP: documents that wait at the gate, and what was said of each last."""

from __future__ import annotations

import msgspec

from app.events.posting import Draft
from tables.entities import Entity
from tables.table import Table


class Sent(msgspec.Struct, array_like=True, gc=False):
    """What was said last. `offset` is that of the record it was said upon, `at` the moment (0: not known yet),
    `attempts` how often this content was said, of which `before` had passed when somebody had it sent again.

    `as_of` and `cause`, the latest fact behind it, are those of the statement: said again, it is the same one.
    """

    type: str
    revision: int
    version: int
    content: str
    offset: int
    at: int
    attempts: int
    before: int = 0
    as_of: str | None = None
    cause: tuple[int, str, str, str] | None = None


class Heard(msgspec.Struct, array_like=True, gc=False):
    """What a target answered last; `name` is the answer's, as `source#id`, `number` that of the reply."""

    revision: int
    status: str
    erp_id: str | None
    reason: str | None
    time: int
    name: str = ""
    number: int = 0


class Resent(msgspec.Struct, array_like=True, gc=False):
    """That somebody had a document sent again: the `revision` of it, by which actions (`numbers`, by case the revision
    of the last) and after which `refusals` (`source#id`), which are no answers to it any more. `owed`: it is still to
    be said."""

    revision: int
    numbers: dict[str, int]
    refusals: list[str]
    owed: bool


class Outbox(msgspec.Struct, array_like=True, gc=False):
    """One document at the gate.

    `why` says why it waits, "" when it does not: the latest `draft` is what leaves. It began to wait with the record
    `turn`, its place in the order of its contract, at the moment `since` (0: not known yet). `draft` is also kept of
    what was said and may have to be said again. `waited` are the microseconds that what was said last had waited.
    `late_since` is when an answer was due, 0 while none is late. `shadows` are the targets that were told beside it.
    """

    fence: int
    contract_id: str
    legal_entity_id: str | None
    target: str | None
    version: int
    why: str = ""
    turn: int = -1
    since: int = 0
    draft: Draft | None = None
    sent: Sent | None = None
    replies: dict[str, Heard] = {}
    waited: int = 0
    late_since: int = 0
    shadows: list[str] = []
    resent: Resent | None = None


OUTBOX: Table[Outbox] = Table("outbox", 1, Outbox)
"""By document key."""


class Turn(msgspec.Struct, array_like=True, gc=False):
    """How a window stood from the record `offset` on; `until` in microseconds, 0: until somebody says otherwise."""

    offset: int
    closed: bool
    target: str
    legal_entity_id: str | None
    until: int


class Window(msgspec.Struct, array_like=True, gc=False):
    """Every message about a window, and its last turns: a record that comes again finds it as it was then."""

    fence: int
    entity: Entity
    turns: list[Turn]


WINDOWS: Table[Window] = Table("windows", 1, Window)
"""By window id, copied to every partition of documents."""


class Halted(msgspec.Struct, array_like=True, gc=False):
    """Why nothing of a contract is posted: (offset, code) of each of the last records that said so, "" for no more;
    `version` is that of the last."""

    fence: int
    turns: list[tuple[int, str]]
    version: int = 0


HALTS: Table[Halted] = Table("halts", 1, Halted)
"""By contract id."""


class Quota(msgspec.Struct, array_like=True, gc=False):
    """What a target may still be sent: `credit` in the unit of `app.domain.gate.cost`, as of the moment `at`; and the
    limit that it grows by, whoever looks (0 a minute: none). `spent` of it was since then, nobody knows yet when."""

    fence: int
    credit: int
    at: int
    per_minute: int = 0
    burst: int = 1
    spent: int = 0


QUOTAS: Table[Quota] = Table("quotas", 1, Quota)
"""By target."""


class Reached(msgspec.Struct, array_like=True, gc=False):
    """The last moment that was handed in, and among how many slices a limit is divided."""

    fence: int
    at: int
    slices: int


MOMENTS: Table[Reached] = Table("moments", 1, Reached)
"""One value, under `MOMENT`."""

MOMENT = "last"


class Alarm(msgspec.Struct, array_like=True, gc=False):
    """What was raised of the document `key`; `over`: it was resolved, which is said until it is known that it was.

    `target` and `since` are as they were then; `cause` is the latest fact behind the document.
    """

    fence: int
    key: str
    code: str
    target: str
    since: int
    cause: tuple[int, str, str, str]
    over: bool = False


ALARMS: Table[Alarm] = Table("alarms", 1, Alarm)
"""By exception id."""
