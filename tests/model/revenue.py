"""What each line has earned, period by period, for whoever recognises revenue: domain.md R15, R33; design.md section 5.

A period is judged by the terms of its last day, or of as-of if that lies within it.
"""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from .allotments import PREPAID
from .dossier import Dossier
from .entities import Entity, Event, Fields, gather, instant
from .fees import PERCENT_COMPLETE
from .numbers import exponent, fixed, number
from .pricing import cost_of
from .retainer import RETAINER, retained_months
from .terms import TIME_AND_MATERIALS, Terms, terms_on
from .work import home_of, work_of

_ZERO = Fraction(0)
METHODS = {
    TIME_AND_MATERIALS: "right_to_invoice",
    PREPAID: "units_drawn",
    "milestone": "milestones",
    PERCENT_COMPLETE: "cost_to_cost",
    RETAINER: "time_elapsed",
    "non_billable": "none",
}


@dataclass
class Account:
    """A line's revenue so far: `earned`, of which `by_value` is time at its price, under a cap or not."""

    earned: Fraction = _ZERO
    value: Fraction = _ZERO
    by_value: Fraction = _ZERO


def hinted(dossier: Dossier) -> tuple[list[dict[str, Any]], dict[str | None, Fraction]]:
    """The payloads of `revenue.hinted` that say anything, by line and period; what each line has earned, exactly."""
    if dossier.terms is None:
        return [], {}
    lines: list[str | None] = [*sorted(dossier.named_lines)]
    periods = _periods(dossier)
    retained = retained_months(dossier)
    rows: list[dict[str, Any]] = []
    earned: dict[str | None, Fraction] = {}
    for line_id in [None, *lines]:
        account = Account()
        rows += _line_rows(account, dossier, line_id, periods, retained.get(line_id or "", {}))
        earned[line_id] = account.earned
    return rows, earned


def _line_rows(
    account: Account,
    dossier: Dossier,
    line_id: str | None,
    periods: Sequence[tuple[date, Terms]],
    retained: dict[int, Fraction],
) -> Iterator[dict[str, Any]]:
    for last, terms in periods:
        places = exponent(terms.currency)
        before = account.earned
        catch_up, loss = _advance(account, dossier, line_id, terms, last)
        if terms.method(line_id) == RETAINER:
            account.earned += retained.get(last.year * 12 + last.month, _ZERO)
        if account.earned or before or loss:
            yield {
                "contract_id": dossier.contract_id,
                "line_id": line_id,
                "period": last.isoformat()[:7],
                "as_of": last.isoformat(),
                "currency": terms.currency,
                "contract_version": terms.version,
                "legal_entity_id": terms.fields.get("legal_entity_id"),
                "method": METHODS[terms.method(line_id)],
                "period_amount": fixed(account.earned - before, places),
                "cumulative_amount": fixed(account.earned, places),
                "catch_up_amount": fixed(catch_up, places),
                "expected_loss_amount": fixed(loss, places),
            }


def _advance(
    account: Account, dossier: Dossier, line_id: str | None, terms: Terms, last: date
) -> tuple[Fraction, Fraction]:
    """Carry the account through the period that ends on `last`; its catch-up, and the loss that is expected."""
    method = terms.method(line_id)
    if method == PERCENT_COMPLETE:
        return _by_cost(account, dossier, line_id, terms, last)
    if method == "non_billable":
        return _ZERO, _ZERO
    if method in {TIME_AND_MATERIALS, PREPAID}:
        account.value += _worked(dossier, line_id, last)
        cap = terms.line(line_id).get("cap") or {}
        limited = cap.get("amount") is not None and (cap.get("on_exceed") or "block") != "warn"
        now = min(account.value, number(cap["amount"])) if limited else account.value
        account.earned += now - account.by_value
        account.by_value = now
    account.earned += _accepted(dossier, line_id, last)
    return _ZERO, _ZERO


def _by_cost(
    account: Account, dossier: Dossier, line_id: str | None, terms: Terms, last: date
) -> tuple[Fraction, Fraction]:
    """Fee × cost to date ÷ the estimate: while the period runs as they are known, then as recorded by its end."""
    fee = number(terms.line(line_id).get("fee"))
    running = (last.year, last.month) == (dossier.as_of.year, dossier.as_of.month)
    current = _known(dossier.estimate_messages, terms, line_id, last, date.max if running else last)
    known_on = date.max if running else last
    cost, earlier = _cost(dossier, line_id, last, known_on), _cost(dossier, line_id, _before(last), known_on)
    begun = min(date.fromisoformat(version["data"]["effective_from"]) for version in dossier.versions) <= last
    if current is None or number(current["cost"]) <= 0:
        return _ZERO, max(_ZERO, cost - fee) if begun else _ZERO
    estimate = number(current["cost"])
    was = account.earned
    account.earned = terms.rounded(fee * max(_ZERO, min(cost / estimate, Fraction(1))))
    restated = terms.rounded(fee * max(_ZERO, min(earlier / estimate, Fraction(1))))
    return restated - was, max(_ZERO, max(cost, estimate) - fee) if begun else _ZERO


