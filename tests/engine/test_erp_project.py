"""F10: a contract was activated, and ERP could not make a project of it."""

from __future__ import annotations

from datetime import date
from itertools import permutations
from typing import Any

from app.engine.slices import Slice
from tests.engine.runs import fold, lines
from tests.engine.test_failure_scenarios import APPROVED, RATE, amended, entry
from tests.engine.test_policy import event

DAY = date(2026, 3, 31).toordinal()


def answer(revision: int, status: str, version: int = 1, **said: Any) -> dict[str, Any]:
    return event(
        "erp.acknowledged",
        document_key="C/2026-03/time/1",
        contract_id="C",
        target="sap",
        revision=revision,
        status=status,
        contract_version=version,
        **said,
    )


def project(*events: dict[str, Any]) -> dict[str, Any]:
    """Where the project stands, the same in every order."""
    found: list[dict[str, Any]] = []
    for order in permutations(events):
        [store] = fold(lines([RATE, *order]), cut=1).host.stores
        row = Slice(0, store).contract("C", DAY)
        assert row is not None
        found.append(row["erp_project"])
    assert all(one == found[0] for one in found)
    return found[0]


def stood(*events: dict[str, Any]) -> tuple[str, int | None, str | None]:
    row = project(*events)
    return row["state"], row["accepted_version"], row["reason"]


def test_f10_until_erp_speaks_the_project_is_pending() -> None:
    assert stood(APPROVED, entry("E")) == ("pending", None, None)


def test_f10_what_erp_refuses_shows_with_its_reason_and_trying_again_decides_anew() -> None:
    refused = answer(1, "rejected", reason="no such company code")
    assert stood(APPROVED, entry("E"), refused) == ("rejected", None, "no such company code")
    assert stood(APPROVED, refused, answer(2, "accepted", erp_id="P-1")) == ("accepted", 1, None)
    # The same answer again, as after a retry of the sender, changes nothing.
    assert stood(APPROVED, refused, refused, answer(2, "accepted", erp_id="P-1")) == ("accepted", 1, None)


def test_f10_an_amendment_asks_anew() -> None:
    first, amendment = answer(1, "accepted"), amended(2, name="more")
    assert stood(APPROVED, first, amendment) == ("pending", 1, None)
    assert stood(APPROVED, first, amendment, answer(2, "accepted", 2)) == ("accepted", 2, None)
    assert stood(APPROVED, first, amendment, answer(2, "rejected", 2, reason="closed")) == ("rejected", 1, "closed")
