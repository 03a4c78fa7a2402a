"""The ledger of a contract: what each entry comes to, and what entries add up to.

A row is one entry as it holds now, priced. A `Sum` is what the rows of a line come to over a stretch of days: a
bucket's sum is recomputed from its rows, a page's from its buckets, a head's from its pages. Sums are replaced, never
incremented, so a repeated or reordered event cannot count twice. Money is in micro-units, time in whole minutes.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Iterable, Mapping
from operator import add
from typing import Final

import msgspec

from app.domain import calendar
from app.domain.fx import Quotes
from app.domain.money import MICRO, divide, micro, portion
from app.domain.rates import Card, Rates
from app.domain.retainage import kept_of, withheld
from app.domain.terms import Line, Rounding, Terms

APPROVED: Final = 1
SUBMITTED: Final = 2
REJECTED: Final = 3
REVERSED: Final = 4
STATUS_NAMES: Final = {APPROVED: "approved", SUBMITTED: "submitted", REJECTED: "rejected", REVERSED: "reversed"}

# Why an entry has no price.
NO_RATE: Final = 1
OTHER_CURRENCY: Final = 2

# A claim is what one invoice or credit says of one entry: (amount, day from which it counts).
Claim = tuple[int, int]
Claims = dict[str, Claim]
WRITE_OFF: Final = "writeoff/"
"""How a paper is named that gives entries up. It claims no amount."""
NIL: Final = "nil/"
"""How a live invoice is marked that names an entity for 0.00 and no more, beside what it claims: `nil/<invoice id>`."""
NIL_CREDITED: Final = "nil-credited/"
"""How it is marked where a credit on it names the entity, too: `nil-credited/<invoice id>`. Marks claim no amount."""
MARKS: Final = (WRITE_OFF, NIL, NIL_CREDITED)


class Row(msgspec.Struct, array_like=True, gc=False):
    """One entry as it holds, with what the terms and rates of its work date make of it.

    `n` is the number of the entity's resolution; `moved`: some message about it named another bucket of the contract.
    The fields between are derived: see `price_row`.
    """

    n: int
    status: int
    day: int
    resource_id: str
    minutes: int
    billable: bool
    role: str | None
    line_id: str | None
    rate_override: str | None
    revision: int
    source: str
    id: str
    time: int
    line: str | None = None
    billable_minutes: int = 0
    amount: int | None = None
    rate_id: str | None = None
    cost: int = 0
    problem: int = 0
    by_time: bool = True
    moved: bool = False
    free: int = 0  # billable minutes that an allowance covers: they cost nothing
    drawn: int = 0  # billable minutes drawn from a prepaid block, and what they come to of its fee
    drawn_amount: int = 0
    beyond: int = 0  # billable minutes that shared an allowance and got nothing of it
    keeps: bool = False  # an invoiced amount stands, whatever changes afterwards (`prospective_only`)
    withheld: int = 0  # what its line's retainage holds back of what it bills
    lacks: int = 0  # 1 where it says nothing of what was done
    known: int = 0  # the first day of the month in which it became known to be so; 0: by the end of its own month

    def prices_like(self, other: Row) -> bool:
        """Whether nothing differs that a price depends on."""
        return (
            self.day == other.day
            and self.minutes == other.minutes
            and self.resource_id == other.resource_id
            and self.role == other.role
            and self.line_id == other.line_id
            and self.billable == other.billable
            and self.rate_override == other.rate_override
        )

    def take_price(self, other: Row) -> None:
        self.line, self.billable_minutes, self.amount = other.line, other.billable_minutes, other.amount
        self.rate_id, self.cost, self.problem, self.by_time = other.rate_id, other.cost, other.problem, other.by_time
        self.free, self.drawn, self.drawn_amount, self.beyond = (
            other.free,
            other.drawn,
            other.drawn_amount,
            other.beyond,
        )
        self.keeps, self.withheld = other.keeps, other.withheld


class Was(msgspec.Struct, array_like=True, gc=False):
    """What an approved entry was known to be before something else was said of it: it still counts for what was earned
    of a fee by the end of months that were over meanwhile.

    Known so from the month with the first day `since` (0: by the end of its own month) until that with `until`. `line`
    and `cost` are derived.
    """

    since: int
    until: int
    day: int
    resource_id: str
    minutes: int
    role: str | None
    line_id: str | None
    line: str | None = None
    cost: int = 0


class Spend(msgspec.Struct, array_like=True, gc=False):
    """One expense as it holds; `line`, `amount` (marked up, converted, rounded) and `problem` are derived.

    `fx_rate` (millionths) of day `fx_on` converted it into the contract's currency; 0 where nothing had to be.
    """

    n: int
    status: int
    day: int
    net: str
    currency: str
    markup_ratio: str | None
    billable: bool
    line_id: str | None
    revision: int
    source: str
    id: str
    time: int
    line: str | None = None
    amount: int | None = None
    problem: int = 0
    moved: bool = False
    fx_rate: int = 0
    fx_on: int = 0
    keeps: bool = False  # an invoiced amount stands, whatever changes afterwards (`prospective_only`)
    lacks: int = 0  # 1 where it names no receipt


def billable_minutes(minutes: int, rounding: Rounding) -> int:
    """Worked minutes after the contract's increment; a negative entry is rounded by its magnitude."""
    step = rounding.increment
    if not step:
        return minutes
    size = abs(minutes)
    down = size // step * step
    rest = size - down
    up = rest * 2 > step or (rest * 2 == step and rounding.tie_up)
    if rounding.direction == "up":
        up = rest > 0
    elif rounding.direction == "down":
        up = False
    rounded = down + step if up else down
    return rounded if minutes >= 0 else -rounded


