"""Billing readiness: what can be invoiced now, what cannot, why not, and who must act.

Sources: design section 5 "Readiness", "Cap", "Invoices"; domain 2.8 (codes, tiers, owners). The names of the figures
are those of `readiness.updated` in the event catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from app.domain import calendar
from app.domain.burn import Position
from app.domain.completion import Estimate
from app.domain.fees import fees
from app.domain.ledger import (
    ADJUSTED,
    ADJUSTMENT,
    AMOUNT,
    APPROVED,
    BILLABLE,
    CLAIMED_AMOUNT,
    CLAIMED_ENTRIES,
    CLAIMED_MINUTES,
    EVIDENCE_LIMIT,
    READY_AMOUNT,
    READY_ENTRIES,
    READY_EXPENSES,
    READY_MINUTES,
    ROOM_AMOUNT,
    ROOM_MINUTES,
    WRITTEN_AMOUNT,
    Claims,
    Issue,
    Row,
    Sum,
    claimed,
    merged,
    written_off,
)
from app.domain.money import divide, micro, show
from app.domain.terms import Cap, Terms

Tier = Literal["critical", "blocking", "held", "warning"]
Scope = Literal["contract", "entry"]


class Rule(NamedTuple):
    """One line of the checklist."""

    tier: Tier
    scope: Scope
    owner: str
    fix: str


RULES: Final[Mapping[str, Rule]] = {
    "CONTRACT_UNKNOWN": Rule(
        "blocking", "contract", "legal", "publish the contract's approval, or move its work to the right contract"
    ),
    "CONTRACT_NOT_ACTIVE": Rule(
        "blocking", "contract", "legal", "wait for the term to begin, resume the contract, or move its work"
    ),
    "PO_MISSING": Rule(
        "blocking", "contract", "client partner", "amend the contract with the client's purchase order number"
    ),
    "TIME_NOT_APPROVED": Rule("blocking", "entry", "delivery manager", "approve or reject these entries"),
    "RATE_UNRESOLVED": Rule("blocking", "entry", "commercial", "set a rate that covers these entries"),
    "CURRENCY_MISMATCH": Rule(
        "blocking", "entry", "commercial", "set the winning rate or the expense in the contract's currency"
    ),
    "OUTSIDE_TERM": Rule("blocking", "entry", "legal", "amend the contract's term, or move these entries"),
    "DISPUTE_OPEN": Rule("blocking", "contract", "account", "settle the dispute with the client, then resolve it"),
    "CLIENT_HOLD": Rule("held", "contract", "account", "agree with the client, then clear the hold"),
    "ESTIMATE_MISSING": Rule(
        "blocking", "entry", "project manager", "publish the estimated cost of the line: nothing measures its progress"
    ),
    "MILESTONE_NOT_ACCEPTED": Rule("blocking", "entry", "project manager", "obtain the client's acceptance"),
    "CAP_EXCEEDED": Rule("blocking", "entry", "project manager", "amend the cap, or write the excess off"),
    "ADJUSTMENT_NEEDED": Rule("warning", "entry", "finance", "credit and rebill what changed after it was invoiced"),
    "BUDGET_EXCEEDED": Rule("warning", "contract", "project manager", "amend the budget, or stop the work"),
    "BUDGET_NEARLY_EXHAUSTED": Rule(
        "warning", "contract", "project manager", "agree on more budget before it runs out"
    ),
}


@dataclass(frozen=True, slots=True)
class Milestone:
    """A milestone as it holds; `amount` in micro-units."""

    milestone_id: str
    status: str
    amount: int
    line_id: str | None
    accepted_on: int | None
    id: str
    time: int
    claims: Claims | None


class Ready(NamedTuple):
    """Ready time; `refused` is what a cap keeps back."""

    amount: int
    minutes: int
    entries: int
    refused: int


class Capped(NamedTuple):
    """What a cap lets pass of a line's ready work; `over` exceeds it, and is refused unless the cap only warns."""

    amount: int
    minutes: int
    entries: int
    over: Issue
    warns: bool

    @property
    def refused(self) -> int:
        return 0 if self.warns else self.over.amount


