"""Histories to feed the engine and the model with.

`history` plays a small firm from a seed, in the order things would happen. `disorder`, `repeated`, `contradicted`,
`rivalled` and `gapped` do to it what networks and people do; `troubled` does all of it. `event_sets` is for property
tests: unrelated messages over a few ids, so that moves and collisions are the rule, and each can be shrunk away alone.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import strategies as st

from . import bodies
from .bodies import Data, Days
from .choices import Choices, Drawn, Seeded, may
from .features import enabled

Event = dict[str, Any]

# Spans with what calendars trip over: a leap day, ISO week 53 with the year's end, month ends around quarter's end.
ERAS = (
    (date(2026, 2, 16), date(2026, 4, 12)),
    (date(2026, 12, 7), date(2027, 1, 31)),
    (date(2024, 2, 5), date(2024, 3, 17)),
    (date(2020, 12, 14), date(2021, 2, 1)),
)
# Where fees are billed, and what of them: the whole line, or a month.
_FEES = tuple(f"{line}{period}" for line in bodies.LINES for period in ("", "/2026-03", "/2024-02"))
_ENDS = {"filled", "cancelled"}
_HINDRANCES = {"hold": ("set", "cleared"), "dispute": ("opened", "resolved")}
_SOURCES = {"contract": "/clm", "rate": "/clm", "time": "/psa/emea", "expense": "/psa/emea", "invoice": "/erp"}


@dataclass(frozen=True)
class Options:
    """What a history contains. Switched off, a kind of event does not occur.

    `era` is the first and last day of work, one of `ERAS` if not given; `unknown` books some time on C-9, which nobody
    approves; `partial` per cent of cancelling events leave out what they may; `features` are the rules of commerce in
    play (see `features.py`).
    """

    contracts: int = 3
    era: tuple[date, date] | None = None
    unknown: bool = True
    amendments: bool = True
    rates: bool = True
    corrections: bool = True
    expenses: bool = True
    milestones: bool = True
    invoices: bool = True
    holidays: bool = True
    partial: int = 50
    features: frozenset[str] = field(default_factory=enabled)


def history(seed: int, size: int, **options: Any) -> list[Event]:
    """`size` structured events of a firm, in a natural order, determined by `seed` and `options` (see `Options`).

    >>> history(7, 50) == history(7, 50), len(history(7, 50))
    (True, 50)
    """
    chosen = Options(**options)
    firm = Firm(Seeded(Random(seed), chosen.features), chosen)
    firm.open()
    while len(firm.events) < size:
        firm.step()
    return firm.events[:size]


def as_of_days(events: Sequence[Event]) -> list[date]:
    """Days worth asking for: before all work, in the midst of it, at its month ends, after it. Sorted, no repeats."""
    work = sorted(
        {date.fromisoformat(event["data"]["work_date"]) for event in events if event["data"].get("work_date")}
    )
    if not work:
        return [ERAS[0][0]]
    month_ends = [day for day in work if (day + timedelta(days=1)).day == 1]
    return sorted({work[0] - timedelta(days=1), work[len(work) // 2], *month_ends, work[-1], work[-1] + timedelta(40)})


class Messages:
    """Puts data into envelopes: a new id each time, and moments that never go back."""

    def __init__(self, start: date) -> None:
        self._at = datetime(start.year, start.month, start.day, 8, tzinfo=UTC)
        self._count = 0

    def message(self, kind: str, data: Data, *, minutes_later: int = 1, late_minutes: int = 0) -> Event:
        """An event that happens `minutes_later` than the last, and is accepted `late_minutes` after it happened."""
        self._count += 1
        self._at += timedelta(minutes=minutes_later)
        return envelope(kind, data, f"m-{self._count}", self._at, late_minutes)


def envelope(kind: str, data: Data, message_id: str, at: datetime, late_minutes: int = 0) -> Event:
    """A structured CloudEvent of type `kind` (`time.approved`), accepted `late_minutes` after it happened."""
    return {
        "specversion": "1.0",
        "id": message_id,
        "source": _SOURCES.get(kind.split(".")[0], "/masterdata"),
        "type": f"{kind}.v1",
        "time": _moment(at),
        "recordedtime": _moment(at + timedelta(seconds=4)),
        "acceptedtime": _moment(at + timedelta(minutes=late_minutes, seconds=9)),
        "data": data,
    }


class Firm:
    """A firm at work. It remembers what it said, so that what follows refers to it."""

    def __init__(self, choices: Choices, options: Options) -> None:
        start, end = options.era or choices.one(ERAS)
        self.events: list[Event] = []
        self._choices, self._options, self._days = choices, options, Days.between(start, end)
        if "day_increments" in options.features:
            # Few days, so that several entries share one.
            self._days = Days(self._days.work[::5], self._days.terms)
        self._messages = Messages(start - timedelta(days=40))
        self._contracts = [f"C-{n + 1}" for n in range(options.contracts)]
        self._versions = dict.fromkeys(self._contracts, 0)
        self._latest: dict[str, Data] = {}
        self._numbers: dict[str, int] = {}
        self._vouchers: dict[str, list[tuple[int, list[Data]]]] = {}
        self._voided: set[str] = set()
        self._steps = self._weighted_steps()

    def open(self) -> None:
        """The first contracts and rates. One contract in three is approved only later."""
        for contract_id in self._contracts:
            if self._choices.chance(66):
                self._approve(contract_id, self._days.terms[0])
        for home in [None, *self._contracts]:
            for _ in range(self._choices.between(1, 3)):
                self._set_rate(home)
        if "staffing" in self._options.features:
            for person in bodies.PEOPLE:
                if self._choices.chance(80):
                    self._place(person)
        if "percent_complete" in self._options.features:
            for contract_id in self._contracts:
                self._cost(contract_id)
                for line_id in bodies.LINES:
                    self._estimate(contract_id, line_id)

    def step(self) -> None:
        """One thing happens."""
        self._choices.one(self._steps)()

    def _weighted_steps(self) -> list[Callable[[], None]]:
        options = self._options
        weights: list[tuple[int, bool, Callable[[], None]]] = [
            (40, True, self._book),
            (24, options.corrections, self._revise),
            (5, options.rates, self._change_rate),
            (5, options.amendments, self._amend),
            (2, options.amendments, self._put),
            (3, True, self._approve_late),
            (6, options.expenses, self._spend),
            (6, options.milestones, self._reach),
            (5, options.invoices, self._bill),
            (2, options.invoices, self._void_or_credit),
            (1, options.holidays, self._declare_holiday),
            (6, "percent_complete" in options.features, self._estimate),
            (4, "writeoffs" in options.features, self._write_off),
            (2, "holds" in options.features, self._hinder),
            (3, "retainage" in options.features, self._release),
            (3, "fx" in options.features, self._quote),
            (4, "subcontracts" in options.features, self._subcontract),
            (5, "checks" in options.features, self._police),
            (4, "checks" in options.features, self._record),
            (2, "checks" in options.features, self._turn_the_books),
            (2, "checks" in options.features, self._acknowledge),
            (5, "papers" in options.features, self._demand_papers),
            (4, options.invoices and "documents" in options.features, self._bill),
            (3, options.invoices and "documents" in options.features, self._void_or_credit),
            (3, options.invoices and "documents" in options.features, self._say_an_invoice_anew),
            (10, "staffing" in options.features, self._place),
            (14, "staffing" in options.features, self._leave),
            (40, "staffing" in options.features, self._assign),
            (12, "staffing" in options.features, self._ask),
            (6, "staffing" in options.features, self._declare_holiday),
        ]
        return [step for weight, wanted, step in weights if wanted for _ in range(weight)]

    def _say(self, kind: str, data: Data) -> None:
        choices = self._choices
        late = choices.one((0, 0, 0, 30, 600, 6000))
        later = choices.one((0, 1, 7, 45, 300))
        self.events.append(self._messages.message(kind, data, minutes_later=later, late_minutes=late))

    def _next(self, name: str) -> int:
        self._numbers[name] = self._numbers.get(name, 0) + 1
        return self._numbers[name]

    def _any_contract(self) -> str:
        if self._options.unknown and self._choices.chance(4):
            return "C-9"
        return self._choices.one(self._contracts)

    def _a_day(self) -> date:
        return self._choices.one(self._days.work)

    def _approve(self, contract_id: str, effective: date | None) -> None:
        self._versions[contract_id] += 1
        version = self._versions[contract_id]
        self._say(
            "contract.approved", bodies.approved(self._choices, contract_id, version, self._days, effective=effective)
        )

    def _approve_late(self) -> None:
        """Approve a contract time was perhaps booked on already; rarely, approve one anew as a whole."""
        contract_id = self._choices.one(self._contracts)
        if self._versions[contract_id] == 0 or self._choices.chance(15):
            self._approve(contract_id, self._choices.one((self._days.terms[0], self._a_day())))

    def _amend(self) -> None:
        contract_id = self._choices.one(self._contracts)
        if self._versions[contract_id]:
            self._versions[contract_id] += 1
            version = self._versions[contract_id]
            self._say("contract.amended", bodies.amended(self._choices, contract_id, version, self._days.work))

    def _put(self) -> None:
        """Suspend and resume mostly; close, cancel and end by amendment now and then."""
        contract_id = self._choices.one(self._contracts)
        if not self._versions[contract_id]:
            return
        self._versions[contract_id] += 1
        version, day = self._versions[contract_id], self._a_day()
        kind = self._choices.one(("suspended", "suspended", "resumed", "resumed", "resumed", "closed", "cancelled", ""))
        if kind:
            self._say(f"contract.{kind}", bodies.standing(contract_id, version, day))
        else:
            self._say("contract.amended", bodies.cancelled_by_amendment(contract_id, version, day))

    def _set_rate(self, home: str | None) -> None:
        self._rate(home, self._next(f"rate/{home}"))

    def _change_rate(self) -> None:
        home = self._choices.one((None, *self._contracts))
        if self._choices.chance(40):
            self._set_rate(home)
        else:
            self._rate(home, self._choices.between(1, self._numbers[f"rate/{home}"]))

    def _rate(self, home: str | None, number: int) -> None:
        revision = self._next(f"rate/{home}/{number}")
        data = bodies.rate(self._choices, home, number, revision, self._days.terms)
        if revision == 1 or self._choices.chance(70):
            self._say("rate.set", data)
        else:
            self._say("rate.withdrawn", self._cut(data, *bodies.withdrawing(self._choices, "rate_id")))

    def _cut(self, data: Data, *names: str) -> Data:
        return bodies.only_named(data, *names) if self._choices.chance(self._options.partial) else data

    def _book(self) -> None:
        entry_id = f"T-{self._next('time')}"
        data = bodies.time(self._choices, entry_id, self._next(entry_id), self._any_contract(), self._days.work)
        self._latest[entry_id] = data
        self._say(self._choices.one(("time.approved", "time.approved", "time.submitted")), data)

    def _revise(self) -> None:
        """Another revision of an entry: the same approved, changed, moved, rejected or reversed."""
        entry_id = f"T-{self._choices.between(1, self._numbers.get('time', 1))}"
        if entry_id not in self._latest:
            return
        fresh = bodies.time(self._choices, entry_id, self._next(entry_id), self._any_contract(), self._days.work)
        moved = self._choices.one(
            ((), (), ("work_date",), ("minutes",), ("contract_id",), ("line_id",), ("resource_id",), tuple(fresh))
        )
        if may(self._choices, "papers", 25):
            moved = ("narrative",)
        data = {**self._latest[entry_id], "revision": fresh["revision"]}
        data |= {name: fresh[name] for name in moved if name in fresh}
        self._latest[entry_id] = data
        kind = self._choices.one(("approved", "approved", "approved", "submitted", "corrected", "rejected", "reversed"))
        if kind in {"rejected", "reversed"}:
            data = self._cut(data, "entry_id", "revision")
        elif kind == "corrected" and self._choices.chance(50):
            data = {**data, "status": self._choices.one(("approved", "submitted"))}
        self._say(f"time.{kind}", data)

    def _spend(self) -> None:
        known = self._numbers.get("expense", 0)
        number = self._choices.between(1, known) if known and self._choices.chance(40) else self._next("expense")
        revision = self._next(f"expense/{number}")
        data = bodies.expense(self._choices, f"E-{number}", revision, self._any_contract(), self._days.work)
        kind = "approved" if revision == 1 else self._choices.one(("approved", "corrected", "rejected"))
        self._say(f"expense.{kind}", self._cut(data, "expense_id", "revision") if kind == "rejected" else data)

    def _reach(self) -> None:
        contract_id = self._any_contract()
        number = self._choices.between(1, 3)
        revision = self._next(f"milestone/{contract_id}/{number}")
        later = ("accepted", "accepted", "completed", "changed", "rejected", "cancelled", "planned")
        state = "planned" if revision == 1 else self._choices.one(later)
        data = bodies.milestone(self._choices, contract_id, number, revision, state, self._days.work)
        self._say(f"milestone.{state}", data)

    def _bill(self) -> None:
        """Invoice a few things of a contract: what it has, what left it, what nobody has heard of yet."""
        contract_id = self._choices.one(self._contracts)
        number = self._next(f"invoice/{contract_id}")
        lines = [self._billed(contract_id) for _ in range(self._choices.between(1, 4))]
        self._vouchers.setdefault(contract_id, []).append((number, lines))
        day = None if self._choices.chance(25) else self._a_day()
        self._say("invoice.issued", bodies.invoice(contract_id, number, 1, lines, day))

    def _billed(self, contract_id: str) -> Data:
        choices = self._choices
        if choices.chance(15):
            milestone_id = f"{contract_id}-M-{choices.between(1, 3)}"
            return {"kind": "milestone", "id": milestone_id, "amount": choices.one(("1000", "5000"))}
        if choices.chance(10):
            number = choices.between(1, self._numbers.get("expense", 0) + 1)
            return {"kind": "expense", "id": f"E-{number}", "amount": "100"}
        if choices.features & bodies.BY_FEE and choices.chance(20):
            fee = bodies.money(choices, bodies.currency_of(contract_id), 1, 20)
            if may(choices, "documents", 50):
                month = self._a_day().isoformat()[:7]
                return {"kind": "fee", "id": f"{choices.one(bodies.LINES)}/{month}", "amount": fee}
            return {"kind": "fee", "id": choices.one(_FEES), "amount": fee}
        here = [entry_id for entry_id, data in self._latest.items() if data["contract_id"] == contract_id]
        if here and choices.chance(85):
            entry_id = choices.one(here)
            hourly = choices.one((60, 100, 6000, 10000) if bodies.currency_of(contract_id) == "JPY" else (60, 100, 30))
            if self._latest[entry_id].get("rate_override") == "0":
                hourly = 0  # what is worth nothing is billed at that
            amount = abs(self._latest[entry_id]["minutes"]) * hourly // 60
        else:
            entry_id, amount = f"T-{choices.between(1, self._numbers.get('time', 0) + 5)}", 60
        return {"kind": "time", "id": entry_id, "amount": str(amount)}

    def _void_or_credit(self) -> None:
        contract_id = self._choices.one(self._contracts)
        if not self._vouchers.get(contract_id):
            return
        number, lines = self._choices.one(self._vouchers[contract_id])
        invoice_id = f"{contract_id}-I-{number}"
        if self._choices.chance(40) and invoice_id not in self._voided:
            self._voided.add(invoice_id)
            data = bodies.invoice(contract_id, number, 2, lines, None)
            self._say("invoice.voided", self._cut(data, "invoice_id", "revision", "contract_id"))
            return
        credited = [{**line} for line in lines if self._choices.chance(60)]
        if credited and self._choices.chance(30):
            credited[0]["amount"] = "10"
        day = None if self._choices.chance(30) else self._a_day()
        serial = self._next(f"credit/{contract_id}")
        self._say("invoice.credited", bodies.credit(contract_id, number, serial, credited or lines[:1], day))

    def _say_an_invoice_anew(self) -> None:
        """Pay an invoice, or correct it: one line less, one more, another day. Some messages leave out the lines."""
        contract_id = self._choices.one(self._contracts)
        if not self._vouchers.get(contract_id):
            return
        number, lines = self._choices.one(self._vouchers[contract_id])
        revision = self._next(f"invoice/{contract_id}/{number}") + 2
        if self._choices.chance(40):
            data = bodies.invoice(contract_id, number, revision, lines, None)
            self._say("invoice.paid", self._cut(data, "invoice_id", "revision", "contract_id"))
            return
        lines = self._choices.one((lines[1:] or lines, [*lines, self._billed(contract_id)], lines))
        day = None if self._choices.chance(25) else self._a_day()
        self._say("invoice.issued", bodies.invoice(contract_id, number, revision, lines, day))

    def _police(self) -> None:
        """Turn a check on or off, mostly for all; withdraw a policy now and then."""
        home = None if self._choices.chance(60) else self._choices.one(self._contracts)
        number = self._choices.between(1, 8)
        revision = self._next(f"policy/{home}/{number}")
        data = bodies.policy(self._choices, number, revision, home)
        if revision == 1 or self._choices.chance(75):
            self._say("policy.set", data)
        else:
            self._say("policy.withdrawn", self._cut(data, *bodies.withdrawing(self._choices, "policy_id")))

    def _demand_papers(self) -> None:
        """Ask for narratives or receipts, or no longer; the policies have numbers of their own."""
        home = None if self._choices.chance(30) else self._choices.one(self._contracts)
        number = self._choices.between(11, 13)
        revision = self._next(f"policy/{home}/{number}")
        data = bodies.demanded(self._choices, number, revision, home)
        if revision == 1 or self._choices.chance(85):
            self._say("policy.set", data)
        else:
            self._say("policy.withdrawn", self._cut(data, *bodies.withdrawing(self._choices, "policy_id")))

    def _record(self) -> None:
        """Master data of a client or a company."""
        kind, said = self._choices.one((("client", bodies.client), ("legal_entity", bodies.company)))
        data = said(self._choices, 1)
        revision = self._next(f"{kind}/{data[f'{kind}_id']}")
        self._say(f"{kind}.upserted", {**data, "revision": revision})

    def _turn_the_books(self) -> None:
        data = bodies.period(self._choices, 1, self._days.work)
        revision = self._next(f"period/{data['legal_entity_id']}/{data['period']}")
        self._say(
            self._choices.one(("period.closed", "period.closed", "period.opened")), {**data, "revision": revision}
        )

    def _acknowledge(self) -> None:
        """An answer of an ERP, sometimes the same again."""
        contract_id = self._choices.one(self._contracts)
        data = bodies.acknowledgement(self._choices, contract_id, self._choices.between(1, 3), self._days.work)
        self._say("erp.acknowledged", data)

    def _cost(self, contract_id: str) -> None:
        """What everybody's time costs on the contract, from its first day on."""
        number = self._next(f"rate/{contract_id}")
        revision = self._next(f"rate/{contract_id}/{number}")
        self._say("rate.set", bodies.cost(self._choices, contract_id, number, revision, self._days.terms[0]))

    def _estimate(self, home: str | None = None, line_id: str | None = None) -> None:
        """Of any line, or of the one named, from the first day on."""
        contract_id, number = home or self._choices.one(self._contracts), self._choices.between(1, 5)
        revision = self._next(f"estimate/{contract_id}/{number}")
        days = self._days.terms if line_id is None else self._days.terms[:1]
        data = bodies.estimate(self._choices, contract_id, number, revision, days)
        self._say("estimate.set", data if line_id is None else {**data, "line_id": line_id})

    def _write_off(self) -> None:
        """Entries the firm has, at that contract or not, and one to come."""
        contract_id, number = self._choices.one(self._contracts), self._choices.between(1, 3)
        revision = self._next(f"writeoff/{contract_id}/{number}")
        entry_ids = [f"T-{self._numbers.get('time', 0) + 1}", *self._latest]
        self._say("writeoff.recorded", bodies.writeoff(self._choices, contract_id, number, revision, entry_ids))

    def _release(self) -> None:
        contract_id, number = self._choices.one(self._contracts), self._choices.between(1, 3)
        revision = self._next(f"release/{contract_id}/{number}")
        self._say("retainage.released", bodies.release(self._choices, contract_id, number, revision, self._days.work))

    def _quote(self) -> None:
        """A rate of exchange for some day; a day's rate may be set again."""
        data = bodies.exchange(self._choices, 1, self._days.terms)
        name = "/".join((data["from_currency"], data["to_currency"], data["on"]))
        self._say("fx.rate.set", {**data, "revision": self._next(f"fx/{name}")})

    def _subcontract(self) -> None:
        """Promise a supplier something, mostly before it invoices that; either may be said anew."""
        contract_id, number = self._any_contract(), self._choices.between(1, 3)
        revision = self._next(f"subcontract/{contract_id}/{number}")
        kind = "committed" if revision == 1 else self._choices.one(("invoiced", "invoiced", "committed"))
        self._say(f"subcontract.{kind}", bodies.subcontract(self._choices, contract_id, number, revision))

    def _hinder(self) -> None:
        """Begin a hold or a dispute, or end it: most end soon, or nothing would ever be ready."""
        kind, contract_id = self._choices.one(("hold", "dispute")), self._choices.one(self._contracts)
        revision = self._next(f"{kind}/{contract_id}")
        begun, ended = _HINDRANCES[kind]
        what = begun if revision % 2 and self._choices.chance(60) else ended
        self._say(f"{kind}.{what}", bodies.hindrance(kind, contract_id, 1, revision))

    def _place(self, person: str | None = None) -> None:
        """Put somebody into a role, a practice, a calendar: for the first time, or anew."""
        person = person or self._choices.one(bodies.PEOPLE)
        revision = self._next(f"resource/{person}")
        days = self._days.terms if revision > 1 else self._days.terms[:3]
        self._say("resource.upserted", bodies.resource(self._choices, person, revision, days))

    def _leave(self) -> None:
        person, number = self._choices.one(bodies.PEOPLE), self._choices.between(1, 4)
        revision = self._next(f"leave/{person}/{number}")
        data = bodies.leave(self._choices, person, number, revision, self._days.work)
        if revision == 1 or self._choices.chance(60):
            self._say("leave.approved", data)
        else:
            self._say("leave.cancelled", self._cut(data, "leave_id", "revision", "resource_id"))

    def _assign(self) -> None:
        """Book somebody, or change a booking: more or less, other days, another person or contract, not at all."""
        number = self._choices.between(1, self._numbers.get("assignment", 0) + 1)
        if number > self._numbers.get("assignment", 0):
            self._next("assignment")
        revision = self._next(f"assignment/{number}")
        data = bodies.assignment(self._choices, number, revision, self._days.work)
        kind = "booked" if revision == 1 else self._choices.one(("changed", "changed", "booked", "cancelled"))
        self._say(f"assignment.{kind}", self._cut(data, "assignment_id", "revision") if kind == "cancelled" else data)

    def _ask(self) -> None:
        number = self._choices.between(1, 5)
        revision = self._next(f"demand/{number}")
        data = bodies.demand(self._choices, number, revision, self._days.work)
        kind = "opened" if revision == 1 else self._choices.one(("changed", "changed", "filled", "cancelled"))
        self._say(f"demand.{kind}", self._cut(data, "demand_id", "revision") if kind in _ENDS else data)

    def _declare_holiday(self) -> None:
        number = self._choices.between(1, 3)
        data = bodies.holiday(self._choices, number, self._next(f"holiday/{number}"), self._days.work)
        self._say(self._choices.one(("holiday.set", "holiday.set", "holiday.removed")), data)


