"""Instants and dates as text: RFC 3339 to integer microseconds, ISO 8601 calendar dates to `date`.

Events of one firm name few days, so a day is remembered, as microseconds since the epoch; minutes of a day and seconds
of a minute are few enough to know all of them.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2200

_DAY_MICROS: Final = 86_400_000_000
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_DATE: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_CLOCK: Final = re.compile(r"[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))")
_REMEMBERED: Final = 200_000

_dates: dict[str, date] = {}
_midnights: dict[str, int] = {}
_MINUTES: Final = {f"T{n // 60:02d}:{n % 60:02d}": n * 60_000_000 for n in range(1_440)}
_SECONDS: Final = {f":{n:02d}": n * 1_000_000 for n in range(60)}
_SECONDS_UTC: Final = {f"{text}Z": second for text, second in _SECONDS.items()}


def civil_date(text: str) -> date:
    """A real day `YYYY-MM-DD` of the years 1900 to 2200; `ValueError` for anything else.

    >>> civil_date("2024-02-29")
    datetime.date(2024, 2, 29)
    """
    known = _dates.get(text)
    if known is not None:
        return known
    day = _calendar_day(text)
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"the year is outside {FIRST_YEAR} to {LAST_YEAR}")
    _dates[text] = day  # bounded by the days of three centuries
    return day


def micros(text: str) -> int:
    """RFC 3339 with `Z` or an offset, as microseconds since 1970-01-01T00:00:00Z; `ValueError` for anything else.

    Digits beyond the sixth decimal are cut off, never rounded: an instant is not moved forward. A leap second
    (`:60`) is the second after it, as POSIX counts.

    >>> micros("1970-01-02T00:00:00.0000019Z"), micros("1970-01-01T01:00:00+01:00")
    (86400000001, 0)
    """
    fraction = text[20:-1]
    try:
        midnight, minute = _midnights[text[:10]], _MINUTES[text[10:16]]
        if not fraction:
            return midnight + minute + _SECONDS_UTC[text[16:]]
        if text[19] == "." and text[-1] == "Z" and fraction.isascii() and fraction.isdigit():
            return midnight + minute + _SECONDS[text[16:19]] + int(fraction[:6].ljust(6, "0"))
    except KeyError:
        pass
    return _midnight(text[:10]) + _clock(text[10:])


def _calendar_day(text: str) -> date:
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError("not of the form YYYY-MM-DD")
    return date(int(found[1]), int(found[2]), int(found[3]))


def _midnight(text: str) -> int:
    known = _midnights.get(text)
    if known is None:
        known = (_calendar_day(text).toordinal() - _EPOCH_ORDINAL) * _DAY_MICROS
        if len(_midnights) >= _REMEMBERED:
            _midnights.clear()
        _midnights[text] = known
    return known


def _clock(text: str) -> int:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise ValueError("not of the form YYYY-MM-DDThh:mm:ss[.ffffff] followed by Z or an offset such as +01:00")
    hour, minute, second = int(found[1]), int(found[2]), int(found[3])
    offset_hours, offset_minutes = int(found[6] or 0), int(found[7] or 0)
    if hour > 23 or minute > 59 or second > 60 or offset_hours > 23 or offset_minutes > 59:
        raise ValueError("no clock shows this time")
    offset = (offset_hours * 60 + offset_minutes) * (-60 if found[5] == "-" else 60)
    whole = (hour * 3600 + minute * 60 + second - offset) * 1_000_000
    return whole + int((found[4] or "")[:6].ljust(6, "0"))
