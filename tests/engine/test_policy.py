"""Policies and master data come in any order, and every contract they concern is stated as it then is."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from tests.engine.runs import fold, lines
from tests.model.histories import envelope

AT = datetime(2026, 3, 9, 17, tzinfo=UTC)


def event(kind: str, **data: Any) -> dict[str, Any]:
    return envelope(kind, {"revision": 1} | data, f"{kind}/{sorted(data.items())}", AT)


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
