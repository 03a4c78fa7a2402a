"""What ends a rate or a policy is its id: who withdraws one need not say whose it is.

Source: events catalogue, `rate.withdrawn` and `policy.withdrawn`: of what only cancels the id and the revision are all
that is needed. Every answer is the engine's in both orders of arrival, with its events spread over three partitions,
and the model's.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.engine.runs import differences, figures, fold, lines
from tests.model.oracle import recompute
from tests.model.test_oracle import contract, rate, said, worked

DAY = date(2026, 3, 31)


def on(*events: Any) -> tuple[str | None, set[str]]:
    """What is approved of C-1, and the codes that block it."""
    expected = recompute(events, DAY)
    for order in (events, events[::-1]):
        for partitions in (1, 3):
            stores = fold(lines(order), partitions=partitions).host.stores
            assert differences(expected, figures(stores, DAY)) == []
    blockers = {one["code"] for one in expected.readiness["C-1"]["blockers"]}
    return expected.burn["C-1", None]["approved"]["amount"], blockers


def gone(revision: int = 2, rate_id: str = "R-C", **named: Any) -> Any:
    return said("rate.withdrawn", rate_id=rate_id, revision=revision, **named)


OWN = rate("150", rate_id="R-C", contract_id="C-1")


def test_a_rate_of_a_contract_ends_by_its_id_alone() -> None:
    # 60 min at the contract's 150.00; once that is withdrawn, at the firm's 100.00
    events = [contract(), worked(60), rate("100"), OWN]
    assert on(*events) == ("150.00", set())
    assert on(*events, gone()) == ("100.00", set())
    assert on(*events, gone(contract_id="C-1")) == ("100.00", set())


def test_without_another_rate_the_work_is_blocked_and_never_free() -> None:
    assert on(contract(), worked(60), OWN, gone()) == ("0.00", {"RATE_UNRESOLVED"})


def test_a_later_revision_brings_it_back() -> None:
    # 60 min at the 170.00 of revision 3
    again = rate("170", rate_id="R-C", contract_id="C-1", revision=3)
    assert on(contract(), worked(60), OWN, gone(), again) == ("170.00", set())


def test_an_earlier_revision_ends_nothing() -> None:
    later = rate("150", rate_id="R-C", contract_id="C-1", revision=5)
    assert on(contract(), worked(60), later, gone(2)) == ("150.00", set())


def test_another_rate_goes_on() -> None:
    assert on(contract(), worked(60), OWN, gone(rate_id="R-D")) == ("150.00", set())


@pytest.mark.parametrize("named", [{}, {"contract_id": "C-1"}])
def test_a_policy_of_a_contract_ends_by_its_id_alone(named: dict[str, str]) -> None:
    wants = said("policy.set", policy_id="Q", revision=1, contract_id="C-1", code="PO_EXPIRED", action="blocking")
    ended = said("policy.withdrawn", policy_id="Q", revision=2, **named)
    expired = contract(purchase_order={"number": "PO-1", "expires_on": "2025-12-31"})
    assert on(expired, worked(60), rate("100"), wants) == ("100.00", {"PO_EXPIRED"})
    assert on(expired, worked(60), rate("100"), wants, ended) == ("100.00", set())


def test_who_withdraws_it_in_the_revision_that_set_it_contradicts_that() -> None:
    """Two messages, one revision: an exception for the contract that has the rate, whichever came first."""
    events = [contract(), worked(60), OWN, gone(1)]
    for order in (events, events[::-1]):
        raised = [value for (_, key), value in fold(lines(order), publish=True).said.items() if "rate/R-C" in key]
        assert len(raised) == 1
