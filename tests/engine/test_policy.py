"""Policies and master data come in any order, and every contract they concern is stated as it then is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.runs import examples, fold, lines
from tests.model.histories import envelope

AT = datetime(2026, 3, 9, 17, tzinfo=UTC)


def event(kind: str, /, **data: Any) -> dict[str, Any]:
    return envelope(kind, {"revision": 1} | data, f"{kind}/{sorted(map(str, data.items()))}", AT)


CONTRACT = event(
    "contract.approved",
    contract_id="C",
    version=1,
    client_id="K",
    currency="EUR",
    effective_from="2026-01-01",
    term={"from": "2026-01-01"},
    lines=[{"line_id": "L", "billing_method": "time_and_materials"}],
)
OTHER = event("contract.approved", **{**CONTRACT["data"], "contract_id": "D", "client_id": "M"})
FIRM = event("policy.set", policy_id="P", code="CUSTOMER_MASTER_MISSING", action="blocking")
OWN = event("policy.set", policy_id="Q", code="CUSTOMER_MASTER_MISSING", action="warning", contract_id="C")
CLIENT = event("client.upserted", client_id="K", erp_customer_id="D-1")
NAMELESS = event("client.upserted", client_id="M")


def states(log: list[dict[str, Any]], partitions: int, cut: int) -> dict[str, list[tuple[str, str]]]:
    run = fold(lines(log), partitions=partitions, cut=cut, publish=True)
    return {
        key: [(one["code"], one["tier"]) for one in said[1]["blockers"]]
        for (topic, key), said in run.said.items()
        if topic == "readiness"
    }


@pytest.mark.parametrize("partitions", [1, 3])
def test_in_whatever_order_policy_and_master_data_come_the_last_statement_is_the_same(partitions: int) -> None:
    for order in permutations([CONTRACT, FIRM, CLIENT, NAMELESS, OTHER]):
        assert states(list(order), partitions, 1) == {"C": [], "D": [("CUSTOMER_MASTER_MISSING", "blocking")]}, order


@pytest.mark.parametrize("partitions", [1, 3])
def test_a_contract_s_own_policy_concerns_no_other(partitions: int) -> None:
    for order in permutations([CONTRACT, OWN, NAMELESS, OTHER]):
        assert states(list(order), partitions, 1) == {"C": [("CUSTOMER_MASTER_MISSING", "warning")], "D": []}, order


def test_master_data_that_nobody_checks_states_nothing_anew() -> None:
    run = fold(lines([CONTRACT, CLIENT]), cut=1, publish=True)
    assert run.said["readiness", "C"][1]["state"] == "nothing_to_bill"
    before = fold(lines([CONTRACT]), cut=1, publish=True)
    assert run.said["readiness", "C"] == before.said["readiness", "C"]


def amended(version: int, **data: Any) -> dict[str, Any]:
    whole = {"contract_id": "C", "version": version, "amendment_id": f"A-{version}", "kind": "replacement"}
    return event("contract.amended", **whole, effective_from="2026-02-01", **data)


POOL = [
    CONTRACT,
    OTHER,
    amended(2, legal_entity_id="LE", cost_centre="4100", tax={"jurisdiction": "DE"}),
    amended(3, purchase_order={"number": "PO", "amount": "30.00", "expires_on": "2026-03-01"}),
    event("rate.set", rate_id="R", amount="60.00", currency="EUR", effective_from="2026-01-01"),
    *(
        event("time.approved", entry_id=f"E-{n}", contract_id=c, resource_id="P", work_date="2026-03-02", minutes=60)
        for n, c in enumerate("CCD")
    ),
    *(
        event("policy.set", policy_id=f"firm/{code}", code=code, action="blocking")
        for code in ("LEGAL_ENTITY_MISMATCH", "COST_CENTRE_INVALID", "CURRENCY_RATE_MISSING", "PERIOD_CLOSED")
    ),
    event("policy.set", policy_id="k", code="TAX_ID_MISSING", action="blocking", client_id="K"),
    event("policy.set", policy_id="k", revision=2, code="TAX_ID_MISSING", action="warning", client_id="K"),
    event("policy.set", policy_id="c", code="AMENDMENT_NOT_SYNCED", action="blocking", contract_id="C"),
    event("policy.set", policy_id="d", code="DUPLICATE_SUSPECTED", action="warning", contract_id="C"),
    event("policy.set", policy_id="o", code="PO_EXPIRED", action="blocking"),
    event("policy.withdrawn", policy_id="o", revision=2),
    event("legal_entity.upserted", legal_entity_id="LE", currency="USD", cost_centres=["4100"]),
    event("fx.rate.set", from_currency="EUR", to_currency="USD", on="2026-03-05", rate="1.08"),
    event("period.closed", legal_entity_id="LE", period="2026-03"),
    event("period.opened", legal_entity_id="LE", period="2026-03", revision=2),
    event("client.upserted", client_id="K"),
    event("client.upserted", client_id="K", revision=2, tax_id="DE1"),
    event("erp.acknowledged", document_key="C/1", contract_id="C", target="sap", status="accepted", contract_version=2),
    event("clock.ticked", on="2026-03-09"),
    event("clock.ticked", on="2026-03-10"),
]


@examples(60)
@given(order=st.permutations(POOL), partitions=st.sampled_from([1, 3]), cut=st.integers(1, 9))
def test_the_last_statements_are_what_the_tables_come_to_in_any_order(
    order: list[dict[str, Any]], partitions: int, cut: int
) -> None:
    """Incremental is recomputed: what was stated last of each contract is its row as of today, whatever came when."""
    run = fold(lines(order), partitions=partitions, cut=cut, publish=True)
    day = date(2026, 3, 10).toordinal()
    for contract_id in ("C", "D"):
        assert run.said["readiness", contract_id][1] == run.figures.readiness(contract_id, day)
    first = fold(lines(POOL), cut=len(POOL), publish=True)
    assert {key: one[1] for key, one in run.said.items()} == {key: one[1] for key, one in first.said.items()}


def test_what_the_pool_comes_to() -> None:
    """C waits for its version 3, has two entries alike, and its tax id: 2 × 60.00. D names no entity of the firm."""
    found = states(POOL, 1, len(POOL))
    assert found["C"] == [("AMENDMENT_NOT_SYNCED", "blocking"), ("DUPLICATE_SUSPECTED", "warning")]
    assert sorted(found["D"]) == [("COST_CENTRE_INVALID", "blocking"), ("LEGAL_ENTITY_MISMATCH", "critical")]
