"""Instants and dates, by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.currency import EXPONENTS
from app.events.instant import civil_date, micros


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:01z", 1_000_000),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1969-12-31T19:30:00-04:30", 0),
        ("1970-01-01T00:00:00-00:00", 0),
        ("1970-01-01T00:00:00.1Z", 100_000),
        ("1970-01-01T00:00:00.1234569Z", 123_456),
        ("1970-01-01T00:00:00.1234569+00:01", 123_456 - 60_000_000),
        # A leap second is the second after it: 1990-12-31T23:59:60Z counts as 1991-01-01T00:00:00Z.
        ("1970-01-01T23:59:60Z", 86_400_000_000),
    ],
)
def test_an_instant_is_microseconds_since_the_epoch(text: str, expected: int) -> None:
    assert micros(text) == expected
    assert micros(text) == expected, "remembered"


@pytest.mark.parametrize(
    "text",
    ["", "1970-01-01", "1970-01-01T00:00:00", "1970-01-01 00:00:00Z", "1970-01-01T00:00Z", "1970-01-01T00:00:00.Z",
     "1970-01-01T00:00:00+0100", "1970-01-01T00:60:00Z", "1970-01-01T00:00:61Z", "1970-01-01T00:00:00+24:00",
     "1970-00-01T00:00:00Z", "0000-01-01T00:00:00Z", "1970-01-01T00:00:00.²Z", "١٩٧٠-01-01T00:00:00Z"],
)  # fmt: skip
def test_anything_else_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError):
        micros(text)


@given(st.datetimes(timezones=st.sampled_from([UTC])), st.integers(-1439, 1439))
@settings(deadline=None)
def test_an_offset_moves_the_clock_and_not_the_instant(moment: datetime, offset: int) -> None:
    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    local = moment.replace(tzinfo=None)
    sign = "+" if offset >= 0 else "-"
    text = f"{local.isoformat()}{sign}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"
    assert micros(text) == expected - offset * 60_000_000


def test_a_date_is_a_real_day_of_three_centuries() -> None:
    assert civil_date("2024-02-29") == date(2024, 2, 29)
    assert (civil_date("1900-01-01"), civil_date("2200-12-31")) == (date(1900, 1, 1), date(2200, 12, 31))
    for text in (
        "2023-02-29",
        "1899-12-31",
        "2201-01-01",
        "2024-2-29",
        "20240229",
        "2024-W09-4",
        "2024-02-29 ",
        "٢٠٢٤-02-29",
    ):
        with pytest.raises(ValueError):
            civil_date(text)


def test_currencies_have_the_decimals_of_iso_4217() -> None:
    assert [EXPONENTS[code] for code in ("JPY", "EUR", "USD", "KWD", "CLF", "ISK")] == [0, 2, 2, 3, 4, 0]
    assert not {"XXX", "XAU", "XDR", "XTS"} & EXPONENTS.keys()
    assert all(len(code) == 3 and code.isupper() for code in EXPONENTS)
