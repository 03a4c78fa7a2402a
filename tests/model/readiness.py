"""Billing readiness of a contract: design.md section 5, "Readiness", "Cap", "Invoices"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .burn import contract_shares
from .dossier import Dossier, Milestone
from .entities import Fields
from .numbers import exponent, fixed, half_away, number
from .pricing import CURRENCY_MISMATCH, RATE_UNRESOLVED, Entry
from .terms import TIME_AND_MATERIALS

BLOCKING, WARNING = "blocking", "warning"
ENTRY, CONTRACT = "entry", "contract"
_ZERO = Fraction(0)


@dataclass(frozen=True)
class Blocker:
    """What stands in the way. `amount` is what it holds back, or 0 where that has no price."""

    code: str
    tier: str
    scope: str
    count: int
    amount: Fraction


@dataclass(frozen=True)
class Passed:
    """What a cap let through of the entries offered to it, and what it did not.

    `over` is refused; `excess` passed all the same, under a cap that only warns.
    """

    amount: Fraction
    minutes: int
    entries: int
    over: tuple[Fraction, ...]
    excess: tuple[Fraction, ...]


def readiness_row(dossier: Dossier) -> dict[str, Any]:
    """The payload of `readiness.updated`, its blockers by code, tier, scope, count and amount only."""
    inside, outside = _uninvoiced_time(dossier)
    passed = _capped(dossier, inside)
    milestones = sum((one.amount for one in _ready_milestones(dossier)), _ZERO)
    expenses = _ready_expenses(dossier)
    found = [
        *_entry_blockers(dossier, outside),
        *_cap_blockers(passed),
        *_budget_warnings(dossier),
        *_adjustment_warning(dossier),
    ]
    total = passed.amount + milestones + expenses
    found += _contract_blockers(dossier, total)
    stopped = any(one.scope == CONTRACT and one.tier == BLOCKING for one in found)
    held = [one.amount for one in found if one.code in {"OUTSIDE_TERM", "TIME_NOT_APPROVED", "MILESTONE_NOT_ACCEPTED"}]
    amounts = {
        "ready_amount": _ZERO if stopped else total,
        "ready_time_amount": _ZERO if stopped else passed.amount,
        "ready_milestone_amount": _ZERO if stopped else milestones,
        "ready_expense_amount": _ZERO if stopped else expenses,
        "ready_fee_amount": _ZERO,
        "blocked_amount": sum(held, total if stopped else _ZERO),
        "over_cap_amount": sum(passed.over, _ZERO),
        "invoiced_amount": dossier.invoiced_total,
        "adjustment_amount": sum(_adjustments(dossier), _ZERO),
        "retained_amount": _ZERO,
    }
    places = exponent(dossier.currency)
    return {
        "contract_id": dossier.contract_id,
        "as_of": dossier.as_of.isoformat(),
        "state": _state(stopped, amounts["ready_amount"], found),
        **{name: fixed(amount, places) for name, amount in amounts.items()},
        "ready_minutes": 0 if stopped else passed.minutes,
        "ready_entries": 0 if stopped else passed.entries,
        "blockers": [
            {**vars(one), "amount": fixed(one.amount, places)}
            for one in sorted(found, key=lambda one: (one.code, one.tier))
        ],
    }


def _state(stopped: bool, ready: Fraction, blockers: Sequence[Blocker]) -> str:
    if stopped:
        return "blocked"
    if ready <= 0:
        return "nothing_to_bill"
    return "ready_with_warnings" if any(one.tier == WARNING for one in blockers) else "ready"


def _uninvoiced_time(dossier: Dossier) -> tuple[list[Entry], list[Entry]]:
    """Approved, billable, priced entries nothing is invoiced for, on time and materials: inside the term, outside."""
    candidates = [
        entry
        for entry in dossier.entries
        if entry.approved
        and entry.amount is not None
        and entry.method == TIME_AND_MATERIALS
        and dossier.invoiced_for("time", entry.entry_id) == 0
    ]
    if dossier.terms is None:
        return candidates, []
    inside = [entry for entry in candidates if dossier.terms.covers(entry.day)]
    return inside, [entry for entry in candidates if entry not in inside]


def _capped(dossier: Dossier, entries: Sequence[Entry]) -> Passed:
    """What the caps of the lines let through."""
    lines = sorted({entry.line_id or "" for entry in entries})
    parts = [_through(dossier, line_id, [e for e in entries if (e.line_id or "") == line_id]) for line_id in lines]
    return Passed(
        amount=sum((part.amount for part in parts), _ZERO),
        minutes=sum(part.minutes for part in parts),
        entries=sum(part.entries for part in parts),
        over=tuple(amount for part in parts for amount in part.over),
        excess=tuple(amount for part in parts for amount in part.excess),
    )


class _Room:
    """What is left under a line's cap, in money and minutes; a dimension without a cap has room for everything."""

    def __init__(self, dossier: Dossier, line_id: str, cap: Fields) -> None:
        invoiced = [
            (entry, dossier.invoiced_for("time", entry.entry_id))
            for entry in dossier.entries
            if (entry.line_id or "") == line_id
        ]
        amount = sum((amount for _, amount in invoiced), _ZERO)
        minutes = sum(entry.billable_minutes for entry, amount in invoiced if amount != 0)
        self.amount = None if cap.get("amount") is None else max(_ZERO, number(cap["amount"]) - amount)
        self.minutes = None if cap.get("minutes") is None else max(0, int(number(cap["minutes"])) - minutes)

    def fits(self, entry: Entry, places: int) -> tuple[Fraction, int]:
        """The amount and minutes of `entry` that fit: minutes first, its amount pro rata, then the money."""
        amount, minutes = entry.amount or _ZERO, entry.billable_minutes
        if amount <= 0 and minutes <= 0:
            return amount, minutes
        if self.minutes is not None and minutes > self.minutes:
            amount = half_away(amount * self.minutes / minutes, places)
            minutes = self.minutes
        if self.amount is not None and amount > self.amount:
            amount = self.amount
        return amount, minutes

    def take(self, amount: Fraction, minutes: int) -> None:
        """Use room, or give it back with negative figures."""
        if self.amount is not None:
            self.amount -= amount
        if self.minutes is not None:
            self.minutes -= minutes


