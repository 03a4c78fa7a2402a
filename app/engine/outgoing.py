"""Where documents stand on their way to ERP: what of one slice waits at the gate, for what and since when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from agents.erp_gate import answered
from app.domain.casework import case_id
from app.engine import shapes
from app.engine.shapes import Answer
from app.events.cloudevents import timestamp
from tables import Store, Table
from tables.outbox import MOMENT, MOMENTS, OUTBOX, WINDOWS, Heard, Outbox

WAITING = "waiting"
SENT = "sent"
LATE = "late"
ACKNOWLEDGED = "acknowledged"
REJECTED = "rejected"

_DUE = {"no_route": ("NO_ROUTE", "finance systems", "set a route for its legal entity and period")}
_ACK = ("ACK_OVERDUE", "finance systems", "see what became of it in ERP, and have ERP acknowledge it")


class Place(NamedTuple):
    """One document that somebody may have to look at; moments in microseconds, 0 where there is none."""

    target: str
    legal_entity_id: str | None
    state: str
    why: str
    since: int


def state_of(row: Outbox) -> str:
    """Where the document stands; what says that it is over counts as sent once it was."""
    if row.why:
        return WAITING
    heard = answered(row)
    if heard is not None:
        return ACKNOWLEDGED if heard.status == "accepted" else REJECTED
    return LATE if row.late_since else SENT


def delivery(row: Outbox) -> Answer:
    """A document's way, as answers show it; `waited_seconds` is what it had waited when it left last."""
    sent, state = row.sent, state_of(row)
    return {
        "state": state,
        "target": row.target or None,
        "why": row.why or None,
        "since": _moment(row.since if row.why else row.late_since),
        "revision": sent.revision if sent is not None else None,
        "sent_at": _moment(sent.at) if sent is not None else None,
        "attempts": sent.attempts if sent is not None else 0,
        "waited_seconds": row.waited // 1_000_000,
    }


def _moment(at: int) -> str | None:
    return timestamp(at) if at else None


class Outgoing:
    """Reads the gate's tables of one slice; what waits, is late or was refused is kept up to date by `note`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, Place] | None = None

    def note(self, table: Table[Any], key: str, value: Any) -> None:
        if table is OUTBOX and self._known is not None:
            self._known.pop(key, None)
            self._take(self._known, key, value)

    def _take(self, known: dict[str, Place], key: str, row: Outbox | None) -> None:
        if row is not None and (state := state_of(row)) in (WAITING, LATE, REJECTED):
            since = row.since if state == WAITING else row.late_since
            known[key] = Place(row.target or "", row.legal_entity_id, state, row.why, since)

    @property
    def places(self) -> dict[str, Place]:
        """By document key."""
        if self._known is None:
            known: dict[str, Place] = {}
            for key, row in self._store.scan(OUTBOX):
                self._take(known, key, row)
            self._known = known
        return self._known

    def delivery(self, document_key: str) -> Answer | None:
        row = self._store.get(OUTBOX, document_key)
        return None if row is None else delivery(row)

    def closed(self) -> Iterator[tuple[str, str | None, int]]:
        """(target, legal entity or None for all, until or 0) of every window that is closed."""
        moment = self._store.get(MOMENTS, MOMENT)
        now = moment.at if moment is not None else 0
        for _, window in self._store.scan(WINDOWS):
            turn = window.turns[-1]
            if turn.closed and not 0 < turn.until <= now:
                yield turn.target, turn.legal_entity_id, turn.until

    def shadow(self) -> Answer:
        """How targets in shadow mode answer beside the live one: counts by target, and every document that differs."""
        counts: dict[str, dict[str, int]] = {}
        items = []
        for key, row in self._store.scan(OUTBOX):
            for target in row.shadows if row.sent is not None else ():
                live, other = answered(row), row.replies.get(target)
                other = other if other is not None and other.revision >= row.sent.revision else None
                state = _compared(live, other)
                found = counts.setdefault(target, dict.fromkeys(_STATES, 0))
                found[state] += 1
                if state == "differs":
                    items.append(
                        {
                            "document_key": key,
                            "revision": row.sent.revision,
                            "target": target,
                            "live": _heard(row.target, live),
                            "shadow": _heard(target, other),
                        }
                    )
        return {"counts": [[target, *found.values()] for target, found in counts.items()], "items": items}

    def gate(self) -> Answer:
        """What this slice adds to the gate's answer."""
        counts: dict[tuple[str, str | None, str, str], list[int]] = {}
        for one in self.places.values():
            found = counts.setdefault((one.target, one.legal_entity_id, one.state, one.why), [0, 0])
            found[0] += 1
            if one.since and (not found[1] or one.since < found[1]):
                found[1] = one.since
        return {
            "counts": [[*place, *found] for place, found in counts.items()],
            "closed": [list(one) for one in self.closed()],
        }

    def standing(self) -> Iterator[Answer]:
        """What is to be acted on, as the desk lists it: answers that do not come, and documents that go nowhere."""
        for key, one in sorted(self.places.items()):
            if one.state == LATE:
                yield _exception(key, one, *_ACK)
            elif one.why in _DUE:
                yield _exception(key, one, *_DUE[one.why])


