"""What every contestant is told and what it answers: environment in, one line of JSON out. Standard library only."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time


@dataclass(frozen=True, slots=True)
class Task:
    """One run. `topic` holds `events` records in `partitions` partitions; what is stated goes to `output`.

    `name` is unique to the run: the consumer group, the application id, the beginning of the names of its own topics.
    `folder` is empty and the run's own.
    """

    bootstrap: str
    topic: str
    output: str
    partitions: int
    events: int
    name: str
    folder: Path

    @property
    def changelog(self) -> str:
        """A topic for whoever keeps a changelog and does not make one."""
        return f"{self.name}-changelog"

    def environment(self) -> dict[str, str]:
        """The task as the environment of the contestant's process."""
        return {
            "BENCH_BOOTSTRAP": self.bootstrap,
            "BENCH_TOPIC": self.topic,
            "BENCH_OUTPUT": self.output,
            "BENCH_PARTITIONS": str(self.partitions),
            "BENCH_EVENTS": str(self.events),
            "BENCH_NAME": self.name,
            "BENCH_FOLDER": str(self.folder),
        }

    @classmethod
    def given(cls, environment: Mapping[str, str] = os.environ) -> Task:
        """The task of this process. Raises KeyError where the environment does not say one."""
        return cls(
            environment["BENCH_BOOTSTRAP"],
            environment["BENCH_TOPIC"],
            environment["BENCH_OUTPUT"],
            int(environment["BENCH_PARTITIONS"]),
            int(environment["BENCH_EVENTS"]),
            environment["BENCH_NAME"],
            Path(environment["BENCH_FOLDER"]),
        )


class Meter:
    """Seconds of wall and CPU of this process, from the first event it sees until everything is delivered."""

    def __init__(self) -> None:
        self.events = 0
        self._begun: tuple[float, float] | None = None
        self._taken: tuple[float, float] | None = None

    def begin(self) -> None:
        """The first call starts the clocks; others do nothing."""
        if self._begun is None:
            self._begun = perf_counter(), process_time()

    def stop(self) -> None:
        """The first call stops the clocks; others do nothing."""
        if self._begun is None:
            raise RuntimeError("no event was seen; call begin() at the first one")
        if self._taken is None:
            self._taken = perf_counter() - self._begun[0], process_time() - self._begun[1]

    def answer(self, events: int) -> None:
        """Stop the clocks and print the answer."""
        self.stop()
        assert self._taken is not None
        seconds, cpu = self._taken
        said = json.dumps({"events": events, "seconds": seconds, "cpu": cpu, "memory": peak_memory()})
        print(f"\n{said}", flush=True)  # on a line of its own, whatever a framework left on the last one


def peak_memory() -> int:
    """The most resident memory this process had so far, in MB. Unlike ru_maxrss it says nothing of the parent's."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) // 1024
    raise RuntimeError("/proc/self/status has no VmHWM; run the benchmark on Linux")
