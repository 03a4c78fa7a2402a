"""Retainage: a share of every amount is held back and released later.

Sources: domain rule R24; events catalogue, `retainage.released`. What is held is earned, and not ready to be billed.
A release applies to the balance before its day: on one day releases come first, in order of their ids, then that day's
amounts are withheld from. So a share of what is held is never a share of what the same step holds back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from app.domain import calendar
from app.domain.money import MICRO, micro, portion


class Release(NamedTuple):
    """A share of the balance (micro), which counts if both are said, or an amount in micro-units.

    Without a line it is of every line that holds something.
    """

    on: int
    release_id: str
    ratio: int | None
    amount: int | None
    line_id: str | None = None


class Freed(NamedTuple):
    """What one release gives back on a line, in micro-units."""

    line_id: str
    on: int
    amount: int


def release_of(said: Mapping[str, Any]) -> Release:
    """Read the data of `retainage.released`."""
    ratio, amount = said.get("ratio"), said.get("amount")
    return Release(
        on=calendar.number(said["on"]),
        release_id=said["release_id"],
        ratio=micro(ratio) if ratio is not None else None,
        amount=micro(amount) if amount is not None else None,
        line_id=said.get("line_id"),
    )


def withheld(amount: int, ratio: int, exponent: int, *, half_even: bool = False) -> int:
    """The share of one amount that is held back, rounded once. That of a negative amount is negative.

    >>> withheld(15_000_000_000, 200_000, 2)
    3000000000
    """
    return portion(amount, ratio, MICRO, exponent, half_even=half_even)


def kept_of(missing: int, whole: int) -> int:
    """How much of what is missing on an invoice is held back there: at most `whole`, nothing where all was invoiced.

    So an invoice may say what was earned or what is to be paid now. Ten of a hundred are held back:

    >>> kept_of(10, 10), kept_of(30, 10), kept_of(0, 10), kept_of(-5, 10)
    (10, 10, 0, 0)
    """
    return max(0, min(missing, whole)) if whole >= 0 else min(0, max(missing, whole))


def released(
    releases: Iterable[Release],
    held: Callable[[str, int], int],
    lines_of: Callable[[str | None], Iterable[str]],
    exponent: int,
    *,
    half_even: bool = False,
) -> list[Freed]:
    """What was released of each line, in the order in which it was; nobody releases more than is held.

    `held(line, day)` is what was withheld on the line before a day, released or not; `lines_of` says which lines a
    release is of: an amount over several is taken from one after the other.
    """
    done: dict[str, int] = {}
    found = []
    for release in sorted(releases, key=lambda one: (one.on, one.release_id)):
        left = release.amount or 0
        for line in lines_of(release.line_id):
            balance = max(held(line, release.on) - done.get(line, 0), 0)
            if release.ratio is not None:
                part = min(portion(balance, release.ratio, MICRO, exponent, half_even=half_even), balance)
            else:
                part = min(left, balance)
                left -= part
            done[line] = done.get(line, 0) + part
            found.append(Freed(line, release.on, part))
    return found


def by_line(freed: Iterable[Freed]) -> dict[str, int]:
    """What was released of each line in all."""
    total: dict[str, int] = {}
    for one in freed:
        total[one.line_id] = total.get(one.line_id, 0) + one.amount
    return total
