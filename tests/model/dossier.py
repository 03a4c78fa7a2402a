"""Everything known of one contract on one day, recomputed from all messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import product

from .booked import Booking, bookings
from .entities import Entity, Event, Fields, gather, happened, instant, kind_of
from .masters import Masters, masters, policies_for
from .numbers import number
from .orders import Bill, bills_of
from .pricing import Entry, planned_amount, priced
from .terms import Terms, terms_on
from .vouchers import Item, Voucher, invoiced, vouchers
from .work import home_of, work_of

# Where an entity is "at a contract", these are not counted as parked.
_NEVER_PARKED = {"assignment", "demand", "holiday"}


@dataclass(frozen=True)
class Expense:
    """An approved expense, marked up, in the contract's currency, on the line it belongs to.

    `spent` is what was paid, exactly, in that currency; `receipt` says where its receipt is. `keeps`: what was invoiced
    for it stands.
    """

    expense_id: str
    day: date
    line_id: str | None
    billable: bool
    amount: Fraction
    spent: Fraction
    receipt: str | None
    keeps: bool


@dataclass(frozen=True)
class Milestone:
    """`status` is planned, completed, accepted, rejected or cancelled; `accepted_on` may be unknown.

    `terms` are those of its acceptance, or of the day it was spoken of; by them `amount` is `agreed` rounded, and part
    of it held back.
    """

    milestone_id: str
    status: str
    line_id: str | None
    amount: Fraction
    accepted_on: date | None
    completed_on: date | None
    said_on: date
    progress: Fraction
    due: bool
    agreed: Fraction
    terms: Terms | None

    @property
    def since(self) -> date | None:
        """The day of acceptance; where none was said, the day it was spoken of."""
        return (self.accepted_on or self.said_on) if self.status == "accepted" else None

    def accepted(self, as_of: date) -> bool:
        return self.status == "accepted" and _begun_on(self.accepted_on, as_of)

    def completed(self, as_of: date) -> bool:
        """Whether it is completed, and not accepted yet: one accepted later was completed where a day says so."""
        if self.status == "accepted":
            return not self.accepted(as_of) and self.completed_on is not None and self.completed_on <= as_of
        return self.status == "completed" and _begun_on(self.completed_on, as_of)

    def reached(self, as_of: date) -> bool:
        """Whether it is completed or accepted."""
        return self.accepted(as_of) or self.completed(as_of)

    def done(self, as_of: date) -> Fraction:
        """How much of it is done: all once it is completed or accepted, before that what is said of its progress."""
        return Fraction(1) if self.reached(as_of) else self.progress


@dataclass(frozen=True)
class Promise:
    """What a subcontractor was promised in the contract's currency, or has invoiced since."""

    line_id: str | None
    invoiced: bool
    amount: Fraction


@dataclass(frozen=True)
class Planned:
    """What one booking plans for one day: exact net minutes, and what they are worth, None without a rate.

    `charged` is whether it burns the budget: it is billable, and its line charges the role. `foreign`: for the day
    another currency is agreed than for as-of, so it is worth nothing that could be added.
    """

    day: date
    line_id: str | None
    kind: str
    probability: Fraction
    charged: bool
    minutes: Fraction
    amount: Fraction | None
    assignment_id: str = ""
    foreign: bool = False


