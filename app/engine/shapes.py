"""The shapes of answers: rows of lists, entries, trends. Pure; amounts are text already."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from heapq import merge
from itertools import islice
from typing import Any, Final

import orjson

from agents.alarms import Alarm
from agents.contracts import Contract
from app.domain import calendar, casework, sla
from app.domain.burn import Position
from app.domain.currency import EXPONENTS
from app.domain.ledger import NO_RATE, OTHER_CURRENCY, STATUS_NAMES, Claims, Row, claimed
from app.domain.money import decimal, micro, show
from app.domain.rates import Card
from app.domain.sla import Measured, Open
from app.domain.terms import Agreement, Terms
from app.events.cloudevents import timestamp

Answer = dict[str, Any]

WEEKS: Final = 13
SOON_DAYS: Final = 28
PROBLEMS: Final = {NO_RATE: "RATE_UNRESOLVED", OTHER_CURRENCY: "CURRENCY_MISMATCH"}


def contract(position: Position, burn: Answer, readiness: Answer) -> Answer:
    """One row of the overview."""
    terms = position.terms
    ready = ("state", "ready_amount", "blocked_amount", "over_cap_amount", "invoiced_amount")
    return {
        "contract_id": position.contract_id,
        "name": terms.said.get("name") if terms else None,
        "client_id": terms.client_id if terms else None,
        "status": burn["status"],
        "currency": burn["currency"],
        "burn": burn,
        "readiness": {
            **{name: readiness[name] for name in ready},
            "blockers": [
                {name: b[name] for name in ("code", "tier", "count", "amount")} for b in readiness["blockers"]
            ],
        },
        "cap": cap(terms),
        "weeks": [show(amount, position.exponent) for _, amount in _weeks(position)],
        "week_minutes": [minutes for minutes, _ in _weeks(position)],
        "urgency": _urgency(burn, readiness),
    }


def _weeks(position: Position) -> list[tuple[int, int]]:
    """(minutes, amount) of approved billable work in each of the 13 ISO weeks up to as-of, the oldest first."""
    if position.as_of is None:
        return [(0, 0)] * WEEKS
    monday = _first_monday(position.as_of)
    weeks = [[0, 0] for _ in range(WEEKS)]
    for day, minutes, amount in position.book.days(None, monday, position.as_of):
        week = weeks[(day - monday) // 7]
        week[0] += minutes
        week[1] += amount
    return [(minutes, amount) for minutes, amount in weeks]


def _first_monday(as_of: int) -> int:
    return as_of - date.fromordinal(as_of).weekday() - 7 * (WEEKS - 1)


def _urgency(burn: Answer, readiness: Answer) -> int:
    """Larger is more urgent: how far the budget is used, how soon it runs out, how much cash is blocked."""
    used = max((Decimal(ratio) for ratio in burn["ratio"].values() if ratio is not None), default=Decimal(0))
    score = int(used * 100)
    ends = [day for name, day in burn["exhaustion"].items() if day and name in ("minutes_on", "amount_on")]
    if burn["status"] in ("active", "suspended") and ends and burn["as_of"]:
        left = date.fromisoformat(min(ends)) - date.fromisoformat(burn["as_of"])
        score += max(0, 100 - max(0, left.days)) if used < 1 else 100
    if readiness["state"] == "blocked":
        score += 50
    if Decimal(readiness["blocked_amount"]) > 0:
        score += 10
    return score if burn["status"] not in ("closed", "cancelled") else score // 4


def term(terms: Terms | None) -> Answer | None:
    if terms is None:
        return None
    return {
        "from": calendar.text_of(terms.term_from) if terms.term_from > calendar.BEGINNING else None,
        "to": calendar.text_of(terms.term_to) if terms.term_to < calendar.FOREVER else None,
    }


def line(terms: Terms | None, burn: Answer) -> Answer:
    known = terms.lines.get(burn["line_id"]) if terms else None
    limit = known.cap if known else None
    return {
        "line_id": burn["line_id"],
        "title": known.title if known else None,
        "billing_method": known.billing_method if known else None,
        "budget": burn["budget"],
        "cap": {"minutes": limit.minutes, "amount": _money(limit.amount, terms), "on_exceed": limit.on_exceed}
        if limit
        else None,
        "burn": burn,
    }


def _money(units: int | None, terms: Terms | None) -> str | None:
    return None if units is None or terms is None else show(units, terms.exponent)


def cap(terms: Terms | None) -> Answer | None:
    """The caps of all lines together; None if no line has one."""
    caps = [line.cap for line in terms.lines.values() if line.cap] if terms else []
    if not caps:
        return None
    minutes = [limit.minutes for limit in caps if limit.minutes is not None]
    amounts = [limit.amount for limit in caps if limit.amount is not None]
    return {"minutes": sum(minutes) if minutes else None, "amount": _money(sum(amounts) if amounts else None, terms)}


def budget(terms: Terms, exponent: int) -> Answer:
    whole = terms.budget(None)
    return {"minutes": whole.minutes, "amount": None if whole.amount is None else show(whole.amount, exponent)}


def versions(agreement: Agreement) -> list[Answer]:
    """What each version of the contract said, lowest first."""
    rows = []
    for event in agreement.events:
        said = orjson.loads(bytes(event.data))
        rows.append(
            {
                "version": event.revision,
                "type": event.type,
                "kind": said.get("kind"),
                "effective_from": said.get("effective_from"),
                "time": timestamp(event.time),
                "source": event.source,
                "event_id": event.id,
                "changes": list(_changes(said)),
            }
        )
    return rows


_NOT_A_CHANGE = frozenset({"contract_id", "version", "amendment_id", "kind", "effective_from", "lines"})


def _changes(said: Mapping[str, Any]) -> Iterable[str]:
    for name, value in said.items():
        if name not in _NOT_A_CHANGE:
            yield f"{name}: {_short(value)}"
    for one in said.get("lines") or ():
        changed = {name: value for name, value in one.items() if name != "line_id"}
        yield f"line {one['line_id']}: " + ", ".join(f"{name} {_short(value)}" for name, value in changed.items())


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name} {_short(inner)}" for name, inner in value.items())
    return "none" if value is None else str(value) if isinstance(value, str | int) else orjson.dumps(value).decode()


def rate(card: Card) -> Answer:
    return {
        "rate_id": card.rate_id,
        "scope": card.scope,
        "resource_id": card.resource_id,
        "role": card.role,
        "amount": decimal(card.amount),
        "currency": card.currency,
        "unit": "day" if card.per_day else "hour",
        "kind": card.kind,
        "effective_from": calendar.text_of(card.effective_from),
        "effective_to": calendar.text_of(card.effective_to) if card.effective_to < calendar.FOREVER else None,
    }


def span(period: str | None, on: date | None) -> tuple[int, int]:
    """First and last day of a billing period or of one date; of all time without either."""
    if on is not None:
        return on.toordinal(), on.toordinal()
    if period is None:
        return calendar.BEGINNING, calendar.FOREVER
    first = date.fromisoformat(f"{period}-01")
    after = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return first.toordinal(), after.toordinal() - 1


def entry(contract: Contract, entry_id: str, row: Row, claims: Claims | None, position: Position) -> Answer:
    """A time entry with its price and where that comes from."""
    exponent = position.exponent
    card = price_card(contract, row)
    return {
        "entry_id": entry_id,
        "work_date": calendar.text_of(row.day),
        "resource_id": row.resource_id,
        "role": row.role,
        "line_id": row.line,
        "minutes": row.minutes,
        "billable_minutes": row.billable_minutes,
        "billable": row.billable,
        "status": STATUS_NAMES[row.status],
        "amount": None if row.amount is None else show(row.amount, exponent),
        "rate": row.rate_override if row.rate_override is not None else decimal(card.amount) if card else None,
        "rate_id": row.rate_id,
        "rate_scope": "entry" if row.rate_override is not None else card.scope if card else None,
        "rate_unit": "day" if card and card.per_day else "hour",
        "invoiced_amount": show(claimed(claims, position.day), exponent),
        "revision": row.revision,
        "source": row.source,
        "event_id": row.id,
        "event_time": timestamp(row.time),
        "problem": PROBLEMS.get(row.problem),
        "cursor": orjson.dumps([row.day, entry_id]).decode(),
    }


def price_card(contract: Contract, row: Row) -> Card | None:
    """The bill rate that won for the entry; None for an override, or where there is none."""
    if row.rate_id is None or row.rate_override is not None:
        return None
    terms = contract.agreement.on(row.day)
    return contract.rates.find("bill", terms.client_id, row.resource_id, row.role, row.day) if terms else None


def by_currency(rows: Sequence[Answer], name: str) -> list[Answer]:
    """One figure of all contracts, added up within each currency, the largest first."""
    return _added({"currency": row["currency"], "amount": row["readiness"][name]} for row in rows if row["currency"])


def _added(amounts: Iterable[Answer]) -> list[Answer]:
    totals: dict[str, Decimal] = {}
    for one in amounts:
        totals[one["currency"]] = totals.get(one["currency"], Decimal(0)) + Decimal(one["amount"])
    ordered = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    return [{"currency": currency, "amount": str(total)} for currency, total in ordered]


def place_of_unlock(row: Answer) -> str:
    """Where a fix stands in its list: by currency, within one the most cash first; no amount is of two currencies."""
    behind = 10**24 - micro(row["amount"])  # of one currency, so the digits alone tell more from less
    where = (row["contract_id"], row["code"], row["line_id"] or "", row["period"] or "")
    return "\x1f".join((row["currency"] or "~", f"{behind:025d}", *where))


def unlocks(parts: Sequence[Answer], limit: int) -> Answer:
    """Fixes of different contracts as one list, and what waits for each owner in all of them."""
    waiting: dict[tuple[str, str], list[int]] = {}
    for one in (owner for part in parts for owner in part["owners"]):
        known = waiting.setdefault((one["owner"], one["currency"]), [0, 0])
        known[0] += one["fixes"]
        known[1] += one["amount"]
    ordered = sorted(waiting.items(), key=lambda item: (item[0][1], -item[1][1], item[0][0]))
    return {
        "items": list(islice(merge(*(part["items"] for part in parts), key=lambda row: str(row["cursor"])), limit)),
        "owners": [
            {"owner": owner, "currency": currency, "fixes": fixes, "amount": show(amount, EXPONENTS[currency])}
            for (owner, currency), (fixes, amount) in ordered
        ],
    }


def standing(kind: str, name: str, row: Answer, events: Sequence[str]) -> Answer:
    """Something that stands in the tables, as the desk lists it; `name` is its id, `events` are the evidence."""
    return {
        "exception_id": name,
        "kind": kind,
        **{part: row.get(part) for part in ("code", "tier", "owner", "subject", "message", "amount", "currency")},
        "since": row["since"],
        "evidence": list(events),
        "fingerprint": casework.fingerprint(kind, row["code"], row["owner"]),
        "event_id": events[0].rpartition("#")[2] if events else None,
    }


def alarm(one: Alarm) -> Answer:
    """The same of what is stated as it stands."""
    row = {**one._asdict(), "since": timestamp(one.since)}
    return standing(one.kind, one.exception_id, row, one.evidence)


def measured(one: Measured) -> Answer:
    """A measure as workers tell each other: durations as pairs of minutes and count, and the open ones."""
    return {
        "closed": sorted(one.closed.items()),
        "open": [list(waiting) for waiting in one.opened],
        "part": one.part,
        "whole": one.whole,
    }


def promises(parts: Sequence[Answer], targets: Mapping[str, int]) -> list[Answer]:
    """Business SLAs of different slices as one row each; `targets` are the firm's own."""
    measures = sla.total(
        {
            name: Measured(
                dict(said["closed"]),
                [Open(*waiting) for waiting in said["open"]],
                said["part"],
                said["whole"],
            )
            for name, said in part["measures"].items()
        }
        for part in parts
    )
    return sla.rows(measures, max((part["now"] for part in parts), default=0), targets)


