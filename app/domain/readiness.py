"""Billing readiness: what can be invoiced now, what cannot, why not, and who must act.

Sources: design section 5 "Readiness", "Cap", "Invoices"; domain 2.8 (codes, tiers, owners). The names of the figures
are those of `readiness.updated` in the event catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from app.domain import calendar
from app.domain.burn import Commitment, Position
from app.domain.checks import failing, rulings_on
from app.domain.completion import Estimate
from app.domain.demanded import Lacking, without
from app.domain.fees import Fee, fees, invoiced_as_fee
from app.domain.flaws import Flaw
from app.domain.ledger import (
    ADJUSTED,
    ADJUSTMENT,
    AMOUNT,
    BILLABLE,
    CLAIMED_AMOUNT,
    CLAIMED_ENTRIES,
    EVIDENCE_LIMIT,
    READY_AMOUNT,
    READY_ENTRIES,
    READY_EXPENSES,
    UNDERBILLED,
    WRITTEN_AMOUNT,
    Claims,
    Issue,
    Row,
    Sum,
    claimed,
    merged,
)
from app.domain.masters import Masters
from app.domain.money import micro, round_to, show
from app.domain.policy import Code, Ruling
from app.domain.retainage import Freed, Release, by_line, kept_of, released, withheld
from app.domain.split import split
from app.domain.terms import Terms
from app.domain.unbilled import NONE, Passed, Unbilled, is_ready, joined, unbilled

Tier = Literal["critical", "blocking", "held", "warning", "info"]
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
        "blocking",
        "entry",
        "commercial",
        "set the rate in the contract's currency, or an exchange rate for the expense; state a subcontract in it",
    ),
    "OUTSIDE_TERM": Rule("blocking", "entry", "legal", "amend the contract's term, or move this work"),
    "DISPUTE_OPEN": Rule("blocking", "contract", "account", "settle the dispute with the client, then resolve it"),
    "CLIENT_HOLD": Rule("held", "contract", "account", "agree with the client, then clear the hold"),
    "ESTIMATE_MISSING": Rule(
        "blocking", "entry", "project manager", "publish the estimated cost of the line: nothing measures its progress"
    ),
    "FEE_MISSING": Rule(
        "blocking", "entry", "commercial", "amend the line with the fee, and the minutes, that its method bills by"
    ),
    "CURRENCY_CHANGED": Rule(
        "blocking", "contract", "legal", "close the contract and approve another in the new currency"
    ),
    "CAP_BELOW_ZERO": Rule("warning", "contract", "commercial", "amend the cap: less than nothing can be invoiced"),
    "TERM_REVERSED": Rule("warning", "contract", "legal", "amend the term: it ends before it begins"),
    "PAYERS_INCOMPLETE": Rule(
        "warning", "contract", "client partner", "amend the payers: each named once, their ratios 1 in all"
    ),
    "MILESTONES_NOT_FEE": Rule(
        "warning", "contract", "project manager", "plan milestones that come to the line's fee, or amend the fee"
    ),
    "BUDGET_BELOW_ZERO": Rule("info", "contract", "commercial", "amend the budget, if less than nothing was not meant"),
    "AMENDMENT_AFTER_END": Rule("info", "contract", "legal", "amend the term too, or withdraw the amendment"),
    "MILESTONE_NOT_ACCEPTED": Rule("blocking", "entry", "project manager", "obtain the client's acceptance"),
    "CAP_EXCEEDED": Rule("blocking", "entry", "project manager", "amend the cap, or write the excess off"),
    "ADJUSTMENT_NEEDED": Rule("warning", "entry", "finance", "credit and rebill what changed after it was invoiced"),
    "PO_EXPIRED": Rule(
        "blocking", "contract", "client partner", "amend the contract with an order that has not expired"
    ),
    "PO_EXHAUSTED": Rule("blocking", "contract", "client partner", "have the client raise the order, or bill less"),
    "AMENDMENT_NOT_SYNCED": Rule(
        "blocking", "contract", "finance systems", "have ERP acknowledge the current version of the contract"
    ),
    "CUSTOMER_MASTER_MISSING": Rule(
        "blocking", "contract", "finance ops", "give the client its customer number in ERP"
    ),
    "TAX_ID_MISSING": Rule("blocking", "contract", "tax", "record the client's tax id"),
    "TAX_CODE_INVALID": Rule("blocking", "contract", "tax", "amend the contract with a tax jurisdiction such as DE"),
    "LEGAL_ENTITY_MISMATCH": Rule(
        "critical", "contract", "finance", "amend the contract with a legal entity of the firm"
    ),
    "COST_CENTRE_INVALID": Rule(
        "blocking", "contract", "finance", "amend the contract with a cost centre of its entity"
    ),
    "CURRENCY_RATE_MISSING": Rule(
        "blocking", "contract", "treasury", "set an exchange rate into the currency of the legal entity"
    ),
    "PERIOD_CLOSED": Rule("held", "contract", "finance", "open the period, or bill in the next one"),
    "MARGIN_BELOW_FLOOR": Rule("warning", "contract", "project manager", "agree on better rates, or on cheaper people"),
    "SUBCONTRACT_UNMATCHED": Rule("warning", "contract", "procurement", "obtain the supplier's invoice"),
    "TIME_LATE": Rule("warning", "entry", "resource", "record time within the days the policy gives"),
    "DUPLICATE_SUSPECTED": Rule("warning", "entry", "project manager", "reverse the entries that are there twice"),
    "NARRATIVE_MISSING": Rule("warning", "entry", "resource", "say in these entries what was done"),
    "RECEIPT_MISSING": Rule("blocking", "entry", "resource", "attach the receipt of these expenses"),
    "ROLE_OPTIONAL_ATTR_MISSING": Rule("info", "contract", "resource manager", "say in which role these bookings are"),
    "BILLING_SCHEDULE_NOT_DUE": Rule(
        "held", "contract", "nobody", "wait for the day on which it is due, or amend the billing schedule"
    ),
    "BILLED_EXCEEDS_WORKED": Rule(
        "warning", "entry", "project manager", "see whether the client agreed to the contract's increment"
    ),
    "BUDGET_EXCEEDED": Rule("warning", "contract", "project manager", "amend the budget, or stop the work"),
    "BUDGET_NEARLY_EXHAUSTED": Rule(
        "warning", "contract", "project manager", "agree on more budget before it runs out"
    ),
}


_STOPPING: Final = ("critical", "blocking")


@dataclass(frozen=True, slots=True)
class Milestone:
    """A milestone as it holds; `amount` in micro-units. `periods` are those that any message accepted it in.

    `completed_on`: the day on which it was completed, where one was said, also of one that was accepted since.
    """

    milestone_id: str
    status: str
    amount: int
    line_id: str | None
    accepted_on: int | None
    id: str
    time: int
    claims: Claims | None
    periods: frozenset[str] = frozenset()
    completed_on: int | None = None

    @property
    def billed_on(self) -> int:
        """The day of its acceptance; where nothing says that, of the message about it."""
        return self.accepted_on if self.accepted_on is not None else calendar.day_of(self.time)


class Papers(NamedTuple):
    """What else was said of a contract: estimates of cost, and how many holds and disputes are open, since when.

    `fee_claims` is what invoices say of fees, by `fee/<id>`; `given_up` the amount written off, beside the entries.
    `subcontracts` is what suppliers were promised and what they have invoiced.
    `masters`, `rulings` (policies of this contract alone), `acknowledged` and `since` are what checks look at (see
    `checks.failing`).
    """

    estimates: Sequence[Estimate] = ()
    holds: Issue = NONE
    disputes: Issue = NONE
    fee_claims: Mapping[str, Claims] = {}
    releases: Sequence[Release] = ()
    given_up: int = 0
    masters: Masters = Masters()
    rulings: Mapping[str, Ruling] = {}
    acknowledged: int = 0
    since: int = 0
    flaws: Sequence[Flaw] = ()
    subcontracts: Sequence[Commitment] = ()


class _Blockers:
    """Collects what stands in the way, by code."""

    def __init__(self, exponent: int) -> None:
        self._exponent = exponent
        self.found: list[dict[str, Any]] = []

    def add(self, code: str, issue: Issue, *, tier: Tier | None = None, scope: Scope | None = None) -> None:
        rule = RULES[code]
        self.found.append(
            {
                "code": code,
                "tier": tier or rule.tier,
                "scope": scope or rule.scope,
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


class Reached(NamedTuple):
    """Milestones: those that may be billed with what of them, (line, day, amount) held back, and those that wait.

    `changed` are those that hold something else than was invoiced for them.
    """

    accepted: list[tuple[Milestone, int]]
    withheld: list[tuple[str, int, int]]
    waiting: Issue
    changed: Issue

    @property
    def ready(self) -> int:
        return sum(amount for _, amount in self.accepted)


class Later(NamedTuple):
    """What of a billing period may be billed from `due_on` on, by the contract's schedule; None: no day is agreed."""

    period: str
    documents: int
    amount: int
    due_on: int | None


