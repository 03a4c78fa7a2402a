"""What the gate is told: a document as it is now, what an ERP said of one, that one is to be sent again, that a
contract is halted, and the time."""

from __future__ import annotations

from typing import Any

import msgspec


class Draft(msgspec.Struct, array_like=True, gc=False, tag_field="shape", tag="draft"):
    """A document as the engagement agent states it: the full content, never a delta.

    `key`, `type`, `version` and `payload` are those of the statement; `content` is a hash of what it says without
    `as_of` and revision, "" for one that is over. Of several for one key the highest `version` stands, of the same
    version the last. `time` to `correlation` are those of the fact behind it.
    """

    contract_id: str
    key: str
    type: str
    revision: int
    version: int
    content: str
    payload: dict[str, Any]
    time: int
    source: str
    id: str
    correlation: str


class Reply(msgspec.Struct, array_like=True, gc=False, tag_field="shape", tag="reply"):
    """What an ERP says last of a document: what resolution makes of every message about it so far.

    `revision` is the document's, `status` is `accepted` or `rejected`, `name` the deciding message as `source#id`.
    Of several for one document and target that with the highest `number` stands, of the same number the last.
    """

    contract_id: str
    key: str
    target: str
    revision: int
    status: str
    erp_id: str | None
    reason: str | None
    time: int
    name: str = ""
    number: int = 0


class Resend(msgspec.Struct, array_like=True, gc=False, tag_field="shape", tag="resend"):
    """Somebody has a document sent again, in the revision that it had: what was done about a case so far.

    `number` is the case's revision, `refusals` are all that the case was about (`source#id`).
    """

    contract_id: str
    key: str
    target: str | None
    revision: int
    case_id: str
    number: int
    refusals: list[str]


class Halt(msgspec.Struct, array_like=True, gc=False, tag_field="shape", tag="halt"):
    """Nothing of the contract is to be posted because of the critical blocker `code`; "": it may be again.

    Of several for one contract that with the highest `version` stands, of the same version the last.
    """

    contract_id: str
    code: str
    version: int = 0


class Moment(msgspec.Struct, array_like=True, gc=False, tag_field="shape", tag="moment"):
    """The host hands in the moment, in microseconds: only while something waits for it.

    `slices` is among how many partitions the host divides what an ERP takes.
    """

    at: int
    slices: int
