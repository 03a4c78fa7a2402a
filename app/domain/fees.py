"""Fees: what lines that are not billed by time have earned, what of it was invoiced, what is ready.

Sources: design section 5 "Readiness", "Retainer", "Percent complete"; domain rules R14 to R17. A retainer's month is
earned once its first covered day has come, what is worked beyond it as it is worked; a prepaid block once the term has
begun; percent complete by cost to date. An invoice names a fee by its line, `L1`, or by line and anything more,
`L1/2026-03`. What was invoiced beyond what is earned is a liability, not a negative readiness.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from app.domain import calendar, completion, period, retainer
from app.domain.burn import Position
from app.domain.completion import Estimate
from app.domain.ledger import COST, Claims, Sum, claimed
from app.domain.money import portion
from app.domain.retainage import Freed, withheld
from app.domain.retainer import Month, Retainer
from app.domain.terms import Line

PREFIX = "fee/"


class Part(NamedTuple):
    """What a line earns as fee in one billing period, and what retainage holds back of it, in micro-units."""

    period: str
    amount: int
    withheld: int = 0


class Fee(NamedTuple):
    """One line's fees in micro-units.

    `unpriced`: months with overage that no rate is agreed for; `unmeasured`: percent complete without an estimate, of
    which nothing can be said to be earned. `withheld` is what retainage holds back of what is earned.
    """

    line_id: str
    earned: int
    invoiced: int
    unpriced: int
    unmeasured: bool
    parts: tuple[Part, ...] = ()  # in order of periods

    @property
    def withheld(self) -> int:
        return sum(part.withheld for part in self.parts)

    def ready(self, released: int = 0) -> int:
        """What may be invoiced as the line's fee, with what was released of its retainage.

        An invoice pays what is due first, so that one of what was released does not take back the release.
        """
        return max(0, self.earned + released - self.withheld - self.invoiced)


def fees(
    position: Position, inside: Mapping[str, Sum], claims: Mapping[str, Claims], estimates: Sequence[Estimate]
) -> list[Fee]:
    """Every line that earns a fee, in order of line ids.

    `inside`: what each line comes to within the term; `claims`: what invoices say of fees, by `fee/<id>`. Without an
    as-of nothing is earned.
    """
    terms = position.terms
    if terms is None or position.as_of is None:
        return []
    found = []
    for line_id in position.lines():
        months = list(_months(position, line_id, inside.get(line_id)))
        amounts = {month.period: month.fee + (month.overage_amount or 0) for month in months}
        unpriced = sum(1 for month in months if month.overage_amount is None)
        line = terms.lines.get(line_id)
        measured = True
        if line is not None and line.billing_method == "prepaid" and line.prepaid is not None:
            _add(amounts, calendar.period_of(terms.term_from), _begun(position, line.prepaid.fee or 0))
        elif line is not None and line.billing_method == "percent_complete" and line.fee is not None:
            so_far = _completed(position, line, estimates)
            measured = so_far is not None
            _add(amounts, calendar.period_of(position.as_of), so_far or 0)
        earned = sum(amounts.values())
        invoiced = invoiced_as_fee(claims, line_id, position.as_of)
        if earned or invoiced or unpriced or not measured:
            found.append(Fee(line_id, earned, invoiced, unpriced, not measured, _parts(position, line, amounts)))
    return found


def _add(amounts: dict[str, int], name: str, amount: int) -> None:
    amounts[name] = amounts.get(name, 0) + amount


def _parts(position: Position, line: Line | None, amounts: Mapping[str, int]) -> tuple[Part, ...]:
    """Fees by period. What is held back is rounded on the running total, so that it comes to that of the sum."""
    ratio = line.retainage if line is not None else 0
    half_even = position.terms is not None and position.terms.rounding.half_even
    parts, total, before = [], 0, 0
    for name in sorted(name for name, amount in amounts.items() if amount):
        total += amounts[name]
        held = withheld(total, ratio, position.exponent, half_even=half_even) if ratio else 0
        parts.append(Part(name, amounts[name], held - before))
        before = held
    return tuple(parts)


def _begun(position: Position, fee: int) -> int:
    """The fee, once the term has a beginning and that has come; rounded to the currency."""
    terms = position.terms
    if terms is None or not calendar.BEGINNING < terms.term_from <= position.day:
        return 0
    return portion(fee, 1, 1, position.exponent, half_even=terms.rounding.half_even)


def _completed(position: Position, line: Line, estimates: Iterable[Estimate]) -> int | None:
    """fee × min(cost ÷ estimate, 1), never below 0; None without an estimate."""
    terms = position.terms
    assert terms is not None  # a line comes from terms
    estimate = completion.in_force(estimates, line.line_id, position.day, only_line=terms.only_line)
    if estimate is None or estimate <= 0:
        return None
    cost = position.total(line.line_id).totals[COST]
    so_far = completion.cumulative(line.fee or 0, cost, estimate, position.exponent, half_even=terms.rounding.half_even)
    return max(0, so_far)


def months_of(position: Position, line_id: str) -> Iterator[Month]:
    """The months of a line's retainer so far, with the work that lies within the term."""
    terms = position.terms
    if terms is None or not position.agreement.ever_retained(line_id):
        return iter(())
    inside = position.book.between(terms.term_from, min(terms.term_to, position.day), position.day)
    return _months(position, line_id, inside.get(line_id))


