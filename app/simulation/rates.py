"""The price list behind the firm: what vendors really asked for an hour of each role."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

EXPONENTS = {"USD": 2, "EUR": 2, "GBP": 2, "JPY": 0}
"""Decimal places of the currencies the firm sells in (ISO 4217)."""

PER_THOUSAND_USD = {"USD": 1_000, "EUR": 920, "GBP": 790, "JPY": 150_000}
"""The simulator's own fixed exchange rates: what 1,000 US dollars are in each currency."""


@dataclass(frozen=True, slots=True)
class Role:
    """A labour category and its offers in US cents for an hour, cheapest first; `offers` is never empty."""

    name: str
    practice: str
    offers: tuple[int, ...]

    @property
    def list_price(self) -> int:
        """The median offer, in US cents: what the firm asks when nothing else was agreed."""
        return self.offers[len(self.offers) // 2]


@cache
def roles() -> tuple[Role, ...]:
    """Every role of the price list, in the order of the file."""
    offers: dict[tuple[str, str], list[int]] = {}
    text = (resources.files("app.simulation.data") / "labour_rates.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        dollars, cents = row["hourly_usd"].split(".")
        offers.setdefault((row["labour_category"], row["practice"]), []).append(int(dollars) * 100 + int(cents))
    return tuple(Role(name, practice, tuple(prices)) for (name, practice), prices in offers.items())


def in_currency(cents: int, currency: str) -> int:
    """US cents as whole minor units of `currency`, to the nearest unit, half up.

    >>> in_currency(10_000, "EUR"), in_currency(10_000, "JPY")
    (9200, 15000)
    """
    scale = 1_000 if EXPONENTS[currency] else 100_000
    return (2 * cents * PER_THOUSAND_USD[currency] + scale) // (2 * scale)


def decimal(units: int, currency: str) -> str:
    """Whole minor units as the decimal string an event carries.

    >>> decimal(-4505, "EUR"), decimal(15000, "JPY")
    ('-45.05', '15000')
    """
    if not EXPONENTS[currency]:
        return str(units)
    whole, rest = divmod(abs(units), 100)
    return f"{'-' if units < 0 else ''}{whole}.{rest:02d}"


def units(amount: str, currency: str) -> int:
    """A decimal string of a currency as whole minor units.

    >>> units("12.34", "EUR"), units("1500", "JPY")
    (1234, 1500)
    """
    return int(amount.replace(".", "")) if EXPONENTS[currency] else int(amount)


def price(minutes: int, hourly: int, *, discount: str | None = None, half_even: bool = False) -> int:
    """Minutes at an hourly rate less a discount of whole per cents, in minor units.

    Rounded once: half away from zero, or half to even.

    >>> price(5, 20_000), price(-5, 20_000)        # 200.00/h: 16.666… either way
    (1667, -1667)
    >>> price(15, 10_002), price(15, 10_002, half_even=True)   # 2500.5 cents
    (2501, 2500)
    >>> price(60, 10_001, discount="0.05")         # 9500.95 cents
    9501
    """
    per_cent = 100 - int(discount.removeprefix("0.")) if discount else 100
    divisor = 60 * 100
    whole, rest = divmod(abs(minutes) * hourly * per_cent, divisor)
    if 2 * rest > divisor or (2 * rest == divisor and (not half_even or whole % 2)):
        whole += 1
    return whole if minutes >= 0 else -whole
