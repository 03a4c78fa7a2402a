"""The real job: a simulated firm's events, by idiomatic Faust and by headrace, to the same statements.

Both run as a process of their own that knows nothing of being measured: the clock runs from the first record in a
journal to the last statement, CPU and memory are those of the process and what it started.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from agents.effects import INPUTS, JOURNALS
from app.engine.kafka.topics import Topic, changelog, product
from bench.kafka import story
from bench.kafka.cluster import Cluster, Pair
from bench.kafka.contest import Run, end
from bench.kafka.environment import ROOT, headrace
from bench.kafka.probe import Target, targets
from bench.kafka.processes import Watch
from bench.kafka.task import Task
from tables import TABLES
from tests.kafka.broker import until_we_end

LIMIT_SECONDS: Final = 180
STOP_SECONDS: Final = 15
QUIET_SECONDS: Final = 1.5
"""So long nothing may happen before a group is believed to be done; a worker may commit first and state later."""

IDIOMATIC: Final = "Faust, idiomatic, the same folds"
OURS: Final = "headrace worker"
TIME: Final = b'"type":"time.'


@dataclass(frozen=True, slots=True)
class Firm:
    """One way to run the firm. `start` gives the command line and the environment of a worker of a group.

    `kept` are topics without which a worker would not find its feet: Faust makes its changelogs itself, but goes on
    before the broker shows them, and then loses records.
    """

    key: str
    name: str
    start: Callable[[Cluster, str, Path], tuple[list[str], dict[str, str]]]
    kept: Callable[[str], list[Topic]] = lambda group: []


def _idiomatic(cluster: Cluster, group: str, folder: Path) -> tuple[list[str], dict[str, str]]:
    task = Task(cluster.address, "", "", cluster.partitions, 0, group, folder)
    return headrace("firm_faust"), task.environment()


def _ours(cluster: Cluster, group: str, folder: Path) -> tuple[list[str], dict[str, str]]:
    options = ["--kafka", cluster.address, "--group", group, "--partitions", str(cluster.partitions)]
    command = [sys.executable, "-m", "app.cli", "worker", *options, "--port", "0", "--no-ticks"]
    return command, {"HEADRACE_KAFKA_DATA_DIR": str(folder)}


def _changelogs(group: str) -> list[Topic]:
    return [changelog(f"{group}-{table.name}-changelog") for table in TABLES]


FIRMS: Final = (Firm("idiomatic", IDIOMATIC, _idiomatic, _changelogs), Firm("headrace", OURS, _ours))


@dataclass(frozen=True, slots=True)
class Story:
    """What every firm is told, and what it has to say in the end; `before` it is told first, which is not measured."""

    events: int
    topics: dict[str, list[Pair]]
    truth: story.Said
    aims: list[Target]
    before: dict[str, list[Pair]] = field(default_factory=dict)

    @classmethod
    def of(cls, events: int) -> Story:
        lines = story.lines(events)
        return cls(len(lines), story.by_topic(lines), story.truth(lines), targets(lines))

    def time_alone(self) -> Story:
        """Of the same events those about time, once everything else is known."""
        time, rest = (
            {name: [pair for pair in pairs if (TIME in pair[1]) is wanted] for name, pairs in self.topics.items()}
            for wanted in (True, False)
        )
        return replace(self, events=sum(map(len, time.values())), topics=time, before=rest)


class Stage:
    """One group on the broker: its topics, filled or not, and its workers."""

    def __init__(self, firm: Firm, cluster: Cluster, group: str, folder: Path) -> None:
        self.firm, self.cluster, self.group, self.folder = firm, cluster, group, folder
        self.workers: list[subprocess.Popen[bytes]] = []

    def topic(self, name: str) -> str:
        return f"{self.group}.{name}"

    @property
    def read(self) -> list[str]:
        """Topics that the workers read."""
        return [self.topic(name) for name in (*INPUTS, *JOURNALS)]

    def prepare(self) -> None:
        """Make the topics as the product makes them."""
        for topic in (*product(self.group), *self.firm.kept(self.group)):
            self.cluster.create([topic.name], topic.config)

    def fill(self, topics: Mapping[str, Sequence[Pair]]) -> None:
        for name, pairs in topics.items():
            self.cluster.fill(self.topic(name), pairs)

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        """One more worker."""
        number = len(self.workers)
        folder = self.folder / f"{self.group}-{number}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        command, own = self.firm.start(self.cluster, self.group, folder)
        with folder.with_suffix(".log").open("wb") as log:
            worker = subprocess.Popen(
                [*until_we_end(), *command],
                cwd=ROOT,
                env={**os.environ, **own, **environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.workers.append(worker)
        return worker

    def settle(self, seconds: float = LIMIT_SECONDS) -> None:
        """Return once everything is committed, what the workers sent each other too, and nothing more is stated."""
        deadline = time.monotonic() + seconds
        quiet_since, stated = time.monotonic(), -1
        while time.monotonic() - quiet_since < QUIET_SECONDS:
            time.sleep(0.3)
            left, said = self.cluster.behind(self.group, self.read), self.cluster.records(self.stated)
            if left or said != stated:
                quiet_since, stated = time.monotonic(), said
            ended = [worker.returncode for worker in self.workers if worker.poll() is not None]
            if ended or time.monotonic() > deadline:
                why = f"a worker ended with {ended[0]}" if ended else f"not done after {seconds:.0f} s"
                raise Stuck(f"{why}, {left:,} records left; see {self.folder}/{self.group}-*.log")

    def span(self, since: float) -> tuple[float, float]:
        """Wall clock of the first record in a journal from an instant on, and of the last statement."""
        journals = [self.topic(name) for name in JOURNALS]
        began = min(made for message in self.cluster.read(journals) if (made := stamp(message)) >= since)
        ended = max(stamp(message) for message in self.cluster.read(self.stated))
        return began, ended

    @property
    def stated(self) -> list[str]:
        return [self.topic(name) for name in story.STATED]

    def said(self) -> story.Said:
        """The latest statement for each key, as it was written."""
        latest: story.Said = {}
        cut = len(self.group) + 1
        for message in self.cluster.read(self.stated):
            latest[message.topic()[cut:], message.key()] = message.value()
        return latest

    def close(self) -> None:
        """End the workers, in good order if they can, and take the topics away."""
        for worker in self.workers:
            if worker.poll() is None:
                worker.terminate()
        for worker in self.workers:
            try:
                worker.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                end(worker)
        self.cluster.drop(self.group)


class Stuck(Exception):  # noqa: N818 - what the worker is
    """A worker ended, or does not come to an end; says where its log is."""


def stamp(message: Any) -> float:
    """When the record was made, seconds of the wall clock; to the millisecond."""
    return float(message.timestamp()[1]) / 1_000


def measured(stage: Stage, told: Story) -> Run:
    """Fill the group's topics, let one worker catch up, compare what it says. The worker is left running."""
    stage.prepare()
    stage.fill(told.before or told.topics)
    since = 0.0
    try:
        with Watch(stage.start().pid) as watch:
            stage.settle()
            if told.before:
                since = time.time()
                stage.fill(told.topics)
                stage.settle()
    except Stuck as stuck:
        return Run(stage.firm.name, trouble=f"failed: {stuck}")
    began, ended = stage.span(since)
    wrong = list(story.wrong(stage.said(), told.truth))
    return Run(
        stage.firm.name,
        told.events,
        ended - began,
        watch.cpu_between(began, ended),
        watch.peak_memory,
        stage.cluster.records(stage.stated),
        f"WRONG: {len(wrong):,} of {len(told.truth):,} statements, as {wrong[0]}" if wrong else "",
    )
