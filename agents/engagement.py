"""Engagement: everything known of a contract, priced, added up and published."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from agents.alarms import raised, refusal, resolved
from agents.contracts import Contract, Contracts, RateFacts, Reference, latest
from agents.custody import Register, cause_of, merge, merge_version, raise_conflicts, recalled
from agents.desk import Desk
from agents.effects import (
    BURN,
    DOCUMENTS,
    FORECAST,
    PRACTICES,
    READINESS,
    REVENUE,
    THRESHOLDS,
    Batch,
    Effects,
    Send,
    Statement,
    contract_of,
    key_of,
)
from agents.promised import Promised
from agents.proposals import Clerk, Scope
from app.domain import burn, calendar, masters, revenue
from app.domain.burn import Crossing, Position, Reached
from app.domain.documents import Filed
from app.domain.fx import Quote, quote_of
from app.domain.ledger import NIL, NIL_CREDITED, WRITE_OFF, Claims
from app.domain.money import micro
from app.domain.rates import Card, card_of
from app.domain.readiness import Assessment
from app.domain.regional import of_people_only
from app.domain.resolution import effective, insert, name_of
from app.domain.revenue import Hint
from app.domain.sla import NO_TARGETS
from app.domain.terms import Agreement
from app.domain.walks import Walks
from app.events.fact import Fact
from app.events.home import Home
from app.events.plan import Plan
from app.events.posting import Draft, Halt, Reply, Resend
from tables import Store, extracts, invoices, proposals
from tables.dossiers import CONTRACT, DOSSIERS, Dossier
from tables.entities import Entity
from tables.extracts import EXTRACTS, Listed
from tables.heads import HEADS, Head, Latest
from tables.invoices import INVOICES, Invoice
from tables.plans import PLANS
from tables.proposals import PROPOSALS, STANDINGS, Proposals, Standing
from tables.reference import REFERENCE


async def engagement(
    batches: AsyncIterator[Batch], store: Store, targets: Mapping[str, int] = NO_TARGETS
) -> AsyncIterator[Effects]:
    """Fold each batch of a partition's journal into its contracts and publish the statements of those it touched.

    `targets`: the firm's own of business SLAs (`app.domain.sla.targets`).
    """
    agent: _Engagement | None = None
    async for batch in batches:
        agent = agent or _Engagement(store, batch.partition, targets)
        yield agent.fold(batch)


class _Engagement:
    """The agent's memory of one partition: compiled contracts, reference data, and who uses which scope of rates."""

    FILING = 2_000  # of so many contracts what is to be said next is kept; the others are asked once more

    def __init__(self, store: Store, partition: int, targets: Mapping[str, int]) -> None:
        self.store, self.partition = store, partition
        self.reference = Reference(store)
        self.contracts = Contracts(store, self.reference)
        self.unpublished: dict[str, int] = {}  # contract → first day changed since its last statement
        # Every contract is due: after a tick or a holiday, and at the start, when nobody knows what was said last.
        self.restate = True
        self.restating: set[str] = set()  # contracts of which everything is due, not only what changed
        self.periods: dict[str, set[str] | None] = {}  # contract → whose work changed meanwhile; None: perhaps of any
        # Contracts that are due for a new document only, as nothing changed since: what was found of their documents.
        self.filing: dict[str, Filed] = {}
        self.again: dict[str, set[str]] = {}  # contract → documents of it that are to be said again as they are
        # `client/x`, `currency/x` … → contracts whose terms name it; `rate/x`, `policy/x` → whose own it is
        self._marked: dict[str, set[str]] | None = None
        self._walks: dict[str, Walks] = {}
        self.hinted = Hinted()
        self.promised = Promised(targets)
        self._users: dict[str, set[str]] | None = None  # `role/x`, `person/x` → contracts whose work named it

    def fold(self, batch: Batch) -> Effects:
        work = _Work(self, batch)
        for record in batch.records:
            work.take(record.offset, record.value)
        return work.close()

    def begin(self, today: int) -> None:
        """What business SLAs count is another every day."""
        if self.promised.as_of != today:
            self.promised.begin(today, self.store.keys(HEADS))

    def walks_over(self, contract_id: str, earliest: int) -> Walks:
        """What earlier walks over a contract's entries came to, where no work from `earliest` on is in it."""
        if len(self._walks) >= Contracts.LIMIT:
            self._walks.clear()
        walks = self._walks.setdefault(contract_id, Walks())
        walks.changed(earliest)
        return walks

    def users_of(self, card: Card) -> Iterable[str]:
        """Contracts that a rate of this scope may price."""
        if card.resource_id is not None:
            return self._named(f"person/{card.resource_id}")
        return self._named("any" if card.role is None else f"role/{card.role}")

    def spending(self, currency: str) -> Iterable[str]:
        """Contracts with expenses in a currency."""
        return self._named(f"currency/{currency}")

    def users(self) -> Mapping[str, set[str]]:
        """Who uses what; found out from what the tables hold, unless it is known."""
        if self._users is None:
            self._users = {}
            for contract_id, head in self.store.scan(HEADS):
                self.note_users(contract_id, _named_by(head))
            for _, booked in self.store.scan(PLANS):
                self.note_booked(booked.plan)
        return self._users

    def _named(self, what: str) -> Iterable[str]:
        return sorted(self.users().get(what, ()))

    def concerned(self, kind: str, name: str, *, anyway: bool = False) -> list[str]:
        """Contracts whose checks look at an entity of master data: those that name it and have a policy in force.

        `anyway`: whether they have one or not.
        """
        marked = self._marks()
        found = {contract_id for mark in masters.users(kind, name) for contract_id in marked.get(mark, ())}
        anyway = anyway or bool(self.reference.masters.rulings)
        return sorted(one for one in found if anyway or self.contracts.compiled(one).rulings)

    def having(self, paper: str) -> Iterable[str]:
        """Contracts that have a rate or a policy (`rate/x`, `policy/x`) of their own under this id."""
        return self._marks().get(paper, ())

    def _marks(self) -> Mapping[str, set[str]]:
        """By what contracts are known; found out from what the tables hold, unless it is known."""
        if self._marked is None:
            self._marked = {}
            for contract_id in self.store.keys(DOSSIERS):
                self.note_marks(contract_id)
        return self._marked

    def note_marks(self, contract_id: str) -> None:
        """Remember what master data the contract's terms name, under any version, and which rates and policies are its
        own; marks are never taken away."""
        if self._marked is not None:
            contract = self.contracts.compiled(contract_id)
            marks = {mark for terms in contract.agreement.every() for mark in masters.marks(terms.said)}
            marks.update(paper for paper in contract.readings.facts if paper.partition("/")[0] in _ENDED_ANYWHERE)
            for mark in marks:
                self._marked.setdefault(mark, set()).add(contract_id)

    def note_users(self, contract_id: str, named: Iterable[str]) -> None:
        """Remember what the contract's work named for the first time, where it is known who uses what."""
        if self._users is not None:
            for name in named:
                self._users.setdefault(name, set()).add(contract_id)

    def note_booked(self, plan: Plan) -> None:
        """A rate of the person or the role prices what is booked, too."""
        if self._users is not None and plan.runs:
            self._users.setdefault(f"person/{plan.resource_id}", set()).add(plan.contract_id)
            self._users.setdefault(f"role/{plan.role}", set()).add(plan.contract_id)


