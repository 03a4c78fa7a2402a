"""Reading a contract from the tables: its agreement and rates compiled, its book opened, its position on a day."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from app.domain import (
    activation,
    burn,
    calendar,
    documents,
    fees,
    forecast,
    futures,
    masters,
    readiness,
    revenue,
    unlocks,
)
from app.domain import period as periods
from app.domain.adjustment import Adjustment, Paper, Sources, adjustments
from app.domain.book import Book
from app.domain.booked import Booking, Schedule, schedule, scopes
from app.domain.burn import Commitment, Position, Reached, Roleless
from app.domain.completion import estimates
from app.domain.documents import Filed
from app.domain.flaws import Flaw, Planned, flaws
from app.domain.forecast import Basis, Stone
from app.domain.futures import Answer as Drawn
from app.domain.futures import Question
from app.domain.fx import Quotes, quote_of
from app.domain.ledger import EVIDENCE_LIMIT, Bucket, Issue, Row
from app.domain.masters import Masters
from app.domain.money import decimal, micro, round_to
from app.domain.policy import ruling_of
from app.domain.rates import RateBook, Rates, card_of
from app.domain.readiness import Assessment, Milestone, Papers
from app.domain.resolution import counting, current, effective, folded
from app.domain.retainage import release_of
from app.domain.revenue import Hint
from app.domain.terms import Agreement
from app.domain.unbilled import edge_of
from app.domain.walks import Walks
from app.events.fact import Fact
from app.events.plan import Plan
from tables import Store, buckets, invoices, pages, plans
from tables.buckets import BUCKETS
from tables.dossiers import CONTRACT, DOSSIERS, Dossier
from tables.heads import HEADS, Head
from tables.invoices import INVOICES, Invoice
from tables.pages import PAGES
from tables.plans import PLANS, Booked
from tables.reference import REFERENCE

T = TypeVar("T")


class Reference:
    """The reference data of one partition, compiled: the firm's rates, exchange rates, holidays, master data."""

    def __init__(self, store: Store) -> None:
        self.rates = RateBook(card for _, entity in store.scan(REFERENCE, "rate/") if (card := card_of(entity.facts)))
        self.holidays: set[int] = set()
        self._by_id: dict[str, int] = {}
        for key, entity in store.scan(REFERENCE, "holiday/"):
            self.set_holiday(key, entity.facts)
        self.quotes = Quotes(quote_of(entity.facts) for _, entity in store.scan(REFERENCE, "fx/"))
        self.masters = Masters()
        for kind in masters.KINDS:
            for key, entity in store.scan(REFERENCE, f"{kind}/"):
                self.masters.take(kind, key.removeprefix(f"{kind}/"), entity.facts)

    def set_holiday(self, key: str, facts: Sequence[Fact]) -> None:
        """Holidays of the whole firm only: a contract has no region."""
        message, said = effective(facts)
        self._by_id.pop(key, None)
        if message.type == "holiday.set.v1" and not said.get("region"):
            self._by_id[key] = calendar.number(said["date"])
        self.holidays = set(self._by_id.values())

    def books(self, legal_entity_id: str | None, period: str) -> str | None:
        """The first day of the first open period where this one is closed; None while it is open."""
        first = period
        while legal_entity_id is not None and (legal_entity_id, period) in self.masters.closed:
            period = periods.following(period)
        return None if period == first else f"{period}-01"


class _Readings:
    """What the messages of each paper of a dossier come to. Each is read once, until more is said of it."""

    def __init__(self, facts: Mapping[str, list[Fact]], known: Mapping[str, Any]) -> None:
        self.facts = facts
        self.known = dict(known)
        self._keys: dict[str, list[str]] = {}
        for key in facts:
            self._keys.setdefault(key.partition("/")[0], []).append(key)

    def of(self, kind: str, read: Callable[[list[Fact]], T]) -> list[T]:
        """Every paper of a kind; the same kind is always read the same way."""
        found = []
        for key in self._keys.get(kind, ()):
            if key not in self.known:
                self.known[key] = read(self.facts[key])
            found.append(self.known[key])
        return found


