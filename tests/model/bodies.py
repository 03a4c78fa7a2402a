"""The data of single events, all valid by the catalogue, small enough to collide often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from .choices import Choices, may

Data = dict[str, Any]

PEOPLE = ("P-1", "P-2", "P-3")
ROLES = ("engineer", "architect", "analyst")
PRACTICES = ("data", "cloud")
REGIONS = ("north", "south")
CLIENTS = ("CL-1", "CL-2")
LINES = ("L-1", "L-2", "L-3")
UNKNOWN_LINE = "L-9"
COMPANIES = ("LE-1", "LE-2")
TARGETS = ("s4", "netsuite")
POINTED_OUT = ("TIME_LATE", "DUPLICATE_SUSPECTED", "BILLED_EXCEEDS_WORKED")
"""Checks of single entries, which stop nothing."""
CHECKS = (
    *POINTED_OUT,
    "PO_EXPIRED",
    "PO_EXHAUSTED",
    "AMENDMENT_NOT_SYNCED",
    "CUSTOMER_MASTER_MISSING",
    "TAX_ID_MISSING",
    "TAX_CODE_INVALID",
    "LEGAL_ENTITY_MISMATCH",
    "COST_CENTRE_INVALID",
    "CURRENCY_RATE_MISSING",
    "PERIOD_CLOSED",
    "MARGIN_BELOW_FLOOR",
    "SUBCONTRACT_UNMATCHED",
)
BY_FEE = frozenset({"prepaid", "retainer", "percent_complete", "retainage"})
"""Features that bill fees of lines."""
# A contract keeps its currency for life, so its number decides it.
_CURRENCIES = ("EUR", "JPY", "KWD", "EUR")
# A whole amount of this many units is a day's work or so in the currency.
_SCALES = {"EUR": 1, "JPY": 100, "KWD": 1}
_DECIMALS = {"EUR": ("", ".50", ".99"), "JPY": ("",), "KWD": ("", ".125", ".999")}
_HOURLY = {
    "EUR": ("60", "100", "90.50", "100.005", "33.333333", "200", "0"),
    "JPY": ("6000", "9999.5", "10000", "3333.333333", "0"),
    "KWD": ("30", "60.0005", "33.333333", "0"),
}


@dataclass(frozen=True)
class Days:
    """The days a history plays on; `work` are those time is booked on."""

    work: Sequence[date]
    terms: Sequence[date] = field(default=())

    @classmethod
    def between(cls, start: date, end: date) -> Days:
        """Every day from `start` to `end`, terms beginning up to a month before."""
        span = [start + timedelta(days=n) for n in range((end - start).days + 1)]
        return cls(span, [start - timedelta(days=30 - n) for n in range(30)] + span)


def currency_of(contract_id: str) -> str:
    """C-1 is in euros, C-2 in yen, C-3 in dinars, and so on around."""
    return _CURRENCIES[(int(contract_id.split("-")[1]) - 1) % len(_CURRENCIES)]


def money(choices: Choices, currency: str, low: int, high: int) -> str:
    """An amount at the currency's exponent, between `low` and `high` day's works or so."""
    whole = choices.between(low, high) * 50 * _SCALES[currency]
    return f"{whole}{choices.one(_DECIMALS[currency])}"


def interval(choices: Choices, days: Sequence[date], *, open_end: int = 60) -> tuple[str, str | None]:
    """A start, and an end that is not before it; `open_end` per cent have none."""
    first, second = choices.one(days), choices.one(days)
    if choices.chance(100 - open_end):
        return min(first, second).isoformat(), max(first, second).isoformat()
    return first.isoformat(), None


def approved(choices: Choices, contract_id: str, version: int, days: Days, *, effective: date | None = None) -> Data:
    """A whole contract. `effective` fixes its first day; without it any day of the terms will do."""
    currency = currency_of(contract_id)
    start, end = interval(choices, days.terms, open_end=80)
    if effective is not None:
        start = effective.isoformat()
        end = end if end is not None and end >= start else None
    data: Data = {
        "contract_id": contract_id,
        "version": version,
        "client_id": choices.one(CLIENTS),
        "currency": currency,
        "effective_from": start,
        "term": {"from": start} if end is None else {"from": start, "to": end},
        "lines": [line(choices, line_id, currency) for line_id in LINES[: choices.between(1, 3)]],
    }
    if choices.chance(40) or may(choices, "day_increments", 60):
        data["rounding"] = rounding(choices)
    if may(choices, "prospective_only", 60):
        data["retro_policy"] = choices.one(("prospective_only", "prospective_only", "delta_line", "credit_rebill"))
    if may(choices, "contradictions", 60):
        data["payers"] = payers(choices)
    if may(choices, "contradictions", 4):
        data["currency"] = choices.one(tuple(_SCALES))
    if choices.chance(20):
        data["day_minutes"] = choices.one((450, 420))
    if choices.chance(20):
        data["purchase_order"] = {"required": True, **({"number": "PO-7"} if choices.chance(60) else {})}
    if may(choices, "checks", 80):
        data.update(party(choices))
    if may(choices, "checks", 40):
        data["purchase_order"] = order(choices, currency, days.work)
    if may(choices, "schedules", 70):
        data["billing_schedule"] = schedule(choices, days.work)
    if may(choices, "schedules", 40):
        data["purchase_order"] = order(choices, currency, days.work)
    if choices.chance(20):
        data["term"] = {**data["term"], "from": choices.one([d for d in days.terms if not end or d.isoformat() <= end])}
        data["term"]["from"] = data["term"]["from"].isoformat()
    return data


def party(choices: Choices) -> Data:
    """Who of the firm is party to a contract, and what the client's tax authority asks for."""
    tax = choices.one(({"jurisdiction": "DE"}, {"jurisdiction": "US-CA"}, {"jurisdiction": "Germany"}, {}))
    if choices.chance(30):
        tax = {**tax, "client_tax_id": "DE123456789"}
    data: Data = {"legal_entity_id": choices.one(COMPANIES), "cost_centre": choices.one(("4100", "4200")), "tax": tax}
    return {name: value for name, value in data.items() if choices.chance(85)}


