"""Facts: one truth per entity that can change its home, told to every home it ever had."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from agents.custody import Custody, raise_conflicts
from agents.effects import ENGAGEMENTS, Batch, Effects, Send
from app.domain import calendar
from app.domain.ledger import APPROVED, REJECTED, REVERSED, SUBMITTED, Row, Spend
from app.domain.resolution import CANCELLING, effective
from app.events.fact import Fact
from app.events.home import Home
from tables import Store
from tables.entities import ENTITIES


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


class SpendData(msgspec.Struct, gc=False):
    """What the ledger needs of an expense."""

    contract_id: str | None = None
    date: str | None = None
    net: dict[str, str] | None = None
    markup_ratio: str | None = None
    billable: bool | None = None
    line_id: str | None = None


_read_time = msgspec.json.Decoder(TimeData).decode
_read_spend = msgspec.json.Decoder(SpendData).decode
_TIME_STATUS = {
    "time.approved.v1": APPROVED,
    "time.submitted.v1": SUBMITTED,
    "time.corrected.v1": APPROVED,
    "time.rejected.v1": REJECTED,
    "time.reversed.v1": REVERSED,
}
_SPEND_STATUS = {"expense.approved.v1": APPROVED, "expense.corrected.v1": APPROVED, "expense.rejected.v1": REJECTED}


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
            for home in homes(entity.facts, entity.n):
                effects.sends.append(Send(ENGAGEMENTS, home.contract_id, home))
            effects.writes.append((ENTITIES, key, entity))
            if len(entity.facts) > 1:
                raise_conflicts(effects, key, entity.facts, entity.fence)
        effects.writes.append(custody.closing(batch.records[-1].offset))
        yield effects


def homes(said: Sequence[Fact], n: int) -> list[Home]:
    """What each contract that any message named is to know of the entity. Assignments and demands have no ledger."""
    kind = said[0].kind
    if kind == "time":
        return _time_homes(said, n)
    if kind == "expense":
        return _spend_homes(said, n)
    return []


def _time_homes(said: Sequence[Fact], n: int) -> list[Home]:
    if len(said) == 1:
        data = _read_time(said[0].data)
        row = _row(said[0], data, n)
        if row is not None and data.contract_id is not None:
            return [_home(said[0], n, row=row, contract=data.contract_id)]
    named = [_read_time(fact.data) for fact in said]
    decided, data = _decided(said, named, TimeData)
    row = _row(decided, data, n)
    days = {calendar.bucket_of(calendar.number(d.work_date)) for d in named if d.work_date}
    return _homes(said, n, days, _lines(named), data.contract_id, row=row)


def _spend_homes(said: Sequence[Fact], n: int) -> list[Home]:
    named = [_read_spend(fact.data) for fact in said]
    decided, data = _decided(said, named, SpendData)
    spend = _spend(decided, data, n)
    days = {calendar.bucket_of(calendar.number(d.date)) for d in named if d.date}
    return _homes(said, n, days, _lines(named), data.contract_id, spend=spend)


def _decided(said: Sequence[Fact], named: Sequence[Any], shape: type[Any]) -> tuple[Fact, Any]:
    """The deciding message and what it says; `named` are the messages read one by one."""
    if said[-1].type not in CANCELLING and _plain(said):
        return said[-1], named[-1]
    decided, fields = effective(said)
    return decided, msgspec.convert(fields, shape)


def _plain(said: Sequence[Fact]) -> bool:
    """Every message has a revision and an identity of its own (they are kept in the order of their revisions)."""
    if len({(fact.source, fact.id) for fact in said}) < len(said):
        return False
    return all(lower.revision < upper.revision for lower, upper in pairwise(said))


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
    return Row(
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


def _spend(decided: Fact, data: SpendData, n: int) -> Spend | None:
    if data.contract_id is None or data.date is None or data.net is None:
        return None
    return Spend(
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


def _home(latest: Fact, n: int, *, row: Row, contract: str) -> Home:
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
        latest.time,
    )


def _homes(
    said: Sequence[Fact],
    n: int,
    days: set[int],
    lines: dict[str, list[str]],
    current: str | None,
    *,
    row: Row | None = None,
    spend: Spend | None = None,
) -> list[Home]:
    latest = max(said, key=lambda fact: (fact.time, fact.source, fact.id))
    since = min(fact.time for fact in said)
    held = row or spend
    told = []
    for contract in sorted({*lines, *([current] if held and current else [])}):
        here = calendar.bucket_of(held.day) if held and contract == current else None
        if held:
            held.moved = len(days) > 1
        told.append(
            Home(
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
            )
        )
    return told
