"""Terms that cannot be meant as they stand: contradictions that show only when several messages meet.

One message that contradicts itself is refused when it is read: an interval that ends before it starts, a negative cap,
a currency nobody knows, two lines with one id. What is left is pointed out, with its owner and the events behind it,
and no figure becomes 0 in silence. Sources: domain rules R13, R23; part 6, "never add different currencies".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from app.domain import calendar
from app.domain.ledger import EVIDENCE_LIMIT, Issue
from app.domain.resolution import Message
from app.domain.split import complete
from app.domain.terms import Agreement, Amount, Cap, Line, Terms

Said = Mapping[str, Any]


class Planned(NamedTuple):
    """A milestone as a line's fee sees it: `amount` in micro-units, and the message that decides its status."""

    line_id: str | None
    amount: int
    status: str
    message: Message


class Flaw(NamedTuple):
    """A contradiction by its code; its issue counts lines or amendments, or 1, and has no amount."""

    code: str
    issue: Issue


def flaws(
    agreement: Agreement, day: int, milestones: Iterable[Planned] = (), *, worked_early: bool = False
) -> list[Flaw]:
    """Everything that contradicts itself in the terms of a day; nothing where nobody approved the contract.

    Depends on the terms, not on the day itself: between two days on which terms change it is the same. `worked_early`:
    some work lies before the first day on which any terms take effect; what was approved prices it.
    """
    terms = agreement.on(day)
    if terms is None:
        return []
    events = agreement.in_force(day)
    return [
        *_of_lines(terms, events),
        *_of_term_and_payers(terms, events),
        *_of_milestones(terms, events, list(milestones)),
        *_too_late(agreement),
        *_of_currency(agreement, day, worked_early),
    ]


def _of_lines(terms: Terms, events: Sequence[Message]) -> Iterator[Flaw]:
    kinds: Sequence[tuple[str, Callable[[Line], bool], Sequence[str]]] = (
        ("FEE_MISSING", _lacks_fee, ("billing_method", "fee", "retainer", "prepaid")),
        ("CAP_BELOW_ZERO", lambda line: _negative(line.cap), ("cap",)),
        ("BUDGET_BELOW_ZERO", lambda line: _negative(line.budget), ("budget",)),
    )
    for code, flawed, fields in kinds:
        lines = [line.line_id for line in terms.lines.values() if flawed(line)]
        if lines:
            yield Flaw(code, _issue(len(lines), [_last_of_line(events, line, fields) for line in lines]))


def _lacks_fee(line: Line) -> bool:
    """Whether a line bills by a fee that nobody named, or for a block of minutes that nobody named."""
    if line.billing_method == "percent_complete":
        return line.fee is None
    if line.billing_method == "retainer":
        return line.retainer is None or line.retainer.fee is None
    block = line.prepaid
    return line.billing_method == "prepaid" and (block is None or block.fee is None or not block.minutes)


def _negative(limit: Amount | Cap | None) -> bool:
    """Below 0, where an additive amendment may bring it."""
    return limit is not None and ((limit.minutes or 0) < 0 or (limit.amount or 0) < 0)


def _of_term_and_payers(terms: Terms, events: Sequence[Message]) -> Iterator[Flaw]:
    # Cancelled before it began, a term did end.
    if terms.term_to < terms.term_from and terms.status != "cancelled":
        yield Flaw("TERM_REVERSED", _issue(1, [_last(events, lambda said: "term" in said)]))
    ratios = [payer.ratio for payer in terms.payers]
    clients = {payer.client_id for payer in terms.payers}
    if ratios and (not complete(ratios) or len(clients) < len(ratios)):
        yield Flaw("PAYERS_INCOMPLETE", _issue(1, [_last(events, lambda said: "payers" in said)]))


def _of_milestones(terms: Terms, events: Sequence[Message], milestones: Sequence[Planned]) -> Iterator[Flaw]:
    """Lines by milestones whose milestones, but for the cancelled, do not come to their fee."""
    count, behind = 0, []
    for line in terms.lines.values():
        if line.billing_method != "milestone" or line.fee is None:
            continue
        here = [one for one in milestones if (one.line_id or terms.only_line) == line.line_id]
        its = [one for one in here if one.status != "cancelled"]
        if sum(one.amount for one in its) != line.fee:
            count += 1
            behind += [_last_of_line(events, line.line_id, ("fee",)), *(one.message for one in its)]
    if count:
        yield Flaw("MILESTONES_NOT_FEE", _issue(count, behind))


def _too_late(agreement: Agreement) -> Iterator[Flaw]:
    """Amendments that take effect after the end of the term that they leave: they change no work."""
    late = [
        event
        for event in agreement.events
        if event.type == "contract.amended.v1"
        and (said := _read(event))["kind"] != "cancellation"
        and (terms := agreement.on(begins := calendar.number(said["effective_from"]))) is not None
        and begins > terms.term_to
    ]
    if late:
        yield Flaw("AMENDMENT_AFTER_END", _issue(len(late), late))


def _of_currency(agreement: Agreement, day: int, worked_early: bool) -> Iterator[Flaw]:
    """More than one currency over the days so far: what was worked in one would be added to what was in another.

    Before the first day on which terms take effect there are no days of the contract, unless somebody worked on them.
    """
    held = [agreement.on(day), *(terms for start, terms in agreement.steps() if start <= day)]
    if worked_early:
        held.append(agreement.on(calendar.BEGINNING))
    if len({terms.currency for terms in held if terms is not None}) > 1:
        yield Flaw("CURRENCY_CHANGED", _issue(1, [event for event in agreement.events if "currency" in _read(event)]))


def _read(event: Message) -> Said:
    said: Said = msgspec.json.decode(event.data)
    return said


def _last(events: Sequence[Message], test: Callable[[Said], bool]) -> Message | None:
    return next((event for event in reversed(events) if test(_read(event))), None)


def _last_of_line(events: Sequence[Message], line_id: str, fields: Sequence[str]) -> Message | None:
    """The last event that said one of the fields of a line."""

    def says(said: Said) -> bool:
        its = [line for line in said.get("lines") or () if line["line_id"] == line_id]
        return any(field in line for line in its for field in fields)

    return _last(events, says)


def _issue(count: int, events: Iterable[Message | None]) -> Issue:
    found = sorted({(event.time, event.id) for event in events if event is not None})
    return Issue(count, 0, found[0][0] if found else 0, [(0, "", name) for _, name in found[:EVIDENCE_LIMIT]])