def regulated(events: Sequence[Event], rng: Random, count: int = 5) -> list[Event]:
    """The events with some policies about people among them, each told when its neighbour was."""
    choices, result = Seeded(rng, frozenset()), list(events)
    for number in range(count):
        name, before = choices.between(1, 2), choices.one(events)
        data = bodies.regional(choices, name, choices.between(1, 3), [date(2020, 1, 1), date(2026, 3, 3)])
        kind = "policy.withdrawn" if choices.chance(20) else "policy.set"
        said = data if kind == "policy.set" else bodies.only_named(data, "policy_id", "revision")
        event = envelope(kind, said, f"rule-{number}", datetime.fromisoformat(before["time"]))
        event["acceptedtime"] = before["acceptedtime"]
        result.insert(result.index(before), event)
    return result


def disorder(events: Sequence[Event], rng: Random) -> list[Event]:
    """The same events in another order."""
    return rng.sample(list(events), len(events))


def repeated(events: Sequence[Event], rng: Random, percent: int = 15) -> list[Event]:
    """Some events twice or three times, somewhere after the first, accepted a while later."""
    result = list(events)
    for event in events:
        if rng.randrange(100) < percent:
            for _ in range(rng.randint(1, 2)):
                again = {**event, "acceptedtime": _shifted(event["acceptedtime"], rng.choice((0, 60, 90_000)))}
                result.insert(rng.randint(result.index(event) + 1, len(result)), again)
    return result


