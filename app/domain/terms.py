"""What a contract says on a day: its events folded in version order.

Sources: design section 5 "Terms of a contract on day D"; events catalogue, `contracts`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import msgspec

from app.domain import calendar
from app.domain.billing_schedule import BillingSchedule, schedule_of
from app.domain.currency import EXPONENTS
from app.domain.money import MICRO, micro
from app.domain.resolution import Message, counting
from app.domain.retainer import Retainer, retainer_of

Status = Literal["unknown", "pending", "active", "suspended", "closed", "cancelled"]

_STATUS: Mapping[str, Status] = {
    "contract.approved.v1": "active",
    "contract.resumed.v1": "active",
    "contract.suspended.v1": "suspended",
    "contract.closed.v1": "closed",
    "contract.cancelled.v1": "cancelled",
}
# The fields of a contract event that are not terms.
_ENVELOPE = frozenset({"contract_id", "version", "amendment_id", "kind", "effective_from", "approved_by", "reason"})


@dataclass(frozen=True, slots=True)
class Amount:
    """A budget or cap: minutes and micro-units of money, each None where not agreed."""

    minutes: int | None = None
    amount: int | None = None


@dataclass(frozen=True, slots=True)
class Cap:
    minutes: int | None
    amount: int | None
    on_exceed: Literal["block", "split", "warn"]


@dataclass(frozen=True, slots=True)
class Included:
    """Minutes of each period that cost nothing; work beyond them is time and materials."""

    minutes: int
    per: Literal["week", "month", "term"]


@dataclass(frozen=True, slots=True)
class Prepaid:
    """A block of time paid in advance: `fee` micro-units for `minutes`; None or 0 where nobody named them."""

    minutes: int
    fee: int | None


class Payer(NamedTuple):
    """Who pays which part of the contract; `ratio` in millionths."""

    client_id: str
    ratio: int


@dataclass(frozen=True, slots=True)
class Line:
    line_id: str
    title: str | None
    billing_method: str
    budget: Amount
    cap: Cap | None
    discount: int  # micro: 200_000 is 20 %
    chargeable_roles: frozenset[str] | None
    fee: int | None = None
    included: Included | None = None
    prepaid: Prepaid | None = None
    retainer: Retainer | None = None
    retainage: int = 0  # micro
    plan: tuple[tuple[int, int | None, int | None], ...] = ()  # (day, minutes, micro-units) planned, in order of days

    @property
    def by_time(self) -> bool:
        """Whether its work is invoiced as time; a prepaid line's is beyond its block."""
        return self.billing_method in ("time_and_materials", "prepaid")

    @property
    def allots(self) -> bool:
        """Whether its work shares an allowance, so that one entry's price depends on others."""
        return self.allowance > 0

    @property
    def allowance(self) -> int:
        """Minutes that work of the line shares: included ones, or those of a prepaid block; 0 where there are none."""
        if self.billing_method == "prepaid":
            return self.prepaid.minutes if self.prepaid is not None else 0
        if self.billing_method == "time_and_materials":
            return self.included.minutes if self.included is not None else 0
        return 0

    @property
    def sharing(self) -> tuple[str, str]:
        """Which work shares the allowance; while it stays the same, so does what earlier work was given."""
        return self.billing_method, self.included.per if self.included is not None else ""


