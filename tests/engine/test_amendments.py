"""Each kind of amendment, one by one: what it changes, from which day on, and what it leaves alone.

Sources: events catalogue, `contract.amended` and `.suspended` to `.cancelled`; design section 5, "Terms of a contract
on day D"; domain rule R47. Every answer is the engine's in both orders of arrival, and the model's.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.engine.runs import differences, figures, fold, lines
from tests.model.oracle import recompute
from tests.model.test_oracle import amended, contract, invoiced, line, rate, said, worked

Row = dict[str, Any]


def on(day: str, *events: Any) -> tuple[Row, Row]:
    """C-1's burn and readiness as of a day."""
    as_of = date.fromisoformat(day)
    expected = recompute(events, as_of)
    for order in (events, events[::-1]):
        assert differences(expected, figures(fold(lines(order)).host.stores, as_of)) == []
    return expected.burn["C-1", None], expected.readiness["C-1"]


def standing(happened: str, version: int, start: str) -> Any:
    return said(f"contract.{happened}", contract_id="C-1", version=version, effective_from=start)


def codes(readiness: Row) -> set[str]:
    return {one["code"] for one in readiness["blockers"]}


def ready(day: str, *events: Any) -> str:
    amount: str = on(day, *events)[1]["ready_amount"]
    return amount


def budget(day: str, *events: Any) -> tuple[int | None, str | None]:
    found = on(day, *events)[0]["budget"]
    return found["minutes"], found["amount"]


def test_an_additive_amendment_adds_to_budgets_from_its_day() -> None:
    # 600 min and 1,000.00; from 1 February +300 min and −250.00: 900 min and 750.00.
    events = [
        contract(line(budget={"minutes": 600, "amount": "1000"})),
        amended("additive", "2025-02-01", lines=[line(budget={"minutes": 300, "amount": "-250"})]),
    ]
    assert budget("2025-01-31", *events) == (600, "1000.00")
    assert budget("2025-02-01", *events) == (900, "750.00")


def test_an_additive_amendment_adds_to_a_cap_and_overwrites_the_rest() -> None:
    # 3 h at 100.00. The cap is 150.00, then 150 + 100 = 250.00; from 1 February a tenth is taken off: the February
    # hour comes to 90.00, those of January stay. Earned 100 + 100 + 90 = 290.00, of which 250.00 fit.
    work = [worked(60, f"2025-{day}", f"T-{n}") for n, day in enumerate(("01-10", "01-20", "02-10"))]
    more = line(cap={"amount": "100"}, discount_ratio="0.1")
    events = [contract(line(cap={"amount": "150", "on_exceed": "split"})), rate("100"), *work]
    assert ready("2025-01-31", *events, amended("additive", "2025-02-01", lines=[more])) == "150.00"
    burn, readiness = on("2025-02-28", *events, amended("additive", "2025-02-01", lines=[more]))
    assert burn["approved"]["amount"] == "290.00"
    assert (readiness["ready_amount"], readiness["over_cap_amount"]) == ("250.00", "40.00")


def test_a_replacement_takes_the_place_of_what_it_carries_and_of_nothing_else() -> None:
    # 600 min and 1,000.00 on L-1, 60 min on L-2. 300 min replace the 600; the amount and L-2 stay: 360 min, 1,000.00.
    # L-3 is new with 40 min: 400.
    agreed = contract(line(budget={"minutes": 600, "amount": "1000"}), line("L-2", budget={"minutes": 60}))
    changed = amended(
        "replacement", "2025-02-01", lines=[line(budget={"minutes": 300}), line("L-3", budget={"minutes": 40})]
    )
    assert budget("2025-01-31", agreed, changed) == (660, "1000.00")
    assert budget("2025-02-01", agreed, changed) == (400, "1000.00")


def test_null_in_a_replacement_clears() -> None:
    # Without its cap of 50.00 the hour at 100.00 is ready whole.
    events = [contract(line(cap={"amount": "50", "on_exceed": "split"})), rate("100"), worked(60, "2025-01-10")]
    cleared = amended("replacement", "2025-02-01", lines=[{"line_id": "L-1", "cap": None}])
    assert [ready(day, *events, cleared) for day in ("2025-01-31", "2025-02-01")] == ["50.00", "100.00"]