def contradicted(events: Sequence[Event], rng: Random, percent: int = 8) -> list[Event]:
    """Some messages said again under their own identity, with other content, at the same or another time."""
    extra = []
    for event in events:
        if rng.randrange(100) < percent:
            other = altered(event, rng)
            other["time"] = _shifted(event["time"], rng.choice((0, 0, -600, 600)))
            extra.append(other)
    return [*events, *extra]


def rivalled(events: Sequence[Event], rng: Random, percent: int = 8) -> list[Event]:
    """Some revisions said by two messages, with other content, at the same or another time, from one or two sources."""
    extra = []
    for event in events:
        if rng.randrange(100) < percent:
            other = altered(event, rng)
            other["id"] = f"{event['id']}-{rng.choice('ab')}"
            other["source"] = rng.choice((event["source"], "/other"))
            other["time"] = _shifted(event["time"], rng.choice((0, 0, -600, 600)))
            extra.append(other)
    return [*events, *extra]


def unstamped(events: Sequence[Event], rng: Random, percent: int = 50) -> list[Event]:
    """Some events as a file has them that was not exported here: not accepted, and perhaps not even recorded."""
    result = []
    for event in events:
        left_out = rng.choice(({"acceptedtime"}, {"acceptedtime", "recordedtime"}))
        dropped = left_out if rng.randrange(100) < percent else set()
        result.append({name: value for name, value in event.items() if name not in dropped})
    return result


