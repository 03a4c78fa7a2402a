"""Where a history takes its decisions from: a seed, or a property test that can shrink them one by one.

In every list of options the plainest comes first, because that is where shrinking leads.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Protocol, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Choices(Protocol):
    """Decisions, one at a time."""

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

    def __init__(self, rng: Random) -> None:
        self._rng = rng

    def one(self, options: Sequence[T]) -> T:
        return self._rng.choice(options)

    def between(self, low: int, high: int) -> int:
        return self._rng.randint(low, high)

    def chance(self, percent: int) -> bool:
        return self._rng.randrange(100) < percent


class Drawn:
    """Decisions of a property test; `no` and the first option are what they shrink to."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def one(self, options: Sequence[T]) -> T:
        return self._draw(st.sampled_from(options))

    def between(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))

    def chance(self, percent: int) -> bool:
        return self._draw(st.integers(0, 99)) >= 100 - percent