def order(choices: Choices, currency: str, days: Sequence[date]) -> Data:
    """A client's order for so much, until some day."""
    data: Data = {"number": "PO-9", "amount": money(choices, currency, 2, 60)}
    return {**data, "expires_on": choices.one(days).isoformat()} if choices.chance(60) else data


def schedule(choices: Choices, days: Sequence[date]) -> Data:
    """When months are billed: parts of it are sometimes left out, and what does not belong to `every` may be there."""
    data: Data = {"every": choices.one(("month", "month", "quarter", "on_dates"))}
    if data["every"] == "on_dates" or choices.chance(10):
        data["dates"] = [choices.one(days).isoformat() for _ in range(choices.between(0, 4))]
    if choices.chance(60):
        data["day"] = choices.one((1, 5, 15, 30, 31))
    if choices.chance(50):
        data["grace_days"] = choices.one((0, 2, 10, 40))
    if choices.chance(20):
        del data["every"]
    return data


def payers(choices: Choices) -> list[Data]:
    """One to three clients who pay, their parts often not all of it."""
    ratios = choices.one((("1",), ("0.6", "0.4"), ("0.333333",) * 3, ("0.5", "0.3"), ("0.7", "0.7"), ("0", "0"), ()))
    return [{"client_id": f"CL-{choices.between(1, 9)}", "ratio": ratio} for ratio in ratios]


def rounding(choices: Choices) -> Data:
    """Mode, and sometimes an increment per entry."""
    rule: Data = {"mode": choices.one(("half_up", "half_even"))}
    if choices.chance(60):
        rule["increment_minutes"] = choices.one((6, 15, 30))
        if choices.chance(70):
            rule["direction"] = choices.one(("nearest", "up", "down"))
        if choices.chance(50):
            rule["tie"] = choices.one(("down", "up"))
        if choices.chance(50):
            rule["scope"] = "entry"
        if may(choices, "day_increments", 70):
            rule["scope"] = choices.one(("person_day", "client_day", "entry_day"))
    return rule


