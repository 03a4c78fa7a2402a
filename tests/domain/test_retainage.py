"""What is retained is held and given back, to the cent, in the order of dates."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.calendar import number
from app.domain.money import micro
from app.domain.retainage import Movement, Release, Step, movements, release_of, withheld

PHASES = [
    Step(day, micro(amount), ratio)
    for day, amount, ratio in ((1, "15000", 200_000), (2, "9000", 100_000), (3, "6000", 0))
]


def test_three_phases_pay_everything_in_the_end() -> None:
    # 15,000 less 20 % = 12,000, 3,000 held. 9,000 less 10 %, plus 10 % of the 3,000 held before: 8,100 + 300 = 8,400;
    # 3,000 − 300 + 900 = 3,600 held. 6,000 less nothing, plus all 3,600: 9,600. In all 30,000.
    releases = [Release(1, "R-1", 0, None), Release(2, "R-2", 100_000, None), Release(3, "R-3", 1_000_000, None)]
    found = list(movements(reversed(PHASES), reversed(releases), 2))
    assert [step.billable for step in found] == [micro("12000"), micro("8400"), micro("9600")]
    assert [step.balance for step in found] == [micro("3000"), micro("3600"), 0]
    assert sum(step.billable for step in found) == micro("30000")


def test_a_release_takes_from_what_was_held_before_its_day() -> None:
    [same_day] = movements(PHASES[:1], [Release(1, "R-1", 1_000_000, None)], 2)
    assert (same_day.released, same_day.balance) == (0, micro("3000"))
    _, next_day = movements(PHASES[:1], [Release(2, "R-1", 1_000_000, None)], 2)
    assert (next_day.released, next_day.balance) == (micro("3000"), 0)


def test_releases_of_one_day_follow_their_ids_each_from_what_the_one_before_left() -> None:
    # Half of 3,000, then half of the other half: 1,500 + 750. Half and then 1,000 of 1,500: 2,500.
    half = Release(2, "R-1", 500_000, None)
    _, twice = movements(PHASES[:1], [Release(2, "R-2", 500_000, None), half], 2)
    assert twice.released == micro("2250")
    _, mixed = movements(PHASES[:1], [half, Release(2, "R-2", None, micro("1000"))], 2)
    assert mixed.released == micro("2500")


def test_nobody_releases_more_than_is_held() -> None:
    _, release = movements(PHASES[:1], [Release(2, "R-1", None, micro("3000.01"))], 2)
    assert release == Movement(2, 0, 0, micro("3000"), 0, micro("0.01"))
    _, within = movements(PHASES[:1], [Release(2, "R-1", None, micro("3000"))], 2)
    assert (within.balance, within.beyond) == (0, 0)
    [early] = movements([], [Release(2, "R-1", None, micro("5"))], 2)
    assert (early.released, early.beyond) == (0, micro("5"))


def test_a_credit_takes_its_share_out_of_what_is_held() -> None:
    credit = Step(2, micro("-1000"), 200_000)
    *_, last = movements([PHASES[0], credit], [], 2)
    assert (last.withheld, last.billable, last.balance) == (micro("-200"), micro("-800"), micro("2800"))
    # A balance below 0 is nothing to release.
    *_, last = movements([credit], [Release(3, "R-1", 1_000_000, None), Release(3, "R-2", None, micro("1"))], 2)
    assert (last.released, last.balance, last.beyond) == (0, micro("-200"), micro("1"))


def test_each_amount_is_rounded_once_as_the_contract_says() -> None:
    # 0.05 × 50 % = 0.025: 0.03 away from zero, 0.02 to the even neighbour; two of them are twice that, not 0.05.
    assert withheld(micro("0.05"), 500_000, 2) == micro("0.03")
    assert withheld(micro("0.05"), 500_000, 2, half_even=True) == micro("0.02")
    steps = [Step(1, micro("0.05"), 500_000)] * 2
    assert [step.withheld for step in movements(steps, [], 2)] == [micro("0.06")]
    assert [step.withheld for step in movements(steps, [], 2, half_even=True)] == [micro("0.04")]
    _, even = movements([Step(1, micro("0.05"), 1_000_000)], [Release(2, "R", 500_000, None)], 2, half_even=True)
    assert even.released == micro("0.02")


@pytest.mark.parametrize(
    ("said", "ratio", "amount"),
    [
        ({"ratio": "0.1"}, 100_000, None),
        ({"amount": "0"}, None, 0),
        ({"ratio": "1", "amount": "5.5"}, 1_000_000, 5_500_000),
    ],
)
def test_a_release_is_read_as_it_was_said(said: dict[str, Any], ratio: int | None, amount: int | None) -> None:
    told = {"release_id": "R-1", "contract_id": "C-1", "on": "2026-03-31", **said}
    assert release_of(told) == Release(number("2026-03-31"), "R-1", ratio, amount)


def test_of_a_ratio_and_an_amount_the_ratio_counts() -> None:
    _, release = movements(PHASES[:1], [Release(2, "R-1", 100_000, micro("1"))], 2)
    assert release.released == micro("300")


cents = st.integers(0, 10**7).map(lambda amount: amount * 10_000)
ratios = st.integers(0, 1_000_000)
steps = st.lists(st.builds(Step, st.integers(1, 9), cents, ratios), max_size=8)
releases = st.lists(
    st.builds(Release, st.integers(1, 12), st.text("ab", min_size=1, max_size=3), ratios, st.none())
    | st.builds(Release, st.integers(1, 12), st.text("cd", min_size=1, max_size=3), st.none(), cents),
    max_size=5,
    unique_by=lambda release: release.release_id,
)


@given(steps, releases, st.booleans())
def test_what_is_billable_and_what_is_held_are_all_there_was(
    amounts: list[Step], freed: list[Release], even: bool
) -> None:
    found = list(movements(amounts, freed, 2, half_even=even))
    held = found[-1].balance if found else 0
    assert sum(step.billable for step in found) + held == sum(step.amount for step in amounts)
    assert all(step.balance >= 0 for step in found)
    assert [step.on for step in found] == sorted({one.on for one in amounts} | {one.on for one in freed})


@given(steps, releases, st.randoms())
def test_the_order_of_arrival_does_not_matter(amounts: list[Step], freed: list[Release], random: Any) -> None:
    before = list(movements(amounts, freed, 2))
    random.shuffle(amounts)
    random.shuffle(freed)
    assert list(movements(amounts, freed, 2)) == before