class Papers(NamedTuple):
    """What else was said of a contract: estimates of cost, and how many holds and disputes are open, since when.

    `fee_claims` is what invoices say of fees, by `fee/<id>`.
    """

    estimates: Sequence[Estimate] = ()
    holds: Issue = Issue(0, 0, 0, [])
    disputes: Issue = Issue(0, 0, 0, [])
    fee_claims: Mapping[str, Claims] = {}


class _Blockers:
    """Collects what stands in the way, by code."""

    def __init__(self, exponent: int) -> None:
        self._exponent = exponent
        self.found: list[dict[str, Any]] = []

    def add(self, code: str, issue: Issue, *, tier: Tier | None = None) -> None:
        rule = RULES[code]
        self.found.append(
            {
                "code": code,
                "tier": tier or rule.tier,
                "scope": rule.scope,
                "owner": rule.owner,
                "count": issue.count,
                "amount": show(issue.amount, self._exponent),
                "since": instant(issue.since),
                "evidence": [event for _, _, event in issue.evidence],
                "fix": rule.fix,
            }
        )


def instant(microseconds: int) -> str | None:
    """RFC 3339 in UTC of microseconds since 1970; None for 0, which says that no event is behind."""
    if not microseconds:
        return None
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)).isoformat().replace("+00:00", "Z")


def row(
    position: Position,
    milestones: Iterable[Milestone],
    documents: Iterable[tuple[int, int]],
    since: int = 0,
    papers: Papers | None = None,
) -> dict[str, Any]:
    """`readiness.updated` of one contract.

    `documents`: (amount, day from which it counts) of every live invoice, and of every credit with a minus. `since`:
    the time of the contract's first event, for blockers that have no entry behind them.
    """
    papers = papers or Papers()
    blockers = _Blockers(position.exponent)
    stops = _stops(position, papers)
    inside = _inside(position)
    earned = fees(position, inside, papers.fee_claims, papers.estimates)
    time, held_back = _time(position, inside, blockers, sum(fee.unpriced for fee in earned))
    unmeasured = sum(fee.unmeasured for fee in earned)
    if unmeasured:
        blockers.add("ESTIMATE_MISSING", Issue(unmeasured, 0, 0, []))
    expenses = sum(total.totals[READY_EXPENSES] for total in inside.values())
    accepted, waiting = _milestones(position, milestones)
    if waiting.count:
        blockers.add("MILESTONE_NOT_ACCEPTED", waiting)
    _warnings(position, blockers)
    fee = sum(one.ready for one in earned)
    would_be = time.amount + expenses + accepted + fee
    for code in stops:
        said = papers.disputes if code == "DISPUTE_OPEN" else Issue(1, 0, since, [])
        blockers.add(code, Issue(said.count, would_be, said.since, said.evidence))
    held = papers.holds if position.terms is not None else Issue(0, 0, 0, [])
    if held.count:
        blockers.add("CLIENT_HOLD", Issue(held.count, would_be, held.since, held.evidence))
    adjustment = _adjustment(position, blockers)
    ready = not stops

    def money(units: int) -> str:
        return show(units, position.exponent)

    return {
        "contract_id": position.contract_id,
        "as_of": calendar.text_of(position.as_of) if position.as_of is not None else None,
        "state": _state(stops, would_be if ready else 0, blockers.found),
        "ready_amount": money(would_be if ready else 0),
        "ready_time_amount": money(time.amount if ready else 0),
        "ready_milestone_amount": money(accepted if ready else 0),
        "ready_expense_amount": money(expenses if ready else 0),
        "ready_fee_amount": money(fee if ready else 0),
        "ready_minutes": time.minutes if ready else 0,
        "ready_entries": time.entries if ready else 0,
        "blocked_amount": money(held_back + waiting.amount + (0 if ready else would_be)),
        "over_cap_amount": money(time.refused),
        "invoiced_amount": money(sum(amount for amount, begins in documents if begins <= position.day)),
        "adjustment_amount": money(adjustment),
        "retained_amount": money(0),
        "written_off_amount": money(sum(total.totals[WRITTEN_AMOUNT] for total in position.sums.values())),
        "blockers": blockers.found,
    }