def price(minutes: int, rate: int, per: int, discount: int, exponent: int, *, half_even: bool) -> int:
    """`minutes` at `rate` micro-units per `per` minutes less `discount` (micro-ratio), rounded once to the currency.

    By hand: 5 min at 200.00 an hour = 16.666… → 16.67.

    >>> price(5, 200_000_000, 60, 0, 2, half_even=False)
    16670000
    """
    step: int = 10 ** (6 - exponent)
    if discount:
        return divide(minutes * rate * (MICRO - discount), per * step * MICRO, half_even=half_even) * step
    return divide(minutes * rate, per * step, half_even=half_even) * step


def price_row(row: Row, terms: Terms | None, rates: Rates) -> None:
    """Derive line, billable minutes, amount, rate and cost of `row` from the terms and rates of its work date."""
    row.amount, row.rate_id, row.cost, row.problem = None, None, 0, 0
    row.by_time, row.keeps, row.withheld = True, False, 0
    row.free = row.drawn = row.drawn_amount = row.beyond = 0
    row.line = row.line_id
    row.billable_minutes = row.minutes if row.billable else 0
    if terms is None:
        row.problem = NO_RATE if row.billable else 0
        return
    if row.line is None:
        row.line = terms.only_line
    line = terms.lines.get(row.line) if row.line is not None else None
    row.cost = _cost(row, terms, rates)
    row.by_time = line is None or line.by_time
    row.keeps = terms.retro_policy == "prospective_only"
    if not chargeable(row, line):
        row.billable_minutes = 0
        return
    row.billable_minutes = billable_minutes(row.minutes, terms.rounding)
    set_amount(row, terms, rates)


def price_by(row: Row, terms: Terms | None, rates: Rates, cards: Iterable[Card]) -> bool:
    """Price a row anew if any of these `cards`, gone from `rates` or new in them, did or does; False if none did.

    A row that no such card priced, and none prices now, comes to what it came to: all other cards are what they were.
    `cards` are of the row's person and role, if of any.
    """
    changed = costs = False
    bills = set()
    for card in cards:
        if card.within(row.day):
            if card.kind == "bill":
                bills.add(card.rate_id)
            else:
                costs = True
    if costs and terms is not None:
        before, row.cost = row.cost, _cost(row, terms, rates)
        changed = row.cost != before
    if bills and terms is not None and _priced_among(bills, row, terms, rates):
        price_row(row, terms, rates)
        changed = True
    return changed