def overviews(parts: Sequence[Answer]) -> Answer:
    """Overviews of different contracts on the same day as one; that of one part is the part itself."""
    trends = [part["trend"] for part in parts]
    return {
        "ready": _added(amount for part in parts for amount in part["ready"]),
        "blocked": _added(amount for part in parts for amount in part["blocked"]),
        "at_risk": sums([part["at_risk"] for part in parts]),
        "utilization": None,
        "health": {
            **sums([{k: v for k, v in part["health"].items() if k != "records"} for part in parts]),
            "records": sums([part["health"]["records"] for part in parts]),
        },
        "trend": {
            "weeks": next((trend["weeks"] for trend in trends if trend["weeks"]), []),
            "approved_amount": _trend_amounts(row for trend in trends for row in trend["approved_amount"]),
            "minutes": [sum(week) for week in zip(*(trend["minutes"] for trend in trends), strict=True)],
        },
    }


def sums(parts: Sequence[Mapping[str, Any]]) -> Answer:
    """Numbers of the same names added up, name by name.

    >>> sums([{"read": 2, "late": 0}, {"read": 3, "late": 1}])
    {'read': 5, 'late': 1}
    """
    return {name: sum(part[name] for part in parts) for name in parts[0]}


def at_risk(rows: Sequence[Answer], today: int | None) -> Answer:
    """Contracts that can still burn and are past 90 %, or run out within four weeks."""
    over, soon, either = 0, 0, 0
    for row in rows:
        if row["status"] not in ("active", "suspended"):
            continue
        ends = [row["burn"]["exhaustion"][name] for name in ("minutes_on", "amount_on")]
        late = any(Decimal(ratio) >= Decimal("0.9") for ratio in row["burn"]["ratio"].values() if ratio is not None)
        near = today is not None and any(day and calendar.number(day) <= today + SOON_DAYS for day in ends)
        over += late
        soon += near
        either += late or near
    return {"contracts": either, "over_90": over, "exhausting_4_weeks": soon}