def _state(stops: list[str], ready: int, blockers: list[dict[str, Any]]) -> str:
    if stops:
        return "blocked"
    if any(blocker["tier"] == "held" for blocker in blockers):
        return "held"
    if ready <= 0:
        return "nothing_to_bill"
    if any(blocker["tier"] == "warning" for blocker in blockers):
        return "ready_with_warnings"
    return "ready"


def _stops(position: Position, papers: Papers) -> list[str]:
    """Codes of scope contract: nothing may be invoiced."""
    terms = position.terms
    if terms is None:
        return ["CONTRACT_UNKNOWN"]
    stops = []
    if terms.status_on(position.day) not in ("active", "closed"):
        stops.append("CONTRACT_NOT_ACTIVE")
    if terms.purchase_order.get("required") and not terms.purchase_order.get("number"):
        stops.append("PO_MISSING")
    if papers.disputes.count:
        stops.append("DISPUTE_OPEN")
    return stops


def _inside(position: Position) -> dict[str, Sum]:
    """What each line comes to within the term: the whole of it, unless work lies outside."""
    terms = position.terms
    if terms is None:
        return position.sums
    low, high = terms.term_from, min(terms.term_to, position.day)
    if all(low <= s.first and s.last <= high for s in position.sums.values()):
        return position.sums
    return position.book.between(low, high, position.day)


def _time(position: Position, inside: dict[str, Sum], blockers: _Blockers, unpriced: int) -> tuple[Ready, int]:
    """Ready time under its caps, and what blockers of scope entry hold back.

    `unpriced` counts months of retainers whose overage has no rate.
    """
    held_back = _issues(position, blockers, unpriced)
    ready = [s.totals for s in position.sums.values()]
    within = [s.totals for s in inside.values()]
    outside = [sum(t[p] for t in ready) - sum(t[p] for t in within) for p in (READY_ENTRIES, READY_AMOUNT)]
    if outside[0] and position.terms:
        blockers.add("OUTSIDE_TERM", _outside(position, position.terms, outside[0], outside[1]))
        held_back += outside[1]
    parts = [_under_cap(position, line, total) for line, total in inside.items()]
    _over_cap(parts, blockers)
    ready_time = Ready(
        sum(part.amount for part in parts),
        sum(part.minutes for part in parts),
        sum(part.entries for part in parts),
        sum(part.refused for part in parts),
    )
    return ready_time, held_back


def _over_cap(parts: Iterable[Capped], blockers: _Blockers) -> None:
    """What exceeds a cap is refused, or where the cap only warns, pointed out."""
    tiers: tuple[Tier, Tier] = ("blocking", "warning")
    for tier in tiers:
        over = [part.over for part in parts if part.over.count and part.warns == (tier == "warning")]
        if over:
            evidence = sorted(event for issue in over for event in issue.evidence)[:EVIDENCE_LIMIT]
            since = min(issue.since for issue in over)
            total = Issue(sum(issue.count for issue in over), sum(issue.amount for issue in over), since, evidence)
            blockers.add("CAP_EXCEEDED", total, tier=tier)


def _issues(position: Position, blockers: _Blockers, unpriced: int) -> int:
    issues = dict(position.total(None).issues)
    if unpriced:
        known = issues.get("RATE_UNRESOLVED", Issue(0, 0, 0, []))
        issues["RATE_UNRESOLVED"] = Issue(known.count + unpriced, known.amount, known.since, known.evidence)
    for code in ("TIME_NOT_APPROVED", "RATE_UNRESOLVED", "CURRENCY_MISMATCH"):
        if code in issues:
            blockers.add(code, issues[code])
    waiting = issues.get("TIME_NOT_APPROVED")
    return waiting.amount if waiting else 0