@dataclass(frozen=True, slots=True)
class Rounding:
    """`together`: the increment is not of each entry but of a person's day (or a client's) on the contract."""

    half_even: bool
    increment: int  # minutes; 0 = none
    direction: Literal["up", "nearest", "down"]
    tie_up: bool
    together: Literal["", "person", "client"] = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds on one day. Dates are day numbers, both ends inclusive."""

    version: int
    status: Status
    client_id: str
    currency: str
    exponent: int
    term_from: int
    term_to: int
    rounding: Rounding
    day_minutes: int
    lines: Mapping[str, Line]
    purchase_order: Mapping[str, Any]
    retro_policy: Literal["credit_rebill", "delta_line", "prospective_only"]
    payers: tuple[Payer, ...]
    schedule: BillingSchedule | None
    said: Mapping[str, Any] = field(repr=False)

    @property
    def only_line(self) -> str | None:
        return next(iter(self.lines)) if len(self.lines) == 1 else None

    def budget(self, line_id: str | None) -> Amount:
        """Of a line, or (None) the sum over the lines that have one."""
        if line_id is not None:
            line = self.lines.get(line_id)
            return line.budget if line else Amount()
        minutes = [n for line in self.lines.values() if (n := line.budget.minutes) is not None]
        amounts = [n for line in self.lines.values() if (n := line.budget.amount) is not None]
        return Amount(sum(minutes) if minutes else None, sum(amounts) if amounts else None)

    @property
    def pricing(self) -> tuple[object, ...]:
        """All that the price of an entry may depend on."""
        lines = tuple(
            (
                line.line_id,
                line.billing_method,
                line.discount,
                line.chargeable_roles,
                line.included,
                line.prepaid,
                line.retainage,
            )
            for line in self.lines.values()
        )
        keeps = self.retro_policy == "prospective_only"
        return self.client_id, self.currency, self.rounding, self.day_minutes, keeps, lines

    @property
    def allots(self) -> bool:
        """Whether the price of an entry may depend on other entries."""
        together = self.rounding.increment > 0 and self.rounding.together != ""
        return together or any(line.allots for line in self.lines.values())

    def status_on(self, as_of: int) -> Status:
        """Pending before the term begins, unless something already ended or stopped it."""
        return "pending" if self.status == "active" and as_of < self.term_from else self.status

    def outside(self, last: int) -> list[tuple[int, int]]:
        """The days up to `last` before the term and after it: all where it ends before it begins, and none twice."""
        spans = ((calendar.BEGINNING, self.term_from - 1), (max(self.term_to + 1, self.term_from), last))
        return [(low, min(high, last)) for low, high in spans if low <= min(high, last)]


class Amendment(NamedTuple):
    """An amendment by its id, the id of its event, and when that was said, microseconds."""

    amendment_id: str
    event_id: str
    time: int


class Agreement:
    """A contract's terms for every day, compiled once from all its events."""

    def __init__(self, events: Sequence[Message]) -> None:
        """`events`: every `contract.*` message kept for the contract, in any order."""
        self.events = counting(events) if events else []
        approved = [event for event in self.events if event.type == "contract.approved.v1"]
        self.known = bool(approved)
        self.line_ids = sorted(
            {str(line["line_id"]) for event in events for line in msgspec.json.decode(event.data).get("lines") or ()}
        )
        self._approved: list[Message] = []
        self._said: list[tuple[int, Message]] = []
        # The first day of which any event says that something begins, whatever became of it.
        self.first = min((day for event in events for day in _beginnings(event)), default=calendar.FOREVER)
        self._starts: list[int] = []
        self._terms: list[Terms] = []
        self._priced_by: dict[int, Amendment | None] = {}
        if self.known:
            self._compile(approved)
        self.allots = self.known and any(terms.allots for terms in (*self._terms, self._before))

    def _compile(self, approved: list[Message]) -> None:
        self._approved = approved
        self._said = [(calendar.number(msgspec.json.decode(e.data)["effective_from"]), e) for e in self.events]
        self._starts = sorted({start for start, _ in self._said})
        self._before = _fold(approved)
        self._terms = [_fold(self.in_force(start)) for start in self._starts]

    def on(self, day: int) -> Terms | None:
        """The terms on `day`; None as long as no approval is known."""
        if not self.known:
            return None
        place = bisect_right(self._starts, day)
        return self._terms[place - 1] if place else self._before

    @property
    def first_turn(self) -> int | None:
        """The first day on which terms take effect, where those are in another currency than what was approved."""
        turned = self.known and self._terms[0].currency != self._before.currency
        return self._starts[0] if turned else None

    def repriced(self, before: Agreement) -> list[tuple[int, int]]:
        """Stretches of work dates, both ends inclusive, that `before` prices otherwise."""
        if before is self:
            return []
        days = sorted({calendar.BEGINNING, *self._starts, *before._starts})
        found: list[tuple[int, int]] = []
        for day, following in zip(days, [*days[1:], calendar.FOREVER + 1], strict=True):
            mine, its = self.on(day), before.on(day)
            if (mine.pricing if mine else None) == (its.pricing if its else None):
                continue
            if found and found[-1][1] == day - 1:
                found[-1] = (found[-1][0], following - 1)
            else:
                found.append((day, following - 1))
        return found

    def _versions_of(self, line_id: str) -> list[Line | None]:
        """The line under every version of the terms; None where it is not in them."""
        return [terms.lines.get(line_id) for terms in (*self._terms, *((self._before,) if self.known else ()))]

    def one_method(self, line_id: str) -> bool:
        """Whether the line is billed by the same method under every version of the terms that has it."""
        versions = self._versions_of(line_id)
        return len({line.billing_method if line is not None else None for line in versions}) <= 1

    def sells_time(self, line_id: str | None) -> bool:
        """Whether under every version of the terms the line's work earns its price, whatever it comes to."""
        if line_id is None:
            return True
        versions = [line for line in self._versions_of(line_id) if line is not None]
        return all(line.by_time and (line.cap is None or line.cap.amount is None) for line in versions)

    def ever_retained(self, line_id: str) -> bool:
        """Whether the line is a retainer under some version of the terms."""
        versions = self._versions_of(line_id)
        return any(line is not None and line.billing_method == "retainer" and line.retainer for line in versions)

    def shares_one_way(self, line_id: str) -> bool:
        """Whether the line's work shared the same kind of allowance under every version of the terms."""
        versions = self._versions_of(line_id)
        return len({(line.sharing, line.allots) for line in versions if line is not None}) <= 1

    def priced_by(self, day: int) -> Amendment | None:
        """The last amendment that changed what work on `day` may cost; None where the approved terms price it."""
        if not self.known:
            return None
        step = bisect_right(self._starts, day)
        if step not in self._priced_by:
            self._priced_by[step] = self._amendment(self.in_force(day))
        return self._priced_by[step]

    def _amendment(self, events: Sequence[Message]) -> Amendment | None:
        found: Amendment | None = None
        before: tuple[object, ...] | None = None
        for count, event in enumerate(events, 1):
            if before is None and event.type != "contract.approved.v1":
                continue  # what an approval of a higher version replaces
            pricing = _fold(events[:count]).pricing
            if event.type == "contract.approved.v1":
                found = None
            elif event.type == "contract.amended.v1" and pricing != before:
                found = Amendment(msgspec.json.decode(event.data)["amendment_id"], event.id, event.time)
            before = pricing
        return found

    def in_force(self, day: int) -> list[Message]:
        """The events that make the terms of a day, in version order; the contract is known."""
        begun = [event for begin, event in self._said if begin <= day]
        # An amendment that reaches back before the approval changes what was approved, not nothing.
        base = self._approved if not any(event.type == "contract.approved.v1" for event in begun) else []
        return sorted([*base, *begun], key=lambda event: event.revision)

    def history(self, day: int) -> Iterator[tuple[Message, Terms]]:
        """The events that make the terms of a day, in version order, each with what they come to up to it."""
        events = self.in_force(day) if self.known else []
        for count, event in enumerate(events, 1):
            yield event, _fold(events[:count])

    def every(self) -> list[Terms]:
        """The terms of every stretch of days, those before the first step included."""
        return [*self._terms, self._before] if self.known else []

    def steps(self) -> list[tuple[int, Terms]]:
        """The days on which the terms change, each with the terms from that day."""
        return list(zip(self._starts, self._terms, strict=True))


