"""Small working ports: a firm of three contracts, an intake that keeps what it is given, a feed that can be fed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from typing import Any

from app.web.ports import Metric, Receipt, Rejected, Said, Span, Statement, Unavailable

Row = dict[str, Any]

STRANGE_ID = "ACME/2026 – Ünïcode? 100% #1"


def burn_row(contract_id: str, line_id: str | None = None, as_of: str = "2026-03-31") -> Row:
    return {
        "contract_id": contract_id,
        "line_id": line_id,
        "as_of": as_of,
        "currency": "EUR",
        "approved": {"billable_minutes": 60, "nonbillable_minutes": 0, "amount": "90.00", "cost": "40.00"},
        "state_version": 17,
    }


def contract_row(contract_id: str, status: str = "active", client_id: str = "ACME") -> Row:
    return {
        "contract_id": contract_id,
        "name": f"Contract {contract_id}",
        "client_id": client_id,
        "status": status,
        "burn": burn_row(contract_id),
    }


def week_row(kind: str, name: str, week: str = "2026-W11") -> Row:
    subject = {"kind": kind, "id": name}
    return {"subject": subject, "week": week, "as_of": "2026-03-31", "capacity_minutes": 2400, "state_version": 9}


class Firm:
    """`Queries` over dicts. Records what burn was asked for; `recovering` makes every table refuse."""

    def __init__(self, contracts: Sequence[Row] = ()) -> None:
        rows = contracts or (contract_row("C-1"), contract_row("C-2", "closed", "BETA"), contract_row(STRANGE_ID))
        self._contracts = {row["contract_id"]: row for row in sorted(rows, key=lambda row: row["contract_id"])}
        self.asked: list[tuple[date | None, int | None]] = []
        self.spans: list[Span] = []
        self._people = {"P-1": "engineer", "P-2": "analyst", STRANGE_ID: "engineer"}
        self.state_version = 41
        self.recovering = False
        self.broken = False
        event = {"specversion": "1.0", "source": "/psa/emea", "id": "e-1", "data": {"x": 1}}
        self.events = {("/psa/emea", "e-1"): event}

    def meta(self) -> Row:
        if self.recovering:
            raise Unavailable("Partition 3 is being recovered, 40 % done.", retry_after=7)
        return {
            "as_of": "2026-03-31",
            "watermark": "2026-03-31T17:00:00Z",
            "stale": False,
            "partitions_answered": 4,
            "partitions_total": 4,
            "engine_version": "0.1.0",
            "state_version": self.state_version,
        }

    async def overview(self) -> Said[Row]:
        if self.broken:
            raise RuntimeError("password=hunter2")
        return {"ready": [{"currency": "EUR", "amount": "90.00"}], "utilization": None}, self.meta()

    async def contracts(self, after: str, limit: int, status: str | None, client_id: str | None) -> Said[list[Row]]:
        rows = [
            row
            for key, row in self._contracts.items()
            if key > after and status in (None, row["status"]) and client_id in (None, row["client_id"])
        ]
        return rows[:limit], self.meta()

    async def contract(self, contract_id: str) -> Said[Row | None]:
        return self._contracts.get(contract_id), self.meta()

    async def burn(self, contract_id: str, as_of: date | None, known_at: int | None) -> Said[list[Row] | None]:
        self.asked.append((as_of, known_at))
        if contract_id not in self._contracts:
            return None, self.meta()
        day = "2026-03-31" if as_of is None else as_of.isoformat()
        return [burn_row(contract_id, line, day) for line in (None, "L-1", "L-2")], self.meta()

    def _readiness(self, contract_id: str) -> Row:
        return {"contract_id": contract_id, "state": "ready", "ready_amount": "90.00", "blockers": []}

    async def readiness(self, contract_id: str, as_of: date | None, known_at: int | None) -> Said[Row | None]:
        return self._readiness(contract_id) if contract_id in self._contracts else None, self.meta()

    async def forecast(self, contract_id: str, as_of: date | None, known_at: int | None) -> Said[Row | None]:
        row = {"contract_id": contract_id, "estimate_at_completion": {"minutes": "90", "amount": None}}
        return row if contract_id in self._contracts else None, self.meta()

    async def revenue(self, contract_id: str, as_of: date | None, known_at: int | None) -> Said[list[Row] | None]:
        row = {"contract_id": contract_id, "line_id": "L-1", "period": "2026-03", "period_amount": "90.00"}
        return [row] if contract_id in self._contracts else None, self.meta()

    async def readiness_list(self, after: str, limit: int, state: str | None) -> Said[list[Row]]:
        rows = [self._readiness(key) for key in self._contracts if key > after]
        return [row for row in rows if state in (None, row["state"])][:limit], self.meta()

    def _documents(self, contract_id: str) -> list[Row]:
        keys = [f"{contract_id}/2026-03/{kind}/1" for kind in ("fee", "time")]
        return [{"document_key": key, "contract_id": contract_id, "kind": key.split("/")[2]} for key in keys]

    async def documents(self, contract_id: str, as_of: date | None, known_at: int | None) -> Said[list[Row] | None]:
        return self._documents(contract_id) if contract_id in self._contracts else None, self.meta()

    async def documents_list(
        self, after: str, limit: int, kind: str | None, contract_id: str | None
    ) -> Said[list[Row]]:
        rows = [{**row, "cursor": row["document_key"]} for key in self._contracts for row in self._documents(key)]
        wanted = [row for row in rows if kind in (None, row["kind"]) and contract_id in (None, row["contract_id"])]
        return [row for row in wanted if row["cursor"] > after][:limit], self.meta()

    async def document(self, document_key: str) -> Said[Row | None]:
        rows = [row for key in self._contracts for row in self._documents(key)]
        return next((row for row in rows if row["document_key"] == document_key), None), self.meta()

    async def unlocks(
        self,
        after: str,
        limit: int,
        owner: str | None,
        currency: str | None,
        code: str | None,
        contract_id: str | None,
    ) -> Said[Row]:
        rows: list[Row] = [
            {"contract_id": key, "owner": "commercial", "currency": "EUR", "amount": "90.00", "cursor": f"EUR/{key}"}
            for key in self._contracts
        ]
        asked = {"owner": owner, "currency": currency, "contract_id": contract_id}
        wanted = [row for row in rows if all(value in (None, row[name]) for name, value in asked.items())]
        return {"items": [row for row in wanted if row["cursor"] > after][:limit], "owners": []}, self.meta()

    async def reconciliation(
        self, after: str, limit: int, system: str | None, cause: str | None, contract_id: str | None
    ) -> Said[Row]:
        rows: list[Row] = [
            {
                "kind": "version",
                "system": "erp",
                "cause": "erp_behind",
                "contract_id": key,
                "id": key,
                "field": "version",
                "engine": 2,
                "other": 1,
                "behind": [],
                "row": "erp.csv:2",
                "cursor": key,
            }
            for key in self._contracts
        ]
        wanted = [row for row in rows if system in (None, "erp") and contract_id in (None, row["contract_id"])]
        found: Row = {"extracts": [], "agrees": not wanted, "compared": {}, "causes": [], "unacknowledged": []}
        return {**found, "items": [row for row in wanted if row["cursor"] > after][:limit]}, self.meta()

    async def entries(
        self,
        contract_id: str,
        after: str,
        limit: int,
        line_id: str | None,
        status: str | None,
        period: str | None,
        on: date | None,
    ) -> Said[list[Row] | None]:
        if contract_id not in self._contracts:
            return None, self.meta()
        rows = [
            {
                "entry_id": f"TE-{day}",
                "work_date": f"2026-03-0{day}",
                "status": "approved" if day < 4 else "submitted",
                "cursor": f"2026-03-0{day}/TE-{day}",
            }
            for day in range(1, 6)
        ]
        wanted = [
            row
            for row in rows
            if row["cursor"] > after
            and status in (None, row["status"])
            and row["work_date"].startswith(period or "")
            and (on is None or row["work_date"] == on.isoformat())
        ]
        return wanted[:limit], self.meta()

    async def daily(self, contract_id: str) -> Said[Row | None]:
        if contract_id not in self._contracts:
            return None, self.meta()
        return {"days": [{"on": "2026-03-02", "minutes": 60, "amount": "90.00"}], "budget": []}, self.meta()

    async def explain(
        self, contract_id: str, figure: str, line_id: str | None, as_of: date | None, known_at: int | None
    ) -> Said[Row | None]:
        if figure != "approved.amount":
            raise ValueError("there is no such figure; there are approved.amount")
        if contract_id not in self._contracts:
            return None, self.meta()
        return {"figure": figure, "value": "90.00", "recomputed": "90.00", "agrees": True}, self.meta()

    def _row(self, resource_id: str) -> Row:
        role = self._people[resource_id]
        return {"resource_id": resource_id, "role": role, "weeks": [week_row("resource", resource_id)]}

    async def people(
        self,
        after: str,
        limit: int,
        span: Span,
        as_of: date | None,
        known_at: int | None,
        role: str | None,
        practice: str | None,
    ) -> Said[list[Row]]:
        self.spans.append(span)
        self.asked.append((as_of, known_at))
        names = [name for name in sorted(self._people) if name > after and role in (None, self._people[name])]
        return [self._row(name) for name in names][:limit], self.meta()

    async def alerts(
        self,
        after: str,
        limit: int,
        as_of: date | None,
        known_at: int | None,
        kind: str | None,
        role: str | None,
        practice: str | None,
    ) -> Said[list[Row]]:
        self.asked.append((as_of, known_at))
        names = [name for name in sorted(self._people) if name > after and role in (None, self._people[name])]
        ends: Row = {"roll_off": {"last_week": "2026-W12"}, "bench": None}
        rows: list[Row] = [{"resource_id": name, "as_of": "2026-03-09", **ends} for name in names]
        return [row for row in rows if kind is None or row[kind]][:limit], self.meta()

    async def person(self, resource_id: str, span: Span, as_of: date | None, known_at: int | None) -> Said[Row | None]:
        self.spans.append(span)
        self.asked.append((as_of, known_at))
        return self._row(resource_id) if resource_id in self._people else None, self.meta()

    async def cell(self, resource_id: str, monday: int, as_of: date | None, known_at: int | None) -> Said[Row | None]:
        self.spans.append((monday, 1))
        row = {"resource_id": resource_id, "entries": [], **week_row("resource", resource_id)}
        return row if resource_id in self._people else None, self.meta()

    async def groups(
        self, kind: str, after: str, limit: int, span: Span, as_of: date | None, known_at: int | None
    ) -> Said[list[Row]]:
        self.spans.append(span)
        self.asked.append((as_of, known_at))
        names = ["firm"] if kind == "firm" else [STRANGE_ID, "cloud", "data"]
        rows = [{"id": name, "weeks": [week_row(kind, name)]} for name in names if name > after]
        return rows[:limit], self.meta()

    async def group(
        self, kind: str, group_id: str, span: Span, as_of: date | None, known_at: int | None
    ) -> Said[Row | None]:
        rows, meta = await self.groups(kind, "", 500, span, as_of, known_at)
        return next((row for row in rows if row["id"] == group_id), None), meta

    async def demand(
        self,
        after: str,
        limit: int,
        span: Span,
        as_of: date | None,
        known_at: int | None,
        role: str | None,
        practice: str | None,
    ) -> Said[list[Row]]:
        self.spans.append(span)
        self.asked.append((as_of, known_at))
        rows: list[Row] = [
            {"role": "engineer", "practice": place, "cursor": f"engineer/{place or ''}", "weeks": []}
            for place in (None, "cloud", "data")
        ]
        wanted = [row for row in rows if role in (None, row["role"]) and practice in (None, row["practice"])]
        return [row for row in wanted if row["cursor"] > after][:limit], self.meta()

    async def accuracy(
        self,
        kind: str,
        after: str,
        limit: int,
        span: Span,
        as_of: date | None,
        known_at: int | None,
        group_id: str | None,
        ahead: int | None,
    ) -> Said[list[Row]]:
        self.spans.append(span)
        self.asked.append((as_of, known_at))
        names = [name for name in (STRANGE_ID, "cloud", "data") if name > after and group_id in (None, name)]
        return [{"id": name, "record": [], "weeks": [], "ahead": ahead} for name in names][:limit], self.meta()

    async def event(self, source: str, event_id: str) -> Row | None:
        return self.events.get((source, event_id))

    async def shadow(self) -> Said[Row]:
        return {"targets": [], "items": []}, self.meta()

    async def gate(self) -> Said[list[Row]]:
        return [], self.meta()

    async def promises(self) -> Said[list[Row]]:
        return [{"sla": "dispute_rate", "ratio": "0.0000"}], self.meta()

    async def dead_letters(self, after: str, limit: int) -> Said[list[Row]]:
        rows: list[Row] = [{"code": "not_json", "cursor": f"contracts/0/{offset}"} for offset in (1, 2)]
        return [row for row in rows if row["cursor"] > after][:limit], self.meta()

    async def streams(self) -> Said[Row]:
        return {"topics": [{"topic": "headrace.burn", "lag": 0}], "dispositions": {"applied": 3}}, self.meta()

    async def answer(self, question: bytes) -> bytes:
        if question != b'{"name":"frame"}':
            raise ValueError("this firm has no workers")
        return b'{"frame":{}}'

    def ready(self) -> tuple[bool, str]:
        return (False, "Partition 3 is being recovered.") if self.recovering else (True, "All 4 partitions answer.")

    def metrics(self) -> list[Metric]:
        return [Metric("consumer_lag_events", "gauge", "Records not yet applied.", [({"topic": 'a"b\\c\nd'}, 5)])]


class Journal:
    """`Intake` that refuses what is no JSON object with an id, and keeps everything."""

    def __init__(self) -> None:
        self.kept: list[tuple[bytes, tuple[tuple[str, bytes], ...]]] = []

    async def accept(self, lines: Sequence[bytes], headers: Sequence[tuple[str, bytes]] = ()) -> list[Receipt]:
        return [self._accept(line, tuple(headers)) for line in lines]

    def _accept(self, line: bytes, headers: tuple[tuple[str, bytes], ...]) -> Receipt:
        self.kept.append((line, headers))
        offset = len(self.kept) - 1
        try:
            event = json.loads(line)
        except ValueError:
            return Receipt("refused", code="not_json", detail="The bytes are no JSON.", pointer="", offset=offset)
        if not isinstance(event, dict) or ("id" not in event and not headers):
            detail = "id is missing: give the event its id."
            return Receipt("refused", code="missing_field", detail=detail, pointer="/id", topic="dl", offset=offset)
        return Receipt("accepted", id=event.get("id"), source=event.get("source"), partition=0, offset=offset)


class Counter:
    """`Desk` with three exceptions of one group; keeps what was done."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str, str, Row]] = []

    async def rows(self, wanted: Mapping[str, str | None] | None = None) -> Said[list[Row]]:
        rows: list[Row] = [
            {"exception_id": key, "code": "RATE_UNRESOLVED", "overdue": False, "due": None}
            for key in ("X-1", "X-2", "X-3")
        ]
        return rows, Firm().meta()

    async def groups(self, wanted: Mapping[str, str | None] | None = None) -> Said[list[Row]]:
        return [{"fingerprint": "f", "count": 3}], Firm().meta()

    async def one(self, exception_id: str) -> Said[Row | None]:
        rows, meta = await self.rows()
        return next((row for row in rows if row["exception_id"] == exception_id), None), meta

    async def act(self, exception_id: str, action: str, by: str, said: Mapping[str, Any]) -> Row | None:
        if said.get("revision") == 0:
            raise Rejected("case_moved_on", "look again")
        row, _ = await self.one(exception_id)
        if row is None:
            return None
        self.done.append((exception_id, action, by, dict(said)))
        return {"exception_id": exception_id, "done": True, "action": action}

    async def act_on_all(self, fingerprint: str, action: str, by: str, said: Mapping[str, Any]) -> list[Row]:
        return [{"exception_id": key, "done": True, "action": action} for key in ("X-1", "X-2")] * (fingerprint == "f")