def _through(dossier: Dossier, line_id: str, entries: Sequence[Entry]) -> Passed:
    """One line's entries in (work date, id) order against its cap as of today."""
    cap = (dossier.terms.line(line_id).get("cap") or {}) if dossier.terms else {}
    mode = cap.get("on_exceed") or "block"
    room = _Room(dossier, line_id, cap)
    taken: list[tuple[Fraction, int]] = []
    over: list[Fraction] = []
    excess: list[Fraction] = []
    for entry in sorted(entries, key=lambda one: (one.day, one.entry_id)):
        whole = (entry.amount or _ZERO, entry.billable_minutes)
        part = room.fits(entry, exponent(dossier.currency))
        if part == whole:
            taken.append(whole)
            room.take(*whole)
            continue
        if mode == "warn":
            taken.append(whole)
            excess.append(whole[0] - part[0])
            room.take(*part)
            continue
        if mode == "split" and (part[0] > 0 or (whole[0] == 0 and part[1] > 0)):
            taken.append(part)
            room.take(*part)
        else:
            part = (_ZERO, 0)
        over.append(whole[0] - part[0])
    return Passed(
        amount=sum((amount for amount, _ in taken), _ZERO),
        minutes=sum(minutes for _, minutes in taken),
        entries=len(taken),
        over=tuple(over),
        excess=tuple(excess),
    )


def _billable_milestones(dossier: Dossier) -> list[Milestone]:
    """Uninvoiced, on any line but a non-billable one."""
    return [
        one
        for one in dossier.milestones
        if (dossier.terms is None or dossier.terms.method(one.line_id) != "non_billable")
        and dossier.invoiced_for("milestone", one.milestone_id) == 0
    ]


def _ready_milestones(dossier: Dossier) -> list[Milestone]:
    return [
        one
        for one in _billable_milestones(dossier)
        if one.status == "accepted" and (one.accepted_on is None or one.accepted_on <= dossier.as_of)
    ]


def _ready_expenses(dossier: Dossier) -> Fraction:
    ready = [
        one.amount
        for one in dossier.expenses
        if one.billable
        and (dossier.terms is None or dossier.terms.covers(one.day))
        and dossier.invoiced_for("expense", one.expense_id) == 0
    ]
    return sum(ready, _ZERO)


def _adjustments(dossier: Dossier) -> list[Fraction]:
    """What holds now less what was invoiced, for every entry on a live invoice that ever named this contract.

    An entry submitted again, or without a price, has its blocker instead.
    """
    here = {entry.entry_id: entry for entry in dossier.entries}
    differences = []
    for entry_id in sorted(dossier.named_entries):
        invoiced = dossier.invoiced_for("time", entry_id)
        if invoiced == 0:
            continue
        holding = _holding(here.get(entry_id))
        if holding is not None:
            differences.append(holding - invoiced)
    return differences


def _holding(entry: Entry | None) -> Fraction | None:
    """What an entry is worth to an invoice now: 0 once it is void, gone or non-billable; None while it is open."""
    if entry is None or entry.status == "void":
        return _ZERO
    if entry.submitted:
        return None
    return entry.amount if entry.billable else _ZERO


def _entry_blockers(dossier: Dossier, outside: Sequence[Entry]) -> Iterable[Blocker]:
    submitted = [entry for entry in dossier.entries if entry.submitted and entry.billable]
    completed = [one for one in _billable_milestones(dossier) if one.status == "completed"]
    unpriced = [entry for entry in dossier.entries if entry.approved and entry.billable and entry.amount is None]
    found: dict[str, list[Fraction | None]] = {
        "OUTSIDE_TERM": [entry.amount for entry in outside],
        "TIME_NOT_APPROVED": [entry.amount for entry in submitted],
        "MILESTONE_NOT_ACCEPTED": [one.amount for one in completed],
        RATE_UNRESOLVED: [entry.amount for entry in unpriced if entry.unpriced == RATE_UNRESOLVED],
        CURRENCY_MISMATCH: [
            *[entry.amount for entry in unpriced if entry.unpriced == CURRENCY_MISMATCH],
            *[None] * dossier.foreign_expenses,
        ],
    }
    for code, amounts in found.items():
        if amounts:
            yield Blocker(code, BLOCKING, ENTRY, len(amounts), sum((amount or _ZERO for amount in amounts), _ZERO))


def _cap_blockers(passed: Passed) -> Iterable[Blocker]:
    for tier, amounts in ((BLOCKING, passed.over), (WARNING, passed.excess)):
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


def _budget_warnings(dossier: Dossier) -> Iterable[Blocker]:
    shares = contract_shares(dossier)
    if any(share > 1 for share in shares):
        yield Blocker("BUDGET_EXCEEDED", WARNING, CONTRACT, 1, _ZERO)
    elif any(share >= Fraction(9, 10) for share in shares):
        yield Blocker("BUDGET_NEARLY_EXHAUSTED", WARNING, CONTRACT, 1, _ZERO)


def _adjustment_warning(dossier: Dossier) -> Iterable[Blocker]:
    differences = [difference for difference in _adjustments(dossier) if difference != 0]
    if differences:
        yield Blocker("ADJUSTMENT_NEEDED", WARNING, ENTRY, len(differences), sum(differences, _ZERO))