def line(choices: Choices, line_id: str, currency: str) -> Data:
    """One line of a contract, most of them time and materials with a budget."""
    data: Data = {"line_id": line_id, "billing_method": "time_and_materials"}
    if choices.chance(20):
        data["billing_method"] = choices.one(("milestone", "non_billable"))
    if choices.chance(70):
        data["budget"] = quantities(choices, currency, 2, 40)
    if choices.chance(50):
        data["cap"] = cap(choices, currency)
    if choices.chance(20):
        data["discount_ratio"] = choices.one(("0.2", "0.05", "0.3333"))
    if choices.chance(15):
        data["chargeable_roles"] = list(ROLES[: choices.between(1, 2)])
    if may(choices, "included", 50):
        data["included"] = included(choices)
    for method in ("prepaid", "retainer", "percent_complete"):
        if may(choices, method, 15):
            data.update(billed_by_fee(choices, method, currency))
    if may(choices, "retainage", 50):
        data["retainage_ratio"] = choices.one(("0.1", "0.05", "0.3333"))
    if may(choices, "contradictions", 12):
        data.update(incomplete(choices, currency))
    return data


def incomplete(choices: Choices, currency: str) -> Data:
    """A line by milestones with a fee for all of them, or one by a fee of which a part is missing."""
    fee = money(choices, currency, 0, 40)
    return choices.one(
        (
            {"billing_method": "milestone", "fee": fee},
            {"billing_method": "milestone", "fee": fee},
            {"billing_method": "percent_complete"},
            {"billing_method": "retainer", "retainer": {"minutes": 60}},
            {"billing_method": "retainer"},
            {"billing_method": "prepaid", "prepaid": {"minutes": 60}},
            {"billing_method": "prepaid", "prepaid": {"fee": fee}},
            {"billing_method": "prepaid"},
        )
    )


def billed_by_fee(choices: Choices, method: str, currency: str) -> Data:
    """The method of a line with what belongs to it."""
    fee = money(choices, currency, 2, 40)
    if method == "percent_complete":
        return {"billing_method": method, "fee": fee}
    if method == "prepaid":
        return {"billing_method": method, method: {"minutes": choices.one((600, 480, 70, 1200)), "fee": fee}}
    agreed: Data = {"fee": fee, "minutes": choices.one((480, 60, 1001)), "overage_rate": choices.one(_HOURLY[currency])}
    if choices.chance(75):
        agreed["rollover"] = choices.one(("all", "capped", "none"))
    if agreed.get("rollover") == "capped":
        agreed["cap_minutes"] = choices.one((240, 60, 500))
    if choices.chance(60):
        agreed["expiry_periods"] = choices.one((1, 2, 0))
    return {"billing_method": method, method: agreed}


def included(choices: Choices) -> Data:
    """Minutes for nothing; some of them no minutes, and some for a period nobody named."""
    minutes = {"minutes": choices.one((120, 60, 600, 7, 0))}
    return {**minutes, "per": choices.one(("week", "month", "term"))} if choices.chance(90) else minutes


def quantities(choices: Choices, currency: str, low: int, high: int) -> Data:
    """Minutes, money, or both."""
    which = choices.one((("minutes",), ("amount",), ("minutes", "amount")))
    values = {"minutes": choices.between(low, high) * 60, "amount": money(choices, currency, low, high)}
    return {name: values[name] for name in which}


def cap(choices: Choices, currency: str) -> Data:
    """A cap; one that only warns is about money, where its excess has an amount."""
    mode = choices.one(("block", "split", "warn", "warn"))
    limit = {"amount": money(choices, currency, 0, 15)} if mode == "warn" else quantities(choices, currency, 0, 15)
    return limit if mode == "block" and choices.chance(50) else {**limit, "on_exceed": mode}