def _priced_among(rate_ids: Collection[str], row: Row, terms: Terms, rates: Rates) -> bool:
    """Whether one of these rates is the row's, or is to be."""
    if row.rate_id in rate_ids:
        return True
    if row.rate_override is not None or (row.rate_id is None and not row.problem):
        return False  # it needs no rate
    card = rates.find("bill", terms.client_id, row.resource_id, row.role, row.day)
    return card is not None and card.rate_id in rate_ids


def line_of(row: Row, terms: Terms) -> Line | None:
    """The line that a priced row belongs to; None: the contract itself, or a line nobody agreed on."""
    return terms.lines.get(row.line) if row.line is not None else None


def chargeable(row: Row, line: Line | None) -> bool:
    if not row.billable:
        return False
    return line is None or line.chargeable_roles is None or row.role in line.chargeable_roles


def price_was(was: Was, terms: Terms | None, rates: Rates) -> None:
    """Derive line and cost of what an entry was, from the terms and rates of its work date."""
    was.line = was.line_id if was.line_id is not None or terms is None else terms.only_line
    was.cost = _cost(was, terms, rates) if terms is not None else 0


def _cost(row: Row | Was, terms: Terms, rates: Rates) -> int:
    card = rates.find("cost", terms.client_id, row.resource_id, row.role, row.day)
    if card is None or card.currency != terms.currency:
        return 0
    return price(row.minutes, card.amount, _per(card, terms), 0, terms.exponent, half_even=terms.rounding.half_even)


def _per(card: Card, terms: Terms) -> int:
    return terms.day_minutes if card.per_day else 60


def set_amount(row: Row, terms: Terms, rates: Rates) -> None:
    """Derive rate and amount from the row's billable minutes and what of them an allowance covers.

    Free minutes cost nothing, those drawn from a prepaid block what `drawn_amount` says; where nothing is beyond the
    block, no rate is needed.
    """
    line = line_of(row, terms)
    discount = line.discount if line else 0
    half_even = terms.rounding.half_even
    row.amount, row.rate_id, row.problem, row.withheld = None, None, 0, 0
    left = row.billable_minutes - row.free - row.drawn
    if line is not None and line.billing_method == "prepaid":
        row.by_time = left != 0  # what a block pays for is not to be invoiced again
        if not left:
            row.amount = row.drawn_amount
            return
    if row.rate_override is not None:
        row.rate_id = "override"
        rate, per = micro(row.rate_override), 60
    else:
        card = rates.find("bill", terms.client_id, row.resource_id, row.role, row.day)
        if card is None:
            row.problem = NO_RATE
            return
        row.rate_id = card.rate_id
        if card.currency != terms.currency:
            row.problem = OTHER_CURRENCY
            return
        rate, per = card.amount, _per(card, terms)
    billed = price(left, rate, per, discount, terms.exponent, half_even=half_even)
    row.amount = row.drawn_amount + billed
    if line is not None and line.retainage:
        row.withheld = withheld(billed, line.retainage, terms.exponent, half_even=half_even)


def price_spend(spend: Spend, terms: Terms | None, quotes: Quotes) -> None:
    """Derive line and amount of an expense: net × (1 + mark-up) × the exchange rate of its day, rounded once.

    An expense in the contract's currency needs no rate; one in another has no amount before a rate was set.
    """
    spend.line, spend.amount, spend.problem = spend.line_id, None, 0
    spend.fx_rate = spend.fx_on = 0
    spend.keeps = terms is not None and terms.retro_policy == "prospective_only"
    if terms is None:
        return
    if spend.line is None:
        spend.line = terms.only_line
    quote = quotes.at(spend.currency, terms.currency, spend.day)
    if quote is None:
        spend.problem = OTHER_CURRENCY
        return
    if spend.currency != terms.currency:
        spend.fx_rate, spend.fx_on = quote.rate, quote.on
    gross = micro(spend.net) * (MICRO + micro(spend.markup_ratio or "0"))
    half_even = terms.rounding.half_even
    spend.amount = portion(gross, quote.rate, MICRO * MICRO, terms.exponent, half_even=half_even)