@dataclass(frozen=True)
class Dossier:
    """One contract as of `as_of`. Entries and expenses of later days are not in it.

    `versions` are all messages of the contract itself; `estimates`, `releases` and `writeoffs` their fields of today,
    those in effect only later included; `holds` and `disputes` how many are open.
    `planned` is every day of every booking, past ones included.
    `vouchers` are its invoices, `invoiced` what the live ones say less what was credited on them, by (kind, id);
    `invoiced_total` their sum. `placed` are the months in which anybody ever said that an entry or expense was done
    here, or a milestone was accepted.
    `named_entries` and `named_expenses` are all that ever named this contract; `named_lines` every line anybody ever
    spoke of here. `open_expenses` are billable ones that have no amount yet.
    `time_messages` are the entities that ever named this contract, wherever they are now; `cards` every rate for it.
    `worked_on` is the day of every entry here, of later than as-of too, `told_on` the day on which it was told as it
    is; `spent_on` the same of expenses. `unmatched` counts subcontracts without an invoice.
    `foreign_expenses` is the number of approved expenses in another currency without a rate, `foreign_promises` that of
    subcontracts in another currency: they count nowhere.
    """

    contract_id: str
    as_of: date
    terms: Terms | None
    versions: tuple[Event, ...]
    entries: tuple[Entry, ...]
    expenses: tuple[Expense, ...]
    milestones: tuple[Milestone, ...]
    vouchers: tuple[Voucher, ...]
    invoiced: dict[Item, Fraction]
    placed: dict[Item, frozenset[str]]
    named_entries: frozenset[str]
    named_expenses: frozenset[str]
    open_expenses: frozenset[str]
    named_lines: frozenset[str]
    foreign_expenses: int
    foreign_promises: int
    bills: tuple[Bill, ...]
    estimates: tuple[Fields, ...]
    releases: tuple[Fields, ...]
    writeoffs: tuple[Fields, ...]
    holds: int
    disputes: int
    planned: tuple[Planned, ...]
    promises: tuple[Promise, ...]
    estimate_messages: tuple[Entity, ...]
    time_messages: tuple[Entity, ...]
    cards: tuple[Fields, ...]
    worked_on: dict[str, str]
    spent_on: dict[str, str]
    told_on: dict[str, date]
    unmatched: int
    acknowledgements: tuple[Fields, ...]
    accepted_version: int
    masters: Masters
    policies: dict[str, Fields]

    @property
    def currency(self) -> str | None:
        return self.terms.currency if self.terms else None

    @property
    def status(self) -> str:
        return self.terms.status(self.as_of) if self.terms else "unknown"

    @property
    def invoiced_total(self) -> Fraction:
        return sum(self.invoiced.values(), Fraction(0))

    def committed(self, line_id: str | None = None) -> Fraction:
        """What subcontractors were promised and have not invoiced."""
        mine = [one for one in self.promises if line_id is None or one.line_id == line_id]
        return sum((one.amount for one in mine if not one.invoiced), Fraction(0))

    def subcontracted(self) -> Fraction:
        """What subcontractors have invoiced."""
        return sum((one.amount for one in self.promises if one.invoiced), Fraction(0))

    def invoiced_for(self, kind: str, item_id: str) -> Fraction:
        return self.invoiced.get((kind, item_id), Fraction(0))

    def billed(self, kind: str, item_id: str, worth: Fraction) -> bool:
        """Whether it is on an invoice that counts: for something, or for the nothing that it is worth."""
        for_nothing = any((kind, item_id) in one.for_nothing for one in self.vouchers)
        return self.invoiced_for(kind, item_id) != 0 or (worth == 0 and for_nothing)


