"""What a contract says on a day, from all its events in version order."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import calendar
from app.domain.money import micro
from app.domain.terms import Agreement, Amount, Terms
from app.events.fact import Fact
from tests.domain.ledgers import amended, approved, day, fact, line


def on(text: str, *events: Fact) -> Terms:
    terms = Agreement(events).on(day(text))
    assert terms is not None
    return terms


def standing(happened: str, version: int, effective_from: str) -> Fact:
    return fact(
        f"contract.{happened}", f"s-{version}", contract_id="C-1", version=version, effective_from=effective_from
    )


def test_without_an_approval_there_are_no_terms() -> None:
    assert Agreement([amended(2, "2026-02-01")]).on(day("2026-03-01")) is None
    assert Agreement([]).on(day("2026-03-01")) is None


def test_before_anything_is_effective_the_approved_terms_hold() -> None:
    assert on("2025-01-01", approved(), amended(2, "2026-02-01", client_id="CL-2")).client_id == "CL-1"


def test_an_amendment_holds_from_its_day() -> None:
    events = approved(), amended(2, "2026-02-01", client_id="CL-2")
    assert [on(text, *events).client_id for text in ("2026-01-31", "2026-02-01")] == ["CL-1", "CL-2"]


def test_a_higher_version_wins_even_where_it_reaches_further_back() -> None:
    events = approved(), amended(2, "2026-03-01", client_id="CL-2"), amended(3, "2026-02-01", client_id="CL-3")
    assert [on(text, *events).client_id for text in ("2026-01-31", "2026-02-01", "2026-03-01")] == [
        "CL-1",
        "CL-3",
        "CL-3",
    ]


def test_the_order_of_arrival_does_not_matter() -> None:
    events = [approved(), amended(2, "2026-03-01", client_id="CL-2"), standing("closed", 3, "2026-02-01")]
    found = {str([on(text, *order) for text in ("2026-02-01", "2026-03-01")]) for order in permutations(events)}
    assert len(found) == 1


def test_additive_budgets_and_caps_add_up_from_nothing_and_may_fall() -> None:
    # By hand: 600 − 900 = −300 minutes; an amount that was absent counts from 0: 0 + 250.50.
    events = (
        approved(lines=[line(budget={"minutes": 600}, cap={"amount": "100", "on_exceed": "split"})]),
        amended(
            2,
            "2026-02-01",
            "additive",
            lines=[line(budget={"minutes": -900, "amount": "250.50"}, cap={"amount": "-40.25"})],
        ),
    )
    its = on("2026-02-01", *events).lines["L-1"]
    assert its.budget == Amount(-300, micro("250.5"))
    assert its.cap is not None
    assert (its.cap.amount, its.cap.on_exceed) == (micro("59.75"), "split")


def test_a_replacement_overwrites_field_by_field_and_null_clears() -> None:
    events = (
        approved(
            rounding={"mode": "half_even", "increment_minutes": 15},
            lines=[line(discount_ratio="0.2", budget={"minutes": 600, "amount": "10"}), line("L-2")],
        ),
        amended(
            2,
            "2026-02-01",
            rounding={"increment_minutes": 6},
            lines=[line(discount_ratio=None, budget={"minutes": 300}), line("L-3")],
        ),
    )
    terms = on("2026-02-01", *events)
    assert (terms.rounding.half_even, terms.rounding.increment) == (True, 6)
    assert (terms.lines["L-1"].discount, terms.lines["L-1"].budget) == (0, Amount(300, micro("10")))
    assert sorted(terms.lines) == ["L-1", "L-2", "L-3"]


def test_the_budget_of_a_contract_is_the_sum_of_those_lines_that_have_one() -> None:
    lines = [line(budget={"minutes": 60}), line("L-2", budget={"minutes": 40, "amount": "5"}), line("L-3")]
    terms = on("2026-02-01", approved(lines=lines))
    assert terms.budget(None) == Amount(100, micro("5"))
    assert terms.budget("L-3") == terms.budget("L-9") == Amount(None, None)


@pytest.mark.parametrize(
    ("happened", "status"),
    [("suspended", "suspended"), ("closed", "closed"), ("cancelled", "cancelled"), ("resumed", "active")],
)
def test_the_status_follows_the_last_version_that_says_one(happened: str, status: str) -> None:
    terms = on("2026-02-01", approved(), standing("suspended", 2, "2026-01-15"), standing(happened, 3, "2026-02-01"))
    assert terms.status_on(day("2026-02-01")) == status


def test_a_contract_is_pending_before_its_term_unless_something_ended_it() -> None:
    later = {"from": "2026-03-01"}
    assert on("2026-02-01", approved(term=later)).status_on(day("2026-02-28")) == "pending"
    assert on("2026-02-01", approved(term=later)).status_on(day("2026-03-01")) == "active"
    cancelled = on("2026-02-01", approved(term=later), standing("cancelled", 2, "2026-02-01"))
    assert cancelled.status_on(day("2026-02-01")) == "cancelled"


def test_a_cancellation_by_amendment_ends_the_term_on_its_day() -> None:
    terms = on("2026-03-01", approved(), amended(2, "2026-02-10", "cancellation"))
    assert (terms.status, calendar.text_of(terms.term_to)) == ("cancelled", "2026-02-10")


def test_currencies_bring_their_decimals() -> None:
    assert [on("2026-02-01", approved(currency=code)).exponent for code in ("EUR", "JPY", "KWD")] == [2, 0, 3]


_PRICING = st.sampled_from(
    [
        {"client_id": "CL-2"},
        {"rounding": {"increment_minutes": 15}},
        {"day_minutes": 450},
        {"lines": [line(discount_ratio="0.5")]},
        {"lines": [line(budget={"minutes": 1})]},
        {"lines": [line("L-2")]},
        {"purchase_order": {"number": "PO-1"}},
    ]
)
_DAYS = ("2025-12-31", "2026-01-01", "2026-01-31", "2026-02-01", "2026-02-28", "2026-03-01", "2026-12-31")


@given(st.lists(st.tuples(_PRICING, st.sampled_from(_DAYS)), max_size=4), st.integers(0, 4))
def test_repriced_names_every_day_on_which_a_price_may_differ(
    changes: list[tuple[dict[str, Any], str]], cut: int
) -> None:
    events = [approved(), *(amended(n, on, **change) for n, (change, on) in enumerate(changes, 2))]
    before, after = Agreement(events[:cut]), Agreement(events)
    spans = after.repriced(before)
    for text in _DAYS:
        old, new = before.on(day(text)), after.on(day(text))
        differ = (old.pricing if old else None) != (new.pricing if new else None)
        assert differ == any(low <= day(text) <= high for low, high in spans), text