class Issue(msgspec.Struct, array_like=True, gc=False):
    """How many entries something is wrong with, what they come to, and the first few of them."""

    count: int
    amount: int
    since: int  # the earliest event time, microseconds
    evidence: list[tuple[int, str, str]]  # (work date, entity id, event id), the earliest first


EVIDENCE_LIMIT: Final = 5

Pair = list[int]  # [minutes, amount]


class Sum(msgspec.Struct, array_like=True, gc=False):
    """What the entries of one line come to. `first` and `last` are the work dates it spans."""

    first: int
    last: int
    horizon: int  # the latest day on which a claim within begins to count
    totals: list[int]  # by the positions below
    periods: dict[str, Pair]  # approved billable [minutes, amount] by billing period
    roles: dict[str, Pair]
    issues: dict[str, Issue]
    days: list[Pair] | None = None  # a bucket's approved billable [minutes, amount] by day
    kept: int = 0  # the latest day on which an invoice begins to count whose amount stands for an entry's
    unbillable: int = 0  # approved expenses that are not billable
    ready_spends: int = 0  # expenses in READY_EXPENSES: refunds may bring that to nothing
    billed_spends: int = 0  # expenses on invoices, and what those say of them
    billed_spend_amount: int = 0
    late: dict[str, int] = {}  # of COST, by period, what became known only then, after the end of its own


# Positions of `Sum.totals`.
BILLABLE, NONBILLABLE, AMOUNT, COST, PENDING_MINUTES, PENDING_AMOUNT, UNPRICED, EXPENSES = range(8)
READY_AMOUNT, READY_MINUTES, READY_ENTRIES, ROOM_AMOUNT, ROOM_MINUTES = range(8, 13)
CLAIMED_AMOUNT, CLAIMED_MINUTES, ADJUSTMENT, ADJUSTED, READY_EXPENSES, ENTITIES = range(13, 19)
RISE_MINUTES, RISE_AMOUNT, CLAIMED_ENTRIES = range(19, 22)
ALLOTTED_MINUTES, BEYOND_MINUTES, DRAWN_AMOUNT, WRITTEN_AMOUNT, WRITTEN_ENTRIES = range(22, 27)
FLAT_ENTRIES, FLAT_MINUTES, READY_WITHHELD, FLAT_WITHHELD, KEPT_AMOUNT = range(27, 32)
WIDTH: Final = 32
# ROOM_*, RISE_*: the positive parts of READY_* and of BILLABLE and AMOUNT. While the first fit under a cap, no order of
# work exceeds it; while the second stay under a budget, no day within can have reached it.
# FLAT_*: of READY_* what comes to nothing or less, and is not written off. READY_WITHHELD: what retainage holds back of
# READY_AMOUNT; KEPT_AMOUNT: of what is missing on invoices.
UNDERBILLED: Final = "UNDERBILLED"
"""The part of `ADJUSTMENT_NEEDED` that a write-off may take: approved work that was invoiced for less than it holds."""


def empty() -> Sum:
    return Sum(calendar.FOREVER, 0, 0, [0] * WIDTH, {}, {}, {})


