"""A replay on several cores: every worker reads a share of the log and owns a partition of everything.

Order does not matter to the agents, so workers hand each other records as they come. Nobody asks for a figure on the
way, so each agent is given all of its records at once: an entity's homes are told once, and a contract is folded once,
with all of its terms, rates and work at hand. Workers wait for each other between the agents.
"""

from __future__ import annotations

import gc
import multiprocessing
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkContext, SpawnContext
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from queue import Empty
from typing import Any

import msgspec

from agents.effects import DOCUMENTS, ENGAGEMENTS, FACTS, PRACTICES, RESOURCES, DeadLetter
from app.domain.utilization import WINDOW, Window
from app.engine.memory import WHOLE, MemoryHost
from app.engine.runner import finish
from app.events.fact import Fact
from app.events.journalled import Journalled
from app.events.reader import Reader
from app.garbage import uncollected
from app.replay.journals import Journals, fold_accepted
from app.replay.lines import ReplayError, Span, chunks
from app.replay.part import Part, part_of

CHUNK = 20_000
"""Records that are read at once."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Journalled]).decode

_STAGES = ((FACTS,), (RESOURCES,), (PRACTICES, ENGAGEMENTS, DOCUMENTS))
"""What each of these tells the later ones must have come before those begin."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked of a replay, whoever does it.

    `supposed` is the number of the file with the events of a scenario: of those `known_at` does not ask when they were
    accepted, as nobody accepted them.
    """

    as_of: int | None = None
    known_at: int | None = None
    partitions: int = 1
    authority: Mapping[str, frozenset[str]] | None = None
    max_event_bytes: int = 1_000_000
    window: Window = WINDOW
    supposed: int | None = None

    def reader(self) -> Reader:
        return Reader(self.authority, self.max_event_bytes)

    def host(self, on_dead_letter: Callable[[DeadLetter], None]) -> MemoryHost:
        """All partitions of the replay, in this process."""
        return MemoryHost(
            self.partitions,
            reader=self.reader(),
            batch_size=WHOLE,
            publish=False,
            until=self.known_at,
            supposed=() if self.supposed is None else (self.supposed,),
            on_dead_letter=on_dead_letter,
        )


def fold_alone(spans: Sequence[Span], job: Job, progress: Callable[[int], None]) -> Part:
    """The whole log in this process, over `job.partitions` partitions."""
    letters: list[DeadLetter] = []
    host = job.host(letters.append)
    with uncollected():
        for span in spans:
            for records in chunks(span, CHUNK, progress):
                finish(host.accept(span.path.name, records, span.number))
        finish(host.drain())
        return part_of(host, letters, job.as_of, job.window)


async def fold_journals(
    journals: Journals, refused: Sequence[DeadLetter], spans: Sequence[Span], job: Job, progress: Callable[[int], None]
) -> Part:
    """What intake accepted (and `refused`) before, and files on top, in this process; `progress` is told records.

    Journals are trusted: who may speak for what was decided when their records came in.
    """
    letters: list[DeadLetter] = []
    host = job.host(letters.append)

    def known(facts: list[Fact]) -> list[Fact]:
        kept = [fact for fact in facts if job.known_at is None or fact.accepted <= job.known_at]
        host.read += len(kept)
        host.later += len(facts) - len(kept)
        return kept

    with uncollected():
        await fold_accepted(host, journals, progress, known)
        for span in spans:
            for records in chunks(span, CHUNK):
                await host.accept(span.path.name, records, span.number)
        await host.drain()
        part = part_of(host, letters, job.as_of, job.window)
    part.read += len(refused)
    part.counts["dead_lettered"] += len(refused)
    return part


def fold_together(spans: Sequence[Span], job: Job, workers: int, progress: Callable[[int], None]) -> list[Part]:
    """The log by as many processes; their parts. Raises ReplayError if one of them fails."""
    # A fork has everything imported. Where a lock might be another thread's, or forks are not the platform's own way,
    # processes begin anew.
    forks = multiprocessing.get_start_method() == "fork" and threading.active_count() == 1
    context: ForkContext | SpawnContext
    context = multiprocessing.get_context("fork") if forks else multiprocessing.get_context("spawn")
    inboxes: list[Queue[Any]] = [context.Queue() for _ in range(workers)]
    results: Queue[Any] = context.Queue()
    children: list[BaseProcess] = [
        context.Process(target=_work, args=(index, list(spans[index::workers]), job, inboxes, results), daemon=True)
        for index in range(workers)
    ]
    for child in children:
        child.start()
    try:
        return _collect(children, results, progress)
    finally:
        for child in children:
            child.terminate()
            child.join()


def _collect(children: Sequence[BaseProcess], results: Queue[Any], progress: Callable[[int], None]) -> list[Part]:
    parts: dict[int, Part] = {}
    while len(parts) < len(children):
        try:
            kind, index, value = results.get(timeout=1)
        except Empty:
            dead = [child for index, child in enumerate(children) if index not in parts and not child.is_alive()]
            if dead:
                raise ReplayError(f"a worker ended early (exit code {dead[0].exitcode}); try --workers 1") from None
            continue
        if kind == "progress":
            progress(value)
        elif kind == "failed":
            raise ReplayError(value)
        else:
            parts[index] = value
    return [parts[index] for index in sorted(parts)]


def _work(index: int, spans: list[Span], job: Job, inboxes: list[Queue[Any]], results: Queue[Any]) -> None:
    """One process: its spans in, its partition's part out."""
    gc.disable()
    try:
        results.put(("part", index, _Worker(index, job, inboxes, results).fold(spans)))
    except (ReplayError, OSError) as error:
        results.put(("failed", index, str(error)))