def amended(choices: Choices, contract_id: str, version: int, days: Sequence[date]) -> Data:
    """An amendment of any kind but cancellation, changing one to three things."""
    currency = currency_of(contract_id)
    kind = choices.one(("additive", "replacement", "retroactive"))
    data: Data = {
        "contract_id": contract_id,
        "version": version,
        "amendment_id": f"{contract_id}-A-{version}",
        "kind": kind,
        "effective_from": choices.one(days).isoformat(),
    }
    if choices.chance(85):
        amend = added_line if kind == "additive" else changed_line
        data["lines"] = [amend(choices, one, currency) for one in _few(choices, LINES)]
    if choices.chance(20):
        data["rounding"] = choices.one(({"mode": "half_even"}, {"mode": "half_up", "increment_minutes": 15}))
    if may(choices, "day_increments", 20):
        data["rounding"] = {
            "increment_minutes": choices.one((15, 10)),
            "scope": choices.one(("person_day", "client_day")),
        }
    if may(choices, "prospective_only", 40):
        data["retro_policy"] = choices.one(("prospective_only", "credit_rebill", "delta_line"))
    if may(choices, "contradictions", 10):
        data.update(choices.one(({"payers": payers(choices)}, {"payers": None})))
    if may(choices, "contradictions", 6):
        data["currency"] = choices.one(tuple(_SCALES))
    if may(choices, "contradictions", 15):
        data["term"] = {choices.one(("to", "from")): choices.one(days).isoformat()}
    if choices.chance(15):
        data["client_id"] = choices.one(CLIENTS)
    if choices.chance(15):
        data["purchase_order"] = choices.one(({"number": "PO-8"}, {"required": False}))
    if may(choices, "checks", 20):
        data.update(choices.one((party(choices), {"purchase_order": order(choices, currency, days)})))
    if may(choices, "schedules", 25):
        parts: tuple[Data, ...] = ({"grace_days": 3}, {"every": None}, {"day": 20}, schedule(choices, days))
        data["billing_schedule"] = choices.one((*parts, None))
    if may(choices, "schedules", 15):
        data["purchase_order"] = choices.one(({"amount": money(choices, currency, 1, 20)}, {"number": "PO-10"}))
    if kind != "additive" and may(choices, "checks", 8):
        data.update(choices.one(({"legal_entity_id": None}, {"cost_centre": None}, {"tax": None})))
    if kind != "additive" and choices.chance(15):
        data.update(choices.one(({"purchase_order": None}, {"rounding": None}, {"day_minutes": None})))
    return data


def cancelled_by_amendment(contract_id: str, version: int, day: date) -> Data:
    """The amendment that ends a contract on `day`."""
    return {
        "contract_id": contract_id,
        "version": version,
        "amendment_id": f"{contract_id}-A-{version}",
        "kind": "cancellation",
        "effective_from": day.isoformat(),
    }


def added_line(choices: Choices, line_id: str, currency: str) -> Data:
    """Deltas on a line, negative ones too."""
    data: Data = {"line_id": line_id}
    minutes = {"minutes": choices.one((600, 120, -300, -6000))}
    sign = choices.one(("", "-"))
    amount = {"amount": sign + money(choices, currency, 1, 20)}
    data["budget"] = choices.one((minutes, amount, {**minutes, **amount}))
    if choices.chance(30):
        data["cap"] = dict(amount)
    if choices.chance(15):
        data["discount_ratio"] = "0.1"
    return data


def changed_line(choices: Choices, line_id: str, currency: str) -> Data:
    """Parts of a line that overwrite, or null that clears."""
    data: Data = {"line_id": line_id, "billing_method": "time_and_materials"}
    if choices.chance(60):
        data["budget"] = quantities(choices, currency, 2, 40)
    if choices.chance(25):
        data["cap"] = cap(choices, currency)
    if choices.chance(20):
        data.update(choices.one(({"discount_ratio": "0.25"}, {"discount_ratio": None}, {"cap": None})))
    if choices.chance(15):
        data.update(choices.one(({"chargeable_roles": ["engineer"]}, {"chargeable_roles": None}, {"budget": None})))
    if may(choices, "included", 40):
        data["included"] = choices.one((included(choices), {"minutes": 30}, {"minutes": 900}, None))
    for method in ("prepaid", "retainer", "percent_complete"):
        if may(choices, method, 15):
            data.update(billed_by_fee(choices, method, currency))
    if may(choices, "retainage", 40):
        data["retainage_ratio"] = choices.one(("0.2", "0.1", None))
    return data


def standing(contract_id: str, version: int, day: date) -> Data:
    """The data of suspended, resumed, closed and cancelled."""
    return {"contract_id": contract_id, "version": version, "effective_from": day.isoformat()}


def rate(choices: Choices, home: str | None, number: int, revision: int, days: Sequence[date]) -> Data:
    """A rate card of one contract (`home`), or of the firm with any scope. Its id says which: it never moves."""
    currency = currency_of(home) if home else choices.one(("EUR", "EUR", "EUR", "JPY", "KWD"))
    start, end = interval(choices, days, open_end=70)
    data: Data = {
        "rate_id": f"R-{home}-{number}" if home else f"R-{number}",
        "revision": revision,
        "amount": choices.one(_HOURLY[currency]),
        "currency": currency if choices.chance(93) else "USD",
        "effective_from": start,
    }
    if end is not None:
        data["effective_to"] = end
    if home is not None:
        data["contract_id"] = home
    if choices.chance(30):
        data["client_id"] = choices.one(CLIENTS)
    if choices.chance(30):
        data["resource_id"] = choices.one(PEOPLE)
    if choices.chance(40):
        data["role"] = choices.one(ROLES)
    if choices.chance(20):
        data["kind"] = choices.one(("cost", "bill"))
    if may(choices, "percent_complete", 25):
        data["kind"] = "cost"
    if choices.chance(15):
        data["unit"] = choices.one(("day", "hour"))
    return data