class Assessment(NamedTuple):
    """What may be invoiced of a contract, part by part, unless `stops` (codes) stop all of it.

    `time` is by line, `fees` what may be invoiced as each line's fee, of what was `earned` and `freed` of retainage.
    `checks` are those of a policy that fail, each with its tier; `invoiced` is net of credits, `drawn` what of it is on
    the purchase order of the day; `written` was given up. What is `lacking` a narrative or receipt, and is kept back
    for it, is not in `time.position`. `later` is what the contract's schedule lets nobody bill yet, though it is ready.
    `papers` and `stones` are what it was made of beside the position.
    """

    stops: list[str]
    inside: dict[str, Sum]
    time: Unbilled
    milestones: Reached
    earned: list[Fee]
    freed: list[Freed]
    fees: dict[str, int]
    invoiced: int
    written: int
    checks: list[tuple[Code, Tier, Issue]]
    held: bool
    lacking: Lacking = MappingProxyType({})
    drawn: int = 0
    later: Sequence[Later] = ()
    papers: Papers = Papers()
    stones: Sequence[Milestone] = ()

    @property
    def kept_back(self) -> int:
        return sum(issue.amount for parts in self.lacking.values() for issue in parts.values())

    @property
    def waits(self) -> bool:
        """Whether all that would be ready is to be billed later."""
        return bool(self.later) and self.would_be <= sum(one.amount for one in self.later)

    @property
    def worked(self) -> int:
        return sum(part.amount for part in self.time.lines.values())

    @property
    def expenses(self) -> int:
        return sum(total.totals[READY_EXPENSES] for total in self.inside.values())

    @property
    def would_be(self) -> int:
        """What would be ready if nothing stopped it."""
        return self.worked + self.expenses + self.milestones.ready + sum(self.fees.values())


