"""What people do about an exception: the fold of a case's actions, and how long each tier may wait.

Source: domain moonshot 12. A case is an entity like any other: its actions are events with revisions, so the desk's
state replays, and of two who claim at once one counts and the other is kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, Literal

from app.domain.readiness import instant
from app.domain.resolution import Message, counting

Action = Literal["claim", "release", "comment", "retry", "resend", "resolve", "reopen"]

TYPES: Final[Mapping[str, str]] = {
    "claim": "case.claimed.v1",
    "release": "case.released.v1",
    "comment": "case.commented.v1",
    "retry": "case.retried.v1",
    "resend": "case.resent.v1",
    "resolve": "case.resolved.v1",
    "reopen": "case.reopened.v1",
}
SLA_HOURS: Final[Mapping[str, int]] = {"critical": 4, "blocking": 24, "held": 72, "warning": 120}
"""Hours from `since` within which a case of each tier is to be resolved."""
LONGEST: Final = 200


def case_id(kind: str, *parts: object) -> str:
    """The id of an exception at the desk: readable, and where that is too long for an id, with a hash for its end.

    >>> case_id("dead-letter", "timesheets", 0, 17)
    'dead-letter/timesheets/0/17'
    """
    name = "/".join((kind, *map(str, parts)))
    if len(name) <= LONGEST:
        return name
    return f"{name[:160]}#{blake2b(name.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"


def fingerprint(*parts: str) -> str:
    """What exceptions of one cause have in common, as a short word."""
    return blake2b("\n".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def state(facts: Sequence[Message]) -> dict[str, Any]:
    """Where a case stands: of nobody's doing yet it is open."""
    found: dict[str, Any] = {
        "status": "open",
        "claimed_by": None,
        "comments": [],
        "retries": 0,
        "resent": None,
        "resolution": None,
        "revision": 0,
    }
    for fact in counting(facts) if facts else ():
        _apply(found, fact, json.loads(bytes(fact.data)))
    return found


def _apply(found: dict[str, Any], fact: Message, said: Mapping[str, Any]) -> None:
    found["revision"] = fact.revision
    at = instant(fact.time)
    if fact.type == "case.claimed.v1":
        found["status"], found["claimed_by"] = "claimed", said.get("owner") or said["by"]
    elif fact.type == "case.released.v1":
        found["status"], found["claimed_by"] = "open", None
    elif fact.type == "case.retried.v1":
        found["retries"] += 1
    elif fact.type == "case.resent.v1":
        found["status"] = "resent"
        found["resent"] = {"at": at, **{name: said.get(name) for name in ("by", "event_source", "event_id")}}
    elif fact.type == "case.resolved.v1":
        names = ("by", "how", "event_source", "event_id")
        found["status"] = "resolved"
        found["resolution"] = {"at": at, **{name: said.get(name) for name in names}}
    elif fact.type == "case.reopened.v1":
        found["status"] = "claimed" if found["claimed_by"] else "open"
        found["resolution"] = None
    if said.get("text"):
        found["comments"].append({"by": said["by"], "at": at, "text": said["text"]})


def answered(case: Mapping[str, Any], evidence: Sequence[str]) -> dict[str, Any]:
    """The case of a document that was sent again, seen beside what stands now: another refusal opens it again.

    `evidence` names the refusal that stands, as `source#id`. An acceptance leaves nothing that stands.
    """
    resent = case["resent"]
    if case["status"] != "resent" or not evidence or f"{resent['event_source']}#{resent['event_id']}" in evidence:
        return dict(case)
    return {**case, "status": "claimed" if case["claimed_by"] else "open"}


def due(since: int, tier: str) -> int:
    """The moment by which a case is to be resolved, microseconds."""
    return since + SLA_HOURS.get(tier, SLA_HOURS["warning"]) * 3_600_000_000