def test_an_addition_of_a_later_version_is_added_to_a_replacement_once_that_holds() -> None:
    # v2 makes it 1,000 min from March, v3 adds 100 from February: 600, 600 + 100, then 1,000 + 100.
    events = [
        contract(line(budget={"minutes": 600})),
        amended("replacement", "2025-03-01", 2, lines=[line(budget={"minutes": 1000})]),
        amended("additive", "2025-02-01", 3, lines=[line(budget={"minutes": 100})]),
    ]
    found = [budget(day, *events)[0] for day in ("2025-01-31", "2025-02-28", "2025-03-01")]
    assert found == [600, 700, 1100]


def test_a_replacement_of_a_later_version_takes_the_place_of_what_was_added_before() -> None:
    # v2 adds 100 from February, v3 says 1,000 from March: 700 in February, then 1,000 and not 1,100.
    events = [
        contract(line(budget={"minutes": 600})),
        amended("additive", "2025-02-01", 2, lines=[line(budget={"minutes": 100})]),
        amended("replacement", "2025-03-01", 3, lines=[line(budget={"minutes": 1000})]),
    ]
    assert [budget(day, *events)[0] for day in ("2025-02-28", "2025-03-01")] == [700, 1000]


def test_a_retroactive_amendment_reprices_what_it_covers_and_nothing_before() -> None:
    # Three hours at 100.00, those of January and February invoiced. A tenth off from 1 February on: January stays,
    # February is 90.00 and 10.00 too much were invoiced, the March hour is ready for 90.00.
    work = [worked(60, f"2025-0{month}-10", f"T-{month}") for month in (1, 2, 3)]
    events = [contract(), rate("100"), *work, invoiced(("time", "T-1", "100"), ("time", "T-2", "100"))]
    late = amended("retroactive", "2025-02-01", lines=[{"line_id": "L-1", "discount_ratio": "0.1"}])
    burn, readiness = on("2025-03-31", *events, late)
    assert burn["approved"]["amount"] == "280.00"
    assert (readiness["ready_amount"], readiness["adjustment_amount"]) == ("90.00", "-10.00")


def test_a_retroactive_amendment_wins_over_a_lower_version_that_begins_later() -> None:
    # v2 takes half off from March, v3 a tenth from February: the March hour is 90.00 too.
    half = amended("replacement", "2025-03-01", 2, lines=[{"line_id": "L-1", "discount_ratio": "0.5"}])
    tenth = amended("retroactive", "2025-02-01", 3, lines=[{"line_id": "L-1", "discount_ratio": "0.1"}])
    events = [contract(), rate("100"), worked(60, "2025-03-10")]
    assert ready("2025-03-31", *events, half) == "50.00"
    assert ready("2025-03-31", *events, half, tenth) == "90.00"


def test_a_cancellation_ends_the_term_on_its_day_and_stops_billing_from_it() -> None:
    # An hour at 100.00 on the last day is inside, that of the day after outside: both wait, and burn counts both.
    work = [worked(60, "2025-03-10"), worked(60, "2025-03-11", "T-2")]
    events = [contract(), rate("100"), *work, amended("cancellation", "2025-03-10")]
    assert on("2025-03-09", *events)[0]["status"] == "active"
    burn, readiness = on("2025-03-11", *events)
    assert (burn["status"], burn["approved"]["amount"]) == ("cancelled", "200.00")
    assert (readiness["state"], readiness["ready_amount"], readiness["blocked_amount"]) == ("blocked", "0.00", "200.00")
    assert codes(readiness) == {"CONTRACT_NOT_ACTIVE", "OUTSIDE_TERM"}


