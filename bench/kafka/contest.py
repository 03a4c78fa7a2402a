"""Running contestants in turn: one process each, one line of JSON back, the order rotated from round to round."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.kafka.environment import ROOT
from bench.kafka.task import Task
from tests.kafka.broker import until_we_end
from tests.kafka.jars import UnavailableError

LIMIT_SECONDS: Final = 150


@dataclass(frozen=True, slots=True)
class Contestant:
    """`command` makes the command line or raises UnavailableError.

    A `slow` one gets the first tenth of the events; a `prefixed` one reads a copy of them in a topic of its own group.
    """

    key: str
    name: str
    command: Callable[[], list[str]]
    slow: bool = False
    prefixed: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """What one run came to; `trouble` says why there are no figures, or why they do not count."""

    contestant: str
    events: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    memory: int = 0
    statements: int = 0
    trouble: str = ""

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds if self.seconds else 0.0


def rotated(contestants: Sequence[Contestant], rounds: int) -> Iterator[tuple[int, Contestant]]:
    """Every contestant once a round; each round begins further on, so nobody always runs first."""
    for number in range(rounds):
        start = number * (len(contestants) // rounds)
        for contestant in (*contestants[start:], *contestants[:start]):
            yield number, contestant


def run(contestant: Contestant, task: Task) -> Run:
    """Run one contestant to its answer. What went wrong is an outcome, too: the contest goes on."""
    try:
        command = contestant.command()
    except UnavailableError as missing:
        return Run(contestant.name, trouble=f"missing: {missing}")
    shutil.rmtree(task.folder, ignore_errors=True)
    task.folder.mkdir(parents=True)
    said = task.folder.with_suffix(".log")
    with said.open("wb") as log:
        process = subprocess.Popen(
            [*until_we_end(), *command],
            cwd=ROOT,
            env={**os.environ, **task.environment()},
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        try:
            answer, _ = process.communicate(timeout=LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            return Run(contestant.name, trouble=f"no answer within {LIMIT_SECONDS} s; see {said}")
        finally:
            end(process)
    lines = [line for line in answer.splitlines() if line.startswith(b"{")]  # a framework may say things of its own
    if process.returncode or not lines:
        return Run(contestant.name, trouble=f"ended with {process.returncode}: {last_line(said)}")
    result = json.loads(lines[-1])
    return Run(contestant.name, result["events"], result["seconds"], result["cpu"], result["memory"])


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it started, if anything of it is left."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def last_line(path: Path) -> str:
    lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else f"{path} is empty"