def critical(found: Assessment) -> str:
    """The code that halts every posting of the contract; "" where none does."""
    return next((code for code in found.stops if code in RULES and RULES[code].tier == "critical"), "")


def assess(
    position: Position, milestones: Iterable[Milestone], documents: Iterable[tuple[int, ...]], papers: Papers
) -> Assessment:
    """Take a contract apart on the position's day. `documents` as for `row`."""
    milestones = list(milestones)
    rulings = rulings_on(position, papers.masters, papers.rulings)
    rest = without(position, rulings)
    position, kept_back = rest.position, list(rest.issues())
    inside = _inside(position)
    earned = fees(position, inside, papers.fee_claims, papers.estimates)
    time = unbilled(position, inside, papers.given_up)
    reached = _milestones(position, milestones)
    free = _released(position, time, reached, earned, papers)
    fee = _fees(position, earned, by_line(free), papers)
    counting = [one for one in documents if one[1] <= position.day]
    invoiced = sum(one[0] for one in counting)
    drawn = sum(one[0] for one in counting if _on_order(position, one[-1]))
    written = sum(total.totals[WRITTEN_AMOUNT] for total in position.sums.values()) + time.edge.total
    found = Assessment([], inside, time, reached, earned, free, fee, invoiced, written, [], False)
    amounts, told = (found.would_be, drawn), (papers.acknowledged, papers.since)
    failed = [
        *((code, _tier(code, rulings[code]), issue) for code, issue in kept_back),
        *(
            (code, _tier(code, ruling), issue)
            for code, ruling, issue in failing(position, papers.masters, rulings, time, amounts, told)
        ),
    ]
    checks = sorted(failed, key=_code)
    stopping = [code for code, tier, _ in checks if RULES[code].scope == "contract" and tier in _STOPPING]
    held = position.terms is not None and (papers.holds.count > 0 or any(tier == "held" for _, tier, _ in checks))
    stops = [*_stops(position, papers), *stopping]
    found = found._replace(stops=stops, checks=checks, held=held, lacking=rest.lacking, drawn=drawn)
    return found._replace(papers=papers, stones=milestones)