def test_in_a_term_that_ends_before_it_begins_everything_is_outside_once() -> None:
    # The term is moved to April and cancelled by 10 March: the hour and the expense of 20 March are before and after
    # it. 100.00 + 30.00 = 130.00 wait.
    spent = said("expense.approved", expense_id="X-1", contract_id="C-1", date="2025-03-20", revision=1)
    spent["data"]["net"] = {"amount": "30", "currency": "EUR"}
    moved = amended("replacement", "2025-03-01", 2, term={"from": "2025-04-01"})
    events = [contract(), rate("100"), worked(60, "2025-03-20"), spent, moved, amended("cancellation", "2025-03-10", 3)]
    readiness = on("2025-03-31", *events)[1]
    assert readiness["blocked_amount"] == "130.00"
    outside = next(one for one in readiness["blockers"] if one["code"] == "OUTSIDE_TERM")
    assert (outside["count"], outside["amount"]) == (2, "130.00")
    figures_then = fold(lines(events)).figures
    told = figures_then.readiness("C-1", date(2025, 3, 31).toordinal())
    assert [one["evidence"] for one in told["blockers"] if one["code"] == "OUTSIDE_TERM"] == [
        ["time.approved/T-1/1", "expense.approved/X-1/1"]
    ]


def test_a_cancelled_contract_stops_billing_and_keeps_its_term() -> None:
    # The event says the status alone: the hour after its day is not outside the term.
    events = [contract(), rate("100"), worked(60, "2025-03-11"), standing("cancelled", 2, "2025-03-10")]
    burn, readiness = on("2025-03-11", *events)
    assert (burn["status"], readiness["blocked_amount"]) == ("cancelled", "100.00")
    assert codes(readiness) == {"CONTRACT_NOT_ACTIVE"}


def test_a_suspended_contract_burns_and_bills_nothing_until_it_is_resumed() -> None:
    # An hour before and one during the suspension: 100.00 ready, then 200.00 blocked, then all 200.00 ready.
    events = [
        contract(),
        rate("100"),
        worked(60, "2025-03-03"),
        worked(60, "2025-03-12", "T-2"),
        standing("suspended", 2, "2025-03-10"),
        standing("resumed", 3, "2025-03-20"),
    ]
    assert ready("2025-03-09", *events) == "100.00"
    burn, readiness = on("2025-03-12", *events)
    assert (burn["status"], burn["approved"]["amount"]) == ("suspended", "200.00")
    assert (readiness["ready_amount"], readiness["blocked_amount"]) == ("0.00", "200.00")
    assert ready("2025-03-20", *events) == "200.00"


def test_a_closed_contract_still_bills_what_was_worked() -> None:
    events = [contract(), rate("100"), worked(60, "2025-03-03"), standing("closed", 2, "2025-03-10")]
    burn, readiness = on("2025-03-10", *events)
    assert (burn["status"], readiness["state"], readiness["ready_amount"]) == ("closed", "ready", "100.00")


@pytest.mark.parametrize(("happened", "status"), [("suspended", "suspended"), ("resumed", "active")])
def test_what_a_contract_is_said_to_be_holds_until_a_later_version_says_otherwise(happened: str, status: str) -> None:
    # A closed contract may be said to be suspended or active again; a version below says nothing more.
    events = [contract(), standing("closed", 3, "2025-02-01"), standing(happened, 4, "2025-03-01")]
    assert [on(day, *events)[0]["status"] for day in ("2025-02-28", "2025-03-01")] == ["closed", status]
    late = [contract(), standing("closed", 3, "2025-02-01"), standing(happened, 2, "2025-01-15")]
    assert [on(day, *late)[0]["status"] for day in ("2025-01-31", "2025-03-01")] == [status, "closed"]


def test_a_block_is_not_drawn_by_work_that_was_included_before_there_was_one() -> None:
    # 600 minutes are included in the term; 480 are worked in January. From February 600 minutes are prepaid for 900.00:
    # 450 of them are worked, 900.00 × 450 ÷ 600 = 675.00, and none is left to be priced at 100.00 an hour.
    events = [
        rate("100"),
        contract(line(included={"minutes": 600})),
        amended(
            "replacement",
            "2025-02-01",
            lines=[line(billing_method="prepaid", included=None, prepaid={"minutes": 600, "fee": "900"})],
        ),
        worked(480, "2025-01-10", "E-1"),
        worked(450, "2025-02-10", "E-2"),
    ]
    burn, readiness = on("2025-02-28", *events)
    assert (burn["approved"]["amount"], readiness["ready_time_amount"]) == ("675.00", "0.00")
