"""A small made-up firm behind the real shape of the API, so that the page can be driven without an engine.

Everything follows from a seed: the same seed gives the same contracts, entries and figures. Amounts are Decimals and
every total is the sum of its entries, so what the page shows can be compared with what the API says.
`python -m tests.browser.firm --contracts 60` serves it for looking at.
"""

import argparse
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

AS_OF = date(2026, 11, 20)
WATERMARK = "2026-11-20T16:42:07Z"
CENT = Decimal("0.01")
ZERO = Decimal(0)
WINDOW = timedelta(days=28)
ROLES = {"Partner": 320, "Principal": 245, "Senior": 180, "Consultant": 135, "Analyst": 95}
CLIENTS = [
    "Alder Water",
    "Baltic Ports",
    "Cedar Health",
    "Dunmore Foods",
    "Eastfield Rail",
    "Fjord Energy",
    "Granite Bank",
    "Harbour Air",
    "Iris Optics",
    "Juniper Retail",
]
WORK = [
    "ERP roll-out",
    "Pricing review",
    "Data platform",
    "Service desk",
    "Tariff model",
    "Plant controls",
    "Claims migration",
    "Operating model",
    "Network audit",
    "Customer portal",
]
PHASES = ["Discovery", "Phase 1", "Phase 2", "Run", "Extension"]
FORMULA = (
    "Sum over approved, billable, priced entries with a work date up to as-of: "
    "billable minutes × rate ÷ 60, each rounded once to the cent, half away from zero."
)
FIXES = {
    "TIME_NOT_APPROVED": (
        "blocking",
        "entry",
        "delivery manager",
        "Approve the submitted time, or reject it with a reason.",
    ),
    "RATE_UNRESOLVED": (
        "blocking",
        "entry",
        "commercial",
        "Set a bill rate for the role on this contract, valid from the first work date.",
    ),
    "PO_MISSING": (
        "blocking",
        "contract",
        "client partner",
        "Ask the client for a purchase order number and record it on the contract.",
    ),
    "BUDGET_EXCEEDED": (
        "warning",
        "contract",
        "project manager",
        "Agree an additive amendment before more work is booked.",
    ),
}


def text(amount: Decimal) -> str:
    """The amount with the two decimals of every currency this firm uses."""
    return str(amount.quantize(CENT, ROUND_HALF_UP))


def ratio(part: Decimal, whole: Decimal | None) -> str | None:
    return None if not whole or whole <= 0 else str((part / whole).quantize(Decimal("0.0001"), ROUND_HALF_UP))


@dataclass(frozen=True)
class Entry:
    """One time entry as the engine would know it."""

    entry_id: str
    on: date
    resource_id: str
    role: str
    line_id: str
    minutes: int
    billable: bool
    status: str
    rate: Decimal | None
    invoiced: bool

    @property
    def amount(self) -> Decimal:
        """Billable minutes × rate, rounded once: 450 min × 180.00/h = 1350.00."""
        if not self.billable or self.rate is None:
            return ZERO
        return (Decimal(self.minutes) * self.rate / 60).quantize(CENT, ROUND_HALF_UP)

    @property
    def counts(self) -> bool:
        return self.status == "approved" and self.billable


@dataclass
class Contract:
    """One contract with its entries; `version` is the offset of the record that touched it last."""

    contract_id: str
    name: str
    client_id: str
    client: str
    currency: str
    status: str
    begins: date
    ends: date
    lines: dict[str, Decimal | None]
    cap: Decimal | None
    po_missing: bool
    entries: list[Entry] = field(default_factory=list)
    version: int = 0

    def of(self, line_id: str | None) -> list[Entry]:
        return [entry for entry in self.entries if line_id in (None, entry.line_id)]

    def budget(self, line_id: str | None) -> Decimal | None:
        if line_id is not None:
            return self.lines[line_id]
        known = [budget for budget in self.lines.values() if budget is not None]
        return sum(known, ZERO) if known else None


