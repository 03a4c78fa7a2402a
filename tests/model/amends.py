"""What expenses and milestones on invoices hold now less what was invoiced: design.md section 5, "Invoices"; R49.

Fees are not here: they are billed on account, so what was invoiced too much is taken off what is earned next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from .dossier import Dossier, Milestone
from .retainage import kept_of, share
from .terms import terms_on

_ZERO = Fraction(0)


@dataclass(frozen=True)
class Amends:
    """What is to be billed or given back for an expense or a milestone (`kind`) on an invoice; never 0."""

    kind: str
    item_id: str
    amount: Fraction


def amends(dossier: Dossier) -> list[Amends]:
    """By kind and id."""
    return [one for one in [*_of_expenses(dossier), *_of_milestones(dossier)] if one.amount != 0]


def _of_expenses(dossier: Dossier) -> Iterator[Amends]:
    """Of every expense that ever named this contract. One of a later day holds nothing yet, one that left nothing."""
    here = {one.expense_id: one for one in dossier.expenses}
    for expense_id in sorted(dossier.named_expenses - dossier.open_expenses):
        invoiced = dossier.invoiced_for("expense", expense_id)
        one = here.get(expense_id)
        holds = one.amount if one is not None and one.billable else _ZERO
        if one is not None and one.billable and one.keeps:
            holds = invoiced
        if invoiced != 0:
            yield Amends("expense", expense_id, holds - invoiced)


def _of_milestones(dossier: Dossier) -> Iterator[Amends]:
    """A rejected or cancelled one holds nothing, an accepted one its amount but for what is held back of it.

    What was invoiced before anybody accepted it waits for that.
    """
    for one in dossier.milestones:
        invoiced = dossier.invoiced_for("milestone", one.milestone_id)
        unbillable = dossier.terms is not None and dossier.terms.method(one.line_id) == "non_billable"
        if invoiced == 0 or unbillable:
            continue
        if one.status in {"rejected", "cancelled"}:
            yield Amends("milestone", one.milestone_id, -invoiced)
        elif _stands(dossier, one) and not _keeps(dossier, one):
            missing = one.amount - invoiced
            held = kept_of(missing, share(one.terms, one.line_id, one.amount))
            yield Amends("milestone", one.milestone_id, missing - held)


def _stands(dossier: Dossier, one: Milestone) -> bool:
    return dossier.terms is not None and one.accepted(dossier.as_of)


def _keeps(dossier: Dossier, one: Milestone) -> bool:
    """Whether by the terms of its acceptance what was invoiced stands."""
    then = terms_on(dossier.versions, one.since or date.min)
    return then is not None and then.fields.get("retro_policy") == "prospective_only"