def cost(choices: Choices, home: str, number: int, revision: int, start: date) -> Data:
    """A cost rate for all work on a contract."""
    currency = currency_of(home)
    return {
        "rate_id": f"R-{home}-{number}",
        "revision": revision,
        "contract_id": home,
        "kind": "cost",
        "amount": choices.one(_HOURLY[currency]),
        "currency": currency,
        "effective_from": start.isoformat(),
    }


def time(choices: Choices, entry_id: str, revision: int, contract_id: str, days: Sequence[date]) -> Data:
    """A whole time entry."""
    data: Data = {
        "entry_id": entry_id,
        "revision": revision,
        "contract_id": contract_id,
        "resource_id": choices.one(PEOPLE),
        "work_date": choices.one(days).isoformat(),
        "minutes": choices.one((60, 480, 240, 90, 30, 5, 3, 7, 122, 450, 0, -60, -480, -7)),
    }
    if choices.chance(75):
        data["role"] = choices.one(ROLES)
    if choices.chance(60):
        data["line_id"] = choices.one((*LINES, *LINES, UNKNOWN_LINE))
    if choices.chance(12):
        data["billable"] = choices.chance(30)
    if choices.chance(10):
        data["rate_override"] = choices.one(("75", "0", "33.333333", "12.5"))
    if may(choices, "papers", 80):
        data["narrative"] = choices.one(("Workshop", "Überprüfung", "Workshop", "Überprüfung", " ", "\t "))
    if may(choices, "staffing", 40):
        data["category"] = choices.one(("training", "leave", "standard", "travel", "overtime"))
        data["billable"] = choices.chance(30)
    return data


def expense(choices: Choices, expense_id: str, revision: int, contract_id: str, days: Sequence[date]) -> Data:
    """A whole expense; the net has more decimals than some currencies."""
    currency = currency_of(contract_id) if choices.chance(85) else choices.one(("EUR", "USD"))
    data: Data = {
        "expense_id": expense_id,
        "revision": revision,
        "contract_id": contract_id,
        "date": choices.one(days).isoformat(),
        "net": {"amount": choices.one(("100", "412.35", "80.5", "0.005", "1000")), "currency": currency},
    }
    if choices.chance(40):
        data["markup_ratio"] = choices.one(("0.1", "0.05", "0.125"))
    if choices.chance(20):
        data["billable"] = choices.chance(30)
    if choices.chance(40):
        data["line_id"] = choices.one(LINES)
    if may(choices, "papers", 50):
        data["receipt_ref"] = choices.one(("scan-1", "scan-2", " "))
    if may(choices, "papers", 10):
        data["net"]["amount"] = choices.one(("-80", "25", "25.01"))
    return data


def exchange(choices: Choices, revision: int, days: Sequence[date]) -> Data:
    """The rate of a day between two of the currencies that expenses are in and contracts bill in."""
    pair = choices.one((("USD", "EUR"), ("EUR", "JPY"), ("USD", "JPY"), ("EUR", "KWD"), ("EUR", "USD")))
    return {
        "from_currency": pair[0],
        "to_currency": pair[1],
        "on": choices.one(days[::7] or days).isoformat(),
        "revision": revision,
        "rate": choices.one(("1.0847", "0.333333", "161.005", "2")),
    }


def milestone(choices: Choices, contract_id: str, number: int, revision: int, state: str, days: Sequence[date]) -> Data:
    """A planned milestone whole; any other state with what changes, or nothing more than its name."""
    data: Data = {"milestone_id": f"{contract_id}-M-{number}", "revision": revision, "contract_id": contract_id}
    if state == "planned" or choices.chance(20):
        data["amount"] = money(choices, currency_of(contract_id), 1, 40)
        if choices.chance(50):
            data["line_id"] = choices.one(LINES)
    if number % 2 and state == "planned":
        data["due_on"] = days[-1].isoformat()
    if state in {"completed", "accepted"} and choices.chance(80):
        data[f"{state}_on"] = choices.one(days).isoformat()
    return data


