"""A contract's project in ERP: asked for, there, or refused, as ERP's acknowledgements say of its version.

Source: domain 1B F10. ERP makes a project from the first document under a version of the contract and says so with
`erp.acknowledged` and its `contract_version`. What it refuses it may take later: the same acknowledgement with a
higher revision, or one of another document, decides anew, so trying again comes to the same whatever the order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from app.domain.readiness import instant


class Told(NamedTuple):
    """What a target says last of a document that names a version of the contract; `time` in microseconds."""

    version: int
    status: str
    target: str
    erp_id: str | None
    reason: str | None
    time: int
    event_id: str


def row(version: int, accepted: int, told: Iterable[Told]) -> dict[str, Any]:
    """Where the contract's `version` stands; `accepted` is the highest version that any message accepted.

    `accepted`, once that version or a later one is; else `rejected`, where the latest that ERP says of it is that;
    else `pending`.
    """
    its = max((one for one in told if one.version >= version), key=lambda one: (one.time, one.event_id), default=None)
    if accepted >= version:
        state = "accepted"
    else:
        state = "rejected" if its is not None and its.status == "rejected" else "pending"
    return {
        "state": state,
        "contract_version": version,
        "accepted_version": accepted or None,
        "target": its.target if its is not None else None,
        "erp_id": its.erp_id if its is not None else None,
        "reason": its.reason if its is not None and state == "rejected" else None,
        "since": instant(its.time) if its is not None else None,
    }
