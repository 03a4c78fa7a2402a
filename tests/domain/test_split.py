"""Parts of a split sum to the whole, and nobody is a cent away from their share."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.money import MICRO, micro, show
from app.domain.split import complete, split


@pytest.mark.parametrize(
    ("amount", "ratios", "parts"),
    [
        # 33.333… each: 33.33 three times is 99.99; the cent goes to the first of equals.
        ("100.00", ["0.333333"] * 3, ["33.34", "33.33", "33.33"]),
        # 600.006 and 400.004: 600.00 + 400.00, and the cent goes to the larger remainder.
        ("1000.01", ["0.6", "0.4"], ["600.01", "400.00"]),
        ("1000.01", ["0.4", "0.6"], ["400.00", "600.01"]),
        # 0.005, 0.005: the first.
        ("0.01", ["0.5", "0.5"], ["0.01", "0.00"]),
        ("10.00", ["0", "1"], ["0.00", "10.00"]),
        ("-100.00", ["0.333333"] * 3, ["-33.34", "-33.33", "-33.33"]),
        ("7.00", ["1"], ["7.00"]),
    ],
)
def test_the_largest_remainders_get_what_is_left(amount: str, ratios: list[str], parts: list[str]) -> None:
    assert [show(part, 2) for part in split(micro(amount), [micro(ratio) for ratio in ratios], 2)] == parts


def test_a_currency_without_decimals_is_split_in_whole_units() -> None:
    # 100 ÷ 3 in JPY: 34, 33, 33.
    assert [show(part, 0) for part in split(100 * MICRO, [1, 1, 1], 0)] == ["34", "33", "33"]


@pytest.mark.parametrize("ratios", [[], [0, 0], [1_500_000, -500_000]])
def test_ratios_that_cannot_split_are_refused(ratios: list[int]) -> None:
    with pytest.raises(ValueError, match="name payers with ratios above 0"):
        split(MICRO, ratios, 2)


def test_an_amount_that_is_not_rounded_is_refused() -> None:
    with pytest.raises(ValueError, match="10001 micro-units have more than 2 decimals"):
        split(10_001, [1], 2)


@pytest.mark.parametrize(
    ("ratios", "whole"),
    [
        ([1_000_000], True),
        ([999_999], False),
        ([333_333] * 3, True),  # 0.999999
        ([666_667, 333_334], True),  # 1.000001
        ([142_857] * 7, True),  # 0.999999
        ([330_000] * 3, False),
        ([600_000, 600_000], False),
    ],
)
def test_ratios_are_complete_but_for_their_last_place(ratios: list[int], whole: bool) -> None:
    assert complete(ratios) is whole


weights = st.lists(st.integers(0, 1_000_000), min_size=1, max_size=6).filter(any)


@given(st.integers(-(10**9), 10**9), weights, st.sampled_from([0, 2, 3]))
def test_parts_sum_to_the_whole_and_each_is_its_share_rounded_up_or_down(
    minor: int, ratios: list[int], exponent: int
) -> None:
    unit = 10 ** (6 - exponent)
    parts = split(minor * unit, ratios, exponent)
    assert sum(parts) == minor * unit
    for part, ratio in zip(parts, ratios, strict=True):
        assert abs(part - Fraction(minor * unit * ratio, sum(ratios))) < unit
        assert part % unit == 0


@given(st.integers(0, 10**9), weights)
def test_a_credit_takes_back_what_each_payer_got(minor: int, ratios: list[int]) -> None:
    amount = minor * 10_000
    assert split(-amount, ratios, 2) == [-part for part in split(amount, ratios, 2)]


@given(st.integers(0, 10**9), weights)
def test_who_pays_a_larger_share_never_gets_less(minor: int, ratios: list[int]) -> None:
    parts = [part for _, part in sorted(zip(ratios, split(minor * 10_000, ratios, 2), strict=True))]
    assert parts == sorted(parts)
