"""What HTTP needs from the engine. The two hosts implement these protocols; the tests do so in memory.

Answers are dicts that go out as JSON as they are: amounts are decimal strings already, dates are strings.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Protocol

Row = dict[str, Any]


class Unavailable(Exception):  # noqa: N818 - an outcome, named for what is so
    """A port cannot answer now but will: tables are being recovered, or a partition has no owner.

    Its message is a sentence for the reader. `retry_after` is in whole seconds.
    """

    def __init__(self, message: str, retry_after: int = 2) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one posted event: `topic`, `partition`, `offset` say where it is kept, refused or not.

    `code`, `detail` and `pointer` (RFC 6901, into the event) are those of the refusal, null for an accepted one;
    `id` and `source` are null where the event was too broken to tell.
    """

    status: Literal["accepted", "refused"]
    id: str | None = None
    source: str | None = None
    code: str | None = None
    detail: str | None = None
    pointer: str | None = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One derived event on its way out. `position` grows in one deployment's feed; `value` is the whole statement as
    JSON; `topic` is its full name (`headrace.burn`), `type` the name of the server-sent event."""

    position: int
    topic: str
    key: str
    type: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Metric:
    """One family of samples for Prometheus. The name comes without the product's prefix, in base units, and a
    counter's ends in `_total`."""

    name: str
    type: Literal["counter", "gauge"]
    help: str
    samples: Sequence[tuple[Mapping[str, str], int | float]]


class Queries(Protocol):
    """The tables, as of now or as asked. Every call is synchronous and fast; each may raise `Unavailable`.

    None instead of a row means that the contract (or event) was never named. Instants are whole microseconds since
    1970-01-01T00:00:00Z. Lists hold what follows `after` (`""` = from the start), at most `limit` items.
    """

    def meta(self) -> Row:
        """as_of, watermark, stale, partitions_answered, partitions_total, engine_version, state_version."""
        ...

    def overview(self) -> Row: ...

    def contracts(self, after: str, limit: int, status: str | None, client_id: str | None) -> list[Row]:
        """Contracts by `contract_id`, ids > `after`."""
        ...

    def contract(self, contract_id: str) -> Row | None: ...

    def burn(self, contract_id: str, as_of: date | None, known_at: int | None) -> list[Row] | None:
        """The contract's row first (line_id null), then its lines."""
        ...

    def readiness(self, contract_id: str, as_of: date | None, known_at: int | None) -> Row | None: ...

    def readiness_list(self, after: str, limit: int, state: str | None) -> list[Row]:
        """Readiness by `contract_id`, ids > `after`."""
        ...

    def entries(
        self,
        contract_id: str,
        after: str,
        limit: int,
        line_id: str | None,
        status: str | None,
        period: str | None,
        on: date | None,
    ) -> list[Row] | None:
        """Time entries by (work_date, entry_id); each carries its place in that order as `cursor`."""
        ...

    def daily(self, contract_id: str) -> Row | None: ...

    def explain(
        self, contract_id: str, figure: str, line_id: str | None, as_of: date | None, known_at: int | None
    ) -> Row | None:
        """Raises ValueError, with a sentence, for a figure that does not exist."""
        ...

    def event(self, source: str, event_id: str, /) -> Row | None:
        """The event as it came: envelope and data."""
        ...

    def exceptions(self, after: str, limit: int) -> list[Row]:
        """Open exceptions; each carries `cursor`, or is in the order of its `exception_id`."""
        ...

    def dead_letters(self, after: str, limit: int) -> list[Row]:
        """Refused records; each carries `cursor`."""
        ...

    def streams(self) -> Row: ...

    def ready(self) -> tuple[bool, str]:
        """Whether the tables answer for everything they own, and a sentence that says why or why not."""
        ...

    def metrics(self) -> Sequence[Metric]: ...


class Intake(Protocol):
    """The door for posted events."""

    async def accept(self, lines: Sequence[bytes], headers: Sequence[tuple[str, bytes]] = ()) -> Sequence[Receipt]:
        """Validate each event, append it durably, and say what became of it: one receipt a line, in order.

        Without headers the lines are structured CloudEvents; with `ce_*` headers there is one line, and it is the data
        of a binary one. A refused event is kept as a dead letter. Nothing is accepted before it is durable; a failure
        raises, and the sender may send all of it again.
        """
        ...


class Feed(Protocol):
    """The derived events as they are published."""

    def subscribe(self, after: int | None, topics: frozenset[str] | None) -> AsyncIterator[Statement]:
        """Statements of `topics` (full names; None = all) beyond position `after`, then live ones, without end.

        With None for `after` it begins with what is published next. Raises LookupError, at the call or before the
        first statement, when `after` is no longer held or was never reached in this deployment. The iterator is closed
        (`aclose`, where it has one) when the reader leaves.
        """
        ...
