"""What each fix is worth: the blockers of a contract taken apart by line and billing period, with the cash behind each.

Sources: domain moonshot 4 and 2.8; the blockers are those of `readiness.row`, whose amounts the parts add up to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from app.domain import calendar
from app.domain.burn import Position
from app.domain.demanded import Where
from app.domain.ledger import APPROVED, EVIDENCE_LIMIT, SUBMITTED, Issue
from app.domain.money import micro, show
from app.domain.readiness import Assessment, Milestone, instant, waits
from app.domain.terms import Terms
from app.domain.unbilled import is_ready

SPLIT: Final = ("TIME_NOT_APPROVED", "RATE_UNRESOLVED", "CURRENCY_MISMATCH")
"""Codes that the ledger's sums count by line and bucket."""
HOLDING: Final = frozenset({"critical", "blocking", "held"})
"""Tiers that keep cash back; a warning keeps nothing."""

USUAL_DAYS: Final = 90
"""The work dates whose approvals say what is usual."""
USUAL_ENTRIES: Final = 5
"""How many entries say anything about what is usual."""

_ACTS: Final[Mapping[str, tuple[str, str]]] = {
    "TIME_NOT_APPROVED": ("approve this entry", "approve these {} entries"),
    "RATE_UNRESOLVED": ("set a rate for this entry", "set a rate for these {} entries"),
    "OUTSIDE_TERM": ("extend the term over this item", "extend the term over these {} items"),
    "NARRATIVE_MISSING": ("say in this entry what was done", "say in these {} entries what was done"),
    "RECEIPT_MISSING": ("attach the receipt of this expense", "attach the receipts of these {} expenses"),
    "MILESTONE_NOT_ACCEPTED": ("obtain acceptance of this milestone", "obtain acceptance of these {} milestones"),
    "CAP_EXCEEDED": ("raise the cap for this entry", "raise the cap for these {} entries"),
    "DISPUTE_OPEN": ("settle this dispute", "settle these {} disputes"),
    "CLIENT_HOLD": ("clear this hold", "clear these {} holds"),
}


class Part(NamedTuple):
    """A share of a blocker; `line` and `period` "" where it belongs to none, or to all."""

    line: str
    period: str
    issue: Issue


def unlocks(
    position: Position,
    readiness: Mapping[str, Any],
    milestones: Iterable[Milestone],
    found: Assessment | None = None,
    opens_on: str | None = None,
) -> list[dict[str, Any]]:
    """One row for each fix that would let cash go, of the contract that `readiness` is the row of.

    `amount` is the cash behind the fix, `"0.00"` where nothing says what it is worth. It becomes ready with the fix
    alone if `behind` is empty; else those blockers must go too. `ready_on` is the day on which the terms as agreed
    remove the blocker by themselves, `expected_on` the one on which that is to be expected after what usually happens,
    None where nothing says so. `found` is what `readiness` rests on, and `position` that of its work; `opens_on` is the
    first day of a period whose books are open, where those of as-of are closed.
    """
    blockers = [blocker for blocker in readiness["blockers"] if blocker["tier"] in HOLDING]
    stops = [blocker["code"] for blocker in blockers if blocker["scope"] == "contract"]
    waiting = list(milestones)
    rows = []
    for blocker in blockers:
        code = blocker["code"]
        behind = [other for other in stops if other != code]
        for part in _shares(position, blocker, waiting, found):
            row = _row(position, blocker, part, behind)
            on = _by_terms(position, code)
            if code == "PERIOD_CLOSED":
                on = opens_on
            elif code == "BILLING_SCHEDULE_NOT_DUE":
                on = _due_on(part.period, found)
            expected = on if code != "TIME_NOT_APPROVED" else _approved_by(position, part)
            rows.append({**row, "ready_on": on, "expected_on": expected})
    return rows


def _shares(
    position: Position, blocker: Mapping[str, Any], milestones: list[Milestone], found: Assessment | None
) -> list[Part]:
    code = blocker["code"]
    if found is not None and code in found.lacking:
        return [Part(line, period, issue) for (line, period), issue in sorted(found.lacking[code].items())]
    if found is not None and code == "BILLING_SCHEDULE_NOT_DUE":
        return [Part("", one.period, Issue(one.documents, one.amount, 0, [])) for one in found.later]
    return _parts(position, blocker, milestones)