def _on_order(position: Position, begins: int) -> bool:
    """Whether an invoice that counts from a day on draws on the order in force; without a day it does."""
    terms, then = position.terms, position.agreement.on(begins)
    if begins == calendar.BEGINNING or terms is None or then is None:
        return True
    return bool(then.purchase_order.get("number") == terms.purchase_order.get("number"))


def row(
    position: Position,
    milestones: Iterable[Milestone],
    documents: Iterable[tuple[int, ...]],
    since: int = 0,
    papers: Papers | None = None,
    found: Assessment | None = None,
) -> dict[str, Any]:
    """`readiness.updated` of one contract.

    `documents`: (amount, day from which it counts) of every live invoice, and of every credit with a minus; of one that
    counts later than its invoice, then the day from which that does. `since`: the time of the contract's first event,
    for blockers that have no entry behind them. `found`: what `assess` says of the position, where the caller has it.
    """
    papers = papers or Papers()
    blockers = _Blockers(position.exponent)
    found = found or assess(position, milestones, documents, papers)
    position = found.time.position
    inside, time, milestone, earned = found.inside, found.time, found.milestones, found.earned
    foreign = _foreign(position, papers.subcontracts)
    held_back = _held_back(position, inside, blockers, sum(fee.unpriced for fee in earned), foreign)
    _over_cap(time.lines.values(), blockers)
    unmeasured = sum(fee.unmeasured for fee in earned)
    if unmeasured:
        blockers.add("ESTIMATE_MISSING", Issue(unmeasured, 0, 0, []))
    if milestone.waiting.count:
        blockers.add("MILESTONE_NOT_ACCEPTED", milestone.waiting)
    _warnings(position, blockers)
    for flaw in papers.flaws:
        if not _stops_all(flaw.code):
            blockers.add(flaw.code, flaw.issue)
    worked, would_be = found.worked, found.would_be
    for check, tier, issue in found.checks:
        blockers.add(check, issue, tier=tier)
    flawed = {flaw.code: flaw.issue for flaw in papers.flaws}
    for code in _stops(position, papers):
        said = papers.disputes if code == "DISPUTE_OPEN" else flawed.get(code, Issue(1, 0, since, []))
        blockers.add(code, Issue(said.count, would_be, said.since, said.evidence))
    held = papers.holds if position.terms is not None else NONE
    if held.count:
        blockers.add("CLIENT_HOLD", Issue(held.count, would_be, held.since, held.evidence))
    if found.later:
        amount, count = sum(one.amount for one in found.later), sum(one.documents for one in found.later)
        scope: Scope = "contract" if found.waits else "entry"
        blockers.add("BILLING_SCHEDULE_NOT_DUE", Issue(count, amount, 0, []), scope=scope)
    adjustment = _adjustment(position, time, milestone.changed, blockers)
    retained = time.held() + sum(amount for _, _, amount in milestone.withheld)
    retained += sum(held_of_fee(found, fee) for fee in earned)
    ready = not found.stops

    def money(units: int) -> str:
        return show(units, position.exponent)

    return {
        "contract_id": position.contract_id,
        "as_of": calendar.text_of(position.as_of) if position.as_of is not None else None,
        "state": _state(found.stops, would_be if ready else 0, blockers.found),
        "ready_amount": money(would_be if ready else 0),
        "ready_time_amount": money(worked if ready else 0),
        "ready_milestone_amount": money(milestone.ready if ready else 0),
        "ready_expense_amount": money(found.expenses if ready else 0),
        "ready_fee_amount": money(sum(found.fees.values()) if ready else 0),
        "ready_minutes": sum(part.minutes for part in time.lines.values()) if ready else 0,
        "ready_entries": sum(part.entries for part in time.lines.values()) if ready else 0,
        "blocked_amount": money(held_back + found.kept_back + milestone.waiting.amount + (0 if ready else would_be)),
        "over_cap_amount": money(sum(part.refused for part in time.lines.values())),
        "invoiced_amount": money(found.invoiced),
        "adjustment_amount": money(adjustment),
        "retained_amount": money(retained - sum(one.amount for one in found.freed)),
        "written_off_amount": money(found.written),
        "purchase_order": _order(position, found, would_be if ready else 0),
        "payers": _payers(position, would_be if ready else 0),
        "blockers": blockers.found,
    }