_STATES = ("same", "differs", "unanswered")


def _compared(live: Heard | None, shadow: Heard | None) -> str:
    """Answers differ where one accepts and the other refuses; until both have spoken nobody knows."""
    if live is None or shadow is None:
        return "unanswered"
    return "same" if live.status == shadow.status else "differs"


def _heard(target: str | None, heard: Heard | None) -> Answer:
    assert heard is not None  # both have spoken
    return {"target": target, "status": heard.status, "erp_id": heard.erp_id, "reason": heard.reason}


def shadows(parts: Sequence[Answer]) -> Answer:
    """The answer about shadows, of all slices."""
    totals: dict[str, list[int]] = {}
    for target, *found in (row for part in parts for row in part["counts"]):
        known = totals.setdefault(target, [0] * len(_STATES))
        totals[target] = [a + b for a, b in zip(known, found, strict=True)]
    return {
        "targets": [{"target": target, **dict(zip(_STATES, totals[target], strict=True))} for target in sorted(totals)],
        "items": sorted(
            (row for part in parts for row in part["items"]), key=lambda row: (row["target"], row["document_key"])
        ),
    }


def _exception(key: str, one: Place, code: str, owner: str, fix: str) -> Answer:
    row = {
        "code": code,
        "tier": "blocking",
        "owner": owner,
        "subject": f"document/{key}",
        "message": f"{key} for {one.target or 'ERP'}: {fix}",
        "since": _moment(one.since),
    }
    return shapes.standing("document", case_id("gate", code, key), row, [])


def together(parts: Sequence[Answer]) -> list[Answer]:
    """The gate by target and legal entity, of all slices: what is closed, what waits and since when."""
    rows: dict[tuple[str, str], Answer] = {}

    def row(target: str, entity: str | None) -> Answer:
        return rows.setdefault(
            (target, entity or ""),
            {
                "target": target or None,
                "legal_entity_id": entity,
                "open": True,
                "opens_at": None,
                "waiting": 0,
                "why": {},
                "oldest": None,
                "late": 0,
                "rejected": 0,
            },
        )

    shut = {tuple(one) for part in parts for one in part["closed"]}
    for target, entity, until in sorted(shut, key=str):
        found = row(target, entity)
        found["open"] = False
        found["opens_at"] = max(filter(None, (found["opens_at"], _moment(until))), default=None)
    for target, entity, state, why, count, since in (one for part in parts for one in part["counts"]):
        found = row(target, entity)
        found["open"] = found["open"] and not _shut(shut, target, entity)
        if state == WAITING:
            found["waiting"] += count
            found["why"][why] = found["why"].get(why, 0) + count
            found["oldest"] = min(filter(None, (found["oldest"], _moment(since))), default=None)
        else:
            found[state] += count
    return [rows[place] for place in sorted(rows)]


def _shut(shut: Iterable[tuple[Any, ...]], target: str, entity: str | None) -> bool:
    return any(target in ("", one) and of in (None, entity) for one, of, _ in shut)
