"""Where documents stand on their way to ERP: what of one slice waits at the gate, for what and since when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from agents.effects import contract_of
from agents.erp_gate import alarm, answered, same
from app.domain import gate
from app.domain.documents import WITHDRAWN
from app.domain.gate import Limit
from app.engine import shapes
from app.engine.shapes import Answer
from app.events.cloudevents import timestamp
from tables import Store, Table
from tables.outbox import MOMENT, MOMENTS, OUTBOX, QUOTAS, WINDOWS, Heard, Outbox, Quota, Reached

WAITING = "waiting"
SENT = "sent"
LATE = "late"
ACKNOWLEDGED = "acknowledged"
REJECTED = "rejected"


class Place(NamedTuple):
    """One document that somebody may have to look at; moments in microseconds, 0 where there is none."""

    target: str
    legal_entity_id: str | None
    state: str
    why: str
    since: int
    turn: int
    alarmed: bool


class Credit(NamedTuple):
    """What one slice may still send a target under its limit."""

    limit: Limit
    quota: Quota

    def left(self, reached: Reached) -> int:
        """By the last moment that was handed in, in the unit of `gate.cost`."""
        quota = self.quota
        elapsed = reached.at - quota.at if quota.at else 0
        return gate.grown(quota.credit, self.limit, elapsed, reached.slices, quota.spent)

    def documents(self, reached: Reached) -> int:
        """How many at once."""
        return self.left(reached) // gate.cost(reached.slices)

    def time_of(self, number: int, reached: Reached) -> int:
        """When the document behind so many others can leave."""
        ahead = self.left(reached) - number * gate.cost(reached.slices)
        return reached.at + gate.affordable_in(ahead, self.limit, reached.slices)


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
            alarmed = alarm(key, row) is not None
            known[key] = Place(row.target or "", row.legal_entity_id, state, row.why, since, row.turn, alarmed)

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
            "releases": [[*place, at] for place, at in self._releases().items()],
            "credit": [[target, credit.documents(self._reached())] for target, credit in self._credits()],
        }

    def _reached(self) -> Reached:
        """The last moment that was handed in."""
        return self._store.get(MOMENTS, MOMENT) or Reached(-1, 0, 1)

    def _credits(self) -> Iterator[tuple[str, Credit]]:
        """What each target that has a limit may still be sent."""
        for target, quota in self._store.scan(QUOTAS):
            if quota.per_minute:
                yield target, Credit(Limit(quota.per_minute, quota.burst), quota)

    def _releases(self) -> dict[tuple[str, str | None], int]:
        """When the next document of each target and legal entity leaves, if nothing changes, where that can be told."""
        reached, limited = self._reached(), dict(self._credits())
        closed = list(self.closed())
        queued: dict[str, list[tuple[str, Place]]] = {}
        found: dict[tuple[str, str | None], int] = {}

        def note(one: Place, at: int) -> None:
            place = one.target, one.legal_entity_id
            found[place] = min(found.get(place, at), at)

        for key, one in self.places.items():
            if one.state != WAITING:
                continue
            if one.why == gate.LIMIT:
                queued.setdefault(one.target, []).append((key, one))
            elif one.why == gate.LEAVING:
                note(one, reached.at)
            elif one.why == gate.WINDOW and (opens := _opens(closed, one.target, one.legal_entity_id)):
                credit = limited.get(one.target)
                note(one, max(opens, reached.at, credit.time_of(0, reached) if credit else 0))
        for target, waiting in queued.items():
            for number, one in enumerate(_by_turns(waiting)):
                note(one, limited[target].time_of(number, reached) if target in limited else reached.at)
        return found

    def standing(self) -> Iterator[Answer]:
        """What is to be acted on, as the desk lists it: answers that do not come, and documents that go nowhere."""
        for key in sorted(key for key, one in self.places.items() if one.alarmed):
            row = self._store.get(OUTBOX, key)
            raised = alarm(key, row) if row is not None else None
            if row is not None and raised is not None:
                revision = row.sent.revision if row.sent is not None else None
                document = {"document_key": key, "document_revision": revision, "target": row.target or None}
                yield {**shapes.alarm(raised), "document": document}

    def placed(self, item: Answer) -> Answer:
        """What stands of a document, with why it cannot be sent again as it was (None: it can)."""
        document = item.get("document")
        return (
            item if document is None else {**item, "document": {**document, "unsendable": self._unsendable(document)}}
        )

    def _unsendable(self, document: Answer) -> str | None:
        key, revision, target = (document[name] for name in ("document_key", "document_revision", "target"))
        row = self._store.get(OUTBOX, key)
        if row is None or row.sent is None or row.sent.type == WITHDRAWN:
            return f"{key} is over, or has not left: there is nothing that ERP could be sent again"
        if row.target and row.target != target:
            return f"{target} is told beside {row.target}: only what a document's own ERP refused is sent again"
        if row.draft is not None and row.why and not same(row.sent, row.draft):
            return f"revision {row.draft.revision} has taken its place, and waits at the gate ({row.why})"
        if row.sent.revision != revision:
            return f"revision {row.sent.revision} has taken its place: wait for what ERP says of that"
        if row.why or (row.resent is not None and row.resent.owed):
            return f"it is on its way already, and waits at the gate ({row.why or gate.LEAVING})"
        return None


def _by_turns(waiting: Iterable[tuple[str, Place]]) -> list[Place]:
    """What waits for a limit in the order in which it leaves: contracts by turns, the oldest document of each first."""
    seen: dict[str, tuple[int, int]] = {}  # contract → its first turn, how many of it there were so far
    placed = []
    for key, one in sorted(waiting, key=lambda found: found[1].turn):
        first, count = seen.get(contract_of(key), (one.turn, 0))
        seen[contract_of(key)] = first, count + 1
        placed.append(((count, first), one))
    return [one for _, one in sorted(placed, key=lambda found: found[0])]


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
                "oldest": 0,
                "next_release_at": 0,
                "late": 0,
                "rejected": 0,
            },
        )

    shut = {tuple(one) for part in parts for one in part["closed"]}
    for target, entity, _ in sorted(shut, key=str):
        row(target, entity)
    for target, entity, state, why, count, since in (one for part in parts for one in part["counts"]):
        found = row(target, entity)
        if state == WAITING:
            found["waiting"] += count
            found["why"][why] = found["why"].get(why, 0) + count
            found["oldest"] = min(filter(None, (found["oldest"], since)), default=0)
        else:
            found[state] += count
    for target, entity, at in (one for part in parts for one in part["releases"]):
        found = row(target, entity)
        found["next_release_at"] = min(filter(None, (found["next_release_at"], at)), default=0)
    for (target, entity), found in rows.items():
        found["open"] = not _holding(shut, target, entity or None)
        found["opens_at"] = _moment(_opens(shut, target, entity or None))
        for name in ("oldest", "next_release_at"):
            found[name] = _moment(found[name])
    return [rows[place] for place in sorted(rows)]


Shut = tuple[str, str | None, int]
"""(target, legal entity or None for all, until or 0) of a window that is closed."""


def _holding(closed: Iterable[Shut], target: str, entity: str | None) -> list[Shut]:
    """The windows that hold what goes to a target for a legal entity; where no routes are set, a target is any."""
    return [one for one in closed if target in (gate.ANY, one[0]) and one[1] in (None, entity)]


def _opens(closed: Iterable[Shut], target: str, entity: str | None) -> int:
    """When the last of the windows that hold it opens; 0 where one of them does not say."""
    until = [one[2] for one in _holding(closed, target, entity)]
    return max(until, default=0) if all(until) else 0