def merged(sums: Iterable[Sum]) -> Sum:
    """What several sums come to together. What a single one has in it is shared with it: sums are never changed."""
    parts = list(sums)
    if not parts:
        return empty()
    one, others = parts[0], parts[1:]
    first, last, horizon, kept = one.first, one.last, one.horizon, one.kept
    totals, periods, roles, issues, late = one.totals, one.periods, one.roles, one.issues, one.late
    unbillable, ready_spends = one.unbillable, one.ready_spends
    billed_spends, billed_spend_amount = one.billed_spends, one.billed_spend_amount
    for part in others:
        first, last = min(first, part.first), max(last, part.last)
        horizon, kept = max(horizon, part.horizon), max(kept, part.kept)
        totals = list(map(add, totals, part.totals))
        unbillable += part.unbillable
        ready_spends += part.ready_spends
        billed_spends += part.billed_spends
        billed_spend_amount += part.billed_spend_amount
    if others:
        periods, roles, issues = dict(periods), dict(roles), dict(issues)
        for part in others:
            _add_pairs(periods, part.periods)
            _add_pairs(roles, part.roles)
            for code, issue in part.issues.items():
                known = issues.get(code)
                issues[code] = issue if known is None else _joined(known, issue)
        late = _added_up([part.late for part in parts if part.late])
    return Sum(
        first,
        last,
        horizon,
        totals,
        periods,
        roles,
        issues,
        None,
        kept,
        unbillable,
        ready_spends,
        billed_spends,
        billed_spend_amount,
        late,
    )


def by_line(stored: Iterable[Mapping[str, Sum]]) -> dict[str, Sum]:
    """What sums by line come to together, line by line."""
    parts: dict[str, list[Sum]] = {}
    for lines in stored:
        for line, total in lines.items():
            parts.setdefault(line, []).append(total)
    return {line: merged(sums) for line, sums in parts.items()}


