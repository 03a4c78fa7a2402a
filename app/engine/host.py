"""What answers need of a host: the slices it holds, who holds the others, and how far it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from agents.effects import Effects
from app.domain.utilization import Window
from tables import Store

Place = tuple[str, int]
"""(topic without the product's prefix, partition)."""

PREFIX = "headrace."
"""What answers and statements put before a topic's name, whatever the brokers call it."""

RETRY_SECONDS = 2


class Unavailable(Exception):  # noqa: N818 - an outcome, named for what is so
    """There is no answer now but there will be: tables are being recovered, or a partition has no owner.

    Its message is a sentence for the reader. `retry_after` is in whole seconds.
    """

    def __init__(self, message: str, retry_after: int = RETRY_SECONDS) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Host(Protocol):
    """One worker. A *slice* is one partition of everything: inputs, journals, tables."""

    @property
    def partitions(self) -> int:
        """How many slices there are, here and elsewhere."""
        ...

    @property
    def tables(self) -> Mapping[int, Store]:
        """The slices that are held here, complete, and ours to answer for at this moment.

        What they show is what the last *delivered* batch left, also while agents change values of the next one: the
        objects they hand out are not those that agents change. A slice that went away and came back is another object.
        """
        ...

    @property
    def window(self) -> Window:
        """Which weeks of people and groups are kept up to date."""
        ...

    @property
    def owners(self) -> Mapping[int, str]:
        """Address (`http://host:port`) of the worker that has each slice, as far as it is known."""
        ...

    @property
    def address(self) -> str:
        """This worker's own address, as others know it."""
        ...

    @property
    def listeners(self) -> list[Callable[[Effects], None]]:
        """Called with the effects of each batch, in the turn of the event loop in which its writes become visible."""
        ...

    @property
    def processed(self) -> int:
        """Input records acknowledged since the start."""
        ...

    @property
    def stated(self) -> int:
        """Statements delivered since the start."""
        ...

    def lag(self) -> Mapping[Place, tuple[int, int]]:
        """(position, end) of every topic that agents read here: what lies between is not acknowledged yet."""
        ...

    @property
    def stale(self) -> bool:
        """Whether anything waits that is not in `tables` yet, or nobody can say."""
        ...

    def written(self) -> Mapping[Place, int]:
        """Ends of the topics that are only written to, as far as this worker knows them."""
        ...

    def about(self) -> Mapping[str, Any]:
        """What it is: one row of `hosts` in `/v1/streams`."""
        ...

    def ready(self) -> tuple[bool, str]:
        """Whether everything that is ours is complete and moves on, and a sentence that says why or why not."""
        ...


class Letters(Protocol):
    """The records that were refused. They stand in topics that any worker can read."""

    async def read(self, after: str, limit: int) -> Sequence[dict[str, Any]]:
        """Rows of `shapes.dead_letter` that follow the place `after` (`""` = from the start), at most `limit`.

        Raises Unavailable.
        """
        ...