def belated(events: Sequence[Event], rng: Random) -> list[Event]:
    """Time and estimates as sources record them that are late: some of each within its month, others months later."""
    days = sorted(date.fromisoformat(event["data"]["work_date"]) for event in events if event["data"].get("work_date"))
    if not days:
        return list(events)
    span = (days[-1] - days[0]).days + 60
    result = []
    for event in events:
        if event["type"].startswith(("time.", "estimate.")):
            day = days[0] + timedelta(days=rng.randrange(-20, span))
            moment = datetime(day.year, day.month, day.day, rng.choice((0, 12, 23)), tzinfo=UTC)
            event = {**event, "recordedtime": _moment(moment)}
        result.append(event)
    return result


def gapped(events: Sequence[Event], rng: Random, percent: int = 6) -> list[Event]:
    """Some messages never arrive."""
    return [event for event in events if rng.randrange(100) >= percent]


def troubled(events: Sequence[Event], rng: Random) -> list[Event]:
    """Contradictions, rivals, gaps, repetition and disorder together."""
    return disorder(repeated(gapped(rivalled(contradicted(events, rng), rng), rng), rng), rng)


def altered(event: Event, rng: Random) -> Event:
    """A copy that says something else of the same entity and revision."""
    other = copy.deepcopy(event)
    data = other["data"]
    kind, what = event["type"].split(".")[:2]
    if kind == "time" and "minutes" in data:
        data["minutes"] = rng.choice((15, 60, 200, -30))
        data["contract_id"] = rng.choice((data["contract_id"], "C-1", "C-2"))
        if what in {"approved", "submitted"}:
            other["type"] = rng.choice((event["type"], "time.approved.v1", "time.submitted.v1", "time.reversed.v1"))
    elif kind == "contract" and what == "approved":
        data["lines"] = data["lines"][: rng.randint(1, len(data["lines"]))]
        data["name"] = rng.choice(("Überführung", "Second reading"))
    elif kind == "rate" and "amount" in data:
        data["amount"] = rng.choice(("61", "101.5", "0.333333"))
    elif kind == "expense" and "net" in data:
        data["net"]["amount"] = rng.choice(("7", "250.25"))
    elif kind == "resource":
        data[rng.choice(("role", "practice"))] = rng.choice(("analyst", "cloud"))
        data["weekly_minutes"] = rng.choice((1800, 0))
    elif kind == "leave" and "to" in data:
        data["minutes_per_day"] = rng.choice((60, 480))
    elif kind == "assignment" and "to" in data:
        data["resource_id"] = rng.choice((data["resource_id"], "P-1", "P-2"))
        other["type"] = rng.choice((event["type"], "assignment.booked.v1", "assignment.cancelled.v1"))
    elif kind == "demand" and "to" in data:
        data["minutes_per_week"] = rng.choice((77, 1500))
    elif kind == "policy" and "action" in data:
        data["action"] = rng.choice(("warning", "off"))
    elif kind == "erp":
        data["status"] = rng.choice(("accepted", "rejected"))
    else:
        data["note"] = rng.choice(("again", "once more"))
    return other