class Contract:
    """What a dossier comes to; `before` is what it came to last, if anybody knows, and `changed` the papers of which
    more was said since."""

    def __init__(
        self,
        contract_id: str,
        dossier: Dossier | None,
        firm: RateBook,
        before: Contract | None = None,
        changed: Collection[str] | None = None,
    ) -> None:
        facts: Mapping[str, list[Fact]] = dossier.facts if dossier else {}
        self.contract_id = contract_id
        # Copied, as facts that are repeated are changed where they are.
        self._agreed = [msgspec.structs.astuple(fact) for fact in facts.get(CONTRACT, ())]
        same = before is not None and before._agreed == self._agreed
        self.agreement: Agreement = (
            before.agreement if before is not None and same else Agreement(facts.get(CONTRACT, ()))
        )
        # The latest message about the contract itself: (time, source, id, correlation id or ""); None before any.
        self.told = max(map(latest, facts.get(CONTRACT, ())), default=None)
        known = before.readings.known if before is not None and changed is not None else {}
        self.readings: _Readings = _Readings(
            facts, {key: read for key, read in known.items() if key not in (changed or ())}
        )
        each = self.readings.of
        self.cards = [card for card in each("rate", card_of) if card is not None]
        self.rates = Rates(contract_id, RateBook(self.cards), firm)
        self.papers = sum(len(counting(said)) if key == CONTRACT else 1 for key, said in facts.items())
        self._milestones = each("milestone", _milestone)
        heard = each("erp", _heard)
        self.answers = _answers(heard)
        promised = each("subcontract", _commitment)
        self.commitments = [one for type_, one in promised if type_ == "subcontract.committed.v1"]
        self._invoices = [one for type_, one in promised if type_ == "subcontract.invoiced.v1"]
        self._stones = [stone for one in self._milestones if (stone := _stone(one, self.agreement)) is not None]
        estimated = [said for key, said in facts.items() if key.startswith("estimate/")]
        self.revenue = _earning(estimated, self._milestones, self.agreement)
        self._estimates = [one for its in each("estimate", lambda said: estimates([said])) for one in its]
        self._releases = each("retainage", lambda said: release_of(effective(said)[1]))
        self.given_up = sum(each("writeoff", _given_up))
        self._flaws: dict[tuple[int, bool], list[Flaw]] = {}  # by the terms, which the agreement keeps
        self._holds = _open(each("hold", current), "hold.set.v1")
        self._disputes = _open(each("dispute", current), "dispute.opened.v1")
        rulings = (ruling for ruling in each("policy", ruling_of) if ruling is not None)
        self.rulings = {f"policy/{ruling.policy_id}": ruling for ruling in rulings}
        self._acknowledged = max([one.accepted for one in heard], default=0)
        self._heard = heard
        # What ERPs say last of documents that they refused: the deciding message and its data, by document and target.
        refused = (one for one in heard if one.said.get("status") == "rejected")
        self.refusals = [(one.message, one.said) for one in sorted(refused, key=lambda one: one.message.entity)]

    def project(self, version: int) -> dict[str, Any]:
        """Where the project of that version stands in ERP."""
        told = [
            activation.Told(
                one.said["contract_version"],
                one.said["status"],
                one.said["target"],
                one.said.get("erp_id"),
                one.said.get("reason"),
                one.message.time,
                one.message.id,
            )
            for one in self._heard
            if one.said.get("contract_version")
        ]
        return activation.row(version, self._acknowledged, told)

    def flaws(self, position: Position) -> list[Flaw]:
        """What contradicts itself in the terms of the position's day; kept until those change."""
        day, first = position.day, self.agreement.first_turn
        # Only where another currency would price it does it matter whether anybody worked so early.
        early = first is not None and first <= day and position.book.works_before(first)
        key = id(position.terms), early
        if key not in self._flaws:
            planned = [
                Planned(said.get("line_id"), micro(said.get("amount") or "0"), message.type.split(".")[1], message)
                for message, said, *_ in self._milestones
            ]
            self._flaws[key] = flaws(self.agreement, day, planned, worked_early=early)
        return self._flaws[key]

    def basis(self, earned: Mapping[str | None, int], found: Assessment) -> Basis:
        """What a forecast rests on beside work and bookings: papers, what is earned, and what became of it."""
        mixed = any(flaw.code == "CURRENCY_CHANGED" for flaw in found.papers.flaws)
        return Basis(self._stones, self._estimates, self._invoices, earned, found.invoiced, found.written, mixed)

    def said(self, head: Head, known: Masters, position: Position) -> Papers:
        """What was said beside terms and work: of its money, of holds and disputes, and for checks."""
        claims = {key: its for key, its in head.unplaced.items() if key.startswith(fees.PREFIX)}
        told = self.told[0] if self.told else 0
        return Papers(
            self._estimates,
            self._holds,
            self._disputes,
            claims,
            self._releases,
            self.given_up,
            known,
            self.rulings,
            self._acknowledged,
            told,
            self.flaws(position),
            [*self.commitments, *self._invoices],
        )

    def milestones(self, head: Head) -> Iterator[Milestone]:
        for message, said, accepted_in, _ in self._milestones:
            claims = head.unplaced.get(f"milestone/{said['milestone_id']}")
            yield readiness.milestone_of(message, said, _worth(message, said, self.agreement), claims, accepted_in)

    def stones(self) -> Iterator[tuple[str, Fact, Stone]]:
        """The milestones that stand, by id: the message that decides, and what it comes to in a forecast."""
        for one in self._milestones:
            if (stone := _stone(one, self.agreement)) is not None:
                yield one.said["milestone_id"], one.message, stone

    def papers_of(self, kind: str) -> Iterator[tuple[str, Fact, dict[str, Any]]]:
        """Every paper of a kind, in order: `kind/id`, the message that decides, and what it says."""
        for key in sorted(key for key in self.readings.facts if key.startswith(f"{kind}/")):
            yield key, *effective(self.readings.facts[key])

    def price_of(self, row: Row) -> tuple[str | None, str]:
        """The rate of a row as text, None where it has none, and what it is per."""
        if row.rate_override is not None:
            return decimal(micro(row.rate_override)), "hour"
        terms = self.agreement.on(row.day)
        if row.rate_id is None or terms is None:
            return None, "hour"
        card = self.rates.find("bill", terms.client_id, row.resource_id, row.role, row.day)
        return (None, "hour") if card is None else (decimal(card.amount), "day" if card.per_day else "hour")


