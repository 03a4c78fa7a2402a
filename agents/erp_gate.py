"""The gate to ERP: documents leave when ERP takes them, each in its latest revision, in the order of its contract.

What is stated of a document comes here (`app.events.posting`). Where nothing is in the way it leaves in the same step;
what has to wait is kept in the outbox, a newer revision in the place of the older one. The moment is handed in with the
journal like everything else, so the gate is a function of its records.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterable
from heapq import heappop, heappush

from msgspec.structs import replace

from agents import alarms
from agents.custody import Register, merge
from agents.effects import BILLING, SHADOW, Batch, Effects, Statement, contract_of, key_of
from app.domain import gate, period
from app.domain.casework import case_id
from app.domain.documents import WITHDRAWN
from app.domain.gate import Limit, Rules
from app.domain.resolution import effective
from app.events.fact import Fact
from app.events.instant import micros
from app.events.posting import Draft, Halt, Moment, Reply, Resend
from tables import Store
from tables.entities import Entity
from tables.outbox import (
    ALARMS,
    HALTS,
    MOMENT,
    MOMENTS,
    OUTBOX,
    QUOTAS,
    WINDOWS,
    Alarm,
    Halted,
    Heard,
    Outbox,
    Quota,
    Reached,
    Resent,
    Sent,
    Turn,
    Window,
)

SHADOWED = "billing.shadowed.v1"
_CLOSED = "erp.window.closed.v1"
NO_ROUTE = "NO_ROUTE"
ACK_OVERDUE = "ACK_OVERDUE"
_FIX = {
    NO_ROUTE: "set a route for its legal entity and period",
    ACK_OVERDUE: "see what became of it in ERP, and have ERP acknowledge it",
}


async def erp_gate(batches: AsyncIterator[Batch], store: Store, rules: Rules = gate.OPEN) -> AsyncIterator[Effects]:
    """Take in each batch of a partition's documents and state those that may leave."""
    agent: _Gate | None = None
    async for batch in batches:
        agent = agent or _Gate(store, batch.partition, rules)
        yield _Work(agent, batch).fold()


class _Rota:
    """What waits for one target's limit: contracts take turns, each with its oldest document first."""

    def __init__(self) -> None:
        self._contracts: deque[str] = deque()
        self._waiting: dict[str, list[tuple[int, str]]] = {}

    def __bool__(self) -> bool:
        return bool(self._contracts)

    def add(self, contract_id: str, turn: int, key: str) -> None:
        its = self._waiting.get(contract_id)
        if its is None:
            its = self._waiting[contract_id] = []
            self._contracts.append(contract_id)
        heappush(its, (turn, key))

    def take(self) -> str:
        """The key of the next document; its contract is the last to have a turn again."""
        contract_id = self._contracts.popleft()
        its = self._waiting[contract_id]
        _, key = heappop(its)
        if its:
            self._contracts.append(contract_id)
        else:
            del self._waiting[contract_id]
        return key


