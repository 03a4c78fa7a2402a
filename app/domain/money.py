"""Money as whole micro-units (10⁻⁶ of the currency), exact in `int`; text only at the edges."""

from __future__ import annotations

from fractions import Fraction

MICRO = 1_000_000
_UNITS: tuple[int, ...] = tuple(10 ** (6 - exponent) for exponent in range(5))
_ZEROS: tuple[str, ...] = ("0", "0.0", "0.00", "0.000", "0.0000")


def micro(text: str) -> int:
    """Read a decimal of at most six places.

    >>> micro("112.335"), micro("-0.5"), micro("3")
    (112335000, -500000, 3000000)
    """
    whole, _, fraction = text.partition(".")
    units = int(whole) * MICRO
    if not fraction:
        return units
    part = int(fraction.ljust(6, "0"))
    return units - part if whole.startswith("-") else units + part


def divide(dividend: int, divisor: int, *, half_even: bool = False) -> int:
    """Divide and round once: ties away from zero, or to the even neighbour. `divisor` > 0.

    >>> divide(5, 2), divide(-5, 2), divide(5, 2, half_even=True)
    (3, -3, 2)
    """
    quotient, rest = divmod(abs(dividend), divisor)
    twice = 2 * rest
    if twice > divisor or (twice == divisor and (not half_even or quotient % 2 == 1)):
        quotient += 1
    return quotient if dividend >= 0 else -quotient


def round_to(units: int, exponent: int, *, half_even: bool = False) -> int:
    """Round micro-units to the currency's exponent (ISO 4217); micro-units out."""
    step: int = _UNITS[exponent]
    return divide(units, step, half_even=half_even) * step


def portion(units: int, part: int, whole: int, exponent: int, *, half_even: bool = False) -> int:
    """`units × part ÷ whole`, rounded once to the currency's exponent; micro-units in and out, `whole` > 0.

    17 of the 31 days that a monthly fee of 8,000.00 is for:

    >>> show(portion(micro("8000"), 17, 31, 2), 2)
    '4387.10'
    """
    step: int = _UNITS[exponent]
    return divide(units * part, whole * step, half_even=half_even) * step


def show(units: int, exponent: int) -> str:
    """Write micro-units with exactly the currency's decimals.

    >>> show(1_350_000_000, 2), show(-5_000, 2), show(16_666_667, 0)
    ('1350.00', '-0.01', '17')
    """
    if not units:
        return _ZEROS[exponent]
    minor, rest = divmod(units, _UNITS[exponent])
    if rest:
        minor = divide(units, _UNITS[exponent])
    if exponent == 0:
        return str(minor)
    text = str(minor)
    if minor < 0 or len(text) <= exponent:
        text = f"{minor:0{exponent + (2 if minor < 0 else 1)}d}"
    return f"{text[:-exponent]}.{text[-exponent:]}"


def decimal(units: int) -> str:
    """Micro-units with as many decimals as they need, two at least.

    >>> decimal(180_000_000), decimal(112_335_000)
    ('180.00', '112.335')
    """
    whole, part = divmod(abs(units), 1_000_000)
    return f"{'-' if units < 0 else ''}{whole}.{f'{part:06d}'.rstrip('0').ljust(2, '0')}"


def show_ratio(part: int, whole: int) -> str:
    """`part ÷ whole` with four places, ties away from zero; `whole` > 0.

    >>> show_ratio(625, 1000), show_ratio(-1, 3)
    ('0.6250', '-0.3333')
    """
    ratio = divide(part * 10_000, whole)
    sign = "-" if ratio < 0 else ""
    return f"{sign}{abs(ratio) // 10_000}.{abs(ratio) % 10_000:04d}"


def show_quarter(total: int) -> str:
    """`total ÷ 4` exactly, in its shortest form: what 28 days of minutes come to per week.

    >>> show_quarter(9600), show_quarter(10), show_quarter(-1)
    ('2400', '2.5', '-0.25')
    """
    sign = "-" if total < 0 else ""
    return f"{sign}{abs(total) // 4}{('', '.25', '.5', '.75')[abs(total) % 4]}"


def show_hundredths(minutes: Fraction) -> str:
    """Minutes with at most two places, ties away from zero, no trailing zeros.

    >>> show_hundredths(Fraction(1000, 3)), show_hundredths(Fraction(480)), show_hundredths(Fraction(1, 2))
    ('333.33', '480', '0.5')
    """
    text = show(divide(minutes.numerator * 100, minutes.denominator) * 10_000, 2)
    return text.rstrip("0").rstrip(".")