def _commitment(facts: Sequence[Fact]) -> tuple[str, Commitment]:
    """The type of the deciding message, and what a subcontractor was promised or has invoiced by it."""
    message, said = effective(facts)
    amount, currency = micro(said["net"]["amount"]), said["net"]["currency"]
    one = Commitment(said.get("line_id"), amount, currency, said["commitment_id"], message.time, message.id)
    return message.type, one


def _worth(message: Fact, said: Mapping[str, Any], agreement: Agreement) -> int:
    """What a milestone is billed at: its amount, rounded once by the terms of its acceptance."""
    amount, terms = micro(said.get("amount") or "0"), agreement.on(_accepted_on(message, said))
    return amount if terms is None else round_to(amount, terms.exponent, half_even=terms.rounding.half_even)


def _reached(status: str, said: Mapping[str, Any]) -> int:
    """The day from which a milestone is completed or accepted, the earlier; always, where its status has no day."""
    if status not in ("accepted", "completed"):
        return calendar.FOREVER
    if said.get(f"{status}_on") is None:
        return calendar.BEGINNING
    names = ("completed_on", "accepted_on") if status == "accepted" else ("completed_on",)
    return min(calendar.number(said[name]) for name in names if said.get(name))


def _stone(one: _Milestone, agreement: Agreement) -> Stone | None:
    """A milestone's part in what is done; None once it is cancelled."""
    message, said = one.message, one.said
    status = message.type.split(".")[1]
    if status == "cancelled":
        return None
    return Stone(
        said.get("line_id"),
        _worth(message, said, agreement),
        _reached(status, said),
        micro(said.get("progress_ratio") or "0"),
        said.get("due_on") is not None,
    )