def _beginnings(event: Message) -> Iterator[int]:
    data = msgspec.json.decode(event.data)
    for text in (data["effective_from"], (data.get("term") or {}).get("from")):
        if text:
            yield calendar.number(text)


def _fold(events: Sequence[Message]) -> Terms:
    said: dict[str, Any] = {}
    status: Status = "active"
    for event in events:
        data = msgspec.json.decode(event.data)
        body = {name: value for name, value in data.items() if name not in _ENVELOPE}
        if event.type == "contract.approved.v1":
            said = {name: value for name, value in body.items() if value is not None}
        elif event.type == "contract.amended.v1":
            _merge(said, body, additive=data["kind"] == "additive")
            if data["kind"] == "cancellation":
                status = "cancelled"
                said["term"] = {**(said.get("term") or {}), "to": data["effective_from"]}
        status = _STATUS.get(event.type, status)
    return _compiled(said, events[-1].revision, status)


def _merge(said: dict[str, Any], change: Mapping[str, Any], *, additive: bool) -> None:
    """Write `change` over `said`: objects by field, lines by their id, null clears; additive budgets and caps add."""
    for name, value in change.items():
        if name == "lines" and value is not None:
            lines = {line["line_id"]: dict(line) for line in said.get("lines") or ()}
            for line in value:
                known = lines.setdefault(line["line_id"], {"line_id": line["line_id"]})
                _merge(known, {k: v for k, v in line.items() if k != "line_id"}, additive=additive)
            said["lines"] = list(lines.values())
        elif additive and name in ("budget", "cap") and isinstance(value, dict):
            said[name] = _added(said.get(name) or {}, value)
        elif value is None:
            said.pop(name, None)
        elif isinstance(value, dict):
            inner = dict(said.get(name) or {})
            _merge(inner, value, additive=False)
            said[name] = inner
        else:
            said[name] = value