class Tape:
    """`Feed` over a list: positions from 1, of which those up to `forgotten` are no longer held."""

    def __init__(self, forgotten: int = 0) -> None:
        self.forgotten = forgotten
        self._statements: list[Statement] = []
        self._changed = asyncio.Event()
        self.readers = 0
        self._seats = asyncio.Condition()
        self.failing: Exception | None = None
        self.ended = False

    def say(self, topic: str, key: str, padding: int = 0) -> None:
        """Publish a statement, its JSON `padding` bytes longer than need be."""
        position = len(self._statements) + 1
        value = json.dumps({"type": f"{topic}.updated.v1", "key": key, "position": position, "padding": "x" * padding})
        self._statements.append(
            Statement(str(position), f"headrace.{topic}", key, f"{topic}.updated.v1", value.encode())
        )
        self._wake()

    def end(self) -> None:
        self.ended = True
        self._wake()

    def fail(self, error: Exception) -> None:
        """Raise `error` at every reader, and at whoever comes."""
        self.failing = error
        self._wake()

    async def subscribe(self, after: str | None, topics: frozenset[str] | None) -> AsyncIterator[Statement]:
        if self.failing is not None:
            raise self.failing
        if after is None:
            return self._follow(len(self._statements), topics)
        held = map(str, range(self.forgotten, len(self._statements) + 1))
        if after not in held:
            raise LookupError(f"position {after} is not held")
        return self._follow(int(after), topics)

    async def until(self, readers: int) -> None:
        """Return when as many subscriptions are followed."""
        async with self._seats:
            await self._seats.wait_for(lambda: self.readers == readers)

    async def _count(self, change: int) -> None:
        async with self._seats:
            self.readers += change
            self._seats.notify_all()

    async def _follow(self, position: int, topics: frozenset[str] | None) -> AsyncIterator[Statement]:
        await self._count(1)
        try:
            while True:
                if self.failing is not None:
                    raise self.failing
                for statement in self._statements[position:]:
                    position = int(statement.position)
                    if topics is None or statement.topic in topics:
                        yield statement
                if self.ended:
                    return
                await self._changed.wait()
        finally:
            await self._count(-1)

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class Supposing:
    """`Scenarios` of a firm in which nothing changes anything."""

    async def work_out(
        self,
        lines: Sequence[bytes],
        headers: Sequence[tuple[str, bytes]],
        contract_id: str | None,
        as_of: date | None,
        known_at: int | None,
    ) -> Said[Row]:
        return {"as_of": "2026-03-31", "events": len(lines), "contracts": [], "resources": []}, Firm().meta()