def _adjustment(position: Position, blockers: _Blockers) -> int:
    """What invoiced entries hold less what was invoiced for them. Work later than as-of holds nothing yet."""
    until_now = position.total(None)
    everything = merged(position.invoiced().values())
    early = [everything.totals[p] - until_now.totals[p] for p in (CLAIMED_AMOUNT, CLAIMED_ENTRIES)]
    amount = until_now.totals[ADJUSTMENT] - early[0]
    count = until_now.totals[ADJUSTED] + early[1]
    if count:
        known = until_now.issues.get("ADJUSTMENT_NEEDED", Issue(0, 0, 0, []))
        blockers.add("ADJUSTMENT_NEEDED", Issue(count, amount, known.since, known.evidence))
    return amount


def is_ready(row: Row, claims: Claims | None, day: int) -> bool:
    """Whether an entry may be invoiced as time, wherever its work date lies and whatever a cap leaves of it."""
    return (
        row.status == APPROVED
        and row.amount is not None
        and row.by_time
        and claimed(claims, day) == 0
        and not written_off(claims)
    )


def _outside(position: Position, terms: Terms, count: int, amount: int) -> Issue:
    low, high = calendar.BEGINNING, position.day
    spans = ((low, terms.term_from - 1), (terms.term_to + 1, high))
    found = [
        (row.time, (row.day, entry, row.id))
        for begin, end in spans
        if begin <= end
        for entry, row, claims in position.book.rows(begin, end)
        if is_ready(row, claims, position.day)
    ]
    return Issue(
        count, amount, min((time for time, _ in found), default=0), [evidence for _, evidence in found[:EVIDENCE_LIMIT]]
    )


def _under_cap(position: Position, line: str, total: Sum) -> Capped:
    """What the line's cap lets pass; opened row by row only when the positive work could exceed it."""
    totals = total.totals
    whole = Capped(totals[READY_AMOUNT], totals[READY_MINUTES], totals[READY_ENTRIES], Issue(0, 0, 0, []), False)
    its = position.terms.lines.get(line) if position.terms else None
    if its is None or its.cap is None:
        return whole
    claims = position.sums[line].totals if line in position.sums else totals
    amount_room = None if its.cap.amount is None else max(its.cap.amount - claims[CLAIMED_AMOUNT], 0)
    minutes_room = None if its.cap.minutes is None else max(its.cap.minutes - claims[CLAIMED_MINUTES], 0)
    fits = (amount_room is None or totals[ROOM_AMOUNT] <= amount_room) and (
        minutes_room is None or totals[ROOM_MINUTES] <= minutes_room
    )
    return whole if fits else _walk_cap(position, line, its.cap, amount_room, minutes_room)


def _walk_cap(position: Position, line: str, cap: Cap, amount_room: int | None, minutes_room: int | None) -> Capped:
    """Work eats the cap by (work date, entry id); an entry of 0 or less always passes and gives room to later ones."""
    terms = position.terms
    assert terms is not None  # a cap comes from terms
    passed = [0, 0, 0]
    over = Issue(0, 0, 0, [])
    for entry, row, claims in position.book.rows(terms.term_from, min(terms.term_to, position.day)):
        if row.line != (line or None) or not is_ready(row, claims, position.day):
            continue
        amount, minutes = (row.amount or 0) - row.drawn_amount, row.billable_minutes - row.drawn
        fit = _fitting(amount, minutes, cap, amount_room, minutes_room, terms.exponent)
        if amount_room is not None:
            amount_room -= fit[0]
        if minutes_room is not None:
            minutes_room -= fit[1]
        let = (amount, minutes) if cap.on_exceed == "warn" else fit
        passed[0] += let[0]
        passed[1] += let[1]
        passed[2] += let == (amount, minutes) or let != (0, 0)
        if fit != (amount, minutes):
            over = Issue(
                over.count + 1,
                over.amount + amount - fit[0],
                over.since or row.time,
                [*over.evidence, (row.day, entry, row.id)][:EVIDENCE_LIMIT],
            )
    return Capped(passed[0], passed[1], passed[2], over, cap.on_exceed == "warn")


