"""What entries share is given out in order, adds up exactly, and an entry carries what it got."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain import allotment, calendar
from app.domain.ledger import APPROVED, SUBMITTED, Row
from app.domain.money import show
from app.domain.terms import Agreement
from tests.domain.ledgers import approved, card, line, priced, rates, worked

_RATES = rates(card("R-1", "150.00"))


def _contract(rounding: dict[str, object] | None = None, **its: Any) -> Agreement:
    return Agreement([approved(lines=[line(**its)], rounding=rounding or {})])


def _rows(agreement: Agreement, *entries: tuple[str, str, int]) -> list[tuple[str, Row]]:
    """(entry id, work date, minutes), priced one by one at 150.00 an hour."""
    return [(entry, priced(worked(on, minutes), agreement, _RATES)) for entry, on, minutes in entries]


def _share(agreement: Agreement, rows: list[tuple[str, Row]]) -> list[str]:
    allotment.allow(rows, (0, 0), agreement.on)
    for _, row in rows:
        allotment.settle(row, agreement.on(row.day), _RATES)
    return [show(row.amount or 0, 2) for _, row in rows]


def test_ten_hours_a_week_are_included_and_the_rest_is_time_and_materials() -> None:
    # R18: 14 h worked, 10 h free. Of the second entry 10 − 6 = 4 h are free, the other 4 h × 150.00 = 600.00.
    agreement = _contract(included={"minutes": 600, "per": "week"})
    rows = _rows(agreement, ("a", "2026-03-02", 360), ("b", "2026-03-03", 480))
    assert _share(agreement, rows) == ["0.00", "600.00"]


def test_a_reversal_takes_back_first_what_was_beyond_the_allowance() -> None:
    # 14 h, then −2 h: 12 h net, 2 h beyond 10 h: 600.00 − 300.00 = 300.00.
    agreement = _contract(included={"minutes": 600, "per": "week"})
    rows = _rows(agreement, ("a", "2026-03-02", 840), ("b", "2026-03-03", -120))
    assert _share(agreement, rows) == ["600.00", "-300.00"]


def test_a_prepaid_block_is_drawn_at_its_fee_and_work_beyond_it_at_the_rate() -> None:
    # R17: 100 h for 15,000.00; 62.5 h drawn come to 9,375.00; 40 h more: 37.5 h × 150 = 5,625.00 and 2.5 h beyond at
    # the rate of 150.00 = 375.00, 6,000.00 in all, of which 375.00 is to be invoiced as time.
    agreement = _contract(billing_method="prepaid", prepaid={"minutes": 6000, "fee": "15000"})
    rows = _rows(agreement, ("a", "2026-03-02", 3750), ("b", "2026-03-03", 2400))
    assert _share(agreement, rows) == ["9375.00", "6000.00"]
    assert [row.drawn for _, row in rows] == [3750, 2250]
    assert [show((row.amount or 0) - row.drawn_amount, 2) for _, row in rows] == ["0.00", "375.00"]


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        # R8: four calls of 3 minutes. Each up to 6: 4 × 6 = 24 min = 0.4 h. The day to the nearest 6: 12 min = 0.2 h.
        ({"increment_minutes": 6, "direction": "up", "scope": "entry"}, [6, 6, 6, 6]),
        ({"increment_minutes": 6, "direction": "nearest", "scope": "person_day"}, [0, 6, 0, 6]),
        ({"increment_minutes": 6, "direction": "up", "scope": "client_day"}, [6, 0, 6, 0]),
    ],
)
def test_four_calls_of_three_minutes(rounding: dict[str, object], expected: list[int]) -> None:
    agreement = _contract(rounding=rounding)
    rows = _rows(agreement, *((name, "2026-03-02", 3) for name in "abcd"))
    terms = agreement.on(calendar.number("2026-03-02"))
    assert terms is not None
    if terms.rounding.together:
        allotment.round_day(rows, terms)
    assert [row.billable_minutes for _, row in rows] == expected


def test_the_increment_of_a_persons_day_is_each_persons_own() -> None:
    agreement = _contract(rounding={"increment_minutes": 15, "direction": "up", "scope": "person_day"})
    # 5 min up to 15, of each; of one day for all they were 5 → 15 and 10 → 15, so the second would get nothing.
    rows = _rows(agreement, ("a", "2026-03-02", 5), ("b", "2026-03-02", 5))
    rows[1][1].resource_id = "R-other"
    terms = agreement.on(rows[0][1].day)
    assert terms is not None
    allotment.round_day(rows, terms)
    assert [row.billable_minutes for _, row in rows] == [15, 15]


def test_what_is_not_approved_yet_takes_nothing_of_an_allowance() -> None:
    agreement = _contract(included={"minutes": 60, "per": "term"})
    rows = _rows(agreement, ("a", "2026-03-02", 60), ("b", "2026-03-03", 60))
    rows[0][1].status = SUBMITTED
    assert _share(agreement, rows) == ["150.00", "0.00"]
    rows[0][1].status = APPROVED
    assert _share(agreement, rows) == ["0.00", "150.00"]


def test_an_entry_that_the_days_increment_leaves_nothing_of_is_not_billed_beside_a_block() -> None:
    # 7 and 7 minutes, increment 10 over the person's day, nearest: 7 → 10 and 14 → 10, so the second one gets 0.
    together = {"increment_minutes": 10, "scope": "person_day"}
    agreement = _contract(together, billing_method="prepaid", prepaid={"fee": "700.50"})
    rows = _rows(agreement, ("a", "2026-03-02", 7), ("b", "2026-03-02", 7))
    terms = agreement.on(calendar.number("2026-03-02"))
    assert terms is not None
    allotment.round_day(rows, terms)
    for _, row in rows:
        allotment.settle(row, terms, _RATES)
    assert [(row.billable_minutes, row.by_time) for _, row in rows] == [(10, True), (0, False)]


def test_work_shares_a_day_s_increment_and_an_allowance_but_no_increment_of_its_own() -> None:
    together = {"increment_minutes": 15, "scope": "person_day"}
    assert _contract(together).allots
    assert not _contract({"increment_minutes": 15}).allots
    agreement = _contract(included={"minutes": 60, "per": "week"})
    monday = calendar.number("2026-03-02")
    terms, plain = agreement.on(monday), _contract().on(monday)
    assert terms is not None
    assert plain is not None
    assert allotment.span_of("L-1", monday + 3, terms) == ("L-1", monday, monday + 6, "week")
    assert allotment.span_of("L-1", monday, plain) is None
    monthly = _contract(included={"minutes": 60, "per": "month"}).on(monday)
    assert monthly is not None
    assert allotment.span_of("L-1", monday, monthly) == ("L-1", monday - 1, monday + 29, "month")


def test_a_reversal_of_all_leaves_the_allowance_as_it_was() -> None:
    # 60 of 120 min are included, 60 cost 150.00. −120 take those back first, then what was given: 60 are free again.
    agreement = _contract(included={"minutes": 60, "per": "term"})
    rows = _rows(agreement, ("a", "2026-03-02", 120), ("b", "2026-03-03", -120), ("c", "2026-03-04", 60))
    assert _share(agreement, rows) == ["150.00", "-150.00", "0.00"]
