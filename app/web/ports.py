"""What HTTP needs from the engine. The two hosts implement these protocols; the tests do so in memory.

Answers are dicts that go out as JSON as they are: amounts are decimal strings already, dates are strings.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Protocol, TypeVar

from app.engine.desk import Rejected
from app.engine.feed import Heard as Statement
from app.engine.host import Unavailable
from app.engine.roster import Span
from app.engine.scenarios import Impossible

__all__ = [
    "Desk",
    "Feed",
    "Impossible",
    "Intake",
    "Metric",
    "Queries",
    "Receipt",
    "Rejected",
    "Row",
    "Said",
    "Scenarios",
    "Span",
    "Statement",
    "Unavailable",
]

Row = dict[str, Any]
T = TypeVar("T")
Said = tuple[T, Row]
"""An answer, and what every table answer says: as_of, watermark, stale, partitions_answered, partitions_total,
engine_version, state_version. Both are of the same moment."""


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
class Metric:
    """One family of samples for Prometheus. The name comes without the product's prefix, in base units, and a
    counter's ends in `_total`."""

    name: str
    type: Literal["counter", "gauge"]
    help: str
    samples: Sequence[tuple[Mapping[str, str], int | float]]


class Queries(Protocol):
    """The tables, as of now or as asked, wherever they are held. Every call but `ready` and `metrics` may raise
    `Unavailable`.

    None instead of a row means that the contract (or event) was never named. Instants are whole microseconds since
    1970-01-01T00:00:00Z. Lists hold what follows `after` (`""` = from the start), at most `limit` items; where
    `partitions_answered` is less than `partitions_total`, rows of the others are missing. What is about one contract is
    never partial.
    """

    async def overview(self) -> Said[Row]: ...

    async def contracts(self, after: str, limit: int, status: str | None, client_id: str | None) -> Said[list[Row]]:
        """Contracts by `contract_id`, ids > `after`."""
        ...

    async def contract(self, contract_id: str) -> Said[Row | None]: ...

    async def burn(self, contract_id: str, as_of: date | None, known_at: int | None) -> Said[list[Row] | None]:
        """The contract's row first (line_id null), then its lines."""
        ...

    async def readiness(self, contract_id: str, as_of: date | None, known_at: int | None) -> Said[Row | None]: ...

    async def forecast(self, contract_id: str, as_of: date | None, known_at: int | None) -> Said[Row | None]: ...

    async def revenue(self, contract_id: str, as_of: date | None, known_at: int | None) -> Said[list[Row] | None]:
        """What the contract's lines have earned, by line and period, where that is anything."""
        ...

    async def readiness_list(self, after: str, limit: int, state: str | None) -> Said[list[Row]]:
        """Readiness by `contract_id`, ids > `after`."""
        ...

    async def documents(self, contract_id: str, as_of: date | None, known_at: int | None) -> Said[list[Row] | None]:
        """The contract's live documents by key."""
        ...

    async def documents_list(
        self, after: str, limit: int, kind: str | None, contract_id: str | None
    ) -> Said[list[Row]]:
        """Live documents by contract and key; each carries its place in that order as `cursor`."""
        ...

    async def document(self, document_key: str) -> Said[Row | None]: ...

    async def unlocks(
        self,
        after: str,
        limit: int,
        owner: str | None,
        currency: str | None,
        code: str | None,
        contract_id: str | None,
    ) -> Said[Row]:
        """`items`: fixes by currency, within one the most cash first, each with its `cursor`. `owners`: what waits for
        each in all, whatever the page."""
        ...

    async def entries(
        self,
        contract_id: str,
        after: str,
        limit: int,
        line_id: str | None,
        status: str | None,
        period: str | None,
        on: date | None,
    ) -> Said[list[Row] | None]:
        """Time entries by (work_date, entry_id); each carries its place in that order as `cursor`."""
        ...

    async def daily(self, contract_id: str) -> Said[Row | None]: ...

    async def explain(
        self, contract_id: str, figure: str, line_id: str | None, as_of: date | None, known_at: int | None
    ) -> Said[Row | None]:
        """Raises ValueError, with a sentence, for a figure that does not exist."""
        ...

    async def people(
        self,
        after: str,
        limit: int,
        span: Span,
        as_of: date | None,
        known_at: int | None,
        role: str | None,
        practice: str | None,
    ) -> Said[list[Row]]:
        """People by `resource_id`, ids > `after`, each with its place on as-of and its `weeks`."""
        ...

    async def alerts(
        self,
        after: str,
        limit: int,
        as_of: date | None,
        known_at: int | None,
        kind: str | None,
        role: str | None,
        practice: str | None,
    ) -> Said[list[Row]]:
        """Who will soon be on the bench or rolls off (`kind`: only one of them), by `resource_id`, ids > `after`."""
        ...

    async def person(
        self, resource_id: str, span: Span, as_of: date | None, known_at: int | None
    ) -> Said[Row | None]: ...

    async def cell(self, resource_id: str, monday: int, as_of: date | None, known_at: int | None) -> Said[Row | None]:
        """One week of a person, with its days, bookings, leave and entries."""
        ...

    async def groups(
        self, kind: str, after: str, limit: int, span: Span, as_of: date | None, known_at: int | None
    ) -> Said[list[Row]]:
        """Roles, practices, regions, or the firm, by id, ids > `after`, each with its `weeks`."""
        ...

    async def group(
        self, kind: str, group_id: str, span: Span, as_of: date | None, known_at: int | None
    ) -> Said[Row | None]: ...

    async def demand(
        self,
        after: str,
        limit: int,
        span: Span,
        as_of: date | None,
        known_at: int | None,
        role: str | None,
        practice: str | None,
    ) -> Said[list[Row]]:
        """What is asked for of a role in a practice, or of a role in any, with what is free; each carries `cursor`."""
        ...

    async def accuracy(
        self,
        kind: str,
        after: str,
        limit: int,
        span: Span,
        as_of: date | None,
        known_at: int | None,
        group_id: str | None,
        ahead: int | None,
    ) -> Said[list[Row]]:
        """Groups by id, ids > `after`, each with its `weeks`, and the `record` of those that are over."""
        ...

    async def event(self, source: str, event_id: str, /) -> Row | None:
        """The event as it came: envelope and data."""
        ...

    async def reconciliation(
        self, after: str, limit: int, system: str | None, cause: str | None, contract_id: str | None
    ) -> Said[Row]:
        """`items`: differences from the extracts that are kept, by contract, each with its `cursor`; beside them what
        was compared, how many differences each cause has, and what did not come back, whatever the page."""
        ...

    async def promises(self) -> Said[list[Row]]:
        """Business SLAs: one row for each."""
        ...

    async def shadow(self) -> Said[Row]:
        """How ERPs in shadow mode answer: `targets` with counts, `items` that differ."""
        ...

    async def gate(self) -> Said[list[Row]]:
        """The gate to ERP: one row for each target and legal entity of which anything is to be told."""
        ...

    async def dead_letters(self, after: str, limit: int) -> Said[list[Row]]:
        """Refused records; each carries `cursor`."""
        ...

    async def streams(self) -> Said[Row]: ...

    async def answer(self, question: bytes) -> bytes:
        """What another worker asks of this one's share of the tables, as JSON; nobody else is asked for it.

        Raises ValueError, with a sentence, for what is no question.
        """
        ...

    def ready(self) -> tuple[bool, str]:
        """Whether the tables answer for everything this worker owns, and a sentence that says why or why not."""
        ...

    def metrics(self) -> Sequence[Metric]:
        """Of this worker alone."""
        ...


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

    async def subscribe(self, after: str | None, topics: frozenset[str] | None) -> AsyncIterator[Statement]:
        """Statements of `topics` (full names; None = all) beyond the position `after`, then live ones, without end.

        With None for `after` it begins with what is published after this call has returned. Raises LookupError when
        `after` is no longer held, was never reached in this deployment, or is no position at all, and Unavailable.
        The iterator is closed (`aclose`, where it has one) when the reader leaves.
        """
        ...