def _fitting(
    amount: int, minutes: int, cap: Cap, amount_room: int | None, minutes_room: int | None, exponent: int
) -> tuple[int, int]:
    """How much of one entry fits under what is left; the rest of it is over the cap."""
    if amount <= 0 and minutes <= 0:
        return amount, minutes
    fits_amount = amount_room is None or amount <= max(amount_room, 0)
    fits_minutes = minutes_room is None or minutes <= max(minutes_room, 0)
    if fits_amount and fits_minutes:
        return amount, minutes
    if cap.on_exceed == "block":
        return 0, 0
    step = 10 ** (6 - exponent)
    let_amount, let_minutes = amount, minutes
    if minutes_room is not None and minutes > max(minutes_room, 0):
        let_minutes = max(minutes_room, 0)
        let_amount = divide(amount * let_minutes, minutes * step) * step if minutes > 0 else 0
    if amount_room is not None and let_amount > max(amount_room, 0):
        let_amount = max(amount_room, 0)
    return (0, 0) if let_amount <= 0 < amount else (let_amount, let_minutes)


def _milestones(position: Position, milestones: Iterable[Milestone]) -> tuple[int, Issue]:
    """What accepted milestones come to, and those completed but not accepted."""
    accepted = 0
    waiting = Issue(0, 0, 0, [])
    for milestone in sorted(milestones, key=lambda m: m.milestone_id):
        if not billable(position, milestone) or claimed(milestone.claims, position.day):
            continue
        if milestone.status == "accepted" and (milestone.accepted_on is None or milestone.accepted_on <= position.day):
            accepted += milestone.amount
        elif milestone.status == "completed":
            since = min(waiting.since or milestone.time, milestone.time)
            evidence = [*waiting.evidence, (0, milestone.milestone_id, milestone.id)][:EVIDENCE_LIMIT]
            waiting = Issue(waiting.count + 1, waiting.amount + milestone.amount, since, evidence)
    return accepted, waiting


def billable(position: Position, milestone: Milestone) -> bool:
    """Whether the milestone's line bills at all."""
    if position.terms is None:
        return True
    line_id = milestone.line_id or position.terms.only_line
    line = position.terms.lines.get(line_id) if line_id else None
    return line is None or line.billing_method != "non_billable"


def _warnings(position: Position, blockers: _Blockers) -> None:
    if position.terms is None:
        return
    totals = position.total(None).totals
    budget = position.terms.budget(None)
    used = [(totals[BILLABLE], budget.minutes), (totals[AMOUNT], budget.amount)]
    limits = [(use, limit) for use, limit in used if limit is not None and limit > 0]
    if any(use > limit for use, limit in limits):
        blockers.add("BUDGET_EXCEEDED", Issue(1, 0, 0, []))
    elif any(use * 10 >= limit * 9 for use, limit in limits):
        blockers.add("BUDGET_NEARLY_EXHAUSTED", Issue(1, 0, 0, []))


def milestone_of(message: Any, said: Mapping[str, Any], claims: Claims | None) -> Milestone:
    """Read a milestone from its folded fields; `message` is the deciding one."""
    accepted_on = said.get("accepted_on")
    return Milestone(
        milestone_id=said["milestone_id"],
        status=message.type.split(".")[1],
        amount=micro(said.get("amount") or "0"),
        line_id=said.get("line_id"),
        accepted_on=calendar.number(accepted_on) if accepted_on else None,
        id=message.id,
        time=message.time,
        claims=claims,
    )
