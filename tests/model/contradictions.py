"""Terms that cannot be meant as they stand: what of them must be pointed out, and to whom it is left to mend them.

Issue text "Contradictory or impossible terms"; domain.md R13 and R23. A record that contradicts itself is refused when
it is read; here is what only shows when several of them meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from fractions import Fraction
from typing import Any

from .dossier import Dossier
from .entities import Fields, happened
from .numbers import exponent, half_away, number
from .terms import Terms, terms_on

BLOCKING, WARNING, INFO = "blocking", "warning", "info"
ENTRY, CONTRACT = "entry", "contract"
_TIERS = {
    "CURRENCY_CHANGED": (BLOCKING, CONTRACT),
    "FEE_MISSING": (BLOCKING, ENTRY),
    "CAP_BELOW_ZERO": (WARNING, CONTRACT),
    "TERM_REVERSED": (WARNING, CONTRACT),
    "PAYERS_INCOMPLETE": (WARNING, CONTRACT),
    "MILESTONES_NOT_FEE": (WARNING, CONTRACT),
    "BUDGET_BELOW_ZERO": (INFO, CONTRACT),
    "AMENDMENT_AFTER_END": (INFO, CONTRACT),
}


def contradictions(dossier: Dossier) -> Iterator[tuple[str, str, str, int]]:
    """(code, tier, scope, how many lines or amendments) of everything that contradicts itself as of today."""
    if dossier.terms is None:
        return
    terms, lines = dossier.terms, list(dossier.terms.lines.values())
    counts = {
        "CURRENCY_CHANGED": int(len(_currencies(dossier)) > 1),
        "FEE_MISSING": sum(map(_lacks_fee, lines)),
        "CAP_BELOW_ZERO": sum(_negative(line.get("cap")) for line in lines),
        "BUDGET_BELOW_ZERO": sum(_negative(line.get("budget")) for line in lines),
        "TERM_REVERSED": int(_reversed(terms)),
        "PAYERS_INCOMPLETE": int(_incomplete(terms.fields.get("payers") or [])),
        "MILESTONES_NOT_FEE": sum(_other_than_fee(dossier, terms, one) for one in terms.lines),
        "AMENDMENT_AFTER_END": sum(1 for _ in _too_late(dossier)),
    }
    for code, count in counts.items():
        if count:
            yield (code, *_TIERS[code], count)


def payers(dossier: Dossier, ready: Fraction) -> list[dict[str, Any]]:
    """What of the ready amount each payer has: whole units of his share, the units left to the largest remainders."""
    said = (dossier.terms.fields.get("payers") or []) if dossier.terms else []
    shares = [number(one["ratio"]) for one in said]
    if not sum(shares):
        return []
    places = exponent(dossier.currency)
    units = abs(half_away(ready, places)) * 10**places
    exact = [units * share / sum(shares) for share in shares]
    whole = [int(part) for part in exact]
    left = int(units) - sum(whole)
    for place in sorted(range(len(exact)), key=lambda one: (whole[one] - exact[one], one))[:left]:
        whole[place] += 1
    sign = -1 if ready < 0 else 1
    return [
        {"client_id": one["client_id"], "amount": Fraction(sign * part, 10**places)}
        for one, part in zip(said, whole, strict=True)
    ]


def _negative(limit: Fields | None) -> bool:
    return any(number((limit or {}).get(name)) < 0 for name in ("minutes", "amount"))


def _lacks_fee(line: Fields) -> bool:
    """Whether the line bills by a fee that nobody named, or for minutes that nobody named."""
    method = line.get("billing_method")
    if method == "percent_complete":
        return line.get("fee") is None
    if method == "retainer":
        return (line.get("retainer") or {}).get("fee") is None
    block = line.get("prepaid") or {}
    return method == "prepaid" and (block.get("fee") is None or not block.get("minutes"))


def _reversed(terms: Terms) -> bool:
    """A term that ends before it begins; one that was cancelled before it began did end."""
    term = terms.fields.get("term") or {}
    start, end = term.get("from"), term.get("to")
    return bool(start and end and end < start) and terms.standing != "cancelled"


def _incomplete(said: list[Fields]) -> bool:
    """Payers who do not pay all of it, or more, by more than the sixth decimal of each; or one who is named twice."""
    if not said:
        return False
    gap = abs(sum((number(one["ratio"]) for one in said), Fraction(0)) - 1)
    return gap >= Fraction(len(said), 10**6) or len({one["client_id"] for one in said}) < len(said)


def _other_than_fee(dossier: Dossier, terms: Terms, line_id: str) -> bool:
    line = terms.line(line_id)
    if line.get("billing_method") != "milestone" or line.get("fee") is None:
        return False
    planned = [one.agreed for one in dossier.milestones if one.line_id == line_id and one.status != "cancelled"]
    return sum(planned, Fraction(0)) != number(line["fee"])


def _too_late(dossier: Dossier) -> Iterable[str]:
    """Amendments that take effect when the term is over, by what they say themselves; but for the one that ends it."""
    for event in dossier.versions:
        data = event["data"]
        if happened(event) == "amended" and data["kind"] != "cancellation":
            holding = terms_on(dossier.versions, date.fromisoformat(data["effective_from"]))
            end = (holding.fields.get("term") or {}).get("to") if holding else None
            if end and data["effective_from"] > end:
                yield data["amendment_id"]


def _currencies(dossier: Dossier) -> set[str | None]:
    """Those of the terms of every day up to today on which they change, and of today; before them, of days of work."""
    days = {date.fromisoformat(event["data"]["effective_from"]) for event in dossier.versions}
    worked = [entry.day for entry in dossier.entries if entry.status != "void"]
    early = {day for day in [*worked, *(one.day for one in dossier.expenses)] if day < min(days)}
    held = [terms_on(dossier.versions, day) for day in {*days, *early, dossier.as_of} if day <= dossier.as_of]
    return {terms.currency for terms in held if terms is not None}
