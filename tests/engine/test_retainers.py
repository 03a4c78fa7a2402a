"""A retainer's months count the work of their own days, up to as-of."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.engine.runs import figures, fold, lines
from tests.model.test_oracle import amended, contract, line, rate, worked

_AGREED = line(billing_method="retainer", retainer={"fee": "1000", "minutes": 600, "overage_rate": "120"})

_BY_TIME = {"line_id": "L-1", "billing_method": "time_and_materials"}


def hints(events: list[Any], as_of: str) -> dict[str, str]:
    """What L-1 earned by month."""
    found = figures(fold(lines(events)).host.stores, date.fromisoformat(as_of)).revenue
    return {period: row["period_amount"] for (_, of, period), row in found.items() if of == "L-1"}


@pytest.mark.parametrize("later", [[], [amended("replacement", "2025-02-01", lines=[_BY_TIME])]])
def test_work_after_as_of_is_no_overage_yet(later: list[Any]) -> None:
    # 10 of 10 hours by the 15th: 1,000.00. An hour of the 20th is over: 120.00, from that day on.
    events = [contract(_AGREED), worked(600, "2025-01-10"), worked(60, "2025-01-20", "T-2"), *later]
    assert hints(events, "2025-01-15") == {"2025-01": "1000.00"}
    assert hints(events, "2025-01-20") == {"2025-01": "1120.00"}


def test_work_after_the_term_is_no_overage() -> None:
    agreed = contract(_AGREED, term={"from": "2025-01-01", "to": "2025-01-31"})
    events = [agreed, worked(660, "2025-01-10"), worked(600, "2025-02-03", "T-2")]
    assert hints(events, "2025-02-28") == {"2025-01": "1120.00", "2025-02": "0.00"}


def test_a_line_that_was_a_retainer_for_part_of_a_month_counts_the_work_of_those_days() -> None:
    # From 16 January it is time and materials at 100.00: of the 11 h of the 10th one is over, 120.00; 2 h of the 20th
    # are 200.00 by time, and the line is measured so at the month's end.
    change = amended("replacement", "2025-01-16", lines=[_BY_TIME])
    work = [worked(660, "2025-01-10"), worked(120, "2025-01-20", "T-2")]
    run = fold(lines([contract(_AGREED), rate("100"), change, *work]))
    early, late = (figures(run.host.stores, date(2025, 1, day)).readiness["C-1"] for day in (15, 31))
    assert (early["ready_fee_amount"], late["ready_fee_amount"]) == ("1120.00", "1120.00")
    assert late["ready_time_amount"] == "200.00"