class Archive:
    """All entities of all contracts, and what each contract needs of them."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.entities = gather(events)
        self._bookings = list(bookings(self.entities))
        self._masters = masters(self.entities)
        self.contract_ids = sorted({one["data"]["contract_id"] for one in events if one["data"].get("contract_id")})

    def of(self, kind: str) -> list[Entity]:
        return [entity for entity in self.entities if entity.kind == kind]

    def at(self, kind: str, contract_id: str) -> list[Entity]:
        """The entities of `kind` that belong to the contract now."""
        return [entity for entity in self.of(kind) if self._home(entity) == contract_id]

    def versions(self, contract_id: str) -> list[Event]:
        return [event for entity in self.at("contract", contract_id) for event in entity.revisions]

    def cards(self, contract_id: str) -> list[Fields]:
        """The rate cards that exist for the contract: its own and those of no contract, without the withdrawn."""
        standing = [entity.fields() for entity in self.of("rate") if entity.state != "withdrawn"]
        return [card for card in standing if card.get("contract_id") in {None, contract_id}]

    def holidays(self) -> frozenset[date]:
        """The days nobody in the firm works."""
        current = [entity.current["data"] for entity in self.of("holiday") if entity.state == "set"]
        return frozenset(date.fromisoformat(data["date"]) for data in current if data.get("region") is None)

    def parked(self) -> int:
        """How many entities are at a contract nobody has approved; each contract version is one."""
        approved = {
            contract_id
            for contract_id in self.contract_ids
            if any(happened(event) == "approved" for event in self.versions(contract_id))
        }
        waiting = [
            entity
            for entity in self.entities
            if entity.kind not in _NEVER_PARKED and (self._home(entity) or "") not in {"", *approved}
        ]
        return sum(len(entity.revisions) if entity.kind == "contract" else 1 for entity in waiting)

    def dossier(self, contract_id: str, as_of: date) -> Dossier:
        versions = self.versions(contract_id)
        cards = self.cards(contract_id)
        terms = {day: terms_on(versions, day) for day in {as_of, *self._days(contract_id)}}
        bills = vouchers(self.at("invoice", contract_id), self.at("credit", contract_id), as_of)
        claims = invoiced(bills)
        holding = terms[as_of]
        works = [
            work_of(entity, terms[date.fromisoformat(entity.fields()["work_date"])])
            for entity in self.at("time", contract_id)
        ]
        entries = priced(works, cards, {item: amount for (kind, item), amount in claims.items() if kind == "time"})
        return Dossier(
            contract_id=contract_id,
            as_of=as_of,
            terms=terms[as_of],
            versions=tuple(versions),
            entries=tuple(entry for entry in entries if entry.day <= as_of),
            expenses=tuple(self._expenses(contract_id, as_of, terms)),
            milestones=tuple(
                _milestone(entity, terms[as_of], versions) for entity in self.at("milestone", contract_id)
            ),
            vouchers=tuple(bills),
            invoiced=claims,
            placed=self._placed(contract_id) | self._accepted(contract_id),
            named_entries=frozenset(entity.id for entity, _ in self._said_of(contract_id, "time")),
            named_expenses=frozenset(entity.id for entity, _ in self._said_of(contract_id, "expense")),
            open_expenses=frozenset(self._open_expenses(contract_id, as_of, terms)),
            named_lines=frozenset(self._named_lines(contract_id)),
            foreign_expenses=self._foreign_expenses(contract_id, as_of, terms),
            foreign_promises=self._foreign_promises(contract_id, terms[as_of]),
            bills=bills_of(self.at("invoice", contract_id), self.at("credit", contract_id), as_of),
            estimates=tuple(entity.fields() for entity in self.at("estimate", contract_id)),
            releases=tuple(entity.fields() for entity in self.at("retainage", contract_id)),
            writeoffs=tuple(entity.fields() for entity in self.at("writeoff", contract_id)),
            holds=sum(entity.state == "set" for entity in self.at("hold", contract_id)),
            disputes=sum(entity.state == "opened" for entity in self.at("dispute", contract_id)),
            planned=tuple(self._planned(contract_id, versions, cards, holding)),
            promises=tuple(self._promises(contract_id, terms[as_of])),
            estimate_messages=tuple(self.at("estimate", contract_id)),
            time_messages=tuple({entity.id: entity for entity, _ in self._said_of(contract_id, "time")}.values()),
            cards=tuple(cards),
            worked_on={one.id: one.fields()["work_date"] for one in self.at("time", contract_id)},
            spent_on={one.id: one.fields().get("date") or "" for one in self.at("expense", contract_id)},
            told_on={one.id: instant(one.current["time"]).date() for one in self.at("time", contract_id)},
            unmatched=sum(one.state == "committed" for one in self.at("subcontract", contract_id)),
            acknowledgements=tuple(entity.fields() for entity in self.at("acknowledgement", contract_id)),
            accepted_version=max(
                (
                    int(message["data"].get("contract_version") or 0)
                    for entity in self.at("acknowledgement", contract_id)
                    for message in entity.revisions
                    if message["data"]["status"] == "accepted"
                ),
                default=0,
            ),
            masters=self._masters,
            policies=policies_for(self.entities, contract_id, holding.client_id if holding else None),
        )

    def _placed(self, contract_id: str) -> dict[Item, frozenset[str]]:
        """The months of all messages that put an entry or an expense here, those that lost included.

        What a message leaves out may come from any other.
        """
        placed: dict[Item, frozenset[str]] = {}
        for kind, name in (("time", "work_date"), ("expense", "date")):
            for entity in self.of(kind):
                said = [(one["data"].get("contract_id"), one["data"].get(name)) for one in entity.messages]
                homes, days = ({one for one in column if one} for column in zip(*said, strict=True))
                pairs = {
                    pair for home, day in said for pair in product([home] if home else homes, [day] if day else days)
                }
                placed[kind, entity.id] = frozenset(day[:7] for home, day in pairs if home == contract_id)
        return {item: months for item, months in placed.items() if months}

    def _accepted(self, contract_id: str) -> dict[Item, frozenset[str]]:
        """The months in which any message accepted a milestone: the one it names, else that of the day it was said."""
        found: dict[Item, frozenset[str]] = {}
        for entity in self.at("milestone", contract_id):
            days = {one["data"].get("accepted_on") for one in entity.messages} - {None}
            days |= {
                instant(one["time"]).date().isoformat()
                for one in entity.messages
                if happened(one) == "accepted" and one["data"].get("accepted_on") is None
            }
            found["milestone", entity.id] = frozenset(day[:7] for day in days)
        return found

    def _promises(self, contract_id: str, terms: Terms | None) -> Iterable[Promise]:
        for entity in self.at("subcontract", contract_id):
            fields = entity.fields()
            if terms and fields["net"]["currency"] == terms.currency:
                line_id = terms.line_of(fields.get("line_id"))
                yield Promise(line_id, entity.state == "invoiced", number(fields["net"]["amount"]))

    def _planned(
        self, contract_id: str, versions: Sequence[Event], cards: Sequence[Fields], holding: Terms | None
    ) -> Iterable[Planned]:
        """Every booked day at the contract, under the terms of that day; `holding` are those of as-of."""
        for booking in self._bookings:
            if booking.contract_id == contract_id:
                for day, minutes in booking.net.items():
                    terms = terms_on(versions, day)
                    one = _planned(booking, day, minutes, terms, cards)
                    if terms is not None and holding is not None and terms.currency != holding.currency:
                        one = replace(one, amount=None, foreign=True)
                    yield one

    def _home(self, entity: Entity) -> str | None:
        return home_of(entity) if entity.kind == "time" else entity.fields().get("contract_id")

    def _days(self, contract_id: str) -> Iterable[date]:
        """Every work date and expense date at the contract."""
        for entity in self.at("time", contract_id):
            yield date.fromisoformat(entity.fields()["work_date"])
        for entity in self.at("expense", contract_id):
            yield date.fromisoformat(entity.fields().get("date") or "0001-01-01")

    def _said_of(self, contract_id: str, kind: str) -> Iterable[tuple[Entity, Event]]:
        """Every message of `kind` that names the contract, those that lost included."""
        for entity in self.of(kind):
            for message in entity.messages:
                if message["data"].get("contract_id") == contract_id:
                    yield entity, message

    def _named_lines(self, contract_id: str) -> Iterable[str]:
        for _, message in self._said_of(contract_id, "contract"):
            yield from (line["line_id"] for line in message["data"].get("lines") or [])
        for kind in ("time", "expense"):
            for _, message in self._said_of(contract_id, kind):
                if message["data"].get("line_id") is not None:
                    yield message["data"]["line_id"]
            for entity in self.at(kind, contract_id):
                if entity.fields().get("line_id") is not None:
                    yield entity.fields()["line_id"]

    def _foreign_expenses(self, contract_id: str, as_of: date, terms: dict[date, Terms | None]) -> int:
        said = [entity for entity in self.at("expense", contract_id) if entity.state != "rejected"]
        count = 0
        for fields in (entity.fields() for entity in said):
            if fields.get("date") and fields.get("net") and date.fromisoformat(fields["date"]) <= as_of:
                holding = terms[date.fromisoformat(fields["date"])]
                count += holding is not None and self._exchange(fields, holding.currency) is None
        return count

    def _foreign_promises(self, contract_id: str, terms: Terms | None) -> int:
        """A subcontract has no day, so no rate of exchange is its own."""
        said = [entity.fields()["net"]["currency"] for entity in self.at("subcontract", contract_id)]
        return sum(terms is not None and currency != terms.currency for currency in said)

    def _expenses(self, contract_id: str, as_of: date, terms: dict[date, Terms | None]) -> Iterable[Expense]:
        for entity in self.at("expense", contract_id):
            fields = entity.fields()
            if entity.state == "rejected" or not fields.get("date") or not fields.get("net"):
                continue
            day = date.fromisoformat(fields["date"])
            holding = terms[day]
            exchange = self._exchange(fields, holding.currency) if holding is not None else None
            if day > as_of or holding is None or exchange is None:
                continue
            spent = number(fields["net"]["amount"]) * exchange
            yield Expense(
                expense_id=entity.id,
                day=day,
                line_id=holding.line_of(fields.get("line_id")),
                billable=fields.get("billable") is not False,
                amount=holding.rounded(spent * (1 + number(fields.get("markup_ratio")))),
                spent=spent,
                receipt=fields.get("receipt_ref"),
                keeps=holding.fields.get("retro_policy") == "prospective_only",
            )

    def _open_expenses(self, contract_id: str, as_of: date, terms: dict[date, Terms | None]) -> Iterable[str]:
        for entity in self.at("expense", contract_id):
            fields = entity.fields()
            if entity.state != "rejected" and fields.get("date") and fields.get("net"):
                day = date.fromisoformat(fields["date"])
                holding = terms[day]
                priced = holding is not None and self._exchange(fields, holding.currency) is not None
                if day <= as_of and fields.get("billable") is not False and not priced:
                    yield entity.id

    def _exchange(self, expense: Fields, currency: str | None) -> Fraction | None:
        """What a unit of the expense is worth in the contract's currency: the latest rate set on or before its day.

        Nobody turns a rate round, or goes by a third currency. None where there is no rate.
        """
        mine = expense["net"]["currency"]
        if mine == currency:
            return Fraction(1)
        rates = [one.current["data"] for one in self.of("fx")]
        fitting = [
            one
            for one in rates
            if (one["from_currency"], one["to_currency"]) == (mine, currency) and one["on"] <= expense["date"]
        ]
        return number(max(fitting, key=lambda one: str(one["on"]))["rate"]) if fitting else None


class WorkingDays:
    """Monday to Friday without the firm's holidays, counted from the day after `as_of`."""

    def __init__(self, as_of: date, holidays: frozenset[date]) -> None:
        self._last, self._holidays, self._days = as_of, holidays, list[date]()

    def nth(self, count: int) -> date:
        """The `count`-th working day after as-of; the first is 1."""
        while len(self._days) < count:
            self._last += timedelta(days=1)
            if self._last.isoweekday() <= 5 and self._last not in self._holidays:
                self._days.append(self._last)
        return self._days[count - 1]