def _named_by(head: Head) -> Iterator[str]:
    """Whatever a contract's work ever named, as `_Engagement` has it."""
    yield "any"
    yield from (f"person/{person}" for person in head.people)
    yield from (f"role/{role}" for role in head.roles)
    yield from (f"currency/{currency}" for currency in head.currencies)


_REACH = (None, "")  # where `Hinted` keeps which lines and periods it knows of


class Hinted:
    """What was last said of each line's periods, of as many contracts as there is room for, since this process began.

    Whatever it has forgotten is stated once more; nothing depends on what it knows but how much is stated again.
    """

    LIMIT = 5_000

    def __init__(self) -> None:
        # Two generations, as in `app.engine.kept`: what is said again moves into the young one.
        self._young: dict[str, dict[tuple[str | None, str], int]] = {}
        self._old: dict[str, dict[tuple[str | None, str], int]] = {}
        self._open: set[str] = set()  # contracts whose papers changed since: any of their periods may have, too

    def reopen(self, contract_id: str) -> None:
        self._open.add(contract_id)

    def since(self, contract_id: str, earliest: int, reach: tuple[int, tuple[str | None, ...]]) -> int:
        """From which day on hints may differ from what was said last; `earliest`: the first whose work changed.

        `reach` is of which periods and lines there are hints: where it grows, there are more.
        """
        said = self._young.get(contract_id)
        if said is None:
            if len(self._young) >= self.LIMIT:
                self._young, self._old = {}, self._young
            said = self._young[contract_id] = self._old.pop(contract_id, {})
        content = hash(reach)
        known = said.get(_REACH) == content and contract_id not in self._open
        said[_REACH] = content
        return earliest if known else calendar.BEGINNING

    def changed(self, contract_id: str, hint: Hint, cause: Latest) -> bool:
        """Whether the hint, or its cause, differs from what was said last; if so, remember it."""
        said = self._young[contract_id]
        content = hash((revenue.content(hint), cause))
        if said.get((hint.line_id, hint.period)) == content:
            return False
        said[hint.line_id, hint.period] = content
        return True

    def close(self, contract_id: str) -> None:
        self._open.discard(contract_id)


