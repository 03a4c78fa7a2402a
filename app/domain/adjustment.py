"""What was invoiced and no longer holds: per live invoice and entry, what it says, what it should, and why.

Sources: design section 5 "Invoices"; domain rules R46, R48, R49. The differences add up to `adjustment_amount` of
readiness. How they are billed is the contract's `retro_policy`: `credit_rebill` takes back what was invoiced and bills
what holds, `delta_line` bills the difference, `prospective_only` leaves approved work as it was invoiced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from app.domain import calendar
from app.domain.burn import Position
from app.domain.ledger import APPROVED, Claims, Row, claimed, missing
from app.domain.retainage import kept_of
from app.domain.terms import Terms
from app.domain.unbilled import Edge

Reason = Literal["amendment", "rate", "entry", "invoice"]


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

    `period` is the billing period it was worked in, as far as its contract knows.

    `row` is None where the entry left the contract; `line_id` is the line it was or is on. `reason` says what changed:
    the terms (`amendment_id` names the amendment), a rate, or the entry itself; where none of them was said after the
    invoice, it is the invoice that says otherwise, or a credit on it.
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

    @property
    def difference(self) -> int:
        """What is to be billed, or with a minus given back."""
        return self.holds - self.invoiced


def adjustments(position: Position, edge: Edge, sources: Sources) -> Iterator[Adjustment]:
    """Every invoice that an entry must be adjusted on, by (entry id, invoice id).

    `edge` is where an amount written off ends: what it took is not billed any more. Of an entry on several invoices the
    earlier ones stay as they are as far as what holds reaches; the latest has the rest.
    """
    for start, entry, row, lines, claims in sorted(position.book.invoiced(position.day), key=lambda found: found[1]):
        invoiced = claimed(claims, position.day)
        difference = _difference(position, edge, entry, row, invoiced)
        if not difference:
            continue
        line = row.line if row is not None else _left(position, lines)
        parts = _by_invoice(claims, position.day, sources)
        left = invoiced + difference
        for place, (paper, amount) in enumerate(parts, 1):
            holds = left if place == len(parts) else kept_of(left, amount)
            left -= holds
            if holds != amount:
                policy = _policy(position.agreement.on(row.day) if row is not None else position.terms)
                reason, amendment = _cause(position, row, paper.time, sources)
                period = calendar.period_of(start)
                yield Adjustment(paper.invoice_id, entry, line, row, amount, holds, policy, reason, amendment, period)


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


def _cause(position: Position, row: Row | None, since: int, sources: Sources) -> tuple[Reason, str | None]:
    """What was said after an invoice: terms, else a rate, else the entry. Void work changed by its own doing."""
    if row is None or row.status != APPROVED or row.day > position.day:
        return "entry", None
    amendment = position.agreement.priced_by(row.day)
    if amendment is not None and amendment.time > since:
        return "amendment", amendment.amendment_id
    said = sources.rate_said(row.rate_id) if row.rate_id is not None and row.rate_override is None else None
    if said is not None and said > since:
        return "rate", None
    return ("entry", None) if row.time > since else ("invoice", None)


def _policy(terms: Terms | None) -> str:
    return terms.retro_policy if terms is not None else "credit_rebill"
