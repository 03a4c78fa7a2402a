"""What is retained is held and given back, to the cent, in the order of dates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.calendar import number
from app.domain.money import micro
from app.domain.retainage import Release, by_line, kept_of, release_of, released, withheld

_PHASES = ((1, "15000", 200_000), (2, "9000", 100_000), (3, "6000", 0))
Step = tuple[int, int]  # (day, what is withheld)


def phases(until: int) -> list[Step]:
    return [(day, withheld(micro(amount), ratio, 2)) for day, amount, ratio in _PHASES if day <= until]


def free(releases: Iterable[Release], steps: Sequence[Step] | dict[str, list[Step]]) -> dict[str, int]:
    """What was released of each line; one line unless `steps` say otherwise."""
    lines = steps if isinstance(steps, dict) else {"L-1": list(steps)}

    def held(line: str, day: int) -> int:
        return sum(amount for on, amount in lines.get(line, []) if on < day)

    return by_line(released(releases, held, lambda line: [line] if line else sorted(lines), 2))


def test_three_phases_pay_everything_in_the_end() -> None:
    # R24: 15,000 less 20 % = 12,000, 3,000 held. 9,000 less 10 %, plus 10 % of the 3,000 held before: 8,100 + 300 =
    # 8,400. 6,000 less nothing, plus 3,000 − 300 + 900 = 3,600: 9,600. In all 30,000.
    releases = [Release(3, "R-3", 1_000_000, None), Release(2, "R-2", 100_000, None), Release(1, "R-1", 0, None)]
    paid: list[int] = []
    for today in (1, 2, 3):
        earned = sum(micro(amount) for day, amount, _ in _PHASES if day <= today)
        due = [one for one in releases if one.on <= today]
        held = sum(amount for _, amount in phases(today)) - sum(free(due, phases(today)).values())
        paid.append(earned - held - sum(paid))
    assert paid == [micro("12000"), micro("8400"), micro("9600")]
    assert sum(paid) == micro("30000")


def test_a_release_takes_from_what_was_held_before_its_day() -> None:
    assert free([Release(1, "R-1", 1_000_000, None)], phases(1)) == {"L-1": 0}
    assert free([Release(2, "R-1", 1_000_000, None)], phases(1)) == {"L-1": micro("3000")}


def test_releases_of_one_day_follow_their_ids_each_from_what_the_one_before_left() -> None:
    # Half of 3,000, then half of the other half: 1,500 + 750. Half and then 1,000 of 1,500: 2,500.
    half = Release(2, "R-1", 500_000, None)
    assert free([Release(2, "R-2", 500_000, None), half], phases(1)) == {"L-1": micro("2250")}
    assert free([half, Release(2, "R-2", None, micro("1000"))], phases(1)) == {"L-1": micro("2500")}


def test_nobody_releases_more_than_is_held() -> None:
    assert free([Release(2, "R-1", None, micro("3000.01"))], phases(1)) == {"L-1": micro("3000")}
    assert free([Release(2, "R-1", None, micro("5"))], []) == {"L-1": 0}


def test_a_release_of_no_line_takes_from_one_after_the_other() -> None:
    # 100 of L-1 with 30 held and L-2 with 90: 30 and 70. Of a line that is named, only from that.
    lines = {"L-2": [(1, micro("90"))], "L-1": [(1, micro("30"))]}
    assert free([Release(2, "R-1", None, micro("100"))], lines) == {"L-1": micro("30"), "L-2": micro("70")}
    assert free([Release(2, "R-1", None, micro("100"), "L-2")], lines) == {"L-2": micro("90")}
    # A share is of each line's own balance: half of 30 and half of 90.
    assert free([Release(2, "R-1", 500_000, None)], lines) == {"L-1": micro("15"), "L-2": micro("45")}


def test_a_balance_below_zero_has_nothing_to_release() -> None:
    assert free([Release(2, "R-1", 1_000_000, None)], [(1, micro("-5"))]) == {"L-1": 0}
    assert free([Release(2, "R-1", None, micro("3"))], [(1, micro("-5"))]) == {"L-1": 0}


def test_a_share_of_what_is_held_is_rounded_half_up_unless_the_contract_says_otherwise() -> None:
    # Half of 0.05 is 0.025: 0.03, or 0.02 to the even neighbour.
    half = [Release(2, "R-1", 500_000, None)]
    assert free(half, [(1, micro("0.05"))]) == {"L-1": micro("0.03")}
    even = released(half, lambda line, day: micro("0.05"), lambda line: ["L-1"], 2, half_even=True)
    assert by_line(even) == {"L-1": micro("0.02")}


def test_each_amount_is_rounded_once_as_the_contract_says() -> None:
    # 5 % of 0.50 is 0.025: 0.03, or 0.02 to the even neighbour; that of −0.50 mirrors it.
    assert withheld(micro("0.50"), 50_000, 2) == micro("0.03")
    assert withheld(micro("0.50"), 50_000, 2, half_even=True) == micro("0.02")
    assert withheld(micro("-0.50"), 50_000, 2) == micro("-0.03")


@pytest.mark.parametrize(
    ("missing", "whole", "kept"),
    [
        (10, 10, 10),  # invoiced as it is to be paid
        (30, 10, 10),  # invoiced for less than that: the rest is an adjustment
        (0, 10, 0),  # invoiced in full
        (4, 10, 4),
        (-5, 10, 0),  # invoiced for more
        (-10, -10, -10),  # a credit, as it is to be paid
        (-30, -10, -10),
        (5, -10, 0),
    ],
)
def test_what_an_invoice_leaves_out_is_held_back_up_to_the_share(missing: int, whole: int, kept: int) -> None:
    assert kept_of(missing, whole) == kept


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"ratio": "0.1"}, Release(number("2026-03-02"), "X", 100_000, None)),
        ({"amount": "5"}, Release(number("2026-03-02"), "X", None, 5_000_000)),
        ({"amount": "5", "line_id": "L-1"}, Release(number("2026-03-02"), "X", None, 5_000_000, "L-1")),
    ],
)
def test_a_release_is_read_as_it_was_said(said: dict[str, Any], expected: Release) -> None:
    assert release_of({"release_id": "X", "on": "2026-03-02"} | said) == expected


def test_of_a_ratio_and_an_amount_the_ratio_counts() -> None:
    assert free([Release(2, "R-1", 100_000, micro("1"))], phases(1)) == {"L-1": micro("300")}


_STEPS = st.lists(st.tuples(st.integers(1, 9), st.integers(-500, 2000).map(lambda cents: cents * 10_000)), max_size=6)
_RELEASES = st.lists(
    st.builds(
        Release,
        on=st.integers(1, 10),
        release_id=st.sampled_from("abcdef"),
        ratio=st.one_of(st.none(), st.integers(0, 1_000_000)),
        amount=st.integers(0, 2000).map(lambda cents: cents * 10_000),
    ),
    max_size=5,
    unique_by=lambda one: one.release_id,
)


@given(_STEPS, _RELEASES)
def test_what_is_released_is_never_more_than_was_held_nor_less_than_nothing(
    steps: list[Step], releases: list[Release]
) -> None:
    done = free(releases, steps).get("L-1", 0)
    most = max((sum(amount for on, amount in steps if on < release.on) for release in releases), default=0)
    assert 0 <= done <= max(most, 0)


@given(_STEPS, _RELEASES, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(steps: list[Step], releases: list[Release], random: Any) -> None:
    mixed = random.sample(releases, len(releases))
    assert free(mixed, random.sample(steps, len(steps))) == free(releases, steps)
