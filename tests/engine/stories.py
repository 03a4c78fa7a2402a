"""Short stories that chance seldom tells, each about one way in which a change reaches what came before it.

Told in any order they end in the same figures, so every one is also a story about lateness.
"""

from __future__ import annotations

from typing import Any

from tests.engine.noise import said
from tests.model.histories import Event


def contract(message_id: str = "c-1", version: int = 1, **data: Any) -> Event:
    """C-1 of client CL-1 in euros from 1 January, one line with a budget of 600 minutes and 1,000.00."""
    whole = {
        "contract_id": "C-1",
        "version": version,
        "client_id": "CL-1",
        "currency": "EUR",
        "effective_from": "2026-01-01",
        "term": {"from": "2026-01-01"},
        "lines": [{**_LINE, "budget": _BUDGET}],
    }
    return said("contract.approved", message_id, **(whole | data))


_LINE = {"line_id": "L-1", "billing_method": "time_and_materials"}
_BUDGET = {"minutes": 600, "amount": "1000"}
_AT_NOTHING = [{"kind": "time", "id": "T-1", "amount": "0"}]
_WANTED = {"role": "engineer", "from": "2026-03-02", "to": "2026-03-13", "minutes_per_week": 600}


def amendment(message_id: str, version: int, effective_from: str, **data: Any) -> Event:
    return said(
        "contract.amended",
        message_id,
        contract_id="C-1",
        version=version,
        amendment_id=f"A-{version}",
        kind="replacement",
        effective_from=effective_from,
        **data,
    )


def rate(message_id: str, amount: str, revision: int = 1, rate_id: str = "R-1", **data: Any) -> Event:
    """A rate of the firm from 1 January, unless `data` says otherwise."""
    whole = {"effective_from": "2026-01-01", "currency": "EUR"} | data
    return said("rate.set", message_id, rate_id=rate_id, revision=revision, amount=amount, **whole)


def withdrawn(message_id: str, revision: int, rate_id: str = "R-1", **data: Any) -> Event:
    return said("rate.withdrawn", message_id, rate_id=rate_id, revision=revision, **data)


def work(message_id: str, revision: int = 1, entry_id: str = "T-1", kind: str = "time.approved", **data: Any) -> Event:
    """Five hours of P-1, an engineer, for C-1 on 2 March, unless `data` says otherwise."""
    whole = {
        "contract_id": "C-1",
        "resource_id": "P-1",
        "work_date": "2026-03-02",
        "minutes": 300,
        "role": "engineer",
    } | data
    return said(kind, message_id, entry_id=entry_id, revision=revision, **whole)


def invoice(message_id: str, invoice_id: str, revision: int = 1, kind: str = "invoice.issued", **data: Any) -> Event:
    """An invoice over 500.00 for T-1."""
    whole = {"lines": [{"kind": "time", "id": "T-1", "amount": "500"}]} | data
    return said(kind, message_id, invoice_id=invoice_id, contract_id="C-1", revision=revision, **whole)


def credit(message_id: str, invoice_id: str, amount: str, credit_id: str = "K-1", revision: int = 1) -> Event:
    lines = [{"kind": "time", "id": "T-1", "amount": amount}]
    return said(
        "invoice.credited",
        message_id,
        credit_id=credit_id,
        invoice_id=invoice_id,
        contract_id="C-1",
        revision=revision,
        lines=lines,
    )


def expense(message_id: str, revision: int = 1, **data: Any) -> Event:
    """80.00 for C-1 on 2 March, unless `data` says otherwise; a higher revision corrects."""
    whole = {"contract_id": "C-1", "date": "2026-03-02", "net": {"amount": "80", "currency": "EUR"}} | data
    kind = "expense.approved" if revision == 1 else "expense.corrected"
    return said(kind, message_id, expense_id="E-1", revision=revision, **whole)


def holiday(message_id: str, on: str, revision: int = 1, kind: str = "holiday.set", **data: Any) -> Event:
    return said(kind, message_id, holiday_id="H-1", revision=revision, date=on, **data)


_SPENT = {
    "expense_id": "E-1",
    "revision": 1,
    "contract_id": "C-1",
    "date": "2026-03-03",
    "net": {"amount": "900", "currency": "USD"},
}


def exchange(message_id: str, worth: str, on: str, revision: int = 1) -> Event:
    """What a dollar is worth in euros from a day on."""
    return said("fx.rate.set", message_id, from_currency="USD", to_currency="EUR", on=on, revision=revision, rate=worth)