def _earning(
    estimated: Sequence[Sequence[Fact]], milestones: Sequence[_Milestone], agreement: Agreement
) -> revenue.Said:
    """What of a contract's papers its revenue rests on."""
    accepted = [
        revenue.Accepted(said.get("line_id"), _accepted_on(message, said), _worth(message, said, agreement))
        for message, said, *_ in milestones
        if message.type == "milestone.accepted.v1"
    ]
    return revenue.Said(accepted, estimated, min([agreement.first, *[one.first for one in milestones]]))


def _accepted_on(message: Fact, said: Mapping[str, Any]) -> int:
    """The day of acceptance; where none is said, that of the message."""
    on = said.get("accepted_on")
    return calendar.number(on) if on else calendar.day_of(message.time)


def _open(deciding: Iterable[Fact], type_: str) -> Issue:
    """Those of a kind of paper whose deciding message is of a type."""
    its = sorted((message for message in deciding if message.type == type_), key=lambda message: message.entity)
    evidence = [(0, message.entity, message.id) for message in its[:EVIDENCE_LIMIT]]
    return Issue(len(its), 0, min((message.time for message in its), default=0), evidence)


class Answer(NamedTuple):
    """What an ERP last said of a document."""

    target: str
    revision: int
    status: str
    erp_id: str | None
    reason: str | None


class _Heard(NamedTuple):
    """What a target says of a document: the deciding message and its data, and the highest version of the contract that
    any message accepted it under, or 0."""

    message: Fact
    said: dict[str, Any]
    accepted: int


def _heard(facts: Sequence[Fact]) -> _Heard:
    every = [msgspec.json.decode(fact.data) for fact in facts]
    accepted = [said.get("contract_version") or 0 for said in every if said["status"] == "accepted"]
    return _Heard(*effective(facts), max(accepted, default=0))


def _answers(heard: Iterable[_Heard]) -> dict[str, list[Answer]]:
    """By document key, what each target said of the highest revision it spoke of, in order of the targets."""
    found: dict[str, list[Answer]] = {}
    for message, said, _ in heard:
        one = Answer(said["target"], message.revision, said["status"], said.get("erp_id"), said.get("reason"))
        found.setdefault(said["document_key"], []).append(one)
    return {key: sorted(its, key=lambda one: one.target) for key, its in found.items()}


def _given_up(facts: Sequence[Fact]) -> int:
    """The amount that a write-off names; one that names entries takes those."""
    _, said = effective(facts)
    return 0 if said.get("entry_ids") else micro(said.get("amount") or "0")


def latest(fact: Fact) -> tuple[int, str, str, str]:
    """What a fact is as the cause of a statement (see `agents.effects.Statement`)."""
    return fact.time, fact.source, fact.id, fact.correlation or ""


class _Milestone(NamedTuple):
    """The message whose type is its status and every field; the billing periods that any message accepted it in, and
    the earliest day that any says it was accepted on, whatever became of that."""

    message: Fact
    said: dict[str, Any]
    periods: frozenset[str]
    first: int


def _milestone(facts: Sequence[Fact]) -> _Milestone:
    """Fields fold in revision order; the status is that of the highest revision whose type is not `.changed`."""
    _, said = folded(facts)
    chain = counting(facts)
    deciding = [fact for fact in chain if fact.type != "milestone.changed.v1"]
    every = [msgspec.json.decode(fact.data) for fact in facts]
    first = min(_accepted_on(fact, data) for fact, data in zip(facts, every, strict=True))
    days = set()
    for fact, data in zip(facts, every, strict=True):
        accepted_on = data.get("accepted_on")
        if accepted_on is not None:
            days.add(accepted_on)
        elif fact.type == "milestone.accepted.v1":
            days.add(calendar.text_of(calendar.day_of(fact.time)))
    return _Milestone((deciding or chain)[-1], said, frozenset(day[:7] for day in days), first)


def _booking(booked: Booked) -> Booking:
    plan = booked.plan
    return Booking(
        plan.resource_id,
        plan.role,
        plan.line_id,
        plan.billable,
        plan.booking,
        plan.probability,
        plan.runs,
        plan.assignment_id,
    )


def _documents(head: Head) -> Iterable[tuple[int, ...]]:
    """As `readiness.assess` takes them."""
    if not head.credited:
        return head.documents.values()
    return [(*one, head.credited.get(name, one[1])) for name, one in head.documents.items()]


