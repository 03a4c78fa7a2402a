"""One slice, read: everything that is answered about the contracts and entities of one partition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from agents import promises, proposals
from agents.alarms import CONFLICT, STAFFING, refusal
from agents.contracts import Contracts, Reference
from app.domain import calendar, sla
from app.domain.burn import Position
from app.domain.casework import case_id
from app.domain.ledger import STATUS_NAMES
from app.domain.money import show
from app.domain.regional import RULE
from app.engine import reconciled, shapes
from app.engine.explain import explain
from app.engine.figures import entities_of, people_of, told
from app.engine.messages import Messages
from app.engine.outgoing import Outgoing
from app.engine.parts import Behind
from app.engine.reconciled import Extracts
from app.engine.roster import Roster
from app.engine.shapes import Answer
from app.engine.watched import Watched
from app.events.cloudevents import exported, timestamp
from app.events.fact import Fact
from tables import Store, Table
from tables.controls import CONTROLS, Control
from tables.dossiers import DOSSIERS
from tables.entities import ENTITIES
from tables.exceptions import EXCEPTIONS
from tables.extracts import EXTRACTS
from tables.heads import HEADS, Head
from tables.plans import PLANS
from tables.reference import REFERENCE


class Slice:
    """Answers from the tables of one partition. `day` is a day number, None: no day is known.

    What is compiled or composed here is forgotten when a batch writes what it stands on (`note`), so no answer is older
    than the tables. Every call is one consistent moment, as nothing else runs meanwhile.
    """

    def __init__(self, number: int, store: Store) -> None:
        self.number, self.store = number, store
        self._opened: Contracts | None = None
        self._messages = Messages(store)
        self._rows: dict[str, tuple[int | None, Answer]] = {}
        self._unlocks: dict[str, tuple[int | None, list[Answer]]] = {}
        self._measured: dict[str, tuple[tuple[int | None, int], sla.Measures]] = {}
        self._watched = Watched(store)
        self._blocked: dict[str, tuple[int | None, tuple[str | None, list[Answer]]]] = {}
        self._desk: dict[str, list[Answer]] = {}  # contracts with anything at the exceptions desk, as of a day
        self._desk_day: int | None = None
        self._due: set[str] | None = None  # contracts that changed since; None: all of them are to be read
        self._extracts: Extracts | None = None
        self._reconciled: dict[str, tuple[int | None, Answer]] = {}
        self.roster = Roster(store)
        self.outgoing = Outgoing(store)

    @property
    def _contracts(self) -> Contracts:
        if self._opened is None:
            self._opened = Contracts(self.store, Reference(self.store))
        return self._opened

    def note(self, writes: Iterable[tuple[Table[Any], str, Any]]) -> None:
        """Forget what these writes changed."""
        for table, key, value in writes:
            self._messages.note(table, key, value)
            self._watched.note(table, key, value)
            self.roster.note(table, key)
            self.outgoing.note(table, key, value)
            if table is REFERENCE:
                self._opened = None
                self._rows.clear()
                self._unlocks.clear()
                self._blocked.clear()
                self._measured.clear()
                self._extracts = None
                self._reconciled.clear()
                self._due = None
            elif table is EXTRACTS:
                self._reconciled.pop(key.partition("\x1f")[0], None)
            elif table is DOSSIERS:
                self._contracts.forget(key)
            elif table is PLANS and value is not None:
                self._contracts.rebook(value.plan.contract_id)
            elif table is HEADS:
                self._rows.pop(key, None)
                self._unlocks.pop(key, None)
                self._blocked.pop(key, None)
                self._measured.pop(key, None)
                self._reconciled.pop(key, None)
                if self._due is not None:
                    self._due.add(key)

    def controls(self, prefix: str = "") -> Iterator[Control]:
        for _, control in self.store.scan(CONTROLS, prefix):
            yield control

    # -- contracts --------------------------------------------------------------------------------------------------

    def ids(self) -> Iterable[str]:
        """Every contract that anything ever named, in order."""
        return self._contracts.ids()

    def has(self, contract_id: str) -> bool:
        return self._contracts.head(contract_id) is not None

    def _position(self, contract_id: str, day: int | None) -> tuple[Position, Head] | None:
        head = self._contracts.head(contract_id)
        return None if head is None else (self._contracts.position(contract_id, head, day), head)

    def row(self, contract_id: str, day: int | None) -> Answer:
        """A contract of the overview that is among `ids`; kept until the contract or the day changes."""
        known = self._rows.get(contract_id)
        if known is not None and known[0] == day:
            return known[1]
        found = self._position(contract_id, day)
        assert found is not None  # it was listed
        position, head = found
        row = shapes.contract(position, self._contracts.burn(position)[0], self._contracts.readiness(position, head))
        self._rows[contract_id] = (day, row)
        return row

    def contract(self, contract_id: str, day: int | None) -> Answer | None:
        found = self._position(contract_id, day)
        if found is None:
            return None
        position, _ = found
        terms = position.terms
        return {
            **self.row(contract_id, day),
            "client": {"client_id": terms.client_id if terms else None},
            "term": shapes.term(terms),
            "purchase_order": dict(terms.purchase_order) if terms else None,
            "practice": terms.said.get("practice") if terms else None,
            "lines": [shapes.line(terms, row) for row in self._contracts.burn(position) if row["line_id"] is not None],
            "erp_project": self._contracts.compiled(contract_id).project(terms.version) if terms else None,
            "versions": shapes.versions(position.agreement),
            "rates": [shapes.rate(card) for card in self._contracts.compiled(contract_id).cards],
        }

    def burn(self, contract_id: str, day: int | None) -> list[Answer] | None:
        found = self._position(contract_id, day)
        return None if found is None else self._contracts.burn(found[0])

    def readiness(self, contract_id: str, day: int | None) -> Answer | None:
        found = self._position(contract_id, day)
        return None if found is None else self._contracts.readiness(*found)

    def documents(self, contract_id: str, day: int | None) -> list[Answer] | None:
        """The live documents of a contract, by key, each with where it is on its way now."""
        found = self._position(contract_id, day)
        if found is None:
            return None
        rows = proposals.rows(self._contracts, *found)
        return [{**row, "delivery": self.outgoing.delivery(row["document_key"])} for row in rows]

    def unlocks(self, contract_id: str, day: int | None) -> list[Answer]:
        """Fixes of one contract that is among `ids`, with the cash behind each; kept until contract or day change."""
        known = self._unlocks.get(contract_id)
        if known is not None and known[0] == day:
            return known[1]
        found = self._position(contract_id, day)
        assert found is not None  # it was listed
        rows = self._contracts.unlocks(*found, self._contracts.readiness(*found))
        self._unlocks[contract_id] = (day, rows)
        return rows

    def forecast(self, contract_id: str, day: int | None) -> Answer | None:
        found = self._position(contract_id, day)
        if found is None:
            return None
        position, head = found
        contracts = self._contracts
        return contracts.forecast(position, contracts.burn(position)[0], contracts.assess(position, head))

    def revenue(self, contract_id: str, day: int | None) -> list[Answer] | None:
        found = self._position(contract_id, day)
        return None if found is None else self._contracts.revenue(found[0])

    def explain(self, contract_id: str, figure: str, line_id: str | None, day: int | None) -> Answer | None:
        """Raises ValueError for a figure that entries do not add up to."""
        head = self._contracts.head(contract_id)
        return None if head is None else explain(self._contracts, head, contract_id, figure, line_id, day)

    # -- behind the figures -----------------------------------------------------------------------------------------

    def entries(
        self,
        contract_id: str,
        after: str,
        limit: int,
        line_id: str | None,
        status: str | None,
        days: Sequence[int],
        day: int | None,
    ) -> list[Answer] | None:
        """Time entries with a work date in `days` (first, last) that follow the cursor `after`."""
        found = self._position(contract_id, day)
        if found is None:
            return None
        position, _ = found
        contract = self._contracts.compiled(contract_id)
        low, high = days
        begun = orjson.loads(after) if after else None
        rows: list[Answer] = []
        for entry, row, claims in position.book.rows(max(low, begun[0]) if begun else low, high):
            if begun and [row.day, entry] <= begun:
                continue
            if (line_id is not None and row.line != line_id) or (
                status is not None and STATUS_NAMES[row.status] != status
            ):
                continue
            rows.append(shapes.entry(contract, entry, row, claims, position))
            if len(rows) == limit:
                break
        return rows

    def daily(self, contract_id: str, day: int | None) -> Answer | None:
        found = self._position(contract_id, day)
        if found is None:
            return None
        position = found[0]
        exponent = position.exponent
        steps = position.agreement.steps()
        return {
            "contract_id": contract_id,
            "days": [
                {"on": calendar.text_of(on), "minutes": minutes, "amount": show(amount, exponent)}
                for on, minutes, amount in position.book.days(None, calendar.BEGINNING, position.day)
            ],
            "budget": [{"from": calendar.text_of(on), **shapes.budget(terms, exponent)} for on, terms in steps],
            "cap": shapes.cap(position.terms),
            "exhaustion": self._exhaustion(position, found[1]),
        }

    def _exhaustion(self, position: Position, head: Head) -> Answer:
        """Of burn and of the forecast."""
        burn = self._contracts.burn(position)[0]
        forecast = self._contracts.forecast(position, burn, self._contracts.assess(position, head))
        return {**burn["exhaustion"], **forecast["exhaustion"]}

    def behind(self, contract_id: str) -> Behind:
        """What the contract's figures rest on, or would if it were named; the entities' messages are kept where their
        own keys lead."""
        return Behind(
            self.has(contract_id),
            list(told(self.store, contract_id)),
            entities_of(self.store, contract_id),
            people_of(self.store, contract_id),
        )

    def facts(self, key: str) -> list[Fact]:
        """Every message about an entity of this slice."""
        entity = self.store.get(ENTITIES, key)
        return entity.facts if entity is not None else []

    async def event(self, source: str, event_id: str) -> Answer | None:
        fact = await self._messages.find(source, event_id)
        if fact is None:
            return None
        answer: Answer = orjson.loads(exported(fact))
        return answer

    # -- the whole --------------------------------------------------------------------------------------------------

    def parked(self) -> int:
        """Entities kept for contracts without an approval."""
        return sum(sum(control.waiting.values()) for control in self.controls("engagement/"))

    def standing(self, day: int | None) -> Iterator[Answer]:
        """Contradictions, calendars that break a rule of their region, contracts with parked entities, and blockers of
        tier critical and blocking."""
        for key, raised in self.store.scan(EXCEPTIONS):
            told = {name: getattr(raised, name) for name in ("code", "tier", "owner", "subject", "message")}
            row = {**told, "since": timestamp(raised.since)}
            kind = STAFFING if raised.code == RULE else CONFLICT
            yield shapes.standing(kind, case_id(key), row, raised.evidence)
        for control in self.controls("engagement/"):
            for contract_id, count in sorted(control.waiting.items()):
                if count:
                    yield self._parked(contract_id, count, day)
        for _, rows in sorted(self._at_contracts(day).items()):
            yield from map(self.outgoing.placed, rows)
        yield from map(self.outgoing.placed, self.outgoing.standing())

    def _at_contracts(self, day: int | None) -> dict[str, list[Answer]]:
        """Blockers and refused documents of the contracts that have any; only contracts that changed are read again."""
        if self._due is None or self._desk_day != day:
            self._due = set(self.ids())
            self._desk.clear()
        for contract_id in self._due:
            rows = [*self._blockers(contract_id, day), *self._refused_documents(contract_id)]
            self._desk.pop(contract_id, None)
            if rows:
                self._desk[contract_id] = rows
        self._due, self._desk_day = set(), day
        return self._desk

    def _refused_documents(self, contract_id: str) -> Iterator[Answer]:
        """Documents that an ERP refused, until it accepts them or a higher revision of them."""
        for message, said in self._contracts.compiled(contract_id).refusals:
            row = shapes.alarm(refusal(message, said))
            document = {"document_key": said["document_key"], "document_revision": message.revision}
            cause = {"target": said["target"], "event_source": message.source, "event_id": message.id}
            yield {**row, "document": {**document, **cause}}

    def _parked(self, contract_id: str, count: int, day: int | None) -> Answer:
        [blocker] = [one for one in self._open(contract_id, day)[1] if one["code"] == "CONTRACT_UNKNOWN"]
        row = {
            **blocker,
            "subject": f"contract/{contract_id}",
            "message": f"{count} records wait for contract {contract_id}: {blocker['fix']}",
        }
        return shapes.standing("parked", case_id("parked", contract_id), row, blocker["evidence"])

    def _blockers(self, contract_id: str, day: int | None) -> Iterator[Answer]:
        currency, found = self._open(contract_id, day)
        if any(blocker["code"] == "CONTRACT_UNKNOWN" for blocker in found):
            return  # the contract is at the desk as parked, and what else it lacks follows from that
        for blocker in found:
            row = {
                **blocker,
                "currency": currency,
                "subject": f"contract/{contract_id}",
                "message": f"{blocker['count']} of {contract_id}: {blocker['fix']}",
            }
            yield shapes.standing("blocker", case_id("blocker", contract_id, blocker["code"]), row, blocker["evidence"])

    def _open(self, contract_id: str, day: int | None) -> tuple[str | None, list[Answer]]:
        """Currency and critical or blocking blockers of a contract; kept until the contract or the day changes."""
        known = self._blocked.get(contract_id)
        if known is None or known[0] != day:
            found = self._position(contract_id, day)
            assert found is not None  # it was listed
            row = self._contracts.readiness(*found)
            blockers = [one for one in row["blockers"] if one["tier"] in ("critical", "blocking")]
            terms = found[0].terms
            known = self._blocked[contract_id] = (day, (terms.currency if terms else None, blockers))
        return known[1]

    def promises(self, day: int | None, since: int) -> sla.Measures:
        """What this slice adds to the measures of business SLAs; kept by contract until it or the day changes."""
        parts = [self._measure(contract_id, day, since) for contract_id in self.ids()]
        return sla.total([*parts, self._watched.staffing(since)])

    def measure_some(self, day: int | None, since: int, most: int) -> bool:
        """Measure at most so many contracts that are not measured yet; whether all of them are now."""
        for contract_id in self.ids():
            known = self._measured.get(contract_id)
            if known is None or known[0] != (day, since):
                if not most:
                    return False
                self._measure(contract_id, day, since)
                most -= 1
        return True

    def _measure(self, contract_id: str, day: int | None, since: int) -> sla.Measures:
        known = self._measured.get(contract_id)
        if known is None or known[0] != (day, since):
            head = self._contracts.head(contract_id)
            assert head is not None  # it was listed
            measures = promises.of_contract(self._contracts, contract_id, head, day, since)
            known = self._measured[contract_id] = ((day, since), measures)
        return known[1]

    def reconciliation(self, day: int | None) -> Answer:
        """Differences of this slice's contracts from extracts that are kept; kept by contract until it or they change.

        `disputed`: entities of which two messages disagree, wherever their contracts are.
        """
        if self._extracts is None:
            self._extracts = Extracts(self.store)
        known = self._extracts
        parts = [self._reconcile(one, day, known) for one in sorted({*self.ids(), *known.contracts()})]
        subjects = {raised.subject for _, raised in self.store.scan(EXCEPTIONS)}
        return {
            "extracts": known.shown(),
            "drift": [drift for part in parts for drift in part["drift"]],
            "ageing": [one for part in parts for one in part["ageing"]],
            "compared": shapes.sums([part["compared"] for part in parts]) if parts else {},
            "disputed": sorted(subject for subject in subjects if subject.startswith("time/")),
        }

    def _reconcile(self, contract_id: str, day: int | None, known: Extracts) -> Answer:
        kept = self._reconciled.get(contract_id)
        if kept is None or kept[0] != day:
            head = self._contracts.head(contract_id)
            answer = reconciled.of_contract(self._contracts, contract_id, head, known.of(contract_id), day)
            kept = self._reconciled[contract_id] = (day, answer)
        return kept[1]

    def cases(self) -> Iterable[tuple[str, Answer]]:
        """What was done about exceptions, by their ids."""
        return self._watched.cases().items()

    def exceptions_count(self) -> int:
        return sum(1 for _ in self.store.keys(EXCEPTIONS))