class _Worker:
    def __init__(self, index: int, job: Job, inboxes: list[Queue[Any]], results: Queue[Any]) -> None:
        self._index, self._job, self._inboxes, self._results = index, job, inboxes, results
        self._letters: list[DeadLetter] = []
        self._ended = dict.fromkeys(map(str, range(len(_STAGES))), 0)
        self._host = MemoryHost(
            len(inboxes),
            reader=job.reader(),
            batch_size=WHOLE,
            publish=False,
            until=job.known_at,
            supposed=() if job.supposed is None else (job.supposed * len(inboxes) + index,),
            on_dead_letter=self._letters.append,
            own=[index],
            on_foreign=self._send,
        )

    def fold(self, spans: Sequence[Span]) -> Part:
        workers = len(self._inboxes)
        for span in spans:
            # An origin of its own: what one worker reads keeps its order on the way to every other.
            origin = span.number * workers + self._index
            for records in chunks(span, CHUNK, self._progress):
                finish(self._host.accept(span.path.name, records, origin))
                self._receive(wait=False)
        for number, topics in enumerate(_STAGES):
            self._end(str(number))
            finish(self._host.drain(topics))
        part = part_of(self._host, self._letters, self._job.as_of, self._job.window)
        part.dead_letters = [letter._replace(partition=letter.partition // workers) for letter in self._letters]
        return part

    def _progress(self, read: int) -> None:
        self._results.put(("progress", self._index, read))

    def _send(self, topic: str, partition: int, values: list[Any]) -> None:
        self._inboxes[partition].put((topic, _encode(values)))

    def _receive(self, *, wait: bool) -> None:
        """Take in what others sent; with `wait`, until one more message came."""
        inbox = self._inboxes[self._index]
        while True:
            try:
                topic, value = inbox.get(block=wait)
            except Empty:
                return
            wait = False
            if topic in self._ended:
                self._ended[topic] += 1
            else:
                self._host.receive(topic, self._index, _decode(value))

    def _end(self, stage: str) -> None:
        """Tell everybody that nothing of this stage will follow, and wait until everybody said so."""
        for inbox in self._inboxes:
            inbox.put((stage, b""))
        while self._ended[stage] < len(self._inboxes):
            self._receive(wait=True)
