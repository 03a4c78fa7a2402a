"""The model against figures worked out by hand. Who doubts the engine ends here, so each number shows its origin."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from .histories import Event
from .oracle import Figures, recompute

Data = dict[str, Any]

NOW = date(2025, 12, 31)


def said(kind: str, /, at: str = "2025-01-01T00:00:00Z", message_id: str = "", **data: Any) -> Event:
    """An event of type `kind`; unless told, its id follows from what it says."""
    name = next((str(data[key]) for key in data if key.endswith("_id")), kind)
    number = data.get("revision", data.get("version", 0))
    return {
        "specversion": "1.0",
        "id": message_id or f"{kind}/{name}/{number}",
        "source": "/test",
        "type": f"{kind}.v1",
        "time": at,
        "data": data,
    }


def contract(*lines: Data, version: int = 1, currency: str = "EUR", start: str = "2025-01-01", **more: Any) -> Event:
    """C-1 approved, in euros and from January on unless told otherwise, with one line L-1 unless lines are given."""
    return said(
        "contract.approved",
        **{
            "contract_id": "C-1",
            "version": version,
            "client_id": "CL-1",
            "currency": currency,
            "effective_from": start,
            "term": {"from": start},
            "lines": list(lines) or [line()],
            **more,
        },
    )


def line(line_id: str = "L-1", **more: Any) -> Data:
    return {"line_id": line_id, "billing_method": "time_and_materials", **more}


def amended(kind: str, start: str, version: int = 2, **more: Any) -> Event:
    data: Data = {"contract_id": "C-1", "version": version, "amendment_id": f"A-{version}", "kind": kind}
    return said("contract.amended", **data, effective_from=start, **more)


def rate(amount: str, start: str = "2025-01-01", rate_id: str = "R-1", **more: Any) -> Event:
    data: Data = {"rate_id": rate_id, "revision": 1, "amount": amount, "currency": "EUR", "effective_from": start}
    return said("rate.set", **(data | more))


def worked(
    minutes: int, day: str = "2025-03-03", entry_id: str = "T-1", kind: str = "approved", revision: int = 1, **more: Any
) -> Event:
    data: Data = {"entry_id": entry_id, "revision": revision, "contract_id": "C-1", "resource_id": "P-1"}
    return said(f"time.{kind}", **(data | {"work_date": day, "minutes": minutes} | more))


def invoiced(*lines: tuple[str, str, str], number: str = "I-1", **more: Any) -> Event:
    billed = [{"kind": kind, "id": item, "amount": amount} for kind, item, amount in lines]
    data: Data = {"invoice_id": number, "revision": 1, "contract_id": "C-1", "lines": billed}
    return said("invoice.issued", **(data | more))


def credited(*lines: tuple[str, str, str], number: str = "I-1", **more: Any) -> Event:
    billed = [{"kind": kind, "id": item, "amount": amount} for kind, item, amount in lines]
    data: Data = {"credit_id": "K-1", "revision": 1, "invoice_id": number, "contract_id": "C-1", "lines": billed}
    return said("invoice.credited", **(data | more))


def spent(amount: str, markup: str, **more: Any) -> Event:
    net = {"amount": amount, "currency": "EUR"}
    data: Data = {"expense_id": "E-1", "revision": 1, "contract_id": "C-1", "date": "2025-03-03", "net": net}
    return said("expense.approved", **data, markup_ratio=markup, **more)


def burn(events: list[Event], line_id: str | None = None, as_of: date = NOW) -> Data:
    return recompute(events, as_of).burn["C-1", line_id]


def readiness(events: list[Event], as_of: date = NOW) -> Data:
    return recompute(events, as_of).readiness["C-1"]


def amount_of(*events: Event) -> Any:
    return burn(list(events))["approved"]["amount"]


def blockers(events: list[Event], as_of: date = NOW) -> dict[tuple[str, str], tuple[int, str]]:
    row = readiness(events, as_of)
    return {(one["code"], one["tier"]): (one["count"], one["amount"]) for one in row["blockers"]}


# -- rates --------------------------------------------------------------------------------------------------------


def test_an_amount_is_hours_times_rate() -> None:
    # R12: 7.5 h × 180.00 = 1350.00
    assert amount_of(contract(), rate("180"), worked(450)) == "1350.00"


@pytest.mark.parametrize(
    ("day", "amount"),
    [("2025-03-14", "100.00"), ("2025-03-15", "110.00"), ("2025-03-31", "110.00"), ("2025-04-01", "120.00")],
)
def test_a_rate_holds_until_the_next_of_its_row_begins(day: str, amount: str) -> None:
    # R2: 100, then 110 from 15 March, then 120 from 1 April; 60 min at the rate of the day. 31 March is not a gap.
    cards = [rate("100"), rate("110", "2025-03-15", "R-2"), rate("120", "2025-04-01", "R-3")]
    assert amount_of(contract(), *cards, worked(60, day)) == amount


def test_a_contract_s_own_rate_precedes_a_newer_one_of_the_firm() -> None:
    # R2, scoped: X has 110, the firm 120, both from 15 March; 1 h at X costs 110, 1 h elsewhere 120.
    cards = [rate("120", "2025-03-15", "R-9"), rate("110", "2025-03-15", "R-1", contract_id="C-1")]
    other = contract(contract_id="C-2")
    entries = [worked(60, "2025-03-20"), worked(60, "2025-03-20", "T-2", contract_id="C-2")]
    figures = recompute([contract(), other, *cards, *entries], NOW)
    assert figures.burn["C-1", None]["approved"]["amount"] == "110.00"
    assert figures.burn["C-2", None]["approved"]["amount"] == "120.00"


def test_of_two_changes_in_one_month_the_later_in_effect_wins() -> None:
    # R6: 110 from 5 March, 130 from 20 March. 1 h on 19 March = 110, 1 h on 20 March = 130, together 240.
    cards = [rate("130", "2025-03-20", "R-2"), rate("110", "2025-03-05", "R-3"), rate("100")]
    assert amount_of(contract(), *cards, worked(60, "2025-03-19"), worked(60, "2025-03-20", "T-2")) == "240.00"


@pytest.mark.parametrize("left_out", range(9))
def test_the_more_specific_rate_wins_however_old(left_out: int) -> None:
    # person+contract 9, role+contract 8, contract 7, person+client 6, role+client 5, client 4, person 3, role 2, firm:
    # the most specific ones are left out one after the other. Each is older than the less specific ones. 60 min.
    person, role, client, here = {"resource_id": "P-1"}, {"role": "dev"}, {"client_id": "CL-1"}, {"contract_id": "C-1"}
    scopes = [person | here, role | here, here, person | client, role | client, client, person, role, {}]
    cards = [rate(str(9 - n), f"2025-01-{n + 1:02}", f"R-{n}", **scope) for n, scope in enumerate(scopes)]
    assert amount_of(contract(), *cards[left_out:], worked(60, role="dev")) == f"{9 - left_out}.00"


def test_among_equals_the_greatest_id_wins() -> None:
    # the same scope, the same day, the same revision: R-2 > R-1, so 70
    assert amount_of(contract(), rate("70", rate_id="R-2"), rate("90", rate_id="R-1"), worked(60)) == "70.00"


def test_a_withdrawn_rate_never_was() -> None:
    # 150 from March is withdrawn at revision 2; 60 min at the 100 before it
    gone = said("rate.withdrawn", rate_id="R-2", revision=2)
    assert amount_of(contract(), rate("100"), rate("150", "2025-03-01", "R-2"), gone, worked(60)) == "100.00"


def test_a_day_rate_is_spread_over_the_contract_s_day() -> None:
    # 960.00 a day of 450 min, 225 min worked: 225 × 960 ÷ 450 = 480.00
    assert amount_of(contract(day_minutes=450), rate("960", unit="day"), worked(225)) == "480.00"


def test_a_day_has_eight_hours_unless_the_contract_says_otherwise() -> None:
    # 960.00 a day of 480 min, 240 min worked: 240 × 960 ÷ 480 = 480.00
    assert amount_of(contract(), rate("960", unit="day"), worked(240)) == "480.00"


def test_an_override_is_a_price_even_when_it_is_zero() -> None:
    # 60 min at 0 = 0.00, priced, whether the zero came as a string or as a number; 60 min at 75 = 75.00
    entries = [worked(60, entry_id=f"T-{n}", rate_override=price) for n, price in enumerate(("0", 0, "75"))]
    row = burn([contract(), rate("100"), *entries])
    assert (row["approved"]["amount"], row["unpriced_minutes"]) == ("75.00", 0)


def test_a_winner_in_another_currency_blocks_and_is_not_skipped() -> None:
    events = [contract(), rate("100"), rate("90", rate_id="R-2", contract_id="C-1", currency="USD"), worked(60)]
    assert burn(events)["unpriced_minutes"] == 60
    assert blockers(events) == {("CURRENCY_MISMATCH", "blocking"): (1, "0.00")}


def test_no_rate_is_a_blocker_and_not_zero() -> None:
    events = [contract(), rate("100", "2025-04-01"), worked(60, "2025-03-31")]
    assert burn(events)["unpriced_minutes"] == 60
    assert blockers(events) == {("RATE_UNRESOLVED", "blocking"): (1, "0.00")}


def test_cost_is_worked_time_and_a_cost_in_another_currency_is_none() -> None:
    # increment up to 15: 50 min become 60 billable at 120 = 120.00; cost 50 min at 60 = 50.00
    events = [contract(rounding={"increment_minutes": 15, "direction": "up"}), rate("120"), worked(50)]
    cost = rate("60", rate_id="K-1", kind="cost")
    assert burn([*events, cost])["approved"] == {
        "billable_minutes": 60,
        "nonbillable_minutes": 0,
        "amount": "120.00",
        "cost": "50.00",
    }
    foreign = rate("60", rate_id="K-2", kind="cost", currency="USD", resource_id="P-1")
    assert burn([*events, cost, foreign])["approved"]["cost"] == "0.00"


# -- rounding -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rounding", "minutes", "amount"),
    [
        ({}, 5, "16.67"),  # R9: 5 × 200 ÷ 60 = 16.666… → 16.67
        ({"increment_minutes": 6}, 5, "20.00"),  # R9: 5 min is nearer to 6 than to 0; 6 × 200 ÷ 60
        ({"increment_minutes": 15, "direction": "up"}, 122, "450.00"),  # R8: 122 → 135 min = 2.25 h × 200
        ({"increment_minutes": 6}, 3, "0.00"),  # R8: 3 min is a tie between 0 and 6, and goes down
        ({"increment_minutes": 6, "tie": "up"}, 3, "20.00"),  # the same tie up: 6 min
        ({"increment_minutes": 15, "direction": "down"}, 44, "100.00"),  # 44 → 30 min × 200 ÷ 60
        ({"increment_minutes": 15, "direction": "up"}, -122, "-450.00"),  # a reversal mirrors its entry
        ({"increment_minutes": 6}, -5, "-20.00"),
    ],
)
def test_minutes_become_billable_by_the_contract_s_increment(rounding: Data, minutes: int, amount: str) -> None:
    assert amount_of(contract(rounding=rounding), rate("200"), worked(minutes)) == amount


def test_each_entry_is_brought_to_the_increment_alone() -> None:
    # R8: four calls of 3 min, each up to 6 min: 24 min = 0.4 h
    calls = [worked(3, entry_id=f"T-{n}") for n in range(4)]
    row = burn([contract(rounding={"increment_minutes": 6, "direction": "up"}), rate("100"), *calls])
    assert row["approved"]["billable_minutes"] == 24


@pytest.mark.parametrize(("mode", "amount"), [("half_up", "0.13"), ("half_even", "0.12")])
def test_a_half_cent_goes_as_the_contract_says(mode: str, amount: str) -> None:
    # 1 min at 7.50 = 0.125
    assert amount_of(contract(rounding={"mode": mode}), rate("7.5"), worked(1)) == amount


def test_half_a_cent_below_zero_goes_away_from_zero() -> None:
    # −1 min at 7.50 = −0.125
    assert amount_of(contract(), rate("7.5"), worked(-1)) == "-0.13"


def test_totals_are_sums_of_rounded_entries() -> None:
    # three times 5 min at 200 = 3 × 16.67 = 50.01, not 15 min at 200 = 50.00
    assert amount_of(contract(), rate("200"), *[worked(5, entry_id=f"T-{n}") for n in range(3)]) == "50.01"


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "17"), ("KWD", "16.667")])
def test_amounts_have_the_currency_s_decimals(currency: str, amount: str) -> None:
    # 5 min at 200 = 16.666…
    row = burn([contract(currency=currency), rate("200", currency=currency), worked(5)])
    assert row["approved"]["amount"] == amount
    assert row["committed"] == {"JPY": "0", "KWD": "0.000"}[currency]


def test_a_discount_comes_before_the_one_rounding() -> None:
    # R22: 200 h × 64.00 less 20 % = 10240.00, as 25 days of 480 min
    days = [worked(480, entry_id=f"T-{n}") for n in range(25)]
    assert amount_of(contract(line(discount_ratio="0.2")), rate("64"), *days) == "10240.00"


@pytest.mark.parametrize(("mode", "amount"), [("half_up", "453.59"), ("half_even", "453.58")])
def test_a_marked_up_expense_is_rounded_once(mode: str, amount: str) -> None:
    # R20: 412.35 × 1.1 = 453.585
    events = [contract(rounding={"mode": mode}), spent("412.35", "0.1")]
    assert burn(events)["expenses"] == amount
    assert readiness(events)["ready_expense_amount"] == amount


def test_expenses_in_another_currency_do_not_count() -> None:
    foreign = spent("100", "0")
    foreign["data"]["net"]["currency"] = "USD"
    assert burn([contract(), foreign])["expenses"] == "0.00"


def test_subcontracts_in_another_currency_do_not_count_and_are_flagged() -> None:
    # 300 EUR promised and 200 EUR invoiced; of dollars 100 promised and 50 invoiced, which are two flags.
    told = [
        ("committed", "S-1", "300", "EUR"),
        ("invoiced", "S-2", "200", "EUR"),
        ("committed", "S-3", "100", "USD"),
        ("invoiced", "S-4", "50", "USD"),
    ]
    papers = [
        said(
            f"subcontract.{kind}",
            commitment_id=name,
            revision=1,
            contract_id="C-1",
            net={"amount": amount, "currency": currency},
        )
        for kind, name, amount, currency in told
    ]
    assert burn([contract(), *papers])["committed"] == "300.00"
    assert blockers([contract(), *papers]) == {("CURRENCY_MISMATCH", "blocking"): (2, "0.00")}


# -- what an entry is ---------------------------------------------------------------------------------------------


def test_the_highest_revision_decides_whatever_came_last() -> None:
    first, second = worked(60), worked(90, revision=2)
    for events in ([first, second], [second, first], [second, first, second]):
        assert burn([contract(), *events])["approved"]["billable_minutes"] == 90


def test_of_two_messages_for_a_revision_the_later_by_time_source_and_id_counts() -> None:
    early, late = worked(60), worked(90)
    early |= {"id": "z", "time": "2025-01-01T00:00:00Z"}
    late |= {"id": "a", "time": "2025-01-01T00:00:01Z"}
    assert burn([contract(), late, early])["approved"]["billable_minutes"] == 90
    late["time"] = early["time"]
    assert burn([contract(), late, early])["approved"]["billable_minutes"] == 60  # id z > a


def test_of_two_contents_under_one_identity_the_earlier_counts() -> None:
    first = worked(60) | {"time": "2025-01-01T00:00:01Z"}
    other = worked(90) | {"time": "2025-01-01T00:00:00Z"}
    assert first["id"] == other["id"]
    assert burn([contract(), first, other])["approved"]["billable_minutes"] == 90


def test_what_a_reversal_leaves_out_is_taken_from_the_revision_below() -> None:
    # T-1 revision 1 is approved, 3 reverses it naming nothing: gone, yet still at C-1, where its line has a row
    reversal = said("time.reversed", entry_id="T-1", revision=3)
    figures = recompute([contract(), rate("60"), worked(60, line_id="L-7"), reversal], NOW)
    assert figures.burn["C-1", None]["approved"]["billable_minutes"] == 0
    assert ("C-1", "L-7") in figures.burn


def test_an_entry_reversed_without_a_contract_stays_where_it_was() -> None:
    # C-7 is not approved, so the entry waits there, reversed as it is: parked 1
    reversal = said("time.reversed", entry_id="T-1", revision=2)
    assert recompute([worked(60, contract_id="C-7"), reversal], NOW).parked == 1


def test_an_entry_with_no_home_counts_nowhere() -> None:
    figures = recompute([contract(), said("time.rejected", entry_id="T-1", revision=2)], NOW)
    assert figures.parked == 0
    assert burn([contract(), said("time.rejected", entry_id="T-1", revision=2)])["pending"]["minutes"] == 0


def test_a_moved_entry_counts_at_its_new_contract_only() -> None:
    events = [
        contract(),
        contract(contract_id="C-2"),
        rate("60"),
        worked(60),
        worked(60, revision=2, contract_id="C-2"),
    ]
    figures = recompute(events, NOW)
    assert figures.burn["C-1", None]["approved"]["amount"] == "0.00"
    assert figures.burn["C-2", None]["approved"]["amount"] == "60.00"


def test_submitted_time_is_pending_and_its_amount_is_of_the_billable() -> None:
    # 60 + 30 min pending; only the 60 billable ones have an amount, at 60 an hour
    entries = [worked(60, kind="submitted"), worked(30, entry_id="T-2", kind="submitted", billable=False)]
    assert burn([contract(), rate("60"), *entries])["pending"] == {"minutes": 90, "amount": "60.00"}


def test_a_correction_is_approved_unless_it_says_submitted() -> None:
    events = [contract(), rate("60"), worked(60, kind="corrected")]
    assert burn(events)["approved"]["billable_minutes"] == 60
    events.append(worked(60, kind="corrected", revision=2, status="submitted"))
    assert burn(events)["pending"]["minutes"] == 60


def test_time_without_a_line_belongs_to_the_only_line() -> None:
    entry = worked(60)
    assert burn([contract(), rate("60"), entry], "L-1")["approved"]["amount"] == "60.00"
    two = [contract(line(), line("L-2")), rate("60"), entry]
    assert burn(two, "L-1")["approved"]["amount"] == "0.00"
    assert burn(two)["approved"]["amount"] == "60.00"


def test_a_role_the_line_does_not_charge_is_not_billable() -> None:
    listed = contract(line(chargeable_roles=["dev"]))
    entries = [worked(60, role="dev"), worked(30, entry_id="T-2", role="ops"), worked(15, entry_id="T-3")]
    row = burn([listed, rate("60"), *entries])
    assert row["approved"] == {
        "billable_minutes": 60,
        "nonbillable_minutes": 45,
        "amount": "60.00",
        "cost": "0.00",
    }
    assert row["by_role"] == {"dev": {"minutes": 60, "amount": "60.00"}}


# -- terms --------------------------------------------------------------------------------------------------------


def test_a_retroactive_amendment_wins_by_its_version() -> None:
    # version 2 from June says 20 % off, version 3 from March says 10 %: in June both are in effect, 3 decides.
    # 60 min at 100 on 15 June = 90.00; on 15 April 3 alone amends = 90.00; on 15 February neither = 100.00
    first = amended("replacement", "2025-06-01", lines=[line(discount_ratio="0.2")])
    second = amended("retroactive", "2025-03-01", 3, lines=[line(discount_ratio="0.1")])
    days = {"2025-06-15": "90.00", "2025-04-15": "90.00", "2025-02-15": "100.00"}
    for day, amount in days.items():
        assert amount_of(contract(), first, second, rate("100"), worked(60, day)) == amount


def test_an_addition_counts_from_zero_where_nothing_was() -> None:
    # 600 + 120 min; no money + 500 = 500.00
    more = amended("additive", "2025-02-01", lines=[line(budget={"minutes": 120, "amount": "500"})])
    row = burn([contract(line(budget={"minutes": 600})), more], "L-1")
    assert row["budget"] == {"minutes": 720, "amount": "500.00"}
    assert burn([contract(line(budget={"minutes": 600})), more], "L-1", date(2025, 1, 31))["budget"]["minutes"] == 600


def test_null_clears_and_other_fields_stay() -> None:
    change = amended("replacement", "2025-02-01", lines=[line(budget={"amount": None})])
    row = burn([contract(line(budget={"minutes": 600, "amount": "500"})), change], "L-1")
    assert row["budget"] == {"minutes": 600, "amount": None}


def test_a_contract_s_budget_is_the_sum_of_its_lines_that_have_one() -> None:
    lines = [line(budget={"minutes": 600}), line("L-2", budget={"minutes": 60, "amount": "5"}), line("L-3")]
    assert burn([contract(*lines)])["budget"] == {"minutes": 660, "amount": "5.00"}
    assert burn([contract(*lines)], "L-3")["remaining"] == {"minutes": None, "amount": None}


def test_a_new_approval_replaces_the_contract() -> None:
    events = [contract(line(budget={"minutes": 600})), contract(line("L-2"), version=2, start="2025-02-01")]
    assert burn(events)["budget"]["minutes"] is None
    assert (burn(events)["contract_version"], burn(events, as_of=date(2025, 1, 15))["contract_version"]) == (2, 1)


def test_status_follows_the_terms_of_the_day() -> None:
    events = [
        contract(term={"from": "2025-02-01"}),
        said("contract.suspended", contract_id="C-1", version=2, effective_from="2025-03-01"),
        said("contract.resumed", contract_id="C-1", version=3, effective_from="2025-04-01"),
        amended("cancellation", "2025-05-01", 4),
    ]
    days = {
        date(2024, 12, 31): "pending",  # before anything is in effect the approval stands
        date(2025, 1, 31): "pending",
        date(2025, 2, 1): "active",
        date(2025, 3, 1): "suspended",
        date(2025, 4, 1): "active",
        date(2025, 5, 1): "cancelled",
    }
    assert {day: burn(events, as_of=day)["status"] for day in days} == days


def test_a_contract_nobody_approved_is_unknown_and_its_time_is_kept() -> None:
    # two versions, one entry, one rate and one milestone wait: 5 entities. 60 min are there, without a price.
    waiting = [
        amended("additive", "2025-01-01", 2, lines=[line(budget={"minutes": 60})]),
        amended("additive", "2025-01-01", 3, lines=[line(budget={"minutes": 60})]),
        rate("60", contract_id="C-1"),
        worked(60),
        said("milestone.planned", milestone_id="M-1", revision=1, contract_id="C-1", amount="5"),
    ]
    figures = recompute(waiting, NOW)
    row = figures.burn["C-1", None]
    assert (row["status"], row["currency"], row["contract_version"]) == ("unknown", None, None)
    assert (row["approved"]["billable_minutes"], row["unpriced_minutes"]) == (60, 60)
    assert (row["approved"]["amount"], row["budget"]["minutes"]) == ("0.00", None)
    assert set(figures.burn) == {("C-1", None), ("C-1", "L-1")}
    assert figures.parked == 5
    assert figures.readiness["C-1"]["state"] == "blocked"
    assert recompute([*waiting, contract()], NOW).parked == 0


# -- burn ---------------------------------------------------------------------------------------------------------


def of_r30() -> list[Event]:
    """R30: 500 h; 152.5 h before the window, then four weeks of 40, 44, 36 and 40 h up to Friday 2025-03-07."""
    fridays = [date(2025, 2, 14), date(2025, 2, 21), date(2025, 2, 28), date(2025, 3, 7)]
    events = [contract(line(budget={"minutes": 30_000}))]
    for week, (friday, hours) in enumerate(zip(fridays, (40, 44, 36, 40), strict=True)):
        for day in range(5):  # the week's hours in five equal days
            monday_on = (friday - timedelta(days=4 - day)).isoformat()
            events.append(worked(hours * 12, monday_on, f"T-{week}-{day}"))
    # 152.5 h = 9150 min before the window: ten days of 915 min
    before = [worked(915, f"2025-01-{n + 10}", f"T-old-{n}") for n in range(10)]
    return [*events, *before]


def test_burn_of_the_worked_example() -> None:
    # used 160 + 152.5 = 312.5 h = 18750 min of 30000: 62.5 %; window 160 h = 9600 min, ÷ 4 = 2400 a week;
    # remaining 187.5 h = 11250 min. Calendar: 11250 ÷ (9600 ÷ 28) = 32.8125 → 33 days after 7 March = 9 April.
    # Working days: 11250 ÷ (9600 ÷ 20) = 23.4375 → the 24th working day after Friday 7 March = 10 April.
    row = burn(of_r30(), "L-1", date(2025, 3, 7))
    assert row["approved"]["billable_minutes"] == 18_750
    assert row["ratio"] == {"minutes": "0.6250", "amount": None}
    assert row["thresholds"] == {"minutes": [50], "amount": []}
    assert row["per_week"] == {"minutes": "2400", "amount": "0.00"}
    assert row["remaining"] == {"minutes": 11_250, "amount": None}
    assert row["exhaustion"] == {
        "minutes_on": "2025-04-09",
        "amount_on": None,
        "planned_on": None,
        "working_on": "2025-04-10",
    }


def test_a_holiday_moves_the_end_in_working_days_only() -> None:
    # R30: 17 March off: the 24th working day is 11 April. A regional holiday and a removed one move nothing.
    holidays = [
        said("holiday.set", holiday_id="H-1", revision=1, date="2025-03-17"),
        said("holiday.set", holiday_id="H-2", revision=1, date="2025-03-18", region="north"),
        said("holiday.set", holiday_id="H-3", revision=1, date="2025-03-19"),
        said("holiday.removed", holiday_id="H-3", revision=2),
    ]
    ends = burn([*of_r30(), *holidays], "L-1", date(2025, 3, 7))["exhaustion"]
    assert (ends["minutes_on"], ends["working_on"]) == ("2025-04-09", "2025-04-11")


def test_the_window_is_28_days_with_as_of() -> None:
    # 7 April back to 11 March: 240 min on 11 March count, those on the 10th do not. 240 ÷ 4 = 60 a week.
    entries = [worked(240, "2025-03-11"), worked(240, "2025-03-10", "T-2")]
    assert burn([contract(), *entries], as_of=date(2025, 4, 7))["per_week"]["minutes"] == "60"


def test_minutes_a_week_keep_two_decimals_at_most() -> None:
    # 3 ÷ 4 = 0.75, 6 ÷ 4 = 1.5
    assert burn([contract(), worked(3, "2025-12-31")])["per_week"]["minutes"] == "0.75"
    assert burn([contract(), worked(6, "2025-12-31")])["per_week"]["minutes"] == "1.5"


def test_a_spent_budget_ended_on_the_day_it_was_reached() -> None:
    # 100 min: 60 on the 3rd, 60 on the 5th reach it, −40 on the 6th, 30 on the 7th: used 110, reached on the 5th
    entries = [worked(60), worked(60, "2025-03-05", "T-2"), worked(-40, "2025-03-06", "T-3")]
    events = [contract(line(budget={"minutes": 100})), *entries, worked(30, "2025-03-07", "T-4")]
    row = burn(events)
    assert row["remaining"]["minutes"] == -10
    assert row["exhaustion"]["minutes_on"] == "2025-03-05"
    assert row["exhaustion"]["working_on"] == "2025-03-05"
    assert row["thresholds"]["minutes"] == [50, 75, 90, 100]


def test_a_budget_used_to_the_minute_ended_when_it_was() -> None:
    # 60 + 40 = 100 of 100 min: remaining 0, reached on the 5th although as-of is months later and work went on at 0
    entries = [worked(60), worked(40, "2025-03-05", "T-2"), worked(0, "2025-12-30", "T-3")]
    row = burn([contract(line(budget={"minutes": 100})), *entries])
    assert (row["remaining"]["minutes"], row["exhaustion"]["minutes_on"]) == (0, "2025-03-05")


def test_a_threshold_is_reached_exactly() -> None:
    # 540 of 600 min = 90 %; 539 are not
    of = contract(line(budget={"minutes": 600}))
    assert burn([of, worked(540)])["thresholds"]["minutes"] == [50, 75, 90]
    assert burn([of, worked(539)])["thresholds"]["minutes"] == [50, 75]


@pytest.mark.parametrize("minutes", [0, -60])
def test_a_budget_of_nothing_has_no_ratio_and_no_end(minutes: int) -> None:
    less = amended("additive", "2025-01-01", lines=[line(budget={"minutes": minutes - 60})])
    row = burn([contract(line(budget={"minutes": 60})), less, worked(60)])
    assert (row["budget"]["minutes"], row["remaining"]["minutes"]) == (minutes, minutes - 60)
    assert row["ratio"]["minutes"] is None
    assert row["thresholds"]["minutes"] == []
    assert row["exhaustion"]["minutes_on"] is None


def test_an_end_too_far_away_is_none() -> None:
    # 1 min in 28 days: 1303 remaining × 28 = 36484 days, 1304 × 28 = 36512 days > 36499
    near, far = (contract(line(budget={"minutes": minutes})) for minutes in (1304, 1305))
    entry = worked(1, "2025-12-31")
    assert burn([near, entry])["exhaustion"]["minutes_on"] == (NOW + timedelta(days=36_484)).isoformat()
    assert burn([far, entry])["exhaustion"]["minutes_on"] is None


def test_without_pace_there_is_no_end() -> None:
    row = burn([contract(line(budget={"minutes": 600})), worked(60, "2025-01-15")])
    assert row["exhaustion"]["minutes_on"] is None


def test_a_day_after_as_of_counts_nowhere() -> None:
    entries = [worked(60, "2025-03-04"), worked(60, "2025-03-04", "T-2", "submitted")]
    row = burn([contract(), rate("60"), *entries], as_of=date(2025, 3, 3))
    assert (row["approved"]["billable_minutes"], row["pending"]["minutes"]) == (0, 0)


def test_months_and_roles_show_where_time_went() -> None:
    entries = [worked(60, "2025-02-28", role="dev"), worked(30, "2025-03-01", "T-2")]
    row = burn([contract(), rate("60"), *entries])
    assert row["by_period"] == {
        "2025-02": {"minutes": 60, "amount": "60.00"},
        "2025-03": {"minutes": 30, "amount": "30.00"},
    }
    assert row["by_role"] == {"": {"minutes": 30, "amount": "30.00"}, "dev": {"minutes": 60, "amount": "60.00"}}


# -- readiness ----------------------------------------------------------------------------------------------------


def of_r19(mode: str) -> list[Event]:
    """R19: 10000 at most, 6000 invoiced, 3500 ready before a last entry of 800. At 100 an hour, in entries of 10 h."""
    billed = [worked(600, "2025-02-03", f"T-1{n}") for n in range(6)]  # 6 × 1000
    ready = [worked(600, "2025-02-04", f"T-2{n}") for n in range(3)]  # 3 × 1000
    half = worked(300, "2025-02-04", "T-23")  # 500
    last = worked(480, "2025-02-05", "T-30")  # 800
    invoice = invoiced(*[("time", f"T-1{n}", "1000") for n in range(6)])
    cap = {"amount": "10000", "on_exceed": mode}
    return [contract(line(cap=cap)), rate("100"), *billed, *ready, half, last, invoice]


@pytest.mark.parametrize(
    ("mode", "ready", "over", "raised"),
    [
        ("block", "3500.00", "800.00", {("CAP_EXCEEDED", "blocking"): (1, "800.00")}),
        # 10000 − 6000 − 3500 leaves 500 of the 800
        ("split", "4000.00", "300.00", {("CAP_EXCEEDED", "blocking"): (1, "300.00")}),
        ("warn", "4300.00", "0.00", {("CAP_EXCEEDED", "warning"): (1, "300.00")}),
    ],
)
def test_a_cap_refuses_splits_or_warns(
    mode: str, ready: str, over: str, raised: dict[tuple[str, str], tuple[int, str]]
) -> None:
    row = readiness(of_r19(mode))
    assert (row["ready_time_amount"], row["over_cap_amount"], row["invoiced_amount"]) == (ready, over, "6000.00")
    assert blockers(of_r19(mode)) == raised


def test_after_a_refused_entry_a_smaller_one_still_fits() -> None:
    # room 100: 60 fits, 60 does not, 30 does. Where a cap does not say what it does, it blocks.
    entries = [worked(60), worked(60, entry_id="T-2"), worked(30, entry_id="T-3")]
    row = readiness([contract(line(cap={"amount": "100"})), rate("60"), *entries])
    assert (row["ready_amount"], row["over_cap_amount"], row["ready_entries"]) == ("90.00", "60.00", 2)


def test_a_cap_is_used_up_by_date_and_then_by_id() -> None:
    # room 60: T-2 of the 3rd takes it, T-1 of the 4th and T-3 of the 3rd do not fit
    entries = [worked(30, "2025-03-04"), worked(60, entry_id="T-2"), worked(15, entry_id="T-3")]
    row = readiness([contract(line(cap={"amount": "60"})), rate("60"), *entries])
    assert (row["ready_amount"], row["over_cap_amount"]) == ("60.00", "45.00")


def test_a_warning_names_all_that_went_over() -> None:
    # room 60: of 90 go 30 over, the 40 after it wholly: 70, in two entries
    capped = contract(line(cap={"amount": "60", "on_exceed": "warn"}))
    events = [capped, rate("60"), worked(90), worked(40, entry_id="T-2")]
    assert blockers(events) == {("CAP_EXCEEDED", "warning"): (2, "70.00")}


def test_a_reduction_passes_and_gives_room_to_those_after_it() -> None:
    # room 60 is used by the first; −30 gives 30 back, which the last takes. The middle one of 30 came too early.
    entries = [
        worked(60, "2025-03-03", "T-1"),
        worked(30, "2025-03-03", "T-2"),
        worked(-30, "2025-03-04", "T-3"),
        worked(30, "2025-03-05", "T-4"),
    ]
    row = readiness([contract(line(cap={"amount": "60"})), rate("60"), *entries])
    assert (row["ready_amount"], row["over_cap_amount"], row["ready_entries"]) == ("60.00", "30.00", 3)


def test_a_cap_in_minutes_splits_the_amount_pro_rata() -> None:
    # 100 min of an entry of 150 min fit; 150 min at 33.33 = 83.325 → 83.33, of which 100 ÷ 150 = 55.5533 → 55.55
    row = readiness([contract(line(cap={"minutes": 100, "on_exceed": "split"})), rate("33.33"), worked(150)])
    assert (row["ready_amount"], row["over_cap_amount"], row["ready_minutes"]) == ("55.55", "27.78", 100)


@pytest.mark.parametrize(
    ("now", "difference", "unbilled"), [("165", "450.00", "6600.00"), ("140", "-300.00", "5600.00")]
)
def test_a_retroactive_rate_adjusts_what_is_invoiced_and_reprices_the_rest(
    now: str, difference: str, unbilled: str
) -> None:
    # R46: 30 h at 150 = 4500 invoiced; at 165 they are 4950, +450; at 140 they are 4200, −300.
    # 40 h unbilled: 6000 become 40 × 165 = 6600, or 40 × 140 = 5600.
    billed = [worked(600, entry_id=f"T-1{n}") for n in range(3)]
    others = [worked(600, entry_id=f"T-2{n}") for n in range(4)]
    invoice = invoiced(*[("time", f"T-1{n}", "1500") for n in range(3)])
    events = [contract(), rate("150"), *billed, *others, invoice]
    before = readiness(events)
    assert (before["adjustment_amount"], before["ready_amount"]) == ("0.00", "6000.00")
    row = readiness([*events, rate(now, "2025-02-01", "R-2")])
    assert (row["adjustment_amount"], row["ready_amount"]) == (difference, unbilled)
    assert row["state"] == "ready_with_warnings"


def test_a_credit_reopens_the_entries_it_names() -> None:
    # 4.5 h and 3.5 h invoiced, the 3.5 h credited, 1 h more: 3.5 + 1 = 4.5 h are ready, at 100 an hour
    entries = [worked(270), worked(210, "2025-03-04", "T-2"), worked(60, "2025-03-05", "T-3")]
    billed = invoiced(("time", "T-1", "450"), ("time", "T-2", "350"))
    row = readiness([contract(), rate("100"), *entries, billed, credited(("time", "T-2", "350"))])
    assert (row["ready_minutes"], row["ready_amount"], row["invoiced_amount"]) == (270, "450.00", "450.00")


def test_a_credit_of_nothing_reopens_nothing() -> None:
    events = [contract(), rate("100"), worked(60), invoiced(("time", "T-1", "100")), credited(("time", "T-1", "0"))]
    assert readiness(events)["ready_entries"] == 0


def test_a_partly_credited_entry_is_adjusted_and_not_ready() -> None:
    # 100 invoiced, 40 credited: 60 stand; it holds 100, so 40 are missing
    events = [contract(), rate("100"), worked(60), invoiced(("time", "T-1", "100")), credited(("time", "T-1", "40"))]
    row = readiness(events)
    assert (row["ready_amount"], row["invoiced_amount"], row["adjustment_amount"]) == ("0.00", "60.00", "40.00")
    assert blockers(events) == {("ADJUSTMENT_NEEDED", "warning"): (1, "40.00")}


def test_a_voided_invoice_and_its_credits_are_gone() -> None:
    void = said("invoice.voided", invoice_id="I-1", revision=2, contract_id="C-1")
    events = [
        contract(),
        rate("100"),
        worked(60),
        invoiced(("time", "T-1", "100")),
        credited(("time", "T-1", "40")),
        void,
    ]
    row = readiness(events)
    assert (row["ready_amount"], row["invoiced_amount"]) == ("100.00", "0.00")


def test_invoices_and_credits_count_from_their_dates() -> None:
    billed = invoiced(("time", "T-1", "100"), invoiced_on="2025-04-01")
    back = credited(("time", "T-1", "100"), credited_on="2025-05-01")
    events = [contract(), rate("100"), worked(60), billed, back]
    days = {
        date(2025, 3, 31): "100.00",
        date(2025, 4, 1): "0.00",
        date(2025, 4, 30): "0.00",
        date(2025, 5, 1): "100.00",
    }
    assert {day: readiness(events, day)["ready_amount"] for day in days} == days


@pytest.mark.parametrize("change", [{"kind": "rejected"}, {"contract_id": "C-2"}, {"billable": False}])
def test_what_is_invoiced_for_a_lost_entry_is_to_be_given_back(change: Data) -> None:
    events = [contract(), rate("100"), worked(60), invoiced(("time", "T-1", "100")), worked(60, revision=2, **change)]
    assert readiness(events)["adjustment_amount"] == "-100.00"


def test_an_invoiced_entry_submitted_again_blocks_and_is_not_adjusted() -> None:
    again = worked(60, revision=2, kind="submitted")
    # 80 invoiced for what would be 100: no difference is shown while it is open
    events = [contract(), rate("100"), worked(60), invoiced(("time", "T-1", "80")), again]
    assert readiness(events)["adjustment_amount"] == "0.00"
    assert blockers(events) == {("TIME_NOT_APPROVED", "blocking"): (1, "100.00")}


def test_an_invoice_line_for_an_entry_never_heard_of_here_is_not_adjusted() -> None:
    row = readiness([contract(), invoiced(("time", "T-9", "100"))])
    assert (row["invoiced_amount"], row["adjustment_amount"]) == ("100.00", "0.00")


def test_time_outside_the_term_is_held_back() -> None:
    term = {"from": "2025-02-01", "to": "2025-02-28"}
    entries = [worked(60, "2025-01-31"), worked(60, "2025-02-28", "T-2"), worked(60, "2025-03-01", "T-3")]
    events = [contract(term=term), rate("100"), *entries]
    row = readiness(events)
    assert (row["ready_amount"], row["blocked_amount"], row["state"]) == ("100.00", "200.00", "ready")
    assert blockers(events) == {("OUTSIDE_TERM", "blocking"): (2, "200.00")}


@pytest.mark.parametrize("method", ["non_billable", "milestone"])
def test_only_time_and_materials_makes_time_ready(method: str) -> None:
    row = readiness([contract(line(billing_method=method)), rate("100"), worked(60)])
    assert (row["ready_amount"], row["state"]) == ("0.00", "nothing_to_bill")


def test_a_milestone_is_ready_once_accepted() -> None:
    name = {"milestone_id": "M-1", "contract_id": "C-1"}
    planned = said("milestone.planned", **name, revision=1, amount="5000")
    done = said("milestone.completed", **name, revision=2, completed_on="2025-03-01")
    accepted = said("milestone.accepted", **name, revision=3, accepted_on="2025-04-01")
    assert blockers([contract(), planned]) == {}
    assert blockers([contract(), done, planned]) == {("MILESTONE_NOT_ACCEPTED", "blocking"): (1, "5000.00")}
    events = [contract(), accepted, done, planned]
    assert readiness(events, date(2025, 3, 31))["ready_milestone_amount"] == "0.00"
    assert readiness(events, date(2025, 4, 1))["ready_milestone_amount"] == "5000.00"
    assert readiness([*events, invoiced(("milestone", "M-1", "5000"))])["ready_milestone_amount"] == "0.00"
    off = contract(line(billing_method="non_billable"))
    assert readiness([off, *events[1:]])["ready_milestone_amount"] == "0.00"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"purchase_order": {"required": True}}, "PO_MISSING"),
        ({"term": {"from": "2026-01-01"}}, "CONTRACT_NOT_ACTIVE"),
    ],
)
def test_a_contract_that_may_not_bill_holds_everything_back(more: Data, code: str) -> None:
    name = {"milestone_id": "M-1", "contract_id": "C-1", "amount": "5000"}
    row = readiness([contract(**more), said("milestone.accepted", **name, revision=1)])
    assert (row["state"], row["ready_amount"], row["blocked_amount"]) == ("blocked", "0.00", "5000.00")
    assert [one["code"] for one in row["blockers"]] == [code]


@pytest.mark.parametrize("kind", ["suspended", "cancelled"])
def test_a_suspended_or_cancelled_contract_does_not_bill(kind: str) -> None:
    stop = said(f"contract.{kind}", contract_id="C-1", version=2, effective_from="2025-03-01")
    row = readiness([contract(), stop, rate("100"), worked(60)])
    assert (row["state"], row["ready_amount"], row["blocked_amount"]) == ("blocked", "0.00", "100.00")
    assert (row["ready_entries"], row["ready_minutes"]) == (0, 0)


def test_an_expense_is_ready_when_billable_in_term_and_uninvoiced() -> None:
    # 100.00 + 5 % = 105.00
    cost = spent("100", "0.05")
    assert readiness([contract(), cost])["ready_amount"] == "105.00"
    assert readiness([contract(), spent("100", "0.05", billable=False)])["ready_amount"] == "0.00"
    assert readiness([contract(term={"from": "2025-03-04"}), cost])["ready_amount"] == "0.00"
    assert readiness([contract(), cost, invoiced(("expense", "E-1", "105"))])["ready_amount"] == "0.00"
    rejected = said("expense.rejected", expense_id="E-1", revision=2)
    assert readiness([contract(), cost, rejected])["ready_amount"] == "0.00"
    assert burn([contract(), cost], as_of=date(2025, 3, 2))["expenses"] == "0.00"


def test_an_expense_on_an_invoice_is_adjusted_to_what_it_holds() -> None:
    # 100 + 5 % = 105.00 were to be invoiced.
    billed = [contract(), spent("100", "0.05"), invoiced(("expense", "E-1", "100"))]
    net = {"amount": "200", "currency": "EUR"}
    spend: Data = {"expense_id": "E-1", "revision": 2, "contract_id": "C-1", "date": "2025-03-03", "net": net}

    def adjusted(*more: Event, as_of: date = NOW) -> str:
        return str(readiness([*billed, *more], as_of)["adjustment_amount"])

    assert adjusted() == "5.00"
    assert adjusted(said("expense.corrected", **spend)) == "100.00"
    assert adjusted(said("expense.corrected", **spend, billable=False)) == "-100.00"
    assert adjusted(said("expense.rejected", expense_id="E-1", revision=2)) == "-100.00"
    assert adjusted(said("expense.corrected", **{**spend, "contract_id": "C-2"})) == "-100.00"
    assert adjusted(credited(("expense", "E-1", "100"))) == "0.00"
    assert adjusted(as_of=date(2025, 3, 2)) == "-100.00"  # of a day that has not come it holds nothing yet
    foreign = {**spend, "net": {"amount": "200", "currency": "GBP"}}
    assert adjusted(said("expense.corrected", **foreign)) == "0.00"  # without a rate of exchange it is not settled
    assert blockers([*billed])["ADJUSTMENT_NEEDED", "warning"] == (1, "5.00")


def test_a_milestone_on_an_invoice_is_adjusted_to_what_it_holds() -> None:
    def stone(kind: str, revision: int, **more: Any) -> Event:
        return said(f"milestone.{kind}", milestone_id="M-1", revision=revision, contract_id="C-1", **more)

    reached = [
        stone("planned", 1, amount="5000", line_id="L-1"),
        stone("accepted", 2, accepted_on="2025-03-10"),
        invoiced(("milestone", "M-1", "5000")),
    ]

    def adjusted(*more: Event, terms: Event = contract()) -> str:  # noqa: B008 - it is only read
        return str(readiness([terms, *reached, *more])["adjustment_amount"])

    assert adjusted() == "0.00"
    assert adjusted(stone("rejected", 3)) == "-5000.00"
    assert adjusted(stone("cancelled", 3)) == "-5000.00"
    assert adjusted(stone("changed", 3, amount="5500")) == "500.00"
    assert adjusted(stone("completed", 3)) == "0.00"  # it waits to be accepted again
    # A tenth of 5000 is held back: 4500 are to be invoiced, 500 too much were not.
    held = contract(line(retainage_ratio="0.1"))
    assert adjusted(terms=held) == "0.00"
    assert adjusted(stone("changed", 3, amount="6000"), terms=held) == "400.00"  # 5400 − 5000, 600 of 6000 held
    stands = contract(retro_policy="prospective_only")
    assert adjusted(stone("changed", 3, amount="5500"), terms=stands) == "0.00"
    assert adjusted(stone("rejected", 3), terms=stands) == "-5000.00"


def test_an_expense_shows_on_its_line() -> None:
    lines = contract(line(), line("L-2"))
    events = [lines, spent("100", "0", line_id="L-2")]
    assert [burn(events, line_id)["expenses"] for line_id in ("L-1", "L-2", None)] == ["0.00", "100.00", "100.00"]


def test_a_closed_contract_still_bills() -> None:
    closed = said("contract.closed", contract_id="C-1", version=2, effective_from="2025-03-01")
    row = readiness([contract(), closed, rate("100"), worked(60)])
    assert (row["state"], row["ready_amount"]) == ("ready", "100.00")


@pytest.mark.parametrize(
    ("minutes", "raised"),
    [
        (539, set()),
        (540, {"BUDGET_NEARLY_EXHAUSTED"}),
        (600, {"BUDGET_NEARLY_EXHAUSTED"}),
        (601, {"BUDGET_EXCEEDED"}),
    ],
)
def test_a_budget_warns_at_nine_tenths_and_above_it_all(minutes: int, raised: set[str]) -> None:
    # of 600 min: 540 = 0.90, 600 = 1, 601 > 1
    events = [contract(line(budget={"minutes": 600})), rate("100"), worked(minutes)]
    assert {code for code, _ in blockers(events)} == raised


# -- as of, known at ----------------------------------------------------------------------------------------------


def test_known_at_is_compared_with_the_first_acceptance() -> None:
    entry = worked(60)
    early = {**entry, "acceptedtime": "2025-04-01T10:00:00Z"}
    late = {**entry, "acceptedtime": "2025-04-02T10:00:00Z"}

    def minutes(known_at: str) -> Any:
        figures = recompute([contract(), late, early], NOW, known_at)
        return figures.burn["C-1", None]["approved"]["billable_minutes"]

    assert minutes("2025-04-01T09:59:59Z") == 0
    assert minutes("2025-04-01T10:00:00Z") == 60


def test_before_a_reversal_was_known_the_entry_stood() -> None:
    reversal = said("time.reversed", "2025-06-01T00:00:00Z", entry_id="T-1", revision=2)
    events = [contract(), rate("60"), worked(60), reversal]
    assert recompute(events, NOW, "2025-05-31T00:00:00Z").burn["C-1", None]["approved"]["amount"] == "60.00"
    assert recompute(events, NOW).burn["C-1", None]["approved"]["amount"] == "0.00"


def test_without_a_day_the_clock_says_today() -> None:
    ticks = [said("clock.ticked", on=day, message_id=day) for day in ("2025-03-04", "2025-03-03")]
    figures: Figures = recompute([contract(), worked(60, "2025-03-04"), *ticks], None)
    assert figures.burn["C-1", None]["as_of"] == "2025-03-04"
    with pytest.raises(ValueError, match="no day to compute for"):
        recompute([contract()], None)


def test_every_contract_ever_named_has_its_rows() -> None:
    events = [worked(60, contract_id="C-8"), worked(60, revision=2, contract_id="C-9")]
    figures = recompute(events, NOW)
    assert set(figures.readiness) == {"C-8", "C-9"}
    assert set(figures.burn) == {("C-8", None), ("C-9", None)}
