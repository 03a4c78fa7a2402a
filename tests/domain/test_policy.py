"""Checks that a policy turns on: design.md section 5, "Readiness"; the rules are those of domain 2.8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from app.domain.burn import Commitment
from app.domain.ledger import Row
from app.domain.masters import Masters
from app.domain.policy import CHECKS, in_force, ruling_of
from app.domain.readiness import RULES, Papers, row
from app.domain.terms import Agreement
from tests.domain.ledgers import approved, card, day, fact, position, rates, worked

HOUR = {"E-1": worked("2026-03-02", 60)}
DUE = {"number": "PO-1"}


def masters(*facts: tuple[str, dict[str, Any]]) -> Masters:
    """Master data of these events, each `(type, data)`; revision 1 unless it says otherwise."""
    known = Masters()
    for place, (kind, data) in enumerate(facts):
        said = fact(kind, f"r-{place}", **({"revision": 1} | data))
        known.take(said.kind, said.entity, [said])
    return known


def policy(code: str, action: str = "blocking", policy_id: str = "P-1", **data: Any) -> tuple[str, dict[str, Any]]:
    return "policy.set", {"policy_id": policy_id, "code": code, "action": action} | data


def told(
    code: str,
    *known: tuple[str, dict[str, Any]],
    terms: Mapping[str, Any] | None = None,
    rows: Mapping[str, Row] = HOUR,
    action: str = "blocking",
    invoiced: int = 0,
    acknowledged: int = 0,
    rule: Mapping[str, Any] | None = None,
    **given: Any,
) -> tuple[str, list[tuple[str, str, str]]]:
    """State and blockers (code, tier, amount) of C-1 on 31 March, with one check on. One hour at 60.00 is ready."""
    stands = position(Agreement([approved(**(terms or {}))]), rows, "2026-03-31", **given)
    papers = Papers(masters=masters(policy(code, action, **(rule or {})), *known), acknowledged=acknowledged)
    said = row(stands, [], [(invoiced, 1)], papers=papers)
    return said["state"], [(one["code"], one["tier"], one["amount"]) for one in said["blockers"]]


def test_every_check_is_a_line_of_the_checklist() -> None:
    assert set(CHECKS) <= set(RULES)


def test_without_a_policy_nothing_is_checked() -> None:
    stands = position(Agreement([approved()]), HOUR, "2026-03-31")
    assert row(stands, [], [])["blockers"] == []


@pytest.mark.parametrize(
    ("code", "wrong", "right"),
    [
        ("PO_EXPIRED", {"expires_on": "2026-03-30"}, {"expires_on": "2026-03-31"}),
        ("PO_EXHAUSTED", {"amount": "59.99"}, {"amount": "60.00"}),
    ],
)
def test_an_order_is_good_to_its_last_day_and_its_last_cent(code: str, wrong: Any, right: Any) -> None:
    assert told(code, terms={"purchase_order": DUE | wrong}) == ("blocked", [(code, "blocking", "60.00")])
    assert told(code, terms={"purchase_order": DUE | right}) == ("ready", [])


def test_what_was_invoiced_uses_the_order_up() -> None:
    """100.00 less 50.00 invoiced leaves 50.00, 60.00 are ready."""
    terms = {"purchase_order": DUE | {"amount": "100.00"}}
    assert told("PO_EXHAUSTED", terms=terms, invoiced=50_000_000)[0] == "blocked"
    assert told("PO_EXHAUSTED", terms=terms, invoiced=40_000_000)[0] == "ready"


def test_an_amendment_waits_for_the_acknowledgement_of_its_version() -> None:
    """F1: what was agreed reaches delivery before finance. C-1 is at version 2."""
    terms = {"version": 2}
    assert told("AMENDMENT_NOT_SYNCED", terms=terms, acknowledged=1)[0] == "blocked"
    assert told("AMENDMENT_NOT_SYNCED", terms=terms, acknowledged=2)[0] == "ready"


@pytest.mark.parametrize(
    ("code", "known", "terms"),
    [
        ("CUSTOMER_MASTER_MISSING", {"erp_customer_id": "D-1"}, {}),
        ("TAX_ID_MISSING", {"tax_id": "DE1"}, {}),
        ("TAX_ID_MISSING", {}, {"tax": {"client_tax_id": "DE1"}}),
        ("TAX_CODE_INVALID", {}, {"tax": {"jurisdiction": "US-CA"}}),
    ],
)
def test_the_client_s_master_data_is_there(code: str, known: dict[str, Any], terms: dict[str, Any]) -> None:
    assert told(code, ("client.upserted", {"client_id": "CL-1"})) == ("blocked", [(code, "blocking", "60.00")])
    assert told(code, ("client.upserted", {"client_id": "CL-1"} | known), terms=terms) == ("ready", [])
    assert told(code, ("client.upserted", {"client_id": "CL-2"} | known))[0] == "blocked"


def test_a_word_is_no_tax_jurisdiction() -> None:
    assert told("TAX_CODE_INVALID", terms={"tax": {"jurisdiction": "Germany"}})[0] == "blocked"


ENTITY = ("legal_entity.upserted", {"legal_entity_id": "LE-1", "currency": "USD", "cost_centres": ["4100"]})


def test_an_entity_nobody_knows_is_critical() -> None:
    """F7: posting for the engagement halts."""
    terms = {"legal_entity_id": "LE-1"}
    assert told("LEGAL_ENTITY_MISMATCH", terms=terms) == ("blocked", [("LEGAL_ENTITY_MISMATCH", "critical", "60.00")])
    assert told("LEGAL_ENTITY_MISMATCH", ENTITY, terms=terms)[0] == "ready"
    assert told("LEGAL_ENTITY_MISMATCH", ENTITY)[0] == "blocked"


@pytest.mark.parametrize(("centre", "state"), [("4100", "ready"), ("9999", "blocked"), (None, "blocked")])
def test_a_cost_centre_is_one_of_its_entity_s(centre: str | None, state: str) -> None:
    """F3."""
    terms = {"legal_entity_id": "LE-1", "cost_centre": centre}
    assert told("COST_CENTRE_INVALID", ENTITY, terms=terms)[0] == state


def test_an_entity_that_lists_no_cost_centres_takes_any() -> None:
    bare = ("legal_entity.upserted", {"legal_entity_id": "LE-1"})
    terms = {"legal_entity_id": "LE-1"}
    assert told("COST_CENTRE_INVALID", bare, terms=terms | {"cost_centre": "9999"})[0] == "ready"
    assert told("COST_CENTRE_INVALID", bare, terms=terms)[0] == "blocked"


@pytest.mark.parametrize(("on", "state"), [("2026-03-31", "ready"), ("2026-04-01", "blocked")])
def test_a_foreign_contract_needs_a_rate_into_its_entity_s_currency(on: str, state: str) -> None:
    terms = {"legal_entity_id": "LE-1"}
    rate = ("fx.rate.set", {"from_currency": "USD", "to_currency": "EUR", "on": on, "rate": "0.92"})
    assert told("CURRENCY_RATE_MISSING", ENTITY, rate, terms=terms)[0] == state
    home = ("legal_entity.upserted", {"legal_entity_id": "LE-1", "currency": "EUR"})
    assert told("CURRENCY_RATE_MISSING", home, terms=terms)[0] == "ready"


def test_a_rate_of_a_day_to_come_does_not_hide_one_that_is_known() -> None:
    """As of 31 March: 0.92 is of that day, 0.93 of the next."""
    pair = {"from_currency": "USD", "to_currency": "EUR"}
    days = (("2026-03-31", "0.92"), ("2026-04-01", "0.93"))
    rates_ = [("fx.rate.set", pair | {"on": on, "rate": rate}) for on, rate in days]
    assert told("CURRENCY_RATE_MISSING", ENTITY, *rates_, terms={"legal_entity_id": "LE-1"})[0] == "ready"


def test_a_closed_period_holds_until_it_opens_again() -> None:
    terms = {"legal_entity_id": "LE-1"}
    month = {"legal_entity_id": "LE-1", "period": "2026-03"}
    closed, opened = ("period.closed", month), ("period.opened", month | {"revision": 2})
    assert told("PERIOD_CLOSED", closed, terms=terms) == ("held", [("PERIOD_CLOSED", "held", "60.00")])
    assert told("PERIOD_CLOSED", opened, terms=terms)[0] == "ready"
    assert told("PERIOD_CLOSED", ("period.closed", month | {"period": "2026-02"}), terms=terms)[0] == "ready"


@pytest.mark.parametrize(("floor", "state"), [("0.25", "ready"), ("0.2501", "ready_with_warnings")])
def test_a_margin_at_the_floor_is_good_enough(floor: str, state: str) -> None:
    """60.00 − 45.00 is 25 % of 60.00."""
    by = rates(card("R-1", "60"), card("R-2", "45", kind="cost"))
    assert told("MARGIN_BELOW_FLOOR", action="warning", rule={"floor_ratio": floor}, by=by)[0] == state


def test_a_supplier_who_sent_no_invoice_is_pointed_out() -> None:
    stands = position(Agreement([approved()]), HOUR, "2026-03-31")
    object.__setattr__(stands, "commitments", [Commitment(None, 1_000_000, "EUR")])
    papers = Papers(masters=masters(policy("SUBCONTRACT_UNMATCHED", "warning")))
    assert [one["code"] for one in row(stands, [], [], papers=papers)["blockers"]] == ["SUBCONTRACT_UNMATCHED"]


@pytest.mark.parametrize(("days", "state"), [(2, "ready"), (1, "ready_with_warnings")])
def test_time_is_late_after_the_policy_s_days(days: int, state: str) -> None:
    """Work of 1 January, told on the 3rd: two days."""
    at = 2 * 86_400_000_000 + 1_767_225_600_000_000
    rows = {"E-1": worked("2026-01-01", 60, time=at)}
    assert told("TIME_LATE", action="warning", rule={"days": days}, rows=rows)[0] == state


def test_the_same_work_twice_is_suspected_once() -> None:
    rows = {name: worked("2026-03-02", 60) for name in ("E-1", "E-2")} | {"E-3": worked("2026-03-02", 90)}
    found = told("DUPLICATE_SUSPECTED", action="warning", rows=rows)
    assert found == ("ready_with_warnings", [("DUPLICATE_SUSPECTED", "warning", "60.00")])


def test_more_billed_than_worked_is_pointed_out() -> None:
    # R11: 50 min up to 15 are 60 billable; an exact hour is none, and 50 min of a refund, −60, take more back.
    rows = {"E-1": worked("2026-03-02", 50), "E-2": worked("2026-03-03", 60), "E-3": worked("2026-03-04", -50)}
    terms = {"rounding": {"increment_minutes": 15, "direction": "up"}}
    warned = told("BILLED_EXCEEDS_WORKED", action="warning", terms=terms, rows=rows)
    assert warned == ("ready_with_warnings", [("BILLED_EXCEEDS_WORKED", "warning", "60.00")])
    assert told("BILLED_EXCEEDS_WORKED", action="warning", rows=rows)[1] == []


def test_a_warning_lets_the_cash_go() -> None:
    assert told("TAX_ID_MISSING", action="warning") == ("ready_with_warnings", [("TAX_ID_MISSING", "warning", "60.00")])


def test_the_nearest_policy_decides() -> None:
    """Contract before client before firm; within one scope the highest revision, then the greatest id."""
    said = [
        policy("TAX_ID_MISSING", "blocking", "A"),
        policy("TAX_ID_MISSING", "warning", "B", client_id="CL-1"),
        policy("TAX_ID_MISSING", "off", "C", contract_id="C-1"),
        policy("TAX_ID_MISSING", "off", "D", client_id="CL-1", revision=1),
        policy("TAX_ID_MISSING", "warning", "E", client_id="CL-1", revision=3),
    ]
    known = masters(*said).rulings.values()

    def action(contract_id: str, client_id: str) -> str | None:
        found = in_force(known, contract_id, client_id).get("TAX_ID_MISSING")
        return found.action if found else None

    assert [action("C-1", "CL-1"), action("C-2", "CL-1"), action("C-2", "CL-2")] == [None, "warning", "blocking"]


def test_a_policy_that_was_withdrawn_says_nothing() -> None:
    kept = [
        fact("policy.set", "p-1", policy_id="P", revision=1, code="TAX_ID_MISSING", action="blocking"),
        fact("policy.withdrawn", "p-2", policy_id="P", revision=2),
    ]
    assert ruling_of(kept) is None


def test_time_that_an_invoice_of_a_later_day_takes_is_late_until_then() -> None:
    """Work of 1 January, told on the 5th, invoiced on 1 April: as of 31 March it is ready, and late."""
    at = 4 * 86_400_000_000 + 1_767_225_600_000_000
    claims = {"time/E-1": {"invoice/I": (60_000_000, day("2026-04-01"))}}
    rows = {"E-1": worked("2026-01-01", 60, time=at)}
    found = told("TIME_LATE", action="warning", rule={"days": 1}, rows=rows, claims=claims)
    assert found == ("ready_with_warnings", [("TIME_LATE", "warning", "60.00")])


def test_time_that_would_not_be_ready_is_not_late() -> None:
    """Told on the 5th, four days after; the term begins on the 2nd."""
    at = 4 * 86_400_000_000 + 1_767_225_600_000_000
    rows = {"E-1": worked("2026-01-01", 60, time=at)}
    policy_, late = {"action": "warning", "rule": {"days": 1}, "rows": rows}, {"term": {"from": "2026-01-02"}}
    assert told("TIME_LATE", **policy_)[1] == [("TIME_LATE", "warning", "60.00")]  # type: ignore[arg-type]
    assert told("TIME_LATE", terms=late, **policy_)[1] == [("OUTSIDE_TERM", "blocking", "60.00")]  # type: ignore[arg-type]


def test_a_margin_that_blocks_holds_all_that_would_be_ready() -> None:
    by = rates(card("R-1", "60"), card("R-2", "45", kind="cost"))
    found = told("MARGIN_BELOW_FLOOR", rule={"floor_ratio": "0.3"}, by=by)
    assert found == ("blocked", [("MARGIN_BELOW_FLOOR", "blocking", "60.00")])
