"""What is earned and held back: design.md section 5, "Conservation", and R24."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from .caps import Claim
from .dossier import Dossier
from .entities import Fields
from .numbers import number
from .pricing import Entry
from .terms import Terms

_ZERO = Fraction(0)


@dataclass(frozen=True)
class Withheld:
    """An amount held back on a line. Without a day it was held back before every release."""

    line_id: str
    day: date | None
    amount: Fraction


def share(terms: Terms | None, line_id: str | None, amount: Fraction) -> Fraction:
    """What the line's ratio holds back of `amount`, rounded once."""
    return terms.rounded(amount * number(terms.line(line_id).get("retainage_ratio"))) if terms else _ZERO


def kept_of(missing: Fraction, whole: Fraction) -> Fraction:
    """How much of what is missing on an invoice is retainage: at most `whole`, nothing if too much was invoiced.

    So it makes no difference whether an invoice says what was earned or what was to be paid.
    """
    return max(_ZERO, min(missing, whole)) if whole >= 0 else min(_ZERO, max(missing, whole))


def withheld_of(claim: Claim) -> Withheld:
    """What is held back of an entry that is ready."""
    entry = claim.entry
    return Withheld(entry.line_id or "", entry.day, share(entry.terms, entry.line_id, claim.amount))


def withheld_on_invoice(entry: Entry, missing: Fraction) -> Withheld:
    """What of the amount that is missing on an entry's invoice was held back there."""
    kept = kept_of(missing, share(entry.terms, entry.line_id, entry.time_amount or _ZERO))
    return Withheld(entry.line_id or "", entry.day, kept)


@dataclass(frozen=True)
class Release:
    """What one release gave back on a line."""

    line_id: str
    month: str
    amount: Fraction


def by_line(releases: Sequence[Release]) -> dict[str, Fraction]:
    """What has been released of each line."""
    free: dict[str, Fraction] = {}
    for one in releases:
        free[one.line_id] = free.get(one.line_id, _ZERO) + one.amount
    return free


def released(dossier: Dossier, withheld: Sequence[Withheld]) -> list[Release]:
    """What has been released: in order of day and id, each on the balance from before its day."""
    done: dict[str, Fraction] = {}
    found = []
    due = [one for one in dossier.releases if one["on"] <= dossier.as_of.isoformat()]
    for release in sorted(due, key=lambda one: (one["on"], one["release_id"])):
        left = number(release.get("amount"))
        for line_id in _lines(dossier, release, withheld):
            balance = max(_ZERO, _held(withheld, line_id, release["on"]) - done.get(line_id, _ZERO))
            part = _part(dossier.terms, release, balance, left)
            left -= part
            done[line_id] = done.get(line_id, _ZERO) + part
            found.append(Release(line_id, release["on"][:7], part))
    return [one for one in found if one.amount != 0]


def _lines(dossier: Dossier, release: Fields, withheld: Sequence[Withheld]) -> list[str]:
    """The line a release names, else the only one, else all that have something held back."""
    line_id = dossier.terms.line_of(release.get("line_id")) if dossier.terms else release.get("line_id")
    return [line_id] if line_id is not None else sorted({one.line_id for one in withheld})


def _held(withheld: Sequence[Withheld], line_id: str, before: str) -> Fraction:
    return sum(
        (
            one.amount
            for one in withheld
            if one.line_id == line_id and (one.day is None or one.day.isoformat() < before)
        ),
        _ZERO,
    )


def _part(terms: Terms | None, release: Fields, balance: Fraction, left: Fraction) -> Fraction:
    if release.get("ratio") is None:
        return min(left, balance)
    return min(terms.rounded(balance * number(release["ratio"])), balance) if terms else _ZERO