def _known(entities: Sequence[Entity], terms: Terms, line_id: str | None, day: date, end: date) -> Fields | None:
    """The estimate in force on `day`, of those recorded by the end of the period."""
    known = []
    for entity in entities:
        said = [one for one in entity.messages if _recorded(one) <= end]
        if said:
            top = max(said, key=lambda one: (one["data"]["revision"], instant(one["time"]), one["source"], one["id"]))
            known.append(dict(top["data"]))
    return max(
        (
            one
            for one in known
            if terms.line_of(one.get("line_id")) == line_id and one["effective_from"] <= day.isoformat()
        ),
        key=lambda one: (one["effective_from"], one["revision"], one["estimate_id"]),
        default=None,
    )


def _worked(dossier: Dossier, line_id: str | None, last: date) -> Fraction:
    mine = [entry for entry in dossier.entries if entry.approved and entry.billable and entry.line_id == line_id]
    return sum((entry.amount or _ZERO for entry in mine if _in_month(entry.day, last)), _ZERO)


def _cost(dossier: Dossier, line_id: str | None, day: date, known_on: date) -> Fraction:
    """What approved work up to `day` cost, as it was recorded by the end of `known_on`."""
    if known_on == date.max:
        mine = [entry for entry in dossier.entries if entry.approved and entry.line_id == line_id]
        return sum((entry.cost for entry in mine if entry.day <= day), _ZERO)
    said = [one for entity in dossier.time_messages for one in entity.messages if _recorded(one) <= known_on]
    found = _ZERO
    for entity in gather(said):
        if home_of(entity) == dossier.contract_id and entity.fields()["work_date"] <= day.isoformat():
            terms = terms_on(dossier.versions, date.fromisoformat(entity.fields()["work_date"]))
            work = work_of(entity, terms)
            if work.approved and work.line_id == line_id:
                found += cost_of(work.fields, terms, dossier.cards)
    return found


def _recorded(message: Event) -> date:
    return instant(message.get("recordedtime") or message["time"]).date()


def _accepted(dossier: Dossier, line_id: str | None, last: date) -> Fraction:
    """Milestones accepted in the month; where no day was said, the day on which the source said so."""
    mine = [one for one in dossier.milestones if one.line_id == line_id and one.status == "accepted"]
    return sum((one.amount for one in mine if one.since is not None and _counts(one.since, last, dossier.as_of)), _ZERO)


def _counts(since: date, last: date, as_of: date) -> bool:
    return since <= as_of and _in_month(since, last)


def _in_month(day: date, last: date) -> bool:
    return (day.year, day.month) == (last.year, last.month) and day <= last


def _before(last: date) -> date:
    """The last day of the month before."""
    return last.replace(day=1) - timedelta(days=1) if last.toordinal() > last.day else date.min


def _periods(dossier: Dossier) -> list[tuple[date, Terms]]:
    """The months from the first with anything in it up to as-of, which ends its own: last days, and terms on them."""
    begun = sorted(date.fromisoformat(version["data"]["effective_from"]) for version in dossier.versions)
    known: dict[int, Terms | None] = {}  # as long as no version takes effect, the terms stay
    found = []
    for last in _period_ends(dossier):
        count = bisect_right(begun, last)
        if count not in known:
            known[count] = terms_on(dossier.versions, last)
        terms = known[count]
        assert terms is not None, "a contract with terms today has terms on every day"
        found.append((last, terms))
    return found


def _period_ends(dossier: Dossier) -> Iterable[date]:
    days = [entry.day for entry in dossier.entries]
    days += [one.since for one in dossier.milestones if one.since is not None]
    for version in dossier.versions:
        data = version["data"]
        days.append(date.fromisoformat(data["effective_from"]))
        if (data.get("term") or {}).get("from"):
            days.append(date.fromisoformat(data["term"]["from"]))
    day = min(days, default=dossier.as_of)
    while day <= dossier.as_of:
        end = day.replace(day=monthrange(day.year, day.month)[1])
        yield min(end, dossier.as_of)
        if end == date.max:
            return
        day = end + timedelta(days=1)