def _planned(booking: Booking, day: date, minutes: Fraction, terms: Terms | None, cards: Sequence[Fields]) -> Planned:
    line_id = terms.line_of(booking.line_id) if terms else booking.line_id
    roles = terms.line(line_id).get("chargeable_roles") if terms else None
    work: Fields = {
        "contract_id": booking.contract_id,
        "resource_id": booking.resource_id,
        "role": booking.role,
        "line_id": booking.line_id,
        "work_date": day.isoformat(),
    }
    return Planned(
        day=day,
        line_id=line_id,
        kind=booking.booking,
        probability=booking.probability,
        charged=booking.billable and (roles is None or booking.role in roles),
        minutes=minutes,
        amount=planned_amount(work, minutes, terms, cards) if terms else None,
        assignment_id=booking.assignment_id,
    )


def _milestone(entity: Entity, terms: Terms | None, versions: Sequence[Event]) -> Milestone:
    fields = entity.folded()
    said = [event for event in entity.revisions if happened(event) != "changed"]
    states = [happened(event) for event in said]
    deciding = (said or entity.revisions)[-1]
    accepted_on = fields.get("accepted_on")
    said_on = instant(deciding["time"]).date()
    amount = number(fields.get("amount"))
    then = terms_on(versions, date.fromisoformat(accepted_on) if accepted_on else said_on)
    return Milestone(
        milestone_id=entity.id,
        status=states[-1] if states else "planned",
        line_id=terms.line_of(fields.get("line_id")) if terms else fields.get("line_id"),
        amount=then.rounded(amount) if then else amount,
        accepted_on=date.fromisoformat(accepted_on) if accepted_on else None,
        completed_on=date.fromisoformat(fields["completed_on"]) if fields.get("completed_on") else None,
        said_on=said_on,
        progress=number(fields.get("progress_ratio")),
        due=fields.get("due_on") is not None,
        agreed=amount,
        terms=then,
    )


def _begun_on(day: date | None, as_of: date) -> bool:
    return day is None or day <= as_of


def last_tick(events: Sequence[Event]) -> date | None:
    """The greatest day the clock has said."""
    ticks = [date.fromisoformat(event["data"]["on"]) for event in events if kind_of(event) == "clock"]
    return max(ticks, default=None)
