"""An amount is converted once, by line, and shows with what."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from app.domain.currency import EXPONENTS
from app.domain.fx import Converted, Quote, Quotes, convert, total
from app.domain.money import MICRO, micro, show

EURO = Quote("EUR", "USD", 10, micro("1.0847"))


def test_a_line_is_converted_at_its_rate_and_keeps_it() -> None:
    # 900.00 × 1.0847 = 976.23.
    assert convert(micro("900"), EURO, 2) == Converted(micro("900"), micro("976.23"), EURO)


def test_the_sum_of_rounded_lines_differs_from_the_rounded_sum_and_the_rule_says_which_counts() -> None:
    # 33.33 × 1.0847 = 36.153051 → 36.15; three are 108.45. 99.99 × 1.0847 = 108.459153 → 108.46.
    lines = [(micro("33.33"), EURO)] * 3
    by_line, on_total = total(lines, "by_line", 2), total(lines, "on_total", 2)
    assert (by_line.amount, by_line.difference) == (micro("108.45"), 0)
    assert (on_total.amount, on_total.difference) == (micro("108.46"), micro("0.01"))
    assert by_line.lines == on_total.lines  # no line is changed to make the sum look right


def test_a_total_over_several_rates_is_rounded_once() -> None:
    # 0.01 × 0.3 + 0.01 × 0.4 = 0.007 → 0.01; by line 0.00 + 0.00.
    lines = [(micro("0.01"), EURO._replace(rate=micro("0.3"))), (micro("0.01"), EURO._replace(rate=micro("0.4")))]
    assert [total(lines, rule, 2).amount for rule in ("by_line", "on_total")] == [0, micro("0.01")]


def test_the_target_currency_says_how_many_decimals() -> None:
    # 10.00 EUR at 163.456 JPY: 1,634.56 → 1635; at 0.3345 KWD: 3.345.
    yen, dinar = Quote("EUR", "JPY", 1, micro("163.456")), Quote("EUR", "KWD", 1, micro("0.3345"))
    assert show(convert(micro("10"), yen, EXPONENTS["JPY"]).amount, 0) == "1635"
    assert show(convert(micro("10"), dinar, EXPONENTS["KWD"]).amount, 3) == "3.345"


def test_a_tie_goes_as_the_contract_says() -> None:
    # 0.05 × 0.5 = 0.025.
    half = EURO._replace(rate=micro("0.5"))
    assert convert(micro("0.05"), half, 2).amount == micro("0.03")
    assert convert(micro("0.05"), half, 2, half_even=True).amount == micro("0.02")
    assert total([(micro("0.05"), half)], "on_total", 2, half_even=True).amount == micro("0.02")
    assert total([(micro("0.05"), half)], "by_line", 2, half_even=True).amount == micro("0.02")


def test_the_rate_of_a_day_is_the_latest_set_by_then() -> None:
    later = EURO._replace(on=20, rate=micro("1.09"))
    quotes = Quotes([later, EURO])
    assert [quotes.at("EUR", "USD", day) for day in (9, 10, 19, 20, 99)] == [None, EURO, EURO, later, later]


def test_a_rate_set_again_for_its_day_replaces_it() -> None:
    again = EURO._replace(rate=MICRO)
    quotes = Quotes([EURO, again])
    assert quotes.at("EUR", "USD", 10) == again
    quotes.set(EURO)
    assert quotes.at("EUR", "USD", 10) == EURO


def test_there_is_no_rate_that_nobody_set() -> None:
    quotes = Quotes([EURO, Quote("USD", "JPY", 10, micro("150"))])
    assert quotes.at("USD", "EUR", 10) is None  # the other way round
    assert quotes.at("EUR", "JPY", 10) is None  # through a third


def test_within_one_currency_the_rate_is_one() -> None:
    assert Quotes().at("EUR", "EUR", 5) == Quote("EUR", "EUR", 5, MICRO)


amounts = st.integers(-(10**9), 10**9).map(lambda cents: cents * 10_000)
quotes = st.integers(1, 10**9).map(lambda rate: EURO._replace(rate=rate))


@given(st.lists(st.tuples(amounts, quotes), max_size=6), st.sampled_from([0, 2, 3]), st.booleans())
def test_lines_and_difference_are_the_total(lines: list[tuple[int, Quote]], exponent: int, even: bool) -> None:
    found = total(lines, "on_total", exponent, half_even=even)
    assert sum(line.amount for line in found.lines) + found.difference == found.amount
    exact = sum((Fraction(amount * quote.rate, MICRO) for amount, quote in lines), Fraction(0))
    unit = 10 ** (6 - exponent)
    assert abs(found.amount - exact) <= Fraction(unit, 2)
    assert abs(found.difference) <= Fraction(unit * (len(lines) + 1), 2)
    assert total(lines, "by_line", exponent, half_even=even).difference == 0


@given(amounts, quotes)
def test_a_conversion_can_be_done_again_from_what_it_keeps(amount: int, quote: Quote) -> None:
    done = convert(amount, quote, 2)
    assert convert(done.origin, done.quote, 2) == done
    assert convert(-amount, quote, 2).amount == -done.amount


def test_no_lines_come_to_nothing() -> None:
    assert (total([], "by_line", 2).amount, total([], "on_total", 2).amount) == (0, 0)
