"""What an entry comes to, and what entries add up to."""

from __future__ import annotations

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.ledger import (
    AMOUNT,
    BILLABLE,
    COST,
    NONBILLABLE,
    PENDING_AMOUNT,
    PENDING_MINUTES,
    REJECTED,
    REVERSED,
    SUBMITTED,
    UNPRICED,
    Row,
    billable_minutes,
    merged,
    price,
    price_by,
)
from app.domain.money import MICRO, micro, show
from app.domain.terms import Agreement, Rounding
from tests.domain.ledgers import approved, book, card, day, line, priced, rates, worked

_AGREEMENT = Agreement([approved()])


def increment(step: int, direction: str = "nearest", *, tie_up: bool = False) -> Rounding:
    return Rounding(half_even=False, increment=step, direction=direction, tie_up=tie_up)  # type: ignore[arg-type]


# -- minutes (rule R8) --------------------------------------------------------------------------------------------


def test_worked_example_round() -> None:
    # Four calls of 3 minutes, each up to 6: 4 × 6 = 24 min = 0.4 h. 122 min up to 15: 135 min = 2.25 h.
    assert 4 * billable_minutes(3, increment(6, "up")) == 24
    assert billable_minutes(122, increment(15, "up")) == 135
    # 3 of 6 is an exact tie: down unless the contract says up.
    assert billable_minutes(3, increment(6)) == 0
    assert billable_minutes(3, increment(6, tie_up=True)) == 6


def test_an_increment_up_nearest_and_down() -> None:
    # 7 minutes in steps of 15: up 15, nearest 0 (7 < 7.5), down 0; 8: 15, 15, 0; 15: 15 each.
    assert [[billable_minutes(m, increment(15, way)) for way in ("up", "nearest", "down")] for m in (7, 8, 15)] == [
        [15, 0, 0],
        [15, 15, 0],
        [15, 15, 15],
    ]


@given(st.integers(-1440, 1440), st.sampled_from([0, 6, 15, 30]), st.sampled_from(["up", "nearest", "down"]))
def test_a_negative_entry_is_rounded_by_its_magnitude(minutes: int, step: int, direction: str) -> None:
    rule = increment(step, direction)
    assert billable_minutes(-minutes, rule) == -billable_minutes(minutes, rule)
    assert billable_minutes(minutes, rule) % (step or 1) == 0


# -- money (rules R9, R12, R22) -----------------------------------------------------------------------------------


def euros(minutes: int, rate: str, *, discount: str = "0", half_even: bool = False) -> str:
    return show(price(minutes, micro(rate), 60, micro(discount), 2, half_even=half_even), 2)


def test_worked_example_tm_basic() -> None:
    assert euros(450, "180") == "1350.00"  # 7.5 h × 180.00


def test_worked_example_m5_at_200() -> None:
    # 5 min at 200.00 = 16.666… → 16.67; with an increment of 6 min, 6 × 200 ÷ 60 = 20.00.
    assert euros(5, "200") == "16.67"
    row = priced(worked("2026-03-02", 5), Agreement([approved(rounding=_UP_6)]), rates(card("R-1", "200")))
    assert (row.billable_minutes, row.amount) == (6, micro("20"))


_UP_6 = {"increment_minutes": 6, "direction": "up"}


def test_worked_example_discount() -> None:
    # 200 h × 64.00 less 20 % = 12,800 × 0.8 = 10,240.00, which is 51.20 an hour.
    assert euros(200 * 60, "64", discount="0.2") == "10240.00"
    assert euros(60, "64", discount="0.2") == "51.20"


def test_a_discounted_amount_is_rounded_once() -> None:
    # 1 min at 100.00 less 5 % = 1.58333… → 1.58; rounded before the discount it would be 1.67 × 0.95 = 1.5865 → 1.59.
    assert euros(1, "100", discount="0.05") == "1.58"


def test_an_exact_half_goes_away_from_zero_or_to_the_even_neighbour() -> None:
    # 3 min at 100.10 = 5.005; 3 min at 100.30 = 5.015; negative minutes mirror.
    assert [euros(3, rate) for rate in ("100.10", "100.30")] == ["5.01", "5.02"]
    assert [euros(3, rate, half_even=True) for rate in ("100.10", "100.30")] == ["5.00", "5.02"]
    assert [euros(-3, "100.10", half_even=even) for even in (False, True)] == ["-5.01", "-5.00"]