def _added(known: Mapping[str, Any], delta: Mapping[str, Any]) -> dict[str, Any]:
    total = {**known, **{k: v for k, v in delta.items() if k not in ("minutes", "amount") and v is not None}}
    if delta.get("minutes") is not None:
        total["minutes"] = (known.get("minutes") or 0) + delta["minutes"]
    if delta.get("amount") is not None:
        total["amount"] = _decimal(micro(known.get("amount") or "0") + micro(delta["amount"]))
    return total


def _decimal(units: int) -> str:
    sign = "-" if units < 0 else ""
    return f"{sign}{abs(units) // MICRO}.{abs(units) % MICRO:06d}"


def _compiled(said: Mapping[str, Any], version: int, status: Status) -> Terms:
    term = said.get("term") or {}
    rounding = said.get("rounding") or {}
    scope = rounding.get("scope") or "entry"
    return Terms(
        version=version,
        status=status,
        client_id=said.get("client_id") or "",
        currency=said.get("currency") or "",
        exponent=EXPONENTS.get(said.get("currency") or "", 2),
        term_from=calendar.number(term["from"]) if term.get("from") else calendar.BEGINNING,
        term_to=calendar.number(term["to"]) if term.get("to") else calendar.FOREVER,
        rounding=Rounding(
            half_even=rounding.get("mode") == "half_even",
            increment=rounding.get("increment_minutes") or 0,
            direction=rounding.get("direction") or "nearest",
            tie_up=rounding.get("tie") == "up",
            together=_TOGETHER.get(scope, ""),
        ),
        day_minutes=said.get("day_minutes") or 480,
        lines={line["line_id"]: _line(line) for line in said.get("lines") or ()},
        purchase_order=said.get("purchase_order") or {},
        retro_policy=said.get("retro_policy") or "credit_rebill",
        payers=tuple(Payer(one["client_id"], micro(one["ratio"])) for one in said.get("payers") or ()),
        schedule=schedule_of(said.get("billing_schedule")),
        said=said,
    )


# An entry has one work date, so its day is itself.
_TOGETHER: Mapping[str, Literal["person", "client"]] = {"person_day": "person", "client_day": "client"}


def _line(said: Mapping[str, Any]) -> Line:
    cap = said.get("cap")
    roles = said.get("chargeable_roles")
    return Line(
        line_id=said["line_id"],
        title=said.get("title"),
        billing_method=said.get("billing_method") or "time_and_materials",
        budget=_amount(said.get("budget") or {}),
        cap=Cap(*_pair(cap), cap.get("on_exceed") or "block") if cap else None,
        discount=micro(said["discount_ratio"]) if said.get("discount_ratio") else 0,
        chargeable_roles=frozenset(roles) if roles is not None else None,
        fee=micro(said["fee"]) if said.get("fee") is not None else None,
        included=_included(said.get("included")),
        prepaid=_prepaid(said.get("prepaid")),
        retainer=retainer_of(said["retainer"]) if said.get("retainer") else None,
        retainage=micro(said["retainage_ratio"]) if said.get("retainage_ratio") else 0,
        plan=tuple(
            (calendar.number(step["on"]), *_pair(step))
            for step in sorted(said.get("plan") or (), key=lambda step: str(step["on"]))
        ),
    )


def _included(said: Mapping[str, Any] | None) -> Included | None:
    if not said or said.get("minutes") is None:
        return None
    return Included(said["minutes"], said.get("per") or "term")


def _prepaid(said: Mapping[str, Any] | None) -> Prepaid | None:
    if not said:
        return None
    fee = said.get("fee")
    return Prepaid(said.get("minutes") or 0, micro(fee) if fee is not None else None)


def _pair(said: Mapping[str, Any]) -> tuple[int | None, int | None]:
    amount = said.get("amount")
    return said.get("minutes"), micro(amount) if amount is not None else None


def _amount(said: Mapping[str, Any]) -> Amount:
    return Amount(*_pair(said))
