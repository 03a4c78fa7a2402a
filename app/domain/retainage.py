"""Retainage: a share of every amount is held back and released later.

Sources: domain rule R24; events catalogue, `retainage.released`. What is held is earned, and not ready to be billed.
A release applies to the balance before its day: on one day releases come first, in order of their ids, then that day's
amounts are withheld from. So a share of what is held is never a share of what the same step holds back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.domain import calendar
from app.domain.money import MICRO, micro, portion


class Step(NamedTuple):
    """An amount in micro-units on a day number, and the share of it that is withheld (micro: 200_000 is 20 %)."""

    on: int
    amount: int
    ratio: int


class Release(NamedTuple):
    """A share of the balance (micro), which counts if both are said, or an amount in micro-units."""

    on: int
    release_id: str
    ratio: int | None
    amount: int | None


def release_of(said: Mapping[str, Any]) -> Release:
    """Read the data of `retainage.released`."""
    ratio, amount = said.get("ratio"), said.get("amount")
    return Release(
        on=calendar.number(said["on"]),
        release_id=said["release_id"],
        ratio=micro(ratio) if ratio is not None else None,
        amount=micro(amount) if amount is not None else None,
    )


@dataclass(frozen=True, slots=True)
class Movement:
    """One day: what was withheld, released and is held after it; micro-units.

    `beyond` is what releases asked for and nobody held: a release never makes the balance negative.
    """

    on: int
    amount: int
    withheld: int
    released: int
    balance: int
    beyond: int

    @property
    def billable(self) -> int:
        """What of the day can be billed."""
        return self.amount - self.withheld + self.released


def withheld(amount: int, ratio: int, exponent: int, *, half_even: bool = False) -> int:
    """The share of one amount that is held back, rounded once. That of a negative amount is negative."""
    return portion(amount, ratio, MICRO, exponent, half_even=half_even)


def movements(
    steps: Iterable[Step], releases: Iterable[Release], exponent: int, *, half_even: bool = False
) -> Iterator[Movement]:
    """Every day on which something moved, in order; the order in which `steps` and `releases` come does not matter.

    Nothing is lost: the sum of what is billable and the last balance are the sum of the amounts.
    """
    amounts: dict[int, list[Step]] = {}
    for step in steps:
        amounts.setdefault(step.on, []).append(step)
    asked: dict[int, list[Release]] = {}
    for release in sorted(releases, key=lambda one: (one.on, one.release_id)):
        asked.setdefault(release.on, []).append(release)
    balance = 0
    for day in sorted({*amounts, *asked}):
        released, beyond = _released(asked.get(day, ()), balance, exponent, half_even)
        held = sum(withheld(step.amount, step.ratio, exponent, half_even=half_even) for step in amounts.get(day, ()))
        balance += held - released
        yield Movement(day, sum(step.amount for step in amounts.get(day, ())), held, released, balance, beyond)


def _released(releases: Iterable[Release], balance: int, exponent: int, half_even: bool) -> tuple[int, int]:
    """(released, beyond) of one day's releases, each from what those before it left."""
    released = beyond = 0
    for release in releases:
        left = max(balance - released, 0)
        if release.ratio is not None:
            released += portion(left, release.ratio, MICRO, exponent, half_even=half_even)
        elif release.amount is not None:
            released += min(release.amount, left)
            beyond += max(release.amount - left, 0)
    return released, beyond
