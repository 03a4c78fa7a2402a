"""Drift between the engine and other systems is classified by cause: domain 48, 49, F11, F15, F21."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.reconciliation import (
    CAUSES,
    Ageing,
    Engine,
    Entry,
    Held,
    Invoiced,
    Line,
    Version,
    entries,
    invoiced,
    unacknowledged,
    versions,
)

HELD = Held("C", "approved", 100, 60, True, 60_000_000, 2, "/psa#m-1", 100)


def engine(**given: Any) -> Engine:
    whole: dict[str, Any] = {
        "entries": {"E": HELD},
        "invoiced": {},
        "versions": {"C": 2},
        "currencies": {"C": "EUR"},
        "refused": [],
        "disputed": set(),
    }
    return Engine(**(whole | given))


def psa(**given: Any) -> Entry:
    whole: dict[str, Any] = {
        "entry_id": "E",
        "contract_id": "C",
        "status": "approved",
        "day": 100,
        "minutes": 60,
        "amount": 60_000_000,
        "revision": 2,
        "row": "psa.csv:2",
    }
    return Entry(**(whole | given))


def causes(found: Any) -> list[tuple[str, str, str]]:
    told = [(one.id, one.field, one.cause) for one in found]
    assert {cause for _, _, cause in told} <= set(CAUSES)
    return told


def test_what_agrees_is_no_drift() -> None:
    assert causes(entries(engine(), [psa()])) == []
    assert causes(entries(engine(), [psa(amount=None, revision=None, status=None, day=None, minutes=None)])) == []


@pytest.mark.parametrize(
    ("revision", "given", "cause"),
    [
        (3, {}, "engine_behind"),
        (1, {}, "psa_behind"),
        (2, {}, "changed_without_event"),
        (None, {}, "changed_without_event"),
        (3, {"refused": ['{"entry_id":"E"}']}, "refused"),
        (3, {"disputed": {"time/E"}}, "contradicted"),
    ],
)
def test_the_cause_of_other_minutes_is_told_by_the_revision(revision: int | None, given: Any, cause: str) -> None:
    found = list(entries(engine(**given), [psa(minutes=90, revision=revision)]))
    assert [(one.field, one.engine, one.other, one.cause) for one in found] == [("minutes", 60, 90, cause)]
    assert (found[0].behind, found[0].row) == (("/psa#m-1",), "psa.csv:2")


def test_the_same_work_at_another_price_is_a_matter_of_rates() -> None:
    assert causes(entries(engine(), [psa(amount=66_000_000)])) == [("E", "amount", "priced_otherwise")]
    assert causes(entries(engine(), [psa(amount=66_000_000, minutes=66)])) == [
        ("E", "minutes", "changed_without_event")
    ]


def test_an_entry_on_one_side_only() -> None:
    late = psa(entry_id="F")
    assert causes(entries(engine(), [psa(), late])) == [("F", "entry", "never_arrived")]
    assert causes(entries(engine(refused=['"F"']), [psa(), late])) == [("F", "entry", "refused")]
    assert causes(entries(engine(), [psa(), psa(entry_id="F", status="rejected")])) == []
    assert causes(entries(engine(), [psa(entry_id="F")])) == [
        ("F", "entry", "never_arrived"),
        ("E", "entry", "not_in_psa"),
    ]
    assert causes(entries(engine(), [], complete=False)) == []


def line(amount: int, invoice: str = "I-1", name: str = "E") -> Line:
    return Line("time", name, "C", amount, invoice, "erp.csv:2")


PAID = {"time/E": Invoiced("C", 60_000_000, ("invoice/I-1",))}


def test_invoices_agree_net_of_credits() -> None:
    assert causes(invoiced(engine(invoiced=PAID), [line(90_000_000), line(-30_000_000, "K-1")])) == []


@pytest.mark.parametrize(
    ("ours", "theirs", "cause"),
    [
        ({}, [line(60_000_000)], "invoice_not_heard"),
        (PAID, [line(60_000_000, name="F"), line(0, name="E")], "amount_differs"),
        (PAID, [line(60_000_000), line(60_000_000, "I-2")], "billed_twice"),
        (PAID, [line(59_000_000)], "amount_differs"),
        (PAID, [line(61_000_000)], "amount_differs"),  # one invoice, however much it says
        (PAID, [line(20_000_000), line(30_000_000, "I-2")], "amount_differs"),  # two that share less than 60.00
    ],
)
def test_the_cause_of_another_amount_invoiced(ours: Any, theirs: list[Line], cause: str) -> None:
    assert cause in [one for _, _, one in causes(invoiced(engine(invoiced=ours), theirs))]


def test_an_invoice_the_erp_does_not_have() -> None:
    found = causes(invoiced(engine(invoiced=PAID), [line(60_000_000, name="F")]))
    assert found == [("time/F", "amount", "invoice_not_heard"), ("time/E", "amount", "not_in_erp")]


@pytest.mark.parametrize(("version", "cause"), [(1, "erp_behind"), (3, "engine_behind")])
def test_a_change_order_in_one_system_only_is_found(version: int, cause: str) -> None:
    """F11: CLM and the engine are at version 2."""
    assert causes(versions(engine(), "erp", [Version("C", version, "erp.csv:3")])) == [("C", "version", cause)]
    assert causes(versions(engine(), "erp", [Version("C", 2, "erp.csv:3")])) == []


def test_a_contract_the_engine_never_heard_of_is_behind_from_its_first_version_on() -> None:
    """The engine has no version of D: 0, and the ERP the first."""
    [found] = versions(engine(), "erp", [Version("D", 1, "erp.csv:4")])
    assert (found.contract_id, found.engine, found.other, found.cause) == ("D", 0, 1, "engine_behind")


def test_approved_time_that_did_not_come_back_grows_older_by_currency() -> None:
    """Approved on days 100 and 92; today is 108: 8 and 16 days. A third is invoiced, a fourth in dollars."""
    held = {
        "E": HELD,
        "F": HELD._replace(approved_day=92, amount=30_000_000),
        "G": HELD,
        "H": HELD._replace(contract_id="D", approved_day=1, amount=1_000_000),
        "S": HELD._replace(status="submitted"),
    }
    known = engine(entries=held, currencies={"C": "EUR", "D": "USD"}, invoiced={"time/G": Invoiced("C", 1, ())})
    assert unacknowledged(known, [], 108) == [
        Ageing("EUR", "8–30", 2, 90_000_000, "F", 16),
        Ageing("USD", "61+", 1, 1_000_000, "H", 107),
    ]
    assert [one.entries for one in unacknowledged(known, [line(60_000_000)], 108)] == [1, 1]