class _Gate:
    """The agent's memory of one partition: what of the outbox waits, for whom, and what its next moment is."""

    def __init__(self, store: Store, partition: int, rules: Rules) -> None:
        self.store, self.partition, self.rules = store, partition, rules
        self.windows = {key: window for key, window in store.scan(WINDOWS) if any(t.closed for t in window.turns)}
        moment = store.get(MOMENTS, MOMENT)
        self.now, self.slices = (moment.at, moment.slices) if moment is not None else (0, 1)
        self.held: dict[str, dict[str, int]] = {}  # what waits for anything but a limit: why → key → turn
        self.rotas: dict[str, _Rota] = {}  # by target
        self.undated: set[str] = set()  # documents of which a moment is to be known
        self.leaving: dict[str, None] = {}  # documents that are to be said with the next batch, in order
        self.said: dict[str, None] = {}  # those that were with the last one: it was delivered when another comes
        self.answers: list[tuple[int, str, int, int]] = []  # (when it is late, key, revision, attempt), a heap
        self.alarms = dict(store.scan(ALARMS))  # what was raised of documents, by exception id
        self.passing: set[str] = set()  # of these, what the last batch said is over
        self.doubtful = {one.key for one in self.alarms.values()}  # nobody knows what was heard of these documents
        self._load()

    def _load(self) -> None:
        limited = []
        for key, row in self.store.scan(OUTBOX):
            if alarm(key, row) is not None:
                self.doubtful.add(key)
            if row.why == gate.LIMIT:
                limited.append((row.turn, key, row))
            elif row.why == gate.LEAVING:
                self.leaving[key] = None
            elif row.why:
                self.hold(key, row)
            else:
                self.expect(key, row)
            if row.why and not row.since:
                self.undated.add(key)
        for turn, key, row in sorted(limited, key=lambda one: one[0]):
            self.queue(row.target or gate.ANY, row.contract_id, turn, key)

    def hold(self, key: str, row: Outbox) -> None:
        self.held.setdefault(row.why, {})[key] = row.turn

    def let_go(self, key: str, row: Outbox) -> None:
        """It does not wait any more, or for something else from now on."""
        self.held.get(row.why, {}).pop(key, None)

    def queue(self, target: str, contract_id: str, turn: int, key: str) -> None:
        self.rotas.setdefault(target, _Rota()).add(contract_id, turn, key)

    def expect(self, key: str, row: Outbox) -> None:
        """Note when the answer to what was said is late."""
        sent, limit = row.sent, self.rules.limit(row.target or gate.ANY)
        if sent is None or not limit.ack or sent.type == WITHDRAWN or answered(row):
            return
        if not sent.at:
            self.undated.add(key)
        elif sent.attempts - sent.before <= limit.attempts:
            late = sent.at + gate.patience(key, limit, sent.attempts - sent.before)
            heappush(self.answers, (late, key, sent.revision, sent.attempts))


def answered(row: Outbox) -> Heard | None:
    """What the document's own target said of what was said last; of one ERP whatever its name, the latest of all.

    A refusal after which somebody had the document sent again is no answer any more.
    """
    sent = row.sent
    if sent is None:
        return None
    its = row.replies.values() if row.target in (gate.ANY, None) else filter(None, [row.replies.get(row.target or "")])
    settled = row.resent.refusals if row.resent is not None and row.resent.revision == sent.revision else ()
    fresh = (one for one in its if one.revision >= sent.revision and one.name not in settled)
    return max(fresh, key=lambda one: one.time, default=None)


def alarm(key: str, row: Outbox) -> alarms.Alarm | None:
    """What somebody should act on of a document at the gate: no route is for it, or no answer comes in time."""
    if row.why == gate.NO_ROUTE and row.since:
        code, since = NO_ROUTE, row.since
    elif row.late_since and answered(row) is None:
        code, since = ACK_OVERDUE, row.late_since
    else:
        return None
    return _alarm(code, key, row.target or "", since)


def _alarm(code: str, key: str, target: str, since: int) -> alarms.Alarm:
    message = f"{key} for {target or 'ERP'}: {_FIX[code]}"
    name = case_id("gate", code, key)
    return alarms.Alarm(
        alarms.DOCUMENT, name, code, "blocking", "finance systems", f"document/{key}", message, [], since
    )