class _Work:
    """One batch."""

    def __init__(self, agent: _Engagement, batch: Batch) -> None:
        self.agent, self.store = agent, agent.store
        self.batch = batch
        self.first = batch.records[0].offset if batch.records else calendar.FOREVER
        self.last = batch.records[-1].offset if batch.records else -1
        self.effects = Effects(batch)
        self.register = Register(self.store, f"engagement/{agent.partition}")
        self.desks: dict[str, Desk] = {}
        self.dossiers: dict[str, Dossier] = {}
        self.before: dict[str, Contract] = {}  # compiled dossiers as they were before this batch
        self.told: dict[str, set[str]] = {}  # contract → papers of its dossier that this batch says something of
        self.references: dict[str, Entity] = {}
        # Cards of the firm that are gone or new, where they were said; and whether nothing of that was kept by a crash.
        self.rates: list[tuple[int, Card, bool]] = []
        self.invoices: dict[str, Invoice] = {}  # of which this batch says something; applied at its end
        self.credited: set[tuple[str, str]] = set()  # contracts and their credits that this batch says something of
        self.extracts: dict[str, Listed] = {}
        self.proposals: dict[str, Proposals] = {}
        self.standings: dict[str, Standing | None] = {}

    def desk(self, contract_id: str) -> Desk:
        desk = self.desks.get(contract_id)
        if desk is None:
            desk = self.desks[contract_id] = Desk(contract_id, self.store, self.agent.contracts, self.first)
        return desk

    def take(self, offset: int, value: Any) -> None:
        if type(value) is Home:
            (self.desks.get(value.contract_id) or self.desk(value.contract_id)).settle(offset, value)
        elif isinstance(value, Plan):
            self.desk(value.contract_id).book(offset, value)
            self.agent.contracts.rebook(value.contract_id)
            self.agent.note_booked(value)
        elif isinstance(value, Resend):
            self._resend(offset, value)
        elif not self.register.redelivered(offset, value):
            self._take_fact(offset, value)

    def _take_fact(self, offset: int, fact: Fact) -> None:
        kind = fact.kind
        named = _read_names(fact.data)
        if kind == "invoice" and named.contract_id is not None:
            self._invoice(offset, fact, named.contract_id, named.invoice_id or fact.entity)
        elif kind == "extract" and named.contract_id is not None:
            self._list(offset, fact, named.contract_id)
        elif named.contract_id is not None:
            self._file(offset, fact, named.contract_id, kind)
        else:
            self._refer(offset, fact, kind)

    def _count(self, offset: int, disposition: str) -> None:
        self.register.count(offset, disposition)

    # -- what a contract is told ------------------------------------------------------------------------------------

    def _file(self, offset: int, fact: Fact, contract_id: str, kind: str) -> None:
        """A fact of the contract itself goes into its dossier."""
        dossier = self._dossier(contract_id)
        desk = self.desk(contract_id)
        desk.hear(offset, latest(fact), fact.time)
        key = CONTRACT if kind == "contract" else f"{kind}/{fact.entity}"
        before = _rate_of(dossier, key)
        if offset > dossier.fence:
            dossier.fence = offset
            self._count(offset, _file_in(dossier.facts, key, fact))
        else:
            # A crash kept the fact, perhaps without its consequences, and what held before it is lost.
            self._count(offset, recalled(dossier.facts[key], fact))
            desk.reprice(calendar.BEGINNING, calendar.FOREVER)
        if kind in _ENDED_ANYWHERE:
            self._end(offset, contract_id, key)
        self._follow(contract_id, key, before)

    def _follow(self, contract_id: str, key: str, before: Card | None) -> None:
        """What a paper that more was said of brings with it; `before` is the rate it was."""
        dossier, desk = self.dossiers[contract_id], self.desk(contract_id)
        kind, _, name = key.partition("/")
        self.told.setdefault(contract_id, set()).add(key)
        if kind in _EVERYWHERE:
            self.agent.periods[contract_id] = None
        if kind == "erp":
            self._to_gate(contract_id, [_reply(contract_id, dossier.facts[key], dossier.fence)])
            self._state_refusals(contract_id, dossier, key)
        if kind == "writeoff":
            _apply_write_off(desk, name, dossier.facts[key])
        if kind == "rate":
            for card in filter(None, (before, card_of(dossier.facts[key]))):
                desk.reprice_by(card)
        self._raise_conflicts(contract_id, key, dossier.facts[key], dossier.fence, dossier.resent.get(key, ()))

    def _end(self, offset: int, contract_id: str, key: str) -> None:
        """Who withdraws a rate or a policy need not say whose it is: it ends in every contract that has it.

        The contract keeps a copy of what was said, whichever it heard of first.
        """
        known = self.references.get(key) or self.store.get(REFERENCE, key)
        for fact in known.facts if known is not None else ():
            if fact.type in _ENDING:
                insert(self.dossiers[contract_id].facts[key], msgspec.structs.replace(fact))
                self.desk(contract_id).hear(offset, latest(fact), fact.time)

    def _end_everywhere(self, offset: int, key: str) -> None:
        here = {contract_id for contract_id, dossier in self.dossiers.items() if key in dossier.facts}
        for contract_id in sorted({*self.agent.having(key), *here}):
            dossier = self._dossier(contract_id)
            before = _rate_of(dossier, key)
            if offset <= dossier.fence:  # as in `_file`
                self.desk(contract_id).reprice(calendar.BEGINNING, calendar.FOREVER)
            dossier.fence = max(dossier.fence, offset)
            self._end(offset, contract_id, key)
            self._follow(contract_id, key, before)

    def _resend(self, offset: int, resend: Resend) -> None:
        """The gate is told what is wanted, and then the document as it is now. What ERP answered before contradicts
        nothing that it answers after."""
        contract_id, key = resend.contract_id, f"erp/{resend.key}/{resend.target}"
        dossier = self._dossier(contract_id)
        dossier.fence = max(dossier.fence, offset)
        if resend.refusals:
            dossier.resent[key] = sorted({*resend.refusals, *dossier.resent.get(key, ())})
        self.told.setdefault(contract_id, set())
        if key in dossier.facts:
            self._raise_conflicts(contract_id, key, dossier.facts[key], dossier.fence, dossier.resent.get(key, ()))
        if contract_id not in self.desks and self.store.get(HEADS, contract_id) is None:
            return  # nobody spoke of the contract itself yet
        self.desk(contract_id).touch(offset)
        self._to_gate(contract_id, [resend])
        name = resend.key.removeprefix(f"{key_of(contract_id)}/")
        self.agent.again.setdefault(contract_id, set()).add(name)
        periods = self.agent.periods.setdefault(contract_id, set())
        if periods is not None:
            periods.add(name.partition("/")[0])

    def _state_refusals(self, contract_id: str, dossier: Dossier, key: str) -> None:
        """A document that an ERP refused is an exception, until it accepts it or speaks of a higher revision of it.

        Whoever answers in the name of another contract than the document's says nothing of the document.
        """
        facts, fence = dossier.facts[key], dossier.fence
        over = {}
        for fact in facts:
            said = msgspec.json.decode(fact.data)
            if said.get("status") == "rejected" and contract_of(said["document_key"]) == contract_id:
                one = refusal(fact, said)
                over[one.exception_id] = one
        cause, say = cause_of(facts), self.effects.statements.append
        message, said = effective(facts)
        stands = refusal(message, said) if said.get("status") == "rejected" else None
        if stands is not None and stands.exception_id in over:
            del over[stands.exception_id]
            say(raised(stands, fence, cause))
        for exception_id, one in sorted(over.items()):
            say(resolved(exception_id, one.code, one.subject, fence, cause))

    def _dossier(self, contract_id: str) -> Dossier:
        dossier = self.dossiers.get(contract_id)
        if dossier is None:
            # Compiled now, because a store may hand out the very value that is changed next.
            self.before[contract_id] = self.agent.contracts.compiled(contract_id)
            dossier = self.dossiers[contract_id] = self.store.get(DOSSIERS, contract_id) or Dossier(-1, {})
        return dossier

    def _raise_conflicts(
        self, contract_id: str, key: str, facts: Sequence[Fact], fence: int, explained: Collection[str] = ()
    ) -> None:
        subject = f"contract/{contract_id}" if key == CONTRACT else f"contract/{contract_id}/{key}"
        raise_conflicts(self.effects, subject, facts, fence, explained)

    def _invoice(self, offset: int, fact: Fact, contract_id: str, invoice_id: str) -> None:
        invoice = self._paper(contract_id, invoice_id)
        desk = self.desk(contract_id)
        desk.hear(offset, latest(fact), fact.time)
        credit = f"credit/{fact.entity}" if fact.type == "invoice.credited.v1" else None
        if credit is not None and fact.entity not in invoice.credits:
            if credit in desk.head.documents or (contract_id, credit) in self.credited:
                invoice.credits.update(self._credit(contract_id, fact.entity))
            self.credited.add((contract_id, credit))
        filed = invoice.facts if credit is None else invoice.credits.setdefault(fact.entity, [])
        if offset > invoice.fence:
            invoice.fence = offset
            self._count(offset, _filed(filed, fact))
        else:
            self._count(offset, recalled(filed, fact))
        self._raise_conflicts(contract_id, credit or f"invoice/{invoice_id}", filed, invoice.fence)
        if credit is not None:
            self._share(contract_id, fact.entity, filed)

    def _paper(self, contract_id: str, invoice_id: str) -> Invoice:
        key = invoices.key(contract_id, invoice_id)
        invoice = self.invoices.get(key) or self.store.get(INVOICES, key) or Invoice(-1, [], {})
        self.invoices[key] = invoice
        return invoice

    def _credit(self, contract_id: str, credit_id: str) -> dict[str, list[Fact]]:
        """What was said of a credit while it named another invoice; looked for only where it did."""
        prefix = invoices.key(contract_id, "")
        here = {key: paper for key, paper in self.invoices.items() if key.startswith(prefix)}
        for paper in {**dict(self.store.scan(INVOICES, prefix)), **here}.values():
            if credit_id in paper.credits:
                return {credit_id: list(paper.credits[credit_id])}
        return {}

    def _list(self, offset: int, fact: Fact, contract_id: str) -> None:
        """What another system has: of its messages the latest extract's stands; it changes nothing of the contract."""
        key = extracts.key(contract_id, fact.entity)
        known = self.extracts.get(key) or self.store.get(EXTRACTS, key)
        fresh = known is None or offset > known.fence
        if known is None:
            known, disposition = Listed(offset, fact), "applied"
        elif not fresh:
            disposition = recalled([known.fact], fact)
        elif (fact.source, fact.id) == (known.fact.source, known.fact.id):
            disposition = "duplicate"
        elif _place(fact) > _place(known.fact):
            known, disposition = Listed(offset, fact), "applied"
        else:
            disposition = "stale"
        self.extracts[key] = Listed(max(offset, known.fence), known.fact)
        self._count(offset, disposition)

    def _share(self, contract_id: str, credit_id: str, said: list[Fact]) -> None:
        """Every invoice that some message about the credit names keeps all of them, so that each knows which counts."""
        named = {_read_names(fact.data).invoice_id or "" for fact in said}
        if len(named) == 1:
            return
        papers = {invoice_id: self._paper(contract_id, invoice_id) for invoice_id in sorted(named)}
        for paper in papers.values():
            for fact in paper.credits.get(credit_id, ()):
                insert(said, fact)
        for paper in papers.values():
            paper.credits[credit_id] = list(said)

    # -- what everybody is told -------------------------------------------------------------------------------------

    def _refer(self, offset: int, fact: Fact, kind: str) -> None:
        """Reference data and the clock: a copy in every partition, counted on the first."""
        if kind == "clock":
            self._tick(offset, fact)
            return
        key = f"{kind}/{fact.entity}"
        entity = self.references.get(key) or self.store.get(REFERENCE, key)
        before = card_of(entity.facts) if kind == "rate" and entity else None
        fresh = entity is None or offset > entity.fence
        if entity is None:
            entity, disposition = Entity(offset, 1, [fact]), "applied"
        elif fresh:
            disposition = merge(entity.facts, fact)
            entity.fence = offset
        else:
            disposition = recalled(entity.facts, fact)
        self.references[key] = entity
        self._count_once(offset, disposition)
        if self.agent.partition == 0:
            raise_conflicts(self.effects, key, entity.facts, entity.fence)
        if fact.type in _ENDING:
            self._end_everywhere(offset, key)
        if kind == "rate" and fresh:
            self._rate_changed(offset, before, card_of(entity.facts))
        elif kind == "rate":
            # A crash kept the rate, perhaps without its consequences: whatever it ever said may have priced something.
            said = [card_of([fact]) for fact in entity.facts]
            self.rates += [(offset, card, False) for card in said if card is not None]
        elif kind == "holiday":
            self.agent.reference.set_holiday(key, entity.facts)
            self._restate(offset)
        elif kind in masters.KINDS:
            self._master_changed(offset, kind, fact.entity, entity)
            if kind == "fx":
                self._convert(offset, quote_of(entity.facts))

    def _restate(self, offset: int) -> None:
        """What every contract of the partition rests on changed."""
        self.agent.restate = True
        self.register.control.ticked = max(offset, self.register.control.ticked)

    def _master_changed(self, offset: int, kind: str, name: str, entity: Entity) -> None:
        """A policy may touch every contract; other master data those that name it, once any policy asks for it."""
        known = self.agent.reference.masters
        known.take(kind, name, entity.facts)
        if kind == "policy":
            if not of_people_only(entity.facts):
                self._restate(offset)
        else:
            # When a period is closed, the documents of all who name its entity say where they are posted instead.
            for contract_id in self.agent.concerned(kind, name, anyway=kind == "period"):
                self.desk(contract_id).touch(offset)
                if kind == "period":
                    self.agent.periods[contract_id] = None

    def _convert(self, offset: int, quote: Quote) -> None:
        """Convert expenses anew that an exchange rate may have converted, or may convert now."""
        self.agent.reference.quotes.set(quote)
        here = {name for name, desk in self.desks.items() if quote.from_currency in desk.head.currencies}
        for contract_id in sorted({*self.agent.spending(quote.from_currency), *here}):
            agreement = self.agent.contracts.compiled(contract_id).agreement
            if contract_id in self.dossiers or quote.to_currency in {terms.currency for terms in agreement.every()}:
                self.desk(contract_id).touch(offset)
                self.desk(contract_id).convert(quote.on)

    def _count_once(self, offset: int, disposition: str) -> None:
        if self.agent.partition == 0:
            self._count(offset, disposition)

    def _tick(self, offset: int, fact: Fact) -> None:
        """Today moves, for every contract of the partition; only a greater tick does anything."""
        control = self.register.control
        today = calendar.number(fact.entity)
        if offset > control.fence:
            self._count_once(
                offset, "applied" if today > control.today else "duplicate" if today == control.today else "stale"
            )
        if today >= control.today:
            self.agent.restate = True
            if today > control.today:
                control.today, control.ticked = today, max(offset, control.ticked)

    def _rate_changed(self, offset: int, before: Card | None, after: Card | None) -> None:
        book = self.agent.reference.rates
        if before == after:
            return
        if before is not None:
            book.remove(before)
        if after is not None:
            book.add(after)
        self.rates += [(offset, card, True) for card in (before, after) if card is not None]

    def _reprice_users(self) -> None:
        """Price the work anew that cards of the firm may have priced, or may price now."""
        if not self.rates:
            return
        self.agent.users()  # from now on what is noted counts
        for contract_id, desk in self.desks.items():
            self.agent.note_users(contract_id, desk.named)
            for booked in desk.plans.values():
                self.agent.note_booked(booked.plan)
        for offset, card, fresh in self.rates:
            for contract_id in self.agent.users_of(card):
                if card.client_id is None or self._has_client(contract_id, card.client_id):
                    desk = self.desk(contract_id)
                    desk.touch(offset)
                    if fresh:
                        desk.reprice_by(card)
                    else:
                        desk.reprice(card.effective_from, card.effective_to)

    def _has_client(self, contract_id: str, client_id: str) -> bool:
        """Whether any version of the contract names the client (terms may change it from a date on)."""
        if contract_id in self.dossiers:
            return True
        agreement = self.agent.contracts.compiled(contract_id).agreement
        return (
            any(terms.client_id == client_id for _, terms in agreement.steps())
            or _client_before(agreement) == client_id
        )

    # -- out --------------------------------------------------------------------------------------------------------

    def close(self) -> Effects:
        agent, effects = self.agent, self.effects
        for contract_id, dossier in self.dossiers.items():
            before, after = (
                self.before[contract_id],
                agent.contracts.compile(contract_id, dossier, self.told.get(contract_id)),
            )
            for low, high in after.agreement.repriced(before.agreement):
                self.desk(contract_id).reprice(low, high)
            agent.note_marks(contract_id)
            agent.hinted.reopen(contract_id)
            if after.told != before.told:
                agent.restating.add(contract_id)
            if after.agreement is not before.agreement:
                agent.periods[contract_id] = None  # documents of any period say what the terms say
        self._reprice_users()
        for key, invoice in self.invoices.items():
            contract_id, _, invoice_id = key.partition("\x1f")
            _apply_invoice(self.desk(contract_id), invoice_id, invoice)
            agent.promised.hear(contract_id, invoice_id, invoice)
        waiting = self.register.control.waiting
        agent.begin(self.register.control.today)
        for contract_id, desk in self.desks.items():
            contract = agent.contracts.compiled(contract_id)
            desk.close(contract, self.last)
            agent.promised.note(contract_id, desk.changes())
            agent.note_users(contract_id, desk.named)
            agent.filing.pop(contract_id, None)
            if contract.agreement.known:
                waiting.pop(contract_id, None)
            else:
                waiting[contract_id] = desk.entities() + contract.papers + len(desk.head.documents)
            agent.unpublished[contract_id] = min(desk.earliest, agent.unpublished.get(contract_id, calendar.FOREVER))
            changed = agent.periods.setdefault(contract_id, set())
            if changed is not None:
                changed.update(desk.periods())
        idle = not (self.batch.records or agent.unpublished or agent.restate)
        if self.batch.publish:
            self._publish()
            if idle:
                self._measure()
        effects.patient = agent.promised.owing
        effects.owing = len(agent.unpublished) + effects.patient
        self._write()
        return effects

    def _write(self) -> None:
        writes = self.effects.writes
        writes.extend((REFERENCE, key, entity) for key, entity in self.references.items())
        writes.extend((DOSSIERS, key, dossier) for key, dossier in self.dossiers.items())
        writes.extend((INVOICES, key, invoice) for key, invoice in self.invoices.items())
        writes.extend((EXTRACTS, key, listed) for key, listed in self.extracts.items())
        for desk in self.desks.values():
            writes.extend(desk.writes())
        writes.extend((STANDINGS, key, standing) for key, standing in self.standings.items())
        writes.extend((PROPOSALS, contract_id, index) for contract_id, index in self.proposals.items())
        writes.append(self.register.closing(self.last))

    def _publish(self) -> None:
        """State what every touched contract comes to, or every contract there is."""
        agent = self.agent
        if agent.restate:
            agent.restating.update(agent.store.keys(HEADS), agent.unpublished)
            agent.unpublished.update(dict.fromkeys(agent.restating, calendar.BEGINNING))
            agent.filing.clear()
            agent.restate = False
        due = sorted(agent.unpublished)
        if self.batch.limit is not None and len(due) > self.batch.limit:
            due.sort(key=lambda contract_id: contract_id not in self.desks)  # what just changed comes first
            del due[self.batch.limit :]
        for contract_id in due:
            self._state(contract_id, agent.unpublished.pop(contract_id))
            agent.restating.discard(contract_id)

    def _measure(self) -> None:
        """There is nothing else to do: measure contracts for business SLAs, and tell of their sums."""
        agent = self.agent
        agent.promised.measure(agent.contracts)
        for told in agent.promised.told(agent.partition, self.register.control.fence):
            self.effects.sends.append(Send(PRACTICES, f"sla/{told.sla}", told))

    def _state(self, contract_id: str, earliest: int) -> None:
        control = self.register.control
        desk = self.desk(contract_id)
        head = desk.head
        version = max(head.touched, control.ticked)
        filed = self.agent.filing.pop(contract_id, None)
        if filed is not None:
            clerk = Clerk(self.agent.contracts, contract_id, head, control.today or None)
            self.agent.periods.pop(contract_id, None)
            self._to_gate(contract_id, clerk.resume(filed, version))
            self._keep(contract_id, clerk)
            return
        known = _Crossings(head, earliest)
        walks = self.agent.walks_over(contract_id, earliest)
        position = self.agent.contracts.position(
            contract_id,
            head,
            control.today or None,
            page=lambda number: desk.page(number).buckets,
            bucket=desk.bucket,
            booked=desk.booked,
            reached=known.reached,
            walks=walks,
        )
        known.walk = position.book.reached
        found = self.agent.contracts.assess(position, head)
        say = self.effects.statements.append
        rows = self.agent.contracts.burn(position)
        for payload in rows:
            key = key_of(contract_id) if payload["line_id"] is None else key_of(contract_id, payload["line_id"])
            say(Statement(BURN, "burn.updated.v1", key, version, payload, head.latest))
        payload = self.agent.contracts.readiness(position, head, found)
        say(Statement(READINESS, "readiness.updated.v1", key_of(contract_id), version, payload, head.latest))
        since = self.agent.hinted.since(contract_id, earliest, self.agent.contracts.reach(position))
        hints = list(self.agent.contracts.hints(position, min(since, position.day)))
        payload = self.agent.contracts.forecast(position, rows[0], found, hints)
        say(Statement(FORECAST, "burn.forecast_updated.v1", key_of(contract_id), version, payload, head.latest))
        self._state_documents(position, head, found, version)
        self._state_revenue(position, [hint for hint in hints if hint.on >= since], version, head)
        for line in (None, *position.lines()):
            self._state_thresholds(position, line, known, version, head)

    def _state_revenue(self, position: Position, hints: Iterable[Hint], version: int, head: Head) -> None:
        """A line's period is stated when its hint changes; its cause is that of thresholds, for the same reason."""
        contract_id = position.contract_id
        cause = self.agent.contracts.compiled(contract_id).told or head.latest
        known = self.agent.hinted
        for hint in hints:
            if known.changed(contract_id, hint, cause):
                payload = revenue.payload(position, hint)
                key = key_of(contract_id, hint.line_id or "", hint.period)
                self.effects.statements.append(Statement(REVENUE, "revenue.hinted.v1", key, version, payload, cause))
        known.close(contract_id)

    def _state_documents(self, position: Position, head: Head, found: Assessment, version: int) -> None:
        agent, contract_id = self.agent, position.contract_id
        restate = contract_id in agent.restating
        periods = agent.periods.pop(contract_id, set())
        changed = agent.contracts.adjustments(
            found.time.position,
            head,
            lambda invoice_id: self._known_paper(contract_id, invoice_id),
            self._rate_facts(contract_id),
        )
        clerk = Clerk(agent.contracts, contract_id, head, position.as_of)
        scope = Scope(None if restate else periods, restate, agent.again.pop(contract_id, frozenset()))
        halt = clerk.halt(found)
        if halt is not None:
            self._to_gate(contract_id, [Halt(contract_id, halt, version)])
        self._to_gate(contract_id, clerk.state(position, found, changed, scope, version))
        if clerk.waiting:
            agent.periods[contract_id] = clerk.waiting
            agent.unpublished[contract_id] = calendar.FOREVER
            if len(agent.filing) < agent.FILING:
                agent.filing[contract_id] = clerk.filed
        self._keep(contract_id, clerk)

    def _to_gate(self, contract_id: str, said: Iterable[Draft | Halt | Reply | Resend]) -> None:
        """Documents leave by way of the gate, which knows when ERP takes them."""
        self.effects.sends += [Send(DOCUMENTS, contract_id, one) for one in said]

    def _keep(self, contract_id: str, clerk: Clerk) -> None:
        """Write what is remembered of the contract's documents."""
        for name, standing in clerk.writes.items():
            if standing is not None:
                standing.fence = self.last
            self.standings[proposals.key(contract_id, name)] = standing
        index = clerk.index(self.last)
        if index is not None:
            self.proposals[contract_id] = index

    def _known_paper(self, contract_id: str, invoice_id: str) -> Invoice | None:
        key = invoices.key(contract_id, invoice_id)
        return self.invoices.get(key) or self.store.get(INVOICES, key)

    def _rate_facts(self, contract_id: str) -> RateFacts:
        def facts(rate_id: str) -> Sequence[Fact] | None:
            key = f"rate/{rate_id}"
            dossier = self.dossiers.get(contract_id) or self.store.get(DOSSIERS, contract_id)
            if dossier is not None and key in dossier.facts:
                return dossier.facts[key]
            entity = self.references.get(key) or self.store.get(REFERENCE, key)
            return entity.facts if entity is not None else None

        return facts

    def _state_thresholds(
        self, position: Position, line: str | None, known: _Crossings, version: int, head: Head
    ) -> None:
        """Thresholds of a line are stated when one of them changes, and whenever everything is.

        Their cause is the latest message about the contract, whose terms they are measured against: what was the latest
        about its work when they were stated depends on when that was. Without terms they are stated with the rest.
        """
        cause = self.agent.contracts.compiled(position.contract_id).told
        crossings = burn.crossings(position, line)
        changed = known.changed(line, crossings)
        if changed:
            self.desk(position.contract_id).changed = True
        elif cause is not None and position.contract_id not in self.agent.restating:
            return
        for payload in burn.threshold_rows(position, line, crossings):
            key = key_of(position.contract_id, line or "", payload["dimension"], str(payload["threshold"]))
            self.effects.statements.append(
                Statement(THRESHOLDS, "burn.threshold_updated.v1", key, version, payload, cause or head.latest)
            )


