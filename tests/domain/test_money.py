"""Money is exact: micro-units in, one visible rounding, text out."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.currency import EXPONENTS
from app.domain.money import MICRO, divide, micro, round_to, show, show_quarter, show_ratio

amounts = st.integers(-(10**24), 10**24)


@given(amounts, st.integers(1, 10**12))
def test_a_half_goes_away_from_zero(dividend: int, divisor: int) -> None:
    exact = Fraction(dividend, divisor)
    rounded = divide(dividend, divisor)
    assert abs(rounded - exact) <= Fraction(1, 2)
    if abs(rounded - exact) == Fraction(1, 2):
        assert abs(rounded) > abs(exact)


@given(amounts, st.integers(1, 10**12))
def test_a_half_goes_to_the_even_neighbour_where_the_contract_says_so(dividend: int, divisor: int) -> None:
    assert divide(dividend, divisor, half_even=True) == round(Fraction(dividend, divisor))  # Python rounds half to even


@given(st.integers(-(10**15), 10**15), st.integers(0, 6))
def test_text_is_read_as_it_stands(digits: int, places: int) -> None:
    text = f"{Decimal(digits).scaleb(-places):f}"
    assert micro(text) == Fraction(text) * MICRO


@given(amounts, st.sampled_from([0, 2, 3, 4]))
def test_what_is_shown_is_what_was_rounded(units: int, exponent: int) -> None:
    text = show(units, exponent)
    assert micro(text) == round_to(units, exponent)
    assert len(text.partition(".")[2]) == exponent
    assert micro(text) != 0 or not text.startswith("-")  # zero carries no sign


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**9))
def test_a_ratio_has_four_places(part: int, whole: int) -> None:
    assert show_ratio(part, whole) == show(divide(part * 10_000, whole) * 100, 4)


def test_a_rounding_to_each_kind_of_currency() -> None:
    # 16.666666 in currencies of no, two, three and four decimals.
    assert [show(16_666_666, EXPONENTS[code]) for code in ("JPY", "EUR", "KWD", "CLF")] == [
        "17",
        "16.67",
        "16.667",
        "16.6667",
    ]


@pytest.mark.parametrize(("mode", "shown"), [(False, "453.59"), (True, "453.58")])
def test_worked_example_expense_markup(mode: bool, shown: str) -> None:
    # 412.35 + 10 % = 453.585: the half away from zero is 453.59, the even neighbour 453.58.
    units = micro("412.35") * 11 // 10
    assert units == micro("453.585")
    assert show(round_to(units, 2, half_even=mode), 2) == shown
    by_decimal = Decimal("453.585").quantize(Decimal("0.01"), ROUND_HALF_EVEN if mode else ROUND_HALF_UP)
    assert str(by_decimal) == shown


def test_worked_example_json_float_trap() -> None:
    # 1.005 × 100 in floats is 100.49999999999999, so half up would lose a cent: here it is exact, 1.005 → 1.01.
    assert micro("0.1") + micro("0.2") == micro("0.3")
    assert show(micro("1.005"), 2) == "1.01"


def test_a_quarter_has_at_most_two_decimals() -> None:
    # By hand: 9,375 minutes in four weeks are 2,343.75 a week; 9,374 are 2,343.5; 9,376 are 2,344.
    assert [show_quarter(total) for total in (9375, 9374, 9376, 1, 0)] == ["2343.75", "2343.5", "2344", "0.25", "0"]
