"""What a policy demands before work is billed: docs/readiness.md, "Checks that a policy turns on"; domain.md 2.8.

What is kept back for want of one is not to be billed at all, so it uses no cap and nothing of it is retained. With a
warning it is only pointed out.
"""

from __future__ import annotations

from .dossier import Dossier, Expense
from .entities import Fields
from .numbers import number
from .work import Work

BLOCKING = "blocking"
NARRATIVE_MISSING, RECEIPT_MISSING = "NARRATIVE_MISSING", "RECEIPT_MISSING"


def lacks_narrative(work: Work) -> bool:
    """Whether nothing, or only blanks, says what was done."""
    return _is_blank(work.fields.get("narrative"))


def kept_for_narrative(dossier: Dossier, work: Work) -> bool:
    """Whether an entry that could be billed is not, until it says what was done."""
    return _action(dossier, NARRATIVE_MISSING) == BLOCKING and lacks_narrative(work)


def lacks_receipt(dossier: Dossier, expense: Expense) -> bool:
    """Whether more was spent than the policy lets pass without a receipt, and there is none: before any mark-up."""
    limit = number(_policy(dossier, RECEIPT_MISSING).get("limit"))
    return _is_blank(expense.receipt) and expense.spent > limit


def kept_for_receipt(dossier: Dossier, expense: Expense) -> bool:
    """Whether an expense that could be billed is not, until there is a receipt."""
    return _action(dossier, RECEIPT_MISSING) == BLOCKING and lacks_receipt(dossier, expense)


def _is_blank(text: str | None) -> bool:
    return not (text or "").strip()


def _policy(dossier: Dossier, code: str) -> Fields:
    return dossier.policies.get(code, {})


def _action(dossier: Dossier, code: str) -> str | None:
    return _policy(dossier, code).get("action")