_ENDED_ANYWHERE = frozenset({"policy", "rate"})
"""Who withdraws one of these need not say whose it is."""

_ENDING = frozenset(f"{kind}.withdrawn.v1" for kind in _ENDED_ANYWHERE)

_EVERYWHERE = frozenset({"dispute", "hold", "policy", "writeoff"})
"""Of what these say, any document of the contract may show the consequences."""


class _Crossings:
    """When budgets were reached, as last stated: what happened before the first day that changed still holds."""

    def __init__(self, head: Head, earliest: int) -> None:
        self._head, self._earliest = head, earliest
        self.walk: Reached
        self._found: dict[tuple[str | None, int, int], int | None] = {}
        for line, crossings in head.crossings.items():
            for dimension, target, day, _ in crossings:
                if day and day < earliest:
                    self._found[line or None, dimension, target] = day

    def reached(self, line: str | None, dimension: int, target: int, as_of: int) -> int | None:
        key = (line, dimension, target)
        if key not in self._found:
            self._found[key] = self.walk(line, dimension, target, as_of)
        return self._found[key]

    def changed(self, line: str | None, now: list[Crossing]) -> bool:
        """Whether the line's thresholds differ from what was stated last; if so, remember them."""
        if self._head.crossings.get(line or "") == now:
            return False
        self._head.crossings[line or ""] = now
        return True