def burn(contract: Contract, line_id: str | None) -> Json:
    """The `burn.updated` payload of a contract or one of its lines."""
    entries = contract.of(line_id)
    counted = [entry for entry in entries if entry.counts]
    pending = [entry for entry in entries if entry.status == "submitted"]
    amount = sum((entry.amount for entry in counted), ZERO)
    minutes = sum(entry.minutes for entry in counted)
    budget = contract.budget(line_id)
    window = [entry for entry in counted if AS_OF - WINDOW < entry.on <= AS_OF]
    window_amount = sum((entry.amount for entry in window), ZERO)
    budget_minutes = None if budget is None else int(budget / 130) * 60
    return {
        "contract_id": contract.contract_id,
        "line_id": line_id,
        "status": contract.status,
        "currency": contract.currency,
        "contract_version": 3,
        "as_of": AS_OF.isoformat(),
        "state_version": contract.version,
        "approved": {
            "billable_minutes": minutes,
            "nonbillable_minutes": sum(
                entry.minutes for entry in entries if entry.status == "approved" and not entry.billable
            ),
            "amount": text(amount),
            "cost": "0.00",
        },
        "pending": {
            "minutes": sum(entry.minutes for entry in pending),
            "amount": text(sum((entry.amount for entry in pending), ZERO)),
        },
        "unpriced_minutes": sum(entry.minutes for entry in counted if entry.rate is None),
        "expenses": "0.00",
        "committed": "0.00",
        "budget": {"minutes": budget_minutes, "amount": None if budget is None else text(budget)},
        "remaining": {
            "minutes": None if budget_minutes is None else budget_minutes - minutes,
            "amount": None if budget is None else text(budget - amount),
        },
        "ratio": {
            "minutes": ratio(Decimal(minutes), None if budget_minutes is None else Decimal(budget_minutes)),
            "amount": ratio(amount, budget),
        },
        "thresholds": {"minutes": [], "amount": []},
        "per_week": {
            "minutes": str(Decimal(sum(entry.minutes for entry in window)) / 4),
            "amount": text(window_amount / 4),
        },
        "exhaustion": exhaustion(counted, budget, amount, window_amount),
        "by_period": grouped(counted, lambda entry: entry.on.isoformat()[:7]),
        "by_role": grouped(counted, lambda entry: entry.role),
    }


