"""The exceptions desk: everything somebody should act on as one list, and what is done about it as events.

It keeps nothing: the list is what tables, logs and dead letters say now, joined with the cases, which are folded from
the action events. Any worker of either host serves it.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, Protocol

import orjson

from app.domain import casework
from app.engine.parts import Answered
from app.engine.placement import Taken
from app.engine.shapes import Answer
from app.events.cloudevents import timestamp
from app.events.instant import micros
from app.events.reader import Reader
from app.events.refusal import Refusal

SOURCE: Final = "/headrace/desk"
LETTERS_AT_ONCE: Final = 2_000
LETTERS_LOOKED_AT: Final = 10_000
BULK: Final = 1_000
OPEN: Final = ("open", "claimed", "resent")

Take = Callable[[Sequence[bytes], Sequence[tuple[str, bytes]]], Awaitable[Sequence[Taken]]]


class Answers(Protocol):
    """What the desk reads: the standing exceptions and cases of every slice, and the records that were refused."""

    async def desk(self) -> Answered[Answer]: ...

    async def dead_letters(self, after: str, limit: int) -> Answered[list[Answer]]: ...


class Rejected(Exception):  # noqa: N818 - an outcome: nothing was done, and this says why
    """An action that cannot be done. `code` is for programs; the message says what to do next."""

    def __init__(self, code: str, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.code, self.pointer = code, pointer


class Desk:
    def __init__(self, answers: Answers, take: Take, reader: Reader, now: Callable[[], int]) -> None:
        """`take` appends events durably; `reader` is the intake's own; `now` is the moment in microseconds."""
        self._answers, self._take, self._reader, self._now = answers, take, reader, now

    # -- reading ----------------------------------------------------------------------------------------------------

    async def rows(self, wanted: Mapping[str, str | None] | None = None) -> Answered[list[Answer]]:
        """Every exception with its case, by how urgent it is: overdue first, then by due moment, then by id.

        `wanted` names values of fields; `status` None means those not resolved, "all" every one. Of dead letters the
        first 10,000 are looked at.
        """
        standing, meta = await self._answers.desk()
        items = [*standing["items"], *await self._letters()]
        watermark = meta["watermark"]
        rows = [_joined(item, standing["cases"], watermark) for item in items]
        asked = {name: value for name, value in (wanted or {}).items() if value is not None}
        status = asked.pop("status", None)
        kept = [
            row
            for row in rows
            if (row["status"] in OPEN if status is None else status in ("all", row["status"]))
            and all(str(row[name]) == value for name, value in asked.items())
        ]
        return Answered(sorted(kept, key=_place), meta)

    async def _letters(self) -> list[Answer]:
        found: list[Answer] = []
        after = ""
        while len(found) < LETTERS_LOOKED_AT:
            page, _ = await self._answers.dead_letters(after, LETTERS_AT_ONCE)
            found += [_letter(row) for row in page]
            if len(page) < LETTERS_AT_ONCE:
                break
            after = page[-1]["cursor"]
        return found

    async def groups(self, wanted: Mapping[str, str | None] | None = None) -> Answered[list[Answer]]:
        """The same, by fingerprint: what has one cause stands together, the largest group first."""
        rows, meta = await self.rows(wanted)
        groups: dict[str, list[Answer]] = {}
        for row in rows:
            groups.setdefault(row["fingerprint"], []).append(row)
        told = [
            {
                "fingerprint": fingerprint,
                **{name: group[0][name] for name in ("kind", "code", "tier", "owner", "message")},
                "count": len(group),
                "overdue": sum(row["overdue"] for row in group),
                "since": min((row["since"] for row in group if row["since"]), default=None),
                "exception_ids": [row["exception_id"] for row in group[:5]],
            }
            for fingerprint, group in groups.items()
        ]
        return Answered(sorted(told, key=lambda group: (-group["count"], group["fingerprint"])), meta)

    async def one(self, exception_id: str) -> Answered[Answer | None]:
        rows, meta = await self.rows({"status": "all", "exception_id": exception_id})
        return Answered(rows[0] if rows else None, meta)

    # -- acting -----------------------------------------------------------------------------------------------------

    async def act(self, exception_id: str, action: str, by: str, said: Mapping[str, Any]) -> Answer | None:
        """Do one thing about one exception; None if there is no such exception.

        `said` may hold `text`, `owner` (claim: somebody else's name), `revision` (the case's, as it was looked at) and
        `event` (resolve: the corrected event). Raises Rejected, and then nothing was done.
        """
        row, _ = await self.one(exception_id)
        if row is None:
            return None
        return await self._act(row, action, by, said)

    async def act_on_all(self, fingerprint: str, action: str, by: str, said: Mapping[str, Any]) -> list[Answer]:
        """The same about every unresolved exception of a group, 1,000 at most; each says what became of it."""
        rows, _ = await self.rows({"fingerprint": fingerprint})
        told = []
        for row in rows[:BULK]:
            try:
                told.append(await self._act(row, action, by, said))
            except Rejected as rejected:
                refused = {"exception_id": row["exception_id"], "done": False, "code": rejected.code}
                told.append({**refused, "detail": str(rejected)})
        return told

    async def _act(self, row: Answer, action: str, by: str, said: Mapping[str, Any]) -> Answer:
        revision = row["revision"]
        if said.get("revision") not in (None, revision):
            raise Rejected(
                "case_moved_on",
                f"the case is at revision {revision}, not {said['revision']}: somebody acted meanwhile; look again",
            )
        if action == "comment" and not said.get("text"):
            raise Rejected("missing_text", "a comment needs text")
        lines: list[tuple[bytes, list[tuple[str, bytes]]]] = []
        told: dict[str, Any] = {}
        if action == "retry":
            lines, told = self._again(row)
        elif action == "resend":
            told = _resent(row)
        elif action == "resolve" and said.get("event") is not None:
            lines, told = self._corrected(row, said["event"])
        elif action == "resolve":
            told = {"how": "accepted"}
        for line, headers in lines:
            await self._take([line], headers)
        data = {
            "case_id": row["exception_id"],
            "revision": revision + 1,
            "by": by,
            **{name: said[name] for name in ("text", "owner") if said.get(name)},
            **told,
        }
        event = self._event(casework.TYPES[action], data, row)
        [taken] = await self._take([event], ())
        if taken.refusal is not None:
            raise Rejected(taken.refusal.code, taken.refusal.message, taken.refusal.pointer)
        if action == "retry":
            done = {"case_id": row["exception_id"], "revision": revision + 2, "by": by, "how": "retried", **told}
            await self._take([self._event(casework.TYPES["resolve"], done, row)], ())
        return {"exception_id": row["exception_id"], "done": True, "action": action, **told}

    def _event(self, kind: str, data: Mapping[str, Any], row: Answer) -> bytes:
        """An action as an event: the same action at the same revision of a case is the same message."""
        body = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
        return orjson.dumps(
            {
                "specversion": "1.0",
                "id": f"{kind}/{blake2b(body, digest_size=16).hexdigest()}",
                "source": SOURCE,
                "type": kind,
                "time": timestamp(self._now()),
                "causationid": row["event_id"] or row["exception_id"],
                "data": orjson.Fragment(body),
            }
        )

    def _again(self, row: Answer) -> tuple[list[tuple[bytes, list[tuple[str, bytes]]]], dict[str, Any]]:
        """The refused record as it came; read first, so that one that is bad still is no second dead letter."""
        if row["kind"] != "dead_letter":
            raise Rejected(
                "nothing_to_send", f"{row['kind']} is no record that could be sent again; resolve it with an event"
            )
        value, headers = row["record"]
        fact = self._read(value, headers)
        return [(value, headers)], {"event_source": fact.source, "event_id": fact.id}

    def _corrected(self, row: Answer, event: Any) -> tuple[list[tuple[bytes, list[tuple[str, bytes]]]], dict[str, Any]]:
        """The corrected event, with lineage: its direct cause is the original, by id or, unread, by its place."""
        if not isinstance(event, dict):
            raise Rejected("not_an_event", "the corrected event must be one JSON object: a CloudEvent", "/event")
        lineage = {"causationid": row["event_id"] or row["exception_id"], "replayof": row["exception_id"]}
        line = orjson.dumps({**event, **lineage})
        fact = self._read(line, [])
        how = {"how": "corrected", "event_source": fact.source, "event_id": fact.id}
        return [(line, [])], how

    def _read(self, value: bytes, headers: Sequence[tuple[str, bytes]]) -> Any:
        try:
            return self._reader.read(value, headers).fact
        except Refusal as refusal:
            raise Rejected(refusal.code, refusal.message, refusal.pointer) from None


