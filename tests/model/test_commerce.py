"""The model's rules of commerce against figures worked out by hand: allotments, fees, write-offs, retainage."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from .test_oracle import amended, blockers, burn, contract, credited, invoiced, line, rate, readiness, worked

Data = dict[str, Any]


def minutes_of(rounding: Data, *entries: Any) -> Any:
    return burn([contract(rounding=rounding), rate("100"), *entries])["approved"]["billable_minutes"]


# -- increments over a day ----------------------------------------------------------------------------------------


def test_steps_over_a_day_follow_the_running_total() -> None:
    # R8: four calls of 3 min, nearest 6 min, ties down. Totals 3, 6, 9, 12 become 0, 6, 6, 12: 12 min = 0.2 h
    calls = [worked(3, entry_id=f"T-{n}") for n in range(4)]
    assert minutes_of({"increment_minutes": 6, "scope": "person_day"}, *calls) == 12
    assert minutes_of({"increment_minutes": 6, "scope": "entry"}, *calls) == 0
    assert minutes_of({"increment_minutes": 6, "scope": "entry_day"}, *calls) == 0


def test_a_day_is_one_person_s_or_all_persons_together() -> None:
    # up to 15: 10 and 10 min of two persons are 15 + 15 = 30 alone, 20 → 30 together; 5 and 5 are 30 alone, 15 together
    up = {"increment_minutes": 15, "direction": "up"}
    two = [worked(5), worked(5, entry_id="T-2", resource_id="P-2")]
    assert minutes_of({**up, "scope": "person_day"}, *two) == 30
    assert minutes_of({**up, "scope": "client_day"}, *two) == 15


def test_another_day_or_what_is_not_charged_does_not_share_the_step() -> None:
    # up to 15: 5 min on each of two days are 30. On one day 5 approved are 15; 5 non-billable ones are nobody's.
    up = {"increment_minutes": 15, "direction": "up", "scope": "client_day"}
    assert minutes_of(up, worked(5), worked(5, "2025-03-04", "T-2")) == 30
    assert minutes_of(up, worked(5), worked(5, entry_id="T-2", billable=False)) == 15


def test_the_entry_that_crosses_a_step_gets_it() -> None:
    # up to 15, in the order of ids: totals 5, 10, 20 become 15, 15, 30. T-1 has 15, T-2 none, T-3 15: at 60 an hour.
    up = {"increment_minutes": 15, "direction": "up", "scope": "person_day"}
    calls = [
        worked(10, entry_id="T-3", role="c"),
        worked(5, entry_id="T-2", role="b"),
        worked(5, entry_id="T-1", role="a"),
    ]
    row = burn([contract(rounding=up), rate("60"), *calls])
    assert {role: group["minutes"] for role, group in row["by_role"].items()} == {"a": 15, "b": 0, "c": 15}
    assert row["approved"]["amount"] == "30.00"


def test_a_reversal_on_the_day_gives_the_step_back() -> None:
    # up to 15: totals 20, 10, 0 become 30, 15, 0
    up = {"increment_minutes": 15, "direction": "up", "scope": "person_day"}
    entries = [worked(20), worked(-10, entry_id="T-2"), worked(-10, entry_id="T-3")]
    assert minutes_of(up, *entries[:2]) == 15
    assert minutes_of(up, *entries) == 0


def test_submitted_time_is_stepped_alone_and_moves_nobody() -> None:
    # up to 15: 5 approved are 15 min = 15.00; 5 submitted would alone be 15 min = 15.00 more
    up = {"increment_minutes": 15, "direction": "up", "scope": "person_day"}
    row = burn([contract(rounding=up), rate("60"), worked(5, kind="submitted"), worked(5, entry_id="T-2")])
    assert (row["approved"]["amount"], row["pending"]["amount"]) == ("15.00", "15.00")


# -- included minutes ---------------------------------------------------------------------------------------------


def ten_hours(per: str = "week", minutes: int = 600) -> Any:
    return contract(line(included={"minutes": minutes, "per": per}))


def test_included_hours_cost_nothing_and_the_rest_does() -> None:
    # R18: 10 h a week at 0, then 150: 14 h are 4 × 150 = 600.00; minutes count all
    row = burn([ten_hours(), rate("150"), worked(480), worked(360, "2025-03-04", "T-2")])
    assert row["approved"]["billable_minutes"] == 840
    assert row["approved"]["amount"] == "600.00"


@pytest.mark.parametrize(
    ("per", "amount"),
    [
        ("week", "600.00"),  # W09 with 28 Feb: 480 of 600; W10 from 3 March: 840, so 240 over = 4 h × 150
        ("month", "600.00"),  # February 480; March 840, so 240 over
        ("term", "1800.00"),  # 1320 − 600 = 720 over = 12 h × 150
    ],
)
def test_included_minutes_begin_anew_with_their_period(per: str, amount: str) -> None:
    entries = [worked(480, "2025-02-28"), worked(480, "2025-03-03", "T-2"), worked(360, "2025-03-04", "T-3")]
    assert burn([ten_hours(per), rate("150"), *entries])["approved"]["amount"] == amount


def test_an_iso_week_runs_over_the_year_s_end() -> None:
    # 31 December 2024 and 2 January 2025 are both 2025-W01: 14 h, 4 over = 600.00; two months would have none over
    entries = [worked(480, "2024-12-31"), worked(360, "2025-01-02", "T-2")]
    assert burn([ten_hours(), rate("150"), *entries])["approved"]["amount"] == "600.00"
    assert burn([ten_hours("month"), rate("150"), *entries])["approved"]["amount"] == "0.00"


def test_the_earliest_entries_are_the_included_ones() -> None:
    # 10 h: 8 h of a on Monday; of 6 h of b on Tuesday 2 are left: a 0.00, b 4 × 150 = 600.00
    entries = [worked(360, "2025-03-04", "T-1", role="b"), worked(480, "2025-03-03", "T-2", role="a")]
    row = burn([ten_hours(), rate("150"), *entries])
    assert {role: group["amount"] for role, group in row["by_role"].items()} == {"a": "0.00", "b": "600.00"}


@pytest.mark.parametrize(
    ("minutes", "amount"),
    [
        ((840, -240), "0.00"),  # 600 in all, all included: the 4 h charged come back
        ((840, -300), "0.00"),  # 540 in all
        ((840, -300, 120), "150.00"),  # 660 in all, 60 over
        ((-60, 660), "0.00"),  # 600 in all, although 660 at once are more than 600
    ],
)
def test_negative_minutes_give_included_ones_back(minutes: tuple[int, ...], amount: str) -> None:
    entries = [worked(one, entry_id=f"T-{n}") for n, one in enumerate(minutes)]
    assert burn([ten_hours(), rate("150"), *entries])["approved"]["amount"] == amount


def test_fewer_included_minutes_take_nothing_back() -> None:
    # 8 h of 10 are free; from 5 March only 5 h are included: the 1 h on the 5th costs 150, the 8 h stay free
    less = amended("replacement", "2025-03-05", lines=[line(included={"minutes": 300})])
    entries = [worked(480), worked(60, "2025-03-05", "T-2")]
    assert burn([ten_hours(), less, rate("150"), *entries])["approved"]["amount"] == "150.00"


def test_submitted_or_non_billable_time_uses_no_included_minutes() -> None:
    # the 10 h are for T-3; T-1 submitted shows its full price 8 h × 150 = 1200.00
    entries = [worked(480, kind="submitted"), worked(480, entry_id="T-2", billable=False), worked(600, entry_id="T-3")]
    row = burn([ten_hours(), rate("150"), *entries])
    assert (row["approved"]["amount"], row["pending"]["amount"]) == ("0.00", "1200.00")


def test_included_time_without_a_rate_is_unpriced_all_the_same() -> None:
    assert burn([ten_hours(), worked(60)])["unpriced_minutes"] == 60


def test_only_what_is_over_is_ready() -> None:
    row = readiness([ten_hours(), rate("150"), worked(480), worked(360, "2025-03-04", "T-2")])
    assert (row["ready_amount"], row["ready_minutes"], row["ready_entries"]) == ("600.00", 840, 2)


# -- retroactive prices -------------------------------------------------------------------------------------------


def repriced(policy: str, *more: Any) -> list[Any]:
    """R46: 30 h invoiced at 150, 40 h not, then 165 from before both."""
    billed = invoiced(("time", "T-1", "4500"), invoiced_on="2025-03-31")
    entries = [worked(1800), worked(2400, entry_id="T-2")]
    return [contract(retro_policy=policy), rate("165"), *entries, billed, *more]


@pytest.mark.parametrize("policy", ["credit_rebill", "delta_line"])
def test_invoiced_work_is_adjusted_to_a_late_price(policy: str) -> None:
    # R46: 4950 − 4500 = 450.00 for the invoiced; 40 × 165 = 6600.00 for the others
    row = readiness(repriced(policy))
    assert (row["adjustment_amount"], row["ready_amount"]) == ("450.00", "6600.00")
    assert burn(repriced(policy))["approved"]["amount"] == "11550.00"


def test_prospective_only_never_touches_invoiced_work() -> None:
    # R46: the invoiced keep 4500.00, the others are 40 × 165 = 6600.00
    row = readiness(repriced("prospective_only"))
    assert (row["adjustment_amount"], row["ready_amount"]) == ("0.00", "6600.00")
    assert burn(repriced("prospective_only"))["approved"]["amount"] == "11100.00"
    # before the invoice nothing is kept: 30 × 165 more
    assert burn(repriced("prospective_only"), as_of=date(2025, 3, 30))["approved"]["amount"] == "11550.00"


def test_the_policy_is_that_of_the_work_date() -> None:
    # prospective from 4 March on: the entry of the 3rd is adjusted, 15 h × (165 − 150) = 225.00; that of the 4th is not
    later = amended("replacement", "2025-03-04", retro_policy="prospective_only")
    billed = invoiced(("time", "T-1", "2250"), ("time", "T-2", "2250"))
    events = [contract(), later, rate("165"), worked(900), worked(900, "2025-03-04", "T-2"), billed]
    assert readiness(events)["adjustment_amount"] == "225.00"


def test_prospective_only_gives_back_what_no_longer_stands() -> None:
    # rejected: −4500.00; credited wholly it is ready again at the new price, 30 × 165 = 4950.00 with the others' 6600
    rejected = worked(1800, revision=2, kind="rejected")
    assert readiness(repriced("prospective_only", rejected))["adjustment_amount"] == "-4500.00"
    again = readiness(repriced("prospective_only", credited(("time", "T-1", "4500"))))
    assert (again["adjustment_amount"], again["ready_amount"]) == ("0.00", "11550.00")


def test_a_price_kept_needs_no_rate() -> None:
    events = [contract(retro_policy="prospective_only"), worked(60), invoiced(("time", "T-1", "100"))]
    assert burn(events)["approved"]["amount"] == "100.00"
    assert blockers(events) == {}
