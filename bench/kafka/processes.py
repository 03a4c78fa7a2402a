"""What a process and everything it started take: CPU and memory, sampled from /proc while they run."""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_left
from pathlib import Path
from typing import Final, NamedTuple

EVERY_SECONDS: Final = 0.1
_TICK: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Sample(NamedTuple):
    """`at` is seconds of the wall clock, `cpu` seconds since the process began, `memory` bytes."""

    at: float
    cpu: float
    memory: int


class Watch:
    """Samples one process and its descendants on a thread of its own, from `with` to its end."""

    def __init__(self, pid: int) -> None:
        self.samples: list[Sample] = []
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            taken = [read for pid in tree(self._pid) if (read := _read(pid))]
            self.samples.append(Sample(time.time(), sum(cpu for cpu, _ in taken), sum(size for _, size in taken)))

    def cpu_between(self, begin: float, end: float) -> float:
        """CPU seconds between two instants of the wall clock, to the precision of the samples."""
        return self._cpu_at(end) - self._cpu_at(begin)

    def _cpu_at(self, instant: float) -> float:
        """Straight between the two samples around the instant."""
        place = bisect_left(self.samples, instant, key=lambda sample: sample.at)
        if place in (0, len(self.samples)):
            return self.samples[min(place, len(self.samples) - 1)].cpu
        before, after = self.samples[place - 1], self.samples[place]
        return before.cpu + (after.cpu - before.cpu) * (instant - before.at) / (after.at - before.at)

    @property
    def peak_memory(self) -> int:
        """The most they held together at any sample, in MB."""
        return max(sample.memory for sample in self.samples) // 1_000_000


def tree(root: int) -> list[int]:
    """The process and all of its descendants, parents first."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _fields(int(folder.name))):
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    found = [root]
    for pid in found:
        found += children.get(pid, ())
    return found


def _fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name, beginning with the state; none once the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _read(pid: int) -> tuple[float, int] | None:
    """(CPU seconds, bytes resident)."""
    fields = _fields(pid)
    return ((int(fields[11]) + int(fields[12])) / _TICK, int(fields[21]) * _PAGE) if fields else None
