"""A retainer month by month: design.md section 5, "Retainer"."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from .dossier import Dossier
from .entities import Fields
from .numbers import half_away, half_even, number
from .terms import Terms, terms_on

RETAINER = "retainer"
_NOTHING = Fraction(0)


@dataclass
class Lot:
    """Unused minutes of one month; `last` is the last month they can be used in, None for ever. Months are counted."""

    minutes: int
    last: int | None

    def usable(self, month: int) -> bool:
        return self.last is None or month <= self.last


@dataclass(frozen=True)
class Month:
    """A calendar month with the days inside the term, and the terms of the first of them."""

    first: date
    last: date
    terms: Terms

    @property
    def number(self) -> int:
        return self.first.year * 12 + self.first.month

    def prorated(self, whole: Fraction) -> Fraction:
        """The part of `whole` for the days inside the term, exact."""
        days = calendar.monthrange(self.first.year, self.first.month)[1]
        return whole * ((self.last - self.first).days + 1) / days


def retained_months(dossier: Dossier) -> dict[str, dict[int, Fraction]]:
    """Fees and overages of every month up to as-of, by line and number of the month (year × 12 + month)."""
    return {line_id: earned for line_id, (earned, _) in _by_line(dossier).items()}


def unpriced_months(dossier: Dossier) -> int:
    """Months with work beyond what was agreed, which nobody named a rate for."""
    return sum(count for _, count in _by_line(dossier).values())


def _by_line(dossier: Dossier) -> dict[str, tuple[dict[int, Fraction], int]]:
    months = _months(dossier)
    lines = sorted({line_id for month in months for line_id in month.terms.lines if _agreed(month, line_id)})
    return {line_id: _earned(dossier, line_id, months) for line_id in lines}


def _months(dossier: Dossier) -> list[Month]:
    """The months that have begun by as-of inside the term of today; none without a start."""
    term = dossier.terms.fields.get("term") or {} if dossier.terms else {}
    if not term.get("from"):
        return []
    first, end = date.fromisoformat(term["from"]), date.fromisoformat(term.get("to") or "9999-12-31")
    months = []
    while first <= min(end, dossier.as_of):
        last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
        terms = terms_on(dossier.versions, first)
        assert terms is not None, "a contract with terms today has terms on every day"
        months.append(Month(first, min(last, end), terms))
        first = last + timedelta(days=1)
    return months


def _agreed(month: Month, line_id: str) -> Fields | None:
    """The retainer of the line in that month, if it is one."""
    if line_id not in month.terms.lines or month.terms.method(line_id) != RETAINER:
        return None
    return month.terms.line(line_id).get("retainer") or None


def _earned(dossier: Dossier, line_id: str, months: list[Month]) -> tuple[dict[int, Fraction], int]:
    """What the line earned by month, and in how many months something has no price."""
    used = _used(dossier, line_id)
    lots: list[Lot] = []
    earned: dict[int, Fraction] = {}
    unpriced = 0
    for month in months:
        lots = [lot for lot in lots if lot.usable(month.number)]
        retainer = _agreed(month, line_id)
        if retainer is None:
            continue
        over = _draw(lots, month, retainer, max(0, used.get(month.number, 0)))
        fee = month.terms.rounded(month.prorated(number(retainer.get("fee"))))
        earned[month.number] = fee + month.terms.rounded(over * number(retainer.get("overage_rate")) / 60)
        unpriced += over > 0 and retainer.get("overage_rate") is None
    return earned, unpriced


def _used(dossier: Dossier, line_id: str) -> Mapping[int, int]:
    """Approved billable minutes worked on the retainer inside the term, by month."""
    used: dict[int, int] = {}
    for entry in dossier.entries:
        counts = entry.approved and entry.billable and entry.method == RETAINER and entry.line_id == line_id
        if counts and dossier.terms is not None and dossier.terms.covers(entry.day):
            month = entry.day.year * 12 + entry.day.month
            used[month] = used.get(month, 0) + entry.billable_minutes
    return used


def _draw(lots: list[Lot], month: Month, retainer: Fields, used: int) -> int:
    """Use the oldest lots, then the month's own minutes, and roll over what is left of those. Returns the overage."""
    for lot in lots:
        taken = min(lot.minutes, used)
        lot.minutes -= taken
        used -= taken
    even = (month.terms.fields.get("rounding") or {}).get("mode") == "half_even"
    granted = int((half_even if even else half_away)(month.prorated(number(retainer.get("minutes"))), 0))
    rolled = _rolled(lots, month, retainer, max(0, granted - used))
    if rolled:
        expiry = retainer.get("expiry_periods")
        lots.append(Lot(rolled, None if expiry is None else month.number + int(expiry)))
    return max(0, used - granted)


def _rolled(lots: list[Lot], month: Month, retainer: Fields, unused: int) -> int:
    """What of the month's unused minutes goes on. A cap is on all that is carried: older minutes keep their room."""
    rollover = retainer.get("rollover") or "none"
    if rollover == "capped":
        carried = sum(lot.minutes for lot in lots if lot.usable(month.number + 1))
        return min(unused, max(0, int(retainer.get("cap_minutes") or 0) - carried))
    return unused if rollover == "all" else 0