def _added_up(parts: list[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in parts:
        for period, amount in part.items():
            total[period] = total.get(period, 0) + amount
    return total


def _delay(late: dict[str, int], day: int, cost: int) -> None:
    period = calendar.period_of(day)
    late[period] = late.get(period, 0) + cost


def _add_pairs(into: dict[str, Pair], pairs: dict[str, Pair]) -> None:
    for name, pair in pairs.items():
        known = into.get(name)
        into[name] = pair if known is None else [known[0] + pair[0], known[1] + pair[1]]


def _joined(one: Issue, other: Issue) -> Issue:
    evidence = sorted(one.evidence + other.evidence)[:EVIDENCE_LIMIT]
    return Issue(one.count + other.count, one.amount + other.amount, min(one.since, other.since), evidence)


def _note(issues: dict[str, Issue], code: str, row: Row | Spend, entity: str, amount: int) -> None:
    """Count `row` among the entries that `code` is said of; the issues are nobody else's yet."""
    named = row.day, entity, row.id
    known = issues.get(code)
    if known is None:
        issues[code] = Issue(1, amount, row.time, [named])
        return
    known.count += 1
    known.amount += amount
    known.since = min(known.since, row.time)
    if len(known.evidence) < EVIDENCE_LIMIT or named < known.evidence[-1]:
        insort(known.evidence, named)
        del known.evidence[EVIDENCE_LIMIT:]


def claimed(claims: Claims | None, as_of: int) -> int:
    """What is invoiced, net of credits, for an entry on a day."""
    return sum(amount for amount, begins in claims.values() if begins <= as_of) if claims else 0


_ISSUE_OF: Final = {NO_RATE: "RATE_UNRESOLVED", OTHER_CURRENCY: "CURRENCY_MISMATCH"}


class Tally:
    """Adds rows up into one `Sum` per line; the line "" is the contract itself. `sums` closes and returns them."""

    def __init__(self, start: int, *, as_of: int = calendar.FOREVER) -> None:
        """`start`: first day of the bucket. `as_of` decides which claims count; rows are the caller's choice."""
        self._start, self._as_of = start, as_of
        self._lines: dict[str, Sum] = {}

    def _line(self, line: str | None, day: int) -> Sum:
        line = line or ""
        total = self._lines.get(line)
        if total is None:
            total = self._lines[line] = Sum(day, day, 0, [0] * WIDTH, {}, {}, {}, [])
        elif day < total.first:
            total.first = day
        elif day > total.last:
            total.last = day
        return total

    def row(self, entity: str, row: Row, claims: Claims | None) -> None:
        day = row.day
        known = self._lines.get(row.line or "")
        total = known if known is not None and known.first <= day <= known.last else self._line(row.line, day)
        sums = total.totals
        sums[ENTITIES] += 1
        status, amount = row.status, row.amount
        if status == APPROVED:
            sums[COST] += row.cost
            if row.known:
                _delay(total.late, row.known, row.cost)
            if row.free or row.drawn or row.beyond:
                sums[ALLOTTED_MINUTES] += row.free + row.drawn
                sums[BEYOND_MINUTES] += row.beyond
                sums[DRAWN_AMOUNT] += row.drawn_amount
            if claims and row.keeps and (amount is not None or row.problem):
                amount = self._kept(total, row, claims)
            if amount is not None:
                self._approved(total, row, amount)
                if row.by_time and not claims:
                    _ready(sums, row)
            elif row.problem:
                self._approved(total, row, 0)
                sums[UNPRICED] += row.billable_minutes
                _note(total.issues, _ISSUE_OF[row.problem], row, entity, 0)
            else:
                sums[NONBILLABLE] += row.minutes
        elif status == SUBMITTED:
            sums[PENDING_MINUTES] += row.minutes
            if amount is not None or row.problem:
                sums[PENDING_AMOUNT] += amount or 0
                _note(total.issues, "TIME_NOT_APPROVED", row, entity, amount or 0)
        if claims:
            self._claims(total, entity, row, claims)

    def was(self, was: Was) -> None:
        """What counted for a while, and adds nothing now."""
        late = self._line(was.line, was.day).late
        if was.since:
            _delay(late, was.since, was.cost)
        _delay(late, was.until, -was.cost)

    def _kept(self, total: Sum, row: Row, claims: Claims) -> int | None:
        """The amount of an entry whose invoiced amount stands."""
        total.kept = max([total.kept, *[begins for _, begins in claims.values()]])
        invoiced = self._claimed(total, claims)
        return row.drawn_amount + invoiced if invoiced else row.amount

    def _approved(self, total: Sum, row: Row, amount: int) -> None:
        """By day and by role; `sums` adds the days up."""
        minutes = row.billable_minutes
        days = total.days
        if not days:
            days = total.days = [[0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]]
        pair = days[row.day - self._start]
        pair[0] += minutes
        pair[1] += amount
        role = row.role or ""
        pair = total.roles.get(role)  # type: ignore[assignment]
        if pair is None:
            total.roles[role] = [minutes, amount]
        else:
            pair[0] += minutes
            pair[1] += amount
        if minutes < 0:
            total.totals[RISE_MINUTES] -= minutes
        if amount < 0:
            total.totals[RISE_AMOUNT] -= amount

    def sums(self) -> dict[str, Sum]:
        period = calendar.period_of(self._start)
        for total in self._lines.values():
            sums = total.totals
            if total.days:
                minutes = sum([day[0] for day in total.days])
                amount = sum([day[1] for day in total.days])
                total.periods[period] = [minutes, amount]
                sums[BILLABLE], sums[AMOUNT] = minutes, amount
                sums[RISE_MINUTES] += minutes
                sums[RISE_AMOUNT] += amount
            sums[ROOM_AMOUNT] += sums[READY_AMOUNT]
            sums[ROOM_MINUTES] += sums[READY_MINUTES]
        return self._lines

    def _claims(self, total: Sum, entity: str, row: Row, claims: Claims) -> None:
        """An entry that invoices name: ready again only when what is invoiced for it is back to 0.

        One that comes to 0, and was invoiced for that, is not ready either.
        """
        sums = total.totals
        invoiced = self._claimed(total, claims)
        if invoiced == 0:
            if row.status != APPROVED or row.amount is None:
                return
            if settled(row.amount - row.drawn_amount, claims, self._as_of):
                sums[CLAIMED_MINUTES] += row.billable_minutes - row.drawn
            elif row.by_time:
                if written_off(claims):
                    sums[WRITTEN_AMOUNT] += row.amount - row.drawn_amount
                    sums[WRITTEN_ENTRIES] += 1
                else:
                    _ready(sums, row)
            return
        sums[CLAIMED_AMOUNT] += invoiced
        sums[CLAIMED_MINUTES] += row.billable_minutes - row.drawn  # a block's minutes are on no invoice of time
        sums[CLAIMED_ENTRIES] += 1
        found = missing(row, invoiced)
        if found is None:
            return
        difference, kept = found
        sums[KEPT_AMOUNT] += kept
        if difference:
            sums[ADJUSTMENT] += difference
            sums[ADJUSTED] += 1
            short = difference > 0 and row.status == APPROVED and row.amount is not None
            _note(total.issues, UNDERBILLED if short else "ADJUSTMENT_NEEDED", row, entity, difference)

    def _claimed(self, total: Sum, claims: Claims) -> int:
        """What is invoiced; the sum remembers until when its claims may still change it."""
        invoiced = 0
        for amount, begins in claims.values():
            if begins <= self._as_of:
                invoiced += amount
            if begins > total.horizon:
                total.horizon = begins
        return invoiced

    def left(self, gone: Gone, day: int, claims: Claims | None) -> None:
        """An entry or expense that was here once: its lines stay named; if it was invoiced, it holds 0 now."""
        for line in gone.lines:
            self._line(line, day)
        if not gone.holds or not claims:
            return
        # It has no work date here any more, so it counts from the beginning of time.
        total = self._line(gone.lines[0] if len(gone.lines) == 1 else None, calendar.BEGINNING)
        invoiced = self._claimed(total, claims)
        if invoiced:
            total.totals[ADJUSTMENT] -= invoiced
            total.totals[ADJUSTED] += 1

    def spend(self, entity: str, spend: Spend, claims: Claims | None) -> None:
        total = self._line(spend.line, spend.day)
        sums = total.totals
        sums[ENTITIES] += 1
        invoiced = self._claimed(total, claims) if claims else 0
        if invoiced:
            total.billed_spends += 1
            total.billed_spend_amount += invoiced
            difference = unmet(spend, invoiced)
            if difference:
                sums[ADJUSTMENT] += difference
                sums[ADJUSTED] += 1
                _note(total.issues, "ADJUSTMENT_NEEDED", spend, entity, difference)
        if spend.status != APPROVED:
            return
        if spend.amount is None:
            if spend.problem:
                _note(total.issues, "CURRENCY_MISMATCH", spend, entity, 0)
            return
        sums[EXPENSES] += spend.amount
        if not spend.billable:
            total.unbillable += spend.amount
        elif not invoiced and not settled(spend.amount, claims, self._as_of):
            sums[READY_EXPENSES] += spend.amount
            total.ready_spends += 1


class Gone(msgspec.Struct, array_like=True, gc=False):
    """An entry that was here once, under these lines. `holds`: it left the contract and its claims are counted here."""

    n: int
    holds: bool
    lines: list[str]


class Bucket(msgspec.Struct, array_like=True, gc=False):
    """What a contract knows of one week (cut at the month). Claims are by `time/<id>` and `expense/<id>`.

    `past`: by entry, what it was known to be here after a month was over, and is no more.
    """

    fence: int
    rows: dict[str, Row]
    spends: dict[str, Spend]
    gone: dict[str, Gone]
    claims: dict[str, Claims]
    past: dict[str, list[Was]] = {}


def tally(bucket: Bucket, start: int, low: int, high: int, as_of: int) -> dict[str, Sum]:
    """Add up what a bucket holds of the work dates in [low, high], by line, with the claims that count on `as_of`."""
    sums = Tally(start, as_of=as_of)
    claims = bucket.claims
    for entry, row in bucket.rows.items():
        if low <= row.day <= high:
            sums.row(entry, row, claims.get(f"time/{entry}") if claims else None)
    for expense, spend in bucket.spends.items():
        if low <= spend.day <= high:
            sums.spend(expense, spend, claims.get(f"expense/{expense}") if claims else None)
    for was in [was for its in bucket.past.values() for was in its] if bucket.past else ():
        if low <= was.day <= high:
            sums.was(was)
    for entity, gone in bucket.gone.items():
        if low <= (calendar.BEGINNING if gone.holds else start) <= high:
            sums.left(gone, start, claims.get(entity) if claims else None)
    return sums.sums()


def holding(row: Row) -> int | None:
    """What an invoiced entry comes to now; None while it is not settled (submitted again, or without a price)."""
    if row.status in (REJECTED, REVERSED):
        return 0
    if row.status == SUBMITTED or row.problem:
        return None
    return row.amount - row.drawn_amount if row.amount is not None else 0


def missing(row: Row, invoiced: int) -> tuple[int, int] | None:
    """(what holds now less what was invoiced and what is held back, what is held back) of an invoiced entry.

    None while it is not settled. An invoiced amount that stands is not missing anything, nor has it too much.
    """
    if row.keeps and row.status == APPROVED and (row.amount is not None or row.problem):
        return 0, 0
    holds = holding(row)
    if holds is None:
        return None
    kept = kept_of(holds - invoiced, row.withheld) if row.status == APPROVED else 0
    return holds - invoiced - kept, kept


def is_unbilled(spend: Spend, claims: Claims | None, as_of: int) -> bool:
    """Whether an expense may be invoiced as of a day, wherever its own day lies."""
    return (
        spend.status == APPROVED
        and spend.billable
        and spend.amount is not None
        and not claimed(claims, as_of)
        and not settled(spend.amount, claims, as_of)
    )


def unmet(spend: Spend, invoiced: int) -> int:
    """What an invoiced expense holds now less what was invoiced for it; 0 while that is not settled.

    It holds nothing once it was rejected, or is the client's no more. An invoiced amount that stands is never short.
    """
    if spend.status != APPROVED or not spend.billable:
        return -invoiced
    return 0 if spend.keeps or spend.amount is None else spend.amount - invoiced


def settled(amount: int, claims: Claims | None, as_of: int) -> bool:
    """Whether what comes to nothing was invoiced for nothing: a live invoice names it, and no credit on that one does.

    What is worth something by now is not settled so: nobody was billed for it.
    """
    if amount or not claims:
        return False
    for paper, (_, begins) in claims.items():
        if paper.startswith(NIL) and begins <= as_of:
            taken_back = claims.get(NIL_CREDITED + paper.removeprefix(NIL))
            if taken_back is None or taken_back[1] > as_of:
                return True
    return False


def written_off(claims: Claims | None) -> bool:
    """Whether somebody gave the entry up: it is not to be invoiced any more."""
    return bool(claims) and any(paper.startswith(WRITE_OFF) for paper in claims or ())


def _ready(sums: list[int], row: Row) -> None:
    """What is to be invoiced as time: all but what a prepaid block paid for."""
    minutes, amount = row.billable_minutes - row.drawn, (row.amount or 0) - row.drawn_amount
    sums[READY_AMOUNT] += amount
    sums[READY_MINUTES] += minutes
    sums[READY_ENTRIES] += 1
    if row.withheld:
        sums[READY_WITHHELD] += row.withheld
    if amount <= 0:
        sums[ROOM_AMOUNT] -= amount
        sums[FLAT_ENTRIES] += 1
        sums[FLAT_MINUTES] += minutes
        sums[FLAT_WITHHELD] += row.withheld
    if minutes < 0:
        sums[ROOM_MINUTES] -= minutes