class _Names(msgspec.Struct, gc=False):
    contract_id: str | None = None
    invoice_id: str | None = None
    effective_from: str | None = None


_read_names = msgspec.json.Decoder(_Names).decode


def _file_in(filed: dict[str, list[Fact]], key: str, fact: Fact) -> str:
    """Keep a message in its file; every version of a contract counts in its own right."""
    said = filed.get(key)
    if said is None:
        filed[key] = [fact]
        return "applied"
    if key != CONTRACT:
        return merge(said, fact)
    return merge_version(said, fact)


def _rate_of(dossier: Dossier, key: str) -> Card | None:
    """The rate that a paper of the dossier is; None where it is none, or none yet."""
    return card_of(dossier.facts[key]) if key.startswith("rate/") and key in dossier.facts else None


def _place(fact: Fact) -> tuple[int, int, str, str]:
    return fact.revision, fact.time, fact.source, fact.id


def _reply(contract_id: str, facts: Sequence[Fact], number: int) -> Reply:
    message, said = effective(facts)
    names = ("document_key", "target", "status", "erp_id", "reason")
    key, target, status, erp_id, reason = (said.get(name) for name in names)
    return Reply(
        contract_id,
        key or "",
        target or "",
        message.revision,
        status or "",
        erp_id,
        reason,
        message.time,
        name_of(message),
        number,
    )