class _Work:
    """One batch."""

    def __init__(self, agent: _Gate, batch: Batch) -> None:
        self.agent, self.store, self.batch = agent, agent.store, batch
        self.last = batch.records[-1].offset if batch.records else -1
        self.first = batch.records[0].offset if batch.records else None
        self.effects = Effects(batch)
        self.register = Register(self.store, f"gate/{agent.partition}")
        self.rows: dict[str, Outbox | None] = {}
        self.windows: dict[str, Window] = {}
        self.halts: dict[str, Halted | None] = {}
        self.quotas: dict[str, Quota] = {}
        self.alarms: dict[str, Alarm | None] = {}
        self.moment: Reached | None = None
        self.exact = False  # whether the moment is the one at which things happen

    def fold(self) -> Effects:
        """A document that waited leaves in three steps, so that no crash loses it or makes anybody forget that it left:
        that it does is written with one batch, it is said with the next, and that it was said is written with a third.
        """
        self._settle()
        self._say_what_leaves()
        for record in self.batch.records:
            self._take(record.offset, record.value)
        self._state_alarms()
        self.effects.owing = len(self.agent.leaving) + len(self.agent.said) + len(self.agent.passing)
        self.effects.due = self._due()
        self._write()
        return self.effects

    def _settle(self) -> None:
        said, self.agent.said = self.agent.said, {}
        for key in said:
            row = self._row(key)
            if row is not None and row.why == gate.LEAVING:
                self._left(key, row)

    def _say_what_leaves(self) -> None:
        self.agent.said, self.agent.leaving = self.agent.leaving, {}
        for key in self.agent.said:
            row = self._row(key)
            if row is not None and row.why == gate.LEAVING and row.draft is not None:
                self._say(row, row.draft)

    def _take(self, offset: int, value: Draft | Reply | Resend | Halt | Moment | Fact) -> None:
        if isinstance(value, Draft):
            self._draft(offset, value)
        elif isinstance(value, Reply):
            self._reply(offset, value)
        elif isinstance(value, Resend):
            self._resend(offset, value)
        elif isinstance(value, Moment):
            self._moment(offset, value)
        elif isinstance(value, Halt):
            self._halt(offset, value)
        elif not self.register.redelivered(offset, value):
            self._window(offset, value)

    def _awaits(self, row: Outbox) -> bool:
        """Whether the content may be wanted again: its target answers, and has not yet."""
        if row.sent is None or not self._limit(row).ack or row.sent.type == WITHDRAWN:
            return False
        heard = answered(row)
        return heard is None or heard.status != "accepted"

    def _limit(self, row: Outbox) -> Limit:
        return self.agent.rules.limit(row.target or gate.ANY)

    # -- values -----------------------------------------------------------------------------------------------------

    def _row(self, key: str) -> Outbox | None:
        """The document's row; who changes it puts it into `rows`, which are written."""
        return self.rows[key] if key in self.rows else self.store.get(OUTBOX, key)

    def _write(self) -> None:
        """Limits first: whatever of this a crash leaves, no target is sent more than it takes."""
        writes = self.effects.writes
        if self.moment is not None:
            writes.append((MOMENTS, MOMENT, self.moment))
        writes.extend((QUOTAS, key, quota) for key, quota in self.quotas.items())
        writes.extend((OUTBOX, key, row) for key, row in self.rows.items())
        writes.extend((HALTS, key, halted) for key, halted in self.halts.items())
        writes.extend((WINDOWS, key, window) for key, window in self.windows.items())
        writes.extend((ALARMS, name, one) for name, one in self.alarms.items())
        writes.append(self.register.closing(self.last))

    # -- documents --------------------------------------------------------------------------------------------------

    def _draft(self, offset: int, draft: Draft) -> None:
        key = draft.key
        row = self._row(key)
        if row is not None and offset <= row.fence:
            # Nobody knows whether what was said upon it was heard; what leaves meanwhile is newer.
            if row.sent is not None and row.sent.offset == offset and row.why != gate.LEAVING:
                self._say(row, as_said(row.sent, draft))
            return
        if row is None:
            row = Outbox(-1, draft.contract_id, None, None, draft.version)
        elif draft.version < row.version or (draft.type == WITHDRAWN and row.sent is None and row.draft is None):
            return  # outdated, or it is over before anybody heard of it
        entity = draft.payload.get("legal_entity_id") if draft.type != WITHDRAWN else row.legal_entity_id
        target = self._target(draft, entity)
        waits = bool(row.why)
        if row.why == gate.LEAVING:
            waits = self._overtake(key, row)
        known = row.target == target and same(row.sent, draft)
        if known and not waits and not _owed(row):
            self._restate(offset, row, draft)
            return
        self.rows[key] = row
        row.fence, row.version, row.legal_entity_id = offset, draft.version, entity
        row.draft = as_said(row.sent, draft) if known and row.sent is not None else draft
        if waits and row.sent is None and draft.type == WITHDRAWN:
            self._forget(key, row)
            return
        if not waits:
            row.turn, row.since = offset, 0
        if not known:
            row.late_since = 0
        moved, row.target = row.target != target, target
        self._advance(offset, key, row, own=True, moved=moved)
        self._pump_all(offset, row)

    def _overtake(self, key: str, row: Outbox) -> bool:
        """A newer draft comes while the document leaves. Whether it waits, to be looked at anew, or has left."""
        if key in self.agent.said:
            del self.agent.said[key]
            self._left(key, row)
            return False
        del self.agent.leaving[key]
        row.why = ""
        return True

    def _target(self, draft: Draft, entity: str | None) -> str | None:
        """By the period of the document: what puts a document right goes where that one went."""
        return self.agent.rules.target(entity, _begins(draft))

    def _restate(self, offset: int, row: Outbox, draft: Draft) -> None:
        """What ERP has already is said once more, with today's date, where that is in nobody's way."""
        sent = row.sent
        assert sent is not None  # it is the same
        if not self._limit(row).per_minute and not self._hindrance(offset, row, draft):
            self.rows[draft.key] = row
            row.fence, row.version = offset, draft.version
            sent.offset, sent.version, sent.as_of, sent.cause = offset, draft.version, *_shown(draft)
            if row.draft is not None:
                row.draft = draft
            self._say(row, draft)

    def _forget(self, key: str, row: Outbox) -> None:
        """It was over before it left: there is nothing to say, now or later."""
        self.agent.let_go(key, row)
        row.draft, row.why, row.since, row.turn = None, "", 0, -1

    def _hindrance(self, offset: int, row: Outbox, draft: Draft) -> str:
        """Why a draft of the row may not leave as of a record; "" where it may. What takes a document back stops a
        posting and makes none, so it passes a halt."""
        if row.target is None:
            return gate.NO_ROUTE
        if draft.type != WITHDRAWN and self._halted(offset, row.contract_id):
            return gate.HALTED
        return gate.WINDOW if self._closed(offset, row.target, row.legal_entity_id) else ""

    def _advance(self, offset: int, key: str, row: Outbox, *, own: bool = False, moved: bool = False) -> None:
        """Let a document leave, or see to it that it waits for what is in its way. `own`: the record at hand is its
        draft, so what is said at once is said again should the record come again."""
        agent, draft = self.agent, row.draft
        assert draft is not None  # it waits
        agent.let_go(key, row)
        if why := self._hindrance(offset, row, draft):
            self._wait(key, row, why)
        elif self._limit(row).per_minute:
            if row.why != gate.LIMIT or moved:
                row.why = gate.LIMIT
                agent.queue(row.target or gate.ANY, row.contract_id, row.turn, key)
        elif own:
            self._left(key, row, offset)
            self._say(row, draft)
        else:
            self._let_leave(key, row)

    def _let_leave(self, key: str, row: Outbox) -> None:
        row.why = gate.LEAVING
        self.agent.leaving[key] = None

    def _wait(self, key: str, row: Outbox, why: str) -> None:
        row.why = why
        self.agent.hold(key, row)
        if not row.since:
            self.agent.undated.add(key)

    def _left(self, key: str, row: Outbox, offset: int = -1) -> None:
        """What the draft says was said, upon the record at `offset` where that is the draft."""
        draft, sent = row.draft, row.sent
        assert draft is not None  # it leaves
        self.rows[key] = row
        attempts = before = 0
        if sent is not None and same(sent, draft):
            attempts, before = sent.attempts, sent.attempts if _owed(row) else sent.before
            if row.resent is not None:
                row.resent.owed = False
        else:
            row.resent = None
        as_of, cause = _shown(draft)
        said = draft.type, draft.revision, draft.version, draft.content
        row.sent = Sent(*said, offset, 0, attempts + 1, before, as_of, cause)
        row.why, row.shadows = "", self._shadows(row, draft)
        awaits = self._awaits(row)
        if offset < 0 or awaits:
            self.agent.undated.add(key)  # the next moment says when
        if not awaits:
            row.draft = None
        if _taken(draft):
            self.rows[key] = None

    def _say(self, row: Outbox, draft: Draft) -> None:
        payload = {**draft.payload, "target": row.target} if self.agent.rules.routes else draft.payload
        latest = (draft.time, draft.source, draft.id, draft.correlation)
        say = self.effects.statements.append
        say(Statement(BILLING, draft.type, draft.key, draft.version, payload, latest))
        for target in self._shadows(row, draft):
            named = {name: payload[name] for name in ("document_key", "revision", "contract_id", "as_of")}
            said = {**named, "target": target, "document_type": draft.type, "document": draft.payload}
            say(Statement(SHADOW, SHADOWED, f"{key_of(target)}/{draft.key}", draft.version, said, latest))

    def _shadows(self, row: Outbox, draft: Draft) -> list[str]:
        """Targets that are told the same as the document's own."""
        return self.agent.rules.shadows(row.legal_entity_id, _begins(draft)) if self.agent.rules.routes else []

    # -- in the way -------------------------------------------------------------------------------------------------

    def _window(self, offset: int, fact: Fact) -> None:
        key = fact.entity
        window = self.windows.get(key) or self.store.get(WINDOWS, key)
        if window is None:
            window = Window(-1, Entity(offset, 1, [fact]), [])
        elif offset > window.fence:
            merge(window.entity.facts, fact)
        self.windows[key] = window
        if offset > window.fence:
            window.fence = offset
            message, said = effective(window.entity.facts)
            until = micros(said["until"]) if said.get("until") else 0
            closed = message.type == _CLOSED
            window.turns = _added(window.turns, self.first or 0)
            window.turns.append(Turn(offset, closed, said["target"], said.get("legal_entity_id"), until))
        if any(turn.closed for turn in window.turns):
            self.agent.windows[key] = window
        else:
            self.agent.windows.pop(key, None)
        self._reconsider(offset, gate.WINDOW)

    def _closed(self, offset: int, target: str, entity: str | None) -> bool:
        for window in self.agent.windows.values():
            turn = next((one for one in reversed(window.turns) if one.offset <= offset), None)
            if (
                turn is not None
                and turn.closed
                and target in (gate.ANY, turn.target)
                and turn.legal_entity_id in (None, entity)
                and not 0 < turn.until <= self.agent.now
            ):
                return True
        return False

    def _halt(self, offset: int, halt: Halt) -> None:
        key = halt.contract_id
        halted = self.halts[key] if key in self.halts else self.store.get(HALTS, key)
        halted = halted or Halted(-1, [])
        if offset > halted.fence and halt.version >= halted.version:
            kept = [turn for turn in halted.turns if turn[0] >= (self.first or 0)]
            before = [turn for turn in halted.turns if turn[0] < (self.first or 0)][-1:]
            halted.turns = [*before, *kept, (offset, halt.code)]
            halted.fence, halted.version = offset, halt.version
        self.halts[key] = halted
        self._reconsider(offset, gate.HALTED, key)

    def _halted(self, offset: int, contract_id: str) -> str:
        halted = self.halts.get(contract_id) or self.store.get(HALTS, contract_id)
        if halted is None:
            return ""
        return next((code for at, code in reversed(halted.turns) if at <= offset), "")

    def _reconsider(self, offset: int, why: str, contract_id: str | None = None) -> None:
        """Something that documents wait for may have changed: those that waited longest come first."""
        waiting = sorted(
            (turn, key)
            for key, turn in self.agent.held.get(why, {}).items()
            if contract_id is None or contract_of(key) == contract_id
        )
        for _, key in waiting:
            row = self._row(key)
            assert row is not None  # it waits
            assert row.draft is not None
            if self._hindrance(offset, row, row.draft) != row.why:
                self.rows[key] = row
                self._advance(offset, key, row)
        self._pump_all(offset)

    # -- limits and moments -----------------------------------------------------------------------------------------

    def _quota(self, target: str) -> Quota:
        agent = self.agent
        limit = agent.rules.limit(target)
        quota = self.quotas.get(target) or self.store.get(QUOTAS, target)
        if quota is None:
            quota = Quota(-1, gate.full(limit, agent.slices), agent.now)
        quota.per_minute, quota.burst = limit.per_minute, limit.burst
        self.quotas[target] = quota
        return quota

    def _pump_all(self, offset: int, row: Outbox | None = None) -> None:
        """Let leave what waits for a limit: of all targets, or of the row's, if it does."""
        if row is None:
            for target in sorted(self.agent.rotas):
                self._pump(target, offset)
        elif row.why == gate.LIMIT:
            self._pump(row.target or gate.ANY, offset)
            if row.why and not row.since:
                self.agent.undated.add(row.draft.key if row.draft is not None else "")

    def _pump(self, target: str, offset: int) -> None:
        """Let leave what a target takes now, contracts by turns."""
        agent = self.agent
        rota = agent.rotas.get(target)
        quota = self._quota(target)
        price = gate.cost(agent.slices) if agent.rules.limit(target).per_minute else 0
        while rota and quota.credit >= price:
            key = rota.take()
            row = self._row(key)
            if row is None or row.draft is None or row.why != gate.LIMIT or row.target != target:
                continue  # it went another way meanwhile
            self.rows[key] = row
            if why := self._hindrance(offset, row, row.draft):
                self._wait(key, row, why)
                continue
            quota.credit -= price
            if not self.exact:
                quota.spent += price
            quota.fence = max(quota.fence, offset)
            self._let_leave(key, row)

    def _moment(self, offset: int, moment: Moment) -> None:
        agent = self.agent
        before, agent.now, agent.slices = agent.now, max(agent.now, moment.at), moment.slices
        self.moment, self.exact = Reached(offset, agent.now, agent.slices), True
        self._know()
        for target in sorted(agent.rotas):
            self._refill(offset, target)
        if any(before < turn.until <= agent.now for one in agent.windows.values() for turn in one.turns):
            self._reconsider(offset, gate.WINDOW)
        self._late(offset)
        self._pump_all(offset)
        self.exact = False

    def _refill(self, offset: int, target: str) -> None:
        quota = self._quota(target)
        if offset > quota.fence:
            agent = self.agent
            elapsed = agent.now - quota.at if quota.at else 0
            quota.credit = gate.grown(quota.credit, agent.rules.limit(target), elapsed, agent.slices, quota.spent)
            quota.at, quota.fence, quota.spent = agent.now, offset, 0

    def _know(self) -> None:
        """What began to wait, or left, since the last moment that was handed in did so now, as far as anybody knows."""
        agent = self.agent
        at = agent.now
        undated, agent.undated = agent.undated, set()
        for key in sorted(undated):
            row = self._row(key)
            if row is None:
                continue
            self.rows[key] = row
            if row.why and not row.since:
                row.since = at
            if not row.why and row.sent is not None and not row.sent.at:
                row.sent.at = at
                row.waited = max(0, at - row.since) if row.since else 0
                row.since = 0
                agent.expect(key, row)

    def _late(self, offset: int) -> None:
        """What was not answered in time is said again, in its turn."""
        agent = self.agent
        while agent.answers and agent.answers[0][0] <= agent.now:
            due, key, revision, attempt = heappop(agent.answers)
            row = self._row(key)
            if row is None or row.why or row.draft is None or row.sent is None or answered(row) is not None:
                continue
            if (row.sent.revision, row.sent.attempts) != (revision, attempt):
                continue
            self.rows[key] = row
            row.fence = offset
            row.late_since = row.late_since or due
            limit = self._limit(row)
            if row.sent.attempts - row.sent.before < limit.attempts:
                row.turn = offset
                self._advance(offset, key, row)

    def _due(self) -> int | None:
        """When the next moment is to be handed in: 0, at once; None, nothing waits for one."""
        agent = self.agent
        if agent.undated:
            return 0
        found: list[int] = [agent.answers[0][0]] if agent.answers else []
        for target, rota in agent.rotas.items():
            if rota:
                limit = agent.rules.limit(target)
                wait = gate.affordable_in(self._quota(target).credit, limit, agent.slices) if limit.per_minute else 0
                found.append(agent.now + max(wait, gate.PULSE))
        if agent.held.get(gate.WINDOW):
            found += [one.turns[-1].until for one in agent.windows.values() if one.turns[-1].until > agent.now]
        return min(found, default=None)

    # -- exceptions -------------------------------------------------------------------------------------------------

    def _state_alarms(self) -> None:
        """Raise what stands of the documents that changed, and say of what was raised that it is over: so until that is
        known to have been heard. After a start what was raised before is said once more."""
        agent = self.agent
        for name in agent.passing:
            if agent.alarms[name].over:
                del agent.alarms[name]
                self.alarms[name] = None
        agent.passing = set()
        doubtful, agent.doubtful = agent.doubtful, set()
        for key in sorted({*self.rows, *doubtful}):
            self._alarm_of(key, self._row(key), again=key in doubtful)

    def _alarm_of(self, key: str, row: Outbox | None, *, again: bool) -> None:
        stands = alarm(key, row) if row is not None else None
        if stands is None and not self.agent.alarms:
            return
        for code in _FIX:
            name = case_id("gate", code, key)
            known = self.agent.alarms.get(name)
            holds = stands is not None and stands.code == code
            if stands is not None and holds and (known is None or known.over):
                cause = _cause_of(row) or (0, "", "", "")
                known = Alarm(self._version(), key, code, row.target or "" if row else "", stands.since, cause)
                self._note(name, known)
            elif known is not None and not holds and not known.over:
                cause = _cause_of(row) or known.cause
                known = Alarm(self._version(), key, code, known.target, known.since, cause, over=True)
                self._note(name, known)
            elif known is not None and again:
                self._note(name, known)

    def _note(self, name: str, one: Alarm) -> None:
        self.agent.alarms[name] = self.alarms[name] = one
        its = _alarm(one.code, one.key, one.target, one.since)
        if one.over:
            self.agent.passing.add(name)
            said = alarms.resolved(name, one.code, its.subject, one.fence, one.cause)
        else:
            said = alarms.raised(its, one.fence, one.cause)
        self.effects.statements.append(said)

    def _version(self) -> int:
        """The last record that was taken in, whether or not it came with this batch."""
        return max(self.register.control.fence, self.last)

    # -- answers ----------------------------------------------------------------------------------------------------

    def _resend(self, offset: int, resend: Resend) -> None:
        """Somebody has what ERP refused, or did not answer, sent again; its content comes with the document's draft.

        What is over, or has another revision by now, is not; and the same action is told again and again.
        """
        row = self._row(resend.key)
        if row is None or offset <= row.fence or row.sent is None or row.sent.type == WITHDRAWN:
            return
        if row.sent.revision != resend.revision or (row.target and resend.target not in (None, row.target)):
            return
        known = row.resent
        if known is None or known.revision != resend.revision:
            known = Resent(resend.revision, {}, [], owed=False)
        if resend.number <= known.numbers.get(resend.case_id, 0):
            return
        self.rows[resend.key] = row
        row.fence = offset
        numbers = {**known.numbers, resend.case_id: resend.number}
        row.resent = Resent(resend.revision, numbers, sorted({*known.refusals, *resend.refusals}), owed=True)

    def _reply(self, offset: int, reply: Reply) -> None:
        row = self._row(reply.key)
        if row is None or offset <= row.fence:
            return
        self.rows[reply.key] = row
        row.fence = offset
        known = row.replies.get(reply.target)
        if known is not None and reply.number < known.number:
            return  # a worker that was stopped said it before its successor knew more
        said = reply.revision, reply.status, reply.erp_id, reply.reason, reply.time, reply.name, reply.number
        row.replies[reply.target] = Heard(*said)
        heard = answered(row)
        if heard is None:
            return
        row.late_since = 0
        if heard.status == "accepted" and row.resent is not None:
            row.resent.owed = False
        if row.why and row.draft is not None and same(row.sent, row.draft) and not _owed(row):
            self.agent.let_go(reply.key, row)
            self.agent.leaving.pop(reply.key, None)
            self.agent.said.pop(reply.key, None)
            row.why = ""  # it need not be said again
        if heard.status == "accepted" and not row.why:
            row.draft = None