def _order(position: Position, found: Assessment, proposed: int) -> dict[str, Any] | None:
    """How far the purchase order is used up; None where the terms name none."""
    order = position.terms.purchase_order if position.terms is not None else {}
    if order.get("number") is None and order.get("amount") is None:
        return None
    amount = micro(order["amount"]) if order.get("amount") is not None else None

    def money(units: int | None) -> str | None:
        return None if units is None else show(units, position.exponent)

    return {
        "number": order.get("number"),
        "expires_on": order.get("expires_on"),
        "amount": money(amount),
        "invoiced_amount": money(found.drawn),
        "proposed_amount": money(proposed),
        "remaining_amount": money(None if amount is None else amount - found.drawn - proposed),
    }


def _fees(position: Position, earned: Sequence[Fee], free: Mapping[str, int], papers: Papers) -> dict[str, int]:
    """What may be invoiced as fees, by line; retainage released on a line that earns none is one too."""
    known = {fee.line_id: fee for fee in earned}
    for line in free:
        if line not in known:
            known[line] = Fee(line, 0, invoiced_as_fee(papers.fee_claims, line, position.day), 0, False)
    return {line: fee.ready(free.get(line, 0)) for line, fee in known.items()}


def held_of_fee(found: Assessment, fee: Fee) -> int:
    """What is held back of a line's fees, but for what invoices say of them beyond all that is due."""
    back = by_line(found.freed).get(fee.line_id, 0)
    beyond = fee.invoiced - (fee.earned + back - fee.withheld)
    if beyond <= 0 or not fee.withheld:
        return fee.withheld
    of_milestones = sum(amount for line, _, amount in found.milestones.withheld if line == fee.line_id)
    of_work = found.time.held_before(fee.line_id, found.time.position.day + 1) + of_milestones
    return fee.withheld - max(0, min(beyond, fee.withheld, of_work + fee.withheld - back))


def _tier(code: str, ruling: Ruling) -> Tier:
    """A check that warns by itself blocks where the policy wants it to; others stop, or inform, in their own way."""
    tier = RULES[code].tier
    if ruling.action == "warning":
        return "info" if tier == "info" else "warning"
    return "blocking" if tier == "warning" else tier


def _code(check: tuple[Code, Tier, Issue]) -> str:
    return check[0]