def invoice(contract_id: str, number: int, revision: int, lines: Sequence[Data], day: date | None) -> Data:
    """An invoice over `lines`, dated unless `day` is missing."""
    data = {
        "invoice_id": f"{contract_id}-I-{number}",
        "revision": revision,
        "contract_id": contract_id,
        "lines": list(lines),
    }
    return data if day is None else {**data, "invoiced_on": day.isoformat()}


def credit(contract_id: str, invoice_number: int, number: int, lines: Sequence[Data], day: date | None) -> Data:
    """A credit on an invoice, its lines with positive amounts."""
    data = {
        "credit_id": f"{contract_id}-K-{number}",
        "revision": 1,
        "invoice_id": f"{contract_id}-I-{invoice_number}",
        "contract_id": contract_id,
        "lines": list(lines),
    }
    return data if day is None else {**data, "credited_on": day.isoformat()}


def policy(choices: Choices, number: int, revision: int, home: str | None) -> Data:
    """A check turned on, or off, for a contract (`home`), a client's contracts, or all of them."""
    code = choices.one(CHECKS)
    # One that blocks all contracts leaves little to be billed.
    stops = code not in POINTED_OUT and choices.chance(50 if home else 3)
    actions = ("blocking",) if stops else ("warning", "warning", "off")
    data: Data = {"policy_id": f"Q-{home}-{number}" if home else f"Q-{number}", "revision": revision, "code": code}
    data["action"] = choices.one(actions)
    if home is not None:
        data["contract_id"] = home
    if choices.chance(15 if home else 35):
        data["client_id"] = choices.one(CLIENTS)
    if code == "TIME_LATE" and choices.chance(60):
        data["days"] = choices.one((0, 3, 30))
    if code == "MARGIN_BELOW_FLOOR":
        data["floor_ratio"] = choices.one(("0.3", "0", "0.6667", "1"))
    return data


def demanded(choices: Choices, number: int, revision: int, home: str | None) -> Data:
    """A narrative or receipt that a policy asks for, of a contract (`home`), a client's contracts, or all of them."""
    code = choices.one(("NARRATIVE_MISSING", "RECEIPT_MISSING"))
    data: Data = {"policy_id": f"Q-{home}-{number}" if home else f"Q-{number}", "revision": revision, "code": code}
    data["action"] = choices.one(("blocking", "warning", "off"))
    if home is not None:
        data["contract_id"] = home
    if choices.chance(20):
        data["client_id"] = choices.one(CLIENTS)
    if code == "RECEIPT_MISSING" and choices.chance(70):
        data["limit"] = choices.one(("25", "100", "80.5", "0", "0.004"))
    return data


def client(choices: Choices, revision: int) -> Data:
    """What the firm knows of a client; the rest is missing."""
    data: Data = {"client_id": choices.one(CLIENTS), "revision": revision}
    known = {"erp_customer_id": "D-1", "tax_id": "DE987654321", "name": "Client"}
    return data | {name: value for name, value in known.items() if choices.chance(60)}


def company(choices: Choices, revision: int) -> Data:
    """A company of the firm, with its currency and cost centres if anybody said them."""
    data: Data = {"legal_entity_id": choices.one(COMPANIES), "revision": revision}
    if choices.chance(70):
        data["currency"] = choices.one(("EUR", "USD"))
    if choices.chance(60):
        data["cost_centres"] = choices.one((["4100"], ["4100", "4200"], ["9999"]))
    return data


def period(choices: Choices, revision: int, days: Sequence[date]) -> Data:
    """A month of a company's books."""
    months = sorted({day.isoformat()[:7] for day in days})
    return {"legal_entity_id": choices.one(COMPANIES), "period": choices.one(months), "revision": revision}


def acknowledgement(choices: Choices, contract_id: str, revision: int, days: Sequence[date]) -> Data:
    """What an ERP made of a document, of one that there may never have been, too."""
    month, kind = choices.one(days).isoformat()[:7], choices.one(("time", "time", "expense", "milestone", "adjustment"))
    data: Data = {
        "document_key": f"{contract_id}/{month}/{kind}/{choices.between(1, 2)}",
        "revision": revision,
        "contract_id": contract_id,
        "target": choices.one(TARGETS),
        "status": choices.one(("accepted", "accepted", "rejected")),
    }
    if choices.chance(75):
        data["contract_version"] = choices.between(1, 4)
    if data["status"] == "rejected":
        return {**data, "reason": choices.one(("no such customer", "books closed"))}
    return {**data, "erp_id": str(choices.between(100, 999))}