def _filed(said: list[Fact], fact: Fact) -> str:
    if not said:
        said.append(fact)
        return "applied"
    return merge(said, fact)


def _apply_invoice(desk: Desk, invoice_id: str, invoice: Invoice) -> None:
    """Say of every entry that the invoice or a credit on it ever named what is claimed for it now.

    A credit that came to name another invoice is that one's to apply.
    """
    claims: dict[str, Claims] = {}
    documents, paper = desk.head.documents, f"invoice/{invoice_id}"
    nil, nil_credited = f"{NIL}{invoice_id}", f"{NIL_CREDITED}{invoice_id}"
    papers = [paper, nil, nil_credited]
    live, begins, about = False, calendar.BEGINNING, calendar.FOREVER
    at_nothing: set[str] = set()
    if invoice.facts:
        decided, said = effective(invoice.facts)
        live = decided.type != "invoice.voided.v1" and said.get("lines") is not None
        begins = _day(said.get("invoiced_on"))
        period = said.get("period")
        about = calendar.number(f"{period}-15") if period else begins
        documents[paper] = _claim(claims, paper, said if live else {}, begins, 1)
        at_nothing = _at_nothing(claims, paper, said)
    for key in at_nothing:
        claims[key][nil] = (0, begins)
    if not live or len(invoice.facts) > 1:
        # That it ever named the entity is kept: what was invoiced once has used up its document.
        for key in _ever_named(invoice.facts):
            claims.setdefault(key, {}).setdefault(paper, (0, begins))
    for credit_id, facts in invoice.credits.items():
        _, given = effective(facts)
        if given["invoice_id"] != invoice_id:
            continue
        credit = f"credit/{credit_id}"
        papers.append(credit)
        since = max(begins, _day(given.get("credited_on")))  # a credit counts with its invoice, not before
        documents[credit] = _claim(claims, credit, given if live else {}, since, -1)
        for key in at_nothing and at_nothing & _named(given):
            claims[key][nil_credited] = (0, min(since, claims[key].get(nil_credited, (0, since))[1]))
        desk.head.credited.pop(credit, None)
        if since != begins:
            desk.head.credited[credit] = begins
        if not live or len(facts) > 1:
            for key in _ever_named(facts):
                claims.setdefault(key, {})
    desk.claim(claims, papers, about)