@given(st.integers(-1440, 1440), st.integers(0, 10**12), st.sampled_from([0, 2, 3]), st.integers(0, MICRO))
def test_a_price_is_within_half_a_unit_of_the_exact_one(minutes: int, rate: int, exponent: int, discount: int) -> None:
    exact = Fraction(minutes * rate * (MICRO - discount), 60 * MICRO)
    unit = 10 ** (6 - exponent)
    found = price(minutes, rate, 60, discount, exponent, half_even=False)
    assert abs(found - exact) <= Fraction(unit, 2)
    assert found % unit == 0


def test_a_day_rate_is_of_the_days_the_contract_agrees_on() -> None:
    # 240 min at 800.00 a day: of 480 min half, 400.00; of 450 min 426.666… → 426.67.
    by = rates(card("R-1", "800", unit="day"))
    found = [priced(worked("2026-03-02", 240), Agreement([approved(day_minutes=m)]), by).amount for m in (480, 450)]
    assert found == [micro("400"), micro("426.67")]


# -- rows ---------------------------------------------------------------------------------------------------------


def test_no_rate_is_a_problem_and_never_zero() -> None:
    row = priced(worked("2026-03-02", 60), _AGREEMENT, rates())
    assert (row.amount, bool(row.problem)) == (None, True)
    assert priced(worked("2026-03-02", 60), _AGREEMENT, rates(card("R-1", "0"))).amount == 0


def test_the_winner_in_another_currency_is_a_problem_and_not_skipped() -> None:
    by = rates(card("R-1", "60"), card("R-2", "70", currency="USD", resource_id="P-1"))
    row = priced(worked("2026-03-02", 60), _AGREEMENT, by)
    assert (row.amount, row.rate_id, bool(row.problem)) == (None, "R-2", True)


def test_an_override_is_a_price_even_at_zero() -> None:
    by = rates(card("R-1", "60"))
    rows = [priced(worked("2026-03-02", 60, rate_override=text), _AGREEMENT, by) for text in ("0", "12.5")]
    assert [(row.amount, row.rate_id) for row in rows] == [(0, "override"), (micro("12.5"), "override")]


def test_cost_uses_worked_minutes_and_its_own_rate() -> None:
    # 5 worked minutes at 120.00 cost 10.00, although 6 are billed.
    agreement = Agreement([approved(rounding=_UP_6)])
    row = priced(worked("2026-03-02", 5), agreement, rates(card("R-1", "60"), card("R-2", "120", kind="cost")))
    assert (row.billable_minutes, row.amount, row.cost) == (6, micro("6"), micro("10"))


def test_a_line_charges_only_its_roles() -> None:
    agreement = Agreement([approved(lines=[line(chargeable_roles=["engineer"])])])
    by = rates(card("R-1", "60"))
    rows = [priced(worked("2026-03-02", 60, role=role), agreement, by) for role in ("engineer", "analyst", None)]
    assert [row.amount for row in rows] == [micro("60"), None, None]
    assert [row.problem for row in rows] == [0, 0, 0]


def test_an_entry_without_a_line_belongs_to_the_only_one() -> None:
    two = Agreement([approved(lines=[line(), line("L-2")])])
    found = [priced(worked("2026-03-02", 60), agreement, rates()).line for agreement in (_AGREEMENT, two)]
    assert found == ["L-1", None]


_CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "minutes": st.sampled_from([60, 30]),
        "role": st.sampled_from([None, "engineer"]),
        "resource_id": st.sampled_from(["P-1", "P-2"]),
        "line_id": st.sampled_from([None, "L-2"]),
        "billable": st.booleans(),
        "rate_override": st.sampled_from([None, "75", "75.0"]),
        "status": st.sampled_from([1, SUBMITTED, REJECTED, REVERSED]),
        "revision": st.integers(1, 3),
    },
)


