"""A host as one over a log broker would be, and a power cut at any moment.

Everything durable is bytes: journals, tables (one changelog each), positions, statements, dead letters. The rest is
forgotten when the dice say so. A cut leaves a prefix of what a batch wrote, and of what it sent to each partition; the
batch was not acknowledged and comes again, cut otherwise perhaps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol, TypeVar

import msgspec

from agents.effects import (
    DOCUMENTS,
    ENGAGEMENTS,
    PRACTICES,
    RESOURCES,
    Batch,
    DeadLetter,
    Effects,
    Record,
    Statement,
)
from agents.intake import intake
from app.engine.runner import Runner, finish
from app.engine.topology import READERS, STATING, addressed
from app.events.journalled import Journalled
from app.events.reader import Reader
from tables import TABLES, Table

V = TypeVar("V")
Place = tuple[str, int]

INPUT = "log"
LATE = 200
"""What comes late in a run, at most: a process that starts again says much again, and of that something is late again.
"""
# What the agents write that state something: its fences are offsets of their journals.
_KEPT = {
    ENGAGEMENTS: ("reference", "dossiers", "invoices", "buckets", "pages", "plans", "heads", "standings", "proposals"),
    RESOURCES: ("people", "leaves", "schedules", "weeks", "holidays", "policies", "turns"),
    PRACTICES: ("shares", "openings", "group_turns", "measures"),
    DOCUMENTS: ("outbox", "halts", "windows", "quotas", "moments", "alarms"),
}
_CONTROL = {ENGAGEMENTS: "engagement", RESOURCES: "resource", PRACTICES: "practice", DOCUMENTS: "gate"}
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Journalled).decode


class ByteStore:
    """The tables of one partition as bytes: what is read can be changed without changing what is stored."""

    def __init__(self) -> None:
        self._values: dict[str, dict[str, bytes]] = {table.name: {} for table in TABLES}

    def get(self, table: Table[V], key: str) -> V | None:
        value = self._values[table.name].get(key)
        return None if value is None else table.decode(value)

    def keys(self, table: Table[Any]) -> Iterable[str]:
        return sorted(self._values[table.name])

    def scan(self, table: Table[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
        for key in self.keys(table):
            if key.startswith(prefix):
                yield key, table.decode(self._values[table.name][key])

    def put(self, name: str, key: str, value: bytes | None) -> None:
        if value is None:
            self._values[name].pop(key, None)
        else:
            self._values[name][key] = value


Writes = list[tuple[str, str, bytes | None]]
"""(table, key, value or None) in the order in which an agent gave them."""


class Fate(Protocol):
    """Decides what comes next, when the power fails, and what survives it."""

    def choose(self, places: Sequence[Place]) -> Place: ...

    def size(self) -> int:
        """Of the next batch."""
        ...

    def silent(self) -> bool:
        """Whether the next batch may not publish although it could."""
        ...

    def cut(self, writes: Writes) -> bool:
        """Whether the power fails while these are written."""
        ...

    def kept(self, writes: Writes) -> Writes: ...

    def prefix(self, items: Sequence[V]) -> list[V]:
        """What survives of records sent to one place."""
        ...

    def lingers(self) -> bool:
        """Whether the rest is still under way, and comes later."""
        ...

    def arrives(self) -> bool:
        """Whether something that was under way comes now."""
        ...


@dataclass(frozen=True, slots=True)
class Dice:
    """The power fails for `percent` of the batches; with `per_table`, each table keeps a prefix of its own.

    What a cut batch had not sent yet comes later in `late` of a hundred cases, as from a worker that was only stopped.
    """

    rng: Random
    percent: int
    per_table: bool = False
    late: int = 0

    def choose(self, places: Sequence[Place]) -> Place:
        return self.rng.choice(places)

    def size(self) -> int:
        return self.rng.choice((1, 2, 5, 20, 200))

    def silent(self) -> bool:
        return self.rng.random() < 0.3

    def cut(self, writes: Writes) -> bool:
        return self.rng.randrange(100) < self.percent

    def kept(self, writes: Writes) -> Writes:
        if not self.per_table:
            return self.prefix(writes)
        names = sorted({name for name, _, _ in writes})
        return [kept for name in names for kept in self.prefix([one for one in writes if one[0] == name])]

    def prefix(self, items: Sequence[V]) -> list[V]:
        return list(items[: self.rng.randint(0, len(items))])

    def lingers(self) -> bool:
        return self.late > 0 and self.rng.randrange(100) < self.late

    def arrives(self) -> bool:
        return self.late > 0 and self.rng.random() < 0.1


@dataclass(slots=True)
class Script:
    """The power fails once, at that batch: `keep` gives the writes that survive, `sent` whether all else did, or none.

    Batches are of one record; the one with the number `hushed` may not publish. `seen` are the writes of each, so that
    a run without a cut shows what could be cut.
    """

    batch: int | None = None
    keep: Callable[[Writes], Writes] = list
    sent: bool = False
    hushed: int | None = None
    seen: list[Writes] = field(default_factory=list)

    def choose(self, places: Sequence[Place]) -> Place:
        return places[-1]  # what is told goes all the way before the next is read

    def size(self) -> int:
        return 1

    def silent(self) -> bool:
        return len(self.seen) == self.hushed

    def cut(self, writes: Writes) -> bool:
        self.seen.append(writes)
        return len(self.seen) - 1 == self.batch

    def kept(self, writes: Writes) -> Writes:
        return self.keep(writes)

    def prefix(self, items: Sequence[V]) -> list[V]:
        return list(items) if self.sent else []

    def lingers(self) -> bool:
        return False

    def arrives(self) -> bool:
        return False


class PowerCutError(Exception):
    """The process is gone."""


@dataclass(slots=True)
class LossyHost:
    """Works off a log, dealt out to the partitions of one input topic, until nothing is left to do."""

    log: Sequence[bytes]
    fate: Fate
    partitions: int = 2
    inputs: int = 2
    stores: list[ByteStore] = field(init=False)
    statements: list[Statement] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    cuts: int = 0
    late: int = 0
    _owing: int = 0
    _under_way: list[tuple[Place, list[bytes]]] = field(default_factory=list)
    _journals: dict[Place, list[bytes]] = field(init=False)
    _positions: dict[Place, int] = field(init=False)
    _agents: dict[Place, Runner] = field(init=False)
    _fences: dict[Place, int] = field(init=False)

    def __post_init__(self) -> None:
        self.stores = [ByteStore() for _ in range(self.partitions)]
        self._journals = {(INPUT, p): list(self.log[p :: self.inputs]) for p in range(self.inputs)}
        self._journals.update(((topic, p), []) for topic in READERS for p in range(self.partitions))
        self._positions = dict.fromkeys(self._journals, 0)
        self._start()

    def run(self) -> None:
        self._work_off()
        while self._under_way:
            self._arrive()
            self._work_off()

    def _arrive(self) -> None:
        """Something comes that a worker sent who was stopped meanwhile; what it sent to one place, in its order."""
        place, values = self._under_way.pop(0)
        self._journals[place] += values

    def _work_off(self) -> None:
        for topic in ("", *STATING):
            for partition in range(self.partitions) if topic else ():
                # The last batches may have been told not to publish: an empty one may, and what it owes the next.
                while not self._survive((topic, partition), flush=True) or self._owing:
                    pass
            while places := [place for place, position in self._positions.items() if position < self._end(place)]:
                self._survive(self.fate.choose(places))
                if self._under_way and self.fate.arrives():
                    self._arrive()

    def more(self, lines: Sequence[bytes]) -> None:
        """Something more comes in."""
        self._journals[INPUT, 0] += lines

    def journal(self, topic: str, partition: int) -> list[Record]:
        """Every record that was sent to a partition of a journal."""
        return [Record(offset, _decode(value)) for offset, value in enumerate(self._journals[topic, partition])]

    def _end(self, place: Place) -> int:
        return len(self._journals[place])

    def _start(self) -> None:
        """A new process: agents that remember nothing, and the fences found in the tables."""
        self._agents = {
            (topic, p): read(self.stores[p]) for topic, read in READERS.items() for p in range(self.partitions)
        }
        for p in range(self.inputs):
            self._agents[INPUT, p] = Runner(lambda batches: intake(batches, self.stores[0], Reader()))
        self._fences = {(topic, p): self._highest_fence(topic, p) for topic in STATING for p in range(self.partitions)}

    def _highest_fence(self, topic: str, partition: int) -> int:
        store = self.stores[partition]
        tables = [table for table in TABLES if table.name.rpartition("-")[0] in _KEPT[topic]]
        fences = [value.fence for table in tables for _, value in store.scan(table)]
        controls = [table for table in TABLES if table.name.startswith("controls")]
        fences += [value.fence for t in controls for key, value in store.scan(t, f"{_CONTROL[topic]}/{partition}")]
        return max(fences, default=-1)

    def _survive(self, place: Place, *, flush: bool = False) -> bool:
        """One batch, or the end of this process and the start of the next; True if the batch was acknowledged."""
        try:
            self._step(place, flush)
        except PowerCutError:
            self.cuts += 1
            self._start()
            return False
        return True

    def _step(self, place: Place, flush: bool) -> None:
        topic, partition = place
        position = self._positions[place]
        size = 0 if flush else self.fate.size()
        values = self._journals[place][position : position + size]
        records = [
            Record(position + step, value if topic == INPUT else _decode(value)) for step, value in enumerate(values)
        ]
        behind = position + len(values) <= self._fences.get(place, -1)
        publish = flush or not (behind or self.fate.silent())
        effects = finish(self._agents[place].step(Batch(topic, partition, records, publish=publish)))
        self._owing = effects.owing
        self._deliver(effects, self.stores[0 if topic == INPUT else partition])
        self._positions[place] = position + len(values)

    def _deliver(self, effects: Effects, store: ByteStore) -> None:
        writes: Writes = [
            (table.name, key, None if value is None else table.encode(value)) for table, key, value in effects.writes
        ]
        appends = {
            place: [_encode(send.value) for send in sends]
            for place, sends in addressed(effects.sends, self.partitions).items()
        }
        cut = self.fate.cut(writes)
        for name, key, value in self.fate.kept(writes) if cut else writes:
            store.put(name, key, value)
        for place, encoded in appends.items():
            sent = self.fate.prefix(encoded) if cut else encoded
            self._journals[place] += sent
            if len(sent) < len(encoded) and self.late < LATE and self.fate.lingers():
                self.late += 1
                self._under_way.append((place, encoded[len(sent) :]))
        self.statements += self._kept_statements(effects.statements) if cut else effects.statements
        self.letters += self.fate.prefix(effects.dead_letters) if cut else effects.dead_letters
        if cut:
            raise PowerCutError

    def _kept_statements(self, statements: list[Statement]) -> list[Statement]:
        topics = sorted({statement.topic for statement in statements})
        return [kept for topic in topics for kept in self.fate.prefix([s for s in statements if s.topic == topic])]
