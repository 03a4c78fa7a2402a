"""Laws of the trade that hold for every history: parts sum to wholes, and what is undone leaves no trace."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.calendar import BEGINNING, FOREVER
from app.domain.ledger import AMOUNT, APPROVED, WRITTEN_AMOUNT, claimed
from app.domain.money import micro
from app.domain.unbilled import is_ready
from tests.engine.runs import Run, differences, examples, figures, fold, histories, lines
from tests.model.histories import Event, as_of_days, as_ofs, event_sets, history, troubled
from tests.model.oracle import Figures
from tests.model.test_oracle import NOW, amended, contract, line, rate, worked


def amount(text: str) -> Decimal:
    return Decimal(text)


@pytest.mark.parametrize("seed", histories(12))
def test_parts_sum_to_the_whole(seed: int) -> None:
    # Months and roles to a row's approved work, payers to what is ready, kinds to what is ready.
    events = troubled(history(8_000_000 + seed, 100), Random(seed))
    run = fold(lines(events))
    for as_of in as_of_days(events):
        found = figures(run.host.stores, as_of)
        for row in found.burn.values():
            for parts in (row["by_period"], row["by_role"]):
                assert sum(one["minutes"] for one in parts.values()) == row["approved"]["billable_minutes"]
                assert sum(amount(one["amount"]) for one in parts.values()) == amount(row["approved"]["amount"])
        for row in found.readiness.values():
            if row["payers"]:
                assert sum(amount(one["amount"]) for one in row["payers"]) == amount(row["ready_amount"])


_BEFORE = [contract(line(cap={"amount": "500"}, retainage_ratio="0.1"), line("L-2")), rate("90.50")]
_WORK = [worked(60, "2025-03-03", "T-1", line_id="L-1"), worked(125, "2025-03-05", "T-2", line_id="L-1")]


def of(events: list[Any], as_of: date = NOW) -> Any:
    found = figures(fold(lines(events)).host.stores, as_of)
    return found.burn, found.readiness


@pytest.mark.parametrize("change", [{"minutes": 480}, {"day": "2025-04-01"}, {"line_id": "L-2"}, {"billable": False}])
def test_a_correction_and_its_inverse_cancel(change: dict[str, Any]) -> None:
    minutes, day = change.pop("minutes", 125), change.pop("day", "2025-03-05")
    wrong = worked(minutes, day, "T-2", "corrected", 2, **({"line_id": "L-1"} | change))
    right = worked(125, "2025-03-05", "T-2", "corrected", 3, line_id="L-1")
    assert of([*_BEFORE, *_WORK, wrong, right]) == of([*_BEFORE, *_WORK])


def test_an_entry_and_its_reversal_entry_come_to_nothing() -> None:
    # 125 min and −125 min on the same day: the amounts mirror each other, 188.54 and −188.54.
    minus = worked(-125, "2025-03-05", "T-3", line_id="L-1")
    [plain] = of([*_BEFORE, _WORK[0]])[1].values()
    [undone] = of([*_BEFORE, *_WORK, minus])[1].values()
    assert undone["ready_amount"] == plain["ready_amount"]


def test_splitting_an_entry_changes_nothing_where_no_increment_applies() -> None:
    # 120 min at 90.00 are 180.00; so are 40 min (60.00) and 80 min (120.00). No part has a fraction of a cent.
    whole = [contract(), rate("90"), worked(120)]
    parts = [contract(), rate("90"), worked(40, entry_id="T-1"), worked(80, entry_id="T-2")]
    one, other = (of(events)[0]["C-1", None] for events in (whole, parts))
    assert one == other


@pytest.mark.parametrize("policy", ["credit_rebill", "delta_line"])
def test_a_rate_known_late_equals_one_known_from_the_start(policy: str) -> None:
    agreed = contract(line(cap={"minutes": 100, "on_exceed": "split"}), retro_policy=policy)
    assert of([agreed, *_WORK, rate("90.50")]) == of([agreed, rate("90.50"), *_WORK])


# -- conservation -------------------------------------------------------------------------------------------------


def gap(run: Run, contract_id: str, as_of: date) -> int:
    """What approved, billable, priced entries earned and that is nowhere, in micro-units: 0 where nothing is lost.

    `by_fee` is what no entry bills itself: its line bills by fee or milestone or not at all, or a block paid for it.
    """
    contracts, head = run.figures.of(contract_id) or pytest.fail(f"{contract_id} is unknown")
    position = contracts.position(contract_id, head, as_of.toordinal())
    found = contracts.assess(position, head)
    row = contracts.readiness(position, head, found)
    earned = position.total(None).totals[AMOUNT]
    invoiced = by_fee = 0
    counted = set()
    for entry, its, claims in position.book.rows(BEGINNING, position.day):
        on_invoices = claimed(claims, position.day)
        amount = its.drawn_amount + on_invoices if its.keeps and on_invoices else its.amount
        if its.status == APPROVED and amount is not None:
            counted.add(entry)
            invoiced += on_invoices
            by_fee += its.drawn_amount if its.by_time or on_invoices else amount
    rest = found.time.position  # without what is kept back for want of a narrative
    adjusted = sum(
        one.difference for one in contracts.adjustments(rest, head) if one.kind == "time" and one.entry_id in counted
    )
    low, high = (position.terms.term_from, position.terms.term_to) if position.terms else (BEGINNING, FOREVER)
    outside = sum(
        (its.amount or 0) - its.drawn_amount
        for _, its, claims in rest.book.rows(BEGINNING, position.day)
        if not low <= its.day <= high and is_ready(its, claims, position.day)
    )
    over = sum(part.refused for part in found.time.lines.values())
    written = sum(total.totals[WRITTEN_AMOUNT] for total in position.sums.values()) + found.time.edge.total
    if len({its.currency for its in contracts.compiled(contract_id).agreement.every()}) == 1:
        shown = {"over_cap_amount": over, "written_off_amount": written}
        assert {name: micro(row[name]) for name in shown} == shown
    # What is stopped is not ready but blocked; either way it is here once.
    kept_back = sum(issue.amount for issue in found.lacking.get("NARRATIVE_MISSING", {}).values())
    sides = [found.worked, outside, over, found.time.held(), written, kept_back]
    return earned - invoiced - adjusted - by_fee - sum(sides)


def days_around(events: Sequence[Event]) -> list[date]:
    """Every day on which anything of a contract may change: work, invoices, credits, releases, and the days after."""
    said = {event["data"].get(name) for event in events for name in ("work_date", "invoiced_on", "credited_on", "on")}
    days = {date.fromisoformat(day) for day in said if day}
    return sorted({day + timedelta(n) for day in days for n in (-1, 0, 1)}) or as_of_days(events)


@examples(25)
@given(event_sets())
def test_what_is_earned_is_somewhere_on_every_day(events: list[Event]) -> None:
    run = fold(lines(events))
    for contract_id in run.figures.ids():
        assert {day: gap(run, contract_id, day) for day in days_around(events)} == dict.fromkeys(days_around(events), 0)


@pytest.mark.parametrize("seed", histories(4))
def test_what_is_earned_is_somewhere_on_every_day_of_a_firm(seed: int) -> None:
    events = troubled(history(9_000_000 + seed, 120), Random(seed))
    run = fold(lines(events))
    for contract_id in run.figures.ids():
        assert [day for day in days_around(events) if gap(run, contract_id, day)] == []


# -- parts and wholes ---------------------------------------------------------------------------------------------

_OF_LINES = ("approved", "pending")


@examples(40)
@given(event_sets(), as_ofs())
def test_parts_of_any_contract_sum_to_the_whole(events: list[Event], as_of: date) -> None:
    # Work and papers that name no line belong to the contract alone where it has several: here all name one.
    for event in events:
        if event["type"].startswith(("time.", "expense.", "subcontract.")) and "contract_id" in event["data"]:
            event["data"].setdefault("line_id", "L-1")
    found = figures(fold(lines(events)).host.stores, as_of)
    for (contract_id, line_id), whole in found.burn.items():
        for parts in (whole["by_period"], whole["by_role"]):
            assert sum(one["minutes"] for one in parts.values()) == whole["approved"]["billable_minutes"]
            assert sum(amount(one["amount"]) for one in parts.values()) == amount(whole["approved"]["amount"])
        if line_id is None and whole["status"] != "unknown":
            rows = [row for (its, name), row in found.burn.items() if its == contract_id and name is not None]
            for group in _OF_LINES:
                for name in whole[group]:
                    assert sum(amount(str(row[group][name])) for row in rows) == amount(str(whole[group][name])), name
            for name in ("unpriced_minutes", "expenses"):
                assert sum(amount(str(row[name])) for row in rows) == amount(str(whole[name])), name
    for contract_id, row in found.readiness.items():
        kinds = [amount(row[f"ready_{kind}_amount"]) for kind in ("time", "milestone", "expense", "fee")]
        assert sum(kinds) == amount(row["ready_amount"])
        assert not row["payers"] or sum(amount(one["amount"]) for one in row["payers"]) == sum(kinds)
        hints = sorted((key[2], key[1] or "", hint) for key, hint in found.revenue.items() if key[0] == contract_id)
        earned: dict[str, Decimal] = {}
        for _, line_id, hint in hints:
            earned[line_id] = earned.get(line_id, Decimal(0)) + amount(hint["period_amount"])
            assert earned[line_id] == amount(hint["cumulative_amount"]), hint


@examples(40)
@given(event_sets(), as_ofs())
def test_r34_accruals_and_reversals_less_invoices_are_the_open_work(events: list[Event], as_of: date) -> None:
    # Hints accrue what a month earned, or take it back. Expenses have none; write-offs are no part of the open work.
    found = figures(fold(lines(events)).host.stores, as_of)
    for contract_id, row in found.forecast.items():
        hints = [amount(hint["period_amount"]) for key, hint in found.revenue.items() if key[0] == contract_id]
        accruals, reversals = sum(one for one in hints if one > 0), sum(one for one in hints if one < 0)
        unbilled = {name: amount(value) for name, value in row["unbilled"].items()}
        expenses = unbilled["earned_amount"] - amount(row["margin"]["revenue_amount"])
        assert accruals + reversals == amount(row["margin"]["revenue_amount"])
        open_work = unbilled["amount"] + unbilled["written_off_amount"]
        assert accruals + reversals + expenses - unbilled["invoiced_amount"] == open_work


# -- what is undone, split, or late -------------------------------------------------------------------------------


def extended(found: Figures, before: Figures) -> list[str]:
    """What differs in the rows there were before; naming a line or a contract adds rows, which must be empty."""
    added = {key: row for key, row in found.burn.items() if key not in before.burn}
    assert all(amount(row["approved"]["amount"]) == 0 == row["approved"]["billable_minutes"] for row in added.values())
    return differences(
        before,
        Figures(
            {key: row for key, row in found.burn.items() if key in before.burn},
            {key: row for key, row in found.readiness.items() if key in before.readiness},
            found.parked,
            {key: row for key, row in found.forecast.items() if key in before.forecast},
            {key: row for key, row in found.revenue.items() if key in before.revenue},
            before.documents if unkeyed(found) == unkeyed(before) else found.documents,
        ),
    )


def unkeyed(found: Figures) -> list[Any]:
    """Documents without their keys: a key that an invoice used up stays used up, whatever is undone."""
    apart = ("document_key", "acknowledged")
    rows = [{name: value for name, value in row.items() if name not in apart} for row in found.documents.values()]
    return sorted(rows, key=str)


@examples(40)
@given(event_sets(), as_ofs(), st.data())
def test_any_correction_and_its_inverse_cancel(events: list[Event], as_of: date, data: st.DataObject) -> None:
    said = worked(125, "2026-03-04", "T-6", line_id="L-1", role="engineer")
    events = [event for event in events if event["data"].get("entry_id") != "T-6"] + [said]
    other = data.draw(
        st.fixed_dictionaries(
            {},
            optional={
                "minutes": st.sampled_from([480, -125, 0]),
                "work_date": st.sampled_from(["2026-03-31", "2027-01-01"]),
                "resource_id": st.just("P-2"),
                "role": st.just("architect"),
                "line_id": st.sampled_from(["L-2", "L-9"]),
                "billable": st.just(False),
                "rate_override": st.just("1"),
                "contract_id": st.just("C-2"),
            },
        )
    )
    wrong = worked(125, "2026-03-04", "T-6", "corrected", 2, **({"line_id": "L-1", "role": "engineer"} | _named(other)))
    right = worked(125, "2026-03-04", "T-6", "corrected", 3, line_id="L-1", role="engineer")
    wrong["data"].update(other)
    undone = data.draw(st.permutations([*events, wrong, right]))
    before, after = (figures(fold(lines(its)).host.stores, as_of) for its in (events, undone))
    assert extended(after, before) == []


def _named(change: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in change.items() if name not in ("minutes", "work_date")}


_PRICES = st.sampled_from(["60", "90", "120", "0"])
_CAPS = st.sampled_from(
    [
        None,
        {"minutes": 300, "on_exceed": "split"},
        {"amount": "400", "on_exceed": "split"},
        {"minutes": 300, "on_exceed": "warn"},
        {"amount": "400", "on_exceed": "warn"},
    ]
)
_SHARED = st.sampled_from(
    [
        {},
        {"included": {"minutes": 240, "per": "week"}},
        {"included": {"minutes": 400, "per": "month"}},
        {"included": {"minutes": 500, "per": "term"}},
        {"billing_method": "prepaid", "prepaid": {"minutes": 300, "fee": "600"}},
        {
            "billing_method": "retainer",
            "retainer": {"minutes": 300, "fee": "500", "rollover": "all", "overage_rate": "60"},
        },
        {"discount_ratio": "0.5"},
    ]
)
_ENTRIES = st.lists(
    st.tuples(st.integers(-300, 600), st.sampled_from(["2025-03-03", "2025-03-05", "2025-04-01"])),
    min_size=1,
    max_size=7,
)


@examples(60)
@given(_ENTRIES, _PRICES, _CAPS, _SHARED, st.sampled_from([None, "0.5"]), st.data())
def test_splitting_any_entry_changes_no_amount_where_no_increment_applies(
    entries: list[tuple[int, str]],
    price: str,
    cap: dict[str, Any] | None,
    shared: dict[str, Any],
    retainage: str | None,
    data: st.DataObject,
) -> None:
    # A minute is worth 1.00, 1.50, 2.00 or nothing, half of it at most is held back or taken off: no part has a
    # fraction of a cent. Parts have the sign of the whole, and ids that sort where its own did.
    if cap and "minutes" in cap and {"included", "prepaid"} & shared.keys():
        cap = None  # a cap in minutes takes the price of an entry pro rata, of what an allowance paid for too
    agreed = contract(line(cap=cap, retainage_ratio=retainage, budget={"minutes": 500, "amount": "900"}, **shared))
    whole, parts = [], []
    for number, (minutes, day) in enumerate(entries):
        cut = data.draw(st.integers(min(0, minutes), max(0, minutes)), label=f"part of T-{number}")
        whole.append(worked(minutes, day, f"T-{number}"))
        parts += [worked(cut, day, f"T-{number}-1"), worked(minutes - cut, day, f"T-{number}-2")]
    for as_of in (date(2025, 3, 4), NOW):
        one, other = (figures(fold(lines([agreed, rate(price), *its])).host.stores, as_of) for its in (whole, parts))
        assert other.burn == one.burn
        assert (other.forecast, other.revenue) == (one.forecast, one.revenue)
        [row], [split] = one.readiness.values(), other.readiness.values()
        assert {name: split[name] for name in row if name.endswith("_amount")} == {
            name: row[name] for name in row if name.endswith("_amount")
        }


@pytest.mark.parametrize("seed", histories(6))
def test_any_rate_known_late_equals_the_same_rate_known_from_the_start(seed: int) -> None:
    # Every rate of a history said before all else, or after it, and accepted then: only when it was known differs.
    rng = Random(seed)
    events = history(9_500_000 + seed, 90)
    rates = [event for event in events if event["type"].startswith("rate.")]
    others = [event for event in events if not event["type"].startswith("rate.")]
    early, late = (
        [{**one, "time": f"{year}-01-01T{n // 60:02}:{n % 60:02}:00Z"} for n, one in enumerate(rates)]
        for year in (2019, 2029)
    )
    for as_of in rng.sample(as_of_days(events), 2):
        known = figures(fold(lines([*early, *others])).host.stores, as_of)
        assert differences(known, figures(fold(lines([*others, *late]), cut=7).host.stores, as_of)) == []


# -- invoiced work ------------------------------------------------------------------------------------------------


@examples(40)
@given(event_sets(), as_ofs(), st.lists(st.sampled_from(["0", "1", "60.5", "999.999999"]), min_size=1, max_size=3))
def test_prospective_only_never_touches_what_is_invoiced(events: list[Event], as_of: date, late: list[str]) -> None:
    for event in events:
        if event["type"] in ("contract.approved.v1", "contract.amended.v1"):
            event["data"]["retro_policy"] = "prospective_only"
    cards = [
        rate(price, "2026-01-01", f"Z-{n}", revision=9, contract_id=home)
        for n, price in enumerate(late)
        for home in ("C-1", "C-2", "C-3")
    ]
    half = [{"line_id": name, "discount_ratio": "0.5"} for name in ("L-1", "L-2", "L-3")]
    terms = {"retro_policy": "prospective_only", "lines": half}
    cheaper = amended("retroactive", "2026-01-01", 99, **terms)
    before, after = fold(lines(events)), fold(lines([*events, *cards, cheaper]))
    for contract_id in before.figures.ids():
        assert on_invoices(after, contract_id, as_of) == on_invoices(before, contract_id, as_of)


def on_invoices(run: Run, contract_id: str, as_of: date) -> tuple[str, str, dict[str, int]]:
    """What is invoiced and is to be adjusted, and what each approved entry on a live invoice comes to."""
    contracts, head = run.figures.of(contract_id) or pytest.fail(f"{contract_id} is unknown")
    position = contracts.position(contract_id, head, as_of.toordinal())
    row = contracts.readiness(position, head)
    worth = {
        entry: invoiced if its.keeps else its.amount or 0
        for entry, its, claims in position.book.rows(BEGINNING, position.day)
        if its.status == APPROVED and its.billable and (invoiced := claimed(claims, position.day))
    }
    return row["invoiced_amount"], row["adjustment_amount"], worth
