"""Exact numbers: fractions inside, decimal strings outside.

Everything the model calculates is a `Fraction`, so nothing is lost before the one rounding a rule asks for.
"""

from __future__ import annotations

from fractions import Fraction

# ISO 4217: how many decimals a currency is published with. What is not listed has two.
_EXPONENTS = {"BHD": 3, "CLP": 0, "ISK": 0, "JOD": 3, "JPY": 0, "KRW": 0, "KWD": 3, "OMR": 3, "TND": 3, "VND": 0}


def exponent(currency: str | None) -> int:
    """Decimals of `currency`; two when the currency is not known."""
    return _EXPONENTS.get(currency or "", 2)


def number(value: str | int | Fraction | None) -> Fraction:
    """The exact value of a decimal string or an integer; nothing is 0."""
    return Fraction(0) if value is None else Fraction(value)


def half_away(value: Fraction, places: int) -> Fraction:
    """`value` at `places` decimals, an exact half going away from zero.

    >>> half_away(Fraction("-0.125"), 2)
    Fraction(-13, 100)
    """
    units = (abs(value) * 10**places * 2 + 1) // 2
    return Fraction(units if value >= 0 else -units, 10**places)


def half_even(value: Fraction, places: int) -> Fraction:
    """`value` at `places` decimals, an exact half going to the even neighbour.

    >>> half_even(Fraction("0.125"), 2)
    Fraction(3, 25)
    """
    return Fraction(round(value * 10**places), 10**places)


def fixed(value: Fraction, places: int) -> str:
    """`value` with exactly `places` decimals; zero carries no sign.

    >>> fixed(Fraction(-1, 2), 2), fixed(Fraction(-1, 1000), 2), fixed(Fraction(7), 0)
    ('-0.50', '0.00', '7')
    """
    units = int(half_away(value, places) * 10**places)
    digits = str(abs(units)).rjust(places + 1, "0")
    text = digits if places == 0 else f"{digits[:-places]}.{digits[-places:]}"
    return f"-{text}" if units < 0 else text


def shortest(value: Fraction, places: int) -> str:
    """`value` with at most `places` decimals and no trailing zeros.

    >>> shortest(Fraction(150), 2), shortest(Fraction(75, 2), 2)
    ('150', '37.5')
    """
    text = fixed(value, places)
    return text.rstrip("0").rstrip(".") if "." in text else text