def _roleless(booked: Iterable[Booked]) -> list[Roleless]:
    plans_ = (one.plan for one in booked if one.plan.role is None and one.plan.runs)
    return [Roleless(plan.runs[-1].last, plan.assignment_id, plan.time, plan.id) for plan in plans_]


NOTHING_BOOKED: Final = Schedule()


InvoiceOf = Callable[[str], Invoice | None]
RateFacts = Callable[[str], Sequence[Fact] | None]
"""All messages about a rate of the contract or of the firm; None where nobody said anything."""


class _Papers:
    """Looks up what a contract's claims name: the invoice behind a credit, and when rates were said."""

    def __init__(
        self, contract_id: str, store: Store, invoices_of: InvoiceOf | None, rate_facts: RateFacts | None
    ) -> None:
        self._contract_id, self._store = contract_id, store
        self._rate_facts = rate_facts or self._stored
        self._read = invoices_of or (lambda invoice_id: store.get(INVOICES, invoices.key(contract_id, invoice_id)))
        self._behind: dict[str, str] = {}  # credit → invoice
        self._times: dict[str, int] = {}

    def invoice(self, name: str) -> Paper:
        kind, _, paper_id = name.partition("/")
        if kind == "invoice":
            return Paper(paper_id, self._said(paper_id))
        if paper_id not in self._behind:
            self._look_for(paper_id)
        return Paper(self._behind[paper_id], self._said(self._behind[paper_id]))

    def _said(self, invoice_id: str) -> int:
        if invoice_id not in self._times:
            paper = self._read(invoice_id)
            self._times[invoice_id] = min((fact.time for fact in paper.facts), default=0) if paper is not None else 0
            self._note(paper)
        return self._times[invoice_id]

    def _look_for(self, credit_id: str) -> None:
        """A credit is kept with its invoice, which it names; only the invoice says which credits there are."""
        for key, paper in self._store.scan(INVOICES, invoices.key(self._contract_id, "")):
            self._note(self._read(key.rpartition("\x1f")[2]) or paper)
        self._behind.setdefault(credit_id, "")

    def _note(self, paper: Invoice | None) -> None:
        for credit_id, facts in paper.credits.items() if paper is not None else ():
            self._behind[credit_id] = effective(facts)[1]["invoice_id"]

    def rate_said(self, rate_id: str) -> int | None:
        facts = self._rate_facts(rate_id)
        return current(facts).time if facts else None

    def _stored(self, rate_id: str) -> Sequence[Fact] | None:
        key = f"rate/{rate_id}"
        dossier = self._store.get(DOSSIERS, self._contract_id)
        facts = dossier.facts.get(key) if dossier is not None else None
        if facts is None:
            entity = self._store.get(REFERENCE, key)
            facts = entity.facts if entity is not None else None
        return facts


class _Ahead:
    """What is booked on a contract, amounts in `currency`, and what it was added up from beside the bookings."""

    def __init__(
        self, contract: Contract, bookings: Sequence[Booking], roleless: Sequence[Roleless], currency: str | None
    ) -> None:
        agreement, rates = contract.agreement, contract.rates
        self.schedule = schedule(bookings, agreement, rates, currency)
        self.currency = currency
        self.roleless = roleless
        self._contract, self._changed = contract, rates.changed
        self._scopes = scopes(bookings, agreement, rates)
        self._changes = rates.changes(self._scopes)

    def holds(self, contract: Contract) -> bool:
        """Whether the contract's terms and the rates of those who are booked are what they were."""
        known = self._contract
        if contract is not known:
            if contract.agreement is not known.agreement or contract.cards != known.cards:
                return False
            self._contract = contract
        changed = contract.rates.changed
        if changed != self._changed:
            if contract.rates.changes(self._scopes) != self._changes:
                return False
            self._changed = changed
        return True