def _due_on(period: str, found: Assessment | None) -> str | None:
    days = [one.due_on for one in found.later if one.period == period] if found is not None else []
    return calendar.text_of(days[0]) if days and days[0] is not None else None


def _approved_by(position: Position, part: Part) -> str | None:
    """The day by which the part's last entry is approved if that takes as long as half of the contract's lately did.

    None where fewer than five were approved, or no day is known; a day that is past counts as today.
    """
    today = position.as_of
    if today is None or not part.period:
        return None
    first = calendar.number(f"{part.period}-01")
    rows = position.book.rows(first, min(calendar.month_end(first), today))
    days = [row.day for _, row, _ in rows if row.status == SUBMITTED and (row.line or "") == part.line]
    taken = sorted(
        max(calendar.day_of(row.time) - row.day, 0)
        for _, row, _ in position.book.rows(today - USUAL_DAYS, today)
        if row.status == APPROVED
    )
    if not days or len(taken) < USUAL_ENTRIES:
        return None
    return calendar.text_of(max(max(days) + taken[(len(taken) - 1) // 2], today))


def _row(position: Position, blocker: Mapping[str, Any], part: Part, behind: list[str]) -> dict[str, Any]:
    terms = position.terms
    amount = show(part.issue.amount, position.exponent)
    return {
        "contract_id": position.contract_id,
        "client_id": terms.client_id if terms else None,
        "currency": terms.currency if terms else None,
        **{name: blocker[name] for name in ("code", "tier", "scope", "owner")},
        "line_id": part.line or None,
        "period": part.period or None,
        "count": part.issue.count,
        "amount": amount,
        "since": instant(part.issue.since) or blocker["since"],
        "evidence": [event for _, _, event in part.issue.evidence] or blocker["evidence"],
        "fix": blocker["fix"],
        "says": _sentence(blocker, part.issue, amount, terms.currency if terms else None),
        "behind": behind,
    }


def _sentence(blocker: Mapping[str, Any], issue: Issue, amount: str, currency: str | None) -> str:
    fix = str(blocker["fix"])
    one, many = _ACTS.get(blocker["code"], (fix, fix))
    act = one if issue.count == 1 else many.format(f"{issue.count:,}")
    if not issue.amount or currency is None:
        return act
    whole, point, cents = amount.partition(".")
    return f"{act} → {int(whole):,}{point}{cents} {currency}"


def _parts(position: Position, blocker: Mapping[str, Any], milestones: list[Milestone]) -> list[Part]:
    """Shares of a blocker that add up to it; what no line and period can be named for is the last."""
    code = blocker["code"]
    whole = Issue(blocker["count"], micro(blocker["amount"]), 0, [])
    if blocker["scope"] == "contract":
        return [Part("", "", whole)]
    if code in SPLIT:
        known = list(_by_month(position, code))
    elif code == "OUTSIDE_TERM":
        known = list(_outside(position))
    elif code == "MILESTONE_NOT_ACCEPTED":
        known = list(_waiting(position, milestones))
    else:
        capped = [line.line_id for line in position.terms.lines.values() if line.cap] if position.terms else []
        return [Part(capped[0] if code == "CAP_EXCEEDED" and len(capped) == 1 else "", "", whole)]
    count = whole.count - sum(part.issue.count for part in known)
    amount = whole.amount - sum(part.issue.amount for part in known)
    return [*known, Part("", "", Issue(count, amount, 0, []))] if count or amount else known


def _by_month(position: Position, code: str) -> Iterator[Part]:
    """The issue's share of each month and line; only quarters that have it are opened."""
    book = position.book
    for page in sorted(page for page, lines in book.pages.items() if any(code in s.issues for s in lines.values())):
        months = sorted({calendar.month_start(start) for start in book.page(page)})
        for first in months:
            sums = book.between(first, min(calendar.month_end(first), position.day), position.day)
            for line, total in sorted(sums.items()):
                if code in total.issues:
                    yield Part(line, calendar.period_of(first), total.issues[code])


def _outside(position: Position) -> Iterator[Part]:
    """Work and expenses before the term and after it, by line and month."""
    terms = position.terms
    if terms is None:
        return
    found: dict[Where, Issue] = {}
    for low, high in terms.outside(position.day):
        for entry, row, claims in position.book.rows(low, high):
            if is_ready(row, claims, position.day):
                where = (row.line or "", calendar.period_of(row.day))
                amount = (row.amount or 0) - row.drawn_amount
                _note(found, where, amount, row.time, (row.day, entry, row.id))
        for expense, spend in position.book.unbilled_spends(low, high, position.day):
            where = (spend.line or "", calendar.period_of(spend.day))
            _note(found, where, spend.amount or 0, spend.time, (spend.day, expense, spend.id))
    yield from (Part(line, period, issue) for (line, period), issue in sorted(found.items()))


def _waiting(position: Position, milestones: Iterable[Milestone]) -> Iterator[Part]:
    """Completed milestones by line; the catalogue gives a milestone no billing period."""
    found: dict[Where, Issue] = {}
    only = position.terms.only_line if position.terms else None
    for one in sorted(milestones, key=lambda milestone: milestone.milestone_id):
        if waits(position, one):
            _note(found, (one.line_id or only or "", ""), one.amount, one.time, (0, one.milestone_id, one.id))
    yield from (Part(line, period, issue) for (line, period), issue in sorted(found.items()))


def _note(found: dict[Where, Issue], where: Where, amount: int, time: int, event: tuple[int, str, str]) -> None:
    known = found.get(where) or Issue(0, 0, time, [])
    evidence = [*known.evidence, event][:EVIDENCE_LIMIT]
    found[where] = Issue(known.count + 1, known.amount + amount, min(known.since, time), evidence)


def _by_terms(position: Position, code: str) -> str | None:
    """The first day after as-of on which the terms, as they are agreed today, no longer have the blocker."""
    if position.terms is None or position.as_of is None or code not in _BY_TERMS:
        return None
    steps = [day for day, _ in position.agreement.steps()]
    begins = [terms.term_from for _, terms in position.agreement.steps()]
    for day in sorted({day for day in (*steps, *begins) if position.as_of < day < calendar.FOREVER}):
        terms = position.agreement.on(day)
        if terms is None:
            continue
        if _BY_TERMS[code](terms, day):
            return calendar.text_of(day)
    return None


def _in_date(terms: Terms, day: int) -> bool:
    expires = terms.purchase_order.get("expires_on")
    return expires is None or calendar.number(expires) >= day


_BY_TERMS: Final[Mapping[str, Callable[[Terms, int], bool]]] = {
    "CONTRACT_NOT_ACTIVE": lambda terms, day: terms.status_on(day) in ("active", "closed"),
    "PO_MISSING": lambda terms, _: bool(terms.purchase_order.get("number") or not terms.purchase_order.get("required")),
    "PO_EXPIRED": _in_date,
}
"""Whether the terms of a day no longer have the blocker."""


def owners(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The cash that waits for each owner, by currency, the most first.

    Blockers of scope contract hold the same cash, so of a contract's the largest counts, once.
    """
    whole: dict[tuple[str, str, str], int] = {}
    single: dict[tuple[str, str], int] = {}
    fixes: dict[tuple[str, str], int] = {}
    for row in rows:
        if row["currency"] is None:
            continue
        owner, amount = (row["owner"], row["currency"]), micro(row["amount"])
        fixes[owner] = fixes.get(owner, 0) + 1
        if row["scope"] == "contract":
            key = (*owner, row["contract_id"])
            whole[key] = max(whole.get(key, 0), amount)
        else:
            single[owner] = single.get(owner, 0) + amount
    for (name, currency, _), amount in whole.items():
        single[name, currency] = single.get((name, currency), 0) + amount
    return [
        {"owner": name, "currency": currency, "fixes": fixes[name, currency], "amount": amount}
        for (name, currency), amount in sorted(single.items(), key=lambda item: (item[0][1], -item[1], item[0][0]))
    ]