def _resent(row: Answer) -> dict[str, Any]:
    """Which document ERP is to be sent again, after which refusal; the gate says it, as it knows when ERP is open."""
    document = row.get("document")
    if document is None:
        raise Rejected(
            "nothing_to_send",
            f"{row['kind']} {row['code']} is about no document that ERP could be sent again; retry sends a dead letter",
        )
    if document["unsendable"] is not None:
        raise Rejected("nothing_to_send", document["unsendable"])
    return {name: value for name, value in document.items() if name != "unsendable" and value is not None}


def _letter(row: Answer) -> Answer:
    """A refused record as an exception. Its time and identity are its own where it can be read that far."""
    topic = row["topic"].removeprefix("headrace.")
    value = b64decode(row["value_base64"])
    sent = [(name, text.encode()) for name, text in row["headers"].items()]
    try:
        event = orjson.loads(value)
    except orjson.JSONDecodeError:
        event = {}
    said = event if isinstance(event, dict) else {}
    headers = row["headers"]
    return {
        "exception_id": casework.case_id("dead-letter", topic, row["partition"], row["offset"]),
        "kind": "dead_letter",
        "code": row["code"],
        "tier": "blocking",
        "owner": "data owner",
        "subject": f"{topic}/{row['partition']}/{row['offset']}",
        "message": row["message"],
        "amount": None,
        "currency": None,
        "since": _moment(said.get("time") or headers.get("ce_time")),
        "evidence": [],
        "fingerprint": row["fingerprint"],
        "event_id": _text(said.get("id") or headers.get("ce_id")),
        "record": (value, sent),
        "value": row["value"],
        "pointer": row["pointer"],
    }


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.isprintable() and len(value) <= casework.LONGEST else None