def _shifted(moment: str, seconds: int) -> str:
    return _moment(datetime.fromisoformat(moment) + timedelta(seconds=seconds))


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


# -- for property tests -------------------------------------------------------------------------------------------

# Around a month's end that is a quarter's end, a year's end with ISO week 53, and a leap day. The first ones are close
# to each other, so that most draws fall into one burn window.
_DAYS = Days(
    [
        date(2026, 3, 2),
        date(2026, 3, 4),
        date(2026, 3, 30),
        date(2026, 3, 31),
        date(2026, 4, 1),
        date(2026, 12, 31),
        date(2027, 1, 1),
        date(2027, 1, 4),
        date(2028, 2, 29),
    ],
    [date(2026, 1, 1), date(2026, 1, 1), date(2026, 3, 3), date(2026, 4, 1), date(2027, 1, 1)],
)
# Days to ask for: most after most of the work, some on the edges of a burn window, one before everything.
_AS_OFS = (
    date(2026, 4, 1),
    date(2026, 4, 2),
    date(2027, 1, 4),
    date(2027, 1, 5),
    date(2028, 2, 29),
    date(2026, 3, 31),
    date(2026, 3, 29),
    date(2026, 4, 27),
    date(2026, 4, 28),
    date(2026, 3, 4),
    date(2025, 12, 31),
)
_CONTRACTS = ("C-1", "C-1", "C-1", "C-1", "C-2", "C-3", "C-9")
_START = datetime(2026, 1, 1, 8, tzinfo=UTC)