def _payers(position: Position, ready: int) -> list[dict[str, str]]:
    """What of the ready amount each payer has; nobody where the terms name none, or none who pays."""
    payers = position.terms.payers if position.terms is not None else ()
    ratios = [payer.ratio for payer in payers]
    if not sum(ratios):
        return []
    parts = split(round_to(ready, position.exponent), ratios, position.exponent)
    return [
        {"client_id": payer.client_id, "amount": show(part, position.exponent)}
        for payer, part in zip(payers, parts, strict=True)
    ]


def _state(stops: list[str], ready: int, blockers: list[dict[str, Any]]) -> str:
    if stops:
        return "blocked"
    if any(blocker["tier"] == "held" and blocker["scope"] == "contract" for blocker in blockers):
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
    stops += [flaw.code for flaw in papers.flaws if _stops_all(flaw.code)]
    if papers.disputes.count:
        stops.append("DISPUTE_OPEN")
    return stops


def _stops_all(code: str) -> bool:
    return RULES[code].scope == "contract" and RULES[code].tier in ("critical", "blocking")


def _inside(position: Position) -> dict[str, Sum]:
    """What each line comes to within the term: the whole of it, unless work lies outside."""
    terms = position.terms
    if terms is None:
        return position.sums
    low, high = terms.term_from, min(terms.term_to, position.day)
    if all(low <= s.first and s.last <= high for s in position.sums.values()):
        return position.sums
    return position.book.between(low, high, position.day)


def _held_back(position: Position, inside: dict[str, Sum], blockers: _Blockers, unpriced: int, foreign: Issue) -> int:
    """What blockers of scope entry hold back.

    `unpriced` counts months of retainers whose overage has no rate, `foreign` subcontracts in another currency.
    """
    held_back = _issues(position, blockers, unpriced, foreign)
    ready = [s.totals for s in position.sums.values()]
    within = [s.totals for s in inside.values()]
    outside = [sum(t[p] for t in ready) - sum(t[p] for t in within) for p in (READY_ENTRIES, READY_AMOUNT)]
    spent = sum(s.ready_spends for s in position.sums.values()) - sum(s.ready_spends for s in inside.values())
    issue = NONE
    if outside[0] and position.terms:
        issue = _outside(position, position.terms, outside[0], outside[1])
    if spent and position.terms:
        issue = joined(issue, _spent_outside(position, position.terms))
    if issue.count:
        blockers.add("OUTSIDE_TERM", issue)
    return held_back + issue.amount


def _over_cap(parts: Iterable[Passed], blockers: _Blockers) -> None:
    """What exceeds a cap is refused, or where the cap only warns, pointed out."""
    tiers: tuple[Tier, Tier] = ("blocking", "warning")
    over = dict.fromkeys(tiers, NONE)
    for part in parts:
        tier = tiers[part.warns]
        over[tier] = joined(over[tier], part.over)
    for tier, issue in over.items():
        if issue.count:
            blockers.add("CAP_EXCEEDED", issue, tier=tier)


def _foreign(position: Position, subcontracts: Iterable[Commitment]) -> Issue:
    """Subcontracts in another currency than the contract's: nothing says of which day a rate would be."""
    terms = position.terms
    its = [one for one in subcontracts if terms is not None and one.currency != terms.currency]
    evidence = sorted((0, one.commitment_id, one.id) for one in its)[:EVIDENCE_LIMIT]
    return Issue(len(its), 0, min((one.time for one in its), default=0), evidence)


def _issues(position: Position, blockers: _Blockers, unpriced: int, foreign: Issue) -> int:
    issues = dict(position.total(None).issues)
    if unpriced:
        known = issues.get("RATE_UNRESOLVED", Issue(0, 0, 0, []))
        issues["RATE_UNRESOLVED"] = Issue(known.count + unpriced, known.amount, known.since, known.evidence)
    if foreign.count:
        issues["CURRENCY_MISMATCH"] = joined(issues.get("CURRENCY_MISMATCH", NONE), foreign)
    for code in ("TIME_NOT_APPROVED", "RATE_UNRESOLVED", "CURRENCY_MISMATCH"):
        if code in issues:
            blockers.add(code, issues[code])
    waiting = issues.get("TIME_NOT_APPROVED")
    return waiting.amount if waiting else 0