def exhaustion(counted: list[Entry], budget: Decimal | None, amount: Decimal, window: Decimal) -> Json:
    """As-of + ⌈remaining ÷ (window ÷ 28)⌉ days, or the first day the running total reached the budget."""
    nothing = {"minutes_on": None, "amount_on": None, "planned_on": None, "working_on": None}
    if budget is None or budget <= 0:
        return nothing
    if amount >= budget:
        total = ZERO
        for entry in sorted(counted, key=lambda entry: entry.on):
            total += entry.amount
            if total >= budget:
                return nothing | {"amount_on": entry.on.isoformat(), "minutes_on": entry.on.isoformat()}
    if window <= 0:
        return nothing
    days = -int(-((budget - amount) * 28 / window) // 1)
    on = AS_OF + timedelta(days=days)
    return nothing | {"amount_on": on.isoformat(), "minutes_on": on.isoformat()}


def grouped(entries: Iterable[Entry], key: Any) -> Json:
    groups: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[key(entry)].append(entry)
    return {
        name: {"minutes": sum(e.minutes for e in group), "amount": text(sum((e.amount for e in group), ZERO))}
        for name, group in sorted(groups.items())
    }


def readiness(contract: Contract) -> Json:
    """The `readiness.updated` payload: approved and uninvoiced is ready, unless the purchase order is missing."""
    counted = [entry for entry in contract.entries if entry.counts and entry.rate is not None]
    invoiced = sum((entry.amount for entry in counted if entry.invoiced), ZERO)
    open_entries = [entry for entry in counted if not entry.invoiced]
    could_be = sum((entry.amount for entry in open_entries), ZERO)
    over = max(ZERO, invoiced + could_be - contract.cap) if contract.cap is not None else ZERO
    pending = [entry for entry in contract.entries if entry.status == "submitted"]
    unpriced = [entry for entry in contract.entries if entry.counts and entry.rate is None]
    held = sum((entry.amount for entry in pending), ZERO)
    ready = ZERO if contract.po_missing else could_be - over
    blockers = []
    if contract.po_missing:
        blockers.append(blocker("PO_MISSING", 1, could_be, contract.begins, [f"ev-{contract.contract_id}-v1"]))
    if pending:
        blockers.append(
            blocker(
                "TIME_NOT_APPROVED",
                len(pending),
                held,
                min(entry.on for entry in pending),
                [f"ev-{entry.entry_id}" for entry in pending[:5]],
            )
        )
    if unpriced:
        blockers.append(
            blocker(
                "RATE_UNRESOLVED",
                len(unpriced),
                ZERO,
                min(entry.on for entry in unpriced),
                [f"ev-{entry.entry_id}" for entry in unpriced[:5]],
            )
        )
    budget = contract.budget(None)
    if budget is not None and invoiced + could_be > budget:
        blockers.append(blocker("BUDGET_EXCEEDED", 1, ZERO, AS_OF - timedelta(days=9), []))
    state = (
        "blocked"
        if contract.po_missing
        else "nothing_to_bill"
        if ready <= 0
        else "ready_with_warnings"
        if blockers
        else "ready"
    )
    return {
        "contract_id": contract.contract_id,
        "as_of": AS_OF.isoformat(),
        "state_version": contract.version,
        "state": state,
        "ready_amount": text(ready),
        "ready_time_amount": text(ready),
        "ready_milestone_amount": "0.00",
        "ready_expense_amount": "0.00",
        "ready_fee_amount": "0.00",
        "ready_minutes": sum(entry.minutes for entry in open_entries),
        "ready_entries": len(open_entries),
        "blocked_amount": text(held + (could_be if contract.po_missing else ZERO)),
        "over_cap_amount": text(over),
        "invoiced_amount": text(invoiced),
        "adjustment_amount": "0.00",
        "retained_amount": "0.00",
        "blockers": blockers,
    }


def blocker(code: str, count: int, amount: Decimal, since: date, evidence: list[str]) -> Json:
    tier, scope, owner, fix = FIXES[code]
    return {
        "code": code,
        "tier": tier,
        "scope": scope,
        "owner": owner,
        "count": count,
        "amount": text(amount),
        "since": since.isoformat(),
        "evidence": evidence,
        "fix": fix,
    }


def weeks() -> list[date]:
    """The Mondays of the last thirteen ISO weeks, oldest first, the week of as-of last."""
    monday = AS_OF - timedelta(days=AS_OF.weekday())
    return [monday - timedelta(weeks=back) for back in range(12, -1, -1)]


def weekly(contract: Contract) -> list[tuple[Decimal, int]]:
    sums: defaultdict[date, tuple[Decimal, int]] = defaultdict(lambda: (ZERO, 0))
    for entry in contract.entries:
        if entry.counts:
            monday = entry.on - timedelta(days=entry.on.weekday())
            amount, minutes = sums[monday]
            sums[monday] = (amount + entry.amount, minutes + entry.minutes)
    return [sums[monday] for monday in weeks()]


class Firm:
    """All contracts, and the answers the API gives about them."""

    def __init__(self, contracts: int, entries: int = 260, seed: int = 7) -> None:
        self.seed = seed
        self.version = 0
        self.stale = False
        self.honest = True
        self.queued = 602
        self.partitions_answered = 4
        self.contracts = {contract.contract_id: contract for contract in self._made(contracts, entries)}

    def _made(self, number: int, entries: int) -> Iterator[Contract]:
        for index in range(1, number + 1):
            yield self._contract(index, entries)

    def _contract(self, index: int, entries: int) -> Contract:
        dice = Random(f"{self.seed}:{index}")
        client = dice.choice(CLIENTS)
        ends_in = dice.randrange(40, 400)
        contract = Contract(
            contract_id=f"C-{index:04d}",
            name=f"{client} – {dice.choice(WORK)}, {dice.choice(PHASES)}",
            client_id=client.upper().replace(" ", "-"),
            client=client,
            currency=dice.choices(["EUR", "GBP", "USD"], [6, 2, 1])[0],
            status=dice.choices(["active", "suspended", "closed"], [18, 1, 1])[0],
            begins=AS_OF - timedelta(days=dice.randrange(100, 330)),
            ends=AS_OF + timedelta(days=ends_in),
            lines={f"L-{number}": None for number in range(1, dice.randrange(2, 5))},
            cap=None,
            po_missing=dice.random() < 0.12,
        )
        contract.entries = self._entries(contract, entries, dice)
        self._set_budget(contract, dice)
        self.version += 1
        contract.version = self.version
        return contract

    def _entries(self, contract: Contract, number: int, dice: Random) -> list[Entry]:
        span = (AS_OF - contract.begins).days
        team = [(f"R-{dice.randrange(1, 140):03d}", dice.choice(list(ROLES))) for _ in range(4)]
        invoiced_until = AS_OF.replace(day=1) - timedelta(days=dice.choice([0, 0, 31]))
        prompt, unpriced = dice.random() < 0.35, dice.random() < 0.2
        made = []
        for number_ in range(dice.randrange(number // 2, number + 1)):
            on = contract.begins + timedelta(days=int(span * dice.random() ** 0.8))
            resource_id, role = dice.choice(team)
            late = not prompt and on > AS_OF - timedelta(days=12)
            status = dice.choices(["approved", "submitted", "rejected"], [5, 4, 0.2] if late else [60, 0, 1])[0]
            made.append(
                Entry(
                    entry_id=f"TE-{contract.contract_id[2:]}-{number_:04d}",
                    on=on,
                    resource_id=resource_id,
                    role=role,
                    line_id=dice.choice(list(contract.lines)),
                    minutes=dice.choice([120, 240, 360, 435, 450, 480, 480]),
                    billable=dice.random() > 0.05,
                    status=status,
                    rate=None if unpriced and dice.random() < 0.01 else Decimal(ROLES[role]),
                    invoiced=status == "approved" and on < invoiced_until,
                )
            )
        return sorted(made, key=lambda entry: (entry.on, entry.entry_id))

    @staticmethod
    def _set_budget(contract: Contract, dice: Random) -> None:
        if dice.random() < 0.06:
            return
        used = dice.choices([dice.uniform(0.25, 0.75), dice.uniform(0.75, 0.97), dice.uniform(1.0, 1.25)], [6, 4, 1])[0]
        for line_id in contract.lines:
            amount = sum((entry.amount for entry in contract.of(line_id) if entry.counts), ZERO)
            contract.lines[line_id] = (amount / Decimal(str(round(used, 3)))).quantize(
                Decimal("1E3"), ROUND_HALF_UP
            ) + 1000
        budget = contract.budget(None)
        if dice.random() < 0.3 and budget is not None:
            contract.cap = (budget * Decimal("1.1")).quantize(Decimal("1E3"))

    def approve(self, contract_id: str, minutes: int, on: date = AS_OF) -> Contract:
        """Approve one more entry of a Senior at 180.00/h: 60 minutes add 180.00."""
        contract = self.contracts[contract_id]
        self.version += 1
        contract.version = self.version
        entry = Entry(
            f"TE-N-{self.version}",
            on,
            "R-001",
            "Senior",
            next(iter(contract.lines)),
            minutes,
            True,
            "approved",
            Decimal(180),
            False,
        )
        contract.entries.append(entry)
        return contract

    def meta(self) -> Json:
        return {
            "as_of": AS_OF.isoformat(),
            "watermark": WATERMARK,
            "stale": self.stale,
            "partitions_answered": self.partitions_answered,
            "partitions_total": 4,
            "state_version": self.version,
            "engine_version": "0.1.0",
        }

    def row(self, contract: Contract) -> Json:
        said = burn(contract, None)
        state = readiness(contract)
        used = Decimal(said["ratio"]["amount"] or 0)
        return {
            "contract_id": contract.contract_id,
            "name": contract.name,
            "client_id": contract.client_id,
            "status": contract.status,
            "currency": contract.currency,
            "burn": said,
            "readiness": state
            | {
                "blockers": [
                    {key: item[key] for key in ("code", "tier", "count", "amount")} for item in state["blockers"]
                ]
            },
            "cap": None if contract.cap is None else {"amount": text(contract.cap), "minutes": None},
            "weeks": [text(amount) for amount, _ in weekly(contract)],
            "urgency": float(used * 100 + (60 if contract.po_missing else 0)),
        }

    def overview(self) -> Json:
        cash: dict[str, defaultdict[str, Decimal]] = {"ready": defaultdict(Decimal), "blocked": defaultdict(Decimal)}
        values: defaultdict[str, list[Decimal]] = defaultdict(lambda: [ZERO] * 13)
        minutes = [0] * 13
        past = soon = either = 0
        for contract in self.contracts.values():
            state, said = readiness(contract), burn(contract, None)
            cash["ready"][contract.currency] += Decimal(state["ready_amount"])
            cash["blocked"][contract.currency] += Decimal(state["blocked_amount"])
            ends = said["exhaustion"]["amount_on"]
            burning = contract.status in ("active", "suspended")
            near = burning and max(
                (Decimal(value) for value in said["ratio"].values() if value), default=ZERO
            ) >= Decimal("0.9")
            ending = burning and ends is not None and date.fromisoformat(ends) <= AS_OF + WINDOW
            past, soon, either = past + near, soon + ending, either + (near or ending)
            for index, (amount, worked) in enumerate(weekly(contract)):
                values[contract.currency][index] += amount
                minutes[index] += worked
        return self.meta() | {
            **{
                name: [{"currency": code, "amount": text(amounts[code])} for code in sorted(amounts)]
                for name, amounts in cash.items()
            },
            "at_risk": {"contracts": either, "over_90": past, "exhausting_4_weeks": soon},
            "utilization": None,
            "health": {"lag": 0, "dead_letters": 3, "parked": 12, "exceptions": 4, "records": self.dispositions()},
            "trend": {
                "weeks": [f"{monday.isocalendar().year}-W{monday.isocalendar().week:02d}" for monday in weeks()],
                "approved_amount": [
                    {"currency": code, "values": [text(value) for value in values[code]]} for code in sorted(values)
                ],
                "minutes": minutes,
            },
        }

    def dispositions(self) -> Json:
        """The five counts add up to the records read."""
        applied = sum(len(contract.entries) for contract in self.contracts.values())
        return {
            "read": applied + 40 + 18 + 12 + 3,
            "applied": applied,
            "duplicate": 40,
            "stale": 18,
            "parked": 12,
            "dead_lettered": 3,
        }

    def contract(self, contract: Contract) -> Json:
        budget = contract.budget(None)
        return (
            self.row(contract)
            | self.meta()
            | {
                "client": {"client_id": contract.client_id, "name": contract.client},
                "term": {"from": contract.begins.isoformat(), "to": contract.ends.isoformat()},
                "purchase_order": None
                if contract.po_missing
                else {"number": f"PO-{contract.contract_id[2:]}", "required": True},
                "practice": "Advisory",
                "lines": [self.line(contract, line_id) for line_id in contract.lines],
                "versions": self.versions(contract, budget),
                "rates": [
                    {
                        "rate_id": f"RC-{role.upper()}",
                        "scope": "role+contract",
                        "role": role,
                        "amount": f"{amount}.00",
                        "currency": contract.currency,
                        "unit": "hour",
                        "kind": "bill",
                        "effective_from": contract.begins.isoformat(),
                        "effective_to": None,
                    }
                    for role, amount in ROLES.items()
                ],
            }
        )

    def line(self, contract: Contract, line_id: str) -> Json:
        budget = contract.lines[line_id]
        return {
            "line_id": line_id,
            "title": PHASES[int(line_id[2:]) - 1],
            "billing_method": "time_and_materials",
            "budget": {"amount": None if budget is None else text(budget), "minutes": None},
            "cap": None,
            "burn": burn(contract, line_id),
        }

    def versions(self, contract: Contract, budget: Decimal | None) -> list[Json]:
        amended = contract.begins + (AS_OF - contract.begins) / 2
        shown = "none" if budget is None else f"{text(budget)} {contract.currency}"
        common = {"time": f"{amended.isoformat()}T09:12:00Z"}
        return [
            {
                "version": 1,
                "type": "contract.approved.v1",
                "kind": None,
                "effective_from": contract.begins.isoformat(),
                "time": f"{contract.begins.isoformat()}T10:00:00Z",
                "changes": ["First terms"],
            },
            {
                "version": 2,
                "type": "contract.amended.v1",
                "kind": "additive",
                "effective_from": amended.isoformat(),
                **common,
                "changes": [f"Budget raised to {shown}"],
            },
            {
                "version": 3,
                "type": "contract.amended.v1",
                "kind": "retroactive",
                "effective_from": (amended - timedelta(days=30)).isoformat(),
                **common,
                "changes": ["Rate of Senior 165.00 → 180.00"],
            },
        ]

    def daily(self, contract: Contract) -> Json:
        days: defaultdict[date, tuple[Decimal, int]] = defaultdict(lambda: (ZERO, 0))
        for entry in contract.entries:
            if entry.counts:
                amount, minutes = days[entry.on]
                days[entry.on] = (amount + entry.amount, minutes + entry.minutes)
        said = burn(contract, None)
        budget = contract.budget(None)
        amended = contract.begins + (AS_OF - contract.begins) / 2
        first = None if budget is None else text((budget * Decimal("0.8")).quantize(Decimal(100)))
        steps = [
            {"from": contract.begins.isoformat(), "minutes": said["budget"]["minutes"], "amount": first},
            {"from": amended.isoformat(), "minutes": said["budget"]["minutes"], "amount": said["budget"]["amount"]},
        ]
        return self.meta() | {
            "days": [
                {"on": on.isoformat(), "minutes": minutes, "amount": text(amount)}
                for on, (amount, minutes) in sorted(days.items())
            ],
            "budget": steps,
            "cap": None if contract.cap is None else {"amount": text(contract.cap), "minutes": None},
            "exhaustion": said["exhaustion"]
            | {
                f"p{chance}_on": (AS_OF + timedelta(days=chance)).isoformat() if budget is not None else None
                for chance in (50, 80, 90)
            },
        }

    def entries(self, contract: Contract, query: dict[str, str]) -> list[Json]:
        wanted = [
            entry
            for entry in contract.entries
            if query.get("line_id", entry.line_id) == entry.line_id
            and query.get("status", entry.status) == entry.status
            and entry.on.isoformat().startswith(query.get("period", ""))
            and query.get("on", entry.on.isoformat()) == entry.on.isoformat()
        ]
        return [entry_answer(entry) for entry in wanted]

    def explain(self, contract: Contract, figure: str, line_id: str | None) -> Json | None:
        """The figure with its steps; None for a figure this firm cannot explain."""
        payload: Any = burn(contract, line_id) | readiness(contract)
        for part in figure.split("."):
            payload = payload.get(part) if isinstance(payload, dict) else None
        if payload is None:
            return None
        steps = [step(entry) for entry in contract.of(line_id) if entry.counts]
        if figure == "remaining.amount":
            used = burn(contract, line_id)["approved"]["amount"]
            steps = [
                {"entry_id": "approved.amount", "line_id": line_id, "amount": used, "unit": None, "arithmetic": "Σ"}
            ]
        return self.meta() | {
            "figure": figure,
            "value": str(payload),
            "unit": "minutes"
            if "minutes" in figure
            else "date"
            if figure.endswith("_on")
            else "ratio"
            if figure.startswith("ratio")
            else contract.currency,
            "formula": FORMULA,
            "rules": [
                "The rate of an entry is the most specific one in force on its work date.",
                "A rejected or reversed entry counts nowhere.",
            ],
            "steps": steps[:200],
            "steps_total": len(steps),
            "checksum": hashlib.sha256(str(steps).encode()).hexdigest()[:16],
            "recomputed": str(payload),
            "agrees": self.honest,
        }

    def event(self, event_id: str) -> Json | None:
        """The event as it came; only time entries can be looked up here."""
        for contract in self.contracts.values():
            for entry in contract.entries:
                if f"ev-{entry.entry_id}" == event_id:
                    return original(entry, contract)
        return None

    def slas(self) -> Json:
        """One promise kept, one missed by far, one of which nothing is measured, and a rate."""
        late = {"subject": "time/E-7", "age_seconds": 3_456_000}

        def timed(name: str, target: int, half: int | None, most: int | None, late: Json | None = None) -> Json:
            met = None if most is None else most <= target
            measured = {"p50_seconds": half, "p95_seconds": most, "closed": 12, "breaches": 3 if late else 0}
            waiting = {"open": 2 if late else 0, "oldest_open": late}
            return {
                "sla": name,
                "meaning": f"what {name} is",
                "target_seconds": target,
                **measured,
                **waiting,
                "met": met,
            }

        rate = {"target_ratio": "0.0200", "ratio": "0.0150", "part": 3, "whole": 200, "met": True}
        items = [
            timed("invoice_readiness_lag", 259_200, 93_600, 180_000),
            timed("approved_time_to_acknowledged", 2_592_000, 1_000_000, 9_000_000, late),
            timed("amendment_sync_latency", 86_400, None, None),
            {"sla": "dispute_rate", "meaning": "disputes of invoices", **rate},
        ]
        return self.meta() | {"items": items}

    def gate(self) -> Json:
        """One ERP is closed until the evening, another takes so many a minute, of a third nothing is known."""

        def row(target: str | None, entity: str | None, waiting: int, **said: Any) -> Json:
            calm: Json = {"open": True, "opens_at": None, "why": {}, "oldest": None, "next_release_at": None}
            return (
                {"target": target, "legal_entity_id": entity, "waiting": waiting}
                | calm
                | {"late": 0, "rejected": 0}
                | said
            )

        evening = "2026-11-20T20:00:00Z"
        since = "2026-11-20T14:30:00Z"
        items = [
            row(
                "old",
                "LE-1",
                1204,
                open=False,
                opens_at=evening,
                why={"window": 1200, "halted": 4},
                oldest=since,
                next_release_at=evening,
            ),
            row(
                "new",
                "LE-2",
                self.queued,
                why={"limit": self.queued},
                oldest=since,
                next_release_at=WATERMARK,
                late=2,
                rejected=1,
            ),
            row(None, None, 3, why={"no_route": 3}, oldest=since),
        ]
        return self.meta() | {"items": items}

    def shadow(self) -> Json:
        return self.meta() | {"targets": [{"target": "next", "same": 40, "differs": 2, "unanswered": 7}], "items": []}

    def streams(self) -> Json:
        topics = [("contracts", 1), ("timesheets", 4), ("staffing", 1), ("milestones", 1), ("erp-feedback", 1)]
        return self.meta() | {
            "topics": [
                {
                    "topic": f"headrace.{name}",
                    "partition": partition,
                    "end_offset": 4000 + 17 * partition + self.version,
                    "position": 4000 + 17 * partition + self.version,
                    "lag": 0,
                }
                for name, partitions in topics
                for partition in range(partitions)
            ],
            "dispositions": self.dispositions(),
            "statements_per_second": 12.5,
            "events_per_second": 48.0,
            "hosts": ["embedded"],
            "engine_version": "0.1.0",
        }


def entry_answer(entry: Entry) -> Json:
    priced = entry.rate is not None
    return {
        "entry_id": entry.entry_id,
        "work_date": entry.on.isoformat(),
        "resource_id": entry.resource_id,
        "role": entry.role,
        "line_id": entry.line_id,
        "minutes": entry.minutes,
        "billable_minutes": entry.minutes if entry.billable else 0,
        "billable": entry.billable,
        "status": entry.status,
        "amount": text(entry.amount) if priced else None,
        "rate": text(entry.rate) if entry.rate is not None else None,
        "rate_id": f"RC-{entry.role.upper()}" if priced else None,
        "rate_scope": "role+contract" if priced else None,
        "invoiced_amount": text(entry.amount) if entry.invoiced else "0.00",
        "revision": 1,
        "source": "/psa/emea",
        "event_id": f"ev-{entry.entry_id}",
        "event_time": f"{entry.on.isoformat()}T17:00:00Z",
        "problem": None if priced else "RATE_UNRESOLVED",
    }


def step(entry: Entry) -> Json:
    return {
        "entry_id": entry.entry_id,
        "work_date": entry.on.isoformat(),
        "minutes": entry.minutes,
        "rate": None if entry.rate is None else text(entry.rate),
        "rate_id": f"RC-{entry.role.upper()}",
        "amount": text(entry.amount),
        "arithmetic": "no rate"
        if entry.rate is None
        else f"{entry.minutes} min × {text(entry.rate)}/h = {text(entry.amount)}",
        "event_id": f"ev-{entry.entry_id}",
        "source": "/psa/emea",
    }


def original(entry: Entry, contract: Contract) -> Json:
    return {
        "specversion": "1.0",
        "id": f"ev-{entry.entry_id}",
        "source": "/psa/emea",
        "type": f"time.{entry.status}.v1",
        "subject": f"time/{entry.entry_id}",
        "time": f"{entry.on.isoformat()}T17:00:00Z",
        "recordedtime": f"{entry.on.isoformat()}T17:00:04Z",
        "data": {
            "entry_id": entry.entry_id,
            "revision": 1,
            "contract_id": contract.contract_id,
            "resource_id": entry.resource_id,
            "work_date": entry.on.isoformat(),
            "minutes": entry.minutes,
            "role": entry.role,
            "line_id": entry.line_id,
            "billable": entry.billable,
        },
    }


def main() -> None:
    """Serve a firm until interrupted, with one new entry approved every now and then."""
    from tests.browser.server import serve_forever

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--contracts", type=int, default=60)
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--every", type=float, default=0.0, help="seconds between approvals; 0 for none")
    asked = parser.parse_args()
    serve_forever(Firm(asked.contracts, 260 if asked.contracts <= 500 else 24), asked.port, asked.every)


if __name__ == "__main__":
    main()