def as_ofs() -> st.SearchStrategy[date]:
    """Days to ask for, on and around the days of `event_sets`."""
    return st.sampled_from(_AS_OFS)


def known_ats() -> st.SearchStrategy[str]:
    """Instants to ask for, among those the messages of `event_sets` are accepted at."""
    return st.integers(0, 40).map(lambda n: _moment(_START + timedelta(hours=n)))


@st.composite
def contents(draw: st.DrawFn, kinds: Sequence[str], features: frozenset[str]) -> tuple[str, Data]:
    """A type and data over a few ids: any of `kinds`, any revision, nothing that follows from another draw."""
    choices = Drawn(draw, features)
    kind = choices.one(kinds)
    contract_id = choices.one(_CONTRACTS)
    return _CONTENTS[kind](choices, contract_id, choices.between(1, 3))


@st.composite
def event_sets(
    draw: st.DrawFn, max_size: int = 10, min_times: int = 4, features: frozenset[str] | None = None
) -> list[Event]:
    """Events in any order, over a few ids, with rivals, copies and contradictions; mostly about an approved C-1.

    At most `max_size` each of contract, rate and other events, and twice as many of time. `min_times` time events are
    always there, because a third of all sets would have none; a failure is easier to read with fewer.
    """
    features = enabled() if features is None else features
    said = draw(st.lists(contents(("time",), features), min_size=min_times, max_size=2 * max_size))
    said += [one for kinds in _groups(features) for one in draw(st.lists(contents(kinds, features), max_size=max_size))]
    choices = Drawn(draw, features)
    for contract_id, percent in (("C-1", 10), ("C-2", 60)):
        if not choices.chance(percent):
            data = bodies.approved(choices, contract_id, 1, _DAYS, effective=_DAYS.terms[0])
            said.insert(0, ("contract.approved", data))
    if not choices.chance(10):
        said.insert(0, ("rate.set", _firm_rate()))
    events = []
    for number, (kind, data) in enumerate(said):
        # Few moments, so that ties on time are broken by source and id; sometimes the identity of the message before.
        message_id = f"m-{number - 1 if number and choices.chance(8) else number}"
        at = _START + timedelta(hours=choices.between(0, 5))
        events.append(envelope(kind, data, message_id, at, 60 * choices.between(0, 30)))
    return draw(st.permutations(events))


