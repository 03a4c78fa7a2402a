"""Billing readiness of a contract: design.md section 5, "Readiness", "Cap", "Invoices"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from .allotments import PREPAID
from .amends import amends
from .assessment import BLOCKING, CONTRACT, ENTRY, HELD, NOT_DUE, WARNING, Assessment, Blocker
from .burn import contract_shares
from .checks import failed_of_contract, failed_of_entries, tier_of
from .contradictions import contradictions, payers
from .dossier import Dossier
from .fees import fees_by_month, invoiced_fees, unmeasured
from .lines import (
    accepted_milestones,
    billable_expenses,
    billable_milestones,
    expenses_outside,
    ready_expenses,
    ready_lines,
    settled_milestone,
)
from .numbers import exponent, fixed
from .order_use import order_of
from .papers import NARRATIVE_MISSING, RECEIPT_MISSING, lacks_receipt
from .pricing import CURRENCY_MISMATCH, RATE_UNRESOLVED, Entry
from .retainage import Withheld, by_line, released, share
from .retainer import unpriced_months
from .schedules import is_due, scheduled
from .settlement import Settlement, settle
from .terms import TIME_AND_MATERIALS

_ZERO = Fraction(0)
# Blockers of single items whose amount counts as blocked; what a cap refuses is shown apart.
_HELD_BACK = {"OUTSIDE_TERM", "TIME_NOT_APPROVED", "MILESTONE_NOT_ACCEPTED", NARRATIVE_MISSING, RECEIPT_MISSING}


def assess(dossier: Dossier) -> Assessment:
    """What is ready, what is not, and why."""
    time = settle(dossier)
    accepted = [settled_milestone(dossier, one) for one in accepted_milestones(dossier)]
    by_month = fees_by_month(dossier)
    earned = {line_id: sum(months.values(), _ZERO) for line_id, months in by_month.items()}
    on_fees = _withheld_fees(dossier, earned)
    withheld = [*time.withheld, *[held for _, held in accepted], *on_fees]
    releases = released(dossier, withheld)
    free = by_line(releases)
    found = [
        *_entry_blockers(dossier, time),
        *_cap_blockers(time),
        *_budget_warnings(dossier),
        *_adjustment_warning(dossier, time),
        *_estimate_blockers(dossier),
        *_flaws(dossier),
        *_entry_checks(dossier, time),
        *_receipt_check(dossier),
    ]
    before = Assessment(
        time=time,
        milestones=sum((ready for ready, _ in accepted), _ZERO),
        expenses=sum((one.amount for one in ready_expenses(dossier)), _ZERO),
        fees=_open_fees(dossier, earned, on_fees, free),
        fees_by_month=by_month,
        releases=tuple(releases),
        retained=sum((_kept(dossier, one, earned, withheld, on_fees, free) for one in _lines(withheld)), _ZERO),
        blockers=(),
    )
    return replace(before, blockers=(*found, *_not_due(dossier, before), *_contract_blockers(dossier, before.total)))


def readiness_row(dossier: Dossier) -> dict[str, Any]:
    """The payload of `readiness.updated`, its blockers by code, tier, scope, count and amount only."""
    found = assess(dossier)
    stopped, time = found.stopped, found.time
    held = [one.amount for one in found.blockers if one.code in _HELD_BACK and one.tier == BLOCKING]
    amounts = {
        "ready_amount": _ZERO if stopped else found.total,
        "ready_time_amount": _ZERO if stopped else found.ready_time,
        "ready_milestone_amount": _ZERO if stopped else found.milestones,
        "ready_expense_amount": _ZERO if stopped else found.expenses,
        "ready_fee_amount": _ZERO if stopped else found.fees,
        "blocked_amount": sum(held, found.total if stopped else _ZERO),
        "over_cap_amount": sum(time.over, _ZERO),
        "invoiced_amount": dossier.invoiced_total,
        "adjustment_amount": sum(_differences(dossier, time), _ZERO),
        "retained_amount": found.retained,
        "written_off_amount": time.written_off,
    }
    places = exponent(dossier.currency)
    return {
        "contract_id": dossier.contract_id,
        "as_of": dossier.as_of.isoformat(),
        "state": _state(found, amounts["ready_amount"]),
        **{name: fixed(amount, places) for name, amount in amounts.items()},
        "ready_minutes": 0 if stopped else sum(claim.minutes for claim in time.ready),
        "ready_entries": 0 if stopped else len(time.ready),
        "purchase_order": order_of(dossier, amounts["ready_amount"], places),
        "payers": [{**one, "amount": fixed(one["amount"], places)} for one in payers(dossier, amounts["ready_amount"])],
        "blockers": [
            {**vars(one), "amount": fixed(one.amount, places)}
            for one in sorted(found.blockers, key=lambda one: (one.code, one.tier))
        ],
    }


def books(dossier: Dossier) -> dict[str, Fraction]:
    """Both sides of the law of conservation: design.md section 5, "Conservation".

    `earned` is over approved, billable, priced entries, and so is all else; `retained` is before releases, which bill
    as a fee. `by_fee` is what no entry bills, because its line bills by fee or milestone, or not at all.
    """
    found = assess(dossier)
    time = found.time
    counted = [entry for entry in dossier.entries if entry.approved and entry.amount is not None]
    ids = {entry.entry_id for entry in counted}
    waiting = sum((entry.time_amount or _ZERO for entry in (*time.outside, *time.unsaid)), _ZERO)
    return {
        "earned": sum((entry.amount or _ZERO for entry in counted), _ZERO),
        "invoiced": sum((dossier.invoiced_for("time", entry_id) for entry_id in ids), _ZERO),
        "adjustment": sum((one.amount for one in time.adjustments if one.entry and one.entry.entry_id in ids), _ZERO),
        "ready": _ZERO if found.stopped else found.ready_time,
        "blocked": waiting + (found.ready_time if found.stopped else _ZERO),
        "over_cap": sum(time.over, _ZERO),
        "retained": sum((one.amount for one in time.withheld), _ZERO),
        "written_off": time.written_off,
        "by_fee": sum((_by_fee(dossier, entry) for entry in counted), _ZERO),
    }


def _by_fee(dossier: Dossier, entry: Entry) -> Fraction:
    """The part of its amount that an entry does not bill itself."""
    billed = entry.method in {TIME_AND_MATERIALS, PREPAID} or dossier.invoiced_for("time", entry.entry_id) != 0
    return entry.drawn if billed else entry.amount or _ZERO


def _state(found: Assessment, ready: Fraction) -> str:
    tiers = {one.tier for one in found.blockers}
    if found.stopped:
        return "blocked"
    if found.waits:
        return "held"
    if ready <= 0:
        return "nothing_to_bill"
    return "ready_with_warnings" if WARNING in tiers else "ready"


def _withheld_fees(dossier: Dossier, earned: dict[str, Fraction]) -> list[Withheld]:
    """What is held back of what was earned by fee."""
    return [Withheld(one, None, share(dossier.terms, one, fee)) for one, fee in sorted(earned.items())]


def _lines(withheld: Sequence[Withheld]) -> list[str]:
    return sorted({one.line_id for one in withheld})


def _of(withheld: Sequence[Withheld], line_id: str) -> Fraction:
    return sum((one.amount for one in withheld if one.line_id == line_id), _ZERO)


def _kept(
    dossier: Dossier,
    line_id: str,
    earned: dict[str, Fraction],
    withheld: Sequence[Withheld],
    on_fees: Sequence[Withheld],
    free: dict[str, Fraction],
) -> Fraction:
    """What is still held back on a line: less what was released, and what was invoiced of that all the same.

    An invoice pays what is due first; only what it says beyond that was held back, of fees and of nothing else.
    """
    left = _of(withheld, line_id) - free.get(line_id, _ZERO)
    due = earned.get(line_id, _ZERO) - _of(on_fees, line_id) + free.get(line_id, _ZERO)
    beyond = invoiced_fees(dossier, line_id) - due
    return left - max(_ZERO, min(beyond, _of(on_fees, line_id), left))


def _open_fees(
    dossier: Dossier, earned: dict[str, Fraction], held: list[Withheld], free: dict[str, Fraction]
) -> Fraction:
    """What was earned by fee and what was released, less what is held back and what was invoiced as fees of the line.

    A line on which more was invoiced has nothing open; one on which more was credited has that.
    """
    lines = {*earned, *free, *dossier.named_lines} if dossier.terms else set()
    open_ = {one: earned.get(one, _ZERO) + free.get(one, _ZERO) for one in lines}
    for one in held:
        open_[one.line_id] -= one.amount
    return sum((max(_ZERO, amount - invoiced_fees(dossier, one)) for one, amount in open_.items()), _ZERO)


def _entry_blockers(dossier: Dossier, time: Settlement) -> Iterable[Blocker]:
    submitted = [entry for entry in dossier.entries if entry.submitted and entry.billable]
    completed = [
        one
        for one in billable_milestones(dossier)
        if one.completed(dossier.as_of) and dossier.invoiced_for("milestone", one.milestone_id) == 0
    ]
    unpriced = [entry for entry in dossier.entries if entry.approved and entry.billable and entry.amount is None]
    found: dict[str, list[Fraction | None]] = {
        "OUTSIDE_TERM": [
            *[entry.time_amount for entry in time.outside],
            *[one.amount for one in expenses_outside(dossier)],
        ],
        NARRATIVE_MISSING: [entry.time_amount for entry in time.unsaid],
        "TIME_NOT_APPROVED": [entry.amount for entry in submitted],
        "MILESTONE_NOT_ACCEPTED": [one.amount for one in completed],
        RATE_UNRESOLVED: [
            *[entry.amount for entry in unpriced if entry.unpriced == RATE_UNRESOLVED],
            *[None] * unpriced_months(dossier),
        ],
        CURRENCY_MISMATCH: [
            *[entry.amount for entry in unpriced if entry.unpriced == CURRENCY_MISMATCH],
            *[None] * (dossier.foreign_expenses + dossier.foreign_promises),
        ],
    }
    for code, amounts in found.items():
        if amounts:
            yield Blocker(code, BLOCKING, ENTRY, len(amounts), sum((amount or _ZERO for amount in amounts), _ZERO))


def _estimate_blockers(dossier: Dossier) -> Iterable[Blocker]:
    if count := unmeasured(dossier):
        yield Blocker("ESTIMATE_MISSING", BLOCKING, ENTRY, count, _ZERO)


def _flaws(dossier: Dossier) -> Iterable[Blocker]:
    """Terms that contradict themselves; those that stop the contract are with the others that do."""
    for code, tier, scope, count in contradictions(dossier):
        if (tier, scope) != (BLOCKING, CONTRACT):
            yield Blocker(code, tier, scope, count, _ZERO)


def _cap_blockers(time: Settlement) -> Iterable[Blocker]:
    for tier, amounts in ((BLOCKING, time.over), (WARNING, time.excess)):
        if amounts:
            yield Blocker("CAP_EXCEEDED", tier, ENTRY, len(amounts), sum(amounts, _ZERO))


def _contract_blockers(dossier: Dossier, total: Fraction) -> Iterable[Blocker]:
    """Each holds back everything that would be ready."""
    if dossier.terms is None:
        yield Blocker("CONTRACT_UNKNOWN", BLOCKING, CONTRACT, 1, total)
        return
    if dossier.status in {"pending", "suspended", "cancelled"}:
        yield Blocker("CONTRACT_NOT_ACTIVE", BLOCKING, CONTRACT, 1, total)
    order = dossier.terms.fields.get("purchase_order") or {}
    if order.get("required") and not order.get("number"):
        yield Blocker("PO_MISSING", BLOCKING, CONTRACT, 1, total)
    for code, tier, scope, count in contradictions(dossier):
        if (tier, scope) == (BLOCKING, CONTRACT):
            yield Blocker(code, tier, scope, count, total)
    if dossier.disputes:
        yield Blocker("DISPUTE_OPEN", BLOCKING, CONTRACT, dossier.disputes, total)
    if dossier.holds:
        yield Blocker("CLIENT_HOLD", HELD, CONTRACT, dossier.holds, total)
    for code, count in failed_of_contract(dossier, total):
        yield Blocker(code, tier_of(code, dossier.policies[code]), CONTRACT, count, total)


def _entry_checks(dossier: Dossier, time: Settlement) -> Iterable[Blocker]:
    """What is only pointed out: it holds nothing back."""
    for code, claims in failed_of_entries(dossier, time.ready):
        yield Blocker(code, WARNING, ENTRY, len(claims), sum((claim.amount for claim in claims), _ZERO))


def _receipt_check(dossier: Dossier) -> Iterable[Blocker]:
    """What was spent without a receipt: kept back where the policy blocks, else pointed out."""
    if RECEIPT_MISSING not in dossier.policies:
        return
    missing = [one for one in billable_expenses(dossier) if lacks_receipt(dossier, one)]
    if missing:
        tier = tier_of(RECEIPT_MISSING, dossier.policies[RECEIPT_MISSING])
        yield Blocker(RECEIPT_MISSING, tier, ENTRY, len(missing), sum((one.amount for one in missing), _ZERO))


def _not_due(dossier: Dossier, before: Assessment) -> Iterable[Blocker]:
    """The documents of months that are not due yet; it is all of the contract where the others come to nothing."""
    lines = ready_lines(dossier, before) if scheduled(dossier.terms) else ()
    later = [one for one in lines if not is_due(dossier.terms, one.month, dossier.as_of)]
    if later:
        amount = sum((one.amount for one in later), _ZERO)
        scope = CONTRACT if before.total <= amount else ENTRY
        yield Blocker(NOT_DUE, HELD, scope, len({(one.month, one.kind) for one in later}), amount)


def _budget_warnings(dossier: Dossier) -> Iterable[Blocker]:
    shares = contract_shares(dossier)
    if any(share > 1 for share in shares):
        yield Blocker("BUDGET_EXCEEDED", WARNING, CONTRACT, 1, _ZERO)
    elif any(share >= Fraction(9, 10) for share in shares):
        yield Blocker("BUDGET_NEARLY_EXHAUSTED", WARNING, CONTRACT, 1, _ZERO)


def _adjustment_warning(dossier: Dossier, time: Settlement) -> Iterable[Blocker]:
    differences = [amount for amount in _differences(dossier, time) if amount != 0]
    if differences:
        yield Blocker("ADJUSTMENT_NEEDED", WARNING, ENTRY, len(differences), sum(differences, _ZERO))


def _differences(dossier: Dossier, time: Settlement) -> list[Fraction]:
    """What is to be billed or given back for all that is on invoices."""
    return [*(one.amount for one in time.adjustments), *(one.amount for one in amends(dossier))]