def _adjustment(position: Position, time: Unbilled, milestones: Issue, blockers: _Blockers) -> int:
    """What is on invoices holds, less what was invoiced for it. Work later than as-of holds nothing yet."""
    until_now = position.total(None)
    everything = merged(position.invoiced().values())
    early = [everything.totals[p] - until_now.totals[p] for p in (CLAIMED_AMOUNT, CLAIMED_ENTRIES)]
    early[0] += everything.billed_spend_amount - until_now.billed_spend_amount
    early[1] += everything.billed_spends - until_now.billed_spends
    short, left = until_now.issues.get(UNDERBILLED, NONE), time.underbilled()
    amount = until_now.totals[ADJUSTMENT] - early[0] - short.amount + left.amount + milestones.amount
    count = until_now.totals[ADJUSTED] + early[1] - short.count + left.count + milestones.count
    if count:
        known = joined(joined(until_now.issues.get("ADJUSTMENT_NEEDED", NONE), left), milestones)
        blockers.add("ADJUSTMENT_NEEDED", Issue(count, amount, known.since, known.evidence))
    return amount


class _Strays:
    """Ready entries outside the term: when the earliest was said, and the first few."""

    __slots__ = ("evidence", "since")

    def __init__(self) -> None:
        self.since = 0
        self.evidence: list[tuple[int, str, str]] = []

    def copy(self) -> _Strays:
        other = _Strays()
        other.since, other.evidence = self.since, list(self.evidence)
        return other

    def add(self, entry: str, row: Row) -> None:
        self.since = min(self.since, row.time) if self.evidence else row.time
        if len(self.evidence) < EVIDENCE_LIMIT:
            self.evidence.append((row.day, entry, row.id))


def _spent_outside(position: Position, terms: Terms) -> Issue:
    """Expenses to be invoiced whose day lies outside the term."""
    found = NONE
    for low, high in terms.outside(position.day):
        for expense, spend in position.book.unbilled_spends(low, high, position.day):
            found = joined(found, Issue(1, spend.amount or 0, spend.time, [(spend.day, expense, spend.id)]))
    return found


def _outside(position: Position, terms: Terms, count: int, amount: int) -> Issue:
    def step(strays: _Strays, entry: str, row: Row, claims: Claims | None) -> None:
        if is_ready(row, claims, position.day):
            strays.add(entry, row)

    strays = _Strays()
    for span in terms.outside(position.day):
        name = "early" if span[0] < terms.term_from else "late"
        rests_on = (position.day, *strays.evidence, strays.since)
        strays = position.walks.over(position.book, name, rests_on, span, strays.copy(), step)
    return Issue(count, amount, strays.since, strays.evidence)


def _milestones(position: Position, milestones: Iterable[Milestone]) -> Reached:
    accepted: list[tuple[Milestone, int]] = []
    held: list[tuple[str, int, int]] = []
    waiting = changed = NONE
    for milestone in sorted(milestones, key=lambda m: m.milestone_id):
        if not billable(position, milestone):
            continue
        invoiced = claimed(milestone.claims, position.day)
        difference = unmet(position, milestone)
        if difference:
            evidence = [(0, milestone.milestone_id, milestone.id)]
            changed = joined(changed, Issue(1, difference, milestone.time, evidence))
        if _accepted(position, milestone):
            kept = _withheld(position, milestone, invoiced)
            held.append((_line_of(position, milestone) or "", milestone.accepted_on or 0, kept))
            if not invoiced:
                accepted.append((milestone, milestone.amount - kept))
        elif waits(position, milestone):
            evidence = [(0, milestone.milestone_id, milestone.id)]
            waiting = joined(waiting, Issue(1, milestone.amount, milestone.time, evidence))
    return Reached(accepted, held, waiting, changed)


def _accepted(position: Position, milestone: Milestone) -> bool:
    begun = milestone.accepted_on is None or milestone.accepted_on <= position.day
    return milestone.status == "accepted" and begun


