"""When what is ready is due: docs/readiness.md, "What is ready and not due"; domain.md 2.8.

Billing periods are months. The terms of as-of say on which day each is due; where they say nothing it always is.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

from .entities import Fields
from .terms import Terms

_QUARTERS = {1, 4, 7, 10}


def scheduled(terms: Terms | None) -> bool:
    """Whether anything is agreed."""
    return bool(_agreed(terms))


def due_on(terms: Terms | None, month: str) -> date | None:
    """The day from which on a month is to be billed; None where nothing is agreed, or no date for it."""
    agreed = _agreed(terms)
    every = agreed.get("every") or ("on_dates" if agreed.get("dates") else "month")
    if not agreed:
        return None
    if every == "on_dates":
        dates = [date.fromisoformat(one) for one in agreed.get("dates") or []]
        day = min((one for one in dates if one >= _last_of(month)), default=None)
    else:
        billed = _after(month)
        while every == "quarter" and int(billed[5:]) not in _QUARTERS:
            billed = _after(billed)
        last = _last_of(billed)
        day = last.replace(day=min(agreed.get("day") or 1, last.day))
    return None if day is None else day + timedelta(days=agreed.get("grace_days") or 0)


def is_due(terms: Terms | None, month: str, as_of: date) -> bool:
    """Whether a month may be billed on a day."""
    day = due_on(terms, month)
    return not scheduled(terms) or (day is not None and day <= as_of)


def _agreed(terms: Terms | None) -> Fields:
    return (terms.fields.get("billing_schedule") if terms else None) or {}


def _after(month: str) -> str:
    year, number = divmod(int(month[:4]) * 12 + int(month[5:]), 12)
    return f"{year:04}-{number + 1:02}"


def _last_of(month: str) -> date:
    year, number = int(month[:4]), int(month[5:])
    return date(year, number, monthrange(year, number)[1])
