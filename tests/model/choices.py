"""Where a history takes its decisions from: a seed, or a property test that can shrink them one by one.

In every list of options the plainest comes first, because that is where shrinking leads.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Protocol, TypeVar

from hypothesis import strategies as st

from .features import NONE

T = TypeVar("T")


class Choices(Protocol):
    """Decisions, one at a time, within the features a history may use."""

    features: frozenset[str]

    def one(self, options: Sequence[T]) -> T:
        """One of `options`, which must not be empty."""
        ...

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        ...

    def chance(self, percent: int) -> bool:
        """True about `percent` times in a hundred."""
        ...


class Seeded:
    """Decisions that a seed determines: the same seed, the same history."""

    def __init__(self, rng: Random, features: frozenset[str] = NONE) -> None:
        self.features = features
        self._rng = rng

    def one(self, options: Sequence[T]) -> T:
        return self._rng.choice(options)

    def between(self, low: int, high: int) -> int:
        return self._rng.randint(low, high)

    def chance(self, percent: int) -> bool:
        return self._rng.randrange(100) < percent


class Drawn:
    """Decisions of a property test; `no` and the first option are what they shrink to."""

    def __init__(self, draw: st.DrawFn, features: frozenset[str] = NONE) -> None:
        self.features = features
        self._draw = draw

    def one(self, options: Sequence[T]) -> T:
        return self._draw(st.sampled_from(options))

    def between(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))

    def chance(self, percent: int) -> bool:
        return self._draw(st.integers(0, 99)) >= 100 - percent


def may(choices: Choices, feature: str, percent: int) -> bool:
    """True about `percent` times in a hundred if the feature is on. While it is off nothing is decided at all."""
    return feature in choices.features and choices.chance(percent)