def _firm_rate() -> Data:
    start = _DAYS.terms[0].isoformat()
    return {"rate_id": "R-0", "revision": 1, "amount": "60", "currency": "EUR", "effective_from": start}


def _time_content(choices: Choices, contract_id: str, revision: int) -> tuple[str, Data]:
    data = bodies.time(choices, f"T-{choices.between(1, 6)}", revision, contract_id, _DAYS.work)
    kind = choices.one(
        ("approved", "approved", "approved", "approved", "submitted", "corrected", "rejected", "reversed")
    )
    if kind in {"rejected", "reversed"} and choices.chance(50):
        data = bodies.only_named(data, "entry_id", "revision")
    if kind == "corrected" and choices.chance(50):
        data["status"] = choices.one(("approved", "submitted"))
    return f"time.{kind}", data


def _rate_content(choices: Choices, contract_id: str, revision: int) -> tuple[str, Data]:
    home = contract_id if choices.chance(50) else None
    data = bodies.rate(choices, home, choices.between(1, 2), revision, _DAYS.terms)
    if choices.chance(20):
        return "rate.withdrawn", bodies.only_named(data, *bodies.withdrawing(choices, "rate_id"))
    return "rate.set", data


def _approved_content(choices: Choices, contract_id: str, version: int) -> tuple[str, Data]:
    if contract_id == "C-9":
        contract_id = "C-2"  # C-9 is never approved
    return "contract.approved", bodies.approved(choices, contract_id, version, _DAYS)


def _amended_content(choices: Choices, contract_id: str, version: int) -> tuple[str, Data]:
    if choices.chance(10):
        ended = bodies.cancelled_by_amendment(contract_id, version + 1, choices.one(_DAYS.terms))
        return "contract.amended", ended
    return "contract.amended", bodies.amended(choices, contract_id, version + 1, _DAYS.terms)


def _standing_content(choices: Choices, contract_id: str, version: int) -> tuple[str, Data]:
    kind = choices.one(("resumed", "suspended", "closed", "cancelled"))
    return f"contract.{kind}", bodies.standing(contract_id, version + 1, choices.one(_DAYS.terms))


def _expense_content(choices: Choices, contract_id: str, revision: int) -> tuple[str, Data]:
    data = bodies.expense(choices, f"E-{choices.between(1, 2)}", revision, contract_id, _DAYS.work)
    kind = choices.one(("approved", "corrected", "rejected"))
    if kind == "rejected" and choices.chance(50):
        data = bodies.only_named(data, "expense_id", "revision")
    return f"expense.{kind}", data


def _milestone_content(choices: Choices, contract_id: str, revision: int) -> tuple[str, Data]:
    state = choices.one(("planned", "accepted", "completed", "changed", "rejected", "cancelled"))
    return f"milestone.{state}", bodies.milestone(choices, contract_id, 1, revision, state, _DAYS.work)


def _billed_lines(choices: Choices, contract_id: str) -> list[Data]:
    items = [
        *(("time", f"T-{number}") for number in (1, 2, 3, 4, 7)),
        ("milestone", f"{contract_id}-M-1"),
        ("expense", "E-1"),
        ("fee", "F-1"),
    ]
    if choices.features & bodies.BY_FEE:
        items += [("fee", name) for name in ("L-1", "L-1/2026-03", "L-2")]
    chosen = [choices.one(items) for _ in range(choices.between(1, 2))]
    return [{"kind": kind, "id": name, "amount": choices.one(("60", "480", "90"))} for kind, name in chosen]


def _invoice_content(choices: Choices, contract_id: str, revision: int) -> tuple[str, Data]:
    day = choices.one((None, *_DAYS.work))
    number = choices.between(1, 2)
    data = bodies.invoice(contract_id, number, revision, _billed_lines(choices, contract_id), day)
    kind = choices.one(("issued", "issued", "paid", "voided"))
    if (kind == "voided" and choices.chance(50)) or (kind == "paid" and may(choices, "documents", 50)):
        data = bodies.only_named(data, "invoice_id", "revision", "contract_id")
    return f"invoice.{kind}", data


def _credit_content(choices: Choices, contract_id: str, _: int) -> tuple[str, Data]:
    lines, day = _billed_lines(choices, contract_id), choices.one((None, *_DAYS.work))
    return "invoice.credited", bodies.credit(contract_id, choices.between(1, 2), choices.between(1, 2), lines, day)


def _holiday_content(choices: Choices, _: str, revision: int) -> tuple[str, Data]:
    data = bodies.holiday(choices, choices.between(1, 2), revision, _DAYS.work)
    return choices.one(("holiday.set", "holiday.removed")), data


def _estimate_content(choices: Choices, contract_id: str, revision: int) -> tuple[str, Data]:
    return "estimate.set", bodies.estimate(choices, contract_id, choices.between(1, 2), revision, _DAYS.terms)


def _writeoff_content(choices: Choices, contract_id: str, revision: int) -> tuple[str, Data]:
    entry_ids = [f"T-{number}" for number in range(1, 8)]
    return "writeoff.recorded", bodies.writeoff(choices, contract_id, choices.between(1, 2), revision, entry_ids)