def holiday(choices: Choices, number: int, revision: int, days: Sequence[date]) -> Data:
    """A holiday, for the firm or for one region."""
    data: Data = {"holiday_id": f"H-{number}", "revision": revision, "date": choices.one(days).isoformat()}
    return {**data, "region": "north"} if choices.chance(25) else data


def resource(choices: Choices, person: str, revision: int, days: Sequence[date]) -> Data:
    """A person's calendar and place from a day on; parts of it are sometimes left out."""
    data: Data = {"resource_id": person, "revision": revision, "effective_from": choices.one(days).isoformat()}
    if choices.chance(92):
        data["weekly_minutes"] = choices.one((2400, 2400, 2250, 1200, 2000, 1001, 0))
    if choices.chance(40):
        data["working_days"] = choices.one(
            ([1, 2, 3, 4, 5], [1, 2, 3, 4], [1, 3, 6], [6, 7], [1, 2, 3, 4, 5, 6, 7], [7])
        )
    for name, options in (("role", ROLES), ("practice", PRACTICES), ("region", REGIONS)):
        if choices.chance(80):
            data[name] = choices.one(options)
    if choices.chance(60):
        data["target_ratio"] = choices.one(("0.8", "0.75", "0.6667", "0", "1"))
    if choices.chance(35):
        start, end = interval(choices, days, open_end=30)
        both = {"employed_from": start} if end is None else {"employed_from": start, "employed_to": end}
        data |= choices.one((both, {"employed_from": start}, {"employed_to": end or start}))
    return data


def regional(choices: Choices, number: int, revision: int, days: Sequence[date]) -> Data:
    """What a region, or all, may work, or how long HR may be silent there."""
    data: Data = {"policy_id": f"W-{number}", "revision": revision}
    if choices.chance(50):
        data["region"] = choices.one(REGIONS)
    if choices.chance(25):
        data |= {"code": "FORECAST_STALE", "action": choices.one(("warning", "warning", "off"))}
        return {**data, "days": choices.one((0, 10, 40))} if choices.chance(80) else data
    data |= {"code": "REGIONAL_RULE_BROKEN", "action": choices.one(("blocking", "blocking", "warning", "off"))}
    minutes, worked = choices.one((2399, 2250, 1500)), choices.one(([1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6]))
    data |= choices.one(({"weekly_minutes": minutes}, {"weekly_minutes": minutes, "working_days": worked}))
    if choices.chance(30):
        data["effective_from"] = choices.one(days).isoformat()
    return data


def leave(choices: Choices, person: str, number: int, revision: int, days: Sequence[date]) -> Data:
    """Days away, of which few are whole weeks; people use the same numbers."""
    first = choices.one(days)
    last = first + timedelta(days=choices.one((0, 0, 1, 2, 4, 13)))
    data: Data = {"leave_id": f"V-{number}", "revision": revision, "resource_id": person}
    data |= {"from": first.isoformat(), "to": last.isoformat()}
    return {**data, "minutes_per_day": choices.one((240, 225, 100, 0, 1440))} if choices.chance(50) else data


def assignment(choices: Choices, number: int, revision: int, days: Sequence[date]) -> Data:
    """A booking by the week or in all, on any contract; now and then of somebody nobody has heard of."""
    first = choices.one(days)
    last = first + timedelta(days=choices.one((0, 1, 4, 6, 9, 20, 41, 200)))
    data: Data = {
        "assignment_id": f"A-{number}",
        "revision": revision,
        "resource_id": "P-9" if choices.chance(4) else choices.one(PEOPLE),
        "contract_id": choices.one(("C-1", "C-1", "C-2", "C-3")),
        "from": first.isoformat(),
        "to": last.isoformat(),
    }
    amount = choices.one((2400, 1200, 480, 1000, 100, 7, 3000, 0))
    data[choices.one(("minutes_per_week", "minutes_per_week", "minutes_total"))] = amount
    if choices.chance(60):
        data["booking"] = choices.one(("hard", "hard", "soft", "proposed"))
    if choices.chance(40):
        data["probability_ratio"] = choices.one(("0.6", "0.3", "0.3333", "0", "1"))
    if choices.chance(25):
        data["billable"] = choices.chance(30)
    if choices.chance(40):
        data["role"] = choices.one(ROLES)
    return data