def waits(position: Position, milestone: Milestone) -> bool:
    """Whether it is completed and waits for acceptance: not before the day of the first, nor from that of the second.

    One that was invoiced already waits for nobody.
    """
    if not billable(position, milestone) or claimed(milestone.claims, position.day):
        return False
    on = milestone.completed_on
    if milestone.status == "accepted":
        return on is not None and on <= position.day and not _accepted(position, milestone)
    return milestone.status == "completed" and (on is None or on <= position.day)


def unmet(position: Position, milestone: Milestone) -> int:
    """What an invoiced milestone holds now less what was invoiced for it and what is held back.

    It holds nothing once it was rejected or cancelled. One that was invoiced before its acceptance is not settled, nor
    is one of a contract whose terms nobody knows: 0.
    """
    invoiced = claimed(milestone.claims, position.day)
    if not invoiced or not billable(position, milestone):
        return 0
    if milestone.status in ("rejected", "cancelled"):
        return -invoiced
    then = position.agreement.on(milestone.billed_on)
    if then is None or then.retro_policy == "prospective_only" or not _accepted(position, milestone):
        return 0
    return milestone.amount - invoiced - _withheld(position, milestone, invoiced)


def _line_of(position: Position, milestone: Milestone) -> str | None:
    return milestone.line_id or (position.terms.only_line if position.terms is not None else None)


def _withheld(position: Position, milestone: Milestone, invoiced: int) -> int:
    """What is held back of a milestone by the terms of its acceptance, and once it is invoiced, of what is missing."""
    terms = position.agreement.on(milestone.billed_on) if position.terms is not None else None
    line = terms.lines.get(_line_of(position, milestone) or "") if terms is not None else None
    if terms is None or line is None or not line.retainage:
        return 0
    whole = withheld(milestone.amount, line.retainage, terms.exponent, half_even=terms.rounding.half_even)
    return kept_of(milestone.amount - invoiced, whole) if invoiced else whole


def _released(
    position: Position, time: Unbilled, milestones: Reached, earned: Sequence[Fee], papers: Papers
) -> list[Freed]:
    """What was released of each line's retainage: of work by its date, of milestones by their acceptance, of fees."""
    terms = position.terms
    releases = [one for one in papers.releases if one.on <= position.day]
    if terms is None or not releases:
        return []
    only_line = terms.only_line
    of_fees = {fee.line_id: fee.withheld for fee in earned}
    every = sorted({*position.sums, *of_fees, *(line for line, _, _ in milestones.withheld)})

    def held(line: str, day: int) -> int:
        of_milestones = sum(amount for its, on, amount in milestones.withheld if its == line and on < day)
        return time.held_before(line, day) + of_milestones + of_fees.get(line, 0)

    def lines_of(named: str | None) -> Sequence[str]:
        line = named or only_line
        return [line] if line is not None else every

    return released(releases, held, lines_of, terms.exponent, half_even=terms.rounding.half_even)


def billable(position: Position, milestone: Milestone) -> bool:
    """Whether the milestone's line bills at all."""
    if position.terms is None:
        return True
    line = position.terms.lines.get(_line_of(position, milestone) or "")
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


def milestone_of(
    message: Any, said: Mapping[str, Any], amount: int, claims: Claims | None, periods: frozenset[str] = frozenset()
) -> Milestone:
    """Read a milestone from its folded fields; `message` is the deciding one, `amount` what it is billed at."""
    accepted_on, completed_on = said.get("accepted_on"), said.get("completed_on")
    return Milestone(
        milestone_id=said["milestone_id"],
        status=message.type.split(".")[1],
        amount=amount,
        line_id=said.get("line_id"),
        accepted_on=calendar.number(accepted_on) if accepted_on else None,
        id=message.id,
        time=message.time,
        claims=claims,
        periods=periods,
        completed_on=calendar.number(completed_on) if completed_on else None,
    )
