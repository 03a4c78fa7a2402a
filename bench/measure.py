"""What every benchmark needs: a log to read, a child to time, a table to print."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from app.commands.output import table
from app.simulation.firm import simulate
from app.simulation.scenario import Scenario

Row = tuple[str, ...]
"""Title row first, then the figures."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a whole process took: seconds of wall and CPU, peak resident memory in MB."""

    wall: float
    cpu: float
    memory: int


def log(folder: Path, events: int, **options: object) -> Path:
    """A simulated log of `events` lines, made once per folder and scenario."""
    name = "-".join([f"{events}", *(f"{key}{value}" for key, value in sorted(options.items()))])
    path = folder / f"log-{name}.jsonl"
    if not path.exists():
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            for line in simulate(Scenario(events=events, **options)):  # type: ignore[arg-type]
                file.write(line + b"\n")
        partial.rename(path)
    return path


def timed(arguments: Sequence[str]) -> Cost:
    """Run `python …` to its end; raises CalledProcessError if it fails. CPU and memory include its own children."""
    begun = perf_counter()
    child = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, arguments)
    return Cost(perf_counter() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024)


def show(title: str, rows: Sequence[Row]) -> None:
    table(title, rows[0], rows[1:], right=range(1, len(rows[0])))
