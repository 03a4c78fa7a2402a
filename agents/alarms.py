"""What somebody should act on, as statements: raised, and resolved once it is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from agents.effects import EXCEPTIONS, Statement
from app.domain import casework
from app.domain.casework import case_id
from app.domain.resolution import name_of
from app.events.cloudevents import timestamp
from app.events.fact import Fact
from tables.exceptions import Raised

RAISED: Final = "exception.raised.v1"
RESOLVED: Final = "exception.resolved.v1"
CONFLICT: Final = "conflict"
STAFFING: Final = "staffing"
DOCUMENT: Final = "document"


class Alarm(NamedTuple):
    """`kind` is the desk's word for it; `since`, microseconds, the earliest moment of what is behind it."""

    kind: str
    exception_id: str
    code: str
    tier: str
    owner: str
    subject: str
    message: str
    evidence: Sequence[str]
    since: int

    @property
    def fingerprint(self) -> str:
        return casework.fingerprint(self.kind, self.code, self.owner)


def kept(kind: str, exception_id: str, said: Raised) -> Alarm:
    """An exception as the table has it."""
    return Alarm(kind, exception_id, *msgspec.structs.astuple(said)[1:])


def raised(alarm: Alarm, version: int, cause: tuple[int, str, str, str]) -> Statement:
    """It stands. That is so on every day, so the statement is as of none."""
    payload = {
        "as_of": None,
        "exception_id": alarm.exception_id,
        "code": alarm.code,
        "tier": alarm.tier,
        "owner": alarm.owner,
        "subject": alarm.subject,
        "message": alarm.message,
        "evidence": alarm.evidence,
        "since": timestamp(alarm.since),
        "due": timestamp(casework.due(alarm.since, alarm.tier)),
        "fingerprint": alarm.fingerprint,
    }
    return Statement(EXCEPTIONS, RAISED, alarm.exception_id, version, payload, cause)


def resolved(exception_id: str, code: str, subject: str, version: int, cause: tuple[int, str, str, str]) -> Statement:
    """It stands no more."""
    payload = {"as_of": None, "exception_id": exception_id, "code": code, "subject": subject}
    return Statement(EXCEPTIONS, RESOLVED, exception_id, version, payload, cause)


def refusal(message: Fact, said: Mapping[str, Any]) -> Alarm:
    """A document that an ERP refused; `said` is what the message says."""
    key, target = said["document_key"], said["target"]
    return Alarm(
        DOCUMENT,
        case_id(DOCUMENT, target, key, message.revision),
        "DOCUMENT_REJECTED",
        "blocking",
        "finance",
        f"document/{key}",
        f"{target} refused revision {message.revision}: {said.get('reason') or 'no reason'}",
        [name_of(message)],
        message.time,
    )