class Contracts:
    """Opens contracts of one partition. Compiled ones are kept until their dossier changes."""

    LIMIT = 100_000
    SCHEDULES = 10_000

    def __init__(self, store: Store, reference: Reference) -> None:
        self.store, self.reference = store, reference
        self._compiled: dict[str, Contract] = {}
        self._schedules: dict[str, _Ahead] = {}
        self._futures: dict[str, tuple[Question, Drawn | None]] = {}

    def compiled(self, contract_id: str) -> Contract:
        contract = self._compiled.get(contract_id)
        if contract is None:
            contract = self.compile(contract_id, self.store.get(DOSSIERS, contract_id))
        return contract

    def compile(self, contract_id: str, dossier: Dossier | None, changed: Collection[str] | None = None) -> Contract:
        """`changed`: the papers of which more was said since the contract was compiled last; None: perhaps of any."""
        if len(self._compiled) >= self.LIMIT:
            self._compiled.clear()
        before = self._compiled.get(contract_id)
        contract = self._compiled[contract_id] = Contract(contract_id, dossier, self.reference.rates, before, changed)
        return contract

    def position(
        self,
        contract_id: str,
        head: Head,
        as_of: int | None,
        page: Callable[[int], Mapping[int, Mapping[str, Any]]] | None = None,
        bucket: Callable[[int], Bucket] | None = None,
        booked: Callable[[str], Booked | None] | None = None,
        reached: Reached | None = None,
        walks: Walks | None = None,
    ) -> Position:
        """Where the contract stands on `as_of`; `page`, `bucket` and `booked` read values not written yet."""
        book = Book(head.pages, page or self._pages(contract_id), bucket or self._buckets(contract_id))
        contract = self.compiled(contract_id)
        holidays, commitments = self.reference.holidays, contract.commitments
        terms = contract.agreement.on(calendar.FOREVER if as_of is None else as_of)
        currency = terms.currency if terms is not None else None
        ahead, roleless = self._schedule(contract, head, booked or self._booked(contract_id), currency)
        its, walks = contract.agreement, walks or Walks()
        return Position(contract_id, its, book, as_of, holidays, reached, commitments, ahead, walks, roleless)

    def _schedule(
        self, contract: Contract, head: Head, booked: Callable[[str], Booked | None], currency: str | None
    ) -> tuple[Schedule, Sequence[Roleless]]:
        """What is booked, added up once for as long as bookings, terms, rates and its currency stay as they are."""
        if not head.bookings:
            return NOTHING_BOOKED, ()
        known = self._schedules.get(contract.contract_id)
        if known is None or known.currency != currency or not known.holds(contract):
            its = [one for name in head.bookings if (one := booked(name)) is not None]
            if len(self._schedules) >= self.SCHEDULES:
                self._schedules.clear()
            known = self._schedules[contract.contract_id] = _Ahead(
                contract, list(map(_booking, its)), _roleless(its), currency
            )
        return known.schedule, known.roleless

    def bookings(self, contract_id: str, head: Head) -> list[tuple[Plan, Booking]]:
        """What people are booked for on the contract, as it was told and as it is read."""
        booked = self._booked(contract_id)
        its = [one for name in head.bookings if (one := booked(name)) is not None]
        return [(one.plan, _booking(one)) for one in its]

    def rebook(self, contract_id: str) -> None:
        """Add up anew what is booked on the contract: a booking changed."""
        self._schedules.pop(contract_id, None)

    def burn(self, position: Position) -> list[dict[str, Any]]:
        return list(burn.rows(position))

    def assess(self, position: Position, head: Head) -> Assessment:
        contract = self.compiled(position.contract_id)
        papers = contract.said(head, self.reference.masters, position)
        found = readiness.assess(position, contract.milestones(head), _documents(head), papers)
        if position.terms is None or position.terms.schedule is None:
            return found
        return found._replace(later=documents.later(found, papers, found.stones))

    def readiness(self, position: Position, head: Head, found: Assessment | None = None) -> dict[str, Any]:
        """`found`: what `assess` said of the position, where that was asked before."""
        found = found or self.assess(position, head)
        return readiness.row(position, found.stones, _documents(head), head.since, found.papers, found)

    def documents(
        self,
        position: Position,
        head: Head,
        found: Assessment,
        periods: Collection[str] | None = None,
        changed: Sequence[Adjustment] | None = None,
    ) -> Filed:
        """What is to be billed and to be put right; of time and expenses, in `periods` only, where they are given.

        `changed` is what `adjustments` says, where it was asked before.
        """
        contract = self.compiled(position.contract_id)
        return documents.file(
            found.time.position,
            found,
            found.papers,
            list(found.stones),
            self.adjustments(found.time.position, head) if changed is None else changed,
            contract.price_of,
            self.reference.books,
            periods,
        )

    def unlocks(self, position: Position, head: Head, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What each fix is worth, of the contract that `row` is the readiness of."""
        found = self.assess(position, head)
        terms, opens_on = position.terms, None
        if terms is not None and position.as_of is not None:
            opens_on = self.reference.books(terms.said.get("legal_entity_id"), calendar.period_of(position.as_of))
        milestones = self.compiled(position.contract_id).milestones(head)
        return unlocks.unlocks(found.time.position, row, milestones, found, opens_on)

    def adjustments(
        self,
        position: Position,
        head: Head,
        invoices_of: InvoiceOf | None = None,
        rate_facts: RateFacts | None = None,
    ) -> list[Adjustment]:
        """What was invoiced and no longer holds; `invoices_of` and `rate_facts` read what is not written yet."""
        contract = self.compiled(position.contract_id)
        edge = edge_of(position, contract.given_up)
        papers = _Papers(position.contract_id, self.store, invoices_of, rate_facts)
        milestones = contract.milestones(head)
        return list(adjustments(position, edge, Sources(papers.invoice, papers.rate_said), milestones))

    def forecast(
        self, position: Position, burn: Mapping[str, Any], found: Assessment, hints: Iterable[Hint] | None = None
    ) -> dict[str, Any]:
        """`burn` is the contract's row of the position, `found` what `assess` said of it; `hints`, up to as-of, are
        those of revenue, where they were asked before."""
        contract = self.compiled(position.contract_id)
        earned = revenue.earned(position, contract.revenue, hints)
        return forecast.row(position, burn["exhaustion"], contract.basis(earned, found), self._drawn)

    def _drawn(self, question: Question) -> Drawn | None:
        """What futures say; asked once for as long as neither the question nor what is booked changes."""
        known = self._futures.get(question.contract_id)
        if known is None or known[0] != question:
            if len(self._futures) >= self.SCHEDULES:
                self._futures.clear()
            known = self._futures[question.contract_id] = question, futures.ask(question)
        return known[1]

    def hints(self, position: Position, since: int = calendar.BEGINNING) -> Iterator[Hint]:
        """What lines have earned, from the period of the day `since` on, empty periods included."""
        return revenue.hints(position, self.compiled(position.contract_id).revenue, since)

    def reach(self, position: Position) -> tuple[int, tuple[str | None, ...]]:
        """Of which periods and lines there are hints."""
        return revenue.reach(position, self.compiled(position.contract_id).revenue)

    def revenue(self, position: Position) -> list[dict[str, Any]]:
        """Every hint that says anything."""
        return [revenue.payload(position, hint) for hint in self.hints(position) if revenue.says(hint)]

    def head(self, contract_id: str) -> Head | None:
        return self.store.get(HEADS, contract_id)

    def ids(self) -> Iterable[str]:
        return self.store.keys(HEADS)

    def forget(self, contract_id: str) -> None:
        """Compile the contract anew when it is asked for next."""
        self._compiled.pop(contract_id, None)

    def _pages(self, contract_id: str) -> Callable[[int], Mapping[int, Mapping[str, Any]]]:
        read: dict[int, Mapping[int, Mapping[str, Any]]] = {}

        def page(number: int) -> Mapping[int, Mapping[str, Any]]:
            if number not in read:
                stored = self.store.get(PAGES, pages.key(contract_id, number))
                read[number] = stored.buckets if stored else {}
            return read[number]

        return page

    def _booked(self, contract_id: str) -> Callable[[str], Booked | None]:
        return lambda name: self.store.get(PLANS, plans.key(contract_id, name))

    def _buckets(self, contract_id: str) -> Callable[[int], Bucket]:
        def bucket(start: int) -> Bucket:
            return self.store.get(BUCKETS, buckets.key(contract_id, start)) or Bucket(-1, {}, {}, {}, {})

        return bucket