def _at_nothing(claims: Mapping[str, Claims], paper: str, said: Mapping[str, Any]) -> set[str]:
    """Entries and expenses (`kind/id`) that an invoice names for 0.00 and no more."""
    flat = {key for key, its in claims.items() if not its[paper][0] and key.startswith(("time/", "expense/"))}
    if not flat:
        return flat
    return flat - {f"{line['kind']}/{line['id']}" for line in said.get("lines") or () if micro(line["amount"])}


def _named(said: Mapping[str, Any]) -> set[str]:
    return {f"{line['kind']}/{line['id']}" for line in said.get("lines") or ()}


def _ever_named(facts: Iterable[Fact]) -> set[str]:
    """What any of these messages names (`kind/id`)."""
    return {key for fact in facts for key in _named(msgspec.json.decode(fact.data))}


def _apply_write_off(desk: Desk, writeoff_id: str, facts: Sequence[Fact]) -> None:
    """Mark the entries that the write-off gives up; those that only an earlier revision named are taken back."""
    paper = f"{WRITE_OFF}{writeoff_id}"
    _, said = effective(facts)
    given_up = {f"time/{entry}" for entry in said.get("entry_ids") or ()}
    named = {f"time/{entry}" for fact in facts for entry in msgspec.json.decode(fact.data).get("entry_ids") or ()}
    given: Claims = {paper: (0, calendar.BEGINNING)}
    desk.claim({key: given if key in given_up else {} for key in named}, [paper], calendar.FOREVER)


def _day(text: str | None) -> int:
    return calendar.number(text) if text else calendar.BEGINNING


def _claim(claims: dict[str, Claims], paper: str, said: dict[str, Any], begins: int, sign: int) -> tuple[int, int]:
    """What one paper claims, entry by entry; its total and the day from which it counts."""
    total = 0
    for line in said.get("lines") or ():
        amount = sign * micro(line["amount"])
        total += amount
        key = f"{line['kind']}/{line['id']}"
        its = claims.get(key)
        if its is None:
            claims[key] = {paper: (amount, begins)}
        else:
            its[paper] = (its[paper][0] + amount if paper in its else amount, begins)
    return total, begins


def _client_before(agreement: Agreement) -> str | None:
    terms = agreement.on(calendar.BEGINNING)
    return terms.client_id if terms else None
