"""Dynamics 365 Project Operations: not-to-exceed limits, milestones from completion to invoice, retention in steps."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cases.asked import ask
from tests.model.histories import Event
from tests.model.test_oracle import amended, contract, invoiced, line, rate, said, worked


def milestone(number: int, kind: str, revision: int = 1, **more: str) -> Event:
    return said(f"milestone.{kind}", milestone_id=f"M-{number}", revision=revision, contract_id="C-1", **more)


# -- not to exceed (R19) ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "ready", "over"), [("block", "3500.00", "800.00"), ("split", "4000.00", "300.00")])
def test_what_is_new_is_tested_with_what_is_committed_and_invoiced(mode: str, ready: str, over: str) -> None:
    # limit 10,000; 6,000 invoiced, 3,500 committed, 800 new: 10,300 are too much, 500 of the 800 fit
    events = [
        contract(line(cap={"amount": "10000", "on_exceed": mode})),
        rate("1000"),
        worked(360, "2025-03-03", "T-1"),
        worked(210, "2025-03-04", "T-2"),
        worked(48, "2025-03-05", "T-3"),
        invoiced(("time", "T-1", "6000.00")),
    ]
    row = ask(events).ready()
    assert (row["ready_amount"], row["over_cap_amount"]) == (ready, over)


@pytest.mark.parametrize(("mode", "ready", "over"), [("block", "-60.00", "60.00"), ("split", "-50.00", "50.00")])
def test_what_was_invoiced_beyond_the_limit_is_made_up_for_first(mode: str, ready: str, over: str) -> None:
    # limit 100, 150 invoiced: 50 too much. −60 leave room for 10, so of the next 60 none or 10 pass: 100 in all.
    events = [
        contract(line(cap={"amount": "100", "on_exceed": mode})),
        rate("100"),
        worked(90, "2025-03-03", "T-1"),
        worked(-36, "2025-03-04", "T-2"),
        worked(36, "2025-03-05", "T-3"),
        invoiced(("time", "T-1", "150.00")),
    ]
    row = ask(events).ready()
    assert (row["ready_amount"], row["over_cap_amount"]) == (ready, over)


def test_hours_invoiced_beyond_a_limit_of_hours_are_made_up_for_first() -> None:
    # limit 60 min, 90 invoiced: −36 leave room for 6 of the next 36, a sixth of its 60.00
    events = [
        contract(line(cap={"minutes": 60, "on_exceed": "split"})),
        rate("100"),
        worked(90, "2025-03-03", "T-1"),
        worked(-36, "2025-03-04", "T-2"),
        worked(36, "2025-03-05", "T-3"),
        invoiced(("time", "T-1", "150.00")),
    ]
    row = ask(events).ready()
    assert (row["ready_amount"], row["ready_minutes"], row["over_cap_amount"]) == ("-50.00", -30, "50.00")


def test_a_limit_that_only_warns_lets_everything_pass() -> None:
    events = [contract(line(cap={"amount": "100", "on_exceed": "warn"})), rate("100"), worked(90)]
    told = ask(events)
    assert (told.ready()["ready_amount"], told.ready()["over_cap_amount"]) == ("150.00", "0.00")
    assert told.blockers() == {"CAP_EXCEEDED": (1, "50.00")}


# -- milestones ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "ready", "blocked"),
    [
        ("2025-03-09", "0.00", "0.00"),  # not even completed
        ("2025-03-10", "0.00", "100.00"),
        ("2025-04-09", "0.00", "100.00"),  # completed, and accepted only tomorrow
        ("2025-04-10", "100.00", "0.00"),
    ],
)
def test_a_milestone_is_on_every_day_what_it_was_on_that_day(day: str, ready: str, blocked: str) -> None:
    events = [
        contract(line(billing_method="milestone")),
        milestone(1, "planned", amount="100"),
        milestone(1, "completed", 2, completed_on="2025-03-10"),
        milestone(1, "accepted", 3, accepted_on="2025-04-10"),
    ]
    told = ask(events, day)
    assert (told.ready()["ready_amount"], told.ready()["blocked_amount"]) == (ready, blocked)
    assert ("MILESTONE_NOT_ACCEPTED" in told.blockers()) is (blocked != "0.00")


def test_what_is_completed_is_earned_value_before_anybody_accepts_it() -> None:
    # 40 of 100 completed in March, accepted in May: 40 % of a budget of 1000 are earned in April
    events = [
        contract(line(billing_method="milestone", budget={"amount": "1000"})),
        milestone(1, "accepted", amount="40", completed_on="2025-03-10", accepted_on="2025-05-10"),
        milestone(2, "planned", amount="60"),
    ]
    amounts = [ask(events, day).forecast()["earned_value"]["earned_amount"] for day in ("2025-03-09", "2025-04-30")]
    assert amounts == ["0.00", "400.00"]


# -- retention (R24) ----------------------------------------------------------------------------------------------


def test_retention_steps_down_and_is_released_from_what_was_held_before() -> None:
    # 15,000 less 20 %; 9,000 less 10 % with a tenth of the 3,000 held; 6,000 less nothing with the 3,600 left:
    # 12,000 + 8,400 + 9,600 = 30,000
    def at(ratio: str, start: str, version: int) -> Event:
        lines: list[dict[str, Any]] = [{"line_id": "L-1", "retainage_ratio": ratio}]
        return amended("replacement", start, version, lines=lines)

    def released(on: str, ratio: str, release_id: str) -> Event:
        return said("retainage.released", release_id=release_id, revision=1, contract_id="C-1", on=on, ratio=ratio)

    events = [
        contract(line(billing_method="milestone", retainage_ratio="0.2")),
        at("0.1", "2025-02-01", 2),
        at("0", "2025-03-01", 3),
        milestone(1, "accepted", amount="15000", accepted_on="2025-01-15"),
        milestone(2, "accepted", amount="9000", accepted_on="2025-02-15"),
        milestone(3, "accepted", amount="6000", accepted_on="2025-03-15"),
        released("2025-02-15", "0.1", "X-1"),
        released("2025-03-15", "1", "X-2"),
    ]
    rows = [ask(events, day).ready() for day in ("2025-01-31", "2025-02-28", "2025-03-31")]
    assert [row["ready_amount"] for row in rows] == ["12000.00", "20400.00", "30000.00"]
    assert [row["retained_amount"] for row in rows] == ["3000.00", "3600.00", "0.00"]


def test_a_ratio_that_changes_leaves_what_was_invoiced_as_it_is() -> None:
    # 1,000 less 20 % invoiced as 800; from April on 10 % are held of what comes then, and nothing of this is owed.
    events = [
        contract(line(billing_method="milestone", retainage_ratio="0.2")),
        milestone(1, "accepted", amount="1000", accepted_on="2025-03-15"),
        invoiced(("milestone", "M-1", "800.00"), invoiced_on="2025-03-31"),
        amended("replacement", "2025-04-01", lines=[{"line_id": "L-1", "retainage_ratio": "0.1"}]),
    ]
    row = ask(events).ready()
    assert (row["adjustment_amount"], row["retained_amount"]) == ("0.00", "200.00")