class Desk(Protocol):
    """What somebody should act on, and what is done about it. Calls may raise `Unavailable`.

    `wanted` names the values that fields must have; `status` None means what is not resolved, "all" everything.
    """

    async def rows(self, wanted: Mapping[str, str | None] | None = None) -> Said[list[Row]]:
        """Exceptions with their cases, the most urgent first."""
        ...

    async def groups(self, wanted: Mapping[str, str | None] | None = None) -> Said[list[Row]]:
        """The same by fingerprint, the largest group first."""
        ...

    async def one(self, exception_id: str) -> Said[Row | None]: ...

    async def act(self, exception_id: str, action: str, by: str, said: Mapping[str, Any]) -> Row | None:
        """Do one thing about one exception. Raises `Rejected`, and then nothing was done."""
        ...

    async def act_on_all(self, fingerprint: str, action: str, by: str, said: Mapping[str, Any]) -> list[Row]:
        """The same about every unresolved exception of a group; each says what became of it."""
        ...


class Scenarios(Protocol):
    """Figures with events that nobody published. Calls may raise `Unavailable`."""

    async def work_out(
        self,
        lines: Sequence[bytes],
        headers: Sequence[tuple[str, bytes]],
        contract_id: str | None,
        as_of: date | None,
        known_at: int | None,
    ) -> Said[Row]:
        """What the events would change; lines and headers are those that `Intake.accept` takes. Raises `Impossible`,
        with a sentence, for what cannot be worked out."""
        ...
