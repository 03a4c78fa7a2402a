"""The gate to ERP: documents leave when ERP takes them, each in its latest revision, in the order of its contract.

What is stated of a document comes here (`app.events.posting`). Where nothing is in the way it leaves in the same step;
what has to wait is kept in the outbox, a newer revision in the place of the older one. The moment is handed in with the
journal like everything else, so the gate is a function of its records.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterable
from heapq import heappop, heappush

from agents.custody import Register, merge
from agents.effects import BILLING, SHADOW, Batch, Effects, Statement, contract_of, key_of
from app.domain import gate, period
from app.domain.documents import WITHDRAWN
from app.domain.gate import Limit, Rules
from app.domain.resolution import effective
from app.events.fact import Fact
from app.events.instant import micros
from app.events.posting import Draft, Halt, Moment, Reply
from tables import Store
from tables.entities import Entity
from tables.outbox import (
    HALTS,
    MOMENT,
    MOMENTS,
    OUTBOX,
    QUOTAS,
    WINDOWS,
    Halted,
    Heard,
    Outbox,
    Quota,
    Reached,
    Sent,
    Turn,
    Window,
)

SHADOWED = "billing.shadowed.v1"
_CLOSED = "erp.window.closed.v1"


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
        self._load()

    def _load(self) -> None:
        limited = []
        for key, row in self.store.scan(OUTBOX):
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
        elif sent.attempts <= limit.attempts:
            late = sent.at + gate.patience(key, limit, sent.attempts)
            heappush(self.answers, (late, key, sent.revision, sent.attempts))


def answered(row: Outbox) -> Heard | None:
    """What the document's own target said of what was said last; of one ERP whatever its name, the latest of all."""
    sent = row.sent
    if sent is None:
        return None
    its = row.replies.values() if row.target in (gate.ANY, None) else filter(None, [row.replies.get(row.target or "")])
    return max((one for one in its if one.revision >= sent.revision), key=lambda one: one.time, default=None)


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
        self.moment: Reached | None = None

    def fold(self) -> Effects:
        """A document that waited leaves in three steps, so that no crash loses it or makes anybody forget that it left:
        that it does is written with one batch, it is said with the next, and that it was said is written with a third.
        """
        self._settle()
        self._say_what_leaves()
        for record in self.batch.records:
            self._take(record.offset, record.value)
        self.effects.owing = len(self.agent.leaving) + len(self.agent.said)
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

    def _take(self, offset: int, value: Draft | Reply | Halt | Moment | Fact) -> None:
        if isinstance(value, Draft):
            self._draft(offset, value)
        elif isinstance(value, Reply):
            self._reply(offset, value)
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
        writes.append(self.register.closing(self.last))

    # -- documents --------------------------------------------------------------------------------------------------

    def _draft(self, offset: int, draft: Draft) -> None:
        key = draft.key
        row = self._row(key)
        if row is not None and offset <= row.fence:
            # Nobody knows whether what was said upon it was heard; what leaves meanwhile is newer.
            if row.sent is not None and row.sent.offset == offset and row.why != gate.LEAVING:
                self._say(row, draft)
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
        if not waits and row.target == target and _same(row.sent, draft):
            self._restate(offset, row, draft)
            return
        self.rows[key] = row
        row.fence, row.version, row.draft, row.legal_entity_id = offset, draft.version, draft, entity
        if waits and row.sent is None and draft.type == WITHDRAWN:
            self._forget(key, row)
            return
        if not waits:
            row.turn, row.since, row.late_since = offset, 0, 0
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
            sent.offset, sent.version = offset, draft.version
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
        attempts = sent.attempts if sent is not None and _same(sent, draft) else 0
        row.sent = Sent(draft.type, draft.revision, draft.version, draft.content, offset, 0, attempts + 1)
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
        if offset > halted.fence:
            kept = [turn for turn in halted.turns if turn[0] >= (self.first or 0)]
            before = [turn for turn in halted.turns if turn[0] < (self.first or 0)][-1:]
            halted.turns = [*before, *kept, (offset, halt.code)]
            halted.fence = offset
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
        quota = self.quotas.get(target) or self.store.get(QUOTAS, target)
        if quota is None:
            agent = self.agent
            quota = Quota(-1, gate.full(agent.rules.limit(target), agent.slices), agent.now)
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
            quota.fence = max(quota.fence, offset)
            self._let_leave(key, row)

    def _moment(self, offset: int, moment: Moment) -> None:
        agent = self.agent
        before, agent.now, agent.slices = agent.now, max(agent.now, moment.at), moment.slices
        self.moment = Reached(offset, agent.now, agent.slices)
        self._know()
        for target in sorted(agent.rotas):
            self._refill(offset, target)
        if any(before < turn.until <= agent.now for one in agent.windows.values() for turn in one.turns):
            self._reconsider(offset, gate.WINDOW)
        self._late(offset)
        self._pump_all(offset)

    def _refill(self, offset: int, target: str) -> None:
        quota = self._quota(target)
        if offset > quota.fence:
            agent = self.agent
            elapsed = agent.now - quota.at if quota.at else 0
            quota.credit = gate.grown(quota.credit, agent.rules.limit(target), elapsed, agent.slices)
            quota.at, quota.fence = agent.now, offset

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
            if row.sent.attempts < limit.attempts:
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

    # -- answers ----------------------------------------------------------------------------------------------------

    def _reply(self, offset: int, reply: Reply) -> None:
        row = self._row(reply.key)
        if row is None or offset <= row.fence:
            return
        self.rows[reply.key] = row
        row.fence = offset
        row.replies[reply.target] = Heard(reply.revision, reply.status, reply.erp_id, reply.reason, reply.time)
        heard = answered(row)
        if heard is None:
            return
        row.late_since = 0
        if row.why and row.draft is not None and _same(row.sent, row.draft):
            self.agent.let_go(reply.key, row)
            self.agent.leaving.pop(reply.key, None)
            self.agent.said.pop(reply.key, None)
            row.why = ""  # it need not be said again
        if heard.status == "accepted" and not row.why:
            row.draft = None


def _same(sent: Sent | None, draft: Draft) -> bool:
    return sent is not None and (sent.type, sent.revision, sent.content) == (draft.type, draft.revision, draft.content)


def _begins(draft: Draft) -> int:
    """The first day of the document's period."""
    return period.first_day(draft.key.rsplit("/", 3)[1])


def _taken(draft: Draft) -> bool:
    """Whether it says that an invoice took the document: nobody will speak of that again."""
    return draft.type == WITHDRAWN and draft.payload.get("reason") == "invoiced"


def _added(turns: Iterable[Turn], first: int) -> list[Turn]:
    """The turns that a record from `first` on may have to be seen with."""
    turns = list(turns)
    before = [turn for turn in turns if turn.offset < first][-1:]
    return [*before, *(turn for turn in turns if turn.offset >= first)]