def _release_content(choices: Choices, contract_id: str, revision: int) -> tuple[str, Data]:
    return "retainage.released", bodies.release(choices, contract_id, choices.between(1, 2), revision, _DAYS.work)


def _subcontract_content(choices: Choices, contract_id: str, revision: int) -> tuple[str, Data]:
    data = bodies.subcontract(choices, contract_id, choices.between(1, 2), revision)
    return f"subcontract.{choices.one(('committed', 'invoiced'))}", data


def _hindrance_content(choices: Choices, contract_id: str, revision: int) -> tuple[str, Data]:
    kind = choices.one(("hold", "dispute"))
    begun, ended = _HINDRANCES[kind]
    what = begun if choices.chance(30) else ended
    return f"{kind}.{what}", bodies.hindrance(kind, contract_id, 1, revision)


def _checks_content(choices: Choices, contract_id: str, revision: int) -> tuple[str, Data]:
    what = choices.one(("policy", "policy", "policy", "client", "company", "period", "acknowledgement"))
    if what == "policy":
        home = contract_id if choices.chance(40) else None
        data = bodies.policy(choices, choices.between(1, 3), revision, home)
        if choices.chance(15):
            return "policy.withdrawn", bodies.only_named(data, *bodies.withdrawing(choices, "policy_id"))
        return "policy.set", data
    if what == "client":
        return "client.upserted", bodies.client(choices, revision)
    if what == "company":
        return "legal_entity.upserted", bodies.company(choices, revision)
    if what == "period":
        return choices.one(("period.closed", "period.opened")), bodies.period(choices, revision, _DAYS.work)
    return "erp.acknowledged", bodies.acknowledgement(choices, contract_id, revision, _DAYS.work)


def _papers_content(choices: Choices, contract_id: str, revision: int) -> tuple[str, Data]:
    home = contract_id if choices.chance(40) else None
    data = bodies.demanded(choices, choices.between(11, 12), revision, home)
    if choices.chance(15):
        return "policy.withdrawn", bodies.only_named(data, *bodies.withdrawing(choices, "policy_id"))
    return "policy.set", data


def _resource_content(choices: Choices, _: str, revision: int) -> tuple[str, Data]:
    person = choices.one(bodies.PEOPLE)
    return "resource.upserted", bodies.resource(choices, person, revision, [*_DAYS.terms, *_DAYS.work])


def _regional_content(choices: Choices, _: str, revision: int) -> tuple[str, Data]:
    data = bodies.regional(choices, choices.between(1, 2), revision, [*_DAYS.terms, *_DAYS.work])
    if choices.chance(15):
        return "policy.withdrawn", bodies.only_named(data, "policy_id", "revision")
    return "policy.set", data


def _leave_content(choices: Choices, _: str, revision: int) -> tuple[str, Data]:
    data = bodies.leave(choices, choices.one(bodies.PEOPLE), choices.between(1, 2), revision, _DAYS.work)
    if choices.chance(25):
        return "leave.cancelled", bodies.only_named(data, "leave_id", "revision", "resource_id")
    return "leave.approved", data


def _assignment_content(choices: Choices, _: str, revision: int) -> tuple[str, Data]:
    data = bodies.assignment(choices, choices.between(1, 3), revision, _DAYS.work)
    kind = choices.one(("booked", "booked", "changed", "cancelled"))
    if kind == "cancelled" and choices.chance(50):
        data = bodies.only_named(data, "assignment_id", "revision")
    return f"assignment.{kind}", data


def _demand_content(choices: Choices, _: str, revision: int) -> tuple[str, Data]:
    data = bodies.demand(choices, choices.between(1, 2), revision, _DAYS.work)
    kind = choices.one(("opened", "changed", "filled", "cancelled"))
    if kind in _ENDS and choices.chance(50):
        data = bodies.only_named(data, "demand_id", "revision")
    return f"demand.{kind}", data


_CONTENTS: dict[str, Callable[[Choices, str, int], tuple[str, Data]]] = {
    "time": _time_content,
    "rate": _rate_content,
    "approved": _approved_content,
    "amended": _amended_content,
    "standing": _standing_content,
    "expense": _expense_content,
    "milestone": _milestone_content,
    "invoice": _invoice_content,
    "credit": _credit_content,
    "holiday": _holiday_content,
    "percent_complete": _estimate_content,
    "writeoffs": _writeoff_content,
    "retainage": _release_content,
    "fx": lambda choices, _, revision: ("fx.rate.set", bodies.exchange(choices, revision, _DAYS.work)),
    "holds": _hindrance_content,
    "subcontracts": _subcontract_content,
    "checks": _checks_content,
    "papers": _papers_content,
    "resource": _resource_content,
    "regional": _regional_content,
    "leave": _leave_content,
    "assignment": _assignment_content,
    "demand": _demand_content,
}
# Besides time, each group is drawn as a list of its own, so that a set has something of everything.
_GROUPS = (
    ("amended", "amended", "approved", "standing"),
    ("rate",),
    ("expense", "milestone", "invoice", "invoice", "credit", "holiday"),
)


def _groups(features: frozenset[str]) -> list[tuple[str, ...]]:
    """Commercial features with messages of their own share one more list, staffing has two."""
    own = ("percent_complete", "writeoffs", "retainage", "fx", "holds", "subcontracts", "papers")
    extra = tuple(kind for kind in own if kind in features)
    checks = (("checks",),) if "checks" in features else ()
    people = (("resource", "resource", "regional"), ("assignment", "assignment", "leave", "demand"))
    staffing = people if "staffing" in features else ()
    return [*_GROUPS, *((extra,) if extra else ()), *checks, *staffing]