def same(sent: Sent | None, draft: Draft) -> bool:
    """Whether the draft says what was said last."""
    return sent is not None and (sent.type, sent.revision, sent.content) == (draft.type, draft.revision, draft.content)


def as_said(sent: Sent, draft: Draft) -> Draft:
    """A draft that says what was said last, as it was said then: so the statement is the same one."""
    if sent.cause is None:
        return draft
    names = ("time", "source", "id", "correlation")
    cause = dict(zip(names, sent.cause, strict=True))
    return replace(draft, version=sent.version, payload={**draft.payload, "as_of": sent.as_of}, **cause)


def _shown(draft: Draft) -> tuple[str | None, tuple[int, str, str, str]]:
    """What a statement shows besides its content: the day it is as of, and the latest fact behind it."""
    return draft.payload.get("as_of"), (draft.time, draft.source, draft.id, draft.correlation)


def _owed(row: Outbox) -> bool:
    """Whether somebody had it sent again, and it was not yet."""
    return row.resent is not None and row.resent.owed


def _begins(draft: Draft) -> int:
    """The first day of the document's period."""
    return period.first_day(draft.key.rsplit("/", 3)[1])


def _cause_of(row: Outbox | None) -> tuple[int, str, str, str] | None:
    """The latest fact behind the document, where anybody remembers."""
    if row is None:
        return None
    return _shown(row.draft)[1] if row.draft is not None else row.sent.cause if row.sent is not None else None


def _taken(draft: Draft) -> bool:
    """Whether it says that an invoice took the document: nobody will speak of that again."""
    return draft.type == WITHDRAWN and draft.payload.get("reason") == "invoiced"


def _added(turns: Iterable[Turn], first: int) -> list[Turn]:
    """The turns that a record from `first` on may have to be seen with."""
    turns = list(turns)
    before = [turn for turn in turns if turn.offset < first][-1:]
    return [*before, *(turn for turn in turns if turn.offset >= first)]
