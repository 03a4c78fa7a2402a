"""The embedded host: one process, one SQLite file.

The effects of a batch and its position commit in one transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from time import monotonic
from types import TracebackType
from typing import Self

from agents.effects import (
    DEAD_LETTERS,
    DOCUMENTS,
    INPUTS,
    JOURNALS,
    Batch,
    DeadLetter,
    Effects,
    Statement,
)
from agents.intake import intake
from app.domain.gate import OPEN, Rules
from app.domain.sla import NO_TARGETS
from app.domain.utilization import WINDOW, Window
from app.engine.feed import Feed, Published
from app.engine.placement import Taken, likely_topic, placed
from app.engine.runner import Runner
from app.engine.statements import dead_letter_headers, encode
from app.engine.store import Letter, Store, Tables
from app.engine.topology import STATING, WORKED_OFF, addressed, partition_of, readers
from app.events.posting import Moment
from app.events.reader import Accepted, Reader
from app.events.refusal import Refusal
from tables import Store as TableStore

STATEMENTS = "statements"  # the one log of everything derived; topics are told apart within
KEPT_STATEMENTS = 200_000
PUBLISH_SECONDS = 0.5
"""While records keep coming, a contract is stated this often at most; as soon as there are none, at once."""

STATED = 2_000
"""Contracts, or weeks of people, stated in one transaction, at most."""


class EmbeddedHost:
    """Runs every agent over one store. Not safe for two tasks at once: `work` and `take` share one transaction scope.

    `now` gives the moment of acceptance in microseconds, or None where the events bring their own (`recordedtime`),
    as a simulated firm's do. `clock` gives the moment that documents at the gate wait for; without one, `hand_in` does.
    Whatever fails stops the host: the transaction is undone, the batch was not acknowledged,
    and a new start begins where it was.
    """

    def __init__(
        self,
        store: Store,
        now: Callable[[], int | None],
        *,
        reader: Reader | None = None,
        batch_size: int = 2_000,
        window: Window = WINDOW,
        rules: Rules = OPEN,
        targets: Mapping[str, int] = NO_TARGETS,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self._clock = clock
        self.store, self._now, self._batch_size, self.window = store, now, batch_size, window
        self._reader = reader or Reader()
        self.tables: dict[int, Tables] = {p: store.tables(p) for p in range(store.partitions)}
        self._intakes = {(topic, p): self._intake(p) for topic in INPUTS for p in range(store.partitions)}
        self._agents = {
            (topic, p): make(self.tables[p])
            for topic, make in readers(window, rules, targets).items()
            for p in range(store.partitions)
        }
        self._positions = {place: store.position(*place) for place in (*self._intakes, *self._agents)}
        self.feed = Feed(store)
        self.listeners: list[Callable[[Effects], None]] = []
        self.processed = 0
        self.stated = 0
        stating = [(topic, p) for topic in STATING for p in range(store.partitions)]
        self._published = dict.fromkeys(stating, monotonic())
        # Agents whose last batches were not stated yet; at the start nobody knows, so all of them.
        self._owing = {place for place in stating if self._positions[place]}
        self._wake = asyncio.Event()
        self.dues: dict[int, int] = {}  # partition → the moment that its documents wait for

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.store.close()

    def _intake(self, partition: int) -> Runner:
        tables: TableStore = self.tables[partition]
        return Runner(lambda batches: intake(batches, tables, self._reader))

    # -- in ---------------------------------------------------------------------------------------------------------

    def take(self, lines: Sequence[bytes], headers: Sequence[tuple[str, bytes]] = ()) -> list[Taken]:
        """Append events to the input topics, durably; what cannot be read too, it ends as a dead letter."""
        places = [self._place(line, headers) for line in lines]
        results: list[Taken | None] = [None] * len(lines)
        order = sorted(range(len(lines)), key=lambda i: places[i][:2])
        with self.store.transaction():
            for (topic, partition), group in groupby(order, key=lambda i: places[i][:2]):
                indexes = list(group)
                letters = [Letter(lines[i], list(headers)) for i in indexes]
                base = self.store.append_raw(topic, partition, letters, self._now())
                for step, i in enumerate(indexes):
                    results[i] = Taken(topic, partition, base + step, places[i][2], places[i][3])
        self._wake.set()
        return [taken for taken in results if taken is not None]

    def _place(
        self, line: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> tuple[str, int, Accepted | None, Refusal | None]:
        topic, key, accepted, refusal = placed(self._reader, line, headers)
        return topic, 0 if key is None else partition_of(key, self.store.partitions), accepted, refusal

    def append(self, lines: Sequence[bytes]) -> None:
        """Append structured events to the input topics, durably and unread: for whoever wants no receipts."""
        topics: dict[str, list[Letter]] = {}
        for line in lines:
            topics.setdefault(likely_topic(line), []).append(Letter(line, []))
        with self.store.transaction():
            for number, (topic, letters) in enumerate(topics.items()):
                self.store.append_raw(topic, number % self.store.partitions, letters, self._now())
        self._wake.set()

    # -- looked at (`app.engine.host.Host`) -------------------------------------------------------------------------

    @property
    def partitions(self) -> int:
        return self.store.partitions

    @property
    def owners(self) -> dict[int, str]:
        """Nobody else has anything."""
        return {}

    @property
    def address(self) -> str:
        return ""

    def lag(self) -> dict[tuple[str, int], tuple[int, int]]:
        return {place: (position, self.store.end(*place)) for place, position in self._positions.items()}

    @property
    def stale(self) -> bool:
        return self.backlog() > 0

    def written(self) -> dict[tuple[str, int], int]:
        return {
            (topic, 0): self.store.end(topic, 0) for topic in (STATEMENTS, *(name + DEAD_LETTERS for name in INPUTS))
        }

    def about(self) -> dict[str, str | int]:
        return {"host": "embedded", "store": self.store.path.name, "partitions": self.partitions}

    def ready(self) -> tuple[bool, str]:
        return True, f"every partition answers ({self.partitions} of {self.partitions})"

    # -- through ----------------------------------------------------------------------------------------------------

    def backlog(self) -> int:
        """Records that some agent has not acknowledged yet."""
        return sum(end - position for position, end in self.lag().values())

    async def work(self) -> int:
        """One round over all topics: at most one batch each. How many records were acknowledged.

        A round that finds nothing to do makes the statements that were put off; then the moment is handed in.
        """
        done = 0
        for place, agent in self._intakes.items():
            done += await self._step(agent, *place)
        for topic in WORKED_OFF:
            for partition in range(self.store.partitions):
                done += await self._step(self._agents[topic, partition], topic, partition)
        if not done:
            for place in [place for place in self._agents if place in self._owing]:
                await self._carry(self._agents[place], Batch(*place, [], limit=STATED))
            if self._clock is not None and self.idle:
                self.hand_in(self._clock())
        return done

    def hand_in(self, at: int) -> int:
        """Tell documents that wait for a moment (microseconds) which it is; how many partitions have any that do."""
        due = [p for p, moment in self.dues.items() if moment <= at]
        if due:
            with self.store.transaction():
                for p in due:
                    self.store.append_journal(DOCUMENTS, p, [Moment(at, self.store.partitions)])
                    del self.dues[p]
        return len(due)

    @property
    def idle(self) -> bool:
        """Whether nothing waits: no records, and nothing to state."""
        return not self._owing and not self.backlog()

    async def drain(self, progress: Callable[[int], None] = lambda done: None) -> int:
        """Work until nothing is left; `progress` is told how many records each round acknowledged."""
        total = 0
        while (done := await self.work()) or not self.idle:
            total += done
            progress(done)
            await asyncio.sleep(0)
        return total

    async def run(self) -> None:
        """Work for ever, sleeping while there is nothing to do."""
        while True:
            self._wake.clear()
            if await self.work() or not self.idle:
                await asyncio.sleep(0)
            else:
                await self._sleep()

    async def _sleep(self) -> None:
        """Until something comes, or a document waits no longer."""
        pause = None
        if self.dues and self._clock is not None:
            pause = max(0, min(self.dues.values()) - self._clock()) / 1_000_000
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._wake.wait()

    async def _step(self, agent: Runner, topic: str, partition: int) -> int:
        position = self._positions[topic, partition]
        if self.store.end(topic, partition) <= position:
            return 0
        records = self.store.read(topic, partition, position, self._batch_size)
        place = (topic, partition)
        publish = place in self._published and monotonic() - self._published[place] > PUBLISH_SECONDS
        await self._carry(agent, Batch(topic, partition, records, publish=publish, limit=STATED))
        if topic not in JOURNALS:
            self.processed += len(records)
        return len(records)

    async def _carry(self, agent: Runner, batch: Batch) -> None:
        """Step the agent and deliver all effects with the position, in one transaction."""
        place = (batch.topic, batch.partition)
        with self.store.transaction():
            effects = await agent.step(batch)
            published = self._deliver(effects)
            if batch.records:
                self.store.advance(*place, batch.records[-1].offset + 1)
        if batch.records:
            self._positions[place] = batch.records[-1].offset + 1
        if place in self._published:
            self._note_publication(place, effects)
        if place[0] == DOCUMENTS:
            self.dues.pop(place[1], None)
            if effects.due is not None:
                self.dues[place[1]] = effects.due
        for listener in self.listeners:
            listener(effects)
        self.feed.publish(published)

    def _note_publication(self, place: tuple[str, int], effects: Effects) -> None:
        if effects.batch.publish:
            self._published[place] = monotonic()
        if effects.batch.publish and not effects.owing:
            self._owing.discard(place)
        else:
            self._owing.add(place)

    # -- out --------------------------------------------------------------------------------------------------------

    def _deliver(self, effects: Effects) -> list[Published]:
        self.tables[effects.batch.partition].write(effects.writes)
        for (topic, partition), sends in addressed(effects.sends, self.store.partitions).items():
            self.store.append_journal(topic, partition, [send.value for send in sends])
        self._bury(effects.dead_letters)
        return self._state(effects.statements)

    def _bury(self, letters: Iterable[DeadLetter]) -> None:
        for topic, group in groupby(letters, key=lambda letter: letter.topic):
            kept = [Letter(letter.value, dead_letter_headers(letter)) for letter in group]
            self.store.append_raw(topic + DEAD_LETTERS, 0, kept, self._now())

    def _state(self, statements: Sequence[Statement]) -> list[Published]:
        if not statements:
            return []
        encoded = [encode(statement) for statement in statements]
        letters = [
            Letter(value, [("topic", said.topic.encode()), ("type", said.type.encode())], said.key)
            for said, value in zip(statements, encoded, strict=True)
        ]
        base = self.store.append_raw(STATEMENTS, 0, letters, self._now())
        rows = [(said.topic, said.key, base + i, said.type, encoded[i]) for i, said in enumerate(statements)]
        self.store.put_latest(rows)
        self.store.trim(STATEMENTS, KEPT_STATEMENTS)
        self.stated += len(statements)
        return [Published(position, topic, key, type_, value) for topic, key, position, type_, value in rows]