def trend(rows: Sequence[Answer], today: int | None) -> Answer:
    """Approved work of all contracts in the last 13 weeks."""
    minutes = [0] * WEEKS
    for row in rows:
        minutes = [one + other for one, other in zip(minutes, row["week_minutes"], strict=True)]
    first = _first_monday(today) if today else None
    return {
        "weeks": [_week(first + 7 * place) for place in range(WEEKS)] if first else [],
        "approved_amount": _trend_amounts(
            {"currency": row["currency"], "values": row["weeks"]} for row in rows if row["currency"]
        ),
        "minutes": minutes,
    }


def _trend_amounts(rows: Iterable[Answer]) -> list[Answer]:
    """Amounts week by week, added up within each currency, the largest in all first."""
    amounts: dict[str, list[Decimal]] = {}
    for row in rows:
        known = amounts.get(row["currency"], [Decimal(0)] * WEEKS)
        amounts[row["currency"]] = [one + Decimal(other) for one, other in zip(known, row["values"], strict=True)]
    ordered = sorted(amounts.items(), key=lambda item: (-sum(item[1]), item[0]))
    return [{"currency": currency, "values": [str(value) for value in values]} for currency, values in ordered]


def _week(day: int) -> str:
    year, week, _ = date.fromordinal(day).isocalendar()
    return f"{year}-W{week:02d}"


_CONTEXT: Final = ("__connect.errors.", "x-dlq-")


def dead_letter(topic: str, offset: int, value: bytes, headers: Sequence[tuple[str, bytes]]) -> Answer:
    """A refused record: where it stood, why, and its bytes."""
    said = {name: text.decode(errors="replace") for name, text in headers}
    try:
        text: str | None = value.decode()
    except UnicodeDecodeError:
        text = None
    return {
        "topic": f"headrace.{topic}",
        "partition": int(said["__connect.errors.partition"]),
        "offset": int(said["__connect.errors.offset"]),
        "code": said["x-dlq-code"],
        "message": said["__connect.errors.exception.message"],
        "pointer": said["x-dlq-pointer"],
        "fingerprint": said["x-dlq-fingerprint"],
        "value": text,
        "value_base64": b64encode(value).decode(),
        "headers": {name: text for name, text in said.items() if not name.startswith(_CONTEXT)},
        "cursor": orjson.dumps([topic, offset]).decode(),
    }
