"""What was invoiced and no longer holds: per live invoice and entry, what it says, what it should, and why.

Sources: design section 5 "Invoices"; domain rules R46, R48, R49; events catalogue, `billing.adjusted`. An entry here is
a time entry, an expense or a milestone. The differences add up to `adjustment_amount` of readiness. How they are billed
is the contract's `retro_policy`: `credit_rebill` takes back what was invoiced and bills what holds, `delta_line` bills
the difference, `prospective_only` leaves approved work as it was invoiced. A milestone is always credited whole.

Fees are never adjusted: they are billed on account, by what was earned so far less what was invoiced, so what was
invoiced too much is taken off what is earned next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal, NamedTuple

from app.domain import calendar
from app.domain.burn import Position
from app.domain.ledger import APPROVED, Claims, Row, Spend, claimed, missing, unmet
from app.domain.readiness import Milestone
from app.domain.readiness import unmet as milestone_unmet
from app.domain.retainage import kept_of
from app.domain.terms import Terms
from app.domain.unbilled import Edge

Kind = Literal["time", "expense", "milestone"]
Reason = Literal["amendment", "rate", "entry", "expense", "milestone", "invoice"]

TIME: Final = "time"
EXPENSE: Final = "expense"
MILESTONE: Final = "milestone"


class Paper(NamedTuple):
    """An invoice, by its id, and the event time at which it was said, microseconds."""

    invoice_id: str
    time: int


class Sources(NamedTuple):
    """What an adjustment's cause is looked for in.

    `invoice`: the invoice behind a paper, `invoice/I-1` or `credit/K-1`; `rate_said`: when the message of a rate was
    said, microseconds, None if nobody knows the rate.
    """

    invoice: Callable[[str], Paper]
    rate_said: Callable[[str], int | None]


class Adjustment(NamedTuple):
    """An entry on one live invoice; micro-units. `invoiced` is net of credits; `holds` is what should stand there.

    `period` is the billing period it was worked, spent or accepted in, as far as its contract knows; `on` the day.

    `row` is None where a time entry left the contract, and of what is no time entry; `line_id` is the line it was or is
    on. `reason` says what changed: the terms (`amendment_id` names the amendment), a rate, or the entry itself; where
    none of them was said after the invoice, it is the invoice that says otherwise, or a credit on it.
    """

    invoice_id: str
    entry_id: str
    line_id: str | None
    row: Row | None
    invoiced: int
    holds: int
    policy: str
    reason: Reason
    amendment_id: str | None
    period: str = ""
    kind: Kind = TIME
    on: int | None = None

    @property
    def difference(self) -> int:
        """What is to be billed, or with a minus given back."""
        return self.holds - self.invoiced


class _Billed(NamedTuple):
    """Something on live invoices that holds `difference` more than they say."""

    kind: Kind
    id: str
    line_id: str | None
    claims: Claims
    difference: int
    period: str
    policy: str
    row: Row | None = None
    on: int | None = None
    said: int = 0  # when the message that decides was said, microseconds; 0 where it left the contract


def adjustments(
    position: Position, edge: Edge, sources: Sources, milestones: Iterable[Milestone] = ()
) -> Iterator[Adjustment]:
    """Every invoice that something must be adjusted on, by (kind, id): time, then expenses, then milestones.

    `edge` is where an amount written off ends: what it took is not billed any more. Of an entry on several invoices the
    earlier ones stay as they are as far as what holds reaches; the latest has the rest.
    """
    found = [*_work(position, edge), *_milestones(position, milestones)]
    for one in sorted(found, key=lambda one: (_KINDS.index(one.kind), one.id)):
        parts = _by_invoice(one.claims, position.day, sources)
        left = claimed(one.claims, position.day) + one.difference
        for place, (paper, amount) in enumerate(parts, 1):
            holds = left if place == len(parts) else kept_of(left, amount)
            left -= holds
            if holds != amount:
                reason, amendment = _cause(position, one, paper.time, sources)
                yield Adjustment(
                    paper.invoice_id,
                    one.id,
                    one.line_id,
                    one.row,
                    amount,
                    holds,
                    one.policy,
                    reason,
                    amendment,
                    one.period,
                    one.kind,
                    one.on,
                )


_KINDS: Final = (TIME, EXPENSE, MILESTONE)


def _work(position: Position, edge: Edge) -> Iterator[_Billed]:
    for start, key, held, lines, claims in position.book.invoiced(position.day):
        invoiced = claimed(claims, position.day)
        kind, _, name = key.partition("/")
        period = calendar.period_of(start)
        if kind == EXPENSE:
            spend = held if isinstance(held, Spend) else None
            gone = spend is None or spend.day > position.day
            difference = -invoiced if spend is None or gone else unmet(spend, invoiced)
            line = spend.line if spend is not None else _left(position, lines)
            on, said = (spend.day, spend.time) if spend is not None else (None, 0)
            policy = _policy(position, on)
            one = _Billed(EXPENSE, name, line, claims, difference if invoiced else 0, period, policy, None, on, said)
        else:
            row = held if isinstance(held, Row) else None
            difference = _difference(position, edge, name, row, invoiced)
            line = row.line if row is not None else _left(position, lines)
            on, said = (row.day, row.time) if row is not None else (None, 0)
            one = _Billed(TIME, name, line, claims, difference, period, _policy(position, on), row, on, said)
        if one.difference:
            yield one


def _milestones(position: Position, milestones: Iterable[Milestone]) -> Iterator[_Billed]:
    for one in milestones:
        difference = milestone_unmet(position, one)
        if difference and one.claims is not None:
            line = one.line_id or (position.terms.only_line if position.terms is not None else None)
            policy = (
                "credit_rebill"
                if _policy(position, one.billed_on) == "delta_line"
                else _policy(position, one.billed_on)
            )
            period = calendar.period_of(one.billed_on) if one.status == "accepted" else max(one.periods, default="")
            period = period or calendar.period_of(one.billed_on)
            yield _Billed(
                MILESTONE, one.milestone_id, line, one.claims, difference, period, policy, None, one.billed_on, one.time
            )


def _difference(position: Position, edge: Edge, entry: str, row: Row | None, invoiced: int) -> int:
    if not invoiced:
        return 0
    if row is None or row.day > position.day:
        return -invoiced
    found = missing(row, invoiced)
    if found is None:
        return 0
    difference = found[0]
    if row.status == APPROVED and row.amount is not None:
        difference -= edge.of(row.day, entry, difference)
    return difference


def _left(position: Position, lines: list[str]) -> str | None:
    """The line an entry left: the one it named, else the only one there is."""
    if len(lines) == 1:
        return lines[0]
    return position.terms.only_line if position.terms is not None and not lines else None


def _by_invoice(claims: Claims, day: int, sources: Sources) -> list[tuple[Paper, int]]:
    """What each invoice says, its credits taken off, in the order in which they were said."""
    found: dict[Paper, int] = {}
    for name, (amount, begins) in sorted(claims.items(), reverse=True):  # invoices before credits
        if begins <= day and amount:
            paper = sources.invoice(name)
            found[paper] = found.get(paper, 0) + amount
    said = [(paper, amount) for paper, amount in found.items() if amount]
    return sorted(said, key=lambda part: (part[0].time, part[0].invoice_id))


def _cause(position: Position, one: _Billed, since: int, sources: Sources) -> tuple[Reason, str | None]:
    """What was said after an invoice: terms, else a rate, else the entry. Void work changed by its own doing."""
    row, itself = one.row, _ITSELF[one.kind]
    if one.kind != TIME:
        return (itself, None) if not one.said or one.said > since else ("invoice", None)
    if row is None or row.status != APPROVED or row.day > position.day:
        return itself, None
    amendment = position.agreement.priced_by(row.day)
    if amendment is not None and amendment.time > since:
        return "amendment", amendment.amendment_id
    said = sources.rate_said(row.rate_id) if row.rate_id is not None and row.rate_override is None else None
    if said is not None and said > since:
        return "rate", None
    return (itself, None) if row.time > since else ("invoice", None)


_ITSELF: Final[dict[Kind, Reason]] = {TIME: "entry", EXPENSE: "expense", MILESTONE: "milestone"}


def _policy(position: Position, day: int | None) -> str:
    """How the terms of a day want it put right; of what left the contract, those of as-of."""
    terms: Terms | None = position.agreement.on(day) if day is not None else position.terms
    return terms.retro_policy if terms is not None else "credit_rebill"
