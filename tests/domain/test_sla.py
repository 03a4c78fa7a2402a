"""Business SLAs: what closed, what waits, what took too long; arithmetic beside each number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from app.domain.sla import (
    DAY,
    EPOCH_DAY,
    HOUR,
    PROMISES,
    Measured,
    Name,
    Told,
    Work,
    coarse,
    fresh,
    of_contract,
    percentile,
    rows,
    targets,
    total,
    window,
)

NOW = 100 * DAY


def told(**given: Any) -> Told:
    whole: dict[str, Any] = {
        "contract_id": "C",
        "approved": None,
        "amendments": [],
        "answers": [],
        "invoices": [],
        "disputes": [],
        "first_work": None,
    }
    return Told(**(whole | given))


def row(name: str, *contracts: Told, work: Sequence[Work] = (), since: int = 0) -> dict[str, Any]:
    found = total(of_contract(one, work, since) for one in contracts or (told(),))
    return next(one for one in rows(found, NOW) if one["sla"] == name)


def test_every_promise_has_a_row_that_says_nothing_of_nothing() -> None:
    found = rows(fresh(), 0)
    assert [one["sla"] for one in found] == list(PROMISES)
    assert all(one["met"] is None for one in found)


def test_a_contract_is_active_with_its_first_work() -> None:
    """Approved on day 10; work on day 12 (2 days) and on day 16 (6 days, the target is 5)."""
    soon, late = told(approved=10 * DAY, first_work=12 * DAY), told(approved=10 * DAY, first_work=16 * DAY)
    found = row("project_activation_time", soon, late)
    assert (found["p50_seconds"], found["p95_seconds"]) == (2 * 86_400, 6 * 86_400)
    assert (found["closed"], found["open"], found["breaches"], found["met"]) == (2, 0, 1, False)


def test_what_waits_longer_than_its_target_is_a_breach_too() -> None:
    """Approved on days 40 and 97; today is day 100: 60 days and 3."""
    found = row("project_activation_time", told(approved=40 * DAY), told(contract_id="D", approved=97 * DAY))
    assert (found["open"], found["breaches"], found["met"]) == (2, 1, None)
    assert found["oldest_open"] == {"subject": "contract/C", "age_seconds": 60 * 86_400}


def test_an_amendment_is_known_to_finance_with_the_first_document_under_it() -> None:
    """Version 2 of hour 0: rejected at 1 h, version 1 accepted at 2 h, version 3 accepted at 5 h."""
    answers = [(HOUR, False, 2), (2 * HOUR, True, 1), (5 * HOUR, True, 3), (9 * HOUR, True, 2)]
    found = row("amendment_sync_latency", told(amendments=[(2, 0)], answers=answers))
    assert (found["p50_seconds"], found["open"]) == (5 * 3_600, 0)
    assert row("amendment_sync_latency", told(amendments=[(2, 0)]))["open"] == 1


def work(name: str, day: int, **given: Any) -> Work:
    """An entry of the day `day` after 1970-01-01, approved at its end."""
    whole: dict[str, Any] = {"approved": True, "priced": True, "told": (day + 1) * DAY, "invoiced": None}
    return Work(name, day=day + EPOCH_DAY, **(whole | given))


def test_readiness_lags_from_the_end_of_the_work_date() -> None:
    """Worked on day 10, over at the end of it; approved two days later, and on the day itself, which is no time."""
    found = row("invoice_readiness_lag", work=[work("E", 10, told=13 * DAY), work("F", 10, told=10 * DAY + HOUR)])
    assert (found["p50_seconds"], found["p95_seconds"]) == (0, 2 * 86_400)
    waiting = row("invoice_readiness_lag", work=[work("E", 10, approved=False)])
    assert (waiting["open"], waiting["oldest_open"]["age_seconds"]) == (1, 89 * 86_400)  # from the end of day 10


def test_approved_time_is_answered_by_an_invoice() -> None:
    entries = [work("E", 9, invoiced=20 * DAY), work("F", 9, priced=False), work("G", 49)]
    found = row("approved_time_to_acknowledged", work=entries)
    assert (found["closed"], found["p50_seconds"]) == (1, 10 * 86_400)
    assert found["oldest_open"] == {"subject": "time/G", "age_seconds": 50 * 86_400}
    assert found["breaches"] == 1  # 50 days are more than 30


def test_rates_are_of_what_was_answered_and_issued() -> None:
    """4 invoices, of which 1 was credited; 4 answers, of which 1 rejected: 2 of 8. 1 dispute of 4 invoices."""
    told_ = told(
        invoices=[(1, False), (2, True), (3, False), (4, False)],
        answers=[(5, True, 1), (6, True, 1), (7, True, 1), (8, False, 1)],
        disputes=[9],
    )
    exceptions, disputes = row("invoice_exception_rate", told_), row("dispute_rate", told_)
    assert (exceptions["part"], exceptions["whole"], exceptions["ratio"]) == (2, 8, "0.2500")
    assert (disputes["ratio"], disputes["target_ratio"], disputes["met"]) == ("0.2500", "0.0100", False)


@pytest.mark.parametrize(("name", "most"), [("invoice_exception_rate", 20_000), ("dispute_rate", 10_000)])
def test_a_rate_is_kept_up_to_its_target_and_no_further(name: Name, most: int) -> None:
    """Of a million, 2 % are 20,000 and 1 % are 10,000; one more is too many."""
    for part, met in ((most, True), (most + 1, False)):
        [found] = rows({name: Measured(part=part, whole=1_000_000)}, NOW)
        assert found["met"] is met


@pytest.mark.parametrize(
    ("minutes", "counted"),
    [(60, 60), (61, 75), (75, 75), (76, 90), (24 * 60 - 1, 24 * 60), (24 * 60, 24 * 60), (24 * 60 + 1, 25 * 60)],
)
def test_a_duration_is_counted_in_minutes_then_quarters_of_an_hour_then_hours(minutes: int, counted: int) -> None:
    assert coarse(minutes) == counted


def test_the_window_is_the_90_days_before_a_day() -> None:
    """Day 100 after 1970-01-01 begins 100 days after it: the window opens with day 10. None opens before all time."""
    assert window(EPOCH_DAY + 100) == 10 * DAY
    assert (window(EPOCH_DAY + 90), window(EPOCH_DAY + 89), window(None)) == (0, 0, 0)


def test_what_closed_before_the_window_is_forgotten_and_what_is_open_is_not() -> None:
    old = told(approved=1 * DAY, first_work=2 * DAY, invoices=[(3 * DAY, True)])
    assert row("project_activation_time", old, since=10 * DAY)["closed"] == 0
    assert row("project_activation_time", told(approved=1 * DAY), since=10 * DAY)["open"] == 1
    assert row("invoice_exception_rate", old, since=10 * DAY)["whole"] == 0


@pytest.mark.parametrize(
    ("closed", "p50", "p95"),
    [({5: 1}, 5, 5), ({1: 50, 2: 50}, 1, 2), ({1: 95, 9: 5}, 1, 1), ({1: 94, 9: 6}, 1, 9), ({}, None, None)],
)
def test_a_percentile_is_the_nearest_rank(closed: dict[int, int], p50: int | None, p95: int | None) -> None:
    assert (percentile(closed, 50), percentile(closed, 95)) == (p50, p95)


def test_parts_come_to_the_whole_in_whatever_order() -> None:
    one, other = (
        of_contract(told(approved=0, first_work=DAY), [], 0),
        of_contract(told(approved=0, first_work=HOUR), [], 0),
    )
    assert rows(total([one, other]), NOW) == rows(total([other, one]), NOW)


def test_a_firm_s_own_target_decides() -> None:
    """Two days are within five, and not within 47 hours."""
    found = total([of_contract(told(approved=0, first_work=2 * DAY), [], 0)])
    assert rows(found, NOW)[0]["met"] is True
    own = rows(found, NOW, targets({"project_activation_time": "47"}))[0]
    assert (own["met"], own["breaches"], own["target_seconds"]) == (False, 1, 47 * 3_600)


@pytest.mark.parametrize(("name", "value"), [("speed", "1"), ("dispute_rate", "2 %"), ("dispute_rate", "-1")])
def test_a_target_that_is_none_says_what_to_give(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"there are|give"):
        targets({name: value})
