"""An expense in another currency is converted once, by line, and shows with what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.fx import Quote, Quotes
from app.domain.ledger import APPROVED, OTHER_CURRENCY, Spend, price_spend
from app.domain.money import MICRO, micro, show
from app.domain.terms import Agreement, Terms
from tests.domain.ledgers import approved

EURO = Quote("EUR", "USD", 10, micro("1.0847"))


def terms(currency: str, mode: str = "half_up") -> Terms:
    found = Agreement([approved(currency=currency, rounding={"mode": mode})]).on(1_000_000)
    assert found is not None
    return found


def converted(net: str, quote: Quote, mode: str = "half_up", markup: str | None = None) -> Spend:
    """An expense of day 20 in the quote's currency, in a contract in the one it converts into."""
    spend = Spend(1, APPROVED, 20, net, quote.from_currency, markup, True, None, 1, "/psa", "e-1", 0)
    price_spend(spend, terms(quote.to_currency, mode), Quotes([quote]))
    return spend


def test_a_line_is_converted_at_its_rate_and_keeps_it() -> None:
    # 900.00 × 1.0847 = 976.23.
    done = converted("900", EURO)
    assert (done.amount, done.fx_rate, done.fx_on) == (micro("976.23"), EURO.rate, 10)


def test_lines_are_rounded_one_by_one_and_their_sum_is_the_total() -> None:
    # R25: 33.33 × 1.0847 = 36.153051 → 36.15; three are 108.45, and not the 108.46 of 99.99 × 1.0847 = 108.459153.
    assert sum(converted("33.33", EURO).amount or 0 for _ in range(3)) == micro("108.45")
    assert converted("99.99", EURO).amount == micro("108.46")


def test_mark_up_and_rate_share_one_rounding() -> None:
    # 0.15 × 1.1 × 0.3 = 0.0495 → 0.05; rounded twice it were 0.15 × 0.3 = 0.045 → 0.05, × 1.1 = 0.055 → 0.06.
    assert converted("0.15", EURO._replace(rate=micro("0.3")), markup="0.1").amount == micro("0.05")


@pytest.mark.parametrize(("currency", "rate", "shown"), [("JPY", "163.456", "1635"), ("KWD", "0.3345", "3.345")])
def test_the_target_currency_says_how_many_decimals(currency: str, rate: str, shown: str) -> None:
    # 10.00 EUR at 163.456: 1,634.56 → 1635; at 0.3345: 3.345.
    done = converted("10", Quote("EUR", currency, 1, micro(rate)))
    assert show(done.amount or 0, terms(currency).exponent) == shown


def test_a_tie_goes_as_the_contract_says() -> None:
    # 0.05 × 0.5 = 0.025.
    half = EURO._replace(rate=micro("0.5"))
    assert converted("0.05", half).amount == micro("0.03")
    assert converted("0.05", half, "half_even").amount == micro("0.02")


def test_without_a_rate_there_is_no_amount_and_not_a_rate_of_one() -> None:
    late = converted("900", EURO._replace(on=21))
    assert (late.amount, late.problem, late.fx_rate) == (None, OTHER_CURRENCY, 0)


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


amounts = st.integers(-(10**9), 10**9).map(lambda cents: show(cents * MICRO // 100, 2))


@given(amounts, st.integers(1, 10**9))
def test_a_conversion_can_be_done_again_from_what_it_keeps(amount: str, rate: int) -> None:
    done = converted(amount, EURO._replace(rate=rate))
    again = converted(done.net, EURO._replace(rate=done.fx_rate, on=done.fx_on))
    assert again.amount == done.amount
    minus = amount.removeprefix("-") if amount.startswith("-") else f"-{amount}"
    assert converted(minus, EURO._replace(rate=rate)).amount == -(done.amount or 0)
