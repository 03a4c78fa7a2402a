"""What people are booked for on a contract, day by day, and what it comes to in hours and money."""

from __future__ import annotations

import msgspec


class Run(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """A stretch of days, both ends inclusive, with the same net minutes planned on each of some weekdays.

    `weekdays` has a bit for each, Monday 1, Tuesday 2 … Sunday 64; on such a day `minutes` ÷ `per` are planned,
    exactly: 2,400 minutes in a week of five days are 480 ÷ 1, 1,000 in a week of three 1000 ÷ 3.
    """

    first: int
    last: int
    weekdays: int
    minutes: int
    per: int = 1
