"""Where every approved hour stands between work and money: ready, held back, written off or on an invoice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from .allotments import PREPAID
from .caps import Claim, capped
from .dossier import Dossier
from .numbers import number
from .papers import kept_for_narrative
from .pricing import Entry
from .retainage import Withheld, withheld_of, withheld_on_invoice
from .terms import TIME_AND_MATERIALS

_ZERO = Fraction(0)


@dataclass(frozen=True)
class Adjustment:
    """What is to be billed or given back for an entry on an invoice. `entry` is None where it left the contract."""

    entry_id: str
    entry: Entry | None
    amount: Fraction


@dataclass(frozen=True)
class Settlement:
    """The time of a contract. `over` was refused by a cap, `excess` passed one that only warns; `unsaid` is kept back
    for want of a narrative.
    """

    ready: tuple[Claim, ...]
    outside: tuple[Entry, ...]
    unsaid: tuple[Entry, ...]
    over: tuple[Fraction, ...]
    excess: tuple[Fraction, ...]
    adjustments: tuple[Adjustment, ...]
    withheld: tuple[Withheld, ...]
    written_off: Fraction


def settle(dossier: Dossier) -> Settlement:
    """Candidates without what was written off, inside the term, with what a policy demands, under their cap, less what
    is held back.

    What is written off, as entries or as a sum, uses no cap; nor does what lacks a narrative, and no sum takes of it.
    """
    gone = {entry_id for one in dossier.writeoffs for entry_id in one.get("entry_ids") or []}
    candidates = _candidates(dossier)
    open_ = [entry for entry in candidates if entry.entry_id not in gone]
    inside = [entry for entry in open_ if dossier.terms is None or dossier.terms.covers(entry.day)]
    unsaid = [entry for entry in inside if kept_for_narrative(dossier, entry)]
    adjustments, kept = _on_invoices(dossier)
    said = [entry for entry in inside if entry not in unsaid]
    left, adjustments, written = _written_off(dossier, said, adjustments)
    passed = capped(dossier, left)
    claims = passed.claims
    withheld = [withheld_of(claim) for claim in claims]
    return Settlement(
        ready=tuple(
            replace(claim, amount=claim.amount - one.amount) for claim, one in zip(claims, withheld, strict=True)
        ),
        outside=tuple(entry for entry in open_ if entry not in inside),
        unsaid=tuple(unsaid),
        over=passed.over,
        excess=passed.excess,
        adjustments=tuple(adjustments),
        withheld=(*withheld, *kept),
        written_off=written + sum((e.time_amount or _ZERO for e in candidates if e.entry_id in gone), _ZERO),
    )


def _candidates(dossier: Dossier) -> list[Entry]:
    """Approved, billable, priced entries nothing is invoiced for, that bill as time; of a block what goes beyond it."""
    return [
        entry
        for entry in dossier.entries
        if entry.approved
        and entry.time_amount is not None
        and (entry.method == TIME_AND_MATERIALS or (entry.method == PREPAID and entry.time_minutes != 0))
        and not dossier.billed("time", entry.entry_id, entry.time_amount)
    ]


def _on_invoices(dossier: Dossier) -> tuple[list[Adjustment], list[Withheld]]:
    """What holds now less what was invoiced, for every entry on a live invoice that ever named this contract; apart
    from that what was held back there.

    An entry submitted again, or without a price, has its blocker instead.
    """
    here = {entry.entry_id: entry for entry in dossier.entries}
    adjustments, kept = [], []
    for entry_id in sorted(dossier.named_entries):
        invoiced = dossier.invoiced_for("time", entry_id)
        entry = here.get(entry_id)
        holding = _holding(entry)
        if invoiced == 0 or holding is None:
            continue
        amount = holding - invoiced
        if entry is not None and entry.approved and entry.billable:
            kept.append(withheld_on_invoice(entry, amount))
            amount -= kept[-1].amount
        adjustments.append(Adjustment(entry_id, entry, amount))
    return adjustments, kept


def _holding(entry: Entry | None) -> Fraction | None:
    """What an entry is worth to an invoice now: 0 once it is void, gone or non-billable; None while it is open."""
    if entry is None or entry.status == "void":
        return _ZERO
    if entry.submitted:
        return None
    return entry.time_amount if entry.billable else _ZERO


def _written_off(
    dossier: Dossier, entries: Sequence[Entry], adjustments: Sequence[Adjustment]
) -> tuple[list[Entry], list[Adjustment], Fraction]:
    """Take the sums written off from what is still to be billed, the oldest entries first.

    An entry billed in part is still missing something on its invoice; that is written off with it, not with the next.
    """
    sums = [number(one.get("amount")) for one in dossier.writeoffs if not one.get("entry_ids")]
    left = sum(sums, _ZERO)
    taken: dict[str, Fraction] = {}
    billable = [(entry, entry.time_amount or _ZERO) for entry in entries]
    billable += [
        (one.entry, one.amount) for one in adjustments if one.entry and one.entry.approved and one.entry.billable
    ]
    for entry, amount in sorted(billable, key=lambda pair: (pair[0].day, pair[0].entry_id)):
        taken[entry.entry_id] = max(_ZERO, min(amount, left))
        left -= taken[entry.entry_id]
    reduced = [replace(entry, time_amount=(entry.time_amount or _ZERO) - taken[entry.entry_id]) for entry in entries]
    return (
        [entry for entry in reduced if entry.time_amount != 0 or taken[entry.entry_id] == 0],
        [
            replace(one, amount=one.amount - taken.get(one.entry.entry_id, _ZERO)) if one.entry else one
            for one in adjustments
        ],
        sum(taken.values(), _ZERO),
    )
