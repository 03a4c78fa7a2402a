"""Facts: one truth per entity that can change its home, told to every home it ever had."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, TypeVar

import msgspec

from agents.custody import Custody, raise_conflicts
from agents.effects import ENGAGEMENTS, PRACTICES, RESOURCES, Batch, Effects, Send, contract_of
from app.domain import calendar
from app.domain.demand import Opening
from app.domain.ledger import APPROVED, REJECTED, REVERSED, SUBMITTED, Row, Spend, Was
from app.domain.money import MICRO, micro
from app.domain.resolution import CANCELLING, counting, effective
from app.domain.utilization import HARD, Booking, Group, Worked, class_of, staff
from app.events.fact import Fact
from app.events.home import Home
from app.events.posting import Resend
from app.events.stint import Assigned, Stint
from app.events.wanted import Wanted
from tables import Store
from tables.entities import ENTITIES

V = TypeVar("V")


class TimeData(msgspec.Struct, gc=False):
    """What the ledger needs of a time entry."""

    contract_id: str | None = None
    resource_id: str | None = None
    work_date: str | None = None
    minutes: int | None = None
    role: str | None = None
    line_id: str | None = None
    billable: bool | None = None
    rate_override: str | None = None
    status: str | None = None
    category: str | None = None
    narrative: str | None = None


class SpendData(msgspec.Struct, gc=False):
    """What the ledger needs of an expense."""

    contract_id: str | None = None
    date: str | None = None
    net: dict[str, str] | None = None
    markup_ratio: str | None = None
    billable: bool | None = None
    line_id: str | None = None
    receipt_ref: str | None = None


class AssignmentData(msgspec.Struct, gc=False):
    """What a calendar needs of an assignment."""

    resource_id: str | None = None
    contract_id: str | None = None
    first: str | None = msgspec.field(default=None, name="from")
    last: str | None = msgspec.field(default=None, name="to")
    minutes_per_week: int | None = None
    minutes_total: int | None = None
    booking: str | None = None
    probability_ratio: str | None = None
    billable: bool | None = None
    role: str | None = None
    line_id: str | None = None


class ResentData(msgspec.Struct, gc=False):
    """What the gate needs of a document that somebody had sent again."""

    document_key: str
    document_revision: int
    target: str | None = None
    event_source: str | None = None
    event_id: str | None = None

    @property
    def refusal(self) -> str:
        return f"{self.event_source}#{self.event_id}" if self.event_id else ""


class DemandData(msgspec.Struct, gc=False):
    """What a practice needs of a demand, and which contract it is for."""

    contract_id: str | None = None
    role: str | None = None
    practice: str | None = None
    first: str | None = msgspec.field(default=None, name="from")
    last: str | None = msgspec.field(default=None, name="to")
    minutes_per_week: int | None = None
    probability_ratio: str | None = None


_read_time = msgspec.json.Decoder(TimeData).decode
_read_spend = msgspec.json.Decoder(SpendData).decode
_read_assignment = msgspec.json.Decoder(AssignmentData).decode
_read_resent = msgspec.json.Decoder(ResentData).decode
_read_demand = msgspec.json.Decoder(DemandData).decode
_TIME_STATUS = {
    "time.approved.v1": APPROVED,
    "time.submitted.v1": SUBMITTED,
    "time.corrected.v1": APPROVED,
    "time.rejected.v1": REJECTED,
    "time.reversed.v1": REVERSED,
}
_RESENT = "case.resent.v1"
_FILLED = "demand.filled.v1"
_SPEND_STATUS = {"expense.approved.v1": APPROVED, "expense.corrected.v1": APPROVED, "expense.rejected.v1": REJECTED}


NOTHING: Final[Mapping[str, list[Was]]] = {}


async def facts(batches: AsyncIterator[Batch], store: Store) -> AsyncIterator[Effects]:
    """Keep every distinct message, resolve the current one, tell the homes.

    What a home is told is the whole truth about the entity as it concerns that home, so a repetition is harmless and a
    crash between two writes is repaired by saying it again.
    """
    async for batch in batches:
        effects = Effects(batch)
        custody = Custody(store, ENTITIES, f"facts/{batch.partition}")
        for record in batch.records:
            custody.keep(record.offset, record.value)
        for key, entity in custody.touched.items():
            effects.sends += told(entity.facts, entity.n)
            effects.writes.append((ENTITIES, key, entity))
            if len(entity.facts) > 1:
                raise_conflicts(effects, key, entity.facts, entity.fence)
        effects.writes.append(custody.closing(batch.records[-1].offset))
        yield effects


def told(said: Sequence[Fact], n: int) -> list[Send]:
    """What each home that any message named is to know of the entity."""
    return _TOLD[said[0].kind](said, n)


def _tell_time(said: Sequence[Fact], n: int) -> list[Send]:
    """The contracts price an entry, the people did it."""
    if len(said) == 1:
        fact = said[0]
        data = _read_time(fact.data)
        row = _row(fact, data, n)
        if row is not None and data.contract_id is not None:
            row.known = _late(fact, row.day)
            stint = _stint(fact, n, row.resource_id, calendar.week_start(row.day), [], row, data)
            return [
                Send(ENGAGEMENTS, data.contract_id, _home(fact, n, fact.time, row=row, contract=data.contract_id)),
                Send(RESOURCES, row.resource_id, stint),
            ]
    named = [_read_time(fact.data) for fact in said]
    decided, data = _decided(said, named, TimeData)
    row = _row(decided, data, n)
    on = {calendar.number(d.work_date) for d in named if d.work_date}
    past: dict[str, list[Was]] = {}
    if on and any(_late(fact, min(on)) for fact in said):
        past, known = _past(said, named)
        if row is not None:
            row.known = known if known > row.day else 0
    latest = _latest(said)
    if row is not None and data.contract_id is not None and not past and _stayed(named):
        home = _home(latest, n, min([fact.time for fact in said]), row=row, contract=data.contract_id)
        stint = _stint(latest, n, row.resource_id, calendar.week_start(row.day), [], row, data)
        return [Send(ENGAGEMENTS, data.contract_id, home), Send(RESOURCES, row.resource_id, stint)]
    places = _places([(d.contract_id, d.work_date) for d in named])
    sends = _homes(said, n, places, _lines(named), data.contract_id, row=row, past=past)
    weeks = {calendar.week_start(day) for day in on}
    for person in _people(named):
        here = calendar.week_start(row.day) if row is not None and row.resource_id == person else None
        others = sorted(weeks - {here})
        held = row if here is not None else None
        sends.append(Send(RESOURCES, person, _stint(latest, n, person, here, others, held, data)))
    return sends


def _late(fact: Fact, day: int) -> int:
    """The first day of the month in which a message was recorded, if that came after the month of a day; else 0."""
    recorded = calendar.day_of(fact.recorded)
    month = calendar.month_start(recorded) if recorded > day else 0
    return month if month > day else 0


def _past(said: Sequence[Fact], named: Sequence[TimeData]) -> tuple[dict[str, list[Was]], int]:
    """What an entry was known to be, by contract, after its month was over, and is no more; and since when it is now.

    It was known to be what the messages recorded by the end of a month come to.
    """
    recorded = [calendar.month_start(calendar.day_of(fact.recorded)) for fact in said]
    past: dict[str, list[Was]] = {}
    before: tuple[str, Was] | None = None
    since = 0
    for month in sorted(set(recorded)):
        known = [place for place, its in enumerate(recorded) if its <= month]
        state = _counted(*_decided([said[place] for place in known], [named[place] for place in known], TimeData))
        if state == before:
            continue
        if before is not None and month > before[1].day:
            contract, was = before
            was.since, was.until = since if since > was.day else 0, month
            past.setdefault(contract, []).append(was)
        before, since = state, month
    return past, since


def _counted(decided: Fact, data: TimeData) -> tuple[str, Was] | None:
    """What counts of an entry towards the cost of a contract: None while it is not approved."""
    row = _row(decided, data, 0)
    if row is None or data.contract_id is None or row.status != APPROVED:
        return None
    return data.contract_id, Was(0, 0, row.day, row.resource_id, row.minutes, row.role, row.line_id)


def _stayed(named: Sequence[TimeData]) -> bool:
    """Whether all messages put the entry on the same line of a contract and the same day, for the same person."""
    first = named[0]
    return all(
        data.work_date == first.work_date
        and data.contract_id == first.contract_id
        and data.resource_id == first.resource_id
        and data.line_id == first.line_id
        for data in named[1:]
    )


def _stint(
    latest: Fact, n: int, person: str, here: int | None, others: list[int], row: Row | None, data: TimeData
) -> Stint:
    worked = None
    if row is not None:
        kind = class_of(data.category, billable=row.billable)
        worked = Worked(row.status, row.day, row.minutes, kind, data.contract_id or "")
    return Stint(
        latest.entity, n, person, here, others, latest.time, latest.source, latest.id, latest.correlation, worked
    )


def _people(named: Sequence[Any]) -> list[str]:
    return sorted({data.resource_id for data in named if data.resource_id})


def _tell_spend(said: Sequence[Fact], n: int) -> list[Send]:
    named = [_read_spend(fact.data) for fact in said]
    decided, data = _decided(said, named, SpendData)
    spend = _spend(decided, data, n)
    places = _places([(d.contract_id, d.date) for d in named])
    return _homes(said, n, places, _lines(named), data.contract_id, spend=spend)


def _tell_assignment(said: Sequence[Fact], n: int) -> list[Send]:
    """The people booked keep it in their calendar, and tell the contracts what it comes to."""
    named = [_read_assignment(fact.data) for fact in said]
    whose, booking = _assigned(said, named, n)
    past = _as_known(said, named, _assigned)
    spans, contracts = _spans(named), sorted({d.contract_id for d in named if d.contract_id})
    latest, since = _latest(said), min(fact.time for fact in said)
    return [
        Send(
            RESOURCES,
            person,
            Assigned(
                latest.entity,
                n,
                person,
                spans,
                contracts,
                booking if person == whose else None,
                latest.time,
                latest.source,
                latest.id,
                latest.correlation,
                since,
                [(moment, then if person == its else None) for moment, (its, then) in past],
            ),
        )
        for person in _people(named)
    ]


def _as_known(
    said: Sequence[Fact], named: Sequence[Any], resolve: Callable[[Sequence[Fact], Sequence[Any]], V]
) -> list[tuple[int, V]]:
    """What an entity was known to be from each moment (microseconds) on at which it became another."""
    past: list[tuple[int, V]] = []
    for moment in sorted({fact.accepted for fact in said}):
        known = [place for place, fact in enumerate(said) if fact.accepted <= moment]
        now = resolve([said[place] for place in known], [named[place] for place in known])
        if not past or past[-1][1] != now:
            past.append((moment, now))
    return past


def _assigned(said: Sequence[Fact], named: Sequence[Any], n: int = 0) -> tuple[str | None, Booking | None]:
    """Whose an assignment is, and the booking as it holds: none once it is cancelled."""
    decided, data = _decided(said, named, AssignmentData)
    return data.resource_id, None if decided.type in CANCELLING else _booking(data, n)


def _booking(data: AssignmentData, n: int) -> Booking | None:
    """The assignment as it holds; None while nothing says whose it is, when, or on what."""
    if data.resource_id is None or data.contract_id is None or data.first is None or data.last is None:
        return None
    return Booking(
        n,
        data.contract_id,
        calendar.number(data.first),
        calendar.number(data.last),
        data.minutes_per_week,
        data.minutes_total,
        data.booking or HARD,
        _probability(data.probability_ratio),
        data.billable is not False,
        data.role,
        data.line_id,
    )


def _tell_demand(said: Sequence[Fact], n: int) -> list[Send]:
    """The role, the practice, and the role within the practice look for somebody; the contracts were named by it."""
    named = [_read_demand(fact.data) for fact in said]
    decided, data = _decided(said, named, DemandData)
    opening = None if decided.type in CANCELLING else _opening(data, n)
    past = _as_known(said, named, _opened)
    spans, latest = _spans(named), _latest(said)
    bare = {d.role for d in named if d.role and not d.practice}
    where = _groups(data) if opening is not None else set()
    return [
        Send(
            PRACTICES,
            "/".join(group),
            Wanted(
                latest.entity,
                n,
                *group,
                spans,
                group[0] == "role" and group[1] in bare,
                opening if group in where else None,
                latest.time,
                latest.source,
                latest.id,
                latest.correlation,
                [(moment, then if group in its else None) for moment, (its, then) in past],
                decided.type == _FILLED,
            ),
        )
        for group in sorted({group for d in named for group in _groups(d)})
    ] + _homes(said, n, {}, {d.contract_id: [] for d in named if d.contract_id}, None)


def _tell_case(said: Sequence[Fact], n: int) -> list[Send]:
    """The contract whose document was sent again; of what else was done about an exception only the desk asks."""
    resent = [fact for fact in counting(said) if fact.type == _RESENT]
    if not resent:
        return []
    named = [_read_resent(fact.data) for fact in resent]
    last = named[-1]
    contract_id = contract_of(last.document_key)
    return [
        Send(
            ENGAGEMENTS,
            contract_id,
            Resend(
                contract_id,
                last.document_key,
                last.target,
                last.document_revision,
                resent[-1].entity,
                resent[-1].revision,
                sorted({one.refusal for one in named if one.refusal and one.document_key == last.document_key}),
            ),
        )
    ]


def _opened(said: Sequence[Fact], named: Sequence[Any]) -> tuple[set[Group], Opening | None]:
    """Who a demand looks in, and the demand as it is open: none once it is filled or cancelled."""
    decided, data = _decided(said, named, DemandData)
    opening = None if decided.type in CANCELLING else _opening(data, 0)
    return _groups(data), opening


def _groups(data: DemandData) -> set[Group]:
    found: set[Group] = set()
    if data.role:
        found.add(("role", data.role))
    if data.practice:
        found.add(("practice", data.practice))
    if data.role and data.practice:
        found.add(staff(data.role, data.practice))
    return found


def _opening(data: DemandData, n: int) -> Opening | None:
    if data.role is None or data.first is None or data.last is None or data.minutes_per_week is None:
        return None
    first, last = calendar.number(data.first), calendar.number(data.last)
    return Opening(n, first, last, data.minutes_per_week, data.practice, _probability(data.probability_ratio))


def _probability(ratio: str | None) -> int:
    """In millionths; what says none counts in full."""
    return MICRO if ratio is None else micro(ratio)


def _spans(named: Sequence[Any]) -> list[tuple[int, int]]:
    """The first and last days that messages named."""
    return sorted({(calendar.number(d.first), calendar.number(d.last)) for d in named if d.first and d.last})


def _latest(said: Sequence[Fact]) -> Fact:
    return max(said, key=lambda fact: (fact.time, fact.source, fact.id))


_TOLD: dict[str, Callable[[Sequence[Fact], int], list[Send]]] = {
    "time": _tell_time,
    "expense": _tell_spend,
    "assignment": _tell_assignment,
    "demand": _tell_demand,
    "case": _tell_case,
}


def _decided(said: Sequence[Fact], named: Sequence[Any], shape: type[Any]) -> tuple[Fact, Any]:
    """The deciding message and what it says; `named` are the messages read one by one."""
    if said[-1].type not in CANCELLING and _plain(said):
        return said[-1], named[-1]
    decided, fields = effective(said)
    return decided, msgspec.convert(fields, shape)


def _plain(said: Sequence[Fact]) -> bool:
    """Every message has a revision and an identity of its own (they are kept in the order of their revisions)."""
    if len(said) == 2:
        lower, upper = said
        return lower.revision < upper.revision and (lower.id != upper.id or lower.source != upper.source)
    if len({(fact.source, fact.id) for fact in said}) < len(said):
        return False
    return all(lower.revision < upper.revision for lower, upper in pairwise(said))


def _places(named: Sequence[tuple[str | None, str | None]]) -> dict[str, set[int]]:
    """The buckets of each contract that any message put the entity in, from (contract, day) of every message.

    What a message leaves out may come from any other, whatever counts now.
    """
    homes, days = {home for home, _ in named if home}, {day for _, day in named if day}
    places: dict[str, set[int]] = {home: set() for home in homes}
    for home, day in named:
        for there in (home,) if home else homes:
            places[there].update(calendar.bucket_of(calendar.number(one)) for one in ((day,) if day else days))
    return places


def _lines(named: Sequence[Any]) -> dict[str, list[str]]:
    """Every contract that a message named, with the lines that those messages named."""
    lines: dict[str, list[str]] = {}
    for data in named:
        if data.contract_id:
            its = lines.setdefault(data.contract_id, [])
            if data.line_id and data.line_id not in its:
                its.append(data.line_id)
                its.sort()
    return lines


def _row(decided: Fact, data: TimeData, n: int) -> Row | None:
    """The ledger row of an entry; None while nothing says where it belongs."""
    if data.contract_id is None or data.resource_id is None or data.work_date is None or data.minutes is None:
        return None
    status = _TIME_STATUS[decided.type]
    if decided.type == "time.corrected.v1" and data.status == "submitted":
        status = SUBMITTED
    row = Row(
        n,
        status,
        calendar.number(data.work_date),
        data.resource_id,
        data.minutes,
        data.billable is not False,
        data.role,
        data.line_id,
        data.rate_override,
        decided.revision,
        decided.source,
        decided.id,
        decided.time,
    )
    row.lacks = _lacks(data.narrative)
    return row


def _lacks(text: str | None) -> int:
    return 0 if text and not text.isspace() else 1


def _spend(decided: Fact, data: SpendData, n: int) -> Spend | None:
    if data.contract_id is None or data.date is None or data.net is None:
        return None
    spend = Spend(
        n,
        _SPEND_STATUS[decided.type],
        calendar.number(data.date),
        data.net["amount"],
        data.net["currency"],
        data.markup_ratio,
        data.billable is not False,
        data.line_id,
        decided.revision,
        decided.source,
        decided.id,
        decided.time,
    )
    spend.lacks = _lacks(data.receipt_ref)
    return spend


def _home(latest: Fact, n: int, since: int, *, row: Row, contract: str) -> Home:
    return Home(
        "time",
        latest.entity,
        n,
        contract,
        calendar.bucket_of(row.day),
        [],
        [],
        latest.time,
        latest.source,
        latest.id,
        latest.correlation,
        row,
        None,
        since,
    )


def _homes(
    said: Sequence[Fact],
    n: int,
    places: dict[str, set[int]],
    lines: dict[str, list[str]],
    current: str | None,
    *,
    row: Row | None = None,
    spend: Spend | None = None,
    past: Mapping[str, list[Was]] = NOTHING,
) -> list[Send]:
    latest = _latest(said)
    since = min(fact.time for fact in said)
    held = row or spend
    sends = []
    for contract in sorted({*lines, *([current] if held and current else [])}):
        days = places.get(contract, set())
        here = calendar.bucket_of(held.day) if held and contract == current else None
        if held and here is not None:
            held.moved = len(days) > 1
        home = Home(
            latest.kind,
            latest.entity,
            n,
            contract,
            here,
            sorted(days - {here}),
            lines.get(contract, []),
            latest.time,
            latest.source,
            latest.id,
            latest.correlation,
            row if here is not None else None,
            spend if here is not None else None,
            since,
            past.get(contract, []),
        )
        sends.append(Send(ENGAGEMENTS, contract, home))
    return sends
