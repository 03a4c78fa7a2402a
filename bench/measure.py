"""What every benchmark needs: a log to read, a child to time, a table to print."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
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
    """Run `python …` to its end; raises CalledProcessError if it fails."""
    before, begun = getrusage(RUSAGE_CHILDREN), perf_counter()
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
    wall, after = perf_counter() - begun, getrusage(RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu, after.ru_maxrss // 1024)


def show(title: str, rows: Sequence[Row]) -> None:
    table(title, rows[0], rows[1:], right=range(1, len(rows[0])))