def _months(position: Position, line_id: str, inside: Sum | None) -> Iterator[Month]:
    """The months of a retainer so far; what a month's retainer is, is said by the terms of its first covered day."""
    terms = position.terms
    assert terms is not None
    if terms.term_from <= calendar.BEGINNING or not position.agreement.ever_retained(line_id):
        return iter(())
    begin = terms.term_from

    def agreed(name: str) -> Retainer | None:
        then = position.agreement.on(max(period.first_day(name), begin))
        line = then.lines.get(line_id) if then is not None else None
        if then is None or line is None or line.billing_method != "retainer" or line.retainer is None:
            return None
        return replace(line.retainer, half_even=then.rounding.half_even, exponent=then.exponent)

    used = {name: minutes for name, minutes in _used(position, line_id, inside).items() if agreed(name) is not None}
    return retainer.months(
        agreed,
        used,
        (begin, terms.term_to),
        position.day,
    )


def _used(position: Position, line_id: str, inside: Sum | None) -> dict[str, int]:
    """Approved billable minutes by period, of the days on which the line is a retainer."""
    terms = position.terms
    assert terms is not None
    if position.agreement.one_method(line_id):
        return {name: minutes for name, (minutes, _) in inside.periods.items()} if inside is not None else {}
    used: dict[str, int] = {}
    for day, minutes, _ in position.book.days(line_id, terms.term_from, min(terms.term_to, position.day)):
        then = position.agreement.on(day)
        line = then.lines.get(line_id) if then is not None else None
        if line is not None and line.billing_method == "retainer":
            name = calendar.period_of(day)
            used[name] = used.get(name, 0) + minutes
    return used


def open_parts(
    line_id: str, earned: Iterable[Part], freed: Iterable[Freed], claims: Mapping[str, Claims], day: int
) -> list[Part]:
    """What may be invoiced of a line's fee, by billing period; together it is what the line has ready.

    Due is what was earned in a period, less what is held back of it, and what was released in it. An invoice that names
    the period pays for it; one that names the line alone, another period, or more than there is, the oldest first. What
    was credited beyond what was invoiced is due in the oldest period too.
    """
    due: dict[str, int] = {}
    for part in earned:
        _add(due, part.period, part.amount - part.withheld)
    for one in freed:
        if one.amount:
            _add(due, calendar.period_of(one.on), one.amount)
    purse, own = 0, PREFIX + line_id
    for key, its in claims.items():
        name = key.removeprefix(own + "/")
        if name in due and key != name:
            due[name] -= claimed(its, day)
        elif key == own or key.startswith(own + "/"):
            purse += claimed(its, day)
    purse -= sum(min(amount, 0) for amount in due.values())
    due = {name: max(amount, 0) for name, amount in due.items()}
    if purse < 0:
        _add(due, min(due, default=calendar.period_of(day)), -purse)
    held = {part.period: part.withheld for part in earned}
    found = []
    for name in sorted(due):
        paid = min(due[name], max(purse, 0))
        purse -= paid
        if due[name] > paid:
            found.append(Part(name, due[name] - paid, held.get(name, 0)))
    return found


def invoiced_as_fee(claims: Mapping[str, Claims], line_id: str, day: int) -> int:
    """What live invoices say of a line's fee, by its id alone or by it and anything more."""
    own = PREFIX + line_id
    return sum(claimed(its, day) for key, its in claims.items() if key == own or key.startswith(own + "/"))
