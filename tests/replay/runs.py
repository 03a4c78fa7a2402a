"""Running `headrace replay` as a user does, and reading the files it writes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from app import cli
from app.simulation.firm import simulate
from app.simulation.scenario import DEFAULT_END, Scenario
from tests.engine.runs import documented, forecasted, hinted, modelled
from tests.model import oracle

Row = dict[str, Any]

FAULTY = Scenario(
    seed=5,
    events=3_000,
    late_ratio=0.05,
    duplicate_ratio=0.05,
    disorder=50,
    malformed_ratio=0.02,
    conflict_ratio=0.01,
)
"""A firm whose messages suffer all that the simulation knows."""
AS_OF = DEFAULT_END.isoformat()
ATTRIBUTES = ("engine_version", "correlationid", "causationid")


@dataclass(frozen=True)
class Replayed:
    """The result files of one replay."""

    out: Path

    @property
    def summary(self) -> dict[str, Any]:
        summary: dict[str, Any] = orjson.loads((self.out / "summary.json").read_bytes())
        return summary

    def rows(self, name: str) -> list[Row]:
        return [orjson.loads(line) for line in (self.out / name).read_bytes().splitlines()]

    def figures(self) -> oracle.Figures:
        """The rows in the model's form: without who computed them, and of a blocker what both sides state."""
        burn = {(row["contract_id"], row["line_id"]): _bare(row) for row in self.rows("burn.jsonl")}
        readiness = {row["contract_id"]: modelled(_bare(row)) for row in self.rows("readiness.jsonl")}
        forecast = {row["contract_id"]: forecasted(_bare(row)) for row in self.rows("forecast.jsonl")}
        rows = [hinted(_bare(row)) for row in self.rows("revenue.jsonl")]
        revenue = {(row["contract_id"], row["line_id"], row["period"]): row for row in rows}
        documents = {row["document_key"]: documented(_bare(row)) for row in self.rows("documents.jsonl")}
        return oracle.Figures(burn, readiness, self.summary["records"]["parked"], forecast, revenue, documents)


def _bare(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in ATTRIBUTES}


def replay(out: Path, *files: Path, options: Sequence[object] = ("--as-of", AS_OF)) -> Replayed:
    """Replay `files` into the folder `out`, in this process."""
    assert cli.main(["replay", *map(str, files), "--out", str(out), *map(str, options)]) == 0
    return Replayed(out)


def command(*words: object) -> subprocess.CompletedProcess[bytes]:
    """`headrace` as a process of its own."""
    argv = [sys.executable, "-m", "app.cli", *map(str, words)]
    return subprocess.run(argv, capture_output=True, timeout=60, check=False)


def firm(scenario: Scenario = FAULTY) -> list[bytes]:
    """The lines of a simulated firm."""
    return list(simulate(scenario))


def written(path: Path, lines: Iterable[bytes], end: bytes = b"\n") -> Path:
    """`path`, holding `lines`."""
    path.write_bytes(b"".join(line + end for line in lines))
    return path


def as_lines(events: Iterable[Row]) -> list[bytes]:
    return [orjson.dumps(event) for event in events]


def day(text: str) -> date:
    return date.fromisoformat(text)