STORIES: dict[str, list[Event]] = {
    "a credit that two messages give to two invoices": [
        contract(),
        invoice("i-1", "I-1"),
        invoice("i-2", "I-2"),
        credit("k-1", "I-1", "500"),
        credit("k-2", "I-2", "400"),
    ],
    "a credit moved to another invoice and back": [
        invoice("i-1", "I-1"),
        invoice("i-2", "I-2", revision=1),
        credit("k-1", "I-1", "500", revision=1),
        credit("k-2", "I-2", "400", revision=2),
        credit("k-3", "I-1", "300", revision=3),
    ],
    "a credit that passes to an invoice that is void": [
        invoice("i-1", "I-1"),
        invoice("i-2", "I-2", kind="invoice.voided"),
        credit("k-1", "I-1", "500"),
        credit("k-2", "I-2", "400", revision=2),
    ],
    "billed for nothing, credited for nothing, billed for nothing once more": [
        contract(),
        rate("r-1", "0"),
        work("t-1"),
        invoice("i-1", "I-1", lines=_AT_NOTHING, invoiced_on="2026-03-03"),
        credit("k-1", "I-1", "0"),
        invoice("i-2", "I-2", lines=_AT_NOTHING, invoiced_on="2026-03-10"),
    ],
    "billed for nothing, then worth something": [
        contract(lines=[{**_LINE, "cap": {"minutes": 400, "on_exceed": "split"}}]),
        rate("r-1", "0"),
        work("t-1"),
        invoice("i-1", "I-1", lines=_AT_NOTHING),
        work("t-2", entry_id="T-2", work_date="2026-03-03"),
        work("t-3", revision=2, work_date="2026-03-04", rate_override="50"),
    ],
    "invoiced, moved, voided, moved back": [
        contract(),
        rate("r-1", "100"),
        work("t-1"),
        invoice("i-1", "I-1", invoiced_on="2026-03-31"),
        work("t-2", revision=2, work_date="2026-03-30"),
        invoice("i-2", "I-1", revision=2, kind="invoice.voided", invoiced_on="2026-03-31"),
        work("t-3", revision=3),
    ],
    "invoiced under one contract, worked for another": [
        contract(),
        work("t-1"),
        invoice("i-1", "I-1"),
        work("t-2", revision=2, contract_id="C-2", line_id="L-7"),
        work("t-3", revision=3, work_date="2026-04-01"),
    ],
    "a rate of the firm withdrawn": [contract(), work("t-1"), rate("r-1", "100"), withdrawn("r-2", 2)],
    "a rate of the firm that begins later than it did": [
        contract(),
        work("t-1"),
        rate("r-1", "100"),
        rate("r-2", "120", revision=2, effective_from="2026-03-03"),
        rate("r-3", "80", rate_id="R-2", effective_from="2025-01-01"),
    ],
    "a rate that passes from one person to another": [
        contract(),
        work("t-1"),
        work("t-2", entry_id="T-2", resource_id="P-2", minutes=60),
        rate("r-1", "100", resource_id="P-1"),
        rate("r-2", "120", revision=2, resource_id="P-2"),
    ],
    "a rate that passes from one role to another": [
        contract(),
        work("t-1"),
        work("t-2", entry_id="T-2", role="architect", minutes=60),
        rate("r-1", "100", role="engineer"),
        rate("r-2", "120", revision=2, role="architect"),
    ],
    "a rate for the client that an amendment names": [
        contract(),
        work("t-1"),
        rate("r-1", "100", client_id="CL-2"),
        amendment("a-1", 2, "2026-02-01", client_id="CL-2"),
    ],
    "a rate of the contract withdrawn": [
        contract(),
        work("t-1"),
        rate("r-0", "70", rate_id="R-0"),
        rate("r-1", "100", contract_id="C-1"),
        withdrawn("r-2", 2, contract_id="C-1"),
    ],
    "a rate of the contract withdrawn by whoever does not say whose it is": [
        contract(),
        work("t-1"),
        rate("r-0", "70", rate_id="R-0"),
        rate("r-1", "100", contract_id="C-1"),
        withdrawn("r-2", 2),
    ],
    "a rate of the contract that was withdrawn before it was set": [
        contract(),
        withdrawn("r-2", 2),
        work("t-1"),
        rate("r-1", "100", contract_id="C-1"),
    ],
    "one identity for two versions": [
        # Of two messages with one identity the smaller (time, content hash) counts: version 2 or 3, never both.
        contract(),
        work("t-1"),
        rate("r-1", "100"),
        amendment("a-1", 2, "2026-01-01", rounding={"increment_minutes": 240, "direction": "up"}),
        amendment("a-1", 3, "2026-04-01", client_id="CL-2"),
    ],
    "an amendment before the approval it changes": [
        work("t-1"),
        rate("r-1", "100"),
        contract(effective_from="2026-03-01"),
        amendment("a-1", 2, "2026-02-01", lines=[{"line_id": "L-1", "discount_ratio": "0.5"}]),
    ],
    "a line that is not the only one any more": [
        contract(),
        work("t-1"),
        rate("r-1", "100"),
        amendment("a-1", 2, "2026-03-02", lines=[{"line_id": "L-2", "billing_method": "non_billable"}]),
    ],
    "a rejection that is all that is known": [
        contract(),
        said("time.rejected", "t-2", entry_id="T-1", revision=2, contract_id="C-3"),
        said("time.rejected", "t-3", entry_id="T-2", revision=2),
        work("t-1"),
    ],
    "a rejection that names a contract nobody else does": [
        said("time.rejected", "t-1", entry_id="T-1", revision=2, contract_id="C-3"),
    ],
    "demand for contracts that nobody else names": [
        said("demand.opened", "d-1", demand_id="D-1", contract_id="C-8", revision=1, **_WANTED),
        said("demand.changed", "d-2", demand_id="D-1", contract_id="C-9", revision=2, **_WANTED),
        said("demand.filled", "d-3", demand_id="D-1", revision=3),
        said("demand.cancelled", "d-4", demand_id="D-2", contract_id="C-7", revision=1),
    ],
    "a rejection that leaves out where it was": [
        contract(),
        rate("r-1", "100"),
        work("t-1", line_id="L-3"),
        said("time.rejected", "t-2", entry_id="T-1", revision=2),
    ],
    "an expense that moves": [
        contract(),
        expense("e-1"),
        invoice("i-1", "I-1", lines=[{"kind": "expense", "id": "E-1", "amount": "80"}]),
        expense("e-2", revision=2, date="2026-04-02"),
        expense("e-3", revision=3, contract_id="C-2"),
    ],
    "a budget used up earlier than it was said": [
        contract(),
        work("t-1"),
        work("t-2", entry_id="T-2", work_date="2026-03-10"),
        work("t-3", entry_id="T-3", work_date="2026-03-05"),
        work("t-4", entry_id="T-4", work_date="2026-03-30"),
    ],
    "an expense in another currency and its rates": [
        # 900.00 × 1.0847 = 976.23 by the rate of the 2nd, 1.1 from the 3rd on: 990.00. The rate of the 4th is too late.
        contract(),
        said("expense.approved", "e-1", **_SPENT),
        exchange("x-1", "1.0847", "2026-03-02"),
        exchange("x-2", "1.2", "2026-03-03"),
        exchange("x-3", "1.1", "2026-03-03", revision=2),
        exchange("x-4", "2", "2026-03-04"),
    ],
    "a currency put right under an expense": [
        contract(currency="USD"),
        said("expense.approved", "e-1", **_SPENT),
        exchange("x-1", "1.0847", "2026-03-02"),
        amendment("a-2", 2, "2026-01-01", currency="EUR"),
    ],
    "retainage held back, changed, released and invoiced": [
        # 5 h at 100: 500 less 10, then 20 %: 400. Half of the 100 comes back from the day after on.
        contract(lines=[{"line_id": "L-1", "billing_method": "time_and_materials", "retainage_ratio": "0.1"}]),
        rate("r-1", "100"),
        work("t-1"),
        amendment("a-2", 2, "2026-03-01", lines=[{"line_id": "L-1", "retainage_ratio": "0.2"}]),
        said("retainage.released", "x-1", release_id="X", revision=1, contract_id="C-1", ratio="0.5", on="2026-03-03"),
        said(
            "invoice.issued",
            "i-1",
            invoice_id="I-1",
            revision=1,
            contract_id="C-1",
            lines=[{"kind": "time", "id": "T-1", "amount": "400"}, {"kind": "fee", "id": "L-1", "amount": "50"}],
        ),
    ],
    "an amount written off, taken back, and work before it": [
        contract(lines=[{"line_id": "L-1", "billing_method": "time_and_materials", "cap": {"amount": "600"}}]),
        rate("r-1", "100"),
        work("t-1"),
        work("t-2", entry_id="T-2", work_date="2026-01-05"),
        said("writeoff.recorded", "w-1", writeoff_id="W", revision=1, contract_id="C-1", amount="550"),
        said("writeoff.recorded", "w-2", writeoff_id="W", revision=2, contract_id="C-1", amount="150"),
    ],
    "a holiday moved and removed": [
        # As of 2 April 300 minutes are left, as many as the last 28 days took: 20 working days more, less holidays.
        contract(),
        work("t-1", work_date="2026-03-30"),
        holiday("h-1", "2026-04-06"),
        holiday("h-2", "2026-04-07", revision=2),
        holiday("h-3", "2026-04-07", revision=3, kind="holiday.removed"),
    ],
}
"""Events by what they tell."""


def _correction(field: str, value: Any) -> list[Event]:
    """An entry priced by a rate for its person and role, then corrected in one field."""
    lines = [
        {"line_id": "L-1", "billing_method": "time_and_materials"},
        {"line_id": "L-2", "billing_method": "time_and_materials", "discount_ratio": "0.1"},
    ]
    return [
        contract(lines=lines),
        rate("r-1", "100", role="engineer", resource_id="P-1", effective_to="2026-03-02"),
        rate("r-2", "60", rate_id="R-2"),
        work("t-1", line_id="L-1"),
        work("t-2", revision=2, **({"line_id": "L-1"} | {field: value})),
    ]


# What the price of an entry depends on: changed alone in a later revision, each prices it anew.
_PRICED_BY = {
    "role": "architect",
    "resource_id": "P-2",
    "line_id": "L-2",
    "minutes": 60,
    "billable": False,
    "rate_override": "75",
    "work_date": "2026-03-03",
}
STORIES |= {f"a correction of nothing but {field}": _correction(field, value) for field, value in _PRICED_BY.items()}
