"""How many decimals each currency has: ISO 4217, list one."""

from __future__ import annotations

import pytest

from app.domain.currency import EXPONENTS, WITHDRAWN


@pytest.mark.parametrize(
    ("exponent", "currencies"),
    [
        (0, ("JPY", "KRW", "CLP", "VND", "XOF")),
        (2, ("EUR", "USD", "GBP", "CHF", "MGA", "MRU")),  # fifths in Madagascar and Mauritania are written with two
        (3, ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")),
        (4, ("CLF", "UYW")),
    ],
)
def test_a_currency_has_the_decimals_of_the_standard(exponent: int, currencies: tuple[str, ...]) -> None:
    assert {EXPONENTS[one] for one in currencies} == {exponent}


def test_a_withdrawn_currency_is_still_read_with_its_two_decimals() -> None:
    assert {EXPONENTS[one] for one in WITHDRAWN} == {2}


def test_what_is_no_money_is_no_currency() -> None:
    """Gold, special drawing rights, a test, nothing."""
    assert {"XAU", "XDR", "XTS", "XXX"}.isdisjoint(EXPONENTS)
