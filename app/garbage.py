"""Garbage collection: put off while a replay folds, left out where it ends, seldom while a worker lives."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_THRESHOLDS: Final = (200_000, 10, 20)


@contextmanager
def uncollected() -> Iterator[None]:
    """Stored values hold no cycles, and there are millions of them: collecting would only walk them again and again."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def left_behind() -> None:
    """The process ends soon, and what it holds with it: nobody need look at millions of values once more, or free them
    one by one."""
    gc.freeze()


def seldom() -> None:
    """What stands now is never looked at again, and what comes is looked at in larger lots.

    A batch makes many containers that live until it is delivered and die without a collector; at Python's own
    thresholds looking at them takes an eighth of a worker's time. What does form cycles, as exceptions and requests do,
    waits for as many objects as a batch or two makes.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