def _moment(value: Any) -> str | None:
    try:
        return timestamp(micros(value)) if isinstance(value, str) else None
    except ValueError:
        return None


def _joined(item: Answer, cases: Mapping[str, Answer], watermark: str | None) -> Answer:
    """An exception with its case and its clock: age and due moment by the latest event that was counted."""
    case = cases.get(item["exception_id"]) or casework.state(())
    now, since = (micros(one) if one else None for one in (watermark, item["since"]))
    case = casework.answered(case, item["evidence"])
    limit = casework.due(since, item["tier"]) if since is not None else None
    age = max(0, now - since) // 1_000_000 if now is not None and since is not None else None
    late = now is not None and limit is not None and now > limit and case["status"] != "resolved"
    return {
        **item,
        **case,
        "age_seconds": age,
        "due": timestamp(limit) if limit is not None else None,
        "overdue": late,
    }


def _place(row: Answer) -> tuple[bool, str, str]:
    return not row["overdue"], row["due"] or "~", row["exception_id"]


def place_of(row: Answer) -> str:
    """A row's place in the list, as a word that sorts as the list does."""
    first, second, third = _place(row)
    return f"{int(first)}\x1f{second}\x1f{third}"


def shown(row: Answer) -> Answer:
    """A row as it goes out: without what only sending something again needs."""
    return {name: value for name, value in row.items() if name not in ("record", "event_id", "document")}
