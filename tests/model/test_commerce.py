"""The model's rules of commerce against figures worked out by hand: allotments, fees, write-offs, retainage."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from .oracle import recompute
from .test_oracle import (
    NOW,
    amended,
    amount_of,
    blockers,
    burn,
    contract,
    credited,
    invoiced,
    line,
    rate,
    readiness,
    said,
    worked,
)

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


# -- fees ---------------------------------------------------------------------------------------------------------


def fees(events: list[Any], day: str) -> Any:
    return readiness(events, date.fromisoformat(day))["ready_fee_amount"]


def forty_hours(start: str = "2025-01-01", **more: Any) -> Any:
    """R16: 8000 a month for 40 h, overage 220 an hour."""
    retainer = {"fee": "8000", "minutes": 2400, "overage_rate": "220", "rollover": "all", "expiry_periods": 1}
    agreed = line(billing_method="retainer", retainer=retainer | more)
    return contract(agreed, start=start)


def hours_in(month: int, hours: int) -> list[Any]:
    """So many hours in a month of 2025, an hour at a time."""
    return [worked(60, f"2025-{month:02}-15", f"T-{month}-{n}") for n in range(hours)]


def test_unused_hours_roll_over_and_what_exceeds_them_costs() -> None:
    # R16: Jan used 38 of 40, 2 roll; Feb 42 available, 45 used: 3 × 220 = 660.00; Mar 40 available.
    events = [forty_hours(), *hours_in(1, 38), *hours_in(2, 45)]
    assert fees(events, "2025-01-31") == "8000.00"
    assert fees(events, "2025-02-28") == "16660.00"
    assert fees([*events, *hours_in(3, 40)], "2025-03-31") == "24660.00"
    assert fees([*events, *hours_in(3, 41)], "2025-03-31") == "24880.00"


@pytest.mark.parametrize(
    ("terms", "march"),
    [
        ({"rollover": "none"}, 5),  # Jan 30 of 40, Feb 40 of 40: nothing rolls, 45 in March are 5 over
        ({"rollover": "all", "expiry_periods": 1}, 5),  # the 10 of January end with February, unused there
        ({"rollover": "all", "expiry_periods": 2}, 0),  # they can be had in March: 50 available
        ({"rollover": "all", "expiry_periods": None}, 0),
        ({"rollover": "capped", "cap_minutes": 180, "expiry_periods": 2}, 2),  # 3 of the 10 roll: 43 available
    ],
)
def test_what_rolls_over_has_a_cap_and_an_end(terms: Data, march: int) -> None:
    # In February the 40 used are first the 10 rolled, then 30 of its own, so what rolls on are February's 10.
    february = 40 if terms["rollover"] == "none" or terms.get("expiry_periods") != 1 else 50
    events = [forty_hours(**terms), *hours_in(1, 30), *hours_in(2, february), *hours_in(3, 45)]
    assert fees(events, "2025-03-31") == f"{3 * 8000 + march * 220}.00"


def test_a_cap_is_on_all_that_is_carried() -> None:
    # 8 h a month, at most 4 h carried (R16, 50 %): Jan used 2: 6 left, 4 roll, 2 forfeited. Feb used 4: they are the
    # rolled ones, so 8 of its own are left and 4 roll. Mar has 12: 13 used are 1 over.
    terms: Data = {"minutes": 480, "rollover": "capped", "cap_minutes": 240, "expiry_periods": 2}
    events = [forty_hours(**terms), *hours_in(1, 2), *hours_in(2, 4), *hours_in(3, 13)]
    assert fees(events, "2025-03-31") == "24220.00"
    # Jan rolls 4, to be used by March; in February nothing is used, and its own find no room. In March 8 are used:
    # the 4 of January and 4 own, so 4 roll. Apr has 12: 13 used are 1 over.
    later = [forty_hours(**terms), *hours_in(1, 4), *hours_in(3, 8), *hours_in(4, 13)]
    assert fees(later, "2025-04-30") == "32220.00"
    # Only 2 are used in March: 2 of January's end unused, but 4 of March's 8 roll all the same: 12 in April.
    idle = [forty_hours(**terms), *hours_in(1, 4), *hours_in(3, 2), *hours_in(4, 13)]
    assert fees(idle, "2025-04-30") == "32220.00"


def test_a_partial_month_earns_its_days() -> None:
    # R16: from 15 January 17 of 31 days: 8000 × 17 ÷ 31 = 4387.096… → 4387.10, minutes 2400 × 17 ÷ 31 = 1316.1 → 1316,
    # of 22 h = 1320 min are 4 over: 4 × 220 ÷ 60 = 14.67
    assert fees([forty_hours("2025-01-15")], "2025-01-15") == "4387.10"
    assert fees([forty_hours("2025-01-15", rollover="none"), *hours_in(1, 22)], "2025-01-31") == "4401.77"


def test_a_month_is_earned_when_its_first_day_in_the_term_has_come() -> None:
    assert fees([forty_hours()], "2024-12-31") == "0.00"
    assert fees([forty_hours()], "2025-02-01") == "16000.00"
    ended = amended("replacement", "2025-01-01", term={"to": "2025-02-14"})
    assert fees([forty_hours(), ended], "2025-12-31") == "12000.00"  # 8000 + 8000 × 14 ÷ 28


def test_an_amended_fee_holds_from_the_next_month() -> None:
    # 9000 from 10 February: 8000 + 8000 + 9000 by March
    more = amended("replacement", "2025-02-10", lines=[{"line_id": "L-1", "retainer": {"fee": "9000"}}])
    assert fees([forty_hours(), more], "2025-03-01") == "25000.00"


def test_a_fee_is_invoiced_by_its_line_or_a_period_of_it() -> None:
    # 24000 by March, less 8000 for January and 1000 at large = 15000.00; never below nothing
    claims = invoiced(("fee", "L-1/2025-01", "8000"), ("fee", "L-1", "1000"), ("fee", "L-10", "5"))
    assert fees([forty_hours(), claims], "2025-03-31") == "15000.00"
    assert fees([forty_hours(), invoiced(("fee", "L-1", "90000"))], "2025-03-31") == "0.00"


def test_time_on_a_retainer_is_not_ready_as_time() -> None:
    row = readiness([forty_hours(), rate("100"), *hours_in(1, 3)], date(2025, 1, 31))
    assert (row["ready_time_amount"], row["ready_fee_amount"], row["ready_amount"]) == ("0.00", "8000.00", "8000.00")


def hundred_hours() -> Any:
    """R17: 100 h for 15000.00."""
    return contract(
        line(billing_method="prepaid", prepaid={"minutes": 6000, "fee": "15000"}, budget={"amount": "15000"})
    )


def test_a_block_is_billed_at_once_and_drawn_at_its_own_price() -> None:
    # R17: 62.5 h drawn of 100: 62.5 × 150 = 9375.00, 5625.00 left. No rate is needed for it.
    events = [hundred_hours(), worked(1250), worked(1250, entry_id="T-2"), worked(1250, entry_id="T-3")]
    row = burn(events)
    assert (row["approved"]["amount"], row["remaining"]["amount"]) == ("9375.00", "5625.00")
    ready = readiness(events)
    assert (ready["ready_time_amount"], ready["ready_fee_amount"], ready["ready_entries"]) == ("0.00", "15000.00", 0)
    assert ready["blockers"] == []


def test_work_beyond_the_block_is_time_and_materials() -> None:
    # 5 × 24 h = 120 h: the fifth has 4 h in the block = 600.00 and 20 h at 180 = 3600.00
    events = [hundred_hours(), rate("180"), *[worked(1440, entry_id=f"T-{n}") for n in range(5)]]
    assert burn(events)["approved"]["amount"] == "18600.00"
    row = readiness(events)
    assert (row["ready_time_amount"], row["ready_minutes"], row["ready_entries"]) == ("3600.00", 1200, 1)
    billed = readiness([*events, invoiced(("time", "T-4", "3600"), ("fee", "L-1", "15000"))])
    assert (billed["ready_amount"], billed["adjustment_amount"]) == ("0.00", "0.00")
    assert burn(events[:1] + events[2:])["unpriced_minutes"] == 1440  # without a rate the fifth has no price


def test_a_whole_block_is_worth_its_fee() -> None:
    # 100.00 for 3 × 20 min: a third is 33.33, two are 66.67, all 100.00
    block = contract(line(billing_method="prepaid", prepaid={"minutes": 60, "fee": "100"}))
    entries = [worked(20, entry_id=f"T-{n}", role="abc"[n]) for n in range(3)]
    amounts = [group["amount"] for group in burn([block, *entries])["by_role"].values()]
    assert amounts == ["33.33", "33.34", "33.33"]


def test_a_block_drawn_below_nothing_is_worth_nothing() -> None:
    # −60 and then 660 of 600 min: all is in the block, worth its 100.00; −60 alone are worth 0.00
    block = contract(line(billing_method="prepaid", prepaid={"minutes": 600, "fee": "100"}))
    assert amount_of(block, worked(-60)) == "0.00"
    assert amount_of(block, worked(-60), worked(660, "2025-03-04", "T-2")) == "100.00"


def by_cost(*more: Any) -> list[Any]:
    """R15: fee 120000, estimate 80000; cost 100.00 an hour."""
    estimate = said(
        "estimate.set",
        estimate_id="S-1",
        revision=1,
        contract_id="C-1",
        line_id="L-1",
        cost="80000",
        effective_from="2025-01-01",
    )
    agreed = contract(line(billing_method="percent_complete", fee="120000"))
    return [agreed, estimate, rate("100", rate_id="K-1", kind="cost"), *more]


def cost_of(amount: int, day: str, entry_id: str) -> list[Any]:
    """Entries of 10 h, each costing 1000."""
    return [worked(600, day, f"{entry_id}-{n}") for n in range(amount // 1000)]


def test_a_fee_is_earned_as_its_cost_is_spent() -> None:
    # R15: 30000 of 80000 = 37.5 %: 45000.00. Estimate 100000 in April, cost 60000: 60 %: 72000.00.
    later = said(
        "estimate.set",
        estimate_id="S-2",
        revision=1,
        contract_id="C-1",
        cost="100000",
        effective_from="2025-04-01",
    )
    events = by_cost(later, *cost_of(30_000, "2025-03-03", "T"), *cost_of(30_000, "2025-04-03", "U"))
    assert fees(events, "2025-03-31") == "45000.00"
    assert fees(events, "2025-04-30") == "72000.00"
    # R15: 50000 billed are 5000 too much: nothing is ready. In April 72000 − 50000 = 22000.00.
    billed = [*events, invoiced(("fee", "L-1", "50000"))]
    assert fees(billed, "2025-03-31") == "0.00"
    assert fees(billed, "2025-04-30") == "22000.00"


def test_a_fee_is_never_more_than_the_fee_and_nothing_without_an_estimate() -> None:
    # cost 90000 of 80000 is all of it
    assert fees(by_cost(*cost_of(90_000, "2025-03-03", "T")), "2025-03-31") == "120000.00"
    events = by_cost(*cost_of(30_000, "2025-03-03", "T"))
    assert fees(events[:1] + events[2:], "2025-03-31") == "0.00"
    assert fees(events, "2024-12-31") == "0.00"


# -- write-offs, retainage, holds ---------------------------------------------------------------------------------


def written_off(number: str = "W-1", **what: Any) -> Any:
    return said("writeoff.recorded", writeoff_id=number, revision=1, contract_id="C-1", **what)


def gone(events: list[Any]) -> Any:
    return recompute(events, NOW).books["C-1"]["written_off"]


def test_an_entry_written_off_is_not_ready_and_still_burns() -> None:
    # R26: of 20000, 2400 are written off and 17600 can be billed; what was earned stays
    events = [contract(), rate("100"), *[worked(1200, entry_id=f"T-{n}") for n in range(10)]]
    off = written_off(entry_ids=["T-0", "T-9"])
    row = readiness([*events, off])
    assert (row["ready_amount"], row["ready_entries"], gone([*events, off])) == ("16000.00", 8, 4000)
    part = [*events, written_off(amount="2400")]
    assert (readiness(part)["ready_amount"], gone(part)) == ("17600.00", 2400)
    assert burn(part)["approved"]["amount"] == "20000.00"


def test_a_sum_written_off_takes_the_oldest_first_and_never_more_than_there_is() -> None:
    # 150 take T-2 of the 3rd whole (100) and 50 of T-1 of the 4th: 50.00 left, in one entry of 60 min
    events = [contract(), rate("100"), worked(60, "2025-03-04"), worked(60, entry_id="T-2")]
    row = readiness([*events, written_off(amount="150")])
    assert (row["ready_amount"], row["ready_entries"], row["ready_minutes"]) == ("50.00", 1, 60)
    much = [*events, written_off(amount="150"), written_off("W-2", amount="150")]
    assert (readiness(much)["ready_amount"], gone(much)) == ("0.00", 200)


def test_a_write_off_stays_with_the_entry_it_was_billed_around() -> None:
    # 100 − 30 = 70 invoiced for T-1: nothing to adjust, and T-2 is still whole
    events = [contract(), rate("100"), worked(60), worked(60, "2025-03-04", "T-2"), written_off(amount="30")]
    row = readiness([*events, invoiced(("time", "T-1", "70"))])
    assert (row["adjustment_amount"], row["ready_amount"]) == ("0.00", "100.00")
    assert row["blockers"] == []


def test_what_was_invoiced_is_not_written_off_until_it_is_credited() -> None:
    events = [contract(), rate("100"), worked(60), written_off(entry_ids=["T-1"]), invoiced(("time", "T-1", "100"))]
    assert gone(events) == 0
    back = [*events, credited(("time", "T-1", "100"))]
    assert (gone(back), readiness(back)["ready_amount"]) == (100, "0.00")


def test_what_is_written_off_uses_no_cap() -> None:
    # room 100: T-1 is written off, so T-2 fits
    capped = contract(line(cap={"amount": "100"}))
    events = [capped, rate("100"), worked(60), worked(60, entry_id="T-2"), written_off(entry_ids=["T-1"])]
    assert (readiness(events)["ready_amount"], readiness(events)["over_cap_amount"]) == ("100.00", "0.00")


def release(number: int, on: str, **what: Any) -> Any:
    data: Data = {"release_id": f"X-{number}", "revision": 1, "contract_id": "C-1", "line_id": "L-1"}
    return said("retainage.released", **data, on=on, **what)


def test_retainage_is_held_back_and_released_in_steps() -> None:
    # R24: 15000, 9000 and 6000 with 20, 10 and 0 % held back, 0, 10 and 100 % of the balance before the step released:
    # 15000 − 3000 = 12000; 9000 − 900 + 300 = 8400; 6000 + 3600 = 9600; together 30000.
    days = ["2025-01-15", "2025-02-15", "2025-03-15"]
    steps = [line(retainage_ratio=ratio) for ratio in ("0.2", "0.1", "0")]
    events = [
        contract(steps[0]),
        amended("replacement", "2025-02-01", 2, lines=[steps[1]]),
        amended("replacement", "2025-03-01", 3, lines=[steps[2]]),
        rate("1000"),
        worked(900, days[0], "T-1"),
        worked(540, days[1], "T-2"),
        worked(360, days[2], "T-3"),
        release(1, days[1], ratio="0.1"),
        release(2, days[2], ratio="1"),
    ]
    rows = [readiness(events, date.fromisoformat(day)) for day in days]
    assert [row["ready_amount"] for row in rows] == ["12000.00", "20400.00", "30000.00"]
    assert [row["retained_amount"] for row in rows] == ["3000.00", "3600.00", "0.00"]
    # Billed as paid, step by step, the released as a fee of the line: at each step there is only the step to bill.
    first = invoiced(("time", "T-1", "12000"), number="I-1")
    second = invoiced(("time", "T-2", "8100"), ("fee", "L-1", "300"), number="I-2")
    february = readiness([*events, first], date.fromisoformat(days[1]))
    march = readiness([*events, first, second], date.fromisoformat(days[2]))
    assert (february["ready_amount"], february["retained_amount"], february["adjustment_amount"]) == (
        "8400.00",
        "3600.00",
        "0.00",
    )
    assert (march["ready_amount"], march["retained_amount"], march["adjustment_amount"]) == ("9600.00", "0.00", "0.00")


def test_an_invoice_in_full_leaves_nothing_held_back() -> None:
    events = [contract(line(retainage_ratio="0.1")), rate("100"), worked(60)]
    assert readiness(events)["retained_amount"] == "10.00"
    row = readiness([*events, invoiced(("time", "T-1", "100"))])
    assert (row["retained_amount"], row["adjustment_amount"]) == ("0.00", "0.00")
    late = readiness([*events, invoiced(("time", "T-1", "70"))])  # of the 30 missing 10 are held back
    assert (late["retained_amount"], late["adjustment_amount"]) == ("10.00", "20.00")


def test_milestones_and_fees_are_held_back_too() -> None:
    # 10 % of 5000 and of 8000
    held = line("L-2", billing_method="milestone", retainage_ratio="0.1")
    retainer = line(billing_method="retainer", retainer={"fee": "8000", "minutes": 60}, retainage_ratio="0.1")
    name = {"milestone_id": "M-1", "contract_id": "C-1", "line_id": "L-2"}
    events = [contract(retainer, held), said("milestone.accepted", **name, revision=1, amount="5000")]
    row = readiness(events, date(2025, 1, 31))
    assert (row["ready_milestone_amount"], row["ready_fee_amount"], row["retained_amount"]) == (
        "4500.00",
        "7200.00",
        "1300.00",
    )
    billed = [*events, invoiced(("milestone", "M-1", "4500"), ("fee", "L-1", "7200"))]
    row = readiness(billed, date(2025, 1, 31))
    assert (row["ready_amount"], row["retained_amount"]) == ("0.00", "1300.00")


def exchange(worth: str, on: str = "2025-03-01", source: str = "USD", revision: int = 1) -> Any:
    pair = {"from_currency": source, "to_currency": "EUR", "on": on}
    return said("fx.rate.set", **pair, revision=revision, rate=worth, message_id=f"{source}/{on}/{revision}")


def dollars(amount: str, number: int = 1, **more: Any) -> Any:
    data: Data = {"expense_id": f"E-{number}", "revision": 1, "contract_id": "C-1", "date": "2025-03-03"}
    return said("expense.approved", **(data | {"net": {"amount": amount, "currency": "USD"}} | more))


def test_an_expense_is_converted_by_the_rate_of_its_day() -> None:
    # R25: 900.00 at 1.0847 = 976.23; set from the 4th on, the rate is none for the 3rd
    row = readiness([contract(), dollars("900"), exchange("1.0847")])
    assert (row["ready_expense_amount"], row["blockers"]) == ("976.23", [])
    late = [contract(), dollars("900"), exchange("1.0847", "2025-03-04")]
    assert readiness(late)["ready_expense_amount"] == "0.00"
    assert blockers(late) == {("CURRENCY_MISMATCH", "blocking"): (1, "0.00")}
    # The latest by then counts, and of one day its highest revision: 900 × 1.1 = 990.
    others = [exchange("1.2", "2025-03-02"), exchange("1.1", "2025-03-02", revision=2), exchange("2", "2025-03-04")]
    assert readiness([contract(), dollars("900"), exchange("1.0847"), *others])["ready_expense_amount"] == "990.00"


def test_expenses_are_converted_line_by_line() -> None:
    # R25: three times 33.33 at 1.0847 = 36.153… → 36.15 each, 108.45; the sum rounded once would be 108.46
    three = [dollars("33.33", number) for number in (1, 2, 3)]
    row = readiness([contract(), *three, exchange("1.0847")])
    assert row["ready_expense_amount"] == "108.45"


def test_mark_up_and_exchange_are_rounded_once() -> None:
    # 412.35 × 1.1 × 1.0847 = 492.0036… → 492.00
    events = [contract(), dollars("412.35", markup_ratio="0.1"), exchange("1.0847")]
    assert readiness(events)["ready_expense_amount"] == "492.00"


def test_nobody_turns_a_rate_round() -> None:
    turned = said("fx.rate.set", from_currency="EUR", to_currency="USD", on="2025-03-01", revision=1, rate="0.92")
    assert readiness([contract(), dollars("900"), turned])["ready_expense_amount"] == "0.00"


def test_a_hold_waits_and_a_dispute_stops() -> None:
    events = [contract(), rate("100"), worked(60)]
    name = {"hold_id": "H-1", "contract_id": "C-1"}
    hold, cleared = said("hold.set", **name, revision=1), said("hold.cleared", **name, revision=2)
    row = readiness([*events, hold])
    assert (row["state"], row["ready_amount"]) == ("held", "100.00")
    assert blockers([*events, hold]) == {("CLIENT_HOLD", "held"): (1, "100.00")}
    assert readiness([*events, hold, cleared])["state"] == "ready"
    case = {"dispute_id": "D-1", "contract_id": "C-1"}
    dispute, resolved = said("dispute.opened", **case, revision=1), said("dispute.resolved", **case, revision=2)
    row = readiness([*events, hold, dispute])
    assert (row["state"], row["ready_amount"], row["blocked_amount"]) == ("blocked", "0.00", "100.00")
    assert readiness([*events, dispute, resolved])["state"] == "ready"
