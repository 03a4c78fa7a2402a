"""Stepping an agent: one batch in, its effects out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

from agents.effects import Batch, Effects

T = TypeVar("T")

Agent = Callable[[AsyncIterator[Batch]], AsyncIterator[Effects]]


class Runner:
    """Drives one agent over one partition. An agent that raised is finished: the host stops without acknowledging."""

    def __init__(self, agent: Agent) -> None:
        self._pending: Batch | None = None
        self._effects = agent(self._batches())

    async def _batches(self) -> AsyncIterator[Batch]:
        while self._pending is not None:
            batch, self._pending = self._pending, None
            yield batch

    async def step(self, batch: Batch) -> Effects:
        self._pending = batch
        return await anext(self._effects)


def finish(steps: Coroutine[Any, Any, T]) -> T:
    """Run what never waits, outside of any event loop: agents over tables in memory."""
    try:
        steps.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    steps.close()
    raise RuntimeError("an agent waited for something; agents only compute")