@given(_CHANGES, _CHANGES)
def test_a_row_takes_the_price_of_one_that_is_priced_alike(one: dict[str, object], other: dict[str, object]) -> None:
    agreement = Agreement([approved(lines=[line(), line("L-2", discount_ratio="0.1")])])
    by = rates(card("R-1", "60"), card("R-2", "80", role="engineer"), card("R-3", "90", resource_id="P-2"))
    before = priced(worked("2026-03-02", **({"minutes": 60} | one)), agreement, by)  # type: ignore[arg-type]
    after, anew = (worked("2026-03-02", **({"minutes": 60} | other)) for _ in range(2))  # type: ignore[arg-type]
    if after.prices_like(before):
        after.take_price(before)
        assert after == priced(anew, agreement, by)


_SAID = st.dictionaries(
    st.sampled_from(["R-1", "R-2", "R-3", "R-4"]),
    st.fixed_dictionaries(
        {"amount": st.sampled_from(["60", "75", "90"]), "kind": st.sampled_from(["bill", "bill", "cost"])},
        optional={
            "role": st.sampled_from(["engineer", "analyst"]),
            "resource_id": st.sampled_from(["P-1", "P-2"]),
            "client_id": st.just("CL-1"),
            "contract_id": st.just("C-1"),
            "currency": st.sampled_from(["EUR", "USD"]),
            "effective_from": st.sampled_from(["2026-01-01", "2026-03-01", "2026-03-03"]),
            "effective_to": st.sampled_from(["2026-03-03", "2026-03-31"]),
            "revision": st.integers(1, 3),
        },
    ),
    max_size=4,
)


@given(_SAID, _SAID, _CHANGES, st.sampled_from(["2026-03-02", "2026-03-03", "2026-03-04"]))
def test_a_row_that_is_priced_by_what_changed_only_comes_to_what_it_would_anew(
    before: dict[str, dict[str, object]], after: dict[str, dict[str, object]], said: dict[str, object], on: str
) -> None:
    # Rates are said otherwise, come and go; an increment of 15 minutes and two lines, one for engineers alone.
    lines = [line(), line("L-2", chargeable_roles=["engineer"], discount_ratio="0.1")]
    agreement = Agreement([approved(lines=lines, rounding={"increment_minutes": 15})])
    had, has = ([card(name, **its) for name, its in cards.items()] for cards in (before, after))  # type: ignore[arg-type]
    row, anew = (worked(on, **({"minutes": 50} | said)) for _ in range(2))  # type: ignore[arg-type]
    was = msgspec.structs.replace(priced(row, agreement, rates(*had)))
    changed = [one for one in {*had} ^ {*has} if one.names(row.resource_id, row.role)]
    told = price_by(row, agreement.on(row.day), rates(*has), changed)
    assert row == priced(anew, agreement, rates(*has))
    assert told or row == was


# -- sums ---------------------------------------------------------------------------------------------------------


def test_each_status_counts_where_it_belongs() -> None:
    # At 60.00 an hour, cost 30.00: approved 60 min = 60.00; not billable 30; submitted 15 = 15.00; the rest nowhere.
    by = rates(card("R-1", "60"), card("R-2", "30", kind="cost"))
    rows = {
        "A": worked("2026-03-02", 60),
        "B": worked("2026-03-02", 30, billable=False),
        "C": worked("2026-03-02", 15, status=SUBMITTED),
        "D": worked("2026-03-02", 7, status=REJECTED),
        "E": worked("2026-03-02", 9, status=REVERSED),
        "F": worked("2026-03-02", -20),
    }
    totals = summed({entry: priced(row, _AGREEMENT, by) for entry, row in rows.items()})
    names = (BILLABLE, NONBILLABLE, AMOUNT, COST, PENDING_MINUTES, PENDING_AMOUNT, UNPRICED)
    assert [totals[name] for name in names] == [40, 30, micro("40"), micro("35"), 15, micro("15"), 0]


def summed(rows: dict[str, Row]) -> list[int]:
    whole = book(rows).between(day("2026-01-01"), day("2026-12-31"), day("2026-12-31"))
    return merged(whole.values()).totals


@pytest.mark.parametrize("minutes", [60, -60, 0])
def test_unpriced_minutes_are_counted_and_bring_no_amount(minutes: int) -> None:
    totals = summed({"A": priced(worked("2026-03-02", minutes), _AGREEMENT, rates())})
    assert (totals[BILLABLE], totals[UNPRICED], totals[AMOUNT]) == (minutes, minutes, 0)
