"""Seeded chance that is the same on every machine.

Everything is built on `random.Random.random()`, the one method whose sequence Python promises to keep for a seed. A
generator is seeded by a string, so every concern has dice of its own: more of one never shifts another.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Chance for one concern of one seed.

    >>> Dice(7, "people").between(1, 6) == Dice(7, "people").between(1, 6)
    True
    """

    __slots__ = ("random",)

    def __init__(self, seed: int, concern: str) -> None:
        self.random = random.Random(f"{seed}/{concern}").random

    def chance(self, ratio: float) -> bool:
        """True in `ratio` of the calls: never at 0, always at 1."""
        return self.random() < ratio

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.random() * (high - low + 1))

    def one_of(self, choices: Sequence[T]) -> T:
        """One of `choices`, each as likely as the next."""
        return choices[int(self.random() * len(choices))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in a new order, every order as likely as the next."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = int(self.random() * (last + 1))
            order[last], order[other] = order[other], order[last]
        return order