def demand(choices: Choices, number: int, revision: int, days: Sequence[date]) -> Data:
    """Work for somebody of a role, of any practice or one."""
    first = choices.one(days)
    last = first + timedelta(days=choices.one((0, 3, 13, 34, 150)))
    data: Data = {
        "demand_id": f"D-{number}",
        "revision": revision,
        "role": choices.one(ROLES),
        "from": first.isoformat(),
        "to": last.isoformat(),
        "minutes_per_week": choices.one((2400, 1000, 601, 0)),
    }
    if choices.chance(60):
        data["practice"] = choices.one(PRACTICES)
    if choices.chance(60):
        data["probability_ratio"] = choices.one(("0.3", "0.75", "0.3333", "0"))
    if choices.chance(30):
        data["contract_id"] = choices.one(("C-1", "C-8" if number % 2 else "C-2"))  # nobody else speaks of C-8
    return data


def estimate(choices: Choices, contract_id: str, number: int, revision: int, days: Sequence[date]) -> Data:
    """What a line will have cost in the end; now and then without saying which line, or nothing at all."""
    cost = "0" if choices.chance(5) else money(choices, currency_of(contract_id), 2, 40)
    data: Data = {
        "estimate_id": f"{contract_id}-S-{number}",
        "revision": revision,
        "contract_id": contract_id,
        "cost": cost,
        "effective_from": choices.one(days).isoformat(),
    }
    return {**data, "line_id": choices.one(LINES)} if choices.chance(80) else data


def writeoff(choices: Choices, contract_id: str, number: int, revision: int, entry_ids: Sequence[str]) -> Data:
    """Some of `entry_ids` written off, or a sum."""
    data: Data = {"writeoff_id": f"{contract_id}-W-{number}", "revision": revision, "contract_id": contract_id}
    if choices.chance(50):
        return {**data, "amount": money(choices, currency_of(contract_id), 0, 6)}
    return {**data, "entry_ids": sorted({choices.one(entry_ids) for _ in range(choices.between(1, 3))})}


def release(choices: Choices, contract_id: str, number: int, revision: int, days: Sequence[date]) -> Data:
    """A part of what is held back on one line or all, as a ratio or a sum."""
    data: Data = {
        "release_id": f"{contract_id}-X-{number}",
        "revision": revision,
        "contract_id": contract_id,
        "on": choices.one(days).isoformat(),
    }
    if choices.chance(70):
        data["line_id"] = choices.one(LINES)
    if choices.chance(50):
        return {**data, "ratio": choices.one(("1", "0.5", "0.3333"))}
    return {**data, "amount": money(choices, currency_of(contract_id), 0, 3)}


def subcontract(choices: Choices, contract_id: str, number: int, revision: int) -> Data:
    """What a supplier was promised, or asks for; one in five in dollars, which no contract is in."""
    currency = currency_of(contract_id)
    data: Data = {
        "commitment_id": f"{contract_id}-U-{number}",
        "revision": revision,
        "contract_id": contract_id,
        "net": {
            "amount": money(choices, currency, 1, 30),
            "currency": "USD" if choices.chance(20) else currency,
        },
    }
    if choices.chance(60):
        data["line_id"] = choices.one((*LINES[:2], UNKNOWN_LINE))
    return data


def hindrance(kind: str, contract_id: str, number: int, revision: int) -> Data:
    """A hold or a dispute, begun or ended."""
    return {f"{kind}_id": f"{contract_id}-{kind}-{number}", "revision": revision, "contract_id": contract_id}


def withdrawing(choices: Choices, id_field: str) -> tuple[str, ...]:
    """What the end of a rate or a policy names; whose it is may be left out."""
    return (id_field, "revision", "contract_id") if choices.chance(60) else (id_field, "revision")


def only_named(data: Data, *names: str) -> Data:
    """What a cancelling event must carry, the rest left out."""
    return {name: data[name] for name in names if name in data}


def _few(choices: Choices, options: Sequence[str]) -> list[str]:
    chosen = [one for one in options if choices.chance(45)]
    return chosen or [options[0]]
