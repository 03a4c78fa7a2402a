"""What is ready, one by one: design.md section 5, "Readiness"; docs/documents.md, "Which documents there are"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from .assessment import Assessment
from .dossier import Dossier, Expense, Milestone
from .papers import kept_for_receipt
from .pricing import Entry
from .retainage import Withheld, kept_of, share

_ZERO = Fraction(0)


@dataclass(frozen=True)
class Line:
    """One thing that is to be invoiced, in the month it belongs to."""

    kind: str
    id: str
    month: str
    line_id: str | None
    amount: Fraction
    withheld: Fraction = _ZERO
    day: str | None = None
    minutes: int | None = None
    entry: Entry | None = None


def ready_lines(dossier: Dossier, found: Assessment) -> Iterator[Line]:
    """All that would be billed if nothing stopped it."""
    claims = found.time.ready
    for claim, kept in zip(claims, found.time.withheld[: len(claims)], strict=True):
        one = claim.entry
        day = one.day.isoformat()
        month = _month(day)
        yield Line("time", one.entry_id, month, one.line_id, claim.amount, kept.amount, day, claim.minutes, one)
    for expense in ready_expenses(dossier):
        day = expense.day.isoformat()
        yield Line("expense", expense.expense_id, _month(day), expense.line_id, expense.amount, day=day)
    for milestone in accepted_milestones(dossier):
        ready, held = settled_milestone(dossier, milestone)
        if ready != 0 and milestone.since is not None:
            day = milestone.since.isoformat()
            yield Line("milestone", milestone.milestone_id, _month(day), milestone.line_id, ready, held.amount, day)
    yield from _fee_lines(dossier, found)


def billable_milestones(dossier: Dossier) -> list[Milestone]:
    """On any line but a non-billable one."""
    return [
        one
        for one in dossier.milestones
        if dossier.terms is None or dossier.terms.method(one.line_id) != "non_billable"
    ]


def accepted_milestones(dossier: Dossier) -> list[Milestone]:
    return [one for one in billable_milestones(dossier) if one.accepted(dossier.as_of)]


def settled_milestone(dossier: Dossier, one: Milestone) -> tuple[Fraction, Withheld]:
    """What is ready of an accepted milestone, all of it or nothing but what is held back; once invoiced nothing."""
    held = share(one.terms, one.line_id, one.amount)
    invoiced = dossier.invoiced_for("milestone", one.milestone_id)
    if invoiced != 0:
        held = kept_of(one.amount - invoiced, held)
    ready = one.amount - held if invoiced == 0 else _ZERO
    return ready, Withheld(one.line_id or "", one.accepted_on, held)


def billable_expenses(dossier: Dossier) -> list[Expense]:
    """Those that could be billed, with or without a receipt."""
    return [
        one
        for one in dossier.expenses
        if one.billable
        and (dossier.terms is None or dossier.terms.covers(one.day))
        and not dossier.billed("expense", one.expense_id, one.amount)
    ]


def expenses_outside(dossier: Dossier) -> list[Expense]:
    """Those that could be billed, were they inside the term."""
    return [
        one
        for one in dossier.expenses
        if one.billable
        and dossier.terms is not None
        and not dossier.terms.covers(one.day)
        and not dossier.billed("expense", one.expense_id, one.amount)
    ]


def ready_expenses(dossier: Dossier) -> list[Expense]:
    return [one for one in billable_expenses(dossier) if not kept_for_receipt(dossier, one)]


# -- fees -----------------------------------------------------------------------------------------------------------


def _fee_lines(dossier: Dossier, found: Assessment) -> Iterator[Line]:
    """What of each line's months is still to be paid."""
    for line_id in sorted(_billing_fees(dossier, found)):
        months = found.fees_by_month.get(line_id, {})
        held = _held_by_month(dossier, line_id, months)
        due = {month: fee - held[month] for month, fee in months.items()}
        for release in found.releases:
            if release.line_id == line_id:
                due[release.month] = due.get(release.month, _ZERO) + release.amount
        for month, amount in _unpaid(dossier, line_id, due).items():
            if amount:
                yield Line("fee", f"{line_id}/{month}", month, line_id, amount, held.get(month, _ZERO))


def _billing_fees(dossier: Dossier, found: Assessment) -> set[str]:
    """Every line that may have something due as a fee."""
    released = {one.line_id for one in found.releases}
    return {*found.fees_by_month, *released, *dossier.named_lines} if dossier.terms else set()


def _held_by_month(dossier: Dossier, line_id: str, months: dict[str, Fraction]) -> dict[str, Fraction]:
    """What is held back of each month, so that all together is what is held back of the sum."""
    held, total, before = {}, _ZERO, _ZERO
    for month in sorted(months):
        total += months[month]
        now = share(dossier.terms, line_id, total)
        held[month], before = now - before, now
    return held


def _unpaid(dossier: Dossier, line_id: str, due: dict[str, Fraction]) -> dict[str, Fraction]:
    """What is left of each month: what names a month pays for it, all else, and what is too much, the oldest first.

    What was credited beyond everything is due in the oldest month.
    """
    left, purse = dict(due), _ZERO
    for (kind, item), amount in dossier.invoiced.items():
        month = item.removeprefix(f"{line_id}/")
        if kind == "fee" and item == line_id:
            purse += amount
        elif kind == "fee" and item.startswith(f"{line_id}/"):
            if month in left:
                left[month] -= amount
            else:
                purse += amount
    for month, amount in left.items():
        if amount < 0:
            left[month], purse = _ZERO, purse - amount
    if purse < 0:
        oldest = min(left, default=_month(dossier.as_of.isoformat()))
        left[oldest], purse = left.get(oldest, _ZERO) - purse, _ZERO
    for month in sorted(left):
        paid = min(left[month], purse)
        left[month], purse = left[month] - paid, purse - paid
    return left


def _month(day: str) -> str:
    return day[:7]
